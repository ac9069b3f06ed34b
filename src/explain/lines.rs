//! Lines of documents: which line of another text one of them was, and which field stands in it.

use std::collections::BTreeMap;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use hydrate_yaml::node::{Data, Node};

/// A step of the way to a field. Items of a list are known by their names where they have different ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Named(String),
    Index(usize),
}

/// The way to a field, and for a text of several lines which of them.
type Field = (Vec<Step>, usize);

/// The lines of a document by the fields that stand in them. Lines are counted from zero.
#[derive(Debug, Default)]
pub(super) struct Fields {
    of_lines: Vec<Option<Field>>,
    lines: BTreeMap<Field, usize>,
}

impl Fields {
    /// The fields of a text with one document; none where it is no YAML.
    pub(super) fn of(text: &str) -> Self {
        let count = text.lines().count();
        let mut fields = Self { of_lines: vec![None; count], lines: BTreeMap::new() };
        let Ok(documents) = hydrate_yaml::compose(text.as_bytes()) else { return fields };
        if let Some(root) = documents.first().and_then(|document| document.root.as_ref()) {
            fields.add(root, &mut Vec::new());
        }
        let mut last: Option<Field> = None;
        for slot in &mut fields.of_lines {
            match slot {
                Some(field) => last = Some(field.clone()),
                None => {
                    if let Some((path, line)) = &mut last {
                        *line += 1;
                        *slot = Some((path.clone(), *line));
                    }
                }
            }
        }
        for (line, field) in fields.of_lines.iter().enumerate() {
            if let Some(field) = field {
                fields.lines.entry(field.clone()).or_insert(line);
            }
        }
        fields
    }

    /// Of several fields in a line it is known by the first key, but each is found there.
    fn note(&mut self, line: u32, path: &[Step]) {
        let Some(line) = (line as usize).checked_sub(1) else { return };
        let Some(slot) = self.of_lines.get_mut(line) else { return };
        let is_item = |path: &[Step]| !matches!(path.last(), Some(Step::Key(_)));
        if slot.as_ref().is_none_or(|(known, _)| is_item(known)) {
            *slot = Some((path.to_vec(), 0));
        }
        self.lines.entry((path.to_vec(), 0)).or_insert(line);
    }

