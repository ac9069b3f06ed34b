//! Replays the corpus that `tests/conformance/corpus.py` records from the real helm: one-line templates over all
//! functions, at both levels.

use hydrate::base::{MemoryWorld, SourceFile};
use hydrate::gotmpl::decode::{Reading, Target, from_yaml};
use hydrate::gotmpl::{Context, FunctionSet, GoVersion, Map, MissingKey, Options, Str, TemplateSet, Value, execute};
use hydrate::sprig;
use std::path::Path;

#[derive(Clone, Copy)]
enum Level {
    V4,
    V3,
}

fn functions(level: Level) -> FunctionSet {
    let mut tables = vec![sprig::FUNCTIONS];
    if matches!(level, Level::V3) {
        tables.push(sprig::V3_FUNCTIONS);
    }
    sprig::METHODS.iter().fold(FunctionSet::new(&tables), |set, (name, methods)| set.with_methods(name, methods))
}

fn data(level: Level) -> Value {
    let target = Target::Map(match level {
        Level::V4 => "common.Values",
        Level::V3 => "chartutil.Values",
    });
    let text = std::fs::read("tests/sprig/values.yaml").expect("the values are there");
    let values = from_yaml(&text, Reading { target, ..Reading::MAP }).expect("the values are YAML");
    if matches!(level, Level::V4) {
        drop_nulls(&values);
    }
    Value::Map(Map::from_entries([(Str::from("Values"), values)]))
}

/// Helm 4 takes a null in a chart's values for the wish to have no such key.
fn drop_nulls(value: &Value) {
    if let Value::Map(map) = value {
        map.entries_mut().retain(|_, value| !matches!(value, Value::Nil));
        map.entries().values().for_each(drop_nulls);
    }
}

fn unescape(field: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(rest[..at].as_bytes());
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
fn answer(expression: &str, level: Level, set: &FunctionSetPair, data: &Value) -> Vec<u8> {
    let template = format!("v: {{{{ $r := {expression} }}}}{{{{ printf \"%T %v\" $r $r | b64enc | quote }}}}\n");
    let go = match level {
        Level::V4 => GoVersion::Go1_27,
        Level::V3 => GoVersion::Go1_23,
    };
    let options = Options { go, missing_key: MissingKey::Zero };
    let mut templates = TemplateSet::new("gotpl", set.of(level), options);
    let file = SourceFile::new("c/templates/e.yaml", template.into_bytes());
    if let Err(error) = templates.parse(&file) {
        return format!("!{}", error.text).into_bytes();
    }
    let world = MemoryWorld::new().at(1_700_000_000_000_000_000);
    let context = Context { world: &world, host: &(), limits: Default::default() };
    match execute(&templates, b"c/templates/e.yaml", data, context) {
        Err(error) => format!("!{}", error.text()).into_bytes(),
        Ok(output) => {
            let text = String::from_utf8(output.bytes).expect("base 64 is ASCII");
            let encoded = text.trim().trim_start_matches("v: \"").trim_end_matches('"').to_owned();
            use base64::Engine;
            let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).expect("base 64");
            [b"=", bytes.as_slice()].concat()
        }
    }
}

struct FunctionSetPair([std::sync::Arc<FunctionSet>; 2]);

impl FunctionSetPair {
    fn of(&self, level: Level) -> std::sync::Arc<FunctionSet> {
        self.0[matches!(level, Level::V3) as usize].clone()
    }
}

/// Helm 4 breaks the text of an error into lines; this puts it back together.
fn plain(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).into_owned();
    let text = text.strip_prefix('!').map_or(text.clone(), |rest| format!("!{}", rest.trim_start_matches("template: ")));
    text.replace(":\n    ", ": ").replace("\n  ", ": ").trim_end_matches('\n').replace('\n', "\\n")
}

#[test]
#[ignore = "waits for the functions of the Helm room"]
fn corpus() {
    let only = std::env::var("CORPUS").unwrap_or_default();
    let sets = FunctionSetPair([Level::V4, Level::V3].map(|level| std::sync::Arc::new(functions(level))));
    let (mut total, mut wrong) = (0, 0);
    let mut files: Vec<_> = std::fs::read_dir("tests/sprig/corpus").expect("the corpus").map(|file| file.expect("a file").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.to_string_lossy().contains(&only)) {
        let name = Path::new(file).file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(file).expect("UTF-8");
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let expression = String::from_utf8(unescape(fields[0])).expect("UTF-8");
            for (level, recorded) in [(Level::V4, fields[1]), (Level::V3, fields.get(2).copied().unwrap_or(fields[1]))] {
                let data = data(level);
                let found = plain(&answer(&expression, level, &sets, &data));
                let wanted = plain(&unescape(recorded));
                total += 1;
                if found != wanted {
                    wrong += 1;
                    let level = if matches!(level, Level::V3) { "v3" } else { "v4" };
                    eprintln!("{name} {level} {expression}\n  helm: {wanted}\n  ours: {found}");
                }
            }
        }
    }
    assert_eq!(wrong, 0, "of {total} answers {wrong} differ");
}
