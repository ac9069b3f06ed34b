//! What scales workloads and what holds on to them: HorizontalPodAutoscaler, VerticalPodAutoscaler, ScaledObject, PodDisruptionBudget.

use crate::check::finding::Finding;
use crate::check::labels::{selects, shown};
use crate::check::objects::Object;
use crate::check::rule::Rule;
use crate::check::value::scalar;
use crate::check::value::{at, entries, text};
use hydrate_base::Severity;

use super::services::nearest;
use super::{Checker, Target};

/// `scaling-reference`
pub(super) const RULE: Rule = Rule {
    code: "scaling-reference",
    severity: Severity::Warning,
    title: "What scales workloads, or holds on to them, finds them",
    text: "HorizontalPodAutoscalers, VerticalPodAutoscalers and ScaledObjects name a workload that is rendered; PodDisruptionBudgets select pods.",
};

/// The kinds that can be scaled and are rendered by name.
const SCALED: &[&str] = &["Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "ReplicationController"];

/// Targets and selectors.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    let scalers = [
        ("autoscaling", "HorizontalPodAutoscaler", "scaleTargetRef"),
        ("autoscaling.k8s.io", "VerticalPodAutoscaler", "targetRef"),
        ("keda.sh", "ScaledObject", "scaleTargetRef"),
    ];
    for (group, kind, key) in scalers {
        index.of(group, kind).iter().for_each(|scaler| target(checker, scaler, key));
    }
    index.of("policy", "PodDisruptionBudget").iter().for_each(|budget| selector(checker, budget));
}

fn target<'a>(checker: &mut Checker<'a>, scaler: &'a Object<'a>, key: &str) {
    let Some(reference) = at(&scaler.root, &["spec", key]) else { return };
    let Some(node) = scalar(reference, "name") else { return };
    // KEDA's own default.
    let kind = text(reference, "kind").unwrap_or("Deployment");
    let group = match text(reference, "apiVersion") {
        Some(version) => version.split_once('/').map_or("", |(group, _)| group),
        None if kind == "ReplicationController" => "",
        None => "apps",
    };
    if SCALED.contains(&kind) {
        checker.follow(scaler, node, Target { group, kind, namespace: scaler.namespace(), name: node.as_str().unwrap_or_default() });
    }
}

/// A budget that selects no pod protects nothing.
fn selector<'a>(checker: &mut Checker<'a>, budget: &'a Object<'a>) {
    let Some(selector) = at(&budget.root, &["spec", "selector"]) else { return };
    checker.count();
    let pods = checker.index.selected(budget.namespace(), |labels| selects(selector, labels));
    if pods.is_empty() && !checker.hides_pods(budget.namespace()) {
        let message = format!("{} selects no pod: none has the labels {}", budget.title(), shown(selector));
        let finding = nearest(checker, Finding::new(budget, selector, message), budget.namespace(), entries(selector, &["matchLabels"]));
        checker.add(finding);
    }
}
