#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod atomic_write;
pub mod bounds;
mod change;
pub mod decision;
pub mod diag;
pub mod git;
pub mod hash;
mod job_queue;
pub mod key;
mod kill_point;
pub mod limits;
pub mod place;
pub mod plain;
pub mod secret;
pub mod suggest;
pub mod taint;
pub mod witness;
pub mod work_tree;
pub mod world;

pub use atomic_write::{Purpose, atomic_create, atomic_write};
pub use bounds::{Bounds, Refusal, is_refused};
pub use change::Change;
pub use diag::{Diagnostic, Frame, Label, Result, Severity, SourceFile};
pub use job_queue::{JobQueue, PendingJob};
pub use key::UserKey;
pub use kill_point::kill_point;
pub use limits::Limits;
pub use witness::Witness;
pub use world::{DiskWorld, FileKind, MemoryWorld, World, go_io_text, go_read_text};
