//! From a byte that a template wrote to the node that wrote it, through the templates that were included.

use std::ops::Range;
use std::sync::Arc;

use hydrate_base::SourceFile;
use hydrate_gotmpl::trace::{Execution, Piece, ScopeKind, Trace};

/// What Helm calls a text that is given to `tpl`.
const GIVEN: &str = "gotpl";

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) file: Arc<SourceFile>,
    pub(super) offset: usize,
}

/// Where a byte comes from.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// The node that wrote it.
    pub(super) spot: Spot,
    /// Whether it lies in a text that was given to `tpl`; then the node is the one that gave it.
    pub(super) is_given: bool,
    /// Where what was executed within something was asked for, innermost first.
    pub(super) stack: Vec<Spot>,
    /// What stands around the node, innermost first.
    pub(super) around: Vec<(ScopeKind, Spot)>,
}

/// Where each part of a line comes from, the first that is no space first; each node once.
pub(super) fn of_line(trace: &Trace, line: Range<usize>) -> Vec<Written> {
    let Some(root) = trace.executions.first() else { return Vec::new() };
    let bytes = root.bytes.get(line.clone()).unwrap_or_default();
    let mut all: Vec<Written> = Vec::new();
    let mut at = line.start + bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    while at < line.end {
        let Some(number) = piece_at(root, at) else { break };
        let end = root.range(number).end.min(line.end);
        let written = root.bytes.get(at..end).unwrap_or_default();
        let first = written.iter().position(|byte| !byte.is_ascii_whitespace());
        if let Some(written) = first.and_then(|first| written_at(trace, 0, at + first))
            && all.iter().all(|known| known.spot != written.spot)
        {
            all.push(written);
        }
        at = end.max(at + 1);
    }
    all
}

