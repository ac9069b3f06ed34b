//! `hydrate check --references` kind by kind: each file in tests/references is about one kind of reference.
//!
//! A file is a title and cases. A case is one or more `=== component NAME` with YAML, what is declared, and `=== says` with everything that is
//! said about them: one line for each finding, as users see it, with the lines of the rendered files. A case that says nothing is one in which all
//! references hold. Sections of declarations:
//!
//! - `=== external`: entries, one a line (of the environment)
//! - `=== references FROM PATH TO [NAMESPACE]`: a row of `references`
//! - `=== metrics`: the text of a metrics.txt; `=== all metrics` the same where every metric must be declared
//!
//! The namespaces `shop` and `data` are there in every case. `HYDRATE_TEST_UPDATE=1 cargo test --test references` writes what is said into the
//! files; read the difference before committing it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hydrate::check::objects::{parse, unreferring};
use hydrate::check::references::{Configured, Row};
use hydrate::check::validity;
use hydrate::check::{Declared, External, Report, Written, check};
use hydrate::cli::snippet;
use hydrate::tree::lay_out;
use hydrate_base::SourceFile;
use hydrate_source::{Document, Origin, Trust, documents};

mod common;

use common::{compare_or_update, sections};

const NAMESPACES: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: data\n  labels:\n    tier: back\n";

#[test]
fn every_kind_of_reference() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references");
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut told = Told::default();
    for file in &files {
        told.file(file);
    }
    assert!(told.failures.is_empty(), "{} files went otherwise:\n{}", told.failures.len(), told.failures.join("\n"));
    assert!(told.findings > 100 && told.sound >= 20, "only {} findings and {} cases without any", told.findings, told.sound);
}

#[derive(Default)]
struct Told {
    failures: Vec<String>,
    findings: usize,
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
                ("component", name) => case.add(name, section.body),
                ("external", _) => case.declared.external.extend(section.body.lines().filter(|line| !line.is_empty()).map(external)),
                ("references", row) => case.rows.push(self::row(row)),
                ("metrics", _) => case.declared.metrics.add(section.body),
                ("all", _) => {
                    case.declared.metrics.add(section.body);
                    case.declared.metrics.complete = true;
                }
                ("says", _) => {
                    let said = std::mem::take(&mut case).said(self);
                    now.push_str(&format!("=== says\n{said}\n"));
                    continue;
                }
                (other, _) => panic!("{}: unknown section {other}", path.display()),
            }
            now.push_str(section.whole);
        }
        self.failures.extend(compare_or_update(path, &text, &now));
    }
}

fn row(text: &str) -> Row {
    let parts: Vec<&str> = text.split(' ').collect();
    let namespace = parts.get(3).map(|keys| Row::keys(keys).unwrap()).unwrap_or_default();
    Row { from: Row::kind(parts[0]).unwrap(), path: Row::keys(parts[1]).unwrap(), to: Row::kind(parts[2]).unwrap(), namespace }
}

fn external(line: &str) -> External {
    External::parse(line, None).unwrap_or_else(|| panic!("{line} is no entry"))
}

#[derive(Default)]
struct Case {
    documents: BTreeMap<String, Vec<Document>>,
    declared: Declared,
    rows: Vec<Row>,
}

impl Case {
    fn add(&mut self, component: &str, yaml: &str) {
        let shown = format!("components/{component}/raw/{component}.yaml");
        let origin = Origin { source: format!("file {shown}"), file: None, line: 1 };
        let read = documents(&SourceFile::new(shown, yaml.as_bytes()), &origin, Trust::Raw).unwrap();
        self.documents.entry(component.to_owned()).or_default().extend(read);
    }

    fn said(mut self, told: &mut Told) -> String {
        self.add("base", NAMESPACES);
        let lay_out = |(name, documents): (&String, &Vec<Document>)| (name.clone(), lay_out(&documents.iter().collect::<Vec<_>>(), false));
        let dirs = self.documents.iter().map(lay_out).collect();
        let written = Written { shown: "manifests/k3d".to_owned(), dirs: &dirs, clusters: "clusters/k3d".to_owned(), handover: None };
        let judged = validity::Configured::default();
        let configured = Configured {
            components: "components",
            environment: "environments/k3d.yaml".to_owned(),
            rows: std::mem::take(&mut self.rows),
            judged: &judged,
            is_strict: true,
        };
        let all = self.documents.iter().flat_map(|(name, all)| all.iter().map(move |document| (name.as_str(), document)));
        let objects: Vec<_> =
            all.map(|(name, document)| unreferring(name, document).unwrap_or_else(|| parse(name, document).unwrap())).collect();
        let report: Report = check(&objects, &self.declared, &written, &configured);
        told.findings += report.findings.len();
        told.sound += usize::from(report.findings.is_empty());
        report.findings.iter().fold(String::new(), |said, finding| said + &snippet::render(finding, false) + "\n")
    }
}
