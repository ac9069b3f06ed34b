//! The scanner: template text to items, state by state as Go's text/template/parse/lex.go does it.

use super::text;

/// The kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    /// Whether Go sorts it among the keywords, which error texts show in angle brackets.
    pub(super) fn is_keyword(self) -> bool {
        use Kind::{Block, Break, Continue, Define, Dot, Else, End, If, Nil, Range, Template, With};
        matches!(self, Block | Break | Continue | Dot | Define | Else | End | If | Nil | Range | Template | With)
    }
}

/// A token: its kind, the bytes it stands at, and the line it starts on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: usize,
}

impl Item {
    /// What a token buffer holds before anything was read.
    pub(super) const NONE: Self = Self { kind: Kind::Eof, start: 0, end: 0, line: 0 };
}

/// What the scanner does next.
enum State {
    Text,
    LeftDelim,
    Comment,
    RightDelim,
    InsideAction,
    Space,
    Quote,
    RawQuote,
    Variable,
    Char,
    Field,
    Number,
    Identifier,
    Done(Item),
}

/// The scanner over one text.
pub(super) struct Lexer<'t> {
    input: &'t [u8],
    pos: usize,
    start: usize,
    at_eof: bool,
    parens: usize,
    line: usize,
    start_line: usize,
    inside_action: bool,
    /// Whether `break` and `continue` are keywords; they are not where functions of these names exist.
    pub(super) break_ok: bool,
    pub(super) continue_ok: bool,
    /// The text of the error item, once there is one.
    pub(super) error: Option<String>,
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
const EOF: u32 = u32::MAX;

fn is_space(rune: u32) -> bool {
    matches!(rune, 0x20 | 0x09 | 0x0D | 0x0A)
}

fn is_space_byte(byte: u8) -> bool {
    is_space(u32::from(byte))
}

