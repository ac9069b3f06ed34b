//! Engines read nothing but what they ask the `World` for.

use std::fs;
use std::path::{Path, PathBuf};

/// What reads the disk without the `World`, and why it may.
const READERS: &[(&str, &str)] = &[
    ("crates/base/src/bounds.rs", "is the way to the disk"),
    ("crates/base/src/world.rs", "is the way to the disk"),
    ("crates/base/src/key.rs", "the user's key"),
    ("crates/base/src/git.rs", "looks for the program in PATH"),
    ("crates/base/src/atomic_write.rs", "writes"),
    ("crates/base/src/kill_point.rs", "switches of tests, in builds for development"),
    ("crates/base/src/work_tree.rs", "looks for the Git work tree above a directory"),
    ("crates/base/src/limits.rs", "what the kernel says about this process"),
    ("src/sandbox/", "what the kernel says about this process, and whether a program and its libraries are there"),
    ("crates/acquire/src/cache.rs", "the user's cache"),
    ("crates/acquire/src/git.rs", "the user's cache"),
    ("crates/acquire/src/http.rs", "certificates that the user names"),
    ("crates/acquire/src/index.rs", "the user's cache"),
    ("crates/acquire/src/vendor.rs", "writes charts/; reads by way of a world of its own"),
    ("crates/helm/src/output.rs", "writes --output-dir"),
    ("crates/sops/examples/", "reads the file that its command line names"),
    ("src/pipeline/renders.rs", "the user's cache"),
    ("src/pipeline/confined.rs", "the pipe to the confined process"),
    ("src/pipeline/handover.rs", "the size of what is in the tree"),
    ("src/import/write.rs", "writes"),
    ("src/tree/", "manifests/ and clusters/, each opened from the one above it"),
    ("src/git/", "the user's repository"),
    ("src/cli/commands/init.rs", "writes"),
    ("src/cli/commands/hook.rs", "the user's hook"),
    ("src/cli/commands/kustomize.rs", "writes --output"),
    ("src/cli/", "its own process"),
];

#[test]
fn nothing_is_read_but_through_the_world() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ways = ["std::fs", "File::open", "OpenOptions", "read_to_string(", "read_dir(", ".canonicalize()", "std::env::var"];
    let mut wrong = Vec::new();
    for file in ["src", "crates"].iter().flat_map(|top| rust_files(&root.join(top))) {
        let name = file.strip_prefix(root).unwrap().display().to_string();
        if name.contains("/tests/")
            || name.contains("/benches/")
            || name.ends_with("/tests.rs")
            || READERS.iter().any(|(reader, _)| name.starts_with(reader))
        {
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
