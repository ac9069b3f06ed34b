//! The `base` room: what every other room stands on.

pub mod bounds;
pub mod diag;
pub mod errands;
pub mod fate;
pub mod git;
pub mod hash;
pub mod key;
pub mod limits;
pub mod place;
pub mod plain;
pub mod secret;
pub mod suggest;
pub mod whole;
pub mod work_tree;
pub mod world;

pub use bounds::{Bounds, Refusal, is_refused};
pub use diag::{Diagnostic, Frame, Label, Result, Severity, SourceFile};
pub use errands::{Errand, Errands};
pub use fate::Fate;
pub use key::UserKey;
pub use limits::Limits;
pub use world::{DiskWorld, FileKind, MemoryWorld, World, go_io_text, go_read_text};
