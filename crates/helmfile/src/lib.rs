#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod args;
mod chartify;
mod charts;
mod data;
mod describe;
mod environment;
mod environment_values;
mod functions;
mod hcl;
mod inherits;
mod load;
mod merge;
mod needs;
mod output;
mod paths;
mod plan;
mod record;
mod release_values;
mod releases;
mod render;
mod schema;
mod secrets;
mod selector;
mod set_values;
mod sources;
mod storage;
mod version;
mod visit;
mod yaml;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_chart::Level;
use hydrate_gotmpl::{Value, budget};

use data::Overrides;
use environment::DEFAULT;
use load::{Context, LoadOptions, Messages};
use render::Settings;
use secrets::Secrets;
use visit::Ready;

pub use chartify::{Directory, Patches};
pub use charts::ChartOrigin;
pub use describe::{Described, DescribedRelease, ValuesEntry};
pub use output::WriteValuesOptions;
pub use plan::{Release, TemplateOptions};
pub use render::Programs;
pub use secrets::{SecretResolver, decrypted_values, references};
pub use sources::{NoRemotes, RemoteChart, Remotes};
pub use version::Version;
pub use visit::Needs;

/// Which helmfiles are read, and with what.
#[derive(Clone, Default)]
pub struct Request {
    /// The release of helmfile that is followed.
    pub version: Version,
    /// The Helm release whose output is reproduced; the one that goes with the release of helmfile where it is left out.
    pub level: Option<Level>,
    /// The directory that helmfile would be started in: an absolute path without links.
    pub directory: PathBuf,
    /// `--file`: an absolute path; without one helmfile.yaml, helmfile.yaml.gotmpl or helmfile.d of the directory.
    pub file: Option<PathBuf>,
    /// `--environment`; `default` where it is empty.
    pub environment: String,
    /// `--selector`
    pub selectors: Vec<String>,
    /// `--state-values-file`, as they are written.
    pub state_values_files: Vec<String>,
    /// `--state-values-set`
    pub state_values_set: Vec<String>,
    /// `--state-values-set-string`
    pub state_values_set_string: Vec<String>,
    /// Values below those of the environment, as YAML; empty where there are none.
    pub environment_values: String,
    /// `--namespace`
    pub namespace: String,
    /// `--chart`
    pub chart: String,
    /// `--kube-context`
    pub kube_context: String,
    /// `--allow-no-matching-release`
    pub allows_no_match: bool,
    /// Starts programs for `exec`; without it they are refused.
    pub programs: Option<Arc<dyn Programs>>,
    /// Resolves secrets; without it references stay as they are written, and encrypted values become references.
    pub secrets: Option<Arc<dyn SecretResolver>>,
}

/// What a command gives, and what is to be said about it.
#[derive(Debug, Default)]
pub struct Said<T> {
    /// What it gives.
    pub what: T,
    /// Warnings, and a remark about keys that only concern what is done to a cluster.
    pub warnings: Vec<Box<Diagnostic>>,
}

/// `helmfile template`: the releases in the order in which they are printed.
///
/// # Errors
/// What cannot be read, is not known, or does not fit, with its place.
pub fn template(world: &dyn World, remotes: &dyn Remotes, request: &Request, options: &TemplateOptions) -> Result<Said<Vec<Release>>> {
    run(world, remotes, request, true, |context, ready| {
        let mut releases = Vec::new();
        for helmfile in ready {
            releases.extend(plan::releases(context, helmfile, options)?);
        }
        if releases.is_empty()
            && ready.iter().all(|helmfile| visit::planned(helmfile, options.needs).is_ok_and(|planned| planned.is_empty()))
        {
            return if has_match(ready)? { Ok(releases) } else { unmatched(request) };
        }
        Ok(releases)
    })
}

/// What helmfiles say of each of their releases, for whoever says the same in another way; also of those that are not rendered.
///
/// # Errors
/// Those of [`template`]; that no release is rendered is none.
pub fn describe(world: &dyn World, remotes: &dyn Remotes, request: &Request, options: &TemplateOptions) -> Result<Said<Vec<Described>>> {
    run(world, remotes, request, true, |context, ready| ready.iter().map(|helmfile| describe::of(context, helmfile, options)).collect())
}

