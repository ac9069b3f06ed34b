//! What an execution did: which node wrote which bytes, through which templates, and which values it read.
//!
//! Only a rendering that is to be explained is traced ([`super::execute_traced`]). Values are told apart by where they lie in memory: what a template holds
//! in a variable or as its dot is still the table of the values that it came from. A copy is not, so a function that copies counts as one that reads
//! everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::Val;
use crate::parse::node::Tree;
use crate::value::{List, Map, Rare, Value};
use hydrate_base::SourceFile;

/// A step of the way to a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a table.
    Key(String),
    /// A position in a list.
    Index(usize),
}

/// The way to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValuePath(pub Vec<Segment>);

impl ValuePath {
    /// The value of a key of a table.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// The element of a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }
}

/// As `--set` takes it: `a.b[0].c`, with a backslash before what would mean something.
impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    if at > 0 {
                        f.write_str(".")?;
                    }
                    for c in key.chars() {
                        if matches!(c, '\\' | '.' | ',' | '=' | '[' | ']') {
                            f.write_str("\\")?;
                        }
                        write!(f, "{c}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The tables and lists whose reading is of interest, by where they lie in memory.
#[derive(Debug, Default)]
pub struct Registry {
    places: BTreeMap<usize, ValuePath>,
    scopes: BTreeSet<usize>,
}

impl Registry {
    /// A table of values and everything below it. What is known already keeps its first path.
    pub fn add_values(&mut self, path: &ValuePath, map: &Map) {
        if self.places.contains_key(&map.address()) {
            return;
        }
        self.places.insert(map.address(), path.clone());
        for (key, value) in map.entries().iter() {
            self.add(&path.key(key.to_str_lossy()), value);
        }
    }

    /// What templates have as their dot: what is asked of it other than values is told by its name.
    pub fn add_scope(&mut self, scope: &Map) {
        self.scopes.insert(scope.address());
    }

    fn add(&mut self, path: &ValuePath, value: &Value) {
        match value {
            Value::Map(map) => self.add_values(path, map),
            Value::List(list) if self.places.insert(list.address(), path.clone()).is_none() => {
                for (index, item) in list.items().iter().enumerate() {
                    self.add(&path.index(index), item);
                }
            }
            _ => {}
        }
    }
}

/// What was read of the values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// A value that is no table and no list with something in it.
    Value(ValuePath),
    /// A key that is not there.
    Missing(ValuePath),
    /// A table or list with everything below it.
    Whole(ValuePath),
    /// Something that is no value: `.Release.Name`.
    Builtin(String),
}

/// What stands around a node.
#[derive(Debug, Clone)]
pub struct Scope {
    /// What stands around that.
    pub outer: Option<usize>,
    /// Its kind.
    pub kind: ScopeKind,
    /// The template's text.
    pub file: Arc<SourceFile>,
    /// Where in it.
    pub offset: usize,
}

/// What can stand around a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeKind {
    /// `if`, or its `else`.
    If,
    /// `with`, or its `else`.
    With,
    /// `range`, or its `else`.
    Range,
    /// `template`: what follows lies in another template.
    Template,
}

/// What one node wrote.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Where in what was written it begins; it ends where the next piece begins.
    pub start: usize,
    /// The template's text.
    pub file: Arc<SourceFile>,
    /// Where in it the node begins.
    pub offset: usize,
    /// Whether it is text: then each byte that was written is the next one of the template's.
    pub is_text: bool,
    /// What stands around it, by its number.
    pub scope: Option<usize>,
    /// The executions that took place for it, by their numbers, with those in them.
    pub executions: Range<usize>,
    /// What was read for it: positions in [`Trace::log`].
    pub reads: Range<usize>,
}

/// The execution of a template by itself, or by a function within another one.
#[derive(Debug, Default)]
pub struct Execution {
    /// The execution in which it took place, by its number.
    pub parent: Option<usize>,
    /// What was written.
    pub bytes: Vec<u8>,
    /// By whom.
    pub pieces: Vec<Piece>,
}

/// What took place in an execution.
#[derive(Debug, Default)]
pub struct Trace {
    /// The execution itself and those within it, in the order in which they began.
    pub executions: Vec<Execution>,
    /// What stood around nodes.
    pub scopes: Vec<Scope>,
    /// What was read, each thing once.
    pub reads: Vec<Read>,
    /// The order of reading: numbers of what was read.
    pub log: Vec<u32>,
}

