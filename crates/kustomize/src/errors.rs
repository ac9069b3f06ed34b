//! Errors inside the kustomize engine: Go's own text, wrapped on the way out as kustomize wraps it, and facts for the user.

use std::ops::Range;
use std::sync::Arc;

use hydrate_base::{Diagnostic, SourceFile};

/// The result of everything inside the engine.
pub type KResult<T> = Result<T, Fail>;

/// Why a build failed.
#[derive(Debug, Clone)]
pub struct Fail(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    text: String,
    place: Option<(Arc<SourceFile>, Range<usize>)>,
    notes: Vec<String>,
    help: Vec<String>,
    kind: FailKind,
}

/// What callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailKind {
    /// Anything else.
    Other,
    /// The text is not YAML: then a resource is surely meant to be a file and not a directory.
    MalformedYaml,
    /// A remote file could not be had: no use in trying it as a repository.
    Remote,
    /// A mapping, sequence or scalar was found where another kind of node was needed.
    NodeKind,
}

impl Fail {
    /// An error with kustomize's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self::of(FailKind::Other, text)
    }

    /// An error of a kind that callers tell apart.
    pub fn of(kind: FailKind, text: impl Into<String>) -> Self {
        Self(Box::new(Inner { text: text.into(), place: None, notes: Vec::new(), help: Vec::new(), kind }))
    }

    /// The same error, to be told apart.
    pub fn of_kind(mut self, kind: FailKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// `prefix: text`
    pub fn wrap(mut self, prefix: impl AsRef<str>) -> Self {
        self.0.text = format!("{}: {}", prefix.as_ref(), self.0.text);
        self
    }

    /// Replaces the text, keeping place and facts.
    pub(crate) fn reword(mut self, text: impl FnOnce(&str) -> String) -> Self {
        self.0.text = text(&self.0.text);
        self
    }

    /// Says where, unless a place further in has been given already.
    pub fn at(mut self, file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        self.0.place.get_or_insert_with(|| (Arc::clone(file), span));
        self
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(help.into());
        self
    }

    /// kustomize's text.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What kind of error it is.
    pub fn kind(&self) -> FailKind {
        self.0.kind
    }

    /// An error of another crate, as one of the engine.
    #[expect(clippy::boxed_local, reason = "errors of the rooms come boxed")]
    pub fn from_diagnostic(diagnostic: Box<Diagnostic>) -> Self {
        let mut error = Self::new(diagnostic.message);
        error.0.notes = diagnostic.notes;
        error.0.help = diagnostic.help;
        match diagnostic.primary {
            Some(label) => error.at(&label.file, label.span),
            None => error,
        }
    }

    /// The form that the rest of hydrate reports.
    pub(crate) fn into_diagnostic(self) -> Box<Diagnostic> {
        let mut diagnostic = Diagnostic::error(self.0.text);
        if let Some((file, span)) = &self.0.place {
            diagnostic = diagnostic.at(file, span.clone(), "");
        }
        diagnostic.notes = self.0.notes;
        diagnostic.help = self.0.help;
        diagnostic
    }
}

/// Fails with a text.
pub fn fail<T>(text: impl Into<String>) -> KResult<T> {
    Err(Fail::new(text))
}
