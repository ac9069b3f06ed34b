//! `hydrate vendor`: what the lock names, kept in the repository.

use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{format, open_project, supply_options};
use crate::cli::{report, ui::Ui};
use crate::pipeline::provision::read_lock;
use hydrate_acquire::Supply;
use hydrate_base::DiskWorld;
use hydrate_base::plain::counted;

/// Writes the archives to charts/ and removes the ones it wrote before that are no longer locked.
pub fn run(ui: &mut Ui, global: &GlobalArgs) -> Outcome {
    let format = format(global, "vendor", &[Format::Text, Format::Json])?;
    let project = open_project(global)?;
    let world = DiskWorld::new();
    let lock = read_lock(&project.world(), &project.root)?;
    let supply = Supply::new(&world, supply_options(&project, global));
    let (written, removed) = supply.vendor(&lock).map_err(Failures)?;
    if format == Format::Json {
        ui.data(&report::document("vendor", json!({"written": written, "removed": removed}), &[]))?;
    } else {
        written.iter().for_each(|path| ui.say(format!("+ {}", path.display())));
        removed.iter().for_each(|path| ui.say(format!("- {}", path.display())));
        ui.say(format!("charts/: {}", counted(lock.artifacts().count(), "archive")));
    }
    Ok(Exit::Success)
}
