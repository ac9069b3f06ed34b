//! Which files differ, with both contents: what `diff` shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Fate;
use crate::diff::FileDiff;

use super::{Changes, Desired, Files, INDEX};

/// The files that a run would change, sorted; `.hydrated` says nothing new and is left out.
pub fn of_changes(changes: &Changes) -> Vec<FileDiff> {
    let mut all = Vec::new();
    for (component, dir) in &changes.dirs {
        let groups = [(Fate::Created, &dir.created), (Fate::Changed, &dir.changed), (Fate::Deleted, &dir.deleted)];
        for (fate, files) in groups {
            for file in files {
                let content = |files: &Files| files.get(file).cloned().unwrap_or_default();
                let after = if fate == Fate::Deleted { Arc::default() } else { content(&dir.files) };
                all.push(FileDiff { component: component.clone(), file: file.clone(), fate, before: content(&dir.before), after });
            }
        }
    }
    all.sort_by(|a, b| (&a.component, &a.file).cmp(&(&b.component, &b.file)));
    all
}

/// The files that differ between a revision (paths below the environment's directory) and what was rendered, sorted.
/// Of an incomplete run only the components rendered are compared.
pub fn against(revision: &BTreeMap<String, Vec<u8>>, desired: &Desired) -> Vec<FileDiff> {
    let mut all = Vec::new();
    for (component, files) in &desired.dirs {
        for (file, bytes) in files {
            let fate = match revision.get(&format!("{component}/{file}")) {
                None => Fate::Created,
                Some(before) if before[..] == bytes[..] => continue,
                Some(_) => Fate::Changed,
            };
            let before = revision.get(&format!("{component}/{file}")).map_or_else(Arc::default, |bytes| bytes.as_slice().into());
            all.push(FileDiff { component: component.clone(), file: file.clone(), fate, before, after: Arc::clone(bytes) });
        }
    }
    for (path, bytes) in revision {
        let Some((component, file)) = path.split_once('/') else { continue };
        let rendered = desired.dirs.get(component);
        let compared = rendered.is_some() || (desired.complete && !desired.spared.iter().any(|name| name == component));
        if compared && file != INDEX && rendered.is_none_or(|files| !files.contains_key(file)) {
            let before = bytes.as_slice().into();
            all.push(FileDiff {
                component: component.to_owned(),
                file: file.to_owned(),
                fate: Fate::Deleted,
                before,
                after: Arc::default(),
            });
        }
    }
    all.sort_by(|a, b| (&a.component, &a.file).cmp(&(&b.component, &b.file)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_against_what_was_rendered() {
        let revision = BTreeMap::from([
            ("a/same.yaml".to_owned(), b"1".to_vec()),
            ("a/gone.yaml".to_owned(), b"1".to_vec()),
            ("a/.hydrated".to_owned(), b"1".to_vec()),
            ("b/other.yaml".to_owned(), b"1".to_vec()),
        ]);
        let files = Files::from([("same.yaml".to_owned(), b"1".as_slice().into()), ("new.yaml".to_owned(), b"2".as_slice().into())]);
        let mut desired = Desired { dirs: BTreeMap::from([("a".to_owned(), files)]), ..Desired::default() };
        let shown = |diffs: Vec<FileDiff>| {
            diffs.iter().map(|diff| format!("{} {}/{}", diff.fate.word(), diff.component, diff.file)).collect::<Vec<_>>()
        };
        assert_eq!(shown(against(&revision, &desired)), ["deleted a/gone.yaml", "created a/new.yaml"]);
        desired.complete = true;
        assert_eq!(shown(against(&revision, &desired)), ["deleted a/gone.yaml", "created a/new.yaml", "deleted b/other.yaml"]);
    }
}