fn is_alphanumeric(rune: u32) -> bool {
    rune != EOF && (rune == u32::from(b'_') || text::is_letter(rune) || text::is_digit(rune))
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn has_left_trim_marker(input: &[u8]) -> bool {
    matches!(input, [b'-', space, ..] if is_space_byte(*space))
}

fn has_right_trim_marker(input: &[u8]) -> bool {
    matches!(input, [space, b'-', ..] if is_space_byte(*space))
}

/// Where the next action begins. Braces are rare in text, so looking for one at a time is cheaper than preparing a search.
fn find_left_delim(input: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', input).find(|&at| input.get(at + 1) == Some(&b'{'))
}

fn newlines(input: &[u8]) -> usize {
    // Most of what is asked about is a space or a word, for which a search would cost more than it saves.
    if input.len() < 32 {
        return input.iter().filter(|&&byte| byte == b'\n').count();
    }
    memchr::memchr_iter(b'\n', input).count()
}

impl<'t> Lexer<'t> {
    pub(super) fn new(input: &'t [u8]) -> Self {
        Self {
            input,
            pos: 0,
            start: 0,
            at_eof: false,
            parens: 0,
            line: 1,
            start_line: 1,
            inside_action: false,
            break_ok: true,
            continue_ok: true,
            error: None,
        }
    }

    /// The next item; after the end, the end again.
    pub(super) fn next_item(&mut self) -> Item {
        let mut state = if self.inside_action { State::InsideAction } else { State::Text };
        loop {
            state = match state {
                State::Text => self.text(),
                State::LeftDelim => self.left_delim(),
                State::Comment => self.comment(),
                State::RightDelim => self.right_delim(),
                State::InsideAction => self.inside_action(),
                State::Space => self.space(),
                State::Quote => self.quote(),
                State::RawQuote => self.raw_quote(),
                State::Variable => self.variable(),
                State::Char => self.char_constant(),
                State::Field => self.field_or_variable(Kind::Field),
                State::Number => self.number(),
                State::Identifier => self.identifier(),
                State::Done(item) => return item,
            }
        }
    }

    fn rest(&self) -> &'t [u8] {
        self.from(self.pos)
    }

    fn from(&self, at: usize) -> &'t [u8] {
        self.input.get(at..).unwrap_or_default()
    }

    fn slice(&self, start: usize, end: usize) -> &'t [u8] {
        self.input.get(start..end).unwrap_or_default()
    }

    #[inline]
    fn next(&mut self) -> u32 {
        let (rune, width) = self.look();
        self.pos += width;
        self.line += usize::from(rune == 0x0A);
        rune
    }

    #[inline]
    fn peek(&mut self) -> u32 {
        self.look().0
    }

    /// The next character and its width; at the end that is remembered, since there is no way back from there.
    #[inline]
    fn look(&mut self) -> (u32, usize) {
        match self.input.get(self.pos) {
            Some(&byte) if byte < 0x80 => (u32::from(byte), 1),
            Some(_) => text::decode(self.rest()),
            None => {
                self.at_eof = true;
                (EOF, 0)
            }
        }
    }

    fn backup(&mut self) {
        if !self.at_eof && self.pos > 0 {
            let (rune, width) = text::decode_last(self.slice(0, self.pos));
            self.pos -= width;
            self.line -= usize::from(rune == 0x0A);
        }
    }

    /// Passes over letters, digits and underscores.
    fn word(&mut self) {
        loop {
            self.pos += self.rest().iter().take_while(|&&byte| is_word_byte(byte)).count();
            match self.look() {
                (rune, width) if rune >= 0x80 && is_alphanumeric(rune) => self.pos += width,
                _ => return,
            }
        }
    }

    fn this_item(&mut self, kind: Kind) -> Item {
        let item = Item { kind, start: self.start, end: self.pos, line: self.start_line };
        self.start = self.pos;
        self.start_line = self.line;
        item
    }

    fn emit(&mut self, kind: Kind) -> State {
        State::Done(self.this_item(kind))
    }

    /// Skips what was passed over without `next`, counting its lines.
    fn ignore(&mut self) {
        self.line += newlines(self.slice(self.start, self.pos));
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let rune = self.next();
        if u8::try_from(rune).is_ok_and(|byte| byte < 0x80 && valid.contains(&byte)) {
            return true;
        }
        self.backup();
        false
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    fn fail(&mut self, message: String) -> State {
        let item = Item { kind: Kind::Error, start: self.start, end: self.start, line: self.start_line };
        self.error.get_or_insert(message);
        self.start = 0;
        self.pos = 0;
        self.input = &[];
        State::Done(item)
    }

    fn text(&mut self) -> State {
        let Some(found) = find_left_delim(self.rest()) else {
            self.pos = self.input.len();
            if self.pos > self.start {
                self.line += newlines(self.slice(self.start, self.pos));
                return self.emit(Kind::Text);
            }
            return self.emit(Kind::Eof);
        };
        if found > 0 {
            self.pos += found;
            let trimmed = if has_left_trim_marker(self.from(self.pos + LEFT.len())) {
                let before = self.slice(self.start, self.pos);
                before.len() - before.iter().rposition(|&byte| !is_space_byte(byte)).map_or(0, |at| at + 1)
            } else {
                0
            };
            self.pos -= trimmed;
            self.line += newlines(self.slice(self.start, self.pos));
            let item = self.this_item(Kind::Text);
            self.pos += trimmed;
            self.ignore();
            if item.end > item.start {
                return State::Done(item);
            }
        }
        State::LeftDelim
    }

    fn left_delim(&mut self) -> State {
        self.pos += LEFT.len();
        let after_marker = if has_left_trim_marker(self.rest()) { 2 } else { 0 };
        if self.from(self.pos + after_marker).starts_with(b"/*") {
            self.pos += after_marker;
            self.ignore();
            return State::Comment;
        }
        let item = self.this_item(Kind::LeftDelim);
        self.inside_action = true;
        self.pos += after_marker;
        self.ignore();
        self.parens = 0;
        State::Done(item)
    }

    fn comment(&mut self) -> State {
        self.pos += 2;
        let Some(found) = memchr::memmem::find(self.rest(), b"*/") else {
            return self.fail("unclosed comment".to_owned());
        };
        self.pos += found + 2;
        let Some(trim) = self.at_right_delim() else {
            return self.fail("comment ends before closing delimiter".to_owned());
        };
        self.line += newlines(self.slice(self.start, self.pos));
        self.this_item(Kind::Text);
        self.pos += if trim { 2 } else { 0 };
        self.pos += RIGHT.len();
        if trim {
            self.skip_spaces();
        }
        self.ignore();
        State::Text
    }

    fn skip_spaces(&mut self) {
        self.pos += self.rest().iter().take_while(|&&byte| is_space_byte(byte)).count();
    }

    /// Whether a right delimiter stands here, and if so whether it trims.
    fn at_right_delim(&self) -> Option<bool> {
        match self.rest() {
            [b'}', b'}', ..] => Some(false),
            [space, b'-', b'}', b'}', ..] if is_space_byte(*space) => Some(true),
            _ => None,
        }
    }

    fn right_delim(&mut self) -> State {
        let trim = self.at_right_delim() == Some(true);
        if trim {
            self.pos += 2;
            self.ignore();
        }
        self.pos += RIGHT.len();
        let item = self.this_item(Kind::RightDelim);
        if trim {
            self.skip_spaces();
            self.ignore();
        }
        self.inside_action = false;
        State::Done(item)
    }

    fn inside_action(&mut self) -> State {
        if self.at_right_delim().is_some() {
            return if self.parens == 0 { State::RightDelim } else { self.fail("unclosed left paren".to_owned()) };
        }
        let rune = self.next();
        if rune == EOF {
            return self.fail("unclosed action".to_owned());
        }
        match u8::try_from(rune).unwrap_or(0x80) {
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.backup();
                State::Space
            }
            b'=' => self.emit(Kind::Assign),
            b':' if self.next() != u32::from(b'=') => self.fail("expected :=".to_owned()),
            b':' => self.emit(Kind::Declare),
            b'|' => self.emit(Kind::Pipe),
            b'"' => State::Quote,
            b'`' => State::RawQuote,
            b'$' => State::Variable,
            b'\'' => State::Char,
            b'.' if self.rest().first().is_some_and(|byte| !byte.is_ascii_digit()) => State::Field,
            b'.' | b'+' | b'-' | b'0'..=b'9' => {
                self.backup();
                State::Number
            }
            _ if is_alphanumeric(rune) => {
                self.backup();
                State::Identifier
            }
            b'(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            b')' => self.right_paren(),
            0x20..0x7F => self.emit(Kind::Char),
            _ => self.fail(format!("unrecognized character in action: {}", text::unicode_form(rune))),
        }
    }

    fn right_paren(&mut self) -> State {
        match self.parens.checked_sub(1) {
            Some(parens) => {
                self.parens = parens;
                self.emit(Kind::RightParen)
            }
            None => self.fail("unexpected right paren".to_owned()),
        }
    }

    fn space(&mut self) -> State {
        let count = self.rest().iter().take_while(|&&byte| is_space_byte(byte)).count();
        self.line += newlines(self.slice(self.pos, self.pos + count));
        self.pos += count;
        // A delimiter that trims starts with one of these spaces.
        let before = self.pos.saturating_sub(1);
        if has_right_trim_marker(self.from(before)) && self.from(before + 2).starts_with(RIGHT) {
            self.backup();
            if count == 1 {
                return State::RightDelim;
            }
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> State {
        self.word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match self.slice(self.start, self.pos) {
            b"block" => Kind::Block,
            b"break" if self.break_ok => Kind::Break,
            b"continue" if self.continue_ok => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind)
    }

    fn variable(&mut self) -> State {
        if self.at_terminator() {
            return self.emit(Kind::Variable);
        }
        self.field_or_variable(Kind::Variable)
    }

    fn field_or_variable(&mut self, kind: Kind) -> State {
        if self.at_terminator() {
            return self.emit(if kind == Kind::Variable { Kind::Variable } else { Kind::Dot });
        }
        self.word();
        if self.at_terminator() { self.emit(kind) } else { self.bad_character() }
    }

    fn bad_character(&mut self) -> State {
        let rune = self.peek();
        self.fail(format!("bad character {}", text::unicode_form(rune)))
    }

    fn at_terminator(&mut self) -> bool {
        let rune = self.peek();
        if is_space(rune) || rune == EOF {
            return true;
        }
        matches!(u8::try_from(rune), Ok(b'.' | b',' | b'|' | b':' | b')' | b'(')) || self.rest().starts_with(RIGHT)
    }

    fn char_constant(&mut self) -> State {
        if self.quoted(b'\'') { self.emit(Kind::CharConstant) } else { self.fail("unterminated character constant".to_owned()) }
    }

    fn quote(&mut self) -> State {
        if self.quoted(b'"') { self.emit(Kind::String) } else { self.fail("unterminated quoted string".to_owned()) }
    }

    /// Passes over the rest of a literal on one line; whether it ends.
    fn quoted(&mut self, delimiter: u8) -> bool {
        loop {
            let plain = |byte: &&u8| !matches!(**byte, b'\\' | b'\n') && **byte != delimiter;
            self.pos += self.rest().iter().take_while(plain).count();
            match self.next() {
                0x5C => {
                    if matches!(self.next(), EOF | 0x0A) {
                        return false;
                    }
                }
                EOF | 0x0A => return false,
                rune if rune == u32::from(delimiter) => return true,
                _ => {}
            }
        }
    }

    fn raw_quote(&mut self) -> State {
        let Some(length) = memchr::memchr(b'`', self.rest()) else {
            return self.fail("unterminated raw quoted string".to_owned());
        };
        self.line += newlines(self.slice(self.pos, self.pos + length));
        self.pos += length + 1;
        self.emit(Kind::RawString)
    }

    fn number(&mut self) -> State {
        if !self.scan_number() {
            return self.bad_number();
        }
        let sign = self.peek();
        if sign == u32::from(b'+') || sign == u32::from(b'-') {
            if !self.scan_number() || self.slice(0, self.pos).last() != Some(&b'i') {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> State {
        let message = format!("bad number syntax: {}", text::quote(self.slice(self.start, self.pos), false));
        self.fail(message)
    }

    /// Passes over what looks like a number; what it is worth is the parser's business.
    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        const HEX: &[u8] = b"0123456789abcdefABCDEF_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEX;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if !exponent.is_empty() && self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        if is_alphanumeric(self.peek()) {
            self.next();
            return false;
        }
        true
    }
}
