//! `api-removed`

use hydrate_kubernetes::is_builtin_group;
use hydrate_kubernetes::schemas::{Lifecycle, lifecycle};
use hydrate_source::Identity;

use crate::path::{Path, Step};

use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "api-removed",
    level: Level::Danger,
    title: "An API version that the environment's Kubernetes does not serve",
    text: "The object cannot be applied: the API server answers `no matches for kind`. Told for objects that change or are new, and for all objects where the environment gets a later Kubernetes.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for object in scene.objects.iter().filter_map(|object| object.after.as_ref()) {
        if let Some((removed, ends)) = removed(&object.identity, scene.minor) {
            let identity = &object.identity;
            let finding = sink.about(object, says(identity, removed, scene.minor));
            finding.at(Path(vec![Step::Key("apiVersion".into())]), object, object.root.get("apiVersion"));
            finding.note(format!("the API server says: no matches for kind \"{}\" in version \"{}\"", identity.kind, identity.api_version));
            finding.help.extend(help(ends));
        }
    }
    let Some(before) = scene.input.minor_before.filter(|before| *before < scene.minor) else { return };
    for found in scene.staying() {
        let identity = &found.document.identity;
        if let Some((removed, ends)) = removed(identity, scene.minor).filter(|(removed, _)| *removed > before) {
            let finding = sink.general(&found.component, says(identity, removed, scene.minor));
            finding.object = crate::object::title(identity);
            finding.place =
                super::Place { file: found.path.to_string(), line: u32::try_from(found.document.origin.line).unwrap_or_default() };
            finding.note(format!("the environment goes from Kubernetes 1.{before} to 1.{}", scene.minor));
            finding.help.extend(help(ends));
        }
    }
}

fn removed(identity: &Identity, minor: u32) -> Option<(u32, Lifecycle)> {
    let ends = lifecycle(&identity.api_version, &identity.kind).filter(|_| is_builtin_group(identity.group()))?;
    Some((ends.removed.filter(|removed| *removed <= minor)?, ends))
}

fn says(identity: &Identity, removed: u32, minor: u32) -> String {
    format!("Kubernetes 1.{minor} does not serve {} {}: 1.{removed} dropped it", identity.api_version, identity.kind)
}

fn help(ends: Lifecycle) -> Option<String> {
    ends.replacement.map(|(version, kind)| format!("use {kind} of {version}"))
}
