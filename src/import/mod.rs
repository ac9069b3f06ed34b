//! The `import` room: helmfiles turned into components, and proven to render the same objects before anything is written.
//!
//! Each environment is rendered in both ways in memory: by the helmfile as it is, and by the components that would take its place, as if
//! their files were on the disk already. What component.yaml cannot say stays in the helmfile, which a component then names.

mod attempt;
mod components;
mod environments;
mod overlay;
mod proof;
mod releases;
mod stage;
pub mod status;
mod text;
mod unit;
mod values;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use hydrate_base::Diagnostic;
use hydrate_base::limits::Watch;

use crate::pipeline::provision::Provision;
use crate::project::values::Context;
use crate::project::{Environment, Project};

use attempt::Attempt;
use components::Imported;
use environments::NewEnvironment;
use releases::Release;
use stage::{Before, Files, Stage};
use unit::Unit;

type Errors = Vec<Box<Diagnostic>>;

/// What is imported, and how.
pub struct Request<'a> {
    /// The project that it is imported into.
    pub project: &'a Project,
    /// What charts and helmfiles get from outside.
    pub provision: &'a Provision<'a>,
    /// The environment variables that templates may read.
    pub variables: Arc<BTreeSet<String>>,
    /// Watches over the time and the memory that rendering takes.
    pub watch: Watch,
    /// A helmfile, a directory with one, a component, or the directory of components: an absolute path without links.
    pub path: PathBuf,
    /// The environments that were named; none: all that there are.
    pub environments: Vec<String>,
    /// The component that all releases go into; `None`: one for each release.
    pub into: Option<String>,
    /// Releases that stay in their helmfile: by name, or by namespace and name.
    pub leave: Vec<String>,
    /// The Kubernetes version of environments that have no file yet.
    pub kubernetes: Option<String>,
    /// Files that are written as well, by their paths: those of a project that there is none of yet.
    pub first: Vec<(String, String)>,
}

/// What an import writes, and what it tells.
#[derive(Debug)]
pub struct Import {
    /// The files by their paths in the project, in the order in which they are written.
    pub files: Vec<(String, Arc<[u8]>)>,
    /// The releases.
    pub releases: Vec<ImportedRelease>,
    /// How many objects are the same both ways, by environment.
    pub objects: BTreeMap<String, usize>,
    /// What the engines have warned of, and what will not stay the same from run to run.
    pub warnings: Errors,
}

/// What becomes of a release.
#[derive(Debug)]
pub struct ImportedRelease {
    /// Its name.
    pub name: String,
    /// Its helmfile, as it is shown.
    pub file: String,
    /// The environments that render it.
    pub environments: Vec<String>,
    /// The component that it is in from now on.
    pub component: String,
    /// Why it stays in its helmfile; empty where it does not.
    pub stays: Vec<String>,
    /// What else there is to say of it.
    pub notes: Vec<String>,
}

