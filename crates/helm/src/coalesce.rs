//! Merging the values of a chart, its dependencies and the user, exactly as `CoalesceValues` and `MergeValues` do.
//!
//! The levels differ in what becomes of nulls: Helm 4 drops those of a chart's own values.yaml and keeps a user's null where
//! the chart had none. Tables are shared where Helm shares them, because that can be seen: a subchart's
//! globals reach its parent's through a table that both hold.

use super::instance::Instance;
use hydrate_chart::Level;
use hydrate_gotmpl::fmt;
use hydrate_gotmpl::{List, Map, Value};

/// What Helm says on stderr while it merges.
pub(crate) type Warnings = Vec<String>;

/// How values are merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode {
    pub(super) level: Level,
    /// `MergeValues`: nulls are kept.
    pub(super) merge: bool,
}

/// The values of the user over those of the chart and its dependencies; `values` itself is not changed.
///
/// Fails where a dependency's values are not a table.
pub(super) fn values(chart: Instance<'_>, values: &Map, mode: Mode, warnings: &mut Warnings) -> Result<Map, String> {
    let copy = deep_copy(values);
    coalesce(chart, &copy, "", mode, warnings)?;
    Ok(copy)
}

/// A copy that shares no table and no list.
pub(super) fn deep_copy(map: &Map) -> Map {
    Map::plain(map.entries().map_values(copy_value))
}

fn copy_value(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(deep_copy(map)),
        Value::List(list) => Value::List(List::new(list.items().iter().map(copy_value).collect())),
        other => other.clone(),
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn coalesce(chart: Instance<'_>, values: &Map, prefix: &str, mode: Mode, warnings: &mut Warnings) -> Result<(), String> {
    own_values(chart, values, prefix, mode, warnings);
    for dependency in chart.dependencies() {
        let name = dependency.name();
        let inner = match values.get(name.as_bytes()) {
            None => {
                let fresh = Map::new();
                values.insert(name, Value::Map(fresh.clone()));
                fresh
            }
            Some(Value::Map(inner)) => inner,
            Some(other) => return Err(format!("type mismatch on {name}: {}", String::from_utf8_lossy(&fmt::sprintf(b"%t", &[other])))),
        };
        let prefix = join(prefix, chart.name());
        globals(&inner, values, &prefix, mode.level, warnings);
        coalesce(dependency, &inner, &prefix, mode, warnings)?;
    }
    Ok(())
}

/// Copies the parent's globals down into a dependency's values, where those that are there already win.
fn globals(to: &Map, from: &Map, prefix: &str, level: Level, warnings: &mut Warnings) {
    let table = |map: &Map| match map.get(b"global") {
        None => Some(Map::new()),
        Some(Value::Map(map)) => Some(map),
        Some(_) => None,
    };
    let Some(down) = table(to) else {
        warnings.push("warning: skipping globals because destination global is not a table.".to_owned());
        return;
    };
    let Some(up) = table(from) else {
        warnings.push("warning: skipping globals because source global is not a table.".to_owned());
        return;
    };
    let entries = up.entries().clone();
    for (key, value) in entries {
        let there = down.get(key.as_bytes());
        match (&value, there) {
            (Value::Map(table), None) => {
                down.insert(key, Value::Map(table.shallow_copy()));
            }
            (Value::Map(table), Some(Value::Map(there))) => {
                let copy = table.shallow_copy();
                let mode = Mode { level, merge: true };
                tables(&copy, &there, &join(prefix, &key.to_str_lossy()), mode, warnings);
                down.insert(key, Value::Map(copy));
            }
            (Value::Map(_), Some(_)) => {
                warnings.push(format!("Conflict: cannot merge map onto non-map for {:?}. Skipping.", key.to_str_lossy()));
            }
            (_, Some(Value::Map(_))) => warnings.push(format!("key {} is table. Skipping", key.to_str_lossy())),
            (value, _) => down.insert(key, value.clone()),
        }
    }
    to.insert("global", Value::Map(down));
}

/// Fills in the chart's own values.yaml below what is there.
fn own_values(chart: Instance<'_>, values: &Map, prefix: &str, mode: Mode, warnings: &mut Warnings) {
    let prefix = join(prefix, chart.name());
    let cleans = mode.level == Level::V4;
    for (key, own) in deep_copy(chart.values()).entries().iter() {
        match values.get(key.as_bytes()) {
            Some(Value::Nil) if !mode.merge => drop(values.remove(key.as_bytes())),
            Some(Value::Map(there)) => match own {
                Value::Map(own) => {
                    let name = key.to_str_lossy();
                    let merge = mode.merge || chart.dependencies().any(|dependency| dependency.name() == name);
                    if cleans && !merge {
                        drop_nulls(own);
                    }
                    tables(&there, own, &join(&prefix, &name), Mode { merge, ..mode }, warnings);
                }
                Value::Nil => {}
                _ => warnings.push(format!("warning: skipped value for {prefix}.{}: Not a table.", key.to_str_lossy())),
            },
            Some(_) => {}
            None if cleans && !mode.merge => match own {
                Value::Nil => {}
                own => {
                    if let Value::Map(own) = own {
                        drop_nulls(own);
                    }
                    values.insert(key.clone(), own.clone());
                }
            },
            None => values.insert(key.clone(), own.clone()),
        }
    }
}

/// Merges `from` into `to`, which wins, table by table.
pub(super) fn tables(to: &Map, from: &Map, prefix: &str, mode: Mode, warnings: &mut Warnings) {
    // Helm 4 copies the nulls of `to` over to `from` first; what `from` had there decides whether they go.
    let nulls: Vec<_> = match mode.level {
        Level::V4 => to.entries().iter().filter(|(_, value)| matches!(value, Value::Nil)).map(|(key, _)| key.clone()).collect(),
        Level::V3 => Vec::new(),
    };
    let mut doomed = Vec::new();
    for key in nulls {
        if from.get(key.as_bytes()).is_some_and(|value| !matches!(value, Value::Nil)) {
            doomed.push(key.clone());
        }
        from.insert(key, Value::Nil);
    }
    let entries = from.entries().clone();
    for (key, value) in entries {
        let there = to.get(key.as_bytes());
        match (there, value) {
            (Some(Value::Nil), value) if !mode.merge => {
                // In Helm 4 the value is null by now: copied over above, or null from the start.
                drop(value);
                if mode.level == Level::V3 || doomed.contains(&key) {
                    to.remove(key.as_bytes());
                }
            }
            (None, value) => to.insert(key, value),
            (Some(Value::Map(there)), Value::Map(value)) => tables(&there, &value, &join(prefix, &key.to_str_lossy()), mode, warnings),
            (Some(_), Value::Map(value)) => warn_table(warnings, prefix, &key.to_str_lossy(), &Value::Map(value)),
            (Some(Value::Map(_)), Value::Nil) => {}
            (Some(Value::Map(_)), value) => warnings.push(format!(
                "warning: destination for {} is a table. Ignoring non-table value ({})",
                join(prefix, &key.to_str_lossy()),
                fmt::to_text(&value)
            )),
            _ => {}
        }
    }
}

fn warn_table(warnings: &mut Warnings, prefix: &str, key: &str, value: &Value) {
    warnings.push(format!("warning: cannot overwrite table with non table for {} ({})", join(prefix, key), fmt::to_text(value)));
}

fn drop_nulls(map: &Map) {
    map.entries_mut().retain(|_, value| !matches!(value, Value::Nil));
    for value in map.entries().values() {
        if let Value::Map(inner) = value {
            drop_nulls(inner);
        }
    }
}
