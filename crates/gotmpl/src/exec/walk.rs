//! Walking the tree: text, actions and control structures.

use std::sync::Arc;

use super::error::{Cause, ExecError};
use super::trace::ScopeKind;
use super::{Val, Var, Vm};
use crate::budget::{self, Spent};
use crate::fmt;
use crate::parse::node::{At, Branch, Call, List, Node, Span, Tree, Variable};
use crate::stack;
use crate::text;
use crate::value::{Rare, Str, Value};

/// The result of executing; the error is boxed to keep it small.
pub(super) type Exec<T> = Result<T, Box<ExecError>>;

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

/// The execution of one template.
pub(super) struct State<'s, 'v> {
    pub vm: &'s mut Vm<'v>,
    pub tree: &'s Tree,
    /// The node an error is reported at: Go's `state.node`, which stays where it was set last.
    pub at: At<'s>,
    /// Where this template's variables start.
    pub base: usize,
}

impl<'s> State<'s, '_> {
    // Errors.

    /// An error at the current node.
    pub(super) fn fail(&self, message: impl Into<String>) -> Box<ExecError> {
        self.fail_because(message, Cause::Other)
    }

    pub(super) fn fail_because(&self, message: impl Into<String>, cause: Cause) -> Box<ExecError> {
        let pos = self.at.pos();
        let node = String::from_utf8_lossy(&self.at.text(&self.tree.file.text)).into_owned();
        let name = text::quote(&self.tree.name, false);
        let prefix = format!("template: {}: executing {name} at <{node}>: ", self.tree.location(pos));
        let end = self.place_end(pos, &node);
        Box::new(ExecError {
            template: Arc::clone(&self.tree.name),
            place: Some((Arc::clone(&self.tree.file), pos..end)),
            node,
            message: message.into(),
            cause,
            prefix,
            help: None,
            wrapped: None,
        })
    }

    /// Where the node ends, as far as its text stands in the source as Go prints it.
    fn place_end(&self, pos: usize, node: &str) -> usize {
        let source = &self.tree.file.text;
        let verbatim = source.get(pos..).is_some_and(|rest| rest.starts_with(node.as_bytes()));
        if verbatim { pos + node.len() } else { (pos + 1).min(source.len()) }
    }

    fn step(&mut self) -> Exec<()> {
        if budget::spend(1) { Ok(()) } else { Err(self.beyond(Spent::Steps)) }
    }

    // Variables.

    pub(super) fn push(&mut self, symbol: u32, value: Val) {
        self.vm.vars.push(Var { symbol, value });
    }

    pub(super) fn set_var(&mut self, variable: &Variable, value: Val) -> Exec<()> {
        let slot = self.vm.vars.iter_mut().skip(self.base).rev().find(|var| var.symbol == variable.symbol);
        match slot {
            Some(var) => {
                var.value = value;
                Ok(())
            }
            None => Err(self.undefined(variable)),
        }
    }

    pub(super) fn var_value(&self, variable: &Variable) -> Exec<Val> {
        let known = self.vm.vars.iter().skip(self.base).rev().find(|var| var.symbol == variable.symbol);
        known.map(|var| var.value.clone()).ok_or_else(|| self.undefined(variable))
    }

    fn undefined(&self, variable: &Variable) -> Box<ExecError> {
        self.fail(format!("undefined variable: {}", String::from_utf8_lossy(variable.name.of(&self.tree.file.text))))
    }

    /// Overwrites the variable `n` from the top.
    fn set_top(&mut self, n: usize, value: Val) {
        let at = self.vm.vars.len().checked_sub(n);
        if let Some(var) = at.and_then(|at| self.vm.vars.get_mut(at)) {
            var.value = value;
        }
    }

    // Nodes.

    pub(super) fn walk_list(&mut self, dot: &Val, list: &'s List) -> Exec<Flow> {
        self.at = At::List(list);
        for node in &list.nodes {
            let flow = self.walk(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn walk(&mut self, dot: &Val, node: &'s Node) -> Exec<Flow> {
        self.at = At::Node(node);
        self.step()?;
        match node {
            Node::Text(span) => self.write_text(*span)?,
            Node::Action(action) => {
                let mark = self.vm.tracer.as_ref().map(|tracer| tracer.mark());
                let value = self.eval_pipeline(dot, &action.pipe)?;
                if let Some((tracer, mark)) = self.vm.tracer.as_mut().zip(mark) {
                    if action.pipe.decl.is_empty() {
                        tracer.whole(&value.value);
                    }
                    tracer.piece(mark, self.vm.out.len(), self.tree, action.pos, false);
                }
                if action.pipe.decl.is_empty() {
                    self.at = At::Node(node);
                    self.print(action.pos, &value.value)?;
                }
            }
            Node::If(branch) => return self.walk_if_or_with(dot, branch, false),
            Node::With(branch) => return self.walk_if_or_with(dot, branch, true),
            Node::Range(branch) => return self.walk_range(dot, node, branch),
            Node::Template(call) => self.walk_template(dot, call)?,
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn write_text(&mut self, span: Span) -> Exec<()> {
        if let Some(recorder) = &mut self.vm.recorder {
            recorder.note(self.vm.out.len(), self.tree, span.start, true);
        }
        if let Some(tracer) = &mut self.vm.tracer {
            tracer.piece(tracer.mark(), self.vm.out.len(), self.tree, span.start, true);
        }
        let bytes = span.of(&self.tree.file.text);
        self.vm.out.extend_from_slice(bytes);
        self.count(bytes.len())
    }

    fn count(&mut self, written: usize) -> Exec<()> {
        if budget::grow(written) { Ok(()) } else { Err(self.beyond(Spent::Bytes)) }
    }

    /// The error for a limit that was reached.
    #[cold]
    pub(super) fn beyond(&self, spent: Spent) -> Box<ExecError> {
        let limits = self.vm.context.limits;
        let message = match spent {
            Spent::Steps => format!("execution exceeds {} steps", limits.steps),
            Spent::Bytes => format!("output exceeds {} bytes", limits.output),
            Spent::Beyond(exceeded) => format!("execution takes {exceeded}"),
        };
        self.fail_because(message, Cause::Limit(spent))
    }

    fn print(&mut self, pos: u32, value: &Value) -> Exec<()> {
        let before = self.vm.out.len();
        if let Some(recorder) = &mut self.vm.recorder {
            recorder.note(before, self.tree, pos, false);
        }
        let printed = fmt::print_value(&mut self.vm.out, value);
        if let Some(spent) = budget::spent() {
            return Err(self.beyond(spent));
        }
        if !printed {
            return Err(self.fail_because("value nests too deep to be printed", Cause::Nesting));
        }
        self.count(self.vm.out.len() - before)
    }

    fn walk_if_or_with(&mut self, dot: &Val, branch: &'s Branch, with: bool) -> Exec<Flow> {
        self.guard()?;
        let mark = self.vm.vars.len();
        let value = self.eval_pipeline(dot, &branch.pipe)?;
        let outer = self.open(if with { ScopeKind::With } else { ScopeKind::If }, branch);
        let flow = match (value.value.truth(), &branch.otherwise) {
            (true, _) => self.walk_list(if with { &value } else { dot }, &branch.list),
            (false, Some(otherwise)) => self.walk_list(dot, otherwise),
            (false, None) => Ok(Flow::Next),
        };
        self.close(outer);
        self.vm.vars.truncate(mark);
        flow
    }

    /// Tells the tracer, where there is one, what stands around what follows; what it gives is for [`Self::close`].
    fn open(&mut self, kind: ScopeKind, branch: &Branch) -> Option<Option<usize>> {
        let (tracer, tree) = (self.vm.tracer.as_mut()?, self.tree);
        Some(tracer.open(kind, tree, At::Pipe(&branch.pipe).pos()))
    }

    fn close(&mut self, outer: Option<Option<usize>>) {
        if let Some((tracer, outer)) = self.vm.tracer.as_mut().zip(outer) {
            tracer.close(outer);
        }
    }

    /// Refuses to go deeper than the stack allows.
    pub(super) fn guard(&self) -> Exec<()> {
        if stack::exhausted() {
            return Err(self.fail_because(format!("exceeded maximum template depth ({})", self.vm.context.limits.depth), Cause::Nesting));
        }
        Ok(())
    }

    fn walk_range(&mut self, dot: &Val, node: &'s Node, branch: &'s Branch) -> Exec<Flow> {
        self.guard()?;
        self.at = At::Node(node);
        let outer = self.vm.vars.len();
        let value = self.eval_pipeline(dot, &branch.pipe)?;
        let around = self.open(ScopeKind::Range, branch);
        if let Some(tracer) = &mut self.vm.tracer {
            tracer.range(&value.value);
        }
        let ran = self.iterate(&value.value, branch)?;
        let flow = match &branch.otherwise {
            Some(otherwise) if !ran => self.walk_list(dot, otherwise)?,
            _ => Flow::Next,
        };
        self.close(around);
        self.vm.vars.truncate(outer);
        // In Go a `break` ends the innermost range that is being walked, and in its `else` that is still this one.
        Ok(if flow == Flow::Continue { flow } else { Flow::Next })
    }

    /// Runs the body for each element; whether there was one.
    fn iterate(&mut self, value: &Value, branch: &'s Branch) -> Exec<bool> {
        match value {
            Value::Nil => Ok(false),
            Value::List(list) => {
                let boxed = list.has_interface_elements();
                let count = list.len();
                for index in 0..count {
                    let Some(element) = list.items().get(index).cloned() else { break };
                    let index = Val::plain(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                    if self.iteration(branch, index, Val { value: element, boxed })? == Flow::Break {
                        break;
                    }
                }
                Ok(count > 0)
            }
            Value::Map(map) => {
                let boxed = map.has_interface_elements();
                let entries: Vec<(Str, Value)> = map.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                let ran = !entries.is_empty();
                for (key, value) in entries {
                    if self.iteration(branch, Val::plain(Value::Str(key)), Val { value, boxed })? == Flow::Break {
                        break;
                    }
                }
                Ok(ran)
            }
            Value::Int(count) if self.counts() => self.count_up(branch, i128::from(*count), value, Value::Int),
            Value::Int64(count) if self.counts() => self.count_up(branch, i128::from(*count), value, Value::Int64),
            Value::Rare(rare) => self.iterate_rare(rare, value, branch),
            _ => Err(self.cannot_range(value)),
        }
    }

    fn counts(&self) -> bool {
        self.vm.set.options().go.ranges_over_integers()
    }

    fn cannot_range(&self, value: &Value) -> Box<ExecError> {
        let mut shown = Vec::new();
        fmt::print_value(&mut shown, &value.clone().passed());
        self.fail(format!("range can't iterate over {}", String::from_utf8_lossy(&shown)))
    }

    fn iterate_rare(&mut self, rare: &Rare, value: &Value, branch: &'s Branch) -> Exec<bool> {
        match rare {
            Rare::Integer(name, kind, count) if self.counts() => {
                let (name, kind) = (*name, *kind);
                self.count_up(branch, *count, value, move |at| Value::Rare(std::rc::Rc::new(Rare::Integer(name, kind, i128::from(at)))))
            }
            Rare::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    let index = Val::plain(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                    if self.iteration(branch, index, Val::plain(Value::byte(*byte)))? == Flow::Break {
                        break;
                    }
                }
                Ok(!bytes.is_empty())
            }
            Rare::Object(object) => match object.inner() {
                Some(inner) => self.iterate(&inner, branch),
                None => Err(self.cannot_range(value)),
            },
            _ => Err(self.cannot_range(value)),
        }
    }

    fn count_up(&mut self, branch: &'s Branch, count: i128, value: &Value, make: impl Fn(i64) -> Value) -> Exec<bool> {
        if branch.pipe.decl.len() > 1 {
            return Err(self.fail(format!("can't use {} to iterate over more than one variable", fmt::to_text(value))));
        }
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        for at in 0..count {
            if self.iteration(branch, Val::INVALID, Val::plain(make(at)))? == Flow::Break {
                break;
            }
        }
        Ok(count > 0)
    }

    fn iteration(&mut self, branch: &'s Branch, index: Val, element: Val) -> Exec<Flow> {
        self.step()?;
        match &*branch.pipe.decl {
            [] => {}
            [only] if branch.pipe.assign => self.set_var(only, element.clone())?,
            [_] => self.set_top(1, element.clone()),
            [first, second, ..] if branch.pipe.assign => {
                self.set_var(first, index)?;
                self.set_var(second, element.clone())?;
            }
            _ => {
                self.set_top(1, element.clone());
                self.set_top(2, index);
            }
        }
        let mark = self.vm.vars.len();
        let flow = self.walk_list(&element, &branch.list)?;
        self.vm.vars.truncate(mark);
        Ok(flow)
    }

    fn walk_template(&mut self, dot: &Val, call: &'s Call) -> Exec<()> {
        let Some(tree) = self.vm.set.lookup(&call.name).cloned() else {
            let cause = Cause::UndefinedTemplate(String::from_utf8_lossy(&call.name).into_owned());
            let mut error = self.fail_because(format!("template {} not defined", text::quote(&call.name, false)), cause);
            error.help = self.vm.like_template(&call.name);
            return Err(error);
        };
        if self.vm.depth >= self.vm.context.limits.depth {
            return Err(self.fail_because(format!("exceeded maximum template depth ({})", self.vm.context.limits.depth), Cause::Nesting));
        }
        self.guard()?;
        let dot = match &call.pipe {
            Some(pipe) => self.eval_pipeline(dot, pipe)?,
            None => Val::INVALID,
        };
        self.vm.depth += 1;
        let outer = self.vm.tracer.as_mut().map(|tracer| tracer.open(ScopeKind::Template, self.tree, call.pos as usize));
        let result = self.vm.run_tree(&tree, &dot);
        self.close(outer);
        self.vm.depth -= 1;
        result
    }
}
