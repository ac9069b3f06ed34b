//! Slash-separated paths as Go's `path`; on Linux `path/filepath` gives the same.

use super::args::{self, Out, bytes};
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;

/// `base PATH`: the last element.
pub(crate) fn base(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let path = bytes(args, 0);
    if path.is_empty() {
        return args::string(".");
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    let start = memchr::memrchr(b'/', &path[..end]).map_or(0, |at| at + 1);
    args::string(if end == 0 { b"/".as_slice() } else { &path[start..end] })
}

/// `dir PATH`: all but the last element, cleaned.
pub(crate) fn dir(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let path = bytes(args, 0);
    let end = memchr::memrchr(b'/', path).map_or(0, |at| at + 1);
    args::string(cleaned(&path[..end]))
}

/// `clean PATH`: the shortest path of the same meaning.
pub(crate) fn clean(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(cleaned(bytes(args, 0)))
}

fn cleaned(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            element => kept.push(element),
        }
    }
    let joined = kept.join(b"/".as_slice());
    match rooted {
        true => [b"/", joined.as_slice()].concat(),
        false if joined.is_empty() => b".".to_vec(),
        false => joined,
    }
}

/// `ext PATH`: from the last dot of the last element on.
pub(crate) fn ext(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let path = bytes(args, 0);
    let start = memchr::memrchr(b'/', path).map_or(0, |at| at + 1);
    let name = &path[start..];
    args::string(memchr::memrchr(b'.', name).map_or(b"".as_slice(), |at| &name[at..]))
}

/// `isAbs PATH`.
pub(crate) fn is_abs(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(bytes(args, 0).starts_with(b"/")))
}
