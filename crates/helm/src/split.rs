//! Splitting what a template wrote into documents, as each level does, and white space as Go has it.

use std::ops::Range;

use hydrate_chart::Level;

/// The documents of a rendered file as byte ranges, trimmed as the level trims them.
pub(super) fn split(content: &[u8], level: Level) -> Vec<Range<usize>> {
    match level {
        Level::V3 => split_3(content),
        Level::V4 => split_4(content),
    }
}

/// Go's `strings.TrimSpace`.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let range = trimmed(text, 0..text.len());
    text.get(range).unwrap_or_default()
}

/// The text without white space at its end.
pub(super) fn trim_end(text: &[u8]) -> &[u8] {
    let range = right_trimmed(text, 0..text.len());
    text.get(range).unwrap_or_default()
}

fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    right_trimmed(text, left_trimmed(text, range))
}

fn right_trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let mut end = range.end;
    while end > range.start
        && let Some(width) = space_before(text, range.start, end)
    {
        end -= width;
    }
    range.start..end
}

fn left_trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let mut start = range.start;
    while start < range.end
        && let Some(width) = space_at(text, start)
    {
        start += width;
    }
    start.min(range.end)..range.end
}

/// The white spaces of Unicode beyond ASCII, as `unicode.IsSpace` has them.
const WIDE_SPACES: [&str; 19] = [
    "\u{85}", "\u{a0}", "\u{1680}", "\u{2000}", "\u{2001}", "\u{2002}", "\u{2003}", "\u{2004}", "\u{2005}", "\u{2006}", "\u{2007}",
    "\u{2008}", "\u{2009}", "\u{200a}", "\u{2028}", "\u{2029}", "\u{202f}", "\u{205f}", "\u{3000}",
];

fn space_at(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'\t'..=b'\r' | b' ' => Some(1),
        0x80.. => {
            let rest = text.get(at..)?;
            WIDE_SPACES.iter().find(|space| rest.starts_with(space.as_bytes())).map(|space| space.len())
        }
        _ => None,
    }
}

fn space_before(text: &[u8], start: usize, end: usize) -> Option<usize> {
    match text.get(end.checked_sub(1)?)? {
        b'\t'..=b'\r' | b' ' => Some(1),
        0x80.. => {
            let before = text.get(start..end)?;
            WIDE_SPACES.iter().find(|space| before.ends_with(space.as_bytes())).map(|space| space.len())
        }
        _ => None,
    }
}

/// Separators are `(?m)^---[ \t]*`; documents lose the white space at their front only.
fn split_4(content: &[u8]) -> Vec<Range<usize>> {
    let whole = left_trimmed(content, 0..content.len());
    let mut documents = Vec::new();
    let mut start = whole.start;
    let mut line = whole.start;
    loop {
        if content.get(line..).is_some_and(|rest| rest.starts_with(b"---")) {
            keep(&mut documents, content, start..line);
            start = line + 3;
            while matches!(content.get(start), Some(b' ' | b'\t')) {
                start += 1;
            }
        }
        match memchr::memchr(b'\n', content.get(line..).unwrap_or_default()) {
            Some(at) => line += at + 1,
            None => break,
        }
    }
    keep(&mut documents, content, start..content.len());
    documents
}

fn keep(documents: &mut Vec<Range<usize>>, content: &[u8], range: Range<usize>) {
    let document = left_trimmed(content, range.start.min(range.end)..range.end);
    if !document.is_empty() {
        documents.push(document);
    }
}

/// Separators are `(?:^|\s*\n)---\s*`; documents lose the white space at both ends.
fn split_3(content: &[u8]) -> Vec<Range<usize>> {
    let whole = trimmed(content, 0..content.len());
    let mut documents = Vec::new();
    let mut start = whole.start;
    let mut line = whole.start;
    let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
    while line < whole.end {
        let at_separator = content.get(line..whole.end).is_some_and(|rest| rest.starts_with(b"---"));
        // Only a line break or the very start makes a separator, not the end of the one before.
        if at_separator && (line == whole.start || line > start) {
            let mut end = line;
            while end > start && content.get(end - 1).is_some_and(is_space) {
                end -= 1;
            }
            push_trimmed(&mut documents, content, start..end);
            start = line + 3;
            while start < whole.end && content.get(start).is_some_and(is_space) {
                start += 1;
            }
            line = start;
        }
        match memchr::memchr(b'\n', content.get(line..whole.end).unwrap_or_default()) {
            Some(at) => line += at + 1,
            None => break,
        }
    }
    push_trimmed(&mut documents, content, start..whole.end);
    documents
}

