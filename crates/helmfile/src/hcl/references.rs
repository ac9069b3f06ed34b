//! Which other arguments an expression refers to.

use std::rc::Rc;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile};

use super::syntax::{Expression, For, Key, Node, Span, Step};

/// Which kind of block an expression is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Values,
    Locals,
}

/// A name that has to be evaluated before, and where it is referred to.
pub(super) struct Reference {
    pub(super) name: Rc<str>,
    pub(super) span: Span,
}

/// The references of an expression, in the order they are written in.
pub(super) fn references(file: &Arc<SourceFile>, expression: &Expression, block: Block) -> Result<Vec<Reference>> {
    let mut walk = Walk { file, block, hidden: Vec::new(), found: Vec::new() };
    walk.expression(expression)?;
    Ok(walk.found)
}

struct Walk<'e> {
    file: &'e Arc<SourceFile>,
    block: Block,
    /// The names of the `for` expressions around.
    hidden: Vec<&'e str>,
    found: Vec<Reference>,
}

impl<'e> Walk<'e> {
    fn expression(&mut self, expression: &'e Expression) -> Result<()> {
        match &expression.node {
            Node::Literal(_) | Node::SplatItem => Ok(()),
            Node::Variable { name, name_span, steps } => self.variable(name, name_span, steps),
            Node::Steps { source, .. } => self.expression(source),
            Node::Index { source, key } => self.all([&**source, key]),
            Node::Splat { source, each } => self.all([&**source, each]),
            Node::Parentheses(inner) | Node::Wrapped(inner) | Node::Joined(inner) => self.expression(inner),
            Node::Unary { operand, .. } => self.expression(operand),
            Node::Binary { left, right, .. } => self.all([&**left, right]),
            Node::Conditional { condition, yes, no } => self.all([&**condition, yes, no]),
            Node::Call { arguments: items, .. } | Node::Tuple(items) | Node::Template(items) => self.all(items),
            Node::Object(entries) => entries.iter().try_for_each(|(key, value)| {
                if let Key::Computed(key) = key {
                    self.expression(key)?;
                }
                self.expression(value)
            }),
            Node::For(each) => self.for_expression(each),
        }
    }

    fn all(&mut self, expressions: impl IntoIterator<Item = &'e Expression>) -> Result<()> {
        expressions.into_iter().try_for_each(|expression| self.expression(expression))
    }

    fn for_expression(&mut self, each: &'e For) -> Result<()> {
        self.expression(&each.collection)?;
        let outside = self.hidden.len();
        self.hidden.extend(each.key_name.as_deref());
        self.hidden.push(&each.value_name);
        self.all(each.key.iter().chain([&each.value]).chain(&each.condition))?;
        self.hidden.truncate(outside);
        Ok(())
    }

    /// Locals are known before any value is evaluated; everything else is looked for among the arguments, by its first attribute.
    fn variable(&mut self, name: &'e str, name_span: &Span, steps: &'e [Step]) -> Result<()> {
        if self.hidden.contains(&name) || (name == "local" && self.block == Block::Values) {
            return Ok(());
        }
        match steps.first() {
            Some(Step::Attribute(attribute, span)) => {
                self.found.push(Reference { name: Rc::clone(attribute), span: name_span.start..span.end });
                Ok(())
            }
            Some(Step::Key(_, span)) => {
                let diagnostic = Diagnostic::error(format!("{name} cannot be indexed")).at(self.file, span.clone(), "");
                Err(diagnostic.help(format!("name the attribute: {name}.NAME")))
            }
            None => Err(unknown(self.file, name, name_span, self.block)),
        }
    }
}

/// The error about a name that is no object of attributes, or that is one as a whole.
fn unknown(file: &Arc<SourceFile>, name: &str, span: &Span, block: Block) -> Box<Diagnostic> {
    let prefix = if block == Block::Values { "hv" } else { "local" };
    if name == prefix {
        let diagnostic = Diagnostic::error(format!("{name} cannot be used as a whole")).at(file, span.clone(), "");
        return diagnostic.help(format!("name one of its attributes: {name}.NAME"));
    }
    let diagnostic = Diagnostic::error(format!("there is no variable {name}")).at(file, span.clone(), "");
    diagnostic.help(format!("other arguments are called {prefix}.NAME; a text is written in quotes: \"{name}\""))
}
