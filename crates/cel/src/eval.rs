//! Evaluation, and what it costs (cel-go's `interpreter/interpretable.go` and `interpreter/runtimecost.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use hydrate_sprig::regex::GoRegex;

use crate::ast::{Entry, Expr, Fold, Kind, op};
use crate::check::Notes;
use crate::cost::call_cost;
use crate::lex::Fault;
use crate::library::{Function, function, kubernetes, lists, operators, strings};
use crate::validators::children;
use crate::value::{EvalError, Key, List, Map, Out, Value, contains};
use crate::{Outcome, Variables};

/// What is known before anything is evaluated.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    functions: BTreeMap<usize, Function>,
    regexes: BTreeMap<usize, GoRegex>,
    /// Literal lists that something may be in.
    memberships: BTreeMap<usize, Arc<List>>,
    /// Nodes that are made of literals alone.
    constants: BTreeMap<usize, Value>,
    names: Vec<String>,
}

impl Plan {
    pub(crate) fn new(root: &Expr) -> Result<Self, Fault> {
        let mut plan = Self::default();
        plan.node(root, &mut Vec::new())?;
        Ok(plan)
    }

    /// Whether a variable of the environment is used.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn node(&mut self, of: &Expr, locals: &mut Vec<String>) -> Result<(), Fault> {
        if let Kind::Fold(fold) = &of.kind {
            for part in [&fold.range, &fold.init] {
                self.node(part, locals)?;
            }
            let depth = locals.len();
            locals.push(fold.accu.clone());
            locals.push(fold.var.clone());
            locals.extend(fold.var2.clone());
            for part in [&fold.condition, &fold.step, &fold.result] {
                self.node(part, locals)?;
            }
            locals.truncate(depth);
            return Ok(());
        }
        for child in children(of) {
            self.node(child, locals)?;
        }
        match &of.kind {
            Kind::Ident(name) if !locals.contains(name) => self.names.push(name.trim_start_matches('.').to_owned()),
            Kind::Call { function: name, target, args } => self.call(of, name, target.as_deref(), args)?,
            Kind::List { items, optional } if optional.is_empty() => {
                let items: Option<Vec<Value>> = items.iter().map(|item| self.constant(item)).collect();
                self.constants.extend(items.map(|items| (of.id, Value::list(items))));
            }
            Kind::Map(entries) if entries.iter().all(|entry| !entry.optional) => {
                let pairs: Option<Vec<(Value, Value)>> =
                    entries.iter().map(|entry| Some((self.constant(&entry.key)?, self.constant(&entry.value)?))).collect();
                if let Some(Ok(map)) = pairs.map(map_of) {
                    self.constants.insert(of.id, map);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self, of: &Expr, name: &str, target: Option<&Expr>, args: &[Expr]) -> Result<(), Fault> {
        if let Some(found) = function(name) {
            self.functions.insert(of.id, found);
        }
        if matches!(name, "matches" | "find" | "findAll") {
            let pattern = args.get(usize::from(target.is_none()));
            if let Some(Kind::Literal(Value::String(pattern))) = pattern.map(|pattern| &pattern.kind) {
                let regex = GoRegex::new(pattern.as_bytes());
                let wrong =
                    |error: hydrate_sprig::regex::RegexError| Fault { at: 0, message: format!("program instantiation failed: {error}") };
                self.regexes.insert(of.id, regex.map_err(wrong)?);
            }
        }
        if name == op::IN
            && let [_, list] = args
            && let Some(Value::List(list)) = self.constant(list)
            && list.items.iter().all(is_plain)
        {
            self.memberships.insert(of.id, list);
        }
        // Conversions of literals are done once, and have to succeed.
        if let ([arg], true, None) = (args, CONVERSIONS.contains(&name), target)
            && let Some(value) = self.constant(arg)
        {
            let refused = |message: String| Fault { at: 0, message: format!("program instantiation failed: {message}") };
            let converted = function(name).and_then(|function| function(&[value])).unwrap_or_else(|| Err(EvalError::no_overload()));
            self.constants.insert(of.id, converted.map_err(|error| refused(error.to_string()))?);
        }
        Ok(())
    }

    fn constant(&self, of: &Expr) -> Option<Value> {
        match &of.kind {
            Kind::Literal(value) => Some(value.clone()),
            _ => self.constants.get(&of.id).cloned(),
        }
    }
}

const CONVERSIONS: &[&str] = &["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"];

/// Whether a list of such values is looked through as a set.
fn is_plain(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_))
}

