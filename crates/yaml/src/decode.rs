//! Documents to the caller's own values, with the meaning go-yaml and `sigs.k8s.io/yaml` give them.
//!
//! `sigs.k8s.io/yaml` decodes YAML with go-yaml v2 into Go maps, turns those into JSON and decodes that. What can be
//! seen of the detour is kept: keys become strings, dates are strings, infinities and odd keys are errors.

mod gofmt;
mod v3;

use std::borrow::Cow;
use std::fmt;

use super::Dialect;
use super::input::Input;
use super::parse::Parser;
use super::resolve;
use super::scan::{Error, MAX_DEPTH, Mark};
use super::tree::{Node, NodeKind, Tree};

pub use super::resolve::Scalar;

/// A receiver of values.
pub trait Build {
    /// What is built.
    type Value;
    /// A key of a mapping; `Ord` is not asked for, so sorting and dropping duplicates (the last one counts) is the
    /// builder's own affair.
    type Key;
    /// Whether keys are wanted as `%#v` prints them; only Go's own error texts need that.
    const GO_SYNTAX: bool = false;

    /// Builds a scalar; never [`Scalar::Merge`].
    fn scalar(&mut self, scalar: Scalar<'_>) -> Self::Value;

    /// Builds a key.
    fn key(&mut self, text: &str) -> Self::Key;

    /// Builds a key of a scalar, which `text` is the text of.
    fn scalar_key(&mut self, scalar: &Scalar<'_>, text: &str) -> Self::Key {
        let _ = scalar;
        self.key(text)
    }

    /// Builds a list.
    fn sequence(&mut self, items: Vec<Self::Value>) -> Self::Value;

    /// Builds a map; of entries with equal keys the last counts.
    fn mapping(&mut self, entries: Vec<(Self::Key, Self::Value)>) -> Self::Value;

    /// Builds a key that JSON cannot have; `problem` is the message about it.
    fn odd_key(&mut self, text: &str, problem: &str) -> Self::Key {
        let _ = problem;
        self.key(text)
    }

    /// What of a finished value JSON cannot represent: `first` is what was found while reading. Of keys that occur twice only one value is
    /// left, so a builder that keeps its values looks again.
    fn unfit(&self, value: &Self::Value, first: Unfit) -> Option<Unfit> {
        let _ = value;
        Some(first)
    }
}

/// What JSON cannot have.
#[derive(Debug, Clone, PartialEq)]
pub enum Unfit {
    /// A key; with the message about it.
    Key(String),
    /// An infinity, or what is no number.
    Number(f64),
}

/// How to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whose reading of texts and scalars.
    pub dialect: Dialect,
    /// With [`Dialect::V2`]: whether a key that occurs twice is an error, as in `UnmarshalStrict`. v3 always refuses.
    pub strict: bool,
    /// Whether the value goes through JSON, which has no infinities.
    pub json: bool,
}

impl Options {
    /// `sigs.k8s.io/yaml` `Unmarshal` and `YAMLToJSON`.
    pub const SIGS: Self = Self { dialect: Dialect::V2, strict: false, json: true };
    /// `sigs.k8s.io/yaml` `UnmarshalStrict` and `YAMLToJSONStrict`.
    pub const SIGS_STRICT: Self = Self { strict: true, ..Self::SIGS };
    /// go-yaml v3 `Unmarshal`.
    pub const V3: Self = Self { dialect: Dialect::V3, strict: true, json: false };
}

/// Why a document cannot be decoded; its `Display` is Go's whole message, `yaml: line 3: …` or `json: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// The message, with `yaml: ` or whatever Go has there.
    pub message: String,
    /// Where the reader stood, for an error that has one place.
    pub mark: Option<Mark>,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

impl From<Error> for DecodeError {
    fn from(error: Error) -> Self {
        Self { message: error.to_string(), mark: Some(error.mark) }
    }
}

impl DecodeError {
    fn yaml(message: impl fmt::Display) -> Self {
        Self { message: format!("yaml: {message}"), mark: None }
    }
}

/// Decodes the first document; a stream without one gives null. What stands behind the first document is not read,
/// as in Go.
pub fn decode<B: Build>(bytes: &[u8], options: Options, build: &mut B) -> Result<B::Value, DecodeError> {
    let input = Input::new(bytes);
    let mut parser = Parser::new(&input, options.dialect);
    let mut tree = Tree::sized_for(bytes);
    if !tree.read(&mut parser)? {
        return Ok(build.scalar(Scalar::Null));
    }
    Decoder::new(&tree, options, build).document(0)
}

