//! `rbac-widened`

use std::collections::BTreeSet;

use hydrate_yaml::node::Node;

use crate::object::Object;
use crate::path::{Path, Step};
use crate::value::{items, text, texts};

use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "rbac-widened",
    level: Level::Danger,
    title: "A role allows more, or more have it",
    text: "Every right that a Role or ClusterRole gives and did not give before, and every subject that a binding has and did not have. Rights that an older rule gave already, by a wildcard or in another order, are \
           no change.\n\nOf new roles and bindings only those are told that give much: wildcards, reading Secrets, `escalate`, `bind`, `impersonate`, `pods/exec`, tokens, webhooks, writing roles; `cluster-admin`; and what is \
           given to everybody.",
    find,
};

const GROUP: &str = "rbac.authorization.k8s.io";

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (_, before, after) in scene.updated() {
        match after.group_kind() {
            (GROUP, "Role" | "ClusterRole") => role(sink, before, after),
            (GROUP, "RoleBinding" | "ClusterRoleBinding") => binding(sink, before, after),
            _ => {}
        }
    }
    for object in scene.coming() {
        match object.group_kind() {
            (GROUP, "Role" | "ClusterRole") => new_role(sink, object),
            (GROUP, "RoleBinding" | "ClusterRoleBinding") => new_binding(sink, object),
            _ => {}
        }
    }
}

/// One thing that is allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Right<'o> {
    verb: &'o str,
    /// Group and resource; or a path of the API server.
    target: (&'o str, &'o str),
    /// The object; empty for all of them.
    name: &'o str,
}

/// What is allowed beyond so many rights is not taken apart further.
const MANY: usize = 20_000;

fn rights<'o>(rule: &'o Node) -> Vec<Right<'o>> {
    let all = |key: &str| texts(rule, key).collect::<Vec<&'o str>>();
    let names = all("resourceNames");
    let names = if names.is_empty() { vec![""] } else { names };
    let urls = all("nonResourceURLs");
    let mut targets: Vec<(&str, &str)> = urls.into_iter().map(|url| ("url", url)).collect();
    for group in all("apiGroups") {
        targets.extend(all("resources").into_iter().map(|resource| (group, resource)));
    }
    let mut rights = Vec::new();
    for verb in all("verbs") {
        for target in &targets {
            rights.extend(names.iter().map(|name| Right { verb, target: *target, name }));
            if rights.len() > MANY {
                return rights;
            }
        }
    }
    rights
}

/// Whether a rule allows this.
fn allows(rule: &Node, right: &Right<'_>) -> bool {
    let has = |key: &str, wanted: &str| texts(rule, key).any(|text| text == "*" || text == wanted);
    if !has("verbs", right.verb) {
        return false;
    }
    let (group, resource) = right.target;
    if group == "url" {
        let fits = |text: &str| text == resource || text.strip_suffix('*').is_some_and(|start| resource.starts_with(start));
        return texts(rule, "nonResourceURLs").any(fits);
    }
    let below = resource.split_once('/').map(|(_, below)| format!("*/{below}"));
    let has_resource = has("resources", resource) || below.is_some_and(|below| texts(rule, "resources").any(|text| text == below));
    let names = items(rule, "resourceNames");
    let has_name = names.is_empty() || names.iter().any(|name| name.as_str() == Some(right.name));
    has("apiGroups", group) && has_resource && has_name
}

fn role(sink: &mut Sink<'_>, before: &Object, after: &Object) {
    let old = items(&before.root, "rules");
    for (at, rule) in items(&after.root, "rules").iter().enumerate() {
        let new: Vec<Right<'_>> = rights(rule).into_iter().filter(|right| !old.iter().any(|rule| allows(rule, right))).collect();
        if !new.is_empty() {
            let message = format!("the {} {} allows more: {}", after.kind(), after.identity.name, told(&new));
            let path = Path(vec![Step::Key("rules".into()), Step::Index(at)]);
            let finding = sink.about(after, message).at(path, after, Some(rule));
            finding.new = Some(told(&new));
            if let Some(why) = new.iter().find_map(power) {
                finding.note(why);
            }
        }
    }
    let aggregates = |object: &Object| object.root.get("aggregationRule").map(crate::value::json);
    if aggregates(after).is_some() && aggregates(before) != aggregates(after) {
        let path = Path(vec![Step::Key("aggregationRule".into())]);
        sink.about(after, format!("the ClusterRole {} takes its rules from other roles than before", after.identity.name)).at(
            path,
            after,
            after.root.get("aggregationRule"),
        );
    }
}

