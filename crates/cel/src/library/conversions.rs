//! From one type to another.

use std::sync::Arc;

use crate::time;
use crate::value::{EvalError, Out, Value};

use super::Function;

pub(crate) const TABLE: &[(&str, Function)] = &[
    ("bool", to_bool),
    ("bytes", |args| match args {
        [value @ Value::Bytes(_)] => Some(Ok(value.clone())),
        [Value::String(text)] => Some(Ok(Value::Bytes(Arc::from(text.as_bytes())))),
        _ => None,
    }),
    ("double", to_double),
    ("duration", |args| match args {
        [value @ Value::Duration(_)] => Some(Ok(value.clone())),
        [Value::String(text)] => Some(time::nanoseconds(text).map(Value::Duration)),
        _ => None,
    }),
    ("int", to_int),
    ("uint", to_uint),
    ("string", to_string),
    ("timestamp", |args| match args {
        [value @ Value::Timestamp(_)] => Some(Ok(value.clone())),
        [Value::Int(seconds)] => Some(time::within(*seconds, 0).map(Value::Timestamp)),
        [Value::String(text)] => Some(time::moment(text).map(Value::Timestamp)),
        _ => None,
    }),
];

fn to_bool(args: &[Value]) -> Option<Out> {
    match args {
        [value @ Value::Bool(_)] => Some(Ok(value.clone())),
        [Value::String(text)] => Some(match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            other => Err(EvalError::new(format!("strconv.ParseBool: parsing {other:?}: invalid syntax"))),
        }),
        _ => None,
    }
}

fn syntax(function: &str, text: &str) -> EvalError {
    EvalError::new(format!("strconv.{function}: parsing {text:?}: invalid syntax"))
}

fn range(function: &str, text: &str) -> EvalError {
    EvalError::new(format!("strconv.{function}: parsing {text:?}: value out of range"))
}

fn to_double(args: &[Value]) -> Option<Out> {
    match args {
        [value @ Value::Double(_)] => Some(Ok(value.clone())),
        [Value::Int(number)] => Some(Ok(Value::Double(*number as f64))),
        [Value::Uint(number)] => Some(Ok(Value::Double(*number as f64))),
        [Value::String(text)] => Some(parse_double(text).map(Value::Double)),
        _ => None,
    }
}

fn parse_double(text: &str) -> Result<f64, EvalError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_special = ["inf", "infinity", "nan"].contains(&unsigned.to_ascii_lowercase().as_str());
    let starts_well = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if is_special && (unsigned.len() == text.len() || !unsigned.eq_ignore_ascii_case("nan")) {
        return text.parse().map_err(|_| syntax("ParseFloat", text));
    }
    if !starts_well {
        return Err(syntax("ParseFloat", text));
    }
    let number: f64 = text.parse().map_err(|_| syntax("ParseFloat", text))?;
    if number.is_infinite() { Err(range("ParseFloat", text)) } else { Ok(number) }
}

fn whole<T: TryFrom<i128>>(text: &str, function: &str, signed: bool) -> Result<T, EvalError> {
    let digits = if signed { text.strip_prefix(['+', '-']).unwrap_or(text) } else { text };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(syntax(function, text));
    }
    text.parse::<i128>().ok().and_then(|number| T::try_from(number).ok()).ok_or_else(|| range(function, text))
}

const INT: &str = "integer overflow";
const UINT: &str = "unsigned integer overflow";

fn to_int(args: &[Value]) -> Option<Out> {
    let outside = || Err(EvalError::new(INT));
    Some(match args {
        [value @ Value::Int(_)] => Ok(value.clone()),
        [Value::Uint(number)] => i64::try_from(*number).map_or_else(|_| outside(), |number| Ok(Value::Int(number))),
        [Value::Double(number)] if *number > -9_223_372_036_854_775_808.0 && *number < 9_223_372_036_854_775_808.0 => {
            Ok(Value::Int(*number as i64))
        }
        [Value::Double(_)] => outside(),
        [Value::Duration(nanos)] => Ok(Value::Int(*nanos)),
        [Value::Timestamp(moment)] => Ok(Value::Int(moment.seconds)),
        [Value::String(text)] => whole(text, "ParseInt", true).map(Value::Int),
        _ => return None,
    })
}

fn to_uint(args: &[Value]) -> Option<Out> {
    let outside = || Err(EvalError::new(UINT));
    Some(match args {
        [value @ Value::Uint(_)] => Ok(value.clone()),
        [Value::Int(number)] => u64::try_from(*number).map_or_else(|_| outside(), |number| Ok(Value::Uint(number))),
        [Value::Double(number)] if *number >= 0.0 && *number < 18_446_744_073_709_551_616.0 => Ok(Value::Uint(*number as u64)),
        [Value::Double(_)] => outside(),
        [Value::String(text)] => whole(text, "ParseUint", false).map(Value::Uint),
        _ => return None,
    })
}

fn to_string(args: &[Value]) -> Option<Out> {
    let text = match args {
        [value @ Value::String(_)] => return Some(Ok(value.clone())),
        [Value::Bool(value)] => value.to_string(),
        [Value::Bytes(bytes)] => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return Some(Err(EvalError::new("invalid UTF-8 in bytes, cannot convert to string"))),
        },
        [Value::Double(number)] => double_text(*number),
        [Value::Duration(nanos)] => time::duration_text(*nanos),
        [Value::Int(number)] => number.to_string(),
        [Value::Uint(number)] => number.to_string(),
        [Value::Timestamp(moment)] => time::moment_text(*moment),
        [Value::Ip(address)] => address.to_string(),
        [Value::Cidr(address, bits)] => format!("{address}/{bits}"),
        _ => return None,
    };
    Some(Ok(Value::String(text.into())))
}

fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    crate::text::general(number)
}
