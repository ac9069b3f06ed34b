//! Which dependencies take part, and what they give to their parent (`pkg/chart/v2/util/dependencies.go`).

use std::collections::BTreeMap;

use super::coalesce::{self, Mode, Warnings};
use super::instance::{ChartId, Charts, Requirement, RequirementId};
use hydrate_chart::{Dependency, Import, ImportPath, Level};
use hydrate_gotmpl::{Map, Value};
use hydrate_sprig::semver::{Constraint, Version};

/// Enables, renames and disables dependencies by version, alias, tags and conditions, then imports values upwards.
pub(super) fn process(charts: &mut Charts, values: &Map, warnings: &mut Warnings) -> Result<(), String> {
    enable(charts, Charts::ROOT, values, "", warnings)?;
    import(charts, Charts::ROOT, warnings)
}

/// Whether `version` satisfies `constraint`; whatever does not parse does not.
pub(super) fn compatible(constraint: &str, version: &str, level: Level) -> bool {
    let release = level.semver();
    let Ok(version) = Version::parse(version, release) else { return false };
    Constraint::parse(constraint, release).is_ok_and(|constraint| constraint.check(&version))
}

fn enable(charts: &mut Charts, id: ChartId, values: &Map, path: &str, warnings: &mut Warnings) -> Result<(), String> {
    let Some(requirements) = charts.get(id).requirement_ids().map(<[RequirementId]>::to_vec) else { return Ok(()) };
    let existing = charts.get(id).dependency_ids().to_vec();
    let declared = |charts: &Charts, chart: ChartId| requirements.iter().any(|required| fits(charts, chart, *required));
    let mut dependencies: Vec<ChartId> = existing.iter().copied().filter(|chart| !declared(charts, *chart)).collect();
    for &required in &requirements {
        let alias = charts.requirement(required).dependency.alias.clone();
        if let Some(found) = existing.iter().copied().find(|chart| fits(charts, *chart, required)) {
            dependencies.push(charts.copy(found, &alias));
        }
        if !alias.is_empty() {
            charts.requirement_mut(required).dependency.name = alias;
        }
    }
    charts.set_dependencies(id, dependencies);
    for &required in &requirements {
        charts.requirement_mut(required).dependency.enabled = true;
    }
    let merged = coalesce::values(charts.get(id), values, Mode { level: charts.level(), merge: false }, warnings)?;
    for &required in &requirements {
        apply_tags(&mut charts.requirement_mut(required).dependency, &merged, warnings);
    }
    for &required in &requirements {
        apply_condition(&mut charts.requirement_mut(required).dependency, &merged, path, warnings);
    }
    let (kept, disabled): (Vec<_>, Vec<_>) = requirements.iter().partition(|required| charts.requirement(**required).dependency.enabled);
    let disabled: Vec<String> = disabled.into_iter().map(|required| charts.requirement(required).dependency.name.clone()).collect();
    let off = |name: &str| disabled.iter().any(|disabled| disabled == name);
    let dependencies: Vec<ChartId> =
        charts.get(id).dependency_ids().iter().copied().filter(|chart| !off(charts.get(*chart).name())).collect();
    for &dependency in &dependencies {
        let path = format!("{path}{}.", charts.get(dependency).name());
        enable(charts, dependency, &merged, &path, warnings)?;
    }
    // Those that an entry of the same name has switched off go with it, and an emptied list is nil afterwards.
    let kept: Vec<RequirementId> = kept.into_iter().filter(|required| !off(&charts.requirement(*required).dependency.name)).collect();
    charts.set_requirements(id, (!kept.is_empty()).then_some(kept));
    charts.set_dependencies(id, dependencies);
    Ok(())
}

fn fits(charts: &Charts, chart: ChartId, required: RequirementId) -> bool {
    let (chart, required) = (charts.get(chart), &charts.requirement(required).dependency);
    chart.name() == required.name && compatible(&required.version, &chart.chart().metadata.version, charts.level())
}

