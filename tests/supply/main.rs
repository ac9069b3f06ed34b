//! Supply against real servers on this machine: what arrives, what must not, and what is said.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, and says why it skips")]

mod faults;
mod git;
mod project;
mod registry;
mod repository;
mod server;
