//! Which requests a policy or a binding is about (`k8s.io/apiserver/pkg/admission/plugin/policy/matching`), for objects that are created.

use hydrate_yaml::node::Node;

use crate::check::labels::{Labels, pairs_match, selects};
use crate::check::objects::Object;
use crate::check::value::{entries, items, text};

/// What an object is to the API server.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    /// API group.
    pub(super) group: String,
    /// Version.
    pub(super) version: String,
    /// `deployments`
    pub(super) plural: String,
    /// Whether it lives in a namespace.
    pub(super) namespaced: bool,
}

/// Whether something is about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Match {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// That needs what is not known.
    Unknown(String),
}

impl Match {
    fn of(fits: bool) -> Self {
        if fits { Self::Yes } else { Self::No }
    }
}

/// The namespace of an object, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'n> {
    /// The Namespace, where it is rendered.
    pub(super) namespace: Option<&'n Object<'n>>,
    /// Its name; empty for what lives in none.
    pub(super) name: &'n str,
}

/// Whether `matchConstraints` or `matchResources` fit.
pub(super) fn matches(criteria: &Node, object: &Object<'_>, resource: &Resource, around: Surroundings<'_>) -> Match {
    let selector = |name: &str| criteria.get(name).filter(|selector| selector.entries().is_some_and(|entries| !entries.is_empty()));
    let mut unknown = None;
    if let Some(selector) = selector("namespaceSelector") {
        match in_namespace(selector, object, resource, around) {
            Match::Yes => {}
            Match::No => return Match::No,
            Match::Unknown(what) => unknown = Some(what),
        }
    }
    if selector("objectSelector").is_some_and(|selector| !selects(selector, &object.labels())) {
        return Match::No;
    }
    let equivalent = text(criteria, "matchPolicy") != Some("Exact");
    let rules = |name: &str| matches_rules(items(criteria, &[name]), equivalent, object, resource);
    match rules("excludeResourceRules") {
        Match::Yes => return Match::No,
        Match::Unknown(what) => unknown = Some(what),
        Match::No => {}
    }
    if !items(criteria, &["resourceRules"]).is_empty() {
        match rules("resourceRules") {
            Match::No => return Match::No,
            Match::Unknown(what) => unknown = Some(what),
            Match::Yes => {}
        }
    }
    unknown.map_or(Match::Yes, Match::Unknown)
}

/// The label that every namespace has.
const NAME: &str = "kubernetes.io/metadata.name";

fn in_namespace(selector: &Node, object: &Object<'_>, resource: &Resource, around: Surroundings<'_>) -> Match {
    if object.kind() == "Namespace" && resource.group.is_empty() {
        return Match::of(selects(selector, &with_name(object, object.name())));
    }
    // What lives in no namespace is never left out by one.
    if !resource.namespaced {
        return Match::Yes;
    }
    if let Some(namespace) = around.namespace {
        return Match::of(selects(selector, &with_name(namespace, around.name)));
    }
    let own = Labels { own: Some((NAME, around.name)), ..Labels::of(None) };
    let is_about_name = |key: Option<&str>| key == Some(NAME);
    let pairs = entries(selector, &["matchLabels"]);
    let expressions = items(selector, &["matchExpressions"]);
    // What is said of its name alone is known without it.
    let named: Vec<(Node, Node)> = pairs.iter().filter(|(key, _)| is_about_name(key.as_str())).cloned().collect();
    if !pairs_match(&named, &own) {
        return Match::No;
    }
    let all_named = named.len() == pairs.len() && expressions.iter().all(|one| is_about_name(text(one, "key")));
    if all_named {
        return Match::of(selects(selector, &own));
    }
    Match::Unknown(format!("the labels of the namespace {}, which is not rendered", around.name))
}

fn with_name<'n>(namespace: &'n Object<'n>, name: &'n str) -> Labels<'n> {
    Labels { own: Some((NAME, name)), ..namespace.labels() }
}

fn matches_rules(rules: &[Node], equivalent: bool, object: &Object<'_>, resource: &Resource) -> Match {
    let has = |rule: &Node, key: &str, wanted: &str| {
        let all = items(rule, &[key]);
        all.iter().filter_map(Node::as_str).any(|one| one == "*" || one == wanted)
    };
    let mut other_version = false;
    for rule in rules {
        let operations = items(rule, &["operations"]);
        let creates = operations.iter().filter_map(Node::as_str).any(|operation| operation == "*" || operation == "CREATE");
        let in_scope = match text(rule, "scope") {
            Some("Namespaced") => resource.namespaced,
            Some("Cluster") => !resource.namespaced,
            _ => true,
        };
        let named = items(rule, &["resourceNames"]);
        let is_named = named.is_empty() || named.iter().any(|name| name.as_str() == Some(object.name()));
        let is_resource = items(rule, &["resources"]).iter().filter_map(Node::as_str).any(|one| {
            // Behind a slash there are parts of objects, which are not created.
            matches!(one, "*" | "*/*") || one == resource.plural || one.strip_suffix("/*") == Some(&resource.plural)
        });
        if !(creates && in_scope && is_named && is_resource && has(rule, "apiGroups", &resource.group)) {
            continue;
        }
        if has(rule, "apiVersions", &resource.version) {
            return Match::Yes;
        }
        other_version = true;
    }
    if other_version && equivalent {
        return Match::Unknown("objects in another version, which the API server converts first".to_owned());
    }
    Match::No
}

/// The name of the resource of a kind of Kubernetes itself.
pub(super) fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_str() {
        "endpoints" => lower,
        word if word.ends_with(['s', 'x']) || word.ends_with("ch") => format!("{word}es"),
        word => match word.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None => format!("{word}s"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_resources() {
        for (kind, resource) in
            [("Pod", "pods"), ("NetworkPolicy", "networkpolicies"), ("Ingress", "ingresses"), ("Endpoints", "endpoints")]
        {
            assert_eq!(plural(kind), resource);
        }
    }
}
