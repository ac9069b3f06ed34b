//! What makes pods: Deployments and their like, Jobs, CronJobs, and what scales and protects them.

use hydrate_base::Severity;
use hydrate_yaml::node::Node;

use crate::check::value::{at, items, text};

use super::containers::{not_negative, set};
use super::reading::{Value, filled, int, key, present, value};
use super::rule::{Rule, Sink};
use super::{grammar, labels, pods};

/// `invalid-workload`
pub(super) const INVALID_WORKLOAD: Rule = Rule {
    code: "invalid-workload",
    severity: Severity::Error,
    title: "Workloads have counts and strategies that can be followed",
    text: "Replicas and the like are not negative. `rollingUpdate` goes with `type: RollingUpdate`, and surge and unavailability cannot both be 0. \
           Shares are whole percentages. An indexed Job says its completions; a Job has a selector of its own only with `manualSelector: true`.",
};

/// `invalid-schedule`
pub(super) const INVALID_SCHEDULE: Rule = Rule {
    code: "invalid-schedule",
    severity: Severity::Error,
    title: "Schedules of CronJobs can be read",
    text: "Five fields (minute, hour, day of month, month, day of week) of numbers, names, `*`, ranges, lists and steps, or `@hourly` and its like, or \
           `@every` with a duration. The zone of time is said by `timeZone`, not by `TZ=` in the schedule.",
};

/// `invalid-autoscaler`
pub(super) const INVALID_AUTOSCALER: Rule = Rule {
    code: "invalid-autoscaler",
    severity: Severity::Error,
    title: "Autoscalers have a minimum below their maximum, and metrics of their type",
    text: "`maxReplicas` is at least 1 and at least `minReplicas`, which is at least 1. Each metric has what its type says (`type: Resource` has `resource`), \
           and nothing else.",
};

/// `invalid-budget`
pub(super) const INVALID_BUDGET: Rule = Rule {
    code: "invalid-budget",
    severity: Severity::Error,
    title: "Disruption budgets say either what has to be there or what may be missing",
    text: "`minAvailable` and `maxUnavailable` exclude each other, and are whole numbers that are not negative or percentages up to 100%.",
};

/// Deployments, ReplicaSets, StatefulSets, DaemonSets, ReplicationControllers.
pub(super) fn controller<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let kind = sink.object.kind();
    for name in ["replicas", "minReadySeconds", "revisionHistoryLimit"] {
        not_negative(sink, &INVALID_WORKLOAD, spec, name);
    }
    if kind == "ReplicationController" {
        labels::labels(sink, spec.get("selector"));
        labels::matches_map(sink, spec);
    } else {
        labels::selector(sink, present(spec, "selector"));
        labels::matches(sink, spec);
    }
    if let Some(template) = present(spec, "template") {
        pods::template(sink, template);
    }
    if let Some(strategy) = present(spec, if kind == "Deployment" { "strategy" } else { "updateStrategy" }) {
        rolling(sink, strategy);
    }
    let said = ["progressDeadlineSeconds", "minReadySeconds"].iter().find_map(|name| present(spec, name));
    if kind == "Deployment"
        && let Some(node) = said
        && int(spec, "progressDeadlineSeconds").unwrap_or(600) <= int(spec, "minReadySeconds").unwrap_or_default()
    {
        sink.report(
            &INVALID_WORKLOAD,
            node,
            "`progressDeadlineSeconds` (600 where it is not said) has to be greater than `minReadySeconds`",
        );
    }
}

fn rolling<'a>(sink: &mut Sink<'a>, strategy: &'a Node) {
    let Some(rolling) = present(strategy, "rollingUpdate") else { return };
    let kind = sink.object.kind();
    if kind == "Deployment" && text(strategy, "type") == Some("Recreate") {
        sink.report(&INVALID_WORKLOAD, rolling, "`rollingUpdate` goes with `type: RollingUpdate`, not with `Recreate`")
            .help
            .push("set it to null where values of a chart are merged".to_owned());
        return;
    }
    if kind == "DaemonSet" && text(strategy, "type") == Some("OnDelete") {
        return;
    }
    if kind == "StatefulSet" && text(strategy, "type") == Some("OnDelete") && sink.minor >= 34 {
        sink.report(&INVALID_WORKLOAD, rolling, "`rollingUpdate` goes with `type: RollingUpdate`, not with `OnDelete`");
        return;
    }
    let amounts = ["maxSurge", "maxUnavailable"].map(|name| share(sink, &INVALID_WORKLOAD, rolling, name));
    let is_zero = |amount: Option<i64>, default: i64| amount.unwrap_or(default) == 0;
    let defaults = if kind == "DaemonSet" { (0, 1) } else { (1, 1) };
    if matches!(kind, "Deployment" | "DaemonSet") && is_zero(amounts[0], defaults.0) && is_zero(amounts[1], defaults.1) {
        sink.report(&INVALID_WORKLOAD, rolling, "`maxSurge` and `maxUnavailable` cannot both be 0");
    }
    if kind == "DaemonSet" && !is_zero(amounts[0], defaults.0) && !is_zero(amounts[1], defaults.1) {
        let says = "a DaemonSet surges or has pods unavailable, not both: with `maxSurge`, `maxUnavailable` is 0";
        sink.report(&INVALID_WORKLOAD, rolling, says);
    }
}

