//! The disk as it would be with some files written: what an import would write is rendered before it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hydrate_base::{FileKind, Limits, World};

/// A world with files over those of the disk, and with a clock and randomness that can be set back: two renderings then ask for the same.
pub(super) struct Overlay<'w> {
    disk: &'w dyn World,
    files: BTreeMap<PathBuf, Arc<[u8]>>,
    asked: AtomicU64,
    /// What the answers of chance are made of beside their number.
    seed: AtomicU64,
}

impl<'w> Overlay<'w> {
    /// The disk with these files.
    pub(super) fn new(disk: &'w dyn World, files: BTreeMap<PathBuf, Arc<[u8]>>) -> Self {
        Self { disk, files, asked: AtomicU64::default(), seed: AtomicU64::default() }
    }

    /// Sets the clock and randomness back; another seed gives other answers. Gives how often they had been asked.
    pub(super) fn rewind(&self, seed: u64) -> u64 {
        self.seed.store(seed, Ordering::Relaxed);
        self.asked.swap(0, Ordering::Relaxed)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.files.keys().any(|file| file.starts_with(path) && file != path)
    }
}

impl World for Overlay<'_> {
    fn read(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        match self.files.get(path) {
            Some(text) => Ok(Arc::clone(text)),
            None => self.disk.read(path),
        }
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        match self.files.get(path) {
            Some(_) => Ok(FileKind::File),
            None if self.is_directory(path) => Ok(FileKind::Directory),
            None => self.disk.kind(path),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names: BTreeSet<String> = match self.disk.list(path) {
            Ok(names) => names.into_iter().collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_directory(path) => BTreeSet::new(),
            Err(error) => return Err(error),
        };
        let inside = self.files.keys().filter_map(|file| file.strip_prefix(path).ok()?.components().next());
        names.extend(inside.map(|name| name.as_os_str().to_string_lossy().into_owned()));
        Ok(names.into_iter().collect())
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        match self.files.get(path) {
            Some(_) => Ok(path.to_owned()),
            None if self.is_directory(path) => Ok(path.to_owned()),
            None => self.disk.canonical(path),
        }
    }

    fn read_named(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        if self.files.contains_key(path) { self.read(path) } else { self.disk.read_named(path) }
    }

    fn read_system(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        self.disk.read_system(path)
    }

    fn admit(&self, directory: &Path) {
        self.disk.admit(directory);
    }

    fn now(&self) -> i128 {
        const SOME_DAY: i128 = 1_767_323_045_006_007_008;
        const ANOTHER: i128 = 34_826_461_123_456_789;
        self.asked.fetch_add(1, Ordering::Relaxed);
        SOME_DAY + ANOTHER * i128::from(self.seed.load(Ordering::Relaxed))
    }

    fn random(&self, buffer: &mut [u8]) {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answer = blake3::Hasher::new();
        answer.update(&number.to_le_bytes()).update(&self.seed.load(Ordering::Relaxed).to_le_bytes());
        answer.finalize_xof().fill(buffer);
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.disk.variable(name)
    }

    fn shows_variable(&self, name: &str) -> bool {
        self.disk.shows_variable(name)
    }

    fn limits(&self) -> Limits {
        self.disk.limits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;

    #[test]
    fn files_lie_over_those_of_the_disk() {
        let disk = MemoryWorld::new().with_file("/p/a.yaml", "a").with_file("/p/c.yaml", "c");
        let files =
            BTreeMap::from([(PathBuf::from("/p/a.yaml"), Arc::from(&b"new"[..])), (PathBuf::from("/p/sub/b.yaml"), Arc::from(&b"b"[..]))]);
        let world = Overlay::new(&disk, files);
        assert_eq!(&*world.read(Path::new("/p/a.yaml")).unwrap(), b"new");
        assert_eq!(world.list(Path::new("/p")).unwrap(), ["a.yaml", "c.yaml", "sub"]);
        assert_eq!(world.list(Path::new("/p/sub")).unwrap(), ["b.yaml"]);
        assert_eq!(world.kind(Path::new("/p/sub")).unwrap(), FileKind::Directory);
        assert_eq!(world.canonical(Path::new("/p/sub/b.yaml")).unwrap(), Path::new("/p/sub/b.yaml"));
        assert!(world.kind(Path::new("/p/none")).is_err());
    }

    #[test]
    fn chance_can_be_set_back() {
        let disk = MemoryWorld::new();
        let world = Overlay::new(&disk, BTreeMap::new());
        let ask = || {
            let mut bytes = [0; 4];
            world.random(&mut bytes);
            (bytes, world.now())
        };
        let first = ask();
        assert_ne!(ask().0, first.0);
        assert_eq!(world.rewind(0), 4);
        assert_eq!(ask(), first);
        world.rewind(1);
        let other = ask();
        assert!(other.0 != first.0 && other.1 != first.1);
    }
}
