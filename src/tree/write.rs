//! Writing the tree: staged beside the target, then swapped in one step.
//!
//! What holds at every moment, also when the process is killed:
//! 1. Under the environment's name stands the old tree or the new one. The new one is made beside it, under a
//!    name beginning with `.hydrate-`, and the two change places by one `renameat2(RENAME_EXCHANGE)`.
//! 2. Where the file system cannot do that, the finished new tree gets the name `.hydrate-apply-<env>` first; from
//!    then on every run begins by carrying it over, file by file, so that a run that was killed is completed.
//! 3. Files that are not ours are in the new tree as the same files (hard links; copies where links cannot be made).
//! 4. Remains of a killed run are removed by the next one. Runs exclude each other by a lock on `manifests/`.
//! 5. `clusters/<env>` is written the same way. Where both change, the new `clusters/<env>` first gets a name with a digest of both new trees; then
//!    `manifests/<env>` is swapped, which is the decision, and then `clusters/<env>`. A run that finds such a name with the digest of what stands
//!    under `manifests/<env>` does the second swap; with another digest the decision was never made, and it removes the tree.
//!
//! Nothing is synced to the disk: after a power failure the file system decides, and `hydrate check` tells.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::base::hash::sha256;
use crate::base::{Diagnostic, Result};

use super::disk::{self, Place, failed};
use super::{Changes, DirChanges, INDEX, KUSTOMIZATION};

const STAGE: &str = ".hydrate-stage-";
const APPLY: &str = ".hydrate-apply-";
const AFTER: &str = ".hydrate-after-";

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
    recover_in(&place.manifests)?;
    // Links lead out of the project, and nothing of ours is behind them.
    if !place.has_plain_clusters() {
        return Ok(());
    }
    recover_in(&place.clusters)?;
    for promise in promises(place)? {
        if promise.holds(place)? {
            swap(&place.clusters, &promise.env, &promise.path, &place.clusters.join(&promise.env), None)?;
        }
        remove_tree(&promise.path)?;
    }
    Ok(())
}

fn recover_in(root: &Path) -> io::Result<()> {
    for name in disk::names(root)? {
        let path = root.join(&name);
        if let Some(env) = name.strip_prefix(APPLY) {
            carry_over(&path, &root.join(env))?;
        } else if name.starts_with(STAGE) {
            remove_tree(&path)?;
        }
    }
    Ok(())
}

