//! Which files differ, with both contents: what `diff` shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hydrate_base::Change;
use hydrate_base::{Diagnostic, Result};
use hydrate_review::{FileDiff, SameFile};

use super::disk::Place;
use super::index::{self, Entries, Index};
use super::{Changes, Desired, DirChanges, Files, INDEX, KUSTOMIZATION};

/// The files of two states of an environment: those that differ, sorted, and those that do not. `.hydrated` says nothing new and is left out.
#[derive(Debug, Clone, Default)]
pub struct Differences {
    /// Those that differ.
    pub files: Vec<FileDiff>,
    /// Those that do not.
    pub same: Vec<SameFile>,
}

/// The files that a run would change.
pub fn of_changes(place: &Place, changes: &Changes) -> Differences {
    let mut all = Differences::default();
    for (component, dir) in &changes.dirs {
        of_directory(component, &place.shown(component), dir, &mut all);
    }
    if let (Some(index), Some(change)) = (&changes.index, changes.index_change()) {
        let (before, after) = (changes.index_before.clone().unwrap_or_default(), index.content().cloned().unwrap_or_default());
        all.files.push(one(&place.shown(""), &place.shown(""), KUSTOMIZATION, change, before, after));
    }
    let clusters = place.clusters_shown("");
    of_directory(&clusters, &clusters, &changes.clusters, &mut all);
    sorted(all)
}

fn of_directory(component: &str, dir: &str, changes: &DirChanges, all: &mut Differences) {
    let groups = [(Change::Created, &changes.created), (Change::Changed, &changes.changed), (Change::Deleted, &changes.deleted)];
    for (change, files) in groups {
        for file in files {
            let content = |files: &Files| files.get(file).cloned().unwrap_or_default();
            let after = if change == Change::Deleted { Arc::default() } else { content(&changes.files) };
            all.files.push(one(component, dir, file, change, content(&changes.before), after));
        }
    }
    let differing: BTreeSet<&String> = changes.created.iter().chain(&changes.changed).collect();
    let same = changes.files.iter().filter(|(file, _)| *file != INDEX && !differing.contains(file));
    all.same.extend(same.map(|(file, content)| same_file(component, dir, file, content)));
}

fn same_file(component: &str, dir: &str, file: &str, content: &Arc<[u8]>) -> SameFile {
    SameFile { component: component.to_owned(), path: format!("{dir}/{file}"), content: Arc::clone(content) }
}

fn one(component: &str, dir: &str, file: &str, change: Change, before: Arc<[u8]>, after: Arc<[u8]>) -> FileDiff {
    FileDiff { component: component.to_owned(), path: format!("{dir}/{file}"), file: file.to_owned(), change, before, after }
}

