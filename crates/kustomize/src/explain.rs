//! What the steps of a build changed, for who explains what came of it.

use std::ops::Range;
use std::sync::Arc;

use super::decode::place_of;
use super::resmap::ResMap;
use super::resource::Resource;
use hydrate_base::SourceFile;

/// In the place of a field: names with the digest of their content, and what refers to names.
pub const NAMES: &str = "names";

/// A step that a kustomization took over all its objects, as a witness is told.
#[derive(Debug, Clone)]
pub struct StepTaken {
    /// The kustomization.
    pub file: Arc<SourceFile>,
    /// The field that asked for it: `patches`, `images` …, or [`NAMES`].
    pub field: &'static str,
    /// The entry of the list in the field.
    pub entry: Option<usize>,
    /// Where in the file that is; empty where it cannot be said.
    pub span: Range<usize>,
    /// What it changed.
    pub changed: Vec<Changed>,
}

/// An object that a step changed.
#[derive(Debug, Clone)]
pub struct Changed {
    /// As it was; nothing where the step made it.
    pub before: Option<Object>,
    /// As it is then.
    pub after: Object,
}

/// An object at some step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// All of it.
    pub text: String,
}

pub(crate) fn objects(map: &ResMap) -> Vec<Object> {
    let object = |res: &Resource| Object { kind: res.kind().to_owned(), name: res.name().to_owned(), text: res.yaml() };
    map.list().iter().map(object).collect()
}

impl StepTaken {
    pub(crate) fn new(file: &Arc<SourceFile>, field: &'static str, entry: Option<usize>, before: Vec<Object>, after: &ResMap) -> Self {
        let after = objects(after);
        let same_number = before.len() == after.len();
        let earlier = |at: usize, object: &Object| match same_number {
            true => before.get(at).cloned(),
            false => before.iter().find(|known| known.kind == object.kind && known.name == object.name).cloned(),
        };
        let changed = after.into_iter().enumerate().map(|(at, after)| Changed { before: earlier(at, &after), after });
        let changed = changed.filter(|changed| changed.before.as_ref() != Some(&changed.after)).collect();
        Self { file: Arc::clone(file), field, entry, span: place_of(file, field, entry), changed }
    }
}
