//! Services and Ingresses.

use std::collections::BTreeSet;

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{at, items, text};

use super::containers::{INVALID_PORT, number, number_or_name};
use super::reading::{filled, int, key, present};
use super::rule::{Rule, Sink};
use super::{grammar, labels};

/// `invalid-service`
pub(super) const INVALID_SERVICE: Rule = Rule {
    code: "invalid-service",
    severity: Severity::Error,
    title: "Services have ports that can be told apart, and only what their type may have",
    text: "A Service has ports, unless it is headless (`clusterIP: None`) or an ExternalName. Several ports have names, all different; no port and \
           protocol comes twice. `nodePort` is not for `type: ClusterIP`; `externalTrafficPolicy` is for what can be reached from outside; \
           `loadBalancer…` fields are for `type: LoadBalancer`; a headless Service is neither a NodePort nor a LoadBalancer.",
};

/// `invalid-ingress`
pub(super) const INVALID_INGRESS: Rule = Rule {
    code: "invalid-ingress",
    severity: Severity::Error,
    title: "Ingresses have rules, hosts that are names, and backends that say one port",
    text: "Every path has a `pathType`, and begins with `/` (without `..`, `//` and `%2f` unless it is ImplementationSpecific). Hosts are names, `*.` at the \
           beginning at most, and no addresses. A backend is a Service with the name or the number of a port, or a resource.",
};

/// Services.
pub(super) fn service<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let kind = text(spec, "type").filter(|kind| !kind.is_empty()).unwrap_or("ClusterIP");
    let is_headless = text(spec, "clusterIP") == Some("None");
    labels::labels(sink, spec.get("selector"));
    let ports = items(spec, &["ports"]);
    if ports.is_empty() && !is_headless && kind != "ExternalName" {
        sink.report(&INVALID_SERVICE, spec.get("ports").unwrap_or(spec), "it has no ports");
    }
    if is_headless
        && matches!(kind, "NodePort" | "LoadBalancer")
        && let Some(node) = spec.get("clusterIP")
    {
        sink.report(&INVALID_SERVICE, node, format!("a Service of `type: {kind}` cannot be headless (`clusterIP: None`)"));
    }
    if kind == "ExternalName" {
        external(sink, spec);
    }
    each_port(sink, ports, kind);
    for name in ["loadBalancerSourceRanges", "loadBalancerClass", "allocateLoadBalancerNodePorts"] {
        if let Some(node) = filled(spec, name).filter(|_| kind != "LoadBalancer") {
            sink.report(&INVALID_SERVICE, node, format!("`{name}` is for `type: LoadBalancer`, and this is a {kind}"));
        }
    }
    let from_outside = matches!(kind, "NodePort" | "LoadBalancer") || kind == "ClusterIP" && !items(spec, &["externalIPs"]).is_empty();
    if let Some(node) = filled(spec, "externalTrafficPolicy").filter(|_| !from_outside) {
        sink.report(
            &INVALID_SERVICE,
            node,
            format!("`externalTrafficPolicy` is for what can be reached from outside, and this is a {kind}"),
        );
    }
    addresses(sink, spec);
}

fn external<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    match filled(spec, "externalName") {
        None => {
            sink.report(&INVALID_SERVICE, spec.get("type").unwrap_or(spec), "a Service of `type: ExternalName` needs `externalName`");
        }
        Some(node) => {
            let name = key(node);
            if let Some(why) = grammar::dns_subdomain(name.strip_suffix('.').unwrap_or(name)) {
                sink.report(&INVALID_SERVICE, node, format!("`externalName` cannot be `{name}`")).notes.push(why);
            }
        }
    }
    if let Some(node) = filled(spec, "clusterIP") {
        sink.report(&INVALID_SERVICE, node, "a Service of `type: ExternalName` has no `clusterIP`");
    }
}

