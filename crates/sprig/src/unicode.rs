//! Runes and their classes as Go's `unicode`, `unicode/utf8` and `strings` see them.

use std::sync::OnceLock;

/// Go's `utf8.RuneError`, which stands for a byte that is not UTF-8.
pub(super) const RUNE_ERROR: char = '\u{FFFD}';

/// The first rune and its size; a byte that starts no rune is U+FFFD of size 1, an empty text U+FFFD of size 0.
pub(super) fn decode(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else { return (RUNE_ERROR, 0) };
    let size = match first {
        0..0x80 => return (char::from(first), 1),
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => return (RUNE_ERROR, 1),
    };
    let rune = bytes.get(..size).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.chars().next());
    rune.map_or((RUNE_ERROR, 1), |rune| (rune, size))
}

/// The last rune and its size.
pub(super) fn decode_last(bytes: &[u8]) -> (char, usize) {
    for size in 1..=bytes.len().min(4) {
        let tail = &bytes[bytes.len() - size..];
        let (rune, used) = decode(tail);
        if used == size && (rune != RUNE_ERROR || size == 3) {
            return (rune, size);
        }
    }
    (RUNE_ERROR, bytes.len().min(1))
}

/// The runes of a text with their offsets and sizes.
pub(super) fn runes(bytes: &[u8]) -> impl Iterator<Item = (usize, char, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (rune, size) = decode(bytes.get(at..)?);
        if size == 0 {
            return None;
        }
        at += size;
        Some((at - size, rune, size))
    })
}

/// Appends a rune.
pub(super) fn push(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Go's `strings.Map`: every rune replaced, bytes that are not UTF-8 by U+FFFD.
pub(super) fn map_runes(bytes: &[u8], mut change: impl FnMut(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (_, rune, _) in runes(bytes) {
        push(&mut out, change(rune));
    }
    out
}

/// A general category as sorted ranges.
struct Class(OnceLock<Vec<(char, char)>>, &'static str);

impl Class {
    fn has(&self, rune: char) -> bool {
        let ranges = self.0.get_or_init(|| ranges(self.1));
        let at = ranges.partition_point(|(_, last)| *last < rune);
        ranges.get(at).is_some_and(|(first, _)| *first <= rune)
    }
}

fn ranges(class: &str) -> Vec<(char, char)> {
    let hir = regex_syntax::parse(class).ok();
    match hir.as_ref().map(regex_syntax::hir::Hir::kind) {
        Some(regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class))) => {
            class.ranges().iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => Vec::new(),
    }
}

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $class:literal;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(rune: char) -> bool {
            static CLASS: Class = Class(OnceLock::new(), $class);
            CLASS.has(rune)
        }
    )*};
}

classes! {
    /// Category Lu.
    is_upper = r"\p{Lu}";
    /// Category Ll.
    is_lower = r"\p{Ll}";
    /// Category Lt.
    is_title = r"\p{Lt}";
    /// Category L.
    is_letter = r"\p{L}";
    /// Category Nd.
    is_digit = r"\p{Nd}";
    /// Category N.
    is_number = r"\p{N}";
    /// Category P.
    is_punct = r"\p{P}";
}

/// Go's `unicode.IsSpace`.
pub(super) fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

/// The simple upper case mapping: one rune for one rune.
pub(super) fn to_upper(rune: char) -> char {
    if rune.is_ascii() {
        return rune.to_ascii_uppercase();
    }
    one(rune.to_uppercase()).unwrap_or_else(|| simple_greek(rune))
}

/// The simple lower case mapping.
pub(super) fn to_lower(rune: char) -> char {
    match rune {
        'İ' => 'i',
        _ => one(rune.to_lowercase()).unwrap_or(rune),
    }
}

/// The simple title case mapping.
pub(super) fn to_title(rune: char) -> char {
    match u32::from(rune) {
        0x01C4..=0x01C6 => '\u{01C5}',
        0x01C7..=0x01C9 => '\u{01C8}',
        0x01CA..=0x01CC => '\u{01CB}',
        0x01F1..=0x01F3 => '\u{01F2}',
        0x10D0..=0x10FA | 0x10FD..=0x10FF => rune,
        _ => to_upper(rune),
    }
}

fn one(mut runes: impl Iterator<Item = char>) -> Option<char> {
    let first = runes.next();
    if runes.next().is_some() { None } else { first }
}

/// Greek letters with iota subscript have a simple mapping beside the full one of two letters; the other letters
/// whose full mapping is longer than one have none.
fn simple_greek(rune: char) -> char {
    let code = u32::from(rune);
    let mapped = match code {
        0x1F80..=0x1FAF => code | 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => code + 9,
        _ => code,
    };
    char::from_u32(mapped).unwrap_or(rune)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_byte_is_one_rune() {
        let all: Vec<_> = runes(b"a\xff\xe2\x82z\xe2\x82\xac").map(|(_, rune, size)| (rune, size)).collect();
        assert_eq!(all, [('a', 1), (RUNE_ERROR, 1), (RUNE_ERROR, 1), (RUNE_ERROR, 1), ('z', 1), ('€', 3)]);
        assert_eq!(decode_last("a€".as_bytes()), ('€', 3));
        assert_eq!(decode_last(b"a\xff"), (RUNE_ERROR, 1));
        assert_eq!(decode_last("a\u{FFFD}".as_bytes()), (RUNE_ERROR, 3));
    }

    #[test]
    fn mappings_are_the_simple_ones() {
        assert_eq!((to_upper('ß'), to_upper('ᾀ'), to_upper('ᾳ'), to_lower('İ'), to_title('ǆ')), ('ß', 'ᾈ', 'ᾼ', 'i', 'ǅ'));
    }
}
