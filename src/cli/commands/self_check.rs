//! `hydrate self-check`: what of this machine hydrate can use, and what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::fs::{Access, access};
use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::config::{self, UserConfig};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::session::{format, open_project, supply_options};
use crate::cli::{report, ui::Ui, version};
use crate::git;
use crate::pipeline::age_keys::AgeKeys;
use crate::pipeline::confined;
use crate::pipeline::provision::{LOCK, read_lock};
use crate::project::{Project, SecretPolicy};
use hydrate_acquire::{Artifact, Cache, Lock, Supply};
use hydrate_base::git::{command, in_path};
use hydrate_base::plain::counted;
use hydrate_base::{Diagnostic, DiskWorld, World};

/// Arguments of `hydrate self-check`.
#[derive(Debug, Args)]
pub struct SelfCheckArgs {
    /// Ask the registries and repositories that hydrate.lock names, too
    #[arg(long)]
    pub network: bool,
}

/// The oldest Git whose commands suffice: it runs hooks by `git hook run`.
const OLDEST_GIT: (u32, u32) = (2, 36);

/// How it stands with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is there.
    Ok,
    /// Nobody has looked.
    Skipped,
    /// It is not there, and nothing fails without it.
    Optional,
    /// It is not there, and something that this user or this project does fails without it.
    Missing,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Optional => "optional",
            Self::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
struct Row {
    name: &'static str,
    state: State,
    what: String,
    /// What to do: a command where there is one.
    mend: Vec<String>,
}

impl Row {
    fn new(name: &'static str, state: State, what: impl Into<String>) -> Self {
        Self { name, state, what: what.into(), mend: Vec::new() }
    }

    fn mend(mut self, how: impl Into<String>) -> Self {
        self.mend.push(how.into());
        self
    }

    /// What an error says.
    fn failed(name: &'static str, error: &Diagnostic) -> Self {
        let what = std::iter::once(&error.message).chain(&error.notes).cloned().collect::<Vec<_>>().join("; ");
        Self { mend: error.help.clone(), ..Self::new(name, State::Missing, what) }
    }

    fn lines(&self) -> Vec<String> {
        let first = format!("{:8}  {:13}  {}", self.state.word(), self.name, self.what);
        std::iter::once(first).chain(self.mend.iter().map(|how| format!("{:8}  {:13}  -> {how}", "", ""))).collect()
    }
}

/// Looks at everything, writes nothing, and touches no network unless it is told to.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &SelfCheckArgs) -> Outcome {
    let format = format(global, "self-check", &[Format::Text, Format::Json])?;
    let world = DiskWorld::new();
    let start = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let project = Project::find(&world, &start).ok().map(|_| open_project(global));
    let mut rows = vec![program(), git_program(), sandbox(), cache(&world)];
    rows.push(configuration(&world, project.as_ref().and_then(|project| project.as_ref().ok())));
    rows.extend([
        completions(&world),
        helper("sops", "files of SOPS for other keys than those of age"),
        helper("vals", "references ref+…"),
    ]);
    match &project {
        None => rows.push(Row::new("project", State::Skipped, "there is none here").mend("hydrate init -e dev")),
        Some(Err(failures)) => rows.extend(failures.0.iter().map(|error| Row::failed("project", error))),
        Some(Ok(project)) => rows.extend(of_project(&world, project, global, args)),
    }
    let is_whole = rows.iter().all(|row| row.state != State::Missing);
    if format == Format::Json {
        let rows: Vec<_> =
            rows.iter().map(|row| json!({"name": row.name, "state": row.state.word(), "what": row.what, "mend": row.mend})).collect();
        ui.data(&report::document("self-check", json!({"ok": is_whole, "checks": rows}), &[]))?;
    } else {
        ui.lines(rows.iter().flat_map(Row::lines))?;
    }
    Ok(if is_whole { Exit::Success } else { Exit::Failure })
}

fn program() -> Row {
    let Ok(own) = std::env::current_exe().and_then(|path| path.canonicalize()) else {
        return Row::new("hydrate", State::Ok, version::short());
    };
    let what = format!("{} at {}", version::short(), own.display());
    match in_path("hydrate") {
        Some(found) if found.canonicalize().is_ok_and(|found| found == own) => Row::new("hydrate", State::Ok, what),
        Some(other) => Row::new("hydrate", State::Optional, format!("{what}; hooks run another, {}", other.display()))
            .mend("put the directory of the one that you mean first in PATH"),
        None => Row::new("hydrate", State::Optional, format!("{what}; hooks find none in PATH"))
            .mend(format!("export PATH=\"{}:$PATH\"", own.parent().unwrap_or(Path::new("")).display())),
    }
}

