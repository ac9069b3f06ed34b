//! Reading objects: the documents of a file, without anchors, with lists taken apart, and only if they can be objects.
//!
//! Follows `kyaml/kio/byteio_reader.go` and `api/resource/factory.go` of kustomize 5.8.1.

use std::borrow::Cow;
use std::collections::VecDeque;

use ecow::EcoString;

use super::anchors::remove_anchors;
use super::errors::{Fail, FailKind, KResult, fail};
use super::json::Json;
use super::parallel;
use super::resource::Resource;
use super::tree;
use hydrate_yaml::emit::{PlainType, Version, plain_type};
use hydrate_yaml::node::{Data, Node, ScalarStyle, Tag};

/// Texts from this size on are read by all processors.
const PARALLEL_FROM: usize = 256 * 1024;

/// The objects of a text.
pub(crate) fn resources(text: &[u8]) -> KResult<Vec<Resource>> {
    Ok(objects(text)?.into_iter().map(Resource::new).collect())
}

fn objects(text: &[u8]) -> KResult<Vec<Node>> {
    let nodes = checked(documents(text)?)?;
    expand_lists(nodes)
}

/// The documents of a text, without anchors; a lone `List` gives its items.
fn documents(text: &[u8]) -> KResult<Vec<Node>> {
    let text = without_carriage_returns(text);
    let chunks = split(&text)?;
    let read = |chunk: &&[u8]| -> KResult<Option<Node>> {
        let node = super::compose::first(chunk).map_err(|error| malformed(&error))?;
        let Some(mut node) = node.filter(|node| !tree::is_null(node)) else { return Ok(None) };
        if memchr::memchr(b'&', chunk).is_some() || memchr::memmem::find(chunk, b"<<").is_some() {
            remove_anchors(&mut node)?;
        }
        Ok(Some(node))
    };
    let mut nodes = Vec::with_capacity(chunks.len());
    if text.len() >= PARALLEL_FROM && chunks.len() > 1 {
        let shares = parallel::by_shares(&chunks, |chunk| chunk.len(), |chunks, _| chunks.iter().map(read).collect::<KResult<Vec<_>>>());
        shares.into_iter().try_for_each(|share| share.map(|read| nodes.extend(read.into_iter().flatten())))?;
    } else {
        chunks.iter().try_for_each(|chunk| read(chunk).map(|node| nodes.extend(node)))?;
    }
    if chunks.len() == 1
        && let Some(items) = nodes.first_mut().and_then(items_of_list)
    {
        return Ok(items);
    }
    nodes.retain(|node| !tree::is_nil_or_empty(node));
    Ok(nodes)
}

fn malformed(error: &Fail) -> Fail {
    Fail::of(FailKind::MalformedYaml, format!("MalformedYAMLError: {}", error.text()))
}

fn without_carriage_returns(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(text, b"\r\n").is_none() {
        return Cow::Borrowed(text);
    }
    let mut clean = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"\r\n") {
        clean.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    clean.extend_from_slice(rest);
    Cow::Owned(clean)
}

/// Splits at lines that begin with `---`; nothing but a comment may follow on them.
fn split(text: &[u8]) -> KResult<Vec<&[u8]>> {
    let mut chunks = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(found) = memchr::memmem::find(text.get(from..).unwrap_or_default(), b"\n---") {
        let at = from + found;
        let Some(end) = memchr::memchr(b'\n', text.get(at + 4..).unwrap_or_default()).map(|len| at + 4 + len) else { break };
        let after = text.get(at + 4..end).unwrap_or_default().trim_ascii();
        if !after.is_empty() && !after.starts_with(b"#") {
            let line = String::from_utf8_lossy(text.get(at + 1..end).unwrap_or_default()).trim().to_owned();
            return fail(format!("invalid document separator: {line}"));
        }
        // The line break before the separator belongs to the document.
        chunks.push(text.get(start..=at).unwrap_or_default());
        start = end + 1;
        from = start;
    }
    if !text.is_empty() {
        chunks.push(text.get(start..).unwrap_or_default());
    }
    Ok(chunks)
}

fn items_of_list(node: &mut Node) -> Option<Vec<Node>> {
    if !matches!(tree::top_text(node, "kind"), "List" | "ResourceList") {
        return None;
    }
    if node.get("items").is_none() && node.get("functionConfig").is_none() {
        return None;
    }
    match node.get_mut("items").map(|items| &mut items.data) {
        Some(Data::Sequence(items)) => Some(std::mem::take(items)),
        _ => Some(Vec::new()),
    }
}

/// Drops what is nothing and fails at what is no object.
fn checked(mut nodes: Vec<Node>) -> KResult<Vec<Node>> {
    nodes.retain(|node| !tree::is_nil_or_empty(node));
    parallel::try_map(&nodes, check_metadata)?;
    Ok(nodes)
}

