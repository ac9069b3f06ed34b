//! References between objects: each kind of reference has a file here, with its `mod`, and a line in `CHECKS`.
//!
//! What cannot be judged is left alone: objects of unknown kinds, selectors where pods may run that nobody renders,
//! names made of variables. A report that is wrong costs more than one that is missing.

mod customs;
mod datasources;
mod gitops;
mod hosts;
mod namespaces;
mod pods;
mod policies;
mod queries;
mod rbac;
mod routes;
mod scaling;
mod services;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use hydrate_base::{Diagnostic, Severity, suggest};
use hydrate_yaml::node::Node;

use super::declared::Declared;
use super::elsewhere::Elsewhere;
use super::finding::{Finding, Written};
use super::objects::{Index, Object, title};
use super::rule::Rule;
use super::validity::{self, Level};
use super::value;

/// How many findings of a level are told, and for how many it is looked for what was meant.
const MOST: usize = 1000;

/// A kind of reference: its rule, and the function that follows them.
type Check = (&'static Rule, for<'a> fn(&mut Checker<'a>));

const CHECKS: &[Check] = &[
    (&namespaces::RULE, namespaces::check),
    (&pods::RULE, pods::check),
    (&services::RULE, services::check),
    (&policies::RULE, policies::check),
    (&scaling::RULE, scaling::check),
    (&rbac::RULE, rbac::check),
    (&routes::RULE, routes::check),
    (&webhooks::RULE, webhooks::check),
    (&gitops::RULE, gitops::check),
    (&customs::RULE, customs::check),
    (&hosts::RULE, hosts::check),
    (&datasources::RULE, datasources::check),
    (&queries::RULE, queries::check),
];

/// The rules of all kinds of references.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    CHECKS.iter().map(|(rule, _)| *rule)
}

/// What was looked at, and what was wrong.
#[derive(Debug, Default)]
pub struct Report {
    /// Rendered objects.
    pub objects: usize,
    /// References followed.
    pub references: usize,
    /// Queries read.
    pub queries: usize,
    /// Metrics looked up that queries name.
    pub metrics: usize,
    /// Everything that leads nowhere, in the order of components and objects.
    pub findings: Vec<Box<Diagnostic>>,
    /// The components of the findings.
    components: Vec<String>,
}

impl Report {
    /// The report of so much of which nothing leads nowhere.
    pub fn sound(objects: usize, references: usize, queries: usize, metrics: usize) -> Self {
        Self { objects, references, queries, metrics, ..Self::default() }
    }

    /// Leaves out the findings of other components.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        let mut components = self.components.iter();
        self.findings.retain(|_| components.next().is_some_and(|component| wanted(component)));
        self.components.retain(|component| wanted(component));
    }
}

/// Follows every reference of objects; those that [refer to nothing](crate::check::objects::unreferring) need not be parsed.
pub fn check(objects: &[Object<'_>], declared: &Declared, written: &Written<'_>, configured: &Configured<'_>) -> Report {
    let index = Index::new(objects);
    let elsewhere = Elsewhere::new(&index, &declared.external);
    let follow = |(rule, check): &Check| {
        let (report, findings) = (Report::default(), Vec::new());
        let mut checker = Checker { index: &index, declared, elsewhere: &elsewhere, configured, report, findings, rule };
        check(&mut checker);
        (checker.report, checker.findings)
    };
    let (mut report, mut findings) = (Report { objects: objects.len(), ..Report::default() }, Vec::new());
    // They share nothing but what they look at; what each has found follows in their order.
    for (counted, found) in CHECKS.par_iter().map(follow).collect::<Vec<_>>() {
        report.references += counted.references;
        report.queries += counted.queries;
        report.metrics += counted.metrics;
        findings.extend(found);
    }
    let positions: BTreeMap<*const Object<'_>, usize> =
        objects.iter().enumerate().map(|(at, object)| (std::ptr::from_ref(object), at)).collect();
    let order = |finding: &Finding<'_>| positions.get(&std::ptr::from_ref(finding.object)).copied();
    findings.sort_by_key(|(_, finding)| (order(finding), finding.node.line, finding.node.column));
    let mut seen = BTreeSet::new();
    findings.retain(|(_, finding)| seen.insert((order(finding), finding.message.clone())));
    let mut told = BTreeMap::<bool, usize>::new();
    for (rule, mut finding) in findings {
        let path = value::path(&finding.object.root, finding.node).unwrap_or_default();
        // What is brought by hand or from another repository is not known here: it is an error where the user says that everything is.
        let usual = || if configured.is_strict && finding.certain { Severity::Error } else { rule.severity };
        match configured.judged.level(rule, finding.object, &path, usual) {
            Level::Off => continue,
            level => finding.certain = level == Level::Error,
        }
        let of_level = told.entry(finding.certain).or_default();
        *of_level += 1;
        if *of_level > MOST {
            continue;
        }
        report.components.push(finding.object.component.to_owned());
        let mut diagnostic = finding.diagnostic(written);
        diagnostic.code = Some(rule.code);
        report.findings.push(diagnostic);
    }
    for (is_error, count) in told.into_iter().filter(|(_, count)| *count > MOST) {
        let message = format!("{} more references lead nowhere; they are not shown", count - MOST);
        report.findings.push(if is_error { Diagnostic::error(message) } else { Diagnostic::warning(message) });
        report.components.push(String::new());
    }
    report
}

/// Where users write down what exists elsewhere; for what findings say to do.
#[derive(Debug)]
pub struct Configured<'a> {
    /// The directory of the components.
    pub components: &'a str,
    /// The environment's file.
    pub environment: String,
    /// References that users say their custom resources have.
    pub rows: Vec<Row>,
    /// How rules are judged.
    pub judged: &'a validity::Configured,
    /// Whether what leads nowhere for certain is an error.
    pub is_strict: bool,
}