fn each_port<'a>(sink: &mut Sink<'a>, ports: &'a [Node], kind: &str) {
    let mut names = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    let mut node_ports = BTreeSet::new();
    for port in ports.iter().filter(|port| port.entries().is_some()) {
        match filled(port, "name") {
            Some(node) => {
                if let Some(why) = grammar::dns_label(key(node)) {
                    sink.report(&INVALID_SERVICE, node, format!("`{}` cannot be the name of a port", key(node))).notes.push(why);
                }
                if !names.insert(key(node)) {
                    sink.report(&INVALID_SERVICE, node, format!("two ports are called `{}`", key(node)));
                }
            }
            None if ports.len() > 1 => {
                sink.report(&INVALID_SERVICE, port, "ports need names where there are several");
            }
            None => {}
        }
        number(sink, port, "port");
        // Without one, or with 0, it is that of the Service.
        if filled(port, "targetPort").is_some() && int(port, "targetPort") != Some(0) {
            number_or_name(sink, &INVALID_PORT, port, "targetPort");
        }
        let protocol = text(port, "protocol").filter(|text| !text.is_empty()).unwrap_or("TCP");
        if let (Some(number), Some(node)) = (int(port, "port"), port.get("port"))
            && !numbers.insert((protocol, number))
        {
            sink.report(&INVALID_SERVICE, node, format!("two ports are {protocol} {number}"));
        }
        if let (Some(number), Some(node)) = (int(port, "nodePort").filter(|number| *number != 0), port.get("nodePort")) {
            if kind == "ClusterIP" {
                sink.report(&INVALID_SERVICE, node, "a Service of `type: ClusterIP` has no `nodePort`");
            } else if !node_ports.insert((protocol, number)) {
                sink.report(&INVALID_SERVICE, node, format!("two ports have the `nodePort` {number}"));
            }
        }
        if let Some(node) = filled(port, "appProtocol")
            && let Some(why) = grammar::qualified_name(key(node))
        {
            sink.report(&INVALID_SERVICE, node, format!("`appProtocol` cannot be `{}`", key(node))).notes.push(why);
        }
    }
}

fn addresses<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    for node in items(spec, &["externalIPs"]) {
        if let Some(why) = node.as_str().and_then(grammar::ip) {
            sink.report(&INVALID_SERVICE, node, format!("`{}` is no address", key(node))).notes.push(why);
        }
    }
    for node in items(spec, &["loadBalancerSourceRanges"]) {
        if node.as_str().is_some_and(|text| grammar::cidr(text.trim()).is_none()) {
            sink.report(&INVALID_SERVICE, node, format!("`{}` is no range of addresses, such as 10.0.0.0/8", key(node)));
        }
    }
    if let Some(node) = filled(spec, "clusterIP").filter(|node| key(node) != "None")
        && let Some(why) = grammar::ip(key(node))
    {
        sink.report(&INVALID_SERVICE, node, format!("`clusterIP` cannot be `{}`", key(node))).notes.push(why);
    }
}

/// Ingresses.
pub(super) fn ingress<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let rules = items(spec, &["rules"]);
    let default = present(spec, "defaultBackend");
    if rules.is_empty() && default.is_none() {
        sink.report(&INVALID_INGRESS, spec, "it needs `rules` or a `defaultBackend`");
    }
    if let Some(node) = default {
        backend(sink, node);
    }
    for rule in rules {
        if let Some(node) = filled(rule, "host") {
            host(sink, node);
        }
        let Some(http) = present(rule, "http") else { continue };
        if let Some(node) = http.get("paths").filter(|node| node.items().is_some_and(<[_]>::is_empty)) {
            sink.report(&INVALID_INGRESS, node, "a rule needs at least one path");
        }
        items(http, &["paths"]).iter().for_each(|one| path(sink, one));
    }
    for tls in items(spec, &["tls"]) {
        items(tls, &["hosts"]).iter().for_each(|node| host(sink, node));
        name(sink, tls, "secretName");
    }
    name(sink, spec, "ingressClassName");
    let annotation = at(&sink.object.root, &["metadata", "annotations", "kubernetes.io/ingress.class"]);
    if let (Some(node), Some(class)) = (annotation, present(spec, "ingressClassName"))
        && node.as_str() != class.as_str()
    {
        sink.report(
            &INVALID_INGRESS,
            node,
            format!("the annotation `kubernetes.io/ingress.class` and `ingressClassName` ({}) differ", key(class)),
        );
    }
}

