//! `--push`: what is committed is made again on what others have pushed, and nothing here changes before it is there.

use std::fs;
use std::path::PathBuf;

use crate::scene::Scene;

/// The project with a remote that has everything, and a clone of somebody else's beside it.
fn shared() -> (Scene, PathBuf) {
    let scene = Scene::new();
    let origin = scene.home().join("origin.git");
    scene.git(&["init", "-q", "--bare", "-b", "main", &origin.display().to_string()]);
    scene.git(&["remote", "add", "origin", &origin.display().to_string()]);
    scene.git(&["push", "-q", "-u", "origin", "main"]);
    let other = scene.home().join("other");
    scene.git(&["clone", "-q", &origin.display().to_string(), &other.display().to_string()]);
    (scene, other)
}

/// What the remote has of a path.
#[track_caller]
fn of_remote(scene: &Scene, path: &str) -> String {
    scene.git(&["fetch", "-q", "origin"]);
    scene.shown(&format!("origin/main:{path}"))
}

#[track_caller]
fn assert_in_line(scene: &Scene) {
    let all = ["rev-list", "--merges", "--count", "origin/main"];
    assert_eq!(scene.git(&all), "0");
    assert_eq!(scene.git(&["rev-parse", "HEAD"]), scene.git(&["rev-parse", "origin/main"]));
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

#[test]
fn what_is_committed_is_pushed() {
    let (scene, _) = shared();
    scene.word("new");
    let said = scene.hydrate(&["--commit=with-sources", "--push"]).ok();
    assert!(said.contains("[main ") && said.contains("dev: pushed"), "{said}");
    assert!(of_remote(&scene, "manifests/dev/alpha/configmap-alpha-same.yaml").contains("new"));
    assert_in_line(&scene);
    // Nothing is left of what was checked out beside the work tree.
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 1);
    let said = scene.hydrate(&["--commit", "--push"]).ok();
    assert!(said.contains("dev: nothing to commit") && !said.contains("pushed"), "{said}");
}

/// Before the first push, somebody else pushes a file.
fn with_a_race(scene: &Scene, other: &std::path::Path, path: &str, text: &str) {
    let (file, done) = (other.join(path), scene.home().join("raced"));
    scene.program(
        ".git/hooks/pre-push",
        &format!(
            "[ -e {done} ] && exit 0\ntouch {done}\nunset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE\ncd {other} || exit 1\nmkdir -p {dir}\nprintf '%s' '{text}' > {file}\n\
             git add -A && git commit -qm theirs && git push -q origin HEAD:main",
            done = done.display(),
            other = other.display(),
            dir = file.parent().unwrap().display(),
            file = file.display()
        ),
    );
}

#[test]
fn who_loses_a_race_renders_on_what_the_winner_has() {
    let (scene, other) = shared();
    let theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: gamma\n";
    with_a_race(&scene, &other, "components/gamma/raw/cm.yaml", theirs);
    scene.word("new");
    let said = scene.hydrate(&["--commit=with-sources", "--push"]).ok();
    assert_eq!(said.matches("dev: pushed").count(), 1, "{said}");
    assert!(of_remote(&scene, "manifests/dev/alpha/configmap-alpha-same.yaml").contains("new"));
    // What they pushed is rendered too, and is here now.
    assert!(of_remote(&scene, "manifests/dev/gamma/configmap-gamma.yaml").contains("gamma"));
    assert!(scene.root.join("components/gamma/raw/cm.yaml").is_file());
    assert_in_line(&scene);
    assert_eq!(scene.git(&["log", "--format=%s", "-3"]).lines().collect::<Vec<_>>()[1..], ["theirs", "hydrate dev: alpha, beta"]);
    scene.hydrate(&["check"]).ok();
}

