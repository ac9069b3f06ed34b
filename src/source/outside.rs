//! What engines need from outside the repository: remote charts, files and repositories.
//!
//! They ask for it here and get a path of their [`World`](crate::base::World); how it got there (lock, cache, network) is
//! the pipeline's business.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::base::{Diagnostic, Result, World};
use crate::chart::acquire::Want;
use crate::chart::acquire::repospec::RepoSpec;
use crate::chart::{self, Chart, Dependency, Level};

use super::kustomize::errors::{Fail, FailKind, KResult, fail};
use super::kustomize::remote::RemoteResolver;

/// Gives what comes from outside.
pub trait Outside {
    /// A path with what is wanted: a packed chart, a file, the root of a repository.
    fn path(&self, want: &Want) -> Result<PathBuf>;

    /// The same, after its signature has been verified; what is not signed by a trusted key is not given.
    fn verified(&self, want: &Want) -> Result<PathBuf>;

    /// Verifies the signature of a packed chart at a path of the world: its provenance lies beside it.
    fn verify_local(&self, archive: &Path) -> Result<()>;

    /// As [`Outside::path`], for callers that try another way when it fails: nobody is told.
    fn attempt(&self, want: &Want) -> Result<PathBuf>;

    /// The directory that a packed chart unpacks to, as `helm pull --untar` leaves it.
    fn unpacked(&self, want: &Want) -> Result<PathBuf>;
}

/// Gives what is signed by a trusted key and nothing else.
pub struct Verified<'a>(pub &'a dyn Outside);

impl Outside for Verified<'_> {
    fn path(&self, want: &Want) -> Result<PathBuf> {
        self.0.verified(want)
    }

    fn verified(&self, want: &Want) -> Result<PathBuf> {
        self.0.verified(want)
    }

    fn verify_local(&self, archive: &Path) -> Result<()> {
        self.0.verify_local(archive)
    }

    fn attempt(&self, want: &Want) -> Result<PathBuf> {
        self.0.verified(want)
    }

    fn unpacked(&self, want: &Want) -> Result<PathBuf> {
        self.0.verified(want)?;
        self.0.unpacked(want)
    }
}

/// Gives nothing, and says what to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Outside for Nothing {
    fn path(&self, want: &Want) -> Result<PathBuf> {
        Err(Diagnostic::error(format!("{} comes from outside, and nothing is fetched here", want.title())))
    }

    fn verified(&self, want: &Want) -> Result<PathBuf> {
        self.path(want)
    }

    fn verify_local(&self, archive: &Path) -> Result<()> {
        Err(Diagnostic::error(format!("{} cannot be verified here", archive.display())))
    }

    fn attempt(&self, want: &Want) -> Result<PathBuf> {
        self.path(want)
    }

    fn unpacked(&self, want: &Want) -> Result<PathBuf> {
        self.path(want)
    }
}

/// The remote resources of kustomizations.
pub struct Remotes<'a> {
    /// Who gives them.
    pub outside: &'a dyn Outside,
    /// Where their paths are read.
    pub world: &'a dyn World,
}

impl RemoteResolver for Remotes<'_> {
    fn file(&self, url: &str) -> KResult<Vec<u8>> {
        let want = Want::File { url: url.to_owned() };
        let path = match Address::of(url) {
            Address::Repository => return fail("URL is a git repository"),
            Address::Either => self.outside.attempt(&want).map_err(|_| Fail::new("URL is a git repository"))?,
            Address::File => self.outside.path(&want).map_err(|error| Fail::from_diagnostic(error).of_kind(FailKind::Remote))?,
        };
        self.world.read(&path).map(|bytes| bytes.to_vec()).map_err(|error| Fail::new(error.to_string()))
    }

    fn repository(&self, spec: &RepoSpec) -> KResult<PathBuf> {
        self.outside.path(&Want::Git(spec.repository.clone())).map_err(Fail::from_diagnostic)
    }
}

/// What an address that begins with http:// or https:// may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Address {
    File,
    Repository,
    Either,
}

impl Address {
    /// kustomize asks the server and takes what is not there for a repository. Where the address says which of the two
    /// it is, no request is made for the other.
    fn of(url: &str) -> Self {
        if RepoSpec::parse(url).is_err() {
            return Self::File;
        }
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let path = address.split_once("://").map_or(address, |(_, rest)| rest);
        let named = query.split('&').any(|pair| pair.starts_with("ref=") || pair.starts_with("version="));
        if named || path.contains("//") || path.contains(".git/") || path.ends_with(".git") || path.contains("_git/") {
            return Self::Repository;
        }
        let is_file = [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending));
        if is_file { Self::File } else { Self::Either }
    }
}

