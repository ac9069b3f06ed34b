//! `random:` of hydrate.yaml, environments and components: what becomes of what chance or the clock decides in a rendering.

use crate::check::External;
use hydrate_base::{Diagnostic, Result};
use hydrate_gotmpl::time::duration;
use hydrate_yaml::node::Node;

use super::parse::Parsed;

/// What becomes of what chance or the clock decides in a rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomPolicy {
    /// It is an error.
    Fail,
    /// It is written once, and kept from then on.
    Keep,
    /// It is another one with every run.
    Allow,
}

impl RandomPolicy {
    /// The words of configuration for them.
    pub(super) const WORDS: &[&str] = &["fail", "keep", "allow"];

    fn of_word(word: &str) -> Self {
        match word {
            "keep" => Self::Keep,
            "allow" => Self::Allow,
            _ => Self::Fail,
        }
    }
}

/// What is said of objects, and of all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RandomPolicies {
    objects: Vec<(External, RandomPolicy)>,
    default: Option<RandomPolicy>,
    renew_before: Option<i64>,
}

impl RandomPolicies {
    /// Reads what a file says; `home` is the namespace that the short form `Kind/name` means too.
    ///
    /// # Errors
    /// For each key that names no objects.
    pub(super) fn read(file: &Parsed, root: &Node, home: Option<&str>) -> Result<Self, Vec<Box<Diagnostic>>> {
        let Some(node) = root.get("random") else { return Ok(Self::default()) };
        if let Some(word) = node.as_str() {
            return Ok(Self { default: Some(RandomPolicy::of_word(word)), ..Self::default() });
        }
        let word = |node: &Node| node.as_str().map(RandomPolicy::of_word);
        let (mut objects, mut wrong) = (Vec::new(), Vec::new());
        for (key, policy) in node.get("objects").and_then(Node::entries).unwrap_or_default() {
            let Some((key, policy)) = file.spanned(key).zip(word(policy)) else { continue };
            match External::parse(&key.text, home) {
                Some(object) => objects.push((object, policy)),
                None => wrong.push(
                    key.error(format!("`objects` cannot have `{}`", key.text), "")
                        .help("write Kind/namespace/name, or Kind/name for what has no namespace; `*` stands for any characters"),
                ),
            }
        }
        let renew_before = file.text(node, "renewBefore").and_then(|text| duration::parse(text.text.as_bytes()).ok());
        if wrong.is_empty() { Ok(Self { objects, default: node.get("default").and_then(word), renew_before }) } else { Err(wrong) }
    }

    /// These, and where they say nothing, those above them.
    #[must_use]
    pub fn over(&self, above: &Self) -> Self {
        let renew_before = self.renew_before.or(above.renew_before);
        if self.default.is_some() {
            return Self { renew_before, ..self.clone() };
        }
        Self { objects: self.objects.iter().chain(&above.objects).cloned().collect(), default: above.default, renew_before }
    }

    /// What is said of an object; `None` where nothing is: what is kept stays then, and what is new is an error.
    pub fn of(&self, kind: &str, namespace: &str, name: &str) -> Option<RandomPolicy> {
        let is_it = |(covered, _): &&(External, RandomPolicy)| covered.covers(kind, namespace, name);
        self.objects.iter().find(is_it).map(|(_, policy)| *policy).or(self.default)
    }

    /// When a kept certificate is to be made anew, in nanoseconds since 1970, by when it is valid: so long before its end as is said, but not before half of
    /// its time is over. `None` where nothing is said.
    pub fn renewal(&self, [from, until]: [i128; 2]) -> Option<i128> {
        self.renew_before.map(|before| until - i128::from(before).min((until - from) / 2))
    }

    /// What is said of whatever is not named.
    pub fn of_others(&self) -> Option<RandomPolicy> {
        self.default
    }
}
