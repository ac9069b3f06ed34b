//! `crds`: OpenAPI definitions that say which fields of custom resources hold names, labels and annotations.
//!
//! Follows `api/internal/accumulator/loadconfigfromcrds.go` of kustomize 5.8.1.

use std::rc::Rc;

use ecow::EcoString;

use super::config::{self, Config, NameReference};
use super::errors::{KResult, fail};
use super::filters::{annotations, labels, names};
use super::json::Json;
use super::kustomization::GvkFields;
use super::loader::Loader;

/// The deepest nesting of definitions that is followed.
const MAX_DEPTH: usize = 100;

/// Reads the files of `crds`.
pub(crate) fn load(loader: &Loader<'_>, paths: &[EcoString]) -> KResult<Config> {
    let mut config = Config::default();
    for path in paths {
        let file = loader.load(path)?;
        let read = super::anchors::first_document(&file.text).and_then(|node| node.map(|node| Json::from_configuration(&node)).transpose());
        let json = read.and_then(check).map_err(|error| error.wrap(format!("unable to parse open API definition from '{path}'")))?;
        let Json::Object(definitions) = &json else { continue };
        for (name, definition) in definitions {
            let properties = properties(definition);
            let is_kind = ["kind", "apiVersion", "metadata"].iter().all(|field| properties.is_some_and(|all| all.get(field).is_some()));
            if is_kind {
                let kind = name.rsplit('.').next().unwrap_or_default();
                let mut own = Config::default();
                Walk { definitions: &json, kind }.add(&mut own, name, &mut Vec::new())?;
                config.merge(own)?;
            }
        }
    }
    Ok(config)
}

/// A file of definitions is a mapping of mappings.
fn check(json: Option<Json>) -> KResult<Json> {
    let json = json.unwrap_or(Json::Null);
    let wrong = |have: &str, what: &str| fail(format!("json: cannot unmarshal {have} into Go value of type accumulator.{what}"));
    let name = |json: &Json| match json {
        Json::Array(_) => "array",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        _ => "string",
    };
    match &json {
        Json::Null => {}
        Json::Object(entries) => {
            for (_, value) in entries {
                if !matches!(value, Json::Object(_) | Json::Null) {
                    return wrong(name(value), "OpenAPIDefinition");
                }
            }
        }
        other => return wrong(name(other), "nameToApiMap"),
    }
    Ok(json)
}

fn properties(definition: &Json) -> Option<&Json> {
    definition.get("Schema").or_else(|| definition.get("schema"))?.get("properties")
}

struct Walk<'j> {
    definitions: &'j Json,
    kind: &'j str,
}

impl Walk<'_> {
    fn add(&self, config: &mut Config, name: &str, path: &mut Vec<EcoString>) -> KResult<()> {
        if path.len() > MAX_DEPTH {
            return fail("exceeded max depth");
        }
        let Some(Json::Object(fields)) = self.definitions.get(name).and_then(properties) else { return Ok(()) };
        for (field, schema) in fields {
            path.push(field.clone());
            self.add_field(config, schema, path)?;
            path.pop();
        }
        Ok(())
    }

    fn add_field(&self, config: &mut Config, schema: &Json, path: &mut Vec<EcoString>) -> KResult<()> {
        let text = |name: &str| match schema.get(name) {
            Some(Json::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let spec = || config::spec_of_kind(self.kind, path.join("/"));
        if text("x-kubernetes-annotation").is_some() {
            config::merge_spec(Rc::make_mut(config.fields_mut(&annotations::FIELDS)), &spec())?;
        }
        if text("x-kubernetes-label-selector").is_some() {
            config::merge_spec(Rc::make_mut(config.fields_mut(&labels::COMMON_FIELDS)), &spec())?;
        }
        if text("x-kubernetes-identity").is_some() {
            config::merge_spec(Rc::make_mut(config.fields_mut(&names::PREFIX_FIELDS)), &spec())?;
        }
        if let (Some(version), Some(kind)) = (text("x-kubernetes-object-ref-api-version"), text("x-kubernetes-object-ref-kind")) {
            let key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let referrers = vec![config::spec_of_kind(self.kind, format!("{}/{key}", path.join("/")))];
            let gvk = GvkFields { group: EcoString::new(), version: version.into(), kind: kind.into() };
            config::add_reference(Rc::make_mut(&mut config.name_reference), &NameReference { referrers, gvk })?;
        }
        match text("$ref") {
            Some(reference) => self.add(config, reference, path),
            None => Ok(()),
        }
    }
}
