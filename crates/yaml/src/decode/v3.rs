//! What go-yaml v3 does differently: duplicate keys are always refused, merges fill in what the mapping itself lacks.

use std::borrow::Cow;

use super::{Build, DecodeError, Decoded, Decoder, gofmt, want_map};
use crate::Dialect;
use crate::resolve::{self, Scalar};
use crate::tree::{Node, NodeKind};

/// A scalar with the tag `!`: quoted ones are strings, the text decides about others.
pub(super) fn resolve_bang<'t>(node: &'t Node<'_>) -> Scalar<'t> {
    if node.quoted { Scalar::Str(Cow::Borrowed(&node.text)) } else { resolve::plain(&node.text, Dialect::V3) }
}

/// The keys that are taken already, as Go would compare them.
type Taken = std::collections::BTreeSet<String>;

type Entries<B> = Vec<(<B as Build>::Key, <B as Build>::Value)>;

impl<'t, 'a, B: Build> Decoder<'t, 'a, B> {
    pub(super) fn mapping_v3(&mut self, at: usize, node: &Node<'_>) -> Decoded<Entries<B>> {
        let mut entries = Vec::new();
        self.fill_v3(at, node, &mut entries, None)?;
        Ok(entries)
    }

    /// Adds the entries of a mapping, but not those whose keys are taken, when it is merged into another.
    fn fill_v3(&mut self, at: usize, node: &Node<'_>, into: &mut Entries<B>, mut taken: Option<&mut Taken>) -> Decoded<()> {
        let children = self.children(at, node)?;
        if self.report_duplicates(&children)? {
            return Ok(());
        }
        let mut merged = None;
        for pair in children.chunks_exact(2) {
            let (key_at, value_at) = (pair[0], pair[1]);
            let key = self.node(key_at)?;
            if is_merge(key) {
                merged = Some(value_at);
                continue;
            }
            let scalar = self.key_scalar(key_at, key)?;
            if let Some(taken) = taken.as_deref_mut()
                && !taken.insert(gofmt::go_syntax(&scalar))
            {
                continue;
            }
            let key = self.key(&scalar, value_at)?;
            let value = self.value(value_at)?;
            into.push((key, value));
        }
        let Some(merged) = merged else {
            return Ok(());
        };
        let value = self.node(merged)?;
        match taken {
            Some(taken) => self.nested(|decoder| decoder.merge_v3(merged, value, into, taken)),
            None => {
                let mut taken = self.own_keys(&children)?;
                self.nested(|decoder| decoder.merge_v3(merged, value, into, &mut taken))
            }
        }
    }

    fn own_keys(&mut self, children: &[usize]) -> Decoded<Taken> {
        let mut taken = Taken::new();
        for &key_at in children.iter().step_by(2) {
            let key = self.node(key_at)?;
            let scalar = self.key_scalar(key_at, key)?;
            taken.insert(gofmt::go_syntax(&scalar));
        }
        Ok(taken)
    }

    fn merge_v3(&mut self, at: usize, node: &Node<'_>, into: &mut Entries<B>, taken: &mut Taken) -> Decoded<()> {
        match node.kind {
            NodeKind::Mapping => {
                self.step()?;
                self.fill_v3(at, node, into, Some(taken))
            }
            NodeKind::Alias(target) => {
                let target_node = self.node(target as usize)?;
                if target_node.kind != NodeKind::Mapping {
                    return Err(want_map());
                }
                self.step()?;
                self.follow(at, node, |decoder| {
                    decoder.step()?;
                    decoder.fill_v3(target as usize, target_node, into, Some(taken))
                })
            }
            NodeKind::Sequence => {
                for child in self.children(at, node)? {
                    let item = self.node(child)?;
                    if matches!(item.kind, NodeKind::Scalar | NodeKind::Sequence) {
                        return Err(want_map());
                    }
                    self.nested(|decoder| decoder.merge_v3(child, item, into, taken))?;
                }
                Ok(())
            }
            NodeKind::Scalar => Err(want_map()),
        }
    }

    /// Notes every pair of equal keys; says whether there is one.
    fn report_duplicates(&mut self, children: &[usize]) -> Decoded<bool> {
        let mut keys = Vec::with_capacity(children.len() / 2);
        for &at in children.iter().step_by(2) {
            let node = self.node(at)?;
            keys.push((go_kind(node.kind), node.text.as_ref(), node.line + 1));
        }
        let mut sorted: Vec<_> = keys.iter().map(|key| (key.0, key.1)).collect();
        sorted.sort_unstable();
        if sorted.windows(2).all(|pair| pair[0] != pair[1]) {
            return Ok(false);
        }
        for (at, first) in keys.iter().enumerate() {
            for second in keys.iter().skip(at + 1).filter(|second| (second.0, second.1) == (first.0, first.1)) {
                let key = gofmt::quote(second.1);
                self.problems.push(format!("line {}: mapping key {key} already defined at line {}", second.2, first.2));
            }
        }
        Ok(true)
    }
}

fn go_kind(kind: NodeKind) -> u8 {
    match kind {
        NodeKind::Sequence => 1,
        NodeKind::Mapping => 2,
        NodeKind::Scalar => 3,
        NodeKind::Alias(_) => 4,
    }
}

fn is_merge(node: &Node<'_>) -> bool {
    let tag = node.tag.as_deref();
    node.kind == NodeKind::Scalar
        && node.text == "<<"
        && (tag == Some("tag:yaml.org,2002:merge") || tag == Some("!!merge") || (node.implicit && tag.is_none()))
}

impl DecodeError {}
