//! How fast values and trees are written. The input is made here: deployments and config maps as charts render them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hydrate_gotmpl::decode::{DecodeOptions, from_yaml};
use hydrate_gotmpl::encode;
use hydrate_yaml::emit::{Dialect, write_documents};
use std::hint::black_box;

const MANIFEST: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: example
  labels: {app.kubernetes.io/name: example, app.kubernetes.io/version: "1.2.3"}
  annotations:
    checksum/config: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    description: "a text: that has to be quoted, and that is long enough to be folded where texts are folded, which is only in one of the two"
spec:
  replicas: 3
  selector: {matchLabels: {app.kubernetes.io/name: example}}
  template:
    spec:
      containers:
      - name: app
        image: registry.example.com/app:v1.2.3
        args: [--listen=:8080, --log-level=info, "--empty="]
        env:
        - {name: ENABLED, value: "true"}
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        resources: {limits: {cpu: 500m, memory: 128Mi}, requests: {cpu: 0.25, memory: 1000000}}
      tolerations: []
      nodeSelector: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: example}
data:
  run.sh: |
    #!/bin/sh
    set -eu
    for name in a b c; do
      echo "$name" >> /tmp/names
    done
  notes: Größen in µm, and other words beyond ASCII
"#;

/// So many copies of the manifests are some megabytes.
const COPIES: usize = 2_500;

fn write(c: &mut Criterion) {
    let list: String = MANIFEST
        .split("\n---\n")
        .map(|document| format!("-\n{}\n", document.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")))
        .collect();
    let value = from_yaml(list.repeat(COPIES).as_bytes(), DecodeOptions::LIST).expect("the manifests are YAML");
    let documents =
        hydrate_yaml::compose(MANIFEST.repeat(COPIES).replace("words beyond ASCII\n\n", "words beyond ASCII\n---\n").as_bytes())
            .expect("the manifests are YAML");

    let mut group = c.benchmark_group("emit");
    group.sample_size(20);
    let mut measure = |name: &str, run: &dyn Fn() -> Vec<u8>| {
        group.throughput(Throughput::Bytes(run().len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(run())));
    };
    measure("toYaml", &|| encode::to_yaml(&value).expect("it can be written"));
    measure("toYamlPretty", &|| encode::to_yaml_pretty(&value).expect("it can be written"));
    measure("toJson", &|| encode::to_json(&value, hydrate_gotmpl::GoVersion::Go1_27).expect("it can be written"));
    measure("trees", &|| {
        let mut out = Vec::new();
        write_documents(&documents, Dialect::KUSTOMIZE, &mut out).expect("it can be written");
        out
    });
    group.finish();
}

criterion_group!(benches, write);
criterion_main!(benches);
