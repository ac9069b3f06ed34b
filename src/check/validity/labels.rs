//! Labels, annotations, and selectors by labels, wherever they stand.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{at, entries, items};

use super::grammar;
use super::reading::{self, Value, filled, key, string, value};
use super::rule::{Rule, Sink};

/// `invalid-label`
pub(super) const INVALID_LABEL: Rule = Rule {
    code: "invalid-label",
    severity: Severity::Error,
    title: "Labels, and selectors by them, keep to their grammar",
    text: "The key of a label is a name of at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at either end, and may have a domain and \
           `/` before it. Its value is such a name too, or empty. In selectors `In` and `NotIn` need values, `Exists` and `DoesNotExist` have none.\n\n\
           Versions of images (`sha256:…`, `1.2.3+build`) and names that are cut at 63 characters just behind a `-` are the usual causes: \
           `{{ … | trunc 63 | trimSuffix \"-\" }}`.",
};

/// `invalid-annotation`
pub(super) const INVALID_ANNOTATION: Rule = Rule {
    code: "invalid-annotation",
    severity: Severity::Error,
    title: "Annotations keep to their grammar, and together to 256 KiB",
    text: "Keys of annotations are those of labels. Their values may be anything, but keys and values together have at most 262,144 bytes. \
           `kubectl apply` puts the whole object into an annotation: one of more than that size can be applied by server-side apply alone.",
};

/// `selector-mismatch`
pub(super) const SELECTOR_MISMATCH: Rule = Rule {
    code: "selector-mismatch",
    severity: Severity::Error,
    title: "The selector of a workload matches the labels of its own pods",
    text: "A Deployment, ReplicaSet, StatefulSet, DaemonSet or ReplicationController whose selector does not select what its template makes is refused, \
           and so is an empty selector.",
};

/// How many bytes all annotations of an object may have.
const ANNOTATIONS: usize = 256 * 1024;

/// The metadata of an object or of a template.
pub(super) fn metadata<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    labels(sink, node.get("labels"));
    let annotations = entries(node, &["annotations"]);
    for (name, _) in annotations {
        if let Some(why) = string(name).and_then(|name| grammar::qualified_name(&name.to_lowercase())) {
            sink.report(&INVALID_ANNOTATION, name, format!("`{}` cannot be the key of an annotation", key(name))).notes.push(why);
        }
    }
    let size: usize = annotations.iter().map(|(name, node)| key(name).len() + node.as_str().map_or(0, str::len)).sum();
    if size > ANNOTATIONS
        && let Some(node) = node.get("annotations")
    {
        sink.report(&INVALID_ANNOTATION, node, format!("its annotations have {size} bytes, and at most {ANNOTATIONS} are allowed"));
    }
}

/// A map of labels, or of what has to be equal to them.
pub(super) fn labels<'a>(sink: &mut Sink<'a>, node: Option<&'a Node>) {
    for (name, node) in node.and_then(Node::entries).unwrap_or_default() {
        if let Some(why) = string(name).and_then(grammar::qualified_name) {
            sink.report(&INVALID_LABEL, name, format!("`{}` cannot be the key of a label", key(name))).notes.push(why);
        }
        label(sink, node);
    }
}

fn label<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    let Value::Text(text) = value(node) else { return };
    if let Some(why) = grammar::label_value(&text) {
        sink.report(&INVALID_LABEL, node, format!("`{text}` cannot be the value of a label")).notes.push(why);
    }
}

/// `{matchLabels, matchExpressions}`
pub(super) fn selector<'a>(sink: &mut Sink<'a>, node: Option<&'a Node>) {
    let Some(node) = node else { return };
    labels(sink, node.get("matchLabels"));
    for expression in items(node, &["matchExpressions"]) {
        if let Some(name) = filled(expression, "key")
            && let Some(why) = name.as_str().and_then(grammar::qualified_name)
        {
            sink.report(&INVALID_LABEL, name, format!("`{}` cannot be the key of a label", key(name))).notes.push(why);
        }
        let operator = expression.get("operator").and_then(Node::as_str).unwrap_or_default();
        let values = items(expression, &["values"]);
        values.iter().for_each(|node| label(sink, node));
        let says = match operator {
            "In" | "NotIn" if values.is_empty() => format!("`{operator}` needs values"),
            "Exists" | "DoesNotExist" if !values.is_empty() => format!("`{operator}` takes no values"),
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "" => continue,
            _ => format!("`{operator}` is no operator of a selector by labels"),
        };
        let node = expression.get("operator").unwrap_or(expression);
        sink.report(&INVALID_LABEL, node, says).notes.push("operators are `In`, `NotIn`, `Exists` and `DoesNotExist`".to_owned());
    }
}

/// The selector of a ReplicationController, which is a map, beside the labels of its template.
pub(super) fn matches_map<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let template = at(spec, &["template", "metadata", "labels"]);
    for (name, wanted) in entries(spec, &["selector"]) {
        if template.and_then(|labels| labels.get(key(name))).map(reading::label) != Some(reading::label(wanted)) {
            sink.report(
                &SELECTOR_MISMATCH,
                wanted,
                format!("its selector wants the label {}={}, which the template has not", key(name), key(wanted)),
            );
        }
    }
}

/// The selector of a workload beside the labels of its template.
pub(super) fn matches<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let Some(node) = filled(spec, "selector") else {
        // Where it is missing altogether, the schema says so; where it is written and empty, nothing else does.
        if let Some(node) = spec.get("selector").filter(|node| node.entries().is_some_and(<[_]>::is_empty)) {
            sink.report(&SELECTOR_MISMATCH, node, "an empty selector would select every pod, and is refused");
        }
        return;
    };
    let template = at(spec, &["template", "metadata", "labels"]);
    let of_template = |name: &str| template.and_then(|labels| labels.get(name)).map(reading::label);
    let equal = entries(node, &["matchLabels"]);
    for (name, wanted) in equal {
        let found = of_template(key(name));
        if found != Some(reading::label(wanted)) {
            let found = found.map_or("has no such label".to_owned(), |found| format!("has `{found}`"));
            let says = format!("its selector wants the label {}={}, and the template {found}", key(name), reading::label(wanted));
            sink.report(&SELECTOR_MISMATCH, wanted, says);
        }
    }
    let expressions = items(node, &["matchExpressions"]);
    for expression in expressions {
        let (Some(name), Some(operator)) =
            (expression.get("key").and_then(Node::as_str), expression.get("operator").and_then(Node::as_str))
        else {
            continue;
        };
        let found = of_template(name);
        let listed = items(expression, &["values"]).iter().any(|node| node.as_str() == found);
        let fits = match operator {
            "In" => found.is_some() && listed,
            "NotIn" => found.is_none() || !listed,
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => true,
        };
        if !fits {
            sink.report(&SELECTOR_MISMATCH, expression, format!("its selector by `{name}` does not select its own template"));
        }
    }
    if equal.is_empty() && expressions.is_empty() {
        sink.report(&SELECTOR_MISMATCH, node, "an empty selector would select every pod, and is refused");
    }
}
