//! What must not be shown: values of Secrets, and ciphertexts, which say nothing to anybody.
//!
//! They are hidden when an object is parsed: in their place stands the number of the value, the same for equal ones, so that everything behind can tell
//! whether one has changed and nothing can show what it was, nor how long. A value counts as the same whether it is encoded in base64 or not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use ecow::eco_format;

use hydrate_source::Identity;
use hydrate_yaml::node::{Data, Node, Style, Tag};

const HIDDEN: &str = "!hidden";
const ENCRYPTED: &str = "!encrypted";

/// The annotation in which client-side apply remembers all of an object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How a text begins that SOPS has encrypted.
const CIPHERTEXT: &str = "ENC[AES256_GCM,";

/// Numbers of values.
#[derive(Debug, Default)]
pub(crate) struct Mask {
    known: Mutex<BTreeMap<Vec<u8>, usize>>,
}

impl Mask {
    /// Hides what is secret or encrypted in an object.
    pub(crate) fn hide(&self, identity: &Identity, root: &mut Node) {
        match (identity.group(), identity.kind.as_str()) {
            ("", "Secret") => self.secret(root),
            ("bitnami.com", "SealedSecret") => {
                if let Some(sealed) = root.get_mut("spec").and_then(|spec| spec.get_mut("encryptedData")) {
                    self.values(sealed, ENCRYPTED, &|text| text.as_bytes().to_vec());
                }
            }
            _ => {}
        }
        if root.get("sops").is_some() {
            self.ciphertexts(root);
        }
    }

    fn secret(&self, root: &mut Node) {
        if root.entries().is_none() {
            self.values(root, HIDDEN, &|text| text.as_bytes().to_vec());
            return;
        }
        for name in ["data", "binaryData", "stringData"] {
            let Some(map) = root.get_mut(name) else { continue };
            let decoded = |text: &str| {
                let packed: String = text.split_ascii_whitespace().collect();
                let plain = base64::engine::general_purpose::STANDARD.decode(packed).ok();
                plain.filter(|_| name != "stringData").unwrap_or_else(|| text.as_bytes().to_vec())
            };
            self.values(map, HIDDEN, &decoded);
        }
        if let Some(applied) =
            root.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")).and_then(|all| all.get_mut(LAST_APPLIED))
        {
            self.values(applied, HIDDEN, &|text| text.as_bytes().to_vec());
        }
    }

    /// Hides every scalar below a node.
    fn values(&self, node: &mut Node, tag: &str, plain: &dyn Fn(&str) -> Vec<u8>) {
        match &mut node.data {
            Data::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| self.values(value, tag, plain)),
            Data::Sequence(items) => items.iter_mut().for_each(|item| self.values(item, tag, plain)),
            Data::Scalar(text) if text.starts_with(CIPHERTEXT) => self.replace(node, ENCRYPTED, &|text| text.as_bytes().to_vec()),
            Data::Scalar(_) => self.replace(node, tag, plain),
            Data::Alias(_) => {}
        }
    }

    /// Hides every text that SOPS has encrypted.
    fn ciphertexts(&self, node: &mut Node) {
        match &mut node.data {
            Data::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| self.ciphertexts(value)),
            Data::Sequence(items) => items.iter_mut().for_each(|item| self.ciphertexts(item)),
            Data::Scalar(text) if text.starts_with(CIPHERTEXT) => self.replace(node, ENCRYPTED, &|text| text.as_bytes().to_vec()),
            _ => {}
        }
    }

    fn replace(&self, node: &mut Node, tag: &str, plain: &dyn Fn(&str) -> Vec<u8>) {
        let Data::Scalar(text) = &node.data else { return };
        if word(node).is_some() {
            return;
        }
        let number = self.number(plain(text));
        let hidden = Node::scalar(Tag::Str, eco_format!("{number}")).with_tag(tag);
        // No scalar that is read from a file has this style: a file cannot pretend that a value is hidden.
        *node = Node { line: node.line, column: node.column, style: Style { flow: true, ..hidden.style }, ..hidden };
    }

    fn number(&self, value: Vec<u8>) -> usize {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let next = known.len();
        *known.entry(value).or_insert(next)
    }
}

/// What a hidden value is called; `None` for one that is not hidden.
pub(crate) fn word(node: &Node) -> Option<&'static str> {
    match (node.style.flow, node.as_str(), node.tag_text()) {
        (true, Some(_), HIDDEN) => Some("hidden"),
        (true, Some(_), ENCRYPTED) => Some("encrypted"),
        _ => None,
    }
}

/// The tree with words in the place of what is hidden, to be shown.
pub(crate) fn shown(node: &Node) -> Node {
    let mut node = node.clone();
    replace_words(&mut node);
    node
}

fn replace_words(node: &mut Node) {
    if let Some(word) = word(node) {
        *node = Node::string(eco_format!("({word})"));
        return;
    }
    match &mut node.data {
        Data::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| replace_words(value)),
        Data::Sequence(items) => items.iter_mut().for_each(replace_words),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(mask: &Mask, text: &str) -> Node {
        let mut root = hydrate_yaml::compose(text.as_bytes()).unwrap().remove(0).root.unwrap();
        let identity = Identity { api_version: "v1".into(), kind: "Secret".into(), namespace: String::new(), name: "a".into() };
        mask.hide(&identity, &mut root);
        root
    }

    #[test]
    fn no_value_of_a_secret_is_left() {
        let mask = Mask::default();
        let text = "metadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{\"data\":\"c2VjcmV0\"}'\n    a: b\ndata: {a: c2VjcmV0, n: 5}\nstringData: {b: secret, c: 'ENC[AES256_GCM,x]'}\ntype: Opaque\n";
        let root = hidden(&mask, text);
        let shown = format!("{:?}{}", root, json(&root));
        assert!(!shown.contains("c2VjcmV0") && !shown.contains("secret\""), "{shown}");
        assert_eq!(crate::value::at(&root, &["metadata", "annotations", "a"]).and_then(Node::as_str), Some("b"));
        // The same value in another form is the same.
        assert_eq!(root.get("data").unwrap().get("a").unwrap().as_str(), root.get("stringData").unwrap().get("b").unwrap().as_str());
        assert_eq!(word(root.get("stringData").unwrap().get("c").unwrap()), Some("encrypted"));
        assert!(!format!("{:?}", hidden(&mask, "no mapping")).contains("no mapping"));
        // What a file says of itself hides nothing.
        let pretends = hidden(&mask, "type: !hidden x\n");
        assert_eq!(word(pretends.get("type").unwrap()), None);
    }

    fn json(node: &Node) -> String {
        crate::value::json(&shown(node)).to_string()
    }
}
