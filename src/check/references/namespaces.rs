//! Namespaces: what objects live in exists.

use crate::check::rule::Rule;
use std::collections::BTreeMap;

use crate::check::elsewhere::NAMESPACES;
use crate::check::finding::Finding;
use crate::check::objects::Object;
use crate::check::value::at;
use hydrate_base::{Severity, suggest};
use hydrate_yaml::node::Node;

use super::{Checker, Target};

/// `missing-namespace`
pub(super) const RULE: Rule = Rule {
    code: "missing-namespace",
    severity: Severity::Warning,
    title: "Objects live in namespaces that are there",
    text: "Neither `kubectl apply` nor a GitOps tool makes a namespace unless it is told to: everything in it is refused. Namespaces that every cluster has are known, and so are those that Argo CD makes (`CreateNamespace=true`).\n\nA namespace that nobody renders here is told once, at the first object in it. Render it (a component's `namespace` does), or declare it: `external: [Namespace/legacy]`.",
};

/// A namespace that is missing is reported once, at the first object in it.
pub(super) fn check<'a>(checker: &mut Checker<'a>) {
    let mut missing: BTreeMap<&str, Vec<(&'a Object<'a>, &'a Node)>> = BTreeMap::new();
    for object in checker.index.objects {
        let Some(node) = at(&object.root, &["metadata", "namespace"]) else { continue };
        // The namespace that hydrate fills in is written into the text, so the node has it.
        let name = object.namespace();
        checker.count();
        if !name.is_empty() && checker.index.find("", "Namespace", "", name).is_none() && !checker.elsewhere.has("Namespace", "", name) {
            missing.entry(name).or_default().push((object, node));
        }
    }
    for (name, objects) in missing {
        let Some((first, node)) = objects.first().copied() else { continue };
        let known = checker.index.of("", "Namespace").iter().map(|object| object.name()).chain(NAMESPACES.iter().copied());
        let close = suggest::closest(name, known);
        let others = objects.len() - 1;
        let mut finding =
            Finding::new(first, node, format!("{} is in the namespace `{name}`, which does not exist", first.title())).meant(close);
        if others > 0 {
            finding = finding.note(format!("{others} more {} in it", if others == 1 { "object is" } else { "objects are" }));
        }
        let advice = checker.advice(first, Target::core("Namespace", "", name));
        checker.add(finding.help(advice));
    }
}
