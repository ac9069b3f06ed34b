//! What would change: the tree as it is to be against the tree as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::git::LineEndings;
use hydrate_base::hash::sha256;
use hydrate_base::{Change, Diagnostic, Result};

use super::disk::{self, Place, failed};
use super::index::{self, Entries, Index};
use super::namespaces::namespaces_in;
use super::{COMMON_NAMESPACES, Desired, Files, INDEX, KUSTOMIZATION, Owned};

/// How the environment's index changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexUpdate {
    /// It gets this content.
    Write(Arc<[u8]>),
    /// It is deleted, because it would list nothing.
    Delete,
}

impl IndexUpdate {
    /// The new content; `None` where the index is deleted.
    pub(super) fn content(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Write(content) => Some(content),
            Self::Delete => None,
        }
    }
}

/// Everything that changes in an environment.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// By directory; those in which nothing changes are there too.
    pub dirs: BTreeMap<String, DirChanges>,
    /// How the environment's index changes, when it does.
    pub index: Option<IndexUpdate>,
    /// The environment's index as it is, where there is one: for diffs.
    pub index_before: Option<Arc<[u8]>>,
    /// The SHA-256 of the environment's index on disk, where there is one.
    pub(super) index_on_disk: Option<String>,
    /// What changes in `clusters/<env>`.
    pub clusters: DirChanges,
}

/// What changes in one directory.
#[derive(Debug, Clone, Default)]
pub struct DirChanges {
    /// Files that are new.
    pub created: Vec<String>,
    /// Files whose content changes.
    pub changed: Vec<String>,
    /// Files that go.
    pub deleted: Vec<String>,
    /// How many files stay as they are.
    pub unchanged: usize,
    /// Owned files that someone has edited since they were written, and that are replaced or deleted.
    pub edited: Vec<String>,
    /// Every file as it is to be, `.hydrated` included; empty when the directory is no longer ours.
    pub files: Files,
    /// The files replaced or deleted, as they are: for diffs.
    pub before: Files,
    /// Whether `.hydrated` itself has to be written.
    pub reindexed: bool,
    /// The SHA-256 of the files that are replaced or deleted, `.hydrated` among them, as they are on disk.
    pub(super) on_disk: BTreeMap<String, String>,
}

impl DirChanges {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.changed.is_empty() && self.deleted.is_empty() && !self.reindexed
    }
}

impl Changes {
    /// Whether nothing changes at all.
    pub fn is_empty(&self) -> bool {
        !self.touch_manifests() && self.clusters.is_empty()
    }

    /// Whether anything changes in `manifests/<env>`.
    pub fn touch_manifests(&self) -> bool {
        self.index.is_some() || !self.dirs.values().all(DirChanges::is_empty)
    }

    /// What happens to the environment's index, when it changes.
    pub fn index_change(&self) -> Option<Change> {
        self.index.as_ref().map(|index| match (index, &self.index_on_disk) {
            (IndexUpdate::Delete, _) => Change::Deleted,
            (IndexUpdate::Write(_), None) => Change::Created,
            (IndexUpdate::Write(_), Some(_)) => Change::Changed,
        })
    }

    /// How many files are created, changed, deleted and unchanged, the index among them, `.hydrated` files aside.
    pub fn counts(&self) -> [usize; 4] {
        let of_index = |change| usize::from(self.index_change() == Some(change));
        let unchanged = usize::from(self.index.is_none() && self.index_on_disk.is_some());
        let index = [of_index(Change::Created), of_index(Change::Changed), of_index(Change::Deleted), unchanged];
        self.dirs.values().chain([&self.clusters]).fold(index, |[created, changed, deleted, unchanged], dir| {
            [created + dir.created.len(), changed + dir.changed.len(), deleted + dir.deleted.len(), unchanged + dir.unchanged]
        })
    }

