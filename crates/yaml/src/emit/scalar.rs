//! Scalars in their five styles.

use super::analysis::{Analysis, CLASS, class, classes_of, is_break, is_printable};
use super::{Emitter, Role};
use crate::node::ScalarStyle;

impl<'c> Emitter<'c> {
    /// The wanted style, or the nearest one that the text and its place allow.
    pub(super) fn possible_style(&self, text: &str, wanted: ScalarStyle, analysis: &Analysis, role: Role) -> ScalarStyle {
        let in_flow = self.flow_level > 0;
        let simple_key = role.simple_key();
        let mut style = if simple_key && analysis.multiline { ScalarStyle::DoubleQuoted } else { wanted };
        if style == ScalarStyle::Plain {
            let allowed = if in_flow { analysis.flow_plain } else { analysis.block_plain };
            if !allowed || (text.is_empty() && (in_flow || simple_key)) {
                style = ScalarStyle::SingleQuoted;
            }
        }
        match style {
            ScalarStyle::SingleQuoted if !analysis.single_quoted => ScalarStyle::DoubleQuoted,
            ScalarStyle::Literal | ScalarStyle::Folded if !analysis.block || in_flow || simple_key => ScalarStyle::DoubleQuoted,
            style => style,
        }
    }

    pub(super) fn write_scalar(&mut self, text: &str, style: ScalarStyle, analysis: &Analysis, may_fold: bool) {
        match style {
            ScalarStyle::Plain => self.plain_words(text),
            ScalarStyle::SingleQuoted => self.single_quoted(text, analysis, may_fold),
            ScalarStyle::DoubleQuoted => self.double_quoted(text, may_fold),
            ScalarStyle::Literal => self.literal(text, analysis),
            ScalarStyle::Folded => self.folded(text),
        }
    }

    /// A plain scalar on one line.
    #[inline]
    pub(super) fn plain_word(&mut self, text: &str, analysis: &Analysis) {
        if !(text.is_empty() && self.v3()) {
            self.out.space_if_needed();
            self.out.whitespace = false;
        }
        if analysis.ascii {
            self.out.ascii(text);
        } else {
            self.out.text(text);
        }
        self.out.indention = false;
    }

    /// A plain scalar that may have to be folded.
    fn plain_words(&mut self, text: &str) {
        self.out.space_if_needed();
        self.out.whitespace = false;
        self.words(text);
        self.out.indention = false;
    }

    /// A line of words that may be folded at single spaces inside it.
    fn words(&mut self, text: &str) {
        let mut after_space = false;
        let mut rest = text;
        while let Some(at) = memchr::memchr(b' ', rest.as_bytes()) {
            let (word, tail) = rest.split_at(at);
            self.word_of_line(word, &mut after_space);
            let next = &tail[1..];
            if !after_space && self.out.column > self.dialect.width && !next.starts_with(' ') {
                self.write_indent();
            } else {
                self.out.put(b' ');
            }
            after_space = true;
            rest = next;
        }
        self.word_of_line(rest, &mut after_space);
    }

    fn word_of_line(&mut self, word: &str, after_space: &mut bool) {
        if !word.is_empty() {
            self.out.text(word);
            self.out.indention = false;
            *after_space = false;
        }
    }

    fn single_quoted(&mut self, text: &str, analysis: &Analysis, may_fold: bool) {
        self.out.indicator("'", true, false, false);
        let fits = !may_fold || self.out.column.saturating_add(text.len()) <= self.dialect.width;
        if fits && !analysis.multiline && !text.contains('\'') {
            self.out.text(text);
        } else {
            self.single_quoted_text(text, may_fold);
        }
        self.out.indicator("'", false, false, false);
        self.out.end_word();
    }

    fn single_quoted_text(&mut self, text: &str, may_fold: bool) {
        let (mut after_space, mut after_break) = (false, false);
        let mut buffer = [0; 4];
        for (at, character) in text.char_indices() {
            let rest = &text.as_bytes()[at + character.len_utf8()..];
            if character == ' ' {
                let inside = at > 0 && !rest.is_empty() && rest[0] != b' ';
                if may_fold && !after_space && inside && self.out.column > self.dialect.width {
                    self.write_indent();
                } else {
                    self.out.put(b' ');
                }
                after_space = true;
            } else if is_break(character) {
                if !after_break && character == '\n' {
                    self.out.line_break();
                }
                self.out.text_break(character.encode_utf8(&mut buffer));
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if character == '\'' {
                    self.out.put(b'\'');
                }
                self.out.text(character.encode_utf8(&mut buffer));
                self.out.indention = false;
                (after_space, after_break) = (false, false);
            }
        }
    }

