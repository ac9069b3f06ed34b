//! Functions of sets; lists and tuples become sets.

use std::rc::Rc;

use super::super::value::{Outcome, Type, Value, common, convert, unify};

/// So many items are compared at the most: each with each.
const MOST_COMPARED: usize = 4_000;
/// A product may have this many items.
const LARGEST_PRODUCT: usize = 100_000;

/// The sets, all of one type, and that type.
fn same_type(arguments: &[Value]) -> Result<(Type, Vec<Vec<Value>>), String> {
    let mut types = Vec::new();
    for set in arguments {
        let Value::Set(element, sequence) = set else { return Err("a set is required".to_owned()) };
        if !(sequence.items.is_empty() && *element == Type::Dynamic) {
            types.push(element.clone());
        }
        if sequence.items.len() > MOST_COMPARED {
            return Err(format!("a set has more than {MOST_COMPARED} items"));
        }
    }
    let element = common(types.into_iter()).ok_or("the sets have elements of different types")?;
    let kind = Type::Set(Rc::new(element.clone()));
    let converted = |set: &Value| Ok(convert(set, &kind)?.items().unwrap_or_default().to_vec());
    Ok((element, arguments.iter().map(converted).collect::<Result<_, String>>()?))
}

fn has(set: &[Value], value: &Value) -> bool {
    set.iter().any(|item| item.equals(value))
}

pub(super) fn union(arguments: &[Value]) -> Outcome {
    let (element, sets) = same_type(arguments)?;
    Value::set(element, sets.concat())
}

pub(super) fn intersection(arguments: &[Value]) -> Outcome {
    let (element, sets) = same_type(arguments)?;
    let Some((first, others)) = sets.split_first() else { return Value::set(element, Vec::new()) };
    Value::set(element, first.iter().filter(|item| others.iter().all(|set| has(set, item))).cloned().collect())
}

pub(super) fn subtract(arguments: &[Value]) -> Outcome {
    let (element, sets) = same_type(arguments)?;
    let [from, what] = sets.as_slice() else { return Err("two sets are required".to_owned()) };
    Value::set(element, from.iter().filter(|item| !has(what, item)).cloned().collect())
}

/// All combinations, the last argument changing fastest. Of lists alone it is a list, otherwise a set.
pub(super) fn product(arguments: &[Value]) -> Outcome {
    if arguments.len() < 2 {
        return Err("at least two arguments are required".to_owned());
    }
    let mut types = Vec::new();
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for set in arguments {
        let items = set.items().ok_or_else(|| format!("an argument is a {}, and a set or a list is required", set.type_of().name()))?;
        let element = element_type(set).ok_or("the items of an argument have no type in common")?;
        let items = items.iter().map(|item| convert(item, &element)).collect::<Result<Vec<_>, _>>()?;
        types.push(element);
        if rows.len().saturating_mul(items.len()).saturating_mul(arguments.len()) > LARGEST_PRODUCT {
            return Err(format!("the product would have more than {LARGEST_PRODUCT} items"));
        }
        let longer = |row: &Vec<Value>, item: &Value| row.iter().chain([item]).cloned().collect();
        rows = rows.iter().flat_map(|row| items.iter().map(move |item| longer(row, item))).collect();
    }
    let rows = rows.into_iter().map(Value::tuple).collect::<Result<Vec<_>, _>>()?;
    let element = Type::Tuple(Rc::new(types));
    if arguments.iter().any(|set| matches!(set, Value::Set(..))) { Value::set(element, rows) } else { Value::list(element, rows) }
}

fn element_type(set: &Value) -> Option<Type> {
    match set {
        Value::List(element, _) | Value::Set(element, _) => Some(element.clone()),
        _ => match set.items()? {
            [] => Some(Type::Dynamic),
            items => unify(&items.iter().map(Value::type_of).collect::<Vec<_>>()),
        },
    }
}
