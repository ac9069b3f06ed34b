//! Helmfiles: the releases that they name, each rendered from its chart, and all of them as helmfile prints them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hydrate_acquire::ArtifactRequest;
use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_chart::Level;
use hydrate_helm::{DocumentKind, Rendered, output};
use hydrate_helmfile::{ChartOrigin, Needs, Release, RemoteChart, Remotes, Request, TemplateOptions, Version, template};

use super::charts::load_chart;
use super::document::{Document, Origin, Trust, documents};
use super::engines::unanswered;
use super::outside::{RemoteSource, Verified};
use hydrate_helm::ClusterObject;

/// A helmfile whose releases are rendered.
#[derive(Debug, Clone)]
pub struct Helmfile {
    /// The file, or a directory of helmfiles.
    pub path: PathBuf,
    /// Its path shown to users.
    pub shown: String,
    /// The project's root, which shown paths are relative to.
    pub root: PathBuf,
    /// The environment.
    pub environment: String,
    /// Which of its releases are rendered; none: all.
    pub selectors: Vec<String>,
    /// Values below those that the helmfile has for the environment, as YAML.
    pub values: String,
    /// The release of helmfile that is followed.
    pub version: Version,
    /// The Helm release whose output is reproduced.
    pub level: Level,
    /// What `lookup` finds in charts.
    pub cluster: Arc<[ClusterObject]>,
    /// `.Capabilities.KubeVersion`; what the helmfile says where it is left out.
    pub kubernetes: Option<String>,
    /// Whether the charts see the API versions of the CRDs that the environment renders.
    pub sees_crds: bool,
    /// API versions beyond the built-in ones and those that the helmfile names.
    pub api_versions: Vec<String>,
    /// Hooks by name: whether objects with them are kept.
    pub hooks: BTreeMap<String, bool>,
}

/// The documents of all releases, and what `helmfile template --include-crds --skip-tests` prints.
pub(crate) fn render(
    world: &dyn World,
    outside: &dyn RemoteSource,
    helmfile: &Helmfile,
    warnings: &mut Vec<Box<Diagnostic>>,
) -> Result<(Vec<Document>, String)> {
    let remotes = OfHelmfile(outside);
    let request = Request { secrets: outside.secrets(), ..helmfile.request() };
    let said = template(world, &remotes, &request, &helmfile.options())?;
    warnings.extend(said.warnings);
    let (mut all, mut printed) = (Vec::new(), Vec::new());
    for release in &said.what {
        let rendered = render_release(world, outside, release)?;
        warnings.extend(rendered.warnings.iter().cloned().map(|warning| release.placed(warning)));
        warnings.extend(unanswered(&rendered, &format!("release {} of helmfile {}", release.name, release.file)));
        printed.extend(std::iter::repeat_n(b'\n', release.blank_lines));
        for piece in output::print(&rendered, &release.print, release.options.level)?.pieces() {
            printed.extend_from_slice(piece);
        }
        printed.push(b'\n');
        all.extend(release_documents(&rendered, release, &helmfile.hooks)?);
    }
    let printed =
        String::from_utf8(printed).map_err(|_| Diagnostic::error(format!("{} gives a text that is not UTF-8", helmfile.shown)))?;
    Ok((all, printed))
}

impl Helmfile {
    /// What helmfile is asked for.
    pub fn request(&self) -> Request {
        Request {
            version: self.version,
            level: Some(self.level),
            directory: self.root.clone(),
            file: Some(self.path.clone()),
            environment: self.environment.clone(),
            selectors: self.selectors.clone(),
            environment_values: self.values.clone(),
            ..Request::default()
        }
    }

    /// The flags that it is asked with: `--include-crds --skip-tests`, and what the project says of the cluster.
    pub fn options(&self) -> TemplateOptions {
        TemplateOptions {
            include_crds: true,
            skip_tests: true,
            kube_version: self.kubernetes.clone(),
            api_versions: self.api_versions.clone(),
            cluster: Arc::clone(&self.cluster),
            needs: Needs { skip: true, ..Needs::default() },
            ..TemplateOptions::default()
        }
    }
}

