#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod repository;
mod repospec;
mod url;

pub use repospec::{RepoSpec, of_lock, to_lock};
pub use url::{Url, percent_decoded, percent_encoded};

pub use repository::Repository;
