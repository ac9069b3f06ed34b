//! Texts that are documents of their own: JSON, YAML, TOML, properties.

use hydrate_source::compose;
use hydrate_yaml::node::{Data, Node, ScalarStyle, Style, Tag};

/// Both texts as trees, with what they are; `None` where they are not both documents of one kind.
pub(super) fn both(key: &str, old: &str, new: &str) -> Option<(&'static str, Node, Node)> {
    let may_be = |text: &str| text.contains('\n') || text.starts_with(['{', '[']);
    if !may_be(old) && !may_be(new) {
        return None;
    }
    let extension = key.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let readers: &[(&'static str, fn(&str) -> Option<Node>)] = match extension.as_str() {
        "toml" => &[("toml", toml)],
        "properties" | "ini" | "env" | "cfg" | "cnf" => &[("properties", properties)],
        "sh" | "py" | "js" | "lua" | "sql" | "txt" | "md" | "html" | "tpl" | "tmpl" | "gotmpl" | "pem" | "crt" | "conf" => &[],
        _ => &[("json", json), ("yaml", yaml)],
    };
    readers.iter().find_map(|(kind, read)| Some((*kind, read(old)?, read(new)?)))
}

fn json(text: &str) -> Option<Node> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    // Whoever reads it takes it for JSON; then it is one, and YAML has the same tree of it.
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    yaml(text)
}

fn yaml(text: &str) -> Option<Node> {
    let mut roots = Vec::new();
    match hydrate_yaml::block::read(&hydrate_yaml::Input::new(text.as_bytes())) {
        Some(root) => roots.push(root),
        None => {
            for document in hydrate_yaml::compose(text.as_bytes()).ok()? {
                roots.push(compose::resolve(document.root?).ok()?);
            }
        }
    }
    let is_document = |root: &Node| match &root.data {
        Data::Mapping(entries) => !entries.is_empty() && entries.iter().all(|(key, _)| key.as_str().is_some_and(is_name)),
        Data::Sequence(items) => items.iter().any(|item| item.as_str().is_none()) || text.trim_start().starts_with('['),
        _ => false,
    };
    if !roots.iter().all(is_document) {
        return None;
    }
    if roots.len() == 1 { roots.pop() } else { (!roots.is_empty()).then(|| Node::sequence(roots)) }
}

/// Whether a key is a name, and not a sentence with a colon behind it.
fn is_name(key: &str) -> bool {
    key.split(' ').count() <= 4 && !key.contains('\n')
}

fn toml(text: &str) -> Option<Node> {
    fn node(value: toml::Value) -> Node {
        let quoted = |text: String| Node { style: Style { scalar: ScalarStyle::DoubleQuoted, ..Style::default() }, ..Node::string(text) };
        match value {
            toml::Value::String(text) => quoted(text),
            toml::Value::Integer(value) => Node::scalar(Tag::Int, value.to_string()),
            toml::Value::Float(value) => Node::scalar(Tag::Float, value.to_string()),
            toml::Value::Boolean(value) => Node::scalar(Tag::Bool, value.to_string()),
            toml::Value::Datetime(value) => quoted(value.to_string()),
            toml::Value::Array(items) => Node::sequence(items.into_iter().map(node).collect()),
            toml::Value::Table(table) => Node::mapping(table.into_iter().map(|(key, value)| (Node::string(key), node(value))).collect()),
        }
    }
    toml::from_str::<toml::Table>(text).ok().map(|table| node(toml::Value::Table(table)))
}

/// `key=value` or `key: value` in lines, below `[sections]` where there are any.
fn properties(text: &str) -> Option<Node> {
    let mut entries: Vec<(Node, Node)> = Vec::new();
    let mut section = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';', '!'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            continue;
        }
        // A line that goes on in the next one is left to the comparison of lines.
        if line.ends_with('\\') {
            return None;
        }
        let (key, value) = line.split_once(['=', ':'])?;
        let key = format!("{section}{}", key.trim());
        if entries.iter().any(|(known, _)| known.as_str() == Some(key.as_str())) {
            return None;
        }
        entries.push((Node::string(key), Node::string(value.trim())));
    }
    (!entries.is_empty()).then(|| Node::mapping(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(key: &str, old: &str, new: &str) -> Option<&'static str> {
        both(key, old, new).map(|(kind, ..)| kind)
    }

    #[test]
    fn documents_are_known_by_what_they_are() {
        assert_eq!(kind("a", r#"{"a": 1}"#, r#"{"a": 2}"#), Some("json"));
        assert_eq!(kind("a.yaml", "a: 1\nb: 2\n", "a: 2\nb: 2\n"), Some("yaml"));
        assert_eq!(kind("values", "a: 1\nb: 2\n", "a: 2\nb: 2\n"), Some("yaml"));
        assert_eq!(kind("a.toml", "[a]\nb = 1\n", "[a]\nb = 2\n"), Some("toml"));
        assert_eq!(kind("a.properties", "# c\na.b=1\n", "a.b = 2\nc: 3\n"), Some("properties"));
        assert_eq!(kind("a.yaml", "---\na: 1\n---\nb: 2\n", "a: 2\n"), Some("yaml"));
    }

    #[test]
    fn other_texts_are_texts() {
        for (key, old, new) in [
            ("a", "one", "two"),
            ("run.sh", "a: b\nc\n", "a: c\n"),
            ("a", "{{ .Values.x }}\n", "{{ .Values.y }}\n"),
            ("a", "line one\nline two\n", "line one\n"),
            ("a.toml", "a = \n", "a = 1\n"),
            ("a.properties", "a=1\na=2\n", "a=1\n"),
            ("a", "a: 1\nb: 2\n", "text\nmore\n"),
        ] {
            assert_eq!(kind(key, old, new), None, "{old}");
        }
    }
}
