//! TOML into Go values, as BurntSushi/toml decodes it into `map[string]interface {}`.

use hydrate_gotmpl::{List, Map, Value};

/// Decodes a TOML document; integers are `int64`, arrays of tables `[]map[string]interface {}`.
pub(super) fn decode(text: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(text).map_err(|_| "toml: invalid UTF-8 byte".to_owned())?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| failure(text, &error))?;
    Ok(Value::Map(map(table)))
}

/// The original names the line: `toml: line 1: …`; what follows is this reader's own description.
fn failure(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    format!("toml: line {line}: {}", error.message())
}

fn map(table: toml::Table) -> Map {
    Map::from_entries(table.into_iter().map(|(key, inner)| (key.into(), value(inner))))
}

fn value(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::str(text),
        toml::Value::Integer(number) => Value::Int64(number),
        toml::Value::Float(number) => Value::Float64(number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(moment) => Value::str(moment.to_string()),
        toml::Value::Table(table) => Value::Map(map(table)),
        toml::Value::Array(items) => array(items),
    }
}

fn array(items: Vec<toml::Value>) -> Value {
    let tables = !items.is_empty() && items.iter().all(toml::Value::is_table);
    let items: Vec<Value> = items.into_iter().map(value).collect();
    Value::List(if tables { List::typed("[]map[string]interface {}", items) } else { List::new(items) })
}
