//! `volume-deleted`

use crate::value::{at, text};

use super::{Level, Rule, Scene, Sink, gone};

pub(super) const RULE: Rule = Rule {
    code: "volume-deleted",
    level: Level::Danger,
    title: "A PersistentVolumeClaim or PersistentVolume goes",
    text: "With a claim goes its volume, and the data in it, where the reclaim policy of the volume is `Delete`, as most StorageClasses have it. A claim that is renamed is a new and empty one.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for object in scene.leaving() {
        match object.group_kind() {
            ("", "PersistentVolumeClaim") => {
                let size = at(&object.root, &["spec", "resources", "requests"]).and_then(|requests| text(requests, "storage"));
                let what = size.map(|size| format!(" of {size}")).unwrap_or_default();
                sink.about(object, format!("the volume claim {}{what} is deleted, and its data with it", object.identity.name))
                    .note("the data stays only where the reclaim policy of the volume is `Retain`")
                    .note(gone::fate(scene, object));
            }
            ("", "PersistentVolume") => {
                sink.about(object, format!("the volume {} is deleted", object.identity.name)).note(gone::fate(scene, object));
            }
            _ => {}
        }
    }
}
