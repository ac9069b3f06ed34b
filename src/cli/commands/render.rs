//! A bare `hydrate`: render, write, say what changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::deliver::{self, Delivery};
use crate::cli::guards::{self, Warnings};
use crate::cli::on_branch::OnBranch;
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, options, provision, tell_details};
use crate::cli::{gather, report, ui::Ui};
use crate::git::sources::{self, Sources, Uncommitted};
use crate::git::{self, Checkout, commit::Committer};
use crate::pipeline::guard::Losses;
use crate::pipeline::provision::LOCK;
use crate::pipeline::renders::Renders;
use crate::pipeline::{self, Rendered};
use crate::project::{CommitSources, Project};
use crate::tree::disk::Place;
use crate::tree::write::{self, Lock};
use crate::tree::{Changes, DirChanges};
use hydrate_base::{Diagnostic, DiskWorld, Result};

/// Options of a bare run.
#[derive(Debug, Clone, Default, Args)]
pub struct RenderArgs {
    /// Components to render: names, globs, `!name` to leave one out [default: all of the environment]
    #[arg(value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// Write what could be rendered even where components fail
    #[arg(long)]
    pub keep_going: bool,
    /// Take over files in the way that hydrate did not write
    #[arg(long)]
    pub adopt: bool,
    /// Do what `guard` refuses: lose more components than it lets go, or render with slips in the project's files
    #[arg(long)]
    pub yes: bool,
    /// Commit exactly what was written, rendered from sources that are committed; `with-sources` commits those that are not in the same commit, `head`
    /// renders HEAD and leaves them out
    #[arg(long, value_name = "SOURCES", num_args = 0..=1, require_equals = true)]
    pub commit: Option<Option<CommitFrom>>,
    /// Push after the commit, through your own git
    #[arg(long, requires = "commit")]
    pub push: bool,
}

/// What is committed where sources are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CommitFrom {
    /// The sources as well.
    WithSources,
    /// What HEAD renders to.
    Head,
}

impl From<CommitFrom> for CommitSources {
    fn from(from: CommitFrom) -> Self {
        match from {
            CommitFrom::WithSources => Self::Include,
            CommitFrom::Head => Self::Head,
        }
    }
}

impl RenderArgs {
    /// Options of a bare run mean nothing beside a command: says so instead of ignoring them.
    pub fn refuse_beside_a_command(&self) -> Result<()> {
        match self.first_given() {
            None => Ok(()),
            Some(given) => Err(Diagnostic::error(format!("{given} belongs to a run without a command"))
                .help(format!("run `hydrate … {given}` without the command, or put the component's name after the command"))),
        }
    }

    /// The first option given, as it was typed.
    fn first_given(&self) -> Option<String> {
        match self {
            _ if self.keep_going => Some("--keep-going".to_owned()),
            _ if self.adopt => Some("--adopt".to_owned()),
            _ if self.yes => Some("--yes".to_owned()),
            _ if self.commit.is_some() => Some("--commit".to_owned()),
            _ => self.components.first().cloned(),
        }
    }
}

/// Renders the selected components of the selected environments and writes what changed.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &RenderArgs) -> Outcome {
    let format = format(global, "hydrate", &[Format::Text, Format::Json])?;
    let session = Session::open(global)?;
    git::commit::refuse_from_hook(&session.project.root)?;
    deliver::clear_up(ui, &session.project)?;
    // What stands in the way of a commit is told before anything is written.
    let committer = args.commit.map(|_| Committer::new(&session.project.root)).transpose()?;
    let policy = args.commit.and_then(|from| from.map(Into::into).or(session.project.settings.commit.sources));
    let is_elsewhere = args.push || session.project.settings.commit.branch.is_some();
    let head =
        args.commit.filter(|_| policy == Some(CommitSources::Head) && !is_elsewhere).map(|_| Head::of(&session.project)).transpose()?;
    let committing = committer.as_ref().map(|committer| Committing { committer, policy });
    let mut environments = Vec::new();
    let mut errors = Vec::new();
    let mut outcomes = Vec::new();
    let mut warnings = Warnings::default();
    for env in &session.environments {
        let delivery = Delivery { global, args, session: &session, env, format, policy, push: args.push };
        let on_branch = if committing.is_some() { OnBranch::of(&session.project, env)? } else { None };
        let done = match (on_branch, &committing) {
            (Some(on), Some(committing)) => delivery.to_branch(ui, &on, committing.committer, &mut warnings),
            (_, Some(committing)) if args.push => delivery.and_push(ui, committing.committer, &mut warnings),
            (_, committing) => run_one(ui, global, args, &session, env, format, committing.as_ref(), head.as_ref(), &mut warnings),
        };
        let (failed, is_written) = match done {
            Ok((said, failed)) => {
                environments.push(said);
                (failed, true)
            }
            Err(Failures(failed)) => (failed, false),
        };
        outcomes.push((env.clone(), gather::Outcome::of(&failed, is_written)));
        for error in failed {
            // What is wrong with the project is so in all of its environments.
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
    }
    if format == Format::Json {
        let warnings: Vec<Json> = warnings.all().iter().map(|warning| report::diagnostic_json(warning)).collect();
        ui.data(&report::document("render", json!({"environments": environments, "warnings": warnings}), &errors))?;
    }
    let closing = gather::closing(&outcomes);
    if !closing.is_empty() {
        ui.report(&gather::once(&errors));
        closing.iter().for_each(|line| ui.say(line));
        return Ok(Exit::Failure);
    }
    if errors.is_empty() { Ok(Exit::Success) } else { Err(Failures(errors)) }
}

