//! What the tree promises: old or new after a kill at any moment, nothing lost to a full disk or to runs at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Components in the projects made here, and objects in each.
const SIZE: (usize, usize) = (6, 8);

/// A project whose objects all say `word`, so that a tree of mixed words shows.
fn project(root: &Path, word: &str) {
    fs::create_dir_all(root.join("environments")).unwrap();
    fs::write(root.join("environments/dev.yaml"), format!("values: {{word: {word}}}\n")).unwrap();
    for component in 0..SIZE.0 {
        let dir = root.join(format!("components/c{component}/templates"));
        fs::create_dir_all(&dir).unwrap();
        for object in 0..SIZE.1 {
            // With the other word another half of the objects is there, so that files come and go.
            let text = format!(
                "{{% if values.word == 'old' or {object} % 2 == 0 %}}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{component}-x{object}\ndata:\n  word: \
                 {{{{ values.word }}}}\n{{% endif %}}\n"
            );
            fs::write(dir.join(format!("{object}.yaml.j2")), text).unwrap();
        }
    }
}

fn hydrate(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
    command.args(["-q", "-e", "dev"]).current_dir(root).env_remove("HYDRATE_ENV").stderr(Stdio::null());
    command.env("HYDRATE_CACHE_DIR", root.join(".cache"));
    command
}

fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(&root.join("manifests/dev"), &mut files);
    files
}

fn collect(dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

/// The tree of a word, and the time that the run took.
fn rendered(root: &Path, word: &str) -> (BTreeMap<PathBuf, Vec<u8>>, Duration) {
    project(root, word);
    let start = Instant::now();
    assert!(hydrate(root).status().unwrap().success());
    let took = start.elapsed();
    (snapshot(root), took)
}

fn kill_at_many_points(points: u32, variables: &[(&str, &str)], complete_after_recovery_only: bool) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let (old, _) = rendered(&root, "old");
    let (new, longest) = rendered(&root, "new");
    assert_ne!(old, new);
    fs::write(root.join("manifests/dev/c0/mine.txt"), "not hydrate's").unwrap();
    let mut seen = [0, 0];
    for point in 0..points {
        let (word, before, after) = if point % 2 == 0 { ("old", &new, &old) } else { ("new", &old, &new) };
        project(&root, word);
        let mut child = hydrate(&root).envs(variables.iter().copied()).spawn().unwrap();
        std::thread::sleep(longest.mul_f64(f64::from(point) / f64::from(points) * 1.2));
        child.kill().unwrap();
        child.wait().unwrap();
        if complete_after_recovery_only {
            assert!(hydrate(&root).args(["c0"]).status().unwrap().success());
            assert!(hydrate(&root).status().unwrap().success());
        }
        let mut found = snapshot(&root);
        assert_eq!(found.remove(&root.join("manifests/dev/c0/mine.txt")).as_deref(), Some(b"not hydrate's".as_slice()));
        let is_new = &found == after;
        assert!(is_new || &found == before, "a mixed tree after a kill at point {point}");
        seen[usize::from(is_new)] += 1;
        assert!(hydrate(&root).status().unwrap().success());
        let left: Vec<_> = fs::read_dir(root.join("manifests")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["dev"], "remains of the killed run were not removed");
    }
    eprintln!("killed at {points} points: {} old trees, {} new ones", seen[0], seen[1]);
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_tree_or_the_new() {
    kill_at_many_points(40, &[], false);
}

/// Where directories cannot be exchanged, the next run completes what a killed one has begun.
#[test]
fn a_kill_without_exchange_is_completed_by_the_next_run() {
    kill_at_many_points(12, &[("HYDRATE_TEST_NO_EXCHANGE", "1")], true);
}

#[test]
fn runs_at_once_wait_for_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    project(&root, "old");
    let children: Vec<_> = (0..8).map(|_| hydrate(&root).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let check = hydrate(&root).arg("check").status().unwrap();
    assert_eq!(check.code(), Some(0));
}

#[test]
fn the_same_bytes_with_any_jobs_and_from_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    project(&root, "old");
    assert!(hydrate(&root).args(["--jobs", "1"]).status().unwrap().success());
    let first = snapshot(&root);
    for (jobs, from) in [("2", "components/c0"), ("7", "environments"), ("1", "manifests")] {
        fs::remove_dir_all(root.join("manifests/dev")).unwrap();
        assert!(hydrate(&root).args(["--jobs", jobs]).current_dir(root.join(from)).status().unwrap().success());
        assert!(snapshot(&root) == first, "--jobs {jobs} from {from}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    fs::remove_dir_all(root.join("manifests")).unwrap();
    assert!(hydrate(&root).arg("-C").arg(&root).current_dir(elsewhere.path()).status().unwrap().success());
    assert!(snapshot(&root) == first);
}

#[test]
fn a_full_disk_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap().join("small");
    fs::create_dir(&root).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&root).stderr(Stdio::null()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a small tmpfs cannot be mounted here");
        return;
    }
    let result = std::panic::catch_unwind(|| fill_up(&root));
    let unmounted = Command::new("umount").arg(&root).status().unwrap();
    assert!(unmounted.success());
    result.unwrap();
}

fn fill_up(root: &Path) {
    project(root, "old");
    assert!(hydrate(root).status().unwrap().success());
    let before = snapshot(root);
    project(root, "new");
    let mut filler = Vec::new();
    while fs::write(root.join("filler"), &filler).is_ok() {
        filler.resize(filler.len() + 4096, 0);
    }
    let output = hydrate(root).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: cannot write manifests/dev: No space left on device (os error 28)\n |\n = note: nothing was changed: the tree is as it was \
                    before\n = help: free some space and run again\n";
    assert_eq!(said, expected);
    assert!(snapshot(root) == before);
    assert_eq!(fs::read_dir(root.join("manifests")).unwrap().count(), 1, "nothing may be left beside the tree");
    fs::remove_file(root.join("filler")).unwrap();
    assert!(hydrate(root).status().unwrap().success());
}
