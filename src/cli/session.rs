//! What most commands start with: the project, and the environments they are about.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::pipeline::confined::Sandbox;
use crate::pipeline::provision::{self, Provision};
use crate::pipeline::renders::Renders;
use crate::pipeline::{self, Options, Rendered};
use crate::project::Project;
use hydrate_acquire::Cache;
use hydrate_acquire::Options as SupplyOptions;
use hydrate_acquire::http as supply_progress;
use hydrate_base::{Diagnostic, DiskWorld, Severity, UserKey, World, suggest};

use super::args::{Format, GlobalArgs};
use super::config::UserConfig;
use super::downloads::Downloads;
use super::outcome::Failures;
use super::report;
use super::ui::Ui;

/// An opened project and the environments asked for.
#[derive(Debug)]
pub struct Session {
    /// The project.
    pub project: Project,
    /// The names of the environments asked for: each once, in the order given.
    pub environments: Vec<String>,
    /// Whether rendering is confined.
    pub sandbox: Option<Sandbox>,
}

impl Session {
    /// Finds the project and the environments; without `-e`, the only one there is.
    pub fn open(global: &GlobalArgs) -> Result<Self, Failures> {
        let project = open_project(global)?;
        let known = project.environment_names(&project.world())?;
        let environments = environments(global, &known)?;
        Ok(Self { project, environments, sandbox: sandbox(global) })
    }

    /// Opens a project for all of its environments.
    pub fn open_whole(global: &GlobalArgs) -> Result<Self, Failures> {
        let project = open_project(global)?;
        let environments = project.environment_names(&project.world())?;
        Ok(Self { project, environments, sandbox: sandbox(global) })
    }

    /// One environment of a project that is checked out beside the work tree. Each such project is confined by itself: a process may read the one that it was
    /// started for.
    pub fn beside(global: &GlobalArgs, project: Project, env: &str) -> Self {
        Self { project, environments: vec![env.to_owned()], sandbox: sandbox(global) }
    }

    /// The environment of a command that is about exactly one.
    pub fn only_environment(&self) -> Result<&str, Failures> {
        match self.environments.as_slice() {
            [one] => Ok(one),
            many => {
                Err(Diagnostic::error(format!("this command is about one environment, not {}", many.len())).help("name it: -e ENV").into())
            }
        }
    }
}

/// The project that the run is about.
pub fn open_project(global: &GlobalArgs) -> Result<Project, Failures> {
    let world = DiskWorld::new();
    let start = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = Project::find(&world, &start)?;
    Ok(Project::open(root)?)
}

/// What the components of a run get from outside. `may_change` says whether the command may add to hydrate.lock at all;
/// `--locked`, `--offline` and a set `CI` forbid it.
pub fn provision<'w>(world: &'w DiskWorld, project: &Project, global: &GlobalArgs, may_change: bool) -> Result<Provision<'w>, Failures> {
    let lock = provision::read_lock(&project.world(), &project.root)?;
    let may_change = may_change && !global.offline && !is_locked(world, global);
    Ok(Provision::new(world, supply_options(project, global), lock, may_change))
}

/// Whether hydrate.lock must stay as it is.
pub fn is_locked(world: &DiskWorld, global: &GlobalArgs) -> bool {
    global.locked || is_ci(world)
}

/// Whether this is a pipeline's run, as all of them say it.
pub fn is_ci(world: &DiskWorld) -> bool {
    world.variable("CI").is_some_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"))
}

/// How supply behaves in this project under these options.
pub fn supply_options(project: &Project, global: &GlobalArgs) -> SupplyOptions {
    let progress: Arc<dyn supply_progress::Progress> =
        if global.quiet { Arc::new(supply_progress::NoProgress) } else { Arc::new(Downloads::default()) };
    let keyring = project.settings.keyring.as_ref().map(|path| project.root.join(path));
    SupplyOptions {
        root: project.root.clone(),
        offline: global.offline,
        mirrors: project.settings.mirrors.clone(),
        keyring,
        progress,
        time_limit: global.download_timeout.map(|seconds| std::time::Duration::from_secs(seconds.into())),
    }
}

/// The options of a rendering run over these components.
pub fn options(ui: &Ui, global: &GlobalArgs, session: &Session, components: &[String], keep_going: bool) -> Result<Options, Failures> {
    Ok(Options {
        components: components.to_vec(),
        keep_going,
        passes_secrets: false,
        compares: false,
        keys: Arc::default(),
        jobs: global.jobs.map(usize::from),
        renders: renders(global),
        watch: ui.watch(global.limits.limits()),
        variables: variables(global, &session.project)?,
        sandbox: session.sandbox.clone(),
    })
}

