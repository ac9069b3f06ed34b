//! Network policies, those of Kubernetes and those of Cilium: what they select and let through is there.

use crate::check::elsewhere::NAMESPACES;
use crate::check::finding::Finding;
use crate::check::labels::{Labels, selects, shown, shown_pairs};
use crate::check::objects::{Object, Pod};
use crate::check::rule::Rule;
use crate::check::value::{at, entries, items, scalar, text};
use hydrate_base::{Severity, suggest};
use hydrate_yaml::node::Node;

use super::pods::listed;
use super::services::nearest;
use super::{Checker, Target};

/// `policy-reference`
pub(super) const RULE: Rule = Rule {
    code: "policy-reference",
    severity: Severity::Warning,
    title: "Network policies select pods that are there, and let through what is there",
    text: "NetworkPolicies and CiliumNetworkPolicies: pods selected, peers by labels and namespace, ports by name and number, Services. A policy that selects nothing protects nothing, and a peer that is misspelt is cut off.",
};

/// The label by which every namespace can be selected by name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// NetworkPolicies and CiliumNetworkPolicies.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    index.of("networking.k8s.io", "NetworkPolicy").iter().for_each(|policy| kubernetes(checker, policy));
    for policy in index.of("cilium.io", "CiliumNetworkPolicy") {
        let specs = policy.root.get("spec").into_iter().chain(items(&policy.root, &["specs"]));
        specs.for_each(|spec| cilium(checker, policy, spec));
    }
}

fn kubernetes<'a>(checker: &mut Checker<'a>, policy: &'a Object<'a>) {
    let Some(selector) = at(&policy.root, &["spec", "podSelector"]) else { return };
    let own = checker.index.selected(policy.namespace(), |labels| selects(selector, labels));
    checker.count();
    if own.is_empty() && !is_empty(selector) && !checker.hides_pods(policy.namespace()) {
        let message = format!("{} selects no pod: none has the labels {}", policy.title(), shown(selector));
        let pairs = entries(selector, &["matchLabels"]);
        let finding = nearest(checker, Finding::new(policy, selector, message), policy.namespace(), pairs);
        checker.add(finding);
    }
    for (direction, field) in [("ingress", "from"), ("egress", "to")] {
        for rule in items(&policy.root, &["spec", direction]) {
            let peers: Vec<_> = items(rule, &[field]).iter().map(|peer| self::peer(checker, policy, peer)).collect();
            let answering = if direction == "ingress" { Some(own.clone()) } else { all(peers) };
            ports(checker, policy, items(rule, &["ports"]), answering);
        }
    }
}

fn is_empty(selector: &Node) -> bool {
    entries(selector, &["matchLabels"]).is_empty() && items(selector, &["matchExpressions"]).is_empty()
}

/// The pods of all peers; `None` where those of one cannot be told, or there is no peer.
fn all(peers: Vec<Option<Vec<Pod<'_>>>>) -> Option<Vec<Pod<'_>>> {
    let known: Option<Vec<Vec<Pod<'_>>>> = peers.into_iter().collect();
    known.filter(|known| !known.is_empty()).map(|known| known.into_iter().flatten().collect())
}

/// The pods that a peer means; `None` where they cannot be told. A peer that means nobody is reported.
fn peer<'a>(checker: &mut Checker<'a>, policy: &'a Object<'a>, peer: &'a Node) -> Option<Vec<Pod<'a>>> {
    let spaces = spaces(checker, policy, peer)?;
    let selector = peer.get("podSelector");
    if spaces.is_empty() || spaces.iter().any(|space| checker.hides_pods(space)) {
        return None;
    }
    let fits = |labels: &Labels<'_>| selector.is_none_or(|selector| selects(selector, labels));
    let pods: Vec<Pod<'a>> = spaces.iter().flat_map(|space| checker.index.selected(space, fits)).collect();
    checker.count();
    if let Some(selector) = selector.filter(|selector| pods.is_empty() && !is_empty(selector)) {
        let message = format!("{} names a peer that is no pod of {}: {}", policy.title(), spaces.join(", "), shown(selector));
        let mut finding = Finding::new(policy, selector, message);
        if let [space] = spaces[..] {
            finding = nearest(checker, finding, space, entries(selector, &["matchLabels"]));
        }
        checker.add(finding);
        return None;
    }
    Some(pods)
}

/// The namespaces that a peer means; `None` for one that is no pod. A namespace named by its name has to exist.
fn spaces<'a>(checker: &mut Checker<'a>, policy: &'a Object<'a>, peer: &'a Node) -> Option<Vec<&'a str>> {
    let Some(selector) = peer.get("namespaceSelector") else {
        return peer.get("podSelector").map(|_| vec![policy.namespace()]);
    };
    if let Some(node) = at(selector, &["matchLabels", NAMESPACE_NAME]) {
        let name = node.as_str().unwrap_or_default();
        if !checker.index.is_namespace(name) {
            checker.follow(policy, node, Target::core("Namespace", "", name));
            return None;
        }
    }
    // The cluster's own namespaces are there too, by their names at least.
    let own = NAMESPACES.iter().copied().filter(|name| !checker.index.is_namespace(name));
    Some(checker.index.namespaces().chain(own).filter(|name| selects(selector, &checker.index.namespace_labels(name))).collect())
}

/// Ports that are let through are ports of those who answer; numbers are doubted where pods declare theirs.
fn ports<'a>(checker: &mut Checker<'a>, policy: &'a Object<'a>, ports: &'a [Node], answering: Option<Vec<Pod<'a>>>) {
    let Some(pods) = answering.filter(|pods| !pods.is_empty()) else { return };
    for port in ports.iter().filter(|port| port.get("endPort").is_none()) {
        let Some(node) = scalar(port, "port") else { continue };
        let wanted = node.as_str().unwrap_or_default();
        let is_name = wanted.parse::<u16>().is_err();
        let judged = is_name || pods.iter().all(|pod| pod.ports().next().is_some());
        checker.count();
        if judged && wanted != "0" && !pods.iter().any(|pod| pod.has_port(wanted)) {
            let names: Vec<&str> =
                pods.iter().flat_map(Pod::ports).map(|(name, number)| if is_name { name.unwrap_or(number) } else { number }).collect();
            let owners: Vec<String> = pods.iter().map(|pod| pod.owner.title()).collect();
            let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
            let message = format!("{} opens the port `{wanted}`, which the pods of {} do not have", policy.title(), listed(&owners));
            let close = if is_name { suggest::closest(wanted, names.iter().copied()) } else { None };
            checker.add(Finding::new(policy, node, message).certain(is_name).meant(close).note(format!("their ports: {}", listed(&names))));
        }
    }
}

