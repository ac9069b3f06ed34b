//! Replacements on objects.
//!
//! The input is a list of replacements, and after a line `===` the objects.

#![no_main]

use std::path::Path;

use hydrate_base::MemoryWorld;
use hydrate_kustomize::{BuildOptions, build};
use libfuzzer_sys::fuzz_target;

const DIVIDER: &[u8] = b"\n===\n";

const OBJECTS: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from}\ndata: {one: a-b-c, two: '2'}\n---\n\
    apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: to, labels: {app: x}}\n\
    spec: {replicas: 1, template: {spec: {containers: [{name: c, image: 'i:1', env: [{name: A, value: b}]}, {name: d}]}}}\n";

fuzz_target!(|data: &[u8]| {
    let (replacements, objects) = match data.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        Some(at) => (&data[..at], &data[at + DIVIDER.len()..]),
        None => (data, OBJECTS),
    };
    let world = MemoryWorld::new()
        .with_file("/k/kustomization.yaml", "resources: [objects.yaml]\nreplacements: [{path: replacements.yaml}]\n")
        .with_file("/k/replacements.yaml", replacements)
        .with_file("/k/objects.yaml", objects);
    let _ = build(&world, Path::new("/k"), &BuildOptions::default());
});
