//! Structural schemas of CRDs: the types that expressions see, how large their values can be, and the values themselves (`k8s.io/apiserver/pkg/cel/common`).

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::time;
use crate::ty::{Field, Size, Struct, Type};
use crate::value::{Key, List, ListKind, Map, Value};

/// A structural schema, as far as expressions see it.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Its type.
    pub kind: SchemaType,
    /// Its `format`.
    pub format: String,
    /// The schemas of its properties; `None` where it has none.
    pub properties: Option<BTreeMap<String, Schema>>,
    /// The schema of all other properties.
    pub additional: Option<Box<Schema>>,
    /// The schema of its items.
    pub items: Option<Box<Schema>>,
    /// `x-kubernetes-list-type` and `x-kubernetes-list-map-keys`
    pub list: ListKind,
    /// Properties that have to be there.
    pub required: Vec<String>,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether it has a default.
    pub has_default: bool,
    /// The texts that it may be, where it says them.
    pub values: Vec<String>,
    /// `maxLength`
    pub max_length: Option<u64>,
    /// `maxItems`
    pub max_items: Option<u64>,
    /// `maxProperties`
    pub max_properties: Option<u64>,
    /// `x-kubernetes-int-or-string`
    pub int_or_string: bool,
    /// `x-kubernetes-embedded-resource`, or the object itself.
    pub is_resource: bool,
    /// `x-kubernetes-preserve-unknown-fields`
    pub preserves: bool,
}

/// The type of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaType {
    /// None.
    #[default]
    Any,
    /// `object`
    Object,
    /// `array`
    Array,
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `number`
    Number,
    /// `boolean`
    Boolean,
}

impl SchemaType {
    /// The type of this name.
    pub fn parse(name: &str) -> Self {
        match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => Self::Any,
        }
    }
}

/// A value of JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Double(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Data>),
    /// An object.
    Map(BTreeMap<String, Data>),
    /// What will stand there is not known; why.
    Unknown(String),
}

/// No request is larger than this.
pub const LARGEST_REQUEST: u64 = 3 * 1024 * 1024;

const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Whether a word cannot be a name in expressions.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The name by which expressions know a property; `None` where there is no such name.
pub fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_reserved(name) {
        return Some(format!("__{name}__"));
    }
    let mut out = String::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let (escaped, length) = match first {
            '_' if rest.starts_with("__") => ("__underscores__", 2),
            '.' => ("__dot__", 1),
            '-' => ("__dash__", 1),
            '/' => ("__slash__", 1),
            c if c.is_ascii_alphanumeric() || c == '_' => (&rest[..1], 1),
            _ => return None,
        };
        out.push_str(escaped);
        rest = &rest[length..];
    }
    Some(out)
}

impl Schema {
    /// The object itself and what is embedded have a type and a name, whatever the schema says of them.
    #[must_use]
    pub fn as_resource(mut self) -> Self {
        self.is_resource = true;
        let text = || Self { kind: SchemaType::String, ..Self::default() };
        let has = |of: &Option<BTreeMap<String, Self>>, name: &str, kind: SchemaType| {
            of.as_ref().and_then(|of| of.get(name)).is_some_and(|schema| schema.kind == kind)
        };
        let metadata = self.properties.as_ref().and_then(|of| of.get("metadata")).map(|metadata| &metadata.properties);
        let is_whole = has(&self.properties, "kind", SchemaType::String)
            && has(&self.properties, "apiVersion", SchemaType::String)
            && has(&self.properties, "metadata", SchemaType::Object)
            && metadata.is_some_and(|of| has(of, "name", SchemaType::String) && has(of, "generateName", SchemaType::String));
        if !is_whole {
            let names = BTreeMap::from([("name".to_owned(), text()), ("generateName".to_owned(), text())]);
            let metadata = Self { kind: SchemaType::Object, properties: Some(names), ..Self::default() };
            let properties = self.properties.get_or_insert_default();
            properties.insert("kind".to_owned(), text());
            properties.insert("apiVersion".to_owned(), text());
            properties.insert("metadata".to_owned(), metadata);
        }
        self
    }

