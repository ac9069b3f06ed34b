//! Base 64 and base 32 as Go's `encoding` packages read and write them, error texts included.

use super::args::{self, Out, bytes};
use base64::Engine;
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;

/// `b64enc TEXT`.
pub(crate) fn b64enc(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(base64::engine::general_purpose::STANDARD.encode(bytes(args, 0)))
}

/// `b64dec TEXT`: the error text in place of a result.
pub(crate) fn b64dec(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(decode64(bytes(args, 0)).unwrap_or_else(|at| format!("illegal base64 data at input byte {at}").into_bytes()))
}

/// The bytes of a padded base 64 text, line breaks ignored; or the offset that Go reports as wrong.
pub(super) fn decode64(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut group = [0_u8; 4];
    let mut filled = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match (byte, value64(byte)) {
            (b'\r' | b'\n', _) => continue,
            (_, Some(value)) => {
                group[filled] = value;
                filled += 1;
            }
            (b'=', None) => {
                let rest = padding(text, at, filled)?;
                out.extend_from_slice(&unpack64(group, filled)[..filled - 1]);
                return rest.map_or(Ok(out), Err);
            }
            _ => return Err(at - 1),
        }
        if filled == 4 {
            out.extend_from_slice(&unpack64(group, 4));
            (filled, group) = (0, [0; 4]);
        }
    }
    if filled == 0 { Ok(out) } else { Err(at - filled) }
}

/// Checks what follows the first `=` at `at - 1`; gives the offset of trailing data.
fn padding(text: &[u8], mut at: usize, filled: usize) -> Result<Option<usize>, usize> {
    let skip = |mut at: usize| {
        while matches!(text.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        at
    };
    match filled {
        0 | 1 => return Err(at - 1),
        2 => {
            at = skip(at);
            match text.get(at) {
                None => return Err(text.len()),
                Some(b'=') => at += 1,
                Some(_) => return Err(at - 1),
            }
        }
        _ => {}
    }
    at = skip(at);
    Ok((at < text.len()).then_some(at))
}

fn value64(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn unpack64(group: [u8; 4], filled: usize) -> [u8; 3] {
    let mut bits = 0_u32;
    for (at, value) in group.iter().enumerate() {
        bits = bits << 6 | if at < filled { u32::from(*value) } else { 0 };
    }
    [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `b32enc TEXT`.
pub(crate) fn b32enc(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 0);
    let mut out = Vec::with_capacity(text.len().div_ceil(5) * 8);
    for chunk in text.chunks(5) {
        let mut bits = [0_u8; 8];
        bits[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(bits);
        let digits = (chunk.len() * 8).div_ceil(5);
        out.extend((0..8).map(|at| if at < digits { ALPHABET[(bits >> (35 - 5 * at) & 31) as usize] } else { b'=' }));
    }
    args::string(out)
}

/// `b32dec TEXT`: the error text in place of a result.
pub(crate) fn b32dec(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(decode32(bytes(args, 0)).unwrap_or_else(|at| format!("illegal base32 data at input byte {at}").into_bytes()))
}

/// The bytes of a padded base 32 text; Go counts the offset of an error without the line breaks before it.
fn decode32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    for (chunk, group) in text.chunks(8).enumerate() {
        let start = chunk * 8;
        let mut bits = 0_u64;
        for at in 0..8 {
            let Some(&byte) = group.get(at) else { return Err(text.len() - at) };
            if byte == b'=' && at >= 2 && text.len() - start - at - 1 < 8 {
                padding32(group, at, text.len() - start).map_err(|at| start + at)?;
                out.extend_from_slice(&bits.to_be_bytes()[3..3 + at * 5 / 8]);
                return Ok(out);
            }
            let value = ALPHABET.iter().position(|digit| *digit == byte).ok_or(start + at)?;
            bits |= (value as u64) << (35 - 5 * at);
        }
        out.extend_from_slice(&bits.to_be_bytes()[3..]);
    }
    Ok(out)
}

/// Checks the padding of the last group, which starts at `at`; `end` is where the text ends. Both are offsets in the group, and so
/// is the error. Whatever follows the group goes unread, as in Go.
fn padding32(group: &[u8], at: usize, end: usize) -> Result<(), usize> {
    if group.len() < 8 {
        return Err(end);
    }
    match group.iter().skip(at + 1).position(|byte| *byte != b'=') {
        Some(other) => Err(at + other),
        None if matches!(at, 3 | 6) => Err(at),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_and_its_errors() {
        assert_eq!(decode64(b"aGVs\nbG8="), Ok(b"hello".to_vec()));
        assert_eq!(decode64(b"YQ=="), Ok(b"a".to_vec()));
        assert_eq!(decode64(b"YQ"), Err(0));
        assert_eq!(decode64(b"YWJj!"), Err(4));
        assert_eq!(decode64(b"YQ==x"), Err(4));
        assert_eq!(decode64(b"YQ=x"), Err(2));
    }

    #[test]
    fn base_32_and_its_errors() {
        assert_eq!(decode32(b"NBSWY3DP"), Ok(b"hello".to_vec()));
        assert_eq!(decode32(b"ME======"), Ok(b"a".to_vec()));
        assert_eq!(decode32(b"ME"), Err(0));
        assert_eq!(decode32(b"ME====="), Err(7));
        assert_eq!(decode32(b"me======"), Err(0));
    }
}
