//! The transformers, one file each.

pub mod annotations;
pub mod hash;
pub mod images;
pub mod json_patch;
pub mod labels;
pub mod merge_patch;
pub mod namerefs;
pub mod names;
pub mod namespace;
pub mod patches;
pub mod replacements;
pub mod replicas;
pub mod value_add;
pub mod variables;
