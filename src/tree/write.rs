//! Writing the tree, file by file, under a journal.
//!
//! What holds, also when the process is killed at any moment:
//! 1. New files are made outside of the trees. Then a journal of all that changes is put in its place in one step, which is the decision:
//!    before it nothing has changed, and after it the next run that writes completes what is left, whichever environment it is about.
//! 2. Until then [`unfinished`] tells those who only read: `check`, `diff`, `commit`.
//! 3. Each file changes in one step, and only where it is still what the run has seen: the new file and the old one change places
//!    (`renameat2(RENAME_EXCHANGE)`), the old one is looked at, and where somebody has saved something else in the meantime, that is put
//!    back and told. A new file takes no name that has been taken since; what is to go is moved away, looked at, and only then removed.
//! 4. Nothing that is not ours is ever opened for writing, moved or removed. No link is followed.
//! 5. Where something fails in the middle, what was done is undone; where that fails too, the journal stays.
//!
//! Runs exclude each other by a lock on the directory `manifests/`; those who only read share it. Nothing is synced to the disk: after a
//! power failure the file system decides, and `hydrate check` tells.

use std::fs::{self, File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use crate::base::hash::sha256;
use crate::base::{Diagnostic, Result};

use super::beneath::{Dir, State};
use super::disk::{Place, failed};
use super::journal::{Journal, Keeping, Step};
use super::{Changes, DirChanges, Files, INDEX, KUSTOMIZATION};

/// How long a command that only reads waits for one that writes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The right to write below a `manifests/` directory; other runs wait until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    left_alone: Vec<Box<Diagnostic>>,
}

impl Lock {
    /// Warnings of what a killed run had begun and could not be completed, because somebody has changed it since.
    pub fn left_alone(&mut self) -> Vec<Box<Diagnostic>> {
        std::mem::take(&mut self.left_alone)
    }
}

/// Makes the directory if need be, waits for other runs (after telling so through `waiting`) and completes what a killed one has begun.
pub fn lock(place: &Place, waiting: impl FnOnce()) -> Result<Lock> {
    place.check_links()?;
    let cannot = |error: &io::Error| failed("lock", &place.shown, error);
    fs::create_dir_all(&place.manifests).map_err(|error| failed("make the directory", &place.shown, &error))?;
    let file = File::open(&place.manifests).map_err(|error| cannot(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            waiting();
            file.lock().map_err(|error| cannot(&error))?;
        }
        Err(TryLockError::Error(error)) => return Err(cannot(&error)),
    }
    let left_alone = recover(place).map_err(|error| failed("complete what a killed run has begun in", &place.shown, &error))?;
    Ok(Lock { _file: file, left_alone })
}

/// The right to read what is below a `manifests/` directory while nobody writes.
#[derive(Debug)]
pub struct ReadLock {
    _file: Option<File>,
}

/// Waits until nobody writes (after telling so through `waiting`), for a minute at most. Where a killed run has left a write, that
/// is an error: what stands there is neither the old tree nor the new one.
pub fn lock_for_reading(place: &Place, waiting: impl FnOnce()) -> Result<ReadLock> {
    place.check_links()?;
    let file = match File::open(&place.manifests) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed("read the directory", &place.shown, &error)),
    };
    if let Some(file) = &file {
        wait_for_writers(file, place, waiting)?;
    }
    match unfinished(place) {
        Some(unfinished) => Err(unfinished),
        None => Ok(ReadLock { _file: file }),
    }
}

