#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod ast;
mod check;
mod cost;
mod declarations;
mod eval;
mod lex;
mod library;
mod parse;
pub mod schema;
mod text;
mod time;
mod ty;
mod validators;
mod value;

use std::collections::BTreeMap;

pub use cost::Estimate;
pub use lex::Fault;
pub use library::quantity::quantity_suffix;
pub use ty::{Field, Size, Struct, Type};
pub use value::{EvalError, Key, List, ListKind, Map, Moment, Value};

use ast::Expr;

/// What came to the language with releases of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    Standard,
    Optional,
    /// `first`, `last`, `unwrap`
    OptionalLists,
    /// Addresses and ranges of them.
    Net,
    /// Named formats; selectors of authorizers.
    Format,
    TwoVariables,
    Semver,
    /// cel-go's own functions of lists.
    Lists,
    Includes,
}

/// Which functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// The minor release whose functions may be used.
    compatible: u32,
    /// The minor release of the API server.
    minor: u32,
}

impl Features {
    /// Those that new expressions may use in this minor release of Kubernetes: what the release before it knows too.
    pub fn created(minor: u32) -> Self {
        Self { compatible: minor.saturating_sub(1), minor }
    }

    /// Those that expressions may use that are already there.
    pub fn stored(minor: u32) -> Self {
        Self { compatible: minor, minor }
    }

    pub(crate) fn has(self, library: Library) -> bool {
        match library {
            Library::Standard | Library::Optional => true,
            Library::Net => self.compatible >= 30,
            Library::Format => self.compatible >= 31,
            Library::TwoVariables => self.compatible >= 32,
            Library::Semver => self.compatible >= 33,
            Library::Lists => self.compatible >= 34,
            Library::Includes => self.compatible >= 37,
            // These came with a newer version of cel-go, for all expressions.
            Library::OptionalLists => self.minor >= 32,
        }
    }

    /// A field of an object; words of the language may be written plainly since 1.31.
    pub(crate) fn field<'s>(self, of: &'s Struct, name: &str) -> Option<&'s Field> {
        let plain = of.fields.get(name);
        plain.or_else(|| of.fields.get(&format!("__{name}__")).filter(|_| self.compatible >= 31 && schema::is_reserved(name)))
    }
}

/// The names that expressions may use, with their types.
#[derive(Debug, Clone)]
pub struct Environment {
    features: Features,
    variables: BTreeMap<String, Type>,
    sizes: BTreeMap<String, Size>,
}

/// An expression that can be evaluated.
#[derive(Debug)]
pub struct Program {
    root: Expr,
    notes: check::Notes,
    plan: eval::Plan,
}

/// What an evaluation gave, and what it cost.
#[derive(Debug)]
pub struct Outcome {
    /// The value.
    pub value: Result<Value, EvalError>,
    /// Its cost, in the units of the API server.
    pub cost: u64,
}

impl Environment {
    /// One without names.
    pub fn new(features: Features) -> Self {
        Self { features, variables: BTreeMap::new(), sizes: BTreeMap::new() }
    }

    /// One with one more name.
    #[must_use]
    pub fn with(mut self, name: &str, ty: Type, size: Option<Size>) -> Self {
        self.variables.insert(name.to_owned(), ty);
        if let Some(size) = size {
            self.sizes.insert(name.to_owned(), size);
        }
        self
    }

    /// Reads an expression and finds its types.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(&self, text: &str) -> Result<Program, Vec<Fault>> {
        let mut parsed = parse::parse(text, self.features).map_err(|fault| vec![fault])?;
        let notes = check::check(&mut parsed.root, &parsed.positions, &self.variables, self.features)?;
        validators::check(&parsed.root, &parsed.positions, &notes)?;
        let plan = eval::Plan::new(&parsed.root).map_err(|fault| vec![fault])?;
        Ok(Program { root: parsed.root, notes, plan })
    }
}

impl Program {
    /// The type of its values.
    pub fn ty(&self) -> &Type {
        self.notes.types.get(self.root.id).unwrap_or(&Type::Dyn)
    }

    /// Whether it uses a variable.
    pub fn uses(&self, name: &str) -> bool {
        self.plan.uses(name)
    }

    /// Evaluates it with these variables and at most this cost.
    pub fn evaluate(&self, variables: &dyn Variables, limit: u64) -> Outcome {
        eval::evaluate(&self.root, &self.notes, &self.plan, variables, limit)
    }

    /// What it costs at the least and at the most, by the sizes of the environment's variables.
    pub fn estimate(&self, environment: &Environment) -> Estimate {
        cost::estimate(&self.root, &self.notes, &environment.sizes)
    }
}

/// Where the values of variables come from.
pub trait Variables {
    /// The value of a variable; `None` where there is none.
    fn get(&self, name: &str) -> Option<Result<Value, EvalError>>;
}

impl Variables for BTreeMap<String, Value> {
    fn get(&self, name: &str) -> Option<Result<Value, EvalError>> {
        BTreeMap::get(self, name).cloned().map(Ok)
    }
}
