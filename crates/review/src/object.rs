//! Files to objects: each document of a file, who it is, and where it stands.

use std::sync::Arc;

use rayon::prelude::*;

use hydrate_base::SourceFile;
use hydrate_source::{Document, Identity, Origin, Trust, compose, documents};
use hydrate_yaml::node::Node;

use crate::mask::Mask;
use crate::value::text;

/// A document of a file, not parsed yet.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) component: Arc<str>,
    pub(crate) path: Arc<str>,
    pub(crate) document: Document,
}

/// The documents of a file; `None` where it is not made of Kubernetes objects.
pub(crate) fn read(component: &Arc<str>, path: &str, content: &Arc<[u8]>) -> Option<Vec<Found>> {
    if content.is_empty() {
        return Some(Vec::new());
    }
    let path: Arc<str> = path.into();
    let file = Arc::new(SourceFile { name: path.to_string(), text: Arc::clone(content) });
    let origin = Origin { source: String::new(), file: None, line: 1 };
    let all = documents(&file, &origin, Trust::Parsed).ok()?;
    let found = |document| Found { component: Arc::clone(component), path: Arc::clone(&path), document };
    Some(all.into_iter().map(found).collect())
}

/// An object on one side of the comparison. What is secret in it is hidden: nothing behind this point has the values.
#[derive(Debug, Clone)]
pub struct Object {
    /// Who it is.
    pub identity: Identity,
    /// The component that it belongs to.
    pub component: Arc<str>,
    /// The file that it stands in.
    pub path: Arc<str>,
    /// The line that it begins at there; 1-based.
    pub line: u32,
    /// The object. Lines in it are counted from its own first; what could not be parsed is one text.
    pub root: Node,
}

impl Object {
    /// Parses a document and hides what is secret.
    pub(crate) fn new(found: &Found, mask: &Mask) -> Self {
        let Found { component, path, document } = found;
        let mut root = parse(&document.text).unwrap_or_else(|| Node::string(document.text.as_str()));
        mask.hide(&document.identity, &mut root);
        let line = u32::try_from(document.origin.line).unwrap_or_default();
        Self { identity: document.identity.clone(), component: Arc::clone(component), path: Arc::clone(path), line, root }
    }

    /// `Deployment shop/web`
    pub fn title(&self) -> String {
        title(&self.identity)
    }

    /// Kind.
    pub fn kind(&self) -> &str {
        &self.identity.kind
    }

    /// Group and kind.
    pub fn group_kind(&self) -> (&str, &str) {
        (self.identity.group(), &self.identity.kind)
    }

    /// The line of one of its nodes in the file.
    pub fn line_of(&self, node: &Node) -> u32 {
        if node.line == 0 { self.line } else { self.line + node.line - 1 }
    }

    /// The node behind these keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(&self.root, |node, key| node.get(key))
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        text(self.at(&["metadata", "annotations"])?, key)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        text(self.at(&["metadata", "labels"])?, key)
    }
}

/// `Deployment shop/web`, `ClusterRole web`
pub fn title(identity: &Identity) -> String {
    let Identity { kind, namespace, name, .. } = identity;
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}

fn parse(text: &str) -> Option<Node> {
    // Nearly all objects are plain blocks, which can be read in a short way.
    let short = hydrate_yaml::block::read(&hydrate_yaml::Input::new(text.as_bytes()));
    let root = match short {
        Some(root) => root,
        None => hydrate_yaml::compose(text.as_bytes()).ok()?.into_iter().find_map(|document| document.root)?,
    };
    // Aliases are rare; where there can be none, nothing has to be looked for.
    let may_share = memchr::memchr(b'&', text.as_bytes()).is_some() || memchr::memmem::find(text.as_bytes(), b"<<").is_some();
    if may_share { compose::resolve(root).ok() } else { Some(root) }
}

/// The documents of many files, on all threads, and the files that are not made of objects.
pub(crate) fn read_all<'f, F: Sync>(
    files: &'f [F],
    parts: impl Fn(&'f F) -> (&'f Arc<str>, &'f str, &'f Arc<[u8]>) + Sync,
) -> Vec<Option<Vec<Found>>> {
    let one = |file: &'f F| {
        let (component, path, content) = parts(file);
        is_yaml(path).then(|| read(component, path, content)).flatten()
    };
    files.par_iter().map(one).collect()
}

/// Whether a file may hold objects, by its name.
fn is_yaml(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json")) && name != INDEX
}

/// The file that lists what Kubernetes tools should read in a directory.
pub(crate) const INDEX: &str = "kustomization.yaml";
