//! The `yaml` room: YAML as Go's libraries read and write it.
//!
//! Reading goes `Input` (bytes to checked text) → `scan` (tokens) → `parse` (events) and from there either to
//! `decode` (the caller's own values, as `sigs.k8s.io/yaml` builds them) or to `compose` (nodes that keep comments).

pub mod block;
pub mod compose;
pub mod decode;
pub mod emit;
mod input;
pub mod node;
mod parse;
pub mod resolve;
mod scan;
mod tree;

pub use input::lossy;
pub use scan::MAX_DEPTH;

pub use compose::{Composer, compose};
pub use decode::{Build, DecodeError, Options, Scalar, Unfit, decode, decode_all};
pub use input::Input;
pub use parse::{Event, EventKind, Parser};
pub use scan::{Error, Mark};

/// Which of Go's two YAML libraries is followed where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `go.yaml.in/yaml/v2` 2.4, under `sigs.k8s.io/yaml`: what Helm reads values and charts with.
    V2,
    /// `go.yaml.in/yaml/v3` 3.0.4: what kustomize reads resources with.
    V3,
}
