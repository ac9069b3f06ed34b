//! YAML trees with diagnostics: the one place where errors of `hydrate-yaml` become diagnostics.

use std::collections::BTreeMap;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile};
use hydrate_yaml::emit::write_node;
use hydrate_yaml::node::{Data as NodeData, Node, Tag};
use hydrate_yaml::{Error, compose, emit};

/// The tree of one document, `text`, that starts at byte `start` of a file; `None` when it is empty. Lines in the
/// tree are counted from `start`.
pub fn document(file: &Arc<SourceFile>, start: usize, text: &str) -> Result<Option<Node>> {
    Ok(stream(file, start, text)?.into_iter().next().filter(|node| node.tag != Tag::Null))
}

/// The trees of all documents of a text that starts at byte `start` of a file.
pub fn stream(file: &Arc<SourceFile>, start: usize, text: &str) -> Result<Vec<Node>> {
    let documents = compose::compose(text.as_bytes()).map_err(|error| invalid(file, start, &error))?;
    Ok(documents.into_iter().filter_map(|document| document.root).collect())
}

/// What is wrong with a text that is no YAML, where the reader noticed.
fn invalid(file: &Arc<SourceFile>, start: usize, error: &Error) -> Box<Diagnostic> {
    let at = shown_offset(&file.text, start + error.mark.offset as usize);
    let end = file.text.get(at..).map_or(at, |rest| at + rest.iter().take(1).filter(|byte| **byte != b'\n').count());
    let said = error.message.strip_prefix("line ").and_then(|rest| rest.split_once(": ")).map_or(error.message.as_str(), |(_, said)| said);
    let mut diagnostic = Diagnostic::error(format!("{} is not valid YAML", file.name)).at(file, at..end, said);
    let around = file.text.get(..at).and_then(|before| before.rsplit(|byte| *byte == b'\n').next()).unwrap_or_default();
    if around.contains(&b'\t') || file.text.get(at) == Some(&b'\t') {
        diagnostic = diagnostic.help("YAML is indented with spaces; there is a tab here");
    }
    diagnostic
}

/// At the end of the text there is nothing to point at, so the last character that is there is shown.
fn shown_offset(text: &[u8], at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    let rest = text.get(at..).unwrap_or_default();
    if rest.trim_ascii().is_empty() { before.trim_ascii_end().len().saturating_sub(1) } else { at }
}

/// The text of a tree.
pub fn emit(tree: &Node) -> Result<String> {
    let mut text = Vec::new();
    write_node(tree, emit::Dialect::KUSTOMIZE, &mut text).map_err(|error| Diagnostic::error(format!("cannot write YAML: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The tree with aliases replaced by what they stand for and merge keys (`<<`) carried out; the error says what about
/// them is wrong.
pub fn expand(root: Node) -> Result<Node, String> {
    Expander { anchors: BTreeMap::new(), budget: 1_000_000 }.expand(root)
}

/// The same without the anchors, for a tree that is to be written: nothing refers to them any more.
pub fn resolve(root: Node) -> Result<Node, String> {
    if !is_shared(&root) {
        return Ok(root);
    }
    let mut root = expand(root)?;
    forget_anchors(&mut root);
    Ok(root)
}

/// Whether there are anchors, aliases or merge keys in a tree.
fn is_shared(node: &Node) -> bool {
    node.extra.as_deref().is_some_and(|extra| !extra.anchor.is_empty())
        || match &node.data {
            NodeData::Alias(_) => true,
            NodeData::Scalar(_) => node.tag == Tag::Merge,
            NodeData::Sequence(items) => items.iter().any(is_shared),
            NodeData::Mapping(entries) => entries.iter().any(|(key, value)| is_shared(key) || is_shared(value)),
        }
}

fn forget_anchors(node: &mut Node) {
    if let Some(extra) = &mut node.extra {
        extra.anchor = Default::default();
    }
    match &mut node.data {
        NodeData::Sequence(items) => items.iter_mut().for_each(forget_anchors),
        NodeData::Mapping(entries) => entries.iter_mut().for_each(|(key, value)| {
            forget_anchors(key);
            forget_anchors(value);
        }),
        _ => {}
    }
}

/// Replaces aliases by what they stand for and carries out merge keys (`<<`), within a budget of nodes, so that
/// aliases of aliases cannot fill the memory.
struct Expander {
    anchors: BTreeMap<String, Node>,
    budget: usize,
}

impl Expander {
    fn expand(&mut self, mut node: Node) -> Result<Node, String> {
        self.budget = self.budget.checked_sub(1).ok_or("the file's aliases expand to more than a million nodes")?;
        node.data = match node.data {
            NodeData::Alias(name) => {
                let anchored = self.anchors.get(name.as_str()).cloned().ok_or_else(|| format!("unknown anchor '{name}' referenced"))?;
                self.budget = self.budget.saturating_sub(size(&anchored));
                return Ok(anchored);
            }
            NodeData::Sequence(items) => NodeData::Sequence(items.into_iter().map(|item| self.expand(item)).collect::<Result<_, _>>()?),
            NodeData::Mapping(entries) => NodeData::Mapping(self.expand_entries(entries)?),
            scalar => scalar,
        };
        if let Some(extra) = node.extra.as_deref().filter(|extra| !extra.anchor.is_empty()) {
            self.anchors.insert(extra.anchor.to_string(), node.clone());
        }
        Ok(node)
    }

    fn expand_entries(&mut self, entries: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>, String> {
        let mut merged = Vec::new();
        let mut own = Vec::new();
        for (key, value) in entries {
            let value = self.expand(value)?;
            if key.tag == Tag::Merge {
                collect_merged(value, &mut merged)?;
            } else {
                own.push((self.expand(key)?, value));
            }
        }
        for (key, value) in merged {
            if !own.iter().any(|(other, _)| other.as_str() == key.as_str()) {
                own.push((key, value));
            }
        }
        Ok(own)
    }
}

fn collect_merged(value: Node, merged: &mut Vec<(Node, Node)>) -> Result<(), String> {
    match value.data {
        NodeData::Mapping(entries) => merged.extend(entries),
        NodeData::Sequence(items) => items.into_iter().try_for_each(|item| collect_merged(item, merged))?,
        _ => return Err("map merge requires map or sequence of maps as the value".to_owned()),
    }
    Ok(())
}

fn size(node: &Node) -> usize {
    1 + match &node.data {
        NodeData::Sequence(items) => items.iter().map(size).sum(),
        NodeData::Mapping(entries) => entries.iter().map(|(key, value)| size(key) + size(value)).sum(),
        _ => 0,
    }
}
