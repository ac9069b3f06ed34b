//! What a template function is: a name, the Go types of its parameters, and the code.

use super::exec::Vm;
use super::value::Value;

/// The declared Go type of a parameter. The executor converts and checks arguments against it before the call, with
/// Go's error texts (`wrong type for value; expected string; got int`), so that a function may rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Go's own")]
pub enum Param {
    /// `interface {}`: anything, nil included.
    Any,
    Bool,
    Int,
    Int32,
    Int64,
    Uint8,
    Float64,
    String,
    /// `[]interface {}`
    List,
    /// `[]string`
    Strings,
    /// `[]uint8`
    Bytes,
    /// `map[string]interface {}`
    Map,
    /// `error`
    Error,
    /// `time.Time`
    Time,
    /// `time.Duration`
    Duration,
    /// `reflect.Value`: anything, without being unwrapped.
    Reflect,
    /// Another named type, matched by `type_name`.
    Named(&'static str),
}

/// A function of the table, or a method of an `Object` (then `receiver` is the object).
pub struct Function {
    /// The name in templates.
    pub name: &'static str,
    /// The types of the parameters; of a variadic function the last one is the type of one further argument.
    pub params: &'static [Param],
    /// Whether the last parameter is `...T`.
    pub variadic: bool,
    /// The code. `args` are checked against `params`; for a method `args[0]` is the receiver.
    pub run: fn(&mut Vm<'_>, &[Value]) -> Result<Value, Failure>,
}

/// Why a function failed.
#[derive(Debug)]
pub enum Failure {
    /// The text of the Go error returned; the executor wraps it as `error calling NAME: TEXT`.
    Message(String),
    /// An error of a template that the function executed (`include`, `tpl`), with its stack.
    Exec(Box<super::exec::ExecError>),
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Message(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Message(text.to_owned())
    }
}
