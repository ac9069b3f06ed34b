//! A commit that is stopped: hydrate, or the `git` that it has called, or both, at every step.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use crate::scene::Scene;

/// What the index and the last commit say of the manifests.
fn trees(scene: &Scene) -> (String, String) {
    let copy = scene.home().join("index");
    fs::copy(scene.top.join(".git/index"), &copy).unwrap();
    let mut written = std::process::Command::new("git");
    written.arg("write-tree").current_dir(&scene.top).env("GIT_INDEX_FILE", &copy);
    let index = String::from_utf8(written.output().unwrap().stdout).unwrap();
    let index = scene.git(&["rev-parse", &format!("{}:manifests", index.trim())]);
    (scene.git(&["rev-parse", "HEAD:manifests"]), index)
}

/// A project with both trees known, and with work of the user's that must stay.
struct Stopping {
    scene: Scene,
    /// How often it was stopped: the words take turns.
    rounds: Cell<u32>,
    /// How often the old tree was committed after a stop, and how often the new one.
    seen: Cell<[u32; 2]>,
    old: String,
    new: String,
}

impl Stopping {
    fn new() -> Self {
        let scene = Scene::new();
        let old = trees(&scene).0;
        scene.word("new");
        scene.hydrate(&["-q", "--commit"]).ok();
        let new = trees(&scene).0;
        scene.file("staged.txt", "mine");
        scene.git(&["add", "staged.txt"]);
        scene.file("manifests/dev/alpha/notes.txt", "mine");
        Self { scene, rounds: Cell::new(0), seen: Cell::default(), old, new }
    }

    /// Renders and commits the other word, is stopped there, and is run again. Gives whether it was stopped.
    fn stop(&self, variables: &[(&str, &str)], next: &[&str]) -> bool {
        let round = self.rounds.replace(self.rounds.get() + 1);
        let (word, before, after) = if round.is_multiple_of(2) { ("old", &self.new, &self.old) } else { ("new", &self.old, &self.new) };
        self.scene.word(word);
        let said = self.scene.hydrate_with(&["-q", "--commit"], variables);
        let stopped = said.code != Some(0);
        let place = format!("round {round} {variables:?}: {}", said.text);
        let (head, index) = trees(&self.scene);
        assert!([before, after].contains(&&head), "a mixed tree was committed in {place}");
        if stopped {
            let mut seen = self.seen.get();
            seen[usize::from(&head == after)] += 1;
            self.seen.set(seen);
        }
        // Whatever the user commits now, it takes nothing back and mixes nothing.
        assert!(index == head || (&head == before && &index == after), "HEAD {head}, index {index} in {place}");
        let again = self.scene.hydrate(next);
        assert_eq!(again.code, Some(0), "after {place}: {}", again.text);
        if next.contains(&"--commit") {
            assert_eq!(trees(&self.scene), (after.clone(), after.clone()), "after {place}");
        } else {
            let (head, index) = trees(&self.scene);
            assert!(head == index && [before, after].contains(&&head), "after {place}");
            self.scene.hydrate(&["-q", "--commit"]).ok();
        }
        assert_eq!(self.scene.git(&["diff", "--cached", "--name-only"]), "staged.txt", "after {place}");
        assert_eq!(self.scene.differences(), "?? manifests/dev/alpha/notes.txt", "after {place}");
        for lock in ["index.lock", "HEAD.lock", "refs/heads/main.lock"] {
            assert!(!self.scene.top.join(".git").join(lock).exists(), "{lock} is left after {place}");
        }
        let left: Vec<PathBuf> =
            fs::read_dir(self.scene.top.join(".git/hydrate/commit")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?} after {place}");
        stopped
    }

    /// A test that stops runs before the commit alone, or after it alone, shows nothing about the moment between.
    fn both_were_seen(&self) {
        let [old, new] = self.seen.get();
        assert!(old > 0 && new > 0, "the old tree was committed after {old} stops, the new one after {new}");
    }
}

#[test]
fn hydrate_is_killed_before_every_change() {
    let stopping = Stopping::new();
    let mut stopped = 0;
    for number in 1_u32.. {
        let kill = number.to_string();
        if !stopping.stop(&[("HYDRATE_TEST_KILL_BEFORE", &kill)], &["-q", "--commit"]) {
            break;
        }
        stopped += 1;
    }
    assert!(stopped > 30, "killed at {stopped} places only");
    stopping.both_were_seen();
}

