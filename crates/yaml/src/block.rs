//! The short way to a tree: documents as most are written, block collections with an entry a line, without comments
//! (but above them), anchors and tags.
//!
//! The reader that follows libyaml passes every scalar through queues of tokens and events, which decide about rare things at the
//! cost of all the common ones. Here lines become nodes at once. What is read is only what is certain: at anything else this gives
//! up, and the document is read the long way, which alone knows errors.

use ecow::EcoString;

use super::Dialect;
use super::input::Input;
use super::node::{Data, Node, ScalarStyle, Style, Tag};
use super::resolve;
use super::scan::named_escape;

/// Deeper documents are left to the other reader.
const MAX_DEPTH: usize = 64;

/// Longer keys are left to the other reader, for which they may be none.
const MAX_KEY: usize = 1000;

/// More empty lines below a comment are left to the other reader, which does not look further than so many characters.
const MAX_EMPTY_LINES: usize = 100;

/// Reads a text that holds one document: the root as `compose` makes it; `None` if that has to be asked.
pub fn read(input: &Input<'_>) -> Option<Node> {
    let text = input.text();
    let bytes = text.as_bytes();
    if input.failure().is_some() || memchr::memchr(b'\r', bytes).is_some() || has_other_breaks(text) {
        return None;
    }
    let mut reader = Reader { text, bytes, pos: 0, line: 0, start: 0, indent: 0, items: Vec::new(), entries: Vec::new() };
    let mut head = "";
    if bytes.starts_with(b"---") {
        reader.pos = 3;
        reader.end_of_line()?;
    } else {
        head = reader.head_comment()?;
        reader.go_to_content()?;
    }
    let mut root = reader.block(-1, 0)?;
    if let (false, Data::Mapping(entries)) = (head.is_empty(), &mut root.data) {
        // The comment above a mapping is one above its first key.
        let (key, _) = entries.first_mut().filter(|(key, _)| key.column == 1)?;
        key.extra.get_or_insert_default().head = head.into();
    } else if !head.is_empty() {
        return None;
    }
    let is_all = reader.indent == END && !matches!(root.data, Data::Scalar(_));
    is_all.then_some(root)
}

/// Whether there are line breaks that take more than a byte.
fn has_other_breaks(text: &str) -> bool {
    let has = |needle: &str| memchr::memmem::find(text.as_bytes(), needle.as_bytes()).is_some();
    !text.is_ascii() && (has("\u{85}") || has("\u{2028}") || has("\u{2029}"))
}

/// The indentation where there is no line any more.
const END: i32 = -1;

/// Where a node starts: line and column, counted from 1.
type Place = (u32, u32);

/// A reader whose position, between nodes, is at the first character of a line that is not empty.
struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    line: u32,
    /// Where the line starts.
    start: usize,
    /// How far the line is indented.
    indent: i32,
    /// Finished items and entries of open collections, each of which takes its own from the end.
    items: Vec<Node>,
    entries: Vec<(Node, Node)>,
}

