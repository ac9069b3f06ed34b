//! What a plain scalar would be read back as, as far as the writer has to know: go-yaml's `resolve` with an empty tag.

use super::Version;
use crate::node::Tag;

/// The type that go-yaml gives to a plain scalar without a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are YAML's own")]
pub enum PlainType {
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Str,
}

impl From<PlainType> for Tag {
    fn from(of: PlainType) -> Self {
        match of {
            PlainType::Null => Self::Null,
            PlainType::Bool => Self::Bool,
            PlainType::Int => Self::Int,
            PlainType::Float => Self::Float,
            PlainType::Timestamp => Self::Timestamp,
            PlainType::Str => Self::Str,
        }
    }
}

/// Whether a string has to be quoted so that it stays a string: for this library, or for a reader of YAML 1.1.
pub fn must_quote(text: &str, version: Version) -> bool {
    let Some(first) = text.bytes().next() else { return true };
    if !may_be_special(first) || is_long_word(first, text) {
        return false;
    }
    plain_type(text, version) != PlainType::Str || is_base60(text) || (version == Version::V3 && is_old_bool(text))
}

/// The type of a plain scalar.
pub fn plain_type(text: &str, version: Version) -> PlainType {
    match text.as_bytes() {
        [] => PlainType::Null,
        [b'.', ..] => dotted(text),
        [b'0'..=b'9' | b'+' | b'-', ..] => number(text, version),
        [first, ..] if may_be_special(*first) && !is_long_word(*first, text) => word(text, version),
        _ => PlainType::Str,
    }
}

/// Whether anything but a string may begin with this byte.
fn may_be_special(first: u8) -> bool {
    matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.' | b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O')
}

/// Whether a text that begins with a letter is longer than all words that mean something.
fn is_long_word(first: u8, text: &str) -> bool {
    first.is_ascii_alphabetic() && text.len() > "false".len()
}

fn word(text: &str, version: Version) -> PlainType {
    match text {
        "~" | "null" | "Null" | "NULL" => PlainType::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => PlainType::Bool,
        _ if version == Version::V2 && is_old_bool(text) => PlainType::Bool,
        _ => PlainType::Str,
    }
}

fn is_old_bool(text: &str) -> bool {
    matches!(text, "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF")
}

fn dotted(text: &str) -> PlainType {
    match text {
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" => PlainType::Float,
        _ if underscores_separate_digits(text) && is_float(&without_underscores(text)) => PlainType::Float,
        _ => PlainType::Str,
    }
}

fn number(text: &str, version: Version) -> PlainType {
    if matches!(text, "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF") {
        return PlainType::Float;
    }
    if is_timestamp(text) {
        return PlainType::Timestamp;
    }
    let plain = without_underscores(text);
    if is_int(&plain) || is_signed_after_prefix(&plain, version) {
        PlainType::Int
    } else if is_float(&plain) {
        PlainType::Float
    } else {
        PlainType::Str
    }
}

fn without_underscores(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('_') { text.replace('_', "").into() } else { text.into() }
}

/// Go's rule for numbers: an underscore stands between two digits.
fn underscores_separate_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).all(|at| bytes[at] != b'_' || (at > 0 && digit(at - 1) && digit(at + 1)))
}

