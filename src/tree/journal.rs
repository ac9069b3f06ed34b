//! The journal of a write: what it changes, kept where no revision can put anything, until all of it is done.
//!
//! It lies in the Git directory of the project's work tree, below `hydrate/`; without Git below the user's own state
//! directory. What a repository brings can therefore never pass for what a run has left. It has its own digest in it and is synced to the
//! disk before the first change, so that it is there after a power failure too.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rand_core::RngCore;
use serde::{Deserialize, Serialize};

use crate::git::Repository;
use hydrate_base::hash::{hex, sha256};
use hydrate_base::kill_point;
use hydrate_base::world::is_missing;

use super::disk::Place;

/// What the first line of the file begins with: the version of its form. Behind it stands the SHA-256 of everything below that line.
const HEAD: &str = "hydrate write 2 ";

const JOURNAL: &str = "journal.json";
const STAGING: &str = "staging";
const BACK: &str = "back";

/// What one write changes, in the order in which it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// What the names of files beside their targets begin with. Nobody can know it beforehand.
    pub(super) mark: String,
    /// The number that the file system knows `manifests/` by: another directory at the same path is none of this journal's business.
    tree: u64,
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
        let mut random = [0; 8];
        rand_core::OsRng.fill_bytes(&mut random);
        let mark = format!(".hydrate-{}", hex(&random));
        Self { mark, tree: 0, environment: environment.to_owned(), steps: Vec::new(), directories: Vec::new() }
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        let body = serde_json::to_vec(self).map_err(io::Error::other)?;
        Ok([format!("{HEAD}{}\n", sha256(&body)).as_bytes(), &body].concat())
    }

    /// `None` where it is not what was written.
    fn parse(text: &[u8]) -> Option<Self> {
        let line = text.iter().position(|byte| *byte == b'\n')?;
        let (head, body) = text.split_at_checked(line + 1)?;
        if head != format!("{HEAD}{}\n", sha256(body)).as_bytes() {
            return None;
        }
        serde_json::from_slice(body).ok()
    }
}

/// What a run has left behind.
#[derive(Debug)]
pub(super) enum Left {
    /// No journal.
    Nothing,
    /// A write that is to be completed.
    Write(Journal),
    /// A journal that is not as it was written, at this path: what it was about is not known.
    Damaged(PathBuf),
}

/// Where hydrate keeps what one `manifests/` needs between two runs.
#[derive(Debug, Clone)]
pub(super) struct Keeping {
    dir: PathBuf,
    /// The directory above which nobody else is expected to write, where that is not the Git directory.
    base: Option<PathBuf>,
}

impl Keeping {
    /// Those of a place: where writes are kept, and where they may have been kept before the project had a Git repository. Nothing is made
    /// before something is to be kept.
    pub(super) fn of(place: &Place) -> (Self, Option<Self>) {
        let root = place.root();
        let repository = Repository::discover(&root).ok().flatten();
        let absolute = root.canonicalize().unwrap_or(root);
        let of_user = || Self::below(state_of_user(), &absolute.join(&place.shown));
        let in_git = repository.filter(|repository| is_ours(repository.git_dir())).and_then(|repository| {
            let relative = absolute.strip_prefix(repository.work_tree()).ok()?.join(&place.shown);
            Some(Self { dir: within(&repository.git_dir().join("hydrate"), &relative), base: None })
        });
        match in_git {
            Some(keeping) => (keeping, Some(of_user())),
            None => (of_user(), None),
        }
    }

    /// That of one `manifests/` below a directory that nobody else may write to.
    pub(super) fn below(base: PathBuf, manifests: &Path) -> Self {
        Self { dir: within(&base, manifests), base: Some(base) }
    }

