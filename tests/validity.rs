//! The rules that every object is held to, one after another: each file in tests/validity is about one kind of them.
//!
//! A file is a title and cases. A case is one or more `=== component NAME` with YAML, and `=== says` with everything that is said about them, as users
//! see it, with the lines of the rendered files. A case that says nothing is one that the API server would take. Sections before:
//!
//! - `=== kubernetes VERSION`: the environment's (1.33.1 where it is left out)
//! - `=== external`: entries, one a line
//! - `=== committed`: objects of HEAD
//! - `=== argocd`: who applies the objects runs hooks of Helm
//! - `=== checks`, `=== checks COMPONENT`: lines `code: level`, as in an environment's file and in a component's
//!
//! `HYDRATE_TEST_UPDATE=1 cargo test --test validity` writes what is said into the files; read the difference before committing it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate::check::objects::{Object, parse};
use hydrate::check::validity::{self, Against, Committed, Configured, Customs, Level, Policies, RULES, Release, Report, secrets_in};
use hydrate::check::{Declared, External, Rule, Written, rules};
use hydrate::cli::snippet;
use hydrate::tree::lay_out;
use hydrate_base::{Severity, SourceFile};
use hydrate_source::{Document, Origin, Trust, documents};

mod common;

use common::{compare_or_update, sections};

#[test]
fn every_rule() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validity");
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut told = Told::default();
    for file in &files {
        told.file(file);
    }
    assert!(told.failures.is_empty(), "{} files went otherwise:\n{}", told.failures.len(), told.failures.join("\n"));
    let untold: Vec<&str> = RULES.iter().map(|rule| rule.code).filter(|code| !told.codes.contains(code)).collect();
    assert!(untold.is_empty(), "no case breaks {}", untold.join(", "));
    assert!(told.sound >= files.len(), "only {} of the cases are sound", told.sound);
}

/// Says of objects in a file of JSON lines (`{"id": …, "yaml": …}`, HYDRATE_OBJECTS) what is wrong with them in a release (HYDRATE_KUBERNETES), into
/// another (HYDRATE_VERDICTS): for comparison with the API server's own code.
#[test]
#[ignore = "needs objects and, to compare with, what the API server says of them"]
fn verdicts() {
    let objects = fs::File::open(std::env::var("HYDRATE_OBJECTS").unwrap()).unwrap();
    let mut verdicts = fs::File::create(std::env::var("HYDRATE_VERDICTS").unwrap()).unwrap();
    let version = std::env::var("HYDRATE_KUBERNETES").unwrap();
    for line in BufReader::new(objects).lines() {
        let object: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let mut case = Case { version: version.clone(), ..Case::default() };
        if let Some(crd) = object["crd"].as_str() {
            case.add("crds", crd).unwrap();
        }
        let errors: Vec<String> = match case.add("zc", object["yaml"].as_str().unwrap()) {
            Ok(()) => case
                .report()
                .violations
                .iter()
                .filter(|violation| violation.diagnostic.severity == Severity::Error && violation.component == "zc")
                .map(|violation| format!("{}: {}", violation.code, violation.diagnostic.message))
                .collect(),
            Err(said) => vec![said],
        };
        writeln!(verdicts, "{}", serde_json::json!({"id": object["id"], "errors": errors})).unwrap();
    }
}

/// The last part of docs/checks.md is what the rules say of themselves.
#[test]
fn documentation_is_of_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
    let kept = fs::read_to_string(&path).unwrap();
    let (before, _) = kept.split_once(FROM_HERE).expect("the line from which on rules are listed");
    let mut now = format!("{before}{FROM_HERE}\n");
    for rule in rules() {
        let level = if rule.severity == Severity::Error { "error" } else { "warning" };
        now.push_str(&format!("\n### {}\n\n{} ({level}).\n\n{}\n", rule.code, rule.title, rule.text));
    }
    if kept != now && std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
        return fs::write(path, now).unwrap();
    }
    assert!(kept == now, "docs/checks.md is out of date: HYDRATE_TEST_UPDATE=1 cargo test --test validity");
}

const FROM_HERE: &str = "Written by `HYDRATE_TEST_UPDATE=1 cargo test --test validity` from the code.";

#[derive(Default)]
struct Told {
    failures: Vec<String>,
    codes: BTreeSet<&'static str>,
    sound: usize,
}

