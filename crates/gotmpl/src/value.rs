//! Go values as text/template, sprig and Helm see them.
//!
//! What matters and what the shape below keeps: maps and slices are references (a `set` is seen by everyone who
//! holds the map), `int`, `int64` and `float64` are different types, strings are bytes, a nil map is not a nil
//! interface, and every value knows the name of its Go type, because error texts and `%T` print it.
//!
//! A value lives on one thread: rendering is parallel over components, never inside a template.

use std::cell::RefCell;
use std::rc::Rc;

pub use super::entries::Entries;
pub use super::string::Str;

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
    Complex128,
    Func,
    Interface,
    Map,
    Ptr,
    Slice,
    String,
    Struct,
}

impl Kind {
    /// Whether it is one of the unsigned integers.
    pub(crate) fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint | Self::Uint8 | Self::Uint16 | Self::Uint32 | Self::Uint64)
    }
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

    /// The names that fields have in YAML of v3, in their order, and whether those without content are written; none where it says nothing of YAML.
    fn yaml_names(&self) -> &'static [(&'static str, bool)] {
        &[]
    }

    /// What go-yaml writes of it, key by key; `None` where that follows from the fields.
    fn yaml_entries(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    /// The names of the fields that are embedded structs, whose own fields count as those of this one.
    fn embedded(&self) -> &'static [&'static str] {
        &[]
    }

    /// A method of this type, described like a function of the table; the receiver is not among the parameters.
    fn method(&self, name: &str) -> Option<&'static super::func::Function> {
        let _ = name;
        None
    }

    /// Of a kind of map or slice: the map or slice, which `range`, `index`, `len` and field access go through.
    fn inner(&self) -> Option<Value> {
        None
    }

    /// Whether it is an `error`; its text is then what `string` gives.
    fn is_error(&self) -> bool {
        false
    }

    /// What `fmt` prints where the type has a `String()` or `Error()` method.
    fn string(&self) -> Option<String> {
        None
    }

    /// What an action prints where the type has no `String()` of its own, but a pointer to it has: what is reached through a pointer
    /// is addressable, so text/template finds that one.
    fn addressed_string(&self) -> Option<String> {
        None
    }

    /// The value as a function gets it, where that is another one: a copy is not addressable, and so has no methods of the pointer.
    fn copied(&self) -> Option<Value> {
        None
    }

    /// What a deep copy is that cannot copy fields which are not exported; `None` where there are none.
    fn deep_copied(&self) -> Option<Value> {
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
    /// Whether the elements are of type `interface {}`.
    boxed: bool,
    nil: bool,
    items: RefCell<Vec<Value>>,
}

impl Drop for ListCell {
    fn drop(&mut self) {
        bury(std::mem::take(self.items.get_mut()).into_iter());
    }
}

impl Drop for MapCell {
    fn drop(&mut self) {
        bury(std::mem::take(self.entries.get_mut()).into_iter().map(|(_, value)| value));
    }
}

