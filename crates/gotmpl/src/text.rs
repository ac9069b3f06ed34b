//! Bytes as Go's `unicode/utf8`, `unicode` and `strconv` see them: decoding that never fails, character classes,
//! quoting and unquoting.

use std::borrow::Cow;
use std::sync::OnceLock;

/// What stands for bytes that are not UTF-8.
pub(crate) const REPLACEMENT: u32 = 0xFFFD;

/// The first character and its width; `(U+FFFD, 1)` where the bytes are not UTF-8, `(U+FFFD, 0)` at the end.
#[inline]
pub fn decode(bytes: &[u8]) -> (u32, usize) {
    match bytes.first() {
        None => (REPLACEMENT, 0),
        Some(&byte) if byte < 0x80 => (u32::from(byte), 1),
        Some(_) => decode_wide(bytes),
    }
}

#[cold]
fn decode_wide(bytes: &[u8]) -> (u32, usize) {
    for width in 2..=bytes.len().min(4) {
        if let Some(c) = bytes.get(..width).and_then(|head| std::str::from_utf8(head).ok()).and_then(|text| text.chars().next()) {
            return (u32::from(c), width);
        }
    }
    (REPLACEMENT, 1)
}

/// The last character and its width, under the rules of [`decode`].
pub fn decode_last(bytes: &[u8]) -> (u32, usize) {
    match bytes.last() {
        None => (REPLACEMENT, 0),
        Some(&byte) if byte < 0x80 => (u32::from(byte), 1),
        Some(_) => {
            for width in 2..=bytes.len().min(4) {
                let (rune, used) = decode(&bytes[bytes.len() - width..]);
                if used == width {
                    return (rune, width);
                }
            }
            (REPLACEMENT, 1)
        }
    }
}

/// The characters with their widths, until the end.
pub fn runes(bytes: &[u8]) -> impl Iterator<Item = (u32, usize)> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (rune, width) = decode(rest);
        rest = rest.get(width..).unwrap_or_default();
        (width > 0).then_some((rune, width))
    })
}

/// Appends a character as UTF-8; what is none becomes U+FFFD.
pub(crate) fn push_rune(out: &mut Vec<u8>, rune: u32) {
    let c = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

type Ranges = Box<[(u32, u32)]>;

fn ranges(pattern: &str) -> Ranges {
    let hir = regex_syntax::parse(pattern).map(regex_syntax::hir::Hir::into_kind);
    match hir {
        Ok(regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class))) => {
            class.ranges().iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
        _ => Box::default(),
    }
}

fn contains(ranges: &Ranges, rune: u32) -> bool {
    let after = ranges.partition_point(|&(start, _)| start <= rune);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|&(_, end)| rune <= end)
}

/// Go's `unicode.IsLetter`.
pub fn is_letter(rune: u32) -> bool {
    static LETTERS: OnceLock<Ranges> = OnceLock::new();
    match u8::try_from(rune) {
        Ok(byte) if byte < 0x80 => byte.is_ascii_alphabetic(),
        _ => contains(LETTERS.get_or_init(|| ranges(r"\p{L}")), rune),
    }
}

/// Go's `unicode.IsDigit`.
pub fn is_digit(rune: u32) -> bool {
    static DIGITS: OnceLock<Ranges> = OnceLock::new();
    match u8::try_from(rune) {
        Ok(byte) if byte < 0x80 => byte.is_ascii_digit(),
        _ => contains(DIGITS.get_or_init(|| ranges(r"\p{Nd}")), rune),
    }
}

/// Go's `unicode.IsPrint`, which is `strconv.IsPrint`.
pub fn is_print(rune: u32) -> bool {
    static PRINTABLE: OnceLock<Ranges> = OnceLock::new();
    if rune < 0x80 {
        return (0x20..0x7F).contains(&rune);
    }
    contains(PRINTABLE.get_or_init(|| ranges(r"[\p{L}\p{M}\p{N}\p{P}\p{S}]")), rune)
}

