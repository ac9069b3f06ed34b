//! Files that are there whole or not at all.

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
pub fn write(path: &Path, staging: &Path, pieces: &[&[u8]], purpose: Purpose) -> io::Result<()> {
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

/// In builds for development, kills the process before the change whose number HYDRATE_TEST_KILL_BEFORE gives, or stops it there until it is
/// told to go on (HYDRATE_TEST_STOP_BEFORE): tests go through all of them.
pub fn may_be_killed_here() {
    #[cfg(debug_assertions)]
    {
        use rustix::process::Signal;
        use std::sync::atomic::{AtomicU32, Ordering};
        static CHANGES: AtomicU32 = AtomicU32::new(0);
        let number = CHANGES.fetch_add(1, Ordering::Relaxed) + 1;
        for (variable, signal) in [("HYDRATE_TEST_KILL_BEFORE", Signal::KILL), ("HYDRATE_TEST_STOP_BEFORE", Signal::STOP)] {
            if std::env::var(variable).is_ok_and(|wanted| wanted.parse() == Ok(number)) {
                let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_and_nothing_is_left_beside_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for (purpose, mode) in [(Purpose::Private, 0o600), (Purpose::Repository, 0o644), (Purpose::Checked, 0o600)] {
            write(&path, directory.path(), &[b"a", b"", b"b"], purpose).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"ab");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{purpose:?}");
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(write(&path, &directory.path().join("missing"), &[], Purpose::Private).is_err());
    }
}
