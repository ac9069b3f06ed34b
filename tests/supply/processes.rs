//! The binary itself: many processes at one cold cache, processes that are killed, and one that may not use the network.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::project::*;
use crate::server::{Reply, Server};

const CHARTS: usize = 20;

/// A project of twenty charts from one repository, a remote file and a Git repository, locked.
struct Scene {
    home: tempfile::TempDir,
    server: Server,
}

impl Scene {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let charts: Vec<(String, Vec<u8>)> =
            (0..CHARTS).map(|number| format!("chart-{number}")).map(|name| (name.clone(), packed(&name, "1.0.0"))).collect();
        let server = Server::start(move |asked, _| {
            // Long enough for the others to arrive meanwhile.
            std::thread::sleep(Duration::from_millis(30));
            if asked.path == "/index.yaml" {
                let entries: Vec<_> =
                    charts.iter().map(|(name, bytes)| (name.as_str(), "1.0.0", format!("{name}-1.0.0.tgz"), sha256(bytes))).collect();
                return Reply::ok(index(&entries).into_bytes());
            }
            if asked.path == "/file.yaml" {
                return Reply::ok(&b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: file}\n"[..]);
            }
            let known = charts.iter().find(|(name, _)| asked.path == format!("/{name}-1.0.0.tgz"));
            known.map_or_else(|| Reply::status(404), |(_, bytes)| Reply::ok(bytes.clone()))
        });
        let scene = Self { home, server };
        let write = |path: &str, text: String| {
            let path = scene.root().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("environments/dev.yaml", "{}\n".to_owned());
        for number in 0..CHARTS {
            let source = format!("sources:\n- helm: {{chart: chart-{number}, repo: \"{}\"}}\n", scene.server.url(""));
            write(&format!("components/c{number}/component.yaml"), source);
        }
        write("base/kustomization.yaml", "resources: [base.yaml]\n".to_owned());
        write("base/base.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\n".to_owned());
        let base = scene.root().join("base");
        for args in [&["init", "-q", "-b", "main"][..], &["add", "."], &["commit", "-qm", "one"]] {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            assert!(Command::new("git").arg("-C").arg(&base).args(identity).args(args).status().unwrap().success());
        }
        let remote = format!("resources:\n- {}\n- file://{}//.?ref=main\n", scene.server.url("/file.yaml"), base.display());
        write("components/remote/kustomization.yaml", remote);
        let output = scene.hydrate("first").arg("lock").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        scene
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("project")
    }

