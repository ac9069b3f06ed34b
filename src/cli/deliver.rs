//! Commits that go to another place than the branch that is checked out: to the branch of an environment, or to a remote that others push to as well.
//!
//! Both are made beside the work tree. It is touched only at the end, and only where the remote has what was made: whoever loses a race, or gives up, has
//! everything as it was.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value as Json, json};

use crate::git::commit::{Committed, Committer, FastForward, fast_forward, resume};
use crate::git::sources::{self, Uncommitted};
use crate::git::{self, Checkout, Pushed, TRIES, Tip, Upstream, pause, too_many};
use crate::pipeline::renders::Renders;
use crate::pipeline::{self, Rendered};
use crate::project::{CommitSources, Project};
use crate::tree::INDEX;
use crate::tree::disk::{self, Place};
use hydrate_base::{Diagnostic, DiskWorld, Result};

use super::args::{Format, GlobalArgs};
use super::commands::commit;
use super::commands::lock as lock_command;
use super::commands::render::{RenderArgs, Written, failed_components, ours, refuse_uncommitted, sources_to_commit, write_tree};
use super::guards::Warnings;
use super::message::Message;
use super::on_branch::{OnBranch, View};
use super::outcome::Failures;
use super::session::{Session, options, provision, rendered_to_compare, tell_details};
use super::ui::Ui;

/// What a delivery is about.
pub struct Delivery<'a> {
    /// The options of every command.
    pub global: &'a GlobalArgs,
    /// Those of a bare run.
    pub args: &'a RenderArgs,
    /// The project and its environments.
    pub session: &'a Session,
    /// The environment.
    pub env: &'a str,
    /// The form of what is said.
    pub format: Format,
    /// What is done about sources that are not committed.
    pub policy: Option<CommitSources>,
    /// Whether it is pushed.
    pub push: bool,
}

/// An environment that was rendered and written beside the work tree.
struct Beside {
    rendered: Rendered,
    written: Written,
}

/// What is said of a delivery in JSON, and what failed although the rest was committed.
pub type Delivered = Result<(Json, Vec<Box<Diagnostic>>), Failures>;

