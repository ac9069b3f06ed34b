//! The shapes of the configuration files: one table from which checking, "did you mean" and the JSON Schemas come.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};

use hydrate_base::{Diagnostic, SourceFile, place, suggest};
use hydrate_yaml::node::{Data, Node, Tag};

/// What may stand at a place of a configuration file.
#[derive(Debug)]
pub enum Shape {
    /// A string.
    Text,
    /// A string of a kind.
    Like(&'static Pattern),
    /// `true` or `false`, in the spellings of YAML 1.2's core schema.
    Bool,
    /// A whole number, zero or more.
    Count,
    /// A count, or a share of something: `25%`.
    Share,
    /// Whatever YAML can say.
    Anything,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list.
    List(&'static Shape),
    /// A mapping from free keys.
    MapOf(&'static Shape),
    /// A mapping of known keys.
    Object(&'static [Key]),
    /// A mapping of exactly one of these keys.
    OneOf(&'static [Key]),
    /// A short form (first, a scalar or list) or a long form (second).
    Either(&'static Shape, &'static Shape),
}

/// A kind of strings.
#[derive(Debug)]
pub struct Pattern {
    /// Whether a string is one of them.
    pub is: fn(&str) -> bool,
    /// What it is called: "a namespace".
    pub what: &'static str,
    /// How to write one.
    pub help: &'static str,
    /// The same as a regular expression of JSON Schema.
    pub regex: &'static str,
}

/// What a scalar says as a boolean: `true`, `True`, `TRUE`, `false`, `False`, `FALSE`, none of them in quotes. Nothing else is one.
pub fn boolean(node: &Node) -> Option<bool> {
    match node.as_str().filter(|_| node.tag == Tag::Bool)? {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// What a scalar says as a whole number, zero or more, in decimal digits.
pub fn count(node: &Node) -> Option<usize> {
    node.as_str().filter(|text| node.tag == Tag::Int && text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

/// What a scalar says as a share: `25%` is 25.
pub fn share(node: &Node) -> Option<usize> {
    let digits = node.as_str().filter(|_| node.tag == Tag::Str)?.strip_suffix('%')?;
    let is_plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|share| is_plain && *share <= 100)
}

/// One key of a mapping.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// What it is for; shown by editors.
    pub doc: &'static str,
    /// Whether it must be there.
    pub required: bool,
}

/// A key that may be left out.
pub const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc, required: false }
}

/// A key that must be there.
pub const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc, required: true }
}

/// Checks a document against its shape and returns everything that is wrong with it.
pub fn check(file: &Arc<SourceFile>, root: &Node, shape: &Shape) -> Vec<Box<Diagnostic>> {
    let mut checker = Checker { file, wrong: Vec::new() };
    checker.check(root, shape, "");
    checker.wrong
}

/// The bytes of a node in its file: the scalar or key, or the first line of a collection.
pub fn span(file: &SourceFile, node: &Node) -> Range<usize> {
    let start = place::byte_at(&file.text, node.line, node.column);
    place::token(&file.text, start, node.as_str())
}

struct Checker<'a> {
    file: &'a Arc<SourceFile>,
    wrong: Vec<Box<Diagnostic>>,
}

impl Checker<'_> {
    /// `path` is where the node stands, such as `sources[0].helm`; empty for the root.
    fn check(&mut self, node: &Node, shape: &Shape, path: &str) {
        match (shape, &node.data) {
            (Shape::Anything, _) => {}
            (Shape::Text, Data::Scalar(_)) if node.tag == Tag::Str => {}
            (Shape::Like(pattern), Data::Scalar(text)) if node.tag == Tag::Str => self.check_pattern(node, pattern, text),
            (Shape::Bool, Data::Scalar(_)) if boolean(node).is_some() => {}
            (Shape::Count | Shape::Share, Data::Scalar(_)) if count(node).is_some() => {}
            (Shape::Share, Data::Scalar(_)) if share(node).is_some() => {}
            // Nothing is neither true nor false, and which of them it would be as depends on the key.
            (Shape::Bool, _) => self.wrong_type(node, shape, path),
            (Shape::Choice(words), Data::Scalar(text)) if node.tag == Tag::Str => self.check_choice(node, words, text, path),
            (Shape::List(item), Data::Sequence(items)) => {
                for (index, node) in items.iter().enumerate() {
                    self.check(node, item, &format!("{path}[{index}]"));
                }
            }
            (Shape::MapOf(value), Data::Mapping(entries)) => {
                self.check_twice(entries);
                for (key, node) in entries {
                    self.check(node, value, &join(path, key.as_str().unwrap_or("?")));
                }
            }
            (Shape::Object(keys), Data::Mapping(entries)) => self.check_object(node, keys, entries, path),
            (Shape::OneOf(keys), Data::Mapping(entries)) => self.check_one_of(node, keys, entries, path),
            (Shape::Either(short, long), data) => {
                let shape = if matches!(data, Data::Mapping(_)) == matches!(long, Shape::Object(_)) { long } else { short };
                self.check(node, shape, path);
            }
            // A key with nothing after it is as if it were not there, whatever it takes.
            (_, Data::Scalar(_)) if node.tag == Tag::Null && !path.is_empty() && !path.ends_with(']') => {}
            _ => self.wrong_type(node, shape, path),
        }
    }

    fn check_choice(&mut self, node: &Node, words: &[&'static str], text: &str, path: &str) {
        if words.contains(&text) {
            return;
        }
        let mut error = self.error(node, format!("`{path}` cannot be `{text}`"), suggestion(text, words.iter().copied()));
        error.help.push(format!("it is one of: {}", words.join(", ")));
        self.wrong.push(error);
    }

    fn check_pattern(&mut self, node: &Node, pattern: &Pattern, text: &str) {
        if !(pattern.is)(text) {
            let error = self.error(node, format!("`{text}` is not {}", pattern.what), String::new());
            self.wrong.push(error.help(pattern.help));
        }
    }

    fn check_object(&mut self, node: &Node, keys: &[Key], entries: &[(Node, Node)], path: &str) {
        self.check_twice(entries);
        for (name, value) in entries {
            match keys.iter().find(|key| name.as_str() == Some(key.name)) {
                Some(key) => self.check(value, &key.shape, &join(path, key.name)),
                None => self.unknown(name, keys, path),
            }
        }
        for key in keys.iter().filter(|key| key.required && node.get(key.name).is_none()) {
            let of = if path.is_empty() { String::new() } else { format!(" of `{path}`") };
            let error = self.error(node, format!("the key `{}`{of} is missing", key.name), String::new());
            self.wrong.push(error.help(format!("`{}`: {}", key.name, key.doc)));
        }
    }

    fn check_one_of(&mut self, node: &Node, keys: &[Key], entries: &[(Node, Node)], path: &str) {
        let unknown_before = self.wrong.len();
        self.check_object(node, keys, entries, path);
        let known = entries.iter().filter(|(name, _)| keys.iter().any(|key| name.as_str() == Some(key.name)));
        let found: Vec<&str> = known.filter_map(|(name, _)| name.as_str()).collect();
        let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
        if found.len() > 1 {
            let error = self.error(node, format!("`{path}` says both `{}` and `{}`", found[0], found[1]), String::new());
            self.wrong.push(error.help("make them two entries of the list; they are rendered in its order"));
        } else if found.is_empty() && self.wrong.len() == unknown_before {
            let error = self.error(node, format!("`{path}` says nothing to render"), String::new());
            self.wrong.push(error.help(format!("it takes one of: {}", names.join(", "))));
        }
    }

    fn check_twice(&mut self, entries: &[(Node, Node)]) {
        for (index, (name, _)) in entries.iter().enumerate() {
            let first = entries.iter().take(index).find(|(other, _)| other.as_str().is_some() && other.as_str() == name.as_str());
            if let Some((first, _)) = first {
                let text = name.as_str().unwrap_or_default();
                let error = self.error(name, format!("the key `{text}` is given twice"), String::new());
                self.wrong.push(error.also(self.file, span(self.file, first), "first given here"));
            }
        }
    }

    fn unknown(&mut self, name: &Node, keys: &[Key], path: &str) {
        let text = name.as_str().unwrap_or("(not text)");
        let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
        let mut error = self.error(name, format!("unknown key `{text}`{place}"), suggestion(text, known.iter().copied()));
        error.help.push(format!("known keys: {}", known.join(", ")));
        self.wrong.push(error);
    }

    fn wrong_type(&mut self, node: &Node, shape: &Shape, path: &str) {
        let what = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
        let message = format!("{what} must be {}, not {}", wanted(shape), found(node));
        let mut error = self.error(node, message, String::new());
        error.help.extend(repair(node, shape));
        self.wrong.push(error);
    }

    fn error(&self, node: &Node, message: String, label: String) -> Box<Diagnostic> {
        Diagnostic::error(message).at(self.file, span(self.file, node), label)
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn suggestion<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    suggest::closest(text, known).map(|word| format!("did you mean `{word}`?")).unwrap_or_default()
}

fn wanted(shape: &Shape) -> String {
    match shape {
        Shape::Text | Shape::Choice(_) | Shape::Like(_) => "a string".to_owned(),
        Shape::Bool => "true or false".to_owned(),
        Shape::Count => "a whole number that is not negative".to_owned(),
        Shape::Share => "a whole number that is not negative, or a share such as 25%".to_owned(),
        Shape::Anything => "anything".to_owned(),
        Shape::List(item) => format!("a list of {}", wanted_many(item)),
        Shape::MapOf(_) | Shape::Object(_) | Shape::OneOf(_) => "a mapping".to_owned(),
        Shape::Either(short, long) => format!("{} or {}", wanted(short), wanted(long)),
    }
}

fn wanted_many(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text | Shape::Choice(_) | Shape::Like(_) => "strings",
        Shape::Object(_) | Shape::OneOf(_) | Shape::MapOf(_) => "mappings",
        _ => "values",
    }
}

fn found(node: &Node) -> &'static str {
    match (&node.data, &node.tag) {
        (Data::Sequence(_), _) => "a list",
        (Data::Mapping(_), _) => "a mapping",
        (Data::Alias(_), _) => "an alias",
        (_, Tag::Null) => "nothing",
        (_, Tag::Bool) => "a boolean",
        (_, Tag::Int | Tag::Float) => "a number",
        (_, Tag::Str) => "a string",
        _ => "a tagged value",
    }
}

/// How to write what was probably meant.
fn repair(node: &Node, shape: &Shape) -> Option<String> {
    let text = node.as_str()?;
    match shape {
        Shape::Text | Shape::Choice(_) | Shape::Like(_) if node.tag != Tag::Null => Some(format!("put it in quotes: \"{text}\"")),
        Shape::List(Shape::Text) if node.tag == Tag::Str => Some(format!("write it as a list: [{text}]")),
        Shape::Bool => Some("write true or false, without quotes".to_owned()),
        _ => None,
    }
}

/// The JSON Schema (draft 2020-12) of a file of this shape.
pub fn json_schema(title: &str, description: &str, shape: &Shape) -> Json {
    let mut schema = JsonMap::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!(title));
    schema.insert("description".to_owned(), json!(description));
    schema.extend(schema_of(shape));
    Json::Object(schema)
}

