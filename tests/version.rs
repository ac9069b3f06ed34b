//! What a build knows of its commit, and what `--version` says.

use std::fs;
use std::path::Path;
use std::process::Command;

#[path = "../build.rs"]
#[allow(dead_code, reason = "only what finds the commit is tried")]
mod build;

fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(arguments);
    let done = command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", directory).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn the_commit_is_that_of_the_work_tree_and_changed_sources_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    git(root, &["init", "-q"]);
    assert_eq!(build::commit(root), None, "there is none yet");
    fs::create_dir(root.join("src")).unwrap();
    fs::write(root.join("src/main.rs"), "fn main() {}\n").unwrap();
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "one"]);
    let head = git(root, &["rev-parse", "HEAD"]);
    assert_eq!(build::commit(root), Some(head.clone()));
    // What is not part of the sources says nothing about them.
    fs::write(root.join("notes.txt"), "x\n").unwrap();
    assert_eq!(build::commit(root), Some(head.clone()));
    fs::write(root.join("src/main.rs"), "fn main() { }\n").unwrap();
    assert_eq!(build::commit(root), Some(format!("{head}+changes")));
    // An archive that is unpacked in somebody's repository is none of its commits.
    assert_eq!(build::commit(&root.join("src")), None);
    assert_eq!(build::commit(&root.join("nowhere")), None);
}

#[test]
fn a_version_names_what_it_is_compatible_with() {
    let say = |flag: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_hydrate")).arg(flag).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty());
        String::from_utf8(done.stdout).unwrap()
    };
    let (short, long) = (say("-V"), say("--version"));
    let first = format!("hydrate {} (", env!("CARGO_PKG_VERSION"));
    assert!(short.starts_with(&first) && short.lines().count() == 1, "{short}");
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!(Some(lines[0]), short.lines().next());
    let expected =
        ["helm        4.3.1 (v4), 3.17.1 (v3)", "kustomize   5.8.1", "helmfile    1.7.4 (v1), 0.166.0 (v0)", "kubernetes  1.30 to 1.37"];
    assert_eq!(lines[1..], expected);
}