impl Told {
    fn file(&mut self, path: &Path) {
        let text = fs::read_to_string(path).unwrap();
        let mut now = String::new();
        let mut case = Case::default();
        for section in sections(&text) {
            match section.head.split_once(' ').unwrap_or((section.head, "")) {
                ("" | "about", _) => {}
                ("argocd", _) => case.runs_hooks = true,
                ("committed", _) => case.committed.add("", section.body).unwrap(),
                ("component", name) => case.add(name, section.body).unwrap(),
                ("kubernetes", version) => case.version = version.to_owned(),
                ("external", _) => case.declared.external.extend(section.body.lines().filter_map(|line| External::parse(line, None))),
                ("checks", component) => case.checks(component, section.body),
                ("says", _) => {
                    let report = std::mem::take(&mut case).report();
                    self.codes.extend(report.violations.iter().map(|violation| violation.code));
                    self.sound += usize::from(report.violations.is_empty());
                    now.push_str("=== says\n");
                    for (what, count) in &report.unevaluated {
                        now.push_str(&format!("not evaluated ({count}): {what}\n"));
                    }
                    for violation in &report.violations {
                        now.push_str(&format!("{}\n\n", snippet::render(&violation.diagnostic, false)));
                    }
                    continue;
                }
                (other, _) => panic!("{}: unknown section {other}", path.display()),
            }
            now.push_str(section.whole);
        }
        self.failures.extend(compare_or_update(path, &text, &now));
    }
}

#[derive(Debug, Default)]
struct Documents(BTreeMap<String, Vec<Document>>);

impl Documents {
    fn add(&mut self, component: &str, yaml: &str) -> Result<(), String> {
        let shown = format!("components/{component}/raw/{component}.yaml");
        let origin = Origin { source: format!("file {shown}"), file: None, line: 1 };
        let read = documents(&SourceFile::new(shown, yaml.as_bytes()), &origin, Trust::Raw).map_err(|error| error.message.clone())?;
        self.0.entry(component.to_owned()).or_default().extend(read);
        Ok(())
    }
}

/// What is committed, read anew for each question.
impl Committed for Documents {
    fn breaks(&self, rule: &Rule, object: &Object<'_>, path: &str) -> bool {
        let same = self.0.values().flatten().filter(|document| document.identity == object.document.identity);
        same.into_iter().any(|document| secrets_in(&parse("", document).unwrap()).contains(&(rule.code, path.to_owned())))
    }

    fn object(&self, object: &Object<'_>) -> Option<Arc<Document>> {
        self.0.values().flatten().find(|document| document.identity == object.document.identity).cloned().map(Arc::new)
    }

    /// What an annotation of the object says is kept: `/data/password=text`.
    fn kept(&self, object: &Object<'_>) -> Vec<(String, String)> {
        let said = object.annotation("test/kept").and_then(|kept| kept.split_once('='));
        said.map(|(pointer, text)| (pointer.to_owned(), text.to_owned())).into_iter().collect()
    }
}

struct Case {
    documents: Documents,
    committed: Documents,
    runs_hooks: bool,
    configured: Configured,
    declared: Declared,
    version: String,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            documents: Documents::default(),
            committed: Documents::default(),
            runs_hooks: false,
            configured: Configured::default(),
            declared: Declared::default(),
            version: "1.33.1".to_owned(),
        }
    }
}

impl Case {
    fn add(&mut self, component: &str, yaml: &str) -> Result<(), String> {
        self.documents.add(component, yaml)
    }

    fn checks(&mut self, component: &str, lines: &str) {
        let levels =
            lines.lines().filter_map(|line| line.split_once(": ")).map(|(code, level)| (code.to_owned(), Level::parse(level).unwrap()));
        match component {
            "" => self.configured.environment.levels.extend(levels),
            name => self.configured.components.entry(name.to_owned()).or_default().levels.extend(levels),
        }
    }

    fn report(self) -> Report {
        let lay_out = |(name, documents): (&String, &Vec<Document>)| (name.clone(), lay_out(&documents.iter().collect::<Vec<_>>(), false));
        let dirs = self.documents.0.iter().map(lay_out).collect();
        let written = Written { shown: "manifests/k3d".to_owned(), dirs: &dirs, clusters: "clusters/k3d".to_owned(), handover: None };
        let all = self.documents.0.iter().flat_map(|(name, documents)| documents.iter().map(|document| (name.as_str(), document)));
        let objects: Vec<_> = all.map(|(name, document)| parse(name, document).unwrap()).collect();
        let customs = Customs::of(&objects);
        let policies = Policies::of(&objects.iter().collect::<Vec<_>>(), Release::of(Some(&self.version)));
        let release = Release::of(Some(&self.version));
        let against = Against {
            release,
            configured: &self.configured,
            customs: &customs,
            declared: &self.declared,
            committed: &self.committed,
            runs_hooks: self.runs_hooks,
            policies: &policies,
        };
        validity::check(&objects, &against, &written)
    }
}
