//! What is written for Go values, against recordings of the real libraries (tests/conformance/emit-probe).

use base64::Engine;
use hydrate_gotmpl::GoVersion;
use hydrate_gotmpl::encode::{self, TomlVersion};
use hydrate_gotmpl::{List, Map, Str, Value};
use serde_json::Value as Json;
use std::io::BufRead;

/// How the real functions are called in the recording, and ours.
const WAYS: &[(&str, fn(&Value) -> Result<Vec<u8>, String>)] = &[
    ("yaml", encode::to_yaml),
    ("pretty", encode::to_yaml_pretty),
    ("json", |value| encode::to_json(value, GoVersion::Go1_27)),
    ("indent", |value| encode::to_pretty_json(value, GoVersion::Go1_27)),
    ("raw", |value| encode::to_raw_json(value, GoVersion::Go1_27)),
];

fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Float64(number.as_str().parse().unwrap()),
        Json::String(text) => Value::str(text.as_str()),
        Json::Array(items) => Value::List(List::new(items.iter().map(value_of).collect())),
        Json::Object(entries) => match entries.get("$bytes") {
            Some(Json::String(text)) => Value::str(base64::engine::general_purpose::STANDARD.decode(text).unwrap()),
            _ => Value::Map(Map::from_entries(entries.iter().map(|(key, value)| (Str::from(key.as_str()), value_of(value))))),
        },
    }
}

/// Whether an answer fits; error texts of the YAML reader in between are not compared, nobody sees them.
fn agrees(answer: &Json, ours: &Result<Vec<u8>, String>) -> bool {
    match (answer.get("text"), ours) {
        (Some(text), Ok(bytes)) => text.as_str().map(str::as_bytes) == Some(bytes),
        (None, Err(_)) => true,
        _ => false,
    }
}

/// The text that Helm's `toToml` shows, which is the error where there is one.
fn toml_text(value: &Value, version: TomlVersion) -> String {
    match encode::to_toml(value, version) {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(error) => error.to_string(),
    }
}

fn compare(path: &str) -> (usize, Vec<String>) {
    let lines = std::io::BufReader::new(std::fs::File::open(path).unwrap()).lines();
    let mut differences = Vec::new();
    let mut count = 0;
    for line in lines {
        let record: Json = serde_json::from_str(&line.unwrap()).unwrap();
        let value = value_of(&record["in"]);
        for (name, encode) in WAYS {
            let ours = encode(&value);
            count += 1;
            if !agrees(&record[*name], &ours) {
                let ours = ours.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                differences.push(format!("{name} of {}\n  real {}\n  ours {ours:?}", record["in"], record[*name]));
            }
        }
        for (name, version) in [("toml14", TomlVersion::V1_4), ("toml16", TomlVersion::V1_6)] {
            let Some(expected) = record[name].as_str() else { continue };
            count += 1;
            let ours = toml_text(&value, version);
            if ours != expected {
                differences.push(format!("{name} of {}\n  real {expected:?}\n  ours {ours:?}", record["in"]));
            }
        }
    }
    (count, differences)
}

#[test]
fn values_are_written_as_recorded() {
    let path = std::env::var("HYDRATE_EMIT_CASES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml-emit/recorded.jsonl").into());
    let (count, differences) = compare(&path);
    let shown: Vec<_> = differences.iter().take(20).cloned().collect();
    assert!(differences.is_empty(), "{} of {count} differ\n{}", differences.len(), shown.join("\n"));
}

/// `bits verb precision width text` a line.
#[test]
fn floats_are_written_as_recorded() {
    use hydrate_gotmpl::fmt::float::{Bits, Format, format_float};
    let path =
        std::env::var("HYDRATE_FLOAT_CASES").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml-emit/floats.txt").into());
    let text = std::fs::read_to_string(path).unwrap();
    let mut differences = Vec::new();
    for line in text.lines() {
        let [bits, verb, precision, width, expected] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let value = f64::from_bits(u64::from_str_radix(bits, 16).unwrap());
        let width = if width == "32" { Bits::Float32 } else { Bits::Float64 };
        let ours = format_float(value, Format::of_verb(verb.as_bytes()[0]).unwrap(), precision.parse().ok(), width);
        if ours != expected {
            differences.push(format!("{line} | ours {ours} ({value:e})"));
        }
    }
    let shown: Vec<_> = differences.iter().take(20).cloned().collect();
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), shown.join("\n"));
}
