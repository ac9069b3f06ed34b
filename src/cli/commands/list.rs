//! `hydrate list`: components and where they belong.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{format, open_project};
use crate::cli::{report, ui::Ui};
use crate::project::select::select;
use crate::project::{Loaded, Project};
use hydrate_base::Diagnostic;

/// Lists every component with its environments, kinds of sources and needs; with `-e`, those of these environments.
pub fn run(ui: &mut Ui, global: &GlobalArgs) -> Outcome {
    let format = format(global, "list", &[Format::Text, Format::Json])?;
    let project = open_project(global)?;
    let world = project.world();
    let all = project.components(&world)?;
    let known = project.environment_names(&world)?;
    let every = global.environments.is_empty() || global.environments.iter().any(|name| name == "all");
    let environments = if every { known } else { global.environments.clone() };
    let members = members(&project, &all, &environments)?;
    let mut rows: Vec<[String; 4]> = Vec::new();
    let mut listed = Vec::new();
    let mut broken: Vec<Box<Diagnostic>> = Vec::new();
    for (name, loaded) in &all {
        let belongs = members.get(name).cloned().unwrap_or_default();
        match loaded {
            Err(errors) => broken.extend(errors.iter().cloned()),
            Ok(_) if belongs.is_empty() && !global.environments.is_empty() => {}
            Ok(component) => {
                let mut kinds: Vec<&str> = Vec::new();
                for env in &belongs {
                    kinds.extend(component.specs(&world, env).iter().map(|spec| spec.kind.word()));
                }
                kinds.sort_unstable();
                kinds.dedup();
                let needs: Vec<&str> = component.needs.iter().map(|need| need.text.as_str()).collect();
                listed.push(json!({"component": name, "environments": belongs, "sources": kinds, "needs": needs}));
                rows.push([name.clone(), belongs.join(","), kinds.join(","), needs.join(",")]);
            }
        }
    }
    match format {
        Format::Json => ui.data(&report::document("list", json!({"components": listed}), &broken))?,
        _ => ui.lines(report::table(["COMPONENT", "ENVIRONMENTS", "SOURCES", "NEEDS"], rows))?,
    }
    if broken.is_empty() { Ok(Exit::Success) } else { Err(Failures(broken)) }
}

/// The environments each component belongs to.
fn members(project: &Project, all: &BTreeMap<String, Loaded>, environments: &[String]) -> Result<BTreeMap<String, Vec<String>>, Failures> {
    let world = project.world();
    let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in environments {
        let environment = project.environment(&world, name)?;
        // Components with broken files are reported by the list itself: here they belong nowhere.
        let sound: BTreeMap<String, Loaded> =
            all.iter().filter_map(|(name, loaded)| loaded.as_ref().ok().map(|component| (name.clone(), Ok(component.clone())))).collect();
        for component in select(&world, &environment, &sound, &[])?.selected {
            members.entry(component).or_default().push(name.clone());
        }
    }
    Ok(members)
}
