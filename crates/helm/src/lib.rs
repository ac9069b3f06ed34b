#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod capabilities;
mod coalesce;
mod dependencies;
mod document;
mod durations;
mod engine;
mod errors;
pub mod explain;
mod files;
mod functions;
mod glob;
mod head;
mod host;
mod instance;
mod manifests;
mod options;
pub mod output;
mod parsing;
mod reading;
mod schema;
mod scope;
mod split;
mod strvals;
mod toml;
mod values;

use std::collections::BTreeSet;
use std::sync::Arc;

use hydrate_base::{Diagnostic, JobQueue, Result, SourceFile, World};
use hydrate_chart::{Chart, Level};
use hydrate_gotmpl::{Template, budget, stack};

use capabilities::{Capabilities, KubeVersion};
use coalesce::Mode;
use engine::{Execution, RenderedFile};
use instance::{Charts, Instance};
use manifests::Unparsable;
use parsing::Parsing;
use reading::{ReadFile, RenderedReader};

pub use document::{Document, DocumentKind, Hook, Text};
pub use head::Head;
pub use options::{ClusterObject, RenderOptions, ValueOptions, ValuesFile};

/// Templates may call each other a thousand deep, so they get a stack of their own; memory is used as it is needed.
const STACK: usize = 512 << 20;

/// Everything a chart rendered to.
#[derive(Debug, Default)]
pub struct Rendered {
    /// CRDs, manifests in the order of installation, hooks.
    pub documents: Vec<Document>,
    /// What NOTES.txt of the chart itself says.
    pub notes: String,
    /// What Helm says on stderr.
    pub warnings: Vec<Box<Diagnostic>>,
    /// What `lookup` was asked for and has not found: `v1 Secret shop/db`, in alphabetical order.
    pub unanswered: BTreeSet<String>,
}

/// Renders a chart.
///
/// `world` is asked for the files of `--set-file`, the time and randomness. Errors carry Helm's own text in a note that
/// begins with `Error: `, or as their message.
pub fn template(chart: &Arc<Chart>, options: &RenderOptions, world: &dyn World) -> Result<Rendered> {
    template_or_show(chart, options, world, false).map_err(|failed| failed.error)
}

/// A chart that could not be rendered.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: Box<Diagnostic>,
    /// What `helm template --debug` prints all the same: everything that the templates gave, by their paths.
    pub shown: Option<Vec<u8>>,
}

impl From<Box<Diagnostic>> for Failed {
    fn from(error: Box<Diagnostic>) -> Self {
        Self { error, shown: None }
    }
}

/// What Helm looks at before it renders: the values, and whether the chart can be installed.
pub fn check_before(chart: &Arc<Chart>, options: &RenderOptions, world: &dyn World) -> Result<()> {
    options.values.merge(options.level, world)?;
    Charts::new(chart, options.level)?;
    check_installable(chart, options.level, &mut Vec::new())
}

/// The same as [`template`]; with `show`, what the templates gave is kept for where it turns out to be no YAML.
pub fn template_or_show(chart: &Arc<Chart>, options: &RenderOptions, world: &dyn World, show: bool) -> Result<Rendered, Failed> {
    if let Some(witness) = world.witness() {
        witness.note(explain::Release { chart: Arc::clone(chart), options: options.clone() });
    }
    let outcome = stack::with_large_stack(STACK, |jobs| work(chart, options, world, jobs, show));
    outcome.unwrap_or_else(|error| Err(Diagnostic::error(format!("rendering template failed: {error}")).into()))
}

