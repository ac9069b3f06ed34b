//! Small charts of ours against what the real Helm 3.17 and 4.3 answered for them: `tests/charts/*.txt`.
//!
//! A case is one file: sections `-- PATH --` make the chart, `-- args --` holds further arguments, `== v4 ==` and `== v3 ==`
//! what each helm printed; an answer that begins with `! ` is a refusal, whose text must be in ours.
//! `tests/conformance/helm.py record` writes the answers.

use std::path::Path;
use std::process::Command;

struct Case {
    args: Vec<String>,
    files: Vec<(String, String)>,
    answers: [String; 2],
}

fn read(text: &str) -> Case {
    let (given, rest) = text.split_once("\n== v4 ==\n").expect("a recorded answer of v4");
    let (v4, v3) = match rest.split_once("\n== v3 ==\n") {
        Some((v4, v3)) => (format!("{v4}\n"), v3.to_owned()),
        None => (String::new(), rest.strip_prefix("== v3 ==\n").expect("a recorded answer of v3").to_owned()),
    };
    let v3 = if v3 == "(as v4)\n" { v4.clone() } else { v3 };
    let mut case = Case { args: Vec::new(), files: Vec::new(), answers: [v3, v4] };
    // The line break before the next section's head is the last one of the section before it.
    for section in format!("\n{}", given.strip_suffix('\n').unwrap_or(given)).split("\n-- ").skip(1) {
        let (name, content) = section.split_once(" --\n").expect("a section's name");
        match name {
            "args" => case.args = content.split_whitespace().map(str::to_owned).collect(),
            name => case.files.push((name.to_owned(), format!("{content}\n"))),
        }
    }
    case
}

/// A text without what stands before its lines: lines of a message after the first one are indented.
fn unindented(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

fn differences(path: &Path) -> Vec<String> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let case = read(&std::fs::read_to_string(path).expect("a readable case"));
    let directory = tempfile::tempdir().expect("a scratch directory");
    for (file, content) in &case.files {
        let file = directory.path().join(file);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(file, content).expect("a file");
    }
    let mut bad = Vec::new();
    for (level, wanted) in ["v3", "v4"].iter().zip(&case.answers) {
        let done = Command::new(env!("CARGO_BIN_EXE_hydrate"))
            .args(["helm", "template", "rel", "."])
            .args(&case.args)
            .current_dir(directory.path())
            .env("HYDRATE_HELM_COMPAT", level)
            .env_remove("HELM_NAMESPACE")
            .output()
            .expect("the binary runs");
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        match wanted.strip_prefix("! ") {
            Some(error) if done.status.success() => bad.push(format!("{name} {level}: must refuse: {error}")),
            Some(error) if !unindented(&err).contains(unindented(error).trim()) => {
                bad.push(format!("{name} {level}: wanted\n{error}but got\n{err}"))
            }
            Some(_) => {}
            None if !done.status.success() => bad.push(format!("{name} {level}: refused\n{err}")),
            None if out != wanted.as_str() => bad.push(format!("{name} {level}: wanted\n{wanted}but got\n{out}")),
            None => {}
        }
    }
    bad
}

#[test]
fn recorded_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts");
    let mut cases: Vec<_> = std::fs::read_dir(folder).expect("tests/charts").map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    assert!(cases.len() > 50, "the cases are there");
    let bad: Vec<String> = cases.iter().flat_map(|path| differences(path)).collect();
    assert!(bad.is_empty(), "{} differences\n{}", bad.len(), bad.join("\n"));
}
