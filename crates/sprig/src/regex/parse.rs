//! The parser of Go's syntax, with Go's errors. Operands and open groups wait on a stack, as in `regexp/syntax`, so
//! that errors are found in the same order.

use super::super::unicode::{RUNE_ERROR, decode};
use super::RegexError;
use super::class::{self, adjusted};
use super::node::{Expression, Node, Times};
use regex_syntax::hir::{ClassUnicode, Look};

pub(super) const TOO_LARGE: &str = "expression too large";
const TOO_DEEP: &str = "expression nests too deeply";
const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_RANGE: &str = "invalid character class range";
const BAD_REPEAT: &str = "invalid repeat count";
const BAD_NAME: &str = "invalid named capture";
const NO_BRACKET: &str = "missing closing ]";

/// Go's limits: the height of the tree, the instructions of the program, the product of counted repetitions.
const HIGHEST: usize = 1000;
const LARGEST: u64 = (128 << 20) / 40;
const MOST_REPEATS: u32 = 1000;

/// A parsed expression: its tree and the names of its groups, the whole match being group 0.
pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) names: Vec<Option<Box<str>>>,
}

#[derive(Debug, Clone, Copy)]
struct Flags {
    fold: bool,
    dot_newline: bool,
    multi_line: bool,
    lazy: bool,
}

enum Item {
    Node(Node),
    Open { capture: Option<u32>, flags: Flags },
    Bar,
}

struct Parser<'p> {
    whole: &'p [u8],
    flags: Flags,
    stack: Vec<Item>,
    names: Vec<Option<Box<str>>>,
}

type Rest<'p> = Result<&'p [u8], RegexError>;

fn error<T>(code: &'static str, part: &[u8]) -> Result<T, RegexError> {
    Err(RegexError { code, part: String::from_utf8_lossy(part).into_owned() })
}

/// What `before` has more than its suffix `after`.
fn consumed<'p>(before: &'p [u8], after: &[u8]) -> &'p [u8] {
    &before[..before.len() - after.len()]
}

fn next_rune(text: &[u8]) -> Result<(char, &[u8]), RegexError> {
    match decode(text) {
        (RUNE_ERROR, 1) => error("invalid UTF-8", text),
        (rune, size) => Ok((rune, &text[size..])),
    }
}

fn check_utf8(mut text: &[u8]) -> Result<(), RegexError> {
    while !text.is_empty() {
        text = next_rune(text)?.1;
    }
    Ok(())
}

/// Parses an expression in Go's Perl-like mode.
pub(super) fn parse(pattern: &[u8]) -> Result<Parsed, RegexError> {
    let flags = Flags { fold: false, dot_newline: false, multi_line: false, lazy: false };
    let mut parser = Parser { whole: pattern, flags, stack: Vec::new(), names: vec![None] };
    let mut rest = pattern;
    let mut last_repeat: &[u8] = b"";
    while !rest.is_empty() {
        (rest, last_repeat) = parser.step(rest, last_repeat)?;
    }
    parser.alternate()?;
    match (parser.stack.pop(), parser.stack.is_empty()) {
        (Some(Item::Node(node)), true) => Ok(Parsed { node, names: parser.names }),
        _ => error("missing closing )", pattern),
    }
}

