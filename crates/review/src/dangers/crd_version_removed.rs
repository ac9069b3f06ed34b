//! `crd-version-removed`

use std::collections::BTreeMap;

use hydrate_yaml::node::Node;
use hydrate_yaml::resolve::Scalar;

use crate::object::Object;
use crate::path::{Path, Step};
use crate::review::is_crd;
use crate::value::{items, scalar, text};

use super::crd_deleted::defines;
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "crd-version-removed",
    level: Level::Danger,
    title: "A CRD serves a version no longer",
    text: "Manifests and clients that use the version fail from then on. A version that objects are stored in (`status.storedVersions`) cannot be removed at all: the API server refuses \
           it until everything was rewritten in another one. First stop storing it, migrate, then stop serving it, then remove it.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (_, before, after) in scene.updated().filter(|(_, _, after)| is_crd(after)) {
        let Some((group, kind)) = defines(after) else { continue };
        let (old, new) = (versions(before), versions(after));
        for (name, _) in old.iter().filter(|(_, served)| **served) {
            let says = match new.get(name) {
                Some(true) => continue,
                Some(false) => format!("the CRD of {kind} ({group}) no longer serves the version {name}"),
                None => format!("the CRD of {kind} ({group}) no longer has the version {name}"),
            };
            let wanted = format!("{group}/{name}");
            let using = scene.present().filter(|(_, identity)| identity.kind == kind && identity.api_version == wanted).count();
            let item = Step::Item(vec![("name".into(), (*name).into())]);
            let path = Path(vec![Step::Key("spec".into()), Step::Key("versions".into()), item]);
            let finding = sink.about(after, says).at(path, after, after.at(&["spec", "versions"]));
            if using > 0 {
                finding.note(format!(
                    "{} here in that version",
                    if using == 1 { "1 object is".to_owned() } else { format!("{using} objects are") }
                ));
            }
            if !new.contains_key(name) {
                finding.note(format!(
                    "where objects are stored in it, the API server says: status.storedVersions: Invalid value: \"{name}\": must appear in spec.versions"
                ));
            }
        }
    }
}

/// Names of the versions, and whether they are served.
fn versions(crd: &Object) -> BTreeMap<&str, bool> {
    let Some(spec) = crd.root.get("spec") else { return BTreeMap::new() };
    let served = |version: &Node| version.get("served").is_none_or(|served| scalar(served) != Scalar::Bool(false));
    items(spec, "versions").iter().filter_map(|version| Some((text(version, "name")?, served(version)))).collect()
}
