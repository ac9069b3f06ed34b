//! Scalars that are one node in kustomize, although they stand in several places.
//!
//! Where a label or an annotation is new, kustomize's `SetEntry` puts one and the same `*yaml.Node` at each path, and later writes change
//! it in place, so they show at all of them: an overlay that sets the label of one path sets it everywhere. Here each place has a
//! node of its own. Those that are one there have the number of their group; what is written to one is noted, and brought to the others
//! before anybody reads them: [`refresh`] does it for one node, [`write_back`] for a whole object.
//!
//! Follows `api/filters/filtersutil/setters.go` and `FieldSetter` in `kyaml/yaml/fns.go` of kustomize 5.8.1.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

use ecow::EcoString;

use super::errors::KResult;
use super::tree;
use hydrate_yaml::node::{Data, Node};

/// A line that no file has: the column of such a node is the number of its group.
const SHARED: u32 = u32::MAX;

thread_local! {
    /// What was written to nodes of groups and may not be at all of their places yet, in the order of writing.
    static WRITTEN: RefCell<Vec<(u32, Node)>> = const { RefCell::new(Vec::new()) };
}

/// The group of a node.
pub(crate) fn group(node: &Node) -> Option<u32> {
    (node.line == SHARED).then_some(node.column)
}

/// Puts a node into a group.
pub(crate) fn join(node: &mut Node, group: u32) {
    (node.line, node.column) = (SHARED, group);
}

/// Takes a node, and all in it, out of their groups: it is a copy.
pub(crate) fn leave(node: &mut Node) {
    if group(node).is_some() {
        (node.line, node.column) = (0, 0);
    }
    match &mut node.data {
        Data::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| leave(value)),
        Data::Sequence(items) => items.iter_mut().for_each(leave),
        Data::Scalar(_) | Data::Alias(_) => {}
    }
}

/// Gives a node the content of another, as an assignment of Go's `*node = *other` does: it stays in its group.
pub(crate) fn assign(node: &mut Node, content: Node) {
    let group = group(node);
    *node = content;
    if let Some(group) = group {
        join(node, group);
        wrote(node);
    }
}

/// Notes that a node was changed in place.
pub(crate) fn wrote(node: &Node) {
    if let Some(group) = group(node) {
        WRITTEN.with_borrow_mut(|written| written.push((group, node.clone())));
    }
}

/// Brings to a node what was written to another place of its group.
pub(crate) fn refresh(node: &mut Node) {
    if let Some(group) = group(node) {
        WRITTEN.with_borrow(|written| {
            if let Some((_, content)) = written.iter().rev().find(|(other, _)| *other == group) {
                node.clone_from(content);
            }
        });
    }
}

/// Brings all that was written to all places in an object.
pub(crate) fn write_back(object: &mut Node) {
    let written = WRITTEN.take();
    if !written.is_empty() {
        bring(object, &written);
    }
}

fn bring(node: &mut Node, written: &[(u32, Node)]) {
    if let Some(group) = group(node)
        && let Some((_, content)) = written.iter().rev().find(|(other, _)| *other == group)
    {
        node.clone_from(content);
        return;
    }
    match &mut node.data {
        Data::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| bring(value, written)),
        Data::Sequence(items) => items.iter_mut().for_each(|item| bring(item, written)),
        Data::Scalar(_) | Data::Alias(_) => {}
    }
}

/// One entry that is set in the mappings of an object.
pub(crate) struct Entry<'e> {
    key: &'e EcoString,
    value: Node,
    group: Option<u32>,
}

impl<'e> Entry<'e> {
    /// A string under a key.
    pub(crate) fn new(key: &'e EcoString, value: &EcoString) -> Self {
        Self { key, value: Node::string(value.clone()), group: None }
    }

    /// Sets the entry in a mapping. A value that is there keeps its style, which the node takes over for all of its places.
    pub(crate) fn set(&mut self, mapping: &mut Node) -> KResult<()> {
        let style = self.value.style;
        tree::protect(&mut self.value);
        tree::expect(mapping, tree::NodeKind::Mapping)?;
        if let Some(field) = mapping.get_mut(self.key) {
            refresh(field);
            self.value.style = field.style;
            self.note(style);
            let mut content = self.value.clone();
            (content.line, content.column) = (0, 0);
            assign(field, content);
        } else if let Data::Mapping(entries) = &mut mapping.data {
            self.note(style);
            if self.group.is_none() {
                static NEXT: AtomicU32 = AtomicU32::new(1);
                let group = NEXT.fetch_add(1, Ordering::Relaxed);
                self.group = Some(group);
                join(&mut self.value, group);
            }
            entries.push((tree::bare(self.key.clone()), self.value.clone()));
        }
        Ok(())
    }

    /// The node itself has changed: it shows wherever it was put before.
    fn note(&self, before: hydrate_yaml::node::Style) {
        if self.value.style != before {
            wrote(&self.value);
        }
    }
}
