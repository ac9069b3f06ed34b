//! Functions of lists, maps and objects.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::value::{Outcome, Type, Value, convert, unify};
use super::{int_at, text_at, value_at};

/// The items of a list or tuple.
fn sequence<'v>(value: &'v Value, what: &str) -> Result<&'v [Value], String> {
    match value {
        Value::List(_, sequence) | Value::Tuple(sequence) => Ok(&sequence.items),
        other => Err(format!("{what} is a {}, and a list or a tuple is required", other.type_of().name())),
    }
}

/// Items as a value of the same kind as another one.
fn like(model: &Value, items: Vec<Value>) -> Outcome {
    match model {
        Value::List(element, _) | Value::Set(element, _) => Value::list(element.clone(), items),
        _ => Value::tuple(items),
    }
}

pub(super) fn length(arguments: &[Value]) -> Outcome {
    match value_at(arguments, 0)? {
        Value::Map(_, table) => Ok(Value::integer(table.entries.len())),
        value => match value.items() {
            Some(items) => Ok(Value::integer(items.len())),
            None => Err(format!("a {} has no length; a list, a map or a tuple is required", value.type_of().name())),
        },
    }
}

/// Indexes go around: the one after the last is the first.
pub(super) fn element(arguments: &[Value]) -> Outcome {
    let items = sequence(value_at(arguments, 0)?, "the value")?;
    let index = int_at(arguments, 1)?;
    if items.is_empty() {
        return Err("an empty list has no element".to_owned());
    }
    let at = index.rem_euclid(items.len() as i64);
    items.get(usize::try_from(at).unwrap_or(0)).cloned().ok_or_else(|| "there is no such element".to_owned())
}

/// The same where indexes below zero are refused.
pub(super) fn element_from_the_start(arguments: &[Value]) -> Outcome {
    if int_at(arguments, 1)? < 0 { Err("the index is negative".to_owned()) } else { element(arguments) }
}

pub(super) fn coalesce(arguments: &[Value]) -> Outcome {
    let types: Vec<Type> = arguments.iter().map(Value::type_of).collect();
    let kind = unify(&types).ok_or("the arguments have no type in common")?;
    let first = arguments.iter().find(|value| !value.is_null()).ok_or("all arguments are null")?;
    convert(first, &kind)
}

pub(super) fn coalescelist(arguments: &[Value]) -> Outcome {
    if arguments.is_empty() {
        return Err("at least one argument is required".to_owned());
    }
    for value in arguments {
        match value {
            Value::List(..) | Value::Tuple(_) | Value::Null(Type::List(_) | Type::Tuple(_)) => {}
            other => return Err(format!("an argument is a {}, and lists or tuples are required", other.type_of().name())),
        }
    }
    let found = arguments.iter().find(|value| value.items().is_some_and(|items| !items.is_empty()));
    found.cloned().ok_or_else(|| "all lists are empty".to_owned())
}

pub(super) fn compact(arguments: &[Value]) -> Outcome {
    let items = value_at(arguments, 0)?.items().unwrap_or_default();
    Value::strings(items.iter().filter(|item| matches!(item, Value::String(text) if !text.is_empty())).cloned())
}

/// Lists of one type stay a list; all else becomes a tuple.
pub(super) fn concat(arguments: &[Value]) -> Outcome {
    if arguments.is_empty() {
        return Err("at least one argument is required".to_owned());
    }
    if arguments.iter().all(|value| matches!(value, Value::List(..)))
        && let Some(kind) = unify(&arguments.iter().map(Value::type_of).collect::<Vec<_>>())
        && let Type::List(element) = &kind
    {
        let mut items = Vec::new();
        for list in arguments {
            items.extend_from_slice(convert(list, &kind)?.items().unwrap_or_default());
        }
        return Value::list(element.as_ref().clone(), items);
    }
    let mut items = Vec::new();
    for list in arguments {
        items.extend_from_slice(sequence(list, "an argument")?);
    }
    Value::tuple(items)
}

pub(super) fn contains(arguments: &[Value]) -> Outcome {
    let (list, wanted) = (value_at(arguments, 0)?, value_at(arguments, 1)?);
    let items = list.items().ok_or("a list, a tuple or a set is required")?;
    Ok(Value::Bool(items.iter().any(|item| item.equals(wanted))))
}

pub(super) fn distinct(arguments: &[Value]) -> Outcome {
    let list = value_at(arguments, 0)?;
    let items = list.items().unwrap_or_default();
    if items.len() > 10_000 {
        return Err("the list has more than 10000 items".to_owned());
    }
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        if !kept.iter().any(|known| known.equals(item)) {
            kept.push(item.clone());
        }
    }
    like(list, kept)
}

