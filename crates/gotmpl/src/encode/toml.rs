//! Go values as TOML: the encoder of github.com/BurntSushi/toml, as Helm's `toToml` calls it.

use super::{Path, exported, flattened, rfc3339};
use crate::fmt::float::{Bits, Format, format_float};
use crate::value::{Entries, List, Map, Object, Rare, Value};

/// Which release of the library is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TomlVersion {
    /// 1.4, in Helm 3.17: a million is `1000000.0`.
    V1_4,
    /// 1.6, in Helm 4.3: a million is `1e+06`.
    V1_6,
}

/// Why a value can't be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TomlError {
    /// The library's error, which Helm's `toToml` gives as its result.
    #[error("{0}")]
    Encode(String),
    /// Go panics, so that the template fails with this text.
    #[error("{0}")]
    Panic(String),
}

/// `toml.NewEncoder(…).Encode(value)`: a map as a document, a scalar or a list of scalars as just its text.
///
/// # Errors
/// For nil, for nil in lists, for a list of maps at the top, and for cycles.
pub fn to_toml(value: &Value, version: TomlVersion) -> Result<Vec<u8>, TomlError> {
    if matches!(value, Value::Nil) {
        return Err(TomlError::Panic("reflect: call of reflect.Value.Type on zero Value".to_owned()));
    }
    if matches!(value, Value::List(list) if list.is_nil()) {
        return Ok(b"[]".to_vec());
    }
    let mut encoder = Encoder { out: Vec::new(), path: Path::default(), version };
    encoder.encode(&[], value).map_err(TomlError::Encode)?;
    Ok(encoder.out)
}

/// What the library makes of a value, as far as it matters for the order and form of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Left out.
    Nil,
    /// `key = value`
    Direct,
    /// `[key]`
    Table,
    /// `[[key]]`
    Tables,
}

struct Encoder {
    out: Vec<u8>,
    path: Path,
    version: TomlVersion,
}

type Done = Result<(), String>;

impl Encoder {
    fn encode(&mut self, key: &[&[u8]], value: &Value) -> Done {
        match self.shape(value)? {
            Shape::Nil => Ok(()),
            Shape::Direct => self.key_value(key, value, false),
            Shape::Table => self.table(key, value),
            Shape::Tables => self.tables(key, value),
        }
    }

    fn shape(&mut self, value: &Value) -> Result<Shape, String> {
        Ok(match value {
            Value::Nil => Shape::Nil,
            Value::Map(map) if map.is_nil() => Shape::Nil,
            Value::Map(_) => Shape::Table,
            Value::List(list) if list.is_nil() => Shape::Nil,
            Value::List(list) => return self.list_shape(value, list),
            Value::Rare(rare) => match &**rare {
                Rare::NilPointer(_) => Shape::Nil,
                Rare::Error(_) => Shape::Table,
                Rare::Object(object) if !exported(&**object).is_empty() => Shape::Table,
                Rare::Object(object) => return self.shape(&object.encoded()),
                _ => Shape::Direct,
            },
            _ => Shape::Direct,
        })
    }

    /// A list is one of tables if all its elements are; all are looked at, for nil is an error wherever it stands.
    fn list_shape(&mut self, value: &Value, list: &List) -> Result<Shape, String> {
        self.path.enter(value)?;
        let mut shape = if list.is_empty() { Shape::Direct } else { Shape::Tables };
        for item in list.items().iter() {
            match self.shape(item)? {
                Shape::Nil => return Err("toml: cannot encode array with nil element".to_owned()),
                Shape::Table => {}
                Shape::Direct | Shape::Tables => shape = Shape::Direct,
            }
        }
        self.path.leave();
        Ok(shape)
    }

    fn table(&mut self, key: &[&[u8]], value: &Value) -> Done {
        if key.len() == 1 {
            self.new_line();
        }
        if !key.is_empty() {
            self.indent(key);
            self.write(b"[");
            self.dotted(key);
            self.write(b"]");
            self.new_line();
        }
        self.members(key, value)
    }

