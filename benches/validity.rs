//! Every check over 5,000 objects: read, compared with their types, and held to all rules.

use std::collections::BTreeMap;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;

use hydrate::check::objects::{Object, parse};
use hydrate::check::validity::{Against, Configured, Customs, NothingCommitted, Policies, Release, check};
use hydrate::check::{Declared, Written};
use hydrate_base::SourceFile;
use hydrate_source::{Document, Origin, Trust, documents};

/// A Deployment, a Service and a ConfigMap, `@` times.
const OBJECTS: &str = include_str!("validity.yaml");

fn objects(c: &mut Criterion) {
    let origin = Origin { source: "file".to_owned(), file: None, line: 1 };
    let of_number = |number: usize| {
        let text = OBJECTS.replace('@', &number.to_string());
        documents(&SourceFile::new("objects.yaml", text.as_bytes()), &origin, Trust::Raw).unwrap()
    };
    let all: Vec<Document> = (0..1667).flat_map(of_number).take(5000).collect();
    let dirs = BTreeMap::new();
    let written = Written { shown: "manifests/dev".to_owned(), dirs: &dirs, clusters: "clusters/dev".to_owned(), handover: None };
    let policies = Policies::default();
    let (configured, customs, declared) = (Configured::default(), Customs::default(), Declared::default());
    let against = Against {
        release: Release::of(Some("1.33")),
        configured: &configured,
        customs: &customs,
        policies: &policies,
        declared: &declared,
        committed: &NothingCommitted,
        runs_hooks: true,
    };
    let mut group = c.benchmark_group("validity");
    group.sample_size(20).throughput(Throughput::Elements(5000));
    group.bench_function("5000 objects", |b| {
        b.iter(|| {
            let objects: Vec<Object<'_>> = all.par_iter().map(|document| parse("web", document).unwrap()).collect();
            let report = check(&objects, &against, &written);
            assert!(report.objects == 5000 && report.violations.is_empty());
        });
    });
    group.finish();
}

criterion_group!(benches, objects);
criterion_main!(benches);
