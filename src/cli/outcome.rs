//! How a command ends: its exit code, or everything that went wrong.

use std::process::ExitCode;

use hydrate_base::Diagnostic;

/// How a command ended; the exit codes are part of the interface (docs/commands.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or in sync.
    Success,
    /// 1: something failed; what, was reported.
    Failure,
    /// 2: `check` found the tree stale.
    Stale,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Stale => 2,
        })
    }
}

/// Everything that went wrong in a command; never empty.
#[derive(Debug)]
pub struct Failures(pub Vec<Box<Diagnostic>>);

impl From<Box<Diagnostic>> for Failures {
    fn from(one: Box<Diagnostic>) -> Self {
        Self(vec![one])
    }
}

impl From<Vec<Box<Diagnostic>>> for Failures {
    fn from(all: Vec<Box<Diagnostic>>) -> Self {
        Self(all)
    }
}

/// What a command returns: an exit code, or everything that went wrong.
pub type Outcome = Result<Exit, Failures>;
