//! The values of a release as helm gets them: files in their order, and what is set over them.
//!
//! Follows `generateValuesFiles`, `setFlags` and `setStringFlags` of `pkg/state/state.go` of helmfile.

use std::path::Path;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result};
use hydrate_gotmpl::encode::to_json;
use hydrate_gotmpl::{Map, Value, fmt};
use hydrate_helm::{ValueOptions, ValuesFile};

use crate::describe::ValuesEntry;
use crate::load::{Context, State};
use crate::{data, paths, record, render, secrets, yaml};

/// The values of a release.
pub(crate) fn of(context: &Context<'_>, state: &State, release: &Map) -> Result<ValueOptions> {
    let mut values = ValueOptions { directory: state.base.clone(), ..ValueOptions::default() };
    let reader = reader(context, state, release);
    reader.values(&mut values.files)?;
    reader.secrets(&mut values.files)?;
    reader.set(&mut values)?;
    reader.environment_variables(&mut values)?;
    Ok(values)
}

/// The entries of `values` one by one.
pub(crate) fn entries(context: &Context<'_>, state: &State, release: &Map) -> Result<Vec<ValuesEntry>> {
    let reader = reader(context, state, release);
    let entries = record::list(release, "values");
    entries.iter().enumerate().map(|(at, entry)| reader.entry(at, entry).map(|(entry, _)| entry)).collect()
}

fn reader<'a>(context: &'a Context<'a>, state: &'a State, release: &'a Map) -> Reader<'a> {
    let data = data::of_release(&state.environment, &state.overrides(), release, &state.values, context.version());
    Reader { context, state, release, data }
}

/// All values files of a release merged, as `write-values` writes them and patches see them.
pub(crate) fn merged(context: &Context<'_>, files: &[ValuesFile]) -> Result<Map> {
    let mut merged = Map::new();
    for file in files {
        let source = hydrate_base::SourceFile::new(file.name.clone(), Arc::clone(&file.text));
        let values = yaml::decode_map(&file.text, context.version()).map_err(|error| yaml::place(&source, &error, "values file"))?;
        merged = crate::merge::override_values(&merged, &values);
    }
    Ok(merged)
}

struct Reader<'a> {
    context: &'a Context<'a>,
    state: &'a State,
    release: &'a Map,
    data: Value,
}