fn work(chart: &Arc<Chart>, options: &RenderOptions, world: &dyn World, jobs: &JobQueue, show: bool) -> Result<Rendered, Failed> {
    let level = options.level;
    let mut said = chart_warnings(chart);
    let parsing = Parsing::begin(chart, level, jobs);
    let values = options.values.merge(level, world)?;
    let mut charts = Charts::new(chart, level)?;
    check_installable(chart, level, &mut said)?;
    check_name(&options.release, level)?;
    dependencies::process(&mut charts, &values, &mut said).map_err(|error| {
        Diagnostic::error(match level {
            Level::V3 => error,
            Level::V4 => format!("chart dependencies processing failed: {error}"),
        })
    })?;
    let capabilities = capabilities(options)?;
    let instance = charts.get(Charts::ROOT);
    let merged = coalesce::values(instance, &values, Mode { level, merge: false }, &mut said).map_err(Diagnostic::error)?;
    if !options.skip_schema_validation {
        schema::validate(instance, &merged, level).map_err(|error| schema_error(chart, &options.values, error))?;
    }
    check_kube_version(chart, &capabilities, level)?;
    let release = scope::Release {
        level,
        release: scope::release(&options.release, &options.namespace, options.is_upgrade),
        capabilities: scope::capabilities(&capabilities, level),
    };
    let templates = scope::templates(instance, &merged, &release);
    let execution = Execution { level, world, chart, cluster: &options.cluster };
    let mut reading = RenderedReader::new(jobs, level);
    let (own_notes, mut notes) = (format!("{}/templates/NOTES.txt", chart.name()), String::new());
    let mut shown = Vec::new();
    let take = |path: &str, file: RenderedFile| match path {
        path if path == own_notes => notes = String::from_utf8_lossy(file.bytes()).into_owned(),
        path if path.ends_with("NOTES.txt") => {}
        path => {
            if show && !split::trim(file.bytes()).is_empty() {
                shown.extend([b"---\n# Source: ", path.as_bytes(), b"\n", file.bytes(), b"\n"].concat());
            }
            reading.add(path, file);
        }
    };
    let limits = world.limits();
    let failed = |error, shown: Vec<u8>| Failed { error, shown: show.then(|| [split::trim(&shown), b"\n"].concat()) };
    let unanswered = budget::with(limits.steps, limits.output, || engine::render(&templates, &execution, parsing, take))
        .map_err(|error| failed(error, Vec::new()))?;
    let rendered =
        reading.finish().and_then(|files| documents(instance, files, notes, options, said)).map_err(|error| failed(error, shown))?;
    Ok(Rendered { unanswered, ..rendered })
}

/// What was remarked while the chart and its dependencies were loaded.
fn chart_warnings(chart: &Chart) -> Vec<String> {
    let mut said = chart.warnings.clone();
    said.extend(chart.dependencies.iter().flat_map(|inner| chart_warnings(inner)));
    said
}

