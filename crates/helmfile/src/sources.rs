//! What comes from outside: files at addresses, and charts of repositories.

use std::path::PathBuf;

use hydrate_base::{Diagnostic, Result};

/// Gives what comes from outside as paths of the world.
pub trait Remotes {
    /// A file at an address that helmfile's remote sources have: `git::https://host/repo.git@path?ref=v1`, `https://host/file.yaml`.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn file(&self, address: &str) -> Result<PathBuf>;

    /// A chart: an archive or a directory.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn chart(&self, chart: &RemoteChart) -> Result<PathBuf>;
}

/// A chart that is not on this disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteChart {
    /// The name in its repository.
    pub name: String,
    /// The address of the repository: `https://…` or `oci://…`, or of a Git repository as helmfile writes it.
    pub repository: String,
    /// A version, or a range of versions; empty for the newest.
    pub version: String,
    /// Whether versions that are not released count.
    pub devel: bool,
    /// Whether its signature is verified.
    pub verify: bool,
}

/// Gives nothing, and says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRemotes;

impl Remotes for NoRemotes {
    fn file(&self, address: &str) -> Result<PathBuf> {
        Err(Diagnostic::error(format!("{address} comes from outside, and nothing is fetched here")))
    }

    fn chart(&self, chart: &RemoteChart) -> Result<PathBuf> {
        let name = format!("{}/{}", chart.repository.trim_end_matches('/'), chart.name);
        Err(Diagnostic::error(format!("chart {name} comes from outside, and nothing is fetched here")))
    }
}

/// Whether a path is an address of helmfile's remote sources.
pub(crate) fn is_remote(path: &str) -> bool {
    if path.starts_with('/') {
        return false;
    }
    match path.split_once("::") {
        Some((_, address)) => address.contains("://"),
        None => ["http://", "https://", "s3://"].iter().any(|scheme| path.starts_with(scheme)),
    }
}