/// Whether any helmfile has a release that is chosen.
fn has_match(ready: &[Ready]) -> Result<bool> {
    let chosen = ready.iter().map(|helmfile| visit::chosen(helmfile, &helmfile.releases, false)).collect::<Result<Vec<_>>>()?;
    Ok(chosen.iter().any(|releases| !releases.is_empty()))
}

/// Selectors that match nothing are a mistake, unless that is allowed.
fn unmatched<T: Default>(request: &Request) -> Result<T> {
    let environment = if request.environment.is_empty() { DEFAULT } else { &request.environment };
    if request.allows_no_match { Ok(T::default()) } else { Err(no_match(environment, &request.selectors)) }
}

fn no_match(environment: &str, selectors: &[String]) -> Box<Diagnostic> {
    let chosen = if selectors.is_empty() { String::new() } else { format!(" and matching the selectors {}", selectors.join(", ")) };
    Diagnostic::error(format!(
        "err: no releases found that matches specified selector({}) and environment({environment}), in any helmfile",
        selectors.join(", ")
    ))
    .note(format!("there is no release in environment {environment}{chosen}"))
}

/// `helmfile list`: the table, or JSON.
///
/// # Errors
/// Those of [`template`].
pub fn list(world: &dyn World, remotes: &dyn Remotes, request: &Request, as_json: bool) -> Result<Said<Vec<u8>>> {
    run_matching(world, remotes, request, |context, ready| output::list(context, ready, as_json))
}

/// `helmfile build`: the helmfiles as they were read; with `embeds`, values files stand in them.
///
/// # Errors
/// Those of [`template`].
pub fn build(world: &dyn World, remotes: &dyn Remotes, request: &Request, embeds: bool) -> Result<Said<Vec<u8>>> {
    run_matching(world, remotes, request, |context, ready| output::build(context, ready, embeds))
}

/// `helmfile show-dag`: releases in groups.
///
/// # Errors
/// Those of [`template`].
pub fn show_dag(world: &dyn World, remotes: &dyn Remotes, request: &Request) -> Result<Said<Vec<u8>>> {
    run_matching(world, remotes, request, output::show_dag)
}

/// `helmfile print-env`: the values of the environment, in YAML or JSON.
///
/// # Errors
/// Those of [`template`].
pub fn print_env(world: &dyn World, remotes: &dyn Remotes, request: &Request, as_json: bool) -> Result<Said<Vec<u8>>> {
    run(world, remotes, request, false, |context, ready| output::print_env(context, ready, as_json))
}

/// `helmfile write-values`: the files with their paths.
///
/// # Errors
/// Those of [`template`].
pub fn write_values(
    world: &dyn World,
    remotes: &dyn Remotes,
    request: &Request,
    options: &WriteValuesOptions,
) -> Result<Said<Vec<(PathBuf, Vec<u8>)>>> {
    run_matching(world, remotes, request, |context, ready| output::write_values(context, ready, options))
}

