//! A file in one order: documents by who they are, keys by name.

use std::sync::Arc;

use hydrate_yaml::node::{Data, Extra, Node, ScalarStyle};

use crate::mask::Mask;
use crate::object::{self, Object};
use crate::view::yaml_lines;

/// The objects of a file in one order, with what is secret hidden: two files with the same objects are the same text. A file that is not made of objects stays as it is.
pub fn canonical(text: &[u8]) -> String {
    let content: Arc<[u8]> = text.into();
    let Some(found) = object::read(&Arc::from(""), "file.yaml", &content) else { return String::from_utf8_lossy(text).into_owned() };
    let mask = Mask::default();
    let mut objects: Vec<Object> = found.iter().map(|found| Object::new(found, &mask)).collect();
    objects.sort_by(|one, other| one.identity.cmp(&other.identity));
    let one = |object: &mut Object| {
        sort(&mut object.root);
        yaml_lines(&object.root).iter().map(|line| format!("{line}\n")).collect::<String>()
    };
    objects.iter_mut().map(one).collect::<Vec<_>>().join("---\n")
}

/// Keys by name, blocks and plain texts wherever that is possible, no comments.
fn sort(node: &mut Node) {
    node.extra =
        node.extra.take().filter(|extra| !extra.tag.is_empty()).map(|extra| Box::new(Extra { tag: extra.tag, ..Extra::default() }));
    match &mut node.data {
        Data::Mapping(entries) => {
            node.style.flow = false;
            entries.sort_by(|(one, _), (other, _)| one.as_str().cmp(&other.as_str()));
            entries.iter_mut().for_each(|(key, value)| {
                sort(key);
                sort(value);
            });
        }
        Data::Sequence(items) => {
            node.style.flow = false;
            items.iter_mut().for_each(sort);
        }
        Data::Scalar(text) => node.style.scalar = if text.contains('\n') { ScalarStyle::Literal } else { ScalarStyle::Plain },
        Data::Alias(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_gone_and_secrets_are_hidden() {
        let one = "kind: Secret\napiVersion: v1\nmetadata: {name: b}\ndata: {b: eA==, a: eQ==}\n---\n# A map.\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {n: '1', t: 'x'}\n";
        let other = "apiVersion: v1\nkind: ConfigMap\ndata: {t: \"x\", n: \"1\"} # c\nmetadata:\n  name: a\n---\napiVersion: v1\ndata:\n  a: eQ==\n  b: eA==\nkind: Secret\nmetadata:\n  name: b\n";
        assert_eq!(canonical(one.as_bytes()), canonical(other.as_bytes()));
        assert!(canonical(one.as_bytes()).contains("a: (hidden)") && canonical(one.as_bytes()).contains("n: \"1\""));
        assert_eq!(canonical(b"no object"), "no object");
    }
}
