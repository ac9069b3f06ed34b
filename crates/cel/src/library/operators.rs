//! Operators: numbers that do not overflow in silence, order, membership.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::ast::op;
use crate::time;
use crate::value::{EvalError, Key, List, ListKind, Out, Value, contains, same_keys};

use super::Function;

pub(crate) const TABLE: &[(&str, Function)] = &[
    (op::ADD, add),
    ("_-_", subtract),
    ("_*_", multiply),
    ("_/_", divide),
    ("_%_", modulo),
    (op::NEGATE, negate),
    (op::NOT, not),
    ("_<_", |args| order(args, |order| order == Ordering::Less)),
    ("_<=_", |args| order(args, |order| order != Ordering::Greater)),
    ("_>_", |args| order(args, |order| order == Ordering::Greater)),
    ("_>=_", |args| order(args, |order| order != Ordering::Less)),
    (op::EQUAL, |args| equal(args, true)),
    (op::NOT_EQUAL, |args| equal(args, false)),
    (op::IN, is_in),
    ("in", is_in),
    (op::INDEX, index),
    ("size", size),
    ("type", |args| match args {
        [value] => Some(Ok(Value::Type(Arc::from(value.type_name())))),
        _ => None,
    }),
    ("dyn", |args| args.first().cloned().map(Ok)),
];

fn overflow<T>(of: Option<T>, value: impl Fn(T) -> Value, says: &str) -> Option<Out> {
    Some(of.map(value).ok_or_else(|| EvalError::new(says)))
}

const INT: &str = "integer overflow";
const UINT: &str = "unsigned integer overflow";

fn add(args: &[Value]) -> Option<Out> {
    match args {
        [Value::Int(a), Value::Int(b)] => overflow(a.checked_add(*b), Value::Int, INT),
        [Value::Uint(a), Value::Uint(b)] => overflow(a.checked_add(*b), Value::Uint, UINT),
        [Value::Double(a), Value::Double(b)] => Some(Ok(Value::Double(a + b))),
        [Value::String(a), Value::String(b)] => Some(Ok(Value::String(format!("{a}{b}").into()))),
        [Value::Bytes(a), Value::Bytes(b)] => Some(Ok(Value::Bytes([a.as_ref(), b.as_ref()].concat().into()))),
        [Value::Duration(a), Value::Duration(b)] => overflow(a.checked_add(*b), Value::Duration, INT),
        [Value::Timestamp(moment), Value::Duration(nanos)] | [Value::Duration(nanos), Value::Timestamp(moment)] => {
            Some(time::later(*moment, *nanos).map(Value::Timestamp))
        }
        [Value::List(a), Value::List(b)] => Some(Ok(joined(a, b))),
        _ => None,
    }
}

fn joined(a: &List, b: &List) -> Value {
    let mut items = a.items.clone();
    match &a.kind {
        ListKind::Atomic => {
            items.extend(b.items.iter().cloned());
            return Value::list(items);
        }
        ListKind::Set => {
            for item in &b.items {
                if !contains(&items, item).unwrap_or(false) {
                    items.push(item.clone());
                }
            }
        }
        ListKind::Map(keys) => {
            for item in &b.items {
                match items.iter_mut().find(|known| same_keys(known, item, keys)) {
                    Some(known) => *known = item.clone(),
                    None => items.push(item.clone()),
                }
            }
        }
    }
    Value::List(Arc::new(List { items, kind: a.kind.clone() }))
}

fn subtract(args: &[Value]) -> Option<Out> {
    match args {
        [Value::Int(a), Value::Int(b)] => overflow(a.checked_sub(*b), Value::Int, INT),
        [Value::Uint(a), Value::Uint(b)] => overflow(a.checked_sub(*b), Value::Uint, UINT),
        [Value::Double(a), Value::Double(b)] => Some(Ok(Value::Double(a - b))),
        [Value::Duration(a), Value::Duration(b)] => overflow(a.checked_sub(*b), Value::Duration, INT),
        [Value::Timestamp(a), Value::Timestamp(b)] => Some(time::between(*a, *b).map(Value::Duration)),
        [Value::Timestamp(moment), Value::Duration(nanos)] => Some(match nanos.checked_neg() {
            Some(back) => time::later(*moment, back).map(Value::Timestamp),
            None => Err(EvalError::new(INT)),
        }),
        _ => None,
    }
}

