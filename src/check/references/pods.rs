//! Pods: ConfigMaps, Secrets and their keys, service accounts, claims, priorities, volumes and what mounts them, ports of probes.

use crate::check::finding::Finding;
use crate::check::objects::{Object, Pod, keys};
use crate::check::rule::Rule;
use crate::check::value::{at, entries, is_true, items, scalar, text};
use hydrate_base::{Severity, suggest};
use hydrate_yaml::node::Node;

use super::{Checker, Target};

/// `pod-reference`
pub(super) const RULE: Rule = Rule {
    code: "pod-reference",
    severity: Severity::Warning,
    title: "What pods refer to is there",
    text: "ConfigMaps and Secrets with their keys (`optional: true` may be missing), pull secrets, service accounts, claims, priorities, runtime and storage classes; mounts and their volumes, `subPath` and the keys of what is mounted, ports of probes and hooks by name.\n\nA pod whose Secret is missing waits in `ContainerCreating`, without an error in Git. What is made by hand or by another repository is declared: `external: [Secret/shop/db]`. What operators make is known by their objects (ExternalSecret, SealedSecret, Certificate, …) and by the flags that name it.",
};

/// Every pod template.
pub(super) fn check(checker: &mut Checker<'_>) {
    for pod in checker.index.pods() {
        spec(checker, pod);
        volumes(checker, pod);
        pod.containers().for_each(|container| self::container(checker, pod, container));
    }
    service_accounts(checker);
    claims(checker);
}

fn spec<'a>(checker: &mut Checker<'a>, pod: &Pod<'a>) {
    let named = [
        ("", "ServiceAccount", "serviceAccountName", pod.owner.namespace()),
        ("scheduling.k8s.io", "PriorityClass", "priorityClassName", ""),
        ("node.k8s.io", "RuntimeClass", "runtimeClassName", ""),
    ];
    for (group, kind, key, namespace) in named {
        by_name(checker, pod.owner, scalar(pod.spec, key), Target { group, kind, namespace, name: "" });
    }
    for secret in items(pod.spec, &["imagePullSecrets"]) {
        by_name(checker, pod.owner, scalar(secret, "name"), Target::core("Secret", pod.owner.namespace(), ""));
    }
}

/// Follows a name, where there is one; `target` says what it is the name of.
fn by_name<'a>(checker: &mut Checker<'a>, from: &'a Object<'a>, node: Option<&'a Node>, target: Target<'_>) -> Option<&'a Object<'a>> {
    let node = node?;
    let name = node.as_str().filter(|name| !name.is_empty() && !name.contains('$'))?;
    checker.follow(from, node, Target { name, ..target })
}

/// Follows the name of a ConfigMap or Secret, and the keys asked of it.
fn keyed<'a>(checker: &mut Checker<'a>, pod: &Pod<'a>, kind: &str, reference: &'a Node, name: &str, asked: impl Iterator<Item = &'a Node>) {
    if is_true(reference, "optional") {
        return;
    }
    let found = by_name(checker, pod.owner, scalar(reference, name), Target::core(kind, pod.owner.namespace(), ""));
    if let Some(found) = found {
        asked.for_each(|node| key(checker, pod.owner, found, node));
    }
}

/// One key of a ConfigMap or Secret that is rendered.
fn key<'a>(checker: &mut Checker<'a>, from: &'a Object<'a>, object: &'a Object<'a>, node: &'a Node) {
    let Some(key) = node.as_str() else { return };
    checker.count();
    if keys(object).any(|known| known == key) {
        return;
    }
    let message = format!("{} refers to the key `{key}` of {}, which does not have it", from.title(), object.title());
    let known: Vec<&str> = keys(object).collect();
    let finding = Finding::new(from, node, message).meant(suggest::closest(key, known.iter().copied()));
    checker.add(match known[..] {
        [] => finding.note("it has no keys"),
        _ => finding.note(format!("its keys: {}", listed(&known))),
    });
}

/// Some names; long lists are cut.
pub(super) fn listed(names: &[&str]) -> String {
    match names.get(..12) {
        Some(first) if names.len() > 12 => format!("{}, … ({} in all)", first.join(", "), names.len()),
        _ => names.join(", "),
    }
}

fn volumes<'a>(checker: &mut Checker<'a>, pod: &Pod<'a>) {
    for volume in items(pod.spec, &["volumes"]) {
        source(checker, pod, volume);
        items(volume, &["projected", "sources"]).iter().for_each(|one| source(checker, pod, one));
        let claim = at(volume, &["persistentVolumeClaim"]).and_then(|claim| scalar(claim, "claimName"));
        if !claim.is_some_and(|claim| is_of_template(pod, claim)) {
            by_name(checker, pod.owner, claim, Target::core("PersistentVolumeClaim", pod.owner.namespace(), ""));
        }
        for secret in ["nodePublishSecretRef", "secretRef"].iter().filter_map(|key| at(volume, &["csi", key])) {
            by_name(checker, pod.owner, scalar(secret, "name"), Target::core("Secret", pod.owner.namespace(), ""));
        }
    }
}

/// A ConfigMap or Secret that is (part of) a volume.
fn source<'a>(checker: &mut Checker<'a>, pod: &Pod<'a>, volume: &'a Node) {
    for (field, kind, name) in [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")] {
        let Some(reference) = volume.get(field) else { continue };
        // Within a projected volume a Secret is named as everything else is.
        let name = if reference.get(name).is_some() { name } else { "name" };
        let asked = items(reference, &["items"]).iter().filter_map(|item| scalar(item, "key"));
        keyed(checker, pod, kind, reference, name, asked);
    }
}

