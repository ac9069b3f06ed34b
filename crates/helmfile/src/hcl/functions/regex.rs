//! Regular expressions of Go.

use std::collections::BTreeMap;
use std::rc::Rc;

use hydrate_sprig::regex::GoRegex;

use super::super::value::{Outcome, Type, Value};
use super::text_at;

/// What a match gives.
enum Shape {
    /// The whole match, where there are no groups.
    Whole,
    /// The groups, in their order.
    Groups,
    /// The groups by their names.
    Names,
}

fn compile(pattern: &str) -> Result<(GoRegex, Shape), String> {
    let regex = GoRegex::new(pattern.as_bytes()).map_err(|error| format!("the pattern is not valid: {} in {}", error.code, error.part))?;
    let names = regex.group_names().get(1..).unwrap_or_default();
    let named = names.iter().flatten().count();
    let shape = match (named, names.len()) {
        (_, 0) => Shape::Whole,
        (0, _) => Shape::Groups,
        (named, all) if named == all => Shape::Names,
        _ => return Err("the pattern has groups with names and such without".to_owned()),
    };
    Ok((regex, shape))
}

fn found(regex: &GoRegex, shape: &Shape, groups: &[Option<&[u8]>]) -> Outcome {
    let value = |group: &Option<&[u8]>| match group {
        Some(bytes) => Value::string(&String::from_utf8_lossy(bytes)),
        None => Value::Null(Type::String),
    };
    let captured = groups.get(1..).unwrap_or_default();
    match shape {
        Shape::Whole => Ok(groups.first().map_or(Value::NULL, value)),
        Shape::Groups => Value::tuple(captured.iter().map(value).collect()),
        Shape::Names => {
            let names = regex.group_names().iter().skip(1).map(|name| Rc::from(name.as_deref().unwrap_or_default()));
            Value::object(names.zip(captured.iter().map(value)).collect::<BTreeMap<_, _>>())
        }
    }
}

pub(super) fn regex(arguments: &[Value]) -> Outcome {
    let (regex, shape) = compile(text_at(arguments, 0)?)?;
    let groups = regex.captures(text_at(arguments, 1)?.as_bytes()).ok_or("the pattern does not match any part of the text")?;
    found(&regex, &shape, &groups)
}

pub(super) fn regexall(arguments: &[Value]) -> Outcome {
    let (regex, shape) = compile(text_at(arguments, 0)?)?;
    let all = regex.captures_all(text_at(arguments, 1)?.as_bytes());
    let matches = all.iter().map(|groups| found(&regex, &shape, groups)).collect::<Result<Vec<_>, _>>()?;
    Value::list_of(matches, Type::String)
}
