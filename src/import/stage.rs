//! Rendering for an import: what helmfiles give today, and what the components would give that are to take their place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hydrate_acquire::{Mounted, is_mounted};
use hydrate_base::{Diagnostic, DiskWorld, Result, SourceFile, World};
use hydrate_helmfile::{Described, ValuesEntry, describe};
use hydrate_source::{Document, Helmfile, Identity, OfHelmfile, Source, compose, release_documents, render, render_release};
use hydrate_yaml::node::Node;

use super::Request;
use super::overlay::Overlay;
use super::releases::{Frame, Seen};
use super::unit::Unit;
use crate::pipeline::plan;
use crate::pipeline::provision::ForComponent;
use crate::project::select::select;
use crate::project::{Component, Environment, Layout, Loaded, RandomPolicy, first_files};

/// Files by their paths in the project.
pub(super) type Files = BTreeMap<String, Arc<[u8]>>;

type Errors = Vec<Box<Diagnostic>>;

/// The project on the disk, and what is to be written over it.
pub(super) struct Stage<'a> {
    pub request: &'a Request<'a>,
    pub disk: DiskWorld,
}

/// What an environment gives before the import.
pub(super) struct Before {
    pub environment: Environment,
    /// The values that its helmfile has, as JSON.
    pub values: String,
    /// The texts of its helmfiles as they were read.
    pub parts: Vec<Arc<SourceFile>>,
    pub releases: Vec<(Seen, Facts)>,
    /// Names and ids of releases that are not rendered.
    pub others: Vec<(String, String)>,
    /// What the component renders beside its helmfiles.
    pub documents: Vec<Document>,
    pub warnings: Errors,
}

/// What is known of a release beside what it renders.
pub(super) struct Facts {
    pub name: String,
    pub shown: String,
    pub stays: BTreeSet<String>,
    /// Events of hooks that the layout keeps in spite of the policies.
    pub kept_hooks: BTreeSet<String>,
}

/// What a component gives after the import.
pub(super) struct After {
    pub documents: Vec<Document>,
    /// What differs from run to run; `None` where nothing does.
    pub is_random: bool,
}

impl<'a> Stage<'a> {
    pub(super) fn new(request: &'a Request<'a>) -> Self {
        let disk = request.project.world().seeing(Arc::clone(&request.variables)).limited(request.watch.limits());
        Self { request, disk }
    }

