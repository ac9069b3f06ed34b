//! Our answers, in the shape of the probe's.

use hydrate_yaml::node::{Data, Document, Node, ScalarStyle};
use hydrate_yaml::{Build, Composer, Input, Options, Scalar, decode};
use serde_json::{Map, Number, Value, json};

/// What is asked about every text.
pub(crate) const MODES: &[&str] = &["v2", "v2strict", "v3", "nodes", "json"];

/// Our answer: the value, and the error if there is one.
pub(crate) fn answer(mode: &str, text: &[u8]) -> Value {
    let result = match mode {
        "v2" => decode(text, Options::SIGS, &mut Json { typed: false }).map_err(|error| error.to_string()),
        "v2strict" => decode(text, Options::SIGS_STRICT, &mut Json { typed: false }).map_err(|error| error.to_string()),
        "v3" => decode(text, Options::V3, &mut Json { typed: true }).map_err(|error| error.to_string()),
        "json" => {
            use hydrate_gotmpl::decode::{Numbers, read_json};
            read_json(Default::default(), text, Numbers::Float64, &mut Json { typed: false })
        }
        _ => return nodes(text),
    };
    match result {
        Ok(value) => normal(json!({ "value": value })),
        Err(error) => normal(json!({ "value": null, "error": error })),
    }
}

/// Writes numbers in one way, and sorts keys.
pub(crate) fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(format!("number {}", normal_number(&number.to_string()))),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(entries) => {
            let mut entries: Vec<(String, Value)> = entries.into_iter().map(|(key, value)| (key, normal(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        other => other,
    }
}

fn normal_number(text: &str) -> String {
    // Go writes large floats with their shortest digits and zeros, so those are compared as floats.
    if let Ok(integer @ -0x20_0000_0000_0000..=0x20_0000_0000_0000) = text.parse::<i64>() {
        return integer.to_string();
    }
    let value: f64 = text.parse().expect("a number");
    if value.fract() == 0.0 && value.abs() < 9e15 { (value as i64).to_string() } else { format!("{value:e}") }
}

struct Json {
    /// Whether kinds of numbers are shown.
    typed: bool,
}

impl Build for Json {
    type Value = Value;
    type Key = String;

    fn scalar(&mut self, scalar: Scalar<'_>) -> Value {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Int(value) if self.typed => Value::String(format!("int {value}")),
            Scalar::Uint(value) if self.typed => Value::String(format!("int {value}")),
            Scalar::Int(value) => Value::Number(value.into()),
            Scalar::Uint(value) => Value::Number(value.into()),
            Scalar::Float(value) if self.typed && value.is_nan() => Value::String("float nan".to_owned()),
            Scalar::Float(value) if self.typed => Value::String(format!("float {:x}", value.to_bits())),
            Scalar::Float(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
            Scalar::Str(text) => Value::String(text.into_owned()),
            Scalar::Timestamp(_) => Value::String("time".to_owned()),
            Scalar::Merge => Value::String("<<".to_owned()),
        }
    }

    fn key(&mut self, text: &str) -> String {
        text.to_owned()
    }

    fn sequence(&mut self, items: Vec<Value>) -> Value {
        Value::Array(items)
    }

    fn mapping(&mut self, entries: Vec<(String, Value)>) -> Value {
        Value::Object(entries.into_iter().collect())
    }
}

fn nodes(text: &[u8]) -> Value {
    let input = Input::new(text);
    let mut documents = Vec::new();
    for document in Composer::new(&input) {
        match document {
            Ok(document) => documents.push(show_document(&document)),
            Err(error) => return normal(json!({ "value": documents, "error": error.to_string() })),
        }
    }
    normal(json!({ "value": documents }))
}

/// The place of a document is not kept, so neither side shows it.
fn show_document(document: &Document) -> Value {
    let mut shown = Map::new();
    shown.insert("kind".to_owned(), "doc".into());
    put(&mut shown, "head", &document.head);
    put(&mut shown, "foot", &document.foot);
    if let Some(root) = &document.root {
        shown.insert("content".to_owned(), vec![show_node(root)].into());
    }
    Value::Object(shown)
}

fn put(shown: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        shown.insert(name.to_owned(), text.into());
    }
}

fn show_node(node: &Node) -> Value {
    let mut shown = Map::new();
    let (kind, value, content) = match &node.data {
        Data::Scalar(text) => ("scalar", text.as_str(), Vec::new()),
        Data::Alias(name) => ("alias", name.as_str(), Vec::new()),
        Data::Sequence(items) => ("seq", "", items.iter().map(show_node).collect()),
        Data::Mapping(entries) => ("map", "", entries.iter().flat_map(|(key, value)| [show_node(key), show_node(value)]).collect()),
    };
    shown.insert("kind".to_owned(), kind.into());
    shown.insert("at".to_owned(), format!("{}:{}", node.line, node.column).into());
    put(&mut shown, "tag", node.tag_text());
    put(&mut shown, "value", value);
    if !content.is_empty() {
        shown.insert("content".to_owned(), content.into());
    }
    let scalar = match node.style.scalar {
        ScalarStyle::Plain => 0,
        ScalarStyle::DoubleQuoted => 2,
        ScalarStyle::SingleQuoted => 4,
        ScalarStyle::Literal => 8,
        ScalarStyle::Folded => 16,
    };
    let style = i32::from(node.style.tagged) | scalar | i32::from(node.style.flow) << 5;
    if style != 0 {
        shown.insert("style".to_owned(), style.into());
    }
    if let Some(extra) = &node.extra {
        put(&mut shown, "anchor", &extra.anchor);
        put(&mut shown, "head", &extra.head);
        put(&mut shown, "line", &extra.line);
        put(&mut shown, "foot", &extra.foot);
    }
    Value::Object(shown)
}
