//! YAML trees with diagnostics: the one place where the YAML room's errors become the user's.

use std::sync::Arc;

use crate::base::{Diagnostic, Result, SourceFile};
use crate::yaml::emit::write_node;
use crate::yaml::node::{Node, Tag};
use crate::yaml::{Error, compose, emit};

/// The tree of one document, `text`, that starts at byte `start` of a file; `None` when it is empty. Lines in the
/// tree are counted from `start`.
pub fn document(file: &Arc<SourceFile>, start: usize, text: &str) -> Result<Option<Node>> {
    Ok(stream(file, start, text)?.into_iter().next().filter(|node| node.tag != Tag::Null))
}

/// The trees of all documents of a text that starts at byte `start` of a file.
pub fn stream(file: &Arc<SourceFile>, start: usize, text: &str) -> Result<Vec<Node>> {
    let documents = compose::compose(text.as_bytes()).map_err(|error| invalid(file, start, &error))?;
    Ok(documents.into_iter().filter_map(|document| document.root).collect())
}

/// What is wrong with a text that is no YAML, where the reader noticed.
fn invalid(file: &Arc<SourceFile>, start: usize, error: &Error) -> Box<Diagnostic> {
    let at = shown_offset(&file.text, start + error.mark.offset as usize);
    let end = file.text.get(at..).map_or(at, |rest| at + rest.iter().take(1).filter(|byte| **byte != b'\n').count());
    let said = error.message.strip_prefix("line ").and_then(|rest| rest.split_once(": ")).map_or(error.message.as_str(), |(_, said)| said);
    let mut diagnostic = Diagnostic::error(format!("{} is not valid YAML", file.name)).at(file, at..end, said);
    let around = file.text.get(..at).and_then(|before| before.rsplit(|byte| *byte == b'\n').next()).unwrap_or_default();
    if around.contains(&b'\t') || file.text.get(at) == Some(&b'\t') {
        diagnostic = diagnostic.help("YAML is indented with spaces; there is a tab here");
    }
    diagnostic
}

/// At the end of the text there is nothing to point at, so the last character that is there is shown.
fn shown_offset(text: &[u8], at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    let rest = text.get(at..).unwrap_or_default();
    if rest.trim_ascii().is_empty() { before.trim_ascii_end().len().saturating_sub(1) } else { at }
}

/// The text of a tree.
pub fn emit(tree: &Node) -> Result<String> {
    let mut text = Vec::new();
    write_node(tree, emit::Dialect::KUSTOMIZE, &mut text).map_err(|error| Diagnostic::error(format!("cannot write YAML: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
