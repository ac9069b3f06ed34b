//! Values and types as cty has them, and the conversions between them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use unicode_normalization::UnicodeNormalization;

use super::number::{Number, OutOfRange};

/// A value may have this many parts, texts counted by length.
const LARGEST: u64 = 4_000_000;
/// Values may lie this deep in each other.
const DEEPEST: u32 = 200;

/// A value, or why there is none.
pub(super) type Outcome = Result<Value, String>;

/// A type of cty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// Any: the type of a bare `null`.
    Dynamic,
    Bool,
    Number,
    String,
    List(Rc<Type>),
    Set(Rc<Type>),
    Map(Rc<Type>),
    Tuple(Rc<Vec<Type>>),
    Object(Rc<BTreeMap<Rc<str>, Type>>),
}

/// A value of cty.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null(Type),
    Bool(bool),
    Number(Number),
    String(Rc<str>),
    List(Type, Rc<Sequence>),
    /// In the order of cty: by number, by text; by what stands for them, all others.
    Set(Type, Rc<Sequence>),
    Tuple(Rc<Sequence>),
    Map(Type, Rc<Table>),
    Object(Rc<Table>),
}

/// Items with how large and how deep they are all in all.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    pub(super) items: Vec<Value>,
    size: Size,
}

/// Entries with how large and how deep they are all in all.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: BTreeMap<Rc<str>, Value>,
    size: Size,
}

#[derive(Debug, Default, Clone, Copy)]
struct Size {
    weight: u64,
    depth: u32,
}

impl Size {
    fn of<'v>(parts: impl Iterator<Item = &'v Value>) -> Result<Self, String> {
        let mut size = Self::default();
        for part in parts {
            size.weight = size.weight.saturating_add(part.weight());
            size.depth = size.depth.max(part.depth() + 1);
        }
        if size.weight > LARGEST {
            return Err(format!("the value has more than {LARGEST} parts"));
        }
        if size.depth > DEEPEST {
            return Err(format!("the value is nested more than {DEEPEST} levels deep"));
        }
        Ok(size)
    }
}

impl Type {
    pub(super) fn list(element: Self) -> Self {
        Self::List(Rc::new(element))
    }

    /// The name that errors give a type.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Dynamic => "dynamic".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Number => "number".to_owned(),
            Self::String => "string".to_owned(),
            Self::List(element) => format!("list of {}", element.name()),
            Self::Set(element) => format!("set of {}", element.name()),
            Self::Map(element) => format!("map of {}", element.name()),
            Self::Tuple(_) => "tuple".to_owned(),
            Self::Object(_) => "object".to_owned(),
        }
    }

    pub(super) fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }
}

impl Value {
    pub(super) const NULL: Self = Self::Null(Type::Dynamic);

    /// A text, in the normal form NFC as all texts of cty.
    pub(super) fn string(text: &str) -> Self {
        Self::String(normal(text))
    }

