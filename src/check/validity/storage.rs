//! Claims, volumes and classes of storage; classes of priority.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{at, entries, items};

use super::grammar;
use super::labels;
use super::reading::{Value, filled, int, key, present, value};
use super::rule::{Rule, Sink};

/// `invalid-storage`
pub(super) const INVALID_STORAGE: Rule = Rule {
    code: "invalid-storage",
    severity: Severity::Error,
    title: "Claims say how they are accessed and how much they want; volumes have one source",
    text: "A claim (and a `volumeClaimTemplate`) has at least one access mode and requests more than no storage. A PersistentVolume has access modes, a \
           capacity of `storage`, and exactly one source; a local one says by `nodeAffinity` where it is.",
};

/// `invalid-class`
pub(super) const INVALID_CLASS: Rule = Rule {
    code: "invalid-class",
    severity: Severity::Error,
    title: "Classes have values within bounds",
    text: "Values of PriorityClasses are at most 1,000,000,000 unless they are Kubernetes' own; a StorageClass reclaims with `Delete` or `Retain`.",
};

/// The spec of a claim.
pub(super) fn claim<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    if items(spec, &["accessModes"]).is_empty() {
        sink.report(&INVALID_STORAGE, spec.get("accessModes").unwrap_or(spec), "a claim needs at least one of `accessModes`");
    }
    let modes = items(spec, &["accessModes"]);
    if let Some(node) = modes.iter().find(|node| key(node) == "ReadWriteOncePod").filter(|_| modes.len() > 1) {
        sink.report(&INVALID_STORAGE, node, "`ReadWriteOncePod` cannot be combined with other access modes");
    }
    labels::selector(sink, present(spec, "selector"));
    match at(spec, &["resources", "requests", "storage"]) {
        None => {
            sink.report(&INVALID_STORAGE, present(spec, "resources").unwrap_or(spec), "a claim has to request some `storage`");
        }
        Some(node) => {
            let is_null = value(node) == Value::Null;
            let found = if is_null { Some(0) } else { None }
                .or_else(|| node.as_str().and_then(|text| grammar::quantity(text.trim()).ok().flatten()));
            if found.is_some_and(|amount| amount <= 0) {
                sink.report(&INVALID_STORAGE, node, format!("a claim has to request more storage than {}", key(node)));
            }
        }
    }
    if let Some(node) = filled(spec, "storageClassName")
        && let Some(why) = grammar::dns_subdomain(key(node))
    {
        sink.report(&INVALID_STORAGE, node, format!("`storageClassName` cannot be `{}`", key(node))).notes.push(why);
    }
}

/// The fields of a PersistentVolume that are no source.
const NO_SOURCES: &[&str] = &[
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

/// A PersistentVolume.
pub(super) fn volume<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    if items(spec, &["accessModes"]).is_empty() {
        sink.report(&INVALID_STORAGE, spec.get("accessModes").unwrap_or(spec), "a volume needs at least one of `accessModes`");
    }
    if at(spec, &["capacity", "storage"]).is_none() {
        sink.report(&INVALID_STORAGE, spec.get("capacity").unwrap_or(spec), "a volume has to say its capacity of `storage`");
    }
    let sources: Vec<&(Node, Node)> =
        entries(spec, &[]).iter().filter(|(name, node)| !NO_SOURCES.contains(&key(name)) && value(node) != Value::Null).collect();
    match sources[..] {
        [] => {
            sink.report(&INVALID_STORAGE, spec, "a volume needs a source, such as `csi` or `hostPath`");
        }
        [_, (second, _), ..] => {
            sink.report(&INVALID_STORAGE, second, "a volume has exactly one source, and this is another");
        }
        [(name, _)] if key(name) == "local" && at(spec, &["nodeAffinity", "required"]).is_none() => {
            sink.report(&INVALID_STORAGE, name, "a local volume has to say by `nodeAffinity` where it is");
        }
        [_] => {}
    }
}

/// A StorageClass.
pub(super) fn storage_class<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    if let Some(node) = filled(root, "reclaimPolicy").filter(|node| !matches!(key(node), "Delete" | "Retain")) {
        sink.report(&INVALID_CLASS, node, format!("`reclaimPolicy` of a StorageClass cannot be `{}`", key(node)));
    }
    if let Some(node) = filled(root, "provisioner")
        && let Some(why) = grammar::qualified_name(&key(node).to_lowercase())
    {
        sink.report(&INVALID_CLASS, node, format!("`provisioner` cannot be `{}`", key(node))).notes.push(why);
    }
}

/// A PriorityClass.
pub(super) fn priority_class<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    const MOST: i64 = 1_000_000_000;
    if let Some(number) = int(root, "value").filter(|number| *number > MOST)
        && !sink.object.name().starts_with("system-")
        && let Some(node) = root.get("value")
    {
        sink.report(&INVALID_CLASS, node, format!("the value of a PriorityClass is at most {MOST}, not {number}"));
    }
}