fn wait_for_writers(file: &File, place: &Place, waiting: impl FnOnce()) -> Result<()> {
    let start = Instant::now();
    let mut waiting = Some(waiting);
    loop {
        match file.try_lock_shared() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &place.shown, &error)),
            Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                return Err(Diagnostic::error(format!("another run has been writing {} for a minute", place.shown))
                    .help("see what it waits for, or stop it; then run this again"));
            }
            Err(TryLockError::WouldBlock) => {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Where a run that was killed has left a write of this environment: reading the tree, or committing it, would be wrong.
pub fn unfinished(place: &Place) -> Option<Box<Diagnostic>> {
    let is_of_place = |journal: &Journal| journal.environment == place.env;
    match Keeping::of(place).journal() {
        Ok(journal) if !journal.as_ref().is_some_and(is_of_place) => None,
        Ok(_) => Some(
            Diagnostic::error(format!("{} was being written when a run was stopped", place.shown("")))
                .note("what stands there is neither what it was nor what it is to be")
                .help(format!("run `hydrate -e {}` to complete it", place.env)),
        ),
        Err(error) => Some(failed("read the journal of", place.shown(""), &error)),
    }
}

/// Completes what a killed run has decided on, and removes what it had made before it decided. Only to be called with the lock held.
fn recover(place: &Place) -> io::Result<Vec<Box<Diagnostic>>> {
    let keeping = Keeping::of(place);
    let Some(journal) = keeping.journal()? else {
        clean_up(place, &keeping)?;
        return Ok(Vec::new());
    };
    let write = Write::resume(place, &keeping)?;
    let mut left_alone = Vec::new();
    for (number, step) in journal.steps.iter().enumerate() {
        if !write.take(number, step, Direction::Forward)? {
            left_alone.push(
                Diagnostic::warning(format!("{} was changed after a run was killed that was writing it", step.path)).note("it stays"),
            );
        }
    }
    write.remove_directories(&journal.directories);
    keeping.end()?;
    clean_up(place, &keeping)?;
    Ok(left_alone)
}

/// Removes files that were made for a write that nobody has decided on, or that is done.
fn clean_up(place: &Place, keeping: &Keeping) -> io::Result<()> {
    remove_files(keeping)?;
    keeping.forget_draft()?;
    if let Some(name) = keeping.staging() {
        let manifests = Dir::open(&place.manifests)?;
        if let Some(staging) = manifests.beneath(&name)? {
            staging.files()?.iter().try_for_each(|file| staging.remove(&String::from_utf8_lossy(file)))?;
            manifests.remove_empty(&name)?;
        }
        keeping.forget_staging()?;
    }
    Ok(())
}

fn remove_files(keeping: &Keeping) -> io::Result<()> {
    match fs::remove_dir_all(keeping.files()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Brings the changes to disk. `_lock` is the proof that nobody else does.
pub fn apply(place: &Place, changes: &Changes, _lock: &Lock) -> Result<()> {
    let (journal, files) = plan(place, changes);
    if journal.steps.is_empty() {
        return Ok(());
    }
    let shown = match (changes.touch_manifests(), !changes.clusters.is_empty()) {
        (true, true) => format!("{} and {}", place.shown(""), place.clusters_shown("")),
        (true, false) => place.shown(""),
        (false, _) => place.clusters_shown(""),
    };
    let keeping = Keeping::of(place);
    let refused = run(place, &keeping, &journal, &files).map_err(|error| failed("write", shown, &error));
    // What is left here is removed by the next run.
    let cleaned = clean_up(place, &keeping);
    let refused = refused?;
    cleaned.map_err(|error| failed("clean up after writing", place.shown(""), &error))?;
    match refused.as_slice() {
        [] => Ok(()),
        paths => Err(Diagnostic::error(format!("{} changed while hydrate was writing", paths.join(", ")))
            .note("what somebody else has saved stays; everything else is written")
            .help(format!("run `hydrate -e {}` again", place.env))),
    }
}

/// Stages, decides, and changes file by file; gives the paths that somebody else has changed meanwhile.
fn run(place: &Place, keeping: &Keeping, journal: &Journal, files: &[Option<&[u8]>]) -> io::Result<Vec<String>> {
    let write = Write::begin(place, keeping)?;
    write.check(journal)?;
    for (number, content) in files.iter().enumerate() {
        if let Some(content) = content {
            write.staged.write_new(&new_name(number), content)?;
        }
    }
    keeping.decide(journal)?;
    let mut refused = Vec::new();
    for (number, step) in journal.steps.iter().enumerate() {
        match write.take(number, step, Direction::Forward) {
            Ok(true) => {}
            Ok(false) => refused.push(step.path.clone()),
            Err(error) => {
                write.undo(journal, number)?;
                keeping.end()?;
                return Err(io::Error::new(error.kind(), format!("{}: {error}", step.path)));
            }
        }
    }
    write.remove_directories(&journal.directories);
    keeping.end()?;
    Ok(refused)
}

/// All that changes, with the content of what is new.
fn plan<'c>(place: &Place, changes: &'c Changes) -> (Journal, Vec<Option<&'c [u8]>>) {
    let mut plan = Plan { journal: Journal::new(&place.env), files: Vec::new() };
    for (name, dir) in &changes.dirs {
        plan.directory(&place.shown(name), dir);
    }
    if let Some(index) = &changes.index {
        plan.step(place.shown(KUSTOMIZATION), changes.index_on_disk.clone(), index.as_deref());
    }
    let clusters = place.clusters_shown("");
    plan.directory(&clusters, &changes.clusters);
    if changes.clusters.files.is_empty() && !changes.clusters.is_empty() {
        plan.journal.directories.push(place.clusters_shown.clone());
    }
    (plan.journal, plan.files)
}

struct Plan<'c> {
    journal: Journal,
    files: Vec<Option<&'c [u8]>>,
}

impl<'c> Plan<'c> {
    fn directory(&mut self, path: &str, dir: &'c DirChanges) {
        let content = |files: &'c Files, name: &str| files.get(name).map(|bytes| &bytes[..]);
        for name in dir.created.iter().chain(&dir.changed).chain(&dir.deleted) {
            self.step(format!("{path}/{name}"), dir.on_disk.get(name).cloned(), content(&dir.files, name));
        }
        if dir.reindexed {
            self.step(format!("{path}/{INDEX}"), dir.on_disk.get(INDEX).cloned(), content(&dir.files, INDEX));
        }
        if dir.files.is_empty() && !dir.is_empty() {
            self.journal.directories.push(path.to_owned());
        }
    }

    fn step(&mut self, path: String, before: Option<String>, after: Option<&'c [u8]>) {
        self.journal.steps.push(Step { path, before, after: after.map(sha256) });
        self.files.push(after);
    }
}

/// A file that is to be put in place.
fn new_name(number: usize) -> String {
    format!("{number}.new")
}

/// A file that was moved away.
fn old_name(number: usize) -> String {
    format!("{number}.old")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
}

/// A write on its way.
struct Write {
    root: Dir,
    /// Where new files are before they are moved, and old ones afterwards.
    staged: Dir,
}

impl Write {
    /// With an empty directory for the files, on the file system of the trees.
    fn begin(place: &Place, keeping: &Keeping) -> io::Result<Self> {
        let root = Dir::open(&place.root())?;
        let manifests = root.make(&place.shown)?;
        let kept = Dir::open(keeping.make()?)?;
        if kept.device()? == manifests.device()? {
            return Ok(Self { staged: kept.make("files")?, root });
        }
        let name = format!(".hydrate-{}", std::process::id());
        keeping.note_staging(&name)?;
        let staged = manifests.make(&name)?;
        // Git is not to see it.
        staged.write_new(".gitignore", b"*\n")?;
        Ok(Self { staged, root })
    }

    /// With the files that a killed run has made.
    fn resume(place: &Place, keeping: &Keeping) -> io::Result<Self> {
        let root = Dir::open(&place.root())?;
        let staged = match keeping.staging() {
            Some(name) => root.make(&place.shown)?.make(&name)?,
            None => Dir::open(keeping.make()?)?.make("files")?,
        };
        Ok(Self { root, staged })
    }

    /// Finds what cannot be written before anything changes.
    fn check(&self, journal: &Journal) -> io::Result<()> {
        let mut checked = "";
        for (parent, _) in journal.steps.iter().map(Step::parts) {
            if parent != checked {
                let says = |error: io::Error| io::Error::new(error.kind(), format!("{parent}: {error}"));
                if self.root.beneath(parent).map_err(says)?.is_some_and(|dir| !dir.is_writable()) {
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{parent}: this user may not write in it")));
                }
                checked = parent;
            }
        }
        Ok(())
    }

    /// Takes one step, or takes it back; `false` where somebody else has changed the file, which then stays as it is. A step that was taken
    /// already, or half, is completed.
    fn take(&self, number: usize, step: &Step, direction: Direction) -> io::Result<bool> {
        let (from, to, incoming, outgoing) = match direction {
            Direction::Forward => (State::of(step.before.as_ref()), State::of(step.after.as_ref()), new_name(number), old_name(number)),
            Direction::Back => (State::of(step.after.as_ref()), State::of(step.before.as_ref()), old_name(number), new_name(number)),
        };
        let (parent, name) = step.parts();
        let dir = match &to {
            State::Missing => match self.root.beneath(parent)? {
                Some(dir) => dir,
                None => return Ok(true),
            },
            _ => self.root.make(parent)?,
        };
        let change = Change { staged: &self.staged, dir: &dir, name, from, to, incoming: &incoming, outgoing: &outgoing };
        change.make()
    }

    /// Takes back all steps before one that failed, and what of that one was done.
    fn undo(&self, journal: &Journal, failed: usize) -> io::Result<()> {
        for (number, step) in journal.steps.iter().enumerate().take(failed + 1).rev() {
            self.take(number, step, Direction::Back)?;
        }
        Ok(())
    }

    /// Removes directories in which nothing is left. One that holds files of others stays.
    fn remove_directories(&self, directories: &[String]) {
        for path in directories {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let parent = if parent.is_empty() { Ok(None) } else { self.root.beneath(parent) };
            // Fails where something is left in it, and then it stays.
            let _ = match parent {
                Ok(Some(parent)) => parent.remove_empty(name),
                Ok(None) if !path.contains('/') => self.root.remove_empty(name),
                _ => Ok(()),
            };
        }
    }
}

/// One file that goes from one state to another.
struct Change<'a> {
    staged: &'a Dir,
    dir: &'a Dir,
    name: &'a str,
    from: State,
    to: State,
    /// The staged name of the file that comes.
    incoming: &'a str,
    /// The staged name of the file that goes.
    outgoing: &'a str,
}

