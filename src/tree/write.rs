//! Writing the tree: staged beside the target, then swapped in one step.
//!
//! What holds at every moment, also when the process is killed:
//! 1. Under the environment's name stands the old tree or the new one. The new one is made beside it, under a
//!    name beginning with `.hydrate-`, and the two change places by one `renameat2(RENAME_EXCHANGE)`.
//! 2. Where the file system cannot do that, the finished new tree gets the name `.hydrate-apply-<env>` first; from
//!    then on every run begins by carrying it over, file by file, so that a run that was killed is completed.
//! 3. Files that are not ours are in the new tree as the same files (hard links; copies where links cannot be made).
//! 4. Remains of a killed run are removed by the next one. Runs exclude each other by a lock on `manifests/`.
//!
//! Nothing is synced to the disk: after a power failure the file system decides, and `hydrate check` tells.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::base::{Diagnostic, Result};

use super::disk::{self, Place, failed};
use super::{Changes, KUSTOMIZATION};

const STAGE: &str = ".hydrate-stage-";
const APPLY: &str = ".hydrate-apply-";

/// The right to write below a `manifests/` directory; other runs wait until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Makes the directory if need be, waits for other runs (after telling so through `waiting`) and clears up after
/// killed ones.
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
    let lock = Lock { _file: file };
    recover(place).map_err(|error| failed("clear up after a run that was killed in", &place.shown, &error))?;
    Ok(lock)
}

/// Completes or removes what killed runs have left. Only to be called with the lock held.
fn recover(place: &Place) -> io::Result<()> {
    for name in disk::names(&place.manifests)? {
        let path = place.manifests.join(&name);
        if let Some(env) = name.strip_prefix(APPLY) {
            carry_over(&path, &place.manifests.join(env))?;
        } else if name.starts_with(STAGE) {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// Brings the changes to disk. `_lock` is the proof that nobody else does.
pub fn apply(place: &Place, changes: &Changes, _lock: &Lock) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let staged = place.manifests.join(format!("{STAGE}{}-{}", place.env, std::process::id()));
    let staging = Staging { path: staged };
    let cannot = |error: io::Error| failed("write", place.shown(""), &error);
    match only_directory(place, changes) {
        Some(name) => {
            stage_directory(&place.dir().join(name), &staging.path, changes, name).map_err(cannot)?;
            swap(place, &staging.path, &place.dir().join(name), Some(name)).map_err(cannot)
        }
        None => {
            stage_environment(place, &staging.path, changes).map_err(cannot)?;
            swap(place, &staging.path, &place.dir(), None).map_err(cannot)
        }
    }
}

/// The one directory to swap when nothing else changes: less to link for a small change.
fn only_directory<'a>(place: &Place, changes: &'a Changes) -> Option<&'a str> {
    let mut changed = changes.dirs.iter().filter(|(_, dir)| !dir.is_empty());
    let (name, dir) = changed.next()?;
    let alone = changed.next().is_none() && changes.index.is_none();
    (alone && !dir.files.is_empty() && place.dir().join(name).is_dir()).then_some(name.as_str())
}

/// The staged tree; what is left of it is removed in the end, whatever happens.
struct Staging {
    path: PathBuf,
}

