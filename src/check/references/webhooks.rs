//! What the API server calls: the Services of webhooks, aggregated APIs and conversions.

use crate::check::objects::Object;
use crate::check::rule::Rule;
use crate::check::value::{at, items, scalar, text};
use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use super::services::follow_port;
use super::{Checker, Target};

/// `webhook-reference`
pub(super) const RULE: Rule = Rule {
    code: "webhook-reference",
    severity: Severity::Warning,
    title: "What the API server calls is there",
    text: "Services and ports of webhooks, of APIServices, and of conversions in CRDs. A webhook whose Service is missing makes the API server refuse what it is for.",
};

/// Webhook configurations, APIServices and CustomResourceDefinitions.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        for object in index.of("admissionregistration.k8s.io", kind) {
            for hook in items(&object.root, &["webhooks"]) {
                service(checker, object, at(hook, &["clientConfig", "service"]));
            }
        }
    }
    for object in index.of("apiregistration.k8s.io", "APIService") {
        service(checker, object, at(&object.root, &["spec", "service"]));
    }
    for object in index.of("apiextensions.k8s.io", "CustomResourceDefinition") {
        service(checker, object, at(&object.root, &["spec", "conversion", "webhook", "clientConfig", "service"]));
    }
}

/// A Service by name and namespace, called on port 443 where none is said.
fn service<'a>(checker: &mut Checker<'a>, from: &'a Object<'a>, reference: Option<&'a Node>) {
    let Some((reference, node)) = reference.and_then(|reference| Some((reference, scalar(reference, "name")?))) else { return };
    let namespace = text(reference, "namespace").unwrap_or_default();
    let found = checker.follow(from, node, Target::core("Service", namespace, node.as_str().unwrap_or_default()));
    if let Some(found) = found {
        let port = scalar(reference, "port");
        follow_port(checker, from, found, port.unwrap_or(node), port.and_then(Node::as_str).unwrap_or("443"));
    }
}
