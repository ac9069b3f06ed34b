//! What a commit holds, and what it leaves alone.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::scene::Scene;

/// The files of ours are in the commit, the index and the disk alike.
#[track_caller]
fn assert_committed(scene: &Scene, word: &str) {
    assert_eq!(scene.differences(), "");
    let object = format!(
        "HEAD:{}manifests/dev/alpha/configmap-alpha-of-{word}.yaml",
        scene.git_in(&scene.root, &["rev-parse", "--show-prefix"]).ok().trim()
    );
    assert!(scene.shown(&object).contains(&format!("word: \"{word}\"")));
}

#[test]
fn hooks_run_as_those_of_git_commit() {
    let scene = Scene::new();
    let log = scene.home().join("log");
    for name in ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"] {
        let text = format!("echo {name} $# >> {0}\ngit diff --cached --name-only HEAD >> {0}\necho said by {name}", log.display());
        scene.program(&format!(".git/hooks/{name}"), &text);
    }
    scene.program(
        ".git/hooks/prepare-commit-msg",
        &format!("echo prepare-commit-msg $2 >> {}\necho >> \"$1\"; echo 'Ticket: 7  ' >> \"$1\"", log.display()),
    );
    scene.file("notes.txt", "staged");
    scene.git(&["add", "notes.txt"]);
    scene.word("new");
    let said = scene.hydrate(&["--commit"]).ok();
    assert!(said.contains("said by pre-commit") && said.contains("said by commit-msg") && said.contains("said by post-commit"), "{said}");
    let log = fs::read_to_string(log).unwrap();
    let order = ["pre-commit 0\n", "manifests/dev/alpha/", "prepare-commit-msg message\n", "commit-msg 1\n", "post-commit 0\nnotes.txt\n"];
    let places: Vec<usize> = order.iter().map(|text| log.find(text).unwrap_or_else(|| panic!("no {text:?} in {log}"))).collect();
    assert!(places.is_sorted(), "{log}");
    assert!(!log[..places[4]].contains("notes.txt"), "hooks see what is committed alone: {log}");
    let message = scene.git(&["log", "-1", "--format=%B"]);
    assert!(message.starts_with("hydrate dev: alpha, beta\n") && message.ends_with("\nTicket: 7"), "{message}");
    assert_eq!(scene.git(&["diff", "--cached", "--name-only"]), "notes.txt");
    assert_committed(&scene, "new");
}

#[test]
fn a_hook_that_fails_stops_the_commit_and_is_named() {
    for name in ["pre-commit", "prepare-commit-msg", "commit-msg", "reference-transaction"] {
        let scene = Scene::new();
        let before = scene.git(&["rev-parse", "HEAD"]);
        scene.file("notes.txt", "staged");
        scene.git(&["add", "notes.txt"]);
        scene.program(&format!(".git/hooks/{name}"), "echo not today >&2\nexit 1");
        scene.word("new");
        let said = scene.hydrate(&["--commit"]).refused();
        assert!(said.contains("nothing was committed") && said.contains("not today"), "{said}");
        assert!(name == "reference-transaction" || said.contains(&format!("the hook {name} refuses the commit")), "{said}");
        assert_eq!(scene.git(&["rev-parse", "HEAD"]), before);
        assert_eq!(scene.git(&["diff", "--cached", "--name-only"]), "notes.txt", "after {name}");
        fs::remove_file(scene.top.join(".git/hooks").join(name)).unwrap();
        scene.hydrate(&["commit"]).ok();
        assert_committed(&scene, "new");
    }
}

#[test]
fn a_hook_that_changes_manifests_stops_the_commit() {
    let object = "manifests/dev/alpha/configmap-alpha-same.yaml";
    for (text, hooks) in [
        (format!("echo '# formatted' >> {object}"), [".git/hooks", "own"]),
        (format!("echo '# formatted' >> {object}; git add {object}"), [".git/hooks", "own"]),
        ("echo x > more; git add more".to_owned(), [".git/hooks", "own"]),
    ] {
        for directory in hooks {
            let scene = Scene::new();
            if directory == "own" {
                scene.git(&["config", "core.hooksPath", "own"]);
            }
            let before = scene.git(&["rev-parse", "HEAD"]);
            scene.program(&format!("{directory}/pre-commit"), &text);
            scene.word("new");
            let said = scene.hydrate(&["--commit"]).refused();
            assert!(
                said.contains("the hook pre-commit has changed what is to be committed")
                    && said.contains(&format!("{directory}/pre-commit")),
                "{said}"
            );
            assert_eq!(scene.git(&["rev-parse", "HEAD"]), before);
        }
    }
}

