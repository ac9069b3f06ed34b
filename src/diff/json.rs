//! The diff for machines.

use serde_json::{Value as Json, json};

use super::{FileDiff, text};

/// The files of one environment: path, what becomes of it, unified diff.
pub fn write(diffs: &[FileDiff], env: &str) -> Json {
    let file = |diff: &FileDiff| {
        json!({
            "component": diff.component,
            "file": diff.file,
            "path": diff.path,
            "change": diff.change.word(),
            "diff": text::exact(diff),
        })
    };
    json!({"environment": env, "files": diffs.iter().map(file).collect::<Vec<_>>()})
}
