//! Whether the API server would take what was rendered: every object against what its kind is, for the release of Kubernetes that the environment has.
//!
//! A rule has a file here, alone or with those of its kind, and stands in [`RULES`]. Rules are certain: they follow what the API server's own code
//! refuses, and what only may be wrong is a warning. `structure` compares with the published types, everything else with the validation behind them.

mod config;
mod containers;
mod customs;
mod grammar;
mod keys;
mod kinds;
mod labels;
mod levels;
mod names;
mod pods;
mod policies;
mod rbac;
mod reading;
mod resources;
mod rule;
mod scheduling;
mod secrets;
mod services;
mod storage;
mod structure;
mod versions;
mod volumes;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use hydrate_base::{Diagnostic, Severity};
use hydrate_kubernetes::schemas::{FIRST, LAST};

use hydrate_yaml::node::Node;

use super::declared::Declared;
use super::finding::Written;
use super::objects::Object;
use super::value;
use rule::{Found, Sink};

pub use customs::Customs;
pub use levels::{ANNOTATION, Configured, Level, Levels};
pub use rule::Rule;

/// All rules, by code.
pub const RULES: &[&Rule] = &[
    &levels::CHECK_ANNOTATION,
    &versions::DEPRECATED,
    &structure::DUPLICATE_ITEM,
    &keys::DUPLICATE_KEY,
    &labels::INVALID_ANNOTATION,
    &workloads::INVALID_AUTOSCALER,
    &workloads::INVALID_BUDGET,
    &storage::INVALID_CLASS,
    &containers::INVALID_CONTAINER,
    &config::INVALID_DATA,
    &containers::INVALID_ENV,
    &services::INVALID_INGRESS,
    &labels::INVALID_LABEL,
    &volumes::INVALID_MOUNT,
    &names::INVALID_NAME,
    &policies::INVALID_NETWORK_POLICY,
    &pods::INVALID_POD,
    &containers::INVALID_PORT,
    &containers::INVALID_PROBE,
    &rbac::INVALID_RBAC,
    &resources::INVALID_RESOURCES,
    &workloads::INVALID_SCHEDULE,
    &scheduling::INVALID_SCHEDULING,
    &services::INVALID_SERVICE,
    &storage::INVALID_STORAGE,
    &volumes::INVALID_VOLUME,
    &policies::INVALID_WEBHOOK,
    &workloads::INVALID_WORKLOAD,
    &structure::MISSING_FIELD,
    &secrets::PLAINTEXT_SECRET,
    &customs::PRUNED_FIELD,
    &versions::REMOVED,
    &customs::SCHEMA_VIOLATION,
    &labels::SELECTOR_MISMATCH,
    &customs::UNKNOWN_CUSTOM_KIND,
    &structure::UNKNOWN_FIELD,
    &versions::UNKNOWN_KIND,
    &structure::UNKNOWN_VALUE,
    &structure::WRONG_TYPE,
];

/// The rule of this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code).copied()
}

/// A minor release of Kubernetes, and the one whose types stand for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The environment's: 33 of 1.33.1.
    pub minor: u32,
    /// The one that objects are compared with.
    pub known: u32,
}

impl Release {
    /// That of a version such as `1.33.1` or `v1.33.1+k3s1`; where none is said, the newest that is known.
    pub fn of(version: Option<&str>) -> Self {
        let minor =
            version.and_then(|version| version.trim_start_matches('v').strip_prefix("1.")?.split(['.', '-', '+']).next()?.parse().ok());
        let minor = minor.unwrap_or(LAST);
        Self { minor, known: minor.clamp(FIRST, LAST) }
    }

    /// Whether the types are its own.
    pub fn is_known(self) -> bool {
        self.minor == self.known
    }
}

