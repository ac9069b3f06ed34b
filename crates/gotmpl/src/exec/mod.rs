//! The executor: walks a parsed template over a value and writes what it gives.

mod call;
mod error;
mod eval;
mod field;
mod output;
pub mod trace;
mod walk;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

pub use error::{Cause, ExecError};
pub use output::Output;

use super::budget;
use super::func::Failure;
use super::parse::ParseError;
use super::parse::node::{At, Tree};
use super::set::TemplateSet;
use super::value::{Str, Value};
use hydrate_base::{self as base, World};
use output::Recorder;
use trace::{Registry, Trace, Tracer};
use walk::State;

/// Bounds on executions, against templates that never end. An execution has them for itself, unless it takes place in a
/// [`budget::with`] that its caller opened for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes written, those of nested executions (`include`, `tpl`) and of what functions make included.
    pub output: usize,
    /// Nodes executed, and values that functions go through.
    pub steps: u64,
    /// Templates within templates: Go's own limit.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        base::Limits::default().into()
    }
}

impl From<base::Limits> for Limits {
    fn from(limits: base::Limits) -> Self {
        Self { output: limits.output, steps: limits.steps, depth: 100_000 }
    }
}

/// How deep templates may nest that functions execute: beyond what `include` allows with two templates in turns.
const NESTED: usize = 5_000;

/// What an execution may see besides its data.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Files, clock, randomness.
    pub world: &'a dyn World,
    /// The caller's own state for its functions; `&()` where there is none.
    pub host: &'a dyn Any,
    /// The bounds.
    pub limits: Limits,
}

/// Executes the template `name` of a set over `data`.
///
/// # Errors
/// Go's error for what fails; what was written until then is lost, as no caller wants it.
pub fn execute(set: &TemplateSet, name: &[u8], data: &Value, context: Context<'_>) -> Result<Output, Box<ExecError>> {
    if !budget::is_limited() {
        return budget::with(context.limits.steps, context.limits.output, || execute(set, name, data, context));
    }
    let mut vm = Vm::new(set.clone(), context);
    vm.recorder = Some(Recorder::default());
    let tree = vm.find(name)?;
    vm.run(&tree, data)?;
    let mut output = vm.recorder.take().unwrap_or_default().output;
    output.bytes = vm.out;
    Ok(output)
}

/// The same, with what took place: what was read of the tables and lists of a registry, and which node wrote what.
///
/// # Errors
/// Go's error for what fails.
pub fn execute_traced(
    set: &TemplateSet,
    name: &[u8],
    data: &Value,
    context: Context<'_>,
    registry: &Rc<Registry>,
) -> Result<(Output, Trace), Box<ExecError>> {
    if !budget::is_limited() {
        return budget::with(context.limits.steps, context.limits.output, || execute_traced(set, name, data, context, registry));
    }
    let mut vm = Vm::new(set.clone(), context);
    vm.recorder = Some(Recorder::default());
    vm.tracer = Some(Box::new(Tracer::new(Rc::clone(registry))));
    let tree = vm.find(name)?;
    vm.run(&tree, data)?;
    let trace = vm.tracer.take().map(|tracer| tracer.finish(&vm.out)).unwrap_or_default();
    let mut output = vm.recorder.take().unwrap_or_default().output;
    output.bytes = vm.out;
    Ok((output, trace))
}

/// The same, and what was written until an error, with the error.
pub fn execute_partly(set: &TemplateSet, name: &[u8], data: &Value, context: Context<'_>) -> (Vec<u8>, Option<Box<ExecError>>) {
    if !budget::is_limited() {
        return budget::with(context.limits.steps, context.limits.output, || execute_partly(set, name, data, context));
    }
    let mut vm = Vm::new(set.clone(), context);
    let error = vm.find(name).and_then(|tree| vm.run(&tree, data)).err();
    (vm.out, error)
}

/// A value as the executor handles it, Go's `reflect.Value`. `boxed` says that it is seen through an
/// `interface {}` (an element of a `map[string]interface {}`), which error texts show; a boxed nil is a nil
/// interface, an unboxed nil is Go's invalid value.
#[derive(Clone, Default)]
pub(super) struct Val {
    pub value: Value,
    pub boxed: bool,
}

impl Val {
    pub(crate) const INVALID: Self = Self { value: Value::Nil, boxed: false };

    pub(crate) fn plain(value: Value) -> Self {
        Self { value, boxed: false }
    }

    pub(crate) fn boxed(value: Value) -> Self {
        Self { value, boxed: true }
    }

    /// Whether it is Go's zero `reflect.Value`.
    pub(crate) fn is_invalid(&self) -> bool {
        !self.boxed && matches!(self.value, Value::Nil)
    }

    /// The static type, as error texts print it.
    pub(crate) fn type_name(&self) -> &'static str {
        if self.boxed { "interface {}" } else { self.value.type_name() }
    }

    /// What is in the interface.
    pub(crate) fn unboxed(mut self) -> Self {
        self.boxed = false;
        self
    }
}

struct Var {
    symbol: u32,
    value: Val,
}

