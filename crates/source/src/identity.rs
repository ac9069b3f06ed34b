//! Who an object is, from its text: without a parse where the text is plain, else from the tree.

use hydrate_yaml::node::{Data as NodeData, Node, Tag};

use super::document::Identity;

/// The identity of a document written in the plain block style that nearly all are; `None` when anything about it
/// is unusual and the text has to be parsed.
pub(crate) fn quick(text: &str) -> Option<Identity> {
    let mut identity = Identity::default();
    let mut seen = Seen::default();
    let mut lines = text.lines().peekable();
    let mut may_go_on = false;
    while let Some(line) = lines.next() {
        if is_blank(line) {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            // A text may go on in the next line, which is then further in.
            if may_go_on {
                return None;
            }
            continue;
        }
        let (key, value) = entry(line)?;
        may_go_on = matches!(key, "apiVersion" | "kind");
        match key {
            "apiVersion" => seen.once(0, &mut identity.api_version, plain(value)?)?,
            "kind" => seen.once(1, &mut identity.kind, plain(value)?)?,
            "metadata" => {
                let mut block = Vec::new();
                while let Some(line) = lines.next_if(|line| is_blank(line) || line.starts_with(' ')) {
                    block.push(line);
                }
                seen.once(2, &mut String::new(), value)?;
                metadata(&block, &mut identity)?;
            }
            // Flow collections and quoted texts may go on over lines that look like keys.
            _ if value.starts_with(['"', '\'', '{', '[', '&', '!']) && !is_closed(value) => return None,
            _ => {}
        }
    }
    let whole = !identity.api_version.is_empty() && !identity.kind.is_empty() && !identity.name.is_empty();
    (whole && !identity.kind.ends_with("List")).then_some(identity)
}

/// The identity of a parsed document, or what it lacks.
pub fn of(root: &Node) -> Result<Identity, String> {
    if root.entries().is_none() {
        return Err("it is not a mapping".to_owned());
    }
    let text = |node: Option<&Node>| node.filter(|node| node.tag != Tag::Null).and_then(Node::as_str).unwrap_or_default().to_owned();
    let metadata = root.get("metadata");
    let field = |key: &str| text(metadata.and_then(|metadata| metadata.get(key)));
    let name = if field("name").is_empty() { field("generateName") } else { field("name") };
    let identity =
        Identity { api_version: text(root.get("apiVersion")), kind: text(root.get("kind")), namespace: field("namespace"), name };
    let parts = [("apiVersion", &identity.api_version), ("kind", &identity.kind), ("metadata.name", &identity.name)];
    let missing: Vec<&str> = parts.iter().filter(|(_, text)| text.is_empty()).map(|(name, _)| *name).collect();
    if missing.is_empty() { Ok(identity) } else { Err(format!("it has no {}", missing.join(", no "))) }
}

/// The items when the document is a `List` (or a typed one, such as `ConfigMapList`), as kubectl takes it apart: nested
/// lists too, and items of a typed list need not say what they are. `None` for what is no list; the error says what is
/// wrong with a list.
pub(crate) fn list_items(root: &Node) -> Result<Option<Vec<Node>>, (&Node, String)> {
    let text = |key: &str| root.get(key).and_then(Node::as_str).unwrap_or_default();
    let Some(kind) = text("kind").strip_suffix("List") else { return Ok(None) };
    let is_plain = kind.is_empty() && text("apiVersion") == "v1";
    let Some(items) = root.get("items") else {
        return if is_plain { Err((root, "it is a List without items".to_owned())) } else { Ok(None) };
    };
    let elements = match items.items() {
        Some(elements) => elements,
        None if items.tag == Tag::Null => &[],
        None if is_plain => return Err((items, "the items of a List are not a sequence".to_owned())),
        None => return Ok(None),
    };
    if elements.iter().any(|item| item.entries().is_none()) && !is_plain {
        return Ok(None);
    }
    let mut all = Vec::new();
    for item in elements {
        match list_items(item)? {
            Some(inner) => all.extend(inner),
            None => all.push(typed(item, text("apiVersion"), kind)),
        }
    }
    Ok(Some(all))
}

/// An item that says neither version nor kind has those of its list.
fn typed(item: &Node, api_version: &str, kind: &str) -> Node {
    let mut item = item.clone();
    let is_untyped = item.get("kind").is_none() && item.get("apiVersion").is_none();
    if let NodeData::Mapping(entries) = &mut item.data
        && is_untyped
        && !kind.is_empty()
    {
        let said = [("apiVersion", api_version), ("kind", kind)].map(|(key, text)| (Node::string(key), Node::string(text)));
        entries.splice(0..0, said);
    }
    item
}

/// Which of the three keys were seen: a second time is for the parser to complain about.
#[derive(Default)]
struct Seen([bool; 3]);

impl Seen {
    fn once(&mut self, index: usize, target: &mut String, value: &str) -> Option<()> {
        let seen = self.0.get_mut(index)?;
        if std::mem::replace(seen, true) {
            return None;
        }
        value.clone_into(target);
        Some(())
    }
}

