//! Releases as helm gets them.
//!
//! Follows `flagsForTemplate` and `TemplateReleases` of `pkg/state/state.go` of helmfile.

use std::path::PathBuf;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, World, go_read_text};
use hydrate_chart::Chart;
use hydrate_gotmpl::Map;
use hydrate_helm::output::PrintOptions;
use hydrate_helm::{ClusterObject, RenderOptions, Rendered, ValueOptions, ValuesFile};

use crate::args::{self, HelmFlags};
use crate::chartify::{self, Chartify};
use crate::charts::{self, ChartOrigin};
use crate::load::{Context, State};
use crate::visit::{Needs, Ready, planned};
use crate::{Version, paths, record, release_values};

/// The flags of `helmfile template` that concern what helm is asked for.
#[derive(Debug, Clone, Default)]
pub struct TemplateOptions {
    /// `--include-crds`
    pub include_crds: bool,
    /// `--skip-tests`
    pub skip_tests: bool,
    /// `--no-hooks`
    pub no_hooks: bool,
    /// `--kube-version`
    pub kube_version: Option<String>,
    /// `--set`
    pub set: Vec<String>,
    /// `--values`
    pub values: Vec<PathBuf>,
    /// `--show-only`
    pub show_only: Vec<String>,
    /// `--args`, and `--template-args`
    pub args: Vec<String>,
    /// `--skip-schema-validation`
    pub skip_schema_validation: bool,
    /// API versions beyond the built-in ones and those of the helmfile.
    pub api_versions: Vec<String>,
    /// What `lookup` finds in charts: there is no cluster to be asked.
    pub cluster: Arc<[ClusterObject]>,
    /// Which releases are rendered beside those that are chosen.
    pub needs: Needs,
    /// `--output-dir`
    pub output_dir: Option<String>,
    /// `--output-dir-template`
    pub output_dir_template: String,
}

/// A release that is to be rendered.
pub struct Release {
    /// `.Release.Name`
    pub name: String,
    /// The helmfile that it stands in, as it is shown.
    pub file: String,
    /// Its chart.
    pub chart: ChartOrigin,
    /// What helm is asked for.
    pub options: RenderOptions,
    /// What is printed of it.
    pub print: PrintOptions,
    /// The directory of `--output-dir`, where one is asked for.
    pub output: Option<PathBuf>,
    /// How many empty lines helmfile prints before this release: one for each kustomization of its helmfile that it makes a chart of.
    pub blank_lines: usize,
    /// What the chart is made of, and what helm is asked for while it is made.
    pub(crate) made_of: Option<(Chartify, RenderOptions)>,
}

impl Release {
    /// Renders the release; `load` gives the charts that it asks for.
    ///
    /// # Errors
    /// Those of `load`, and helm's and kustomize's, with the release and its helmfile.
    pub fn render(&self, world: &dyn World, load: &dyn Fn(&ChartOrigin) -> Result<Arc<Chart>>) -> Result<Rendered> {
        self.rendered(world, load).map_err(|error| self.placed(error))
    }

    fn rendered(&self, world: &dyn World, load: &dyn Fn(&ChartOrigin) -> Result<Arc<Chart>>) -> Result<Rendered> {
        let Some((made_of, first)) = &self.made_of else { return hydrate_helm::template(&load(&self.chart)?, &self.options, world) };
        let chart = made_of.has_chart().then(|| load(&self.chart)).transpose()?;
        let added = made_of.dependencies.iter().map(|adhoc| load(&adhoc.origin)).collect::<Result<Vec<_>>>()?;
        let made = made_of.make(chart.as_ref(), &added, first, world)?;
        hydrate_helm::template(&made, &self.options, world)
    }

    /// An error with the release that it is about.
    pub fn placed(&self, error: Box<Diagnostic>) -> Box<Diagnostic> {
        error.note(format!("in release \"{}\" of {}", self.name, self.file))
    }
}

/// The releases of a helmfile that are rendered.
pub(crate) fn releases(context: &Context<'_>, ready: &Ready, options: &TemplateOptions) -> Result<Vec<Release>> {
    let releases = planned(ready, options.needs)?;
    let releases = charts::with_locked_versions(context, &ready.state, releases)?;
    let shown = paths::shown(&ready.state.file, context.root);
    let made = releases.iter().map(|release| {
        let name = record::text(release, "name");
        one(context, &ready.state, release, options).map_err(|error| error.note(format!("in release \"{name}\" of {shown}")))
    });
    let mut made = made.collect::<Result<Vec<_>>>()?;
    let blank_lines = made.iter().filter(|release| release.made_of.as_ref().is_some_and(|(made_of, _)| made_of.prints_a_line())).count();
    if let Some(first) = made.first_mut() {
        first.blank_lines = blank_lines;
    }
    Ok(made)
}