/// What is wrong with an object.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The code of the rule.
    pub code: &'static str,
    /// The component.
    pub component: String,
    /// API version, kind, namespace and name of the object.
    pub object: [String; 4],
    /// Where in the object: `spec.template.spec.containers[web].image`.
    pub path: String,
    /// All of it, with the place in the rendered file.
    pub diagnostic: Box<Diagnostic>,
}

/// What was looked at, and what is wrong.
#[derive(Debug)]
pub struct Report {
    /// The release that they were compared with.
    pub release: Release,
    /// Objects looked at.
    pub objects: usize,
    /// What is wrong, in the order of components and objects.
    pub violations: Vec<Violation>,
    /// What could not be evaluated, and how many of it there were.
    pub unevaluated: Unevaluated,
    /// For each object what could not be evaluated of it; `None` where something is wrong with it.
    pub verdicts: Vec<Option<Unevaluated>>,
}

/// What could not be evaluated, and how many of it there were.
pub type Unevaluated = BTreeMap<String, usize>;

/// What objects are held to, apart from what they are.
#[derive(Debug)]
pub struct Against<'c> {
    /// The release of Kubernetes.
    pub release: Release,
    /// How bad it is to break rules.
    pub configured: &'c Configured,
    /// The kinds that CRDs define.
    pub customs: &'c Customs<'c>,
    /// What users say of the world outside.
    pub declared: &'c Declared,
}

impl Report {
    /// Counts what could not be evaluated of an object.
    pub fn count_unevaluated(&mut self, unevaluated: &Unevaluated) {
        for (what, count) in unevaluated {
            *self.unevaluated.entry(what.clone()).or_default() += count;
        }
    }

    /// How many of the violations are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.violations.iter().filter(|violation| violation.diagnostic.severity == severity).count()
    }
}

/// Checks every object.
pub fn check(objects: &[Object<'_>], against: &Against<'_>, written: &Written<'_>) -> Report {
    let found: Vec<(Vec<Violation>, Unevaluated)> = objects.par_iter().map(|object| of_object(object, against, written)).collect();
    let mut report = Report {
        release: against.release,
        objects: objects.len(),
        violations: Vec::new(),
        unevaluated: Unevaluated::new(),
        verdicts: Vec::new(),
    };
    let mut unknown = BTreeSet::new();
    for (violations, unevaluated) in found {
        report.verdicts.push(violations.is_empty().then(|| unevaluated.clone()));
        // A kind that nobody defines is told once.
        report.violations.extend(violations.into_iter().filter(|violation| {
            let [api_version, kind, ..] = &violation.object;
            let group = api_version.split('/').next().unwrap_or_default();
            violation.code != customs::UNKNOWN_CUSTOM_KIND.code || unknown.insert(format!("{group} {kind}"))
        }));
        report.count_unevaluated(&unevaluated);
    }
    report
}

fn of_object<'a>(object: &'a Object<'a>, against: &Against<'_>, written: &Written<'_>) -> (Vec<Violation>, Unevaluated) {
    let release = against.release;
    let mut sink = Sink { object, release, minor: release.known, found: Vec::new(), unevaluated: Unevaluated::new() };
    let substitutes = object.annotation("kustomize.toolkit.fluxcd.io/substitute") != Some("disabled");
    let is_substituted = |node: &Node| substitutes && has_variable(node);
    levels::check(&mut sink, |code| rule(code).is_some());
    keys::check(&mut sink, &object.root);
    match versions::check(&mut sink) {
        Some(_) if secrets::is_encrypted(&object.root) => {
            kinds::metadata(&mut sink);
            *sink.unevaluated.entry("objects that SOPS has encrypted".to_owned()).or_default() += 1;
        }
        Some(served) => {
            structure::check(&mut sink, served.root, &object.root);
            // What cannot be read is not looked at any further: so does the API server.
            let is_unreadable = |found: &Found<'_>| found.rule.code == structure::WRONG_TYPE.code && !is_substituted(found.finding.node);
            if !sink.found.iter().any(is_unreadable) {
                kinds::metadata(&mut sink);
                kinds::check(&mut sink);
            }
        }
        None => customs::check(&mut sink, against.customs, against.declared),
    }
    let mut found = sink.found;
    let all = found.len();
    found.retain(|found| !is_substituted(found.finding.node));
    if found.len() < all {
        *sink.unevaluated.entry("values with variables that Flux substitutes (${…})".to_owned()).or_default() += all - found.len();
    }
    // What is an error at the same place needs no warning.
    let is_said =
        |node: &Node| found.iter().any(|found| *found.rule != structure::DUPLICATE_ITEM && std::ptr::eq(found.finding.node, node));
    let repeated: Vec<bool> = found.iter().map(|found| *found.rule == structure::DUPLICATE_ITEM && is_said(found.finding.node)).collect();
    let mut repeated = repeated.into_iter();
    found.retain(|_| !repeated.next().unwrap_or_default());
    found.sort_by_key(|found| (found.finding.node.line, found.finding.node.column));
    let violations = found.into_iter().filter_map(|found| violation(found, release, against.configured, written)).collect();
    (violations, sink.unevaluated)
}

