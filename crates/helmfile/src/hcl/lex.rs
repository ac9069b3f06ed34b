//! From text to tokens, as HCL's scanner has them: an expression within a text, and a text within that, each know where they end.

use std::ops::Range;

use unicode_ident::{is_xid_continue, is_xid_start};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Identifier,
    Number,
    Newline,
    /// Brackets, operators and other signs stand for themselves.
    Sign(&'static str),
    OpenQuote,
    CloseQuote,
    /// `<<NAME` with its line; whether its lines are moved to the left.
    OpenHeredoc {
        flush: bool,
    },
    CloseHeredoc,
    /// A part of a quoted text, escapes and all.
    QuotedText,
    /// A part of a heredoc, not more than a line.
    PlainText,
    /// `${`; whether blanks before it are dropped.
    Interpolation {
        trim: bool,
    },
    /// `%{`; whether blanks before it are dropped.
    Directive {
        trim: bool,
    },
    /// The `}` that ends one of these two; whether blanks behind it are dropped.
    SequenceEnd {
        trim: bool,
    },
    /// What cannot be here.
    Invalid,
    End,
}

/// A token and its place.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// Where the scanner is.
enum Mode {
    /// In an expression that ends with the brace that brings the count back to this number.
    Expression {
        braces_around: usize,
    },
    Quoted,
    Heredoc {
        marker: Range<usize>,
        at_line_start: bool,
    },
}

/// Signs of more than one character, longest first.
const SIGNS: &[&str] = &[
    "...", "==", "!=", ">=", "<=", "&&", "||", "::", "=>", "[", "]", "(", ")", ".", ",", "*", "/", "%", "+", "-", "=", "<", ">", "!", "?",
    ":",
];

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token>,
    modes: Vec<Mode>,
    braces: usize,
}

