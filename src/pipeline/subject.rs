//! What every check of a rendered environment needs, read once: what is said of the world outside, how rules are judged, where objects are written to.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use crate::check::objects::{Object, parse};
use crate::check::validity::Configured;
use crate::check::{Declared, External, Written};
use crate::gitops::{Git, Handover, Oci, Source};
use crate::project::{Environment, Loaded, Project};
use crate::tree::KUSTOMIZATION;
use hydrate_base::world::is_missing;
use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_source::{Document, Origin, Trust, documents};
use hydrate_yaml::node::Node;

use super::{Rendered, gate, place};

/// The file in which components and environments list metrics.
const METRICS: &str = "metrics.txt";

/// A rendered environment as it is checked.
#[derive(Debug)]
pub struct Subject<'r> {
    /// What the environment and its components say about the world outside.
    pub(super) declared: Declared,
    /// How rules are judged.
    pub(super) judged: Configured,
    /// The files that the objects are written to.
    pub(super) written: Written<'r>,
    /// All documents, each with its component.
    pub(super) documents: Vec<(&'r str, &'r Document)>,
    digests: OnceLock<Vec<blake3::Hash>>,
    /// The documents parsed, as far as somebody has asked for them.
    roots: Vec<OnceLock<Result<Arc<Node>>>>,
}

/// The objects that hand an environment over, which are checked as those of a component.
#[derive(Debug)]
pub struct HandingOver {
    /// Their directory as it is shown to users: it stands for the component.
    shown: String,
    documents: Vec<Document>,
}

impl HandingOver {
    /// Those of what was rendered.
    ///
    /// # Errors
    /// A file that is no YAML with objects.
    pub fn of(project: &Project, rendered: &Rendered) -> Result<Self> {
        let shown = place(project, &rendered.environment.name).clusters_shown("").trim_end_matches('/').to_owned();
        let mut all = Vec::new();
        for (name, content) in rendered.desired.clusters.iter().flatten().filter(|(name, _)| *name != KUSTOMIZATION) {
            let origin = Origin { source: "hand-over".to_owned(), file: None, line: 0 };
            all.extend(documents(&SourceFile::new(format!("{shown}/{name}"), content.clone()), &origin, Trust::Parsed)?);
        }
        Ok(Self { shown, documents: all })
    }
}

impl<'r> Subject<'r> {
    /// That of what was rendered, which has to be settled, and of what hands it over.
    ///
    /// # Errors
    /// Files of the project that cannot be read.
    pub fn of(
        world: &dyn World,
        project: &Project,
        rendered: &'r Rendered,
        handing_over: &'r HandingOver,
    ) -> Result<Self, Vec<Box<Diagnostic>>> {
        let environment = &rendered.environment;
        let all = project.components(world).map_err(|error| vec![error])?;
        let mut declared = declared(world, project, environment, rendered.documents.keys().filter_map(|name| all.get(name)))?;
        declared.kinds = Some(rendered.crds.kinds().clone());
        let judgements = rendered.documents.keys().filter_map(|name| Some((name, &all.get(name)?.as_ref().ok()?.checks)));
        let judged = gate::configured(project, environment, judgements);
        let written = Written {
            shown: format!("{}/{}", project.settings.manifests, environment.name),
            dirs: &rendered.desired.dirs,
            clusters: handing_over.shown.clone(),
            handover: rendered.desired.clusters.as_ref(),
        };
        let components = rendered.documents.iter().map(|(name, all)| (name.as_str(), all));
        let mut all: Vec<(&str, &Vec<Document>)> = components.chain([(handing_over.shown.as_str(), &handing_over.documents)]).collect();
        all.sort_by_key(|(name, _)| *name);
        let documents: Vec<_> = all.into_iter().flat_map(|(name, all)| all.iter().map(move |document| (name, document))).collect();
        let roots = documents.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { declared, judged, written, documents, digests: OnceLock::new(), roots })
    }

    /// A document, parsed once for all checks.
    pub(super) fn object(&self, number: usize) -> Result<Object<'r>> {
        let (component, document) = self.documents[number];
        let root = self.roots[number].get_or_init(|| parse(component, document).map(|object| object.root)).clone()?;
        Ok(Object { component, document, root })
    }

    /// The digest of each document's text.
    pub(super) fn digests(&self) -> &[blake3::Hash] {
        self.digests.get_or_init(|| self.documents.par_iter().map(|(_, document)| blake3::hash(document.text.as_bytes())).collect())
    }
}

/// What the environment and its components say about the world outside.
fn declared<'p>(
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
        Handover::ArgoCd(argocd) => {
            let kinds = ["applications", "appprojects"].map(|kind| format!("CustomResourceDefinition/{kind}.argoproj.io"));
            kinds.into_iter().chain([format!("Namespace/{}", argocd.namespace)]).collect()
        }
        Handover::Flux(flux) => {
            let source = match &flux.source {
                Source::Git(Git { secret, .. }) | Source::Oci(Oci { secret, .. }) => {
                    secret.as_ref().map(|secret| format!("Secret/{}/{secret}", flux.namespace))
                }
                Source::Existing { kind, name } => Some(format!("{kind}/{}/{name}", flux.namespace)),
            };
            let keys = flux.decryption.as_ref().map(|secret| format!("Secret/{}/{secret}", flux.namespace));
            let kinds = match flux.source.kind() {
                "OCIRepository" => ["kustomizations.kustomize", "ocirepositories.source"],
                _ => ["kustomizations.kustomize", "gitrepositories.source"],
            };
            let kinds = kinds.map(|kind| format!("CustomResourceDefinition/{kind}.toolkit.fluxcd.io"));
            source.into_iter().chain(keys).chain(kinds).chain([format!("Namespace/{}", flux.namespace)]).collect()
        }
    };
    entries.iter().filter_map(|entry| External::parse(entry, None)).collect()
}