impl Change<'_> {
    fn make(&self) -> io::Result<bool> {
        let found = self.dir.state(self.name);
        if found != self.to {
            let has_new = self.to == State::Missing || self.staged.state(self.incoming) == self.to;
            if found != self.from || !has_new {
                return Ok(false);
            }
            let done = match (&self.from, &self.to) {
                (_, State::Missing) => self.take_away(),
                (State::Missing, _) => return self.put(),
                _ => self.replace(),
            };
            done?;
        }
        self.give_back()
    }

    /// Puts a new file where nothing is. The name may be taken by now.
    fn put(&self) -> io::Result<bool> {
        match self.staged.move_to_new(self.incoming, self.dir, self.name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) if is_across(&error) => self.put_across(),
            done => done.map(|()| true),
        }
    }

    fn take_away(&self) -> io::Result<()> {
        match self.dir.move_over(self.name, self.staged, self.outgoing) {
            Err(error) if is_across(&error) => self.dir.remove(self.name),
            done => done,
        }
    }

    fn replace(&self) -> io::Result<()> {
        match self.staged.exchange(self.incoming, self.dir, self.name) {
            Ok(true) => self.staged.move_over(self.incoming, self.staged, self.outgoing),
            Ok(false) => {
                // What stands there keeps a name until it was looked at.
                self.staged.remove(self.outgoing)?;
                self.dir.link(self.name, self.staged, self.outgoing)?;
                self.staged.move_over(self.incoming, self.dir, self.name)
            }
            Err(error) if is_across(&error) => self.replace_across(),
            Err(error) => Err(error),
        }
    }

    /// Where the directory is on another file system than the staged file: by way of a copy beside the target.
    fn put_across(&self) -> io::Result<bool> {
        let copy = self.copy_beside()?;
        match self.dir.move_to_new(&copy, self.dir, self.name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.dir.remove(&copy).map(|()| false),
            done => done.map(|()| true),
        }
    }

    fn replace_across(&self) -> io::Result<()> {
        if let Some(before) = self.dir.read(self.name)? {
            self.staged.remove(self.outgoing)?;
            self.staged.write_new(self.outgoing, &before)?;
        }
        let copy = self.copy_beside()?;
        self.dir.move_over(&copy, self.dir, self.name)
    }

    fn copy_beside(&self) -> io::Result<String> {
        let content = self.staged.read(self.incoming)?.ok_or(io::ErrorKind::NotFound)?;
        let copy = format!(".hydrate-{}", self.incoming);
        self.dir.remove(&copy)?;
        self.dir.write_new(&copy, &content)?;
        Ok(copy)
    }

    /// What was moved away and is not what the run had seen is somebody's work: it gets its place back.
    fn give_back(&self) -> io::Result<bool> {
        for name in [self.incoming, self.outgoing] {
            let State::File(digest) = self.staged.state(name) else { continue };
            let moved = State::File(digest);
            if moved == self.from || moved == self.to {
                continue;
            }
            return match self.dir.state(self.name) {
                State::Missing => self.staged.move_to_new(name, self.dir, self.name).map(|()| false),
                found if found == self.to => self.staged.move_over(name, self.dir, self.name).map(|()| false),
                // They have saved once more since: that is the newer one.
                _ => Ok(false),
            };
        }
        Ok(true)
    }
}

fn is_across(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::CrossesDevices
}
