//! The functions that text/template brings itself: comparison, logic, `index`, `slice`, `len`, printing, escaping.

use super::exec::Val;
use super::fmt;
use super::func::Param;
use super::options::GoVersion;
use super::text;
use super::value::{Kind, Rare, Str, Value};

/// Go's own functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    And,
    Call,
    Eq,
    Ge,
    Gt,
    Html,
    Index,
    Js,
    Le,
    Len,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    Slice,
    UrlQuery,
}

/// Names, sorted, with what they name.
const NAMES: [(&str, Builtin); 19] = [
    ("and", Builtin::And),
    ("call", Builtin::Call),
    ("eq", Builtin::Eq),
    ("ge", Builtin::Ge),
    ("gt", Builtin::Gt),
    ("html", Builtin::Html),
    ("index", Builtin::Index),
    ("js", Builtin::Js),
    ("le", Builtin::Le),
    ("len", Builtin::Len),
    ("lt", Builtin::Lt),
    ("ne", Builtin::Ne),
    ("not", Builtin::Not),
    ("or", Builtin::Or),
    ("print", Builtin::Print),
    ("printf", Builtin::Printf),
    ("println", Builtin::Println),
    ("slice", Builtin::Slice),
    ("urlquery", Builtin::UrlQuery),
];

impl Builtin {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(_, builtin)| *builtin)
    }

    pub(crate) fn name(self) -> &'static str {
        // The names stand in the order of the variants.
        NAMES.get(self as usize).map_or("", |(name, _)| name)
    }

    /// The parameters, and whether the last one stands for any number of arguments.
    pub(crate) fn signature(self) -> (&'static [Param], bool) {
        use Param::{Any, Reflect, String};
        match self {
            Self::And | Self::Or | Self::Call | Self::Eq | Self::Index | Self::Slice => (&[Reflect, Reflect], true),
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => (&[Reflect, Reflect], false),
            Self::Len | Self::Not => (&[Reflect], false),
            Self::Html | Self::Js | Self::Print | Self::Println | Self::UrlQuery => (&[Any], true),
            Self::Printf => (&[String, Any], true),
        }
    }
}

type Outcome<T> = Result<T, String>;

/// Runs a function; the error is Go's text. `callee` is what `call` names in errors.
pub(super) fn run(builtin: Builtin, args: &[Val], callee: &str, go: GoVersion) -> Outcome<Val> {
    run_latest(builtin, args, callee).map_err(|message| match message.split_once(INCOMPATIBLE) {
        // Before 1.24 the types were not named.
        Some(("", _)) if go < GoVersion::Go1_27 => INCOMPATIBLE.to_owned(),
        _ => message,
    })
}

fn run_latest(builtin: Builtin, args: &[Val], callee: &str) -> Outcome<Val> {
    let at = |index: usize| args.get(index).cloned().unwrap_or(Val::INVALID);
    let boolean = |value: bool| Ok(Val::plain(Value::Bool(value)));
    match builtin {
        Builtin::Eq => boolean(equal(&at(0).value, args.get(1..).unwrap_or_default())?),
        Builtin::Ne => boolean(!equal(&at(0).value, &[at(1)])?),
        Builtin::Lt => boolean(less(&at(0).value, &at(1).value)?),
        Builtin::Le => boolean(less_or_equal(&at(0), &at(1))?),
        Builtin::Gt => boolean(!less_or_equal(&at(0), &at(1))?),
        Builtin::Ge => boolean(!less(&at(0).value, &at(1).value)?),
        Builtin::Not => boolean(!at(0).value.truth()),
        Builtin::Len => length(&at(0)).map(|length| Val::plain(Value::Int(length))),
        Builtin::Index => index(&at(0), args.get(1..).unwrap_or_default()),
        Builtin::Slice => slice(&at(0), args.get(1..).unwrap_or_default()),
        Builtin::Call => Err(not_callable(&at(0), callee)),
        Builtin::Print => Ok(string(fmt::sprint(&values(args)))),
        Builtin::Println => Ok(string(fmt::sprintln(&values(args)))),
        Builtin::Printf => Ok(string(sprintf(args))),
        Builtin::Html => Ok(string(html(&joined(args)))),
        Builtin::Js => Ok(string(js(&joined(args)))),
        Builtin::UrlQuery => Ok(string(url_query(&joined(args)))),
        // The executor evaluates these itself, because they don't evaluate all their arguments.
        Builtin::And | Builtin::Or => Ok(at(0)),
    }
}

fn string(bytes: Vec<u8>) -> Val {
    Val::plain(Value::str(bytes))
}

fn values(args: &[Val]) -> Vec<Value> {
    args.iter().map(|arg| arg.value.clone()).collect()
}

fn sprintf(args: &[Val]) -> Vec<u8> {
    match args.split_first() {
        Some((Val { value: Value::Str(format), .. }, rest)) => fmt::sprintf(format.as_bytes(), &values(rest)),
        _ => Vec::new(),
    }
}

fn not_callable(function: &Val, callee: &str) -> String {
    match &function.value {
        Value::Nil => "call of nil".to_owned(),
        value => format!("non-function {callee} of type {}", value.type_name()),
    }
}

