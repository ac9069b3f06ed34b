//! Replays the fixtures under `tests/kustomize`, whose answers were recorded from kustomize 5.8.1 (`tests/conformance/kustomize.py`).
//!
//! Where kustomize refuses, hydrate has to refuse as well; its words are its own where it knows more. What it says stands in
//! `tests/kustomize-refusals.txt`; `HYDRATE_TEST_UPDATE=1 cargo test -p hydrate-kustomize --test kustomize` writes it anew. Read the difference before committing it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hydrate_base::MemoryWorld;
use hydrate_kustomize::{BuildOptions, build};

struct Fixture {
    name: String,
    files: Vec<(String, String)>,
    answer: (String, String),
}

fn read(path: &Path) -> Fixture {
    let text = std::fs::read_to_string(path).expect("a fixture is text");
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("=== ") {
            Some(name) => sections.push((name.trim_end_matches('\n').to_owned(), String::new())),
            None => sections.last_mut().expect("a fixture begins with a file").1.push_str(line),
        }
    }
    let answer = sections.pop().expect("a fixture ends with its answer");
    let name = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize")).expect("a path below");
    Fixture { name: name.display().to_string(), files: sections, answer }
}

fn fixtures(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("the fixtures are there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            fixtures(&path, into);
        } else {
            into.push(path);
        }
    }
}

fn run(fixture: &Fixture, refusals: &mut BTreeMap<String, String>) -> Result<(), String> {
    let root = Path::new("/root");
    let world = fixture.files.iter().fold(MemoryWorld::new(), |world, (name, content)| world.with_file(root.join(name), content));
    let start = root.join(&fixture.files.first().expect("a kustomization").0);
    let built = build(&world, start.parent().expect("a directory"), &BuildOptions::default());
    match (fixture.answer.0.as_str(), built) {
        ("stdout", Ok(built)) if built.text() == fixture.answer.1 => Ok(()),
        ("stdout", Ok(built)) => Err(format!("{}\nwanted:\n{}\ngot:\n{}", fixture.name, fixture.answer.1, built.text())),
        ("stdout", Err(error)) => Err(format!("{}: {error}", fixture.name)),
        (_, Err(error)) => {
            refusals.insert(fixture.name.clone(), error.to_string());
            Ok(())
        }
        (_, Ok(_)) => Err(format!("{}: should be refused: {}", fixture.name, fixture.answer.1)),
    }
}

#[test]
fn answers_are_those_of_kustomize() {
    let mut paths = Vec::new();
    fixtures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize"), &mut paths);
    paths.sort();
    assert!(paths.len() >= 250, "only {} fixtures", paths.len());
    let mut refusals = BTreeMap::new();
    let failures: Vec<String> = paths.iter().filter_map(|path| run(&read(path), &mut refusals).err()).collect();
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), paths.len(), failures.join("\n\n"));
    let said = refusals.iter().fold(String::new(), |mut said, (name, text)| {
        let _ = writeln!(said, "=== {name}\n{}", text.trim_end());
        said
    });
    compare_or_update(&said);
}

/// What was said about all refused fixtures is what was recorded.
fn compare_or_update(said: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize-refusals.txt");
    if std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
        std::fs::write(&path, said).expect("the record can be written");
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(recorded.as_str(), said).unified_diff().header("recorded", "said").to_string();
    assert!(diff.is_empty(), "refusals are not as recorded:\n{diff}");
}

fn refusal(kustomization: &str, objects: &str) -> String {
    let world = MemoryWorld::new().with_file("/root/kustomization.yaml", kustomization).with_file("/root/objects.yaml", objects);
    build(&world, Path::new("/root"), &BuildOptions::default()).expect_err("kustomize crashes").to_string()
}

#[test]
fn what_kustomize_crashes_at_is_refused() {
    let objects =
        "{apiVersion: v1, kind: Namespace, metadata: {name: one}}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: two}}\n";
    let renames = "resources: [objects.yaml]\nsortOptions: {order: fifo}\nreplacements:\n- sourceValue: two\n  \
                   targets: [{select: {name: one}, fieldPaths: [metadata.name]}]\n";
    let said = refusal(renames, objects);
    assert!(said.contains("already registered id: Namespace.v1.[noGrp]/two"), "{said}");
    let said = refusal("resources: [objects.yaml]", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: [p, q, r]}\n");
    assert!(said.contains("metadata.annotations is a list of 3 items"), "{said}");
}