    pub(super) fn integer(value: usize) -> Self {
        Self::Number(Number::integer(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    pub(super) fn number(number: Result<Number, OutOfRange>) -> Outcome {
        number.map(Self::Number).map_err(|OutOfRange| "the number is too large or too small".to_owned())
    }

    pub(super) fn tuple(items: Vec<Self>) -> Outcome {
        Ok(Self::Tuple(Rc::new(sequence(items)?)))
    }

    pub(super) fn list(element: Type, items: Vec<Self>) -> Outcome {
        Ok(Self::List(element, Rc::new(sequence(items)?)))
    }

    /// A list of values that are all of one type.
    pub(super) fn list_of(items: Vec<Self>, empty: Type) -> Outcome {
        let element = items.first().map_or(empty, Self::type_of);
        Self::list(element, items)
    }

    pub(super) fn strings(items: impl IntoIterator<Item = Self>) -> Outcome {
        Self::list(Type::String, items.into_iter().collect())
    }

    /// A set, in its order and without what is in it twice.
    pub(super) fn set(element: Type, mut items: Vec<Self>) -> Outcome {
        items.sort_by(set_order);
        items.dedup_by(|later, earlier| later.equals(earlier));
        Ok(Self::Set(element, Rc::new(sequence(items)?)))
    }

    pub(super) fn object(entries: BTreeMap<Rc<str>, Self>) -> Outcome {
        Ok(Self::Object(Rc::new(table(entries)?)))
    }

    pub(super) fn map(element: Type, entries: BTreeMap<Rc<str>, Self>) -> Outcome {
        Ok(Self::Map(element, Rc::new(table(entries)?)))
    }

    /// How many parts a value has: what going through it costs.
    pub(super) fn weight(&self) -> u64 {
        1 + match self {
            Self::String(text) => text.len() as u64 / 16,
            Self::List(_, sequence) | Self::Set(_, sequence) | Self::Tuple(sequence) => sequence.size.weight,
            Self::Map(_, table) | Self::Object(table) => table.size.weight,
            Self::Null(_) | Self::Bool(_) | Self::Number(_) => 0,
        }
    }

    fn depth(&self) -> u32 {
        match self {
            Self::List(_, sequence) | Self::Set(_, sequence) | Self::Tuple(sequence) => sequence.size.depth,
            Self::Map(_, table) | Self::Object(table) => table.size.depth,
            _ => 0,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }

    pub(super) fn type_of(&self) -> Type {
        match self {
            Self::Null(kind) => kind.clone(),
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::List(element, _) => Type::List(Rc::new(element.clone())),
            Self::Set(element, _) => Type::Set(Rc::new(element.clone())),
            Self::Map(element, _) => Type::Map(Rc::new(element.clone())),
            Self::Tuple(sequence) => Type::Tuple(Rc::new(sequence.items.iter().map(Self::type_of).collect())),
            Self::Object(table) => Type::Object(Rc::new(table.entries.iter().map(|(k, v)| (Rc::clone(k), v.type_of())).collect())),
        }
    }

    /// The items of a list, set or tuple.
    pub(super) fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(_, sequence) | Self::Set(_, sequence) | Self::Tuple(sequence) => Some(&sequence.items),
            _ => None,
        }
    }

    /// The entries of a map or object.
    pub(super) fn entries(&self) -> Option<&BTreeMap<Rc<str>, Self>> {
        match self {
            Self::Map(_, table) | Self::Object(table) => Some(&table.entries),
            _ => None,
        }
    }

    /// What `==` says.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null(_), Self::Null(_)) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Number(one), Self::Number(other)) => one.equals(other),
            (Self::String(one), Self::String(other)) => one == other,
            (Self::List(one_type, one), Self::List(other_type, other)) | (Self::Set(one_type, one), Self::Set(other_type, other)) => {
                one_type == other_type && one.equals(other)
            }
            (Self::Tuple(one), Self::Tuple(other)) => one.equals(other),
            (Self::Map(one_type, one), Self::Map(other_type, other)) => one_type == other_type && one.equals(other),
            (Self::Object(one), Self::Object(other)) => one.equals(other),
            _ => false,
        }
    }
}

impl Sequence {
    fn equals(&self, other: &Self) -> bool {
        self.items.len() == other.items.len() && self.items.iter().zip(&other.items).all(|(one, other)| one.equals(other))
    }
}

impl Table {
    fn equals(&self, other: &Self) -> bool {
        let same = |((key, one), (other_key, other)): ((&Rc<str>, &Value), (&Rc<str>, &Value))| key == other_key && one.equals(other);
        self.entries.len() == other.entries.len() && self.entries.iter().zip(&other.entries).all(same)
    }
}

/// A text in the normal form NFC.
pub(super) fn normal(text: &str) -> Rc<str> {
    if text.is_ascii() { Rc::from(text) } else { Rc::from(text.nfc().collect::<String>()) }
}

fn sequence(items: Vec<Value>) -> Result<Sequence, String> {
    let size = Size::of(items.iter())?;
    Ok(Sequence { items, size })
}

fn table(entries: BTreeMap<Rc<str>, Value>) -> Result<Table, String> {
    let size = Size::of(entries.values())?;
    Ok(Table { entries, size })
}

/// The order of the items of a set.
fn set_order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Null(_), Value::Null(_)) => Ordering::Equal,
        (Value::Null(_), _) => Ordering::Greater,
        (_, Value::Null(_)) => Ordering::Less,
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => one.compare(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ => hash_text(one).cmp(&hash_text(other)),
    }
}

/// What stands for a value in the order of a set of lists, maps and the like.
fn hash_text(value: &Value) -> String {
    match value {
        Value::Null(_) => "~".to_owned(),
        Value::Bool(value) => if *value { "T" } else { "F" }.to_owned(),
        Value::Number(number) => number.text('g', Some(10)),
        Value::String(text) => format!("{:?}", text.as_ref()),
        Value::List(_, sequence) | Value::Set(_, sequence) => format!("[{}]", joined(sequence)),
        Value::Tuple(sequence) => format!("<{}>", joined(sequence)),
        Value::Map(_, table) => {
            let entries = table.entries.iter().map(|(key, value)| format!("{key:?}:{};", hash_text(value)));
            format!("{{{}}}", entries.collect::<String>())
        }
        Value::Object(table) => format!("<{}>", table.entries.values().map(|value| hash_text(value) + ";").collect::<String>()),
    }
}

