//! Trees of artifacts as directories, without unpacking them to the disk.
//!
//! The engines read files through the [`World`]; this one shows each mounted tree below a path of its own, which
//! exists nowhere else, and asks the world below for everything else. Nothing in a tree can thus name a file outside
//! it, and what is read was checked against the lock when it was mounted.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::archive::{Entry, Tree};
use hydrate_base::world::{entries_one_by_one, not_found};
use hydrate_base::{FileKind, Limits, World};

/// Where trees are shown; `\u{a6}` keeps clear of every path that people use.
const ROOT: &str = "/hydrate.lock\u{a6}";

/// Whether a path is one of a tree, in whichever world.
pub fn is_mounted(path: &Path) -> bool {
    path.starts_with(ROOT)
}

/// A world with trees in it.
pub struct Mounted<'w> {
    below: &'w dyn World,
    trees: RwLock<BTreeMap<String, Arc<Tree>>>,
}

impl<'w> Mounted<'w> {
    /// A world without trees yet.
    pub fn new(below: &'w dyn World) -> Self {
        Self { below, trees: RwLock::default() }
    }

    /// Shows a tree under a name (such as `loki-6.1.0`) and gives its directory. The same name is the same tree.
    pub fn mount(&self, name: &str, tree: impl FnOnce() -> Arc<Tree>) -> PathBuf {
        let name = name.replace('/', "-");
        let known = self.trees.read().unwrap_or_else(PoisonError::into_inner).contains_key(&name);
        if !known {
            self.trees.write().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_insert_with(tree);
        }
        Path::new(ROOT).join(name)
    }

    /// The tree that a path is in, and the path inside it; `None` for paths of the world below.
    fn inside(&self, path: &Path) -> Option<(Arc<Tree>, String)> {
        let rest = path.strip_prefix(ROOT).ok()?;
        let mut parts = rest.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            Component::ParentDir => Some("..".to_owned()),
            _ => None,
        });
        let tree = Arc::clone(self.trees.read().unwrap_or_else(PoisonError::into_inner).get(&parts.next()?)?);
        Some((tree, parts.collect::<Vec<_>>().join("/")))
    }
}

impl World for Mounted<'_> {
    fn read(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        match self.inside(path) {
            Some((tree, inside)) => tree.file(&inside).ok_or_else(|| not_found(path)),
            None => self.below.read(path),
        }
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        let Some((tree, inside)) = self.inside(path) else { return self.below.kind(path) };
        let resolved = tree.resolve(&inside).ok_or_else(|| not_found(path))?;
        match tree.get(&resolved) {
            Some(Entry::File { .. }) => Ok(FileKind::File),
            _ if tree.names(&resolved).is_some() => Ok(FileKind::Directory),
            _ => Err(not_found(path)),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        match self.inside(path) {
            Some((tree, inside)) => tree.names(&inside).ok_or_else(|| not_found(path)),
            None => self.below.list(path),
        }
    }

    fn entries(&self, path: &Path) -> io::Result<Vec<(String, io::Result<FileKind>)>> {
        if self.inside(path).is_some() { entries_one_by_one(self, path) } else { self.below.entries(path) }
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let Some((tree, inside)) = self.inside(path) else { return self.below.canonical(path) };
        self.kind(path)?;
        let name = path.strip_prefix(ROOT).ok().and_then(|rest| rest.components().next());
        let root = Path::new(ROOT).join(name.map_or_else(PathBuf::new, |name| PathBuf::from(name.as_os_str())));
        let resolved = tree.resolve(&inside).ok_or_else(|| not_found(path))?;
        Ok(if resolved.is_empty() { root } else { root.join(resolved) })
    }

    fn read_named(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        self.below.read_named(path)
    }

    fn read_system(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        self.below.read_system(path)
    }

    fn admit(&self, directory: &Path) {
        if !is_mounted(directory) {
            self.below.admit(directory);
        }
    }

    fn now(&self) -> i128 {
        self.below.now()
    }

    fn random(&self, buffer: &mut [u8]) {
        self.below.random(buffer);
    }

    fn decide(&self, function: &'static str, inputs: String) -> Option<Vec<Option<Vec<u8>>>> {
        self.below.decide(function, inputs)
    }

    fn avoided(&self) -> Vec<Vec<u8>> {
        self.below.avoided()
    }

    fn decided(&self, answers: &[&[u8]]) {
        self.below.decided(answers);
    }

    fn is_caught(&self) -> bool {
        self.below.is_caught()
    }

    fn secret(&self, name: &str, value: &str, is_known: bool) -> String {
        self.below.secret(name, value, is_known)
    }

    fn checksum(&self, sum: String) -> String {
        self.below.checksum(sum)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.below.variable(name)
    }

    fn shows_variable(&self, name: &str) -> bool {
        self.below.shows_variable(name)
    }

    fn witness(&self) -> Option<&hydrate_base::Witness> {
        self.below.witness()
    }

    fn limits(&self) -> Limits {
        self.below.limits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;

    fn tree() -> Arc<Tree> {
        let mut tree = Tree::default();
        let file = |text: &str| Entry::File { bytes: text.as_bytes().into(), executable: false };
        tree.insert("base/a.yaml", file("a")).unwrap();
        tree.insert("base/link", Entry::Link("../other".into())).unwrap();
        tree.insert("other/b.yaml", file("b")).unwrap();
        tree.insert("out", Entry::Link("../../etc/passwd".into())).unwrap();
        Arc::new(tree)
    }

    #[test]
    fn a_tree_is_a_directory() {
        let below = MemoryWorld::new().with_file("/x", "x");
        let world = Mounted::new(&below);
        let root = world.mount("repo-1", tree);
        assert_eq!(world.list(&root).unwrap(), ["base", "other", "out"]);
        assert_eq!(&*world.read(&root.join("base/link/b.yaml")).unwrap(), b"b");
        assert_eq!(world.kind(&root.join("base/link")).unwrap(), FileKind::Directory);
        assert_eq!(world.canonical(&root.join("base/link/b.yaml")).unwrap(), root.join("other/b.yaml"));
        assert_eq!(&*world.read(Path::new("/x")).unwrap(), b"x");
    }

    #[test]
    fn nothing_leads_out() {
        let below = MemoryWorld::new().with_file("/etc/passwd", "root").with_file("/hydrate.lock\u{a6}/x", "x");
        let world = Mounted::new(&below);
        let root = world.mount("repo-1", tree);
        for path in ["out", "../../etc/passwd", "base/../../x", "no"] {
            assert!(world.read(&root.join(path)).is_err(), "{path}");
        }
    }
}
