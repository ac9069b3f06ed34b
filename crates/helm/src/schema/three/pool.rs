//! What references lead to in gojsonschema (`schemaPool.go`): schemas are known by the identifiers that they have, and
//! each reference is made absolute before anything is read.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::address;
use super::Entries;

/// The schemas of a file by their addresses, and the references in it.
pub(super) struct Pool<'a> {
    root: &'a Json,
    documents: BTreeMap<(String, String), &'a Json>,
    references: BTreeMap<*const Entries, (String, String)>,
}

/// What a reference leads to.
pub(super) enum Found<'a> {
    Schema(&'a Json),
    /// A schema of the standard itself, which every schema is taken to satisfy.
    Standard,
}

impl<'a> Pool<'a> {
    pub(super) fn new(root: &'a Json) -> Self {
        let mut pool = Self { root, documents: BTreeMap::new(), references: BTreeMap::new() };
        pool.walk(root, "");
        pool.documents.insert((String::new(), String::new()), root);
        pool
    }

    fn walk(&mut self, node: &'a Json, base: &str) {
        match node {
            Json::Array(items) => items.iter().for_each(|item| self.walk(item, base)),
            Json::Object(entries) => self.walk_object(node, entries, base),
            _ => {}
        }
    }

    fn walk_object(&mut self, node: &'a Json, entries: &'a Entries, base: &str) {
        let mut base = base.to_owned();
        let id = entries.get("id").or_else(|| entries.get("$id"));
        if let Some(Json::String(id)) = id {
            let (url, fragment) = address::split(id);
            base = address::join(&base, url);
            if self.documents.contains_key(&(base.clone(), fragment.clone())) {
                return;
            }
            self.documents.insert((base.clone(), fragment), node);
        }
        if let Some(Json::String(reference)) = entries.get("$ref") {
            let (url, fragment) = address::split(reference);
            self.references.insert(std::ptr::from_ref(entries), (address::join(&base, url), fragment));
        }
        for (key, value) in entries {
            match (key.as_str(), value) {
                ("const" | "enum", _) => {}
                ("properties" | "dependencies" | "patternProperties", Json::Object(children)) => {
                    children.values().for_each(|child| self.walk(child, &base));
                }
                ("properties" | "dependencies" | "patternProperties", _) => {}
                (_, value) => self.walk(value, &base),
            }
        }
    }

    /// The absolute address that the `$ref` of a schema has.
    pub(super) fn reference(&self, entries: &Entries) -> Option<(String, String)> {
        if let Some(known) = self.references.get(&std::ptr::from_ref(entries)) {
            return Some(known.clone());
        }
        let (url, fragment) = address::split(entries.get("$ref")?.as_str()?);
        Some((url.to_owned(), fragment))
    }

    /// What an absolute address leads to; the error has the words of the library.
    pub(super) fn get(&self, reference: &(String, String)) -> Result<Found<'a>, String> {
        if let Some(known) = self.documents.get(reference) {
            return Ok(Found::Schema(known));
        }
        let (url, fragment) = reference;
        if let Some(document) = self.documents.get(&(url.clone(), String::new())) {
            return pointed(document, fragment).map(Found::Schema);
        }
        if super::draft_of(url).is_some() {
            return Ok(Found::Standard);
        }
        match url.split_once("://") {
            Some(("file", path)) => Err(format!("open {path}: schemas in other files are not read")),
            Some(_) => Err(format!("Get {url:?}: schemas are not fetched while rendering")),
            None => {
                let shown = if fragment.is_empty() { url.clone() } else { format!("{url}#{fragment}") };
                Err(format!("Reference {shown} must be canonical"))
            }
        }
    }

    pub(super) fn root(&self) -> &'a Json {
        self.root
    }
}

/// A fragment that is no pointer leads to the document itself.
fn pointed<'a>(document: &'a Json, fragment: &str) -> Result<&'a Json, String> {
    let Some(tokens) = fragment.strip_prefix('/') else { return Ok(document) };
    let mut at = document;
    for token in tokens.split('/') {
        at = match at {
            Json::Object(entries) => {
                let key = token.replace("~1", "/").replace("~0", "~");
                entries.get(&key).ok_or_else(|| format!("Object has no key '{key}'"))?
            }
            Json::Array(items) => {
                let index: i64 = token.parse().map_err(|_| format!("Invalid array index '{token}'"))?;
                let found = usize::try_from(index).ok().and_then(|index| items.get(index));
                found.ok_or_else(|| format!("Out of bound array[0,{}] index '{index}'", items.len()))?
            }
            _ => return Err(format!("Invalid token reference '{token}'")),
        };
    }
    Ok(at)
}
