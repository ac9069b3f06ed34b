//! The index and the branch: both move under the index's lock, the index first.
//!
//! Stopped in between, the index has what is on disk already and the branch has not: no commit of the user's can then take
//! anything back. (The other way round it would: an index that is behind HEAD reverts in the next commit what HEAD has.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hydrate_base::kill_point;
use hydrate_base::{Diagnostic, Result};

use super::super::Repository;
use super::super::command::{Said, index_info, succeed};
use super::journal::{self, Held, cannot_write};
use super::signals::Deferred;
use super::{Base, Plan, Request, Wanted, check_state, locked, owned, prefixes};

/// How long a lock of Git's is waited for: no command of Git's has it for long.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to change in the index.
pub(super) struct IndexChange {
    pub(super) path: String,
    /// Mode and object; `None` where it goes.
    pub(super) entry: Option<(String, String)>,
    /// What the user has told Git about the file, to be kept.
    pub(super) flag: Option<Flag>,
}

/// The marks of `git update-index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    SkipWorktree,
    AssumeUnchanged,
}

impl Flag {
    fn option(self) -> &'static str {
        match self {
            Self::SkipWorktree => "--skip-worktree",
            Self::AssumeUnchanged => "--assume-unchanged",
        }
    }
}

/// Where the branch is to go.
pub(super) struct Move<'a> {
    pub(super) new: &'a str,
    pub(super) old: Option<&'a str>,
    pub(super) branch: Option<&'a str>,
    pub(super) subject: &'a str,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// The branch is elsewhere by now; nothing was changed.
    Moved,
}

/// What these changes are for `git update-index`.
pub(super) fn lines(changes: &[IndexChange]) -> Vec<u8> {
    index_info(changes.iter().map(|change| (change.path.as_str(), change.entry.as_ref())))
}

/// What is in the user's index.
pub(super) struct Listed {
    /// Mode and object of each file.
    pub(super) entries: BTreeMap<String, (String, String)>,
    pub(super) flags: BTreeMap<String, Flag>,
    /// The files with conflicts.
    unmerged: BTreeSet<String>,
}

/// Lists the index, below directories; none: all of it.
pub(super) fn listed(repository: &Repository, prefixes: &[String]) -> Result<Listed> {
    let mut listing = repository.git();
    listing.args(["ls-files", "-s", "-v", "-z", "--"]).args(prefixes);
    let said = succeed(listing, b"", "read the Git index")?;
    let mut listed = Listed { entries: BTreeMap::new(), flags: BTreeMap::new(), unmerged: BTreeSet::new() };
    for line in said.stdout.split(|byte| *byte == 0) {
        let Some((about, path)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once('\t')) else { continue };
        let [tag, mode, id, stage] = about.split(' ').collect::<Vec<_>>()[..] else { continue };
        if stage != "0" {
            listed.unmerged.insert(path.to_owned());
        }
        let flag = match tag {
            "S" | "s" => Some(Flag::SkipWorktree),
            _ if tag.chars().all(char::is_lowercase) => Some(Flag::AssumeUnchanged),
            _ => None,
        };
        listed.flags.extend(flag.map(|flag| (path.to_owned(), flag)));
        listed.entries.insert(path.to_owned(), (mode.to_owned(), id.to_owned()));
    }
    Ok(listed)
}

/// How the user's index differs from what the commit is to hold of ours.
pub(super) fn differences(repository: &Repository, request: &Request<'_>, plan: &mut Plan) -> Result<Vec<IndexChange>> {
    let prefixes = prefixes(repository, request)?;
    let Listed { entries, flags, unmerged } = listed(repository, if plan.sources.is_empty() { &prefixes } else { &[] })?;
    if let Some(path) = unmerged.iter().find(|path| plan.wanted.contains_key(*path)) {
        return Err(Diagnostic::error(format!("{path} has a merge conflict in the Git index"))
            .note("nothing was committed")
            .help(format!("resolve it: git add {path}")));
    }
    let mut wanted: Wanted = left_behind(repository, request, &prefixes, &entries, plan)?;
    wanted.extend(plan.wanted.iter().map(|(path, entry)| (path.clone(), entry.clone())));
    let differs = wanted.into_iter().filter(|(path, entry)| entries.get(path) != entry.as_ref());
    Ok(differs.map(|(path, entry)| IndexChange { flag: flags.get(&path).copied(), path, entry }).collect())
}