fn joined(sequence: &Sequence) -> String {
    sequence.items.iter().map(|item| hash_text(item) + ";").collect()
}

/// The value as another type, by the conversions that may fail as well (`convert.Convert`).
pub(super) fn convert(value: &Value, to: &Type) -> Outcome {
    match (value, to) {
        (_, Type::Dynamic) => Ok(value.clone()),
        (Value::Null(_), _) => Ok(Value::Null(to.clone())),
        (Value::Bool(_), Type::Bool) | (Value::Number(_), Type::Number) | (Value::String(_), Type::String) => Ok(value.clone()),
        (Value::Number(number), Type::String) => Ok(Value::string(&number.plain())),
        (Value::Bool(value), Type::String) => Ok(Value::string(if *value { "true" } else { "false" })),
        (Value::String(text), Type::Number) => match Number::parse(text) {
            Some(number) => Value::number(number),
            None => Err("a number is required".to_owned()),
        },
        (Value::String(text), Type::Bool) => boolean(text),
        (Value::Set(..) | Value::List(..) | Value::Tuple(_), Type::List(element)) => {
            let (element, items) = converted_items(value, element)?;
            Value::list(element, items)
        }
        (Value::Set(..) | Value::List(..) | Value::Tuple(_), Type::Set(element)) => {
            let (element, items) = converted_items(value, element)?;
            Value::set(element, items)
        }
        (Value::Map(_, table) | Value::Object(table), Type::Map(element)) => converted_entries(table, element),
        (Value::Map(_, table) | Value::Object(table), Type::Object(wanted)) => {
            let attribute = |(name, kind): (&Rc<str>, &Type)| match table.entries.get(name) {
                Some(value) => {
                    convert(value, kind).map(|value| (Rc::clone(name), value)).map_err(|why| format!("attribute {name:?}: {why}"))
                }
                None => Err(format!("attribute {name:?} is required")),
            };
            Value::object(wanted.iter().map(attribute).collect::<Result<_, _>>()?)
        }
        (Value::Tuple(sequence), Type::Tuple(wanted)) if sequence.items.len() == wanted.len() => {
            Value::tuple(sequence.items.iter().zip(wanted.iter()).map(|(item, kind)| convert(item, kind)).collect::<Result<_, _>>()?)
        }
        _ => Err(required(to)),
    }
}

fn required(to: &Type) -> String {
    match to {
        Type::Bool => "a bool is required".to_owned(),
        Type::Number => "a number is required".to_owned(),
        other => format!("{} is required", other.name()),
    }
}

fn boolean(text: &str) -> Outcome {
    match text {
        "true" | "1" => Ok(Value::Bool(true)),
        "false" | "0" => Ok(Value::Bool(false)),
        "True" | "TRUE" => Err("a bool is required; to convert from string, use lowercase \"true\"".to_owned()),
        "False" | "FALSE" => Err("a bool is required; to convert from string, use lowercase \"false\"".to_owned()),
        _ => Err("a bool is required".to_owned()),
    }
}

/// The items of a sequence as values of one type, and that type.
fn converted_items(value: &Value, element: &Type) -> Result<(Type, Vec<Value>), String> {
    let items = value.items().unwrap_or_default();
    let element = match (element, value) {
        (Type::Dynamic, Value::List(known, _) | Value::Set(known, _)) => known.clone(),
        (Type::Dynamic, _) => common(items.iter().map(Value::type_of)).ok_or("all list elements must have the same type")?,
        (element, _) => element.clone(),
    };
    let items = items.iter().enumerate().map(|(at, item)| convert(item, &element).map_err(|why| format!("element {at}: {why}")));
    Ok((element.clone(), items.collect::<Result<_, _>>()?))
}

fn converted_entries(table: &Table, element: &Type) -> Outcome {
    let element = match element {
        Type::Dynamic => common(table.entries.values().map(Value::type_of)).ok_or("all map elements must have the same type")?,
        element => element.clone(),
    };
    let entry = |(key, value): (&Rc<str>, &Value)| match convert(value, &element) {
        Ok(value) => Ok((Rc::clone(key), value)),
        Err(why) => Err(format!("element {key:?}: {why}")),
    };
    let entries = table.entries.iter().map(entry).collect::<Result<_, _>>()?;
    Value::map(element.clone(), entries)
}

