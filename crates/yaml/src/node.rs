//! A YAML document as a tree that keeps what a person wrote: order, style, comments, anchors, positions.
//!
//! It follows `yaml.Node` of go-yaml v3.0.4 (`yaml.go`), which kustomize edits, in a shape that is a quarter of its
//! size: 56 bytes a node, short texts inline.

use ecow::EcoString;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The content.
    pub data: Data,
    /// The tag, explicit or resolved.
    pub tag: Tag,
    /// How it was, or is to be, written.
    pub style: Style,
    /// 1-based line in its file; 0 for a node that was not read from a file.
    pub line: u32,
    /// 1-based column (in characters) in its file; 0 for a node that was not read from a file.
    pub column: u32,
    /// Anchor and comments, which most nodes do not have.
    pub extra: Option<Box<Extra>>,
}

/// The content of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A scalar's text after unescaping and folding.
    Scalar(EcoString),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the file; keys may be of any kind and may repeat.
    Mapping(Vec<(Node, Node)>),
    /// `*name`
    Alias(EcoString),
}

/// Tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are YAML's own")]
pub enum Tag {
    Null,
    Bool,
    Int,
    Float,
    Str,
    Seq,
    Map,
    Binary,
    Timestamp,
    Merge,
    /// No tag at all.
    Untagged,
    /// Any other tag; its text is in [`Extra::tag`].
    Other,
}

/// How a node is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// For scalars: quoting or block form.
    pub scalar: ScalarStyle,
    /// For collections: `[a]`, `{a: b}`.
    pub flow: bool,
    /// Whether the tag was written and is to be written.
    pub tagged: bool,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names are YAML's own")]
pub enum ScalarStyle {
    #[default]
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// What most nodes do not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extra {
    /// `&name`; empty when there is none.
    pub anchor: EcoString,
    /// Comment lines above, with their `#`, as go-yaml v3 assigns them; empty when there are none.
    pub head: EcoString,
    /// The comment at the end of the line.
    pub line: EcoString,
    /// Comment lines below.
    pub foot: EcoString,
    /// The text of a tag that is not one of YAML's own, as go-yaml keeps it: `!local`, `!!set`, or a full URI.
    pub tag: EcoString,
}

/// One document of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The root; `None` for an empty document.
    pub root: Option<Node>,
    /// Comments before the root that belong to the document.
    pub head: EcoString,
    /// Comments after the root that belong to the document.
    pub foot: EcoString,
}

/// `null`, not read from a file.
impl Default for Node {
    fn default() -> Self {
        Self::scalar(Tag::Null, "null")
    }
}

impl Node {
    /// A scalar of the given tag, plain; the emitter quotes it where plain would read back as something else.
    pub fn scalar(tag: Tag, text: impl Into<EcoString>) -> Self {
        Self::new(Data::Scalar(text.into()), tag)
    }

    /// A string.
    pub fn string(text: impl Into<EcoString>) -> Self {
        Self::scalar(Tag::Str, text)
    }

    /// A block sequence.
    pub fn sequence(items: Vec<Node>) -> Self {
        Self::new(Data::Sequence(items), Tag::Seq)
    }

    /// A block mapping.
    pub fn mapping(entries: Vec<(Node, Node)>) -> Self {
        Self::new(Data::Mapping(entries), Tag::Map)
    }

    fn new(data: Data, tag: Tag) -> Self {
        Self { data, tag, style: Style::default(), line: 0, column: 0, extra: None }
    }

    /// The text of the tag, the short form for YAML's own: `!!str`; empty where there is none.
    pub fn tag_text(&self) -> &str {
        match (self.tag, &self.extra) {
            (Tag::Other, Some(extra)) => &extra.tag,
            (tag, _) => tag.as_str(),
        }
    }

    /// The same node with a tag given as text.
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.tag = Tag::parse(tag);
        if self.tag == Tag::Other {
            self.extra.get_or_insert_default().tag = Tag::short(tag);
        }
        self
    }

    /// The text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.data {
            Data::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[(Node, Node)]> {
        match &self.data {
            Data::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of the first entry with this key in a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.data {
            Data::Mapping(entries) => entries.iter_mut().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value),
            _ => None,
        }
    }
}
