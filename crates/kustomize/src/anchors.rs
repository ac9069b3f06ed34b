//! Documents without anchors: copies in place of aliases, and merge keys carried out.
//!
//! Follows `RNode.DeAnchor` of kustomize 5.8.1.

use std::collections::BTreeMap;

use ecow::EcoString;

use super::errors::{Fail, FailKind, KResult, fail};
use super::tree::{self, NodeKind};
use hydrate_yaml::node::{Data, Node, Tag};

/// The most nodes that aliases may add to a document.
const MAX_ALIASED: usize = 2_000_000;

/// The first document of a text, without anchors; `None` if there is none or it is `null`.
pub(crate) fn first_document(text: &[u8]) -> KResult<Option<Node>> {
    let Some(mut node) = super::compose::first(text)? else { return Ok(None) };
    remove_anchors(&mut node)?;
    Ok(Some(node).filter(|node| !tree::is_null(node)))
}

/// Puts copies in place of aliases and carries out merge keys.
pub(crate) fn remove_anchors(node: &mut Node) -> KResult<()> {
    let mut anchors = Anchors { known: BTreeMap::new(), budget: MAX_ALIASED };
    anchors.visit(node, 0)
}

struct Anchors {
    known: BTreeMap<EcoString, (Node, usize)>,
    budget: usize,
}

impl Anchors {
    fn visit(&mut self, node: &mut Node, depth: usize) -> KResult<()> {
        if depth > 1_000 {
            return fail("exceeded max depth");
        }
        if let Data::Alias(name) = &node.data {
            *node = self.copy(name)?;
            return Ok(());
        }
        let anchor = match &mut node.extra {
            Some(extra) if !extra.anchor.is_empty() => Some(std::mem::take(&mut extra.anchor)),
            _ => None,
        };
        match &mut node.data {
            Data::Sequence(items) => items.iter_mut().try_for_each(|item| self.visit(item, depth + 1))?,
            Data::Mapping(entries) => {
                for (key, value) in entries.iter_mut() {
                    self.visit(key, depth + 1)?;
                    self.visit(value, depth + 1)?;
                }
                merge_keys(entries)?;
            }
            Data::Scalar(_) | Data::Alias(_) => {}
        }
        if let Some(anchor) = anchor {
            self.known.insert(anchor, (node.clone(), size(node)));
        }
        Ok(())
    }

    fn copy(&mut self, name: &EcoString) -> KResult<Node> {
        let Some((node, size)) = self.known.get(name) else {
            return Err(Fail::of(FailKind::MalformedYaml, format!("MalformedYAMLError: yaml: unknown anchor '{name}' referenced")));
        };
        self.budget = self.budget.checked_sub(*size).ok_or_else(|| Fail::new("yaml: document contains excessive aliasing"))?;
        Ok(node.clone())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.data {
        Data::Sequence(items) => items.iter().map(size).sum(),
        Data::Mapping(entries) => entries.iter().map(|(key, value)| size(key) + size(value)).sum(),
        _ => 0,
    }
}

fn merge_keys(entries: &mut Vec<(Node, Node)>) -> KResult<()> {
    let mut merges = entries.iter().enumerate().filter(|(_, (key, _))| key.tag == Tag::Merge).map(|(at, _)| at);
    let Some(at) = merges.next() else { return Ok(()) };
    if merges.next().is_some() {
        return fail("duplicate merge key");
    }
    let (_, value) = entries.remove(at);
    let mut own = std::mem::take(entries);
    let mut merged = own.clone();
    for source in sources(value)? {
        source.into_iter().for_each(|entry| set_entry(&mut merged, entry));
    }
    own.drain(..).for_each(|entry| set_entry(&mut merged, entry));
    *entries = merged;
    Ok(())
}

/// The mappings that a merge key names, the weakest first.
fn sources(value: Node) -> KResult<Vec<Vec<(Node, Node)>>> {
    match value.data {
        Data::Mapping(entries) => Ok(vec![entries]),
        Data::Sequence(items) => {
            let mut all = Vec::new();
            for item in items.into_iter().rev() {
                if tree::kind(&item) == NodeKind::Sequence {
                    return fail("invalid map merge: received a nested sequence");
                }
                all.extend(sources(item)?);
            }
            Ok(all)
        }
        _ => fail("map merge requires map or sequence of maps as the value"),
    }
}

fn set_entry(entries: &mut Vec<(Node, Node)>, new: (Node, Node)) {
    match entries.iter_mut().find(|(key, _)| key.as_str() == new.0.as_str()) {
        Some(old) => *old = new,
        None => entries.push(new),
    }
}
