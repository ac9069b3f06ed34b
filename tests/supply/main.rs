//! Supply against real servers on this machine: what arrives, what must not, and what is said.

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod git;
mod processes;
mod project;
mod provenance;
mod push;
mod registry;
mod repository;
mod server;