fn name<'a>(sink: &mut Sink<'a>, node: &'a Node, field: &str) {
    if let Some(node) = filled(node, field)
        && let Some(why) = grammar::dns_subdomain(key(node))
    {
        sink.report(&INVALID_INGRESS, node, format!("`{field}` cannot be `{}`", key(node))).notes.push(why);
    }
}

fn host<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    let Some(text) = node.as_str() else { return };
    let why = match text.contains('*') {
        true => grammar::wildcard_subdomain(text),
        false if grammar::ip(text).is_none() => Some("it has to be a name, not an address".to_owned()),
        false => grammar::dns_subdomain(text),
    };
    if let Some(why) = why {
        sink.report(&INVALID_INGRESS, node, format!("`{text}` cannot be a host")).notes.push(why);
    }
}

fn path<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    let Some(kind) = filled(node, "pathType") else { return };
    let found = filled(node, "path");
    let text = found.map_or("", key);
    let is_path = matches!(key(kind), "Exact" | "Prefix");
    if !text.starts_with('/') && (is_path || !text.is_empty()) {
        sink.report(&INVALID_INGRESS, found.unwrap_or(node), format!("a path begins with `/`, and this is `{text}`"));
    } else if is_path {
        let inside = ["//", "/./", "/../", "%2f", "%2F"].into_iter().find(|part| text.contains(part));
        let behind = ["/..", "/."].into_iter().find(|part| text.ends_with(part));
        if let (Some(part), Some(node)) = (inside.or(behind), found) {
            sink.report(&INVALID_INGRESS, node, format!("a path with `pathType: {}` cannot have `{part}` in it", key(kind)));
        }
    }
    if let Some(node) = present(node, "backend") {
        backend(sink, node);
    }
}

fn backend<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    let (service, resource) = (present(node, "service"), present(node, "resource"));
    let service = match (service, resource) {
        (Some(_), Some(node)) => {
            sink.report(&INVALID_INGRESS, node, "a backend is a `service` or a `resource`, not both");
            return;
        }
        (None, Some(_)) => return,
        (None, None) => {
            sink.report(&INVALID_INGRESS, node, "a backend needs a `service` or a `resource`");
            return;
        }
        (Some(service), None) => service,
    };
    if let Some(node) = filled(service, "name") {
        let why = if sink.minor < 36 { grammar::dns_1035_label(key(node)) } else { grammar::dns_label(key(node)) };
        if let Some(why) = why {
            sink.report(&INVALID_INGRESS, node, format!("`{}` cannot be the name of a Service", key(node))).notes.push(why);
        }
    }
    let port = present(service, "port");
    let named = port.and_then(|port| filled(port, "name"));
    let number_of = port.and_then(|port| int(port, "number")).filter(|number| *number != 0);
    match (named, number_of) {
        (Some(node), Some(_)) => {
            sink.report(&INVALID_INGRESS, node, "a backend says the name or the number of a port, not both");
        }
        (None, None) => {
            sink.report(&INVALID_INGRESS, port.unwrap_or(service), "a backend needs the name or the number of a port");
        }
        (Some(node), None) => {
            if let Some(why) = grammar::port_name(key(node)) {
                sink.report(&INVALID_PORT, node, format!("`{}` cannot be the name of a port", key(node))).notes.push(why);
            }
        }
        (None, Some(_)) => {
            if let Some(port) = port {
                number(sink, port, "number");
            }
        }
    }
}
