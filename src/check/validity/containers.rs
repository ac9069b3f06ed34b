//! Containers: their names, images, ports, variables and handlers.

use std::collections::BTreeSet;

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{at, items, text};

use super::grammar;
use super::reading::{Value, filled, int, key, present, value};
use super::rule::{Rule, Sink};

/// `invalid-container`
pub(super) const INVALID_CONTAINER: Rule = Rule {
    code: "invalid-container",
    severity: Severity::Error,
    title: "Containers have names of their own and images, and only what containers of their kind may have",
    text: "Names of containers are labels of RFC 1123, and different in a pod, init containers included. Each has an image. Probes and `lifecycle` are for \
           ordinary containers and for init containers with `restartPolicy: Always`.\n\nA template whose values leave the image or its tag out renders \
           `image: ` or a container without one.",
};

/// `invalid-port`
pub(super) const INVALID_PORT: Rule = Rule {
    code: "invalid-port",
    severity: Severity::Error,
    title: "Ports are between 1 and 65535, and their names short and different",
    text: "The name of a port of a container has at most 15 lower-case letters, digits and `-`, at least one of them a letter, and is different from \
           others of the same container. A port of the host is used once in a pod, and is that of the container with `hostNetwork`.",
};

/// `invalid-env`
pub(super) const INVALID_ENV: Rule = Rule {
    code: "invalid-env",
    severity: Severity::Error,
    title: "Variables of containers have a name, and a value or one source",
    text: "Up to Kubernetes 1.31 names have letters, digits, `_`, `-` and `.` and do not begin with a digit; later any printable ASCII but `=`. `value` and \
           `valueFrom` exclude each other, and `valueFrom` and the items of `envFrom` have exactly one source.",
};

/// `invalid-probe`
pub(super) const INVALID_PROBE: Rule = Rule {
    code: "invalid-probe",
    severity: Severity::Error,
    title: "Probes and lifecycle handlers do exactly one thing, with numbers that make sense",
    text: "A probe has one of `exec`, `httpGet`, `tcpSocket` and `grpc`, a handler one of `exec`, `httpGet`, `tcpSocket` and `sleep`. Ports are numbers from 1 \
           to 65535 or names of ports. Periods and thresholds are not negative; `successThreshold` of liveness and startup probes is 1.\n\nTwo handlers \
           are often what is left when values of a chart are merged: set the other to `null`.",
};

/// All containers of a pod.
pub(super) fn check<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let mut names = BTreeSet::new();
    let mut host_ports = BTreeSet::new();
    let host_network = spec.get("hostNetwork").map(value) == Some(Value::Bool(true));
    for list in ["containers", "initContainers"] {
        for container in items(spec, &[list]) {
            name(sink, container, &mut names);
            if list == "initContainers" {
                host_ports.clear();
            }
            ports(sink, container, &mut host_ports, host_network && list == "containers");
            env(sink, container);
            if let Some(node) = present(container, "restartPolicy").filter(|_| list == "containers" && sink.minor < 34) {
                sink.report(&INVALID_CONTAINER, node, "`restartPolicy` of a container is for init containers before Kubernetes 1.34");
            }
            if let Some(node) = filled(container, "image").filter(|node| sink.object.kind() == "Pod" && key(node).trim() != key(node)) {
                sink.report(&INVALID_CONTAINER, node, "an image cannot begin or end with spaces");
            }
            handlers(sink, container, list == "initContainers");
        }
    }
    if let Some(node) = spec.get("containers").filter(|node| node.items().is_some_and(<[_]>::is_empty)) {
        sink.report(&INVALID_CONTAINER, node, "a pod needs at least one container");
    }
}

fn name<'a>(sink: &mut Sink<'a>, container: &'a Node, names: &mut BTreeSet<&'a str>) {
    if let Some(node) = filled(container, "name") {
        let name = key(node);
        if let Some(why) = grammar::dns_label(name) {
            sink.report(&INVALID_CONTAINER, node, format!("`{name}` cannot be the name of a container")).notes.push(why);
        }
        if !names.insert(name) {
            sink.report(&INVALID_CONTAINER, node, format!("two containers of a pod are called `{name}`"));
        }
    }
    if container.entries().is_some() && filled(container, "image").is_none() {
        let node = container.get("image").unwrap_or(container);
        let name = text(container, "name").unwrap_or("?");
        sink.report(&INVALID_CONTAINER, node, format!("container `{name}` has no image"));
    }
}

