//! Plain data: values of environments and components, as templates get them.

use std::collections::BTreeMap;

use hydrate_yaml::node::{Data as NodeData, Node, Tag};

/// What YAML can say, comments and order aside. Unlike the template engine's own values it may cross threads.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Data {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Data>),
    /// A mapping with string keys.
    Map(BTreeMap<String, Data>),
}

impl Data {
    /// This, made an empty mapping where it is null.
    pub fn or_map(&mut self) -> &mut Self {
        if *self == Self::Null {
            *self = Self::map();
        }
        self
    }

    /// An empty mapping.
    pub fn map() -> Self {
        Self::Map(BTreeMap::new())
    }

    /// The data of a YAML tree whose aliases and merge keys are already resolved.
    pub fn from_node(node: &Node) -> Self {
        match &node.data {
            NodeData::Scalar(text) => scalar(&node.tag, text),
            NodeData::Sequence(items) => Self::List(items.iter().map(Self::from_node).collect()),
            NodeData::Mapping(entries) => {
                let entry = |(key, value): &(Node, Node)| (key.as_str().unwrap_or_default().to_owned(), Self::from_node(value));
                Self::Map(entries.iter().map(entry).collect())
            }
            NodeData::Alias(_) => Self::Null,
        }
    }

    /// Merges `over` over this, as Helm merges values files: mappings key by key, everything else replaced, and a
    /// null takes the key away.
    pub fn merge(&mut self, over: Self) {
        match (&mut *self, over) {
            (Self::Map(base), Self::Map(over)) => {
                for (key, value) in over {
                    match value {
                        Self::Null => {
                            base.remove(&key);
                        }
                        value => base.entry(key).or_default().merge(value),
                    }
                }
            }
            (base, mut over) => {
                over.drop_nulls();
                *base = over;
            }
        }
    }

    /// A null in a mapping that has nothing to take away stands for nothing.
    fn drop_nulls(&mut self) {
        if let Self::Map(map) = self {
            map.retain(|_, value| *value != Self::Null);
            map.values_mut().for_each(Self::drop_nulls);
        }
    }

    /// The same as JSON; a number that JSON cannot say (`.inf`) becomes null.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Float(value) => serde_json::Number::from_f64(*value).map_or(serde_json::Value::Null, serde_json::Value::Number),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect::<Vec<_>>().into(),
            Self::Map(map) => serde_json::Value::Object(map.iter().map(|(key, value)| (key.clone(), value.to_json())).collect()),
        }
    }

    /// The same as a YAML tree in block style, keys sorted.
    pub fn to_node(&self) -> Node {
        match self {
            Self::Null => Node::scalar(Tag::Null, "null"),
            Self::Bool(value) => Node::scalar(Tag::Bool, value.to_string()),
            Self::Int(value) => Node::scalar(Tag::Int, value.to_string()),
            Self::Float(value) => Node::scalar(Tag::Float, value.to_string()),
            Self::Text(text) => Node::string(text.as_str()),
            Self::List(items) => Node::sequence(items.iter().map(Self::to_node).collect()),
            Self::Map(map) => Node::mapping(map.iter().map(|(key, value)| (Node::string(key.as_str()), value.to_node())).collect()),
        }
    }

    /// What a MiniJinja value says.
    pub fn from_jinja(value: &minijinja::Value) -> Result<Self, minijinja::Error> {
        use minijinja::value::ValueKind;
        Ok(match value.kind() {
            ValueKind::Undefined | ValueKind::None => Self::Null,
            ValueKind::Bool => Self::Bool(value.is_true()),
            ValueKind::Number => match value.as_i64().filter(|_| value.is_integer()) {
                Some(number) => Self::Int(number),
                None => float(&value.to_string()),
            },
            ValueKind::Seq | ValueKind::Iterable => {
                Self::List(value.try_iter()?.map(|item| Self::from_jinja(&item)).collect::<Result<_, _>>()?)
            }
            ValueKind::Map => {
                let entry = |key: minijinja::Value| Ok((key.to_string(), Self::from_jinja(&value.get_item(&key)?)?));
                Self::Map(value.try_iter()?.map(entry).collect::<Result<_, minijinja::Error>>()?)
            }
            _ => Self::Text(value.to_string()),
        })
    }

    /// The same for MiniJinja.
    pub fn to_jinja(&self) -> minijinja::Value {
        match self {
            Self::Null => ().into(),
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Float(value) => (*value).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_jinja).collect(),
            Self::Map(map) => map.iter().map(|(key, value)| (key.clone(), value.to_jinja())).collect::<BTreeMap<_, _>>().into(),
        }
    }
}

fn scalar(tag: &Tag, text: &str) -> Data {
    match tag {
        Tag::Null => Data::Null,
        Tag::Bool => Data::Bool(matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y")),
        Tag::Int => integer(text).map_or_else(|| float(text), Data::Int),
        Tag::Float => float(text),
        _ => Data::Text(text.to_owned()),
    }
}

/// Integers as YAML 1.1 writes them: underscores, `0x`, `0b`, `0o`, and a leading zero for octal.
fn integer(text: &str) -> Option<i64> {
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

fn float(text: &str) -> Data {
    let plain = text.replace('_', "").to_ascii_lowercase();
    match plain.trim_start_matches('+') {
        ".inf" => Data::Float(f64::INFINITY),
        "-.inf" => Data::Float(f64::NEG_INFINITY),
        ".nan" => Data::Float(f64::NAN),
        number => number.parse().map_or_else(|_| Data::Text(text.to_owned()), Data::Float),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, Data)]) -> Data {
        Data::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    #[test]
    fn merging_goes_key_by_key_and_null_deletes() {
        let mut base = map(&[("a", Data::Int(1)), ("b", map(&[("x", Data::Int(1)), ("y", Data::Int(2))])), ("c", Data::Int(3))]);
        base.merge(map(&[("b", map(&[("y", Data::Null), ("z", Data::Int(4))])), ("c", Data::Null), ("d", map(&[("n", Data::Null)]))]));
        assert_eq!(base, map(&[("a", Data::Int(1)), ("b", map(&[("x", Data::Int(1)), ("z", Data::Int(4))])), ("d", Data::map())]));
    }

    #[test]
    fn numbers_as_yaml_writes_them() {
        assert_eq!(scalar(&Tag::Int, "0x1F"), Data::Int(31));
        assert_eq!(scalar(&Tag::Int, "0644"), Data::Int(420));
        assert_eq!(scalar(&Tag::Int, "-1_000"), Data::Int(-1000));
        assert_eq!(scalar(&Tag::Int, "99999999999999999999"), Data::Float(1e20));
        assert_eq!(scalar(&Tag::Float, "-.inf"), Data::Float(f64::NEG_INFINITY));
    }
}