/// `strconv.ParseInt(text, 0, 64)` or `strconv.ParseUint(text, 0, 64)` succeeds.
fn is_int(text: &str) -> bool {
    let (sign, digits) = match text.as_bytes() {
        [sign @ (b'+' | b'-'), ..] => (Some(*sign), &text[1..]),
        _ => (None, text),
    };
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (&digits[2..], 16),
        [b'0', b'o' | b'O', _, ..] => (&digits[2..], 8),
        [b'0', b'b' | b'B', _, ..] => (&digits[2..], 2),
        [b'0'] => return true,
        [b'0', ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    let limit = match sign {
        None => u64::MAX,
        Some(b'-') => 1 << 63,
        Some(_) => (1 << 63) - 1,
    };
    magnitude(digits, radix).is_some_and(|value| value <= limit)
}

fn magnitude(digits: &str, radix: u32) -> Option<u64> {
    let unsigned = digits.bytes().next().is_some_and(|first| first != b'+' && first != b'-');
    if unsigned { u64::from_str_radix(digits, radix).ok() } else { None }
}

/// go-yaml strips `0b` (v3: and `0o`) itself and parses the rest with its own sign: `0b-1`, `0o+7`.
fn is_signed_after_prefix(text: &str, version: Version) -> bool {
    let (rest, radix) = if let Some(rest) = text.strip_prefix("0b") {
        (rest, 2)
    } else if let Some(rest) = text.strip_prefix("0o").filter(|_| version == Version::V3) {
        (rest, 8)
    } else {
        return false;
    };
    match rest.as_bytes() {
        [b'-', ..] => magnitude(&rest[1..], radix).is_some_and(|value| value <= 1 << 63),
        [b'+', ..] => magnitude(&rest[1..], radix).is_some_and(|value| value < 1 << 63),
        _ => false,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` and not too large for a `float64`.
fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|text| digits(text.strip_prefix(['-', '+']).unwrap_or(text)));
    mantissa_fits && exponent_fits && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: sexagesimal in YAML 1.1, a string here, quoted for others' sake.
fn is_base60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !rest.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let mut parts = rest.split(':');
    let head = parts.next().unwrap_or_default();
    let head_fits =
        head.starts_with(|first: char| first.is_ascii_digit()) && head.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !head_fits {
        return false;
    }
    let mut count = 0;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        count += 1;
        let part = match part.split_once('.') {
            Some((whole, fraction)) if parts.peek().is_none() => {
                if !fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
                    return false;
                }
                whole
            }
            _ => part,
        };
        if !matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']) {
            return false;
        }
    }
    count > 0
}

/// One of go-yaml's four layouts, with the leniency of Go's `time.Parse`.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let mut clock = Clock { rest: &bytes[5..] };
    clock.timestamp(&bytes[..4]).is_some()
}

struct Clock<'t> {
    rest: &'t [u8],
}

impl Clock<'_> {
    fn timestamp(&mut self, year: &[u8]) -> Option<()> {
        let year = year.iter().fold(0, |all, digit| all * 10 + u32::from(digit - b'0'));
        let month = self.number().filter(|month| (1..=12).contains(month))?;
        self.literal(b"-")?;
        self.number().filter(|day| (1..=days_in(year, month)).contains(day))?;
        match self.rest.first() {
            None => return Some(()),
            Some(b'T' | b't') => {
                self.rest = &self.rest[1..];
                self.time()?;
                self.zone()?;
            }
            Some(b' ') => {
                let spaces = self.rest.iter().take_while(|byte| **byte == b' ').count();
                self.rest = &self.rest[spaces..];
                self.time()?;
            }
            Some(_) => return None,
        }
        self.rest.is_empty().then_some(())
    }

    fn time(&mut self) -> Option<()> {
        self.number().filter(|hour| *hour < 24)?;
        self.literal(b":")?;
        self.number().filter(|minute| *minute < 60)?;
        self.literal(b":")?;
        self.number().filter(|second| *second < 60)?;
        if let [b'.' | b',', b'0'..=b'9', ..] = self.rest {
            let digits = self.rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            self.rest = &self.rest[1 + digits..];
        }
        Some(())
    }

    fn zone(&mut self) -> Option<()> {
        if let [b'Z', rest @ ..] = self.rest {
            self.rest = rest;
            return Some(());
        }
        let [b'+' | b'-', h1, h2, b':', m1, m2, rest @ ..] = self.rest else { return None };
        let two = |high: &u8, low: &u8| (high.is_ascii_digit() && low.is_ascii_digit()).then(|| (high - b'0') * 10 + (low - b'0'));
        two(h1, h2).filter(|hours| *hours <= 24)?;
        two(m1, m2).filter(|minutes| *minutes <= 60)?;
        self.rest = rest;
        Some(())
    }

    /// One digit or two.
    fn number(&mut self) -> Option<u32> {
        let digits = self.rest.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        (digits > 0).then(|| number.iter().fold(0, |all, digit| all * 10 + u32::from(digit - b'0')))
    }

    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
