//! Functions over maps. `set`, `unset` and the merges change the map they are given, as everyone who holds it sees.
//!
//! Go walks a map in random order; `keys` and `values` answer here in the order of the keys.

use super::args::{self, Out, bytes, map, text};
use super::merge::{self, Mode};
use super::text::strval;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::budget;
use hydrate_gotmpl::{Failure, List, Map, Rare, Str, Value};

const MAP: &str = "map[string]interface {}";

/// `dict KEY VALUE…`: a last key without a value gets an empty text.
pub(crate) fn dict(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut entries = Vec::with_capacity(args.len().div_ceil(2));
    for pair in args.chunks(2) {
        let key = match args::any(pair, 0) {
            Value::Str(key) => key.clone(),
            key => Str::from(strval(key).into_owned()),
        };
        entries.push((key, pair.get(1).cloned().unwrap_or_else(|| Value::str(""))));
    }
    Ok(Value::Map(Map::from_entries(entries)))
}

/// `get DICT KEY`: an empty text where there is no such key.
pub(crate) fn get(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(map(args, 0).get(bytes(args, 1)).unwrap_or_else(|| Value::str("")))
}

/// `set DICT KEY VALUE`: the dict itself, changed.
pub(crate) fn set(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let target = map(args, 0);
    if target.is_nil() {
        return Err("assignment to entry in nil map".into());
    }
    target.insert(text(args, 1), args::any(args, 2).clone());
    Ok(args::any(args, 0).clone())
}

/// `unset DICT KEY`: the dict itself, changed.
pub(crate) fn unset(_: &mut Vm<'_>, args: &[Value]) -> Out {
    map(args, 0).remove(bytes(args, 1));
    Ok(args::any(args, 0).clone())
}

/// `hasKey DICT KEY`.
pub(crate) fn has_key(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(map(args, 0).entries().contains_key(bytes(args, 1))))
}

/// `pluck KEY DICT…`: the values of a key in the dicts that have it.
pub(crate) fn pluck(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::list((1..args.len()).filter_map(|at| map(args, at).get(bytes(args, 0))).collect())
}

/// `keys DICT…`: a `[]string`.
pub(crate) fn keys(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut all = Vec::new();
    for at in 0..args.len() {
        all.extend(map(args, at).entries().keys().cloned());
    }
    Ok(Value::List(List::strings(all)))
}

/// `values DICT`.
pub(crate) fn values(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::list(map(args, 0).entries().values().cloned().collect())
}

/// `pick DICT KEY…`.
pub(crate) fn pick(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let source = map(args, 0);
    let entries = (1..args.len()).filter_map(|at| Some((text(args, at), source.get(bytes(args, at))?)));
    Ok(Value::Map(Map::from_entries(entries)))
}

/// `omit DICT KEY…`.
pub(crate) fn omit(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let source = map(args, 0);
    let dropped = |key: &Str| (1..args.len()).any(|at| bytes(args, at) == key.as_bytes());
    let entries = source.entries().iter().filter(|(key, _)| !dropped(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok(Value::Map(Map::typed(MAP, entries)))
}

/// `dig KEY… DEFAULT DICT`: a step that is no `map[string]interface {}` is an error, a missing key the default.
pub(crate) fn dig(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let [path @ .., default, dict] = args else { return Err("dig needs at least three arguments".into()) };
    if path.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let mut step = dict.clone();
    let mut current = assert_map(&step)?;
    for key in path {
        if !matches!(key, Value::Str(_)) {
            return Err(assertion(key, "string"));
        }
    }
    for (at, key) in path.iter().enumerate() {
        let Value::Str(key) = key else { continue };
        if at > 0 {
            current = assert_map(&step)?;
        }
        match current.get(key.as_bytes()) {
            Some(found) => step = found,
            None => return Ok(default.clone()),
        }
    }
    Ok(step)
}

fn assert_map(value: &Value) -> Result<Map, Failure> {
    match value {
        Value::Map(map) if map.type_name() == MAP => Ok(map.clone()),
        other => Err(assertion(other, MAP)),
    }
}

/// The panic of a failed type assertion.
fn assertion(value: &Value, wanted: &str) -> Failure {
    let found = match value {
        Value::Nil => "nil",
        value => value.type_name(),
    };
    Failure::Message(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}

/// `merge DICT DICT…`: what the first lacks is taken from the others, in place.
pub(crate) fn merge(_: &mut Vm<'_>, args: &[Value]) -> Out {
    merge::all(args, Mode::Fill)
}

/// `mergeOverwrite DICT DICT…`: the last one wins, in place.
pub(crate) fn merge_overwrite(_: &mut Vm<'_>, args: &[Value]) -> Out {
    merge::all(args, Mode::Overwrite)
}

/// `deepCopy VALUE`: maps and slices copied all the way down, with their types.
pub(crate) fn deep_copy(_: &mut Vm<'_>, args: &[Value]) -> Out {
    match args::any(args, 0) {
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => copy(value, 0),
    }
}

fn copy(value: &Value, depth: usize) -> Out {
    if depth > merge::DEEPEST || !(budget::spend(1) && budget::grow(size_of::<Value>())) {
        return Err("deepCopy: the value is nested too deeply, or contains itself".into());
    }
    Ok(match value {
        Value::List(list) if list.is_nil() => Value::List(List::nil(list.type_name())),
        Value::List(list) => {
            let items = list.items().iter().map(|item| copy(item, depth + 1)).collect::<Result<_, _>>()?;
            Value::List(List::typed(list.type_name(), items))
        }
        Value::Map(map) if map.is_nil() => Value::Map(Map::nil(map.type_name())),
        Value::Map(map) => {
            let entries = map.entries();
            let copies = entries.iter().map(|(key, value)| Ok((key.clone(), copy(value, depth + 1)?)));
            Value::Map(Map::typed(map.type_name(), copies.collect::<Result<_, Failure>>()?))
        }
        // What is not exported is not copied.
        Value::Rare(rare) => match &**rare {
            Rare::Object(object) => object.deep_copied().unwrap_or_else(|| value.clone()),
            _ => value.clone(),
        },
        _ => value.clone(),
    })
}
