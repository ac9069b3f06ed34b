//! Rendering that can say where everything comes from: what each template did, which values there are, and which files they may come from.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, World};
use hydrate_chart::{Chart, decode_values};
use hydrate_gotmpl::trace::{Registry, Trace, ValuePath};
use hydrate_gotmpl::{Map, Value, budget, encode, stack};

use super::coalesce::{self, Mode};
use super::engine::{self, Execution};
use super::instance::{Charts, Instance};
use super::options::RenderOptions;
use super::parsing::Parsing;
use super::{STACK, capabilities, dependencies, scope};

/// A release that is rendered, as a witness is told.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its chart.
    pub chart: Arc<Chart>,
    /// What it is rendered with.
    pub options: RenderOptions,
}

/// What is rendered otherwise than it is.
#[derive(Debug, Clone, Default)]
pub struct Instead {
    /// Another values.yaml of the chart that lies at a place.
    pub chart_values: Option<(String, Arc<[u8]>)>,
}

/// What the templates of a chart did.
#[derive(Debug)]
pub struct Explained {
    /// The templates that were executed.
    pub templates: Vec<Executed>,
    /// The values that templates saw, from the chart itself: those that are no table and no list with something in it, as JSON.
    pub values: Vec<(ValuePath, String)>,
    /// The charts that take part, the rendered one first.
    pub charts: Vec<ChartValues>,
    /// Where the text of each template lies, by its path: the place of its chart, and the path in that.
    pub places: BTreeMap<String, (String, String)>,
}

/// A template that was executed.
#[derive(Debug)]
pub struct Executed {
    /// Its path, as `# Source:` shows it.
    pub path: String,
    /// What it wrote, without `<no value>`.
    pub bytes: Vec<u8>,
    /// How it came to that.
    pub trace: Trace,
}

/// The default values of a chart.
#[derive(Debug, Clone)]
pub struct ChartValues {
    /// Where the chart lies.
    pub location: String,
    /// Where its values stand in those of the rendered chart.
    pub prefix: ValuePath,
    /// Its values.yaml.
    pub text: Option<Arc<[u8]>>,
}

/// What is wanted of a rendering that is explained.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The templates to execute, by their paths.
    pub templates: &'a (dyn Fn(&str) -> bool + Sync),
    /// Whether what they do is noted.
    pub traces: bool,
}

/// Executes templates of a chart, as [`super::template`] does. Where none is wanted they are not parsed either.
///
/// # Errors
/// Those of [`super::template`], but for what is wrong with the documents.
pub fn explain(chart: &Arc<Chart>, options: &RenderOptions, world: &dyn World, instead: &Instead, wanted: Wanted<'_>) -> Result<Explained> {
    let outcome = stack::with_large_stack(STACK, |jobs| {
        let parsing = Parsing::begin(chart, options.level, jobs);
        work(chart, options, world, instead, wanted, parsing)
    });
    outcome.unwrap_or_else(|error| Err(Diagnostic::error(format!("rendering template failed: {error}"))))
}

fn work(
    chart: &Arc<Chart>,
    options: &RenderOptions,
    world: &dyn World,
    instead: &Instead,
    wanted: Wanted<'_>,
    parsing: Parsing<'_>,
) -> Result<Explained> {
    let level = options.level;
    let mut said = Vec::new();
    let values = options.values.merge(level, world)?;
    let mut charts = Charts::new(chart, level)?;
    if let Some((location, text)) = &instead.chart_values {
        let values = decode_values(text, level).map_err(Diagnostic::error)?;
        charts.replace_values(location, &values);
    }
    dependencies::process(&mut charts, &values, &mut said).map_err(Diagnostic::error)?;
    let instance = charts.get(Charts::ROOT);
    let merged = coalesce::values(instance, &values, Mode { level, merge: false }, &mut said).map_err(Diagnostic::error)?;
    let release = scope::Release {
        level,
        release: scope::release(&options.release, &options.namespace, options.is_upgrade),
        capabilities: scope::capabilities(&capabilities(options)?, level),
    };
    let templates = scope::templates(instance, &merged, &release);
    let mut explained = Explained { templates: Vec::new(), values: Vec::new(), charts: Vec::new(), places: BTreeMap::new() };
    let registry = wanted.traces.then(|| Rc::new(registry(&merged, &templates)));
    if wanted.traces {
        leaves(&ValuePath::default(), &Value::Map(merged.clone()), &mut explained.values);
        add_charts(instance, &ValuePath::default(), &mut explained.charts);
        let place = |template: &scope::Renderable| (template.location.to_string(), template.file.name.clone());
        explained.places = templates.iter().map(|(path, template)| (path.clone(), place(template))).collect();
    }
    if !templates.keys().any(|path| (wanted.templates)(path)) {
        return Ok(explained);
    }
    let execution = Execution { level, world, chart, cluster: &options.cluster };
    let limits = world.limits();
    let executed = budget::with(limits.steps, limits.output, || {
        engine::render_traced(&templates, &execution, parsing, wanted.templates, registry.as_ref())
    })?;
    explained.templates = executed.into_iter().map(|(path, file, trace)| Executed { path, bytes: file.bytes().to_vec(), trace }).collect();
    Ok(explained)
}

fn registry(values: &Map, templates: &BTreeMap<String, scope::Renderable>) -> Registry {
    let mut registry = Registry::default();
    // Tables below globals are shared by all charts; they are the rendered chart's.
    if let Some(Value::Map(global)) = values.get(b"global") {
        registry.add_values(&ValuePath::default().key("global"), &global);
    }
    registry.add_values(&ValuePath::default(), values);
    templates.values().for_each(|template| registry.add_scope(&template.scope));
    registry
}

fn leaves(path: &ValuePath, value: &Value, all: &mut Vec<(ValuePath, String)>) {
    match value {
        Value::Map(map) if !map.is_empty() => {
            map.entries().iter().for_each(|(key, value)| leaves(&path.key(key.to_str_lossy()), value, all));
        }
        Value::List(list) if !list.is_empty() => {
            list.items().iter().enumerate().for_each(|(index, value)| leaves(&path.index(index), value, all));
        }
        value => {
            let text = encode::to_json(value, Default::default()).unwrap_or_default();
            all.push((path.clone(), String::from_utf8_lossy(&text).trim().to_owned()));
        }
    }
}

fn add_charts(chart: Instance<'_>, prefix: &ValuePath, all: &mut Vec<ChartValues>) {
    all.push(ChartValues { location: chart.chart().location.clone(), prefix: prefix.clone(), text: chart.chart().values.clone() });
    chart.dependencies().for_each(|inner| add_charts(inner, &prefix.key(inner.name()), all));
}