    /// The type that expressions see, and how large its values can be; `None` where they do not see it.
    pub fn declared(&self, name: &str) -> Option<(Type, Size)> {
        if self.int_or_string {
            let most = self.max_length.map_or(LARGEST_REQUEST - 2, |most| most.saturating_mul(4));
            return Some((Type::Dyn, Size { most, least_bytes: 1, ..Size::default() }));
        }
        let scalar = |ty: Type, most: u64, least_bytes: u64| Some((ty, Size { most, least_bytes, ..Size::default() }));
        match self.kind {
            SchemaType::Array => {
                let (item, size) = self.items.as_ref()?.declared(&format!("{name}.@idx"))?;
                let most = self.max_items.unwrap_or((LARGEST_REQUEST - 2) / (size.least_bytes + 1));
                Some((Type::list(item), Size { most, items: Some(Arc::new(size)), least_bytes: 2, ..Size::default() }))
            }
            SchemaType::Object => self.object(name),
            SchemaType::String => match self.format.as_str() {
                "byte" => scalar(Type::Bytes, self.max_length.unwrap_or(LARGEST_REQUEST - 2), 2),
                "duration" => scalar(Type::Duration, 32, 3),
                "date" => scalar(Type::Timestamp, 12, 12),
                "date-time" => scalar(Type::Timestamp, 32, 21),
                _ => {
                    let longest = self.values.iter().map(|value| value.len() as u64).max();
                    let most = self.max_length.map(|most| most.saturating_mul(4)).or(longest).unwrap_or(LARGEST_REQUEST - 2);
                    scalar(Type::String, most, 2)
                }
            },
            SchemaType::Boolean => scalar(Type::Bool, 0, 4),
            SchemaType::Number => scalar(Type::Double, 0, 1),
            SchemaType::Integer => scalar(Type::Int, 0, 1),
            SchemaType::Any => None,
        }
    }

    fn object(&self, name: &str) -> Option<(Type, Size)> {
        if let Some(additional) = &self.additional {
            let (value, size) = additional.declared(&format!("{name}.@elem"))?;
            let most = self.max_properties.unwrap_or((LARGEST_REQUEST - 2) / (size.least_bytes + 6));
            let keys = Size { least_bytes: 2, ..Size::default() };
            let size = Size { most, items: Some(Arc::new(size)), keys: Some(Arc::new(keys)), least_bytes: 2, ..Size::default() };
            return Some((Type::map(Type::String, value), size));
        }
        let (mut fields, mut sizes, mut least_bytes) = (BTreeMap::new(), BTreeMap::new(), 2);
        for (property, schema) in self.properties.iter().flatten() {
            let Some((ty, size)) = schema.declared(&format!("{name}.{property}")) else { continue };
            if self.required.contains(property) && !schema.has_default {
                least_bytes += property.len() as u64 + size.least_bytes + 4;
            }
            let Some(escaped) = escape(property) else { continue };
            sizes.insert(escaped.clone(), size.clone());
            fields.insert(escaped, Field { ty, size });
        }
        let ty = Type::Struct(Arc::new(Struct { name: name.to_owned(), fields }));
        Some((ty, Size { fields: sizes, least_bytes, ..Size::default() }))
    }

    /// A value as expressions see it.
    pub fn value(&self, data: &Data) -> Value {
        let invalid = |what: &str| Value::Invalid(format!("invalid data, expected {what}").into());
        match (self.kind, data) {
            (_, Data::Unknown(why)) => Value::Unknown(why.as_str().into()),
            (_, Data::Null) if self.nullable => Value::Null,
            (_, Data::Null) => Value::Invalid("invalid data, got null for schema with nullable=false".into()),
            _ if self.int_or_string => match data {
                Data::Text(text) => Value::String(text.as_str().into()),
                Data::Int(number) => Value::Int(*number),
                _ => invalid("XIntOrString value to be either a string or integer"),
            },
            (SchemaType::Object, Data::Map(entries)) => self.map(entries),
            (SchemaType::Object, _) => invalid("a map for the provided schema with type=object"),
            (SchemaType::Array, Data::List(items)) => match &self.items {
                Some(of) => {
                    let items = items.iter().map(|item| of.value(item)).collect();
                    let kind = match &self.list {
                        ListKind::Map(keys) => ListKind::Map(keys.iter().map(|key| escape(key).unwrap_or_else(|| key.clone())).collect()),
                        other => other.clone(),
                    };
                    Value::List(Arc::new(List { items, kind }))
                }
                None => Value::Invalid("invalid array type, expected Items with a non-empty Schema".into()),
            },
            (SchemaType::Array, _) => invalid("an array for the provided schema with type=array"),
            (SchemaType::String, Data::Text(text)) => self.text(text),
            (SchemaType::String, _) => invalid("string"),
            (SchemaType::Number, Data::Int(number)) => Value::Double(*number as f64),
            (SchemaType::Number, Data::Double(number)) => Value::Double(*number),
            (SchemaType::Number, _) => invalid("float"),
            (SchemaType::Integer, Data::Int(number)) => Value::Int(*number),
            (SchemaType::Integer, _) => invalid("int"),
            (SchemaType::Boolean, Data::Bool(value)) => Value::Bool(*value),
            (SchemaType::Boolean, _) => invalid("bool"),
            (SchemaType::Any, _) => data.value(),
        }
    }

