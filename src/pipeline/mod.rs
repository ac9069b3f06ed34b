//! The `pipeline` room: plan → render in parallel → check → what the tree is to hold.

mod causes;
mod chance;
pub mod confined;
pub mod handover;
pub mod plan;
pub mod provision;
pub mod references;
pub mod renders;
pub mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::gitops::graph::UnitInput;
use crate::project::select::{Selection, select};
use crate::project::{self, Component, Environment, Layout, Project, graph, slips};
use crate::tree::disk::Place;
use crate::tree::{self, CRDS, Desired, NAMESPACES, lay_out};
use hydrate_acquire::ArtifactRequest;
use hydrate_acquire::Mounted;
use hydrate_base::limits::Watch;
use hydrate_base::world::Chance;
use hydrate_base::world::{Asked, Record};
use hydrate_base::{Diagnostic, DiskWorld, Result};
use hydrate_source::{Document, Identity, Source, render as render_source};

use causes::Causes;
use confined::{Renderer, Sandbox};
use plan::Job;
use provision::{ForComponent, Opened, Provision, Stock, Taken};
use renders::{Kept, Renders};
use scope::Crds;

/// The stack of a rendering thread: templates and YAML may nest deep, within the engines' own limits.
const STACK: usize = 64 << 20;

/// Whatever asks for API versions says this word somewhere: `.Capabilities.APIVersions`.
const API_VERSIONS: &[u8] = b"APIVersions";

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Components by name, glob, `!name`; none: all.
    pub components: Vec<String>,
    /// Whether what could be rendered counts even where components fail.
    pub keep_going: bool,
    /// How many components are rendered at once; `None`: one per processor.
    pub jobs: Option<usize>,
    /// Where rendered components are kept from run to run.
    pub renders: Renders,
    /// The environment variables that templates may read.
    pub variables: Arc<BTreeSet<String>>,
    /// Watches over the time and the memory that rendering takes.
    pub watch: Watch,
    /// Whether components are rendered in a process of its own, which can do little else.
    pub sandbox: Option<Sandbox>,
}

/// An environment rendered, in memory.
#[derive(Debug)]
pub struct Rendered {
    /// The environment.
    pub environment: Environment,
    /// What its directory is to hold.
    pub desired: Desired,
    /// Components that failed, with everything that was wrong; only with `keep_going`.
    pub failed: BTreeMap<String, Vec<Box<Diagnostic>>>,
    /// The CRDs of the environment.
    pub crds: Crds,
    /// What the engines have warned of.
    pub warnings: Vec<Box<Diagnostic>>,
    /// The documents by component, namespaces filled in.
    pub documents: BTreeMap<String, Vec<Document>>,
    /// How each component was come by; those that were rendered twice count with the second time.
    pub timings: BTreeMap<String, Timing>,
    /// What the kernel cannot do of the confinement that was asked for, a sentence each; `None` where nothing was rendered in confinement.
    pub unconfined: Option<Vec<String>>,
    /// All components of the environment in the order of their needs; `None` where a component's file cannot be read.
    parts: Option<Vec<UnitInput>>,
}

/// How a component was come by.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How long that took.
    pub took: Duration,
    /// Whether it was in the cache.
    pub from_cache: bool,
}

/// Where the tree of an environment is.
pub fn place(project: &Project, env: &str) -> Place {
    Place {
        manifests: project.root.join(&project.settings.manifests),
        env: env.to_owned(),
        shown: project.settings.manifests.clone(),
        clusters: project.root.join(&project.settings.clusters),
        clusters_shown: project.settings.clusters.clone(),
    }
}