impl Drop for Staging {
    fn drop(&mut self) {
        // A failure leaves a directory that the next run removes.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The new environment: our directories as they are to be, everything else as it is.
fn stage_environment(place: &Place, staged: &Path, changes: &Changes) -> io::Result<()> {
    let current = place.dir();
    make_dir(staged, &current)?;
    for name in disk::names(&current)? {
        if name == KUSTOMIZATION && changes.index.is_some() {
            continue;
        }
        match changes.dirs.get(&name) {
            Some(_) => stage_directory(&current.join(&name), &staged.join(&name), changes, &name)?,
            None => link_all(&current.join(&name), &staged.join(&name))?,
        }
    }
    for name in changes.dirs.keys().filter(|name| !disk::exists(&current.join(name))) {
        stage_directory(&current.join(name), &staged.join(name), changes, name)?;
    }
    match &changes.index {
        Some(Some(bytes)) => fs::write(staged.join(KUSTOMIZATION), bytes),
        _ => Ok(()),
    }
}

/// One directory as it is to be: our files, and the files that are not ours. A directory in which nothing is left
/// is not made.
fn stage_directory(current: &Path, staged: &Path, changes: &Changes, name: &str) -> io::Result<()> {
    let Some(dir) = changes.dirs.get(name) else { return Ok(()) };
    let gone = |file: &str| dir.deleted.iter().any(|deleted| deleted == file) || (file == super::INDEX && dir.files.is_empty());
    let present = disk::names(current)?;
    let foreign: Vec<&String> = present.iter().filter(|file| !dir.files.contains_key(*file) && !gone(file)).collect();
    if dir.files.is_empty() && foreign.is_empty() {
        return Ok(());
    }
    make_dir(staged, current)?;
    for file in foreign {
        link_all(&current.join(file), &staged.join(file))?;
    }
    let rewritten = |file: &str| {
        let listed = |names: &[String]| names.iter().any(|name| name == file);
        listed(&dir.created) || listed(&dir.changed) || (file == super::INDEX && dir.reindexed)
    };
    for (file, bytes) in &dir.files {
        if rewritten(file) {
            fs::write(staged.join(file), bytes)?;
        } else {
            link_all(&current.join(file), &staged.join(file))?;
        }
    }
    Ok(())
}

/// Makes a directory with the permissions of the one it replaces.
fn make_dir(staged: &Path, current: &Path) -> io::Result<()> {
    fs::create_dir_all(staged)?;
    match fs::metadata(current) {
        Ok(metadata) => fs::set_permissions(staged, metadata.permissions()),
        Err(_) => Ok(()),
    }
}

/// The same thing under another name: files linked (or copied), links made anew, directories walked.
fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        make_dir(to, from)?;
        return disk::names(from)?.iter().try_for_each(|name| link_all(&from.join(name), &to.join(name)));
    }
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

/// Puts the staged directory in the target's place. `within` is the directory of the environment that is swapped
/// alone, where only one is.
fn swap(place: &Place, staged: &Path, target: &Path, within: Option<&str>) -> io::Result<()> {
    if !disk::exists(target) {
        return if disk::exists(staged) { fs::rename(staged, target) } else { Ok(()) };
    }
    match exchange(staged, target) {
        Err(error) if cannot_exchange(&error) => {
            let apply = place.manifests.join(format!("{APPLY}{}", place.env));
            // The name of the finished tree is the decision: from here on the new tree is what counts.
            match within {
                None => fs::rename(staged, &apply)?,
                Some(name) => {
                    let whole = place.manifests.join(format!("{STAGE}{}-whole-{}", place.env, std::process::id()));
                    let _remove = Staging { path: whole.clone() };
                    link_all(&place.dir(), &whole)?;
                    fs::remove_dir_all(whole.join(name))?;
                    fs::rename(staged, whole.join(name))?;
                    fs::rename(&whole, &apply)?;
                }
            }
            carry_over(&apply, &place.dir())
        }
        other => other,
    }
}

fn exchange(staged: &Path, target: &Path) -> io::Result<()> {
    if std::env::var_os("HYDRATE_TEST_NO_EXCHANGE").is_some() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    renameat_with(CWD, staged, CWD, target, RenameFlags::EXCHANGE).map_err(Into::into)
}

/// File systems without the exchange, kernels without the call, and overlays over a lower layer.
fn cannot_exchange(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = Errno::from_io_error(error);
    error.kind() == io::ErrorKind::Unsupported || matches!(code, Some(Errno::INVAL | Errno::NOSYS | Errno::XDEV | Errno::OPNOTSUPP))
}

/// Makes the target like the finished tree, file by file, then removes the finished tree. Doing it again after having
/// been stopped anywhere gives the same result. Only what is ours is deleted: somebody may have added files since.
fn carry_over(finished: &Path, target: &Path) -> io::Result<()> {
    delete_ours(finished, target)?;
    copy_over(finished, target)?;
    fs::remove_dir_all(finished)
}

/// Deletes what is ours in the target and not in the finished tree. The index of a directory goes last, so that it
/// can be read again after a stop.
fn delete_ours(finished: &Path, target: &Path) -> io::Result<()> {
    for name in disk::names(target)? {
        let (wanted, dir) = (finished.join(&name), target.join(&name));
        if !fs::symlink_metadata(&dir)?.is_dir() {
            continue;
        }
        for file in disk::owned(&dir)?.names().filter(|file| !disk::exists(&wanted.join(file))) {
            remove_if_there(&dir.join(file))?;
        }
        if !disk::exists(&wanted.join(super::INDEX)) && disk::exists(&dir.join(super::INDEX)) {
            remove_if_there(&dir.join(super::INDEX))?;
            // Fails where files that are not ours are left, and then the directory stays.
            let _ = fs::remove_dir(&dir);
        }
    }
    if disk::exists(&finished.join(KUSTOMIZATION)) { Ok(()) } else { remove_if_there(&target.join(KUSTOMIZATION)) }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn copy_over(finished: &Path, target: &Path) -> io::Result<()> {
    make_dir(target, finished)?;
    for name in disk::names(finished)? {
        let (from, to) = (finished.join(&name), target.join(&name));
        if fs::symlink_metadata(&from)?.is_dir() {
            copy_over(&from, &to)?;
        } else if !same_file(&from, &to) {
            replace(&from, &to)?;
        }
    }
    Ok(())
}

/// Replaces one file in one step.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let temporary = to.with_file_name(format!("{STAGE}file-{}", std::process::id()));
    remove_if_there(&temporary)?;
    link_all(from, &temporary)?;
    fs::rename(&temporary, to)
}

fn same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::symlink_metadata(a), fs::symlink_metadata(b)) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}

/// An error for a tree that another run is writing, for commands that do not wait.
pub fn is_locked(place: &Place) -> bool {
    File::open(&place.manifests).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Where a run that was killed left the environment half carried over: reading it would be wrong.
pub fn unfinished(place: &Place) -> Option<Box<Diagnostic>> {
    let left = place.manifests.join(format!("{APPLY}{}", place.env));
    disk::exists(&left).then(|| {
        Diagnostic::error(format!("{} was being written when a run was stopped", place.shown("")))
            .help(format!("run `hydrate -e {}` to complete it", place.env))
    })
}
