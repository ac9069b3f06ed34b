//! Services: what they select exists and has the ports; who names a Service finds it; what scrapes them finds them.

use crate::check::finding::Finding;
use crate::check::labels::{selects, shown, shown_pairs};
use crate::check::objects::{Object, Pod};
use crate::check::rule::Rule;
use crate::check::value::{at, entries, is_true, items, scalar, text};
use hydrate_base::{Severity, suggest};
use hydrate_yaml::node::Node;

use super::pods::listed;
use super::{Checker, Target};

/// `service-reference`
pub(super) const RULE: Rule = Rule {
    code: "service-reference",
    severity: Severity::Warning,
    title: "Services find pods and ports, and who names a Service finds it",
    text: "A Service whose selector fits no pod, or whose target port no container has, answers nobody. A StatefulSet's `serviceName`, and the Services and ports that ServiceMonitors and PodMonitors scrape, are there.\n\nWhere pods may run in a namespace that nobody renders here, a selector that finds none is not judged; `external: [Pod/legacy/*]` says so.",
};

/// Services, the Services of StatefulSets, and monitors.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    index.of("", "Service").iter().for_each(|service| selector(checker, service));
    for set in index.of("apps", "StatefulSet") {
        let name = set.root.get("spec").and_then(|spec| scalar(spec, "serviceName"));
        if let Some(node) = name.filter(|node| node.as_str() != Some("")) {
            checker.follow(set, node, Target::core("Service", set.namespace(), node.as_str().unwrap_or_default()));
        }
    }
    index.of("monitoring.coreos.com", "ServiceMonitor").iter().for_each(|monitor| service_monitor(checker, monitor));
    index.of("monitoring.coreos.com", "PodMonitor").iter().for_each(|monitor| pod_monitor(checker, monitor));
}

/// A Service picks pods, and each of its target ports is one of theirs.
fn selector<'a>(checker: &mut Checker<'a>, service: &'a Object<'a>) {
    let Some(node) = at(&service.root, &["spec", "selector"]) else { return };
    let pairs = entries(&service.root, &["spec", "selector"]);
    if pairs.is_empty() {
        return;
    }
    checker.count();
    let pods = checker.index.picked(service.namespace(), pairs);
    if pods.is_empty() {
        if !checker.hides_pods(service.namespace()) {
            let message = format!("{} selects no pod: none has the labels {}", service.title(), shown_pairs(pairs));
            let finding = nearest(checker, Finding::new(service, node, message), service.namespace(), pairs);
            checker.add(finding);
        }
        return;
    }
    for port in items(&service.root, &["spec", "ports"]) {
        target_port(checker, service, &pods, port);
    }
}

/// Adds the workload whose pods have the most of these labels.
pub(super) fn nearest<'a>(checker: &Checker<'a>, finding: Finding<'a>, namespace: &str, pairs: &[(Node, Node)]) -> Finding<'a> {
    let score =
        |pod: &&Pod<'_>| pairs.iter().filter(|(key, value)| pod.labels.get(key.as_str().unwrap_or_default()) == value.as_str()).count();
    let best = checker.index.pods_in(namespace).iter().rev().max_by_key(score).filter(|pod| score(pod) > 0);
    let Some(best) = best else { return finding };
    let wrong = pairs.iter().find(|(key, value)| best.labels.get(key.as_str().unwrap_or_default()) != value.as_str());
    let Some((key, _)) = wrong else { return finding };
    let key = key.as_str().unwrap_or_default();
    let has = best.labels.get(key).map_or_else(|| format!("no label `{key}`"), |value| format!("{key}={value}"));
    finding.note(format!("the nearest, those of {}, have {has}", best.owner.title()))
}

fn target_port<'a>(checker: &mut Checker<'a>, service: &'a Object<'a>, pods: &[Pod<'a>], port: &'a Node) {
    let Some(node) = scalar(port, "targetPort").or_else(|| scalar(port, "port")) else { return };
    let wanted = node.as_str().unwrap_or_default();
    let is_name = wanted.parse::<u16>().is_err();
    // Declaring ports is a habit and no duty: numbers are doubted where the pods have the habit.
    let judged = is_name || pods.iter().all(|pod| pod.ports().next().is_some());
    checker.count();
    if !judged || pods.iter().any(|pod| pod.has_port(wanted)) {
        return;
    }
    let names: Vec<&str> = pods.iter().flat_map(Pod::ports).map(|(name, number)| name.unwrap_or(number)).collect();
    let owners: Vec<String> = pods.iter().map(|pod| pod.owner.title()).collect();
    let message = format!("{} sends to the port `{wanted}`, which the pods of {} do not have", service.title(), owners.join(", "));
    let finding = Finding::new(service, node, message).certain(is_name).meant(if is_name {
        suggest::closest(wanted, names.iter().copied())
    } else {
        None
    });
    checker.add(match names[..] {
        [] => finding.note("they declare no ports"),
        _ => finding.note(format!("their ports: {}", listed(&names))),
    });
}

/// Whether a Service can be reached at a port, by number or name. Behind a headless Service pods answer on their own
/// ports, and where a Service stands for a name elsewhere nothing is known.
pub(super) fn has_port(checker: &Checker<'_>, service: &Object<'_>, port: &str) -> bool {
    let spec = at(&service.root, &["spec"]);
    let is = |key: &str, value: &str| spec.and_then(|spec| text(spec, key)) == Some(value);
    let own = items(&service.root, &["spec", "ports"]).iter().any(|one| text(one, "port") == Some(port) || text(one, "name") == Some(port));
    if own || is("type", "ExternalName") {
        return true;
    }
    let pairs = entries(&service.root, &["spec", "selector"]);
    if !is("clusterIP", "None") {
        return false;
    }
    let pods = checker.index.picked(service.namespace(), pairs);
    pairs.is_empty() || pods.iter().any(|pod| pod.has_port(port) || pod.ports().next().is_none() || is_true(pod.spec, "hostNetwork"))
}

