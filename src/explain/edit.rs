//! Changing one value in the text of a file, to see what that changes.

use hydrate_base::place;
use hydrate_yaml::node::{Data, Node, ScalarStyle, Tag};

/// What stands in the place of what is not said otherwise.
const OTHER: &str = "hydrate";

/// The text with another value in the place of a node that was read from it, in the order in which they are worth trying.
pub(super) fn variants(text: &[u8], node: &Node) -> Vec<Vec<u8>> {
    if node.line == 0 {
        return Vec::new();
    }
    let start = after_properties(text, place::byte_at(text, node.line, node.column));
    let rest = text.get(start..).unwrap_or_default();
    let replaced = |length: usize, with: &str| {
        [text.get(..start).unwrap_or_default(), with.as_bytes(), text.get(start + length..).unwrap_or_default()].concat()
    };
    match &node.data {
        Data::Mapping(entries) if entries.is_empty() => {
            let length = closing(rest, b'}');
            length.map(|length| replaced(length, &format!("{{{OTHER}: {OTHER}}}"))).into_iter().collect()
        }
        Data::Sequence(items) if items.is_empty() => {
            let others = [format!("[{OTHER}]"), format!("[{{name: {OTHER}}}]")];
            closing(rest, b']').map(|length| others.map(|other| replaced(length, &other)).to_vec()).unwrap_or_default()
        }
        Data::Scalar(value) => match node.style.scalar {
            ScalarStyle::Literal | ScalarStyle::Folded => in_block(text, start),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let length = quoted_length(rest);
                let inside = rest.get(1..length.saturating_sub(1)).and_then(|inside| std::str::from_utf8(inside).ok());
                let quote = if node.style.scalar == ScalarStyle::SingleQuoted { '\'' } else { '"' };
                let others = inside.map(other_texts).unwrap_or_default();
                others.iter().map(|other| replaced(length, &format!("{quote}{other}{quote}"))).collect()
            }
            ScalarStyle::Plain if value.is_empty() => vec![replaced(0, &format!(" {OTHER}")), replaced(0, " true")],
            ScalarStyle::Plain if rest.starts_with(value.as_bytes()) => {
                other_plains(value, node.tag).iter().map(|other| replaced(value.len(), other)).collect()
            }
            // It goes on over several lines.
            ScalarStyle::Plain => vec![replaced(0, "x")],
        },
        _ => Vec::new(),
    }
}

/// An anchor and a tag stand before what they belong to.
fn after_properties(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b'&' | b'!')) {
        let rest = text.get(at..).unwrap_or_default();
        let word = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let space = rest.iter().skip(word).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        at += word + space;
    }
    at
}

/// How long an empty collection is, comments aside.
fn closing(rest: &[u8], end: u8) -> Option<usize> {
    let length = rest.iter().position(|byte| *byte == end)? + 1;
    let inside = rest.get(1..length - 1)?;
    inside.iter().all(u8::is_ascii_whitespace).then_some(length)
}

fn quoted_length(rest: &[u8]) -> usize {
    let quote = rest.first().copied();
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' if quote == Some(b'"') => at += 1,
            b'\'' if quote == Some(b'\'') && rest.get(at + 1) == Some(&b'\'') => at += 1,
            _ if Some(byte) == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    rest.len()
}

fn other_plains(value: &str, tag: Tag) -> Vec<String> {
    match tag {
        Tag::Bool => {
            let is_on = matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y");
            vec![(!is_on).to_string()]
        }
        Tag::Int | Tag::Float => {
            let mut others = vec![bumped(value), Some(format!("{value}1"))];
            others.retain(|other| other.as_deref() != Some(value));
            others.into_iter().flatten().collect()
        }
        Tag::Null => vec![OTHER.to_owned(), "true".to_owned(), format!("{{{OTHER}: {OTHER}}}"), format!("[{OTHER}]")],
        _ => other_texts(value),
    }
}

/// Other texts of the same kind first: another last digit, then something behind it.
pub(super) fn other_texts(text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec![OTHER.to_owned(), "1".to_owned()];
    }
    let flipped = match text {
        "true" => Some("false".to_owned()),
        "false" => Some("true".to_owned()),
        _ => None,
    };
    let behind = [format!("{text}x"), format!("x{text}")];
    flipped.into_iter().chain(bumped(text)).chain(behind).collect()
}

/// The text with another last digit.
fn bumped(text: &str) -> Option<String> {
    let at = text.rfind(|c: char| c.is_ascii_digit())?;
    let digit = text.as_bytes().get(at)? - b'0';
    let other = if digit == 9 { 8 } else { digit + 1 };
    Some(format!("{}{other}{}", &text[..at], &text[at + 1..]))
}

/// A block scalar with something more at the end of its first line, or of its last.
fn in_block(text: &[u8], start: usize) -> Vec<Vec<u8>> {
    let mut ends = Vec::new();
    let own_indent = place::line_range(text, place::line_column(text, start).0);
    let indent = indentation(text.get(own_indent.clone()).unwrap_or_default());
    let mut at = own_indent.end + 1;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |found| at + found);
        let line = text.get(at..end).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            if indentation(line) <= indent {
                break;
            }
            ends.push(at + line.trim_ascii_end().len());
        }
        at = end + 1;
    }
    let with = |end: &usize| [&text[..*end], b"x", &text[*end..]].concat();
    let mut all: Vec<_> = ends.first().map(with).into_iter().collect();
    all.extend(ends.last().filter(|_| ends.len() > 1).map(with));
    all
}

fn indentation(line: &[u8]) -> usize {
    line.iter().take_while(|byte| **byte == b' ').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, key: &str) -> Vec<String> {
        let documents = hydrate_yaml::compose(text.as_bytes()).unwrap();
        let node = documents[0].root.as_ref().unwrap().get(key).unwrap();
        let all = variants(text.as_bytes(), node).into_iter().map(|text| String::from_utf8(text).unwrap());
        all.map(|other| {
            let changed = other.lines().zip(text.lines()).find(|(other, line)| other != line);
            changed.map(|(other, _)| other.to_owned()).unwrap_or(other)
        })
        .collect()
    }

    #[test]
    fn every_form_of_a_value_can_be_changed() {
        for (text, key, expected) in [
            ("a: 1\n", "a", "a: 2"),
            ("a: v1.9 # c\n", "a", "a: v1.8 # c"),
            ("a: abc\n", "a", "a: abcx"),
            ("a: \"q\\\"\"\n", "a", "a: \"q\\\"x\""),
            ("a: 'it''s' # c\n", "a", "a: 'it''sx' # c"),
            ("a: true\n", "a", "a: false"),
            ("a: \"false\"\n", "a", "a: \"true\""),
            ("a: {} # c\n", "a", "a: {hydrate: hydrate} # c"),
            ("a: []\n", "a", "a: [hydrate]"),
            ("a: null\n", "a", "a: hydrate"),
            ("a: &x 5\n", "a", "a: &x 6"),
            ("a: !!str 5\n", "a", "a: !!str 6"),
            ("a: |\n  one\n  two\nb: 1\n", "a", "  onex"),
        ] {
            assert_eq!(first(text, key).first().map(String::as_str), Some(expected), "{text}");
        }
        assert_eq!(first("a: |\n  one\n\n  two\nb: 1\n", "a"), ["  onex", "  twox"]);
    }

    #[test]
    fn what_is_there_but_empty_gets_something() {
        assert_eq!(first("a:\nb: 1\n", "a").first().map(String::as_str), Some("a: hydrate"));
    }
}
