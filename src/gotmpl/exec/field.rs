//! Fields: entries of maps, fields of structs, and methods.

use super::Val;
use super::error::Cause;
use super::walk::{Exec, State};
use crate::gotmpl::parse::node::{Arg, At, Bytes};
use crate::gotmpl::set::MissingKey;
use crate::gotmpl::value::{Kind, Map, Rare, Value};

impl<'s> State<'s, '_> {
    /// `.X.Y.Z`, the last of them perhaps a method with arguments. `node` is where errors of methods are reported.
    pub fn eval_fields(
        &mut self,
        dot: &Val,
        mut receiver: Val,
        node: At<'s>,
        idents: &'s [Bytes],
        args: &'s [Arg],
        last: Option<Val>,
    ) -> Exec<Val> {
        let Some((final_ident, before)) = idents.split_last() else { return Ok(receiver) };
        for (index, ident) in before.iter().enumerate() {
            receiver = self.eval_field(dot, (ident, index), node, &[], None, receiver)?;
        }
        self.eval_field(dot, (final_ident, before.len()), node, args, last, receiver)
    }

    fn eval_field(
        &mut self,
        dot: &Val,
        (name, index): (&'s Bytes, usize),
        node: At<'s>,
        args: &'s [Arg],
        last: Option<Val>,
        receiver: Val,
    ) -> Exec<Val> {
        // Nearly every access is to a plain map.
        if let Value::Map(map) = &receiver.value
            && args.len() <= 1
            && last.is_none()
            && map.has_plain_type()
        {
            return match map.get(name) {
                Some(value) => Ok(Val::boxed(value)),
                None => self.missing(map, name),
            };
        }
        if receiver.is_invalid() {
            if self.vm.set.options().missing_key == MissingKey::Error {
                let message = format!("nil data; no entry for key {}", Self::quoted(name));
                return Err(self.fail_because(message, self.nil_field(node, index, name)));
            }
            return Ok(Val::INVALID);
        }
        if matches!(receiver.value, Value::Nil) {
            let message = format!("nil pointer evaluating interface {{}}.{}", String::from_utf8_lossy(name));
            return Err(self.fail_because(message, self.nil_field(node, index, name)));
        }
        if let Some(method) = self.find_method(&receiver.value, name) {
            return self.eval_method(dot, method, receiver.value, node, args, last);
        }
        let has_args = args.len() > 1 || last.is_some();
        let text = || String::from_utf8_lossy(name).into_owned();
        match &receiver.value {
            Value::Map(_) if has_args => return Err(self.fail(format!("{} is not a method but has arguments", text()))),
            Value::Map(map) => {
                return match map.get(name) {
                    Some(value) => Ok(Val { value, boxed: map.has_interface_elements() }),
                    None => self.missing(map, name),
                };
            }
            Value::Rare(rare) => match &**rare {
                Rare::Object(object) => {
                    if let Some(Value::Map(map)) = object.inner() {
                        if has_args {
                            return Err(self.fail(format!("{} is not a method but has arguments", text())));
                        }
                        return match map.get(name) {
                            Some(value) => Ok(Val { value, boxed: map.has_interface_elements() }),
                            None => self.missing(&map, name),
                        };
                    }
                    let field = std::str::from_utf8(name).ok().and_then(|name| object.field(name));
                    if let Some(value) = field {
                        if has_args {
                            return Err(self.fail(format!("{} has arguments but cannot be invoked as function", text())));
                        }
                        let boxed = matches!(value, Value::Nil);
                        return Ok(Val { value, boxed });
                    }
                }
                Rare::NilPointer(type_name) if type_name.starts_with('*') => {
                    let message = format!("nil pointer evaluating {}.{}", receiver.type_name(), text());
                    return Err(self.fail_because(message, self.nil_field(node, index, name)));
                }
                _ => {}
            },
            _ => {}
        }
        // What a function returns as an `error` stays one; only `interface {}` is looked into.
        let error = matches!(&receiver.value, Value::Rare(rare) if matches!(&**rare, Rare::Error(_)));
        let type_name = if error && !receiver.boxed { "error" } else { receiver.type_name() };
        Err(self.fail(format!("can't evaluate field {} in type {type_name}", text())))
    }

    fn missing(&self, map: &Map, name: &[u8]) -> Exec<Val> {
        match self.vm.set.options().missing_key {
            MissingKey::Default => Ok(Val::INVALID),
            MissingKey::Zero => Ok(map.zero_element()),
            MissingKey::Error => {
                let cause = Cause::MissingKey(String::from_utf8_lossy(name).into_owned());
                Err(self.fail_because(format!("map has no entry for key {}", Self::quoted(name)), cause))
            }
        }
    }

    fn find_method(&self, receiver: &Value, name: &[u8]) -> Option<&'static crate::gotmpl::func::Function> {
        if let Value::Rare(rare) = receiver
            && let Rare::Object(object) = &**rare
            && let Some(method) = std::str::from_utf8(name).ok().and_then(|name| object.method(name))
        {
            return Some(method);
        }
        match receiver.kind() {
            Kind::Bool | Kind::String | Kind::Float64 => None,
            _ => self.vm.set.functions().method(receiver.type_name(), name),
        }
    }

    /// What was nil when `name`, the part `index` of a node, was asked of it.
    fn nil_field(&self, node: At<'s>, index: usize, name: &[u8]) -> Cause {
        let source = &self.tree.file.text;
        let (mut path, fields) = match node {
            At::Arg(Arg::Field(field)) => (String::new(), &*field.idents),
            At::Arg(Arg::Variable(variable)) => (String::from_utf8_lossy(&variable.name).into_owned(), &*variable.fields),
            At::Arg(Arg::Chain(chain)) => {
                let inner = At::Arg(&chain.node).text(source);
                (format!("({})", String::from_utf8_lossy(&inner)), &*chain.fields)
            }
            _ => (String::new(), &[][..]),
        };
        for ident in fields.iter().take(index) {
            path.push('.');
            path.push_str(&String::from_utf8_lossy(ident));
        }
        Cause::NilField { path, field: String::from_utf8_lossy(name).into_owned() }
    }
}
