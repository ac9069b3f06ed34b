//! The order in which go-yaml writes the keys of a map: `keyList` of `sorter.go`, numbers in names by their value.

use hydrate_yaml::emit::Version;
use std::cmp::Ordering;
use std::sync::OnceLock;

/// Sorts entries by their keys. The comparison need not be a consistent order for all keys, so this is a merge sort
/// of our own, which gives some order for any comparison, as Go's does.
pub fn sort<T: AsRef<str> + Clone>(entries: &mut Vec<(T, impl Copy)>, version: Version) {
    if entries.is_sorted_by(|one, other| !less(other.0.as_ref(), one.0.as_ref(), version)) {
        return;
    }
    let mut width = 1;
    let mut merged = Vec::with_capacity(entries.len());
    while width < entries.len() {
        merged.clear();
        for pair in entries.chunks(2 * width) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(left, right, &mut merged, version);
        }
        std::mem::swap(entries, &mut merged);
        width *= 2;
    }
}

fn merge<T: AsRef<str> + Clone, V: Copy>(mut left: &[(T, V)], mut right: &[(T, V)], merged: &mut Vec<(T, V)>, version: Version) {
    while let ([one, left_rest @ ..], [other, right_rest @ ..]) = (left, right) {
        if less(other.0.as_ref(), one.0.as_ref(), version) {
            merged.push(other.clone());
            right = right_rest;
        } else {
            merged.push(one.clone());
            left = left_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
}

/// Whether the first key is written before the second one.
fn less(one: &str, other: &str, version: Version) -> bool {
    let common = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    if let (Some(a), Some(b)) = (one.as_bytes().get(common), other.as_bytes().get(common))
        && a.is_ascii_alphabetic()
        && b.is_ascii_alphabetic()
    {
        return a < b;
    }
    let start = (0..=common).rev().find(|at| one.is_char_boundary(*at) && other.is_char_boundary(*at)).unwrap_or(0);
    let (Some(a), Some(b)) = (one[start..].chars().next(), other[start..].chars().next()) else {
        return one.len() < other.len();
    };
    let before = &one[..start];
    match (is_letter(a), is_letter(b)) {
        (true, true) => a < b,
        (false, false) => compare_numbers(before, &one[start..], &other[start..]) == Ordering::Less,
        (a_is_letter, b_is_letter) => {
            let after_digit = version == Version::V3 && before.chars().next_back().is_some_and(is_digit);
            if after_digit { a_is_letter } else { b_is_letter }
        }
    }
}

/// Compares two rests that begin with different characters which are not both letters.
fn compare_numbers(before: &str, one: &str, other: &str) -> Ordering {
    let in_number = (one.starts_with('0') || other.starts_with('0'))
        && before.chars().rev().take_while(|character| is_digit(*character)).any(|character| character != '0');
    let start = i64::from(in_number);
    let (one_value, one_len) = leading_number(one, start);
    let (other_value, other_len) = leading_number(other, start);
    one_value.cmp(&other_value).then(one_len.cmp(&other_len)).then(one.chars().next().cmp(&other.chars().next()))
}

/// The number at the beginning of a text, continued from `start`, and the count of its digits.
fn leading_number(text: &str, start: i64) -> (i64, usize) {
    text.chars().take_while(|character| is_digit(*character)).fold((start, 0), |(value, count), digit| {
        let digit = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
        (value.wrapping_mul(10).wrapping_add(digit), count + 1)
    })
}

fn is_letter(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_alphabetic() } else { in_class(&LETTERS, r"\p{L}", character) }
}

fn is_digit(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_digit() } else { in_class(&DIGITS, r"\p{Nd}", character) }
}

type Ranges = OnceLock<Vec<(char, char)>>;
static LETTERS: Ranges = OnceLock::new();
static DIGITS: Ranges = OnceLock::new();

fn in_class(ranges: &Ranges, pattern: &str, character: char) -> bool {
    let ranges = ranges.get_or_init(|| unicode_ranges(pattern));
    ranges
        .binary_search_by(|(first, last)| {
            if character < *first {
                Ordering::Greater
            } else if character > *last {
                Ordering::Less
            } else {
                Ordering::Equal
            }
        })
        .is_ok()
}

fn unicode_ranges(pattern: &str) -> Vec<(char, char)> {
    use regex_syntax::hir::{Class, HirKind};
    match regex_syntax::parse(pattern).map(|hir| hir.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(class))) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_value() {
        let sorted = |keys: &[&'static str], version| {
            let mut entries: Vec<(&str, ())> = keys.iter().map(|key| (*key, ())).collect();
            sort(&mut entries, version);
            entries.iter().map(|entry| entry.0).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(sorted(&["a10", "a2", "a1", "B", "_x", "a02", "ä"], Version::V2), "_x B a1 a2 a02 a10 ä");
        assert_eq!(sorted(&["1a", "1-", "1"], Version::V2), "1 1- 1a");
        assert_eq!(sorted(&["1a", "1-", "1"], Version::V3), "1 1a 1-");
    }
}
