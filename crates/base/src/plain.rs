//! Text of others, made fit to be shown: on a terminal, in a log, in a comment.
//!
//! Names of files, messages of templates and answers of servers may hold what a terminal obeys or what makes a reader see
//! other text than there is: control characters, and those that change the direction of writing. They are shown as Rust writes
//! them (`\u{1b}`). So are the beginnings of what the runners of CI systems take for commands in the output of a step: `::` at the
//! beginning of a line, and `##word[` anywhere. What is written to files or given to other programs is never changed.

use std::borrow::Cow;

/// Whether a character does something else than to show itself. Line breaks and tabs are among them.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}')
        || ('\u{e0000}'..='\u{e007f}').contains(&c)
}

/// One line: line breaks are shown as `\n`, so that no name can look like another line.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe)
}

/// Text of several lines, which may be indented by tabs.
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unsafe(c) && c != '\n' && c != '\t')
}

/// Text of several lines, of which all but the first are indented: they belong to the first one and cannot pass for a message of their own.
pub fn paragraph(message: &str) -> Cow<'_, str> {
    let message = text(message);
    if message.contains('\n') { Cow::Owned(message.replace('\n', "\n  ")) } else { message }
}

/// A JSON document in which these characters are written as JSON's own escapes: the same document. In JSON they can only be
/// inside of texts.
pub fn json(document: String) -> String {
    let unsafe_here = |c: char| is_unsafe(c) && c != '\n';
    let commands: Vec<usize> = commands(&document).collect();
    if commands.is_empty() && !document.contains(unsafe_here) {
        return document;
    }
    let mut out = String::with_capacity(document.len() + 32);
    for (at, c) in document.char_indices() {
        if unsafe_here(c) || commands.contains(&at) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// What a terminal is sent that has text of others in it and colours that are hydrate's own: those stay.
pub fn colored(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unsafe(c) && !matches!(c, '\n' | '\t' | '\u{1b}'))
}

/// `1 file`, `2 files`, `2 queries`.
pub fn counted(count: usize, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if count == 1 => format!("1 {noun}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {noun}s"),
    }
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    let commands: Vec<usize> = commands(text).collect();
    if commands.is_empty() && !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            _ if commands.binary_search(&at).is_ok() => out.extend(c.escape_unicode()),
            _ if is_escaped(c) => out.extend(c.escape_default()),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Where the characters are that make commands of CI systems out of text: GitHub's `::set-output` and `##[error]`, Azure's
/// `##vso[…]`, TeamCity's `##teamcity[…]`. Escape sequences may stand before them.
fn commands(text: &str) -> impl Iterator<Item = usize> {
    let is_word = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-').starts_with('[');
    let marked = text.match_indices("##").filter(move |(at, _)| is_word(text.get(at + 2..).unwrap_or_default()));
    let is_named = |at: usize| text.get(at + 2..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let colons = text.match_indices("::").filter(move |(at, _)| is_named(*at) && is_first_in_line(text.get(..*at).unwrap_or_default()));
    let mut all: Vec<usize> = marked.chain(colons).map(|(at, _)| at).collect();
    all.sort_unstable();
    all.into_iter()
}

/// Whether nothing but blanks and colours stands between the beginning of the line and the end of this text.
fn is_first_in_line(before: &str) -> bool {
    let mut line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    while let Some((_, rest)) = line.strip_prefix("\x1b[").and_then(|rest| rest.split_once('m')) {
        line = rest.trim_start();
    }
    line.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let hostile = "a\x1b[2K\r\nb\u{9b}31m\u{202e}c\u{7f}\td";
        assert_eq!(line(hostile), r"a\u{1b}[2K\r\nb\u{9b}31m\u{202e}c\u{7f}\td");
        assert_eq!(text(hostile), "a\\u{1b}[2K\\r\nb\\u{9b}31m\\u{202e}c\\u{7f}\td");
        assert_eq!(paragraph("a\nerror: b"), "a\n  error: b");
        assert_eq!(colored("\x1b[1ma\x07\x1b[0m"), "\x1b[1ma\\u{7}\x1b[0m");
        for harmless in ["", "plain", "naïve 日本語 🏳️‍🌈", "a\\b", "a::b", "## x [y]", "#[cfg]", "m::x", " ::: a"] {
            assert!(matches!(line(harmless), Cow::Borrowed(_)), "{harmless}");
        }
    }

    #[test]
    fn what_a_runner_would_obey_is_shown() {
        for (command, shown) in [
            ("::add-mask::x", "\\u{3a}:add-mask::x"),
            ("a\n \t::stop-commands::x", "a\n \t\\u{3a}:stop-commands::x"),
            ("\x1b[1m::x", "\x1b[1m\\u{3a}:x"),
            ("a ##vso[task.setvariable x]y", "a \\u{23}#vso[task.setvariable x]y"),
            ("##[group]", "\\u{23}#[group]"),
        ] {
            assert_eq!(colored(command), shown);
        }
        assert_eq!(json("{\"a\": \"##[group]\"}".to_owned()), "{\"a\": \"\\u0023#[group]\"}");
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = serde_json::json!({"a\u{202e}\u{7f}": ["\u{9b}\u{e0001}\n\t\x1b", "日本"]});
        let written = json(serde_json::to_string_pretty(&value).unwrap());
        assert!(!written.contains(|c| is_unsafe(c) && c != '\n'), "{written}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), value);
    }
}
