//! What custom resources refer to: by the names that fields have everywhere (`secretRef`, `serviceAccountName`, `issuerRef`, …), and by those of a few
//! well-known kinds.

use crate::check::objects::Object;
use crate::check::rule::Rule;
use crate::check::value::{at, is_true, items, scalar, text};
use hydrate_base::Severity;
use hydrate_kubernetes::is_builtin_group;
use hydrate_yaml::node::{Data, Node};

use super::{Checker, Row, Target, hosts};

/// `custom-reference`
pub(super) const RULE: Rule = Rule {
    code: "custom-reference",
    severity: Severity::Warning,
    title: "What custom resources refer to is there",
    text: "By the names that fields have everywhere (`secretRef`, `superuserSecret`, `serviceAccountName`, `configMapKeyRef`, `issuerRef`, `secretStoreRef`, `storageClass`, references that say group and kind), by those of some kinds (MetalLB's pools, the Alertmanagers of a Prometheus), and by the rows of `references` in hydrate.yaml. Services in all texts are followed, too.",
};

/// Fields in which custom resources name what they make, and not what has to be there.
const MADE: &[&str] = &["destination", "privateKeySecretRef", "secretTemplate", "target", "writeConnectionSecretToRef"];

/// Fields that name an object of a kind, by its name: group and kind.
const NAMES: &[(&str, &str, &str)] =
    &[("serviceAccountName", "", "ServiceAccount"), ("priorityClassName", "scheduling.k8s.io", "PriorityClass")];

/// Kinds whose objects other kinds of their own name without saying of what kind they are: field, group of who refers, kind that is meant.
const KINDS: &[(&str, &str, &str)] = &[
    ("issuerRef", "cert-manager.io", "Issuer"),
    ("secretStoreRef", "external-secrets.io", "SecretStore"),
    ("ipAddressPools", "metallb.io", "IPAddressPool"),
];

/// Every field of every custom resource.
pub(super) fn check(checker: &mut Checker<'_>) {
    for object in checker.index.objects.iter().filter(|object| is_custom(object)) {
        walk(checker, object, &object.root);
        if (object.group(), object.kind()) == ("argoproj.io", "Application") {
            destination(checker, object);
        }
    }
    let rows = &checker.configured.rows;
    for row in rows {
        for object in checker.index.of(&row.from.0, &row.from.1) {
            follow_row(checker, object, row);
        }
    }
}

/// What users say that a kind refers to.
fn follow_row<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, row: &Row) {
    let space = behind(&object.root, &row.namespace).first().and_then(|node| node.as_str()).filter(|_| !row.namespace.is_empty());
    for node in behind(&object.root, &row.path) {
        named(checker, object, node, (&row.to.0, &row.to.1), space.unwrap_or(object.namespace()));
    }
}

/// The nodes behind keys, through all items of lists.
fn behind<'n>(node: &'n Node, keys: &[String]) -> Vec<&'n Node> {
    if let Some(items) = node.items() {
        return items.iter().flat_map(|item| behind(item, keys)).collect();
    }
    match keys.split_first() {
        None => vec![node],
        Some((first, rest)) => node.get(first).map(|node| behind(node, rest)).unwrap_or_default(),
    }
}

/// Groups that have checks of their own, or whose resources hold patterns and parts of other objects.
const LEFT_ALONE: &[&str] = &[
    "apiextensions.crossplane.io",
    "cilium.io",
    "constraints.gatekeeper.sh",
    "gateway.networking.k8s.io",
    "kyverno.io",
    "templates.gatekeeper.sh",
];

/// Whether an object is of a kind that Kubernetes does not have itself, and that no other check follows wholly.
fn is_custom(object: &Object<'_>) -> bool {
    let group = object.group();
    let is_followed = is_builtin_group(group) || LEFT_ALONE.contains(&group) || group.ends_with(".toolkit.fluxcd.io");
    !is_followed && object.kind() != "PrometheusRule" && !object.component.contains('/')
}

fn walk<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, node: &'a Node) {
    match &node.data {
        Data::Sequence(all) => all.iter().for_each(|item| walk(checker, object, item)),
        Data::Mapping(all) => {
            for (key, value) in all {
                let key = key.as_str().unwrap_or_default();
                // What the metadata says is about the object itself, and schemas say what might be.
                if matches!(key, "metadata" | "status" | "openAPIV3Schema") || MADE.contains(&key) {
                    continue;
                }
                field(checker, object, key, value);
                walk(checker, object, value);
            }
        }
        Data::Scalar(text) => {
            for host in hosts::hosts(text).into_iter().filter(|host| host.certain) {
                hosts::follow(checker, object, node, &host);
            }
        }
        Data::Alias(_) => {}
    }
}

