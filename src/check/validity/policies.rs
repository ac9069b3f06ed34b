//! NetworkPolicies and admission webhooks.

use std::collections::BTreeSet;

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{at, items};

use super::containers::{INVALID_PORT, number_or_name, set};
use super::reading::{Value, filled, int, key, present, value};
use super::rule::{Rule, Sink};
use super::{grammar, labels};

/// `invalid-network-policy`
pub(super) const INVALID_NETWORK_POLICY: Rule = Rule {
    code: "invalid-network-policy",
    severity: Severity::Error,
    title: "Network policies name peers in one way, ranges that are ranges, and ports that are ports",
    text: "A peer has selectors or an `ipBlock`, not both and not neither. What an `ipBlock` leaves out lies inside of it. `endPort` goes with a number as \
           `port`, and is not less.",
};

/// `invalid-webhook`
pub(super) const INVALID_WEBHOOK: Rule = Rule {
    code: "invalid-webhook",
    severity: Severity::Error,
    title: "Admission webhooks have full names, one address, and no side effects",
    text: "The name of a webhook has at least three parts, as in `pods.example.org`, and comes once. It is called at a `service` or a `url` (`https://`), with a \
           version of AdmissionReview that the API server knows (`v1`, `v1beta1`), within 1 to 30 seconds, and has `sideEffects: None` or \
           `NoneOnDryRun`. Its rules say operations, groups, versions and resources.",
};

/// A NetworkPolicy.
pub(super) fn network<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    labels::selector(sink, present(spec, "podSelector"));
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in items(spec, &[direction]) {
            items(rule, &["ports"]).iter().for_each(|one| port(sink, one));
            items(rule, &[peers]).iter().for_each(|one| peer(sink, one));
        }
    }
}

fn port<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    number_or_name(sink, &INVALID_PORT, node, "port");
    let Some(end) = present(node, "endPort") else { return };
    match (node.get("port").map(value), value(end)) {
        (Some(Value::Int(first)), Value::Int(last)) if last >= first => {}
        (Some(Value::Int(_)), _) => {
            sink.report(&INVALID_NETWORK_POLICY, end, "`endPort` cannot be less than `port`");
        }
        _ => {
            sink.report(&INVALID_NETWORK_POLICY, end, "`endPort` goes with a number as `port`");
        }
    }
}

fn peer<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    labels::selector(sink, present(node, "podSelector"));
    labels::selector(sink, present(node, "namespaceSelector"));
    let selectors = set(node, &["podSelector", "namespaceSelector"]);
    let Some(block) = present(node, "ipBlock") else {
        if selectors == 0 {
            sink.report(&INVALID_NETWORK_POLICY, node, "a peer needs `podSelector`, `namespaceSelector` or `ipBlock`");
        }
        return;
    };
    if selectors > 0 {
        sink.report(&INVALID_NETWORK_POLICY, block, "`ipBlock` and selectors exclude each other");
    }
    let Some(node) = filled(block, "cidr") else { return };
    let Some((network, length)) = grammar::cidr(key(node)) else {
        sink.report(&INVALID_NETWORK_POLICY, node, format!("`{}` is no range of addresses, such as 10.0.0.0/8", key(node)));
        return;
    };
    for except in items(block, &["except"]) {
        match except.as_str().and_then(grammar::cidr) {
            None => {
                sink.report(&INVALID_NETWORK_POLICY, except, format!("`{}` is no range of addresses, such as 10.0.0.0/8", key(except)));
            }
            Some((inner, inner_length)) => {
                if inner_length <= length || bits(inner, length) != bits(network, length) || inner.is_ipv4() != network.is_ipv4() {
                    sink.report(&INVALID_NETWORK_POLICY, except, format!("`{}` does not lie inside of {}", key(except), key(node)));
                }
            }
        }
    }
}

/// The first bits of an address.
fn bits(address: std::net::IpAddr, length: u8) -> u128 {
    let (bits, width) = match address {
        std::net::IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        std::net::IpAddr::V6(address) => (address.to_bits(), 128),
    };
    bits.checked_shr(width - u32::from(length)).unwrap_or_default()
}

