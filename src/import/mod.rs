//! The `import` room: helmfiles turned into components, and proven to render the same objects before anything is written.
//!
//! Each environment is rendered in both ways in memory: by the helmfile as it is, and by the components that would take its place, as if
//! their files were on the disk already. What component.yaml cannot say stays in the helmfile, which a component then names.

mod components;
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

use hydrate_base::limits::Watch;
use hydrate_base::{Diagnostic, World};
use hydrate_source::Data;

use crate::pipeline::provision::Provision;
use crate::project::values::Context;
use crate::project::{Environment, Loaded, Project, first_files};

use components::{Imported, Shared};
use releases::Release;
use stage::{Before, Files, Stage};
use unit::Unit;
use values::Writer;

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

/// The file of an environment that there is none of yet.
#[derive(Clone)]
struct NewEnvironment {
    path: String,
    text: String,
    values: Data,
}

fn import_unit(stage: &Stage<'_>, unit: &Unit, written: &mut Written, import: &mut Import) -> Result<(), Errors> {
    let mut before = BTreeMap::new();
    let mut wrong = Errors::new();
    for env in unit.helmfiles.keys() {
        match stage.before(unit, env) {
            Ok(found) => {
                before.insert(env.clone(), found);
            }
            Err(errors) => wrong.extend(errors),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let request = stage.request;
    let warnings = before.values_mut().flat_map(|before| std::mem::take(&mut before.warnings));
    for warning in warnings.collect::<Vec<_>>() {
        if !import.warnings.contains(&warning) {
            import.warnings.push(warning);
        }
    }
    let environments: BTreeMap<String, NewEnvironment> = before
        .iter()
        .filter_map(|(env, before)| {
            Some((env.clone(), new_environment(stage, stage.new_environment(env)?, env, before, written.environments.get(env))))
        })
        .collect();
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
    loop {
        if unit.component.is_some() && releases.iter().all(|release| !release.stays.is_empty()) {
            break;
        }
        match attempt.make(&releases, written) {
            Ok(Made { written: new, notes, proof }) => {
                *written = new;
                for (at, note) in notes {
                    if let Some(release) = releases.get_mut(at).filter(|release| !release.notes.contains(&note)) {
                        release.notes.push(note);
                    }
                }
                proof.objects.into_iter().for_each(|(env, count)| *import.objects.entry(env).or_default() += count);
                import.warnings.extend(proof.warnings);
                break;
            }
            Err(Unequal { errors, components }) => {
                // What is said otherwise here is worth a try: kustomize may see the objects otherwise than helmfile has shown them to it.
                let is_suspect = |release: &&mut Release| {
                    release.stays.is_empty() && release.is_said_otherwise() && components.contains(&release.component)
                };
                let suspects: Vec<&mut Release> = releases.iter_mut().filter(is_suspect).collect();
                if suspects.is_empty() {
                    return Err(errors);
                }
                for release in suspects {
                    let what = if release.is_patched() { "patches" } else { "a directory as its chart" };
                    release.stays.push(format!("{what}, which would not give the same here"));
                }
            }
        }
    }
    import.releases.extend(releases.into_iter().map(told));
    Ok(())
}

/// All that the files of a unit are made of beside its releases.
struct Attempt<'a> {
    stage: &'a Stage<'a>,
    unit: &'a Unit,
    imported: &'a [Imported],
    contexts: &'a BTreeMap<String, Context>,
    environments: &'a BTreeMap<String, NewEnvironment>,
    /// What the component renders beside its helmfiles, by environment.
    others: &'a BTreeMap<String, Vec<hydrate_source::Document>>,
    /// The environments of the project after the import.
    all: &'a [String],
    kept_hooks: &'a BTreeSet<String>,
    uninstalled: &'a [(String, String)],
}

/// Files that have been proven.
struct Made {
    written: Written,
    /// What is to be told about releases, by their places.
    notes: Vec<(usize, String)>,
    proof: Proof,
}

/// What a proof has found.
#[derive(Default)]
struct Proof {
    objects: BTreeMap<String, usize>,
    warnings: Errors,
}

/// What would not be the same, and in which components.
struct Unequal {
    errors: Errors,
    components: BTreeSet<String>,
}

impl From<Box<Diagnostic>> for Unequal {
    fn from(error: Box<Diagnostic>) -> Self {
        Self { errors: vec![error], components: BTreeSet::new() }
    }
}

impl Attempt<'_> {
    /// Writes the files over those that are written so far, and proves them.
    fn make(&self, releases: &[Release], before: &Written) -> Result<Made, Unequal> {
        let request = self.stage.request;
        let mut writer = Writer {
            world: &self.stage.disk,
            root: &request.project.root,
            version: request.project.settings.helmfile,
            contexts: self.contexts,
            files: before.files.clone(),
            with_templates: BTreeSet::new(),
            notes: Vec::new(),
        };
        let shared = Shared {
            releases,
            environments: self.all,
            is_common: self.unit.component.is_none(),
            kept_hooks: self.kept_hooks,
            directory: &request.project.settings.components,
            uninstalled: self.uninstalled,
        };
        let mut notes = Vec::new();
        for component in self.imported {
            notes.extend(components::write(component, &shared, &mut writer)?);
        }
        let mut written = Written { environments: before.environments.clone(), files: writer.files };
        for (env, new) in self.environments {
            let text = first_files::environment(request.kubernetes.as_deref());
            let plain = NewEnvironment { text, values: Data::map(), path: new.path.clone() };
            let standing = before.environments.get(env).cloned().unwrap_or(plain);
            let chosen = if writer.with_templates.contains(env) { new.clone() } else { standing };
            written.environments.insert(env.clone(), chosen);
        }
        let proof = self.prove(releases, &written)?;
        Ok(Made { written, notes, proof })
    }

    /// Renders the components over what is to be written, and compares them with what the helmfiles have given.
    fn prove(&self, releases: &[Release], written: &Written) -> Result<Proof, Unequal> {
        let mut files = written.files.clone();
        files.extend(written.environments.values().map(|new| (new.path.clone(), Arc::from(new.text.as_bytes()))));
        let world = self.stage.overlay(&files);
        let all = self.stage.request.project.components(&world)?;
        let mut wrong = Unequal { errors: Vec::new(), components: BTreeSet::new() };
        let mut proof = Proof::default();
        for component in self.imported {
            for env in &component.environments {
                let wanted = self.wanted(releases, component, env);
                let errors = match self.stage.after(&world, &all, &component.name, env) {
                    Err(errors) => {
                        let place = format!("component {}, environment {env}, as it would be after the import", component.name);
                        errors.into_iter().map(|error| error.note(place.clone())).collect()
                    }
                    Ok(after) => match proof::compare(&wanted, &after.documents) {
                        Some(difference) => vec![proof::told(&component.name, env, &difference)],
                        None => {
                            *proof.objects.entry(env.clone()).or_default() += wanted.len();
                            proof.warnings.extend(after.is_random.then(|| random(&component.name, env)));
                            Vec::new()
                        }
                    },
                };
                if !errors.is_empty() {
                    wrong.components.insert(component.name.clone());
                    wrong.errors.extend(errors);
                }
            }
        }
        wrong.errors.extend(cycles(&all, self.imported));
        if wrong.errors.is_empty() { Ok(proof) } else { Err(wrong) }
    }

    /// What a component has to render.
    fn wanted(&self, releases: &[Release], component: &Imported, env: &str) -> Vec<hydrate_source::Document> {
        let of_component = component.releases.iter().filter_map(|at| releases.get(*at));
        let seen = of_component.flat_map(|release| &release.seen).filter(|seen| seen.env == env);
        let mut wanted: Vec<_> = seen.flat_map(|seen| seen.documents.iter().cloned()).collect();
        if self.unit.component.is_some() {
            wanted.extend(self.others.get(env).into_iter().flatten().cloned());
        }
        wanted
    }
}