fn schema_of(shape: &Shape) -> JsonMap<String, Json> {
    let schema = match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Like(pattern) => json!({"type": "string", "pattern": pattern.regex}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Share => json!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^(100|[0-9]{1,2})%$"}]}),
        Shape::Anything => json!({}),
        Shape::Choice(words) => json!({"enum": words}),
        Shape::List(item) => json!({"type": "array", "items": schema_of(item)}),
        Shape::MapOf(value) => json!({"type": "object", "additionalProperties": schema_of(value)}),
        Shape::Object(keys) => object_schema(keys),
        Shape::OneOf(keys) => {
            let mut schema = object_schema(keys);
            schema["minProperties"] = json!(1);
            schema["maxProperties"] = json!(1);
            schema
        }
        Shape::Either(short, long) => json!({"anyOf": [schema_of(short), schema_of(long)]}),
    };
    match schema {
        Json::Object(map) => map,
        _ => JsonMap::new(),
    }
}

fn object_schema(keys: &[Key]) -> Json {
    let mut properties = JsonMap::new();
    for key in keys {
        let mut schema = JsonMap::new();
        schema.insert("description".to_owned(), json!(key.doc));
        schema.extend(schema_of(&key.shape));
        properties.insert(key.name.to_owned(), Json::Object(schema));
    }
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

#[cfg(test)]
mod tests;
