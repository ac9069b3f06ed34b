//! Short ways to a value in a tree.

use hydrate_yaml::node::{Node, Tag};

/// The node behind these keys, one mapping in the other.
pub fn at<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n Node> {
    keys.iter().try_fold(node, |node, key| node.get(key))
}

/// The scalar at a key; `None` for null, collections and where there is none.
pub fn scalar<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|node| node.as_str().is_some() && node.tag != Tag::Null)
}

/// The text of the scalar at a key.
pub fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    scalar(node, key).and_then(Node::as_str)
}

/// The items of the list behind these keys; none where there is no list.
pub fn items<'n>(node: &'n Node, keys: &[&str]) -> &'n [Node] {
    at(node, keys).and_then(Node::items).unwrap_or_default()
}

/// The entries of the mapping behind these keys; none where there is no mapping.
pub fn entries<'n>(node: &'n Node, keys: &[&str]) -> &'n [(Node, Node)] {
    at(node, keys).and_then(Node::entries).unwrap_or_default()
}

/// Whether the boolean at a key is true.
pub fn is_true(node: &Node, key: &str) -> bool {
    node.get(key).is_some_and(|node| node.tag == Tag::Bool && node.as_str() == Some("true"))
}

/// The keys and positions that lead from `root` to the node `wanted` (this very node, not one that is equal), as users
/// write them: `spec.containers[web].env[2]`. Items of lists are shown by their `name` where they have one.
pub fn path(root: &Node, wanted: &Node) -> Option<String> {
    if std::ptr::eq(root, wanted) {
        return Some(String::new());
    }
    if let Some(entries) = root.entries() {
        return entries.iter().find_map(|(key, value)| {
            let here = std::ptr::eq(key, wanted).then(String::new);
            Some(step(key.as_str().unwrap_or("?"), &here.or_else(|| path(value, wanted))?))
        });
    }
    root.items()?.iter().enumerate().find_map(|(number, item)| {
        let rest = path(item, wanted)?;
        let name = text(item, "name").map_or_else(|| number.to_string(), str::to_owned);
        Some(join(&format!("[{name}]"), &rest))
    })
}

/// A key that holds dots or slashes is shown in brackets.
fn step(key: &str, rest: &str) -> String {
    if key.contains(['.', '/']) { join(&format!("[{key}]"), rest) } else { join(key, rest) }
}

fn join(first: &str, rest: &str) -> String {
    match rest.chars().next() {
        None => first.to_owned(),
        Some('[') => format!("{first}{rest}"),
        Some(_) => format!("{first}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_nodes() {
        let text = "spec:\n  containers:\n  - name: web\n    env: [{valueFrom: a}]\ndata:\n  a.yaml: x\n";
        let root = hydrate_yaml::compose(text.as_bytes()).unwrap().remove(0).root.unwrap();
        let container = &items(&root, &["spec", "containers"])[0];
        let deep = items(container, &["env"])[0].get("valueFrom").unwrap();
        assert_eq!(path(&root, deep).as_deref(), Some("spec.containers[web].env[0].valueFrom"));
        assert_eq!(path(&root, &entries(&root, &["data"])[0].1).as_deref(), Some("data[a.yaml]"));
        assert_eq!(path(&root, &Node::default()), None);
    }
}
