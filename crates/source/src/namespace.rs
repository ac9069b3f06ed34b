//! Writing a namespace into an object: by one line of its text where that is certain to mean what it should, else by
//! a change that is checked by parsing what came out.

use hydrate_base::{Result, SourceFile, place};
use hydrate_yaml::node::{Data, Node};

use super::compose;

/// The text of an object with `metadata.namespace` set, and nothing else changed in what it means; the error says why
/// that cannot be.
pub fn set(text: &str, namespace: &str) -> Result<String, String> {
    let written = scalar(namespace);
    if let Some(line) = certain(text) {
        return splice(text, line.at, line.at, &format!("{}namespace: {written}\n", " ".repeat(line.indent)));
    }
    let root = read(text)?;
    let resolved = compose::resolve(root.clone())?;
    once(&resolved, "metadata")?;
    let metadata = resolved.get("metadata").ok_or("it has no metadata")?;
    once(metadata, "namespace")?;
    if metadata.entries().is_none() {
        return Err("its metadata is not a mapping".to_owned());
    }
    let mut wanted = resolved.clone();
    assign(&mut wanted, namespace);
    let means = |text: &String| read(text).and_then(compose::resolve).is_ok_and(|found| is_same(&found, &wanted));
    let by_text = [insert(text, &root, &written), replace(text, &root, &written)];
    if let Some(found) = by_text.into_iter().flatten().find(means) {
        return Ok(found);
    }
    [root, resolved]
        .into_iter()
        .find_map(|mut tree| {
            assign(&mut tree, namespace);
            compose::emit(&tree).ok().filter(means)
        })
        .ok_or_else(|| "its YAML is too unusual to be changed".to_owned())
}

/// The namespace as YAML reads it as a string: in quotes where it might be a number, a date or a word of YAML's own.
fn scalar(namespace: &str) -> String {
    const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let plain = namespace.starts_with(|c: char| c.is_ascii_lowercase())
        && namespace.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !WORDS.contains(&namespace);
    if plain { namespace.to_owned() } else { serde_json::Value::from(namespace).to_string() }
}

fn read(text: &str) -> Result<Node, String> {
    let file = SourceFile::new("", text.as_bytes());
    compose::document(&file, 0, text).map_err(|error| error.to_string())?.ok_or_else(|| "it is empty".to_owned())
}

/// A key that is there twice means different things to different readers.
fn once(mapping: &Node, key: &str) -> Result<(), String> {
    let found = mapping.entries().unwrap_or_default().iter().filter(|(name, _)| name.as_str() == Some(key)).count();
    if found > 1 { Err(format!("it gives the key `{key}` {found} times")) } else { Ok(()) }
}

/// Sets the namespace in a tree.
fn assign(root: &mut Node, namespace: &str) {
    let Some(metadata) = root.get_mut("metadata") else { return };
    if let Some(value) = metadata.get_mut("namespace") {
        *value = Node::string(namespace);
    } else if let Data::Mapping(entries) = &mut metadata.data {
        entries.push((Node::string("namespace"), Node::string(namespace)));
    }
}

/// Whether two resolved trees say the same, `metadata.namespace` wherever it stands.
fn is_same(left: &Node, right: &Node) -> bool {
    let entries = |node: &Node, key: &str| -> Vec<(Node, Node)> {
        node.entries().unwrap_or_default().iter().filter(|(name, _)| name.as_str() != Some(key)).cloned().collect()
    };
    let metadata = |node: &Node| node.get("metadata").cloned().unwrap_or_default();
    let namespace = |node: &Node| node.get("namespace").map(|value| (value.tag, value.as_str().map(str::to_owned)));
    let (inner_left, inner_right) = (metadata(left), metadata(right));
    let order = |node: &Node| node.entries().unwrap_or_default().iter().position(|(name, _)| name.as_str() == Some("metadata"));
    once(&inner_left, "namespace").is_ok()
        && namespace(&inner_left) == namespace(&inner_right)
        && order(left) == order(right)
        && says_all(&entries(left, "metadata"), &entries(right, "metadata"))
        && says_all(&entries(&inner_left, "namespace"), &entries(&inner_right, "namespace"))
}