#[test]
fn a_push_that_is_refused_leaves_everything_as_it_was() {
    let (scene, _) = shared();
    scene.file("../origin.git/hooks/pre-receive", "");
    scene.program("../origin.git/hooks/pre-receive", "echo 'not on a Friday' >&2; exit 1");
    scene.word("new");
    let before = (scene.git(&["rev-parse", "HEAD"]), scene.git(&["status", "--porcelain"]));
    let said = scene.hydrate(&["--commit=with-sources", "--push"]).refused();
    assert!(
        said.contains("cannot push to main of origin") && said.contains("not on a Friday") && said.contains("nothing here was changed"),
        "{said}"
    );
    assert_eq!((scene.git(&["rev-parse", "HEAD"]), scene.git(&["status", "--porcelain"])), before);
    assert!(of_remote(&scene, "manifests/dev/alpha/configmap-alpha-same.yaml").contains("old"));
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn other_commits_are_for_their_author_to_push() {
    let (scene, _) = shared();
    scene.file("README.md", "x");
    scene.git(&["add", "README.md"]);
    scene.git(&["commit", "-qm", "mine"]);
    scene.word("new");
    let before = scene.git(&["status", "--porcelain"]);
    let said = scene.hydrate(&["--commit=with-sources", "--push"]).refused();
    assert!(said.contains("main has a commit that origin/main has not") && said.contains("git push origin main:main"), "{said}");
    assert_eq!(scene.git(&["status", "--porcelain"]), before);
}

#[test]
fn there_must_be_a_place_to_push_to() {
    let (scene, _) = shared();
    scene.git(&["checkout", "-q", "-b", "own"]);
    let said = scene.hydrate(&["--commit", "--push"]).refused();
    assert!(said.contains("the branch own has no upstream") && said.contains("git push -u origin own"), "{said}");
    scene.git(&["checkout", "-q", "--detach"]);
    let said = scene.hydrate(&["--commit", "--push"]).refused();
    assert!(said.contains("HEAD is detached"), "{said}");
}

#[test]
fn what_the_user_edits_meanwhile_stays() {
    let (scene, other) = shared();
    scene.file("notes.txt", "one\n");
    scene.git(&["add", "notes.txt"]);
    scene.git(&["commit", "-qm", "notes"]);
    scene.git(&["push", "-q"]);
    let pulled = scene.git_in(&other, &["pull", "-q"]);
    pulled.ok();
    with_a_race(&scene, &other, "notes.txt", "theirs");
    scene.word("new");
    fs::write(scene.top.join("notes.txt"), "mine\n").unwrap();
    scene.file("staged.txt", "staged");
    scene.git(&["add", "staged.txt"]);
    let said = scene.hydrate(&["--commit=with-sources", "--push"]).ok();
    assert!(said.contains("the work tree stays behind origin/main") && said.contains("notes.txt") && said.contains("git pull"), "{said}");
    assert_eq!(fs::read_to_string(scene.top.join("notes.txt")).unwrap(), "mine\n");
    assert!(of_remote(&scene, "manifests/dev/alpha/configmap-alpha-same.yaml").contains("new"));
    assert_eq!(of_remote(&scene, "notes.txt"), "theirs");
    assert!(scene.git(&["status", "--porcelain"]).contains("A  staged.txt"));
}

#[test]
fn what_is_edited_elsewhere_is_no_hindrance() {
    let (scene, other) = shared();
    with_a_race(&scene, &other, "theirs.txt", "theirs");
    scene.word("new");
    scene.file("mine.txt", "mine");
    scene.file("staged.txt", "staged");
    scene.git(&["add", "staged.txt"]);
    scene.hydrate(&["--commit=with-sources", "--push"]).ok();
    assert_eq!(scene.git(&["status", "--porcelain"]), "A  staged.txt\n?? mine.txt");
    assert_eq!(fs::read_to_string(scene.top.join("theirs.txt")).unwrap(), "theirs");
    assert_eq!(scene.git(&["rev-parse", "HEAD"]), scene.git(&["rev-parse", "origin/main"]));
}

#[test]
fn one_source_that_two_have_changed_is_for_them_to_merge() {
    let (scene, other) = shared();
    with_a_race(&scene, &other, "environments/dev.yaml", "values: {word: theirs}");
    scene.word("new");
    let before = (scene.git(&["rev-parse", "HEAD"]), scene.git(&["status", "--porcelain"]));
    let said = scene.hydrate(&["--commit=with-sources", "--push"]).refused();
    assert!(said.contains("environments/dev.yaml was changed here, and by somebody else who has pushed it"), "{said}");
    assert_eq!((scene.git(&["rev-parse", "HEAD"]), scene.git(&["status", "--porcelain"])), before);
}

#[test]
fn edited_manifests_are_neither_pushed_nor_lost() {
    let (scene, _) = shared();
    let path = scene.root.join("manifests/dev/alpha/configmap-alpha-same.yaml");
    fs::write(&path, "edited").unwrap();
    for arguments in [&["--commit=head", "--push"][..], &["--commit", "--push"], &["commit", "--push"]] {
        let said = scene.hydrate(arguments).refused();
        assert!(said.contains("manifests/dev/alpha/configmap-alpha-same.yaml is not as hydrate wrote it"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "edited");
    }
}

#[test]
fn hooks_run_for_what_is_pushed() {
    let (scene, _) = shared();
    let log = scene.home().join("log");
    for name in ["pre-commit", "commit-msg", "post-commit", "pre-push"] {
        scene.program(&format!(".git/hooks/{name}"), &format!("echo {name} >> {}", log.display()));
    }
    scene.word("new");
    scene.hydrate(&["--commit=with-sources", "--push"]).ok();
    assert_eq!(fs::read_to_string(&log).unwrap(), "pre-commit\ncommit-msg\npre-push\npost-commit\n");
    scene.program(".git/hooks/pre-commit", "echo no >&2; exit 1");
    scene.word("newer");
    let said = scene.hydrate(&["--commit=with-sources", "--push"]).refused();
    assert!(said.contains("the hook pre-commit refuses the commit"), "{said}");
    assert!(of_remote(&scene, "manifests/dev/alpha/configmap-alpha-same.yaml").contains("new"));
}

#[test]
fn a_run_that_was_stopped_after_its_push_is_completed() {
    let (scene, _) = shared();
    // A source may be a link too.
    let change = || {
        scene.word("new");
        let link = scene.root.join("components/alpha/templates/linked.yaml.j2");
        std::os::unix::fs::symlink("../shared.yaml.j2", link).unwrap();
        scene.file("components/alpha/shared.yaml.j2", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: linked\n");
    };
    change();
    let before = scene.git(&["rev-parse", "HEAD"]);
    scene.hydrate(&["--commit=with-sources", "--push"]).ok();
    // As if it had been killed before it came to the work tree.
    scene.git(&["update-ref", "refs/heads/main", &before]);
    scene.git(&["reset", "-q", "--hard", &before]);
    change();
    let said = scene.hydrate(&["--commit=with-sources", "--push"]).ok();
    assert!(said.contains("nothing to commit"), "{said}");
    assert_in_line(&scene);
}

#[test]
fn the_work_tree_is_sound_wherever_a_push_is_killed() {
    // Not each of the moments: they are many.
    for number in (1..).step_by(11) {
        let (scene, other) = shared();
        with_a_race(&scene, &other, "theirs.txt", "theirs");
        scene.word("new");
        scene.file("mine.txt", "mine");
        let killed = scene.hydrate_with(&["-q", "--commit=with-sources", "--push"], &[("HYDRATE_TEST_KILL_BEFORE", &number.to_string())]);
        assert_eq!(fs::read_to_string(scene.top.join("mine.txt")).unwrap(), "mine");
        scene.hydrate(&["-q", "--commit=with-sources", "--push"]).ok();
        fs::remove_file(scene.top.join("mine.txt")).unwrap();
        scene.git(&["fetch", "-q"]);
        assert_in_line(&scene);
        assert_eq!(scene.git(&["log", "--format=%s", "-3"]).lines().filter(|line| line.starts_with("hydrate dev")).count(), 2, "{number}");
        scene.git(&["fsck", "--strict"]);
        if killed.code.is_some() {
            killed.ok();
            assert!(number > 60, "killed only {number} times");
            break;
        }
    }
}

#[test]
fn what_a_killed_run_has_checked_out_goes_with_the_next_run() {
    let (scene, _) = shared();
    scene.word("new");
    let marks = scene.top.join(".git/hydrate/checkouts");
    // Killed where it writes beside the work tree.
    let killed = scene.hydrate_with(&["-q", "--commit=with-sources", "--push"], &[("HYDRATE_TEST_KILL_BEFORE", "5")]);
    assert_eq!(killed.code, None, "{}", killed.text);
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 2);
    let mark = fs::read_dir(&marks).unwrap().next().unwrap().unwrap().path();
    let directory = PathBuf::from(fs::read_to_string(&mark).unwrap());
    assert!(directory.is_dir());
    // As a `git worktree add` leaves it that is killed in the middle: with this HEAD nothing can be fetched.
    let half = scene.top.join(".git/worktrees").join(directory.file_name().unwrap());
    fs::write(half.join("HEAD"), "0000000000000000000000000000000000000000\n").unwrap();
    fs::write(half.join("locked"), "initializing").unwrap();
    // A file that names another directory is believed in nothing.
    let mine = scene.file("mine/file", "mine");
    fs::write(marks.join("hydrate-other"), scene.top.join("mine").display().to_string()).unwrap();
    scene.hydrate(&["-q", "--commit=with-sources", "--push"]).ok();
    assert!(!directory.exists() && !half.exists() && mine.is_file());
    assert_eq!(fs::read_dir(&marks).unwrap().count(), 0);
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 1);
    scene.git(&["fetch", "-q"]);
    scene.git(&["fsck", "--strict"]);
}
