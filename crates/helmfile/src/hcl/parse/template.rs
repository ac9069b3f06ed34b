//! Texts with `${ … }` and `%{ … }` in them.

use std::rc::Rc;

use hydrate_base::Result;
use unicode_segmentation::UnicodeSegmentation;

use super::super::lex::{Kind, Token};
use super::super::syntax::{Expression, For, Node, Span};
use super::super::value::Value;
use super::Parser;

/// One part of a text.
enum Part {
    Text(String, Span),
    Value(Expression),
    If(Expression, Span),
    For { key: Option<Rc<str>>, value: Rc<str>, collection: Expression, span: Span },
    Else(Span),
    EndIf(Span),
    EndFor(Span),
}

impl Part {
    fn text(&self) -> Option<&str> {
        if let Self::Text(text, _) = self { Some(text) } else { None }
    }
}

/// The parts of a text that have not been read yet.
type Parts = std::iter::Peekable<std::vec::IntoIter<Part>>;

impl Parser<'_> {
    /// The rest of a text, whose opening has been read.
    pub(super) fn template(&mut self, start: usize, end: Kind, flush: bool) -> Result<Expression> {
        let mut parts = self.parts(start, end)?;
        if flush {
            move_left(&mut parts);
        }
        let span = start..self.last_end();
        if let [Part::Value(_)] = parts.as_slice()
            && let Some(Part::Value(value)) = parts.pop()
        {
            return Ok(Expression { node: Node::Wrapped(Box::new(value)), span });
        }
        let mut parts = joined(parts).into_iter().peekable();
        let mut expressions = Vec::new();
        while parts.peek().is_some() {
            expressions.push(self.part(&mut parts)?);
        }
        if expressions.is_empty() {
            expressions.push(text(String::new(), start..start));
        }
        Ok(Expression { node: Node::Template(expressions), span })
    }

    fn parts(&mut self, start: usize, end: Kind) -> Result<Vec<Part>> {
        let mut parts: Vec<Part> = Vec::new();
        let (mut trim_next, mut last_is_text) = (false, false);
        loop {
            let token = self.read();
            let trims = std::mem::take(&mut trim_next);
            let follows_text = std::mem::take(&mut last_is_text);
            match token.kind {
                kind if kind == end => return Ok(parts),
                Kind::QuotedText | Kind::PlainText => {
                    let text = self.literal(&token)?;
                    let text = if trims { text.trim_start().to_owned() } else { text };
                    parts.push(Part::Text(text, token.span));
                    last_is_text = true;
                }
                Kind::Interpolation { trim } | Kind::Directive { trim } => {
                    if trim
                        && follows_text
                        && let Some(Part::Text(text, _)) = parts.last_mut()
                    {
                        text.truncate(text.trim_end().len());
                    }
                    let is_directive = matches!(token.kind, Kind::Directive { .. });
                    let (part, trims) = self.within(false, |parser| parser.sequence(token.span, is_directive))?;
                    parts.push(part);
                    trim_next = trims;
                }
                _ => return self.error(start..start + 1, "the text does not end", "its closing quote or marker is missing"),
            }
        }
    }

    /// `${ … }` or `%{ … }` up to its brace; whether that has a tilde.
    fn sequence(&mut self, opened: Span, is_directive: bool) -> Result<(Part, bool)> {
        let part = if is_directive { self.directive(opened.clone())? } else { Part::Value(self.expression()?) };
        let close = self.read();
        match close.kind {
            Kind::SequenceEnd { trim } => Ok((part, trim)),
            Kind::End => self.error(opened, "the sequence is not closed", "its closing brace is missing"),
            _ => self.error(
                close.span,
                "a closing brace is required here",
                "where no sequence is meant, \"$${\" stands for \"${\" and \"%%{\" for \"%{\"",
            ),
        }
    }

    fn directive(&mut self, opened: Span) -> Result<Part> {
        let keyword = self.read();
        let word = if keyword.kind == Kind::Identifier { self.text_of(&keyword.span) } else { "" };
        let span = opened.start..keyword.span.end;
        match word {
            "if" => Ok(Part::If(self.expression()?, span)),
            "else" => Ok(Part::Else(span)),
            "endif" => Ok(Part::EndIf(span)),
            "endfor" => Ok(Part::EndFor(span)),
            "for" => {
                let (key, value) = self.for_names()?;
                Ok(Part::For { key, value, collection: self.expression()?, span })
            }
            _ => self.error(keyword.span, "a directive is required here", "there are if, else, endif, for and endfor"),
        }
    }

    fn part(&mut self, parts: &mut Parts) -> Result<Expression> {
        match parts.next() {
            Some(Part::Text(content, span)) => Ok(text(content, span)),
            Some(Part::Value(value)) => Ok(value),
            Some(Part::If(condition, span)) => self.nested(|parser| parser.if_part(condition, span, parts)),
            Some(Part::For { key, value, collection, span }) => {
                self.nested(|parser| parser.for_part((key, value), collection, span, parts))
            }
            Some(Part::Else(span) | Part::EndIf(span) | Part::EndFor(span)) => {
                self.error(span, "the directive ends nothing", "there is no if or for before it that is still open")
            }
            None => self.error(0..0, "the text does not end", ""),
        }
    }

    fn if_part(&mut self, condition: Expression, span: Span, parts: &mut Parts) -> Result<Expression> {
        let (mut yes, mut no) = (Vec::new(), None);
        loop {
            match parts.peek() {
                None => return self.error(span, "the if is not closed", "there is no endif for it"),
                Some(Part::EndFor(found)) => {
                    let found = found.clone();
                    return self.error(found, "an endif is required here", "an if is closed by its endif");
                }
                Some(Part::EndIf(_)) => break,
                Some(Part::Else(found)) => {
                    if no.is_some() {
                        let found = found.clone();
                        return self.error(found, "the if has two else", "");
                    }
                    parts.next();
                    no = Some(Vec::new());
                }
                Some(_) => {
                    let part = self.part(parts)?;
                    no.as_mut().unwrap_or(&mut yes).push(part);
                }
            }
        }
        parts.next();
        let yes = Box::new(content(yes, &span));
        let no = Box::new(content(no.unwrap_or_default(), &span));
        Ok(Expression { node: Node::Conditional { condition: Box::new(condition), yes, no }, span })
    }

    fn for_part(&mut self, names: (Option<Rc<str>>, Rc<str>), collection: Expression, span: Span, parts: &mut Parts) -> Result<Expression> {
        let mut body = Vec::new();
        loop {
            match parts.peek() {
                None => return self.error(span, "the for is not closed", "there is no endfor for it"),
                Some(Part::EndFor(_)) => break,
                Some(Part::Else(found) | Part::EndIf(found)) => {
                    let found = found.clone();
                    return self.error(found, "an endfor is required here", "a for is closed by its endfor");
                }
                Some(_) => body.push(self.part(parts)?),
            }
        }
        parts.next();
        let value = content(body, &span);
        let (key_name, value_name) = names;
        let each = For { key_name, value_name, collection, key: None, value, condition: None, groups: false };
        let each = Expression { node: Node::For(Box::new(each)), span: span.clone() };
        Ok(Expression { node: Node::Joined(Box::new(each)), span })
    }

    /// What a part of a text stands for: escapes replaced.
    fn literal(&self, token: &Token) -> Result<String> {
        let source = self.text_of(&token.span);
        let mut out = String::with_capacity(source.len());
        let mut rest = source;
        while let Some(first) = rest.chars().next() {
            let at = token.span.start + source.len() - rest.len();
            let length = if rest.starts_with("$${") || rest.starts_with("%%{") {
                out.push_str(&rest[1..3]);
                3
            } else if first == '\\' && token.kind == Kind::QuotedText {
                let (character, length) = self.escape(rest, at)?;
                out.push(character);
                length
            } else {
                out.push(first);
                first.len_utf8()
            };
            rest = &rest[length..];
        }
        Ok(out)
    }

    fn escape(&self, rest: &str, at: usize) -> Result<(char, usize)> {
        let digits = match rest.as_bytes().get(1) {
            Some(b'n') => return Ok(('\n', 2)),
            Some(b'r') => return Ok(('\r', 2)),
            Some(b't') => return Ok(('\t', 2)),
            Some(b'"') => return Ok(('"', 2)),
            Some(b'\\') => return Ok(('\\', 2)),
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => return self.error(at..at + 2, "there is no such escape", "there are \\n, \\r, \\t, \\\", \\\\, \\uXXXX and \\UXXXXXXXX"),
        };
        let hexadecimal = rest.get(2..2 + digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(hexadecimal) = hexadecimal else {
            return self.error(at..at + 2, format!("the escape needs {digits} hexadecimal digits"), "");
        };
        match u32::from_str_radix(hexadecimal, 16).ok().and_then(char::from_u32) {
            Some(character) => Ok((character, 2 + digits)),
            None => self.error(at..at + 2 + digits, "there is no such character", ""),
        }
    }
}

