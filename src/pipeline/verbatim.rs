//! What the tools that hydrate replaces print for a component, kept as it is: `layout: manifest` writes it for components with helmfiles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::place;
use crate::project::component::{Component, SourceKind, Spec};
use crate::project::select::Selection;
use crate::project::{Environment, Project};
use crate::tree::{COMMON_NAMESPACES, INDEX, NAMESPACES};
use hydrate_base::World;
use hydrate_source::{Document, Source};

/// The text of a component as a script around helmfile and kustomize writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verbatim {
    /// What goes to `manifest.yaml`: the outputs one after the other, with `---` before each but the first.
    pub manifest: String,
    /// The namespace file, which goes to a directory of its own.
    pub namespaces: String,
    /// How many of the component's documents, from the first on, are those of the namespace file.
    pub apart: usize,
    /// A digest of the documents: the text stands for them as long as nothing changes them.
    digest: [u8; 32],
}

impl Verbatim {
    /// Whether the text still says what the documents say.
    pub fn stands_for(&self, documents: &[Document]) -> bool {
        self.digest == digest(documents)
    }
}

fn digest(documents: &[Document]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for document in documents {
        hasher.update(&(document.text.len() as u64).to_le_bytes()).update(document.text.as_bytes());
    }
    hasher.finalize().into()
}

/// Collects the texts of a component's sources.
#[derive(Default)]
pub(super) struct Collector {
    verbatim: Verbatim,
    has_helmfile: bool,
    /// Whether each source so far has a text of its own.
    is_whole: bool,
    count: usize,
}

impl Collector {
    pub(super) fn new() -> Self {
        Self { is_whole: true, ..Self::default() }
    }

    /// Takes what a source printed; `documents` are all of the component so far.
    pub(super) fn add(&mut self, source: &Source, printed: Option<String>, documents: &[Document]) {
        let Some(text) = printed else {
            self.is_whole = false;
            return;
        };
        self.has_helmfile |= matches!(source, Source::Helmfile(_));
        if is_namespace_file(source) && self.count == 0 {
            self.verbatim.namespaces = text;
            self.verbatim.apart = documents.len();
            return;
        }
        if self.count > 0 {
            self.verbatim.manifest.push_str("---\n");
        }
        self.verbatim.manifest.push_str(&text);
        self.count += 1;
    }

    /// The text, where the component has a helmfile and nothing but what prints.
    pub(super) fn finish(mut self, documents: &[Document]) -> Option<Verbatim> {
        self.verbatim.digest = digest(documents);
        (self.is_whole && self.has_helmfile).then_some(self.verbatim)
    }
}

fn is_namespace_file(source: &Source) -> bool {
    matches!(source, Source::Raw { path, .. } if path.file_name().is_some_and(|name| name == "namespace.yaml"))
}

/// Whether the text of a component is what tools print: of helmfiles, and of what may stand beside them.
fn is_printed(component: &Component, specs: &[Spec]) -> bool {
    let prints =
        |spec: &Spec| matches!(spec.kind, SourceKind::Helmfile { .. } | SourceKind::Kustomize { over: false, .. } | SourceKind::Raw(_));
    let has_helmfile = specs.iter().any(|spec| matches!(spec.kind, SourceKind::Helmfile { .. }));
    has_helmfile && component.patches.is_none() && specs.iter().all(prints)
}

/// Whether the tree has the file of namespaces that is common to all components.
fn has_common_file(project: &Project, environment: &Environment) -> bool {
    place(project, &environment.name).dir().join(NAMESPACES).join(COMMON_NAMESPACES).is_file()
}

/// The namespace files of components that this run does not render, and whose text is kept: all of them are one file together.
pub(super) fn namespaces_of_others(
    project: &Project,
    environment: &Environment,
    selection: &Selection<'_>,
    texts: &BTreeMap<String, Verbatim>,
    one_file: impl Fn(&str) -> bool,
) -> BTreeMap<String, String> {
    let world = project.world();
    let mut found = BTreeMap::new();
    for (name, component) in selection.members.iter().filter(|(name, _)| !texts.contains_key(*name) && one_file(name)) {
        if selection.selected.contains(name) {
            continue;
        }
        let specs = component.specs(&world, &environment.name);
        // What is written for other components has its namespaces in files of their own; until then they are in the common one.
        let is_written = || place(project, &environment.name).dir().join(name).join(INDEX).is_file();
        if !is_printed(component, &specs) && (!has_common_file(project, environment) || is_written()) {
            continue;
        }
        let file = specs.iter().find_map(|spec| match &spec.kind {
            SourceKind::Raw(path) if path.text.ends_with("namespace.yaml") => Some(component.dir.join(&path.text)),
            _ => None,
        });
        let text = file.and_then(|path| world.read(&path).ok()).and_then(|text| String::from_utf8(text.to_vec()).ok());
        found.extend(text.map(|text| (name.clone(), text)));
    }
    found
}
