//! A revision as a World: the project as it was then. Nothing is checked out; what Git does not keep (files that it ignores, and what lies outside of the
//! repository) is taken to have been as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::{ObjectType, RepositoryOpenFlags, TreeWalkMode, TreeWalkResult};

use hydrate_base::world::not_found;
use hydrate_base::{DiskWorld, FileKind, Result, World};

use super::command::{self};
use super::revision::unknown;
use super::{Ignored, LineEndings, Repository, lfs, revision};

/// A link of Git's.
const LINK: &str = "120000";

/// So many links may lead to one file.
const LINKS: usize = 40;

/// The files of a revision, over the disk for what Git does not keep.
#[derive(Debug)]
pub struct Snapshot {
    repository: Repository,
    /// Mode and id by the path in the repository.
    files: BTreeMap<String, (String, String)>,
    /// The names in each directory.
    directories: BTreeMap<String, BTreeSet<String>>,
    contents: Mutex<BTreeMap<String, Arc<[u8]>>>,
    ignored: Ignored,
    endings: LineEndings,
    disk: DiskWorld,
}

/// What a path is.
enum Found {
    /// A file of the revision: its path there, and the id of its content.
    File(String, String),
    Directory(String),
    Missing,
    /// It is not for Git to say.
    OnDisk,
}

impl Snapshot {
    /// A revision of the repository that the project at `root` lies in, over the disk as the project may read it.
    ///
    /// # Errors
    /// What is no repository or no revision, and what cannot be read.
    pub fn of(root: &Path, revision: &str, disk: DiskWorld) -> Result<Self> {
        let repository = Repository::of(root)?;
        let files = match in_process(&repository, revision) {
            Some(files) => files,
            None => {
                let tree = tree_of(&repository, revision)?;
                revision::entries(&repository, &tree, &[])?
            }
        };
        let mut directories: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        directories.entry(String::new()).or_default();
        for path in files.keys() {
            let mut below = path.as_str();
            while let Some((directory, name)) = below.rsplit_once('/').or((!below.is_empty()).then_some(("", below))) {
                if !directories.entry(directory.to_owned()).or_default().insert(name.to_owned()) {
                    break;
                }
                below = directory;
            }
        }
        let (ignored, endings) = (Ignored::at(root), LineEndings::at(root));
        Ok(Self { repository, files, directories, contents: Mutex::default(), ignored, endings, disk })
    }

    /// Whether a file has the same content now.
    pub fn has_same(&self, path: &Path, now: &DiskWorld) -> bool {
        match (self.read(path), now.read(path)) {
            (Ok(then), Ok(now)) => then == now || self.endings.same_text(path, &now, &then),
            (Err(then), Err(now)) => then.kind() == now.kind(),
            _ => false,
        }
    }

    /// The names in a directory of the revision; none where there is no such directory.
    pub fn names(&self, directory: &Path) -> Vec<String> {
        let Some(Found::Directory(path)) = self.find(directory).ok() else { return Vec::new() };
        self.directories.get(&path).into_iter().flatten().cloned().collect()
    }

    fn is_ignored(&self, path: &Path) -> bool {
        // What is said of a directory is said of what is in it.
        self.ignored.has(path) || self.ignored.has(&path.join("x"))
    }

    fn find(&self, path: &Path) -> io::Result<Found> {
        let mut links = 0;
        let mut path = path.to_owned();
        'again: loop {
            let Ok(below) = path.strip_prefix(self.repository.work_tree()) else { return Ok(Found::OnDisk) };
            let parts: Vec<String> = normal(below)?;
            let mut here = String::new();
            for (at, part) in parts.iter().enumerate() {
                let next = if here.is_empty() { part.clone() } else { format!("{here}/{part}") };
                match self.files.get(&next) {
                    Some((mode, id)) if mode == LINK => {
                        links += 1;
                        if links > LINKS {
                            return Err(io::Error::other("too many levels of symbolic links"));
                        }
                        let target = self.content(&next, id)?;
                        let target = PathBuf::from(String::from_utf8_lossy(&target).into_owned());
                        let rest: PathBuf = parts[at + 1..].iter().collect();
                        path = self.repository.work_tree().join(here).join(target).join(rest);
                        continue 'again;
                    }
                    Some((_, id)) if at + 1 == parts.len() => return Ok(Found::File(next, id.clone())),
                    Some(_) => return Err(io::ErrorKind::NotADirectory.into()),
                    None if self.directories.contains_key(&next) => here = next,
                    None if self.is_ignored(&self.repository.work_tree().join(&next)) => return Ok(Found::OnDisk),
                    None => return Ok(Found::Missing),
                }
            }
            return Ok(Found::Directory(here));
        }
    }

    fn content(&self, path: &str, id: &str) -> io::Result<Arc<[u8]>> {
        if let Some(known) = self.contents.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Arc::clone(known));
        }
        let bytes = match blob(&self.repository, id) {
            Some(bytes) => bytes,
            None => {
                let all = revision::contents(&self.repository, &[id]).map_err(|error| io::Error::other(error.message))?;
                all.into_iter().next().unwrap_or_default()
            }
        };
        let mut files = BTreeMap::from([(path.to_owned(), bytes)]);
        lfs::smudge(&self.repository, &mut files);
        let bytes: Arc<[u8]> = files.into_values().next().unwrap_or_default().into();
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), Arc::clone(&bytes));
        Ok(bytes)
    }
}

