//! How fast `hydrate fetch` is beside `helm pull`, and an index of 30 MB.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::project::{index, packed_with, sha256};
use crate::scene::{Scene, binary};
use crate::server::{Reply, Server};

const CHARTS: usize = 20;

/// Twenty charts of some 100 kB, in an index with so many other charts.
fn repository(others: usize) -> Server {
    let noise = |seed: usize| -> String {
        let mut state = seed as u64 + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}", state)
        };
        (0..8000).map(|_| next() + "\n").collect()
    };
    let charts: Vec<(String, Vec<u8>)> = (0..CHARTS)
        .map(|number| {
            (format!("chart-{number:02}"), packed_with(&format!("chart-{number:02}"), "1.0.0", &[("files/noise.txt", noise(number))]))
        })
        .collect();
    let entries: Vec<_> = charts.iter().map(|(name, bytes)| (name.as_str(), "1.0.0", format!("{name}-1.0.0.tgz"), sha256(bytes))).collect();
    let filler = "    description: something that goes on and on about what this chart installs\n".repeat(6);
    let mut text = index(&entries).replace("generated:", "#");
    for chart in 0..others {
        text.push_str(&format!("  other-{chart:05}:\n"));
        for version in 0..100 {
            text.push_str(&format!(
                "  - apiVersion: v2\n    name: other-{chart:05}\n    version: 1.{version}.0\n    urls:\n    - x-{version}.tgz\n{filler}"
            ));
        }
    }
    let text: std::sync::Arc<[u8]> = text.into_bytes().into();
    Server::start(move |asked, _| match asked.path.as_str() {
        "/index.yaml" => Reply { status: 200, body: std::sync::Arc::clone(&text), ..Reply::default() },
        path => {
            let known = charts.iter().find(|(name, _)| path == format!("/{name}-1.0.0.tgz"));
            known.map_or_else(|| Reply::status(404), |(_, bytes)| Reply::ok(bytes.clone()))
        }
    })
}

fn project(server: &Server) -> Scene {
    let scene = Scene::new();
    for number in 0..CHARTS {
        let text = format!("sources:\n- helm: {{chart: chart-{number:02}, repo: \"{}\"}}\n", server.url(""));
        scene.write(&format!("components/c{number}/component.yaml"), &text);
    }
    scene
}

#[test]
#[ignore = "takes long: make e2e-supply"]
fn an_index_of_thirty_megabytes() {
    let server = repository(560);
    let scene = project(&server);
    let start = Instant::now();
    scene.runs(&["lock"]);
    eprintln!("an index of 30 MB and {CHARTS} charts of it: locked in {:.2} s", start.elapsed().as_secs_f64());
    assert_eq!(server.count("/index.yaml"), 1, "one pass serves all charts");
    let lock = Instant::now();
    scene.runs(&["-e", "dev"]);
    scene.runs(&["fetch"]);
    eprintln!("with the lock, rendered and fetched in {:.2} s", lock.elapsed().as_secs_f64());
    assert_eq!(server.count("/index.yaml"), 1, "with the lock, the index is never read");
}

/// The median of some runs.
fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..5).map(|_| run()).collect();
    times.sort();
    times[times.len() / 2]
}

/// `HELM` names the helm to compare with, `HYDRATE` an optimised hydrate.
#[test]
#[ignore = "needs helm: make e2e-supply"]
fn five_times_as_fast_as_helm_pull() {
    let Ok(helm) = std::env::var("HELM") else {
        return crate::common::skip_unless_asked("HELM names no helm to compare with");
    };
    let server = repository(0);
    let scene = project(&server);
    scene.runs(&["lock"]);
    let ours = median(|| {
        scene.forget_cache();
        let start = Instant::now();
        scene.runs(&["fetch"]);
        start.elapsed()
    });
    let theirs = |arguments: &dyn Fn(usize) -> Vec<String>| {
        median(|| {
            let home = tempfile::tempdir().unwrap();
            let start = Instant::now();
            for number in 0..CHARTS {
                let mut pull = Command::new(&helm);
                pull.arg("pull").args(arguments(number)).arg("--destination").arg(home.path()).env("HOME", home.path());
                assert!(pull.stdout(Stdio::null()).status().unwrap().success());
            }
            start.elapsed()
        })
    };
    let by_address = theirs(&|number| vec![server.url(&format!("/chart-{number:02}-1.0.0.tgz"))]);
    let by_name = theirs(&|number| {
        vec![format!("chart-{number:02}"), "--repo".to_owned(), server.url(""), "--version".to_owned(), "1.0.0".to_owned()]
    });
    let times = |theirs: Duration| theirs.as_secs_f64() / ours.as_secs_f64();
    eprintln!("{CHARTS} charts from this machine, median of 5 runs, with {}:", binary());
    eprintln!("  hydrate fetch                {:.3} s", ours.as_secs_f64());
    eprintln!("  helm pull URL                {:.3} s, {:.1} times as long", by_address.as_secs_f64(), times(by_address));
    eprintln!("  helm pull NAME --repo        {:.3} s, {:.1} times as long", by_name.as_secs_f64(), times(by_name));
    assert!(times(by_address) >= 5.0 && times(by_name) >= 5.0);
}
