//! What is easily mistaken and would pass in silence: names that mean nothing, files and directories that nobody reads.

mod directories;
mod files;
mod mentions;
mod names;

use std::collections::BTreeMap;
use std::path::Path;

use crate::check::Rule;
use crate::check::slips::NO_SOURCE;
use crate::check::validity::Level;
use hydrate_base::{Diagnostic, FileKind, Severity, World};

use super::select::{Selection, picks};
use super::{Component, Environment, Loaded, Project};

/// A slip, before it is judged.
#[derive(Debug)]
pub struct Slip {
    /// The rule.
    pub rule: &'static Rule,
    /// The component that it is one of; `None`: of the project.
    pub component: Option<String>,
    /// What is to be said.
    pub told: Box<Diagnostic>,
}

impl Slip {
    /// A slip of the project.
    pub fn of_project(rule: &'static Rule, told: Box<Diagnostic>) -> Self {
        Self { rule, component: None, told }
    }

    fn of(component: &Component, rule: &'static Rule, told: Box<Diagnostic>) -> Self {
        Self { rule, component: Some(component.name.clone()), told }
    }
}

/// Where slips are looked for.
pub struct Search<'a> {
    /// The files.
    pub world: &'a dyn World,
    /// The project.
    pub project: &'a Project,
    /// The environment that is rendered.
    pub environment: &'a Environment,
    /// The names of all environments.
    pub environments: &'a [String],
    /// All components.
    pub all: &'a BTreeMap<String, Loaded>,
    /// The components that the run is about.
    pub selection: &'a Selection<'a>,
}

impl Search<'_> {
    /// The slips in the files of the components that the run is about, and where it is about all of them those of the project.
    pub fn slips(&self) -> Vec<Slip> {
        let about: Vec<&Component> = self.all.values().flatten().filter(|component| self.is_about(&component.name)).collect();
        let mut found: Vec<Slip> = about.iter().flat_map(|component| names::of_component(self, component)).collect();
        if self.selection.complete {
            found.extend(names::of_environment(self));
            found.extend(files::of_environments(self));
        }
        let strays = directories::find(self, &about);
        let lost: Vec<&&Component> = about.iter().filter(|component| !self.selection.members.contains_key(&component.name)).collect();
        for component in &about {
            found.extend(files::of_component(self, component));
        }
        let has_others = |component: &Component| {
            strays.components.contains(&component.name) || found.iter().any(|slip| slip.component.as_ref() == Some(&component.name))
        };
        let without: Vec<Slip> =
            lost.iter().filter(|component| !has_others(component)).filter_map(|one| self.without_source(one)).collect();
        found.extend(strays.slips);
        found.extend(without);
        found
    }

    fn is_about(&self, component: &str) -> bool {
        self.selection.complete || self.selection.selected.iter().any(|name| name == component)
    }

    /// A component that has nothing to render in any environment that it may belong to.
    fn without_source(&self, component: &Component) -> Option<Slip> {
        let names = component.environments.as_deref().unwrap_or_default();
        let may_belong = |env: &&String| picks(names.iter().map(|name| name.text.as_str()), env);
        let mut possible = self.environments.iter().filter(may_belong).peekable();
        let says_some = component.sources.as_ref().is_some_and(|sources| !sources.is_empty());
        if says_some || possible.peek().is_none() || possible.any(|env| !component.specs(self.world, env).is_empty()) {
            return None;
        }
        let components = self.project.root.join(&self.project.settings.components);
        if mentions::of_directory(self.world, &components, &component.name, &component.dir) {
            return None;
        }
        let shown = self.project.shown(&component.dir);
        let told = Diagnostic::warning(format!("component {shown} has nothing to render in any environment"));
        let told = match &component.file {
            Some(file) if component.sources.is_some() => told.at(file, 0..0, "").note("its `sources` are empty"),
            Some(file) => told.at(file, 0..0, "").note("it says no `sources`, and nothing is there that is found without them"),
            None => told.note("it has no component.yaml with `sources`, and nothing is there that is found without them"),
        };
        let told = told.note(
            "found without them: chart/, kustomization.yaml, templates/*.j2, raw/, namespace.yaml, ENV/helmfile.yaml, ENV/kustomization/",
        );
        let help = if self.world.kind(&component.dir.join("helmfile.yaml")).is_ok() {
            "name the helmfile in component.yaml: `sources: [{helmfile: helmfile.yaml}]`, or move it to ENV/helmfile.yaml".to_owned()
        } else {
            format!("give it `sources` in {shown}/component.yaml, or remove the directory")
        };
        Some(Slip::of(component, &NO_SOURCE, told.help(help)))
    }
}

/// Slips as they are told: how bad each is where that is said for its rule, by the component, the environment or the project.
pub fn judged(slips: Vec<Slip>, project: &Project, environment: &Environment, all: &BTreeMap<String, Loaded>) -> Vec<Box<Diagnostic>> {
    let judge = |slip: Slip| {
        let own = slip.component.as_ref().and_then(|name| all.get(name)?.as_ref().ok()).map(|component| &component.checks);
        let levels = own.into_iter().chain([&environment.checks, &project.settings.checks]).map(|judgement| &judgement.levels);
        severity(slip.rule, levels.filter_map(|levels| levels.get(slip.rule.code).copied()).next()).map(|severity| {
            let mut told = slip.told;
            told.severity = severity;
            told.code = Some(slip.rule.code);
            told
        })
    };
    slips.into_iter().filter_map(judge).collect()
}

/// How bad it is to break a rule; `None` where nobody wants to hear of it.
pub fn severity(rule: &Rule, said: Option<Level>) -> Option<Severity> {
    match said {
        Some(Level::Error) => Some(Severity::Error),
        Some(Level::Warning) => Some(Severity::Warning),
        Some(Level::Off) => None,
        None => Some(rule.severity),
    }
}

/// A file whose name ends in .yml where only .yaml is read.
pub(super) fn misspelt(world: &dyn World, dir: &Path, stem: &str, shown: &str) -> Option<Box<Diagnostic>> {
    let is_file = |name: String| world.kind(&dir.join(name)).is_ok_and(|kind| kind == FileKind::File);
    let wrong = is_file(format!("{stem}.yml")) && !is_file(format!("{stem}.yaml"));
    wrong.then(|| Diagnostic::error(format!("{shown}{stem}.yml is not read")).help(format!("rename it to {stem}.yaml")))
}
