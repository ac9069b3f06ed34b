//! Which files Git ignores: they are on this machine alone, and in no commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::Match;
use ignore::gitignore::Gitignore;

use super::Repository;

/// The `.gitignore` files of the work tree that a directory lies in, `info/exclude`, and those of the user.
#[derive(Debug)]
pub struct Ignored {
    repository: Option<Repository>,
    read: Mutex<BTreeMap<PathBuf, Arc<Gitignore>>>,
}

impl Ignored {
    /// Of the work tree that a directory lies in; where it lies in none, nothing is ignored.
    pub fn at(start: &Path) -> Self {
        Self { repository: Repository::discover(start).ok().flatten(), read: Mutex::default() }
    }

    /// Whether a file is ignored, or lies outside of the work tree. What is committed all the same counts as ignored.
    pub fn has(&self, path: &Path) -> bool {
        let Some(repository) = &self.repository else { return false };
        if !path.starts_with(repository.work_tree()) {
            return true;
        }
        let top = repository.work_tree();
        let within = path.ancestors().skip(1).take_while(|directory| directory.starts_with(top));
        let own = within.map(|directory| (directory, self.file(directory, &directory.join(".gitignore"))));
        let exclude = repository.common_dir().join("info/exclude");
        let outer = [(top, self.file(top, &exclude)), (top, Arc::new(Gitignore::global().0))];
        for (directory, rules) in own.chain(outer) {
            let Ok(below) = path.strip_prefix(directory) else { return true };
            match rules.matched_path_or_any_parents(below, false) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }

    fn file(&self, directory: &Path, file: &Path) -> Arc<Gitignore> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let build = || {
            let mut builder = ignore::gitignore::GitignoreBuilder::new(directory);
            // A line that is no rule ignores nothing, as in Git.
            let _ = builder.add(file);
            Arc::new(builder.build().unwrap_or_else(|_| Gitignore::empty()))
        };
        Arc::clone(read.entry(file.to_owned()).or_insert_with(build))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rule_decides() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        git2::Repository::init(&root).unwrap();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), text).unwrap();
        };
        write(".gitignore", "*.secret\n/private/\n");
        write("a/.gitignore", "!kept.secret\nlocal.yaml\n");
        write(".git/info/exclude", "mine.yaml\n");
        let ignored = Ignored::at(&root);
        for (path, expected) in [
            ("x.secret", true),
            ("a/b/x.secret", true),
            ("a/kept.secret", false),
            ("private/deep/x.yaml", true),
            ("a/private/x.yaml", false),
            ("a/local.yaml", true),
            ("local.yaml", false),
            ("b/mine.yaml", true),
            ("values.yaml", false),
        ] {
            assert_eq!(ignored.has(&root.join(path)), expected, "{path}");
        }
        assert!(ignored.has(Path::new("/elsewhere/x")));
    }
}