/// Go's `unicode.IsSpace`.
pub fn is_space(rune: u32) -> bool {
    matches!(rune, 0x09..=0x0D | 0x20 | 0x85 | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000)
}

/// Whether Go's `bytes.TrimSpace` leaves nothing.
pub fn is_blank(bytes: &[u8]) -> bool {
    runes(bytes).all(|(rune, _)| is_space(rune))
}

/// Go's `strconv.Quote`, or `QuoteToASCII` where `ascii` is set.
pub fn quote(bytes: &[u8], ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    let mut rest = bytes;
    while !rest.is_empty() {
        let (rune, width) = decode(rest);
        if rune == REPLACEMENT && width == 1 {
            push_hex(&mut out, "\\x", u32::from(rest.first().copied().unwrap_or_default()), 2);
        } else {
            push_escaped(&mut out, rune, '"', ascii);
        }
        rest = rest.get(width..).unwrap_or_default();
    }
    out.push('"');
    out
}

/// Go's `strconv.QuoteRune`, or `QuoteRuneToASCII` where `ascii` is set.
pub(crate) fn quote_rune(rune: u32, ascii: bool) -> String {
    let rune = if char::from_u32(rune).is_some() { rune } else { REPLACEMENT };
    let mut out = String::from("'");
    push_escaped(&mut out, rune, '\'', ascii);
    out.push('\'');
    out
}

fn push_hex(out: &mut String, prefix: &str, value: u32, width: usize) {
    use std::fmt::Write;
    // Writing to a String cannot fail.
    let _ = write!(out, "{prefix}{value:0width$x}");
}

fn push_escaped(out: &mut String, rune: u32, delimiter: char, ascii: bool) {
    let c = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
    match c {
        '\\' => out.push_str("\\\\"),
        _ if c == delimiter => {
            out.push('\\');
            out.push(c);
        }
        _ if (rune < 0x80 || !ascii) && is_print(rune) => out.push(c),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0C' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0B' => out.push_str("\\v"),
        _ if rune < 0x20 || rune == 0x7F => push_hex(out, "\\x", rune, 2),
        _ if rune < 0x10000 => push_hex(out, "\\u", rune, 4),
        _ => push_hex(out, "\\U", rune, 8),
    }
}

/// Go's `strconv.Unquote` for string literals in double quotes or backquotes; `None` is its `invalid syntax`.
///
/// What stands between the quotes is given as it is where nothing in it has to be changed.
pub(crate) fn unquote(literal: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (&first, rest) = literal.split_first()?;
    let (&last, inner) = rest.split_last()?;
    if first != last {
        return None;
    }
    match first {
        b'`' if memchr::memchr(b'`', inner).is_some() => None,
        b'`' if memchr::memchr(b'\r', inner).is_none() => Some(inner.into()),
        b'`' => Some(inner.iter().copied().filter(|&byte| byte != b'\r').collect()),
        b'"' => unquote_double(inner),
        _ => None,
    }
}

fn unquote_double(inner: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (mut plain, mut ascii) = (true, true);
    for &byte in inner {
        plain &= !matches!(byte, b'\n' | b'\\' | b'"');
        ascii &= byte < 0x80;
    }
    if plain && (ascii || std::str::from_utf8(inner).is_ok()) {
        return Some(inner.into());
    }
    if inner.contains(&b'\n') {
        return None;
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let (unit, tail) = unquote_char(rest, b'"')?;
        match unit {
            Unit::Byte(byte) => out.push(byte),
            Unit::Rune(rune) => push_rune(&mut out, rune),
        }
        rest = tail;
    }
    Some(out.into())
}

/// What one escape or character of a literal stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A single byte: `\x41`, `\101`.
    Byte(u8),
    /// A character.
    Rune(u32),
}

