//! `hydrate kustomize …`: kustomize's own command line over our engine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::base::{Diagnostic, FileKind, Result, World};
use crate::cli::drop_in::{Reach, WorldArgs};
use crate::cli::{Exit, Outcome, ui::Ui};
use crate::source::kustomize::helm::HelmFlags;
use crate::source::kustomize::{BuildOptions, Built, Document, VERSION, build, print};

/// Builds kustomizations, natively: the same bytes as kustomize 5.8.1.
#[derive(Debug, Parser)]
#[command(name = "hydrate kustomize", max_term_width = 100)]
struct Kustomize {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a kustomization from a directory
    Build(Box<BuildArgs>),
    /// Print the version of kustomize that is followed
    Version,
}

/// Where files may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Restrictor {
    #[value(name = "LoadRestrictionsRootOnly", alias = "rootOnly")]
    RootOnly,
    #[value(name = "LoadRestrictionsNone", alias = "none")]
    None,
}

/// In which order objects are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reorder {
    Legacy,
    None,
}

#[derive(Debug, Args)]
struct BuildArgs {
    /// Directory with the kustomization file
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Write to this file, or one file for each object into this directory
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Where files may be that a kustomization names
    #[arg(long, value_name = "WHERE", default_value = "LoadRestrictionsRootOnly")]
    load_restrictor: Restrictor,
    /// Order of the objects, where the kustomization does not say
    #[arg(long, value_name = "ORDER", default_value = "legacy")]
    reorder: Reorder,
    /// Add the label app.kubernetes.io/managed-by to all objects
    #[arg(long, env = "KUSTOMIZE_ENABLE_MANAGEDBY_LABEL", hide_env = true)]
    enable_managedby_label: bool,
    /// Render helmCharts
    #[arg(long)]
    enable_helm: bool,
    /// Accepted and ignored: charts are rendered natively
    #[arg(long, value_name = "PATH", default_value = "helm")]
    helm_command: String,
    /// Kubernetes version for charts that name none
    #[arg(long, value_name = "VERSION", default_value = "")]
    helm_kube_version: String,
    /// API versions for charts that name none
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',')]
    helm_api_versions: Vec<String>,
    /// Accepted and ignored
    #[arg(long)]
    helm_debug: bool,
    /// Accepted and ignored: errors say where they are from
    #[arg(long)]
    stack_trace: bool,
    /// Not supported: plugins that are programs
    #[arg(long)]
    enable_alpha_plugins: bool,
    /// Not supported: functions that are programs
    #[arg(long)]
    enable_exec: bool,
    /// Not supported: Starlark functions
    #[arg(long)]
    enable_star: bool,
    /// Not supported: container functions
    #[arg(long)]
    network: bool,
    /// Not supported: container functions
    #[arg(long, value_name = "NAME")]
    network_name: Option<String>,
    /// Not supported: container functions
    #[arg(long, value_name = "MOUNT")]
    mount: Vec<String>,
    /// Not supported: container functions
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Not supported: container functions
    #[arg(long)]
    as_current_user: bool,
    #[command(flatten)]
    world: WorldArgs,
}

/// Runs `hydrate kustomize ARGS…`; data goes to stdout as kustomize prints it.
pub fn run(ui: &mut Ui, args: &[OsString]) -> Outcome {
    let name = std::iter::once(OsString::from("hydrate kustomize"));
    let parsed = match Kustomize::try_parse_from(name.chain(args.iter().cloned())) {
        Ok(parsed) => parsed,
        Err(error) => {
            if error.use_stderr() {
                ui.usage(&error.render().to_string());
                return Ok(Exit::Failure);
            }
            // A closed pipe is no reason to fail, and there is nobody left to tell.
            let _ = error.print();
            return Ok(Exit::Success);
        }
    };
    match parsed.command {
        Command::Build(args) => run_build(ui, &args),
        Command::Version => {
            ui.data(format!("{VERSION}\n").as_bytes())?;
            Ok(Exit::Success)
        }
    }
}

