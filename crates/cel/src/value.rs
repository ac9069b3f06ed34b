//! Values, and what they have in common: equality, order, size.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::library::formats::NamedFormat;
use crate::library::quantity::Quantity;
use crate::library::semver::Semver;
use crate::library::url::Url;

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// `null`
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `uint`
    Uint(u64),
    /// `double`
    Double(f64),
    /// `string`
    String(Arc<str>),
    /// `bytes`
    Bytes(Arc<[u8]>),
    /// A duration in nanoseconds.
    Duration(i64),
    /// A moment.
    Timestamp(Moment),
    /// `list`
    List(Arc<List>),
    /// `map`, or an object.
    Map(Arc<Map>),
    /// A type, by its name.
    Type(Arc<str>),
    /// `optional_type`
    Optional(Option<Arc<Value>>),
    /// `kubernetes.Quantity`
    Quantity(Arc<Quantity>),
    /// `net.IP`
    Ip(IpAddr),
    /// `net.CIDR`
    Cidr(IpAddr, u8),
    /// `kubernetes.URL`
    Url(Arc<Url>),
    /// `kubernetes.Semver`
    Semver(Arc<Semver>),
    /// `kubernetes.NamedFormat`
    Format(&'static NamedFormat),
    /// What cannot be read as what its schema says: an error for whoever looks at it.
    Invalid(Arc<str>),
    /// A value that is not known here: an evaluation that needs it has no result.
    Unknown(Arc<str>),
}

/// Seconds since 1970 and nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Seconds, rounded down.
    pub seconds: i64,
    /// Nanoseconds since then.
    pub nanos: u32,
    /// The offset from UTC, in seconds, in which it was written and is shown; it makes no difference.
    pub offset: i32,
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }
}

/// A list.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Its items.
    pub items: Vec<Value>,
    /// What makes two of them equal.
    pub kind: ListKind,
}

/// What makes two lists equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListKind {
    /// Their items in their order.
    #[default]
    Atomic,
    /// Their items in any order.
    Set,
    /// Their items by these fields, in any order.
    Map(Vec<String>),
}

/// A map, or an object.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// The entries that expressions see.
    pub entries: BTreeMap<Key, Value>,
    /// Those that no schema has and that are kept nevertheless: they count, and make a difference when objects are compared.
    pub hidden: BTreeMap<String, Value>,
    /// Nulls that an object has and that expressions do not see; they count.
    pub nulls: usize,
    /// Whether it is an object with fields, whose names are escaped.
    pub is_object: bool,
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `uint`
    Uint(u64),
    /// `string`
    String(Arc<str>),
}

impl Map {
    /// The value at a key; whole numbers are the same whatever type they have.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.entries.get(key).or_else(|| match key {
            Key::Int(number) => self.entries.get(&Key::Uint(u64::try_from(*number).ok()?)),
            Key::Uint(number) => self.entries.get(&Key::Int(i64::try_from(*number).ok()?)),
            _ => None,
        })
    }

    /// The value of a field; words of the language are fields as they are.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        let plain = self.entries.get(&Key::String(Arc::from(name)));
        let escaped = || self.entries.get(&Key::String(format!("__{name}__").into()));
        plain.or_else(|| if self.is_object && crate::schema::is_reserved(name) { escaped() } else { None })
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len() + self.hidden.len() + self.nulls
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Key {
    /// The key that a value is.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Uint(value) => Self::Uint(*value),
            Value::String(value) => Self::String(Arc::clone(value)),
            // A number with nothing behind its point finds what that whole number finds.
            Value::Double(number) if number.fract() == 0.0 && number.abs() < 9.3e18 => Self::Int(*number as i64),
            _ => return None,
        })
    }

    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::String(value) => Value::String(Arc::clone(value)),
        }
    }
}

/// Why an evaluation has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalError {
    /// What cel-go calls an error: a key that is not there, a division by zero.
    Failed(String),
    /// The budget is used up.
    CostLimit,
    /// Something is needed that is not known here.
    Unknown(Arc<str>),
}

impl EvalError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    pub(crate) fn no_overload() -> Self {
        Self::new("no such overload")
    }
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(message) => f.write_str(message),
            Self::CostLimit => f.write_str("operation cancelled: actual cost limit exceeded"),
            Self::Unknown(what) => write!(f, "{what} is not known"),
        }
    }
}

impl std::error::Error for EvalError {}

pub(crate) type Out = Result<Value, EvalError>;