/// The state of one execution, as functions see it.
pub struct Vm<'a> {
    context: Context<'a>,
    set: TemplateSet,
    depth: usize,
    /// How many templates are being executed inside functions.
    nested: usize,
    out: Vec<u8>,
    vars: Vec<Var>,
    recorder: Option<Recorder>,
    /// Takes note of what takes place, where that is asked for.
    tracer: Option<Box<Tracer>>,
    /// Output buffers of nested executions that are not in use, kept for their memory.
    spare_outs: Vec<Vec<u8>>,
    /// The same for argument lists.
    spare: Vec<Vec<Value>>,
    /// The same for Go's own functions.
    spare_vals: Vec<Vec<Val>>,
}

/// Why [`Vm::execute_text`] failed.
#[derive(Debug)]
pub enum TextFailure {
    /// The text does not parse.
    Parse(Box<ParseError>),
    /// Its execution failed.
    Exec(Box<ExecError>),
}

impl<'a> Vm<'a> {
    /// A state for calling functions outside of a template, as tests do.
    pub fn new(set: TemplateSet, context: Context<'a>) -> Self {
        Self {
            context,
            set,
            depth: 0,
            nested: 0,
            out: Vec::new(),
            vars: Vec::new(),
            recorder: None,
            tracer: None,
            spare_outs: Vec::new(),
            spare: Vec::new(),
            spare_vals: Vec::new(),
        }
    }

    /// Files, clock, randomness.
    pub fn world(&self) -> &'a dyn World {
        self.context.world
    }

    /// The caller's own state.
    pub fn host(&self) -> &'a dyn Any {
        self.context.host
    }

    /// The caller's own state as the type it is.
    pub fn host_as<T: 'static>(&self) -> Option<&'a T> {
        self.context.host.downcast_ref()
    }

    /// The templates that are visible where the function was called.
    pub fn set(&self) -> &TemplateSet {
        &self.set
    }

    /// Executes a template of the current set and gives what it wrote: Go's `ExecuteTemplate`, on which `include`
    /// stands.
    ///
    /// # Errors
    /// The error of the template, to be given on as it is.
    pub fn execute_named(&mut self, name: &[u8], data: &Value) -> Result<Str, Failure> {
        let tree = self.find(name)?;
        self.nested(&tree, data).map_err(Failure::Exec)
    }

    /// Parses a text into a copy of the current set, executes it there and gives what it wrote, as `tpl` does.
    ///
    /// # Errors
    /// Those of the parser or of the execution; the caller words what wraps them.
    pub fn execute_text(&mut self, text: &[u8], data: &Value) -> Result<Str, TextFailure> {
        let (set, tree) = self.set.with_text(text).map_err(TextFailure::Parse)?;
        let outer = std::mem::replace(&mut self.set, set);
        let result = self.nested(&tree, data);
        self.set = outer;
        result.map_err(TextFailure::Exec)
    }

    fn find(&self, name: &[u8]) -> Result<Arc<Tree>, Box<ExecError>> {
        self.set.lookup(name).cloned().ok_or_else(|| {
            let quoted = super::text::quote(name, false);
            let message = format!(
                "template: no template {quoted} associated with template {}",
                super::text::quote(self.set.name().as_bytes(), false)
            );
            Box::new(ExecError {
                template: name.into(),
                place: None,
                node: String::new(),
                message,
                cause: Cause::UndefinedTemplate(String::from_utf8_lossy(name).into_owned()),
                prefix: String::new(),
                help: self.like_template(name),
                wrapped: None,
            })
        })
    }

    /// The template that may have been meant.
    #[cold]
    fn like_template(&self, name: &[u8]) -> Option<String> {
        let known: Vec<String> = self.set.templates().iter().map(|tree| String::from_utf8_lossy(&tree.name).into_owned()).collect();
        let close = base::suggest::closest(&String::from_utf8_lossy(name), known.iter().map(String::as_str))?;
        Some(format!("did you mean `{close}`?"))
    }

    fn nested(&mut self, tree: &Arc<Tree>, data: &Value) -> Result<Str, Box<ExecError>> {
        let buffer = self.spare_outs.pop().unwrap_or_default();
        let outer = std::mem::replace(&mut self.out, buffer);
        let recorder = self.recorder.take();
        let scope = self.tracer.as_mut().map(|tracer| tracer.enter());
        self.nested += 1;
        let result = self.run(tree, data);
        self.nested -= 1;
        self.recorder = recorder;
        let mut buffer = std::mem::replace(&mut self.out, outer);
        if let Some((tracer, scope)) = self.tracer.as_mut().zip(scope) {
            tracer.leave(scope, &buffer);
        }
        let written = Str::from(buffer.as_slice());
        buffer.clear();
        self.spare_outs.push(buffer);
        result.map(|()| written)
    }

    /// Executes a tree with `data` as dot and `$`.
    fn run(&mut self, tree: &Tree, data: &Value) -> Result<(), Box<ExecError>> {
        let dot = Val::plain(data.clone());
        self.run_tree(tree, &dot)
    }

    fn run_tree(&mut self, tree: &Tree, dot: &Val) -> Result<(), Box<ExecError>> {
        let base = self.vars.len();
        self.vars.push(Var { symbol: 0, value: dot.clone() });
        let mut state = State { vm: self, tree, at: At::List(&tree.root), base };
        if state.vm.nested > NESTED {
            return Err(state.fail_because(format!("exceeded maximum depth of templates in functions ({NESTED})"), Cause::Nesting));
        }
        let result = state.walk_list(dot, &tree.root);
        self.vars.truncate(base);
        result.map(|_| ())
    }
}
