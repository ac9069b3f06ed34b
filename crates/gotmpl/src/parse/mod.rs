//! The parser: items to trees, with the errors of Go's text/template/parse/parse.go.

pub(super) mod node;
pub(super) mod number;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::builtins::Builtin;
use super::func::FunctionSet;
use super::lex::{Item, Lexer, TokenKind};
use super::{stack, text};
use hydrate_base::{Diagnostic, SourceFile, suggest};
use node::{Action, Arg, Branch, Bytes, Call, Chain, Command, Field, Identifier, List, Literal, Node, Path, Pipe, Span, Tree, Variable};
use number::{Number, Syntax};

/// How deep expressions and control structures may nest. Go allows 10,000 parentheses and any number of control
/// structures; no template written by a human or a sane generator comes near this.
const MAX_DEPTH: usize = 1_000;

/// An error of the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Go's text: `template: NAME:LINE: MESSAGE`.
    pub text: String,
    /// The message alone.
    pub message: String,
    /// The text that was parsed.
    pub file: Arc<SourceFile>,
    /// The bytes of the item at which parsing ended.
    pub span: Range<usize>,
    /// Other places that have to do with it, the most telling first: what was opened and not closed.
    pub related: Vec<(Range<usize>, String)>,
    /// What may have been meant.
    pub help: Option<String>,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ParseError {}

impl ParseError {
    /// What cannot happen, said without a panic.
    pub(super) fn internal(file: &Arc<SourceFile>) -> Self {
        let message = "the text has no tree of its own".to_owned();
        Self {
            text: format!("template: {}: {message}", file.name),
            message,
            file: Arc::clone(file),
            span: 0..0,
            related: Vec::new(),
            help: None,
        }
    }

    /// The error with its place in the source; Go's own text is a note.
    pub fn to_diagnostic(&self) -> Box<Diagnostic> {
        let mut diagnostic = Diagnostic::error(format!("cannot parse the template: {}", self.message));
        let mut related = self.related.iter();
        // At the end of the text there is nothing to be seen; what is open there is worth more.
        diagnostic = match (self.span.start >= self.file.text.len(), self.related.first()) {
            (true, Some((span, text))) => {
                related.next();
                diagnostic.at(&self.file, span.clone(), text.as_str())
            }
            _ => diagnostic.at(&self.file, self.span.clone(), ""),
        };
        diagnostic = related.fold(diagnostic, |diagnostic, (span, text)| diagnostic.also(&self.file, span.clone(), text.as_str()));
        diagnostic = diagnostic.note(self.text.clone());
        match &self.help {
            Some(help) => diagnostic.help(help.as_str()),
            None => diagnostic,
        }
    }
}

/// The templates that one text defines, by name.
pub(super) type Trees = BTreeMap<Arc<[u8]>, Arc<Tree>>;

type Parsed<T> = Result<T, Box<ParseError>>;

/// Parses a text: the trees of its `define`s and, under the file's name, its own. The name of the file is Go's
/// `ParseName`.
pub(super) fn parse(file: &Arc<SourceFile>, functions: &FunctionSet) -> Parsed<Trees> {
    let mut lexer = Lexer::new(&file.text);
    lexer.break_ok = functions.find(b"break").is_none();
    lexer.continue_ok = functions.find(b"continue").is_none();
    let mut parser = Parser {
        file,
        functions,
        lexer,
        trees: Trees::new(),
        symbols: vec![b"$"],
        scope: Scope::new(),
        depth: 0,
        scratch: Scratch::default(),
        open: Vec::new(),
    };
    if file.text.len() > u32::MAX as usize {
        return Err(parser.fail("the text is larger than 4 GiB"));
    }
    parser.parse_all()?;
    Ok(parser.trees)
}

/// What belongs to the tree that is being parsed, and not to the text as a whole.
struct Scope {
    /// The last item that was read.
    token: Item,
    /// Whether it is to be given again.
    peeked: bool,
    vars: Vec<u32>,
    /// Where the action begins that is being parsed.
    action: Option<u32>,
    range_depth: usize,
}

impl Scope {
    fn new() -> Self {
        Self { token: Item::NONE, peeked: false, vars: vec![0], action: None, range_depth: 0 }
    }
}

