//! Types, and when a value of one may stand where another is asked for (cel-go's `checker/types.go`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type of the language.
#[derive(Debug, Clone)]
pub enum Type {
    /// Anything; what it is shows when it is evaluated.
    Dyn,
    /// What something that is wrong has.
    Error,
    /// `null`
    Null,
    /// `bool`
    Bool,
    /// `int`, of 64 bits.
    Int,
    /// `uint`, of 64 bits.
    Uint,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `google.protobuf.Duration`
    Duration,
    /// `google.protobuf.Timestamp`
    Timestamp,
    /// `list(T)`
    List(Arc<Type>),
    /// `map(K, V)`
    Map(Arc<(Type, Type)>),
    /// The type of types; of which one where that is known.
    Type(Option<Arc<Type>>),
    /// An object with fields.
    Struct(Arc<Struct>),
    /// A type that has nothing but functions: `optional_type(T)`, `net.IP`.
    Opaque(&'static str, Vec<Type>),
    /// A type of a library that is compared in one step: `kubernetes.Quantity`.
    Library(&'static str),
    /// What stands for a type in a signature.
    Param(u32),
}

/// An object with fields.
#[derive(Debug)]
pub struct Struct {
    /// What it is called, which no expression can say.
    pub name: String,
    /// Its fields, by the names that expressions use.
    pub fields: BTreeMap<String, Field>,
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    /// The type of its values.
    pub ty: Type,
    /// How large they can be.
    pub size: Size,
}

/// How large the values of a type can be, and what it takes to write the least of them: what costs are estimated from.
#[derive(Debug, Clone, Default)]
pub struct Size {
    /// The most characters, items or entries.
    pub most: u64,
    /// That of the items or values.
    pub items: Option<Arc<Size>>,
    /// That of the keys.
    pub keys: Option<Arc<Size>>,
    /// Those of the fields.
    pub fields: BTreeMap<String, Size>,
    /// The bytes that the least value takes as JSON.
    pub least_bytes: u64,
}

impl Type {
    /// `list(item)`
    pub fn list(item: Self) -> Self {
        Self::List(Arc::new(item))
    }

    /// `map(key, value)`
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new((key, value)))
    }

    /// `optional_type(value)`
    pub fn optional(value: Self) -> Self {
        Self::Opaque(OPTIONAL, vec![value])
    }

    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn)
    }

    fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// What is in an optional.
    pub(crate) fn unwrapped(&self) -> Option<&Self> {
        match self {
            Self::Opaque(OPTIONAL, of) => of.first(),
            _ => None,
        }
    }

    /// The name that `type(x)` gives.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Dyn | Self::Param(_) => "dyn",
            Self::Error => "*error*",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "google.protobuf.Duration",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Type(_) => "type",
            Self::Struct(of) => &of.name,
            Self::Opaque(name, _) | Self::Library(name) => name,
        }
    }

    /// Whether a value of it always has the same size.
    pub(crate) fn is_scalar(&self) -> bool {
        match self {
            Self::Bool | Self::Double | Self::Duration | Self::Int | Self::Timestamp | Self::Uint => true,
            Self::Opaque(OPTIONAL, of) => of.first().is_some_and(Self::is_scalar),
            _ => false,
        }
    }
}

/// The name of the type of optional values.
pub(crate) const OPTIONAL: &str = "optional_type";

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Struct(a), Self::Struct(b)) => Arc::ptr_eq(a, b) || a.name == b.name,
            (Self::Opaque(a, of), Self::Opaque(b, others)) => a == b && of == others,
            (Self::Library(a), Self::Library(b)) => a == b,
            (Self::Param(a), Self::Param(b)) => a == b,
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(of) => write!(f, "map({}, {})", of.0, of.1),
            Self::Type(Some(of)) => write!(f, "type({of})"),
            Self::Struct(of) => write!(f, "{}", if of.name.starts_with("self") { "object" } else { of.name.as_str() }),
            Self::Opaque(name, of) if !of.is_empty() => {
                let of: Vec<String> = of.iter().map(Self::to_string).collect();
                write!(f, "{name}({})", of.join(", "))
            }
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Null => f.write_str("null"),
            other => f.write_str(other.name()),
        }
    }
}

/// What the parameters of signatures stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bindings {
    of: BTreeMap<u32, Type>,
    next: u32,
}

impl Bindings {
    /// A parameter that stands for nothing yet.
    pub(crate) fn fresh(&mut self) -> Type {
        self.next += 1;
        // Those of signatures are the first hundred.
        Type::Param(self.next + 100)
    }

    /// The type with its parameters replaced; `free` ones by `dyn`.
    pub(crate) fn resolved(&self, of: &Type, free: bool) -> Type {
        match of {
            Type::Param(number) => match self.of.get(number) {
                Some(bound) => self.resolved(bound, free),
                None if free => Type::Dyn,
                None => of.clone(),
            },
            Type::List(item) => Type::list(self.resolved(item, free)),
            Type::Map(of) => Type::map(self.resolved(&of.0, free), self.resolved(&of.1, free)),
            Type::Type(Some(of)) => Type::Type(Some(Arc::new(self.resolved(of, free)))),
            Type::Opaque(name, of) => Type::Opaque(name, of.iter().map(|one| self.resolved(one, free)).collect()),
            other => other.clone(),
        }
    }

