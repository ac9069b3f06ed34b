//! `applier-deleted`

use crate::object::Object;
use crate::value::is_true;

use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "applier-deleted",
    level: Level::Danger,
    title: "Something that applies other objects goes, and those with it",
    text: "With a Flux Kustomization that prunes goes everything in its inventory; with a HelmRelease the release is uninstalled; with an Argo CD Application that has the finalizer `resources-finalizer.argocd.argoproj.io` goes everything that it \
           has applied. Without (`prune: false`, `deletionPolicy: Orphan`, no finalizer) its objects stay, and belong to nobody: that is a caution.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for object in scene.leaving() {
        let Some(takes) = takes(object) else { continue };
        let (kind, name) = (object.kind(), object.identity.name.as_str());
        match takes {
            true => sink.about(object, format!("the {kind} {name} is deleted, and with it everything that it has applied")),
            false => sink
                .about(object, format!("the {kind} {name} is deleted: what it has applied stays, and belongs to nobody"))
                .level(Level::Caution),
        };
    }
}

/// Whether what an object has applied goes with it; `None` for objects that apply nothing.
fn takes(object: &Object) -> Option<bool> {
    let spec = object.root.get("spec");
    let is_set = |key: &str| spec.is_some_and(|spec| is_true(spec, key));
    let policy = spec.and_then(|spec| crate::value::text(spec, "deletionPolicy")).unwrap_or_default();
    match object.group_kind() {
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => {
            Some(policy == "Delete" || policy == "WaitForTermination" || policy != "Orphan" && is_set("prune") && !is_set("suspend"))
        }
        ("helm.toolkit.fluxcd.io", "HelmRelease") => Some(!is_set("suspend")),
        ("argoproj.io", "Application" | "ApplicationSet") => {
            let finalizers = object.root.get("metadata").map(|metadata| crate::value::items(metadata, "finalizers")).unwrap_or_default();
            let cascades = |text: &str| text.starts_with("resources-finalizer.argocd.argoproj.io") || text.contains("foregroundfinalizer");
            Some(object.kind() == "ApplicationSet" || finalizers.iter().filter_map(|node| node.as_str()).any(cascades))
        }
        _ => None,
    }
}
