//! The diff for machines.

use serde_json::{Value as Json, json};

use super::{FileDiff, text};

/// The files of one environment: path, what becomes of it, unified diff. `dir` is the environment's directory.
pub fn write(diffs: &[FileDiff], env: &str, dir: &str) -> Json {
    let file = |diff: &FileDiff| {
        json!({
            "component": diff.component,
            "file": diff.file,
            "path": format!("{dir}/{}/{}", diff.component, diff.file),
            "change": diff.fate.word(),
            "diff": text::one(diff, dir, false),
        })
    };
    json!({"environment": env, "files": diffs.iter().map(file).collect::<Vec<_>>()})
}