    /// A signature with parameters of its own.
    pub(crate) fn instance(&mut self, types: &[Type]) -> Vec<Type> {
        let mut own: BTreeMap<u32, Type> = BTreeMap::new();
        types.iter().map(|of| self.renamed(of, &mut own)).collect()
    }

    fn renamed(&mut self, of: &Type, own: &mut BTreeMap<u32, Type>) -> Type {
        match of {
            Type::Param(number) => match own.get(number) {
                Some(known) => known.clone(),
                None => {
                    let fresh = self.fresh();
                    own.insert(*number, fresh.clone());
                    fresh
                }
            },
            Type::List(item) => Type::list(self.renamed(item, own)),
            Type::Map(of) => Type::map(self.renamed(&of.0, own), self.renamed(&of.1, own)),
            Type::Type(Some(of)) => Type::Type(Some(Arc::new(self.renamed(of, own)))),
            Type::Opaque(name, of) => Type::Opaque(name, of.iter().map(|one| self.renamed(one, own)).collect()),
            other => other.clone(),
        }
    }

    /// Whether each of the first may stand where the second is asked for; what that binds is kept only then.
    pub(crate) fn assign_all(&mut self, from: &[Type], to: &[Type]) -> bool {
        let mut trial = self.clone();
        let fits = from.len() == to.len() && from.iter().zip(to).all(|(from, to)| trial.fits(from, to));
        if fits {
            *self = trial;
        }
        fits
    }

    /// Whether the first may stand where the second is asked for.
    pub(crate) fn assign(&mut self, from: &Type, to: &Type) -> bool {
        self.assign_all(std::slice::from_ref(from), std::slice::from_ref(to))
    }

    fn fits(&mut self, from: &Type, to: &Type) -> bool {
        if let Type::Param(number) = to {
            match self.stands_for(from, *number) {
                (true, _) => return true,
                (false, true) => return false,
                _ => {}
            }
        }
        if let Type::Param(number) = from {
            return self.stands_for(to, *number).0;
        }
        match (from, to) {
            (a, b) if a.is_dyn_or_error() || b.is_dyn_or_error() => true,
            (Type::Null, other) | (other, Type::Null) => {
                matches!(other, Type::Null | Type::Opaque(..) | Type::Library(_) | Type::Struct(_) | Type::Duration | Type::Timestamp)
            }
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) => self.fits(a, b),
            (Type::Map(a), Type::Map(b)) => self.fits(&a.0, &b.0) && self.fits(&a.1, &b.1),
            (Type::Opaque(a, of), Type::Opaque(b, others)) => {
                a == b && of.len() == others.len() && of.iter().zip(others).all(|(from, to)| self.fits(from, to))
            }
            (a, b) => a == b,
        }
    }

    /// Whether a parameter may stand for a type, and whether it stood for one before.
    fn stands_for(&mut self, of: &Type, number: u32) -> (bool, bool) {
        let param = Type::Param(number);
        if *of == param {
            return (true, true);
        }
        if let Some(bound) = self.of.get(&number).cloned() {
            if *of == bound {
                return (true, true);
            }
            if self.fits(of, &bound) {
                let general = if is_less_specific(of, &bound) { of.clone() } else { bound };
                if !self.occurs(number, &general) {
                    self.of.insert(number, general);
                }
                return (true, true);
            }
            return (false, true);
        }
        if self.occurs(number, of) {
            return (false, false);
        }
        self.of.insert(number, of.clone());
        (true, false)
    }

    fn occurs(&self, number: u32, within: &Type) -> bool {
        match within {
            Type::Param(other) => *other == number || self.of.get(other).is_some_and(|bound| self.occurs(number, bound)),
            Type::List(item) => self.occurs(number, item),
            Type::Map(of) => self.occurs(number, &of.0) || self.occurs(number, &of.1),
            Type::Type(Some(of)) => self.occurs(number, of),
            Type::Opaque(_, of) => of.iter().any(|one| self.occurs(number, one)),
            _ => false,
        }
    }
}

/// Whether the first says no more than the second.
pub(crate) fn is_less_specific(first: &Type, second: &Type) -> bool {
    match (first, second) {
        (Type::Dyn | Type::Param(_), _) => true,
        (_, Type::Dyn | Type::Param(_)) => false,
        (Type::List(a), Type::List(b)) => is_less_specific(a, b),
        (Type::Map(a), Type::Map(b)) => is_less_specific(&a.0, &b.0) && is_less_specific(&a.1, &b.1),
        (Type::Type(_), Type::Type(_)) => true,
        (Type::Opaque(a, of), Type::Opaque(b, others)) => {
            a == b && of.len() == others.len() && of.iter().zip(others).all(|(a, b)| is_less_specific(a, b))
        }
        (a, b) => a == b,
    }
}