/// Loads a chart and everything in its Chart.yaml that is not vendored in its charts/, and so on inwards.
///
/// Helm refuses such a chart until `helm dependency build` has run; what that would fetch is taken from outside instead,
/// in the versions of Chart.lock where there is one.
pub fn load_chart(path: &Path, level: Level, world: &dyn World, outside: &dyn Outside) -> Result<Arc<Chart>> {
    complete(chart::load(path, level, world)?, path, level, world, outside, 0)
}

fn complete(chart: Arc<Chart>, path: &Path, level: Level, world: &dyn World, outside: &dyn Outside, depth: usize) -> Result<Arc<Chart>> {
    if depth > 16 {
        return Err(Diagnostic::error(format!("the dependencies of chart {} are more than 16 deep", chart.name())));
    }
    let missing = missing(&chart);
    if missing.is_empty() && chart.dependencies.is_empty() {
        return Ok(chart);
    }
    let locked = if missing.is_empty() { Vec::new() } else { locked_versions(path, world) };
    let mut added = Vec::new();
    for dependency in &missing {
        let wanted = |error: Box<Diagnostic>| error.note(format!("chart {} depends on {}", chart.name(), dependency.name));
        added.push(fetch(dependency, &locked, path, level, world, outside, depth).map_err(wanted)?);
    }
    drop(missing);
    // The chart was loaded for this call alone, so that it is taken apart and not copied.
    let mut chart = Arc::try_unwrap(chart).map_err(|chart| Diagnostic::error(format!("chart {} is in use", chart.name())))?;
    let vendored = std::mem::take(&mut chart.dependencies);
    for inner in vendored {
        chart.dependencies.push(complete(inner, Path::new(""), level, world, outside, depth + 1)?);
    }
    chart.dependencies.extend(added);
    Ok(Arc::new(chart))
}

/// The dependencies that no chart in charts/ has the name of, each name once.
fn missing(chart: &Chart) -> Vec<Dependency> {
    let mut missing: Vec<Dependency> = Vec::new();
    for dependency in chart.metadata.dependencies.iter().flatten() {
        let there = chart.dependencies.iter().any(|present| present.name() == dependency.name);
        // Without a repository it is meant to lie in charts/: Helm's own error says so.
        if !there && !dependency.repository.is_empty() && !missing.iter().any(|other| other.name == dependency.name) {
            missing.push(dependency.clone());
        }
    }
    missing
}

fn fetch(
    dependency: &Dependency,
    locked: &[(String, String)],
    path: &Path,
    level: Level,
    world: &dyn World,
    outside: &dyn Outside,
    depth: usize,
) -> Result<Arc<Chart>> {
    let target = match dependency.repository.strip_prefix("file://") {
        Some(local) if !path.as_os_str().is_empty() => path.join(local),
        Some(_) => return Err(unusable(dependency, "a packed chart cannot name directories")),
        None => {
            let version = locked.iter().find(|(name, _)| *name == dependency.name).map_or(&dependency.version, |(_, version)| version);
            let Some((want, inside)) = Want::chart(&dependency.name, Some(&dependency.repository), Some(version)) else {
                return Err(unusable(dependency, "it is none of https://, oci://, git+https:// and file://"));
            };
            outside.path(&want)?.join(inside)
        }
    };
    complete(chart::load(&target, level, world)?, &target, level, world, outside, depth + 1)
}

fn unusable(dependency: &Dependency, why: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("the repository {:?} of the dependency {} cannot be used", dependency.repository, dependency.name))
        .note(why.to_owned())
        .help("put the chart into charts/ with `helm dependency build`, or name another repository in Chart.yaml")
}

/// Names and versions in Chart.lock, or requirements.lock.
fn locked_versions(path: &Path, world: &dyn World) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(default)]
        dependencies: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        name: String,
        version: String,
    }
    let text = ["Chart.lock", "requirements.lock"].iter().find_map(|name| world.read(&path.join(name)).ok());
    let lock = text.and_then(|text| serde_yaml::from_slice::<Lock>(&text).ok());
    lock.map(|lock| lock.dependencies.into_iter().map(|entry| (entry.name, entry.version)).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_repositories() {
        for (url, want) in [
            ("https://example.org/org/repo//base", Address::Repository),
            ("https://example.org/org/repo?ref=v1", Address::Repository),
            ("https://example.org/org/repo.git", Address::Repository),
            ("https://example.org/org/repo.git/base/x.yaml", Address::Repository),
            ("https://example.org/org/repo/releases/download/v1/install.yaml", Address::File),
            ("https://example.org/install.yaml", Address::File),
            ("https://example.org/org/repo", Address::Either),
        ] {
            assert_eq!(Address::of(url), want, "{url}");
        }
    }
}