#[test]
fn hooks_may_call_hydrate() {
    let scene = Scene::new();
    scene.file("environments/other.yaml", "values: {word: other}\n");
    scene.hydrate(&["hook", "install"]).ok();
    assert!(scene.hydrate(&["hook", "install"]).ok().contains("is installed already"));
    let hook = scene.top.join(".git/hooks/pre-commit");
    let text = fs::read_to_string(&hook).unwrap();
    fs::write(&hook, text.replace("\nhydrate", "\n\"$HYDRATE\"")).unwrap();
    // The other environment is stale, which is none of this commit's business; the user's own commit is refused for it.
    scene.word("new");
    scene.hydrate(&["-q", "-e", "dev", "--commit"]).ok();
    assert_committed(&scene, "new");
    scene.file("notes.txt", "x");
    scene.git(&["add", "notes.txt", "environments/other.yaml"]);
    assert_eq!(scene.git_in(&scene.top, &["commit", "-qm", "x"]).code, Some(1));
    scene.hydrate(&["-q", "-e", "other", "--commit"]).ok();
    scene.git(&["commit", "-qm", "x"]);
    assert!(scene.hydrate(&["hook", "install"]).refused().contains("is not hydrate's"));
    scene.program(".git/hooks/pre-commit", "\"$HYDRATE\" diff -e dev --unified --against HEAD | grep -q newer");
    scene.word("newer");
    scene.hydrate(&["-q", "-e", "dev", "--commit"]).ok();
    // What would wait for its own caller is refused; what comes after the commit may do anything.
    scene.program(".git/hooks/pre-commit", "exec \"$HYDRATE\" -e dev");
    scene.word("old");
    assert!(scene.hydrate(&["-e", "dev", "--commit"]).refused().contains("called by a hook of the commit that it is making"));
    fs::remove_file(&hook).unwrap();
    scene.program(".git/hooks/post-commit", "sed -i s/old/later/ environments/dev.yaml\n\"$HYDRATE\" -q -e dev --commit");
    scene.hydrate(&["-q", "-e", "dev", "--commit"]).ok();
    assert_committed(&scene, "later");
    assert_eq!(scene.git(&["log", "-2", "--format=%s"]), "hydrate dev: alpha, beta\nhydrate dev: alpha, beta");
    fs::write(&hook, b"#!/bin/sh\necho \xff\n").unwrap();
    assert!(scene.hydrate(&["hook", "install"]).refused().contains("is not hydrate's"));
}

#[test]
fn filters_of_the_user_are_in_force() {
    let scene = Scene::new();
    scene.file(".gitattributes", "manifests/** filter=upper\n");
    scene.git(&["config", "filter.upper.clean", "tr a-z A-Z"]);
    scene.git(&["config", "filter.upper.required", "true"]);
    scene.git(&["add", ".gitattributes"]);
    scene.git(&["commit", "-qm", "attributes"]);
    scene.word("new");
    scene.hydrate(&["-q", "--commit"]).ok();
    assert!(scene.shown("HEAD:manifests/dev/alpha/configmap-alpha-of-new.yaml").starts_with("APIVERSION: V1"));
    assert_eq!(scene.differences(), "");
    assert_eq!(scene.hydrate(&["commit"]).ok(), "dev: nothing to commit\n");
    let before = scene.git(&["rev-parse", "HEAD"]);
    scene.git(&["config", "filter.upper.clean", "false"]);
    scene.word("old");
    let said = scene.hydrate(&["--commit"]).refused();
    assert!(said.contains("clean filter 'upper' failed"), "{said}");
    assert_eq!(scene.git(&["rev-parse", "HEAD"]), before);
}

