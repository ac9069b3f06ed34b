//! What the tree promises: old or new after a kill at any moment, nothing lost to a full disk or to runs at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

mod common;

use common::files_below;
use hydrate_base::hash::sha256;

/// Components in the projects made here, and objects in each.
const SIZE: (usize, usize) = (3, 4);

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
    command.args(["-q", "-e", "dev"]).current_dir(root).env_remove("HYDRATE_ENV").stdout(Stdio::null()).stderr(Stdio::null());
    command.env("HYDRATE_CACHE_DIR", root.join(".cache")).env("HYDRATE_CACHE_KEY", "k".repeat(32));
    command
}

fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files_below(&root.join("manifests/dev"))
}

/// Everything below the two trees, by path.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

fn trees(root: &Path) -> Tree {
    ["manifests/dev", "clusters/dev"].iter().flat_map(|tree| files_below(&root.join(tree))).collect()
}

/// A run for another environment, which has nothing else to do with the trees of `dev` than to complete what was begun there.
fn pass_by(root: &Path) -> std::process::Output {
    let mut other = Command::new(env!("CARGO_BIN_EXE_hydrate"));
    other.args(["-e", "other"]).current_dir(root).env("HYDRATE_CACHE_DIR", root.join(".cache"));
    let output = other.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A project in a repository of its own, whose state is kept where it is found again; the tree of `old` is written.
fn in_a_repository(root: &Path) {
    assert!(Command::new("git").args(["init", "-q"]).current_dir(root).status().unwrap().success());
    other_environment_in(root);
    handed_over(root, "old");
    assert!(hydrate(root).status().unwrap().success());
}

/// Kills a run before each change that it makes to the disk, one after another; `edit` is what somebody does afterwards. What `inspect` is
/// given: the tree before, the tree that was to be, and the tree once a run has passed by.
fn kill_before_each_change(variables: &[(&str, &str)], edit: &dyn Fn(&Path), inspect: &dyn Fn(&Path, u32, &Tree, &Tree, &Tree) -> bool) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    in_a_repository(&root);
    fs::write(root.join("manifests/dev/c0/mine.txt"), "not hydrate's").unwrap();
    let old = trees(&root);
    handed_over(&root, "new");
    assert!(hydrate(&root).status().unwrap().success());
    let new = trees(&root);
    let mut seen = [0, 0];
    for number in 1.. {
        handed_over(&root, "old");
        assert!(hydrate(&root).status().unwrap().success());
        assert!(trees(&root) == old, "the old tree is not written whole before change {number}");
        handed_over(&root, "new");
        let killed = hydrate(&root).envs(variables.iter().copied()).env("HYDRATE_TEST_KILL_BEFORE", number.to_string()).status().unwrap();
        if killed.success() {
            break;
        }
        edit(&root);
        let between = trees(&root);
        let check = hydrate(&root).arg("check").status().unwrap().code();
        assert!(trees(&root) == between, "check has written something");
        pass_by(&root);
        let after = trees(&root);
        // What is neither is told as that, until it is completed.
        assert!(check == Some(1) || between == after, "a half tree was not told before change {number}");
        let is_new = inspect(&root, number, &old, &new, &after);
        seen[usize::from(is_new)] += 1;
        for tree in ["manifests", "clusters"] {
            let left: Vec<_> = fs::read_dir(root.join(tree)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert!(left.iter().all(|name| name == "dev" || name == "other"), "remains of the killed run: {left:?}");
        }
    }
    assert!(seen[0] > 10 && seen[1] > 10, "both trees are to be seen: {seen:?}");
}

fn is_old_or_new(_: &Path, number: u32, old: &Tree, new: &Tree, after: &Tree) -> bool {
    assert!(after == old || after == new, "a mixed tree after a kill before change {number}");
    after == new
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "the switch for it is in builds for development alone")]
fn a_kill_leaves_the_old_trees_or_the_new_after_the_next_run() {
    kill_before_each_change(&[], &|_| {}, &is_old_or_new);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "the switch for it is in builds for development alone")]
