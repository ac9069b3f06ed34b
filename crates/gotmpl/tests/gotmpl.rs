//! The template engine against recorded answers of Go's text/template: see tests/gotmpl/README.md.

#[path = "gotmpl/functions.rs"]
mod functions;

use hydrate_base::MemoryWorld;
use hydrate_gotmpl::stack::with_large_stack;
use hydrate_gotmpl::{Context, Limits, MissingKey, Options, TemplateSet, Value, execute};

/// A case of a fixture file.
struct Case {
    title: String,
    context: String,
    template: String,
    answer: Answer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Output(Vec<u8>),
    Error(Vec<u8>),
}

impl Answer {
    fn shown(&self) -> String {
        match self {
            Self::Output(bytes) => format!("output: {}", String::from_utf8_lossy(bytes)),
            Self::Error(bytes) => format!("error: {}", String::from_utf8_lossy(bytes)),
        }
    }
}

fn parse_cases(path: &std::path::Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).expect("a readable fixture");
    let text = format!("\n{}", text.strip_suffix('\n').unwrap_or(&text));
    let mut parts = text.split("\n=== ");
    parts.next();
    parts.map(parse_case).collect()
}

fn parse_case(part: &str) -> Case {
    let (title, body) = part.split_once('\n').expect("a title");
    let body = format!("\n{body}");
    let (context, rest) = body.split_once("\n---\n").expect("a context");
    let rest = format!("\n{rest}");
    let (template, answer) = match (rest.split_once("\n--> output\n"), rest.split_once("\n--> error\n")) {
        (Some((template, output)), _) => (template, Answer::Output(output.into())),
        (None, Some((template, error))) => (template, Answer::Error(error.into())),
        (None, None) => panic!("{title}: no answer recorded"),
    };
    Case { title: title.to_owned(), context: context.to_owned(), template: template[1..].to_owned(), answer }
}

fn answer(context: &str, template: &str, missing: Option<&str>) -> Answer {
    let missing_key = match missing {
        Some("error") => MissingKey::Error,
        Some("zero") => MissingKey::Zero,
        _ => MissingKey::Default,
    };
    let data = functions::from_json(&serde_json::from_str(context).expect("a JSON context"));
    render(template, &data, Options { missing_key, ..Options::default() })
}

fn render(template: &str, data: &Value, options: Options) -> Answer {
    let mut set = TemplateSet::new("root", functions::set(), options);
    if let Err(error) = set.parse_text("t", template.as_bytes()) {
        return Answer::Error(error.text.into_bytes());
    }
    let context = Context { world: &MemoryWorld::new(), host: &(), limits: Limits::default() };
    match execute(&set, b"t", data, context) {
        Ok(output) => Answer::Output(output.bytes),
        Err(error) => Answer::Error(error.text().into_bytes()),
    }
}

#[test]
fn recorded_answers() {
    let mut paths: Vec<_> = std::fs::read_dir("tests/gotmpl").expect("the fixtures").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let cases: Vec<(String, Case)> =
        paths.iter().flat_map(|path| parse_cases(path).into_iter().map(|case| (path.display().to_string(), case))).collect();
    let failures =
        with_large_stack(256 << 20, |_| cases.iter().filter_map(|(path, case)| check(path, case)).collect::<Vec<_>>()).expect("a thread");
    assert!(failures.is_empty(), "{} of {} cases differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn check(path: &str, case: &Case) -> Option<String> {
    let missing = case.title.split_once(" missingkey=").map(|(_, value)| value);
    let ours = answer(&case.context, &case.template, missing);
    (ours != case.answer)
        .then(|| format!("{path}: {}\n  {}\n  Go    {}\n  ours  {}", case.title, case.template, case.answer.shown(), ours.shown()))
}

/// Compares answers to generated cases: GOTMPL_CASES names a file of cases, GOTMPL_ANSWERS one of the probe's answers.
#[test]
#[ignore = "needs generated cases"]
fn differential() {
    let read = |name: &str| std::fs::read_to_string(std::env::var(name).expect("the variable")).expect("a readable file");
    let (cases, answers) = (read("GOTMPL_CASES"), read("GOTMPL_ANSWERS"));
    let different = with_large_stack(256 << 20, |_| {
        let pairs = cases.lines().zip(answers.lines());
        pairs.filter_map(|(case, answer)| compare(case, answer)).collect::<Vec<_>>()
    });
    let different = different.expect("a thread");
    let shown = different.iter().take(60).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(different.is_empty(), "{shown}\n{} of {} differ", different.len(), cases.lines().count());
}

/// What a template may be broken into, so that random sequences get past the first character.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "if ",
    "else ",
    "end",
    "range ",
    "with ",
    "define ",
    "template ",
    "block ",
    "break",
    "continue",
    "nil ",
    "true ",
    ".",
    ".a",
    ".l",
    ".m.x ",
    "$",
    "$x ",
    ":= ",
    "= ",
    ",",
    "| ",
    "(",
    ")",
    "\"a\" ",
    "\"",
    "`",
    "'a' ",
    "\\",
    "1 ",
    "1.5 ",
    "0x",
    "1+2i ",
    "-",
    "/*",
    "*/",
    " ",
    "\n",
    "print ",
    "printf ",
    "\"%v\" ",
    "index ",
    "slice ",
    "len ",
    "eq ",
    "list ",
    "dict ",
    "include ",
    "tpl ",
    "é",
    "\0",
    "text",
];

proptest::proptest! {
    /// Any bytes are a template or an error.
    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let mut inside = b"{{".to_vec();
        inside.extend_from_slice(&bytes);
        for text in [&bytes, &inside] {
            let mut set = TemplateSet::new("root", functions::set(), Options::default());
            let _ = set.parse_text("t", text);
        }
    }

    /// What looks like a template runs or fails.
    #[test]
    fn random_templates_do_not_panic(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        let template = format!("{{{{ $x := 1 }}}}{{{{ define \"a\" }}}}{{{{ . }}}}{{{{ end }}}}{{{{ {} }}}}", pieces.concat());
        let data = functions::from_json(&serde_json::json!({"a": 1, "l": [1, "b", null], "m": {"x": {"y": 1.5}}}));
        let _ = render(&template, &data, Options::default());
    }
}

fn compare(case: &str, recorded: &str) -> Option<String> {
    let case: serde_json::Value = serde_json::from_str(case).expect("a case");
    let recorded: serde_json::Value = serde_json::from_str(recorded).expect("an answer");
    let text: Vec<u8> = recorded["text"].as_str().expect("a text").chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let expected = if recorded["ok"] == true { Answer::Output(text) } else { Answer::Error(text) };
    let template = case["template"].as_str().expect("a template");
    let ours = answer(&case["context"].to_string(), template, case["missing"].as_str());
    (ours != expected).then(|| format!("{}\n  {template}\n  Go    {}\n  ours  {}", case["context"], expected.shown(), ours.shown()))
}