#[test]
fn files_that_git_lfs_keeps_are_compared_by_their_content() {
    let scene = Scene::new();
    // What `git lfs clean` does, as far as it matters here.
    let clean = "t=$(mktemp); cat > $t; d=$(sha256sum < $t | cut -c1-64); o=.git/lfs/objects/$(echo $d | cut -c1-2)/$(echo $d | cut -c3-4); mkdir -p $o; cp $t $o/$d; \
                 printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%s\\nsize %s\\n' $d $(wc -c < $t)";
    let program = scene.program("../clean", clean);
    scene.git(&["config", "filter.lfs.clean", &program.display().to_string()]);
    scene.file(".gitattributes", "manifests/**/*.yaml filter=lfs\n");
    scene.git(&["add", ".gitattributes"]);
    scene.git(&["commit", "-qm", "attributes"]);
    scene.word("new");
    scene.hydrate(&["-q", "--commit"]).ok();
    assert!(scene.shown("HEAD:manifests/dev/alpha/configmap-alpha-of-new.yaml").starts_with("version https://git-lfs"));
    assert_eq!(scene.hydrate(&["diff", "--against", "HEAD"]).ok(), "");
    scene.word("newer");
    assert!(scene.hydrate(&["diff", "--unified", "--against", "HEAD"]).ok().contains("-  word: \"new\""));
}

#[test]
fn commits_are_signed_by_the_user_s_program() {
    for unborn in [false, true] {
        let scene = Scene::new();
        if unborn {
            fs::remove_dir_all(scene.top.join(".git")).unwrap();
            scene.git(&["init", "-q", "-b", "main"]);
        }
        let gpg = scene.program("../gpg", "cat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho '-----BEGIN PGP SIGNATURE-----'; echo x; echo '-----END PGP SIGNATURE-----'");
        scene.git(&["config", "commit.gpgsign", "true"]);
        scene.git(&["config", "gpg.program", &gpg.display().to_string()]);
        scene.word("new");
        scene.hydrate(&["-q", "--commit"]).ok();
        assert!(scene.git(&["cat-file", "commit", "HEAD"]).contains("gpgsig -----BEGIN PGP SIGNATURE-----"));
        assert_committed(&scene, "new");
        let before = scene.git(&["rev-parse", "HEAD"]);
        scene.git(&["config", "gpg.program", "false"]);
        scene.word("old");
        assert!(scene.hydrate(&["--commit"]).refused().contains("git cannot sign the commit"));
        assert_eq!(scene.git(&["rev-parse", "HEAD"]), before);
    }
}

fn knows_reftable() -> bool {
    let home = tempfile::tempdir().unwrap();
    let mut init = std::process::Command::new("git");
    init.args(["init", "-q", "--ref-format=reftable"]).arg(home.path()).stderr(Stdio::null());
    init.status().unwrap().success()
}

#[test]
fn every_form_of_repository() {
    let forms: [(&str, &[&[&str]]); 10] = [
        ("sha256", &[]),
        ("reftable", &[]),
        ("split index", &[&["config", "core.splitIndex", "true"], &["update-index", "--split-index"]]),
        ("version 4", &[&["config", "index.version", "4"], &["update-index", "--force-write-index"]]),
        ("untracked cache", &[&["config", "core.untrackedCache", "true"], &["status"]]),
        ("many files", &[&["config", "feature.manyFiles", "true"], &["status"]]),
        ("monitor", &[&["config", "core.fsmonitor", "printf 'token\\0/\\0' #"]]),
        ("detached", &[&["checkout", "-q", "--detach"]]),
        ("sparse", &[&["sparse-checkout", "set", "--sparse-index", "components", "environments"]]),
        ("packed", &[&["gc", "-q"], &["pack-refs", "--all"]]),
    ];
    for (form, steps) in forms {
        let option = match form {
            "sha256" => Some("--object-format=sha256"),
            // Older versions of Git do not know this one; then there is no such repository either.
            "reftable" if knows_reftable() => Some("--ref-format=reftable"),
            _ => None,
        };
        let scene = if option.is_some() { Scene::without_git("") } else { Scene::new() };
        if let Some(option) = option {
            scene.git(&["init", "-q", option]);
            scene.git(&["add", "-A"]);
            scene.git(&["commit", "-qm", "sources"]);
            scene.hydrate(&["-q", "--commit"]).ok();
        }
        for step in steps {
            scene.git_in(&scene.top, step).ok();
        }
        assert_eq!(scene.hydrate(&["diff", "--against", "HEAD"]).ok(), "", "{form}");
        scene.word("new");
        assert!(scene.hydrate(&["diff", "--unified", "--against", "HEAD"]).ok().contains("+  word: \"new\""), "{form}");
        scene.hydrate(&["-q", "--commit"]).ok();
        assert_committed(&scene, "new");
        scene.git(&["fsck", "--strict"]);
        assert_eq!(scene.hydrate(&["commit"]).ok(), "dev: nothing to commit\n", "{form}");
    }
}

