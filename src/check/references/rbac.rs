//! Bindings: the role and the service accounts that they bind exist.

use crate::check::rule::Rule;
use crate::check::value::{at, items, scalar, text};
use hydrate_base::Severity;

use super::{Checker, Target};

/// `binding-reference`
pub(super) const RULE: Rule = Rule {
    code: "binding-reference",
    severity: Severity::Warning,
    title: "Bindings bind roles and service accounts that are there",
    text: "A binding to a role that is missing gives nothing, and one to a service account that is missing gives it to whoever makes one of that name. Kubernetes' own roles (`admin`, `view`, `system:…`) are known.",
};

const GROUP: &str = "rbac.authorization.k8s.io";

/// RoleBindings and ClusterRoleBindings.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    for binding in ["RoleBinding", "ClusterRoleBinding"].into_iter().flat_map(|kind| index.of(GROUP, kind)) {
        let role = at(&binding.root, &["roleRef"]);
        if let Some((kind, node)) = role.and_then(|role| Some((text(role, "kind")?, scalar(role, "name")?))) {
            let namespace = if kind == "Role" { binding.namespace() } else { "" };
            checker.follow(binding, node, Target { group: GROUP, kind, namespace, name: node.as_str().unwrap_or_default() });
        }
        for subject in items(&binding.root, &["subjects"]).iter().filter(|subject| text(subject, "kind") == Some("ServiceAccount")) {
            let Some(node) = scalar(subject, "name") else { continue };
            let namespace = text(subject, "namespace").unwrap_or(binding.namespace());
            checker.follow(binding, node, Target::core("ServiceAccount", namespace, node.as_str().unwrap_or_default()));
        }
    }
}
