//! What a scalar's text means: `resolve.go` of go-yaml v2 and v3.

use std::borrow::Cow;

use super::Dialect;
use super::node::Tag;

/// The prefix of YAML's own tags, of which `!!` is the short form.
const LONG_PREFIX: &str = "tag:yaml.org,2002:";

/// A scalar's value, as go-yaml would put it into an `interface{}`.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// `null`, `~`, nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits `int64`.
    Int(i64),
    /// A larger integer that fits `uint64`.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A string; not always UTF-8 in Go, where `!!binary` is decoded, but what JSON makes of it.
    Str(Cow<'a, str>),
    /// A date or time; v2 hands out its text.
    Timestamp(&'a str),
    /// `<<`
    Merge,
}

impl Scalar<'_> {
    /// The tag of the value.
    pub fn tag(&self) -> Tag {
        match self {
            Self::Null => Tag::Null,
            Self::Bool(_) => Tag::Bool,
            Self::Int(_) | Self::Uint(_) => Tag::Int,
            Self::Float(_) => Tag::Float,
            Self::Str(_) => Tag::Str,
            Self::Timestamp(_) => Tag::Timestamp,
            Self::Merge => Tag::Merge,
        }
    }
}

impl Tag {
    /// Reads a tag in its long or short form; what is not YAML's own is [`Tag::Other`], nothing at all [`Tag::Untagged`].
    pub fn parse(tag: &str) -> Self {
        let name = tag.strip_prefix(LONG_PREFIX).or_else(|| tag.strip_prefix("!!"));
        match name {
            Some("null") => Self::Null,
            Some("bool") => Self::Bool,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("str") => Self::Str,
            Some("seq") => Self::Seq,
            Some("map") => Self::Map,
            Some("binary") => Self::Binary,
            Some("timestamp") => Self::Timestamp,
            Some("merge") => Self::Merge,
            None if tag.is_empty() => Self::Untagged,
            Some(_) | None => Self::Other,
        }
    }

    /// A tag with the short form of YAML's own prefix.
    pub(super) fn short(tag: &str) -> ecow::EcoString {
        match tag.strip_prefix(LONG_PREFIX) {
            Some(name) => ecow::eco_format!("!!{name}"),
            None => tag.into(),
        }
    }

    /// The short form: `!!str`; empty for what has none.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Str => "!!str",
            Self::Seq => "!!seq",
            Self::Map => "!!map",
            Self::Binary => "!!binary",
            Self::Timestamp => "!!timestamp",
            Self::Merge => "!!merge",
            Self::Untagged | Self::Other => "",
        }
    }
}

/// The value of a plain scalar without a tag.
pub fn plain(text: &str, dialect: Dialect) -> Scalar<'_> {
    resolve(text, dialect, true)
}

/// The value of a scalar with an explicit tag.
///
/// Fails with go-yaml's words where the text is no such thing: ``cannot decode !!str `abc` as a !!int``.
pub fn tagged<'a>(tag: &str, text: &'a str, dialect: Dialect) -> Result<Scalar<'a>, String> {
    let wanted = Tag::parse(tag);
    let found = match wanted {
        Tag::Str => return Ok(Scalar::Str(Cow::Borrowed(text))),
        Tag::Binary => return binary(text),
        Tag::Timestamp => resolve(text, dialect, true),
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float => resolve(text, dialect, false),
        Tag::Seq | Tag::Map | Tag::Merge | Tag::Untagged | Tag::Other => return Ok(Scalar::Str(Cow::Borrowed(text))),
    };
    match found {
        Scalar::Int(value) if wanted == Tag::Float => Ok(Scalar::Float(value as f64)),
        found if found.tag() == wanted => Ok(found),
        found => Err(format!("cannot decode {} `{text}` as a {}", found.tag().as_str(), wanted.as_str())),
    }
}

fn binary(text: &str) -> Result<Scalar<'_>, String> {
    use base64::Engine as _;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config =
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = GeneralPurpose::new(&base64::alphabet::STANDARD, config)
        .decode(packed)
        .map_err(|_| "!!binary value contains invalid base64 data".to_owned())?;
    Ok(Scalar::Str(Cow::Owned(super::input::lossy(&bytes).into_owned())))
}

