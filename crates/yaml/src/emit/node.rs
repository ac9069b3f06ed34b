//! Writing the trees of `yaml::node` as go-yaml v3 encodes a `yaml.Node` (`encode.go`).

use super::plain::plain_type;
use super::{Comments, Dialect, EmitError, Emitter, Properties, Version};
use crate::node::{Data, Document, Extra, Node, ScalarStyle, Tag};

/// Deeper trees are refused: they can't come from go-yaml's own parser.
const MAX_DEPTH: usize = 1_000;

/// Appends one document; an empty one is `null`.
///
/// # Errors
/// For anchors that YAML can't write and for trees deeper than 1,000 levels.
pub fn write_document(document: &Document, dialect: Dialect, out: &mut Vec<u8>) -> Result<(), EmitError> {
    write_documents(std::slice::from_ref(document), dialect, out)
}

/// Appends a stream of documents with `---` between them.
///
/// # Errors
/// As `write_document`.
pub fn write_documents(documents: &[Document], dialect: Dialect, out: &mut Vec<u8>) -> Result<(), EmitError> {
    stream(dialect, out, |emitter| {
        documents.iter().try_for_each(|document| {
            emitter.begin_document(&document.head);
            match &document.root {
                Some(root) => emitter.node(root, 0)?,
                None => emitter.scalar("null", ScalarStyle::Plain, &Properties::NONE, &Comments::NONE)?,
            }
            emitter.end_document(&document.foot);
            Ok(())
        })
    })
}

/// Appends a node as a document of its own.
///
/// # Errors
/// As `write_document`.
pub fn write_node(node: &Node, dialect: Dialect, out: &mut Vec<u8>) -> Result<(), EmitError> {
    stream(dialect, out, |emitter| {
        emitter.begin_document("");
        emitter.node(node, 0)?;
        emitter.end_document("");
        Ok(())
    })
}

/// Runs an emitter over `out`, which is as before when that fails.
fn stream<'c>(dialect: Dialect, out: &mut Vec<u8>, write: impl FnOnce(&mut Emitter<'c>) -> Result<(), EmitError>) -> Result<(), EmitError> {
    let before = out.len();
    let mut emitter = Emitter::new(dialect, std::mem::take(out));
    let result = write(&mut emitter);
    *out = emitter.finish();
    if result.is_err() {
        out.truncate(before);
    }
    result
}

impl<'c> Emitter<'c> {
    /// Writes a node with all its comments.
    fn node(&mut self, node: &'c Node, depth: usize) -> Result<(), EmitError> {
        self.node_after(node, "", true, depth)
    }

