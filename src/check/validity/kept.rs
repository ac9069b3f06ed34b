//! What chance has decided once and is kept: nobody changes it by hand.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use super::Committed;
use super::rule::{Rule, Sink};

/// `edited-kept-value`
pub(super) const EDITED: Rule = Rule {
    code: "edited-kept-value",
    severity: Severity::Error,
    title: "What is kept of random values is what it was",
    text: "With `random: keep` a password or certificate is written once and stays, because the manifests themselves hold it. So whoever edits it there has changed it for good, \
           without a change of anything that it is made from. Compared is with what is committed (HEAD, or what `check --against` names). The finding names object and \
           field, never a value.\n\nTake the old value back, or have a new one made: delete the object's file and run hydrate. Where a new value is meant, say so with the annotation \
           `checks.hydrate/edited-kept-value: \"off: REASON\"` or in `exceptions`.",
};

/// The fields of an object that are kept.
pub(super) fn check(sink: &mut Sink<'_>, committed: &dyn Committed) {
    let root = &sink.object.root;
    for (pointer, text) in committed.kept(sink.object) {
        if let Some(node) = behind(root, &pointer).filter(|node| node.as_str() != Some(&text)) {
            sink.report(&EDITED, node, "a value that is kept is not what is committed, and it is made from the same");
        }
    }
}

/// The node that a JSON pointer leads to.
fn behind<'n>(root: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer.split('/').skip(1).try_fold(root, |node, key| {
        let key = key.replace("~1", "/").replace("~0", "~");
        node.get(&key).or_else(|| node.items()?.get(key.parse::<usize>().ok()?))
    })
}
