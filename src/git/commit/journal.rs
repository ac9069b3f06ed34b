//! What says which commit is under way, and clears up after one that was stopped.
//!
//! In the Git directory, `hydrate/commit/` holds the files of the commit under way. An advisory lock on it keeps commits of hydrate
//! apart; the calls of `git` that change something inherit it, so that it is free only when all of them have ended as well. Whoever has it
//! and finds something there therefore knows for certain that it was left by a dead process.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use hydrate_base::kill_point;
use hydrate_base::{Diagnostic, Result};

use super::super::Repository;
use super::super::command::{Said, run};

/// How long another commit of hydrate is waited for; it may have hooks to run.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is in an `index.lock` of ours; no index begins so.
const MARK: &str = "hydrate is committing\n";

/// An empty lock that nobody has open is believed to be dead from this age on. Git writes into it at once.
const DEAD: Duration = Duration::from_secs(1);

/// How directories begin that hold files which are to be put in place.
pub(super) const FILES: &str = "files-";

/// The right to commit in a work tree.
#[derive(Debug)]
pub(super) struct Held<'a> {
    pub(super) repository: &'a Repository,
    home: PathBuf,
    lock: File,
}

/// Clears up after a commit that was stopped, where one was; whoever commits now does it otherwise.
pub(super) fn clear_up(repository: &Repository) -> Result<()> {
    let home = repository.git_dir().join("hydrate/commit");
    // Nobody has committed here who is not the owner.
    if repository.check_owner().is_err() || !fs::read_dir(&home).is_ok_and(|mut files| files.next().is_some()) {
        return Ok(());
    }
    let Ok(lock) = File::open(&home) else { return Ok(()) };
    match lock.try_lock() {
        Ok(()) => Held { repository, home, lock }.recover(),
        Err(_) => Ok(()),
    }
}

