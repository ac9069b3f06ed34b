//! `hydrate init`: a project that can be rendered at once; or, where there are components already, the two files that make a
//! project of them.

use std::fs;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::args::GlobalArgs;
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::session::is_ci;
use crate::cli::ui::Ui;
use crate::project::component::HELMFILES;
use crate::project::files::is_version;
use crate::project::{first_files, valid_name};
use hydrate_base::{Diagnostic, DiskWorld, FileKind, Result, World};

/// Arguments of `hydrate init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where to start the project [default: here]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Whose bytes Helm charts render to: v4 (helm 4.3) or v3 (helm 3.17) [default: that of the helmfile]
    #[arg(long, value_parser = ["v3", "v4"])]
    pub helm: Option<String>,
    /// Whose bytes helmfiles render to: v1 (1.7) or v0 (0.166) [default: v1]
    #[arg(long, value_parser = ["v0", "v1"])]
    pub helmfile: Option<String>,
    /// One file per object (objects) or one manifest.yaml per component as the tools print it (manifest) [default: manifest where there are helmfiles]
    #[arg(long, value_parser = ["objects", "manifest"])]
    pub layout: Option<String>,
    /// Kubernetes version of the clusters
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub kubernetes: Option<String>,
}

impl InitArgs {
    fn has_settings(&self) -> bool {
        self.helm.is_some() || self.helmfile.is_some() || self.layout.is_some()
    }
}

pub(super) fn version(text: &str) -> std::result::Result<String, String> {
    if is_version(text) { Ok(text.to_owned()) } else { Err("expected a version such as 1.33 or 1.33.1".to_owned()) }
}

/// The files of a new project; `ENV` stands for the environment's name.
const FILES: &[(&str, &str)] = &[
    (
        "hydrate.yaml",
        "# Every key has a default; `hydrate schema hydrate` shows them all.\n\
         helm: v4 # whose bytes Helm charts render to: v4 (helm 4.3) or v3 (helm 3.17)\n",
    ),
    (
        "environments/ENV.yaml",
        "kubernetes: \"1.33\"\n\
         values: # visible to the templates of every component\n  domain: local\n\
         components: [\"*\"]\n",
    ),
    (
        "components/hello/component.yaml",
        "namespace: hello\n\
         sources:\n  - jinja: templates\n",
    ),
    ("components/hello/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: hello\n"),
    ("components/hello/values.yaml", "greeting: Hello\n"),
    (
        "components/hello/templates/configmap.yaml.j2",
        "apiVersion: v1\n\
         kind: ConfigMap\n\
         metadata:\n  name: hello\n\
         data:\n  greeting: \"{{ values.greeting }} from {{ env.name }}.{{ values.domain }}\"\n",
    ),
];

/// Writes the files that are not there yet and says what comes next.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &InitArgs) -> Outcome {
    let start = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = args.dir.as_ref().map_or(start.clone(), |dir| start.join(dir));
    if DiskWorld::new().kind(&root.join("components")).is_ok() {
        return adopt(ui, global, args, &root);
    }
    let env = match global.environments.as_slice() {
        [] => "dev",
        [one] if valid_name(one) && one != "all" => one,
        _ => return Err(Diagnostic::error("`hydrate init` starts with one environment").help("name it: -e dev").into()),
    };
    if root.join("hydrate.yaml").exists() {
        return Err(is_there(&root).into());
    }
    for (path, text) in FILES {
        let text = match *path {
            "hydrate.yaml" if args.has_settings() => settings(args, false),
            "environments/ENV.yaml" => text.replace("1.33", args.kubernetes.as_deref().unwrap_or("1.33")),
            _ => (*text).to_owned(),
        };
        let text = match *path {
            "hydrate.yaml" if args.has_settings() => text,
            "hydrate.yaml" => first_files::schema_line("hydrate") + &text,
            "environments/ENV.yaml" => first_files::schema_line("environment") + &text,
            "components/hello/component.yaml" => first_files::schema_line("component") + &text,
            _ => text,
        };
        write_told(ui, &root, &path.replace("ENV", env), &text)?;
    }
    ui.say("");
    ui.say(format!("now run: hydrate -e {env}"));
    Ok(Exit::Success)
}

fn is_there(root: &Path) -> Box<Diagnostic> {
    Diagnostic::error(format!("there is a project in {} already", root.display())).help("run `hydrate list` to see it")
}

