//! Reading and changing YAML trees the way kustomize does: what counts as missing, null or empty, how fields are set and cleared,
//! and how paths are followed.
//!
//! Follows `kyaml/yaml/{rnode,fns}.go` of kustomize 5.8.1. Trees have no anchors here: reading resolves them.

use std::collections::BTreeMap;

use ecow::EcoString;

use super::errors::{Fail, FailKind, KResult, fail};
use super::shared;
use hydrate_yaml::node::{Data, Node, ScalarStyle, Style, Tag};

/// A kind of node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// A scalar.
    Scalar,
    /// A sequence.
    Sequence,
    /// A mapping.
    Mapping,
}

impl NodeKind {
    fn name(self) -> &'static str {
        match self {
            Self::Scalar => "ScalarNode",
            Self::Sequence => "SequenceNode",
            Self::Mapping => "MappingNode",
        }
    }
}

/// The tag of scalars whose type their text decides when they are written.
pub(crate) fn untagged() -> Tag {
    Tag::Untagged
}

/// Whether a node has no tag of its own.
pub(crate) fn is_untagged(node: &Node) -> bool {
    node.tag == Tag::Untagged
}

/// A scalar whose text decides its type (`NewScalarRNode`).
pub(crate) fn bare(text: impl Into<EcoString>) -> Node {
    Node::scalar(untagged(), text)
}

/// An empty node of a kind, without a tag.
pub(crate) fn empty(kind: NodeKind) -> Node {
    match kind {
        NodeKind::Scalar => bare(""),
        NodeKind::Sequence => Node::sequence(Vec::new()),
        NodeKind::Mapping => Node::mapping(Vec::new()),
    }
}

/// The kind of a node.
pub(crate) fn kind(node: &Node) -> NodeKind {
    match &node.data {
        Data::Scalar(_) | Data::Alias(_) => NodeKind::Scalar,
        Data::Sequence(_) => NodeKind::Sequence,
        Data::Mapping(_) => NodeKind::Mapping,
    }
}

/// Whether a node is `null`.
pub(crate) fn is_null(node: &Node) -> bool {
    node.tag == Tag::Null
}

/// Whether a node is `null`, `{}` or `[]`.
pub(crate) fn is_nil_or_empty(node: &Node) -> bool {
    is_null(node)
        || match &node.data {
            Data::Mapping(entries) => entries.is_empty(),
            Data::Sequence(items) => items.is_empty(),
            _ => false,
        }
}

/// Whether a node is a mapping without entries, or `null`.
pub(crate) fn is_empty_map(node: &Node) -> bool {
    is_null(node) || matches!(&node.data, Data::Mapping(entries) if entries.is_empty())
}

/// Whether a node is a string, as far as its tag says.
pub(crate) fn is_string(node: &Node) -> bool {
    kind(node) == NodeKind::Scalar && (node.tag == Tag::Str || is_untagged(node))
}

/// A scalar's text; empty for `null` and for collections.
pub(crate) fn text(node: &Node) -> &str {
    if is_null(node) { "" } else { node.as_str().unwrap_or("") }
}

/// A scalar's text, also of `null`; empty for collections.
pub(crate) fn raw_text(node: &Node) -> &str {
    node.as_str().unwrap_or("")
}

/// Fails unless the node is `null` or of a kind.
pub(crate) fn expect(node: &Node, wanted: NodeKind) -> KResult<()> {
    if is_null(node) || kind(node) == wanted {
        return Ok(());
    }
    let have = kind(node);
    let mut content = super::write::quoted_text(node);
    if let Some((at, _)) = content.char_indices().nth(400) {
        content.truncate(at);
        content.push_str(" …");
    }
    Err(Fail::of(
        FailKind::NodeKind,
        format!("wrong node kind: expected {} but got {}: node contents:\n{content}", wanted.name(), have.name()),
    ))
}

/// The value of a field; `None` where it is missing or the node is `null`; fails where the node is no mapping.
pub(crate) fn get<'a>(node: &'a Node, name: &str) -> KResult<Option<&'a Node>> {
    expect(node, NodeKind::Mapping)?;
    Ok(node.get(name))
}

/// The same, to change it.
pub(crate) fn get_mut<'a>(node: &'a mut Node, name: &str) -> KResult<Option<&'a mut Node>> {
    expect(node, NodeKind::Mapping)?;
    Ok(node.get_mut(name))
}

