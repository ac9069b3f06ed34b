//! What one rendering is asked for, and the values that the user gives on top of the chart's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::strvals::{self, ValueSyntax};
use hydrate_base::{Diagnostic, Result, SourceFile, World, go_io_text, go_read_text};
use hydrate_chart::{Level, decode_values, merge_maps};
use hydrate_gotmpl::decode;
use hydrate_gotmpl::{Map, Value};

/// A values file may be this large; what is beyond is a mistake or an attack.
const VALUES_LIMIT: usize = 32 * 1024 * 1024;

/// What one rendering is asked for: the flags of `helm template`, without those that only concern the output.
#[derive(Debug, Clone)]
pub struct RenderOptions {
    /// Whose behaviour is reproduced.
    pub level: Level,
    /// `.Release.Name`
    pub release: String,
    /// `.Release.Namespace`
    pub namespace: String,
    /// `.Release.IsUpgrade` in place of `.Release.IsInstall`.
    pub is_upgrade: bool,
    /// The user's values.
    pub values: ValueOptions,
    /// `.Capabilities.KubeVersion`; the level's own where it is not given.
    pub kube_version: Option<String>,
    /// API versions beyond the built-in ones.
    pub api_versions: Vec<String>,
    /// Whether the documents of crds/ come first.
    pub include_crds: bool,
    /// Whether values.schema.json is passed over.
    pub skip_schema_validation: bool,
    /// What `lookup` finds: there is no cluster to be asked.
    pub cluster: Arc<[ClusterObject]>,
}

/// An object that stands for one of a cluster's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterObject {
    /// `v1`, `apps/v1`
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty where it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// All of it, as YAML.
    pub text: String,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            level: Level::default(),
            release: "release-name".to_owned(),
            namespace: "default".to_owned(),
            is_upgrade: false,
            values: ValueOptions::default(),
            kube_version: None,
            api_versions: Vec::new(),
            include_crds: false,
            skip_schema_validation: false,
            cluster: Arc::default(),
        }
    }
}

/// The user's values: files in their order, then the `--set` family in the order in which Helm applies it.
#[derive(Debug, Clone, Default)]
pub struct ValueOptions {
    /// `-f`
    pub files: Vec<ValuesFile>,
    /// `--set-json`
    pub json: Vec<String>,
    /// `--set`
    pub set: Vec<String>,
    /// `--set-string`
    pub string: Vec<String>,
    /// `--set-file`
    pub file: Vec<String>,
    /// `--set-literal`
    pub literal: Vec<String>,
    /// What relative paths in `--set-file` are relative to.
    pub directory: PathBuf,
}

/// A values file that has been read.
#[derive(Debug, Clone)]
pub struct ValuesFile {
    /// The name to show.
    pub name: String,
    /// The text.
    pub text: Arc<[u8]>,
}

impl ValueOptions {
    /// Merges everything into one map.
    ///
    /// Fails on files that are no YAML maps and on arguments that cannot be parsed, with Helm's texts.
    pub fn merge(&self, level: Level, world: &dyn World) -> Result<Map> {
        let mut merged = Map::new();
        for file in &self.files {
            merged = merge_maps(&merged, &read(file, level)?);
        }
        for argument in &self.json {
            merged = set_json(argument, merged, level)?;
        }
        let through = |path: &str| self.read_text(path, world);
        let sources = [
            ("--set", &self.set, ValueSyntax::Typed),
            ("--set-string", &self.string, ValueSyntax::Text),
            ("--set-file", &self.file, ValueSyntax::Through(&through)),
            ("--set-literal", &self.literal, ValueSyntax::Literal),
        ];
        for (flag, arguments, reading) in &sources {
            for argument in *arguments {
                strvals::apply(argument, &merged, reading, level).map_err(|error| {
                    Diagnostic::error(format!("failed parsing {flag} data: {error}")).note(format!("{flag} {argument}"))
                })?;
            }
        }
        Ok(merged)
    }

    fn read_text(&self, path: &str, world: &dyn World) -> Result<Value, String> {
        if path.trim() == "-" {
            let mut text = Vec::new();
            let read = std::io::Read::read_to_end(&mut std::io::stdin(), &mut text);
            return read.map(|_| Value::str(text)).map_err(|error| format!("read /dev/stdin: {}", go_io_text(&error)));
        }
        let bytes = world.read_named(&self.directory.join(Path::new(path))).map_err(|error| go_read_text(path, &error))?;
        if bytes.len() > VALUES_LIMIT {
            return Err(format!("{path} is larger than the maximum size {VALUES_LIMIT}"));
        }
        Ok(Value::str(&*bytes))
    }
}

fn read(file: &ValuesFile, level: Level) -> Result<Map> {
    if file.text.len() > VALUES_LIMIT {
        return Err(Diagnostic::error(format!("values file {} is larger than the maximum size {VALUES_LIMIT}", file.name)));
    }
    decode_values(&file.text, level).map_err(|error| {
        let diagnostic = Diagnostic::error(format!("failed to parse {}: {error}", file.name));
        let own = super::reading::yaml_error(&file.text);
        match own.or_else(|| hydrate_chart::error_line(&error).map(|line| (line, String::new()))) {
            Some((line, what)) => {
                let source = SourceFile::new(file.name.clone(), Arc::clone(&file.text));
                let span = source.line_range(line);
                diagnostic.at(&source, span, what)
            }
            None => diagnostic,
        }
    })
}

/// Helm 4 also takes a whole JSON object.
fn set_json(argument: &str, merged: Map, level: Level) -> Result<Map> {
    if level == Level::V4 && argument.trim().starts_with('{') {
        return match decode::from_json(argument.trim().as_bytes(), decode::Target::Any, decode::Numbers::Float64) {
            Ok(Value::Map(map)) => Ok(merge_maps(&merged, &map)),
            Ok(_) => Ok(merged),
            Err(error) => Err(Diagnostic::error(format!("failed parsing --set-json data JSON: {argument}")).note(error)),
        };
    }
    strvals::apply(argument, &merged, &ValueSyntax::Json, level)
        .map_err(|error| Diagnostic::error(format!("failed parsing --set-json data {argument}")).note(error))?;
    Ok(merged)
}
