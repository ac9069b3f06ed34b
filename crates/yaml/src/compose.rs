//! Events to [`Node`]s, as `yaml.v3` decodes into `yaml.Node`: styles, tags, anchors, positions and comments.

use std::collections::BTreeSet;

use ecow::EcoString;

use super::Dialect;
use super::input::Input;
use super::node::{Data, Document, Extra, Node, ScalarStyle, Style, Tag};
use super::parse::{Comments, Event, EventKind, Parser, Properties};
use super::resolve;
use super::scan::{Error, MAX_DEPTH, Mark};

/// Composes all documents of a stream.
///
/// A document without content has a root all the same: a null without text. Fails with go-yaml v3's words, also
/// where documents before the one in error could be read; take [`Composer`] to get those.
pub fn compose(bytes: &[u8]) -> Result<Vec<Document>, Error> {
    let input = Input::new(bytes);
    Composer::new(&input).collect()
}

/// Composes one document after the other.
#[derive(Debug)]
pub struct Composer<'a> {
    parser: Parser<'a>,
    /// Anchors seen so far; an alias may reach into an earlier document.
    anchors: BTreeSet<&'a str>,
    /// Finished nodes of open sequences, and finished entries of open mappings; every collection takes its own from
    /// the end when it closes, so it is allocated once and in its final size.
    items: Vec<Node>,
    entries: Vec<(Node, Node)>,
    open: Vec<Open>,
}

/// A collection whose end was not seen yet.
#[derive(Debug)]
struct Open {
    node: Node,
    /// How many items or entries there were before its own.
    base: usize,
    mapping: bool,
    /// The key that waits for its value.
    key: Option<Node>,
}

impl Iterator for Composer<'_> {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.document().transpose()
    }
}

impl<'a> Composer<'a> {
    /// A composer of the documents of an input.
    pub fn new(input: &'a Input<'_>) -> Self {
        Self { parser: Parser::new(input, Dialect::V3), anchors: BTreeSet::new(), items: Vec::new(), entries: Vec::new(), open: Vec::new() }
    }

    fn document(&mut self) -> Result<Option<Document>, Error> {
        let mut document = Document { root: None, head: EcoString::new(), foot: EcoString::new() };
        while let Some(event) = self.parser.next() {
            let Event { kind, start, comments, .. } = event?;
            let node = match kind {
                EventKind::StreamStart => continue,
                EventKind::StreamEnd => return Ok(None),
                EventKind::DocumentStart { .. } => {
                    document.head = comments.map(|comments| comments.head.into()).unwrap_or_default();
                    continue;
                }
                EventKind::DocumentEnd { .. } => {
                    document.foot = comments.map(|comments| comments.foot.into()).unwrap_or_default();
                    return Ok(Some(document));
                }
                EventKind::Alias(name) => self.alias(name, start)?,
                EventKind::Scalar { value, style, properties, .. } => self.scalar(&value, style, properties, start),
                EventKind::SequenceStart { flow, properties } => {
                    let node = self.collection(Data::Sequence(Vec::new()), Tag::Seq, flow, properties, start);
                    self.begin(node, comments, false)?;
                    continue;
                }
                EventKind::MappingStart { flow, properties } => {
                    let node = self.collection(Data::Mapping(Vec::new()), Tag::Map, flow, properties, start);
                    self.begin(node, comments, true)?;
                    continue;
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => {
                    if let Some(node) = self.end(comments) {
                        self.add(node, &mut document);
                    }
                    continue;
                }
            };
            self.add(with_comments(node, comments), &mut document);
        }
        Ok(None)
    }

    // ---- nodes

    fn alias(&mut self, name: &'a str, start: Mark) -> Result<Node, Error> {
        if !self.anchors.contains(name) {
            return Err(Error { message: format!("unknown anchor '{name}' referenced"), mark: start });
        }
        Ok(at(Node::scalar(Tag::Untagged, ""), start).with(Data::Alias(name.into())))
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, properties: Properties<'a>, start: Mark) -> Node {
        let explicit = properties.tag.as_deref().filter(|tag| *tag != "!");
        let tag = match explicit {
            Some(_) => Tag::Untagged,
            None if style != ScalarStyle::Plain => Tag::Str,
            None if value == "<<" => Tag::Merge,
            None => resolve::plain(value, Dialect::V3).tag(),
        };
        let style = Style { scalar: style, flow: false, tagged: explicit.is_some() };
        let node = at(Node { style, ..Node::scalar(tag, value) }, start);
        self.with_properties(node, &properties)
    }

    fn collection(&mut self, data: Data, tag: Tag, flow: bool, properties: Properties<'a>, start: Mark) -> Node {
        let explicit = properties.tag.as_deref().filter(|tag| *tag != "!");
        let style = Style { scalar: ScalarStyle::Plain, flow, tagged: explicit.is_some() };
        let node = at(Node { style, ..Node::scalar(tag, "") }, start).with(data);
        self.with_properties(node, &properties)
    }

    fn with_properties(&mut self, mut node: Node, properties: &Properties<'a>) -> Node {
        if let Some(tag) = properties.tag.as_deref().filter(|tag| *tag != "!") {
            node = node.with_tag(tag);
        }
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor);
            node.extra.get_or_insert_default().anchor = anchor.into();
        }
        node
    }

    // ---- collections

    fn begin(&mut self, node: Node, comments: Option<Box<Comments>>, mapping: bool) -> Result<(), Error> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Error { message: format!("exceeded max depth of {MAX_DEPTH}"), mark: Mark::default() });
        }
        let base = if mapping { self.entries.len() } else { self.items.len() };
        self.open.push(Open { node: with_comments(node, comments), base, mapping, key: None });
        Ok(())
    }

    /// Closes the innermost collection; line and foot comment are those of its end.
    fn end(&mut self, comments: Option<Box<Comments>>) -> Option<Node> {
        let Open { mut node, base, mapping, .. } = self.open.pop()?;
        let (line, mut foot) = comments.map(|comments| (comments.line, comments.foot)).unwrap_or_default();
        if mapping {
            if !node.style.flow
                && !foot.is_empty()
                && let Some((key, _)) = self.entries.get_mut(base..).and_then(<[_]>::last_mut)
            {
                key.extra.get_or_insert_default().foot = std::mem::take(&mut foot).into();
            }
            node.data = Data::Mapping(self.entries.split_off(base));
        } else {
            node.data = Data::Sequence(self.items.split_off(base));
        }
        if node.extra.is_some() || !line.is_empty() || !foot.is_empty() {
            let extra = node.extra.get_or_insert_default();
            extra.line = line.into();
            extra.foot = foot.into();
            if **extra == Extra::default() {
                node.extra = None;
            }
        }
        Some(node)
    }

    /// Gives a finished node to the collection it is in.
    fn add(&mut self, mut node: Node, document: &mut Document) {
        let Some(open) = self.open.last_mut() else {
            document.root = Some(node);
            return;
        };
        if !open.mapping {
            self.items.push(node);
            return;
        }
        match open.key.take() {
            None => {
                // The foot of a key that is dedented from what stands before it belongs to the entry before.
                if !open.node.style.flow
                    && has_foot(&node)
                    && let Some((previous, _)) = self.entries.get_mut(open.base..).and_then(<[_]>::last_mut)
                {
                    move_foot(&mut node, previous);
                }
                open.key = Some(node);
            }
            Some(mut key) => {
                if !has_foot(&key) && has_foot(&node) {
                    move_foot(&mut node, &mut key);
                }
                self.entries.push((key, node));
            }
        }
    }
}

