//! Matchers (`match/*.go`).
//!
//! Each says whether it matches all of a text, where it begins to match first and up to where it may match from there, and
//! how many characters it takes, if that is always the same number.

use super::{characters, decode};
use hydrate_gotmpl::budget;

/// What does not match within a path element.
const SEPARATOR: char = '/';

/// A compiled pattern or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matcher {
    Any,
    AnyOf(Vec<Matcher>),
    Tree(Box<Tree>),
    Contains { needle: String, not: bool },
    EveryOf(Vec<Matcher>),
    List { chars: Vec<char>, not: bool },
    Max(usize),
    Min(usize),
    Nothing,
    Prefix(String),
    PrefixAny(String),
    PrefixSuffix(String, String),
    Range { low: char, high: char, not: bool },
    Row(usize, Vec<Matcher>),
    Single,
    Suffix(String),
    SuffixAny(String),
    Super,
    Text(String),
}

/// A matcher with what has to match before and behind it; the last matcher of a known length is taken for the middle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) value: Matcher,
    pub(super) left: Option<Matcher>,
    pub(super) right: Option<Matcher>,
    /// The lengths of both sides: zero for no side, none for one of an unknown length.
    pub(super) left_length: Option<usize>,
    pub(super) right_length: Option<usize>,
    pub(super) length: Option<usize>,
}

/// Where a match begins, and how long it may be from there.
type Found = Option<(usize, Vec<usize>)>;

/// The original ends with a panic where braces that may be empty stand beside what takes a known number of characters; the
/// error is Go's text.
type Outcome<T> = Result<T, String>;

impl Matcher {
    pub(super) fn tree(value: Self, left: Option<Self>, right: Option<Self>) -> Self {
        let side = |side: &Option<Self>| side.as_ref().map_or(Some(0), Self::length);
        let (left_length, right_length) = (side(&left), side(&right));
        let length = value.length().and_then(|value| Some(left_length? + value + right_length?));
        Self::Tree(Box::new(Tree { value, left, right, left_length, right_length, length }))
    }

    /// How many characters it takes, if that is always the same number.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::List { .. } | Self::Range { .. } | Self::Single => Some(1),
            Self::Nothing => Some(0),
            Self::Row(length, _) => Some(*length),
            Self::Text(text) => Some(text.chars().count()),
            Self::Tree(tree) => tree.length,
            Self::AnyOf(matchers) => any_length(matchers),
            // The original asks whether a sum that begins with zero is greater than zero; of no matchers it is zero.
            Self::EveryOf(matchers) if matchers.is_empty() => Some(0),
            _ => None,
        }
    }

    /// Whether all of a text matches.
    pub(super) fn matches(&self, text: &[u8]) -> Outcome<bool> {
        if !budget::spend(1) {
            return Ok(false);
        }
        Ok(match self {
            Self::Any => !has_separator(text),
            Self::AnyOf(matchers) => first(matchers, text, true)?,
            Self::Tree(tree) => tree.matches(text)?,
            Self::Contains { needle, not } => find(text, needle).is_some() != *not,
            Self::EveryOf(matchers) => !first(matchers, text, false)?,
            Self::List { .. } | Self::Range { .. } | Self::Single => one(text).is_some_and(|c| self.takes(c)),
            Self::Max(limit) => characters(text).nth(*limit).is_none(),
            Self::Min(limit) => characters(text).nth(limit.saturating_sub(1)).is_some(),
            Self::Nothing => text.is_empty(),
            Self::Prefix(prefix) => text.starts_with(prefix.as_bytes()),
            Self::PrefixAny(prefix) => text.strip_prefix(prefix.as_bytes()).is_some_and(|rest| !has_separator(rest)),
            Self::PrefixSuffix(prefix, suffix) => text.starts_with(prefix.as_bytes()) && text.ends_with(suffix.as_bytes()),
            Self::Row(length, matchers) => characters(text).count() == *length && row_matches(matchers, text)?,
            Self::Suffix(suffix) => text.ends_with(suffix.as_bytes()),
            Self::SuffixAny(suffix) => text.strip_suffix(suffix.as_bytes()).is_some_and(|rest| !has_separator(rest)),
            Self::Super => true,
            Self::Text(wanted) => text == wanted.as_bytes(),
        })
    }

    /// Of matchers of one character: whether they match it.
    fn takes(&self, c: char) -> bool {
        match self {
            Self::List { chars, not } => chars.contains(&c) != *not,
            Self::Range { low, high, not } => (*low..=*high).contains(&c) != *not,
            _ => c != SEPARATOR,
        }
    }

    /// Where it begins to match first, and up to where it may match from there.
    fn find(&self, text: &[u8]) -> Outcome<Found> {
        let cost = u64::try_from(text.len()).unwrap_or(u64::MAX) >> 4;
        if !budget::spend(cost + 1) {
            return Ok(None);
        }
        Ok(match self {
            Self::Any => Some((
                0,
                match text.iter().position(|byte| *byte == SEPARATOR as u8) {
                    Some(end) => ends(text.get(..end).unwrap_or_default(), 0),
                    None => ends(text, 0),
                },
            )),
            Self::AnyOf(matchers) => any_find(matchers, text)?,
            Self::Tree(_) => None,
            Self::Contains { needle, not } => contains_find(text, needle, *not),
            Self::EveryOf(matchers) => every_find(matchers, text)?,
            Self::List { .. } | Self::Range { .. } | Self::Single => {
                characters(text).find(|(_, c)| self.takes(*c)).map(|(at, c)| (at, vec![c.len_utf8()]))
            }
            Self::Max(limit) => Some((0, std::iter::once(0).chain(characters(text).take(*limit).map(behind)).collect())),
            Self::Min(limit) => {
                let found: Vec<usize> = characters(text).skip(limit.saturating_sub(1)).map(behind).collect();
                (!found.is_empty() && text.len() + 1 > *limit).then_some((0, found))
            }
            Self::Nothing => Some((0, vec![0])),
            Self::Prefix(prefix) => prefix_find(text, prefix, |rest| rest),
            Self::PrefixAny(prefix) => {
                prefix_find(text, prefix, |rest| rest.split(|byte| *byte == SEPARATOR as u8).next().unwrap_or_default())
            }
            Self::PrefixSuffix(prefix, suffix) => prefix_suffix_find(text, prefix, suffix),
            Self::Row(length, matchers) => row_find(matchers, *length, text)?,
            Self::Suffix(suffix) => find(text, suffix).map(|at| (0, vec![at + suffix.len()])),
            Self::SuffixAny(suffix) => find(text, suffix).map(|at| {
                let before = text.get(..at).unwrap_or_default();
                let start = before.iter().rposition(|byte| *byte == SEPARATOR as u8).map_or(0, |at| at + 1);
                (start, vec![at + suffix.len() - start])
            }),
            Self::Super => Some((0, ends(text, 0))),
            Self::Text(wanted) => find(text, wanted).map(|at| (at, vec![wanted.len()])),
        })
    }
}