    /// Compares what an environment is to hold with what is on disk. With `adopt`, files in the way that are not
    /// ours are taken over; without, they are an error each.
    pub fn compute(place: &Place, desired: &Desired, adopt: bool) -> Result<Self, Vec<Box<Diagnostic>>> {
        place.check_links().map_err(|error| vec![error])?;
        let standing = standing(place).map_err(|error| vec![error])?;
        let endings = LineEndings::at(&place.manifests);
        let none = Files::new();
        let stays = |name: &String| desired.dirs.contains_key(name) || desired.spared.contains(name);
        let leaving = standing.iter().filter(|name| desired.complete && !stays(name)).map(|name| (name, &none));
        let dirs: Vec<(&String, &Files)> = desired.dirs.iter().chain(leaving).collect();
        let compared: Vec<_> =
            dirs.into_par_iter().map(|(name, files)| (name, compare_component(place, name, files, adopt, &endings))).collect();
        let mut changes = Self::default();
        let mut wrong = Vec::new();
        for (name, compared) in compared {
            match compared {
                Ok(dir) => {
                    changes.dirs.insert(name.clone(), dir);
                }
                Err(errors) => wrong.extend(errors),
            }
        }
        wrong.extend(changes.index(place, &standing, adopt, &endings).err());
        match compare_clusters(place, desired, adopt, &endings) {
            Ok(dir) => changes.clusters = dir,
            Err(errors) => wrong.extend(errors),
        }
        if wrong.is_empty() { Ok(changes) } else { Err(wrong) }
    }

    /// The index lists every directory that is ours after the run.
    fn index(&mut self, place: &Place, standing: &[String], adopt: bool, endings: &LineEndings) -> Result<()> {
        let stays = |name: &&String| self.dirs.get(*name).is_none_or(|dir| !dir.files.is_empty());
        let mut listed: Vec<&String> = standing.iter().filter(stays).collect();
        listed.extend(self.dirs.iter().filter(|(_, dir)| !dir.files.is_empty()).map(|(name, _)| name));
        listed.sort();
        listed.dedup();
        let names: Vec<&str> = listed.iter().map(|name| name.as_str()).collect();
        let (path, shown) = (place.dir().join(KUSTOMIZATION), place.shown(KUSTOMIZATION));
        let Some(found) = disk::file(&path).map_err(|error| failed("read", &shown, &error))? else {
            if disk::exists(&path) {
                return Err(no_file(&shown));
            }
            if !names.is_empty() {
                lists_all(&place.dir(), &shown, &|name| self.dirs.contains_key(name) || standing.iter().any(|ours| ours == name))?;
            }
            self.index = (!names.is_empty()).then(|| IndexUpdate::Write(index::whole(&names).into_bytes().into()));
            return Ok(());
        };
        self.index_on_disk = Some(sha256(&found));
        let found = endings.committed(&path, found);
        let wanted = self.updated_index(place, standing, &names, &found, adopt)?;
        self.index_before = Some(found.as_slice().into());
        if wanted.as_deref() != Some(&found[..]) {
            self.index = Some(wanted.map_or(IndexUpdate::Delete, IndexUpdate::Write));
        }
        Ok(())
    }

    /// The index as it is to be, from the one that stands there.
    fn updated_index(&self, place: &Place, standing: &[String], names: &[&str], found: &[u8], adopt: bool) -> Result<Option<Arc<[u8]>>> {
        let shown = place.shown(KUSTOMIZATION);
        let cannot = |why: String| {
            Diagnostic::error(format!("{shown} cannot be written: {why}"))
                .note("Flux and Argo CD delete what it no longer lists, so nothing is guessed")
        };
        let is_ours = |entry: &str| self.dirs.contains_key(entry) || standing.iter().any(|name| name == entry);
        let is_missing = |entry: &str| !disk::exists(&place.dir().join(entry));
        let entries = Entries { listed: names, is_ours: &is_ours, is_missing: &is_missing };
        let index = Index::read(found).map_err(cannot)?;
        let updated = index.updated(&entries).map(|text| text.map(|text| Arc::from(text.into_bytes())));
        let stays = updated.as_ref().is_ok_and(|text: &Option<Arc<[u8]>>| text.as_deref() == Some(found));
        let is_foreign = !index.is_known() && !index.is_of_form(names) && !stays;
        if is_foreign && !adopt { Err(foreign(&shown)) } else { updated.map_err(cannot) }
    }
}

/// The directories of the environment that are ours.
fn standing(place: &Place) -> Result<Vec<String>> {
    let all = disk::names(&place.dir()).map_err(|error| failed("read the directory", place.shown(""), &error))?;
    Ok(all.into_iter().filter(|name| disk::file(&place.dir().join(name).join(INDEX)).is_ok_and(|index| index.is_some())).collect())
}