    fn tables(&mut self, key: &[&[u8]], value: &Value) -> Done {
        let Value::List(list) = value else { return Ok(()) };
        if key.is_empty() {
            return Err("toml: top-level values must be Go maps or structs".to_owned());
        }
        for item in list.items().iter() {
            self.new_line();
            self.indent(key);
            self.write(b"[[");
            self.dotted(key);
            self.write(b"]]");
            self.new_line();
            self.members(key, item)?;
        }
        Ok(())
    }

    /// The entries of a table, those that are no tables first.
    fn members(&mut self, key: &[&[u8]], value: &Value) -> Done {
        self.path.enter(value)?;
        match value {
            Value::Map(map) => self.map_members(key, &map.entries())?,
            Value::Rare(rare) => {
                if let Rare::Object(object) = &**rare {
                    self.object_members(key, &**object)?;
                }
            }
            _ => {}
        }
        self.path.leave();
        Ok(())
    }

    fn map_members(&mut self, key: &[&[u8]], entries: &Entries) -> Done {
        let (direct, tables) = self.split(entries.iter().map(|(name, value)| (name.as_bytes(), value)))?;
        direct.iter().chain(&tables).try_for_each(|(name, value)| self.encode(&[key, &[name]].concat(), value))
    }

    fn object_members(&mut self, key: &[&[u8]], object: &dyn Object) -> Done {
        let fields = flattened(object);
        if fields.is_empty() {
            let encoded = object.encoded();
            return self.members(key, &encoded);
        }
        let (direct, tables) = self.split(fields.iter().map(|(name, value)| (name.as_bytes(), value)))?;
        direct.iter().chain(&tables).try_for_each(|(name, value)| self.encode(&[key, &[name]].concat(), value))
    }

