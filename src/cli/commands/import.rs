//! `hydrate import`: helmfiles turned into components, proven equal; without a file, how far a repository has come.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::report;
use crate::cli::session::{environments_asked, format, open_project, provision, variables};
use crate::cli::ui::Ui;
use crate::import::status::{self, Row};
use crate::import::write::{self, Planned};
use crate::import::{self, Import, ImportedRelease, Request};
use crate::project::files::is_version;
use crate::project::{Layout, Project, first_files};
use hydrate_base::{Change, Diagnostic, DiskWorld, FileKind, Result, World};
use hydrate_chart::Level;
use hydrate_helmfile::Version;

/// Arguments of `hydrate import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A helmfile, a directory with one, a component, or the directory of components [default: say how far this repository has come]
    #[arg(value_name = "HELMFILE")]
    pub path: Option<PathBuf>,
    /// Say for each component and environment what renders it, and whether hydrate writes it
    #[arg(long, conflicts_with = "path")]
    pub status: bool,
    /// Put all releases into the component of this name [default: one component for each release]
    #[arg(long, value_name = "NAME", requires = "path")]
    pub into: Option<String>,
    /// Leave this release in its helmfile: NAME or NAMESPACE/NAME; repeat it for several
    #[arg(long, value_name = "RELEASE", requires = "path")]
    pub leave: Vec<String>,
    /// Show the files that would be written, and write nothing
    #[arg(long, requires = "path")]
    pub dry_run: bool,
    /// Replace files that are there and say something else
    #[arg(long, requires = "path")]
    pub force: bool,
    /// Whose bytes Helm charts render to, where there is no hydrate.yaml yet: v4 or v3 [default: that of the helmfile]
    #[arg(long, requires = "path", value_parser = ["v3", "v4"])]
    pub helm: Option<String>,
    /// Whose bytes helmfiles render to, where there is no hydrate.yaml yet: v1 (1.7) or v0 (0.166) [default: v1]
    #[arg(long, requires = "path", value_parser = ["v0", "v1"])]
    pub helmfile: Option<String>,
    /// Kubernetes version of environments that have no file yet
    #[arg(long, requires = "path", value_name = "VERSION", value_parser = version)]
    pub kubernetes: Option<String>,
}

fn version(text: &str) -> std::result::Result<String, String> {
    if is_version(text) { Ok(text.to_owned()) } else { Err("expected a version such as 1.33 or 1.33.1".to_owned()) }
}

/// Imports what is named, or says how far the repository has come.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &ImportArgs) -> Outcome {
    let format = format(global, "import", &[Format::Text, Format::Json])?;
    match &args.path {
        None => tell_status(ui, global, format),
        Some(path) => import_path(ui, global, args, path, format),
    }
}

fn import_path(ui: &mut Ui, global: &GlobalArgs, args: &ImportArgs, path: &Path, format: Format) -> Outcome {
    let world = DiskWorld::new();
    let start = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let path = world.canonical(&start.join(path)).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))?;
    let (project, first) = project(global, args, &start, &path)?;
    let provision = provision(&world, &project, global, true)?;
    let request = Request {
        project: &project,
        provision: &provision,
        variables: variables(global, &project)?,
        watch: ui.watch(global.limits.limits()),
        path,
        environments: environments_asked(global),
        into: args.into.clone(),
        leave: args.leave.clone(),
        kubernetes: args.kubernetes.clone(),
        first,
    };
    let import = match import::plan(&request) {
        Ok(import) => import,
        Err(errors) => {
            if format == Format::Json {
                let nothing = json!({"dry_run": args.dry_run, "releases": [], "environments": [], "files": []});
                ui.data(&report::document("import", nothing, &errors))?;
            }
            return Err(errors.into());
        }
    };
    let planned = write::compare(&world, &project.root, &import, args.force)?;
    ui.report(&import.warnings);
    if global.sandbox {
        ui.say("rendered with less confinement: `import` renders in this process");
    }
    if !args.dry_run {
        write::write(&project.root, &planned)?;
        super::lock::add(ui, &project, &provision)?;
    }
    match format {
        Format::Json => ui.data(&report::document("import", in_json(&import, &planned, args.dry_run), &[]))?,
        _ if ui.is_quiet() && !args.dry_run => {}
        _ => tell(ui, &import, &planned, args.dry_run)?,
    }
    Ok(Exit::Success)
}