fn a_kill_where_files_cannot_be_exchanged_does_so_too() {
    for what in ["1", "links"] {
        kill_before_each_change(&[("HYDRATE_TEST_NO_EXCHANGE", what)], &|_| {}, &is_old_or_new);
    }
}

/// Somebody saves one of hydrate's own files before any of the changes that a run makes to the disk: that stays, or the run tells that it
/// replaces it.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "the switch for it is in builds for development alone")]
fn what_is_saved_in_the_middle_of_a_run_stays_or_is_told() {
    for variables in [&[][..], &[("HYDRATE_TEST_NO_EXCHANGE", "1")]] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        in_a_repository(&root);
        let (replaced, removed) = (root.join("manifests/dev/c1/configmap-c1-x0.yaml"), root.join("manifests/dev/c1/configmap-c1-x1.yaml"));
        let mut stayed = 0;
        for number in 1.. {
            handed_over(&root, "new");
            let mut command = hydrate(&root);
            command.envs(variables.iter().copied()).env("HYDRATE_TEST_STOP_BEFORE", number.to_string());
            let saved = [&replaced, &removed];
            let Some(said) = stopped(command.stderr(Stdio::piped()), || saved.iter().for_each(|path| save(path, "saved"))) else { break };
            for path in saved {
                let is_told = said.contains(&format!("{} was edited by hand", path.strip_prefix(&root).unwrap().display()));
                let is_there = fs::read_to_string(path).is_ok_and(|text| text == "saved");
                assert!(is_told || is_there, "{} is lost before change {number}: {said}", path.display());
                stayed += u32::from(is_there);
            }
            handed_over(&root, "old");
            saved.iter().for_each(|path| fs::remove_file(path).unwrap_or_default());
            assert!(hydrate(&root).status().unwrap().success());
        }
        assert!(stayed > 20, "{stayed}");
    }
}

/// Saves a file as editors do.
fn save(path: &Path, content: &str) {
    let beside = path.with_extension("saving");
    fs::write(&beside, content).unwrap();
    fs::rename(beside, path).unwrap();
}

/// Does something while a run that stops itself is stopped; gives what it said, or `None` where it did not stop.
fn stopped(command: &mut Command, meanwhile: impl FnOnce()) -> Option<String> {
    use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
    let mut child = command.spawn().unwrap();
    let id = Pid::from_child(&child);
    let (_, status) = waitpid(Some(id), WaitOptions::UNTRACED).unwrap().unwrap();
    if !status.stopped() {
        // It has been waited for already.
        let _ = child.wait();
        return None;
    }
    meanwhile();
    kill_process(id, Signal::CONT).unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    child.wait().unwrap();
    Some(said)
}

/// The directory in which a repository's runs keep their journal, of which a run that was killed has left one in the middle of its steps.
#[cfg(debug_assertions)]
fn killed_in_the_middle(root: &Path) -> PathBuf {
    in_a_repository(root);
    let old = trees(root);
    for number in 1.. {
        handed_over(root, "new");
        assert!(!hydrate(root).env("HYDRATE_TEST_KILL_BEFORE", number.to_string()).status().unwrap().success());
        if trees(root) != old {
            break;
        }
        handed_over(root, "old");
        assert!(hydrate(root).status().unwrap().success());
    }
    fs::read_dir(root.join(".git/hydrate/writes")).unwrap().next().unwrap().unwrap().path()
}

