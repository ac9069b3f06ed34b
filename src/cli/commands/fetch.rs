//! `hydrate fetch`: what the lock names, into the cache.

use std::time::Instant;

use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{format, open_project, supply_options};
use crate::cli::{report, ui::Ui};
use crate::pipeline::provision::read_lock;
use hydrate_acquire::Supply;
use hydrate_base::DiskWorld;
use hydrate_base::plain::counted;

/// Fetches what is not at hand yet, several at once; afterwards everything works with `--offline`.
pub fn run(ui: &mut Ui, global: &GlobalArgs) -> Outcome {
    let format = format(global, "fetch", &[Format::Text, Format::Json])?;
    let project = open_project(global)?;
    let world = DiskWorld::new();
    let lock = read_lock(&project.world(), &project.root)?;
    let supply = Supply::new(&world, supply_options(&project, global));
    let artifacts: Vec<_> = lock.artifacts().collect();
    let start = Instant::now();
    let fetched = supply.fetch_all(&artifacts).map_err(Failures)?;
    if format == Format::Json {
        ui.data(&report::document("fetch", json!({"artifacts": artifacts.len(), "fetched": fetched}), &[]))?;
    } else {
        ui.say(format!("{}, {fetched} fetched, {:.1} s", counted(artifacts.len(), "artifact"), start.elapsed().as_secs_f64()));
    }
    Ok(Exit::Success)
}