/// Whether a scalar has a variable in it: what stands there in the cluster is something else.
fn has_variable(node: &Node) -> bool {
    let name = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && rest.contains('}');
    node.as_str().is_some_and(|text| text.split("${").skip(1).any(name))
}

/// What the pods and claims of a StatefulSet are is not looked at by older API servers, but for what cannot be read at all.
fn pods_are_refused_later(rule: &Rule, object: &Object<'_>, path: &str, release: Release) -> bool {
    let is_inside = path.starts_with("spec.template.spec") || path.starts_with("spec.volumeClaimTemplates") || path == "spec.template";
    let is_read = ![&structure::UNKNOWN_FIELD, &structure::WRONG_TYPE, &keys::DUPLICATE_KEY].contains(&rule);
    release.minor < 34 && object.kind() == "StatefulSet" && object.group() == "apps" && is_inside && is_read
}

/// A finding as it is told; nothing where the rule is off.
fn violation(found: Found<'_>, release: Release, configured: &Configured, written: &Written<'_>) -> Option<Violation> {
    let Found { rule, mut finding } = found;
    let object = finding.object;
    let path = value::path(&object.root, finding.node).unwrap_or_default();
    let is_late = rule.severity == Severity::Error && pods_are_refused_later(rule, object, &path, release);
    if is_late {
        finding.notes.push("Kubernetes takes a StatefulSet like this one before 1.34, and cannot make its pods".to_owned());
    }
    match configured.level(rule, object, if is_late { Severity::Warning } else { rule.severity }) {
        Level::Off => return None,
        Level::Error => finding.certain = true,
        Level::Warning => finding.certain = false,
    }
    let mut diagnostic = finding.diagnostic(written);
    diagnostic.code = Some(rule.code);
    if object.kind() == "Secret" {
        diagnostic = diagnostic.without_lines();
    }
    let identity = [&object.document.identity.api_version, object.kind(), object.namespace(), object.name()].map(str::to_owned);
    Some(Violation { code: rule.code, component: object.component.to_owned(), object: identity, path, diagnostic })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_and_say_what_they_are() {
        assert!(RULES.is_sorted_by_key(|rule| rule.code));
        for rule in RULES {
            assert!(rule.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.code);
            assert!(!rule.title.ends_with('.') && rule.text.ends_with(['.', '`']), "{}", rule.code);
        }
    }

    #[test]
    fn releases_outside_are_compared_with_the_nearest() {
        for (version, minor, known) in [("1.33.1", 33, 33), ("v1.37.0+k3s1", 37, 37), ("1.21", 21, 30), ("1.40.2", 40, 37)] {
            assert_eq!(Release::of(Some(version)), Release { minor, known }, "{version}");
        }
        assert!(Release::of(None).is_known());
    }
}
