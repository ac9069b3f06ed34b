//! Number constants: kept under every type that can hold them, as Go's ideal constants are.

use super::node::Span;
use crate::text;

/// A number constant.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub span: Span,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    pub complex: Option<(f64, f64)>,
    /// What the constant is where nothing says which type is wanted.
    pub ideal: Ideal,
}

/// The type that the syntax of a number suggests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ideal {
    Int(i64),
    Float(f64),
    Complex(f64, f64),
    Overflow,
}

/// What kind of item the number was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Char,
    Complex,
    Plain,
}

impl Number {
    /// The constant written as `literal`; the error is Go's text.
    pub(crate) fn parse(span: Span, literal: &[u8], syntax: Syntax) -> Result<Self, String> {
        if let (Syntax::Plain, Some(value)) = (syntax, few_digits(literal)) {
            return Ok(Self::small(span, value));
        }
        let mut number = Self { span, int: None, uint: None, float: None, complex: None, ideal: Ideal::Overflow };
        match syntax {
            Syntax::Char => number.read_char(literal)?,
            Syntax::Complex => number.read_complex(literal)?,
            Syntax::Plain => number.read_plain(literal)?,
        }
        number.ideal = number.ideal_of(literal);
        Ok(number)
    }

    /// A number of a few decimal digits, which most numbers in templates are.
    fn small(span: Span, value: u32) -> Self {
        let value = i64::from(value);
        Self {
            span,
            int: Some(value),
            uint: Some(value.unsigned_abs()),
            float: Some(value as f64),
            complex: None,
            ideal: Ideal::Int(value),
        }
    }

    fn read_char(&mut self, literal: &[u8]) -> Result<(), String> {
        let (unit, tail) = text::unquote_char(literal.get(1..).unwrap_or_default(), b'\'').ok_or("invalid syntax")?;
        if tail != b"'" {
            return Err(format!("malformed character constant: {}", String::from_utf8_lossy(literal)));
        }
        let code = unit.code();
        self.int = Some(i64::from(code));
        self.uint = Some(u64::from(code));
        self.float = Some(f64::from(code));
        Ok(())
    }

    fn read_complex(&mut self, literal: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(literal);
        let body = text.strip_suffix('i').unwrap_or(&text);
        let split = sign_position(body).ok_or("syntax error scanning complex number")?;
        let part = |part: &str| parse_float(part).ok_or("syntax error scanning complex number");
        let (real, imaginary) = (part(&body[..split])?, part(&body[split..])?);
        self.set_complex(real, imaginary);
        Ok(())
    }

    fn set_complex(&mut self, real: f64, imaginary: f64) {
        self.complex = Some((real, imaginary));
        if imaginary == 0.0 {
            self.float = Some(real);
            self.int = float_to_int(real);
            self.uint = float_to_uint(real);
        }
    }

    fn read_plain(&mut self, literal: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(literal);
        if let Some(imaginary) = text.strip_suffix('i').and_then(parse_float) {
            self.set_complex(0.0, imaginary);
            return Ok(());
        }
        self.uint = parse_uint(&text);
        self.int = parse_int(&text);
        if self.int == Some(0) {
            self.uint = Some(0);
        }
        if let Some(int) = self.int {
            self.float = Some(int as f64);
        } else if let Some(uint) = self.uint {
            self.float = Some(uint as f64);
        } else {
            self.read_float(&text)?;
        }
        Ok(())
    }

    fn read_float(&mut self, text: &str) -> Result<(), String> {
        let Some(float) = parse_float(text) else {
            return Err(format!("illegal number syntax: {}", text::quote(text.as_bytes(), false)));
        };
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", text::quote(text.as_bytes(), false)));
        }
        self.float = Some(float);
        self.int = float_to_int(float);
        self.uint = float_to_uint(float);
        Ok(())
    }

    fn ideal_of(&self, literal: &[u8]) -> Ideal {
        if let Some((real, imaginary)) = self.complex {
            return Ideal::Complex(real, imaginary);
        }
        let hex = matches!(literal, [b'0', b'x' | b'X', _, ..]) && !literal.iter().any(|byte| matches!(byte, b'p' | b'P'));
        let floating = literal.iter().any(|byte| b".eEpP".contains(byte)) && !hex && literal.first() != Some(&b'\'');
        match (self.float, self.int) {
            (Some(float), _) if floating => Ideal::Float(float),
            (_, Some(int)) => Ideal::Int(int),
            _ => Ideal::Overflow,
        }
    }
}

