//! The `diff` room: what changes between two trees, for people and for machines.

pub mod json;
pub mod markdown;
pub mod text;

use std::sync::Arc;

use hydrate_base::Change;

/// One file that differs.
#[derive(Debug, Clone)]
pub struct FileDiff {
    /// The component it belongs to; the directory, for what belongs to none.
    pub component: String,
    /// Its path in the project.
    pub path: String,
    /// Its name in there.
    pub file: String,
    /// What becomes of it.
    pub change: Change,
    /// Its content before; empty for a new file.
    pub before: Arc<[u8]>,
    /// Its content after; empty for a deleted file.
    pub after: Arc<[u8]>,
}

/// The lines of both sides of a file as text.
fn sides(diff: &FileDiff) -> (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>) {
    (String::from_utf8_lossy(&diff.before), String::from_utf8_lossy(&diff.after))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> Vec<FileDiff> {
        let diff = |file: &str, change, before: &str, after: &str| FileDiff {
            component: "loki".to_owned(),
            path: format!("manifests/k3d/loki/{file}"),
            file: file.to_owned(),
            change,
            before: before.as_bytes().into(),
            after: after.as_bytes().into(),
        };
        vec![
            diff("configmap-a.yaml", Change::Changed, "a: 1\nversion: 1\nb: 2\n", "a: 1\nversion: 2\nb: 2\n"),
            diff("configmap-b.yaml", Change::Changed, "c: 1\nversion: 1\n", "c: 1\nversion: 2\n"),
            diff("service-new.yaml", Change::Created, "", "x: 1\n"),
            diff("service-old.yaml", Change::Deleted, "y: 1\n", ""),
        ]
    }
}
