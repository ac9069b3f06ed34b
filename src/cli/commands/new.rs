//! `hydrate new`: a component or an environment that can be rendered at once.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};

use super::init::version;
use crate::cli::args::GlobalArgs;
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{environments_asked, open_project};
use crate::cli::ui::Ui;
use crate::project::first_files::{self, ChartFrom, Content};
use crate::project::select::select;
use crate::project::{Project, valid_name};
use hydrate_base::{Diagnostic, FileKind, Result, Severity, World};

/// Arguments of `hydrate new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// What to begin
    #[command(subcommand)]
    pub what: What,
}

/// What to begin.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Begin a component: its component.yaml and what it is rendered from
    Component(ComponentArgs),
    /// Begin an environment: its file, and with --from what components have for another one
    Environment(EnvironmentArgs),
}

/// Arguments of `hydrate new component`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("kind").required(true).multiple(true).args(["chart", "kustomize", "jinja", "helmfile"])))]
pub struct ComponentArgs {
    /// Its name, and that of its release
    pub name: String,
    /// A Helm chart: its name in the repository of --repo, or an address, oci://…, git+https://…, https://….tgz
    #[arg(long, conflicts_with_all = ["kustomize", "jinja"])]
    pub chart: Option<String>,
    /// The chart repository
    #[arg(long, value_name = "URL", requires = "chart")]
    pub repo: Option<String>,
    /// Version of the chart, or a range: ^6.0 [default: the newest, which hydrate.lock pins]
    #[arg(long, requires = "chart")]
    pub version: Option<String>,
    /// A kustomization, with an overlay for each environment
    #[arg(long, conflicts_with_all = ["jinja", "helmfile"])]
    pub kustomize: bool,
    /// Jinja templates
    #[arg(long, conflicts_with = "helmfile")]
    pub jinja: bool,
    /// A helmfile, with the chart of --chart or one of its own
    #[arg(long)]
    pub helmfile: bool,
    /// Its namespace [default: its name]
    #[arg(long)]
    pub namespace: Option<String>,
}

/// Arguments of `hydrate new environment`.
#[derive(Debug, Args)]
pub struct EnvironmentArgs {
    /// Its name
    pub name: String,
    /// The environment that it begins as a copy of: its file, and the directories that components have for it
    #[arg(long, value_name = "ENV")]
    pub from: Option<String>,
    /// Kubernetes version of the clusters
    #[arg(long, value_name = "VERSION", value_parser = version, conflicts_with = "from")]
    pub kubernetes: Option<String>,
}

/// Writes what is asked for, and nothing over anything that is there.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &NewArgs) -> Outcome {
    let project = open_project(global)?;
    match &args.what {
        What::Component(args) => component(ui, global, &project, args),
        What::Environment(args) => environment(ui, &project, args),
    }
}

fn component(ui: &Ui, global: &GlobalArgs, project: &Project, args: &ComponentArgs) -> Outcome {
    let world = project.world();
    let known = project.environment_names(&world)?;
    let asked = environments_asked(global);
    for name in &asked {
        project.environment(&world, name)?;
    }
    let environments = if asked.is_empty() { &known } else { &asked };
    let namespace = args.namespace.as_deref().unwrap_or(&args.name);
    let named = first_files::Named { name: &args.name, namespace, environments, is_limited: !asked.is_empty() };
    let files = first_files::component(&named, &content(args)?)?;

    let directory = format!("{}/{}", project.settings.components, args.name);
    refuse_what_is_there(&project.root, &directory)?;
    let parent = project.root.join(&project.settings.components);
    // Under a name that no component has until all of it is there.
    let cannot = |error: io::Error| Diagnostic::error(format!("cannot write {directory}: {error}"));
    fs::create_dir_all(&parent).map_err(cannot)?;
    let stage = tempfile::Builder::new().prefix(".new-").tempdir_in(&parent).map_err(cannot)?;
    for (path, text) in &files {
        write_new(&stage.path().join(path), text.as_bytes()).map_err(cannot)?;
    }
    open_to_all(stage.path()).and_then(|()| fs::rename(stage.path(), project.root.join(&directory))).map_err(cannot)?;
    for (path, _) in &files {
        ui.say(format!("created {directory}/{path}"));
    }
    let members = members(ui, project, &args.name, environments);
    ui.say("");
    ui.say(match (members.first(), environments.first()) {
        (Some(env), _) => format!("now run: hydrate -e {env}"),
        (None, Some(env)) => format!("then run: hydrate -e {env}"),
        (None, None) => "now run: hydrate new environment NAME".to_owned(),
    });
    Ok(Exit::Success)
}