    /// Entries that are not tables, and those that are.
    fn split<'v>(&mut self, entries: impl Iterator<Item = (&'v [u8], &'v Value)>) -> Result<(Members<'v>, Members<'v>), String> {
        let (mut direct, mut tables) = (Vec::new(), Vec::new());
        for (name, value) in entries {
            match self.shape(value)? {
                Shape::Table | Shape::Tables => tables.push((name, value)),
                Shape::Direct | Shape::Nil => direct.push((name, value)),
            }
        }
        Ok((direct, tables))
    }

    fn key_value(&mut self, key: &[&[u8]], value: &Value, inline: bool) -> Done {
        let Some(name) = key.last() else { return self.element(value) };
        self.indent(key);
        self.key(name);
        self.write(b" = ");
        self.element(value)?;
        if !inline {
            self.new_line();
        }
        Ok(())
    }

    fn element(&mut self, value: &Value) -> Done {
        match value {
            Value::Nil => {}
            Value::Bool(value) => self.write(if *value { b"true" } else { b"false" }),
            Value::Int(value) | Value::Int64(value) => self.write(value.to_string().as_bytes()),
            Value::Float64(value) => self.float(*value, Bits::Float64),
            Value::Str(text) => self.quoted(text.as_bytes()),
            Value::List(list) => return self.inline_list(value, list),
            Value::Map(map) => return self.inline_map(value, map),
            Value::Rare(rare) => return self.rare_element(rare),
        }
        Ok(())
    }

    fn rare_element(&mut self, rare: &Rare) -> Done {
        match rare {
            Rare::Integer("time.Duration", _, value) => self.quoted(crate::time::duration::string(*value as i64).as_bytes()),
            Rare::Integer(_, _, value) => self.write(value.to_string().as_bytes()),
            Rare::Float32(value) => self.float(f64::from(*value), Bits::Float32),
            Rare::Bytes(bytes) => {
                let texts: Vec<_> = bytes.iter().map(u8::to_string).collect();
                self.write(format!("[{}]", texts.join(", ")).as_bytes());
            }
            Rare::Time(time) => self.write(rfc3339(time).as_bytes()),
            Rare::Error(_) => self.write(b"{}"),
            Rare::NilPointer(_) => {}
            Rare::Object(object) => return self.inline_object(&**object),
        }
        Ok(())
    }

    fn inline_list(&mut self, value: &Value, list: &List) -> Done {
        self.path.enter(value)?;
        self.write(b"[");
        for (at, item) in list.items().iter().enumerate() {
            if at > 0 {
                self.write(b", ");
            }
            self.element(item)?;
        }
        self.write(b"]");
        self.path.leave();
        Ok(())
    }

    fn inline_map(&mut self, value: &Value, map: &Map) -> Done {
        self.path.enter(value)?;
        self.write(b"{");
        let entries = map.entries();
        let (direct, tables) = self.split(entries.iter().map(|(name, value)| (name.as_bytes(), value)))?;
        self.inline_entries(&direct, !tables.is_empty())?;
        self.inline_entries(&tables, false)?;
        self.write(b"}");
        self.path.leave();
        Ok(())
    }

    /// The comma behind an entry is decided by its place among all, so that a nil at the end leaves one behind.
    fn inline_entries(&mut self, entries: &Members<'_>, more: bool) -> Done {
        for (at, (name, value)) in entries.iter().enumerate() {
            if self.shape(value)? != Shape::Nil {
                self.key_value(&[name], value, true)?;
                if more || at + 1 != entries.len() {
                    self.write(b", ");
                }
            }
        }
        Ok(())
    }

    fn inline_object(&mut self, object: &dyn Object) -> Done {
        let fields = flattened(object);
        if fields.is_empty() {
            let encoded = object.encoded();
            return self.element(&encoded);
        }
        self.write(b"{");
        let (direct, tables) = self.split(fields.iter().map(|(name, value)| (name.as_bytes(), value)))?;
        self.inline_entries(&direct, !tables.is_empty())?;
        self.inline_entries(&tables, false)?;
        self.write(b"}");
        Ok(())
    }

    fn float(&mut self, value: f64, bits: Bits) {
        let sign: &[u8] = if value.is_sign_negative() { b"-" } else { b"" };
        if value.is_nan() || value.is_infinite() {
            self.write(sign);
            return self.write(if value.is_nan() { b"nan" } else { b"inf" });
        }
        let format = if self.version == TomlVersion::V1_4 { Format::Fixed } else { Format::General };
        let mut text = format_float(value, format, None, bits);
        if !text.contains(['.', 'e']) {
            text.push_str(".0");
        }
        self.write(text.as_bytes());
    }

    fn write(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self, key: &[&[u8]]) {
        (1..key.len()).for_each(|_| self.write(b"  "));
    }

    fn dotted(&mut self, key: &[&[u8]]) {
        for (at, name) in key.iter().enumerate() {
            if at > 0 {
                self.write(b".");
            }
            self.key(name);
        }
    }

    fn key(&mut self, name: &[u8]) {
        let bare = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if bare { self.write(name) } else { self.quoted(name) }
    }

    fn quoted(&mut self, text: &[u8]) {
        self.write(b"\"");
        for byte in text {
            match byte {
                b'"' => self.write(b"\\\""),
                b'\\' => self.write(b"\\\\"),
                b'\x08' => self.write(b"\\b"),
                b'\t' => self.write(b"\\t"),
                b'\n' => self.write(b"\\n"),
                b'\x0c' => self.write(b"\\f"),
                b'\r' => self.write(b"\\r"),
                0..0x20 | 0x7f => self.write(format!("\\u{byte:04x}").as_bytes()),
                _ => self.out.push(*byte),
            }
        }
        self.write(b"\"");
    }
}

type Members<'v> = Vec<(&'v [u8], &'v Value)>;
