//! `commit: {branch: …}`: what an environment renders to is on a branch of its own, in the form that Argo CD's Source Hydrator writes and gitops-promoter
//! reads.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::scene::Scene;

const BRANCH: &str = "commit: {branch: \"environments/${env}\"}\n";

/// A project whose environments have branches, committed and pushed, of which nothing is rendered yet.
fn project(settings: &str) -> (Scene, PathBuf) {
    let scene = Scene::without_git("");
    fs::write(scene.root.join("hydrate.yaml"), settings).unwrap();
    let origin = scene.home().join("origin.git");
    scene.git(&["init", "-q", "-b", "main"]);
    scene.git(&["init", "-q", "--bare", "-b", "main", &origin.display().to_string()]);
    scene.git(&["remote", "add", "origin", &origin.display().to_string()]);
    commit(&scene, "Sources");
    (scene, origin)
}

/// Commits and pushes the sources; gives the commit.
fn commit(scene: &Scene, message: &str) -> String {
    scene.git(&["add", "-A"]);
    scene.git(&["commit", "-q", "--allow-empty", "-m", message]);
    scene.git(&["push", "-q", "-u", "origin", "main"]);
    scene.git(&["rev-parse", "HEAD"])
}

fn files(scene: &Scene, revision: &str) -> Vec<String> {
    scene.git(&["ls-tree", "-r", "--name-only", revision]).lines().map(str::to_owned).collect()
}

fn json_of(scene: &Scene, object: &str) -> Value {
    serde_json::from_str(&scene.shown(object)).unwrap()
}

fn note(scene: &Scene, revision: &str) -> Value {
    serde_json::from_str(&scene.git(&["notes", "--ref=hydrator.metadata", "show", revision])).unwrap()
}

