//! Replays the fixtures under `tests/helmfile`, whose answers were recorded from helmfile 1.7 with helm 4 and 0.166 with helm 3
//! (`tests/conformance/helmfile.py`).
//!
//! Each command line runs in a copy of the fixture's files. What it prints, the files that it writes, and whether it fails are helmfile's; the
//! words of errors are hydrate's own and stand in `tests/helmfile-refusals.txt`, which `HYDRATE_TEST_UPDATE=1 cargo test --test helmfile` writes
//! anew. What hydrate does otherwise on purpose has a line in `tests/helmfile-differences.txt`: a fixture, a version, the number of a
//! command, and the row of COMPATIBILITY.md that says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rayon::prelude::*;

/// A command line with what helmfile answered.
struct Case {
    fixture: String,
    version: &'static str,
    index: usize,
    command: String,
    files: Vec<(String, String)>,
    answer: Answer,
}

#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Answer {
    stdout: String,
    written: BTreeMap<String, String>,
    fails: bool,
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The parts of a text that begin with lines of this prefix: what stands behind it, and what follows.
fn parts<'t>(text: &'t str, prefix: &str) -> Vec<(&'t str, &'t str)> {
    let begins = |at: &usize| *at == 0 || text.as_bytes()[at - 1] == b'\n';
    let starts: Vec<usize> = text.match_indices(prefix).map(|(at, _)| at).filter(begins).collect();
    let part = |index: usize| {
        let whole = &text[starts[index] + prefix.len()..starts.get(index + 1).copied().unwrap_or(text.len())];
        whole.split_once('\n').unwrap_or((whole, ""))
    };
    (0..starts.len()).map(part).collect()
}

fn answer(text: &str) -> Answer {
    let (text, fails) = match parts(text, "! ").last() {
        Some(_) => (&text[..text.rfind("\n! ").map_or(0, |at| at + 1)], true),
        None => (text, false),
    };
    let written = parts(text, "+++ ");
    let stdout = text.split("+++ ").next().filter(|_| !written.is_empty()).unwrap_or(text);
    Answer {
        stdout: stdout.to_owned(),
        written: written.into_iter().map(|(path, content)| (path.to_owned(), content.to_owned())).collect(),
        fails,
    }
}

fn cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).expect("a fixture is text");
    let fixture = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let sections = parts(&text, "=== ");
    let files: Vec<(String, String)> = sections
        .iter()
        .filter(|(name, _)| !matches!(*name, "commands" | "v1" | "v0"))
        .map(|(name, content)| ((*name).to_owned(), (*content).to_owned()))
        .collect();
    let recorded = |version: &str| {
        let section = sections.iter().find(|(name, _)| *name == version).unwrap_or_else(|| panic!("{fixture} has no answer of {version}"));
        parts(section.1, "$ ")
    };
    let newer = recorded("v1");
    let mut cases = Vec::new();
    for version in ["v1", "v0"] {
        for (index, (command, text)) in recorded(version).into_iter().enumerate() {
            let text = if text == "(as v1)\n" { newer[index].1 } else { text };
            let (fixture, command, files) = (fixture.clone(), command.to_owned(), files.clone());
            cases.push(Case { fixture, version, index, command, files, answer: answer(text) });
        }
    }
    cases
}

/// All files below a directory.
fn snapshot(root: &Path, directory: &Path, into: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            snapshot(root, &path, into);
        } else {
            let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            into.insert(name, String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned());
        }
    }
}

fn write(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("directories can be made");
    std::fs::write(path, content).expect("files can be written");
}

/// What hydrate answers, and its error.
fn run(case: &Case, charts: &BTreeMap<String, String>) -> (Answer, String) {
    let scratch = tempfile::tempdir().expect("a directory");
    let root = scratch.path().canonicalize().expect("a directory").join("work");
    let charts = charts.iter().map(|(name, content)| (format!("charts/{name}"), content));
    let files = case.files.iter().map(|(name, content)| (name.clone(), content));
    let before: BTreeMap<String, String> = charts.chain(files).map(|(name, content)| (name, content.clone())).collect();
    before.iter().for_each(|(name, content)| write(&root.join(name), content));
    let words = words(&case.command);
    let is_variable =
        |word: &&String| word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
    let variables: Vec<&String> = words.iter().take_while(is_variable).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_hydrate"))
        .arg("helmfile")
        .args(&words[variables.len()..])
        .current_dir(&root)
        .env_clear()
        .env("HOME", scratch.path())
        .env("HYDRATE_HELMFILE_COMPAT", case.version)
        .envs(variables.iter().filter_map(|word| word.split_once('=')))
        .output()
        .expect("hydrate runs");
    let shown = |text: &[u8]| String::from_utf8_lossy(text).replace(&*root.to_string_lossy(), "ROOT");
    let mut after = BTreeMap::new();
    snapshot(&root, &root, &mut after);
    after.retain(|name, content| before.get(name) != Some(content));
    let written = after.into_iter().map(|(name, content)| (without_digest(&name), shown(content.as_bytes()))).collect();
    (Answer { stdout: shown(&output.stdout), written, fails: !output.status.success() }, shown(&output.stderr))
}

