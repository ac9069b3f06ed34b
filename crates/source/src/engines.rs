//! The engines' answers as documents: what a chart or a kustomization gives, with where it came from.

use std::path::PathBuf;
use std::sync::Arc;

use hydrate_acquire::ArtifactRequest;
use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_chart::Level;

use super::charts::{lacking, load_chart};
use super::document::{Document, Identity, Origin, Trust, documents, tidy};
use super::outside::{NoRemotes, RemoteSource, Remotes, Verified};
use super::{HelmRelease, Kustomization};
use hydrate_helm::output::PrintOptions;
use hydrate_helm::{self as helm, DocumentKind, RenderOptions, ValueOptions, ValuesFile};
use hydrate_kustomize::HelmChart;
use hydrate_kustomize::{self as kustomize, BuildOptions, Given};
use hydrate_kustomize::{Fail, KResult};
use hydrate_kustomize::{HelmFlags, HelmInflator, HelmRequest};

/// The documents of a release in the order of installation, hooks that are to be dropped left out.
pub(crate) fn helm(
    world: &dyn World,
    outside: &dyn RemoteSource,
    release: &HelmRelease,
    warnings: &mut Vec<Box<Diagnostic>>,
) -> Result<Vec<Document>> {
    let level = release.level;
    let strict = Verified(outside);
    let chart = load_chart(&release.chart, level, world, if release.verify { &strict } else { outside })?;
    warnings.extend(lacking(&chart));
    let rendered = helm::template(&chart, &options(release, level), world)?;
    warnings.extend(rendered.warnings.iter().cloned());
    warnings.extend(unanswered(&rendered, &release.shown));
    let mut all = Vec::new();
    for document in &rendered.documents {
        if let DocumentKind::Hook(hook) = &document.kind
            && !keeps(release, &hook.events)
        {
            continue;
        }
        let line = document.origin(0).map_or(0, |(file, at)| file.line_column(at).0);
        let origin = Origin { source: format!("helm chart {}", release.shown), file: Some(document.path.clone()), line };
        let file = SourceFile::new(format!("{} of {}", document.path, release.shown), document.text.clone());
        let mut found = documents(&file, &Origin { line: 0, ..origin.clone() }, Trust::Parsed)?;
        found.iter_mut().for_each(|document| document.origin.line = line);
        all.extend(found);
    }
    Ok(all)
}

/// A remark about what a chart has looked up in vain: in a cluster it might render something else.
pub(crate) fn unanswered(rendered: &helm::Rendered, whose: &str) -> Option<Box<Diagnostic>> {
    if rendered.unanswered.is_empty() {
        return None;
    }
    let remark = Diagnostic::remark(format!("{whose} looks up in the cluster, which is not asked, and finds nothing"));
    let all: Vec<&str> = rendered.unanswered.iter().map(String::as_str).collect();
    Some(remark.note(all.join(", ")).help("what stands in `environments/ENV/lookup/*.yaml` is found"))
}

fn options(release: &HelmRelease, level: Level) -> RenderOptions {
    let file = |file: &Arc<SourceFile>| ValuesFile { name: file.name.clone(), text: Arc::clone(&file.text) };
    RenderOptions {
        level,
        release: release.release.clone(),
        namespace: release.namespace.clone(),
        values: ValueOptions {
            files: release.values.iter().map(file).collect(),
            json: release.set.iter().map(|(path, value)| format!("{path}={}", value.to_json())).collect(),
            ..ValueOptions::default()
        },
        kube_version: release.kubernetes.clone(),
        api_versions: release.api_versions.clone(),
        cluster: Arc::clone(&release.cluster),
        include_crds: release.crds,
        ..RenderOptions::default()
    }
}

/// One hook that is kept keeps the object.
fn keeps(release: &HelmRelease, hooks: &[String]) -> bool {
    hooks.iter().any(|hook| release.hooks.get(hook).copied().unwrap_or(true))
}