/// Whether a node is a name with fields and positions behind it: what the API server goes through in one step.
fn is_attribute(of: &Expr) -> bool {
    match &of.kind {
        Kind::Ident(_) | Kind::Select { test: false, .. } => true,
        Kind::Call { function, target: None, .. } => {
            matches!(function.as_str(), op::INDEX | op::OPT_INDEX | op::OPT_SELECT | op::CONDITIONAL)
        }
        _ => false,
    }
}

fn map_of(pairs: Vec<(Value, Value)>) -> Result<Value, EvalError> {
    let mut entries = BTreeMap::new();
    for (key, value) in pairs {
        let found = match &key {
            Value::Double(_) => return Err(EvalError::Unknown("a map whose keys are no whole numbers".into())),
            other => Key::of(other),
        };
        // The last of a key counts.
        entries.insert(found.ok_or_else(|| EvalError::new("unsupported key type"))?, value);
    }
    Ok(Value::map(entries))
}

pub(crate) fn evaluate<'v>(root: &'v Expr, notes: &'v Notes, plan: &'v Plan, variables: &'v dyn Variables, limit: u64) -> Outcome {
    let mut vm = Vm { notes, plan, variables, locals: Vec::new(), cost: 0, limit };
    let value = vm.expr(root).and_then(Value::checked);
    Outcome { value, cost: vm.cost }
}

/// What a name of an expression stands for.
enum Local<'v> {
    Value(Out),
    /// Looked at when it is needed.
    Later(&'v Expr),
}

struct Vm<'v> {
    notes: &'v Notes,
    plan: &'v Plan,
    variables: &'v dyn Variables,
    locals: Vec<(String, Local<'v>)>,
    cost: u64,
    limit: u64,
}

