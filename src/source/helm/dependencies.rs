//! Which dependencies take part, and what they give to their parent (`pkg/chart/v2/util/dependencies.go`).

use super::coalesce::{self, Mode, Warnings};
use super::instance::Instance;
use crate::chart::{Dependency, Import, Level};
use crate::gotmpl::value::{Map, Value};
use crate::sprig::semver::{Constraint, Version};

/// Enables, renames and disables dependencies by version, alias, tags and conditions, then imports values upwards.
pub(super) fn process(chart: &mut Instance, values: &Map, level: Level, warnings: &mut Warnings) -> Result<(), String> {
    enable(chart, values, "", level, warnings)?;
    import(chart, level, warnings)
}

/// Whether `version` satisfies `constraint`; whatever does not parse does not.
pub(super) fn compatible(constraint: &str, version: &str, level: Level) -> bool {
    let release = level.semver();
    let Ok(version) = Version::parse(version, release) else { return false };
    Constraint::parse(constraint, release).is_ok_and(|constraint| constraint.check(&version))
}

fn enable(chart: &mut Instance, values: &Map, path: &str, level: Level, warnings: &mut Warnings) -> Result<(), String> {
    let Some(mut requirements) = chart.requirements.take() else { return Ok(()) };
    let mut dependencies: Vec<Instance> = Vec::new();
    for existing in &chart.dependencies {
        if !requirements.iter().any(|required| fits(existing, required, level)) {
            dependencies.push(existing.clone());
        }
    }
    for required in &mut requirements {
        if let Some(found) = chart.dependencies.iter().find(|existing| fits(existing, required, level)) {
            let mut found = found.clone();
            if !required.alias.is_empty() {
                found.name = required.alias.as_str().into();
            }
            dependencies.push(found);
        }
        if !required.alias.is_empty() {
            required.name.clone_from(&required.alias);
        }
        required.enabled = true;
    }
    chart.dependencies = dependencies;
    let merged = coalesce::values(chart, values, Mode { level, merge: false }, warnings)?;
    apply_tags(&mut requirements, &merged, warnings);
    apply_conditions(&mut requirements, &merged, path, warnings);
    let disabled: Vec<String> = requirements.iter().filter(|required| !required.enabled).map(|required| required.name.clone()).collect();
    chart.dependencies.retain(|dependency| !disabled.iter().any(|name| name == dependency.name()));
    requirements.retain(|required| !disabled.contains(&required.name));
    for dependency in &mut chart.dependencies {
        let path = format!("{path}{}.", dependency.name());
        enable(dependency, &merged, &path, level, warnings)?;
    }
    // An emptied list is nil afterwards, which keeps `import` away from it.
    chart.requirements = (!requirements.is_empty()).then_some(requirements);
    Ok(())
}

fn fits(existing: &Instance, required: &Dependency, level: Level) -> bool {
    existing.name() == required.name && compatible(&required.version, &existing.chart.metadata.version, level)
}

fn apply_tags(requirements: &mut [Dependency], values: &Map, warnings: &mut Warnings) {
    let Some(Value::Map(tags)) = values.get(b"tags") else { return };
    for required in requirements {
        let (mut on, mut off) = (false, false);
        for tag in required.tags.iter().flatten() {
            match tags.get(tag.as_bytes()) {
                Some(Value::Bool(true)) => on = true,
                Some(Value::Bool(false)) => off = true,
                Some(_) => warnings.push(format!("Warning: Tag '{tag}' for chart {} returned non-bool value", required.name)),
                None => {}
            }
        }
        required.enabled = on || !off;
    }
}

fn apply_conditions(requirements: &mut [Dependency], values: &Map, path: &str, warnings: &mut Warnings) {
    for required in requirements {
        for condition in required.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            match path_value(values, &format!("{path}{condition}")) {
                Some(Value::Bool(on)) => {
                    required.enabled = on;
                    break;
                }
                Some(_) => {
                    warnings.push(format!("Warning: Condition path '{condition}' for chart {} returned non-bool value", required.name));
                }
                None => {}
            }
        }
    }
}

/// What is at a dotted path, unless it is a table.
fn path_value(values: &Map, path: &str) -> Option<Value> {
    let (tables, key) = path.rsplit_once('.').map_or((None, path), |(tables, key)| (Some(tables), key));
    let holder = match tables {
        Some(tables) => table(values, tables).ok()?,
        None => values.clone(),
    };
    holder.get(key.as_bytes()).filter(|value| !matches!(value, Value::Map(_)))
}

/// The table at a dotted path; the error names the part that is none.
pub(super) fn table(values: &Map, path: &str) -> Result<Map, String> {
    let mut at = values.clone();
    for part in path.split('.') {
        at = match at.get(part.as_bytes()) {
            Some(Value::Map(inner)) => inner,
            _ => return Err(format!("{part:?} is not a table")),
        };
    }
    Ok(at)
}

/// Children first: what they import is there for their parents to import.
fn import(chart: &mut Instance, level: Level, warnings: &mut Warnings) -> Result<(), String> {
    for dependency in &mut chart.dependencies {
        import(dependency, level, warnings)?;
    }
    let Some(requirements) = &chart.requirements else { return Ok(()) };
    let merge = Mode { level, merge: true };
    let merged = coalesce::values(chart, &Map::new(), merge, warnings)?;
    let imported = Map::new();
    for required in requirements {
        for entry in &required.import_values {
            let (child, parent) = match entry {
                Import::Export(name) => (format!("exports.{name}"), "."),
                Import::Table { child, parent } => (child.clone(), parent.as_str()),
                Import::Other(_) => continue,
            };
            match table(&merged, &format!("{}.{child}", required.name)) {
                Ok(found) => coalesce::tables(&imported, &nested(parent, found), "", merge, warnings),
                Err(error) => warnings.push(format!("Warning: ImportValues missing table from chart {}: {error}", required.name)),
            }
        }
    }
    // Where these values are used they are copied; only what is changed here must not be shared before.
    chart.values = if imported.is_empty() { merged } else { coalesce::deep_copy(&merged) };
    coalesce::tables(&chart.values, &imported, "", merge, warnings);
    Ok(())
}

/// `values` below a dotted path; `.` is the root itself.
fn nested(path: &str, values: Map) -> Map {
    if path == "." {
        return values;
    }
    path.split('.').rev().fold(values, |inner, part| {
        let outer = Map::new();
        outer.insert(part, Value::Map(inner));
        outer
    })
}
