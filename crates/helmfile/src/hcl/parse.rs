//! From tokens to the tree. Of several errors the first is reported.

mod template;

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile};

use super::lex::{Kind, Token, tokens};
use super::number::{Number, OutOfRange};
use super::syntax::{Attribute, Block, Body, Expression, For, Key, Node, Span, Step};
use super::value::{Value, normal};

/// Expressions and blocks may be nested this deep.
const DEEPEST: usize = 100;
/// So many operators, or steps into a value, may follow each other.
const MOST_IN_A_ROW: usize = 200;

/// Operators by how strongly they bind, the weakest first.
const OPERATORS: &[&[&str]] = &[&["||"], &["&&"], &["==", "!="], &[">", ">=", "<", "<="], &["+", "-"], &["*", "/", "%"]];

/// Reads a file.
pub(super) fn parse(file: &Arc<SourceFile>) -> Result<Body> {
    let text = file.utf8()?;
    let mut parser = Parser { file, text, tokens: tokens(text), at: 0, newlines: vec![true], depth: 0 };
    parser.refuse_foreign_signs()?;
    parser.body(Kind::End, None)
}

struct Parser<'f> {
    file: &'f Arc<SourceFile>,
    text: &'f str,
    tokens: Vec<Token>,
    at: usize,
    /// Whether line breaks count, for each bracket that is open.
    newlines: Vec<bool>,
    depth: usize,
}

impl<'f> Parser<'f> {
    fn error<T>(&self, span: Span, message: impl Into<String>, note: impl Into<String>) -> Result<T> {
        let diagnostic = Diagnostic::error(message).at(self.file, span, "");
        let note = note.into();
        Err(if note.is_empty() { diagnostic } else { diagnostic.note(note) })
    }

    fn refuse_foreign_signs(&self) -> Result<()> {
        let known = |sign: &str| match sign {
            "&" => Some("HCL does not have bitwise operators; \"&&\" is the logical AND"),
            "|" => Some("HCL does not have bitwise operators; \"||\" is the logical OR"),
            "^" | "~" => Some("HCL does not have bitwise operators"),
            ";" => Some("HCL does not end arguments with semicolons; each has a line of its own"),
            "'" => Some("HCL does not have single quotes; texts are written with double quotes (\")"),
            "`" => Some("HCL does not have backticks; a text of several lines is written as <<EOT"),
            _ => None,
        };
        for token in self.tokens.iter().filter(|token| token.kind == Kind::Invalid) {
            if let Some(why) = known(&self.text[token.span.clone()]) {
                return self.error(token.span.clone(), "a character that HCL does not know here", why);
            }
        }
        Ok(())
    }

    /// The next token that counts.
    fn peek(&mut self) -> Kind {
        while self.newlines.last() == Some(&false) && self.tokens.get(self.at).is_some_and(|token| token.kind == Kind::Newline) {
            self.at += 1;
        }
        self.tokens.get(self.at).map_or(Kind::End, |token| token.kind)
    }

