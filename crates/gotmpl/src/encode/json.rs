//! Go values as JSON: encoding/json as Helm 4.3 has it (Go 1.27), and as Helm 3.17 (Go 1.23).
//!
//! They differ in one point: a byte that isn't UTF-8 is the character U+FFFD to the one and `\ufffd` to the other.

use super::{Path, exported, rfc3339};
use crate::GoVersion;
use crate::fmt::float::{Bits, append_json};
use crate::value::{List, Map, Object, Rare, Str, Value};
use base64::Engine;

/// `json.Marshal`: `<`, `>` and `&` escaped, keys sorted by their bytes, no white space.
///
/// # Errors
/// The text of Go's error: `json: unsupported value: NaN`, a cycle.
pub fn to_json(value: &Value, go: GoVersion) -> Result<Vec<u8>, String> {
    encode(value, go, true, None)
}

/// `json.MarshalIndent(value, "", "  ")`
///
/// # Errors
/// As `to_json`.
pub fn to_pretty_json(value: &Value, go: GoVersion) -> Result<Vec<u8>, String> {
    encode(value, go, true, Some("  "))
}

/// An encoder with `SetEscapeHTML(false)`, without its final line break: sprig's `toRawJson`.
///
/// # Errors
/// As `to_json`.
pub fn to_raw_json(value: &Value, go: GoVersion) -> Result<Vec<u8>, String> {
    encode(value, go, false, None)
}

/// Go's error for a number that JSON doesn't have.
pub(super) fn unsupported_float(value: f64) -> String {
    let name = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    };
    format!("json: unsupported value: {name}")
}

fn encode(value: &Value, go: GoVersion, escape_html: bool, indent: Option<&'static str>) -> Result<Vec<u8>, String> {
    let mut encoder = Encoder { out: Vec::new(), path: Path::default(), go, escape_html, indent, level: 0 };
    encoder.value(value)?;
    Ok(encoder.out)
}

/// Bytes that may have to be escaped, and those that have to for the sake of HTML.
static SUSPECT: [u8; 256] = suspects();
const ALWAYS: u8 = 1;
const HTML: u8 = 2;

const fn suspects() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            0..0x20 | b'"' | b'\\' | 0xE2 => ALWAYS,
            b'<' | b'>' | b'&' => HTML,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// The names of a struct in JSON, in the order of its fields and of those of the structs embedded in it.
///
/// A name in JSON is that of the field but for case, `-` and `_`. For a map of other names there is no such order.
fn struct_order(object: &dyn Object, map: &Map) -> Option<Vec<Str>> {
    let plain = |name: &[u8]| name.iter().filter(|byte| !matches!(byte, b'-' | b'_')).map(u8::to_ascii_lowercase).collect::<Vec<_>>();
    let entries = map.entries();
    let mut left: Vec<(Vec<u8>, &Str)> = entries.keys().map(|key| (plain(key.as_bytes()), key)).collect();
    let mut names = Vec::with_capacity(left.len());
    let mut take = |field: &str| {
        let found = left.iter().position(|(name, _)| *name == plain(field.as_bytes()))?;
        names.push(left.swap_remove(found).1.clone());
        Some(())
    };
    for (field, value) in exported(object) {
        if take(field).is_none()
            && let Value::Rare(rare) = &value
            && let Rare::Object(embedded) = &**rare
        {
            exported(&**embedded).iter().for_each(|(field, _)| _ = take(field));
        }
    }
    (names.len() == entries.len()).then_some(names)
}

/// The first byte that is one of the mask's suspects.
fn first_suspect(bytes: &[u8], mask: u8) -> Option<usize> {
    let (chunks, _) = bytes.as_chunks::<4>();
    let clean = chunks.iter().take_while(|chunk| {
        let [a, b, c, d] = chunk.map(|byte| SUSPECT[usize::from(byte)]);
        ((a | b) | (c | d)) & mask == 0
    });
    let start = clean.count() * 4;
    bytes[start..].iter().position(|byte| SUSPECT[usize::from(*byte)] & mask != 0).map(|found| start + found)
}

struct Encoder {
    out: Vec<u8>,
    path: Path,
    go: GoVersion,
    escape_html: bool,
    indent: Option<&'static str>,
    level: usize,
}