impl Delivery<'_> {
    fn root(&self) -> &Path {
        &self.session.project.root
    }

    /// Commits to the branch of the environment what HEAD renders to.
    pub fn to_branch(&self, ui: &mut Ui, on: &OnBranch, committer: &Committer, warnings: &mut Warnings) -> Delivered {
        let start = Instant::now();
        if self.policy == Some(CommitSources::Include) {
            return Err(Diagnostic::error("`--commit=with-sources` is for manifests that are committed beside their sources")
                .note(format!("the branch {} holds what a commit renders to", on.branch.name))
                .help("commit the sources first, or `--commit=head` leaves them out")
                .into());
        }
        on.branch.refuse_checked_out()?;
        if self.policy.is_none() {
            self.refuse_uncommitted(ui)?;
        }
        let dry = git::facts_of(self.root(), "HEAD")?;
        if self.push {
            self.prepare_push(on, &dry.sha)?;
        }
        for attempt in 0..TRIES {
            let tip = on.branch.tip()?;
            let before = tip.as_ref().map(|tip| on.rendered_from(tip)).transpose()?.flatten();
            if let Some(later) = self.comes_after(on, before.as_deref(), &dry.sha)? {
                ui.say(format!(
                    "{}: {} is rendered from {} already, which comes after {}: nothing to do",
                    self.env,
                    on.branch.name,
                    short(later),
                    short(&dry.sha)
                ));
                return Ok((json!({"environment": self.env, "branch": on.branch.name, "commit": null}), Vec::new()));
            }
            let view = on.view(&self.session.project, &dry.sha, tip.as_ref())?;
            let beside = self.write_beside(ui, &view.project, false, warnings)?;
            let changes = on.changes(&view, tip.as_ref(), &dry)?;
            let done = match changes {
                Some(changes) => {
                    let (clusters, no_sources) = (beside.written.place.clusters_shown(""), BTreeMap::new());
                    let message = Message {
                        project: &view.project,
                        env: self.env,
                        clusters: &clusters,
                        changes: &changes.fates,
                        sources: &no_sources,
                        from: Some(&dry.sha),
                        before: before.as_deref(),
                    };
                    let message = message.text()?;
                    let id = on.branch.make(tip.as_ref(), changes.files, &message, committer.signs())?;
                    Some(Committed { id, subject: message.lines().next().unwrap_or_default().to_owned(), branch: None, said: Vec::new() })
                }
                None => None,
            };
            let target = done.as_ref().map(|done| done.id.clone()).or_else(|| tip.as_ref().map(|tip| tip.commit.clone()));
            let Some(target) = target else {
                commit::say_nothing(ui, self.format, self.env);
                return Ok(Self::said(beside, start, None, Some(&on.branch.name)));
            };
            if !self.publish(on, &target, tip.as_ref(), done.as_ref())? {
                pause(attempt);
                if self.push {
                    on.fetch()?;
                }
                continue;
            }
            on.annotate(&target, &dry.sha)?;
            if self.push {
                on.push_notes()?;
            }
            self.tell(ui, &beside, start, done.as_ref(), &on.branch.name)?;
            return Ok(Self::said(beside, start, done, Some(&on.branch.name)));
        }
        Err(too_many(&on.branch.name).help(format!("hydrate -e {} --commit --push", self.env)).into())
    }

    /// What has to be so before a branch is pushed.
    fn prepare_push(&self, on: &OnBranch, dry: &str) -> Result<()> {
        let Some(remote) = &on.branch.remote else {
            return Err(Diagnostic::error("there is no remote to push to").note("nothing was committed").help("git remote add origin URL"));
        };
        on.fetch()?;
        if !git::is_pushed(self.root(), dry, remote)? {
            return Err(Diagnostic::error(format!("the commit {} is not on {}", short(dry), remote.name))
                .note(format!(
                    "the branch {} says that it is rendered from it, and others have to find it; nothing was committed",
                    on.branch.name
                ))
                .help("push it first: git push"));
        }
        match on.branch.unpushed()? {
            0 => Ok(()),
            _ => Err(Diagnostic::error(format!("the branch {} has commits here that {} has not", on.branch.name, remote.name))
                .note("only what this run commits is made again where somebody else pushes at the same time; nothing was committed")
                .help(format!("push them: git push {0} {1}", remote.name, on.branch.name))
                .help(format!("or drop them, they can be rendered again: git branch -D {}", on.branch.name))),
        }
    }

    /// The commit that the branch was rendered from, where that comes after this one.
    fn comes_after<'s>(&self, on: &OnBranch, source: Option<&'s str>, dry: &str) -> Result<Option<&'s str>> {
        let Some(source) = source.filter(|source| *source != dry) else { return Ok(None) };
        // Somebody else has rendered a commit that was pushed meanwhile.
        if let Some(remote) = on.branch.remote.as_ref().filter(|_| self.push && !on.branch.has(source)) {
            remote.fetch_branches()?;
        }
        if !on.branch.has(source) {
            return Err(on.branch.not_here(source).note("whether it comes before or after this one cannot be told; nothing was committed"));
        }
        Ok(on.branch.is_ancestor(dry, source)?.then_some(source))
    }

    /// Moves the branch, here or at the remote; whether it still was where it was looked at.
    fn publish(&self, on: &OnBranch, target: &str, tip: Option<&Tip>, done: Option<&Committed>) -> Result<bool> {
        let subject = done.map_or("nothing has changed", |done| done.subject.as_str());
        let is_there = done.is_none() && tip.is_some_and(|tip| tip.is_own);
        let Some(remote) = on.branch.remote.as_ref().filter(|_| self.push) else {
            return Ok(is_there || on.branch.move_to(target, subject)?);
        };
        if !is_there && matches!(remote.push(target, &on.branch.name)?, Pushed::Behind) {
            return Ok(false);
        }
        // A branch of that name here follows; one that is not here is not made.
        if on.branch.is_here()? {
            on.branch.move_to(target, subject)?;
        }
        Ok(true)
    }

    /// Commits what this environment renders to on top of what the remote has, pushes that, and brings the work tree there.
    pub fn and_push(&self, ui: &mut Ui, committer: &Committer, warnings: &mut Warnings) -> Delivered {
        let start = Instant::now();
        let project = &self.session.project;
        let upstream = Upstream::of(self.root())?;
        upstream.fetch()?;
        upstream.pushed_head()?;
        let place = pipeline::place(project, self.env);
        if let Some(edited) = commit::edited(&place)?.first() {
            return Err(Diagnostic::error(format!("{edited} is not as hydrate wrote it: somebody has edited it"))
                .note("nothing was written, committed or pushed")
                .help(format!("put the change into the component; `hydrate -e {}` writes the file again", self.env))
                .into());
        }
        let sources = self.sources_here(ui, &place)?;
        for attempt in 0..TRIES {
            let base = upstream.tip()?.unwrap_or_else(|| "HEAD".to_owned());
            let checkout = Checkout::of_commit(self.root(), &base)?;
            sources::overlay(self.root(), &sources, checkout.root(), &base)?;
            let beside_project = Project::open(checkout.root().to_owned())?;
            let beside = self.write_beside(ui, &beside_project, true, warnings)?;
            let done = self.commit_beside(&beside_project, &beside)?;
            let target = done.as_ref().map_or_else(|| base.clone(), |done| done.id.clone());
            if done.is_some() && matches!(upstream.remote.push(&target, &upstream.branch)?, Pushed::Behind) {
                pause(attempt);
                upstream.fetch()?;
                continue;
            }
            drop(checkout);
            self.tell(ui, &beside, start, done.as_ref(), &upstream.local)?;
            tell_fast_forward(ui, &fast_forward(self.root(), &target, &is_generated(project))?, &upstream.remote.name, &upstream.branch);
            if done.is_some() {
                committer.run_post_commit().iter().for_each(|line| ui.say(line));
            }
            return Ok(Self::said(beside, start, done, None));
        }
        Err(too_many(&format!("{}/{}", upstream.remote.name, upstream.branch))
            .help(format!("hydrate -e {} --commit --push", self.env))
            .into())
    }

    /// The sources here that are not committed, where they are to be.
    fn sources_here(&self, ui: &Ui, place: &Place) -> Result<Vec<Uncommitted>, Failures> {
        match self.policy {
            Some(CommitSources::Head) => Ok(Vec::new()),
            None => self.refuse_uncommitted(ui).map(|()| Vec::new()),
            Some(CommitSources::Include) => {
                let rendered = self.rendered_here(ui)?;
                ui.report(&sources::unknown_to_clones(self.root(), &rendered.sources, &ours(place)));
                Ok(sources::uncommitted(self.root(), &rendered.sources, &ours(place))?)
            }
        }
    }

    fn rendered_here(&self, ui: &Ui) -> Result<Rendered, Failures> {
        let world = DiskWorld::new();
        let provision = provision(&world, &self.session.project, self.global, true)?;
        rendered_to_compare(ui, self.global, self.session, &provision, self.env, &self.args.components)
    }

    fn refuse_uncommitted(&self, ui: &Ui) -> Result<(), Failures> {
        let rendered = self.rendered_here(ui)?;
        Ok(refuse_uncommitted(&self.session.project, &rendered.sources, self.env)?)
    }

    /// Renders a project beside the work tree, and writes its tree there.
    fn write_beside(&self, ui: &Ui, project: &Project, may_lock: bool, warnings: &mut Warnings) -> Result<Beside, Failures> {
        let world = DiskWorld::new();
        let provision = provision(&world, project, self.global, may_lock && self.policy != Some(CommitSources::Head))?;
        let session = Session::beside(self.global, project.clone(), self.env);
        let mut options = options(ui, self.global, &session, &self.args.components, self.args.keep_going)?;
        // Its files are never again where they are now.
        options.renders = Renders::default();
        let progress = ui.progress(self.env);
        let rendered = pipeline::render(project, self.env, &options, &provision, &|name| {
            progress.done(name);
        });
        progress.finish();
        let mut rendered = rendered?;
        lock_command::add(ui, project, &provision)?;
        tell_details(ui, &rendered);
        let place = pipeline::place(project, self.env);
        // Nobody else knows of this tree.
        let (written, _) = write_tree(ui, place, project, &mut rendered, self.args, warnings)?;
        Ok(Beside { rendered, written })
    }

    /// The commit there, with the user's hooks and keys.
    fn commit_beside(&self, project: &Project, beside: &Beside) -> Result<Option<Committed>> {
        let committer = Committer::new(&project.root)?;
        let sources = sources_to_commit(self.policy, &project.root, &beside.rendered.sources, &beside.written.place)?;
        commit::make(project, self.env, &committer, &sources)
    }

    /// What was written, committed to a branch, and pushed.
    fn tell(&self, ui: &mut Ui, beside: &Beside, start: Instant, done: Option<&Committed>, branch: &str) -> Result<()> {
        beside.written.tell(ui, self.format, start.elapsed())?;
        let Some(done) = done else {
            commit::say_nothing(ui, self.format, self.env);
            return Ok(());
        };
        commit::say(ui, self.format, done, branch)?;
        if self.push {
            ui.say(format!("{}: pushed", self.env));
        }
        Ok(())
    }

    fn said(beside: Beside, start: Instant, done: Option<Committed>, branch: Option<&str>) -> (Json, Vec<Box<Diagnostic>>) {
        let mut said = beside.written.json(start.elapsed());
        said["commit"] = json!(done.map(|done| done.id));
        if let Some(branch) = branch {
            said["branch"] = json!(branch);
        }
        (said, failed_components(beside.rendered.failed))
    }
}

