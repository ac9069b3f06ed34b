//! Roles and who has them.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{items, text};

use super::grammar;
use super::labels;
use super::reading::{filled, key, present};
use super::rule::{Rule, Sink};

/// `invalid-rbac`
pub(super) const INVALID_RBAC: Rule = Rule {
    code: "invalid-rbac",
    severity: Severity::Error,
    title: "Rules say verbs, and resources with their groups or paths; bindings name a role of RBAC and who has it",
    text: "A rule has verbs, and either `apiGroups` and `resources`, or (in a ClusterRole alone) `nonResourceURLs`. The group of the core is `\"\"`, and has \
           to be written. A ClusterRoleBinding binds a ClusterRole; subjects are ServiceAccounts with a namespace, Users and Groups.",
};

const GROUP: &str = "rbac.authorization.k8s.io";

/// A Role or ClusterRole.
pub(super) fn role<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    let is_namespaced = sink.object.kind() == "Role";
    let aggregates = present(root, "aggregationRule");
    for selector in aggregates.map(|rule| items(rule, &["clusterRoleSelectors"])).unwrap_or_default() {
        labels::selector(sink, Some(selector));
    }
    for rule in items(root, &["rules"]).iter().filter(|rule| rule.entries().is_some()) {
        let has = |name: &str| filled(rule, name).is_some();
        if let Some(node) = rule.get("verbs").filter(|_| !has("verbs")) {
            sink.report(&INVALID_RBAC, node, "a rule needs at least one verb");
        }
        if let Some(node) = filled(rule, "nonResourceURLs") {
            if is_namespaced {
                sink.report(&INVALID_RBAC, node, "`nonResourceURLs` are for ClusterRoles");
            } else if has("apiGroups") || has("resources") || has("resourceNames") {
                sink.report(&INVALID_RBAC, node, "a rule is about resources or about `nonResourceURLs`, not both");
            }
            continue;
        }
        for (name, help) in [("apiGroups", "the group of the core is \"\""), ("resources", "`*` stands for all")] {
            if !has(name) {
                let node = rule.get(name).unwrap_or(rule);
                sink.report(&INVALID_RBAC, node, format!("a rule about resources needs `{name}`")).help.push(help.to_owned());
            }
        }
    }
}

/// A RoleBinding or ClusterRoleBinding.
pub(super) fn binding<'a>(sink: &mut Sink<'a>, root: &'a Node) {
    let kinds: &[&str] = if sink.object.kind() == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if let Some(role) = present(root, "roleRef") {
        if let Some(node) = filled(role, "apiGroup").filter(|node| key(node) != GROUP) {
            sink.report(&INVALID_RBAC, node, format!("`apiGroup` of a `roleRef` is {GROUP}"));
        }
        if let Some(node) = filled(role, "kind").filter(|node| !kinds.contains(&key(node))) {
            sink.report(&INVALID_RBAC, node, format!("a {} binds a {}, not a {}", sink.object.kind(), kinds.join(" or a "), key(node)));
        }
        if let Some(node) = filled(role, "name")
            && let Some(why) = grammar::path_segment(key(node))
        {
            sink.report(&INVALID_RBAC, node, format!("`{}` cannot be the name of a role", key(node))).notes.push(why);
        }
    }
    for subject in items(root, &["subjects"]) {
        let Some(kind) = filled(subject, "kind") else { continue };
        let group = filled(subject, "apiGroup");
        match key(kind) {
            "ServiceAccount" => {
                if let Some(node) = filled(subject, "name")
                    && let Some(why) = grammar::dns_subdomain(key(node))
                {
                    sink.report(&INVALID_RBAC, node, format!("`{}` cannot be the name of a ServiceAccount", key(node))).notes.push(why);
                }
                if let Some(node) = group {
                    sink.report(&INVALID_RBAC, node, "a ServiceAccount is of the core group: leave `apiGroup` out");
                }
                if sink.object.kind() == "ClusterRoleBinding" && filled(subject, "namespace").is_none() {
                    let name = text(subject, "name").unwrap_or("?");
                    sink.report(&INVALID_RBAC, subject, format!("the ServiceAccount `{name}` has to say its namespace"));
                }
            }
            "User" | "Group" => {
                if let Some(node) = group.filter(|node| key(node) != GROUP) {
                    sink.report(&INVALID_RBAC, node, format!("`apiGroup` of a {} is {GROUP}", key(kind)));
                }
            }
            other => {
                sink.report(&INVALID_RBAC, kind, format!("`{other}` can have no role"))
                    .notes
                    .push("subjects are `ServiceAccount`, `User` and `Group`".to_owned());
            }
        }
    }
}
