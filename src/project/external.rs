//! `external:` of components and environments: what exists although nothing here renders it.

use crate::check::External;
use hydrate_base::{Diagnostic, Result};
use hydrate_yaml::node::Node;

use super::parse::Parsed;

/// Reads the entries; `home` is the namespace that the short form `Kind/name` means too.
pub fn read(file: &Parsed, root: &Node, home: Option<&str>) -> Result<Vec<External>, Vec<Box<Diagnostic>>> {
    let mut entries = Vec::new();
    let mut wrong = Vec::new();
    for entry in file.texts(root, "external").unwrap_or_default() {
        match External::parse(&entry.text, home) {
            Some(external) => entries.push(external),
            None => wrong.push(
                entry
                    .error(format!("`external` cannot be `{}`", entry.text), "")
                    .help("write Kind/namespace/name, or Kind/name for what has no namespace; `*` stands for any characters"),
            ),
        }
    }
    if wrong.is_empty() { Ok(entries) } else { Err(wrong) }
}
