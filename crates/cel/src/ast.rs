//! What an expression is once it is read: macros are gone, and every node has a number.

use crate::value::Value;

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    /// Its number in the expression.
    pub(crate) id: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Literal(Value),
    Ident(String),
    Select { operand: Box<Expr>, field: String, test: bool },
    Call { function: String, target: Option<Box<Expr>>, args: Vec<Expr> },
    List { items: Vec<Expr>, optional: Vec<usize> },
    Map(Vec<Entry>),
    Struct { name: String, fields: Vec<(String, Expr)> },
    Fold(Box<Fold>),
}

/// An entry of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Expr,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// What the macros over lists and maps become.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    pub(crate) range: Expr,
    pub(crate) var: String,
    pub(crate) var2: Option<String>,
    pub(crate) accu: String,
    pub(crate) init: Expr,
    pub(crate) condition: Expr,
    pub(crate) step: Expr,
    pub(crate) result: Expr,
}

/// The accumulator of macros.
pub(crate) const ACCU: &str = "@result";

impl Fold {
    /// Whether it binds a name and goes through nothing.
    pub(crate) fn is_bind(&self) -> bool {
        let is_empty = matches!(&self.range.kind, Kind::List { items, .. } if items.is_empty());
        is_empty && matches!(self.condition.kind, Kind::Literal(Value::Bool(false))) && self.accu != ACCU
    }
}

/// Operators, by the names of the functions that they call.
pub(crate) mod op {
    pub(crate) const CONDITIONAL: &str = "_?_:_";
    pub(crate) const AND: &str = "_&&_";
    pub(crate) const OR: &str = "_||_";
    pub(crate) const NOT: &str = "!_";
    pub(crate) const NOT_STRICTLY_FALSE: &str = "@not_strictly_false";
    pub(crate) const EQUAL: &str = "_==_";
    pub(crate) const NOT_EQUAL: &str = "_!=_";
    pub(crate) const ADD: &str = "_+_";
    pub(crate) const NEGATE: &str = "-_";
    pub(crate) const INDEX: &str = "_[_]";
    pub(crate) const OPT_INDEX: &str = "_[?_]";
    pub(crate) const OPT_SELECT: &str = "_?._";
    pub(crate) const IN: &str = "@in";
    pub(crate) const MAP_INSERT: &str = "cel.@mapInsert";
    pub(crate) const SORT_BY: &str = "@sortByAssociatedKeys";
}