/// A journal that is not as it was written, as after a power failure: told, never guessed at, and nothing that belongs to it is removed.
#[cfg(debug_assertions)]
#[test]
fn a_damaged_journal_is_told_and_put_aside() {
    let spoil: [fn(&[u8]) -> Vec<u8>; 4] = [
        |_| Vec::new(),
        |text| text[..text.len() / 2].to_vec(),
        |text| String::from_utf8_lossy(text).replacen("manifests/dev/c", "manifests/dev/d", 1).into_bytes(),
        |text| vec![0; text.len()],
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let kept = killed_in_the_middle(&root);
        let journal = kept.join("journal.json");
        fs::write(&journal, spoil(&fs::read(&journal).unwrap())).unwrap();
        let files = files_below(&kept.join("files"));
        let half = trees(&root);
        for command in ["check", "diff", "commit"] {
            let output = hydrate(&root).arg(command).stderr(Stdio::piped()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_told =
                said.contains("its journal is damaged") && said.contains(&journal.display().to_string()) && said.contains("hydrate -e dev");
            assert!(output.status.code() == Some(1) && is_told, "{number}: {command}: {said}");
        }
        let said = String::from_utf8_lossy(&pass_by(&root).stderr).into_owned();
        let aside = kept.with_file_name(format!("{}.damaged-1", kept.file_name().unwrap().display()));
        assert!(said.contains(&aside.display().to_string()) && said.contains("hydrate -e all"), "{said}");
        assert!(trees(&root) == half);
        let moved = files_below(&aside.join("files"));
        assert!(files.len() > 5 && files.values().eq(moved.values()));
        assert!(hydrate(&root).status().unwrap().success());
        assert_eq!(hydrate(&root).arg("check").status().unwrap().code(), Some(0));
    }
}

/// After a power failure the journal is there, but a file that was to come may not be whole: then the old tree is what the next run makes.
#[cfg(debug_assertions)]
#[test]
fn where_a_new_file_is_not_whole_the_old_tree_comes_back() {
    let is_new = |path: &PathBuf| path.extension().is_some_and(|end| end == "new") && path.parent().unwrap().ends_with("files");
    let number_of = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().parse::<u32>().unwrap();
    let turn = std::cell::Cell::new(0);
    let spoil_the_last = |root: &Path| {
        turn.set(turn.get() + 1);
        let kept = files_below(&root.join(".git/hydrate/writes"));
        let journal =
            kept.iter().find(|(path, _)| path.ends_with("journal.json")).map(|(_, text)| String::from_utf8_lossy(text).into_owned());
        // Right after an exchange the name is that of the old file, which was on the disk long before.
        let comes = |content: &[u8]| journal.as_ref().is_some_and(|text| text.contains(&format!("\"after\":\"{}\"", sha256(content))));
        let last = kept.iter().filter(|(_, content)| comes(content)).map(|(path, _)| path.clone()).filter(is_new).max_by_key(number_of);
        match (last, turn.get() % 3) {
            (Some(path), 1) => fs::write(path, "").unwrap(),
            (Some(path), 2) => fs::remove_file(path).unwrap(),
            _ => {}
        }
    };
    kill_before_each_change(&[], &spoil_the_last, &is_old_or_new);
}

/// A run is killed where there is no Git, and then somebody begins a repository.
#[cfg(debug_assertions)]
#[test]
fn what_was_begun_without_git_is_completed_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap().join("project");
    fs::create_dir(&root).unwrap();
    let state = root.with_file_name("state");
    let run = |root: &Path| {
        let mut run = hydrate(root);
        run.env("XDG_STATE_HOME", &state);
        run
    };
    other_environment_in(&root);
    handed_over(&root, "old");
    assert!(run(&root).status().unwrap().success());
    handed_over(&root, "new");
    let old = trees(&root);
    let before = |number: u32| run(&root).env("HYDRATE_TEST_KILL_BEFORE", number.to_string()).status().unwrap();
    let in_the_middle = (1..).find(|number| before(*number).success() || trees(&root) != old).unwrap();
    assert!(in_the_middle > 10 && run(&root).arg("check").status().unwrap().code() == Some(1));
    assert!(Command::new("git").args(["init", "-q"]).current_dir(&root).status().unwrap().success());
    assert_eq!(run(&root).arg("check").status().unwrap().code(), Some(1));
    // Another directory at the same path is none of its business.
    fs::rename(&root, root.with_file_name("moved")).unwrap();
    fs::create_dir(&root).unwrap();
    in_a_repository(&root);
    let fresh = trees(&root);
    assert_eq!(run(&root).arg("check").status().unwrap().code(), Some(0));
    assert!(trees(&root) == fresh);
    fs::remove_dir_all(&root).unwrap();
    fs::rename(root.with_file_name("moved"), &root).unwrap();
    assert!(run(&root).status().unwrap().success());
    assert_eq!(run(&root).arg("check").status().unwrap().code(), Some(0));
}

