//! How fast YAML is read, on texts made here: like CRDs (long, deep, wordy) and like small objects.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hydrate_gotmpl::decode::{DecodeOptions, from_yaml};
use hydrate_yaml::{Dialect, Input, Parser, compose};

/// Like the CRDs of operators: a schema of properties with descriptions, some 4 MB.
fn crd_like() -> String {
    let mut text = String::from("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  properties:\n");
    for index in 0..6_000 {
        let _ = write!(
            text,
            "    field{index}:\n      description: |-\n        Field {index} says where the thing is to be found that the controller looks after,\n        \
             and what happens when it is not there.\n\n        More info: https://example.org/docs/field-{index}\n      items:\n        \
             description: A label selector requirement is a selector that contains values,\n          a key, and an operator that \
             relates the key and values.\n        properties:\n          key:\n            description: key is the label key that the \
             selector applies to.\n            type: string\n          operator:\n            enum:\n            - In\n            - \
             NotIn\n            type: string\n        required:\n        - key\n        - operator\n        type: object\n      type: \
             array\n      x-kubernetes-list-type: atomic\n"
        );
    }
    text
}

/// Like what charts render: many small objects, some 2 MB.
fn objects() -> String {
    let mut text = String::new();
    for index in 0..3_000 {
        let _ = write!(
            text,
            "---\n# Source: chart/templates/service-{index}.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: service-{index}\n  \
             namespace: \"web\"\n  labels:\n    app.kubernetes.io/name: web\n    app.kubernetes.io/instance: 'release-{index}'\n    \
             helm.sh/chart: web-1.{index}.0\n  annotations: {{}}\nspec:\n  type: ClusterIP\n  ports:\n  - port: 80 # public\n    \
             targetPort: http\n    protocol: TCP\n    name: http\n  - {{port: 443, name: https}}\n  selector:\n    app: web\n    tier: \
             \"{index}\"\n"
        );
    }
    text
}

/// The texts, and files named by `HYDRATE_BENCH_YAML` (separated by colons) where someone wants to see theirs.
fn inputs() -> Vec<(String, String)> {
    let mut inputs = vec![("crd".to_owned(), crd_like()), ("objects".to_owned(), objects())];
    let named = std::env::var("HYDRATE_BENCH_YAML").unwrap_or_default();
    for path in named.split(':').filter(|path| !path.is_empty()) {
        let text = std::fs::read_to_string(path).expect("the named file can be read");
        inputs.push((path.rsplit('/').next().unwrap_or(path).to_owned(), text));
    }
    inputs
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("yaml");
    group.sample_size(20);
    for (name, text) in inputs() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("parse/{name}"), |bencher| {
            bencher.iter(|| {
                let input = Input::new(text.as_bytes());
                Parser::new(&input, Dialect::V2).filter(Result::is_ok).count()
            });
        });
        group.bench_function(format!("parse-v3/{name}"), |bencher| {
            bencher.iter(|| {
                let input = Input::new(text.as_bytes());
                Parser::new(&input, Dialect::V3).filter(Result::is_ok).count()
            });
        });
        group.bench_function(format!("values/{name}"), |bencher| {
            bencher.iter(|| from_yaml(black_box(text.as_bytes()), DecodeOptions::ANY).is_ok());
        });
        group.bench_function(format!("compose/{name}"), |bencher| {
            bencher.iter(|| compose(black_box(text.as_bytes())).map(|documents| documents.len()));
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
