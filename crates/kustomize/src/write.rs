//! Objects as the YAML that kustomize prints: sorted keys, no comments, types and numbers as they are after a detour through JSON.
//!
//! kustomize writes an object with go-yaml v3, reads that back, makes JSON of it, reads that with go-yaml v2 and writes the result
//! (`Resource.AsYAML`). This goes from the tree to the text in one pass.

use std::borrow::Cow;

use super::errors::{Fail, KResult, fail};
use super::json;
use super::scalar::{self, Typed};
use super::tree;
use hydrate_gotmpl::encode::order;
use hydrate_yaml::emit::{BlockWriter, Dialect, EmitError, ScalarStyle, Version, must_quote, write_node};
use hydrate_yaml::node::{Data, Node, Tag};

const MAX_DEPTH: usize = 1_000;

/// An object as YAML, with a final line break.
pub(crate) fn to_yaml(node: &Node) -> KResult<String> {
    let mut out = Vec::new();
    append_yaml(node, &mut out)?;
    String::from_utf8(out).map_err(|error| Fail::new(error.to_string()))
}

/// Appends an object as YAML.
pub(crate) fn append_yaml(node: &Node, out: &mut Vec<u8>) -> KResult<()> {
    let mut writer = Writer::new(std::mem::take(out));
    let result = writer.object(node);
    *out = writer.finish();
    result
}

/// A node as kustomize's encoder writes it, in its own style and with its comments.
pub(crate) fn styled(node: &Node) -> KResult<String> {
    let mut out = Vec::new();
    write_node(node, Dialect::KUSTOMIZE, &mut out).map_err(explain)?;
    String::from_utf8(out).map_err(|error| Fail::new(error.to_string()))
}

/// The same for error messages.
pub(crate) fn quoted_text(node: &Node) -> String {
    styled(node).unwrap_or_else(|error| error.text().to_owned())
}

fn explain(error: EmitError) -> Fail {
    Fail::new(error.to_string())
}

/// A key and its value.
type Entry<'n> = (Cow<'n, str>, &'n Node);

/// Writes one object after the other.
pub(crate) struct Writer<'n> {
    out: BlockWriter,
    /// Lists of entries that are not in use.
    spare: Vec<Vec<Entry<'n>>>,
}

/// Where a node stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    depth: usize,
    /// The indentation of the collection that it is in.
    indent: usize,
    in_mapping: bool,
    /// Whether go-yaml v3 would write it between brackets, where nothing at all becomes an empty string.
    flow: bool,
}

impl Place {
    const TOP: Self = Self { depth: 0, indent: 0, in_mapping: false, flow: false };

    fn inside(self, node: &Node) -> Self {
        Self { flow: self.flow || node.style.flow, ..self }
    }
}

impl<'n> Writer<'n> {
    /// A writer that appends to `out`.
    pub(crate) fn new(out: Vec<u8>) -> Self {
        Self { out: BlockWriter::new(out), spare: Vec::new() }
    }

