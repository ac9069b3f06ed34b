//! What is wrong, and how it is told: the rendered file, the line, where it came from.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::tree::{CRDS, Files, NAMESPACES};
use hydrate_base::{Diagnostic, Label, Severity, SourceFile, place};
use hydrate_yaml::node::{Node, ScalarStyle};

use super::objects::Object;
use super::value;

/// A reference that leads nowhere.
#[derive(Debug)]
pub struct Finding<'a> {
    /// The object that refers.
    pub object: &'a Object<'a>,
    /// The node of the object that refers.
    pub node: &'a Node,
    /// The bytes of the node's text that do, where it is not all of it.
    pub part: Option<Range<usize>>,
    /// Whether it is certain that this does not work; else it is a warning.
    pub certain: bool,
    /// What is wrong, in one sentence.
    pub message: String,
    /// A remark beside the place, such as what was probably meant.
    pub remark: String,
    /// Facts.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
    /// A text of its own that was read inside the node (a query), with the place in it.
    pub inner: Option<Label>,
}

impl<'a> Finding<'a> {
    /// A finding about a node of an object.
    pub fn new(object: &'a Object<'a>, node: &'a Node, message: impl Into<String>) -> Self {
        Self {
            object,
            node,
            part: None,
            certain: true,
            message: message.into(),
            remark: String::new(),
            notes: Vec::new(),
            help: Vec::new(),
            inner: None,
        }
    }

    /// Narrows it to a part of the node's text.
    #[must_use]
    pub fn part(mut self, part: Range<usize>) -> Self {
        self.part = Some(part);
        self
    }

    /// Sets the remark beside the place: `did you mean …?`
    #[must_use]
    pub fn meant(mut self, name: Option<&str>) -> Self {
        self.remark = name.map(|name| format!("did you mean `{name}`?")).unwrap_or_default();
        self
    }

    /// Makes it a warning, where it may work all the same.
    #[must_use]
    pub fn certain(mut self, certain: bool) -> Self {
        self.certain = certain;
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The diagnostic, pointing into the rendered file.
    pub fn diagnostic(self, written: &Written<'_>) -> Box<Diagnostic> {
        let (file, start) = written.place(self.object);
        let span = self.span(file.text.get(start..).unwrap_or_default());
        let mut diagnostic = Diagnostic::error(self.message).at(&file, start + span.start..start + span.end, self.remark);
        diagnostic.severity = if self.certain { Severity::Error } else { Severity::Warning };
        diagnostic.secondary.extend(self.inner);
        if let Some(path) = value::path(&self.object.root, self.node).filter(|path| !path.is_empty()) {
            diagnostic = diagnostic.note(format!("at {path}"));
        }
        let Object { component, document, .. } = self.object;
        diagnostic.notes.extend(self.notes);
        diagnostic.help = self.help;
        diagnostic.note(format!("component {component}, {}", document.origin))
    }

    /// The bytes meant, in the document's text.
    fn span(&self, text: &[u8]) -> Range<usize> {
        let text = std::str::from_utf8(text).unwrap_or_default();
        let start = place::byte_at(text.as_bytes(), self.node.line, self.node.column);
        match &self.part {
            None => place::token(text.as_bytes(), start, self.node.as_str()),
            Some(part) => self.part_span(text, start, part),
        }
    }

    fn part_span(&self, text: &str, start: usize, part: &Range<usize>) -> Range<usize> {
        let scalar = self.node.as_str().unwrap_or_default();
        let Some(wanted) = scalar.get(part.clone()) else { return start..start };
        let before = scalar.get(..part.start).unwrap_or_default();
        // The lines of a literal block are those of the text; anything else was folded or escaped on the way.
        let literal = self.node.style.scalar == ScalarStyle::Literal;
        let line = if literal { self.node.line + 1 + lines(before) } else { self.node.line };
        let from = if literal { place::byte_at(text.as_bytes(), line, 1) } else { start };
        let same_line = before.rsplit('\n').next().unwrap_or_default();
        let nth = same_line.matches(wanted).count();
        let rest = text.get(from..).unwrap_or_default();
        match rest.match_indices(wanted).nth(nth).or_else(|| rest.match_indices(wanted).next()) {
            Some((at, _)) => from + at..from + at + wanted.len(),
            None => place::token(text.as_bytes(), start, None),
        }
    }
}

fn lines(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

/// The files that the objects are written to.
#[derive(Debug)]
pub struct Written<'a> {
    /// The environment's directory as it is shown to users.
    pub shown: String,
    /// Its directories.
    pub dirs: &'a BTreeMap<String, Files>,
    /// The directory of what hands the environment over, as it is shown to users: it stands for a component.
    pub clusters: String,
    /// Its files.
    pub handover: Option<&'a Files>,
}

impl Written<'_> {
    /// The file that holds an object, and the byte at which the object starts in it.
    fn place(&self, object: &Object<'_>) -> (Arc<SourceFile>, usize) {
        let text = object.document.text.as_bytes();
        let own = self.dirs.get_key_value(object.component);
        // Namespaces and CRDs of all components are in directories of their own.
        let shared = self.dirs.iter().filter(|(name, _)| *name == NAMESPACES || *name == CRDS);
        let dirs = own.into_iter().chain(shared).map(|(dir, files)| (format!("{}/{dir}", self.shown), files));
        let all = dirs.chain(self.handover.map(|files| (self.clusters.clone(), files)));
        let found = all.flat_map(|(dir, files)| files.iter().map(move |(name, content)| (format!("{dir}/{name}"), content)));
        let start = |name: &str, content: &[u8]| if content == text { Some(0) } else { within(name, content, text) };
        match found.into_iter().find_map(|(name, content)| Some((start(&name, content)?, name, content))) {
            Some((start, name, content)) => (SourceFile::new(name, Arc::clone(content)), start),
            None => (SourceFile::new(object.document.origin.to_string(), text), 0),
        }
    }
}

/// Where an object stands in a file that holds several.
fn within(name: &str, content: &[u8], text: &[u8]) -> Option<usize> {
    name.ends_with("/manifest.yaml").then(|| memchr::memmem::find(content, text)).flatten()
}
