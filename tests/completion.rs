//! Completion in the shells themselves: bash, zsh and fish are asked what they would complete.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

mod common;

/// A project, and a home in which nothing says anything about shells.
struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = [
            ("project/hydrate.yaml", ""),
            ("project/environments/dev.yaml", ""),
            ("project/environments/staging.yaml", ""),
            ("project/environments/prod.yaml", ""),
            ("project/components/web/component.yaml", "this: [is broken"),
            ("project/components/web-admin/values.yaml", ""),
            ("project/components/queue/values.yaml", ""),
            ("project/components/README.md", ""),
            ("project/deep/er/file.yaml", ""),
            ("project/hydrate.lock", LOCK),
            ("broken/hydrate.yaml", "helm: [\n"),
            ("empty/file.yaml", ""),
        ];
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for name in ["home", "bin", "project/components/odd name", "project/components/\u{1b}[31mred"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_hydrate"), directory.path().join("bin/hydrate")).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn shell(&self, shell: &str, arguments: &[&str], directory: &str) -> String {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(shell);
        command.args(arguments).env_clear().current_dir(self.path(directory));
        command.env("HOME", self.path("home")).env("PATH", format!("{}:{path}", self.path("bin").display())).env("TERM", "xterm");
        let done = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success() && stderr.is_empty(), "{shell}: {stderr}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// What a shell completes in a directory, sorted; options are left out where none was begun.
    fn complete(&self, shell: &str, line: &str, directory: &str) -> Vec<String> {
        let said = match shell {
            "bash" => self.shell("bash", &["--norc", "-c", BASH, "bash", line], directory),
            "zsh" => self.shell("zsh", &["-f", "-c", ZSH, "zsh", line], directory),
            _ => self.shell("fish", &["--no-config", "-c", FISH, line], directory),
        };
        let mut found: Vec<String> = said.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        found.sort();
        found
    }
}

const LOCK: &str = r#"version = 1

[artifact."https://charts.example.org/loki@1.0.0"]
kind = "chart"
name = "loki"
version = "1.0.0"
source = "https://charts.example.org"
used-by = [
  "web@dev",
]
content = "0000000000000000000000000000000000000000000000000000000000000000"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"#;

/// Calls the function as readline does: COMP_WORDS are broken at the characters of COMP_WORDBREAKS.
const BASH: &str = r#"
source <(hydrate completion bash)
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
_hydrate hydrate "" ""
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// Puts what the completion adds in the place of zsh's line editor, which there is none of without a terminal.
const ZSH: &str = r#"
compdef() { :; }
source <(hydrate completion zsh)
_describe() { local -a all; all=("${(@P)argv[-1]}"); print -rl -- "${(@)all%%:*}"; }
compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@"; }
words=(${(z)1}); [[ $1 == *' ' ]] && words+=('')
CURRENT=$#words
_hydrate || true
"#;

const FISH: &str = r#"
hydrate completion fish | source
complete --do-complete $argv[1] | string replace --regex '\t.*' ''
true
"#;

fn shells() -> Vec<&'static str> {
    let has = |shell: &&str| Command::new(shell).arg("-c").arg(":").output().is_ok_and(|done| done.status.success());
    let there: Vec<&str> = ["bash", "zsh", "fish"].into_iter().filter(has).collect();
    for shell in ["bash", "zsh", "fish"].iter().filter(|shell| !there.contains(*shell)) {
        common::skip_unless_asked(&format!("{shell} is not installed, so it is not asked"));
    }
    there
}

