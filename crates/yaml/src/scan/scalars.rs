//! Scalars: plain, quoted, and in blocks.

use std::borrow::Cow;

use super::{Mark, Scanned, Scanner, TokenKind};
use crate::node::ScalarStyle;

/// Bytes that may end a run of a plain scalar: in the block context, and in the flow context too.
const ENDS_BLOCK: u8 = 1;
const ENDS_FLOW: u8 = 2;
/// Bytes that may end a run of a single- or double-quoted scalar.
const ENDS_SINGLE: u8 = 4;
const ENDS_DOUBLE: u8 = 8;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    mark(&mut table, b" \t\n\r\xc2\xe2", ENDS_BLOCK | ENDS_FLOW | ENDS_SINGLE | ENDS_DOUBLE);
    mark(&mut table, b":", ENDS_BLOCK | ENDS_FLOW);
    mark(&mut table, b",?[]{}", ENDS_FLOW);
    mark(&mut table, b"'", ENDS_SINGLE);
    mark(&mut table, b"\"\\", ENDS_DOUBLE);
    table
}

const fn mark(table: &mut [u8; 256], bytes: &[u8], class: u8) {
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] |= class;
        at += 1;
    }
}

/// The line breaks between two lines of content, which folding turns into a space or keeps.
#[derive(Debug, Default)]
struct Breaks {
    leading: String,
    trailing: String,
}

impl Breaks {
    /// Appends what the breaks mean; an escaped one leaves no leading break, only the empty lines after it.
    fn fold_into(&mut self, text: &mut String) {
        if !self.leading.starts_with('\n') {
            text.push_str(&self.leading);
            text.push_str(&self.trailing);
        } else if self.trailing.is_empty() {
            text.push(' ');
        } else {
            text.push_str(&self.trailing);
        }
        self.leading.clear();
        self.trailing.clear();
    }
}

/// A scalar's text: a slice of the source until something has to be changed in it.
struct Content<'a> {
    owned: Option<String>,
    source: &'a str,
    from: usize,
}

impl<'a> Content<'a> {
    fn new(source: &'a str, from: usize) -> Self {
        Self { owned: None, source, from }
    }

    /// Makes the text so far a string that ends with the source up to `to`, and goes on with the source at `next`.
    fn cut(&mut self, to: usize, next: usize) -> &mut String {
        let piece = self.source.get(self.from..to).unwrap_or_default();
        self.from = next;
        let owned = self.owned.get_or_insert_default();
        owned.push_str(piece);
        owned
    }

    fn finish(mut self, to: usize) -> Cow<'a, str> {
        match self.owned {
            None => Cow::Borrowed(self.source.get(self.from..to).unwrap_or_default()),
            Some(_) => Cow::Owned(std::mem::take(self.cut(to, to))),
        }
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn fetch_plain_scalar(&mut self) -> Scanned {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_plain_scalar()
    }

    fn scan_plain_scalar(&mut self) -> Scanned {
        let start = self.mark();
        let indent = self.indent + 1;
        let class = if self.flow_level > 0 { ENDS_FLOW } else { ENDS_BLOCK };
        let mut content = Content::new(self.text, self.pos);
        let mut end = start;
        let mut breaks = Breaks::default();
        let mut broken = false;
        loop {
            self.check_readable(4)?;
            if self.at(0) == b'#' || (self.column() == 0 && self.at_document_indicator()) {
                break;
            }
            let run = self.plain_run(class);
            if run > 0 {
                if broken {
                    let (to, next) = (end.offset as usize, self.pos);
                    breaks.fold_into(content.cut(to, next));
                    broken = false;
                }
                self.advance(run);
                end = self.mark();
            }
            if !self.is_blank(0) && !self.is_break(0) {
                break;
            }
            self.plain_blanks(start, indent, &mut breaks, &mut broken)?;
            if self.flow_level == 0 && (self.column() as i32) < indent {
                break;
            }
        }
        let text = content.finish(end.offset as usize);
        self.push(TokenKind::Scalar(text, ScalarStyle::Plain), start, end);
        if broken {
            self.simple_key_allowed = true;
        }
        Ok(())
    }