pub(crate) fn one(context: &Context<'_>, state: &State, release: &Map, options: &TemplateOptions) -> Result<Release> {
    refuse(state, release)?;
    let defaults = record::map(&state.fields, "helmDefaults");
    let mut texts = options.args.clone();
    texts.extend(record::texts(&defaults, "args"));
    texts.extend(record::texts(&defaults, "templateArgs"));
    let flags = args::read(&texts)?;
    let mut values = release_values::of(context, state, release)?;
    let own_values = values.clone();
    for path in options.values.iter().cloned().chain(flags.values.iter().map(|path| paths::join(&state.base, path))) {
        let shown = paths::shown(&path, context.root);
        let text = context.world.read_named(&path).map_err(|error| Diagnostic::error(go_read_text(&shown, &error)))?;
        values.files.push(ValuesFile { name: shown, text });
    }
    values.set.extend(options.set.iter().chain(&flags.set).cloned());
    values.string.extend(flags.set_string.iter().cloned());
    values.file.extend(flags.set_file.iter().cloned());
    values.json.extend(flags.set_json.iter().cloned());
    values.literal.extend(flags.set_literal.iter().cloned());
    let version = context.version();
    let text = |name: &str| record::some_text(release, name).or_else(|| record::some_text(&state.fields, name));
    let mut api_versions = record::texts(release, "apiVersions");
    if api_versions.is_empty() {
        api_versions = record::texts(&state.fields, "apiVersions");
    }
    api_versions.extend(options.api_versions.iter().chain(&flags.api_versions).cloned());
    let skip_schema = options.skip_schema_validation
        || record::optional_flag(release, "skipSchemaValidation").unwrap_or_else(|| record::flag(&defaults, "skipSchemaValidation"))
        || flags.skip_schema_validation;
    let namespace = flags.namespace.clone().or_else(|| record::some_text(release, "namespace")).unwrap_or_else(|| "default".to_owned());
    let rendering = RenderOptions {
        level: context.settings.level,
        release: record::text(release, "name"),
        namespace,
        is_upgrade: flags.is_upgrade,
        values,
        kube_version: flags.kube_version.clone().or_else(|| options.kube_version.clone()).or_else(|| text("kubeVersion")),
        api_versions,
        include_crds: options.include_crds || flags.include_crds,
        skip_schema_validation: skip_schema,
        cluster: Arc::clone(&options.cluster),
    };
    let print = print_options(options, &flags, version);
    let made_of = chartify::needed(context, state, release, &own_values.files)?;
    let first = first_options(context, state, release, options, own_values, &rendering)?;
    let is_made = made_of.as_ref().is_some_and(|made_of| !made_of.has_chart());
    Ok(Release {
        name: record::text(release, "name"),
        file: paths::shown(&state.file, context.root),
        chart: if is_made { ChartOrigin::Local(state.base.clone()) } else { charts::of(context, state, release)? },
        options: rendering,
        print,
        output: output_directory(context, state, release, options)?,
        blank_lines: 0,
        made_of: made_of.map(|made_of| (made_of, first)),
    })
}

/// What helm is asked for where a chart is made of what another one renders: not all that the command line says gets there.
///
/// Follows `processChartification` of `pkg/state/state.go`.
fn first_options(
    context: &Context<'_>,
    state: &State,
    release: &Map,
    options: &TemplateOptions,
    own: ValueOptions,
    last: &RenderOptions,
) -> Result<RenderOptions> {
    let version = context.version();
    let mut files = Vec::new();
    for path in options.values.iter().filter(|_| version == Version::V1) {
        let shown = paths::shown(path, context.root);
        let text = context.world.read_named(path).map_err(|error| Diagnostic::error(go_read_text(&shown, &error)))?;
        files.push(ValuesFile { name: shown, text });
    }
    files.extend(own.files);
    let mut set = own.set;
    set.extend(options.set.iter().cloned());
    let of_helmfile = record::some_text(release, "kubeVersion").or_else(|| record::some_text(&state.fields, "kubeVersion"));
    let kube_version = match version {
        Version::V0 => of_helmfile,
        Version::V1 => options.kube_version.clone().or(of_helmfile),
    };
    let named = record::texts(release, "apiVersions");
    let api_versions = if named.is_empty() { record::texts(&state.fields, "apiVersions") } else { named };
    Ok(RenderOptions {
        values: ValueOptions { files, set, file: own.file, directory: own.directory, ..ValueOptions::default() },
        kube_version,
        api_versions,
        include_crds: options.include_crds,
        namespace: record::some_text(release, "namespace").unwrap_or_else(|| "default".to_owned()),
        ..last.clone()
    })
}

fn output_directory(context: &Context<'_>, state: &State, release: &Map, options: &TemplateOptions) -> Result<Option<PathBuf>> {
    if options.output_dir.is_none() && options.output_dir_template.is_empty() {
        return Ok(None);
    }
    let directory = options.output_dir.as_deref().unwrap_or_default();
    let path = crate::output::output_path(context, state, release, Some(directory), &options.output_dir_template)?;
    Ok(Some(paths::join(&state.base, &path)))
}

fn print_options(options: &TemplateOptions, flags: &HelmFlags, version: Version) -> PrintOptions {
    PrintOptions {
        // 0.166 has no such flag.
        no_hooks: options.no_hooks && version == Version::V1 || flags.no_hooks,
        skip_tests: options.skip_tests || flags.skip_tests,
        show_only: options.show_only.iter().chain(&flags.show_only).cloned().collect(),
    }
}

/// What starts programs over what is rendered.
fn refuse(state: &State, release: &Map) -> Result<()> {
    let defaults = record::map(&state.fields, "helmDefaults");
    let renderer = record::some_text(release, "postRenderer").or_else(|| record::some_text(&defaults, "postRenderer"));
    if let Some(renderer) = renderer {
        return Err(Diagnostic::error(format!("the post-renderer {renderer} is a program, and hydrate starts none")).help(
            "let kustomize do it: `patches` in component.yaml, or `transformers`, `jsonPatches` and `strategicMergePatches` of the release",
        ));
    }
    Ok(())
}
