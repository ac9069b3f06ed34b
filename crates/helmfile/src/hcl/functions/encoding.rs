//! CSV, JSON and YAML.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use hydrate_yaml::decode::{Build, Options, Scalar, decode};
use hydrate_yaml::emit::{Comments, Dialect as Format, EmitError, Emitter, Properties, ScalarStyle};

use super::super::number::Number;
use super::super::value::{Outcome, Type, Value, normal};
use super::{text_at, value_at};

/// Documents may be nested this deep.
const DEEPEST: usize = 150;

pub(super) fn jsonencode(arguments: &[Value]) -> Outcome {
    let mut out = String::new();
    write_json(value_at(arguments, 0)?, &mut out);
    Ok(Value::string(&out))
}

/// JSON as cty writes it: without blanks, keys in order, and what HTML minds escaped.
pub(super) fn write_json(value: &Value, out: &mut String) {
    if let Some(items) = value.items() {
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            write_json(item, out);
        }
        return out.push(']');
    }
    if let Some(entries) = value.entries() {
        out.push('{');
        for (at, (key, item)) in entries.iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            write_json_text(key, out);
            out.push(':');
            write_json(item, out);
        }
        return out.push('}');
    }
    match value {
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.plain()),
        Value::String(text) => write_json_text(text, out),
        _ => out.push_str("null"),
    }
}

/// A text in quotes, as Go's `encoding/json` writes it.
pub(super) fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push('"');
}

pub(super) fn jsondecode(arguments: &[Value]) -> Outcome {
    let text = text_at(arguments, 0)?;
    let mut reader = Json { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() { Err(reader.refused("something follows the value")) } else { Ok(value) }
}

/// A reader of JSON that keeps numbers as they are written.
struct Json<'t> {
    text: &'t str,
    at: usize,
}

