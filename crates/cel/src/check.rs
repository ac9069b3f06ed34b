//! Types of all nodes, and which overloads calls may mean (cel-go's `checker/checker.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Features;
use crate::ast::{Expr, Fold, Kind, op};
use crate::declarations::{ALL, Overload};
use crate::lex::Fault;
use crate::parse::qualified;
use crate::ty::{Bindings, Type, is_less_specific};
use crate::value::Value;

/// What is known of the nodes, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) types: Vec<Type>,
    pub(crate) overloads: Vec<Vec<&'static str>>,
}

/// Finds the types, and puts the functions and names of the environment in their places.
pub(crate) fn check(
    root: &mut Expr,
    positions: &[usize],
    variables: &BTreeMap<String, Type>,
    features: Features,
) -> Result<Notes, Vec<Fault>> {
    let mut checker = Checker {
        positions,
        variables,
        features,
        scopes: Vec::new(),
        bindings: Bindings::default(),
        notes: Notes { types: vec![Type::Dyn; positions.len()], overloads: vec![Vec::new(); positions.len()] },
        faults: Vec::new(),
    };
    checker.expr(root);
    if !checker.faults.is_empty() {
        return Err(checker.faults);
    }
    let mut notes = checker.notes;
    for ty in &mut notes.types {
        *ty = checker.bindings.resolved(ty, true);
    }
    Ok(notes)
}

struct Checker<'c> {
    positions: &'c [usize],
    variables: &'c BTreeMap<String, Type>,
    features: Features,
    scopes: Vec<(String, Type)>,
    bindings: Bindings,
    notes: Notes,
    faults: Vec<Fault>,
}

/// The types that expressions can name.
fn named_type(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "google.protobuf.Duration" => Type::Duration,
        "int" => Type::Int,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "null_type" => Type::Null,
        "string" => Type::String,
        "google.protobuf.Timestamp" => Type::Timestamp,
        "type" => Type::Type(None),
        "uint" => Type::Uint,
        "optional_type" => Type::optional(Type::Dyn),
        "net.IP" => Type::Opaque("net.IP", Vec::new()),
        "net.CIDR" => Type::Opaque("net.CIDR", Vec::new()),
        _ => return None,
    })
}

