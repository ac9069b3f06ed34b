//! Short ways to a value in a tree, and when two values are the same.

use std::borrow::Cow;

use hydrate_yaml::Dialect;
use hydrate_yaml::node::{Data, Node, ScalarStyle, Tag};
use hydrate_yaml::resolve::{self, Scalar};

/// The node behind these keys, one mapping in the other.
pub(crate) fn at<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n Node> {
    keys.iter().try_fold(node, |node, key| node.get(key))
}

/// The text of the scalar at a key; `None` for null.
pub(crate) fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key).filter(|node| node.tag != Tag::Null).and_then(Node::as_str)
}

/// The items of the list at a key; none where there is no list.
pub(crate) fn items<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).and_then(Node::items).unwrap_or_default()
}

/// The texts in the list at a key.
pub(crate) fn texts<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = &'n str> + use<'n> {
    items(node, key).iter().filter_map(Node::as_str)
}

/// The entries of the mapping at a key; none where there is no mapping.
pub(crate) fn entries<'n>(node: &'n Node, key: &str) -> &'n [(Node, Node)] {
    node.get(key).and_then(Node::entries).unwrap_or_default()
}

/// Whether the boolean at a key is true.
pub(crate) fn is_true(node: &Node, key: &str) -> bool {
    node.get(key).is_some_and(|node| scalar(node) == Scalar::Bool(true))
}

/// The whole number at a key.
pub(crate) fn int(node: &Node, key: &str) -> Option<i64> {
    match scalar(node.get(key)?) {
        Scalar::Int(value) => Some(value),
        _ => None,
    }
}

/// Whether a node is null, or stands for nothing.
pub(crate) fn is_null(node: &Node) -> bool {
    matches!(&node.data, Data::Scalar(_)) && scalar(node) == Scalar::Null
}

/// The value of a scalar as Kubernetes' tools read it: `yes` is a boolean. The empty text for anything else.
pub(crate) fn scalar(node: &Node) -> Scalar<'_> {
    let Data::Scalar(text) = &node.data else { return Scalar::Str(Cow::Borrowed("")) };
    let as_text = || Scalar::Str(Cow::Borrowed(text.as_str()));
    match (node.style.tagged, node.style.scalar, node.tag) {
        (_, _, Tag::Other) => as_text(),
        (true, ..) => resolve::tagged(node.tag_text(), text, Dialect::V2).unwrap_or_else(|_| as_text()),
        // Made here, not read: its tag says what it is.
        (false, ScalarStyle::Plain, Tag::Str) if node.line == 0 => as_text(),
        (false, ScalarStyle::Plain, _) => resolve::plain(text, Dialect::V2),
        (false, ..) => as_text(),
    }
}

/// Whether two scalars are the same value.
pub(crate) fn same_scalar(one: &Node, other: &Node) -> bool {
    let (Data::Scalar(text), Data::Scalar(other_text)) = (&one.data, &other.data) else { return false };
    let alike = one.tag == other.tag && one.style.scalar == other.style.scalar && one.style.tagged == other.style.tagged;
    if alike && text == other_text {
        return one.tag != Tag::Other || one.tag_text() == other.tag_text();
    }
    match (scalar(one), scalar(other)) {
        (Scalar::Timestamp(one), Scalar::Timestamp(other)) => one == other,
        (Scalar::Timestamp(stamp), Scalar::Str(text)) | (Scalar::Str(text), Scalar::Timestamp(stamp)) => stamp == text,
        (Scalar::Float(one), Scalar::Float(other)) => one == other || one.is_nan() && other.is_nan(),
        // `1.0` becomes `1` on its way to the API server.
        (Scalar::Int(int), Scalar::Float(float)) | (Scalar::Float(float), Scalar::Int(int)) => float == int as f64,
        (one, other) => one.tag() == other.tag() && one == other && (one.tag() != Tag::Other),
    }
}

/// Whether two trees say the same, whatever the order of keys in mappings.
pub(crate) fn same(one: &Node, other: &Node) -> bool {
    match (&one.data, &other.data) {
        (Data::Mapping(entries), Data::Mapping(others)) => {
            entries.len() == others.len()
                && entries.iter().enumerate().all(|(at, (key, value))| find(others, key, at).is_some_and(|other| same(value, other)))
        }
        (Data::Sequence(items), Data::Sequence(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| same(item, other))
        }
        (Data::Scalar(_), Data::Scalar(_)) => same_scalar(one, other),
        _ => false,
    }
}

/// The value of a key among entries, looked for at `hint` first: both sides mostly have the same order.
pub(crate) fn find<'n>(entries: &'n [(Node, Node)], key: &Node, hint: usize) -> Option<&'n Node> {
    let is_it = |entry: &&(Node, Node)| entry.0.as_str() == key.as_str() && key.as_str().is_some();
    entries.get(hint).filter(is_it).or_else(|| entries.iter().find(is_it)).map(|(_, value)| value)
}

/// A tree as JSON. Texts that were hidden are objects with a word for what they are.
pub(crate) fn json(node: &Node) -> serde_json::Value {
    use serde_json::{Number, Value as Json};
    match &node.data {
        Data::Sequence(items) => items.iter().map(json).collect(),
        Data::Mapping(entries) => Json::Object(entries.iter().map(|(key, value)| (plain_key(key), json(value))).collect()),
        Data::Alias(name) => Json::String(format!("*{name}")),
        Data::Scalar(text) => match scalar(node) {
            _ if crate::mask::word(node).is_some() => {
                serde_json::json!({ crate::mask::word(node).unwrap_or_default(): true })
            }
            Scalar::Null => Json::Null,
            Scalar::Bool(value) => Json::Bool(value),
            Scalar::Int(value) => Json::Number(value.into()),
            Scalar::Uint(value) => Json::Number(value.into()),
            Scalar::Float(value) => Number::from_f64(value).map_or_else(|| Json::String(text.to_string()), Json::Number),
            Scalar::Str(text) => Json::String(text.into_owned()),
            Scalar::Timestamp(_) | Scalar::Merge => Json::String(text.to_string()),
        },
    }
}

/// The text of a key.
pub(crate) fn plain_key(key: &Node) -> String {
    key.as_str().map_or_else(|| json(key).to_string(), str::to_owned)
}
