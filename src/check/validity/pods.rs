//! Pods, wherever they are made from: the parts that have rules of their own, and what is left.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{at, is_true, items, text};

use super::reading::{filled, int, key, present};
use super::rule::{Rule, Sink};
use super::{containers, grammar, labels, resources, scheduling, volumes};

/// `invalid-pod`
pub(super) const INVALID_POD: Rule = Rule {
    code: "invalid-pod",
    severity: Severity::Error,
    title: "Pods are such as their kind of workload can make",
    text: "`restartPolicy` is `Always` in Deployments, StatefulSets, DaemonSets and ReplicaSets, and `Never` or `OnFailure` in Jobs and CronJobs, which have \
           no default for it. `dnsPolicy: None` needs nameservers. Names of accounts, classes and hosts keep to their grammar. A privileged container \
           cannot forbid privilege escalation; a `localhostProfile` goes with `type: Localhost`.",
};

/// A pod by its spec, made by an object of some kind.
pub(super) fn check<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    containers::check(sink, spec);
    let claims = if sink.object.kind() == "StatefulSet" { volumes::claims(&sink.object.root) } else { Vec::new() };
    volumes::check(sink, spec, &claims);
    resources::check(sink, spec);
    scheduling::check(sink, spec);
    restarts(sink, spec);
    names(sink, spec);
    dns(sink, spec);
    security(sink, spec);
    for (name, least) in [("activeDeadlineSeconds", 1), ("terminationGracePeriodSeconds", 0)] {
        if let (Some(seconds), Some(node)) = (int(spec, name), spec.get(name))
            && seconds < least
            && name == "activeDeadlineSeconds"
        {
            sink.report(&INVALID_POD, node, format!("`{name}` has to be at least {least}"));
        }
    }
}

fn restarts<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let policy = filled(spec, "restartPolicy");
    let kind = sink.object.kind();
    let found = policy.map_or("Always", key);
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "ReplicationController" if matches!(found, "Never" | "OnFailure") => {
            let node = policy.unwrap_or(spec);
            sink.report(&INVALID_POD, node, format!("`restartPolicy` of a {kind} is `Always`"));
        }
        "Job" | "CronJob" if found == "Always" => {
            let says = match policy {
                Some(_) => format!("`restartPolicy` of a {kind} cannot be `Always`"),
                None => format!("a {kind} has to say its `restartPolicy`, of which the default is `Always`"),
            };
            sink.report(&INVALID_POD, policy.unwrap_or(spec), says).help.push("`Never` and `OnFailure` are allowed".to_owned());
        }
        _ => {}
    }
    if matches!(kind, "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "ReplicationController")
        && let Some(node) = present(spec, "activeDeadlineSeconds")
    {
        sink.report(&INVALID_POD, node, format!("pods of a {kind} have no `activeDeadlineSeconds`"));
    }
}

fn names<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let all: [(&str, fn(&str) -> grammar::Wrong); 5] = [
        ("serviceAccountName", grammar::dns_subdomain),
        ("priorityClassName", grammar::dns_subdomain),
        ("runtimeClassName", grammar::dns_subdomain),
        ("hostname", grammar::dns_label),
        ("subdomain", grammar::dns_label),
    ];
    for (name, wrong) in all {
        if let Some(node) = filled(spec, name)
            && let Some(why) = wrong(key(node))
        {
            sink.report(&INVALID_POD, node, format!("`{name}` cannot be `{}`", key(node))).notes.push(why);
        }
    }
}

fn dns<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let nameservers = at(spec, &["dnsConfig"]).map(|config| items(config, &["nameservers"])).unwrap_or_default();
    if text(spec, "dnsPolicy") == Some("None")
        && nameservers.is_empty()
        && let Some(node) = spec.get("dnsPolicy")
    {
        sink.report(&INVALID_POD, node, "`dnsPolicy: None` needs nameservers in `dnsConfig`");
    }
    for node in nameservers {
        if let Some(why) = node.as_str().and_then(grammar::ip) {
            sink.report(&INVALID_POD, node, format!("`{}` cannot be a nameserver", key(node))).notes.push(why);
        }
    }
    for alias in items(spec, &["hostAliases"]) {
        if let Some(node) = filled(alias, "ip")
            && let Some(why) = grammar::ip(key(node))
        {
            sink.report(&INVALID_POD, node, format!("`{}` is no address", key(node))).notes.push(why);
        }
    }
}

fn security<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    if let Some(context) = present(spec, "securityContext") {
        context_of(sink, context);
    }
    for container in ["containers", "initContainers"].into_iter().flat_map(|list| items(spec, &[list])) {
        let Some(context) = present(container, "securityContext") else { continue };
        context_of(sink, context);
        let forbids = present(context, "allowPrivilegeEscalation").filter(|node| node.as_str() == Some("false"));
        if let Some(node) = forbids.filter(|_| is_true(context, "privileged")) {
            sink.report(&INVALID_POD, node, "a privileged container cannot have `allowPrivilegeEscalation: false`");
        }
    }
}

fn context_of<'a>(sink: &mut Sink<'a>, context: &'a Node) {
    for name in ["runAsUser", "runAsGroup", "fsGroup"] {
        if let (Some(number), Some(node)) = (int(context, name), context.get(name))
            && !(0..=i64::from(i32::MAX)).contains(&number)
        {
            sink.report(&INVALID_POD, node, format!("`{name}` is between 0 and {}", i32::MAX));
        }
    }
    if let Some(profile) = present(context, "seccompProfile") {
        let is_local = text(profile, "type") == Some("Localhost");
        let named = present(profile, "localhostProfile");
        if is_local != named.is_some() && text(profile, "type").is_some() {
            sink.report(&INVALID_POD, named.unwrap_or(profile), "`localhostProfile` goes with `type: Localhost`, and with no other");
        }
    }
}

/// The template of pods that an object has: its metadata and the spec.
pub(super) fn template<'a>(sink: &mut Sink<'a>, template: &'a Node) {
    if let Some(metadata) = present(template, "metadata") {
        labels::metadata(sink, metadata);
    }
    match present(template, "spec") {
        Some(spec) => check(sink, spec),
        None => {
            sink.report(&INVALID_POD, template, "a template of pods needs a `spec`");
        }
    }
}
