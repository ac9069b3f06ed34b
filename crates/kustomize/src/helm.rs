//! `helmCharts`: what kustomize asks of Helm, and how values are put together. Rendering itself is the caller's.
//!
//! Follows `api/internal/builtins/HelmChartInflationGenerator.go` of kustomize 5.8.1.

use std::path::{Path, PathBuf};

use ecow::EcoString;

use super::anchors;
use super::errors::{KResult, fail};
use super::filters::merge_patch;
use super::kustomization::{HelmChart, HelmGlobals};
use super::loader::{self, Loader};
use super::openapi::Schemas;
use super::read;
use super::resource::{HELM_GENERATED, Resource};
use super::write;
use hydrate_base::{FileKind, is_refused};
use hydrate_yaml::node::Node;

/// Renders charts for kustomize.
pub trait HelmInflator {
    /// The directory of a chart that is not beside the kustomization, from where it has been put beforehand.
    fn chart(&self, chart: &HelmChart) -> KResult<PathBuf>;

    /// What `helm template` prints.
    fn template(&self, request: &HelmRequest<'_>) -> KResult<Vec<u8>>;
}

/// A `helm template` that kustomize would run.
#[derive(Debug)]
pub struct HelmRequest<'a> {
    /// The entry of `helmCharts`, with what the command line says filled in: release name, namespace, versions, flags.
    pub chart: &'a HelmChart,
    /// The chart's directory.
    pub directory: PathBuf,
    /// Values as YAML, the strongest last; the first replaces the chart's own.
    pub values: Vec<Vec<u8>>,
}

/// What the command line says about Helm.
#[derive(Debug, Clone, Default)]
pub struct HelmFlags {
    /// `--helm-kube-version`
    pub kube_version: EcoString,
    /// `--helm-api-versions`
    pub api_versions: Vec<EcoString>,
    /// `--helm-debug`
    pub debug: bool,
}

/// The objects of a chart.
pub(crate) fn generate(
    loader: &Loader<'_>,
    globals: &HelmGlobals,
    chart: &HelmChart,
    flags: &HelmFlags,
    inflator: Option<&dyn HelmInflator>,
) -> KResult<Vec<Resource>> {
    let Some(inflator) = inflator else { return fail("must specify --enable-helm") };
    let chart = with_flags(chart, flags);
    if chart.name.is_empty() {
        return fail("chart name cannot be empty");
    }
    if !matches!(chart.values_merge.as_str(), "" | "merge" | "override" | "replace") {
        return fail("valuesMerge must be one of [merge override replace]");
    }
    let home = home(loader.root(), globals, &chart);
    let directory = home.join(&*chart.name);
    let default_values = directory.join("values.yaml").display().to_string();
    let more = chart.additional_values_files.iter().map(|path| {
        let file = loader.load(path).map_err(|error| error.wrap("could not load additionalValuesFile"))?;
        Ok(file.text.to_vec())
    });
    let more: Vec<Vec<u8>> = more.collect::<KResult<_>>()?;
    loader.world().admit(&home);
    let is_there = match loader.world().kind(&directory) {
        Err(error) if is_refused(&error) => return fail(format!("security; {error}")),
        found => matches!(found, Ok(FileKind::Directory)),
    };
    let directory = match (is_there, chart.repo.as_str()) {
        (true, _) => directory,
        (false, "") => return fail(format!("no repo specified for pull, no chart found at '{}'", directory.display())),
        (false, _) => inflator.chart(&chart)?,
    };
    let values_file = if chart.values_file.is_empty() { default_values.as_str() } else { chart.values_file.as_str() };
    let mut values = vec![values(loader, values_file, &chart, &directory)?];
    values.extend(more);
    let rendered = inflator.template(&HelmRequest { chart: &chart, directory, values })?;
    let mut objects = read::resources(&rendered)?;
    objects.iter_mut().for_each(|object| object.annotate(HELM_GENERATED, "true"));
    Ok(objects)
}

fn with_flags(chart: &HelmChart, flags: &HelmFlags) -> HelmChart {
    let mut chart = chart.clone();
    // What the entry says wins over the command line.
    if chart.kube_version.is_empty() {
        chart.kube_version.clone_from(&flags.kube_version);
    }
    if chart.api_versions.is_empty() {
        chart.api_versions.clone_from(&flags.api_versions);
    }
    chart.debug |= flags.debug;
    chart
}

fn home(root: &Path, globals: &HelmGlobals, chart: &HelmChart) -> PathBuf {
    let home = if globals.chart_home.is_empty() { "charts" } else { globals.chart_home.as_str() };
    let home = loader::clean(&root.join(home));
    if chart.version.is_empty() || chart.repo.is_empty() { home } else { home.join(format!("{}-{}", chart.name, chart.version)) }
}

fn values(loader: &Loader<'_>, path: &str, chart: &HelmChart, directory: &Path) -> KResult<Vec<u8>> {
    let inline = chart.values_inline.as_ref().filter(|node| !super::tree::is_nil_or_empty(node));
    let load = || -> KResult<Vec<u8>> {
        // The values of a chart that was put elsewhere are in that chart.
        if chart.values_file.is_empty() {
            let own = directory.join("values.yaml");
            match loader.world().read(&own) {
                Ok(text) => return Ok(text.to_vec()),
                Err(error) if is_refused(&error) => return fail(format!("security; {error}")),
                Err(_) => {}
            }
        }
        Ok(loader.load(path)?.text.to_vec())
    };
    match (inline, chart.values_merge.as_str()) {
        (None, _) => load(),
        (Some(inline), "replace") => write::to_yaml(inline).map(String::into_bytes),
        (Some(inline), mode) => {
            let own = anchors::first_document(&load()?)?.unwrap_or_else(|| Node::mapping(Vec::new()));
            let (mut base, top) = if mode == "merge" { (inline.clone(), own) } else { (own, inline.clone()) };
            let table = Schemas::new().table();
            if !merge_patch::merge(&mut base, top, &table)? {
                base = Node::mapping(Vec::new());
            }
            write::to_yaml(&base).map(String::into_bytes)
        }
    }
}
