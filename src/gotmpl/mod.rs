//! The `gotmpl` room: Go's text/template as Go executes it.

pub mod budget;
mod builtins;
pub mod decode;
pub mod encode;
mod entries;
pub mod exec;
pub mod fmt;
pub mod func;
mod lex;
pub mod parse;
pub mod set;
pub mod stack;
mod string;
pub mod text;
pub mod time;
pub mod value;

pub use exec::{Context, ExecError, Limits, Output, Vm, execute};
pub use func::{Failure, Function, FunctionSet, Param};
pub use parse::ParseError;
pub use set::{GoVersion, MissingKey, Options, ParsedText, TemplateSet};
pub use value::{Entries, Kind, List, Map, Object, Rare, Str, Value};
