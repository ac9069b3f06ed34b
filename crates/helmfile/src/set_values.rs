//! `--state-values-set` and `--state-values-set-string`: `a.b[0]=value,c=d`.
//!
//! Follows `pkg/config/config.go` and `pkg/maputil/maputil.go` of helmfile.

use hydrate_gotmpl::{List, Map, Value};

use crate::Version;
use crate::merge::{Lists, merge_maps};

/// The longest list that an index can make.
const MOST_ITEMS: usize = 65_536;

/// What the arguments of `--state-values-set-string` and `--state-values-set` say together.
///
/// # Errors
/// What cannot be read as `key=value`, or does not fit what is there.
pub(crate) fn state_values(texts: &[String], typed: &[String]) -> Result<Map, String> {
    let (of_texts, of_typed) = (Map::new(), Map::new());
    for argument in texts {
        for (key, value) in text_pairs(argument) {
            put(&of_texts, &parse_key(key), value, true)?;
        }
    }
    for pair in typed.iter().flat_map(|argument| argument.split(',')) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(format!("expected key=value in --state-values-set, got {pair:?}"));
        };
        put(&of_typed, &parse_key(key), value, false)?;
    }
    Ok(merge_maps(&of_texts, &of_typed, Lists::Sparse, Version::V1))
}

/// The pairs in an argument of `--state-values-set-string`, whose values may be quoted; what is none is passed over.
fn text_pairs(argument: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let mut rest = argument;
    let mut is_start = true;
    loop {
        if !is_start {
            let Some((_, behind)) = rest.split_once(',') else { return pairs };
            rest = behind;
        }
        is_start = false;
        let end = rest.find(|character: char| character.is_whitespace() || character == '=').unwrap_or(rest.len());
        let (key, behind) = rest.split_at(end);
        let Some(text) = behind.strip_prefix('=').filter(|text| !key.is_empty() && !text.is_empty()) else { continue };
        let is_quote = |character: char| character == '\'' || character == '"';
        let quoted = text.strip_prefix(is_quote).and_then(|inner| inner.find(is_quote)).map(|end| end + 2);
        let value = text.get(..quoted.unwrap_or_else(|| text.find(',').unwrap_or(text.len()))).unwrap_or_default();
        if !value.is_empty() {
            pairs.push((key, value));
            rest = text.get(value.len()..).unwrap_or_default();
        }
    }
}

fn parse_key(key: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let (mut part, mut escaped) = (String::new(), false);
    for character in key.chars() {
        match character {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '.' if !escaped => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
        escaped = false;
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn put(map: &Map, key: &[String], value: &str, texts: bool) -> Result<(), String> {
    let Some((first, rest)) = key.split_first() else { return Err("the key is empty".to_owned()) };
    let (name, index) = cursor(first)?;
    match (index, rest.is_empty()) {
        (None, true) => map.insert(name, typed(value, texts)),
        (None, false) => {
            let inner = inner_map(map.get(name.as_bytes()), first)?;
            map.insert(name, Value::Map(inner.clone()));
            put(&inner, rest, value, texts)?;
        }
        (Some(index), last) => {
            let mut items = match map.get(name.as_bytes()) {
                None | Some(Value::Nil) => Vec::new(),
                Some(Value::List(list)) => list.items().clone(),
                Some(_) => return Err(format!("{name} is no list")),
            };
            items.resize(items.len().max(index + 1), Value::Nil);
            let Some(slot) = items.get_mut(index) else { return Ok(()) };
            if last {
                *slot = typed(value, texts);
                map.insert(name, Value::List(List::new(items)));
            } else {
                let inner = inner_map(Some(slot.clone()), first)?;
                *slot = Value::Map(inner.clone());
                map.insert(name, Value::List(List::new(items)));
                put(&inner, rest, value, texts)?;
            }
        }
    }
    Ok(())
}

fn inner_map(value: Option<Value>, shown: &str) -> Result<Map, String> {
    match value {
        None | Some(Value::Nil) => Ok(Map::new()),
        Some(Value::Map(map)) => Ok(map),
        Some(_) => Err(format!("{shown} is no map")),
    }
}

/// `name[3]`
fn cursor(part: &str) -> Result<(String, Option<usize>), String> {
    let spaced = part.replace(['[', ']'], " ");
    let mut words = spaced.split_whitespace();
    let index = words.next().zip(words.next()).and_then(|(name, index)| Some((name.to_owned(), index.parse::<usize>().ok()?)));
    match index {
        Some((_, index)) if index >= MOST_ITEMS => Err(format!("the index {index} is beyond {MOST_ITEMS}")),
        Some((name, index)) => Ok((name, Some(index))),
        None => Ok((spaced, None)),
    }
}

fn typed(value: &str, texts: bool) -> Value {
    if texts {
        return Value::str(value);
    }
    match value.to_ascii_lowercase().as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Nil,
        "0" => Value::Int64(0),
        _ if !value.starts_with('0') => value.parse().map_or_else(|_| Value::str(value), Value::Int64),
        _ => Value::str(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(texts: &[&str], typed: &[&str]) -> Result<String, String> {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let map = state_values(&owned(texts), &owned(typed))?;
        let json = hydrate_gotmpl::encode::to_json(&Value::Map(map), hydrate_gotmpl::GoVersion::default())?;
        Ok(String::from_utf8(json).unwrap())
    }

    #[test]
    fn values() {
        assert_eq!(given(&[], &["a.b=1,c=x", r"d\.e=a=b"]).unwrap(), r#"{"a":{"b":1},"c":"x","d.e":"a=b"}"#);
        assert_eq!(given(&[], &["a[1]=x", "b[0].c=true"]).unwrap(), r#"{"a":[null,"x"],"b":[{"c":true}]}"#);
        assert_eq!(given(&[], &["a=007,b=0,c=null,d=TRUE,e=-3"]).unwrap(), r#"{"a":"007","b":0,"c":null,"d":true,"e":-3}"#);
        assert_eq!(given(&["a=1,b=true", "c='x,y',d=2"], &["b=3"]).unwrap(), r#"{"a":"1","b":3,"c":"'x,y'","d":"2"}"#);
    }

    #[test]
    fn what_does_not_fit() {
        assert!(given(&[], &["a=1,a.b=2"]).unwrap_err().contains("no map"));
        assert!(given(&[], &["a[99999999]=1"]).unwrap_err().contains("beyond"));
        assert!(given(&[], &["a"]).unwrap_err().contains("key=value"));
    }
}
