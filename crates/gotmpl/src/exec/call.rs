//! Calls of functions, methods and Go's own functions.

use super::Val;
use super::error::{Cause, ExecError};
use super::walk::{Exec, State};
use crate::budget::{self, Spent};
use crate::builtins::{self, Builtin};
use crate::func::{Failure, Function, Param};
use crate::parse::node::{Arg, At, Callee, Identifier};
use crate::value::Value;

/// Results from here on count as memory; most are smaller, and gone at once.
const NOTABLE: usize = 1024;

/// What is said of a function that a world has caught ([`hydrate_base::World::is_caught`]).
const CHANCE: &str = "its result differs from run to run";

/// About how much memory a value takes, without what is in its elements.
fn size(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.len(),
        Value::List(list) => list.len() * size_of::<Value>(),
        Value::Map(map) => map.len() * 2 * size_of::<Value>(),
        _ => 0,
    }
}

/// About how much memory a function has made: a value that somebody else holds as well is a reference, which costs nothing.
fn made(result: &Value) -> usize {
    let shared = match result {
        Value::Str(text) => text.is_shared(),
        Value::List(list) => list.is_shared(),
        Value::Map(map) => map.is_shared(),
        _ => false,
    };
    if shared { 0 } else { size(result) }
}

/// Functions that take as long for a large list or map as for a small one.
const CONSTANT: [&str; 23] = [
    "coalesce",
    "default",
    "dict",
    "empty",
    "first",
    "get",
    "hasKey",
    "include",
    "kindIs",
    "kindOf",
    "last",
    "list",
    "mustFirst",
    "mustLast",
    "required",
    "set",
    "ternary",
    "tpl",
    "tuple",
    "typeIs",
    "typeIsLike",
    "typeOf",
    "unset",
];

/// About how much there is to do for a function with these arguments, over the call itself.
fn work(function: &Function, args: &[Value]) -> u64 {
    /// So little is not worth looking up the name.
    const LITTLE: u64 = 16;
    let work = args.iter().map(|value| (size(value) >> 6) as u64).sum();
    if work > LITTLE && CONSTANT.binary_search(&function.name).is_ok() { 1 } else { work }
}

/// What is declared of a function: enough to check the arguments of a call.
#[derive(Clone, Copy)]
struct Signature<'f> {
    name: &'f str,
    params: &'f [Param],
    variadic: bool,
}

impl Signature<'_> {
    /// The type that argument `index` must have.
    fn param(&self, index: usize) -> Option<Param> {
        self.params.get(index).or(if self.variadic { self.params.last() } else { None }).copied()
    }
}

