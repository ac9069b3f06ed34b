//! Objects as JSON: what kustomize's detour through Go's `encoding/json` makes of a YAML tree, and back.
//!
//! Follows `RNode.MarshalJSON` and `UnmarshalJSON` (`kyaml/yaml/rnode.go`): types are those of go-yaml v3; numbers that come back
//! from JSON are 64-bit floats.

use std::fmt::Write;

use ecow::EcoString;

use super::errors::{Fail, KResult, fail};
use super::scalar::{self, Typed};
use super::tree;
use hydrate_yaml::node::{Data, Node, ScalarStyle, Tag};

/// A JSON value; a number keeps its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as it is written.
    Number(EcoString),
    /// A string.
    String(EcoString),
    /// An array.
    Array(Vec<Json>),
    /// An object; keys are unique and in no particular order.
    Object(Vec<(EcoString, Json)>),
}

/// The deepest nesting that is followed; go-yaml and `encoding/json` stop at 10,000.
const MAX_DEPTH: usize = 1_000;

impl Json {
    /// An object's tree as JSON. Fails where Go does: repeated keys, keys that are no strings, texts that contradict their tags.
    pub(crate) fn from_node(node: &Node) -> KResult<Self> {
        match &node.data {
            Data::Sequence(items) => items.iter().map(|item| convert(item, node.style.flow, 1)).collect::<KResult<_>>().map(Self::Array),
            Data::Mapping(entries) => object(entries, true, node.style.flow, 0),
            _ if tree::is_null(node) => Ok(Self::Object(Vec::new())),
            _ => fail("yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str into map[string]interface {}"),
        }
    }

    /// The tree that comes back from JSON: numbers are what a 64-bit float makes of them.
    pub(crate) fn to_node(&self) -> Node {
        match self {
            Self::Null => Node::scalar(Tag::Null, "null"),
            Self::Bool(value) => Node::scalar(Tag::Bool, if *value { "true" } else { "false" }),
            Self::Number(text) => {
                let text = text.parse::<f64>().map_or_else(|_| text.clone(), scalar::format_g);
                let tag = if text.bytes().all(|c| c == b'-' || c.is_ascii_digit()) { Tag::Int } else { Tag::Float };
                Node::scalar(tag, text)
            }
            Self::String(text) => string(text),
            Self::Array(items) => Node::sequence(items.iter().map(Self::to_node).collect()),
            Self::Object(entries) => Node::mapping(entries.iter().map(|(key, value)| (string(key), value.to_node())).collect()),
        }
    }

    /// The value of a field of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Self::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// As Go writes it: sorted keys, no spaces, `<`, `>` and `&` escaped.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, None);
        out
    }

    /// As Go writes it with an indentation of two spaces.
    pub(crate) fn to_pretty_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Some(0));
        out
    }

    fn write(&self, out: &mut String, indent: Option<usize>) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => write_string(text, out),
            Self::Array(items) if items.is_empty() => out.push_str("[]"),
            Self::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    separate(at, indent, out);
                    item.write(out, indent.map(|level| level + 1));
                }
                close(']', indent, out);
            }
            Self::Object(entries) if entries.is_empty() => out.push_str("{}"),
            Self::Object(entries) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                out.push('{');
                for (at, (key, value)) in sorted.into_iter().enumerate() {
                    separate(at, indent, out);
                    write_string(key, out);
                    out.push_str(if indent.is_some() { ": " } else { ":" });
                    value.write(out, indent.map(|level| level + 1));
                }
                close('}', indent, out);
            }
        }
    }
}

fn separate(at: usize, indent: Option<usize>, out: &mut String) {
    if at > 0 {
        out.push(',');
    }
    line_break(indent.map(|level| level + 1), out);
}

fn close(bracket: char, indent: Option<usize>, out: &mut String) {
    line_break(indent, out);
    out.push(bracket);
}

