//! Places in texts: bytes, and the lines and columns that stand for them.
//!
//! Lines and columns count from 1, columns in characters. What is not UTF-8 counts as many characters as it has once it is shown.

use std::ops::Range;

/// The line and the column of a byte; of the end for a byte beyond the text.
pub fn line_column(text: &[u8], offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    (line, String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() + 1)
}

/// The bytes of a line, without its line break; empty at the end when there is no such line. Line 0 is the first one.
pub fn line_range(text: &[u8], line: usize) -> Range<usize> {
    let mut start = 0;
    for _ in 1..line {
        match memchr::memchr(b'\n', text.get(start..).unwrap_or_default()) {
            Some(at) => start += at + 1,
            None => return text.len()..text.len(),
        }
    }
    start..line_end(text, start)
}

/// The byte at a line and a column, as parsers give them: the other way round than [`line_column`]. Where the line is shorter, its end; where
/// there is no such line, the end of the text. 0 (a node that was not read from a text) counts as 1.
pub fn byte_at(text: &[u8], line: u32, column: u32) -> usize {
    let line = line_range(text, line as usize);
    let chunks = text.get(line.clone()).unwrap_or_default().utf8_chunks();
    let lengths = chunks
        .flat_map(|chunk| chunk.valid().chars().map(char::len_utf8).chain([chunk.invalid().len()].into_iter().filter(|&len| len > 0)));
    line.start + lengths.take((column as usize).saturating_sub(1)).sum::<usize>()
}

/// The bytes of the YAML token that begins at a byte: a text in quotes, the scalar of this value where it is written as it is, and else the
/// rest of the line.
pub fn token(text: &[u8], start: usize, scalar: Option<&str>) -> Range<usize> {
    let rest = text.get(start..line_end(text, start)).unwrap_or_default();
    let rest = rest.strip_suffix(b"\r").unwrap_or(rest);
    let len = match (rest.first(), scalar) {
        (Some(quote @ (b'"' | b'\'')), Some(_)) => rest.iter().skip(1).position(|byte| byte == quote).map_or(rest.len(), |at| at + 2),
        (_, Some(scalar)) if !scalar.is_empty() && rest.starts_with(scalar.as_bytes()) => scalar.len(),
        _ => rest.trim_ascii_end().len(),
    };
    start..start + len
}

fn line_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in [&b""[..], b"a", "ä: \u{1f600}x\n\nb\r\n c".as_bytes(), b"\xff\xe2\x82a\n\xf0\x9f\n"] {
            let shown = String::from_utf8_lossy(text);
            for (at, _) in shown.char_indices().chain([(shown.len(), ' ')]) {
                let (line, column) = line_column(shown.as_bytes(), at);
                assert_eq!(byte_at(shown.as_bytes(), line as u32, column as u32), at, "{shown:?}");
                let found = byte_at(text, line as u32, column as u32);
                assert_eq!(line_column(text, found), (line, column), "{shown:?}");
            }
        }
    }

    #[test]
    fn what_is_nowhere_is_at_an_end() {
        let text = b"ab\ncd\n";
        for (line, column, at) in [(0, 0, 0), (1, 9, 2), (2, 3, 5), (3, 1, 6), (4, 1, 6), (9, 9, 6)] {
            assert_eq!(byte_at(text, line, column), at, "{line}:{column}");
        }
        assert_eq!(line_range(text, 3), 6..6);
        assert_eq!(line_column(text, 99), (3, 1));
    }

    #[test]
    fn tokens_as_they_are_written() {
        for (text, scalar, token_text) in [
            ("a: b", Some("a"), "a"),
            ("'a': b", Some("a"), "'a'"),
            ("\"a", Some("a b"), "\"a"),
            ("\"a \r\nb\"", Some("a b"), "\"a "),
            ("a: b  \nc: d", None, "a: b"),
            ("|\n  a", Some("a"), "|"),
            ("'a'", None, "'a'"),
            ("", Some(""), ""),
        ] {
            assert_eq!(&text[token(text.as_bytes(), 0, scalar)], token_text, "{text:?}");
        }
        assert_eq!(token(b"a", 5, Some("a")), 5..5);
    }
}
