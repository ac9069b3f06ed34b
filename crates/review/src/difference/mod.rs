//! What differs between two versions of an object, field by field.
//!
//! Nothing is left out: what readers are mostly not interested in is marked ([`Noise`]) and left to the view.

mod embedded;
mod lists;

use std::collections::BTreeMap;

use hydrate_yaml::node::{Data, Node};

pub(crate) use lists::digest as lists_digest;

use crate::mask;
use crate::noise::Noise;
use crate::object::Object;
use crate::path::{Path, Step};
use crate::schema::Schema;
use crate::value::{find, same_scalar};

/// What happened to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// Its items are the same in another order, and the order says something.
    Reordered,
}

impl ChangeKind {
    /// `added`, `removed`, `changed`, `reordered`
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Reordered => "reordered",
        }
    }
}

/// A field that differs.
#[derive(Debug, Clone)]
pub struct FieldChange {
    /// Where it is.
    pub path: Path,
    /// What happened to it.
    pub kind: ChangeKind,
    /// What was there; of a list in another order, what its items are called.
    pub old: Option<Node>,
    /// What is there.
    pub new: Option<Node>,
    /// The line of the old value in its file; 0 where there is none.
    pub old_line: u32,
    /// The line of the new value in its file; 0 where there is none.
    pub new_line: u32,
    /// Why readers are mostly not interested in it.
    pub noise: Option<Noise>,
    /// Where both values are documents of their own: what differs in those.
    pub inside: Vec<FieldChange>,
}

impl FieldChange {
    /// Whether the values are hidden, and the word for them.
    pub fn hidden(&self) -> Option<&'static str> {
        self.new.as_ref().or(self.old.as_ref()).and_then(mask::word)
    }

    /// The line that a reader looks for: of the new value, else of the old one.
    pub fn line(&self) -> u32 {
        if self.new_line > 0 { self.new_line } else { self.old_line }
    }
}

/// Everything that differs between two versions of an object.
pub(crate) fn between(schema: Schema<'_>, old: &Object, new: &Object) -> Vec<FieldChange> {
    let mut walk = Walk { path: Vec::new(), out: Vec::new(), lines: (old.line, new.line), depth: 0, key: String::new() };
    walk.value(schema, &old.root, &new.root);
    walk.out
}

/// How deep documents in documents are looked into.
const DEEPEST: usize = 3;

/// Mappings with more entries are searched by way of a table.
const MANY: usize = 32;

struct Walk {
    path: Vec<Step>,
    out: Vec<FieldChange>,
    /// The lines of their files at which both objects begin; 0 where lines mean nothing.
    lines: (u32, u32),
    depth: usize,
    /// The last key of a mapping on the way here.
    key: String,
}

impl Walk {
    fn value(&mut self, schema: Schema<'_>, old: &Node, new: &Node) {
        match (&old.data, &new.data) {
            (Data::Mapping(entries), Data::Mapping(others)) if has_plain_keys(entries) && has_plain_keys(others) => {
                self.mapping(schema, entries, others);
            }
            (Data::Sequence(items), Data::Sequence(others)) => self.list(schema, items, others),
            (Data::Scalar(_), Data::Scalar(_)) => {
                if !same_scalar(old, new) {
                    self.scalar(old, new);
                }
            }
            _ if crate::value::same(old, new) => {}
            _ => self.emit(ChangeKind::Changed, Some(old), Some(new)),
        }
    }

    fn mapping(&mut self, schema: Schema<'_>, entries: &[(Node, Node)], others: &[(Node, Node)]) {
        let (olds, news) = (Table::new(entries), Table::new(others));
        for (at, (key, old)) in entries.iter().enumerate() {
            let Data::Scalar(name) = &key.data else { continue };
            match news.find(key, at) {
                Some(new) => {
                    self.path.push(Step::Key(name.clone()));
                    self.key.clear();
                    self.key.push_str(name);
                    self.value(schema.field(name), old, new);
                    self.path.pop();
                }
                None => self.at(Step::Key(name.clone()), |walk| walk.emit(ChangeKind::Removed, Some(old), None)),
            }
        }
        for (at, (key, new)) in others.iter().enumerate() {
            let Some(name) = key.as_str() else { continue };
            if olds.find(key, at).is_none() {
                self.at(Step::Key(name.into()), |walk| walk.emit(ChangeKind::Added, None, Some(new)));
            }
        }
    }

    fn scalar(&mut self, old: &Node, new: &Node) {
        let inside = self.inside(old, new);
        self.emit(ChangeKind::Changed, Some(old), Some(new));
        if let (Some((kind, inside)), Some(change)) = (inside, self.out.last_mut()) {
            change.noise = inside.is_empty().then_some(Noise::Formatting);
            let step = Step::Inside(kind);
            let below = |mut inner: FieldChange| {
                inner.path = Path(change.path.0.iter().chain([&step]).chain(&inner.path.0).cloned().collect());
                inner
            };
            change.inside = inside.into_iter().map(below).collect();
        }
    }

    /// What differs between two texts that are documents; with paths from the documents' roots.
    fn inside(&self, old: &Node, new: &Node) -> Option<(&'static str, Vec<FieldChange>)> {
        if self.depth >= DEEPEST || mask::word(old).is_some() || mask::word(new).is_some() {
            return None;
        }
        let (kind, old, new) = embedded::both(&self.key, old.as_str()?, new.as_str()?)?;
        let mut walk = Walk { path: Vec::new(), out: Vec::new(), lines: (0, 0), depth: self.depth + 1, key: String::new() };
        walk.value(Schema::Unknown, &old, &new);
        Some((kind, walk.out))
    }

    fn at(&mut self, step: Step, then: impl FnOnce(&mut Self)) {
        self.path.push(step);
        then(self);
        self.path.pop();
    }

    fn emit(&mut self, kind: ChangeKind, old: Option<&Node>, new: Option<&Node>) {
        let line = |first: u32, node: Option<&Node>| match node {
            Some(node) if first > 0 && node.line > 0 => first + node.line - 1,
            _ => 0,
        };
        self.out.push(FieldChange {
            path: Path(self.path.clone()),
            kind,
            old_line: line(self.lines.0, old),
            new_line: line(self.lines.1, new),
            old: old.cloned(),
            new: new.cloned(),
            noise: None,
            inside: Vec::new(),
        });
    }
}

/// Whether every key is a scalar.
fn has_plain_keys(entries: &[(Node, Node)]) -> bool {
    entries.iter().all(|(key, _)| key.as_str().is_some())
}

/// The entries of a mapping to be looked up in.
struct Table<'n> {
    entries: &'n [(Node, Node)],
    by_key: Option<BTreeMap<&'n str, &'n Node>>,
}

impl<'n> Table<'n> {
    fn new(entries: &'n [(Node, Node)]) -> Self {
        let by_key = || entries.iter().rev().filter_map(|(key, value)| Some((key.as_str()?, value))).collect();
        Self { entries, by_key: (entries.len() > MANY).then(by_key) }
    }

    fn find(&self, key: &Node, hint: usize) -> Option<&'n Node> {
        match &self.by_key {
            Some(by_key) => by_key.get(key.as_str()?).copied(),
            None => find(self.entries, key, hint),
        }
    }
}