/// Fails unless an object has a kind and a name; lists need no name.
pub(crate) fn check_metadata(node: &Node) -> KResult<()> {
    let present = |name: &str| node.get(name).is_some_and(|value| !tree::is_nil_or_empty(value));
    let meta = node.get("metadata").filter(|value| !tree::is_nil_or_empty(value));
    let has_meta = meta.is_some_and(|meta| {
        ["name", "namespace", "labels", "annotations"].iter().any(|name| meta.get(name).is_some_and(|value| !tree::is_nil_or_empty(value)))
    });
    if !present("apiVersion") && !present("kind") && !has_meta {
        return fail("missing Resource metadata");
    }
    let kind = tree::top_text(node, "kind");
    if kind.is_empty() || !present("kind") {
        return fail(format!("missing kind in object {}", meta_text(node)));
    }
    if !kind.ends_with("List") && tree::meta_text(node, "name").is_empty() {
        return fail(format!("missing metadata.name in object {}", meta_text(node)));
    }
    // Two by two, the items of a list count as annotations; kustomize crashes where one is left over.
    match meta.and_then(|meta| meta.get("annotations")?.items()) {
        Some(items) if items.len() % 2 == 1 => fail(format!("metadata.annotations is a list of {} items, not a mapping", items.len())),
        _ => Ok(()),
    }
}

/// An object's metadata as Go prints the struct.
fn meta_text(node: &Node) -> String {
    let map = |name: &str| {
        let entries = tree::meta_map(node, name);
        entries.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(" ")
    };
    let (version, kind) = (tree::top_text(node, "apiVersion"), tree::top_text(node, "kind"));
    let (name, namespace) = (tree::meta_text(node, "name"), tree::meta_text(node, "namespace"));
    format!("{{{{{version} {kind}}} {{{{{name} {namespace}}} map[{}] map[{}]}}}}", map("labels"), map("annotations"))
}

/// Replaces objects of kinds that end in `List` by their items, which come after everything else.
fn expand_lists(nodes: Vec<Node>) -> KResult<Vec<Node>> {
    if !nodes.iter().any(|node| tree::top_text(node, "kind").ends_with("List")) {
        return Ok(nodes);
    }
    let mut queue = VecDeque::from(nodes);
    let mut result = Vec::with_capacity(queue.len());
    while let Some(node) = queue.pop_front() {
        let kind = tree::top_text(&node, "kind");
        if !kind.ends_with("List") {
            result.push(node);
            continue;
        }
        let json = Json::from_node(&node).map_err(|error| error.reword(|text| format!("trouble expanding list of {kind}; {text}")))?;
        match json.get("items") {
            None => result.push(node),
            Some(Json::Null) => {}
            Some(Json::Array(items)) => {
                for item in items {
                    queue.extend(from_json(item)?);
                }
            }
            Some(_) => return fail(format!("expected array in {kind}/items, but found another type")),
        }
    }
    Ok(result)
}

/// Objects out of an item of a list: it has been through JSON, so all its strings are in quotes.
fn from_json(item: &Json) -> KResult<Vec<Node>> {
    let mut node = quoted(item);
    let items = items_of_list(&mut node);
    checked(items.unwrap_or_else(|| vec![node]))
}

fn quoted(json: &Json) -> Node {
    let string = |text: &EcoString| {
        let mut node = Node::string(text.clone());
        node.style.scalar = ScalarStyle::DoubleQuoted;
        node
    };
    match json {
        Json::String(text) => string(text),
        Json::Number(text) => {
            let tag = if plain_type(text, Version::V3) == PlainType::Int { Tag::Int } else { Tag::Float };
            Node::scalar(tag, text.clone())
        }
        Json::Array(items) => Node::sequence(items.iter().map(quoted).collect()),
        Json::Object(entries) => Node::mapping(entries.iter().map(|(key, value)| (string(key), quoted(value))).collect()),
        Json::Null | Json::Bool(_) => json.to_node(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::split;
    use hydrate_yaml::node::Node;

    fn chunks(text: &str) -> Vec<String> {
        split(text.as_bytes()).expect("valid").into_iter().map(|chunk| String::from_utf8_lossy(chunk).into_owned()).collect()
    }

    #[test]
    fn separators() {
        assert_eq!(chunks("a\n---\nb\n--- # c\nd"), ["a\n", "b\n", "d"]);
        assert_eq!(chunks("---\na\n---\n---\nb"), ["---\na\n", "---\nb"]);
        assert_eq!(chunks("a\n---"), ["a\n---"]);
        assert!(split(b"a\n--- b\nc").is_err());
        assert!(split(b"a\n----\nc").is_err());
    }

    proptest! {
        #[test]
        fn chunks_are_the_documents_of_the_parser(
            bodies in prop::collection::vec("[a-c]: ([0-9]|x|\"---\"|\\|-\n  ---\n  y|\\[1, 2\\])(\n[d-f]: # c)?", 1..6),
            breaks in prop::collection::vec(prop_oneof![Just("\n---\n"), Just("\n--- \t\n"), Just("\n--- # next\n"), Just("\n\n---\n\n")], 6),
            first in prop_oneof![Just(""), Just("---\n"), Just("# comment\n---\n")],
        ) {
            let join = |stream: String, (body, separator): (&String, &&str)| match stream == first {
                true => stream + body,
                false => stream + separator + body,
            };
            let stream = bodies.iter().zip(&breaks).fold(first.to_owned(), join) + "\n";
            let whole: Vec<Node> = hydrate_yaml::compose(stream.as_bytes()).expect("YAML").into_iter().filter_map(|document| document.root).collect();
            let chunks = split(stream.as_bytes()).expect("separators alone");
            let pieces: Vec<Node> = chunks.into_iter().filter_map(|chunk| crate::compose::first(chunk).expect("YAML")).collect();
            prop_assert_eq!(texts(&pieces), texts(&whole));
        }
    }

    fn texts(nodes: &[Node]) -> Vec<String> {
        nodes.iter().map(|node| crate::write::to_yaml(node).expect("writable")).collect()
    }
}