    fn next_span(&mut self) -> Span {
        self.peek();
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |token| token.span.clone())
    }

    fn read(&mut self) -> Token {
        let (kind, span) = (self.peek(), self.next_span());
        if kind != Kind::End {
            self.at += 1;
        }
        Token { kind, span }
    }

    fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.span.end)
    }

    fn text_of(&self, span: &Span) -> &'f str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    fn is_sign(&mut self, sign: &str) -> bool {
        matches!(self.peek(), Kind::Sign(found) if found == sign)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn is_keyword(&mut self, keyword: &str) -> bool {
        self.peek() == Kind::Identifier && {
            let span = self.next_span();
            self.text_of(&span) == keyword
        }
    }

    /// Does some work with line breaks that count, or do not.
    fn within<T>(&mut self, newlines: bool, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEEPEST {
            let span = self.next_span();
            return self.error(span, "the file is nested too deeply", format!("at most {DEEPEST} levels are read"));
        }
        self.newlines.push(newlines);
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        self.newlines.pop();
        result
    }

    /// Arguments and blocks up to the end of a block or of the file.
    fn body(&mut self, end: Kind, opened: Option<Span>) -> Result<Body> {
        let mut body = Body::default();
        loop {
            let token = self.read();
            match token.kind {
                Kind::Newline => {}
                kind if kind == end => return Ok(body),
                Kind::Identifier => self.item(token.span, &mut body)?,
                Kind::End => {
                    let span = opened.unwrap_or(token.span);
                    return self.error(span, "the block is not closed", "there is no closing brace for it before the end of the file");
                }
                Kind::OpenQuote => {
                    return self.error(token.span, "an argument's name is quoted", "names of arguments are written without quotes");
                }
                _ => return self.error(token.span, "an argument or a block is required here", ""),
            }
        }
    }

    fn item(&mut self, name: Span, body: &mut Body) -> Result<()> {
        match self.peek() {
            Kind::Sign("=") => {
                let attribute = self.attribute(name)?;
                self.end_of_line("the argument")?;
                self.add_attribute(attribute, body)
            }
            Kind::OpenQuote | Kind::Identifier | Kind::Sign("{") => {
                let block = self.within(true, |parser| parser.block(name))?;
                self.end_of_line("the block")?;
                body.blocks.push(block);
                Ok(())
            }
            _ => self.error(name, "an argument or a block is required here", "an equals sign (\"=\") introduces the value of an argument"),
        }
    }

    fn add_attribute(&self, attribute: Attribute, body: &mut Body) -> Result<()> {
        if let Some(first) = body.attributes.iter().find(|known| known.name == attribute.name) {
            let diagnostic = Diagnostic::error(format!("the argument {} is set twice", attribute.name));
            return Err(diagnostic.at(self.file, attribute.name_span, "").also(self.file, first.name_span.clone(), "the first time"));
        }
        body.attributes.push(attribute);
        Ok(())
    }

    fn end_of_line(&mut self, what: &str) -> Result<()> {
        match self.peek() {
            Kind::Newline => {
                self.at += 1;
                Ok(())
            }
            Kind::End => Ok(()),
            Kind::Sign(",") => {
                let span = self.next_span();
                self.error(span, format!("a comma after {what}"), "arguments are separated by line breaks, not by commas")
            }
            _ => {
                let span = self.next_span();
                self.error(span, format!("a line break is missing after {what}"), "")
            }
        }
    }

    fn attribute(&mut self, name_span: Span) -> Result<Attribute> {
        self.at += 1;
        let value = self.expression()?;
        Ok(Attribute { name: normal(self.text_of(&name_span)), name_span, value })
    }

    fn block(&mut self, name: Span) -> Result<Block> {
        let mut label = None;
        loop {
            let token = self.read();
            match token.kind {
                Kind::Sign("{") => break,
                Kind::Identifier => {
                    label.get_or_insert(token.span);
                }
                Kind::OpenQuote => {
                    label.get_or_insert(token.span);
                    self.label()?;
                }
                _ => {
                    return self.error(
                        token.span,
                        "the definition of a block is not complete",
                        "its content stands in braces, the first of which is on the same line",
                    );
                }
            }
        }
        let opened = self.last_end().saturating_sub(1)..self.last_end();
        let body = match self.peek() {
            Kind::Newline | Kind::End | Kind::Sign("}") => self.body(Kind::Sign("}"), Some(opened))?,
            _ => self.single_line_body(opened)?,
        };
        Ok(Block { kind: self.text_of(&name).to_owned(), span: name, label, body })
    }

    /// The rest of a label in quotes, which holds no sequences.
    fn label(&mut self) -> Result<()> {
        loop {
            let token = self.read();
            match token.kind {
                Kind::CloseQuote => return Ok(()),
                Kind::QuotedText => {}
                _ => return self.error(token.span, "this cannot be in the label of a block", ""),
            }
        }
    }

    /// `{ name = value }`: on one line there is one argument.
    fn single_line_body(&mut self, opened: Span) -> Result<Body> {
        let name = self.read();
        if name.kind != Kind::Identifier || !self.is_sign("=") {
            return self.error(name.span, "an argument is required here", "a block on one line holds a single argument, and no blocks");
        }
        let attribute = self.attribute(name.span)?;
        let close = self.read();
        match close.kind {
            Kind::Sign("}") => Ok(Body { attributes: vec![attribute], blocks: Vec::new() }),
            Kind::End => self.error(opened, "the block is not closed", "there is no closing brace for it before the end of the file"),
            _ => self.error(
                close.span,
                "a block on one line has to end after its only argument",
                "several arguments are written on lines of their own, between the braces",
            ),
        }
    }

    fn expression(&mut self) -> Result<Expression> {
        self.nested(Self::conditional)
    }

    fn nested<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let newlines = self.newlines.last().copied().unwrap_or(true);
        self.within(newlines, work)
    }

    fn conditional(&mut self) -> Result<Expression> {
        let condition = self.binary(0)?;
        if !self.take_sign("?") {
            return Ok(condition);
        }
        let yes = self.expression()?;
        if !self.take_sign(":") {
            let span = self.next_span();
            return self.error(span, "the conditional has no second result", "it is written as CONDITION ? RESULT : OTHER");
        }
        let no = self.expression()?;
        let span = condition.span.start..no.span.end;
        let node = Node::Conditional { condition: Box::new(condition), yes: Box::new(yes), no: Box::new(no) };
        Ok(Expression { node, span })
    }

    fn binary(&mut self, level: usize) -> Result<Expression> {
        let Some(operators) = OPERATORS.get(level) else { return self.term_with_steps() };
        let mut left = self.binary(level + 1)?;
        let mut chained = 0;
        while let Kind::Sign(sign) = self.peek()
            && let Some(operator) = operators.iter().find(|operator| **operator == sign)
        {
            self.at += 1;
            chained += 1;
            if chained > MOST_IN_A_ROW {
                return self.error(left.span, "too many operators in a row", format!("at most {MOST_IN_A_ROW} are read"));
            }
            let right = self.binary(level + 1)?;
            let span = left.span.start..right.span.end;
            left = Expression { node: Node::Binary { operator, left: Box::new(left), right: Box::new(right) }, span };
        }
        Ok(left)
    }

    fn term_with_steps(&mut self) -> Result<Expression> {
        let term = self.term()?;
        self.steps(term)
    }

    fn term(&mut self) -> Result<Expression> {
        let token = self.read();
        let start = token.span.start;
        match token.kind {
            Kind::Sign("(") => {
                let inner = self.within(false, |parser| {
                    let inner = parser.expression()?;
                    if !parser.take_sign(")") {
                        let span = parser.next_span();
                        return parser.error(span, "a closing parenthesis is required here", "");
                    }
                    Ok(inner)
                })?;
                Ok(Expression { node: Node::Parentheses(Box::new(inner)), span: start..self.last_end() })
            }
            Kind::Number => Ok(Expression { node: Node::Literal(self.number(&token.span)?), span: token.span }),
            Kind::Identifier => self.name(token.span),
            Kind::OpenQuote => self.template(start, Kind::CloseQuote, false),
            Kind::OpenHeredoc { flush } => self.template(start, Kind::CloseHeredoc, flush),
            Kind::Sign(operator @ ("-" | "!")) => {
                let operand = self.nested(Self::term_with_steps)?;
                let span = start..operand.span.end;
                Ok(Expression { node: Node::Unary { operator, operand: Box::new(operand) }, span })
            }
            Kind::Sign("[") => self.within(false, |parser| parser.tuple(start)),
            Kind::Sign("{") => self.object(start),
            Kind::End => self.error(token.span, "an expression is missing", "the file ends where it should begin"),
            _ => self.error(token.span, "this cannot begin an expression", ""),
        }
    }

    fn number(&self, span: &Span) -> Result<Value> {
        match Number::parse(self.text_of(span)) {
            Some(Ok(number)) => Ok(Value::Number(number)),
            Some(Err(OutOfRange)) => self.error(span.clone(), "the number is too large or too small", ""),
            None => self.error(span.clone(), "this is not a number", ""),
        }
    }

    fn name(&mut self, span: Span) -> Result<Expression> {
        if self.is_sign("(") || self.is_sign("::") {
            return self.call(span);
        }
        let node = match self.text_of(&span) {
            "true" => Node::Literal(Value::Bool(true)),
            "false" => Node::Literal(Value::Bool(false)),
            "null" => Node::Literal(Value::NULL),
            name => Node::Variable { name: normal(name), name_span: span.clone(), steps: Vec::new() },
        };
        Ok(Expression { node, span })
    }

    fn call(&mut self, start: Span) -> Result<Expression> {
        let mut name_span = start.clone();
        while self.take_sign("::") {
            let part = self.read();
            if part.kind != Kind::Identifier {
                return self.error(part.span, "the name of a function is missing", "\"::\" is followed by a name");
            }
            name_span.end = part.span.end;
        }
        if !self.take_sign("(") {
            let span = self.next_span();
            return self.error(span, "an opening parenthesis is required here", "it begins the arguments of a function");
        }
        let (arguments, expands_last) = self.within(false, Self::arguments)?;
        let node = Node::Call { name: self.text_of(&name_span).to_owned(), name_span, arguments, expands_last };
        Ok(Expression { node, span: start.start..self.last_end() })
    }

    fn arguments(&mut self) -> Result<(Vec<Expression>, bool)> {
        let mut arguments = Vec::new();
        loop {
            if self.take_sign(")") {
                return Ok((arguments, false));
            }
            arguments.push(self.expression()?);
            let separator = self.read();
            match separator.kind {
                Kind::Sign(")") => return Ok((arguments, false)),
                Kind::Sign(",") => {}
                Kind::Sign("...") if self.take_sign(")") => return Ok((arguments, true)),
                Kind::Sign("...") => {
                    return self.error(
                        separator.span,
                        "the expanded argument is not the last one",
                        "\"...\" is followed by the closing parenthesis",
                    );
                }
                Kind::End => {
                    return self.error(separator.span, "the arguments of the function do not end", "the closing parenthesis is missing");
                }
                _ => return self.error(separator.span, "a comma is missing between two arguments", ""),
            }
        }
    }

    fn tuple(&mut self, start: usize) -> Result<Expression> {
        if self.is_keyword("for") {
            return self.for_expression(start, false);
        }
        let mut items = Vec::new();
        while !self.take_sign("]") {
            items.push(self.expression()?);
            if self.take_sign("]") {
                break;
            }
            if !self.take_sign(",") {
                let span = self.next_span();
                return self.error(span, "a comma is missing between two items", "or the closing bracket of the list");
            }
        }
        Ok(Expression { node: Node::Tuple(items), span: start..self.last_end() })
    }

    fn object(&mut self, start: usize) -> Result<Expression> {
        // A `for` may stand on a line of its own.
        let is_for = self.within(false, |parser| {
            let (before, is_for) = (parser.at, parser.is_keyword("for"));
            if !is_for {
                parser.at = before;
            }
            Ok(is_for)
        })?;
        if is_for {
            return self.within(false, |parser| parser.for_expression(start, true));
        }
        let entries = self.within(true, Self::entries)?;
        Ok(Expression { node: Node::Object(entries), span: start..self.last_end() })
    }

    fn entries(&mut self) -> Result<Vec<(Key, Expression)>> {
        let mut entries = Vec::new();
        loop {
            if self.peek() == Kind::Newline {
                self.at += 1;
                continue;
            }
            if self.take_sign("}") {
                return Ok(entries);
            }
            let is_computed = self.is_sign("(");
            let key = self.expression()?;
            if !self.take_sign("=") && !self.take_sign(":") {
                let span = self.next_span();
                return self.error(span, "an equals sign is required here", "it stands between the key and the value of an entry");
            }
            let value = self.expression()?;
            entries.push((entry_key(key, is_computed), value));
            let separator = self.read();
            match separator.kind {
                Kind::Sign("}") => return Ok(entries),
                Kind::Sign(",") | Kind::Newline => {}
                Kind::End => {
                    return self.error(
                        separator.span,
                        "the object is not closed",
                        "there is no closing brace for it before the end of the file",
                    );
                }
                _ => return self.error(separator.span, "a line break or a comma is missing between two entries", ""),
            }
        }
    }

    fn for_expression(&mut self, start: usize, makes_object: bool) -> Result<Expression> {
        self.at += 1;
        let (key_name, value_name) = self.for_names()?;
        let collection = self.expression()?;
        if !self.take_sign(":") {
            let span = self.next_span();
            return self.error(span, "a colon is required here", "it follows the collection of a \"for\" expression");
        }
        let mut value = self.expression()?;
        let mut key = None;
        if self.take_sign("=>") {
            key = Some(std::mem::replace(&mut value, self.expression()?));
        }
        let groups = self.take_sign("...");
        let condition = if self.is_keyword("if") {
            self.at += 1;
            Some(self.expression()?)
        } else {
            None
        };
        if !self.take_sign(if makes_object { "}" } else { "]" }) {
            let span = self.next_span();
            return self.error(span, "the \"for\" expression does not end here", "its closing bracket is missing");
        }
        let span = start..self.last_end();
        match (makes_object, &key) {
            (true, None) => return self.error(span, "the \"for\" expression has no key", "an object is made of KEY => VALUE"),
            (false, Some(key)) => return self.error(key.span.clone(), "a list has no keys", "an object is made in braces"),
            (false, None) if groups => {
                return self.error(span, "a list cannot be grouped", "\"...\" groups the entries of an object by their key");
            }
            _ => {}
        }
        let node = Node::For(Box::new(For { key_name, value_name, collection, key, value, condition, groups }));
        Ok(Expression { node, span })
    }

    /// `value in` or `key, value in`.
    fn for_names(&mut self) -> Result<(Option<Rc<str>>, Rc<str>)> {
        let first = self.for_name()?;
        let names = if self.take_sign(",") { (Some(first), self.for_name()?) } else { (None, first) };
        if !self.is_keyword("in") {
            let span = self.next_span();
            return self.error(span, "the keyword \"in\" is required here", "it follows the names of a \"for\"");
        }
        self.at += 1;
        Ok(names)
    }

    fn for_name(&mut self) -> Result<Rc<str>> {
        let name = self.read();
        if name.kind != Kind::Identifier {
            return self.error(name.span, "the name of a variable is required here", "\"for\" is followed by one or two names");
        }
        Ok(normal(self.text_of(&name.span)))
    }

    /// `.name`, `.0`, `.*`, `[key]` and `[*]` behind a term.
    fn steps(&mut self, from: Expression) -> Result<Expression> {
        let start = from.span.start;
        let mut result = from;
        let mut count = 0;
        loop {
            let is_dot = self.is_sign(".");
            if !is_dot && !self.is_sign("[") {
                return Ok(result);
            }
            count += 1;
            if count > MOST_IN_A_ROW {
                return self.error(result.span, "too many steps in a row", format!("at most {MOST_IN_A_ROW} are read"));
            }
            let opened = self.read().span.start;
            result = if is_dot { self.dot(result, start, opened)? } else { self.bracket(result, start, opened)? };
        }
    }

    fn dot(&mut self, source: Expression, start: usize, opened: usize) -> Result<Expression> {
        let token = self.read();
        let span = opened..token.span.end;
        match token.kind {
            Kind::Identifier => Ok(with_step(source, Step::Attribute(normal(self.text_of(&token.span)), span))),
            Kind::Number => Ok(with_step(source, self.legacy_index(&token.span, span)?)),
            Kind::Sign("*") => {
                let mut each = Expression { node: Node::SplatItem, span };
                while self.take_sign(".") {
                    let opened = self.last_end() - 1;
                    let token = self.read();
                    let span = opened..token.span.end;
                    let step = match token.kind {
                        Kind::Identifier => Step::Attribute(normal(self.text_of(&token.span)), span),
                        Kind::Number => self.legacy_index(&token.span, span)?,
                        _ => return self.error(token.span, "the name of an attribute is required here", "it follows the dot"),
                    };
                    each = with_step(each, step);
                }
                let span = start..each.span.end;
                Ok(Expression { node: Node::Splat { source: Box::new(source), each: Box::new(each) }, span })
            }
            _ => self.error(token.span, "the name of an attribute is required here", "it follows the dot"),
        }
    }

    /// `.0`
    fn legacy_index(&self, number: &Span, span: Span) -> Result<Step> {
        if self.text_of(number).contains('.') {
            return self.error(number.clone(), "two indexes in a row are written in brackets", "such as list[0][1]");
        }
        Ok(Step::Key(self.number(number)?, span))
    }

    fn bracket(&mut self, source: Expression, start: usize, opened: usize) -> Result<Expression> {
        if self.take_sign("*") {
            if !self.take_sign("]") {
                let span = self.next_span();
                return self.error(span, "a closing bracket is required here", "it follows the star");
            }
            let item = Expression { node: Node::SplatItem, span: opened..self.last_end() };
            let each = self.nested(|parser| parser.steps(item))?;
            let span = start..each.span.end;
            return Ok(Expression { node: Node::Splat { source: Box::new(source), each: Box::new(each) }, span });
        }
        let key = self.within(false, |parser| {
            let key = parser.expression()?;
            if !parser.take_sign("]") {
                let span = parser.next_span();
                return parser.error(span, "a closing bracket is required here", "it ends the index");
            }
            Ok(key)
        })?;
        let span = opened..self.last_end();
        Ok(match literal_key(&key) {
            Some(literal) => with_step(source, Step::Key(literal, span)),
            None => {
                let span = start..span.end;
                Expression { node: Node::Index { source: Box::new(source), key: Box::new(key) }, span }
            }
        })
    }
}