thread_local! {
    /// How many containers are being dropped within each other.
    static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    /// What lay too deep to be dropped at once.
    static PENDING: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// Drops the elements of a container without recursing deeper than a fixed bound: a template can nest values as deep
/// as it likes, and the stack has an end.
fn bury(values: impl Iterator<Item = Value>) {
    const BOUND: u32 = 64;
    let values = values.filter(|value| matches!(value, Value::List(_) | Value::Map(_) | Value::Rare(_)));
    let depth = DEPTH.get();
    if depth >= BOUND {
        // Where the thread is ending and the list of what is pending is gone, they are dropped here.
        let mut values = Some(values);
        let _ = PENDING.try_with(|pending| pending.borrow_mut().extend(values.take().into_iter().flatten()));
        return;
    }
    DEPTH.set(depth + 1);
    values.for_each(drop);
    if depth == 0 {
        // Dropping one may put more on the list.
        while let Some(value) = PENDING.try_with(|pending| pending.borrow_mut().pop()).ok().flatten() {
            drop(value);
        }
    }
    DEPTH.set(depth);
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
        let boxed = element_type(type_name) == INTERFACE;
        Self(Rc::new(ListCell { type_name, boxed, nil: false, items: RefCell::new(items) }))
    }

    /// A nil slice.
    pub fn nil(type_name: &'static str) -> Self {
        let boxed = element_type(type_name) == INTERFACE;
        Self(Rc::new(ListCell { type_name, boxed, nil: true, items: RefCell::default() }))
    }

    /// The type, as `%T` prints it.
    pub fn type_name(&self) -> &'static str {
        self.0.type_name
    }

    /// Whether it is a nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// Whether its elements are of type `interface {}`.
    pub fn has_interface_elements(&self) -> bool {
        self.0.boxed
    }

    /// A slice of the same type with some of the elements; out of range there are none.
    pub fn part(&self, range: std::ops::Range<usize>) -> Value {
        let items = self.items().get(range).unwrap_or_default().to_vec();
        Value::List(Self::typed(self.0.type_name, items))
    }

    /// The elements; do not hold this across a call that may run templates.
    pub fn items(&self) -> std::cell::Ref<'_, Vec<Value>> {
        self.0.items.borrow()
    }

    /// The elements, to change them where Go changes the backing array (`sort.Strings`).
    pub fn items_mut(&self) -> std::cell::RefMut<'_, Vec<Value>> {
        self.0.items.borrow_mut()
    }

    /// Where it lies in memory, the same for all who hold it.
    pub(super) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.items().len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.items().is_empty()
    }

    /// Whether others hold it as well.
    pub(super) fn is_shared(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    /// Whether both are the same slice, not just equal ones.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// A map with string keys; clones share the entries, as in Go.
#[derive(Clone)]
pub struct Map {
    cell: Rc<MapCell>,
    /// The named type through which the map is seen here; others may see the same map through another, or none.
    seen_as: Option<&'static &'static str>,
}

struct MapCell {
    type_name: &'static str,
    element: &'static str,
    /// Whether the elements are of type `interface {}`.
    boxed: bool,
    /// Whether the type has no name of its own, and so no methods.
    plain: bool,
    nil: bool,
    entries: RefCell<Entries>,
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
        Self::plain(entries.into_iter().collect())
    }

    /// A `map[string]interface {}` of finished entries.
    pub fn plain(entries: Entries) -> Self {
        let type_name = "map[string]interface {}";
        let cell = MapCell { type_name, element: INTERFACE, boxed: true, plain: true, nil: false, entries: RefCell::new(entries) };
        Self { cell: Rc::new(cell), seen_as: None }
    }

    /// A map of another type; `type_name` as `%T` prints it.
    pub fn typed(type_name: &'static str, entries: Entries) -> Self {
        Self::build(type_name, element_type(type_name), false, entries)
    }

    /// A nil map.
    pub fn nil(type_name: &'static str) -> Self {
        Self::build(type_name, element_type(type_name), true, Entries::default())
    }

    /// A map of a named type (`engine.files`), whose name doesn't say what its elements are.
    pub fn named(type_name: &'static str, element: &'static str, entries: Entries) -> Self {
        Self::build(type_name, element, false, entries)
    }

    fn build(type_name: &'static str, element: &'static str, nil: bool, entries: Entries) -> Self {
        let plain = type_name == "map[string]interface {}";
        let cell = MapCell { type_name, element, boxed: element == INTERFACE, plain, nil, entries: RefCell::new(entries) };
        Self { cell: Rc::new(cell), seen_as: None }
    }

    /// A `map[string]interface {}` of its own with the same entries.
    pub fn shallow_copy(&self) -> Self {
        Self::plain(self.entries().clone())
    }

    /// The type, as `%T` prints it.
    pub fn type_name(&self) -> &'static str {
        self.seen_as.map_or(self.cell.type_name, |name| name)
    }

    /// The same map seen through a named type, whose methods templates may then call: Go's conversion `Name(map)`.
    #[must_use]
    pub fn seen_as(&self, name: &'static &'static str) -> Self {
        Self { cell: Rc::clone(&self.cell), seen_as: Some(name) }
    }

    /// The same map seen as another one is.
    #[must_use]
    pub fn typed_as(&self, other: &Self) -> Self {
        Self { cell: Rc::clone(&self.cell), seen_as: other.seen_as }
    }

    /// The same map by the type it was made with.
    #[must_use]
    pub fn unnamed(&self) -> Self {
        Self { cell: Rc::clone(&self.cell), seen_as: None }
    }

    /// Whether it is a nil map.
    pub fn is_nil(&self) -> bool {
        self.cell.nil
    }

    /// Whether its elements are of type `interface {}`.
    pub fn has_interface_elements(&self) -> bool {
        self.cell.boxed
    }

    /// Whether it is a `map[string]interface {}` by that very type.
    pub(super) fn has_plain_type(&self) -> bool {
        self.seen_as.is_none() && self.cell.plain
    }

    /// What a missing key gives: the zero value of the element type.
    pub(super) fn zero_element(&self) -> super::exec::Val {
        use super::exec::Val;
        if self.cell.boxed {
            return Val::boxed(Value::Nil);
        }
        Val::plain(match self.cell.element {
            "string" => Value::str(""),
            "bool" => Value::Bool(false),
            "int" => Value::Int(0),
            "int64" => Value::Int64(0),
            "float64" => Value::Float64(0.0),
            "[]uint8" => Value::bytes(Vec::new()),
            slice if slice.starts_with("[]") => Value::List(List::nil(slice)),
            map if map.starts_with("map[") => Value::Map(Self::nil(map)),
            other => Value::Rare(Rc::new(Rare::NilPointer(other))),
        })
    }

    /// The entry of a key.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.cell.entries.borrow().get(key).cloned()
    }

    /// Sets an entry, seen by all who hold this map.
    pub fn insert(&self, key: impl Into<Str>, value: Value) {
        self.cell.entries.borrow_mut().insert(key.into(), value);
    }

    /// Removes an entry.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.cell.entries.borrow_mut().remove(key)
    }

    /// The entries sorted by the bytes of their keys; do not hold this across a call that may run templates.
    pub fn entries(&self) -> std::cell::Ref<'_, Entries> {
        self.cell.entries.borrow()
    }

    /// The entries, to change them.
    pub fn entries_mut(&self) -> std::cell::RefMut<'_, Entries> {
        self.cell.entries.borrow_mut()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Whether others hold it as well.
    pub(super) fn is_shared(&self) -> bool {
        Rc::strong_count(&self.cell) > 1
    }

    /// Whether both are the same map, not just equal ones.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.cell, &other.cell)
    }

    /// Where the map lies, which is the same for all that share it, as long as one of them is there.
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.cell).addr()
    }
}