/// A `git` that is killed, or whose caller is, when it is called for the nth time.
fn git_that_dies(scene: &Scene) -> String {
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap()).map(|dir| dir.join("git")).find(|file| file.is_file()).unwrap();
    let text = format!(
        "n=$(($(cat \"$COUNT\") + 1)); echo $n > \"$COUNT\"\n\
         test \"$n\" = \"$AT\" || exec {0} \"$@\"\n\
         case $HOW in\n\
         child) kill -9 $$;;\n\
         orphan) kill -9 $PPID; exec {0} \"$@\";;\n\
         both) kill -9 $PPID; kill -9 $$;;\n\
         after) {0} \"$@\"; kill -9 $PPID; kill -9 $$;;\n\
         esac",
        real.display()
    );
    let program = scene.program("../dying/git", &text);
    format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap())
}

#[test]
fn git_or_its_caller_is_killed_at_every_call() {
    let stopping = Stopping::new();
    let path = git_that_dies(&stopping.scene);
    let count = stopping.scene.home().join("count");
    for how in ["child", "orphan", "both", "after"] {
        let mut stopped = 0;
        for at in 1_u32.. {
            fs::write(&count, "0").unwrap();
            let variables = [("PATH", path.as_str()), ("COUNT", &count.display().to_string()), ("AT", &at.to_string()), ("HOW", how)];
            let next: &[&str] = if at.is_multiple_of(2) { &["-q", "--commit"] } else { &["-q"] };
            stopping.stop(&variables, next);
            if fs::read_to_string(&count).unwrap().trim().parse::<u32>().unwrap() < at {
                break;
            }
            stopped += 1;
        }
        assert!(stopped >= 12, "{how}: {stopped} calls of git only");
    }
    stopping.both_were_seen();
}

/// A `git update-ref` that is killed between making its locks and moving the branch.
#[test]
fn locks_that_a_killed_git_has_left_on_the_branch_are_cleared() {
    let stopping = Stopping::new();
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap()).map(|dir| dir.join("git")).find(|file| file.is_file()).unwrap();
    let text = format!(
        "case \" $* \" in *\" update-ref \"*) ;; *) exec {} \"$@\";; esac\n\
         for argument; do new=$old; old=$argument; done\n\
         : > .git/HEAD.lock\n\
         case $HOW in full*) echo $new > .git/refs/heads/main.lock;; cut*) printf %s $new > .git/refs/heads/main.lock;; *) : > .git/refs/heads/main.lock;; esac\n\
         case $HOW in *both) kill -9 $PPID;; esac\nkill -9 $$",
        real.display()
    );
    let program = stopping.scene.program("../dying/git", &text);
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for (round, how) in ["full-child", "cut-both", "empty-child", "empty-both", "full-both", "cut-child"].into_iter().enumerate() {
        let variables = [("PATH", path.as_str()), ("HOW", how)];
        assert!(stopping.stop(&variables, if round < 2 { &["-q", "--commit"] } else { &["-q"] }));
    }
}

#[test]
fn locks_of_others_are_waited_for_and_then_named() {
    let scene = Scene::new();
    let before = scene.git(&["rev-parse", "HEAD"]);
    for lock in ["index.lock", "refs/heads/main.lock"] {
        let path = scene.file(&format!(".git/{lock}"), if lock == "index.lock" { "DIRC" } else { "" });
        scene.word("new");
        let said = scene.hydrate(&["--commit"]).refused();
        assert!(said.contains(&format!("another git process holds {}", path.display())), "{said}");
        assert!(said.contains(" s old") && said.contains(&format!("rm {}", path.display())), "{said}");
        assert!(path.exists());
        fs::remove_file(path).unwrap();
        assert_eq!(scene.git(&["rev-parse", "HEAD"]), before);
        assert_eq!(scene.git(&["diff", "--cached", "--name-only"]), "");
    }
    // One that goes away in time is no hindrance.
    let path = scene.file(".git/index.lock", "DIRC");
    let waiting = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(600));
        fs::remove_file(path).unwrap();
    });
    scene.hydrate(&["-q", "--commit"]).ok();
    waiting.join().unwrap();
    assert_eq!(scene.differences(), "");
}