/// Removes the first entry of a field and gives its value.
pub(crate) fn clear(node: &mut Node, name: &str) -> KResult<Option<Node>> {
    expect(node, NodeKind::Mapping)?;
    let Data::Mapping(entries) = &mut node.data else { return Ok(None) };
    let at = entries.iter().position(|(key, _)| key.as_str() == Some(name));
    Ok(at.map(|at| entries.remove(at).1))
}

/// Sets a field of a mapping: a value keeps the style of the one it replaces; a `null` removes the field.
pub(crate) fn set_field(node: &mut Node, name: &str, mut value: Node) -> KResult<()> {
    if is_null(&value) {
        return clear(node, name).map(drop);
    }
    protect(&mut value);
    expect(node, NodeKind::Mapping)?;
    if let Some(field) = node.get_mut(name) {
        value.style = field.style;
        shared::assign(field, value);
    } else if let Data::Mapping(entries) = &mut node.data {
        entries.push((bare(name), value));
    }
    Ok(())
}

/// Sets a field that a caller has made sure can be set: the node is a mapping.
pub(crate) fn put(node: &mut Node, name: &str, value: Node) {
    if let Some(field) = node.get_mut(name) {
        *field = value;
    } else if let Data::Mapping(entries) = &mut node.data {
        entries.push((Node::string(name), value));
    }
}

/// Sets a scalar's text and tag; its style stays.
pub(crate) fn set_scalar(node: &mut Node, text: &str, tag: Tag) -> KResult<()> {
    expect(node, NodeKind::Scalar)?;
    if tag == Tag::Null {
        return Ok(());
    }
    let style = node.style;
    *node = Node { style, line: node.line, column: node.column, ..Node::scalar(tag, text) };
    shared::wrote(node);
    Ok(())
}

/// Strings that YAML 1.1 would read as something else are written in quotes.
pub(crate) fn protect(value: &mut Node) {
    if is_string(value) && value.style == Style::default() && super::scalar::is_non_string_v2(raw_text(value)) {
        value.style.scalar = ScalarStyle::DoubleQuoted;
    }
}

/// How a path goes on from a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// An item by its index.
    Index(usize),
    /// The last item.
    Last,
    /// The first item whose field has a value; an empty field name stands for the item itself.
    Match(&'a str, &'a str),
    /// A field.
    Field(&'a str),
}

/// Reads one part of a path.
pub(crate) fn step(part: &str) -> KResult<Step<'_>> {
    if let Some(index) = super::scalar::go_atoi(part) {
        let index = usize::try_from(index).map_err(|_| Fail::new(format!("array index {index} cannot be negative")))?;
        return Ok(Step::Index(index));
    }
    match part {
        "-" => Ok(Step::Last),
        "*" => fail("wildcard is not supported in PathGetter"),
        _ if is_list_index(part) => split_index(part).map(|(name, value)| Step::Match(name, value)),
        _ => Ok(Step::Field(part)),
    }
}

/// Whether a part of a path is `[…]`.
pub(crate) fn is_list_index(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// `[name=value]` as name and value.
pub(crate) fn split_index(part: &str) -> KResult<(&str, &str)> {
    let part = part.strip_suffix(']').unwrap_or(part);
    let part = part.strip_prefix('[').unwrap_or(part);
    part.split_once('=').ok_or_else(|| Fail::new("list path element must contain fieldName=fieldValue for element to match"))
}

fn clean(path: &[impl AsRef<str>]) -> impl Iterator<Item = &str> {
    path.iter().map(|part| part.as_ref().trim()).filter(|part| !part.is_empty())
}

fn find_item(node: &Node, name: &str, value: &str) -> KResult<Option<usize>> {
    expect(node, NodeKind::Sequence)?;
    let items = node.items().unwrap_or_default();
    if name.is_empty() {
        return Ok(items.iter().position(|item| raw_text(item) == value));
    }
    Ok(items.iter().position(|item| item.get(name).is_some_and(|field| raw_text(field) == value)))
}

/// Follows a path; `None` where it leads nowhere, an error where a node on the way is of the wrong kind.
pub(crate) fn lookup<'a>(node: &'a Node, path: &[impl AsRef<str>]) -> KResult<Option<&'a Node>> {
    let mut here = node;
    for part in clean(path) {
        let next = match step(part)? {
            Step::Field(name) => get(here, name)?,
            Step::Match(name, value) => find_item(here, name, value)?.and_then(|at| here.items()?.get(at)),
            Step::Index(at) => {
                expect(here, NodeKind::Sequence)?;
                here.items().and_then(|items| items.get(at))
            }
            Step::Last => {
                expect(here, NodeKind::Sequence)?;
                Some(here.items().and_then(<[Node]>::last).ok_or_else(|| Fail::new("runtime error: index out of range [-1]"))?)
            }
        };
        let Some(next) = next else { return Ok(None) };
        here = next;
    }
    Ok(Some(here))
}