    /// What has been written.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out.finish()
    }

    /// Writes whole lines.
    pub(crate) fn lines(&mut self, text: &str) {
        self.out.lines(text);
    }

    /// Writes an object.
    pub(crate) fn object(&mut self, node: &'n Node) -> KResult<()> {
        match &node.data {
            _ if tree::is_null(node) => self.mapping(&[], Place::TOP),
            Data::Mapping(entries) => self.mapping(entries, Place::TOP.inside(node)),
            Data::Sequence(items) => self.sequence(items, Place::TOP.inside(node)),
            _ => fail("yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str into map[string]interface {}"),
        }
    }

    fn node(&mut self, node: &'n Node, place: Place) -> KResult<()> {
        if place.depth > MAX_DEPTH {
            return fail("exceeded max depth");
        }
        match &node.data {
            Data::Mapping(entries) if entries.is_empty() => self.word("{}"),
            Data::Mapping(entries) => {
                let place = place.inside(node);
                let indent = self.out.open(false, place.indent);
                self.mapping(entries, Place { indent, ..place })
            }
            Data::Sequence(items) if items.is_empty() => self.word("[]"),
            Data::Sequence(items) => {
                let place = place.inside(node);
                let indent = self.out.open(place.in_mapping, place.indent);
                self.sequence(items, Place { indent, ..place })
            }
            Data::Alias(name) => fail(format!("unknown anchor '{name}' referenced")),
            Data::Scalar(_) => match text_of(node) {
                Some(text) => self.string(text, place.indent),
                None => self.typed(node, place),
            },
        }
    }

    fn typed(&mut self, node: &Node, place: Place) -> KResult<()> {
        match scalar::typed_in(node, place.flow)? {
            Typed::Null if place.flow && tree::raw_text(node).is_empty() => self.string("", place.indent),
            Typed::Null => self.word("null"),
            Typed::Bool(value) => self.word(if value { "true" } else { "false" }),
            Typed::Int(text) => self.word(&text),
            Typed::Float(value) => self.float(value),
            Typed::Str(text) => self.string(&text, place.indent),
        }
    }

    /// The items of a sequence that is indented as its place says.
    fn sequence(&mut self, items: &'n [Node], place: Place) -> KResult<()> {
        if items.is_empty() {
            self.out.lines("[]\n");
        }
        items.iter().try_for_each(|item| {
            self.out.item(place.indent);
            self.node(item, Place { depth: place.depth + 1, in_mapping: false, ..place })
        })
    }

    /// The entries of a mapping that is indented as its place says.
    fn mapping(&mut self, entries: &'n [(Node, Node)], place: Place) -> KResult<()> {
        let mut sorted = self.spare.pop().unwrap_or_default();
        for (key, value) in entries {
            let text = match text_of(key) {
                Some(text) => Cow::Borrowed(text),
                None => Cow::Owned(json::check_key(key, place.depth == 0)?.into()),
            };
            sorted.push((text, value));
        }
        if let Some(key) = may_repeat(&sorted).then(|| json::repeated(entries)).flatten() {
            return Err(json::repeated_key(key));
        }
        order::sort(&mut sorted, Version::V2);
        if sorted.is_empty() {
            self.out.lines("{}\n");
        }
        for (key, value) in sorted.drain(..) {
            self.out.key(&key, string_style(&key), place.indent);
            self.node(value, Place { depth: place.depth + 1, in_mapping: true, ..place })?;
        }
        self.spare.push(sorted);
        Ok(())
    }

    fn word(&mut self, text: &str) -> KResult<()> {
        self.out.word(text);
        Ok(())
    }

    fn string(&mut self, text: &str, indent: usize) -> KResult<()> {
        self.out.scalar(text, string_style(text), indent);
        Ok(())
    }

    /// A float that is written without point and exponent in JSON comes back as an integer.
    fn float(&mut self, value: f64) -> KResult<()> {
        if !value.is_finite() {
            return fail(format!("json: unsupported value: {}", scalar::format_g(value)));
        }
        let text = scalar::json_number(value);
        if let Ok(integer) = text.parse::<i64>() {
            return self.word(&integer.to_string());
        }
        if text.parse::<u64>().is_ok() {
            return self.word(&text);
        }
        self.word(&scalar::format_g(text.parse().unwrap_or(value)))
    }
}

/// The text of a scalar that is a string and stays what it is when it is written and read again.
fn text_of(node: &Node) -> Option<&str> {
    let stays = node.tag == Tag::Str && !matches!(node.style.scalar, ScalarStyle::Folded | ScalarStyle::Literal);
    node.as_str().filter(|_| stays)
}

/// Whether there may be a key that is there twice.
fn may_repeat(entries: &[Entry<'_>]) -> bool {
    let is_repeated = |(at, (key, _)): (usize, &Entry<'_>)| entries.iter().take(at).any(|(other, _)| other == key);
    entries.len() >= 16 || entries.iter().enumerate().any(is_repeated)
}

fn string_style(text: &str) -> ScalarStyle {
    if memchr::memchr(b'\n', text.as_bytes()).is_some() {
        ScalarStyle::Literal
    } else if must_quote(text, Version::V2) {
        ScalarStyle::DoubleQuoted
    } else {
        ScalarStyle::Plain
    }
}