fn content(args: &ComponentArgs) -> Result<Content<'_>> {
    let chart = match &args.chart {
        None => None,
        Some(chart) => {
            let is_address = chart.contains("://") || chart.starts_with("git::");
            match (&args.repo, is_address) {
                (Some(_), true) => {
                    return Err(Diagnostic::error(format!("{chart} is an address, and --repo gives another")).help("leave out --repo"));
                }
                (None, false) => {
                    return Err(Diagnostic::error(format!("where is the chart `{chart}`?"))
                        .help(format!("name its repository: --chart {chart} --repo https://…; or its address: --chart oci://…")));
                }
                _ => Some(ChartFrom { chart, repo: args.repo.as_deref(), version: args.version.as_deref() }),
            }
        }
    };
    Ok(match chart {
        chart if args.helmfile => Content::Helmfile(chart),
        Some(chart) => Content::Chart(chart),
        None if args.kustomize => Content::Kustomize,
        None => Content::Jinja,
    })
}

/// The environments among these that render the new component; a warning for each that picks others.
fn members<'e>(ui: &Ui, project: &Project, component: &str, environments: &'e [String]) -> Vec<&'e str> {
    let world = project.world();
    let all = project.components(&world).unwrap_or_default();
    let mut members = Vec::new();
    for name in environments {
        // What else is wrong in the project is told by the run that comes next.
        let Ok(environment) = project.environment(&world, name) else { continue };
        let sound = all.iter().filter(|(_, loaded)| loaded.is_ok()).map(|(name, loaded)| (name.clone(), loaded.clone())).collect();
        let Ok(selection) = select(&world, &environment, &sound, &[]) else { continue };
        if selection.members.contains_key(component) {
            members.push(name.as_str());
        } else {
            let file = format!("{}/{name}.yaml", project.settings.environments);
            warn(
                ui,
                Diagnostic::error(format!("{file} does not pick `{component}`"))
                    .help(format!("add it to `components:` there: - {component}")),
            );
        }
    }
    members
}

fn warn(ui: &Ui, mut diagnostic: Box<Diagnostic>) {
    diagnostic.severity = Severity::Warning;
    ui.report(&[diagnostic]);
}

fn environment(ui: &Ui, project: &Project, args: &EnvironmentArgs) -> Outcome {
    let world = project.world();
    let name = &args.name;
    if !valid_name(name) || name == "all" {
        return Err(Diagnostic::error(format!("`{name}` cannot be the name of an environment"))
            .help("take lower-case letters, digits, `-`, `_` and `.`, at most 63")
            .into());
    }
    let directory = &project.settings.environments;
    let file = format!("{directory}/{name}.yaml");
    refuse_what_is_there(&project.root, &file)?;
    let (text, copies) = match &args.from {
        None => (first_files::environment(args.kubernetes.as_deref()), Vec::new()),
        Some(from) => {
            let original = project.environment(&world, from)?;
            (String::from_utf8_lossy(&original.file.text).into_owned(), copies(project, &world, from, name)?)
        }
    };
    let cannot = |path: &str, error: io::Error| Failures::from(Diagnostic::error(format!("cannot write {path}: {error}")));
    for (path, bytes) in &copies {
        write_new(&project.root.join(path), bytes).map_err(|error| cannot(path, error))?;
        ui.say(format!("created {path}"));
    }
    // Last: until then there is no such environment.
    write_new(&project.root.join(&file), text.as_bytes()).map_err(|error| cannot(&file, error))?;
    ui.say(format!("created {file}"));
    tell_who_is_missing(ui, project, name, args.from.as_deref());
    if let Some(from) = &args.from {
        let texts = copies.iter().map(|(path, bytes)| (path.as_str(), String::from_utf8_lossy(bytes)));
        tell_old_names(ui, from, texts.chain([(file.as_str(), text.as_str().into())]));
    }
    ui.say("");
    ui.say(format!("now run: hydrate -e {name}"));
    Ok(Exit::Success)
}

/// How many places are listed that a copy still has the old name at.
const SHOWN: usize = 5;

/// Says where what was copied names the environment that it is a copy of: an address, a cluster, a domain.
fn tell_old_names<'t>(ui: &Ui, from: &str, texts: impl Iterator<Item = (&'t str, Cow<'t, str>)>) {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names_it = |line: &str| {
        line.match_indices(from).any(|(at, _)| !line[..at].ends_with(is_of_word) && !line[at + from.len()..].starts_with(is_of_word))
    };
    let places: Vec<String> = texts
        .flat_map(|(path, text)| {
            let lines = text.lines().enumerate().filter(|(_, line)| names_it(line)).map(|(number, _)| format!("{path}:{}", number + 1));
            lines.collect::<Vec<_>>()
        })
        .collect();
    if places.is_empty() {
        return;
    }
    let more = if places.len() > SHOWN { format!(" and {} more", places.len() - SHOWN) } else { String::new() };
    let shown = places.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    warn(
        ui,
        Diagnostic::error(format!("what was copied still names `{from}`"))
            .note(format!("{shown}{more}"))
            .help("look whether it should be another name there"),
    );
}