/// Works out what an import writes, and proves it.
///
/// # Errors
/// What cannot be read or rendered, and what would not be the same.
pub fn plan(request: &Request<'_>) -> Result<Import, Errors> {
    let stage = Stage::new(request);
    let units = unit::find(&stage.disk, request.project, &request.path, &request.environments).map_err(one)?;
    if request.into.is_some() && units.iter().any(|unit| unit.component.is_some()) {
        return Err(one(Diagnostic::error("--into is for a helmfile that belongs to no component")
            .help("the releases of a component's own helmfiles become sources of that component")));
    }
    let mut import = Import { files: Vec::new(), releases: Vec::new(), objects: BTreeMap::new(), warnings: Vec::new() };
    let mut written = Written { environments: BTreeMap::new(), files: Files::new() };
    let mut wrong = Errors::new();
    for unit in &units {
        match import_unit(&stage, unit, &mut written, &mut import) {
            Ok(()) => {}
            Err(errors) => wrong.extend(errors),
        }
    }
    for name in &request.leave {
        let is = |release: &ImportedRelease| release.name == *name || name.split_once('/').is_some_and(|(_, last)| release.name == last);
        if wrong.is_empty() && !import.releases.iter().any(is) {
            wrong.push(unknown_release(name, &import.releases));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    import.files = in_order(&stage, &written);
    Ok(import)
}

fn one(error: Box<Diagnostic>) -> Errors {
    vec![error]
}

fn unknown_release(name: &str, releases: &[ImportedRelease]) -> Box<Diagnostic> {
    let error = Diagnostic::error(format!("there is no release `{name}` to leave"));
    match hydrate_base::suggest::closest(name, releases.iter().map(|release| release.name.as_str())) {
        Some(close) => error.help(format!("did you mean `{close}`?")),
        None => error,
    }
}

/// What is to be written so far.
struct Written {
    /// The values of environments that have no file yet: what their helmfiles have, and the text of it with its comments.
    environments: BTreeMap<String, NewEnvironment>,
    files: Files,
}

/// Works out what is written for a unit, over what is written so far, and proves it.
fn import_unit(stage: &Stage<'_>, unit: &Unit, written: &mut Written, import: &mut Import) -> Result<(), Errors> {
    let mut before = before(stage, unit, &mut import.warnings)?;
    let request = stage.request;
    let new = |(env, before): (&String, &Before)| {
        let path = stage.new_environment(env)?;
        Some((env.clone(), NewEnvironment::of(stage, path, env, before, written.environments.get(env))))
    };
    let environments: BTreeMap<String, NewEnvironment> = before.iter().filter_map(new).collect();
    let kept_hooks: BTreeSet<String> =
        before.values().flat_map(|before| before.releases.iter().flat_map(|(_, facts)| facts.kept_hooks.iter().cloned())).collect();
    let uninstalled: Vec<(String, String)> = before.values().flat_map(|before| before.others.iter().cloned()).collect();
    let others: BTreeMap<String, Vec<hydrate_source::Document>> =
        before.iter_mut().map(|(env, before)| (env.clone(), std::mem::take(&mut before.documents))).collect();
    let contexts = contexts(stage, unit, &before, &environments)?;
    let known = before.values().map(|before| before.environment.clone()).collect::<Vec<_>>();
    twice(unit, &before)?;
    let mut releases = collect(unit, before, &request.leave);
    let imported = components::assign(&mut releases, unit, request.into.as_deref()).map_err(one)?;
    for component in &imported {
        refuse_taken(stage, unit, component).map_err(one)?;
    }
    let all = all_environments(stage, &known).map_err(one)?;
    let attempt = Attempt {
        stage,
        unit,
        imported: &imported,
        contexts: &contexts,
        environments: &environments,
        others: &others,
        all: &all,
        kept_hooks: &kept_hooks,
        uninstalled: &uninstalled,
    };
    let proof = attempt.until_equal(&mut releases, written)?;
    proof.objects.into_iter().for_each(|(env, count)| *import.objects.entry(env).or_default() += count);
    import.warnings.extend(proof.warnings);
    import.releases.extend(releases.into_iter().map(told));
    Ok(())
}

/// Renders all environments of a unit as they are.
fn before(stage: &Stage<'_>, unit: &Unit, warnings: &mut Errors) -> Result<BTreeMap<String, Before>, Errors> {
    let mut all = BTreeMap::new();
    let mut wrong = Errors::new();
    for env in unit.helmfiles.keys() {
        match stage.before(unit, env) {
            Ok(mut before) => {
                let said = std::mem::take(&mut before.warnings);
                warnings.extend(said.into_iter().filter(|warning| !warnings.contains(warning)).collect::<Vec<_>>());
                all.insert(env.clone(), before);
            }
            Err(errors) => wrong.extend(errors),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong) }
}

/// A component of this name that has a helmfile of its own would lose it.
fn refuse_taken(stage: &Stage<'_>, unit: &Unit, component: &Imported) -> Result<(), Box<Diagnostic>> {
    if unit.component.is_some() {
        return Ok(());
    }
    let project = stage.request.project;
    let Some(Ok(standing)) = project.component(&stage.disk, &component.name) else { return Ok(()) };
    let has_helmfile = |env: &String| {
        let specs = standing.specs(&stage.disk, env);
        standing.sources.is_none() && specs.iter().any(|spec| matches!(spec.kind, crate::project::component::SourceKind::Helmfile { .. }))
    };
    if component.environments.iter().any(has_helmfile) {
        return Err(Diagnostic::error(format!("there is a component `{}` with a helmfile of its own", component.name))
            .help("put the releases into a component of another name: --into NAME"));
    }
    Ok(())
}

fn told(release: Release) -> ImportedRelease {
    ImportedRelease {
        environments: release.seen.iter().map(|seen| seen.env.clone()).collect(),
        name: release.name,
        file: release.file,
        component: release.component,
        stays: release.stays,
        notes: release.notes,
    }
}

/// An object that two releases define is refused in any component.
fn twice(unit: &Unit, before: &BTreeMap<String, Before>) -> Result<(), Errors> {
    let mut wrong = Errors::new();
    for (env, before) in before {
        let mut seen: BTreeMap<(&str, &str, &str, &str), &hydrate_source::Document> = BTreeMap::new();
        for document in
            before.releases.iter().flat_map(|(seen, _)| &seen.documents).filter(|document| document.identity.kind != "Namespace")
        {
            let identity = &document.identity;
            let key = (identity.group(), identity.kind.as_str(), identity.namespace.as_str(), identity.name.as_str());
            if let Some(first) = seen.insert(key, document) {
                wrong.push(
                    Diagnostic::error(format!("{identity} is defined twice"))
                        .note(format!("first by {}", first.origin))
                        .note(format!("again by {}", document.origin))
                        .note(format!("{}, environment {env}", unit.shown))
                        .help("remove one of them, or give them different names or namespaces"),
                );
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// The releases of all environments, each once, in the order in which the first environment prints them.
fn collect(unit: &Unit, before: BTreeMap<String, Before>, leave: &[String]) -> Vec<Release> {
    let all = || before.values().flat_map(|before| before.releases.iter());
    // In a component each environment has a helmfile of its own, and the same name is the same release.
    let of_component = unit.component.is_some();
    let file = |shown: &str| if of_component { unit.shown.clone() } else { shown.to_owned() };
    let is_shared = |env: &str, shown: &str, name: &str| {
        all().filter(|(seen, facts)| seen.env == env && file(&facts.shown) == file(shown) && facts.name == name).count() > 1
    };
    let shared: BTreeSet<(String, String)> = all()
        .filter(|(seen, facts)| is_shared(&seen.env, &facts.shown, &facts.name))
        .map(|(_, facts)| (file(&facts.shown), facts.name.clone()))
        .collect();
    let mut releases: Vec<Release> = Vec::new();
    for (seen, facts) in before.into_values().flat_map(|before| before.releases) {
        let (name, file) = (facts.name, file(&facts.shown));
        let namespace = shared.contains(&(file.clone(), name.clone())).then(|| seen.namespace.clone());
        let is_left = leave.iter().any(|left| *left == name || *left == format!("{}/{name}", seen.namespace));
        let stays = facts.stays.into_iter().chain(is_left.then(|| "as asked".to_owned()));
        let found = releases.iter_mut().find(|release| release.name == name && release.file == file && release.namespace == namespace);
        let release = match found {
            Some(release) => release,
            None => {
                let new =
                    Release { name, namespace, file, seen: Vec::new(), component: String::new(), stays: Vec::new(), notes: Vec::new() };
                releases.push(new);
                let last = releases.len() - 1;
                &mut releases[last]
            }
        };
        for why in stays {
            if !release.stays.contains(&why) {
                release.stays.push(why);
            }
        }
        release.seen.push(seen);
    }
    releases
}

/// The environments that the project has after the import.
fn all_environments(stage: &Stage<'_>, known: &[Environment]) -> Result<Vec<String>, Box<Diagnostic>> {
    let mut names: BTreeSet<String> = stage.request.project.environment_names(&stage.disk)?.into_iter().collect();
    names.extend(known.iter().map(|environment| environment.name.clone()));
    Ok(names.into_iter().collect())
}

/// What templates of values would see, with the values of environments that have no file yet.
fn contexts(
    stage: &Stage<'_>,
    unit: &Unit,
    before: &BTreeMap<String, Before>,
    new: &BTreeMap<String, NewEnvironment>,
) -> Result<BTreeMap<String, Context>, Errors> {
    let mut files: Files = new.values().map(|new| (new.path.clone(), Arc::from(new.text.as_bytes()))).collect();
    let project = stage.request.project;
    let first = unit.helmfiles.keys().next().map(String::as_str).unwrap_or_default();
    let file = format!("{}/{}/component.yaml", project.settings.components, unit.stand_in);
    files.insert(file, Arc::from(unit.before(project, first).into_bytes()));
    let world = stage.overlay(&files);
    let Some(component) = project.component(&world, &unit.stand_in).transpose()? else { return Ok(BTreeMap::new()) };
    before.keys().map(|env| Ok((env.clone(), Context::new(&project.environment(&world, env)?, &component)))).collect()
}

/// The files in the order in which they are written: the settings that everything else was rendered with, components after the files that they
/// name, and environments last. Whatever is missing after a write that was killed, the next import adds.
fn in_order(stage: &Stage<'_>, written: &Written) -> Vec<(String, Arc<[u8]>)> {
    if written.files.is_empty() {
        return Vec::new();
    }
    let first = stage.request.first.iter().map(|(path, text)| (path.clone(), Arc::from(text.as_bytes())));
    let is_component = |path: &str| path.ends_with("/component.yaml");
    let of = |wanted: bool| written.files.iter().filter(move |(path, _)| is_component(path) == wanted);
    let files = of(false).chain(of(true)).map(|(path, text)| (path.clone(), Arc::clone(text)));
    let environments = written.environments.values().map(|new| (new.path.clone(), Arc::from(new.text.as_bytes())));
    first.chain(files).chain(environments).collect()
}
