//! `kustomization.yaml` of an environment: hydrate's own entries come and go, everybody else's stay, in their order.
//!
//! Flux and Argo CD delete what is no longer listed, so an entry that falls out of an index deletes what runs. Therefore only entries of
//! directories that are hydrate's are removed, and a file that says more than a list of resources is edited line by line.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_yaml::Value;

use super::layout::kustomization;

/// The first line of an index in which all entries are hydrate's.
const WHOLE: &str = "# Written by hydrate: one entry per directory with a .hydrated file. Do not edit.\n";

/// The first line of an index that has other entries too.
const SHARED: &str = "# The entries of directories with a .hydrated file are hydrate's; all others are yours, and stay.\n";

/// What an index says.
#[derive(Debug, Default, Deserialize)]
struct Fields {
    #[serde(default)]
    resources: Vec<String>,
    #[serde(flatten)]
    others: serde_yaml::Mapping,
}

/// An index as it stands.
pub(super) struct Index<'t> {
    text: &'t str,
    fields: Fields,
}

/// Which entries are hydrate's.
pub(super) struct Entries<'e> {
    /// Those that are to be in the index, sorted.
    pub(super) listed: &'e [&'e str],
    /// Whether an entry belongs to a directory that is or was hydrate's.
    pub(super) is_ours: &'e dyn Fn(&str) -> bool,
    /// Whether there is nothing of that name in the directory of the index.
    pub(super) is_missing: &'e dyn Fn(&str) -> bool,
}

impl<'t> Index<'t> {
    /// Reads an index; the error says what is wrong with it.
    pub(super) fn read(text: &'t [u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
        let fields = match serde_yaml::from_str::<Option<Fields>>(text) {
            Ok(fields) => fields.unwrap_or_default(),
            Err(error) => return Err(error.to_string()),
        };
        Ok(Self { text, fields })
    }

    /// Whether hydrate has written it, or has been let into it.
    pub(super) fn is_known(&self) -> bool {
        self.text.starts_with(WHOLE) || self.text.starts_with(SHARED)
    }

    /// Whether it is word for word what hydrate would write without its first line.
    pub(super) fn is_of_form(&self, listed: &[&str]) -> bool {
        self.text == kustomization(listed)
    }

    /// The text that it is to have; `None` where nothing is left to be listed. The error says why hydrate cannot write it.
    pub(super) fn updated(&self, entries: &Entries<'_>) -> Result<Option<String>, String> {
        let goes = |entry: &str| self.goes(entry, entries);
        let stays: Vec<&str> = self.fields.resources.iter().map(String::as_str).filter(|entry| !goes(entry)).collect();
        let is_foreign = |entry: &&str| !(entries.is_ours)(entry) && !entries.listed.contains(entry);
        let is_shared = stays.iter().any(is_foreign);
        if !is_shared && self.is_plain() {
            return Ok((!entries.listed.is_empty()).then(|| whole(entries.listed)));
        }
        let known: BTreeSet<&str> = stays.iter().copied().collect();
        let new: Vec<&str> = entries.listed.iter().copied().filter(|entry| !known.contains(entry)).collect();
        if new.is_empty() && stays.len() == self.fields.resources.len() {
            return Ok(Some(self.text.to_owned()));
        }
        let text = self.edited(&goes, &new)?;
        let expected = with_new(&stays, &new);
        let is_right =
            Index::read(text.as_bytes()).is_ok_and(|after| after.fields.resources == expected && after.fields.others == self.fields.others);
        if is_right { Ok(Some(text)) } else { Err(by_hand(&self.fields.resources, &goes, &new)) }
    }

    fn goes(&self, entry: &str, entries: &Entries<'_>) -> bool {
        let was_ours = (entries.is_ours)(entry) || (self.text.starts_with(WHOLE) && !entry.contains('/') && (entries.is_missing)(entry));
        was_ours && !entries.listed.contains(&entry)
    }

    /// Whether it is a list of resources and nothing else, as hydrate writes it.
    fn is_plain(&self) -> bool {
        let names: Vec<&str> = self.fields.resources.iter().map(String::as_str).collect();
        let text = self.text.strip_prefix(WHOLE).or_else(|| self.text.strip_prefix(SHARED)).unwrap_or(self.text);
        text == kustomization(&names)
    }