impl Value {
    /// A list whose items are compared in their order.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(List { items, kind: ListKind::Atomic }))
    }

    /// A map.
    pub fn map(entries: BTreeMap<Key, Self>) -> Self {
        Self::Map(Arc::new(Map { entries, ..Map::default() }))
    }

    /// The name of its type.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Ip(_) => "net.IP",
            Self::Cidr(..) => "net.CIDR",
            Self::Url(_) => "kubernetes.URL",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Invalid(_) => "error",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What it is, or why it cannot be looked at.
    pub(crate) fn checked(self) -> Out {
        match self {
            Self::Invalid(why) => Err(EvalError::new(&*why)),
            Self::Unknown(what) => Err(EvalError::Unknown(what)),
            fine => Ok(fine),
        }
    }

    /// Characters, bytes, items or entries; `None` where it has no size.
    pub(crate) fn size(&self) -> Option<u64> {
        let size = match self {
            Self::String(text) => text.chars().count(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(list) => list.items.len(),
            Self::Map(map) => map.len(),
            _ => return None,
        };
        Some(size as u64)
    }

    /// Whether two values are the same; numbers are compared as numbers.
    pub fn equals(&self, other: &Self) -> Result<bool, EvalError> {
        Ok(match (self, other) {
            (Self::Invalid(why), _) | (_, Self::Invalid(why)) => return Err(EvalError::new(&**why)),
            (Self::Unknown(what), _) | (_, Self::Unknown(what)) => return Err(EvalError::Unknown(Arc::clone(what))),
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::List(a), Self::List(b)) => return lists_equal(a, b),
            (Self::Map(a), Self::Map(b)) => return maps_equal(a, b),
            (Self::Optional(None), Self::Optional(None)) => true,
            (Self::Optional(Some(a)), Self::Optional(Some(b))) => return a.equals(b),
            (Self::Quantity(a), Self::Quantity(b)) => a.compare(b) == Ordering::Equal,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a, bits), Self::Cidr(b, other)) => a == b && bits == other,
            (Self::Url(a), Self::Url(b)) => a.text() == b.text(),
            (Self::Semver(a), Self::Semver(b)) => a.compare(b) == Ordering::Equal,
            (Self::Format(a), Self::Format(b)) => a.name == b.name,
            (a, b) => a.compare_numbers(b) == Some(Ordering::Equal),
        })
    }

    /// The order of two numbers of whatever type; `None` where one is no number.
    fn compare_numbers(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Double(a), b) => order_double(*a, b.whole()?),
            (a, Self::Double(b)) => order_double(*b, a.whole()?).map(Ordering::reverse),
            (a, b) => Some(a.whole()?.cmp(&b.whole()?)),
        }
    }

    fn whole(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(i128::from(*number)),
            Self::Uint(number) => Some(i128::from(*number)),
            _ => None,
        }
    }

    /// The order of two values; `None` where they have none.
    pub(crate) fn compare(&self, other: &Self) -> Result<Ordering, EvalError> {
        Ok(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (Self::Double(a), b) if a.is_nan() && b.is_number() => return Err(EvalError::new("NaN values cannot be ordered")),
            (a, Self::Double(b)) if b.is_nan() && a.is_number() => return Err(EvalError::new("NaN values cannot be ordered")),
            (a, b) => a.compare_numbers(b).ok_or_else(EvalError::no_overload)?,
        })
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Uint(_) | Self::Double(_))
    }

    /// Whether it is what a variable of its type begins with.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Uint(value) => *value == 0,
            Self::Double(value) => *value == 0.0,
            Self::String(value) => value.is_empty(),
            Self::Bytes(value) => value.is_empty(),
            Self::Duration(value) => *value == 0,
            Self::Timestamp(value) => value.seconds == -62_135_596_800 && value.nanos == 0,
            Self::List(list) => list.items.is_empty() && list.kind == ListKind::Atomic,
            Self::Map(map) => map.is_empty(),
            Self::Optional(value) => value.is_none(),
            _ => false,
        }
    }
}

fn order_double(double: f64, whole: i128) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // Whole numbers are compared as doubles, and lose what those cannot hold.
    double.partial_cmp(&(whole as f64))
}

fn lists_equal(a: &List, b: &List) -> Result<bool, EvalError> {
    if a.items.len() != b.items.len() {
        return Ok(false);
    }
    match &a.kind {
        ListKind::Atomic => {
            for (a, b) in a.items.iter().zip(&b.items) {
                if !a.equals(b)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        ListKind::Set => {
            for one in &b.items {
                if !contains(&a.items, one)? {
                    return Ok(false);
                }
            }
            for one in &a.items {
                if !contains(&b.items, one)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        ListKind::Map(keys) => {
            for one in &b.items {
                let same = a.items.iter().find(|other| same_keys(other, one, keys));
                match same {
                    Some(other) if other.equals(one)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(a.items.iter().all(|one| b.items.iter().any(|other| same_keys(one, other, keys))))
        }
    }
}

/// Whether two items of a list have the same keys.
pub(crate) fn same_keys(a: &Value, b: &Value, keys: &[String]) -> bool {
    let (Value::Map(a), Value::Map(b)) = (a, b) else { return false };
    keys.iter().all(|key| {
        let key = Key::String(Arc::from(key.as_str()));
        match (a.get(&key), b.get(&key)) {
            (Some(a), Some(b)) => a.equals(b).unwrap_or(false),
            (None, None) => true,
            _ => false,
        }
    })
}

/// Whether an item is among others.
pub(crate) fn contains(items: &[Value], wanted: &Value) -> Result<bool, EvalError> {
    let mut failed = None;
    for item in items {
        match item.equals(wanted) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(false), Err)
}

fn maps_equal(a: &Map, b: &Map) -> Result<bool, EvalError> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (key, value) in &a.entries {
        let Some(other) = b.get(key) else { return Ok(false) };
        if !value.equals(other)? {
            return Ok(false);
        }
    }
    for (key, value) in &a.hidden {
        if let Some(other) = b.hidden.get(key)
            && !value.equals(other)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}