/// How what is written is committed.
struct Committing<'a> {
    committer: &'a Committer,
    /// What is done about sources that are not committed; `None`: nothing is committed then.
    policy: Option<CommitSources>,
}

/// The project as HEAD has it.
struct Head {
    project: Project,
    /// Its files, which go with this.
    _checkout: Checkout,
}

impl Head {
    fn of(project: &Project) -> Result<Self, Failures> {
        let checkout = Checkout::of_head(&project.root)?;
        Ok(Self { project: Project::open(checkout.root().to_owned())?, _checkout: checkout })
    }
}

/// One environment: what it says in JSON, and what failed although the rest was written.
#[allow(clippy::too_many_arguments, reason = "each of them is another thing")]
fn run_one(
    ui: &mut Ui,
    global: &GlobalArgs,
    args: &RenderArgs,
    session: &Session,
    env: &str,
    format: Format,
    committing: Option<&Committing<'_>>,
    head: Option<&Head>,
    warnings: &mut Warnings,
) -> Result<(Json, Vec<Box<Diagnostic>>), Failures> {
    let start = Instant::now();
    let world = DiskWorld::new();
    let project = head.map_or(&session.project, |head| &head.project);
    // The lock of HEAD is as it is.
    let provision = provision(&world, project, global, head.is_none())?;
    let mut options = options(ui, global, session, &args.components, args.keep_going)?;
    if head.is_some() {
        // Its files are never again where they are now.
        options.renders = Renders::default();
    }
    let progress = ui.progress(env);
    let rendered = pipeline::render(project, env, &options, &provision, &|name| {
        progress.done(name);
    });
    progress.finish();
    let mut rendered = rendered?;
    tell_details(ui, &rendered);
    if committing.is_some_and(|committing| committing.policy.is_none()) {
        refuse_uncommitted(&session.project, &rendered.sources, env)?;
    }
    if head.is_none() {
        super::lock::add(ui, project, &provision)?;
    }
    let place = pipeline::place(&session.project, env);
    let (written, lock) = write_tree(ui, place, project, &mut rendered, args, warnings)?;
    let took = start.elapsed();
    let mut said = written.json(took);
    written.tell(ui, format, took)?;
    if let Some(committing) = committing {
        let committer = committing.committer;
        let root = &session.project.root;
        let sources = sources_to_commit(committing.policy, root, &rendered.sources, &written.place)?;
        ui.report(&sources::unknown_to_clones(root, &rendered.sources, &ours(&written.place)));
        // The tree stays locked until what was written is committed.
        let id = super::commit::commit(ui, &session.project, env, committer, format, &sources)?;
        drop(lock);
        if !id.is_null() {
            committer.run_post_commit().iter().for_each(|line| ui.say(line));
        }
        said["commit"] = id;
    }
    Ok((said, failed_components(rendered.failed)))
}

/// The directories of an environment's project that hydrate writes.
pub fn ours(place: &Place) -> [PathBuf; 2] {
    [place.manifests.clone(), place.clusters.clone()]
}

