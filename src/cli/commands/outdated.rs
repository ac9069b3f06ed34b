//! `hydrate outdated`: newer versions of what the lock names.

use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{format, open_project, supply_options};
use crate::cli::{report, ui::Ui};
use crate::pipeline::provision::read_lock;
use hydrate_acquire::Supply;
use hydrate_base::DiskWorld;
use hydrate_base::plain::counted;

/// Lists newer releases, and newer commits of Git references; it changes nothing.
pub fn run(ui: &mut Ui, global: &GlobalArgs) -> Outcome {
    let format = format(global, "outdated", &[Format::Text, Format::Json])?;
    let project = open_project(global)?;
    let world = DiskWorld::new();
    let lock = read_lock(&project.world(), &project.root)?;
    let newer = Supply::new(&world, supply_options(&project, global)).outdated(&lock).map_err(Failures)?;
    if format == Format::Json {
        let rows: Vec<_> = newer
            .iter()
            .map(|one| json!({"name": one.name, "source": one.source, "locked": one.locked, "newest": one.newest, "usedBy": one.used_by}))
            .collect();
        ui.data(&report::document("outdated", json!({"outdated": rows}), &[]))?;
        return Ok(Exit::Success);
    }
    for one in &newer {
        let users: Vec<&str> = one.used_by.iter().map(String::as_str).collect();
        ui.lines([format!("{}  {} -> {}  {}  ({})", one.name, one.locked, one.newest, one.source, users.join(", "))])?;
    }
    ui.say(format!("{} of {} outdated", newer.len(), counted(lock.artifacts().count(), "artifact")));
    Ok(Exit::Success)
}
