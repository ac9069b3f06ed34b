//! Which releases are chosen: selectors and conditions.
//!
//! Follows `pkg/state/release_filters.go` and `ConditionEnabled` of `pkg/state/state.go` of helmfile.

use hydrate_base::{Diagnostic, Result};
use hydrate_gotmpl::{Map, Value};

use crate::record;

/// A selector: labels that a release has, and labels that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    has: Vec<(String, String)>,
    has_not: Vec<(String, String)>,
}

impl Selector {
    /// Reads `foo=bar,baz!=bat`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut selector = Self { has: Vec::new(), has_not: Vec::new() };
        for label in text.split(',') {
            let (key, value, list) = match (label.split_once("!="), label.split_once('=')) {
                (Some((key, value)), _) => (key, value, &mut selector.has_not),
                (None, Some((key, value))) => (key, value, &mut selector.has),
                (None, None) => return Err(malformed(label)),
            };
            let is_word =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./+-".contains(&byte));
            if !is_word(key) || !is_word(value) {
                return Err(malformed(label));
            }
            list.push((key.to_owned(), value.to_owned()));
        }
        Ok(selector)
    }

    /// Whether a release has the labels.
    pub(crate) fn matches(&self, release: &Map) -> bool {
        let labels = record::map(release, "labels");
        let is = |(key, value): &(String, String)| {
            labels.get(key.as_bytes()).and_then(|label| record::as_text(&label)).is_some_and(|label| label == *value)
        };
        self.has.iter().all(is) && !self.has_not.iter().any(is)
    }

    /// Whether a release can match both.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        self.has.iter().all(|(key, value)| other.has.iter().all(|(also, other)| key != also || value == other))
    }
}

fn malformed(label: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("malformed label: {label}. Expected label in form k=v or k!=v"))
}

/// Whether the condition of a release holds.
pub(crate) fn is_enabled(release: &Map, values: &Map) -> Result<bool> {
    let condition = record::text(release, "condition");
    match condition.to_lowercase().as_str() {
        "" | "true" => return Ok(true),
        "false" => return Ok(false),
        _ => {}
    }
    let failed =
        |text: String| Diagnostic::error(format!("failed to parse condition in release {}: {text}", record::text(release, "name")));
    let mut keys: Vec<&str> = condition.split('.').collect();
    if keys.pop() != Some("enabled") {
        return Err(failed("Condition value must be in the form 'foo.enabled' where 'foo' can be modified as necessary".to_owned()));
    }
    let (mut map, mut shown) = (values.clone(), String::new());
    for key in keys {
        shown = format!("{shown}.{key}");
        map = match map.get(key.as_bytes()) {
            None => return Err(failed(format!("environment values field '{shown}' not found"))),
            Some(Value::Map(map)) => map,
            Some(_) => return Err(failed(format!("environment values field '{shown}' is not a map"))),
        };
    }
    Ok(matches!(map.get(b"enabled"), Some(Value::Bool(true))))
}
