//! Secrets that stand in the tree as anybody can read them.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{entries, text};

use super::grammar;
use super::reading::{filled, key};
use super::rule::{Rule, Sink};

/// `plaintext-secret`
pub(super) const PLAINTEXT_SECRET: Rule = Rule {
    code: "plaintext-secret",
    severity: Severity::Warning,
    title: "Secrets do not stand in plain text",
    text: "Base 64 hides nothing: who may read the repository, or any clone of it, reads the Secret. What is written is kept in Git's history, also when it \
           is removed. The finding names the keys, never a value.\n\nPassed are Secrets that SOPS has encrypted, empty values, certificates without \
           their keys, and references that something resolves later: `ref+…`, `${NAME}`, `<path:…>`, `vault:…`.\n\nThree ways out: let the chart refer to a \
           Secret that is there (`existingSecret` and the like), made by an ExternalSecret or a SealedSecret; encrypt it with SOPS; or say why it may \
           stand there, with the annotation `checks.hydrate/plaintext-secret: \"off: REASON\"`. `plaintext-secret: error` makes the check fail.",
};

/// How many keys are named.
const SHOWN: usize = 8;

/// A Secret.
pub(super) fn secret<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    if text(root, "type") == Some("kubernetes.io/service-account-token") {
        return;
    }
    let decoded = |node: &Node| grammar::base64(key(node)).unwrap_or_default();
    let encoded = entries(root, &["data"]).iter().map(|(name, node)| (key(name), decoded(node)));
    let plain = entries(root, &["stringData"]).iter().map(|(name, node)| (key(name), key(node).as_bytes().to_vec()));
    let names: Vec<&str> = encoded.chain(plain).filter(|(_, value)| is_plain_text(value)).map(|(name, _)| name).collect();
    if names.is_empty() {
        return;
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    let verb = if names.len() == 1 { "stands" } else { "stand" };
    let place = root.get("metadata").and_then(|metadata| filled(metadata, "name")).unwrap_or(root);
    let finding = sink.report(&PLAINTEXT_SECRET, place, format!("{}{more} {verb} in plain text", shown.join(", ")));
    finding.help.push("let the chart refer to a Secret that is there, encrypt it with SOPS, or say why it may stand there: `hydrate check --explain plaintext-secret`".to_owned());
}

/// Whether SOPS has encrypted an object: nobody but who decrypts it can say what is in it.
pub(super) fn is_encrypted(root: &Node) -> bool {
    root.get("sops").is_some_and(|sops| sops.get("mac").is_some() && sops.get("version").is_some())
}

/// Whether a value is one that nobody should read: not nothing, nothing public, and not a reference to something elsewhere.
fn is_plain_text(value: &[u8]) -> bool {
    let value = String::from_utf8_lossy(value);
    let value = value.trim();
    let is_reference = value.starts_with("ref+")
        || value.starts_with("secretref+")
        || value.starts_with("vault:")
        || (value.starts_with("<path:") && value.ends_with('>'))
        || (value.starts_with("${") && value.ends_with('}') && !value[2..value.len() - 1].contains(['{', '}']));
    let is_public = value.starts_with("-----BEGIN CERTIFICATE-----") && !value.contains("PRIVATE KEY");
    !value.is_empty() && !is_reference && !is_public
}
