//! The `source` room: what a component is made of, and the engines that render it.

pub mod helm;
pub mod helmfile;
pub mod kustomize;
