//! A schema file: its draft, and what a `$ref` in it means.

use serde_json::Value as Json;

use hydrate_gotmpl::decode;

/// The drafts of JSON Schema, by their year or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    Of2019,
    Of2020,
}

/// Reads the text of a schema; the error has the words of Go's decoder.
pub(super) fn read(schema: &[u8]) -> Result<Json, String> {
    serde_json::from_slice(schema).map_err(|error| {
        let words = decode::from_json(schema, decode::Target::Any, decode::Numbers::Float64);
        words.err().unwrap_or_else(|| error.to_string())
    })
}

/// The draft that a `$schema` names.
pub(super) fn draft_of(schema: &str) -> Option<Draft> {
    let url = schema.split('#').next().unwrap_or_default();
    let url = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url);
    match url {
        "json-schema.org/draft-04/schema" => Some(Draft::Four),
        "json-schema.org/draft-06/schema" => Some(Draft::Six),
        "json-schema.org/draft-07/schema" => Some(Draft::Seven),
        "json-schema.org/draft/2019-09/schema" => Some(Draft::Of2019),
        "json-schema.org/draft/2020-12/schema" | "json-schema.org/schema" => Some(Draft::Of2020),
        _ => None,
    }
}

/// What a reference leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Target<'a> {
    /// A schema of this file.
    Schema(&'a Json),
    /// A schema of the standard itself, which every schema is taken to satisfy.
    Standard,
    /// A place in this file that does not exist: the fragment.
    Missing(String),
    /// Another file or address: the absolute URL.
    Elsewhere(String),
}

/// Resolves a reference within a file.
pub(super) fn resolve<'a>(root: &'a Json, reference: &str) -> Target<'a> {
    let (url, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let base = if url.is_empty() { Some(root) } else { with_id(root, url, 0) };
    let Some(base) = base else {
        return match draft_of(url) {
            Some(_) => Target::Standard,
            None => Target::Elsewhere(absolute(url)),
        };
    };
    if fragment.is_empty() {
        return Target::Schema(base);
    }
    if fragment.starts_with('/') {
        return pointer(base, fragment);
    }
    with_anchor(base, fragment, 0).map_or_else(|| Target::Missing(fragment.to_owned()), Target::Schema)
}

fn absolute(url: &str) -> String {
    if url.contains("://") || url.starts_with("urn:") { url.to_owned() } else { format!("file:///{}", url.trim_start_matches('/')) }
}

fn pointer<'a>(base: &'a Json, fragment: &str) -> Target<'a> {
    let mut at = base;
    for token in fragment.split('/').skip(1) {
        let token = percent_decoded(token).replace("~1", "/").replace("~0", "~");
        let next = match at {
            Json::Object(entries) => entries.get(&token),
            Json::Array(items) => token.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return Target::Missing(fragment.to_owned()),
        }
    }
    Target::Schema(at)
}

/// The text with its percent-encoded bytes decoded.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The schema whose `$id` is `url`, or ends in it where `url` is relative.
fn with_id<'a>(schema: &'a Json, url: &str, depth: usize) -> Option<&'a Json> {
    find(schema, depth, &|entries| {
        let id = entries.get("$id").or_else(|| entries.get("id")).and_then(Json::as_str)?;
        let id = id.split('#').next().unwrap_or_default();
        Some(!id.is_empty() && (id == url || !url.contains("://") && id.ends_with(&format!("/{}", url.trim_start_matches("./")))))
    })
}

fn with_anchor<'a>(schema: &'a Json, anchor: &str, depth: usize) -> Option<&'a Json> {
    find(schema, depth, &|entries| {
        let named = |key: &str| entries.get(key).and_then(Json::as_str);
        let by_id = named("$id").or_else(|| named("id")).and_then(|id| id.strip_prefix('#'));
        Some([named("$anchor"), named("$dynamicAnchor"), by_id].contains(&Some(anchor)))
    })
}

fn find<'a>(schema: &'a Json, depth: usize, wanted: &dyn Fn(&serde_json::Map<String, Json>) -> Option<bool>) -> Option<&'a Json> {
    if depth > super::DEPTH_LIMIT {
        return None;
    }
    match schema {
        Json::Object(entries) if wanted(entries) == Some(true) => Some(schema),
        Json::Object(entries) => entries.values().find_map(|inner| find(inner, depth + 1, wanted)),
        Json::Array(items) => items.iter().find_map(|inner| find(inner, depth + 1, wanted)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_by_pointer_anchor_and_id() {
        let root = serde_json::json!({"$defs": {"a/b": {"$anchor": "x", "type": "string"}, "c": {"$id": "https://e.org/c.json"}}});
        let a = &root["$defs"]["a/b"];
        assert_eq!(resolve(&root, "#/$defs/a~1b"), Target::Schema(a));
        assert_eq!(resolve(&root, "#x"), Target::Schema(a));
        assert_eq!(resolve(&root, "c.json"), Target::Schema(&root["$defs"]["c"]));
        assert_eq!(resolve(&root, "#/$defs/q"), Target::Missing("/$defs/q".into()));
        assert_eq!(resolve(&root, "https://e.org/d.json#/x"), Target::Elsewhere("https://e.org/d.json".into()));
        assert_eq!(resolve(&root, "d.json"), Target::Elsewhere("file:///d.json".into()));
    }
}
