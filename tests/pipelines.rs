//! The pipelines of docs/ci, of action.yml and of templates/ do what they say: their steps run as the shell runs them, on a bare repository of this machine.
//!
//! A step with `run:` is a script with the variables of its job; what `uses:` an action of GitHub's is done here in a few lines (checkout, artifacts), and `gh`
//! and `curl` are stand-ins that write down what they were asked. An expression that nothing here knows is an error.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_yaml::Value;

mod common;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A forge with one bare repository, and a machine that runs jobs.
struct Forge {
    directory: tempfile::TempDir,
    /// What expressions come to.
    context: BTreeMap<String, String>,
}

/// How a step or a job has ended.
struct Done {
    code: i32,
    text: String,
    outputs: BTreeMap<String, String>,
}

impl Forge {
    /// The repository has a project of two environments, rendered and in sync.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["home", "bin", "artifacts", "temp", "author"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_hydrate"), directory.path().join("bin/hydrate")).unwrap();
        let forge = Self { directory, context: BTreeMap::new() };
        let author = forge.path("author");
        forge.shell(
            &author,
            "git init -q -b main --bare ../remote && git init -q -b main && git remote add origin \"file://$(realpath ../remote)\"",
        );
        forge.shell(&author, "git -C ../remote config uploadpack.allowAnySHA1InWant true");
        for env in ["dev", "prod"] {
            forge.write(&format!("environments/{env}.yaml"), "kubernetes: \"1.33\"\n");
        }
        for component in ["web", "queue"] {
            let template =
                format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {component}\ndata:\n  level: \"{{{{ values.level }}}}\"\n");
            forge.write(
                &format!("components/{component}/component.yaml"),
                &format!("namespace: {component}\nsources: [{{jinja: templates}}]\n"),
            );
            forge.write(
                &format!("components/{component}/namespace.yaml"),
                &format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {component}\n"),
            );
            forge.write(&format!("components/{component}/templates/configmap.yaml.j2"), &template);
            forge.write(&format!("components/{component}/values.yaml"), "level: one\n");
        }
        forge.write("hydrate.yaml", "");
        forge.shell(&author, "hydrate -e all && git add -A && git commit -qm start && git push -q origin main");
        forge
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file in the author's clone.
    fn write(&self, name: &str, text: &str) {
        let path = self.path("author").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A stand-in for a program.
    fn program(&self, name: &str, script: &str) {
        let path = self.path(&format!("bin/{name}"));
        fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, program: &str, directory: &Path) -> Command {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command.current_dir(directory).env_clear().env("PATH", path).env("HOME", self.path("home")).env("LC_ALL", "C.UTF-8");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("HYDRATE_RETRIES", "0");
        command
    }

    /// What the author does.
    fn shell(&self, directory: &Path, script: &str) -> String {
        let mut command = self.command("bash", directory);
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "author").env(format!("GIT_{role}_EMAIL"), "author@example.org");
        }
        let done = command.args(["-ec", script]).output().unwrap();
        assert!(done.status.success(), "{script}:\n{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    }

    /// The author pushes a branch that changes these files, and the forge makes the merge of its pull request, number 7.
    fn pull_request(&mut self, branch: &str, script: &str) {
        let author = self.path("author");
        self.shell(&author, &format!("git checkout -q -B {branch} origin/main && {script} && git add -A && git commit -qm change && git push -q -f origin {branch}"));
        self.shell(
            &author,
            "git checkout -q --detach origin/main && git merge -q --no-ff -m merge - && git push -q -f origin HEAD:refs/pull/7/merge",
        );
        let head = self.shell(&author, &format!("git rev-parse {branch}"));
        for (name, value) in [
            ("github.event.pull_request.number", "7"),
            ("github.event.pull_request.head.sha", &head),
            ("github.event.workflow_run.head_sha", &head),
            ("github.head_ref", branch),
        ] {
            self.know(name, value);
        }
    }

    fn know(&mut self, name: &str, value: &str) {
        self.context.insert(name.to_owned(), value.to_owned());
    }

    /// A text in which each expression is what it comes to.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${{") {
            let (expression, after) = behind.split_once("}}").unwrap();
            let value = self.context.get(expression.trim()).unwrap_or_else(|| panic!("nothing is known of {expression}"));
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        filled + rest
    }

    /// Runs a job of a workflow in an empty directory; a step that fails is the last, but for those that run nonetheless.
    fn job(&self, workflow: &str, job: &str) -> Done {
        let file: Value = serde_yaml::from_str(&fs::read_to_string(root().join(workflow)).unwrap()).unwrap();
        let work = self.path("work");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir(&work).unwrap();
        let mut all = Done { code: 0, text: String::new(), outputs: BTreeMap::new() };
        for step in file["jobs"][job]["steps"].as_sequence().unwrap_or_else(|| panic!("{workflow} has no job {job}")) {
            let condition = step["if"].as_str().unwrap_or_default();
            let is_wanted = match condition {
                "" => all.code == 0,
                "${{ !cancelled() && github.event_name == 'pull_request' }}" => true,
                "steps.render.outputs.commits != '0'" => all.code == 0 && all.outputs["commits"] != "0",
                other => panic!("{workflow}: a condition that is not known: {other}"),
            };
            if !is_wanted {
                continue;
            }
            match step["uses"].as_str().map(|uses| uses.split('@').next().unwrap()) {
                Some("actions/checkout") => self.checkout(&work, &step["with"]),
                Some("platform/hydrate") => {}
                Some("actions/upload-artifact") => self.upload(&work, &step["with"]),
                Some("actions/download-artifact") => {
                    let name = step["with"]["name"].as_str().unwrap();
                    common::copy(&self.path("artifacts").join(name), &work.join(step["with"]["path"].as_str().unwrap()));
                }
                Some(other) => panic!("{workflow}: an action that is not known: {other}"),
                None => {
                    let done = self.step(&work, step["run"].as_str().unwrap(), &step["env"]);
                    all.text.push_str(&String::from_utf8_lossy(&done.stdout));
                    all.text.push_str(&String::from_utf8_lossy(&done.stderr));
                    all.code = if all.code == 0 { done.status.code().unwrap() } else { all.code };
                    let outputs = fs::read_to_string(self.path("temp/output")).unwrap();
                    all.outputs.extend(
                        outputs.lines().map(|line| line.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())),
                    );
                }
            }
        }
        all
    }

    fn step(&self, work: &Path, script: &str, variables: &Value) -> Output {
        assert!(!script.contains("${{"), "an expression in a script is an injection: {script}");
        for name in ["output", "summary", "path"] {
            fs::write(self.path("temp").join(name), "").unwrap();
        }
        let mut command = self.command("bash", work);
        command.env("CI", "true").env("RUNNER_TEMP", self.path("temp")).env("GITHUB_OUTPUT", self.path("temp/output"));
        command.env("GITHUB_STEP_SUMMARY", self.path("temp/summary")).env("GITHUB_PATH", self.path("temp/path"));
        command.env("STUB", self.path("temp"));
        for (name, value) in variables.as_mapping().into_iter().flatten() {
            command.env(name.as_str().unwrap(), self.filled(value.as_str().unwrap()));
        }
        command.args(["--noprofile", "--norc", "-ec", script]).output().unwrap()
    }

    /// What actions/checkout does: one reference, as deep as it is asked for.
    fn checkout(&self, work: &Path, with: &Value) {
        let depth = with["fetch-depth"].as_u64().unwrap_or(1);
        let depth = if depth == 0 { String::new() } else { format!("--depth {depth}") };
        let reference = with["ref"].as_str().map(|text| self.filled(text));
        let (what, into) = match (&reference, self.context.get("github.ref_name"), self.context.contains_key("github.head_ref")) {
            (Some(reference), ..) => (reference.clone(), "--detach FETCH_HEAD".to_owned()),
            (None, Some(branch), false) => {
                (format!("+refs/heads/{branch}:refs/remotes/origin/{branch}"), format!("-B {branch} --track origin/{branch}"))
            }
            _ => ("refs/pull/7/merge".to_owned(), "--detach FETCH_HEAD".to_owned()),
        };
        let remote = self.path("remote");
        self.shell(
            work,
            &format!("git init -q && git remote add origin file://{} && git fetch -q {depth} origin '{what}'", remote.display()),
        );
        if depth.is_empty() {
            self.shell(work, "git fetch -q origin");
        }
        self.shell(work, &format!("git checkout -q {into}"));
    }

    fn upload(&self, work: &Path, with: &Value) {
        let from = work.join(with["path"].as_str().unwrap());
        if from.exists() {
            let to = self.path("artifacts").join(with["name"].as_str().unwrap());
            let _ = fs::remove_dir_all(&to);
            common::copy(&from, &to);
        }
    }

    /// Whether a branch of the repository is in sync in a clone of its own.
    fn passes_check(&self, branch: &str) {
        let clone = self.path("clone");
        let _ = fs::remove_dir_all(&clone);
        self.shell(
            self.directory.path(),
            &format!("git clone -q --branch {branch} file://$PWD/remote clone && cd clone && hydrate check -q -e all"),
        );
    }

    fn log(&self, branch: &str) -> Vec<String> {
        self.shell(&self.path("remote"), &format!("git log --format=%s {branch}")).lines().map(str::to_owned).collect()
    }
}