/// A directory without a list of resources is applied as a whole. A new list that has hydrate's own entries alone would take the rest out of it.
fn lists_all(dir: &Path, list: &str, is_ours: &dyn Fn(&str) -> bool) -> Result<()> {
    let is_yaml = |name: &str| name.ends_with(".yaml") || name.ends_with(".yml");
    let is_applied =
        |name: &String| is_yaml(name) || disk::names(&dir.join(name)).is_ok_and(|inside| inside.iter().any(|name| is_yaml(name)));
    let names = disk::names(dir).map_err(|error| failed("read the directory of", list, &error))?;
    let others: Vec<String> = names.into_iter().filter(|name| !name.starts_with('.') && !is_ours(name) && is_applied(name)).collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Diagnostic::error(format!("{list} does not exist, and would not list what hydrate did not write: {}", others.join(", ")))
        .note("without that file Flux and Argo CD apply all of it; with one they delete what it does not list")
        .help(format!("write {list} yourself so that it lists them, or move them away; then run again")))
}

/// Something else than a file has the name of one of ours: what is in it is somebody's.
fn no_file(shown: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("{shown} is in the way: it is no regular file"))
        .note("hydrate has a file of that name to write, and removes no directories and links of others")
        .help("move it away")
}

fn foreign(shown: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("{shown} is in the way: hydrate did not write it"))
        .note("hydrate only replaces files that it has written itself (listed in .hydrated)")
        .help("move or delete it, or let hydrate take over such files with --adopt")
}

fn compare_component(
    place: &Place,
    name: &str,
    files: &Files,
    adopt: bool,
    endings: &LineEndings,
) -> Result<DirChanges, Vec<Box<Diagnostic>>> {
    let dir = place.dir().join(name);
    if std::fs::symlink_metadata(&dir).is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(vec![
            Diagnostic::error(format!("{} is not a directory", place.shown(name))).help("move it away; hydrate makes the directory"),
        ]);
    }
    compare(&dir, &|file| place.shown(&format!("{name}/{file}")), files, adopt, endings)
}

/// What becomes of `clusters/<env>`. Where nothing is handed over, only files of ours are looked at.
fn compare_clusters(place: &Place, desired: &Desired, adopt: bool, endings: &LineEndings) -> Result<DirChanges, Vec<Box<Diagnostic>>> {
    let Some(files) = &desired.clusters else { return Ok(DirChanges::default()) };
    if files.is_empty() && !place.has_plain_clusters() {
        return Ok(DirChanges::default());
    }
    place.check_clusters_links().map_err(|error| vec![error])?;
    compare(&place.clusters_dir(), &|file| place.clusters_shown(file), files, adopt, endings)
}

/// Compares the files of one directory with what they are to be. `shown` is a file's path for users.
fn compare(
    dir: &Path,
    shown: &dyn Fn(&str) -> String,
    files: &Files,
    adopt: bool,
    endings: &LineEndings,
) -> Result<DirChanges, Vec<Box<Diagnostic>>> {
    let owned = disk::owned(dir).map_err(|error| vec![failed("read", shown(INDEX), &error)])?;
    let mut changes = DirChanges::default();
    let mut wrong = Vec::new();
    for (file, bytes) in files {
        if let Err(problem) = compare_file(dir, file, bytes, &owned, adopt, endings, &mut changes) {
            wrong.push(problem.told(&shown(file)));
        }
    }
    if adopt && files.contains_key(COMMON_NAMESPACES) && !owned.contains(COMMON_NAMESPACES) {
        let lost = lost_namespaces(dir, files);
        wrong.extend((!lost.is_empty()).then(|| Problem::LosesNamespaces(lost).told(&shown(COMMON_NAMESPACES))));
    }
    if changes.created.iter().any(|file| file == KUSTOMIZATION) {
        let is_ours = |name: &str| files.contains_key(name) || owned.contains(name);
        wrong.extend(lists_all(dir, &shown(KUSTOMIZATION), &is_ours).err());
    }
    for file in owned.names().filter(|file| !files.contains_key(*file)) {
        match disk::file(&dir.join(file)) {
            Ok(Some(found)) => {
                changes.on_disk.insert(file.to_owned(), sha256(&found));
                let found = endings.committed(&dir.join(file), found);
                if !owned.is_as_written(file, &found) {
                    changes.edited.push(file.to_owned());
                }
                changes.deleted.push(file.to_owned());
                changes.before.insert(file.to_owned(), found.into());
            }
            // Already gone, or something else stands there now: that is not ours.
            Ok(None) => {}
            Err(error) => wrong.push(failed("read", shown(file), &error)),
        }
    }
    changes.files = files.clone();
    if !files.is_empty() && disk::exists(&dir.join(INDEX)) && disk::file(&dir.join(INDEX)).is_ok_and(|index| index.is_none()) {
        wrong.push(no_file(&shown(INDEX)));
    }
    reindex(dir, endings, &mut changes).map_err(|error| vec![failed("read", shown(INDEX), &error)])?;
    if wrong.is_empty() { Ok(changes) } else { Err(wrong) }
}

