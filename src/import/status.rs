//! How far a repository has come: for each component and environment what renders it, and whether hydrate writes it.

use std::collections::{BTreeMap, BTreeSet};

use hydrate_base::{FileKind, World};

use crate::project::component::{HELMFILES, NAMESPACES};
use crate::project::select::select;
use crate::project::{Component, Loaded, Project, valid_name};
use crate::tree::{CRDS, INDEX};

/// A component in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The component; the name of a directory of the tree, where no component has it.
    pub component: String,
    /// The environment.
    pub environment: String,
    /// What renders it.
    pub state: State,
    /// The kinds of its sources, sorted.
    pub sources: Vec<&'static str>,
    /// What is in the tree of it.
    pub tree: TreeState,
}

/// What renders a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Sources of hydrate's own.
    Migrated,
    /// Some of its releases are sources, others are still in a helmfile.
    Partly,
    /// Its helmfile, as it is.
    AsItIs,
    /// Nothing: there is no file of the environment.
    NoEnvironment,
    /// Nothing: the environment's file leaves it out, or its own does.
    LeftOut,
    /// Nothing: its files cannot be read.
    Broken,
    /// Somebody else: no component has this name.
    Unknown,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Migrated => "migrated",
            Self::Partly => "partly migrated",
            Self::AsItIs => "helmfile as it is",
            Self::NoEnvironment => "no environment",
            Self::LeftOut => "left out",
            Self::Broken => "broken",
            Self::Unknown => "no component",
        }
    }
}

/// What is in the tree of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeState {
    /// What hydrate has written.
    Hydrated,
    /// What somebody else has written.
    NotAdopted,
    /// Nothing.
    Empty,
}

impl TreeState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hydrated => "hydrated",
            Self::NotAdopted => "not adopted",
            Self::Empty => "not written",
        }
    }
}

/// Looks at all components and at the trees of these environments; at all that there are traces of, where none is named.
///
/// # Errors
/// What is wrong with the files of environments, or cannot be read.
pub fn look(project: &Project, asked: &[String]) -> Result<Vec<Row>, Vec<Box<hydrate_base::Diagnostic>>> {
    let world = project.world();
    let all = project.components(&world).map_err(|error| vec![error])?;
    let known = project.environment_names(&world).map_err(|error| vec![error])?;
    let mut environments: BTreeSet<String> =
        if asked.is_empty() { known.iter().cloned().collect() } else { asked.iter().cloned().collect() };
    if asked.is_empty() {
        environments.extend(all.keys().flat_map(|name| traces(project, &world, name)));
    }
    let mut rows = Vec::new();
    for env in &environments {
        rows.extend(of_environment(project, &world, &all, env, known.contains(env))?);
    }
    Ok(rows)
}

/// Environments that a component has a directory with something to render for.
fn traces(project: &Project, world: &dyn World, name: &str) -> Vec<String> {
    let dir = project.root.join(&project.settings.components).join(name);
    let names = world.list(&dir).unwrap_or_default();
    names.into_iter().filter(|env| valid_name(env) && has_trace(world, &dir.join(env))).collect()
}

fn has_trace(world: &dyn World, dir: &std::path::Path) -> bool {
    let is = |name: &str, kind| world.kind(&dir.join(name)).is_ok_and(|found| found == kind);
    HELMFILES.iter().any(|file| is(file, FileKind::File)) || is("kustomization", FileKind::Directory)
}

fn of_environment(
    project: &Project,
    world: &dyn World,
    all: &BTreeMap<String, Loaded>,
    env: &str,
    is_known: bool,
) -> Result<Vec<Row>, Vec<Box<hydrate_base::Diagnostic>>> {
    let sound: BTreeMap<String, Loaded> =
        all.iter().filter_map(|(name, loaded)| loaded.as_ref().ok().map(|component| (name.clone(), Ok(component.clone())))).collect();
    let members: BTreeSet<String> = if is_known {
        let environment = project.environment(world, env)?;
        select(world, &environment, &sound, &[])?.members.into_keys().collect()
    } else {
        BTreeSet::new()
    };
    let manifests = project.root.join(&project.settings.manifests).join(env);
    let tree = |name: &str| {
        let dir = manifests.join(name);
        match (world.kind(&dir.join(INDEX)).is_ok(), world.kind(&dir).is_ok()) {
            (true, _) => TreeState::Hydrated,
            (_, true) => TreeState::NotAdopted,
            _ => TreeState::Empty,
        }
    };
    let mut rows = Vec::new();
    for (name, loaded) in all {
        let (state, sources) = match loaded {
            Err(_) => (State::Broken, Vec::new()),
            Ok(component) => of_component(world, component, env, is_known, members.contains(name)),
        };
        if state == State::LeftOut && sources.is_empty() && tree(name) == TreeState::Empty {
            continue;
        }
        rows.push(Row { component: name.clone(), environment: env.to_owned(), state, sources, tree: tree(name) });
    }
    let names = world.list(&manifests).unwrap_or_default();
    let is_strange = |name: &&String| {
        ![NAMESPACES, CRDS].contains(&name.as_str())
            && !all.contains_key(*name)
            && world.kind(&manifests.join(name)).is_ok_and(|kind| kind == FileKind::Directory)
    };
    rows.extend(names.iter().filter(is_strange).map(|name| Row {
        component: name.clone(),
        environment: env.to_owned(),
        state: State::Unknown,
        sources: Vec::new(),
        tree: tree(name),
    }));
    Ok(rows)
}

fn of_component(world: &dyn World, component: &Component, env: &str, is_known: bool, is_member: bool) -> (State, Vec<&'static str>) {
    let specs = component.specs(world, env);
    let mut sources: Vec<&'static str> = specs.iter().map(|spec| spec.kind.word()).collect();
    sources.sort_unstable();
    sources.dedup();
    let has = |word| sources.contains(&word);
    let state = match (is_known, is_member) {
        (false, _) if !specs.is_empty() && has_trace(world, &component.dir.join(env)) => State::NoEnvironment,
        (false, _) => State::LeftOut,
        (true, false) => State::LeftOut,
        (true, true) if has("helmfile") && has("helm") => State::Partly,
        (true, true) if has("helmfile") => State::AsItIs,
        (true, true) => State::Migrated,
    };
    let is_of_no_one = state == State::LeftOut && !has_trace(world, &component.dir.join(env));
    (state, if is_of_no_one { Vec::new() } else { sources })
}
