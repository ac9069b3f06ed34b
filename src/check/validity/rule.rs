//! What a rule is, and where what it finds goes.

use std::collections::BTreeMap;

use hydrate_yaml::node::Node;

use crate::check::finding::Finding;
use crate::check::objects::Object;
pub use crate::check::rule::Rule;

use super::Release;

/// Something found by a rule.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// The rule.
    pub(super) rule: &'static Rule,
    /// What is wrong, and where.
    pub(super) finding: Finding<'a>,
    /// One of several things that are told together, such as the key of a Secret: the message is made of all of them.
    pub(super) item: Option<Item<'a>>,
}

/// One of several things of an object that are told together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    /// What it is called.
    pub(super) name: &'a str,
    /// What is said of all of them.
    pub(super) says: fn(&[&str]) -> String,
}

/// What a check is told, and where it reports.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    /// The object that is looked at.
    pub(super) object: &'a Object<'a>,
    /// The release of Kubernetes.
    pub(super) release: Release,
    /// The minor release whose types are used.
    pub(super) minor: u32,
    /// What was found.
    pub(super) found: Vec<Found<'a>>,
    /// What could not be evaluated, and how many of it there were.
    pub(super) unevaluated: BTreeMap<String, usize>,
}

impl<'a> Sink<'a> {
    /// Reports what is wrong with a node of the object. The message is a sentence whose subject is the object.
    pub(super) fn report(&mut self, rule: &'static Rule, node: &'a Node, says: impl AsRef<str>) -> &mut Finding<'a> {
        let message = format!("{}: {}", self.object.title(), says.as_ref());
        let index = self.found.len();
        self.found.push(Found { rule, finding: Finding::new(self.object, node, message), item: None });
        &mut self.found[index].finding
    }

    /// Reports what is wrong with one of several things, which are told together.
    pub(super) fn report_item(&mut self, rule: &'static Rule, node: &'a Node, item: Item<'a>) -> &mut Finding<'a> {
        let index = self.found.len();
        self.found.push(Found { rule, finding: Finding::new(self.object, node, self.object.title()), item: Some(item) });
        &mut self.found[index].finding
    }

    /// How many findings of a rule there are.
    pub(super) fn has(&self, rule: &'static Rule) -> bool {
        self.found.iter().any(|found| found.rule.code == rule.code)
    }
}
