//! Access to the fields of structs, which are maps of what was written.

use hydrate_gotmpl::{List, Map, Value};

/// A text; empty where there is none.
pub(crate) fn text(map: &Map, name: &str) -> String {
    match map.get(name.as_bytes()) {
        Some(Value::Str(text)) => text.to_str_lossy().into_owned(),
        _ => String::new(),
    }
}

/// A text that is not empty.
pub(crate) fn some_text(map: &Map, name: &str) -> Option<String> {
    Some(text(map, name)).filter(|text| !text.is_empty())
}

/// A boolean; false where there is none.
pub(crate) fn flag(map: &Map, name: &str) -> bool {
    optional_flag(map, name).unwrap_or(false)
}

/// A boolean, where there is one.
pub(crate) fn optional_flag(map: &Map, name: &str) -> Option<bool> {
    match map.get(name.as_bytes()) {
        Some(Value::Bool(value)) => Some(value),
        _ => None,
    }
}

/// The items of a list; none where there is no list.
pub(crate) fn list(map: &Map, name: &str) -> Vec<Value> {
    match map.get(name.as_bytes()) {
        Some(Value::List(list)) => list.items().clone(),
        _ => Vec::new(),
    }
}

/// The texts of a list.
pub(crate) fn texts(map: &Map, name: &str) -> Vec<String> {
    list(map, name).iter().filter_map(as_text).collect()
}

/// The maps of a list.
pub(crate) fn maps(map: &Map, name: &str) -> Vec<Map> {
    list(map, name).into_iter().filter_map(|value| if let Value::Map(map) = value { Some(map) } else { None }).collect()
}

/// A map; an empty one where there is none.
pub(crate) fn map(of: &Map, name: &str) -> Map {
    match of.get(name.as_bytes()) {
        Some(Value::Map(map)) => map,
        _ => Map::new(),
    }
}

/// The text that a value is.
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.to_str_lossy().into_owned()),
        _ => None,
    }
}

/// A map of its own with the same entries.
pub(crate) fn shallow(map: &Map) -> Map {
    Map::typed(map.type_name(), map.entries().clone())
}

/// A value of its own, all the way down.
pub(crate) fn deep(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(deep_map(map)),
        Value::List(list) => Value::List(List::typed(list.type_name(), list.items().iter().map(deep).collect())),
        other => other.clone(),
    }
}

/// The same for a map.
pub(crate) fn deep_map(map: &Map) -> Map {
    Map::typed(map.type_name(), map.entries().map_values(deep))
}

/// The texts of a list without white space around them, and without those that are nothing else.
pub(crate) fn trimmed_texts(value: &Value) -> Value {
    let Value::List(list) = value else { return value.clone() };
    let texts = list.items().iter().filter_map(as_text).map(|text| text.trim().to_owned()).collect::<Vec<_>>();
    Value::List(List::new(texts.into_iter().filter(|text| !text.is_empty()).map(Value::str).collect()))
}

/// Whether two values are the same, all the way down.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Map(left), Value::Map(right)) => {
            let (left, right) = (left.entries(), right.entries());
            left.len() == right.len() && left.iter().zip(right.iter()).all(|((a, x), (b, y))| a == b && same(x, y))
        }
        (Value::List(left), Value::List(right)) => {
            let (left, right) = (left.items(), right.items());
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(x, y)| same(x, y))
        }
        _ => left.type_name() == right.type_name() && hydrate_gotmpl::fmt::to_bytes(left) == hydrate_gotmpl::fmt::to_bytes(right),
    }
}

/// Whether a value is the zero value of its type: what mergo takes for empty, and `omitempty` leaves out.
pub(crate) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Int(number) | Value::Int64(number) => *number == 0,
        Value::Float64(number) => *number == 0.0,
        other => other.is_empty(),
    }
}
