//! Writing the files of a unit in memory, and proving that they render what its helmfiles render.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hydrate_base::Diagnostic;
use hydrate_source::{Data, Document};

use super::components::{self, Imported, Shared};
use super::environments::NewEnvironment;
use super::proof;
use super::releases::Release;
use super::stage::Stage;
use super::unit::Unit;
use super::values::Writer;
use super::{Errors, Written};
use crate::project::values::Context;
use crate::project::{Loaded, first_files, graph};

/// All that the files of a unit are made of beside its releases.
pub(super) struct Attempt<'a> {
    pub stage: &'a Stage<'a>,
    pub unit: &'a Unit,
    pub imported: &'a [Imported],
    pub contexts: &'a BTreeMap<String, Context>,
    pub environments: &'a BTreeMap<String, NewEnvironment>,
    /// What the component renders beside its helmfiles, by environment.
    pub others: &'a BTreeMap<String, Vec<Document>>,
    /// The environments of the project after the import.
    pub all: &'a [String],
    pub kept_hooks: &'a BTreeSet<String>,
    pub uninstalled: &'a [(String, String)],
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
pub(super) struct Proof {
    /// How many objects are the same, by environment.
    pub objects: BTreeMap<String, usize>,
    pub warnings: Errors,
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
    /// Writes the files and proves them. Releases that are not the same as they are said here, but may be so as their helmfile says them, stay there.
    pub(super) fn until_equal(&self, releases: &mut [Release], written: &mut Written) -> Result<Proof, Errors> {
        loop {
            // Where no release of a component can be migrated, it is best left as it is.
            if self.unit.component.is_some() && releases.iter().all(|release| !release.stays.is_empty()) {
                return Ok(Proof::default());
            }
            let Unequal { errors, components } = match self.make(releases, written) {
                Ok(Made { written: new, notes, proof }) => {
                    *written = new;
                    tell(releases, notes);
                    return Ok(proof);
                }
                Err(unequal) => unequal,
            };
            // kustomize may see objects otherwise than helmfile has shown them to it.
            let is_suspect =
                |release: &&mut Release| release.stays.is_empty() && release.is_said_otherwise() && components.contains(&release.component);
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
    fn wanted(&self, releases: &[Release], component: &Imported, env: &str) -> Vec<Document> {
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
    let found = graph::cycles(&members).into_iter().filter(|error| is_ours(&error.message));
    found.map(|error| error.help("put the releases into one component: --into NAME")).collect()
}

fn random(component: &str, env: &str) -> Box<Diagnostic> {
    Diagnostic::warning(format!("what {component} renders for {env} differs from run to run, by helmfile as well"))
        .help("give the values that are random; where they are meant to be, `random: keep` in component.yaml has hydrate write them once")
}

/// Adds notes to the releases that they are about.
fn tell(releases: &mut [Release], notes: Vec<(usize, String)>) {
    for (at, note) in notes {
        if let Some(release) = releases.get_mut(at).filter(|release| !release.notes.contains(&note)) {
            release.notes.push(note);
        }
    }
}
