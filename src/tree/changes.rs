//! What would change: the tree as it is to be against the tree as it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::{Diagnostic, Result};
use crate::git::LineEndings;

use super::disk::{self, Place, failed};
use super::{Desired, Files, INDEX, KUSTOMIZATION, Owned, layout};

/// The marks by which the environment's index is known to be ours. It has no entry in a `.hydrated`, so that
/// branches that add different components merge.
const HEADER: &str = "# Written by hydrate: one entry per directory with a .hydrated file. Do not edit.\n";

/// Everything that changes in an environment.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// By directory; those in which nothing changes are there too.
    pub dirs: BTreeMap<String, DirChanges>,
    /// The environment's index, when it changes; `None` in it when it goes.
    pub index: Option<Option<Arc<[u8]>>>,
    /// Whether the environment has an index on disk.
    pub had_index: bool,
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

    /// How many files are created, changed, deleted and unchanged, `.hydrated` files and the index aside.
    pub fn counts(&self) -> [usize; 4] {
        self.dirs.values().chain([&self.clusters]).fold([0; 4], |[created, changed, deleted, unchanged], dir| {
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
        let wanted = format!("{HEADER}{}", layout::kustomization(&names));
        let path = place.dir().join(KUSTOMIZATION);
        let shown = place.shown(KUSTOMIZATION);
        let found = disk::file(&path).map_err(|error| failed("read", &shown, &error))?;
        let found = found.map(|bytes| endings.committed(&path, bytes));
        let ours =
            found.as_deref().is_none_or(|bytes| bytes.starts_with(HEADER.as_bytes()) || bytes == layout::kustomization(&names).as_bytes());
        self.had_index = found.is_some();
        if !ours && !adopt {
            return Err(foreign(&shown));
        }
        self.index = match found {
            Some(_) if names.is_empty() => Some(None),
            None if names.is_empty() => None,
            Some(bytes) if bytes == wanted.as_bytes() => None,
            _ => Some(Some(wanted.into_bytes().into())),
        };
        Ok(())
    }
}

/// The directories of the environment that are ours.
fn standing(place: &Place) -> Result<Vec<String>> {
    let all = disk::names(&place.dir()).map_err(|error| failed("read the directory", place.shown(""), &error))?;
    Ok(all.into_iter().filter(|name| disk::file(&place.dir().join(name).join(INDEX)).is_ok_and(|index| index.is_some())).collect())
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
        if let Err(error) = compare_file(dir, file, bytes, &owned, adopt, endings, &mut changes) {
            wrong.push(error.map_or_else(|| foreign(&shown(file)), |error| failed("read", shown(file), &error)));
        }
    }
    for file in owned.names().filter(|file| !files.contains_key(*file)) {
        match disk::file(&dir.join(file)) {
            Ok(Some(found)) => {
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
    reindex(dir, endings, &mut changes).map_err(|error| vec![failed("read", shown(INDEX), &error)])?;
    if wrong.is_empty() { Ok(changes) } else { Err(wrong) }
}

/// Notes what becomes of one file; the error is `None` for a file in the way that is not ours.
fn compare_file(
    dir: &Path,
    name: &str,
    bytes: &Arc<[u8]>,
    owned: &Owned,
    adopt: bool,
    endings: &LineEndings,
    changes: &mut DirChanges,
) -> Result<(), Option<std::io::Error>> {
    let path = dir.join(name);
    match disk::file(&path).map_err(Some)? {
        Some(found) if found[..] == bytes[..] || endings.same_text(&path, &found, bytes) => changes.unchanged += 1,
        Some(_) if !owned.contains(name) && !adopt => return Err(None),
        Some(found) => {
            let found = endings.committed(&path, found);
            if owned.contains(name) && !owned.is_as_written(name, &found) {
                changes.edited.push(name.to_owned());
            }
            changes.changed.push(name.to_owned());
            changes.before.insert(name.to_owned(), found.into());
        }
        None if disk::exists(&path) && !owned.contains(name) => return Err(None),
        None => changes.created.push(name.to_owned()),
    }
    Ok(())
}

fn reindex(dir: &Path, endings: &LineEndings, changes: &mut DirChanges) -> std::io::Result<()> {
    let path = dir.join(INDEX);
    let before = disk::file(&path)?;
    if changes.files.is_empty() {
        changes.reindexed = before.is_some();
        return Ok(());
    }
    let text: Arc<[u8]> = Owned::of(&changes.files).text().into_bytes().into();
    changes.reindexed = before.is_none_or(|before| before[..] != text[..] && !endings.same_text(&path, &before, &text));
    changes.files.insert(INDEX.to_owned(), text);
    Ok(())
}
