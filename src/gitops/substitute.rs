//! Flux's variables: `${…}` in an object means a variable to Flux wherever a Kustomization has `postBuild`, unless the object says otherwise.

use hydrate_base::{Diagnostic, Result, SourceFile, place};
use hydrate_source::compose;
use hydrate_yaml::node::{Data, Node, Tag};

const KEY: &str = "kustomize.toolkit.fluxcd.io/substitute";
const VALUE: &str = "disabled";

/// The text of a document with the annotation that keeps Flux from substituting in it; `None` where nothing has to be done: it has no `${`, or says
/// itself, by annotation or label, what is to become of it. One or two lines are put in; only a document that cannot be told that way (`annotations:`
/// with nothing behind it, say) is written anew. Annotations shared by an anchor are refused.
pub fn disabled(text: &str, origin: &str) -> Result<Option<String>> {
    if memchr::memmem::find(text.as_bytes(), b"${").is_none() {
        return Ok(None);
    }
    let Some(root) = read(text, origin)? else { return Ok(None) };
    let says = |part: &str| root.get("metadata").and_then(|metadata| metadata.get(part)).is_some_and(|part| part.get(KEY).is_some());
    if says("annotations") || says("labels") {
        return Ok(None);
    }
    if let Some(inserted) = insert(text, &root)
        && read(&inserted, origin).is_ok_and(|root| root.is_some_and(|root| is_disabled(&root)))
    {
        return Ok(Some(inserted));
    }
    rewritten(root, origin).map(Some)
}

fn read(text: &str, origin: &str) -> Result<Option<Node>> {
    compose::document(&SourceFile::new(origin, text.as_bytes()), 0, text)
}

fn is_disabled(root: &Node) -> bool {
    let annotations = root.get("metadata").and_then(|metadata| metadata.get("annotations"));
    annotations.and_then(|annotations| annotations.get(KEY)).and_then(Node::as_str) == Some(VALUE)
}

/// The text with the annotation put in where it belongs; `None` where there is no such place.
fn insert(text: &str, root: &Node) -> Option<String> {
    let metadata = root.get("metadata")?;
    match metadata.get("annotations") {
        Some(annotations) if annotations.entries().is_some_and(|entries| !entries.is_empty()) => {
            into(text, annotations, &format!("{KEY}: {VALUE}"), "")
        }
        Some(annotations) if annotations.style.flow && annotations.entries().is_some() => {
            let at = offset(text, annotations)? + 1;
            splice(text, at, &format!("{KEY}: {VALUE}"))
        }
        Some(_) => None,
        None => into(text, metadata, "annotations:", &format!("{KEY}: {VALUE}")),
    }
}

/// Puts an entry in front of the first one of a mapping: `line`, and `below` indented under it.
fn into(text: &str, mapping: &Node, line: &str, below: &str) -> Option<String> {
    if has_anchor(mapping) && below.is_empty() {
        return None;
    }
    let (first, _) = mapping.entries()?.first()?;
    if mapping.style.flow {
        let entry = if below.is_empty() { line.to_owned() } else { format!("{line} {{{below}}}") };
        return splice(text, offset(text, mapping)? + 1, &format!("{entry}, "));
    }
    let at = offset(text, first)?;
    let start = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
    let indent = text.get(start..at)?;
    if !indent.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let below = if below.is_empty() { String::new() } else { format!("{indent}  {below}\n") };
    splice(text, start, &format!("{indent}{line}\n{below}"))
}

/// An anchored mapping is in other places too, and those must stay as they are.
fn has_anchor(node: &Node) -> bool {
    node.extra.as_deref().is_some_and(|extra| !extra.anchor.is_empty())
}

fn splice(text: &str, at: usize, what: &str) -> Option<String> {
    let (before, after) = text.split_at_checked(at)?;
    Some(format!("{before}{what}{after}"))
}

/// The byte at which a node starts; `None` for one that was not read from the text.
fn offset(text: &str, node: &Node) -> Option<usize> {
    (node.line > 0).then(|| place::byte_at(text.as_bytes(), node.line, node.column))
}

