//! Command lines of `helm template`: what the real helms gave is recorded in tests/helm_cli/recorded.jsonl, one case a line.
//! `tests/conformance/commands.py --record` makes such lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

mod common;

fn written(root: &Path) -> BTreeMap<String, String> {
    let below = common::files_below(&root.join("out"));
    let named = |path: &Path| path.strip_prefix(root).expect("below").display().to_string();
    below.into_iter().map(|(path, text)| (named(&path), String::from_utf8_lossy(&text).into_owned())).collect()
}

#[test]
fn command_lines_give_what_helm_gives() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm_cli");
    let files: BTreeMap<String, String> =
        serde_json::from_slice(&std::fs::read(directory.join("files.json")).expect("files")).expect("JSON");
    let recorded = std::fs::read_to_string(directory.join("recorded.jsonl")).expect("cases");
    let mut wrong = Vec::new();
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).expect("a case");
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        for (name, text) in &files {
            std::fs::create_dir_all(root.join(name).parent().expect("a parent")).expect("a directory");
            std::fs::write(root.join(name), text).expect("a file");
        }
        let args = case["args"].as_array().expect("arguments").iter().filter_map(Value::as_str);
        let done = Command::new(env!("CARGO_BIN_EXE_hydrate"))
            .arg("helm")
            .args(args)
            .current_dir(&root)
            .env_clear()
            .env("HOME", &root)
            .env("HYDRATE_HELM_COMPAT", case["level"].as_str().expect("a level"))
            .stdin(Stdio::null())
            .output()
            .expect("hydrate runs");
        let stdout = String::from_utf8_lossy(&done.stdout).replace(&root.display().to_string(), "ROOT");
        let files = serde_json::to_value(written(&root)).expect("JSON");
        let said = String::from_utf8_lossy(&done.stderr);
        let is_said = case["error"].as_str().is_none_or(|error| said.contains(&error.replace("ROOT", &root.display().to_string())));
        if done.status.success() == case["fails"] || !is_said || stdout != case["stdout"] || files != case["files"] {
            wrong.push(format!("{line}\n  gave {:?}, {stdout:?}, {files}\n  {}", done.status.code(), said));
        }
    }
    assert!(recorded.lines().count() > 200);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
