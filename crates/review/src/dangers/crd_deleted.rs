//! `crd-deleted`

use crate::object::Object;
use crate::review::is_crd;
use crate::value::text;

use super::{Level, Rule, Scene, Sink, gone};

pub(super) const RULE: Rule = Rule {
    code: "crd-deleted",
    level: Level::Danger,
    title: "A CustomResourceDefinition goes",
    text: "With a CRD go all objects of its kind, in every namespace, those among them that nothing here has rendered; and what their operators have made for them goes or is orphaned.\n\n\
           Delete the objects first, look at what their finalizers do, and the CRD last. A CRD that only moves to another chart or directory is no deletion.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for crd in scene.leaving().filter(|object| is_crd(object)) {
        let Some((group, kind)) = defines(crd) else { continue };
        let is_of_it = |object: &&Object| object.group_kind() == (group, kind);
        let leaving = scene.leaving().filter(is_of_it).count();
        let staying = scene.present().filter(|(_, identity)| identity.group() == group && identity.kind == kind).count();
        let finding = sink.about(crd, format!("the CRD of {kind} ({group}) is deleted, and with it every {kind} in the cluster"));
        finding.note(format!("rendered here of that kind: {}", leaving + staying)).note(gone::fate(scene, crd));
    }
}

/// Group and kind that a CRD defines.
pub(super) fn defines(crd: &Object) -> Option<(&str, &str)> {
    let spec = crd.root.get("spec")?;
    Some((text(spec, "group")?, text(spec.get("names")?, "kind")?))
}
