//! Types, kinds and deep equality.

use super::args::{self, Out, bytes, kind_name};
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::budget;
use hydrate_gotmpl::{List, Map, Rare, Value};

/// `typeOf VALUE`.
pub(crate) fn type_of(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(args::any(args, 0).type_name()))
}

/// `typeIs NAME VALUE`.
pub(crate) fn type_is(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(args::any(args, 1).type_name().as_bytes() == bytes(args, 0)))
}

/// `typeIsLike NAME VALUE`: also true for a pointer to the type.
pub(crate) fn type_is_like(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (name, wanted) = (args::any(args, 1).type_name().as_bytes(), bytes(args, 0));
    Ok(Value::Bool(name == wanted || name.strip_prefix(b"*") == Some(wanted)))
}

/// `kindOf VALUE`.
pub(crate) fn kind_of(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(kind_name(args::any(args, 0).kind())))
}

/// `kindIs NAME VALUE`.
pub(crate) fn kind_is(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(kind_name(args::any(args, 1).kind()).as_bytes() == bytes(args, 0)))
}

/// `deepEqual ONE OTHER`.
pub(crate) fn deep_equals(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(deep_equal(args::any(args, 0), args::any(args, 1))))
}

/// Values nested deeper than this are taken for equal, as Go does where a value contains itself.
const DEEPEST: usize = 10_000;

/// Go's `reflect.DeepEqual`: the same types all the way down, and the same values.
pub(crate) fn deep_equal(one: &Value, other: &Value) -> bool {
    equal(one, other, 0)
}

fn equal(one: &Value, other: &Value, depth: usize) -> bool {
    if depth > DEEPEST || !budget::spend(1) {
        return true;
    }
    match (one, other) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Int(one), Value::Int(other)) | (Value::Int64(one), Value::Int64(other)) => one == other,
        (Value::Float64(one), Value::Float64(other)) => one == other,
        (Value::Str(one), Value::Str(other)) => one == other,
        (Value::List(one), Value::List(other)) => equal_lists(one, other, depth),
        (Value::Map(one), Value::Map(other)) => equal_maps(one, other, depth),
        (Value::Rare(one), Value::Rare(other)) => std::rc::Rc::ptr_eq(one, other) || equal_rare(one, other, depth),
        _ => false,
    }
}

fn equal_lists(one: &List, other: &List, depth: usize) -> bool {
    if one.type_name() != other.type_name() || one.is_nil() != other.is_nil() || one.len() != other.len() {
        return false;
    }
    one.same(other) || one.items().iter().zip(other.items().iter()).all(|(one, other)| equal(one, other, depth + 1))
}

fn equal_maps(one: &Map, other: &Map, depth: usize) -> bool {
    if one.type_name() != other.type_name() || one.is_nil() != other.is_nil() || one.len() != other.len() {
        return false;
    }
    let same = |(one, other): ((&_, &Value), (&_, &Value))| one.0 == other.0 && equal(one.1, other.1, depth + 1);
    one.same(other) || one.entries().iter().zip(other.entries().iter()).all(same)
}

fn equal_rare(one: &Rare, other: &Rare, depth: usize) -> bool {
    match (one, other) {
        (Rare::Integer(name, _, one), Rare::Integer(other_name, _, other)) => name == other_name && one == other,
        (Rare::Float32(one), Rare::Float32(other)) => one == other,
        (Rare::Bytes(one), Rare::Bytes(other)) => one == other,
        (Rare::Time(one), Rare::Time(other)) => one == other && one.time_zone() == other.time_zone(),
        (Rare::Error(one), Rare::Error(other)) => one == other,
        (Rare::NilPointer(one), Rare::NilPointer(other)) => one == other,
        (Rare::Object(one), Rare::Object(other)) => {
            std::rc::Rc::ptr_eq(one, other) || one.type_name() == other.type_name() && equal(&one.encoded(), &other.encoded(), depth + 1)
        }
        _ => false,
    }
}
