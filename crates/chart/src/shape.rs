//! Decoding YAML into a known shape, as `sigs.k8s.io/yaml` does into a Go struct: field names in any letter case, numbers and
//! booleans turned into text where text is wanted, and the error texts of Go's `encoding/json`.
//!
//! The texts differ by the Go version that Helm was built with: `Go struct field Maintainer.maintainers.name` in
//! Helm 3, `Go struct field .maintainers.0.name` in Helm 4.

use super::model::Level;
use hydrate_gotmpl::{List, Map, Str, Value};

/// The Go type that a YAML value is decoded into.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// `interface {}`
    Any,
    /// `string`
    Text,
    /// `bool`
    Bool,
    /// `time.Time`, as a text of RFC 3339.
    Time,
    /// A slice of the shape; the Go type as errors print it.
    List(&'static Shape, &'static str),
    /// A map from strings to the shape; the Go type as errors print it.
    Map(&'static Shape, &'static str),
    /// A struct or a pointer to one.
    Struct(&'static Struct),
}

/// A Go struct.
#[derive(Debug)]
pub struct Struct {
    /// The bare name, `Metadata`.
    pub name: &'static str,
    /// The type as errors print it, `chart.Metadata`.
    pub go_type: &'static str,
    /// The JSON names of the fields and their shapes.
    pub fields: &'static [(&'static str, Shape)],
}

/// Where in the document the decoder is.
struct Place<'a> {
    level: Level,
    owner: &'static str,
    path: Vec<std::borrow::Cow<'a, str>>,
    error: Option<String>,
}

/// Decodes `value` (numbers as YAML has them: `int64` and `float64`) into `shape`.
///
/// Gives the value with its texts converted and its struct keys spelled as the struct spells them; a null leaves a field
/// out. The error is the text after `error unmarshaling JSON: while decoding JSON: `.
pub fn conform(value: Value, shape: Shape, level: Level) -> Result<Value, String> {
    let mut place = Place { level, owner: "", path: Vec::new(), error: None };
    let decoded = place.decode(value, shape);
    match place.error {
        Some(error) => Err(error),
        None => Ok(decoded),
    }
}

impl Place<'_> {
    fn decode(&mut self, value: Value, shape: Shape) -> Value {
        match (shape, value) {
            (Shape::Any, value) => floats(value),
            (_, Value::Nil) => Value::Nil,
            (Shape::Text, value) => self.text(value),
            (Shape::Bool, Value::Bool(value)) => Value::Bool(value),
            (Shape::Time, value) => self.time(&value),
            (Shape::List(item, _), Value::List(list)) => self.list(&list, *item),
            (Shape::Map(item, _), Value::Map(map)) => self.map(&map, *item),
            (Shape::Struct(fields), Value::Map(map)) => self.fields(&map, fields),
            (shape, value) => self.mismatch(&value, shape),
        }
    }

    fn text(&mut self, value: Value) -> Value {
        match value {
            Value::Str(_) => value,
            Value::Bool(value) => Value::str(if value { "true" } else { "false" }),
            Value::Int(value) | Value::Int64(value) => Value::str(value.to_string()),
            Value::Float64(value) => Value::str(float32_text(value)),
            Value::Rare(ref rare) => match &**rare {
                hydrate_gotmpl::Rare::Integer(_, _, value) => Value::str(value.to_string()),
                _ => self.mismatch(&value, Shape::Text),
            },
            other => self.mismatch(&other, Shape::Text),
        }
    }

    /// Go's `Time.UnmarshalJSON`, which looks at the text as JSON has it.
    fn time(&mut self, value: &Value) -> Value {
        let problem = match value {
            Value::Str(_) => {
                let json = hydrate_gotmpl::encode::to_json(value, hydrate_gotmpl::GoVersion::default()).unwrap_or_default();
                let text = json.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or_default();
                hydrate_gotmpl::time::check_rfc3339(text).err()
            }
            _ => Some("Time.UnmarshalJSON: input is not a JSON string".to_owned()),
        };
        self.error = match self.level {
            // Here the older decoder stops, whatever it has found before.
            Level::V3 => problem.or(self.error.take()),
            Level::V4 => self.error.take().or(problem),
        };
        value.clone()
    }

    fn list(&mut self, list: &List, item: Shape) -> Value {
        let mut items = Vec::with_capacity(list.len());
        for (index, value) in list.items().iter().enumerate() {
            self.path.push(index.to_string().into());
            items.push(self.decode(value.clone(), item));
            self.path.pop();
        }
        Value::List(List::new(items))
    }

    fn map(&mut self, map: &Map, item: Shape) -> Value {
        let out = Map::new();
        for (key, value) in map.entries().iter() {
            self.path.push(key.to_str_lossy().into_owned().into());
            out.insert(key.clone(), self.decode(value.clone(), item));
            self.path.pop();
        }
        Value::Map(out)
    }

    fn fields(&mut self, map: &Map, fields: &'static Struct) -> Value {
        let out = Map::new();
        let owner = std::mem::replace(&mut self.owner, fields.name);
        for (key, value) in map.entries().iter() {
            let Some((name, shape)) = field(fields, key) else { continue };
            self.path.push((*name).into());
            let value = self.decode(value.clone(), *shape);
            self.path.pop();
            if !matches!(value, Value::Nil) {
                out.insert(*name, value);
            }
        }
        self.owner = owner;
        Value::Map(out)
    }

    fn mismatch(&mut self, value: &Value, shape: Shape) -> Value {
        if self.error.is_none() {
            self.error =
                Some(format!("json: cannot unmarshal {} into {} of type {}", json_kind(value), self.target(), self.go_type(shape)));
        }
        Value::Nil
    }

    /// The type as errors print it; the package of Helm 4's charts is called `v2`.
    fn go_type(&self, shape: Shape) -> String {
        let name = go_type(shape);
        if self.level == Level::V4 { name.replace("chart.", "v2.") } else { name.to_owned() }
    }

    fn target(&self) -> String {
        if self.path.is_empty() {
            return "Go value".to_owned();
        }
        match self.level {
            Level::V4 => hydrate_gotmpl::decode::place(self.path.iter()).unwrap_or_else(|| "Go value".to_owned()),
            Level::V3 => {
                let names: Vec<_> = self.path.iter().filter(|part| part.parse::<usize>().is_err()).map(AsRef::as_ref).collect();
                format!("Go struct field {}.{}", self.owner, names.join("."))
            }
        }
    }
}

