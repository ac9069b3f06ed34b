//! Functions over text: cutting, joining, changing case, quoting.
//!
//! What follows Go's `strings` package works on bytes and keeps what is not UTF-8.

mod case;
mod split;
mod wrap;

pub(super) use case::{camelcase, initials, kebabcase, lower, nospace, snakecase, swapcase, title, untitle, upper};
pub(super) use split::{join, sort_alpha, split, split_list, splitn, to_strings};
pub(super) use wrap::{abbrev, abbrevboth, wrap, wrap_with};

use super::args::{self, Out, bytes, int, largest, too_large};
use super::strconv::{NumberError, parse_int};
use super::text::{quoted, sprint, strval};
use super::unicode::{decode, decode_last, is_space, runes};
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Failure, Value};
use memchr::memmem;

/// `hello` gives `Hello!`.
pub(crate) fn hello(_: &mut Vm<'_>, _: &[Value]) -> Out {
    args::string("Hello!")
}

/// The part of an argument that is left, without a copy where all of it is.
fn part(whole: &Value, part: &[u8]) -> Out {
    match whole {
        Value::Str(text) if text.len() == part.len() => Ok(whole.clone()),
        _ => args::string(part),
    }
}

/// `trim TEXT`: without the white space around it.
pub(crate) fn trim(_: &mut Vm<'_>, args: &[Value]) -> Out {
    part(args::any(args, 0), trim_where(bytes(args, 0), is_space))
}

/// `trimAll CUTSET TEXT`: without the runes of the cutset around it.
pub(crate) fn trim_all(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let cutset = bytes(args, 0);
    part(args::any(args, 1), trim_where(bytes(args, 1), |rune| runes(cutset).any(|(_, cut, _)| cut == rune)))
}

fn trim_where(mut text: &[u8], cut: impl Fn(char) -> bool) -> &[u8] {
    while let (rune, size @ 1..) = decode(text)
        && cut(rune)
    {
        text = &text[size..];
    }
    while let (rune, size @ 1..) = decode_last(text)
        && cut(rune)
    {
        text = &text[..text.len() - size];
    }
    text
}

/// `trimPrefix PREFIX TEXT`.
pub(crate) fn trim_prefix(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 1);
    part(args::any(args, 1), text.strip_prefix(bytes(args, 0)).unwrap_or(text))
}

/// `trimSuffix SUFFIX TEXT`.
pub(crate) fn trim_suffix(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 1);
    part(args::any(args, 1), text.strip_suffix(bytes(args, 0)).unwrap_or(text))
}

/// `contains PART TEXT`.
pub(crate) fn contains(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(memmem::find(bytes(args, 1), bytes(args, 0)).is_some()))
}

/// `hasPrefix PREFIX TEXT`.
pub(crate) fn has_prefix(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(bytes(args, 1).starts_with(bytes(args, 0))))
}

/// `hasSuffix SUFFIX TEXT`.
pub(crate) fn has_suffix(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(bytes(args, 1).ends_with(bytes(args, 0))))
}

/// `trunc COUNT TEXT`: the first `COUNT` bytes, or with a negative count the last.
pub(crate) fn trunc(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (count, text) = (int(args, 0), bytes(args, 1));
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let kept = match count < 0 {
        true if size < text.len() => &text[text.len() - size..],
        false if size < text.len() => &text[..size],
        _ => text,
    };
    part(args::any(args, 1), kept)
}

/// `substr START END TEXT`: without a start where that is negative, without an end where that is negative or behind
/// the text.
pub(crate) fn substr(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (start, end, text) = (int(args, 0), int(args, 1), bytes(args, 2));
    let inside = usize::try_from(end).is_ok_and(|end| end <= text.len());
    let found = match start < 0 {
        true => args::slice(text, None, Some(end))?,
        false if inside => args::slice(text, Some(start), Some(end))?,
        false => args::slice(text, Some(start), None)?,
    };
    part(args::any(args, 2), found)
}

/// `repeat COUNT TEXT`.
pub(crate) fn repeat(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(repeated(bytes(args, 1), int(args, 0), "repeat")?)
}