/// A size of zero is one chunk of all.
pub(super) fn chunklist(arguments: &[Value]) -> Outcome {
    let list = value_at(arguments, 0)?;
    let size = usize::try_from(int_at(arguments, 1)?).map_err(|_| "the size is negative")?;
    let items = list.items().unwrap_or_default();
    let chunks: Vec<Value> = if items.is_empty() {
        Vec::new()
    } else if size == 0 {
        vec![list.clone()]
    } else {
        items.chunks(size).map(|chunk| like(list, chunk.to_vec())).collect::<Result<_, _>>()?
    };
    Value::list(list.type_of(), chunks)
}

pub(super) fn flatten(arguments: &[Value]) -> Outcome {
    let list = value_at(arguments, 0)?;
    let items = list.items().ok_or("only lists, sets and tuples can be made flat")?;
    let mut flat = Vec::new();
    flatten_into(items, &mut flat);
    Value::tuple(flat)
}

fn flatten_into(items: &[Value], flat: &mut Vec<Value>) {
    for item in items {
        match item.items() {
            Some(inner) => flatten_into(inner, flat),
            None => flat.push(item.clone()),
        }
    }
}

fn table<'v>(value: &'v Value, what: &str) -> Result<&'v BTreeMap<Rc<str>, Value>, String> {
    value.entries().ok_or_else(|| format!("{what} is a {}, and a map or an object is required", value.type_of().name()))
}

pub(super) fn keys(arguments: &[Value]) -> Outcome {
    let map = value_at(arguments, 0)?;
    let keys: Vec<Value> = table(map, "the value")?.keys().map(|key| Value::String(Rc::clone(key))).collect();
    if matches!(map, Value::Map(..)) { Value::strings(keys) } else { Value::tuple(keys) }
}

pub(super) fn values(arguments: &[Value]) -> Outcome {
    let map = value_at(arguments, 0)?;
    let values: Vec<Value> = table(map, "the value")?.values().cloned().collect();
    match map {
        Value::Map(element, _) => Value::list(element.clone(), values),
        _ => Value::tuple(values),
    }
}

pub(super) fn lookup(arguments: &[Value]) -> Outcome {
    let (map, key, default) = (value_at(arguments, 0)?, text_at(arguments, 1)?, value_at(arguments, 2)?);
    let found = table(map, "the value")?.get(key);
    match (map, found) {
        (Value::Map(element, _), found) => {
            let default = convert(default, element).map_err(|_| "the default has another type than the elements of the map")?;
            Ok(found.cloned().unwrap_or(default))
        }
        (_, found) => Ok(found.unwrap_or(default).clone()),
    }
}

/// Maps of one type stay a map; all else becomes an object.
pub(super) fn merge(arguments: &[Value]) -> Outcome {
    let mut merged = BTreeMap::new();
    for map in arguments.iter().filter(|map| !map.is_null()) {
        merged.extend(table(map, "an argument")?.iter().map(|(key, value)| (Rc::clone(key), value.clone())));
    }
    match arguments.first() {
        Some(first @ Value::Map(element, _)) if arguments.iter().all(|map| map.type_of() == first.type_of()) => {
            Value::map(element.clone(), merged)
        }
        _ => Value::object(merged),
    }
}

pub(super) fn reverselist(arguments: &[Value]) -> Outcome {
    let list = value_at(arguments, 0)?;
    let items = list.items().ok_or_else(|| format!("a {} cannot be reversed; a list or a tuple is required", list.type_of().name()))?;
    like(list, items.iter().rev().cloned().collect())
}

pub(super) fn slice(arguments: &[Value]) -> Outcome {
    let list = value_at(arguments, 0)?;
    let items = sequence(list, "the value")?;
    let index = |at: usize, what: &str| {
        let index = int_at(arguments, at)?;
        let index = usize::try_from(index).map_err(|_| format!("the {what} index is negative"))?;
        if index > items.len() { Err(format!("the {what} index is beyond the {} items of the list", items.len())) } else { Ok(index) }
    };
    let (start, end) = (index(1, "start")?, index(2, "end")?);
    let part = items.get(start..end).ok_or("the start index is greater than the end index")?;
    like(list, part.to_vec())
}

pub(super) fn sort(arguments: &[Value]) -> Outcome {
    let mut texts = Vec::new();
    for item in value_at(arguments, 0)?.items().unwrap_or_default() {
        let Value::String(text) = item else { return Err("an item is null".to_owned()) };
        texts.push(Rc::clone(text));
    }
    texts.sort();
    Value::strings(texts.into_iter().map(Value::String))
}

pub(super) fn zipmap(arguments: &[Value]) -> Outcome {
    let (keys, values) = (value_at(arguments, 0)?.items().unwrap_or_default(), value_at(arguments, 1)?);
    let items = sequence(values, "the second argument")?;
    if keys.len() != items.len() {
        return Err(format!("there are {} keys and {} values", keys.len(), items.len()));
    }
    let mut entries = BTreeMap::new();
    for (key, value) in keys.iter().zip(items) {
        let Value::String(key) = key else { return Err("a key is null".to_owned()) };
        entries.insert(Rc::clone(key), value.clone());
    }
    match values {
        Value::List(element, _) => Value::map(element.clone(), entries),
        _ => Value::object(entries),
    }
}