/// Renders the selected components of an environment. `done` hears the name of each component that is finished, from
/// any thread.
pub fn render(
    project: &Project,
    env: &str,
    options: &Options,
    provision: &Provision<'_>,
    done: &(dyn Fn(&str) + Sync),
) -> Result<Rendered, Vec<Box<Diagnostic>>> {
    let world = project.world();
    let environment = project.environment(&world, env)?;
    let all = project.components(&world).map_err(|error| vec![error])?;
    let selection = select(&world, &environment, &all, &options.components)?;
    let names = project.environment_names(&world).map_err(|error| vec![error])?;
    let mut slips = slips::find(&world, project, &all, &names);
    if let Some(error) = nothing_left(&place(project, env), &selection) {
        return Err(vec![error]);
    }
    slips.extend(of_no_environment(project, &names));
    let cycles = graph::cycles(&selection.members);
    if !cycles.is_empty() {
        return Err(cycles);
    }
    let crds = standing_crds(&place(project, env), &selection);
    let renderer = options.sandbox.as_ref().map(|sandbox| Renderer::new(sandbox, project, options));
    let pool = pool(options.jobs).map_err(|error| vec![error])?;
    let render_all = |names: &[String], apis: &[String]| -> Vec<(String, Outcome)> {
        let one = |name: &String| {
            let known = all.keys().map(String::as_str);
            let strangers = selection.members.get(name).map(|component| graph::unknown_needs(component, known)).unwrap_or_default();
            let outcome = render_component(project, &environment, &selection, name, apis, provision, options, renderer.as_ref());
            let outcome =
                if strangers.is_empty() { outcome } else { Err(strangers.into_iter().chain(outcome.err().unwrap_or_default()).collect()) };
            done(name);
            let whose = |error: Box<Diagnostic>| error.note(format!("component {name}, environment {env}"));
            (name.clone(), outcome.map_err(|errors| errors.into_iter().map(whose).collect()))
        };
        pool.install(|| names.par_iter().map(one).collect())
    };
    let mut outcomes = render_all(&selection.selected, &crds.api_versions);
    let again = ask_again(&crds, &outcomes);
    if let Some((names, apis)) = &again {
        let mut fresh: BTreeMap<String, Outcome> = render_all(names, apis).into_iter().collect();
        outcomes.iter_mut().for_each(|(name, outcome)| {
            if let Some(found) = fresh.remove(name) {
                *outcome = found;
            }
        });
    }
    let anew = |name: &str, apis: &[String]| {
        let uncached = Options { renders: Renders::default(), ..options.clone() };
        render_component(project, &environment, &selection, name, apis, provision, &uncached, renderer.as_ref())
            .ok()
            .map(|finished| finished.kept.documents)
    };
    let causes = Causes::new(&crds, outcomes.iter().filter_map(|(name, outcome)| Some((name, &outcome.as_ref().ok()?.kept.crds))), &anew);
    let mut rendered = finish(project, environment.clone(), &selection, crds, outcomes, options, &causes)?;
    rendered.unconfined = renderer.and_then(Renderer::missing);
    rendered.warnings.splice(0..0, slips);
    Ok(rendered)
}

/// An environment that has lost all its components would lose all its manifests in silence.
fn nothing_left(place: &Place, selection: &Selection<'_>) -> Option<Box<Diagnostic>> {
    let is_empty = selection.complete && selection.members.is_empty() && selection.broken.is_empty();
    if !is_empty || !holds_something(&place.dir()) {
        return None;
    }
    let error = Diagnostic::error(format!("environment `{}` has no component any more", place.env));
    Some(error.note(format!("{} holds what was rendered for it, all of which would be deleted", place.shown(""))).help(format!(
        "if that is meant, delete {} yourself; else look at the components' directory and at `components` in the environment's file",
        place.shown("")
    )))
}

/// Directories of manifests whose environment is gone, or has another name now.
fn of_no_environment(project: &Project, names: &[String]) -> Vec<Box<Diagnostic>> {
    let manifests = project.root.join(&project.settings.manifests);
    let found = tree::disk::names(&manifests).unwrap_or_default();
    let gone = found.iter().filter(|name| !names.contains(name) && project::valid_name(name) && holds_something(&manifests.join(name)));
    gone.map(|name| {
        Diagnostic::warning(format!("{}/{name} was rendered for an environment that is not there any more", project.settings.manifests))
            .help(format!("delete it, or bring back {}/{name}.yaml", project.settings.environments))
    })
    .collect()
}