/// The document written anew with the annotation.
fn rewritten(mut root: Node, origin: &str) -> Result<String> {
    let cannot = || {
        Diagnostic::error(format!("cannot annotate {origin} for Flux: its annotations stand in other places too"))
            .note("it contains `${`, which Flux would take for a variable")
            .help(format!("write the annotation into it: {KEY}: {VALUE}"))
    };
    let Some(metadata) = root.get_mut("metadata") else { return Err(cannot()) };
    let entry = (Node::string(KEY), Node::string(VALUE));
    if let Some(annotations) = metadata.get_mut("annotations") {
        if has_anchor(annotations) {
            return Err(cannot());
        }
        match &mut annotations.data {
            Data::Mapping(entries) => entries.push(entry),
            _ if annotations.tag == Tag::Null => *annotations = Node::mapping(vec![entry]),
            _ => return Err(cannot()),
        }
    } else if let Data::Mapping(entries) = &mut metadata.data {
        entries.push((Node::string("annotations"), Node::mapping(vec![entry])));
    } else {
        return Err(cannot());
    }
    compose::emit(&root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(text: &str) -> Option<String> {
        disabled(text, "test").unwrap()
    }

    #[test]
    fn what_flux_would_take_for_a_variable_is_kept_from_it() {
        let head = "apiVersion: v1\nkind: ConfigMap\n";
        let data = "data:\n  a: ${b}\n";
        let said = format!("{KEY}: {VALUE}");
        for (metadata, expected) in [
            ("metadata:\n  name: a\n", format!("metadata:\n  annotations:\n    {said}\n  name: a\n")),
            ("metadata:\n    # c\n    name: ä\n", format!("metadata:\n    # c\n    annotations:\n      {said}\n    name: ä\n")),
            ("metadata:\n  name: a\n  annotations:\n    x: y\n", format!("metadata:\n  name: a\n  annotations:\n    {said}\n    x: y\n")),
            ("metadata: {name: a}\n", format!("metadata: {{annotations: {{{said}}}, name: a}}\n")),
            ("metadata:\n  name: a\n  annotations: {}\n", format!("metadata:\n  name: a\n  annotations: {{{said}}}\n")),
            ("metadata:\n  name: a\n  annotations: {x: y}\n", format!("metadata:\n  name: a\n  annotations: {{{said}, x: y}}\n")),
            ("metadata: {\"name\": \"a\"}\n", format!("metadata: {{annotations: {{{said}}}, \"name\": \"a\"}}\n")),
        ] {
            assert_eq!(annotated(&format!("{head}{metadata}{data}")), Some(format!("{head}{expected}{data}")));
        }
    }

    /// Whatever way a document is written, it says the same afterwards, but for the annotation.
    #[test]
    fn nothing_else_changes() {
        let before = [
            "",
            "# metadata: no\n",
            "spec: |\n  metadata:\n    annotations: {}\n\n",
            "x: \"metadata:\n  annotations:\"\n",
            "é: {metadata: {}}\n",
        ];
        let metadata = [
            "metadata:\n  name: a\n",
            "metadata:\n\n      # deep\n      name: a\n      labels:\n        annotations: x\n",
            "metadata: # remark\n  annotations: # remark\n    # more\n    \"q: x\": 'y'\n  name: a\n",
            "metadata:\n  annotations: {\n    b: c,\n  }\n  name: a\n",
            "\"metadata\":\n  \"annotations\":\n    'a': |-\n      b\n  'name': a\n",
            "metadata: {\"annotations\":{\"b\":\"c\"},\"name\":\"a\"}\n",
            "metadata:\n  annotations: null\n  name: a\n",
            "metadata:\n  annotations: ~ # none\n  name: a\n",
            "metadata: &m\n  name: a\n",
            "metadata: !!map\n  name: a\n",
            "metadata: !!map {name: a}\n",
            "? metadata\n: name: a\n",
            "metadata:\n  ? name\n  : a\n",
            "metadata:\n  annotations:\n    ? b\n    : c\n  name: a\n",
        ];
        let after = ["a: ${b}\n", "a: |\n  ${b}\n  metadata:\n", "metadatas: {annotations: [\"${b}\"]}\n"];
        let data = |text: &str| hydrate_source::Data::from_node(&read(text, "test").unwrap().unwrap()).to_json();
        let count = before.len() * metadata.len() * after.len();
        for number in 0..count {
            let (before, rest) = (before[number % before.len()], number / before.len());
            let (metadata, after) = (metadata[rest % metadata.len()], after[rest / metadata.len()]);
            let text = format!("{before}{metadata}{after}");
            let mut found = data(&annotated(&text).unwrap_or_else(|| panic!("not annotated:\n{text}")));
            let mut wanted = data(&text);
            let annotations = found["metadata"]["annotations"].as_object_mut().unwrap();
            assert_eq!(annotations.shift_remove(KEY), Some(VALUE.into()), "{text}");
            if annotations.is_empty() {
                found["metadata"].as_object_mut().unwrap().shift_remove("annotations");
                wanted["metadata"].as_object_mut().unwrap().shift_remove("annotations");
            }
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_put_in_is_written_anew() {
        let null = annotated("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\ndata:\n  a: ${b}\n").unwrap();
        assert!(null.contains("  annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\n"), "{null}");
        for shared in ["metadata:\n  annotations: &x\n    a: ${b}\nother: *x\n", "other: &x\n  a: ${b}\nmetadata:\n  annotations: *x\n"] {
            let error = disabled(shared, "ConfigMap a").unwrap_err();
            assert_eq!(error.message, "cannot annotate ConfigMap a for Flux: its annotations stand in other places too");
        }
    }

    #[test]
    fn nothing_is_done_where_nothing_has_to_be() {
        assert_eq!(annotated("metadata:\n  name: a\ndata:\n  a: $b\n"), None);
        for part in ["annotations", "labels"] {
            for value in ["disabled", "enabled"] {
                assert_eq!(annotated(&format!("metadata:\n  {part}:\n    {KEY}: {value}\ndata:\n  a: ${{b}}\n")), None);
            }
        }
    }
}
