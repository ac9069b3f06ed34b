//! How far reading may go: below directories that the user chose, however a path or a link in them leads.
//!
//! What is rendered was often written by somebody else: a link among their files can lead anywhere. So the
//! [`World`](super::World) of a project opens paths through [`Bounds`]. A path without links is opened in one call of the
//! system that refuses links itself (`openat2` with `RESOLVE_NO_SYMLINKS`; elsewhere name by name), so where it leads is
//! where its text says. A path with links is first resolved to one without, which has to lie inside; it is then opened
//! in the same way, so that a link that is exchanged meanwhile leads nowhere. What Git keeps (`.git` in any spelling,
//! directories of that kind) is never opened: a checkout's token may lie there.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, readlink, statat};
use rustix::io::Errno;

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// How often a path is tried again that changes while it is opened.
const TRIES: usize = 8;

/// What only the kernel fills: whatever a link there means, it is not a file of a project.
const OF_THE_KERNEL: [&str; 3] = ["/proc", "/dev", "/sys"];

/// The directories that may be read.
#[derive(Debug)]
pub struct Bounds {
    /// Without links, the first one first in messages.
    roots: RwLock<Vec<PathBuf>>,
    /// A directory as it was named, and where it is: the two are the same.
    named: Option<(PathBuf, PathBuf)>,
    /// Links that were followed, with where they lead: their paths have no other links. Whatever is opened by way of them is
    /// checked like any other path.
    followed: RwLock<BTreeMap<PathBuf, PathBuf>>,
    /// Whether a directory that is written out, without links, may be added.
    admits: bool,
    what: &'static str,
    advice: String,
}

/// Why something is not read although it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It lies outside of the bounds.
    Outside {
        /// The path that was asked for, or the link on it.
        path: String,
        /// Where the link leads.
        to: Option<String>,
        /// What it lies outside of, and how to allow more.
        of: (&'static str, String),
    },
    /// It is Git's own.
    OfGit {
        /// The path that was asked for, or the link on it.
        path: String,
        /// Where it leads, where that is another path.
        to: Option<String>,
    },
    /// It is no regular file: reading it might never end.
    NoFile(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside { path, to: Some(to), of: (what, advice) } => {
                write!(f, "`{path}` is a link that leads out of {what}, to `{to}` ({advice})")
            }
            Self::Outside { path, to: None, of: (what, advice) } => write!(f, "`{path}` lies outside of {what} ({advice})"),
            Self::OfGit { path, to: Some(to) } => write!(f, "`{path}` leads to `{to}`, which is Git's own and is never read"),
            Self::OfGit { path, to: None } => write!(f, "`{path}` is Git's own and is never read"),
            Self::NoFile(path) => write!(f, "`{path}` is a pipe, a device or a socket: only regular files are read"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, refusal)
    }
}

/// Whether an error is a refusal, and not one of the disk.
pub fn is_refused(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Refusal>)
}

impl Bounds {
    /// Below one directory, which has its links resolved. `what` names it in messages ("the project"), `advice` says how
    /// more is allowed.
    pub fn below(root: PathBuf, what: &'static str, advice: impl Into<String>) -> Self {
        Self { roots: RwLock::new(vec![root]), named: None, followed: RwLock::default(), admits: false, what, advice: advice.into() }
    }

    /// The bounds with another directory in them, which has its links resolved.
    #[must_use]
    pub fn also(self, root: PathBuf) -> Self {
        if !self.holds(&root) {
            self.roots.write().unwrap_or_else(PoisonError::into_inner).push(root);
        }
        self
    }

    /// The bounds, where `named` is another name of a directory in them.
    #[must_use]
    pub fn with_name(mut self, named: PathBuf, real: PathBuf) -> Self {
        self.named = Some((named, real));
        self
    }

    /// The bounds, to which [`Bounds::admit`] may add directories.
    #[must_use]
    pub fn admitting(mut self) -> Self {
        self.admits = true;
        self
    }

    /// Adds a directory that a file names by a path without links, where such may be added.
    pub fn admit(&self, directory: &Path) {
        let plain = directory.is_absolute() && !directory.components().any(|part| part == Component::ParentDir);
        let is_kernels = OF_THE_KERNEL.iter().any(|kernels| directory.starts_with(kernels));
        if !self.admits || !plain || is_kernels || directory.parent().is_none() || self.holds(directory) {
            return;
        }
        if !open_plain(directory, OFlags::PATH).is_err_and(|error| has_link(&error)) {
            self.roots.write().unwrap_or_else(PoisonError::into_inner).push(directory.to_owned());
        }
    }

