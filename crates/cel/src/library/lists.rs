//! Lists and sets: Kubernetes' own functions and cel-go's.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::ast::op;
use crate::value::{EvalError, Key, Map, Out, Value, contains};

use super::Function;
use super::strings::position;

pub(crate) const TABLE: &[(&str, Function)] = &[
    ("isSorted", is_sorted),
    ("sum", sum),
    ("min", |args| extreme(args, "min", Ordering::Greater)),
    ("max", |args| extreme(args, "max", Ordering::Less)),
    ("indexOf", |args| index_of(args, false)),
    ("lastIndexOf", |args| index_of(args, true)),
    ("includes", includes),
    ("sets.contains", |args| sets(args, holds_all)),
    ("sets.equivalent", |args| sets(args, |a, b| Ok(holds_all(a, b)? && holds_all(b, a)?))),
    ("sets.intersects", |args| sets(args, |a, b| Ok(a.iter().any(|item| contains(b, item).unwrap_or(false))))),
    ("slice", slice),
    ("flatten", flatten),
    ("sort", |args| match args {
        [Value::List(list)] => Some(sorted(&list.items, &list.items)),
        _ => None,
    }),
    (op::SORT_BY, |args| match args {
        [Value::List(list), Value::List(keys)] => Some(sorted(&list.items, &keys.items)),
        _ => None,
    }),
    ("lists.range", range),
    ("reverse", |args| items(args).map(|items| Ok(Value::list(items.iter().rev().cloned().collect())))),
    ("distinct", distinct),
    ("first", |args| items(args).map(|items| Ok(Value::Optional(items.first().cloned().map(Arc::new))))),
    ("last", |args| items(args).map(|items| Ok(Value::Optional(items.last().cloned().map(Arc::new))))),
    ("optional.unwrap", unwrap),
    ("unwrapOpt", unwrap),
    (op::MAP_INSERT, insert),
];

fn items(args: &[Value]) -> Option<&[Value]> {
    match args {
        [Value::List(list)] => Some(&list.items),
        _ => None,
    }
}

fn is_sorted(args: &[Value]) -> Option<Out> {
    let items = items(args)?;
    for pair in items.windows(2) {
        match pair[0].compare(&pair[1]) {
            Ok(Ordering::Greater) => return Some(Ok(Value::Bool(false))),
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(Value::Bool(true)))
}

/// The sum; that of nothing is the zero of a type that only the checker knows, and is given by `zero`.
fn sum(args: &[Value]) -> Option<Out> {
    let items = items(args)?;
    let mut all = items.iter().cloned();
    let Some(mut total) = all.next() else { return Some(Ok(Value::Int(0))) };
    for item in all {
        match super::operators::TABLE.iter().find(|(name, _)| *name == op::ADD).and_then(|(_, add)| add(&[total, item])) {
            Some(Ok(more)) => total = more,
            Some(Err(error)) => return Some(Err(error)),
            None => return None,
        }
    }
    matches!(total, Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Duration(_)).then_some(Ok(total))
}

/// What the sum of no items is, by the overload that was found.
pub(crate) fn zero(overload: &str) -> Value {
    match overload {
        "list_uint_sum_uint" => Value::Uint(0),
        "list_double_sum_double" => Value::Double(0.0),
        "list_duration_sum_duration" => Value::Duration(0),
        _ => Value::Int(0),
    }
}

fn extreme(args: &[Value], name: &str, replaces: Ordering) -> Option<Out> {
    let items = items(args)?;
    let Some(mut found) = items.first() else { return Some(Err(EvalError::new(format!("{name} called on empty list")))) };
    for item in &items[1..] {
        match found.compare(item) {
            Ok(order) if order == replaces => found = item,
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(found.clone()))
}

fn index_of(args: &[Value], last: bool) -> Option<Out> {
    let [Value::List(list), wanted] = args else { return position(args, last) };
    let is_it = |item: &Value| item.equals(wanted).unwrap_or(false);
    let found = if last { list.items.iter().rposition(is_it) } else { list.items.iter().position(is_it) };
    Some(Ok(Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))))
}

fn includes(args: &[Value]) -> Option<Out> {
    let found = match args {
        [Value::List(list), wanted] => list.items.iter().any(|item| item.equals(wanted).unwrap_or(false)),
        [value, wanted] => value.equals(wanted).unwrap_or(false),
        _ => return None,
    };
    Some(Ok(Value::Bool(found)))
}

fn sets(args: &[Value], of: impl Fn(&[Value], &[Value]) -> Result<bool, EvalError>) -> Option<Out> {
    match args {
        [Value::List(a), Value::List(b)] => Some(of(&a.items, &b.items).map(Value::Bool)),
        _ => None,
    }
}