/// Removes a directory, or a file in its place, if there is one.
fn remove_tree(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_dir()) {
        return remove_if_there(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A new `clusters/<env>` that is to follow a new `manifests/<env>`.
struct Promise {
    path: PathBuf,
    env: String,
    digest: String,
}

impl Promise {
    /// Whether the manifests that it was to follow are there. Once it was kept, the old tree has its name, and it no longer holds.
    fn holds(&self, place: &Place) -> io::Result<bool> {
        Ok(digest(&place.manifests.join(&self.env), &self.path)? == self.digest)
    }
}

fn promises(place: &Place) -> io::Result<Vec<Promise>> {
    let all = disk::names(&place.clusters)?;
    let promise = |name: &String| {
        let (env, digest) = name.strip_prefix(AFTER)?.rsplit_once('-')?;
        Some(Promise { path: place.clusters.join(name), env: env.to_owned(), digest: digest.to_owned() })
    };
    Ok(all.iter().filter_map(promise).collect())
}

/// The digest of what is ours in an environment's two trees, by their indexes.
fn digest(manifests: &Path, clusters: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut add = |name: &str, path: PathBuf| -> io::Result<()> {
        if let Some(bytes) = disk::file(&path)? {
            text.push_str(&format!("{}  {name}\n", sha256(&bytes)));
        }
        Ok(())
    };
    for name in disk::names(manifests)? {
        add(&name, manifests.join(&name).join(INDEX))?;
    }
    add("manifests", manifests.join(KUSTOMIZATION))?;
    add("clusters", clusters.join(INDEX))?;
    Ok(sha256(text.as_bytes()))
}

/// Brings the changes to disk. `_lock` is the proof that nobody else does.
pub fn apply(place: &Place, changes: &Changes, _lock: &Lock) -> Result<()> {
    let cannot = |shown: String| move |error: io::Error| failed("write", shown, &error);
    match (changes.touch_manifests(), !changes.clusters.is_empty()) {
        (false, false) => Ok(()),
        (true, false) => apply_manifests(place, changes).map_err(cannot(place.shown(""))),
        (false, true) => apply_clusters(place, changes).map_err(cannot(place.clusters_shown(""))),
        (true, true) => apply_both(place, changes).map_err(cannot(format!("{} and {}", place.shown(""), place.clusters_shown("")))),
    }
}

impl Staging {
    /// The place beside the trees of all environments where the new one is made.
    fn beside(root: &Path, place: &Place) -> Self {
        Self { path: root.join(format!("{STAGE}{}-{}", place.env, std::process::id())) }
    }
}

fn apply_manifests(place: &Place, changes: &Changes) -> io::Result<()> {
    let staging = Staging::beside(&place.manifests, place);
    let only = only_directory(place, changes).and_then(|name| Some((name, changes.dirs.get(name)?)));
    match only {
        Some((name, dir)) => {
            stage_directory(&place.dir().join(name), &staging.path, dir)?;
            swap(&place.manifests, &place.env, &staging.path, &place.dir().join(name), Some(name))
        }
        None => {
            stage_environment(place, &staging.path, changes)?;
            swap(&place.manifests, &place.env, &staging.path, &place.dir(), None)
        }
    }
}

fn apply_clusters(place: &Place, changes: &Changes) -> io::Result<()> {
    let staging = Staging::beside(&place.clusters, place);
    stage_clusters(place, &staging.path, changes)?;
    swap(&place.clusters, &place.env, &staging.path, &place.clusters_dir(), None)?;
    remove_empty(place, changes);
    Ok(())
}

fn apply_both(place: &Place, changes: &Changes) -> io::Result<()> {
    let clusters = Staging::beside(&place.clusters, place);
    stage_clusters(place, &clusters.path, changes)?;
    let manifests = Staging::beside(&place.manifests, place);
    stage_environment(place, &manifests.path, changes)?;
    let promised = place.clusters.join(format!("{AFTER}{}-{}", place.env, digest(&manifests.path, &clusters.path)?));
    remove_tree(&promised)?;
    fs::rename(&clusters.path, &promised)?;
    // From here on a failure leaves everything to the next run, which knows whether the decision was made.
    swap(&place.manifests, &place.env, &manifests.path, &place.dir(), None)?;
    swap(&place.clusters, &place.env, &promised, &place.clusters_dir(), None)?;
    remove_tree(&promised)?;
    remove_empty(place, changes);
    Ok(())
}

/// The new `clusters/<env>`, made even when it is empty: there has to be something to swap.
fn stage_clusters(place: &Place, staged: &Path, changes: &Changes) -> io::Result<()> {
    let current = place.clusters_dir();
    fs::create_dir_all(&place.clusters)?;
    stage_directory(&current, staged, &changes.clusters)?;
    make_dir(staged, &current)
}

/// Nobody misses directories that nothing is handed over in any more.
fn remove_empty(place: &Place, changes: &Changes) {
    if changes.clusters.files.is_empty() {
        // Fails where other files are left, and then the directory stays.
        let _ = fs::remove_dir(place.clusters_dir()).and_then(|()| fs::remove_dir(&place.clusters));
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
            Some(dir) => stage_directory(&current.join(&name), &staged.join(&name), dir)?,
            None => link_all(&current.join(&name), &staged.join(&name))?,
        }
    }
    for (name, dir) in changes.dirs.iter().filter(|(name, _)| !disk::exists(&current.join(name))) {
        stage_directory(&current.join(name), &staged.join(name), dir)?;
    }
    match &changes.index {
        Some(Some(bytes)) => fs::write(staged.join(KUSTOMIZATION), bytes),
        _ => Ok(()),
    }
}

/// One directory as it is to be: our files, and the files that are not ours. A directory in which nothing is left
/// is not made.
fn stage_directory(current: &Path, staged: &Path, dir: &DirChanges) -> io::Result<()> {
    let gone = |file: &str| dir.deleted.iter().any(|deleted| deleted == file) || (file == INDEX && dir.files.is_empty());
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
        listed(&dir.created) || listed(&dir.changed) || (file == INDEX && dir.reindexed)
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

/// Puts the staged directory in the target's place. `root` is the directory of all environments' trees; `within` the directory of the
/// environment that is swapped alone, where only one is.
fn swap(root: &Path, env: &str, staged: &Path, target: &Path, within: Option<&str>) -> io::Result<()> {
    if !disk::exists(target) {
        return if disk::exists(staged) { fs::rename(staged, target) } else { Ok(()) };
    }
    match exchange(staged, target) {
        Err(error) if cannot_exchange(&error) => {
            let (apply, whole_target) = (root.join(format!("{APPLY}{env}")), root.join(env));
            // The name of the finished tree is the decision: from here on the new tree is what counts.
            match within {
                None => fs::rename(staged, &apply)?,
                Some(name) => {
                    let whole = root.join(format!("{STAGE}{env}-whole-{}", std::process::id()));
                    let _remove = Staging { path: whole.clone() };
                    link_all(&whole_target, &whole)?;
                    fs::remove_dir_all(whole.join(name))?;
                    fs::rename(staged, whole.join(name))?;
                    fs::rename(&whole, &apply)?;
                }
            }
            carry_over(&apply, &whole_target)
        }
        other => other,
    }
}

fn exchange(staged: &Path, target: &Path) -> io::Result<()> {
    // Only in builds for development: what is shipped has no such switch.
    #[cfg(debug_assertions)]
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
    // Beside the trees, where the next run finds it if this one is stopped.
    let temporary = finished.with_file_name(format!("{STAGE}file-{}", std::process::id()));
    delete_ours(finished, target)?;
    copy_over(finished, target, &temporary)?;
    // A finished tree that is half removed would take the rest of the target with it: its name goes first.
    let done = finished.with_file_name(format!("{STAGE}done-{}", std::process::id()));
    remove_tree(&done)?;
    fs::rename(finished, &done)?;
    remove_tree(&done)
}

/// Deletes what is ours in the target and not in the finished tree: files of the directories of an environment, or of the target itself.
fn delete_ours(finished: &Path, target: &Path) -> io::Result<()> {
    delete_owned(finished, target)?;
    for name in disk::names(target)? {
        let (wanted, dir) = (finished.join(&name), target.join(&name));
        if fs::symlink_metadata(&dir)?.is_dir() && delete_owned(&wanted, &dir)? {
            // Fails where files that are not ours are left, and then the directory stays.
            let _ = fs::remove_dir(&dir);
        }
    }
    if disk::exists(&finished.join(KUSTOMIZATION)) { Ok(()) } else { remove_if_there(&target.join(KUSTOMIZATION)) }
}

/// The same for the files of one directory; whether it is no longer ours. Its index goes last, so that it can be read again after a stop.
fn delete_owned(wanted: &Path, dir: &Path) -> io::Result<bool> {
    for file in disk::owned(dir)?.names().filter(|file| !disk::exists(&wanted.join(file))) {
        remove_if_there(&dir.join(file))?;
    }
    let no_longer = !disk::exists(&wanted.join(INDEX)) && disk::exists(&dir.join(INDEX));
    if no_longer {
        remove_if_there(&dir.join(INDEX))?;
    }
    Ok(no_longer)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn copy_over(finished: &Path, target: &Path, temporary: &Path) -> io::Result<()> {
    make_dir(target, finished)?;
    for name in disk::names(finished)? {
        let (from, to) = (finished.join(&name), target.join(&name));
        if fs::symlink_metadata(&from)?.is_dir() {
            copy_over(&from, &to, temporary)?;
        } else if !same_file(&from, &to) {
            replace(&from, &to, temporary)?;
        }
    }
    Ok(())
}

/// Replaces one file in one step, by way of a name that nobody reads.
fn replace(from: &Path, to: &Path, temporary: &Path) -> io::Result<()> {
    remove_if_there(temporary)?;
    link_all(from, temporary)?;
    fs::rename(temporary, to)
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
    let left = |root: &Path| disk::exists(&root.join(format!("{APPLY}{}", place.env)));
    let promised =
        || promises(place).unwrap_or_default().into_iter().any(|promise| promise.env == place.env && promise.holds(place).unwrap_or(true));
    let is_left = left(&place.manifests) || (place.has_plain_clusters() && (left(&place.clusters) || promised()));
    is_left.then(|| {
        Diagnostic::error(format!("{} was being written when a run was stopped", place.shown("")))
            .help(format!("run `hydrate -e {}` to complete it", place.env))
    })
}
