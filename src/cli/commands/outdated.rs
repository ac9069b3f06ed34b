//! `hydrate outdated`: newer versions of what the lock names.

use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{format, open_project, supply_options};
use crate::cli::{report, ui::Ui};
use crate::pipeline;
use crate::pipeline::provision::read_lock;
use hydrate_acquire::{InRange, Newer, Supply};
use hydrate_base::DiskWorld;
use hydrate_base::plain::counted;

/// Lists newer releases, and newer commits of Git references; it changes nothing.
pub fn run(ui: &mut Ui, global: &GlobalArgs) -> Outcome {
    let format = format(global, "outdated", &[Format::Text, Format::Json])?;
    let project = open_project(global)?;
    let world = DiskWorld::new();
    let lock = read_lock(&project.world(), &project.root)?;
    let wants = pipeline::wants(&project, &project.environment_names(&project.world())?);
    let newer = Supply::new(&world, supply_options(&project, global)).outdated(&lock, &wants).map_err(Failures)?;
    if format == Format::Json {
        let rows: Vec<_> = newer
            .iter()
            .map(|one| {
                let range = match &one.in_range {
                    InRange::Version(version) => Some(version.as_str()),
                    InRange::Nothing => Some(one.locked.as_str()),
                    InRange::Unknown => None,
                };
                json!({"name": one.name, "source": one.source, "locked": one.locked, "inRange": range, "newest": one.newest, "usedBy": one.used_by})
            })
            .collect();
        ui.data(&report::document("outdated", json!({"outdated": rows}), &[]))?;
        return Ok(Exit::Success);
    }
    for one in &newer {
        let users: Vec<&str> = one.used_by.iter().map(String::as_str).collect();
        ui.lines([format!("{}  {}  {}  ({})", one.name, versions(one), one.source, users.join(", "))])?;
    }
    let moving = newer.iter().filter(|one| matches!(one.in_range, InRange::Version(_))).count();
    let advice = if moving == 0 { String::new() } else { format!("; `hydrate lock --update` moves {moving}") };
    ui.say(format!("{} of {} outdated{advice}", newer.len(), counted(lock.artifacts().count(), "artifact")));
    Ok(Exit::Success)
}

/// What is locked, what an update moves to, and the newest where that is another.
fn versions(one: &Newer) -> String {
    let Newer { locked, newest, .. } = one;
    match &one.in_range {
        InRange::Version(version) if version == newest => format!("{locked} -> {newest}"),
        InRange::Version(version) => format!("{locked} -> {version}, newest {newest}"),
        InRange::Nothing => format!("{locked}, newest {newest} is out of range"),
        InRange::Unknown => format!("{locked}, newest {newest}"),
    }
}