/// The value of at most nine decimal digits, of which the first is no zero unless it is the only one.
fn few_digits(literal: &[u8]) -> Option<u32> {
    let plain = match literal {
        [_] => true,
        [first, ..] => *first != b'0' && literal.len() <= 9,
        [] => false,
    };
    if !plain {
        return None;
    }
    literal.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

/// Where the second of two signed numbers starts; a sign after an exponent letter is not one.
fn sign_position(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let hex = text.contains(['x', 'X']);
    (1..bytes.len()).rev().find(|&at| {
        let exponent = match bytes.get(at - 1) {
            Some(b'e' | b'E') => !hex,
            Some(b'p' | b'P') => true,
            _ => false,
        };
        matches!(bytes.get(at), Some(b'+' | b'-')) && !exponent
    })
}

fn float_to_int(float: f64) -> Option<i64> {
    // Go's conversion of what does not fit gives the smallest integer, which then differs from the float.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
    (fits && float.fract() == 0.0).then_some(float as i64)
}

fn float_to_uint(float: f64) -> Option<u64> {
    let fits = (0.0..18_446_744_073_709_551_616.0).contains(&float);
    (fits && float.fract() == 0.0).then_some(float as u64)
}

/// Go's `strconv.ParseUint(text, 0, 64)`.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', _, ..] => (16, &lower[2..]),
        [b'0', b'o', _, ..] => (8, &lower[2..]),
        [b'0', b'b', _, ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    if text.contains('_') && !underscores_ok(text) {
        return None;
    }
    let digits = digits.replace('_', "");
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

/// Go's `strconv.ParseInt(text, 0, 64)`.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, magnitude) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_uint(magnitude)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// Go's `strconv.underscoreOK`: underscores only between digits, or after the prefix of a base.
fn underscores_ok(text: &str) -> bool {
    let bytes = text.as_bytes();
    let bytes = if matches!(bytes, [b'+' | b'-', ..]) { &bytes[1..] } else { bytes };
    let (hex, start, mut last) = match bytes {
        [b'0', b'x' | b'X', ..] => (true, 2, b'0'),
        [b'0', b'b' | b'B' | b'o' | b'O', ..] => (false, 2, b'0'),
        _ => (false, 0, b'^'),
    };
    for &byte in bytes.iter().skip(start) {
        if byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit() {
            last = b'0';
        } else if byte == b'_' {
            if last != b'0' {
                return false;
            }
            last = b'_';
        } else {
            if last == b'_' {
                return false;
            }
            last = b'!';
        }
    }
    last != b'_'
}

/// Go's `strconv.ParseFloat(text, 64)`, where going out of range is a failure too.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if text.contains('_') && !underscores_ok(text) {
        return None;
    }
    if matches!(unsigned.as_bytes(), [b'0', b'x' | b'X', ..]) {
        return parse_hex_float(text.starts_with('-'), &unsigned[2..].replace('_', ""));
    }
    let unsigned = unsigned.replace('_', "");
    let lower = unsigned.to_ascii_lowercase();
    let value = match lower.as_str() {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => {
            let plain = unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
            let value: f64 = if plain { unsigned.parse().ok()? } else { return None };
            if value.is_infinite() {
                return None;
            }
            value
        }
    };
    Some(if text.starts_with('-') { -value } else { value })
}

/// A hexadecimal mantissa with its binary exponent, rounded to the nearest even double.
fn parse_hex_float(negative: bool, text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut exponent: i64 = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    exponent = exponent.clamp(-100_000, 100_000);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut value: u64 = 0;
    let mut sticky = false;
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        if value >> 60 == 0 {
            value = value << 4 | digit;
        } else {
            sticky |= digit != 0;
            exponent += 4;
        }
        exponent -= if at >= whole.len() { 4 } else { 0 };
    }
    let magnitude = round_binary(value, exponent, sticky)?;
    Some(if negative { -magnitude } else { magnitude })
}

/// `mantissa × 2^exponent` (and a little more where `sticky`) as the nearest double; `None` when it is too large.
fn round_binary(mantissa: u64, exponent: i64, sticky: bool) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    let top = 63 - i64::from(mantissa.leading_zeros());
    let lowest = (top + exponent).max(-1022) - 52;
    let shift = lowest - exponent;
    let mut kept = u128::from(mantissa);
    if shift > 0 {
        let dropped = if shift > 100 { kept } else { kept & ((1 << shift) - 1) };
        let half = if shift > 100 { u128::MAX } else { 1 << (shift - 1) };
        kept = if shift > 100 { 0 } else { kept >> shift };
        if dropped > half || dropped == half && (sticky || kept & 1 == 1) {
            kept += 1;
        }
    } else {
        kept <<= -shift;
    }
    // Two exact steps keep the scaling within the range of exponents.
    let half = lowest / 2;
    let value = kept as f64 * 2f64.powi(i32::try_from(half).ok()?) * 2f64.powi(i32::try_from(lowest - half).ok()?);
    (!value.is_infinite()).then_some(value)
}
