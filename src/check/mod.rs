//! The `check` room: what was rendered, read once as objects, and whether what they refer to is there.
//!
//! [`objects`] parses and indexes, [`validity`] has the rules that each object is held to, [`references`] has one file for each kind of reference, [`promql`] reads queries,
//! [`declared`] is what users say about the world outside, and [`finding`] turns what is wrong into diagnostics.

pub mod declared;
pub mod elsewhere;
pub mod finding;
pub mod labels;
pub mod metrics;
pub mod objects;
pub mod promql;
pub mod references;
pub mod rule;
pub mod validity;
pub mod value;

pub use declared::{Declared, External};
pub use finding::Written;
pub use references::{Report, check};
pub use rule::Rule;

/// All rules, by code.
pub fn rules() -> Vec<&'static Rule> {
    let mut all: Vec<&Rule> = validity::RULES.iter().copied().chain(references::rules()).collect();
    all.sort_by_key(|rule| rule.code);
    all
}

/// The rule of this code.
pub fn rule_of(code: &str) -> Option<&'static Rule> {
    validity::RULES.iter().copied().chain(references::rules()).find(|rule| rule.code == code)
}
