//! Tokens of PromQL, with Grafana's variables as tokens of their own.

use std::ops::Range;

use super::Error;

/// A token and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub span: Range<usize>,
}

/// The kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A number.
    Number,
    /// A number with units: `1h30m`.
    Duration,
    /// A quoted text.
    String,
    /// A word: metric, label, function, keyword.
    Word,
    /// A word that a variable is part of: `$interval`, `node_${kind}_total`, `${__range_s}s`.
    Variable,
    /// An operator or bracket, as it is written.
    Mark(&'static str),
    /// The end.
    End,
}

/// Operators and brackets; the longer first.
const MARKS: &[&str] =
    &["==", "!=", "<=", ">=", "=~", "!~", "(", ")", "{", "}", "[", "]", ",", ":", "+", "-", "*", "/", "%", "^", "<", ">", "=", "@"];

/// All tokens of a query; the last is [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut brackets = 0_usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = one(rest, at, brackets > 0)?;
        match kind {
            TokenKind::Mark("[") => brackets += 1,
            TokenKind::Mark("]") => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        tokens.push(Token { kind, span: at..at + length });
        at += length;
    }
    tokens.push(Token { kind: TokenKind::End, span: text.len()..text.len() });
    Ok(tokens)
}

/// The token at the beginning and its length. Within brackets a colon stands between two durations.
fn one(rest: &str, at: usize, in_brackets: bool) -> Result<(TokenKind, usize), Error> {
    let first = rest.bytes().next().unwrap_or_default();
    match first {
        b'"' | b'\'' | b'`' => Ok((TokenKind::String, quoted(rest, at)?)),
        b'0'..=b'9' => Ok(number(rest, at)?),
        b'.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => number(rest, at),
        b'$' => Ok((TokenKind::Variable, word(rest, in_brackets).1)),
        _ if first.is_ascii_alphabetic() || first == b'_' || (first == b':' && !in_brackets) => {
            let (variable, length) = word(rest, in_brackets);
            Ok((if variable { TokenKind::Variable } else { TokenKind::Word }, length))
        }
        _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            Some(mark) => Ok((TokenKind::Mark(mark), mark.len())),
            None => {
                let c = rest.chars().next().unwrap_or_default();
                Err(Error::new(format!("unexpected character `{c}`"), at..at + c.len_utf8()))
            }
        },
    }
}

/// The length of a word, and whether variables are part of it.
fn word(rest: &str, in_brackets: bool) -> (bool, usize) {
    let bytes = rest.as_bytes();
    let (mut at, mut variable) = (0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'$' => {
                variable = true;
                at += 1;
                if bytes.get(at) == Some(&b'{') {
                    at += rest.get(at..).and_then(|rest| rest.find('}')).map_or(rest.len() - at, |end| end + 1);
                }
            }
            b':' if in_brackets => break,
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':') => at += 1,
            _ => break,
        }
    }
    (variable, at)
}

/// The length of a quoted text.
fn quoted(rest: &str, at: usize) -> Result<usize, Error> {
    let quote = rest.chars().next().unwrap_or_default();
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            '\n' if quote != '`' => break,
            _ if c == quote => return Ok(offset + 1),
            _ => {}
        }
    }
    Err(Error::new("unterminated quoted string", at..at + 1))
}

/// A number or duration and its length.
fn number(rest: &str, at: usize) -> Result<(TokenKind, usize), Error> {
    let bytes = rest.as_bytes();
    let hexadecimal = rest.starts_with("0x") || rest.starts_with("0X");
    let mut end = 0;
    while let Some(byte) = bytes.get(end) {
        let exponent = !hexadecimal && end > 0 && matches!(bytes.get(end - 1), Some(b'e' | b'E')) && matches!(byte, b'+' | b'-');
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || exponent) {
            break;
        }
        end += 1;
    }
    if bytes.get(end) == Some(&b'$') {
        return Ok((TokenKind::Variable, end + word(rest.get(end..).unwrap_or_default(), true).1));
    }
    let text = rest.get(..end).unwrap_or_default();
    let digits = text.replace('_', "");
    if hexadecimal && u64::from_str_radix(digits.get(2..).unwrap_or_default(), 16).is_ok() || digits.parse::<f64>().is_ok() {
        return Ok((TokenKind::Number, end));
    }
    if is_duration(text) {
        return Ok((TokenKind::Duration, end));
    }
    Err(Error::new(format!("bad number or duration `{text}`"), at..at + end))
}

/// Units of durations; each may come once, the larger first.
const UNITS: &[&str] = &["y", "w", "d", "h", "m", "s", "ms"];

/// `1h30m`
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    let mut from = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let after = rest.get(digits..).unwrap_or_default();
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = after.get(..letters).unwrap_or_default();
        match UNITS.iter().position(|known| *known == unit) {
            Some(place) if digits > 0 && place >= from => from = place + 1,
            _ => return false,
        }
        rest = after.get(letters..).unwrap_or_default();
    }
    from > 0
}
