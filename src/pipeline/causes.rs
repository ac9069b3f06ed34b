//! Why a component renders an object: the API version of a CRD that its chart asks for.
//!
//! Only asked about errors, so that it may take time: the component is rendered anew, without the API versions of the environment's CRDs and with
//! those of one of them at a time.

use std::collections::BTreeMap;

use hydrate_base::Diagnostic;
use hydrate_source::{Document, Identity};

use super::scope::Crds;

/// What is needed to say why.
pub(super) struct Causes<'a> {
    /// Who brings an API version, `group/version` and `group/version/Kind`; nobody who is rendered, for `None`.
    owners: BTreeMap<String, Option<String>>,
    /// Renders a component with these API versions alone.
    render: &'a dyn Fn(&str, &[String]) -> Option<Vec<Document>>,
}

impl<'a> Causes<'a> {
    /// Of CRDs that stand in the tree, and of those that components render.
    pub(super) fn new<'c>(
        standing: &Crds,
        rendered: impl Iterator<Item = (&'c String, &'c Crds)>,
        render: &'a dyn Fn(&str, &[String]) -> Option<Vec<Document>>,
    ) -> Self {
        let mut owners: BTreeMap<String, Option<String>> = standing.api_versions.iter().map(|version| (version.clone(), None)).collect();
        for (name, crds) in rendered {
            owners.extend(crds.api_versions.iter().map(|version| (version.clone(), Some(name.clone()))));
        }
        Self { owners, render }
    }

    /// The error with the reason why one of the objects that it is about is there, where that is the API version of a CRD.
    pub(super) fn explain(&self, error: Box<Diagnostic>, objects: &[(&str, &Document)]) -> Box<Diagnostic> {
        let reason = |(name, document): &(&str, &Document)| {
            if !document.origin.source.starts_with("helm chart") && !document.origin.source.starts_with("kustomization") {
                return None;
            }
            Some(((*name).to_owned(), document.origin.to_string(), self.of(name, document)?))
        };
        let Some((name, origin, (version, owner))) = objects.iter().find_map(reason) else { return error };
        let owner = owner.map_or_else(|| "a CRD in the tree".to_owned(), |owner| format!("a CRD of component {owner}"));
        error.note(format!("{origin} gives it because there is the API version {version}, of {owner}")).help(format!(
            "to keep that from the charts of {name}: `apiVersionsFromCRDs: false` in its component.yaml, or at the helm source"
        ))
    }

    /// The API version without which the component does not render the object, and the component that brings it.
    fn of(&self, name: &str, wanted: &Document) -> Option<(String, Option<String>)> {
        let renders = |versions: &[String]| (self.render)(name, versions).is_none_or(|all| all.iter().any(|found| is_same(found, wanted)));
        if self.owners.is_empty() || renders(&[]) {
            return None;
        }
        let mut versions: Vec<&String> = self.owners.keys().filter(|version| version.matches('/').count() == 1).collect();
        versions.sort_by_key(|version| **version != wanted.identity.api_version);
        let with_kinds = |version: &str| -> Vec<String> {
            let is_of = |other: &&String| other.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            self.owners.keys().filter(is_of).cloned().collect()
        };
        let cause = versions.into_iter().find(|version| renders(&with_kinds(version)))?;
        Some((cause.clone(), self.owners.get(cause).cloned().flatten()))
    }
}

/// Whether it is the same object from the same place, before it was given its component's namespace.
fn is_same(found: &Document, wanted: &Document) -> bool {
    let bare = |document: &Document| {
        let Identity { api_version, kind, name, .. } = &document.identity;
        (api_version.clone(), kind.clone(), name.clone(), document.origin.source.clone(), document.origin.file.clone())
    };
    let (found_in, wanted_in) = (&found.identity.namespace, &wanted.identity.namespace);
    bare(found) == bare(wanted) && (found_in.is_empty() || found_in == wanted_in)
}
