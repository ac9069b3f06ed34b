#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod anchors;
mod compose;
mod config;
mod crds;
mod decode;
mod errors;
pub mod explain;
mod fieldspec;
mod filters;
mod generators;
mod helm;
mod ids;
mod json;
mod kustomization;
mod loader;
mod openapi;
mod origin;
mod parallel;
mod paths;
mod plugins;
mod ranks;
mod read;
mod regex;
mod remote;
mod resmap;
mod resource;
mod scalar;
mod selector;
mod shared;
mod sort;
mod target;
mod transformer;
mod tree;
mod write;

pub use errors::{Fail, FailKind, KResult, fail};
pub use helm::{HelmFlags, HelmInflator, HelmRequest};
pub use kustomization::HelmChart;
pub use remote::RemoteResolver;

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use config::Config;
use hydrate_base::{Result, SourceFile, World};
use hydrate_yaml::node::{Data, Node};
use kustomization::{FieldSpec, GvkFields, Kustomization, Texts};
use loader::{Loader, Shared};
use openapi::Schemas;
use remote::NoRemotes;
use resmap::ResMap;
use resource::Resource;
use target::{Build, Target};

/// The version of kustomize that is followed.
pub const VERSION: &str = "v5.8.1";

/// What a build may do, and with whose help.
#[derive(Default)]
pub struct BuildOptions<'o> {
    /// Files from outside of the kustomization's directory are allowed (`--load-restrictor LoadRestrictionsNone`).
    pub load_anything: bool,
    /// Renders `helmCharts`; without it they are refused (`--enable-helm`).
    pub helm: Option<&'o dyn HelmInflator>,
    /// What the command line says about Helm.
    pub helm_flags: HelmFlags,
    /// Gives remote files and bases; without it they are refused.
    pub remote: Option<&'o dyn RemoteResolver>,
    /// Adds `app.kubernetes.io/managed-by` (`--enable-managedby-label`).
    pub managed_by: bool,
    /// `--reorder none`: objects stay in the order they were named in, unless the kustomization says otherwise.
    pub keep_order: bool,
    /// The directory that shown paths are relative to.
    pub shown_from: Option<&'o Path>,
    /// Warns of entries of `patches` whose target selects nothing, which kustomize passes over.
    pub tell_unmatched: bool,
}

/// A finished object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The object as YAML, with a final line break.
    pub text: String,
    /// `apiVersion`
    pub api_version: String,
    /// `kind`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`
    pub namespace: String,
    /// Whether the kind is known to live outside of namespaces.
    pub cluster_scoped: bool,
    /// The file that the object, or its generator, was written in.
    pub origin: Option<Arc<str>>,
}

/// The result of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Built {
    /// The objects in their order.
    pub documents: Vec<Document>,
    /// What the user should know, as kustomize puts it on stderr.
    pub warnings: Vec<String>,
}

impl Built {
    /// All objects as kustomize prints them.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.documents.iter().map(|document| document.text.len() + 4).sum());
        for (at, document) in self.documents.iter().enumerate() {
            if at > 0 {
                text.push_str("---\n");
            }
            text.push_str(&document.text);
        }
        text
    }
}

/// The result of a build that is only to be printed.
#[derive(Debug, Default)]
pub struct Printed {
    /// The text in pieces; a `---` stands before the first object too.
    shares: Vec<Vec<u8>>,
    /// What the user should know, as kustomize puts it on stderr.
    pub warnings: Vec<String>,
    /// The objects, kept so that they are not freed one by one in a process that ends now.
    _objects: Vec<Resource>,
}

impl Printed {
    /// The text as kustomize prints it, in pieces.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let skipped = |at: usize| if at == 0 { SEPARATOR.len() } else { 0 };
        self.shares.iter().enumerate().map(move |(at, share)| share.get(skipped(at)..).unwrap_or_default())
    }

    /// Frees nothing: the process is about to end.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

