//! Text to values: YAML as `sigs.k8s.io/yaml` reads it, JSON as Go's `encoding/json` does.

mod json;

use std::collections::BTreeSet;

use super::value::{Entries, Kind, List, Map, Str, Value};
use hydrate_yaml::{self as yaml, Build, Dialect, Scalar, Unfit};

pub use json::{Partial, first_from_json, from_json, from_json_of, partly_from_json, place, read_json};

/// What Go makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// `float64`, as `encoding/json` gives an `interface{}`: values files, `fromYaml`, `fromJson`.
    #[default]
    Float64,
    /// `int64` where the number is written as an integer that fits, `uint64` where it fits that, `float64` else, as go-yaml has it.
    Int64,
}

/// The Go type that is decoded into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// `interface{}`
    #[default]
    Any,
    /// A map with string keys, named as Go prints the type: `map[string]interface {}`.
    Map(&'static str),
    /// A slice: `[]interface {}`.
    List(&'static str),
}

/// How YAML is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DecodeOptions {
    /// The type decoded into.
    pub target: Target,
    /// The numbers wanted.
    pub numbers: Numbers,
    /// Whether a key that occurs twice is an error, as in `UnmarshalStrict`.
    pub strict: bool,
}

impl DecodeOptions {
    /// `yaml.Unmarshal` into a `map[string]interface{}`: what Helm does with values files and in `fromYaml`.
    pub const MAP: Self = Self { target: Target::Map("map[string]interface {}"), numbers: Numbers::Float64, strict: false };
    /// `yaml.Unmarshal` into a `[]interface{}`: `fromYamlArray`.
    pub const LIST: Self = Self { target: Target::List("[]interface {}"), numbers: Numbers::Float64, strict: false };
    /// `yaml.Unmarshal` into an `interface{}`.
    pub const ANY: Self = Self { target: Target::Any, numbers: Numbers::Float64, strict: false };
}

/// Reads the first YAML document, as `yaml.Unmarshal` of `sigs.k8s.io/yaml` does.
///
/// An empty document leaves an empty map or list for those targets. Fails with Go's words, from
/// `error converting YAML to JSON: yaml: line 3: …` to `error unmarshaling JSON: while decoding JSON: json: cannot
/// unmarshal array into Go value of type map[string]interface {}`.
pub fn from_yaml(text: &[u8], reading: DecodeOptions) -> Result<Value, String> {
    let options = yaml::Options { dialect: Dialect::V2, strict: reading.strict, json: true };
    let mut values = Values::new(reading.numbers);
    let value = yaml::decode(text, options, &mut values).map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    match (value, reading.target) {
        (Value::Nil, Target::Map(name)) => Ok(Value::Map(Map::typed(name, Entries::default()))),
        (Value::Nil, Target::List(name)) => Ok(Value::List(List::typed(name, Vec::new()))),
        (value, target) => fit(value, target).map_err(|error| format!("error unmarshaling JSON: while decoding JSON: {error}")),
    }
}

/// Gives a decoded value the type of its target, or says in `encoding/json`'s words that it does not fit.
fn fit(value: Value, target: Target) -> Result<Value, String> {
    match (value, target) {
        (Value::Map(map), Target::Map(name)) if map.type_name() != name => {
            let entries = std::mem::take(&mut *map.entries_mut());
            Ok(Value::Map(Map::typed(name, entries)))
        }
        (Value::List(list), Target::List(name)) if list.type_name() != name => {
            let items = std::mem::take(&mut *list.items_mut());
            Ok(Value::List(List::typed(name, items)))
        }
        (value @ Value::Map(_), Target::Any | Target::Map(_)) | (value @ Value::List(_), Target::Any | Target::List(_)) => Ok(value),
        (Value::Nil, Target::Map(name)) => Ok(Value::Map(Map::nil(name))),
        (Value::Nil, Target::List(name)) => Ok(Value::List(List::nil(name))),
        (value, Target::Any) => Ok(value),
        (value, Target::Map(name) | Target::List(name)) => {
            Err(format!("json: cannot unmarshal {} into Go value of type {name}", json_kind(&value)))
        }
    }
}

/// What `encoding/json` calls the kind of a value.
pub fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Int64(_) | Value::Float64(_) => "number",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "string",
    }
}

/// Builds [`Value`]s; texts of keys are shared, since the same ones come again and again.
#[derive(Debug, Default)]
pub struct Values {
    numbers: Numbers,
    keys: BTreeSet<Str>,
}

impl Values {
    /// A builder that gives numbers the wanted type.
    pub fn new(numbers: Numbers) -> Self {
        Self { numbers, keys: BTreeSet::new() }
    }

    fn integer(&self, value: i64) -> Value {
        match self.numbers {
            Numbers::Float64 => Value::Float64(value as f64),
            Numbers::Int64 => Value::Int64(value),
        }
    }
}

impl Build for Values {
    type Value = Value;
    type Key = Str;

    fn scalar(&mut self, scalar: Scalar<'_>) -> Value {
        match scalar {
            Scalar::Null => Value::Nil,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Int(value) => self.integer(value),
            Scalar::Uint(value) if self.numbers == Numbers::Int64 => Value::integer("uint64", Kind::Uint64, i128::from(value)),
            Scalar::Uint(value) => Value::Float64(value as f64),
            Scalar::Float(value) => Value::Float64(value),
            Scalar::Str(text) => Value::Str(text.as_ref().into()),
            Scalar::Timestamp(text) => Value::Str(text.into()),
            Scalar::Merge => Value::Str("<<".into()),
        }
    }

    fn key(&mut self, text: &str) -> Str {
        match self.keys.get(text.as_bytes()) {
            Some(key) => key.clone(),
            None => {
                let key = Str::from(text);
                self.keys.insert(key.clone());
                key
            }
        }
    }

    fn sequence(&mut self, items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }

    fn mapping(&mut self, entries: Vec<(Str, Value)>) -> Value {
        Value::Map(Map::from_entries(entries))
    }

    fn odd_key(&mut self, _: &str, problem: &str) -> Str {
        let mut key = vec![ODD];
        key.extend_from_slice(problem.as_bytes());
        Str::from(key)
    }

    fn unfit(&self, value: &Value, _: Unfit) -> Option<Unfit> {
        odd_key(value).map(Unfit::Key).or_else(|| not_finite(value).map(Unfit::Number))
    }
}

/// What keys begin with that JSON cannot have; no text of YAML has this byte.
const ODD: u8 = 0xFF;

fn odd_key(value: &Value) -> Option<String> {
    match value {
        Value::List(list) => list.items().iter().find_map(odd_key),
        Value::Map(map) => map.entries().iter().find_map(|(key, value)| match key.as_bytes().strip_prefix(&[ODD]) {
            Some(problem) => Some(String::from_utf8_lossy(problem).into_owned()),
            None => odd_key(value),
        }),
        _ => None,
    }
}

fn not_finite(value: &Value) -> Option<f64> {
    match value {
        Value::Float64(number) if !number.is_finite() => Some(*number),
        Value::List(list) => list.items().iter().find_map(not_finite),
        Value::Map(map) => map.entries().values().find_map(not_finite),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