impl Node {
    fn with(self, data: Data) -> Self {
        Self { data, ..self }
    }
}

fn at(node: Node, start: Mark) -> Node {
    Node { line: start.line + 1, column: start.column + 1, ..node }
}

fn with_comments(mut node: Node, comments: Option<Box<Comments>>) -> Node {
    if let Some(comments) = comments {
        let extra = node.extra.get_or_insert_default();
        extra.head = comments.head.into();
        extra.line = comments.line.into();
        extra.foot = comments.foot.into();
    }
    node
}

fn has_foot(node: &Node) -> bool {
    node.extra.as_ref().is_some_and(|extra| !extra.foot.is_empty())
}

fn move_foot(from: &mut Node, to: &mut Node) {
    let Some(extra) = &mut from.extra else {
        return;
    };
    to.extra.get_or_insert_default().foot = std::mem::take(&mut extra.foot);
    if **extra == Extra::default() {
        from.extra = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_placed_as_go_yaml_does() {
        let documents = compose(b"# document\n\n# head\na: 1 # line\n# foot\n\nb:\n  # inner\n  - x\n").expect("it is valid");
        let [document] = documents.as_slice() else { panic!("one document") };
        assert_eq!(document.head, "# document");
        let root = document.root.as_ref().expect("there is a root");
        let (key, value) = &root.entries().expect("a mapping")[0];
        let extra = key.extra.as_ref().expect("comments");
        assert_eq!((extra.head.as_str(), extra.foot.as_str()), ("# head", "# foot"));
        assert_eq!(value.extra.as_ref().expect("comments").line, "# line");
        let item = &root.get("b").and_then(Node::items).expect("a sequence")[0];
        assert_eq!(item.extra.as_ref().expect("comments").head, "# inner");
        assert_eq!((item.line, item.column), (9, 5));
    }

    #[test]
    fn tags_styles_and_anchors_are_kept() {
        let documents = compose(b"- &a !!str 1\n- 'x'\n- {a: *a}\n- !local [y]\n- 0x1F\n- <<\n").expect("it is valid");
        let items = documents[0].root.as_ref().and_then(Node::items).expect("a sequence");
        assert_eq!(items[0].tag, Tag::Str);
        assert!(items[0].style.tagged);
        assert_eq!(items[0].extra.as_ref().expect("an anchor").anchor, "a");
        assert_eq!(items[1].style.scalar, ScalarStyle::SingleQuoted);
        assert_eq!(items[2].get("a").expect("a value").data, Data::Alias("a".into()));
        assert_eq!(items[3].tag_text(), "!local");
        assert_eq!((&items[4].tag, &items[5].tag), (&Tag::Int, &Tag::Merge));
    }

    #[test]
    fn streams() {
        assert_eq!(compose(b"").map(|documents| documents.len()), Ok(0));
        assert_eq!(compose(b"---\n---\na\n").map(|documents| documents.len()), Ok(2));
        assert_eq!(compose(b"a: *b").map_err(|error| error.to_string()), Err("yaml: unknown anchor 'b' referenced".to_owned()));
    }

    #[test]
    fn a_node_stays_small() {
        assert!(size_of::<Node>() <= 80, "{}", size_of::<Node>());
    }
}
