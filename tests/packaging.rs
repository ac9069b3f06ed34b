//! What a release is made of: the scripts of packaging/ over stand-ins for binaries, and the places that must say the same version.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

mod common;

const TARGETS: [&str; 4] = ["aarch64-apple-darwin", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "x86_64-unknown-linux-musl"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn script(name: &str, arguments: &[&str], directory: &Path) -> Output {
    Command::new(root().join("packaging").join(name)).args(arguments).current_dir(directory).output().unwrap()
}

fn succeeds(name: &str, arguments: &[&str], directory: &Path) -> String {
    let done = script(name, arguments, directory);
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn fails(name: &str, arguments: &[&str], directory: &Path) -> String {
    let done = script(name, arguments, directory);
    assert!(!done.status.success(), "{name} has succeeded");
    String::from_utf8(done.stderr).unwrap()
}

/// Scripts that run the hydrate of this build, in the places where a workflow has its artifacts.
fn artifacts(directory: &Path) {
    for target in TARGETS {
        let path = directory.join(format!("artifacts/binary-{target}/hydrate-{target}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_hydrate"))).unwrap();
    }
    fs::create_dir_all(directory.join("artifacts/sbom")).unwrap();
    fs::write(directory.join("artifacts/sbom/hydrate.cdx.json"), "{}\n").unwrap();
}

#[test]
fn archives_are_the_same_bytes_each_time_and_hold_all_that_is_installed() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    artifacts(here);
    for dist in ["one", "two"] {
        succeeds("archive", &["1.2.3", "1700000000", "artifacts", dist], here);
        succeeds("formula", &["1.2.3", "https://git.example.org/x/hydrate", dist], here);
    }
    assert_eq!(common::files_below(&here.join("one")).len(), 7, "archives, SBOM, checksums, formula");
    let contents = |dist: &str| common::files_below(&here.join(dist)).into_values().collect::<Vec<_>>();
    assert!(contents("one") == contents("two"));

    let listed = Command::new("tar").args(["-tvzf", "one/hydrate-1.2.3-x86_64-apple-darwin.tar.gz"]).current_dir(here).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for expected in
        ["hydrate", "LICENSE", "README.md", "completions/_hydrate", "completions/hydrate.bash", "completions/hydrate.fish", "man/hydrate.1"]
    {
        assert!(listed.lines().any(|line| line.ends_with(&format!("hydrate-1.2.3-x86_64-apple-darwin/{expected}"))), "{listed}");
    }
    assert!(listed.lines().any(|line| line.starts_with("-rwxr-xr-x 0/0") && line.ends_with("darwin/hydrate")), "{listed}");
    let sums = Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(here.join("one")).status().unwrap();
    assert!(sums.success());
}

#[test]
fn the_formula_names_each_archive_with_its_digest() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    artifacts(here);
    succeeds("archive", &["1.2.3", "1700000000", "artifacts", "dist"], here);
    succeeds("formula", &["1.2.3", "https://git.example.org/x/hydrate", "dist"], here);
    let formula = fs::read_to_string(here.join("dist/hydrate.rb")).unwrap();
    for line in fs::read_to_string(here.join("dist/SHA256SUMS")).unwrap().lines().filter(|line| line.ends_with(".tar.gz")) {
        let (digest, file) = line.split_once("  ").unwrap();
        let address = format!("url \"https://git.example.org/x/hydrate/releases/download/v1.2.3/{file}\"\n      sha256 \"{digest}\"\n");
        assert!(formula.contains(&address), "{file}:\n{formula}");
    }
    // One that lacks an archive is not published.
    fs::remove_dir_all(here.join("artifacts/binary-aarch64-apple-darwin")).unwrap();
    succeeds("archive", &["1.2.3", "1700000000", "artifacts", "less"], here);
    assert!(fails("formula", &["1.2.3", "https://git.example.org/x/hydrate", "less"], here).contains("@SHA256 aarch64-apple-darwin@"));
    assert!(!here.join("less/hydrate.rb").exists());
}

#[test]
fn what_is_missing_stops_a_release() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    fs::create_dir(here.join("artifacts")).unwrap();
    assert!(fails("archive", &["1.2.3", "0", "artifacts", "dist"], here).contains("there is no binary"));
    assert!(fails("notes", &["999.0.0"], here).contains("says nothing of 999.0.0"));
    assert!(succeeds("notes", &["Unreleased"], here).contains("### Added"));
}

#[test]
fn the_image_gets_a_binary_for_each_architecture() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    artifacts(here);
    fs::write(here.join("certificates"), "x\n").unwrap();
    succeeds("image-context", &["artifacts", "certificates", "context"], here);
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).unwrap();
    for architecture in ["amd64", "arm64"] {
        let mode =
            |path: &str| fs::metadata(here.join(format!("context/linux-{architecture}/{path}"))).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("usr/local/bin/hydrate"), mode("usr"), mode("tmp")), (0o755, 0o755, 0o1777));
        assert_eq!(mode("etc/ssl/certs/ca-certificates.crt"), 0o644);
    }
    // Whatever is copied is there, and nobody runs as root.
    for line in dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let from = line.split(' ').next().unwrap().replace("${TARGETARCH}", "amd64");
        assert!(here.join("context").join(&from).is_dir(), "{from}");
    }
    let entry = dockerfile.lines().find_map(|line| line.strip_prefix("ENTRYPOINT [\"")).and_then(|rest| rest.strip_suffix("\"]")).unwrap();
    assert!(here.join("context/linux-amd64").join(entry.trim_start_matches('/')).is_file(), "{entry}");
    assert!(dockerfile.contains("\nUSER 65532:65532\n") && dockerfile.contains("\nFROM scratch\n"));
}

#[test]
fn workflows_pin_what_they_use_and_may_do_no_more_than_they_say() {
    let files = common::files_below(&root().join(".github/workflows"));
    assert!(!files.is_empty());
    for (path, text) in files {
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("\npermissions: {}\n"), "{}: rights are given job by job", path.display());
        for line in text.lines().filter(|line| line.contains("uses: ")) {
            let pin = line.split('@').nth(1).unwrap_or_default();
            let is_commit = pin.len() > 40 && pin[..40].bytes().all(|byte| byte.is_ascii_hexdigit()) && pin[40..].starts_with(" # v");
            assert!(is_commit || line.contains("uses: ./"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn every_place_names_the_same_release() {
    let version = env!("CARGO_PKG_VERSION");
    let docs = common::files_below(&root().join("docs/ci")).into_keys();
    let files =
        ["README.md", "action.yml", "templates/check.yml", "packaging/install"].map(|name| root().join(name)).into_iter().chain(docs);
    let release = regex::Regex::new(
        r"(?:hydrate@v|/check@|default: |download/v|raw/v|sh -s -- |hydrate-ci:|platform/hydrate:|\bhydrate-)([0-9]+\.[0-9]+\.[0-9]+)\b",
    )
    .unwrap();
    let mut places = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for captures in release.captures_iter(&text) {
            assert_eq!(&captures[1], version, "{}: {}", file.display(), &captures[0]);
            places += 1;
        }
    }
    assert!(places >= 15, "only {places} places were found");
}
