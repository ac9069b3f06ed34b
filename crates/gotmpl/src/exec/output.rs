//! What an execution wrote, and for each byte where it came from.

use std::sync::Arc;

use crate::parse::node::Tree;
use hydrate_base::SourceFile;

/// Rendered bytes with their origin.
#[derive(Debug, Default)]
pub struct Output {
    /// What was written.
    pub bytes: Vec<u8>,
    spans: Vec<Span>,
    files: Vec<Arc<SourceFile>>,
}

/// Where a run of output came from; it ends where the next one starts.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    file: u32,
    offset: u32,
    /// Whether each further byte of output is the next byte of the source (text), or all of it came from one action.
    text: bool,
}

/// The origin of a byte of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'o> {
    /// The text of the template.
    pub file: &'o Arc<SourceFile>,
    /// The byte in it: of the very character for text, of the action for what an action printed.
    pub offset: usize,
}

impl Output {
    /// Where a byte of the output came from.
    pub fn origin(&self, at: usize) -> Option<Origin<'_>> {
        let after = self.spans.partition_point(|span| span.start <= at);
        let span = after.checked_sub(1).and_then(|index| self.spans.get(index))?;
        let file = self.files.get(span.file as usize)?;
        let offset = span.offset as usize + if span.text { at - span.start } else { 0 };
        (at < self.bytes.len()).then_some(Origin { file, offset })
    }

    /// How many runs of bytes with a common origin there are.
    pub fn runs(&self) -> usize {
        self.spans.len()
    }
}

/// Notes origins while the executor writes.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub output: Output,
    /// The file of the last run: most runs come from the same one.
    last: Option<(*const SourceFile, u32)>,
}

impl Recorder {
    /// What is written from now on comes from `offset` of the tree's text.
    pub(super) fn note(&mut self, start: usize, tree: &Tree, offset: u32, text: bool) {
        let file = self.file(&tree.file);
        self.output.spans.push(Span { start, file, offset, text });
    }

    fn file(&mut self, file: &Arc<SourceFile>) -> u32 {
        let address = Arc::as_ptr(file);
        if let Some((known, index)) = self.last
            && known == address
        {
            return index;
        }
        let at = self.output.files.iter().position(|known| Arc::ptr_eq(known, file)).unwrap_or_else(|| {
            self.output.files.push(Arc::clone(file));
            self.output.files.len() - 1
        });
        let index = u32::try_from(at).unwrap_or(u32::MAX);
        self.last = Some((address, index));
        index
    }
}
