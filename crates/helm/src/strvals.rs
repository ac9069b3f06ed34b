//! `--set` and its relatives: the little language of `pkg/strvals`.
//!
//! `a.b=1,c[0].d=x,e={f,g}`: names nested by dots, list positions in brackets, lists in braces, `\` quotes. The parsers
//! change the given values in place, as Helm's do, and fail with Helm's texts.

use hydrate_chart::Level;
use hydrate_gotmpl::GoVersion;
use hydrate_gotmpl::decode::{Numbers, first_from_json};
use hydrate_gotmpl::{List, Map, Value};

/// The largest list position.
const MAX_INDEX: i64 = 65536;
/// The deepest nesting of names.
const MAX_NESTING: usize = 30;

/// How the value after `=` is read.
pub(crate) enum ValueSyntax<'a> {
    /// `--set`: numbers, booleans and null are recognised.
    Typed,
    /// `--set-string`: everything is text.
    Text,
    /// `--set-json`: a JSON value each.
    Json,
    /// `--set-file`: the text names something that the function reads.
    Through(&'a dyn Fn(&str) -> Result<Value, String>),
    /// `--set-literal`: everything after the first `=` is the text.
    Literal,
}

/// Applies one argument to `values`.
pub(crate) fn apply(argument: &str, values: &Map, reading: &ValueSyntax<'_>, level: Level) -> Result<(), String> {
    let mut parser = Parser { text: argument.chars().collect(), at: 0, reading, level };
    loop {
        match parser.key(values, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(text)) => return Err(text),
        }
    }
}

/// Why a parser stopped: the end of the text is part of the language.
enum Stop {
    End,
    Error(String),
}

impl From<String> for Stop {
    fn from(text: String) -> Self {
        Self::Error(text)
    }
}

