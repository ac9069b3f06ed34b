//! Documents: what sources give. Their text stays as it was written; what is known of them is who they are.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use hydrate_base::{Diagnostic, Result, SourceFile, place};
use hydrate_yaml::node::Node;

use super::identity;

/// One object as text, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The YAML text: no `---`, no blank lines at either end, one line break at the end.
    pub text: String,
    /// Who the object is.
    pub identity: Identity,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a document came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The source: `helm chart components/loki/chart`, `kustomization …`, `template …`, `file …`.
    pub source: String,
    /// The file or template that gave it, where one did.
    pub file: Option<String>,
    /// The 1-based line in it; 0 where that is not known.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        match (&self.file, self.line) {
            (None, _) => Ok(()),
            (Some(file), 0) => write!(f, " ({file})"),
            (Some(file), line) => write!(f, " ({file}:{line})"),
        }
    }
}

/// Who an object is in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Identity {
    /// API group and version: `apps/v1`, `v1`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// `metadata.namespace`; empty where the document does not say.
    pub namespace: String,
    /// `metadata.name`, or `metadata.generateName`.
    pub name: String,
}

impl Identity {
    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)?;
        if self.group().is_empty() { Ok(()) } else { write!(f, " ({})", self.group()) }
    }
}

/// Whether the text of a stream still has to be shown to be YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A YAML library of the engine that gave it has read or written it.
    Parsed,
    /// Nobody has parsed it yet.
    Raw,
}

/// Makes documents of one YAML text of a source. Documents with nothing but comments are left out; a `List` becomes
/// its items. `origin` tells where the text came from; lines are counted from its own.
pub fn documents(file: &Arc<SourceFile>, origin: &Origin, trust: Trust) -> Result<Vec<Document>> {
    let text = file.utf8()?;
    let mut all = Vec::new();
    let (mut line, mut counted) = (origin.line.max(1), 0);
    for piece in split(text) {
        line += memchr::memchr_iter(b'\n', text.as_bytes().get(counted..piece.start).unwrap_or_default()).count();
        counted = piece.start;
        if has_content(piece.text) {
            let origin = Origin { line, ..origin.clone() };
            add(file, &piece, origin, trust, &mut all)?;
        }
    }
    Ok(all)
}

/// A document of a stream: its text, and where that starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The text between the markers.
    pub text: &'a str,
    /// The byte at which it starts.
    pub start: usize,
}

/// Splits a stream at its `---` lines. A marker can only stand at the beginning of a line, even inside block
/// scalars, so lines are all that has to be looked at; `...` ends a document too.
pub fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])) {
            pieces.push(Piece { text: &text[start..at], start });
            let content = rest.trim_start_matches([' ', '\t']);
            let skipped = if content.trim_end().is_empty() || content.starts_with('#') { line.len() } else { line.len() - content.len() };
            start = at + skipped;
        } else if line.strip_prefix("...").is_some_and(|rest| rest.trim().is_empty()) {
            pieces.push(Piece { text: &text[start..at], start });
            start = at + line.len();
        }
        at += line.len();
    }
    pieces.push(Piece { text: &text[start..], start });
    pieces
}

/// Whether there is anything but blank lines, comments and directives.
pub(crate) fn has_content(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| !line.is_empty() && !line.starts_with(['#', '%']))
}

/// The text without blank lines at either end and with one line break at the end.
pub(crate) fn tidy(text: &str) -> String {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        if !line.trim().is_empty() {
            break;
        }
        rest = after;
    }
    let mut tidy = rest.trim_end().to_owned();
    tidy.push('\n');
    tidy
}

fn add(file: &Arc<SourceFile>, piece: &Piece<'_>, origin: Origin, trust: Trust, all: &mut Vec<Document>) -> Result<()> {
    let quick = if trust == Trust::Parsed { identity::quick(piece.text) } else { None };
    let identity = match quick {
        Some(identity) => identity,
        None => {
            let Some(root) = compose(file, piece)? else { return Ok(()) };
            let root = super::compose::resolve(root).map_err(|message| wrong(file, piece, None, message))?;
            match identity::list_items(&root) {
                Ok(Some(items)) => return add_items(file, piece, &origin, items, all),
                Ok(None) => identity::of(&root).map_err(|missing| not_an_object(file, piece, None, &missing))?,
                Err((node, message)) => return Err(not_an_object(file, piece, Some(node), &message)),
            }
        }
    };
    all.push(Document { text: tidy(piece.text), identity, origin });
    Ok(())
}

/// The items of a `List` are objects of their own; their text is written anew.
fn add_items(file: &Arc<SourceFile>, piece: &Piece<'_>, origin: &Origin, items: Vec<Node>, all: &mut Vec<Document>) -> Result<()> {
    for item in items {
        let identity = identity::of(&item).map_err(|missing| not_an_object(file, piece, Some(&item), &missing))?;
        let origin = Origin { line: origin.line + (item.line as usize).saturating_sub(1), ..origin.clone() };
        all.push(Document { text: super::compose::emit(&item)?, identity, origin });
    }
    Ok(())
}

fn compose(file: &Arc<SourceFile>, piece: &Piece<'_>) -> Result<Option<Node>> {
    super::compose::document(file, piece.start, piece.text)
}

fn not_an_object(file: &Arc<SourceFile>, piece: &Piece<'_>, node: Option<&Node>, missing: &str) -> Box<Diagnostic> {
    let what = if node.is_some() { "an item of a list in" } else { "a document of" };
    wrong(file, piece, node, format!("{what} {} is not a Kubernetes object: {missing}", file.name))
        .help("every document needs apiVersion, kind and metadata.name")
}

/// An error at a node of a document, or else at its first line.
fn wrong(file: &Arc<SourceFile>, piece: &Piece<'_>, node: Option<&Node>, message: String) -> Box<Diagnostic> {
    let first = match node.filter(|node| node.line > 0) {
        Some(node) => place::byte_at(piece.text.as_bytes(), node.line, node.column),
        None => piece.text.find(|c: char| !c.is_whitespace()).unwrap_or(0),
    };
    let line = piece.text.get(first..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let start = piece.start + first;
    Diagnostic::error(message).at(file, start..start + line.len(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(stream: &str) -> Vec<String> {
        split(stream).iter().filter(|piece| has_content(piece.text)).map(|piece| tidy(piece.text)).collect()
    }

    #[test]
    fn streams_split_at_markers_only() {
        assert_eq!(texts("a: 1\n---\nb: |\n  ---\n  x\n--- # c\nc: 3\n---\n# nothing\n...\n"), ["a: 1\n", "b: |\n  ---\n  x\n", "c: 3\n"]);
        assert_eq!(texts("\u{feff}---\n\n\na: 1\n\n\n--- {b: 2}\n---x: 1\n"), ["a: 1\n", "{b: 2}\n---x: 1\n"]);
        assert_eq!(texts(""), Vec::<String>::new());
    }

    #[test]
    fn documents_know_who_they_are_and_where_they_come_from() {
        let text = "# head\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n";
        let file = SourceFile::new("raw/a.yaml", text.as_bytes());
        let origin = Origin { source: "file raw/a.yaml".to_owned(), file: Some("raw/a.yaml".to_owned()), line: 1 };
        let all = documents(&file, &origin, Trust::Raw).unwrap();
        let shown: Vec<String> = all.iter().map(|document| format!("{} from {}", document.identity, document.origin)).collect();
        assert_eq!(shown, ["Service a from file raw/a.yaml (raw/a.yaml:3)", "Pod b from file raw/a.yaml (raw/a.yaml:11)"]);
    }
}
