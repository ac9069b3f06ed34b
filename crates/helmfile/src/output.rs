//! What the other commands of helmfile print.
//!
//! Follows `ListReleases`, `PrintState`, `PrintDAGState` of `pkg/app/app.go`, `print_env.go` and `formatters.go` of helmfile.

use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, Result};
use hydrate_gotmpl::encode::{to_json, to_pretty_json};
use hydrate_gotmpl::{List, Map, Object, Value};
use sha1::{Digest, Sha1};

use crate::load::{Context, State};
use crate::schema::{Fields, STATE, printable};
use crate::visit::{self, Ready};
use crate::{Version, chartify, charts, needs, paths, record, release_values, selector, yaml};

/// `helmfile list`
pub(crate) fn list(context: &Context<'_>, ready: &[Ready], as_json: bool) -> Result<Vec<u8>> {
    let (mut printed, mut rows) = (String::new(), Vec::new());
    for helmfile in ready {
        let releases = selected(helmfile)?;
        // 0.166 makes charts for this too.
        if context.version() == Version::V0 {
            printed.push_str(&blank_lines(context, helmfile, releases.iter()));
        }
        for release in charts::with_locked_versions(context, &helmfile.state, releases)? {
            rows.push(row(&release, &helmfile.state)?);
        }
    }
    if context.version() == Version::V1 {
        rows.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    }
    if as_json {
        let objects = rows.iter().map(Row::to_json).collect::<std::result::Result<Vec<_>, _>>()?;
        let text = if objects.is_empty() { "null".to_owned() } else { format!("[{}]", objects.join(",")) };
        return Ok(format!("{printed}{text}\n").into_bytes());
    }
    Ok((printed + &table(&rows, context.version())).into_bytes())
}

/// The releases that the selectors of a helmfile choose, for commands that plan nothing.
fn selected(helmfile: &Ready) -> Result<Vec<Map>> {
    let releases =
        if helmfile.state.selectors.is_empty() { helmfile.releases.clone() } else { visit::chosen(helmfile, &helmfile.releases, false)? };
    visit::check_duplicates(&releases)?;
    Ok(releases)
}

struct Row {
    name: String,
    namespace: String,
    enabled: bool,
    installed: bool,
    labels: String,
    chart: String,
    version: String,
}

fn row(release: &Map, state: &State) -> Result<Row> {
    let text = |name: &str| record::text(release, name);
    let labels: Vec<String> = record::map(release, "labels")
        .entries()
        .iter()
        .map(|(key, value)| format!("{}:{}", key.to_str_lossy(), record::as_text(value).unwrap_or_default()))
        .collect();
    Ok(Row {
        name: text("name"),
        namespace: text("namespace"),
        enabled: selector::is_enabled(release, &state.values)?,
        installed: visit::is_installed(release),
        labels: labels.join(",").trim_matches(',').to_owned(),
        chart: text("chart"),
        version: text("version"),
    })
}

impl Row {
    fn cells(&self) -> [String; 7] {
        let flag = |value: bool| value.to_string();
        [
            self.name.clone(),
            self.namespace.clone(),
            flag(self.enabled),
            flag(self.installed),
            self.labels.clone(),
            self.chart.clone(),
            self.version.clone(),
        ]
    }

    fn to_json(&self) -> std::result::Result<String, Box<Diagnostic>> {
        let text = |text: &str| {
            let json = to_json(&Value::str(text), hydrate_gotmpl::GoVersion::default()).map_err(Diagnostic::error)?;
            Ok::<_, Box<Diagnostic>>(String::from_utf8_lossy(&json).into_owned())
        };
        Ok(format!(
            "{{\"name\":{},\"namespace\":{},\"enabled\":{},\"installed\":{},\"labels\":{},\"chart\":{},\"version\":{}}}",
            text(&self.name)?,
            text(&self.namespace)?,
            self.enabled,
            self.installed,
            text(&self.labels)?,
            text(&self.chart)?,
            text(&self.version)?
        ))
    }
}

