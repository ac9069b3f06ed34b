//! A document of a helmfile, read into its structs: unknown keys and other types are errors with their place.

use std::collections::BTreeMap;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, place, suggest};
use hydrate_gotmpl::{List, Map, Str, Value};
use hydrate_yaml::node::{Data, Node, ScalarStyle, Tag};
use hydrate_yaml::{Input, resolve};

use super::tables::{HELMFILE, INHERIT};
use super::{Field, FieldKind, Struct};
use crate::{Version, yaml};

/// How many values a document may have, those that aliases stand for counted again.
const MOST_VALUES: usize = 2_000_000;

/// Reads all documents of a text as structs.
///
/// # Errors
/// What is no YAML, unknown keys, other types.
pub(crate) fn read(file: &Arc<SourceFile>, of: &'static Struct, version: Version) -> Result<Vec<Map>> {
    read_as(file, of, version, true)
}

/// The same, but unknown keys are passed over.
///
/// # Errors
/// What is no YAML, other types.
pub(crate) fn read_known(file: &Arc<SourceFile>, of: &'static Struct, version: Version) -> Result<Vec<Map>> {
    read_as(file, of, version, false)
}

fn read_as(file: &Arc<SourceFile>, of: &'static Struct, version: Version, is_strict: bool) -> Result<Vec<Map>> {
    let help = |wrong: Box<Diagnostic>| if is_unexecuted_template(file, version) { wrong.help(TEMPLATES) } else { wrong };
    read_documents(file, of, version, is_strict).map_err(help)
}

fn read_documents(file: &Arc<SourceFile>, of: &'static Struct, version: Version, is_strict: bool) -> Result<Vec<Map>> {
    let input = Input::new(&file.text);
    let documents: Vec<_> = hydrate_yaml::Composer::new(&input).collect::<std::result::Result<_, _>>().map_err(|error| {
        let line = error.mark.line as usize + 1;
        Diagnostic::error(format!("{} is no YAML: {error}", file.name)).at(file, file.line_range(line), "")
    })?;
    let mut anchors = BTreeMap::new();
    documents.iter().filter_map(|document| document.root.as_ref()).for_each(|root| find_anchors(root, &mut anchors));
    let mut reader = Reader { file, version, is_strict, anchors, values: 0, following: Vec::new() };
    let roots = documents.iter().filter_map(|document| document.root.as_ref());
    roots.filter(|root| root.tag != Tag::Null).map(|root| reader.structure(root, of)).collect()
}

/// What helps who has a helmfile that was written for helmfile 0.
const TEMPLATES: &str = "it holds templates, which helmfile 1 executes only in files that end in .gotmpl: rename it, or let `helmfile: v0` in hydrate.yaml (--compat v0 of `hydrate helmfile`) execute them everywhere";

/// Whether it seems to be written for a release that executes every helmfile as a template.
fn is_unexecuted_template(file: &SourceFile, version: Version) -> bool {
    version == Version::V1 && !file.name.ends_with(".gotmpl") && file.text.windows(2).any(|two| two == b"{{")
}

fn find_anchors<'n>(node: &'n Node, anchors: &mut BTreeMap<&'n str, &'n Node>) {
    if let Some(extra) = node.extra.as_ref().filter(|extra| !extra.anchor.is_empty()) {
        anchors.insert(&extra.anchor, node);
    }
    match &node.data {
        Data::Sequence(items) => items.iter().for_each(|item| find_anchors(item, anchors)),
        Data::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            find_anchors(key, anchors);
            find_anchors(value, anchors);
        }),
        Data::Scalar(_) | Data::Alias(_) => {}
    }
}

struct Reader<'n> {
    file: &'n Arc<SourceFile>,
    version: Version,
    is_strict: bool,
    anchors: BTreeMap<&'n str, &'n Node>,
    values: usize,
    following: Vec<&'n str>,
}

impl<'n> Reader<'n> {
    fn error(&self, node: &Node, message: impl Into<String>) -> Box<Diagnostic> {
        let start = place::byte_at(&self.file.text, node.line, node.column);
        let span = place::token(&self.file.text, start, node.as_str());
        Diagnostic::error(message).at(self.file, span, "")
    }