/// Whether a directory of the tree holds components that hydrate has written.
fn holds_something(dir: &Path) -> bool {
    let names = tree::disk::names(dir).unwrap_or_default();
    names.iter().any(|name| dir.join(name).join(tree::INDEX).is_file())
}

/// What the helm sources of all components ask for from outside, as far as their files say so; for resolving it together.
pub fn wants(project: &Project, environments: &[String]) -> BTreeSet<ArtifactRequest> {
    let world = project.world();
    let mut wants = BTreeSet::new();
    let Ok(components) = project.components(&world) else { return wants };
    for component in components.values().flatten() {
        for env in environments {
            wants.extend(component.specs(&world, env).iter().filter_map(plan::want));
        }
    }
    wants
}

type Outcome = Result<Finished, Vec<Box<Diagnostic>>>;

/// A component rendered.
struct Finished {
    kept: Kept,
    warnings: Vec<Box<Diagnostic>>,
    timing: Timing,
}

/// Charts see the API versions of the CRDs that their environment renders. Those are known only now, so the components
/// with charts that ask for API versions are rendered once more: their names, and the API versions.
fn ask_again(known: &Crds, outcomes: &[(String, Outcome)]) -> Option<(Vec<String>, Vec<String>)> {
    let mut crds = known.clone();
    let rendered = || outcomes.iter().filter_map(|(name, outcome)| outcome.as_ref().ok().map(|finished| (name, finished)));
    rendered().for_each(|(_, finished)| crds.extend(&finished.kept.crds));
    if crds.api_versions == known.api_versions {
        return None;
    }
    let names: Vec<String> = rendered().filter(|(_, finished)| finished.kept.may_ask_for_apis).map(|(name, _)| name.clone()).collect();
    (!names.is_empty()).then_some((names, crds.api_versions))
}

/// Whether any of the charts, those of kustomizations included, may ask for API versions. What a chart from elsewhere
/// reads is not asked of the disk, so such a chart always may.
fn may_ask_for_apis(job: &Job, record: &Record, from_outside: bool) -> bool {
    let charts = || job.sources.iter().filter_map(|source| if let Source::Helm(release) = source { Some(release) } else { None });
    let kustomized = job.sources.iter().any(|source| matches!(source, Source::Kustomize(_)));
    let is_chart = |asked: &Asked| matches!(asked, Asked::Content(path) if path.ends_with("Chart.yaml"));
    let has_chart = charts().next().is_some() || (kustomized && record.asked.keys().any(is_chart));
    if !job.sees_crds {
        return false;
    }
    let says_so = || record.was_seen || record.asked.keys().any(is_packed);
    charts().any(|release| !release.chart.exists()) || (kustomized && from_outside) || (has_chart && says_so())
}

/// Whether a packed chart was asked for: what is inside of it may ask for API versions.
fn is_packed(asked: &Asked) -> bool {
    let Asked::Content(path) = asked else { return false };
    path.extension().is_some_and(|extension| extension == "tgz" || extension == "gz")
}

#[allow(clippy::too_many_arguments, reason = "each of them is another thing, and there is one caller")]
fn render_component(
    project: &Project,
    environment: &Environment,
    selection: &Selection<'_>,
    name: &str,
    apis: &[String],
    provision: &Provision<'_>,
    options: &Options,
    renderer: Option<&Renderer>,
) -> Outcome {
    let start = Instant::now();
    let Some(component) = selection.members.get(name) else { return Err(Vec::new()) };
    let user = format!("{name}@{}", environment.name);
    let slot = options.renders.slot(project, environment, component, apis);
    let variables = || Arc::clone(&options.variables);
    if let Some(kept) = slot.load(&project.world().seeing(variables()), provision, &user) {
        return Ok(Finished { kept, warnings: Vec::new(), timing: Timing { took: start.elapsed(), from_cache: true } });
    }
    let Made { result, taken, failures } = match renderer.filter(|renderer| renderer.is_usable()) {
        Some(renderer) => renderer.render(provision, &environment.name, name, apis, &renders::state(project, environment, component, apis)),
        None => make(provision, provision.opened(), &options.watch, variables(), project, environment, component, apis),
    };
    taken.iter().for_each(|(artifact, verified)| provision.note_use(artifact, &user, *verified));
    provision.note_failures(failures);
    let (kept, record, warnings) = result?;
    if warnings.is_empty() {
        slot.keep(&kept, record, taken.iter().map(|(artifact, _)| artifact.key()).collect(), provision);
    }
    Ok(Finished { kept, warnings, timing: Timing { took: start.elapsed(), from_cache: false } })
}