impl<'v> Vm<'v> {
    fn pay(&mut self, cost: u64) -> Result<(), EvalError> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit { Err(EvalError::CostLimit) } else { Ok(()) }
    }

    fn expr(&mut self, of: &'v Expr) -> Out {
        if let Some(constant) = self.plan.constants.get(&of.id) {
            return Ok(constant.clone());
        }
        if is_attribute(of) {
            return self.attribute(of, true);
        }
        match &of.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Select { operand, field, .. } => {
                let operand = self.operand(operand, true)?;
                Ok(Value::Bool(present(&operand, field)?.is_some()))
            }
            Kind::Call { function, target, args } => self.call(of, function, target.as_deref(), args),
            Kind::List { items, optional } => {
                let list = self.list(items, optional);
                self.pay(10)?;
                list
            }
            Kind::Map(entries) => {
                let map = self.map(entries);
                self.pay(30)?;
                map
            }
            Kind::Struct { .. } | Kind::Ident(_) => Err(EvalError::no_overload()),
            Kind::Fold(fold) if fold.is_bind() => {
                self.locals.push((fold.accu.clone(), Local::Later(&fold.init)));
                let result = self.expr(&fold.result);
                self.locals.pop();
                result
            }
            Kind::Fold(fold) => self.fold(fold),
        }
    }

    fn list(&mut self, items: &'v [Expr], optional: &[usize]) -> Out {
        let mut values = Vec::with_capacity(items.len());
        for (number, item) in items.iter().enumerate() {
            match self.expr(item)? {
                Value::Optional(value) if optional.contains(&number) => values.extend(value.map(|value| (*value).clone())),
                value => values.push(value),
            }
        }
        Ok(Value::list(values))
    }

    fn map(&mut self, entries: &'v [Entry]) -> Out {
        let mut pairs = Vec::new();
        for entry in entries {
            let (key, value) = (self.expr(&entry.key)?, self.expr(&entry.value)?);
            match value {
                Value::Optional(value) if entry.optional => pairs.extend(value.map(|value| (key, (*value).clone()))),
                value => pairs.push((key, value)),
            }
        }
        map_of(pairs)
    }

    /// What a chain of fields begins with, or goes on from. The beginning costs something unless it is a branch of a condition.
    fn operand(&mut self, of: &'v Expr, charged: bool) -> Out {
        if is_attribute(of) && !self.plan.constants.contains_key(&of.id) {
            return self.attribute(of, charged);
        }
        let value = self.expr(of);
        self.pay(u64::from(charged))?;
        value
    }

    fn attribute(&mut self, of: &'v Expr, charged: bool) -> Out {
        match &of.kind {
            Kind::Ident(name) => {
                self.pay(u64::from(charged))?;
                self.variable(name)
            }
            Kind::Select { operand, field, .. } => {
                let operand = self.operand(operand, charged)?;
                if let Value::Optional(_) = operand {
                    return self.optional(|| present(&operand, field));
                }
                self.pay(1)?;
                select(operand, field)
            }
            Kind::Call { function, args, .. } => match (function.as_str(), args.as_slice()) {
                (op::CONDITIONAL, [condition, yes, no]) => {
                    let branch = match self.expr(condition)? {
                        Value::Bool(true) => yes,
                        Value::Bool(false) => no,
                        _ => return Err(EvalError::no_overload()),
                    };
                    if is_attribute(branch) { self.operand(branch, false) } else { self.expr(branch) }
                }
                (op::OPT_SELECT, [operand, field]) => {
                    let (operand, field) = (self.operand(operand, charged)?, self.expr(field)?);
                    let Value::String(field) = field else { return Err(EvalError::no_overload()) };
                    self.optional(|| present(&operand, &field))
                }
                (op::OPT_INDEX, [operand, at]) => {
                    let (operand, at) = (self.operand(operand, charged)?, self.position(at)?);
                    self.optional(|| optional_index(&operand, &at))
                }
                (_, [operand, at]) => {
                    let operand = self.operand(operand, charged);
                    let at = self.position(at);
                    match operand? {
                        operand @ Value::Optional(_) => {
                            let at = at?;
                            self.optional(|| optional_index(&operand, &at))
                        }
                        operand => {
                            self.pay(1)?;
                            operators::index(&[operand, at?]).unwrap_or_else(|| Err(EvalError::no_overload()))
                        }
                    }
                }
                _ => Err(EvalError::no_overload()),
            },
            _ => Err(EvalError::no_overload()),
        }
    }

    /// A key or a position.
    fn position(&mut self, of: &'v Expr) -> Out {
        if is_attribute(of) { self.operand(of, false) } else { self.expr(of) }
    }

    /// What may not be there costs something where it is.
    fn optional(&mut self, of: impl Fn() -> Result<Option<Value>, EvalError>) -> Out {
        let found = of()?;
        self.pay(u64::from(found.is_some()))?;
        Ok(Value::Optional(found.map(Arc::new)))
    }

    fn variable(&mut self, name: &str) -> Out {
        let bare = name.trim_start_matches('.');
        if let Some(at) = self.locals.iter().rposition(|(known, _)| known == name) {
            let later = match &self.locals[at].1 {
                Local::Value(value) => return value.clone(),
                Local::Later(init) => *init,
            };
            // Only what was there when it was named is there for it.
            let inner = self.locals.split_off(at);
            let value = self.expr(later);
            self.locals.extend(inner);
            self.locals[at].1 = Local::Value(value.clone());
            return value;
        }
        let missing = || Err(EvalError::new(format!("no such attribute(s): {bare}")));
        self.variables.get(bare).unwrap_or_else(missing).and_then(Value::checked)
    }

    fn fold(&mut self, fold: &'v Fold) -> Out {
        let range = self.expr(&fold.range)?;
        let pairs: Vec<(Value, Value)> = match &range {
            Value::List(list) if fold.var2.is_some() => {
                list.items.iter().enumerate().map(|(at, item)| (Value::Int(i64::try_from(at).unwrap_or(i64::MAX)), item.clone())).collect()
            }
            Value::List(list) => list.items.iter().map(|item| (item.clone(), Value::Null)).collect(),
            Value::Map(map) => map.entries.iter().map(|(key, value)| (key.value(), value.clone())).collect(),
            other => return Err(EvalError::new(format!("got '{}', expected iterable type", other.type_name()))),
        };
        let init = self.expr(&fold.init);
        let accu = self.locals.len();
        self.locals.push((fold.accu.clone(), Local::Value(init)));
        for (first, second) in pairs {
            self.locals.truncate(accu + 1);
            self.locals.push((fold.var.clone(), Local::Value(first.checked())));
            if let Some(var) = &fold.var2 {
                self.locals.push((var.clone(), Local::Value(second.checked())));
            }
            match self.expr(&fold.condition) {
                Ok(Value::Bool(false)) => break,
                Err(EvalError::CostLimit) => {
                    self.locals.truncate(accu);
                    return Err(EvalError::CostLimit);
                }
                _ => {}
            }
            let step = self.expr(&fold.step);
            if matches!(step, Err(EvalError::CostLimit)) {
                self.locals.truncate(accu);
                return Err(EvalError::CostLimit);
            }
            if let Some((_, value)) = self.locals.get_mut(accu) {
                *value = Local::Value(step);
            }
        }
        self.locals.truncate(accu + 1);
        let result = self.expr(&fold.result);
        self.locals.truncate(accu);
        result
    }

    fn call(&mut self, of: &'v Expr, function: &str, target: Option<&'v Expr>, args: &'v [Expr]) -> Out {
        match (function, args) {
            (op::AND, [a, b]) => return self.logic(a, b, false),
            (op::OR, [a, b]) => return self.logic(a, b, true),
            (op::NOT_STRICTLY_FALSE, [arg]) => {
                let value = self.expr(arg);
                self.pay(1)?;
                return match value {
                    Err(EvalError::CostLimit) => Err(EvalError::CostLimit),
                    Ok(Value::Bool(value)) => Ok(Value::Bool(value)),
                    _ => Ok(Value::Bool(true)),
                };
            }
            (op::IN, [value, _]) if self.plan.memberships.contains_key(&of.id) => {
                let Some(list) = self.plan.memberships.get(&of.id) else { return Err(EvalError::no_overload()) };
                if list.items.is_empty() {
                    return Ok(Value::Bool(false));
                }
                let value = self.expr(value)?;
                return contains(&list.items, &value).map(Value::Bool);
            }
            ("or" | "orValue", [other]) if target.is_some() => {
                let value = target.map_or(Err(EvalError::no_overload()), |target| self.expr(target))?;
                return match value {
                    Value::Optional(Some(value)) if function == "orValue" => Ok((*value).clone()),
                    value @ Value::Optional(Some(_)) => Ok(value),
                    Value::Optional(None) => self.expr(other),
                    _ => Err(EvalError::no_overload()),
                };
            }
            _ => {}
        }
        self.plain_call(of, function, target, args)
    }

    fn plain_call(&mut self, of: &'v Expr, function: &str, target: Option<&'v Expr>, args: &'v [Expr]) -> Out {
        let mut values = Vec::with_capacity(args.len() + 1);
        let mut failed = None;
        let count = args.len() + usize::from(target.is_some());
        for arg in target.into_iter().chain(args) {
            match self.expr(arg).and_then(Value::checked) {
                Ok(value) => values.push(value),
                Err(EvalError::CostLimit) => return Err(EvalError::CostLimit),
                Err(error) => {
                    // What is not known comes before what is wrong.
                    match (&failed, &error) {
                        (None, _) | (Some(EvalError::Failed(_)), EvalError::Unknown(_)) => failed = Some(error),
                        _ => {}
                    }
                    if count > 2 {
                        break;
                    }
                }
            }
        }
        let overload = match self.notes.overloads.get(of.id).map(Vec::as_slice) {
            Some([one]) => *one,
            _ => "",
        };
        let out = match failed {
            Some(error) => Err(error),
            None => self.apply(of, function, overload, &values),
        };
        let cost = call_cost(function, overload, &values, out.as_ref().ok());
        self.pay(cost)?;
        out
    }

    fn apply(&self, of: &Expr, function: &str, overload: &str, values: &[Value]) -> Out {
        if let Some(regex) = self.plan.regexes.get(&of.id) {
            return strings::with_known_regex(function, regex, values).unwrap_or_else(|| Err(EvalError::no_overload()));
        }
        if let Some(format) = kubernetes::named_format(function) {
            return Ok(format);
        }
        match values {
            [Value::List(list)] if function == "sum" && list.items.is_empty() => return Ok(lists::zero(overload)),
            _ => {}
        }
        self.plan.functions.get(&of.id).and_then(|function| function(values)).unwrap_or_else(|| Err(EvalError::no_overload()))
    }

    /// `&&` and `||`: what decides is the value, whatever the other side is.
    fn logic(&mut self, a: &'v Expr, b: &'v Expr, decides: bool) -> Out {
        let mut failed: Option<EvalError> = None;
        for side in [a, b] {
            let error = match self.expr(side).and_then(Value::checked) {
                Ok(Value::Bool(value)) if value == decides => return Ok(Value::Bool(decides)),
                Ok(Value::Bool(_)) => continue,
                Ok(_) => EvalError::no_overload(),
                Err(EvalError::CostLimit) => return Err(EvalError::CostLimit),
                Err(error) => error,
            };
            match (&failed, &error) {
                (None, _) | (Some(EvalError::Failed(_)), EvalError::Unknown(_)) => failed = Some(error),
                _ => {}
            }
        }
        failed.map_or(Ok(Value::Bool(!decides)), Err)
    }
}