fn text(content: String, span: Span) -> Expression {
    Expression { node: Node::Literal(Value::string(&content)), span }
}

fn content(mut parts: Vec<Expression>, span: &Span) -> Expression {
    if parts.is_empty() {
        parts.push(text(String::new(), span.clone()));
    }
    Expression { node: Node::Template(parts), span: span.clone() }
}

/// Texts that follow each other as one.
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Text(before, span)), Part::Text(text, next)) => {
                before.push_str(&text);
                span.end = next.end;
            }
            (_, part) => joined.push(part),
        }
    }
    joined
}

/// Takes from all lines of a `<<-` heredoc the blanks that the least indented one has.
fn move_left(parts: &mut [Part]) {
    let mut least = usize::MAX;
    let mut lines = Vec::new();
    let mut at_line_start = true;
    for (at, part) in parts.iter().enumerate() {
        if std::mem::take(&mut at_line_start) {
            let blanks = match part.text() {
                Some(text) if text.trim_start().is_empty() && text.ends_with('\n') => usize::MAX,
                Some(text) => {
                    lines.push(at);
                    text[..text.len() - text.trim_start().len()].graphemes(true).count()
                }
                None => 0,
            };
            least = least.min(blanks);
        }
        at_line_start = part.text().is_some_and(|text| text.ends_with('\n'));
    }
    for at in lines {
        if let Some(Part::Text(text, _)) = parts.get_mut(at) {
            let length: usize = text.graphemes(true).take(least).map(str::len).sum();
            text.drain(..length);
        }
    }
}
