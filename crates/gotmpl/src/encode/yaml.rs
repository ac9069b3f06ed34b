//! Go values as YAML.

use super::{MAX_DEPTH, Path, exported, go_lossy, order, rfc3339};
use crate::fmt::float::{Bits, Format, append_json, format_float};
use crate::value::{Entries, Kind, List, Map, Object, Rare, Value};
use base64::Engine;
use hydrate_yaml::emit::{Comments, Dialect, EmitError, Emitter, Properties, ScalarStyle, Version, class, classes_of, must_quote};
use std::borrow::Cow;

/// sigs.k8s.io/yaml `Marshal` (1.4 and 1.6 give the same): what Helm's `toYaml` shows, with its final line break.
///
/// The value goes through JSON, which go-yaml v2 reads as YAML and writes: so numbers are what JSON text makes of them,
/// and a text that JSON passes on raw and YAML can't read is an error.
///
/// # Errors
/// The text of Go's error: NaN and infinities, cycles, control characters.
pub fn to_yaml(value: &Value) -> Result<Vec<u8>, String> {
    let mut encoder = Encoder { emitter: Emitter::new(Dialect::V2, Vec::new()), path: Path::default(), version: Version::V2, json: true };
    encoder.document(value)
}

/// go-yaml v3 with indentation 2: what Helm's `toYamlPretty` shows, with its final line break.
///
/// # Errors
/// Cycles, on which Go would not return.
pub fn to_yaml_pretty(value: &Value) -> Result<Vec<u8>, String> {
    direct(value, Dialect::V3_WIDE)
}

/// `yaml.Marshal` of go-yaml v2, without the way through JSON: what helmfile writes before 1.0.
///
/// # Errors
/// Cycles, on which Go would not return.
pub fn to_yaml_v2(value: &Value) -> Result<Vec<u8>, String> {
    direct(value, Dialect::V2)
}

fn direct(value: &Value, dialect: Dialect) -> Result<Vec<u8>, String> {
    let mut encoder = Encoder { emitter: Emitter::new(dialect, Vec::new()), path: Path::default(), version: dialect.version, json: false };
    encoder.document(value)
}

struct Encoder {
    emitter: Emitter<'static>,
    path: Path,
    /// The library that is followed.
    version: Version,
    /// Whether the value goes through JSON before.
    json: bool,
}