#[test]
fn linked_work_trees_and_submodules() {
    let scene = Scene::new();
    scene.git(&["worktree", "add", "-q", "../linked", "-b", "linked"]);
    let linked = scene.home().join("linked");
    let run = |dir: &std::path::Path| {
        let mut command = scene.command(&["-q", "--commit"]);
        assert!(command.current_dir(dir).status().unwrap().success());
        assert_eq!(scene.git_in(dir, &["status", "--porcelain", "--", "manifests"]).ok(), "");
        assert!(scene.git_in(dir, &["log", "-1", "--format=%s"]).ok().starts_with("hydrate dev:"));
    };
    let before = scene.git(&["rev-parse", "main"]);
    fs::write(linked.join("environments/dev.yaml"), "values: {word: linked}\n").unwrap();
    run(&linked);
    assert_eq!(scene.git(&["rev-parse", "main"]), before);
    let outer = scene.home().join("outer");
    fs::create_dir(&outer).unwrap();
    scene.git_in(&outer, &["init", "-q"]).ok();
    scene
        .git_in(&outer, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &scene.top.display().to_string(), "inner"])
        .ok();
    let inner = outer.join("inner");
    fs::write(inner.join("environments/dev.yaml"), "values: {word: inner}\n").unwrap();
    run(&inner);
}