    /// Whether a path without links and `..` lies inside.
    fn holds(&self, path: &Path) -> bool {
        self.roots.read().unwrap_or_else(PoisonError::into_inner).iter().any(|root| path.starts_with(root))
    }

    /// Opens what a path leads to.
    pub fn open(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let path = self.by_known_links(self.absolute(path)?);
        let written = normal(&path);
        if self.holds(&written) {
            self.check_git(&written)?;
            match open_plain(&path, flags) {
                Err(error) if has_link(&error) => {}
                answer => return answer,
            }
        }
        for _ in 0..TRIES {
            match open_plain(&self.resolve(&path)?, flags) {
                Err(error) if has_link(&error) => {}
                answer => return answer,
            }
        }
        Err(Errno::LOOP.into())
    }

    /// The path with every link resolved.
    pub fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let path = self.by_known_links(self.absolute(path)?);
        let written = normal(&path);
        if self.holds(&written) {
            self.check_git(&written)?;
            match open_plain(&path, OFlags::PATH) {
                Ok(_) => return Ok(written.into_owned()),
                Err(error) if has_link(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let real = self.resolve(&path)?;
        open_plain(&real, OFlags::PATH).map(|_| real)
    }

    /// Whether the names in a directory are those of a Git directory.
    pub(super) fn check_names<'n>(&self, path: &Path, names: impl Iterator<Item = &'n str>) -> io::Result<()> {
        const OWN: [&str; 3] = ["HEAD", "objects", "refs"];
        if names.filter(|name| OWN.contains(name)).count() == OWN.len() { Err(self.of_git(path)) } else { Ok(()) }
    }

    /// The refusal of what is no regular file.
    pub(super) fn no_file(&self, path: &Path) -> io::Error {
        Refusal::NoFile(self.shown(path)).into()
    }

    fn of_git(&self, path: &Path) -> io::Error {
        Refusal::OfGit { path: self.shown(path), to: None }.into()
    }

    /// Refuses what is Git's, met on the way that `first` has begun.
    fn check_git_behind(&self, first: Option<&PathBuf>, at: &Path) -> io::Result<()> {
        match (self.check_git(at), first) {
            (Err(_), Some(link)) => Err(Refusal::OfGit { path: self.shown(link), to: Some(self.shown(at)) }.into()),
            (answer, _) => answer,
        }
    }

    fn absolute<'p>(&self, path: &'p Path) -> io::Result<Cow<'p, Path>> {
        if let Some((named, real)) = &self.named
            && let Ok(rest) = path.strip_prefix(named)
        {
            return Ok(if rest.as_os_str().is_empty() { real.clone() } else { real.join(rest) }.into());
        }
        if path.is_absolute() { Ok(path.into()) } else { Ok(std::env::current_dir()?.join(path).into()) }
    }

    /// The path with the links on it replaced that were followed before.
    fn by_known_links<'p>(&self, mut path: Cow<'p, Path>) -> Cow<'p, Path> {
        let followed = self.followed.read().unwrap_or_else(PoisonError::into_inner);
        if followed.is_empty() || path.components().any(|part| part == Component::ParentDir) {
            return path;
        }
        for _ in 0..MOST_LINKS {
            let known = path.ancestors().find_map(|above| Some((followed.get(above)?, path.strip_prefix(above).ok()?)));
            let Some((real, rest)) = known else { break };
            path = if rest.as_os_str().is_empty() { real.clone() } else { real.join(rest) }.into();
        }
        path
    }

    /// A path as messages name it: relative to the first directory where it lies in it.
    fn shown(&self, path: &Path) -> String {
        let roots = self.roots.read().unwrap_or_else(PoisonError::into_inner);
        let relative = roots.first().and_then(|root| path.strip_prefix(root).ok()).filter(|rest| !rest.as_os_str().is_empty());
        relative.unwrap_or(path).display().to_string()
    }

    /// Refuses what is Git's by the text of a path inside.
    fn check_git(&self, path: &Path) -> io::Result<()> {
        let below = |root: &PathBuf| path.strip_prefix(root).ok().map(|below| below.components().count());
        let count = self.roots.read().unwrap_or_else(PoisonError::into_inner).iter().filter_map(below).min();
        let mut above = path;
        for _ in 0..count.unwrap_or(0) {
            let (Some(name), Some(directory)) = (above.file_name(), above.parent()) else { break };
            // Those files of a Git directory of another name can hold addresses, and so tokens.
            let tells = ["config", "config.worktree", "FETCH_HEAD", "HEAD", "logs", "hooks", "modules"].iter().any(|known| name == *known);
            if is_dot_git(name) || (tells && is_git_directory(directory)) {
                return Err(self.of_git(path));
            }
            above = directory;
        }
        Ok(())
    }

    /// Where a path leads, links followed as long as they end inside.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let roots = self.roots.read().unwrap_or_else(PoisonError::into_inner).clone();
        let inside = |path: &Path| roots.iter().any(|root| path.starts_with(root));
        // These have no links: they are the directories that the user chose, and those above them.
        let known = |path: &Path| roots.iter().any(|root| root.starts_with(path));
        let mut todo: VecDeque<OsString> = path.components().map(|part| part.as_os_str().to_owned()).collect();
        let mut at = PathBuf::from("/");
        let mut links = 0;
        // The first link, and how much of the path comes after it.
        let mut first: Option<PathBuf> = None;
        let mut after = 0;
        let is_plain = !path.components().any(|part| part == Component::ParentDir);
        let mut left: Option<PathBuf> = None;
        let outside = |first: &Option<PathBuf>, left: Option<PathBuf>| -> io::Error {
            let (path, to) = match first {
                Some(link) => (self.shown(link), left.map(|to| to.display().to_string())),
                None => (self.shown(path), None),
            };
            Refusal::Outside { path, to, of: (self.what, self.advice.clone()) }.into()
        };
        let mut target = None;
        loop {
            if first.is_some() && target.is_none() && todo.len() == after {
                target = Some(at.clone());
            }
            let Some(part) = todo.pop_front() else { break };
            match part.as_encoded_bytes() {
                b"/" => at = PathBuf::from("/"),
                b"." => {}
                b".." => drop(at.pop()),
                _ => {
                    at.push(&part);
                    if known(&at) {
                        continue;
                    }
                    let here = inside(&at);
                    if here {
                        self.check_git_behind(first.as_ref(), &at)?;
                    } else {
                        left.get_or_insert_with(|| todo.iter().fold(at.clone(), |path, part| path.join(part)));
                        if OF_THE_KERNEL.iter().any(|kernels| at == Path::new(kernels)) {
                            return Err(outside(&first, left));
                        }
                    }
                    match readlink(&at, Vec::new()) {
                        Ok(target) => {
                            links += 1;
                            if links > MOST_LINKS {
                                return Err(Errno::LOOP.into());
                            }
                            if first.is_none() {
                                first = Some(at.clone());
                                after = todo.len();
                            }
                            at.pop();
                            let target = PathBuf::from(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(target.as_bytes()));
                            target.components().rev().for_each(|part| todo.push_front(part.as_os_str().to_owned()));
                        }
                        Err(Errno::INVAL) => {}
                        Err(error) if here => return Err(error.into()),
                        Err(_) => return Err(outside(&first, left)),
                    }
                }
            }
        }
        if !inside(&at) {
            return Err(outside(&first, Some(left.unwrap_or(at))));
        }
        if let (Some(link), Some(target)) = (first, target)
            && is_plain
            && inside(&link)
            && inside(&target)
        {
            self.followed.write().unwrap_or_else(PoisonError::into_inner).insert(link, target);
        }
        Ok(at)
    }
}