const EDIT: &str = "printf 'level: two\\n' > components/web/values.yaml";

#[test]
fn a_pull_request_is_checked_with_annotations_and_reviewed() {
    let mut forge = Forge::new();
    forge.pull_request("feature", EDIT);
    let done = forge.job("docs/ci/github/check.yml", "check");
    assert_eq!(done.code, 2, "{}", done.text);
    assert!(
        done.text.contains("::error file=manifests/dev/web/configmap-web.yaml,line=1,col=1,title=hydrate::manifests/dev/web is not"),
        "{}",
        done.text
    );
    let review = forge.path("artifacts/review");
    assert_eq!(fs::read_to_string(review.join("number")).unwrap(), "7\n");
    let comment = fs::read_to_string(review.join("comment.md")).unwrap();
    assert!(comment.contains("level") && comment.contains("two") && comment.contains("prod") && !comment.contains("queue"), "{comment}");

    forge.pull_request("feature", &format!("{EDIT} && hydrate -q -e all"));
    let done = forge.job("docs/ci/github/check.yml", "check");
    assert_eq!((done.code, done.text.contains("::")), (0, false), "{}", done.text);

    // What cannot be rendered is told where it is wrong.
    forge.pull_request("broken", "printf '{{ nothing(' > components/web/templates/configmap.yaml.j2");
    let done = forge.job("docs/ci/github/check.yml", "check");
    assert_eq!(done.code, 1, "{}", done.text);
    assert!(done.text.contains("::error file=components/web/templates/configmap.yaml.j2,line=1,"), "{}", done.text);
    assert!(
        done.text.matches("::error").count() == 1 && done.text.contains("environments dev, prod"),
        "once for all environments: {}",
        done.text
    );
}

