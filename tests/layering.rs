//! Imports only point down the list of rooms (docs/architecture.md).

use std::fs;
use std::path::{Path, PathBuf};

/// From top to bottom.
const ROOMS: &[&str] = &[
    "cli", "pipeline", "project", "gitops", "check", "tree", "diff", "git", "source", "chart", "sprig", "gotmpl", "yaml", "sandbox", "base",
];

#[test]
fn imports_only_point_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (height, room) in ROOMS.iter().enumerate() {
        for file in rust_files(&src.join(room)) {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                for above in rooms_named(line).filter(|named| ROOMS[..height].contains(named)) {
                    wrong.push(format!("{}:{}: {room} must not use {above}", file.strip_prefix(&src).unwrap().display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_room_is_on_the_list() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(&src).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(!entry.path().is_dir() || ROOMS.contains(&name.as_str()), "src/{name} is on no floor: add it to ROOMS");
    }
}

/// What reads the disk without the `World`, and why it may.
const READERS: &[(&str, &str)] = &[
    ("base/bounds.rs", "is the way to the disk"),
    ("base/world.rs", "is the way to the disk"),
    ("base/key.rs", "the user's key"),
    ("base/git.rs", "looks for the program in PATH"),
    ("base/whole.rs", "writes"),
    ("base/limits.rs", "what the kernel says about this process"),
    ("sandbox/", "what the kernel says about this process, and whether a program and its libraries are there"),
    ("chart/acquire/cache.rs", "the user's cache"),
    ("chart/acquire/git.rs", "the user's cache"),
    ("chart/acquire/http.rs", "certificates that the user names"),
    ("chart/acquire/index.rs", "the user's cache"),
    ("chart/acquire/vendor.rs", "writes charts/; reads by way of a world of its own"),
    ("source/helm/output.rs", "writes --output-dir"),
    ("pipeline/renders.rs", "the user's cache"),
    ("pipeline/confined.rs", "the pipe to the confined process"),
    ("pipeline/handover.rs", "the size of what is in the tree"),
    ("tree/", "manifests/ and clusters/, each opened from the one above it"),
    ("git/", "the user's repository"),
    ("cli/commands/init.rs", "writes"),
    ("cli/commands/hook.rs", "the user's hook"),
    ("cli/commands/kustomize.rs", "writes --output"),
    ("cli/", "its own process"),
];

#[test]
fn nothing_is_read_but_through_the_world() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let ways = ["std::fs", "File::open", "OpenOptions", "read_to_string(", "read_dir(", ".canonicalize()", "std::env::var"];
    let mut wrong = Vec::new();
    for file in rust_files(&src) {
        let name = file.strip_prefix(&src).unwrap().display().to_string();
        if name.ends_with("/tests.rs") || READERS.iter().any(|(reader, _)| name.starts_with(reader)) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if ways.iter().any(|way| line.contains(way)) {
                wrong.push(format!("{name}:{}: ask the World, or say in READERS why not: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The rooms that a line names: `crate::room::…` and `use crate::{room, …}`.
fn rooms_named(line: &str) -> impl Iterator<Item = &'static str> {
    let mut named = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => named.extend(group.split([',', '}']).map(first_word)),
            None => named.push(first_word(rest)),
        }
    }
    ROOMS.iter().copied().filter(move |room| named.iter().any(|name| name == room))
}

fn first_word(text: &str) -> String {
    text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
