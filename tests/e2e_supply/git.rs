//! Git repositories over `git daemon`, and over HTTP with a password.

use std::path::Path;
use std::process::Command;

use crate::scene::{Scene, free_port, serve};
use crate::server::{Asked, Reply, Server};

fn git(directory: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    assert!(Command::new("git").arg("-C").arg(directory).args(identity).args(args).status().unwrap().success(), "{args:?}");
}

/// A repository `charts` below a directory, with a chart and a kustomize base.
fn origin(directory: &Path) {
    let charts = directory.join("charts");
    let write = |path: &str, text: &str| {
        let path = charts.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
    write("app/templates/app.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n");
    write("base/kustomization.yaml", "resources: [base.yaml]\n");
    write("base/base.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: base\n");
    git(&charts, &["init", "-q", "-b", "main"]);
    git(&charts, &["add", "."]);
    git(&charts, &["commit", "-qm", "one"]);
    git(&charts, &["tag", "v1"]);
    git(&charts, &["update-server-info"]);
}

fn goes_all_the_way(scene: &Scene, artifacts: usize) {
    scene.runs(&["lock"]);
    scene.runs(&["-e", "dev"]);
    scene.forget_cache();
    scene.runs(&["fetch"]);
    assert!(scene.runs(&["check", "-e", "dev", "--offline", "--no-cache"]).contains("in sync"));
    assert_eq!(scene.read("hydrate.lock").matches("\n[artifact.").count(), artifacts);
}

#[test]
#[ignore = "needs git daemon: make e2e-supply"]
fn over_git_daemon_and_file() {
    let directory = tempfile::tempdir().unwrap();
    origin(directory.path());
    let port = free_port();
    let base = format!("--base-path={}", directory.path().display());
    let listen = format!("--port={port}");
    let args = ["daemon", "--reuseaddr", "--export-all", "--listen=127.0.0.1", &listen, &base];
    let Some(_daemon) = serve("git", &args, port, directory.path()) else { return };
    let scene = Scene::new();
    // A chart of a repository may come over any of git's ways; a base of a kustomization only over those it knows.
    let file = format!("file://{}/charts", directory.path().display());
    scene.write("components/app/component.yaml", &format!("sources:\n- helm: {{chart: \"git+{file}//app?ref=v1\"}}\n"));
    scene.write("components/base/kustomization.yaml", &format!("resources:\n- {file}//base?ref=main\n"));
    goes_all_the_way(&scene, 2);
    let through_daemon = format!("mirrors: {{\"{file}\": \"git://127.0.0.1:{port}/charts\"}}\n");
    scene.write("hydrate.yaml", &through_daemon);
    std::fs::remove_file(scene.root().join("hydrate.lock")).unwrap();
    scene.forget_cache();
    goes_all_the_way(&scene, 2);
    assert!(!scene.read("hydrate.lock").contains("git://"), "the lock keeps the original");
}

/// Git's plain way over HTTP: files of the repository, behind a password.
fn plain_http(directory: &Path) -> Server {
    let directory = directory.to_owned();
    Server::start(move |asked: &Asked, _| {
        // ann:correct-horse
        if asked.header("authorization") != Some("Basic YW5uOmNvcnJlY3QtaG9yc2U=") {
            return Reply::status(401).with("WWW-Authenticate", "Basic realm=\"git\"");
        }
        let path = asked.path.split('?').next().unwrap_or_default().trim_start_matches('/').replace("charts.git", "charts/.git");
        std::fs::read(directory.join(path)).map_or_else(|_| Reply::status(404), Reply::ok)
    })
}

#[test]
#[ignore = "needs git over HTTP: make e2e-supply"]
fn over_http_with_a_password() {
    let directory = tempfile::tempdir().unwrap();
    origin(directory.path());
    let server = plain_http(directory.path());
    let key = format!("127_0_0_1_{}", server.port);
    let chart =
        |login: &str| format!("sources:\n- helm: {{chart: \"git+http://{login}127.0.0.1:{}/charts.git//app?ref=main\"}}\n", server.port);

    let scene = Scene::new();
    scene.write("components/app/component.yaml", &chart(""));
    let error = scene.fails(&["lock"]);
    assert!(error.contains("cannot fetch the Git repository") && error.contains("terminal prompts disabled"), "{error}");
    scene.write("components/app/component.yaml", &chart("ann:wrong-horse@"));
    let error = scene.fails(&["lock"]);
    assert!(!error.contains("wrong-horse"), "{error}");

    scene.write("components/app/component.yaml", &chart("ann:correct-horse@"));
    // The plain way has no shallow fetches; what git says of that is not our matter, but what it keeps is.
    let said = scene.hydrate(&["lock"]);
    assert!(!String::from_utf8_lossy(&said.stderr).contains("correct-horse"));
    let scene = scene.with(&format!("HYDRATE_USERNAME_{key}"), "ann").with(&format!("HYDRATE_PASSWORD_{key}"), "correct-horse");
    scene.write("components/app/component.yaml", &chart(""));
    let _ = scene.hydrate(&["lock"]);
    assert!(
        server.asked().iter().any(|asked| asked.header("authorization") == Some("Basic YW5uOmNvcnJlY3QtaG9yc2U=")),
        "the login is used"
    );
    let kept = walkdir::WalkDir::new(scene.home.path()).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    for entry in kept.filter(|entry| !entry.path().ends_with("component.yaml")) {
        let text = std::fs::read(entry.path()).unwrap();
        assert!(memchr::memmem::find(&text, b"correct-horse").is_none(), "the password is kept in {}", entry.path().display());
    }
}
