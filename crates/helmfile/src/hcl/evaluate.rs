//! The value of an expression, as `hclsyntax` gives it.

mod operators;
mod structure;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result as Reported, SourceFile};

use super::budget::Budget;
use super::functions;
use super::syntax::{Expression, Node, Span, Step};
use super::value::{Outcome, Type, Value, convert, unify};
use crate::Version;

/// A text may be this long.
const LONGEST_TEXT: usize = 16 << 20;

/// What expressions can refer to.
#[derive(Default)]
pub(super) struct Scope {
    /// `hv.`
    pub(super) values: BTreeMap<Rc<str>, Value>,
    /// `local.`; none where a file has no locals.
    pub(super) locals: Option<Rc<BTreeMap<Rc<str>, Value>>>,
}

/// Why an expression has no value.
pub(super) enum Failure {
    /// What `try` and `can` make good.
    Error(Box<Diagnostic>),
    /// The budget is used up.
    Spent(Box<Diagnostic>),
}

impl Failure {
    fn into_diagnostic(self) -> Box<Diagnostic> {
        match self {
            Self::Error(diagnostic) | Self::Spent(diagnostic) => diagnostic,
        }
    }
}

/// A value, or why there is none.
pub(super) type Evaluated = Result<Value, Failure>;

pub(super) struct Evaluator<'b> {
    budget: &'b Budget,
    version: Version,
}

/// Where an expression stands.
struct Context<'c> {
    file: &'c Arc<SourceFile>,
    scope: &'c Scope,
    /// The variables of the `for` expressions around, the innermost last.
    names: Vec<(Rc<str>, Value)>,
    /// The items of the splats around.
    items: Vec<Value>,
}

impl Context<'_> {
    fn failure(&self, span: &Span, message: impl Into<String>) -> Failure {
        Failure::Error(Diagnostic::error(message).at(self.file, span.clone(), ""))
    }

    fn failure_because(&self, span: &Span, message: impl Into<String>, why: impl Into<String>) -> Failure {
        Failure::Error(Diagnostic::error(message).at(self.file, span.clone(), "").note(why))
    }
}

impl<'b> Evaluator<'b> {
    pub(super) fn new(budget: &'b Budget, version: Version) -> Self {
        Self { budget, version }
    }

    /// The value of a whole argument.
    pub(super) fn top(&self, file: &Arc<SourceFile>, expression: &Expression, scope: &Scope) -> Reported<Value> {
        let mut context = Context { file, scope, names: Vec::new(), items: Vec::new() };
        self.value(expression, &mut context).map_err(Failure::into_diagnostic)
    }

