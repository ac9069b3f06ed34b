//! What the rules about pods that can do more than before have in common.

use crate::object::Object;
use crate::path::Path;

use super::pods::Pod;
use super::{Level, Scene, Sink};

/// Something that a pod can do.
pub(super) struct Exposure {
    /// What it is, to be compared with what was there.
    pub(super) key: String,
    /// In one sentence.
    pub(super) says: String,
    /// Where it is said.
    pub(super) path: Path,
}

/// How the keys end of what is only told where it is lost.
pub(super) const LOST: &str = "(lost)";

/// Tells what a workload has and did not have; and, as a caution, what a new one has.
pub(super) fn compare(scene: &Scene<'_>, sink: &mut Sink<'_>, exposed: fn(&Object) -> Vec<Exposure>) {
    for (_, before, after) in scene.pairs() {
        let old = exposed(before);
        let had_container = |key: &str| {
            Pod::of(before).is_some_and(|pod| pod.containers().any(|container| key.starts_with(&format!("{} ", container.name))))
        };
        for one in exposed(after).into_iter().filter(|one| !old.iter().any(|old| old.key == one.key)) {
            if one.key.ends_with(LOST) && !had_container(&one.key) {
                continue;
            }
            let node = node_at(after, &one.path);
            sink.about(after, one.says).at(one.path, after, node);
        }
    }
    for object in scene.objects.iter().filter(|object| object.before.is_none()).filter_map(|object| object.after.as_ref()) {
        for one in exposed(object).into_iter().filter(|one| !one.key.ends_with(LOST)) {
            let node = node_at(object, &one.path);
            sink.about(object, format!("new: {}", one.says)).level(Level::Caution).at(one.path, object, node);
        }
    }
}

/// The deepest node on a path that is there.
fn node_at<'o>(object: &'o Object, path: &Path) -> Option<&'o hydrate_yaml::node::Node> {
    use crate::path::Step;
    let mut node = &object.root;
    for step in &path.0 {
        let next = match step {
            Step::Key(key) => node.get(key),
            Step::Index(at) => node.items().and_then(|items| items.get(*at)),
            Step::Item(keys) => node.items().and_then(|items| {
                items.iter().find(|item| keys.iter().all(|(key, value)| item.get(key).and_then(|node| node.as_str()) == Some(value)))
            }),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    Some(node)
}