// Comparison.

/// Go's `basicKind`, with the value in its widest form.
#[derive(Clone, Copy)]
enum Basic<'v> {
    None,
    Bool(bool),
    Complex(f64, f64),
    Int(i128),
    Uint(i128),
    Float(f64),
    Text(&'v Str),
}

fn basic(value: &Value) -> Basic<'_> {
    match value {
        Value::Bool(value) => Basic::Bool(*value),
        Value::Int(value) | Value::Int64(value) => Basic::Int(i128::from(*value)),
        Value::Float64(value) => Basic::Float(*value),
        Value::Str(text) => Basic::Text(text),
        Value::Rare(rare) => match &**rare {
            Rare::Integer(_, kind, value) if kind.is_unsigned() => Basic::Uint(*value),
            Rare::Integer(_, _, value) => Basic::Int(*value),
            Rare::Float32(value) => Basic::Float(f64::from(*value)),
            _ => value.as_complex().map_or(Basic::None, |(real, imaginary)| Basic::Complex(real, imaginary)),
        },
        _ => Basic::None,
    }
}

const INCOMPATIBLE: &str = "incompatible types for comparison";

fn incompatible(left: &Value, right: &Value) -> String {
    format!("{INCOMPATIBLE}: {} and {}", left.type_name(), right.type_name())
}

