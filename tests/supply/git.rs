//! Git repositories over file:// and over `git daemon`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use hydrate_acquire::{ArtifactRequest, Options, Supply};
use hydrate_address::Repository;

use crate::project::*;

fn git(directory: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    assert!(Command::new("git").arg("-C").arg(directory).args(identity).args(args).status().unwrap().success(), "{args:?}");
}

fn commit(directory: &Path, text: &str) {
    std::fs::create_dir_all(directory.join("charts/app/templates")).unwrap();
    std::fs::write(directory.join("charts/app/Chart.yaml"), "apiVersion: v2\nname: app\nversion: 1.0.0\n").unwrap();
    std::fs::write(directory.join("charts/app/values.yaml"), text).unwrap();
    git(directory, &["add", "."]);
    git(directory, &["commit", "-qm", text]);
}

fn origin() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    git(directory.path(), &["init", "-q", "-b", "main"]);
    commit(directory.path(), "a: 1");
    git(directory.path(), &["tag", "v1"]);
    directory
}

fn want(address: String, reference: Option<&str>) -> ArtifactRequest {
    ArtifactRequest::Git(Repository { address, reference: reference.map(str::to_owned), submodules: true, timeout: None })
}

#[test]
fn a_branch_is_locked_to_its_commit() {
    let (home, origin) = (tempfile::tempdir().unwrap(), origin());
    let world = world(home.path());
    let supply = Supply::new(&world, options(home.path()));
    let artifact = resolve(&supply, &want(format!("file://{}", origin.path().display()), Some("main"))).unwrap();
    commit(origin.path(), "a: 2");
    assert_eq!(
        supply
            .outdated(
                &{
                    let mut lock = hydrate_acquire::Lock::default();
                    lock.add(artifact.clone());
                    lock
                },
                &std::collections::BTreeSet::new()
            )
            .unwrap()
            .len(),
        1
    );
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    let tree = supply.tree(&artifact).unwrap();
    assert_eq!(tree.file("charts/app/values.yaml").as_deref(), Some(&b"a: 1"[..]));
    assert_eq!(tree.digest(), artifact.content);

    let offline = Supply::new(&world, Options { offline: true, ..options(home.path()) });
    std::fs::remove_dir_all(origin.path()).unwrap();
    assert_eq!(offline.tree(&artifact).unwrap(), tree);
}

#[test]
fn the_address_of_a_chart_in_a_repository() {
    let (want, path) = ArtifactRequest::chart("git+https://git.example.org/team/charts//charts/app?ref=v1", None, None).unwrap();
    assert_eq!((want.title().as_str(), path.as_str()), ("Git repository https://git.example.org/team/charts", "charts/app"));
    assert!(ArtifactRequest::chart("./chart", None, None).is_none());
}

struct Daemon(Child, u16);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `git daemon` over a directory; `None` where this git has none.
fn daemon(base: &Path) -> Option<Daemon> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new("git")
        .args(["daemon", "--reuseaddr", "--export-all", "--listen=127.0.0.1"])
        .arg(format!("--port={port}"))
        .arg(format!("--base-path={}", base.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut daemon = Daemon(child, port);
    for _ in 0..100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(daemon);
        }
        if daemon.0.try_wait().ok()?.is_some() {
            return None;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    None
}

#[test]
fn over_git_daemon() {
    let (home, origin) = (tempfile::tempdir().unwrap(), origin());
    let Some(daemon) = daemon(origin.path().parent().unwrap()) else {
        // Some distributions package `git daemon` apart; file:// covers the rest of the way.
        crate::common::skip("`git daemon` is not installed");
        return;
    };
    let world = world(home.path());
    let name = origin.path().file_name().unwrap().to_str().unwrap();
    let address = format!("git://127.0.0.1:{}/{name}", daemon.1);
    let artifact = resolve(&Supply::new(&world, options(home.path())), &want(address, Some("v1"))).unwrap();
    assert_eq!(artifact.version, "v1");
    assert_eq!(artifact.commit.as_deref().map(str::len), Some(40));
}
