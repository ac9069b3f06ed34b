//! What the tree has of a component: its objects, and the record of what they are made from.

use std::collections::BTreeMap;
use std::path::Path;

use hydrate_base::{SourceFile, World};
use hydrate_source::{Document, Origin, Trust, documents};

use super::RECORD;
use crate::pipeline::fields::object;
use crate::tree::KUSTOMIZATION;

/// What the tree has of a component.
#[derive(Default)]
pub(super) struct Standing {
    /// Both digests by object.
    pub(super) record: BTreeMap<String, (String, String)>,
    /// The objects, with the files that they are in.
    pub(super) documents: Vec<(String, Document)>,
}

impl Standing {
    /// Reads the directory of a component.
    pub(super) fn read(world: &dyn World, directory: &Path) -> Self {
        let record = world.read(&directory.join(RECORD)).ok().and_then(|text| String::from_utf8(text.to_vec()).ok());
        let mut standing = Self::default();
        for line in record.as_deref().unwrap_or_default().lines() {
            if let [inputs, written, object] = line.splitn(3, "  ").collect::<Vec<_>>()[..] {
                standing.record.insert(object.to_owned(), (inputs.to_owned(), written.to_owned()));
            }
        }
        let origin = Origin { source: String::new(), file: None, line: 0 };
        for (name, text) in files(world, directory) {
            let file = SourceFile::new(name.as_str(), text.into_bytes());
            let found = documents(&file, &origin, Trust::Parsed).unwrap_or_default();
            standing.documents.extend(found.into_iter().map(|document| (name.clone(), document)));
        }
        standing
    }

    /// The object in the tree that a document stands for.
    pub(super) fn find(&self, document: &Document) -> Option<&Document> {
        let (ours, of) = (&document.identity, |document: &Document| object(&document.identity));
        let mut all = self.documents.iter().map(|(_, document)| document);
        let found = all.find(|found| of(found) == of(document));
        let mut all = self.documents.iter().map(|(_, document)| document);
        // What lives in a namespace that it does not say has one there.
        found.or_else(|| {
            all.find(|found| {
                let theirs = &found.identity;
                ours.namespace.is_empty() && theirs.kind == ours.kind && theirs.group() == ours.group() && theirs.name == ours.name
            })
        })
    }
}

/// The YAML files of a component in the tree.
pub(super) fn files(world: &dyn World, directory: &Path) -> Vec<(String, String)> {
    let mut names = world.list(directory).unwrap_or_default();
    names.retain(|name| name.ends_with(".yaml") && name != KUSTOMIZATION);
    names.sort_unstable();
    let read = |name: String| {
        let text = String::from_utf8(world.read(&directory.join(&name)).ok()?.to_vec()).ok()?;
        Some((name, text))
    };
    names.into_iter().filter_map(read).collect()
}