/// The ports of a Service as users know them: `http (8080)`.
pub(super) fn ports(service: &Object<'_>) -> Vec<String> {
    let shown = |port: &Node| {
        let number = text(port, "port").unwrap_or("?");
        text(port, "name").map_or_else(|| number.to_owned(), |name| format!("{name} ({number})"))
    };
    items(&service.root, &["spec", "ports"]).iter().map(shown).collect()
}

/// Follows a reference to a port of a Service: `port` is a node with its number or name.
pub(super) fn follow_port<'a>(checker: &mut Checker<'a>, from: &'a Object<'a>, service: &'a Object<'a>, node: &'a Node, port: &str) {
    checker.count();
    if has_port(checker, service, port) {
        return;
    }
    checker.add(no_port(from, service, node, port));
}

/// The finding for a port that a Service does not have.
pub(super) fn no_port<'a>(from: &'a Object<'a>, service: &Object<'_>, node: &'a Node, port: &str) -> Finding<'a> {
    let names = items(&service.root, &["spec", "ports"]).iter().filter_map(|one| text(one, "name"));
    let close = if port.parse::<u16>().is_err() { suggest::closest(port, names) } else { None };
    let known = ports(service);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Finding::new(from, node, format!("{} refers to port {port} of {}, which does not have it", from.title(), service.title()))
        .meant(close)
        .note(if known.is_empty() { "it has no ports".to_owned() } else { format!("its ports: {}", listed(&known)) })
}

/// The namespaces that a monitor looks into; `None`: those cannot be told.
fn monitored<'a>(checker: &Checker<'a>, monitor: &'a Object<'a>) -> Option<Vec<&'a str>> {
    let selector = at(&monitor.root, &["spec", "namespaceSelector"]);
    let named: Vec<&str> = items(&monitor.root, &["spec", "namespaceSelector", "matchNames"]).iter().filter_map(Node::as_str).collect();
    match selector {
        Some(selector) if is_true(selector, "any") => Some(checker.index.namespaces().collect()),
        Some(_) if !named.is_empty() => Some(named),
        _ => Some(vec![monitor.namespace()]),
    }
    .filter(|spaces| !spaces.iter().any(|space| checker.hides_pods(space)))
}

/// A ServiceMonitor picks Services that have the ports it scrapes.
fn service_monitor<'a>(checker: &mut Checker<'a>, monitor: &'a Object<'a>) {
    let (Some(selector), Some(spaces)) = (at(&monitor.root, &["spec", "selector"]), monitored(checker, monitor)) else { return };
    checker.count();
    let all = checker.index.of("", "Service").iter().filter(|service| spaces.contains(&service.namespace()));
    let services: Vec<&Object<'_>> = all.filter(|service| selects(selector, &service.labels())).copied().collect();
    if services.is_empty() {
        let message = format!("{} selects no Service: none in {} has the labels {}", monitor.title(), spaces.join(", "), shown(selector));
        checker.add(Finding::new(monitor, selector, message));
        return;
    }
    for node in items(&monitor.root, &["spec", "endpoints"]).iter().filter_map(|endpoint| scalar(endpoint, "port")) {
        let port = node.as_str().unwrap_or_default();
        let named = |service: &&Object<'_>| items(&service.root, &["spec", "ports"]).iter().any(|one| text(one, "name") == Some(port));
        checker.count();
        if !services.iter().any(named) {
            let titles: Vec<String> = services.iter().map(|service| service.title()).collect();
            let names = services.iter().flat_map(|service| items(&service.root, &["spec", "ports"])).filter_map(|one| text(one, "name"));
            let close = suggest::closest(port, names);
            let message = format!("{} scrapes the port `{port}`, which {} does not have", monitor.title(), titles.join(", "));
            checker.add(Finding::new(monitor, node, message).meant(close));
        }
    }
}

/// A PodMonitor picks pods that have the ports it scrapes.
fn pod_monitor<'a>(checker: &mut Checker<'a>, monitor: &'a Object<'a>) {
    let (Some(selector), Some(spaces)) = (at(&monitor.root, &["spec", "selector"]), monitored(checker, monitor)) else { return };
    checker.count();
    let pods: Vec<Pod<'_>> = spaces.iter().flat_map(|space| checker.index.selected(space, |labels| selects(selector, labels))).collect();
    if pods.is_empty() {
        let message = format!("{} selects no pod: none in {} has the labels {}", monitor.title(), spaces.join(", "), shown(selector));
        checker.add(Finding::new(monitor, selector, message));
        return;
    }
    for node in items(&monitor.root, &["spec", "podMetricsEndpoints"]).iter().filter_map(|endpoint| scalar(endpoint, "port")) {
        let port = node.as_str().unwrap_or_default();
        checker.count();
        if !pods.iter().any(|pod| pod.has_port(port)) {
            let names = pods.iter().flat_map(Pod::ports).filter_map(|(name, _)| name);
            let close = suggest::closest(port, names);
            let message = format!("{} scrapes the port `{port}`, which the pods that it selects do not have", monitor.title());
            checker.add(Finding::new(monitor, node, message).meant(close));
        }
    }
}
