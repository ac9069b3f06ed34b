//! Whole runs of the binary over a project of five components: cold, and with nothing to change.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

/// A copy of the repository's own first five components.
fn project(root: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    for dir in ["lib", "prometheus", "grafana", "gateway", "coredns"] {
        copy(&source.join("components").join(dir), &root.join("components").join(dir));
    }
    fs::create_dir_all(root.join("environments")).unwrap();
    fs::copy(source.join("environments/k3d.yaml"), root.join("environments/k3d.yaml")).unwrap();
    fs::write(root.join("hydrate.yaml"), "helm: v4\n").unwrap();
    // Needs of components that are not copied would be errors.
    for dir in fs::read_dir(root.join("components")).unwrap() {
        let file = dir.unwrap().path().join("component.yaml");
        if let Ok(text) = fs::read_to_string(&file) {
            let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("needs:")).collect();
            fs::write(&file, kept.join("\n")).unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else if kind.is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn hydrate(root: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
    let command = command.env("HYDRATE_CACHE_DIR", root.join(".cache")).env("HYDRATE_CACHE_KEY", "k".repeat(32));
    let status = command.args(["-q", "-e", "k3d"]).current_dir(root).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
}

fn runs(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    project(&root);
    let mut group = c.benchmark_group("hydrate");
    group.sample_size(20);
    group.bench_function("cold", |b| {
        let clear = || {
            let _ = fs::remove_dir_all(root.join("manifests"));
            let _ = fs::remove_dir_all(root.join(".cache"));
        };
        b.iter_batched(clear, |()| hydrate(&root), BatchSize::PerIteration);
    });
    hydrate(&root);
    group.bench_function("unchanged", |b| b.iter(|| hydrate(&root)));
    group.finish();
}

criterion_group!(benches, runs);
criterion_main!(benches);