struct Parser<'a> {
    text: Vec<char>,
    at: usize,
    reading: &'a ValueSyntax<'a>,
    level: Level,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.text.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn literal(&self) -> bool {
        matches!(self.reading, ValueSyntax::Literal)
    }

    /// Reads up to one of `stops`, which is consumed and given; `None` at the end of the text.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut read = String::new();
        while let Some(c) = self.next() {
            if stops.contains(&c) {
                return (read, Some(c));
            }
            if c == '\\' && !self.literal() {
                match self.next() {
                    Some(quoted) => read.push(quoted),
                    None => return (read, None),
                }
            } else {
                read.push(c);
            }
        }
        (read, None)
    }

    fn key(&mut self, values: &Map, nesting: usize) -> Result<(), Stop> {
        let stops: &[char] = if self.literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (name, stop) = self.until(stops);
        match stop {
            None if name.is_empty() => Err(Stop::End),
            None => Err(format!("key {name:?} has no value").into()),
            Some('[') => self.list_key(values, &name, nesting),
            Some('=') => self.assignment(values, &name),
            Some(',') => {
                set(values, &name, Value::str(""));
                Err(format!("key {name:?} has no value (cannot end with ,)").into())
            }
            Some(_) => self.nested_key(values, &name, nesting + 1),
        }
    }

    fn list_key(&mut self, values: &Map, name: &str, nesting: usize) -> Result<(), Stop> {
        let index = self.index()?;
        let mut items = match values.get(name.as_bytes()) {
            None => Vec::new(),
            Some(Value::List(list)) => list.items().clone(),
            Some(other) => return Err(wrong_type(&other, "[]interface {}").into()),
        };
        let outcome = self.list_item(&mut items, index, nesting);
        set(values, name, Value::List(List::new(items)));
        outcome
    }

    fn nested_key(&mut self, values: &Map, name: &str, nesting: usize) -> Result<(), Stop> {
        if nesting > MAX_NESTING {
            return Err(format!("value name nested level is greater than maximum supported nested level of {MAX_NESTING}").into());
        }
        let inner = match values.get(name.as_bytes()) {
            None => Map::new(),
            Some(Value::Map(map)) => map,
            Some(other) => return Err(wrong_type(&other, "map[string]interface {}").into()),
        };
        let outcome = self.key(&inner, nesting);
        if outcome.is_ok() && inner.is_empty() {
            return Err(format!("key map {name:?} has no value").into());
        }
        if !inner.is_empty() {
            set(values, name, Value::Map(inner));
        }
        outcome
    }

    fn assignment(&mut self, values: &Map, name: &str) -> Result<(), Stop> {
        match self.reading {
            ValueSyntax::Json => {
                let value = self.json()?;
                set(values, name, value.unwrap_or_default());
                self.skip_separator();
                Ok(())
            }
            ValueSyntax::Literal => {
                let (text, _) = self.until(&[]);
                set(values, name, Value::str(text));
                Ok(())
            }
            _ if self.at == self.text.len() => {
                set(values, name, Value::str(""));
                Err(Stop::End)
            }
            _ => match self.braces() {
                Some(list) => {
                    set(values, name, list?);
                    Ok(())
                }
                None => {
                    let (text, _) = self.until(&[',']);
                    // Helm sets nil before it gives up, but then nobody looks at the values any more.
                    set(values, name, self.typed(&text)?);
                    Ok(())
                }
            },
        }
    }

    fn list_item(&mut self, items: &mut Vec<Value>, index: i64, nesting: usize) -> Result<(), Stop> {
        if index < 0 {
            return Err(format!("negative {index} index not allowed").into());
        }
        let (junk, stop) = self.until(&['[', '.', '=']);
        if !junk.is_empty() {
            let runes: Vec<String> = junk.chars().map(quoted_rune).collect();
            return Err(format!("unexpected data at end of array index: [{}]", runes.join(" ")).into());
        }
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let value = self.item_value()?;
                set_index(items, index, value)
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = match item(items, index) {
                    None | Some(Value::Nil) => Vec::new(),
                    Some(Value::List(list)) => list.items().clone(),
                    Some(other) => return Err(wrong_type(&other, "[]interface {}").into()),
                };
                self.list_item(&mut inner, next, nesting)?;
                set_index(items, index, Value::List(List::new(inner)))
            }
            Some(_) => {
                let inner = match item(items, index) {
                    Some(Value::Map(map)) => map,
                    Some(_) => {
                        let fresh = Map::new();
                        set_index(items, index, Value::Map(fresh.clone()))?;
                        fresh
                    }
                    None => Map::new(),
                };
                self.key(&inner, nesting)?;
                set_index(items, index, Value::Map(inner))
            }
        }
    }

    fn item_value(&mut self) -> Result<Value, Stop> {
        match self.reading {
            ValueSyntax::Json => {
                let value = self.json()?;
                self.skip_separator();
                Ok(value.unwrap_or_default())
            }
            ValueSyntax::Literal => Ok(Value::str(self.until(&[]).0)),
            _ if self.at == self.text.len() => Ok(Value::str("")),
            _ => match self.braces() {
                Some(list) => list,
                None => {
                    let (text, _) = self.until(&[',']);
                    self.typed(&text)
                }
            },
        }
    }

    fn index(&mut self) -> Result<i64, Stop> {
        let (digits, stop) = self.until(&[']']);
        if stop.is_none() {
            // Helm 4 takes an index without an end for the end of the text.
            return Err(if self.level == Level::V4 { Stop::End } else { "error parsing index: EOF".to_owned().into() });
        }
        let error = |why: &str| format!("error parsing index: strconv.Atoi: parsing {digits:?}: {why}");
        let number = digits.strip_prefix('+').unwrap_or(&digits);
        let well_formed = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !well_formed(number.strip_prefix('-').unwrap_or(number)) || number.starts_with('-') && digits.starts_with('+') {
            return Err(error("invalid syntax").into());
        }
        number.parse().map_err(|_| error("value out of range").into())
    }

    /// A list in braces, where there is one.
    fn braces(&mut self) -> Option<Result<Value, Stop>> {
        if self.text.get(self.at) != Some(&'{') {
            return None;
        }
        self.at += 1;
        Some(self.brace_items())
    }

    fn brace_items(&mut self) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            if stop.is_none() {
                return Err("list must terminate with '}'".to_owned().into());
            }
            if stop == Some('}') && self.text.get(self.at) == Some(&',') {
                self.at += 1;
            }
            items.push(self.typed(&text)?);
            if stop == Some('}') {
                return Ok(Value::List(List::new(items)));
            }
        }
    }

    fn typed(&self, text: &str) -> Result<Value, Stop> {
        match self.reading {
            ValueSyntax::Through(read) => Ok(read(text)?),
            ValueSyntax::Typed => Ok(typed(text)),
            _ => Ok(Value::str(text)),
        }
    }

    /// The JSON value at this place; `None` where there is nothing before the comma or the end.
    fn json(&mut self) -> Result<Option<Value>, Stop> {
        if self.skip_separator() {
            return Ok(None);
        }
        let rest: String = self.text[self.at..].iter().collect();
        if rest.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            return Err(Stop::End);
        }
        let (value, read) = first_from_json(GoVersion::default(), rest.as_bytes(), Numbers::Float64)?;
        self.at += rest.get(..read).map_or(0, |text| text.chars().count());
        Ok(Some(value))
    }

    /// Skips white space and one comma; whether it came to a comma or the end.
    fn skip_separator(&mut self) -> bool {
        while let Some(&c) = self.text.get(self.at) {
            if !c.is_whitespace() && c != ',' {
                return false;
            }
            self.at += 1;
            if c == ',' {
                return true;
            }
        }
        true
    }
}

