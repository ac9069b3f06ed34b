//! The `gotmpl` room: Go's text/template as Go executes it.

pub mod budget;
mod builtins;
pub mod decode;
pub mod encode;
mod entries;
mod exec;
pub mod fmt;
mod func;
mod lex;
mod parse;
mod set;
pub mod stack;
mod string;
pub mod text;
pub mod time;
mod value;

pub use exec::{Cause, Context, ExecError, Limits, Output, TextFailure, Vm, execute};
pub use func::{Failure, Function, FunctionSet, Param};
pub use parse::ParseError;
pub use set::{GoVersion, MissingKey, Options, ParsedText, TemplateSet};
pub use value::{Entries, Kind, List, Map, Object, Rare, Str, Value};
