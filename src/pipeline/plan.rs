//! From configuration to sources: paths found, values files read, everything that is missing reported at once.

use std::path::PathBuf;
use std::sync::Arc;

use super::cluster;
use crate::project::component::{Capabilities, HelmSpec, SourceKind, Spec, conventional_values};
use crate::project::paths::{self, Found};
use crate::project::values::{Context, Reader};
use crate::project::{Component, Environment, Hooks, Project, Spanned};
use hydrate_acquire::ArtifactRequest;
use hydrate_address::RepoSpec;
use hydrate_base::{Diagnostic, FileKind, Result, SourceFile, World};
use hydrate_source::{ClusterObject, Data};
use hydrate_source::{HelmRelease, Helmfile, Kustomization, RemoteSource, Source};

/// A component ready to be rendered.
#[derive(Debug)]
pub struct Job {
    /// Its sources in order.
    pub sources: Vec<Source>,
    /// Whether any of its charts see the API versions of the environment's CRDs.
    pub sees_crds: bool,
}

/// Plans one component. `known_apis` are the API versions of the CRDs of the environment.
pub fn plan(
    world: &dyn World,
    outside: &dyn RemoteSource,
    project: &Project,
    environment: &Environment,
    component: &Component,
    known_apis: &[String],
) -> Result<Job, Vec<Box<Diagnostic>>> {
    let context = Context::new(environment, component);
    let specs = component.specs(world, &environment.name);
    let has_charts = specs.iter().any(|spec| matches!(spec.kind, SourceKind::Helm(_) | SourceKind::Helmfile { .. }));
    let cluster = if has_charts { cluster::objects(world, project, environment)? } else { Arc::default() };
    let planner = Planner { world, outside, project, environment, component, context: &context, known_apis, cluster };
    let mut sources = Vec::new();
    let mut wrong = Vec::new();
    for spec in &specs {
        match planner.source(spec) {
            Ok(source) => sources.extend(source),
            Err(errors) => wrong.extend(errors),
        }
    }
    if component.patches.is_some() {
        sources.push(planner.patches());
    }
    if sources.iter().any(|source| matches!(source, Source::Helmfile(_))) {
        sources.iter_mut().for_each(|source| {
            if let Source::Kustomize(kustomization) = source {
                kustomization.prints = !kustomization.over;
            }
        });
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let of_source = |spec: &Spec| if let SourceKind::Helm(helm) = &spec.kind { helm.capabilities.clone() } else { Capabilities::default() };
    let sees_crds = specs.iter().any(|spec| planner.sees_crds(&of_source(spec)));
    Ok(Job { sources, sees_crds })
}

struct Planner<'a> {
    world: &'a dyn World,
    outside: &'a dyn RemoteSource,
    project: &'a Project,
    environment: &'a Environment,
    component: &'a Component,
    context: &'a Context,
    known_apis: &'a [String],
    cluster: Arc<[ClusterObject]>,
}