#[test]
fn the_branch_has_the_tree_and_what_describes_it() {
    let (scene, origin) = project(BRANCH);
    let dry = commit(
        &scene,
        "Subject of it\n\nThe body.\n\nSigned-off-by: U <u@example.org>\nArgocd-reference-commit-sha: b82add298aa0\nArgocd-reference-commit-author: Ann <ann@example.org>",
    );
    let said = scene.hydrate(&["--commit", "--push"]).ok();
    assert!(said.contains("[environments/dev ") && said.contains("dev: pushed"), "{said}");
    let component = |name: &str| {
        [
            ".hydrated",
            "README.md",
            &format!("configmap-{name}-of-old.yaml"),
            &format!("configmap-{name}-same.yaml"),
            "hydrator.metadata",
            "kustomization.yaml",
        ]
        .map(|file| format!("{name}/{file}"))
    };
    let top = [".gitattributes", "hydrator.metadata", "kustomization.yaml"].map(str::to_owned);
    let mut expected: Vec<String> = component("alpha").into_iter().chain(component("beta")).chain(top).collect();
    expected.sort();
    assert_eq!(files(&scene, "origin/environments/dev"), expected);
    let metadata = json_of(&scene, "origin/environments/dev:hydrator.metadata");
    let date = scene.git(&["show", "-s", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%ad", &dry]);
    let reference = json!({"commit": {"sha": "b82add298aa0", "author": "\"Ann\" <ann@example.org>"}});
    assert_eq!(
        metadata,
        json!({
            "repoURL": origin.display().to_string(), "drySha": dry, "author": "U <u@example.org>", "date": date, "subject": "Subject of it",
            "body": "The body.\n\nSigned-off-by: U <u@example.org>\n", "references": [reference],
        })
    );
    let of_component = json_of(&scene, "origin/environments/dev:alpha/hydrator.metadata");
    assert_eq!(of_component, json!({"repoURL": origin.display().to_string(), "drySha": dry, "commands": ["hydrate -e dev alpha"]}));
    let readme = scene.shown("origin/environments/dev:alpha/README.md");
    assert!(readme.contains(&format!("git checkout {dry}")) && readme.contains("hydrate -e dev alpha"), "{readme}");
    assert!(scene.shown("origin/environments/dev:.gitattributes").contains("**/hydrator.metadata linguist-generated=true"));
    assert_eq!(note(&scene, "origin/environments/dev"), json!({"drySha": dry}));
    let message = scene.git(&["log", "-1", "--format=%B", "origin/environments/dev"]);
    assert!(message.starts_with("hydrate dev: alpha, beta\n") && message.ends_with(&format!("Hydrated-from: {dry}")), "{message}");
    // The work tree knows nothing of it, and its own branch neither.
    assert_eq!(scene.git(&["status", "--porcelain", "--ignored"]), "");
    assert!(!scene.root.join("manifests").exists());
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn where_nothing_changes_only_the_note_moves() {
    let (scene, origin) = project(BRANCH);
    scene.hydrate(&["-q", "--commit", "--push"]).ok();
    let tip = scene.git(&["rev-parse", "origin/environments/dev"]);
    scene.file("README.md", "x");
    let dry = commit(&scene, "readme");
    let said = scene.hydrate(&["--commit", "--push"]).ok();
    assert!(said.contains("dev: nothing to commit"), "{said}");
    assert_eq!(scene.git(&["rev-parse", "origin/environments/dev"]), tip);
    assert_eq!(note(&scene, &tip), json!({"drySha": dry}));
    let of_remote = scene.git_in(&origin, &["notes", "--ref=hydrator.metadata", "show", &tip]).ok();
    assert!(of_remote.contains(&dry));
}

#[test]
fn what_is_stale_goes_and_what_others_have_stays() {
    let (scene, _) = project(BRANCH);
    scene.hydrate(&["-q", "--commit"]).ok();
    // Another application of the branch, and files of people.
    let place = scene.home().join("branch");
    scene.git(&["worktree", "add", "-q", &place.display().to_string(), "environments/dev"]);
    for (path, text) in [
        ("other/manifest.yaml", "kind: X"),
        ("other/hydrator.metadata", "{}"),
        ("other/README.md", "theirs"),
        (".gitattributes", "*.png binary\n"),
        (".github/ci.yaml", "ci"),
        ("alpha/mine.txt", "mine"),
    ] {
        fs::create_dir_all(place.join(path).parent().unwrap()).unwrap();
        fs::write(place.join(path), text).unwrap();
    }
    scene.git_in(&place, &["add", "-A"]).ok();
    scene.git_in(&place, &["commit", "-qm", "others"]).ok();
    let said = scene.hydrate(&["--commit"]).refused();
    assert!(said.contains("the branch environments/dev is checked out in"), "{said}");
    scene.git(&["worktree", "remove", "--force", &place.display().to_string()]);
    fs::remove_dir_all(scene.root.join("components/beta")).unwrap();
    commit(&scene, "no beta");
    scene.hydrate(&["-q", "--commit"]).ok();
    let all = files(&scene, "environments/dev");
    assert!(!all.iter().any(|path| path.starts_with("beta/")), "{all:?}");
    for kept in [
        "other/manifest.yaml",
        "other/hydrator.metadata",
        "other/README.md",
        ".github/ci.yaml",
        "alpha/mine.txt",
        "alpha/configmap-alpha-same.yaml",
    ] {
        assert!(all.iter().any(|path| path == kept), "{kept}: {all:?}");
    }
    assert!(scene.shown("environments/dev:.gitattributes").starts_with("*.png binary\n**/README.md"));
    scene.hydrate(&["check"]).ok();
}

#[test]
fn what_argo_cd_has_rendered_is_taken_over() {
    let (scene, _) = project(BRANCH);
    // A branch as the Source Hydrator leaves it.
    let place = scene.home().join("branch");
    scene.git(&["worktree", "add", "-q", "--detach", &place.display().to_string()]);
    scene.git_in(&place, &["checkout", "-q", "--orphan", "environments/dev"]).ok();
    scene.git_in(&place, &["rm", "-rfq", "."]).ok();
    let dry = scene.git(&["rev-parse", "HEAD"]);
    for (path, text) in [
        ("hydrator.metadata", format!("{{\"drySha\": \"{dry}\"}}")),
        ("alpha/manifest.yaml", "kind: ConfigMap\n".to_owned()),
        ("alpha/hydrator.metadata", "{}".to_owned()),
        ("alpha/README.md", "theirs".to_owned()),
    ] {
        fs::create_dir_all(place.join(path).parent().unwrap()).unwrap();
        fs::write(place.join(path), text).unwrap();
    }
    scene.git_in(&place, &["add", "-A"]).ok();
    scene.git_in(&place, &["commit", "-qm", "hydrated"]).ok();
    scene.git(&["worktree", "remove", "--force", &place.display().to_string()]);
    scene.hydrate(&["-q", "--commit"]).ok();
    let all = files(&scene, "environments/dev");
    assert!(
        !all.iter().any(|path| path == "alpha/manifest.yaml") && all.iter().any(|path| path == "alpha/configmap-alpha-same.yaml"),
        "{all:?}"
    );
    assert!(scene.shown("environments/dev:alpha/README.md").contains("hydrate -e dev alpha"));
}

#[test]
fn one_manifest_a_component_is_the_layout_of_argo_cd() {
    let (scene, _) = project(&format!("{BRANCH}layout: manifest\n"));
    scene.hydrate(&["-q", "--commit"]).ok();
    let all = files(&scene, "environments/dev");
    assert!(all.contains(&"alpha/manifest.yaml".to_owned()) && !all.iter().any(|path| path.contains("configmap")), "{all:?}");
    scene.hydrate(&["check"]).ok();
}

#[test]
fn a_branch_that_is_proposed_begins_at_the_active_one() {
    let (scene, _) = project(BRANCH);
    scene.hydrate(&["-q", "--commit", "--push"]).ok();
    let active = scene.git(&["rev-parse", "origin/environments/dev"]);
    fs::write(scene.root.join("hydrate.yaml"), "commit: {branch: \"environments/${env}-next\"}\n").unwrap();
    let dry = commit(&scene, "proposed from now on");
    let said = scene.hydrate(&["--commit", "--push"]).ok();
    assert!(said.contains("nothing to commit"), "{said}");
    // It is there for who looks for it, although it has nothing to propose.
    assert_eq!(scene.git(&["rev-parse", "origin/environments/dev-next"]), active);
    assert_eq!(note(&scene, "origin/environments/dev-next"), json!({"drySha": dry}));
    scene.word("new");
    commit(&scene, "new");
    scene.hydrate(&["-q", "--commit", "--push"]).ok();
    assert_eq!(scene.git(&["rev-parse", "origin/environments/dev-next~1"]), active);
    assert_eq!(scene.git(&["rev-parse", "origin/environments/dev"]), active);
    scene.hydrate(&["check"]).ok();
}

#[test]
fn applications_of_one_branch_have_directories() {
    let (scene, _) = project("commit: {branch: \"environments/${env}-next/app-a\", path: app-a}\n");
    let dry = scene.git(&["rev-parse", "HEAD"]);
    scene.hydrate(&["-q", "--commit"]).ok();
    let all = files(&scene, "environments/dev-next/app-a");
    assert!(all.iter().all(|path| path.starts_with("app-a/") || path == ".gitattributes"), "{all:?}");
    assert_eq!(json_of(&scene, "environments/dev-next/app-a:app-a/hydrator.metadata")["drySha"], json!(dry));
    scene.hydrate(&["check"]).ok();
    // A branch that both are in at once says at its top what it was rendered from last.
    for app in ["app-b", "app-c"] {
        fs::write(scene.root.join("hydrate.yaml"), format!("commit: {{branch: \"shared/${{env}}\", path: {app}}}\n")).unwrap();
        commit(&scene, app);
        scene.hydrate(&["-q", "--commit"]).ok();
    }
    let all = files(&scene, "shared/dev");
    for path in
        ["app-b/alpha/configmap-alpha-same.yaml", "app-c/alpha/configmap-alpha-same.yaml", "app-b/hydrator.metadata", "hydrator.metadata"]
    {
        assert!(all.iter().any(|known| known == path), "{path}: {all:?}");
    }
    let dry = scene.git(&["rev-parse", "HEAD"]);
    assert_eq!(json_of(&scene, "shared/dev:hydrator.metadata")["drySha"], json!(dry));
    assert_ne!(json_of(&scene, "shared/dev:app-b/hydrator.metadata")["drySha"], json!(dry));
}

#[test]
fn check_compares_the_branch_with_the_commit_that_it_names() {
    let (scene, _) = project(BRANCH);
    let said = scene.hydrate(&["check"]).refused();
    assert!(
        said.contains("the branch environments/dev is not in this clone")
            && said.contains("git fetch origin environments/dev:refs/remotes/origin/environments/dev"),
        "{said}"
    );
    scene.hydrate(&["-q", "--commit", "--push"]).ok();
    let said = scene.hydrate(&["check"]).ok();
    assert!(said.contains("environments/dev is what"), "{said}");
    // The work tree may be ahead: the branch is still what it says.
    scene.word("new");
    let said = scene.hydrate(&["check"]).ok();
    assert!(said.contains("the work tree is at another commit"), "{said}");
    let said = scene.hydrate(&["diff"]).ok();
    assert!(said.contains("old") && said.contains("new"), "{said}");
    // What is wrong there is told before it is committed.
    scene.file("components/alpha/templates/bad.yaml.j2", "kind: {{ nothing.at.all }}");
    scene.hydrate(&["check"]).refused();
    fs::remove_file(scene.root.join("components/alpha/templates/bad.yaml.j2")).unwrap();
    // Somebody edits the branch.
    scene.git(&["branch", "-q", "environments/dev", "origin/environments/dev"]);
    let tip = scene.git(&["rev-parse", "environments/dev"]);
    let place = scene.home().join("branch");
    scene.git(&["worktree", "add", "-q", "-f", &place.display().to_string(), "environments/dev"]);
    fs::write(place.join("alpha/configmap-alpha-same.yaml"), "edited").unwrap();
    scene.git_in(&place, &["commit", "-qam", "edited"]).ok();
    let said = scene.hydrate(&["check"]);
    assert_eq!(said.code, Some(2), "{}", said.text);
    assert!(said.text.contains("environments/dev is not what"), "{}", said.text);
    scene.git(&["worktree", "remove", "--force", &place.display().to_string()]);
    // What is edited is replaced, and not without a word.
    scene.word("old");
    let said = scene.hydrate(&["--commit"]).ok();
    assert!(said.contains("was edited by hand; it is replaced"), "{said}");
    assert_eq!(scene.git(&["diff", &tip, "environments/dev", "--", "alpha/configmap-alpha-same.yaml"]), "");
}

#[test]
fn commits_that_are_missing_are_named_with_what_fetches_them() {
    let (scene, origin) = project(BRANCH);
    scene.hydrate(&["-q", "--commit", "--push"]).ok();
    scene.word("new");
    let dry = commit(&scene, "new");
    scene.hydrate(&["-q", "--commit", "--push"]).ok();
    scene.word("newer");
    commit(&scene, "newer");
    let shallow = scene.home().join("shallow");
    scene.git(&["clone", "-q", "--depth=1", "--no-single-branch", &format!("file://{}", origin.display()), &shallow.display().to_string()]);
    for arguments in [&["check"][..], &["--commit"]] {
        let mut command = scene.command(arguments);
        let said = command.current_dir(&shallow).output().unwrap();
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(1), "{text}");
        assert!(
            text.contains(&format!("the commit {dry} is not in this clone")) && text.contains("git fetch --unshallow origin"),
            "{text}"
        );
    }
}

#[test]
fn an_older_commit_does_not_take_back_what_a_later_one_has() {
    let (scene, _) = project(BRANCH);
    scene.hydrate(&["-q", "--commit", "--push"]).ok();
    scene.word("new");
    commit(&scene, "new");
    scene.hydrate(&["-q", "--commit", "--push"]).ok();
    let tip = scene.git(&["rev-parse", "origin/environments/dev"]);
    scene.git(&["checkout", "-q", "HEAD~1"]);
    let said = scene.hydrate(&["--commit", "--push"]).ok();
    assert!(said.contains("which comes after") && said.contains("nothing to do"), "{said}");
    assert_eq!(scene.git(&["rev-parse", "origin/environments/dev"]), tip);
}

#[test]
fn only_what_is_committed_is_rendered() {
    let (scene, _) = project(BRANCH);
    scene.word("new");
    let said = scene.hydrate(&["--commit"]).refused();
    assert!(
        said.contains("changed: environments/dev.yaml") && said.contains("--commit=head") && !said.contains("--commit=with-sources"),
        "{said}"
    );
    let said = scene.hydrate(&["--commit=with-sources"]).refused();
    assert!(said.contains("the branch environments/dev holds what a commit renders to"), "{said}");
    scene.hydrate(&["-q", "--commit=head"]).ok();
    assert!(scene.shown("environments/dev:alpha/configmap-alpha-same.yaml").contains("old"));
    scene.git(&["commit", "-qam", "new"]);
    let said = scene.hydrate(&["--commit", "--push"]).refused();
    assert!(said.contains("is not on origin") && said.contains("git push"), "{said}");
    scene.git(&["push", "-q"]);
    let said = scene.hydrate(&["--commit", "--push"]).refused();
    assert!(said.contains("git push origin environments/dev") && said.contains("git branch -D environments/dev"), "{said}");
    scene.git(&["branch", "-qD", "environments/dev"]);
    scene.hydrate(&["-q", "commit", "--push"]).ok();
    assert!(scene.shown("origin/environments/dev:alpha/configmap-alpha-same.yaml").contains("new"));
}

#[test]
fn chance_decides_once_and_the_branch_keeps_it() {
    let (scene, _) = project(&format!("{BRANCH}random: keep\n"));
    scene.file("components/alpha/chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    scene.file(
        "components/alpha/chart/templates/cm.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  id: {{ randAlphaNum 8 }}\n  version: {{ .Chart.Version }}\n",
    );
    scene.file("components/alpha/component.yaml", "namespace: x\nsources:\n- helm: {chart: chart}\n");
    commit(&scene, "chart");
    scene.hydrate(&["-q", "--commit"]).ok();
    let first = scene.shown("environments/dev:alpha/configmap-web.yaml");
    scene.file("components/alpha/chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.1.0\n");
    commit(&scene, "bump");
    scene.hydrate(&["-q", "--commit"]).ok();
    let second = scene.shown("environments/dev:alpha/configmap-web.yaml");
    assert_eq!(second, first.replace("1.0.0", "1.1.0"));
    let message = scene.git(&["log", "-1", "--format=%(trailers:key=Chart,valueonly)", "environments/dev"]);
    assert_eq!(message, "alpha/web 1.0.0 -> 1.1.0");
    scene.hydrate(&["check"]).ok();
}

#[test]
fn messages_are_as_the_project_has_them() {
    let template =
        "commit:\n  branch: \"environments/${env}\"\n  message: |\n    {{ env }}: {{ components | join('+') }} from {{ source[:7] }}\n";
    let (scene, _) = project(template);
    let dry = scene.git(&["rev-parse", "HEAD"]);
    scene.hydrate(&["-q", "--commit"]).ok();
    let message = scene.git(&["log", "-1", "--format=%B", "environments/dev"]);
    assert_eq!(message, format!("dev: alpha+beta from {}\n\nHydrated-from: {dry}", &dry[..7]));
    for (template, why) in [("{{ nothing }}", "undefined value"), ("{{", "syntax error"), ("\\n", "the template gives nothing")] {
        fs::write(scene.root.join("hydrate.yaml"), format!("commit: {{branch: \"environments/${{env}}\", message: \"{template}\"}}\n"))
            .unwrap();
        scene.word(if why.starts_with("the") { "x" } else { "y" });
        commit(&scene, "template");
        let before = scene.git(&["rev-parse", "environments/dev"]);
        let said = scene.hydrate(&["--commit"]).refused();
        assert!(
            said.contains("the message of the commit cannot be made") && said.contains(why) && said.contains("hydrate.yaml:1:"),
            "{said}"
        );
        assert_eq!(scene.git(&["rev-parse", "environments/dev"]), before);
    }
}

#[test]
fn what_hands_over_points_at_the_branch() {
    let (scene, _) = project(BRANCH);
    scene.file("environments/dev.yaml", "values: {word: old}\nhandover: argocd\ngit: {url: https://example.org/team/platform.git}\n");
    commit(&scene, "hand over");
    scene.hydrate(&["-q", "--commit"]).ok();
    let all: BTreeMap<String, String> = files(&scene, "environments/dev")
        .into_iter()
        .map(|path| (path.clone(), scene.shown(&format!("environments/dev:{path}"))))
        .collect();
    let application = &all["clusters/dev/application-dev-alpha.yaml"];
    assert!(application.contains("path: alpha\n") && application.contains("targetRevision: environments/dev\n"), "{application}");
    let root = &all["clusters/dev/application-dev.yaml"];
    assert!(root.contains("path: clusters/dev\n"), "{root}");
    scene.hydrate(&["check"]).ok();
    let said = scene.hydrate(&["--commit"]).ok();
    assert!(said.contains("nothing to commit"), "{said}");
    scene.file(
        "environments/dev.yaml",
        "values: {word: old}\nhandover: argocd\ngit: {url: https://example.org/team/platform.git, branch: main, path: x}\n",
    );
    let said = scene.hydrate(&[]).refused();
    assert!(said.contains("would be applied from main") && said.contains("`git.path` says nothing about the branch"), "{said}");
}

#[test]
fn configuration_that_cannot_be_is_refused() {
    let (scene, _) = project(BRANCH);
    for (settings, why) in [
        ("commit: {branch: one}\n", "all environments would be in one place"),
        ("commit: {branch: \"refs/heads/${env}\"}\n", "cannot be the name of a branch"),
        ("commit: {branch: \"a b/${env}\"}\n", "cannot be the name of a branch"),
        ("commit: {branch: \"${env}\", path: ../x}\n", "must be a directory in the branch"),
        ("commit: {path: \"${env}\"}\n", "`path` is a directory in the branch of an environment"),
        ("commit: {branch: \"${env}\", sources: include}\n", "exclude each other"),
    ] {
        fs::write(scene.root.join("hydrate.yaml"), settings).unwrap();
        let said = scene.hydrate(&[]).refused();
        assert!(said.contains(why), "{settings}: {said}");
    }
}
