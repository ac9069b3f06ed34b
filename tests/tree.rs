//! What the tree promises: old or new after a kill at any moment, nothing lost to a full disk or to runs at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod common;

use common::{copy, files_below};

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

/// A second environment, whose runs have no other business with the first one's trees than to complete what was begun.
fn other_environment_in(root: &Path) {
    fs::create_dir_all(root.join("environments")).unwrap();
    fs::write(root.join("environments/other.yaml"), "components: [none-of-them-*]\n").unwrap();
}

/// The same project handed over, so that `clusters/dev` changes whenever the manifests do.
fn handed_over(root: &Path, word: &str) {
    project(root, word);
    let git = format!("handover: flux\ngit: {{url: \"https://git.example.org/x\", branch: {word}}}\n");
    fs::write(root.join("environments/dev.yaml"), format!("values: {{word: {word}}}\n{git}")).unwrap();
}

fn hydrate(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
    command.args(["-q", "-e", "dev"]).current_dir(root).env_remove("HYDRATE_ENV").stderr(Stdio::null());
    command.env("HYDRATE_CACHE_DIR", root.join(".cache")).env("HYDRATE_CACHE_KEY", "k".repeat(32));
    command
}

fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files_below(&root.join("manifests/dev"))
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

type Tree = BTreeMap<PathBuf, Vec<u8>>;

fn snapshots(root: &Path) -> (Tree, Tree) {
    (snapshot(root), files_below(&root.join("clusters/dev")))
}

/// Each of both trees is the old or the new one at any moment; and once any run has passed by, also for another environment, both are old or both new.
fn kill_with_hand_over(points: u32, variables: &[(&str, &str)], complete_after_recovery_only: bool) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    other_environment_in(&root);
    let run = |word: &str| {
        handed_over(&root, word);
        let start = Instant::now();
        assert!(hydrate(&root).status().unwrap().success());
        (snapshots(&root), start.elapsed())
    };
    let (old, _) = run("old");
    let (new, longest) = run("new");
    assert!(old.0 != new.0 && old.1 != new.1);
    fs::write(root.join("clusters/dev/mine.txt"), "not hydrate's").unwrap();
    let mut seen = [0, 0];
    for point in 0..points {
        let (word, before, after) = if point % 2 == 0 { ("old", &new, &old) } else { ("new", &old, &new) };
        handed_over(&root, word);
        let mut child = hydrate(&root).envs(variables.iter().copied()).spawn().unwrap();
        std::thread::sleep(longest.mul_f64(0.3 + f64::from(point) / f64::from(points)));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = || {
            let (manifests, mut clusters) = snapshots(&root);
            assert_eq!(clusters.remove(&root.join("clusters/dev/mine.txt")).as_deref(), Some(b"not hydrate's".as_slice()));
            (manifests, clusters)
        };
        if !complete_after_recovery_only {
            let (manifests, clusters) = found();
            assert!([&before.0, &after.0].contains(&&manifests), "mixed manifests after a kill at point {point}");
            assert!([&before.1, &after.1].contains(&&clusters), "mixed clusters after a kill at point {point}");
        }
        let mut other = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        assert!(other.args(["-q", "-e", "other"]).current_dir(&root).status().unwrap().success());
        let both = found();
        let is_new = &both == after;
        assert!(is_new || &both == before, "manifests and clusters do not belong together after a kill at point {point}");
        seen[usize::from(is_new)] += 1;
        for tree in ["manifests", "clusters"] {
            let left: Vec<_> = fs::read_dir(root.join(tree)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert!(left.iter().all(|name| name == "dev" || name == "other"), "remains of the killed run were not removed: {left:?}");
        }
        assert!(hydrate(&root).status().unwrap().success());
        assert!(&found() == after);
    }
    eprintln!("killed at {points} points: {} old pairs of trees, {} new ones", seen[0], seen[1]);
}

#[test]
fn a_kill_leaves_manifests_and_hand_over_together() {
    kill_with_hand_over(40, &[], false);
}

#[test]
fn a_kill_without_exchange_leaves_manifests_and_hand_over_together() {
    kill_with_hand_over(12, &[("HYDRATE_TEST_NO_EXCHANGE", "1")], true);
}

