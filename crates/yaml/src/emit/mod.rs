//! Writing YAML as go-yaml does: one emitter of the libyaml family for both of its major versions.
//!
//! `Emitter` takes a document as a walk over its nodes (scalars, beginnings and ends of collections) and appends bytes;
//! whether and how a scalar is quoted, folded or indented is decided here, as go-yaml's `emitterc.go` does. What the
//! versions do differently is in `Dialect`. `node` writes the trees of `yaml::node`; the encoder of Go values is in the
//! `gotmpl` room.

mod analysis;
mod block;
mod node;
mod plain;
mod scalar;
mod writer;

pub use block::BlockWriter;
pub use node::{write_document, write_documents, write_node};
pub use plain::{PlainType, must_quote, plain_type};

pub use analysis::{class, classes_of};

use analysis::Analysis;
use writer::Writer;

/// Which go-yaml is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// go.yaml.in/yaml/v2 2.4
    V2,
    /// go.yaml.in/yaml/v3 3.0
    V3,
}

/// What an emitter is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The library that is followed.
    pub version: Version,
    /// Spaces per level, 2 to 9.
    pub indent: usize,
    /// v3 only: `- ` counts as the indentation of a sequence in a mapping.
    pub compact_sequences: bool,
    /// The column after which text is folded at the next space.
    pub width: usize,
}

impl Dialect {
    /// `yaml.Marshal` of v2: indent 2, sequences in mappings not indented, folding after column 80.
    pub const V2: Self = Self { version: Version::V2, indent: 2, compact_sequences: false, width: 80 };
    /// `yaml.Marshal` of v3: indent 4, no folding.
    pub const V3: Self = Self { version: Version::V3, indent: 4, compact_sequences: false, width: usize::MAX };
    /// An encoder of v3 with `SetIndent(2)`: kyaml's "wide" sequences, Helm's `toYamlPretty`.
    pub const V3_WIDE: Self = Self { indent: 2, ..Self::V3 };
    /// An encoder of v3 with `SetIndent(2)` and `CompactSeqIndent()`: how kustomize writes.
    pub const KUSTOMIZE: Self = Self { indent: 2, compact_sequences: true, ..Self::V3 };
}

/// Why something can't be written; the text is go-yaml's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("yaml: {0}")]
pub struct EmitError(pub String);

/// The style a scalar is asked to be written in; the emitter falls back to a quoted one where it isn't possible.
pub use super::node::ScalarStyle;

/// Comments around a node, with or without their `#`; written by v3 only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Comments<'c> {
    /// Lines above.
    pub head: &'c str,
    /// At the end of the line.
    pub line: &'c str,
    /// Lines below.
    pub foot: &'c str,
    /// Lines below what came before; written before `head`.
    pub tail: &'c str,
}

impl Comments<'_> {
    /// No comment at all.
    pub const NONE: Self = Comments { head: "", line: "", foot: "", tail: "" };
}

/// Anchor and tag of a node; empty for none. The tag is written when it isn't empty, in its short (`!!int`) or full form.
#[derive(Debug, Clone, Copy, Default)]
pub struct Properties<'c> {
    /// Without its `&`.
    pub anchor: &'c str,
    /// `!local`, `!!str`, or a URI.
    pub tag: &'c str,
}

impl Properties<'_> {
    /// Neither anchor nor tag.
    pub const NONE: Self = Properties { anchor: "", tag: "" };

    fn len(&self) -> usize {
        // The length that counts is that of the tag as written: `!!int` has five bytes either way.
        self.anchor.len() + self.tag.strip_prefix(LONG_TAG).map_or(self.tag.len(), |rest| rest.len() + 2)
    }
}

const LONG_TAG: &str = "tag:yaml.org,2002:";

/// The longest key, in bytes, that is written without `?`.
const SIMPLE_KEY_MAX: usize = 128;

/// Where the next node stands, and what is to be done around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Root,
    BlockItem,
    BlockKey { simple: bool },
    BlockValue,
    FlowItem,
    FlowKey { simple: bool },
    FlowValue,
}

impl Role {
    fn in_mapping(self) -> bool {
        !matches!(self, Self::Root | Self::BlockItem | Self::FlowItem)
    }

    fn simple_key(self) -> bool {
        matches!(self, Self::BlockKey { simple: true } | Self::FlowKey { simple: true })
    }
}

/// What a mapping waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Key,
    SimpleValue,
    Value,
}

