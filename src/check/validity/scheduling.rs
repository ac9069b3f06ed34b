//! Where pods run: selectors of nodes, affinity, tolerations, spreading.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{at, items, text};

use super::grammar;
use super::labels;
use super::reading::{Value, filled, int, key, present, value};
use super::rule::{Rule, Sink};

/// `invalid-scheduling`
pub(super) const INVALID_SCHEDULING: Rule = Rule {
    code: "invalid-scheduling",
    severity: Severity::Error,
    title: "Affinity, tolerations and spreading are such as the scheduler knows",
    text: "A toleration without a key tolerates everything and needs `operator: Exists`; with `Exists` there is no value; `tolerationSeconds` goes with \
           `effect: NoExecute`. Weights are between 1 and 100. `In` and `NotIn` need values, `Exists` and `DoesNotExist` have none, `Gt` and `Lt` have \
           one. Terms of affinity to pods have a `topologyKey`; `maxSkew` is greater than 0.",
};

/// Everything of a pod that the scheduler reads.
pub(super) fn check<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    labels::labels(sink, spec.get("nodeSelector"));
    items(spec, &["tolerations"]).iter().for_each(|one| toleration(sink, one));
    let Some(affinity) = present(spec, "affinity") else { return spreading(sink, spec) };
    let required = at(affinity, &["nodeAffinity", REQUIRED]);
    required.map(|required| items(required, &["nodeSelectorTerms"])).unwrap_or_default().iter().for_each(|term| node_term(sink, term));
    if let Some(node) =
        required.and_then(|required| required.get("nodeSelectorTerms")).filter(|node| node.items().is_some_and(<[_]>::is_empty))
    {
        sink.report(&INVALID_SCHEDULING, node, "at least one of `nodeSelectorTerms` is needed");
    }
    for preferred in items(affinity, &["nodeAffinity", PREFERRED]) {
        weight(sink, preferred);
        if let Some(term) = present(preferred, "preference") {
            node_term(sink, term);
        }
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        items(affinity, &[kind, REQUIRED]).iter().for_each(|term| pod_term(sink, term));
        for preferred in items(affinity, &[kind, PREFERRED]) {
            weight(sink, preferred);
            if let Some(term) = present(preferred, "podAffinityTerm") {
                pod_term(sink, term);
            }
        }
    }
    spreading(sink, spec);
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn toleration<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    if node.entries().is_none() {
        return;
    }
    let operator = text(node, "operator").unwrap_or_default();
    match filled(node, "key") {
        Some(name) => {
            if let Some(why) = grammar::qualified_name(key(name)) {
                sink.report(&INVALID_SCHEDULING, name, format!("`{}` cannot be the key of a taint", key(name))).notes.push(why);
            }
        }
        None if operator != "Exists" => {
            sink.report(&INVALID_SCHEDULING, node, "a toleration without a key needs `operator: Exists`");
        }
        None => {}
    }
    if let Some(found) = filled(node, "value") {
        if operator == "Exists" {
            sink.report(&INVALID_SCHEDULING, found, "a toleration with `operator: Exists` has no value");
        } else if matches!(operator, "" | "Equal")
            && let Some(why) = grammar::label_value(key(found))
        {
            sink.report(&INVALID_SCHEDULING, found, format!("`{}` cannot be the value of a taint", key(found))).notes.push(why);
        }
    }
    if let Some(seconds) = present(node, "tolerationSeconds")
        && text(node, "effect") != Some("NoExecute")
    {
        sink.report(&INVALID_SCHEDULING, seconds, "`tolerationSeconds` goes with `effect: NoExecute`");
    }
}

fn weight<'a>(sink: &mut Sink<'a>, preferred: &'a Node) {
    if let (Some(weight), Some(node)) = (int(preferred, "weight"), preferred.get("weight"))
        && !(1..=100).contains(&weight)
    {
        sink.report(&INVALID_SCHEDULING, node, format!("`weight` is between 1 and 100, not {weight}"));
    }
}

fn node_term<'a>(sink: &mut Sink<'a>, term: &'a Node) {
    for expression in items(term, &["matchExpressions"]) {
        if let Some(name) = filled(expression, "key")
            && let Some(why) = grammar::qualified_name(key(name))
        {
            sink.report(&INVALID_SCHEDULING, name, format!("`{}` cannot be the key of a label", key(name))).notes.push(why);
        }
        let values = items(expression, &["values"]).len();
        let operator = text(expression, "operator").unwrap_or_default();
        let says = match operator {
            "In" | "NotIn" if values == 0 => "needs values",
            "Exists" | "DoesNotExist" if values > 0 => "takes no values",
            "Gt" | "Lt" if values != 1 => "needs exactly one value",
            _ => continue,
        };
        let node = expression.get("operator").unwrap_or(expression);
        sink.report(&INVALID_SCHEDULING, node, format!("`{operator}` {says}"));
    }
}

fn pod_term<'a>(sink: &mut Sink<'a>, term: &'a Node) {
    labels::selector(sink, present(term, "labelSelector"));
    labels::selector(sink, present(term, "namespaceSelector"));
    if let Some(name) = filled(term, "topologyKey")
        && let Some(why) = grammar::qualified_name(key(name))
    {
        sink.report(&INVALID_SCHEDULING, name, format!("`{}` cannot be the key of a label", key(name))).notes.push(why);
    }
}

fn spreading<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let mut seen = Vec::new();
    for one in items(spec, &["topologySpreadConstraints"]) {
        labels::selector(sink, present(one, "labelSelector"));
        if let (Some(skew), Some(node)) = (int(one, "maxSkew"), one.get("maxSkew"))
            && skew <= 0
        {
            sink.report(&INVALID_SCHEDULING, node, "`maxSkew` has to be greater than 0");
        }
        let pair = (text(one, "topologyKey"), text(one, "whenUnsatisfiable"));
        if pair.0.is_some() && seen.contains(&pair) {
            sink.report(&INVALID_SCHEDULING, one, "two spread constraints have the same `topologyKey` and `whenUnsatisfiable`");
        }
        seen.push(pair);
        if let Some(node) = present(one, "minDomains")
            && (matches!(value(node), Value::Int(domains) if domains <= 0) || pair.1 != Some("DoNotSchedule"))
        {
            sink.report(&INVALID_SCHEDULING, node, "`minDomains` is greater than 0, and goes with `whenUnsatisfiable: DoNotSchedule`");
        }
    }
}