/// An environment rendered to be compared with its tree: what may differ is as it is there, and nothing is written that secrets would have to be kept from.
pub fn rendered_to_compare(
    ui: &Ui,
    global: &GlobalArgs,
    session: &Session,
    provision: &Provision<'_>,
    env: &str,
    components: &[String],
) -> Result<Rendered, Failures> {
    let options = Options { compares: true, passes_secrets: true, ..options(ui, global, session, components, false)? };
    Ok(pipeline::render(&session.project, env, &options, provision, &|_| {})?)
}

/// The environment variables that templates of a project may read.
pub fn variables(global: &GlobalArgs, project: &Project) -> Result<Arc<BTreeSet<String>>, Failures> {
    let config = UserConfig::read(&DiskWorld::new(), &project.extent)?;
    Ok(Arc::new(global.template_env.iter().cloned().chain(config.template_env).collect()))
}

/// Whether rendering is confined: where that is asked for, and on Linux where CI is set, because there what is rendered may be from anybody.
fn sandbox(global: &GlobalArgs) -> Option<Sandbox> {
    let usual = cfg!(target_os = "linux") && !global.no_sandbox && is_ci(&DiskWorld::new());
    (global.sandbox || usual).then(|| Sandbox::new(global.sandbox, MISCHIEF))
}

/// What the tests have the process try; in other builds nobody looks at it.
const MISCHIEF: &[&str] = if cfg!(debug_assertions) { &["HYDRATE_TEST_MISCHIEF"] } else { &[] };

/// Says with `-v` how each component was come by, how rendering was confined, and what of that the kernel could not do.
pub fn tell_details(ui: &Ui, rendered: &Rendered) {
    let env = &rendered.environment.name;
    for (name, timing) in &rendered.timings {
        let how = if timing.from_cache { "from the cache" } else { "rendered" };
        ui.detail(1, format!("{env}: {name} {how} in {}", report::duration(timing.took)));
    }
    match rendered.unconfined.as_deref() {
        None => {}
        Some([]) => ui.detail(1, "rendered in confinement: the project is read, nothing is written, no network, no programs"),
        Some(missing) => missing.iter().for_each(|text| ui.detail(1, format!("rendered with less confinement: {text}"))),
    }
}

/// Where rendered components are kept; nowhere when the user has no place for a cache, or none that is theirs alone.
pub fn renders(global: &GlobalArgs) -> Renders {
    let world = DiskWorld::new();
    if global.no_cache {
        return Renders::default();
    }
    match Cache::find(&world).and_then(|cache| cache.map(|cache| Ok(Renders::of(cache, UserKey::of_user(&world)?))).transpose()) {
        Ok(renders) => renders.unwrap_or_default(),
        Err(mut doubt) => {
            doubt.severity = Severity::Warning;
            Renders::without(doubt.note("so everything is rendered anew"))
        }
    }
}

/// The environments that the command line names, each once; none where it names all of them.
pub fn environments_asked(global: &GlobalArgs) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if !global.environments.iter().any(|name| name == "all") {
        global.environments.iter().filter(|name| !name.is_empty()).for_each(|name| {
            if !names.contains(name) {
                names.push(name.clone());
            }
        });
    }
    names
}

fn environments(global: &GlobalArgs, known: &[String]) -> Result<Vec<String>, Failures> {
    if global.environments.iter().any(|name| name == "all") {
        return if known.is_empty() { Err(none()) } else { Ok(known.to_vec()) };
    }
    if global.environments.is_empty() {
        return match known {
            [] => Err(none()),
            [only] => Ok(vec![only.clone()]),
            several => Err(Diagnostic::error("which environment?")
                .note(format!("environments here: {}", several.join(", ")))
                .help("name it with -e ENV, or take -e all")
                .into()),
        };
    }
    let mut names: Vec<String> = Vec::new();
    for name in &global.environments {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

fn none() -> Failures {
    Diagnostic::error("the project has no environment").help("create environments/ENV.yaml, or run `hydrate init`").into()
}

/// The format asked for, if it is one that the command knows; text when none was.
pub fn format(global: &GlobalArgs, command: &str, known: &[Format]) -> Result<Format, Failures> {
    use clap::ValueEnum;
    let asked = global.format.unwrap_or(Format::Text);
    if known.contains(&asked) {
        return Ok(asked);
    }
    let name = |format: &Format| format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let names: Vec<String> = known.iter().map(name).collect();
    let error = Diagnostic::error(format!("`{command}` has no format `{}`", name(&asked)));
    let close = suggest::closest(&name(&asked), names.iter().map(String::as_str)).map(|close| format!("did you mean `{close}`?"));
    Err(match close {
        Some(close) => error.help(close),
        None => error.help(format!("it knows: {}", names.join(", "))),
    }
    .into())
}