impl Json<'_> {
    fn refused(&self, why: &str) -> String {
        format!("the text is no JSON: {why}, at byte {}", self.at)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn takes(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Outcome {
        if depth > DEEPEST {
            return Err(self.refused("it is nested too deeply"));
        }
        for (word, value) in [("null", Value::NULL), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.takes(word) {
                return Ok(value);
            }
        }
        match self.rest().as_bytes().first() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::string(&self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.refused("a value is missing")),
        }
    }

    fn number(&mut self) -> Outcome {
        let rest = self.rest();
        let end = rest.find(|it: char| !it.is_ascii_digit() && !matches!(it, '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let text = &rest[..end];
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole: &str = digits.split(['.', 'e', 'E']).next().unwrap_or_default();
        let is_number = !whole.is_empty() && (whole == "0" || !whole.starts_with('0')) && !digits.contains(".e") && !digits.ends_with('.');
        match Number::parse(text).filter(|_| is_number) {
            Some(number) => {
                self.at += end;
                Value::number(number)
            }
            None => Err(self.refused("a number is not well formed")),
        }
    }

    fn array(&mut self, depth: usize) -> Outcome {
        self.at += 1;
        let mut items = Vec::new();
        if self.takes("]") {
            return Value::tuple(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.takes("]") {
                return Value::tuple(items);
            }
            if !self.takes(",") {
                return Err(self.refused("a comma is missing"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Outcome {
        self.at += 1;
        let mut entries = BTreeMap::new();
        if self.takes("}") {
            return Value::object(entries);
        }
        loop {
            self.blanks();
            let key = self.string()?;
            if !self.takes(":") {
                return Err(self.refused("a colon is missing"));
            }
            entries.insert(normal(&key), self.value(depth + 1)?);
            if self.takes("}") {
                return Value::object(entries);
            }
            if !self.takes(",") {
                return Err(self.refused("a comma is missing"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.rest().starts_with('"') {
            return Err(self.refused("a text is missing"));
        }
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(character) = self.rest().chars().next() else { return Err(self.refused("a text does not end")) };
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                '\0'..='\u{1f}' => return Err(self.refused("a control character is not escaped")),
                character => out.push(character),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let Some(character) = self.rest().chars().next() else { return Err(self.refused("a text does not end")) };
        self.at += character.len_utf8();
        Ok(match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.unit()?;
                if (0xd800..0xdc00).contains(&high) && self.rest().starts_with("\\u") {
                    let before = self.at;
                    self.at += 2;
                    let low = self.unit()?;
                    if let Some(Ok(both)) = char::decode_utf16([high, low]).next() {
                        return Ok(both);
                    }
                    self.at = before;
                }
                char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.refused("there is no such escape")),
        })
    }

    fn unit(&mut self) -> Result<u16, String> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.refused("an escape is not well formed"))?;
        self.at += 4;
        Ok(unit)
    }
}

pub(super) fn yamlencode(arguments: &[Value]) -> Outcome {
    let mut emitter = Emitter::new(Format::V2, Vec::new());
    emitter.begin_document("");
    write_yaml(value_at(arguments, 0)?, &mut emitter).map_err(|error| error.0)?;
    emitter.end_document("");
    Ok(Value::string(&String::from_utf8_lossy(&emitter.finish())))
}

fn write_yaml(value: &Value, emitter: &mut Emitter<'_>) -> Result<(), EmitError> {
    if let Some(items) = value.items() {
        emitter.begin_sequence(items.is_empty(), false, &Properties::NONE, &Comments::NONE)?;
        for item in items {
            write_yaml(item, emitter)?;
        }
        emitter.end_sequence(&Comments::NONE);
        return Ok(());
    }
    if let Some(entries) = value.entries() {
        emitter.begin_mapping(entries.is_empty(), false, &Properties::NONE, &Comments::NONE)?;
        for (key, item) in entries {
            write_yaml(&Value::String(Rc::clone(key)), emitter)?;
            write_yaml(item, emitter)?;
        }
        emitter.end_mapping(&Comments::NONE);
        return Ok(());
    }
    let (text, style) = match value {
        Value::Bool(value) => (value.to_string(), ScalarStyle::Plain),
        Value::Number(number) => (number.plain(), ScalarStyle::Plain),
        Value::String(text) if text.contains('\n') => (text.to_string(), ScalarStyle::Literal),
        Value::String(text) => (text.to_string(), ScalarStyle::DoubleQuoted),
        _ => ("null".to_owned(), ScalarStyle::Plain),
    };
    emitter.scalar(&text, style, &Properties::NONE, &Comments::NONE)
}

pub(super) fn yamldecode(arguments: &[Value]) -> Outcome {
    let text = text_at(arguments, 0)?;
    decode(text.as_bytes(), Options { json: false, ..Options::SIGS }, &mut FromYaml).map_err(|error| error.to_string())?
}

/// Builds values of cty.
struct FromYaml;

impl Build for FromYaml {
    type Value = Outcome;
    type Key = Rc<str>;

    fn scalar(&mut self, scalar: Scalar<'_>) -> Outcome {
        match scalar {
            Scalar::Null => Ok(Value::NULL),
            Scalar::Bool(value) => Ok(Value::Bool(value)),
            Scalar::Int(value) => Ok(Value::Number(Number::integer(value))),
            Scalar::Uint(value) => Value::number(Number::big_integer(value.into())),
            Scalar::Float(value) => match Number::parse(&value.to_string()) {
                Some(number) => Value::number(number),
                None => Err("infinities are not supported".to_owned()),
            },
            Scalar::Str(text) => Ok(Value::string(&text)),
            Scalar::Timestamp(text) => Ok(Value::string(text)),
            Scalar::Merge => Ok(Value::string("<<")),
        }
    }

    fn key(&mut self, text: &str) -> Rc<str> {
        normal(text)
    }

    fn sequence(&mut self, items: Vec<Outcome>) -> Outcome {
        Value::tuple(items.into_iter().collect::<Result<_, _>>()?)
    }

    fn mapping(&mut self, entries: Vec<(Rc<str>, Outcome)>) -> Outcome {
        let entry = |(key, value): (Rc<str>, Outcome)| value.map(|value| (key, value));
        Value::object(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
    }
}

/// A list of objects, whose attributes are named by the first line.
pub(super) fn csvdecode(arguments: &[Value]) -> Outcome {
    let mut records = records(text_at(arguments, 0)?)?.into_iter();
    let (_, headers) = records.next().ok_or("the line with the names is missing")?;
    let mut kinds = BTreeMap::new();
    for name in &headers {
        if kinds.insert(normal(name), Type::String).is_some() {
            return Err(format!("two columns are called {name:?}"));
        }
    }
    let mut rows = Vec::new();
    for (line, fields) in records {
        if fields.len() != headers.len() {
            return Err(format!("line {line} has {} fields, and there are {} names", fields.len(), headers.len()));
        }
        let entries = headers.iter().zip(&fields).map(|(name, field)| (normal(name), Value::string(field)));
        rows.push(Value::object(entries.collect())?);
    }
    Value::list(Type::Object(Rc::new(kinds)), rows)
}

/// The records of a CSV text with their lines, as Go's `encoding/csv` reads them. Blank lines are none.
fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
    let text = text.replace("\r\n", "\n");
    let mut records = Vec::new();
    let (mut rest, mut line) = (text.as_str(), 1);
    while !rest.is_empty() {
        if let Some(next) = rest.strip_prefix('\n') {
            (rest, line) = (next, line + 1);
            continue;
        }
        let (start, mut fields) = (line, Vec::new());
        loop {
            let field;
            (field, rest) = if let Some(quoted) = rest.strip_prefix('"') { quoted_field(quoted, line)? } else { plain_field(rest, line)? };
            line += field.matches('\n').count();
            fields.push(field);
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        (rest, line) = (rest.strip_prefix('\n').unwrap_or(rest), line + 1);
        records.push((start, fields));
    }
    Ok(records)
}

fn plain_field(rest: &str, line: usize) -> Result<(String, &str), String> {
    let end = rest.find([',', '\n']).unwrap_or(rest.len());
    if rest[..end].contains('"') {
        return Err(format!("line {line} has a quote within a field"));
    }
    Ok((rest[..end].to_owned(), &rest[end..]))
}

fn quoted_field(mut rest: &str, line: usize) -> Result<(String, &str), String> {
    let mut field = String::new();
    loop {
        let Some(end) = rest.find('"') else { return Err(format!("line {line} has a quote that is not closed")) };
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.as_bytes().first() {
            Some(b'"') => {
                field.push('"');
                rest = &rest[1..];
            }
            None | Some(b',' | b'\n') => return Ok((field, rest)),
            Some(_) => return Err(format!("line {line} has something behind a quoted field")),
        }
    }
}