/// The path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> Cow<'_, Path> {
    if !path.components().any(|part| part == Component::ParentDir) {
        return path.into();
    }
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal.into()
}

/// Whether a name is `.git` on any file system that Git knows of: in capitals, with the characters that HFS+ passes over, or as the
/// short name that FAT gives it.
pub fn is_dot_git(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    if bytes.eq_ignore_ascii_case(b".git") || bytes.eq_ignore_ascii_case(b"git~1") {
        return true;
    }
    if bytes.is_ascii() {
        // NTFS and FAT drop blanks and full stops at the end.
        return bytes.len() > 4
            && bytes
                .trim_ascii_end()
                .split_at_checked(4)
                .is_some_and(|(start, rest)| start.eq_ignore_ascii_case(b".git") && rest.iter().all(|byte| matches!(byte, b' ' | b'.')));
    }
    let ignored =
        |letter: &char| matches!(*letter, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let text = name.to_string_lossy();
    let kept: String = text.chars().filter(|letter| !ignored(letter)).collect();
    kept.eq_ignore_ascii_case(".git")
}

/// Whether a directory has what Git takes for a repository.
fn is_git_directory(directory: &Path) -> bool {
    let there = |name: &str| statat(CWD, directory.join(name), AtFlags::SYMLINK_NOFOLLOW).is_ok();
    there("HEAD") && there("objects") && there("refs")
}

/// Whether a name in a listing is hidden from the engines.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    is_dot_git(name)
}

