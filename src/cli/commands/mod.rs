//! The commands, one file each: help, arguments, work and messages in one place.

pub mod cache;
pub mod check;
pub mod commit;
pub mod completions;
pub mod diff;
pub mod fetch;
pub mod graph;
pub mod helm;
pub mod hook;
pub mod init;
pub mod kustomize;
pub mod list;
pub mod lock;
pub mod man;
pub mod outdated;
pub mod render;
pub mod schema;
pub mod values;
pub mod vendor;
