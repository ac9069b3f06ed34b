//! Whatever a pull request brings for Git to obey, no command runs it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::scene::Scene;

/// A program that must never run: it makes the canary.
fn canary(scene: &Scene) -> (PathBuf, String) {
    let canary = scene.home().join("canary");
    let program = scene.program("../evil-program", &format!("echo \"$0 $*\" >> {}\nexit 1", canary.display()));
    (canary, program.display().to_string())
}

/// All that names a program in a configuration of Git's, or leads to one.
fn configuration(program: &str) -> String {
    format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = {program}\n\tsshCommand = {program}\n\tpager = {program}\n\teditor = \
         {program}\n\thooksPath = hooks\n\tgitProxy = {program}\n\taskPass = {program}\n\talternateRefsCommand = {program}\n[gpg]\n\tprogram = {program}\n\
         [gpg \"ssh\"]\n\tprogram = {program}\n[commit]\n\tgpgsign = true\n[tag]\n\tgpgsign = true\n[log]\n\tshowSignature = true\n[credential]\n\thelper = {program}\n[diff]\n\texternal = {program}\n[diff \
         \"x\"]\n\ttextconv = {program}\n\tcommand = {program}\n[filter \"x\"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n\
         [alias]\n\trev-parse = !{program}\n\tfetch = !{program}\n\tx = !{program}\n[uploadpack]\n\tpackObjectsHook = {program}\n[protocol]\n\tallow = always\n\
         [protocol \"ext\"]\n\tallow = always\n[url \"ext::{program} \"]\n\tinsteadOf = ssh://\n\tinsteadOf = https://\n\tinsteadOf = file://\n\tinsteadOf = git@\n[remote \
         \"origin\"]\n\turl = ext::{program}\n\tvcs = x\n\tuploadpack = {program}\n\tpromisor = true\n\tpartialclonefilter = blob:none\n\tfetch = \
         +refs/heads/*:refs/remotes/origin/*\n[sequence]\n\teditor = {program}\n[include]\n\tpath = more\n[pager]\n\tconfig = {program}\n\trev-parse = {program}\n"
    )
}

