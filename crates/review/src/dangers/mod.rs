//! What a reviewer must not miss: a file for each rule, and one table of them.
//!
//! A rule looks at what differs (a `Scene`) and says what follows from it for the cluster. Those that are certain to do harm, or that the API server refuses, are
//! [`Level::Danger`]; what may be meant is [`Level::Caution`]; what is only worth a look is [`Level::Note`].

mod api_removed;
mod applier_deleted;
mod component_gone;
mod crd_deleted;
mod crd_narrowed;
mod crd_version_removed;
mod custom_resources_orphaned;
mod disruption_budget_deleted;
mod exposure;
mod gone;
mod host_access;
mod host_path;
mod image_changed;
mod immutable_field;
mod namespace_deleted;
mod network_policy_deleted;
mod owner_changed;
mod owners;
mod pods;
mod privileged;
mod prune_changed;
mod rbac_widened;
mod requests_removed;
mod scaled_to_zero;
mod scene;
mod stateful_set_deleted;
mod suspended;
mod target_changed;
mod volume_deleted;

use hydrate_yaml::node::Node;

use crate::object::Object;
use crate::path::Path;
use crate::review::{Input, ObjectChange};

pub(crate) use scene::Scene;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is lost, refused, or open that was not.
    Danger,
    /// It may be meant.
    Caution,
    /// Worth a look.
    Note,
}

impl Level {
    /// `danger`, `caution`, `note`
    pub fn word(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Caution => "caution",
            Self::Note => "note",
        }
    }
}

/// A rule: what it is called, how bad it is what it finds, and why.
#[derive(Debug)]
pub struct Rule {
    /// The name that findings have: `crd-deleted`.
    pub code: &'static str,
    /// How bad it is, where a finding does not say otherwise.
    pub level: Level,
    /// What it finds, in one sentence.
    pub title: &'static str,
    /// Why, and what to do; Markdown.
    pub text: &'static str,
    /// Looks for it.
    pub(crate) find: fn(&Scene<'_>, &mut Sink<'_>),
}

/// All rules, by code.
pub const RULES: &[&Rule] = &[
    &api_removed::RULE,
    &applier_deleted::RULE,
    &component_gone::RULE,
    &crd_deleted::RULE,
    &crd_narrowed::RULE,
    &crd_version_removed::RULE,
    &custom_resources_orphaned::RULE,
    &disruption_budget_deleted::RULE,
    &host_access::RULE,
    &host_path::RULE,
    &image_changed::RULE,
    &immutable_field::RULE,
    &namespace_deleted::RULE,
    &network_policy_deleted::RULE,
    &owner_changed::RULE,
    &privileged::RULE,
    &prune_changed::RULE,
    &rbac_widened::RULE,
    &requests_removed::RULE,
    &scaled_to_zero::RULE,
    &stateful_set_deleted::RULE,
    &suspended::RULE,
    &target_changed::RULE,
    &volume_deleted::RULE,
];

/// The rule of this code.
pub fn rule_of(code: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.code == code)
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file; empty where there is none.
    pub file: String,
    /// The line in it; 1-based, 0 where it is not known.
    pub line: u32,
}

/// Something that a reviewer must not miss.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The code of the rule.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// The object: `StatefulSet observability/loki`; empty where it is about none.
    pub object: String,
    /// The component.
    pub component: String,
    /// What happens, in one sentence.
    pub message: String,
    /// The field.
    pub path: Option<Path>,
    /// What was there.
    pub old: Option<String>,
    /// What is there.
    pub new: Option<String>,
    /// What follows from it, and what the API server would say.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
    /// Where it is in what was rendered.
    pub place: Place,
    /// Where that came from, as far as it is known.
    pub source: Option<Place>,
}

/// Where rules put what they find.
#[derive(Debug)]
pub(crate) struct Sink<'s> {
    rule: &'static Rule,
    all: &'s mut Vec<Finding>,
}

impl Sink<'_> {
    /// A finding about an object.
    pub(crate) fn about(&mut self, object: &Object, message: impl Into<String>) -> &mut Finding {
        let place = Place { file: object.path.to_string(), line: object.line };
        let mut finding = self.finding(message.into(), place);
        finding.object = object.title();
        finding.component = object.component.to_string();
        self.add(finding)
    }

    /// A finding about no object.
    pub(crate) fn general(&mut self, component: &str, message: impl Into<String>) -> &mut Finding {
        let mut finding = self.finding(message.into(), Place::default());
        finding.component = component.to_owned();
        self.add(finding)
    }

    fn finding(&self, message: String, place: Place) -> Finding {
        Finding {
            code: self.rule.code,
            level: self.rule.level,
            object: String::new(),
            component: String::new(),
            message,
            path: None,
            old: None,
            new: None,
            notes: Vec::new(),
            help: Vec::new(),
            place,
            source: None,
        }
    }

    fn add(&mut self, finding: Finding) -> &mut Finding {
        let at = self.all.len();
        self.all.push(finding);
        // What was pushed is there.
        &mut self.all[at]
    }
}

impl Finding {
    /// Says how bad it is.
    pub(crate) fn level(&mut self, level: Level) -> &mut Self {
        self.level = level;
        self
    }

    /// Adds what follows from it.
    pub(crate) fn note(&mut self, note: impl Into<String>) -> &mut Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to do.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help.push(help.into());
        self
    }

    /// Names the field and the line of it.
    pub(crate) fn at(&mut self, path: Path, object: &Object, node: Option<&Node>) -> &mut Self {
        if let Some(node) = node {
            self.place.line = object.line_of(node);
        }
        self.path = Some(path);
        self
    }

    /// What was there, and what is.
    pub(crate) fn values(&mut self, old: Option<String>, new: Option<String>) -> &mut Self {
        self.old = old;
        self.new = new;
        self
    }
}

/// Everything that the rules find, the worst first.
pub(crate) fn find(input: &Input, objects: &[ObjectChange], minor: u32) -> Vec<Finding> {
    let scene = Scene::new(input, objects, minor);
    let mut all = Vec::new();
    for rule in RULES {
        (rule.find)(&scene, &mut Sink { rule, all: &mut all });
    }
    all.sort_by(|one, other| {
        (one.level, one.code, &one.component, &one.object).cmp(&(other.level, other.code, &other.component, &other.object))
    });
    all
}
