//! Fields: entries of maps, fields of structs, and methods.

use super::Val;
use super::error::{Cause, ExecError};
use super::walk::{Exec, State};
use crate::options::MissingKey;
use crate::parse::node::{Arg, At, Path};
use crate::value::{Kind, Map, Rare, Value};

impl<'s> State<'s, '_> {
    /// `.X.Y.Z`, the last of them perhaps a method with arguments. `node` is where errors of methods are reported.
    pub(super) fn eval_fields(
        &mut self,
        dot: &Val,
        mut receiver: Val,
        node: At<'s>,
        path: Path,
        args: &'s [Arg],
        last: Option<Val>,
    ) -> Exec<Val> {
        let tree = self.tree;
        let Some(mut rest) = path.text(&tree.file.text) else { return Ok(receiver) };
        if let Some(tracer) = &mut self.vm.tracer {
            tracer.fields(&receiver.value, rest);
        }
        let mut index = 0;
        while let Some((ident, after)) = memchr::memchr(b'.', rest).and_then(|point| Some((rest.get(..point)?, rest.get(point + 1..)?))) {
            receiver = self.eval_field(dot, (ident, index), node, &[], None, receiver)?;
            rest = after;
            index += 1;
        }
        self.eval_field(dot, (rest, index), node, args, last, receiver)
    }

    fn eval_field(
        &mut self,
        dot: &Val,
        (name, index): (&'s [u8], usize),
        node: At<'s>,
        args: &'s [Arg],
        last: Option<Val>,
        receiver: Val,
    ) -> Exec<Val> {
        if let Some(tracer) = &mut self.vm.tracer {
            tracer.entry(&receiver.value, name);
        }
        // Nearly every access is to a plain map, or to one whose methods have names that keys rarely have.
        if let Value::Map(map) = &receiver.value
            && args.len() <= 1
            && last.is_none()
            && map.has_interface_elements()
            && (map.has_plain_type() || name.first().is_some_and(u8::is_ascii_lowercase))
        {
            return match map.get(name) {
                Some(value) => Ok(Val::boxed(value)),
                None => self.missing(map, name),
            };
        }
        if matches!(receiver.value, Value::Nil) {
            return self.field_of_nothing(&receiver, node, index, name);
        }
        if let Some(method) = self.find_method(&receiver.value, name) {
            return self.eval_method(dot, method, receiver.value, node, args, last);
        }
        let has_args = args.len() > 1 || last.is_some();
        match &receiver.value {
            Value::Map(map) => self.entry(map, name, has_args),
            Value::Rare(rare) => self.rare_field(rare, &receiver, node, index, name, has_args),
            _ => Err(self.no_field(&receiver, name)),
        }
    }

    /// A field of an invalid value, or of a nil interface.
    fn field_of_nothing(&self, receiver: &Val, node: At<'s>, index: usize, name: &[u8]) -> Exec<Val> {
        if receiver.boxed {
            let message = format!("nil pointer evaluating interface {{}}.{}", String::from_utf8_lossy(name));
            return Err(self.fail_because(message, self.nil_field(node, index, name)));
        }
        if self.vm.set.options().missing_key == MissingKey::Error {
            let message = format!("nil data; no entry for key {}", Self::quoted(name));
            return Err(self.fail_because(message, self.nil_field(node, index, name)));
        }
        Ok(Val::INVALID)
    }

    fn entry(&self, map: &Map, name: &[u8], has_args: bool) -> Exec<Val> {
        if has_args {
            return Err(self.fail(format!("{} is not a method but has arguments", String::from_utf8_lossy(name))));
        }
        match map.get(name) {
            Some(value) => Ok(Val { value, boxed: map.has_interface_elements() }),
            None => self.missing(map, name),
        }
    }

    fn rare_field(&self, rare: &Rare, receiver: &Val, node: At<'s>, index: usize, name: &[u8], has_args: bool) -> Exec<Val> {
        let text = String::from_utf8_lossy(name);
        match rare {
            Rare::Object(object) => {
                if let Some(Value::Map(map)) = object.inner() {
                    return self.entry(&map, name, has_args);
                }
                match object.field(&text) {
                    Some(_) if has_args => Err(self.fail(format!("{text} has arguments but cannot be invoked as function"))),
                    Some(value) => Ok(Val { boxed: matches!(value, Value::Nil), value }),
                    None => Err(self.no_field(receiver, name)),
                }
            }
            // An error that is none is a nil interface.
            Rare::NilPointer(type_name) if type_name.starts_with('*') || *type_name == "error" => {
                let message = format!("nil pointer evaluating {}.{text}", receiver.type_name());
                Err(self.fail_because(message, self.nil_field(node, index, name)))
            }
            _ => Err(self.no_field(receiver, name)),
        }
    }

    fn no_field(&self, receiver: &Val, name: &[u8]) -> Box<ExecError> {
        // What a function returns as an `error` stays one; only `interface {}` is looked into.
        let error = matches!(&receiver.value, Value::Rare(rare) if matches!(&**rare, Rare::Error(_)));
        let type_name = if error && !receiver.boxed { "error" } else { receiver.type_name() };
        self.fail(format!("can't evaluate field {} in type {type_name}", String::from_utf8_lossy(name)))
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

    fn find_method(&self, receiver: &Value, name: &[u8]) -> Option<&'static crate::func::Function> {
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
            At::Arg(Arg::Field(field)) => (String::new(), field.idents),
            At::Arg(Arg::Variable(variable)) => (String::from_utf8_lossy(variable.name.of(source)).into_owned(), variable.fields),
            At::Arg(Arg::Chain(chain)) => {
                let inner = At::Arg(&chain.node).text(source);
                (format!("({})", String::from_utf8_lossy(&inner)), chain.fields)
            }
            _ => (String::new(), Path::NONE),
        };
        for ident in fields.idents(source).take(index) {
            path.push('.');
            path.push_str(&String::from_utf8_lossy(ident));
        }
        Cause::NilField { path, field: String::from_utf8_lossy(name).into_owned() }
    }
}