fn multiply(args: &[Value]) -> Option<Out> {
    match args {
        [Value::Int(a), Value::Int(b)] => overflow(a.checked_mul(*b), Value::Int, INT),
        [Value::Uint(a), Value::Uint(b)] => overflow(a.checked_mul(*b), Value::Uint, UINT),
        [Value::Double(a), Value::Double(b)] => Some(Ok(Value::Double(a * b))),
        _ => None,
    }
}

fn divide(args: &[Value]) -> Option<Out> {
    match args {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => Some(Err(EvalError::new("division by zero"))),
        [Value::Int(a), Value::Int(b)] => overflow(a.checked_div(*b), Value::Int, INT),
        [Value::Uint(a), Value::Uint(b)] => overflow(a.checked_div(*b), Value::Uint, UINT),
        [Value::Double(a), Value::Double(b)] => Some(Ok(Value::Double(a / b))),
        _ => None,
    }
}

fn modulo(args: &[Value]) -> Option<Out> {
    match args {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => Some(Err(EvalError::new("modulus by zero"))),
        [Value::Int(a), Value::Int(b)] => overflow(a.checked_rem(*b), Value::Int, INT),
        [Value::Uint(a), Value::Uint(b)] => overflow(a.checked_rem(*b), Value::Uint, UINT),
        _ => None,
    }
}

fn negate(args: &[Value]) -> Option<Out> {
    match args {
        [Value::Int(number)] => overflow(number.checked_neg(), Value::Int, INT),
        [Value::Double(number)] => Some(Ok(Value::Double(-number))),
        _ => None,
    }
}

fn not(args: &[Value]) -> Option<Out> {
    match args {
        [Value::Bool(value)] => Some(Ok(Value::Bool(!value))),
        _ => None,
    }
}

fn order(args: &[Value], wanted: impl Fn(Ordering) -> bool) -> Option<Out> {
    match args {
        [a, b] => Some(a.compare(b).map(|order| Value::Bool(wanted(order)))),
        _ => None,
    }
}

fn equal(args: &[Value], wanted: bool) -> Option<Out> {
    match args {
        [a, b] => Some(a.equals(b).map(|same| Value::Bool(same == wanted))),
        _ => None,
    }
}

fn is_in(args: &[Value]) -> Option<Out> {
    match args {
        [value, Value::List(list)] => Some(contains(&list.items, value).map(Value::Bool)),
        [value, Value::Map(map)] => Some(Ok(Value::Bool(Key::of(value).is_some_and(|key| map.get(&key).is_some())))),
        _ => None,
    }
}

/// A value at a key or a position.
pub(crate) fn index(args: &[Value]) -> Option<Out> {
    match args {
        [Value::List(list), at] => Some(item(&list.items, at)),
        [Value::Map(map), key] => {
            let found = Key::of(key).and_then(|key| map.get(&key).cloned());
            Some(found.ok_or_else(|| EvalError::new(format!("no such key: {}", plain(key)))).and_then(Value::checked))
        }
        _ => None,
    }
}

fn item(items: &[Value], at: &Value) -> Out {
    let number = match at {
        Value::Int(number) => Some(*number),
        Value::Uint(number) => i64::try_from(*number).ok(),
        Value::Double(number) if number.fract() == 0.0 && number.abs() < 9e18 => Some(*number as i64),
        _ => None,
    };
    let number = number.ok_or_else(|| EvalError::new(format!("unsupported index type '{}' in list", at.type_name())))?;
    let found = usize::try_from(number).ok().and_then(|number| items.get(number)).cloned();
    found.ok_or_else(|| EvalError::new(format!("index out of bounds: {number}"))).and_then(Value::checked)
}

/// A key as errors show it.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Double(number) => crate::text::general(*number),
        other => other.type_name().to_owned(),
    }
}

fn size(args: &[Value]) -> Option<Out> {
    let size = args.first()?.size()?;
    Some(Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX))))
}
