//! Conversions between types as `github.com/spf13/cast` 1.7 makes them: what cannot be converted is zero.

use super::strconv::{parse_float, parse_int};
use hydrate_gotmpl::{Rare, Value};

/// `cast.ToInt64` and, on a 64-bit machine, `cast.ToInt`.
pub fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Float64(number) => truncate(*number),
        Value::Str(text) => parse_int(trim_zero_decimal(text.as_bytes()), 0).unwrap_or(0),
        Value::Bool(yes) => i64::from(*yes),
        Value::Nil | Value::List(_) | Value::Map(_) => 0,
        Value::Rare(rare) => match &**rare {
            Rare::Integer(name, _, number) if converts(name) => *number as i64,
            Rare::Float32(number) => truncate(f64::from(*number)),
            _ => 0,
        },
    }
}

/// `cast.ToFloat64`.
pub fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number as f64,
        Value::Float64(number) => *number,
        Value::Str(text) => parse_float(text.as_bytes()).unwrap_or(0.0),
        Value::Bool(yes) => f64::from(u8::from(*yes)),
        Value::Nil | Value::List(_) | Value::Map(_) => 0.0,
        Value::Rare(rare) => match &**rare {
            Rare::Integer(name, _, number) if converts(name) => *number as f64,
            Rare::Float32(number) => f64::from(*number),
            _ => 0.0,
        },
    }
}

/// The library lists the predeclared types, the month and the weekday; other named integers (a duration) are zero.
fn converts(name: &str) -> bool {
    !name.contains('.') || matches!(name, "time.Month" | "time.Weekday")
}

/// Go's conversion from `float64` to `int64` on x86-64, where whatever does not fit is the smallest number.
pub(super) fn truncate(number: f64) -> i64 {
    let whole = number.trunc();
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) { whole as i64 } else { i64::MIN }
}

/// Cuts `.0`, `.00` … off, so that `"1.0"` is an integer and `"1.5"` is not.
fn trim_zero_decimal(text: &[u8]) -> &[u8] {
    let mut zero = false;
    for (at, byte) in text.iter().enumerate().rev() {
        match byte {
            b'.' if zero => return &text[..at],
            b'.' => {}
            b'0' => zero = true,
            _ => return text,
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_numbers() {
        let int = |text: &str| to_int64(&Value::str(text));
        assert_eq!((int("08"), int("010"), int("1.0"), int("1.5"), int("0x10"), int("")), (0, 8, 1, 0, 16, 0));
        assert_eq!(to_int64(&Value::Float64(1e30)), i64::MIN);
        assert_eq!(to_int64(&Value::Float64(-1.9)), -1);
        assert_eq!(to_float64(&Value::str("1.5e3")), 1500.0);
        assert_eq!(to_float64(&Value::Bool(true)), 1.0);
    }
}
