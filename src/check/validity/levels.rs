//! How bad it is to break a rule, where somebody says otherwise than the rule: hydrate.yaml, the environment, the component, the object.

use std::collections::BTreeMap;

use hydrate_base::{Severity, suggest};
use hydrate_yaml::node::Node;

use crate::check::declared::External;
use crate::check::objects::Object;
use crate::check::value::{at, entries};

use super::rule::{Rule, Sink};

/// What begins the annotations by which an object says how its own findings are judged: `checks.hydrate/unknown-field: "off: read by a fork"`.
pub const ANNOTATION: &str = "checks.hydrate/";

/// `check-annotation`
pub(super) const CHECK_ANNOTATION: Rule = Rule {
    code: "check-annotation",
    severity: Severity::Error,
    title: "Annotations that set checks name a check, a level and a reason",
    text: "`checks.hydrate/CODE: \"LEVEL: REASON\"` sets one check for one object. CODE is that of a finding, LEVEL is `error`, `warning` or `off`, and \
           the reason is what whoever comes after wants to know; without one the annotation does nothing.",
};

/// What a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `check` fails.
    Error,
    /// It is told.
    Warning,
    /// It is not looked for.
    Off,
}

impl Level {
    /// The level of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "error" => Some(Self::Error),
            "warning" => Some(Self::Warning),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// The severity of a rule.
    pub(super) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning | Severity::Note => Self::Warning,
        }
    }
}

/// Levels by code.
pub type Levels = BTreeMap<String, Level>;

/// An entry of `exceptions`: objects, or places in them, for which a rule has another level, for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The code of the rule.
    pub code: String,
    /// The objects.
    pub objects: Vec<External>,
    /// The places in them, as findings name them (`data.password`), with `*` and `?`; none: all of an object.
    pub paths: Vec<String>,
    /// The level.
    pub level: Level,
}

impl Exception {
    fn covers(&self, rule: &Rule, object: &Object<'_>, path: &str) -> bool {
        let is_meant = |entry: &External| entry.covers(object.kind(), object.namespace(), object.name());
        let is_there = || self.paths.is_empty() || self.paths.iter().any(|pattern| suggest::matches(pattern, path));
        self.code == rule.code && self.objects.iter().any(is_meant) && is_there()
    }
}

/// What one configuration file says of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Levels for everything that the file is about.
    pub levels: Levels,
    /// Others for some objects.
    pub exceptions: Vec<Exception>,
}

impl Judgement {
    /// What this file says, and beside it what the one above it says.
    #[must_use]
    pub fn over(&self, above: &Self) -> Self {
        let mut levels = above.levels.clone();
        levels.extend(self.levels.clone());
        Self { levels, exceptions: self.exceptions.iter().chain(&above.exceptions).cloned().collect() }
    }

    fn exception(&self, rule: &Rule, object: &Object<'_>, path: &str) -> Option<Level> {
        self.exceptions.iter().find(|exception| exception.covers(rule, object, path)).map(|exception| exception.level)
    }
}

/// How rules are judged in an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configured {
    /// What hydrate.yaml says, and over it what the environment says.
    pub environment: Judgement,
    /// What components say, over the others.
    pub components: BTreeMap<String, Judgement>,
}

impl Configured {
    /// The level of a rule at a place of an object; `usual` is what it has where nobody says otherwise.
    pub(in crate::check) fn level(&self, rule: &Rule, object: &Object<'_>, path: &str, usual: impl FnOnce() -> Severity) -> Level {
        let said = annotations(&object.root).find(|(code, ..)| *code == rule.code).and_then(|(_, _, level)| level);
        let own = self.components.get(object.component);
        said.or_else(|| own?.exception(rule, object, path))
            .or_else(|| self.environment.exception(rule, object, path))
            .or_else(|| own?.levels.get(rule.code).copied())
            .or_else(|| self.environment.levels.get(rule.code).copied())
            .unwrap_or_else(|| Level::of(usual()))
    }
}

/// The annotations of an object that set checks: code, node, and the level where there is a reason too.
fn annotations(root: &Node) -> impl Iterator<Item = (&str, &Node, Option<Level>)> {
    let all = at(root, &["metadata"]).map(|metadata| entries(metadata, &["annotations"])).unwrap_or_default();
    all.iter().filter_map(|(key, node)| {
        let code = key.as_str()?.strip_prefix(ANNOTATION)?;
        let level = node.as_str().and_then(|text| text.split_once(':')).filter(|(_, reason)| !reason.trim().is_empty());
        Some((code, node, level.and_then(|(level, _)| Level::parse(level.trim()))))
    })
}

/// The annotations that say nothing that can be followed.
pub(super) fn check<'a>(sink: &mut Sink<'a>, is_code: impl Fn(&str) -> bool) {
    for (code, node, level) in annotations(&sink.object.root) {
        if !is_code(code) {
            sink.report(&CHECK_ANNOTATION, node, format!("there is no check `{code}`"))
                .help
                .push("`hydrate check --explain all` lists them".to_owned());
        } else if level.is_none() {
            let finding = sink.report(&CHECK_ANNOTATION, node, format!("the annotation for `{code}` sets no level with a reason"));
            finding.help.push("write \"error: REASON\", \"warning: REASON\" or \"off: REASON\"".to_owned());
        }
    }
}
