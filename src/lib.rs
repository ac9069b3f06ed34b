//! hydrate renders components (Helm charts, kustomizations, templates) per environment into plain YAML.
//!
//! This package is the application; the engines that render are crates of their own under `crates/`. The modules are listed by
//! name, `docs/architecture.md` has them from top to bottom: a module imports only those further down.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

pub mod affected;
pub mod check;
pub mod cli;
pub mod explain;
pub mod git;
pub mod gitops;
pub mod import;
pub mod pipeline;
pub mod project;
pub mod sandbox;
pub mod tree;
