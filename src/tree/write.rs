//! Writing the tree, file by file, under a journal.
//!
//! What holds, also when the process is killed at any moment:
//! 1. New files are made outside of the trees. Then a journal of all that changes is put in its place in one step, which is the decision:
//!    before it nothing has changed, and after it the next run that writes completes what is left, whichever environment it is about.
//! 2. Until then `unfinished` tells those who only read: `check`, `diff`, `commit`.
//! 3. Each file changes in one step, and only where it is still what the run has seen: the new file and the old one change places
//!    (`renameat2(RENAME_EXCHANGE)`), the old one is looked at, and where somebody has saved something else in the meantime, that is put
//!    back and told. A new file takes no name that has been taken since; what is to go is moved away, looked at, and only then removed. Where
//!    files cannot be exchanged, a replaced one is moved away in the same manner, and its name is free for a moment.
//! 4. Nothing that is not ours is ever opened for writing, moved or removed. No link is followed.
//! 5. Where something fails in the middle, what was done is undone; where that fails too, the journal stays.
//!
//! Runs exclude each other by a lock on the directory `manifests/`; those who only read share it. The journal is synced to the disk, the
//! files are not: where a power failure has left one of the new ones incomplete, the next run takes the write back.

use std::fs::{self, File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use hydrate_base::hash::sha256;
use hydrate_base::{Diagnostic, Result};

use super::beneath::{Dir, State};
use super::disk::{Place, failed};
use super::journal::{Journal, Keeping, Left, Step};
use super::{Changes, DirChanges, Files, INDEX, KUSTOMIZATION};

/// How long a command that only reads waits for one that writes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The right to write below a `manifests/` directory; other runs wait until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    keeping: Keeping,
    left_alone: Vec<Box<Diagnostic>>,
}

impl Lock {
    /// Warnings of what a killed run had begun and could not be completed.
    pub fn left_alone(&mut self) -> Vec<Box<Diagnostic>> {
        std::mem::take(&mut self.left_alone)
    }
}

/// Makes the directory if need be, waits for other runs (after telling so through `waiting`) and completes what a killed one has begun.
pub fn lock(place: &Place, waiting: impl FnOnce()) -> Result<Lock> {
    let mut waiting = Some(waiting);
    let file = loop {
        make_manifests(place)?;
        let Some(file) = open_manifests(place)? else { continue };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting.take().into_iter().for_each(|waiting| waiting());
                file.lock().map_err(|error| failed("lock", &place.shown, &error))?;
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &place.shown, &error)),
        }
        if is_at_its_path(&file, place) {
            break file;
        }
    };
    let (keeping, earlier) = Keeping::of(place);
    let mut left_alone = Vec::new();
    for keeping in earlier.iter().chain([&keeping]) {
        recover(place, keeping, &mut left_alone)
            .map_err(|error| failed("complete what a killed run has begun in", &place.shown, &error))?;
    }
    Ok(Lock { file, keeping, left_alone })
}

fn make_manifests(place: &Place) -> Result<()> {
    place.check_links()?;
    fs::create_dir_all(&place.manifests).map_err(|error| failed("make the directory", &place.shown, &error))
}

/// `None` where it does not exist.
fn open_manifests(place: &Place) -> Result<Option<File>> {
    match File::open(&place.manifests) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read the directory", &place.shown, &error)),
    }
}

/// Whether a locked directory is still the one at its path: while this run waited, somebody may have put another one there, whose lock others
/// have. A link is never it.
fn is_at_its_path(file: &File, place: &Place) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let there = fs::symlink_metadata(&place.manifests).map(identity);
    matches!((file.metadata().map(identity), there), (Ok(locked), Ok(there)) if locked == there)
}

/// The right to read what is below a `manifests/` directory while nobody writes.
#[derive(Debug)]
pub struct ReadLock {
    _file: Option<File>,
}

/// Waits until nobody writes (after telling so through `waiting`), for a minute at most. Where a killed run has left a write, that
/// is an error: what stands there is neither the old tree nor the new one. A directory that is not there is not made, and holds nobody up.
pub fn lock_for_reading(place: &Place, waiting: impl FnOnce()) -> Result<ReadLock> {
    let mut waiting = Some(waiting);
    loop {
        place.check_links()?;
        let file = open_manifests(place)?;
        if let Some(file) = &file {
            wait_for_writers(file, place, &mut waiting)?;
        }
        if file.as_ref().is_none_or(|file| is_at_its_path(file, place)) {
            return match unfinished(place) {
                Some(unfinished) => Err(unfinished),
                None => Ok(ReadLock { _file: file }),
            };
        }
    }
}