impl Checker<'_> {
    fn fault(&mut self, of: &Expr, message: impl Into<String>) -> Type {
        let at = self.positions.get(of.id).copied().unwrap_or_default();
        self.faults.push(Fault { at, message: message.into() });
        Type::Error
    }

    fn mismatch(&mut self, of: &Expr, wanted: &Type, found: &Type) -> Type {
        let says = format!("expected type '{}' but found '{}'", self.shown(wanted), self.shown(found));
        self.fault(of, says)
    }

    fn shown(&self, ty: &Type) -> String {
        self.bindings.resolved(ty, true).to_string()
    }

    fn expr(&mut self, of: &mut Expr) -> Type {
        let ty = self.kind(of);
        if let Some(note) = self.notes.types.get_mut(of.id) {
            *note = ty.clone();
        }
        ty
    }

    fn kind(&mut self, of: &mut Expr) -> Type {
        match &mut of.kind {
            Kind::Literal(value) => literal(value),
            Kind::Ident(name) => {
                let name = name.clone();
                match self.lookup(&name) {
                    Some((ty, None)) => ty,
                    Some((ty, Some(value))) => {
                        of.kind = Kind::Literal(value);
                        ty
                    }
                    None => self.undeclared(of, &name),
                }
            }
            Kind::Select { .. } => self.select(of),
            Kind::Call { .. } => self.call(of),
            Kind::List { items, optional } => {
                let mut joined: Option<Type> = None;
                for (number, item) in items.iter_mut().enumerate() {
                    let mut ty = self.expr(item);
                    if optional.contains(&number) {
                        ty = self.unwrapped(item, ty);
                    }
                    joined = Some(self.join(joined, ty));
                }
                Type::list(joined.unwrap_or_else(|| self.bindings.fresh()))
            }
            Kind::Map(entries) => {
                let (mut keys, mut values): (Option<Type>, Option<Type>) = (None, None);
                for entry in entries {
                    let key = self.expr(&mut entry.key);
                    keys = Some(self.join(keys, key));
                    let mut value = self.expr(&mut entry.value);
                    if entry.optional {
                        value = self.unwrapped(&entry.value, value);
                    }
                    values = Some(self.join(values, value));
                }
                let key = keys.unwrap_or_else(|| self.bindings.fresh());
                Type::map(key, values.unwrap_or_else(|| self.bindings.fresh()))
            }
            Kind::Struct { name, .. } => {
                let name = name.clone();
                self.undeclared(of, &name)
            }
            Kind::Fold(fold) => self.fold(fold),
        }
    }

    fn undeclared(&mut self, of: &Expr, name: &str) -> Type {
        self.fault(of, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn unwrapped(&mut self, of: &Expr, ty: Type) -> Type {
        match ty.unwrapped() {
            Some(inner) => inner.clone(),
            None if ty.is_dyn() => ty,
            None => self.mismatch(of, &Type::optional(ty.clone()), &ty),
        }
    }

    fn lookup(&mut self, name: &str) -> Option<(Type, Option<Value>)> {
        let bare = name.trim_start_matches('.');
        if !name.starts_with('.')
            && let Some((_, ty)) = self.scopes.iter().rev().find(|(known, _)| known == bare)
        {
            return Some((ty.clone(), None));
        }
        if let Some(ty) = self.variables.get(bare) {
            return Some((ty.clone(), None));
        }
        let is_known = self.features.has(crate::Library::Net) || !bare.starts_with("net.");
        let ty = named_type(bare).filter(|_| is_known)?;
        Some((Type::Type(Some(Arc::new(ty))), Some(Value::Type(Arc::from(bare)))))
    }

    /// The type of both; that they are the same is looked at later, where it matters.
    fn join(&mut self, before: Option<Type>, now: Type) -> Type {
        let Some(before) = before else { return now };
        if !self.bindings.assign(&before, &now) {
            return Type::Dyn;
        }
        if is_less_specific(&before, &now) { before } else { now }
    }

    fn select(&mut self, of: &mut Expr) -> Type {
        if let Some(name) = qualified(of)
            && !self.scopes.iter().any(|(known, _)| name.split('.').next() == Some(known))
            && let Some((ty, value)) = self.lookup(&name)
        {
            of.kind = value.map_or(Kind::Ident(name), Kind::Literal);
            return ty;
        }
        let Kind::Select { operand, field, test } = &mut of.kind else { return Type::Error };
        let (field, test) = (field.clone(), *test);
        let operand_type = self.expr(operand);
        let ty = self.field(of, operand_type, &field, false);
        if test { Type::Bool } else { self.bindings.resolved(&ty, false) }
    }

    fn field(&mut self, of: &Expr, operand: Type, field: &str, optional: bool) -> Type {
        let operand = self.bindings.resolved(&operand, false);
        let target = operand.unwrapped().cloned();
        let is_optional = target.is_some() || optional;
        let target = target.unwrap_or(operand);
        let ty = match &target {
            Type::Map(of) => of.1.clone(),
            Type::Struct(known) => match self.features.field(known, field) {
                Some(field) => field.ty.clone(),
                None => self.fault(of, format!("undefined field '{field}'")),
            },
            Type::Param(_) => {
                self.bindings.assign(&Type::Dyn, &target);
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            other => {
                let says = format!("type '{}' does not support field selection", self.shown(other));
                self.fault(of, says)
            }
        };
        if is_optional { Type::optional(ty) } else { ty }
    }

    fn call(&mut self, of: &mut Expr) -> Type {
        let Kind::Call { function, target, args } = &mut of.kind else { return Type::Error };
        let name = function.trim_start_matches('.').to_owned();
        if name == op::OPT_SELECT {
            let Some(Kind::Literal(Value::String(field))) = args.get(1).map(|field| field.kind.clone()) else { return Type::Error };
            let operand = args.first_mut().map_or(Type::Error, |operand| self.expr(operand));
            let ty = self.field(of, operand, &field, true);
            self.note(of, vec!["select_optional_field"]);
            return self.bindings.resolved(&ty, false);
        }
        let mut types: Vec<Type> = args.iter_mut().map(|arg| self.expr(arg)).collect();
        if let Some(receiver) = target {
            let spelt = qualified(receiver).map(|prefix| format!("{prefix}.{name}"));
            match spelt.filter(|spelt| self.has(spelt)) {
                Some(spelt) => {
                    let args = std::mem::take(args);
                    of.kind = Kind::Call { function: spelt.clone(), target: None, args };
                    return self.resolve(of, &spelt, types, false);
                }
                None => types.insert(0, self.expr(receiver)),
            }
            if !self.has(&name) {
                return self.undeclared(of, &name);
            }
            return self.resolve(of, &name, types, true);
        }
        if !self.has(&name) {
            return self.undeclared(of, &name);
        }
        *function = name.clone();
        self.resolve(of, &name, types, false)
    }

    fn has(&self, name: &str) -> bool {
        ALL.get(name).is_some_and(|all| all.iter().any(|overload| self.features.has(overload.library)))
    }

    fn note(&mut self, of: &Expr, overloads: Vec<&'static str>) {
        if let Some(note) = self.notes.overloads.get_mut(of.id) {
            *note = overloads;
        }
    }

    fn resolve(&mut self, of: &Expr, name: &str, types: Vec<Type>, member: bool) -> Type {
        if matches!(name, op::AND | op::OR) {
            return self.logic(of, name, &types);
        }
        let all: &'static [Overload] = ALL.get(name).map(Vec::as_slice).unwrap_or_default();
        let (mut result, mut fitting): (Option<Type>, Vec<&'static str>) = (None, Vec::new());
        for overload in all.iter().filter(|overload| overload.member == member && self.features.has(overload.library)) {
            let own = self.bindings.instance(&overload.types);
            let Some((given, wanted)) = own.split_first() else { continue };
            if !self.bindings.assign_all(&types, wanted) {
                continue;
            }
            fitting.push(overload.id);
            let given = self.bindings.resolved(given, false);
            match &result {
                None => result = Some(given),
                Some(known) if !known.is_dyn() && *known != given => result = Some(Type::Dyn),
                Some(_) => {}
            }
        }
        let Some(result) = result else {
            let shown: Vec<String> = types.iter().map(|ty| self.shown(ty)).collect();
            let applied = match (member, shown.split_first()) {
                (true, Some((receiver, args))) => format!("{receiver}.({})", args.join(", ")),
                _ => format!("({})", shown.join(", ")),
            };
            return self.fault(of, format!("found no matching overload for '{name}' applied to '{applied}'"));
        };
        self.note(of, fitting);
        result
    }

    fn logic(&mut self, of: &Expr, name: &str, types: &[Type]) -> Type {
        let Kind::Call { args, .. } = &of.kind else { return Type::Error };
        let wrong: Vec<(&Expr, &Type)> = args.iter().zip(types).filter(|(_, ty)| !self.bindings.clone().assign(ty, &Type::Bool)).collect();
        if wrong.is_empty() {
            for ty in types {
                self.bindings.assign(ty, &Type::Bool);
            }
            self.note(of, vec![if name == op::AND { "logical_and" } else { "logical_or" }]);
            return Type::Bool;
        }
        for (arg, ty) in wrong {
            self.mismatch(arg, &Type::Bool, ty);
        }
        Type::Error
    }

    fn fold(&mut self, fold: &mut Fold) -> Type {
        let range = self.expr(&mut fold.range);
        let accu = self.expr(&mut fold.init);
        let range = self.bindings.resolved(&range, false);
        let (first, second) = match &range {
            Type::List(item) if fold.var2.is_some() => (Type::Int, (**item).clone()),
            Type::List(item) => ((**item).clone(), Type::Dyn),
            Type::Map(of) => of.as_ref().clone(),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.bindings.assign(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let says = format!(
                    "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)",
                    self.shown(other)
                );
                self.fault(&fold.range, says);
                (Type::Error, Type::Error)
            }
        };
        let depth = self.scopes.len();
        self.scopes.push((fold.accu.clone(), accu.clone()));
        self.scopes.push((fold.var.clone(), first));
        self.scopes.extend(fold.var2.clone().map(|var| (var, second)));
        let condition = self.expr(&mut fold.condition);
        self.assert(&fold.condition, &Type::Bool, &condition);
        let step = self.expr(&mut fold.step);
        self.assert(&fold.step, &accu, &step);
        self.scopes.truncate(depth + 1);
        let result = self.expr(&mut fold.result);
        self.scopes.truncate(depth);
        self.bindings.resolved(&result, false)
    }

    fn assert(&mut self, of: &Expr, wanted: &Type, found: &Type) {
        if !self.bindings.assign(wanted, found) {
            self.mismatch(of, wanted, found);
        }
    }
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::Error,
    }
}
