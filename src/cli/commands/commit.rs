//! `hydrate commit`: commit exactly what hydrate owns.

use clap::Args;
use serde_json::{Value as Json, json};

use crate::base::Result;
use crate::cli::args::{Format, GlobalArgs};
use crate::cli::session::{Session, format};
use crate::cli::{Exit, Outcome, report, ui::Ui};
use crate::git;
use crate::project::Project;

/// Arguments of `hydrate commit`.
#[derive(Debug, Args)]
pub struct CommitArgs {
    /// Push after the commit, through your own git
    #[arg(long)]
    pub push: bool,
}

/// Commits the tree of each environment as it is on disk, one commit each.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &CommitArgs) -> Outcome {
    let format = format(global, "commit", &[Format::Text, Format::Json])?;
    let session = Session::open(global)?;
    let mut commits = Vec::new();
    for env in &session.environments {
        commits.push(json!({"environment": env, "commit": commit(ui, &session.project, env, args.push, format)?}));
    }
    if format == Format::Json {
        ui.data(&report::document("commit", json!({"environments": commits}), &[]))?;
    }
    Ok(Exit::Success)
}

/// Commits one environment and says so; the commit's id in JSON, or null when there was nothing to commit.
pub fn commit(ui: &mut Ui, project: &Project, env: &str, push: bool, format: Format) -> Result<Json> {
    let dir = format!("{}/{env}", project.settings.manifests);
    let Some(done) = git::commit::commit(&project.root, &dir, env)? else {
        if format == Format::Text {
            ui.say(format!("{env}: nothing to commit"));
        }
        return Ok(Json::Null);
    };
    if format == Format::Text && !ui.is_quiet() {
        let branch = done.branch.as_deref().unwrap_or("detached HEAD");
        let short = done.id.get(..10).unwrap_or(&done.id);
        ui.data(format!("[{branch} {short}] {}\n", done.subject).as_bytes())?;
    }
    if push {
        git::push(&project.root)?;
        ui.say(format!("{env}: pushed"));
    }
    Ok(json!(done.id))
}
