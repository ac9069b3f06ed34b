//! Files that helmfiles name: relative to a directory, by patterns, and what happens where there are none.
//!
//! Follows `pkg/state/storage.go` of helmfile.

use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, Result, World};

use crate::load::Messages;
use crate::paths;
use crate::sources::{Remotes, is_remote};

/// Finds files.
#[derive(Clone, Copy)]
pub(crate) struct Storage<'a> {
    pub world: &'a dyn World,
    pub remotes: &'a dyn Remotes,
    /// What paths are relative to.
    pub base: &'a Path,
    /// What shown paths are relative to.
    pub root: &'a Path,
    pub messages: &'a Messages,
}

impl Storage<'_> {
    /// A path as it stands for a file.
    pub(crate) fn normalized(&self, path: &str) -> PathBuf {
        if is_remote(path) {
            return PathBuf::from(path);
        }
        paths::join(self.base, path)
    }

    /// The files that a path or pattern stands for; nothing where there are none and that is allowed.
    pub(crate) fn resolve(&self, handler: Option<&str>, what: &str, path: &str) -> Result<Option<Vec<PathBuf>>> {
        let found = if is_remote(path) {
            vec![self.remotes.file(path)?]
        } else {
            paths::glob(self.world, &self.normalized(path))
                .map_err(|error| Diagnostic::error(format!("failed processing {path}: {error}")))?
        };
        if !found.is_empty() {
            return Ok(Some(found));
        }
        if let Some(why) = paths::refusal(self.world, &self.normalized(path)) {
            return Err(Diagnostic::error(format!("{what} file {path:?} is not read")).note(why));
        }
        let shown = paths::shown(self.base, self.root);
        match handler.unwrap_or("Error") {
            "Error" => Err(Diagnostic::error(format!("{what} file matching \"{path}\" does not exist in \"{shown}\""))
                .help("correct the path, or let `missingFileHandler` be Warn, Info or Debug where it may be missing")),
            "Warn" => {
                self.messages.warn(Diagnostic::warning(format!("skipping missing {what} file matching \"{path}\"")));
                Ok(None)
            }
            "Info" | "Debug" => Ok(None),
            other => Err(Diagnostic::error(format!("invalid missing file handler \"{other}\" while processing \"{path}\""))
                .help("it must be one of Error, Info, Warn and Debug")),
        }
    }
}
