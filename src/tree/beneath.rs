//! Files and directories beneath the project, no link followed on the way to them.
//!
//! A repository can hold any link, and others may put one there while a run goes on. So each directory is opened from the one above it,
//! and what is read, written, moved or removed is named within an opened directory.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use hydrate_base::hash::sha256;
use hydrate_base::kill_point;
use hydrate_base::world::is_missing;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Not waiting, where somebody has put a pipe in a file's place.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// An opened directory.
#[derive(Debug)]
pub(super) struct Dir(OwnedFd);

impl Dir {
    /// A directory that is trusted to be what it is: the project's root, or one of hydrate's own.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
    }

    /// A directory beneath this one, by its path with `/`; `None` where it does not exist.
    pub(super) fn beneath(&self, path: &str) -> io::Result<Option<Self>> {
        match self.walk(path, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    /// The same, made where it does not exist.
    pub(super) fn make(&self, path: &str) -> io::Result<Self> {
        self.walk(path, true)
    }

    /// A directory of a name in this one that nothing has.
    pub(super) fn make_new(&self, name: &str) -> io::Result<Self> {
        kill_point();
        rustix::fs::mkdirat(&self.0, name, Mode::from_raw_mode(0o777))?;
        self.walk(name, false)
    }

    fn walk(&self, path: &str, make: bool) -> io::Result<Self> {
        let mut here = Self(rustix::io::fcntl_dupfd_cloexec(&self.0, 0)?);
        for part in path.split('/') {
            if matches!(part, "" | "." | "..") {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path} is no path beneath the project")));
            }
            if make {
                kill_point();
                match rustix::fs::mkdirat(&here.0, part, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            here = Self(rustix::fs::openat(&here.0, part, DIRECTORY, Mode::empty()).map_err(not_a_directory)?);
        }
        Ok(here)
    }

    /// The content of a regular file; `None` where nothing has that name.
    ///
    /// # Errors
    /// Also where something else than a regular file has it.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut file = match rustix::fs::openat(&self.0, name, FILE, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(io::Error::other("it is a symbolic link")),
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(Some(content))
    }

    /// What a name stands for.
    pub(super) fn state(&self, name: &str) -> State {
        match self.read(name) {
            Ok(None) => State::Missing,
            Ok(Some(content)) => State::File(sha256(&content)),
            Err(_) => State::Other,
        }
    }

    /// Whether anything has a name.
    pub(super) fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Moves a file to a name in another directory that nothing has.
    pub(super) fn move_to_new(&self, name: &str, to: &Self, new: &str) -> io::Result<()> {
        match exchange_or_not(self, name, to, new, RenameFlags::NOREPLACE) {
            Err(error) if is_unsupported(&error) => {}
            done => return done,
        }
        match self.link(name, to, new) {
            Ok(()) => return self.remove(name),
            Err(error) if !is_unsupported(&error) && error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            Err(_) => {}
        }
        // Neither that nor second names: then there is nothing better than to look first.
        if to.has(new) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.move_over(name, to, new)
    }

    /// Moves a file over whatever file has the name.
    pub(super) fn move_over(&self, name: &str, to: &Self, new: &str) -> io::Result<()> {
        kill_point();
        Ok(rustix::fs::renameat(&self.0, name, &to.0, new)?)
    }

    /// Has two files change places; `false` where the file system cannot do that.
    pub(super) fn exchange(&self, name: &str, with: &Self, other: &str) -> io::Result<bool> {
        match exchange_or_not(self, name, with, other, RenameFlags::EXCHANGE) {
            Err(error) if is_unsupported(&error) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Gives a file another name besides its own.
    fn link(&self, name: &str, to: &Self, new: &str) -> io::Result<()> {
        #[cfg(debug_assertions)]
        if std::env::var_os("HYDRATE_TEST_NO_EXCHANGE").is_some_and(|what| what == "links") {
            return Err(io::ErrorKind::Unsupported.into());
        }
        kill_point();
        Ok(rustix::fs::linkat(&self.0, name, &to.0, new, AtFlags::empty())?)
    }

    /// Removes a file; one that is not there is none to remove.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        kill_point();
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Removes a directory in this one if nothing is in it.
    pub(super) fn remove_empty(&self, name: &str) -> io::Result<()> {
        kill_point();
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// Writes a file that is not there yet.
    pub(super) fn write_new(&self, name: &str, content: &[u8]) -> io::Result<()> {
        kill_point();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?);
        io::Write::write_all(&mut file, content)
    }

    /// The device that the directory is on.
    pub(super) fn device(&self) -> io::Result<u64> {
        Ok(self.identity()?.0)
    }

    /// Which directory it is, whatever its path: the device and the number on it.
    pub(super) fn identity(&self) -> io::Result<(u64, u64)> {
        let stat = rustix::fs::fstat(&self.0)?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// Whether this user may add and remove names in it.
    pub(super) fn is_writable(&self) -> bool {
        rustix::fs::accessat(&self.0, ".", rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK, AtFlags::EACCESS).is_ok()
    }

    /// The names of the regular files in it.
    pub(super) fn files(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let entry = entry?;
            if entry.file_type() == FileType::RegularFile {
                names.push(entry.file_name().to_bytes().to_vec());
            }
        }
        Ok(names)
    }
}

/// What a name stands for: nothing, a regular file with a digest, or something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Missing,
    /// A regular file with this SHA-256.
    File(String),
    /// A directory, a link, a file that cannot be read.
    Other,
}

impl State {
    /// The state that a digest stands for; `None` is that nothing is there.
    pub(super) fn of(digest: Option<&String>) -> Self {
        digest.map_or(Self::Missing, |digest| Self::File(digest.clone()))
    }
}

fn exchange_or_not(from: &Dir, name: &str, to: &Dir, other: &str, flags: RenameFlags) -> io::Result<()> {
    // Only in builds for development: what is shipped has no such switch.
    #[cfg(debug_assertions)]
    if std::env::var_os("HYDRATE_TEST_NO_EXCHANGE").is_some() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    kill_point();
    Ok(rustix::fs::renameat_with(&from.0, name, &to.0, other, flags)?)
}

/// File systems without the exchange, kernels without the call, and overlays over a lower layer.
fn is_unsupported(error: &io::Error) -> bool {
    let code = Errno::from_io_error(error);
    error.kind() == io::ErrorKind::Unsupported || matches!(code, Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

fn not_a_directory(error: Errno) -> io::Error {
    match error {
        Errno::LOOP => io::Error::other("a symbolic link is on the way, and hydrate follows none"),
        error => error.into(),
    }
}

/// The content of a regular file by its path; `None` for anything else and for nothing. A link in its place is not followed.
pub(super) fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = match rustix::fs::openat(CWD, path, FILE, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(error) => {
            let error = error.into();
            return if is_missing(&error) { Ok(None) } else { Err(error) };
        }
    };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(Some(content))
}
