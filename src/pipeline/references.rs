//! `check --references`: what the check room needs to know of a project.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::check::references::Configured;
use crate::check::{self, Declared, External, Report, Written};
use crate::gitops::Handover;
use crate::project::{Environment, Loaded, Project};
use crate::tree::Files;
use hydrate_base::world::is_missing;
use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_source::{Document, Origin, Trust, documents};

use super::gate;
use super::rendering::pool;
use super::renders::{Renders, Verdicts};
use super::{Rendered, place};

/// The file in which components and environments list metrics.
const METRICS: &str = "metrics.txt";

/// Follows every reference of a rendered environment, which has to be whole (what is not rendered cannot be found) and
/// settled: what hands it over is looked at too.
///
/// Where nothing leads nowhere, `renders` keeps that, and nothing is read again as long as everything is the same.
pub fn check(
    world: &dyn World,
    project: &Project,
    rendered: &Rendered,
    renders: &Renders,
    is_strict: bool,
) -> Result<Report, Vec<Box<Diagnostic>>> {
    let environment = &rendered.environment;
    let all = project.components(world).map_err(|error| vec![error])?;
    let mut declared = declared(world, project, environment, rendered.documents.keys().filter_map(|name| all.get(name)))?;
    declared.kinds = Some(rendered.crds.kinds().clone());
    let settings = &project.settings;
    let handover = rendered.desired.clusters.as_ref();
    let clusters = place(project, &environment.name).clusters_shown("");
    let clusters = clusters.trim_end_matches('/').to_owned();
    let written = Written {
        shown: format!("{}/{}", settings.manifests, environment.name),
        dirs: &rendered.desired.dirs,
        clusters: clusters.clone(),
        handover,
    };
    let judgements = rendered.documents.keys().filter_map(|name| Some((name, &all.get(name)?.as_ref().ok()?.checks)));
    let rows = settings.references.iter().chain(&environment.references).cloned().collect();
    let judged = gate::configured(project, environment, judgements);
    let configured =
        Configured { components: &settings.components, environment: environment.file.name.clone(), rows, judged: &judged, is_strict };
    let handing_over = handed_over(&clusters, handover).map_err(|error| vec![error])?;
    let mut documents: BTreeMap<&str, &[Document]> = rendered.documents.iter().map(|(name, all)| (name.as_str(), all.as_slice())).collect();
    documents.insert(&clusters, &handing_over);
    let kept = renders.verdicts(project, &environment.name, "references");
    let key = kept.as_ref().map(|_| key(&documents, &declared, &written, &configured)).unwrap_or_default();
    if let Some(sound) = kept.as_ref().and_then(Verdicts::load).and_then(|bytes| postcard::from_bytes::<Sound>(&bytes).ok())
        && sound.key == key
    {
        let [objects, references, queries, metrics] = sound.counts;
        return Ok(Report::sound(objects, references, queries, metrics));
    }
    let pool = pool(None).map_err(|error| vec![error])?;
    let report = pool.install(|| check::check(&documents, &declared, &written, &configured)).map_err(|error| vec![error])?;
    if let Some(kept) = kept.filter(|_| report.findings.is_empty()) {
        let sound = Sound { key, counts: [report.objects, report.references, report.queries, report.metrics] };
        if let Ok(bytes) = postcard::to_stdvec(&sound) {
            kept.keep(&bytes);
        }
    }
    Ok(report)
}

/// References none of which leads nowhere.
#[derive(Serialize, Deserialize)]
struct Sound {
    /// The digest of all that this depends on.
    key: [u8; 32],
    /// Objects, references, queries, metrics.
    counts: [usize; 4],
}

fn key(documents: &BTreeMap<&str, &[Document]>, declared: &Declared, written: &Written<'_>, configured: &Configured<'_>) -> [u8; 32] {
    let mut all = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        all.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    add(format!("{declared:?} {configured:?} {} {}", written.shown, written.clusters).as_bytes());
    for (name, documents) in documents {
        add(name.as_bytes());
        let digests: Vec<blake3::Hash> = documents.par_iter().map(|document| blake3::hash(document.text.as_bytes())).collect();
        digests.iter().for_each(|digest| add(digest.as_bytes()));
    }
    *all.finalize().as_bytes()
}

/// The objects that hand the environment over.
fn handed_over(clusters: &str, files: Option<&Files>) -> Result<Vec<Document>> {
    let mut all = Vec::new();
    for (name, content) in files.into_iter().flatten().filter(|(name, _)| *name != crate::tree::KUSTOMIZATION) {
        let shown = format!("{clusters}/{name}");
        let origin = Origin { source: "hand-over".to_owned(), file: None, line: 0 };
        all.extend(documents(&SourceFile::new(shown, content.clone()), &origin, Trust::Parsed)?);
    }
    Ok(all)
}

/// What the environment and its components say about the world outside.
pub(super) fn declared<'p>(
    world: &dyn World,
    project: &Project,
    environment: &Environment,
    components: impl Iterator<Item = &'p Loaded>,
) -> Result<Declared, Vec<Box<Diagnostic>>> {
    let mut declared = Declared { external: environment.external.clone(), ..Declared::default() };
    declared.external.extend(of_handover(&environment.handover));
    declared.metrics.complete = environment.all_metrics;
    let environments = project.root.join(&project.settings.environments);
    let mut files = vec![environments.join(&environment.name).join(METRICS)];
    for component in components.flatten() {
        declared.external.extend(component.external.iter().cloned());
        files.extend([component.dir.join(METRICS), component.dir.join(&environment.name).join(METRICS)]);
    }
    for file in files {
        match world.read(&file) {
            Ok(text) => declared.metrics.add(&String::from_utf8_lossy(&text)),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(vec![Diagnostic::error(format!("cannot read {}: {error}", project.shown(&file)))]),
        }
    }
    Ok(declared)
}

/// What must be there before an environment can be handed over: the tool's namespace, and what the environment's file
/// names of its source and its keys.
fn of_handover(handover: &Handover) -> Vec<External> {
    let entries = match handover {
        Handover::None => Vec::new(),
        Handover::ArgoCd(argocd) => vec![format!("Namespace/{}", argocd.namespace)],
        Handover::Flux(flux) => {
            let source = match &flux.source {
                Ok(git) => git.secret.as_ref().map(|secret| format!("Secret/{}/{secret}", flux.namespace)),
                Err(name) => Some(format!("GitRepository/{}/{name}", flux.namespace)),
            };
            let keys = flux.decryption.as_ref().map(|secret| format!("Secret/{}/{secret}", flux.namespace));
            source.into_iter().chain(keys).chain([format!("Namespace/{}", flux.namespace)]).collect()
        }
    };
    entries.iter().filter_map(|entry| External::parse(entry, None)).collect()
}
