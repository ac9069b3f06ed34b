//! Texts of Helm 4's library of schemas.

use hydrate_gotmpl::fmt;

/// A text in single quotes, escaped as Go escapes within double ones.
pub(super) fn quote(text: &str) -> String {
    let quoted = fmt::quote(text.as_bytes());
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}
