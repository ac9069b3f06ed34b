//! The executor: walks a parsed template over a value and writes what it gives.

use crate::base::World;

/// The state of one execution, as functions see it.
pub struct Vm<'a> {
    world: &'a dyn World,
}

impl<'a> Vm<'a> {
    /// Files, clock, randomness.
    pub fn world(&self) -> &'a dyn World {
        self.world
    }
}

/// An error while executing, with Go's text and the stack of templates.
#[derive(Debug)]
pub struct ExecError {
    /// Go's own text: `template: file:line:col: executing "t" at <.x>: …`.
    pub text: String,
}