#[test]
fn environments_components_and_options_are_completed() {
    let desk = Desk::new();
    let cases: &[(&str, &[&str])] = &[
        ("hydrate -e ", &["all", "dev", "prod", "staging"]),
        ("hydrate check -e s", &["staging"]),
        ("hydrate -e dev,pr", &["dev,prod"]),
        ("hydrate diff --against-env p", &["prod"]),
        ("hydrate -e dev we", &["web", "web-admin"]),
        ("hydrate check we", &["web", "web-admin"]),
        ("hydrate values q", &["queue"]),
        ("hydrate che", &["check"]),
        ("hydrate completion z", &["zsh"]),
        ("hydrate check --ref", &["--references"]),
        ("hydrate --color ", &["always", "auto", "never"]),
        ("hydrate new environment x --from d", &["dev"]),
        ("hydrate nonsense --nothing q", &["queue"]),
        ("hydrate -e nowhere zzz", &[]),
        ("hydrate explain dee", &["deep/"]),
        ("hydrate explain --value level que", &["queue"]),
        ("hydrate lock --update lo", &["loki"]),
        ("hydrate helm ", &["template"]),
        ("hydrate helm template --include-c", &["--include-crds"]),
        ("hydrate helm template -f dee", &["deep/"]),
        ("hydrate helmfile pr", &["print-env"]),
        ("hydrate helmfile -e dev template --resolve", &["--resolve-secrets"]),
        ("hydrate kustomize build --enable-h", &["--enable-helm"]),
    ];
    for shell in shells() {
        for (line, expected) in cases {
            assert_eq!(desk.complete(shell, line, "project"), *expected, "{shell}: {line}");
        }
    }
}

#[test]
fn a_project_elsewhere_and_none_at_all() {
    let desk = Desk::new();
    for shell in shells() {
        assert_eq!(desk.complete(shell, "hydrate -C ../project -e pr", "empty"), ["prod"], "{shell}");
        assert_eq!(desk.complete(shell, "hydrate -e pr", "project/deep/er"), ["prod"], "{shell}");
        // Nothing to complete is no error, and neither is a project that cannot be read: no word of it gets between prompt and cursor.
        assert_eq!(desk.complete(shell, "hydrate -e ", "broken"), ["all"], "{shell}");
        assert_eq!(desk.complete(shell, "hydrate check we", "empty"), [""; 0], "{shell}");
        assert_eq!(desk.complete(shell, "hydrate kustomize build de", "project"), ["deep/"], "{shell}");
    }
}

#[test]
fn bash_gets_what_is_behind_the_characters_that_it_breaks_words_at() {
    let desk = Desk::new();
    if shells().contains(&"bash") {
        assert_eq!(desk.complete("bash", "hydrate --env=st", "project"), ["staging"]);
        assert_eq!(desk.complete("bash", "hydrate check '!we", "project"), [r"\!web", r"\!web-admin"]);
        assert_eq!(desk.complete("bash", "hydrate 'unfinished \"", "project"), [""; 0]);
    }
}

#[test]
fn every_shell_is_given_a_script_that_it_can_read() {
    let desk = Desk::new();
    for (shell, flag) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        if shells().contains(&shell) {
            let script = desk.shell("hydrate", &["completion", shell], "empty");
            fs::write(desk.path("script"), script).unwrap();
            desk.shell(shell, &[flag, desk.path("script").to_str().unwrap()], "empty");
        }
    }
    for shell in ["elvish", "powershell"] {
        assert!(desk.shell("hydrate", &["completions", shell], "empty").contains("hydrate"), "{shell}");
    }
}

#[test]
fn an_answer_comes_before_it_is_missed() {
    let desk = Desk::new();
    for number in 0..500 {
        let path = desk.path(&format!("project/components/component-{number}/component.yaml"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "sources: []\n").unwrap();
    }
    let once = |directory: &Path| {
        let start = Instant::now();
        let line = "hydrate -e dev comp";
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        let done = command.args(["--complete", "bash", line, "19", "=:"]).current_dir(directory).output().unwrap();
        assert_eq!(String::from_utf8(done.stdout).unwrap().lines().count(), 501, "500 components, and `completion`");
        start.elapsed()
    };
    let best = (0..10).map(|_| once(&desk.path("project"))).min().unwrap();
    // A release takes a few milliseconds; this build is not optimised, and the machine may be busy.
    assert!(best < Duration::from_millis(100), "{best:?}");
    println!("completing among 500 components took {best:?}");
}
