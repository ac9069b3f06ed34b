//! A document of a release, its text shared with what it was cut from.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::engine::RenderedFile;
use super::head::Head;
use hydrate_base::SourceFile;

/// A document of a release.
#[derive(Debug)]
pub struct Document {
    /// The template's path, as `# Source:` shows it: `chart/templates/a.yaml`, `chart/charts/sub/templates/b.yaml`.
    pub path: String,
    /// The text, trimmed as the level trims it.
    pub text: Text,
    /// CRD, manifest or hook.
    pub kind: DocumentKind,
    /// API version, kind, name and annotations; empty for CRDs, which Helm does not look into.
    pub head: Head,
}

/// What a document is to Helm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentKind {
    /// A file in crds/.
    Crd,
    /// What is installed.
    Manifest,
    /// What is run at some event.
    Hook(Hook),
}

/// What makes a document a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// `pre-install`, `test` …
    pub events: Vec<String>,
    /// `helm.sh/hook-weight`
    pub weight: i64,
    /// `helm.sh/hook-delete-policy`
    pub delete_policies: Vec<String>,
}

impl Hook {
    /// Whether it is run by `helm test`.
    pub(crate) fn is_test(&self) -> bool {
        self.events.iter().any(|event| event == "test")
    }
}

impl Document {
    /// The template and the byte in it from which a byte of the text came; `None` for files that are no templates.
    pub fn origin(&self, at: usize) -> Option<(&Arc<SourceFile>, usize)> {
        match &self.text {
            Text::File(_) => None,
            Text::Rendered(file, range) => file.origin(range.start + at),
        }
    }
}

/// The bytes of a document, which stay where they are: CRDs are megabytes.
#[derive(Debug, Clone)]
pub enum Text {
    /// A whole file of the chart.
    File(Arc<[u8]>),
    /// Some bytes of what a template wrote.
    Rendered(Arc<RenderedFile>, Range<usize>),
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::File(bytes) => bytes,
            Self::Rendered(file, range) => file.bytes().get(range.clone()).unwrap_or_default(),
        }
    }
}

impl From<Text> for Arc<[u8]> {
    fn from(text: Text) -> Self {
        match text {
            Text::File(bytes) => bytes,
            rendered @ Text::Rendered(..) => (&*rendered).into(),
        }
    }
}
