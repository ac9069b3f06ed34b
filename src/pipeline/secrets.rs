//! Objects that hold references to secrets where a secret should be: they are not written, unless something in the
//! cluster resolves them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use memchr::memmem;

use crate::check::value::path;
use hydrate_base::Diagnostic;
use hydrate_helmfile::references;
use hydrate_source::Document;
use hydrate_yaml::node::Node;

/// The shortest reference, encoded: what is shorter holds none.
const SHORTEST: usize = 14;

/// How many places of an object an error lists.
const SHOWN: usize = 5;

/// What is wrong with objects that hold references to secrets, encoded or not: an error for each.
pub(super) fn refuse(documents: &[Document]) -> Vec<Box<Diagnostic>> {
    documents.iter().filter_map(refused).collect()
}

fn refused(document: &Document) -> Option<Box<Diagnostic>> {
    if document.identity.kind != "Secret" && !may_hold(&document.text) {
        return None;
    }
    let root = hydrate_yaml::compose(document.text.as_bytes()).ok()?.into_iter().next()?.root?;
    let mut found = Vec::new();
    collect(&root, &mut found);
    let (_, first, _) = found.first()?;
    let mut error = Diagnostic::error(format!("{} holds a reference to a secret, not the secret: {}", document.identity, named(first)))
        .note(format!("it comes from {}", document.origin));
    for (node, reference, is_encoded) in found.iter().take(SHOWN) {
        let mut place = path(&root, node).unwrap_or_default();
        if place.is_empty() {
            "the object".clone_into(&mut place);
        }
        let mut note = format!("{place} holds {}", named(reference));
        if *is_encoded {
            note.push_str(", in base64");
        }
        error = error.note(note);
    }
    if found.len() > SHOWN {
        error = error.note(format!("and {} more", found.len() - SHOWN));
    }
    Some(
        error
            .help("where something in the cluster resolves such references: `secrets: placeholder` in hydrate.yaml writes them as they are")
            .help("else have the secret made in the cluster (an ExternalSecret, a Secret that Flux decrypts with SOPS), and let the chart refer to it")
            .help("`hydrate helmfile template --resolve-secrets` renders with the secrets themselves, for what is not committed"),
    )
}

/// A secret by its name; a reference that holds the secret itself is shown without.
pub(super) fn named(name: &str) -> String {
    match name.find("ref+echo://") {
        Some(at) => format!("{}ref+echo://…", &name[..at]),
        None => name.to_owned(),
    }
}

/// Whether a text holds a reference as it is, encoded or not.
pub(super) fn holds_reference(text: &str) -> bool {
    let packed = || text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>();
    !references(text).is_empty() || decoded(&packed()).is_some()
}

/// What stands in each text that holds a reference: the mark, and what is always there of it in base 64, after any number of bytes.
const MARKS: [&str; 4] = ["ref+", "cmVmK", "JlZi", "yZWYr"];

/// Whether a text may hold a reference, at a glance.
fn may_hold(text: &str) -> bool {
    MARKS.iter().any(|mark| memmem::find(text.as_bytes(), mark.as_bytes()).is_some())
}

fn collect<'n>(node: &'n Node, found: &mut Vec<(&'n Node, String, bool)>) {
    for (key, value) in node.entries().unwrap_or_default() {
        collect(key, found);
        collect(value, found);
    }
    for item in node.items().unwrap_or_default() {
        collect(item, found);
    }
    let Some(text) = node.as_str() else { return };
    if let Some(reference) = references(text).first() {
        found.push((node, (*reference).to_owned(), false));
        return;
    }
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if let Some(reference) = decoded(&packed) {
        found.push((node, reference, true));
    }
}

/// The reference in a text that is encoded.
fn decoded(text: &[u8]) -> Option<String> {
    // Most words are none: four characters and the right length come before decoding.
    if text.len() < SHORTEST || !text.len().is_multiple_of(4) {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
    Some((*references(&text).first()?).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leaves_its_mark_in_base64_wherever_it_stands() {
        for before in ["", "a", "ab", "abc", "\u{fc}", "\0\u{7f}"] {
            let text = format!("{before}ref+vault://a#/b");
            assert!(may_hold(&text) && may_hold(&BASE64.encode(&text)), "{text}");
            assert_eq!(
                decoded(BASE64.encode(&text).as_bytes()).as_deref(),
                Some("ref+vault://a#/b").filter(|_| BASE64.encode(&text).len() % 4 == 0)
            );
        }
        assert!(!may_hold("kind: ConfigMap\ndata: {reference: a+b, other: cmVmZXJlbmNl}\n"));
    }
}
