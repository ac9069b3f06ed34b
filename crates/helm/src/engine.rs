//! Executing the templates of a chart and its dependencies (`pkg/engine/engine.go`).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::errors;
use super::functions::{self, NO_VALUE};
use super::host::Host;
use super::options::ClusterObject;
use super::parsing::Parsing;
use super::scope::Renderable;
use super::values;
use hydrate_base::{Result, SourceFile, World};
use hydrate_chart::{Chart, Level};
use hydrate_gotmpl::Context;
use hydrate_gotmpl::trace::{Registry, Trace};
use hydrate_gotmpl::{Map, Str, Value};
use hydrate_gotmpl::{Output, TemplateSet};

/// A rendered file, and where each of its bytes came from.
#[derive(Debug, Default)]
pub struct RenderedFile {
    /// The bytes as the template wrote them.
    output: Output,
    /// Where `<no value>` was taken out: positions in what the template wrote.
    removed: Vec<usize>,
}

impl RenderedFile {
    fn new(mut output: Output) -> Self {
        let removed: Vec<usize> = memchr::memmem::find_iter(&output.bytes, NO_VALUE).collect();
        if !removed.is_empty() {
            let text = functions::without_no_value(Str::from(output.bytes.as_slice()));
            output.bytes = text.as_bytes().to_vec();
        }
        Self { output, removed }
    }

    /// The rendered bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.output.bytes
    }

    /// The template and the byte in it from which the byte `at` of the rendered file came.
    pub fn origin(&self, at: usize) -> Option<(&Arc<SourceFile>, usize)> {
        let gone = self.removed.iter().enumerate().take_while(|(before, start)| **start <= at + before * NO_VALUE.len()).count();
        self.output.origin(at + gone * NO_VALUE.len()).map(|origin| (origin.file, origin.offset))
    }
}

/// What one execution is given.
pub(super) struct Execution<'a> {
    pub(super) level: Level,
    pub(super) world: &'a dyn World,
    /// The chart at the top, which keeps parsed templates for the next release.
    pub(super) chart: &'a Chart,
    /// What `lookup` finds.
    pub(super) cluster: &'a Arc<[ClusterObject]>,
}

/// Executes all templates but the partials, and gives each with its path to `each`. Gives what `lookup` was asked for and has not found.
pub(super) fn render(
    templates: &BTreeMap<String, Renderable>,
    execution: &Execution<'_>,
    parsing: Parsing<'_>,
    mut each: impl FnMut(&str, RenderedFile),
) -> Result<BTreeSet<String>> {
    let order = order(templates);
    let set = parsed(templates, &order, execution, parsing)?;
    let host = Host::new(execution.level, Arc::clone(execution.cluster));
    let context = Context { world: execution.world, host: &host, limits: execution.world.limits().into() };
    for path in order {
        let Some(template) = templates.get(path) else { continue };
        if path.rsplit('/').next().is_some_and(|name| name.starts_with('_')) {
            continue;
        }
        let dot = dot(template, path, execution.level);
        let output = hydrate_gotmpl::execute(&set, path.as_bytes(), &dot, context)
            .map_err(|error| errors::execution(path, &error, template, execution.level, execution.world.limits()))?;
        each(path, RenderedFile::new(output));
    }
    Ok(host.into_unanswered())
}

/// What a template has as its dot.
fn dot(template: &Renderable, path: &str, level: Level) -> Value {
    let about = Map::from_entries([(Str::from("Name"), Value::str(path)), (Str::from("BasePath"), Value::str(&*template.base_path))]);
    let values = values::type_name(level);
    template.scope.insert("Template", Value::Map(about.seen_as(values)));
    Value::Map(template.scope.seen_as(values))
}

/// Executes the templates whose paths are `wanted`, and gives what each wrote with what took place, if it is asked for by a registry.
pub(super) fn render_traced(
    templates: &BTreeMap<String, Renderable>,
    execution: &Execution<'_>,
    parsing: Parsing<'_>,
    wanted: &dyn Fn(&str) -> bool,
    registry: Option<&Rc<Registry>>,
) -> Result<Vec<(String, RenderedFile, Trace)>> {
    let order = order(templates);
    let set = parsed(templates, &order, execution, parsing)?;
    let host = Host::new(execution.level, Arc::clone(execution.cluster));
    let context = Context { world: execution.world, host: &host, limits: execution.world.limits().into() };
    let mut all = Vec::new();
    for path in order {
        let Some(template) = templates.get(path) else { continue };
        if path.rsplit('/').next().is_some_and(|name| name.starts_with('_')) || !wanted(path) {
            continue;
        }
        let dot = dot(template, path, execution.level);
        let executed = match registry {
            Some(registry) => hydrate_gotmpl::execute_traced(&set, path.as_bytes(), &dot, context, registry),
            None => hydrate_gotmpl::execute(&set, path.as_bytes(), &dot, context).map(|output| (output, Trace::default())),
        };
        let (output, trace) =
            executed.map_err(|error| errors::execution(path, &error, template, execution.level, execution.world.limits()))?;
        all.push((path.to_owned(), RenderedFile::new(output), trace));
    }
    Ok(all)
}

/// Deeper paths first, and among equally deep ones the last by name: a later definition replaces an earlier one, so the
/// templates of a parent win over those of its dependencies.
fn order(templates: &BTreeMap<String, Renderable>) -> Vec<&str> {
    let mut order: Vec<&str> = templates.keys().map(String::as_str).collect();
    let depth = |path: &str| memchr::memchr_iter(b'/', path.as_bytes()).count();
    order.sort_by_cached_key(|path| std::cmp::Reverse((depth(path), *path)));
    order
}

/// The parsed templates, from the last time where the chart was rendered before under the same names.
fn parsed(
    templates: &BTreeMap<String, Renderable>,
    order: &[&str],
    execution: &Execution<'_>,
    parsing: Parsing<'_>,
) -> Result<TemplateSet> {
    if let Some(known) = execution.chart.parsed.find(execution.level, order) {
        return Ok(known);
    }
    let file = |path: &&str| templates.get(*path).map(|template| SourceFile::new(*path, Arc::clone(&template.file.data)));
    let files: Vec<_> = order.iter().filter_map(file).collect();
    let set = parsing.finish(&files, execution.level)?;
    execution.chart.parsed.keep(execution.level, order, &set);
    Ok(set)
}