/// What came of rendering a component, and what it got from outside for it.
struct Made {
    result: Result<(Kept, Record, Vec<Box<Diagnostic>>), Vec<Box<Diagnostic>>>,
    taken: Taken,
    failures: Vec<Box<Diagnostic>>,
}

/// Renders a component.
#[allow(clippy::too_many_arguments, reason = "each of them is another thing, and this process and the confined one call it")]
fn make(
    stock: &dyn Stock,
    opened: &Opened,
    watch: &Watch,
    variables: Arc<BTreeSet<String>>,
    project: &Project,
    environment: &Environment,
    component: &Component,
    apis: &[String],
) -> Made {
    let _task = watch.task(|| format!("component {} of {}", component.name, environment.name));
    let disk = || project.recording_world().seeing(Arc::clone(&variables)).watching_for(API_VERSIONS).limited(watch.limits());
    let render = |disk: &DiskWorld| {
        let world = Mounted::new(disk);
        let outside = ForComponent::new(stock, opened, &world);
        let result = render_sources(&world, &outside, project, environment, component, apis);
        (result, outside.into_taken())
    };
    let recording = disk();
    let (result, (taken, failures)) = render(&recording);
    let record = recording.into_record().unwrap_or_default();
    let again = |chance: Chance| {
        let world = disk().with_chance(chance);
        let (result, _) = render(&world);
        (result.map(|(_, documents, _)| documents), world.chances())
    };
    let result = result.and_then(|rendering| {
        let wrong = if record.is_unrepeatable && !component.random { chance::refuse(&rendering.1, &again) } else { None };
        wrong.map_or(Ok(rendering), Err)
    });
    let result = result.map(|(job, documents, warnings)| {
        let mut crds = Crds::default();
        documents.iter().for_each(|document| crds.add(document));
        let kept = Kept { documents, crds, may_ask_for_apis: may_ask_for_apis(&job, &record, !taken.is_empty()) };
        (kept, record, warnings)
    });
    Made { result, taken, failures }
}

type Rendering = (Job, Vec<Document>, Vec<Box<Diagnostic>>);

/// Plans a component and renders its sources in order; what is wrong with any of them is reported together.
fn render_sources(
    world: &Mounted<'_>,
    outside: &ForComponent<'_>,
    project: &Project,
    environment: &Environment,
    component: &Component,
    apis: &[String],
) -> Result<Rendering, Vec<Box<Diagnostic>>> {
    let job = plan::plan(world, outside, project, environment, component, apis)?;
    let (mut documents, mut warnings, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for source in &job.sources {
        if let Err(errors) = render_source(world, outside, source, &mut documents, &mut warnings) {
            wrong.extend(errors);
        }
    }
    if wrong.is_empty() { Ok((job, documents, warnings)) } else { Err(wrong) }
}

fn pool(jobs: Option<usize>) -> Result<rayon::ThreadPool> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).stack_size(STACK);
    builder.build().map_err(|error| Diagnostic::error(format!("cannot start threads: {error}")))
}

/// The CRDs in the tree of components that are not rendered now, so that a partial run sees what a whole one does.
fn standing_crds(place: &Place, selection: &Selection<'_>) -> Crds {
    let mut crds = Crds::default();
    if selection.complete {
        return crds;
    }
    for name in
        selection.members.keys().map(String::as_str).filter(|name| !selection.selected.iter().any(|other| other == name)).chain([CRDS])
    {
        let dir = place.dir().join(name);
        let is_candidate = |file: &&String| file.starts_with("customresourcedefinition-") || *file == "manifest.yaml";
        for file in tree::disk::names(&dir).unwrap_or_default().iter().filter(is_candidate) {
            add_crds(&dir.join(file), &mut crds);
        }
    }
    crds
}