/// The project that is imported into, and the files that make one of it where there is none.
fn project(global: &GlobalArgs, args: &ImportArgs, start: &Path, path: &Path) -> Result<(Project, Vec<(String, String)>), Failures> {
    let world = DiskWorld::new();
    if Project::find(&world, start).is_ok() {
        let project = open_project(global)?;
        if is_other(args, &project) {
            return Err(Diagnostic::error("there is a project here already, and its settings stay as they are")
                .help("write `helm` and `helmfile` into hydrate.yaml, and leave these flags out")
                .into());
        }
        return Ok((project, Vec::new()));
    }
    let start = world.canonical(start).map_err(|error| Diagnostic::error(format!("cannot enter {}: {error}", start.display())))?;
    let is_directory = |path: PathBuf| world.kind(&path).is_ok_and(|kind| kind == FileKind::Directory);
    let root = start.ancestors().find(|dir| is_directory(dir.join("components"))).unwrap_or(&start).to_owned();
    if !path.starts_with(&root) {
        return Err(Diagnostic::error(format!("{} does not lie in {}", path.display(), root.display()))
            .help("run it where the project is to be, or name that directory: -C DIR")
            .into());
    }
    let mut project = Project::open(root)?;
    let helmfile = args.helmfile.as_deref().unwrap_or("v1");
    let helm = args.helm.as_deref().unwrap_or(if helmfile == "v0" { "v3" } else { "v4" });
    let is_of_component = path.starts_with(project.root.join("components"));
    let layout = if is_of_component { "manifest" } else { "objects" };
    project.settings.helm = Level::parse(helm).unwrap_or_default();
    project.settings.helmfile = Version::parse(helmfile).unwrap_or_default();
    project.settings.layout = if is_of_component { Layout::Manifest } else { Layout::Objects };
    Ok((project, vec![("hydrate.yaml".to_owned(), first_files::settings(helm, helmfile, layout))]))
}

/// Whether other settings are asked for than those that the project has.
fn is_other(args: &ImportArgs, project: &Project) -> bool {
    let helm = args.helm.as_deref().and_then(Level::parse).is_some_and(|level| level != project.settings.helm);
    let helmfile = args.helmfile.as_deref().and_then(Version::parse).is_some_and(|version| version != project.settings.helmfile);
    helm || helmfile
}

fn tell(ui: &mut Ui, import: &Import, planned: &[Planned<'_>], is_dry: bool) -> Result<()> {
    let row = |release: &ImportedRelease| {
        let result = if release.stays.is_empty() {
            "migrated".to_owned()
        } else {
            format!("stays in {}: {}", release.file, release.stays.join(", "))
        };
        [release.name.clone(), release.environments.join(","), release.component.clone(), result]
    };
    ui.lines(report::table(["RELEASE", "ENVIRONMENTS", "COMPONENT", "RESULT"], import.releases.iter().map(row).collect()))?;
    for release in &import.releases {
        ui.lines(release.notes.iter().map(|note| format!("{}: {note}", release.name)))?;
    }
    ui.lines(import.objects.iter().map(|(env, count)| {
        let objects = if *count == 1 { "1 object is".to_owned() } else { format!("{count} objects are") };
        format!("{env}: {objects} the same both ways")
    }))?;
    if planned.is_empty() {
        return ui.lines(["nothing to write: no release can be migrated"]);
    }
    if is_dry {
        for file in planned.iter().filter(|file| file.change.is_some()) {
            ui.lines([String::new(), format!("==> {} <==", file.path)])?;
            ui.data(file.text)?;
        }
        return Ok(());
    }
    for file in planned {
        ui.say(format!("{} {}", word(file.change), file.path));
    }
    if import.releases.iter().all(|release| release.stays.is_empty()) {
        ui.say("all of these releases are migrated: their helmfiles are not read any more");
    }
    let first = import.objects.keys().next().map(String::as_str).unwrap_or_default();
    ui.say("");
    ui.say(format!("now run: hydrate diff -e {first} (it writes nothing), then hydrate -e {first}"));
    Ok(())
}

fn word(change: Option<Change>) -> &'static str {
    match change {
        None => "kept",
        Some(Change::Created) => "created",
        Some(_) => "replaced",
    }
}

fn in_json(import: &Import, planned: &[Planned<'_>], is_dry: bool) -> Json {
    let release = |release: &ImportedRelease| {
        json!({
            "release": release.name,
            "file": release.file,
            "environments": release.environments,
            "component": release.component,
            "migrated": release.stays.is_empty(),
            "why": release.stays,
            "notes": release.notes,
        })
    };
    let file = |file: &Planned<'_>| {
        let mut said = json!({"path": file.path, "change": word(file.change)});
        if is_dry {
            said["text"] = json!(String::from_utf8_lossy(file.text));
        }
        said
    };
    json!({
        "dry_run": is_dry,
        "releases": import.releases.iter().map(release).collect::<Vec<_>>(),
        "environments": import.objects.iter().map(|(env, count)| json!({"environment": env, "objects": count})).collect::<Vec<_>>(),
        "files": planned.iter().map(file).collect::<Vec<_>>(),
    })
}

fn tell_status(ui: &mut Ui, global: &GlobalArgs, format: Format) -> Outcome {
    let project = open_project(global)?;
    let rows = status::look(&project, &environments_asked(global))?;
    if format == Format::Json {
        let row = |row: &Row| {
            json!({
                "component": row.component,
                "environment": row.environment,
                "state": row.state.word(),
                "sources": row.sources,
                "tree": row.tree.word(),
            })
        };
        ui.data(&report::document("import", json!({"status": rows.iter().map(row).collect::<Vec<_>>()}), &[]))?;
        return Ok(Exit::Success);
    }
    let row = |row: &Row| {
        let state = format!("{}, {}", row.state.word(), row.tree.word());
        [row.environment.clone(), row.component.clone(), row.sources.join(","), state]
    };
    ui.lines(report::table(["ENVIRONMENT", "COMPONENT", "SOURCES", "STATE"], rows.iter().map(row).collect()))?;
    Ok(Exit::Success)
}
