//! Upper and lower case, and words joined in the ways of programming languages.
//!
//! `camelcase`, `snakecase` and `kebabcase` follow huandu/xstrings 1.5; `initials`, `nospace`, `swapcase` and
//! `untitle` follow Masterminds/goutils 1.1, which reads bytes as if they were runes in the first two.

use super::super::args::{self, Out, bytes};
use super::super::unicode::*;
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;

/// `upper TEXT`.
pub(crate) fn upper(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 0);
    if text.is_ascii() {
        return args::string(text.to_ascii_uppercase());
    }
    args::string(map_runes(text, to_upper))
}

/// `lower TEXT`.
pub(crate) fn lower(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 0);
    if text.is_ascii() {
        return args::string(text.to_ascii_lowercase());
    }
    args::string(map_runes(text, to_lower))
}

/// `title TEXT`: the first letter of each word in title case, as Go's deprecated `strings.Title` finds words.
pub(crate) fn title(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut before = ' ';
    args::string(map_runes(bytes(args, 0), |rune| {
        let first = is_separator(before);
        before = rune;
        if first { to_title(rune) } else { rune }
    }))
}

fn is_separator(rune: char) -> bool {
    match rune {
        '0'..='9' | 'a'..='z' | 'A'..='Z' | '_' => false,
        '\0'..='\x7F' => true,
        _ => !is_letter(rune) && !is_digit(rune) && is_space(rune),
    }
}

/// `untitle TEXT`: the first letter of each word in lower case.
pub(crate) fn untitle(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut next = true;
    args::string(map_runes(bytes(args, 0), |rune| {
        let first = next;
        next = is_space(rune);
        match next {
            true => rune,
            false if first => to_lower(rune),
            false => rune,
        }
    }))
}

/// `swapcase TEXT`: upper to lower; lower to title at the start of a word and to upper elsewhere.
pub(crate) fn swapcase(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut start = true;
    args::string(map_runes(bytes(args, 0), |rune| {
        let first = start;
        if is_upper(rune) || is_title(rune) {
            start = false;
            return to_lower(rune);
        }
        if is_lower(rune) {
            start = false;
            return if first { to_title(rune) } else { to_upper(rune) };
        }
        start = is_space(rune);
        rune
    }))
}

/// `nospace TEXT`: without white space. As soon as one byte goes, all bytes are read as Latin-1.
pub(crate) fn nospace(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 0);
    if !text.iter().any(|byte| is_space(char::from(*byte))) {
        return Ok(args::any(args, 0).clone());
    }
    let kept: String = text.iter().map(|byte| char::from(*byte)).filter(|rune| !is_space(*rune)).collect();
    args::string(kept)
}

/// `initials TEXT`: the first byte of each word, read as Latin-1.
pub(crate) fn initials(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut out = String::new();
    let mut gap = true;
    for rune in bytes(args, 0).iter().map(|byte| char::from(*byte)) {
        if !is_space(rune) && gap {
            out.push(rune);
        }
        gap = is_space(rune);
    }
    args::string(out)
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || is_space(rune)
}

/// `camelcase TEXT`: `foo_bar` is `FooBar`; connectors in front stay.
pub(crate) fn camelcase(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let all: Vec<char> = runes(bytes(args, 0)).map(|(_, rune, _)| rune).collect();
    let leading = all.iter().take_while(|rune| is_connector(**rune)).count();
    let mut out: Vec<u8> = Vec::with_capacity(all.len());
    all.iter().take(leading).for_each(|rune| push(&mut out, *rune));
    let Some((&first, others)) = all.get(leading..).and_then(<[char]>::split_first) else { return args::string(out) };
    let mut capital = is_upper(first);
    let mut current = to_upper(first);
    for &rune in others {
        let before = current;
        current = rune;
        if is_connector(rune) && is_connector(before) {
            push(&mut out, before);
        } else if is_connector(before) {
            capital = is_upper(rune);
            current = to_upper(rune);
        } else {
            if capital && is_upper(rune) {
                current = to_lower(rune);
            } else {
                capital = false;
            }
            push(&mut out, before);
        }
    }
    push(&mut out, current);
    args::string(out)
}

/// `snakecase TEXT`: `FooBar` is `foo_bar`.
pub(crate) fn snakecase(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(Joiner { out: Vec::new(), connector: '_' }.join(bytes(args, 0)))
}

