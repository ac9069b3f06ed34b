//! The `affected` room: which components of which environments a change touches.
//!
//! A component is rendered from its configuration and from the answers to what its engines ask of the world: files, directories, what a path is. If all of
//! them are the same in the base, rendering the base would ask the same questions and give the same, whatever else has changed. So it is enough to ask the
//! questions of now once more, of the base ([`Snapshot`]): a file that is gone shows in the answer about its directory, one that has appeared as well.
//! Beside the files count the lock, the configuration, whether the component belongs to the environment at all, and the API versions of CRDs that other
//! components give.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::git::Snapshot;
use crate::pipeline::provision::Provision;
use crate::pipeline::{self, ComponentInputs, Options};
use crate::project::select::select;
use crate::project::{Environment, Loaded, Project};
use crate::tree::CRDS;
use hydrate_acquire::Lock;
use hydrate_base::world::Asked;
use hydrate_base::{Diagnostic, DiskWorld, SourceFile, World};

/// What has become of a component in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was not there, or not for this environment.
    Added,
    /// Something that it is rendered from has changed.
    Changed,
    /// It is not there any more, or not for this environment.
    Removed,
}

impl Fate {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// A component that is affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// What has become of it.
    pub fate: Fate,
    /// Why: paths that have changed, as users write them, or a few words.
    pub because: BTreeSet<String>,
}

/// Who is affected in an environment.
#[derive(Debug, Default)]
pub struct OfEnvironment {
    /// The components.
    pub components: BTreeMap<String, Affected>,
    /// Whether the environment itself is gone.
    pub is_removed: bool,
    /// What keeps components from being rendered, which therefore count as affected.
    pub errors: Vec<Box<Diagnostic>>,
}

/// Finds out who is affected by what has changed since a revision.
pub struct Comparison<'a> {
    project: &'a Project,
    now: DiskWorld,
    base: Snapshot,
    base_components: BTreeMap<String, Loaded>,
    components: BTreeMap<String, Loaded>,
    /// Whether the project's own file is another one.
    is_configured_otherwise: bool,
    /// The names and sources of what the lock has otherwise; `None` where it cannot be told.
    locked_otherwise: Option<BTreeSet<String>>,
}

const PROJECT_FILE: &str = "hydrate.yaml";
const LOCK_FILE: &str = "hydrate.lock";
/// The one file of a component with `layout: manifest`.
const MANIFEST: &str = "manifest.yaml";

impl<'a> Comparison<'a> {
    /// With a revision of the project's repository.
    ///
    /// # Errors
    /// What is no revision, and what of the project cannot be read.
    pub fn with(project: &'a Project, revision: &str) -> Result<Self, Vec<Box<Diagnostic>>> {
        let one = |error: Box<Diagnostic>| vec![error];
        let base = Snapshot::of(&project.root, revision, project.world()).map_err(one)?;
        let now = project.world();
        let components = project.components(&now).map_err(one)?;
        // A directory of components that cannot be read, or is not there, had none that are still to be named.
        let base_components = project.components(&base).unwrap_or_default();
        let is_configured_otherwise = !base.has_same(&project.root.join(PROJECT_FILE), &now);
        let locked_otherwise = locked_otherwise(project, &base, &now);
        Ok(Self { project, now, base, base_components, components, is_configured_otherwise, locked_otherwise })
    }

    /// The environments that there are now, or were in the base.
    ///
    /// # Errors
    /// What keeps those of now from being listed.
    pub fn environments(&self) -> Result<BTreeSet<String>, Vec<Box<Diagnostic>>> {
        let now = self.project.environment_names(&self.now).map_err(|error| vec![error])?;
        let then = self.project.environment_names(&self.base).unwrap_or_default();
        Ok(now.into_iter().chain(then).collect())
    }

