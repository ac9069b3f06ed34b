//! What hands manifests over: the sources, orders and Secrets that objects of Flux and Argo CD name.

use crate::check::objects::Object;
use crate::check::rule::Rule;
use crate::check::value::{at, is_true, items, scalar, text};
use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use super::{Checker, Target};

/// `gitops-reference`
pub(super) const RULE: Rule = Rule {
    code: "gitops-reference",
    severity: Severity::Warning,
    title: "What objects of Flux and Argo CD name is there",
    text: "Sources, `dependsOn`, Secrets, values, providers, projects, and namespaces that are deployed to.",
};

const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
const HELM: &str = "helm.toolkit.fluxcd.io";
const SOURCE: &str = "source.toolkit.fluxcd.io";
const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
const IMAGE: &str = "image.toolkit.fluxcd.io";

/// References by name to an object of a fixed kind in the same namespace: group and kind of who refers, keys of the
/// name, group and kind of what is referred to.
const NAMED: &[(&str, &str, &[&str], &str, &str)] = &[
    (KUSTOMIZE, "Kustomization", &["spec", "decryption", "secretRef", "name"], "", "Secret"),
    (KUSTOMIZE, "Kustomization", &["spec", "kubeConfig", "secretRef", "name"], "", "Secret"),
    (KUSTOMIZE, "Kustomization", &["spec", "serviceAccountName"], "", "ServiceAccount"),
    (HELM, "HelmRelease", &["spec", "kubeConfig", "secretRef", "name"], "", "Secret"),
    (HELM, "HelmRelease", &["spec", "serviceAccountName"], "", "ServiceAccount"),
    (SOURCE, "GitRepository", &["spec", "secretRef", "name"], "", "Secret"),
    (SOURCE, "GitRepository", &["spec", "verify", "secretRef", "name"], "", "Secret"),
    (SOURCE, "HelmRepository", &["spec", "secretRef", "name"], "", "Secret"),
    (SOURCE, "OCIRepository", &["spec", "secretRef", "name"], "", "Secret"),
    (SOURCE, "Bucket", &["spec", "secretRef", "name"], "", "Secret"),
    (NOTIFICATION, "Alert", &["spec", "providerRef", "name"], NOTIFICATION, "Provider"),
    (NOTIFICATION, "Provider", &["spec", "secretRef", "name"], "", "Secret"),
    (NOTIFICATION, "Receiver", &["spec", "secretRef", "name"], "", "Secret"),
    (IMAGE, "ImageRepository", &["spec", "secretRef", "name"], "", "Secret"),
    (IMAGE, "ImagePolicy", &["spec", "imageRepositoryRef", "name"], IMAGE, "ImageRepository"),
    ("argoproj.io", "Application", &["spec", "project"], "argoproj.io", "AppProject"),
    ("argoproj.io", "ApplicationSet", &["spec", "template", "spec", "project"], "argoproj.io", "AppProject"),
];

/// References that say the kind: `{kind, name, namespace}`.
const SOURCES: &[(&str, &str, &[&str])] = &[
    (KUSTOMIZE, "Kustomization", &["spec", "sourceRef"]),
    (HELM, "HelmRelease", &["spec", "chart", "spec", "sourceRef"]),
    (HELM, "HelmRelease", &["spec", "chartRef"]),
    (SOURCE, "HelmChart", &["spec", "sourceRef"]),
    (IMAGE, "ImageUpdateAutomation", &["spec", "sourceRef"]),
];

/// Objects of Flux and Argo CD.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    for (group, kind, keys, target_group, target_kind) in NAMED {
        for object in index.of(group, kind) {
            let Some(node) = at(&object.root, keys) else { continue };
            named(checker, object, node, target_group, target_kind);
        }
    }
    for (group, kind, keys) in SOURCES {
        for object in index.of(group, kind) {
            if let Some(reference) = at(&object.root, keys) {
                source(checker, object, reference);
            }
        }
    }
    for (group, kind) in [(KUSTOMIZE, "Kustomization"), (HELM, "HelmRelease")] {
        index.of(group, kind).iter().for_each(|object| order(checker, object, group, kind));
    }
}

fn named<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, node: &'a Node, group: &str, kind: &str) {
    // The names that an ApplicationSet gives are templates.
    if let Some(name) = node.as_str().filter(|name| !name.is_empty() && !name.contains("{{") && !name.contains('$')) {
        checker.follow(object, node, Target { group, kind, namespace: object.namespace(), name });
    }
}

fn source<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, reference: &'a Node) {
    let (Some(kind), Some(node)) = (text(reference, "kind"), scalar(reference, "name")) else { return };
    let namespace = text(reference, "namespace").unwrap_or(object.namespace());
    if matches!(kind, "GitRepository" | "OCIRepository" | "Bucket" | "HelmRepository" | "HelmChart") {
        checker.follow(object, node, Target { group: SOURCE, kind, namespace, name: node.as_str().unwrap_or_default() });
    }
}

/// What must come before, and the ConfigMaps and Secrets that values are taken from.
fn order<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, group: &str, kind: &str) {
    for one in items(&object.root, &["spec", "dependsOn"]) {
        let Some(node) = scalar(one, "name") else { continue };
        let namespace = text(one, "namespace").unwrap_or(object.namespace());
        checker.follow(object, node, Target { group, kind, namespace, name: node.as_str().unwrap_or_default() });
    }
    let values = items(&object.root, &["spec", "valuesFrom"]).iter().chain(items(&object.root, &["spec", "postBuild", "substituteFrom"]));
    for one in values.filter(|one| !is_true(one, "optional")) {
        if let (Some(kind @ ("ConfigMap" | "Secret")), Some(node)) = (text(one, "kind"), scalar(one, "name")) {
            checker.follow(object, node, Target::core(kind, object.namespace(), node.as_str().unwrap_or_default()));
        }
    }
}