/// Somebody saves a file of theirs and one of hydrate's after the kill: neither is lost.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "the switch for it is in builds for development alone")]
fn what_is_saved_after_a_kill_stays() {
    let edited = Path::new("manifests/dev/c1/configmap-c1-x0.yaml");
    let edit = |root: &Path| {
        fs::write(root.join("manifests/dev/c0/mine.txt"), "saved").unwrap();
        fs::write(root.join(edited), "saved").unwrap();
    };
    for variables in [&[][..], &[("HYDRATE_TEST_NO_EXCHANGE", "1")]] {
        kill_before_each_change(variables, &edit, &|root, number, old, new, after| {
            let mut after = after.clone();
            for path in [Path::new("manifests/dev/c0/mine.txt"), edited] {
                assert_eq!(after.remove(&root.join(path)).as_deref(), Some(b"saved".as_slice()), "change {number}: {}", path.display());
            }
            let without = |tree: &Tree| tree.iter().filter(|(path, _)| after.contains_key(*path)).count();
            let same = |tree: &Tree| after.iter().all(|(path, content)| tree.get(path) == Some(content)) && without(tree) == after.len();
            fs::write(root.join("manifests/dev/c0/mine.txt"), "not hydrate's").unwrap();
            assert!(same(old) || same(new), "a mixed tree after a kill before change {number}");
            same(new)
        });
    }
}

/// What a repository brings cannot pass for what a killed run has left.
#[test]
fn a_journal_that_is_in_the_tree_is_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    in_a_repository(&root);
    let outside = root.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("theirs"), "theirs").unwrap();
    for name in [".hydrate-apply-outside", ".hydrate-apply-dev", ".hydrate-stage-dev-1", ".hydrate-after-dev-0123"] {
        fs::create_dir_all(root.join("manifests").join(name)).unwrap();
        fs::write(root.join("manifests").join(name).join("planted"), "planted").unwrap();
    }
    std::os::unix::fs::symlink(&outside, root.join("manifests/outside")).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("clusters/.hydrate-apply-dev")).unwrap();
    let before = (trees(&root), files_below(&root.join("manifests")));
    assert_eq!(hydrate(&root).arg("check").status().unwrap().code(), Some(0));
    assert!(hydrate(&root).status().unwrap().success());
    assert!((trees(&root), files_below(&root.join("manifests"))) == before);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

/// A directory of somebody's with the name of a file of ours, a link in its place, a directory that cannot be read: all stay.
#[test]
fn what_is_in_the_way_is_told_and_stays() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    in_a_repository(&root);
    let ours = root.join("manifests/dev/c0/configmap-c0-x0.yaml");
    let run = || {
        let output = hydrate(&root).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("manifests/dev/c0/configmap-c0-x0.yaml is in the way: it is no regular file"), "{said}");
    };
    fs::remove_file(&ours).unwrap();
    fs::create_dir(&ours).unwrap();
    fs::write(ours.join("work"), "somebody's").unwrap();
    run();
    assert_eq!(fs::read(ours.join("work")).unwrap(), b"somebody's");
    fs::remove_dir_all(&ours).unwrap();
    std::os::unix::fs::symlink(root.join("environments/dev.yaml"), &ours).unwrap();
    let environment = fs::read(root.join("environments/dev.yaml")).unwrap();
    run();
    assert_eq!(fs::read(root.join("environments/dev.yaml")).unwrap(), environment);
}

