//! `dario.cat/mergo` 1.0.1 on maps, as sprig calls it: in place, and sharing what it takes over.

use super::args::{self, Out, as_map};
use super::defaults::is_empty;
use hydrate_gotmpl::budget;
use hydrate_gotmpl::{Failure, Kind, List, Map, Value};

/// The deepest nesting followed; beyond it a value contains itself, on which Go would overflow its stack.
pub(super) const DEEPEST: usize = 5_000;

/// What happens to a key that both sides have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It stays unless it is empty.
    Fill,
    /// The source's value replaces it, empty or not, but for maps on both sides, which are merged.
    Overwrite,
}

/// Merges all but the first argument into the first.
pub(super) fn all(args: &[Value], mode: Mode) -> Out {
    let mut target = args::map(args, 0);
    for at in 1..args.len() {
        let source = args::map(args, at);
        if target.is_nil() && !source.is_nil() {
            target = Map::new();
        }
        merge(&target, &source, mode, 0)?;
    }
    match args::any(args, 0) {
        given @ Value::Map(map) if map.same(&target) => Ok(given.clone()),
        _ => Ok(Value::Map(target)),
    }
}

fn merge(target: &Map, source: &Map, mode: Mode, depth: usize) -> Result<(), Failure> {
    if depth > DEEPEST || !budget::spend(1 + source.len() as u64) {
        return Err("merge: the value is nested too deeply, or contains itself".into());
    }
    if target.is_nil() || target.same(source) && mode == Mode::Fill {
        return Ok(());
    }
    // Go would assign an element of type `interface {}` to one of type `string`, whatever is in it.
    let misfit = target.type_name() == "map[string]string" && source.type_name() != target.type_name();
    let entries: Vec<_> = source.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in entries {
        let existing = target.get(key.as_bytes());
        match (&value, existing) {
            (Value::Nil, _) if mode == Mode::Fill => {}
            (_, existing) if misfit && sets(existing.as_ref(), &value, mode) => {
                return Err("reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string".into());
            }
            (Value::Nil, _) => target.insert(key, Value::Nil),
            (_, None) => target.insert(key, value),
            (_, Some(existing)) => merge_entry(target, key, &value, &existing, mode, depth)?,
        }
    }
    Ok(())
}

/// Whether an element of the target is assigned to at all.
fn sets(existing: Option<&Value>, value: &Value, mode: Mode) -> bool {
    mode == Mode::Overwrite || value.kind() == Kind::Slice || existing.is_none_or(is_empty)
}

fn merge_entry(target: &Map, key: hydrate_gotmpl::Str, value: &Value, existing: &Value, mode: Mode, depth: usize) -> Result<(), Failure> {
    let maps = as_map(value).zip(as_map(existing));
    if let Some((from, into)) = &maps {
        merge(into, from, mode, depth + 1)?;
    }
    let slice = value.kind() == Kind::Slice;
    if !is_empty(existing) && (maps.is_some() || slice && mode == Mode::Fill) {
        return Ok(());
    }
    if mode == Mode::Overwrite || is_empty(existing) {
        target.insert(key, taken(value));
    }
    Ok(())
}

/// The value taken over. It is shared with the source, but a nil slice or map loses its nil only when set.
fn taken(value: &Value) -> Value {
    match value {
        Value::List(list) if list.is_nil() => Value::List(List::nil(list.type_name())),
        _ => value.clone(),
    }
}
