//! Replays the corpus that `tests/conformance/corpus.py` records from the real helm: one-line templates over all
//! functions, at both levels.

use hydrate_base::MemoryWorld;
use hydrate_chart::{self as chart, Level};
use hydrate_helm::{self as helm, RenderOptions};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rayon::prelude::*;

const HELPERS: &str = "{{ define \"greet\" }}hello {{ .name }}{{ end }}{{ define \"bad\" }}{{ fail \"inner\" }}{{ end }}\n";

fn unescape(field: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let code = &rest[at + 1..];
        let (text, size): (Vec<u8>, usize) = match code.as_bytes()[0] {
            b'n' => (b"\n".to_vec(), 1),
            b't' => (b"\t".to_vec(), 1),
            b'r' => (b"\r".to_vec(), 1),
            b'b' => (b"\x08".to_vec(), 1),
            b'f' => (b"\x0C".to_vec(), 1),
            b'x' => (vec![u8::from_str_radix(&code[1..3], 16).expect("hexadecimal")], 3),
            b'u' => {
                let rune = char::from_u32(u32::from_str_radix(&code[1..5], 16).expect("hexadecimal")).expect("a rune");
                (rune.to_string().into_bytes(), 5)
            }
            other => (vec![other], 1),
        };
        out.extend(text);
        rest = &code[size..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// What our engine makes of an expression, in the form of the recorded answers.
fn answer(expression: &str, level: Level) -> Vec<u8> {
    let template = format!("v: {{{{ $r := {expression} }}}}{{{{ printf \"%T %v\" $r $r | b64enc | quote }}}}\n");
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.2.3\n"),
        ("values.yaml", include_str!("sprig/values.yaml")),
        ("templates/_helpers.tpl", HELPERS),
        ("templates/e.yaml", &template),
    ];
    let files = files.map(|(name, text)| chart::File { name: name.to_owned(), data: text.as_bytes().into() });
    let world = MemoryWorld::new().at(1_700_000_000_000_000_000);
    let chart = chart::from_files(files.into(), "c", level).expect("the chart is one");
    let options = RenderOptions { level, release: "rel".to_owned(), ..RenderOptions::default() };
    match helm::template(&chart, &options, &world) {
        Err(error) => {
            let own = error.notes.iter().find_map(|note| note.strip_prefix("Error: ")).unwrap_or(&error.message);
            format!("!{}", own.split("\n\nUse --debug").next().unwrap_or_default()).into_bytes()
        }
        Ok(rendered) => {
            let text = String::from_utf8_lossy(&rendered.documents[0].text);
            let encoded = text.trim().trim_start_matches("v: \"").trim_end_matches('"');
            [b"=", BASE64.decode(encoded).expect("base 64").as_slice()].concat()
        }
    }
}

/// The text of an answer as failures show it; Helm ends an error with a line break of its own.
fn shown(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).trim_end_matches('\n').replace('\n', "\\n")
}

/// One line of the corpus: what differs from the recorded answers.
fn differences(line: &str, known: &[(String, String)]) -> Vec<String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let expression = String::from_utf8(unescape(fields[0])).expect("UTF-8");
    if known.iter().any(|(known, _)| *known == expression) {
        return Vec::new();
    }
    let recorded = [(Level::V4, fields[1]), (Level::V3, fields.get(2).copied().unwrap_or(fields[1]))];
    let mut found = Vec::new();
    for (level, recorded) in recorded {
        let (ours, wanted) = (shown(&answer(&expression, level)), shown(&unescape(recorded)));
        if ours != wanted {
            found.push(format!("{} {expression}\n  helm: {wanted}\n  ours: {ours}", level.name()));
        }
    }
    found
}

/// Expressions that are known to differ, each with the heading in COMPATIBILITY.md that says why.
fn known() -> Vec<(String, String)> {
    let text = std::fs::read_to_string("tests/sprig/known.tsv").expect("the list of known differences");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('\t')).map(|(one, other)| (one.to_owned(), other.to_owned())).collect()
}

/// `CORPUS` names the group to replay, all where it is not set.
#[test]
fn corpus() {
    let only = std::env::var("CORPUS").unwrap_or_default();
    let known = known();
    let mut files: Vec<_> = std::fs::read_dir("tests/sprig/corpus").expect("the corpus").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let mut total = 0;
    let mut found = Vec::new();
    // Keys of 2048 bits take long where the compiler does not optimise: `CORPUS=random` asks for them.
    files.retain(|file| file.to_string_lossy().contains(&only) && (only == "random" || !file.ends_with("random.tsv")));
    for file in &files {
        let name = Path::new(file).file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(file).expect("UTF-8");
        total += text.lines().count();
        let lines: Vec<&str> = text.lines().collect();
        let differ: Vec<Vec<String>> = lines.par_iter().map(|line| differences(line, &known)).collect();
        found.extend(differ.into_iter().flatten().map(|text| format!("{name} {text}")));
    }
    assert!(found.is_empty(), "{}\nof {total} expressions, {} answers differ", found.join("\n"), found.len());
}

#[test]
fn known_differences_are_explained() {
    let explained = std::fs::read_to_string("../../COMPATIBILITY.md").expect("the list for users");
    for (expression, heading) in known() {
        assert!(explained.contains(&heading), "{expression}: COMPATIBILITY.md does not name {heading:?}");
    }
}