fn field<'a>(fields: &'a Struct, key: &Str) -> Option<&'a (&'static str, Shape)> {
    let exact = fields.fields.iter().find(|(name, _)| name.as_bytes() == key.as_bytes());
    exact.or_else(|| fields.fields.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(key.as_bytes())))
}

fn go_type(shape: Shape) -> &'static str {
    match shape {
        Shape::Any => "interface {}",
        Shape::Text => "string",
        Shape::Bool => "bool",
        Shape::Time => "time.Time",
        Shape::List(_, go_type) | Shape::Map(_, go_type) => go_type,
        Shape::Struct(fields) => fields.go_type,
    }
}

/// What `encoding/json` calls the kind of a JSON value.
pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// The line that an error of the YAML reader names.
pub fn error_line(error: &str) -> Option<usize> {
    let (_, after) = error.split_once("yaml: line ")?;
    after.split(':').next()?.parse().ok()
}

/// Turns every number into `float64`, as a trip through JSON does.
fn floats(value: Value) -> Value {
    match value {
        Value::Int(value) | Value::Int64(value) => Value::Float64(value as f64),
        Value::Rare(ref rare) => match **rare {
            hydrate_gotmpl::Rare::Integer(_, _, number) => Value::Float64(number as f64),
            _ => value,
        },
        Value::List(list) => {
            let items = list.items().iter().cloned().map(floats).collect();
            Value::List(List::new(items))
        }
        Value::Map(map) => {
            let entries: Vec<_> = map.entries().iter().map(|(key, value)| (key.clone(), floats(value.clone()))).collect();
            Value::Map(Map::from_entries(entries))
        }
        other => other,
    }
}

/// `strconv.FormatFloat(value, 'g', -1, 32)`: the conversion of `appVersion: 1.10` to `1.1`.
fn float32_text(value: f64) -> String {
    let single = value as f32;
    if single.is_nan() {
        return "NaN".to_owned();
    }
    if single.is_infinite() {
        return if single > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{single:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // `'g'` with the shortest precision switches to an exponent below -4 and from six digits before the point on.
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{single}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_text_as_go_writes_them() {
        assert_eq!(float32_text(1.10), "1.1");
        assert_eq!(float32_text(2.0), "2");
        assert_eq!(float32_text(1e21), "1e+21");
        assert_eq!(float32_text(0.00001), "1e-05");
        assert_eq!(float32_text(123456.5), "123456.5");
        assert_eq!(float32_text(20240101.5), "2.0240102e+07");
    }
}