fn field<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, key: &str, value: &'a Node) {
    if let Some((_, group, kind)) = NAMES.iter().find(|(name, ..)| *name == key) {
        named(checker, object, value, (group, kind), object.namespace());
    } else if matches!(key, "storageClass" | "storageClassName") {
        storage_class(checker, object, value);
    } else if key == "alertmanagers" {
        items(value, &[]).iter().for_each(|one| reference(checker, object, one, ("", "Service")));
    } else if let Some((_, group, kind)) =
        KINDS.iter().find(|(name, group, _)| *name == key && (*group == object.group() || key == "issuerRef"))
    {
        match value.items() {
            Some(all) => all.iter().for_each(|item| named(checker, object, item, (group, kind), object.namespace())),
            None => reference(checker, object, value, (group, kind)),
        }
    } else if let Some(kind) = of_core(key) {
        reference(checker, object, value, ("", kind));
    } else if key.ends_with("Ref") && text(value, "kind").is_some() {
        let of_version = || text(value, "apiVersion").and_then(|version| version.split_once('/')).map(|(group, _)| group);
        if let Some(group) = text(value, "group").or_else(of_version) {
            reference(checker, object, value, (group, ""));
        }
    }
}

/// The kind of the core group that a field's name speaks of: `secretRef`, `accessTokenSecretRef`, `superuserSecret`, `configMapKeyRef`.
fn of_core(key: &str) -> Option<&'static str> {
    let lower = key.to_ascii_lowercase();
    let bare = ["keyref", "ref", "keyselector", "reference", ""].iter().find_map(|end| lower.strip_suffix(end));
    match bare? {
        bare if bare.ends_with("secret") => Some("Secret"),
        bare if bare.ends_with("configmap") => Some("ConfigMap"),
        bare if bare.ends_with("serviceaccount") => Some("ServiceAccount"),
        _ => None,
    }
}

/// `{name, namespace, kind}`, where the kind may be left out.
fn reference<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, value: &'a Node, (group, kind): (&str, &str)) {
    let Some(name) = scalar(value, "name").filter(|_| !is_true(value, "optional")) else { return };
    let kind = if group.is_empty() && !kind.is_empty() { kind } else { text(value, "kind").unwrap_or(kind) };
    let group = text(value, "group").unwrap_or(group);
    let space = text(value, "namespace").unwrap_or(object.namespace());
    named(checker, object, name, (group, kind), space);
}

fn named<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, node: &'a Node, (group, kind): (&str, &str), namespace: &str) {
    let Some(name) = node.as_str().filter(|name| !name.is_empty() && !name.contains(['{', '$', '*', '%', '/'])) else { return };
    let has_space = !kind.starts_with("Cluster") && checker.declared.is_namespaced(group, kind) != Some(false);
    if kind.is_empty() || group.is_empty() && namespace.is_empty() {
        return;
    }
    let namespace = if has_space { namespace } else { "" };
    checker.follow(object, node, Target { group, kind, namespace, name });
}

/// A class that is not among those rendered here, and none that clusters come with: it may be there all the same.
fn storage_class<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, node: &'a Node) {
    let Some(name) = node.as_str().filter(|name| !name.is_empty() && *name != "-" && !name.contains(['{', '$'])) else { return };
    let target = Target { group: "storage.k8s.io", kind: "StorageClass", namespace: "", name };
    checker.count();
    if checker.index.find(target.group, target.kind, "", name).is_none() && !checker.elsewhere.has_storage_class(name) {
        let is_certain = !checker.index.of(target.group, target.kind).is_empty();
        let finding = checker.missing(object, node, target).certain(is_certain);
        checker.add(finding);
    }
}

/// The namespace that Argo CD deploys an Application into, unless it makes it.
fn destination<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>) {
    let makes =
        items(&object.root, &["spec", "syncPolicy", "syncOptions"]).iter().any(|option| option.as_str() == Some("CreateNamespace=true"));
    let Some(destination) = at(&object.root, &["spec", "destination"]) else { return };
    let here = text(destination, "server") == Some("https://kubernetes.default.svc") || text(destination, "name") == Some("in-cluster");
    let Some(node) = scalar(destination, "namespace").filter(|_| here && !makes) else { return };
    let name = node.as_str().unwrap_or_default();
    checker.follow(object, node, Target::core("Namespace", "", name));
}
