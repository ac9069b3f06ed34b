//! Values as text.

use crate::gotmpl::{Rare, Value};
use std::borrow::Cow;

/// sprig's `strval`: texts, bytes and errors as they are, all else as `%v` prints it.
pub(super) fn strval(value: &Value) -> Cow<'_, [u8]> {
    match value {
        Value::Str(text) => Cow::Borrowed(text.as_bytes()),
        Value::Rare(rare) => match &**rare {
            Rare::Bytes(bytes) => Cow::Borrowed(bytes),
            _ => Cow::Owned(printed(value)),
        },
        _ => Cow::Owned(printed(value)),
    }
}

fn printed(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    sprint(value, &mut out);
    out
}

/// Appends what `%v` prints.
pub(super) fn sprint(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Nil => out.extend_from_slice(b"<nil>"),
        Value::Bool(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Int(v) | Value::Int64(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Float64(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Str(v) => out.extend_from_slice(v.as_bytes()),
        _ => {}
    }
}

/// Appends what `%q` prints for a text.
pub(super) fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{:?}", String::from_utf8_lossy(text)).as_bytes());
}
