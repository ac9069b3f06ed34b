//! Files that are written completely or not at all.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What a file is for: who may read it, and whether it is flushed to the disk before it gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Part of a repository: for everybody, flushed.
    Repository,
    /// For this user alone, flushed.
    Private,
    /// For this user alone and checked whenever it is read, so that what a crash leaves half-written does no harm: not flushed.
    Checked,
}

/// Writes the pieces one behind the other to a file in the directory `staging`, which becomes `path` by a rename. Both have
/// to be on one file system.
pub fn atomic_write(path: &Path, staging: &Path, pieces: &[&[u8]], purpose: Purpose) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(staging)?;
    for piece in pieces {
        file.write_all(piece)?;
    }
    if purpose == Purpose::Repository {
        file.as_file().set_permissions(PermissionsExt::from_mode(0o644))?;
    }
    if purpose != Purpose::Checked {
        file.as_file().sync_all()?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// The same for a file of a repository that is not there yet: where the name has been taken in the meantime, that is an error.
pub fn atomic_create(path: &Path, staging: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(staging)?;
    for piece in pieces {
        file.write_all(piece)?;
    }
    file.as_file().set_permissions(PermissionsExt::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_and_nothing_is_left_beside_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for (purpose, mode) in [(Purpose::Private, 0o600), (Purpose::Repository, 0o644), (Purpose::Checked, 0o600)] {
            atomic_write(&path, directory.path(), &[b"a", b"", b"b"], purpose).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"ab");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{purpose:?}");
        }
        assert_eq!(atomic_create(&path, directory.path(), &[b"c"]).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        atomic_create(&directory.path().join("new"), directory.path(), &[b"c"]).unwrap();
        assert_eq!(std::fs::read(directory.path().join("new")).unwrap(), b"c");
        assert!(atomic_write(&path, &directory.path().join("missing"), &[], Purpose::Private).is_err());
    }
}
