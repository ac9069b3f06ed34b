//! How the components of an environment are come by: from the cache, by rendering them here, or by asking the confined process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::check::validity::holds_secrets;
use crate::project::select::Selection;
use crate::project::{Component, Environment, Project, SecretPolicy};
use crate::sandbox::wire::Told;
use hydrate_acquire::Mounted;
use hydrate_base::limits::Watch;
use hydrate_base::taint::{Disguise, Traces};
use hydrate_base::world::{Asked, Record};
use hydrate_base::{Diagnostic, DiskWorld, Result, World};
use hydrate_helmfile::SecretResolver;
use hydrate_source::{Document, Identity, Source, render as render_source};

use super::confined::{Renderer, Wanted};
use super::decryption::{Encrypted, Inputs};
use super::encryption::Encryption;
use super::plan::{self, Job};
use super::provision::{ForComponent, Opened, Provision, Stock, Taken};
use super::remedies;
use super::renders::{Kept, RenderedFrom, Renders, Slot};
use super::scope::Crds;
use super::stability::{self, Certificate, Settled, Stability};
use super::taint::{self, Taint};
use super::verbatim::{Collector, Verbatim};
use super::{Options, Timing, secrets};

/// The stack of a rendering thread: templates and YAML may nest deep, within the engines' own limits.
pub(super) const STACK: usize = 64 << 20;

/// Whatever asks for API versions says this word somewhere: `.Capabilities.APIVersions`.
const API_VERSIONS: &[u8] = b"APIVersions";

pub(super) type Outcome = Result<Finished, Vec<Box<Diagnostic>>>;

/// A component rendered.
pub(super) struct Finished {
    pub(super) kept: Kept,
    pub(super) timing: Timing,
}

/// What all components of a run are rendered with.
pub(super) struct Rendering<'a> {
    project: &'a Project,
    environment: &'a Environment,
    selection: &'a Selection<'a>,
    provision: &'a Provision<'a>,
    options: &'a Options,
    renderer: Option<&'a Renderer>,
    encryption: Option<&'a Encryption>,
    has_asked: AtomicBool,
    pool: rayon::ThreadPool,
}

impl<'a> Rendering<'a> {
    pub(super) fn new(
        project: &'a Project,
        environment: &'a Environment,
        selection: &'a Selection<'a>,
        provision: &'a Provision<'a>,
        options: &'a Options,
        renderer: Option<&'a Renderer>,
        encryption: Option<&'a Encryption>,
    ) -> Result<Self> {
        Ok(Self {
            project,
            environment,
            selection,
            provision,
            options,
            renderer,
            encryption,
            has_asked: AtomicBool::new(false),
            pool: pool(options.jobs)?,
        })
    }

    /// Comes by the components of these names, in their order, with these API versions known. `done` hears of each, from any thread.
    pub(super) fn all(&self, names: &[String], apis: &[String], done: &(dyn Fn(&str) + Sync)) -> Vec<(String, Outcome)> {
        let components: Vec<&Component> = names.iter().filter_map(|name| self.selection.members.get(name).copied()).collect();
        let renders = &self.options.renders;
        let named = |component: &Component, outcome: Outcome| {
            done(&component.name);
            (component.name.clone(), outcome)
        };
        let one =
            |component: &&Component| named(component, self.kept(component, apis).map_or_else(|| self.render(component, apis, renders), Ok));
        let Some(renderer) = self.renderer else { return self.pool.install(|| components.par_iter().map(one).collect()) };
        let kept: Vec<Option<Finished>> = self.pool.install(|| components.par_iter().map(|component| self.kept(component, apis)).collect());
        let missing: Vec<&Component> =
            components.iter().zip(&kept).filter(|(_, kept)| kept.is_none()).map(|(component, _)| *component).collect();
        if !missing.is_empty() && !self.is_usable(renderer) {
            return self.pool.install(|| components.par_iter().map(one).collect());
        }
        let outcomes = Mutex::new(Vec::new());
        let push = |outcome: (String, Outcome)| outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        let loaded = components.iter().zip(kept).filter_map(|(component, kept)| Some((component, kept?)));
        loaded.for_each(|(component, kept)| push(named(component, Ok(kept))));
        if !missing.is_empty() {
            self.ask(renderer, &missing, apis, renders, &|index, outcome| push(named(missing[index], outcome)));
        }
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_by(|(a, _), (b, _)| a.cmp(b));
        outcomes
    }