fn check_installable(chart: &Chart, level: Level, said: &mut Vec<String>) -> Result<()> {
    let metadata = &chart.metadata;
    if !matches!(metadata.kind.as_str(), "" | "application") {
        return Err(Diagnostic::error(format!("{} charts are not installable", metadata.kind))
            .help("a library chart only gives templates to the charts that depend on it"));
    }
    if metadata.deprecated {
        said.push("WARNING: This chart is deprecated".to_owned());
    }
    let present = |name: &str| chart.dependencies.iter().any(|inner| inner.name() == name);
    let required = metadata.dependencies.iter().flatten();
    let missing: Vec<&str> = required.map(|required| required.name.as_str()).filter(|name| !present(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let advice = match level {
        Level::V3 => {
            "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies"
        }
        Level::V4 => {
            "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies"
        }
    };
    Err(Diagnostic::error(format!("{advice}: found in Chart.yaml, but missing in charts/ directory: {}", missing.join(", ")))
        .help("put the missing charts into the chart's charts/ directory"))
}

/// The rules for release names; the error is Helm's text.
fn check_name(name: &str, level: Level) -> Result<()> {
    const PATTERN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let label = |label: &str| !label.is_empty() && label.chars().all(inside) && !label.starts_with('-') && !label.ends_with('-');
    let problem = match name {
        "" => "no name provided".to_owned(),
        name if name.len() > 53 || !name.split('.').all(label) => {
            format!("invalid release name, must match regex {PATTERN} and the length must not be longer than 53")
        }
        _ => return Ok(()),
    };
    let text = format!("release name {name:?}: {problem}");
    Err(Diagnostic::error(match level {
        Level::V3 => text,
        Level::V4 => format!("release name check failed: {text}"),
    }))
}

fn capabilities(options: &RenderOptions) -> Result<Capabilities> {
    let mut capabilities = Capabilities::default_of(options.level);
    if let Some(version) = &options.kube_version {
        capabilities.kube_version = KubeVersion::parse(version, options.level).map_err(Diagnostic::error)?;
    }
    capabilities.api_versions.extend(options.api_versions.iter().cloned());
    Ok(capabilities)
}

fn schema_error(chart: &Chart, values: &ValueOptions, error: String) -> Box<Diagnostic> {
    let mut diagnostic = Diagnostic::error(error.as_str());
    for (file, span, said) in schema::places::of(&error, chart, values) {
        diagnostic = if diagnostic.primary.is_none() { diagnostic.at(&file, span, said) } else { diagnostic.also(&file, span, said) };
    }
    diagnostic.note(format!("the schema is {}/values.schema.json, or that of the dependency named", chart.location))
}

fn check_kube_version(chart: &Chart, capabilities: &Capabilities, level: Level) -> Result<()> {
    let constraint = &chart.metadata.kube_version;
    let version = &capabilities.kube_version;
    if constraint.is_empty() || dependencies::compatible(constraint, &version.normalized, level) {
        return Ok(());
    }
    let text = format!("chart requires kubeVersion: {constraint} which is incompatible with Kubernetes {}", version.version);
    let note = format!("Error: {text}{}", errors::USE_DEBUG);
    Err(Diagnostic::error(text).note(note).help("name the cluster's version: `kubernetes` in the environment, or --kube-version"))
}

fn documents(
    instance: Instance<'_>,
    files: Vec<ReadFile>,
    notes: String,
    options: &RenderOptions,
    mut said: Vec<String>,
) -> Result<Rendered> {
    let sorted = manifests::sort(files, options.level, &mut said).map_err(unparsable)?;
    let mut documents = Vec::new();
    if options.include_crds {
        crds(instance, &mut documents);
    }
    documents.extend(sorted.manifests.into_iter().chain(sorted.hooks));
    let warnings = said.into_iter().map(Diagnostic::warning).collect();
    Ok(Rendered { documents, notes, warnings, unanswered: BTreeSet::new() })
}

/// The files in crds/ of a chart, then those of its dependencies.
fn crds(chart: Instance<'_>, documents: &mut Vec<Document>) {
    let manifest = |name: &str| {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        ["yaml", "yml", "json"].iter().any(|known| known.eq_ignore_ascii_case(extension))
    };
    for file in &chart.chart().files {
        if file.name.starts_with("crds/") && manifest(&file.name) {
            documents.push(Document {
                path: scope::joined(&chart.full_path(), &file.name),
                text: Text::File(Arc::clone(&file.data)),
                kind: DocumentKind::Crd,
                head: Head::default(),
            });
        }
    }
    for dependency in chart.dependencies() {
        crds(dependency, documents);
    }
}

/// A rendered document that is no YAML: shown as rendered, with the template that wrote the line.
fn unparsable(found: Unparsable) -> Box<Diagnostic> {
    let Unparsable { path, file, range, error } = found;
    let text = format!("YAML parse error on {path}: {error}");
    let document = file.bytes().get(range.clone()).unwrap_or_default();
    let rendered = SourceFile::new(format!("{path} (rendered)"), document);
    let mut diagnostic = Diagnostic::error(text.clone()).note(format!("Error: {text}{}", errors::USE_DEBUG));
    // What go-yaml calls the line is often the one before.
    let own = reading::yaml_error(document);
    if let Some((line, what)) = own.or_else(|| hydrate_chart::error_line(&error).map(|line| (line, String::new()))) {
        let span = rendered.line_range(line);
        diagnostic = diagnostic.at(&rendered, span.clone(), what);
        if let Some((template, offset)) = file.origin(range.start + span.start) {
            let (line, _) = template.line_column(offset);
            let range = template.line_range(line);
            diagnostic = diagnostic.also(template, range, "written here");
        }
    }
    diagnostic
}

/// Checks the text of `--kube-version`, which Helm reads before anything else.
///
/// # Errors
/// Helm's text: what is no version.
pub fn check_kube_flag(text: &str, level: Level) -> Result<()> {
    KubeVersion::parse(text, level).map(drop).map_err(Diagnostic::error)
}

/// `--name-template`: a template over nothing, with all functions of sprig, gives the release's name.
pub fn template_name(template: &str, world: &dyn World) -> Result<String> {
    let functions = hydrate_gotmpl::FunctionSet::new(&[hydrate_sprig::FUNCTIONS]);
    let template = Template::parse("name-template", template, functions, hydrate_gotmpl::Options::default());
    let template = template.map_err(|error| Diagnostic::error(error.text.clone()))?;
    let name = template.render(&hydrate_gotmpl::Value::Nil, world).map_err(|error| Diagnostic::error(error.text()))?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}