impl Reader<'_> {
    fn references(&self) -> secrets::References<'_> {
        self.context.settings.secrets.at(self.context.world, &self.state.base)
    }

    fn prefixed(&self, path: &str) -> String {
        record::text(self.release, "valuesPathPrefix") + path
    }

    fn handler(&self) -> Option<String> {
        record::some_text(self.release, "missingFileHandler").or_else(|| record::some_text(&self.state.fields, "missingFileHandler"))
    }

    fn values(&self, files: &mut Vec<ValuesFile>) -> Result<()> {
        for (at, entry) in record::list(self.release, "values").iter().enumerate() {
            files.extend(self.entry(at, entry)?.1);
        }
        Ok(())
    }

    /// An entry of `values`, and what helm gets of it.
    fn entry(&self, at: usize, entry: &Value) -> Result<(ValuesEntry, Option<ValuesFile>)> {
        match entry {
            Value::Str(path) => {
                let path = self.prefixed(&path.to_str_lossy());
                let Some(found) = self.file(&path, self.handler().as_deref(), "values")? else {
                    return Ok((ValuesEntry::Missing { path: paths::join(&self.state.base, &path) }, None));
                };
                let file = self.rendered(&found)?;
                Ok((ValuesEntry::File { path: found, text: Arc::clone(&file.text) }, Some(file)))
            }
            Value::Map(_) => {
                let file = self.inline(at, entry)?;
                Ok((ValuesEntry::Inline { text: Arc::clone(&file.text) }, Some(file)))
            }
            other => Err(Diagnostic::error(format!("unexpected type of value: value={}, type={}", fmt::to_text(other), other.type_name()))
                .help("an entry of `values` is a path or a map")),
        }
    }

    /// The one file that a path stands for.
    fn file(&self, path: &str, handler: Option<&str>, what: &str) -> Result<Option<std::path::PathBuf>> {
        let Some(mut found) = self.context.storage(&self.state.base).resolve(handler, what, path)? else { return Ok(None) };
        if found.len() > 1 {
            let names: Vec<String> = found.iter().map(|path| paths::shown(path, self.context.root)).collect();
            return Err(Diagnostic::error("glob patterns in release values and secrets is not supported yet")
                .note(format!("{path} stands for {}", names.join(", ")))
                .help("name each file"));
        }
        Ok(found.pop())
    }

    fn rendered(&self, path: &Path) -> Result<ValuesFile> {
        let file = self.context.executed(path, || Ok(self.data.clone()))?;
        let text = self.resolved(&file.name, Arc::clone(&file.text))?;
        Ok(ValuesFile { name: file.name.clone(), text })
    }

    /// The text with what references to secrets stand for, where they are resolved.
    fn resolved(&self, name: &str, text: Arc<[u8]>) -> Result<Arc<[u8]>> {
        if !secrets::has_mark(&text) {
            return Ok(text);
        }
        if self.context.settings.secrets.0.is_none() {
            let noted = std::str::from_utf8(&text).map(|text| secrets::unresolved_text(self.context.world, text));
            return Ok(noted.map_or(text.clone(), |noted| noted.into_bytes().into()));
        }
        let version = self.context.version();
        let file = hydrate_base::SourceFile::new(name, Arc::clone(&text));
        let values = yaml::decode_map(&text, version).map_err(|error| yaml::place(&file, &error, "values file"))?;
        let values = self.references().value(&Value::Map(values)).map_err(Diagnostic::error)?;
        Ok(yaml::encode(&values, version).map_err(Diagnostic::error)?.into())
    }

    fn inline(&self, at: usize, entry: &Value) -> Result<ValuesFile> {
        let value = self.references().value(entry).map_err(Diagnostic::error)?;
        let text = yaml::encode(&value, self.context.version()).map_err(Diagnostic::error)?;
        Ok(ValuesFile { name: format!("values[{at}] of release {}", record::text(self.release, "name")), text: text.into() })
    }

    fn secrets(&self, files: &mut Vec<ValuesFile>) -> Result<()> {
        for entry in record::list(self.release, "secrets") {
            let Some(path) = record::as_text(&entry) else {
                return Err(Diagnostic::error("secrets that are written in the helmfile itself are not supported")
                    .help("put them into a file of their own"));
            };
            let handler = record::some_text(self.release, "missingFileHandler");
            if let Some(file) = self.file(&self.prefixed(&path), handler.as_deref(), "secrets")? {
                let text = decrypted(self.context, &file)?;
                files.push(ValuesFile { name: paths::shown(&file, self.context.root), text: text.into() });
            }
        }
        Ok(())
    }

    fn set(&self, values: &mut ValueOptions) -> Result<()> {
        for entry in record::maps(self.release, "set") {
            let (name, value, file) = (escape(&record::text(&entry, "name")), record::text(&entry, "value"), record::text(&entry, "file"));
            if !value.is_empty() {
                values.set.push(format!("{name}={}", escape(&self.secret(&value)?)));
            } else if !file.is_empty() {
                let path = self.context.storage(&self.state.base).normalized(&file);
                values.file.push(format!("{name}={}", path.display()));
            } else if let Some(list) = self.items(&entry)? {
                values.set.push(format!("{name}={{{list}}}"));
            }
        }
        for entry in record::maps(self.release, "setString") {
            let (name, value) = (escape(&record::text(&entry, "name")), record::text(&entry, "value"));
            if !value.is_empty() {
                values.string.push(format!("{name}={}", escape(&self.secret(&value)?)));
            } else if let Some(list) = self.items(&entry)? {
                values.string.push(format!("{name}={{{list}}}"));
            }
        }
        Ok(())
    }

    fn secret(&self, text: &str) -> Result<String> {
        self.references().text(text).map_err(Diagnostic::error)
    }

    /// The items of `values` in an entry of `set`.
    fn items(&self, entry: &Map) -> Result<Option<String>> {
        let items = record::list(entry, "values");
        if items.is_empty() {
            return Ok(None);
        }
        let item = |item: &Value| match item {
            Value::Str(text) => Ok(escape(&self.secret(&text.to_str_lossy())?)),
            other => match self.context.version() {
                crate::Version::V0 => Ok(escape(&fmt::to_text(other))),
                crate::Version::V1 => {
                    let json = to_json(other, self.context.version().go()).map_err(Diagnostic::error)?;
                    Ok(escape(&String::from_utf8_lossy(&json)))
                }
            },
        };
        Ok(Some(items.iter().map(item).collect::<Result<Vec<_>>>()?.join(",")))
    }

    /// `env`: values that are environment variables.
    fn environment_variables(&self, values: &mut ValueOptions) -> Result<()> {
        let entries = record::maps(self.release, "env");
        if entries.is_empty() {
            return Ok(());
        }
        let (mut pairs, mut missing) = (Vec::new(), Vec::new());
        for entry in entries {
            let (name, variable) = (record::text(&entry, "name"), record::text(&entry, "value"));
            match self.context.world.variable(&variable) {
                Some(value) => pairs.push(format!("{}={}", escape(&name), escape(&value))),
                None => missing.push(variable),
            }
        }
        if !missing.is_empty() {
            return Err(Diagnostic::error(format!(
                "Environment Variables not found. Please make sure they are set and try again:\n\t{}",
                missing.join("\n\t")
            ))
            .help("a run over a project shows templates only the variables that `--template-env NAME` allows"));
        }
        values.set.push(pairs.join(","));
        Ok(())
    }
}

/// A file that may be encrypted, decrypted; where nothing decrypts it, with references in place of what is encrypted.
pub(crate) fn decrypted(context: &Context<'_>, path: &Path) -> Result<Vec<u8>> {
    let file = render::read(context.world, path, context.root)?;
    secrets::decrypted(context.world, context.settings.secrets.0.as_deref(), &file, context.version())
}

fn escape(text: &str) -> String {
    text.replace('{', "\\{").replace('}', "\\}").replace(',', "\\,")
}