/// What a new environment begins with as a copy: the files below the directories that have the name of the other one.
fn copies(project: &Project, world: &dyn World, from: &str, name: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let (components, environments) = (&project.settings.components, &project.settings.environments);
    let mut directories = vec![environments.clone()];
    directories.extend(project.components(world)?.keys().map(|component| format!("{components}/{component}")));
    let mut files = Vec::new();
    for directory in directories {
        let (old, new) = (format!("{directory}/{from}"), format!("{directory}/{name}"));
        if !world.kind(&project.root.join(&old)).is_ok_and(|kind| kind == FileKind::Directory) {
            continue;
        }
        refuse_what_is_there(&project.root, &new)?;
        copy(project, world, &old, &new, &mut files)?;
    }
    Ok(files)
}

fn copy(project: &Project, world: &dyn World, old: &str, new: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    let cannot = |path: &str, error: io::Error| Diagnostic::error(format!("cannot read {path}: {error}"));
    for (name, kind) in world.entries(&project.root.join(old)).map_err(|error| cannot(old, error))? {
        let (old, new) = (format!("{old}/{name}"), format!("{new}/{name}"));
        match kind.map_err(|error| cannot(&old, error))? {
            FileKind::Directory => copy(project, world, &old, &new, files)?,
            _ => files.push((new, world.read(&project.root.join(&old)).map_err(|error| cannot(&old, error))?.to_vec())),
        }
    }
    Ok(())
}

/// Components that go by the names of environments, and do not have this one. Of values alone nothing is said: they may be missing.
fn tell_who_is_missing(ui: &Ui, project: &Project, name: &str, from: Option<&str>) {
    let world = project.world();
    let others: Vec<String> = project.environment_names(&world).unwrap_or_default().into_iter().filter(|other| other != name).collect();
    let has =
        |component: &Path, env: &str| world.list(&component.join(env)).is_ok_and(|names| names.iter().any(|name| name != "values.yaml"));
    for (component, loaded) in project.components(&world).unwrap_or_default() {
        let Ok(loaded) = loaded else { continue };
        let shown = format!("{}/{component}", project.settings.components);
        let named: Vec<&str> = loaded.environments.iter().flatten().map(|pattern| pattern.text.as_str()).collect();
        if from.is_some_and(|from| named.contains(&from)) && !named.contains(&name) {
            warn(
                ui,
                Diagnostic::error(format!("{shown}/component.yaml names its environments, and not `{name}`"))
                    .help(format!("add it to `environments:` there: - {name}")),
            );
        }
        let directory = project.root.join(&shown);
        let with: Vec<&str> = others.iter().map(String::as_str).filter(|other| has(&directory, other)).collect();
        if from.is_none() && !with.is_empty() && !has(&directory, name) {
            warn(
                ui,
                Diagnostic::error(format!("{shown} has a directory for {}, and none for {name}", with.join(", ")))
                    .help(format!("write {shown}/{name}; `hydrate new environment NAME --from {}` copies such directories", with[0])),
            );
        }
    }
}

fn refuse_what_is_there(root: &Path, path: &str) -> Result<()> {
    let above = Path::new(path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
    for above in above {
        if fs::symlink_metadata(root.join(above)).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(Diagnostic::error(format!("{} is a symbolic link", above.display())).help("replace it by a directory"));
        }
    }
    match fs::symlink_metadata(root.join(path)) {
        Ok(_) => {
            Err(Diagnostic::error(format!("{path} is there already, and nothing is written over it"))
                .help("take another name, or remove it"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Diagnostic::error(format!("cannot look at {path}: {error}"))),
    }
}

fn write_new(path: &PathBuf, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    io::Write::write_all(&mut fs::OpenOptions::new().write(true).create_new(true).open(path)?, bytes)
}

/// Gives a directory that was made for this user alone the rights that others made here have.
fn open_to_all(stage: &Path) -> io::Result<()> {
    let usual = stage.join("usual");
    fs::create_dir(&usual)?;
    let rights = fs::metadata(&usual)?.permissions();
    fs::remove_dir(&usual)?;
    fs::set_permissions(stage, rights)
}
