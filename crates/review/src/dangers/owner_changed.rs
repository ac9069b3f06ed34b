//! `owner-changed`

use std::collections::BTreeMap;

use crate::object::Object;

use super::owners::{Order, Tool};
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "owner-changed",
    level: Level::Danger,
    title: "An object moves to another unit, and the old one may prune it",
    text: "Each component is applied and pruned as a whole. An object that is in another one now (its component was renamed, or it moved to another or to `00-crds`) is missing from the old inventory and present in the new one, and which is seen first decides: \
           if the new owner has applied it before the old one prunes, it has the new owner's mark and stays; if the old one is first, it is deleted and made anew. With a StatefulSet that is an outage, with a claim, a namespace or a CRD a loss of data.\n\n\
           In two commits nothing can happen: first say in the old place that the object is not to be pruned (`kustomize.toolkit.fluxcd.io/prune: disabled`, or `argocd.argoproj.io/sync-options: Prune=false`) and let that be applied; then move it, without \
           the annotation.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    let mut moves: BTreeMap<(&str, &str), Vec<(&Object, &Object)>> = BTreeMap::new();
    for (change, before, after) in scene.updated() {
        if change.is_moved() {
            moves.entry((&before.component, &after.component)).or_default().push((before, after));
        }
    }
    let owners = scene.owners();
    for ((from, to), objects) in moves {
        let (level, outcome) = outcome(scene, from, to);
        for (before, after) in objects {
            let kept = is_kept(before);
            let finding = sink.about(after, format!("it moves from {from} to {to}"));
            finding.values(Some(from.to_owned()), Some(to.to_owned()));
            if kept {
                finding.level(Level::Note).note("it has been told not to be pruned: the new owner takes it over");
                continue;
            }
            finding.level(level).note(outcome.clone());
            if level != Level::Note {
                let annotation = match owners.tool {
                    Tool::ArgoCd => "argocd.argoproj.io/sync-options: Prune=false",
                    _ => "kustomize.toolkit.fluxcd.io/prune: disabled",
                };
                finding.help(format!("in two commits: first give it `{annotation}` in {from}, and let that be applied; then move it"));
            }
        }
    }
}

/// What the two inventories make of a move.
fn outcome(scene: &Scene<'_>, from: &str, to: &str) -> (Level, String) {
    let owners = scene.owners();
    let tool = owners.tool.name();
    let Some(old) = owners.unit(from) else {
        return (
            Level::Caution,
            format!("{from} is not known to be applied by a unit of its own: whoever prunes it may delete the object before {to} has it"),
        );
    };
    if old.is_suspended || !old.prunes {
        return (Level::Note, format!("{tool} does not prune {from}: {to} takes it over"));
    }
    if !owners.is_applied(from) {
        let says = format!(
            "the unit of {from} goes with everything in its inventory, while {to} is applied: whichever is first decides whether the object is deleted and made anew"
        );
        return (Level::Danger, says);
    }
    match owners.order(to, from) {
        Order::First => (Level::Caution, format!("{to} is applied before {from}: it has taken the object over when {from} prunes")),
        Order::Second => (Level::Danger, format!("{from} is applied before {to}: {tool} deletes the object, and {to} makes it anew")),
        Order::Unknown => {
            let says = format!("nothing orders {from} and {to}: if {from} is first, {tool} deletes the object, and {to} makes it anew");
            (Level::Danger, says)
        }
    }
}

fn is_kept(object: &Object) -> bool {
    let prune = object.annotation("kustomize.toolkit.fluxcd.io/prune").unwrap_or_default();
    let options = object.annotation("argocd.argoproj.io/sync-options").unwrap_or_default();
    prune.eq_ignore_ascii_case("disabled") || options.contains("Prune=false")
}