/// Renders a release, with charts from this disk and from outside.
///
/// # Errors
/// What cannot be had, read or rendered, with the release.
pub fn render_release(world: &dyn World, outside: &dyn RemoteSource, release: &Release) -> Result<Rendered> {
    let load = |chart: &ChartOrigin| {
        let (path, is_verified) = match chart {
            ChartOrigin::Local(path) => (path.clone(), false),
            ChartOrigin::Remote(chart) => (OfHelmfile(outside).chart(chart)?, chart.verify),
        };
        let strict = Verified(outside);
        let source = if is_verified { &strict } else { outside };
        load_chart(&path, release.options.level, world, source)
    };
    release.render(world, &load)
}

/// The documents of a release, without those of hooks that are to be dropped: those whose events are all `false`.
///
/// # Errors
/// What is no object of Kubernetes.
pub fn release_documents(rendered: &Rendered, release: &Release, policies: &BTreeMap<String, bool>) -> Result<Vec<Document>> {
    let keeps = |hooks: &[String]| hooks.iter().any(|hook| policies.get(hook).copied().unwrap_or(true));
    let source = format!("helmfile {}, release {}", release.file, release.name);
    let mut all = Vec::new();
    for document in &rendered.documents {
        if let DocumentKind::Hook(hook) = &document.kind
            && !keeps(&hook.events)
        {
            continue;
        }
        let line = document.origin(0).map_or(0, |(file, at)| file.line_column(at).0);
        let origin = Origin { source: source.clone(), file: Some(document.path.clone()), line };
        let file = SourceFile::new(format!("{} of release {}", document.path, release.name), Arc::<[u8]>::from(document.text.clone()));
        let mut found = documents(&file, &Origin { line: 0, ..origin.clone() }, Trust::Parsed)?;
        found.iter_mut().for_each(|document| document.origin.line = line);
        all.extend(found);
    }
    Ok(all)
}

/// What helmfiles name outside of the repository, by way of the lock.
pub struct OfHelmfile<'a>(pub &'a dyn RemoteSource);

impl Remotes for OfHelmfile<'_> {
    fn file(&self, address: &str) -> Result<PathBuf> {
        let Some(want) = git_address(address) else {
            return self.0.path(&ArtifactRequest::File { url: address.to_owned() });
        };
        self.git(address, &want)
    }

    fn chart(&self, chart: &RemoteChart) -> Result<PathBuf> {
        if chart.name.is_empty() {
            return self.file(&chart.repository);
        }
        let want = ArtifactRequest::chart(&chart.name, Some(&chart.repository), Some(&chart.version));
        let Some((want, inside)) = want else {
            return Err(Diagnostic::error(format!("the repository {:?} of the chart {} cannot be used", chart.repository, chart.name))
                .help("write https://… or oci://…"));
        };
        let root = if chart.verify { self.0.verified(&want) } else { self.0.path(&want) }?;
        Ok(if inside.is_empty() { root } else { root.join(inside) })
    }
}

impl OfHelmfile<'_> {
    fn git(&self, address: &str, want: &str) -> Result<PathBuf> {
        let Some((want, inside)) = ArtifactRequest::chart(want, None, None) else {
            return Err(Diagnostic::error(format!("{address} is not the address of a Git repository"))
                .help("write git::https://HOST/PATH.git@FILE?ref=REFERENCE"));
        };
        Ok(self.0.path(&want)?.join(inside))
    }
}

/// `git::https://host/repo.git@path?ref=v1` as this program writes it: `git+https://host/repo.git//path?ref=v1`.
pub fn git_address(address: &str) -> Option<String> {
    let rest = address.strip_prefix("git::")?;
    let (rest, query) = rest.split_once('?').map_or((rest, String::new()), |(rest, query)| (rest, format!("?{query}")));
    // The user in front of the host has the same sign.
    let host = rest.find("://").map_or(0, |at| at + 3);
    let slash = rest.get(host..).and_then(|rest| rest.find('/')).map_or(rest.len(), |at| host + at);
    let (front, path) = rest.split_at(slash);
    let path = path.replacen('@', "//", 1);
    Some(format!("git+{front}{path}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_git() {
        for (address, want) in [
            ("git::https://example.org/a/b.git@x/helmfile.yaml?ref=v1", "git+https://example.org/a/b.git//x/helmfile.yaml?ref=v1"),
            ("git::ssh://git@example.org/a/b.git@x?ref=v1", "git+ssh://git@example.org/a/b.git//x?ref=v1"),
            ("git::https://example.org/a/b.git", "git+https://example.org/a/b.git"),
        ] {
            assert_eq!(git_address(address).as_deref(), Some(want));
        }
        assert_eq!(git_address("https://example.org/values.yaml"), None);
    }
}
