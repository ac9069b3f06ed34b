//! `hydrate import` over the fixtures under `tests/helmfile`: what is imported renders, file by file on the disk, the objects that helmfile's recorded
//! answer has.
//!
//! What becomes of each fixture stands in `tests/import-outcomes.txt`: how many releases are migrated, which stay and why, or that it is refused.
//! `HYDRATE_TEST_UPDATE=1 cargo test --test import` writes it anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rayon::prelude::*;
use serde_yaml::Value;

/// A fixture: its files, and what `template` gives in each version where that was recorded.
struct Fixture {
    name: String,
    files: Vec<(String, String)>,
    answers: BTreeMap<&'static str, String>,
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The parts of a text that begin with lines of this prefix: what stands behind it, and what follows.
fn parts<'t>(text: &'t str, prefix: &str) -> Vec<(&'t str, &'t str)> {
    let starts: Vec<usize> =
        text.match_indices(prefix).map(|(at, _)| at).filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n').collect();
    let part = |index: usize| {
        let end = starts.get(index + 1).copied().unwrap_or(text.len());
        let whole = &text[starts[index] + prefix.len()..end];
        whole.split_once('\n').unwrap_or((whole, ""))
    };
    (0..starts.len()).map(part).collect()
}

fn fixture(path: &Path) -> Fixture {
    let text = std::fs::read_to_string(path).expect("a fixture is text");
    let sections = parts(&text, "=== ");
    let is_file = |name: &str| !matches!(name, "commands" | "v1" | "v0");
    let files = sections.iter().filter(|(name, _)| is_file(name)).map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let recorded = |version: &str| {
        let (_, text) = sections.iter().find(|(name, _)| *name == version)?;
        let (_, answer) = parts(text, "$ ").into_iter().find(|(command, _)| *command == "template")?;
        Some(answer.to_owned())
    };
    let newer = recorded("v1");
    let older = recorded("v0").and_then(|text| if text == "(as v1)\n" { newer.clone() } else { Some(text) });
    let succeeds = |text: &String| parts(text, "! ").is_empty();
    let answers =
        [("v1", newer), ("v0", older)].into_iter().filter_map(|(version, text)| Some((version, text.filter(succeeds)?))).collect();
    Fixture { name: path.file_stem().expect("a name").to_string_lossy().into_owned(), files, answers }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("directories can be made");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).expect("files can be copied") }
    }
}

fn hydrate(root: &Path, arguments: &[&str]) -> Output {
    let command = &mut Command::new(env!("CARGO_BIN_EXE_hydrate"));
    command.args(["-C", "."]).args(arguments).current_dir(root).env_clear().env("HOME", root).output().expect("hydrate runs")
}

/// What becomes of a fixture, in a line, and what is wrong with that.
fn import(fixture: &Fixture, version: &'static str) -> Option<(String, Vec<String>)> {
    let scratch = tempfile::tempdir().expect("a directory");
    let root = scratch.path();
    copy(&tests().join("helmfile/charts"), &root.join("charts"));
    for (name, text) in &fixture.files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("directories can be made");
        std::fs::write(path, text).expect("files can be written");
    }
    let names = ["helmfile.yaml", "helmfile.yaml.gotmpl", "helmfile.d"];
    let file = names.into_iter().find(|name| root.join(name).exists())?;
    let output = hydrate(root, &["import", file, "--helmfile", version, "--format", "json"]);
    let error = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let wrote = ["components", "environments", "hydrate.yaml"].iter().any(|name| root.join(name).exists());
        let mut wrong = if wrote { vec!["something was written although it is refused".to_owned()] } else { Vec::new() };
        if output.status.code() != Some(1) || !error.contains("error: ") {
            wrong.push(format!("is refused without an error: {error}"));
        }
        return Some(("refused".to_owned(), wrong));
    }
    let said: Value = serde_yaml::from_slice(&output.stdout).expect("JSON");
    let releases = said["releases"].as_sequence().expect("releases");
    let stays: Vec<String> = releases
        .iter()
        .filter(|release| release["migrated"] != Value::Bool(true))
        .map(|release| {
            format!(
                "{}: {}",
                text(&release["release"]),
                release["why"].as_sequence().expect("why").iter().map(text).collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    let mut outcome = format!("{} migrated", releases.len() - stays.len());
    if !stays.is_empty() {
        outcome.push_str(&format!("; stays: {}", stays.join("; ")));
    }
    Some((outcome, compared(root, fixture, version, &said)))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Renders what was imported and compares it with the recorded answer.
fn compared(root: &Path, fixture: &Fixture, version: &str, said: &Value) -> Vec<String> {
    let environments = said["environments"].as_sequence().expect("environments");
    let mut wrong = Vec::new();
    // Fixtures have passwords of their own, which nobody has committed.
    let project = root.join("hydrate.yaml");
    let settings = std::fs::read_to_string(&project).unwrap_or_default();
    std::fs::write(&project, format!("{settings}checks: {{plaintext-secret: off, credential: off}}\n")).expect("the file can be written");
    for env in environments.iter().map(|environment| text(&environment["environment"])) {
        let output = hydrate(root, &["-e", &env]);
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            // Without a say of the project's that is refused, by whatever source.
            if !error.contains("holds a reference to a secret") {
                wrong.push(format!("{env} is not rendered: {error}"));
            }
            continue;
        }
        let Some(answer) = fixture.answers.get(version).filter(|_| env == "default") else { continue };
        let found = objects(&tree(&root.join("manifests/default")));
        for (name, wanted) in objects(answer) {
            if !wanted["metadata"]["annotations"]["helm.sh/hook"].is_null() {
                continue;
            }
            match found.get(&name) {
                None => wrong.push(format!("{name} is missing")),
                Some(found) if *found != wanted => wrong.push(format!("{name} differs: {found:?} instead of {wanted:?}")),
                Some(_) => {}
            }
        }
    }
    wrong
}

/// All manifests below a directory as one stream.
fn tree(directory: &Path) -> String {
    let mut text = String::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return text };
    for path in entries.map(|entry| entry.expect("readable").path()) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            text.push_str(&tree(&path));
        } else if name != "kustomization.yaml" && name != ".hydrated" {
            text.push_str(&format!("---\n{}\n", std::fs::read_to_string(&path).expect("text")));
        }
    }
    text
}