fn sorted(mut all: Differences) -> Differences {
    all.files.sort_by(|a, b| (&a.component, &a.file).cmp(&(&b.component, &b.file)));
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
///
/// # Errors
/// Where the revision's index of the environment cannot be brought up to what was rendered.
pub fn against(place: &Place, revision: &Revision, desired: &Desired) -> Result<Differences> {
    let mut before: BTreeMap<&str, BTreeMap<&str, &[u8]>> = BTreeMap::new();
    for (path, bytes) in &revision.manifests {
        if let Some((component, file)) = path.split_once('/') {
            before.entry(component).or_default().insert(file, bytes);
        }
    }
    let spared = |name: &str| desired.spared.iter().any(|spared| spared == name);
    let nothing = Files::new();
    let mut all = Differences::default();
    for name in desired.dirs.keys().map(String::as_str).chain(before.keys().copied().filter(|name| !desired.dirs.contains_key(*name))) {
        let rendered = desired.dirs.get(name);
        if rendered.is_some() || (desired.complete && !spared(name)) {
            let before = before.get(name).cloned().unwrap_or_default();
            directory_against(name, &place.shown(name), &before, rendered.unwrap_or(&nothing), &mut all);
        }
    }
    all.files.extend(index_against(place, revision, desired)?);
    if let Some(files) = &desired.clusters {
        let owned = super::disk::owned_files_in(&revision.clusters);
        let ours = revision.clusters.iter().filter(|(name, _)| owned.contains(name) || files.contains_key(*name));
        let before = ours.map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let clusters = place.clusters_shown("");
        directory_against(&clusters, &clusters, &before, files, &mut all);
    }
    Ok(sorted(all))
}

/// The environment's index of the revision against what it would be with what was rendered.
fn index_against(place: &Place, revision: &Revision, desired: &Desired) -> Result<Option<FileDiff>> {
    let has_index = |name: &str| revision.manifests.contains_key(&format!("{name}/{INDEX}"));
    let standing: BTreeSet<&str> = revision.manifests.keys().filter_map(|path| path.split_once('/')).map(|(name, _)| name).collect();
    let stays = |name: &str| match desired.dirs.get(name) {
        Some(files) => !files.is_empty(),
        None => has_index(name) && (!desired.complete || desired.spared.iter().any(|spared| spared == name)),
    };
    let rendered: BTreeSet<&str> = desired.dirs.keys().map(String::as_str).collect();
    let listed: Vec<&str> = standing.union(&rendered).copied().filter(|name| stays(name)).collect();
    let before = revision.manifests.get(KUSTOMIZATION);
    let after = match before {
        None => (!listed.is_empty()).then(|| index::whole(&listed)),
        Some(text) => {
            let is_ours = |entry: &str| desired.dirs.contains_key(entry) || has_index(entry);
            let is_missing = |entry: &str| !standing.contains(entry) && !revision.manifests.contains_key(entry);
            let entries = Entries { listed: &listed, is_ours: &is_ours, is_missing: &is_missing };
            let updated = Index::read(text).and_then(|index| index.updated(&entries));
            updated.map_err(|why| Diagnostic::error(format!("{} of the revision cannot be compared: {why}", place.shown(KUSTOMIZATION))))?
        }
    };
    let change = match (&before, &after) {
        (None, None) => return Ok(None),
        (Some(before), Some(after)) if before[..] == *after.as_bytes() => return Ok(None),
        (None, Some(_)) => Change::Created,
        (Some(_), None) => Change::Deleted,
        (Some(_), Some(_)) => Change::Changed,
    };
    let bytes = |text: Option<&[u8]>| text.map(Arc::from).unwrap_or_default();
    let (before, after) = (bytes(before.map(Vec::as_slice)), bytes(after.as_deref().map(str::as_bytes)));
    Ok(Some(one(&place.shown(""), &place.shown(""), KUSTOMIZATION, change, before, after)))
}

/// The files that differ between what two environments are to hold, as if the second had been written over the first.
pub fn between(place: &Place, before: &Desired, after: &Desired) -> Differences {
    let nothing = Files::new();
    let mut all = Differences::default();
    let names: BTreeSet<&String> = before.dirs.keys().chain(after.dirs.keys()).collect();
    for name in names {
        let before = before.dirs.get(name).unwrap_or(&nothing).iter().map(|(file, content)| (file.as_str(), &content[..])).collect();
        directory_against(name, &place.shown(name), &before, after.dirs.get(name).unwrap_or(&nothing), &mut all);
    }
    sorted(all)
}

fn directory_against(component: &str, dir: &str, before: &BTreeMap<&str, &[u8]>, after: &Files, all: &mut Differences) {
    for (file, bytes) in after {
        let (change, old) = match before.get(file.as_str()) {
            None => (Change::Created, Arc::default()),
            Some(old) if **old == bytes[..] => {
                all.same.push(same_file(component, dir, file, bytes));
                continue;
            }
            Some(old) => (Change::Changed, Arc::from(*old)),
        };
        all.files.push(one(component, dir, file, change, old, Arc::clone(bytes)));
    }
    for (file, old) in before.iter().filter(|(file, _)| **file != INDEX && !after.contains_key(**file)) {
        all.files.push(one(component, dir, file, Change::Deleted, Arc::from(*old), Arc::default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let path = std::path::PathBuf::new();
        Place { manifests: path.clone(), env: "e".to_owned(), shown: "m".to_owned(), clusters: path, clusters_shown: "c".to_owned() }
    }

    fn shown(diffs: Result<Differences>) -> Vec<String> {
        diffs.unwrap().files.iter().map(|diff| format!("{} {}", diff.change.word(), diff.path)).collect()
    }

    #[test]
    fn a_revision_against_what_was_rendered() {
        let file = |name: &str| (name.to_owned(), b"1".to_vec());
        let manifests = BTreeMap::from([file("a/same.yaml"), file("a/gone.yaml"), file("a/.hydrated"), file("b/other.yaml")]);
        let revision = Revision { manifests, ..Revision::default() };
        let files = Files::from([("same.yaml".to_owned(), b"1".as_slice().into()), ("new.yaml".to_owned(), b"2".as_slice().into())]);
        let mut desired = Desired { dirs: BTreeMap::from([("a".to_owned(), files)]), ..Desired::default() };
        assert_eq!(
            shown(against(&place(), &revision, &desired)),
            ["deleted m/e/a/gone.yaml", "created m/e/a/new.yaml", "created m/e/kustomization.yaml"]
        );
        desired.complete = true;
        assert_eq!(
            shown(against(&place(), &revision, &desired)),
            ["deleted m/e/a/gone.yaml", "created m/e/a/new.yaml", "deleted m/e/b/other.yaml", "created m/e/kustomization.yaml"]
        );
    }

    #[test]
    fn the_index_of_a_revision_against_what_was_rendered() {
        let files = || Files::from([("x.yaml".to_owned(), b"1".as_slice().into())]);
        let compared = |index: &str, complete: bool| {
            let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
            let manifests = [file("a/x.yaml", "1"), file("a/.hydrated", ""), file("b/.hydrated", ""), file(KUSTOMIZATION, index)].into();
            let revision = Revision { manifests, ..Revision::default() };
            let dirs = ["a", "c"].map(|name| (name.to_owned(), files())).into();
            let diffs = against(&place(), &revision, &Desired { dirs, complete, ..Desired::default() })?;
            let of_index = diffs.files.into_iter().find(|diff| diff.path == "m/e/kustomization.yaml");
            Ok::<_, Box<Diagnostic>>(of_index.map(|diff| String::from_utf8_lossy(&diff.after).into_owned()))
        };
        assert_eq!(compared(&index::whole(&["a", "c"]), true).unwrap(), None);
        assert_eq!(compared(&index::whole(&["a", "b"]), true).unwrap(), Some(index::whole(&["a", "c"])));
        assert_eq!(compared(&index::whole(&["a", "b"]), false).unwrap(), Some(index::whole(&["a", "b", "c"])));
        // Entries of others stay.
        let shared = compared("resources:\n- mine\n- a\n- b\n", true).unwrap().unwrap();
        assert!(shared.ends_with("resources:\n- mine\n- a\n- c\n"), "{shared}");
        assert!(compared("resources: {a: b}\n", true).unwrap_err().to_string().contains("m/e/kustomization.yaml of the revision"));
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
        assert!(against(&place(), &revision, &Desired::default()).unwrap().files.is_empty());
    }
}