    /// How many bytes from the position on belong to a plain scalar, up to blanks that may end it.
    fn plain_run(&self, class: u8) -> usize {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        // A single space before an ordinary character ends nothing: texts are passed over a line at a time.
        let goes_on =
            |next: Option<&u8>| self.failure.is_none() && next.is_some_and(|&byte| CLASS[byte as usize] & class == 0 && byte != b'#');
        let mut run = 0;
        loop {
            run += rest.iter().skip(run).take_while(|&&byte| CLASS[byte as usize] & class == 0).count();
            match rest.get(run) {
                Some(b' ') if run > 0 && goes_on(rest.get(run + 1)) => run += 2,
                Some(b':') if !self.is_blankz(run + 1) => run += 1,
                Some(0xc2 | 0xe2) if !self.is_break(run) => run += 1,
                _ => return run,
            }
        }
    }

    /// Moves over blanks and line breaks inside or after a plain scalar.
    fn plain_blanks(&mut self, start: Mark, indent: i32, breaks: &mut Breaks, broken: &mut bool) -> Scanned {
        loop {
            if self.is_blank(0) {
                if *broken && self.at(0) == b'\t' && (self.column() as i32) < indent {
                    return Err(self.error(start, "found a tab character that violates indentation"));
                }
                self.pos += 1;
            } else if !self.read_break(if *broken { &mut breaks.trailing } else { &mut breaks.leading }) {
                return Ok(());
            } else {
                *broken = true;
            }
        }
    }

    pub(super) fn fetch_flow_scalar(&mut self, single: bool) -> Scanned {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark();
        self.advance(1);
        let text = self.scan_quoted(start, single)?;
        self.advance(1);
        let end = self.mark();
        let style = if single { ScalarStyle::SingleQuoted } else { ScalarStyle::DoubleQuoted };
        self.push(TokenKind::Scalar(text, style), start, end);
        Ok(())
    }