fn says_all(left: &[(Node, Node)], right: &[(Node, Node)]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| says(&left.0, &right.0) && says(&left.1, &right.1))
}

fn says(left: &Node, right: &Node) -> bool {
    left.tag_text() == right.tag_text()
        && match (&left.data, &right.data) {
            (Data::Scalar(left), Data::Scalar(right)) => left == right,
            (Data::Sequence(left), Data::Sequence(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| says(left, right))
            }
            (Data::Mapping(left), Data::Mapping(right)) => says_all(left, right),
            _ => false,
        }
}

/// A new entry before the first one of the metadata, in the style that this is written in.
fn insert(text: &str, root: &Node, written: &str) -> Option<String> {
    let metadata = root.get("metadata")?;
    let entries = metadata.entries()?;
    if metadata.style.flow {
        let at = offset(text, metadata)?;
        let at = at + text.get(at..)?.find('{')? + 1;
        let separator = if entries.is_empty() { "" } else { ", " };
        return splice(text, at, at, &format!("namespace: {written}{separator}")).ok();
    }
    let at = offset(text, &entries.first()?.0)?;
    let start = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
    let indent = text.get(start..at).filter(|indent| indent.bytes().all(|byte| byte == b' '))?;
    let end = if text.get(..start)?.ends_with("\r\n") { "\r\n" } else { "\n" };
    splice(text, start, start, &format!("{indent}namespace: {written}{end}")).ok()
}

/// The value of a `namespace:` that says nothing, or the empty text.
fn replace(text: &str, root: &Node, written: &str) -> Option<String> {
    let (key, _) = root.get("metadata")?.entries()?.iter().find(|(name, _)| name.as_str() == Some("namespace"))?;
    let at = offset(text, key)?;
    let after = at + text.get(at..)?.find(':')? + 1;
    let rest = text.get(after..)?;
    let line = rest.get(..rest.find(['\n', '\r']).unwrap_or(rest.len()))?;
    let value = line.len() - line.trim_start().len();
    let length =
        ["\"\"", "''", "null", "Null", "NULL", "~"].iter().find(|empty| line.trim_start().starts_with(**empty)).map_or(0, |it| it.len());
    let (from, to) = if length == 0 { (after, after) } else { (after + value, after + value + length) };
    let space = if length == 0 { " " } else { "" };
    splice(text, from, to, &format!("{space}{written}")).ok()
}

fn splice(text: &str, from: usize, to: usize, what: &str) -> Result<String, String> {
    let parts = text.get(..from).zip(text.get(to..));
    parts.map(|(before, after)| format!("{before}{what}{after}")).ok_or_else(|| "its text cannot be changed there".to_owned())
}

/// The byte at which a node starts; `None` for one that was not read from the text.
fn offset(text: &str, node: &Node) -> Option<usize> {
    (node.line > 0).then(|| place::byte_at(text.as_bytes(), node.line, node.column))
}

/// Where a line can be put in.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    at: usize,
    indent: usize,
}

/// The place below `metadata:` in a text of plain block collections, which nearly all are: every line is known for what
/// it is without a parse. `None` where anything about it is unusual, or a namespace is there already.
fn certain(text: &str) -> Option<Line> {
    // What else breaks lines in YAML could hide some.
    let breaks = ["\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{feff}"];
    if breaks.iter().any(|other| memchr::memmem::find(text.as_bytes(), other.as_bytes()).is_some()) || !text.ends_with('\n') {
        return None;
    }
    let (mut found, mut inside) = (None, false);
    let mut block: Option<BlockScalar> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let line = line.trim_end_matches('\n');
        let indent = line.len() - line.trim_start_matches(' ').len();
        let content = &line[indent..];
        if block.as_mut().is_some_and(|block| block.holds(indent, content)) {
            continue;
        }
        block = None;
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let item = Item::read(content, indent)?;
        block = item.block.then_some(BlockScalar { parent: item.column, content: None });
        match (indent, &mut found) {
            // `-` may stand as far left as the key that it belongs to, but metadata is no list.
            (0, _) if item.is_element && inside => return None,
            (0, _) if item.is_element => {}
            (0, _) => {
                let key = item.key.filter(|key| key.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
                inside = key == "metadata";
                if inside && (found.is_some() || !item.is_empty) {
                    return None;
                }
                if inside {
                    found = Some(Line { at, indent: 0 });
                }
            }
            (_, Some(found)) if inside => {
                let is_first = found.indent == 0;
                if is_first {
                    found.indent = indent;
                }
                let is_key = !item.is_element && !matches!(item.key, None | Some("namespace"));
                if indent < found.indent || indent == found.indent && !(is_key || item.is_element && !is_first) {
                    return None;
                }
            }
            _ => {}
        }
    }
    found.filter(|line| line.indent > 0)
}

