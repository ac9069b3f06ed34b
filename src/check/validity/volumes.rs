//! Volumes of pods, and what is mounted.

use std::collections::{BTreeMap, BTreeSet};

use hydrate_base::Severity;
use hydrate_kubernetes::schemas::Type;
use hydrate_yaml::node::Node;

use crate::check::value::{at, items, text};

use super::grammar;
use super::reading::{Value, filled, int, key, present, value};
use super::rule::{Rule, Sink};

/// `invalid-volume`
pub(super) const INVALID_VOLUME: Rule = Rule {
    code: "invalid-volume",
    severity: Severity::Error,
    title: "Volumes have names of their own, and one source each",
    text: "The name of a volume is a label of RFC 1123 and different from the others of the pod. It has exactly one source; one without any is an \
           `emptyDir`. Modes of files are between 0 and 0777 (511); in YAML `0644` is octal, `644` is not. Paths inside of volumes are relative and \
           have no `..`.",
};

/// `invalid-mount`
pub(super) const INVALID_MOUNT: Rule = Rule {
    code: "invalid-mount",
    severity: Severity::Error,
    title: "Containers mount volumes that their pod has, each path once",
    text: "`volumeMounts` and `volumeDevices` name a volume of the pod, or a `volumeClaimTemplate` of the StatefulSet. Two mounts of a container have \
           different paths. `subPath` is relative, has no `..`, and excludes `subPathExpr`.\n\nA mount without its volume is what is left when a chart \
           writes both behind different conditions.",
};

/// The volumes of a pod and the mounts of its containers. `claims` are the names of the claims that a StatefulSet makes.
pub(super) fn check<'a>(sink: &mut Sink<'a>, spec: &'a Node, claims: &[&str]) {
    let mut volumes = BTreeMap::new();
    for volume in items(spec, &["volumes"]).iter().filter(|volume| volume.entries().is_some()) {
        let Some(node) = filled(volume, "name") else { continue };
        if let Some(why) = grammar::dns_label(key(node)) {
            sink.report(&INVALID_VOLUME, node, format!("`{}` cannot be the name of a volume", key(node))).notes.push(why);
        }
        if volumes.insert(key(node), volume).is_some() {
            sink.report(&INVALID_VOLUME, node, format!("two volumes are called `{}`", key(node)));
        }
        source(sink, volume);
    }
    for list in ["containers", "initContainers"] {
        for container in items(spec, &[list]) {
            let is_there = |name: &str| volumes.contains_key(name) || claims.contains(&name);
            mounts(sink, container, "volumeMounts", "mountPath", is_there);
            mounts(sink, container, "volumeDevices", "devicePath", is_there);
        }
    }
}

fn source<'a>(sink: &mut Sink<'a>, volume: &'a Node) {
    let name = text(volume, "name").unwrap_or_default();
    let known = Type::named("core.v1.Volume");
    let is_source = |key: &str| key != "name" && known.is_some_and(|known| known.field(sink.minor, key).is_some());
    let sources: Vec<&(Node, Node)> =
        volume.entries().unwrap_or_default().iter().filter(|(name, node)| is_source(key(name)) && value(node) != Value::Null).collect();
    if let [_, (second, _), ..] = sources[..] {
        let all: Vec<String> = sources.iter().map(|(name, _)| format!("`{}`", key(name))).collect();
        sink.report(&INVALID_VOLUME, second, format!("the volume `{name}` has more than one source: {}", all.join(", ")));
    }
    for (kind, node) in sources {
        match key(kind) {
            "secret" if filled(node, "secretName").is_none() => {
                sink.report(&INVALID_VOLUME, node, format!("the volume `{name}` does not say which Secret (`secretName`)"));
            }
            "configMap" if filled(node, "name").is_none() => {
                sink.report(&INVALID_VOLUME, node, format!("the volume `{name}` does not say which ConfigMap (`name`)"));
            }
            "hostPath" => backsteps(sink, &INVALID_VOLUME, node, "path"),
            _ => {}
        }
        files(sink, node);
        for source in items(node, &["sources"]) {
            ["configMap", "secret", "downwardAPI"].iter().filter_map(|kind| present(source, kind)).for_each(|node| files(sink, node));
        }
    }
}

/// The files that a source writes: modes and paths.
fn files<'a>(sink: &mut Sink<'a>, source: &'a Node) {
    mode(sink, source, "defaultMode");
    for item in items(source, &["items"]) {
        mode(sink, item, "mode");
        relative(sink, &INVALID_VOLUME, item, "path");
        if let Some(path) =
            filled(item, "path").filter(|path| key(path).starts_with("..") && !key(path).split('/').any(|part| part == ".."))
        {
            sink.report(&INVALID_VOLUME, path, "`path` cannot begin with `..`");
        }
    }
}

fn mode<'a>(sink: &mut Sink<'a>, node: &'a Node, name: &str) {
    if let (Some(mode), Some(node)) = (int(node, name), node.get(name))
        && !(0..=0o777).contains(&mode)
    {
        let finding = sink.report(&INVALID_VOLUME, node, format!("`{name}` cannot be {}", key(node)));
        finding.notes.push(format!("modes are between 0 and 0777, in decimal 511; {mode} is 0{mode:o}"));
    }
}

fn relative<'a>(sink: &mut Sink<'a>, rule: &'static Rule, node: &'a Node, name: &str) {
    if let Some(path) = filled(node, name)
        && key(path).starts_with('/')
    {
        sink.report(rule, path, format!("`{name}` has to be a relative path"));
    }
    backsteps(sink, rule, node, name);
}

fn backsteps<'a>(sink: &mut Sink<'a>, rule: &'static Rule, node: &'a Node, name: &str) {
    if let Some(path) = filled(node, name)
        && key(path).split('/').any(|part| part == "..")
    {
        sink.report(rule, path, format!("`{name}` cannot have `..` in it"));
    }
}

fn mounts<'a>(sink: &mut Sink<'a>, container: &'a Node, list: &str, path: &str, is_there: impl Fn(&str) -> bool) {
    let mut paths = BTreeSet::new();
    let owner = text(container, "name").unwrap_or("?");
    for mount in items(container, &[list]) {
        if let Some(node) = filled(mount, "name")
            && !is_there(key(node))
        {
            let finding =
                sink.report(&INVALID_MOUNT, node, format!("the container `{owner}` mounts `{}`, which is no volume of the pod", key(node)));
            finding.help.push("add it to `volumes`, or take the mount away".to_owned());
        }
        if let Some(node) = filled(mount, path)
            && !paths.insert(key(node))
        {
            sink.report(&INVALID_MOUNT, node, format!("the container `{owner}` mounts two volumes at {}", key(node)));
        }
        relative(sink, &INVALID_MOUNT, mount, "subPath");
        relative(sink, &INVALID_MOUNT, mount, "subPathExpr");
        if filled(mount, "subPath").is_some()
            && let Some(node) = filled(mount, "subPathExpr")
        {
            sink.report(&INVALID_MOUNT, node, "`subPath` and `subPathExpr` exclude each other");
        }
    }
}

/// The names of the claims that a StatefulSet makes for each pod.
pub(super) fn claims(root: &Node) -> Vec<&str> {
    items(root, &["spec", "volumeClaimTemplates"]).iter().filter_map(|claim| at(claim, &["metadata", "name"])?.as_str()).collect()
}
