//! Reading a configuration file: text, positions, shape.

use std::io;
use std::path::Path;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Label, Result, SourceFile, World};
use hydrate_source::{Data, compose};
use hydrate_yaml::node::{Node, Tag};

use super::shape::{Shape, boolean, check, span};

/// A text with the place it was written at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned {
    /// The text.
    pub text: String,
    /// Where it was written; nowhere when it comes from a convention.
    pub label: Option<Label>,
}

/// A configuration file that has the shape it must have.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Its content; an empty mapping for an empty file.
    pub root: Node,
}

/// Reads and checks a configuration file; `None` when it does not exist. `name` is the path shown to users.
pub fn read(world: &dyn World, path: &Path, name: &str, shape: &Shape) -> Result<Option<Parsed>, Vec<Box<Diagnostic>>> {
    let text = match world.read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(vec![Diagnostic::error(format!("cannot read {name}: {error}"))]),
    };
    let file = SourceFile::new(name, text);
    let root = parse(&file).map_err(|error| vec![error])?;
    let wrong = check(&file, &root, shape);
    if wrong.is_empty() { Ok(Some(Parsed { file, root })) } else { Err(wrong) }
}

/// The one document of a YAML file, aliases and merge keys resolved.
pub fn parse(file: &Arc<SourceFile>) -> Result<Node> {
    let text = file.utf8()?;
    let mut documents = compose::stream(file, 0, text)?;
    if documents.len() > 1 {
        return Err(Diagnostic::error(format!("{} holds more than one YAML document", file.name))
            .help("keep one document; remove the line `---` between them"));
    }
    let root = documents.pop().unwrap_or_else(|| Node::mapping(Vec::new()));
    let root = if root.tag == Tag::Null { Node::mapping(Vec::new()) } else { root };
    compose::expand(root).map_err(|message| Diagnostic::error(message).at(file, 0..0, ""))
}

impl Parsed {
    /// The text at a key.
    pub fn text(&self, node: &Node, key: &str) -> Option<Spanned> {
        node.get(key).and_then(|value| self.spanned(value))
    }

    /// The texts of the list at a key; `None` when the key is not there.
    pub fn texts(&self, node: &Node, key: &str) -> Option<Vec<Spanned>> {
        let items = node.get(key)?.items()?;
        Some(items.iter().filter_map(|item| self.spanned(item)).collect())
    }

    /// The boolean at a key; `None` when the key is not there.
    pub fn flag(&self, node: &Node, key: &str) -> Option<bool> {
        node.get(key).and_then(boolean)
    }

    /// The data at a key; null when the key is not there.
    pub fn data(&self, node: &Node, key: &str) -> Data {
        node.get(key).map(Data::from_node).unwrap_or_default()
    }

    /// The text of a scalar with its place; `None` for `null` and collections.
    pub fn spanned(&self, node: &Node) -> Option<Spanned> {
        let text = node.as_str().filter(|_| node.tag != Tag::Null)?.to_owned();
        Some(Spanned { text, label: Some(self.label(node)) })
    }

    /// Where a node was written.
    pub fn label(&self, node: &Node) -> Label {
        Label { file: Arc::clone(&self.file), span: span(&self.file, node), text: String::new() }
    }
}

impl Spanned {
    /// A text that no file says: it comes from a convention.
    pub fn convention(text: impl Into<String>) -> Self {
        Self { text: text.into(), label: None }
    }

    /// An error about this text.
    pub fn error(&self, message: impl Into<String>, remark: impl Into<String>) -> Box<Diagnostic> {
        let error = Diagnostic::error(message);
        match &self.label {
            Some(label) => error.at(&label.file, label.span.clone(), remark),
            None => error,
        }
    }
}
