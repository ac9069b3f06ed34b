//! `references:` of hydrate.yaml and environments: what kinds refer to that hydrate does not know.

use crate::check::references::Row;
use hydrate_base::{Diagnostic, Result};
use hydrate_yaml::node::Node;

use super::parse::{Parsed, Spanned};

/// Reads the rows.
pub(super) fn read(file: &Parsed, root: &Node) -> Result<Vec<Row>, Vec<Box<Diagnostic>>> {
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    for node in root.get("references").and_then(Node::items).unwrap_or_default() {
        match row(file, node) {
            Ok(row) => rows.push(row),
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(rows) } else { Err(wrong) }
}

fn row(file: &Parsed, node: &Node) -> Result<Row> {
    let text = |key| file.text(node, key).unwrap_or_else(|| Spanned::convention(""));
    let kind = |key| {
        let text = text(key);
        Row::kind(&text.text).ok_or_else(|| {
            text.error(format!("`{}` is no kind", text.text), "")
                .help("write Kind.group, or Kind for what is in the core group: Widget.example.org, Secret")
        })
    };
    let keys = |text: Spanned| {
        Row::keys(&text.text).ok_or_else(|| {
            text.error(format!("`{}` is no path of keys", text.text), "")
                .help("write it as spec.tls.secretName; lists on the way are gone through")
        })
    };
    let namespace = file.text(node, "namespace").map(keys).transpose()?.unwrap_or_default();
    Ok(Row { from: kind("from")?, path: keys(text("path"))?, to: kind("to")?, namespace })
}
