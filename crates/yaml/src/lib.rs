#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

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
