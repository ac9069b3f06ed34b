//! The `source` room: what a component is made of, and the engines that render it.

pub mod compose;
pub mod data;
pub mod document;
pub mod helm;
pub mod helmfile;
pub mod identity;
pub mod jinja;
pub mod kustomize;
pub mod raw;

pub use document::{Document, Identity, Origin};
