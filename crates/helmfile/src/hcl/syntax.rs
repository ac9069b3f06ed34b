//! What a file of HCL says, as a tree.

use std::ops::Range;
use std::rc::Rc;

use super::value::Value;

/// The bytes of the file that something stands in.
pub(super) type Span = Range<usize>;

/// A file: its blocks and the arguments outside of them.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) attributes: Vec<Attribute>,
    pub(super) blocks: Vec<Block>,
}

/// `name = expression`
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: Rc<str>,
    pub(super) name_span: Span,
    pub(super) value: Expression,
}

/// `kind { … }`
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) span: Span,
    /// Where the first label is, if there is one.
    pub(super) label: Option<Span>,
    pub(super) body: Body,
}

/// An expression and its place.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) node: Node,
    pub(super) span: Span,
}

/// One step from a value into it.
#[derive(Debug)]
pub(super) enum Step {
    /// `.name`
    Attribute(Rc<str>, Span),
    /// `.0`, `[0]`, `["name"]`
    Key(Value, Span),
}

/// What an expression is.
#[derive(Debug)]
pub(super) enum Node {
    Literal(Value),
    /// `name.attribute[0]…`
    Variable {
        name: Rc<str>,
        name_span: Span,
        steps: Vec<Step>,
    },
    /// Steps into any other value.
    Steps {
        source: Box<Expression>,
        steps: Vec<Step>,
    },
    /// `source[key]`
    Index {
        source: Box<Expression>,
        key: Box<Expression>,
    },
    /// `source[*]each`, `source.*each`
    Splat {
        source: Box<Expression>,
        each: Box<Expression>,
    },
    /// The item that `each` of a splat is about.
    SplatItem,
    Parentheses(Box<Expression>),
    Unary {
        operator: &'static str,
        operand: Box<Expression>,
    },
    Binary {
        operator: &'static str,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    Conditional {
        condition: Box<Expression>,
        yes: Box<Expression>,
        no: Box<Expression>,
    },
    Call {
        name: String,
        name_span: Span,
        arguments: Vec<Expression>,
        expands_last: bool,
    },
    Tuple(Vec<Expression>),
    Object(Vec<(Key, Expression)>),
    For(Box<For>),
    /// Parts of a text.
    Template(Vec<Expression>),
    /// A text that is a single interpolation: the value as it is.
    Wrapped(Box<Expression>),
    /// The texts that a `%{ for }` makes, one after another.
    Joined(Box<Expression>),
}

/// The key of an entry of an object.
#[derive(Debug)]
pub(super) enum Key {
    /// A name, which stands for itself.
    Name(Rc<str>),
    /// `a.b`, of which it is not clear what it stands for.
    Ambiguous(Span),
    Computed(Expression),
}

/// `[for key, value in collection : result if condition]`
#[derive(Debug)]
pub(super) struct For {
    pub(super) key_name: Option<Rc<str>>,
    pub(super) value_name: Rc<str>,
    pub(super) collection: Expression,
    /// The key of each entry, where an object is made.
    pub(super) key: Option<Expression>,
    pub(super) value: Expression,
    pub(super) condition: Option<Expression>,
    /// Whether entries of the same key are gathered.
    pub(super) groups: bool,
}