/// A whole number or a percentage.
fn share<'a>(sink: &mut Sink<'a>, rule: &'static Rule, node: &'a Node, name: &str) -> Option<i64> {
    let node = present(node, name)?;
    match value(node) {
        Value::Int(number) if number < 0 => {
            sink.report(rule, node, format!("`{name}` cannot be negative"));
            None
        }
        Value::Int(number) => Some(number),
        Value::Text(text) => {
            let found = grammar::percent(&text);
            let too_much = found.is_some_and(|share| share > 100) && name != "maxSurge";
            if found.is_none() || too_much {
                let finding = sink.report(rule, node, format!("`{name}` cannot be `{text}`"));
                finding.notes.push("it is a whole number, or a percentage such as `25%`, of at most 100 unless it is a surge".to_owned());
            }
            found
        }
        _ => None,
    }
}

/// Jobs.
pub(super) fn job<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    for name in ["parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimitPerIndex"] {
        not_negative(sink, &INVALID_WORKLOAD, spec, name);
    }
    if text(spec, "completionMode") == Some("Indexed")
        && present(spec, "completions").is_none()
        && let Some(node) = spec.get("completionMode")
    {
        sink.report(&INVALID_WORKLOAD, node, "an indexed Job has to say its `completions`");
    }
    if let Some(node) = present(spec, "backoffLimitPerIndex").filter(|_| text(spec, "completionMode") != Some("Indexed")) {
        sink.report(&INVALID_WORKLOAD, node, "`backoffLimitPerIndex` goes with `completionMode: Indexed`");
    }
    let manual = crate::check::value::is_true(spec, "manualSelector");
    if let Some(node) = present(spec, "selector").filter(|_| !manual) {
        sink.report(&INVALID_WORKLOAD, node, "the selector of a Job is made by the cluster, unless it has `manualSelector: true`");
    }
    if let Some(template) = present(spec, "template") {
        pods::template(sink, template);
    }
}

/// CronJobs.
pub(super) fn cron_job<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    for name in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        not_negative(sink, &INVALID_WORKLOAD, spec, name);
    }
    if let Some(node) = filled(spec, "schedule")
        && let Err(why) = schedule(key(node))
    {
        sink.report(&INVALID_SCHEDULE, node, format!("its schedule `{}` cannot be read", key(node))).notes.push(why);
    }
    if let Some(template) = present(spec, "jobTemplate") {
        if let Some(metadata) = present(template, "metadata") {
            labels::metadata(sink, metadata);
        }
        if let Some(spec) = present(template, "spec") {
            job(sink, spec);
        }
    }
}

/// The fields of a schedule: what they are called, their bounds, and the names of their numbers.
const FIELDS: [(&str, u32, u32, &str); 5] = [
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day of month", 1, 31, ""),
    ("month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    ("day of week", 0, 6, "sun mon tue wed thu fri sat"),
];

/// What is wrong with a schedule, as `github.com/robfig/cron/v3` reads it in Kubernetes.
fn schedule(text: &str) -> Result<(), String> {
    if text.contains("TZ") && (text.starts_with("TZ=") || text.starts_with("CRON_TZ=")) {
        return Err("say the zone of time in `timeZone`".to_owned());
    }
    if let Some(name) = text.strip_prefix('@') {
        let known = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];
        let is_known =
            known.contains(&name) || name.strip_prefix("every ").is_some_and(|every| every.bytes().any(|byte| byte.is_ascii_digit()));
        return if is_known { Ok(()) } else { Err(format!("`@{name}` is not known")) };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("it has {} fields, and five are needed", fields.len()));
    }
    for (field, (name, low, high, names)) in fields.iter().zip(FIELDS) {
        for part in field.split(',').filter(|part| !part.is_empty()) {
            range(part, low, high, names).map_err(|why| format!("{name} `{part}`: {why}"))?;
        }
    }
    Ok(())
}