/// The same, to change it.
pub(crate) fn lookup_mut<'a>(node: &'a mut Node, path: &[impl AsRef<str>]) -> KResult<Option<&'a mut Node>> {
    follow(node, path, None)
}

/// Follows a path and makes what is missing; the end is made of the given kind. `None` where a `null` is in the way.
pub(crate) fn lookup_create<'a>(node: &'a mut Node, path: &[impl AsRef<str>], last: NodeKind) -> KResult<Option<&'a mut Node>> {
    follow(node, path, Some(last))
}

/// The kind that a missing part of a path is made of, which the part after it decides.
pub(crate) fn kind_before(next: Option<&str>, last: NodeKind) -> NodeKind {
    match next {
        None | Some("") => last,
        Some(part) if is_list_index(part) || super::scalar::go_atoi(part).is_some_and(|index| index >= 0) => NodeKind::Sequence,
        Some(_) => NodeKind::Mapping,
    }
}

/// The field of a mapping by a name that is not taken for anything else; with `create` it is made of that kind where it is missing.
pub(crate) fn field_mut<'a>(node: &'a mut Node, name: &str, create: Option<NodeKind>) -> KResult<Option<&'a mut Node>> {
    advance(node, Step::Field(name), create)
}

/// Whether a part of a path is the name of a field, as it stands.
pub(crate) fn is_field(part: &str) -> bool {
    !part.is_empty() && part.trim() == part && matches!(step(part), Ok(Step::Field(_)))
}

fn follow<'a>(node: &'a mut Node, path: &[impl AsRef<str>], create: Option<NodeKind>) -> KResult<Option<&'a mut Node>> {
    let parts: Vec<&str> = clean(path).collect();
    let mut here = node;
    for (at, part) in parts.iter().enumerate() {
        let made = create.map(|last| kind_before(parts.get(at + 1).copied(), last));
        let Some(next) = advance(here, step(part)?, made)? else { return Ok(None) };
        here = next;
    }
    Ok(Some(here))
}

fn advance<'a>(node: &'a mut Node, step: Step<'_>, create: Option<NodeKind>) -> KResult<Option<&'a mut Node>> {
    match step {
        Step::Field(name) => {
            expect(node, NodeKind::Mapping)?;
            let Data::Mapping(entries) = &mut node.data else { return Ok(None) };
            let at = match entries.iter().position(|(key, _)| key.as_str() == Some(name)) {
                Some(at) => at,
                None => {
                    let Some(kind) = create else { return Ok(None) };
                    entries.push((bare(name), empty(kind)));
                    entries.len() - 1
                }
            };
            Ok(entries.get_mut(at).map(|(_, value)| value))
        }
        Step::Match(name, value) => {
            let found = find_item(node, name, value)?;
            let Data::Sequence(items) = &mut node.data else { return Ok(None) };
            let at = match found {
                Some(at) => at,
                None if create.is_none() => return Ok(None),
                None => {
                    items.push(item_with(name, value));
                    items.len() - 1
                }
            };
            Ok(items.get_mut(at))
        }
        Step::Index(at) => {
            expect(node, NodeKind::Sequence)?;
            let Data::Sequence(items) = &mut node.data else { return Ok(None) };
            Ok(items.get_mut(at))
        }
        Step::Last => {
            expect(node, NodeKind::Sequence)?;
            let Data::Sequence(items) = &mut node.data else { return fail("runtime error: index out of range [-1]") };
            items.last_mut().map(Some).ok_or_else(|| Fail::new("runtime error: index out of range [-1]"))
        }
    }
}

/// The item that `[name=value]` makes where there is none.
pub(crate) fn item_with(name: &str, value: &str) -> Node {
    if name.is_empty() { bare(value) } else { Node::mapping(vec![(bare(name), bare(value))]) }
}

fn metadata(node: &Node) -> Option<&Node> {
    node.get("metadata").filter(|value| !is_nil_or_empty(value))
}

/// A text in `metadata`; empty where there is none.
pub(crate) fn meta_text<'a>(node: &'a Node, name: &str) -> &'a str {
    metadata(node).and_then(|meta| meta.get(name)).filter(|value| !is_nil_or_empty(value)).map_or("", raw_text)
}

/// A text at the top of an object; empty where there is none.
pub(crate) fn top_text<'a>(node: &'a Node, name: &str) -> &'a str {
    node.get(name).map_or("", raw_text)
}

