//! Names of objects, by the grammar that their kind has.

use hydrate_base::Severity;
use hydrate_kubernetes::{Scope, is_builtin_group, scope_of_kind};

use crate::check::value::items;

use super::grammar::{self, Wrong};
use super::reading::filled;
use super::rule::{Rule, Sink};

/// `invalid-name`
pub(super) const INVALID_NAME: Rule = Rule {
    code: "invalid-name",
    severity: Severity::Error,
    title: "Names and namespaces keep to the grammar of their kind",
    text: "Most names are made of lower-case letters, digits, `-` and `.` and have at most 253 characters. Namespaces, StatefulSets \
           and Services have no dots and at most 63, CronJobs at most 52 characters; Services begin with a letter (up to 1.35). Roles and \
           bindings may be called anything without `/` and `%`. A CustomResourceDefinition is called `PLURAL.GROUP`, an APIService `VERSION.GROUP`.\n\n\
           A release name or `fullnameOverride` that is too long is what this mostly comes from.",
};

/// The name and the namespace of the object.
pub(super) fn check(sink: &mut Sink<'_>) {
    let object = sink.object;
    let Some(metadata) = object.root.get("metadata") else { return };
    let is_outside = scope_of_kind(object.group(), object.kind()) == Some(Scope::Cluster);
    if let Some(node) = filled(metadata, "namespace").filter(|_| !is_outside)
        && let Some(why) = node.as_str().and_then(grammar::dns_label)
    {
        sink.report(&INVALID_NAME, node, format!("`{}` cannot be a namespace", object.namespace())).notes.push(why);
    }
    for node in items(metadata, &["finalizers"]).iter().filter(|_| is_builtin_group(object.group())) {
        let name = node.as_str().unwrap_or_default();
        if !name.contains('/') && !matches!(name, "kubernetes" | "orphan" | "foregroundDeletion") {
            sink.report(&INVALID_NAME, node, format!("`{name}` cannot be a finalizer"))
                .notes
                .push("finalizers are called DOMAIN/NAME".to_owned());
        }
    }
    let Some(node) = filled(metadata, "name") else { return };
    let name = node.as_str().unwrap_or_default();
    if let Some(why) = wrong(sink, name) {
        sink.report(&INVALID_NAME, node, format!("`{name}` cannot be the name of a {}", object.kind())).notes.push(why);
    }
}

fn wrong(sink: &Sink<'_>, name: &str) -> Wrong {
    let object = sink.object;
    let spec = |key: &str| object.root.get("spec").and_then(|spec| spec.get(key)).and_then(|node| node.as_str()).unwrap_or_default();
    match (object.group(), object.kind()) {
        ("", "Namespace") => grammar::dns_label(name),
        ("", "Service") if sink.minor < 36 => grammar::dns_1035_label(name),
        ("", "Service") => grammar::dns_label(name),
        ("apps", "StatefulSet") => grammar::dns_label(name),
        ("batch", "CronJob") if name.len() > 52 => Some(format!("it has {} characters, at most 52 are allowed", name.len())),
        ("batch", "Job") if name.len() > 63 => Some(format!("it has {} characters, at most 63 are allowed", name.len())),
        ("rbac.authorization.k8s.io", _) => grammar::path_segment(name),
        ("apiregistration.k8s.io", "APIService") => {
            let wanted = format!("{}.{}", spec("version"), spec("group"));
            (name != wanted).then(|| format!("it has to be `{wanted}`: version and group"))
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let plural = object.root.get("spec").and_then(|spec| spec.get("names")?.get("plural")?.as_str()).unwrap_or_default();
            let wanted = format!("{plural}.{}", spec("group"));
            (name != wanted).then(|| format!("it has to be `{wanted}`: plural name and group"))
        }
        ("scheduling.k8s.io", "PriorityClass") if name.starts_with("system-") => {
            let known = matches!(name, "system-cluster-critical" | "system-node-critical");
            (!known).then(|| "names that begin with `system-` are Kubernetes' own".to_owned())
        }
        ("policy", "PodDisruptionBudget") => grammar::path_segment(name),
        // Nothing looks at these.
        ("", "Event") | ("events.k8s.io", _) | ("authentication.k8s.io" | "authorization.k8s.io", _) => None,
        ("certificates.k8s.io" | "resource.k8s.io" | "storagemigration.k8s.io", _) => None,
        ("networking.k8s.io", "IPAddress" | "ServiceCIDR") => None,
        _ => grammar::dns_subdomain(name),
    }
}
