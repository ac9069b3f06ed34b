//! Namespaces of objects that do not say theirs.
//!
//! `helm install --namespace x` puts such objects into x; plain YAML without a namespace lands wherever the tool that
//! applies it happens to point. So an object of a component with a namespace gets it written in, if its kind is one
//! that lives in namespaces: known from the built-in kinds and from the CRDs of the environment. Objects of other
//! kinds are left as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::source::{Document, compose};
use crate::yaml::node::Node;

/// Cluster-scoped built-in kinds by group (Kubernetes 1.37), and those of the Gateway API and Flux that users meet.
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
    ("authorization.k8s.io", &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("storage.k8s.io", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"]),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
];

/// Groups whose kinds all live in namespaces, unless listed above.
const BUILT_IN: &[&str] = &[
    "",
    "apps",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "gateway.networking.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "storage.k8s.io",
];

/// The CRDs of an environment: which kinds live in namespaces, and which API versions they bring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crds {
    namespaced: BTreeMap<(String, String), bool>,
    /// `group/version` and `group/version/Kind`, sorted: what `.Capabilities.APIVersions` knows of them.
    pub api_versions: Vec<String>,
}

impl Crds {
    /// Takes in a document, if it is a CRD. One that cannot be parsed is somebody else's error.
    pub fn add(&mut self, document: &Document) {
        if document.identity.kind != "CustomResourceDefinition" || document.identity.group() != "apiextensions.k8s.io" {
            return;
        }
        let file = crate::base::SourceFile::new(document.origin.to_string(), document.text.as_bytes());
        if let Ok(Some(root)) = compose::document(&file, 0, &document.text) {
            self.add_spec(&root);
        }
    }

    /// Takes in the CRDs of another part of the environment.
    pub fn extend(&mut self, other: &Self) {
        self.namespaced.extend(other.namespaced.iter().map(|(kind, namespaced)| (kind.clone(), *namespaced)));
        self.api_versions.extend(other.api_versions.iter().cloned());
        self.api_versions.sort();
        self.api_versions.dedup();
    }

    fn add_spec(&mut self, root: &Node) -> Option<()> {
        let spec = root.get("spec")?;
        let group = spec.get("group")?.as_str()?;
        let kind = spec.get("names")?.get("kind")?.as_str()?;
        let namespaced = spec.get("scope").and_then(Node::as_str) != Some("Cluster");
        self.namespaced.insert((group.to_owned(), kind.to_owned()), namespaced);
        for version in spec.get("versions").and_then(Node::items).unwrap_or_default() {
            let served = version.get("served").and_then(Node::as_str) != Some("false");
            if let Some(name) = version.get("name").and_then(Node::as_str).filter(|_| served) {
                self.api_versions.extend([format!("{group}/{name}"), format!("{group}/{name}/{kind}")]);
            }
        }
        self.api_versions.sort();
        self.api_versions.dedup();
        Some(())
    }

    /// Whether a kind lives in namespaces; `None` for kinds that nobody here knows.
    fn is_namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        if CLUSTER_SCOPED.iter().any(|(known, kinds)| *known == group && kinds.contains(&kind)) {
            return Some(false);
        }
        let declared = self.namespaced.get(&(group.to_owned(), kind.to_owned())).copied();
        declared.or_else(|| BUILT_IN.contains(&group).then_some(true))
    }

    /// Writes the namespace into a document that lives in one and does not say which. The text changes by one line.
    pub fn fill(&self, document: &mut Document, namespace: &str) {
        let identity = &document.identity;
        if !identity.namespace.is_empty() || self.is_namespaced(identity.group(), &identity.kind) != Some(true) {
            return;
        }
        if let Some(text) = with_namespace(&document.text, namespace).or_else(|| rewritten(&document.text, namespace)) {
            document.text = text;
            namespace.clone_into(&mut document.identity.namespace);
        }
    }
}

/// The text with a line `namespace:` before the first line under `metadata:`; `None` where metadata is not written
/// as a block.
fn with_namespace(text: &str, namespace: &str) -> Option<String> {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n');
    for line in lines.by_ref() {
        at += line.len();
        let rest = line.strip_prefix("metadata:").map(str::trim);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#')) {
            break;
        }
    }
    let first = lines.find(|line| {
        let content = line.trim_start();
        !content.is_empty() && !content.starts_with('#')
    })?;
    let indent = first.len() - first.trim_start_matches(' ').len();
    if indent == 0 || first.trim_start().starts_with("namespace:") {
        return None;
    }
    let (before, after) = text.split_at_checked(at)?;
    Some(format!("{before}{}namespace: {namespace}\n{after}", " ".repeat(indent)))
}

/// The document written anew with the namespace, for metadata in flow style.
fn rewritten(text: &str, namespace: &str) -> Option<String> {
    let file = crate::base::SourceFile::new("", text.as_bytes());
    let mut root = compose::document(&file, 0, text).ok()??;
    match &mut root.get_mut("metadata")?.data {
        crate::yaml::node::Data::Mapping(entries) => {
            entries.retain(|(key, _)| key.as_str() != Some("namespace"));
            entries.push((Node::string("namespace"), Node::string(namespace)));
        }
        _ => return None,
    }
    compose::emit(&root).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SourceFile;
    use crate::source::document::{Origin, Trust, documents};

    fn filled(crds: &Crds, text: &str) -> String {
        let origin = Origin { source: "test".to_owned(), file: None, line: 0 };
        let mut all = documents(&SourceFile::new("a", text.as_bytes()), &origin, Trust::Raw).unwrap();
        crds.fill(&mut all[0], "o");
        all.remove(0).text
    }

    #[test]
    fn namespaced_kinds_are_filled_and_others_are_not() {
        let crds = Crds::default();
        assert_eq!(
            filled(&crds, "apiVersion: v1\nkind: Service\nmetadata: # m\n    # c\n    name: a\n"),
            "apiVersion: v1\nkind: Service\nmetadata: # m\n    namespace: o\n    # c\n    name: a\n"
        );
        for same in [
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  namespace: p\n",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: a\n",
            "apiVersion: example.org/v1\nkind: Unknown\nmetadata:\n  name: a\n",
        ] {
            assert_eq!(filled(&crds, same), same);
        }
        assert!(filled(&crds, "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n").contains("namespace: o"));
    }

    #[test]
    fn crds_tell_the_scope_and_the_versions() {
        let mut crds = Crds::default();
        let text = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: as.x.io\nspec:\n  group: x.io\n  names:\n    kind: A\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n";
        let origin = Origin { source: "test".to_owned(), file: None, line: 0 };
        documents(&SourceFile::new("a", text.as_bytes()), &origin, Trust::Raw).unwrap().iter().for_each(|document| crds.add(document));
        assert_eq!(crds.api_versions, ["x.io/v1", "x.io/v1/A"]);
        assert!(filled(&crds, "apiVersion: x.io/v1\nkind: A\nmetadata:\n  name: a\n").contains("namespace: o"));
    }
}
