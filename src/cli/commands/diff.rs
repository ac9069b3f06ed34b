//! `hydrate diff`: what would a run change?

use clap::Args;
use serde_json::json;

use crate::base::{Diagnostic, DiskWorld};
use crate::cli::args::{Format, GlobalArgs};
use crate::cli::session::{Session, format, options, provision};
use crate::cli::{Exit, Failures, Outcome, report, ui::Ui};
use crate::diff::{self, FileDiff};
use crate::tree::{Changes, compare};
use crate::{git, pipeline};

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
        let dir = pipeline::place(&session.project, env).shown("");
        match differences(global, args, &session, env) {
            Err(Failures(failed)) => errors.extend(failed),
            Ok(diffs) => match format {
                Format::Json => environments.push(diff::json::write(&diffs, env, &dir)),
                Format::Markdown => ui.data(diff::markdown::write(&diffs, env, &dir).as_bytes())?,
                _ => ui.data(diff::text::write(&diffs, &dir, ui.colored_data()).as_bytes())?,
            },
        }
    }
    if format == Format::Json {
        ui.data(&report::document("diff", json!({"environments": environments}), &errors))?;
    }
    if errors.is_empty() { Ok(Exit::Success) } else { Err(Failures(errors)) }
}

fn differences(global: &GlobalArgs, args: &DiffArgs, session: &Session, env: &str) -> Result<Vec<FileDiff>, Failures> {
    let project = &session.project;
    let world = DiskWorld::new();
    let provision = provision(&world, project, global, false)?;
    let mut rendered = pipeline::render(project, env, &options(global, &args.components, false), &provision, &|_| {})?;
    let place = pipeline::place(project, env);
    if let Some(revision) = &args.against {
        let dir = format!("{}/{env}", project.settings.manifests);
        return Ok(compare::against(&git::files_at(&project.root, revision, &dir)?, &rendered.desired));
    }
    pipeline::keep_standing_namespaces(&place, &mut rendered.desired)?;
    Ok(compare::of_changes(&Changes::compute(&place, &rendered.desired, true)?))
}