/// `get, list of secrets; delete of apps/deployments`
fn told(rights: &[Right<'_>]) -> String {
    let mut by_target: Vec<(String, BTreeSet<&str>)> = Vec::new();
    for right in rights {
        let (group, resource) = right.target;
        let name = if right.name.is_empty() { String::new() } else { format!(" named {}", right.name) };
        let target = match group {
            "" | "url" => format!("{resource}{name}"),
            group => format!("{group}/{resource}{name}"),
        };
        match by_target.iter_mut().find(|(known, _)| *known == target) {
            Some((_, verbs)) => {
                verbs.insert(right.verb);
            }
            None => by_target.push((target, BTreeSet::from([right.verb]))),
        }
    }
    let said = |(target, verbs): &(String, BTreeSet<&str>)| format!("{} {target}", verbs.iter().copied().collect::<Vec<_>>().join("/"));
    by_target.iter().map(said).collect::<Vec<_>>().join(", ")
}

/// Why a right gives more than it seems to.
fn power(right: &Right<'_>) -> Option<String> {
    let (group, resource) = right.target;
    let writes = matches!(right.verb, "*" | "create" | "update" | "patch");
    let why = match (right.verb, group, resource) {
        _ if group == "url" => return None,
        ("*", "*", "*") => "that is everything: whoever has it is cluster-admin",
        ("*", _, "*") | (_, "*", "*") => "a wildcard covers what is added to the API later, too",
        ("escalate" | "bind", ..) => "whoever may escalate or bind can give themselves any right",
        ("impersonate", ..) => "whoever may impersonate has the rights of those",
        ("get" | "list" | "watch" | "*", "" | "*", "secrets") => "whoever reads Secrets has the tokens and passwords in them",
        (_, "" | "*", "pods/exec" | "pods/attach") => "whoever may exec into pods has what those have",
        (_, "" | "*", "nodes/proxy") => "whoever has nodes/proxy runs commands in every pod of the node",
        (_, "" | "*", "serviceaccounts/token") if writes => "whoever makes tokens of ServiceAccounts has their rights",
        (_, "rbac.authorization.k8s.io", "roles" | "clusterroles" | "rolebindings" | "clusterrolebindings") if writes => {
            "whoever writes roles or bindings can give rights away"
        }
        (_, "admissionregistration.k8s.io", _) if writes => {
            "whoever writes webhooks and policies of admission sees and changes everything that is applied"
        }
        _ => return None,
    };
    Some(why.to_owned())
}

fn new_role(sink: &mut Sink<'_>, object: &Object) {
    let all: Vec<Right<'_>> = items(&object.root, "rules").iter().flat_map(rights).collect();
    let strong: Vec<Right<'_>> = all.into_iter().filter(|right| power(right).is_some()).collect();
    if let Some(why) = strong.iter().find_map(power) {
        let message = format!("the new {} {} gives much: {}", object.kind(), object.identity.name, told(&strong));
        sink.about(object, message).level(Level::Caution).note(why);
    }
}

/// `ServiceAccount shop/web`
fn subject(node: &Node) -> String {
    let kind = text(node, "kind").unwrap_or("?");
    let name = text(node, "name").unwrap_or("?");
    text(node, "namespace").map_or_else(|| format!("{kind} {name}"), |namespace| format!("{kind} {namespace}/{name}"))
}

/// What a binding gives: `ClusterRole cluster-admin`.
fn role_of(object: &Object) -> String {
    let role = object.root.get("roleRef");
    let part = |key| role.and_then(|role| text(role, key)).unwrap_or("?");
    format!("{} {}", part("kind"), part("name"))
}

/// Who stands for everybody.
fn is_everybody(node: &Node) -> bool {
    matches!(text(node, "name"), Some("system:anonymous" | "system:unauthenticated" | "system:authenticated" | "system:serviceaccounts"))
}

fn binding(sink: &mut Sink<'_>, before: &Object, after: &Object) {
    let known: BTreeSet<String> = items(&before.root, "subjects").iter().map(subject).collect();
    for (at, node) in items(&after.root, "subjects").iter().enumerate().filter(|(_, node)| !known.contains(&subject(node))) {
        let path = Path(vec![Step::Key("subjects".into()), Step::Index(at)]);
        let finding = sink.about(after, format!("{} gets the rights of {}", subject(node), role_of(after)));
        finding.new = Some(subject(node));
        finding.at(path, after, Some(node));
        if is_everybody(node) {
            finding.note("that is everybody");
        }
    }
    if role_of(before) != role_of(after) {
        let path = Path(vec![Step::Key("roleRef".into())]);
        let finding = sink.about(after, format!("the {} {} gives another role", after.kind(), after.identity.name));
        finding.values(Some(role_of(before)), Some(role_of(after))).at(path, after, after.root.get("roleRef"));
    }
}

fn new_binding(sink: &mut Sink<'_>, object: &Object) {
    let everybody = items(&object.root, "subjects").iter().any(is_everybody);
    let role = role_of(object);
    let is_admin = matches!(role.as_str(), "ClusterRole cluster-admin" | "ClusterRole admin" | "ClusterRole edit");
    if everybody || is_admin {
        let who: Vec<String> = items(&object.root, "subjects").iter().map(subject).collect();
        let message = format!("the new {} {} gives {role} to {}", object.kind(), object.identity.name, who.join(", "));
        let finding = sink.about(object, message);
        if everybody {
            finding.note("that is everybody");
        }
    }
}