#[test]
fn a_project_below_the_top_is_annotated_where_the_repository_has_it() {
    let forge = Forge::new();
    let author = forge.path("author");
    let edit = "printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndat: {}\n' > components/web/templates/configmap.yaml.j2";
    forge.shell(&author, "mkdir sub && git mv components environments manifests hydrate.yaml sub/ && git commit -qm moved");
    forge.shell(&author.join("sub"), &format!("{edit} && rm components/queue/namespace.yaml"));
    let says = |arguments: &str| forge.shell(&author.join("sub"), &format!("hydrate {arguments} 2>/dev/null || true"));
    let found = says("check -e dev --format github");
    assert!(
        found.contains("::error file=sub/manifests/dev/web/configmap-web.yaml,line=1,") && !found.contains("file=manifests"),
        "{found}"
    );
    let found = says("check -e dev --format sarif");
    assert!(found.contains("\"uri\": \"sub/manifests/dev/web/configmap-web.yaml\""), "{found}");
    // A namespace goes, which is a danger.
    let found = says("diff -e dev --format github");
    assert!(found.contains("file=sub/") && !found.contains("file=manifests"), "{found}");
    assert!(says("diff -e dev --format gitlab").contains("\"path\": \"sub/"));
}

/// Says what is asked for in files of the directory `$STUB`, and writes down what was asked.
const GH: &str = r#"
printf '%s\n' "$*" >> "$STUB/asked"
case "$*" in
*/pulls/7*) cat "$STUB/head" ;;
*--paginate*) cat "$STUB/comments" ;;
*--input*) while [ "$1" != --input ]; do shift; done; cat "$2" > "$STUB/body" ;;
*'pr list'*) cat "$STUB/pulls" ;;
*'pr create'*) while [ "$1" != --body-file ]; do shift; done; cat "$2" > "$STUB/body" ;;
*) echo "gh does not know $*" >&2; exit 1 ;;
esac"#;

