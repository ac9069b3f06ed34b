//! Namespaces in files of the tree.

use std::collections::BTreeSet;

use hydrate_base::SourceFile;
use hydrate_source::{Document, Origin, Trust, documents, split};

/// The names of the namespaces in a YAML text; none where it is no YAML.
pub fn namespaces_in(text: &[u8]) -> BTreeSet<String> {
    let origin = Origin { source: String::new(), file: None, line: 0 };
    let all = documents(&SourceFile::new("", text), &origin, Trust::Raw).unwrap_or_default();
    let is_namespace = |document: &Document| document.identity.kind == "Namespace" && document.identity.group().is_empty();
    all.into_iter().filter(is_namespace).map(|document| document.identity.name).collect()
}

/// A YAML text without the documents that are these namespaces; `None` where nothing else is left.
pub fn without_namespaces(text: &[u8], names: &BTreeSet<String>) -> Option<Vec<u8>> {
    if namespaces_in(text).is_disjoint(names) {
        return Some(text.to_vec());
    }
    let whole = String::from_utf8_lossy(text).into_owned();
    let stays = |piece: &&str| !piece.trim().is_empty() && namespaces_in(piece.as_bytes()).is_disjoint(names);
    let pieces: Vec<String> =
        split(&whole).iter().map(|piece| piece.text).filter(stays).map(|piece| format!("{}\n", piece.trim_end())).collect();
    (!pieces.is_empty()).then(|| pieces.join("---\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a # first\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n";

    #[test]
    fn namespaces_are_found_and_left_out() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(namespaces_in(TEXT.as_bytes()), names(&["a", "b"]));
        let left = without_namespaces(TEXT.as_bytes(), &names(&["b"])).unwrap();
        assert_eq!(String::from_utf8(left).unwrap(), "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a # first\n");
        assert_eq!(without_namespaces(TEXT.as_bytes(), &names(&["c"])).unwrap(), TEXT.as_bytes());
        assert_eq!(without_namespaces(TEXT.as_bytes(), &names(&["a", "b"])), None);
        assert!(namespaces_in(b"a: [").is_empty());
    }
}
