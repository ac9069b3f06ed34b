//! The `gotmpl` room: Go's text/template as Go executes it.

pub mod encode;
pub mod exec;
pub mod fmt;
pub mod func;
pub mod value;

pub use func::{Failure, Function, Param};
pub use value::{Kind, List, Map, Object, Rare, Str, Value};
