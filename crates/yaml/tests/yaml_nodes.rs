//! How trees are written, against recordings of go-yaml v3 (tests/conformance/emit-probe).

use hydrate_yaml::emit::{Dialect, write_document};
use hydrate_yaml::node::{Data, Document, Extra, Node, ScalarStyle, Style, Tag};
use hydrate_yaml::{Composer, Input};
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
    let extra = Extra {
        anchor: text(tree, "a").into(),
        head: text(tree, "h").into(),
        line: text(tree, "l").into(),
        foot: text(tree, "f").into(),
        tag: "".into(),
    };
    let node = Node {
        data,
        tag: tag_of(text(tree, "t")),
        style: Style { scalar, flow: bits & 32 != 0, tagged: bits & 1 != 0 },
        line: position(tree, 0),
        column: position(tree, 1),
        extra: (extra != Extra::default()).then(|| Box::new(extra)),
    };
    node.with_tag(text(tree, "t"))
}

fn position(tree: &Json, at: usize) -> u32 {
    tree["p"][at].as_u64().unwrap() as u32
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
        "" => Tag::Untagged,
        _ => Tag::Other,
    }
}

fn written(document: &Document, dialect: Dialect) -> Result<String, String> {
    let mut out = Vec::new();
    write_document(document, dialect, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

fn records() -> impl Iterator<Item = Json> {
    let path =
        std::env::var("HYDRATE_NODE_CASES").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml-emit/nodes.jsonl").into());
    let lines = std::io::BufReader::new(std::fs::File::open(path).unwrap()).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

#[test]
fn nodes_are_written_as_recorded() {
    let (mut count, mut differences) = (0, Vec::new());
    for record in records() {
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

/// The documents of a file, and its error if there is one.
fn read(file: &str) -> (Vec<Document>, Option<String>) {
    let root = std::env::var("HYDRATE_NODE_ROOT").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml-emit/nodes").into());
    let text = std::fs::read(std::path::Path::new(&root).join(file)).unwrap();
    let input = Input::new(&text);
    let mut documents = Vec::new();
    for document in Composer::new(&input) {
        match document {
            Ok(document) => documents.push(document),
            Err(error) => return (documents, Some(error.to_string())),
        }
    }
    (documents, None)
}

fn kind(node: &Node) -> i64 {
    match node.data {
        Data::Sequence(_) => SEQUENCE,
        Data::Mapping(_) => MAPPING,
        Data::Alias(_) => ALIAS,
        Data::Scalar(_) => 8,
    }
}

/// Where two trees first differ.
fn tree_difference(real: &Node, ours: &Node, path: &str) -> Option<String> {
    let strip = |node: &Node| Node { data: Data::Alias("".into()), ..node.clone() };
    if kind(real) != kind(ours) || strip(real) != strip(ours) {
        return Some(format!("{path}\n  real {:?}\n  ours {:?}", strip(real), strip(ours)));
    }
    match (&real.data, &ours.data) {
        (Data::Sequence(one), Data::Sequence(other)) if one.len() == other.len() => {
            one.iter().zip(other).enumerate().find_map(|(at, (one, other))| tree_difference(one, other, &format!("{path}[{at}]")))
        }
        (Data::Mapping(one), Data::Mapping(other)) if one.len() == other.len() => one.iter().zip(other).find_map(|(one, other)| {
            let name = format!("{path}.{}", one.0.as_str().unwrap_or("?"));
            tree_difference(&one.0, &other.0, &format!("{name} (key)")).or_else(|| tree_difference(&one.1, &other.1, &name))
        }),
        (one, other) if one == other => None,
        (one, other) => Some(format!("{path}\n  real {one:?}\n  ours {other:?}")),
    }
}

#[test]
fn files_are_read_and_written_as_recorded() {
    let mut differences = Vec::new();
    let mut count = 0;
    let mut current = (String::new(), Vec::new(), None);
    for record in records().filter(|record| text(record, "file") != "fuzz") {
        if current.0 != text(&record, "file") {
            let (documents, error) = read(text(&record, "file"));
            current = (text(&record, "file").to_owned(), documents, error);
        }
        count += 1;
        let index = record["document"].as_u64().unwrap() as usize;
        let place = format!("{} {index}", current.0);
        let Some(document) = current.1.get(index) else {
            if record["error"].as_str() != current.2.as_deref() {
                differences.push(format!("{place}\n  real {}\n  ours {:?}", record["error"], current.2));
            }
            continue;
        };
        if record.get("tree").is_none() {
            differences.push(format!("{place}\n  real {}\n  ours is read", record["error"]));
            continue;
        }
        let real = document_of(&record["tree"]);
        let tree = match (&real.root, &document.root) {
            (Some(one), Some(other)) => tree_difference(one, other, ""),
            (one, other) => (one.is_some() != other.is_some()).then(|| "root".to_owned()),
        };
        let around = (real.head != document.head || real.foot != document.foot)
            .then(|| format!("around\n  real {:?} {:?}\n  ours {:?} {:?}", real.head, real.foot, document.head, document.foot));
        if let Some(difference) = tree.or(around) {
            differences.push(format!("{place} {difference}"));
            continue;
        }
        for (name, dialect) in WAYS {
            if written(document, dialect).ok().as_deref() != record[name]["text"].as_str() {
                differences.push(format!("{place} {name}: same tree, other text"));
            }
        }
    }
    let shown: Vec<_> = differences.iter().take(20).cloned().collect();
    assert!(differences.is_empty(), "{} of {count} differ\n{}", differences.len(), shown.join("\n"));
}