fn holds_all(all: &[Value], wanted: &[Value]) -> Result<bool, EvalError> {
    for one in wanted {
        if !contains(all, one)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn slice(args: &[Value]) -> Option<Out> {
    let [Value::List(list), Value::Int(start), Value::Int(end)] = args else { return None };
    let wrong = |why: String| Some(Err(EvalError::new(format!("cannot slice({start}, {end}), {why}"))));
    let length = list.items.len();
    let (Ok(first), Ok(last)) = (usize::try_from(*start), usize::try_from(*end)) else {
        return wrong("negative indexes not supported".to_owned());
    };
    if first > last {
        return wrong("start index must be less than or equal to end index".to_owned());
    }
    match list.items.get(first..last) {
        Some(items) => Some(Ok(Value::list(items.to_vec()))),
        None => wrong(format!("list is length {length}")),
    }
}

fn flatten(args: &[Value]) -> Option<Out> {
    let (list, depth) = match args {
        [Value::List(list)] => (list, 1),
        [Value::List(list), Value::Int(depth)] => (list, *depth),
        _ => return None,
    };
    if depth < 0 {
        return Some(Err(EvalError::new("level must be non-negative")));
    }
    let mut flat = Vec::new();
    flatten_into(&list.items, depth, &mut flat);
    Some(Ok(Value::list(flat)))
}

fn flatten_into(items: &[Value], depth: i64, out: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::List(inner) if depth > 0 => flatten_into(&inner.items, depth - 1, out),
            other => out.push(other.clone()),
        }
    }
}

fn sorted(items: &[Value], keys: &[Value]) -> Out {
    if items.len() != keys.len() {
        let says = "@sortByAssociatedKeys() expected a list of the same size as the associated keys list";
        return Err(EvalError::new(format!("{says}, but got {} and {} elements respectively", items.len(), keys.len())));
    }
    if let Some(first) = keys.first() {
        if first.compare(first).is_err() && !matches!(first, Value::Double(_)) {
            return Err(EvalError::new("list elements must be comparable"));
        }
        if keys.iter().any(|key| key.type_name() != first.type_name()) {
            return Err(EvalError::new("list elements must have the same type"));
        }
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| keys[*a].compare(&keys[*b]).unwrap_or(Ordering::Equal));
    Ok(Value::list(order.into_iter().map(|at| items[at].clone()).collect()))
}

/// More numbers than this are not made: they would cost more than any limit.
const LONGEST_RANGE: i64 = 10_000_000;

fn range(args: &[Value]) -> Option<Out> {
    let [Value::Int(end)] = args else { return None };
    Some(match *end {
        end if end < 0 => Err(EvalError::new(format!("lists.range: size must be non-negative, got {end}"))),
        end if end > LONGEST_RANGE => Err(EvalError::CostLimit),
        end => Ok(Value::list((0..end).map(Value::Int).collect())),
    })
}

fn distinct(args: &[Value]) -> Option<Out> {
    let mut kept: Vec<Value> = Vec::new();
    for item in items(args)? {
        if !kept.iter().any(|known| known.equals(item).unwrap_or(false)) {
            kept.push(item.clone());
        }
    }
    Some(Ok(Value::list(kept)))
}

fn unwrap(args: &[Value]) -> Option<Out> {
    let mut kept = Vec::new();
    for item in items(args)? {
        match item {
            Value::Optional(Some(value)) => kept.push((**value).clone()),
            Value::Optional(None) => {}
            other => return Some(Err(EvalError::new(format!("value {} is not optional", super::operators::plain(other))))),
        }
    }
    Some(Ok(Value::list(kept)))
}

fn insert(args: &[Value]) -> Option<Out> {
    let (map, new) = match args {
        [Value::Map(map), Value::Map(more)] => (map, more.entries.iter().map(|(key, value)| (key.value(), value.clone())).collect()),
        [Value::Map(map), key, value] => (map, vec![(key.clone(), value.clone())]),
        _ => return None,
    };
    let mut entries = map.entries.clone();
    for (key, value) in new {
        let Some(found) = Key::of(&key) else { return Some(Err(EvalError::new("unsupported key type"))) };
        if map.get(&found).is_some() || entries.contains_key(&found) {
            return Some(Err(EvalError::new(format!("insert failed: key {} already exists", super::operators::plain(&key)))));
        }
        entries.insert(found, value);
    }
    Some(Ok(Value::Map(Arc::new(Map { entries, ..Map::default() }))))
}
