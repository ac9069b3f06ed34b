#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod canonical;
pub mod dangers;
mod difference;
pub mod formats;
mod groups;
mod mask;
mod noise;
mod object;
mod pairing;
mod path;
mod review;
mod schema;
pub mod unified;
mod value;
mod view;

pub use canonical::canonical;
pub use dangers::{Finding, Level};
pub use difference::{ChangeKind, FieldChange};
pub use groups::{Group, groups};
pub use noise::Noise;
pub use object::{Object, title};
pub use pairing::Kinship;
pub use path::{Path, Step};
pub use review::{FileDiff, Input, ObjectChange, OtherFile, Review, SameFile, review};
pub use view::{Counts, Shown, Verdict};
