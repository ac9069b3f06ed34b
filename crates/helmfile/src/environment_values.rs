//! The values of an environment: files in YAML, Go templates and HCL, and maps.
//!
//! Follows `pkg/state/envvals_loader.go` of helmfile 1.7 and 0.166.

use std::path::Path;

use hydrate_base::{Diagnostic, Result, SourceFile};
use hydrate_gotmpl::{Map, Value};

use crate::environment::Environment;
use crate::load::Context;
use crate::merge::{Lists, fill_values, merge_maps, override_values};
use crate::{Version, data, hcl, paths, record, render, yaml};

/// Which of several files counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The last.
    Override,
    /// The first.
    Fallback,
}

impl Strategy {
    pub(crate) fn parse(environment: &str, text: &str) -> Result<Self> {
        match text {
            "" | "override" => Ok(Self::Override),
            "fallback" => Ok(Self::Fallback),
            other => Err(Diagnostic::error(format!("environment {environment:?}: invalid mergeStrategy {other:?}"))
                .help("it must be `override` or `fallback`")),
        }
    }

    fn merge(self, first: &Map, second: &Map) -> Map {
        match self {
            Self::Override => override_values(first, second),
            Self::Fallback => merge_maps(second, first, Lists::Sparse, Version::V1),
        }
    }
}

/// All entries together. `context` is what templates see.
pub(crate) fn load(
    context: &Context<'_>,
    base: &Path,
    handler: Option<&str>,
    entries: &[Value],
    seen: Option<&Environment>,
    strategy: Strategy,
) -> Result<Map> {
    let mut result = Map::new();
    let mut hcl_files = Vec::new();
    for entry in entries {
        match entry {
            Value::Str(path) => {
                let Some(files) = context.storage(base).resolve(handler, "environment values", &path.to_str_lossy())? else { continue };
                for file in files {
                    if file.extension().is_some_and(|extension| extension == "hcl") {
                        hcl_files.push(render::read(context.world, &file, context.root)?);
                        continue;
                    }
                    let values = read_file(context, &file, seen, strategy, &result)?;
                    result = strategy.merge(&result, &values);
                }
            }
            Value::Map(map) => result = strategy.merge(&result, &yaml::cast_map(map).map_err(Diagnostic::error)?),
            other => {
                return Err(Diagnostic::error(format!(
                    "unexpected type of value: value={}, type={}",
                    hydrate_gotmpl::fmt::to_text(other),
                    other.type_name()
                ))
                .help("an entry of `values` is a path or a map"));
            }
        }
    }
    if !hcl_files.is_empty() {
        result = strategy.merge(&result, &hcl::load(&hcl_files, context.world, context.version())?);
    }
    Ok(result)
}

fn read_file(context: &Context<'_>, path: &Path, seen: Option<&Environment>, strategy: Strategy, before: &Map) -> Result<Map> {
    let version = context.version();
    let none = Environment::new(context.environment);
    let environment = seen.unwrap_or(&none);
    let rendered = context.executed(path, || {
        let mut values = match version {
            Version::V0 => Map::new(),
            Version::V1 => environment.merged_values(version),
        };
        if strategy == Strategy::Fallback && !before.is_empty() {
            values = override_values(&fill_values(&Map::new(), before), &values);
        }
        Ok(data::of_environment(environment, "", &values, version))
    })?;
    let values = yaml::decode_map(&rendered.text, version).map_err(|error| yaml::place(&rendered, &error, "environment values file"))?;
    yaml::cast_map(&values).map_err(|error| Diagnostic::error(format!("{}: {error}", rendered.name)))
}

/// What encrypted files of an environment give.
pub(crate) struct EnvironmentSecrets {
    /// Values.
    pub values: Map,
    /// Paths of files in HCL, which are read with the values.
    pub hcl: Vec<Value>,
}

/// Decrypts the files of an environment's `secrets`.
pub(crate) fn secrets(context: &Context<'_>, base: &Path, fields: &Map, spec: &Map) -> Result<EnvironmentSecrets> {
    let mut found = EnvironmentSecrets { values: Map::new(), hcl: Vec::new() };
    let handler = record::some_text(spec, "missingFileHandler").or_else(|| record::some_text(fields, "missingFileHandler"));
    for entry in record::texts(spec, "secrets") {
        let Some(files) = context.storage(base).resolve(handler.as_deref(), "environment values", &entry)? else { continue };
        for path in files {
            let text = crate::release_values::decrypted(context, &path)?;
            let file = SourceFile::new(paths::shown(&path, context.root), text);
            if path.extension().is_some_and(|extension| extension == "hcl") {
                return Err(Diagnostic::error(format!("{}: encrypted HCL is not supported", file.name))
                    .help("write the secrets of the environment in YAML"));
            }
            let values = yaml::decode_map(&file.text, context.version()).and_then(|values| yaml::cast_map(&values)).map_err(|_| {
                Diagnostic::error(format!("failed to load environment secrets file \"{}\": it is no map in YAML", file.name))
            })?;
            found.values = override_values(&found.values, &values);
        }
    }
    Ok(found)
}
