//! The syntax tree: compact, without copies of the text, `Send + Sync`; and how Go prints its nodes in errors.

use std::sync::Arc;

use super::number::Number;
use crate::builtins::Builtin;
use crate::func::Function;
use crate::text;
use hydrate_base::SourceFile;

/// The bytes of a name or a string constant.
pub(crate) type Bytes = Box<[u8]>;

/// One named template.
#[derive(Debug)]
pub struct Tree {
    /// Its name.
    pub name: Arc<[u8]>,
    /// The text it was parsed from; the file's name is Go's `ParseName`.
    pub file: Arc<SourceFile>,
    /// Its body.
    pub(crate) root: List,
}

impl Tree {
    /// Whether there is nothing in it but space and comments (Go's `IsEmptyTree`).
    pub fn is_empty(&self) -> bool {
        self.root.is_empty_tree(&self.file.text)
    }

    /// Go's `file:line:column` of a byte offset; its column counts bytes from zero, on every line.
    pub(crate) fn location(&self, pos: usize) -> String {
        let before = self.file.text.get(..pos).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = memchr::memrchr(b'\n', before).map_or(before.len(), |at| before.len() - at - 1);
        format!("{}:{line}:{column}", self.file.name)
    }
}

/// A sequence of nodes.
#[derive(Debug)]
pub(crate) struct List {
    pub pos: u32,
    pub nodes: Box<[Node]>,
}

impl List {
    fn is_empty_tree(&self, source: &[u8]) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Text(text) => text::is_blank(text.of(source)),
            _ => false,
        })
    }
}

/// What a template consists of.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Span),
    Action(Action),
    If(Box<Branch>),
    Range(Box<Branch>),
    With(Box<Branch>),
    Template(Box<Call>),
    Break(u32),
    Continue(u32),
}

/// Bytes of the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub(crate) fn of(self, source: &[u8]) -> &[u8] {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// `{{pipeline}}`
#[derive(Debug)]
pub(crate) struct Action {
    pub pos: u32,
    pub pipe: Pipe,
}

/// `if`, `range` and `with`.
#[derive(Debug)]
pub(crate) struct Branch {
    pub pipe: Pipe,
    pub list: List,
    pub otherwise: Option<List>,
}

/// `{{template "name" pipeline}}`
#[derive(Debug)]
pub(crate) struct Call {
    pub pos: u32,
    pub name: Bytes,
    pub pipe: Option<Pipe>,
}

/// Commands, and the variables that their result is given to.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub pos: u32,
    pub assign: bool,
    pub decl: Box<[Variable]>,
    pub cmds: Box<[Command]>,
}

/// Arguments, of which the first says what to do.
#[derive(Debug)]
pub(crate) struct Command {
    pub pos: u32,
    pub args: Box<[Arg]>,
}

/// An operand.
#[derive(Debug)]
pub(crate) enum Arg {
    Dot(u32),
    Nil(u32),
    Bool(u32, bool),
    Number(Box<Number>),
    Text(Literal),
    Field(Field),
    Variable(Variable),
    Identifier(Identifier),
    Chain(Box<Chain>),
    Pipe(Box<Pipe>),
}

/// Field names one after the other as they stand in the source, `.x.y`, or nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path(pub Span);

impl Path {
    pub(crate) const NONE: Self = Self(Span { start: 0, end: 0 });

    pub(crate) fn is_empty(self) -> bool {
        self.0.start == self.0.end
    }

    /// The text from the first name on, without the point before it; `None` where there is no name.
    pub(crate) fn text(self, source: &[u8]) -> Option<&[u8]> {
        self.0.of(source).get(1..)
    }

    /// The names.
    pub(crate) fn idents(self, source: &[u8]) -> impl Iterator<Item = &[u8]> {
        self.text(source).into_iter().flat_map(|names| names.split(|&byte| byte == b'.'))
    }

    /// With the names that end at `end` added.
    pub(crate) fn up_to(self, end: u32) -> Self {
        Self(Span { start: self.0.start, end })
    }
}

/// A string constant: how it is written and what it means.
#[derive(Debug)]
pub(crate) struct Literal {
    pub quoted: Span,
    /// What it means, where that is not what stands between the quotes.
    pub unquoted: Option<Bytes>,
}

impl Literal {
    pub(crate) fn text<'a>(&'a self, source: &'a [u8]) -> &'a [u8] {
        match &self.unquoted {
            Some(text) => text,
            None => Span { start: self.quoted.start + 1, end: self.quoted.end.saturating_sub(1) }.of(source),
        }
    }
}

/// `.x.y`
#[derive(Debug)]
pub(crate) struct Field {
    pub pos: u32,
    pub idents: Path,
}

/// `$x.y`; the name is a symbol of the parser.
#[derive(Debug)]
pub(crate) struct Variable {
    pub pos: u32,
    pub symbol: u32,
    /// With its dollar.
    pub name: Span,
    pub fields: Path,
}

/// The name of a function, and the function.
#[derive(Debug)]
pub(crate) struct Identifier {
    pub name: Span,
    pub function: Callee,
}

/// `(pipeline).x.y`
#[derive(Debug)]
pub(crate) struct Chain {
    pub pos: u32,
    pub node: Arg,
    pub fields: Path,
}