/// The name of an output directory has a digest of the helmfile's path in it.
fn without_digest(name: &str) -> String {
    match name.find("helmfile-") {
        Some(at) if name.len() >= at + 17 && name.as_bytes()[at + 9..at + 17].iter().all(u8::is_ascii_hexdigit) => {
            format!("{}helmfile-DIGEST{}", &name[..at], &name[at + 17..])
        }
        _ => name.to_owned(),
    }
}

/// The words of a command line; single quotes keep blanks together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().expect("a word").push(other),
        }
    }
    words
}

fn difference(case: &Case, found: &Answer, error: &str) -> Option<String> {
    let wanted = &case.answer;
    let same = found.fails == wanted.fails && (wanted.fails || (found.stdout == wanted.stdout && found.written == wanted.written));
    if same {
        return None;
    }
    let mut text = format!("{} {} {}: {}\n", case.fixture, case.version, case.index, case.command);
    if found.fails != wanted.fails {
        let _ = writeln!(text, "{}", if wanted.fails { "must be refused".to_owned() } else { format!("is refused: {error}") });
    }
    let show =
        |answer: &Answer| answer.written.iter().fold(answer.stdout.clone(), |text, (path, content)| format!("{text}+++ {path}\n{content}"));
    let diff = similar::TextDiff::from_lines(show(wanted), show(found)).unified_diff().header("helmfile", "hydrate").to_string();
    Some(text + &diff)
}

/// `fixture version index why`, one a line.
fn known_differences() -> BTreeSet<String> {
    let text = std::fs::read_to_string(tests().join("helmfile-differences.txt")).expect("the known differences");
    let compatibility = std::fs::read_to_string(tests().join("../COMPATIBILITY.md")).expect("COMPATIBILITY.md");
    let line = |line: &str| {
        let mut fields = line.splitn(4, ' ');
        let key = fields.by_ref().take(3).collect::<Vec<_>>().join(" ");
        let why = fields.next().expect("why");
        assert!(compatibility.contains(why), "COMPATIBILITY.md does not say {why:?}");
        key
    };
    text.lines().map(line).collect()
}

#[test]
fn answers_are_those_of_helmfile() {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(tests().join("helmfile")).expect("fixtures").map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    assert!(paths.len() >= 300, "only {} fixtures", paths.len());
    let mut charts = BTreeMap::new();
    snapshot(&tests().join("helmfile/charts"), &tests().join("helmfile/charts"), &mut charts);
    let known = known_differences();
    let cases: Vec<Case> = paths.iter().flat_map(|path| cases(path)).collect();
    let only = std::env::var("HYDRATE_TEST_ONLY").ok();
    let wanted = |case: &&Case| only.as_ref().is_none_or(|only| case.fixture.contains(only.as_str()));
    let results: Vec<(&Case, Answer, String)> = cases
        .par_iter()
        .filter(wanted)
        .map(|case| (case, run(case, &charts)))
        .map(|(case, (answer, error))| (case, answer, error))
        .collect();
    let (mut differences, mut refusals) = (Vec::new(), String::new());
    for (case, found, error) in &results {
        let key = format!("{} {} {}", case.fixture, case.version, case.index);
        if found.fails {
            let _ = writeln!(refusals, "=== {key}: {}\n{}", case.command, error.trim_end());
        }
        match (difference(case, found, error), known.contains(&key)) {
            (Some(difference), false) => differences.push(difference),
            (None, true) => differences.push(format!("{key} is no difference any more\n")),
            _ => {}
        }
    }
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), results.len(), differences.join("\n"));
    if only.is_none() {
        compare_or_update(&refusals);
    }
}

/// What was said about all that was refused is what was recorded.
fn compare_or_update(said: &str) {
    let path = tests().join("helmfile-refusals.txt");
    if std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
        std::fs::write(&path, said).expect("the record can be written");
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(recorded.as_str(), said).unified_diff().header("recorded", "said").to_string();
    assert!(diff.is_empty(), "refusals are not as recorded:\n{diff}");
}
