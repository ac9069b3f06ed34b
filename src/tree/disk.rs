//! What stands on disk under `manifests/`, links never followed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::{Diagnostic, Result};

use super::{INDEX, KUSTOMIZATION, Owned};

/// Where an environment's tree is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory of all environments: `…/manifests`.
    pub manifests: PathBuf,
    /// The name of the environment, and of its directory.
    pub env: String,
    /// `manifests` as it is shown to users.
    pub shown: String,
}

impl Place {
    /// The directory of the environment.
    pub fn dir(&self) -> PathBuf {
        self.manifests.join(&self.env)
    }

    /// A path in the environment's directory, as it is shown to users.
    pub fn shown(&self, rest: &str) -> String {
        if rest.is_empty() { format!("{}/{}", self.shown, self.env) } else { format!("{}/{}/{rest}", self.shown, self.env) }
    }

    /// Refuses a tree whose directories are links: what is written must stay in the project.
    pub fn check_links(&self) -> Result<()> {
        for (path, shown) in [(self.manifests.clone(), self.shown.clone()), (self.dir(), self.shown(""))] {
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => {
                    let to = fs::read_link(&path).map(|to| to.display().to_string()).unwrap_or_default();
                    return Err(Diagnostic::error(format!("{shown} is a symbolic link to {to}"))
                        .note("hydrate writes and deletes below it, and only ever does that inside the project")
                        .help("replace the link by a directory, or name another directory in hydrate.yaml: `manifests: DIR`"));
                }
                Ok(metadata) if !metadata.is_dir() => {
                    return Err(
                        Diagnostic::error(format!("{shown} is not a directory")).help("move the file away; hydrate makes the directory")
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// An error of reading or writing with the path it is about.
pub fn failed(doing: &str, shown: impl std::fmt::Display, error: &io::Error) -> Box<Diagnostic> {
    let mut diagnostic = Diagnostic::error(format!("cannot {doing} {shown}: {error}"));
    if error.kind() == io::ErrorKind::StorageFull {
        diagnostic = diagnostic.note("nothing was changed: the tree is as it was before").help("free some space and run again");
    }
    diagnostic
}

/// The names in a directory, sorted; none when it does not exist.
pub fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The content of a regular file; `None` for anything else and for nothing.
pub fn file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::read(path).map(Some),
        Ok(_) => Ok(None),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether anything has this path.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// What hydrate owns in a directory; nothing when there is no index, or when the directory is a link.
pub fn owned(dir: &Path) -> io::Result<Owned> {
    if fs::symlink_metadata(dir).is_ok_and(|metadata| metadata.is_symlink()) {
        return Ok(Owned::default());
    }
    Ok(file(&dir.join(INDEX))?.map(|text| Owned::parse(&text)).unwrap_or_default())
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The paths below an environment's directory that are ours and there.
pub fn owned_paths(dir: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    for name in names(dir)? {
        let sub = dir.join(&name);
        if is_file(&sub.join(INDEX)) {
            let owned = owned(&sub)?;
            paths.push(format!("{name}/{INDEX}"));
            paths.extend(owned.names().filter(|file| is_file(&sub.join(file))).map(|file| format!("{name}/{file}")));
        }
    }
    if is_file(&dir.join(KUSTOMIZATION)) {
        paths.push(KUSTOMIZATION.to_owned());
    }
    Ok(paths)
}

/// The paths that were ours in a revision, given its `.hydrated` files by their paths.
pub fn owned_in(indexes: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut paths = Vec::new();
    for (path, text) in indexes {
        let Some((dir, INDEX)) = path.split_once('/') else { continue };
        paths.extend(Owned::parse(text).names().chain([INDEX]).map(|name| format!("{dir}/{name}")));
    }
    if !paths.is_empty() {
        paths.push(KUSTOMIZATION.to_owned());
    }
    paths
}