/// The reads that took place for a line.
pub(super) fn reads_of(trace: &Trace, line: Range<usize>) -> Vec<u32> {
    let Some(root) = trace.executions.first() else { return Vec::new() };
    let mut all = Vec::new();
    for (number, piece) in root.pieces.iter().enumerate() {
        let range = root.range(number);
        if range.start < line.end && range.end > line.start && !range.is_empty() {
            all.extend(trace.log.get(piece.reads.clone()).unwrap_or_default());
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn piece_at(execution: &Execution, at: usize) -> Option<usize> {
    // Of pieces that begin at the same byte all but the last are empty.
    execution.pieces.partition_point(|piece| piece.start <= at).checked_sub(1)
}

fn written_at(trace: &Trace, number: usize, at: usize) -> Option<Written> {
    let execution = trace.executions.get(number)?;
    let index = piece_at(execution, at)?;
    let piece = execution.pieces.get(index)?;
    let range = execution.range(index);
    let offset = piece.offset + if piece.is_text { at - range.start } else { 0 };
    let spot = Spot { file: Arc::clone(&piece.file), offset };
    let (around, templates) = around(trace, piece.scope);
    let inner = if piece.is_text { None } else { inner(trace, number, piece, range, at) };
    let mut written = match inner {
        Some(mut inner) if !inner.is_given => {
            inner.stack.push(spot);
            inner.stack.extend(templates);
            inner.around.extend(around);
            inner
        }
        inner => Written { spot, is_given: inner.is_some(), stack: templates, around },
    };
    if written.spot.file.name == GIVEN {
        written.is_given = true;
    }
    Some(written)
}

/// What stands around a piece, and the calls of `template` that lead to it.
fn around(trace: &Trace, mut scope: Option<usize>) -> (Vec<(ScopeKind, Spot)>, Vec<Spot>) {
    let (mut around, mut templates) = (Vec::new(), Vec::new());
    while let Some(found) = scope.and_then(|number| trace.scopes.get(number)) {
        let spot = Spot { file: Arc::clone(&found.file), offset: found.offset };
        if found.kind == ScopeKind::Template {
            templates.push(spot);
        } else {
            around.push((found.kind, spot));
        }
        scope = found.outer;
    }
    (around, templates)
}

/// A part of what an execution wrote.
struct Source {
    execution: usize,
    line: Range<usize>,
}

/// What was executed within an action and wrote the line that the action printed at a byte.
fn inner(trace: &Trace, number: usize, piece: &Piece, range: Range<usize>, at: usize) -> Option<Written> {
    let printed = trace.executions.get(number)?.bytes.get(range.clone())?;
    let own = |execution: &usize| trace.executions.get(*execution).is_some_and(|inner| inner.parent == Some(number));
    let within: Vec<usize> = piece.executions.clone().filter(own).collect();
    // What was kept in a variable was executed for another node, further up.
    let is_earlier = within.is_empty();
    let candidates = match is_earlier {
        false => within,
        true if has_variable(piece) => (1..piece.executions.start).filter(|inner| is_above(trace, number, *inner)).collect(),
        true => return None,
    };
    let sources: Vec<Source> = candidates.iter().flat_map(|execution| lines_of(trace, *execution)).collect();
    if sources.is_empty() {
        return None;
    }
    let text =
        |source: &Source| trace.executions.get(source.execution).and_then(|found| found.bytes.get(source.line.clone())).unwrap_or_default();
    let lines: Vec<Range<usize>> = split(printed);
    let wanted = lines.iter().position(|line| range.start + line.start <= at && at <= range.start + line.end)?;
    let mut next = 0;
    let mut found = None;
    for (index, line) in lines.iter().enumerate().take(wanted + 1) {
        let line = printed.get(line.clone()).unwrap_or_default().trim_ascii();
        let same = |source: &Source| text(source).trim_ascii() == line;
        let place = sources.iter().skip(next).position(same).map(|place| next + place);
        if index == wanted {
            found = place.or_else(|| sources.iter().position(same));
        } else if let Some(place) = place.filter(|_| !line.is_empty()) {
            next = place + 1;
        }
    }
    if found.is_none() && lines.len() == 1 && !is_earlier {
        let line = printed.trim_ascii();
        let is_part = |source: &Source| {
            let text = text(source).trim_ascii();
            text.len() > 1 && memchr::memmem::find(line, text).is_some() || line.len() > 1 && memchr::memmem::find(text, line).is_some()
        };
        found = sources.iter().position(is_part);
    }
    let source = sources.get(found?)?;
    let first = text(source).iter().position(|byte| !byte.is_ascii_whitespace())?;
    written_at(trace, source.execution, source.line.start + first)
}

/// Whether an action names a variable, which may hold what was executed before.
fn has_variable(piece: &Piece) -> bool {
    let rest = piece.file.text.get(piece.offset..).unwrap_or_default();
    let end = memchr::memmem::find(rest, b"}}").unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().windows(2).any(|pair| pair[0] == b'$' && (pair[1].is_ascii_alphabetic() || pair[1] == b'_'))
}

/// Whether an execution took place in this one, or in one that this one is in, and was over before.
fn is_above(trace: &Trace, number: usize, inner: usize) -> bool {
    let Some(parent) = trace.executions.get(inner).and_then(|inner| inner.parent) else { return false };
    let (mut around, mut has_parent) = (Some(number), false);
    while let Some(execution) = around {
        if execution == inner {
            return false;
        }
        has_parent |= execution == parent;
        around = trace.executions.get(execution).and_then(|execution| execution.parent);
    }
    has_parent
}

fn lines_of(trace: &Trace, number: usize) -> Vec<Source> {
    let bytes = trace.executions.get(number).map_or(&[][..], |execution| &execution.bytes);
    let is_something = |line: &Range<usize>| bytes.get(line.clone()).is_some_and(|line| !line.trim_ascii().is_empty());
    split(bytes).into_iter().filter(is_something).map(|line| Source { execution: number, line }).collect()
}

/// The lines of a text, without their breaks.
pub(super) fn split(text: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        lines.push(start..end);
        start = end + 1;
    }
    if start < text.len() {
        lines.push(start..text.len());
    }
    lines
}