/// The type that all of some types can be converted to; any, for no type at all.
pub(super) fn common(types: impl Iterator<Item = Type>) -> Option<Type> {
    let types: Vec<Type> = types.collect();
    if types.is_empty() { Some(Type::Dynamic) } else { unify(&types) }
}

/// `convert.UnifyUnsafe`: the type that all of some types can be converted to.
pub(super) fn unify(types: &[Type]) -> Option<Type> {
    let first = types.first()?;
    if types.iter().all(|kind| kind == first) {
        return Some(first.clone());
    }
    let known: Vec<&Type> = types.iter().filter(|kind| **kind != Type::Dynamic).collect();
    let has_dynamic = known.len() < types.len();
    if known.iter().all(|kind| kind.is_primitive()) {
        return unify_primitives(&known);
    }
    if known.iter().any(|kind| kind.is_primitive()) {
        return None;
    }
    if has_dynamic {
        return Some(Type::Dynamic);
    }
    unify_structures(&known)
}

fn unify_primitives(types: &[&Type]) -> Option<Type> {
    let first = *types.first()?;
    if types.iter().all(|kind| *kind == first) {
        return Some(first.clone());
    }
    types.contains(&&Type::String).then_some(Type::String)
}

fn unify_structures(types: &[&Type]) -> Option<Type> {
    let all = |is: fn(&Type) -> bool| types.iter().all(|kind| is(kind));
    let any = |is: fn(&Type) -> bool| types.iter().any(|kind| is(kind));
    let is_list = |kind: &Type| matches!(kind, Type::List(_));
    let is_set = |kind: &Type| matches!(kind, Type::Set(_));
    if all(|kind| matches!(kind, Type::Object(_))) {
        return unify_objects(types);
    }
    if all(|kind| matches!(kind, Type::Tuple(_))) {
        return unify_tuples(types);
    }
    if all(|kind| matches!(kind, Type::Map(_) | Type::Object(_))) {
        return Some(Type::Map(Rc::new(unify(&elements(types))?)));
    }
    if !all(|kind| matches!(kind, Type::List(_) | Type::Set(_) | Type::Tuple(_))) {
        return None;
    }
    let element = Rc::new(unify(&elements(types))?);
    if all(is_set) || (any(is_set) && !any(is_list)) { Some(Type::Set(element)) } else { Some(Type::List(element)) }
}

/// The types of all elements of some types.
fn elements(types: &[&Type]) -> Vec<Type> {
    let of = |kind: &&Type| match kind {
        Type::List(element) | Type::Set(element) | Type::Map(element) => vec![element.as_ref().clone()],
        Type::Tuple(elements) => elements.as_ref().clone(),
        Type::Object(attributes) => attributes.values().cloned().collect(),
        _ => Vec::new(),
    };
    types.iter().flat_map(of).collect()
}

fn unify_objects(types: &[&Type]) -> Option<Type> {
    let objects: Vec<&BTreeMap<Rc<str>, Type>> =
        types.iter().filter_map(|kind| if let Type::Object(it) = kind { Some(&**it) } else { None }).collect();
    let first = *objects.first()?;
    if objects.iter().any(|object| !object.keys().eq(first.keys())) {
        return Some(Type::Map(Rc::new(unify(&elements(types))?)));
    }
    let across = |name: &Rc<str>| unify(&objects.iter().filter_map(|object| object.get(name).cloned()).collect::<Vec<_>>());
    let attributes = first.keys().map(|name| Some((Rc::clone(name), across(name)?))).collect::<Option<_>>()?;
    Some(Type::Object(Rc::new(attributes)))
}

fn unify_tuples(types: &[&Type]) -> Option<Type> {
    let tuples: Vec<&Vec<Type>> = types.iter().filter_map(|kind| if let Type::Tuple(it) = kind { Some(&**it) } else { None }).collect();
    let first = *tuples.first()?;
    if tuples.iter().any(|tuple| tuple.len() != first.len()) {
        return Some(Type::List(Rc::new(unify(&elements(types))?)));
    }
    let across = |at: usize| unify(&tuples.iter().filter_map(|tuple| tuple.get(at).cloned()).collect::<Vec<_>>());
    Some(Type::Tuple(Rc::new((0..first.len()).map(across).collect::<Option<_>>()?)))
}
