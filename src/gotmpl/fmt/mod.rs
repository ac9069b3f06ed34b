//! Go's `fmt` and `strconv`: values as text.

pub mod duration;
pub mod float;