/// Does something where releases are chosen.
fn run_matching<T: Default>(
    world: &dyn World,
    remotes: &dyn Remotes,
    request: &Request,
    work: impl FnOnce(&Context<'_>, &[Ready]) -> Result<T>,
) -> Result<Said<T>> {
    run(world, remotes, request, true, |context, ready| if has_match(ready)? { work(context, ready) } else { unmatched(request) })
}

fn run<T: Default>(
    world: &dyn World,
    remotes: &dyn Remotes,
    request: &Request,
    needs_releases: bool,
    work: impl FnOnce(&Context<'_>, &[Ready]) -> Result<T>,
) -> Result<Said<T>> {
    let is_set = |name: &str| {
        world.shows_variable(name)
            && world.variable(name).is_some_and(|value| matches!(value.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
    };
    let settings = Settings {
        version: request.version,
        level: request.level.unwrap_or_else(|| request.version.level()),
        programs: request.programs.clone(),
        secrets: Secrets(request.secrets.clone()),
        refuses_insecure: is_set("HELMFILE_DISABLE_INSECURE_FEATURES") || is_set("HELMFILE_DISABLE_INSECURE_TEMPLATE_FUNCTIONS"),
    };
    let overrides =
        Overrides { kube_context: request.kube_context.clone(), namespace: request.namespace.clone(), chart: request.chart.clone() };
    let messages = Messages::default();
    let environment = if request.environment.is_empty() { DEFAULT } else { &request.environment };
    let context =
        Context { world, remotes, settings: &settings, root: &request.directory, environment, overrides: &overrides, messages: &messages };
    let limits = world.limits();
    let mut passed_over = BTreeSet::new();
    let what = budget::with(limits.steps, limits.output, || {
        let visit::Visited { ready, undefined } = visit::visit(&context, request.file.as_deref(), &load_options(request)?)?;
        ready.iter().for_each(|helmfile| schema::STATE.applying(&helmfile.state.fields, &mut passed_over));
        if let Some(undefined) = undefined.filter(|_| ready.is_empty() && needs_releases) {
            return Err(undefined);
        }
        if ready.is_empty() && needs_releases {
            return unmatched(request);
        }
        work(&context, &ready)
    })?;
    let mut warnings = messages.warnings.take();
    warnings.extend(remark_on(&passed_over));
    Ok(Said { what, warnings })
}

/// What a values file gives that is a Go template (`values.yaml.gotmpl`), for values that stand in no helmfile: with all of helmfile's functions, but
/// without programs and secrets. Paths in it are relative to `directory`; those in messages to `root`.
///
/// # Errors
/// What the template has wrong, with its place.
pub fn values_text(
    world: &dyn World,
    secrets: Option<Arc<dyn SecretResolver>>,
    directory: &Path,
    root: &Path,
    version: Version,
    file: &Arc<SourceFile>,
    data: &Value,
) -> Result<Vec<u8>> {
    let secrets = Secrets(secrets.or_else(|| Some(Arc::new(Unresolved))));
    let settings = Settings { version, level: version.level(), programs: None, secrets, refuses_insecure: false };
    let renderer = render::Renderer { world, settings: &settings, base: directory, root };
    let limits = world.limits();
    budget::with(limits.steps, limits.output, || renderer.render(file, data))
}

/// Resolves nothing: values that stand in no helmfile go to charts, and nothing looks after what is in them.
struct Unresolved;

impl SecretResolver for Unresolved {
    fn resolve(&self, _: &Path, _: &str) -> std::result::Result<String, String> {
        Err("secrets are not resolved here: use a `helmfile:` source".to_owned())
    }

    fn decrypt(&self, _: &str, _: &str, _: &[u8]) -> std::result::Result<Option<Vec<u8>>, String> {
        Err("secrets are not resolved here: use a `helmfile:` source".to_owned())
    }
}

/// Says which keys are without effect, because they only concern what is done to a cluster.
fn remark_on(passed_over: &BTreeSet<String>) -> Option<Box<Diagnostic>> {
    let names: Vec<&str> = passed_over.iter().map(String::as_str).collect();
    let remark = || Diagnostic::remark(format!("helmfile's keys about applying have no effect on what is rendered: {}", names.join(", ")));
    (!names.is_empty()).then(remark)
}

fn load_options(request: &Request) -> Result<LoadOptions> {
    let set = set_values::state_values(&request.state_values_set_string, &request.state_values_set).map_err(Diagnostic::error)?;
    let mut inherited = inherits::Inherited::default();
    if !request.environment_values.is_empty() {
        let name = if request.environment.is_empty() { DEFAULT } else { &request.environment };
        let values = yaml::decode_map(request.environment_values.as_bytes(), request.version).map_err(Diagnostic::error)?;
        inherited.environment = Some(environment::Environment { values, ..environment::Environment::new(name) });
    }
    let has_set = !request.state_values_set_string.is_empty() || !request.state_values_set.is_empty();
    Ok(LoadOptions {
        selectors: request.selectors.clone(),
        values: request.state_values_files.iter().map(|path| Value::str(path.as_str())).collect(),
        callee: PathBuf::new(),
        set: has_set.then_some(set),
        inherited,
    })
}