/// The same as the node has it, which costs no copy.
pub(crate) fn meta_shared(node: &Node, name: &str) -> EcoString {
    metadata(node).and_then(|meta| meta.get(name)).filter(|value| !is_nil_or_empty(value)).map_or_else(EcoString::new, shared)
}

/// The same as the node has it, which costs no copy.
pub(crate) fn top_shared(node: &Node, name: &str) -> EcoString {
    node.get(name).map_or_else(EcoString::new, shared)
}

fn shared(node: &Node) -> EcoString {
    match &node.data {
        Data::Scalar(text) => text.clone(),
        _ => EcoString::new(),
    }
}

/// One label or annotation.
pub(crate) fn meta_entry<'a>(node: &'a Node, map: &str, key: &str) -> Option<&'a str> {
    metadata(node)?.get(map)?.get(key).map(raw_text)
}

/// Labels or annotations.
pub(crate) fn meta_map(node: &Node, map: &str) -> BTreeMap<EcoString, EcoString> {
    let Some(found) = metadata(node).and_then(|meta| meta.get(map)) else { return BTreeMap::new() };
    let pair = |key: &Node, value: &Node| (raw_text(key).into(), raw_text(value).into());
    match &found.data {
        Data::Mapping(entries) => entries.iter().map(|(key, value)| pair(key, value)).collect(),
        // kustomize goes through what is in the node two by two, whatever kind of node it is.
        Data::Sequence(items) => items.chunks_exact(2).filter_map(|two| Some(pair(two.first()?, two.last()?))).collect(),
        Data::Scalar(_) | Data::Alias(_) => BTreeMap::new(),
    }
}

/// Replaces labels or annotations: all become strings, sorted; without any the field goes.
pub(crate) fn set_meta_map(node: &mut Node, map: &str, values: &BTreeMap<EcoString, EcoString>) -> KResult<()> {
    let Some(meta) = lookup_create(node, &["metadata"], NodeKind::Mapping)? else { return Ok(()) };
    clear(meta, map)?;
    if values.is_empty() || kind(meta) != NodeKind::Mapping {
        return Ok(());
    }
    let quoted = |value: &EcoString| {
        let mut node = Node::string(value.clone());
        protect(&mut node);
        node
    };
    let entries = values.iter().map(|(key, value)| (bare(key.clone()), quoted(value))).collect();
    put(meta, map, Node::mapping(entries));
    Ok(())
}

/// Sets `metadata.name`; the text decides the type where the old one was not quoted.
pub(crate) fn set_name(node: &mut Node, name: &str) -> KResult<()> {
    set_at(node, &["metadata"], "name", bare(name))
}

/// Sets or, with an empty text, removes `metadata.namespace`.
pub(crate) fn set_namespace(node: &mut Node, namespace: &str) -> KResult<()> {
    if !namespace.is_empty() {
        return set_at(node, &["metadata"], "namespace", bare(namespace));
    }
    match get_mut(node, "metadata")? {
        Some(meta) => clear(meta, "namespace").map(drop),
        None => Ok(()),
    }
}

/// Sets a field of the mapping at a path, which is made where it is missing.
pub(crate) fn set_at(node: &mut Node, path: &[&str], name: &str, value: Node) -> KResult<()> {
    match lookup_create(node, path, NodeKind::Mapping)? {
        Some(parent) => set_field(parent, name, value),
        None => Ok(()),
    }
}

/// Adds fields that differ from each other to the mapping at a path that has none of them; the mapping is made where it is missing.
pub(crate) fn add_all_at(node: &mut Node, path: &[&str], fields: Vec<(String, Node)>) -> KResult<()> {
    let parent = lookup_create(node, path, NodeKind::Mapping)?;
    if let Some(Node { data: Data::Mapping(entries), .. }) = parent {
        entries.extend(fields.into_iter().map(|(name, mut value)| {
            protect(&mut value);
            (bare(name), value)
        }));
    }
    Ok(())
}

/// The fields of a mapping with string values, as kustomize reads `data`: `null` is the empty text.
pub(crate) fn string_map(node: &Node, field: &str) -> BTreeMap<EcoString, EcoString> {
    let entries = node.get(field).and_then(Node::entries).unwrap_or_default();
    // The first of repeated keys counts.
    entries.iter().rev().map(|(key, value)| (text(key).into(), text(value).into())).collect()
}

/// A value of `data` in config maps and secrets: texts of several lines are written as such.
pub(crate) fn data_value(text: &str) -> Node {
    let mut node = Node::string(text);
    if text.contains('\n') {
        node.style.scalar = ScalarStyle::Literal;
    }
    node
}
