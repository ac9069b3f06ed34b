//! Bytes to text: encodings, byte order marks and the characters that YAML does not allow.

use std::borrow::Cow;

/// go-yaml reads its input in pieces of this size, and complains about all of a piece before it parses any of it.
const CHUNK: usize = 512;

const INCOMPLETE: &str = "incomplete UTF-8 octet sequence";

/// A text that can be scanned: UTF-8 without a byte order mark and without control characters, up to where the
/// input stops being that.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    text: Cow<'a, str>,
    failure: Option<&'static str>,
}

/// What a character check found wrong: its byte offset and go-yaml's words for it.
type Fault = (usize, &'static str);

impl<'a> Input<'a> {
    /// Takes UTF-8, or UTF-16 with a byte order mark, as go-yaml's `readerc.go` does.
    ///
    /// Nothing fails here: bytes that are no YAML text become an error of the parser when it reaches them.
    pub fn new(bytes: &'a [u8]) -> Self {
        match bytes {
            [0xff, 0xfe, rest @ ..] => Self::utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => Self::utf16(rest, u16::from_be_bytes),
            _ => Self::utf8(bytes),
        }
    }

    /// The text, up to the part that cannot be read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why the input goes on but cannot be read, in go-yaml's words.
    pub fn failure(&self) -> Option<&'static str> {
        self.failure
    }

    fn utf8(bytes: &'a [u8]) -> Self {
        let bom = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let (text, mut fault) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let (valid, invalid) = bytes.split_at(error.valid_up_to());
                // The first half was just found to be UTF-8, so nothing is lost here.
                (std::str::from_utf8(valid).unwrap_or_default(), Some((valid.len(), invalid_utf8(invalid))))
            }
        };
        let rest = text.get(bom..).unwrap_or_default();
        if let Some((at, problem)) = forbidden(rest) {
            fault = Some((at + bom, problem));
        }
        if bytes.len() > u32::MAX as usize {
            fault = Some((0, "input is larger than 4 GiB"));
        }
        let Some((at, problem)) = fault else {
            return Self { text: Cow::Borrowed(rest), failure: None };
        };
        // A character that is cut off is only noticed when nothing comes after it.
        let end = if problem == INCOMPLETE { at } else { chunk_start(text, at) }.max(bom);
        Self { text: Cow::Borrowed(text.get(bom..end).unwrap_or_default()), failure: Some(problem) }
    }

    fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Self {
        let pairs = bytes.chunks_exact(2);
        let odd = !pairs.remainder().is_empty();
        let mut text = String::with_capacity(bytes.len());
        let mut failure = None;
        for decoded in char::decode_utf16(pairs.map(|pair| unit([pair[0], pair[1]]))) {
            match decoded {
                Ok(c) => text.push(c),
                Err(error) if error.unpaired_surrogate() & 0xfc00 == 0xdc00 => failure = Some("unexpected low surrogate area"),
                Err(_) => failure = Some("expected low surrogate area"),
            }
            if failure.is_some() {
                break;
            }
        }
        if failure.is_none() && odd {
            failure = Some("incomplete UTF-16 character");
        }
        if let Some((at, problem)) = forbidden(&text) {
            text.truncate(at);
            failure = Some(problem);
        }
        Self { text: Cow::Owned(text), failure }
    }
}

/// A Go string as JSON has it: U+FFFD for each byte that is not part of a character.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    let mut rest = bytes;
    let mut text = String::new();
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) if text.is_empty() => return Cow::Borrowed(valid),
            Ok(valid) => {
                text.push_str(valid);
                return Cow::Owned(text);
            }
            Err(error) => {
                let (valid, invalid) = rest.split_at(error.valid_up_to());
                text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                text.push(char::REPLACEMENT_CHARACTER);
                rest = invalid.get(1..).unwrap_or_default();
            }
        }
    }
}

/// Where the piece that holds the byte `at` starts; a character that straddles two pieces belongs to the second.
fn chunk_start(text: &str, at: usize) -> usize {
    let mut start = 0;
    loop {
        let end = floor_char(text, start + CHUNK);
        if end > at || end <= start || end >= text.len() {
            return start;
        }
        start = end;
    }
}

fn floor_char(text: &str, mut at: usize) -> usize {
    if at >= text.len() {
        return at;
    }
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What go-yaml says about the first bytes that are not UTF-8.
fn invalid_utf8(bytes: &[u8]) -> &'static str {
    let Some(&first) = bytes.first() else {
        return INCOMPLETE;
    };
    let width = match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    let Some(sequence) = bytes.get(..width) else {
        return INCOMPLETE;
    };
    if sequence.iter().skip(1).any(|byte| byte & 0xc0 != 0x80) {
        return "invalid trailing UTF-8 octet";
    }
    let value = sequence.iter().skip(1).fold(u32::from(first) & (0x7f >> width), |value, byte| value << 6 | u32::from(byte & 0x3f));
    let shortest = [0, 0, 0x80, 0x800, 0x1_0000][width];
    if value < shortest { "invalid length of a UTF-8 sequence" } else { "invalid Unicode character" }
}

/// The first character that YAML forbids: a control character, or one that is no character.
fn forbidden(text: &str) -> Option<Fault> {
    // Looking at blocks without leaving early is what lets the compiler use wide registers; nearly all blocks pass.
    for (at, block) in text.as_bytes().chunks(256).enumerate() {
        if block.iter().fold(false, |found, &byte| found | SUSPECT[byte as usize]) {
            let from = at * 256;
            let to = (from + 256).min(text.len());
            let fault = (from..to).find(|&at| is_forbidden(text.as_bytes().get(at..).unwrap_or_default()));
            if let Some(at) = fault {
                return Some((at, "control characters are not allowed"));
            }
        }
    }
    None
}

/// Bytes that start a forbidden character, or may do so.
static SUSPECT: [bool; 256] = suspects();

const fn suspects() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = byte != 9 && byte != 10 && byte != 13;
        byte += 1;
    }
    table[0x7f] = true;
    table[0xc2] = true;
    table[0xef] = true;
    table
}

/// Whether UTF-8 starts with a forbidden character.
fn is_forbidden(text: &[u8]) -> bool {
    match *text {
        [b'\t' | b'\n' | b'\r', ..] => false,
        [0..=0x1f | 0x7f, ..] => true,
        [0xc2, second, ..] => (0x80..0xa0).contains(&second) && second != 0x85,
        [0xef, 0xbf, third, ..] => third >= 0xbe,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borrowed_and_the_mark_is_dropped() {
        let input = Input::new(b"\xef\xbb\xbfa: 1");
        assert_eq!((input.text(), input.failure()), ("a: 1", None));
    }

    #[test]
    fn utf16_is_transcoded() {
        assert_eq!(Input::new(b"\xff\xfea\0:\0").text(), "a:");
        assert_eq!(Input::new(b"\xfe\xff\0a\0:").text(), "a:");
        assert_eq!(Input::new(b"\xfe\xff\0a\0").failure(), Some("incomplete UTF-16 character"));
    }

    #[test]
    fn faults_have_go_yamls_words() {
        for (bytes, problem) in [
            (&b"a\x01"[..], "control characters are not allowed"),
            (b"a\xff", "invalid leading UTF-8 octet"),
            (b"a\xc3", "incomplete UTF-8 octet sequence"),
            (b"a\xc3a", "invalid trailing UTF-8 octet"),
            (b"a\xc0\x80", "invalid length of a UTF-8 sequence"),
            (b"a\xed\xa0\x80", "invalid Unicode character"),
        ] {
            assert_eq!(Input::new(bytes).failure(), Some(problem));
        }
    }
}
