//! A patch on objects: a strategic merge or a JSON patch, with and without a target.
//!
//! The input is a byte that chooses the kind of patch, the patch, and after a line `===` the objects.

#![no_main]

use std::path::Path;

use hydrate_base::MemoryWorld;
use hydrate_kustomize::{BuildOptions, build};
use libfuzzer_sys::fuzz_target;

const DIVIDER: &[u8] = b"\n===\n";

const OBJECT: &[u8] = b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, annotations: {n: null}, labels: {l: x}}\n\
    spec: {replicas: 1, template: {spec: {containers: [{name: c, image: i, ports: [{containerPort: 1}]}], volumes: []}}}\n";

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let (patch, objects) = match text.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        Some(at) => (&text[..at], &text[at + DIVIDER.len()..]),
        None => (text, OBJECT),
    };
    let rules = match choice % 4 {
        0 => "patchesStrategicMerge: [patch.yaml]\n",
        1 => "patches: [{path: patch.yaml}]\n",
        2 => "patches: [{path: patch.yaml, target: {kind: Deployment}, options: {allowNameChange: true, allowKindChange: true}}]\n",
        _ => "patchesJson6902: [{path: patch.yaml, target: {group: apps, version: v1, kind: Deployment, name: a}}]\n",
    };
    let world = MemoryWorld::new()
        .with_file("/k/kustomization.yaml", format!("resources: [objects.yaml]\nnamePrefix: p-\nnamespace: ns\n{rules}"))
        .with_file("/k/patch.yaml", patch)
        .with_file("/k/objects.yaml", objects);
    let _ = build(&world, Path::new("/k"), &BuildOptions::default());
});
