//! Evaluating pipelines, commands and arguments.

use super::Val;
use super::walk::{Exec, State};
use crate::func::Param;
use crate::parse::node::{Arg, At, Chain, Command, Pipe};
use crate::parse::number::{Ideal, Number};
use crate::text;
use crate::value::{Kind, List, Map, Rare, Value};

impl<'s> State<'s, '_> {
    /// The value of a pipeline; variables it declares stay until the surrounding structure ends.
    pub(super) fn eval_pipeline(&mut self, dot: &Val, pipe: &'s Pipe) -> Exec<Val> {
        self.at = At::Pipe(pipe);
        let mut value: Option<Val> = None;
        for command in &pipe.cmds {
            value = Some(self.eval_command(dot, command, value)?.unboxed());
        }
        let value = value.unwrap_or(Val::INVALID);
        for variable in &pipe.decl {
            if pipe.assign {
                self.set_var(variable, value.clone())?;
            } else {
                self.push(variable.symbol, value.clone());
            }
        }
        Ok(value)
    }

    fn eval_command(&mut self, dot: &Val, command: &'s Command, last: Option<Val>) -> Exec<Val> {
        let Some(first) = command.args.first() else { return Ok(Val::INVALID) };
        match first {
            Arg::Field(field) => {
                self.at = At::Arg(first);
                return self.eval_fields(dot, dot.clone(), At::Arg(first), field.idents, &command.args, last);
            }
            Arg::Chain(chain) => return self.eval_chain(dot, first, chain, &command.args, last),
            Arg::Identifier(identifier) => {
                self.at = At::Arg(first);
                return self.eval_call(dot, identifier, At::Command(command), &command.args, last);
            }
            Arg::Pipe(pipe) => {
                self.not_a_function(&command.args, last.as_ref())?;
                self.guard()?;
                return self.eval_pipeline(dot, pipe);
            }
            Arg::Variable(_) => return self.eval_variable(dot, first, &command.args, last),
            _ => {}
        }
        self.at = At::Arg(first);
        self.not_a_function(&command.args, last.as_ref())?;
        match first {
            Arg::Bool(_, value) => Ok(Val::plain(Value::Bool(*value))),
            Arg::Dot(_) => Ok(dot.clone()),
            Arg::Number(number) => self.ideal(first, number),
            Arg::Text(literal) => Ok(Val::plain(Value::str(literal.text(&self.tree.file.text)))),
            _ => Err(self.fail("nil is not a command")),
        }
    }

    fn not_a_function(&self, args: &'s [Arg], last: Option<&Val>) -> Exec<()> {
        if args.len() <= 1 && last.is_none() {
            return Ok(());
        }
        let first = args.first().map(|arg| self.source_of(arg)).unwrap_or_default();
        Err(self.fail(format!("can't give argument to non-function {first}")))
    }

    /// The node as Go prints it.
    pub(super) fn source_of(&self, arg: &Arg) -> String {
        String::from_utf8_lossy(&At::Arg(arg).text(&self.tree.file.text)).into_owned()
    }

    /// A constant where nothing says which type is wanted.
    fn ideal(&mut self, arg: &'s Arg, number: &Number) -> Exec<Val> {
        self.at = At::Arg(arg);
        match number.ideal {
            Ideal::Int(value) => Ok(Val::plain(Value::Int(value))),
            Ideal::Float(value) => Ok(Val::plain(Value::Float64(value))),
            Ideal::Complex(real, imaginary) => Ok(Val::plain(Value::complex(real, imaginary))),
            Ideal::Overflow => Err(self.fail(format!("{} overflows int", self.source_of(arg)))),
        }
    }

    fn eval_chain(&mut self, dot: &Val, arg: &'s Arg, chain: &'s Chain, args: &'s [Arg], last: Option<Val>) -> Exec<Val> {
        self.at = At::Arg(arg);
        self.guard()?;
        if matches!(chain.node, Arg::Nil(_)) {
            return Err(self.fail(format!("indirection through explicit nil in {}", self.source_of(arg))));
        }
        let receiver = self.eval_arg(dot, None, &chain.node)?;
        self.eval_fields(dot, receiver, At::Arg(arg), chain.fields, args, last)
    }

    fn eval_variable(&mut self, dot: &Val, arg: &'s Arg, args: &'s [Arg], last: Option<Val>) -> Exec<Val> {
        self.at = At::Arg(arg);
        let Arg::Variable(variable) = arg else { return Ok(Val::INVALID) };
        let value = self.var_value(variable)?;
        if variable.fields.is_empty() {
            self.not_a_function(args, last.as_ref())?;
            return Ok(value);
        }
        self.eval_fields(dot, value, At::Arg(arg), variable.fields, args, last)
    }

    /// An argument for a parameter; `None` takes any value (the receiver of a chain).
    pub(super) fn eval_arg(&mut self, dot: &Val, param: Option<Param>, arg: &'s Arg) -> Exec<Val> {
        self.at = At::Arg(arg);
        let value = match arg {
            Arg::Dot(_) => dot.clone(),
            Arg::Nil(_) => return self.nil_for(param),
            Arg::Field(field) => self.eval_fields(dot, dot.clone(), At::Arg(arg), field.idents, std::slice::from_ref(arg), None)?,
            Arg::Variable(_) => self.eval_variable(dot, arg, &[], None)?,
            Arg::Pipe(pipe) => {
                self.guard()?;
                self.eval_pipeline(dot, pipe)?
            }
            Arg::Identifier(identifier) => self.eval_call(dot, identifier, At::Arg(arg), &[], None)?,
            Arg::Chain(chain) => self.eval_chain(dot, arg, chain, &[], None)?,
            Arg::Bool(..) | Arg::Number(_) | Arg::Text(_) => return self.constant(param, arg),
        };
        self.validate(value, param)
    }

    fn nil_for(&mut self, param: Option<Param>) -> Exec<Val> {
        match param {
            Some(param) if param.can_be_nil() => Ok(zero(param)),
            Some(param) => Err(self.fail(format!("cannot assign nil to {}", param.type_name()))),
            None => Ok(Val::INVALID),
        }
    }

    /// A constant for a parameter, by the kind of the parameter.
    fn constant(&mut self, param: Option<Param>, arg: &'s Arg) -> Exec<Val> {
        let Some(param) = param else { return self.any_constant(arg) };
        match param.kind() {
            Kind::Bool => match arg {
                Arg::Bool(_, value) => Ok(Val::plain(Value::Bool(*value))),
                _ => Err(self.expected("bool", arg)),
            },
            Kind::Float64 => match number(arg).and_then(|number| number.float) {
                Some(value) => Ok(Val::plain(Value::Float64(value))),
                None => Err(self.expected("float", arg)),
            },
            Kind::Int | Kind::Int32 | Kind::Int64 => match number(arg).and_then(|number| number.int) {
                Some(value) => Ok(Val::plain(integer(param, value))),
                None => Err(self.expected("integer", arg)),
            },
            Kind::Uint8 => match number(arg).and_then(|number| number.uint) {
                Some(value) => Ok(Val::plain(Value::byte((value & 0xFF) as u8))),
                None => Err(self.expected("unsigned integer", arg)),
            },
            Kind::Uint32 => match number(arg).and_then(|number| number.uint) {
                Some(value) => Ok(Val::plain(Value::integer("uint32", Kind::Uint32, i128::from(value as u32)))),
                None => Err(self.expected("unsigned integer", arg)),
            },
            Kind::String => match arg {
                Arg::Text(literal) => Ok(Val::plain(Value::str(literal.text(&self.tree.file.text)))),
                _ => Err(self.expected("string", arg)),
            },
            Kind::Interface if param == Param::Any => self.any_constant(arg),
            Kind::Struct if param == Param::Reflect => self.any_constant(arg),
            _ => Err(self.fail(format!("can't handle {} for arg of type {}", self.source_of(arg), param.type_name()))),
        }
    }

    fn any_constant(&mut self, arg: &'s Arg) -> Exec<Val> {
        match arg {
            Arg::Bool(_, value) => Ok(Val::plain(Value::Bool(*value))),
            Arg::Text(literal) => Ok(Val::plain(Value::str(literal.text(&self.tree.file.text)))),
            Arg::Number(number) => self.ideal(arg, number),
            _ => Ok(Val::INVALID),
        }
    }

    fn expected(&self, what: &str, arg: &Arg) -> Box<super::ExecError> {
        self.fail(format!("expected {what}; found {}", self.source_of(arg)))
    }

    /// The value as the parameter's type, if Go would assign it.
    pub(super) fn validate(&self, value: Val, param: Option<Param>) -> Exec<Val> {
        let Some(param) = param else { return Ok(value) };
        if value.is_invalid() {
            if param.can_be_nil() {
                return Ok(zero(param));
            }
            return Err(self.fail(format!("invalid value; expected {}", param.type_name())));
        }
        if param == Param::Reflect || assignable(&value, param) {
            return Ok(converted(value, param));
        }
        let value = if value.boxed && !matches!(value.value, Value::Nil) { value.unboxed() } else { value };
        if assignable(&value, param) {
            return Ok(converted(value, param));
        }
        if value.value.kind() == Kind::Ptr && value.type_name().strip_prefix('*') == Some(param.type_name()) {
            if value.value.is_nil() {
                return Err(self.fail(format!("dereference of nil pointer of type {}", param.type_name())));
            }
            return Ok(value);
        }
        Err(self.fail(format!("wrong type for value; expected {}; got {}", param.type_name(), value.type_name())))
    }

    /// How a name is quoted in messages.
    pub(super) fn quoted(name: &[u8]) -> String {
        text::quote(name, false)
    }
}

