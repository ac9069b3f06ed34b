//! Patches and replacements of hostile shapes: lists for maps, nulls, repeated keys, anchors. They may fail, but nothing panics.

use std::path::Path;

use hydrate_base::MemoryWorld;
use hydrate_kustomize::{BuildOptions, build};

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

/// Texts to begin with; what comes of them is mostly refused, and always in an orderly way.
const SEEDS: [&str; 7] = [
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n        \
     $patch: delete\n      - $patch: replace\n      $setElementOrder/containers: [{name: c}]\n      $retainKeys: [containers]\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  $deleteFromPrimitiveList/finalizers: [x]\n  finalizers: [y]\n",
    "- op: add\n  path: /spec/template/spec/containers/-\n  value: {name: d}\n- {op: move, from: /spec/replicas, path: /metadata/labels/~1x}\n",
    "[{\"op\": \"copy\", \"from\": \"/metadata\", \"path\": \"/spec/meta\"}, {\"op\": \"test\", \"path\": \"/kind\", \"value\": \"Deployment\"}]",
    "- source: {kind: Deployment, fieldPath: metadata.name, options: {delimiter: '-', index: 1}}\n  targets:\n  - select: {name: a}\n    reject: \
     [{kind: X}]\n    fieldPaths: [spec.template.spec.containers.*.image, 'metadata.annotations.[x.y/z]']\n    options: {delimiter: ':', index: -1, \
     create: true}\n",
    "- sourceValue: v\n  targets:\n  - select: {kind: Deployment, name: .*}\n    fieldPaths: ['spec.template.spec.containers.[name=c].ports.0.name']\n",
    "x: &x {name: c}\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, <<: *x}\nspec: {template: {spec: {containers: [*x, *x]}}}\n",
];

/// What is put into them.
const PIECES: [&str; 30] = [
    "null",
    "~",
    "[]",
    "{}",
    "- ",
    "\n",
    "  ",
    ": ",
    "&a ",
    "*a",
    "<<: ",
    "$patch: delete",
    "$patch: merge",
    "!!str ",
    "!!binary ",
    "'",
    "\"",
    "|\n",
    ">-\n",
    "#",
    "---\n",
    "...",
    "\t",
    "\u{feff}",
    "name",
    "spec",
    "-1",
    "99999999999999999999",
    "[name=c]",
    "\u{e9}",
];

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    /// A text with a few pieces put in, cut out or doubled.
    fn mutate(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        for _ in 0..=self.roll(4) {
            let from = self.roll(characters.len() + 1);
            let to = (from + self.roll(12)).min(characters.len());
            match self.roll(4) {
                0 => drop(characters.drain(from..to)),
                1 => characters.extend_from_within(from..to),
                _ => drop(characters.splice(from..from, PIECES[self.roll(PIECES.len())].chars())),
            }
        }
        characters.into_iter().collect()
    }
}

#[test]
fn mutated_patches_and_replacements() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let rules = [
        "patchesStrategicMerge: [other.yaml]",
        "patches: [{path: other.yaml, target: {kind: Deployment}, options: {allowNameChange: true, allowKindChange: true}}]",
        "patches: [{path: other.yaml}]",
        "replacements: [{path: other.yaml}]",
        "transformers: [other.yaml]",
        "configurations: [other.yaml]",
    ];
    for round in 0..1_800 {
        let other = dice.mutate(SEEDS[round % SEEDS.len()]);
        let object = if round % 3 == 0 { dice.mutate(OBJECT) } else { OBJECT.to_owned() };
        let rule = rules[dice.roll(rules.len())];
        let world = MemoryWorld::new()
            .with_file("/k/kustomization.yaml", format!("resources: [a.yaml]\nnamePrefix: p-\nnamespace: n\n{rule}\n"))
            .with_file("/k/other.yaml", other)
            .with_file("/k/a.yaml", object);
        let _ = build(&world, Path::new("/k"), &BuildOptions::default());
    }
}
