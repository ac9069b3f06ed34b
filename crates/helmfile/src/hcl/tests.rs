//! Replays the fixtures under `tests/hcl`, whose answers are the real helmfile's (`tests/conformance/helmfile_hcl.py`).
//!
//! What helmfile refuses is refused; the words are ours. `tests/hcl-refusals.txt` holds them, and `HYDRATE_TEST_UPDATE=1` writes it anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hydrate_base::{MemoryWorld, Result, SourceFile};
use hydrate_gotmpl::{Map, Value};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::load;
use crate::Version;

struct Fixture {
    name: String,
    files: Vec<Arc<SourceFile>>,
    answers: Vec<(Version, String)>,
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn read(path: &Path) -> Fixture {
    let text = std::fs::read_to_string(path).expect("a fixture is text");
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let mut fixture = Fixture { name, files: Vec::new(), answers: Vec::new() };
    let starts: Vec<usize> =
        text.match_indices("=== ").map(|(at, _)| at).filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n').collect();
    for (index, start) in starts.iter().enumerate() {
        let section = &text[start + 4..starts.get(index + 1).copied().unwrap_or(text.len())];
        let (title, content) = section.split_once('\n').expect("a title");
        match Version::parse(title) {
            Some(version) => fixture.answers.push((version, content.to_owned())),
            None => fixture.files.push(SourceFile::new(title, content.as_bytes())),
        }
    }
    fixture
}

fn fixtures() -> Vec<Fixture> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(tests().join("hcl")).expect("fixtures").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Float64(number) => serde_json::json!(number),
        Value::Str(text) => Json::String(text.to_str_lossy().into_owned()),
        Value::List(list) => Json::Array(list.items().iter().map(json).collect()),
        Value::Map(map) => json_map(map),
        other => panic!("a {} among values", other.type_name()),
    }
}

fn json_map(map: &Map) -> Json {
    Json::Object(map.entries().iter().map(|(key, value)| (key.to_str_lossy().into_owned(), json(value))).collect())
}

/// Numbers as `float64`, which is all that there is.
fn floats(value: Json) -> Json {
    match value {
        Json::Number(number) => serde_json::json!(number.as_f64().expect("a number")),
        Json::Array(items) => Json::Array(items.into_iter().map(floats).collect()),
        Json::Object(entries) => Json::Object(entries.into_iter().map(|(key, value)| (key, floats(value))).collect()),
        other => other,
    }
}

fn loaded(files: &[Arc<SourceFile>], version: Version) -> Result<Map> {
    load(files, &MemoryWorld::new(), version)
}

fn difference(fixture: &Fixture, version: Version, answer: &str, refusals: &mut String) -> Option<String> {
    let found = loaded(&fixture.files, version);
    if answer.starts_with("! ") {
        return match found {
            Ok(map) => Some(format!("{} ({version:?}): should be refused: {answer}{}", fixture.name, json_map(&map))),
            Err(error) => {
                let _ = writeln!(refusals, "=== {} {version:?}\n{error}", fixture.name);
                None
            }
        };
    }
    let wanted = floats(serde_json::from_str(answer).expect("an answer is JSON"));
    match found {
        Ok(map) if json_map(&map) == wanted => None,
        Ok(map) => {
            let (wanted, found) = (format!("{wanted:#}\n"), format!("{:#}\n", json_map(&map)));
            let diff = similar::TextDiff::from_lines(&wanted, &found).unified_diff().context_radius(1).to_string();
            Some(format!("{} ({version:?}):\n{diff}", fixture.name))
        }
        Err(error) => Some(format!("{} ({version:?}): {error}", fixture.name)),
    }
}

#[test]
fn values_are_those_of_helmfile() {
    let fixtures = fixtures();
    let refused = fixtures.iter().filter(|fixture| fixture.answers.iter().any(|(_, answer)| answer.starts_with("! "))).count();
    assert!(fixtures.len() >= 75 && refused >= 50, "{} fixtures, {refused} of them refused", fixtures.len());
    let mut refusals = String::new();
    let mut differences = Vec::new();
    for fixture in &fixtures {
        let first = &fixture.answers.first().expect("an answer").1;
        for (version, answer) in &fixture.answers {
            let answer = if answer == "(as v1)\n" { first } else { answer };
            differences.extend(difference(fixture, *version, answer, &mut refusals));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let record = tests().join("hcl-refusals.txt");
    if std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
        std::fs::write(&record, &refusals).expect("the record can be written");
    }
    let recorded = std::fs::read_to_string(&record).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&recorded, &refusals).unified_diff().header("recorded", "said").to_string();
    assert!(diff.is_empty(), "refusals are not as recorded:\n{diff}");
}