impl<'s> State<'s, '_> {
    /// A call of a function by name. `args` are those of the command, the name among them, or none.
    pub(super) fn eval_call(
        &mut self,
        dot: &Val,
        identifier: &'s Identifier,
        node: At<'s>,
        args: &'s [Arg],
        last: Option<Val>,
    ) -> Exec<Val> {
        let args = args.get(1..).unwrap_or_default();
        match identifier.function {
            Callee::Function(function) => self.call_function(dot, function, None, node, args, last),
            Callee::Builtin(builtin) => self.call_builtin(dot, builtin, node, args, last),
        }
    }

    pub(super) fn eval_method(
        &mut self,
        dot: &Val,
        method: &'static Function,
        receiver: Value,
        node: At<'s>,
        args: &'s [Arg],
        last: Option<Val>,
    ) -> Exec<Val> {
        let args = args.get(1..).unwrap_or_default();
        self.call_function(dot, method, Some(receiver), node, args, last)
    }

    fn call_function(
        &mut self,
        dot: &Val,
        function: &'static Function,
        receiver: Option<Value>,
        node: At<'s>,
        args: &'s [Arg],
        last: Option<Val>,
    ) -> Exec<Val> {
        let signature = Signature { name: function.name, params: function.params, variadic: function.variadic };
        self.check_count(signature, args.len(), last.is_some())?;
        self.guard()?;
        let mut argv = self.vm.spare.pop().unwrap_or_default();
        argv.extend(receiver);
        let given = self.eval_args(dot, signature, args, last, |value| argv.push(value.value.passed()));
        if let Some(tracer) = self.vm.tracer.as_mut().filter(|_| given.is_ok()) {
            tracer.call(function.name, &argv);
        }
        let result = match given {
            Ok(()) if budget::spend(work(function, &argv)) => (function.run)(self.vm, &argv),
            Ok(()) => return Err(self.beyond(Spent::Steps)),
            Err(error) => return Err(error),
        };
        argv.clear();
        self.vm.spare.push(argv);
        match &result {
            // The limit that was reached further in, with its place.
            Err(failure) if failure.exec_error().is_some() => {}
            result => {
                // Only an error is reported at the call; else Go stays at the last argument.
                let last = std::mem::replace(&mut self.at, node);
                self.charge(result.as_ref().ok())?;
                self.at = last;
            }
        }
        if self.vm.world().is_caught() {
            return Err(self.failed(node, function.name, Failure::Message(CHANCE.to_owned())));
        }
        match result {
            // A nil is a nil interface: functions that return nothing else declare `interface {}`.
            Ok(Value::Nil) => Ok(Val::boxed(Value::Nil)),
            Ok(value) => Ok(Val::plain(value)),
            Err(Failure::Uncallable(text)) => Err(self.fail(text)),
            Err(failure) => Err(self.failed(node, function.name, failure)),
        }
    }

    /// Counts what a function made, and ends the execution where that, or what the function did, was too much.
    fn charge(&self, result: Option<&Value>) -> Exec<()> {
        let size = result.map_or(0, made);
        if size >= NOTABLE {
            budget::grow(size);
        }
        budget::spent().map_or(Ok(()), |spent| Err(self.beyond(spent)))
    }

    fn failed(&mut self, node: At<'s>, name: &str, failure: Failure) -> Box<ExecError> {
        self.at = node;
        let mut error = self.fail_because(format!("error calling {name}: "), Cause::Function(name.to_owned()));
        error.wrapped = Some(Box::new(failure));
        error
    }

    fn check_count(&self, signature: Signature<'_>, args: usize, last: bool) -> Exec<()> {
        let given = args + usize::from(last);
        let Signature { name, params, variadic } = signature;
        if variadic {
            let fixed = params.len().saturating_sub(1);
            if given < fixed {
                return Err(self.fail(format!("wrong number of args for {name}: want at least {fixed} got {args}")));
            }
        } else if given != params.len() {
            return Err(self.fail(format!("wrong number of args for {name}: want {} got {given}", params.len())));
        }
        Ok(())
    }

    /// Evaluates and checks the arguments in order, then checks the value from the pipeline.
    fn eval_args(
        &mut self,
        dot: &Val,
        signature: Signature<'_>,
        args: &'s [Arg],
        last: Option<Val>,
        mut give: impl FnMut(Val),
    ) -> Exec<()> {
        for (index, arg) in args.iter().enumerate() {
            give(self.eval_arg(dot, signature.param(index), arg)?);
        }
        if let Some(last) = last {
            give(self.validate(last, signature.param(args.len()))?);
        }
        Ok(())
    }

    fn call_builtin(&mut self, dot: &Val, builtin: Builtin, node: At<'s>, args: &'s [Arg], last: Option<Val>) -> Exec<Val> {
        let (params, variadic) = builtin.signature();
        let signature = Signature { name: builtin.name(), params, variadic };
        self.check_count(signature, args.len(), last.is_some())?;
        self.guard()?;
        if matches!(builtin, Builtin::And | Builtin::Or) {
            return self.eval_and_or(dot, builtin == Builtin::Or, args, last);
        }
        let callee = if builtin == Builtin::Call { self.callee_name(args, last.as_ref()) } else { String::new() };
        let mut argv = self.vm.spare_vals.pop().unwrap_or_default();
        let copies = params.contains(&Param::Any);
        self.eval_args(dot, signature, args, last, |value| {
            argv.push(if copies { Val { value: value.value.passed(), ..value } } else { value })
        })?;
        if let Some(tracer) = &mut self.vm.tracer {
            tracer.builtin(builtin.name(), &argv);
        }
        let go = self.vm.set.options().go;
        let result = builtins::run(builtin, &argv, &callee, go);
        argv.clear();
        self.vm.spare_vals.push(argv);
        self.charge(result.as_ref().ok().map(|value| &value.value))?;
        result.map_err(|message| self.failed(node, builtin.name(), Failure::Message(message)))
    }

    /// The name that `call` gives what it calls in errors.
    fn callee_name(&self, args: &[Arg], last: Option<&Val>) -> String {
        match (args.first(), last) {
            (Some(arg), _) => self.source_of(arg),
            (None, Some(Val { value: Value::Str(text), .. })) => text.to_str_lossy().into_owned(),
            (None, Some(last)) => format!("<{} Value>", last.type_name()),
            (None, None) => String::new(),
        }
    }

    /// `and` and `or` stop at the argument that decides.
    fn eval_and_or(&mut self, dot: &Val, until: bool, args: &'s [Arg], last: Option<Val>) -> Exec<Val> {
        let mut value = Val::INVALID;
        for arg in args {
            value = self.eval_arg(dot, Some(Param::Reflect), arg)?;
            if value.value.truth() == until {
                return Ok(value);
            }
        }
        match last {
            Some(last) => self.validate(last, Some(Param::Reflect)),
            None => Ok(value),
        }
    }
}
