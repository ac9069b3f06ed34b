//! Supply against real servers on this machine: what arrives, what must not, and what is said.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod faults;
mod git;
mod project;
mod registry;
mod repository;
mod server;
