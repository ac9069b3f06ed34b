//! Ways in: Ingress, and the Gateways and routes of the Gateway API.

use crate::check::finding::Finding;
use crate::check::labels::selects;
use crate::check::objects::{Object, title};
use crate::check::rule::Rule;
use crate::check::value::{at, items, scalar, text};
use hydrate_base::{Severity, suggest};
use hydrate_yaml::node::Node;

use super::pods::listed;
use super::services::follow_port;
use super::{Checker, Target};

/// `route-reference`
pub(super) const RULE: Rule = Rule {
    code: "route-reference",
    severity: Severity::Warning,
    title: "Ways in lead to Services, and Gateways take their routes",
    text: "Ingresses: Services, their ports, certificates, classes. Gateways: classes and certificates. HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute: Gateways with the listener, its namespaces and host names; Services and ports; ReferenceGrants where they are in other namespaces.",
};

const GROUP: &str = "gateway.networking.k8s.io";

/// Kinds of routes.
const ROUTES: &[&str] = &["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"];

/// Ingresses, Gateways and routes.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    index.of("networking.k8s.io", "Ingress").iter().for_each(|ingress| self::ingress(checker, ingress));
    index.of(GROUP, "Gateway").iter().for_each(|gateway| self::gateway(checker, gateway));
    for route in ROUTES.iter().flat_map(|kind| index.of(GROUP, kind)) {
        items(&route.root, &["spec", "parentRefs"]).iter().for_each(|parent| self::parent(checker, route, parent));
        for rule in items(&route.root, &["spec", "rules"]) {
            items(rule, &["backendRefs"]).iter().for_each(|backend| self::backend(checker, route, backend));
            let own = items(rule, &["backendRefs"]).iter().flat_map(|backend| items(backend, &["filters"]));
            for mirror in items(rule, &["filters"]).iter().chain(own).filter_map(|filter| at(filter, &["requestMirror", "backendRef"])) {
                self::backend(checker, route, mirror);
            }
        }
    }
}

fn ingress<'a>(checker: &mut Checker<'a>, ingress: &'a Object<'a>) {
    let rules = items(&ingress.root, &["spec", "rules"]).iter().flat_map(|rule| items(rule, &["http", "paths"]));
    let backends = rules.filter_map(|path| path.get("backend")).chain(at(&ingress.root, &["spec", "defaultBackend"]));
    for service in backends.filter_map(|backend| backend.get("service")) {
        let Some(node) = scalar(service, "name") else { continue };
        let found = checker.follow(ingress, node, Target::core("Service", ingress.namespace(), node.as_str().unwrap_or_default()));
        let port = service.get("port").and_then(|port| scalar(port, "number").or_else(|| scalar(port, "name")));
        // A name of this kind is an action of the load balancer, and no port.
        if let (Some(found), Some(port)) = (found, port.filter(|port| port.as_str() != Some("use-annotation"))) {
            follow_port(checker, ingress, found, port, port.as_str().unwrap_or_default());
        }
    }
    for node in items(&ingress.root, &["spec", "tls"]).iter().filter_map(|tls| scalar(tls, "secretName")) {
        checker.follow(ingress, node, Target::core("Secret", ingress.namespace(), node.as_str().unwrap_or_default()));
    }
    if let Some(node) = at(&ingress.root, &["spec"]).and_then(|spec| scalar(spec, "ingressClassName")) {
        let name = node.as_str().unwrap_or_default();
        checker.follow(ingress, node, Target { group: "networking.k8s.io", kind: "IngressClass", namespace: "", name });
    }
}

fn gateway<'a>(checker: &mut Checker<'a>, gateway: &'a Object<'a>) {
    if let Some(node) = at(&gateway.root, &["spec"]).and_then(|spec| scalar(spec, "gatewayClassName")) {
        checker.follow(
            gateway,
            node,
            Target { group: GROUP, kind: "GatewayClass", namespace: "", name: node.as_str().unwrap_or_default() },
        );
    }
    for reference in items(&gateway.root, &["spec", "listeners"]).iter().flat_map(|listener| items(listener, &["tls", "certificateRefs"])) {
        let Some(node) = scalar(reference, "name").filter(|_| text(reference, "kind").is_none_or(|kind| kind == "Secret")) else {
            continue;
        };
        let target = Target::core("Secret", text(reference, "namespace").unwrap_or(gateway.namespace()), node.as_str().unwrap_or_default());
        checker.follow(gateway, node, target);
        granted(checker, gateway, node, target);
    }
}

/// A parent of a route is a Gateway with the listener that is named, and takes routes of this kind and namespace.
fn parent<'a>(checker: &mut Checker<'a>, route: &'a Object<'a>, parent: &'a Node) {
    let is_gateway = text(parent, "group").unwrap_or(GROUP) == GROUP && text(parent, "kind").unwrap_or("Gateway") == "Gateway";
    let Some(node) = scalar(parent, "name").filter(|_| is_gateway) else { return };
    let namespace = text(parent, "namespace").unwrap_or(route.namespace());
    let target = Target { group: GROUP, kind: "Gateway", namespace, name: node.as_str().unwrap_or_default() };
    let Some(gateway) = checker.follow(route, node, target) else { return };
    let all = items(&gateway.root, &["spec", "listeners"]);
    let mut listeners: Vec<&'a Node> = all.iter().collect();
    for (key, field, what) in [("sectionName", "name", "listener"), ("port", "port", "listener at port")] {
        let Some(node) = scalar(parent, key) else { continue };
        let wanted = node.as_str();
        listeners.retain(|listener| text(listener, field) == wanted);
        checker.count();
        if listeners.is_empty() {
            let names: Vec<&str> = all.iter().filter_map(|listener| text(listener, field)).collect();
            let wanted = wanted.unwrap_or_default();
            let message = format!("{} refers to {what} `{wanted}` of {}, which does not have it", route.title(), gateway.title());
            let close = if key == "sectionName" { suggest::closest(wanted, names.iter().copied()) } else { None };
            checker.add(Finding::new(route, node, message).meant(close).note(format!("its listeners: {}", listed(&names))));
            return;
        }
    }
    checker.count();
    if !listeners.iter().any(|listener| takes_namespace(checker, route, gateway, listener)) {
        let message = format!("{} takes no routes from the namespace `{}`, so not {}", gateway.title(), route.namespace(), route.title());
        checker.add(
            Finding::new(route, node, message).help("change `allowedRoutes.namespaces` of the listener, or the labels of the namespace"),
        );
        return;
    }
    listeners.retain(|listener| takes_namespace(checker, route, gateway, listener));
    hostnames(checker, route, gateway, &listeners);
}

