//! The type of `.Values`: a map with methods (`pkg/chart/common/values.go`).

use hydrate_chart::Level;
use hydrate_gotmpl::{Failure, Function, Param};
use hydrate_gotmpl::{Map, Value};
use hydrate_gotmpl::{Vm, encode, fmt};

type Out = Result<Value, Failure>;

/// The type of `.Values`, of `.Template` and of the dot of templates.
pub(super) fn type_name(level: Level) -> &'static &'static str {
    match level {
        Level::V3 => &"chartutil.Values",
        Level::V4 => &"common.Values",
    }
}

/// What templates may call on it.
pub(super) static METHODS: &[Function] = &[
    method("AsMap", &[], as_map),
    method("Encode", &[Param::Named("io.Writer")], encode_to),
    method("PathValue", &[Param::String], path_value),
    method("Table", &[Param::String], table),
    method("YAML", &[], yaml),
];

const fn method(name: &'static str, params: &'static [Param], run: fn(&mut Vm<'_>, &[Value]) -> Out) -> Function {
    Function { name, params, variadic: false, run }
}

fn receiver(args: &[Value]) -> Map {
    match args.first() {
        Some(Value::Map(map)) => map.clone(),
        _ => Map::new(),
    }
}

fn path(args: &[Value]) -> &[u8] {
    match args.get(1) {
        Some(Value::Str(path)) => path.as_bytes(),
        _ => b"",
    }
}

/// `.AsMap`: the map without its methods; of an empty one a new one.
fn as_map(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let values = receiver(args);
    Ok(Value::Map(if values.is_empty() { Map::new() } else { values.unnamed() }))
}

/// `.YAML`: with its final line break.
fn yaml(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(encode::to_yaml(&Value::Map(receiver(args)))?))
}

/// `.Encode WRITER`: no template has a writer to give.
fn encode_to(_: &mut Vm<'_>, _: &[Value]) -> Out {
    Err("there is nothing to write to".into())
}

/// `.Table "a.b"`: the map below that path, with the same methods.
fn table(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let values = receiver(args);
    let mut parts = path(args).split(|byte| *byte == b'.');
    let found = parts.try_fold(values, |table, part| below(&table, part));
    Ok(Value::Map(found.map_err(|part| format!("{} is not a table", fmt::quote(part)))?))
}

/// The map in a map, as the type that the outer one has.
fn below<'p>(values: &Map, part: &'p [u8]) -> Result<Map, &'p [u8]> {
    match values.get(part) {
        Some(Value::Map(inner)) if inner.has_interface_elements() => Ok(inner.typed_as(values)),
        _ => Err(part),
    }
}

/// `.PathValue "a.b"`: what is there, if it is no map.
fn path_value(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let path = path(args);
    if path.is_empty() {
        return Err("YAML path cannot be empty".into());
    }
    let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'.').collect();
    let key = parts.pop().unwrap_or_default();
    let table = parts.iter().try_fold(receiver(args), |table, part| below(&table, part).ok());
    match table.and_then(|table| table.get(key)) {
        Some(value) if !is_table(&value) => Ok(value),
        _ => Err(format!("{} is not a value", fmt::quote(key)).into()),
    }
}

fn is_table(value: &Value) -> bool {
    matches!(value, Value::Map(map) if map.type_name() == "map[string]interface {}")
}
