//! Who an object is: group, version, kind, name and namespace, and how kustomize compares and prints them.
//!
//! Follows `kyaml/resid/{gvk,resid}.go` of kustomize 5.8.1.

use std::fmt;

use ecow::EcoString;

/// Group, version and kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Gvk {
    /// The API group; empty for the core group, or for "any" in a selector.
    pub group: EcoString,
    /// The version.
    pub version: EcoString,
    /// The kind.
    pub kind: EcoString,
}

/// Full identity of an object. `cluster_scoped` takes part in comparisons of namespaces only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResId {
    /// Group, version and kind.
    pub gvk: Gvk,
    /// `metadata.name`
    pub name: EcoString,
    /// `metadata.namespace`
    pub namespace: EcoString,
    /// Whether the kind is known to live outside of namespaces.
    pub cluster_scoped: bool,
}

/// What kustomize takes as the namespace of cluster-scoped objects.
pub(crate) const NOT_A_NAMESPACE: &str = "_non_namespaceable_";

/// The namespace of objects that name none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Splits an `apiVersion` at its first slash; without one all of it is the version.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn or<'a>(text: &'a str, empty: &'a str) -> &'a str {
    if text.is_empty() { empty } else { text }
}

impl Gvk {
    /// From an `apiVersion` and a kind.
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// The `apiVersion`.
    pub(crate) fn api_version(&self) -> EcoString {
        if self.group.is_empty() { self.version.clone() } else { ecow::eco_format!("{}/{}", self.group, self.version) }
    }

    /// Whether every part that `selector` names is the same here.
    pub(crate) fn is_selected(&self, selector: &Gvk) -> bool {
        let fits = |wanted: &EcoString, have: &EcoString| wanted.is_empty() || wanted == have;
        fits(&selector.group, &self.group) && fits(&selector.version, &self.version) && fits(&selector.kind, &self.kind)
    }

    /// Group, version and kind as the text that ties are broken by.
    pub(crate) fn sort_text(&self) -> String {
        format!("{}_{}_{}", or(&self.group, "~G"), or(&self.version, "~V"), or(&self.kind, "~K"))
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", or(&self.kind, "[noKind]"), or(&self.version, "[noVer]"), or(&self.group, "[noGrp]"))
    }
}

impl ResId {
    /// The namespace that comparisons use.
    pub(crate) fn effective_namespace(&self) -> &str {
        match self.namespace.as_str() {
            _ if self.cluster_scoped => NOT_A_NAMESPACE,
            "" => DEFAULT_NAMESPACE,
            namespace => namespace,
        }
    }

    /// Same group, version, kind and name.
    pub(crate) fn same_object(&self, other: &ResId) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    /// Same namespace, as far as both live in one.
    pub(crate) fn same_namespace(&self, other: &ResId) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    /// Same object in the same namespace.
    pub(crate) fn same(&self, other: &ResId) -> bool {
        self.same_namespace(other) && self.same_object(other)
    }

    /// Whether everything that `selector` names is the same here.
    pub(crate) fn is_selected_by(&self, selector: &ResId) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty() || selector.same_namespace(self))
            && self.gvk.is_selected(&selector.gvk)
    }

    /// Whether it names nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.gvk, or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"))
    }
}
