//! Numbers of schemas and values, compared as the decimal fractions that they are written as.

use std::cmp::Ordering;

use hydrate_gotmpl::fmt::grouped;
use hydrate_gotmpl::{Rare, Value};

/// `mantissa × 10^exponent`, or only the nearest float where that does not fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    exact: Option<(i128, i32)>,
    near: f64,
}

/// The number that a value is.
pub(super) fn of_value(value: &Value) -> Option<Number> {
    match value {
        Value::Int(value) | Value::Int64(value) => Some(parse(&value.to_string())),
        Value::Float64(value) => Some(parse(&format!("{value:e}"))),
        Value::Rare(rare) => match &**rare {
            Rare::Integer(_, _, value) => Some(parse(&value.to_string())),
            _ => None,
        },
        _ => None,
    }
}

/// The number that a schema writes.
pub(super) fn of_json(number: &serde_json::Number) -> Number {
    parse(&number.to_string())
}

fn parse(text: &str) -> Number {
    Number { exact: exact(text), near: text.parse().unwrap_or(f64::NAN) }
}

fn exact(text: &str) -> Option<(i128, i32)> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let mantissa = format!("{whole}{fraction}").parse().ok()?;
    Some((mantissa, exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?))
}

impl Number {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match self.aligned(other) {
            Some((a, b)) => a.cmp(&b),
            None => self.near.partial_cmp(&other.near).unwrap_or(Ordering::Equal),
        }
    }

    pub(super) fn is_integer(&self) -> bool {
        match self.exact {
            Some((_, 0..)) => true,
            Some((mantissa, exponent)) => match 10_i128.checked_pow(exponent.unsigned_abs()) {
                Some(power) => mantissa % power == 0,
                None => mantissa == 0,
            },
            None => self.near.fract() == 0.0,
        }
    }

    pub(super) fn is_multiple_of(&self, other: &Self) -> bool {
        match self.aligned(other) {
            Some((_, 0)) => false,
            Some((a, b)) => a % b == 0,
            None => (self.near / other.near).fract() == 0.0,
        }
    }

    /// Both mantissas at the smaller exponent.
    fn aligned(&self, other: &Self) -> Option<(i128, i128)> {
        let (a, a_exponent) = self.exact?;
        let (b, b_exponent) = other.exact?;
        let low = a_exponent.min(b_exponent);
        let scale = |mantissa: i128, exponent: i32| mantissa.checked_mul(10_i128.checked_pow(exponent.abs_diff(low))?);
        Some((scale(a, a_exponent)?, scale(b, b_exponent)?))
    }

    /// As `%v` prints a `*big.Float`: `2.0000005e+06`.
    pub(super) fn plain(&self) -> String {
        let (digits, exponent) = scientific(self.near);
        if (-4..6).contains(&exponent) {
            return format!("{}", self.near);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }

    /// As `golang.org/x/text/message` prints a `float64` in English: `12,345.5`, `1×10⁻⁰⁶`.
    pub(super) fn english(&self) -> String {
        let (digits, exponent) = scientific(self.near);
        if (-4..6).contains(&exponent) {
            return grouped(&format!("{}", self.near));
        }
        let mut out = format!("{digits}×10");
        if exponent < 0 {
            out.push('⁻');
        }
        out.extend(format!("{:02}", exponent.abs()).chars().map(superscript));
        out
    }
}

fn scientific(value: f64) -> (String, i32) {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

fn superscript(digit: char) -> char {
    match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_each_library_prints_them() {
        let number = |text: &str| parse(text);
        assert_eq!(number("12345.5").english(), "12,345.5");
        assert_eq!(number("0.000001").english(), "1×10⁻⁰⁶");
        assert_eq!(number("123456789012").english(), "1.23456789012×10¹¹");
        assert_eq!(number("2000000.5").plain(), "2.0000005e+06");
        assert_eq!(number("10.25").plain(), "10.25");
    }

    #[test]
    fn fractions_are_exact() {
        assert!(parse("0.3").is_multiple_of(&parse("0.1")));
        assert!(parse("1e6").is_integer());
        assert!(!parse("1.5").is_integer());
        assert_eq!(parse("1.0").compare(&parse("1")), Ordering::Equal);
    }
}