impl World for Snapshot {
    fn read(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        match self.find(path)? {
            Found::File(path, id) => self.content(&path, &id),
            Found::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
            Found::Missing => Err(not_found(path)),
            Found::OnDisk => self.disk.read(path),
        }
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        match self.find(path)? {
            Found::File(..) => Ok(FileKind::File),
            Found::Directory(_) => Ok(FileKind::Directory),
            Found::Missing => Err(not_found(path)),
            Found::OnDisk => self.disk.kind(path),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        match self.find(path)? {
            Found::Directory(here) => {
                let mut names = self.directories.get(&here).cloned().unwrap_or_default();
                let on_disk = self.disk.list(path).unwrap_or_default();
                names.extend(on_disk.into_iter().filter(|name| self.is_ignored(&self.repository.work_tree().join(&here).join(name))));
                Ok(names.into_iter().collect())
            }
            Found::File(..) => Err(io::ErrorKind::NotADirectory.into()),
            Found::Missing => Err(not_found(path)),
            Found::OnDisk => self.disk.list(path),
        }
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        match self.find(path)? {
            Found::File(path, _) | Found::Directory(path) => Ok(self.repository.work_tree().join(path)),
            Found::Missing => Err(not_found(path)),
            Found::OnDisk => self.disk.canonical(path),
        }
    }

    fn now(&self) -> i128 {
        self.disk.now()
    }

    fn random(&self, buffer: &mut [u8]) {
        self.disk.random(buffer);
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.disk.variable(name)
    }
}

/// The parts of a path below the top of the work tree, `..` carried out; one that leads above it has none.
fn normal(below: &Path) -> io::Result<Vec<String>> {
    let mut parts = Vec::new();
    for part in below.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str().ok_or(io::ErrorKind::InvalidFilename)?.to_owned()),
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    Ok(parts)
}

fn open(repository: &Repository) -> Option<git2::Repository> {
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT | RepositoryOpenFlags::BARE;
    git2::Repository::open_ext(repository.git_dir(), flags, [] as [&OsStr; 0]).ok()
}

fn blob(repository: &Repository, id: &str) -> Option<Vec<u8>> {
    let opened = open(repository)?;
    let found = opened.find_blob(git2::Oid::from_str(id).ok()?).ok()?;
    Some(found.content().to_vec())
}

/// `None` where libgit2 cannot read the repository, or not all of it, and where there is no such revision.
fn in_process(repository: &Repository, revision: &str) -> Option<BTreeMap<String, (String, String)>> {
    let opened = open(repository)?;
    let tree = opened.revparse_single(revision).and_then(|object| object.peel_to_tree()).ok()?;
    let mut files = BTreeMap::new();
    let walked = tree.walk(TreeWalkMode::PreOrder, |parent, entry| {
        if let (Some(ObjectType::Blob), Ok(name)) = (entry.kind(), entry.name()) {
            files.insert(format!("{parent}{name}"), (format!("{:06o}", entry.filemode()), entry.id().to_string()));
        }
        TreeWalkResult::Ok
    });
    walked.ok().map(|()| files)
}

fn tree_of(repository: &Repository, revision: &str) -> Result<String> {
    let mut asked = repository.reading_git();
    asked.args(["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{tree}}")]);
    let said = command::run(asked, b"")?;
    let tree = said.text().lines().last().unwrap_or_default().to_owned();
    if said.status.success() {
        return Ok(tree);
    }
    Err(unknown(repository, revision, said.stderr.lines().next().unwrap_or_default()))
}
