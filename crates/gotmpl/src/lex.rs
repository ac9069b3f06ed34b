//! The scanner: template text to items, state by state as Go's text/template/parse/lex.go does it.

use super::text;

/// The kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
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

impl TokenKind {
    /// Whether Go sorts it among the keywords, which error texts show in angle brackets.
    pub(super) fn is_keyword(self) -> bool {
        use TokenKind::{Block, Break, Continue, Define, Dot, Else, End, If, Nil, Range, Template, With};
        matches!(self, Block | Break | Continue | Dot | Define | Else | End | If | Nil | Range | Template | With)
    }

    /// Whether a term of a pipeline can begin with it.
    pub(super) fn begins_operand(self) -> bool {
        use TokenKind::{Bool, CharConstant, Complex, Dot, Field, Identifier, LeftParen, Nil, Number, RawString, String, Variable};
        matches!(self, Bool | CharConstant | Complex | Dot | Field | Identifier | Number | Nil | RawString | String | Variable | LeftParen)
    }
}

/// A token: its kind and the bytes it stands at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) kind: TokenKind,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Where the space before it begins, which is an item of its own in Go; `start` where there is none.
    pub(super) space: u32,
}

impl Item {
    /// What a token buffer holds before anything was read.
    pub(super) const NONE: Self = Self { kind: TokenKind::Eof, start: 0, end: 0, space: 0 };

    /// Whether there is space between the item before and this one.
    pub(super) fn is_apart(self) -> bool {
        self.space < self.start
    }
}

/// The scanner over one text, which is smaller than 4 GiB.
pub(super) struct Lexer<'t> {
    input: &'t [u8],
    pos: usize,
    parens: usize,
    inside_action: bool,
    /// Whether `break` and `continue` are keywords; they are not where functions of these names exist.
    pub(super) break_ok: bool,
    pub(super) continue_ok: bool,
    /// The text of the error item, once there is one.
    pub(super) error: Option<String>,
}

const DELIM: usize = 2;
const TRIM_MARKER: usize = 2;

/// What a byte can be inside an action.
mod class {
    /// A letter, digit or underscore.
    pub(super) const WORD: u8 = 1;
    /// Space.
    pub(super) const SPACE: u8 = 2;
    /// What may follow a word, but for a right delimiter.
    pub(super) const TERMINATOR: u8 = 4;

    pub(super) const OF: [u8; 256] = table();

    const fn table() -> [u8; 256] {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let c = byte as u8;
            if c.is_ascii_alphanumeric() || c == b'_' {
                table[byte] |= WORD;
            }
            if matches!(c, b' ' | b'\t' | b'\r' | b'\n') {
                table[byte] |= SPACE | TERMINATOR;
            }
            if matches!(c, b'.' | b',' | b'|' | b':' | b')' | b'(') {
                table[byte] |= TERMINATOR;
            }
            byte += 1;
        }
        table
    }
}

#[inline]
fn is(byte: u8, class: u8) -> bool {
    class::OF[usize::from(byte)] & class != 0
}

#[inline]
fn is_space(byte: u8) -> bool {
    is(byte, class::SPACE)
}

fn is_alphanumeric(rune: u32) -> bool {
    rune == u32::from(b'_') || text::is_letter(rune) || text::is_digit(rune)
}

fn has_left_trim_marker(input: &[u8]) -> bool {
    matches!(input, [b'-', space, ..] if is_space(*space))
}