/// Whatever kind of thing a killed run left under its names, the next run removes it, or completes it and then removes it.
#[test]
fn remains_of_killed_runs_go() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    handed_over(&root, "old");
    assert!(hydrate(&root).status().unwrap().success());
    let before = snapshots(&root);
    for tree in ["manifests", "clusters"] {
        fs::write(root.join(tree).join(".hydrate-stage-file-1"), "half a file").unwrap();
        copy(&root.join(tree).join("dev"), &root.join(tree).join(".hydrate-stage-done-1"));
        copy(&root.join(tree).join("dev"), &root.join(tree).join(".hydrate-apply-dev"));
    }
    fs::create_dir(root.join("clusters/.hydrate-after-dev-0123")).unwrap();
    assert_eq!(hydrate(&root).arg("check").status().unwrap().code(), Some(1), "what was not completed is told");
    fs::write(root.join("manifests/dev/c0/configmap-c0-x0.yaml"), "half carried over").unwrap();
    fs::remove_file(root.join("clusters/dev/kustomization-c0.yaml")).unwrap();
    assert!(hydrate(&root).status().unwrap().success());
    assert!(snapshots(&root) == before);
    for tree in ["manifests", "clusters"] {
        assert_eq!(fs::read_dir(root.join(tree)).unwrap().count(), 1);
    }
}

/// What a kill between the two swaps leaves, step by step: the promise is kept once, and one that nobody decided on is dropped.
#[test]
fn a_promised_hand_over_is_kept_or_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    other_environment_in(&root);
    let trees: Vec<PathBuf> = ["old", "new"]
        .map(|word| {
            handed_over(&root, word);
            assert!(hydrate(&root).status().unwrap().success());
            let kept = root.join(format!("kept-{word}"));
            copy(&root.join("manifests"), &kept.join("manifests"));
            copy(&root.join("clusters"), &kept.join("clusters"));
            kept
        })
        .into();
    let digest = |manifests: &Path, clusters: &Path| {
        // As tree/write.rs has it: the digests of all indexes.
        let mut text = String::new();
        let mut names: Vec<_> = fs::read_dir(manifests).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let indexes = names.iter().map(|name| (name.as_str(), manifests.join(name).join(".hydrated")));
        for (name, path) in indexes.chain([("manifests", manifests.join("kustomization.yaml")), ("clusters", clusters.join(".hydrated"))]) {
            if let Ok(bytes) = fs::read(path) {
                text.push_str(&format!("{}  {name}\n", hydrate::base::hash::sha256(&bytes)));
            }
        }
        hydrate::base::hash::sha256(text.as_bytes())
    };
    for (standing, expected) in [(1, 1), (0, 0)] {
        for dir in ["manifests", "clusters"] {
            fs::remove_dir_all(root.join(dir)).unwrap();
        }
        // The manifests are those of `standing`; the hand-over is the old one, and the new one is promised.
        copy(&trees[standing].join("manifests"), &root.join("manifests"));
        copy(&trees[0].join("clusters"), &root.join("clusters"));
        let name = digest(&trees[1].join("manifests/dev"), &trees[1].join("clusters/dev"));
        copy(&trees[1].join("clusters/dev"), &root.join(format!("clusters/.hydrate-after-dev-{name}")));
        let check = hydrate(&root).arg("check").status().unwrap();
        assert_eq!(check.code(), Some(if standing == 1 { 1 } else { 2 }), "a half-written pair is told");
        let mut other = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        assert!(other.args(["-q", "-e", "other"]).current_dir(&root).status().unwrap().success());
        let (_, clusters) = snapshots(&root);
        let wanted = files_below(&trees[expected].join("clusters/dev"));
        assert!(clusters.values().eq(wanted.values()));
        assert_eq!(fs::read_dir(root.join("clusters")).unwrap().count(), 1);
    }
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_tree_or_the_new() {
    kill_at_many_points(40, &[], false);
}

/// Where directories cannot be exchanged, the next run completes what a killed one has begun.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "the switch for it is in builds for development alone")]
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
