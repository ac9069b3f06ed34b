//! Bringing the branch that is checked out forward to a commit that the remote has already, with index and files.
//!
//! As for `git merge --ff-only`, what the user has edited or staged stays, and where that is in the way, nothing happens. Other than that it can be killed at any
//! moment: each file is put in place whole, the index and the branch move at the end, and the next run completes what this one has begun.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, Result, kill_point};

use super::super::Repository;
use super::super::command::succeed;
use super::super::revision::entries;
use super::Base;
use super::index::{self, Flag, IndexChange, Move, Outcome};
use super::journal::{self, Held, cannot_write};

/// The file that says what is under way.
const JOURNAL: &str = "fast-forward";

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FastForward {
    /// The branch is at the commit.
    Done,
    /// These files have been edited or staged, and the commit has others.
    InTheWay(Vec<String>),
    /// The branch has commits of its own.
    Diverged,
}

/// Mode and object of a file; `None` where it is not there.
type Entry = Option<(String, String)>;

/// A file that is another one in the commit.
struct Differing {
    path: String,
    old: Entry,
    new: Entry,
}

/// Whether a file of the work tree, by its path there and its content, is one that can be written again at any time.
pub(super) type IsGenerated<'a> = &'a dyn Fn(&Path, &[u8]) -> bool;

/// Brings the branch that is checked out to a commit.
///
/// # Errors
/// What cannot be read or written.
pub fn fast_forward(root: &Path, to: &str, is_generated: IsGenerated<'_>) -> Result<FastForward> {
    let repository = Repository::of(root)?;
    let held = Held::take(&repository)?;
    carry_out(&held, to, is_generated)
}

/// Completes one that was stopped, where there is one; gives what is in its way.
///
/// # Errors
/// What cannot be read or written.
pub fn resume(root: &Path, is_generated: IsGenerated<'_>) -> Result<Option<FastForward>> {
    let Some(repository) = Repository::discover(root)? else { return Ok(None) };
    let journal = repository.git_dir().join("hydrate/commit").join(JOURNAL);
    if !journal.exists() || repository.check_owner().is_err() {
        return Ok(None);
    }
    let held = Held::take(&repository)?;
    let Ok(text) = fs::read_to_string(&journal) else { return Ok(None) };
    let done = match text.lines().collect::<Vec<_>>()[..] {
        [from, to] if Base::read(&repository)?.commit.as_deref() == Some(from) => Some(carry_out(&held, to, is_generated)?),
        // The branch is there already, or somebody has gone elsewhere.
        _ => None,
    };
    journal::remove(&journal)?;
    Ok(done)
}

fn carry_out(held: &Held<'_>, to: &str, is_generated: IsGenerated<'_>) -> Result<FastForward> {
    let repository = held.repository;
    super::check_state(repository)?;
    let base = Base::read(repository)?;
    let Some(from) = base.commit.as_deref().filter(|from| *from != to) else { return Ok(FastForward::Done) };
    if repository.is_ancestor(from, to)? != Some(true) {
        return Ok(FastForward::Diverged);
    }
    let differing = differing(repository, from, to)?;
    let standing = Standing::read(repository, &differing)?;
    let in_the_way: Vec<String> =
        differing.iter().filter(|one| standing.is_in_the_way(one, repository, is_generated)).map(|one| one.path.clone()).collect();
    if !in_the_way.is_empty() {
        return Ok(FastForward::InTheWay(in_the_way));
    }
    let journal = held.file(JOURNAL);
    let staged = held.file("fast-forward.new");
    let written = fs::write(&staged, format!("{from}\n{to}\n")).and_then(|()| {
        kill_point();
        fs::rename(&staged, &journal)
    });
    written.map_err(|error| cannot_write(&staged, &error))?;
    write_files(held, to, &differing, &standing)?;
    let subject = subject(repository, to)?;
    let moved = Move { new: to, old: Some(from), branch: base.branch.as_deref(), subject: &subject };
    let changes: Vec<IndexChange> = differing
        .iter()
        .filter(|one| standing.entries.get(&one.path).cloned() != one.new)
        .map(|one| IndexChange { path: one.path.clone(), entry: one.new.clone(), flag: standing.flags.get(&one.path).copied() })
        .collect();
    let outcome = index::publish(held, &changes, Some(&moved))?;
    journal::remove(&journal)?;
    Ok(if outcome == Outcome::Done { FastForward::Done } else { FastForward::Diverged })
}

