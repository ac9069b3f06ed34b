//! Secrets that stand in the tree as anybody can read them.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::objects::Object;
use crate::check::value::{entries, text};

use super::grammar;
use super::reading::key;
use super::rule::{Item, Rule, Sink};

/// `plaintext-secret`
pub(super) const PLAINTEXT_SECRET: Rule = Rule {
    code: "plaintext-secret",
    severity: Severity::Error,
    title: "Secrets do not stand in plain text",
    text: "Base 64 hides nothing: who may read the repository, or any clone of it, reads the Secret. What is written is kept in Git's history, also when it \
           is removed. So nothing is written that has such a Secret; the error names object and keys, never a value.\n\nWhat is committed already (in HEAD, \
           or in the revision that `check --against` names) is a warning: an existing repository can be taken over as it is. Keys that are \
           mended do not come back.\n\nPassed are Secrets that SOPS has encrypted, empty values, certificates without \
           their keys, and references that something resolves later: `ref+…`, `${NAME}`, `<path:…>`, `vault:…`.\n\nThree ways out: let the chart refer to a \
           Secret that is there (`existingSecret` and the like), made by an ExternalSecret or a SealedSecret; encrypt it with SOPS (`secrets: sops` does it on the way out); or say why it may \
           stand there, in `exceptions` or with the annotation `checks.hydrate/plaintext-secret: \"off: REASON\"`.",
};

/// How many keys are named.
const SHOWN: usize = 8;

/// A Secret.
pub(super) fn secret<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    if text(root, "type") == Some("kubernetes.io/service-account-token") {
        return;
    }
    let decoded = |node: &Node| grammar::base64(key(node)).unwrap_or_else(|| key(node).as_bytes().to_vec());
    let encoded = entries(root, &["data"]).iter().map(|(name, node)| (name, node, decoded(node)));
    let plain = entries(root, &["stringData"]).iter().map(|(name, node)| (name, node, key(node).as_bytes().to_vec()));
    let found: Vec<(&Node, &Node)> =
        encoded.chain(plain).filter(|(_, _, value)| is_plain_text(value)).map(|(name, node, _)| (name, node)).collect();
    for (name, node) in found {
        let finding = sink.report_item(&PLAINTEXT_SECRET, node, Item { name: key(name), says });
        finding.help.push(
            "let the chart refer to a Secret that is in the cluster (values such as `existingSecret`), made by an ExternalSecret or a SealedSecret".to_owned(),
        );
        finding.help.push("or have it encrypted with SOPS on the way out: `secrets: sops`".to_owned());
        finding.help.push(exception(&PLAINTEXT_SECRET, finding.object));
    }
}

/// How to say why something may stand in Git all the same.
pub(super) fn exception(rule: &Rule, object: &Object<'_>) -> String {
    let namespace = if object.namespace().is_empty() { String::new() } else { format!("{}/", object.namespace()) };
    let named = format!("{}/{namespace}{}", object.kind(), object.name());
    format!(
        "or say in the environment or the component why it may stand in Git: `exceptions: [{{check: {}, objects: [{named}], reason: …}}]`",
        rule.code
    )
}

/// `` `a`, `b` stand in plain text ``
fn says(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    let verb = if names.len() == 1 { "stands" } else { "stand" };
    format!("{}{more} {verb} in plain text", shown.join(", "))
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
