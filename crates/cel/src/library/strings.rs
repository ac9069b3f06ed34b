//! Texts: cel-go's strings, and Kubernetes' regular expressions. Positions count characters.

use std::sync::Arc;

use hydrate_sprig::regex::GoRegex;

use crate::text;
use crate::value::{EvalError, Out, Value};

use super::Function;

pub(crate) const TABLE: &[(&str, Function)] = &[
    ("contains", |args| pair(args, |text, part| text.contains(part))),
    ("startsWith", |args| pair(args, |text, part| text.starts_with(part))),
    ("endsWith", |args| pair(args, |text, part| text.ends_with(part))),
    ("matches", |args| with_regex(args, |regex, text, _| Value::Bool(regex.is_match(text.as_bytes())))),
    ("find", |args| with_regex(args, |regex, text, _| found(regex, text))),
    ("findAll", |args| with_regex(args, all_found)),
    ("charAt", char_at),
    ("lowerAscii", |args| mapped(args, str::to_ascii_lowercase)),
    ("upperAscii", |args| mapped(args, str::to_ascii_uppercase)),
    ("trim", |args| mapped(args, |text| text.trim().to_owned())),
    ("replace", replace),
    ("split", split),
    ("substring", substring),
    ("strings.quote", |args| mapped(args, text::quote)),
    ("format", |args| match args {
        [Value::String(text), Value::List(list)] => Some(text::formatted(text, &list.items).map(|text| Value::String(text.into()))),
        _ => None,
    }),
    ("join", join),
];

fn pair(args: &[Value], fits: impl Fn(&str, &str) -> bool) -> Option<Out> {
    match args {
        [Value::String(text), Value::String(part)] => Some(Ok(Value::Bool(fits(text, part)))),
        _ => None,
    }
}

fn mapped(args: &[Value], to: impl Fn(&str) -> String) -> Option<Out> {
    match args {
        [Value::String(text)] => Some(Ok(Value::String(to(text).into()))),
        _ => None,
    }
}

/// What a function of a text and a regular expression gives.
fn with_regex(args: &[Value], of: impl Fn(&GoRegex, &str, i64) -> Value) -> Option<Out> {
    let (text, pattern, limit) = match args {
        [Value::String(text), Value::String(pattern)] => (text, pattern, -1),
        [Value::String(text), Value::String(pattern), Value::Int(limit)] => (text, pattern, *limit),
        _ => return None,
    };
    Some(match GoRegex::new(pattern.as_bytes()) {
        Ok(regex) => Ok(of(&regex, text, limit)),
        Err(error) => Err(EvalError::new(error.to_string())),
    })
}

/// The same with an expression that is read already.
pub(crate) fn with_known_regex(function: &str, regex: &GoRegex, args: &[Value]) -> Option<Out> {
    let (text, limit) = match args {
        [Value::String(text), _] => (text, -1),
        [Value::String(text), _, Value::Int(limit)] => (text, *limit),
        _ => return None,
    };
    Some(Ok(match function {
        "matches" => Value::Bool(regex.is_match(text.as_bytes())),
        "find" => found(regex, text),
        _ => all_found(regex, text, limit),
    }))
}

fn of_bytes(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into())
}

fn found(regex: &GoRegex, text: &str) -> Value {
    of_bytes(regex.find(text.as_bytes()).unwrap_or_default())
}

fn all_found(regex: &GoRegex, text: &str, limit: i64) -> Value {
    Value::list(regex.find_all(text.as_bytes(), limit).into_iter().map(of_bytes).collect())
}

fn outside(at: i64) -> EvalError {
    EvalError::new(format!("index out of range: {at}"))
}

fn char_at(args: &[Value]) -> Option<Out> {
    let [Value::String(text), Value::Int(at)] = args else { return None };
    let length = text.chars().count();
    let position = usize::try_from(*at).ok().filter(|at| *at <= length);
    Some(position.ok_or_else(|| outside(*at)).map(|at| Value::String(text.chars().skip(at).take(1).collect::<String>().into())))
}

