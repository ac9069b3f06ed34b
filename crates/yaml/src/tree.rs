//! One document as a flat list of nodes: what the decoder walks, as go-yaml's decoder walks its `node`s.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::node::ScalarStyle;
use super::parse::{Event, EventKind, Parser, Properties};
use super::scan::{Error, MAX_DEPTH, Mark};

/// The nodes of a document, each before its children.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    pub nodes: Vec<Node<'a>>,
    /// Anchors and the nodes they name now.
    anchors: BTreeMap<&'a str, u32>,
}

/// A node; its children, if any, stand between it and `end`.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub kind: NodeKind,
    /// Whether the text decides about the type.
    pub implicit: bool,
    /// Whether it is a scalar that is not plain.
    pub quoted: bool,
    /// 0-based.
    pub line: u32,
    /// The index after this node and all below it.
    pub end: u32,
    /// A scalar's text, an alias's name.
    pub text: Cow<'a, str>,
    pub tag: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Scalar,
    Sequence,
    Mapping,
    /// An alias of the node with this index.
    Alias(u32),
}

impl<'a> Tree<'a> {
    /// An empty tree with room for the nodes that a text of its lines may have: growing would copy them, and what is
    /// reserved but not used costs nothing.
    pub(crate) fn sized_for(text: &[u8]) -> Self {
        const MOST: usize = 1 << 16;
        let nodes = 2 * memchr::memchr_iter(b'\n', text).count() + 4;
        Self { nodes: Vec::with_capacity(nodes.min(MOST)), anchors: BTreeMap::new() }
    }

    /// Reads the next document; says whether there was one.
    ///
    /// Names of anchors live as long as the tree: clear it between documents where they must not.
    pub(crate) fn read(&mut self, parser: &mut Parser<'a>) -> Result<bool, Error> {
        let mut open: Vec<usize> = Vec::with_capacity(16);
        for event in parser.by_ref() {
            let Event { kind, start, .. } = event?;
            match kind {
                EventKind::StreamStart | EventKind::DocumentStart { .. } => {}
                EventKind::StreamEnd => return Ok(false),
                EventKind::DocumentEnd { .. } => return Ok(true),
                EventKind::Alias(name) => self.alias(name, start)?,
                EventKind::Scalar { value, implicit, style, properties } => {
                    let at = self.push(NodeKind::Scalar, start, value, implicit, properties);
                    if let Some(node) = self.nodes.get_mut(at) {
                        node.quoted = style != ScalarStyle::Plain;
                    }
                }
                EventKind::SequenceStart { properties, .. } => {
                    open.push(self.push(NodeKind::Sequence, start, Cow::Borrowed(""), false, properties));
                }
                EventKind::MappingStart { properties, .. } => {
                    open.push(self.push(NodeKind::Mapping, start, Cow::Borrowed(""), false, properties));
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => {
                    let end = self.nodes.len() as u32;
                    if let Some(node) = open.pop().and_then(|at| self.nodes.get_mut(at)) {
                        node.end = end;
                    }
                }
            }
            if open.len() > MAX_DEPTH {
                return Err(Error { message: format!("exceeded max depth of {MAX_DEPTH}"), mark: start });
            }
        }
        Ok(false)
    }

    fn push(&mut self, kind: NodeKind, start: Mark, text: Cow<'a, str>, implicit: bool, properties: Properties<'a>) -> usize {
        let at = self.nodes.len();
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor, at as u32);
        }
        self.nodes.push(Node { kind, implicit, quoted: false, line: start.line, end: at as u32 + 1, text, tag: properties.tag });
        at
    }

    fn alias(&mut self, name: &'a str, start: Mark) -> Result<(), Error> {
        let Some(&target) = self.anchors.get(name) else {
            return Err(Error { message: format!("unknown anchor '{name}' referenced"), mark: start });
        };
        self.push(NodeKind::Alias(target), start, Cow::Borrowed(name), false, Properties::default());
        Ok(())
    }
}
