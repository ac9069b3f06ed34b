//! `host-path`

use crate::object::Object;
use crate::value::{is_true, items, text};

use super::exposure::{self, Exposure};
use super::pods::Pod;
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "host-path",
    level: Level::Danger,
    title: "A pod gets a directory of its node",
    text: "A `hostPath` volume is a way out of the container: to the container runtime, to other pods' volumes, to the node's own files. It matters too that one that was mounted read-only is not any more. New workloads that have one are a caution.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    exposure::compare(scene, sink, exposed);
}

fn exposed(object: &Object) -> Vec<Exposure> {
    let Some(pod) = Pod::of(object) else { return Vec::new() };
    let mut all = Vec::new();
    for volume in items(pod.spec, "volumes") {
        let (Some(name), Some(host)) = (text(volume, "name"), volume.get("hostPath").and_then(|host| text(host, "path"))) else { continue };
        let mounts = || {
            pod.containers()
                .flat_map(|container| items(container.node, "volumeMounts"))
                .filter(move |mount| text(mount, "name") == Some(name))
        };
        let is_written = mounts().any(|mount| !is_true(mount, "readOnly"));
        let path = || pod.path(&["volumes"]);
        all.push(Exposure { key: format!("hostPath {host}"), says: format!("its pods get {host} of the node"), path: path() });
        if is_written {
            all.push(Exposure {
                key: format!("hostPath {host} (written)"),
                says: format!("its pods may write to {host} of the node"),
                path: path(),
            });
        }
    }
    // That it may be written to says that it is there.
    let written: Vec<String> = all.iter().filter_map(|one| one.key.strip_suffix(" (written)").map(str::to_owned)).collect();
    all.retain(|one| !written.contains(&one.key));
    all
}
