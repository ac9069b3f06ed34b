//! `hydrate commit`: commit exactly what hydrate owns.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::deliver::{self, Delivery};
use crate::cli::guards::Warnings;
use crate::cli::message::Message;
use crate::cli::on_branch::OnBranch;
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, provision, rendered_to_compare};
use crate::cli::{report, ui::Ui};
use crate::git::commit::{Area, Committed, Committer, Fates, Request};
use crate::git::sources::{self, Uncommitted};
use crate::git::{self, LineEndings};
use crate::pipeline;
use crate::project::{CommitSources, Project};
use crate::tree::disk::{self, Place};
use crate::tree::write;
use crate::tree::{self, Changes};
use crate::tree::{INDEX, KUSTOMIZATION, Owned};
use hydrate_base::{Change, Diagnostic, DiskWorld, Result};

use super::render::{RenderArgs, ours, refuse_uncommitted};

/// Arguments of `hydrate commit`.
#[derive(Debug, Args)]
pub struct CommitArgs {
    /// Push after the commit, through your own git
    #[arg(long)]
    pub push: bool,
    /// Commit what was rendered from as well, where it is not committed
    #[arg(long)]
    pub with_sources: bool,
}

/// Commits the tree of each environment as it is on disk, one commit each.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &CommitArgs) -> Outcome {
    let format = format(global, "commit", &[Format::Text, Format::Json])?;
    let session = Session::open(global)?;
    let committer = Committer::new(&session.project.root)?;
    deliver::clear_up(ui, &session.project)?;
    let mut commits = Vec::new();
    for env in &session.environments {
        let includes = args.with_sources || session.project.settings.commit.sources == Some(CommitSources::Include);
        let on_branch = OnBranch::of(&session.project, env)?;
        if on_branch.is_some() || args.push {
            let policy = if includes { Some(CommitSources::Include) } else { session.project.settings.commit.sources };
            let rendering = RenderArgs::default();
            let delivery = Delivery { global, args: &rendering, session: &session, env, format, policy, push: args.push };
            let mut warnings = Warnings::default();
            let (said, failed) = match &on_branch {
                Some(on) => delivery.to_branch(ui, on, &committer, &mut warnings)?,
                None => delivery.and_push(ui, &committer, &mut warnings)?,
            };
            if !failed.is_empty() {
                return Err(Failures(failed));
            }
            commits.push(json!({"environment": env, "commit": said["commit"]}));
            continue;
        }
        let place = pipeline::place(&session.project, env);
        // What a run that was stopped has left half written is no tree to commit.
        let lock = write::lock_for_committing(&place, || ui.say(format!("waiting for another run to finish with {}", place.shown)))?;
        let sources = sources_of(ui, global, &session, env, includes)?;
        let id = commit(ui, &session.project, env, &committer, format, &sources)?;
        drop(lock);
        if !id.is_null() {
            committer.run_post_commit().iter().for_each(|line| ui.say(line));
        }
        commits.push(json!({"environment": env, "commit": id}));
    }
    if format == Format::Json {
        ui.data(&report::document("commit", json!({"environments": commits}), &[]))?;
    }
    Ok(Exit::Success)
}

/// The sources that are committed with the tree, which has to be what they are rendered to.
fn sources_of(ui: &Ui, global: &GlobalArgs, session: &Session, env: &str, includes: bool) -> Result<Vec<Uncommitted>, Failures> {
    let (world, project) = (DiskWorld::new(), &session.project);
    let provision = provision(&world, project, global, false)?;
    let mut rendered = rendered_to_compare(ui, global, session, &provision, env, &[])?;
    let place = pipeline::place(project, env);
    pipeline::merge_with_tree(&place, &mut rendered)?;
    let changes = Changes::compute(&place, &rendered.desired, true)?;
    let is_edited = changes.dirs.values().chain([&changes.clusters]).any(|dir| !dir.edited.is_empty());
    // What somebody has edited or deleted is told by who commits, file by file.
    if is_edited || misses_files(&place)? {
        return Ok(Vec::new());
    }
    if !changes.is_empty() {
        return Err(Diagnostic::error(format!("{} is not what environment {env} renders to", place.shown("")))
            .note("nothing was committed: a commit holds what was rendered and nothing else")
            .help(format!("hydrate -e {env} --commit"))
            .into());
    }
    if !includes {
        refuse_uncommitted(project, &rendered.sources, env)?;
        return Ok(Vec::new());
    }
    Ok(sources::uncommitted(&project.root, &rendered.sources, &ours(&place))?)
}

/// Whether a file of ours is not there.
fn misses_files(place: &Place) -> Result<bool> {
    let manifests = disk::owned_paths(&place.dir()).map_err(|error| disk::failed("read", place.shown(""), &error))?;
    Ok(Written::read(place, &manifests, &clusters_on_disk(place)?).is_err())
}

/// Commits one environment and says so; the commit's id in JSON, or null when there was nothing to commit. The
/// caller holds a lock, so that nobody writes the tree meanwhile. `sources` are committed with it.
pub fn commit(ui: &mut Ui, project: &Project, env: &str, committer: &Committer, format: Format, sources: &[Uncommitted]) -> Result<Json> {
    match make(project, env, committer, sources)? {
        Some(done) => {
            let branch = done.branch.clone().unwrap_or_else(|| "detached HEAD".to_owned());
            say(ui, format, &done, &branch)?;
            Ok(json!(done.id))
        }
        None => {
            say_nothing(ui, format, env);
            Ok(Json::Null)
        }
    }
}

/// Says that there was nothing to commit.
pub fn say_nothing(ui: &Ui, format: Format, env: &str) {
    if format == Format::Text {
        ui.say(format!("{env}: nothing to commit"));
    }
}