impl<'a> Reader<'a> {
    /// Moves over the comments above the root and returns those that belong to it: the lines directly above it, not those above an empty
    /// line, which are the document's. `None` where the text is left to the other reader.
    fn head_comment(&mut self) -> Option<&'a str> {
        let (start, mut from, mut to, mut empty) = (self.pos, None, self.pos, 0);
        loop {
            match self.at(0) {
                b'#' => {
                    from.get_or_insert(self.pos);
                    self.pos = self.line_end();
                    (to, empty) = (self.pos, 0);
                }
                b'\n' => (from, empty) = (None, empty + 1),
                _ => break,
            }
            if self.at(0) == b'\n' {
                self.begin_line();
            }
        }
        // Lines of blanks are not looked at as closely as it would take.
        let is_clear = empty <= MAX_EMPTY_LINES && (self.pos == start || self.at(0) != b' ');
        is_clear.then(|| from.and_then(|from| self.text.get(from..to)).unwrap_or_default())
    }

    // ---- block collections

    /// The node at the position, in a collection indented by `outer`.
    fn block(&mut self, outer: i32, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let column = self.column();
        if self.is_dash() {
            return self.sequence(column, depth);
        }
        match self.key() {
            Some(key) => self.mapping(column, key, depth),
            None => self.value(outer, depth),
        }
    }

    fn mapping(&mut self, column: i32, mut key: Node, depth: usize) -> Option<Node> {
        let (place, base) = ((key.line, key.column), self.entries.len());
        loop {
            let value = self.entry_value(column, depth)?;
            self.entries.push((key, value));
            if self.indent != column {
                break;
            }
            key = self.key()?;
        }
        let data = Data::Mapping(self.entries.split_off(base));
        (self.indent < column).then(|| collection(data, Tag::Map, false, place))
    }

    /// The value after a key and its `:`.
    fn entry_value(&mut self, column: i32, depth: usize) -> Option<Node> {
        let place = self.place();
        self.skip_spaces();
        if !self.is_line_end() {
            return self.value(column, depth);
        }
        self.next_line()?;
        if self.indent > column {
            self.block(column, depth + 1)
        } else if self.indent == column && self.is_dash() {
            self.sequence(column, depth + 1)
        } else {
            Some(scalar("".into(), Tag::Null, ScalarStyle::Plain, place))
        }
    }

    fn sequence(&mut self, column: i32, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (place, base) = (self.place(), self.items.len());
        loop {
            let item = self.item(column, depth)?;
            self.items.push(item);
            if self.indent != column || !self.is_dash() {
                break;
            }
        }
        let data = Data::Sequence(self.items.split_off(base));
        (self.indent <= column).then(|| collection(data, Tag::Seq, false, place))
    }

    /// The item after a `-`.
    fn item(&mut self, column: i32, depth: usize) -> Option<Node> {
        self.pos += 1;
        let place = self.place();
        self.skip_spaces();
        if !self.is_line_end() {
            return self.block(column, depth + 1);
        }
        self.next_line()?;
        if self.indent > column {
            return self.block(column, depth + 1);
        }
        Some(scalar("".into(), Tag::Null, ScalarStyle::Plain, place))
    }

    /// A key and its `:`; the position stays where there is none.
    fn key(&mut self) -> Option<Node> {
        let place = self.place();
        let (text, style, end) = match self.at(0) {
            quote @ (b'"' | b'\'') => self.quoted_key(quote)?,
            b'.' if self.pos == self.start => return None,
            first if CLASS[usize::from(first)] & KEY_START != 0 => (self.pos, ScalarStyle::Plain, self.plain_key()?),
            _ => return None,
        };
        let colon = if style == ScalarStyle::Plain { end } else { end + 1 };
        let text = self.text.get(text..end)?;
        let tag = if style == ScalarStyle::Plain { resolve::plain(text, Dialect::V3).tag() } else { Tag::Str };
        self.pos = colon + 1;
        Some(scalar(text.into(), tag, style, place))
    }

    /// Where the `:` is that ends a plain key.
    fn plain_key(&self) -> Option<usize> {
        let rest = self.bytes.get(self.pos..)?;
        let mut at = 0;
        loop {
            at += rest.get(at..)?.iter().position(|byte| CLASS[usize::from(*byte)] & ENDS_KEY != 0)?;
            match rest.get(at)? {
                b':' if matches!(rest.get(at + 1), None | Some(b' ' | b'\n')) => break,
                b':' => at += 1,
                b'#' if rest.get(at.wrapping_sub(1)) != Some(&b' ') => at += 1,
                _ => return None,
            }
        }
        (at <= MAX_KEY && rest.get(at.wrapping_sub(1)) != Some(&b' ')).then_some(self.pos + at)
    }

    /// Start and end of what is between quotes, with a `:` behind them.
    fn quoted_key(&self, quote: u8) -> Option<(usize, ScalarStyle, usize)> {
        let rest = self.bytes.get(self.pos + 1..)?;
        let length = memchr::memchr3(quote, b'\\', b'\n', rest)?;
        let simple = rest.get(length) == Some(&quote)
            && length <= MAX_KEY
            && rest.get(length + 1) == Some(&b':')
            && matches!(rest.get(length + 2), None | Some(b' ' | b'\n'))
            && rest.get(..length)?.iter().all(|byte| (b' '..0x7f).contains(byte));
        let style = if quote == b'"' { ScalarStyle::DoubleQuoted } else { ScalarStyle::SingleQuoted };
        simple.then_some((self.pos + 1, style, self.pos + 1 + length))
    }

    // ---- values

    /// A scalar or flow collection in a collection indented by `outer`, and what is left of its line.
    fn value(&mut self, outer: i32, depth: usize) -> Option<Node> {
        match self.at(0) {
            quote @ (b'"' | b'\'') => {
                let node = self.quoted(quote)?;
                self.end_of_line()?;
                Some(node)
            }
            b'|' => self.block_scalar(outer, true),
            b'>' => self.block_scalar(outer, false),
            b'[' | b'{' => {
                let node = self.flow(depth + 1)?;
                self.end_of_line()?;
                Some(node)
            }
            b'-' if self.is_dash() => None,
            first if CLASS[usize::from(first)] & NEVER_PLAIN != 0 => None,
            _ => self.plain(outer),
        }
    }

    /// A plain scalar and the lines that it goes on in.
    fn plain(&mut self, outer: i32) -> Option<Node> {
        let place = self.place();
        let first = self.plain_line()?;
        let mut breaks = self.next_line()?;
        if self.indent <= outer {
            let tag = resolve::plain(first, Dialect::V3).tag();
            return (first != "<<").then(|| scalar(first.into(), tag, ScalarStyle::Plain, place));
        }
        let mut text = first.to_owned();
        while self.indent > outer {
            fold(&mut text, breaks);
            text.push_str(self.plain_line()?);
            breaks = self.next_line()?;
        }
        let tag = resolve::plain(&text, Dialect::V3).tag();
        Some(scalar(text.into(), tag, ScalarStyle::Plain, place))
    }

    /// The rest of a line as part of a plain scalar, without the spaces at its end.
    fn plain_line(&mut self) -> Option<&'a str> {
        let from = self.pos;
        self.pos = self.line_end();
        let line = self.text.get(from..self.pos)?.trim_end_matches(' ');
        let bytes = line.as_bytes();
        let ends = |at: usize| match bytes.get(at) {
            Some(b':') => matches!(bytes.get(at + 1), None | Some(b' ')),
            Some(b'#') => at == 0 || bytes.get(at - 1) == Some(&b' '),
            _ => true,
        };
        let whole = !memchr::memchr3_iter(b':', b'#', b'\t', bytes).any(ends);
        whole.then_some(line)
    }

    /// What is between quotes, on one line or more.
    fn quoted(&mut self, quote: u8) -> Option<Node> {
        let place = self.place();
        self.pos += 1;
        let mut from = self.pos;
        let mut text: Option<String> = None;
        loop {
            let rest = self.bytes.get(self.pos..)?;
            let escape = if quote == b'"' { b'\\' } else { b'\'' };
            let at = self.pos + memchr::memchr3(quote, escape, b'\n', rest)?;
            let piece = self.text.get(from..at)?;
            self.pos = at;
            match self.at(0) {
                b'\n' => {
                    let text = text.get_or_insert_default();
                    let piece = piece.trim_end_matches(' ');
                    text.push_str(piece);
                    if piece.ends_with('\t') {
                        return None;
                    }
                    fold(text, self.next_quoted_line()?);
                }
                b'\\' if self.at(1) == b'\n' => {
                    let text = text.get_or_insert_default();
                    text.push_str(piece);
                    self.pos += 1;
                    let empty = self.next_quoted_line()?.saturating_sub(1);
                    text.extend(std::iter::repeat_n('\n', empty));
                }
                b'\\' => {
                    let text = text.get_or_insert_default();
                    text.push_str(piece);
                    text.push(self.escape()?);
                }
                b'\'' if quote == b'\'' && self.at(1) == b'\'' => {
                    let text = text.get_or_insert_default();
                    text.push_str(piece);
                    text.push('\'');
                    self.pos += 2;
                }
                _ => {
                    self.pos += 1;
                    let style = if quote == b'"' { ScalarStyle::DoubleQuoted } else { ScalarStyle::SingleQuoted };
                    let text = match text {
                        None => EcoString::from(piece),
                        Some(text) => (text + piece).into(),
                    };
                    return Some(scalar(text, Tag::Str, style, place));
                }
            }
            from = self.pos;
        }
    }

    /// As `next_line`, where quotes are still open.
    fn next_quoted_line(&mut self) -> Option<usize> {
        let breaks = self.next_line()?;
        (self.indent != END && !self.is_indicator()).then_some(breaks)
    }

    /// The character that a backslash and what follows it stand for.
    fn escape(&mut self) -> Option<char> {
        let code = self.at(1);
        let digits = match code {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => {
                self.pos += 2;
                return named_escape(code);
            }
        };
        let hex = self.text.get(self.pos + 2..self.pos + 2 + digits)?;
        self.pos += 2 + digits;
        let value = if hex.starts_with('+') { None } else { u32::from_str_radix(hex, 16).ok() };
        value.and_then(char::from_u32)
    }

    // ---- block scalars

    /// `|` or `>` and the lines that belong to it.
    fn block_scalar(&mut self, outer: i32, literal: bool) -> Option<Node> {
        let place = self.place();
        self.pos += 1;
        let chomping = self.at(0);
        if matches!(chomping, b'-' | b'+') {
            self.pos += 1;
        }
        self.skip_spaces();
        if self.at(0) != b'\n' {
            return None;
        }
        self.begin_line();
        let (indent, blank_lines) = self.block_start(outer)?;
        let mut lines = Lines { text: String::new(), literal, broken: false, blank_lines, after_blank: false };
        loop {
            let from = self.pos;
            self.pos = self.line_end();
            lines.add(self.text.get(from..self.pos)?);
            if self.pos >= self.bytes.len() {
                break;
            }
            self.begin_line();
            lines.broken = true;
            lines.blank_lines = self.blank_lines(indent)?;
            if self.column() != indent || self.pos >= self.bytes.len() {
                break;
            }
        }
        self.pos = self.start;
        self.go_to_content()?;
        let style = if literal { ScalarStyle::Literal } else { ScalarStyle::Folded };
        Some(scalar(lines.chomped(chomping).into(), Tag::Str, style, place))
    }

    /// Moves to the first character of a block scalar; gives its indentation and how many empty lines are before it.
    fn block_start(&mut self, outer: i32) -> Option<(i32, usize)> {
        let (mut blank_lines, mut deepest) = (0, outer.max(0) + i32::from(outer >= 0));
        loop {
            self.skip_spaces();
            match self.at(0) {
                b'\n' => {
                    deepest = deepest.max(self.column());
                    blank_lines += 1;
                    self.begin_line();
                }
                0 | b'\t' => return None,
                _ => return (self.column() >= deepest.max(1)).then(|| (self.column(), blank_lines)),
            }
        }
    }

    /// Moves over empty lines and the indentation of the next one.
    fn blank_lines(&mut self, indent: i32) -> Option<usize> {
        let mut count = 0;
        loop {
            while self.at(0) == b' ' && self.column() < indent {
                self.pos += 1;
            }
            match self.at(0) {
                b'\n' => {
                    count += 1;
                    self.begin_line();
                }
                b'\t' if self.column() < indent => return None,
                _ => return Some(count),
            }
        }
    }

    // ---- flow collections

    /// `[…]` or `{…}` on one line.
    fn flow(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let place = self.place();
        let sequence = self.at(0) == b'[';
        let close = if sequence { b']' } else { b'}' };
        let (items, entries) = (self.items.len(), self.entries.len());
        self.pos += 1;
        loop {
            self.skip_spaces();
            if self.at(0) == close {
                self.pos += 1;
                break;
            }
            if sequence {
                let item = self.flow_node(depth)?;
                self.items.push(item);
            } else {
                let entry = self.flow_entry(depth)?;
                self.entries.push(entry);
            }
            self.skip_spaces();
            match self.at(0) {
                b',' => self.pos += 1,
                end if end == close => {}
                _ => return None,
            }
        }
        Some(match sequence {
            true => collection(Data::Sequence(self.items.split_off(items)), Tag::Seq, true, place),
            false => collection(Data::Mapping(self.entries.split_off(entries)), Tag::Map, true, place),
        })
    }

    fn flow_entry(&mut self, depth: usize) -> Option<(Node, Node)> {
        let key = self.flow_scalar()?;
        if self.at(0) != b':' || self.at(1) != b' ' {
            return None;
        }
        self.pos += 1;
        self.skip_spaces();
        Some((key, self.flow_node(depth)?))
    }

    fn flow_node(&mut self, depth: usize) -> Option<Node> {
        if matches!(self.at(0), b'[' | b'{') { self.flow(depth + 1) } else { self.flow_scalar() }
    }

    fn flow_scalar(&mut self) -> Option<Node> {
        let (place, line) = (self.place(), self.line);
        if let quote @ (b'"' | b'\'') = self.at(0) {
            let node = self.quoted(quote)?;
            return (self.line == line && node.as_str().is_some_and(str::is_ascii)).then_some(node);
        }
        let rest = self.bytes.get(self.pos..)?;
        let dashes = rest.iter().take_while(|byte| **byte == b'-').count();
        if rest.get(dashes).is_none_or(|byte| CLASS[usize::from(*byte)] & KEY_START == 0) {
            return None;
        }
        let goes_on = |byte: Option<&u8>| byte.is_some_and(|byte| CLASS[usize::from(*byte)] & FLOW_PLAIN != 0);
        let mut length = dashes + 1;
        loop {
            length += match rest.get(length)? {
                b' ' | b':' if goes_on(rest.get(length + 1)) => 2,
                _ if goes_on(rest.get(length)) => 1,
                _ => break,
            };
        }
        let text = self.text.get(self.pos..self.pos + length)?;
        self.pos += length;
        Some(scalar(text.into(), resolve::plain(text, Dialect::V3).tag(), ScalarStyle::Plain, place))
    }

    // ---- the text

    /// The byte `ahead` of the position; 0 past the end, which no text contains.
    fn at(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    /// Columns count characters, and nothing but ASCII stands before a node on its line.
    fn column(&self) -> i32 {
        (self.pos - self.start) as i32
    }

    fn place(&self) -> Place {
        (self.line + 1, self.column() as u32 + 1)
    }

    fn is_dash(&self) -> bool {
        self.at(0) == b'-' && matches!(self.at(1), b' ' | b'\n' | b'\t' | 0)
    }

    fn is_line_end(&self) -> bool {
        matches!(self.at(0), b'\n' | 0)
    }

    /// Whether the line starts like the beginning or the end of a document.
    fn is_indicator(&self) -> bool {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        rest.starts_with(b"---") || rest.starts_with(b"...")
    }

    fn line_end(&self) -> usize {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(self.bytes.len(), |length| self.pos + length)
    }

    fn skip_spaces(&mut self) {
        while self.at(0) == b' ' {
            self.pos += 1;
        }
    }

    /// Moves over a line break.
    fn begin_line(&mut self) {
        self.pos += 1;
        self.line += 1;
        self.start = self.pos;
    }

    /// Moves from the end of a node to the next line that is not empty.
    fn end_of_line(&mut self) -> Option<()> {
        self.skip_spaces();
        if !self.is_line_end() {
            return None;
        }
        self.next_line().map(drop)
    }

    /// Moves from the end of a line to the next one that is not empty; says how many line breaks are between them.
    fn next_line(&mut self) -> Option<usize> {
        let line = self.line;
        if self.at(0) == b'\n' {
            self.begin_line();
        }
        self.go_to_content()?;
        Some((self.line - line) as usize)
    }

    /// Moves from the start of a line to the first line that is not empty. Comments are not for this reader.
    fn go_to_content(&mut self) -> Option<()> {
        loop {
            self.skip_spaces();
            match self.at(0) {
                b'\n' => self.begin_line(),
                b'\t' | b'#' => return None,
                0 => {
                    self.indent = END;
                    return Some(());
                }
                _ => {
                    self.indent = self.column();
                    return Some(());
                }
            }
        }
    }
}