    /// The text with the lines of some entries taken out, and lines for new ones put in.
    fn edited(&self, goes: &dyn Fn(&str) -> bool, new: &[&str]) -> Result<String, String> {
        let body = self.text.strip_prefix(WHOLE).or_else(|| self.text.strip_prefix(SHARED)).unwrap_or(self.text);
        let body = with_block_list(body, &self.fields.resources);
        let lines: Vec<&str> = body.split_inclusive('\n').collect();
        let by_hand = || by_hand(&self.fields.resources, goes, new);
        let Some(head) = lines.iter().position(|line| line.trim_end() == "resources:" || line.trim_end() == "resources: []") else {
            if body.lines().any(|line| line.starts_with("resources:")) {
                return Err(by_hand());
            }
            let line_break = if body.is_empty() || body.ends_with('\n') { "" } else { "\n" };
            let list: String = new.iter().map(|entry| format!("- {entry}\n")).collect();
            return Ok(format!("{SHARED}{body}{line_break}resources:\n{list}"));
        };
        let item = |line: &str| line.trim_start().strip_prefix("- ").map(|rest| (line.len() - line.trim_start().len(), unquoted(rest)));
        let mut kept: Vec<String> = lines.iter().take(head).map(|line| (*line).to_owned()).collect();
        kept.push("resources:\n".to_owned());
        let rest = lines.get(head + 1..).unwrap_or_default();
        let belongs = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with(['#', '-']) && !line.starts_with("---");
        let length = rest.iter().take_while(|line| belongs(line)).count();
        let items = rest.iter().take(length).rposition(|line| item(line).is_some()).map_or(0, |last| last + 1);
        let mut names: Vec<Option<String>> = vec![None; kept.len()];
        let mut indent = 0;
        for line in rest.iter().take(items) {
            let Some((column, name)) = item(line) else {
                kept.push((*line).to_owned());
                names.push(None);
                continue;
            };
            indent = column;
            if !goes(&name) {
                kept.push(if line.ends_with('\n') { (*line).to_owned() } else { format!("{line}\n") });
                names.push(Some(name));
            }
        }
        for entry in new {
            let standing: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
            let is_sorted = standing.is_sorted();
            let before = names.iter().position(|name| is_sorted && name.as_deref().is_some_and(|name| name > *entry));
            let at = before.unwrap_or(kept.len());
            kept.insert(at, format!("{}- {entry}\n", " ".repeat(indent)));
            names.insert(at, Some((*entry).to_owned()));
        }
        kept.extend(rest.iter().skip(items).map(|line| (*line).to_owned()));
        Ok(format!("{SHARED}{}", kept.concat()))
    }

    /// What the file says that another one, which is to take its place, does not: entries, and fields.
    pub(super) fn lost_in(&self, other: &Index<'_>) -> Vec<String> {
        let entries = self.fields.resources.iter().filter(|entry| !other.fields.resources.contains(entry)).cloned();
        let has = |key: &Value| other.fields.others.contains_key(key);
        let fields =
            self.fields.others.iter().filter(|(key, _)| !has(key)).filter_map(|(key, _)| Some(format!("the field `{}`", key.as_str()?)));
        entries.chain(fields).collect()
    }
}

/// The list of resources of a directory that hydrate shares with others, `listed` being hydrate's own: entries of others stay, in their order.
/// `None` where there are none. The error says why hydrate cannot write it.
pub fn with_entries_of_others(found: &[u8], listed: &[&str], is_ours: &dyn Fn(&str) -> bool) -> Result<Option<SharedList>, String> {
    let index = Index::read(found)?;
    let is_foreign = |entry: &&String| !is_ours(entry) && !listed.contains(&entry.as_str());
    let others: Vec<String> = index.fields.resources.iter().filter(is_foreign).cloned().collect();
    if others.is_empty() {
        return Ok(None);
    }
    let entries = Entries { listed, is_ours, is_missing: &|_| false };
    let text = index.updated(&entries)?.unwrap_or_default();
    let text = if index.is_known() { text } else { text.strip_prefix(SHARED).unwrap_or(&text).to_owned() };
    Ok(Some(SharedList { text, others }))
}

