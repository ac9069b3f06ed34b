//! How trees are written, against recordings of go-yaml v3 (tests/conformance/emit-probe).

#![expect(clippy::unwrap_used, reason = "tests")]

use hydrate::yaml::emit::{Dialect, write_document};
use hydrate::yaml::node::{Data, Document, Extra, Node, ScalarStyle, Style, Tag};
use serde_json::Value as Json;
use std::io::BufRead;

const WAYS: [(&str, Dialect); 3] = [("four", Dialect::V3), ("wide", Dialect::V3_WIDE), ("compact", Dialect::KUSTOMIZE)];

const DOCUMENT: i64 = 1;
const SEQUENCE: i64 = 2;
const MAPPING: i64 = 4;
const ALIAS: i64 = 16;

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json[key].as_str().unwrap_or_default()
}

fn document_of(tree: &Json) -> Document {
    match tree["k"].as_i64() {
        Some(DOCUMENT) => Document { root: tree["n"].get(0).map(node_of), head: text(tree, "h").into(), foot: text(tree, "f").into() },
        _ => Document { root: None, head: "".into(), foot: "".into() },
    }
}

fn node_of(tree: &Json) -> Node {
    let bits = tree["s"].as_i64().unwrap_or(0);
    let mut children = tree["n"].as_array().map_or(&[][..], Vec::as_slice).iter().map(node_of);
    let data = match tree["k"].as_i64().unwrap() {
        SEQUENCE => Data::Sequence(children.collect()),
        MAPPING => {
            let mut entries = Vec::new();
            while let (Some(key), Some(value)) = (children.next(), children.next()) {
                entries.push((key, value));
            }
            Data::Mapping(entries)
        }
        ALIAS => Data::Alias(text(tree, "v").into()),
        _ => Data::Scalar(text(tree, "v").into()),
    };
    let scalar = match bits & 0b11110 {
        2 => ScalarStyle::DoubleQuoted,
        4 => ScalarStyle::SingleQuoted,
        8 => ScalarStyle::Literal,
        16 => ScalarStyle::Folded,
        _ => ScalarStyle::Plain,
    };
    let extra =
        Extra { anchor: text(tree, "a").into(), head: text(tree, "h").into(), line: text(tree, "l").into(), foot: text(tree, "f").into() };
    Node {
        data,
        tag: tag_of(text(tree, "t")),
        style: Style { scalar, flow: bits & 32 != 0, tagged: bits & 1 != 0 },
        line: 0,
        column: 0,
        extra: (extra != Extra::default()).then(|| Box::new(extra)),
    }
}

fn tag_of(tag: &str) -> Tag {
    match tag {
        "!!null" => Tag::Null,
        "!!bool" => Tag::Bool,
        "!!int" => Tag::Int,
        "!!float" => Tag::Float,
        "!!str" => Tag::Str,
        "!!seq" => Tag::Seq,
        "!!map" => Tag::Map,
        "!!binary" => Tag::Binary,
        "!!timestamp" => Tag::Timestamp,
        "!!merge" => Tag::Merge,
        other => Tag::Other(other.into()),
    }
}

fn written(document: &Document, dialect: Dialect) -> Result<String, String> {
    let mut out = Vec::new();
    write_document(document, dialect, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn nodes_are_written_as_recorded() {
    let path =
        std::env::var("HYDRATE_NODE_CASES").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml-emit/nodes.jsonl").into());
    let lines = std::io::BufReader::new(std::fs::File::open(path).unwrap()).lines();
    let (mut count, mut differences) = (0, Vec::new());
    for line in lines {
        let record: Json = serde_json::from_str(&line.unwrap()).unwrap();
        if record.get("tree").is_none() {
            continue;
        }
        let document = document_of(&record["tree"]);
        for (name, dialect) in WAYS {
            count += 1;
            let ours = written(&document, dialect);
            let fits = match (record[name].get("text"), &ours) {
                (Some(text), Ok(ours)) => text.as_str() == Some(ours),
                (None, Err(ours)) => text(&record[name], "error") == ours,
                _ => false,
            };
            if !fits {
                differences.push(format!("{name} of {} {}{}", record["file"], record["document"], first_difference(&record[name], &ours)));
            }
        }
    }
    let shown: Vec<_> = differences.iter().take(20).cloned().collect();
    assert!(differences.is_empty(), "{} of {count} differ\n{}", differences.len(), shown.join("\n"));
}

fn first_difference(real: &Json, ours: &Result<String, String>) -> String {
    let (Some(real_text), Ok(ours)) = (real["text"].as_str(), ours) else { return format!("\n  real {real}\n  ours {ours:?}") };
    let same = real_text.bytes().zip(ours.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| String::from_utf8_lossy(&text.as_bytes()[same.saturating_sub(60)..(same + 60).min(text.len())]).into_owned();
    format!("\n  real {:?}\n  ours {:?}", around(real_text), around(ours))
}
