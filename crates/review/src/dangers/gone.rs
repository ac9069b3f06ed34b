//! What the rules about objects that leave the cluster have in common.

use crate::object::Object;

use super::Scene;
use super::owners::Tool;

/// What becomes of an object that is no longer rendered: whether anything takes it out of the cluster.
pub(super) fn fate(scene: &Scene<'_>, object: &Object) -> String {
    let options = object.annotation("argocd.argoproj.io/sync-options").unwrap_or_default();
    let keeps = [
        (
            object.annotation("kustomize.toolkit.fluxcd.io/prune").is_some_and(|prune| prune.eq_ignore_ascii_case("disabled")),
            "kustomize.toolkit.fluxcd.io/prune",
        ),
        (options.contains("Prune=false"), "argocd.argoproj.io/sync-options"),
    ];
    if let Some((_, annotation)) = keeps.iter().find(|(keeps, _)| *keeps) {
        return format!("it has been told to stay ({annotation}): it is left in the cluster until somebody deletes it");
    }
    let owners = scene.owners();
    match (owners.tool, owners.unit(&object.component)) {
        (Tool::None, _) => {
            "whoever applies the directory decides whether it is pruned; where nothing prunes, it stays until somebody deletes it"
                .to_owned()
        }
        (tool, Some(unit)) if unit.is_suspended => {
            format!("{} is suspended for {}: nothing happens until that ends", tool.name(), object.component)
        }
        (tool, Some(unit)) if unit.prunes => format!("{} prunes it as soon as this is applied", tool.name()),
        (tool, Some(_)) => {
            format!("{} does not prune {}: it stays in the cluster until somebody deletes it", tool.name(), object.component)
        }
        (tool, None) => format!("{} applies nothing from {} any more", tool.name(), object.component),
    }
}
