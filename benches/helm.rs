//! How fast a chart renders: loading, and everything from values to ordered documents, with templates parsed and with
//! templates kept from the last time. The chart is one of this repository's own components.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use hydrate_base::DiskWorld;
use hydrate_chart::{self as chart, Level};
use hydrate_chart::{decode_values, merge_maps};
use hydrate_helm::{self as helm, RenderOptions, ValueOptions, ValuesFile};

fn rendering(criterion: &mut Criterion) {
    let world = DiskWorld::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("components/prometheus/chart");
    let options = RenderOptions { include_crds: true, ..RenderOptions::default() };
    let load = || chart::load(&path, Level::V4, &world).expect("the chart loads");
    criterion.bench_function("load", |bencher| bencher.iter(|| black_box(load())));
    criterion.bench_function("load, parse, render", |bencher| {
        bencher.iter(|| black_box(helm::template(&load(), &options, &world).expect("the chart renders")));
    });
    let text = std::fs::read(path.join("values.yaml")).expect("the chart has values");
    let file = |name: &str| ValuesFile { name: name.to_owned(), text: text.as_slice().into() };
    let set = ["a.b.c=1".to_owned(), "list[3].name=x,other={y,z}".to_owned()].to_vec();
    let values = ValueOptions { files: vec![file("one"), file("two")], set, ..ValueOptions::default() };
    criterion.bench_function("decode and merge values", |bencher| {
        bencher.iter(|| black_box(values.merge(Level::V4, &world).expect("they merge")));
    });
    let map = decode_values(&text, Level::V4).expect("they are YAML");
    criterion.bench_function("merge values", |bencher| bencher.iter(|| black_box(merge_maps(&map, &map))));
    let chart = load();
    criterion.bench_function("render", |bencher| {
        bencher.iter(|| black_box(helm::template(&chart, &options, &world).expect("the chart renders")));
    });
}

criterion_group!(benches, rendering);
criterion_main!(benches);
