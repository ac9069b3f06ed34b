//! `target-changed`

use crate::difference::FieldChange;
use crate::view::brief;

use super::owners::is_applier;
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "target-changed",
    level: Level::Danger,
    title: "Something that applies other objects applies them to another place, or others",
    text: "Another `path`, `sourceRef`, `targetNamespace`, `destination` or `releaseName` of a Flux Kustomization, a HelmRelease or an Argo CD Application means other objects: those that it applied before are no longer among them, and are pruned \
           where it prunes.",
    find,
};

/// What of an object says what it applies, and to where.
const TARGETS: &[&[&str]] = &[
    &["spec", "path"],
    &["spec", "sourceRef"],
    &["spec", "targetNamespace"],
    &["spec", "storageNamespace"],
    &["spec", "releaseName"],
    &["spec", "kubeConfig"],
    &["spec", "namePrefix"],
    &["spec", "nameSuffix"],
    &["spec", "destination"],
    &["spec", "source", "path"],
    &["spec", "source", "repoURL"],
    &["spec", "source", "chart"],
];

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (change, _, after) in scene.updated() {
        let (group, kind) = after.group_kind();
        if !is_applier(group, kind) && (group, kind) != ("helm.toolkit.fluxcd.io", "HelmRelease") {
            continue;
        }
        for field in change.fields.iter().filter(|field| TARGETS.iter().any(|way| field.path.starts_with(way))) {
            let value = |node: &Option<hydrate_yaml::node::Node>| node.as_ref().map(brief);
            let FieldChange { path, old, new, .. } = field;
            let finding = sink.about(after, format!("the {kind} {} applies something else, or elsewhere: {path}", after.identity.name));
            finding
                .values(value(old), value(new))
                .note("what it has applied until now is no longer among its objects, and is pruned where it prunes");
            finding.place.line = if field.line() > 0 { field.line() } else { finding.place.line };
            finding.path = Some(path.clone());
        }
    }
}