#[test]
fn a_partial_clone_is_told_and_nothing_is_fetched() {
    let scene = Scene::new();
    scene.word("new");
    scene.hydrate(&["-q", "--commit"]).ok();
    scene.git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", scene.top.display());
    scene.git_in(&scene.home(), &["clone", "-q", "--filter=blob:none", &from, "partial"]).ok();
    let partial = scene.home().join("partial");
    let against = |revision: &str| {
        let output = scene.command(&["diff", "--against", revision]).current_dir(&partial).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(against("HEAD"), (Some(0), String::new()));
    let (code, said) = against("HEAD~1");
    assert_eq!(code, Some(1));
    assert!(said.contains("partial clone") && said.contains("hydrate does not use the network"), "{said}");
    fs::write(partial.join("environments/dev.yaml"), "values: {word: newer}\n").unwrap();
    assert!(scene.command(&["-q", "--commit"]).current_dir(&partial).status().unwrap().success());
}

#[test]
fn what_is_in_progress_is_not_committed_into() {
    let scene = Scene::new();
    scene.word("new");
    let tree = fs::read_to_string(scene.root.join("manifests/dev/alpha/configmap-alpha-same.yaml")).unwrap();
    for (state, word) in [
        ("MERGE_HEAD", "a merge"),
        ("CHERRY_PICK_HEAD", "a cherry-pick"),
        ("REVERT_HEAD", "a revert"),
        ("BISECT_LOG", "a bisect"),
        ("rebase-merge", "a rebase"),
        ("rebase-apply", "a rebase"),
    ] {
        let path = scene.top.join(".git").join(state);
        fs::write(&path, "").unwrap();
        for arguments in [&["--commit"][..], &["commit"]] {
            let said = scene.hydrate(arguments).refused();
            assert!(said.contains(&format!("{word} ")) && said.contains("is in progress"), "{said}");
        }
        fs::remove_file(path).unwrap();
    }
    let blob = scene.git(&["hash-object", "-w", "environments/dev.yaml"]);
    let list = scene.file("../list", &format!("100644 {blob} 1\tnotes\n100644 {blob} 2\tnotes\n"));
    let mut conflict = std::process::Command::new("git");
    conflict.args(["update-index", "--index-info"]).current_dir(&scene.top).stdin(fs::File::open(list).unwrap());
    assert!(conflict.status().unwrap().success());
    assert!(scene.hydrate(&["--commit"]).refused().contains("notes has a merge conflict"));
    // Nothing was written either.
    assert_eq!(fs::read_to_string(scene.root.join("manifests/dev/alpha/configmap-alpha-same.yaml")).unwrap(), tree);
}

#[test]
fn only_what_was_rendered_is_committed() {
    let scene = Scene::new();
    let before = scene.git(&["rev-parse", "HEAD"]);
    scene.word("new");
    scene.hydrate(&["-q"]).ok();
    let object = scene.root.join("manifests/dev/alpha/configmap-alpha-same.yaml");
    let rendered = fs::read(&object).unwrap();
    fs::write(&object, "edited: true\n").unwrap();
    let said = scene.hydrate(&["commit"]).refused();
    assert!(said.contains("manifests/dev/alpha/configmap-alpha-same.yaml is not as hydrate wrote it"), "{said}");
    fs::remove_file(&object).unwrap();
    assert!(scene.hydrate(&["commit"]).refused().contains("configmap-alpha-same.yaml is not there"));
    assert_eq!(scene.git(&["rev-parse", "HEAD"]), before);
    fs::write(&object, rendered).unwrap();
    scene.hydrate(&["commit"]).ok();
    assert_committed(&scene, "new");
}

#[test]
fn marks_in_the_index_stay() {
    let scene = Scene::new();
    let (skipped, assumed) = ("manifests/dev/alpha/configmap-alpha-same.yaml", "manifests/dev/beta/configmap-beta-same.yaml");
    scene.git(&["update-index", "--skip-worktree", skipped]);
    scene.git(&["update-index", "--assume-unchanged", assumed]);
    scene.file("mine.txt", "x");
    scene.git(&["add", "-N", "mine.txt"]);
    scene.word("new");
    scene.hydrate(&["-q", "--commit"]).ok();
    for (path, mark) in [(skipped, "S"), (assumed, "h")] {
        assert!(scene.shown(&format!("HEAD:{path}")).contains("new"));
        assert_eq!(scene.git(&["ls-files", "-v", path]), format!("{mark} {path}"));
    }
    assert_eq!(scene.git(&["status", "--porcelain", "mine.txt"]), "A mine.txt".replacen('A', " A", 1).trim_start_matches("  "));
}

#[test]
fn ignored_manifests_are_refused_and_an_ignored_index_is_not() {
    let scene = Scene::new();
    scene.git(&["rm", "-rq", "--cached", "manifests"]);
    scene.file(".gitignore", "# not these\nmanifests/\n");
    scene.git(&["add", ".gitignore"]);
    scene.git(&["commit", "-qm", "ignored"]);
    let said = scene.hydrate(&["--commit"]).refused();
    assert!(said.contains("is ignored by Git") && said.contains(".gitignore:2: manifests/"), "{said}");
    scene.file(".gitignore", "");
    scene.file(".git/info/exclude", ".*\n");
    scene.hydrate(&["-q", "--commit"]).ok();
    assert!(scene.git(&["ls-tree", "-r", "--name-only", "HEAD"]).contains("manifests/dev/alpha/.hydrated"));
}

#[test]
fn an_index_that_is_behind_is_brought_up() {
    let scene = Scene::new();
    scene.word("new");
    scene.hydrate(&["-q", "--commit"]).ok();
    // As a tool leaves it that moves the branch first and is stopped then.
    scene.git(&["read-tree", "HEAD~1"]);
    assert_ne!(scene.differences(), "");
    assert_eq!(scene.hydrate(&["commit"]).ok(), "dev: nothing to commit\n");
    assert_committed(&scene, "new");
}

#[test]
fn many_at_once_wait_for_each_other() {
    let scene = Scene::new();
    for number in 0..6 {
        scene.file(&format!("environments/e{number}.yaml"), &format!("values: {{word: e{number}}}\n"));
    }
    let adding = std::thread::spawn({
        let top = scene.top.clone();
        move || {
            let mut added = Vec::new();
            for number in 0..60 {
                let name = format!("mine-{number}.txt");
                fs::write(top.join(&name), "x").unwrap();
                let mut add = std::process::Command::new("git");
                if add.args(["add", &name]).current_dir(&top).stderr(Stdio::null()).status().unwrap().success() {
                    added.push(name);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            added
        }
    });
    let mut runs: Vec<_> = (0..6)
        .flat_map(|number| {
            let env = format!("e{number}");
            [scene.command(&["-q", "-e", &env, "--commit"]), scene.command(&["-q", "-e", &env, "--commit"])]
        })
        .map(|mut command| command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    for run in &mut runs {
        assert!(run.wait().unwrap().success());
    }
    let added = adding.join().unwrap();
    let staged = scene.git(&["diff", "--cached", "--name-only"]);
    for name in added {
        assert!(staged.lines().any(|line| line == name), "{name} is no longer staged");
    }
    assert_eq!(scene.git(&["log", "--format=%s"]).lines().filter(|line| line.starts_with("hydrate e")).count(), 6);
    assert_eq!(scene.differences(), "");
}

#[test]
fn a_branch_that_moves_meanwhile_is_followed() {
    let scene = Scene::new();
    // Somebody else commits while the hook runs, once.
    scene.program(".git/hooks/pre-commit", "test -e moved && exit 0; touch moved\nt=$(git rev-parse HEAD^{tree}); c=$(git commit-tree -p HEAD -m between $t); git update-ref HEAD $c");
    scene.word("new");
    scene.hydrate(&["-q", "--commit"]).ok();
    assert_eq!(scene.git(&["log", "-2", "--format=%s"]), "hydrate dev: alpha, beta\nbetween");
    assert_committed(&scene, "new");
    scene.program(
        ".git/hooks/pre-commit",
        "t=$(git rev-parse HEAD^{tree}); c=$(git commit-tree -p HEAD -m between $t); git update-ref HEAD $c",
    );
    scene.word("old");
    assert!(scene.hydrate(&["--commit"]).refused().contains("the branch has moved 8 times"));
}

#[test]
fn nothing_is_taken_from_behind_a_link() {
    let scene = Scene::new();
    let before = scene.git(&["rev-parse", "HEAD"]);
    let elsewhere = scene.home().join("elsewhere");
    fs::rename(scene.root.join("manifests/dev/alpha"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, scene.root.join("manifests/dev/alpha")).unwrap();
    fs::write(elsewhere.join(".hydrated"), "secret\n").unwrap();
    let said = scene.hydrate(&["commit"]);
    assert!(said.code == Some(1) || scene.git(&["log", "-p", &format!("{before}..HEAD")]).find("secret").is_none(), "{}", said.text);
}

#[test]
fn files_of_others_are_no_hindrance() {
    use std::os::unix::ffi::OsStrExt;
    let scene = Scene::new();
    let odd = scene.root.join("manifests/dev/alpha").join(std::ffi::OsStr::from_bytes(b"odd \xff\n.txt"));
    fs::write(odd, "mine").unwrap();
    scene.git(&["add", "-f", "manifests"]);
    scene.git(&["commit", "-qm", "odd"]);
    scene.word("new");
    assert!(scene.hydrate(&["diff", "--unified", "--against", "HEAD"]).ok().contains("+  word: \"new\""));
    scene.hydrate(&["-q", "--commit"]).ok();
    assert_committed(&scene, "new");
}

#[test]
fn the_hook_is_about_projects_wherever_they_lie() {
    let scene = Scene::below("plat form");
    scene.hydrate(&["hook", "install"]).ok();
    let bin = scene.home().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hydrate"), bin.join("hydrate")).unwrap();
    let commit = || {
        scene.git(&["add", "-A"]);
        let mut commit = std::process::Command::new("git");
        commit.args(["commit", "-qm", "x"]).current_dir(&scene.top).env("HOME", scene.home());
        commit.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())).env_remove("HYDRATE_ENV");
        commit.stderr(Stdio::null()).status().unwrap().code()
    };
    scene.word("new");
    assert_eq!(commit(), Some(1));
    scene.hydrate(&["-q"]).ok();
    assert_eq!(commit(), Some(0));
    // A second project in the repository: the hook is about both.
    fs::create_dir_all(scene.top.join("second/environments")).unwrap();
    fs::create_dir_all(scene.top.join("second/components/x")).unwrap();
    fs::write(scene.top.join("second/environments/dev.yaml"), "values: {}\n").unwrap();
    fs::write(scene.top.join("second/components/x/namespace.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n").unwrap();
    let said = scene.command(&["-C", "../second", "hook", "install"]).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("up to date"));
    assert_eq!(commit(), Some(1));
    assert!(scene.command(&["-q", "-C", "../second"]).status().unwrap().success());
    assert_eq!(commit(), Some(0));
    let hook = scene.top.join(".git/hooks/pre-commit");
    fs::remove_file(&hook).unwrap();
    std::os::unix::fs::symlink("../../elsewhere", &hook).unwrap();
    assert!(scene.hydrate(&["hook", "install"]).refused().contains("is not hydrate's"));
    assert!(!scene.top.join("elsewhere").exists());
}

#[test]
fn a_file_that_was_changed_in_the_second_of_its_staging_is_still_seen_as_changed() {
    let scene = Scene::new();
    scene.word("new");
    let part = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_millis();
    while part() > 100 {
        std::thread::sleep(Duration::from_millis(5));
    }
    scene.file("mine.txt", "one");
    scene.git(&["add", "mine.txt"]);
    scene.file("mine.txt", "two");
    std::thread::sleep(Duration::from_millis(1200));
    scene.hydrate(&["-q", "--commit"]).ok();
    assert_eq!(scene.git(&["status", "--porcelain", "mine.txt"]), "AM mine.txt");
}