/// What a function name stands for.
#[derive(Clone, Copy)]
pub(crate) enum Callee {
    Builtin(Builtin),
    Function(&'static Function),
}

impl std::fmt::Debug for Callee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Builtin(builtin) => write!(f, "{builtin:?}"),
            Self::Function(function) => f.write_str(function.name),
        }
    }
}

impl Arg {
    pub(crate) fn pos(&self) -> u32 {
        match self {
            Self::Dot(pos) | Self::Nil(pos) | Self::Bool(pos, _) => *pos,
            Self::Number(number) => number.span.start,
            Self::Text(literal) => literal.quoted.start,
            Self::Field(field) => field.pos,
            Self::Variable(variable) => variable.pos,
            Self::Identifier(identifier) => identifier.name.start,
            Self::Chain(chain) => chain.pos,
            Self::Pipe(pipe) => pipe.pos,
        }
    }
}

/// A node that an error can be at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At<'t> {
    List(&'t List),
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Arg(&'t Arg),
}

impl At<'_> {
    pub(crate) fn pos(&self) -> usize {
        let pos = match self {
            At::List(list) => list.pos,
            At::Pipe(pipe) => pipe.pos,
            At::Command(command) => command.pos,
            At::Arg(arg) => arg.pos(),
            At::Node(node) => match node {
                Node::Text(span) => span.start,
                Node::Action(action) => action.pos,
                Node::If(branch) | Node::Range(branch) | Node::With(branch) => branch.pipe.pos,
                Node::Template(call) => call.pos,
                Node::Break(pos) | Node::Continue(pos) => *pos,
            },
        };
        pos as usize
    }

    /// Go's `String()` of the node.
    pub(crate) fn text(&self, source: &[u8]) -> Vec<u8> {
        let mut printer = Printer { source, out: Vec::new() };
        match self {
            At::List(list) => printer.list(list),
            At::Node(node) => printer.node(node),
            At::Pipe(pipe) => printer.pipe(pipe),
            At::Command(command) => printer.command(command),
            At::Arg(arg) => printer.arg(arg),
        }
        printer.out
    }
}

struct Printer<'s> {
    source: &'s [u8],
    out: Vec<u8>,
}

impl Printer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn list(&mut self, list: &List) {
        for node in &list.nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(span) => self.put(span.of(self.source)),
            Node::Action(action) => {
                self.put(b"{{");
                self.pipe(&action.pipe);
                self.put(b"}}");
            }
            Node::If(branch) => self.branch(b"if", branch),
            Node::Range(branch) => self.branch(b"range", branch),
            Node::With(branch) => self.branch(b"with", branch),
            Node::Template(call) => self.call(call),
            Node::Break(_) => self.put(b"{{break}}"),
            Node::Continue(_) => self.put(b"{{continue}}"),
        }
    }

    fn branch(&mut self, name: &[u8], branch: &Branch) {
        self.put(b"{{");
        self.put(name);
        self.put(b" ");
        self.pipe(&branch.pipe);
        self.put(b"}}");
        self.list(&branch.list);
        if let Some(otherwise) = &branch.otherwise {
            self.put(b"{{else}}");
            self.list(otherwise);
        }
        self.put(b"{{end}}");
    }

    fn call(&mut self, call: &Call) {
        self.put(b"{{template ");
        self.put(text::quote(&call.name, false).as_bytes());
        if let Some(pipe) = &call.pipe {
            self.put(b" ");
            self.pipe(pipe);
        }
        self.put(b"}}");
    }

    fn pipe(&mut self, pipe: &Pipe) {
        for (at, variable) in pipe.decl.iter().enumerate() {
            self.put(if at > 0 { b", " } else { b"" });
            self.variable(variable);
        }
        if !pipe.decl.is_empty() {
            self.put(if pipe.assign { b" = " } else { b" := " });
        }
        for (at, command) in pipe.cmds.iter().enumerate() {
            self.put(if at > 0 { b" | " } else { b"" });
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        for (at, arg) in command.args.iter().enumerate() {
            self.put(if at > 0 { b" " } else { b"" });
            self.bracketed(arg);
        }
    }

    fn bracketed(&mut self, arg: &Arg) {
        if let Arg::Pipe(pipe) = arg {
            self.put(b"(");
            self.pipe(pipe);
            self.put(b")");
        } else {
            self.arg(arg);
        }
    }

    fn arg(&mut self, arg: &Arg) {
        match arg {
            Arg::Dot(_) => self.put(b"."),
            Arg::Nil(_) => self.put(b"nil"),
            Arg::Bool(_, value) => self.put(if *value { b"true" } else { b"false" }),
            Arg::Number(number) => self.put(number.span.of(self.source)),
            Arg::Text(literal) => self.put(literal.quoted.of(self.source)),
            Arg::Field(field) => self.fields(field.idents),
            Arg::Variable(variable) => self.variable(variable),
            Arg::Identifier(identifier) => self.put(identifier.name.of(self.source)),
            Arg::Chain(chain) => {
                self.bracketed(&chain.node);
                self.fields(chain.fields);
            }
            Arg::Pipe(pipe) => self.pipe(pipe),
        }
    }

    fn variable(&mut self, variable: &Variable) {
        self.put(variable.name.of(self.source));
        self.fields(variable.fields);
    }

    fn fields(&mut self, idents: Path) {
        self.put(idents.0.of(self.source));
    }
}
