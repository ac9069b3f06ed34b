//! `privileged`

use std::collections::BTreeSet;

use crate::object::Object;
use crate::path::Path;
use crate::value::{at, int, is_true, text, texts};

use super::pods::Pod;
use super::{Level, Rule, Scene, Sink, exposure};

pub(super) const RULE: Rule = Rule {
    code: "privileged",
    level: Level::Danger,
    title: "A container gets more power over its node",
    text: "`privileged`, `allowPrivilegeEscalation`, capabilities beyond those of every container, `procMount: Unmasked`, no seccomp, root where it was another user or where `runAsNonRoot` held. Whoever gets into such a container may get out of it.\n\n\
           What a container had before under the same name is no change. New workloads that have it are a caution.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    exposure::compare(scene, sink, exposed);
}

/// What is dangerous about an object's containers: a key, a sentence, and the way there.
fn exposed(object: &Object) -> Vec<exposure::Exposure> {
    let Some(pod) = Pod::of(object) else { return Vec::new() };
    let of_pod = pod.spec.get("securityContext");
    let mut all = Vec::new();
    for container in pod.containers() {
        let name = container.name;
        let mut add = |key: String, says: String, path: Path| all.push(exposure::Exposure { key: format!("{name} {key}"), says, path });
        let context = container.node.get("securityContext");
        let flag = |key: &str| context.is_some_and(|context| is_true(context, key));
        if flag("privileged") {
            add("privileged".into(), format!("the container {name} is privileged"), container.path(&["securityContext", "privileged"]));
        }
        if flag("allowPrivilegeEscalation") {
            let path = container.path(&["securityContext", "allowPrivilegeEscalation"]);
            add("escalation".into(), format!("the container {name} may gain privileges"), path);
        }
        let added: BTreeSet<&str> = context
            .and_then(|context| context.get("capabilities"))
            .map(|capabilities| texts(capabilities, "add").collect())
            .unwrap_or_default();
        for capability in added.iter().filter(|capability| !USUAL.contains(&capability.trim_start_matches("CAP_"))) {
            let path = container.path(&["securityContext", "capabilities", "add"]);
            add(format!("capability {capability}"), format!("the container {name} gets the capability {capability}"), path);
        }
        if context.and_then(|context| text(context, "procMount")) == Some("Unmasked") {
            add("proc".into(), format!("the container {name} sees all of /proc"), container.path(&["securityContext", "procMount"]));
        }
        let seccomp = |context: Option<&hydrate_yaml::node::Node>| {
            context.and_then(|context| at(context, &["seccompProfile"])).and_then(|profile| text(profile, "type")).map(str::to_owned)
        };
        if seccomp(context).or_else(|| seccomp(of_pod)).as_deref() == Some("Unconfined") {
            let path = container.path(&["securityContext", "seccompProfile"]);
            add("seccomp".into(), format!("the container {name} may make every system call"), path);
        }
        let user = context.and_then(|context| int(context, "runAsUser")).or_else(|| of_pod.and_then(|context| int(context, "runAsUser")));
        if user == Some(0) {
            add("root".into(), format!("the container {name} runs as root"), container.path(&["securityContext", "runAsUser"]));
        }
        let non_root = context
            .filter(|context| context.get("runAsNonRoot").is_some())
            .or(of_pod)
            .is_some_and(|context| is_true(context, "runAsNonRoot"));
        if !non_root && user.is_none() {
            // Only where it is lost: most workloads never say it.
            all.push(exposure::Exposure {
                key: format!("{name} {}", exposure::LOST),
                says: format!("the container {name} may run as root: runAsNonRoot is gone"),
                path: container.path(&["securityContext", "runAsNonRoot"]),
            });
        }
    }
    all
}

/// Capabilities that every container has.
const USUAL: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
