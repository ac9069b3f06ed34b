//! Functions over slices. Elements keep their types; results are `[]interface {}` unless said otherwise.

use super::args::{self, NIL_POINTER, Out, elements, int, kind_name};
use super::cast::{to_int64, truncate};
use super::defaults::is_empty;
use super::reflect::deep_equal;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Failure, List, Rare, Value};

/// `list VALUE…` and `tuple VALUE…`.
pub(crate) fn list(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::list(args.to_vec())
}

/// The elements of a slice, or the error `VERB type KIND`; a nil interface is Go's nil pointer panic.
fn slice_of(value: &Value, verb: &str) -> Result<Vec<Value>, Failure> {
    match elements(value) {
        Some(items) => Ok(items),
        None if matches!(value, Value::Nil) => Err(NIL_POINTER.into()),
        None => Err(format!("{verb} type {}", kind_name(value.kind())).into()),
    }
}

/// `append LIST VALUE` and `push LIST VALUE`.
pub(crate) fn append(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut items = slice_of(args::any(args, 0), "Cannot push on")?;
    items.push(args::any(args, 1).clone());
    args::list(items)
}

/// `prepend LIST VALUE`.
pub(crate) fn prepend(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut items = slice_of(args::any(args, 0), "Cannot prepend on")?;
    items.insert(0, args::any(args, 1).clone());
    args::list(items)
}

/// `first LIST`: nil for an empty one.
pub(crate) fn first(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(slice_of(args::any(args, 0), "Cannot find first on")?.into_iter().next().unwrap_or_default())
}

/// `last LIST`: nil for an empty one.
pub(crate) fn last(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(slice_of(args::any(args, 0), "Cannot find last on")?.pop().unwrap_or_default())
}

/// `rest LIST`: all but the first; nil for an empty one.
pub(crate) fn rest(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut items = slice_of(args::any(args, 0), "Cannot find rest on")?;
    if items.is_empty() {
        return args::nil_list();
    }
    items.remove(0);
    args::list(items)
}

/// `initial LIST`: all but the last; nil for an empty one.
pub(crate) fn initial(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut items = slice_of(args::any(args, 0), "Cannot find initial on")?;
    match items.pop() {
        None => args::nil_list(),
        Some(_) => args::list(items),
    }
}

/// `reverse LIST`.
pub(crate) fn reverse(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut items = slice_of(args::any(args, 0), "Cannot find reverse on")?;
    items.reverse();
    args::list(items)
}

/// `compact LIST`: without the empty elements.
pub(crate) fn compact(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut items = slice_of(args::any(args, 0), "Cannot compact on")?;
    items.retain(|item| !is_empty(item));
    args::list(items)
}

/// `uniq LIST`: without elements that are deeply equal to an earlier one.
pub(crate) fn uniq(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut kept: Vec<Value> = Vec::new();
    for item in slice_of(args::any(args, 0), "Cannot find uniq on")? {
        if !contains(&kept, &item) {
            kept.push(item);
        }
    }
    args::list(kept)
}

fn contains(items: &[Value], wanted: &Value) -> bool {
    items.iter().any(|item| deep_equal(wanted, item))
}

/// `without LIST VALUE…`.
pub(crate) fn without(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut items = slice_of(args::any(args, 0), "Cannot find without on")?;
    items.retain(|item| !contains(args::rest(args, 1), item));
    args::list(items)
}

/// `has VALUE LIST`: nothing is in nil.
pub(crate) fn has(_: &mut Vm<'_>, args: &[Value]) -> Out {
    match args::any(args, 1) {
        Value::Nil => Ok(Value::Bool(false)),
        haystack => Ok(Value::Bool(contains(&slice_of(haystack, "Cannot find has on")?, args::any(args, 0)))),
    }
}

/// `slice LIST [START [END]]`: a slice of the same type; nil for an empty one.
pub(crate) fn slice(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let value = args::any(args, 0);
    let items = slice_of(value, "list should be type of slice or array but").map_err(|failure| match failure {
        Failure::Message(text) => Failure::Message(text.replacen("but type ", "but ", 1)),
        other => other,
    })?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, to_int64);
    let end = args.get(2).map_or(items.len() as i64, to_int64);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match range.and_then(|(start, end)| items.get(start..end)) {
        Some(part) => Ok(same_type(value, part)),
        None => Err("reflect.Value.Slice: slice index out of bounds".into()),
    }
}

fn same_type(value: &Value, part: &[Value]) -> Value {
    match value {
        Value::List(list) => Value::List(List::typed(list.type_name(), part.to_vec())),
        Value::Rare(rare) if matches!(&**rare, Rare::Bytes(_)) => {
            let bytes = part.iter().map(|byte| to_int64(byte) as u8).collect();
            Value::Rare(std::rc::Rc::new(Rare::Bytes(bytes)))
        }
        _ => Value::List(List::typed("[]string", part.to_vec())),
    }
}

/// `concat LIST…`: nil where there is no element at all.
pub(crate) fn concat(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut all = Vec::new();
    for value in args {
        match elements(value) {
            Some(items) => all.extend(items),
            None if matches!(value, Value::Nil) => return Err(NIL_POINTER.into()),
            None => return Err(format!("Cannot concat type {} as list", kind_name(value.kind())).into()),
        }
    }
    if all.is_empty() { args::nil_list() } else { args::list(all) }
}

/// `chunk SIZE LIST`: a `[][]interface {}` of slices of that size.
pub(crate) fn chunk(_: &mut Vm<'_>, args: &[Value]) -> Out {
    const OUT_OF_RANGE: &str = "runtime error: makeslice: len out of range";
    let size = int(args, 0);
    let items = slice_of(args::any(args, 1), "Cannot chunk")?;
    let length = items.len() as f64;
    let count = truncate(((length - 1.0) / size as f64).floor() + 1.0);
    let count = usize::try_from(count).map_err(|_| OUT_OF_RANGE)?;
    let mut chunks = Vec::with_capacity(count.min(items.len()));
    for at in 0..count {
        let mut width = size;
        if at + 1 == count {
            width = match truncate((length % size as f64).floor()) {
                0 => size,
                rest => rest,
            };
        }
        let width = usize::try_from(width).map_err(|_| OUT_OF_RANGE)?;
        let start = usize::try_from((at as i64).wrapping_mul(size)).unwrap_or(usize::MAX);
        let part = items.get(start..start.saturating_add(width)).ok_or("reflect: slice index out of range")?;
        chunks.push(Value::List(List::new(part.to_vec())));
    }
    Ok(Value::List(List::typed("[][]interface {}", chunks)))
}