    /// Writes a node; `tail` is the foot comment of the key before it, and of a key its own is written later.
    fn node_after(&mut self, node: &'c Node, tail: &'c str, with_foot: bool, depth: usize) -> Result<(), EmitError> {
        if depth > MAX_DEPTH {
            return Err(EmitError(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        let extra = node.extra.as_deref();
        match &node.data {
            Data::Scalar(text) => self.scalar_node(node, text, tail, with_foot),
            Data::Alias(name) => self.alias(name, &comments(extra, "", with_foot)),
            Data::Sequence(items) => {
                let properties = collection_properties(node, Tag::Seq);
                self.begin_sequence(items.is_empty(), node.style.flow, &properties, &before(extra, ""))?;
                items.iter().try_for_each(|item| self.node(item, depth + 1))?;
                self.end_sequence(&behind(extra, "", with_foot));
                Ok(())
            }
            Data::Mapping(entries) => self.mapping_node(node, entries, tail, with_foot, depth),
        }
    }

    fn mapping_node(
        &mut self,
        node: &'c Node,
        entries: &'c [(Node, Node)],
        tail: &'c str,
        with_foot: bool,
        depth: usize,
    ) -> Result<(), EmitError> {
        let extra = node.extra.as_deref();
        let properties = collection_properties(node, Tag::Map);
        self.begin_mapping(entries.is_empty(), node.style.flow, &properties, &before(extra, tail))?;
        // The foot of a key belongs below its whole value, that is before the next key or at the end of the mapping.
        let mut tail = "";
        for (key, value) in entries {
            self.node_after(key, tail, false, depth + 1)?;
            tail = key.extra.as_deref().map_or("", |extra| extra.foot.as_str());
            self.node(value, depth + 1)?;
        }
        self.end_mapping(&behind(extra, tail, with_foot));
        Ok(())
    }

    fn scalar_node(&mut self, node: &'c Node, text: &'c str, tail: &'c str, with_foot: bool) -> Result<(), EmitError> {
        let extra = node.extra.as_deref();
        let (tag, force_quotes) = scalar_tag(node, text);
        let style = match node.style.scalar {
            ScalarStyle::Plain if memchr::memchr(b'\n', text.as_bytes()).is_some() => ScalarStyle::Literal,
            ScalarStyle::Plain if force_quotes => ScalarStyle::DoubleQuoted,
            style => style,
        };
        let properties = Properties { anchor: anchor(extra), tag };
        self.scalar(text, style, &properties, &comments(extra, tail, with_foot))
    }
}

fn anchor(extra: Option<&Extra>) -> &str {
    extra.map_or("", |extra| &extra.anchor)
}

/// The comments of a scalar or an alias.
fn comments<'c>(extra: Option<&'c Extra>, tail: &'c str, with_foot: bool) -> Comments<'c> {
    match extra {
        None => Comments { tail, ..Comments::NONE },
        Some(extra) => Comments { head: &extra.head, line: &extra.line, foot: if with_foot { &extra.foot } else { "" }, tail },
    }
}

/// The comments at the beginning of a collection.
fn before<'c>(extra: Option<&'c Extra>, tail: &'c str) -> Comments<'c> {
    Comments { head: extra.map_or("", |extra| &extra.head), tail, ..Comments::NONE }
}

/// The comments at the end of a collection.
fn behind<'c>(extra: Option<&'c Extra>, tail: &'c str, with_foot: bool) -> Comments<'c> {
    match extra {
        None => Comments { tail, ..Comments::NONE },
        Some(extra) => Comments { line: &extra.line, foot: if with_foot { &extra.foot } else { "" }, tail, ..Comments::NONE },
    }
}

fn collection_properties(node: &Node, natural: Tag) -> Properties<'_> {
    let tag = if node.tag == natural && !node.style.tagged { "" } else { node.tag_text() };
    Properties { anchor: anchor(node.extra.as_deref()), tag }
}

/// The tag to write, and whether the text needs quotes because plain it would be read as another type.
fn scalar_tag<'n>(node: &'n Node, text: &str) -> (&'n str, bool) {
    if node.style.tagged {
        return (node.tag_text(), false);
    }
    if node.tag == Tag::Str && node.style.scalar != ScalarStyle::Plain {
        return ("", false);
    }
    let plain = Tag::from(plain_type(text, Version::V3));
    if plain == node.tag {
        ("", false)
    } else if node.tag == Tag::Str {
        ("", true)
    } else {
        (node.tag_text(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Node {
        (0..levels).fold(Node::string("x"), |inner, _| Node::sequence(vec![inner]))
    }

    #[test]
    fn too_deep_is_an_error_and_leaves_nothing_behind() {
        let mut out = b"before".to_vec();
        write_node(&nested(MAX_DEPTH), Dialect::KUSTOMIZE, &mut out).unwrap();
        out.truncate(6);
        let error = write_node(&nested(MAX_DEPTH + 1), Dialect::KUSTOMIZE, &mut out).unwrap_err();
        assert_eq!(error.to_string(), "yaml: exceeded max depth of 1000");
        assert_eq!(out, b"before");
    }

    #[test]
    fn an_anchor_that_yaml_lacks_is_an_error() {
        let mut node = Node::string("x");
        node.extra = Some(Box::new(Extra { anchor: "a b".into(), ..Extra::default() }));
        let error = write_node(&node, Dialect::V3, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "yaml: anchor value must contain alphanumerical characters only");
    }
}
