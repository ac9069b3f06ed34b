//! What a check is: its code, how bad it is to break it, and its documentation.

use hydrate_base::Severity;

/// A rule: what it is called, how bad it is to break it, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name that findings, configuration and annotations use: `unknown-field`.
    pub code: &'static str,
    /// How bad it is where nobody says otherwise.
    pub severity: Severity,
    /// What it holds, in one sentence.
    pub title: &'static str,
    /// Why, what it looks at, and what to do; Markdown.
    pub text: &'static str,
}
