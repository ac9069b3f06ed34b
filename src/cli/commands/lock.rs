//! `hydrate lock`: everything from outside, pinned.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, is_locked, options, supply_options, tell_details};
use crate::cli::{report, ui::Ui};
use crate::pipeline::provision::{LOCK, Provision, read_lock};
use crate::pipeline::{self};
use crate::project::Project;
use hydrate_acquire::{Artifact, Lock};
use hydrate_base::plain::counted;
use hydrate_base::{Diagnostic, DiskWorld};
use hydrate_base::{Purpose, atomic_write};

/// Arguments of `lock`.
#[derive(Debug, Args)]
pub struct LockArgs {
    /// Move to the newest versions that the components allow: those of NAME, or all; also where CI is set
    #[arg(long, value_name = "NAME", num_args = 0.., value_delimiter = ',')]
    pub update: Option<Vec<String>>,
}

/// Resolves what is not locked yet, drops what nobody uses any more, and writes hydrate.lock.
///
/// Every environment is rendered in memory for it: what a kustomization or a chart needs from outside shows only then.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &LockArgs) -> Outcome {
    let format = format(global, "lock", &[Format::Text, Format::Json])?;
    let session = Session::open_whole(global)?;
    let Session { project, environments, .. } = &session;
    let world = DiskWorld::new();
    let old = read_lock(&project.world(), &project.root)?;
    // Where CI is set rendering is held to the lock; who asks for an update by that word is a pipeline that makes one.
    let frozen = if args.update.is_some() { global.locked } else { is_locked(&world, global) };
    let start = kept(&old, args.update.as_deref())?;
    let provision = Provision::new(&world, supply_options(project, global), start, !global.offline && !frozen).taking_local();
    provision.prepare(&pipeline::wants(project, environments));
    let mut told = Vec::new();
    for env in environments {
        match pipeline::render(project, env, &options(ui, global, &session, &[], true)?, &provision, &|_| {}) {
            Ok(rendered) => {
                tell_details(ui, &rendered);
                told.extend(rendered.failed.into_values().flatten());
            }
            Err(errors) => told.extend(errors),
        }
    }
    // A component that fails for reasons of its own is told by a run; here only what comes from outside counts.
    let failures: Vec<_> = provision.failures().into_iter().map(|failure| with_place(failure, &told)).collect();
    if !failures.is_empty() {
        return Err(Failures(without_repetition(failures)));
    }
    let new = provision.used();
    let changes = changes(&old, &new);
    if new != old {
        if frozen {
            return Err(Diagnostic::error(format!("{LOCK} is not up to date, and --locked forbids changing it"))
                .note(changes.join("; "))
                .help("run `hydrate lock` where CI is not set, or `hydrate lock --update NAME` anywhere, and commit the lock")
                .into());
        }
        write(project, &new)?;
    }
    if format == Format::Json {
        ui.data(&report::document("lock", json!({"artifacts": new.artifacts().count(), "changes": changes}), &[]))?;
    } else {
        changes.iter().for_each(|change| ui.say(change));
        ui.say(format!("{LOCK}: {}{}", counted(new.artifacts().count(), "artifact"), if new == old { ", unchanged" } else { "" }));
    }
    Ok(Exit::Success)
}

/// Adds what a run had to resolve to the lock of the project; users are brought up to date by `hydrate lock`.
pub fn add(ui: &Ui, project: &Project, provision: &Provision<'_>) -> Result<(), Failures> {
    let old = read_lock(&project.world(), &project.root)?;
    let mut new = old.clone();
    let holds = |artifact: &Artifact| {
        let known = old.artifacts().find(|known| known.key() == artifact.key());
        known.is_some_and(|known| artifact.provenance.is_none() || known.provenance == artifact.provenance)
    };
    provision.used().artifacts().filter(|artifact| !holds(artifact)).for_each(|artifact| new.add(artifact.clone()));
    if new == old {
        return Ok(());
    }
    changes(&old, &new).iter().for_each(|change| ui.say(format!("{LOCK}: {change}")));
    write(project, &new)
}

/// The lock that resolving starts from: without what is to be updated.
fn kept(old: &Lock, update: Option<&[String]>) -> Result<Lock, Failures> {
    let names: BTreeSet<&str> = update.unwrap_or_default().iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = old.artifacts().map(|artifact| artifact.name.as_str()).collect();
    if let Some(stranger) = names.iter().find(|name| !known.contains(*name)) {
        let error = Diagnostic::error(format!("{LOCK} holds nothing of the name `{stranger}`"));
        return Err(match hydrate_base::suggest::closest(stranger, known.iter().copied()) {
            Some(close) => error.help(format!("did you mean `{close}`?")),
            None => error,
        }
        .into());
    }
    let moves = |name: &str| update.is_some() && (names.is_empty() || names.contains(name));
    let mut kept = Lock::default();
    old.artifacts().filter(|artifact| !moves(&artifact.name)).for_each(|artifact| kept.add(artifact.clone()));
    Ok(kept)
}

fn changes(old: &Lock, new: &Lock) -> Vec<String> {
    let missing_in = |other: &Lock, key: &str| !other.artifacts().any(|artifact| artifact.key() == key);
    let removed = old.artifacts().filter(|artifact| missing_in(new, &artifact.key())).map(|artifact| format!("- {}", artifact.title()));
    let added = new.artifacts().filter(|artifact| missing_in(old, &artifact.key())).map(|artifact| format!("+ {}", artifact.title()));
    let same = old.artifacts().filter_map(|before| new.artifacts().find(|after| after.key() == before.key()).map(|after| (before, after)));
    let changed = same.filter_map(|(before, after)| Some(format!("~ {}: {}", after.title(), difference(before, after)?)));
    removed.chain(added).chain(changed).collect()
}

/// What is another about an artifact that kept its version; who uses it does not count.
fn difference(before: &Artifact, after: &Artifact) -> Option<&'static str> {
    if before.commit != after.commit {
        return Some("another commit");
    }
    if before.sha256 != after.sha256 {
        return Some("another archive");
    }
    match (&before.provenance, &after.provenance) {
        (None, Some(_)) => Some("now verified"),
        (Some(_), None) => Some("no longer verified"),
        (before, after) if before != after => Some("another provenance file"),
        _ => None,
    }
}

/// The failure as the component told it, which knows where it was asked for.
fn with_place(failure: Box<Diagnostic>, told: &[Box<Diagnostic>]) -> Box<Diagnostic> {
    let same = told.iter().find(|one| one.message.ends_with(&failure.message) && one.notes.starts_with(&failure.notes));
    same.cloned().unwrap_or(failure)
}

fn without_repetition(failures: Vec<Box<Diagnostic>>) -> Vec<Box<Diagnostic>> {
    let mut all: Vec<Box<Diagnostic>> = Vec::new();
    for failure in failures {
        if !all.contains(&failure) {
            all.push(failure);
        }
    }
    all
}

fn write(project: &Project, lock: &Lock) -> Result<(), Failures> {
    let path = project.root.join(LOCK);
    let written = atomic_write(&path, &project.root, &[lock.to_text().as_bytes()], Purpose::Repository);
    written.map_err(|error| Diagnostic::error(format!("cannot write {LOCK}")).note(error.to_string()).into())
}