/// Cells padded to the width of their column, with a tab between them.
fn table(rows: &[Row], version: Version) -> String {
    let head = ["NAME", "NAMESPACE", "ENABLED", "INSTALLED", "LABELS", "CHART", "VERSION"].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let widths: Vec<usize> =
        (0..7).map(|column| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))))
            .collect();
        let text = cells.join("\t");
        out.push_str(if version == Version::V1 { text.trim_end_matches([' ', '\t']) } else { &text });
        out.push('\n');
    }
    out
}

/// `helmfile build`
pub(crate) fn build(context: &Context<'_>, ready: &[Ready], embeds: bool) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for helmfile in ready {
        let mut releases = charts::with_locked_versions(context, &helmfile.state, selected(helmfile)?)?;
        if embeds {
            releases = releases.iter().map(|release| embedded(context, &helmfile.state, release)).collect::<Result<_>>()?;
        }
        out.extend(blank_lines(context, helmfile, releases.iter().filter(|release| !is_patched(release))).into_bytes());
        let releases = releases.iter().map(|release| with_chart_path(context, helmfile, ready.len() > 1, release)).collect();
        let printed = printed(context, helmfile, ready.len() > 1, releases);
        out.extend_from_slice(format!("---\n#  Source: {}\n\n", helmfile.state.file.display()).as_bytes());
        out.extend(yaml::encode(&Value::object(Fields(printed)), context.version()).map_err(Diagnostic::error)?);
    }
    Ok(out)
}

/// Where helmfile finds the chart of a release, where that is another path than the one that is written. A chart that it
/// makes first lies in a directory with a name of chance, which is not printed.
fn with_chart_path(context: &Context<'_>, helmfile: &Ready, is_one_of_many: bool, release: &Map) -> Map {
    let chart = record::text(release, "chart");
    let is_made =
        is_patched(release) || !record::list(release, "dependencies").is_empty() || !record::text(release, "forceNamespace").is_empty();
    let directory = paths::join(&helmfile.state.base, &chart);
    if is_made || !visit::is_installed(release) || !charts::is_local(&chart) || context.world.kind(&directory.join("Chart.yaml")).is_err() {
        return release.clone();
    }
    let path = match is_one_of_many && is_absolute(context, helmfile) {
        true => directory,
        false => paths::clean(Path::new(&chart)),
    };
    let path = path.display().to_string();
    if path == chart {
        return release.clone();
    }
    let release = record::shallow(release);
    release.insert("chartPath", Value::str(path));
    release
}

fn is_patched(release: &Map) -> bool {
    ["jsonPatches", "strategicMergePatches", "transformers"].iter().any(|key| !record::list(release, key).is_empty())
}

/// An empty line for each release whose chart helmfile has kustomize make.
fn blank_lines<'r>(context: &Context<'_>, helmfile: &Ready, releases: impl Iterator<Item = &'r Map>) -> String {
    let made = releases.filter(|release| visit::is_installed(release) && chartify::is_kustomization(context, &helmfile.state, release));
    made.map(|_| '\n').collect()
}

/// Whether helmfile reads a file by its absolute path, without entering its directory.
fn is_absolute(context: &Context<'_>, helmfile: &Ready) -> bool {
    helmfile.state.base == context.root.join("helmfile.d")
}

fn printed(context: &Context<'_>, helmfile: &Ready, is_one_of_many: bool, releases: Vec<Map>) -> Vec<(&'static str, Value)> {
    let state = &helmfile.state;
    let fields = record::shallow(&state.fields);
    for (key, program) in [("helmBinary", "helm"), ("kustomizeBinary", "kustomize")] {
        if record::text(&fields, key).is_empty() {
            fields.insert(key, Value::str(program));
        }
    }
    fields.insert("releases", Value::List(List::new(releases.into_iter().map(Value::Map).collect())));
    let name = if is_one_of_many && is_absolute(context, helmfile) {
        state.file.display().to_string()
    } else {
        state.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    };
    let mut printed = vec![("filepath", Value::str(name))];
    printed.extend(printable(&fields, &STATE, context.version()));
    printed.push(("renderedvalues", Value::Map(state.values.clone())));
    printed
}