/// A list of resources with entries of others.
#[derive(Debug, PartialEq, Eq)]
pub struct SharedList {
    /// The whole text.
    pub text: String,
    /// The entries that are not hydrate's.
    pub others: Vec<String>,
}

/// The text with a list of resources on one line, `resources: [a, b]`, written with one entry a line.
fn with_block_list(text: &str, resources: &[String]) -> String {
    let is_list = |line: &str| line.starts_with("resources:") && line.contains('[') && line.trim_end().ends_with(']');
    let block = |line: &str| match serde_yaml::from_str::<Fields>(line) {
        Ok(fields) if is_list(line) && !resources.is_empty() && fields.resources == resources => {
            let list: String = resources.iter().map(|entry| format!("- {entry}\n")).collect();
            format!("resources:\n{list}")
        }
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(block).collect()
}

/// The text of an index that is hydrate's alone.
pub(super) fn whole(listed: &[&str]) -> String {
    format!("{WHOLE}{}", kustomization(listed))
}

/// Entries with new ones: in their place where the others are sorted, else behind them.
fn with_new(stays: &[&str], new: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = stays.iter().map(|entry| (*entry).to_owned()).collect();
    for entry in new {
        let before = all.is_sorted().then(|| all.iter().position(|other| other.as_str() > *entry)).flatten();
        all.insert(before.unwrap_or(all.len()), (*entry).to_owned());
    }
    all
}

fn by_hand(resources: &[String], goes: &dyn Fn(&str) -> bool, new: &[&str]) -> String {
    let gone: Vec<&str> = resources.iter().map(String::as_str).filter(|entry| goes(entry)).collect();
    let mut todo = Vec::new();
    if !new.is_empty() {
        todo.push(format!("add {}", new.join(", ")));
    }
    if !gone.is_empty() {
        todo.push(format!("remove {}", gone.join(", ")));
    }
    format!("its `resources` are no plain list, one entry a line; edit it yourself: {}", todo.join("; "))
}

/// The text of a list's item: without a remark behind it and without quotes.
fn unquoted(item: &str) -> String {
    let item = item.trim();
    serde_yaml::from_str::<String>(item).unwrap_or_else(|_| item.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn update(text: &str, listed: &[&str], ours: &[&str]) -> Result<Option<String>, String> {
        let is_ours = |entry: &str| ours.contains(&entry) || listed.contains(&entry);
        let is_missing = |entry: &str| entry.starts_with("gone");
        Index::read(text.as_bytes())?.updated(&Entries { listed, is_ours: &is_ours, is_missing: &is_missing })
    }

    const HEAD: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";

    #[test]
    fn an_index_of_its_own_is_written_whole() {
        let text = whole(&["a", "b", "gone"]);
        assert_eq!(update(&text, &["a", "c"], &["b"]).unwrap().unwrap(), whole(&["a", "c"]));
        assert_eq!(update(&text, &[], &["a", "b"]).unwrap(), None);
    }

    #[test]
    fn entries_of_others_stay_in_their_order() {
        let text = format!("{HEAD}resources:\n- z\n- y/deep\n- https://example.org/x?ref=1\n");
        let wanted = format!("{SHARED}{HEAD}resources:\n- z\n- y/deep\n- https://example.org/x?ref=1\n- a\n");
        assert_eq!(update(&text, &["a"], &[]).unwrap().unwrap(), wanted);
        assert_eq!(update(&wanted, &["a"], &[]).unwrap().unwrap(), wanted);
        let without = format!("{SHARED}{HEAD}resources:\n- z\n- y/deep\n- https://example.org/x?ref=1\n");
        assert_eq!(update(&wanted, &[], &["a"]).unwrap().unwrap(), without);
        // Somebody has added an entry to an index of hydrate's.
        let text = whole(&["a", "mine"]);
        assert_eq!(update(&text, &["a", "b"], &[]).unwrap().unwrap(), format!("{SHARED}{HEAD}resources:\n- a\n- b\n- mine\n"));
    }

    #[test]
    fn fields_and_remarks_stay() {
        let text = "# ours since 2021\nnamespace: x\nresources:\n  # the first\n  - b # keep\n\n  - 'd'\n# below\npatches: []\n";
        let wanted = format!(
            "{SHARED}# ours since 2021\nnamespace: x\nresources:\n  # the first\n  - b # keep\n\n  - c\n  - 'd'\n# below\npatches: []\n"
        );
        assert_eq!(update(text, &["c"], &[]).unwrap().unwrap(), wanted);
        assert_eq!(update("namespace: x", &["c"], &[]).unwrap().unwrap(), format!("{SHARED}namespace: x\nresources:\n- c\n"));
    }

    #[test]
    fn what_cannot_be_edited_is_told() {
        assert_eq!(update("resources: [b, d]\n", &["c"], &["d"]).unwrap().unwrap(), format!("{SHARED}resources:\n- b\n- c\n"));
        let error = update("resources: [b,\n d]\n", &["c"], &["d"]).unwrap_err();
        assert!(error.ends_with("edit it yourself: add c; remove d"), "{error}");
        assert!(update("resources: {a: b}\n", &["c"], &[]).is_err());
        assert!(update("a: [\n", &["c"], &[]).is_err());
    }

    #[test]
    fn what_another_file_would_lose() {
        let old = format!("{HEAD}namespace: x\nresources:\n- manifest.yaml\n- a.yaml\n");
        let new = format!("{HEAD}resources:\n- a.yaml\n");
        let lost = Index::read(old.as_bytes()).unwrap().lost_in(&Index::read(new.as_bytes()).unwrap());
        assert_eq!(lost, ["manifest.yaml", "the field `namespace`"]);
    }

    #[test]
    fn lists_shared_with_others_keep_their_entries() {
        let text = format!("# by hand\n{HEAD}resources:\n- z.yaml\n- namespaces.yaml\n- old.yaml # mine\n");
        let of = |listed: &[&str], ours: &[&str]| with_entries_of_others(text.as_bytes(), listed, &|entry| ours.contains(&entry)).unwrap();
        let found = of(&["namespaces.yaml"], &[]).unwrap();
        assert_eq!((found.text.as_str(), found.others), (text.as_str(), vec!["z.yaml".to_owned(), "old.yaml".to_owned()]));
        let found = of(&["a.yaml"], &["namespaces.yaml"]).unwrap();
        assert_eq!(found.text, format!("# by hand\n{HEAD}resources:\n- z.yaml\n- old.yaml # mine\n- a.yaml\n"));
        assert_eq!(of(&["a.yaml"], &["namespaces.yaml", "z.yaml", "old.yaml"]), None);
        assert!(with_entries_of_others(b"resources: {a: b}\n", &[], &|_| false).is_err());
    }

    proptest! {
        #[test]
        fn nothing_of_others_is_ever_lost(
            entries in proptest::collection::vec("[a-f]{1,2}", 0..8),
            listed in proptest::collection::btree_set("[a-f]{1,2}", 0..4),
            ours in proptest::collection::btree_set("[a-f]{1,2}", 0..4),
            extra in proptest::option::of("namespace: n\n"),
            indent in 0usize..3,
        ) {
            let list: String = entries.iter().map(|entry| format!("{}- {entry}\n", " ".repeat(indent))).collect();
            let text = format!("{}resources:{}\n{list}", extra.unwrap_or_default(), if entries.is_empty() { " []" } else { "" });
            let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
            let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
            let foreign = |entry: &&String| !listed.contains(&entry.as_str()) && !ours.contains(&entry.as_str());
            let after = update(&text, &listed, &ours).unwrap().unwrap_or_default();
            let found = Index::read(after.as_bytes()).unwrap().fields.resources;
            prop_assert_eq!(found.iter().filter(foreign).collect::<Vec<_>>(), entries.iter().filter(foreign).collect::<Vec<_>>());
            prop_assert!(listed.iter().all(|entry| found.iter().any(|found| found == entry)));
            prop_assert!(ours.iter().all(|entry| listed.contains(entry) || !found.iter().any(|found| found == entry)));
        }
    }
}
