//! The cache: artifacts by the SHA-256 of their bytes, shared between projects and processes.
//!
//! Layout below `$HYDRATE_CACHE_DIR`, or `hydrate/` in the XDG cache directory:
//! `blobs/<2 digits>/<digest>` the artifacts, `locks/` advisory locks, `git/` shallow repositories, `renders/` rendered
//! components (the pipeline's), `tmp/` what is being written. A blob appears by a rename when it is whole, and is hashed again at each use: a process that is killed
//! leaves nothing but a file in `tmp/`, and a blob that went bad on the disk is noticed and fetched again.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::base::hash::sha256;
use crate::base::whole::{self, Purpose};
use crate::base::{Diagnostic, World};

/// The cache directory; made when something is first written.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// What `hydrate cache info` tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Number of artifacts.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Bytes of everything else: shallow Git repositories, rendered components, unfinished files.
    pub other_bytes: u64,
}

/// Holds an advisory lock until it is dropped; the operating system drops it with the process.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock lasts as long as the open file")] File);

impl Cache {
    /// The cache of this user.
    pub fn of_user(world: &dyn World) -> Result<Self, Box<Diagnostic>> {
        let set = |name: &str| world.variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        let root = set("HYDRATE_CACHE_DIR")
            .or_else(|| set("XDG_CACHE_HOME").map(|base| base.join("hydrate")))
            .or_else(|| set("HOME").map(|home| home.join(".cache/hydrate")));
        root.map(Self::at).ok_or_else(|| {
            Diagnostic::error("there is no place for the cache: neither HOME nor XDG_CACHE_HOME is set")
                .help("set HYDRATE_CACHE_DIR to a directory")
        })
    }

    /// A cache at a directory.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.root.join("blobs").join(digest.get(..2).unwrap_or("__")).join(digest)
    }

    /// The artifact with this digest, checked; one whose bytes have another digest is removed, and is then not there.
    pub fn get(&self, digest: &str) -> Result<Option<Vec<u8>>, Box<Diagnostic>> {
        let path = self.blob(digest);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        if sha256(&bytes) == digest {
            return Ok(Some(bytes));
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove the corrupted", &path, &error)),
            _ => Ok(None),
        }
    }

    /// Whether there is a blob of this digest, unchecked.
    pub fn has(&self, digest: &str) -> bool {
        self.blob(digest).is_file()
    }

    /// Keeps an artifact and gives its digest.
    pub fn put(&self, bytes: &[u8]) -> Result<String, Box<Diagnostic>> {
        let digest = sha256(bytes);
        let path = self.blob(&digest);
        self.write_whole(&path, bytes).map_err(|error| failed("write", &path, &error))?;
        Ok(digest)
    }

    /// Written beside, flushed to the disk, renamed: there whole, or not at all.
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let tmp = self.root.join("tmp");
        std::fs::create_dir_all(&tmp)?;
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        whole::write(path, &tmp, &[bytes], Purpose::Private)
    }

    /// Waits for the lock of this name; one process at a time holds it.
    pub fn lock(&self, name: &str) -> Result<Held, Box<Diagnostic>> {
        let path = self.root.join("locks").join(name);
        let open = || {
            std::fs::create_dir_all(self.root.join("locks"))?;
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            loop {
                match flock(&file, FlockOperation::LockExclusive) {
                    Err(rustix::io::Errno::INTR) => {}
                    result => return result.map(|()| file).map_err(io::Error::from),
                }
            }
        };
        open().map(Held).map_err(|error| failed("lock", &path, &error))
    }

    /// The directory of the shallow Git repository of this name.
    pub fn git_directory(&self, name: &str) -> PathBuf {
        self.root.join("git").join(name)
    }

    /// The directory of rendered components.
    pub fn renders(&self) -> PathBuf {
        self.root.join("renders")
    }

    /// How much is in it.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for entry in walkdir::WalkDir::new(&self.root).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            if entry.path().starts_with(self.root.join("blobs")) {
                usage.blobs += 1;
                usage.blob_bytes += size;
            } else {
                usage.other_bytes += size;
            }
        }
        usage
    }

    /// Removes what has not been written for `age` (all of it for zero), and unfinished files older than an hour;
    /// gives the number of bytes freed. Only files below the cache's own directories are touched.
    pub fn clean(&self, age: Duration) -> Result<u64, Box<Diagnostic>> {
        let now = SystemTime::now();
        let mut freed = 0;
        for (directory, limit) in [("blobs", age), ("git", age), ("renders", age), ("tmp", age.min(Duration::from_secs(3600)))] {
            let root = self.root.join(directory);
            for entry in walkdir::WalkDir::new(&root).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
                let Ok(metadata) = entry.metadata() else { continue };
                let idle = metadata.modified().ok().and_then(|time| now.duration_since(time).ok()).unwrap_or_default();
                if idle < limit {
                    continue;
                }
                match std::fs::remove_file(entry.path()) {
                    Ok(()) => freed += metadata.len(),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed("remove", entry.path(), &error)),
                }
            }
        }
        Ok(freed)
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot {what} {} in the cache", path.display()))
        .note(error.to_string())
        .help("check the permissions and the free space of the disk, or set HYDRATE_CACHE_DIR to another directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path());
        let digest = cache.put(b"chart").unwrap();
        assert_eq!(cache.get(&digest).unwrap().as_deref(), Some(&b"chart"[..]));
        assert_eq!(cache.usage(), Usage { blobs: 1, blob_bytes: 5, other_bytes: 0 });
        assert_eq!(cache.clean(Duration::from_secs(60)).unwrap(), 0);
        assert_eq!(cache.clean(Duration::ZERO).unwrap(), 5);
        assert_eq!(cache.get(&digest).unwrap(), None);
    }

    #[test]
    fn a_corrupted_blob_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path());
        let digest = cache.put(b"chart").unwrap();
        std::fs::write(cache.blob(&digest), b"charT").unwrap();
        assert_eq!(cache.get(&digest).unwrap(), None);
        assert!(!cache.has(&digest));
    }

    #[test]
    fn a_place_is_needed() {
        let error = Cache::of_user(&crate::base::MemoryWorld::new()).unwrap_err();
        assert!(error.to_string().contains("HYDRATE_CACHE_DIR"));
    }
}