const INTERFACE: &str = "interface {}";

/// The type of a nil error.
const NO_ERROR: &str = "error";

/// The element type of a slice or of a map with string keys; of named types `interface {}`, as Helm's are.
fn element_type(type_name: &'static str) -> &'static str {
    type_name.strip_prefix("[]").or_else(|| type_name.strip_prefix("map[string]")).unwrap_or(INTERFACE)
}

impl Value {
    /// A `[]uint8`.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Self::Rare(Rc::new(Rare::Bytes(bytes)))
    }

    /// A `uint8`, as indexing a string gives it.
    pub fn byte(byte: u8) -> Self {
        Self::integer("uint8", Kind::Uint8, i128::from(byte))
    }

    /// A `time.Time`.
    pub fn time(time: jiff::Zoned) -> Self {
        Self::Rare(Rc::new(Rare::Time(time)))
    }

    /// An integer of a type that is neither `int` nor `int64`.
    pub fn integer(type_name: &'static str, kind: Kind, value: i128) -> Self {
        Self::Rare(Rc::new(Rare::Integer(type_name, kind, value)))
    }

    /// A `complex128`; only constants of templates are.
    pub(super) fn complex(real: f64, imaginary: f64) -> Self {
        Self::object(Complex(real, imaginary))
    }

    pub(super) fn as_complex(&self) -> Option<(f64, f64)> {
        match self {
            Self::Rare(rare) => match &**rare {
                Rare::Object(object) => object.as_any().downcast_ref().map(|Complex(real, imaginary)| (*real, *imaginary)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The bytes of a `[]uint8`.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Rare(rare) => match &**rare {
                Rare::Bytes(bytes) => Some(bytes),
                _ => None,
            },
            _ => None,
        }
    }

    /// Go's truth: not the zero value of its type. Structs are true, nil pointers, empty maps and slices are not.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Int64(value) => *value != 0,
            Self::Float64(value) => *value != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Rare(rare) => match &**rare {
                Rare::Integer(_, _, value) => *value != 0,
                Rare::Float32(value) => *value != 0.0,
                Rare::Bytes(bytes) => !bytes.is_empty(),
                Rare::NilPointer(_) => false,
                Rare::Time(_) | Rare::Error(_) => true,
                Rare::Object(object) => match object.inner() {
                    Some(inner) => inner.truth(),
                    None => self.as_complex().is_none_or(|(real, imaginary)| real != 0.0 || imaginary != 0.0),
                },
            },
        }
    }

    /// Whether it is nil of some type: a nil interface, map, slice or pointer.
    pub fn is_nil(&self) -> bool {
        match self {
            Self::Nil => true,
            Self::List(list) => list.is_nil(),
            Self::Map(map) => map.is_nil(),
            Self::Rare(rare) => matches!(&**rare, Rare::NilPointer(_)),
            _ => false,
        }
    }

    /// Go's `Comparable` of the type: everything but slices, maps and structs with such fields.
    pub(super) fn is_comparable(&self) -> bool {
        match self.kind() {
            Kind::Slice | Kind::Map | Kind::Func => false,
            Kind::Struct => match self {
                Self::Rare(rare) => match &**rare {
                    Rare::Object(object) => object.fields().iter().all(|(_, value)| value.is_comparable()),
                    _ => true,
                },
                _ => true,
            },
            _ => true,
        }
    }

    /// Go's `==` of two interfaces: the same type and the same value, which of pointers is the address.
    pub(super) fn is_identical(&self, other: &Self) -> bool {
        if self.type_name() != other.type_name() {
            return false;
        }
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) | (Self::Int64(left), Self::Int64(right)) => left == right,
            (Self::Float64(left), Self::Float64(right)) => left == right,
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::Rare(left), Self::Rare(right)) => match (&**left, &**right) {
                (Rare::Integer(_, _, left), Rare::Integer(_, _, right)) => left == right,
                (Rare::Float32(left), Rare::Float32(right)) => left == right,
                (Rare::NilPointer(_), Rare::NilPointer(_)) => true,
                (Rare::Time(left), Rare::Time(right)) => left == right && left.time_zone() == right.time_zone(),
                (Rare::Object(left), Rare::Object(right)) if left.kind() != Kind::Struct => Rc::ptr_eq(left, right),
                (Rare::Object(left), Rare::Object(right)) => {
                    let (left, right) = (left.fields(), right.fields());
                    left.len() == right.len() && left.iter().zip(&right).all(|((_, left), (_, right))| left.is_identical(right))
                }
                _ => Rc::ptr_eq(left, right),
            },
            _ => false,
        }
    }

    /// The type at the end of a pointer, or the type itself.
    pub(super) fn pointee_name(&self) -> &'static str {
        let name = self.type_name();
        if self.kind() == Kind::Ptr { name.strip_prefix('*').unwrap_or(name) } else { name }
    }

    /// A string value.
    pub fn str(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    /// A map or slice as one of a named type.
    pub(super) fn named(&self, type_name: &'static str) -> Self {
        match self {
            Self::List(list) => {
                Self::List(List(Rc::new(ListCell { type_name, boxed: list.0.boxed, nil: list.0.nil, items: list.0.items.clone() })))
            }
            Self::Map(map) => Self::Map(Map::named(type_name, map.cell.element, map.entries().clone())),
            other => other.clone(),
        }
    }

    /// A nil of type `error`, as methods give it that return nothing else.
    pub fn no_error() -> Self {
        Self::Rare(Rc::new(Rare::NilPointer(NO_ERROR)))
    }

    /// What `omitempty` leaves out.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Nil | Self::Bool(false) => true,
            Self::Str(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
            _ => false,
        }
    }

    /// The value as a function with a parameter of type `interface {}` gets it.
    pub(super) fn passed(self) -> Self {
        match &self {
            Self::Rare(rare) => match &**rare {
                Rare::NilPointer(NO_ERROR) => Self::Nil,
                Rare::Object(object) => object.copied().unwrap_or(self),
                _ => self,
            },
            _ => self,
        }
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

/// A `complex128`.
struct Complex(f64, f64);

impl Object for Complex {
    fn type_name(&self) -> &'static str {
        "complex128"
    }

    fn kind(&self) -> Kind {
        Kind::Complex128
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_deep_can_be_dropped() {
        let mut value = Value::Nil;
        for _ in 0..50_000 {
            value = Value::List(List::new(vec![Value::Map(Map::from_entries([(Str::from("x"), value)]))]));
        }
        drop(value);
    }
}
