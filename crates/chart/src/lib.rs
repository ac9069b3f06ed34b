#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod archive;
mod directory;
mod ignore;
mod load;
mod metadata;
mod model;
mod pathmatch;
mod shape;
mod values;

pub use shape::{Shape, Struct, conform, error_line};
pub use values::{decode_values, merge_maps};

pub use archive::{load_archive, unpack};
pub use load::{from_files, load};
pub use model::{Chart, Dependency, File, Given, Import, ImportPath, Level, Maintainer, Metadata, Parsed};
pub use pathmatch::matches as matches_path;