    fn value(&self, expression: &Expression, context: &mut Context<'_>) -> Evaluated {
        let span = &expression.span;
        self.spend(1, span, context)?;
        match &expression.node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Variable { name, name_span, steps } => {
                let root = variable(name, name_span, steps, context)?;
                self.follow(root.0, root.1, context)
            }
            Node::Steps { source, steps } => {
                let source = self.value(source, context)?;
                self.follow(source, steps, context)
            }
            Node::Index { source, key } => {
                let (source, at) = (self.value(source, context)?, span);
                let key = self.value(key, context)?;
                structure::index(&source, &key).map_err(|why| context.failure_because(at, "there is no such element", why))
            }
            Node::Splat { source, each } => self.splat(source, each, context),
            Node::SplatItem => context.items.last().cloned().ok_or_else(|| context.failure(span, "a star outside of a splat")),
            Node::Parentheses(inner) | Node::Wrapped(inner) => self.value(inner, context),
            Node::Unary { operator, operand } => {
                let value = self.value(operand, context)?;
                operators::unary(operator, &value).map_err(|why| context.failure_because(&operand.span, "the operand does not fit", why))
            }
            Node::Binary { operator, left, right } => self.binary(operator, left, right, span, context),
            Node::Conditional { condition, yes, no } => self.conditional(condition, yes, no, context),
            Node::Call { name, name_span, arguments, expands_last } => {
                self.call((name, name_span), arguments, *expands_last, span, context)
            }
            Node::Tuple(items) => {
                let items = items.iter().map(|item| self.value(item, context)).collect::<Result<Vec<_>, _>>()?;
                self.made(items.len(), Value::tuple(items), span, context)
            }
            Node::Object(entries) => self.object(entries, span, context),
            Node::For(each) => self.for_expression(each, span, context),
            Node::Template(parts) => self.template(parts, context),
            Node::Joined(inner) => self.joined(inner, context),
        }
    }

    fn spend(&self, steps: u64, span: &Span, context: &Context<'_>) -> Result<(), Failure> {
        if self.budget.spend(steps) { Ok(()) } else { Err(spent(span, context)) }
    }

    fn grow(&self, items: usize, bytes: usize, span: &Span, context: &Context<'_>) -> Result<(), Failure> {
        if self.budget.grow(items, bytes) { Ok(()) } else { Err(spent(span, context)) }
    }

    /// A value that was made of so many items.
    fn made(&self, items: usize, made: Outcome, span: &Span, context: &Context<'_>) -> Evaluated {
        self.grow(items + 1, 0, span, context)?;
        made.map_err(|why| context.failure(span, why))
    }

    /// The value that some steps lead to.
    fn follow(&self, mut value: Value, steps: &[Step], context: &Context<'_>) -> Evaluated {
        for step in steps {
            value = match step {
                Step::Attribute(name, span) => structure::attribute(&value, name)
                    .map_err(|why| context.failure_because(span, format!("there is no attribute {name}"), why))?,
                Step::Key(key, span) => {
                    structure::index(&value, key).map_err(|why| context.failure_because(span, "there is no such element", why))?
                }
            };
        }
        Ok(value)
    }

    fn binary(&self, operator: &str, left: &Expression, right: &Expression, span: &Span, context: &mut Context<'_>) -> Evaluated {
        let left_value = recoverable(self.value(left, context))?;
        let right_value = recoverable(self.value(right, context))?;
        // helmfile 1 knows `false && …` whatever the other side is, from either side.
        if self.version == Version::V1
            && operators::fit(operator, [left_value.as_ref().ok(), right_value.as_ref().ok()])
            && let Some(decided) = [&left_value, &right_value].into_iter().flatten().find_map(|side| operators::decided_by(operator, side))
        {
            return Ok(decided);
        }
        let (left_value, right_value) = (left_value?, right_value?);
        self.spend(left_value.weight() + right_value.weight(), span, context)?;
        operators::binary(operator, &left_value, &right_value).map_err(|error| {
            let at = match error.side {
                operators::Side::Left => &left.span,
                operators::Side::Right => &right.span,
                operators::Side::Both => span,
            };
            context.failure_because(at, format!("the operator {operator} cannot be applied"), error.why)
        })
    }

    /// Both results are evaluated, since the type of the whole comes from both; an error of the one that is not taken does not count.
    fn conditional(&self, condition: &Expression, yes: &Expression, no: &Expression, context: &mut Context<'_>) -> Evaluated {
        let yes_value = recoverable(self.value(yes, context))?;
        let no_value = recoverable(self.value(no, context))?;
        let kind = match (&yes_value, &no_value) {
            (Ok(one), Ok(other)) => {
                self.spend(one.weight() + other.weight(), &yes.span, context)?;
                let types = [one.type_of(), other.type_of()];
                common_type(&types).ok_or_else(|| {
                    let why = format!("one is {}, the other {}", types[0].name(), types[1].name());
                    context.failure_because(&(yes.span.start..no.span.end), "the two results have no type in common", why)
                })?
            }
            _ => Type::Dynamic,
        };
        let condition_value = self.value(condition, context)?;
        if condition_value.is_null() {
            return Err(context.failure(&condition.span, "the condition is null"));
        }
        let holds = convert(&condition_value, &Type::Bool)
            .map_err(|why| context.failure_because(&condition.span, "the condition is not true or false", why))?;
        let (taken, span) = if matches!(holds, Value::Bool(true)) { (yes_value?, &yes.span) } else { (no_value?, &no.span) };
        let items = taken.items().map_or(0, <[Value]>::len) + taken.entries().map_or(0, BTreeMap::len);
        self.made(items, convert(&taken, &kind), span, context)
    }

    fn template(&self, parts: &[Expression], context: &mut Context<'_>) -> Evaluated {
        let mut text = String::new();
        for part in parts {
            let value = self.value(part, context)?;
            self.append(&value, &part.span, &mut text, context)?;
        }
        Ok(Value::string(&text))
    }

    /// What `%{ for }` made, one after another.
    fn joined(&self, inner: &Expression, context: &mut Context<'_>) -> Evaluated {
        let made = self.value(inner, context)?;
        let mut text = String::new();
        for item in made.items().unwrap_or_default() {
            self.append(item, &inner.span, &mut text, context)?;
        }
        Ok(Value::string(&text))
    }

    fn append(&self, value: &Value, span: &Span, text: &mut String, context: &Context<'_>) -> Result<(), Failure> {
        if value.is_null() {
            return Err(context.failure_because(span, "the value cannot be a part of a text", "it is null"));
        }
        let converted =
            convert(value, &Type::String).map_err(|why| context.failure_because(span, "the value cannot be a part of a text", why))?;
        let Value::String(part) = converted else { return Ok(()) };
        text.push_str(&part);
        if text.len() > LONGEST_TEXT {
            return Err(context.failure(span, format!("the text has more than {LONGEST_TEXT} bytes")));
        }
        self.grow(1, part.len(), span, context)
    }

    fn call(
        &self,
        (name, name_span): (&str, &Span),
        arguments: &[Expression],
        expands_last: bool,
        span: &Span,
        context: &mut Context<'_>,
    ) -> Evaluated {
        let Some(function) = functions::find(name, self.version) else {
            let diagnostic = Diagnostic::error(format!("there is no function {name}")).at(context.file, name_span.clone(), "");
            return Err(Failure::Error(match functions::nearest(name, self.version) {
                Some(meant) => diagnostic.help(format!("did you mean {meant}?")),
                None => diagnostic,
            }));
        };
        let signature = match function {
            functions::Found::Lazy(lazy) => return self.lazy(lazy, arguments, span, context),
            functions::Found::Eager(signature) => signature,
        };
        let values = self.arguments(arguments, expands_last, context)?;
        if let Some(why) = signature.wrong_count(values.len()) {
            return Err(context.failure_because(span, format!("the arguments of {name} do not fit"), why));
        }
        let mut converted = Vec::with_capacity(values.len());
        for (at, (value, place)) in values.iter().enumerate() {
            self.spend(value.weight(), place, context)?;
            let fitted = signature.fitted(at, value).map_err(|why| {
                let what = format!("the argument {} of {name} does not fit", signature.parameter_name(at));
                context.failure_because(place, what, why)
            })?;
            self.grow(fitted.items().map_or(0, <[Value]>::len), 0, place, context)?;
            converted.push(fitted);
        }
        let result = (signature.body)(&converted).map_err(|why| context.failure_because(span, format!("{name} failed"), why))?;
        self.spend(result.weight(), span, context)?;
        self.grow(usize::try_from(result.weight()).unwrap_or(usize::MAX), 0, span, context)?;
        Ok(result)
    }

    /// The values of arguments, the last one taken apart where it is followed by `...`.
    fn arguments<'e>(
        &self,
        arguments: &'e [Expression],
        expands_last: bool,
        context: &mut Context<'_>,
    ) -> Result<Vec<(Value, &'e Span)>, Failure> {
        let mut values = Vec::with_capacity(arguments.len());
        for (at, argument) in arguments.iter().enumerate() {
            let value = self.value(argument, context)?;
            if !expands_last || at + 1 < arguments.len() {
                values.push((value, &argument.span));
                continue;
            }
            let Some(items) = value.items() else {
                return Err(context.failure_because(
                    &argument.span,
                    "the argument cannot be expanded",
                    "\"...\" needs a list, a tuple or a set",
                ));
            };
            values.extend(items.iter().map(|item| (item.clone(), &argument.span)));
        }
        Ok(values)
    }

    /// `try` and `can`, whose arguments may fail.
    fn lazy(&self, lazy: functions::Lazy, arguments: &[Expression], span: &Span, context: &mut Context<'_>) -> Evaluated {
        let wrong = match lazy {
            functions::Lazy::Try => arguments.is_empty(),
            functions::Lazy::Can => arguments.len() != 1,
        };
        if wrong {
            return Err(context.failure(span, "the number of arguments does not fit"));
        }
        let mut why = None;
        for argument in arguments {
            let (names, items) = (context.names.len(), context.items.len());
            match (self.value(argument, context), lazy) {
                (Ok(value), functions::Lazy::Try) => return Ok(value),
                (Ok(_), functions::Lazy::Can) => return Ok(Value::Bool(true)),
                (Err(Failure::Spent(diagnostic)), _) => return Err(Failure::Spent(diagnostic)),
                (Err(Failure::Error(diagnostic)), _) => why = Some(diagnostic),
            }
            context.names.truncate(names);
            context.items.truncate(items);
        }
        if lazy == functions::Lazy::Can {
            return Ok(Value::Bool(false));
        }
        let failure = Diagnostic::error("none of the arguments of try has a value").at(context.file, span.clone(), "");
        Err(Failure::Error(why.into_iter().fold(failure, |failure, why| failure.note(format!("the last one: {}", why.message)))))
    }
}

