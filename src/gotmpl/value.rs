//! Go values as text/template, sprig and Helm see them.
//!
//! What matters and what the shape below keeps: maps and slices are references (a `set` is seen by everyone who
//! holds the map), `int`, `int64` and `float64` are different types, strings are bytes, a nil map is not a nil
//! interface, and every value knows the name of its Go type, because error texts and `%T` print it.
//!
//! A value lives on one thread: rendering is parallel over components, never inside a template.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// A Go `string`: bytes, usually UTF-8, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(Rc<[u8]>);

impl Str {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, with U+FFFD for what is not UTF-8.
    pub fn to_str_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether there is no byte in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str_lossy(), f)
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// Lets a `BTreeMap<Str, _>` be asked with bytes: `Ord` and `Eq` of `Str` are those of its bytes.
impl std::borrow::Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// A Go value.
#[derive(Clone, Default)]
pub enum Value {
    /// A nil interface.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int64`
    Int64(i64),
    /// `float64`
    Float64(f64),
    /// `string`
    Str(Str),
    /// A slice: `[]interface {}`, `[]string`, …
    List(List),
    /// A map with string keys: `map[string]interface {}`, `map[string]string`, a named map type, …
    Map(Map),
    /// Everything that is seldom met.
    Rare(Rc<Rare>),
}

/// The seldom-met values.
pub enum Rare {
    /// An integer of another type (`int8` … `uint64`, `time.Duration`, `time.Month`): type name, kind, value.
    Integer(&'static str, Kind, i128),
    /// `float32`
    Float32(f32),
    /// `[]uint8`
    Bytes(Vec<u8>),
    /// `time.Time`: nanoseconds since 1970 in UTC and the zone it is shown in.
    Time(jiff::Zoned),
    /// A value of type `error` with its text.
    Error(String),
    /// A struct or pointer with fields and methods of its own.
    Object(Rc<dyn Object>),
    /// A nil pointer of the named type.
    NilPointer(&'static str),
}

/// Go's `reflect.Kind`, as far as values here can have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Go's own")]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float32,
    Float64,
    Func,
    Interface,
    Map,
    Ptr,
    Slice,
    String,
    Struct,
}

/// A struct (or pointer to one) whose fields and methods templates can reach: `.Chart`, `.Files`, `.Capabilities` …
pub trait Object {
    /// The Go type, as `%T` prints it: `*chart.Metadata`.
    fn type_name(&self) -> &'static str;

    /// `Struct`, `Ptr`, or the kind of a named map or slice with methods.
    fn kind(&self) -> Kind {
        Kind::Struct
    }

    /// An exported field.
    fn field(&self, name: &str) -> Option<Value>;

    /// Names and values of the exported fields in the order of the struct, for `%v`, comparison and encoding.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// A method of this type, described like a function of the table; the receiver is not among the parameters.
    fn method(&self, name: &str) -> Option<&'static super::func::Function> {
        let _ = name;
        None
    }

    /// What `fmt` prints where the type has a `String()` or `Error()` method.
    fn string(&self) -> Option<String> {
        None
    }

    /// What the JSON and YAML encoders see in place of this value.
    fn encoded(&self) -> Value {
        let entries = self.fields().into_iter().map(|(name, value)| (Str::from(name), value));
        Value::Map(Map::from_entries(entries))
    }

    /// For access to the concrete type by its own methods.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// A slice with its element type; clones share the elements.
#[derive(Clone)]
pub struct List(Rc<ListCell>);

struct ListCell {
    type_name: &'static str,
    nil: bool,
    items: RefCell<Vec<Value>>,
}

impl List {
    /// `[]interface {}`
    pub fn new(items: Vec<Value>) -> Self {
        Self::typed("[]interface {}", items)
    }

    /// `[]string`
    pub fn strings(items: impl IntoIterator<Item = Str>) -> Self {
        Self::typed("[]string", items.into_iter().map(Value::Str).collect())
    }

    /// A slice of another type; `type_name` as `%T` prints it.
    pub fn typed(type_name: &'static str, items: Vec<Value>) -> Self {
        Self(Rc::new(ListCell { type_name, nil: false, items: RefCell::new(items) }))
    }

