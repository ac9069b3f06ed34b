//! The template functions over regular expressions.

use super::super::args::{self, Out, bytes, int};
use super::GoRegex;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::fmt::quote;
use hydrate_gotmpl::{Failure, List, Str, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// As many compiled expressions are kept per thread.
const CACHED: usize = 256;

thread_local! {
    static CACHE: RefCell<BTreeMap<Box<[u8]>, Result<GoRegex, String>>> = const { RefCell::new(BTreeMap::new()) };
}

/// The compiled expression, or the text of its error.
fn compiled(pattern: &[u8]) -> Result<GoRegex, String> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(known) = cache.get(pattern) {
            return known.clone();
        }
        if cache.len() >= CACHED {
            cache.clear();
        }
        let compiled = GoRegex::new(pattern).map_err(|error| error.to_string());
        cache.insert(pattern.into(), compiled.clone());
        compiled
    })
}

/// The expression of a `must…` function: Go's error as it is.
fn strict(args: &[Value]) -> Result<GoRegex, Failure> {
    compiled(bytes(args, 0)).map_err(Failure::Message)
}

/// The expression of another function: Go's panic.
fn panicking(args: &[Value]) -> Result<GoRegex, Failure> {
    let pattern = bytes(args, 0);
    compiled(pattern).map_err(|error| Failure::Message(format!("regexp: Compile({}): {error}", quoted(pattern))))
}

/// In backquotes where Go can write it so, as a Go literal otherwise.
fn quoted(pattern: &[u8]) -> String {
    let plain = |rune: char| rune == '\t' || !rune.is_control() && !matches!(rune, '`' | '\u{FEFF}');
    match std::str::from_utf8(pattern) {
        Ok(text) if text.chars().all(plain) => format!("`{text}`"),
        _ => quote(pattern),
    }
}

/// `regexMatch PATTERN TEXT`: false for what is no expression.
pub(crate) fn regex_match(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(compiled(bytes(args, 0)).is_ok_and(|regex| regex.is_match(bytes(args, 1)))))
}

/// `mustRegexMatch PATTERN TEXT`.
pub(crate) fn must_regex_match(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Bool(strict(args)?.is_match(bytes(args, 1))))
}

fn find(regex: &GoRegex, args: &[Value]) -> Out {
    args::string(regex.find(bytes(args, 1)).unwrap_or_default())
}

/// `regexFind PATTERN TEXT`.
pub(crate) fn regex_find(_: &mut Vm<'_>, args: &[Value]) -> Out {
    find(&panicking(args)?, args)
}

/// `mustRegexFind PATTERN TEXT`.
pub(crate) fn must_regex_find(_: &mut Vm<'_>, args: &[Value]) -> Out {
    find(&strict(args)?, args)
}

fn strings(parts: Vec<&[u8]>) -> Out {
    Ok(Value::List(List::strings(parts.into_iter().map(Str::from))))
}

fn find_all(regex: &GoRegex, args: &[Value]) -> Out {
    match regex.find_all(bytes(args, 1), int(args, 2)) {
        none if none.is_empty() => Ok(Value::List(List::nil("[]string"))),
        found => strings(found),
    }
}

/// `regexFindAll PATTERN TEXT LIMIT`: a `[]string`, nil where there is no match.
pub(crate) fn regex_find_all(_: &mut Vm<'_>, args: &[Value]) -> Out {
    find_all(&panicking(args)?, args)
}

/// `mustRegexFindAll PATTERN TEXT LIMIT`.
pub(crate) fn must_regex_find_all(_: &mut Vm<'_>, args: &[Value]) -> Out {
    find_all(&strict(args)?, args)
}

fn replace_all(regex: &GoRegex, args: &[Value]) -> Out {
    args::string(regex.replace_all(bytes(args, 1), bytes(args, 2)))
}

/// `regexReplaceAll PATTERN TEXT TEMPLATE`.
pub(crate) fn regex_replace_all(_: &mut Vm<'_>, args: &[Value]) -> Out {
    replace_all(&panicking(args)?, args)
}

/// `mustRegexReplaceAll PATTERN TEXT TEMPLATE`.
pub(crate) fn must_regex_replace_all(_: &mut Vm<'_>, args: &[Value]) -> Out {
    replace_all(&strict(args)?, args)
}

fn replace_literal(regex: &GoRegex, args: &[Value]) -> Out {
    args::string(regex.replace_all_literal(bytes(args, 1), bytes(args, 2)))
}

/// `regexReplaceAllLiteral PATTERN TEXT REPLACEMENT`.
pub(crate) fn regex_replace_all_literal(_: &mut Vm<'_>, args: &[Value]) -> Out {
    replace_literal(&panicking(args)?, args)
}

/// `mustRegexReplaceAllLiteral PATTERN TEXT REPLACEMENT`.
pub(crate) fn must_regex_replace_all_literal(_: &mut Vm<'_>, args: &[Value]) -> Out {
    replace_literal(&strict(args)?, args)
}

fn split(regex: &GoRegex, args: &[Value]) -> Out {
    match int(args, 2) {
        0 => Ok(Value::List(List::nil("[]string"))),
        limit => strings(regex.split(bytes(args, 1), limit, bytes(args, 0).is_empty())),
    }
}

/// `regexSplit PATTERN TEXT LIMIT`: a `[]string`.
pub(crate) fn regex_split(_: &mut Vm<'_>, args: &[Value]) -> Out {
    split(&panicking(args)?, args)
}

/// `mustRegexSplit PATTERN TEXT LIMIT`.
pub(crate) fn must_regex_split(_: &mut Vm<'_>, args: &[Value]) -> Out {
    split(&strict(args)?, args)
}

/// `regexQuoteMeta TEXT`: an expression that matches the text.
pub(crate) fn regex_quote_meta(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 0);
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if br"\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    args::string(out)
}
