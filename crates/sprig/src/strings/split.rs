//! Splitting and joining.

use super::super::args::{self, Out, bytes, int, largest, too_large};
use super::super::text::strval;
use super::super::unicode::decode;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Entries, Kind, List, Map, Str, Value};
use memchr::memmem;

/// Go's `strings.SplitN`: at most `limit` parts (all for a negative one), single runes for an empty separator.
pub(crate) fn parts<'a>(text: &'a [u8], separator: &[u8], limit: i64) -> Vec<&'a [u8]> {
    let limit = if limit < 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    if limit == 0 {
        return Vec::new();
    }
    if separator.is_empty() {
        return explode(text, limit);
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for at in memmem::find_iter(text, separator).take(limit - 1) {
        parts.push(&text[start..at]);
        start = at + separator.len();
    }
    parts.push(&text[start..]);
    parts
}

fn explode(mut text: &[u8], limit: usize) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while !text.is_empty() && parts.len() + 1 < limit {
        let (first, others) = text.split_at(decode(text).1);
        parts.push(first);
        text = others;
    }
    if !text.is_empty() {
        parts.push(text);
    }
    parts
}

fn numbered(parts: &[&[u8]]) -> Out {
    let entries: Entries = parts.iter().enumerate().map(|(at, part)| (Str::from(format!("_{at}")), Value::str(*part))).collect();
    Ok(Value::Map(Map::typed("map[string]string", entries)))
}

/// `split SEPARATOR TEXT`: a map with the keys `_0`, `_1` …
pub(crate) fn split(_: &mut Vm<'_>, args: &[Value]) -> Out {
    numbered(&parts(bytes(args, 1), bytes(args, 0), -1))
}

/// `splitn SEPARATOR LIMIT TEXT`: a map of at most that many parts.
pub(crate) fn splitn(_: &mut Vm<'_>, args: &[Value]) -> Out {
    numbered(&parts(bytes(args, 2), bytes(args, 0), int(args, 1)))
}

/// `splitList SEPARATOR TEXT`: a `[]string`.
pub(crate) fn split_list(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let parts = parts(bytes(args, 1), bytes(args, 0), -1);
    Ok(Value::List(List::strings(parts.into_iter().map(Str::from))))
}

/// The text of each element, nil left out; of one value that is no slice its text alone. A `[]string` is itself.
pub(crate) fn strslice(value: &Value) -> List {
    match value {
        Value::List(list) if list.type_name() == "[]string" => return list.clone(),
        Value::Nil => return List::strings([]),
        _ => {}
    }
    let items = args::elements(value);
    let items = items.as_deref().unwrap_or(std::slice::from_ref(value));
    List::strings(items.iter().filter(|item| !matches!(item, Value::Nil)).map(text_of))
}

fn text_of(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        value => Str::from(strval(value).into_owned()),
    }
}

/// `toStrings VALUE`.
pub(crate) fn to_strings(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::List(strslice(args::any(args, 0))))
}

/// `join SEPARATOR VALUE`.
pub(crate) fn join(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (separator, list) = (bytes(args, 0), strslice(args::any(args, 1)));
    let mut out = Vec::new();
    for (at, item) in list.items().iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(separator);
        }
        if let Value::Str(text) = item {
            out.extend_from_slice(text.as_bytes());
        }
        if out.len() > largest() {
            return Err(too_large("join"));
        }
    }
    args::string(out)
}

/// `sortAlpha VALUE`: the texts in the order of their bytes; a `[]string` is sorted in place.
pub(crate) fn sort_alpha(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let value = args::any(args, 0);
    if value.kind() != Kind::Slice {
        return Ok(Value::List(List::strings([text_of(value)])));
    }
    let list = strslice(value);
    list.items_mut().sort_by(|one, other| match (one, other) {
        (Value::Str(one), Value::Str(other)) => one.cmp(other),
        _ => std::cmp::Ordering::Equal,
    });
    Ok(Value::List(list))
}
