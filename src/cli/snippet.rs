//! Diagnostics with their source lines, for people.
//!
//! Names become one line each, messages may have several (they are indented below the first); what a terminal would obey is
//! escaped in all of them, and in the source lines.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use hydrate_base::secret::without_passwords;
use hydrate_base::{Diagnostic, Frame, Label, Severity, SourceFile, plain};

/// The text of a diagnostic, whose messages name files by one line each: headline, source lines, the stack of templates, notes and help. No line break at the end.
pub fn render(diagnostic: &Diagnostic, color: bool) -> String {
    let diagnostic = &with_plain_names(diagnostic);
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let elements = snippets(diagnostic)
        .into_iter()
        .chain(diagnostic.frames.iter().flat_map(stack_level))
        .chain(diagnostic.notes.iter().map(|text| Level::NOTE.message(plain::text(text)).into()))
        .chain(diagnostic.help.iter().map(|text| Level::HELP.message(plain::text(text)).into()));
    let title = level.primary_title(plain::text(&diagnostic.message));
    let title = match diagnostic.code {
        Some(code) => title.id(code),
        None => title,
    };
    let group = Group::with_title(title).elements(elements);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    // A line that is shown may hold an address with a password in it.
    let shown = renderer.render(&[group]);
    let shown = without_passwords(&shown);
    if color { plain::colored(&shown).into_owned() } else { plain::text(&shown).into_owned() }
}

/// The diagnostic with the names of its files as one line each in its own sentences too.
fn with_plain_names(diagnostic: &Diagnostic) -> Diagnostic {
    let mut diagnostic = diagnostic.clone();
    let labels =
        diagnostic.primary.iter().chain(&diagnostic.secondary).chain(diagnostic.frames.iter().filter_map(|frame| frame.place.as_ref()));
    let names: Vec<Arc<SourceFile>> = labels.map(|label| Arc::clone(&label.file)).collect();
    for name in names.iter().map(|file| &file.name).filter(|name| plain::line(name) != **name) {
        let shown = plain::line(name);
        let texts = diagnostic.notes.iter_mut().chain(&mut diagnostic.help).chain([&mut diagnostic.message]);
        texts.for_each(|text| *text = text.replace(name.as_str(), &shown));
    }
    diagnostic
}

/// One snippet a file, the primary one's first.
fn snippets(diagnostic: &Diagnostic) -> Vec<Element<'_>> {
    let mut files: Vec<(&Arc<SourceFile>, Vec<(AnnotationKind, &Label)>)> = Vec::new();
    let primary = diagnostic.primary.iter().map(|label| (AnnotationKind::Primary, label));
    let secondary = diagnostic.secondary.iter().map(|label| (AnnotationKind::Context, label));
    for (kind, label) in primary.chain(secondary) {
        match files.iter_mut().find(|(file, _)| Arc::ptr_eq(file, &label.file)) {
            Some((_, labels)) => labels.push((kind, label)),
            None => files.push((&label.file, vec![(kind, label)])),
        }
    }
    files.into_iter().map(|(file, labels)| snippet(file, &labels)).collect()
}

fn stack_level(frame: &Frame) -> Vec<Element<'_>> {
    let mut elements = vec![Level::NOTE.message(format!("in {}", plain::line(&frame.what))).into()];
    if let Some(label) = &frame.place {
        let (line, column) = label.file.line_column(label.span.start);
        elements.push(Origin::path(plain::line(&label.file.name)).line(line).char_column(column).into());
    }
    elements
}

/// The lines that the labels touch. An empty file has no line to show, so it is only named.
fn snippet<'a>(file: &'a SourceFile, labels: &[(AnnotationKind, &'a Label)]) -> Element<'a> {
    let lines = window(file, labels);
    let bytes = file.text.get(lines.clone()).unwrap_or_default();
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Origin::path(plain::line(&file.name)).into();
    }
    let text = String::from_utf8_lossy(bytes);
    let (first, _) = file.line_column(lines.start);
    let annotations: Vec<Annotation<'a>> = labels
        .iter()
        .map(|(kind, label)| {
            let span = on_boundaries(&text, &lines, &label.span);
            let annotation = kind.span(span);
            if label.text.is_empty() { annotation } else { annotation.label(plain::line(&label.text)) }
        })
        .collect();
    Snippet::source(text).path(plain::line(&file.name)).line_start(first).annotations(annotations).into()
}

/// From the first line touched to the last; a file of megabytes is not shown whole.
fn window(file: &SourceFile, labels: &[(AnnotationKind, &Label)]) -> Range<usize> {
    let len = file.text.len();
    let start = labels.iter().map(|(_, label)| label.span.start).min().unwrap_or(0).min(len);
    let end = labels.iter().map(|(_, label)| label.span.end).max().unwrap_or(0).clamp(start, len);
    let before = file.text.get(..start).unwrap_or_default();
    let after = file.text.get(end..).unwrap_or_default();
    let first = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let last = memchr::memchr(b'\n', after).map_or(len, |at| end + at);
    first..last
}

/// The span within the shown text, on character boundaries: text that is not UTF-8 shifts when it is replaced.
fn on_boundaries(text: &str, lines: &Range<usize>, span: &Range<usize>) -> Range<usize> {
    let inside = |offset: usize| text.floor_char_boundary(offset.saturating_sub(lines.start).min(text.len()));
    let start = inside(span.start);
    start..inside(span.end).max(start)
}
