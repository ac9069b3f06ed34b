//! `hydrate diff`: what would a run change?

use clap::Args;
use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, options, provision, tell_details};
use crate::cli::{report, ui::Ui};
use crate::diff::{self, FileDiff};
use crate::pipeline::Options;
use crate::tree::compare::{self, Revision};
use crate::tree::{Changes, write};
use crate::{git, pipeline};
use hydrate_base::{Diagnostic, DiskWorld};

/// Arguments of `hydrate diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Components to compare [default: all of the environment]
    #[arg(value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// Compare with a revision instead of the files on disk: HEAD, origin/main, a commit
    #[arg(long, value_name = "REV")]
    pub against: Option<String>,
}

/// Renders in memory and prints what differs; writes nothing. Exit code 0 whether or not something differs.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &DiffArgs) -> Outcome {
    let format = format(global, "diff", &[Format::Text, Format::Markdown, Format::Json])?;
    let session = Session::open(global)?;
    let mut environments = Vec::new();
    let mut errors: Vec<Box<Diagnostic>> = Vec::new();
    for env in &session.environments {
        match differences(ui, global, args, &session, env) {
            Err(Failures(failed)) => errors.extend(failed),
            Ok(diffs) => match format {
                Format::Json => environments.push(diff::json::write(&diffs, env)),
                Format::Markdown => ui.data(diff::markdown::write(&diffs, env).as_bytes())?,
                _ => ui.data(diff::text::write(&diffs, ui.colored_data()).as_bytes())?,
            },
        }
    }
    if format == Format::Json {
        ui.data(&report::document("diff", json!({"environments": environments}), &errors))?;
    }
    if errors.is_empty() { Ok(Exit::Success) } else { Err(Failures(errors)) }
}

fn differences(ui: &Ui, global: &GlobalArgs, args: &DiffArgs, session: &Session, env: &str) -> Result<Vec<FileDiff>, Failures> {
    let project = &session.project;
    let world = DiskWorld::new();
    let provision = provision(&world, project, global, false)?;
    let options = Options { compares: true, ..options(ui, global, session, &args.components, false)? };
    let mut rendered = pipeline::render(project, env, &options, &provision, &|_| {})?;
    tell_details(ui, &rendered);
    let place = pipeline::place(project, env);
    let waiting = || ui.say(format!("waiting for another run to finish with {}", place.shown));
    // In a hook of hydrate's own commit, the run that holds the lock waits for this one.
    let is_called = git::commit::called_for(&project.root);
    let _lock = (!is_called).then(|| write::lock_for_reading(&place, waiting)).transpose()?;
    pipeline::merge_with_tree(&place, &mut rendered)?;
    if let Some(revision) = &args.against {
        let files_below = |dir: &str| git::files_at(&project.root, revision, dir);
        let revision = Revision { manifests: files_below(&place.shown(""))?, clusters: files_below(&place.clusters_shown(""))? };
        return Ok(compare::against(&place, &revision, &rendered.desired)?);
    }
    Ok(compare::of_changes(&place, &Changes::compute(&place, &rendered.desired, true)?))
}
