#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod age_file;
mod cipher;
mod error;
mod file;
mod format;
mod keys;
mod metadata;
mod rule;
mod tree;
mod walk;

pub use age_file::decrypt_age;
pub use error::Error;
pub use file::{Settings, decrypt, encrypt, has_same_plain_parts, is_encrypted, recipients, redact, update};
pub use format::Format;
pub use keys::{Identities, check_recipient, new_key};
pub use rule::Rule;

/// The version of SOPS whose files these are.
pub const VERSION: &str = "3.13.2";
