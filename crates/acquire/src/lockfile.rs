//! hydrate.lock: everything that came from outside, by version, address, commit and digest.
//!
//! The file is TOML with one block for each artifact, sorted by name. Each block begins and ends with a line that no
//! other block has, and lists have one item a line: two branches that each add an artifact merge without a conflict
//! also where their blocks are neighbours, given `hydrate.lock merge=union` in .gitattributes. The reader therefore
//! takes blocks in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use hydrate_base::hash::is_sha256;
use hydrate_base::{Diagnostic, SourceFile};

/// The version of the format.
pub(crate) const VERSION: i64 = 1;

/// What kind of thing was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArtifactKind {
    /// A packed chart from a chart repository.
    Chart,
    /// A packed chart from an OCI registry.
    Oci,
    /// A packed chart by its own address.
    Archive,
    /// A Git repository at a commit, as one canonical tar.
    Git,
    /// A single file, a remote resource of a kustomization.
    File,
}

impl ArtifactKind {
    fn name(self) -> &'static str {
        match self {
            Self::Chart => "chart",
            Self::Oci => "oci",
            Self::Archive => "archive",
            Self::Git => "git",
            Self::File => "file",
        }
    }
}

/// One artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Artifact {
    /// What it is.
    pub kind: ArtifactKind,
    /// The chart's name; for Git and files the last part of the address.
    pub name: String,
    /// The chart's version, or the Git reference that was asked for (empty: the default branch).
    #[serde(default)]
    pub version: String,
    /// Where it is asked for, as the component names it: repository, registry reference, Git address, file address.
    pub source: String,
    /// Where the archive itself is, when that is another address.
    #[serde(default)]
    pub url: Option<String>,
    /// The commit, for Git.
    #[serde(default)]
    pub commit: Option<String>,
    /// The digest of the manifest, for OCI.
    #[serde(default)]
    pub manifest: Option<String>,
    /// SHA-256 of its provenance file, where a component asks for it to be verified.
    #[serde(default)]
    pub provenance: Option<String>,
    /// Which components use it, as `component@environment`.
    #[serde(default)]
    pub used_by: BTreeSet<String>,
    /// SHA-256 of what it unpacks to (`Tree::digest`); of the file itself for files.
    pub content: String,
    /// SHA-256 of the archive.
    pub sha256: String,
}

impl Artifact {
    /// The key of its block: source, name and version, which together are unique.
    pub fn key(&self) -> String {
        let name = if self.source.ends_with(&format!("/{}", self.name)) { String::new() } else { format!("/{}", self.name) };
        match self.version.as_str() {
            "" => format!("{}{name}", self.source),
            version => format!("{}{name}@{version}", self.source),
        }
    }

    /// The artifact in the user's words: `chart loki 6.1.0`.
    pub fn title(&self) -> String {
        match self.kind {
            ArtifactKind::Chart | ArtifactKind::Oci | ArtifactKind::Archive => {
                format!("chart {} {}", self.name, self.version).trim_end().to_owned()
            }
            ArtifactKind::Git if self.version.is_empty() => format!("Git repository {}", self.source),
            ArtifactKind::Git => format!("Git repository {} at {}", self.source, self.version),
            ArtifactKind::File => format!("file {}", self.source),
        }
    }
}

/// The whole lock, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    artifacts: BTreeMap<String, Artifact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: i64,
    #[serde(default)]
    artifact: BTreeMap<String, Artifact>,
}

impl Lock {
    /// Reads a lock; errors point to the place in the file.
    pub fn parse(file: &Arc<SourceFile>) -> Result<Self, Box<Diagnostic>> {
        let text = std::str::from_utf8(&file.text).map_err(|error| {
            let at = error.valid_up_to();
            Diagnostic::error("hydrate.lock is not UTF-8").at(file, at..at + 1, "")
        })?;
        if let Some(at) = conflict(text) {
            return Err(Diagnostic::error("hydrate.lock holds an unresolved merge conflict")
                .at(file, at..at + 7, "here")
                .help("take either side and run `hydrate lock`: it adds what is missing")
                .help("`hydrate.lock merge=union` in .gitattributes avoids such conflicts"));
        }
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            Diagnostic::error("hydrate.lock cannot be read")
                .at(file, span, error.message().to_owned())
                .help("restore it with Git, or remove it and run `hydrate lock`")
        })?;
        if raw.version != VERSION {
            return Err(Diagnostic::error(format!("hydrate.lock has format version {}", raw.version))
                .note(format!("this hydrate reads version {VERSION}"))
                .help("use the hydrate that wrote it, or remove it and run `hydrate lock`"));
        }
        for (key, artifact) in &raw.artifact {
            check(file, key, artifact)?;
        }
        Ok(Self { artifacts: raw.artifact.into_values().map(|artifact| (artifact.key(), artifact)).collect() })
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let mut out = String::from("# What came from outside, by digest. Written by `hydrate lock`; keep it in Git.\n");
        let _ = writeln!(out, "version = {VERSION}");
        for (key, artifact) in &self.artifacts {
            let _ = writeln!(out, "\n[artifact.{}]", quoted(key));
            let _ = writeln!(out, "kind = {}", quoted(artifact.kind.name()));
            let _ = writeln!(out, "name = {}", quoted(&artifact.name));
            if !artifact.version.is_empty() {
                let _ = writeln!(out, "version = {}", quoted(&artifact.version));
            }
            let _ = writeln!(out, "source = {}", quoted(&artifact.source));
            for (name, value) in [
                ("url", &artifact.url),
                ("commit", &artifact.commit),
                ("manifest", &artifact.manifest),
                ("provenance", &artifact.provenance),
            ] {
                if let Some(value) = value {
                    let _ = writeln!(out, "{name} = {}", quoted(value));
                }
            }
            let _ = writeln!(out, "used-by = [");
            for user in &artifact.used_by {
                let _ = writeln!(out, "  {},", quoted(user));
            }
            let _ = writeln!(out, "]\ncontent = {}\nsha256 = {}", quoted(&artifact.content), quoted(&artifact.sha256));
        }
        out
    }

    /// The artifacts, sorted by key.
    pub fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        self.artifacts.values()
    }

    /// Whether nothing is locked.
    pub fn is_empty(&self) -> bool {
        self.artifacts.is_empty()
    }

    /// Adds an artifact; users of one that is there already are united.
    pub fn add(&mut self, artifact: Artifact) {
        match self.artifacts.entry(artifact.key()) {
            std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(artifact)),
            std::collections::btree_map::Entry::Occupied(mut place) => {
                let mut users = std::mem::take(&mut place.get_mut().used_by);
                users.extend(artifact.used_by.iter().cloned());
                place.insert(Artifact { used_by: users, ..artifact });
            }
        }
    }
}

