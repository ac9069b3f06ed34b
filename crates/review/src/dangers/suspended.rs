//! `suspended`

use crate::object::Object;
use crate::path::{Path, Step};
use crate::value::is_true;

use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "suspended",
    level: Level::Caution,
    title: "Something is suspended",
    text: "A Flux object, a CronJob or a Job with `suspend: true` does nothing until that is taken back, and no error says so. A Flux Kustomization or HelmRelease that is suspended leaves its objects as they are: what changes in Git \
           is not applied, what is deleted is not pruned. An object with `kustomize.toolkit.fluxcd.io/reconcile: disabled` is no longer kept as Git says.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (_, before, after) in scene.pairs() {
        if !is_suspended(before) && is_suspended(after) {
            let path = Path(vec![Step::Key("spec".into()), Step::Key("suspend".into())]);
            let finding = sink.about(after, format!("the {} {} is suspended", after.kind(), after.identity.name));
            finding.at(path, after, after.at(&["spec", "suspend"]));
            if after.identity.group().ends_with("toolkit.fluxcd.io") {
                finding
                    .level(Level::Danger)
                    .note("what it applies stays as it is: no change in Git comes to the cluster, and nothing is pruned");
            }
        }
        if !is_left_alone(before) && is_left_alone(after) {
            let path = Path(["metadata", "annotations", RECONCILE].iter().map(|key| Step::Key((*key).into())).collect());
            sink.about(after, format!("Flux leaves the {} {} alone from now on", after.kind(), after.identity.name)).at(
                path,
                after,
                after.at(&["metadata", "annotations", RECONCILE]),
            );
        }
    }
}

const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";

fn is_suspended(object: &Object) -> bool {
    object.root.get("spec").is_some_and(|spec| is_true(spec, "suspend"))
}

fn is_left_alone(object: &Object) -> bool {
    object.annotation(RECONCILE).is_some_and(|word| word.eq_ignore_ascii_case("disabled"))
}
