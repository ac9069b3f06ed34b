//! What containers ask for.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{entries, items};

use super::grammar;
use super::reading::{Value, key, present, value};
use super::rule::{Rule, Sink};

/// `invalid-resources`
pub(super) const INVALID_RESOURCES: Rule = Rule {
    code: "invalid-resources",
    severity: Severity::Error,
    title: "Requests are not negative and not above limits, and resources exist",
    text: "Of every resource a container requests at most its limit. Containers know `cpu`, `memory`, `ephemeral-storage` and `hugepages-…`; anything else \
           needs a domain, as in `nvidia.com/gpu`, is whole, has a limit, and its request is the limit.",
};

/// The resources of all containers of a pod.
pub(super) fn check<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    for list in ["containers", "initContainers"] {
        for container in items(spec, &[list]) {
            if let Some(resources) = present(container, "resources") {
                of_container(sink, resources);
            }
        }
    }
}

/// A quantity in billionths; `None` where it is none, or none that is computed here.
fn amount(node: &Node) -> Option<i128> {
    match value(node) {
        Value::Int(_) | Value::Number(_) | Value::Text(_) => grammar::quantity(node.as_str()?.trim()).ok().flatten(),
        Value::Null => Some(0),
        _ => None,
    }
}

fn of_container<'a>(sink: &mut Sink<'a>, resources: &'a Node) {
    let limits = entries(resources, &["limits"]);
    let limit_of = |name: &str| limits.iter().find(|(key_node, _)| key(key_node) == name).map(|(_, node)| node);
    for list in ["limits", "requests"] {
        for (name, node) in entries(resources, &[list]) {
            let resource = key(name);
            if !is_known(resource) {
                sink.report(&INVALID_RESOURCES, name, format!("`{resource}` is no resource of a container"));
                continue;
            }
            if amount(node).is_some_and(|amount| amount < 0) {
                sink.report(&INVALID_RESOURCES, node, format!("`{resource}` cannot be negative"));
            }
            if resource.contains('/') && amount(node).is_some_and(|amount| amount % 1_000_000_000 != 0) {
                sink.report(&INVALID_RESOURCES, node, format!("`{resource}` has to be whole"));
            }
        }
    }
    for (name, node) in entries(resources, &["requests"]) {
        let resource = key(name);
        let is_extended = resource.contains('/') && !resource.starts_with("kubernetes.io/");
        match (limit_of(resource), amount(node)) {
            (Some(limit), Some(request)) => {
                let Some(most) = amount(limit) else { continue };
                let says = match (request > most, is_extended || resource.starts_with("hugepages-")) {
                    (true, _) => format!("it requests more {resource} ({}) than its limit ({})", key(node), key(limit)),
                    (false, true) if request != most => format!("its request of {resource} has to be its limit ({})", key(limit)),
                    _ => continue,
                };
                sink.report(&INVALID_RESOURCES, node, says);
            }
            (None, Some(_)) if is_extended || resource.starts_with("hugepages-") => {
                sink.report(&INVALID_RESOURCES, node, format!("it requests {resource} and has no limit of it"));
            }
            _ => {}
        }
    }
}

fn is_known(resource: &str) -> bool {
    let plain = matches!(resource, "cpu" | "memory" | "ephemeral-storage") || resource.starts_with("hugepages-");
    plain || resource.contains('/') && grammar::qualified_name(resource).is_none()
}
