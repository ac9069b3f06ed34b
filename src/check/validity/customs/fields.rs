//! `fieldPath`: `.spec.ports`, `['a.b']`.

use hydrate_yaml::node::Node;

use crate::check::validity::reading::key;
use crate::check::value::entries;

/// The names that a path is made of; what is wrong with it.
pub(super) fn parse(path: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[', ']']).unwrap_or(after.len());
            names.push(after[..end].to_owned());
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix("['") {
            let (name, after) = quoted(after)?;
            names.push(name);
            rest = after.strip_prefix(']').ok_or("] is expected")?;
        } else {
            return Err("[ or . is expected".to_owned());
        }
    }
    Ok(names)
}

/// A name up to its quote.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Ok((name, &text[at + 1..])),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => name.push('\n'),
                Some('t') => name.push('\t'),
                Some('r') => name.push('\r'),
                Some(c @ ('\'' | '\\')) => name.push(c),
                _ => return Err("an escape is not known".to_owned()),
            },
            c => name.push(c),
        }
    }
    Err("a quote is not closed".to_owned())
}

/// Whether a path leads to something that a schema knows.
pub(super) fn is_there(names: &[String], schema: &Node) -> bool {
    let step = |schema: &Node, name: &String| -> Option<usize> {
        entries(schema, &["properties"]).iter().position(|(known, _)| key(known) == name)
    };
    let mut schema = schema;
    for name in names {
        let properties = entries(schema, &["properties"]);
        let next = match step(schema, name) {
            Some(at) => properties.get(at).map(|(_, of)| of),
            None if properties.is_empty() => schema.get("additionalProperties").filter(|of| of.entries().is_some()),
            None => None,
        };
        match next {
            Some(next) => schema = next,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_names() {
        assert_eq!(parse(".spec.a").unwrap(), ["spec", "a"]);
        assert_eq!(parse("['a.b'].c").unwrap(), ["a.b", "c"]);
        assert_eq!(parse(r"['it\'s']").unwrap(), ["it's"]);
        for wrong in ["spec", ".a[0]", "['a'", "['a"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
