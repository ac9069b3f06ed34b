//! A project in a repository, and what is done there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A home directory with a repository in it, which holds a project in a directory or at its top.
pub(crate) struct Scene {
    home: tempfile::TempDir,
    pub top: PathBuf,
    pub root: PathBuf,
}

/// What a program said, and its exit code; `None` where it was killed.
pub(crate) struct Said {
    pub code: Option<i32>,
    pub text: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Self { code: output.status.code(), text }
    }

    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self.text
    }

    /// What a refusal said.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(1), "{}", self.text);
        self.text
    }
}

impl Scene {
    /// The project below the top of the work tree, rendered and committed.
    pub(crate) fn below(dir: &str) -> Self {
        let scene = Self::without_git(dir);
        scene.git(&["init", "-q", "-b", "main"]);
        scene.git(&["add", "-A"]);
        scene.git(&["commit", "-qm", "sources"]);
        scene.hydrate(&["-q", "--commit"]).ok();
        scene
    }

    pub(crate) fn new() -> Self {
        Self::below("")
    }

    pub(crate) fn without_git(dir: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().canonicalize().unwrap().join("work");
        let root = if dir.is_empty() { top.clone() } else { top.join(dir) };
        fs::create_dir_all(root.join("environments")).unwrap();
        let scene = Self { home, top, root };
        fs::write(scene.root.join("hydrate.yaml"), "commit: {sources: include}\n").unwrap();
        scene.word("old");
        fs::write(scene.home().join(".gitconfig"), "[user]\n\tname = U\n\temail = u@example.org\n[core]\n\tfsync = none\n").unwrap();
        scene
    }

    /// All objects say this word, so that a tree of mixed words shows; with each word there are files of its own.
    pub(crate) fn word(&self, word: &str) {
        fs::write(self.root.join("environments/dev.yaml"), format!("values: {{word: {word}}}\n")).unwrap();
        for component in ["alpha", "beta"] {
            let dir = self.root.join("components").join(component).join("templates");
            fs::create_dir_all(&dir).unwrap();
            for (name, object) in [("same", "same"), ("own", "of-{{ values.word }}")] {
                let text = format!(
                    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {component}-{object}\ndata:\n  word: \"{{{{ values.word }}}}\"\n"
                );
                fs::write(dir.join(format!("{name}.yaml.j2")), text).unwrap();
            }
        }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.home.path().canonicalize().unwrap()
    }

    pub(crate) fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn program(&self, path: &str, text: &str) -> PathBuf {
        let path = self.file(path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// An environment with nothing of the machine's in it.
    fn clean(&self, mut command: Command, dir: &Path) -> Command {
        command
            .current_dir(dir)
            .env_clear()
            .env("HOME", self.home())
            .env("TMPDIR", self.home())
            .env("PATH", std::env::var_os("PATH").unwrap());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C").env("HYDRATE_CACHE_DIR", self.home().join("cache"));
        command.env("HYDRATE", env!("CARGO_BIN_EXE_hydrate")).env("HYDRATE_RETRIES", "0").env("HYDRATE_CACHE_KEY", "k".repeat(32));
        command
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.clean(Command::new(env!("CARGO_BIN_EXE_hydrate")), &self.root);
        command.args(arguments);
        command
    }

    pub(crate) fn hydrate(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command(arguments).output().unwrap())
    }

    pub(crate) fn hydrate_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        Said::of(&self.command(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    pub(crate) fn git_in(&self, dir: &Path, arguments: &[&str]) -> Said {
        let mut command = self.clean(Command::new("git"), dir);
        Said::of(&command.args(arguments).output().unwrap())
    }

    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.top, arguments).ok().trim_end().to_owned()
    }

    /// The text of a file of a revision.
    #[track_caller]
    pub(crate) fn shown(&self, object: &str) -> String {
        self.git(&["show", object])
    }

    /// What differs between the last commit and the index, and the index and the disk, among manifests.
    #[track_caller]
    pub(crate) fn differences(&self) -> String {
        let manifests = self.root.strip_prefix(&self.top).unwrap().join("manifests");
        self.git(&["status", "--porcelain", "-uall", "--", &manifests.display().to_string()])
    }
}