#[test]
fn one_comment_is_kept_up_to_date_and_nothing_of_the_artifact_is_believed() {
    if Command::new("jq").arg("--version").output().is_err() {
        return common::skip_unless_asked("jq is not installed, which GitHub's machines have");
    }
    let mut forge = Forge::new();
    forge.pull_request("feature", EDIT);
    forge.program("gh", GH);
    for (name, value) in [("github.token", "t"), ("github.repository", "team/platform"), ("github.event.workflow_run.id", "1")] {
        forge.know(name, value);
    }
    let head = forge.context["github.event.pull_request.head.sha"].clone();
    let comment = |number: &str, text: &str, head: &str, comments: &str| {
        for (name, text) in [("asked", ""), ("body", ""), ("head", head), ("comments", comments)] {
            fs::write(forge.path("temp").join(name), text).unwrap();
        }
        fs::create_dir_all(forge.path("artifacts/review")).unwrap();
        fs::write(forge.path("artifacts/review/number"), number).unwrap();
        fs::write(forge.path("artifacts/review/comment.md"), text).unwrap();
        let done = forge.job("docs/ci/github/comment.yml", "comment");
        let said = |name: &str| fs::read_to_string(forge.path("temp").join(name)).unwrap();
        (done, said("asked"), said("body"))
    };
    let (done, asked, body) = comment("7\n", "# Review\nby @everybody, image a@sha256:0\n", &head, "");
    assert_eq!(done.code, 0, "{}", done.text);
    assert!(asked.ends_with("api --silent --method POST repos/team/platform/issues/7/comments --input body.json\n"), "{asked}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["body"], "<!-- hydrate -->\n# Review\nby @\u{2060}everybody, image a@sha256:0\n");

    let (_, asked, _) = comment("7\n", "x", &head, "41\n42\n");
    assert!(asked.ends_with("api --silent --method PATCH repos/team/platform/issues/comments/41 --input body.json\n"), "{asked}");
    // The run was of another commit than the pull request's: somebody else's number, or an older run.
    let (done, asked, body) = comment("7\n", "x", "0000", "");
    assert_eq!((done.code, asked.lines().count(), body.as_str()), (0, 1, ""), "{asked}");
    for wrong in ["", "7/../8\n", "$(touch here)", "-1\n"] {
        let (done, asked, _) = comment(wrong, "x", &head, "");
        assert_eq!((done.code, asked.as_str()), (1, ""), "{wrong}: {}", done.text);
    }
    // It is cut in the middle of a character and holds what is no UTF-8, and is a comment all the same.
    let long = format!("{}\u{e9}", "x".repeat(63_999));
    let (done, _, body) = comment("7\n", &long, &head, "");
    assert_eq!(done.code, 0, "{}", done.text);
    assert!(serde_json::from_str::<serde_json::Value>(&body).unwrap()["body"].as_str().unwrap().len() < 65_536);
}

#[test]
fn only_what_a_change_touches_is_checked() {
    let mut forge = Forge::new();
    forge.pull_request("feature", EDIT);
    let done = forge.job("docs/ci/github/affected.yml", "affected");
    let matrix: serde_json::Value = serde_json::from_str(&done.outputs["matrix"]).unwrap();
    let jobs: Vec<(&str, &str)> = matrix["include"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| (job["environment"].as_str().unwrap(), job["component"].as_str().unwrap()))
        .collect();
    assert_eq!(jobs, [("dev", "web"), ("prod", "web")]);
    for (environment, component) in [("dev", "web"), ("prod", "web")] {
        forge.know("matrix.environment", environment);
        forge.know("matrix.component", component);
        let done = forge.job("docs/ci/github/affected.yml", "check");
        assert_eq!(done.code, 2, "{}", done.text);
    }
    forge.pull_request("docs", "echo x > README.md");
    assert_eq!(forge.job("docs/ci/github/affected.yml", "affected").outputs["matrix"], r#"{"include":[]}"#);
}

#[test]
fn manifests_are_committed_to_the_branch_once_and_nothing_else_is_taken() {
    let mut forge = Forge::new();
    forge.pull_request("feature", EDIT);
    let done = forge.job("docs/ci/github/commit-back.yml", "render");
    assert_eq!((done.code, done.outputs["commits"].as_str()), (0, "2"), "{}", done.text);
    let done = forge.job("docs/ci/github/commit-back.yml", "push");
    assert_eq!(done.code, 0, "{}", done.text);
    forge.passes_check("feature");
    assert_eq!(forge.log("feature").len(), 4);

    // A run on what was pushed finds nothing to commit: there is no loop.
    let head = forge.shell(&forge.path("remote"), "git rev-parse feature");
    forge.know("github.event.pull_request.head.sha", &head);
    let done = forge.job("docs/ci/github/commit-back.yml", "render");
    assert_eq!((done.code, done.outputs["commits"].as_str()), (0, "0"), "{}", done.text);

    // Whoever has made the bundle is not believed.
    let attacks = [
        "mkdir -p .github/workflows && echo x > .github/workflows/x.yml",
        "ln -s /etc/passwd manifests/dev/web/passwd.yaml",
        "echo x > manifests/dev/web/run.sh && chmod +x manifests/dev/web/run.sh",
        "echo x > components/web/values.yaml",
        "git mv components/web/values.yaml manifests/dev/web/values.yaml",
        "printf x > 'manifests\nx'",
        "git rm -q hydrate.yaml",
    ];
    for attack in attacks {
        let bundle = forge.path("artifacts/bundle/commits");
        let script = format!(
            "rm -rf ../evil && git clone -q -b feature file://$PWD/../remote ../evil && cd ../evil && {attack} && git add -A && git commit -qm x && git bundle create -q {} HEAD ^{head}",
            bundle.display()
        );
        forge.shell(&forge.path("author"), &script);
        let done = forge.job("docs/ci/github/commit-back.yml", "push");
        assert_ne!(done.code, 0, "{attack}");
        assert_eq!(forge.shell(&forge.path("remote"), "git rev-parse feature"), head, "{attack}");
    }
    // Commits beside what was rendered are not pushed either.
    let bundle = forge.path("artifacts/bundle/commits");
    forge.shell(&forge.path("author"), &format!("git checkout -q origin/main && git commit -q --allow-empty -m x && git bundle create -q {} HEAD ^origin/main^@ 2>/dev/null || git bundle create -q {} HEAD", bundle.display(), bundle.display()));
    assert_ne!(forge.job("docs/ci/github/commit-back.yml", "push").code, 0);
}

#[test]
fn what_was_merged_is_rendered_and_pushed() {
    let mut forge = Forge::new();
    forge.know("github.ref_name", "main");
    let author = forge.path("author");
    forge.shell(&author, &format!("{EDIT} && git add -A && git commit -qm merged && git push -q origin main"));
    let done = forge.job("docs/ci/github/environments.yml", "render");
    assert_eq!(done.code, 0, "{}", done.text);
    forge.passes_check("main");
    let log = forge.log("main");
    let done = forge.job("docs/ci/github/environments.yml", "render");
    assert_eq!((done.code, forge.log("main")), (0, log), "{}", done.text);
}

/// A chart in a repository of this machine, in two versions.
fn with_chart(forge: &Forge, reference: &str) {
    let charts = forge.path("charts");
    fs::create_dir_all(charts.join("chart/templates")).unwrap();
    fs::write(charts.join("chart/Chart.yaml"), "apiVersion: v2\nname: chart\nversion: 1.0.0\n").unwrap();
    fs::write(charts.join("chart/templates/a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata: {version: one}\n")
        .unwrap();
    forge.shell(&charts, "git init -q -b main && git add -A && git commit -qm one && git tag v1");
    forge.write(
        "components/chart/component.yaml",
        &format!("namespace: web\nsources: [{{helm: {{chart: 'git+file://{}//chart?ref={reference}'}}}}]\n", charts.display()),
    );
    forge.shell(
        &forge.path("author"),
        "hydrate -q lock && hydrate -q -e all && git add -A && git commit -qm chart && git push -q origin HEAD:main",
    );
    forge.shell(&charts, "sed -i s/one/two/ chart/templates/a.yaml && git commit -qam two && git tag v2");
}

#[test]
fn charts_are_moved_by_a_pull_request() {
    let mut forge = Forge::new();
    with_chart(&forge, "main");
    forge.program("gh", GH);
    for (name, value) in [("github.token", "t"), ("github.ref_name", "main"), ("inputs.names", "")] {
        forge.know(name, value);
    }
    fs::write(forge.path("temp/pulls"), "").unwrap();
    let done = forge.job("docs/ci/github/update.yml", "update");
    assert_eq!(done.code, 0, "{}", done.text);
    forge.passes_check("hydrate/update");
    let asked = fs::read_to_string(forge.path("temp/asked")).unwrap();
    assert!(asked.contains("pr create --base main --head hydrate/update --title Newer charts"), "{asked}");
    let body = fs::read_to_string(forge.path("temp/body")).unwrap();
    assert!(body.contains("    charts  ") && body.contains("version") && body.contains("two"), "{body}");
    // Merged, there is nothing newer.
    forge.shell(&forge.path("remote"), "git update-ref refs/heads/main hydrate/update");
    fs::write(forge.path("temp/asked"), "").unwrap();
    let done = forge.job("docs/ci/github/update.yml", "update");
    assert!(done.code == 0 && done.text.contains("everything is at its newest"), "{}", done.text);
    assert_eq!(fs::read_to_string(forge.path("temp/asked")).unwrap(), "");
}

#[test]
fn what_renovate_changes_is_locked_and_rendered() {
    let mut forge = Forge::new();
    with_chart(&forge, "v1");
    let author = forge.path("author");
    forge.shell(&author, "git checkout -q -b renovate/chart && sed -i s/ref=v1/ref=v2/ components/chart/component.yaml && git commit -qam renovate && git push -q origin renovate/chart");
    forge.know("github.ref_name", "renovate/chart");
    let done = forge.job("docs/ci/github/renovate.yml", "render");
    assert_eq!(done.code, 0, "{}", done.text);
    forge.passes_check("renovate/chart");
    let manifest = forge.shell(&forge.path("remote"), "git show renovate/chart:manifests/prod/chart/configmap-a.yaml");
    assert!(manifest.contains("two"), "{manifest}");
    // Again, and nothing is committed.
    let log = forge.log("renovate/chart");
    assert_eq!((forge.job("docs/ci/github/renovate.yml", "render").code, forge.log("renovate/chart")), (0, log));
}

/// A release as the workflow makes it, whose binary is the hydrate of this build.
fn release(forge: &Forge) -> PathBuf {
    let artifacts = forge.path("binaries");
    fs::create_dir_all(&artifacts).unwrap();
    let machine = forge.shell(&artifacts, "uname -m");
    for target in [format!("{machine}-unknown-linux-musl"), "x86_64-unknown-linux-musl".to_owned()] {
        fs::write(artifacts.join(format!("hydrate-{target}")), format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_hydrate")))
            .unwrap();
    }
    let releases = forge.path("releases");
    forge.shell(&root().join("packaging"), &format!("./archive 1.2.3 0 {} {}/v1.2.3", artifacts.display(), releases.display()));
    releases
}

#[test]
fn the_action_installs_by_checksum_and_runs() {
    let mut forge = Forge::new();
    let releases = release(&forge);
    let action: Value = serde_yaml::from_str(&fs::read_to_string(root().join("action.yml")).unwrap()).unwrap();
    let steps: Vec<&Value> = action["runs"]["steps"].as_sequence().unwrap().iter().filter(|step| step["run"].is_string()).collect();
    for (name, value) in [
        ("inputs.version", "1.2.3"),
        ("inputs.sha256", ""),
        (
            "inputs.releases || format('{0}/{1}/releases/download', github.server_url, github.action_repository)",
            &format!("file://{}", releases.display()),
        ),
        ("github.action_path", &root().display().to_string()),
        ("inputs.args", "check -e all"),
        ("inputs.directory", "."),
    ] {
        forge.know(name, value);
    }
    let work = forge.path("author");
    let step = |forge: &Forge, step: &Value| forge.step(&work, step["run"].as_str().unwrap(), &step["env"]);
    let installed = forge.path("temp/hydrate-1.2.3");
    forge.know("inputs.sha256", &"0".repeat(64));
    let done = step(&forge, steps[0]);
    assert!(!done.status.success() && !installed.exists());
    assert!(String::from_utf8_lossy(&done.stderr).contains("nothing was installed"));
    forge.know("inputs.sha256", "");
    let done = step(&forge, steps[0]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(fs::read_to_string(forge.path("temp/path")).unwrap(), format!("{}\n", installed.display()));
    let archive = common::files_below(&releases).into_keys().find(|path| path.display().to_string().ends_with(".tar.gz")).unwrap();
    // An archive that is another one than SHA256SUMS says.
    let mut bytes = fs::read(&archive).unwrap();
    bytes.push(0);
    for path in common::files_below(&releases).into_keys().filter(|path| path.display().to_string().ends_with(".tar.gz")) {
        fs::write(path, &bytes).unwrap();
    }
    assert!(!step(&forge, steps[0]).status.success());
    let done = step(&forge, steps[1]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// The jobs of a file for GitLab, with those of the component that it includes, as they are for a release of this machine.
fn gitlab(forge: &Forge, file: Option<&str>, releases: &Path) -> Value {
    let text = fs::read_to_string(root().join("templates/check.yml")).unwrap();
    let (_, body) = text.split_once("\n---\n").unwrap();
    let body =
        body.replace("$[[ inputs.version ]]", "1.2.3").replace("$[[ inputs.sha256 ]]", "").replace("$[[ inputs.environments ]]", "all");
    let mut jobs: Value = serde_yaml::from_str(&body.replace("$[[ inputs.releases ]]", &format!("file://{}", releases.display()))).unwrap();
    if let Some(file) = file {
        let own: Value = serde_yaml::from_str(&fs::read_to_string(root().join("docs/ci/gitlab").join(file)).unwrap()).unwrap();
        for (name, job) in own.as_mapping().unwrap() {
            // What a file says of a job goes over what the component says, key by key.
            let jobs = jobs.as_mapping_mut().unwrap();
            match (jobs.get_mut(name).and_then(Value::as_mapping_mut), job.as_mapping()) {
                (Some(known), Some(job)) => known.extend(job.clone()),
                _ => drop(jobs.insert(name.clone(), job.clone())),
            }
        }
    }
    let _ = fs::remove_file(forge.path("bin/hydrate"));
    jobs
}

/// Runs a job as a runner does it: the lines before the script and the script in one shell, in the clone `work`.
fn gitlab_job(forge: &Forge, jobs: &Value, job: &str, variables: &[(&str, &str)]) -> Output {
    let work = forge.path("work");
    let mut command = forge.command("sh", &work);
    command.env("CI", "true").env("CI_PROJECT_DIR", &work).env("STUB", forge.path("temp")).env("CI_SERVER_HOST", "git.example.org");
    command.env("HYDRATE_REMOTE", format!("file://{}", forge.path("remote").display()));
    let extends = jobs[job]["extends"].as_str();
    let inherited = extends.map(|name| if name == ".hydrate-install" { ".hydrate" } else { name });
    for from in inherited.into_iter().chain([job]) {
        for (name, value) in jobs[from]["variables"].as_mapping().into_iter().flatten() {
            command.env(name.as_str().unwrap(), value.as_str().unwrap_or_default().replace("$CI_PROJECT_DIR", &work.display().to_string()));
        }
    }
    command.envs(variables.iter().copied());
    let before = extends.filter(|name| *name == ".hydrate-install").and_then(|name| jobs[name]["before_script"].as_sequence());
    let lines = before.into_iter().flatten().chain(jobs[job]["script"].as_sequence().unwrap()).map(|line| line.as_str().unwrap());
    command.args(["-ec", &lines.collect::<Vec<_>>().join("\n")]).output().unwrap()
}

fn lacks(programs: &[&str]) -> bool {
    programs.iter().any(|program| Command::new(program).arg("--version").output().is_err())
}

fn clone(forge: &Forge, arguments: &str) {
    forge.shell(
        forge.directory.path(),
        &format!("rm -rf work && git clone -q {arguments} file://$PWD/remote work && cd work && git checkout -q --detach"),
    );
}

#[test]
fn gitlabs_component_checks_reviews_and_notes() {
    if lacks(&["jq", "curl"]) {
        return common::skip_unless_asked("jq or curl is not installed");
    }
    let mut forge = Forge::new();
    let releases = release(&forge);
    forge.pull_request("feature", EDIT);
    clone(&forge, "--depth 1 -b feature");
    let base = forge.shell(&forge.path("remote"), "git rev-parse main");
    let jobs = gitlab(&forge, None, &releases);
    let work = forge.path("work");
    let of_base = [("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.as_str())];
    let done = gitlab_job(&forge, &jobs, "hydrate-check", &of_base);
    assert_eq!(done.status.code(), Some(2), "{}", String::from_utf8_lossy(&done.stderr));
    let report = |name: &str| -> serde_json::Value { serde_json::from_slice(&fs::read(work.join(name)).unwrap()).unwrap() };
    assert_eq!(report("code-quality.json")[0]["location"]["path"], "manifests/dev/web/configmap-web.yaml");
    let done = gitlab_job(&forge, &jobs, "hydrate-review", &of_base);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(fs::read_to_string(work.join("review.md")).unwrap().contains("two"));

    // The same with only what is touched.
    let jobs = gitlab(&forge, Some("affected.gitlab-ci.yml"), &releases);
    fs::remove_file(work.join("code-quality.json")).unwrap();
    let done = gitlab_job(&forge, &jobs, "hydrate-check", &of_base);
    assert_eq!(done.status.code(), Some(2), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(fs::read_to_string(work.join("affected")).unwrap(), "dev web\nprod web\n");
    assert_eq!(report("code-quality.json").as_array().unwrap().len(), 2);
    let head = forge.shell(&forge.path("remote"), "git rev-parse feature");
    forge.shell(&work, "rm code-quality*");
    let done = gitlab_job(&forge, &jobs, "hydrate-check", &[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &head)]);
    assert_eq!(
        (done.status.code(), report("code-quality.json")),
        (Some(0), serde_json::json!([])),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );

    forge.program("curl", "printf '%s\\n' \"$*\" >> \"$STUB/asked\"\ngrep -q 'PRIVATE-TOKEN: secret' token\ncase \"$*\" in *per_page*) cat \"$STUB/notes\" ;; *) cp body.json \"$STUB/body\" ;; esac");
    let variables = [
        ("CI_API_V4_URL", "https://git.example.org/api/v4"),
        ("CI_PROJECT_ID", "1"),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("HYDRATE_NOTE_TOKEN", "secret"),
    ];
    for (notes, expected) in
        [("[]", "--request POST"), (r#"[{"id": 5, "body": "hello"}, {"id": 6, "body": "<!-- hydrate -->\nold"}]"#, "--request PUT")]
    {
        fs::write(forge.path("temp/notes"), notes).unwrap();
        fs::write(forge.path("temp/asked"), "").unwrap();
        let done = gitlab_job(&forge, &jobs, "hydrate-note", &variables);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let asked = fs::read_to_string(forge.path("temp/asked")).unwrap();
        assert!(asked.contains(expected) && !asked.contains("secret"), "{asked}");
        assert_eq!(asked.contains("/notes/6"), expected == "--request PUT");
        assert!(fs::read_to_string(forge.path("temp/body")).unwrap().contains("<!-- hydrate -->"));
        assert!(!work.join("token").exists());
    }
}

#[test]
fn gitlab_commits_to_the_branch_and_takes_nothing_else() {
    if lacks(&["jq", "curl"]) {
        return common::skip_unless_asked("jq or curl is not installed");
    }
    let mut forge = Forge::new();
    let releases = release(&forge);
    forge.pull_request("feature", EDIT);
    clone(&forge, "-b feature");
    let base = forge.shell(&forge.path("remote"), "git rev-parse main");
    let jobs = gitlab(&forge, Some("commit-back.gitlab-ci.yml"), &releases);
    let variables = [
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.as_str()),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature"),
        ("HYDRATE_PUSH_TOKEN", "secret"),
    ];
    let done = gitlab_job(&forge, &jobs, "hydrate-commit", &variables);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let bundle = forge.path("work/commits.bundle");
    fs::rename(&bundle, forge.path("bundle")).unwrap();
    let push = |forge: &Forge| {
        clone(forge, "-b feature");
        fs::copy(forge.path("bundle"), forge.path("work/commits.bundle")).unwrap();
        gitlab_job(forge, &jobs, "hydrate-push", &variables)
    };
    let done = push(&forge);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    symlink(env!("CARGO_BIN_EXE_hydrate"), forge.path("bin/hydrate")).unwrap();
    forge.passes_check("feature");
    let head = forge.shell(&forge.path("remote"), "git rev-parse feature");
    for attack in ["echo x > .gitlab-ci.yml", "ln -s /etc/passwd manifests/dev/web/passwd.yaml", "git rm -q hydrate.yaml"] {
        let script = format!(
            "rm -rf ../evil && git clone -q -b feature file://$PWD/../remote ../evil && cd ../evil && {attack} && git add -A && git commit -qm x && git bundle create -q {} HEAD ^{head}",
            forge.path("bundle").display()
        );
        forge.shell(&forge.path("author"), &script);
        assert!(!push(&forge).status.success(), "{attack}");
        assert_eq!(forge.shell(&forge.path("remote"), "git rev-parse feature"), head, "{attack}");
    }
}

#[test]
fn gitlab_renders_what_was_merged_and_moves_charts() {
    let forge = Forge::new();
    with_chart(&forge, "main");
    let author = forge.path("author");
    forge.shell(&author, &format!("{EDIT} && git add -A && git commit -qm merged && git push -q origin HEAD:main"));
    let file =
        |name: &str| -> Value { serde_yaml::from_str(&fs::read_to_string(root().join("docs/ci/gitlab").join(name)).unwrap()).unwrap() };
    clone(&forge, "-b main");
    let head = forge.shell(&forge.path("work"), "git rev-parse HEAD");
    let variables =
        [("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_SHA", head.as_str()), ("CI_DEFAULT_BRANCH", "main"), ("HYDRATE_PUSH_TOKEN", "secret")];
    forge.shell(&forge.path("remote"), "git config receive.advertisePushOptions true");
    let done = gitlab_job(&forge, &file("environments.gitlab-ci.yml"), "hydrate-environments", &variables);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    forge.passes_check("main");

    clone(&forge, "-b main");
    let done = gitlab_job(&forge, &file("update.gitlab-ci.yml"), "hydrate-update", &variables);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    forge.passes_check("hydrate/update");
    forge.shell(&forge.path("remote"), "git update-ref refs/heads/main hydrate/update");
    clone(&forge, "-b main");
    let done = gitlab_job(&forge, &file("update.gitlab-ci.yml"), "hydrate-update", &variables);
    assert!(String::from_utf8_lossy(&done.stdout).contains("everything is at its newest"), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn every_job_says_what_it_may_and_those_that_may_write_render_nothing_of_a_fork() {
    for (path, text) in common::files_below(&root().join("docs/ci/github")) {
        let (name, text) = (path.file_name().unwrap().to_string_lossy().into_owned(), String::from_utf8(text).unwrap());
        let file: Value = serde_yaml::from_str(&text).unwrap();
        assert!(file["permissions"].as_mapping().is_some_and(serde_yaml::Mapping::is_empty), "{name}: rights are given job by job");
        let triggers = &file["on"];
        let is_of_strangers = triggers.get("pull_request").is_some() || triggers.get("workflow_run").is_some();
        assert!(triggers.get("pull_request_target").is_none(), "{name}");
        for (job, steps) in file["jobs"].as_mapping().unwrap() {
            let rights = steps["permissions"].as_mapping().unwrap_or_else(|| panic!("{name}: {job:?} says no rights"));
            let may_write = rights.values().any(|right| right == "write");
            let all = steps["steps"].as_sequence().unwrap();
            let renders = all.iter().any(|step| {
                step["run"]
                    .as_str()
                    .is_some_and(|script| ["hydrate -e", "hydrate check", "hydrate diff"].iter().any(|call| script.contains(call)))
            });
            assert!(!(is_of_strangers && may_write && renders), "{name}: {job:?} renders with a token that may write");
            let checkouts = all.iter().filter(|step| step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@")));
            for checkout in checkouts.filter(|_| !may_write) {
                assert_eq!(checkout["with"]["persist-credentials"], false, "{name}: {job:?} keeps a token that it does not need");
            }
        }
        for line in text.lines().filter(|line| line.contains("uses: actions/")) {
            let pin = line.split('@').nth(1).unwrap();
            assert!(pin.len() > 40 && pin[..40].bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}: {line}");
        }
    }
}

#[test]
fn renovate_finds_charts_as_hydrate_writes_them() {
    let forge = Forge::new();
    let recipe: serde_json::Value = serde_json::from_str(&fs::read_to_string(root().join("docs/ci/renovate.json")).unwrap()).unwrap();
    let managers = recipe["customManagers"].as_array().unwrap();
    let find = |text: &str| -> Vec<BTreeMap<String, String>> {
        let mut all = Vec::new();
        for manager in managers {
            for pattern in manager["matchStrings"].as_array().unwrap() {
                let pattern = regex::Regex::new(pattern.as_str().unwrap()).unwrap();
                for captures in pattern.captures_iter(text) {
                    let group = |name: &str| captures.name(name).map(|found| (name.to_owned(), found.as_str().to_owned()));
                    all.push(["depName", "packageName", "registryUrl", "currentValue"].into_iter().filter_map(group).collect());
                }
            }
        }
        all
    };
    let new = |arguments: &str| {
        forge.shell(&forge.path("author"), &format!("rm -rf components/x && hydrate -q new component x {arguments}"));
        fs::read_to_string(forge.path("author/components/x/component.yaml")).unwrap()
    };
    let of = |pairs: &[(&str, &str)]| {
        vec![pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()]
    };
    let chart = of(&[("depName", "loki"), ("registryUrl", "https://charts.example.org/a"), ("currentValue", "6.1.0")]);
    assert_eq!(find(&new("--chart loki --repo https://charts.example.org/a --version 6.1.0")), chart);
    assert_eq!(find("sources:\n  - helm: {chart: loki, repo: https://charts.example.org/a, version: 6.1.0, release: x}\n"), chart);
    let oci = of(&[("depName", "loki"), ("packageName", "registry.example.org/charts/loki"), ("currentValue", "6.1.0")]);
    assert_eq!(find(&new("--chart oci://registry.example.org/charts/loki --version 6.1.0")), oci);
    assert_eq!(find("  - helm: {chart: \"oci://registry.example.org/charts/loki\", version: \"6.1.0\"}\n"), oci);
    assert_eq!(find("  - helm: {chart: ./chart, release: x}\n  - kustomize: base\n"), []);
    let places = managers.iter().flat_map(|manager| manager["managerFilePatterns"].as_array().unwrap());
    for place in places {
        let pattern = regex::Regex::new(place.as_str().unwrap().trim_matches('/')).unwrap();
        assert!(pattern.is_match("components/loki/component.yaml") && pattern.is_match("a/components/x/component.yaml"));
        assert!(!pattern.is_match("components/loki/chart/component.yaml.bak"));
    }
}