fn resolve(text: &str, dialect: Dialect, timestamps: bool) -> Scalar<'_> {
    let string = || Scalar::Str(Cow::Borrowed(text));
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text, dialect).unwrap_or_else(string),
        b'.' => special_float(text).or_else(|| separated_float(text)).unwrap_or_else(string),
        b'0'..=b'9' | b'+' | b'-' => {
            if let Some(special) = special_float(text) {
                return special;
            }
            if timestamps && is_timestamp(text) {
                return Scalar::Timestamp(text);
            }
            number(text, dialect).unwrap_or_else(string)
        }
        _ => string(),
    }
}

fn word(text: &str, dialect: Dialect) -> Option<Scalar<'static>> {
    if text.len() > "false".len() {
        return None;
    }
    Some(match text {
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if dialect == Dialect::V2 => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if dialect == Dialect::V2 => Scalar::Bool(false),
        _ => return None,
    })
}

fn special_float(text: &str) -> Option<Scalar<'static>> {
    Some(Scalar::Float(match text {
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        _ => return None,
    }))
}

/// `strconv.ParseFloat` for a text that starts with a point; underscores may stand between digits.
fn separated_float(text: &str) -> Option<Scalar<'static>> {
    if memchr::memchr(b'_', text.as_bytes()).is_none() {
        return float(text);
    }
    let between_digits = |at: usize| {
        let digit = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
        digit(at.checked_sub(1)) && digit(at.checked_add(1))
    };
    if !memchr::memchr_iter(b'_', text.as_bytes()).all(between_digits) {
        return None;
    }
    float(&text.replace('_', ""))
}

fn float(text: &str) -> Option<Scalar<'static>> {
    if !is_yaml_float(text) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}

fn number(text: &str, dialect: Dialect) -> Option<Scalar<'static>> {
    let plain: Cow<'_, str> = if memchr::memchr(b'_', text.as_bytes()).is_some() { text.replace('_', "").into() } else { text.into() };
    let plain = plain.as_ref();
    integer(plain).or_else(|| float(plain)).or_else(|| prefixed(plain, "0b", "-0b", 2)).or_else(|| match dialect {
        Dialect::V2 => None,
        Dialect::V3 => prefixed(plain, "0o", "-0o", 8),
    })
}

/// `strconv.ParseInt` and then `ParseUint` with base 0, on a text without underscores.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    let signed = digits.len() != text.len();
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, digits.get(2..)?),
        [b'0', b'b' | b'B', _, ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.bytes().all(|digit| char::from(digit).is_digit(base)) {
        return None;
    }
    let value = u64::from_str_radix(digits, base).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(value).map(Scalar::Int);
    }
    match i64::try_from(value) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) if signed => None,
        Err(_) => Some(Scalar::Uint(value)),
    }
}

/// `0b-1` and the like: go-yaml cuts the prefix off and lets `strconv` read a sign after it.
fn prefixed(text: &str, prefix: &str, negative: &str, base: u32) -> Option<Scalar<'static>> {
    if let Some(digits) = text.strip_prefix(prefix) {
        return i64::from_str_radix(digits, base).ok().map(Scalar::Int);
    }
    let digits = text.strip_prefix(negative)?;
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("-{digits}"), base).ok().map(Scalar::Int)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_yaml_float(text: &str) -> bool {
    let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.as_bytes();
    if let [b'-' | b'+', tail @ ..] = rest {
        rest = tail;
    }
    let whole = digits(rest);
    rest = rest.get(whole..).unwrap_or_default();
    if let [b'.', tail @ ..] = rest {
        let fraction = digits(tail);
        if whole == 0 && fraction == 0 {
            return false;
        }
        rest = tail.get(fraction..).unwrap_or_default();
    } else if whole == 0 {
        return false;
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        rest = tail;
        if let [b'-' | b'+', tail @ ..] = rest {
            rest = tail;
        }
        let exponent = digits(rest);
        return exponent > 0 && exponent == rest.len();
    }
    rest.is_empty()
}

/// Whether one of go-yaml's four layouts fits, as `time.Parse` reads them.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes.get(4) != Some(&b'-') || !bytes.iter().take(4).all(u8::is_ascii_digit) {
        return false;
    }
    let mut clock = Clock { rest: bytes.get(5..).unwrap_or_default() };
    let year = bytes.iter().take(4).fold(0, |year, digit| year * 10 + u32::from(digit - b'0'));
    clock.date(year).is_some() && clock.time().is_some()
}

