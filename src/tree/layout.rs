//! Objects to files: `kind-name.yaml` each, or one `manifest.yaml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use hydrate_base::hash::sha256;
use hydrate_source::{Document, Identity};

use super::{Files, KUSTOMIZATION};

/// The longest file name written; what is longer is cut and told apart by a digest.
const LONGEST: usize = 200;

/// The files of a component: its documents and the `kustomization.yaml` that lists them. No documents, no files.
pub fn lay_out(documents: &[&Document], one_file: bool) -> Files {
    let mut files = if one_file { manifest(documents) } else { objects(documents) };
    if !files.is_empty() {
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let kustomization = kustomization(&names);
        files.insert(KUSTOMIZATION.to_owned(), kustomization.into_bytes().into());
    }
    files
}

/// The files of a component whose text is there already. No text, no files.
pub fn lay_out_text(text: &str) -> Files {
    if text.trim().is_empty() {
        return Files::new();
    }
    Files::from([
        ("manifest.yaml".to_owned(), Arc::from(text.as_bytes())),
        (KUSTOMIZATION.to_owned(), kustomization(&["manifest.yaml"]).into_bytes().into()),
    ])
}

/// A kustomization that lists resources, in the order given.
pub fn kustomization(resources: &[&str]) -> String {
    let mut text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n".to_owned();
    if resources.is_empty() {
        text.push_str("resources: []\n");
        return text;
    }
    text.push_str("resources:\n");
    for resource in resources {
        text.push_str(&format!("- {resource}\n"));
    }
    text
}

fn manifest(documents: &[&Document]) -> Files {
    if documents.is_empty() {
        return Files::new();
    }
    let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
    Files::from([("manifest.yaml".to_owned(), Arc::from(texts.join("---\n").into_bytes()))])
}

fn objects(documents: &[&Document]) -> Files {
    let identities: Vec<&Identity> = documents.iter().map(|document| &document.identity).collect();
    let names = file_names(&identities);
    names.into_iter().zip(documents).map(|(name, document)| (name, document.text.as_bytes().into())).collect()
}

/// A file name for each identity, all different as long as the identities are. It does not depend on their order.
pub fn file_names(identities: &[&Identity]) -> Vec<String> {
    let mut sharing: BTreeMap<String, Sharing<'_>> = BTreeMap::new();
    for identity in identities {
        sharing.entry(base(identity)).or_insert_with(|| Sharing::new(identity)).add(identity);
    }
    let told_apart: Vec<String> = identities.iter().map(|identity| tell_apart(identity, &sharing[&base(identity)])).collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &told_apart {
        *uses.entry(name).or_default() += 1;
    }
    let names = told_apart.iter().zip(identities);
    names.map(|(name, identity)| finish(name, identity, uses[name.as_str()] > 1)).collect()
}

/// In what those differ that share a kind and a name.
struct Sharing<'i> {
    first: &'i Identity,
    groups_differ: bool,
    namespaces_differ: bool,
}

impl<'i> Sharing<'i> {
    fn new(first: &'i Identity) -> Self {
        Self { first, groups_differ: false, namespaces_differ: false }
    }

    fn add(&mut self, identity: &Identity) {
        self.groups_differ |= identity.group() != self.first.group();
        self.namespaces_differ |= identity.namespace != self.first.namespace;
    }
}

fn base(identity: &Identity) -> String {
    format!("{}-{}", safe(&identity.kind), safe(&identity.name))
}

/// Adds the group where those that share the name differ in it, and then the namespace where they differ in that.
fn tell_apart(identity: &Identity, sharing: &Sharing<'_>) -> String {
    let mut name = safe(&identity.kind);
    if sharing.groups_differ && !identity.group().is_empty() {
        name.push_str(&format!(".{}", safe(identity.group())));
    }
    if sharing.namespaces_differ && !identity.namespace.is_empty() {
        name.push_str(&format!("-{}", safe(&identity.namespace)));
    }
    format!("{name}-{}", safe(&identity.name))
}

/// What is still the same, or too long, gets a digest of the whole identity.
fn finish(name: &str, identity: &Identity, shared: bool) -> String {
    if !shared && name.len() <= LONGEST {
        return format!("{name}.yaml");
    }
    let whole = format!("{}\0{}\0{}\0{}", identity.group(), identity.kind, identity.namespace, identity.name);
    let digest = sha256(whole.as_bytes());
    let cut: String = name.chars().take(LONGEST).collect();
    format!("{cut}-{}.yaml", digest.get(..8).unwrap_or_default())
}

/// Lower case, and nothing that a file system or a shell could take for something else.
fn safe(text: &str) -> String {
    let character = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.') => c,
        _ => '_',
    };
    let safe: String = text.chars().map(character).collect();
    safe.trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(api_version: &str, kind: &str, namespace: &str, name: &str) -> Identity {
        Identity { api_version: api_version.to_owned(), kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    fn names(identities: &[Identity]) -> Vec<String> {
        file_names(&identities.iter().collect::<Vec<_>>())
    }

    #[test]
    fn kind_and_name_where_that_is_enough() {
        assert_eq!(names(&[identity("apps/v1", "StatefulSet", "o", "loki")]), ["statefulset-loki.yaml"]);
        assert_eq!(names(&[identity("v1", "Role", "", "system:../Up")]), ["role-system_.._up.yaml"]);
    }

    #[test]
    fn group_and_namespace_tell_apart() {
        let services = [
            identity("v1", "Service", "a", "x"),
            identity("serving.knative.dev/v1", "Service", "a", "x"),
            identity("v1", "Service", "b", "x"),
        ];
        assert_eq!(names(&services), ["service-a-x.yaml", "service.serving.knative.dev-a-x.yaml", "service-b-x.yaml"]);
    }

    #[test]
    fn what_is_still_the_same_gets_a_digest() {
        let clash = names(&[identity("v1", "Service", "", "a:b"), identity("v1", "Service", "", "a_b")]);
        assert!(clash[0].starts_with("service-a_b-") && clash[1].starts_with("service-a_b-") && clash[0] != clash[1], "{clash:?}");
        let long = names(&[identity("v1", "ConfigMap", "", &"x".repeat(253))]);
        assert!(long[0].len() < 255, "{}", long[0].len());
    }
}