/// An empty piece is dropped before it is trimmed; one of white space alone would be kept, but cannot occur.
fn push_trimmed(documents: &mut Vec<Range<usize>>, content: &[u8], range: Range<usize>) {
    if range.start < range.end {
        documents.push(trimmed(content, range));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use hydrate_sprig::regex::GoRegex;
    use hydrate_yaml::emit::{Dialect, write_document};
    use hydrate_yaml::node::Document;

    fn documents(content: &str, level: Level) -> Vec<&str> {
        split(content.as_bytes(), level).into_iter().map(|range| &content[range]).collect()
    }

    #[test]
    fn helm_3_trims_both_ends() {
        assert_eq!(documents("\n---\na: 1\n\n---   \n\n  b: 2\n\n", Level::V3), ["a: 1", "b: 2"]);
        assert_eq!(documents("a: 1\n--- # c\nb: 2", Level::V3), ["a: 1", "# c\nb: 2"]);
        // A separator swallows the line break that the next one would need before it.
        assert_eq!(documents("---\n---\n---\na", Level::V3), ["---", "a"]);
        assert_eq!(documents("a: |\n  ---\nb: 1", Level::V3), ["a: |\n  ---\nb: 1"]);
    }

    #[test]
    fn helm_4_trims_the_front_only() {
        assert_eq!(documents("\n---\na: 1\n\n---   \n\n  b: 2\n\n", Level::V4), ["a: 1\n\n", "b: 2\n\n"]);
        assert_eq!(documents("---\n---\n \n", Level::V4), [""; 0]);
        assert_eq!(documents("-----BEGIN\nx", Level::V4), ["--BEGIN\nx"]);
    }

    /// Documents as Helm's own expression splits them: the reference for any bytes.
    fn by_expression(content: &str, level: Level) -> Vec<&str> {
        let (expression, whole) = match level {
            Level::V3 => (r"(?:^|\s*\n)---\s*", content.trim()),
            Level::V4 => (r"(?m)^---[ \t]*", content.trim_start()),
        };
        let separator = GoRegex::new(expression.as_bytes()).expect("an expression of Helm's");
        let pieces = separator.split(whole.as_bytes(), -1, false);
        let pieces = pieces.into_iter().map(|piece| std::str::from_utf8(piece).expect("a part of a text"));
        match level {
            Level::V3 => pieces.filter(|piece| !piece.is_empty()).map(str::trim).collect(),
            Level::V4 => pieces.map(str::trim_start).filter(|piece| !piece.is_empty()).collect(),
        }
    }

    proptest! {
        #[test]
        fn any_text_is_split_as_the_expression_splits_it(pieces in prop::collection::vec(prop_oneof![
            Just("---"), Just("--"), Just("-"), Just("\n"), Just("\r\n"), Just("\n\n"), Just(" "), Just("\t"), Just("\x0b"), Just("\u{a0}"), Just("a: 1"),
            Just("# c"), Just("b"),
        ], 0..24)) {
            let content = pieces.concat();
            prop_assert_eq!(documents(&content, Level::V3), by_expression(&content, Level::V3));
            prop_assert_eq!(documents(&content, Level::V4), by_expression(&content, Level::V4));
        }

        #[test]
        fn documents_of_a_stream_are_those_of_the_parser(
            bodies in prop::collection::vec("[a-c]: ([0-9]|x|\"---\"|\\|-\n  ---\n  y|\\[1, 2\\])(\n[d-f]: # c)?", 1..6),
            breaks in prop::collection::vec(prop_oneof![Just("\n---\n"), Just("\n--- \t\n"), Just("\n\n---\n\n")], 6),
            first in prop_oneof![Just(""), Just("---\n")],
        ) {
            let join = |stream: String, (body, separator): (&String, &&str)| match stream == first {
                true => stream + body,
                false => stream + separator + body,
            };
            let stream = bodies.iter().zip(&breaks).fold(first.to_owned(), join) + "\n";
            let whole = nodes(&stream);
            prop_assert_eq!(whole.len(), bodies.len());
            for level in [Level::V3, Level::V4] {
                let pieces: Vec<_> = documents(&stream, level).into_iter().flat_map(nodes).collect();
                prop_assert_eq!(&pieces, &whole);
            }
        }
    }

    /// What the parser reads of a stream, each document written in one way.
    fn nodes(stream: &str) -> Vec<String> {
        let written = |document: &Document| {
            let mut text = Vec::new();
            write_document(document, Dialect::KUSTOMIZE, &mut text).expect("writable");
            String::from_utf8(text).expect("UTF-8")
        };
        hydrate_yaml::compose(stream.as_bytes()).expect("YAML").iter().map(written).collect()
    }
}
