//! `requests-removed`

use hydrate_yaml::node::Node;

use crate::value::at;
use crate::view::brief;

use super::pods::Pod;
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "requests-removed",
    level: Level::Caution,
    title: "A container that had requests for resources has none",
    text: "Without requests a pod is put on any node, gets what others leave, and is the first to be evicted; a HorizontalPodAutoscaler that measures use has nothing to measure it by. A limit alone is a request too.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (_, before, after) in scene.pairs() {
        let (Some(old), Some(new)) = (Pod::of(before), Pod::of(after)) else { continue };
        for container in new.containers() {
            let Some(former) = old.containers().find(|former| former.name == container.name) else { continue };
            for resource in ["cpu", "memory"] {
                if let (Some(value), None) = (request(former.node, resource), request(container.node, resource)) {
                    let finding = sink.about(after, format!("the container {} has no request for {resource} any more", container.name));
                    finding.values(Some(brief(value)), None).at(container.path(&["resources"]), after, Some(container.node));
                }
            }
        }
    }
}

/// What a container asks for: a limit counts where there is no request.
fn request<'n>(container: &'n Node, resource: &str) -> Option<&'n Node> {
    at(container, &["resources", "requests", resource]).or_else(|| at(container, &["resources", "limits", resource]))
}