impl<'p> Parser<'p> {
    /// Parses one element; gives what follows it, and the text from it on if it was a repetition operator.
    fn step(&mut self, text: &'p [u8], last_repeat: &'p [u8]) -> Result<(&'p [u8], &'p [u8]), RegexError> {
        let after = &text[1..];
        let rest = match text[0] {
            b'(' if after.first() == Some(&b'?') => self.perl_group(text)?,
            b'(' => {
                self.open_capture(None);
                after
            }
            b'|' => {
                self.concat()?;
                self.stack.push(Item::Bar);
                after
            }
            b')' => {
                self.close()?;
                after
            }
            b'^' => self.look(if self.flags.multi_line { Look::StartLF } else { Look::Start }, after)?,
            b'$' => self.look(if self.flags.multi_line { Look::EndLF } else { Look::End }, after)?,
            b'.' => {
                let newline = class::range('\n', '\n');
                let all = class::range('\0', char::MAX);
                self.push(Expression::Class(if self.flags.dot_newline { all } else { adjusted(newline, false, true) }))?;
                after
            }
            b'[' => self.class(text)?,
            b'*' => return Ok((self.repeat(Times::Operator { min: 0, max: None }, text, after, last_repeat)?, text)),
            b'+' => return Ok((self.repeat(Times::Operator { min: 1, max: None }, text, after, last_repeat)?, text)),
            b'?' => return Ok((self.repeat(Times::Operator { min: 0, max: Some(1) }, text, after, last_repeat)?, text)),
            b'{' => match counted(text) {
                Some((min, max, after)) => {
                    let (min, max) = check_counts(min, max, consumed(text, after))?;
                    return Ok((self.repeat(Times::Counted { min, max }, text, after, last_repeat)?, text));
                }
                None => self.literal('{', after)?,
            },
            b'\\' => self.backslash(text)?,
            _ => {
                let (rune, after) = next_rune(text)?;
                self.literal(rune, after)?
            }
        };
        Ok((rest, b""))
    }

    fn push(&mut self, part: Expression) -> Result<(), RegexError> {
        let node = Node::new(part);
        if node.size > LARGEST {
            return error(TOO_LARGE, self.whole);
        }
        if node.height > HIGHEST {
            return error(TOO_DEEP, self.whole);
        }
        self.stack.push(Item::Node(node));
        Ok(())
    }

