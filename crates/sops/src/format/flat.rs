//! Metadata in files that have no collections: `age__list_0__map_recipient`. Follows `stores/flatten.go`.

use std::collections::BTreeMap;

use crate::Error;
use crate::tree::{Branch, Entry, Item, Value};

const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// The values of a map with the ways to them. INI files have their line breaks escaped once more.
pub(super) fn flatten(branch: &Branch, escapes: bool) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    branch.values().for_each(|(key, value)| descend(key.to_owned(), value, escapes, &mut flat));
    flat
}

fn descend(key: String, value: &Value, escapes: bool, flat: &mut Vec<(String, Value)>) {
    match value {
        Value::Map(branch) => branch.values().for_each(|(name, value)| descend(format!("{key}{MAP}{name}"), value, escapes, flat)),
        Value::List(items) => {
            let values = items.iter().filter_map(|item| if let Item::Value(value) = item { Some(value) } else { None });
            values.enumerate().for_each(|(at, value)| descend(format!("{key}{LIST}{at}"), value, escapes, flat));
        }
        value => {
            let text = value.as_str().filter(|_| escapes).map(|text| Value::text(text.replace('\n', "\\n")));
            flat.push((key, text.unwrap_or_else(|| value.clone())));
        }
    }
}

/// A part of the tree that is put together.
#[derive(Default)]
struct Node {
    value: Option<Value>,
    keys: BTreeMap<String, Node>,
    items: BTreeMap<usize, Node>,
}

enum Step {
    Key(String),
    Item(usize),
}

/// The map that was flattened.
pub(super) fn unflatten(branch: Branch, escapes: bool) -> Result<Branch, Error> {
    let wrong = |what: &str| Error::Metadata(format!("{what}, in the flat form of dotenv and INI files"));
    let mut root = Node::default();
    for (key, value) in branch.values() {
        let mut node = &mut root;
        for step in steps(key).ok_or_else(|| wrong("a list has an item without a number"))? {
            node = match step {
                Step::Key(key) => node.keys.entry(key).or_default(),
                Step::Item(at) => node.items.entry(at).or_default(),
            };
        }
        let text = value.as_str().filter(|_| escapes).map(|text| Value::text(text.replace("\\n", "\n")));
        if node.value.replace(text.unwrap_or_else(|| value.clone())).is_some() {
            return Err(wrong("a key is there twice"));
        }
    }
    match collect(root).ok_or_else(|| wrong("a list has gaps, or something is a list and a map"))? {
        Value::Map(branch) => Ok(branch),
        _ => Err(wrong("it is a list")),
    }
}

fn steps(key: &str) -> Option<Vec<Step>> {
    let (mut steps, mut rest, mut is_item) = (Vec::new(), key, false);
    loop {
        let next = [MAP, LIST].iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min();
        let part = next.map_or(rest, |(at, _)| &rest[..at]);
        steps.push(if is_item { Step::Item(part.parse().ok()?) } else { Step::Key(part.to_owned()) });
        let Some((at, mark)) = next else { return Some(steps) };
        (rest, is_item) = (&rest[at + mark.len()..], mark == LIST);
    }
}

fn collect(node: Node) -> Option<Value> {
    let Node { value, keys, items } = node;
    match (value, keys.is_empty(), items.is_empty()) {
        (Some(value), true, true) => Some(value),
        (None, false, true) => {
            let entry = |(key, node)| Some(Entry::Value(key, collect(node)?));
            Some(Value::Map(Branch(keys.into_iter().map(entry).collect::<Option<_>>()?)))
        }
        (None, true, false) if items.keys().copied().eq(0..items.len()) => {
            Some(Value::List(items.into_values().map(|node| collect(node).map(Item::Value)).collect::<Option<_>>()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_flattened_comes_back() {
        let entry = |key: &str, value: Value| Entry::Value(key.to_owned(), value);
        let item = Value::Map(Branch(vec![entry("enc", Value::text("a\nb\n")), entry("recipient", Value::text("age1"))]));
        let branch =
            Branch(vec![entry("age", Value::List(vec![Item::Value(item.clone()), Item::Value(item)])), entry("mac", Value::text("x"))]);
        for escapes in [false, true] {
            let flat = flatten(&branch, escapes);
            let names: Vec<&str> = flat.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names[..2], ["age__list_0__map_enc", "age__list_0__map_recipient"]);
            let flat = Branch(flat.into_iter().map(|(key, value)| Entry::Value(key, value)).collect());
            assert!(unflatten(flat, escapes).ok() == Some(branch.clone()));
        }
    }

    #[test]
    fn what_cannot_have_been_a_map_is_refused() {
        let of = |keys: &[&str]| {
            let entries = keys.iter().map(|key| Entry::Value((*key).to_owned(), Value::text("x")));
            unflatten(Branch(entries.collect()), false).map(drop)
        };
        for keys in [&["a__list_1"][..], &["a__list_x"], &["a", "a__map_b"], &["a__list_0", "a__map_b"], &["a", "a"]] {
            assert!(of(keys).is_err(), "{keys:?}");
        }
        of(&["a__list_0__map_b", "c"]).unwrap();
    }
}
