//! Text to tokens, the way libyaml's scanner does it in the form go-yaml gave it (`scannerc.go` of v2 and v3).
//!
//! The scanner decides what go-yaml accepts and refuses, so it keeps libyaml's queue of tokens with the KEY token
//! that is inserted before a simple key when its `:` is seen, and go-yaml v3's habit of looking two tokens ahead.
//! Scalars borrow from the text wherever folding and escapes leave it unchanged.

mod comments;
mod directives;
mod scalars;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;

use super::Dialect;
use super::input::Input;
use super::node::ScalarStyle;

pub(super) use comments::Role;
pub(super) use scalars::named_escape;

/// go-yaml stops at 10,000 levels; a stack of threads in Rust is smaller, and no manifest comes near either.
pub const MAX_DEPTH: usize = 500;

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// Bytes before it.
    pub offset: u32,
    /// Characters before it.
    pub index: u32,
    /// Lines before it.
    pub line: u32,
    /// Characters before it on its line.
    pub column: u32,
}

/// Why a text cannot be read; its `Display` is go-yaml's whole message, `yaml: line 3: did not find expected key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The message without `yaml: `, with go-yaml's idea of the line.
    pub message: String,
    /// Where the reader stood, which is often a more useful place than the line in the message.
    pub mark: Mark,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "yaml: {}", self.message)
    }
}

impl std::error::Error for Error {}

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub kind: TokenKind<'a>,
    pub start: Mark,
    pub end: Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    StreamStart,
    StreamEnd,
    VersionDirective(u8, u8),
    TagDirective(Box<(String, String)>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    /// Handle and suffix.
    Tag(Box<(String, String)>),
    Scalar(Cow<'a, str>, ScalarStyle),
}

/// A place where a simple key may have started.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token_number: usize,
    mark: Mark,
}

/// The scanner.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub dialect: Dialect,
    text: &'a str,
    bytes: &'a [u8],
    failure: Option<&'static str>,
    ascii: bool,
    pos: usize,
    line: u32,
    /// Character index of the first character of the line.
    line_index: u32,
    /// UTF-8 continuation bytes so far; the difference between byte offsets and character indices.
    wide: u32,
    indent: i32,
    indents: Vec<i32>,
    flow_level: usize,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    /// Token numbers that may turn out to be simple keys, ascending, with their place in `simple_keys`.
    keys_by_token: VecDeque<(usize, usize)>,
    pub tokens: VecDeque<Token<'a>>,
    tokens_parsed: usize,
    /// Whether the first token of the queue is known to be what it will stay.
    token_available: bool,
    pub comments: Option<comments::State>,
}

type Scanned<T = ()> = Result<T, Error>;

impl<'a> Scanner<'a> {
    pub(crate) fn new(input: &'a Input<'_>, dialect: Dialect) -> Self {
        let text = input.text();
        Self {
            dialect,
            text,
            bytes: text.as_bytes(),
            failure: input.failure(),
            ascii: text.is_ascii(),
            pos: 0,
            line: 0,
            line_index: 0,
            wide: 0,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: Vec::new(),
            keys_by_token: VecDeque::new(),
            tokens: VecDeque::with_capacity(8),
            tokens_parsed: 0,
            token_available: false,
            comments: (dialect == Dialect::V3).then(comments::State::default),
        }
    }

    /// Makes sure that the first token of the queue can be handed out.
    pub(crate) fn fetch_more(&mut self) -> Scanned {
        if self.token_available {
            return Ok(());
        }
        let ahead = match self.dialect {
            Dialect::V2 => 0,
            Dialect::V3 => 2,
        };
        while self.tokens.len() <= ahead || self.head_may_be_key()? {
            self.fetch_next()?;
        }
        self.token_available = true;
        Ok(())
    }

