//! Label selectors as the API server reads them.

use hydrate_yaml::node::Node;

use super::value::{entries, items, text};

/// Labels that controllers add to the pods they make: no template has them, so a selector's say on them is not judged.
const ADDED: &[&str] = &[
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// Labels: pairs of an object, with those of another source over them where an environment adds some.
#[derive(Debug, Clone, Copy, Default)]
pub struct Labels<'a> {
    /// A mapping of labels.
    pub node: Option<&'a Node>,
    /// A label that every object of this kind and name has, written down or not.
    pub own: Option<(&'a str, &'a str)>,
}

impl<'a> Labels<'a> {
    /// The labels of a mapping, if there is one.
    pub fn of(node: Option<&'a Node>) -> Self {
        Self { node, own: None }
    }

    /// The pairs that are written down.
    pub fn written(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.node.and_then(Node::entries).unwrap_or_default();
        pairs.iter().filter_map(|(key, value)| Some((key.as_str()?, value.as_str()?)))
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        let written = self.node.and_then(|node| node.get(key)).and_then(Node::as_str);
        written.or_else(|| self.own.filter(|(own, _)| *own == key).map(|(_, value)| value))
    }
}

/// Those of plain pairs that templates can have.
pub fn judged(pairs: &[(Node, Node)]) -> impl Iterator<Item = (&str, &str)> {
    let pairs = pairs.iter().filter_map(|(key, value)| Some((key.as_str()?, value.as_str()?)));
    pairs.filter(|(key, _)| !ADDED.contains(key))
}

/// Whether plain pairs (a Service's selector, `matchLabels`) pick these labels.
pub fn pairs_match(pairs: &[(Node, Node)], labels: &Labels<'_>) -> bool {
    pairs.iter().all(|(key, value)| {
        let key = key.as_str().unwrap_or_default();
        ADDED.contains(&key) || labels.get(key) == value.as_str()
    })
}

/// Whether a selector with `matchLabels` and `matchExpressions` picks these labels; an empty one picks everything.
pub fn selects(selector: &Node, labels: &Labels<'_>) -> bool {
    pairs_match(entries(selector, &["matchLabels"]), labels)
        && items(selector, &["matchExpressions"]).iter().all(|expression| holds(expression, labels))
}

/// One of `matchExpressions`; an operator that nobody knows holds.
fn holds(expression: &Node, labels: &Labels<'_>) -> bool {
    let key = text(expression, "key").unwrap_or_default();
    let value = labels.get(key);
    let among = || items(expression, &["values"]).iter().any(|one| one.as_str() == value && value.is_some());
    match text(expression, "operator").unwrap_or_default() {
        _ if ADDED.contains(&key) => true,
        "In" => among(),
        "NotIn" => !among(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => true,
    }
}

/// A selector as users write it on the command line: `app=web,tier in (a,b)`.
pub fn shown(selector: &Node) -> String {
    let pairs = entries(selector, &["matchLabels"]).iter().map(pair);
    let expressions = items(selector, &["matchExpressions"]).iter().map(|expression| {
        let values: Vec<&str> = items(expression, &["values"]).iter().filter_map(Node::as_str).collect();
        let (key, operator) = (text(expression, "key").unwrap_or("?"), text(expression, "operator").unwrap_or("?"));
        if values.is_empty() { format!("{key} {operator}") } else { format!("{key} {operator} ({})", values.join(",")) }
    });
    pairs.chain(expressions).collect::<Vec<_>>().join(",")
}

/// Plain pairs in the same form.
pub fn shown_pairs(pairs: &[(Node, Node)]) -> String {
    pairs.iter().map(pair).collect::<Vec<_>>().join(",")
}

fn pair((key, value): &(Node, Node)) -> String {
    format!("{}={}", key.as_str().unwrap_or("?"), value.as_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        hydrate_yaml::compose(text.as_bytes()).unwrap().remove(0).root.unwrap()
    }

    #[test]
    fn selectors_pick_labels() {
        let labels = node("{app: web, tier: front}");
        let picks = |selector: &str| selects(&node(selector), &Labels::of(Some(&labels)));
        for yes in [
            "{}",
            "{matchLabels: {app: web}}",
            "{matchLabels: {app: web, pod-template-hash: x}}",
            "{matchExpressions: [{key: app, operator: In, values: [a, web]}, {key: x, operator: DoesNotExist}]}",
            "{matchExpressions: [{key: app, operator: NotIn, values: [a]}, {key: tier, operator: Exists}]}",
        ] {
            assert!(picks(yes), "{yes}");
        }
        for no in [
            "{matchLabels: {app: web, tier: back}}",
            "{matchLabels: {app: web, other: x}}",
            "{matchExpressions: [{key: x, operator: In, values: [a]}]}",
            "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}",
            "{matchExpressions: [{key: app, operator: DoesNotExist}]}",
        ] {
            assert!(!picks(no), "{no}");
        }
        assert_eq!(shown(&node("{matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d, e]}]}")), "a=b,c In (d,e)");
    }
}
