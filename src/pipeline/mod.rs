//! The `pipeline` room: plan → render in parallel → check → what the tree is to hold.

pub mod age_keys;
mod causes;
pub mod charts;
mod cluster;
pub mod committed;
pub mod confined;
mod decryption;
mod encryption;
mod fields;
mod gate;
pub mod guard;
pub mod handover;
pub mod plan;
pub mod provision;
pub mod references;
mod remedies;
mod rendering;
pub mod renders;
pub mod scope;
mod secrets;
mod stability;
pub mod subject;
mod taint;
pub mod validity;
pub mod verbatim;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::git::sources::Sources;
use crate::gitops::graph::UnitInput;
use crate::project::select::{Selection, select};
use crate::project::{Environment, Layout, Project, graph, slips};
use crate::tree::disk::Place;
use crate::tree::namespaces::{namespaces_in, without_namespaces};
use crate::tree::{self, COMMON_NAMESPACES, CRDS, Desired, NAMESPACES, lay_out};
use hydrate_acquire::ArtifactRequest;
use hydrate_base::limits::Watch;
use hydrate_base::world::Asked;
use hydrate_base::{Diagnostic, Result};
use hydrate_source::{Document, Identity};

use age_keys::UserKeys;
use causes::Causes;
use confined::Sandbox;
use encryption::{Encryption, Marked};
use provision::Provision;
use rendering::{Finished, Outcome, Rendering};
use renders::{Kept, RenderedFrom, Renders};
use scope::Crds;
use verbatim::Verbatim;

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Components by name, glob, `!name`; none: all.
    pub components: Vec<String>,
    /// Whether what could be rendered counts even where components fail.
    pub keep_going: bool,
    /// Whether the tree is only compared with what is rendered: what may differ from run to run is then as it is there.
    pub compares: bool,
    /// Whether secrets are let through: for who tells them together with everything else that is wrong.
    pub passes_secrets: bool,
    /// The keys that Secrets in the tree are decrypted with.
    pub keys: Arc<UserKeys>,
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
    /// What is easily mistaken in the project's files.
    pub slips: Vec<Box<Diagnostic>>,
    /// What the engines have warned of.
    pub warnings: Vec<Box<Diagnostic>>,
    /// The documents by component, namespaces filled in.
    pub documents: BTreeMap<String, Vec<Document>>,
    /// What it was rendered from.
    pub sources: Sources,
    /// What is to be said of kept certificates: which have ended, or are to be made anew.
    pub certificates: Vec<Box<Diagnostic>>,
    /// The places by component whose values may be others with every run, so that they are not compared.
    pub may_differ: BTreeMap<String, Vec<String>>,
    /// How each component was come by; those that were rendered twice count with the second time.
    pub timings: BTreeMap<String, Timing>,
    /// What each component was rendered from.
    pub inputs: BTreeMap<String, ComponentInputs>,
    /// What the kernel cannot do of the confinement that was asked for, a sentence each; `None` where nothing was rendered in confinement.
    pub unconfined: Option<Vec<String>>,
    /// All components of the environment in the order of their needs; `None` where a component's file cannot be read.
    parts: Option<Vec<UnitInput>>,
}