fn git_program() -> Row {
    let (major, minor) = OLDEST_GIT;
    let install =
        format!("install Git {major}.{minor} or later: rendering and `check` work without it, commits, hooks and charts from Git do not");
    let Some(path) = in_path("git") else {
        return Row::new("git", State::Missing, "no directory of PATH has it").mend(install);
    };
    let said = command().arg("--version").output().map(|done| String::from_utf8_lossy(&done.stdout).into_owned());
    let said = said.unwrap_or_else(|error| error.to_string());
    let shown = format!("{} at {}", said.trim().trim_start_matches("git version "), path.display());
    match git_version(&said) {
        None => Row::new("git", State::Missing, format!("{} does not say its version: {}", path.display(), said.trim())).mend(install),
        Some(found) if found < OLDEST_GIT => Row::new("git", State::Missing, format!("{shown} is too old for commits")).mend(install),
        Some(_) => Row::new("git", State::Ok, shown),
    }
}

/// `git version 2.39.5 (Apple Git-154)` is (2, 39).
fn git_version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?))
}

fn sandbox() -> Row {
    match confined::unconfined().as_slice() {
        [] => Row::new("sandbox", State::Ok, "charts of strangers can be rendered without files, network and programs of yours"),
        missing => {
            let row = Row::new("sandbox", State::Optional, missing.join("; "));
            match (cfg!(target_os = "linux"), Path::new("/proc/self/exe").exists()) {
                (true, true) => row.mend("a kernel from 6.12 on, with `landlock` in its `lsm=`, can do all of it"),
                (true, false) => row.mend("mount -t proc proc /proc"),
                (false, _) => row,
            }
        }
    }
}

fn cache(world: &DiskWorld) -> Row {
    match Cache::find(world) {
        Err(error) => Row::failed("cache", &error),
        Ok(None) => Row::new("cache", State::Optional, "neither HOME nor XDG_CACHE_HOME is set: everything is rendered and fetched anew")
            .mend("export HYDRATE_CACHE_DIR=DIRECTORY"),
        Ok(Some(cache)) => {
            let shown = cache.root().display();
            let existing = cache.root().ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
            let can_write = access(existing, Access::WRITE_OK | Access::EXEC_OK).is_ok();
            match (can_write, existing == cache.root()) {
                (true, true) => {
                    let usage = cache.usage();
                    let artifacts = counted(usize::try_from(usage.blobs).unwrap_or(usize::MAX), "artifact");
                    Row::new("cache", State::Ok, format!("{shown}, {artifacts}, {} bytes in all", usage.blob_bytes + usage.other_bytes))
                }
                (true, false) => Row::new("cache", State::Ok, format!("{shown}, made when it is needed")),
                (false, _) => {
                    Row::new("cache", State::Missing, format!("{shown} cannot be written: {} is not yours to write", existing.display()))
                        .mend("export HYDRATE_CACHE_DIR=DIRECTORY")
                }
            }
        }
    }
}

fn configuration(world: &DiskWorld, project: Option<&Project>) -> Row {
    const NAME: &str = "configuration";
    let Some(path) = config::path(world) else {
        return Row::new(NAME, State::Optional, "neither HOME nor XDG_CONFIG_HOME is set");
    };
    // Without a project there is none that it could lie in.
    let nowhere = Path::new("/dev/null/nowhere");
    match UserConfig::read(world, project.map_or(nowhere, |project| &project.extent)) {
        Err(error) => Row::failed(NAME, &error),
        Ok(_) if world.kind(&path).is_err() => Row::new(NAME, State::Ok, format!("{} is not there, and need not be", path.display())),
        Ok(read) => {
            Row::new(NAME, State::Ok, format!("{}: templates may read {}", path.display(), counted(read.template_env.len(), "variable")))
        }
    }
}

/// Where a shell looks for completions of a program: files of their own, files that may load them, and how to have them.
struct ShellFiles {
    own: Vec<PathBuf>,
    loads: Vec<PathBuf>,
    mend: &'static str,
}

fn completions(world: &DiskWorld) -> Row {
    const NAME: &str = "completions";
    let shell = world.variable("SHELL").unwrap_or_default();
    let shell = shell.rsplit('/').next().unwrap_or_default();
    let Some(files) = shell_files(world, shell) else {
        return Row::new(NAME, State::Skipped, format!("SHELL is `{shell}`; bash, zsh and fish can complete hydrate"));
    };
    let own = files.own.into_iter().find(|path| world.kind(path).is_ok());
    let names = |path: &PathBuf| world.read(path).is_ok_and(|text| String::from_utf8_lossy(&text).contains("hydrate completion"));
    match own.or_else(|| files.loads.into_iter().find(names)) {
        Some(path) => Row::new(NAME, State::Ok, format!("{shell}, by {}", path.display())),
        None => Row::new(NAME, State::Optional, format!("{shell} does not complete environments, components and options")).mend(files.mend),
    }
}