/// A reference that objects of a kind have: a row of `references`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Group and kind of the objects that refer.
    pub from: (String, String),
    /// The keys that lead to the name; lists on the way are gone through.
    pub path: Vec<String>,
    /// Group and kind of what is referred to.
    pub to: (String, String),
    /// The keys that lead to its namespace; where there is nothing, it is that of the object that refers.
    pub namespace: Vec<String>,
}

impl Row {
    /// `Kind` of the core group, or `Kind.group`: group and kind.
    pub fn kind(text: &str) -> Option<(String, String)> {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        let is_kind = kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.chars().all(|c| c.is_ascii_alphanumeric());
        (is_kind && (group.is_empty() != text.contains('.'))).then(|| (group.to_owned(), kind.to_owned()))
    }

    /// `spec.tls.secretName`, `spec.hosts[].secret`: keys.
    pub fn keys(text: &str) -> Option<Vec<String>> {
        let keys: Vec<String> = text.split('.').map(|key| key.strip_suffix("[]").unwrap_or(key).to_owned()).collect();
        keys.iter().all(|key| !key.is_empty() && !key.contains(['[', ']', '*'])).then_some(keys)
    }
}

/// Something looked for.
#[derive(Debug, Clone, Copy)]
struct Target<'t> {
    group: &'t str,
    kind: &'t str,
    namespace: &'t str,
    name: &'t str,
}

impl<'t> Target<'t> {
    /// An object of the core group.
    fn core(kind: &'t str, namespace: &'t str, name: &'t str) -> Self {
        Self { group: "", kind, namespace, name }
    }

    fn title(&self) -> String {
        title(self.kind, self.namespace, self.name)
    }
}

/// What the checks have in common: where to look, and where to report.
struct Checker<'a> {
    index: &'a Index<'a>,
    declared: &'a Declared,
    elsewhere: &'a Elsewhere<'a>,
    configured: &'a Configured<'a>,
    report: Report,
    findings: Vec<(&'static Rule, Finding<'a>)>,
    /// The rule that is looked at now.
    rule: &'static Rule,
}

impl<'a> Checker<'a> {
    /// Counts a reference that holds or not.
    fn count(&mut self) {
        self.report.references += 1;
    }

    fn add(&mut self, finding: Finding<'a>) {
        self.findings.push((self.rule, finding));
    }

    /// Follows a reference to an object by its name: the object, where it is rendered. One that is nowhere is reported.
    fn follow(&mut self, from: &'a Object<'a>, node: &'a Node, target: Target<'_>) -> Option<&'a Object<'a>> {
        self.count();
        let found = self.index.find(target.group, target.kind, target.namespace, target.name);
        if found.is_none() && !self.elsewhere.has(target.kind, target.namespace, target.name) {
            let finding = self.missing(from, node, target);
            self.add(finding);
        }
        found
    }

    /// The finding for an object that does not exist, with the nearest that does.
    fn missing(&self, from: &'a Object<'a>, node: &'a Node, target: Target<'_>) -> Finding<'a> {
        // Looking at all of a kind for each of very many findings would take as long as their square.
        let is_one_of_few = self.findings.len() < MOST;
        let same_kind = || self.index.of(target.group, target.kind).iter().filter(|_| is_one_of_few);
        let here = same_kind().filter(|object| object.namespace() == target.namespace).map(|object| object.name());
        let close = suggest::closest(target.name, here);
        let finding = Finding::new(from, node, format!("{} refers to {}, which does not exist", from.title(), target.title())).meant(close);
        let namesakes: Vec<&str> = same_kind().filter(|object| object.name() == target.name).map(|object| object.namespace()).collect();
        let finding = match namesakes[..] {
            [] => finding,
            _ => finding.note(format!("{} {} is in {}", target.kind, target.name, namesakes.join(", "))),
        };
        finding.help(self.advice(from, target))
    }

    /// How to declare what comes from elsewhere.
    fn advice(&self, from: &Object<'_>, target: Target<'_>) -> String {
        let entry = match target.namespace {
            "" => format!("{}/{}", target.kind, target.name),
            namespace => format!("{}/{namespace}/{}", target.kind, target.name),
        };
        // What hands the environment over belongs to no component.
        let file = match from.component.contains('/') {
            true => self.configured.environment.clone(),
            false => format!("{}/{}/component.yaml", self.configured.components, from.component),
        };
        format!("render it, or say that it comes from elsewhere: `external: [{entry}]` in {file}")
    }

    /// Whether pods may run in a namespace that are not rendered.
    fn hides_pods(&self, namespace: &str) -> bool {
        self.elsewhere.hides_pods(namespace)
    }
}