/// Makes a project of components that are there: a project file and a file for each environment, nothing else.
fn adopt(ui: &mut Ui, global: &GlobalArgs, args: &InitArgs, root: &Path) -> Outcome {
    let world = DiskWorld::new();
    let found = Found::look(&world, root)?;
    let asked = &global.environments;
    if let Some(wrong) = asked.iter().find(|name| !valid_name(name) || *name == "all") {
        return Err(Diagnostic::error(format!("`{wrong}` cannot be the name of an environment")).into());
    }
    let environments = if asked.is_empty() { &found.environments } else { asked };
    let is_missing = |path: &str| world.kind(&root.join(path)).is_err();
    if environments.is_empty() && !is_missing("hydrate.yaml") {
        return Err(is_there(root).into());
    }
    if environments.is_empty() {
        return Err(Diagnostic::error("no environment was named, and the components show none")
            .note("an environment is a directory of a component: components/web/production/helmfile.yaml")
            .help("name it: hydrate init -e production")
            .into());
    }
    let files: Vec<String> = environments.iter().map(|name| format!("environments/{name}.yaml")).collect();
    let missing: Vec<&String> = files.iter().filter(|path| is_missing(path)).collect();
    if missing.is_empty() && !is_missing("hydrate.yaml") {
        return Err(is_there(root).into());
    }
    if args.has_settings() && !is_missing("hydrate.yaml") {
        return Err(Diagnostic::error("hydrate.yaml is there already, and is left as it is")
            .help("write `helm`, `helmfile` and `layout` there, and leave these flags out")
            .into());
    }
    if is_missing("hydrate.yaml") {
        write_told(ui, root, "hydrate.yaml", &settings(args, found.has_helmfiles))?;
    }
    for path in missing {
        let version = args.kubernetes.clone().map_or_else(|| ask(ui, path), |given| Ok(Some(given)))?;
        write_told(ui, root, path, &first_files::environment(version.as_deref()))?;
    }
    ui.say("");
    ui.say(format!("now run: hydrate diff -e {} (it writes nothing), then hydrate -e {}", environments[0], environments[0]));
    Ok(Exit::Success)
}

/// What the components of a directory show.
struct Found {
    environments: Vec<String>,
    has_helmfiles: bool,
}

impl Found {
    fn look(world: &DiskWorld, root: &Path) -> Result<Self> {
        let components = root.join("components");
        let mut found = Self { environments: Vec::new(), has_helmfiles: false };
        for component in directories(world, &components)? {
            let component = components.join(component);
            for name in directories(world, &component)? {
                let is = |path: &str, kind| world.kind(&component.join(&name).join(path)).is_ok_and(|found| found == kind);
                let is_helmfile = HELMFILES.iter().any(|file| is(file, FileKind::File));
                found.has_helmfiles |= is_helmfile;
                if (is_helmfile || is("kustomization", FileKind::Directory)) && valid_name(&name) && name != "all" {
                    found.environments.push(name);
                }
            }
        }
        found.environments.sort();
        found.environments.dedup();
        Ok(found)
    }
}

fn directories(world: &DiskWorld, path: &Path) -> Result<Vec<String>> {
    let entries = world.entries(path).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))?;
    Ok(entries.into_iter().filter(|(_, kind)| matches!(kind, Ok(FileKind::Directory))).map(|(name, _)| name).collect())
}

/// The project file.
fn settings(args: &InitArgs, has_helmfiles: bool) -> String {
    let helmfile = args.helmfile.as_deref().unwrap_or("v1");
    let helm = args.helm.as_deref().unwrap_or(if helmfile == "v0" { "v3" } else { "v4" });
    let layout = args.layout.as_deref().unwrap_or(if has_helmfiles { "manifest" } else { "objects" });
    first_files::settings(helm, helmfile, layout)
}

/// Asks for the Kubernetes version of an environment, where somebody is there to answer.
fn ask(ui: &Ui, path: &str) -> Result<Option<String>> {
    let is_answered = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !is_answered || ui.is_quiet() || is_ci(&DiskWorld::new()) {
        return Ok(None);
    }
    loop {
        let mut terminal = std::io::stderr();
        let mut answer = String::new();
        let asked =
            write!(terminal, "Kubernetes version for {path}, such as 1.33 (empty: leave it open): ").and_then(|()| terminal.flush());
        let read = asked.and_then(|()| std::io::stdin().read_line(&mut answer));
        read.map_err(|error| {
            Diagnostic::error(format!("cannot ask for the Kubernetes version: {error}")).help("give it: --kubernetes 1.33")
        })?;
        match answer.trim() {
            "" => return Ok(None),
            version if is_version(version) => return Ok(Some(version.to_owned())),
            other => ui.say(format!("{other} is no version")),
        }
    }
}

fn write_told(ui: &Ui, root: &Path, path: &str, text: &str) -> Result<()> {
    let what = if write(root, path, text)? { "created" } else { "kept" };
    ui.say(format!("{what} {path}"));
    Ok(())
}

/// Writes a file that is not there yet, through no link; whether it did.
fn write(root: &Path, path: &str, text: &str) -> Result<bool> {
    let cannot = |error: std::io::Error| Diagnostic::error(format!("cannot write {path}: {error}"));
    let above = Path::new(path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
    for above in above {
        if fs::symlink_metadata(root.join(above)).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(Diagnostic::error(format!("{} is a symbolic link", above.display())).help("replace it by a directory"));
        }
    }
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap_or(root)).map_err(cannot)?;
    match fs::OpenOptions::new().write(true).create_new(true).open(&file) {
        Ok(mut new) => std::io::Write::write_all(&mut new, text.as_bytes()).map(|()| true).map_err(cannot),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot(error)),
    }
}
