//! Keys that are written twice in one mapping.

use hydrate_base::Severity;
use hydrate_yaml::node::{Data, Node, Tag};

use super::reading::key;
use super::rule::{Rule, Sink};
use super::structure::WRONG_TYPE;

/// `duplicate-key`
pub(super) const DUPLICATE_KEY: Rule = Rule {
    code: "duplicate-key",
    severity: Severity::Error,
    title: "No mapping has a key twice",
    text: "YAML does not allow it. kustomize, and with it Flux, refuses such a file; `kubectl` takes the last of the values and drops the others \
           without a word.\n\nIt comes from templates that write a block of labels or annotations and then one of them again.",
};

/// Every mapping of the object.
pub(super) fn check<'a>(sink: &mut Sink<'a>, node: &'a Node) {
    match &node.data {
        Data::Sequence(items) => items.iter().for_each(|item| check(sink, item)),
        Data::Mapping(entries) => {
            let mut names: Vec<(&str, usize)> = entries.iter().enumerate().map(|(number, (name, _))| (key(name), number)).collect();
            names.sort_unstable();
            for (name, _) in entries.iter().filter(|(name, _)| name.as_str().is_none() || name.tag == Tag::Null) {
                sink.report(&WRONG_TYPE, name, "a key of a mapping has to be a string, and is null, a list or a mapping");
            }
            for pair in names.windows(2) {
                if let [(first, _), (second, number)] = pair
                    && first == second
                    && let Some((name, _)) = entries.get(*number)
                {
                    sink.report(&DUPLICATE_KEY, name, format!("the key `{second}` is there twice"));
                }
            }
            entries.iter().for_each(|(_, node)| check(sink, node));
        }
        Data::Scalar(_) | Data::Alias(_) => {}
    }
}
