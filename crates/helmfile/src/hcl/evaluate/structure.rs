//! Objects and lists: how they are made of expressions, and what lies in them.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::number::Number;
use super::super::syntax::{Expression, For, Key, Span};
use super::super::value::{Outcome, Type, Value, convert};
use super::{Context, Evaluated, Evaluator, Failure};

/// `value.name`
pub(super) fn attribute(value: &Value, name: &str) -> Outcome {
    match value {
        Value::Object(table) | Value::Map(_, table) => table
            .entries
            .get(name)
            .cloned()
            .ok_or_else(|| format!("the {} has no such key", value.type_of().name().split(' ').next().unwrap_or_default())),
        Value::Null(_) => Err("the value is null".to_owned()),
        Value::List(..) | Value::Tuple(_) => {
            Err("the value is a list; [0].NAME is an attribute of an item, [*].NAME those of all items".to_owned())
        }
        Value::Set(..) => Err("the value is a set; [*].NAME are the attributes of all items".to_owned()),
        _ => Err(format!("the value is a {}", value.type_of().name())),
    }
}

/// `value[key]`
pub(super) fn index(value: &Value, key: &Value) -> Outcome {
    if key.is_null() {
        return Err("the key is null".to_owned());
    }
    match value {
        Value::Null(_) => Err("the value is null".to_owned()),
        Value::List(_, sequence) | Value::Tuple(sequence) => match convert(key, &Type::Number)? {
            Value::Number(number) => item(&sequence.items, &number),
            _ => Err("the key is null".to_owned()),
        },
        Value::Map(_, table) | Value::Object(table) => match convert(key, &Type::String)? {
            Value::String(name) => table.entries.get(&name).cloned().ok_or_else(|| format!("there is no key {name:?}")),
            _ => Err("the key is null".to_owned()),
        },
        Value::Set(..) => Err("the items of a set have no keys".to_owned()),
        _ => Err(format!("a {} has no elements", value.type_of().name())),
    }
}

fn item(items: &[Value], number: &Number) -> Outcome {
    if !number.is_integer() {
        return Err("the index of a list is a whole number".to_owned());
    }
    if number.is_negative() {
        return Err("the index of a list is not negative".to_owned());
    }
    let at = number.to_int().and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| items.get(at)).cloned().ok_or_else(|| format!("the list has {} items", items.len()))
}

/// The keys and values of a collection, as `for` goes over them.
fn elements(collection: &Value) -> Option<Vec<(Value, Value)>> {
    if let Some(entries) = collection.entries() {
        return Some(entries.iter().map(|(key, value)| (Value::String(Rc::clone(key)), value.clone())).collect());
    }
    let items = collection.items()?;
    let key = |at: usize, item: &Value| if matches!(collection, Value::Set(..)) { item.clone() } else { Value::integer(at) };
    Some(items.iter().enumerate().map(|(at, item)| (key(at, item), item.clone())).collect())
}