fn set(values: &Map, name: &str, value: Value) {
    if !name.is_empty() {
        values.insert(name, value);
    }
}

fn item(items: &[Value], index: i64) -> Option<Value> {
    usize::try_from(index).ok().and_then(|index| items.get(index)).cloned()
}

fn set_index(items: &mut Vec<Value>, index: i64, value: Value) -> Result<(), Stop> {
    if index > MAX_INDEX {
        return Err(format!("index of {index} is greater than maximum supported index of {MAX_INDEX}").into());
    }
    let Ok(at) = usize::try_from(index) else { return Err(format!("negative {index} index not allowed").into()) };
    if items.len() <= at {
        items.resize(at + 1, Value::Nil);
    }
    items[at] = value;
    Ok(())
}

/// The text of Go's failed type assertion, which Helm catches.
fn wrong_type(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Nil => "nil",
        other => other.type_name(),
    };
    format!("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")
}

fn typed(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Nil;
    }
    if text == "0" {
        return Value::Int64(0);
    }
    let number = text.strip_prefix('+').unwrap_or(text);
    let unsigned = number.strip_prefix('-').filter(|_| number.len() == text.len()).unwrap_or(number);
    if !text.starts_with('0')
        && !unsigned.is_empty()
        && unsigned.bytes().all(|b| b.is_ascii_digit())
        && let Ok(number) = number.parse()
    {
        return Value::Int64(number);
    }
    Value::str(text)
}

/// `strconv.QuoteRune`
fn quoted_rune(rune: char) -> String {
    match rune {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        rune => format!("'{}'", hydrate_gotmpl::fmt::quote(rune.to_string().as_bytes()).trim_matches('"')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_gotmpl::encode;

    fn set(argument: &str) -> String {
        with(argument, &ValueSyntax::Typed)
    }

    fn with(argument: &str, reading: &ValueSyntax<'_>) -> String {
        let values = Map::new();
        match apply(argument, &values, reading, Level::V3) {
            Ok(()) => String::from_utf8(encode::to_json(&Value::Map(values), hydrate_gotmpl::GoVersion::Go1_27).unwrap()).unwrap(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn names_lists_and_types() {
        assert_eq!(set("a=1,b.c=x,d={1,y},e[1].f=true"), r#"{"a":1,"b":{"c":"x"},"d":[1,"y"],"e":[null,{"f":true}]}"#);
        assert_eq!(set(r"a\.b=c\,d"), r#"{"a.b":"c,d"}"#);
        assert_eq!(set("a=0,b=012,c=null,d=+5,e=-5,f="), r#"{"a":0,"b":"012","c":null,"d":5,"e":-5,"f":""}"#);
        assert_eq!(set("a[0][1]=x"), r#"{"a":[[null,"x"]]}"#);
    }

    #[test]
    fn other_readings() {
        assert_eq!(with("a=1", &ValueSyntax::Text), r#"{"a":"1"}"#);
        assert_eq!(with("a=1,b={c}", &ValueSyntax::Literal), r#"{"a":"1,b={c}"}"#);
        assert_eq!(with(r#"a={"b":[1]}, c=,d="x""#, &ValueSyntax::Json), r#"{" c":null,"a":{"b":[1]},"d":"x"}"#);
    }

    #[test]
    fn errors_have_helm_s_texts() {
        assert_eq!(set("a"), "error: key \"a\" has no value");
        assert_eq!(set("a,b=1"), "error: key \"a\" has no value (cannot end with ,)");
        assert_eq!(set("a[-1]=1"), "error: negative -1 index not allowed");
        assert_eq!(set("a[x]=1"), "error: error parsing index: strconv.Atoi: parsing \"x\": invalid syntax");
        assert_eq!(set("a[70000]=1"), "error: index of 70000 is greater than maximum supported index of 65536");
        assert_eq!(set("a={1"), "error: list must terminate with '}'");
        let conversion = "error: unable to parse key: interface conversion: interface {} is string, not ";
        assert_eq!(set("a=x,a.b=1"), format!("{conversion}map[string]interface {{}}"));
        assert_eq!(set("a=x,a[0]=1"), format!("{conversion}[]interface {{}}"));
    }
}
