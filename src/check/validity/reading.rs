//! Values as the API server gets them: YAML turned into JSON by the library that Kubernetes' tools use (`sigs.k8s.io/yaml`), in which `yes` is a boolean.

use std::borrow::Cow;

use hydrate_yaml::Dialect;
use hydrate_yaml::node::{Data, Node, ScalarStyle};
use hydrate_yaml::resolve::{self, Scalar};

/// A value of JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'n> {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number beyond 64 bits with sign, or one with a fraction.
    Number(f64),
    Text(Cow<'n, str>),
    List(&'n [Node]),
    Map(&'n [(Node, Node)]),
    /// What no tool can turn into JSON.
    Broken,
}

impl Value<'_> {
    /// What it is called in messages: `a number`.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
            Self::Broken => "no value of JSON",
        }
    }
}

/// The value of a node.
pub(super) fn value(node: &Node) -> Value<'_> {
    match &node.data {
        Data::Sequence(items) => Value::List(items),
        Data::Mapping(entries) => Value::Map(entries),
        Data::Alias(_) => Value::Broken,
        Data::Scalar(text) => {
            let scalar = match (node.style.tagged, node.style.scalar) {
                (true, _) => resolve::tagged(node.tag_text(), text, Dialect::V2),
                (false, ScalarStyle::Plain) => Ok(resolve::plain(text, Dialect::V2)),
                (false, _) => Ok(Scalar::Str(Cow::Borrowed(text.as_str()))),
            };
            of_scalar(scalar)
        }
    }
}

fn of_scalar(scalar: Result<Scalar<'_>, String>) -> Value<'_> {
    /// Beyond this a number is written with an exponent.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    match scalar {
        Ok(Scalar::Null) => Value::Null,
        Ok(Scalar::Bool(value)) => Value::Bool(value),
        Ok(Scalar::Int(value)) => Value::Int(value),
        Ok(Scalar::Uint(value)) => Value::Number(value as f64),
        // `1.0` and `1e3` become `1` and `1000` on the way.
        Ok(Scalar::Float(value)) if value.fract() == 0.0 && value.abs() < WHOLE => Value::Int(value as i64),
        Ok(Scalar::Float(value)) if value.is_finite() => Value::Number(value),
        Ok(Scalar::Str(text)) => Value::Text(text),
        Ok(Scalar::Timestamp(text)) => Value::Text(Cow::Borrowed(text)),
        Ok(Scalar::Float(_) | Scalar::Merge) | Err(_) => Value::Broken,
    }
}

/// The text of a key of a mapping, or of a scalar, as it is written.
pub(super) fn key(node: &Node) -> &str {
    node.as_str().unwrap_or_default()
}

/// The same where it is a string; what numbers and booleans become as keys is not what is written.
pub(super) fn string(node: &Node) -> Option<&str> {
    node.as_str().filter(|_| !node.style.tagged && matches!(value(node), Value::Text(_)))
}

/// The value of a label: null is the empty text.
pub(super) fn label(node: &Node) -> &str {
    if value(node) == Value::Null { "" } else { key(node) }
}

/// The whole number at a key.
pub(super) fn int(node: &Node, name: &str) -> Option<i64> {
    match node.get(name).map(value)? {
        Value::Int(value) => Some(value),
        _ => None,
    }
}

/// The node at a key; `None` for null too.
pub(super) fn present<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.get(name).filter(|node| value(node) != Value::Null)
}

/// The node at a key, where it is neither null nor an empty text, list or mapping: what Go takes for set.
pub(super) fn filled<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.get(name).filter(|node| match value(node) {
        Value::Null => false,
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        _ => true,
    })
}