/// The lines of a block scalar, put together.
struct Lines {
    text: String,
    literal: bool,
    /// Whether there is a line break after the text so far, and how many empty lines follow that.
    broken: bool,
    blank_lines: usize,
    /// Whether the last line began with a blank, beside which nothing is folded.
    after_blank: bool,
}

impl Lines {
    fn add(&mut self, line: &str) {
        let blank = line.starts_with([' ', '\t']);
        if !self.literal && !self.after_blank && !blank && self.broken {
            if self.blank_lines == 0 {
                self.text.push(' ');
            }
        } else if self.broken {
            self.text.push('\n');
        }
        self.push_blank_lines();
        self.text.push_str(line);
        (self.after_blank, self.broken, self.blank_lines) = (blank, false, 0);
    }

    fn push_blank_lines(&mut self) {
        self.text.extend(std::iter::repeat_n('\n', self.blank_lines));
    }

    fn chomped(mut self, chomping: u8) -> String {
        if self.broken && chomping != b'-' {
            self.text.push('\n');
        }
        if chomping == b'+' {
            self.push_blank_lines();
        }
        self.text
    }
}

/// What line breaks inside a scalar mean.
fn fold(text: &mut String, breaks: usize) {
    match breaks {
        1 => text.push(' '),
        more => text.extend(std::iter::repeat_n('\n', more.saturating_sub(1))),
    }
}

