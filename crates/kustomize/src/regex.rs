//! Regular expressions in Go's syntax, for selectors and image names.

use super::errors::{Fail, KResult};

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Regex(regex_automata::meta::Regex);

impl Regex {
    /// Compiles an expression; the error is Go's as far as that is possible.
    pub(crate) fn new(pattern: &str) -> KResult<Self> {
        let limits = regex_automata::meta::Regex::config().nfa_size_limit(Some(1 << 20)).hybrid_cache_capacity(1 << 18);
        let compiled = regex_automata::meta::Regex::builder().configure(limits).build(pattern);
        compiled.map(Self).map_err(|_| Fail::new(format!("error parsing regexp: invalid expression: `{pattern}`")))
    }

    /// Whether the expression is found in a text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}