/// A reader of the parts of a time.
struct Clock<'a> {
    rest: &'a [u8],
}

impl Clock<'_> {
    fn date(&mut self, year: u32) -> Option<()> {
        let month = self.number()?;
        self.byte(b'-')?;
        let day = self.number()?;
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(())
    }

    /// Nothing, or ` 15:4:5.9`, or `T15:4:5.9Z`.
    fn time(&mut self) -> Option<()> {
        match *self.rest {
            [] => Some(()),
            [b' ', ..] => {
                self.rest = self.rest.trim_ascii_start();
                self.clock()?;
                self.rest.is_empty().then_some(())
            }
            [b'T' | b't', ..] => {
                self.rest = self.rest.get(1..)?;
                self.clock()?;
                self.zone()
            }
            _ => None,
        }
    }

    fn clock(&mut self) -> Option<()> {
        let hour = self.number()?;
        self.byte(b':')?;
        let minute = self.number()?;
        self.byte(b':')?;
        let second = self.number()?;
        if let [b'.' | b',', b'0'..=b'9', ..] = *self.rest {
            let digits = self.rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
            self.rest = self.rest.get(1 + digits..)?;
        }
        (hour < 24 && minute < 60 && second < 60).then_some(())
    }

    fn zone(&mut self) -> Option<()> {
        if let [b'Z'] = *self.rest {
            return Some(());
        }
        let [b'+' | b'-', h1, h2, b':', m1, m2] = *self.rest else {
            return None;
        };
        let number = |tens: u8, ones: u8| {
            (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        };
        (number(h1, h2)? <= 24 && number(m1, m2)? <= 60).then_some(())
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (first == wanted).then_some(())
    }

    /// One or two digits.
    fn number(&mut self) -> Option<u32> {
        let digits = self.rest.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
        let value = self.rest.iter().take(digits).fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        self.rest = self.rest.get(digits..)?;
        (digits > 0).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_between_the_dialects() {
        assert_eq!(plain("yes", Dialect::V2), Scalar::Bool(true));
        assert_eq!(plain("yes", Dialect::V3), Scalar::Str("yes".into()));
        assert_eq!(plain("~", Dialect::V3), Scalar::Null);
    }

    #[test]
    fn numbers() {
        for (text, value) in [
            ("0644", Scalar::Int(420)),
            ("0o17", Scalar::Int(15)),
            ("0x1F", Scalar::Int(31)),
            ("-0b11", Scalar::Int(-3)),
            ("1_000", Scalar::Int(1000)),
            ("+7", Scalar::Int(7)),
            ("08", Scalar::Float(8.0)),
            ("1.", Scalar::Float(1.0)),
            (".5", Scalar::Float(0.5)),
            ("1e3", Scalar::Float(1000.0)),
            ("-9223372036854775808", Scalar::Int(i64::MIN)),
            ("18446744073709551615", Scalar::Uint(u64::MAX)),
            ("18446744073709551616", Scalar::Float(18446744073709551616.0)),
        ] {
            assert_eq!(plain(text, Dialect::V2), value, "{text}");
        }
        for text in ["1e400", "0x", "1.2.3", "-", "+", "1:20", "0xg", "1e"] {
            assert_eq!(plain(text, Dialect::V2), Scalar::Str(text.into()));
        }
    }

    #[test]
    fn times() {
        for text in ["2001-12-14T21:59:43.10-05:00", "2001-1-2 3:4:5", "2001-1-2", "2001-12-14t21:59:43Z"] {
            assert_eq!(plain(text, Dialect::V3), Scalar::Timestamp(text));
        }
        for text in ["2001-02-29", "2001-12-14 21:59:43.10 -5", "2001-1-2T3:4:5", "2001-13-01"] {
            assert_eq!(plain(text, Dialect::V3), Scalar::Str(text.into()));
        }
    }

    #[test]
    fn tags_are_checked() {
        assert_eq!(tagged("!!int", "abc", Dialect::V2), Err("cannot decode !!str `abc` as a !!int".to_owned()));
        assert_eq!(tagged("!!float", "1", Dialect::V2), Ok(Scalar::Float(1.0)));
        assert_eq!(tagged("!!str", "1", Dialect::V2), Ok(Scalar::Str("1".into())));
        assert_eq!(tagged("!!binary", "aGk=", Dialect::V2), Ok(Scalar::Str("hi".into())));
    }
}
