//! `stateful-set-deleted`

use crate::value::{at, items, text};

use super::{Level, Rule, Scene, Sink, gone};

pub(super) const RULE: Rule = Rule {
    code: "stateful-set-deleted",
    level: Level::Danger,
    title: "A StatefulSet goes",
    text: "Its pods go at once and in no order. Its claims stay, unless `persistentVolumeClaimRetentionPolicy` says otherwise; under another name they are not found again: the volumes of a renamed StatefulSet are new and empty.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for object in scene.leaving().filter(|object| object.group_kind() == ("apps", "StatefulSet")) {
        let spec = object.root.get("spec");
        let claims = spec.map(|spec| items(spec, "volumeClaimTemplates").len()).unwrap_or_default();
        let policy = at(&object.root, &["spec", "persistentVolumeClaimRetentionPolicy"]).and_then(|policy| text(policy, "whenDeleted"));
        let finding = sink.about(object, format!("the StatefulSet {} is deleted, and all of its pods with it", object.identity.name));
        match (claims, policy) {
            (0, _) => finding,
            (_, Some("Delete")) => finding.note("its volume claims go with it: persistentVolumeClaimRetentionPolicy.whenDeleted is Delete"),
            _ => finding.note("its volume claims stay, and cost money; only a StatefulSet of the same name takes them up again"),
        }
        .note(gone::fate(scene, object));
    }
}
