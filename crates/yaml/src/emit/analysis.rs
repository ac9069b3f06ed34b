//! What a scalar's characters allow: go-yaml's `yaml_emitter_analyze_scalar`.

use super::Version;

/// Which styles are possible for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Analysis {
    pub(super) multiline: bool,
    pub(super) flow_plain: bool,
    pub(super) block_plain: bool,
    pub(super) single_quoted: bool,
    /// Literal and folded.
    pub(super) block: bool,
    /// Only ASCII; then columns are bytes.
    pub(super) ascii: bool,
}

/// Properties of a byte inside a text, combined over the text by `or`.
pub mod class {
    /// A space.
    pub const SPACE: u8 = 1;
    /// A line break.
    pub const BREAK: u8 = 2;
    /// A tab.
    pub(crate) const TAB: u8 = 4;
    /// A character that is written as an escape.
    pub const SPECIAL: u8 = 8;
    /// Part of a character beyond ASCII.
    pub const HIGH: u8 = 16;
    /// `,?[]{}`
    pub(crate) const FLOW: u8 = 32;
    /// `:` and `#`, which matter together with white space.
    pub const MARK: u8 = 64;
    /// `"` and `\`.
    pub(crate) const QUOTE: u8 = 128;
}

pub(super) static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b' ' => class::SPACE,
            b'\n' => class::BREAK,
            b'\t' => class::TAB,
            // A carriage return is a break for the layout, and can only be written escaped.
            b'\r' => class::BREAK | class::SPECIAL,
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => class::FLOW,
            b':' | b'#' => class::MARK,
            b'"' | b'\\' => class::QUOTE,
            0x80.. => class::HIGH,
            0..0x20 | 0x7f => class::SPECIAL,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// The classes of all bytes of a text together.
pub fn classes_of(text: &[u8]) -> u8 {
    let (chunks, rest) = text.as_chunks::<4>();
    let all = rest.iter().fold(0, |all, byte| all | CLASS[usize::from(*byte)]);
    chunks.iter().fold(all, |all, [a, b, c, d]| {
        let of = |byte: &u8| CLASS[usize::from(*byte)];
        all | (of(a) | of(b)) | (of(c) | of(d))
    })
}

impl Analysis {
    /// `all` are the classes of the text.
    pub(super) fn of(text: &str, all: u8, version: Version) -> Self {
        let bytes = text.as_bytes();
        let (Some(first), Some(last)) = (bytes.first().copied(), bytes.last().copied()) else {
            return Self { multiline: false, flow_plain: false, block_plain: true, single_quoted: true, block: false, ascii: true };
        };
        if all & (class::BREAK | class::TAB | class::SPECIAL | class::HIGH) != 0 {
            return Self::of_unusual(text, all, version);
        }
        let (flow, block) = indicators(bytes, all);
        let edge = first == b' ' || last == b' ';
        Self {
            multiline: false,
            flow_plain: !flow && !edge,
            block_plain: !block && !edge,
            single_quoted: true,
            block: last != b' ',
            ascii: true,
        }
    }

    fn of_unusual(text: &str, all: u8, version: Version) -> Self {
        let bytes = text.as_bytes();
        let layout = if all & (class::SPECIAL | class::HIGH) == 0 { Layout::of_usual(bytes) } else { Layout::of(text) };
        let tab = all & class::TAB != 0;
        let special = layout.special || (tab && version == Version::V2);
        let quoted = layout.space_break || special;
        let plain = !(layout.edge || layout.break_space || quoted || tab || layout.breaks);
        let (flow, block) = if plain { indicators(bytes, all) } else { (true, true) };
        Self {
            multiline: layout.breaks,
            flow_plain: plain && !flow,
            block_plain: plain && !block,
            single_quoted: !(layout.break_space || quoted || tab),
            block: !(layout.trailing_space || quoted),
            ascii: all & class::HIGH == 0,
        }
    }
}

/// Whether characters that mean something to YAML stand where they would: in flow context, in block context.
fn indicators(bytes: &[u8], all: u8) -> (bool, bool) {
    let Some(first) = bytes.first() else { return (false, false) };
    if bytes.starts_with(b"---") || bytes.starts_with(b"...") {
        return (true, true);
    }
    let second_is_blank = bytes.get(1).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    let (mut flow, mut block) = match first {
        b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => {
            return (true, true);
        }
        b'?' | b':' => (true, second_is_blank),
        b'-' => (second_is_blank, second_is_blank),
        _ => (false, false),
    };
    if all & (class::FLOW | class::MARK) == 0 || block {
        return (flow, block);
    }
    flow |= bytes[1..].iter().any(|byte| CLASS[usize::from(*byte)] & class::FLOW != 0);
    if all & class::MARK != 0 {
        for (at, byte) in bytes.iter().enumerate().skip(1) {
            match byte {
                b':' => {
                    flow = true;
                    block |= bytes.get(at + 1).is_none_or(|next| matches!(next, b' ' | b'\t'));
                }
                b'#' if blank_before(bytes, at) => block = true,
                _ => {}
            }
        }
    }
    (flow || block, block)
}

/// Whether a space, tab, line break or NUL ends at this place.
fn blank_before(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    matches!(before.last(), Some(b' ' | b'\t' | b'\n' | b'\r' | 0))
        || before.ends_with(b"\xC2\x85")
        || before.ends_with(b"\xE2\x80\xA8")
        || before.ends_with(b"\xE2\x80\xA9")
}

/// How spaces and line breaks follow one another.
#[derive(Default)]
struct Layout {
    special: bool,
    breaks: bool,
    /// A space or break at the beginning or the end.
    edge: bool,
    trailing_space: bool,
    space_break: bool,
    break_space: bool,
}

impl Layout {
    /// Of a text of printable ASCII, tabs and `\n`: only what stands beside the breaks is looked at.
    fn of_usual(bytes: &[u8]) -> Self {
        let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\n'));
        let mut layout =
            Self { edge: blank(bytes.first()) || blank(bytes.last()), trailing_space: bytes.last() == Some(&b' '), ..Self::default() };
        for at in memchr::memchr_iter(b'\n', bytes) {
            layout.breaks = true;
            layout.space_break |= at > 0 && bytes[at - 1] == b' ';
            layout.break_space |= bytes.get(at + 1) == Some(&b' ');
        }
        layout
    }

    fn of(text: &str) -> Self {
        let mut layout = Self::default();
        let (mut after_space, mut after_break) = (false, false);
        for (at, character) in text.char_indices() {
            layout.special |= character != '\t' && !is_printable(character);
            let edge = at == 0 || at + character.len_utf8() == text.len();
            (after_space, after_break) = match character {
                ' ' => {
                    layout.edge |= edge;
                    layout.trailing_space |= at + 1 == text.len();
                    layout.break_space |= after_break;
                    (true, false)
                }
                _ if is_break(character) => {
                    layout.breaks = true;
                    layout.edge |= edge;
                    layout.space_break |= after_space;
                    (false, true)
                }
                _ => (false, false),
            };
        }
        layout
    }
}

/// YAML 1.1's line breaks.
pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What go-yaml writes unescaped: nothing beyond the basic multilingual plane, so emoji are escaped.
pub(super) fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}