/// Components that need each other in a circle.
fn cycles(all: &BTreeMap<String, Loaded>, imported: &[Imported]) -> Errors {
    let members = all.iter().filter_map(|(name, loaded)| Some((name.clone(), loaded.as_ref().ok()?))).collect();
    let is_ours = |message: &str| imported.iter().any(|component| message.contains(&component.name));
    let found = crate::project::graph::cycles(&members).into_iter().filter(|error| is_ours(&error.message));
    found.map(|error| error.help("put the releases into one component: --into NAME")).collect()
}

fn random(component: &str, env: &str) -> Box<Diagnostic> {
    Diagnostic::warning(format!("what {component} renders for {env} differs from run to run, by helmfile as well"))
        .help("give the values that are random; where they are meant to be, `random: keep` in component.yaml has hydrate write them once")
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

/// The file of an environment with the values that its helmfile has, and those that stand in it already.
fn new_environment(stage: &Stage<'_>, path: String, env: &str, before: &Before, standing: Option<&NewEnvironment>) -> NewEnvironment {
    let head = first_files::environment(stage.request.kubernetes.as_deref());
    let own = without_references(says(before.values.as_bytes()).unwrap_or_default());
    let standing_values = standing.map_or_else(Data::map, |standing| standing.values.clone());
    if own == Data::map() || own == standing_values {
        let text = standing.map_or(head, |standing| standing.text.clone());
        return NewEnvironment { path, text, values: standing_values };
    }
    let values = if standing_values == Data::map() { Some(own) } else { joined(&standing_values, &own) };
    // Where two helmfiles have different values, the first ones stand; templates that see others are executed.
    let Some(values) = values else {
        return standing.cloned().unwrap_or(NewEnvironment { path, text: head, values: Data::map() });
    };
    let written = written_values(stage, env, before, &values).unwrap_or_else(|| {
        let text = hydrate_source::compose::emit(&values.to_node()).unwrap_or_default();
        indented(&text)
    });
    NewEnvironment { path, text: format!("{head}values:\n{written}"), values }
}

/// Values without those that refer to secrets: templates that see them stay in their helmfile.
fn without_references(values: Data) -> Data {
    match values {
        Data::Map(entries) => {
            let is_plain = |value: &Data| !matches!(value, Data::Text(text) if !hydrate_helmfile::references(text).is_empty());
            Data::Map(
                entries.into_iter().filter(|(_, value)| is_plain(value)).map(|(key, value)| (key, without_references(value))).collect(),
            )
        }
        Data::List(items) => Data::List(items.into_iter().map(without_references).collect()),
        other => other,
    }
}

/// The values of an environment as the helmfile has them, with their comments, where their texts one after the other say the same.
fn written_values(stage: &Stage<'_>, env: &str, before: &Before, values: &Data) -> Option<String> {
    let (seen, _) = before.releases.first()?;
    let base = seen.top.parent()?;
    let mut text = String::new();
    for part in &before.parts {
        for entry in text::environment_values(part, env) {
            let piece = match entry {
                text::EnvironmentEntry::Inline(piece) => piece,
                text::EnvironmentEntry::File(path) if path.ends_with(".yaml") || path.ends_with(".yml") => {
                    String::from_utf8(stage.disk.read(&crate::project::paths::normal(&base.join(path))).ok()?.to_vec()).ok()?
                }
                text::EnvironmentEntry::File(_) => return None,
            };
            text.push_str(piece.trim_start_matches("---\n").trim_end());
            text.push('\n');
        }
    }
    let has_twice = || {
        let keys: Vec<&str> =
            text.lines().filter(|line| !line.starts_with([' ', '#', '-'])).filter_map(|line| line.split(':').next()).collect();
        keys.iter().enumerate().any(|(at, key)| keys.iter().take(at).any(|other| other == key))
    };
    (says(text.as_bytes()).as_ref() == Some(values) && !has_twice()).then(|| indented(&text))
}

/// What a YAML text says, as the files of environments are read; `None` for what is none.
fn says(text: &[u8]) -> Option<Data> {
    let file = hydrate_base::SourceFile::new("", text);
    let root = crate::project::parse::parse(&file).ok()?;
    Some(Data::from_node(&root))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

/// Both together, where neither says otherwise about what the other one says.
fn joined(one: &Data, other: &Data) -> Option<Data> {
    match (one, other) {
        (Data::Map(one), Data::Map(other)) => {
            let mut all = one.clone();
            for (key, value) in other {
                let value = match all.get(key) {
                    Some(there) => joined(there, value)?,
                    None => value.clone(),
                };
                all.insert(key.clone(), value);
            }
            Some(Data::Map(all))
        }
        _ => (one == other).then(|| one.clone()),
    }
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