impl Planner<'_> {
    /// `None` for a source whose optional path does not exist.
    fn source(&self, spec: &Spec) -> Result<Option<Source>, Vec<Box<Diagnostic>>> {
        match &spec.kind {
            SourceKind::Helm(helm) => self.helm(helm),
            SourceKind::Kustomize { path, over } => {
                let found = self.find(path, "kustomization", Some(FileKind::Directory))?;
                Ok(found.map(|Found { path, shown, .. }| Source::Kustomize(self.kustomization(path, shown, *over, None))))
            }
            SourceKind::Jinja { path, values } => self.jinja(path, values.as_deref()),
            SourceKind::Raw(path) => Ok(self.find(path, "path", None)?.map(|Found { path, shown, .. }| Source::Raw { path, shown })),
            SourceKind::Helmfile { path, selectors } => {
                let found = self.find(path, "helmfile", None)?;
                Ok(found.map(|Found { path, shown, .. }| Source::Helmfile(Box::new(self.helmfile(path, shown, selectors)))))
            }
        }
    }

    fn find(&self, path: &Spanned, what: &str, kind: Option<FileKind>) -> Result<Option<Found>, Vec<Box<Diagnostic>>> {
        let found =
            paths::find(self.world, self.project, &self.component.dir, &self.environment.name, path, what).map_err(|error| vec![error])?;
        match (&found, kind) {
            (Some(found), Some(FileKind::Directory)) if found.kind != FileKind::Directory => {
                Err(vec![path.error(format!("the {what} {} is not a directory", found.shown), "")])
            }
            _ => Ok(found),
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            world: self.world,
            project: self.project,
            component: self.component,
            env: &self.environment.name,
            context: self.context,
            secrets: self.outside.secrets(),
        }
    }

    fn jinja(&self, path: &Spanned, values: Option<&[Spanned]>) -> Result<Option<Source>, Vec<Box<Diagnostic>>> {
        let Some(Found { path, shown, .. }) = self.find(path, "path", None)? else { return Ok(None) };
        let conventional = conventional_values();
        let values = self.reader().merge(&self.context.values, values.unwrap_or(&conventional))?;
        let context = Context { values, ..self.context.clone() }.to_jinja();
        Ok(Some(Source::Jinja { path, shown, context }))
    }

    fn helm(&self, helm: &HelmSpec) -> Result<Option<Source>, Vec<Box<Diagnostic>>> {
        let mut wrong = Vec::new();
        let found = self.chart(helm).unwrap_or_else(|errors| {
            wrong.extend(errors);
            None
        });
        let conventional = conventional_values();
        let text = |spanned: &Option<Spanned>| spanned.as_ref().map_or_else(String::new, |spanned| spanned.text.clone());
        let context = self.context.of_release(&self.name_of(helm), &self.namespace_of(helm), &helm.chart.text, &text(&helm.version));
        let reader = Reader { context: &context, ..self.reader() };
        let values = reader.read(helm.values.as_deref().unwrap_or(&conventional)).unwrap_or_else(|errors| {
            wrong.extend(errors);
            Vec::new()
        });
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(found.map(|found| Source::Helm(Box::new(self.release(helm, found, values)))))
    }

    /// The chart in the repository, or the one from outside.
    fn chart(&self, helm: &HelmSpec) -> Result<Option<Found>, Vec<Box<Diagnostic>>> {
        let Some((want, inside)) = remote(helm) else {
            if let Some(why) = helm.chart.text.strip_prefix("git+").and_then(|address| RepoSpec::parse(address).err()) {
                let error = helm.chart.error(format!("`{}` is not the address of a Git repository", helm.chart.text), "");
                return Err(vec![error.note(why).help("write git+https://HOST/PATH//DIRECTORY?ref=REFERENCE, or git+ssh://…")]);
            }
            return match helm.repo.as_ref().map(|repo| (repo, true)).or(helm.version.as_ref().map(|version| (version, false))) {
                Some((repo, true)) => Err(vec![
                    repo.error(format!("`{}` is not the address of a chart repository", repo.text), "")
                        .help("write https://…, oci://… or git+https://…"),
                ]),
                Some((version, false)) => Err(vec![
                    version
                        .error("`version` is for remote charts, this one is in the repository", "")
                        .help("leave it out, or say where the chart comes from: `repo: https://…` or `chart: oci://…`"),
                ]),
                None => self.local_chart(helm),
            };
        };
        let place = |mut error: Box<Diagnostic>| {
            if error.primary.is_none() {
                error.primary = helm.chart.error("", "").primary;
            }
            vec![error]
        };
        let root = if helm.verify { self.outside.verified(&want) } else { self.outside.path(&want) }.map_err(place)?;
        let path = if inside.is_empty() { root } else { root.join(inside) };
        let kind = self.world.kind(&path).map_err(|_| {
            vec![
                helm.chart
                    .error(format!("{} has no such path", want.title()), "")
                    .help("what follows `//` is a directory inside of the repository"),
            ]
        })?;
        Ok(Some(Found { path, shown: want.title(), kind }))
    }

    fn local_chart(&self, helm: &HelmSpec) -> Result<Option<Found>, Vec<Box<Diagnostic>>> {
        let found = self.find(&helm.chart, "chart", None)?;
        match &found {
            Some(found) if helm.verify && found.kind == FileKind::Directory => Err(vec![
                helm.chart
                    .error(format!("{} cannot be verified: only packed charts are signed", found.shown), "a directory")
                    .help("leave `verify: true` out, or name the .tgz with its .prov file beside it"),
            ]),
            Some(packed) if helm.verify => match self.outside.verify_local(&packed.path) {
                Ok(()) => Ok(found),
                Err(mut error) => {
                    error.primary = helm.chart.error("", "").primary;
                    Err(vec![error])
                }
            },
            _ => Ok(found),
        }
    }

    fn release(&self, helm: &HelmSpec, found: Found, mut values: Vec<Arc<SourceFile>>) -> HelmRelease {
        if helm.set.plain != Data::Null {
            let name = format!("{} (set)", self.component.file.as_ref().map_or("component.yaml", |file| &file.name));
            values.push(SourceFile::new(name, helm.set.plain.to_json().to_string().into_bytes()));
        }
        HelmRelease {
            chart: found.path,
            shown: found.shown,
            release: self.name_of(helm),
            namespace: self.namespace_of(helm),
            values,
            set: helm.set.paths.clone(),
            level: self.project.settings.helm,
            kubernetes: self.kubernetes(&helm.capabilities),
            api_versions: self.api_versions(&helm.capabilities),
            crds: helm.crds,
            verify: helm.verify,
            hooks: Hooks::of_handover(&self.environment.handover).merged(&helm.hooks).0,
            cluster: Arc::clone(&self.cluster),
        }
    }

    fn helmfile(&self, path: PathBuf, shown: String, selectors: &[String]) -> Helmfile {
        let values = &self.environment.values;
        let named = [&self.environment.api_versions, &self.component.capabilities.api_versions];
        // helmfile passes no API versions on by itself, and what it renders is to stay what it is.
        let sees_crds = self.component.capabilities.apis_from_crds == Some(true);
        let of_crds = if sees_crds { self.known_apis } else { &[] };
        Helmfile {
            sees_crds,
            path,
            shown,
            root: self.project.root.clone(),
            environment: self.environment.name.clone(),
            selectors: selectors.to_vec(),
            values: if *values == Data::map() { String::new() } else { values.to_json().to_string() },
            version: self.project.settings.helmfile,
            level: self.project.settings.helm,
            kubernetes: self.kubernetes(&Capabilities::default()),
            api_versions: named.into_iter().flatten().chain(of_crds).cloned().collect(),
            hooks: Hooks::of_handover(&self.environment.handover).merged(&self.component.hooks).0,
            cluster: Arc::clone(&self.cluster),
        }
    }

    fn name_of(&self, helm: &HelmSpec) -> String {
        helm.release.as_ref().map_or_else(|| self.component.name.clone(), |name| name.text.clone())
    }

    fn namespace_of(&self, helm: &HelmSpec) -> String {
        let said = helm.namespace.as_ref().or(self.component.namespace.as_ref());
        said.map_or_else(|| "default".to_owned(), |namespace| namespace.text.clone())
    }

    /// The component's patches are a kustomization over everything before.
    fn patches(&self) -> Source {
        let shown = self.component.file.as_ref().map_or_else(String::new, |file| file.name.clone());
        let patches = self.component.patches.clone();
        Source::Kustomize(self.kustomization(self.component.dir.clone(), shown, true, patches))
    }

    fn kustomization(&self, path: PathBuf, shown: String, over: bool, patches: Option<Arc<SourceFile>>) -> Kustomization {
        Kustomization {
            path,
            shown,
            root: self.project.root.clone(),
            over,
            level: self.project.settings.helm,
            kubernetes: self.kubernetes(&Capabilities::default()),
            api_versions: self.api_versions(&Capabilities::default()),
            prints: false,
            patches,
        }
    }

    fn kubernetes(&self, of_source: &Capabilities) -> Option<String> {
        let said = [&of_source.kubernetes, &self.component.capabilities.kubernetes, &self.environment.kubernetes];
        said.into_iter().flatten().next().map(|version| version.text.clone())
    }

    fn api_versions(&self, of_source: &Capabilities) -> Vec<String> {
        let named = [&self.environment.api_versions, &self.component.capabilities.api_versions, &of_source.api_versions];
        let of_crds = if self.sees_crds(of_source) { self.known_apis } else { &[] };
        named.into_iter().flatten().chain(of_crds).cloned().collect()
    }

    /// Whether charts see the API versions of the environment's CRDs; the innermost that says decides.
    fn sees_crds(&self, of_source: &Capabilities) -> bool {
        let said = of_source.apis_from_crds.or(self.component.capabilities.apis_from_crds);
        said.unwrap_or(self.environment.apis_from_crds)
    }
}

/// What a helm source asks for from outside, and the path inside of it; `None` for charts in the repository.
fn remote(helm: &HelmSpec) -> Option<(ArtifactRequest, String)> {
    let text = |spanned: &Option<Spanned>| spanned.as_ref().map(|spanned| spanned.text.clone());
    ArtifactRequest::chart(&helm.chart.text, text(&helm.repo).as_deref(), text(&helm.version).as_deref())
}

/// What a source asks for from outside, as far as the component's file says so.
pub fn want(spec: &Spec) -> Option<ArtifactRequest> {
    match &spec.kind {
        SourceKind::Helm(helm) => remote(helm).map(|(want, _)| want),
        _ => None,
    }
}