/// The position of a part of a text, from a position on, forwards or backwards.
pub(crate) fn position(args: &[Value], last: bool) -> Option<Out> {
    let (text, part, from) = match args {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, Some(*from)),
        _ => return None,
    };
    let text: Vec<char> = text.chars().collect();
    let part: Vec<char> = part.chars().collect();
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    Some(match from {
        Some(from) if from < 0 => Err(outside(from)),
        _ => Ok(Value::Int(if last { last_position(&text, &part, from, length) } else { first_position(&text, &part, from, length) })),
    })
}

fn first_position(text: &[char], part: &[char], from: Option<i64>, length: i64) -> i64 {
    let from = from.unwrap_or(0);
    if part.is_empty() {
        return from.min(length);
    }
    let rest = usize::try_from(from).ok().and_then(|from| text.get(from..)).unwrap_or_default();
    rest.windows(part.len()).position(|window| window == part).map_or(-1, |at| from + i64::try_from(at).unwrap_or_default())
}

fn last_position(text: &[char], part: &[char], from: Option<i64>, length: i64) -> i64 {
    if part.is_empty() {
        return from.map_or(length, |from| from.min(length));
    }
    if from.is_some_and(|from| from >= length) {
        return -1;
    }
    let most = from.and_then(|from| usize::try_from(from).ok()).unwrap_or(usize::MAX);
    let at = text.windows(part.len()).enumerate().rfind(|(at, window)| *at <= most && *window == part);
    at.map_or(-1, |(at, _)| i64::try_from(at).unwrap_or_default())
}

fn replace(args: &[Value]) -> Option<Out> {
    let (text, old, new, count) = match args {
        [Value::String(text), Value::String(old), Value::String(new)] => (text, old, new, -1),
        [Value::String(text), Value::String(old), Value::String(new), Value::Int(count)] => (text, old, new, *count),
        _ => return None,
    };
    let replaced = match usize::try_from(count) {
        Ok(count) => text.replacen(&**old, new, count),
        Err(_) => text.replace(&**old, new),
    };
    Some(Ok(Value::String(replaced.into())))
}

fn split(args: &[Value]) -> Option<Out> {
    let (text, separator, count) = match args {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [Value::String(text), Value::String(separator), Value::Int(count)] => (text, separator, *count),
        _ => return None,
    };
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let parts: Vec<String> = if most == 0 {
        Vec::new()
    } else if separator.is_empty() {
        characters(text, most)
    } else {
        text.splitn(most, &**separator).map(str::to_owned).collect()
    };
    Some(Ok(Value::list(parts.into_iter().map(|part| Value::String(part.into())).collect())))
}

/// The characters one by one, the last part with all that are left.
fn characters(text: &str, most: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.clone().next() {
        if parts.len() + 1 == most {
            parts.push(rest.as_str().to_owned());
            break;
        }
        parts.push(c.to_string());
        rest.next();
    }
    parts
}

fn substring(args: &[Value]) -> Option<Out> {
    let (text, start, end) = match args {
        [Value::String(text), Value::Int(start)] => (text, *start, None),
        [Value::String(text), Value::Int(start), Value::Int(end)] => (text, *start, Some(*end)),
        _ => return None,
    };
    Some(between(text, start, end).map(|text| Value::String(text.into())))
}

fn between(text: &str, start: i64, end: Option<i64>) -> Result<String, EvalError> {
    let length = text.chars().count();
    if let Some(end) = end.filter(|end| start > *end) {
        return Err(EvalError::new(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let within = |at: i64| usize::try_from(at).ok().filter(|at| *at <= length).ok_or_else(|| outside(at));
    let first = within(start)?;
    let last = end.map(within).transpose()?.unwrap_or(length);
    Ok(text.chars().skip(first).take(last - first).collect())
}

fn join(args: &[Value]) -> Option<Out> {
    let (list, separator) = match args {
        [Value::List(list)] => (list, Arc::from("")),
        [Value::List(list), Value::String(separator)] => (list, Arc::clone(separator)),
        _ => return None,
    };
    let mut texts: Vec<&str> = Vec::new();
    for item in &list.items {
        match item {
            Value::String(text) => texts.push(text),
            _ => return Some(Err(EvalError::new(format!("join: invalid input: {}", super::operators::plain(item))))),
        }
    }
    Some(Ok(Value::String(texts.join(&separator).into())))
}
