//! The order of releases, by what they need.
//!
//! Follows `pkg/state/state_run.go` of helmfile and the module `variantdev/dag` 1.1.

use std::collections::{BTreeMap, BTreeSet};

use hydrate_base::{Diagnostic, Result};
use hydrate_gotmpl::Map;

use crate::record;

/// Which releases are planned.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PlanOptions {
    /// Whether what the chosen ones need is planned too, and what that needs.
    pub include: bool,
    /// Whether what they need is passed over.
    pub skip: bool,
}

/// `[CONTEXT/][NAMESPACE/]NAME`
pub(crate) fn id(release: &Map) -> String {
    let (context, namespace, name) =
        (record::text(release, "kubeContext"), record::text(release, "namespace"), record::text(release, "name"));
    match (context.is_empty(), namespace.is_empty()) {
        (true, true) => name,
        (true, false) => format!("{namespace}/{name}"),
        (false, _) => format!("{context}/{namespace}/{name}"),
    }
}

/// The releases in groups: what a group needs stands in those before it.
pub(crate) fn plan(releases: &[Map], chosen: &[String], options: PlanOptions) -> Result<Vec<Vec<Map>>> {
    let mut by_id: BTreeMap<String, Vec<&Map>> = BTreeMap::new();
    let mut position: BTreeMap<String, usize> = BTreeMap::new();
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut order = Vec::new();
    for (at, release) in releases.iter().enumerate() {
        let id = id(release);
        if !by_id.contains_key(&id) {
            order.push(id.clone());
        }
        by_id.entry(id.clone()).or_default().push(release);
        position.insert(id.clone(), at);
        needs.entry(id).or_default().extend(record::texts(release, "needs"));
    }
    check_defined(&needs)?;
    let levels = levels(&order, &needs)?;
    let wanted = wanted(&order, &needs, chosen, options)?;
    let mut groups: Vec<Vec<Map>> = Vec::new();
    for level in levels {
        let mut ids: Vec<&String> = level.iter().filter(|id| wanted.contains(*id)).collect();
        ids.sort_by_key(|id| position.get(*id));
        let group: Vec<Map> = ids.iter().filter_map(|id| by_id.get(*id)).flatten().map(|release| (*release).clone()).collect();
        if !group.is_empty() {
            groups.push(group);
        }
    }
    Ok(groups)
}

fn check_defined(needs: &BTreeMap<String, BTreeSet<String>>) -> Result<()> {
    let missing = needs.values().flatten().find(|need| !needs.contains_key(*need));
    let Some(missing) = missing else { return Ok(()) };
    let dependents: Vec<String> = needs.iter().filter(|(_, of)| of.contains(missing)).map(|(id, _)| format!("{id:?}")).collect();
    let name = missing.rsplit('/').next().unwrap_or_default();
    let close = hydrate_base::suggest::closest(missing, needs.keys().map(String::as_str));
    let error = Diagnostic::error(format!(
        "release(s) {} depend(s) on an undefined release {missing:?}. Perhaps you made a typo in \"needs\" or forgot defining a release named {name:?} with appropriate \"namespace\" and \"kubeContext\"?",
        dependents.join(", ")
    ));
    Err(match close {
        Some(close) => error.help(format!("did you mean `{close}`?")),
        None => error,
    })
}

/// Releases by how far they are from those that need nothing.
fn levels(order: &[String], needs: &BTreeMap<String, BTreeSet<String>>) -> Result<Vec<Vec<String>>> {
    let mut left: BTreeMap<&String, usize> = needs.iter().map(|(id, needs)| (id, needs.len())).collect();
    let mut current: Vec<&String> = order.iter().filter(|id| left.get(id) == Some(&0)).collect();
    let mut levels = Vec::new();
    let mut done = 0;
    while !current.is_empty() {
        done += current.len();
        let mut next = Vec::new();
        for finished in &current {
            for (dependent, of) in needs.iter().filter(|(_, of)| of.contains(*finished)) {
                let _ = of;
                if let Some(count) = left.get_mut(dependent) {
                    *count -= 1;
                    if *count == 0 {
                        next.push(dependent);
                    }
                }
            }
        }
        levels.push(current.into_iter().cloned().collect());
        current = next;
    }
    if done == needs.len() { Ok(levels) } else { Err(cycle(needs, &left)) }
}

fn cycle(needs: &BTreeMap<String, BTreeSet<String>>, left: &BTreeMap<&String, usize>) -> Box<Diagnostic> {
    let is_left = |id: &String| left.get(id).is_some_and(|count| *count > 0);
    let mut path: Vec<&String> = Vec::new();
    let mut at = needs.keys().find(|id| is_left(id));
    while let Some(id) = at {
        if let Some(start) = path.iter().position(|seen| *seen == id) {
            let shown: Vec<&str> = path.iter().skip(start).chain([&id]).map(|id| id.as_str()).collect();
            return Diagnostic::error(format!("releases need each other: {}", shown.join(" -> "))).help("take one of these `needs` out");
        }
        path.push(id);
        at = needs.get(id).and_then(|needs| needs.iter().find(|need| is_left(need)));
    }
    Diagnostic::error("releases need each other in a circle")
}

fn wanted(
    order: &[String],
    needs: &BTreeMap<String, BTreeSet<String>>,
    chosen: &[String],
    options: PlanOptions,
) -> Result<BTreeSet<String>> {
    if chosen.is_empty() {
        return Ok(order.iter().cloned().collect());
    }
    let mut wanted: BTreeSet<String> = chosen.iter().cloned().collect();
    if options.skip {
        return Ok(wanted);
    }
    let mut open: Vec<String> = chosen.to_vec();
    while let Some(id) = open.pop() {
        for need in needs.get(&id).into_iter().flatten() {
            if wanted.contains(need) {
                continue;
            }
            if !options.include {
                let name = need.rsplit('/').next().unwrap_or_default();
                return Err(Diagnostic::error(format!(
                    "release {id:?} depends on {need:?} which does not match the selectors. Please add a selector like \"--selector name={name}\", or indicate whether to skip (--skip-needs) or include (--include-needs) these dependencies"
                )));
            }
            wanted.insert(need.clone());
            open.push(need.clone());
        }
    }
    Ok(wanted)
}