fn scalar(text: EcoString, tag: Tag, style: ScalarStyle, (line, column): Place) -> Node {
    let style = Style { scalar: style, ..Style::default() };
    Node { data: Data::Scalar(text), tag, style, line, column, extra: None }
}

fn collection(data: Data, tag: Tag, flow: bool, (line, column): Place) -> Node {
    Node { data, tag, style: Style { flow, ..Style::default() }, line, column, extra: None }
}

/// Bytes that a plain key may start with, as far as this reader goes.
const KEY_START: u8 = 1;
/// Bytes at which a plain key ends or has to be looked at.
const ENDS_KEY: u8 = 2;
/// Bytes that a plain scalar never starts with, or only sometimes.
const NEVER_PLAIN: u8 = 4;
/// Bytes inside a plain scalar of a flow collection, as far as this reader goes.
const FLOW_PLAIN: u8 = 8;

static CLASS: [u8; 256] = classes();

const fn class_if(is: bool, class: u8) -> u8 {
    if is { class } else { 0 }
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        let word = c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'/' | b'$');
        let inside = word || matches!(c, b'-' | b'=' | b'(' | b')' | b'%' | b'@' | b'+' | b'*');
        let ends = c >= 0x80 || matches!(c, b':' | b'\n' | b'\t' | b'#');
        let never = matches!(c, 0 | b' ' | b'\t' | b'\n' | b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*')
            || matches!(c, b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`');
        table[byte] = class_if(word, KEY_START) | class_if(ends, ENDS_KEY) | class_if(never, NEVER_PLAIN) | class_if(inside, FLOW_PLAIN);
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests;