/// Decodes all documents of a stream, as a loop over `Decoder.Decode` does.
pub fn decode_all<B: Build>(bytes: &[u8], options: Options, build: &mut B) -> Result<Vec<B::Value>, DecodeError> {
    let input = Input::new(bytes);
    let mut parser = Parser::new(&input, options.dialect);
    let mut tree = Tree::default();
    let mut values = Vec::new();
    loop {
        // go-yaml v3 lets an alias reach into earlier documents, so the nodes stay.
        if options.dialect == Dialect::V2 {
            tree = Tree::default();
        }
        let root = tree.nodes.len();
        if !tree.read(&mut parser)? {
            return Ok(values);
        }
        values.push(Decoder::new(&tree, options, build).document(root)?);
    }
}

/// Entries of a mapping while it is built, with the keys as Go would compare them where that is asked for.
struct Entries<B: Build> {
    entries: Vec<(B::Key, B::Value)>,
    seen: Option<std::collections::BTreeSet<String>>,
}

/// A walk over the nodes of a document.
struct Decoder<'t, 'a, B> {
    tree: &'t Tree<'a>,
    options: Options,
    build: &'t mut B,
    /// Type errors, of which Go reports all.
    problems: Vec<String>,
    /// Errors of the way to JSON, which only matter when the YAML is fine: odd keys first, then odd numbers.
    bad_key: Option<String>,
    bad_number: Option<f64>,
    /// Aliases that are being followed.
    following: Vec<usize>,
    decoded: u32,
    decoded_by_alias: u32,
    depth: usize,
}

type Decoded<T> = Result<T, DecodeError>;

impl<'t, 'a, B: Build> Decoder<'t, 'a, B> {
    fn new(tree: &'t Tree<'a>, options: Options, build: &'t mut B) -> Self {
        Self {
            tree,
            options,
            build,
            problems: Vec::new(),
            bad_key: None,
            bad_number: None,
            following: Vec::new(),
            decoded: 1,
            decoded_by_alias: 0,
            depth: 0,
        }
    }

    fn document(mut self, root: usize) -> Decoded<B::Value> {
        let value = self.value(root)?;
        if let Some(error) = type_error(&self.problems) {
            return Err(error);
        }
        let Some(first) = self.bad_key.map(Unfit::Key).or(self.bad_number.map(Unfit::Number)) else { return Ok(value) };
        let message = match self.build.unfit(&value, first) {
            None => return Ok(value),
            Some(Unfit::Key(message)) => message,
            Some(Unfit::Number(number)) => format!("json: unsupported value: {}", gofmt::float64(number)),
        };
        Err(DecodeError { message, mark: None })
    }

    fn node(&self, at: usize) -> Decoded<&'t Node<'a>> {
        self.tree.nodes.get(at).ok_or_else(|| DecodeError::yaml("internal error: a node is missing"))
    }

    /// Counts a step, and refuses documents that are mostly aliases of aliases.
    fn step(&mut self) -> Decoded<()> {
        self.decoded = self.decoded.saturating_add(1);
        if self.following.is_empty() {
            return Ok(());
        }
        self.decoded_by_alias = self.decoded_by_alias.saturating_add(1);
        let ratio = f64::from(self.decoded_by_alias) / f64::from(self.decoded);
        if self.decoded_by_alias > 100 && self.decoded > 1000 && ratio > allowed_alias_ratio(self.decoded) {
            return Err(DecodeError::yaml("document contains excessive aliasing"));
        }
        Ok(())
    }

    fn value(&mut self, at: usize) -> Decoded<B::Value> {
        self.step()?;
        let node = self.node(at)?;
        match node.kind {
            NodeKind::Scalar => self.scalar(node),
            NodeKind::Sequence => self.nested(|decoder| decoder.sequence(at, node)),
            NodeKind::Mapping => self.nested(|decoder| {
                let entries = decoder.mapping(at, node)?;
                Ok(decoder.build.mapping(entries))
            }),
            NodeKind::Alias(target) => self.follow(at, node, |decoder| decoder.nested(|decoder| decoder.value(target as usize))),
        }
    }