fn equal(left: &Value, others: &[Val]) -> Outcome<bool> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for right in others {
        if equal_to(left, &right.value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_to(left: &Value, right: &Value) -> Outcome<bool> {
    match (basic(left), basic(right)) {
        (Basic::Bool(left), Basic::Bool(right)) => Ok(left == right),
        (Basic::Complex(a, b), Basic::Complex(c, d)) => Ok(a == c && b == d),
        (Basic::Float(left), Basic::Float(right)) => Ok(left == right),
        (Basic::Int(left) | Basic::Uint(left), Basic::Int(right) | Basic::Uint(right)) => Ok(left == right),
        (Basic::Text(left), Basic::Text(right)) => Ok(left == right),
        (Basic::None, Basic::None) => equal_others(left, right),
        _ if matches!(left, Value::Nil) || matches!(right, Value::Nil) => Ok(false),
        _ => Err(incompatible(left, right)),
    }
}

/// Values of no basic kind: nil, lists, maps, structs and pointers.
fn equal_others(left: &Value, right: &Value) -> Outcome<bool> {
    let (left_kind, right_kind) = (left.kind(), right.kind());
    if left_kind != right_kind && left_kind != Kind::Invalid && right_kind != Kind::Invalid {
        let (left_type, right_type) = (left.type_name(), right.type_name());
        let shown = String::from_utf8_lossy(&fmt::sprintf(b"%s", std::slice::from_ref(left))).into_owned();
        return Err(format!("non-comparable types {shown}: {left_type}, {right_type}: {}", fmt::to_text(right)));
    }
    if left.is_nil() || right.is_nil() {
        return Ok(left.is_nil() == right.is_nil());
    }
    if !right.is_comparable() {
        let shown = String::from_utf8_lossy(&fmt::sprintf(b"%s", std::slice::from_ref(right))).into_owned();
        return Err(format!("non-comparable type {shown}: {}", right.type_name()));
    }
    Ok(left.is_identical(right))
}

const BAD_COMPARISON: &str = "invalid type for comparison";

fn less(left: &Value, right: &Value) -> Outcome<bool> {
    match (basic(left), basic(right)) {
        (Basic::None, _) | (_, Basic::None) => Err(BAD_COMPARISON.to_owned()),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => Err(BAD_COMPARISON.to_owned()),
        (Basic::Float(left), Basic::Float(right)) => Ok(left < right),
        (Basic::Int(left) | Basic::Uint(left), Basic::Int(right) | Basic::Uint(right)) => Ok(left < right),
        (Basic::Text(left), Basic::Text(right)) => Ok(left < right),
        _ => Err(incompatible(left, right)),
    }
}

fn less_or_equal(left: &Val, right: &Val) -> Outcome<bool> {
    Ok(less(&left.value, &right.value)? || equal_to(&left.value, &right.value)?)
}

// Access.

/// The value of an object of the kind of a map or slice.
fn inner(value: &Value) -> Value {
    match value {
        Value::Rare(rare) => match &**rare {
            Rare::Object(object) => object.inner().unwrap_or_else(|| value.clone()),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

fn is_nil_pointer(item: &Val) -> bool {
    item.boxed && matches!(item.value, Value::Nil) || matches!(&item.value, Value::Rare(rare) if matches!(&**rare, Rare::NilPointer(_)))
}

fn length(item: &Val) -> Outcome<i64> {
    if is_nil_pointer(item) {
        return Err("len of nil pointer".to_owned());
    }
    if item.is_invalid() {
        return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
    }
    let length = match &inner(&item.value) {
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        other => match other.as_bytes() {
            Some(bytes) => bytes.len(),
            None => return Err(format!("len of type {}", other.pointee_name())),
        },
    };
    Ok(i64::try_from(length).unwrap_or(i64::MAX))
}

/// Go's `indexArg`: a number from 0 to `limit`.
fn index_arg(index: &Value, limit: usize) -> Outcome<usize> {
    let number = match basic(index) {
        Basic::Int(number) => number,
        // Go converts an unsigned number to a signed one first.
        Basic::Uint(number) => i128::from(number as u64 as i64),
        _ if matches!(index, Value::Nil) => return Err("cannot index slice/array with nil".to_owned()),
        _ => return Err(format!("cannot index slice/array with type {}", index.type_name())),
    };
    match usize::try_from(number) {
        Ok(number) if number <= limit => Ok(number),
        _ => Err(format!("index out of range: {number}")),
    }
}

fn index(item: &Val, indexes: &[Val]) -> Outcome<Val> {
    if matches!(item.value, Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = item.clone().unboxed();
    for index in indexes {
        if is_nil_pointer(&item) {
            return Err("index of nil pointer".to_owned());
        }
        item = index_once(&inner(&item.value), &index.value)?;
    }
    Ok(item)
}

fn index_once(item: &Value, index: &Value) -> Outcome<Val> {
    let out_of_range = |what: &str| format!("reflect: {what} index out of range");
    match item {
        Value::List(list) => {
            let at = index_arg(index, list.len())?;
            let value = list.items().get(at).cloned().ok_or_else(|| out_of_range("slice"))?;
            Ok(Val { value, boxed: list.has_interface_elements() })
        }
        Value::Str(text) => {
            let at = index_arg(index, text.len())?;
            text.as_bytes().get(at).map(|&byte| Val::plain(Value::byte(byte))).ok_or_else(|| out_of_range("string"))
        }
        Value::Map(map) => match index {
            Value::Str(key) => Ok(match map.get(key.as_bytes()) {
                Some(value) => Val { value, boxed: map.has_interface_elements() },
                None => map.zero_element(),
            }),
            Value::Nil => Err("value is nil; should be of type string".to_owned()),
            other => Err(format!("value has type {}; should be string", other.type_name())),
        },
        other => match other.as_bytes() {
            Some(bytes) => {
                let at = index_arg(index, bytes.len())?;
                bytes.get(at).map(|&byte| Val::plain(Value::byte(byte))).ok_or_else(|| out_of_range("slice"))
            }
            None => Err(format!("can't index item of type {}", other.pointee_name())),
        },
    }
}

fn slice(item: &Val, indexes: &[Val]) -> Outcome<Val> {
    if matches!(item.value, Value::Nil) {
        return Err("slice of untyped nil".to_owned());
    }
    if is_nil_pointer(item) {
        return Err("slice of nil pointer".to_owned());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let item = inner(&item.value);
    let length = match &item {
        Value::Str(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        other => match other.as_bytes() {
            Some(bytes) => bytes.len(),
            None => return Err(format!("can't slice item of type {}", other.pointee_name())),
        },
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        // Unlike `index`, Go's `slice` does not look into interfaces here.
        if index.boxed {
            return Err(format!("cannot index slice/array with type {}", index.type_name()));
        }
        *bound = index_arg(&index.value, length)?;
    }
    let [from, to, capacity] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    if indexes.len() == 3 && to > capacity {
        return Err(format!("invalid slice index: {to} > {capacity}"));
    }
    Ok(Val::plain(match &item {
        Value::Str(text) => Value::str(text.as_bytes().get(from..to).unwrap_or_default()),
        Value::List(list) => list.part(from..to),
        other => Value::bytes(other.as_bytes().and_then(|bytes| bytes.get(from..to)).unwrap_or_default().to_vec()),
    }))
}

// Escaping.

/// Go's `evalArgs`: the arguments as one text.
fn joined(args: &[Val]) -> Vec<u8> {
    if let [Val { value: Value::Str(text), .. }] = args {
        return text.as_bytes().to_vec();
    }
    let printable: Vec<Value> = args
        .iter()
        .map(|arg| match &arg.value {
            Value::Nil => Value::str("<no value>"),
            value => value.clone(),
        })
        .collect();
    fmt::sprint_dereferenced(&printable)
}

/// Go's `template.HTMLEscapeString`.
pub(crate) fn html(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(byte),
        }
    }
    out
}

/// Go's `template.JSEscapeString`.
pub(crate) fn js(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (rune, width) = text::decode(rest);
        match u8::try_from(rune).unwrap_or(0x80) {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\'' => out.extend_from_slice(b"\\'"),
            b'"' => out.extend_from_slice(b"\\\""),
            byte @ (b'<' | b'>' | b'&' | b'=' | 0..0x20) => out.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
            byte @ 0x20..0x80 => out.push(byte),
            _ if text::is_print(rune) => out.extend_from_slice(rest.get(..width).unwrap_or_default()),
            _ => out.extend_from_slice(format!("\\u{rune:04X}").as_bytes()),
        }
        at += width;
    }
    out
}

/// Go's `url.QueryEscape`.
pub(crate) fn url_query(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b' ' => out.push(b'+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_variants() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
        assert!(NAMES.iter().all(|(name, builtin)| builtin.name() == *name));
    }
}
