//! How far reading may go: the directories that a world's files lie in, whatever links say.
//!
//! A repository can hold links to anything that the user who renders it can read: keys, tokens, the environment of a process. What a
//! link leads to is therefore looked at before it is read, and a way without links is opened in one call that follows none.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

/// File systems whose files are no files of anybody.
const SPECIAL: [&str; 3] = ["/dev", "/proc", "/sys"];

/// What reading is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// Everything that is read lies inside.
    All,
    /// What is read by way of a link lies inside; a way without links leads anywhere.
    Links,
}

/// The directories that reading is held to.
#[derive(Debug)]
pub struct Boundary {
    roots: Vec<Root>,
    hold: Hold,
    /// Directories inside that are not read: those of Git.
    closed: Vec<PathBuf>,
    /// Paths that the user has named, and that lead wherever they lead.
    named: Vec<PathBuf>,
    /// What the roots are, for messages: `the project`.
    inside: String,
    /// How to allow more.
    advice: String,
}

#[derive(Debug)]
struct Root {
    path: PathBuf,
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    dir: File,
}

impl Boundary {
    /// Everything that is read has to lie in a directory, and in none of the `closed` ones. `inside` and `advice` are for messages:
    /// what the directory is, and how to allow more.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn all(root: &Path, closed: Vec<PathBuf>, inside: &str, advice: &str) -> io::Result<Self> {
        Self::new(&[root.to_owned()], Hold::All, closed, inside, advice)
    }

    /// Links lead no further than some directories. What is `named` is read wherever it leads.
    ///
    /// # Errors
    /// When a directory cannot be opened.
    pub fn links(roots: &[PathBuf], closed: Vec<PathBuf>, inside: &str, advice: &str) -> io::Result<Self> {
        Self::new(roots, Hold::Links, closed, inside, advice)
    }

    fn new(roots: &[PathBuf], hold: Hold, closed: Vec<PathBuf>, inside: &str, advice: &str) -> io::Result<Self> {
        let open = |path: &PathBuf| {
            let path = fs::canonicalize(path)?;
            Ok(Root { dir: File::open(&path)?, path })
        };
        let roots = roots.iter().map(open).collect::<io::Result<_>>()?;
        Ok(Self { roots, hold, closed, named: Vec::new(), inside: inside.to_owned(), advice: advice.to_owned() })
    }

    /// The boundary with paths that the user has named.
    #[must_use]
    pub fn naming(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.named.extend(paths);
        self
    }

    /// Whether the user has named a path.
    pub(super) fn is_named(&self, path: &Path) -> bool {
        self.named.iter().any(|named| named == path)
    }

    /// Opens a file or directory for reading, without waiting for anybody at its other end.
    ///
    /// # Errors
    /// `PermissionDenied`, with a text that says where it leads and how to allow that, for what lies outside.
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        if self.is_named(path) {
            return File::open(path);
        }
        let absolute = std::path::absolute(path)?;
        match self.open_without_links(&absolute) {
            Some(opened) => opened,
            None => self.open_resolved(path, &absolute),
        }
    }

    /// One call for a way on which there are no links; `None` where there are some, or where that cannot be known.
    #[cfg(target_os = "linux")]
    fn open_without_links(&self, absolute: &Path) -> Option<io::Result<File>> {
        use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
        if absolute.components().any(|part| part == Component::ParentDir) || self.is_closed(absolute) {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let plain = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let within = self.roots.iter().find_map(|root| Some((root, absolute.strip_prefix(&root.path).ok()?)));
        let opened = match within {
            Some((root, rest)) => {
                let rest = if rest.as_os_str().is_empty() { Path::new(".") } else { rest };
                openat2(&root.dir, rest, flags, Mode::empty(), plain | ResolveFlags::BENEATH)
            }
            None if self.hold == Hold::Links && !is_special(absolute) => openat2(CWD, absolute, flags, Mode::empty(), plain),
            None => return None,
        };
        match opened {
            Ok(file) => Some(Ok(file.into())),
            Err(error @ (rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::ACCESS)) => Some(Err(error.into())),
            Err(_) => None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open_without_links(&self, _: &Path) -> Option<io::Result<File>> {
        None
    }

    /// Opens what a path leads to, if that is inside.
    fn open_resolved(&self, path: &Path, absolute: &Path) -> io::Result<File> {
        let real = fs::canonicalize(path)?;
        if self.is_closed(&real) {
            return Err(refused(path, &real, "it belongs to Git, and no source reads that"));
        }
        let is_inside = self.roots.iter().any(|root| real.starts_with(&root.path));
        let has_no_link = || self.hold == Hold::Links && !is_special(&real) && real == normalized(absolute);
        if !is_inside && !has_no_link() {
            return Err(refused(path, &real, &format!("that is outside of {}; {}", self.inside, self.advice)));
        }
        open_real(&real)
    }

    /// Whether a path is in a Git directory, or is what leads to one.
    fn is_closed(&self, path: &Path) -> bool {
        let below = self.roots.iter().find_map(|root| path.strip_prefix(&root.path).ok()).unwrap_or(path);
        let is_git = |part: Component<'_>| part.as_os_str().eq_ignore_ascii_case(".git");
        below.components().any(is_git) || self.closed.iter().any(|closed| path.starts_with(closed))
    }
}

/// Opens a path that has just been resolved; where somebody has put a link on it since, that is an error.
fn open_real(real: &Path) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match openat2(CWD, real, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS) {
            Ok(file) => return Ok(file.into()),
            // Kernels before 5.6, and containers that do not know the call.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    use std::os::unix::fs::OpenOptionsExt;
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    fs::OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(real)
}

fn is_special(path: &Path) -> bool {
    SPECIAL.iter().any(|special| path.starts_with(special))
}

/// The path without `.` and `..`, links not followed.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

fn refused(path: &Path, real: &Path, why: &str) -> io::Error {
    // The number of this process says nothing, and differs from run to run.
    let shown = real.display().to_string().replace(&format!("/proc/{}/", std::process::id()), "/proc/self/");
    let leads = if normalized(path) == real { String::new() } else { format!("it leads to {shown}: ") };
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{leads}{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    fn read(boundary: &Boundary, path: &Path) -> Result<String, String> {
        let mut text = String::new();
        let read = boundary.open(path).and_then(|mut file| file.read_to_string(&mut text));
        read.map(|_| text).map_err(|error| error.to_string())
    }

    #[test]
    fn ways_in_and_ways_out() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        let root = top.join("root");
        fs::create_dir_all(root.join("a/.git")).unwrap();
        fs::create_dir_all(root.join("meta")).unwrap();
        for file in ["root/a/file", "root/a/.git/config", "root/meta/config", "outside"] {
            fs::write(top.join(file), "content").unwrap();
        }
        symlink("file", root.join("a/relative")).unwrap();
        symlink(root.join("a/file"), root.join("a/absolute")).unwrap();
        symlink("../../outside", root.join("a/out")).unwrap();
        symlink(top.join("outside"), root.join("a/out-absolute")).unwrap();
        symlink("out", root.join("a/chain")).unwrap();
        symlink("../..", root.join("a/up")).unwrap();
        symlink("/proc/self/environ", root.join("a/environ")).unwrap();
        symlink(".git/config", root.join("a/git")).unwrap();
        let all = Boundary::all(&root, vec![root.join("meta")], "the project", "allow it").unwrap();
        let links = Boundary::links(std::slice::from_ref(&root), Vec::new(), "the chart", "allow it").unwrap();
        for inside in ["a/file", "a/relative", "a/absolute", "a/../a/file", "a/up/root/a/file"] {
            assert_eq!(read(&all, &root.join(inside)).unwrap(), "content", "{inside}");
            assert_eq!(read(&links, &root.join(inside)).unwrap(), "content", "{inside}");
        }
        for outside in ["a/out", "a/out-absolute", "a/chain", "a/up/outside", "a/environ"] {
            for boundary in [&all, &links] {
                let error = read(boundary, &root.join(outside)).unwrap_err();
                assert!(error.contains("it leads to /") && error.contains("outside of the") && error.ends_with("allow it"), "{error}");
            }
        }
        for closed in ["a/.git/config", "a/.GIT/config", "a/git", "a/x/../.git/config", "meta/config", "a/up/root/a/.git/config"] {
            assert!(read(&all, &root.join(closed)).is_err(), "{closed}");
        }
        for way in [root.join("../outside"), top.join("outside"), root.join("a/../../outside")] {
            assert!(read(&all, &way).unwrap_err().contains("outside of the project"), "{}", way.display());
            assert_eq!(read(&links, &way).unwrap(), "content", "{}", way.display());
        }
        assert!(read(&links, Path::new("/proc/self/environ")).is_err());
        let named = links.naming([root.join("a/out")]);
        assert_eq!(read(&named, &root.join("a/out")).unwrap(), "content");
        assert!(read(&named, &root.join("a/chain")).is_err());
    }
}