impl Evaluator<'_> {
    pub(super) fn object(&self, entries: &[(Key, Expression)], span: &Span, context: &mut Context<'_>) -> Evaluated {
        let mut object = BTreeMap::new();
        for (key, value) in entries {
            let name = self.entry_key(key, context)?;
            object.insert(name, self.value(value, context)?);
        }
        self.made(object.len(), Value::object(object), span, context)
    }

    fn entry_key(&self, key: &Key, context: &mut Context<'_>) -> Result<Rc<str>, Failure> {
        match key {
            Key::Name(name) => Ok(Rc::clone(name)),
            Key::Ambiguous(span) => {
                let why = "a reference is written in parentheses, a name with dots in quotes";
                Err(context.failure_because(span, "it is not clear what the key is", why))
            }
            Key::Computed(expression) => {
                let value = self.value(expression, context)?;
                key_text(&value).map_err(|why| context.failure_because(&expression.span, "the value cannot be a key", why))
            }
        }
    }

    pub(super) fn for_expression(&self, each: &For, span: &Span, context: &mut Context<'_>) -> Evaluated {
        let collection = self.value(&each.collection, context)?;
        let Some(elements) = elements(&collection) else {
            let why = if collection.is_null() { "it is null".to_owned() } else { format!("it is a {}", collection.type_of().name()) };
            return Err(context.failure_because(&each.collection.span, "\"for\" needs a list, a map or an object", why));
        };
        self.grow(elements.len(), 0, span, context)?;
        let mut made = Made::default();
        for (key, value) in elements {
            let outside = context.names.len();
            if let Some(name) = &each.key_name {
                context.names.push((Rc::clone(name), key));
            }
            context.names.push((Rc::clone(&each.value_name), value));
            let result = self.one(each, &mut made, context);
            context.names.truncate(outside);
            result?;
        }
        self.finished(each, made, span, context)
    }

    /// What a `for` makes of one element.
    fn one(&self, each: &For, made: &mut Made, context: &mut Context<'_>) -> Result<(), Failure> {
        if let Some(condition) = &each.condition {
            let value = self.value(condition, context)?;
            let holds = match convert(&value, &Type::Bool) {
                Ok(Value::Bool(holds)) => holds,
                Ok(_) => return Err(context.failure(&condition.span, "the condition is null")),
                Err(why) => return Err(context.failure_because(&condition.span, "the condition is not true or false", why)),
            };
            if !holds {
                return Ok(());
            }
        }
        let Some(key) = &each.key else {
            made.items.push(self.value(&each.value, context)?);
            return Ok(());
        };
        let value = self.value(key, context)?;
        let name = key_text(&value).map_err(|why| context.failure_because(&key.span, "the value cannot be a key", why))?;
        let value = self.value(&each.value, context)?;
        let known = made.groups.entry(Rc::clone(&name)).or_default();
        if !each.groups && !known.is_empty() {
            let why = "\"...\" after the value gathers those of the same key in a list";
            return Err(context.failure_because(&key.span, format!("two items have the key {name:?}"), why));
        }
        known.push(value);
        Ok(())
    }

    fn finished(&self, each: &For, made: Made, span: &Span, context: &Context<'_>) -> Evaluated {
        if each.key.is_none() {
            return self.made(made.items.len(), Value::tuple(made.items), span, context);
        }
        let entry = |(key, mut values): (Rc<str>, Vec<Value>)| {
            let value = if each.groups { Value::tuple(values) } else { Ok(values.pop().unwrap_or(Value::NULL)) };
            value.map(|value| (key, value))
        };
        let count = made.groups.values().map(Vec::len).sum();
        let entries = made.groups.into_iter().map(entry).collect::<Result<_, _>>();
        self.made(count, entries.and_then(Value::object), span, context)
    }

    /// A single value counts as a list of itself, null as an empty one.
    pub(super) fn splat(&self, source: &Expression, each: &Expression, context: &mut Context<'_>) -> Evaluated {
        let value = self.value(source, context)?;
        let is_list = matches!(value, Value::List(..) | Value::Set(..));
        let items = match (&value, value.items()) {
            (_, Some(items)) => items.to_vec(),
            (Value::Null(Type::List(_) | Type::Set(_) | Type::Tuple(_)), None) => {
                return Err(context.failure(&source.span, "a star cannot be applied to null"));
            }
            (Value::Null(_), None) => Vec::new(),
            (_, None) => vec![value.clone()],
        };
        self.grow(items.len(), 0, &source.span, context)?;
        let mut made = Vec::with_capacity(items.len());
        for item in items {
            context.items.push(item);
            let result = self.value(each, context);
            context.items.pop();
            made.push(result?);
        }
        let count = made.len();
        if !is_list {
            return self.made(count, Value::tuple(made), &each.span, context);
        }
        let steps: u64 = made.iter().map(Value::weight).sum();
        self.spend(steps, &each.span, context)?;
        let kind = made.first().map_or(Type::Dynamic, Value::type_of);
        if made.iter().any(|item| item.type_of() != kind) {
            return Err(context.failure_because(
                &each.span,
                "the items have different types",
                "a \"for\" expression makes a list of any values",
            ));
        }
        self.made(count, Value::list(kind, made), &each.span, context)
    }
}

/// What a `for` has made so far.
#[derive(Default)]
struct Made {
    items: Vec<Value>,
    groups: BTreeMap<Rc<str>, Vec<Value>>,
}

fn key_text(value: &Value) -> Result<Rc<str>, String> {
    match convert(value, &Type::String)? {
        Value::String(text) => Ok(text),
        _ => Err("it is null".to_owned()),
    }
}
