//! Diagnostics as CI systems show them beside the changed lines: GitHub's workflow commands, GitLab's Code Quality report.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use hydrate_base::hash::sha256;
use hydrate_base::secret::without_passwords;
use hydrate_base::{Diagnostic, Severity, plain};
use hydrate_review::formats::annotations::workflow_command;

/// Where places of diagnostics are in the repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The project's root.
    pub root: PathBuf,
    /// What leads from the top of the repository to the project, with a slash at its end; empty where it is the top.
    pub prefix: String,
    /// The directory of the components.
    pub components: String,
}

impl Repository {
    /// The path of a file as the repository has it. Templates of charts are named by their charts, as Helm does it: `web/templates/a.yaml` lies where a
    /// chart of the component has it. `None` for what is no file of the project.
    fn path(&self, diagnostic: &Diagnostic, name: &str) -> Option<String> {
        let is_there = |path: &str| self.root.join(path).is_file();
        if is_there(name) {
            return Some(format!("{}{name}", self.prefix));
        }
        let note = diagnostic.notes.iter().find_map(|note| note.strip_prefix("component "))?;
        let component = format!("{}/{}", self.components, note.split([',', ' ']).next()?);
        let (_, inside) = name.split_once('/')?;
        let charts = std::fs::read_dir(self.root.join(&component)).ok()?.flatten();
        let mut places: Vec<String> = charts
            .filter_map(|chart| Some(format!("{component}/{}/{inside}", chart.file_name().to_str()?)))
            .filter(|path| is_there(path))
            .collect();
        // Where several charts have such a file, which of them is meant is not known.
        if places.len() == 1 { places.pop().map(|path| format!("{}{path}", self.prefix)) } else { None }
    }
}

/// GitHub's workflow commands, a line each, errors first: GitHub shows only so many.
pub fn github(diagnostics: &[Box<Diagnostic>], repository: &Repository) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().map(|one| &**one).collect();
    sorted.sort_by_key(|one| one.severity);
    sorted.iter().map(|one| command(one, repository)).collect()
}

fn command(diagnostic: &Diagnostic, repository: &Repository) -> String {
    let name = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let place = Place::of(diagnostic, repository);
    let numbers = place.as_ref().map(|place| (place.line.to_string(), place.column.to_string()));
    let mut properties = Vec::new();
    if let (Some(place), Some((line, column))) = (&place, &numbers) {
        properties.extend([("file", place.file.as_str()), ("line", line), ("col", column)]);
    }
    properties.push(("title", diagnostic.code.unwrap_or("hydrate")));
    workflow_command(name, &properties, &said(diagnostic))
}

/// GitLab's Code Quality report. What has no place of its own stands at `elsewhere`, for a place there must be.
pub fn gitlab(diagnostics: &[Box<Diagnostic>], repository: &Repository, elsewhere: &str) -> Vec<u8> {
    let one = |diagnostic: &Diagnostic| {
        let place = Place::of(diagnostic, repository);
        let (file, line) = place.map_or((format!("{}{elsewhere}", repository.prefix), 1), |place| (place.file, place.line));
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
    fn of(diagnostic: &Diagnostic, repository: &Repository) -> Option<Self> {
        let label = diagnostic.primary.as_ref()?;
        let (line, column) = label.file.line_column(label.span.start);
        Some(Self { file: repository.path(diagnostic, &label.file.name)?, line, column })
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

    fn repository(directory: &tempfile::TempDir, files: &[&str]) -> Repository {
        for file in files {
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        Repository { root: directory.path().to_owned(), prefix: "sub/".to_owned(), components: "components".to_owned() }
    }

    #[test]
    fn errors_come_first_and_nothing_is_a_command_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let repository = repository(&directory, &["a,b.yaml"]);
        let file = SourceFile::new("a,b.yaml", *b"one\ntwo: x\n");
        let mut warning = Diagnostic::error("look\n::error::at https://u:secret@example.org");
        warning.severity = Severity::Warning;
        let all = [warning, Diagnostic::error("wrong").at(&file, 9..10, "").help("mend it")];
        let text = github(&all, &repository);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0], "::error file=sub/a%2Cb.yaml,line=2,col=6,title=hydrate::wrong%0Amend it");
        assert!(lines[1].starts_with("::warning title=hydrate::look%0A\\u{3a}:error") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn a_template_is_found_where_the_component_has_its_chart() {
        let directory = tempfile::tempdir().unwrap();
        let repository = repository(
            &directory,
            &["components/web/chart/templates/a.yaml", "components/two/x/templates/a.yaml", "components/two/y/templates/a.yaml"],
        );
        let place = |component: &str| {
            let file = SourceFile::new("web/templates/a.yaml", *b"x\n");
            let error = Diagnostic::error("wrong").at(&file, 0..1, "").note(format!("component {component}, environment dev"));
            github(&[error], &repository)
        };
        assert!(place("web").starts_with("::error file=sub/components/web/chart/templates/a.yaml,line=1,"), "{}", place("web"));
        // Which of two, nobody knows; and what comes from a registry is in no file here.
        for component in ["two", "none"] {
            assert_eq!(place(component), format!("::error title=hydrate::wrong%0Acomponent {component}, environment dev\n"));
        }
    }

    #[test]
    fn gitlab_gets_a_place_and_a_fingerprint_that_outlasts_edits_above() {
        let directory = tempfile::tempdir().unwrap();
        let repository = repository(&directory, &["a.yaml"]);
        let report = |text: &'static [u8], at: usize| -> Json {
            let file = SourceFile::new("a.yaml", text);
            let told = [Diagnostic::error("wrong").at(&file, at..at, ""), Diagnostic::error("nowhere")];
            serde_json::from_slice(&gitlab(&told, &repository, "hydrate.yaml")).unwrap()
        };
        let (one, two) = (report(b"x\n", 0), report(b"# new\nx\n", 6));
        assert_eq!(one[0]["fingerprint"], two[0]["fingerprint"]);
        assert_ne!(one[0]["fingerprint"], one[1]["fingerprint"]);
        assert_eq!((&two[0]["location"]["lines"]["begin"], &one[1]["location"]["path"]), (&json!(2), &json!("sub/hydrate.yaml")));
    }
}
