//! `namespace-deleted`

use super::{Level, Rule, Scene, Sink, gone};

pub(super) const RULE: Rule = Rule {
    code: "namespace-deleted",
    level: Level::Danger,
    title: "A Namespace goes",
    text: "With a namespace goes everything in it: volumes, secrets, and what was made there by hand or by operators and is in no repository.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for namespace in scene.leaving().filter(|object| object.group_kind() == ("", "Namespace")) {
        let name = namespace.identity.name.clone();
        let staying = scene.present().filter(|(_, identity)| identity.namespace == name).count();
        let finding = sink.about(namespace, format!("the namespace {name} is deleted, with everything that is in it"));
        if staying > 0 {
            finding.note(format!(
                "{} still rendered into it",
                if staying == 1 { "1 object is".to_owned() } else { format!("{staying} objects are") }
            ));
        }
        finding.note(gone::fate(scene, namespace));
    }
}
