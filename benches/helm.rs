//! How fast a chart renders: loading, and everything from values to ordered documents, with templates parsed and with
//! templates kept from the last time. The chart is one of this repository's own components.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use hydrate::base::DiskWorld;
use hydrate::chart::{self, Level};
use hydrate::source::helm::{self, RenderOptions};

fn rendering(criterion: &mut Criterion) {
    let world = DiskWorld::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("components/prometheus/chart");
    let options = RenderOptions { include_crds: true, ..RenderOptions::default() };
    let load = || chart::load(&path, Level::V4, &world).expect("the chart loads");
    criterion.bench_function("load", |bencher| bencher.iter(|| black_box(load())));
    criterion.bench_function("load, parse, render", |bencher| {
        bencher.iter(|| black_box(helm::render(&load(), &options, &world).expect("the chart renders")));
    });
    let chart = load();
    criterion.bench_function("render", |bencher| {
        bencher.iter(|| black_box(helm::render(&chart, &options, &world).expect("the chart renders")));
    });
}

criterion_group!(benches, rendering);
criterion_main!(benches);