impl Encoder {
    fn document(&mut self, value: &Value) -> Result<Vec<u8>, String> {
        self.emitter.begin_document("");
        self.value(value)?;
        self.emitter.end_document("");
        let emitter = std::mem::replace(&mut self.emitter, Emitter::new(Dialect::V2, Vec::new()));
        Ok(emitter.finish())
    }

    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Nil => self.plain("null"),
            Value::Bool(value) => self.plain(if *value { "true" } else { "false" }),
            Value::Int(value) | Value::Int64(value) => self.integer(i128::from(*value)),
            Value::Float64(value) => self.float(*value, Bits::Float64),
            Value::Str(text) => self.string(text.as_bytes()),
            Value::List(list) => self.list(value, list),
            Value::Map(map) => self.map(value, map),
            Value::Rare(rare) => self.rare(rare),
        }
    }

    fn rare(&mut self, rare: &Rare) -> Result<(), String> {
        match rare {
            Rare::Integer("time.Duration", _, value) if !self.json => self.text(&crate::time::duration::string(*value as i64)),
            Rare::Integer(_, _, value) => self.integer(*value),
            Rare::Float32(value) => self.float(f64::from(*value), Bits::Float32),
            Rare::Bytes(bytes) if self.json => self.text(&base64::engine::general_purpose::STANDARD.encode(bytes)),
            Rare::Bytes(bytes) => self.value(&Value::List(List::new(bytes.iter().map(|byte| Value::Int(i64::from(*byte))).collect()))),
            Rare::Time(time) if self.json => self.text(&rfc3339(time)),
            Rare::Time(time) => self.plain(&rfc3339(time)),
            Rare::Error(_) => self.value(&Value::Map(Map::new())),
            Rare::NilPointer(_) => self.plain("null"),
            Rare::Object(object) if self.json => self.value(&object.encoded()),
            Rare::Object(object) => self.structure(&**object),
        }
    }

    fn plain(&mut self, text: &str) -> Result<(), String> {
        self.scalar(text, ScalarStyle::Plain, "")
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: &str) -> Result<(), String> {
        self.emitter.scalar(text, style, &Properties { anchor: "", tag }, &Comments::NONE).map_err(|error| error.to_string())
    }

    fn integer(&mut self, value: i128) -> Result<(), String> {
        self.plain(&value.to_string())
    }

    fn float(&mut self, value: f64, bits: Bits) -> Result<(), String> {
        if self.json {
            return self.json_float(value, bits);
        }
        let text = match value {
            f64::INFINITY => ".inf".to_owned(),
            f64::NEG_INFINITY => "-.inf".to_owned(),
            _ if value.is_nan() => ".nan".to_owned(),
            _ => format_float(value, Format::General, None, bits),
        };
        self.plain(&text)
    }

    /// A number is written to JSON without an exponent if it isn't very large or small, and read back as an integer if
    /// the text is one.
    fn json_float(&mut self, value: f64, bits: Bits) -> Result<(), String> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() < EXACT {
            return self.integer(value as i128);
        }
        if !value.is_finite() {
            return Err(format!("error marshaling into JSON: {}", super::json::unsupported_float(value)));
        }
        let mut text = String::new();
        append_json(&mut text, value, bits);
        if text.parse::<i64>().is_err() && text.parse::<u64>().is_err() {
            let read = text.parse().unwrap_or(value);
            text = format_float(read, Format::General, None, Bits::Float64);
        }
        self.plain(&text)
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.json {
            let (text, classes) = through_json(bytes, false)?;
            return self.text_of(&text, classes);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text),
            Err(_) => {
                let text = base64_lines(bytes);
                let style = if text.contains('\n') { ScalarStyle::Literal } else { ScalarStyle::Plain };
                self.scalar(&text, style, "!!binary")
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        self.text_of(text, classes_of(text.as_bytes()))
    }

    fn text_of(&mut self, text: &str, classes: u8) -> Result<(), String> {
        let version = self.version;
        let style = if classes & class::BREAK != 0 && memchr::memchr(b'\n', text.as_bytes()).is_some() {
            ScalarStyle::Literal
        } else if must_quote(text, version) {
            ScalarStyle::DoubleQuoted
        } else {
            ScalarStyle::Plain
        };
        self.emitter.scalar_of(text, classes, style, &Properties::NONE, &Comments::NONE).map_err(text_of)
    }

    fn list(&mut self, value: &Value, list: &List) -> Result<(), String> {
        if self.json && list.is_nil() {
            return self.plain("null");
        }
        self.enter(value)?;
        let items = list.items();
        self.begin_sequence(items.is_empty())?;
        items.iter().try_for_each(|item| self.value(item))?;
        self.emitter.end_sequence(&Comments::NONE);
        self.path.leave();
        Ok(())
    }

    fn enter(&mut self, value: &Value) -> Result<(), String> {
        self.path.enter(value).map_err(|error| if self.json { format!("error marshaling into JSON: {error}") } else { error })
    }

    fn begin_sequence(&mut self, empty: bool) -> Result<(), String> {
        self.emitter.begin_sequence(empty, false, &Properties::NONE, &Comments::NONE).map_err(text_of)
    }

    fn begin_mapping(&mut self, empty: bool) -> Result<(), String> {
        self.emitter.begin_mapping(empty, false, &Properties::NONE, &Comments::NONE).map_err(text_of)
    }

    fn map(&mut self, value: &Value, map: &Map) -> Result<(), String> {
        if self.json && map.is_nil() {
            return self.plain("null");
        }
        self.enter(value)?;
        let entries = map.entries();
        self.begin_mapping(entries.is_empty())?;
        if self.json {
            self.json_entries(&entries)?;
        } else {
            self.direct_entries(&entries)?;
        }
        self.emitter.end_mapping(&Comments::NONE);
        self.path.leave();
        Ok(())
    }

    fn json_entries(&mut self, entries: &Entries) -> Result<(), String> {
        let mut sorted = Vec::with_capacity(entries.len());
        let mut changed = false;
        for (key, value) in entries {
            let (text, classes) = through_json(key.as_bytes(), true)?;
            changed |= matches!(text, Cow::Owned(_));
            sorted.push((text, (classes, value)));
        }
        order::sort(&mut sorted, Version::V2);
        if changed {
            remove_overwritten(&mut sorted);
        }
        sorted.iter().try_for_each(|(key, (classes, value))| {
            self.text_of(key, *classes)?;
            self.value(value)
        })
    }

    fn direct_entries(&mut self, entries: &Entries) -> Result<(), String> {
        let mut sorted: Vec<_> = entries.iter().map(|(key, value)| (go_lossy(key.as_bytes()), (key, value))).collect();
        order::sort(&mut sorted, self.version);
        sorted.iter().try_for_each(|(text, (key, value))| {
            match text {
                Cow::Borrowed(text) => self.text(text)?,
                Cow::Owned(_) => self.string(key.as_bytes())?,
            }
            self.value(value)
        })
    }

    fn ordered(&mut self, entries: &[(&'static str, Value)]) -> Result<(), String> {
        self.path.depth += 1;
        if self.path.depth > MAX_DEPTH {
            return Err(format!("exceeded max depth of {MAX_DEPTH}"));
        }
        self.begin_mapping(entries.is_empty())?;
        for (name, value) in entries {
            self.text(name)?;
            self.value(value)?;
        }
        self.emitter.end_mapping(&Comments::NONE);
        self.path.depth -= 1;
        Ok(())
    }

    /// A struct as v3 sees it: its exported fields under the names that it has for them, else under theirs in lower case.
    fn structure(&mut self, object: &dyn Object) -> Result<(), String> {
        if let Some(entries) = object.yaml_entries() {
            return self.ordered(&entries);
        }
        let fields = exported(object);
        if !matches!(object.kind(), Kind::Struct | Kind::Ptr) || fields.is_empty() {
            return self.value(&object.encoded());
        }
        self.path.depth += 1;
        if self.path.depth > MAX_DEPTH {
            return Err(format!("exceeded max depth of {MAX_DEPTH}"));
        }
        self.begin_mapping(false)?;
        for (at, (name, value)) in fields.iter().enumerate() {
            match object.yaml_names().get(at) {
                Some((_, false)) if value.is_empty() => continue,
                Some((name, _)) => self.text(name)?,
                None => self.text(&name.to_lowercase())?,
            }
            self.value(value)?;
        }
        self.emitter.end_mapping(&Comments::NONE);
        self.path.depth -= 1;
        Ok(())
    }
}

fn text_of(error: EmitError) -> String {
    error.to_string()
}

/// Keys that only differed in bytes that are not UTF-8, or in line breaks: the later one wins.
fn remove_overwritten<V>(entries: &mut Vec<(Cow<'_, str>, V)>) {
    entries.reverse();
    entries.dedup_by(|later, earlier| later.0 == earlier.0);
    entries.reverse();
}

/// The text as go-yaml v2 reads it from the JSON that encoding/json wrote, and the classes of its bytes.
///
/// # Errors
/// For control characters that JSON doesn't escape and YAML doesn't allow, for a key too long to be found as one.
fn through_json(bytes: &[u8], key: bool) -> Result<(Cow<'_, str>, u8), String> {
    let classes = classes_of(bytes);
    let text = if classes & class::HIGH == 0 { Cow::Borrowed(std::str::from_utf8(bytes).unwrap_or_default()) } else { go_lossy(bytes) };
    if key && bytes.len() > 150 {
        check_key_length(&text)?;
    }
    if classes & (class::HIGH | class::SPECIAL) == 0 {
        return Ok((text, classes));
    }
    if text.chars().any(|character| matches!(character, '\x7f'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')) {
        return Err("yaml: control characters are not allowed".to_owned());
    }
    if !text.contains('\u{85}') {
        return Ok((text, classes));
    }
    if key {
        return Err("yaml: did not find expected ',' or '}'".to_owned());
    }
    let folded = fold_next_lines(&text)?;
    let classes = classes_of(folded.as_bytes());
    Ok((Cow::Owned(folded), classes))
}

/// go-yaml looks for the `:` of a key in the next 1024 characters, counted as written in JSON.
fn check_key_length(text: &str) -> Result<(), String> {
    let written: usize = text
        .chars()
        .map(|character| match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\x08' | '\x0c' => 2,
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => 6,
            _ => 1,
        })
        .sum();
    if written + 2 > 1024 { Err("yaml: did not find expected ',' or '}'".to_owned()) } else { Ok(()) }
}

/// U+0085 ends a line for YAML: in quotes it is folded with the white space around it.
fn fold_next_lines(text: &str) -> Result<String, String> {
    let mut lines = text.split('\u{85}').peekable();
    let mut folded = lines.next().unwrap_or_default().trim_end_matches(' ').to_owned();
    let mut breaks = 0;
    while let Some(line) = lines.next() {
        let last = lines.peek().is_none();
        let blank = |rest: &str| if rest.is_empty() { !last } else { rest.starts_with(' ') };
        if ["---", "..."].iter().any(|mark| line.strip_prefix(mark).is_some_and(blank)) {
            return Err("yaml: found unexpected document indicator".to_owned());
        }
        let line = line.trim_start_matches(' ');
        let line = if last { line } else { line.trim_end_matches(' ') };
        breaks += 1;
        if !line.is_empty() || last {
            folded.push_str(if breaks == 1 { " " } else { "" });
            folded.extend(std::iter::repeat_n('\n', breaks - 1));
            folded.push_str(line);
            breaks = 0;
        }
    }
    Ok(folded)
}

/// Base64 in lines of 70 characters, as go-yaml writes binary data.
fn base64_lines(bytes: &[u8]) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    if encoded.len() < 70 {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / 70 + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(70));
        lines.push_str(line);
        lines.push('\n');
        rest = tail;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(value: &Value) -> String {
        String::from_utf8(to_yaml(value).unwrap()).unwrap()
    }

    fn text_yaml(text: &str) -> String {
        yaml(&Value::str(text))
    }

    #[test]
    fn scalars() {
        assert_eq!(yaml(&Value::Nil), "null\n");
        assert_eq!(yaml(&Value::Float64(1e6)), "1000000\n");
        assert_eq!(yaml(&Value::Float64(1e21)), "1e+21\n");
        assert_eq!(yaml(&Value::Float64(1234567.5)), "1.2345675e+06\n");
        assert_eq!(yaml(&Value::Float64(4_611_686_018_427_387_904.0)), "4611686018427388000\n");
        assert_eq!(yaml(&Value::Float64(-0.0)), "0\n");
        assert_eq!(text_yaml("yes"), "\"yes\"\n");
        assert_eq!(text_yaml("a: b"), "'a: b'\n");
        assert_eq!(text_yaml("a\nb\n"), "|\n  a\n  b\n");
        assert_eq!(text_yaml(" a\nb"), "|2-\n   a\n  b\n");
        assert_eq!(text_yaml("a\u{85}  b"), "a b\n");
        assert_eq!(text_yaml("😀"), "\"\\U0001F600\"\n");
        assert!(to_yaml(&Value::str("\u{7f}")).is_err());
    }

    #[test]
    fn collections() {
        let inner = Value::Map(Map::from_entries([("b10".into(), Value::Bool(true)), ("b9".into(), Value::List(List::new(vec![])))]));
        let value = Value::Map(Map::from_entries([
            ("list".into(), Value::List(List::new(vec![inner, Value::Int(1)]))),
            ("no".into(), Value::Map(Map::new())),
        ]));
        assert_eq!(yaml(&value), "list:\n- b9: []\n  b10: true\n- 1\n\"no\": {}\n");
        assert_eq!(String::from_utf8(to_yaml_pretty(&value).unwrap()).unwrap(), "list:\n  - b9: []\n    b10: true\n  - 1\n\"no\": {}\n");
    }

    #[test]
    fn a_cycle_is_an_error() {
        let map = Map::new();
        map.insert("me", Value::Map(map.clone()));
        let error = to_yaml(&Value::Map(map.clone())).unwrap_err();
        assert_eq!(error, "error marshaling into JSON: json: unsupported value: encountered a cycle via map[string]interface {}");
        map.remove(b"me");
    }
}