fn ports<'a>(sink: &mut Sink<'a>, container: &'a Node, host_ports: &mut BTreeSet<(&'a str, &'a str, i64)>, host_network: bool) {
    let mut names = BTreeSet::new();
    for port in items(container, &["ports"]) {
        if let Some(node) = filled(port, "name") {
            let name = key(node);
            if let Some(why) = grammar::port_name(name) {
                sink.report(&INVALID_PORT, node, format!("`{name}` cannot be the name of a port")).notes.push(why);
            } else if !names.insert(name) {
                sink.report(&INVALID_PORT, node, format!("two ports of a container are called `{name}`"));
            }
        }
        number(sink, port, "containerPort");
        let Some(host) = int(port, "hostPort").filter(|number| *number != 0) else { continue };
        number(sink, port, "hostPort");
        let Some(node) = port.get("hostPort") else { continue };
        let protocol = text(port, "protocol").filter(|text| !text.is_empty()).unwrap_or("TCP");
        if !host_ports.insert((protocol, text(port, "hostIP").unwrap_or_default(), host)) {
            sink.report(&INVALID_PORT, node, format!("the port {host} of the host is asked for twice"));
        }
        if host_network && int(port, "containerPort").is_some_and(|number| number != host) {
            sink.report(&INVALID_PORT, node, "with `hostNetwork` the port of the host is that of the container");
        }
    }
}

/// A port by its number.
pub(super) fn number<'a>(sink: &mut Sink<'a>, node: &'a Node, name: &str) {
    if let (Some(number), Some(node)) = (int(node, name), node.get(name))
        && let Some(why) = grammar::port_number(number)
    {
        sink.report(&INVALID_PORT, node, format!("`{name}` cannot be {number}")).notes.push(why);
    }
}

/// A port by its number or name.
pub(super) fn number_or_name<'a>(sink: &mut Sink<'a>, rule: &'static Rule, node: &'a Node, name: &str) {
    let Some(node) = node.get(name) else { return };
    let why = match value(node) {
        Value::Int(number) => grammar::port_number(number),
        Value::Text(text) => grammar::port_name(&text),
        _ => None,
    };
    if let Some(why) = why {
        sink.report(rule, node, format!("`{name}` cannot be `{}`", key(node))).notes.push(why);
    }
}

fn variable(minor: u32, name: &str) -> grammar::Wrong {
    if minor >= 32 {
        let fits = name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=');
        return (!fits).then(|| "printable ASCII but `=` is allowed".to_owned());
    }
    let begins = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    let fits = begins && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    (!fits || name == "." || name == ".." || name.starts_with("../"))
        .then(|| "letters, digits, `_`, `-` and `.` are allowed, and no digit at the beginning".to_owned())
}

/// The fields of a pod that variables can have.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

fn is_field(path: &str) -> bool {
    let subscript = ["metadata.labels['", "metadata.annotations['"].iter().any(|map| path.starts_with(map) && path.ends_with("']"));
    FIELDS.contains(&path) || subscript || path == "spec.host"
}

fn env<'a>(sink: &mut Sink<'a>, container: &'a Node) {
    let minor = sink.minor;
    for variable_node in items(container, &["env"]) {
        if let Some(node) = filled(variable_node, "name")
            && let Some(why) = variable(minor, key(node))
        {
            sink.report(&INVALID_ENV, node, format!("`{}` cannot be the name of a variable", key(node))).notes.push(why);
        }
        let Some(from) = present(variable_node, "valueFrom") else { continue };
        for (kind, what) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
            let Some(reference) = present(from, kind) else { continue };
            reference_name(sink, reference, what);
            if let Some(node) = filled(reference, "key")
                && let Some(why) = grammar::config_key(key(node))
            {
                sink.report(&INVALID_ENV, node, format!("`{}` cannot be a key of a {what}", key(node))).notes.push(why);
            }
        }
        let sources = set(from, &["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]);
        let name = text(variable_node, "name").unwrap_or("?");
        if sources != 1 {
            let says = format!("the variable `{name}` needs exactly one source in `valueFrom`, and has {sources}");
            sink.report(&INVALID_ENV, from, says);
        } else if let Some(node) =
            present(from, "fieldRef").and_then(|field| filled(field, "fieldPath")).filter(|node| !is_field(key(node)))
        {
            let finding = sink.report(&INVALID_ENV, node, format!("the variable `{name}` cannot have the value of `{}`", key(node)));
            finding.notes.push(format!(
                "fields of the pod that variables can have: {}, and single labels and annotations: metadata.labels['KEY']",
                FIELDS.join(", ")
            ));
        } else if filled(variable_node, "value").is_some() {
            sink.report(&INVALID_ENV, from, format!("the variable `{name}` has `value` and `valueFrom`"));
        }
    }
    for from in items(container, &["envFrom"]).iter().filter(|from| from.entries().is_some()) {
        let sources = set(from, &["configMapRef", "secretRef"]);
        for (kind, what) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            if let Some(reference) = present(from, kind) {
                reference_name(sink, reference, what);
            }
        }
        if sources != 1 {
            sink.report(&INVALID_ENV, from, format!("an item of `envFrom` needs `configMapRef` or `secretRef`, and has {sources} of them"));
        }
    }
}