/// An open collection.
#[derive(Debug, Clone, Copy)]
struct Frame {
    mapping: bool,
    flow: bool,
    /// Nothing has been written of it yet, not even its bracket.
    first: bool,
    /// The comma after the last item stands already, before that item's comment.
    trail: bool,
    expect: Expect,
    /// The indentation to return to.
    outer_indent: isize,
}

/// What the emitter has to know of a node before it writes what stands in front of it.
#[derive(Debug, Clone, Copy)]
struct Shape {
    simple_key: bool,
    kind: ShapeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShapeKind {
    Alias,
    Scalar,
    BlockCollection,
    FlowCollection,
}

/// Writes one stream of documents.
pub struct Emitter<'c> {
    dialect: Dialect,
    out: Writer,
    indent: isize,
    frames: Vec<Frame>,
    flow_level: usize,
    documents: usize,
    pending: Comments<'c>,
    key_line: &'c str,
    /// As libyaml's `mapping_context`: where the node begun last stands.
    mapping_context: bool,
}

impl<'c> Emitter<'c> {
    /// An emitter that appends to `out`.
    pub fn new(dialect: Dialect, out: Vec<u8>) -> Self {
        let indent = if (2..=9).contains(&dialect.indent) { dialect.indent } else { 2 };
        Self {
            dialect: Dialect { indent, ..dialect },
            out: Writer::new(out),
            indent: -1,
            frames: Vec::new(),
            flow_level: 0,
            documents: 0,
            pending: Comments::NONE,
            key_line: "",
            mapping_context: false,
        }
    }

    /// What has been written.
    pub fn finish(self) -> Vec<u8> {
        self.out.bytes
    }

    /// Begins a document; from the second on a `---` is written.
    pub fn begin_document(&mut self, head: &'c str) {
        self.note(&Comments { head, ..Comments::NONE });
        if self.documents > 0 {
            self.write_indent();
            self.out.indicator("---", true, false, false);
            if self.v3() {
                self.write_indent();
            }
        }
        self.documents += 1;
        if !self.pending.head.is_empty() {
            self.head_comment();
            self.out.line_break();
        }
    }

    /// Ends a document.
    pub fn end_document(&mut self, foot: &'c str) {
        self.note(&Comments { foot, ..Comments::NONE });
        if self.v3() {
            self.out.foot_indent = 0;
            self.foot_comment();
            self.out.foot_indent = -1;
        }
        self.write_indent();
    }

    /// Writes `*name`.
    ///
    /// # Errors
    /// When the name has other characters than letters, digits, `-` and `_`.
    pub fn alias(&mut self, name: &str, comments: &Comments<'c>) -> Result<(), EmitError> {
        self.note(comments);
        check_anchor(name, "alias")?;
        let role = self.before(Shape { simple_key: name.len() <= SIMPLE_KEY_MAX, kind: ShapeKind::Alias });
        self.out.indicator("*", true, false, false);
        self.out.word(name);
        self.after(role);
        Ok(())
    }

