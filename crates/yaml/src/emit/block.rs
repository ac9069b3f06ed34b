//! Block collections straight to bytes: what [`Emitter`] writes of documents without comments, anchors, tags and flow collections in
//! the way of go-yaml v2, without its stack of open collections. The caller knows how deep it is; all that is asked of the emitter
//! is how a scalar is written that is not one plain word or line.

use super::analysis::{class, classes_of};
use super::{Dialect, Emitter, Role, SIMPLE_KEY_MAX};
use crate::node::ScalarStyle;

/// Writes the collections of one document after the other.
pub struct BlockWriter {
    emitter: Emitter<'static>,
    /// A `-` (or a `:` on a line of its own) stands before the position, and what comes next stands beside it.
    beside: bool,
}

impl BlockWriter {
    /// A writer that appends to `out`.
    pub fn new(out: Vec<u8>) -> Self {
        Self { emitter: Emitter::new(Dialect::V2, out), beside: false }
    }

    /// What has been written.
    pub fn finish(self) -> Vec<u8> {
        self.emitter.finish()
    }

    /// Writes bytes that are whole lines.
    pub fn lines(&mut self, text: &str) {
        self.emitter.out.bytes.extend_from_slice(text.as_bytes());
    }

    /// Begins an item of a sequence that is indented by `indent`.
    pub fn item(&mut self, indent: usize) {
        self.begin(indent);
        self.emitter.out.put(b'-');
        self.beside = true;
    }

    /// Writes a key of a mapping that is indented by `indent`.
    pub fn key(&mut self, text: &str, style: ScalarStyle, indent: usize) {
        self.begin(indent);
        let classes = classes_of(text.as_bytes());
        if text.len() > SIMPLE_KEY_MAX || classes & (class::BREAK | class::HIGH) != 0 && text.contains(super::analysis::is_break) {
            return self.complex_key(text, classes, style, indent);
        }
        if style == ScalarStyle::Plain && is_plain(text, classes) {
            self.emitter.out.ascii(text);
        } else {
            self.placed(text, classes, style, Role::BlockKey { simple: true }, indent, true);
        }
        self.emitter.out.put(b':');
    }

    /// `? key` and `:`, each on a line of its own.
    fn complex_key(&mut self, text: &str, classes: u8, style: ScalarStyle, indent: usize) {
        self.emitter.out.put(b'?');
        self.beside = true;
        self.placed(text, classes, style, Role::BlockKey { simple: false }, indent, false);
        self.end_line();
        self.begin(indent);
        self.emitter.out.put(b':');
        self.beside = true;
    }

    /// Writes the scalar after a key or `-`, and ends the line. `indent` is that of the collection.
    pub fn scalar(&mut self, text: &str, style: ScalarStyle, indent: usize) {
        let classes = classes_of(text.as_bytes());
        let fits = self.emitter.out.column.saturating_add(text.len()) <= self.emitter.dialect.width;
        if style == ScalarStyle::Plain && fits && is_plain(text, classes) {
            self.emitter.out.put(b' ');
            self.emitter.out.ascii(text);
            self.beside = false;
            self.emitter.out.line_break();
        } else {
            self.placed(text, classes, style, Role::BlockValue, indent, false);
            self.end_line();
        }
    }

    /// Writes a plain scalar that is known to be a word of ASCII, as numbers are.
    pub fn word(&mut self, text: &str) {
        self.emitter.out.put(b' ');
        self.emitter.out.ascii(text);
        self.beside = false;
        self.emitter.out.line_break();
    }

    /// Begins a collection after a key or `-`: says by how much it is indented in a collection that is indented by `indent`.
    /// A sequence in a mapping is indented no further, unless it begins on the line of its `:`.
    pub fn open(&mut self, sequence_in_mapping: bool, indent: usize) -> usize {
        if self.beside {
            return indent + 2;
        }
        self.emitter.out.line_break();
        if sequence_in_mapping { indent } else { indent + 2 }
    }

    /// Goes to the indentation, or stays on the line of a `-`.
    fn begin(&mut self, indent: usize) {
        if std::mem::take(&mut self.beside) {
            self.emitter.out.put(b' ');
        } else {
            self.emitter.out.spaces_to(indent);
        }
    }

    /// A scalar of any kind, as the emitter writes it at this place.
    fn placed(&mut self, text: &str, classes: u8, style: ScalarStyle, role: Role, indent: usize, at_start: bool) {
        self.emitter.out.whitespace = at_start;
        self.emitter.out.indention = std::mem::take(&mut self.beside) || at_start;
        self.emitter.indent = indent as isize;
        self.emitter.placed(text, classes, style, role);
    }

    /// Ends the line, which a block scalar may have done already.
    fn end_line(&mut self) {
        let out = &mut self.emitter.out;
        if !out.indention || out.column > 0 {
            out.line_break();
        }
    }
}

/// Whether a text of these classes is written as it stands: it begins with a letter and holds nothing that could mean anything.
fn is_plain(text: &str, classes: u8) -> bool {
    let first_is_letter = text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
    first_is_letter && classes & !class::SPACE & !class::QUOTE == 0 && !text.ends_with(' ')
}