/// The name of what a variable comes from.
fn reference_name<'a>(sink: &mut Sink<'a>, reference: &'a Node, what: &str) {
    let Some(node) = filled(reference, "name") else {
        if reference.entries().is_some() {
            sink.report(&INVALID_ENV, reference, format!("a variable does not say the name of its {what}"));
        }
        return;
    };
    if let Some(why) = grammar::dns_subdomain(key(node)) {
        sink.report(&INVALID_ENV, node, format!("`{}` cannot be the name of a {what}", key(node))).notes.push(why);
    }
}

/// How many of these keys have something behind them.
pub(super) fn set(node: &Node, names: &[&str]) -> usize {
    names.iter().filter(|name| present(node, name).is_some()).count()
}

const PROBES: &[&str] = &["livenessProbe", "readinessProbe", "startupProbe"];

fn handlers<'a>(sink: &mut Sink<'a>, container: &'a Node, is_init: bool) {
    let restarts = text(container, "restartPolicy") == Some("Always");
    if is_init && !restarts {
        for name in PROBES.iter().chain(&["lifecycle"]) {
            if let Some(node) = present(container, name) {
                let says = format!("an init container without `restartPolicy: Always` cannot have `{name}`");
                sink.report(&INVALID_CONTAINER, node, says);
            }
        }
        return;
    }
    for name in PROBES {
        let Some(probe) = present(container, name) else { continue };
        handler(sink, probe, name, &["exec", "httpGet", "tcpSocket", "grpc"]);
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
            not_negative(sink, &INVALID_PROBE, probe, field);
        }
        let threshold = int(probe, "successThreshold").unwrap_or_default();
        if *name != "readinessProbe"
            && threshold > 1
            && let Some(node) = probe.get("successThreshold")
        {
            sink.report(&INVALID_PROBE, node, format!("`successThreshold` of a {name} is 1"));
        }
        if let Some(node) = present(probe, "terminationGracePeriodSeconds") {
            if *name == "readinessProbe" {
                sink.report(&INVALID_PROBE, node, "a readinessProbe has no `terminationGracePeriodSeconds`");
            } else if int(probe, "terminationGracePeriodSeconds").is_some_and(|seconds| seconds <= 0) {
                sink.report(&INVALID_PROBE, node, "`terminationGracePeriodSeconds` has to be greater than 0");
            }
        }
    }
    for name in ["postStart", "preStop"] {
        let Some(node) = present(container, "lifecycle").and_then(|lifecycle| present(lifecycle, name)) else { continue };
        handler(sink, node, name, &["exec", "httpGet", "tcpSocket", "sleep"]);
    }
}

fn handler<'a>(sink: &mut Sink<'a>, node: &'a Node, name: &str, kinds: &[&str]) {
    let found = set(node, kinds);
    if node.entries().is_some() && found != 1 {
        let all: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        sink.report(&INVALID_PROBE, node, format!("`{name}` needs exactly one of {}, and has {found}", all.join(", ")));
    }
    for kind in ["httpGet", "tcpSocket"] {
        if let Some(action) = present(node, kind) {
            number_or_name(sink, &INVALID_PROBE, action, "port");
        }
    }
    if let Some(grpc) = present(node, "grpc") {
        number(sink, grpc, "port");
    }
    if let Some(exec) = present(node, "exec").filter(|exec| exec.entries().is_some() && items(exec, &["command"]).is_empty()) {
        sink.report(&INVALID_PROBE, exec, "`exec` needs a command");
    }
    for header in at(node, &["httpGet"]).map(|get| items(get, &["httpHeaders"])).unwrap_or_default() {
        if let Some(name) = filled(header, "name")
            && !key(name).bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            sink.report(&INVALID_PROBE, name, format!("`{}` cannot be the name of a header", key(name)));
        }
    }
}

/// A number that cannot be less than nothing.
pub(super) fn not_negative<'a>(sink: &mut Sink<'a>, rule: &'static Rule, node: &'a Node, name: &str) {
    if let (Some(number), Some(node)) = (int(node, name), node.get(name))
        && number < 0
    {
        sink.report(rule, node, format!("`{name}` cannot be negative"));
    }
}