/// The value of a field.
fn select(operand: Value, field: &str) -> Out {
    match operand.checked()? {
        Value::Map(map) => {
            map.field(field).cloned().ok_or_else(|| EvalError::new(format!("no such key: {field}"))).and_then(Value::checked)
        }
        _ => Err(EvalError::no_overload()),
    }
}

/// The value of a field, where it is there.
fn present(operand: &Value, field: &str) -> Result<Option<Value>, EvalError> {
    match operand {
        Value::Map(map) => field_of(map, field),
        Value::Optional(None) => Ok(None),
        Value::Optional(Some(value)) => present(value, field),
        Value::Invalid(why) => Err(EvalError::new(&**why)),
        Value::Unknown(what) => Err(EvalError::Unknown(Arc::clone(what))),
        _ => Err(EvalError::no_overload()),
    }
}

fn field_of(map: &Map, field: &str) -> Result<Option<Value>, EvalError> {
    map.field(field).cloned().map(Value::checked).transpose()
}

fn optional_index(operand: &Value, at: &Value) -> Result<Option<Value>, EvalError> {
    let found = match operand {
        Value::Optional(None) => None,
        Value::Optional(Some(value)) => return optional_index(value, at),
        Value::Map(map) => Key::of(at).and_then(|key| map.get(&key).cloned()),
        list @ Value::List(_) => match operators::index(&[list.clone(), at.clone()]) {
            Some(Ok(value)) => Some(value),
            Some(Err(EvalError::Failed(why))) if why.starts_with("index out of bounds") => None,
            Some(Err(error)) => return Err(error),
            None => None,
        },
        _ => return Err(EvalError::no_overload()),
    };
    found.map(Value::checked).transpose()
}