/// A link or a pipe in the place of the list of what is hydrate's, a directory of Git's own as the tree, a component that is a link.
#[test]
fn what_a_revision_puts_in_the_way_is_told_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    in_a_repository(&root);
    let outside = root.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join(".hydrated"), "").unwrap();
    let run = |command: &[&str]| {
        let output = hydrate(&root).args(command).stderr(Stdio::piped()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    handed_over(&root, "new");
    let list = root.join("manifests/dev/c0/.hydrated");
    fs::remove_file(&list).unwrap();
    std::os::unix::fs::symlink(outside.join(".hydrated"), &list).unwrap();
    let before = trees(&root);
    let (code, said) = run(&[]);
    assert!(code == Some(1) && said.contains("manifests/dev/c0/.hydrated is in the way: it is no regular file"), "{said}");
    assert!(trees(&root) == before);
    for (key, place) in [("manifests", ".git/hooks"), ("manifests", "a/.GIT"), ("clusters", ".git")] {
        fs::write(root.join("hydrate.yaml"), format!("{key}: {place}\n")).unwrap();
        let (code, said) = run(&[]);
        assert!(code == Some(1) && said.contains(&format!("`{key}` must not be a directory of Git's own")), "{said}");
    }
    fs::remove_file(root.join("hydrate.yaml")).unwrap();
    fs::remove_dir_all(root.join("manifests/dev/c0")).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("manifests/dev/c0")).unwrap();
    let configured = |name: &str, value: &str| Command::new("git").args(["config", name, value]).current_dir(&root).status().unwrap();
    assert!(configured("user.name", "u").success() && configured("user.email", "u@example.org").success());
    let (code, said) = run(&["commit"]);
    let committed = Command::new("git").args(["ls-tree", "-r", "--name-only", "HEAD"]).current_dir(&root).output().unwrap();
    let committed = String::from_utf8_lossy(&committed.stdout).into_owned();
    // What stands there is not what is rendered.
    assert!(code == Some(1) && said.contains("manifests/dev/c0 is not a directory") && committed.is_empty(), "{said}: {committed}");
}

/// Somebody saves files of theirs all the time, the way editors do, in the directories that hydrate writes.
#[test]
fn an_editor_that_saves_beside_runs_loses_nothing() {
    use std::sync::atomic::{AtomicBool, Ordering};
    for variables in [&[][..], &[("HYDRATE_TEST_NO_EXCHANGE", "1")]] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        in_a_repository(&root);
        let done = AtomicBool::new(false);
        let saved = std::thread::scope(|scope| {
            let editor = scope.spawn(|| {
                let mut saved = 0;
                while !done.load(Ordering::Relaxed) {
                    saved += 1;
                    fs::write(root.join(format!("manifests/dev/c0/note-{saved}")), saved.to_string()).expect("a note is saved");
                    fs::write(root.join("manifests/dev/c1/doc~"), saved.to_string()).expect("a document is written");
                    fs::rename(root.join("manifests/dev/c1/doc~"), root.join("manifests/dev/c1/doc")).expect("a document is saved");
                    std::thread::sleep(Duration::from_millis(1));
                }
                saved
            });
            for round in 0..10 {
                handed_over(&root, if round % 2 == 0 { "new" } else { "old" });
                assert!(hydrate(&root).envs(variables.iter().copied()).status().unwrap().success());
            }
            done.store(true, Ordering::Relaxed);
            editor.join().unwrap()
        });
        assert!(saved > 10);
        for number in 1..=saved {
            assert_eq!(fs::read_to_string(root.join(format!("manifests/dev/c0/note-{number}"))).unwrap(), number.to_string());
        }
        assert_eq!(fs::read_to_string(root.join("manifests/dev/c1/doc")).unwrap(), saved.to_string());
    }
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
        common::skip("a small tmpfs cannot be mounted here");
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
    // Emptied and not only removed: the kernel may hold a file that a confined process was shown for a moment longer.
    fs::write(root.join("filler"), "").unwrap();
    fs::remove_file(root.join("filler")).unwrap();
    assert!(hydrate(root).status().unwrap().success());
}
