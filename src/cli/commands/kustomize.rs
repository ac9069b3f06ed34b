//! `hydrate kustomize …`: kustomize's own command line over our engine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::cli::drop_in::{Reach, WorldArgs};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::ui::Ui;
use hydrate_base::{Diagnostic, FileKind, Result, World};
use hydrate_chart::Level;
use hydrate_kustomize::HelmFlags;
use hydrate_kustomize::{BuildOptions, Built, Document, VERSION, build, print};

/// Builds kustomizations, natively: the same bytes as kustomize 5.8.1.
#[derive(Debug, Parser)]
#[command(name = "hydrate kustomize", max_term_width = 100, args_override_self = true)]
struct Kustomize {
    /// Accepted and ignored: errors say where they are from
    #[arg(long, global = true, action = SWITCH, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    stack_trace: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a kustomization from a directory
    #[command(args_override_self = true)]
    Build(Box<BuildArgs>),
    /// Print the version of kustomize that is followed
    Version,
}

/// A switch as pflag has it: `--name`, or a value behind an equals sign, the last one counting.
const SWITCH: ArgAction = ArgAction::Set;

#[derive(Debug, Args)]
struct BuildArgs {
    /// Directory with the kustomization file
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Write to this file, or one file for each object into this directory
    #[arg(short, long, value_name = "PATH", default_value = "", allow_hyphen_values = true)]
    output: OsString,
    /// Where files may be that a kustomization names
    #[arg(long, value_name = "WHERE", default_value = ROOT_ONLY, allow_hyphen_values = true)]
    load_restrictor: String,
    /// Order of the objects, where the kustomization does not say
    #[arg(long, value_name = "ORDER", default_value = "legacy", allow_hyphen_values = true)]
    reorder: String,
    /// Add the label app.kubernetes.io/managed-by to all objects
    #[arg(long, action = SWITCH, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    enable_managedby_label: bool,
    /// Render helmCharts
    #[arg(long, action = SWITCH, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    enable_helm: bool,
    /// Accepted and ignored: charts are rendered natively
    #[arg(long, value_name = "PATH", default_value = "helm", allow_hyphen_values = true)]
    helm_command: String,
    /// Kubernetes version for charts that name none
    #[arg(long, value_name = "VERSION", default_value = "", allow_hyphen_values = true)]
    helm_kube_version: String,
    /// API versions for charts that name none
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', allow_hyphen_values = true)]
    helm_api_versions: Vec<String>,
    /// Accepted and ignored
    #[arg(long, action = SWITCH, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    helm_debug: bool,
    /// Whose charts to reproduce: those of v3 (Helm 3.17) or v4 (Helm 4.3)
    #[arg(long, value_name = "LEVEL", env = "HYDRATE_HELM_COMPAT", default_value = "v4", help_heading = "hydrate")]
    compat: String,
    #[command(flatten)]
    _programs: ProgramArgs,
    #[command(flatten)]
    world: WorldArgs,
}

/// What is about plugins and functions that are programs: accepted, as a build without any is the same with and without. Where a
/// kustomization asks for one, that is refused.
#[derive(Debug, Args)]
struct ProgramArgs {
    /// Accepted: what would be a program is refused where it is asked for
    #[arg(long, action = SWITCH, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    enable_alpha_plugins: bool,
    /// Accepted: what would be a program is refused where it is asked for
    #[arg(long, action = SWITCH, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    enable_exec: bool,
    /// Accepted and ignored: no function is run
    #[arg(long, action = SWITCH, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    network: bool,
    /// Accepted and ignored: no function is run
    #[arg(long, value_name = "NAME", default_value = "bridge", allow_hyphen_values = true)]
    network_name: String,
    /// Accepted and ignored: no function is run
    #[arg(long, value_name = "MOUNT", allow_hyphen_values = true)]
    mount: Vec<String>,
    /// Accepted and ignored: no function is run
    #[arg(short, long, value_name = "NAME=VALUE", allow_hyphen_values = true)]
    env: Vec<String>,
    /// Accepted and ignored: no function is run
    #[arg(long, action = SWITCH, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    as_current_user: bool,
}

const ROOT_ONLY: &str = "LoadRestrictionsRootOnly";
const UNRESTRICTED: &str = "LoadRestrictionsNone";

/// A boolean in the spellings of Go's `strconv.ParseBool`.
fn go_bool(text: &str) -> std::result::Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
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
    args.check()?;
    let level = Level::parse(&args.compat)
        .ok_or_else(|| Diagnostic::error(format!("unknown level {:?}", args.compat)).help("--compat is v3 or v4"))?;
    let watch = ui.watch(args.world.limits.limits());
    let _task = watch.task(|| "the kustomization".to_owned());
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let reach = if args.load_restrictor == UNRESTRICTED { Reach::Anywhere } else { Reach::Paths };
    let world = args.world.world(&here.join(&args.directory), reach)?;
    let inflator = args.enable_helm.then(|| hydrate_source::kustomize_helm(&world, level));
    let options = BuildOptions {
        load_anything: args.load_restrictor == UNRESTRICTED,
        helm: inflator.as_deref(),
        helm_flags: HelmFlags {
            kube_version: args.helm_kube_version.as_str().into(),
            api_versions: args.helm_api_versions.iter().map(|version| version.as_str().into()).collect(),
            debug: args.helm_debug,
        },
        remote: None,
        managed_by: args.enable_managedby_label || managed_by_environment(),
        keep_order: args.reorder == "none",
        shown_from: Some(&here),
        tell_unmatched: false,
    };
    let directory = here.join(&args.directory);
    if args.output.is_empty() {
        let printed = print(&world, &directory, &options).map_err(|error| args.world.quoted(&world, reach, error))?;
        printed.warnings.iter().for_each(|warning| ui.say(warning));
        ui.pieces(printed.pieces())?;
        // The process ends here and gives all its memory back at once.
        printed.forget();
        return Ok(Exit::Success);
    }
    let built = build(&world, &directory, &options).map_err(|error| args.world.quoted(&world, reach, error))?;
    built.warnings.iter().for_each(|warning| ui.say(warning));
    write(&world, Path::new(&args.output), &built)?;
    Ok(Exit::Success)
}

impl BuildArgs {
    /// Refuses values that kustomize has no meaning for, before anything is read.
    fn check(&self) -> Result<()> {
        let illegal = |flag: &str, value: &str, legal: [&str; 2]| {
            Err(Diagnostic::error(format!("illegal flag value --{flag} {value}; legal values: [{}]", legal.join(" "))))
        };
        if !["", ROOT_ONLY, UNRESTRICTED].contains(&self.load_restrictor.as_str()) {
            return illegal("load-restrictor", &self.load_restrictor, [ROOT_ONLY, UNRESTRICTED]);
        }
        if !["legacy", "none"].contains(&self.reorder.as_str()) {
            return illegal("reorder", &self.reorder, ["legacy", "none"]);
        }
        Ok(())
    }
}

/// Whether the environment asks for the label, which it does with this one word.
fn managed_by_environment() -> bool {
    std::env::var_os("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL").is_some_and(|value| value == "on")
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