/// `*`, `*/5`, `1`, `1-5`, `1-5/2`, `mon-fri`
fn range(text: &str, low: u32, high: u32, names: &str) -> Result<(), String> {
    let (span, step) = match text.split_once('/') {
        Some((span, step)) => (span, Some(step)),
        None => (text, None),
    };
    let number = |text: &str| -> Result<u32, String> {
        let named = names.split(' ').filter(|name| !name.is_empty()).position(|name| name == text.to_lowercase());
        let number = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + low);
        number.or_else(|| text.parse().ok()).ok_or_else(|| format!("`{text}` is no number"))
    };
    let (first, last) = match span.split_once('-') {
        // Whatever comes after the star.
        Some(("*" | "?", _)) => (low, high),
        _ if span == "*" || span == "?" => (low, high),
        Some((first, last)) => (number(first)?, number(last)?),
        None => {
            let first = number(span)?;
            (first, if step.is_some() { high } else { first })
        }
    };
    if step.is_some_and(|step| step.parse::<u32>().ok().is_none_or(|step| step == 0)) {
        return Err("steps are whole numbers greater than 0".to_owned());
    }
    match (first < low, last > high, first > last) {
        (true, ..) | (_, true, _) => Err(format!("it is between {low} and {high}")),
        (.., true) => Err("its beginning is after its end".to_owned()),
        _ => Ok(()),
    }
}

/// The source that a metric of a type has.
const METRICS: &[(&str, &str)] = &[
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
    ("Pods", "pods"),
    ("Object", "object"),
    ("External", "external"),
];

/// HorizontalPodAutoscalers.
pub(super) fn autoscaler<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    let (least, most) = (int(spec, "minReplicas"), int(spec, "maxReplicas"));
    if let (Some(most), Some(node)) = (most, spec.get("maxReplicas"))
        && (most < 1 || least.is_some_and(|least| most < least))
    {
        let says = if most < 1 {
            "`maxReplicas` has to be at least 1".to_owned()
        } else {
            format!("`maxReplicas` ({most}) is less than `minReplicas`")
        };
        sink.report(&INVALID_AUTOSCALER, node, says);
    }
    // What is scaled to nothing has to be woken up from outside.
    let wakes = |metric: &Node| matches!(text(metric, "type"), Some("Object" | "External"));
    let may_be_none = sink.minor >= 36 && items(spec, &["metrics"]).iter().any(wakes);
    if let (Some(least), Some(node)) = (least, spec.get("minReplicas"))
        && (least < 0 || least == 0 && !may_be_none)
    {
        sink.report(
            &INVALID_AUTOSCALER,
            node,
            "`minReplicas` has to be at least 1, or from Kubernetes 1.36 on 0 with a metric of type Object or External",
        );
    }
    for metric in items(spec, &["metrics"]) {
        let Some(kind) = text(metric, "type") else { continue };
        let wanted = METRICS.iter().find(|(name, _)| *name == kind).map(|(_, source)| *source);
        if let Some(source) = wanted.filter(|source| present(metric, source).is_none()) {
            sink.report(&INVALID_AUTOSCALER, metric, format!("a metric with `type: {kind}` needs `{source}`"));
        }
        if let Some(target) = wanted.filter(|source| source.ends_with("esource")).and_then(|source| at(metric, &[source, "target"])) {
            resource_target(sink, target);
        }
        for (_, source) in METRICS.iter().filter(|(_, source)| Some(*source) != wanted && wanted.is_some()) {
            if let Some(node) = present(metric, source) {
                sink.report(&INVALID_AUTOSCALER, node, format!("a metric with `type: {kind}` cannot have `{source}`"));
            }
        }
    }
}

/// What a resource is to be: a share of what is requested, or an amount.
fn resource_target<'a>(sink: &mut Sink<'a>, target: &'a Node) {
    if target.entries().is_some() && set(target, &["averageUtilization", "averageValue"]) != 1 {
        let says = "the target of a resource has either `averageUtilization` or `averageValue`";
        sink.report(&INVALID_AUTOSCALER, target, says);
    }
    if let Some(node) = target.get("averageUtilization").filter(|_| int(target, "averageUtilization").is_some_and(|share| share < 1)) {
        sink.report(&INVALID_AUTOSCALER, node, "`averageUtilization` has to be greater than 0");
    }
}

/// PodDisruptionBudgets.
pub(super) fn budget<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    labels::selector(sink, present(spec, "selector"));
    if set(spec, &["minAvailable", "maxUnavailable"]) == 2
        && let Some(node) = present(spec, "maxUnavailable")
    {
        sink.report(&INVALID_BUDGET, node, "`minAvailable` and `maxUnavailable` exclude each other");
    }
    for name in ["minAvailable", "maxUnavailable"] {
        share(sink, &INVALID_BUDGET, spec, name);
    }
}

/// The claims that a StatefulSet makes.
pub(super) fn claims<'a>(sink: &mut Sink<'a>, spec: &'a Node) {
    for claim in items(spec, &["volumeClaimTemplates"]) {
        if let Some(spec) = at(claim, &["spec"]) {
            super::storage::claim(sink, spec);
        }
    }
}