/// A repository that Git would take: its own files without a `.git`, with hooks, and with configuration that is included.
fn embedded(scene: &Scene, dir: &Path, program: &str) {
    let made = scene.home().join("made");
    let _ = fs::remove_dir_all(&made);
    let clone = ["clone", "-q", "--bare", "--no-local", &scene.top.display().to_string(), &made.display().to_string()];
    scene.git_in(&scene.home(), &clone).ok();
    fs::create_dir_all(dir).unwrap();
    let copied = std::process::Command::new("cp").arg("-r").arg(made.join(".")).arg(dir).status().unwrap();
    assert!(copied.success());
    let _ = fs::remove_dir_all(dir.join("hooks"));
    fs::create_dir_all(dir.join("hooks")).unwrap();
    for hook in [
        "pre-commit",
        "commit-msg",
        "prepare-commit-msg",
        "post-commit",
        "reference-transaction",
        "post-index-change",
        "pre-push",
        "post-checkout",
    ] {
        let text = format!("#!/bin/sh\n{program} {hook}\n");
        fs::write(dir.join("hooks").join(hook), text).unwrap();
        fs::set_permissions(dir.join("hooks").join(hook), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    fs::write(dir.join("config"), configuration(program)).unwrap();
    fs::write(dir.join("more"), format!("[core]\n\tsshCommand = {program}\n")).unwrap();
}

/// The commands that anybody may run over anybody's project.
const COMMANDS: [&[&str]; 12] = [
    &["check"],
    &["check", "--references"],
    &["check", "--locked"],
    &["diff"],
    &["diff", "--against", "HEAD"],
    &["diff", "--against", "origin/main", "--format", "markdown"],
    &["list"],
    &["graph"],
    &["values", "alpha"],
    &["lock"],
    &["fetch"],
    &[],
];

/// Runs them all; of none is anything expected but that it ends, and that nothing has run.
#[track_caller]
fn assert_nothing_runs(scene: &Scene, canary: &Path, what: &str) {
    // The user's own ssh, which reaches nobody.
    let ssh = scene.program("../bin/ssh", "exit 255");
    let path = format!("{}:{}", ssh.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for arguments in COMMANDS {
        for ci in ["", "true"] {
            let said = scene.hydrate_with(arguments, &[("PATH", &path), ("CI", ci), ("HYDRATE_GIT_TIMEOUT", "10")]);
            assert!(said.code.is_some(), "{arguments:?} was killed");
            let ran = fs::read_to_string(canary).unwrap_or_default();
            assert!(ran.is_empty(), "{what}: `hydrate {}` with CI={ci:?} ran {ran}\n{}", arguments.join(" "), said.text);
        }
    }
}

/// A component whose chart is in this repository.
fn remote_chart(scene: &Scene, address: &str) {
    let text = format!("sources:\n  - helm: {{chart: \"git+{address}//chart?ref=main\"}}\n");
    let path = scene.root.join("components/remote/component.yaml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn repositories_embedded_in_the_project() {
    for place in ["", "components", "components/alpha", "components/alpha/templates", "manifests", "manifests/dev"] {
        let scene = Scene::below("platform");
        let (canary, program) = canary(&scene);
        embedded(&scene, &scene.root.join(place), &program);
        fs::write(scene.root.join(".gitattributes"), "* filter=x diff=x\n").unwrap();
        assert_nothing_runs(&scene, &canary, place);
        // Committing is about the repository around it, and that is the user's.
        let before = scene.git(&["rev-parse", "HEAD"]);
        scene.word("new");
        let said = scene.hydrate(&["--commit"]);
        assert!(!canary.exists(), "{place}: {}", said.text);
        if said.code == Some(0) {
            assert_eq!(scene.git(&["rev-parse", "HEAD~1"]), before, "{place}: {}", said.text);
        }
    }
}

#[test]
fn a_repository_above_the_project_that_nobody_cloned() {
    let scene = Scene::below("platform");
    let (canary, program) = canary(&scene);
    embedded(&scene, &scene.home(), &program);
    fs::remove_dir_all(scene.top.join(".git")).unwrap();
    assert_nothing_runs(&scene, &canary, "above");
    assert!(scene.hydrate(&["--commit"]).refused().contains("is not in a Git repository"));
    assert!(!canary.exists());
}

#[test]
fn git_files_that_lead_into_the_project() {
    for (at, to) in [("platform", "../evil"), ("platform", "evil"), ("", "evil")] {
        let scene = Scene::below("platform");
        let (canary, program) = canary(&scene);
        embedded(&scene, &scene.top.join(at).join(to), &program);
        if at.is_empty() {
            fs::remove_dir_all(scene.top.join(".git")).unwrap();
        }
        fs::write(scene.top.join(at).join(".git"), format!("gitdir: {to}\n")).unwrap();
        assert_nothing_runs(&scene, &canary, to);
        for arguments in [&["--commit"][..], &["commit", "--push"], &["hook", "install"]] {
            let said = scene.hydrate(arguments).refused();
            assert!(said.contains("leads to a repository among the files of"), "{said}");
        }
        assert!(!canary.exists());
    }
}

#[test]
fn the_repository_s_own_configuration_is_not_for_reading_commands() {
    let scene = Scene::below("platform");
    let (canary, program) = canary(&scene);
    scene.file("platform/.gitattributes", "* filter=x diff=x text=auto\n");
    let path = scene.top.join(".git/config");
    fs::write(&path, configuration(&program)).unwrap();
    for name in ["pre-commit", "reference-transaction", "post-index-change"] {
        scene.program(&format!(".git/hooks/{name}"), &format!("{program} {name}"));
    }
    assert_nothing_runs(&scene, &canary, ".git/config");
    // Also where libgit2 does not know the form of the repository, and where files differ in their line endings alone.
    fs::write(&path, configuration(&program).replace("formatversion = 0", "formatversion = 1") + "[extensions]\n\tpartialClone = origin\n")
        .unwrap();
    let manifest = scene.root.join("manifests/dev/alpha/configmap-alpha-same.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace('\n', "\r\n")).unwrap();
    scene.hydrate(&["check"]).ok();
    assert_nothing_runs(&scene, &canary, "partial clone");
}

#[test]
fn charts_from_git_obey_nothing_that_is_brought() {
    let scene = Scene::below("platform");
    let (canary, program) = canary(&scene);
    embedded(&scene, &scene.root, &program);
    embedded(&scene, &scene.top.join("charts"), &program);
    scene.file("platform/.gitmodules", &format!("[submodule \"x\"]\n\tpath = x\n\turl = ext::{program}\n\tupdate = !{program}\n"));
    let local = format!("file://{}", scene.top.join("charts").display());
    for address in
        ["ssh://git@host.invalid/charts", "git@host.invalid:charts", "https://127.0.0.1:1/charts", &local, "ssh://-oProxyCommand=x/charts"]
    {
        remote_chart(&scene, address);
        assert_nothing_runs(&scene, &canary, address);
    }
    // What hydrate.lock names is not taken on trust either.
    remote_chart(&scene, "https://127.0.0.1:1/charts");
    let source = format!("ext::{program}");
    for source in [source.as_str(), &format!("--upload-pack={program}"), &local, "ssh://-oProxyCommand=x/y"] {
        let lock = format!(
            "version = 1\n\n[artifact.\"https://127.0.0.1:1/charts@main\"]\nkind = \"git\"\nname = \"charts\"\nversion = \"main\"\nsource = \"{source}\"\n\
             commit = \"{0}\"\nused-by = [\n  \"remote@dev\",\n]\ncontent = \"{0}{1}\"\nsha256 = \"{0}{1}\"\n",
            "1".repeat(40),
            "1".repeat(24)
        );
        fs::write(scene.root.join("hydrate.lock"), lock).unwrap();
        assert_nothing_runs(&scene, &canary, source);
    }
}

#[test]
fn the_environment_names_no_other_repository() {
    let (scene, other) = (Scene::below("platform"), Scene::new());
    let (canary, program) = canary(&scene);
    let (git_dir, index) = (other.top.join(".git"), scene.home().join("elsewhere"));
    fs::write(git_dir.join("config"), configuration(&program)).unwrap();
    let before = fs::read(git_dir.join("refs/heads/main")).unwrap();
    let variables = [
        ("GIT_DIR", git_dir.display().to_string()),
        ("GIT_WORK_TREE", other.top.display().to_string()),
        ("GIT_INDEX_FILE", index.display().to_string()),
        ("GIT_COMMON_DIR", git_dir.display().to_string()),
        ("GIT_OBJECT_DIRECTORY", git_dir.join("objects").display().to_string()),
        ("GIT_NAMESPACE", "elsewhere".to_owned()),
        ("GIT_CEILING_DIRECTORIES", scene.root.display().to_string()),
    ];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let remote = scene.home().join("remote.git");
    scene.git(&["init", "-q", "--bare", &remote.display().to_string()]);
    scene.git(&["remote", "add", "origin", &remote.display().to_string()]);
    scene.git(&["push", "-q", "-u", "origin", "main"]);
    scene.word("new");
    assert!(scene.hydrate_with(&["diff", "--unified", "--against", "HEAD"], &variables).ok().contains("+  word: \"new\""));
    scene.hydrate_with(&["-q", "--commit", "--push"], &variables).ok();
    assert_eq!(scene.git(&["log", "-1", "--format=%s"]), "hydrate dev: alpha, beta");
    assert_eq!(scene.git(&["rev-parse", "HEAD"]), scene.git_in(&remote, &["rev-parse", "main"]).ok().trim_end());
    assert_eq!(scene.differences(), "");
    assert_eq!(fs::read(git_dir.join("refs/heads/main")).unwrap(), before);
    assert!(!index.exists() && !canary.exists());
}

#[test]
fn a_repository_of_somebody_else_is_asked_only_where_it_is_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let scene = Scene::new();
    let chown = |path: &Path| std::os::unix::fs::chown(path, Some(12345), None).unwrap();
    chown(&scene.top.join(".git"));
    scene.word("new");
    for arguments in [&["--commit"][..], &["diff", "--against", "HEAD"], &["hook", "install"]] {
        let said = scene.hydrate(arguments).refused();
        assert!(said.contains("belongs to somebody else") && said.contains("safe.directory"), "{said}");
    }
    assert_eq!(scene.hydrate(&["check"]).code, Some(2));
    // The repository cannot name itself.
    fs::write(scene.top.join(".git/config"), "[core]\n\trepositoryformatversion = 0\n[safe]\n\tdirectory = *\n").unwrap();
    assert!(scene.hydrate(&["--commit"]).refused().contains("belongs to somebody else"));
    scene.git_in(&scene.home(), &["config", "--global", "safe.directory", &scene.top.display().to_string()]).ok();
    scene.hydrate(&["-q", "--commit"]).ok();
}