/// A release with the content of its values files in place of their paths.
fn embedded(context: &Context<'_>, state: &State, release: &Map) -> Result<Map> {
    let release = record::shallow(release);
    for key in ["values", "secrets"] {
        let items = record::list(&release, key);
        let mut all = Vec::new();
        for item in items {
            match &item {
                Value::Str(_) => {
                    let one = record::shallow(&release);
                    one.insert("values", Value::List(List::new(vec![item.clone()])));
                    ["set", "setString", "secrets", "env"].iter().for_each(|key| {
                        one.remove(key.as_bytes());
                    });
                    for file in release_values::of(context, state, &one)?.files {
                        let source = hydrate_base::SourceFile::new(file.name.clone(), file.text.clone());
                        let values =
                            yaml::decode_map(&file.text, context.version()).map_err(|error| yaml::place(&source, &error, "values file"))?;
                        all.push(Value::Map(values));
                    }
                }
                other => all.push(other.clone()),
            }
        }
        if !all.is_empty() {
            release.insert(key, Value::List(List::new(all)));
        }
    }
    Ok(release)
}

/// `helmfile show-dag`
pub(crate) fn show_dag(context: &Context<'_>, ready: &[Ready]) -> Result<Vec<u8>> {
    let mut out = String::new();
    for helmfile in ready {
        let releases = selected(helmfile)?;
        out.push_str(&blank_lines(context, helmfile, releases.iter()));
        let ids: Vec<String> = releases.iter().map(needs::id).collect();
        let groups = needs::plan(&releases, &ids, needs::PlanOptions { include: true, skip: false })?;
        let mut lines = vec![["GROUP".to_owned(), "RELEASE".to_owned(), "DEPENDENCIES".to_owned()]];
        for (at, group) in groups.iter().enumerate() {
            lines
                .extend(group.iter().map(|release| [(at + 1).to_string(), needs::id(release), record::texts(release, "needs").join(", ")]));
        }
        let width =
            |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0) + 1;
        let (first, second) = (width(0), width(1));
        for [group, release, needs] in &lines {
            let line = format!("{group:first$}{release:second$}{needs}");
            out.push_str(if context.version() == Version::V1 { line.trim_end_matches([' ', '\t']) } else { &line });
            out.push('\n');
        }
    }
    Ok(out.into_bytes())
}

/// `helmfile print-env`
pub(crate) fn print_env(context: &Context<'_>, ready: &[Ready], as_json: bool) -> Result<Vec<u8>> {
    let mut documents = Vec::new();
    for helmfile in ready {
        let state = &helmfile.state;
        let entries = [
            ("filePath", Some(Value::str(state.file.display().to_string()))),
            ("kubeContext", Some(state.environment.kube_context.as_str()).filter(|text| !text.is_empty()).map(Value::str)),
            ("name", Some(Value::str(state.environment.name.as_str()))),
            ("values", Some(Value::Map(state.environment.merged_values(context.version())))),
        ];
        documents.push(Value::Map(Map::from_entries(entries.into_iter().filter_map(|(key, value)| Some((key.into(), value?))))));
    }
    if as_json {
        let texts = documents.iter().map(|document| indented(document, context.version())).collect::<Result<Vec<_>>>()?;
        return Ok(format!("[\n{}\n]\n", texts.join(",\n")).into_bytes());
    }
    let texts = documents.iter().map(|document| yaml::encode(document, context.version()).map_err(Diagnostic::error));
    Ok(texts.collect::<Result<Vec<_>>>()?.join(&b"---\n"[..]))
}

