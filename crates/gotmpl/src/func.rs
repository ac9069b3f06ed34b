//! What a template function is: a name, the Go types of its parameters, and the code.

use super::builtins::Builtin;
use super::exec::{ExecError, Vm};
use super::parse::node::Callee;
use super::value::{Kind, Value};

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
    Uint32,
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

impl Param {
    /// The type, as error texts print it.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::List => "[]interface {}",
            Self::Strings => "[]string",
            Self::Bytes => "[]uint8",
            Self::Map => "map[string]interface {}",
            Self::Error => "error",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::Reflect => "reflect.Value",
            Self::Named(name) => name,
        }
    }

    /// The kind of its type, as far as constants ask for it.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Any | Self::Error => Kind::Interface,
            Self::Bool => Kind::Bool,
            Self::Int => Kind::Int,
            Self::Int32 => Kind::Int32,
            Self::Int64 | Self::Duration => Kind::Int64,
            Self::Uint8 => Kind::Uint8,
            Self::Uint32 => Kind::Uint32,
            Self::Float64 => Kind::Float64,
            Self::String => Kind::String,
            Self::List | Self::Strings | Self::Bytes => Kind::Slice,
            Self::Map => Kind::Map,
            Self::Time | Self::Reflect | Self::Named(_) => Kind::Struct,
        }
    }

    /// Whether an untyped nil can be given for it.
    pub(super) fn can_be_nil(self) -> bool {
        match self {
            Self::Any | Self::List | Self::Strings | Self::Bytes | Self::Map | Self::Error | Self::Reflect => true,
            Self::Named(name) => name.starts_with(['*', '[']) || name.starts_with("map["),
            _ => false,
        }
    }
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
    /// Why Go does not call it at all: the text of the executor's error.
    Uncallable(String),
    /// An error of a template that the function executed (`include`, `tpl`), with its stack.
    Exec(Box<ExecError>),
    /// An error that wraps another one: `prefix` and then the text of `cause` (Go's `fmt.Errorf("…: %w", err)`).
    Wrapped {
        /// What stands before the text of the cause.
        prefix: String,
        /// The error that was wrapped.
        cause: Box<Failure>,
    },
}

impl Failure {
    /// The failure wrapped in a further text, which should end in `: `.
    #[must_use]
    pub fn wrap(self, prefix: impl Into<String>) -> Self {
        Self::Wrapped { prefix: prefix.into(), cause: Box::new(self) }
    }

    /// The whole text, as Go's `Error()` gives it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.append_text(&mut out);
        out
    }

    /// Appends the whole text.
    pub(super) fn append_text(&self, out: &mut String) {
        self.append_start(out, usize::MAX);
    }

    /// Appends the text without that of errors which are wrapped more often than `levels` times.
    pub(super) fn append_start(&self, out: &mut String, levels: usize) {
        match self {
            Self::Message(text) | Self::Uncallable(text) => out.push_str(text),
            Self::Exec(error) => error.append_start(out, levels),
            Self::Wrapped { prefix, cause } => {
                out.push_str(prefix);
                if levels > 0 {
                    cause.append_start(out, levels - 1);
                }
            }
        }
    }

    /// The error of a template underneath, if there is one.
    pub(crate) fn exec_error(&self) -> Option<&ExecError> {
        match self {
            Self::Message(_) | Self::Uncallable(_) => None,
            Self::Exec(error) => Some(error),
            Self::Wrapped { cause, .. } => cause.exec_error(),
        }
    }
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

impl From<Box<ExecError>> for Failure {
    fn from(error: Box<ExecError>) -> Self {
        Self::Exec(error)
    }
}

/// The functions that templates may call, composed of static tables once and looked up while parsing.
///
/// Go's own functions (`and`, `eq`, `printf`, …) are always there and give way to others of the same name.
pub struct FunctionSet {
    /// Sorted by name.
    functions: Vec<&'static Function>,
    /// By type name.
    methods: Vec<(&'static str, &'static [Function])>,
    names: Names,
}

/// What a name stands for: templates call functions far more often than there are functions, so a name is looked up by a
/// hash, with open addressing.
struct Names {
    callees: Vec<(&'static [u8], Callee)>,
    /// Positions in `callees` plus one; zero is free.
    slots: Vec<u16>,
}

impl Names {
    /// The first of two of the same name counts.
    fn of(callees: Vec<(&'static [u8], Callee)>) -> Self {
        let slots = vec![0; (callees.len() * 2).next_power_of_two()];
        let mut names = Self { callees, slots };
        for (position, (name, _)) in (1..).zip(&names.callees) {
            if let Err(free) = find_slot(&names.slots, &names.callees, name)
                && let Some(slot) = names.slots.get_mut(free)
            {
                *slot = position;
            }
        }
        names
    }

    fn find(&self, name: &[u8]) -> Option<Callee> {
        find_slot(&self.slots, &self.callees, name).ok()
    }
}

/// What the name stands for, or the slot that is free for it.
fn find_slot(slots: &[u16], callees: &[(&'static [u8], Callee)], name: &[u8]) -> Result<Callee, usize> {
    // FNV-1a, for names of a few bytes.
    let hash = name.iter().fold(0x811C_9DC5_u32, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut slot = hash as usize;
    loop {
        // At least half of the slots are free, whose number is a power of two.
        slot &= slots.len() - 1;
        match slots.get(slot).and_then(|&position| callees.get(usize::from(position).checked_sub(1)?)) {
            None => return Err(slot),
            Some((known, callee)) if *known == name => return Ok(*callee),
            Some(_) => slot += 1,
        }
    }
}

impl FunctionSet {
    /// The functions of some tables; of two with the same name the later one counts.
    pub fn new(tables: &[&'static [Function]]) -> Self {
        let mut all = std::collections::BTreeMap::new();
        for function in tables.iter().copied().flatten() {
            all.insert(function.name, function);
        }
        Self::of(all.into_values().collect(), Vec::new())
    }

    fn of(functions: Vec<&'static Function>, methods: Vec<(&'static str, &'static [Function])>) -> Self {
        let own = functions.iter().map(|function| (function.name.as_bytes(), Callee::Function(function)));
        let builtins = Builtin::all().map(|builtin| (builtin.name().as_bytes(), Callee::Builtin(builtin)));
        let names = Names::of(own.chain(builtins).collect());
        Self { functions, methods, names }
    }

    /// The set with a further table, whose functions replace those of the same names.
    #[must_use]
    pub fn with(self, table: &'static [Function]) -> Self {
        let mut functions = self.functions;
        functions.retain(|function| table.iter().all(|other| other.name != function.name));
        functions.extend(table);
        functions.sort_by_key(|function| function.name);
        Self::of(functions, self.methods)
    }

    /// The set with methods for values of a type that are not an `Object`: `time.Time`, a named map type, …
    #[must_use]
    pub fn with_methods(mut self, type_name: &'static str, methods: &'static [Function]) -> Self {
        self.methods.push((type_name, methods));
        self
    }

    /// The names of all functions of the tables, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.functions.iter().map(|function| function.name)
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Callee> {
        self.names.find(name)
    }

    pub(super) fn method(&self, type_name: &str, name: &[u8]) -> Option<&'static Function> {
        // They are few, and seldom of the same length.
        let of_type = self.methods.iter().filter(|(known, _)| *known == type_name);
        of_type.flat_map(|(_, methods)| *methods).find(|method| method.name.as_bytes() == name)
    }
}

impl std::fmt::Debug for FunctionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