    /// Renders a component, whatever the cache holds.
    pub(super) fn anew(&self, name: &str, apis: &[String]) -> Outcome {
        let Some(component) = self.selection.members.get(name) else { return Err(Vec::new()) };
        let nowhere = Renders::default();
        let Some(renderer) = self.renderer.filter(|renderer| self.is_usable(renderer)) else {
            return self.render(component, apis, &nowhere);
        };
        let found = Mutex::new(Err(Vec::new()));
        self.ask(renderer, &[component], apis, &nowhere, &|_, outcome| *found.lock().unwrap_or_else(PoisonError::into_inner) = outcome);
        found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The values that keep the charts of a component from rendering these Secrets, by [`remedies::key`]. Only what this process renders itself is tried.
    pub(super) fn remedies(&self, name: &str, apis: &[String], secrets: &[Identity]) -> BTreeMap<String, Vec<String>> {
        let Some(component) = self.selection.members.get(name).filter(|_| self.renderer.is_none()) else { return BTreeMap::new() };
        let Self { project, environment, provision, options, .. } = self;
        let _task = options.watch.task(|| format!("component {name} of {}", environment.name));
        let disk = project.world().seeing(Arc::clone(&options.variables)).limited(options.watch.limits());
        let world = Mounted::new(&disk);
        let outside = ForComponent::new(*provision, provision.opened(), &world);
        let job = plan::plan(&world, &outside, project, environment, component, apis);
        job.map(|job| remedies::of_secrets(&world, &outside, &job, secrets)).unwrap_or_default()
    }

    /// Whether components can be rendered in the process, one of which is needed now.
    fn is_usable(&self, renderer: &Renderer) -> bool {
        self.has_asked.store(true, Ordering::Relaxed);
        renderer.is_usable()
    }

    /// What is not confined of the process, a sentence each; `None` where none was needed.
    pub(super) fn missing(&self) -> Option<Vec<String>> {
        self.renderer.filter(|_| self.has_asked.load(Ordering::Relaxed))?.missing()
    }

    fn slot(&self, component: &Component, apis: &[String], renders: &Renders) -> Slot {
        renders.slot(self.project, self.environment, component, apis)
    }

    fn user(&self, component: &Component) -> String {
        format!("{}@{}", component.name, self.environment.name)
    }

    fn kept(&self, component: &Component, apis: &[String]) -> Option<Finished> {
        let start = Instant::now();
        let world = self.project.world().seeing(Arc::clone(&self.options.variables));
        let mut kept = self.slot(component, apis, &self.options.renders).load(&world, self.provision, &self.user(component))?;
        if kept.is_redacted && !self.encryption.is_some_and(|encryption| encryption.complete(component, &mut kept)) {
            return None;
        }
        let is_due = |certificate: &Certificate| certificate.renewal.is_some_and(|renewal| world.now() >= renewal);
        if !self.options.compares && kept.certificates.iter().any(is_due) {
            return None;
        }
        Some(Finished { kept, timing: Timing { took: start.elapsed(), from_cache: true } })
    }

    /// Renders a component in this process.
    fn render(&self, component: &Component, apis: &[String], renders: &Renders) -> Outcome {
        let Self { project, environment, provision, options, .. } = self;
        let variables = Arc::clone(&options.variables);
        let encrypted = self.encryption.map(|encryption| encryption.of_component(&component.name));
        let made = make(
            *provision,
            provision.opened(),
            &options.watch,
            variables,
            options.compares,
            project,
            environment,
            component,
            apis,
            encrypted.as_ref(),
        );
        self.finish(component, &self.slot(component, apis, renders), made)
    }

    /// What of a component is encrypted in the tree, decrypted; `None` where nothing is encrypted on the way out.
    fn opened(&self, component: &Component) -> Option<BTreeMap<String, String>> {
        self.encryption.map(|encryption| encryption.opened(&component.name))
    }

    /// Has components rendered in the confined process. `found` is told what came of each, by its place in the list.
    fn ask(
        &self,
        renderer: &Renderer,
        components: &[&Component],
        apis: &[String],
        renders: &Renders,
        found: &(dyn Fn(usize, Outcome) + Sync),
    ) {
        let slots: Vec<Slot> = components.iter().map(|component| self.slot(component, apis, renders)).collect();
        let both = components.iter().zip(&slots);
        let wanted: Vec<Wanted<'_>> = both
            .map(|(component, slot)| Wanted { component: &component.name, state: &slot.state, opened: self.opened(component) })
            .collect();
        renderer.render(self.provision, &self.environment.name, apis, &wanted, &|index, made| {
            found(index, self.finish(components[index], &slots[index], made));
        });
    }

    /// Takes what came of rendering a component, and keeps it for the next run.
    fn finish(&self, component: &Component, slot: &Slot, made: Made) -> Outcome {
        let Made { result, taken, failures, took } = made;
        let user = self.user(component);
        taken.iter().for_each(|(artifact, verified)| self.provision.note_use(artifact, &user, *verified));
        self.provision.note_failures(failures);
        let (mut kept, record) = result?;
        let is_suspect = |(at, document)| holds_secrets(document).then_some(at);
        kept.suspects = kept.documents.iter().enumerate().filter_map(is_suspect).collect();
        let artifacts: BTreeSet<String> = taken.iter().map(|(artifact, _)| artifact.key()).collect();
        kept.inputs = RenderedFrom { asked: record.asked.keys().cloned().collect(), artifacts: artifacts.clone() };
        match self.encryption {
            None => slot.keep(&kept, record, artifacts, self.provision),
            Some(encryption) => {
                encryption.mark(component, &mut kept, &record)?;
                if let Some(bare) = encryption.without_secrets(&kept) {
                    let mut record = record;
                    encryption.ask_for(&component.name, &kept, &mut record);
                    slot.keep(&bare, record, artifacts, self.provision);
                }
            }
        }
        Ok(Finished { kept, timing: Timing { took, from_cache: false } })
    }
}

/// Whether any of the charts, those of kustomizations included, may ask for API versions. What a chart from elsewhere
/// reads is not asked of the disk, so such a chart always may.
fn may_ask_for_apis(job: &Job, record: &Record, from_outside: bool) -> bool {
    let charts = || job.sources.iter().filter_map(|source| if let Source::Helm(release) = source { Some(release) } else { None });
    let kustomized = job.sources.iter().any(|source| matches!(source, Source::Kustomize(_)));
    let is_chart = |asked: &Asked| matches!(asked, Asked::Content(path) if path.ends_with("Chart.yaml"));
    let has_chart = charts().next().is_some() || (kustomized && record.asked.keys().any(is_chart));
    if job.sources.iter().any(|source| matches!(source, Source::Helmfile(helmfile) if helmfile.sees_crds)) {
        return true;
    }
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

/// What came of rendering a component, and what it got from outside for it.
pub(super) struct Made {
    pub(super) result: Result<(Kept, Record), Vec<Box<Diagnostic>>>,
    pub(super) taken: Taken,
    pub(super) failures: Vec<Box<Diagnostic>>,
    pub(super) took: Duration,
}

/// Renders a component.
#[allow(clippy::too_many_arguments, reason = "each of them is another thing, and this process and the confined one call it")]
pub(super) fn make(
    stock: &dyn Stock,
    opened: &Opened,
    watch: &Watch,
    variables: Arc<BTreeSet<String>>,
    compares: bool,
    project: &Project,
    environment: &Environment,
    component: &Component,
    apis: &[String],
    encrypted: Option<&Encrypted>,
) -> Made {
    let start = Instant::now();
    let directory = project.root.join(&project.settings.manifests).join(&environment.name).join(&component.name);
    let _task = watch.task(|| format!("component {} of {}", component.name, environment.name));
    let disk = || project.recording_world().seeing(Arc::clone(&variables)).watching_for(API_VERSIONS).limited(watch.limits());
    let inputs = encrypted.map(|encrypted| Arc::new(Inputs::new(Arc::clone(&encrypted.keys))));
    let render = |disk: &DiskWorld| {
        let world = Mounted::new(disk);
        let inputs = inputs.clone().filter(|_| disk.resolves_secrets()).map(|inputs| inputs as Arc<dyn SecretResolver>);
        let outside = ForComponent::new(stock, opened, &world).resolving(inputs);
        let result = render_sources(&world, &outside, project, environment, component, apis);
        (result, outside.into_taken())
    };
    let again = |world: &DiskWorld| render(world).0;
    let policies = component.random.over(&environment.random).over(&project.settings.random);
    let none = BTreeMap::new();
    let attempt = |disguise: Disguise| {
        let disk = || disk().disguising(disguise.clone(), &Traces::default());
        let recording = disk();
        let (result, from_outside) = render(&recording);
        let traces = recording.traces();
        let stability = Stability {
            world: &disk,
            render: &again,
            policies: &policies,
            compares,
            directory: &directory,
            opened: encrypted.map_or(&none, |encrypted| &encrypted.opened),
            encrypts: encrypted.is_some(),
        };
        let writes_references = project.secrets_of(environment) == SecretPolicy::Placeholder;
        let taint = Taint { world: &disk, render: &again, disguise: &disguise, writes_references, encrypts: encrypted.is_some() };
        let result = result.and_then(|mut rendering| {
            let refused = std::mem::take(&mut rendering.refused);
            let result =
                stability.settle(rendering, recording).and_then(|settled| taint.refuse(&settled, !refused.is_empty()).map(|()| settled));
            match (refused.is_empty(), result) {
                (true, result) => result,
                (false, result) => Err(refused.into_iter().chain(result.err().unwrap_or_default()).collect()),
            }
        });
        (result, from_outside, traces)
    };
    let (mut result, (taken, failures), traces) = attempt(Disguise::default());
    if traces.is_known {
        result = without_secrets(result, || attempt(Disguise { is_masked: true, ..Disguise::default() }).0, &traces);
    }
    let missing = inputs.as_ref().map(|inputs| inputs.undecrypted()).unwrap_or_default();
    let told = |error: Box<Diagnostic>| missing.iter().fold(error, |error, why| error.note(why.as_str()));
    let result = result.map_err(|errors| errors.into_iter().map(told).collect::<Vec<_>>());
    let result = result.map(|settled| {
        let Settled { rendering, kept: decided, record, references, is_unsettled, certificates, .. } = settled;
        let Documents { job, all: documents, warnings, verbatim, .. } = rendering;
        let mut crds = Crds::default();
        documents.iter().for_each(|document| crds.add(document));
        let warnings = warnings.iter().map(|warning| Told::from(&**warning)).collect();
        let may_ask_for_apis = may_ask_for_apis(&job, &record, !taken.is_empty());
        let (sealed, suspects) = (Vec::new(), Vec::new());
        let (secret_inputs, undecrypted) = inputs.as_ref().map(|inputs| (inputs.digests(), inputs.undecrypted())).unwrap_or_default();
        // What has references in the place of secrets is not what is to be written.
        let is_unsettled = is_unsettled || !undecrypted.is_empty();
        let kept = Kept {
            inputs: RenderedFrom::default(),
            documents,
            crds,
            verbatim,
            decided,
            warnings,
            references,
            secret_inputs,
            undecrypted,
            knows_secrets: !traces.names.is_empty(),
            certificates,
            sealed,
            is_unsettled,
            is_redacted: false,
            is_verified: false,
            standing: BTreeMap::new(),
            suspects,
            may_ask_for_apis,
        };
        (kept, record)
    });
    Made { result, taken, failures, took: start.elapsed() }
}

/// What came of rendering with secrets, with nothing said but what is said of the same rendering with all of them masked.
fn without_secrets(
    result: stability::Outcome<Settled<Documents>>,
    masked: impl FnOnce() -> stability::Outcome<Settled<Documents>>,
    traces: &Traces,
) -> stability::Outcome<Settled<Documents>> {
    match result {
        Ok(settled) if settled.rendering.warnings.is_empty() => Ok(settled),
        Ok(mut settled) => {
            settled.rendering.warnings = masked().map(|masked| masked.rendering.warnings).unwrap_or_default();
            Ok(settled)
        }
        Err(_) => Err(masked().err().unwrap_or_else(|| vec![taint::withheld(traces)])),
    }
}

impl stability::Rendering for Documents {
    fn documents(&self) -> &[Document] {
        &self.all
    }
}

/// What the sources of a component have given.
struct Documents {
    job: Job,
    all: Vec<Document>,
    warnings: Vec<Box<Diagnostic>>,
    verbatim: Option<Verbatim>,
    /// What is not to be written because it holds references to secrets.
    refused: Vec<Box<Diagnostic>>,
}

/// Plans a component and renders its sources in order; what is wrong with any of them is reported together.
fn render_sources(
    world: &Mounted<'_>,
    outside: &ForComponent<'_>,
    project: &Project,
    environment: &Environment,
    component: &Component,
    apis: &[String],
) -> Result<Documents, Vec<Box<Diagnostic>>> {
    let job = plan::plan(world, outside, project, environment, component, apis)?;
    let (mut documents, mut warnings, mut wrong, mut refused) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut texts = Collector::new();
    for source in &job.sources {
        let before = documents.len();
        match render_source(world, outside, source, &mut documents, &mut warnings) {
            Ok(printed) => texts.add(source, printed, &documents),
            Err(errors) => wrong.extend(errors),
        }
        if matches!(source, Source::Helmfile(_)) && project.secrets_of(environment) == SecretPolicy::Refuse {
            refused.extend(secrets::refuse(&documents[before..]));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let verbatim = texts.finish(&documents);
    Ok(Documents { job, all: documents, warnings, verbatim, refused })
}

pub(super) fn pool(jobs: Option<usize>) -> Result<rayon::ThreadPool> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).stack_size(STACK);
    builder.build().map_err(|error| Diagnostic::error(format!("cannot start threads: {error}")))
}