/// `kebabcase TEXT`: `FooBar` is `foo-bar`.
pub(crate) fn kebabcase(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(Joiner { out: Vec::new(), connector: '-' }.join(bytes(args, 0)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punct,
    Other,
}

struct Joiner {
    out: Vec<u8>,
    connector: char,
}

impl Joiner {
    fn join(mut self, text: &[u8]) -> Vec<u8> {
        let (mut kind, mut word, mut remaining) = next_word(text);
        while !remaining.is_empty() {
            if kind != Word::Connector {
                self.lower(kind, word);
            }
            let (before, last) = (kind, word);
            (kind, word, remaining) = next_word(remaining);
            match before {
                Word::Number => (kind, word, remaining) = self.letters_and_digits(kind, word, remaining),
                Word::Connector => self.lower(before, last),
                Word::Punct => {}
                _ if kind != Word::Number => self.connect_unless_open(kind),
                _ if remaining.is_empty() => {}
                _ => (kind, word, remaining) = self.number_inside(word, remaining),
            }
        }
        self.lower(kind, word);
        self.out
    }

    /// A number after a word belongs to the word (`Bld4Floor`), unless lower case letters follow it (`HTTP2xx`).
    fn number_inside<'a>(&mut self, number: &'a [u8], remaining: &'a [u8]) -> (Word, &'a [u8], &'a [u8]) {
        let (kind, word, remaining) = next_word(remaining);
        if kind != Word::Alphabet {
            self.lower(Word::Number, number);
            self.connect_unless_open(kind);
            return (kind, word, remaining);
        }
        push(&mut self.out, self.connector);
        self.lower(Word::Number, number);
        self.letters_and_digits(kind, word, remaining)
    }

    fn letters_and_digits<'a>(&mut self, mut kind: Word, mut word: &'a [u8], mut remaining: &'a [u8]) -> (Word, &'a [u8], &'a [u8]) {
        while matches!(kind, Word::Alphabet | Word::Number) {
            self.lower(kind, word);
            (kind, word, remaining) = next_word(remaining);
        }
        if kind != Word::Invalid {
            self.connect_unless_open(kind);
        }
        (kind, word, remaining)
    }

    fn connect_unless_open(&mut self, next: Word) {
        if next != Word::Connector && next != Word::Punct {
            push(&mut self.out, self.connector);
        }
    }

    fn lower(&mut self, kind: Word, word: &[u8]) {
        if kind != Word::Upper && kind != Word::Connector {
            self.out.extend_from_slice(word);
            return;
        }
        for (_, rune, _) in runes(word) {
            let written = match rune {
                rune if is_connector(rune) => self.connector,
                rune if is_upper(rune) => to_lower(rune),
                rune => rune,
            };
            push(&mut self.out, written);
        }
    }
}

/// A letter other than those of Chinese, Japanese and Korean.
fn is_alphabet(rune: char) -> bool {
    is_letter(rune) && !matches!(rune, '\u{4E00}'..='\u{9FCC}' | '\u{3400}'..='\u{4D85}' | '\u{20000}'..='\u{2B81D}')
}

/// The next rune that is valid, bytes before it skipped; `before` at the end.
fn next_valid(text: &[u8], before: char) -> (char, usize) {
    let mut size = 0;
    for (_, rune, width) in runes(text) {
        size += width;
        if rune != RUNE_ERROR {
            return (rune, size);
        }
    }
    (before, size)
}

/// The kind of the first word, the word, and what follows.
fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    if text.is_empty() {
        return (Word::Invalid, text, text);
    }
    let (rune, size) = next_valid(text, RUNE_ERROR);
    let (kind, end) = match rune {
        RUNE_ERROR => (Word::Invalid, size),
        rune if is_connector(rune) => (Word::Connector, while_runes(text, size, rune, is_connector)),
        rune if is_punct(rune) => (Word::Punct, while_runes(text, size, rune, is_punct)),
        rune if is_upper(rune) => (Word::Upper, upper_word(text, size, rune)),
        rune if is_alphabet(rune) => (Word::Alphabet, while_runes(text, size, rune, is_small)),
        rune if is_number(rune) => (Word::Number, while_runes(text, size, rune, is_number)),
        rune => (Word::Other, while_runes(text, size, rune, is_other)),
    };
    let end = end.min(text.len());
    (kind, &text[..end], &text[end..])
}

fn is_small(rune: char) -> bool {
    is_alphabet(rune) && !is_upper(rune)
}

fn is_other(rune: char) -> bool {
    !is_connector(rune) && !is_alphabet(rune) && !is_number(rune) && !is_punct(rune)
}

/// The offset at which runes of a class end.
fn while_runes(text: &[u8], mut end: usize, mut rune: char, class: impl Fn(char) -> bool) -> usize {
    while end < text.len() {
        let (next, size) = next_valid(&text[end..], rune);
        if size == 0 || !class(next) {
            break;
        }
        (rune, end) = (next, end + size);
    }
    end
}

/// A capital and small letters (`Status`), or capitals only, of which the last belongs to the next word when small
/// letters follow (`HTTP` in `HTTPStatus`).
fn upper_word(text: &[u8], first: usize, rune: char) -> usize {
    if first >= text.len() {
        return first;
    }
    let (next, size) = next_valid(&text[first..], rune);
    if !is_upper(next) {
        return if is_alphabet(next) { while_runes(text, first + size, next, is_small) } else { first };
    }
    let (mut end, mut last, mut current) = (first + size, size, next);
    while end < text.len() {
        let (next, size) = next_valid(&text[end..], current);
        current = next;
        if !is_upper(next) {
            break;
        }
        (end, last) = (end + size, size);
    }
    if end < text.len() && is_alphabet(current) { end - last } else { end }
}