/// The work tree's sources beside what the branch of an environment has, for who compares the two; uncommitted sources count as they are on disk.
pub fn view_of_work_tree(ui: &Ui, global: &GlobalArgs, session: &Session, env: &str, on: &OnBranch) -> Result<WorkTreeView, Failures> {
    let project = &session.project;
    let world = DiskWorld::new();
    let provision = provision(&world, project, global, false)?;
    let rendered = rendered_to_compare(ui, global, session, &provision, env, &[])?;
    let uncommitted = sources::uncommitted(&project.root, &rendered.sources, &ours(&pipeline::place(project, env)))?;
    let head = git::facts_of(&project.root, "HEAD")?.sha;
    let view = on.view(project, &head, on.branch.tip()?.as_ref())?;
    sources::overlay(&project.root, &uncommitted, &view.project.root, &head)?;
    let session = Session::beside(global, Project::open(view.project.root.clone())?, env);
    Ok(WorkTreeView { session, is_clean: uncommitted.is_empty(), head, _view: view })
}

/// The work tree's sources beside the branch of an environment.
pub struct WorkTreeView {
    /// The project there.
    pub session: Session,
    /// Whether all sources are committed.
    pub is_clean: bool,
    /// HEAD's commit.
    pub head: String,
    /// Its files, which go with this.
    _view: View,
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// Completes what a run that was killed has begun in the work tree.
pub fn clear_up(ui: &Ui, project: &Project) -> Result<()> {
    git::commit::clear_up(&project.root)?;
    if let Some(resumed) = resume(&project.root, &is_generated(project))? {
        tell_fast_forward(ui, &resumed, "the remote", "branch");
    }
    Ok(())
}

/// Says what keeps the work tree from being where the remote is.
fn tell_fast_forward(ui: &Ui, outcome: &FastForward, remote: &str, branch: &str) {
    let warning = match outcome {
        FastForward::Done => return,
        FastForward::InTheWay(files) => {
            let shown: Vec<&str> = files.iter().take(5).map(String::as_str).collect();
            let more = if files.len() > shown.len() { format!(" and {} more", files.len() - shown.len()) } else { String::new() };
            Diagnostic::warning(format!(
                "the work tree stays behind {remote}/{branch}, which changes what was edited here: {}{more}",
                shown.join(", ")
            ))
        }
        FastForward::Diverged => {
            Diagnostic::warning(format!("the work tree stays behind {remote}/{branch}: there are other commits here now"))
        }
    };
    ui.report(&[warning.help("git pull")]);
}

/// What hydrate has written in the project as it is, by the `.hydrated` beside it: it can be written again at any time.
fn is_generated(project: &Project) -> impl Fn(&Path, &[u8]) -> bool {
    let dirs = [project.root.join(&project.settings.manifests), project.root.join(&project.settings.clusters)];
    move |path, bytes| {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else { return false };
        let is_ours = dirs.iter().any(|ours| dir.starts_with(ours));
        let is_index = name == INDEX || (name == crate::tree::KUSTOMIZATION && dirs.iter().any(|ours| dir.parent() == Some(ours)));
        is_ours && (is_index || disk::owned(dir).is_ok_and(|owned| owned.is_as_written(name, bytes)))
    }
}
