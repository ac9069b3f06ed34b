//! `disruption-budget-deleted`

use super::{Level, Rule, Scene, Sink, gone};

pub(super) const RULE: Rule = Rule {
    code: "disruption-budget-deleted",
    level: Level::Danger,
    title: "A PodDisruptionBudget goes",
    text: "Without a budget a node that is drained takes all pods of a workload at once.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for object in scene.leaving().filter(|object| object.group_kind() == ("policy", "PodDisruptionBudget")) {
        sink.about(
            object,
            format!("the disruption budget {} is deleted: a drained node may take all of its pods at once", object.identity.name),
        )
        .note(gone::fate(scene, object));
    }
}
