//! Namespaces of objects that do not say theirs.
//!
//! `helm install --namespace x` puts such objects into x; plain YAML without a namespace lands wherever the tool that
//! applies it happens to point. So an object of a component with a namespace gets it written in, if its kind is one
//! that lives in namespaces: known from the built-in kinds and from the CRDs of the environment. Objects of other
//! kinds are left as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use hydrate_base::{Diagnostic, Result};
use hydrate_kubernetes::{Scope, has_namespaced_kinds, scope_of_kind};
use hydrate_source::namespace::set as set_namespace;
use hydrate_source::{Document, compose};
use hydrate_yaml::node::Node;

/// A group that users meet without its CRDs, and its kinds outside of namespaces.
const GATEWAY_API: (&str, &[&str]) = ("gateway.networking.k8s.io", &["GatewayClass"]);

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
        let file = hydrate_base::SourceFile::new(document.origin.to_string(), document.text.as_bytes());
        if let Ok(Some(root)) = compose::document(&file, 0, &document.text) {
            self.add_spec(&root);
        }
    }

    /// Their kinds by group and kind, and whether objects of them live in namespaces.
    pub fn kinds(&self) -> &BTreeMap<(String, String), bool> {
        &self.namespaced
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
            let served = !version.get("served").and_then(Node::as_str).is_some_and(|served| served.eq_ignore_ascii_case("false"));
            if let Some(name) = version.get("name").and_then(Node::as_str).filter(|_| served) {
                self.api_versions.extend([format!("{group}/{name}"), format!("{group}/{name}/{kind}")]);
            }
        }
        self.api_versions.sort();
        self.api_versions.dedup();
        Some(())
    }

    /// Whether a kind lives in namespaces; `None` for kinds that nobody here knows. A kind of Kubernetes' own groups that is not listed is one of
    /// a release that is not, and most of those live in namespaces.
    fn is_namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        let (gateway_api, outside) = GATEWAY_API;
        let is_outside = scope_of_kind(group, kind) == Some(Scope::Cluster) || group == gateway_api && outside.contains(&kind);
        if is_outside {
            return Some(false);
        }
        let declared = self.namespaced.get(&(group.to_owned(), kind.to_owned())).copied();
        declared.or_else(|| (group == gateway_api || has_namespaced_kinds(group)).then_some(true))
    }

    /// Writes the namespace into a document that lives in one and does not say which.
    pub fn fill(&self, document: &mut Document, namespace: &str) -> Result<()> {
        let identity = &document.identity;
        if !identity.namespace.is_empty() || self.is_namespaced(identity.group(), &identity.kind) != Some(true) {
            return Ok(());
        }
        let cannot = |why: String| {
            Diagnostic::error(format!("the namespace `{namespace}` cannot be written into {identity}"))
                .note(why)
                .note(format!("it comes from {}", document.origin))
                .help("write `metadata.namespace` into the object where it is made")
        };
        document.text = set_namespace(&document.text, namespace).map_err(cannot)?;
        namespace.clone_into(&mut document.identity.namespace);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::SourceFile;
    use hydrate_source::{Origin, Trust, documents};

    fn filled(crds: &Crds, text: &str) -> String {
        let origin = Origin { source: "test".to_owned(), file: None, line: 0 };
        let mut all = documents(&SourceFile::new("a", text.as_bytes()), &origin, Trust::Raw).unwrap();
        crds.fill(&mut all[0], "o").unwrap();
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