fn repeated(text: &[u8], count: i64, what: &str) -> Result<Vec<u8>, Failure> {
    if count < 0 {
        return Err("strings: negative Repeat count".into());
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match text.len().checked_mul(count) {
        Some(0) => Ok(Vec::new()),
        Some(size) if size <= largest() => Ok(text.repeat(count)),
        Some(size) if isize::try_from(size).is_ok() => Err(too_large(what)),
        _ => Err("strings: Repeat output length overflow".into()),
    }
}

/// `indent COUNT TEXT`: every line indented.
pub(crate) fn indent(_: &mut Vm<'_>, args: &[Value]) -> Out {
    indented(args, Vec::new())
}

/// `nindent COUNT TEXT`: the same after a line break.
pub(crate) fn nindent(_: &mut Vm<'_>, args: &[Value]) -> Out {
    indented(args, vec![b'\n'])
}

fn indented(args: &[Value], mut out: Vec<u8>) -> Out {
    let text = bytes(args, 1);
    let breaks = memchr::memchr_iter(b'\n', text).count();
    let pad = repeated(b" ", int(args, 0), "indent")?;
    let size = pad.len().saturating_mul(breaks + 1).saturating_add(text.len());
    if size > largest() {
        return Err(too_large("indent"));
    }
    out.reserve_exact(size);
    out.extend_from_slice(&pad);
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', text) {
        out.extend_from_slice(&text[start..=at]);
        out.extend_from_slice(&pad);
        start = at + 1;
    }
    out.extend_from_slice(&text[start..]);
    args::string(out)
}

/// `replace OLD NEW TEXT`; an empty old text matches between all runes.
pub(crate) fn replace(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (old, new, text) = (bytes(args, 0), bytes(args, 1), bytes(args, 2));
    let mut out = Vec::with_capacity(text.len());
    let mut start = 0;
    let matches: &mut dyn Iterator<Item = usize> =
        if old.is_empty() { &mut runes(text).map(|(at, _, _)| at).chain([text.len()]) } else { &mut memmem::find_iter(text, old) };
    for at in matches {
        out.extend_from_slice(&text[start..at]);
        out.extend_from_slice(new);
        start = at + old.len();
        if out.len() > largest() {
            return Err(too_large("replace"));
        }
    }
    out.extend_from_slice(&text[start..]);
    args::string(out)
}

/// `plural ONE MANY COUNT`.
pub(crate) fn plural(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(args::any(args, usize::from(int(args, 2) != 1)).clone())
}

/// `quote VALUE…`: in double quotes with Go's escapes, nil left out.
pub(crate) fn quote(_: &mut Vm<'_>, args: &[Value]) -> Out {
    spaced(args, |value, out| quoted(&strval(value), out))
}

/// `squote VALUE…`: in single quotes, without escapes.
pub(crate) fn squote(_: &mut Vm<'_>, args: &[Value]) -> Out {
    spaced(args, |value, out| {
        out.push(b'\'');
        sprint(value, out);
        out.push(b'\'');
    })
}

/// `cat VALUE…`: with spaces between them, nil left out.
pub(crate) fn cat(_: &mut Vm<'_>, args: &[Value]) -> Out {
    spaced(args, sprint)
}

fn spaced(args: &[Value], write: impl Fn(&Value, &mut Vec<u8>)) -> Out {
    let mut out = Vec::new();
    for (at, value) in args.iter().filter(|value| !matches!(value, Value::Nil)).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        write(value, &mut out);
    }
    args::string(out)
}

/// `toString VALUE`.
pub(crate) fn to_string(_: &mut Vm<'_>, args: &[Value]) -> Out {
    match args::any(args, 0) {
        text @ Value::Str(_) => Ok(text.clone()),
        value => args::string(strval(value)),
    }
}

/// `atoi TEXT`: 0 for what is no number, the nearest number for what is too large.
pub(crate) fn atoi(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Int(match parse_int(bytes(args, 0), 10) {
        Ok(number) | Err(NumberError::Range(number)) => number,
        Err(NumberError::Syntax) => 0,
    }))
}

/// `fail MESSAGE`.
pub(crate) fn fail(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Err(Failure::Message(args::lossy(args, 0).into_owned()))
}

/// `shuffle TEXT`: its runes in random order.
pub(crate) fn shuffle(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let all: Vec<char> = runes(bytes(args, 0)).map(|(_, rune, _)| rune).collect();
    let sorted = |text: &[u8]| {
        let mut all: Vec<char> = runes(text).map(|(_, rune, _)| rune).collect();
        all.sort_unstable();
        all
    };
    let could_give = |text: &[u8]| sorted(text) == sorted(bytes(args, 0));
    super::crypto::random::decided(vm, "shuffle", &[], could_give, || args::string(shuffled(vm, all.clone())))
}

fn shuffled(vm: &Vm<'_>, mut all: Vec<char>) -> String {
    for at in (1..all.len()).rev() {
        let other = super::crypto::random::below(vm.world(), at as u64 + 1);
        all.swap(at, other as usize);
    }
    all.into_iter().collect()
}
