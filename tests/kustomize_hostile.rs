//! Patches and replacements of hostile shapes: lists for maps, nulls, repeated keys, anchors. They may fail, but nothing panics.

use std::path::Path;

use hydrate::base::MemoryWorld;
use hydrate::source::kustomize::{BuildOptions, build};

const OBJECT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, annotations: {n: null}, labels: [x]}\n\
    spec: {replicas: null, template: {spec: {containers: [{name: c, image: i, ports: [{containerPort: 1}]}, null, text, [l]]}}}\n";

/// Values to be put anywhere.
const SHAPES: [&str; 14] = [
    "null",
    "''",
    "~",
    "[]",
    "{}",
    "[null]",
    "[[]]",
    "[{}]",
    "{$patch: delete}",
    "[{$patch: replace}]",
    "{a: {$patch: merge}}",
    "text",
    "7",
    "{a: 1, a: 2}",
];

/// Paths to put them at.
const PATHS: [&str; 9] = [
    "metadata",
    "metadata.labels",
    "metadata.annotations",
    "metadata.name",
    "spec",
    "spec.replicas",
    "spec.template.spec.containers",
    "spec.template.spec.volumes",
    "kind",
];

fn run(kustomization: &str) {
    let world = MemoryWorld::new().with_file("/k/kustomization.yaml", kustomization).with_file("/k/a.yaml", OBJECT);
    if let Ok(built) = build(&world, Path::new("/k"), &BuildOptions::default()) {
        assert!(built.text().is_ascii());
    }
}

/// `a.b` and a value as a flow mapping.
fn nested(path: &str, value: &str) -> String {
    path.rsplit('.').fold(value.to_owned(), |inner, part| format!("{{{part}: {inner}}}"))
}

#[test]
fn merge_patches() {
    for path in PATHS {
        for shape in SHAPES {
            let body = nested(path, shape);
            for target in ["", "  target: {kind: Deployment}\n"] {
                run(&format!(
                    "resources: [a.yaml]\nnamespace: n\nnamePrefix: p-\npatches:\n- patch: |-\n    {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: a}}, <<: {body}}}\n{target}"
                ));
            }
        }
    }
}

#[test]
fn json_patches() {
    for path in PATHS {
        for shape in SHAPES {
            let pointer = format!("/{}", path.replace('.', "/"));
            for operation in ["add", "replace", "remove", "test"] {
                for suffix in ["", "/0", "/-", "/-9", "/x"] {
                    run(&format!(
                        "resources: [a.yaml]\npatches:\n- target: {{}}\n  patch: |-\n    - {{op: {operation}, path: \"{pointer}{suffix}\", value: {shape}}}\n"
                    ));
                }
            }
        }
    }
}

#[test]
fn replacements_and_transformers() {
    let paths = PATHS.into_iter().chain([
        "spec.template.spec.containers.[name=c].image",
        "spec.template.spec.containers.[=text]",
        "spec.template.spec.containers.*.ports",
        "spec.template.spec.containers.9.image",
        "[",
        "",
        ".",
        "a.[b",
        "spec.[(=x].y",
    ]);
    for path in paths {
        for create in ["true", "false"] {
            run(&format!(
                "resources: [a.yaml]\nreplacements:\n- source: {{kind: Deployment, fieldPath: \"{path}\"}}\n  targets: &t\n  - select: {{name: a}}\n    fieldPaths: [\"{path}\", \"metadata.annotations.x\"]\n    options: {{create: {create}, delimiter: \"\", index: -1}}\n- sourceValue: v\n  targets: *t\n"
            ));
        }
    }
    for field in [
        "images: [{name: \"(\", newTag: x}]",
        "labels: [{pairs: {a: b}, includeSelectors: true}]",
        "commonAnnotations: {a: b}",
        "replicas: [{name: a, count: 1}]",
    ] {
        run(&format!("resources: [a.yaml]\n{field}\n"));
    }
}

#[test]
fn kustomization_files() {
    let fields = [
        "resources",
        "patches",
        "images",
        "replacements",
        "vars",
        "labels",
        "configMapGenerator",
        "transformers",
        "openapi",
        "sortOptions",
    ];
    for field in fields {
        for shape in SHAPES {
            run(&format!("resources: [a.yaml]\n{field}: {shape}\n"));
            run(&format!("{field}: [{shape}]\n"));
        }
    }
    run("a: &a [*a]\n");
    run("resources: &r [a.yaml]\nbases: *r\n");
}
