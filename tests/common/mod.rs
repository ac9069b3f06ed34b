//! What several test programs use: `mod common;`
#![allow(dead_code, reason = "not every one of them uses all of it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The files below a directory with their content, links followed; none where there is no such directory.
pub(crate) fn files_below(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for path in fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.append(&mut files_below(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// Copies a directory with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &to) } else { fs::copy(entry.path(), to).map(drop).unwrap() }
    }
}

/// Says that this test cannot run here and why, past the harness, which keeps the output of tests that pass to itself. `make test` lists
/// all of them at its end (HYDRATE_TEST_SKIPPED names the file). Where HYDRATE_TEST_REQUIRE_ALL is set and not empty, it is a failure.
pub(crate) fn skip(reason: &str) {
    let required = std::env::var_os("HYDRATE_TEST_REQUIRE_ALL").is_some_and(|value| !value.is_empty());
    assert!(!required, "{} was expected to run, and cannot: {reason}", test());
    skip_unless_asked(reason);
}

/// The same for a test that nobody expects to run without having asked for it.
pub(crate) fn skip_unless_asked(reason: &str) {
    let line = format!("SKIPPED {}: {reason}\n", test());
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(path) = std::env::var_os("HYDRATE_TEST_SKIPPED") {
        fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// The name of the test that runs.
fn test() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

/// A part of a file of cases: what stands after `=== `, the lines below it, and all of it. The title of the file is the first, without a head.
pub(crate) struct Section<'t> {
    pub(crate) head: &'t str,
    pub(crate) body: &'t str,
    pub(crate) whole: &'t str,
}

/// The parts of a file of cases.
pub(crate) fn sections(text: &str) -> Vec<Section<'_>> {
    let mut starts: Vec<usize> =
        text.match_indices("=== ").map(|(at, _)| at).filter(|at| *at == 0 || text[..*at].ends_with('\n')).collect();
    let title = &text[..starts.first().copied().unwrap_or(text.len())];
    let mut all = vec![Section { head: "", body: title, whole: title }];
    starts.push(text.len());
    for pair in starts.windows(2) {
        let whole = &text[pair[0]..pair[1]];
        let (head, body) = whole.split_once('\n').unwrap_or((whole, ""));
        all.push(Section { head: head[4..].trim(), body, whole });
    }
    all
}

/// Compares a file of cases with what it comes to now: what differs, as a text. With HYDRATE_TEST_UPDATE set the file is written instead.
pub(crate) fn compare_or_update(path: &Path, text: &str, now: &str) -> Option<String> {
    if now.trim_end() == text.trim_end() {
        return None;
    }
    if std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
        fs::write(path, format!("{}\n", now.trim_end())).unwrap();
        return None;
    }
    let diff = similar::TextDiff::from_lines(text, now).unified_diff().header("expected", "found").to_string();
    Some(format!("{}:\n{diff}", path.display()))
}