    fn map(&self, entries: &BTreeMap<String, Data>) -> Value {
        let mut map = Map { is_object: self.properties.is_some(), ..Map::default() };
        for (name, data) in entries {
            let property = self.properties.as_ref().and_then(|of| of.get(name));
            match (property, &self.additional) {
                (Some(_), _) if *data == Data::Null => map.nulls += 1,
                (Some(schema), _) => match escape(name) {
                    Some(escaped) => {
                        map.entries.insert(Key::String(escaped.into()), schema.value(data));
                    }
                    None => {
                        map.hidden.insert(name.clone(), schema.value(data));
                    }
                },
                (None, Some(schema)) if !map.is_object => {
                    map.entries.insert(Key::String(name.as_str().into()), schema.value(data));
                }
                _ => {
                    map.hidden.insert(name.clone(), data.value());
                }
            }
        }
        Value::Map(Arc::new(map))
    }

    fn text(&self, text: &str) -> Value {
        match self.format.as_str() {
            "duration" => match time::nanoseconds(text).ok().or_else(|| words(text)) {
                Some(nanos) => Value::Duration(nanos),
                None => Value::Invalid(format!("Invalid duration {text}").into()),
            },
            "date" => match time::moment(&format!("{text}T00:00:00Z")) {
                Ok(moment) => Value::Timestamp(moment),
                Err(why) => Value::Invalid(format!("Invalid date formatted string {text}: {why}").into()),
            },
            "date-time" => match time::moment(text).or_else(|_| time::moment(&format!("{text}Z"))) {
                Ok(moment) => Value::Timestamp(moment),
                Err(why) => Value::Invalid(format!("Invalid date-time formatted string {text}: {why}").into()),
            },
            "byte" => match STANDARD.decode(text.replace(['\r', '\n'], "")) {
                Ok(bytes) => Value::Bytes(bytes.into()),
                Err(why) => Value::Invalid(format!("Invalid byte formatted string {text}: {why}").into()),
            },
            _ => Value::String(text.into()),
        }
    }
}

impl Data {
    /// The value as it is, without a schema.
    pub fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(number) => Value::Int(*number),
            Self::Double(number) => Value::Double(*number),
            Self::Text(text) => Value::String(text.as_str().into()),
            Self::Unknown(why) => Value::Unknown(why.as_str().into()),
            Self::List(items) => Value::list(items.iter().map(Self::value).collect()),
            Self::Map(entries) => {
                Value::map(entries.iter().map(|(name, data)| (Key::String(name.as_str().into()), data.value())).collect())
            }
        }
    }
}

/// A duration in words: `3 days`.
fn words(text: &str) -> Option<i64> {
    const SECOND: i64 = 1_000_000_000;
    let mut sum: Option<i64> = None;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = &rest[start..];
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let (number, after) = (digits[..end].parse::<i64>().ok()?, digits[end..].trim_start());
        let word_end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let unit = match after[..word_end].to_lowercase().as_str() {
            "ns" => 1,
            word if word.starts_with("nano") => 1,
            "us" | "µs" => 1000,
            word if word.starts_with("micro") => 1000,
            "ms" => 1_000_000,
            word if word.starts_with("milli") => 1_000_000,
            "s" => SECOND,
            word if word.starts_with("sec") => SECOND,
            "m" => 60 * SECOND,
            word if word.starts_with("min") => 60 * SECOND,
            word if word == "h" || word.starts_with("hr") || word.starts_with("hour") => 3600 * SECOND,
            word if word == "d" || word.starts_with("day") => 24 * 3600 * SECOND,
            word if word == "w" || word == "wk" || word.starts_with("week") => 7 * 24 * 3600 * SECOND,
            _ => 0,
        };
        if unit > 0 {
            sum = Some(sum.unwrap_or(0).wrapping_add(number.wrapping_mul(unit)));
        }
        rest = &after[word_end..];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        for (name, escaped) in [
            ("plain", Some("plain")),
            ("with-dash", Some("with__dash__dash")),
            ("a.b/c", Some("a__dot__b__slash__c")),
            ("a__b", Some("a__underscores__b")),
            ("namespace", Some("__namespace__")),
            ("x_y", Some("x_y")),
            ("1st", None),
            ("a b", None),
            ("ä", None),
        ] {
            assert_eq!(escape(name).as_deref(), escaped, "{name}");
        }
    }

    #[test]
    fn durations_are_read_from_words() {
        assert_eq!(words("3 days"), Some(3 * 24 * 3600 * 1_000_000_000));
        assert_eq!(words("soon"), None);
    }
}