impl Unit {
    /// The number that a character constant of this unit is.
    pub fn code(self) -> u32 {
        match self {
            Self::Byte(byte) => u32::from(byte),
            Self::Rune(rune) => rune,
        }
    }
}

/// Go's `strconv.UnquoteChar`: the first unit and what follows it; `None` is its `invalid syntax`.
pub(crate) fn unquote_char(text: &[u8], quote: u8) -> Option<(Unit, &[u8])> {
    let (&first, after) = text.split_first()?;
    if first == quote {
        return None;
    }
    if first >= 0x80 {
        let (rune, width) = decode(text);
        return Some((Unit::Rune(rune), text.get(width..)?));
    }
    if first != b'\\' {
        return Some((Unit::Rune(u32::from(first)), after));
    }
    let (&kind, after) = after.split_first()?;
    let simple = |rune: u8| Some((Unit::Rune(u32::from(rune)), after));
    match kind {
        b'a' => simple(0x07),
        b'b' => simple(0x08),
        b'f' => simple(0x0C),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(0x0B),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' => (kind == quote).then(|| simple(kind))?,
        b'x' => hex_unit(after, 2),
        b'u' => hex_unit(after, 4),
        b'U' => hex_unit(after, 8),
        b'0'..=b'7' => octal_unit(kind, after),
        _ => None,
    }
}

fn hex_unit(text: &[u8], digits: usize) -> Option<(Unit, &[u8])> {
    let value = text.get(..digits)?.iter().try_fold(0_u32, |value, &byte| Some((value << 4) | char::from(byte).to_digit(16)?))?;
    let rest = text.get(digits..)?;
    if digits == 2 {
        return Some((Unit::Byte(u8::try_from(value).ok()?), rest));
    }
    char::from_u32(value).map(|_| (Unit::Rune(value), rest))
}

fn octal_unit(first: u8, text: &[u8]) -> Option<(Unit, &[u8])> {
    let value =
        text.get(..2)?.iter().try_fold(u32::from(first - b'0'), |value, &byte| Some((value << 3) | char::from(byte).to_digit(8)?))?;
    Some((Unit::Byte(u8::try_from(value).ok()?), text.get(2..)?))
}

/// Go's `%#U`: `U+0041 'A'`.
pub(crate) fn unicode_form(rune: u32) -> String {
    match char::from_u32(rune) {
        Some(c) if is_print(rune) => format!("U+{rune:04X} '{c}'"),
        _ => format!("U+{rune:04X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_follows_strconv() {
        assert_eq!(quote(b"a\"b\\\n\x00\xff\xc3\xa9\xe2\x80\xa8", false), r#""a\"b\\\n\x00\xffé\u2028""#);
        assert_eq!(quote("é\u{1F600}".as_bytes(), true), r#""\u00e9\U0001f600""#);
        assert_eq!(quote_rune(0x27, false), r"'\''");
    }

    #[test]
    fn unquoting_follows_strconv() {
        assert_eq!(unquote(br#""a\x41\101\u00e9\"""#).as_deref(), Some("aAAé\"".as_bytes()));
        assert_eq!(unquote(b"`a\r\\n`").as_deref(), Some(&b"a\\n"[..]));
        assert!(matches!(unquote(b"\"a\""), Some(Cow::Borrowed(b"a"))));
        assert_eq!(unquote(b"\"\xff\"").as_deref(), Some("\u{FFFD}".as_bytes()));
        assert_eq!(unquote(br#""\'""#), None);
        assert_eq!(unquote(br#""\400""#), None);
        assert_eq!(unquote(br#""\ud800""#), None);
    }

    #[test]
    fn classes_are_those_of_unicode() {
        assert!(is_letter(u32::from('é')) && !is_letter(u32::from('²')) && is_digit(u32::from('٣')));
        assert!(is_print(u32::from('é')) && !is_print(0xA0) && !is_print(0x7F));
    }
}
