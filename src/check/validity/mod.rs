//! Whether the API server would take what was rendered: every object against what its kind is, for the release of Kubernetes that the environment has.
//!
//! A rule has a file here, alone or with those of its kind, and stands in [`RULES`]. Rules are certain: they follow what the API server's own code
//! refuses, and what only may be wrong is a warning. `structure` compares with the published types, everything else with the validation behind them.

mod admission;
mod config;
mod containers;
mod credentials;
mod customs;
mod grammar;
mod hooks;
mod immutable;
mod kept;
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
use std::sync::Arc;

use rayon::prelude::*;

use hydrate_base::{Diagnostic, Severity};
use hydrate_kubernetes::schemas::{FIRST, LAST};

use hydrate_yaml::node::Node;

use super::declared::Declared;
use super::finding::Written;
use super::objects::{Object, parse};
use super::{rule_of, value};
use hydrate_source::Document;
use rule::{Found, Sink};

pub use admission::{Policies, is_policy, param_kind};
pub use customs::Customs;
pub use levels::{ANNOTATION, Configured, Exception, Judgement, Level, Levels};
pub use rule::Rule;

/// All rules, by code.
pub const RULES: &[&Rule] = &[
    &customs::rules::CEL_VIOLATION,
    &levels::CHECK_ANNOTATION,
    &credentials::CREDENTIAL,
    &versions::DEPRECATED,
    &structure::DUPLICATE_ITEM,
    &keys::DUPLICATE_KEY,
    &kept::EDITED,
    &hooks::HELM_HOOK,
    &immutable::IMMUTABLE_CHANGE,
    &labels::INVALID_ANNOTATION,
    &workloads::INVALID_AUTOSCALER,
    &workloads::INVALID_BUDGET,
    &customs::rules::INVALID_CEL,
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
    &admission::POLICY_VIOLATION,
    &admission::POLICY_WARNING,
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
    /// The admission policies.
    pub policies: &'c Policies<'c>,
    /// What users say of the world outside.
    pub declared: &'c Declared,
    /// What is committed.
    pub committed: &'c dyn Committed,
    /// Whether who applies the objects runs hooks of Helm as hooks.
    pub runs_hooks: bool,
}

