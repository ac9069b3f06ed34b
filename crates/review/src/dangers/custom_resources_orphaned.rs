//! `custom-resources-orphaned`

use hydrate_base::plain::counted;

use crate::review::is_crd;

use super::crd_deleted::defines;
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "custom-resources-orphaned",
    level: Level::Danger,
    title: "Custom resources stay whose CRD goes",
    text: "They cannot be applied any more, and those in the cluster go with the CRD. Either the CRD is missing by mistake, or they have to go first.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for crd in scene.leaving().filter(|object| is_crd(object)) {
        let Some((group, kind)) = defines(crd) else { continue };
        let mut components: Vec<&str> = Vec::new();
        let mut count = 0;
        for (component, _) in scene.present().filter(|(_, identity)| identity.group() == group && identity.kind == kind) {
            count += 1;
            if !components.contains(&component) {
                components.push(component);
            }
        }
        if count > 0 {
            let message = format!("{} of {kind} ({group}) still rendered, and the CRD of that kind goes", counted(count, "object"));
            sink.about(crd, message)
                .note(format!("they are of {}", components.join(", ")))
                .note(format!("the API server says: no matches for kind \"{kind}\""));
        }
    }
}