    /// What an alias stands for.
    fn resolved<T>(&mut self, node: &'n Node, work: impl FnOnce(&mut Self, &'n Node) -> Result<T>) -> Result<T> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(self.error(node, "the document has too many values, most of them by aliases"));
        }
        let Data::Alias(name) = &node.data else { return work(self, node) };
        let Some(&target) = self.anchors.get(name.as_str()) else {
            return Err(self.error(node, format!("unknown anchor '{name}' referenced")));
        };
        if self.following.contains(&name.as_str()) {
            return Err(self.error(node, format!("anchor '{name}' value contains itself")));
        }
        self.following.push(name);
        let outcome = self.resolved(target, work);
        self.following.pop();
        outcome
    }

    fn structure(&mut self, node: &'n Node, of: &'static Struct) -> Result<Map> {
        self.resolved(node, |reader, node| {
            let map = Map::new();
            for (key, value) in reader.entries(node, of.go)? {
                let name = key.as_str().unwrap_or_default();
                let field = match of.field(name, reader.version) {
                    Some(field) => field,
                    None if reader.is_strict => return Err(reader.unknown(key, name, of)),
                    None => continue,
                };
                if let Some(value) = reader.field(value, field)? {
                    map.insert(field.name, value);
                }
            }
            Ok(map)
        })
    }

    fn unknown(&self, key: &Node, name: &str, of: &'static Struct) -> Box<Diagnostic> {
        let known = of.fields.iter().filter(|field| field.is_known(self.version)).map(|field| field.name);
        let error = self.error(key, format!("field {name} not found in type {}", of.go));
        let error = match of.fields.iter().find(|field| field.name == name) {
            Some(field) if field.first > self.version => error.note("helmfile knows it since 1.0, and `v0` is followed here"),
            Some(_) => error.note("helmfile has it no more since 1.0"),
            None => error,
        };
        match suggest::closest(name, known) {
            Some(close) if close != name => error.help(format!("did you mean `{close}`?")),
            _ => error,
        }
    }

    /// The entries of a mapping, with those of the mappings that it merges and has not itself.
    fn entries(&mut self, node: &'n Node, go: &str) -> Result<Vec<(&'n Node, &'n Node)>> {
        match &node.data {
            Data::Mapping(entries) => self.merged(entries),
            _ if is_null(node) => Ok(Vec::new()),
            _ => Err(self.error(node, format!("cannot unmarshal {} into {go}", shown(node))).help("a map is wanted here")),
        }
    }

    fn merged(&mut self, entries: &'n [(Node, Node)]) -> Result<Vec<(&'n Node, &'n Node)>> {
        let mut all: Vec<(&Node, &Node)> = Vec::new();
        for (key, value) in entries.iter().filter(|(key, _)| key.tag != Tag::Merge) {
            if let Some(text) = key.as_str()
                && let Some((first, _)) = all.iter().find(|(other, _)| other.as_str() == Some(text))
            {
                let line = first.line;
                return Err(self.error(key, format!("mapping key {text:?} already defined at line {line}")));
            }
            all.push((key, value));
        }
        for (_, value) in entries.iter().filter(|(key, _)| key.tag == Tag::Merge) {
            self.merge(value, &mut all)?;
        }
        Ok(all)
    }

    fn merge(&mut self, node: &'n Node, into: &mut Vec<(&'n Node, &'n Node)>) -> Result<()> {
        self.resolved(node, |reader, node| match &node.data {
            Data::Mapping(entries) => {
                for (key, value) in reader.merged(entries)? {
                    if into.iter().all(|(other, _)| other.as_str() != key.as_str()) {
                        into.push((key, value));
                    }
                }
                Ok(())
            }
            Data::Sequence(items) => items.iter().try_for_each(|item| reader.merge(item, into)),
            _ => Err(reader.error(node, "map merge requires map or sequence of maps as the value")),
        })
    }

    /// What stands at a key; nothing for a null.
    fn field(&mut self, node: &'n Node, field: &'static Field) -> Result<Option<Value>> {
        self.resolved(node, |reader, node| {
            if is_null(node) || matches!(field.kind, FieldKind::Ignored) {
                return Ok(None);
            }
            reader.typed(node, field.kind).map(Some)
        })
    }

    fn typed(&mut self, node: &'n Node, kind: FieldKind) -> Result<Value> {
        Ok(match kind {
            FieldKind::Text | FieldKind::OptionalText => Value::str(self.text(node)?),
            FieldKind::Flag | FieldKind::OptionalFlag => Value::Bool(self.flag(node)?),
            FieldKind::Int | FieldKind::OptionalInt => Value::Int(self.integer(node)?),
            FieldKind::Float | FieldKind::OptionalFloat => match self.scalar(node)? {
                Value::Int(value) => Value::Float64(value as f64),
                Value::Float64(value) => Value::Float64(value),
                _ => return Err(self.unfit(node, "float32")),
            },
            FieldKind::Duration => match self.scalar(node)? {
                Value::Int(value) => Value::Int(value),
                Value::Str(text) => {
                    Value::Int(hydrate_gotmpl::time::duration::parse(text.as_bytes()).map_err(|error| self.error(node, error))?)
                }
                _ => return Err(self.unfit(node, "time.Duration")),
            },
            FieldKind::Texts => self.list(node, "[]string", |reader, item| Ok(Value::str(reader.text_or_empty(item)?)))?,
            FieldKind::Values => self.list(node, "[]interface {}", Self::any)?,
            FieldKind::TextMap => {
                let entries = self.entries(node, "map[string]string")?;
                let entry = |reader: &mut Self, (key, value): (&'n Node, &'n Node)| {
                    Ok((Str::from(reader.text_or_empty(key)?), Value::str(reader.text_or_empty(value)?)))
                };
                let entries = entries.into_iter().map(|pair| entry(self, pair)).collect::<Result<Vec<_>>>()?;
                Value::Map(Map::typed("map[string]string", entries.into_iter().collect()))
            }
            FieldKind::List(of) => self.list(node, of.go, |reader, item| reader.structure(item, of).map(Value::Map))?,
            FieldKind::Map(of) => {
                let mut map = Vec::new();
                for (key, value) in self.entries(node, of.go)? {
                    map.push((Str::from(self.text(key)?), Value::Map(self.structure(value, of)?)));
                }
                Value::Map(Map::from_entries(map))
            }
            FieldKind::Struct(of) | FieldKind::OptionalStruct(of) => Value::Map(self.structure(node, of)?),
            FieldKind::Inherits => match &node.data {
                Data::Sequence(_) => self.list(node, INHERIT.go, |reader, item| reader.structure(item, &INHERIT).map(Value::Map))?,
                _ => Value::List(List::new(vec![Value::Map(self.structure(node, &INHERIT)?)])),
            },
            FieldKind::DefaultInherit => {
                let texts = match &node.data {
                    Data::Sequence(_) => self.list(node, "[]string", |reader, item| Ok(Value::str(reader.text_or_empty(item)?)))?,
                    _ => Value::List(List::new(vec![Value::str(self.text(node)?)])),
                };
                crate::record::trimmed_texts(&texts)
            }
            FieldKind::Helmfiles => self.list(node, HELMFILE.go, Self::helmfile)?,
            FieldKind::Ignored => Value::Nil,
        })
    }

    fn list(&mut self, node: &'n Node, go: &str, item: impl Fn(&mut Self, &'n Node) -> Result<Value>) -> Result<Value> {
        let Data::Sequence(items) = &node.data else {
            return Err(self.error(node, format!("cannot unmarshal {} into {go}", shown(node))).help("a list is wanted here"));
        };
        let items = items.iter().map(|node| self.resolved(node, &item)).collect::<Result<_>>()?;
        Ok(Value::List(List::new(items)))
    }

    /// A nested helmfile: a path, or a struct.
    fn helmfile(&mut self, node: &'n Node) -> Result<Value> {
        let spec = match &node.data {
            Data::Mapping(_) => self.structure(node, &HELMFILE)?,
            Data::Scalar(_) if node.tag == Tag::Str => Map::from_entries([(Str::from("path"), Value::str(self.text(node)?))]),
            _ => Map::new(),
        };
        self.check_helmfile(node, &spec)?;
        Ok(Value::Map(spec))
    }

    fn check_helmfile(&self, node: &Node, spec: &Map) -> Result<()> {
        let path = crate::record::text(spec, "path");
        let selectors = spec.get(b"selectors");
        let has = |name: &str| !crate::record::list(spec, name).is_empty();
        if path.is_empty() && selectors.is_some() {
            return Err(self.error(node, "found 'selectors' definition without path"));
        }
        if crate::record::flag(spec, "selectorsInherited") && has("selectors") {
            return Err(
                self.error(node, format!("you cannot use 'SelectorsInherited: true' along with and explicit selector for path: {path}"))
            );
        }
        if path.is_empty() && has("inherits") {
            return Err(self.error(node, "found 'inherits' definition without path"));
        }
        let unknown = crate::record::texts(spec, "inherits").into_iter().find(|key| !crate::inherits::KEYS.contains(&key.as_str()));
        match unknown {
            None => Ok(()),
            Some(key) => Err(self
                .error(node, format!("invalid inherits entry {key:?} for path {path:?}"))
                .help(format!("allowed values are {}", crate::inherits::KEYS.join(", ")))),
        }
    }

    /// A value of any type.
    fn any(&mut self, node: &'n Node) -> Result<Value> {
        self.resolved(node, |reader, node| match &node.data {
            Data::Scalar(_) | Data::Alias(_) => reader.scalar(node),
            Data::Sequence(items) => Ok(Value::List(List::new(items.iter().map(|item| reader.any(item)).collect::<Result<_>>()?))),
            Data::Mapping(entries) => {
                let mut read = Vec::new();
                for (key, value) in reader.merged(entries)? {
                    read.push((reader.key(key)?, reader.any(value)?));
                }
                Ok(yaml::mapping(read))
            }
        })
    }

    fn key(&mut self, node: &'n Node) -> Result<Str> {
        self.resolved(node, |reader, node| match reader.scalar(node)? {
            Value::Str(text) => Ok(text),
            _ => Ok(yaml::odd_key(node.as_str().unwrap_or_default())),
        })
    }

    fn scalar(&self, node: &Node) -> Result<Value> {
        let Data::Scalar(text) = &node.data else { return Err(self.error(node, format!("cannot unmarshal {}", shown(node)))) };
        let found = match (node.tag, node.style.scalar) {
            (_, ScalarStyle::Plain) if !node.style.tagged => resolve::plain(text, self.version.dialect()),
            (_, _) if node.style.tagged => {
                resolve::tagged(node.tag_text(), text, self.version.dialect()).map_err(|error| self.error(node, error))?
            }
            _ => return Ok(Value::str(text.as_str())),
        };
        Ok(match found {
            resolve::Scalar::Timestamp(text) if self.version == Version::V0 => Value::str(text),
            found => yaml::scalar(found),
        })
    }

    /// A text: any scalar, as it is written.
    fn text(&self, node: &Node) -> Result<String> {
        match &node.data {
            Data::Scalar(text) => Ok(text.to_string()),
            _ => Err(self.unfit(node, "string")),
        }
    }

    fn text_or_empty(&mut self, node: &'n Node) -> Result<String> {
        self.resolved(node, |reader, node| if is_null(node) { Ok(String::new()) } else { reader.text(node) })
    }

    fn flag(&self, node: &Node) -> Result<bool> {
        match (self.scalar(node)?, node.as_str()) {
            (Value::Bool(value), _) => Ok(value),
            // go-yaml v3 takes some texts for booleans where one is asked for, in quotes or not.
            (Value::Str(_), Some("y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON")) if self.version == Version::V1 => Ok(true),
            (Value::Str(_), Some("n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF")) if self.version == Version::V1 => Ok(false),
            _ => Err(self.unfit(node, "bool")),
        }
    }

    fn integer(&self, node: &Node) -> Result<i64> {
        match self.scalar(node)? {
            Value::Int(value) => Ok(value),
            Value::Float64(value) if value.fract() == 0.0 && value.abs() < 9e15 => Ok(value as i64),
            _ => Err(self.unfit(node, "int")),
        }
    }

    fn unfit(&self, node: &Node, go: &str) -> Box<Diagnostic> {
        self.error(node, format!("cannot unmarshal {} into {go}", shown(node)))
    }
}

fn is_null(node: &Node) -> bool {
    node.tag == Tag::Null && matches!(node.data, Data::Scalar(_))
}

/// A node as go-yaml's errors show it.
fn shown(node: &Node) -> String {
    match &node.data {
        Data::Scalar(text) => format!("{} `{text}`", node.tag_text()),
        _ => node.tag_text().to_owned(),
    }
}
