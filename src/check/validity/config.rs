//! ConfigMaps and Secrets.

use std::collections::BTreeSet;

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{entries, text};

use super::grammar;
use super::reading::{filled, key, string};
use super::rule::{Rule, Sink};

/// `invalid-data`
pub(super) const INVALID_DATA: Rule = Rule {
    code: "invalid-data",
    severity: Severity::Error,
    title: "Keys of ConfigMaps and Secrets are file names, and all data at most 1 MiB",
    text: "Keys are made of letters, digits, `-`, `_` and `.`, at most 253, and are not `..`. A ConfigMap has no key in `data` and `binaryData` both. All \
           values together have at most 1,048,576 bytes. A Secret has the keys that its type asks for: `tls.crt` and `tls.key` for \
           `kubernetes.io/tls`, `.dockerconfigjson` for `kubernetes.io/dockerconfigjson`, and so on.\n\nDashboards and CRDs in ConfigMaps are what grows \
           too large.",
};

/// How many bytes a ConfigMap or Secret may hold.
const MOST: usize = 1024 * 1024;

/// A ConfigMap.
pub(super) fn config_map<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    let mut names = BTreeSet::new();
    let mut size = 0;
    for map in ["data", "binaryData"] {
        for (name, node) in entries(root, &[map]) {
            a_key(sink, name);
            if !names.insert(key(name)) && map == "binaryData" {
                sink.report(&INVALID_DATA, name, format!("the key `{}` is in `data` too", key(name)));
            }
            size += if map == "data" { key(node).len() } else { grammar::base64(key(node)).map_or(0, |bytes| bytes.len()) };
        }
    }
    too_large(sink, root, size);
}

/// A Secret; no value of it is ever told.
pub(super) fn secret<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    let plain = entries(root, &["stringData"]);
    let is_plain = |name: &str| plain.iter().any(|(other, _)| key(other) == name);
    let encoded = entries(root, &["data"]);
    encoded.iter().chain(plain).for_each(|(name, _)| a_key(sink, name));
    let decoded =
        encoded.iter().filter(|(name, _)| !is_plain(key(name))).map(|(_, node)| grammar::base64(key(node)).map_or(0, |bytes| bytes.len()));
    let size: usize = decoded.sum::<usize>() + plain.iter().map(|(_, node)| key(node).len()).sum::<usize>();
    too_large(sink, root, size);
    let has = |wanted: &str| encoded.iter().chain(plain).any(|(name, _)| key(name) == wanted);
    let is_filled = |wanted: &str| encoded.iter().chain(plain).any(|(name, node)| key(name) == wanted && !key(node).is_empty());
    let kind = text(root, "type").unwrap_or_default();
    let wanted: &[&str] = match kind {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" if !is_filled("ssh-privatekey") => &["ssh-privatekey"],
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => &["username", "password"],
        _ => &[],
    };
    let missing: Vec<String> =
        wanted.iter().filter(|name| !has(name) || kind == "kubernetes.io/ssh-auth").map(|name| format!("`{name}`")).collect();
    let node = root.get("type").unwrap_or(root);
    if !missing.is_empty() {
        let joint = if kind == "kubernetes.io/basic-auth" { " or " } else { " and " };
        sink.report(&INVALID_DATA, node, format!("a Secret of type {kind} needs {}", missing.join(joint)));
    }
    for name in [".dockerconfigjson", ".dockercfg"].iter().filter(|name| wanted.contains(name)) {
        let of = |map: &'a [(Node, Node)]| map.iter().find(|(other, _)| key(other) == *name).map(|(_, node)| node);
        let bytes = of(plain).map(|node| key(node).as_bytes().to_vec()).or_else(|| of(encoded).and_then(|node| grammar::base64(key(node))));
        let is_object = |bytes: Vec<u8>| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).is_ok();
        if bytes.is_some_and(|bytes| !is_object(bytes))
            && let Some(node) = of(plain).or_else(|| of(encoded))
        {
            sink.report(&INVALID_DATA, node, format!("`{name}` of a Secret of type {kind} has to be an object in JSON"));
        }
    }
    let annotation = || {
        root.get("metadata")
            .and_then(|metadata| metadata.get("annotations"))
            .and_then(|all| filled(all, "kubernetes.io/service-account.name"))
    };
    if kind == "kubernetes.io/service-account-token" && annotation().is_none() {
        sink.report(&INVALID_DATA, node, format!("a Secret of type {kind} needs the annotation `kubernetes.io/service-account.name`"));
    }
}

fn a_key<'a>(sink: &mut Sink<'a>, name: &'a Node) {
    if let Some(why) = string(name).and_then(grammar::config_key) {
        sink.report(&INVALID_DATA, name, format!("`{}` cannot be a key", key(name))).notes.push(why);
    }
}

fn too_large<'a>(sink: &mut Sink<'a>, root: &'a Node, size: usize) {
    if size > MOST {
        let node = root.get("data").or_else(|| root.get("stringData")).unwrap_or(root);
        sink.report(&INVALID_DATA, node, format!("its data has {size} bytes, and at most {MOST} are allowed"));
    }
}