/// A selector of Cilium's: labels carry the prefix of their source, and one of them is the namespace.
struct Endpoints<'a> {
    namespace: &'a str,
    pairs: Vec<(Node, Node)>,
    selector: &'a Node,
}

impl<'a> Endpoints<'a> {
    /// `None` for one that is about more than the labels of pods.
    fn of(selector: &'a Node, home: &'a str) -> Option<Self> {
        let mut endpoints = Self { namespace: home, pairs: Vec::new(), selector };
        if !items(selector, &["matchExpressions"]).is_empty() {
            return None;
        }
        for (key, value) in entries(selector, &["matchLabels"]) {
            let key = key.as_str()?;
            let plain = key.strip_prefix("k8s:").or_else(|| key.strip_prefix("any:")).unwrap_or(key);
            match plain {
                "io.kubernetes.pod.namespace" => endpoints.namespace = value.as_str()?,
                _ if plain.starts_with("io.cilium") || plain.starts_with("io.kubernetes") || plain.starts_with("reserved") => return None,
                _ => endpoints.pairs.push((Node::string(plain), value.clone())),
            }
        }
        Some(endpoints)
    }

    fn pods<'i>(&self, checker: &Checker<'i>) -> Vec<Pod<'i>> {
        checker.index.picked(self.namespace, &self.pairs)
    }

    fn is_dangling(&self, checker: &Checker<'_>) -> bool {
        !self.pairs.is_empty() && !checker.hides_pods(self.namespace) && self.pods(checker).is_empty()
    }
}

fn cilium<'a>(checker: &mut Checker<'a>, policy: &'a Object<'a>, spec: &'a Node) {
    let own = spec.get("endpointSelector").and_then(|selector| Endpoints::of(selector, policy.namespace()));
    if let Some(own) = &own {
        checker.count();
        if own.is_dangling(checker) {
            let message = format!("{} selects no pod: none has the labels {}", policy.title(), shown_pairs(&own.pairs));
            let finding = nearest(checker, Finding::new(policy, own.selector, message), own.namespace, &own.pairs);
            checker.add(finding);
        }
    }
    let own = own.map(|own| own.pods(checker));
    for (direction, field) in [("ingress", "fromEndpoints"), ("egress", "toEndpoints")] {
        for rule in items(spec, &[direction]) {
            items(rule, &[field]).iter().for_each(|peer| cilium_peer(checker, policy, peer));
            for service in items(rule, &["toServices"]).iter().filter_map(|one| one.get("k8sService")) {
                if let Some(node) = scalar(service, "serviceName") {
                    let namespace = text(service, "namespace").unwrap_or(policy.namespace());
                    checker.follow(policy, node, Target::core("Service", namespace, node.as_str().unwrap_or_default()));
                }
            }
            if direction == "ingress" {
                items(rule, &["toPorts"]).iter().for_each(|one| ports(checker, policy, items(one, &["ports"]), own.clone()));
            }
        }
    }
}

fn cilium_peer<'a>(checker: &mut Checker<'a>, policy: &'a Object<'a>, selector: &'a Node) {
    let Some(peer) = Endpoints::of(selector, policy.namespace()) else { return };
    checker.count();
    if peer.is_dangling(checker) {
        let message = format!("{} names a peer that is no pod of {}: {}", policy.title(), peer.namespace, shown_pairs(&peer.pairs));
        let finding = nearest(checker, Finding::new(policy, selector, message), peer.namespace, &peer.pairs);
        checker.add(finding);
    }
}