fn shell_files(world: &DiskWorld, shell: &str) -> Option<ShellFiles> {
    let set = |name: &str| world.variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let home = set("HOME").unwrap_or_default();
    let data = set("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
    let config = set("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
    let shares = ["/usr/share", "/usr/local/share", "/opt/homebrew/share"].map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.parent()?.join("share")));
    let below = |place: &str| shares.iter().chain(&beside).map(|share| share.join(place)).collect::<Vec<_>>();
    Some(match shell {
        "bash" => ShellFiles {
            own: [vec![data.join("bash-completion/completions/hydrate")], below("bash-completion/completions/hydrate")].concat(),
            loads: [".bashrc", ".bash_profile", ".profile", ".bash_completion"].map(|name| home.join(name)).to_vec(),
            mend: "echo 'source <(hydrate completion bash)' >> ~/.bashrc",
        },
        "zsh" => ShellFiles {
            own: [below("zsh/site-functions/_hydrate"), below("zsh/vendor-completions/_hydrate")].concat(),
            loads: vec![set("ZDOTDIR").unwrap_or(home).join(".zshrc")],
            mend: "echo 'source <(hydrate completion zsh)' >> ~/.zshrc, below compinit",
        },
        "fish" => ShellFiles {
            own: [vec![config.join("fish/completions/hydrate.fish")], below("fish/vendor_completions.d/hydrate.fish")].concat(),
            loads: vec![config.join("fish/config.fish")],
            mend: "mkdir -p ~/.config/fish/completions && hydrate completion fish > ~/.config/fish/completions/hydrate.fish",
        },
        _ => return None,
    })
}

/// A program that is asked for what hydrate does not do itself.
fn helper(name: &'static str, what_for: &str) -> Row {
    match in_path(name) {
        Some(path) => Row::new(name, State::Ok, path.display().to_string()),
        None => {
            Row::new(name, State::Optional, format!("no directory of PATH has it: `helmfile --resolve-secrets` asks it for {what_for}"))
        }
    }
}

fn of_project(world: &DiskWorld, project: &Project, global: &GlobalArgs, args: &SelfCheckArgs) -> Vec<Row> {
    let mut rows = match counts(project) {
        Ok(what) => vec![Row::new("project", State::Ok, what)],
        Err(errors) => errors.iter().map(|error| Row::failed("project", error)).collect(),
    };
    rows.push(hook(project));
    rows.extend(keys(world, project));
    match read_lock(&project.world(), &project.root) {
        Err(error) => rows.push(Row::failed("registries", &error)),
        Ok(lock) => {
            rows.extend(artifacts(world, project, global, &lock));
            rows.extend(registries(world, project, global, args, &lock));
        }
    }
    rows
}

fn counts(project: &Project) -> Result<String, Vec<Box<Diagnostic>>> {
    let world = project.world();
    let names = project.environment_names(&world).map_err(|error| vec![error])?;
    let components = project.components(&world).map_err(|error| vec![error])?;
    let mut errors: Vec<Box<Diagnostic>> = names.iter().filter_map(|name| project.environment(&world, name).err()).flatten().collect();
    errors.extend(components.values().filter_map(|loaded| loaded.as_ref().err()).flatten().cloned());
    if names.is_empty() {
        errors.push(Diagnostic::error("the project has no environment").help("hydrate new environment NAME"));
    }
    let what = format!("{}: {}, {}", project.root.display(), counted(names.len(), "environment"), counted(components.len(), "component"));
    if errors.is_empty() { Ok(what) } else { Err(errors) }
}

