//! Objects as the texts of their fields, each with the way to it.

use std::collections::BTreeMap;

use hydrate_source::{Document, Identity};
use hydrate_yaml::Input;
use hydrate_yaml::node::{Data, Node};

/// An object in a word: `Secret/shop/db`, `Deployment.apps/db`.
pub(super) fn object(identity: &Identity) -> String {
    let group = if identity.group().is_empty() { String::new() } else { format!(".{}", identity.group()) };
    let namespace = if identity.namespace.is_empty() { String::new() } else { format!("{}/", identity.namespace) };
    format!("{}{group}/{namespace}{}", identity.kind, identity.name)
}

/// The documents of a rendering that are others in another one, each with its fields that are.
pub(super) fn changed<'d>(ours: &'d [Document], theirs: &[Document]) -> Vec<(&'d Document, Vec<Field>)> {
    let others: BTreeMap<String, &Document> = theirs.iter().map(|document| (object(&document.identity), document)).collect();
    let changed = |(at, document): (usize, &Document)| {
        // The name itself may be what is another one.
        let renamed = || theirs.get(at).filter(|other| ours.len() == theirs.len() && other.identity.kind == document.identity.kind);
        match others.get(&object(&document.identity)).copied().or_else(renamed) {
            Some(other) if *other == *document => None,
            Some(other) => Some(differences(document, other)),
            None => Some(vec![Field { path: String::new(), text: String::new() }]),
        }
    };
    ours.iter().enumerate().filter_map(|(at, document)| Some((document, changed((at, document))?))).collect()
}

/// One text of an object: where it stands, as a JSON pointer, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The JSON pointer (RFC 6901).
    pub(super) path: String,
    /// What stands there, after YAML's own escapes.
    pub(super) text: String,
}

/// All texts of a document, keys of mappings aside, in its order; none where it is no YAML that can be read.
pub(super) fn fields(text: &str) -> Vec<Field> {
    let input = Input::new(text.as_bytes());
    let mut found = Vec::new();
    for document in hydrate_yaml::Composer::new(&input) {
        let Ok(document) = document else { return Vec::new() };
        if let Some(root) = &document.root {
            walk(root, &mut String::new(), &mut found);
        }
    }
    found
}

fn walk(node: &Node, path: &mut String, found: &mut Vec<Field>) {
    let length = path.len();
    match &node.data {
        Data::Scalar(text) => found.push(Field { path: path.clone(), text: text.to_string() }),
        Data::Alias(_) => {}
        Data::Sequence(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push_str(&format!("/{at}"));
                walk(item, path, found);
                path.truncate(length);
            }
        }
        Data::Mapping(entries) => {
            for (key, value) in entries {
                let Data::Scalar(key) = &key.data else { continue };
                path.push('/');
                path.push_str(&key.replace("~", "~0").replace("/", "~1"));
                walk(value, path, found);
                path.truncate(length);
            }
        }
    }
}

/// The fields of a document that say something else in another rendering of it; an empty path stands for the whole document.
pub(super) fn differences(document: &Document, other: &Document) -> Vec<Field> {
    let (ours, theirs) = (fields(&document.text), fields(&other.text));
    let is_other = |field: &&Field| !theirs.contains(field);
    let found: Vec<Field> = ours.iter().filter(is_other).cloned().collect();
    if found.is_empty() && document != other { vec![Field { path: String::new(), text: String::new() }] } else { found }
}

/// A path as people write it: `data.password`, `spec.containers[0].env`.
pub(super) fn shown(path: &str) -> String {
    let mut shown = String::new();
    for part in path.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            shown.push_str(&format!("[{part}]"));
        } else if part.is_empty() || part.contains(['.', '/', ' ']) {
            shown.push_str(&format!("[{part:?}]"));
        } else {
            if !shown.is_empty() {
                shown.push('.');
            }
            shown.push_str(&part);
        }
    }
    if shown.is_empty() { "the whole object".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_its_path() {
        let found = fields("data:\n  a.b/c: x\n  list: [1, {k: \"v\\n\"}]\n");
        let found: Vec<(&str, &str)> = found.iter().map(|field| (field.path.as_str(), field.text.as_str())).collect();
        assert_eq!(found, [("/data/a.b~1c", "x"), ("/data/list/0", "1"), ("/data/list/1/k", "v\n")]);
        assert_eq!(fields("a: [\n"), []);
    }

    #[test]
    fn paths_are_shown_as_people_write_them() {
        assert_eq!(shown("/spec/containers/0/env"), "spec.containers[0].env");
        assert_eq!(shown("/data/a.b~1c"), "data[\"a.b/c\"]");
        assert_eq!(shown(""), "the whole object");
    }
}
