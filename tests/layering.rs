//! Imports only point down the list of rooms (docs/architecture.md).

use std::fs;
use std::path::{Path, PathBuf};

/// From top to bottom.
const ROOMS: &[&str] =
    &["cli", "pipeline", "project", "gitops", "check", "tree", "diff", "git", "source", "chart", "sprig", "gotmpl", "yaml", "base"];

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
