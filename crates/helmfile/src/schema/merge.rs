//! Structs merged as `dario.cat/mergo` does it, by the Go types of their fields.

use hydrate_gotmpl::{List, Map, Value};

use super::{FieldKind, Struct};
use crate::record;

/// How two structs are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Merge {
    /// Whether what the second has counts where both have something: `WithOverride`.
    pub overwrite: bool,
    /// Whether lists are joined: `WithAppendSlice`.
    pub append: bool,
}

/// Merges the second struct into the first.
pub(crate) fn merge(into: &Map, from: &Map, of: &Struct, how: Merge) {
    for field in of.fields {
        let Some(new) = from.get(field.name.as_bytes()) else { continue };
        let old = into.get(field.name.as_bytes());
        if let Some(merged) = merged(old, new, field.kind, how) {
            into.insert(field.name, merged);
        }
    }
}

/// What a field becomes; nothing where it stays as it is.
fn merged(old: Option<Value>, new: Value, kind: FieldKind, how: Merge) -> Option<Value> {
    let is_free = |old: &Option<Value>| old.as_ref().is_none_or(record::is_zero);
    match kind {
        FieldKind::Ignored => None,
        FieldKind::Text | FieldKind::Flag | FieldKind::Int | FieldKind::Float | FieldKind::Duration => {
            ((is_free(&old) || how.overwrite) && !record::is_zero(&new)).then_some(new)
        }
        // A pointer that is there is followed, and an empty value never overwrites.
        FieldKind::OptionalText | FieldKind::OptionalFlag | FieldKind::OptionalInt | FieldKind::OptionalFloat => match old {
            None => Some(new),
            Some(old) => ((record::is_zero(&old) || how.overwrite) && !record::is_zero(&new)).then_some(new),
        },
        FieldKind::Texts
        | FieldKind::Values
        | FieldKind::List(_)
        | FieldKind::Inherits
        | FieldKind::DefaultInherit
        | FieldKind::Helmfiles => match (old, new) {
            (Some(Value::List(old)), Value::List(new)) if how.append => {
                Some(Value::List(List::new(old.items().iter().chain(new.items().iter()).cloned().collect())))
            }
            (old, new) => (!record::is_zero(&new) && (how.overwrite || is_free(&old))).then_some(new),
        },
        FieldKind::TextMap | FieldKind::Map(_) => match (old, new) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let copy = record::shallow(&old);
                for (key, value) in new.entries().iter() {
                    let is_free = copy.get(key.as_bytes()).is_none_or(|old| matches!(kind, FieldKind::TextMap) && old.is_empty());
                    if is_free || how.overwrite {
                        copy.insert(key.clone(), value.clone());
                    }
                }
                Some(Value::Map(copy))
            }
            (_, new) => Some(new),
        },
        FieldKind::Struct(of) | FieldKind::OptionalStruct(of) => match (old, new) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let copy = record::shallow(&old);
                merge(&copy, &new, of, how);
                Some(Value::Map(copy))
            }
            (_, new) => Some(new),
        },
    }
}