    fn literal(&mut self, rune: char, after: &'p [u8]) -> Rest<'p> {
        self.push(Expression::Class(adjusted(class::range(rune, rune), self.flags.fold, false)))?;
        Ok(after)
    }

    fn look(&mut self, look: Look, after: &'p [u8]) -> Rest<'p> {
        self.push(Expression::Look(look))?;
        Ok(after)
    }

    fn repeat(&mut self, times: Times, before: &'p [u8], mut after: &'p [u8], last_repeat: &'p [u8]) -> Rest<'p> {
        let mut greedy = !self.flags.lazy;
        if let [b'?', rest @ ..] = after {
            after = rest;
            greedy = !greedy;
        }
        if !last_repeat.is_empty() {
            return error("invalid nested repetition operator", consumed(last_repeat, after));
        }
        let Some(Item::Node(_)) = self.stack.last() else {
            return error("missing argument to repetition operator", consumed(before, after));
        };
        if let Some(Item::Node(sub)) = self.stack.pop() {
            let node = Node::new(Expression::Repeat { times, greedy, sub: Box::new(sub) });
            if matches!(times, Times::Counted { min, max } if min >= 2 || max.is_some_and(|max| max >= 2))
                && !node.repeats_within(MOST_REPEATS)
            {
                return error(BAD_REPEAT, consumed(before, after));
            }
            self.push(node.part)?;
        }
        Ok(after)
    }

    /// Joins the nodes above the last open group or bar.
    fn concat(&mut self) -> Result<(), RegexError> {
        let start = self.stack.iter().rposition(|item| !matches!(item, Item::Node(_))).map_or(0, |at| at + 1);
        if self.stack.len() == start + 1 {
            return Ok(());
        }
        let nodes: Vec<Node> = self.stack.drain(start..).filter_map(Item::into_node).collect();
        self.push(if nodes.is_empty() { Expression::Empty } else { Expression::Concat(nodes) })
    }

    /// Joins the alternatives above the last open group.
    fn alternate(&mut self) -> Result<(), RegexError> {
        self.concat()?;
        let start = self.stack.iter().rposition(|item| matches!(item, Item::Open { .. })).map_or(0, |at| at + 1);
        if self.stack.len() == start + 1 {
            return Ok(());
        }
        let nodes = self.stack.drain(start..).filter_map(Item::into_node).collect();
        self.push(Expression::Alternate(nodes))
    }

    fn open_capture(&mut self, name: Option<Box<str>>) {
        self.names.push(name);
        let capture = u32::try_from(self.names.len() - 1).ok();
        self.stack.push(Item::Open { capture, flags: self.flags });
    }

    fn close(&mut self) -> Result<(), RegexError> {
        self.alternate()?;
        let Some(Item::Node(node)) = self.stack.pop() else { return error("unexpected )", self.whole) };
        let Some(Item::Open { capture, flags }) = self.stack.pop() else { return error("unexpected )", self.whole) };
        self.flags = flags;
        let part = match capture {
            None => node.part,
            Some(index) => {
                let name = self.names.get(index as usize).cloned().flatten();
                Expression::Capture { index, name: unique(&self.names, index, name), sub: Box::new(node) }
            }
        };
        self.push(part)
    }

    /// A named group, a group that does not capture, or a change of flags.
    fn perl_group(&mut self, text: &'p [u8]) -> Rest<'p> {
        let name_at = match text.get(2..) {
            Some([b'P', b'<', _, ..]) => Some(4),
            Some([b'<', _, ..]) => Some(3),
            _ => None,
        };
        let Some(start) = name_at else { return self.flag_group(text) };
        let Some(end) = memchr::memchr(b'>', text) else {
            check_utf8(text)?;
            return error(BAD_NAME, text);
        };
        let name = text.get(start..end).unwrap_or_default();
        check_utf8(name)?;
        match std::str::from_utf8(name) {
            Ok(name) if !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) => {
                self.open_capture(Some(name.into()));
            }
            _ => return error(BAD_NAME, &text[..=end]),
        }
        Ok(&text[end + 1..])
    }

    fn flag_group(&mut self, text: &'p [u8]) -> Rest<'p> {
        let mut rest = &text[2..];
        let mut flags = self.flags;
        let (mut value, mut seen) = (true, false);
        while !rest.is_empty() {
            let (rune, after) = next_rune(rest)?;
            rest = after;
            match rune {
                'i' => flags.fold = value,
                'm' => flags.multi_line = value,
                's' => flags.dot_newline = value,
                'U' => flags.lazy = value,
                '-' if value => {
                    (value, seen) = (false, false);
                    continue;
                }
                ':' | ')' if value || seen => {
                    if rune == ':' {
                        self.stack.push(Item::Open { capture: None, flags: self.flags });
                    }
                    self.flags = flags;
                    return Ok(rest);
                }
                _ => break,
            }
            seen = true;
        }
        error("invalid or unsupported Perl syntax", consumed(text, rest))
    }

    fn backslash(&mut self, text: &'p [u8]) -> Rest<'p> {
        let after = text.get(2..).unwrap_or_default();
        match text.get(1) {
            Some(b'A') => return self.look(Look::Start, after),
            Some(b'z') => return self.look(Look::End, after),
            Some(b'b') => return self.look(Look::WordAscii, after),
            Some(b'B') => return self.look(Look::WordAsciiNegate, after),
            Some(b'C') => return error(BAD_ESCAPE, &text[..2]),
            Some(b'Q') => return self.quoted(after),
            _ => {}
        }
        if let Some((class, rest)) = self.class_escape(text)? {
            self.push(Expression::Class(class))?;
            return Ok(rest);
        }
        match escape(text)? {
            (Some(rune), rest) => self.literal(rune, rest),
            (None, rest) => {
                self.push(Expression::Class(ClassUnicode::empty()))?;
                Ok(rest)
            }
        }
    }

    /// `\Q…\E`: what is between them stands for itself.
    fn quoted(&mut self, text: &'p [u8]) -> Rest<'p> {
        let end = memchr::memmem::find(text, br"\E");
        let mut literal = &text[..end.unwrap_or(text.len())];
        while !literal.is_empty() {
            let (rune, rest) = next_rune(literal)?;
            literal = self.literal(rune, rest)?;
        }
        Ok(end.map_or(b"".as_slice(), |end| &text[end + 2..]))
    }

    /// `\pN`, `\p{Greek}`, `\d`: the class and what follows it.
    fn class_escape(&self, text: &'p [u8]) -> Result<Option<(ClassUnicode, &'p [u8])>, RegexError> {
        let [b'\\', letter, after @ ..] = text else { return Ok(None) };
        if let Some((class, negate)) = class::perl(*letter) {
            return Ok(Some((adjusted(class, self.flags.fold, negate), after)));
        }
        if !matches!(letter, b'p' | b'P') || after.is_empty() {
            return Ok(None);
        }
        let (rune, single) = next_rune(after)?;
        let (name, rest) = match rune {
            '{' => match memchr::memchr(b'}', after) {
                Some(end) => (&after[1..end], &after[end + 1..]),
                None => {
                    check_utf8(text)?;
                    return error(BAD_RANGE, text);
                }
            },
            _ => (consumed(after, single), single),
        };
        check_utf8(name)?;
        let (plain, inverted) = name.strip_prefix(b"^").map_or((name, false), |name| (name, true));
        let Some(class) = std::str::from_utf8(plain).ok().and_then(class::unicode) else {
            return error(BAD_RANGE, consumed(text, rest));
        };
        Ok(Some((adjusted(class, self.flags.fold, inverted != (*letter == b'P')), rest)))
    }

    fn class(&mut self, text: &'p [u8]) -> Rest<'p> {
        let mut rest = &text[1..];
        let negate = rest.first() == Some(&b'^');
        rest = &rest[usize::from(negate)..];
        let mut all = ClassUnicode::empty();
        let mut first = true;
        while first || rest.first() != Some(&b']') {
            first = false;
            let (class, after) = self.class_item(rest, text)?;
            all.union(&class);
            rest = after;
        }
        self.push(Expression::Class(adjusted(all, false, negate)))?;
        Ok(&rest[1..])
    }

    /// One element between brackets; `whole` is the class from its bracket on.
    fn class_item(&self, text: &'p [u8], whole: &'p [u8]) -> Result<(ClassUnicode, &'p [u8]), RegexError> {
        if let [b'[', b':', _, ..] = text
            && let Some(end) = memchr::memmem::find(&text[2..], b":]")
        {
            let (name, after) = (&text[2..end + 2], &text[end + 4..]);
            let Some((class, negate)) = class::posix(name) else { return error(BAD_RANGE, consumed(text, after)) };
            return Ok((adjusted(class, self.flags.fold, negate), after));
        }
        if let Some(found) = self.class_escape(text)? {
            return Ok(found);
        }
        let (first, mut rest) = class_rune(text, whole)?;
        let mut last = first;
        if let [b'-', after @ ..] = rest
            && after.first().is_some_and(|next| *next != b']')
        {
            (last, rest) = class_rune(after, whole)?;
            if last < first {
                return error(BAD_RANGE, consumed(text, rest));
            }
        }
        let class = match (char::from_u32(first), char::from_u32(last)) {
            (Some(first), Some(last)) => class::range(first, last),
            (Some(first), None) => class::range(first, '\u{D7FF}'),
            (None, Some(last)) => class::range('\u{E000}', last),
            (None, None) => ClassUnicode::empty(),
        };
        Ok((adjusted(class, self.flags.fold, false), rest))
    }
}

impl Item {
    fn into_node(self) -> Option<Node> {
        match self {
            Self::Node(node) => Some(node),
            Self::Open { .. } | Self::Bar => None,
        }
    }
}

/// The matcher wants names to be unique; a repeated one is looked up by our own list of names alone.
fn unique(names: &[Option<Box<str>>], index: u32, name: Option<Box<str>>) -> Option<Box<str>> {
    let earlier = names.iter().take(index as usize).any(|other| other.is_some() && *other == name);
    if earlier { None } else { name }
}

/// A rune between brackets, as a number because an escape may name half a surrogate pair.
fn class_rune<'p>(text: &'p [u8], whole: &[u8]) -> Result<(u32, &'p [u8]), RegexError> {
    match text.first() {
        None => error(NO_BRACKET, whole),
        Some(b'\\') => escape_code(text),
        Some(_) => next_rune(text).map(|(rune, rest)| (u32::from(rune), rest)),
    }
}

fn escape(text: &[u8]) -> Result<(Option<char>, &[u8]), RegexError> {
    escape_code(text).map(|(code, rest)| (char::from_u32(code), rest))
}

/// An escaped single character.
fn escape_code(text: &[u8]) -> Result<(u32, &[u8]), RegexError> {
    let Some((rune, rest)) = text.get(1..).filter(|rest| !rest.is_empty()).map(next_rune).transpose()? else {
        return error("trailing backslash at end of expression", b"");
    };
    let octal = |byte: Option<&u8>| matches!(byte, Some(b'0'..=b'7'));
    match rune {
        '1'..='7' if octal(rest.first()) => Ok(octal_code(rune, rest)),
        '0' => Ok(octal_code(rune, rest)),
        'x' => hex_code(text, rest),
        'a' => Ok((7, rest)),
        'f' => Ok((12, rest)),
        'n' => Ok((10, rest)),
        'r' => Ok((13, rest)),
        't' => Ok((9, rest)),
        'v' => Ok((11, rest)),
        rune if rune.is_ascii() && !rune.is_ascii_alphanumeric() => Ok((u32::from(rune), rest)),
        _ => error(BAD_ESCAPE, consumed(text, rest)),
    }
}

fn octal_code(first: char, mut rest: &[u8]) -> (u32, &[u8]) {
    let mut code = u32::from(first) - u32::from('0');
    for _ in 0..2 {
        let [digit @ b'0'..=b'7', after @ ..] = rest else { break };
        code = code * 8 + u32::from(digit - b'0');
        rest = after;
    }
    (code, rest)
}

fn hex_code<'p>(text: &'p [u8], rest: &'p [u8]) -> Result<(u32, &'p [u8]), RegexError> {
    if rest.is_empty() {
        return error(BAD_ESCAPE, consumed(text, rest));
    }
    let (first, mut rest) = next_rune(rest)?;
    if first != '{' {
        let (second, after) = if rest.is_empty() { (RUNE_ERROR, rest) } else { next_rune(rest)? };
        return match (first.to_digit(16), second.to_digit(16)) {
            (Some(high), Some(low)) => Ok((high * 16 + low, after)),
            _ => error(BAD_ESCAPE, consumed(text, after)),
        };
    }
    let (mut code, mut digits) = (0, 0);
    while !rest.is_empty() {
        let (rune, after) = next_rune(rest)?;
        rest = after;
        match rune.to_digit(16) {
            None if rune == '}' && digits > 0 => return Ok((code, rest)),
            None => break,
            Some(digit) => code = code * 16 + digit,
        }
        digits += 1;
        if code > u32::from(char::MAX) {
            break;
        }
    }
    error(BAD_ESCAPE, consumed(text, rest))
}

/// `{min}`, `{min,}` or `{min,max}` and what follows; a number that is too large is `u32::MAX`.
fn counted(text: &[u8]) -> Option<(u32, Option<u32>, &[u8])> {
    let (min, rest) = number(text.strip_prefix(b"{")?)?;
    match rest {
        [b'}', rest @ ..] => Some((min, Some(min), rest)),
        [b',', b'}', rest @ ..] => Some((min, None, rest)),
        [b',', rest @ ..] => {
            let (max, rest) = number(rest)?;
            Some((min, Some(max), rest.strip_prefix(b"}")?))
        }
        _ => None,
    }
}

fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 1 && text[0] == b'0' {
        return None;
    }
    let number = std::str::from_utf8(&text[..digits]).ok()?.parse().unwrap_or(u32::MAX);
    Some((number, &text[digits..]))
}

fn check_counts(min: u32, max: Option<u32>, operator: &[u8]) -> Result<(u32, Option<u32>), RegexError> {
    if min > MOST_REPEATS || max.is_some_and(|max| max > MOST_REPEATS || min > max) {
        return error(BAD_REPEAT, operator);
    }
    Ok((min, max))
}
