//! Which Git work tree a directory lies in.
//!
//! Everybody who asks goes by the nearest `.git` upwards that Git would go by: a directory that is a repository, or a file or link, which
//! leads to one. A directory of that name that is none is passed by, and so is what cannot be looked at.

use std::fs;
use std::path::{Path, PathBuf};

/// A work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTree<'p> {
    /// The directory that holds `.git`.
    pub top: &'p Path,
    /// What is in that `.git`; `None` where it is a file or a link.
    pub directories: Option<GitDirectories>,
}

/// The directories of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitDirectories {
    /// Where HEAD and the index are.
    pub git: PathBuf,
    /// Where branches, objects and the configuration are: for linked work trees the directory of the main one.
    pub common: PathBuf,
}

impl<'p> WorkTree<'p> {
    /// The one that a directory lies in, by its own path: links on it are the caller's to resolve.
    pub fn around(directory: &'p Path) -> Option<Self> {
        directory.ancestors().find_map(|top| {
            let dot_git = top.join(".git");
            let metadata = fs::symlink_metadata(&dot_git).ok()?;
            if !metadata.is_dir() {
                return Some(Self { top, directories: None });
            }
            GitDirectories::of(&dot_git).map(|found| Self { top, directories: Some(found) })
        })
    }
}

impl GitDirectories {
    /// Those of a directory, if it is a repository.
    pub fn of(git: &Path) -> Option<Self> {
        let common = match fs::read_to_string(git.join("commondir")) {
            Ok(text) => git.join(text.trim_end()).canonicalize().ok()?,
            Err(_) => git.to_owned(),
        };
        let there = fs::symlink_metadata(git.join("HEAD")).is_ok() && common.join("objects").is_dir() && common.join("refs").is_dir();
        there.then(|| Self { git: git.to_owned(), common })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_repository_or_what_leads_to_one() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let deep = root.join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        for name in ["objects", "refs"] {
            fs::create_dir_all(root.join(".git").join(name)).unwrap();
        }
        let top = |path| WorkTree::around(path).map(|found| found.top.to_owned());
        assert_eq!(top(&deep), None);
        fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        assert_eq!(top(&deep), Some(root.clone()));
        fs::create_dir(root.join("a/b/.git")).unwrap();
        assert_eq!(top(&deep), Some(root.clone()));
        std::os::unix::fs::symlink("nowhere", root.join("a/.git")).unwrap();
        assert_eq!(top(&deep), Some(root.join("a")));
        fs::write(deep.join(".git"), "gitdir: elsewhere\n").unwrap();
        assert_eq!(WorkTree::around(&deep), Some(WorkTree { top: &deep, directories: None }));
    }
}