    /// Reads up to the closing quote, which it leaves.
    fn scan_quoted(&mut self, start: Mark, single: bool) -> Scanned<Cow<'a, str>> {
        let quote = if single { b'\'' } else { b'"' };
        let mut content = Content::new(self.text, self.pos);
        let mut breaks = Breaks::default();
        loop {
            self.check_readable(4)?;
            if self.column() == 0 && self.at_document_indicator() {
                return Err(self.error(start, "found unexpected document indicator"));
            }
            if self.at(0) == 0 {
                return Err(self.error(start, "found unexpected end of stream"));
            }
            let escaped_break = self.scan_quoted_run(start, single, &mut content)?;
            if self.at(0) == quote {
                return Ok(content.finish(self.pos));
            }
            self.quoted_blanks(escaped_break, &mut content, &mut breaks);
        }
    }

    /// Reads content up to a blank, a break or the quote; says whether it ended in an escaped line break.
    fn scan_quoted_run(&mut self, start: Mark, single: bool, content: &mut Content<'a>) -> Scanned<bool> {
        let class = if single { ENDS_SINGLE } else { ENDS_DOUBLE };
        loop {
            let rest = self.bytes.get(self.pos..).unwrap_or_default();
            let run = rest.iter().take_while(|&&byte| CLASS[byte as usize] & class == 0).count();
            if run > 0 {
                self.advance(run);
            }
            match self.at(0) {
                b'\'' if single && self.at(1) == b'\'' => {
                    content.cut(self.pos + 1, self.pos + 2);
                    self.advance(2);
                }
                b'\\' if !single && self.is_break(1) => {
                    content.cut(self.pos, self.pos);
                    self.advance(1);
                    self.skip_break();
                    content.from = self.pos;
                    return Ok(true);
                }
                b'\\' if !single => self.scan_escape(start, content)?,
                0xc2 | 0xe2 if !self.is_break(0) => self.advance(if self.at(0) == 0xc2 { 2 } else { 3 }),
                _ => return Ok(false),
            }
        }
    }

    fn scan_escape(&mut self, start: Mark, content: &mut Content<'a>) -> Scanned {
        let code = self.at(1);
        let digits = match code {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        let c = if digits == 0 { named_escape(code) } else { Some('\0') };
        let Some(mut c) = c else {
            return Err(self.error(start, "found unknown escape character"));
        };
        let from = self.pos;
        self.advance(2);
        if digits > 0 {
            let mut value = 0u32;
            for ahead in 0..digits {
                let Some(digit) = char::from(self.at(ahead)).to_digit(16) else {
                    return Err(self.error(start, "did not find expected hexdecimal number"));
                };
                value = value << 4 | digit;
            }
            let Some(found) = char::from_u32(value) else {
                return Err(self.error(start, "found invalid Unicode character escape code"));
            };
            c = found;
            self.advance(digits);
        }
        content.cut(from, self.pos).push(c);
        Ok(())
    }

    /// Moves over blanks and line breaks inside a quoted scalar, folding the breaks.
    fn quoted_blanks(&mut self, escaped_break: bool, content: &mut Content<'a>, breaks: &mut Breaks) {
        let from = self.pos;
        let mut broken = escaped_break;
        loop {
            if self.is_blank(0) {
                self.pos += 1;
            } else if !self.read_break(if broken { &mut breaks.trailing } else { &mut breaks.leading }) {
                break;
            } else {
                broken = true;
            }
        }
        if broken {
            let next = self.pos;
            breaks.fold_into(content.cut(from, next));
        }
    }

    pub(super) fn fetch_block_scalar(&mut self, literal: bool) -> Scanned {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.scan_block_scalar(literal)
    }

    fn scan_block_scalar(&mut self, literal: bool) -> Scanned {
        let start = self.mark();
        self.advance(1);
        let (chomping, increment) = self.block_header(start)?;
        let mut end = self.mark();
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut text = String::new();
        let mut breaks = Breaks::default();
        self.block_breaks(&mut indent, &mut breaks.trailing, start, &mut end)?;
        let mut leading_blank = false;
        while self.column() as i32 == indent && self.at(0) != 0 {
            let trailing_blank = self.is_blank(0);
            if !literal && !leading_blank && !trailing_blank && breaks.leading.starts_with('\n') {
                if breaks.trailing.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&breaks.leading);
            }
            text.push_str(&breaks.trailing);
            breaks.leading.clear();
            breaks.trailing.clear();
            leading_blank = trailing_blank;
            let line_end = self.line_end();
            text.push_str(self.slice(self.pos, line_end));
            self.advance(line_end - self.pos);
            self.read_break(&mut breaks.leading);
            self.block_breaks(&mut indent, &mut breaks.trailing, start, &mut end)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(&breaks.leading);
        }
        if chomping == Chomping::Keep {
            text.push_str(&breaks.trailing);
        }
        let style = if literal { ScalarStyle::Literal } else { ScalarStyle::Folded };
        self.push(TokenKind::Scalar(Cow::Owned(text), style), start, end);
        Ok(())
    }

    /// Reads `+2 # comment` and the line break after it.
    fn block_header(&mut self, start: Mark) -> Scanned<(Chomping, i32)> {
        let mut chomping = Chomping::Clip;
        let mut increment = 0;
        if self.read_chomping(&mut chomping) {
            self.read_increment(start, &mut increment)?;
        } else if self.read_increment(start, &mut increment)? {
            self.read_chomping(&mut chomping);
        }
        self.skip_blanks();
        if self.at(0) == b'#' {
            if self.comments.is_some() {
                self.scan_line_comment(start);
            }
            self.skip_to_line_end();
        }
        if !self.is_breakz(0) {
            return Err(self.error(start, "did not find expected comment or line break"));
        }
        self.skip_break();
        Ok((chomping, increment))
    }

    fn read_chomping(&mut self, chomping: &mut Chomping) -> bool {
        *chomping = match self.at(0) {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return false,
        };
        self.advance(1);
        true
    }

    fn read_increment(&mut self, start: Mark, increment: &mut i32) -> Scanned<bool> {
        match self.at(0) {
            b'0' => return Err(self.error(start, "found an indentation indicator equal to 0")),
            digit @ b'1'..=b'9' => *increment = i32::from(digit - b'0'),
            _ => return Ok(false),
        }
        self.advance(1);
        Ok(true)
    }

    /// Moves over empty lines and the indentation of the next line, which it finds out when `indent` is 0.
    fn block_breaks(&mut self, indent: &mut i32, breaks: &mut String, start: Mark, end: &mut Mark) -> Scanned {
        *end = self.mark();
        let mut deepest = 0;
        loop {
            let mut column = self.column() as i32;
            while (*indent == 0 || column < *indent) && self.at(0) == b' ' {
                self.pos += 1;
                column += 1;
            }
            deepest = deepest.max(column);
            if (*indent == 0 || column < *indent) && self.at(0) == b'\t' {
                return Err(self.error(start, "found a tab character where an indentation space is expected"));
            }
            if !self.read_break(breaks) {
                break;
            }
            *end = self.mark();
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}

/// What happens to the line breaks at the end of a block scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

/// The character that a backslash and a letter stand for.
pub(crate) fn named_escape(code: u8) -> Option<char> {
    Some(match code {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\x0b',
        b'f' => '\x0c',
        b'r' => '\r',
        b'e' => '\x1b',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{a0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