fn has_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// Opens an absolute path, on which no name may be a link (`ELOOP`).
fn open_plain(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{ResolveFlags, openat2};
        for _ in 0..TRIES {
            match openat2(CWD, path, flags | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS) {
                Err(Errno::AGAIN) => {}
                // A kernel, or a container, that does not know it.
                Err(Errno::NOSYS | Errno::PERM) => break,
                answer => return answer.map_err(io::Error::from),
            }
        }
    }
    open_by_name(path, flags)
}

/// The same with one call for each name.
fn open_by_name(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut parts = path.components().peekable();
    let mut at = openat(CWD, "/", through, Mode::empty())?;
    while let Some(part) = parts.next() {
        let name = match part {
            Component::Normal(name) => name,
            Component::ParentDir => OsStr::new(".."),
            _ => continue,
        };
        let opened = openat(&at, name, if parts.peek().is_some() { through } else { flags }, Mode::empty());
        let is_link = || statat(&at, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_symlink());
        at = match opened {
            Err(Errno::NOTDIR | Errno::LOOP) if is_link() => return Err(Errno::LOOP.into()),
            // What is opened by its path alone may be the link itself.
            Ok(_) if flags.contains(OFlags::PATH) && is_link() => return Err(Errno::LOOP.into()),
            opened => opened?,
        };
    }
    if path.parent().is_none() { Ok(openat(CWD, "/", flags, Mode::empty())?) } else { Ok(at) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        for path in ["root/a/b", "root/a/.git", "root/meta/objects", "root/meta/refs", "outside"] {
            fs::create_dir_all(top.join(path)).unwrap();
        }
        for path in ["root/f", "root/a/b/f", "root/a/.git/config", "root/meta/HEAD", "root/meta/config", "root/meta/logs", "outside/f"] {
            fs::write(top.join(path), path).unwrap();
        }
        let links = [
            ("a/in", "b/f"),
            ("a/up", "../f"),
            ("a/dir", "b"),
            ("a/top", ".."),
            ("a/chain", "top/a/dir/f"),
            ("a/out", "../../outside/f"),
            ("a/out-dir", "../../outside"),
            ("a/around", "../../outside/../root/f"),
            ("a/nowhere", "../../outside/nothing"),
            ("a/missing", "b/nothing"),
            ("a/loop", "loop"),
            ("a/environ", "/proc/self/environ"),
            ("a/magic", "/proc/self/cwd"),
            ("a/git", ".git/config"),
            ("a/meta", "../meta/config"),
        ];
        links.iter().for_each(|(link, to)| symlink(to, top.join("root").join(link)).unwrap());
        symlink(top.join("root/a/b"), top.join("root/a/absolute")).unwrap();
        symlink(top.join("outside"), top.join("root/a/absolute-out")).unwrap();
        (directory, top)
    }

    fn read(bounds: &Bounds, path: &Path) -> io::Result<String> {
        io::read_to_string(fs::File::from(bounds.open(path, OFlags::RDONLY)?))
    }

    #[test]
    fn links_that_stay_inside_are_followed() {
        let (_directory, top) = tree();
        let root = top.join("root");
        let bounds = Bounds::below(root.clone(), "the root", "no");
        // Twice: once by way of links, once by what was learnt.
        for _ in 0..2 {
            for (path, content) in [
                ("f", "root/f"),
                ("a/in", "root/a/b/f"),
                ("a/up", "root/f"),
                ("a/dir/f", "root/a/b/f"),
                ("a/absolute/f", "root/a/b/f"),
                ("a/chain", "root/a/b/f"),
                ("a/around", "root/f"),
                ("a/top/a/top/a/dir/f", "root/a/b/f"),
                ("a/dir/../../f", "root/f"),
                ("a/../f", "root/f"),
            ] {
                assert_eq!(read(&bounds, &root.join(path)).unwrap(), content, "{path}");
                assert_eq!(bounds.canonical(&root.join(path)).unwrap(), top.join(content), "{path}");
            }
            for path in ["a/missing", "nothing", "a/dir/nothing"] {
                assert_eq!(read(&bounds, &root.join(path)).unwrap_err().kind(), io::ErrorKind::NotFound, "{path}");
            }
            assert!(!is_refused(&read(&bounds, &root.join("a/loop")).unwrap_err()));
        }
        assert!(!bounds.followed.read().unwrap().is_empty());
    }

    #[test]
    fn what_leads_out_is_refused_whether_or_not_it_is_there() {
        let (_directory, top) = tree();
        let root = top.join("root");
        let bounds = Bounds::below(root.clone(), "the root", "no");
        for path in
            ["a/out", "a/out-dir/f", "a/absolute-out/f", "a/nowhere", "a/environ", "a/magic/a", "a/top/../outside/f", "../outside/f"]
        {
            let error = read(&bounds, &root.join(path)).unwrap_err();
            assert!(is_refused(&error) && is_refused(&bounds.canonical(&root.join(path)).unwrap_err()), "{path}: {error}");
        }
        let error = read(&bounds, &root.join("a/out")).unwrap_err().to_string();
        assert_eq!(error, format!("`a/out` is a link that leads out of the root, to `{}` (no)", top.join("outside/f").display()));
        assert!(is_refused(&read(&bounds, &top.join("outside/f")).unwrap_err()));
        // Meanwhile a link that was followed leads elsewhere.
        assert!(read(&bounds, &root.join("a/dir/f")).is_ok());
        fs::remove_dir_all(root.join("a/b")).unwrap();
        symlink(top.join("outside"), root.join("a/b")).unwrap();
        assert!(is_refused(&read(&bounds, &root.join("a/dir/f")).unwrap_err()));
    }

    #[test]
    fn what_is_gits_own_is_refused() {
        let (_directory, top) = tree();
        let root = top.join("root");
        let bounds = Bounds::below(root.clone(), "the root", "no");
        for path in ["a/.git/config", "a/.GIT/config", "a/git", "a/b/../.git/config", "a/top/a/.git", "meta/config", "meta/logs", "a/meta"]
        {
            assert!(is_refused(&read(&bounds, &root.join(path)).unwrap_err()), "{path}");
        }
        for name in [".git", ".Git", "GIT~1", ".git ", ".git. .", ".g\u{200c}it"] {
            assert!(is_dot_git(OsStr::new(name)), "{name:?}");
        }
        for name in [".gitignore", ".gitea", "git", "x.git", "git~10", ".gît"] {
            assert!(!is_dot_git(OsStr::new(name)), "{name:?}");
        }
        assert!(bounds.check_names(&root, ["HEAD", "a", "objects", "refs"].into_iter()).is_err());
        assert!(bounds.check_names(&root, ["HEAD", "objects"].into_iter()).is_ok());
    }

    #[test]
    fn names_and_admitted_directories() {
        let (_directory, top) = tree();
        symlink(top.join("root/a"), top.join("name")).unwrap();
        let bounds = Bounds::below(top.join("root/a"), "it", "no").with_name(top.join("name"), top.join("root/a")).admitting();
        assert_eq!(read(&bounds, &top.join("name/in")).unwrap(), "root/a/b/f");
        assert!(is_refused(&read(&bounds, &top.join("outside/f")).unwrap_err()));
        for refused in [Path::new("/proc/self"), Path::new("/"), &top.join("root/a/absolute-out"), Path::new("outside")] {
            bounds.admit(refused);
        }
        assert!(is_refused(&read(&bounds, &top.join("outside/f")).unwrap_err()));
        bounds.admit(&top.join("outside"));
        assert_eq!(read(&bounds, &top.join("outside/f")).unwrap(), "outside/f");
    }

    #[test]
    fn without_the_call_of_the_system_the_same_is_opened() {
        let (_directory, top) = tree();
        let root = top.join("root");
        for path in ["f", "a/b/f", "a", "a/../f", "", "a/in", "a/dir", "a/dir/f", "a/out", "a/out-dir/f", "nothing", "f/x", "a/loop"] {
            for flags in [OFlags::RDONLY, OFlags::PATH] {
                let identity = |file: io::Result<OwnedFd>| match file {
                    Ok(file) => rustix::fs::fstat(file).map(|stat| (stat.st_dev, stat.st_ino)).map_err(|error| error.raw_os_error()),
                    Err(error) => Err(error.raw_os_error().unwrap_or_default()),
                };
                let path = root.join(path);
                assert_eq!(identity(open_by_name(&path, flags)), identity(open_plain(&path, flags)), "{}", path.display());
            }
        }
    }
}