/// What is committed of an environment: what breaks some rules there is told, and no reason to fail.
pub trait Committed: std::fmt::Debug + Sync {
    /// Whether an object that is committed breaks a rule at the same place.
    fn breaks(&self, rule: &Rule, object: &Object<'_>, path: &str) -> bool;

    /// The object that is committed under the name of another.
    fn object(&self, object: &Object<'_>) -> Option<Arc<Document>>;

    /// The fields of an object that chance has decided and that are kept, from the same inputs there and here: JSON pointers, and what is committed.
    fn kept(&self, object: &Object<'_>) -> Vec<(String, String)>;
}

/// Nothing that is committed.
#[derive(Debug, Clone, Copy)]
pub struct NothingCommitted;

impl Committed for NothingCommitted {
    fn breaks(&self, _: &Rule, _: &Object<'_>, _: &str) -> bool {
        false
    }

    fn object(&self, _: &Object<'_>) -> Option<Arc<Document>> {
        None
    }

    fn kept(&self, _: &Object<'_>) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// Rules about secrets. What breaks them and is committed already is in the history of the repository: it is a warning, so that an existing repository can
/// be taken over; what is new is an error.
const ABOUT_SECRETS: &[&Rule] = &[&secrets::PLAINTEXT_SECRET, &credentials::CREDENTIAL];

/// The places of an object at which it breaks rules about secrets: code and path, as they are judged without configuration.
pub fn secrets_in(object: &Object<'_>) -> BTreeSet<(&'static str, String)> {
    let release = Release::of(None);
    let mut sink = Sink { object, release, minor: release.known, found: Vec::new(), unevaluated: Unevaluated::new() };
    about_secrets(&mut sink);
    let place = |found: Found<'_>| Some((found.rule.code, as_committed(found.rule, &value::path(&object.root, found.finding.node)?)));
    sink.found.into_iter().filter_map(place).collect()
}

/// A path as it is compared with what is committed: it is the same Secret whether its value is encoded or not.
fn as_committed(rule: &Rule, path: &str) -> String {
    match path.strip_prefix("stringData").filter(|_| *rule == secrets::PLAINTEXT_SECRET) {
        Some(rest) => format!("data{rest}"),
        None => path.to_owned(),
    }
}

/// Whether a document may break rules about secrets, at a glance.
pub fn may_hold_secrets(document: &Document) -> bool {
    (document.identity.kind == "Secret" && document.identity.group().is_empty()) || credentials::may_be_in(document)
}

/// Whether a document breaks rules about secrets, whatever is configured.
pub fn holds_secrets(document: &Document) -> bool {
    may_hold_secrets(document) && parse("", document).is_ok_and(|object| !secrets_in(&object).is_empty())
}

fn about_secrets(sink: &mut Sink<'_>) {
    let object = sink.object;
    if secrets::is_encrypted(&object.root) {
        return;
    }
    if object.group().is_empty() && object.kind() == "Secret" {
        secrets::secret(sink, &object.root);
    } else if credentials::may_be_in(object.document) {
        credentials::check(sink);
    }
}

/// What of an object breaks rules about secrets, by the levels that are configured.
pub fn check_secrets(objects: &[Object<'_>], against: &Against<'_>, written: &Written<'_>) -> Vec<Violation> {
    let of_object = |object: &Object<'_>| {
        let release = against.release;
        let mut sink = Sink { object, release, minor: release.known, found: Vec::new(), unevaluated: Unevaluated::new() };
        about_secrets(&mut sink);
        violations(sink.found, against, written)
    };
    objects.par_iter().flat_map_iter(of_object).collect()
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
    let substitutes = substitutes(object);
    let is_substituted = |node: &Node| substitutes && has_variable(node);
    let is_open = |found: &Found<'_>| is_substituted(found.finding.node) && !ABOUT_SECRETS.contains(&found.rule);
    levels::check(&mut sink, |code| rule_of(code).is_some());
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
                if object.kind() == "CustomResourceDefinition" {
                    customs::rules::check_crd(&mut sink);
                }
                if is_policy(object.group(), object.kind()) && object.kind() == "ValidatingAdmissionPolicy" {
                    admission::check_policy(&mut sink);
                }
            }
        }
        None => customs::check(&mut sink, against.customs, against.declared),
    }
    if !secrets::is_encrypted(&object.root) && !sink.has(&structure::WRONG_TYPE) {
        admission::check(&mut sink, against.policies, against.customs);
    }
    about_secrets(&mut sink);
    hooks::check(&mut sink, against.runs_hooks);
    if immutable::is_immutable(object, against.runs_hooks)
        && let Some(committed) = against.committed.object(object)
        && let Ok(committed) = parse("", &committed)
    {
        immutable::check(&mut sink, &committed);
    }
    kept::check(&mut sink, against.committed);
    let mut found = sink.found;
    let all = found.len();
    found.retain(|found| !is_open(found));
    if found.len() < all {
        *sink.unevaluated.entry("values with variables that Flux substitutes (${…})".to_owned()).or_default() += all - found.len();
    }
    // What is an error at the same place needs no warning.
    let is_said =
        |node: &Node| found.iter().any(|found| *found.rule != structure::DUPLICATE_ITEM && std::ptr::eq(found.finding.node, node));
    let repeated: Vec<bool> = found.iter().map(|found| *found.rule == structure::DUPLICATE_ITEM && is_said(found.finding.node)).collect();
    let mut repeated = repeated.into_iter();
    found.retain(|_| !repeated.next().unwrap_or_default());
    (violations(found, against, written), sink.unevaluated)
}

/// Findings as they are told, in the order of their places; those that are told together in one.
fn violations(mut found: Vec<Found<'_>>, against: &Against<'_>, written: &Written<'_>) -> Vec<Violation> {
    found.sort_by_key(|found| (found.finding.node.line, found.finding.node.column));
    let mut judged: Vec<(Found<'_>, String, Level, Vec<&str>)> = Vec::new();
    for mut found in found {
        let object = found.finding.object;
        let path = value::path(&object.root, found.finding.node).unwrap_or_default();
        let level = level(&mut found, &path, against);
        if level == Level::Off {
            continue;
        }
        let Some(item) = found.item else {
            judged.push((found, path, level, Vec::new()));
            continue;
        };
        match judged
            .iter_mut()
            .find(|(other, _, other_level, items)| other.rule == found.rule && *other_level == level && !items.is_empty())
        {
            Some((.., items)) => items.push(item.name),
            None => judged.push((found, path, level, vec![item.name])),
        }
    }
    judged.into_iter().map(|(found, path, level, items)| violation(found, path, level, &items, written)).collect()
}

/// Whether Flux puts values in the place of variables of an object.
fn substitutes(object: &Object<'_>) -> bool {
    object.annotation("kustomize.toolkit.fluxcd.io/substitute") != Some("disabled")
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

/// How bad a finding is.
fn level(found: &mut Found<'_>, path: &str, against: &Against<'_>) -> Level {
    let Found { rule, finding, .. } = found;
    let object = finding.object;
    let is_late = rule.severity == Severity::Error && pods_are_refused_later(rule, object, path, against.release);
    if is_late {
        finding.notes.push("Kubernetes takes a StatefulSet like this one before 1.34, and cannot make its pods".to_owned());
    }
    let is_spared = || ABOUT_SECRETS.contains(rule) && against.committed.breaks(rule, object, &as_committed(rule, path));
    let usual = || if is_late || is_spared() { Severity::Warning } else { rule.severity };
    against.configured.level(rule, object, path, usual)
}

/// A finding as it is told.
fn violation(found: Found<'_>, path: String, level: Level, items: &[&str], written: &Written<'_>) -> Violation {
    let Found { rule, mut finding, item } = found;
    let object = finding.object;
    finding.certain = level == Level::Error;
    if let Some(item) = item {
        finding.message = format!("{}: {}", finding.message, (item.says)(items));
    }
    let mut diagnostic = finding.diagnostic(written);
    diagnostic.code = Some(rule.code);
    if object.kind() == "Secret" || rule.code == credentials::CREDENTIAL.code {
        diagnostic = diagnostic.without_lines();
    }
    let identity = [&object.document.identity.api_version, object.kind(), object.namespace(), object.name()].map(str::to_owned);
    Violation { code: rule.code, component: object.component.to_owned(), object: identity, path, diagnostic }
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