/// Where the next action begins. Braces are rare in text, so looking for one at a time is cheaper than preparing a search.
fn find_left_delim(input: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', input).find(|&at| input.get(at + 1) == Some(&b'{'))
}

#[inline]
fn offset(at: usize) -> u32 {
    // The parser has refused texts for which this does not hold.
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl<'t> Lexer<'t> {
    pub(super) fn new(input: &'t [u8]) -> Self {
        Self { input, pos: 0, parens: 0, inside_action: false, break_ok: true, continue_ok: true, error: None }
    }

    /// The next item; after the end, the end again.
    pub(super) fn next_item(&mut self) -> Item {
        if self.inside_action { self.action() } else { self.text() }
    }

    #[inline]
    fn from(&self, at: usize) -> &'t [u8] {
        self.input.get(at..).unwrap_or_default()
    }

    #[inline]
    fn byte(&self, at: usize) -> Option<u8> {
        self.input.get(at).copied()
    }

    /// The first byte from `at` on that is not of a class.
    #[inline]
    fn past(&self, at: usize, class: u8) -> usize {
        let rest = self.from(at);
        at + rest.iter().position(|&byte| !is(byte, class)).unwrap_or(rest.len())
    }

    /// The item from `start` to `end`, after which the scanner goes on.
    #[inline]
    fn item(&mut self, kind: TokenKind, start: usize, end: usize) -> Item {
        self.pos = end;
        let start = offset(start);
        Item { kind, start, end: offset(end), space: start }
    }

    fn fail(&mut self, at: usize, message: impl Into<String>) -> Item {
        self.error.get_or_insert(message.into());
        self.input = &[];
        let item = self.item(TokenKind::Error, at, at);
        self.pos = 0;
        item
    }

    // Outside of actions.

    fn text(&mut self) -> Item {
        loop {
            let start = self.pos;
            let Some(found) = find_left_delim(self.from(start)) else {
                let end = self.input.len();
                return self.item(if start < end { TokenKind::Text } else { TokenKind::Eof }, start, end);
            };
            let delim = start + found;
            let trims = has_left_trim_marker(self.from(delim + DELIM));
            let text = self.input.get(start..delim).unwrap_or_default();
            let kept = if trims { text.iter().rposition(|&byte| !is_space(byte)).map_or(0, |at| at + 1) } else { text.len() };
            if kept > 0 {
                let item = self.item(TokenKind::Text, start, start + kept);
                self.pos = delim;
                return item;
            }
            let inside = delim + DELIM + if trims { TRIM_MARKER } else { 0 };
            if !matches!(self.from(inside), [b'/', b'*', ..]) {
                self.inside_action = true;
                self.parens = 0;
                let item = self.item(TokenKind::LeftDelim, delim, delim + DELIM);
                self.pos = inside;
                return item;
            }
            if let Err(error) = self.comment(inside) {
                return error;
            }
        }
    }

    /// Passes over a comment and the delimiter after it.
    fn comment(&mut self, start: usize) -> Result<(), Item> {
        let body = start + 2;
        let Some(length) = memchr::memmem::find(self.from(body), b"*/") else {
            return Err(self.fail(start, "unclosed comment"));
        };
        let end = body + length + 2;
        self.pos = match self.from(end) {
            [b'}', b'}', ..] => end + DELIM,
            [space, b'-', b'}', b'}', ..] if is_space(*space) => self.past(end + TRIM_MARKER + DELIM, class::SPACE),
            _ => return Err(self.fail(start, "comment ends before closing delimiter")),
        };
        Ok(())
    }

    // Inside of actions.

    fn action(&mut self) -> Item {
        let space = self.pos;
        let start = self.past(space, class::SPACE);
        if space < start && matches!(self.from(start), [b'-', b'}', b'}', ..]) {
            return self.trimming_delim(space, start);
        }
        let item = self.token(start);
        Item { space: offset(space), ..item }
    }

    /// A right delimiter that trims begins with the last of the spaces before it; only the others are an item in Go.
    fn trimming_delim(&mut self, space: usize, marker: usize) -> Item {
        if self.parens > 0 {
            let item = self.fail(marker - 1, "unclosed left paren");
            return Item { space: offset(space), ..item };
        }
        let others = marker - space > 1;
        let delim = marker + 1;
        let item = self.item(TokenKind::RightDelim, delim, delim + DELIM);
        self.pos = self.past(delim + DELIM, class::SPACE);
        self.inside_action = false;
        if others { Item { space: offset(space), ..item } } else { item }
    }

    /// The item that begins at `start`, which is no space.
    fn token(&mut self, start: usize) -> Item {
        let Some(first) = self.byte(start) else { return self.fail(start, "unclosed action") };
        let after = start + 1;
        match first {
            b'.' if self.byte(after).is_some_and(|byte| !byte.is_ascii_digit()) => self.name(start, TokenKind::Field, TokenKind::Dot),
            b'$' => self.name(start, TokenKind::Variable, TokenKind::Variable),
            b'.' | b'+' | b'-' | b'0'..=b'9' => self.number(start),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.identifier(start),
            b'}' if self.byte(after) == Some(b'}') => self.right_delim(start),
            b'"' => self.quoted(start, TokenKind::String, "unterminated quoted string"),
            b'`' => self.raw_quoted(start),
            b'\'' => self.quoted(start, TokenKind::CharConstant, "unterminated character constant"),
            b'|' => self.item(TokenKind::Pipe, start, after),
            b'(' => {
                self.parens += 1;
                self.item(TokenKind::LeftParen, start, after)
            }
            b')' => self.right_paren(start),
            b'=' => self.item(TokenKind::Assign, start, after),
            b':' if self.byte(after) == Some(b'=') => self.item(TokenKind::Declare, start, after + 1),
            b':' => self.fail(start, "expected :="),
            0x20..0x7F => self.item(TokenKind::Char, start, after),
            _ => self.foreign(start),
        }
    }

    /// What begins with a byte that is not ASCII, or with a control character.
    fn foreign(&mut self, start: usize) -> Item {
        let (rune, _) = text::decode(self.from(start));
        if is_alphanumeric(rune) {
            return self.identifier(start);
        }
        self.fail(start, format!("unrecognized character in action: {}", text::unicode_form(rune)))
    }

    fn right_delim(&mut self, start: usize) -> Item {
        if self.parens > 0 {
            return self.fail(start, "unclosed left paren");
        }
        self.inside_action = false;
        self.item(TokenKind::RightDelim, start, start + DELIM)
    }

    fn right_paren(&mut self, start: usize) -> Item {
        match self.parens.checked_sub(1) {
            Some(parens) => {
                self.parens = parens;
                self.item(TokenKind::RightParen, start, start + 1)
            }
            None => self.fail(start, "unexpected right paren"),
        }
    }

    /// Where a word ends that may begin at `at`.
    fn word(&self, at: usize) -> usize {
        let mut at = self.past(at, class::WORD);
        while self.byte(at).is_some_and(|byte| byte >= 0x80) {
            let (rune, width) = text::decode(self.from(at));
            if !is_alphanumeric(rune) {
                break;
            }
            at = self.past(at + width, class::WORD);
        }
        at
    }

    #[inline]
    fn is_terminated(&self, at: usize) -> bool {
        match self.from(at) {
            [] | [b'}', b'}', ..] => true,
            [byte, ..] => is(*byte, class::TERMINATOR),
        }
    }

    fn identifier(&mut self, start: usize) -> Item {
        let end = self.word(start);
        if !self.is_terminated(end) {
            return self.bad_character(start, end);
        }
        let kind = match self.input.get(start..end).unwrap_or_default() {
            b"block" => TokenKind::Block,
            b"break" if self.break_ok => TokenKind::Break,
            b"continue" if self.continue_ok => TokenKind::Continue,
            b"define" => TokenKind::Define,
            b"else" => TokenKind::Else,
            b"end" => TokenKind::End,
            b"if" => TokenKind::If,
            b"range" => TokenKind::Range,
            b"nil" => TokenKind::Nil,
            b"template" => TokenKind::Template,
            b"with" => TokenKind::With,
            b"true" | b"false" => TokenKind::Bool,
            _ => TokenKind::Identifier,
        };
        self.item(kind, start, end)
    }

    /// A field or a variable: what its first byte is alone, and what it is with a word after it.
    fn name(&mut self, start: usize, named: TokenKind, bare: TokenKind) -> Item {
        let end = self.word(start + 1);
        match self.is_terminated(end) {
            true if end == start + 1 => self.item(bare, start, end),
            true => self.item(named, start, end),
            false => self.bad_character(start, end),
        }
    }

    fn bad_character(&mut self, start: usize, at: usize) -> Item {
        let (rune, _) = text::decode(self.from(at));
        self.fail(start, format!("bad character {}", text::unicode_form(rune)))
    }

    /// A literal on one line that ends with the byte it begins with.
    fn quoted(&mut self, start: usize, kind: TokenKind, unterminated: &str) -> Item {
        let delimiter = self.byte(start);
        let mut at = start + 1;
        loop {
            match self.byte(at) {
                None | Some(b'\n') => return self.fail(start, unterminated),
                Some(b'\\') if matches!(self.byte(at + 1), None | Some(b'\n')) => return self.fail(start, unterminated),
                Some(b'\\') => at += 2,
                byte if byte == delimiter => return self.item(kind, start, at + 1),
                Some(_) => at += 1,
            }
        }
    }

    fn raw_quoted(&mut self, start: usize) -> Item {
        match memchr::memchr(b'`', self.from(start + 1)) {
            Some(length) => self.item(TokenKind::RawString, start, start + length + 2),
            None => self.fail(start, "unterminated raw quoted string"),
        }
    }

    fn number(&mut self, start: usize) -> Item {
        let end = match self.scan_number(start) {
            Ok(end) => end,
            Err(end) => return self.bad_number(start, end),
        };
        if !matches!(self.byte(end), Some(b'+' | b'-')) {
            return self.item(TokenKind::Number, start, end);
        }
        match self.scan_number(end) {
            Ok(end) if self.byte(end - 1) == Some(b'i') => self.item(TokenKind::Complex, start, end),
            Ok(end) | Err(end) => self.bad_number(start, end),
        }
    }

    fn bad_number(&mut self, start: usize, end: usize) -> Item {
        let message = format!("bad number syntax: {}", text::quote(self.input.get(start..end).unwrap_or_default(), false));
        self.fail(start, message)
    }

    fn accept(&self, at: usize, valid: &[u8]) -> Option<usize> {
        self.byte(at).filter(|byte| valid.contains(byte)).map(|_| at + 1)
    }

    fn accept_run(&self, mut at: usize, valid: &[u8]) -> usize {
        while let Some(next) = self.accept(at, valid) {
            at = next;
        }
        at
    }

    /// Where what looks like a number ends; what it is worth is the parser's business. The error is where it stops to look
    /// like one.
    fn scan_number(&self, start: usize) -> Result<usize, usize> {
        const DECIMAL: &[u8] = b"0123456789_";
        let mut at = self.accept(start, b"+-").unwrap_or(start);
        let (mut digits, mut exponent): (&[u8], &[u8]) = (DECIMAL, b"eE");
        if let Some(zero) = self.accept(at, b"0") {
            at = zero;
            let bases: [(&[u8], &[u8], &[u8]); 3] =
                [(b"xX", b"0123456789abcdefABCDEF_", b"pP"), (b"oO", b"01234567_", b""), (b"bB", b"01_", b"")];
            if let Some((after, base)) = bases.iter().find_map(|base| Some((self.accept(at, base.0)?, base))) {
                at = after;
                (digits, exponent) = (base.1, base.2);
            }
        }
        at = self.accept_run(at, digits);
        if let Some(point) = self.accept(at, b".") {
            at = self.accept_run(point, digits);
        }
        if let Some(sign) = self.accept(at, exponent) {
            at = self.accept_run(self.accept(sign, b"+-").unwrap_or(sign), DECIMAL);
        }
        at = self.accept(at, b"i").unwrap_or(at);
        match text::decode(self.from(at)) {
            (rune, width) if width > 0 && is_alphanumeric(rune) => Err(at + width),
            _ => Ok(at),
        }
    }
}
