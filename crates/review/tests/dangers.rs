//! Each rule about dangers: changes that it has to find, and near misses that it must not.
//!
//! `tests/dangers/CODE.txt` has cases. `### NAME` begins one; `@@ before PATH` and `@@ after PATH` begin files of the two sides (`@@ both PATH` of both), `@@ kubernetes OLD NEW` says the
//! releases, and below `@@ found` stands what is found. `HYDRATE_TEST_UPDATE=1 cargo test -p hydrate-review --test dangers` writes that; read the difference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use hydrate_base::Change;
use hydrate_review::dangers::{RULES, rule_of};
use hydrate_review::{FileDiff, Finding, Input, Level, SameFile, review};

#[derive(Default)]
struct Case {
    name: String,
    head: String,
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
    releases: Option<(u32, u32)>,
    found: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut part = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            cases.push(Case { name: name.to_owned(), ..Case::default() });
            part = String::new();
            continue;
        }
        let Some(case) = cases.last_mut() else { panic!("a line before the first case: {line}") };
        if let Some(rest) = line.strip_prefix("@@ ") {
            rest.clone_into(&mut part);
            if let Some(releases) = rest.strip_prefix("kubernetes ") {
                let (old, new) = releases.split_once(' ').unwrap();
                case.releases = Some((old.parse().unwrap(), new.parse().unwrap()));
            }
            if rest != "found" {
                writeln!(case.head, "{line}").unwrap();
            }
            continue;
        }
        match part.split_once(' ') {
            Some((side, path)) => {
                writeln!(case.head, "{line}").unwrap();
                let sides = match side {
                    "before" => vec![&mut case.before],
                    "after" => vec![&mut case.after],
                    "both" => vec![&mut case.before, &mut case.after],
                    other => panic!("{other}"),
                };
                sides.into_iter().for_each(|files| writeln!(files.entry(path.to_owned()).or_default(), "{line}").unwrap());
            }
            None => writeln!(case.found, "{line}").unwrap(),
        }
    }
    cases
}

fn input(case: &Case) -> Input {
    let mut input =
        Input { env: "dev".to_owned(), minor: Some(case.releases.map_or(33, |(_, new)| new)), is_whole: true, ..Input::default() };
    input.minor_before = case.releases.map(|(old, _)| old);
    let mut paths: Vec<&String> = case.before.keys().chain(case.after.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let parts: Vec<&str> = path.split('/').collect();
        let component = if parts[0] == "clusters" { "clusters/dev".to_owned() } else { parts[2].to_owned() };
        let file = parts.last().unwrap().to_string();
        let content =
            |side: &BTreeMap<String, String>| -> Arc<[u8]> { side.get(path).map(|text| text.as_bytes().into()).unwrap_or_default() };
        let (before, after) = (content(&case.before), content(&case.after));
        if before == after {
            input.same.push(SameFile { component, path: path.clone(), content: after });
            continue;
        }
        let change = match (before.is_empty(), after.is_empty()) {
            (true, _) => Change::Created,
            (_, true) => Change::Deleted,
            _ => Change::Changed,
        };
        input.files.push(FileDiff { component, path: path.clone(), file, change, before, after });
    }
    input
}

fn told(finding: &Finding) -> String {
    let mut said = format!("{}[{}] {}: {}\n", finding.level.word(), finding.code, finding.object, finding.message);
    let place = if finding.place.file.is_empty() { String::new() } else { format!(" at {}:{}", finding.place.file, finding.place.line) };
    let path = finding.path.as_ref().map(ToString::to_string).unwrap_or_default();
    let values = match (&finding.old, &finding.new) {
        (None, None) => String::new(),
        (old, new) => format!(" {} → {}", old.as_deref().unwrap_or("nothing"), new.as_deref().unwrap_or("nothing")),
    };
    writeln!(said, "  {path}{values}{place}").unwrap();
    finding.notes.iter().chain(&finding.help).for_each(|note| writeln!(said, "  {note}").unwrap());
    said
}

#[test]
fn every_rule_finds_what_it_has_to_and_nothing_else() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dangers");
    let update = std::env::var_os("HYDRATE_TEST_UPDATE").is_some();
    let mut wrong = Vec::new();
    for rule in RULES {
        let path = dir.join(format!("{}.txt", rule.code));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} has no cases", rule.code));
        let (mut triggers, mut misses) = (0, 0);
        let mut now = String::new();
        for case in cases(&text) {
            let review = review(&input(&case));
            // Every change of an image is told beside what else it is.
            let of_others = |finding: &&Finding| finding.code == rule.code || finding.level != Level::Note;
            let found: String = review.findings.iter().filter(of_others).map(told).collect();
            let triggered = review.findings.iter().any(|finding| finding.code == rule.code);
            triggers += usize::from(triggered);
            misses += usize::from(!triggered);
            if case.name.starts_with("near miss") == triggered {
                wrong.push(format!("{}: {} is{} found", rule.code, case.name, if triggered { "" } else { " not" }));
            }
            if case.found.trim_end() != found.trim_end() {
                wrong.push(format!("{}: {}\nexpected:\n{}found:\n{found}", rule.code, case.name, case.found));
            }
            write!(now, "### {}\n{}@@ found\n{found}", case.name, case.head).unwrap();
        }
        assert!(triggers > 0 && misses > 0, "{}: {triggers} cases that trigger, {misses} near misses", rule.code);
        if update {
            std::fs::write(&path, now).unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_are_listed_once_and_by_name() {
    assert!(RULES.is_sorted_by_key(|rule| rule.code));
    for rule in RULES {
        assert_eq!(rule_of(rule.code).map(|found| found.title), Some(rule.title));
        assert!(!rule.title.ends_with('.') && rule.text.ends_with('.'), "{}", rule.code);
    }
    let documented = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/review.md")).unwrap();
    for rule in RULES {
        let row = format!("| `{}` | {} | {} |", rule.code, rule.level.word(), rule.title);
        assert!(documented.contains(&row), "docs/review.md lacks: {row}");
    }
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dangers")).unwrap().count();
    assert_eq!(files, RULES.len());
}