    fn hydrate(&self, cache: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        command.current_dir(self.root()).env("HYDRATE_CACHE_DIR", self.cache(cache)).env("HOME", self.home.path()).env_remove("CI");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn cache(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// How often each chart was asked for.
    fn counts(&self) -> Vec<usize> {
        (0..CHARTS).map(|number| self.server.count(&format!("/chart-{number}-1.0.0.tgz"))).collect()
    }
}

fn finish(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every blob has the digest that its name says; gives their number.
fn sound(cache: &Path) -> usize {
    let mut number = 0;
    for entry in walkdir::WalkDir::new(cache.join("blobs")).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        assert_eq!(sha256(&std::fs::read(entry.path()).unwrap()), entry.file_name().to_string_lossy(), "a corrupt blob");
        number += 1;
    }
    number
}

#[test]
fn sixteen_processes_at_one_cold_cache() {
    let scene = Scene::new();
    assert_eq!(scene.counts(), [1; CHARTS]);
    let children: Vec<Child> = (0..16).map(|_| scene.hydrate("shared").arg("fetch").spawn().unwrap()).collect();
    children.into_iter().for_each(finish);
    assert_eq!(scene.counts(), [2; CHARTS], "each chart is downloaded once by all of them together");
    assert_eq!(scene.server.count("/file.yaml"), 2);
    assert_eq!(sound(&scene.cache("shared")), CHARTS + 2);
    let output = scene.hydrate("shared").args(["-e", "dev", "--offline"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn sixteen_processes_that_resolve_at_once() {
    let scene = Scene::new();
    let children: Vec<Child> = (0..16)
        .map(|number| {
            // Each in a project of its own without a lock, all with one cache.
            let root = scene.home.path().join(format!("project-{number}"));
            let copy = Command::new("cp").arg("-r").args([scene.root(), root.clone()]).status().unwrap();
            assert!(copy.success());
            std::fs::remove_file(root.join("hydrate.lock")).unwrap();
            scene.hydrate("shared").current_dir(root).arg("lock").spawn().unwrap()
        })
        .collect();
    children.into_iter().for_each(finish);
    assert_eq!(scene.counts(), [2; CHARTS], "the index says the digest, so that the cache is asked first");
    let lock = |name: &str| std::fs::read_to_string(scene.home.path().join(name).join("hydrate.lock")).unwrap();
    for number in 0..16 {
        assert_eq!(lock(&format!("project-{number}")), lock("project"));
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_sound_cache() {
    let scene = Scene::new();
    let cache = scene.cache("killed");
    let start = Instant::now();
    finish(scene.hydrate("measured").arg("fetch").spawn().unwrap());
    let whole = start.elapsed();
    let mut seen = Vec::new();
    for point in 0..24u32 {
        let mut child = scene.hydrate("killed").arg("fetch").spawn().unwrap();
        std::thread::sleep(whole.mul_f64(f64::from(point % 12) / 10.0));
        child.kill().unwrap();
        child.wait().unwrap();
        seen.push(sound(&cache));
        if point % 4 == 3 && cache.join("blobs").exists() {
            std::fs::remove_dir_all(cache.join("blobs")).unwrap();
        }
    }
    finish(scene.hydrate("killed").arg("fetch").spawn().unwrap());
    assert_eq!(sound(&cache), CHARTS + 2);
    assert!(seen.iter().any(|number| (1..CHARTS).contains(number)), "no kill came in the middle: {seen:?}");
    eprintln!("killed with so many of {} artifacts in the cache: {seen:?}", CHARTS + 2);
}

/// Whether this machine lets one process trace another's system calls.
fn can_trace() -> bool {
    let status = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Whether strace says that a thread was gone before its system call could be read: it never took place, and has no name.
fn is_end_of_thread(line: &str) -> bool {
    let remark = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    remark.starts_with("???(") && remark.ends_with("<detached ...>")
}

#[test]
fn offline_opens_no_socket() {
    if !can_trace() {
        crate::common::skip("strace is not installed, or may not trace here");
        return;
    }
    let scene = Scene::new();
    finish(scene.hydrate("first").arg("fetch").spawn().unwrap());
    for (name, args) in [
        ("render", &["-e", "dev", "--offline", "--no-cache"][..]),
        ("kept", &["-e", "dev", "--offline"]),
        ("check", &["check", "-e", "dev", "--offline"]),
        ("lock", &["lock", "--offline"]),
        ("vendor", &["vendor", "--offline"]),
        ("vendored", &["-e", "dev", "--offline", "--no-cache"]),
    ] {
        let log = scene.home.path().join(format!("{name}.strace"));
        let own = scene.hydrate("first");
        let mut traced = Command::new("strace");
        traced.args(["-f", "-qq", "-e", "trace=network", "-o"]).arg(&log).arg(own.get_program()).args(args).current_dir(scene.root());
        for (key, value) in own.get_envs() {
            match value {
                Some(value) => traced.env(key, value),
                None => traced.env_remove(key),
            };
        }
        let output = traced.output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let calls = std::fs::read_to_string(&log).unwrap();
        let calls: Vec<&str> = calls.lines().filter(|line| line.contains('(') && !is_end_of_thread(line)).collect();
        assert!(calls.is_empty(), "{name}: {calls:?}");
    }
}