/// A variable, and the steps that are left to go.
fn variable<'s>(name: &str, span: &Span, steps: &'s [Step], context: &Context<'_>) -> Result<(Value, &'s [Step]), Failure> {
    if let Some((_, value)) = context.names.iter().rev().find(|(known, _)| known.as_ref() == name) {
        return Ok((value.clone(), steps));
    }
    let entries = match name {
        "hv" => Some(&context.scope.values),
        "local" => context.scope.locals.as_deref(),
        _ => None,
    };
    let Some(entries) = entries else {
        let why = if name == "local" { "this file has no locals" } else { "there are hv and local, and the names of \"for\" expressions" };
        return Err(context.failure_because(span, format!("there is no variable {name}"), why));
    };
    match steps.split_first() {
        Some((Step::Attribute(attribute, at), rest)) => match entries.get(attribute) {
            Some(value) => Ok((value.clone(), rest)),
            None => Err(context.failure(at, format!("{name} has no attribute {attribute}"))),
        },
        _ => Value::object(entries.clone()).map(|value| (value, steps)).map_err(|why| context.failure(span, why)),
    }
}

/// Lets only what ends everything through.
fn recoverable(evaluated: Evaluated) -> Result<Evaluated, Failure> {
    match evaluated {
        Err(Failure::Spent(diagnostic)) => Err(Failure::Spent(diagnostic)),
        other => Ok(other),
    }
}

/// The type of a conditional: that of the other result where one is null.
fn common_type(types: &[Type; 2]) -> Option<Type> {
    match types {
        [Type::Dynamic, other] | [other, Type::Dynamic] => Some(other.clone()),
        types => unify(types),
    }
}

fn spent(span: &Span, context: &Context<'_>) -> Failure {
    let diagnostic = Diagnostic::error("evaluating the values takes too much").at(context.file, span.clone(), "");
    Failure::Spent(diagnostic.note("the steps or the room that values in HCL may take are used up"))
}