fn values(body: &str) -> Result<Map> {
    loaded(&[SourceFile::new("values.hcl", format!("values {{\n{body}\n}}\n").into_bytes())], Version::V1)
}

#[test]
fn nothing_runs_for_ever() {
    let started = Instant::now();
    let doubled: String = (1..64).fold("a0 = \"0123456789abcdef\"\n".to_owned(), |mut text, at| {
        let _ = writeln!(text, "a{at} = \"${{hv.a{}}}${{hv.a{}}}\"", at - 1, at - 1);
        text
    });
    let listed =
        doubled.replace("\"$", "[\"$").replace("}\"", "}\"]").replace("}${", "}\", \"${").replace("= \"0", "= [\"0").replace("f\"", "f\"]");
    let shared: String = (1..64).fold("a0 = [1]\n".to_owned(), |mut text, at| {
        let _ = writeln!(text, "a{at} = [hv.a{}, hv.a{}]", at - 1, at - 1);
        text
    });
    let nested = "a = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]".to_owned();
    let long = "a = 1e999999999".to_owned();
    let chain: String = (0..5000).map(|at| format!("a{at} = {{ x = hv.a{} }}\n", at + 1)).chain(["a5000 = 1".to_owned()]).collect();
    let wide = "a = format(\"%999999999d\", 1)".to_owned();
    let deep = format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let signs = format!("a = {}1", "-!".repeat(100_000));
    let sums = format!("a = 1{}", " + 1".repeat(100_000));
    let template = format!("a = \"{}1{}\"", "${\"".repeat(50_000), "\"}".repeat(50_000));
    for body in [doubled, listed, shared, nested, long, chain, wide, deep, signs, sums, template] {
        assert!(values(&body).is_err(), "{}", &body[..body.len().min(200)]);
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn long_chains_of_references_are_followed() {
    let chain: String = (0..20_000).map(|at| format!("a{at} = hv.a{}\n", at + 1)).chain(["a20000 = 1".to_owned()]).collect();
    assert_eq!(values(&chain).expect("values").len(), 20_001);
}

/// Pieces that texts are put together of, such as mean something in HCL.
const PIECES: &[&str] = &[
    "values",
    "locals",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "=",
    "==",
    "!=",
    "<",
    ">",
    "<=",
    "&&",
    "||",
    "!",
    "?",
    ":",
    "::",
    ".",
    "...",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "=>",
    "\n",
    " ",
    "\"",
    "\\",
    "\\u00e9",
    "$",
    "${",
    "%{",
    "~}",
    "$${",
    "<<A\n",
    "<<-A\n",
    "A\n",
    "for ",
    " in ",
    "if ",
    "else",
    "endif",
    "endfor",
    "hv.a",
    "hv",
    "local.b",
    "a = ",
    "b = ",
    "null",
    "true",
    "1",
    "0.5",
    "1e9",
    "\"x\"",
    "# c\n",
    "/* */",
    "max(",
    "format(\"%d\", ",
    "try(",
    "split(",
    "é",
    "\u{301}",
    "\r\n",
    "[*]",
    ".*",
    "\t",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        let text = pieces.concat();
        let _ = loaded(&[SourceFile::new("a.hcl", text.clone().into_bytes())], Version::V1);
        let _ = values(&text);
    }

    #[test]
    fn no_change_to_a_fixture_makes_it_panic(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, prop::sample::select(PIECES)), 1..8),
    ) {
        let fixtures = fixtures();
        let fixture = which.get(&fixtures);
        let mut text = String::from_utf8_lossy(&fixture.files[0].text).into_owned();
        for (at, length, piece) in changes {
            let start = (0..=at.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = (start + length..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            text.replace_range(start..end, piece);
        }
        let _ = loaded(&[SourceFile::new("a.hcl", text.into_bytes())], Version::V1);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = loaded(&[SourceFile::new("a.hcl", bytes)], Version::V0);
    }
}
