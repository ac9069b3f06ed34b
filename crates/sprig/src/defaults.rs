//! Defaults, emptiness and choice.

use super::args::{self, Out};
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Kind, Rare, Value};

/// Whether a value is the zero value of its type; a struct never is.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(yes) => !yes,
        Value::Int(number) | Value::Int64(number) => *number == 0,
        Value::Float64(number) => *number == 0.0,
        Value::Str(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Rare(rare) => is_empty_rare(rare),
    }
}

fn is_empty_rare(rare: &Rare) -> bool {
    match rare {
        Rare::Integer(_, _, number) => *number == 0,
        Rare::Float32(number) => *number == 0.0,
        Rare::Bytes(bytes) => bytes.is_empty(),
        Rare::Time(_) | Rare::Error(_) => false,
        Rare::NilPointer(_) => true,
        Rare::Object(object) => matches!(object.kind(), Kind::Map | Kind::Slice) && is_empty(&object.encoded()),
    }
}

/// `default OTHER VALUE`: the value unless it is empty.
pub(crate) fn default(_: &mut Vm<'_>, args: &[Value]) -> Out {
    match args.get(1) {
        Some(given) if !is_empty(given) => Ok(given.clone()),
        _ => Ok(args::any(args, 0).clone()),
    }
}

/// `empty VALUE`.
pub(crate) fn empty(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(is_empty(args::any(args, 0))))
}

/// `coalesce VALUE…`: the first that is not empty.
pub(crate) fn coalesce(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(args.iter().find(|value| !is_empty(value)).cloned().unwrap_or_default())
}

/// `all VALUE…`: whether none is empty.
pub(crate) fn all(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(!args.iter().any(is_empty)))
}

/// `any VALUE…`: whether one is not empty.
pub(crate) fn any(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(!args.iter().all(is_empty)))
}

/// `ternary YES NO CONDITION`.
pub(crate) fn ternary(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(args::any(args, usize::from(!args::bool(args, 2))).clone())
}