    /// Who is affected in an environment; what there is now is rendered for it, or taken from the cache.
    pub fn of(&self, env: &str, options: &Options, provision: &Provision<'_>) -> OfEnvironment {
        let file = self.project.root.join(&self.project.settings.environments).join(format!("{env}.yaml"));
        let then = self.base.read(&file).is_ok().then(|| self.members(&self.base, &self.base_components, env));
        if self.now.read(&file).is_err() {
            let members = then.flatten().unwrap_or_else(|| self.base_components.keys().cloned().collect());
            let because = BTreeSet::from([self.project.shown(&file)]);
            let components = members.into_iter().map(|name| (name, Affected { fate: Fate::Removed, because: because.clone() })).collect();
            return OfEnvironment { components, is_removed: true, errors: Vec::new() };
        }
        let options = Options { keep_going: true, compares: true, passes_secrets: true, ..options.clone() };
        let mut found = OfEnvironment::default();
        let (inputs, failed) = match pipeline::render(self.project, env, &options, provision, &|_| {}) {
            Ok(rendered) => (rendered.inputs, rendered.failed),
            Err(errors) => {
                // Nothing can be told apart where the environment cannot be rendered at all.
                found.errors = errors;
                (BTreeMap::new(), BTreeMap::new())
            }
        };
        let Some(members) = self.members(&self.now, &self.components, env) else {
            self.all(&mut found, &self.components, "it cannot be told which components belong to the environment");
            return found;
        };
        let of_all = self.of_environment(env, &file, then.as_ref());
        // An environment that was not there had nobody.
        let then = then.unwrap_or_else(|| Some(BTreeSet::new()));
        for name in &members {
            let mut because = of_all.clone();
            because.extend(self.of_component(name, inputs.get(name)));
            let is_new = then.as_ref().is_some_and(|then| !then.contains(name));
            if is_new || !because.is_empty() {
                let fate = if is_new { Fate::Added } else { Fate::Changed };
                found.components.insert(name.clone(), Affected { fate, because });
            }
        }
        let gone = then.iter().flatten().filter(|name| !members.contains(*name));
        let removed = |name: &String| (name.clone(), Affected { fate: Fate::Removed, because: BTreeSet::from([self.place_of(name)]) });
        let removed: Vec<_> = gone.map(removed).collect();
        found.components.extend(removed);
        found.errors.extend(failed.into_values().flatten());
        self.add_who_sees_crds(env, &inputs, &mut found);
        found
    }

    fn place_of(&self, component: &str) -> String {
        format!("{}/{component}", self.project.settings.components)
    }

    fn all(&self, found: &mut OfEnvironment, components: &BTreeMap<String, Loaded>, why: &str) {
        let because = BTreeSet::from([why.to_owned()]);
        found.components.extend(components.keys().map(|name| (name.clone(), Affected { fate: Fate::Changed, because: because.clone() })));
    }

    /// The components of an environment in a world; `None` where that cannot be told.
    fn members(&self, world: &dyn World, components: &BTreeMap<String, Loaded>, env: &str) -> Option<BTreeSet<String>> {
        let environment = self.project.environment(world, env).ok()?;
        let selection = select(world, &environment, components, &[]).ok()?;
        Some(selection.members.keys().chain(selection.broken.keys()).cloned().collect())
    }

    /// Why all components of an environment are affected.
    fn of_environment(&self, env: &str, file: &Path, then: Option<&Option<BTreeSet<String>>>) -> BTreeSet<String> {
        let mut because = BTreeSet::new();
        if self.is_configured_otherwise {
            because.insert(PROJECT_FILE.to_owned());
        }
        let version = |environment: Environment| environment.kubernetes.map(|version| version.text);
        let version_in = |world: &dyn World| self.project.environment(world, env).ok().map(version);
        // What cannot be read in the base was something else.
        let is_readable = then.is_none_or(Option::is_some);
        if !self.base.has_same(file, &self.now) || !is_readable || (then.is_some() && version_in(&self.base) != version_in(&self.now)) {
            because.insert(self.project.shown(file));
        }
        because
    }

    /// Why a component of an environment is affected by itself.
    fn of_component(&self, name: &str, inputs: Option<&ComponentInputs>) -> BTreeSet<String> {
        let mut because = BTreeSet::new();
        let file = self.project.root.join(&self.project.settings.components).join(name).join("component.yaml");
        if !self.base.has_same(&file, &self.now) {
            because.insert(self.project.shown(&file));
        }
        let Some(inputs) = inputs else {
            because.insert("it cannot be rendered".to_owned());
            return because;
        };
        because.extend(inputs.inputs.asked.iter().filter_map(|asked| self.differs(asked)).map(|path| self.project.shown(&path)));
        let is_locked_otherwise = |artifact: &String| match &self.locked_otherwise {
            None => true,
            // An artifact of the same source may have been taken in place of this one.
            Some(others) => others.iter().any(|other| other == artifact || source_of(other) == source_of(artifact)),
        };
        if inputs.inputs.artifacts.iter().any(is_locked_otherwise) {
            because.insert(LOCK_FILE.to_owned());
        }
        because
    }

