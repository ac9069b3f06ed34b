#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod charts;
pub mod compose;
mod data;
mod document;
mod engines;
pub mod gotext;
mod helmfile;
pub mod identity;
pub mod jinja;
pub mod namespace;
mod outside;
mod raw;

pub use charts::load_chart;
pub use data::Data;
pub use document::{Document, Identity, Origin, Trust, documents, split};
pub use helmfile::{Helmfile, OfHelmfile, git_address, release_documents, render_release};
pub use outside::{Loaded, NoRemotes, RemoteSource};

use std::path::PathBuf;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_chart::Level;

pub use engines::kustomize_helm;
pub use hydrate_helm::ClusterObject;

/// A source with everything it needs: paths found, values files read.
#[derive(Debug, Clone)]
pub enum Source {
    /// A Helm release.
    Helm(Box<HelmRelease>),
    /// A helmfile.
    Helmfile(Box<Helmfile>),
    /// A kustomization.
    Kustomize(Kustomization),
    /// MiniJinja templates.
    Jinja {
        /// A directory or one template.
        path: PathBuf,
        /// The path shown to users.
        shown: String,
        /// What templates see.
        context: minijinja::Value,
    },
    /// Plain YAML.
    Raw {
        /// A directory or one file.
        path: PathBuf,
        /// The path shown to users.
        shown: String,
    },
}

/// A Helm release to render.
#[derive(Debug, Clone)]
pub struct HelmRelease {
    /// Directory or archive of the chart.
    pub chart: PathBuf,
    /// The chart's path shown to users.
    pub shown: String,
    /// `.Release.Name`
    pub release: String,
    /// `.Release.Namespace`
    pub namespace: String,
    /// Values files in order.
    pub values: Vec<Arc<SourceFile>>,
    /// What is set over them: paths as in `--set-json`, and what stands there.
    pub set: Vec<(String, data::Data)>,
    /// The Helm release whose output is reproduced.
    pub level: Level,
    /// `.Capabilities.KubeVersion`; the level's own where it is left out.
    pub kubernetes: Option<String>,
    /// API versions beyond the built-in ones.
    pub api_versions: Vec<String>,
    /// Whether crds/ are rendered.
    pub crds: bool,
    /// Whether dependencies that are fetched must be signed by a trusted key, as the chart was.
    pub verify: bool,
    /// Hooks by name: whether objects with them are kept.
    pub hooks: std::collections::BTreeMap<String, bool>,
    /// What `lookup` finds.
    pub cluster: Arc<[ClusterObject]>,
}

/// A kustomization to build.
#[derive(Debug, Clone)]
pub struct Kustomization {
    /// Its directory.
    pub path: PathBuf,
    /// The path shown to users.
    pub shown: String,
    /// The project's root, which shown paths are relative to.
    pub root: PathBuf,
    /// Whether it also gets the objects of the sources before it, as its first resources.
    pub over: bool,
    /// The Helm release whose output is reproduced for its charts.
    pub level: Level,
    /// `.Capabilities.KubeVersion` of its charts, where they do not say.
    pub kubernetes: Option<String>,
    /// API versions that its charts see beyond the built-in ones, where they do not say.
    pub api_versions: Vec<String>,
    /// Whether what kustomize prints is wanted beside the documents.
    pub prints: bool,
    /// Patches of the component, when this stands for them, as the text of a kustomization: `path` is then the component's directory.
    pub patches: Option<Arc<SourceFile>>,
}

/// Renders one source; `before` are the documents of the sources before it, to which its own are added, or which a
/// kustomization over them replaces. Warnings are added to `warnings`.
///
/// Gives the text that the tool prints for the source, where that is more than its documents: `helmfile template`,
/// `kustomize build`, and a file that is one by itself.
pub fn render(
    world: &dyn World,
    outside: &dyn RemoteSource,
    source: &Source,
    before: &mut Vec<Document>,
    warnings: &mut Vec<Box<Diagnostic>>,
) -> Result<Option<String>, Vec<Box<Diagnostic>>> {
    let mut printed = None;
    let documents = match source {
        Source::Helm(release) => engines::helm(world, outside, release, warnings).map_err(|error| vec![error])?,
        Source::Helmfile(helmfile) => {
            let (documents, text) = helmfile::render(world, outside, helmfile, warnings).map_err(|error| vec![error])?;
            printed = Some(text);
            documents
        }
        Source::Kustomize(kustomization) => {
            return engines::kustomize(world, outside, kustomization, before, warnings).map_err(|error| vec![error]);
        }
        Source::Jinja { path, shown, context } => jinja::render(world, path, shown, context)?,
        Source::Raw { path, shown } => {
            printed = raw::text(world, path);
            raw::render(world, path, shown).map_err(|error| vec![error])?
        }
    };
    before.extend(documents);
    Ok(printed)
}