/// JSON indented once more, as an item of a list.
fn indented(document: &Value, version: Version) -> Result<String> {
    let json = to_pretty_json(document, version.go()).map_err(Diagnostic::error)?;
    let text = String::from_utf8_lossy(&json).into_owned();
    Ok(text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
}

/// `helmfile write-values`: the path and the text of each file.
pub(crate) fn write_values(context: &Context<'_>, ready: &[Ready], options: &WriteValuesOptions) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for helmfile in ready {
        let chosen = visit::chosen(helmfile, &selected(helmfile)?, false)?;
        for release in chosen.iter().filter(|release| visit::is_installed(release)) {
            let mut values = release_values::of(context, &helmfile.state, release)?.files;
            for path in &options.values {
                let shown = paths::shown(path, context.root);
                let text = context.world.read_named(path).map_err(|error| Diagnostic::error(hydrate_base::go_read_text(&shown, &error)))?;
                values.push(hydrate_helm::ValuesFile { name: shown, text });
            }
            let merged = release_values::merged(context, &values)?;
            let path = output_path(context, &helmfile.state, release, None, &options.template)?;
            let text = yaml::encode(&Value::Map(merged), context.version()).map_err(Diagnostic::error)?;
            files.push((helmfile.state.base.join(path), text));
        }
    }
    Ok(files)
}

/// The flags of `helmfile write-values`.
#[derive(Debug, Clone, Default)]
pub struct WriteValuesOptions {
    /// `--output-file-template`
    pub template: String,
    /// `--values`
    pub values: Vec<PathBuf>,
}

const DIRECTORY: &str = "{{ .OutputDir }}/{{ .State.BaseName }}-{{ .State.AbsPathSHA1 }}-{{ .Release.Name}}";
const FILE: &str = "{{ .State.BaseName }}-{{ .State.AbsPathSHA1 }}/{{ .Release.Name }}.yaml";

/// Where the output of a release goes: below a directory, or as a file.
pub(crate) fn output_path(context: &Context<'_>, state: &State, release: &Map, directory: Option<&str>, template: &str) -> Result<String> {
    let hash = Sha1::digest(state.file.to_string_lossy().as_bytes());
    let short: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let name = state.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let base = Path::new(&name).extension().map_or(name.as_str(), |extension| {
        let end = name.len().saturating_sub(extension.len() + 1);
        name.get(..end).unwrap_or(&name)
    });
    let text = |text: &str| Value::str(text);
    let state_fields = vec![
        ("BaseName", text(base)),
        ("Path", text(&name)),
        ("AbsPath", text(&state.file.to_string_lossy())),
        ("AbsPathSHA1", text(&short)),
    ];
    let environment = vec![
        ("Name", text(&state.environment.name)),
        ("KubeContext", text(&state.environment.kube_context)),
        ("Values", Value::Map(state.environment.values.clone())),
        ("Defaults", Value::Map(state.environment.defaults.clone())),
    ];
    let fields = ["Name", "Namespace", "Chart", "Version", "KubeContext"].map(|field| {
        let mut key = field.to_owned();
        key.replace_range(..1, &field.chars().next().unwrap_or_default().to_lowercase().to_string());
        (field, Value::str(record::text(release, &key)))
    });
    let mut release_fields = fields.to_vec();
    release_fields.push(("Labels", Value::Map(record::map(release, "labels"))));
    let data = Value::object(Named(vec![
        ("OutputDir", text(directory.unwrap_or_default())),
        ("State", Value::object(Named(state_fields))),
        ("Release", Value::object(Named(release_fields))),
        ("Environment", Value::object(Named(environment))),
    ]));
    let template = match (template, directory) {
        ("", Some(_)) => DIRECTORY,
        ("", None) => FILE,
        (template, _) => template,
    };
    context.renderer(&state.base).text("output template", template, &data)
}

struct Named(Vec<(&'static str, Value)>);

impl Object for Named {
    fn type_name(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.0.clone()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