impl Execution {
    /// The bytes that a piece wrote.
    pub fn range(&self, piece: usize) -> Range<usize> {
        let start = self.pieces.get(piece).map_or(self.bytes.len(), |piece| piece.start);
        start..self.pieces.get(piece + 1).map_or(self.bytes.len(), |next| next.start)
    }
}

/// Where an action began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    reads: usize,
    executions: usize,
}

/// Notes what takes place.
#[derive(Debug)]
pub(super) struct Tracer {
    registry: Rc<Registry>,
    pub(super) trace: Trace,
    known: BTreeMap<Read, u32>,
    /// The executions that are under way.
    open: Vec<usize>,
    scope: Option<usize>,
}

impl Tracer {
    pub(super) fn new(registry: Rc<Registry>) -> Self {
        let trace = Trace { executions: vec![Execution::default()], ..Trace::default() };
        Self { registry, trace, known: BTreeMap::new(), open: vec![0], scope: None }
    }

    pub(super) fn finish(mut self, bytes: &[u8]) -> Trace {
        if let Some(root) = self.trace.executions.first_mut() {
            root.bytes = bytes.to_vec();
        }
        self.trace
    }

    // Executions.

    /// Gives what is to be handed to [`Self::leave`].
    pub(super) fn enter(&mut self) -> Option<usize> {
        self.trace.executions.push(Execution { parent: self.open.last().copied(), ..Execution::default() });
        self.open.push(self.trace.executions.len() - 1);
        self.scope.take()
    }

    pub(super) fn leave(&mut self, scope: Option<usize>, bytes: &[u8]) {
        self.scope = scope;
        if let Some(execution) = self.open.pop().and_then(|number| self.trace.executions.get_mut(number)) {
            execution.bytes = bytes.to_vec();
        }
    }

    // What stands around nodes.

    /// Gives what is to be handed to [`Self::close`].
    pub(super) fn open(&mut self, kind: ScopeKind, tree: &Tree, offset: usize) -> Option<usize> {
        self.trace.scopes.push(Scope { outer: self.scope, kind, file: Arc::clone(&tree.file), offset });
        self.scope.replace(self.trace.scopes.len() - 1)
    }

    pub(super) fn close(&mut self, outer: Option<usize>) {
        self.scope = outer;
    }

    // Nodes.

    pub(super) fn mark(&self) -> Mark {
        Mark { reads: self.trace.log.len(), executions: self.trace.executions.len() }
    }

    /// Notes that a node is about to write.
    pub(super) fn piece(&mut self, mark: Mark, start: usize, tree: &Tree, offset: u32, is_text: bool) {
        let (reads, executions) = (mark.reads..self.trace.log.len(), mark.executions..self.trace.executions.len());
        let piece = Piece { start, file: Arc::clone(&tree.file), offset: offset as usize, is_text, scope: self.scope, executions, reads };
        if let Some(execution) = self.open.last().and_then(|number| self.trace.executions.get_mut(*number)) {
            execution.pieces.push(piece);
        }
    }

    // Reading.

    fn note(&mut self, read: Read) {
        let next = u32::try_from(self.trace.reads.len()).unwrap_or(u32::MAX);
        let number = *self.known.entry(read.clone()).or_insert(next);
        if number == next {
            self.trace.reads.push(read);
        }
        self.trace.log.push(number);
    }

    /// A path of fields of something was asked for: what of it is asked of a dot, values aside, is told by its name.
    pub(super) fn fields(&mut self, receiver: &Value, path: &[u8]) {
        let (mut value, mut rest) = (receiver.clone(), path);
        while let Value::Map(map) = &value {
            if self.registry.scopes.contains(&map.address()) {
                if rest != b"Values" && !rest.starts_with(b"Values.") {
                    self.note(Read::Builtin(String::from_utf8_lossy(rest).into_owned()));
                }
                return;
            }
            let Some(point) = memchr::memchr(b'.', rest) else { return };
            let Some(next) = map.get(rest.get(..point).unwrap_or_default()) else { return };
            rest = rest.get(point + 1..).unwrap_or_default();
            value = next;
        }
    }

    /// The entry of a key was asked for.
    pub(super) fn entry(&mut self, receiver: &Value, key: &[u8]) {
        if let Value::Map(map) = receiver
            && let Some(path) = self.registry.places.get(&map.address())
        {
            let path = path.key(String::from_utf8_lossy(key));
            match map.get(key) {
                None => self.note(Read::Missing(path)),
                Some(value) => self.value(path, &value),
            }
        }
    }