/// The same for a commit: the directory is made where it does not exist, so that nobody begins to write while what is gone is committed.
pub fn lock_for_committing(place: &Place, waiting: impl FnOnce()) -> Result<ReadLock> {
    let mut waiting = Some(waiting);
    loop {
        make_manifests(place)?;
        let lock = lock_for_reading(place, || waiting.take().into_iter().for_each(|waiting| waiting()))?;
        if lock._file.is_some() {
            return Ok(lock);
        }
    }
}

fn wait_for_writers(file: &File, place: &Place, waiting: &mut Option<impl FnOnce()>) -> Result<()> {
    let start = Instant::now();
    loop {
        match file.try_lock_shared() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &place.shown, &error)),
            Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                return Err(Diagnostic::error(format!("another run has been writing {} for a minute", place.shown))
                    .help("see what it waits for, or stop it; then run this again"));
            }
            Err(TryLockError::WouldBlock) => {
                waiting.take().into_iter().for_each(|waiting| waiting());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Where a run that was killed has left a write of this environment: reading the tree, or committing it, would be wrong.
fn unfinished(place: &Place) -> Option<Box<Diagnostic>> {
    let (keeping, earlier) = Keeping::of(place);
    let error = |keeping: &Keeping| match keeping.left(place) {
        Ok(Left::Nothing) => None,
        Ok(Left::Write(journal)) if journal.environment != place.env => None,
        Ok(Left::Write(_)) => Some(
            Diagnostic::error(format!("{} was being written when a run was stopped", place.shown("")))
                .note("the file is neither the old version nor the new one")
                .help(format!("run `hydrate -e {}` to complete it", place.env)),
        ),
        Ok(Left::Damaged(path)) => Some(
            Diagnostic::error(format!("a run was stopped while it was writing below {}, and its journal is damaged", place.shown))
                .note(format!("{} is not as hydrate wrote it, so what was being written is not known", path.display()))
                .help(format!("run `hydrate -e {}`: it puts the journal aside and writes what is to be there", place.env)),
        ),
        Err(error) => Some(failed("read the journal of", place.shown(""), &error)),
    };
    error(&keeping).or_else(|| earlier.as_ref().and_then(error))
}

/// Completes what a killed run has decided on, and removes what it had made before it decided; tells what could not be completed. Only to be
/// called with the lock held.
fn recover(place: &Place, keeping: &Keeping, warnings: &mut Vec<Box<Diagnostic>>) -> io::Result<()> {
    let journal = match keeping.left(place)? {
        Left::Nothing => return clean_up(place, keeping),
        Left::Write(journal) => journal,
        Left::Damaged(path) => {
            let staging = keeping.staging().map(|name| format!(" and {}/{name}", place.shown)).unwrap_or_default();
            let aside = keeping.set_aside()?;
            warnings.push(
                Diagnostic::warning(format!("{} is not as hydrate wrote it: what a stopped run was writing is not known", path.display()))
                    .note(format!("it was moved to {}, with the files that belong to it", aside.display()))
                    .help(format!("run `hydrate -e all` and look at what changes; then delete {}{staging}", aside.display())),
            );
            return Ok(());
        }
    };
    let write = Write::resume(place, keeping, &journal.mark)?;
    if !keeping.is_turned_back() && write.must_turn_back(&journal)? {
        keeping.turn_back()?;
    }
    let direction = if keeping.is_turned_back() { Direction::Back } else { Direction::Forward };
    for (number, step) in journal.steps.iter().enumerate() {
        if !write.take(number, step, direction)? {
            let warning = Diagnostic::warning(format!("{} was changed after a run was killed that was writing it", step.path));
            warnings.push(warning.note("it stays"));
        }
    }
    write.remove_directories(&journal.directories);
    keeping.end()?;
    clean_up(place, keeping)
}

/// Removes files that were made for a write that nobody has decided on, or that is done.
fn clean_up(place: &Place, keeping: &Keeping) -> io::Result<()> {
    remove_files(keeping)?;
    keeping.forget_drafts()?;
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

/// Brings the changes to disk. The lock is the proof that nobody else does.
pub fn apply(place: &Place, changes: &Changes, lock: &Lock) -> Result<()> {
    let (journal, files) = plan(place, changes);
    if journal.steps.is_empty() {
        return Ok(());
    }
    let shown = match (changes.touch_manifests(), !changes.clusters.is_empty()) {
        (true, true) => format!("{} and {}", place.shown(""), place.clusters_shown("")),
        (true, false) => place.shown(""),
        (false, _) => place.clusters_shown(""),
    };
    let refused = run(place, lock, &journal, &files).map_err(|error| failed("write", shown, &error));
    // What is left here is removed by the next run.
    let cleaned = clean_up(place, &lock.keeping);
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
fn run(place: &Place, lock: &Lock, journal: &Journal, files: &[Option<&[u8]>]) -> io::Result<Vec<String>> {
    let keeping = &lock.keeping;
    let write = Write::begin(place, keeping, &journal.mark)?;
    if !is_at_its_path(&lock.file, place) {
        return Err(io::Error::other("somebody has put another directory in its place; nothing was changed"));
    }
    write.check(journal)?;
    for (number, content) in files.iter().enumerate() {
        if let Some(content) = content {
            write.staged.write_new(&new_name(number), content)?;
        }
    }
    keeping.decide(journal, place)?;
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
        plan.step(place.shown(KUSTOMIZATION), changes.index_on_disk.clone(), index.content().map(|content| &content[..]));
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

/// A write that is being carried out.
struct Write {
    root: Dir,
    /// Where new files are before they are moved, and old ones afterwards.
    staged: Dir,
    /// What the names of hydrate's own files beside the targets begin with.
    mark: String,
}

impl Write {
    /// With an empty directory for the files, on the file system of the trees.
    fn begin(place: &Place, keeping: &Keeping, mark: &str) -> io::Result<Self> {
        let root = Dir::open(&place.root())?;
        let manifests = root.make(&place.shown)?;
        let kept = Dir::open(keeping.make()?)?;
        if kept.device()? == manifests.device()? {
            return Ok(Self { staged: kept.make("files")?, root, mark: mark.to_owned() });
        }
        keeping.note_staging(mark)?;
        let staged = manifests.make_new(mark)?;
        // Git is not to see it.
        staged.write_new(".gitignore", b"*\n")?;
        Ok(Self { staged, root, mark: mark.to_owned() })
    }

    /// With the files that a killed run has made.
    fn resume(place: &Place, keeping: &Keeping, mark: &str) -> io::Result<Self> {
        let root = Dir::open(&place.root())?;
        let staged = match keeping.staging() {
            Some(name) => root.make(&place.shown)?.make(&name)?,
            None => Dir::open(keeping.make()?)?.make("files")?,
        };
        Ok(Self { root, staged, mark: mark.to_owned() })
    }

    /// Whether a file that is to come is not there as it was made, as after a power failure: then nothing but the old tree can be whole. What
    /// there is of such files is removed, so that none of them is taken for what somebody has saved.
    fn must_turn_back(&self, journal: &Journal) -> io::Result<bool> {
        let mut must = false;
        for (number, step) in journal.steps.iter().enumerate().filter(|(_, step)| step.after.is_some()) {
            let (parent, name) = step.parts();
            if self.staged.state(&new_name(number)) != State::of(step.after.as_ref()) {
                let found = self.root.beneath(parent)?.map_or(State::Missing, |dir| dir.state(name));
                if found == State::Missing || found == State::of(step.before.as_ref()) {
                    self.staged.remove(&new_name(number))?;
                    must = true;
                }
            }
        }
        Ok(must)
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
        let (mark, staged) = (&self.mark, &self.staged);
        FileChange { mark, direction, staged, dir: &dir, name, from, to, incoming: &incoming, outgoing: &outgoing }.make()
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
struct FileChange<'a> {
    /// What names beside the target begin with, where staged files are on another file system.
    mark: &'a str,
    direction: Direction,
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

impl FileChange<'_> {
    /// Makes the change, or completes one that was begun; `false` where somebody else has changed the file.
    fn make(&self) -> io::Result<bool> {
        let beside = [self.incoming, self.outgoing].map(|name| format!("{}-{name}", self.mark));
        if beside.iter().any(|name| self.dir.has(name)) {
            return self.make_across(&beside);
        }
        match self.make_here() {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => self.make_across(&beside),
            done => done,
        }
    }

    fn make_here(&self) -> io::Result<bool> {
        let found = self.dir.state(self.name);
        if found == self.to {
            return self.give_back();
        }
        if self.direction == Direction::Back && found == self.from && !self.complete_exchange()? {
            return Ok(false);
        }
        let has_new = self.to == State::Missing || self.staged.state(self.incoming) == self.to;
        let (before, old) = match self.direction {
            Direction::Forward => (&self.from, self.outgoing),
            Direction::Back => (&self.to, self.incoming),
        };
        // What stood there was moved away to make room for the new file, and then something failed, or the run was killed.
        if found == State::Missing && *before != State::Missing && self.staged.has(old) {
            return if has_new && self.staged.state(old) == *before { self.put() } else { self.restore(old) };
        }
        if found != self.from || !has_new {
            return Ok(false);
        }
        match (&self.from, &self.to) {
            (State::Missing, _) => self.put(),
            (_, State::Missing) => {
                self.take_away()?;
                self.give_back()
            }
            _ => self.replace(),
        }
    }

    /// A run was stopped between the exchange and the move that follows it: so the file that went still has the name of the one that came.
    /// `false` where that is somebody's, who has it back.
    fn complete_exchange(&self) -> io::Result<bool> {
        let moved = self.staged.state(self.outgoing);
        if moved == State::Missing || moved == self.from {
            return Ok(true);
        }
        if moved == self.to {
            return self.staged.move_over(self.outgoing, self.staged, self.incoming).map(|()| true);
        }
        self.restore_over(self.outgoing).map(|()| false)
    }

    /// Puts a new file where nothing is. The name may be taken by now.
    fn put(&self) -> io::Result<bool> {
        match self.staged.move_to_new(self.incoming, self.dir, self.name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// A file that is gone by now needs no taking away.
    fn take_away(&self) -> io::Result<()> {
        match self.dir.move_over(self.name, self.staged, self.outgoing) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn replace(&self) -> io::Result<bool> {
        match self.staged.exchange(self.incoming, self.dir, self.name) {
            Ok(true) => {
                self.staged.move_over(self.incoming, self.staged, self.outgoing)?;
                return self.give_back();
            }
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        // Without the exchange the name is free for a moment: whatever stands there is moved away whole and looked at, and the new file takes
        // no name that somebody has taken meanwhile. A rename over it would lose what is saved just before.
        self.take_away()?;
        if self.staged.state(self.outgoing) != self.from {
            return self.restore(self.outgoing);
        }
        Ok(self.put()? && self.give_back()?)
    }

    /// What was moved away and is not what the run had seen is somebody's work: it gets its place back.
    fn give_back(&self) -> io::Result<bool> {
        for name in [self.incoming, self.outgoing] {
            let moved = self.staged.state(name);
            if moved != State::Missing && moved != self.from && moved != self.to {
                return self.restore(name);
            }
        }
        Ok(true)
    }

    /// Gives what somebody has saved its place back, but not over what they have saved once more since. Always `false`.
    fn restore(&self, moved: &str) -> io::Result<bool> {
        let found = self.dir.state(self.name);
        if found == self.to && found != State::Missing {
            match self.staged.exchange(moved, self.dir, self.name) {
                // What they have saved at this very moment is the newer one.
                Ok(true) if self.staged.state(moved) != self.to => drop(self.staged.exchange(moved, self.dir, self.name)?),
                Ok(true) => {}
                Ok(false) => self.restore_over(moved)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        } else if found == State::Missing && self.staged.has(moved) {
            let replaced = replaced(moved);
            let is_newer = !matches!(self.staged.state(&replaced), State::Missing) && self.staged.state(&replaced) != self.to;
            self.restore_to_free(if is_newer { &replaced } else { moved })?;
        }
        Ok(false)
    }

    /// The same over hydrate's new file, where files cannot be exchanged.
    fn restore_over(&self, moved: &str) -> io::Result<()> {
        let replaced = replaced(moved);
        self.dir.move_over(self.name, self.staged, &replaced)?;
        let is_ours = [&self.from, &self.to].contains(&&self.staged.state(&replaced));
        self.restore_to_free(if is_ours { moved } else { &replaced })
    }

    fn restore_to_free(&self, moved: &str) -> io::Result<()> {
        match self.staged.move_to_new(moved, self.dir, self.name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            done => done,
        }
    }

    /// The same where the directory is on another file system than the staged file: by way of a copy beside the target.
    fn make_across(&self, [incoming, outgoing]: &[String; 2]) -> io::Result<bool> {
        // Once the new file is in its place, the name of the copy may stand for what was there before.
        if self.to != State::Missing && self.dir.state(self.name) != self.to && self.dir.state(incoming) != self.to {
            self.dir.remove(incoming)?;
            if let Some(content) = self.staged.read(self.incoming)? {
                self.dir.write_new(incoming, &content)?;
            }
        }
        let (from, to) = (self.from.clone(), self.to.clone());
        let done = FileChange { staged: self.dir, incoming, outgoing, from, to, ..*self }.make_here()?;
        // What went is kept with the staged files, should all of it be undone.
        if done && let Some(before) = self.dir.read(outgoing)? {
            self.staged.remove(self.outgoing)?;
            self.staged.write_new(self.outgoing, &before)?;
        }
        self.dir.remove(outgoing)?;
        self.dir.remove(incoming)?;
        self.dir.remove(&replaced(outgoing))?;
        Ok(done)
    }
}

/// The name of hydrate's file that makes room for somebody's.
fn replaced(moved: &str) -> String {
    format!("{moved}.replaced")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(root: &std::path::Path) -> Place {
        let (manifests, clusters) = (root.join("manifests"), root.join("clusters"));
        Place { manifests, env: "e".to_owned(), shown: "manifests".to_owned(), clusters, clusters_shown: "clusters".to_owned() }
    }

    fn is_locked(place: &Place) -> bool {
        matches!(File::open(&place.manifests).unwrap().try_lock(), Err(TryLockError::WouldBlock))
    }

    /// While a run waits, somebody puts another directory in the place of the one that it waits for.
    #[test]
    fn the_directory_that_is_locked_is_the_one_at_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let place = place(&directory.path().canonicalize().unwrap());
        let replace = |lock: Lock| {
            fs::rename(&place.manifests, directory.path().join("away")).unwrap();
            fs::create_dir(&place.manifests).unwrap();
            drop(lock);
        };
        let first = lock(&place, || {}).unwrap();
        let second = lock(&place, || replace(first)).unwrap();
        assert!(is_locked(&place));
        fs::remove_dir(directory.path().join("away")).unwrap();
        let read = lock_for_reading(&place, || replace(second)).unwrap();
        assert!(is_locked(&place));
        drop(read);
        // And where that happens later, nothing is written.
        let lock = lock(&place, || {}).unwrap();
        fs::remove_dir(directory.path().join("away")).unwrap();
        fs::rename(&place.manifests, directory.path().join("away")).unwrap();
        fs::create_dir(&place.manifests).unwrap();
        let files = Files::from([("a.yaml".to_owned(), b"a: 1\n".as_slice().into())]);
        let desired = super::super::Desired { dirs: [("c".to_owned(), files)].into(), ..Default::default() };
        let changes = Changes::compute(&place, &desired, false).unwrap();
        let error = apply(&place, &changes, &lock).unwrap_err().to_string();
        assert!(error.contains("another directory in its place"), "{error}");
        assert_eq!(fs::read_dir(&place.manifests).unwrap().count(), 0);
    }

    #[test]
    fn a_commit_locks_what_is_not_there_yet() {
        let directory = tempfile::tempdir().unwrap();
        let place = place(&directory.path().canonicalize().unwrap());
        drop(lock_for_reading(&place, || {}).unwrap());
        assert!(!place.manifests.exists());
        let lock = lock_for_committing(&place, || {}).unwrap();
        assert!(is_locked(&place));
        drop(lock);
        assert!(!is_locked(&place));
    }

    /// What others can write to is not where hydrate believes a journal.
    #[test]
    fn a_directory_of_others_holds_no_journal() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let place = place(&directory.path().canonicalize().unwrap());
        fs::create_dir(&place.manifests).unwrap();
        let base = directory.path().join("hydrate-1");
        let keeping = Keeping::below(base.clone(), &place.manifests);
        keeping.make().unwrap();
        keeping.decide(&Journal::new("e"), &place).unwrap();
        assert!(matches!(keeping.left(&place).unwrap(), Left::Write(_)));
        fs::set_permissions(&base, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(keeping.left(&place).unwrap(), Left::Nothing));
        assert!(keeping.make().unwrap_err().to_string().contains("is not this user's alone"));
    }
}
