//! From files to a chart: which file is what (`pkg/chart/v2/loader/load.go`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::archive::{load_archive, unpack};
use super::directory;
use super::metadata;
use super::model::{Chart, File, Level, Parsed};
use hydrate_base::{Diagnostic, FileKind, Result, World};

/// Charts in charts/ of charts in charts/ …: deeper than this nothing sane goes.
const NESTING_LIMIT: usize = 64;

/// Loads the chart at `path`, a directory or a `.tgz`, with the dependencies vendored in its charts/.
///
/// Errors carry Helm's text: a missing or invalid Chart.yaml, a broken archive, a file that may not be read.
pub fn load(path: &Path, level: Level, world: &dyn World) -> Result<Arc<Chart>> {
    let kind = world.kind(path).map_err(|error| directory::io_error("stat", path, &error))?;
    if kind == FileKind::Directory { load_directory(path, level, world) } else { load_packed(path, level, world) }
}

fn load_packed(path: &Path, level: Level, world: &dyn World) -> Result<Arc<Chart>> {
    let bytes = world.read(path).map_err(|error| directory::io_error("open", path, &error))?;
    load_archive(&bytes, path, level)
}

fn load_directory(path: &Path, level: Level, world: &dyn World) -> Result<Arc<Chart>> {
    if level == Level::V4 {
        detect_version(path, world)?;
    }
    let files = directory::read(path, level, world)?;
    from_files(files, &path.display().to_string(), level)
}

/// Helm 4 looks at Chart.yaml before anything else.
fn detect_version(path: &Path, world: &dyn World) -> Result<()> {
    let file = path.join("Chart.yaml");
    let text = world.read(&file).map_err(|error| {
        let text = directory::io_error("open", &file, &error);
        Diagnostic::error(format!("unable to detect chart at {}: {}", file.display(), text.message))
            .help("name a directory with a Chart.yaml, or a packed chart (.tgz)")
    })?;
    let version = metadata::api_version(&text)?;
    match version.as_str() {
        "" | "v1" | "v2" => Ok(()),
        "v3" => {
            Err(Diagnostic::error("invalid chart apiVersion").note("charts of apiVersion v3 cannot be rendered yet, not by Helm either"))
        }
        _ => Err(Diagnostic::error("unsupported chart version").note(format!("apiVersion is {version:?}; known are v1 and v2"))),
    }
}

/// Makes a chart of its files; `location` says in messages where they come from.
pub fn from_files(files: Vec<File>, location: &str, level: Level) -> Result<Arc<Chart>> {
    nested(files, location, level, 0)
}

fn nested(files: Vec<File>, location: &str, level: Level, depth: usize) -> Result<Arc<Chart>> {
    if depth > NESTING_LIMIT {
        return Err(Diagnostic::error(format!("charts are nested more than {NESTING_LIMIT} deep")).note(format!("in {location}")));
    }
    let metadata = metadata::read(&files, level)?;
    let mut chart = Chart {
        location: location.to_owned(),
        metadata: metadata.metadata,
        values: None,
        schema: None,
        templates: Vec::new(),
        files: Vec::new(),
        dependencies: Vec::new(),
        warnings: metadata.warnings,
        parsed: Parsed::default(),
    };
    let mut inner: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for file in files {
        sort_in(&mut chart, &mut inner, file);
    }
    for (name, files) in inner {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let dependency = dependency(&name, files, location, level, depth).map_err(|mut error| {
            error.message = format!("error unpacking subchart {name} in {}: {}", chart.name(), error.message);
            error
        })?;
        chart.dependencies.push(dependency);
    }
    Ok(Arc::new(chart))
}

/// Puts a file where it belongs; those of the charts in charts/ are gathered by the name below charts/.
fn sort_in(chart: &mut Chart, inner: &mut BTreeMap<String, Vec<File>>, file: File) {
    let old_style = chart.metadata.api_version == "v1";
    match file.name.as_str() {
        "Chart.yaml" | "Chart.lock" => {}
        "values.yaml" => chart.values = Some(file.data),
        "values.schema.json" => chart.schema = Some(file.data),
        "requirements.yaml" | "requirements.lock" if !old_style => {}
        name if name.starts_with("templates/") => chart.templates.push(file),
        name if name.starts_with("charts/") && !name.ends_with(".prov") => {
            let below = name["charts/".len()..].to_owned();
            let key = below.split('/').next().unwrap_or_default().to_owned();
            inner.entry(key).or_default().push(File { name: below, data: file.data });
        }
        _ => chart.files.push(file),
    }
}

fn dependency(name: &str, files: Vec<File>, location: &str, level: Level, depth: usize) -> Result<Arc<Chart>> {
    let location = format!("{location}/charts/{name}");
    if name.ends_with(".tgz") {
        let file = files.first().ok_or_else(|| Diagnostic::error("no files in chart archive"))?;
        if file.name != name {
            return Err(Diagnostic::error(format!("error unpacking subchart tar: expected {name}, got {}", file.name)));
        }
        let files = unpack(&file.data, level).map_err(|broken| Diagnostic::error(broken.text).note(format!("in {location}")))?;
        return nested(files, &location, level, depth + 1);
    }
    // What lies directly in charts/ and is no archive is not a chart, but Helm tries: Chart.yaml is then missing.
    let files = files.into_iter().filter_map(|file| {
        let (_, below) = file.name.split_once('/')?;
        Some(File { name: below.to_owned(), data: file.data })
    });
    nested(files.collect(), &location, level, depth + 1)
}
