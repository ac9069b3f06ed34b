//! `hydrate self-check` on machines that have everything, and on those that lack something.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A machine with an empty home, and with a PATH that leads to the programs put into it.
struct Machine {
    directory: tempfile::TempDir,
    variables: BTreeMap<&'static str, String>,
}

impl Machine {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["home", "bin", "project"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_hydrate"), directory.path().join("bin/hydrate")).unwrap();
        let shown = |name: &str| directory.path().join(name).display().to_string();
        let variables = BTreeMap::from([("HOME", shown("home")), ("PATH", shown("bin")), ("SHELL", "/bin/bash".to_owned())]);
        Self { directory, variables }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path(&format!("bin/{name}"));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn real_git(&self) {
        let path = std::env::var_os("PATH").unwrap();
        let git = std::env::split_paths(&path).map(|directory| directory.join("git")).find(|file| file.is_file()).unwrap();
        symlink(git, self.path("bin/git")).unwrap();
    }

    fn project(&self) {
        self.write("project/hydrate.yaml", "");
        self.write("project/environments/dev.yaml", "");
        self.write("project/components/a/component.yaml", "sources: [{raw: raw}]\n");
    }

    /// The exit code, and of each check its state, what it says and how it is mended.
    fn look(&self, arguments: &[&str]) -> (i32, BTreeMap<String, [String; 3]>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        command.arg("self-check").args(["--format", "json"]).args(arguments).env_clear().envs(&self.variables);
        let done = command.current_dir(self.path("project")).output().unwrap();
        assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        let said: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!((&said["version"], &said["command"]), (&Value::from(1), &Value::from("self-check")));
        assert_eq!(said["ok"], done.status.success());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let checks = said["checks"].as_array().unwrap().iter().map(|check| {
            let mend: Vec<String> = check["mend"].as_array().unwrap().iter().map(text).collect();
            (text(&check["name"]), [text(&check["state"]), text(&check["what"]), mend.join("; ")])
        });
        (done.status.code().unwrap(), checks.collect())
    }
}

fn names_of(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_machine_with_everything_is_told_so_and_left_as_it_is() {
    let machine = Machine::new();
    machine.real_git();
    ["sops", "vals"].iter().for_each(|name| machine.program(name, ":"));
    machine.project();
    machine.write("home/.bashrc", "source <(hydrate completion bash)\n");
    machine.write("home/.config/hydrate/config.yaml", "templateEnv: [A, B]\n");
    let git = Command::new("git").args(["init", "-q"]).arg(machine.path("project")).output().unwrap();
    assert!(git.status.success());
    machine.write("project/lefthook.yml", "pre-commit: {commands: {hydrate: {run: hydrate check -q -e all --staged}}}\n");
    let (code, checks) = machine.look(&[]);
    assert_eq!(code, 0, "{checks:?}");
    for name in ["hydrate", "git", "cache", "configuration", "completions", "sops", "vals", "project", "hook", "registries"] {
        assert_eq!(checks[name][0], "ok", "{name}: {checks:?}");
    }
    assert!(checks["configuration"][1].ends_with("templates may read 2 variables"), "{checks:?}");
    assert!(checks["project"][1].ends_with("1 environment, 1 component"), "{checks:?}");
    assert!(checks["hook"][1].ends_with("lefthook.yml"), "{checks:?}");
    assert_eq!(names_of(&machine.path("home")), [".bashrc", ".config"], "nothing is written");
}

#[test]
fn what_is_missing_is_named_with_what_mends_it() {
    let machine = Machine::new();
    let (code, checks) = machine.look(&[]);
    assert_eq!(code, 1);
    assert_eq!((checks["git"][0].as_str(), checks["project"][0].as_str()), ("missing", "skipped"));
    assert_eq!(checks["completions"][2], "echo 'source <(hydrate completion bash)' >> ~/.bashrc");
    assert_eq!(checks["project"][2], "hydrate init -e dev");

    machine.program("git", "echo git version 2.30.2");
    machine.write("home/.config/hydrate/config.yaml", "templateenv: [A]\n");
    machine.write("project/hydrate.yaml", "helm: v5\n");
    let (code, checks) = machine.look(&[]);
    assert_eq!(code, 1);
    assert!(checks["git"][1].contains("2.30.2") && checks["git"][1].ends_with("is too old for commits"), "{checks:?}");
    assert_eq!([&checks["configuration"][0], &checks["project"][0]], ["missing", "missing"], "{checks:?}");
    assert!(checks["configuration"][2].contains("templateEnv"), "{checks:?}");
}

#[test]
fn a_cache_that_others_can_write_to_is_missing() {
    let machine = Machine::new();
    machine.real_git();
    fs::create_dir_all(machine.path("home/.cache/hydrate")).unwrap();
    fs::set_permissions(machine.path("home/.cache/hydrate"), fs::Permissions::from_mode(0o777)).unwrap();
    let (code, checks) = machine.look(&[]);
    assert_eq!((code, checks["cache"][0].as_str()), (1, "missing"));
    assert!(checks["cache"][2].contains("chmod -R go-w"), "{checks:?}");
}

#[test]
fn a_key_that_fits_nothing_of_the_project_is_told() {
    let mut machine = Machine::new();
    machine.real_git();
    machine.project();
    let ((own, recipient), (_, other)) = (hydrate_sops::new_key(), hydrate_sops::new_key());
    machine.write("project/environments/dev.yaml", &format!("secrets: sops\nsops: {{age: [{recipient}]}}\n"));
    machine.write("project/environments/prod.yaml", &format!("secrets: sops\nsops: {{age: [{other}]}}\n"));
    machine.variables.insert("SOPS_AGE_KEY", own.to_string());
    let (code, checks) = machine.look(&[]);
    assert_eq!((code, checks["age keys"][0].as_str()), (0, "optional"));
    assert_eq!(checks["age keys"][1], "found; what is encrypted in prod cannot be decrypted here");
    assert!(!format!("{checks:?}").contains(own.as_str()));
}

#[test]
fn nobody_is_asked_over_the_network_unless_that_is_wanted() {
    let machine = Machine::new();
    machine.real_git();
    machine.project();
    // Nothing listens there.
    let digest = "0".repeat(64);
    let lock = format!(
        "version = 1\n\n[artifact.\"chart http://127.0.0.1:9 web 1.0.0\"]\nkind = \"chart\"\nname = \"web\"\nversion = \"1.0.0\"\nsource = \
         \"http://127.0.0.1:9\"\nused-by = [\n  \"a@dev\",\n]\ncontent = \"{digest}\"\nsha256 = \"{digest}\"\n"
    );
    machine.write("project/hydrate.lock", &lock);
    let (code, checks) = machine.look(&[]);
    assert_eq!((code, checks["registries"][0].as_str()), (0, "skipped"), "{checks:?}");
    assert_eq!(checks["registries"][2], "hydrate self-check --network");
    let mut asking = machine;
    asking.variables.insert("HYDRATE_RETRIES", "0".to_owned());
    let (code, checks) = asking.look(&["--network"]);
    assert_eq!((code, checks["registries"][0].as_str()), (1, "missing"), "{checks:?}");
    assert!(checks["registries"][1].contains("127.0.0.1"), "{checks:?}");
}
