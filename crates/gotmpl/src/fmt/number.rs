//! Padding, integers, floats and strings under the flags of a verb: Go's fmt/format.go.

use super::float::{Bits, Format, append_float};
use crate::text;

/// The flags of a verb.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub width: Option<usize>,
    pub precision: Option<usize>,
    pub minus: bool,
    pub plus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%+v`, which is no sign.
    pub plus_v: bool,
    /// `%#v`: Go syntax.
    pub sharp_v: bool,
}

/// Which letters stand for the digits from ten on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
}

impl Case {
    fn digits(self) -> &'static [u8; 17] {
        match self {
            Self::Lower => b"0123456789abcdefx",
            Self::Upper => b"0123456789ABCDEFX",
        }
    }

    fn digit(self, value: u64) -> u8 {
        self.digits().get((value & 15) as usize).copied().unwrap_or(b'0')
    }

    fn x(self) -> u8 {
        self.digits()[16]
    }
}

impl Flags {
    fn padding(self, out: &mut Vec<u8>, count: usize) {
        // Zeros are allowed on the left only.
        let byte = if self.zero && !self.minus { b'0' } else { b' ' };
        out.resize(out.len() + count, byte);
    }

    /// Writes text filled up to the width, which counts characters.
    pub(super) fn pad(self, out: &mut Vec<u8>, bytes: &[u8]) {
        let Some(width) = self.width.filter(|width| *width > 0) else { return out.extend_from_slice(bytes) };
        let missing = width.saturating_sub(text::runes(bytes).count());
        if self.minus {
            out.extend_from_slice(bytes);
            self.padding(out, missing);
        } else {
            self.padding(out, missing);
            out.extend_from_slice(bytes);
        }
    }

    fn pad_without_zeros(mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        self.zero = false;
        self.pad(out, bytes);
    }

    /// No more characters than the precision says.
    fn truncate(self, bytes: &[u8]) -> &[u8] {
        let Some(precision) = self.precision else { return bytes };
        let end: usize = text::runes(bytes).take(precision).map(|(_, width)| width).sum();
        bytes.get(..end).unwrap_or(bytes)
    }

    pub(super) fn string(self, out: &mut Vec<u8>, bytes: &[u8]) {
        self.pad(out, self.truncate(bytes));
    }

    pub(super) fn quoted(self, out: &mut Vec<u8>, bytes: &[u8]) {
        let bytes = self.truncate(bytes);
        if self.sharp && can_backquote(bytes) {
            let raw = [b"`", bytes, b"`"].concat();
            return self.pad(out, &raw);
        }
        self.pad(out, text::quote(bytes, self.plus).as_bytes());
    }

    /// Bytes as hexadecimal digits.
    pub(super) fn hex_string(self, out: &mut Vec<u8>, bytes: &[u8], case: Case) {
        let length = self.precision.map_or(bytes.len(), |precision| precision.min(bytes.len()));
        let bytes = bytes.get(..length).unwrap_or_default();
        let fill = self.width.unwrap_or(0);
        if bytes.is_empty() {
            return self.padding(out, fill);
        }
        let mut width = 2 * length;
        if self.space {
            width = width * if self.sharp { 2 } else { 1 } + length - 1;
        } else if self.sharp {
            width += 2;
        }
        let missing = fill.saturating_sub(width);
        if !self.minus {
            self.padding(out, missing);
        }
        for (at, byte) in bytes.iter().enumerate() {
            if self.space && at > 0 {
                out.push(b' ');
            }
            if self.sharp && (self.space || at == 0) {
                out.extend_from_slice(&[b'0', case.x()]);
            }
            out.extend_from_slice(&[case.digit(u64::from(byte >> 4)), case.digit(u64::from(*byte))]);
        }
        if self.minus {
            self.padding(out, missing);
        }
    }

