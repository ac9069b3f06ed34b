//! What stands on disk under `manifests/`, links never followed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, Result};

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
    /// The directory of what hands environments over: `…/clusters`. Runs lock `manifests` for it as well.
    pub clusters: PathBuf,
    /// `clusters` as it is shown to users.
    pub clusters_shown: String,
}

impl Place {
    /// The project's root.
    pub(super) fn root(&self) -> PathBuf {
        self.manifests.ancestors().nth(self.shown.split('/').count()).unwrap_or(&self.manifests).to_owned()
    }

    /// The directory of the environment.
    pub fn dir(&self) -> PathBuf {
        self.manifests.join(&self.env)
    }

    /// A path in the environment's directory, as it is shown to users.
    pub fn shown(&self, rest: &str) -> String {
        if rest.is_empty() { format!("{}/{}", self.shown, self.env) } else { format!("{}/{}/{rest}", self.shown, self.env) }
    }

    /// The directory of what hands the environment over.
    pub fn clusters_dir(&self) -> PathBuf {
        self.clusters.join(&self.env)
    }

    /// A file of what hands the environment over, as it is shown to users; the directory for an empty name.
    pub fn clusters_shown(&self, file: &str) -> String {
        let slash = if file.is_empty() { "" } else { "/" };
        format!("{}/{}{slash}{file}", self.clusters_shown, self.env)
    }

    /// Refuses a tree whose directories are links: what is written must stay in the project.
    pub fn check_links(&self) -> Result<()> {
        are_directories("manifests", &self.way(&self.manifests, &self.shown))
    }

    /// The same for what hands the environment over; only asked where something is to be written there.
    pub fn check_clusters_links(&self) -> Result<()> {
        are_directories("clusters", &self.way(&self.clusters, &self.clusters_shown))
    }

    /// Whether the directories on the way to what hands the environment over are real ones or not there: what lies behind links is not ours.
    pub fn has_plain_clusters(&self) -> bool {
        let plain = |(path, _): &(PathBuf, String)| fs::symlink_metadata(path).map_or(true, |metadata| metadata.is_dir());
        self.way(&self.clusters, &self.clusters_shown).iter().all(plain)
    }

    /// The directories from the project to the one of the environment in `dir`, as they are and as they are shown.
    fn way(&self, dir: &Path, shown: &str) -> Vec<(PathBuf, String)> {
        let parts: Vec<&str> = shown.split('/').chain([self.env.as_str()]).collect();
        let root = dir.ancestors().nth(parts.len() - 1).unwrap_or(dir);
        (1..=parts.len()).filter_map(|length| parts.get(..length)).map(|parts| (root.join(parts.join("/")), parts.join("/"))).collect()
    }
}

fn are_directories(setting: &str, paths: &[(PathBuf, String)]) -> Result<()> {
    for (path, shown) in paths {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => {
                let to = fs::read_link(path).map(|to| to.display().to_string()).unwrap_or_default();
                return Err(Diagnostic::error(format!("{shown} is a symbolic link to {to}"))
                    .note("hydrate writes and deletes below it, and only ever does that inside the project")
                    .help(format!("replace the link by a directory, or name another directory in hydrate.yaml: `{setting}: DIR`")));
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
    super::beneath::read_file(path)
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

/// The paths below an environment's directory that are ours and there.
pub fn owned_paths(dir: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    for name in names(dir)? {
        let sub = dir.join(&name);
        // What lies behind a link is not ours.
        if fs::symlink_metadata(&sub).is_ok_and(|metadata| metadata.is_dir()) && is_file(&sub.join(INDEX)) {
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

/// The names of the files in one directory that are ours and there, `.hydrated` included.
pub fn owned_files(dir: &Path) -> io::Result<Vec<String>> {
    let is_file = |name: &str| fs::symlink_metadata(dir.join(name)).is_ok_and(|metadata| metadata.is_file());
    let owned = owned(dir)?;
    Ok(owned.names().chain([INDEX]).filter(|name| is_file(name)).map(str::to_owned).collect())
}

/// The names that were ours in one directory of a revision, given its `.hydrated`.
pub fn owned_files_in(indexes: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let Some(text) = indexes.get(INDEX) else { return Vec::new() };
    Owned::parse(text).names().chain([INDEX]).map(str::to_owned).collect()
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