    /// The disk with these files written.
    pub(super) fn overlay(&self, files: &Files) -> Overlay<'_> {
        let root = &self.request.project.root;
        Overlay::new(&self.disk, files.iter().map(|(path, text)| (root.join(path), Arc::clone(text))).collect())
    }

    /// The path of an environment's file, where there is none yet.
    pub(super) fn new_environment(&self, env: &str) -> Option<String> {
        let path = format!("{}/{env}.yaml", self.request.project.settings.environments);
        self.disk.kind(&self.request.project.root.join(&path)).is_err().then_some(path)
    }

    /// Renders a unit as it is.
    pub(super) fn before(&self, unit: &Unit, env: &str) -> Result<Before, Errors> {
        let project = self.request.project;
        let name = unit.stand_in.as_str();
        let file = format!("{}/{name}/component.yaml", project.settings.components);
        let mut files = Files::from([(file, Arc::from(unit.before(project, env).into_bytes()))]);
        if let Some(path) = self.new_environment(env) {
            files.insert(path, Arc::from(first_files::environment(self.request.kubernetes.as_deref()).into_bytes()));
        }
        let world = self.overlay(&files);
        let environment = project.environment(&world, env).map_err(with_other_place)?;
        let component = match project.component(&world, name) {
            Some(loaded) => loaded?,
            None => return Err(vec![Diagnostic::error(format!("there is no component `{name}`"))]),
        };
        let whose = |error: Box<Diagnostic>| error.note(format!("{}, environment {env}", unit.shown));
        self.rendered_before(&world, unit, &environment, &component).map_err(|errors| errors.into_iter().map(whose).collect())
    }

    fn rendered_before(
        &self,
        world: &Overlay<'_>,
        unit: &Unit,
        environment: &Environment,
        component: &Component,
    ) -> Result<Before, Errors> {
        let mounted = Mounted::new(world);
        let outside = ForComponent::new(self.request.provision, self.request.provision.opened(), &mounted);
        let task = self.request.watch.task(|| format!("{} of {}", unit.shown, environment.name));
        let job = plan::plan(&mounted, &outside, self.request.project, environment, component, &[])?;
        drop(task);
        let mut before = Before {
            environment: environment.clone(),
            values: String::new(),
            parts: Vec::new(),
            releases: Vec::new(),
            others: Vec::new(),
            documents: Vec::new(),
            warnings: Vec::new(),
        };
        for source in &job.sources {
            match source {
                Source::Helmfile(helmfile) => {
                    self.helmfile(&mounted, world, &outside, helmfile, component, &mut before).map_err(|error| vec![error])?
                }
                other => {
                    let _task = self.request.watch.task(|| format!("{} of {}", unit.shown, environment.name));
                    world.rewind(0);
                    render(&mounted, &outside, other, &mut before.documents, &mut Vec::new())?;
                }
            }
        }
        Ok(before)
    }

    fn helmfile(
        &self,
        mounted: &Mounted<'_>,
        world: &Overlay<'_>,
        outside: &ForComponent<'_>,
        helmfile: &Helmfile,
        component: &Component,
        before: &mut Before,
    ) -> Result<()> {
        let task = self.request.watch.task(|| format!("{} of {}", helmfile.shown, helmfile.environment));
        let said = describe(mounted, &OfHelmfile(outside), &helmfile.request(), &helmfile.options())?;
        drop(task);
        before.warnings.extend(said.warnings);
        let top = said.what.iter().find(|described| described.file == helmfile.path).or(said.what.first());
        if let Some(top) = top.filter(|_| before.values.is_empty()) {
            before.values.clone_from(&top.values);
            before.parts.clone_from(&top.parts);
        }
        for described in &said.what {
            self.releases(mounted, world, outside, helmfile, component, described, before)?;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "each of them is another thing")]
    fn releases(
        &self,
        mounted: &Mounted<'_>,
        world: &Overlay<'_>,
        outside: &ForComponent<'_>,
        helmfile: &Helmfile,
        component: &Component,
        described: &Described,
        before: &mut Before,
    ) -> Result<()> {
        let layout = component.layout.unwrap_or(self.request.project.settings.layout);
        for release in &described.releases {
            let Some(planned) = &release.release else {
                before.others.push((release.name.clone(), release.id.clone()));
                continue;
            };
            let _task = self.request.watch.task(|| format!("release {} of {}", release.name, helmfile.environment));
            world.rewind(0);
            let rendered = render_release(mounted, outside, planned)?;
            let by_policy = release_documents(&rendered, planned, &helmfile.hooks)?;
            let (documents, kept_hooks) = match layout {
                Layout::Objects => (by_policy, BTreeSet::new()),
                Layout::Manifest => {
                    // The text of helmfile itself is what is written: nothing of it is dropped but tests, which it has not printed.
                    let tests = ["test", "test-success", "test-failure"].map(|event| (event.to_owned(), false));
                    let all = release_documents(&rendered, planned, &tests.into())?;
                    let dropped = all.iter().filter(|document| !by_policy.contains(document));
                    let kept = dropped.flat_map(hook_events).collect();
                    (all, kept)
                }
            };
            let mut stays = BTreeSet::new();
            let is_outside = |entry: &ValuesEntry| matches!(entry, ValuesEntry::File { path, .. } if is_mounted(path));
            if release.values.iter().any(is_outside) {
                stays.insert("a values file from outside of the repository".to_owned());
            }
            if is_mounted(&described.file) {
                stays.insert("a helmfile from outside of the repository".to_owned());
            }
            let frame = Frame::of(mounted, &before.environment, release, &mut stays)?;
            let seen = Seen {
                env: before.environment.name.clone(),
                frame,
                values: release.values.clone(),
                needs: release.needs.clone(),
                id: release.id.clone(),
                namespace: release.namespace.clone(),
                file: described.file.clone(),
                top: helmfile.path.clone(),
                patches: release.patches.clone(),
                parts: described.parts.clone(),
                documents,
            };
            let shown = self.request.project.shown(&described.file);
            before.releases.push((seen, Facts { name: release.name.clone(), shown, stays, kept_hooks }));
        }
        Ok(())
    }

    /// Renders a component over the files that are to be written.
    pub(super) fn after(&self, world: &Overlay<'_>, all: &BTreeMap<String, Loaded>, name: &str, env: &str) -> Result<After, Errors> {
        let project = self.request.project;
        let environment = project.environment(world, env)?;
        let selection = select(world, &environment, all, &[])?;
        if let Some(errors) = selection.broken.get(name) {
            return Err(errors.clone());
        }
        let Some(component) = selection.members.get(name) else {
            let file = &environment.file.name;
            return Err(vec![
                Diagnostic::error(format!("component `{name}` would not belong to environment `{env}`"))
                    .note(format!("`components` in {file} does not pick it"))
                    .help("add it there, then import again"),
            ]);
        };
        let mounted = Mounted::new(world);
        let outside = ForComponent::new(self.request.provision, self.request.provision.opened(), &mounted);
        let _task = self.request.watch.task(|| format!("component {name} of {env}"));
        let job = plan::plan(&mounted, &outside, project, &environment, component, &[])?;
        let rendered = |seed: u64| {
            let (mut documents, mut asked) = (Vec::new(), 0);
            for source in &job.sources {
                world.rewind(seed);
                render(&mounted, &outside, source, &mut documents, &mut Vec::new())?;
                asked += world.rewind(seed);
            }
            Ok::<_, Errors>((documents, asked))
        };
        let (documents, asked) = rendered(0)?;
        let policies = component.random.over(&environment.random).over(&project.settings.random);
        let is_allowed = |policy| matches!(policy, Some(RandomPolicy::Keep | RandomPolicy::Allow));
        let is_random = asked > 0 && {
            let other = rendered(1)?.0;
            let is_refused = |(ours, other): (&Document, &Document)| {
                ours != other && {
                    let Identity { kind, namespace, name, .. } = &ours.identity;
                    !is_allowed(policies.of(kind, namespace, name))
                }
            };
            if other.len() == documents.len() { documents.iter().zip(&other).any(is_refused) } else { !is_allowed(policies.of_others()) }
        };
        let after = After { documents, is_random };
        let (taken, _) = outside.into_taken();
        taken.iter().for_each(|(artifact, verified)| self.request.provision.note_use(artifact, &format!("{name}@{env}"), *verified));
        Ok(after)
    }
}

/// helmfile has no names of its own for its files, and may use the one that hydrate has for environments.
fn with_other_place(errors: Errors) -> Errors {
    let advice = "where this is a values file of helmfile's: `environments: DIRECTORY` in hydrate.yaml names another place for hydrate's environments";
    errors.into_iter().map(|error| if error.primary.is_some() { error.help(advice) } else { error }).collect()
}

/// The events of the hook that an object is.
fn hook_events(document: &Document) -> Vec<String> {
    let file = SourceFile::new("", document.text.as_bytes());
    let root = compose::document(&file, 0, &document.text).ok().flatten();
    let events = root.as_ref().and_then(|root| root.get("metadata")?.get("annotations")?.get("helm.sh/hook")).and_then(Node::as_str);
    events.map(|events| events.split(',').map(|event| event.trim().to_owned()).collect()).unwrap_or_default()
}