    fn add(&mut self, node: &Node, path: &mut Vec<Step>) {
        match &node.data {
            Data::Mapping(entries) => {
                for (key, value) in entries {
                    path.push(Step::Key(key.as_str().unwrap_or_default().to_owned()));
                    self.note(key.line, path);
                    self.add(value, path);
                    path.pop();
                }
            }
            Data::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(step_of(items, index, item));
                    self.note(item.line, path);
                    self.add(item, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// The field in a line.
    pub(super) fn path(&self, line: usize) -> Option<&[Step]> {
        self.of_lines.get(line)?.as_ref().map(|(path, _)| path.as_slice())
    }

    /// The line in which the same field stands in another document.
    pub(super) fn same_in(&self, line: usize, other: &Self) -> Option<usize> {
        other.lines.get(self.of_lines.get(line)?.as_ref()?).copied()
    }

    /// The line of a field as users write it: `spec.containers[0].image`, `spec.containers.app.image`.
    pub(super) fn line_of(&self, wanted: &str) -> Option<usize> {
        let fits = |path: &[Step]| shown(path) == wanted || by_names(path) == wanted;
        self.of_lines.iter().position(|field| field.as_ref().is_some_and(|(path, line)| *line == 0 && fits(path)))
    }

    /// The lines of a field and everything below it.
    pub(super) fn lines_of(&self, wanted: &str) -> Vec<usize> {
        let Some(first) = self.line_of(wanted) else { return Vec::new() };
        let Some(path) = self.path(first).map(<[Step]>::to_vec) else { return Vec::new() };
        (first..self.of_lines.len()).take_while(|line| self.path(*line).is_some_and(|other| other.starts_with(&path))).collect()
    }

    /// All fields, as users write them.
    pub(super) fn all(&self) -> Vec<String> {
        self.of_lines.iter().flatten().filter(|(_, line)| *line == 0).map(|(path, _)| by_names(path)).collect()
    }
}

fn step_of(items: &[Node], index: usize, item: &Node) -> Step {
    let name = |item: &Node| item.get("name").and_then(Node::as_str).map(str::to_owned);
    match name(item) {
        Some(own) if items.iter().filter(|other| name(other).as_ref() == Some(&own)).count() == 1 => Step::Named(own),
        _ => Step::Index(index),
    }
}

/// As users write it, items by their names.
fn by_names(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) | Step::Named(key) => {
                text.push_str(if text.is_empty() { "" } else { "." });
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// As users see it: names in brackets.
pub(super) fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                text.push_str(if text.is_empty() { "" } else { "." });
                text.push_str(key);
            }
            Step::Named(name) => text.push_str(&format!("[{name}]")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// The lines of a document that a field and what is below it stand in, counted from zero, by the field as users write it:
/// `spec.containers[0].image`, `spec.containers.app.image`.
pub fn lines_of_field(text: &str, field: &str) -> Vec<usize> {
    Fields::of(text).lines_of(field)
}

/// All fields of a document, as users write them.
pub fn fields_of(text: &str) -> Vec<String> {
    Fields::of(text).all()
}

/// For each line of a file, the line of another one that has the same text, in the same order.
pub fn same_lines(file: &str, other: &str) -> Vec<Option<usize>> {
    unchanged(other, file)
}

/// For each line of a text, the line of an earlier one of the same object that it was.
pub(super) fn earlier((text, fields): (&str, &Fields), (earlier, earlier_fields): (&str, &Fields)) -> Vec<Option<usize>> {
    let unchanged = unchanged(earlier, text);
    let earlier: Vec<&str> = earlier.lines().collect();
    let one = |(number, line): (usize, &str)| {
        let same = fields.same_in(number, earlier_fields);
        let is_same = |other: &usize| earlier.get(*other).is_some_and(|other| other.trim() == line.trim());
        let by_text = unchanged.get(number).copied().flatten().filter(|_| !line.trim().is_empty());
        same.filter(is_same).or(by_text).or(same)
    };
    text.lines().enumerate().map(one).collect()
}

/// For each line of `after`, the line of `before` that it was: the same text, indentation aside, in the same order.
fn unchanged(before: &str, after: &str) -> Vec<Option<usize>> {
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (before, after) = (lines(before), lines(after));
    let mut same = vec![None; after.len()];
    for op in capture_diff_slices(Algorithm::Myers, &before, &after) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            (0..len).for_each(|at| same[new_index + at] = Some(old_index + at));
        }
    }
    same
}

/// What became of lines in another text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Same,
    /// Another line stands in its place.
    Changed,
    Gone,
}

/// What became of each line of `before` in `after`.
pub(super) fn fates(before: &[&str], after: &[&str]) -> Vec<Fate> {
    let mut fates = vec![Fate::Gone; before.len()];
    for op in capture_diff_slices(Algorithm::Myers, before, after) {
        match op {
            DiffOp::Equal { old_index, len, .. } => fates[old_index..old_index + len].fill(Fate::Same),
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                for (at, line) in before[old_index..old_index + old_len].iter().enumerate() {
                    let others = &after[new_index..new_index + new_len];
                    let replaced = others.iter().any(|other| stands_for(line, other)) || (old_len == new_len && others.get(at).is_some());
                    fates[old_index + at] = if replaced { Fate::Changed } else { Fate::Gone };
                }
            }
            _ => {}
        }
    }
    fates
}

/// Whether a line may be what became of another one: the same key, or the same beginning.
fn stands_for(line: &str, other: &str) -> bool {
    let key = |line: &str| line.trim().trim_start_matches("- ").split_once(':').map(|(key, _)| key.to_owned());
    match (key(line), key(other)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => {
            let (a, b) = (line.trim(), other.trim());
            let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
            common * 2 >= a.len().min(b.len()) && common > 1
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_another_order_and_form() {
        let a = Fields::of("kind: X\nspec:\n  list:\n  - name: b\n    v: 1\n  - name: a\n    v: |\n      t\n      u\n");
        let b = Fields::of("spec:\n    list:\n        - name: a\n          v: \"t\\nu\"\n        - v: 1\n          name: b\nkind: X\n");
        assert_eq!(a.same_in(0, &b), Some(6));
        assert_eq!(a.same_in(4, &b), Some(4));
        assert_eq!(a.same_in(6, &b), Some(3));
        assert_eq!(a.same_in(7, &b), None);
        assert_eq!(shown(a.path(6).unwrap()), "spec.list[a].v");
        assert_eq!(a.line_of("spec.list.a.v"), Some(6));
        assert_eq!(a.lines_of("spec.list[a].v"), [6, 7, 8]);
        assert_eq!(a.line_of("spec.list.c"), None);
        let flow = Fields::of("spec: {list: [{name: b}, {name: a}]}\nkind: X\n");
        assert_eq!(a.same_in(2, &flow), Some(0));
        assert_eq!(shown(flow.path(0).unwrap()), "spec");
    }

    #[test]
    fn a_changed_line_is_told_from_one_that_went() {
        let fates = |before: &str, after: &str| fates(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>());
        use Fate::{Changed, Gone, Same};
        assert_eq!(fates("a: 1\nb: 2\nc: 3", "a: 1\nb: 4\nc: 3"), [Same, Changed, Same]);
        assert_eq!(fates("a: 1\nb: 2\nc: 3", "a: 1\nc: 3"), [Same, Gone, Same]);
        assert_eq!(fates("a: 1\nb: 2\nd: 5\nc: 3", "a: 1\nb: 4\nc: 3"), [Same, Changed, Gone, Same]);
    }
}
