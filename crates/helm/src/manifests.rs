//! From rendered files to ordered documents: hooks and the order of installation (`pkg/release/v1/util`).

use std::ops::Range;
use std::sync::Arc;

use super::document::{Document, DocumentKind, Hook, Text};
use super::engine::RenderedFile;
use super::head::{self, Head};
use super::reading::ReadFile;
use hydrate_chart::Level;

/// All documents of a release.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// In the order of installation.
    pub(super) manifests: Vec<Document>,
    /// In the order in which `helm template` prints them.
    pub(super) hooks: Vec<Document>,
}

/// A document that YAML cannot read.
#[derive(Debug)]
pub(super) struct Unparsable {
    /// The template's path.
    pub(super) path: String,
    /// What the template wrote.
    pub(super) file: Arc<RenderedFile>,
    /// The document in it.
    pub(super) range: Range<usize>,
    /// Helm's text, without `YAML parse error on …: `.
    pub(super) error: String,
}

/// Sorts the documents of rendered files, which are sorted by path. Fails where a document is no YAML.
pub(super) fn sort(files: Vec<ReadFile>, level: Level, warnings: &mut Vec<String>) -> Result<Sorted, Unparsable> {
    let mut sorted = Sorted::default();
    for ReadFile { path, file, documents } in files {
        for (range, head) in documents {
            let text = Text::Rendered(Arc::clone(&file), range.clone());
            match head.map_or_else(|| head::decoded(&text, level), Ok) {
                Ok(head) => add(&mut sorted, path.clone(), text, head, warnings),
                Err(error) => return Err(Unparsable { path, file, range, error }),
            }
        }
    }
    let order = |a: &Document, b: &Document| sort_key(&a.head.kind, level).cmp(&sort_key(&b.head.kind, level));
    sorted.manifests.sort_by(order);
    sorted.hooks.sort_by(order);
    Ok(sorted)
}

fn add(sorted: &mut Sorted, path: String, text: Text, head: Head, warnings: &mut Vec<String>) {
    let Some(events) = annotation(&head, "helm.sh/hook") else {
        return sorted.manifests.push(Document { path, text, kind: DocumentKind::Manifest, head });
    };
    match hook(&head, events) {
        Some(hook) => sorted.hooks.push(Document { path, text, kind: DocumentKind::Hook(hook), head }),
        None => warnings.push(format!("skipping unknown hook: {events:?}")),
    }
}

fn annotation<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    head.annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

const EVENTS: [(&str, &str); 10] = [
    ("pre-install", "pre-install"),
    ("post-install", "post-install"),
    ("pre-delete", "pre-delete"),
    ("post-delete", "post-delete"),
    ("pre-upgrade", "pre-upgrade"),
    ("post-upgrade", "post-upgrade"),
    ("pre-rollback", "pre-rollback"),
    ("post-rollback", "post-rollback"),
    ("test", "test"),
    // Helm 2 had two kinds of tests.
    ("test-success", "test"),
];

/// `None` where an event is unknown: Helm then leaves the whole document out.
fn hook(head: &Head, events: &str) -> Option<Hook> {
    let known = |event: &str| {
        let event = event.trim().to_lowercase();
        EVENTS.iter().find(|(name, _)| *name == event).map(|(_, event)| (*event).to_owned())
    };
    let events = events.split(',').map(known).collect::<Option<_>>()?;
    let weight = annotation(head, "helm.sh/hook-weight").and_then(|weight| weight.parse().ok()).unwrap_or(0);
    let policies = annotation(head, "helm.sh/hook-delete-policy").into_iter().flat_map(|policies| policies.split(','));
    let delete_policies = policies.map(|policy| policy.trim().to_lowercase()).collect();
    Some(Hook { events, weight, delete_policies })
}

/// Kinds in the order of installation, the last two in Helm 4 only; what is not in the list comes after it, by name.
const INSTALL_ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

fn sort_key(kind: &str, level: Level) -> (usize, &str) {
    let known = if level == Level::V3 { &INSTALL_ORDER[..36] } else { &INSTALL_ORDER[..] };
    match known.iter().position(|name| *name == kind) {
        Some(place) => (place, ""),
        None => (usize::MAX, kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kinds_come_last_by_name() {
        assert!(sort_key("Zebra", Level::V4) > sort_key("Apple", Level::V4));
        assert!(sort_key("Apple", Level::V4) > sort_key("Service", Level::V4));
        assert!(sort_key("MutatingWebhookConfiguration", Level::V3) > sort_key("Apple", Level::V3));
    }
}