fn line_break(indent: Option<usize>, out: &mut String) {
    if let Some(level) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", level));
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\u{0}'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A string as go-yaml v3 writes it and kustomize reads it back: in quotes where plain text would be something else.
fn string(text: &EcoString) -> Node {
    let mut node = Node::string(text.clone());
    node.style.scalar = if text.contains('\n') {
        ScalarStyle::Literal
    } else if scalar::needs_quotes_v3(text) {
        ScalarStyle::DoubleQuoted
    } else {
        ScalarStyle::Plain
    };
    node
}

/// `flow` says that go-yaml v3 would write it between brackets, where nothing at all becomes an empty string.
fn convert(node: &Node, flow: bool, depth: usize) -> KResult<Json> {
    if depth > MAX_DEPTH {
        return fail("exceeded max depth");
    }
    let flow = flow || node.style.flow;
    match &node.data {
        Data::Sequence(items) => items.iter().map(|item| convert(item, flow, depth + 1)).collect::<KResult<_>>().map(Json::Array),
        Data::Mapping(entries) => object(entries, false, flow, depth),
        Data::Alias(name) => fail(format!("unknown anchor '{name}' referenced")),
        Data::Scalar(_) => Ok(match scalar::typed_in(node, flow)? {
            Typed::Null if flow && tree::raw_text(node).is_empty() => Json::String(EcoString::new()),
            Typed::Null => Json::Null,
            Typed::Bool(value) => Json::Bool(value),
            Typed::Int(text) => Json::Number(text),
            Typed::Float(value) if !value.is_finite() => return fail(format!("json: unsupported value: {}", scalar::format_g(value))),
            Typed::Float(value) => Json::Number(scalar::json_number(value)),
            Typed::Str(text) => Json::String(text),
        }),
    }
}

fn object(entries: &[(Node, Node)], top: bool, flow: bool, depth: usize) -> KResult<Json> {
    let mut object: Vec<(EcoString, Json)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        object.push((check_key(key, top)?, convert(value, flow, depth + 1)?));
    }
    if let Some(key) = repeated(entries) {
        return Err(repeated_key(key));
    }
    Ok(Json::Object(object))
}

/// A key of an object; at the top of one, Go bends numbers and the like to strings.
pub(crate) fn check_key(key: &Node, top: bool) -> KResult<EcoString> {
    match (&key.data, scalar::typed(key)) {
        (Data::Scalar(_), Ok(Typed::Str(text))) => Ok(text),
        (Data::Scalar(text), Ok(Typed::Int(_) | Typed::Float(_) | Typed::Bool(_))) if top => Ok(text.clone()),
        _ => fail("json: unsupported type: map[interface {}]interface {}"),
    }
}

/// The first key that repeats an earlier one.
pub(crate) fn repeated(entries: &[(Node, Node)]) -> Option<&Node> {
    if entries.len() < 16 {
        let same = |at: usize, key: &Node| entries.iter().take(at).any(|(other, _)| other.as_str() == key.as_str() && other.tag == key.tag);
        return entries.iter().enumerate().find(|(at, (key, _))| same(*at, key)).map(|(_, (key, _))| key);
    }
    let mut sorted: Vec<_> = entries.iter().map(|(key, _)| key).collect();
    sorted.sort_by(|a, b| a.as_str().cmp(&b.as_str()).then(a.line.cmp(&b.line)));
    sorted.windows(2).find_map(|pair| match pair {
        [a, b] if a.as_str() == b.as_str() => Some(*b),
        _ => None,
    })
}

/// The error for a repeated key.
pub(crate) fn repeated_key(key: &Node) -> Fail {
    Fail::new(format!("yaml: unmarshal errors:\n  line {}: mapping key {:?} already defined", key.line, tree::raw_text(key)))
}

impl Json {
    /// Reads JSON text.
    pub(crate) fn parse(text: &str) -> KResult<Self> {
        serde_json::from_str::<serde_json::Value>(text).map(Self::from_serde).map_err(|error| Fail::new(format!("invalid JSON: {error}")))
    }

    fn from_serde(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => Self::Number(number.to_string().into()),
            serde_json::Value::String(text) => Self::String(text.into()),
            serde_json::Value::Array(items) => Self::Array(items.into_iter().map(Self::from_serde).collect()),
            serde_json::Value::Object(entries) => {
                Self::Object(entries.into_iter().map(|(key, value)| (key.into(), Self::from_serde(value))).collect())
            }
        }
    }

    /// The first document of YAML text as `sigs.k8s.io/yaml` makes JSON of it: types are those of go-yaml v2.
    pub(crate) fn from_yaml(text: &str) -> KResult<Self> {
        match super::anchors::first_document(text.as_bytes())? {
            Some(node) => Self::from_configuration(&node),
            None => Ok(Self::Null),
        }
    }

    /// A value of a configuration file as JSON.
    pub(crate) fn from_configuration(node: &Node) -> KResult<Self> {
        Ok(match &node.data {
            Data::Sequence(items) => Self::Array(items.iter().map(Self::from_configuration).collect::<KResult<_>>()?),
            Data::Mapping(entries) => {
                let mut object: Vec<(EcoString, Self)> = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let (key, value) = (scalar::key_text(key), Self::from_configuration(value)?);
                    match object.iter_mut().find(|(name, _)| *name == key) {
                        Some((_, old)) => *old = value,
                        None => object.push((key, value)),
                    }
                }
                Self::Object(object)
            }
            _ => match scalar::resolve_v2(node) {
                scalar::Scalar::Null => Self::Null,
                scalar::Scalar::Bool(value) => Self::Bool(value),
                scalar::Scalar::Int(text) => Self::Number(text),
                scalar::Scalar::Float(value) if !value.is_finite() => return fail("json: unsupported value"),
                scalar::Scalar::Float(value) => Self::Number(scalar::json_number(value)),
                scalar::Scalar::Str => Self::String(tree::raw_text(node).into()),
            },
        })
    }
}