    /// The path that a question is about, where the base answers otherwise.
    fn differs(&self, asked: &Asked) -> Option<PathBuf> {
        let kind = |error: std::io::Error| error.kind();
        let (path, is_same) = match asked {
            Asked::Content(path) => (path, self.base.has_same(path, &self.now)),
            Asked::Kind(path) => (path, self.base.kind(path).map_err(kind) == self.now.kind(path).map_err(kind)),
            Asked::Names(path) => (path, self.base.list(path).map_err(kind) == self.now.list(path).map_err(kind)),
            Asked::Canonical(path) => (path, self.base.canonical(path).map_err(kind) == self.now.canonical(path).map_err(kind)),
            Asked::Entries(path) => {
                let plain = |entries: Vec<(String, std::io::Result<_>)>| -> Vec<_> {
                    entries.into_iter().map(|(name, found)| (name, found.map_err(kind))).collect()
                };
                (path, self.base.entries(path).map(plain).map_err(kind) == self.now.entries(path).map(plain).map_err(kind))
            }
            // What is no part of the project is as it is.
            Asked::Variable(_) | Asked::System(_) => return None,
        };
        (!is_same).then(|| path.clone())
    }

    /// Charts see the API versions of CRDs: where some may have changed, all who may ask for them are affected.
    fn add_who_sees_crds(&self, env: &str, inputs: &BTreeMap<String, ComponentInputs>, found: &mut OfEnvironment) {
        let gives = |(name, affected): &(&String, &Affected)| {
            let now = inputs.get(*name).is_some_and(|inputs| inputs.has_crds);
            now || (affected.fate != Fate::Added && self.may_have_had_crds(env, name))
        };
        let Some((giver, _)) = found.components.iter().find(gives) else { return };
        let why = format!("the CRDs of {giver}");
        for (name, _) in inputs.iter().filter(|(_, inputs)| inputs.may_ask_for_apis) {
            let affected = || Affected { fate: Fate::Changed, because: BTreeSet::from([why.clone()]) };
            found.components.entry(name.clone()).or_insert_with(affected);
        }
    }

    /// Whether a component may have had CRDs in the base: what was committed of it says so. Where nothing was, it may.
    fn may_have_had_crds(&self, env: &str, name: &str) -> bool {
        let tree = self.project.root.join(&self.project.settings.manifests).join(env);
        let files = self.base.names(&tree.join(name));
        let in_manifest = || {
            let text = self.base.read(&tree.join(name).join(MANIFEST));
            text.is_ok_and(|text| memchr::memmem::find(&text, b"CustomResourceDefinition").is_some())
        };
        files.is_empty()
            || files.iter().any(|file| file.starts_with("customresourcedefinition"))
            || in_manifest()
            || !self.base.names(&tree.join(CRDS)).is_empty()
    }
}

/// The keys of what the lock has otherwise than the base; `None` where one of them cannot be read.
fn locked_otherwise(project: &Project, base: &Snapshot, now: &DiskWorld) -> Option<BTreeSet<String>> {
    let path = project.root.join(LOCK_FILE);
    let lock = |world: &dyn World| match world.read(&path) {
        Ok(text) => Lock::parse(&SourceFile::new(LOCK_FILE, Arc::clone(&text))).ok(),
        Err(_) => Some(Lock::default()),
    };
    let (then, now) = (lock(base)?, lock(now)?);
    let entries =
        |lock: &Lock| -> BTreeMap<String, String> { lock.artifacts().map(|artifact| (artifact.key(), format!("{artifact:?}"))).collect() };
    let (then, now) = (entries(&then), entries(&now));
    let differing = then.keys().chain(now.keys()).filter(|key| then.get(*key) != now.get(*key));
    Some(differing.cloned().collect())
}

/// The part of an artifact's key without its version.
fn source_of(key: &str) -> &str {
    key.rsplit_once('@').map_or(key, |(source, _)| source)
}