    /// The directory, made if need be.
    pub(super) fn make(&self) -> io::Result<&Path> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        match self.foreign() {
            None => Ok(&self.dir),
            Some(path) => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{} is not this user's alone; name another directory in XDG_STATE_HOME", path.display()),
            )),
        }
    }

    /// Where new files lie until they are moved, unless that is on another file system.
    pub(super) fn files(&self) -> PathBuf {
        self.dir.join("files")
    }

    /// What a run has left. What others may have put there does not count, nor does what was about another directory.
    pub(super) fn left(&self, place: &Place) -> io::Result<Left> {
        let path = self.dir.join(JOURNAL);
        let text = match fs::read(&path) {
            Ok(_) if self.foreign().is_some() => return Ok(Left::Nothing),
            Ok(text) => text,
            Err(error) if is_missing(&error) => return Ok(Left::Nothing),
            Err(error) => return Err(error),
        };
        Ok(match Journal::parse(&text) {
            None => Left::Damaged(path),
            Some(journal) if self.base.is_some() && number_of(place)? != journal.tree => Left::Nothing,
            Some(journal) => Left::Write(journal),
        })
    }

    /// Decides on a write: from here on it is completed, by whoever comes next if need be. The journal is on the disk before anything that
    /// it tells of changes.
    pub(super) fn decide(&self, journal: &Journal, place: &Place) -> io::Result<()> {
        let journal = Journal { tree: number_of(place)?, ..journal.clone() };
        let beside = self.dir.join(format!("{JOURNAL}.new"));
        let mut file = File::create(&beside)?;
        file.write_all(&journal.text()?)?;
        file.sync_all()?;
        kill_point();
        fs::rename(beside, self.dir.join(JOURNAL))?;
        File::open(&self.dir)?.sync_all()
    }

    /// Decides that the write is taken back.
    pub(super) fn turn_back(&self) -> io::Result<()> {
        kill_point();
        File::create(self.dir.join(BACK)).map(drop)
    }

    /// Whether that was decided.
    pub(super) fn is_turned_back(&self) -> bool {
        self.dir.join(BACK).exists()
    }

    /// Removes a journal that a killed run was still writing, which decided on nothing, and the mark of one that was taken back.
    pub(super) fn forget_drafts(&self) -> io::Result<()> {
        remove(&self.dir.join(format!("{JOURNAL}.new")))?;
        remove(&self.dir.join(BACK))
    }

    /// Moves all that is kept to a directory where nothing looks for it; gives its path.
    pub(super) fn set_aside(&self) -> io::Result<PathBuf> {
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for number in 1.. {
            let aside = self.dir.with_file_name(format!("{name}.damaged-{number}"));
            match fs::create_dir(&aside) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    made?;
                    kill_point();
                    return fs::rename(&self.dir, &aside).map(|()| aside);
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// A directory on the way, from the base on, that others may write to.
    fn foreign(&self) -> Option<PathBuf> {
        use std::os::unix::fs::MetadataExt;
        let base = self.base.as_ref()?;
        let own = rustix::process::geteuid().as_raw();
        let is_own = |path: &Path| {
            fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own && metadata.mode() & 0o022 == 0)
        };
        self.dir.ancestors().take_while(|path| path.starts_with(base)).find(|path| !is_own(path)).map(Path::to_owned)
    }

    /// Ends a write that is done, or undone.
    pub(super) fn end(&self) -> io::Result<()> {
        kill_point();
        remove(&self.dir.join(JOURNAL))
    }

    /// The directory below `manifests/` in which new files lie, where they cannot lie here.
    pub(super) fn staging(&self) -> Option<String> {
        fs::read_to_string(self.dir.join(STAGING)).ok().filter(|name| name.starts_with(".hydrate-"))
    }

    /// Notes that directory, before it is made.
    pub(super) fn note_staging(&self, name: &str) -> io::Result<()> {
        kill_point();
        fs::write(self.dir.join(STAGING), name)
    }

    /// Forgets it once it is gone.
    pub(super) fn forget_staging(&self) -> io::Result<()> {
        remove(&self.dir.join(STAGING))
    }
}

/// The directory for one `manifests/`, named after where it is.
fn within(base: &Path, manifests: &Path) -> PathBuf {
    let name = sha256(manifests.as_os_str().as_encoded_bytes());
    base.join("writes").join(name.get(..16).unwrap_or(&name))
}

/// The number of `manifests/` on its file system.
fn number_of(place: &Place) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(&place.manifests)?.ino())
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