/// What an entry's key stands for.
fn entry_key(key: Expression, is_computed: bool) -> Key {
    if is_computed {
        return Key::Computed(key);
    }
    match &key.node {
        Node::Variable { name, steps, .. } if steps.is_empty() => Key::Name(Rc::clone(name)),
        Node::Variable { .. } => Key::Ambiguous(key.span),
        Node::Literal(Value::Bool(value)) => Key::Name(Rc::from(if *value { "true" } else { "false" })),
        Node::Literal(Value::Null(_)) => Key::Name(Rc::from("null")),
        _ => Key::Computed(key),
    }
}

/// The value of an index that is written out.
fn literal_key(key: &Expression) -> Option<Value> {
    match &key.node {
        Node::Literal(value) => Some(value.clone()),
        Node::Template(parts) => match parts.as_slice() {
            [Expression { node: Node::Literal(value), .. }] => Some(value.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// One step more; steps behind each other are one expression.
fn with_step(mut source: Expression, step: Step) -> Expression {
    let end = match &step {
        Step::Attribute(_, span) | Step::Key(_, span) => span.end,
    };
    if let Node::Variable { steps, .. } | Node::Steps { steps, .. } = &mut source.node {
        steps.push(step);
        source.span.end = end;
        return source;
    }
    let span: Range<usize> = source.span.start..end;
    Expression { node: Node::Steps { source: Box::new(source), steps: vec![step] }, span }
}
