//! values.yaml and `-f` files: YAML into Go maps (`pkg/chart/v2/loader/load.go`, `pkg/cli/values`).

use super::model::Level;
use hydrate_gotmpl::decode::{self, DecodeOptions, Numbers};
use hydrate_gotmpl::{Map, Value};

/// Decodes YAML keeping integers and floats apart, as go-yaml gives them to `sigs.k8s.io/yaml`.
///
/// The error is Go's text with `error converting YAML to JSON: ` before it.
pub(super) fn decode_yaml(text: &[u8]) -> Result<Value, String> {
    decode::from_yaml(text, DecodeOptions { numbers: Numbers::Int64, ..DecodeOptions::ANY })
}

/// Decodes a values file into `map[string]interface {}`.
///
/// Helm 4 merges the documents of a file with several; Helm 3 reads the first. The error is Helm's text after
/// `cannot load values.yaml: ` or `failed to parse FILE: `.
pub fn decode_values(text: &[u8], level: Level) -> Result<Map, String> {
    match level {
        Level::V3 => decode_document(text),
        Level::V4 => {
            let mut values = Map::new();
            for document in documents(text) {
                let next = decode_document(document).map_err(|error| format!("cannot unmarshal yaml document: {error}"))?;
                values = merge_maps(&values, &next);
            }
            Ok(values)
        }
    }
}

/// The documents of a stream as the reader of Kubernetes (`apimachinery/pkg/util/yaml`) splits it: at lines of `---` with at most
/// white space and a comment behind it. Such a line stays in the document when nothing stands before it.
fn documents(text: &[u8]) -> Vec<&[u8]> {
    let mut documents = Vec::new();
    let (mut start, mut line) = (0, 0);
    while line < text.len() {
        let end = memchr::memchr(b'\n', &text[line..]).map_or(text.len(), |at| line + at + 1);
        let behind = text[line..end].strip_prefix(b"---").map(<[u8]>::trim_ascii);
        let separator = behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"#"));
        if separator && line > start {
            documents.push(&text[start..line]);
            start = end;
        }
        line = end;
    }
    if start < text.len() {
        documents.push(&text[start..]);
    }
    documents
}

fn decode_document(text: &[u8]) -> Result<Map, String> {
    match decode::from_yaml(text, DecodeOptions::MAP)? {
        Value::Map(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// Merges `b` over `a` into a new map: tables are merged, everything else is replaced; the nested tables that only one
/// side has are shared, not copied.
pub fn merge_maps(a: &Map, b: &Map) -> Map {
    let out = a.shallow_copy();
    for (key, value) in b.entries().iter() {
        let merged = match (value, out.get(key.as_bytes())) {
            (Value::Map(over), Some(Value::Map(under))) => Value::Map(merge_maps(&under, over)),
            (value, _) => value.clone(),
        };
        out.insert(key.clone(), merged);
    }
    out
}