    fn double_quoted(&mut self, text: &str, may_fold: bool) {
        self.out.indicator("\"", true, false, false);
        let bytes = text.as_bytes();
        // go-yaml looks for the mark at the beginning of the text, whichever character it is about to write.
        let escape_all = text.starts_with('\u{FEFF}');
        let stop = class::SPACE | class::BREAK | class::TAB | class::SPECIAL | class::QUOTE | class::HIGH;
        let mut at = 0;
        let mut after_space = false;
        while let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let run = bytes[at..].iter().take_while(|byte| CLASS[usize::from(**byte)] & stop == 0).count();
            if run > 0 && !escape_all {
                self.out.ascii(&text[at..at + run]);
                at += run;
                after_space = false;
                continue;
            }
            let next = at + character.len_utf8();
            if escape_all || !is_printable(character) || is_break(character) || matches!(character, '"' | '\\') {
                self.escape(character);
                after_space = false;
            } else if character == ' ' {
                if may_fold && !after_space && self.out.column > self.dialect.width && at > 0 && next < bytes.len() {
                    self.write_indent();
                    if bytes[next] == b' ' {
                        self.out.put(b'\\');
                    }
                } else {
                    self.out.put(b' ');
                }
                after_space = true;
            } else {
                self.out.text(&text[at..next]);
                after_space = false;
            }
            at = next;
        }
        self.out.indicator("\"", false, false, false);
        self.out.end_word();
    }

    fn escape(&mut self, character: char) {
        let short = match character {
            '\0' => "\\0",
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\x0b' => "\\v",
            '\x0c' => "\\f",
            '\r' => "\\r",
            '\x1b' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{A0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => "",
        };
        if !short.is_empty() {
            return self.out.ascii(short);
        }
        match u32::from(character) {
            code @ ..=0xFF => self.out.ascii(&format!("\\x{code:02X}")),
            code @ ..=0xFFFF => self.out.ascii(&format!("\\u{code:04X}")),
            code => self.out.ascii(&format!("\\U{code:08X}")),
        }
    }

    /// `|` or `>` with its indentation and chomping marks, up to the end of the line.
    fn block_header(&mut self, indicator: &str, text: &str) {
        self.out.indicator(indicator, true, false, false);
        if text.chars().next().is_some_and(|first| first == ' ' || is_break(first)) {
            let hint = [b'0' + (self.dialect.indent as u8)];
            self.out.indicator(std::str::from_utf8(&hint).unwrap_or_default(), false, false, false);
        }
        let mut backwards = text.chars().rev();
        if !backwards.next().is_some_and(is_break) {
            self.out.indicator("-", false, false, false);
        } else if backwards.next().is_none_or(is_break) {
            self.out.indicator("+", false, false, false);
        }
        if self.pending.line.is_empty() {
            self.out.line_break();
        } else {
            self.line_comment();
        }
        self.out.whitespace = true;
    }

    fn literal(&mut self, text: &str, analysis: &Analysis) {
        self.block_header("|", text);
        let unusual_breaks = !analysis.ascii && text.contains(['\u{2028}', '\u{2029}']);
        let mut rest = text;
        while !rest.is_empty() {
            let end = if unusual_breaks { rest.find(is_break) } else { memchr::memchr(b'\n', rest.as_bytes()) };
            let (line, tail) = rest.split_at(end.unwrap_or(rest.len()));
            if !line.is_empty() {
                self.write_indent();
                if analysis.ascii {
                    self.out.ascii(line)
                } else {
                    self.out.text(line)
                }
                self.out.indention = false;
            }
            let width = tail.chars().next().map_or(0, char::len_utf8);
            let (line_break, tail) = tail.split_at(width);
            if !line_break.is_empty() {
                self.out.text_break(line_break);
            }
            rest = tail;
        }
    }

    fn folded(&mut self, text: &str) {
        self.block_header(">", text);
        // go-yaml looks at the beginning of the whole text here, not at the break it is about to write.
        let begins_blank = text.chars().find(|character| !is_break(*character)).is_none_or(|first| matches!(first, ' ' | '\t' | '\0'));
        let (mut after_break, mut leading_spaces) = (true, true);
        let mut buffer = [0; 4];
        for (at, character) in text.char_indices() {
            if is_break(character) {
                if !after_break && !leading_spaces && character == '\n' && !begins_blank {
                    self.out.line_break();
                }
                self.out.text_break(character.encode_utf8(&mut buffer));
                after_break = true;
                continue;
            }
            if after_break {
                self.write_indent();
                leading_spaces = matches!(character, ' ' | '\t');
            }
            let single = character == ' ' && text.as_bytes().get(at + 1) != Some(&b' ');
            if !after_break && single && self.out.column > self.dialect.width {
                self.write_indent();
            } else {
                self.out.text(character.encode_utf8(&mut buffer));
            }
            self.out.indention = false;
            after_break = false;
        }
    }

    /// A comment of one line or more, each with its `#`, and the line break behind it.
    pub(super) fn comment(&mut self, text: &str) {
        let mut rest = text;
        let mut breaks = false;
        while !rest.is_empty() {
            let end = if classes_of(rest.as_bytes()) & (class::HIGH | class::SPECIAL) != 0 {
                rest.find(is_break)
            } else {
                memchr::memchr(b'\n', rest.as_bytes())
            };
            let (line, tail) = rest.split_at(end.unwrap_or(rest.len()));
            if !line.is_empty() {
                if breaks {
                    self.write_indent();
                }
                if !line.starts_with('#') {
                    self.out.ascii("# ");
                }
                self.out.text(line);
                self.out.indention = false;
                breaks = false;
            }
            let width = tail.chars().next().map_or(0, char::len_utf8);
            let (line_break, tail) = tail.split_at(width);
            if !line_break.is_empty() {
                self.out.text_break(line_break);
                breaks = true;
            }
            rest = tail;
        }
        if !breaks {
            self.out.line_break();
        }
        self.out.whitespace = true;
    }
}