impl Encoder {
    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Nil => self.word("null"),
            Value::Bool(value) => self.word(if *value { "true" } else { "false" }),
            Value::Int(value) | Value::Int64(value) => self.word(&value.to_string()),
            Value::Float64(value) => return self.float(*value, Bits::Float64),
            Value::Str(text) => self.string(text.as_bytes()),
            Value::List(list) => return self.list(value, list),
            Value::Map(map) => return self.map(value, map),
            Value::Rare(rare) => return self.rare(rare),
        }
        Ok(())
    }

    fn rare(&mut self, rare: &Rare) -> Result<(), String> {
        match rare {
            Rare::Integer(_, _, value) => self.word(&value.to_string()),
            Rare::Float32(value) => return self.float(f64::from(*value), Bits::Float32),
            Rare::Bytes(bytes) => self.string(base64::engine::general_purpose::STANDARD.encode(bytes).as_bytes()),
            Rare::Time(time) => self.string(rfc3339(time).as_bytes()),
            // errors.errorString has no exported field.
            Rare::Error(_) => self.word("{}"),
            Rare::Object(object) => return self.object(&**object),
            Rare::NilPointer(_) => self.word("null"),
        }
        Ok(())
    }

    fn word(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn float(&mut self, value: f64, bits: Bits) -> Result<(), String> {
        if !value.is_finite() {
            return Err(unsupported_float(value));
        }
        let mut text = String::new();
        append_json(&mut text, value, bits);
        self.word(&text);
        Ok(())
    }

    fn list(&mut self, value: &Value, list: &List) -> Result<(), String> {
        if list.is_nil() {
            self.word("null");
            return Ok(());
        }
        self.path.enter(value)?;
        self.open(b'[');
        let items = list.items();
        for (at, item) in items.iter().enumerate() {
            self.separate(at);
            self.value(item)?;
        }
        self.close(b']', items.is_empty());
        self.path.leave();
        Ok(())
    }

    fn map(&mut self, value: &Value, map: &Map) -> Result<(), String> {
        if map.is_nil() {
            self.word("null");
            return Ok(());
        }
        self.path.enter(value)?;
        self.open(b'{');
        let entries = map.entries();
        for (at, (key, value)) in entries.iter().enumerate() {
            self.member(at, key.as_bytes(), value)?;
        }
        self.close(b'}', entries.is_empty());
        self.path.leave();
        Ok(())
    }

    /// A struct: the members of its `encoded` map, in the order of its fields.
    fn object(&mut self, object: &dyn Object) -> Result<(), String> {
        let encoded = object.encoded();
        let Value::Map(map) = &encoded else { return self.value(&encoded) };
        let Some(names) = struct_order(object, map) else { return self.value(&encoded) };
        self.path.enter(&encoded)?;
        self.open(b'{');
        for (at, name) in names.iter().enumerate() {
            self.member(at, name.as_bytes(), &map.get(name.as_bytes()).unwrap_or_default())?;
        }
        self.close(b'}', names.is_empty());
        self.path.leave();
        Ok(())
    }

    fn member(&mut self, at: usize, name: &[u8], value: &Value) -> Result<(), String> {
        self.separate(at);
        self.string(name);
        self.word(if self.indent.is_some() { ": " } else { ":" });
        self.value(value)
    }

    fn open(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.level += 1;
    }

    fn separate(&mut self, at: usize) {
        if at > 0 {
            self.out.push(b',');
        }
        self.new_line();
    }

    fn close(&mut self, bracket: u8, empty: bool) {
        self.level -= 1;
        if !empty {
            self.new_line();
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self) {
        if let Some(indent) = self.indent {
            self.out.push(b'\n');
            (0..self.level).for_each(|_| self.out.extend_from_slice(indent.as_bytes()));
        }
    }

    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        if std::str::from_utf8(bytes).is_ok() {
            self.text(bytes);
        } else {
            for chunk in bytes.utf8_chunks() {
                self.text(chunk.valid().as_bytes());
                let replacement = if self.go == GoVersion::Go1_23 { "\\ufffd" } else { "\u{FFFD}" };
                chunk.invalid().iter().for_each(|_| self.word(replacement));
            }
        }
        self.out.push(b'"');
    }

    fn text(&mut self, bytes: &[u8]) {
        let mask = if self.escape_html { ALWAYS | HTML } else { ALWAYS };
        let (mut written, mut at) = (0, 0);
        while let Some(found) = first_suspect(&bytes[at..], mask) {
            at += found;
            // The lead byte of U+2028 and U+2029 begins other characters, too.
            if bytes[at] == 0xE2 && !matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xA8 | 0xA9])) {
                at += 1;
                continue;
            }
            self.out.extend_from_slice(&bytes[written..at]);
            at += self.escape(bytes, at);
            written = at;
        }
        self.out.extend_from_slice(&bytes[written..]);
    }

    /// Writes the character at a place as an escape and gives its length.
    fn escape(&mut self, bytes: &[u8], at: usize) -> usize {
        match bytes[at] {
            b'"' => self.word("\\\""),
            b'\\' => self.word("\\\\"),
            0x08 => self.word("\\b"),
            0x0C => self.word("\\f"),
            b'\n' => self.word("\\n"),
            b'\r' => self.word("\\r"),
            b'\t' => self.word("\\t"),
            0xE2 => {
                self.word(if bytes[at + 2] == 0xA8 { "\\u2028" } else { "\\u2029" });
                return 3;
            }
            byte => self.word(&format!("\\u{byte:04x}")),
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{TomlVersion, to_toml, to_yaml, to_yaml_pretty};

    struct Version;

    impl Object for Version {
        fn type_name(&self) -> &'static str {
            "common.KubeVersion"
        }

        fn field(&self, _: &str) -> Option<Value> {
            None
        }

        fn fields(&self) -> Vec<(&'static str, Value)> {
            vec![("Version", Value::str("v1.33.0")), ("hidden", Value::Int(1)), ("MajorPart", Value::str("1"))]
        }

        fn encoded(&self) -> Value {
            Value::Map(Map::from_entries([("version".into(), Value::str("v1.33.0")), ("major-part".into(), Value::str("1"))]))
        }

        fn as_any(&self) -> &dyn std::any::Any {
            self
        }
    }

    fn text<E: std::fmt::Debug>(bytes: Result<Vec<u8>, E>) -> String {
        String::from_utf8(bytes.unwrap()).unwrap()
    }

    #[test]
    fn a_struct_keeps_its_order_in_json() {
        let value = Value::object(Version);
        assert_eq!(text(to_json(&value, GoVersion::Go1_27)), r#"{"version":"v1.33.0","major-part":"1"}"#);
        assert_eq!(text(to_yaml(&value)), "major-part: \"1\"\nversion: v1.33.0\n");
        assert_eq!(text(to_yaml_pretty(&value)), "version: v1.33.0\nmajorpart: \"1\"\n");
        assert_eq!(text(to_toml(&value, TomlVersion::V1_6)), "Version = \"v1.33.0\"\nMajorPart = \"1\"\n");
    }

    #[test]
    fn seldom_types() {
        let time =
            jiff::Timestamp::from_nanosecond(1_577_934_245_006_700_000).unwrap().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(5)));
        let duration = Rare::Integer("time.Duration", crate::value::Kind::Int64, 5_400_500_000_000);
        let rare = |rare| Value::Rare(std::rc::Rc::new(rare));
        let value = Value::List(List::new(vec![
            rare(Rare::Time(time)),
            rare(duration),
            rare(Rare::Bytes(b"bin\0\xff".to_vec())),
            rare(Rare::Float32(0.1)),
            rare(Rare::NilPointer("*x.Y")),
            Value::error("x"),
        ]));
        assert_eq!(text(to_json(&value, GoVersion::Go1_27)), r#"["2020-01-02T08:04:05.0067+05:00",5400500000000,"YmluAP8=",0.1,null,{}]"#);
        assert_eq!(text(to_yaml(&value)), "- \"2020-01-02T08:04:05.0067+05:00\"\n- 5400500000000\n- YmluAP8=\n- 0.1\n- null\n- {}\n");
        let pretty = "- 2020-01-02T08:04:05.0067+05:00\n- 1h30m0.5s\n- - 98\n  - 105\n  - 110\n  - 0\n  - 255\n- 0.1\n- null\n- {}\n";
        assert_eq!(text(to_yaml_pretty(&value)), pretty);
    }
}