fn number(arg: &Arg) -> Option<&Number> {
    match arg {
        Arg::Number(number) => Some(number),
        _ => None,
    }
}

fn integer(param: Param, value: i64) -> Value {
    match param {
        Param::Int => Value::Int(value),
        Param::Int64 => Value::Int64(value),
        Param::Int32 => Value::integer("int32", Kind::Int32, i128::from(value as i32)),
        other => Value::integer(other.type_name(), other.kind(), i128::from(value)),
    }
}

/// The zero value of a type that can be nil.
fn zero(param: Param) -> Val {
    match param {
        Param::List | Param::Strings => Val::plain(Value::List(List::nil(param.type_name()))),
        Param::Map => Val::plain(Value::Map(Map::nil(param.type_name()))),
        Param::Bytes => Val::plain(Value::bytes(Vec::new())),
        Param::Named(name) => Val::plain(Value::Rare(std::rc::Rc::new(Rare::NilPointer(name)))),
        Param::Reflect => Val::INVALID,
        _ => Val::boxed(Value::Nil),
    }
}

/// A value as the type of the parameter it is assigned to.
fn converted(value: Val, param: Param) -> Val {
    match (param, value) {
        (Param::Map, Val { value: Value::Map(map), boxed }) => Val { value: Value::Map(map.unnamed()), boxed },
        (_, value) => value,
    }
}

/// Go's `AssignableTo` for the types that parameters have.
fn assignable(value: &Val, param: Param) -> bool {
    if param == Param::Any {
        return true;
    }
    if value.boxed {
        return false;
    }
    match (&value.value, param) {
        (Value::Str(_), Param::String) | (Value::Bool(_), Param::Bool) | (Value::Int(_), Param::Int) => true,
        // A named map or slice type is assignable to the unnamed type beneath it.
        (Value::Map(map), Param::Map) => map.has_interface_elements(),
        (Value::List(list), Param::List) => list.has_interface_elements(),
        (Value::Rare(rare), Param::Error) => match &**rare {
            Rare::Error(_) => true,
            Rare::Object(object) => object.is_error(),
            _ => false,
        },
        (value, param) => value.type_name() == param.type_name(),
    }
}