/// Reads name and namespace from the lines under `metadata:`.
fn metadata(block: &[&str], identity: &mut Identity) -> Option<()> {
    let indent = block.iter().find(|line| !is_blank(line)).map(|line| indentation(line))?;
    let (mut name, mut generated, mut namespaces) = (None, None, 0);
    let mut may_go_on = false;
    for line in block.iter().filter(|line| !is_blank(line)) {
        if indentation(line) > indent {
            // A text may go on in the next line, which is then further in.
            if may_go_on {
                return None;
            }
            continue;
        }
        let (key, value) = entry(line.get(indent..)?)?;
        may_go_on = matches!(key, "name" | "generateName" | "namespace");
        match key {
            "name" if name.is_none() => name = Some(plain(value)?),
            "generateName" if generated.is_none() => generated = Some(plain(value)?),
            "namespace" if namespaces == 0 => {
                namespaces = 1;
                plain(value)?.clone_into(&mut identity.namespace);
            }
            "name" | "generateName" | "namespace" => return None,
            _ if value.starts_with(['"', '\'', '{', '[', '&', '!']) && !is_closed(value) => return None,
            _ => {}
        }
    }
    name.or(generated)?.clone_into(&mut identity.name);
    Some(())
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// `key:` or `key: value` at the beginning of a line, with a key of letters; comments behind the value taken off.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(':')?;
    let simple = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !simple || !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    let value = rest.trim();
    if value.starts_with('#') {
        return Some((key, ""));
    }
    Some((key, value.split_once(" #").map_or(value, |(value, _)| value.trim_end())))
}

/// The text of a scalar that cannot be anything but the string it looks like.
fn plain(value: &str) -> Option<&str> {
    let quoted = |quote| value.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    let text = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-' | b'_' | b':');
    let harmless = !text.is_empty() && text.bytes().all(safe) && !text.ends_with(':') && !text.starts_with('-');
    let word = !matches!(text.to_ascii_lowercase().as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    let number = text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text.len() == value.len()
        && !text.contains(|c: char| c.is_ascii_alphabetic());
    (harmless && word && !number).then_some(text)
}

/// Whether a quoted text or flow collection that begins a value also ends with it.
fn is_closed(value: &str) -> bool {
    let close = match value.chars().next() {
        Some('"') => '"',
        Some('\'') => '\'',
        Some('{') => '}',
        Some('[') => ']',
        _ => return false,
    };
    value.len() > 1 && value.ends_with(close) && !value.ends_with("\\\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Option<String> {
        quick(text).map(|identity| identity.to_string())
    }

    #[test]
    fn plain_documents_need_no_parse() {
        let text = "# Source: a\napiVersion: apps/v1 # x\nkind: \"Deployment\"\nmetadata:\n  labels:\n    name: no\n  name: web\n  namespace: 'shop'\nspec:\n  name: no\n";
        assert_eq!(name(text).as_deref(), Some("Deployment shop/web (apps)"));
        assert_eq!(name("kind: Job\napiVersion: batch/v1\nmetadata:\n    generateName: run-\n").as_deref(), Some("Job run- (batch)"));
        assert_eq!(name("apiVersion: v1\nkind: ClusterRole\nmetadata:\n  name: system:x\n").as_deref(), Some("ClusterRole system:x"));
    }

    #[test]
    fn anything_unusual_is_left_to_the_parser() {
        for text in [
            "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
            "apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata:\n  name: a\n",
            "apiVersion: v1\nkind: List\nmetadata:\n  name: a\n",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: \"a\\x20b\"\n",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: 1.5\n",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: yes\n",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name:\n    a\n",
            "apiVersion: v1\nkind: Pod\ndata: \"x\nmetadata:\n  name: a\"\n",
            "apiVersion: v1\nkind: Pod\n",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    /// Lines of documents, many of which are unusual; some only in certain places.
    const LINES: &[&str] = &[
        "apiVersion: v1\n",
        "apiVersion: \"apps/v1\" # c\n",
        "kind: Pod\n",
        "kind: 'Deployment'\n",
        "kind: !!str Pod\n",
        "kind: ConfigMapList\n",
        "metadata:\n  name: a\n",
        "metadata:\n  # c\n\n    namespace: 'x'\n    name: b\n",
        "metadata:\n  labels:\n    name: no\n  generateName: c-\n",
        "metadata:\n  name: 1.5\n",
        "metadata:\n  name: 0x1f\n",
        "metadata:\n  name: 1e3\n",
        "metadata:\n  name: yes\n",
        "metadata:\n  name: a\n  namespace: ~\n",
        "metadata:\n  annotations:\n    t: \"x\n  name: y\"\n  name: a\n",
        "metadata:\n  name: a\n    b\n",
        "metadata:\n  name:\n    a\n",
        "metadata: {name: a}\n",
        "metadata: &m\n  name: a\n",
        "data:\n  a: |\n    kind: Secret\n",
        "text: |\n  kind: Secret\n\n  metadata:\n",
        "one: \"x\nkind: Secret\"\n",
        "two: 'x\n  kind: y'\n",
        "three: {a: b,\n  kind: c}\n",
        "four: text\n  that goes on\n",
        "  text\n",
        "<<: {kind: Secret}\n",
        "# kind: Secret\n",
        "\n",
        "list:\n- kind: x\n",
        "? kind\n: Secret\n",
        "\"kind\": Secret\n",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// What is read from lines is what the parser reads, wherever the document can be parsed.
        #[test]
        fn the_quick_way_agrees_with_the_parser(lines in prop::collection::vec(prop::sample::select(LINES), 2..7)) {
            let text = lines.concat();
            let file = hydrate_base::SourceFile::new("a.yaml".to_owned(), text.as_bytes());
            if let (Some(quick), Ok(Some(root))) = (quick(&text), crate::compose::document(&file, 0, &text)) {
                prop_assert_eq!(Ok(quick), of(&root), "{}", text);
            }
        }
    }

    /// The lines above would show nothing if the quick way took none of their documents.
    #[test]
    fn the_quick_way_is_taken() {
        let taken = |kind: usize, metadata: usize| quick(&[LINES[0], LINES[kind], LINES[metadata], LINES[20]].concat()).is_some();
        assert!(taken(2, 6) && taken(3, 7) && taken(3, 8) && !taken(5, 6));
    }
}