    /// A value was come by at a path; what there is of tables and lists is read later.
    fn value(&mut self, path: ValuePath, value: &Value) {
        let is_read_later = match value {
            Value::Map(map) => !map.is_empty(),
            Value::List(list) => !list.is_empty(),
            _ => false,
        };
        if !is_read_later {
            self.note(Read::Value(path));
        }
    }

    fn element(&mut self, list: &List, index: usize) {
        if let Some(path) = self.registry.places.get(&list.address()).cloned()
            && let Some(value) = list.items().get(index)
        {
            self.value(path.index(index), value);
        }
    }

    /// Something is done with all of a value.
    pub(super) fn whole(&mut self, value: &Value) {
        self.whole_to(value, 0, &mut 10_000);
    }

    /// Tables that templates have made may hold themselves.
    fn whole_to(&mut self, value: &Value, depth: usize, budget: &mut usize) {
        if *budget == 0 || depth > 24 {
            return;
        }
        *budget -= 1;
        let depth = depth + 1;
        match value {
            Value::Map(map) => match self.registry.places.get(&map.address()).cloned() {
                Some(path) => self.note(Read::Whole(path)),
                None if self.registry.scopes.contains(&map.address()) => {}
                None => map.entries().values().for_each(|value| self.whole_to(value, depth, budget)),
            },
            Value::List(list) => match self.registry.places.get(&list.address()).cloned() {
                Some(path) => self.note(Read::Whole(path)),
                None => list.items().iter().for_each(|value| self.whole_to(value, depth, budget)),
            },
            Value::Rare(rare) => {
                if let Rare::Object(object) = &**rare
                    && let Some(inner) = object.inner()
                {
                    self.whole_to(&inner, depth, budget);
                }
            }
            _ => {}
        }
    }

    /// What is gone through has elements, some of which may be read without being asked for by a key.
    pub(super) fn range(&mut self, value: &Value) {
        match value {
            Value::Map(map) => {
                let keys: Vec<Vec<u8>> = map.entries().keys().map(|key| key.as_bytes().to_vec()).collect();
                keys.iter().for_each(|key| self.entry(value, key));
            }
            Value::List(list) => (0..list.len()).for_each(|index| self.element(list, index)),
            _ => {}
        }
    }

    /// A function is called.
    pub(super) fn call(&mut self, name: &str, args: &[Value]) {
        match (name, args) {
            ("get" | "hasKey", [map, Value::Str(key)]) => self.entry(map, key.as_bytes()),
            ("unset", _) | ("set", [_, _, _]) => {}
            ("dig", [keys @ .., _, map]) => {
                let keys: Vec<Val> = keys.iter().cloned().map(Val::plain).collect();
                self.index(map, &keys);
            }
            ("pluck", [Value::Str(key), maps @ ..]) => maps.iter().for_each(|map| self.entry(map, key.as_bytes())),
            ("first" | "mustFirst", [Value::List(list)]) => self.element(list, 0),
            ("last" | "mustLast", [Value::List(list)]) => self.element(list, list.len().saturating_sub(1)),
            _ if HANDING_ON.contains(&name) => {}
            (_, args) => args.iter().for_each(|value| self.whole(value)),
        }
    }

    /// One of Go's own functions is called.
    pub(super) fn builtin(&mut self, name: &str, args: &[Val]) {
        match (name, args) {
            ("index" | "slice", [first, keys @ ..]) => self.index(&first.value, keys),
            ("not" | "and" | "or", _) => {}
            (_, args) => args.iter().for_each(|value| self.whole(&value.value)),
        }
    }

    fn index(&mut self, value: &Value, keys: &[Val]) {
        let mut value = value.clone();
        for key in keys {
            let next = match (&value, &key.value) {
                (Value::Map(map), Value::Str(key)) => {
                    self.entry(&value, key.as_bytes());
                    map.get(key.as_bytes())
                }
                (Value::List(list), Value::Int(at) | Value::Int64(at)) => {
                    let at = usize::try_from(*at).unwrap_or(usize::MAX);
                    self.element(list, at);
                    list.items().get(at).cloned()
                }
                _ => None,
            };
            let Some(next) = next else { return };
            value = next;
        }
    }
}

/// Functions that give on what they get, or look at no more of it than whether there is something.
const HANDING_ON: [&str; 22] = [
    "coalesce",
    "default",
    "dict",
    "empty",
    "fail",
    "include",
    "kindIs",
    "kindOf",
    "list",
    "required",
    "ternary",
    "tpl",
    "tuple",
    "typeIs",
    "typeIsLike",
    "typeOf",
    "append",
    "prepend",
    "concat",
    "all",
    "any",
    "compact",
];