/// The offset of a conflict marker at the beginning of a line.
fn conflict(text: &str) -> Option<usize> {
    let marker = |line: &str| line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>");
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if marker(line) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Digests must look like digests: a truncated one would otherwise only be noticed as a mismatch.
fn check(file: &Arc<SourceFile>, key: &str, artifact: &Artifact) -> Result<(), Box<Diagnostic>> {
    let provenance = artifact.provenance.as_ref().map(|value| ("provenance", value));
    for (name, value) in [("sha256", &artifact.sha256), ("content", &artifact.content)].into_iter().chain(provenance) {
        if !is_sha256(value) {
            let needle = quoted(value);
            let at = memchr::memmem::find(&file.text, needle.as_bytes()).unwrap_or(0);
            return Err(Diagnostic::error(format!("the {name} of {key} in hydrate.lock is not a SHA-256"))
                .at(file, at..at + needle.len(), "64 hexadecimal digits are expected")
                .help("restore the line with Git, or run `hydrate lock --update` for this artifact"));
        }
    }
    Ok(())
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(name: &str, version: &str) -> Artifact {
        Artifact {
            kind: ArtifactKind::Chart,
            name: name.into(),
            version: version.into(),
            source: "https://charts.example.org".into(),
            url: Some(format!("https://charts.example.org/{name}-{version}.tgz")),
            commit: None,
            manifest: None,
            provenance: None,
            used_by: BTreeSet::from([format!("{name}@k3d")]),
            content: "c".repeat(64),
            sha256: hydrate_base::hash::sha256(name.as_bytes()),
        }
    }

    fn lock(names: &[&str]) -> Lock {
        let mut lock = Lock::default();
        names.iter().for_each(|name| lock.add(artifact(name, "1.0.0")));
        lock
    }

    fn parse(text: &str) -> Result<Lock, Box<Diagnostic>> {
        Lock::parse(&SourceFile::new("hydrate.lock", text.as_bytes()))
    }

    #[test]
    fn it_comes_back() {
        let one = lock(&["loki", "tempo", "alloy"]);
        assert_eq!(parse(&one.to_text()).unwrap(), one);
        assert!(one.to_text().find("alloy").unwrap() < one.to_text().find("tempo").unwrap());
    }

    #[test]
    fn users_are_united() {
        let mut one = lock(&["loki"]);
        one.add(Artifact { used_by: BTreeSet::from(["other@eks".into()]), ..artifact("loki", "1.0.0") });
        let users: Vec<_> = one.artifacts().next().unwrap().used_by.iter().cloned().collect();
        assert_eq!(users, ["loki@k3d", "other@eks"]);
    }

    #[test]
    fn neighbours_added_on_two_branches_merge() {
        let base = lock(&["alloy", "zipkin"]).to_text();
        let ours = lock(&["alloy", "loki", "zipkin"]).to_text();
        let theirs = lock(&["alloy", "mimir", "zipkin"]).to_text();
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let output = std::process::Command::new("git")
            .args(["merge-file", "-p", "--union"])
            .args([path("ours", &ours), path("base", &base), path("theirs", &theirs)])
            .output()
            .unwrap();
        let merged = String::from_utf8(output.stdout).unwrap();
        assert_eq!(parse(&merged).unwrap(), lock(&["alloy", "loki", "mimir", "zipkin"]), "{merged}");
    }

    #[test]
    fn broken_locks_are_refused() {
        let good = lock(&["loki"]).to_text();
        for (text, want) in [
            (good.replace("version = 1\n", "version = 7\n"), "format version 7"),
            (good.replace("sha256 = \"", "sha256 = \"x"), "is not a SHA-256"),
            (good.replace("kind = ", "kidn = "), "hydrate.lock:5:1: hydrate.lock cannot be read"),
            (format!("<<<<<<< ours\n{good}"), "unresolved merge conflict"),
            ("version = 1\n[".to_owned(), "cannot be read"),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