impl<'a> Held<'a> {
    /// Waits for other commits of hydrate, and clears up after one that was stopped.
    pub(super) fn take(repository: &'a Repository) -> Result<Self> {
        let home = repository.git_dir().join("hydrate/commit");
        let cannot = |error: io::Error| Diagnostic::error(format!("cannot lock {}: {error}", home.display()));
        fs::create_dir_all(&home).map_err(cannot)?;
        let lock = File::open(&home).map_err(cannot)?;
        let end = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::WouldBlock) => {
                    return Err(Diagnostic::error("another hydrate is committing in this repository")
                        .note(format!("hydrate has waited for {} s; nothing was committed", PATIENCE.as_secs()))
                        .help("wait for it, then: hydrate commit"));
                }
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
            }
        }
        let held = Self { repository, home, lock };
        held.recover()?;
        Ok(held)
    }

    /// A file of the commit under way.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Runs a `git` that changes something: it holds the lock for as long as it runs, whatever becomes of hydrate.
    pub(super) fn run(&self, command: Command, input: &[u8]) -> Result<Said> {
        // A duplicate is inherited where the original is closed.
        let inherited = rustix::io::dup(&self.lock).map_err(|error| Diagnostic::error("cannot run git").note(error.to_string()))?;
        kill_point();
        let said = run(command, input);
        drop(inherited);
        kill_point();
        said
    }

    /// The same; a failure is an error that begins with these words.
    pub(super) fn succeed(&self, command: Command, input: &[u8], cannot: &str) -> Result<Said> {
        let said = self.run(command, input)?;
        if said.status.success() { Ok(said) } else { Err(said.error(format!("cannot {cannot}"))) }
    }

    /// Writes down what is about to be done. `new` is the commit, `branch` what moves beside HEAD.
    pub(super) fn note(&self, new: &str, branch: Option<&str>) -> Result<()> {
        let text = format!("{new}\n{}\n", branch.unwrap_or_default());
        let staged = self.file("journal.new");
        let written = fs::write(&staged, text).and_then(|()| {
            kill_point();
            fs::rename(&staged, self.file("journal"))
        });
        written.map_err(|error| cannot_write(&staged, &error))
    }

    /// Whether a lock of the index is one of ours.
    pub(super) fn is_ours(lock: &Path) -> bool {
        fs::read(lock).is_ok_and(|bytes| bytes == MARK.as_bytes())
    }

    /// What an `index.lock` of ours is a link to: it is ours from the moment that it is there.
    pub(super) fn mark(&self) -> Result<PathBuf> {
        let path = self.file("mark");
        fs::write(&path, MARK).map_err(|error| cannot_write(&path, &error))?;
        Ok(path)
    }

    /// Undoes what a dead commit has begun, or completes it where the branch has moved.
    fn recover(&self) -> Result<()> {
        let journal = self.file("journal");
        if let Ok(text) = fs::read_to_string(&journal)
            && let [new, branch, ..] = text.lines().collect::<Vec<_>>()[..]
        {
            self.clear_ref_locks(&journal, new, branch)?;
            if !self.is_committed(new)? {
                self.restore_index()?;
            }
        }
        let lock = self.index_lock();
        if Self::is_ours(&lock) {
            remove(&lock)?;
        }
        self.clear()
    }

    pub(super) fn index_lock(&self) -> PathBuf {
        self.repository.git_dir().join("index.lock")
    }

    /// Removes the files of a commit that is over. The journal goes last but for what only it explains.
    pub(super) fn clear(&self) -> Result<()> {
        for name in ["journal", "journal.new", "index", "index.lock", "after", "before", "tree", "tree.lock", "mark"] {
            remove(&self.file(name))?;
        }
        let names = fs::read_dir(&self.home).into_iter().flatten().flatten().map(|entry| entry.file_name());
        for name in names.filter(|name| name.to_string_lossy().starts_with(FILES)) {
            // Files that were to be put in place by a run that was killed.
            let _ = fs::remove_dir_all(self.home.join(name));
        }
        Ok(())
    }

    /// Whether a commit is on the branch, by itself or below later ones.
    fn is_committed(&self, commit: &str) -> Result<bool> {
        Ok(self.repository.is_ancestor(commit, "HEAD")? == Some(true))
    }

    /// Puts the old index back, where it is the new one that stands and nobody can have changed it since.
    fn restore_index(&self) -> Result<()> {
        let index = self.repository.git_dir().join("index");
        let is_new = match (fs::symlink_metadata(&index), fs::symlink_metadata(self.file("after"))) {
            (Ok(index), Ok(after)) => index.ino() == after.ino() && index.dev() == after.dev(),
            _ => false,
        };
        if !is_new || !Self::is_ours(&self.index_lock()) {
            return Ok(());
        }
        let before = self.file("before");
        let restored = if before.exists() { fs::rename(&before, &index) } else { fs::remove_file(&index) };
        restored.map_err(|error| cannot_write(&index, &error))
    }

    /// The same for a `git update-ref` of this run that was killed.
    pub(super) fn clear_locks_of(&self, new: &str, branch: Option<&str>) -> Result<()> {
        self.clear_ref_locks(&self.file("journal"), new, branch.unwrap_or_default())
    }

    /// Locks on HEAD and the branch, which a `git update-ref` of ours has left when it was killed. Each is known by the commit in
    /// it, which nobody else has; an empty one by its time, and by nobody having it open.
    fn clear_ref_locks(&self, journal: &Path, new: &str, branch: &str) -> Result<()> {
        let started = fs::metadata(journal).and_then(|metadata| metadata.modified()).ok();
        let head = self.repository.git_dir().join("HEAD.lock");
        let of_branch = (!branch.is_empty()).then(|| self.repository.common_dir().join(format!("{branch}.lock")));
        for lock in [Some(head), of_branch].into_iter().flatten() {
            loop {
                match fs::read(&lock) {
                    // The newline is a second write of Git's.
                    Ok(bytes) if bytes.trim_ascii_end() == new.as_bytes() => remove(&lock)?,
                    Ok(bytes) if bytes.is_empty() && is_after(&lock, started) => match age(&lock) {
                        Some(age) if age >= DEAD && !is_open(&lock) => remove(&lock)?,
                        Some(age) if age < DEAD => {
                            std::thread::sleep(Duration::from_millis(20));
                            continue;
                        }
                        _ => {}
                    },
                    _ => {}
                }
                break;
            }
        }
        Ok(())
    }
}

fn is_after(path: &Path, time: Option<SystemTime>) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).ok();
    modified.zip(time).is_some_and(|(modified, time)| modified >= time)
}

fn age(path: &Path) -> Option<Duration> {
    fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).ok()?.elapsed().ok()
}

/// Whether a process that can be looked at has a file open.
fn is_open(path: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let files = processes.flat_map(|process| fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten());
    files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|target| target == path))
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<()> {
    kill_point();
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot_write(path, &error)),
        _ => Ok(()),
    }
}

pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot write {}: {error}", path.display()))
}
