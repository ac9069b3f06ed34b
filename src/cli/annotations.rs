//! Diagnostics as CI systems show them beside the changed lines: GitHub's workflow commands, GitLab's Code Quality report.

use serde_json::{Value as Json, json};

use hydrate_base::hash::sha256;
use hydrate_base::secret::without_passwords;
use hydrate_base::{Diagnostic, Severity, plain};
use hydrate_review::formats::annotations::workflow_command;

/// GitHub's workflow commands, a line each, errors first: GitHub shows only so many. `prefix` leads from the top of the repository to the project.
pub fn github(diagnostics: &[Box<Diagnostic>], prefix: &str) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().map(|one| &**one).collect();
    sorted.sort_by_key(|one| std::cmp::Reverse(one.severity));
    sorted.iter().map(|one| command(one, prefix)).collect()
}

fn command(diagnostic: &Diagnostic, prefix: &str) -> String {
    let name = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let place = Place::of(diagnostic, prefix);
    let numbers = place.as_ref().map(|place| (place.line.to_string(), place.column.to_string()));
    let mut properties = Vec::new();
    if let (Some(place), Some((line, column))) = (&place, &numbers) {
        properties.extend([("file", place.file.as_str()), ("line", line), ("col", column)]);
    }
    properties.push(("title", diagnostic.code.unwrap_or("hydrate")));
    workflow_command(name, &properties, &said(diagnostic))
}

/// GitLab's Code Quality report. What has no place of its own stands at `elsewhere`, for a place there must be.
pub fn gitlab(diagnostics: &[Box<Diagnostic>], prefix: &str, elsewhere: &str) -> Vec<u8> {
    let one = |diagnostic: &Diagnostic| {
        let place = Place::of(diagnostic, prefix);
        let (file, line) = place.map_or((format!("{prefix}{elsewhere}"), 1), |place| (place.file, place.line));
        let code = diagnostic.code.unwrap_or("hydrate");
        json!({
            "description": said(diagnostic),
            "check_name": code,
            // Not the line: it moves with every edit above it.
            "fingerprint": sha256([code, &file, &diagnostic.message].join("\0").as_bytes()),
            "severity": match diagnostic.severity {
                Severity::Error => "critical",
                Severity::Warning => "minor",
                Severity::Note => "info",
            },
            "location": {"path": file, "lines": {"begin": line}},
        })
    };
    let all: Vec<Json> = diagnostics.iter().map(|diagnostic| one(diagnostic)).collect();
    let text = serde_json::to_string_pretty(&all).unwrap_or_default();
    (plain::json(text) + "\n").into_bytes()
}

/// A place as the repository has it.
struct Place {
    file: String,
    line: usize,
    column: usize,
}

impl Place {
    fn of(diagnostic: &Diagnostic, prefix: &str) -> Option<Self> {
        let label = diagnostic.primary.as_ref()?;
        let (line, column) = label.file.line_column(label.span.start);
        Some(Self { file: format!("{prefix}{}", label.file.name), line, column })
    }
}

fn said(diagnostic: &Diagnostic) -> String {
    let told = std::iter::once(&diagnostic.message).chain(&diagnostic.notes).chain(&diagnostic.help);
    told.map(|text| without_passwords(text)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::SourceFile;

    #[test]
    fn errors_come_first_and_nothing_is_a_command_of_its_own() {
        let file = SourceFile::new("a,b.yaml", *b"one\ntwo: x\n");
        let mut warning = Diagnostic::error("look\n::error::at https://u:secret@example.org");
        warning.severity = Severity::Warning;
        let all = [warning, Diagnostic::error("wrong").at(&file, 9..10, "").help("mend it")];
        let text = github(&all, "sub/");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0], "::error file=sub/a%2Cb.yaml,line=2,col=6,title=hydrate::wrong%0Amend it");
        assert!(lines[1].starts_with("::warning title=hydrate::look%0A\\u{3a}:error") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn gitlab_gets_a_place_and_a_fingerprint_that_outlasts_edits_above() {
        let report = |text: &'static [u8], at: usize| -> Json {
            let file = SourceFile::new("a.yaml", text);
            serde_json::from_slice(&gitlab(
                &[Diagnostic::error("wrong").at(&file, at..at, ""), Diagnostic::error("nowhere")],
                "",
                "hydrate.yaml",
            ))
            .unwrap()
        };
        let (one, two) = (report(b"x\n", 0), report(b"# new\nx\n", 6));
        assert_eq!(one[0]["fingerprint"], two[0]["fingerprint"]);
        assert_ne!(one[0]["fingerprint"], one[1]["fingerprint"]);
        assert_eq!((&two[0]["location"]["lines"]["begin"], &one[1]["location"]["path"]), (&json!(2), &json!("hydrate.yaml")));
    }
}
