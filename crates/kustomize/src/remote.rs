//! Remote files and repositories: who is asked for them.
//!
//! Nothing is fetched here: a resolver of the caller's gives what the lock file names. How addresses are read is in
//! `chart::acquire::repospec`.

use std::path::PathBuf;

use super::errors::{Fail, FailKind, KResult};
use hydrate_address::RepoSpec;

/// Gives remote files and repositories from where they have been put beforehand.
pub trait RemoteResolver {
    /// The content of the file at an address. An error of the kind `Remote` means that it is a file and cannot be had; after
    /// any other, the address is tried as a repository.
    fn file(&self, url: &str) -> KResult<Vec<u8>>;

    /// The directory with a repository's files.
    fn repository(&self, spec: &RepoSpec) -> KResult<PathBuf>;
}

/// Refuses everything remote, and says which commands help.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NoRemotes;

impl RemoteResolver for NoRemotes {
    fn file(&self, url: &str) -> KResult<Vec<u8>> {
        Err(refused(format!("remote file '{url}' is not in hydrate.lock")).of_kind(FailKind::Remote))
    }

    fn repository(&self, spec: &RepoSpec) -> KResult<PathBuf> {
        Err(refused(format!("remote base '{}' is not in hydrate.lock", spec.raw)))
    }
}

fn refused(message: String) -> Fail {
    Fail::new(message).help("run `hydrate lock` to pin it, then `hydrate fetch` to have it here")
}