/// The sources that are committed with the manifests.
pub fn sources_to_commit(policy: Option<CommitSources>, root: &Path, read: &Sources, place: &Place) -> Result<Vec<Uncommitted>> {
    match policy {
        Some(CommitSources::Head) => Ok(Vec::new()),
        Some(CommitSources::Include) => sources::uncommitted(root, read, &ours(place)),
        // This run may have added to the lock; everything else is committed.
        None => {
            let lock = Sources { files: [root.join(LOCK)].into(), ..Sources::default() };
            sources::uncommitted(root, &lock, &ours(place))
        }
    }
}

/// Refuses a commit of manifests whose sources are not committed.
pub fn refuse_uncommitted(project: &Project, read: &Sources, env: &str) -> Result<()> {
    let uncommitted = sources::uncommitted(&project.root, read, &ours(&pipeline::place(project, env)))?;
    if uncommitted.is_empty() { Ok(()) } else { Err(sources::refused(&uncommitted, env, project.settings.commit.branch.is_some())) }
}

/// What was written of an environment.
pub struct Written {
    /// Where its tree is.
    pub place: Place,
    changes: Changes,
    losses: Losses,
}

impl Written {
    /// Lists what has changed, for people.
    pub fn tell(&self, ui: &mut Ui, format: Format, took: Duration) -> Result<()> {
        if format != Format::Text || ui.is_quiet() {
            return Ok(());
        }
        let mut lines = report::change_lines(&self.place, &self.changes);
        lines.push(report::summary(&self.place.env, &self.changes, took));
        ui.lines(lines)
    }

    /// The same for machines.
    pub fn json(&self, took: Duration) -> Json {
        let mut said = report::changes_json(&self.place, &self.changes, took);
        if !self.losses.lost.is_empty() {
            said["lost"] = self.losses.json();
        }
        said
    }
}

/// What is doubtful is told, or refused; then, under the lock, what changes, before it happens; and then it happens.
pub fn write_tree(
    ui: &Ui,
    place: Place,
    project: &Project,
    rendered: &mut Rendered,
    args: &RenderArgs,
    warnings: &mut Warnings,
) -> Result<(Written, Lock), Failures> {
    let slips = guards::slips(project, rendered);
    if guards::are_refused(&slips) && !args.yes {
        return Err(Failures(slips));
    }
    warnings.tell(ui, &guards::meant(slips));
    warnings.tell(ui, &rendered.warnings);
    warnings.tell(ui, &rendered.certificates);
    let mut lock = write::lock(&place, || ui.say(format!("waiting for another run to finish with {}", place.shown)))?;
    warnings.tell(ui, &lock.left_alone());
    pipeline::merge_with_tree(&place, rendered)?;
    let changes = Changes::compute(&place, &rendered.desired, args.adopt)?;
    let mut losses = Losses::of(project, rendered, &place, &changes)?;
    if let Some(told) = losses.told.take() {
        let told = vec![told];
        if guards::are_refused(&told) && !args.yes {
            return Err(Failures(told));
        }
        warnings.tell(ui, &guards::meant(told));
    }
    warnings.tell(ui, &edited(&place, &changes));
    write::apply(&place, &changes, &lock)?;
    Ok((Written { place, changes, losses }, lock))
}

/// A warning for each owned file that somebody has edited and that is about to be replaced.
pub fn edited(place: &Place, changes: &Changes) -> Vec<Box<Diagnostic>> {
    let mut warnings = Vec::new();
    let warning = |dir: &DirChanges, file: &String, shown: String, help: &str| {
        let change = if dir.deleted.contains(file) { "deleted" } else { "replaced" };
        Diagnostic::warning(format!("{shown} was edited by hand; it is {change}")).help(help)
    };
    for (name, dir) in &changes.dirs {
        let help = "put the change into the component: its values, templates or patches";
        warnings.extend(dir.edited.iter().map(|file| warning(dir, file, place.shown(&format!("{name}/{file}")), help)));
    }
    let help = "put the change into the environment's file, or beside it in a file of your own";
    let dir = &changes.clusters;
    warnings.extend(dir.edited.iter().map(|file| warning(dir, file, place.clusters_shown(file), help)));
    warnings
}

/// What failed with `--keep-going`, each with the component it belongs to.
pub fn failed_components(failed: BTreeMap<String, Vec<Box<Diagnostic>>>) -> Vec<Box<Diagnostic>> {
    let name = |(name, errors): (String, Vec<Box<Diagnostic>>)| {
        errors.into_iter().map(move |error| error.note(format!("component {name} stays as it was")))
    };
    failed.into_iter().flat_map(name).collect()
}