fn subject(repository: &Repository, commit: &str) -> Result<String> {
    let mut asked = repository.reading_git();
    asked.args(["log", "-1", "--no-show-signature", "--format=%s", commit, "--"]);
    Ok(succeed(asked, b"", "read the commit")?.text())
}

/// The files in which two commits differ.
fn differing(repository: &Repository, from: &str, to: &str) -> Result<Vec<Differing>> {
    let mut asked = repository.reading_git();
    asked.args(["diff-tree", "-r", "-z", "--no-renames", "--full-index", "--name-only", from, to]);
    let said = succeed(asked, b"", "compare two commits")?;
    let paths: Vec<String> = said
        .stdout
        .split(|byte| *byte == 0)
        .filter_map(|path| std::str::from_utf8(path).ok())
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    // All of both trees where there is much, else only what differs: arguments have an end.
    let few: Vec<&str> = if paths.len() <= 200 { paths.iter().map(String::as_str).collect() } else { Vec::new() };
    let (old, new) = (entries(repository, from, &few)?, entries(repository, to, &few)?);
    Ok(paths.into_iter().map(|path| Differing { old: old.get(&path).cloned(), new: new.get(&path).cloned(), path }).collect())
}

/// What stands in the index and on disk.
struct Standing {
    entries: BTreeMap<String, (String, String)>,
    flags: BTreeMap<String, Flag>,
    on_disk: BTreeMap<String, Entry>,
}

impl Standing {
    fn read(repository: &Repository, differing: &[Differing]) -> Result<Self> {
        let wanted: BTreeSet<&str> = differing.iter().map(|one| one.path.as_str()).collect();
        let listed = index::listed(repository, &[])?;
        let entries = listed.entries.into_iter().filter(|(path, _)| wanted.contains(path.as_str())).collect();
        let on_disk = on_disk(repository, differing)?;
        Ok(Self { entries, flags: listed.flags, on_disk })
    }

    /// Whether somebody has put something else there that would be lost.
    fn is_in_the_way(&self, one: &Differing, repository: &Repository, is_generated: IsGenerated<'_>) -> bool {
        let entry = self.entries.get(&one.path);
        if entry != one.old.as_ref() && entry != one.new.as_ref() {
            return true;
        }
        let disk = self.on_disk.get(&one.path).cloned().flatten();
        let id = |entry: &Entry| entry.as_ref().map(|(_, id)| id.clone());
        if self.flags.contains_key(&one.path) && disk.is_none() {
            return false;
        }
        if [id(&one.old), id(&one.new)].contains(&id(&disk)) {
            return false;
        }
        let path = repository.work_tree().join(&one.path);
        // A generated file that is not there is one that was deleted; nothing is lost with it.
        !fs::read(&path).map_or(disk.is_none() && one.old.is_some(), |bytes| is_generated(&path, &bytes))
    }
}

/// The objects that files on disk would be, through the user's filters; what is no file is none of these.
fn on_disk(repository: &Repository, differing: &[Differing]) -> Result<BTreeMap<String, Entry>> {
    let mut found = BTreeMap::new();
    let mut files = Vec::new();
    for one in differing {
        let path = repository.work_tree().join(&one.path);
        let is_submodule = [&one.old, &one.new].into_iter().flatten().any(|(mode, _)| mode == "160000");
        match fs::symlink_metadata(&path) {
            // Which commit a submodule is at is its own business.
            _ if is_submodule => drop(found.insert(one.path.clone(), one.new.clone())),
            Ok(metadata) if metadata.is_symlink() => {
                let target = fs::read_link(&path).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))?;
                let length = one.old.as_ref().or(one.new.as_ref()).map_or(40, |(_, id)| id.len());
                let id = super::blob_id(target.as_os_str().as_encoded_bytes(), length);
                found.insert(one.path.clone(), Some(("120000".to_owned(), id)));
            }
            Ok(metadata) if metadata.is_file() && !one.path.contains('\n') => files.push(one.path.as_str()),
            Ok(_) => drop(found.insert(one.path.clone(), Some((String::new(), String::new())))),
            Err(_) => drop(found.insert(one.path.clone(), None)),
        }
    }
    if !files.is_empty() {
        let list: String = files.iter().map(|path| format!("{path}\n")).collect();
        let mut hashing = repository.git();
        hashing.args(["hash-object", "--stdin-paths"]);
        let said = succeed(hashing, list.as_bytes(), "compare files with the Git repository")?;
        let ids = said.text();
        found.extend(files.iter().zip(ids.lines()).map(|(path, id)| ((*path).to_owned(), Some(("100644".to_owned(), id.to_owned())))));
    }
    Ok(found)
}