    /// Drops the first token.
    pub(crate) fn skip_token(&mut self) -> Option<Token<'a>> {
        self.tokens_parsed += 1;
        self.token_available = false;
        self.tokens.pop_front()
    }

    fn head_may_be_key(&mut self) -> Scanned<bool> {
        while let Some(&(number, key)) = self.keys_by_token.front() {
            if number > self.tokens_parsed {
                return Ok(false);
            }
            if number == self.tokens_parsed {
                return self.simple_key_is_valid(key);
            }
            self.keys_by_token.pop_front();
        }
        Ok(false)
    }

    fn fetch_next(&mut self) -> Scanned {
        let fetched = self.fetch_token();
        // An error, too, may come from having seen only the part of the text that can be read.
        let needed = if fetched.is_err() { 2 } else { 1 };
        self.check_readable(needed)?;
        fetched
    }

    /// Fails when the scanner comes to where the input goes on but cannot be read.
    fn check_readable(&self, needed: usize) -> Scanned {
        match self.failure {
            Some(problem) if self.pos + needed > self.bytes.len() => Err(Error { message: problem.to_owned(), mark: self.mark() }),
            _ => Ok(()),
        }
    }

    fn fetch_token(&mut self) -> Scanned {
        if self.simple_keys.is_empty() {
            self.simple_keys.push(SimpleKey::default());
            let mark = self.mark();
            self.push(TokenKind::StreamStart, mark, mark);
            return Ok(());
        }
        let scan_mark = self.mark();
        self.scan_to_next_token(scan_mark)?;
        self.check_readable(4)?;
        let column = self.column();
        self.unroll_indent(column as i32, scan_mark);
        let c = self.at(0);
        if c == 0 {
            return self.fetch_stream_end();
        }
        if column == 0 {
            if c == b'%' {
                return self.fetch_directive();
            }
            if self.at_document_indicator() {
                let kind = if c == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
                return self.fetch_document_indicator(kind);
            }
        }
        if self.comments.is_none() {
            return self.fetch_content(c);
        }
        let comment_mark = match self.tokens.back() {
            Some(last) if (self.flow_level == 0 && c == b':') || (self.flow_level > 0 && c == b',') => last.start,
            _ => self.mark(),
        };
        self.fetch_content(c)?;
        if !matches!(self.tokens.back(), Some(Token { kind: TokenKind::BlockEntry, .. })) {
            self.scan_line_comment(comment_mark);
        }
        Ok(())
    }

    fn fetch_content(&mut self, c: u8) -> Scanned {
        let flow = self.flow_level > 0;
        match c {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.is_blankz(1) => self.fetch_block_entry(),
            b'?' if flow || self.is_blankz(1) => self.fetch_key(),
            b':' if flow || self.is_blankz(1) => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(c == b'*'),
            b'!' => self.fetch_tag(),
            b'|' if !flow => self.fetch_block_scalar(true),
            b'>' if !flow => self.fetch_block_scalar(false),
            b'\'' | b'"' => self.fetch_flow_scalar(c == b'\''),
            _ if self.may_start_plain(c) => self.fetch_plain_scalar(),
            _ => Err(self.error(self.mark(), "found character that cannot start any token")),
        }
    }

    fn may_start_plain(&self, c: u8) -> bool {
        match c {
            b'-' => !matches!(self.at(1), b' ' | b'\t'),
            // The caller has seen that no blank follows.
            b'?' | b':' => self.flow_level == 0,
            b' ' | b'\t' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' => false,
            b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => false,
            _ => !self.is_break(0),
        }
    }

    // ---- keys and indentation

    fn simple_key_is_valid(&mut self, key: usize) -> Scanned<bool> {
        let (line, index) = (self.line, self.index());
        let Some(found) = self.simple_keys.get_mut(key) else {
            return Ok(false);
        };
        if !found.possible {
            return Ok(false);
        }
        if found.mark.line < line || found.mark.index + 1024 < index {
            if found.required {
                let mark = found.mark;
                return Err(self.error(mark, "could not find expected ':'"));
            }
            found.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Scanned {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column() as i32;
        let token_number = self.tokens_parsed + self.tokens.len();
        let mark = self.mark();
        self.remove_simple_key()?;
        let last = self.simple_keys.len().saturating_sub(1);
        if let Some(key) = self.simple_keys.last_mut() {
            *key = SimpleKey { possible: true, required, token_number, mark };
            self.keys_by_token.push_back((token_number, last));
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Scanned {
        let Some(key) = self.simple_keys.last_mut() else {
            return Ok(());
        };
        if key.possible {
            if key.required {
                let mark = key.mark;
                return Err(self.error(mark, "could not find expected ':'"));
            }
            key.possible = false;
            let number = key.token_number;
            self.forget_key(number);
        }
        Ok(())
    }

    fn forget_key(&mut self, token_number: usize) {
        if let Some(at) = self.keys_by_token.iter().rposition(|&(number, _)| number == token_number) {
            self.keys_by_token.remove(at);
        }
    }

    fn increase_flow_level(&mut self) -> Scanned {
        let mark = self.mark();
        self.simple_keys.push(SimpleKey { mark, token_number: self.tokens_parsed + self.tokens.len(), ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(self.error(mark, format!("exceeded max depth of {MAX_DEPTH}")));
        }
        Ok(())
    }

    fn decrease_flow_level(&mut self) {
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.forget_key(key.token_number);
            }
        }
    }

    /// Opens a block collection when the column is further in than the current one; `number` is that of the token
    /// to open it before, or none for the end of the queue.
    fn roll_indent(&mut self, column: u32, number: Option<usize>, kind: TokenKind<'a>, mark: Mark) -> Scanned {
        let column = column as i32;
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            let context = self.simple_keys.last().map_or(mark, |key| key.mark);
            return Err(self.error(context, format!("exceeded max depth of {MAX_DEPTH}")));
        }
        self.insert(number, Token { kind, start: mark, end: mark });
        Ok(())
    }

    /// Closes the block collections that are further in than the column.
    fn unroll_indent(&mut self, column: i32, scan_mark: Mark) {
        if self.flow_level > 0 || self.indent <= column {
            return;
        }
        let mut mark = match self.dialect {
            Dialect::V2 => self.mark(),
            Dialect::V3 => Mark { index: scan_mark.index.saturating_sub(1), ..scan_mark },
        };
        while self.indent > column {
            if let Some(comments) = &self.comments {
                mark = comments.end_of_block(mark, self.indent);
            }
            self.push(TokenKind::BlockEnd, mark, mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn insert(&mut self, number: Option<usize>, token: Token<'a>) {
        match number.and_then(|number| number.checked_sub(self.tokens_parsed)) {
            Some(at) if at <= self.tokens.len() => self.tokens.insert(at, token),
            _ => self.tokens.push_back(token),
        }
    }

    fn push(&mut self, kind: TokenKind<'a>, start: Mark, end: Mark) {
        self.tokens.push_back(Token { kind, start, end });
    }

    // ---- one kind of token each

    fn fetch_stream_end(&mut self) -> Scanned {
        if self.column() != 0 {
            self.line += 1;
            self.line_index = self.index();
        }
        self.unroll_indent(-1, self.mark());
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let mark = self.mark();
        self.push(TokenKind::StreamEnd, mark, mark);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: TokenKind<'a>) -> Scanned {
        self.unroll_indent(-1, self.mark());
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn push_indicator(&mut self, kind: TokenKind<'a>, width: usize) {
        let start = self.mark();
        self.advance(width);
        let end = self.mark();
        self.push(kind, start, end);
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Scanned {
        self.save_simple_key()?;
        self.increase_flow_level()?;
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Scanned {
        self.remove_simple_key()?;
        self.decrease_flow_level();
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Scanned {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::FlowEntry, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scanned {
        // In the flow context the parser complains, because it can say where the collection began.
        if self.flow_level == 0 {
            let mark = self.mark();
            if !self.simple_key_allowed {
                return Err(self.error(mark, "block sequence entries are not allowed in this context"));
            }
            self.roll_indent(mark.column, None, TokenKind::BlockSequenceStart, mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scanned {
        if self.flow_level == 0 {
            let mark = self.mark();
            if !self.simple_key_allowed {
                return Err(self.error(mark, "mapping keys are not allowed in this context"));
            }
            self.roll_indent(mark.column, None, TokenKind::BlockMappingStart, mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Scanned {
        let last = self.simple_keys.len().saturating_sub(1);
        if self.simple_key_is_valid(last)? {
            let key = self.simple_keys.last().copied().unwrap_or_default();
            self.insert(Some(key.token_number), Token { kind: TokenKind::Key, start: key.mark, end: key.mark });
            self.roll_indent(key.mark.column, Some(key.token_number), TokenKind::BlockMappingStart, key.mark)?;
            if let Some(key) = self.simple_keys.last_mut() {
                key.possible = false;
            }
            self.forget_key(key.token_number);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                let mark = self.mark();
                if !self.simple_key_allowed {
                    return Err(self.error(mark, "mapping values are not allowed in this context"));
                }
                self.roll_indent(mark.column, None, TokenKind::BlockMappingStart, mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value, 1);
        Ok(())
    }

    fn fetch_anchor(&mut self, alias: bool) -> Scanned {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark();
        self.advance(1);
        let from = self.pos;
        while is_alpha(self.at(0)) {
            self.pos += 1;
        }
        let name = self.slice(from, self.pos);
        let ends = self.is_blankz(0) || matches!(self.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return Err(self.error(start, "did not find expected alphabetic or numeric character"));
        }
        let end = self.mark();
        self.push(if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) }, start, end);
        Ok(())
    }

    /// Eats blanks, comments and line breaks up to the next token.
    fn scan_to_next_token(&mut self, scan_mark: Mark) -> Scanned {
        if self.pos == 0 && self.bytes.starts_with("\u{feff}".as_bytes()) {
            self.advance(3);
        }
        loop {
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.at(0) == b' ' || (tabs && self.at(0) == b'\t') {
                self.pos += 1;
            }
            if self.comments.is_some() {
                self.lift_line_comment();
            }
            if self.at(0) == b'#' {
                if self.comments.is_some() {
                    self.scan_comments(scan_mark);
                } else {
                    self.skip_to_line_end();
                }
            }
            if !self.skip_break() {
                return Ok(());
            }
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    // ---- the text

    /// The byte `ahead` of the position; 0 past the end, which no text contains.
    fn at(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn index(&self) -> u32 {
        self.pos as u32 - self.wide
    }

    fn column(&self) -> u32 {
        self.index() - self.line_index
    }

    fn mark(&self) -> Mark {
        let index = self.index();
        Mark { offset: self.pos as u32, index, line: self.line, column: index - self.line_index }
    }

    /// Moves over characters that are not line breaks.
    fn advance(&mut self, bytes: usize) {
        let to = (self.pos + bytes).min(self.bytes.len());
        let passed = self.bytes.get(self.pos..to).unwrap_or_default();
        if !self.ascii {
            self.wide += passed.iter().filter(|&&byte| byte & 0xc0 == 0x80).count() as u32;
        }
        self.pos = to;
        if let Some(comments) = &mut self.comments
            && passed.iter().any(|byte| !matches!(byte, b' ' | b'\t'))
        {
            comments.newlines = 0;
        }
    }

    /// The width of the line break at the position, or 0.
    fn break_width(&self) -> usize {
        match self.at(0) {
            b'\n' => 1,
            b'\r' if self.at(1) == b'\n' => 2,
            b'\r' => 1,
            0xc2 if self.at(1) == 0x85 => 2,
            0xe2 if self.at(1) == 0x80 && matches!(self.at(2), 0xa8 | 0xa9) => 3,
            _ => 0,
        }
    }

    /// Moves over one line break, if there is one.
    fn skip_break(&mut self) -> bool {
        let width = self.break_width();
        if width == 0 {
            return false;
        }
        if self.at(0) >= 0x80 {
            self.wide += width as u32 - 1;
        }
        self.pos += width;
        self.line += 1;
        self.line_index = self.index();
        if let Some(comments) = &mut self.comments {
            comments.newlines += 1;
        }
        true
    }

    /// Moves over one line break and appends what it means: LF, or the Unicode separators themselves.
    fn read_break(&mut self, into: &mut String) -> bool {
        let separator = if self.at(0) == 0xe2 { self.slice(self.pos, self.pos + 3) } else { "\n" };
        let found = self.skip_break();
        if found {
            into.push_str(separator);
        }
        found
    }

    /// Moves to the next line break or the end.
    fn skip_to_line_end(&mut self) {
        let end = self.line_end();
        self.advance(end - self.pos);
    }

    /// Where the line ends that the position is on.
    fn line_end(&self) -> usize {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        if self.ascii {
            return self.pos + end;
        }
        let line = self.slice(self.pos, self.pos + end);
        self.pos + line.find(['\u{85}', '\u{2028}', '\u{2029}']).unwrap_or(end)
    }

    fn is_break(&self, ahead: usize) -> bool {
        match self.at(ahead) {
            b'\n' | b'\r' => true,
            0xc2 => self.at(ahead + 1) == 0x85,
            0xe2 => self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xa8 | 0xa9),
            _ => false,
        }
    }

    fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    fn is_breakz(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.is_break(ahead)
    }

    fn is_blankz(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_breakz(ahead)
    }

    fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.pos += 1;
        }
    }

    fn at_document_indicator(&self) -> bool {
        let next = self.bytes.get(self.pos..self.pos + 3);
        (next == Some(b"---") || next == Some(b"...")) && self.is_blankz(3)
    }

    /// An error of the scanner at the position; `context` is where the thing began that could not be read.
    fn error(&self, context: Mark, problem: impl Into<Cow<'static, str>>) -> Error {
        let problem = problem.into();
        let line = match self.dialect {
            Dialect::V3 if context.line != 0 => context.line + 1,
            _ if self.line != 0 => self.line + 1,
            _ => context.line,
        };
        let message = if line == 0 { problem.into_owned() } else { format!("line {line}: {problem}") };
        Error { message, mark: self.mark() }
    }
}

fn is_alpha(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b'-'
}
