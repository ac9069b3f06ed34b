//! The `chart` room: loading charts, their dependencies and their supply.

pub mod acquire;
pub mod lockfile;
