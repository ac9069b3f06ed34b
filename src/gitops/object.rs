//! Objects for the cluster, built as trees: `hydrate-yaml` knows what has to be quoted.

use std::sync::Arc;

use crate::tree::Files;
use hydrate_base::Result;
use hydrate_source::compose;
use hydrate_yaml::node::{Node, Tag};

/// A mapping; entries that are `None` are left out.
pub(super) fn map<const N: usize>(entries: [(&str, Option<Node>); N]) -> Node {
    Node::mapping(entries.into_iter().filter_map(|(key, value)| Some((Node::string(key), value?))).collect())
}

/// A string.
pub(super) fn text(text: impl AsRef<str>) -> Option<Node> {
    Some(Node::string(text.as_ref()))
}

/// `true` or `false`.
pub(super) fn flag(value: bool) -> Option<Node> {
    Some(Node::scalar(Tag::Bool, if value { "true" } else { "false" }))
}

/// A number.
pub(super) fn number(value: i64) -> Option<Node> {
    Some(Node::scalar(Tag::Int, value.to_string()))
}

/// A sequence; none for an empty one.
pub(super) fn list(items: impl IntoIterator<Item = Node>) -> Option<Node> {
    let items: Vec<Node> = items.into_iter().collect();
    (!items.is_empty()).then(|| Node::sequence(items))
}

/// Adds an object as a file of its own, under a remark that says where it comes from.
pub(super) fn add(files: &mut Files, source: &str, kind: &str, name: &str, remarks: &[&str], object: &Node) -> Result<()> {
    let mut text = format!("# Written by hydrate from {source} and what components need. Do not edit.\n");
    remarks.iter().for_each(|remark| text.push_str(&format!("# {remark}\n")));
    text.push_str(&compose::emit(object)?);
    files.insert(format!("{}-{name}.yaml", kind.to_lowercase()), Arc::from(text.into_bytes()));
    Ok(())
}