/// Why a file cannot be written.
enum Problem {
    /// It is not ours.
    Foreign,
    /// It is no regular file.
    NoFile,
    /// It would be taken over, and what it says would be lost.
    Loses(Vec<String>),
    /// It would be taken over, and these namespaces would be lost.
    LosesNamespaces(Vec<String>),
    /// It cannot be read.
    Unreadable(std::io::Error),
}

impl Problem {
    fn told(self, shown: &str) -> Box<Diagnostic> {
        match self {
            Self::Foreign => foreign(shown),
            Self::NoFile => no_file(shown),
            Self::Loses(lost) => Diagnostic::error(format!("{shown} says what the file that hydrate would write does not: {}", lost.join(", ")))
                .note("Flux and Argo CD delete what is no longer listed there")
                .help("bring it into the component (or choose `layout: manifest`, where hydrate writes a manifest.yaml), or remove it from the file; then adopt again"),
            Self::LosesNamespaces(lost) => Diagnostic::error(format!("{shown} has namespaces that no component here renders: {}", lost.join(", ")))
                .note("Flux and Argo CD delete what is no longer there, with everything in it")
                .help("bring each into a component (components/NAME/namespace.yaml), or into a file of its own beside, which kustomization.yaml lists; then adopt again"),
            Self::Unreadable(error) => failed("read", shown, &error),
        }
    }
}

/// Notes what becomes of one file.
fn compare_file(
    dir: &Path,
    name: &str,
    bytes: &Arc<[u8]>,
    owned: &Owned,
    adopt: bool,
    endings: &LineEndings,
    changes: &mut DirChanges,
) -> Result<(), Problem> {
    let path = dir.join(name);
    match disk::file(&path).map_err(Problem::Unreadable)? {
        Some(found) if found[..] == bytes[..] || endings.same_text(&path, &found, bytes) => changes.unchanged += 1,
        Some(_) if !owned.contains(name) && !adopt => return Err(Problem::Foreign),
        Some(found) => {
            changes.on_disk.insert(name.to_owned(), sha256(&found));
            let found = endings.committed(&path, found);
            if name == KUSTOMIZATION && !owned.contains(name) {
                loses_nothing(&found, bytes)?;
            }
            if owned.contains(name) && !owned.is_as_written(name, &found) {
                changes.edited.push(name.to_owned());
            }
            changes.changed.push(name.to_owned());
            changes.before.insert(name.to_owned(), found.into());
        }
        None if disk::exists(&path) => return Err(if owned.contains(name) { Problem::NoFile } else { Problem::Foreign }),
        None => changes.created.push(name.to_owned()),
    }
    Ok(())
}

/// Namespaces in the common file of a script that none of the files to be written has.
fn lost_namespaces(dir: &Path, files: &Files) -> Vec<String> {
    let found = disk::file(&dir.join(COMMON_NAMESPACES)).ok().flatten().unwrap_or_default();
    let wanted: BTreeSet<String> = files.values().flat_map(|text| namespaces_in(text)).collect();
    namespaces_in(&found).into_iter().filter(|namespace| !wanted.contains(namespace)).collect()
}

/// Taking over a list of resources must not drop any of them.
fn loses_nothing(found: &[u8], wanted: &[u8]) -> Result<(), Problem> {
    let (Ok(found), Ok(wanted)) = (Index::read(found), Index::read(wanted)) else {
        return Err(Problem::Loses(vec!["it is no kustomization that hydrate can read".to_owned()]));
    };
    let lost = found.lost_in(&wanted);
    if lost.is_empty() { Ok(()) } else { Err(Problem::Loses(lost)) }
}

fn reindex(dir: &Path, endings: &LineEndings, changes: &mut DirChanges) -> std::io::Result<()> {
    let path = dir.join(INDEX);
    let before = disk::file(&path)?;
    if let Some(before) = &before {
        changes.on_disk.insert(INDEX.to_owned(), sha256(before));
    }
    if changes.files.is_empty() {
        changes.reindexed = before.is_some();
        return Ok(());
    }
    let text: Arc<[u8]> = Owned::of(&changes.files).text().into_bytes().into();
    changes.reindexed = before.is_none_or(|before| before[..] != text[..] && !endings.same_text(&path, &before, &text));
    changes.files.insert(INDEX.to_owned(), text);
    Ok(())
}
