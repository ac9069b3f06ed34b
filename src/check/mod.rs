//! The `check` room: what was rendered, read once as objects, and whether what they refer to is there.
//!
//! [`objects`] parses and indexes, [`validity`] has the rules that each object is held to, [`references`] has one file for each kind of reference, [`promql`] reads queries,
//! [`slips`] has the rules about a project's own files,
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
pub mod slips;
pub mod validity;
pub mod value;

pub use declared::{Declared, External};
pub use finding::Written;
pub use references::{Report, check};
pub use rule::Rule;

/// All rules, by code.
pub fn rules() -> Vec<&'static Rule> {
    let mut all: Vec<&Rule> = of_all_kinds().collect();
    all.sort_by_key(|rule| rule.code);
    all
}

/// The rule of this code.
pub fn rule_of(code: &str) -> Option<&'static Rule> {
    of_all_kinds().find(|rule| rule.code == code)
}

fn of_all_kinds() -> impl Iterator<Item = &'static Rule> {
    validity::RULES.iter().chain(slips::RULES).copied().chain(references::rules())
}
