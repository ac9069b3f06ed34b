//! The `sandbox` room: a child process that reads what it may, and can do nothing else.
//!
//! It is this program again, started with an argument that nobody types. What it is to do comes in by a pipe and what came of it
//! goes out by another; before it looks at anything that strangers have written, it gives up the rest ([`confine`]). Whoever
//! started it takes its answers for what a stranger says.

mod confine;
mod process;
pub mod wire;

pub use confine::{Policy, confine, reads};
pub use process::{Heard, Process, Starting, without_inherited_files};