/// All tokens of a text, comments left out; the last one is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut lexer = Lexer { text, at: start, tokens: Vec::new(), modes: Vec::new(), braces: 0 };
    while lexer.at < text.len() {
        match lexer.modes.last() {
            None | Some(Mode::Expression { .. }) => lexer.expression(),
            Some(Mode::Quoted) => lexer.quoted(),
            Some(Mode::Heredoc { .. }) => lexer.heredoc(),
        }
    }
    lexer.push(Kind::End, 0);
    lexer.tokens
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, span: self.at..self.at + length });
        self.at += length;
    }

    fn expression(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        match first {
            ' ' | '\t' => self.at += 1,
            '\n' => self.push(Kind::Newline, 1),
            '\r' if rest.starts_with("\r\n") => self.push(Kind::Newline, 2),
            '#' => self.line_comment(),
            '/' if rest.starts_with("//") => self.line_comment(),
            '/' if rest.starts_with("/*") => match rest.find("*/") {
                Some(end) => self.at += end + 2,
                None => self.push(Kind::Invalid, rest.len()),
            },
            '"' => {
                self.push(Kind::OpenQuote, 1);
                self.modes.push(Mode::Quoted);
            }
            '<' if self.open_heredoc() => {}
            '0'..='9' => self.push(Kind::Number, number_length(rest)),
            '{' => {
                self.push(Kind::Sign("{"), 1);
                self.braces += 1;
            }
            '}' => self.close_brace(1),
            '~' if rest.starts_with("~}") => self.close_brace(2),
            first if first == '_' || is_xid_start(first) => {
                let end = rest.find(|it: char| it != '-' && !is_xid_continue(it)).unwrap_or(rest.len());
                self.push(Kind::Identifier, end);
            }
            first => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => self.push(Kind::Sign(sign), sign.len()),
                None => self.push(Kind::Invalid, first.len_utf8()),
            },
        }
    }

    fn line_comment(&mut self) {
        let line = self.rest().split('\n').next().unwrap_or_default();
        self.at += line.strip_suffix('\r').unwrap_or(line).len().max(1);
    }

    /// A brace ends the sequence that it is in, or a block or object.
    fn close_brace(&mut self, length: usize) {
        let ends_sequence = matches!(self.modes.last(), Some(Mode::Expression { braces_around }) if *braces_around == self.braces);
        if ends_sequence {
            self.modes.pop();
            self.push(Kind::SequenceEnd { trim: length == 2 }, length);
        } else {
            self.braces = self.braces.saturating_sub(1);
            self.push(if length == 2 { Kind::Invalid } else { Kind::Sign("}") }, length);
        }
    }

    fn open_heredoc(&mut self) -> bool {
        let rest = self.rest();
        let Some(line_end) = rest.find('\n') else { return false };
        let line = rest[..line_end].strip_suffix('\r').unwrap_or(&rest[..line_end]);
        let Some(marker) = line.strip_prefix("<<") else { return false };
        let (flush, marker) = marker.strip_prefix('-').map_or((false, marker), |marker| (true, marker));
        let mut characters = marker.chars();
        let starts = characters.next().is_some_and(|first| first == '_' || is_xid_start(first));
        if !starts || !characters.all(|it| it == '-' || is_xid_continue(it)) {
            return false;
        }
        let end = self.at + line.len();
        let marker = end - marker.len()..end;
        self.push(Kind::OpenHeredoc { flush }, line_end + 1);
        self.modes.push(Mode::Heredoc { marker, at_line_start: true });
        true
    }

    /// `${` and `%{`, with or without a tilde.
    fn sequence_start(&mut self) -> bool {
        let rest = self.rest();
        let trim = rest.get(2..3) == Some("~");
        let kind = match rest.get(..2) {
            Some("${") => Kind::Interpolation { trim },
            Some("%{") => Kind::Directive { trim },
            _ => return false,
        };
        if let Some(Mode::Heredoc { at_line_start, .. }) = self.modes.last_mut() {
            *at_line_start = false;
        }
        self.push(kind, 2 + usize::from(trim));
        self.modes.push(Mode::Expression { braces_around: self.braces });
        true
    }

    /// The length of a `$` or `%` that begins no sequence: three where it is the escape `$${`.
    fn lone_sign(rest: &str) -> usize {
        if rest.starts_with("$${") || rest.starts_with("%%{") { 3 } else { 1 }
    }

    fn quoted(&mut self) {
        if self.sequence_start() {
            return;
        }
        let rest = self.rest();
        match rest.as_bytes().first() {
            Some(b'"') => {
                self.modes.pop();
                self.push(Kind::CloseQuote, 1);
            }
            Some(b'\n' | b'\r') => self.push(Kind::Invalid, 1),
            Some(b'$' | b'%') => self.push(Kind::QuotedText, Self::lone_sign(rest)),
            _ => {
                let length = quoted_length(rest);
                self.push(if length == 0 { Kind::Invalid } else { Kind::QuotedText }, length.max(1));
            }
        }
    }

    fn heredoc(&mut self) {
        if self.sequence_start() {
            return;
        }
        let rest = self.rest();
        if rest.starts_with(['$', '%']) {
            let length = Self::lone_sign(rest);
            return self.heredoc_text(length);
        }
        let end = rest.find(['\n', '$', '%']).unwrap_or(rest.len());
        let ends_line = rest[end..].starts_with('\n');
        let Some(Mode::Heredoc { marker, at_line_start: true }) = self.modes.last() else {
            return self.heredoc_text(end + usize::from(ends_line));
        };
        if ends_line && rest[..end].trim() == &self.text[marker.clone()] {
            self.modes.pop();
            let before_newline = end - usize::from(rest[..end].ends_with('\r'));
            self.push(Kind::CloseHeredoc, before_newline);
        } else {
            self.heredoc_text(end + usize::from(ends_line));
        }
    }

    fn heredoc_text(&mut self, length: usize) {
        let ends_line = self.rest()[..length].ends_with('\n');
        if let Some(Mode::Heredoc { at_line_start, .. }) = self.modes.last_mut() {
            *at_line_start = ends_line;
        }
        self.push(Kind::PlainText, length);
    }
}

/// The length of a part of a quoted text that has no sequence in it.
fn quoted_length(rest: &str) -> usize {
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' | '$' | '%' | '\n' | '\r' => return at,
            '\\' => match characters.next() {
                Some((_, '\n' | '\r')) | None => return at,
                Some(_) => {}
            },
            _ => {}
        }
    }
    rest.len()
}

/// The length of a number: what has the characters of one, without dots at its end.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    loop {
        match bytes.get(at) {
            Some(b'0'..=b'9' | b'.') => at += 1,
            Some(b'e' | b'E') if digit(at + 1) => at += 2,
            Some(b'e' | b'E') if matches!(bytes.get(at + 1), Some(b'+' | b'-')) && digit(at + 2) => at += 3,
            _ => break,
        }
    }
    rest[..at].trim_end_matches('.').len()
}