/// An object that exists before the kustomization that changes it is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<'g> {
    /// One or more YAML documents.
    pub text: &'g [u8],
    /// Where they are from.
    pub origin: Option<Arc<str>>,
}

/// Builds the kustomization in a directory, as `kustomize build` does.
pub fn build(world: &dyn World, directory: &Path, options: &BuildOptions<'_>) -> Result<Built> {
    run(world, directory, options, load_and_finish).and_then(built).map_err(Fail::into_diagnostic)
}

/// The same, where nobody asks for more than the text.
pub fn print(world: &dyn World, directory: &Path, options: &BuildOptions<'_>) -> Result<Printed> {
    run(world, directory, options, load_and_finish).and_then(printed).map_err(Fail::into_diagnostic)
}

fn load_and_finish<'b>(build: &'b Build<'b>, loader: Loader<'b>) -> KResult<(ResMap, Kustomization)> {
    let mut target = Target::load(build, loader)?;
    target.set_schema(true)?;
    Ok((target.finish(Vec::new())?.map, target.kustomization))
}

/// Builds a kustomization over objects that exist already: they count as its first resources. `file` is the text of a kustomization file, which is
/// taken to be in `directory`. Unless it says how to sort, objects stay in their order.
pub fn patch(
    world: &dyn World,
    directory: &Path,
    file: &Arc<SourceFile>,
    given: &[Given<'_>],
    options: &BuildOptions<'_>,
) -> Result<Built> {
    let options = BuildOptions { keep_order: true, ..BuildOptions { helm_flags: options.helm_flags.clone(), ..*options } };
    over(world, directory, Some(file), given, &options)
}

/// Builds the kustomization in a directory, with objects that exist already as its first resources.
pub fn build_over(world: &dyn World, directory: &Path, given: &[Given<'_>], options: &BuildOptions<'_>) -> Result<Built> {
    over(world, directory, None, given, options)
}

fn over(
    world: &dyn World,
    directory: &Path,
    file: Option<&Arc<SourceFile>>,
    given: &[Given<'_>],
    options: &BuildOptions<'_>,
) -> Result<Built> {
    run(world, directory, options, |build, loader| {
        let mut first = Vec::new();
        for given in given {
            let mut objects = read::resources(given.text)?;
            objects.iter_mut().for_each(|object| object.file.clone_from(&given.origin));
            first.extend(objects);
        }
        let mut target = match file {
            Some(file) => Target::of_file(build, loader, Arc::clone(file), "kustomization.yaml")?,
            None => Target::load(build, loader)?,
        };
        target.set_schema(true)?;
        Ok((target.finish(first)?.map, target.kustomization))
    })
    .and_then(built)
    .map_err(Fail::into_diagnostic)
}

fn run(
    world: &dyn World,
    directory: &Path,
    options: &BuildOptions<'_>,
    build: impl for<'b> FnOnce(&'b Build<'b>, Loader<'b>) -> KResult<(ResMap, Kustomization)>,
) -> KResult<(ResMap, Vec<String>)> {
    let remote = options.remote.unwrap_or(&NoRemotes);
    let shown_from = options.shown_from.unwrap_or(Path::new(""));
    let shared = Shared { world, remote, restrict: !options.load_anything, shown_from };
    let context = Build {
        schemas: Schemas::new(),
        builtin: Config::builtin(),
        inflator: options.helm,
        flags: options.helm_flags.clone(),
        warnings: Default::default(),
        tell_unmatched: options.tell_unmatched,
    };
    let loader = Loader::new(shared, directory)?;
    let (mut map, kustomization) = build(&context, loader)?;
    if !(options.keep_order && kustomization.sort_options.is_none()) {
        sort::sort(&mut map, kustomization.sort_options.as_ref())?;
    }
    if options.managed_by || kustomization.wants("managedByLabel") {
        add_managed_by(&mut map)?;
    }
    clean(&mut map, &kustomization)?;
    Ok((map, context.warnings.take()))
}

fn add_managed_by(map: &mut ResMap) -> KResult<()> {
    let labels = Texts::from([("app.kubernetes.io/managed-by".into(), ecow::eco_format!("kustomize-{VERSION}"))]);
    let spec = FieldSpec { path: "metadata/labels".into(), create: true, gvk: GvkFields::default() };
    filters::labels::apply(map, &labels, &[spec])
}

/// Removes what must not be seen: kustomize's own annotations, and origins nobody asked for.
fn clean(map: &mut ResMap, kustomization: &Kustomization) -> KResult<()> {
    let (origins, transformations) = (kustomization.wants("originAnnotations"), kustomization.wants("transformerAnnotations"));
    parallel::change(map.list_mut(), |res| res.finish_annotations(origins, transformations))
}

/// Below this many objects, writing them in parallel costs more than it gains.
const PARALLEL_FROM: usize = 64;

fn built((map, warnings): (ResMap, Vec<String>)) -> KResult<Built> {
    Ok(Built { documents: documents(map)?, warnings })
}

const SEPARATOR: &str = "---\n";

fn printed((mut map, warnings): (ResMap, Vec<String>)) -> KResult<Printed> {
    let objects = map.take();
    let print = |objects: &[Resource], weight: usize| -> KResult<Vec<u8>> {
        let mut writer = write::Writer::new(Vec::with_capacity(weight));
        for object in objects {
            writer.lines(SEPARATOR);
            writer.object(&object.node)?;
        }
        Ok(writer.finish())
    };
    let shares = parallel::by_shares(&objects, |object| weight(&object.node), print).into_iter().collect::<KResult<_>>()?;
    Ok(Printed { shares, warnings, _objects: objects })
}

/// About how many bytes the text of an object has: its last line says how many lines it has been read from.
fn weight(node: &Node) -> usize {
    let last_line = |mut node: &Node| loop {
        node = match &node.data {
            Data::Mapping(entries) if !entries.is_empty() => entries.last().map_or(node, |(_, value)| value),
            Data::Sequence(items) if !items.is_empty() => items.last().unwrap_or(node),
            // The place of a node of a group is not one in a file.
            _ => return if shared::group(node).is_some() { 0 } else { node.line as usize },
        }
    };
    let fields = node.entries().unwrap_or_default();
    256 + 40 * fields.iter().map(|(_, value)| last_line(value)).max().unwrap_or(0)
}

/// The objects as texts. Each tree goes as soon as its text is there, so that not all of both are in memory.
fn documents(mut map: ResMap) -> KResult<Vec<Document>> {
    let objects = map.take();
    let document = |Resource { node, file, .. }: Resource| -> KResult<Document> {
        let (api_version, kind) = (tree::top_text(&node, "apiVersion"), tree::top_text(&node, "kind"));
        Ok(Document {
            cluster_scoped: map.schemas().is_cluster_scoped_kind(api_version, kind),
            text: write::to_yaml(&node)?,
            api_version: tree::top_text(&node, "apiVersion").to_owned(),
            kind: tree::top_text(&node, "kind").to_owned(),
            name: tree::meta_text(&node, "name").to_owned(),
            namespace: tree::meta_text(&node, "namespace").to_owned(),
            origin: file,
        })
    };
    if objects.len() < PARALLEL_FROM {
        return objects.into_iter().map(document).collect();
    }
    objects.into_par_iter().map(document).collect()
}

#[cfg(test)]
mod tests {
    use super::{shared, weight};
    use hydrate_yaml::node::Node;

    #[test]
    fn a_label_of_the_kustomization_adds_no_weight() {
        let object = |label: Node| {
            let labels = Node::mapping(vec![(Node::string("team"), label)]);
            Node::mapping(vec![(Node::string("metadata"), Node::mapping(vec![(Node::string("labels"), labels)]))])
        };
        let mut shared = Node::string("blue");
        shared::join(&mut shared, 7);
        assert_eq!(weight(&object(shared)), weight(&object(Node::string("blue"))));
    }
}
