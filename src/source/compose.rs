//! YAML trees with diagnostics: the one place where the YAML room's errors become the user's.

use std::sync::Arc;

use crate::base::{Diagnostic, Result, SourceFile};
use crate::yaml::node::{Node, Tag};

/// The tree of one document, `text`, that starts at byte `start` of a file; `None` when it is empty.
pub fn document(file: &Arc<SourceFile>, start: usize, text: &str) -> Result<Option<Node>> {
    Ok(stream(file, start, text)?.into_iter().next().filter(|node| node.tag != Tag::Null))
}

/// The trees of all documents of a text that starts at byte `start` of a file.
pub fn stream(file: &Arc<SourceFile>, start: usize, text: &str) -> Result<Vec<Node>> {
    // Until the YAML room composes trees: structure without positions.
    use serde::Deserialize;
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = serde_yaml::Value::deserialize(document).map_err(|error| {
            let offset = start + error.location().map_or(0, |place| place.index());
            Diagnostic::error(format!("{} is not valid YAML: {error}", file.name)).at(file, offset..offset, "")
        })?;
        documents.push(node(value));
    }
    Ok(documents)
}

/// The text of a tree.
pub fn emit(tree: &Node) -> Result<String> {
    serde_yaml::to_string(&plain(tree)).map_err(|error| Diagnostic::error(format!("cannot write YAML: {error}")))
}

fn plain(tree: &Node) -> serde_yaml::Value {
    use crate::source::data::Data;
    fn value(data: Data) -> serde_yaml::Value {
        match data {
            Data::Null => serde_yaml::Value::Null,
            Data::Bool(value) => value.into(),
            Data::Int(value) => value.into(),
            Data::Float(value) => value.into(),
            Data::Text(text) => text.into(),
            Data::List(items) => serde_yaml::Value::Sequence(items.into_iter().map(value).collect()),
            Data::Map(map) => serde_yaml::Value::Mapping(map.into_iter().map(|(key, item)| (key.into(), value(item))).collect()),
        }
    }
    value(Data::from_node(tree))
}

fn node(value: serde_yaml::Value) -> Node {
    use serde_yaml::Value;
    match value {
        Value::Null => Node::scalar(Tag::Null, ""),
        Value::Bool(value) => Node::scalar(Tag::Bool, value.to_string()),
        Value::Number(number) if number.is_f64() => Node::scalar(Tag::Float, number.to_string()),
        Value::Number(number) => Node::scalar(Tag::Int, number.to_string()),
        Value::String(text) => Node::string(text),
        Value::Sequence(items) => Node::sequence(items.into_iter().map(node).collect()),
        Value::Mapping(entries) => Node::mapping(entries.into_iter().map(|(key, value)| (node(key), node(value))).collect()),
        Value::Tagged(tagged) => node(tagged.value),
    }
}
