//! The commands, one file each: help, arguments, work and messages in one place.

pub mod completions;
pub mod helm;
pub mod kustomize;
pub mod man;
pub mod render;
