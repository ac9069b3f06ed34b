//! Functions of texts. Characters are what Unicode calls grapheme clusters.

use unicode_segmentation::UnicodeSegmentation;

use super::super::value::{Outcome, Value};
use super::{int_at, text_at};

/// A text that a function makes may be this long.
pub(super) const LONGEST: usize = 16 << 20;

fn made(text: impl AsRef<str>) -> Outcome {
    let text = text.as_ref();
    if text.len() > LONGEST { Err(format!("the text would have more than {LONGEST} bytes")) } else { Ok(Value::string(text)) }
}

/// Each character by itself, as Go does it: what would become two stays.
fn mapped(text: &str, map: fn(char) -> Option<char>) -> String {
    text.chars().map(|character| map(character).unwrap_or(character)).collect()
}

fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next();
    first.filter(|_| characters.next().is_none())
}

pub(super) fn upper(arguments: &[Value]) -> Outcome {
    made(mapped(text_at(arguments, 0)?, |character| single(character.to_uppercase())))
}

pub(super) fn lower(arguments: &[Value]) -> Outcome {
    made(mapped(text_at(arguments, 0)?, |character| if character == 'İ' { Some('i') } else { single(character.to_lowercase()) }))
}

/// Go's `strings.Title`: a capital after what is no part of a word.
pub(super) fn title(arguments: &[Value]) -> Outcome {
    let is_separator = |character: char| {
        if character.is_ascii() {
            return !character.is_ascii_alphanumeric() && character != '_';
        }
        !character.is_alphanumeric() && character.is_whitespace()
    };
    let mut before = ' ';
    let title = text_at(arguments, 0)?.chars().map(|character| {
        let starts = is_separator(std::mem::replace(&mut before, character));
        if starts { single(character.to_uppercase()).unwrap_or(character) } else { character }
    });
    made(title.collect::<String>())
}

pub(super) fn strrev(arguments: &[Value]) -> Outcome {
    made(text_at(arguments, 0)?.graphemes(true).rev().collect::<String>())
}

pub(super) fn strlen(arguments: &[Value]) -> Outcome {
    Ok(Value::integer(text_at(arguments, 0)?.graphemes(true).count()))
}

/// A negative offset counts from the end; a negative length is all that is left.
pub(super) fn substr(arguments: &[Value]) -> Outcome {
    let (text, offset, length) = (text_at(arguments, 0)?, int_at(arguments, 1)?, int_at(arguments, 2)?);
    if offset >= 0 && length == 0 {
        return made("");
    }
    let characters: Vec<&str> = text.graphemes(true).collect();
    let offset = if offset < 0 { offset.saturating_add(characters.len() as i64) } else { offset };
    let rest = characters.get(usize::try_from(offset).unwrap_or(0)..).unwrap_or_default();
    // A length of zero, which only a negative offset leads to, never stops the count.
    let count = usize::try_from(length).ok().filter(|count| *count > 0).unwrap_or(usize::MAX);
    made(rest.iter().take(count).copied().collect::<String>())
}

pub(super) fn join(arguments: &[Value]) -> Outcome {
    let separator = text_at(arguments, 0)?;
    let lists = arguments.get(1..).filter(|lists| !lists.is_empty()).ok_or("at least one list is required")?;
    let mut items = Vec::new();
    let mut bytes = 0;
    for item in lists.iter().flat_map(|list| list.items().unwrap_or_default()) {
        let Value::String(text) = item else { return Err("an item is null".to_owned()) };
        bytes += text.len() + separator.len();
        if bytes > LONGEST + separator.len() {
            return Err(format!("the text would have more than {LONGEST} bytes"));
        }
        items.push(text.as_ref());
    }
    made(items.join(separator))
}

/// With no separator there is an item for each code point.
pub(super) fn split(arguments: &[Value]) -> Outcome {
    let (separator, text) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    if separator.is_empty() {
        return Value::strings(text.chars().map(|character| Value::string(character.encode_utf8(&mut [0; 4]))));
    }
    Value::strings(text.split(separator).map(Value::string))
}

pub(super) fn chomp(arguments: &[Value]) -> Outcome {
    made(text_at(arguments, 0)?.trim_end_matches(['\r', '\n']))
}

pub(super) fn indent(arguments: &[Value]) -> Outcome {
    let (spaces, text) = (int_at(arguments, 0)?, text_at(arguments, 1)?);
    let spaces = usize::try_from(spaces).map_err(|_| "the number of spaces is negative")?;
    let lines = text.matches('\n').count();
    if spaces.saturating_mul(lines.max(1)).saturating_add(text.len()) > LONGEST {
        return Err(format!("the text would have more than {LONGEST} bytes"));
    }
    made(text.replace('\n', &format!("\n{}", " ".repeat(spaces))))
}

pub(super) fn trim(arguments: &[Value]) -> Outcome {
    let (text, cutset) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    made(text.trim_matches(|character| cutset.contains(character)))
}

pub(super) fn trimspace(arguments: &[Value]) -> Outcome {
    made(text_at(arguments, 0)?.trim())
}

pub(super) fn trimprefix(arguments: &[Value]) -> Outcome {
    let (text, prefix) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    made(text.strip_prefix(prefix).unwrap_or(text))
}

pub(super) fn trimsuffix(arguments: &[Value]) -> Outcome {
    let (text, suffix) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    made(text.strip_suffix(suffix).unwrap_or(text))
}
