//! How fast kustomizations are built: large manifests with a namespace and labels, and a kustomization with next to nothing in it.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hydrate_base::MemoryWorld;
use hydrate_kustomize::{BuildOptions, build};

/// Like the CRDs of operators: few objects, long and deep, some 5 MB.
fn crd_like() -> String {
    let mut text = String::new();
    for index in 0..40 {
        let _ = write!(
            text,
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things{index}.example.org\nspec:\n  \
             group: example.org\n  names: {{kind: Thing{index}, plural: things{index}}}\n  properties:\n"
        );
        for field in 0..180 {
            let _ = write!(
                text,
                "    field{field}:\n      description: |-\n        Field {field} says where the thing is to be found that the controller looks \
                 after,\n        and what happens when it is not there.\n\n        More info: https://example.org/docs/field-{field}\n      \
                 items:\n        description: A label selector requirement is a selector that contains values,\n          a key, and an \
                 operator that relates the key and values.\n        properties:\n          key:\n            description: key is the label \
                 key that the selector applies to.\n            type: string\n          operator:\n            enum:\n            - In\n            \
                 - NotIn\n            type: string\n        required:\n        - key\n        - operator\n        type: object\n      type: \
                 array\n      x-kubernetes-list-type: atomic\n"
            );
        }
    }
    text
}

/// Many small objects that refer to each other, some 2 MB.
fn objects() -> String {
    let mut text = String::new();
    for index in 0..2_000 {
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{index}\n  labels: {{app: web-{index}}}\nspec:\n  replicas: 2\n  \
             selector:\n    matchLabels: {{app: web-{index}}}\n  template:\n    metadata:\n      labels: {{app: web-{index}}}\n    spec:\n      \
             serviceAccountName: web\n      containers:\n      - name: web\n        image: \"registry.example.org/web:1.{index}\"\n        \
             args: [--port=8080, \"--name=web-{index}\"]\n        env:\n        - name: LEVEL\n          valueFrom:\n            \
             configMapKeyRef: {{name: settings-{index}, key: level}}\n        resources:\n          limits: {{cpu: 500m, memory: \
             512Mi}}\n          requests: {{cpu: 100m, memory: 128Mi}}\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: \
             web-{index}\nspec:\n  selector: {{app: web-{index}}}\n  ports:\n  - {{name: http, port: 80, targetPort: 8080}}\n---\napiVersion: \
             v1\nkind: ConfigMap\nmetadata:\n  name: settings-{index}\ndata:\n  level: info\n  file: |\n    one\n    two\n"
        );
    }
    text
}

fn kustomizations(c: &mut Criterion) {
    let rules = "resources: [all.yaml]\nnamespace: prod\nlabels:\n- pairs: {team: blue, stage: prod}\n  includeSelectors: true\n";
    let mut group = c.benchmark_group("kustomize");
    for (name, text) in [("crds", crd_like()), ("objects", objects())] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        let world = MemoryWorld::new().with_file("/k/kustomization.yaml", rules).with_file("/k/all.yaml", &text);
        group.bench_function(name, |b| b.iter(|| build(black_box(&world), Path::new("/k"), &BuildOptions::default()).expect("it builds")));
    }
    group.finish();
    let world = MemoryWorld::new()
        .with_file("/k/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: x-\n")
        .with_file("/k/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n");
    let build_it = || build(black_box(&world), Path::new("/k"), &BuildOptions::default()).expect("it builds");
    c.bench_function("kustomize/trivial", |b| b.iter(build_it));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = kustomizations
}
criterion_main!(benches);