fn add_crds(path: &Path, crds: &mut Crds) {
    let Ok(Some(text)) = tree::disk::file(path) else { return };
    let shown = path.display().to_string();
    let origin = hydrate_source::Origin { source: shown.clone(), file: None, line: 0 };
    let file = hydrate_base::SourceFile::new(shown, text);
    if let Ok(documents) = hydrate_source::documents(&file, &origin, hydrate_source::Trust::Parsed) {
        documents.iter().for_each(|document| crds.add(document));
    }
}

/// Fills in namespaces, checks that no object comes twice, and lays out the files.
fn finish(
    project: &Project,
    environment: Environment,
    selection: &Selection<'_>,
    mut crds: Crds,
    outcomes: Vec<(String, Outcome)>,
    options: &Options,
    causes: &Causes<'_>,
) -> Result<Rendered, Vec<Box<Diagnostic>>> {
    let mut failed = selection.broken.clone();
    let mut rendered = BTreeMap::new();
    let mut timings = BTreeMap::new();
    let mut warnings: Vec<Box<Diagnostic>> = options.renders.doubt().into_iter().map(|doubt| Box::new(doubt.clone())).collect();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(Finished { kept, warnings: said, timing }) => {
                timings.insert(name.clone(), timing);
                warnings
                    .extend(said.into_iter().map(|warning| warning.note(format!("component {name}, environment {}", environment.name))));
                crds.extend(&kept.crds);
                rendered.insert(name, kept.documents);
            }
            Err(errors) => {
                failed.insert(name, errors);
            }
        }
    }
    for (name, documents) in &mut rendered {
        if let Some(namespace) = selection.members.get(name).and_then(|component| component.namespace.as_ref()) {
            let wrong: Vec<_> = documents.iter_mut().filter_map(|document| crds.fill(document, &namespace.text).err()).collect();
            if !wrong.is_empty() {
                failed.entry(name.clone()).or_default().extend(wrong);
            }
        }
    }
    for (name, documents) in &mut rendered {
        let wrong = handover::annotate(&environment, documents);
        if !wrong.is_empty() {
            failed.entry(name.clone()).or_default().extend(wrong);
        }
    }
    for (name, errors) in duplicate_objects(&rendered, causes) {
        failed.entry(name).or_default().extend(errors);
    }
    if !failed.is_empty() && !options.keep_going {
        return Err(failed.into_values().flatten().collect());
    }
    rendered.retain(|name, _| !failed.contains_key(name));
    let one_file = |name: &str| {
        let layout = selection.members.get(name).and_then(|component| component.layout);
        layout.unwrap_or(project.settings.layout) == Layout::Manifest
    };
    let mut desired = desired(&rendered, one_file, selection.complete, environment.handover.is_some());
    let shared = [NAMESPACES, CRDS].into_iter().filter(|_| !failed.is_empty());
    desired.spared = failed.keys().cloned().chain(shared.map(str::to_owned)).collect();
    Ok(Rendered {
        environment,
        desired,
        failed,
        documents: rendered,
        crds,
        warnings,
        timings,
        unconfined: None,
        parts: handover::parts(selection),
    })
}