fn apply_tags(required: &mut Dependency, values: &Map, warnings: &mut Warnings) {
    let Some(Value::Map(tags)) = values.get(b"tags") else { return };
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

fn apply_condition(required: &mut Dependency, values: &Map, path: &str, warnings: &mut Warnings) {
    for condition in required.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
        match path_value(values, &format!("{path}{condition}")) {
            Some(Value::Bool(on)) => {
                required.enabled = on;
                return;
            }
            Some(_) => {
                warnings.push(format!("Warning: Condition path '{condition}' for chart {} returned non-bool value", required.name));
            }
            None => {}
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
fn import(charts: &mut Charts, id: ChartId, warnings: &mut Warnings) -> Result<(), String> {
    for dependency in charts.get(id).dependency_ids().to_vec() {
        import(charts, dependency, warnings)?;
    }
    let Some(requirements) = charts.get(id).requirement_ids().map(<[RequirementId]>::to_vec) else { return Ok(()) };
    let merge = Mode { level: charts.level(), merge: true };
    let merged = coalesce::values(charts.get(id), &Map::new(), merge, warnings)?;
    let imported = Map::new();
    for required in requirements {
        let paths = paths(charts.requirement(required), charts.level())?;
        for (child, parent) in &paths {
            let name = &charts.requirement(required).dependency.name;
            match table(&merged, &format!("{name}.{child}")) {
                Ok(found) => {
                    // Helm's `AsMap` makes another table of an empty one, so that this one is not shared.
                    let found = if found.is_empty() { Map::new() } else { found };
                    coalesce::tables(&imported, &nested(parent, found), "", merge, warnings);
                    if contains_itself(&imported, &mut BTreeMap::new()) {
                        return Err(format!("import-values of the dependency {name}: {child} would be imported into itself, at {parent}"));
                    }
                }
                Err(error) => warnings.push(format!("Warning: ImportValues missing table from chart {name}: {error}")),
            }
        }
        charts.requirement_mut(required).imported = Some(paths);
    }
    // Where these values are used they are copied; only what is changed here must not be shared before.
    let values = if imported.is_empty() { merged } else { coalesce::deep_copy(&merged) };
    coalesce::tables(&values, &imported, "", merge, warnings);
    charts.set_values(id, values);
    Ok(())
}

/// Whether a table is somewhere below itself: Helm shares what it imports, and then never ends. `open` has the tables that were met, and
/// whether they are above this one; those that are not have been looked through.
fn contains_itself(map: &Map, open: &mut BTreeMap<usize, bool>) -> bool {
    if let Some(is_above) = open.get(&map.address()) {
        return *is_above;
    }
    open.insert(map.address(), true);
    let inner: Vec<Map> =
        map.entries().iter().filter_map(|(_, value)| if let Value::Map(inner) = value { Some(inner.clone()) } else { None }).collect();
    let found = inner.iter().any(|inner| contains_itself(inner, open));
    open.insert(map.address(), false);
    found
}

/// What an entry imports, from which path to which. Helm turns `import-values` into such pairs, and knows no pairs where it
/// comes to them a second time.
fn paths(required: &Requirement, level: Level) -> Result<Vec<(String, String)>, String> {
    if required.imported.is_some() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for import in &required.dependency.import_values {
        match import {
            Import::Export(name) => paths.push((format!("exports.{name}"), ".".to_owned())),
            Import::Table { child, parent } => {
                paths.push((path(child, "child", required, level)?, path(parent, "parent", required, level)?))
            }
            Import::Other => {}
        }
    }
    Ok(paths)
}

/// The path under `child` or `parent`, of which Helm 4 takes the text whatever it is.
fn path(path: &ImportPath, key: &str, required: &Requirement, level: Level) -> Result<String, String> {
    if level == Level::V4 || path.go_type == "string" {
        return Ok(path.text.clone());
    }
    let name = &required.dependency.name;
    let found = if path.go_type == "<nil>" { "nil" } else { path.go_type };
    Err(format!("import-values of the dependency {name}: {key}: interface conversion: interface {{}} is {found}, not string"))
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
