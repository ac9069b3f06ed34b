//! What the tests of supply stand on: small charts of the project's own, and a world of environment variables.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use hydrate_acquire::Mirrors;
use hydrate_acquire::http::NoProgress;
use hydrate_acquire::{Artifact, Lock};
use hydrate_acquire::{ArtifactRequest, Options, Supply, Update};
pub(crate) use hydrate_base::hash::sha256;
use hydrate_base::{Diagnostic, MemoryWorld};

/// A packed chart with one template.
pub(crate) fn packed(name: &str, version: &str) -> Vec<u8> {
    let filler: String = (0..400).map(|line| format!("# {name} {version} line {line} {}\n", line * 7919 % 1009)).collect();
    packed_with(name, version, &[("values.yaml", format!("replicas: 1\n{filler}"))])
}

pub(crate) fn packed_with(name: &str, version: &str, more: &[(&str, String)]) -> Vec<u8> {
    let mut files = vec![
        ("Chart.yaml".to_owned(), format!("apiVersion: v2\nname: {name}\nversion: {version}\n")),
        (
            "templates/one.yaml".to_owned(),
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-{{ .Chart.Name }}\n".to_owned(),
        ),
    ];
    files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), text.clone())));
    let mut builder = tar::Builder::new(Vec::new());
    for (path, text) in &files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{name}/{path}"), text.as_bytes()).unwrap();
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&builder.into_inner().unwrap()).unwrap();
    encoder.finish().unwrap()
}

/// An index over charts: name, version, address, digest (empty: none).
pub(crate) fn index(charts: &[(&str, &str, String, String)]) -> String {
    let mut entries: BTreeMap<&str, String> = BTreeMap::new();
    for (name, version, url, digest) in charts {
        let entry = entries.entry(name).or_default();
        entry.push_str(&format!(
            "  - apiVersion: v2\n    digest: \"{digest}\"\n    name: {name}\n    urls:\n    - {url}\n    version: {version}\n"
        ));
    }
    let entries: String = entries.iter().map(|(name, text)| format!("  {name}:\n{text}")).collect();
    format!("apiVersion: v1\nentries:\n{entries}generated: \"2026-01-01T00:00:00Z\"\n")
}

/// A world whose cache is in `directory`, patient for a second.
pub(crate) fn world(directory: &Path) -> MemoryWorld {
    MemoryWorld::new()
        .with_variable("HYDRATE_CACHE_DIR", &directory.join("cache").display().to_string())
        .with_variable("HOME", "/nonexistent")
        .with_variable("HYDRATE_TIMEOUT", "1")
}

pub(crate) fn options(root: &Path) -> Options {
    Options {
        root: root.to_owned(),
        offline: false,
        mirrors: Mirrors::default(),
        keyring: None,
        progress: Arc::new(NoProgress),
        time_limit: None,
    }
}

pub(crate) fn chart(repository: &str, name: &str, version: Option<&str>) -> ArtifactRequest {
    ArtifactRequest::Chart { repository: repository.to_owned(), name: name.to_owned(), version: version.map(str::to_owned) }
}

/// Resolves one want from nothing.
pub(crate) fn resolve(supply: &Supply<'_>, want: &ArtifactRequest) -> Result<Artifact, Box<Diagnostic>> {
    let wants = BTreeMap::from([(want.clone(), BTreeSet::from(["app@k3d".to_owned()]))]);
    let lock = supply.resolve(&wants, &Lock::default(), &Update::Nothing).map_err(|mut errors| errors.remove(0))?;
    Ok(lock.artifacts().next().unwrap().clone())
}

/// The number of blobs in the cache of a directory.
pub(crate) fn blobs(directory: &Path) -> u64 {
    hydrate_acquire::Cache::at(directory.join("cache")).usage().blobs
}
