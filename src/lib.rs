//! hydrate renders components (Helm charts, kustomizations, templates) per environment into plain YAML.
//!
//! The rooms below are listed from top to bottom: a room imports only rooms further down.
//! `tests/layering.rs` holds that line, `docs/architecture.md` explains it.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

pub mod base;
pub mod chart;
pub mod check;
pub mod cli;
pub mod diff;
pub mod git;
pub mod gitops;
pub mod gotmpl;
pub mod pipeline;
pub mod project;
pub mod sandbox;
pub mod source;
pub mod sprig;
pub mod tree;
pub mod yaml;
