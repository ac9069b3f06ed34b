#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

pub mod budget;
mod builtins;
pub mod decode;
pub mod encode;
mod entries;
mod exec;
pub mod fmt;
mod func;
mod lex;
mod options;
mod parse;
mod set;
pub mod stack;
mod string;
mod template;
pub mod text;
pub mod time;
mod value;

pub use exec::{Cause, Context, ExecError, Limits, Output, TextFailure, Vm, execute, execute_partly, execute_traced, trace};
pub use func::{Failure, Function, FunctionSet, Param};
pub use options::{GoVersion, MissingKey, Options};
pub use parse::ParseError;
pub use set::{ParsedText, TemplateSet};
pub use template::Template;
pub use value::{Entries, Kind, List, Map, Object, Rare, Str, Value};
