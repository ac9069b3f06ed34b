//! `network-policy-deleted`

use super::{Level, Rule, Scene, Sink, gone};

pub(super) const RULE: Rule = Rule {
    code: "network-policy-deleted",
    level: Level::Danger,
    title: "A network policy goes",
    text: "Pods that no policy selects take everything from everywhere. Where a policy is replaced by one of another name or kind, this is told all the same: whether the new one is as strict has to be read.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for object in scene.leaving() {
        let is_policy = matches!(
            object.group_kind(),
            ("networking.k8s.io" | "extensions", "NetworkPolicy")
                | ("cilium.io", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy")
                | ("crd.projectcalico.org" | "projectcalico.org", "NetworkPolicy" | "GlobalNetworkPolicy")
                | ("policy.networking.k8s.io", "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy")
        );
        if is_policy {
            sink.about(
                object,
                format!("the {} {} is deleted: what it kept away from its pods is let in", object.kind(), object.identity.name),
            )
            .note(gone::fate(scene, object));
        }
    }
}