/// Files in the index that were ours by the index's own word, and that neither the last commit nor the disk has any more.
fn left_behind(
    repository: &Repository,
    request: &Request<'_>,
    prefixes: &[String],
    entries: &BTreeMap<String, (String, String)>,
    plan: &Plan,
) -> Result<Wanted> {
    let is_index = |path: &str| path.rsplit('/').next() == Some(request.index_name);
    let behind = |path: &str| plan.wanted.get(path).map(Option::as_ref) != Some(entries.get(path));
    let indexes: BTreeMap<String, (String, String)> =
        entries.iter().filter(|(path, _)| is_index(path) && behind(path)).map(|(path, entry)| (path.clone(), entry.clone())).collect();
    let mut wanted = Wanted::new();
    for (area, prefix) in request.areas.iter().zip(prefixes).filter(|_| !indexes.is_empty()) {
        let paths = owned(repository, &indexes, area, prefix, request.index_name)?.into_iter().map(|path| format!("{prefix}/{path}"));
        wanted.extend(paths.filter(|path| entries.contains_key(path) && !plan.wanted.contains_key(path)).map(|path| (path, None)));
    }
    Ok(wanted)
}

/// Brings the index up, and then moves the branch; or neither.
pub(super) fn publish(held: &Held<'_>, changes: &[IndexChange], moved: Option<&Move<'_>>) -> Result<Outcome> {
    if changes.is_empty() && moved.is_none() {
        return Ok(Outcome::Done);
    }
    let deferred = Deferred::begin();
    let lock = IndexLock::take(held, &deferred)?;
    check_state(held.repository)?;
    let index = held.repository.git_dir().join("index");
    prepare(held, &index, changes)?;
    if let Some(moved) = moved {
        held.note(moved.new, moved.branch)?;
    }
    let swap = Swap::make(held, &index, !changes.is_empty())?;
    let outcome = moved.map_or(Ok(Outcome::Done), |moved| move_branch(held, moved, &deferred));
    if !matches!(outcome, Ok(Outcome::Done)) {
        swap.undo()?;
    }
    drop(lock);
    held.clear()?;
    drop(deferred);
    outcome
}

/// Makes the new index, beside the old one.
fn prepare(held: &Held<'_>, index: &Path, changes: &[IndexChange]) -> Result<()> {
    let new = held.file("index");
    journal::remove(&new)?;
    if changes.is_empty() {
        return Ok(());
    }
    match copy(index, &new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot_write(&new, &error)),
        _ => {}
    }
    let git = |arguments: &[&str]| {
        let mut command = held.repository.git();
        command.env("GIT_INDEX_FILE", &new).args(arguments);
        command
    };
    held.succeed(git(&["update-index", "-z", "--index-info"]), &lines(changes), "bring the Git index up")?;
    for flag in [Flag::SkipWorktree, Flag::AssumeUnchanged] {
        let paths: String = changes
            .iter()
            .filter(|change| change.flag == Some(flag) && change.entry.is_some())
            .map(|change| format!("{}\0", change.path))
            .collect();
        if !paths.is_empty() {
            held.succeed(git(&["update-index", flag.option(), "-z", "--stdin"]), paths.as_bytes(), "bring the Git index up")?;
        }
    }
    // Times and sizes, by which Git sees at once that the files are as in the index. Without them it would read the files.
    let paths: Vec<&str> = changes.iter().filter(|change| change.entry.is_some()).map(|change| change.path.as_str()).collect();
    if !paths.is_empty() {
        let directories: BTreeSet<&str> = paths.iter().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
        let mut refresh = git(&["add", "--refresh", "--sparse", "--"]);
        refresh.args(directories);
        held.run(refresh, b"")?;
    }
    Ok(())
}

/// Copies an index with its time: by that Git knows which files may have been changed since unnoticed, in the same second.
fn copy(index: &Path, to: &Path) -> io::Result<()> {
    let time = fs::metadata(index)?.modified()?;
    fs::copy(index, to)?;
    fs::File::options().write(true).open(to)?.set_modified(time)
}

/// The new index in the place of the old one.
struct Swap<'a> {
    held: &'a Held<'a>,
    index: &'a Path,
    is_made: bool,
}