    /// A nil slice.
    pub fn nil(type_name: &'static str) -> Self {
        Self(Rc::new(ListCell { type_name, nil: true, items: RefCell::default() }))
    }

    /// The type, as `%T` prints it.
    pub fn type_name(&self) -> &'static str {
        self.0.type_name
    }

    /// Whether it is a nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The elements; do not hold this across a call that may run templates.
    pub fn items(&self) -> std::cell::Ref<'_, Vec<Value>> {
        self.0.items.borrow()
    }

    /// The elements, to change them where Go changes the backing array (`sort.Strings`).
    pub fn items_mut(&self) -> std::cell::RefMut<'_, Vec<Value>> {
        self.0.items.borrow_mut()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.items().len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.items().is_empty()
    }

    /// Whether both are the same slice, not just equal ones.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// A map with string keys; clones share the entries, as in Go.
#[derive(Clone)]
pub struct Map(Rc<MapCell>);

struct MapCell {
    type_name: &'static str,
    nil: bool,
    entries: RefCell<BTreeMap<Str, Value>>,
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    /// An empty `map[string]interface {}`.
    pub fn new() -> Self {
        Self::from_entries([])
    }

    /// A `map[string]interface {}`.
    pub fn from_entries(entries: impl IntoIterator<Item = (Str, Value)>) -> Self {
        Self::typed("map[string]interface {}", entries.into_iter().collect())
    }

    /// A map of another type; `type_name` as `%T` prints it.
    pub fn typed(type_name: &'static str, entries: BTreeMap<Str, Value>) -> Self {
        Self(Rc::new(MapCell { type_name, nil: false, entries: RefCell::new(entries) }))
    }

    /// A nil map.
    pub fn nil(type_name: &'static str) -> Self {
        Self(Rc::new(MapCell { type_name, nil: true, entries: RefCell::default() }))
    }

    /// The type, as `%T` prints it.
    pub fn type_name(&self) -> &'static str {
        self.0.type_name
    }

    /// Whether it is a nil map.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The entry of a key.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow().get(key).cloned()
    }

    /// Sets an entry, seen by all who hold this map.
    pub fn insert(&self, key: impl Into<Str>, value: Value) {
        self.0.entries.borrow_mut().insert(key.into(), value);
    }

    /// Removes an entry.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow_mut().remove(key)
    }

    /// The entries sorted by the bytes of their keys; do not hold this across a call that may run templates.
    pub fn entries(&self) -> std::cell::Ref<'_, BTreeMap<Str, Value>> {
        self.0.entries.borrow()
    }

    /// The entries, to change them.
    pub fn entries_mut(&self) -> std::cell::RefMut<'_, BTreeMap<Str, Value>> {
        self.0.entries.borrow_mut()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Whether both are the same map, not just equal ones.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Value {
    /// A string value.
    pub fn str(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    /// A value of type `error`.
    pub fn error(text: impl Into<String>) -> Self {
        Self::Rare(Rc::new(Rare::Error(text.into())))
    }

    /// A struct or pointer.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Rare(Rc::new(Rare::Object(Rc::new(object))))
    }

    /// The Go type as `%T` prints it; `<nil>` for a nil interface.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Float64(_) => "float64",
            Self::Str(_) => "string",
            Self::List(list) => list.type_name(),
            Self::Map(map) => map.type_name(),
            Self::Rare(rare) => match &**rare {
                Rare::Integer(name, _, _) | Rare::NilPointer(name) => name,
                Rare::Float32(_) => "float32",
                Rare::Bytes(_) => "[]uint8",
                Rare::Time(_) => "time.Time",
                Rare::Error(_) => "*errors.errorString",
                Rare::Object(object) => object.type_name(),
            },
        }
    }

    /// Go's `reflect.Kind` of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Float64(_) => Kind::Float64,
            Self::Str(_) => Kind::String,
            Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Rare(rare) => match &**rare {
                Rare::Integer(_, kind, _) => *kind,
                Rare::Float32(_) => Kind::Float32,
                Rare::Bytes(_) => Kind::Slice,
                Rare::Time(_) => Kind::Struct,
                Rare::Error(_) | Rare::NilPointer(_) => Kind::Ptr,
                Rare::Object(object) => object.kind(),
            },
        }
    }
}