/// A ValidatingAdmissionPolicy or MutatingAdmissionPolicy.
pub(super) fn admission<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let Some(constraints) = present(spec, "matchConstraints") else { return };
    items(constraints, &["resourceRules"]).iter().for_each(|one| rule(sink, one));
    labels::selector(sink, present(constraints, "namespaceSelector"));
    labels::selector(sink, present(constraints, "objectSelector"));
}

/// A ValidatingWebhookConfiguration or MutatingWebhookConfiguration.
pub(super) fn webhooks<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    let mut names = BTreeSet::new();
    for hook in items(root, &["webhooks"]) {
        if let Some(node) = filled(hook, "name") {
            let name = key(node);
            if name.split('.').count() < 3 || grammar::dns_subdomain(name).is_some() {
                let finding = sink.report(&INVALID_WEBHOOK, node, format!("`{name}` cannot be the name of a webhook"));
                finding.notes.push("it is a domain of at least three parts, such as pods.example.org".to_owned());
            } else if !names.insert(name) {
                sink.report(&INVALID_WEBHOOK, node, format!("two webhooks are called `{name}`"));
            }
        }
        if let Some(node) = filled(hook, "sideEffects").filter(|node| matches!(key(node), "Some" | "Unknown")) {
            sink.report(&INVALID_WEBHOOK, node, format!("`sideEffects` cannot be `{}`: `None` and `NoneOnDryRun` are allowed", key(node)));
        }
        if let Some(seconds) = int(hook, "timeoutSeconds").filter(|seconds| !(1..=30).contains(seconds))
            && let Some(node) = hook.get("timeoutSeconds")
        {
            sink.report(&INVALID_WEBHOOK, node, format!("`timeoutSeconds` is between 1 and 30, not {seconds}"));
        }
        let versions = items(hook, &["admissionReviewVersions"]);
        if let Some(node) =
            hook.get("admissionReviewVersions").filter(|_| !versions.iter().any(|node| matches!(key(node), "v1" | "v1beta1")))
        {
            sink.report(&INVALID_WEBHOOK, node, "one of `admissionReviewVersions` has to be `v1` or `v1beta1`");
        }
        labels::selector(sink, present(hook, "namespaceSelector"));
        labels::selector(sink, present(hook, "objectSelector"));
        if let Some(client) = present(hook, "clientConfig") {
            address(sink, client);
        }
        items(hook, &["rules"]).iter().for_each(|one| rule(sink, one));
    }
}

fn address<'a>(sink: &mut Sink<'a>, client: &'a Node) {
    if client.entries().is_some() && set(client, &["url", "service"]) != 1 {
        sink.report(&INVALID_WEBHOOK, client, "a webhook has either a `url` or a `service`");
    }
    if let Some(node) = filled(client, "url").filter(|node| !key(node).starts_with("https://")) {
        sink.report(&INVALID_WEBHOOK, node, "the `url` of a webhook begins with https://");
    }
    if let Some(service) = at(client, &["service"]) {
        super::containers::number(sink, service, "port");
    }
}

fn rule<'a>(sink: &mut Sink<'a>, rule: &'a Node) {
    for name in ["operations", "apiGroups", "apiVersions", "resources"] {
        let all = items(rule, &[name]);
        if rule.entries().is_some() && all.is_empty() {
            sink.report(&INVALID_WEBHOOK, rule.get(name).unwrap_or(rule), format!("a rule of a webhook needs `{name}`"));
        }
        if let Some(node) = all
            .iter()
            .find(|node| key(node).is_empty() || value(node) == Value::Null)
            .filter(|_| matches!(name, "apiVersions" | "resources"))
        {
            sink.report(&INVALID_WEBHOOK, node, format!("an item of `{name}` is empty"));
        }
        if all.len() > 1
            && name != "resources"
            && let Some(node) = all.iter().find(|node| key(node) == "*")
        {
            sink.report(&INVALID_WEBHOOK, node, format!("`*` stands for all `{name}`, and there are others beside it"));
        }
    }
}