    /// Writes a scalar in the wanted style, or in the nearest one that is possible.
    ///
    /// # Errors
    /// When the anchor has other characters than letters, digits, `-` and `_`.
    pub fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        properties: &Properties<'_>,
        comments: &Comments<'c>,
    ) -> Result<(), EmitError> {
        self.scalar_of(text, classes_of(text.as_bytes()), style, properties, comments)
    }

    /// The same for a text whose `classes` are known.
    pub fn scalar_of(
        &mut self,
        text: &str,
        classes: u8,
        style: ScalarStyle,
        properties: &Properties<'_>,
        comments: &Comments<'c>,
    ) -> Result<(), EmitError> {
        self.note(comments);
        let analysis = Analysis::of(text, classes, self.dialect.version);
        let simple_key = !analysis.multiline && properties.len() + text.len() <= SIMPLE_KEY_MAX;
        if !properties.anchor.is_empty() {
            check_anchor(properties.anchor, "anchor")?;
        }
        let role = self.before(Shape { simple_key, kind: ShapeKind::Scalar });
        self.properties(properties);
        self.write_placed(text, style, &analysis, role);
        self.after(role);
        Ok(())
    }

    /// Writes a scalar where it belongs: what stands before it has been written.
    fn placed(&mut self, text: &str, classes: u8, style: ScalarStyle, role: Role) {
        let analysis = Analysis::of(text, classes, self.dialect.version);
        self.write_placed(text, style, &analysis, role);
    }

    fn write_placed(&mut self, text: &str, style: ScalarStyle, analysis: &Analysis, role: Role) {
        let style = self.possible_style(text, style, analysis, role);
        let may_fold = !role.simple_key();
        if style == ScalarStyle::Plain && (!may_fold || self.out.column.saturating_add(text.len()) <= self.dialect.width) {
            // Nearly all scalars: nothing that could begin a new line.
            self.plain_word(text, analysis);
        } else {
            let outer = self.indent;
            let in_sequence = self.frames.last().is_some_and(|frame| !frame.flow && !frame.mapping);
            self.increase_indent(true, false, in_sequence, false);
            self.write_scalar(text, style, analysis, may_fold);
            self.indent = outer;
        }
    }

    /// Begins a sequence; `empty` tells that `end_sequence` follows at once. Only `head` and `tail` of `comments` count.
    ///
    /// # Errors
    /// When the anchor has other characters than letters, digits, `-` and `_`.
    pub fn begin_sequence(
        &mut self,
        empty: bool,
        flow: bool,
        properties: &Properties<'_>,
        comments: &Comments<'c>,
    ) -> Result<(), EmitError> {
        self.begin(false, empty, flow, properties, comments)
    }

    /// Ends a sequence. Only `line` and `foot` of `comments` count.
    pub fn end_sequence(&mut self, comments: &Comments<'c>) {
        self.note(comments);
        let Some(frame) = self.open_frame() else { return };
        if !frame.flow {
            self.indent = frame.outer_indent;
            return;
        }
        self.flow_level -= 1;
        self.indent = frame.outer_indent;
        if self.v3() && self.out.column == 0 {
            self.write_indent();
        }
        self.out.indicator("]", false, false, false);
        self.line_comment();
        self.foot_comment();
    }

    /// Begins a mapping, whose keys and values follow in turn; `empty` tells that `end_mapping` follows at once.
    ///
    /// # Errors
    /// When the anchor has other characters than letters, digits, `-` and `_`.
    pub fn begin_mapping(
        &mut self,
        empty: bool,
        flow: bool,
        properties: &Properties<'_>,
        comments: &Comments<'c>,
    ) -> Result<(), EmitError> {
        self.begin(true, empty, flow, properties, comments)
    }

    /// Ends a mapping. `tail` of `comments` is the foot of its last key.
    pub fn end_mapping(&mut self, comments: &Comments<'c>) {
        self.note(comments);
        let was_first = self.frames.last().is_some_and(|frame| frame.first);
        let Some(frame) = self.open_frame() else { return };
        if !frame.flow {
            self.head_comment();
            self.indent = frame.outer_indent;
            return;
        }
        let commented = !self.pending.head.is_empty() || !self.pending.foot.is_empty() || !self.pending.tail.is_empty();
        if commented && !was_first && !frame.trail {
            self.out.indicator(",", false, false, false);
        }
        self.head_comment();
        self.flow_level -= 1;
        self.indent = frame.outer_indent;
        self.out.indicator("}", false, false, false);
        self.line_comment();
        self.foot_comment();
    }

    fn begin(
        &mut self,
        mapping: bool,
        empty: bool,
        flow: bool,
        properties: &Properties<'_>,
        comments: &Comments<'c>,
    ) -> Result<(), EmitError> {
        self.note(comments);
        if !properties.anchor.is_empty() {
            check_anchor(properties.anchor, "anchor")?;
        }
        let simple_key = empty && properties.len() <= SIMPLE_KEY_MAX;
        let kind = if flow { ShapeKind::FlowCollection } else { ShapeKind::BlockCollection };
        let role = self.before(Shape { simple_key, kind });
        self.properties(properties);
        self.after(role);
        let flow = flow || empty || self.flow_level > 0;
        self.frames.push(Frame { mapping, flow, first: true, trail: false, expect: Expect::Key, outer_indent: self.indent });
        Ok(())
    }

    /// Takes the comments of an event; those that are still to be written stay unless new ones come.
    #[inline]
    fn note(&mut self, comments: &Comments<'c>) {
        let any = !(comments.head.is_empty() && comments.line.is_empty() && comments.foot.is_empty() && comments.tail.is_empty());
        if any && self.v3() {
            self.take_over(comments);
        }
    }

    fn take_over(&mut self, comments: &Comments<'c>) {
        let take = |old: &mut &'c str, new: &'c str| {
            if !new.is_empty() {
                *old = new;
            }
        };
        take(&mut self.pending.head, comments.head);
        take(&mut self.pending.line, comments.line);
        take(&mut self.pending.foot, comments.foot);
        take(&mut self.pending.tail, comments.tail);
    }

    fn v3(&self) -> bool {
        self.dialect.version == Version::V3
    }

    /// The last frame, taken off, after what is due at its beginning.
    fn open_frame(&mut self) -> Option<Frame> {
        self.enter();
        self.frames.pop()
    }

    /// At the first item of a collection (or its end): opening bracket and indentation.
    #[inline]
    fn enter(&mut self) {
        if self.frames.last().is_some_and(|frame| frame.first) {
            self.enter_first();
        }
    }

    fn enter_first(&mut self) {
        let depth = self.frames.len();
        let parent_is_sequence = depth >= 2 && self.frames.get(depth - 2).is_some_and(|frame| !frame.flow && !frame.mapping);
        let Some(frame) = self.frames.last_mut() else { return };
        frame.first = false;
        frame.outer_indent = self.indent;
        let (mapping, flow) = (frame.mapping, frame.flow);
        if flow {
            self.out.indicator(if mapping { "{" } else { "[" }, true, true, false);
            self.increase_indent(true, false, parent_is_sequence, false);
            self.flow_level += 1;
        } else if mapping {
            self.increase_indent(false, false, parent_is_sequence, false);
        } else {
            let compact = self.dialect.compact_sequences && self.mapping_context && (self.out.column == 0 || !self.out.indention);
            let indentless = !self.v3() && self.mapping_context && !self.out.indention;
            self.increase_indent(false, indentless, parent_is_sequence, compact);
        }
    }

    fn increase_indent(&mut self, flow: bool, indentless: bool, in_sequence: bool, compact: bool) {
        let step = self.dialect.indent as isize;
        if self.indent < 0 {
            self.indent = if flow { step } else { 0 };
        } else if !self.v3() {
            self.indent += if indentless { 0 } else { step };
        } else if in_sequence {
            // The first level in a sequence only steps over its `- `.
            self.indent += 2;
        } else {
            self.indent = step * ((self.indent + step) / step) - if compact { 2 } else { 0 };
        }
    }

    /// Writes what stands before a node: indentation, `-`, `?`, `:`, `,` and comments above it.
    fn before(&mut self, shape: Shape) -> Role {
        let first = self.frames.last().is_some_and(|frame| frame.first);
        self.enter();
        let role = match self.frames.last().copied() {
            None => {
                self.head_comment();
                Role::Root
            }
            Some(Frame { mapping: false, flow: false, .. }) => {
                self.head_comment();
                self.write_indent();
                self.out.indicator("-", true, false, true);
                Role::BlockItem
            }
            Some(Frame { mapping: true, flow: false, expect: Expect::Key, .. }) => self.before_block_key(shape),
            Some(Frame { mapping: true, flow: false, expect, .. }) => self.before_block_value(shape, expect),
            Some(frame @ Frame { mapping: false, .. }) => {
                self.before_flow_item(first, frame.trail);
                self.set_trail();
                Role::FlowItem
            }
            Some(frame @ Frame { expect: Expect::Key, .. }) => self.before_flow_key(shape, first, frame.trail),
            Some(frame) => self.before_flow_value(frame.expect),
        };
        self.mapping_context = role.in_mapping();
        role
    }

    fn expect(&mut self, expect: Expect) {
        if let Some(frame) = self.frames.last_mut() {
            frame.expect = expect;
        }
    }

    fn before_block_key(&mut self, shape: Shape) -> Role {
        self.head_comment();
        self.write_indent();
        if !self.pending.line.is_empty() {
            self.key_line = std::mem::take(&mut self.pending.line);
        }
        if !shape.simple_key {
            self.out.indicator("?", true, false, true);
        }
        self.expect(if shape.simple_key { Expect::SimpleValue } else { Expect::Value });
        Role::BlockKey { simple: shape.simple_key }
    }

    fn before_block_value(&mut self, shape: Shape, expect: Expect) -> Role {
        if expect == Expect::SimpleValue {
            self.out.indicator(":", false, false, false);
        } else {
            self.write_indent();
            self.out.indicator(":", true, false, true);
        }
        if !self.key_line.is_empty() {
            self.key_line_comment(shape);
        }
        self.expect(Expect::Key);
        Role::BlockValue
    }

    /// The line comment of a key: a scalar value takes it over, in front of an indented block it is written now.
    fn key_line_comment(&mut self, shape: Shape) {
        match shape.kind {
            ShapeKind::Scalar if self.pending.line.is_empty() => self.pending.line = std::mem::take(&mut self.key_line),
            ShapeKind::BlockCollection => {
                std::mem::swap(&mut self.pending.line, &mut self.key_line);
                self.line_comment();
                std::mem::swap(&mut self.pending.line, &mut self.key_line);
            }
            _ => {}
        }
    }

    fn before_flow_item(&mut self, first: bool, trail: bool) {
        if !first && !trail {
            self.out.indicator(",", false, false, false);
        }
        self.head_comment();
        if self.v3() && self.out.column == 0 {
            self.write_indent();
        }
        if self.out.column > self.dialect.width {
            self.write_indent();
        }
    }

    fn before_flow_key(&mut self, shape: Shape, first: bool, trail: bool) -> Role {
        self.before_flow_item(first, trail);
        if !shape.simple_key {
            self.out.indicator("?", true, false, false);
        }
        self.expect(if shape.simple_key { Expect::SimpleValue } else { Expect::Value });
        Role::FlowKey { simple: shape.simple_key }
    }

    fn before_flow_value(&mut self, expect: Expect) -> Role {
        if expect == Expect::SimpleValue {
            self.out.indicator(":", false, false, false);
        } else {
            if self.out.column > self.dialect.width {
                self.write_indent();
            }
            self.out.indicator(":", true, false, false);
        }
        self.expect(Expect::Key);
        self.set_trail();
        Role::FlowValue
    }

    fn commented_after(&self) -> bool {
        !self.pending.line.is_empty() || !self.pending.foot.is_empty() || !self.pending.tail.is_empty()
    }

    fn set_trail(&mut self) {
        let trail = self.commented_after();
        if let Some(frame) = self.frames.last_mut() {
            frame.trail = trail;
        }
    }

    /// Writes what stands behind a scalar, or behind the properties of a collection.
    fn after(&mut self, role: Role) {
        match role {
            Role::BlockKey { .. } | Role::FlowKey { .. } => return,
            Role::FlowItem | Role::FlowValue if self.commented_after() => self.out.indicator(",", false, false, false),
            _ => {}
        }
        self.line_comment();
        self.foot_comment();
    }

    #[inline]
    fn properties(&mut self, properties: &Properties<'_>) {
        if !properties.anchor.is_empty() || !properties.tag.is_empty() {
            self.write_properties(properties);
        }
    }

    fn write_properties(&mut self, properties: &Properties<'_>) {
        if !properties.anchor.is_empty() {
            self.out.indicator("&", true, false, false);
            self.out.word(properties.anchor);
        }
        if !properties.tag.is_empty() {
            self.tag(properties.tag);
        }
    }

    fn tag(&mut self, tag: &str) {
        if let Some(suffix) = tag.strip_prefix("!!").or_else(|| tag.strip_prefix(LONG_TAG)) {
            self.out.tag_handle("!!");
            self.out.tag_content(suffix);
        } else if let Some(suffix) = tag.strip_prefix('!') {
            self.out.tag_handle("!");
            self.out.tag_content(suffix);
        } else {
            self.out.indicator("!<", true, false, false);
            self.out.tag_content(tag);
            self.out.indicator(">", false, false, false);
        }
    }

    fn write_indent(&mut self) {
        self.out.indent_to(self.indent);
    }

    #[inline]
    fn head_comment(&mut self) {
        if !self.pending.tail.is_empty() || !self.pending.head.is_empty() {
            self.write_head_comment();
        }
    }

    fn write_head_comment(&mut self) {
        let tail = std::mem::take(&mut self.pending.tail);
        if !tail.is_empty() {
            self.write_indent();
            self.comment(tail);
            self.out.foot_indent = self.indent.max(0);
        }
        let head = std::mem::take(&mut self.pending.head);
        if !head.is_empty() {
            self.write_indent();
            self.comment(head);
        }
    }

    #[inline]
    fn line_comment(&mut self) {
        if !self.pending.line.is_empty() {
            let line = std::mem::take(&mut self.pending.line);
            self.out.space_if_needed();
            self.comment(line);
        }
    }

    #[inline]
    fn foot_comment(&mut self) {
        if !self.pending.foot.is_empty() {
            let foot = std::mem::take(&mut self.pending.foot);
            self.write_indent();
            self.comment(foot);
            self.out.foot_indent = self.indent.max(0);
        }
    }
}

/// An anchor may have letters, digits, `-` and `_`.
fn check_anchor(name: &str, what: &str) -> Result<(), EmitError> {
    if name.is_empty() {
        return Err(EmitError(format!("{what} value must not be empty")));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Err(EmitError(format!("{what} value must contain alphanumerical characters only")));
    }
    Ok(())
}
