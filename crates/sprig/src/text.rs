//! Values as text.

use hydrate_gotmpl::fmt::{quote, to_bytes};
use hydrate_gotmpl::{Rare, Value};
use std::borrow::Cow;

/// sprig's `strval`: texts, bytes and errors as they are, all else as `%v` prints it.
pub(super) fn strval(value: &Value) -> Cow<'_, [u8]> {
    match value {
        Value::Str(text) => Cow::Borrowed(text.as_bytes()),
        Value::Rare(rare) => match &**rare {
            Rare::Bytes(bytes) => Cow::Borrowed(bytes),
            _ => Cow::Owned(to_bytes(value)),
        },
        _ => Cow::Owned(to_bytes(value)),
    }
}

/// Appends what `%v` prints.
pub(super) fn sprint(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Str(text) => out.extend_from_slice(text.as_bytes()),
        value => out.extend(to_bytes(value)),
    }
}

/// Appends what `%q` prints for a text.
pub(super) fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(quote(text).as_bytes());
}