struct Parser<'p> {
    file: &'p Arc<SourceFile>,
    functions: &'p FunctionSet,
    lexer: Lexer<'p>,
    trees: Trees,
    symbols: Vec<&'p [u8]>,
    scope: Scope,
    depth: usize,
    scratch: Scratch,
    /// What waits for its `end`: where it begins, and its keyword.
    open: Vec<(u32, &'static str)>,
}

/// What belongs to lists that are not finished, one behind the other: so each list is allocated once, in its final size.
#[derive(Default)]
struct Scratch {
    nodes: Vec<Node>,
    cmds: Vec<Command>,
    args: Vec<Arg>,
}

/// The items from `start` on, as a finished list; most have one item.
fn finished<T>(items: &mut Vec<T>, start: usize) -> Box<[T]> {
    if items.len() == start + 1
        && let Some(item) = items.pop()
    {
        return Box::new([item]);
    }
    items.drain(start.min(items.len())..).collect()
}

/// A node, or what ends a list of them.
enum Step {
    Node(Node),
    End,
    /// With the position that the list after it gets.
    Else(u32),
}

/// How a list of nodes ended.
enum Ending {
    End,
    Else(u32),
}

impl Ending {
    fn describe(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else(_) => "{{else}}",
        }
    }
}

fn at(offset: usize) -> u32 {
    // `parse` has refused texts for which this does not hold.
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Whether an item is a field of the term before it.
fn continues(item: Item) -> bool {
    item.kind == TokenKind::Field && !item.is_apart()
}

fn span(item: Item) -> Span {
    Span { start: item.start, end: item.end }
}

impl<'p> Parser<'p> {
    // Items.

    // In Go space is an item; here it belongs to the item after it.

    #[inline]
    fn next(&mut self) -> Item {
        if !std::mem::take(&mut self.scope.peeked) {
            self.scope.token = self.lexer.next_item();
        }
        self.scope.token
    }

    fn backup(&mut self) {
        self.scope.peeked = true;
    }

    #[inline]
    fn peek(&mut self) -> Item {
        let token = self.next();
        self.backup();
        token
    }

    fn value(&self, item: Item) -> &'p [u8] {
        span(item).of(&self.file.text)
    }

    // Errors.

    fn fail(&self, message: impl Into<String>) -> Box<ParseError> {
        let token = self.scope.token;
        self.fail_at(token.start..token.end, message)
    }

    /// An error at the space before the last item that was read.
    fn fail_at_space(&self, message: impl Into<String>) -> Box<ParseError> {
        let token = self.scope.token;
        let space = if token.is_apart() { token.space..token.start } else { token.start..token.end };
        self.fail_at(space, message)
    }

    #[cold]
    fn fail_at(&self, span: Range<u32>, message: impl Into<String>) -> Box<ParseError> {
        let message = message.into();
        Box::new(ParseError {
            text: format!("template: {}:{}: {message}", self.file.name, self.line(span.start)),
            message,
            file: Arc::clone(self.file),
            span: span.start as usize..span.end as usize,
            related: self.unclosed_before(span.start).into_iter().collect(),
            help: None,
        })
    }

    /// The action that is being parsed, if it begins on a line further up: then its end may be what is missing.
    fn unclosed_before(&self, at: u32) -> Option<(Range<usize>, String)> {
        let action = self.scope.action.filter(|action| self.line(*action) != self.line(at))?;
        Some((self.rest_of_line(action), "this action is not closed by `}}` on its line".to_owned()))
    }

    fn rest_of_line(&self, at: u32) -> Range<usize> {
        let start = at as usize;
        let rest = self.file.text.get(start..).unwrap_or_default();
        start..start + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
    }

    /// The error at the end of the text, where something waits for its `end`.
    #[cold]
    fn unexpected_end(&self) -> Box<ParseError> {
        let mut error = self.fail("unexpected EOF");
        let opened = |(at, keyword): &(u32, &str)| {
            let span = self.rest_of_line(*at);
            let text = self.file.text.get(span.clone()).unwrap_or_default();
            let end = memchr::memmem::find(text, b"}}").map_or(span.end, |end| span.start + end + 2);
            (span.start..end, format!("this `{keyword}` has no `{{{{ end }}}}`"))
        };
        error.related = self.open.last().map(opened).into_iter().collect();
        let outer = self.open.iter().rev().skip(1).map(opened).map(|(span, _)| (span, "or this one".to_owned()));
        error.related.extend(outer);
        error
    }

    fn line(&self, at: u32) -> usize {
        memchr::memchr_iter(b'\n', Span { start: 0, end: at }.of(&self.file.text)).count() + 1
    }

    fn describe(&self, item: Item) -> String {
        let value = self.value(item);
        if item.kind == TokenKind::Eof {
            return "EOF".to_owned();
        }
        if item.kind == TokenKind::Error {
            return self.lexer.error.clone().unwrap_or_default();
        }
        if item.kind.is_keyword() {
            return format!("<{}>", String::from_utf8_lossy(value));
        }
        if value.len() > 10 {
            let end: usize = text::runes(value).take(10).map(|(_, width)| width).sum();
            return format!("{}...", text::quote(value.get(..end).unwrap_or_default(), false));
        }
        text::quote(value, false)
    }

    fn unexpected(&self, item: Item, context: &str) -> Box<ParseError> {
        let described = self.describe(item);
        if item.kind != TokenKind::Error {
            return self.fail(format!("unexpected {described} in {context}"));
        }
        match self.scope.action.map(|action| self.line(action)) {
            Some(started) if started != self.line(item.start) => {
                let action = if described.ends_with(" action") { "" } else { " in action" };
                let mut error = self.fail(format!("{described}{action} started at {}:{started}", self.file.name));
                // Where the action begins says more than where the text ends.
                if let Some((span, _)) = error.related.pop() {
                    error.span = span;
                }
                error
            }
            _ => self.fail(described),
        }
    }

    fn expect(&mut self, kind: TokenKind, context: &str) -> Parsed<Item> {
        let token = self.next();
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(token, context)) }
    }

    // Trees.

    fn parse_all(&mut self) -> Parsed<()> {
        let pos = self.peek().start;
        loop {
            let token = self.next();
            match token.kind {
                TokenKind::Eof => break,
                TokenKind::LeftDelim if self.peek().kind == TokenKind::Define => {
                    self.next();
                    self.open.push((token.start, "define"));
                    self.definition()?;
                    self.open.pop();
                    continue;
                }
                _ => {}
            }
            match self.text_or_action(token)? {
                Step::Node(node) => self.scratch.nodes.push(node),
                Step::End => return Err(self.fail("unexpected {{end}}")),
                Step::Else(_) => return Err(self.fail("unexpected {{else}}")),
            }
        }
        let nodes = finished(&mut self.scratch.nodes, 0);
        self.add(self.file.name.clone().into_bytes(), List { pos, nodes })
    }

    /// `{{define "name"}} … {{end}}`; what is inside has a scope of its own.
    fn definition(&mut self) -> Parsed<()> {
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let token = self.next();
        if !matches!(token.kind, TokenKind::String | TokenKind::RawString) {
            return Err(self.unexpected(token, "define clause"));
        }
        let name = self.unquote(token)?;
        self.expect(TokenKind::RightDelim, "define clause")?;
        let (list, ending) = self.item_list()?;
        if let Ending::Else(_) = ending {
            return Err(self.fail("unexpected {{else}} in define clause"));
        }
        self.add(name.into_owned(), list)?;
        self.scope = outer;
        Ok(())
    }

    fn unquote(&self, token: Item) -> Parsed<Cow<'p, [u8]>> {
        text::unquote(self.value(token)).ok_or_else(|| self.fail("invalid syntax"))
    }

    /// Keeps a finished tree; only an empty one may be defined again in the same text.
    fn add(&mut self, name: Vec<u8>, root: List) -> Parsed<()> {
        let name: Arc<[u8]> = name.into();
        let tree = Tree { name: Arc::clone(&name), file: Arc::clone(self.file), root };
        let replaces = self.trees.get(&name).is_none_or(|old| old.is_empty());
        if replaces {
            self.trees.insert(name, Arc::new(tree));
        } else if !tree.is_empty() {
            return Err(self.fail(format!("template: multiple definition of template {}", text::quote(&name, false))));
        }
        Ok(())
    }

    fn item_list(&mut self) -> Parsed<(List, Ending)> {
        let pos = self.peek().start;
        let start = self.scratch.nodes.len();
        loop {
            let token = self.next();
            if token.kind == TokenKind::Eof {
                return Err(self.unexpected_end());
            }
            let ending = match self.text_or_action(token)? {
                Step::Node(node) => {
                    self.scratch.nodes.push(node);
                    continue;
                }
                Step::End => Ending::End,
                Step::Else(after) => Ending::Else(after),
            };
            return Ok((List { pos, nodes: finished(&mut self.scratch.nodes, start) }, ending));
        }
    }

    fn text_or_action(&mut self, token: Item) -> Parsed<Step> {
        match token.kind {
            TokenKind::Text => Ok(Step::Node(Node::Text(span(token)))),
            TokenKind::LeftDelim => {
                self.scope.action = Some(token.start);
                let step = self.action()?;
                self.scope.action = None;
                Ok(step)
            }
            _ => Err(self.unexpected(token, "input")),
        }
    }

    fn action(&mut self) -> Parsed<Step> {
        let token = self.next();
        let node = match token.kind {
            TokenKind::Block => self.block()?,
            TokenKind::Break => self.loop_exit(token, "{{break}}")?,
            TokenKind::Continue => self.loop_exit(token, "{{continue}}")?,
            TokenKind::Else => return self.else_control(),
            TokenKind::End => return self.expect(TokenKind::RightDelim, "end").map(|_| Step::End),
            TokenKind::If => Node::If(self.control("if")?),
            TokenKind::Range => Node::Range(self.control("range")?),
            TokenKind::Template => self.template()?,
            TokenKind::With => Node::With(self.control("with")?),
            _ => {
                let pipe = self.pipeline_from(token, "command", TokenKind::RightDelim)?;
                Node::Action(Action { pos: token.start, pipe })
            }
        };
        Ok(Step::Node(node))
    }

    fn loop_exit(&mut self, keyword: Item, context: &str) -> Parsed<Node> {
        let token = self.next();
        if token.kind != TokenKind::RightDelim {
            return Err(self.unexpected(token, context));
        }
        if self.scope.range_depth == 0 {
            return Err(self.fail(format!("{context} outside {{{{range}}}}")));
        }
        let pos = keyword.start;
        Ok(if keyword.kind == TokenKind::Break { Node::Break(pos) } else { Node::Continue(pos) })
    }

    fn else_control(&mut self) -> Parsed<Step> {
        let peeked = self.peek();
        if matches!(peeked.kind, TokenKind::If | TokenKind::With) {
            return Ok(Step::Else(peeked.start));
        }
        self.expect(TokenKind::RightDelim, "else").map(|token| Step::Else(token.start))
    }

    /// Goes one level down, unless that is too deep.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH || stack::exhausted() {
            return Err(self.fail("max expression depth exceeded"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// `if`, `range`, `with`: the keyword is past.
    fn control(&mut self, context: &'static str) -> Parsed<Box<Branch>> {
        let vars = self.scope.vars.len();
        let branch = self.deeper(|parser| parser.branch(context))?;
        self.scope.vars.truncate(vars);
        Ok(Box::new(branch))
    }

    fn branch(&mut self, context: &'static str) -> Parsed<Branch> {
        let is_range = usize::from(context == "range");
        self.open.push((self.scope.action.unwrap_or(self.scope.token.start), context));
        let pipe = self.pipeline(context, TokenKind::RightDelim)?;
        self.scope.range_depth += is_range;
        let (list, ending) = self.item_list()?;
        self.scope.range_depth -= is_range;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else(pos) => Some(self.otherwise(context, pos)?),
        };
        self.open.pop();
        Ok(Branch { pipe, list, otherwise })
    }

    /// What follows an `else`: `else if` and `else with` are a list of one node that ends with the same `end`.
    fn otherwise(&mut self, context: &'static str, pos: u32) -> Parsed<List> {
        let next = self.peek().kind;
        let chained = match (context, next) {
            ("if", TokenKind::If) => {
                self.next();
                Node::If(self.control("if")?)
            }
            ("with", TokenKind::With) => {
                self.next();
                Node::With(self.control("with")?)
            }
            _ => {
                let (list, ending) = self.item_list()?;
                return match ending {
                    Ending::End => Ok(list),
                    Ending::Else(_) => Err(self.fail(format!("expected end; found {}", ending.describe()))),
                };
            }
        };
        Ok(List { pos, nodes: [chained].into() })
    }

    /// `{{block "name" pipeline}} … {{end}}`: a definition and a call of it.
    fn block(&mut self) -> Parsed<Node> {
        let token = self.next();
        let name = self.template_name(token, "block clause")?;
        let pipe = self.pipeline("block clause", TokenKind::RightDelim)?;
        self.open.push((self.scope.action.unwrap_or(token.start), "block"));
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (list, ending) = self.deeper(Self::item_list)?;
        self.open.pop();
        if let Ending::Else(_) = ending {
            self.scope = outer;
            return Err(self.fail("unexpected {{else}} in block clause"));
        }
        self.add(name.to_vec(), list)?;
        self.scope = outer;
        Ok(Node::Template(Box::new(Call { pos: token.start, name, pipe: Some(pipe) })))
    }

    fn template(&mut self) -> Parsed<Node> {
        let token = self.next();
        let name = self.template_name(token, "template clause")?;
        let after = self.next();
        let pipe = match after.kind {
            TokenKind::RightDelim => None,
            _ => Some(self.pipeline_from(after, "template clause", TokenKind::RightDelim)?),
        };
        Ok(Node::Template(Box::new(Call { pos: token.start, name, pipe })))
    }

    fn template_name(&self, token: Item, context: &str) -> Parsed<Bytes> {
        match token.kind {
            TokenKind::String | TokenKind::RawString => self.unquote(token).map(Cow::into_owned).map(Into::into),
            _ => Err(self.unexpected(token, context)),
        }
    }

    // Pipelines.

    fn pipeline(&mut self, context: &str, end: TokenKind) -> Parsed<Pipe> {
        let first = self.next();
        self.pipeline_from(first, context, end)
    }

    /// A pipeline that begins with an item; the item that ends it is passed.
    fn pipeline_from(&mut self, first: Item, context: &str, end: TokenKind) -> Parsed<Pipe> {
        let mut decl = Vec::new();
        let (assign, mut token) = self.declarations(first, context, &mut decl)?;
        let start = self.scratch.cmds.len();
        while token.kind != end {
            if !token.kind.begins_operand() {
                return Err(self.unexpected(token, context));
            }
            let (command, after) = self.command(token)?;
            self.scratch.cmds.push(command);
            token = if after.kind == TokenKind::Pipe { self.next() } else { after };
        }
        let cmds = finished(&mut self.scratch.cmds, start);
        self.check_pipeline(&cmds, context)?;
        Ok(Pipe { pos: first.start, assign, decl: decl.into(), cmds })
    }

    /// `$x :=`, `$x =`, and in a range `$x, $y :=`; whether it assigns, and the item after it.
    fn declarations(&mut self, first: Item, context: &str, decl: &mut Vec<Variable>) -> Parsed<(bool, Item)> {
        let mut variable = first;
        while variable.kind == TokenKind::Variable {
            let next = self.next();
            if matches!(next.kind, TokenKind::Assign | TokenKind::Declare) {
                self.declare(variable, decl);
                return Ok((next.kind == TokenKind::Assign, self.next()));
            }
            if next.kind != TokenKind::Char || self.value(next) != b"," {
                self.backup();
                break;
            }
            self.declare(variable, decl);
            if context != "range" || decl.len() >= 2 {
                return Err(self.fail(format!("too many declarations in {context}")));
            }
            variable = self.next();
            if !matches!(variable.kind, TokenKind::Variable | TokenKind::RightDelim | TokenKind::RightParen) {
                return Err(self.fail("range can only initialize variables"));
            }
        }
        Ok((false, variable))
    }

    fn declare(&mut self, token: Item, decl: &mut Vec<Variable>) {
        let variable = self.variable(token);
        self.scope.vars.push(variable.symbol);
        decl.push(variable);
    }

    fn variable(&mut self, token: Item) -> Variable {
        let name = self.value(token);
        let symbol = self.symbols.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.symbols.push(name);
            self.symbols.len() - 1
        });
        Variable { pos: token.start, symbol: at(symbol), name: span(token), fields: Path::NONE }
    }

    fn check_pipeline(&self, cmds: &[Command], context: &str) -> Parsed<()> {
        if cmds.is_empty() {
            return Err(self.fail(format!("missing value for {context}")));
        }
        for (index, command) in cmds.iter().enumerate().skip(1) {
            if matches!(command.args.first(), Some(Arg::Bool(..) | Arg::Dot(_) | Arg::Nil(_) | Arg::Number(_) | Arg::Text(_))) {
                return Err(self.fail(format!("non executable command in pipeline stage {}", index + 1)));
            }
        }
        Ok(())
    }

    /// A command that begins with an item, and the item that ends it.
    fn command(&mut self, first: Item) -> Parsed<(Command, Item)> {
        let start = self.scratch.args.len();
        let mut token = first;
        loop {
            let (operand, after) = self.operand(token)?;
            self.scratch.args.push(operand);
            token = after;
            if !token.is_apart() || !token.kind.begins_operand() {
                break;
            }
        }
        if !matches!(token.kind, TokenKind::RightDelim | TokenKind::RightParen | TokenKind::Pipe) {
            return Err(self.unexpected(token, "operand"));
        }
        Ok((Command { pos: first.start, args: finished(&mut self.scratch.args, start) }, token))
    }

    /// A term and the fields after it, and the item after those.
    fn operand(&mut self, first: Item) -> Parsed<(Arg, Item)> {
        let node = self.term(first)?;
        let mut token = self.next();
        if !continues(token) {
            return Ok((node, token));
        }
        let pos = token.start;
        let mut fields = Path(span(token));
        while continues(token) {
            fields = fields.up_to(token.end);
            token = self.next();
        }
        // Go gives the whole chain the position of its second part.
        let operand = match node {
            Arg::Field(field) => Arg::Field(Field { pos, idents: field.idents.up_to(fields.0.end) }),
            Arg::Variable(variable) => Arg::Variable(Variable { pos, fields, ..variable }),
            Arg::Bool(..) | Arg::Text(_) | Arg::Number(_) | Arg::Nil(_) | Arg::Dot(_) => {
                let text = node::At::Arg(&node).text(&self.file.text);
                return Err(self.fail_at_space(format!("unexpected . after term {}", text::quote(&text, false))));
            }
            _ => Arg::Chain(Box::new(Chain { pos, node, fields })),
        };
        Ok((operand, token))
    }

    fn term(&mut self, token: Item) -> Parsed<Arg> {
        let pos = token.start;
        Ok(match token.kind {
            TokenKind::Identifier => self.identifier(token)?,
            TokenKind::Dot => Arg::Dot(pos),
            TokenKind::Nil => Arg::Nil(pos),
            TokenKind::Variable => self.use_variable(token)?,
            TokenKind::Field => Arg::Field(Field { pos, idents: Path(span(token)) }),
            TokenKind::Bool => Arg::Bool(pos, self.value(token) == b"true"),
            TokenKind::CharConstant => self.number(token, Syntax::Char)?,
            TokenKind::Complex => self.number(token, Syntax::Complex)?,
            TokenKind::Number => self.number(token, Syntax::Plain)?,
            TokenKind::LeftParen => self.parenthesized()?,
            TokenKind::String | TokenKind::RawString => {
                let unquoted = match self.unquote(token)? {
                    Cow::Borrowed(_) => None,
                    Cow::Owned(text) => Some(text.into()),
                };
                Arg::Text(Literal { quoted: span(token), unquoted })
            }
            // Only items that begin an operand come here.
            _ => return Err(self.unexpected(token, "operand")),
        })
    }

    fn identifier(&self, token: Item) -> Parsed<Arg> {
        let name = self.value(token);
        match self.functions.find(name) {
            Some(function) => Ok(Arg::Identifier(Identifier { name: span(token), function })),
            None => Err(self.undefined_function(name)),
        }
    }

    #[cold]
    fn undefined_function(&self, name: &[u8]) -> Box<ParseError> {
        let mut error = self.fail(format!("function {} not defined", text::quote(name, false)));
        let name = String::from_utf8_lossy(name);
        let known = self.functions.names().chain(Builtin::all().map(Builtin::name));
        error.help = suggest::closest(&name, known).map(|close| format!("did you mean `{close}`?"));
        error
    }

    fn use_variable(&mut self, token: Item) -> Parsed<Arg> {
        let variable = self.variable(token);
        if !self.scope.vars.contains(&variable.symbol) {
            return Err(self.fail(format!("undefined variable {}", text::quote(self.value(token), false))));
        }
        Ok(Arg::Variable(variable))
    }

    fn number(&self, token: Item, syntax: Syntax) -> Parsed<Arg> {
        let number = Number::parse(span(token), self.value(token), syntax).map_err(|message| self.fail(message))?;
        Ok(Arg::Number(Box::new(number)))
    }

    fn parenthesized(&mut self) -> Parsed<Arg> {
        let pipe = self.deeper(|parser| parser.pipeline("parenthesized pipeline", TokenKind::RightParen))?;
        Ok(Arg::Pipe(Box::new(pipe)))
    }
}