impl<'a> Swap<'a> {
    fn make(held: &'a Held<'a>, index: &'a Path, is_made: bool) -> Result<Self> {
        let swap = Self { held, index, is_made };
        if is_made {
            let (new, before) = (held.file("index"), held.file("before"));
            journal::remove(&before)?;
            journal::remove(&held.file("after"))?;
            if index.exists() {
                kill_point();
                fs::hard_link(index, &before).or_else(|_| copy(index, &before)).map_err(|error| cannot_write(&before, &error))?;
            }
            // By this a later run knows the new index again. Without links it leaves the index as it finds it.
            let _ = fs::hard_link(&new, held.file("after"));
            kill_point();
            fs::rename(&new, index).map_err(|error| cannot_write(index, &error))?;
        }
        Ok(swap)
    }

    fn undo(self) -> Result<()> {
        if !self.is_made {
            return Ok(());
        }
        kill_point();
        let before = self.held.file("before");
        let restored = if before.exists() { fs::rename(&before, self.index) } else { fs::remove_file(self.index) };
        restored.map_err(|error| cannot_write(self.index, &error))
    }
}

/// The lock of the index that Git's own commands respect.
struct IndexLock {
    path: PathBuf,
}

impl IndexLock {
    /// Waits until no command of Git's has it.
    fn take(held: &Held<'_>, deferred: &Deferred) -> Result<Self> {
        let (mark, path) = (held.mark()?, held.index_lock());
        let end = Instant::now() + PATIENCE;
        loop {
            kill_point();
            match fs::hard_link(&mark, &path).or_else(|error| without_links(&mark, &path, error)) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(cannot_write(&path, &error)),
                // Only who holds `held` makes such a one, so it is left over.
                Err(_) if Held::is_ours(&path) => journal::remove(&path)?,
                Err(_) if Instant::now() < end && !deferred.is_waiting() => std::thread::sleep(Duration::from_millis(4)),
                Err(_) => return Err(locked(&path, PATIENCE.as_secs())),
            }
        }
    }
}

/// Where the file system has no hard links, the lock is a copy.
fn without_links(mark: &Path, path: &Path, error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Err(error);
    }
    let mut file = fs::File::create_new(path)?;
    io::Write::write_all(&mut file, &fs::read(mark)?)
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        kill_point();
        // One that cannot be removed is known to be ours by the next run.
        let _ = fs::remove_file(&self.path);
    }
}

/// Moves the branch from the commit that the new one is based on.
fn move_branch(held: &Held<'_>, moved: &Move<'_>, deferred: &Deferred) -> Result<Outcome> {
    let initial = if moved.old.is_some() { "" } else { " (initial)" };
    let zero = "0".repeat(moved.new.len());
    let reason = format!("commit{initial}: {}", moved.subject);
    let end = Instant::now() + PATIENCE;
    loop {
        let mut update = held.repository.git();
        update.args(["update-ref", "-m", &reason, "HEAD", moved.new, moved.old.unwrap_or(&zero)]);
        let said = held.run(update, b"")?;
        if said.status.success() {
            return Ok(Outcome::Done);
        }
        if said.status.code().is_none() {
            held.clear_locks_of(moved.new, moved.branch)?;
        }
        match Base::read(held.repository)?.commit {
            Some(commit) if commit == moved.new => return Ok(Outcome::Done),
            commit if commit.as_deref() != moved.old => return Ok(Outcome::Moved),
            _ => {}
        }
        match lock_in_the_way(&said) {
            Some(_) if Instant::now() < end && !deferred.is_waiting() => std::thread::sleep(Duration::from_millis(10)),
            Some(lock) => return Err(locked(&lock, PATIENCE.as_secs())),
            None if said.status.code().is_none() => {
                return Err(Diagnostic::error("git was stopped while it moved the branch")
                    .note("nothing was committed")
                    .help("hydrate commit"));
            }
            None => return Err(said.error("git cannot move the branch").note("nothing was committed")),
        }
    }
}

/// The lock on a branch that Git could not make because it is there.
fn lock_in_the_way(said: &Said) -> Option<PathBuf> {
    let (_, rest) = said.stderr.split_once("Unable to create '")?;
    let (path, _) = rest.split_once("': File exists")?;
    Some(PathBuf::from(path))
}
