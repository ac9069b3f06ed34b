//! Structs as `helmfile build` prints them: keys in the order of the struct, empty ones left out.

use std::any::Any;

use hydrate_gotmpl::{Kind, List, Map, Object, Value};

use super::{Field, FieldKind, Struct};
use crate::{Version, record};

/// A struct for the encoder.
pub(crate) fn printable(map: &Map, of: &'static Struct, version: Version) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    for field in of.fields.iter().filter(|field| field.is_known(version)) {
        let value = map.get(field.name.as_bytes());
        if let Some(value) = printed(value, field.kind, field.always, version) {
            fields.push((field.name, value));
        }
    }
    fields
}

fn printed(value: Option<Value>, kind: FieldKind, always: bool, version: Version) -> Option<Value> {
    let nested = |value: &Value, of: &'static Struct| match value {
        Value::Map(map) => Value::object(Fields(printable(map, of, version))),
        other => other.clone(),
    };
    match kind {
        FieldKind::Ignored => None,
        FieldKind::OptionalText | FieldKind::OptionalFlag | FieldKind::OptionalInt | FieldKind::OptionalFloat => value,
        FieldKind::Struct(of) => {
            let fields = printable(&as_map(value.as_ref()), of, version);
            // A struct is left out where all of its fields are empty, those included that are always printed in it.
            let is_empty = value.as_ref().is_none_or(|value| of.fields.iter().all(|field| is_empty(value, field)));
            (always || !is_empty).then(|| Value::object(Fields(fields)))
        }
        FieldKind::OptionalStruct(of) => value.map(|value| nested(&value, of)),
        _ => {
            let value = value.filter(|value| !record::is_zero(value)).or_else(|| always.then(|| empty(kind)))?;
            Some(match (kind, &value) {
                (FieldKind::List(of), Value::List(list)) => each(list, |item| nested(item, of)),
                (FieldKind::Inherits, Value::List(list)) => each(list, |item| nested(item, &super::tables::INHERIT)),
                (FieldKind::Helmfiles, Value::List(list)) => each(list, |item| nested(item, &super::tables::HELMFILE)),
                (FieldKind::Map(of), Value::Map(map)) => {
                    Value::Map(Map::from_entries(map.entries().iter().map(|(key, value)| (key.clone(), nested(value, of)))))
                }
                _ => value,
            })
        }
    }
}

fn each(list: &List, item: impl Fn(&Value) -> Value) -> Value {
    Value::List(List::new(list.items().iter().map(item).collect()))
}

fn as_map(value: Option<&Value>) -> Map {
    match value {
        Some(Value::Map(map)) => map.clone(),
        _ => Map::new(),
    }
}

/// Whether a field of a struct has Go's zero value; one that can be left out is a pointer, and has it only then.
fn is_empty(value: &Value, field: &Field) -> bool {
    let value = as_map(Some(value)).get(field.name.as_bytes()).filter(|value| !matches!(value, Value::Nil));
    let is_pointer =
        matches!(field.kind, FieldKind::OptionalText | FieldKind::OptionalFlag | FieldKind::OptionalInt | FieldKind::OptionalFloat);
    value.is_none_or(|value| !is_pointer && record::is_zero(&value))
}

/// The zero value of a type.
fn empty(kind: FieldKind) -> Value {
    match kind {
        FieldKind::Flag => Value::Bool(false),
        FieldKind::Int | FieldKind::Duration => Value::Int(0),
        FieldKind::Float => Value::Float64(0.0),
        FieldKind::Texts
        | FieldKind::Values
        | FieldKind::List(_)
        | FieldKind::Inherits
        | FieldKind::DefaultInherit
        | FieldKind::Helmfiles => Value::List(List::new(Vec::new())),
        FieldKind::TextMap | FieldKind::Map(_) => Value::Map(Map::new()),
        _ => Value::str(""),
    }
}

/// A struct whose fields are named as YAML names them, and printed in their order.
pub(crate) struct Fields(pub Vec<(&'static str, Value)>);

impl Object for Fields {
    fn type_name(&self) -> &'static str {
        "struct"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn yaml_entries(&self) -> Option<Vec<(&'static str, Value)>> {
        Some(self.0.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