/// What a component was rendered from, and what others may depend on.
#[derive(Debug, Clone, Default)]
pub struct ComponentInputs {
    /// What was asked of the world, and taken from outside.
    pub inputs: RenderedFrom,
    /// Whether it gives CRDs, whose API versions charts of other components may see.
    pub has_crds: bool,
    /// Whether it may look different when more API versions are known.
    pub may_ask_for_apis: bool,
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
    let renderer = options.sandbox.as_ref().map(|sandbox| sandbox.renderer(project, options));
    if let Some(renderer) = renderer.as_ref().filter(|_| options.renders.is_empty()) {
        renderer.start();
    }
    let world = project.world();
    let environment = project.environment(&world, env)?;
    let all = project.components(&world).map_err(|error| vec![error])?;
    let selection = select(&world, &environment, &all, &options.components)?;
    let names = project.environment_names(&world).map_err(|error| vec![error])?;
    let search =
        slips::Search { world: &world, project, environment: &environment, environments: &names, all: &all, selection: &selection };
    let mut slips = search.slips();
    if selection.complete {
        slips.extend(guard::of_no_environment(project, &names));
    }
    let slips = slips::judged(slips, project, &environment, &all);
    let cycles = graph::cycles(&selection.members);
    if !cycles.is_empty() {
        return Err(cycles);
    }
    let crds = standing_crds(&place(project, env), &selection);
    let encryption = Encryption::of(project, &environment, options).map_err(|error| vec![error])?;
    let rendering = Rendering::new(project, &environment, &selection, provision, options, renderer.as_deref(), encryption.as_ref())
        .map_err(|error| vec![error])?;
    let render_all = |names: &[String], apis: &[String]| -> Vec<(String, Outcome)> {
        let with_needs = |(name, outcome): (String, Outcome)| {
            let known = all.keys().map(String::as_str);
            let strangers = selection.members.get(&name).map(|component| graph::unknown_needs(component, known)).unwrap_or_default();
            let outcome =
                if strangers.is_empty() { outcome } else { Err(strangers.into_iter().chain(outcome.err().unwrap_or_default()).collect()) };
            let whose = |error: Box<Diagnostic>| error.note(format!("component {name}, environment {env}"));
            let outcome = outcome.map_err(|errors| errors.into_iter().map(whose).collect());
            (name, outcome)
        };
        rendering.all(names, apis, done).into_iter().map(with_needs).collect()
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
    let anew = |name: &str, apis: &[String]| rendering.anew(name, apis).ok().map(|finished| finished.kept.documents);
    let causes = Causes::new(&crds, outcomes.iter().filter_map(|(name, outcome)| Some((name, &outcome.as_ref().ok()?.kept.crds))), &anew);
    let known = crds.api_versions.clone();
    let remedies = |name: &str, secrets: &[Identity]| rendering.remedies(name, &known, secrets);
    let mut rendered = finish(project, environment.clone(), &selection, crds, outcomes, options, &causes, &remedies, encryption.as_ref())?;
    rendered.unconfined = rendering.missing();
    rendered.slips = slips;
    Ok(rendered)
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
#[allow(clippy::too_many_arguments, reason = "each of them is another thing")]
fn finish(
    project: &Project,
    environment: Environment,
    selection: &Selection<'_>,
    mut crds: Crds,
    outcomes: Vec<(String, Outcome)>,
    options: &Options,
    causes: &Causes<'_>,
    remedies: &gate::Remedies<'_>,
    encryption: Option<&Encryption>,
) -> Result<Rendered, Vec<Box<Diagnostic>>> {
    let mut failed = selection.broken.clone();
    let mut rendered = BTreeMap::new();
    let mut texts: BTreeMap<String, Verbatim> = BTreeMap::new();
    let mut decided: BTreeMap<String, String> = BTreeMap::new();
    let mut suspects: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut marked: BTreeMap<String, Marked> = BTreeMap::new();
    let mut timings = BTreeMap::new();
    let mut inputs = BTreeMap::new();
    let mut certificates = Vec::new();
    let mut sources = configuration(project, &environment, selection);
    let mut warnings: Vec<Box<Diagnostic>> = options.renders.doubt().into_iter().map(|doubt| Box::new(doubt.clone())).collect();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(Finished { kept, timing }) => {
                add_sources(&mut sources, &kept.inputs.asked);
                timings.insert(name.clone(), timing);
                let said = kept.warnings.into_iter().map(Box::<Diagnostic>::from);
                warnings.extend(said.map(|warning| warning.note(format!("component {name}, environment {}", environment.name))));
                let doubts = kept.certificates.iter().filter_map(|certificate| certificate.doubt(&environment.name));
                certificates.extend(doubts.map(|warning| warning.note(format!("component {name}, environment {}", environment.name))));
                crds.extend(&kept.crds);
                texts.extend(kept.verbatim.map(|text| (name.clone(), text)));
                decided.extend(kept.decided.map(|text| (name.clone(), text)));
                suspects.insert(name.clone(), kept.suspects);
                let of_component = ComponentInputs {
                    inputs: kept.inputs,
                    has_crds: !kept.crds.kinds().is_empty(),
                    may_ask_for_apis: kept.may_ask_for_apis,
                };
                inputs.insert(name.clone(), of_component);
                let Kept { sealed, is_unsettled, is_redacted, standing, undecrypted, .. } = kept;
                marked.insert(name.clone(), Marked { sealed, is_unsettled, is_redacted, standing, undecrypted });
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
    let mut records: BTreeMap<String, String> = BTreeMap::new();
    for (name, documents) in &mut rendered {
        let Some((encryption, marked)) = encryption.zip(marked.get(name)).filter(|_| !failed.contains_key(name)) else { continue };
        match encryption.encrypt(name, marked, documents) {
            Ok(record) => records.extend(record.map(|record| (name.clone(), record))),
            Err(errors) => {
                // What would have been encrypted is no plain text that is to be told as well.
                suspects.remove(name);
                failed.entry(name.clone()).or_default().extend(errors);
            }
        }
    }
    for (name, errors) in duplicate_objects(&rendered, causes) {
        failed.entry(name).or_default().extend(errors);
    }
    let one_file = |name: &str| {
        let layout = selection.members.get(name).and_then(|component| component.layout);
        layout.unwrap_or(project.settings.layout) == Layout::Manifest
    };
    if !options.passes_secrets {
        for (name, errors) in gate::refuse(project, &environment, selection, &rendered, &suspects, one_file, &options.renders, remedies) {
            failed.entry(name).or_default().extend(errors);
        }
    }
    if !failed.is_empty() && !options.keep_going {
        return Err(failed.into_values().flatten().collect());
    }
    rendered.retain(|name, _| !failed.contains_key(name));
    texts.retain(|name, text| one_file(name) && rendered.get(name).is_some_and(|documents| text.stands_for(documents)));
    let others = verbatim::namespaces_of_others(project, &environment, selection, &texts, one_file);
    let mut desired = desired(&rendered, &texts, &others, one_file, &records, selection.complete, environment.handover.is_some());
    let may_differ = |(name, text): (&String, &String)| {
        let random = &selection.members.get(name)?.random;
        let policies = random.over(&environment.random).over(&project.settings.random);
        let places = stability::KeptFile::parse(text).may_differ(&policies);
        (!places.is_empty()).then(|| (name.clone(), places))
    };
    let may_differ = decided.iter().filter_map(may_differ).collect();
    let decided = decided.into_iter().map(|(name, text)| (name, stability::KEPT, text));
    for (name, file, text) in decided.chain(records.into_iter().map(|(name, text)| (name, encryption::RECORD, text))) {
        // A component without files has nothing to keep.
        if let Some(files) = desired.dirs.get_mut(&name).filter(|files| !files.is_empty()) {
            files.insert(file.to_owned(), Arc::from(text.into_bytes()));
        }
    }
    let shared = [NAMESPACES, CRDS].into_iter().filter(|_| !failed.is_empty());
    desired.spared = failed.keys().cloned().chain(shared.map(str::to_owned)).collect();
    Ok(Rendered {
        environment,
        desired,
        failed,
        documents: rendered,
        crds,
        slips: Vec::new(),
        warnings,
        certificates,
        sources,
        may_differ,
        timings,
        inputs,
        unconfined: None,
        parts: handover::parts(selection),
    })
}

/// The files of the configuration that a rendering follows from, and the directories of components that are gone.
fn configuration(project: &Project, environment: &Environment, selection: &Selection<'_>) -> Sources {
    let (root, settings) = (&project.root, &project.settings);
    let environments = root.join(&settings.environments);
    let components = root.join(&settings.components);
    let mut sources = Sources::default();
    sources.files.extend([root.join("hydrate.yaml"), root.join(provision::LOCK), environments.join(format!("{}.yaml", environment.name))]);
    sources.whole.insert(environments.join(&environment.name));
    sources.files.extend(selection.selected.iter().map(|name| components.join(name).join("component.yaml")));
    if selection.complete {
        let standing = tree::disk::names(&place(project, &environment.name).dir()).unwrap_or_default();
        sources.whole.extend(standing.iter().filter(|name| !selection.members.contains_key(*name)).map(|name| components.join(name)));
    }
    sources
}

/// Adds what was asked of the disk for a component.
fn add_sources<'a>(sources: &mut Sources, asked: impl IntoIterator<Item = &'a Asked>) {
    for asked in asked {
        match asked {
            Asked::Content(path) | Asked::Kind(path) | Asked::Canonical(path) => drop(sources.files.insert(path.clone())),
            Asked::Names(path) | Asked::Entries(path) => drop(sources.directories.insert(path.clone())),
            Asked::Variable(_) | Asked::System(_) => {}
        }
    }
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
fn desired(
    rendered: &BTreeMap<String, Vec<Document>>,
    texts: &BTreeMap<String, Verbatim>,
    others: &BTreeMap<String, String>,
    one_file: impl Fn(&str) -> bool,
    records: &BTreeMap<String, String>,
    complete: bool,
    with_crds: bool,
) -> Desired {
    let mut desired = Desired { complete, ..Desired::default() };
    let mut namespaces: BTreeMap<&str, &Document> = BTreeMap::new();
    let mut crds: Vec<&Document> = Vec::new();
    for (name, documents) in rendered {
        let mut own: Vec<&Document> = Vec::new();
        if let Some(text) = texts.get(name) {
            desired.dirs.insert(name.clone(), tree::layout::lay_out_text(&text.manifest));
            continue;
        }
        for document in documents {
            if is_namespace(document) {
                namespaces.insert(&document.identity.name, document);
            } else if with_crds && is_crd(document) {
                crds.push(document);
            } else {
                own.push(document);
            }
        }
        desired.dirs.insert(name.clone(), lay_out_apart(&own, one_file(name), records.contains_key(name)));
    }
    let own = texts.iter().map(|(name, text)| (name.as_str(), text.namespaces.as_str()));
    let files: BTreeMap<&str, &str> = own.chain(others.iter().map(|(name, text)| (name.as_str(), text.as_str()))).collect();
    let files: Vec<&str> = files.into_values().filter(|text| !text.is_empty()).collect();
    // A namespace that several components have is in one file, the common one first.
    let common: BTreeSet<String> = files.iter().flat_map(|text| namespaces_in(text.as_bytes())).collect();
    let apart: Vec<&Document> = namespaces.into_values().filter(|document| !common.contains(&document.identity.name)).collect();
    let mut of_namespaces = lay_out(&apart, false);
    if !files.is_empty() {
        of_namespaces.remove(tree::KUSTOMIZATION);
        of_namespaces.insert(COMMON_NAMESPACES.to_owned(), Arc::from(joined(&files).into_bytes()));
        let names: Vec<String> = of_namespaces.keys().cloned().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        of_namespaces.insert(tree::KUSTOMIZATION.to_owned(), tree::layout::kustomization(&names).into_bytes().into());
    }
    desired.dirs.insert(NAMESPACES.to_owned(), of_namespaces);
    if with_crds {
        desired.dirs.insert(CRDS.to_owned(), lay_out(&crds, false));
    }
    desired
}

/// The files of a component. What SOPS has encrypted here is in a file of its own, also where everything else is in one: else only Flux could decrypt it.
fn lay_out_apart(own: &[&Document], one_file: bool, has_encrypted: bool) -> tree::Files {
    let is_apart = |document: &&Document| one_file && has_encrypted && encryption::is_encrypted(&document.text);
    let (apart, rest): (Vec<&Document>, Vec<&Document>) = own.iter().copied().partition(is_apart);
    let mut files = lay_out(&rest, one_file);
    if !apart.is_empty() {
        files.extend(lay_out(&apart, false));
        let names: Vec<String> = files.keys().filter(|name| *name != tree::KUSTOMIZATION).cloned().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        files.insert(tree::KUSTOMIZATION.to_owned(), tree::layout::kustomization(&names).into_bytes().into());
    }
    files
}

/// Files of namespaces one after the other, with `---` between them.
fn joined(files: &[&str]) -> String {
    let mut text = String::new();
    for file in files {
        if !text.is_empty() && !file.starts_with("---") {
            text.push_str("---\n");
        }
        text.push_str(file);
        if !file.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

/// What the rest of the tree has to do with it: a run over some components keeps the namespaces and CRDs of the others, and what hands the environment
/// over is about all of them.
pub fn merge_with_tree(place: &Place, rendered: &mut Rendered) -> Result<(), Vec<Box<Diagnostic>>> {
    let with_crds = rendered.environment.handover.is_some();
    for name in [NAMESPACES, CRDS].into_iter().filter(|name| with_crds || *name != CRDS) {
        keep_standing(place, &mut rendered.desired, name).map_err(|error| vec![error])?;
        keep_others(place, &mut rendered.desired, name).map_err(|error| vec![error])?;
    }
    rendered.desired.clusters = handover::files(place, rendered)?;
    Ok(())
}

/// Keeps in the list of a shared directory what others have written there.
fn keep_others(place: &Place, desired: &mut Desired, shared: &str) -> Result<()> {
    let dir = place.dir().join(shared);
    let list = format!("{shared}/{}", tree::KUSTOMIZATION);
    let failed = |error: std::io::Error| tree::disk::failed("read", place.shown(&list), &error);
    let Some(found) = tree::disk::file(&dir.join(tree::KUSTOMIZATION)).map_err(failed)? else { return Ok(()) };
    let owned = tree::disk::owned(&dir).map_err(failed)?;
    let files = desired.dirs.entry(shared.to_owned()).or_default();
    if files.is_empty() && owned.names().next().is_none() {
        return Ok(());
    }
    let names: Vec<String> = files.keys().filter(|name| *name != tree::KUSTOMIZATION).cloned().collect();
    let listed: Vec<&str> = names.iter().map(String::as_str).collect();
    let kept = tree::index::with_entries_of_others(&found, &listed, &|entry| owned.contains(entry)).map_err(|why| {
        Diagnostic::error(format!("{} cannot be written: {why}", place.shown(&list)))
            .note("Flux and Argo CD delete what it no longer lists, so nothing is guessed")
    })?;
    let Some(kept) = kept else { return Ok(()) };
    for other in &kept.others {
        let Some(text) = tree::disk::file(&dir.join(other)).map_err(failed)? else { continue };
        let twice = namespaces_in(&text).into_iter().find(|name| files.values().any(|file| namespaces_in(file).contains(name)));
        if let Some(name) = twice {
            return Err(Diagnostic::error(format!(
                "Namespace {name} is in {} already, which hydrate did not write",
                place.shown(&format!("{shared}/{other}"))
            ))
            .note("a kustomization that has an object twice cannot be built")
            .help(format!("remove it there; where nothing else is left, remove the file and its line in {}", place.shown(&list))));
        }
    }
    files.insert(tree::KUSTOMIZATION.to_owned(), kept.text.into_bytes().into());
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
    let new: BTreeSet<String> = files.values().flat_map(|text| namespaces_in(text)).collect();
    for name in tree::disk::owned(&dir).map_err(failed)?.names().filter(|name| *name != tree::KUSTOMIZATION) {
        let standing = tree::disk::file(&dir.join(name)).map_err(failed)?;
        // What is rendered now may have moved from one file to another.
        let standing = if shared == NAMESPACES { standing.and_then(|text| without_namespaces(&text, &new)) } else { standing };
        if let Some(text) = standing {
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
