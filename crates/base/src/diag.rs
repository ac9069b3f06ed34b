//! Errors as values: what happened, where, through which templates, why, and what to do.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::place;

/// A text that diagnostics point into: a file, or a template of a chart.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The name shown to the user, a path relative to the project where there is one.
    pub name: String,
    /// The bytes as they were read; not necessarily UTF-8.
    pub text: Arc<[u8]>,
}

impl SourceFile {
    /// A source file of the given name and text.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<[u8]>>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// The text; an error that points to the byte where it is not UTF-8.
    pub fn utf8(self: &Arc<Self>) -> Result<&str> {
        std::str::from_utf8(&self.text).map_err(|error| {
            let at = error.valid_up_to();
            Diagnostic::error(format!("{} is not UTF-8", self.name)).at(self, at..at + 1, "this byte")
        })
    }

    /// The 1-based line and the 1-based column (in characters) of a byte offset.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        place::line_column(&self.text, offset)
    }

    /// The byte range of a 1-based line, without its line break; empty at the end when there is no such line.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        place::line_range(&self.text, line)
    }
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Severity {
    /// The run fails.
    Error,
    /// The run goes on; the user should know.
    Warning,
    /// Nothing is wrong; who asks for details is told.
    Note,
}

/// A place in a source file, with what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The file pointed into.
    pub file: Arc<SourceFile>,
    /// The bytes pointed at.
    pub span: Range<usize>,
    /// A short remark shown beside the place; may be empty.
    pub text: String,
}

/// One level of the stack of templates (`include`, `tpl`, `template`) an error passed through, innermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What was being done, such as `include "loki.labels"`.
    pub what: String,
    /// Where it was asked for.
    pub place: Option<Label>,
}

/// An error or warning with everything a user needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The name of the rule that was broken, where rules have names.
    pub code: Option<&'static str>,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// Where it happened; boxed with the rest to keep `Result` small.
    pub primary: Option<Label>,
    /// Other places worth a look (the first definition of a duplicate, say).
    pub secondary: Vec<Label>,
    /// The stack of templates passed through, innermost first.
    pub frames: Vec<Frame>,
    /// Why: causes and facts, one sentence each; the upstream tool's own text is one of them.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

/// The result type of the rooms; the error is boxed so that the happy path stays small.
pub type Result<T, E = Box<Diagnostic>> = std::result::Result<T, E>;

impl Diagnostic {
    /// An error with nothing but its message.
    pub fn error(message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            severity: Severity::Error,
            code: None,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            frames: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        })
    }

    /// A warning with nothing but its message.
    pub fn warning(message: impl Into<String>) -> Box<Self> {
        let mut warning = Self::error(message);
        warning.severity = Severity::Warning;
        warning
    }

    /// A remark for who asks for details.
    pub fn remark(message: impl Into<String>) -> Box<Self> {
        let mut remark = Self::error(message);
        remark.severity = Severity::Note;
        remark
    }

    /// Adds the place where it happened.
    pub fn at(mut self: Box<Self>, file: &Arc<SourceFile>, span: Range<usize>, text: impl Into<String>) -> Box<Self> {
        self.primary = Some(Label { file: Arc::clone(file), span, text: text.into() });
        self
    }

    /// Adds another place worth a look.
    pub fn also(mut self: Box<Self>, file: &Arc<SourceFile>, span: Range<usize>, text: impl Into<String>) -> Box<Self> {
        self.secondary.push(Label { file: Arc::clone(file), span, text: text.into() });
        self
    }

    /// The same without any line of a file: places are told by name, line and column alone.
    pub fn without_lines(mut self: Box<Self>) -> Box<Self> {
        let told = |label: &Label| {
            let (line, column) = label.file.line_column(label.span.start);
            format!("{}:{line}:{column}", label.file.name)
        };
        let labels: Vec<Label> = self.primary.take().into_iter().chain(std::mem::take(&mut self.secondary)).collect();
        for frame in &mut self.frames {
            if let Some(label) = frame.place.take() {
                frame.what = format!("{} at {}", frame.what, told(&label));
            }
        }
        self.notes.splice(0..0, labels.iter().map(|label| format!("at {}", told(label))));
        self
    }

    /// Adds a level to the stack of templates, outwards.
    pub fn frame(mut self: Box<Self>, what: impl Into<String>, place: Option<Label>) -> Box<Self> {
        self.frames.push(Frame { what: what.into(), place });
        self
    }

    /// Adds a reason.
    pub fn note(mut self: Box<Self>, note: impl Into<String>) -> Box<Self> {
        self.notes.push(note.into());
        self
    }

    /// Adds what to do.
    pub fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        self.help.push(help.into());
        self
    }
}

/// The plain, one-paragraph form: `file:line:column: message`, then notes and help on lines of their own.
/// The form with source lines is the user interface's (`cli::ui`).
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = &self.primary {
            let (line, column) = label.file.line_column(label.span.start);
            write!(f, "{}:{line}:{column}: ", label.file.name)?;
        }
        write!(f, "{}", self.message)?;
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        for help in &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