/// Builds a kustomization, and gives what kustomize prints. One over the sources before it takes their documents and gives them back changed.
pub(crate) fn kustomize(
    world: &dyn World,
    outside: &dyn RemoteSource,
    what: &Kustomization,
    before: &mut Vec<Document>,
    warnings: &mut Vec<Box<Diagnostic>>,
) -> Result<Option<String>> {
    let remotes = Remotes { outside, world };
    let inflator = Inflator { world, outside, level: what.level };
    let options = BuildOptions {
        shown_from: Some(&what.root),
        remote: Some(&remotes),
        helm: Some(&inflator),
        helm_flags: HelmFlags {
            kube_version: what.kubernetes.as_deref().unwrap_or_default().into(),
            api_versions: what.api_versions.iter().map(|version| version.as_str().into()).collect(),
            debug: false,
        },
        tell_unmatched: true,
        ..BuildOptions::default()
    };
    let taken = if what.over { std::mem::take(before) } else { Vec::new() };
    let given: Vec<Given<'_>> =
        taken.iter().map(|document| Given { text: document.text.as_bytes(), origin: Some(document.origin.to_string().into()) }).collect();
    let built = match &what.patches {
        Some(patches) => kustomize::patch(world, &what.path, patches, &given, &options)?,
        None if what.over => kustomize::build_over(world, &what.path, &given, &options)?,
        None => kustomize::build(world, &what.path, &options)?,
    };
    warnings.extend(built.warnings.iter().map(|text| Diagnostic::warning(format!("{}: {text}", what.shown))));
    let printed = what.prints.then(|| built.text());
    before.extend(built.documents.into_iter().map(|document| of_kustomize(document, &what.shown)));
    Ok(printed)
}

fn of_kustomize(document: kustomize::Document, shown: &str) -> Document {
    let kustomize::Document { text, api_version, kind, name, namespace, origin, .. } = document;
    let origin = Origin { source: format!("kustomization {shown}"), file: origin.map(|origin| origin.to_string()), line: 0 };
    Document { text: tidy(&text), identity: Identity { api_version, kind, namespace, name }, origin }
}

/// What renders the charts of kustomizations (`helmCharts`) that lie beside them: the Helm engine.
pub fn kustomize_helm(world: &dyn World, level: Level) -> Box<dyn HelmInflator + '_> {
    Box::new(Inflator { world, outside: &NoRemotes, level })
}

/// The release's name as `helm template` takes it from the arguments that kustomize gives.
fn release_name(chart: &HelmChart, world: &dyn World) -> KResult<String> {
    match (chart.release_name.as_str(), chart.name_template.as_str()) {
        ("", "") => Ok("release-name".to_owned()),
        ("", template) => helm::template_name(template, world).map_err(Fail::from_diagnostic),
        (name, "") => Ok(name.to_owned()),
        _ => Err(Fail::new("cannot set --name-template and also specify a name").help("write either releaseName or nameTemplate")),
    }
}

struct Inflator<'w> {
    world: &'w dyn World,
    outside: &'w dyn RemoteSource,
    level: Level,
}

impl HelmInflator for Inflator<'_> {
    fn chart(&self, chart: &HelmChart) -> KResult<PathBuf> {
        let want = ArtifactRequest::chart(&chart.name, Some(&chart.repo), Some(&chart.version));
        let Some((want, inside)) = want else {
            return Err(Fail::new(format!("the repository {:?} of the chart {} cannot be used", &*chart.repo, chart.name))
                .help("write https://…, oci://… or git+https://…, or put the chart into charts/ beside the kustomization"));
        };
        let path = match want {
            ArtifactRequest::Git(_) => self.outside.path(&want).map(|root| root.join(inside)),
            _ => self.outside.unpacked(&want),
        };
        path.map_err(Fail::from_diagnostic)
    }

    fn template(&self, request: &HelmRequest<'_>) -> KResult<Vec<u8>> {
        let level = self.level;
        let wanted = request.chart;
        let file = |(index, text): (usize, &Vec<u8>)| ValuesFile { name: format!("values {index}"), text: text.as_slice().into() };
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let options = RenderOptions {
            level,
            release: release_name(wanted, self.world)?,
            namespace: text(&wanted.namespace).unwrap_or_else(|| "default".to_owned()),
            values: ValueOptions { files: request.values.iter().enumerate().map(file).collect(), ..ValueOptions::default() },
            kube_version: text(&wanted.kube_version),
            api_versions: wanted.api_versions.iter().map(ToString::to_string).collect(),
            include_crds: wanted.include_crds,
            ..RenderOptions::default()
        };
        let rendered =
            load_chart(&request.directory, level, self.world, self.outside).and_then(|chart| helm::template(&chart, &options, self.world));
        let print = PrintOptions { no_hooks: wanted.skip_hooks, skip_tests: wanted.skip_tests, show_only: Vec::new() };
        let printed = rendered.and_then(|rendered| Ok(helm::output::print(&rendered, &print, level)?.to_bytes()));
        printed.map_err(|error| Fail::new(error.to_string()))
    }
}
