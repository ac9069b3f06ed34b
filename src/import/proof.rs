//! Whether two renderings give the same objects.

use std::collections::{BTreeMap, BTreeSet};

use hydrate_base::Diagnostic;
use hydrate_source::{Document, Identity};
use similar::TextDiff;

use super::values::means;

/// How many objects are told in full, and how many lines of each.
const SHOWN: usize = 3;
const LINES: usize = 12;

/// What is not the same.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Objects that are missing after the import.
    missing: Vec<Identity>,
    /// Objects that nobody had before.
    new: Vec<Identity>,
    /// Objects that say something else, with the lines that differ.
    changed: Vec<(Identity, Vec<String>)>,
}

/// Compares objects by who they are; `None` where they are the same. Their order does not count, nor that of their keys.
pub(super) fn compare(before: &[Document], after: &[Document]) -> Option<Difference> {
    let by_identity = |documents: &[Document]| {
        let mut all: BTreeMap<Identity, Vec<String>> = BTreeMap::new();
        for document in documents {
            all.entry(document.identity.clone()).or_default().push(document.text.clone());
        }
        all
    };
    let (before, after) = (by_identity(before), by_identity(after));
    let mut found = Difference::default();
    for identity in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        match (before.get(identity), after.get(identity)) {
            (Some(old), Some(new)) if old.len() == new.len() => {
                let differs = old.iter().zip(new).find(|(old, new)| !is_same(old, new));
                found.changed.extend(differs.map(|(old, new)| (identity.clone(), lines(old, new))));
            }
            (Some(old), new) if old.len() > new.map_or(0, Vec::len) => found.missing.push(identity.clone()),
            _ => found.new.push(identity.clone()),
        }
    }
    let is_none = found.missing.is_empty() && found.new.is_empty() && found.changed.is_empty();
    (!is_none).then_some(found)
}

fn is_same(old: &str, new: &str) -> bool {
    old == new || means(old.as_bytes()).is_some() && means(old.as_bytes()) == means(new.as_bytes())
}

fn lines(old: &str, new: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(old, new).unified_diff().context_radius(1).to_string();
    diff.lines().filter(|line| !line.starts_with("@@")).take(LINES).map(str::to_owned).collect()
}

/// The error for what is not the same.
pub(super) fn told(component: &str, env: &str, difference: &Difference) -> Box<Diagnostic> {
    let count = difference.missing.len() + difference.new.len() + difference.changed.len();
    let objects = if count == 1 { "one object".to_owned() } else { format!("{count} objects") };
    let mut error = Diagnostic::error(format!("{objects} of component {component} would not be the same in environment {env}"));
    let list = |identities: &[Identity]| identities.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !difference.missing.is_empty() {
        error = error.note(format!("missing: {}", list(&difference.missing)));
    }
    if !difference.new.is_empty() {
        error = error.note(format!("not there before: {}", list(&difference.new)));
    }
    for (identity, lines) in difference.changed.iter().take(SHOWN) {
        error = error.note(format!("{identity}\n{}", lines.join("\n")));
    }
    if difference.changed.len() > SHOWN {
        error = error.note(format!("and {} more", difference.changed.len() - SHOWN));
    }
    error.note("nothing is written").help("leave the release in its helmfile: --leave NAME")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::SourceFile;
    use hydrate_source::{Origin, Trust, documents};

    fn read(text: &str) -> Vec<Document> {
        let origin = Origin { source: "test".to_owned(), file: None, line: 0 };
        documents(&SourceFile::new("a", text.as_bytes()), &origin, Trust::Raw).unwrap()
    }

    const A: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1', y: '2'}\n";
    const B: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";

    #[test]
    fn order_and_style_do_not_count() {
        let other = "# remark\nkind: ConfigMap\napiVersion: v1\ndata:\n  y: \"2\"\n  x: \"1\"\nmetadata:\n  name: a\n";
        assert!(compare(&read(&format!("{A}---\n{B}")), &read(&format!("{B}---\n{other}"))).is_none());
    }

    #[test]
    fn what_is_not_the_same_is_told() {
        let after = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: 1, y: '2'}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
        let found = compare(&read(&format!("{A}---\n{B}")), &read(after)).unwrap();
        let text = told("web", "prod", &found).to_string();
        for part in ["3 objects of component web", "missing: ConfigMap b", "not there before: ConfigMap c", "ConfigMap a", "+data: {x: 1"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