    /// An integer; `verb` matters for `%O` alone.
    pub(super) fn integer(self, out: &mut Vec<u8>, value: i128, base: u64, verb: u32, case: Case) {
        let negative = value < 0;
        let magnitude = u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX);
        let precision = match self.precision {
            Some(0) if magnitude == 0 => {
                let mut flags = self;
                flags.zero = false;
                return flags.padding(out, self.width.unwrap_or(0));
            }
            Some(precision) => precision,
            None => match self.width {
                Some(width) if self.zero && !self.minus => width.saturating_sub(usize::from(negative || self.plus || self.space)),
                _ => 0,
            },
        };
        let mut reversed = digits_reversed(magnitude, base, case);
        if reversed.len() < precision {
            reversed.resize(precision, b'0');
        }
        if self.sharp {
            match base {
                2 => reversed.extend_from_slice(b"b0"),
                8 if reversed.last() != Some(&b'0') => reversed.push(b'0'),
                16 => reversed.extend_from_slice(&[case.x(), b'0']),
                _ => {}
            }
        }
        if verb == u32::from(b'O') {
            reversed.extend_from_slice(b"o0");
        }
        if negative {
            reversed.push(b'-');
        } else if self.plus {
            reversed.push(b'+');
        } else if self.space {
            reversed.push(b' ');
        }
        reversed.reverse();
        self.pad_without_zeros(out, &reversed);
    }

    /// `%U`
    pub(super) fn unicode(self, out: &mut Vec<u8>, value: u64) {
        let precision = self.precision.map_or(4, |precision| precision.max(4));
        let mut form = format!("U+{value:0precision$X}");
        let rune = u32::try_from(value).ok().filter(|rune| *rune <= 0x0010_FFFF && text::is_print(*rune)).and_then(char::from_u32);
        if let Some(c) = rune.filter(|_| self.sharp) {
            form.push_str(&format!(" '{c}'"));
        }
        self.pad_without_zeros(out, form.as_bytes());
    }

    /// `%c`
    pub(super) fn character(self, out: &mut Vec<u8>, value: u64) {
        let mut bytes = Vec::new();
        text::push_rune(&mut bytes, rune(value));
        self.pad(out, &bytes);
    }

    /// `%q` of an integer.
    pub(super) fn quoted_character(self, out: &mut Vec<u8>, value: u64) {
        self.pad(out, text::quote_rune(rune(value), self.plus).as_bytes());
    }

    /// A float under a verb of `strconv`, with the precision that the verb has by default.
    pub(super) fn float(self, out: &mut Vec<u8>, value: f64, bits: Bits, verb: u8, default: Option<usize>) {
        let precision = self.precision.or(default);
        let Some(format) = Format::of_verb(verb) else { return };
        let mut number = String::from("+");
        append_float(&mut number, value, format, precision, bits);
        let mut number = number.into_bytes();
        if matches!(number.get(1), Some(b'-' | b'+')) {
            number.remove(0);
        }
        if self.space && !self.plus && number.first() == Some(&b'+') {
            number[0] = b' ';
        }
        match number.get(1) {
            Some(b'I') => return self.pad_without_zeros(out, &number),
            Some(b'N') => {
                let unsigned = !self.space && !self.plus;
                return self.pad_without_zeros(out, number.get(usize::from(unsigned)..).unwrap_or_default());
            }
            _ => {}
        }
        if self.sharp && verb != b'b' {
            restore_point(&mut number, verb, precision);
        }
        if !self.plus && number.first() == Some(&b'+') {
            return self.pad(out, number.get(1..).unwrap_or_default());
        }
        match self.width {
            // The sign comes before the zeros.
            Some(width) if self.zero && !self.minus && width > number.len() => {
                out.extend(number.first());
                self.padding(out, width - number.len());
                out.extend_from_slice(number.get(1..).unwrap_or_default());
            }
            _ => self.pad(out, &number),
        }
    }
}

/// `#` keeps the decimal point, and for `%g` the zeros after it.
fn restore_point(number: &mut Vec<u8>, verb: u8, precision: Option<usize>) {
    // Go's list of verbs leaves `%X` out.
    let digits = match verb {
        b'g' | b'G' | b'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let hex = matches!(verb, b'x' | b'X');
    let tail_at = number.iter().position(|byte| matches!(byte, b'p' | b'P') || !hex && matches!(byte, b'e' | b'E')).unwrap_or(number.len());
    let tail = number.split_off(tail_at);
    let (mut has_point, mut seen, mut significant) = (false, false, 0_usize);
    for &byte in number.iter().skip(1) {
        if byte == b'.' {
            has_point = true;
            continue;
        }
        seen |= byte != b'0';
        significant += usize::from(seen);
    }
    if !has_point {
        if number.len() == 2 && number.get(1) == Some(&b'0') {
            significant += 1;
        }
        number.push(b'.');
    }
    number.resize(number.len() + digits.saturating_sub(significant), b'0');
    number.extend_from_slice(&tail);
}

fn digits_reversed(mut value: u64, base: u64, case: Case) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    loop {
        out.push(case.digit(value % base));
        value /= base;
        if value == 0 {
            return out;
        }
    }
}

/// A number as a character, U+FFFD where it is none.
fn rune(value: u64) -> u32 {
    u32::try_from(value).ok().filter(|rune| *rune <= 0x0010_FFFF).unwrap_or(text::REPLACEMENT)
}

/// Go's `strconv.CanBackquote`.
fn can_backquote(bytes: &[u8]) -> bool {
    text::runes(bytes).all(|(rune, width)| match rune {
        text::REPLACEMENT => width > 1,
        0xFEFF | 0x60 | 0x7F => false,
        0x09 => true,
        _ => rune >= 0x20,
    })
}
