//! Go values as text: YAML, JSON and TOML, as Helm's and sprig's functions give them.
//!
//! | function | follows |
//! |---|---|
//! | `to_yaml` | sigs.k8s.io/yaml `Marshal`: encoding/json, then go-yaml v2 |
//! | `to_yaml_pretty` | go-yaml v3 with indentation 2 |
//! | `to_yaml_v2` | go-yaml v2 |
//! | `to_json`, `to_pretty_json`, `to_raw_json` | encoding/json |
//! | `to_toml` | github.com/BurntSushi/toml |

mod json;
pub mod order;
mod toml;
mod yaml;

pub use json::{to_json, to_pretty_json, to_raw_json};
pub use toml::{TomlError, TomlVersion, to_toml};
pub use yaml::{to_yaml, to_yaml_pretty, to_yaml_v2};

use super::budget;
use super::value::{List, Map, Object, Rare, Value};
use std::borrow::Cow;

/// Beyond this depth Go's encoders look for cycles.
const CYCLE_DEPTH: usize = 1_000;

/// Deeper values are refused.
const MAX_DEPTH: usize = 1_500;

/// The maps and slices that are being encoded, kept only when so deep that there may be a cycle.
#[derive(Default)]
struct Path {
    depth: usize,
    deep: Vec<Value>,
}

impl Path {
    /// Steps into a map or a slice.
    ///
    /// # Errors
    /// Go's text for a cycle, or that the value is too deep.
    fn enter(&mut self, value: &Value) -> Result<(), String> {
        self.depth += 1;
        // Not what it takes exactly, which is counted when it is there, but enough for what would never be there.
        if !(budget::spend(1) && budget::grow(64)) {
            return Err("the value is too large".to_owned());
        }
        if self.depth > MAX_DEPTH {
            return Err(format!("exceeded max depth of {MAX_DEPTH}"));
        }
        if self.depth > CYCLE_DEPTH {
            if self.deep.iter().any(|outer| same(outer, value)) {
                return Err(format!("json: unsupported value: encountered a cycle via {}", value.type_name()));
            }
            self.deep.push(value.clone());
        }
        Ok(())
    }

    fn leave(&mut self) {
        if self.depth > CYCLE_DEPTH {
            self.deep.pop();
        }
        self.depth -= 1;
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Map(one), Value::Map(other)) => Map::same(one, other),
        (Value::List(one), Value::List(other)) => List::same(one, other) && !one.is_empty(),
        _ => false,
    }
}

/// The exported fields of a struct, which are all that encoders see.
fn exported(object: &dyn Object) -> Vec<(&'static str, Value)> {
    let mut fields = object.fields();
    fields.retain(|(name, _)| name.starts_with(|first: char| first.is_uppercase()));
    fields
}

/// The same with the fields of embedded structs in the place of these.
fn flattened(object: &dyn Object) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    for (name, value) in exported(object) {
        match &value {
            Value::Rare(rare) if object.embedded().contains(&name) => {
                if let Rare::Object(inner) = &**rare {
                    fields.extend(flattened(&**inner));
                }
            }
            _ => fields.push((name, value)),
        }
    }
    fields
}

/// The text with U+FFFD for each byte that is not part of a character, as Go decodes strings.
pub(crate) fn go_lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len() + 8);
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
            }
            Cow::Owned(text)
        }
    }
}

/// `time.RFC3339Nano`
fn rfc3339(time: &jiff::Zoned) -> String {
    let mut text = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let nanoseconds = time.subsec_nanosecond();
    if nanoseconds != 0 {
        text.push_str(format!(".{nanoseconds:09}").trim_end_matches('0'));
    }
    let seconds = time.offset().seconds();
    if seconds == 0 {
        text.push('Z');
    } else {
        let minutes = seconds.abs() / 60;
        let sign = if seconds < 0 { '-' } else { '+' };
        text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
    }
    text
}