/// Puts the files of the commit in place, each whole.
fn write_files(held: &Held<'_>, to: &str, differing: &[Differing], standing: &Standing) -> Result<()> {
    let repository = held.repository;
    let top = repository.work_tree();
    let is_sparse = |one: &Differing| standing.flags.get(&one.path) == Some(&Flag::SkipWorktree);
    let is_file = |one: &Differing| one.new.as_ref().is_some_and(|(mode, _)| mode != "160000");
    let stands = |one: &Differing| {
        let (disk, new) = (standing.on_disk.get(&one.path).cloned().flatten(), one.new.clone());
        disk.map(|(_, id)| id) == new.map(|(_, id)| id) && one.old.as_ref().map(|(mode, _)| mode) == one.new.as_ref().map(|(mode, _)| mode)
    };
    let coming: Vec<&Differing> = differing.iter().filter(|one| is_file(one) && !is_sparse(one) && !stands(one)).collect();
    let going = differing.iter().filter(|one| one.new.is_none() && one.old.as_ref().is_some_and(|(mode, _)| mode != "160000"));
    for one in going {
        let path = top.join(&one.path);
        kill_point();
        if is_plain(top, &path) && fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_dir()) {
            fs::remove_file(&path).map_err(|error| cannot_write(&path, &error))?;
        }
        let above = path.ancestors().skip(1).take_while(|above| *above != top && above.starts_with(top));
        // A directory that has something in it stays.
        let _ = above.map(fs::remove_dir).take_while(std::io::Result::is_ok).count();
    }
    if coming.is_empty() {
        return Ok(());
    }
    let index = held.file("tree");
    journal::remove(&index)?;
    let directory = tempfile::Builder::new().prefix(journal::FILES).tempdir_in(held.file(""));
    let directory = directory.map_err(|error| cannot_write(&held.file(""), &error))?;
    let git = |arguments: &[&str]| {
        let mut command = repository.git();
        command.env("GIT_INDEX_FILE", &index).args(arguments);
        command
    };
    held.succeed(git(&["read-tree", to]), b"", "read the commit")?;
    let prefix = format!("--prefix={}/", directory.path().display());
    let list: String = coming.iter().map(|one| format!("{}\0", one.path)).collect();
    held.succeed(
        git(&["checkout-index", "--force", "--quiet", "-z", "--stdin", &prefix]),
        list.as_bytes(),
        "write the files of the commit",
    )?;
    for one in coming {
        put(top, &directory.path().join(&one.path), &top.join(&one.path))?;
    }
    journal::remove(&index)
}

/// Puts a file in its place.
fn put(top: &Path, from: &Path, to: &Path) -> Result<()> {
    let cannot = |error: std::io::Error| cannot_write(to, &error);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    if !is_plain(top, to) {
        return Err(
            Diagnostic::error(format!("{} lies behind a link", to.display())).help("replace the link by a directory, and pull: git pull")
        );
    }
    kill_point();
    if fs::rename(from, to).is_ok() {
        return Ok(());
    }
    // The Git directory is on another file system: beside its place there is one of the same.
    let beside = to.with_file_name(format!(".{}.hydrate", to.file_name().and_then(|name| name.to_str()).unwrap_or_default()));
    let copied = if fs::symlink_metadata(from).is_ok_and(|metadata| metadata.is_symlink()) {
        let _ = fs::remove_file(&beside);
        fs::read_link(from).and_then(|target| std::os::unix::fs::symlink(target, &beside))
    } else {
        fs::copy(from, &beside).map(drop)
    };
    copied.and_then(|()| fs::rename(&beside, to)).map_err(cannot)
}

/// Whether the directories on the way to a path are real ones, or not there.
fn is_plain(top: &Path, path: &Path) -> bool {
    let above: Vec<PathBuf> = path.ancestors().skip(1).take_while(|above| *above != top).map(Path::to_owned).collect();
    above.iter().all(|above| fs::symlink_metadata(above).map_or(true, |metadata| metadata.is_dir()))
}