/// An object that two documents define is an error that names both; the same Namespace, word for word, is fine.
fn duplicate_objects(rendered: &BTreeMap<String, Vec<Document>>, causes: &Causes<'_>) -> BTreeMap<String, Vec<Box<Diagnostic>>> {
    let mut seen: BTreeMap<(&str, &str, &str, &str), (&str, &Document)> = BTreeMap::new();
    let mut wrong: BTreeMap<String, Vec<Box<Diagnostic>>> = BTreeMap::new();
    for (name, documents) in rendered {
        for document in documents {
            let Identity { kind, namespace, name: object, .. } = &document.identity;
            let key = (document.identity.group(), kind.as_str(), namespace.as_str(), object.as_str());
            match seen.get(&key) {
                None => {
                    seen.insert(key, (name, document));
                }
                Some((_, first)) if is_namespace(document) && first.text == document.text => {}
                Some((owner, first)) => {
                    let error = Diagnostic::error(format!("{} is defined twice", document.identity))
                        .note(format!("first by component {owner}: {}", first.origin))
                        .note(format!("again by component {name}: {}", document.origin))
                        .help("remove one of them, or give them different names or namespaces");
                    let error = causes.explain(error, &[(owner, first), (name, document)]);
                    wrong.entry(name.clone()).or_default().push(error);
                }
            }
        }
    }
    wrong
}

fn is_namespace(document: &Document) -> bool {
    document.identity.kind == "Namespace" && document.identity.group().is_empty()
}

fn is_crd(document: &Document) -> bool {
    document.identity.kind == "CustomResourceDefinition" && document.identity.group() == "apiextensions.k8s.io"
}

/// The files of every directory. Namespaces of all components have a directory of their own, and so have CRDs where the environment is handed over:
/// whoever applies it has to apply those first. A run over some of the components only adds to them.
fn desired(rendered: &BTreeMap<String, Vec<Document>>, one_file: impl Fn(&str) -> bool, complete: bool, with_crds: bool) -> Desired {
    let mut desired = Desired { complete, ..Desired::default() };
    let mut namespaces: BTreeMap<&str, &Document> = BTreeMap::new();
    let mut crds: Vec<&Document> = Vec::new();
    for (name, documents) in rendered {
        let mut own: Vec<&Document> = Vec::new();
        for document in documents {
            if is_namespace(document) {
                namespaces.insert(&document.identity.name, document);
            } else if with_crds && is_crd(document) {
                crds.push(document);
            } else {
                own.push(document);
            }
        }
        desired.dirs.insert(name.clone(), lay_out(&own, one_file(name)));
    }
    let namespaces: Vec<&Document> = namespaces.into_values().collect();
    desired.dirs.insert(NAMESPACES.to_owned(), lay_out(&namespaces, false));
    if with_crds {
        desired.dirs.insert(CRDS.to_owned(), lay_out(&crds, false));
    }
    desired
}

/// What the rest of the tree has to do with it: a run over some components keeps the namespaces and CRDs of the others, and what hands the environment
/// over is about all of them.
pub fn merge_with_tree(place: &Place, rendered: &mut Rendered) -> Result<(), Vec<Box<Diagnostic>>> {
    let with_crds = rendered.environment.handover.is_some();
    for name in [NAMESPACES, CRDS].into_iter().filter(|name| with_crds || *name != CRDS) {
        keep_standing(place, &mut rendered.desired, name).map_err(|error| vec![error])?;
    }
    rendered.desired.clusters = handover::files(place, rendered)?;
    Ok(())
}

/// Adds to a shared directory, in a run over some components, what stands in it already.
fn keep_standing(place: &Place, desired: &mut Desired, shared: &str) -> Result<()> {
    if desired.complete && desired.spared.is_empty() {
        return Ok(());
    }
    let dir = place.dir().join(shared);
    let failed = |error: std::io::Error| tree::disk::failed("read", place.shown(shared), &error);
    let files = desired.dirs.entry(shared.to_owned()).or_default();
    for name in tree::disk::owned(&dir).map_err(failed)?.names().filter(|name| *name != tree::KUSTOMIZATION) {
        if let Some(text) = tree::disk::file(&dir.join(name)).map_err(failed)? {
            files.entry(name.to_owned()).or_insert_with(|| Arc::from(text));
        }
    }
    let names: Vec<String> = files.keys().filter(|name| *name != tree::KUSTOMIZATION).cloned().collect();
    if !names.is_empty() {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        files.insert(tree::KUSTOMIZATION.to_owned(), tree::layout::kustomization(&names).into_bytes().into());
    }
    Ok(())
}
