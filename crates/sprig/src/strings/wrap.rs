//! Shortening and wrapping, by bytes as Masterminds/goutils 1.1 does it.

use super::super::args::{self, Out, bytes, int, largest, too_large};
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;

/// `abbrev WIDTH TEXT`: cut to the width with `...` at the end; a width below 4 leaves it.
pub(crate) fn abbrev(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (width, text) = (int(args, 0), bytes(args, 1));
    if width < 4 {
        return Ok(args::any(args, 1).clone());
    }
    args::string(abbreviate(text, 0, width))
}

/// `abbrevboth OFFSET WIDTH TEXT`: cut at both ends.
pub(crate) fn abbrevboth(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (left, right, text) = (int(args, 0), int(args, 1), bytes(args, 2));
    if right < 4 || left > 0 && right < 7 {
        return Ok(args::any(args, 2).clone());
    }
    args::string(abbreviate(text, left, right))
}

fn abbreviate(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let length = text.len();
    let width = usize::try_from(width).unwrap_or_default();
    if width < 4 || length <= width {
        return if width < 4 { Vec::new() } else { text.to_vec() };
    }
    let room = width - 3;
    let mut offset = usize::try_from(offset.max(0)).unwrap_or(usize::MAX).min(length);
    if length - offset < room {
        offset = length - room;
    }
    if offset <= 4 {
        return [&text[..room], b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + room < length {
        return [b"...".as_slice(), &abbreviate(&text[offset..], 0, room as i64)].concat();
    }
    [b"...", &text[length - room..]].concat()
}

/// `wrap WIDTH TEXT`: line breaks at spaces, long words left whole.
pub(crate) fn wrap(_: &mut Vm<'_>, args: &[Value]) -> Out {
    wrapped(bytes(args, 1), int(args, 0), b"\n", false)
}

/// `wrapWith WIDTH BREAK TEXT`: another text as the line break, long words cut.
pub(crate) fn wrap_with(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let separator = bytes(args, 1);
    wrapped(bytes(args, 2), int(args, 0), if separator.is_empty() { b"\n" } else { separator }, true)
}

fn wrapped(text: &[u8], width: i64, separator: &[u8], cut: bool) -> Out {
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let mut out = Vec::with_capacity(text.len());
    let mut offset = 0;
    while text.len() - offset > width {
        if text[offset] == b' ' {
            offset += 1;
            continue;
        }
        let limit = offset + width;
        let end = match memchr::memrchr(b' ', &text[offset..=limit]) {
            Some(space) => offset + space,
            None if cut => limit,
            None => memchr::memchr(b' ', &text[limit..]).map_or(text.len(), |space| limit + space),
        };
        out.extend_from_slice(&text[offset..end]);
        if end == text.len() {
            return args::string(out);
        }
        out.extend_from_slice(separator);
        if out.len() > largest() {
            return Err(too_large("wrap"));
        }
        offset = end + usize::from(text[end] == b' ');
    }
    out.extend_from_slice(&text[offset..]);
    args::string(out)
}
