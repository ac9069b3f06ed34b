//! Reading arguments, and the errors that Go's runtime would raise.
//!
//! The executor has checked every argument against the table, so the readers below need not report a wrong type;
//! they answer with the zero value of the type, which no checked call ever sees.

use hydrate_gotmpl::budget;
use hydrate_gotmpl::{Failure, Kind, List, Map, Rare, Str, Value};

/// What a function of the table gives.
pub(super) type Out = Result<Value, Failure>;

/// The text of Go's nil pointer panic, which `reflect.TypeOf(nil).Kind()` raises.
pub(super) const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

/// No function makes a string or list of more bytes than this; Go would exhaust the memory instead.
const LARGEST: usize = 256 << 20;

/// How many bytes a function's result may have.
pub(super) fn largest() -> usize {
    budget::room(LARGEST)
}

/// An argument of any type.
pub(super) fn any(args: &[Value], at: usize) -> &Value {
    args.get(at).unwrap_or(&Value::Nil)
}

/// The arguments from `at` on.
pub(super) fn rest(args: &[Value], at: usize) -> &[Value] {
    args.get(at..).unwrap_or_default()
}

/// A `string` argument.
pub(super) fn bytes(args: &[Value], at: usize) -> &[u8] {
    match any(args, at) {
        Value::Str(text) => text.as_bytes(),
        _ => b"",
    }
}

/// A `string` argument as the shared text.
pub(super) fn text(args: &[Value], at: usize) -> Str {
    match any(args, at) {
        Value::Str(text) => text.clone(),
        _ => Str::from(""),
    }
}

/// A `string` argument with U+FFFD for what is not UTF-8.
pub(super) fn lossy(args: &[Value], at: usize) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes(args, at))
}

/// An `int`, `int64` or other integer argument.
pub(super) fn int(args: &[Value], at: usize) -> i64 {
    match any(args, at) {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Rare(rare) => match &**rare {
            Rare::Integer(_, _, number) => i64::try_from(*number).unwrap_or_default(),
            _ => 0,
        },
        _ => 0,
    }
}

/// A `bool` argument.
pub(super) fn bool(args: &[Value], at: usize) -> bool {
    matches!(any(args, at), Value::Bool(true))
}

/// A `map[string]interface {}` argument.
pub(super) fn map(args: &[Value], at: usize) -> Map {
    as_map(any(args, at)).unwrap_or_else(|| Map::nil("map[string]interface {}"))
}

/// The map behind a value, where there is one.
pub(super) fn as_map(value: &Value) -> Option<Map> {
    match value {
        Value::Map(map) => Some(map.clone()),
        Value::Rare(rare) => match &**rare {
            Rare::Object(object) if object.kind() == Kind::Map => match object.encoded() {
                Value::Map(map) => Some(map),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The elements of a slice of any type; `None` for what is no slice.
pub(super) fn elements(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(list) => Some(list.items().clone()),
        Value::Rare(rare) => match &**rare {
            Rare::Bytes(bytes) => Some(bytes.iter().map(|byte| integer("uint8", Kind::Uint8, i128::from(*byte))).collect()),
            Rare::Object(object) if object.kind() == Kind::Slice => elements(&object.encoded()),
            _ => None,
        },
        _ => None,
    }
}

/// An integer of a seldom-met type.
pub(super) fn integer(name: &'static str, kind: Kind, number: i128) -> Value {
    Value::Rare(std::rc::Rc::new(Rare::Integer(name, kind, number)))
}

/// A `string` result.
pub(super) fn string(bytes: impl Into<Vec<u8>>) -> Out {
    Ok(Value::Str(Str::from(bytes.into())))
}

/// A `[]interface {}` result.
pub(super) fn list(items: Vec<Value>) -> Out {
    Ok(Value::List(List::new(items)))
}

/// A nil `[]interface {}`.
pub(super) fn nil_list() -> Out {
    Ok(Value::List(List::nil("[]interface {}")))
}

/// Go's name of a kind, as `reflect.Kind.String` gives it.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "invalid",
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Int8 => "int8",
        Kind::Int16 => "int16",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Uint => "uint",
        Kind::Uint8 => "uint8",
        Kind::Uint16 => "uint16",
        Kind::Uint32 => "uint32",
        Kind::Uint64 => "uint64",
        Kind::Float32 => "float32",
        Kind::Float64 => "float64",
        Kind::Complex128 => "complex128",
        Kind::Func => "func",
        Kind::Interface => "interface",
        Kind::Map => "map",
        Kind::Ptr => "ptr",
        Kind::Slice => "slice",
        Kind::String => "string",
        Kind::Struct => "struct",
    }
}

/// The panic of `text[start:end]` where `start` lies behind `end`, or either outside of the text.
pub(super) fn slice(text: &[u8], start: Option<i64>, end: Option<i64>) -> Result<&[u8], Failure> {
    let length = text.len();
    let stop = match end {
        None => length,
        Some(end) if end < 0 => return Err(format!("runtime error: slice bounds out of range [:{end}]").into()),
        Some(end) => match usize::try_from(end).ok().filter(|end| *end <= length) {
            Some(end) => end,
            None => return Err(format!("runtime error: slice bounds out of range [:{end}] with length {length}").into()),
        },
    };
    let Some(start) = start else { return Ok(text.get(..stop).unwrap_or_default()) };
    if start < 0 {
        return Err(format!("runtime error: slice bounds out of range [{start}:]").into());
    }
    match usize::try_from(start).ok().and_then(|start| text.get(start..stop)) {
        Some(part) => Ok(part),
        None => Err(format!("runtime error: slice bounds out of range [{start}:{stop}]").into()),
    }
}

/// The error for a result that would not fit into memory.
pub(super) fn too_large(what: &str) -> Failure {
    if largest() < LARGEST {
        // The result is not too large by itself but with all others, which the executor puts into words.
        budget::overdraw();
    }
    Failure::Message(format!("{what}: the result would be larger than {} MiB", LARGEST >> 20))
}
