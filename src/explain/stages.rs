//! A component rendered once more, source by source, with word of everything that the engines did.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::pipeline::plan;
use crate::pipeline::provision::{ForComponent, Provision};
use crate::project::{Component, Environment, Project};
use hydrate_acquire::Mounted;
use hydrate_base::limits::Watch;
use hydrate_base::taint::{Disguise, Traces};
use hydrate_base::world::Chance;
use hydrate_base::{Diagnostic, DiskWorld, Witness};
use hydrate_helm::explain::Release;
use hydrate_kustomize::explain::StepTaken;
use hydrate_source::{Document, Source, render};

/// What one source did.
#[derive(Debug)]
pub(super) struct Stage {
    /// The source.
    pub(super) source: Source,
    /// What there was before.
    pub(super) before: Vec<Document>,
    /// What there was then: its own come last, unless it is a kustomization over what was before.
    pub(super) after: Vec<Document>,
    /// The releases that were rendered for it.
    pub(super) releases: Vec<Release>,
    /// The steps of kustomizations.
    pub(super) steps: Vec<StepTaken>,
}

impl Stage {
    /// Whether it changes what was before.
    pub(super) fn is_over(&self) -> bool {
        matches!(&self.source, Source::Kustomize(kustomization) if kustomization.over)
    }
}

/// How a project is rendered that is to be explained: the same each time, with every letter of a secret an `x`.
#[derive(Debug, Clone)]
pub(super) struct Conditions<'a> {
    pub(super) project: &'a Project,
    pub(super) variables: Arc<BTreeSet<String>>,
    pub(super) watch: Watch,
}

impl Conditions<'_> {
    pub(super) fn world(&self) -> DiskWorld {
        let world = self.project.world().seeing(Arc::clone(&self.variables)).limited(self.watch.limits());
        let world = world.with_chance(Chance::other_from(u64::MAX));
        world.disguising(Disguise { is_masked: true, ..Disguise::default() }, &Traces::default())
    }
}

/// Renders a component, and gives what is wrong with its sources as well: a release is known before it fails. `apis` are the API versions of the CRDs of the
/// environment.
pub(super) fn render_stages(
    conditions: &Conditions<'_>,
    provision: &Provision<'_>,
    environment: &Environment,
    component: &Component,
    apis: &[String],
) -> Result<(Vec<Stage>, Vec<Box<Diagnostic>>), Vec<Box<Diagnostic>>> {
    let _task = conditions.watch.task(|| format!("component {} of {}", component.name, environment.name));
    let witness = Arc::new(Witness::default());
    let disk = conditions.world().witnessed_by(Arc::clone(&witness));
    let world = Mounted::new(&disk);
    let outside = ForComponent::new(provision, provision.opened(), &world);
    let job = plan::plan(&world, &outside, conditions.project, environment, component, apis)?;
    let mut documents = Vec::new();
    let (mut stages, mut wrong) = (Vec::new(), Vec::new());
    for source in job.sources {
        let before = documents.clone();
        wrong.extend(render(&world, &outside, &source, &mut documents, &mut Vec::new()).err().unwrap_or_default());
        stages.push(Stage { source, before, after: documents.clone(), releases: witness.take(), steps: witness.take() });
    }
    Ok((stages, wrong))
}
