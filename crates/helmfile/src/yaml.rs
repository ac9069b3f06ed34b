//! YAML as helmfile reads and writes it: go-yaml v3 since 1.0, v2 before.

use hydrate_base::{Diagnostic, SourceFile};
use hydrate_gotmpl::{Entries, Kind, List, Map, Str, Value, encode};
use hydrate_yaml::{self as yaml, Build, Scalar};

use crate::Version;

/// The Go type of a map whose keys are not all texts.
const ODD_MAP: &str = "map[interface {}]interface {}";

/// Reads the first document of a text, as `yaml.Unmarshal` into an `interface{}`.
///
/// # Errors
/// go-yaml's text.
pub(crate) fn decode(text: &[u8], version: Version) -> Result<Value, String> {
    let options = yaml::Options { dialect: version.dialect(), strict: false, json: false };
    yaml::decode(text, options, &mut Values).map_err(|error| error.to_string())
}

/// Reads the first document into a `map[string]interface{}`; nothing is an empty map.
///
/// # Errors
/// go-yaml's text, also for what is no map.
pub(crate) fn decode_map(text: &[u8], version: Version) -> Result<Map, String> {
    match decode(text, version)? {
        Value::Nil => Ok(Map::new()),
        Value::Map(map) => Ok(map),
        other => Err(format!("yaml: unmarshal errors:\n  cannot unmarshal {} into map[string]interface {{}}", tag(&other))),
    }
}

/// The tag of a value, as go-yaml's errors name it.
pub(crate) fn tag(value: &Value) -> &'static str {
    match value {
        Value::Nil => "!!null",
        Value::Bool(_) => "!!bool",
        Value::Int(_) | Value::Int64(_) => "!!int",
        Value::Float64(_) => "!!float",
        Value::List(_) => "!!seq",
        Value::Map(_) => "!!map",
        Value::Str(_) | Value::Rare(_) => "!!str",
    }
}

/// Writes a value, as `yaml.Marshal` of helmfile does.
///
/// # Errors
/// go-yaml's text.
pub(crate) fn encode(value: &Value, version: Version) -> Result<Vec<u8>, String> {
    match version {
        Version::V0 => encode::to_yaml_v2(value),
        Version::V1 => encode::to_yaml_pretty(value),
    }
}

/// The value with the keys of all maps as texts.
///
/// # Errors
/// helmfile's text for a key that is none.
pub(crate) fn cast_keys(value: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::Map(map) => Value::Map(cast_map(map)?),
        Value::List(list) => Value::List(List::new(list.items().iter().map(cast_keys).collect::<Result<_, _>>()?)),
        other => other.clone(),
    })
}

/// The same for a map, which is copied.
///
/// # Errors
/// helmfile's text for a key that is no text.
pub(crate) fn cast_map(map: &Map) -> Result<Map, String> {
    if map.type_name() == ODD_MAP {
        let odd = map.entries().keys().find(|key| key.as_bytes().first() == Some(&ODD)).map(shown).unwrap_or_default();
        return Err(format!("unexpected type of key in map: expected string, got the key {odd}"));
    }
    let mut entries = Entries::default();
    for (key, value) in map.entries().iter() {
        entries.insert(key.clone(), cast_keys(value)?);
    }
    Ok(Map::plain(entries))
}

/// What the keys begin with that are no texts in YAML: no text there has this byte.
const ODD: u8 = 0xFF;

fn shown(key: &Str) -> String {
    String::from_utf8_lossy(key.as_bytes().strip_prefix(&[ODD]).unwrap_or(key.as_bytes())).into_owned()
}

/// A scalar as Go has it.
pub(crate) fn scalar(scalar: Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Nil,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value),
        Scalar::Uint(value) => Value::integer("uint64", Kind::Uint64, i128::from(value)),
        Scalar::Float(value) => Value::Float64(value),
        Scalar::Str(text) => Value::str(text.as_ref()),
        Scalar::Timestamp(text) => timestamp(text),
        Scalar::Merge => Value::str("<<"),
    }
}

/// A date or a time, as go-yaml v3 makes a `time.Time` of it.
fn timestamp(text: &str) -> Value {
    const LAYOUTS: [&str; 4] =
        ["2006-1-2T15:4:5.999999999Z07:00", "2006-1-2t15:4:5.999999999Z07:00", "2006-1-2 15:4:5.999999999", "2006-1-2"];
    let parsed = LAYOUTS.iter().find_map(|layout| {
        hydrate_gotmpl::time::parse(layout.as_bytes(), text.as_bytes(), &jiff::tz::TimeZone::UTC).ok().map(|moment| moment.to_zoned())
    });
    parsed.map_or_else(|| Value::str(text), Value::time)
}

struct Values;

impl Build for Values {
    type Value = Value;
    type Key = Str;

    fn scalar(&mut self, found: Scalar<'_>) -> Value {
        scalar(found)
    }

    fn key(&mut self, text: &str) -> Str {
        Str::from(text)
    }

    fn scalar_key(&mut self, scalar: &Scalar<'_>, text: &str) -> Str {
        match scalar {
            Scalar::Str(_) => Str::from(text),
            _ => Str::from([&[ODD], text.as_bytes()].concat()),
        }
    }

    fn sequence(&mut self, items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }

    fn mapping(&mut self, entries: Vec<(Str, Value)>) -> Value {
        mapping(entries)
    }
}

/// A map of entries, of which later ones count.
pub(crate) fn mapping(entries: Vec<(Str, Value)>) -> Value {
    if entries.iter().all(|(key, _)| key.as_bytes().first() != Some(&ODD)) {
        return Value::Map(Map::from_entries(entries));
    }
    Value::Map(Map::typed(ODD_MAP, entries.into_iter().collect()))
}

/// The key that stands for a scalar which is no text.
pub(crate) fn odd_key(text: &str) -> Str {
    Str::from([&[ODD], text.as_bytes()].concat())
}

/// An error of the reader with the place that its text names.
pub(crate) fn place(file: &std::sync::Arc<SourceFile>, error: &str, what: &str) -> Box<Diagnostic> {
    let diagnostic = Diagnostic::error(format!("failed to load {what} \"{}\": {error}", file.name));
    match hydrate_chart::error_line(error) {
        Some(line) => diagnostic.at(file, file.line_range(line), ""),
        None => diagnostic,
    }
}