/// A literal or folded text: what belongs to it says nothing.
struct BlockScalar {
    /// The column of the key or item that it is the value of.
    parent: usize,
    /// The indentation of its first line, which all others have at least.
    content: Option<usize>,
}

impl BlockScalar {
    fn holds(&mut self, indent: usize, content: &str) -> bool {
        if content.is_empty() {
            return true;
        }
        match self.content {
            Some(least) => indent >= least,
            None if indent > self.parent => {
                self.content = Some(indent);
                true
            }
            None => false,
        }
    }
}

/// A line of a block collection.
struct Item<'a> {
    /// Whether it begins with a dash.
    is_element: bool,
    /// Where what it says begins, after the dashes.
    column: usize,
    /// The key, where the line has one.
    key: Option<&'a str>,
    /// Whether nothing follows the key.
    is_empty: bool,
    /// Whether a block scalar begins.
    block: bool,
}

impl<'a> Item<'a> {
    /// Reads the content of a line at a column; `None` where something is opened that may go on over other lines.
    fn read(content: &'a str, mut column: usize) -> Option<Self> {
        let mut rest = content;
        if rest.contains('\t') {
            return None;
        }
        while let Some(after) = rest.strip_prefix("- ") {
            let item = after.trim_start_matches(' ');
            column += rest.len() - item.len();
            rest = item;
        }
        let is_element = content == "-" || content.starts_with("- ");
        let none = Self { is_element, column, key: None, is_empty: true, block: false };
        if rest == "-" || rest.is_empty() || rest.starts_with('#') {
            return Some(none);
        }
        if rest == "?" || rest.starts_with(['?', ':']) {
            return None;
        }
        let is_special = rest.starts_with(['"', '\'', '{', '[', '}', ']', '&', '*', '!', '|', '>', '%', '@', '`', ',']);
        let code = rest.split_once(" #").map_or(rest, |(code, _)| code);
        let (key, value) = match code.split_once(": ") {
            _ if is_special => (None, rest),
            Some((key, _)) => (Some(key), rest.get(key.len() + 1..)?),
            None => match code.trim_end().strip_suffix(':') {
                Some(key) => (Some(key), ""),
                None => return Some(Self { is_empty: false, ..none }),
            },
        };
        let value = value.trim_start_matches(' ');
        let is_empty = value.is_empty() || value.starts_with('#');
        let block = value.starts_with(['|', '>']);
        is_whole(value).then_some(Self { is_element, column, key, is_empty, block })
    }
}

/// Whether a value ends on its line, or is a block scalar.
fn is_whole(value: &str) -> bool {
    let is_end =
        |rest: &str| rest.trim_start_matches(' ').is_empty() || rest.trim_start_matches(' ').starts_with('#') && rest.starts_with(' ');
    let closed = |rest: &str, close: char, never: &[char]| {
        rest.find(close).is_some_and(|at| !rest[..at].contains(never) && is_end(&rest[at + close.len_utf8()..]))
    };
    let mut chars = value.chars();
    match chars.next() {
        Some('|' | '>') => is_end(chars.as_str().trim_start_matches(['+', '-'])),
        Some('"') => closed(chars.as_str(), '"', &['\\']),
        Some('\'') => closed(chars.as_str(), '\'', &[]),
        Some('{') => closed(chars.as_str(), '}', &['{', '[', ']', '"', '\'', '#']),
        Some('[') => closed(chars.as_str(), ']', &['[', '{', '}', '"', '\'', '#']),
        Some('&' | '*' | '!' | '%' | '@' | '`' | '?' | '}' | ']' | ',') => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
