//! What cannot be changed once it is there: the API server refuses another content under the same name.

use hydrate_base::Severity;
use hydrate_yaml::node::{Data, Node};

use crate::check::objects::Object;
use crate::check::value::{at, is_true, text};

use super::reading::key;
use super::rule::{Rule, Sink};

/// `immutable-change`
pub(super) const IMMUTABLE_CHANGE: Rule = Rule {
    code: "immutable-change",
    severity: Severity::Error,
    title: "What cannot be changed has another name when it changes",
    text: "A ConfigMap or Secret with `immutable: true`, and the template of a Job, stay what they were: the API server refuses another content under the same name, and the \
           component is never ready. Compared is with what is committed (HEAD, or what `check --against` names).\n\nGive it a name that follows from its content \
           (kustomize's generators do; in a chart a checksum in the name), or let it be replaced: Jobs with `ttlSecondsAfterFinished`, hooks where they are run as such, and objects that say so \
           (`argocd.argoproj.io/sync-options: Replace=true`, `kustomize.toolkit.fluxcd.io/force: enabled`) are not looked at.",
};

/// Whether an object may not be changed, at a glance.
pub(super) fn is_immutable(object: &Object<'_>, runs_hooks: bool) -> bool {
    match (object.group(), object.kind()) {
        ("", "ConfigMap" | "Secret") => is_true(&object.root, "immutable"),
        ("batch", "Job") => !is_replaced(object, runs_hooks),
        _ => false,
    }
}

/// An object beside the one that is committed under its name.
pub(super) fn check<'a>(sink: &mut Sink<'a>, committed: &Object<'_>) {
    let (root, old) = (&sink.object.root, &committed.root);
    if sink.object.kind() == "Job" {
        for keys in [&["spec", "template"][..], &["spec", "selector"], &["spec", "completionMode"]] {
            let (now, before) = (at(root, keys), at(old, keys));
            if !same(now, before) {
                let finding = sink.report(
                    &IMMUTABLE_CHANGE,
                    now.unwrap_or(root),
                    format!("`{}` is not what is committed, and Jobs cannot be changed", keys.join(".")),
                );
                finding.help.push(
                    "give it another name with each change, or let it be replaced: `hydrate check --explain immutable-change`".to_owned(),
                );
            }
        }
        return;
    }
    if !is_true(old, "immutable") {
        return;
    }
    for name in ["data", "binaryData", "stringData"] {
        if !same(root.get(name), old.get(name)) {
            let node = root.get(name).unwrap_or(root);
            let finding = sink.report(&IMMUTABLE_CHANGE, node, format!("`{name}` is not what is committed, and it is immutable"));
            finding.help.push("give it another name with each change, as kustomize's generators do".to_owned());
        }
    }
}

/// Whether an object is replaced, and not changed.
fn is_replaced(object: &Object<'_>, runs_hooks: bool) -> bool {
    let options = object.annotation("argocd.argoproj.io/sync-options").unwrap_or_default();
    let is_hook = runs_hooks && ["helm.sh/hook", "argocd.argoproj.io/hook"].iter().any(|hook| object.annotation(hook).is_some());
    let is_gone = at(&object.root, &["spec"]).and_then(|spec| text(spec, "ttlSecondsAfterFinished")).is_some();
    let is_forced = object.annotation("kustomize.toolkit.fluxcd.io/force").is_some_and(|force| force.eq_ignore_ascii_case("enabled"));
    is_hook || is_gone || is_forced || options.contains("Replace=true") || options.contains("Force=true")
}

/// Whether two nodes say the same, whatever the order of their keys.
fn same(one: Option<&Node>, other: Option<&Node>) -> bool {
    match (one.map(|node| &node.data), other.map(|node| &node.data)) {
        (None, None) => true,
        (Some(Data::Mapping(entries)), Some(Data::Mapping(others))) => {
            let other = |name: &Node| others.iter().find(|(other, _)| key(other) == key(name)).map(|(_, value)| value);
            entries.len() == others.len()
                && entries.iter().all(|(name, value)| other(name).is_some_and(|other| same(Some(value), Some(other))))
        }
        (Some(Data::Sequence(items)), Some(Data::Sequence(others))) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| same(Some(item), Some(other)))
        }
        (Some(Data::Scalar(text)), Some(Data::Scalar(other))) => text == other,
        _ => false,
    }
}