fn objects(stream: &str) -> BTreeMap<String, Value> {
    let documents = format!("\n{stream}").split("\n---").map(|document| format!("{document}\n")).collect::<Vec<_>>();
    let all = documents.iter().filter_map(|document| serde_yaml::from_str::<Value>(document).ok()).filter(|value| value.is_mapping());
    let name = |value: &Value| {
        let metadata = &value["metadata"];
        format!("{} {}/{}", text(&value["kind"]), text(&metadata["namespace"]), text(&metadata["name"]))
    };
    all.map(|value| (name(&value), value)).collect()
}

#[test]
fn what_is_imported_renders_what_helmfile_renders() {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(tests().join("helmfile")).expect("fixtures").map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let fixtures: Vec<Fixture> = paths.iter().map(|path| fixture(path)).collect();
    let cases: Vec<(&Fixture, &'static str)> = fixtures.iter().flat_map(|fixture| [(fixture, "v1"), (fixture, "v0")]).collect();
    let results: Vec<_> = cases.par_iter().filter_map(|(fixture, version)| Some((fixture, version, import(fixture, version)?))).collect();
    let wrong: Vec<String> = results
        .iter()
        .flat_map(|(fixture, version, (_, wrong))| wrong.iter().map(move |wrong| format!("{} {version}: {wrong}", fixture.name)))
        .collect();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let migrated = results.iter().filter(|(_, _, (outcome, _))| !outcome.starts_with("0 ") && outcome.contains(" migrated")).count();
    assert!(migrated >= 300, "only {migrated} of {} are migrated", results.len());
    let said: String = results.iter().map(|(fixture, version, (outcome, _))| format!("{} {version}: {outcome}\n", fixture.name)).collect();
    let path = tests().join("import-outcomes.txt");
    if std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
        std::fs::write(&path, &said).expect("the record can be written");
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(recorded.as_str(), said.as_str()).unified_diff().header("recorded", "now").to_string();
    assert!(diff.is_empty(), "outcomes are not as recorded:\n{diff}");
}

/// A small helmfile with two environments in a directory.
fn platform(root: &Path) {
    copy(&tests().join("helmfile/charts"), &root.join("charts"));
    let text = "environments: {dev: {values: [{size: 1}]}, prod: {values: [{size: 2}]}}\n---\nreleases:\n\
                - {name: one, chart: ./charts/show, values: [{size: {{ .Values.size }}}]}\n\
                - name: two\n  chart: ./charts/show\n  needs: [one]\n  values:\n  - a: 1 # remark\n";
    std::fs::write(root.join("helmfile.yaml.gotmpl"), text).expect("files can be written");
}

fn written(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for name in ["components", "environments", "hydrate.yaml"] {
        read_all(root, &root.join(name), &mut files);
    }
    files
}

fn read_all(root: &Path, path: &Path, into: &mut BTreeMap<String, String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a directory") {
            read_all(root, &entry.expect("readable").path(), into);
        }
    } else if path.exists() {
        let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
        into.insert(name, std::fs::read_to_string(path).expect("text"));
    }
}

#[test]
#[cfg(debug_assertions)]
fn an_import_that_is_killed_is_completed_by_the_next() {
    let whole = tempfile::tempdir().expect("a directory");
    platform(whole.path());
    assert!(hydrate(whole.path(), &["import", "helmfile.yaml.gotmpl"]).status.success());
    let wanted = written(whole.path());
    assert!(wanted.len() >= 6, "{:?}", wanted.keys());
    for number in 1.. {
        let scratch = tempfile::tempdir().expect("a directory");
        let root = scratch.path();
        platform(root);
        let output = Command::new(env!("CARGO_BIN_EXE_hydrate"))
            .args(["import", "helmfile.yaml.gotmpl"])
            .current_dir(root)
            .env_clear()
            .env("HOME", root)
            .env("HYDRATE_TEST_KILL_BEFORE", number.to_string())
            .output()
            .expect("hydrate runs");
        if output.status.success() {
            assert!(number > wanted.len(), "only {number} points");
            break;
        }
        let left = written(root);
        assert!(left.len() < wanted.len() && left.iter().all(|(name, text)| wanted.get(name) == Some(text)), "{left:?}");
        // The settings come first, and a component after the files that it names.
        assert!(left.is_empty() || left.contains_key("hydrate.yaml"));
        assert!(!left.contains_key("components/two/component.yaml") || left.contains_key("components/two/values.yaml"));
        let again = hydrate(root, &["import", "helmfile.yaml.gotmpl"]);
        assert!(again.status.success(), "{number}: {}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(written(root), wanted, "after a kill before change {number}");
    }
}