    fn nested<T>(&mut self, work: impl FnOnce(&mut Self) -> Decoded<T>) -> Decoded<T> {
        if self.depth >= MAX_DEPTH {
            return Err(DecodeError::yaml(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Does some work inside an alias.
    fn follow<T>(&mut self, at: usize, node: &Node<'_>, work: impl FnOnce(&mut Self) -> Decoded<T>) -> Decoded<T> {
        if self.following.contains(&at) {
            return Err(DecodeError::yaml(format!("anchor '{}' value contains itself", node.text)));
        }
        self.following.push(at);
        let result = work(self);
        self.following.pop();
        result
    }

    fn resolve(&self, node: &'t Node<'a>) -> Decoded<Scalar<'t>> {
        let scalar = match node.tag.as_deref() {
            None if !node.implicit => Scalar::Str(Cow::Borrowed(node.text.as_ref())),
            None => resolve::plain(&node.text, self.options.dialect),
            Some("!") if self.options.dialect == Dialect::V3 => v3::resolve_bang(node),
            Some(tag) => resolve::tagged(tag, &node.text, self.options.dialect).map_err(DecodeError::yaml)?,
        };
        Ok(match scalar {
            Scalar::Timestamp(text) if self.options.dialect == Dialect::V2 => Scalar::Str(Cow::Borrowed(text)),
            Scalar::Merge => Scalar::Str(Cow::Borrowed("<<")),
            scalar => scalar,
        })
    }

    fn scalar(&mut self, node: &'t Node<'a>) -> Decoded<B::Value> {
        let scalar = self.resolve(node)?;
        if let Scalar::Float(value) = scalar
            && self.options.json
            && !value.is_finite()
            && self.bad_number.is_none()
        {
            self.bad_number = Some(value);
        }
        Ok(self.build.scalar(scalar))
    }

    fn sequence(&mut self, at: usize, node: &Node<'_>) -> Decoded<B::Value> {
        let mut items = Vec::new();
        let mut child = at + 1;
        while child < node.end as usize {
            items.push(self.value(child)?);
            child = self.node(child)?.end as usize;
        }
        Ok(self.build.sequence(items))
    }

    fn mapping(&mut self, at: usize, node: &Node<'_>) -> Decoded<Vec<(B::Key, B::Value)>> {
        if self.options.dialect == Dialect::V3 {
            return self.mapping_v3(at, node);
        }
        let seen = self.options.strict.then(Default::default);
        let mut entries = Entries { entries: Vec::new(), seen };
        self.fill(at, node, &mut entries)?;
        Ok(entries.entries)
    }

    /// Puts the entries of a mapping, and of those it merges, into a map, in the order of v2: later ones win.
    fn fill(&mut self, at: usize, node: &Node<'_>, into: &mut Entries<B>) -> Decoded<()> {
        let mut child = at + 1;
        while child < node.end as usize {
            let key = self.node(child)?;
            let value_at = key.end as usize;
            let value = self.node(value_at)?;
            if is_merge_v2(key) {
                self.nested(|decoder| decoder.merge(value_at, value, into))?;
            } else {
                self.entry(child, key, value_at, into)?;
            }
            child = value.end as usize;
        }
        Ok(())
    }

    fn entry(&mut self, key_at: usize, key: &'t Node<'a>, value_at: usize, into: &mut Entries<B>) -> Decoded<()> {
        let scalar = self.key_scalar(key_at, key)?;
        let key = self.key(&scalar, value_at)?;
        let value = self.value(value_at)?;
        if let Some(seen) = &mut into.seen {
            let go_key = gofmt::go_syntax(&scalar);
            let nan = matches!(scalar, Scalar::Float(value) if value.is_nan());
            if !seen.insert(go_key.clone()) && !nan {
                let line = self.node(value_at)?.line + 1;
                self.problems.push(format!("line {line}: key {go_key} already set in map"));
                return Ok(());
            }
        }
        into.entries.push((key, value));
        Ok(())
    }

    /// The value of a key, which must not be a collection.
    fn key_scalar(&mut self, at: usize, key: &'t Node<'a>) -> Decoded<Scalar<'t>> {
        self.step()?;
        match key.kind {
            NodeKind::Scalar => self.resolve(key),
            NodeKind::Alias(target) => {
                let target_node = self.node(target as usize)?;
                self.follow(at, key, |decoder| decoder.nested(|decoder| decoder.key_scalar(target as usize, target_node)))
            }
            NodeKind::Sequence | NodeKind::Mapping => {
                let shown = self.show(at)?;
                Err(DecodeError::yaml(format!("invalid map key: {shown}")))
            }
        }
    }

    /// A node as `%#v` prints what v2 decodes it to.
    fn show(&self, at: usize) -> Decoded<String> {
        let mut node = self.node(at)?;
        while let NodeKind::Alias(target) = node.kind {
            node = self.node(target as usize)?;
        }
        if node.kind == NodeKind::Scalar && self.resolve(node)? == Scalar::Null {
            return Ok("<nil>".to_owned());
        }
        let mut build = gofmt::GoSyntax { string_maps: self.options.dialect == Dialect::V3, first_wins: self.options.strict };
        let mut shower = Decoder::new(self.tree, Options { strict: false, json: false, ..self.options }, &mut build);
        shower.following.clone_from(&self.following);
        let shown = shower.value(at)?;
        match type_error(&shower.problems) {
            Some(error) => Err(error),
            None => Ok(shown),
        }
    }

    /// A key as the string JSON needs.
    fn key(&mut self, scalar: &Scalar<'_>, value_at: usize) -> Decoded<B::Key> {
        if B::GO_SYNTAX {
            if *scalar == Scalar::Null {
                return Ok(self.build.key("interface {}(nil)"));
            }
            return Ok(self.build.key(&gofmt::go_syntax(scalar)));
        }
        Ok(match scalar {
            Scalar::Str(text) => self.build.scalar_key(scalar, text),
            Scalar::Bool(value) => self.build.scalar_key(scalar, if *value { "true" } else { "false" }),
            Scalar::Int(value) => self.build.scalar_key(scalar, &value.to_string()),
            Scalar::Float(value) => self.build.scalar_key(scalar, &gofmt::float_key(*value)),
            Scalar::Timestamp(text) => self.build.scalar_key(scalar, text),
            Scalar::Uint(value) => self.odd_key("uint64", scalar, value_at, &value.to_string())?,
            Scalar::Null | Scalar::Merge => self.odd_key("%!s(<nil>)", scalar, value_at, "null")?,
        })
    }

    /// Notes a key that has no form in JSON.
    fn odd_key(&mut self, type_name: &str, key: &Scalar<'_>, value_at: usize, text: &str) -> Decoded<B::Key> {
        if !self.options.json {
            return Ok(self.build.scalar_key(key, text));
        }
        let (key, value) = (gofmt::go_syntax(key), self.show(value_at)?);
        let problem = format!("unsupported map key of type: {type_name}, key: {key}, value: {value}");
        let key = self.build.odd_key(text, &problem);
        self.bad_key.get_or_insert(problem);
        Ok(key)
    }

    fn merge(&mut self, at: usize, node: &Node<'_>, into: &mut Entries<B>) -> Decoded<()> {
        match node.kind {
            NodeKind::Mapping => {
                self.step()?;
                self.fill(at, node, into)
            }
            NodeKind::Alias(target) => {
                let target_node = self.node(target as usize)?;
                if target_node.kind != NodeKind::Mapping {
                    return Err(want_map());
                }
                self.step()?;
                self.follow(at, node, |decoder| {
                    decoder.step()?;
                    decoder.fill(target as usize, target_node, into)
                })
            }
            NodeKind::Sequence => {
                // Earlier ones take precedence, so they come last.
                for child in self.children(at, node)?.into_iter().rev() {
                    let item = self.node(child)?;
                    if matches!(item.kind, NodeKind::Scalar | NodeKind::Sequence) {
                        return Err(want_map());
                    }
                    self.nested(|decoder| decoder.merge(child, item, into))?;
                }
                Ok(())
            }
            NodeKind::Scalar => Err(want_map()),
        }
    }

    fn children(&self, at: usize, node: &Node<'_>) -> Decoded<Vec<usize>> {
        let mut children = Vec::new();
        let mut child = at + 1;
        while child < node.end as usize {
            children.push(child);
            child = self.node(child)?.end as usize;
        }
        Ok(children)
    }
}

fn type_error(problems: &[String]) -> Option<DecodeError> {
    let listed = problems.join("\n  ");
    (!problems.is_empty()).then(|| DecodeError::yaml(format!("unmarshal errors:\n  {listed}")))
}

fn want_map() -> DecodeError {
    DecodeError::yaml("map merge requires map or sequence of maps as the value")
}

fn is_merge_v2(node: &Node<'_>) -> bool {
    node.kind == NodeKind::Scalar && node.text == "<<" && (node.implicit || node.tag.as_deref() == Some("tag:yaml.org,2002:merge"))
}

/// The share of steps that may come from aliases: 99% for documents of usual size, 10% for very large ones.
fn allowed_alias_ratio(decoded: u32) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let decoded = f64::from(decoded);
    if decoded <= LOW {
        0.99
    } else if decoded >= HIGH {
        0.10
    } else {
        0.99 - 0.89 * ((decoded - LOW) / (HIGH - LOW))
    }
}

#[cfg(test)]
mod tests;