/// Claims of a StatefulSet's templates are `<template>-<set>-<ordinal>`.
fn is_of_template(pod: &Pod<'_>, claim: &Node) -> bool {
    let name = claim.as_str().unwrap_or_default();
    pod.claim_templates().any(|template| name.starts_with(&format!("{template}-{}-", pod.owner.name())))
}

fn container<'a>(checker: &mut Checker<'a>, pod: &Pod<'a>, container: &'a Node) {
    for variable in items(container, &["env"]) {
        for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
            if let Some(reference) = at(variable, &["valueFrom", field]) {
                keyed(checker, pod, kind, reference, "name", scalar(reference, "key").into_iter());
            }
        }
    }
    for source in items(container, &["envFrom"]) {
        for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            if let Some(reference) = source.get(field) {
                keyed(checker, pod, kind, reference, "name", std::iter::empty());
            }
        }
    }
    mounts(checker, pod, container);
    handlers(checker, pod, container);
}

/// What is mounted is a volume of the pod, and a file that is mounted by itself is a key of its ConfigMap or Secret.
fn mounts<'a>(checker: &mut Checker<'a>, pod: &Pod<'a>, container: &'a Node) {
    let volumes = items(pod.spec, &["volumes"]);
    let names: Vec<&str> = volumes.iter().filter_map(|volume| text(volume, "name")).chain(pod.claim_templates()).collect();
    for (list, mount) in
        ["volumeMounts", "volumeDevices"].into_iter().flat_map(|key| items(container, &[key]).iter().map(move |one| (key, one)))
    {
        let Some(node) = scalar(mount, "name") else { continue };
        let name = node.as_str().unwrap_or_default();
        checker.count();
        if !names.contains(&name) {
            let what = if list == "volumeMounts" { "mounts" } else { "uses the device" };
            let message = format!(
                "container {} of {} {what} `{name}`, which is no volume of the pod",
                text(container, "name").unwrap_or("?"),
                pod.owner.title()
            );
            let finding = Finding::new(pod.owner, node, message).meant(suggest::closest(name, names.iter().copied()));
            checker.add(match names[..] {
                [] => finding.note("the pod has no volumes"),
                _ => finding.note(format!("its volumes: {}", listed(&names))),
            });
        }
        if let (Some(path), Some(volume)) = (scalar(mount, "subPath"), volumes.iter().find(|volume| text(volume, "name") == Some(name))) {
            mounted_file(checker, pod, volume, path);
        }
    }
}

fn mounted_file<'a>(checker: &mut Checker<'a>, pod: &Pod<'a>, volume: &'a Node, path: &'a Node) {
    for (field, kind, name) in [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")] {
        let Some(reference) = volume.get(field).filter(|reference| !is_true(reference, "optional") && reference.get("items").is_none())
        else {
            continue;
        };
        let Some(object) = text(reference, name).and_then(|name| checker.index.find("", kind, pod.owner.namespace(), name)) else {
            continue;
        };
        if !path.as_str().unwrap_or_default().contains(['$', '/']) {
            key(checker, pod.owner, object, path);
        }
    }
}

/// A probe or lifecycle hook that names a port names one of its container.
fn handlers<'a>(checker: &mut Checker<'a>, pod: &Pod<'a>, container: &'a Node) {
    let probes = ["livenessProbe", "readinessProbe", "startupProbe"].into_iter().filter_map(|key| container.get(key));
    let hooks = entries(container, &["lifecycle"]).iter().map(|(_, hook)| hook);
    for handler in probes.chain(hooks) {
        let ports = ["httpGet", "tcpSocket"].into_iter().filter_map(|key| at(handler, &[key]).and_then(|action| scalar(action, "port")));
        for node in ports.filter(|node| node.as_str().is_some_and(|port| port.parse::<u16>().is_err())) {
            let port = node.as_str().unwrap_or_default();
            let names: Vec<&str> = items(container, &["ports"]).iter().filter_map(|port| text(port, "name")).collect();
            checker.count();
            if !names.contains(&port) {
                let owner = pod.owner.title();
                let message = format!(
                    "a probe of container {} of {owner} asks the port `{port}`, which it does not have",
                    text(container, "name").unwrap_or("?")
                );
                let finding = Finding::new(pod.owner, node, message).meant(suggest::closest(port, names.iter().copied()));
                checker.add(match names[..] {
                    [] => finding.note("none of its ports has a name"),
                    _ => finding.note(format!("its ports: {}", listed(&names))),
                });
            }
        }
    }
}

/// The Secrets that service accounts pull images with.
fn service_accounts(checker: &mut Checker<'_>) {
    for account in checker.index.of("", "ServiceAccount") {
        for secret in items(&account.root, &["imagePullSecrets"]) {
            by_name(checker, account, scalar(secret, "name"), Target::core("Secret", account.namespace(), ""));
        }
    }
}

/// The storage classes of claims.
fn claims(checker: &mut Checker<'_>) {
    let index = checker.index;
    let class = |claim: &'_ Node| -> bool { claim.get("spec").is_some() };
    for claim in index.of("", "PersistentVolumeClaim") {
        storage_class(checker, claim, &claim.root);
    }
    for set in index.of("apps", "StatefulSet") {
        items(&set.root, &["spec", "volumeClaimTemplates"])
            .iter()
            .filter(|claim| class(claim))
            .for_each(|claim| storage_class(checker, set, claim));
    }
}

fn storage_class<'a>(checker: &mut Checker<'a>, from: &'a Object<'a>, claim: &'a Node) {
    let node = claim.get("spec").and_then(|spec| scalar(spec, "storageClassName"));
    by_name(checker, from, node, Target { group: "storage.k8s.io", kind: "StorageClass", namespace: "", name: "" });
}