fn takes_namespace(checker: &Checker<'_>, route: &Object<'_>, gateway: &Object<'_>, listener: &Node) -> bool {
    let namespaces = at(listener, &["allowedRoutes", "namespaces"]);
    match namespaces.and_then(|namespaces| text(namespaces, "from")).unwrap_or("Same") {
        "Same" => route.namespace() == gateway.namespace(),
        "None" => false,
        "Selector" => {
            let Some(selector) = namespaces.and_then(|namespaces| namespaces.get("selector")) else { return true };
            // The labels of a namespace that nobody renders are not known.
            checker.index.find("", "Namespace", "", route.namespace()).is_none()
                || selects(selector, &checker.index.namespace_labels(route.document.identity.namespace.as_str()))
        }
        _ => true,
    }
}

/// One of the route's host names is one that a listener answers to.
fn hostnames<'a>(checker: &mut Checker<'a>, route: &'a Object<'a>, gateway: &'a Object<'a>, listeners: &[&'a Node]) {
    let own = items(&route.root, &["spec", "hostnames"]);
    let answered: Option<Vec<&str>> = listeners.iter().map(|listener| text(listener, "hostname").filter(|name| !name.is_empty())).collect();
    let (Some(answered), Some(first)) = (answered, own.first()) else { return };
    checker.count();
    let meets = |name: &str| answered.iter().any(|listener| same_host(listener, name));
    if !own.iter().filter_map(Node::as_str).any(meets) {
        let message = format!("{} answers to none of the host names of {}", gateway.title(), route.title());
        checker.add(Finding::new(route, first, message).note(format!("it answers to {}", listed(&answered))));
    }
}

/// Whether two host names, of which each may begin with `*.`, have a name in common.
fn same_host(a: &str, b: &str) -> bool {
    let under = |wild: &str, name: &str| wild.strip_prefix('*').is_some_and(|rest| name.trim_start_matches('*').ends_with(rest));
    a == b || under(a, b) || under(b, a)
}

/// A backend is a Service with the port, and in another namespace one that lets the route point there.
fn backend<'a>(checker: &mut Checker<'a>, route: &'a Object<'a>, backend: &'a Node) {
    let is_service = text(backend, "group").unwrap_or_default().is_empty() && text(backend, "kind").unwrap_or("Service") == "Service";
    let Some(node) = scalar(backend, "name").filter(|_| is_service) else { return };
    let target = Target::core("Service", text(backend, "namespace").unwrap_or(route.namespace()), node.as_str().unwrap_or_default());
    let Some(service) = checker.follow(route, node, target) else { return };
    if let Some(port) = scalar(backend, "port") {
        follow_port(checker, route, service, port, port.as_str().unwrap_or_default());
    }
    granted(checker, route, node, target);
}

/// A reference into another namespace needs a ReferenceGrant there.
fn granted<'a>(checker: &mut Checker<'a>, from: &'a Object<'a>, node: &'a Node, target: Target<'_>) {
    if target.namespace == from.namespace() {
        return;
    }
    checker.count();
    let allows = |grant: &&Object<'_>| {
        let source = |one: &Node| {
            text(one, "group").unwrap_or_default() == from.group()
                && text(one, "kind") == Some(from.kind())
                && text(one, "namespace") == Some(from.namespace())
        };
        let to = |one: &Node| text(one, "kind") == Some(target.kind) && text(one, "name").is_none_or(|name| name == target.name);
        grant.namespace() == target.namespace
            && items(&grant.root, &["spec", "from"]).iter().any(source)
            && items(&grant.root, &["spec", "to"]).iter().any(to)
    };
    let granted = checker.index.of(GROUP, "ReferenceGrant").iter().any(allows);
    let elsewhere = || checker.declared.external.iter().any(|one| one.covers("ReferenceGrant", target.namespace, "*"));
    if !granted && !elsewhere() {
        let (space, home) = (target.namespace, from.namespace());
        let message =
            format!("{} refers to {} without a ReferenceGrant in `{space}`", from.title(), title(target.kind, space, target.name));
        checker.add(Finding::new(from, node, message).help(format!(
            "render a ReferenceGrant in `{space}` that allows {} of `{home}` to refer to {}s",
            from.kind(),
            target.kind
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::same_host;

    #[test]
    fn host_names_meet() {
        for (a, b) in [("a.b", "a.b"), ("*.b", "a.b"), ("a.b", "*.b"), ("*.b", "*.a.b"), ("*.b", "x.a.b")] {
            assert!(same_host(a, b), "{a} {b}");
        }
        for (a, b) in [("a.b", "c.b"), ("*.b", "b"), ("*.b", "ab"), ("*.c", "*.b")] {
            assert!(!same_host(a, b), "{a} {b}");
        }
    }
}
