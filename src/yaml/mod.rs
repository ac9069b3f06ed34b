//! The `yaml` room: YAML as Go's libraries read and write it.
pub mod emit;
pub mod node;
