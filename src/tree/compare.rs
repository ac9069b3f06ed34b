//! Which files differ, with both contents: what `diff` shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Fate;
use crate::diff::FileDiff;

use super::disk::Place;
use super::{Changes, Desired, DirChanges, Files, INDEX};

/// The files that a run would change, sorted; `.hydrated` says nothing new and is left out.
pub fn of_changes(place: &Place, changes: &Changes) -> Vec<FileDiff> {
    let mut all = Vec::new();
    for (component, dir) in &changes.dirs {
        of_directory(component, &place.shown(component), dir, &mut all);
    }
    let clusters = place.clusters_shown("");
    of_directory(&clusters, &clusters, &changes.clusters, &mut all);
    sorted(all)
}

fn of_directory(component: &str, dir: &str, changes: &DirChanges, all: &mut Vec<FileDiff>) {
    let groups = [(Fate::Created, &changes.created), (Fate::Changed, &changes.changed), (Fate::Deleted, &changes.deleted)];
    for (fate, files) in groups {
        for file in files {
            let content = |files: &Files| files.get(file).cloned().unwrap_or_default();
            let after = if fate == Fate::Deleted { Arc::default() } else { content(&changes.files) };
            all.push(one(component, dir, file, fate, content(&changes.before), after));
        }
    }
}

fn one(component: &str, dir: &str, file: &str, fate: Fate, before: Arc<[u8]>, after: Arc<[u8]>) -> FileDiff {
    FileDiff { component: component.to_owned(), path: format!("{dir}/{file}"), file: file.to_owned(), fate, before, after }
}

fn sorted(mut all: Vec<FileDiff>) -> Vec<FileDiff> {
    all.sort_by(|a, b| (&a.component, &a.file).cmp(&(&b.component, &b.file)));
    all
}

/// A revision's files below `manifests/<env>` and below `clusters/<env>`, by their paths there.
#[derive(Debug, Clone, Default)]
pub struct Revision {
    /// Below `manifests/<env>`.
    pub manifests: BTreeMap<String, Vec<u8>>,
    /// Below `clusters/<env>`.
    pub clusters: BTreeMap<String, Vec<u8>>,
}

/// The files that differ between a revision and what was rendered, sorted. Of an incomplete run only the components rendered are compared.
pub fn against(place: &Place, revision: &Revision, desired: &Desired) -> Vec<FileDiff> {
    let mut before: BTreeMap<&str, BTreeMap<&str, &[u8]>> = BTreeMap::new();
    for (path, bytes) in &revision.manifests {
        if let Some((component, file)) = path.split_once('/') {
            before.entry(component).or_default().insert(file, bytes);
        }
    }
    let spared = |name: &str| desired.spared.iter().any(|spared| spared == name);
    let nothing = Files::new();
    let mut all = Vec::new();
    for name in desired.dirs.keys().map(String::as_str).chain(before.keys().copied().filter(|name| !desired.dirs.contains_key(*name))) {
        let rendered = desired.dirs.get(name);
        if rendered.is_some() || (desired.complete && !spared(name)) {
            let before = before.get(name).cloned().unwrap_or_default();
            directory_against(name, &place.shown(name), &before, rendered.unwrap_or(&nothing), &mut all);
        }
    }
    if let Some(files) = &desired.clusters {
        let owned = super::disk::owned_files_in(&revision.clusters);
        let ours = revision.clusters.iter().filter(|(name, _)| owned.contains(name) || files.contains_key(*name));
        let before = ours.map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let clusters = place.clusters_shown("");
        directory_against(&clusters, &clusters, &before, files, &mut all);
    }
    sorted(all)
}

fn directory_against(component: &str, dir: &str, before: &BTreeMap<&str, &[u8]>, after: &Files, all: &mut Vec<FileDiff>) {
    for (file, bytes) in after {
        let (fate, old) = match before.get(file.as_str()) {
            None => (Fate::Created, Arc::default()),
            Some(old) if **old == bytes[..] => continue,
            Some(old) => (Fate::Changed, Arc::from(*old)),
        };
        all.push(one(component, dir, file, fate, old, Arc::clone(bytes)));
    }
    for (file, old) in before.iter().filter(|(file, _)| **file != INDEX && !after.contains_key(**file)) {
        all.push(one(component, dir, file, Fate::Deleted, Arc::from(*old), Arc::default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let path = std::path::PathBuf::new();
        Place { manifests: path.clone(), env: "e".to_owned(), shown: "m".to_owned(), clusters: path, clusters_shown: "c".to_owned() }
    }

    fn shown(diffs: Vec<FileDiff>) -> Vec<String> {
        diffs.iter().map(|diff| format!("{} {}", diff.fate.word(), diff.path)).collect()
    }

    #[test]
    fn a_revision_against_what_was_rendered() {
        let file = |name: &str| (name.to_owned(), b"1".to_vec());
        let manifests = BTreeMap::from([file("a/same.yaml"), file("a/gone.yaml"), file("a/.hydrated"), file("b/other.yaml")]);
        let revision = Revision { manifests, ..Revision::default() };
        let files = Files::from([("same.yaml".to_owned(), b"1".as_slice().into()), ("new.yaml".to_owned(), b"2".as_slice().into())]);
        let mut desired = Desired { dirs: BTreeMap::from([("a".to_owned(), files)]), ..Desired::default() };
        assert_eq!(shown(against(&place(), &revision, &desired)), ["deleted m/e/a/gone.yaml", "created m/e/a/new.yaml"]);
        desired.complete = true;
        assert_eq!(
            shown(against(&place(), &revision, &desired)),
            ["deleted m/e/a/gone.yaml", "created m/e/a/new.yaml", "deleted m/e/b/other.yaml"]
        );
    }

    #[test]
    fn of_what_hands_over_only_our_files_are_compared() {
        let index = format!("{}  gone.yaml\n", "0".repeat(64));
        let clusters = [("gone.yaml", "1"), ("same.yaml", "1"), ("foreign.yaml", "1"), (INDEX, index.as_str())];
        let clusters = clusters.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into();
        let revision = Revision { clusters, ..Revision::default() };
        let files = Files::from([("same.yaml".to_owned(), b"1".as_slice().into()), ("new.yaml".to_owned(), b"2".as_slice().into())]);
        let desired = Desired { clusters: Some(files), ..Desired::default() };
        assert_eq!(shown(against(&place(), &revision, &desired)), ["deleted c/e/gone.yaml", "created c/e/new.yaml"]);
        assert!(against(&place(), &revision, &Desired::default()).is_empty());
    }
}