impl Tree {
    fn matches(&self, text: &[u8]) -> Outcome<bool> {
        if self.length.is_some_and(|length| length > text.len()) {
            return Ok(false);
        }
        // Lengths in characters are taken for lengths in bytes, as the original does.
        let mut offset = self.left_length.unwrap_or(0);
        let Some(limit) = text.len().checked_sub(self.right_length.unwrap_or(0)) else { return Ok(false) };
        while offset < limit {
            let Some((index, lengths)) = self.value.find(text.get(offset..limit).unwrap_or_default())? else { return Ok(false) };
            let start = offset + index;
            if side(self.left.as_ref(), text.get(..start).unwrap_or_default())? {
                for length in lengths.iter().rev() {
                    if side(self.right.as_ref(), text.get(start + length..).unwrap_or_default())? {
                        return Ok(true);
                    }
                }
            }
            let Some((_, step)) = decode(text.get(start..).unwrap_or_default()) else { return Ok(false) };
            offset = start + step;
        }
        Ok(false)
    }
}

/// Whether a side of a tree matches; no side matches nothing.
fn side(matcher: Option<&Matcher>, text: &[u8]) -> Outcome<bool> {
    matcher.map_or(Ok(text.is_empty()), |matcher| matcher.matches(text))
}

/// Whether one of some matchers says this about a text.
fn first(matchers: &[Matcher], text: &[u8], wanted: bool) -> Outcome<bool> {
    for matcher in matchers {
        if matcher.matches(text)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The only character of a text; a text that is empty counts as one that is no character.
fn one(text: &[u8]) -> Option<char> {
    match decode(text) {
        Some((c, width)) => (text.len() == width).then_some(c),
        None => Some(char::REPLACEMENT_CHARACTER),
    }
}

/// Where a character ends; one that is none takes as much as U+FFFD does.
fn behind((at, c): (usize, char)) -> usize {
    at + c.len_utf8()
}

/// Where each character of a text begins, and its end, counted from `from` on.
fn ends(text: &[u8], from: usize) -> Vec<usize> {
    characters(text).map(|(at, _)| from + at).chain([from + text.len()]).collect()
}

fn has_separator(text: &[u8]) -> bool {
    text.contains(&(SEPARATOR as u8))
}

fn find(text: &[u8], wanted: &str) -> Option<usize> {
    memchr::memmem::find(text, wanted.as_bytes())
}

fn any_length(matchers: &[Matcher]) -> Option<usize> {
    let mut length = None;
    for matcher in matchers {
        let next = matcher.length();
        // One of an unknown length is forgotten when it comes first.
        match length {
            None => length = next,
            Some(_) if length != next => return None,
            Some(_) => {}
        }
    }
    length
}

fn any_find(matchers: &[Matcher], text: &[u8]) -> Outcome<Found> {
    let mut found: Found = None;
    for matcher in matchers {
        let Some((at, lengths)) = matcher.find(text)? else { continue };
        match &mut found {
            Some((first, _)) if at > *first => {}
            Some((first, all)) if at == *first => *all = merged(all, &lengths),
            _ => found = Some((at, lengths)),
        }
    }
    Ok(found)
}

/// The original merges as if both were sorted, which they not always are.
fn merged(one: &[usize], other: &[usize]) -> Vec<usize> {
    let (mut ones, mut others) = (one.iter().peekable(), other.iter().peekable());
    let mut out = Vec::with_capacity(one.len() + other.len());
    loop {
        match (ones.peek(), others.peek()) {
            (None, _) => {
                out.extend(others);
                return out;
            }
            (_, None) => {
                out.extend(ones);
                return out;
            }
            (Some(one), Some(other)) => {
                out.push(**one.min(other));
                let order = one.cmp(other);
                if order.is_le() {
                    ones.next();
                }
                if order.is_ge() {
                    others.next();
                }
            }
        }
    }
}

fn contains_find(text: &[u8], needle: &str, not: bool) -> Found {
    let at = find(text, needle);
    if not {
        return Some((0, ends(text.get(..at.unwrap_or(text.len())).unwrap_or_default(), 0)));
    }
    let offset = at? + needle.len();
    let rest = text.get(offset..).unwrap_or_default();
    Some((0, if rest.is_empty() { vec![offset] } else { ends(rest, offset) }))
}

fn every_find(matchers: &[Matcher], text: &[u8]) -> Outcome<Found> {
    let (mut index, mut offset, mut rest) = (0_usize, 0_usize, text);
    let mut current: Vec<usize> = Vec::new();
    for (number, matcher) in matchers.iter().enumerate() {
        let Some((at, lengths)) = matcher.find(rest)? else { return Ok(None) };
        if number == 0 {
            current.extend(lengths);
        } else {
            let delta = index as isize - (at + offset) as isize;
            let fits = |length: &usize| lengths.iter().filter(|other| *length as isize + delta == **other as isize).count();
            current =
                current.iter().flat_map(|length| std::iter::repeat_n(*length as isize + delta, fits(length))).map(|n| n as usize).collect();
            if current.is_empty() {
                return Ok(None);
            }
        }
        index = at + offset;
        rest = text.get(index..).unwrap_or_default();
        offset += at;
    }
    Ok(Some((index, current)))
}

fn prefix_find(text: &[u8], prefix: &str, part: impl Fn(&[u8]) -> &[u8]) -> Found {
    let at = find(text, prefix)?;
    let rest = part(text.get(at + prefix.len()..).unwrap_or_default());
    let lengths = characters(rest).map(|found| prefix.len() + behind(found));
    Some((at, std::iter::once(prefix.len()).chain(lengths).collect()))
}

fn prefix_suffix_find(text: &[u8], prefix: &str, suffix: &str) -> Found {
    let at = find(text, prefix)?;
    let mut rest = text.get(at..).unwrap_or_default();
    if suffix.is_empty() {
        return Some((at, vec![rest.len()]));
    }
    let mut lengths = Vec::new();
    while let Some(end) = memchr::memmem::rfind(rest, suffix.as_bytes()) {
        lengths.push(end + suffix.len());
        rest = rest.get(..end).unwrap_or_default();
    }
    lengths.reverse();
    (!lengths.is_empty()).then_some((at, lengths))
}

/// Whether matchers of known lengths match one after the other; each gets as many characters as it takes, of the last of which
/// it sees one byte.
fn row_matches(matchers: &[Matcher], text: &[u8]) -> Outcome<bool> {
    let mut at = 0;
    for matcher in matchers {
        let Some(length) = matcher.length() else { return Ok(false) };
        let rest = text.get(at..).unwrap_or_default();
        let (mut count, mut last) = (0, 0);
        for (start, _) in characters(rest) {
            last = start;
            count += 1;
            if count == length {
                break;
            }
        }
        if count < length {
            return Ok(false);
        }
        let end = at + last + 1;
        let part = text.get(at..end);
        let part = part.ok_or_else(|| format!("runtime error: slice bounds out of range [:{end}] with length {}", text.len()))?;
        if !matcher.matches(part)? {
            return Ok(false);
        }
        at = end;
    }
    Ok(true)
}

fn row_find(matchers: &[Matcher], length: usize, text: &[u8]) -> Outcome<Found> {
    for (at, _) in characters(text) {
        let rest = text.get(at..).unwrap_or_default();
        if rest.len() < length || !budget::spend(1) {
            return Ok(None);
        }
        if row_matches(matchers, rest)? {
            return Ok(Some((at, vec![length])));
        }
    }
    Ok(None)
}
