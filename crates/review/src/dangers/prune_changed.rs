//! `prune-changed`

use hydrate_yaml::node::Node;

use crate::object::Object;
use crate::path::{Path, Step};
use crate::value::is_true;

use super::owners::is_applier;
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "prune-changed",
    level: Level::Danger,
    title: "What is gone from Git begins or ceases to be deleted",
    text: "Where a Flux Kustomization or an Argo CD Application begins to prune, everything that is in its inventory and no longer in Git goes at once, also what earlier changes have left behind. Where it ceases to, deleted objects stay in the cluster.\n\n\
           The same for single objects, by `kustomize.toolkit.fluxcd.io/prune`, `argocd.argoproj.io/sync-options: Prune=false` and `helm.sh/resource-policy: keep`.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (_, before, after) in scene.updated() {
        if let Some((old, new)) = prunes(before).zip(prunes(after)).filter(|(old, new)| old != new) {
            let says = if new { "deletes what is gone from Git, from now on" } else { "does not delete what is gone from Git any more" };
            let finding = sink.about(after, format!("the {} {} {says}", after.kind(), after.identity.name));
            finding.values(Some(old.to_string()), Some(new.to_string())).at(way(after), after, after.root.get("spec"));
            match new {
                true => finding.note("what earlier changes have left behind in its inventory goes at once"),
                false => finding.level(Level::Caution),
            };
        }
        let (was_kept, is_kept) = (kept(before), kept(after));
        if let Some(by) = was_kept.filter(|_| is_kept.is_none()) {
            sink.about(after, format!("the {} {} is deleted from now on when it is gone from Git", after.kind(), after.identity.name))
                .level(Level::Caution)
                .note(format!("until now it was told to stay ({by})"));
        }
    }
}

fn way(object: &Object) -> Path {
    let keys: &[&str] = if object.kind() == "Kustomization" { &["spec", "prune"] } else { &["spec", "syncPolicy", "automated", "prune"] };
    Path(keys.iter().map(|key| Step::Key((*key).into())).collect())
}

fn prunes(object: &Object) -> Option<bool> {
    let (group, kind) = object.group_kind();
    if !is_applier(group, kind) {
        return None;
    }
    let holder: Option<&Node> =
        if kind == "Kustomization" { object.root.get("spec") } else { object.at(&["spec", "syncPolicy", "automated"]) };
    Some(holder.is_some_and(|holder| is_true(holder, "prune")))
}

/// What keeps an object although it is gone from Git.
fn kept(object: &Object) -> Option<&'static str> {
    let annotation = |key: &str| object.annotation(key).unwrap_or_default();
    if annotation("kustomize.toolkit.fluxcd.io/prune").eq_ignore_ascii_case("disabled") {
        return Some("kustomize.toolkit.fluxcd.io/prune");
    }
    if annotation("argocd.argoproj.io/sync-options").contains("Prune=false") {
        return Some("argocd.argoproj.io/sync-options");
    }
    (annotation("helm.sh/resource-policy") == "keep").then_some("helm.sh/resource-policy")
}
