//! values.schema.json: validation with the texts of each Helm, which stands on a different library at each level
//! (gojsonschema in Helm 3, santhosh-tekuri/jsonschema in Helm 4).
//!
//! Schemas are walked as JSON, without compiling them first: a schema is used once per run. Where Go goes over a map in
//! random order, keys are sorted here.

mod document;
mod format;
mod four;
mod meta;
mod number;
mod three;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::instance::Instance;
use hydrate_chart::Level;
use hydrate_gotmpl::{Map, Value};
use hydrate_sprig::regex::GoRegex;

/// How deep schemas may refer and values may nest.
const DEPTH_LIMIT: usize = 400;

/// Validates the values of a chart and of its dependencies; the error is Helm's text about all of them.
pub(super) fn validate(chart: Instance<'_>, values: &Map, level: Level) -> Result<(), String> {
    let mut text = String::new();
    collect(chart, values, level, &mut text);
    if text.is_empty() {
        return Ok(());
    }
    Err(format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{text}"))
}

fn collect(chart: Instance<'_>, values: &Map, level: Level, text: &mut String) {
    if let Some(schema) = &chart.chart().schema {
        let outcome = match level {
            Level::V3 => three::validate(schema, values),
            Level::V4 => four::validate(schema, values),
        };
        if let Err(error) = outcome {
            text.push_str(&format!("{}:\n{error}", chart.name()));
        }
    }
    for dependency in chart.dependencies() {
        match values.get(dependency.name().as_bytes()) {
            None | Some(Value::Nil) => {}
            Some(Value::Map(inner)) => collect(dependency, &inner, level, text),
            Some(other) => {
                let name = dependency.name();
                text.push_str(&format!("{name}:\ninvalid type for values: expected object (map), got {}\n", other.type_name()));
            }
        }
    }
}

/// The expressions of a schema, each compiled once.
#[derive(Default)]
struct Expressions<'a>(BTreeMap<&'a str, Rc<GoRegex>>);

impl<'a> Expressions<'a> {
    /// The expression of a pattern; the error is the one of Helm 4's library.
    fn get(&mut self, pattern: &'a str) -> Result<Rc<GoRegex>, String> {
        if let Some(known) = self.0.get(pattern) {
            return Ok(Rc::clone(known));
        }
        let compiled = GoRegex::new(pattern.as_bytes()).map_err(|error| format!("invalid regex {pattern:?}: {error}"))?;
        Ok(Rc::clone(self.0.entry(pattern).or_insert(Rc::new(compiled))))
    }
}

/// The JSON types of values.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "boolean",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// Whether a value equals a JSON constant, numbers by their value.
fn equal(value: &Value, json: &serde_json::Value) -> bool {
    match (value, json) {
        (Value::Nil, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Str(a), serde_json::Value::String(b)) => a.as_bytes() == b.as_bytes(),
        (Value::List(a), serde_json::Value::Array(b)) => a.len() == b.len() && a.items().iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Map(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && b.iter().all(|(key, b)| a.get(key.as_bytes()).is_some_and(|a| equal(&a, b)))
        }
        (value, serde_json::Value::Number(b)) => {
            number::of_value(value).is_some_and(|a| a.compare(&number::of_json(b)) == std::cmp::Ordering::Equal)
        }
        _ => false,
    }
}

/// Whether two values are equal, as `uniqueItems` asks.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.items().iter().zip(b.items().iter()).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.entries().iter().all(|(key, a)| b.get(key.as_bytes()).is_some_and(|b| same(a, &b)))
        }
        (a, b) => match (number::of_value(a), number::of_value(b)) {
            (Some(a), Some(b)) => a.compare(&b) == std::cmp::Ordering::Equal,
            _ => false,
        },
    }
}

/// The number of characters of a string.
fn characters(text: &hydrate_gotmpl::Str) -> usize {
    text.to_str_lossy().chars().count()
}
