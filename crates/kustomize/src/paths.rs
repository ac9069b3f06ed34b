//! Field paths as text: `spec/template/metadata`, `spec.containers.[name=a.b].image`.
//!
//! Follows `kyaml/utils/pathsplitter.go` of kustomize 5.8.1.

/// Splits at a delimiter; a backslash before it takes it into the field name. A leading delimiter is dropped.
pub(crate) fn split(path: &str, delimiter: char) -> Vec<String> {
    let mut parts: Vec<&str> = path.split(delimiter).collect();
    if parts.len() > 1 && parts.first() == Some(&"") {
        parts.remove(0);
    }
    let mut result: Vec<String> = Vec::with_capacity(parts.len());
    for part in parts {
        match result.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => result.push(part.to_owned()),
        }
    }
    result
}

/// The same, and what is in brackets stays together: `[name=a.b]` is one part, `[a.b]` is the field `a.b`.
pub(crate) fn split_smart(path: &str, delimiter: char) -> Vec<String> {
    let mut result = Vec::new();
    let mut parts = split(path, delimiter).into_iter();
    while let Some(mut part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            result.push(part);
            continue;
        }
        for more in parts.by_ref() {
            part.push(delimiter);
            part.push_str(&more);
            if more.ends_with(']') {
                break;
            }
        }
        result.push(if part.contains('=') { part } else { part.trim_matches(['[', ']']).to_owned() });
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{split, split_smart};

    #[test]
    fn delimiters_can_be_escaped() {
        assert_eq!(split("a/b\\/c/d", '/'), ["a", "b/c", "d"]);
        assert_eq!(split("/a", '/'), ["a"]);
        assert_eq!(split("", '/'), [""]);
    }

    #[test]
    fn brackets_hold_together() {
        assert_eq!(split_smart("a.[name=x.y].b", '.'), ["a", "[name=x.y]", "b"]);
        assert_eq!(split_smart("a.[x.y/z].b", '.'), ["a", "x.y/z", "b"]);
        assert_eq!(split_smart("a.[x].b", '.'), ["a", "[x]", "b"]);
    }
}
