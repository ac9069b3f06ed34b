//! JSON: `stores/json` of SOPS.

use std::fmt;

use hydrate_gotmpl::GoVersion;
use hydrate_gotmpl::encode::to_json;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use crate::tree::{Branch, Entry, Item, Value};

/// The key by which serde_json hands out a number as it is written.
const NUMBER: &str = "$serde_json::private::Number";

/// Reads an object.
pub(super) fn read(text: &[u8]) -> Result<Branch, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    // What serde_json says of a text quotes it.
    let place = |error: serde_json::Error| format!("line {} column {} is no JSON, or a key is there twice", error.line(), error.column());
    let value = ValueSeed.deserialize(&mut deserializer).map_err(place)?;
    deserializer.end().map_err(place)?;
    match value {
        Value::Map(branch) => Ok(branch),
        _ => Err("it is no object; SOPS encrypts none of the rest".to_owned()),
    }
}

struct ValueSeed;

impl<'de> DeserializeSeed<'de> for ValueSeed {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        number(&value.to_string()).ok_or_else(|| E::custom("number"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = items.next_element_seed(ValueSeed)? {
            list.push(Item::Value(value));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut branch = Branch::default();
        let mut keys = std::collections::BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key == NUMBER {
                return number(&entries.next_value::<String>()?).ok_or_else(|| A::Error::custom("number"));
            }
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom("twice"));
            }
            branch.0.push(Entry::Value(key, entries.next_value_seed(ValueSeed)?));
        }
        Ok(Value::Map(branch))
    }
}

/// An integer where it fits 64 bits, else a finite number.
fn number(text: &str) -> Option<Value> {
    let float = || text.parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Float);
    text.parse().ok().map(Value::Int).or_else(float)
}

/// Writes an object, indented by tabs. Comments have no place in it.
pub(super) fn write(branch: &Branch) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    write_branch(branch, 1, &mut out)?;
    out.push(b'\n');
    Ok(out)
}

fn new_line(level: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.resize(out.len() + level, b'\t');
}

fn write_branch(branch: &Branch, level: usize, out: &mut Vec<u8>) -> Result<(), String> {
    out.push(b'{');
    let mut is_empty = true;
    for (key, value) in branch.values() {
        if !is_empty {
            out.push(b',');
        }
        is_empty = false;
        new_line(level, out);
        leaf(&hydrate_gotmpl::Value::str(key), out)?;
        out.extend(b": ");
        write_value(value, level, out)?;
    }
    if !is_empty {
        new_line(level - 1, out);
    }
    out.push(b'}');
    Ok(())
}

fn write_list(items: &[Item], level: usize, out: &mut Vec<u8>) -> Result<(), String> {
    out.push(b'[');
    let mut is_empty = true;
    for item in items {
        let Item::Value(value) = item else { continue };
        if !is_empty {
            out.push(b',');
        }
        is_empty = false;
        new_line(level, out);
        write_value(value, level, out)?;
    }
    if !is_empty {
        new_line(level - 1, out);
    }
    out.push(b']');
    Ok(())
}

fn write_value(value: &Value, level: usize, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Map(branch) => write_branch(branch, level + 1, out),
        Value::List(items) => write_list(items, level + 1, out),
        Value::Null => leaf(&hydrate_gotmpl::Value::Nil, out),
        Value::Bool(value) => leaf(&hydrate_gotmpl::Value::Bool(*value), out),
        Value::Int(value) => leaf(&hydrate_gotmpl::Value::Int(*value), out),
        Value::Float(value) => leaf(&hydrate_gotmpl::Value::Float64(*value), out),
        Value::Text(text) => leaf(&hydrate_gotmpl::Value::str(text.as_slice()), out),
        Value::Time(text) => leaf(&hydrate_gotmpl::Value::str(text.as_str()), out),
    }
}

/// Go's `json.Marshal`.
fn leaf(value: &hydrate_gotmpl::Value, out: &mut Vec<u8>) -> Result<(), String> {
    out.extend(to_json(value, GoVersion::default())?);
    Ok(())
}
