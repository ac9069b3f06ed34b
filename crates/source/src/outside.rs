//! What engines need from outside the repository: remote charts, files and repositories.
//!
//! They ask for it here and get a path of their [`World`](hydrate_base::World); how it got there (lock, cache, network) is
//! the pipeline's business.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate_acquire::ArtifactRequest;
use hydrate_address::RepoSpec;
use hydrate_base::{Diagnostic, Result, World};
use hydrate_chart::{Chart, Level};
use hydrate_helmfile::SecretResolver;

use hydrate_kustomize::RemoteResolver;
use hydrate_kustomize::{Fail, FailKind, KResult, fail};

/// Gives what comes from outside.
pub trait RemoteSource {
    /// A path with what is wanted: a packed chart, a file, the root of a repository.
    fn path(&self, want: &ArtifactRequest) -> Result<PathBuf>;

    /// The same, after its signature has been verified; what is not signed by a trusted key is not given.
    fn verified(&self, want: &ArtifactRequest) -> Result<PathBuf>;

    /// Verifies the signature of a packed chart at a path of the world: its provenance lies beside it.
    fn verify_local(&self, archive: &Path) -> Result<()>;

    /// As [`RemoteSource::path`], for callers that try another way when it fails: nobody is told.
    fn attempt(&self, want: &ArtifactRequest) -> Result<PathBuf>;

    /// The directory that a packed chart unpacks to, as `helm pull --untar` leaves it.
    fn unpacked(&self, want: &ArtifactRequest) -> Result<PathBuf>;

    /// Who decrypts files and resolves references to secrets; `None` where they stay as they are.
    fn secrets(&self) -> Option<Arc<dyn SecretResolver>> {
        None
    }

    /// A chart that was loaded from a path given here before, with what its dependencies were.
    fn recall(&self, path: &Path, level: Level) -> Option<Loaded> {
        let _ = (path, level);
        None
    }

    /// Remembers a chart for [`RemoteSource::recall`], where the path is one that was given here.
    fn remember(&self, path: &Path, level: Level, loaded: &Loaded) {
        let _ = (path, level, loaded);
    }
}

/// A chart, complete.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// It and its dependencies.
    pub chart: Arc<Chart>,
    /// What came from outside for it.
    pub wants: Vec<ArtifactRequest>,
}

/// Gives what is signed by a trusted key and nothing else.
pub(crate) struct Verified<'a>(pub &'a dyn RemoteSource);

impl RemoteSource for Verified<'_> {
    fn path(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.0.verified(want)
    }

    fn verified(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.0.verified(want)
    }

    fn verify_local(&self, archive: &Path) -> Result<()> {
        self.0.verify_local(archive)
    }

    fn attempt(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.0.verified(want)
    }

    fn unpacked(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.0.verified(want)?;
        self.0.unpacked(want)
    }

    fn secrets(&self) -> Option<Arc<dyn SecretResolver>> {
        self.0.secrets()
    }

    fn recall(&self, path: &Path, level: Level) -> Option<Loaded> {
        self.0.recall(path, level)
    }

    fn remember(&self, path: &Path, level: Level, loaded: &Loaded) {
        self.0.remember(path, level, loaded);
    }
}

/// Gives nothing, and says what to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRemotes;

impl RemoteSource for NoRemotes {
    fn path(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        Err(Diagnostic::error(format!("{} comes from outside, and nothing is fetched here", want.title()))
            .help("components of a project get it by way of hydrate.lock: `hydrate lock`, `hydrate -e ENV`")
            .help("for this command put it beside the kustomization, in charts/: `helm pull --untar`"))
    }

    fn verified(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.path(want)
    }

    fn verify_local(&self, archive: &Path) -> Result<()> {
        Err(Diagnostic::error(format!("{} cannot be verified here", archive.display())))
    }

    fn attempt(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.path(want)
    }

    fn unpacked(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.path(want)
    }
}

/// The remote resources of kustomizations.
pub(crate) struct Remotes<'a> {
    /// Who gives them.
    pub outside: &'a dyn RemoteSource,
    /// Where their paths are read.
    pub world: &'a dyn World,
}

impl RemoteResolver for Remotes<'_> {
    fn file(&self, url: &str) -> KResult<Vec<u8>> {
        let want = ArtifactRequest::File { url: url.to_owned() };
        let path = match Address::of(url) {
            Address::Repository => return fail("URL is a git repository"),
            Address::Either => self.outside.attempt(&want).map_err(|_| Fail::new("URL is a git repository"))?,
            Address::File => self.outside.path(&want).map_err(|error| Fail::from_diagnostic(error).of_kind(FailKind::Remote))?,
        };
        self.world.read(&path).map(|bytes| bytes.to_vec()).map_err(|error| Fail::new(error.to_string()))
    }

    fn repository(&self, spec: &RepoSpec) -> KResult<PathBuf> {
        self.outside.path(&ArtifactRequest::Git(spec.repository.clone())).map_err(Fail::from_diagnostic)
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