fn hook(project: &Project) -> Row {
    const NAME: &str = "hook";
    let repository = match git::Repository::discover(&project.root) {
        Ok(Some(repository)) => repository,
        Ok(None) => return Row::new(NAME, State::Skipped, "the project is in no Git repository").mend("git init"),
        Err(error) => return Row::failed(NAME, &error),
    };
    let own = match git::hooks_dir(&project.root) {
        Ok(directory) => directory.join("pre-commit"),
        Err(error) => return Row::failed(NAME, &error),
    };
    let managed = [".pre-commit-config.yaml", "lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".husky/pre-commit"];
    let managed = managed.iter().map(|name| repository.work_tree().join(name));
    let names = |path: &PathBuf| std::fs::read(path).is_ok_and(|text| String::from_utf8_lossy(&text).contains("hydrate"));
    match std::iter::once(own).chain(managed).find(names) {
        Some(path) => Row::new(NAME, State::Ok, path.display().to_string()),
        None => Row::new(NAME, State::Optional, "nothing checks manifests before a commit").mend("hydrate hook install"),
    }
}

/// The keys of age of this user, and whether they fit what the project encrypts.
fn keys(world: &DiskWorld, project: &Project) -> Vec<Row> {
    const NAME: &str = "age keys";
    let found = AgeKeys::of_user(world);
    let problems = found.problems.iter().map(|problem| Row::new(NAME, State::Optional, problem.as_str()));
    let read = project.world();
    let names = project.environment_names(&read).unwrap_or_default();
    let environments = names.iter().filter_map(|name| project.environment(&read, name).ok());
    let encrypting: Vec<_> = environments.filter(|environment| project.secrets_of(environment) == SecretPolicy::Sops).collect();
    let row = match (found.identities.is_empty(), encrypting.is_empty()) {
        (true, true) => Row::new(NAME, State::Optional, "none found; no environment has `secrets: sops`"),
        (false, true) => Row::new(NAME, State::Ok, "found; no environment has `secrets: sops`"),
        (is_without, false) => {
            let fits = |recipients: Vec<String>| recipients.iter().any(|recipient| found.identities.is_of(recipient));
            let closed: Vec<&str> = encrypting
                .iter()
                .filter(|environment| !fits(project.recipients_of(environment)))
                .map(|environment| environment.name.as_str())
                .collect();
            let found = if is_without { "none found" } else { "found" };
            if closed.is_empty() {
                Row::new(NAME, State::Ok, format!("{found}, and environments with `secrets: sops` are encrypted for them"))
            } else {
                Row::new(NAME, State::Optional, format!("{found}; what is encrypted in {} cannot be decrypted here", closed.join(", ")))
                    .mend("add a key of yours to `sops: {age: […]}`, and name its file: export SOPS_AGE_KEY_FILE=FILE")
            }
        }
    };
    problems.chain([row]).collect()
}

/// How much of what the lock names is at hand, in the cache or under charts/; nothing where it names none.
fn artifacts(world: &DiskWorld, project: &Project, global: &GlobalArgs, lock: &Lock) -> Option<Row> {
    const NAME: &str = "artifacts";
    let supply = Supply::new(world, hydrate_acquire::Options { offline: true, ..supply_options(project, global) });
    let all = lock.artifacts().count();
    let here = lock.artifacts().filter(|artifact| supply.bytes(artifact).is_ok()).count();
    (all > 0).then(|| match (here == all, global.offline) {
        (true, _) => Row::new(NAME, State::Ok, format!("{} at hand, as {LOCK} names them", counted(all, "artifact"))),
        (false, true) => {
            Row::new(NAME, State::Missing, format!("{here} of {all} at hand, and --offline fetches none")).mend("hydrate fetch")
        }
        (false, false) => Row::new(NAME, State::Optional, format!("{here} of {all} at hand; others are fetched when they are rendered"))
            .mend("hydrate fetch"),
    })
}

/// Whether the places answer that charts and bases come from, one artifact for each; nobody is asked without `--network`.
fn registries(world: &DiskWorld, project: &Project, global: &GlobalArgs, args: &SelfCheckArgs, lock: &Lock) -> Vec<Row> {
    const NAME: &str = "registries";
    let places: BTreeMap<&str, &Artifact> = lock.artifacts().map(|artifact| (artifact.source.as_str(), artifact)).collect();
    if places.is_empty() {
        return vec![Row::new(NAME, State::Ok, format!("{LOCK} names none"))];
    }
    if !args.network || global.offline {
        let what = format!("{} in {LOCK}, not asked", counted(places.len(), "place"));
        return vec![Row::new(NAME, State::Skipped, what).mend("hydrate self-check --network")];
    }
    let supply = Supply::new(world, supply_options(project, global));
    let ask = |(place, artifact): (&&str, &&Artifact)| {
        let mut one = Lock::default();
        one.add((*artifact).clone());
        match supply.outdated(&one, &BTreeSet::new()) {
            Ok(_) => vec![Row::new(NAME, State::Ok, format!("{place} answers"))],
            Err(errors) => errors.iter().map(|error| Row::failed(NAME, error)).collect(),
        }
    };
    places.iter().flat_map(ask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_git_are_read_as_it_says_them() {
        let cases = [
            ("git version 2.39.5\n", Some((2, 39))),
            ("git version 2.50.1 (Apple Git-155)", Some((2, 50))),
            ("git version 2.36-rc1", Some((2, 36))),
            ("git version 3.0.0.windows.1", Some((3, 0))),
            ("git version next", None),
            ("no such program", None),
        ];
        for (said, expected) in cases {
            assert_eq!(git_version(said), expected, "{said}");
        }
    }
}
