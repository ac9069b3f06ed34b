//! The journal of a write: what it changes, kept where no revision can put anything, until all of it is done.
//!
//! It lies in the Git directory of the project's work tree, below `hydrate/`; without Git below the user's own state
//! directory. What a repository brings can therefore never pass for what a run has left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::hash::sha256;
use crate::base::whole::may_be_killed_here;
use crate::git::Repository;

use super::disk::Place;

/// The version of the file's form; a journal of another one is an error that names it.
const VERSION: u32 = 1;

const JOURNAL: &str = "journal.json";
const STAGING: &str = "staging";

/// What one write changes, in the order in which it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    version: u32,
    /// The environment whose trees are written.
    pub(super) environment: String,
    /// The files.
    pub(super) steps: Vec<Step>,
    /// Directories that go when they are empty afterwards, innermost first.
    pub(super) directories: Vec<String>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// Its path in the project, with `/`.
    pub(super) path: String,
    /// The SHA-256 that it has before; none where it is new.
    pub(super) before: Option<String>,
    /// The SHA-256 that it is to have; none where it goes.
    pub(super) after: Option<String>,
}

impl Step {
    /// The directory and the name.
    pub(super) fn parts(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }
}

impl Journal {
    pub(super) fn new(environment: &str) -> Self {
        Self { version: VERSION, environment: environment.to_owned(), steps: Vec::new(), directories: Vec::new() }
    }
}

/// Where hydrate keeps what one `manifests/` needs between two runs.
#[derive(Debug, Clone)]
pub(super) struct Keeping {
    dir: PathBuf,
}

impl Keeping {
    /// That of a place. Nothing is made before something is to be kept.
    pub(super) fn of(place: &Place) -> Self {
        let root = place.root();
        let repository = Repository::discover(&root).ok().flatten();
        let within = repository.and_then(|repository| {
            let relative = root.canonicalize().ok()?.strip_prefix(repository.work_tree()).ok()?.join(&place.shown);
            is_ours(repository.git_dir()).then(|| (repository.git_dir().join("hydrate"), relative))
        });
        let (base, named) = within.unwrap_or_else(|| {
            let absolute = root.canonicalize().unwrap_or(root);
            (state_of_user(), absolute.join(&place.shown))
        });
        let name = sha256(named.as_os_str().as_encoded_bytes());
        Self { dir: base.join("writes").join(name.get(..16).unwrap_or(&name)) }
    }

    /// The directory, made if need be.
    pub(super) fn make(&self) -> io::Result<&Path> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        Ok(&self.dir)
    }

    /// Where new files lie until they are moved, unless that is on another file system.
    pub(super) fn files(&self) -> PathBuf {
        self.dir.join("files")
    }

    /// The journal that a run has left, if any.
    pub(super) fn journal(&self) -> io::Result<Option<Journal>> {
        let text = match fs::read(self.dir.join(JOURNAL)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let journal: Journal = serde_json::from_slice(&text).map_err(|error| broken(&self.dir.join(JOURNAL), &error.to_string()))?;
        if journal.version != VERSION {
            return Err(broken(&self.dir.join(JOURNAL), "another version of hydrate wrote it"));
        }
        Ok(Some(journal))
    }

    /// Decides on a write: from here on it is completed, by whoever comes next if need be.
    pub(super) fn decide(&self, journal: &Journal) -> io::Result<()> {
        let text = serde_json::to_vec(journal).map_err(io::Error::other)?;
        let beside = self.dir.join(format!("{JOURNAL}.new"));
        fs::write(&beside, text)?;
        may_be_killed_here();
        fs::rename(beside, self.dir.join(JOURNAL))
    }

    /// Removes a journal that a killed run was still writing: it decided on nothing.
    pub(super) fn forget_draft(&self) -> io::Result<()> {
        remove(&self.dir.join(format!("{JOURNAL}.new")))
    }

    /// Ends a write that is done, or undone.
    pub(super) fn end(&self) -> io::Result<()> {
        may_be_killed_here();
        remove(&self.dir.join(JOURNAL))
    }

    /// The directory below `manifests/` in which new files lie, where they cannot lie here.
    pub(super) fn staging(&self) -> Option<String> {
        fs::read_to_string(self.dir.join(STAGING)).ok().filter(|name| name.starts_with(".hydrate-"))
    }

    /// Notes that directory, before it is made.
    pub(super) fn note_staging(&self, name: &str) -> io::Result<()> {
        may_be_killed_here();
        fs::write(self.dir.join(STAGING), name)
    }

    /// Forgets it once it is gone.
    pub(super) fn forget_staging(&self) -> io::Result<()> {
        remove(&self.dir.join(STAGING))
    }
}

fn broken(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} cannot be read: {why}", path.display()))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Whether a directory belongs to this user, and can be written to.
fn is_ours(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(directory).is_ok_and(|metadata| metadata.uid() == rustix::process::geteuid().as_raw())
        && rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The user's state directory as XDG has it; where there is no home, a directory of this user's in that for temporary files.
fn state_of_user() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    let state = absolute("XDG_STATE_HOME").or_else(home).map(|state| state.join("hydrate"));
    state.unwrap_or_else(|| std::env::temp_dir().join(format!("hydrate-{}", rustix::process::geteuid().as_raw())))
}
