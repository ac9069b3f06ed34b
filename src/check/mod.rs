//! The `check` room: what was rendered, read once as objects, and whether what they refer to is there.
//!
//! [`objects`] parses and indexes, [`validity`] has the rules that each object is held to, [`references`] has one file for each kind of reference, [`promql`] reads queries,
//! [`declared`] is what users say about the world outside, and [`finding`] turns what is wrong into diagnostics.

pub mod declared;
pub mod elsewhere;
pub mod finding;
pub mod labels;
pub mod metrics;
pub mod objects;
pub mod promql;
pub mod references;
pub mod validity;
pub mod value;

pub use declared::{Declared, External};
pub use finding::Written;
pub use references::{Report, check};