/// Says what was committed to a branch, and what hooks had to say about it.
pub fn say(ui: &mut Ui, format: Format, done: &Committed, branch: &str) -> Result<()> {
    done.said.iter().for_each(|line| ui.say(line));
    if format == Format::Text && !ui.is_quiet() {
        let short = done.id.get(..10).unwrap_or(&done.id);
        ui.data(format!("[{branch} {short}] {}\n", done.subject).as_bytes())?;
    }
    Ok(())
}

/// Commits one environment; `None` where there is nothing to commit.
pub fn make(project: &Project, env: &str, committer: &Committer, sources: &[Uncommitted]) -> Result<Option<Committed>> {
    let place = pipeline::place(project, env);
    let manifests = disk::owned_paths(&place.dir()).map_err(|error| disk::failed("read", place.shown(""), &error))?;
    let clusters = clusters_on_disk(&place)?;
    let (manifests_dir, clusters_dir) = (place.shown(""), place.clusters_shown(""));
    let owned = Written::read(&place, &manifests, &clusters)?;
    let endings = LineEndings::at(&project.root);
    let areas = [
        Area {
            dir: &manifests_dir,
            on_disk: &manifests,
            is_as_written: &|path, bytes| owned.has(&place.dir(), path, bytes, &endings),
            owned_before: &disk::owned_in,
        },
        Area {
            dir: &clusters_dir,
            on_disk: &clusters,
            is_as_written: &|path, bytes| owned.has(&place.clusters_dir(), path, bytes, &endings),
            owned_before: &disk::owned_files_in,
        },
    ];
    let message = |changes: &Fates, sources: &BTreeMap<String, Change>| {
        let (base, before) = (git::head(&project.root)?, git::last_change(&project.root, &manifests_dir)?);
        // With its sources in it, the commit itself is what it is rendered from.
        let from = base.as_deref().filter(|_| sources.is_empty());
        Message { project, env, clusters: &clusters_dir, changes, sources, from, before: before.as_deref() }.text()
    };
    let request = Request { root: &project.root, areas: &areas, index_name: tree::INDEX, sources, message: &message };
    committer.commit(&request)
}

/// What hydrate has written, by the directories' own indexes.
struct Written(BTreeMap<PathBuf, Owned>);

impl Written {
    /// Refuses a tree in which a file of ours is missing.
    fn read(place: &Place, manifests: &[String], clusters: &[String]) -> Result<Self> {
        let mut written = BTreeMap::new();
        let dirs = manifests.iter().filter_map(|path| path.strip_suffix(INDEX)?.strip_suffix('/'));
        let mut all: Vec<(PathBuf, String)> = dirs.map(|dir| (place.dir().join(dir), place.shown(dir))).collect();
        if !clusters.is_empty() {
            all.push((place.clusters_dir(), place.clusters_shown("")));
        }
        for (dir, shown) in all {
            let owned = disk::owned(&dir).map_err(|error| disk::failed("read", &shown, &error))?;
            let is_file = |file: &str| std::fs::symlink_metadata(dir.join(file)).is_ok_and(|metadata| metadata.is_file());
            if let Some(gone) = owned.names().find(|file| !is_file(file)) {
                return Err(Diagnostic::error(format!("{shown}/{gone} is not there, and {INDEX} beside it says that hydrate wrote it"))
                    .note("nothing was committed: a commit holds what was rendered and nothing else")
                    .help(format!("hydrate -e {} writes it again", place.env)));
            }
            written.insert(dir, owned);
        }
        Ok(Self(written))
    }

    /// Whether a file has the content that it was written with, apart from line endings that Git has made.
    fn has(&self, root: &Path, path: &str, bytes: &[u8], endings: &LineEndings) -> bool {
        let whole = root.join(path);
        let (dir, file) = (whole.parent().unwrap_or(root), whole.file_name().and_then(|name| name.to_str()).unwrap_or_default());
        let is_index = file == INDEX || (file == KUSTOMIZATION && !path.contains('/') && !self.0.contains_key(root));
        is_index || self.0.get(dir).is_some_and(|owned| endings.is_one_of(&whole, bytes, &|bytes| owned.is_as_written(file, bytes)))
    }
}

/// The files of `clusters/<env>` that are ours; what lies behind a link is not.
fn clusters_on_disk(place: &Place) -> Result<Vec<String>> {
    if !place.has_plain_clusters() {
        return Ok(Vec::new());
    }
    disk::owned_files(&place.clusters_dir()).map_err(|error| disk::failed("read", place.clusters_shown(""), &error))
}

/// The files of an environment that are not as hydrate wrote them, as they are shown.
///
/// # Errors
/// A file that is gone.
pub fn edited(place: &Place) -> Result<Vec<String>> {
    let manifests = disk::owned_paths(&place.dir()).map_err(|error| disk::failed("read", place.shown(""), &error))?;
    let clusters = clusters_on_disk(place)?;
    let owned = Written::read(place, &manifests, &clusters)?;
    let endings = LineEndings::at(&place.manifests);
    let mut edited = Vec::new();
    for (root, shown, paths) in [(place.dir(), place.shown(""), manifests), (place.clusters_dir(), place.clusters_shown(""), clusters)] {
        for path in paths {
            let bytes = disk::file(&root.join(&path)).map_err(|error| disk::failed("read", format!("{shown}/{path}"), &error))?;
            if bytes.is_some_and(|bytes| !owned.has(&root, &path, &bytes, &endings)) {
                edited.push(format!("{shown}/{path}"));
            }
        }
    }
    Ok(edited)
}