fn run_build(ui: &mut Ui, args: &BuildArgs) -> Outcome {
    args.refuse_programs()?;
    let watch = ui.watch(args.world.limits.limits());
    let _task = watch.task(|| "the kustomization".to_owned());
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let reach = if args.load_restrictor == Restrictor::None { Reach::Anywhere } else { Reach::Paths };
    let world = args.world.world(&here.join(&args.directory), reach)?;
    let inflator = args.enable_helm.then(|| crate::source::kustomize_helm(&world));
    let options = BuildOptions {
        load_anything: args.load_restrictor == Restrictor::None,
        helm: inflator.as_deref(),
        helm_flags: HelmFlags {
            kube_version: args.helm_kube_version.as_str().into(),
            api_versions: args.helm_api_versions.iter().map(|version| version.as_str().into()).collect(),
            debug: args.helm_debug,
        },
        remote: None,
        managed_by: args.enable_managedby_label,
        keep_order: args.reorder == Reorder::None,
        shown_from: Some(&here),
        tell_unmatched: false,
    };
    let directory = here.join(&args.directory);
    let Some(path) = &args.output else {
        let printed = print(&world, &directory, &options).map_err(|error| args.world.quoted(&world, reach, error))?;
        printed.warnings.iter().for_each(|warning| ui.say(warning));
        ui.pieces(printed.pieces())?;
        // The process ends here and gives all its memory back at once.
        printed.forget();
        return Ok(Exit::Success);
    };
    let built = build(&world, &directory, &options).map_err(|error| args.world.quoted(&world, reach, error))?;
    built.warnings.iter().for_each(|warning| ui.say(warning));
    write(&world, path, &built)?;
    Ok(Exit::Success)
}

impl BuildArgs {
    /// Says which flag asks for something that only a program could do.
    fn refuse_programs(&self) -> Result<()> {
        let asked = [
            (self.enable_alpha_plugins, "--enable-alpha-plugins"),
            (self.enable_exec, "--enable-exec"),
            (self.enable_star, "--enable-star"),
            (self.network, "--network"),
            (self.network_name.is_some(), "--network-name"),
            (!self.mount.is_empty(), "--mount"),
            (!self.env.is_empty(), "--env"),
            (self.as_current_user, "--as-current-user"),
        ];
        match asked.iter().find(|(asked, _)| *asked) {
            None => Ok(()),
            Some((_, flag)) => {
                Err(Diagnostic::error(format!("{flag} is not supported: hydrate runs no plugins that are programs or containers"))
                    .help("builtin plugins (generators, transformers, validators of apiVersion builtin) need no flag"))
            }
        }
    }
}

fn write(world: &dyn World, path: &Path, built: &Built) -> Result<()> {
    if !matches!(world.kind(path), Ok(FileKind::Directory)) {
        return write_file(path, &built.text());
    }
    let namespace = |document: &Document| if document.namespace.is_empty() { "default".to_owned() } else { document.namespace.clone() };
    let namespaces: std::collections::BTreeSet<String> =
        built.documents.iter().filter(|document| !document.cluster_scoped).map(namespace).collect();
    for document in &built.documents {
        let mut name = file_name(document);
        if namespaces.len() > 1 && !document.cluster_scoped {
            name = format!("{}_{name}", namespace(document).to_lowercase());
        }
        write_file(&path.join(name), &document.text)?;
    }
    Ok(())
}

/// `group_version_kind_name.yaml`, as kustomize names files.
fn file_name(document: &Document) -> String {
    let (group, version) = document.api_version.split_once('/').unwrap_or(("", &document.api_version));
    let parts: Vec<&str> = [group, version, &document.kind, &document.name].into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}.yaml", parts.join("_").to_lowercase())
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Diagnostic::error(format!("cannot write {}: {error}", path.display())))
}
