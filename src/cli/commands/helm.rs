//! `hydrate helm …`: helm's own command line over our engine.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, ArgAction, Args, FromArgMatches, Parser, Subcommand};

use crate::base::{Diagnostic, DiskWorld, Result, World, go_io_text};
use crate::chart::{self, Level};
use crate::cli::drop_in::{Reach, WorldArgs};
use crate::cli::{Exit, Outcome, ui::Ui};
use crate::source::helm::output::{self, PrintOptions};
use crate::source::helm::{self, RenderOptions, ValueOptions, ValuesFile};

/// Runs `hydrate helm ARGS…`; data goes to stdout as helm prints it.
pub fn run(ui: &mut Ui, args: &[OsString]) -> Outcome {
    let named = std::iter::once(OsString::from("hydrate helm")).chain(args.iter().cloned());
    let parsed = match HelmArgs::try_parse_from(named) {
        Ok(parsed) => parsed,
        Err(error) => return usage(ui, &error),
    };
    let Command::Template(args) = parsed.command;
    match template(ui, &args) {
        Ok(()) => Ok(Exit::Success),
        Err(error) => {
            ui.say(own_words(&error));
            Err(error.into())
        }
    }
}

/// The line that helm would have printed, for those who search for it.
fn own_words(error: &Diagnostic) -> String {
    let note = error.notes.iter().find(|note| note.starts_with("Error: "));
    note.cloned().unwrap_or_else(|| format!("Error: {}", error.message))
}

/// Misuse in helm's words where it is a flag that nobody knows.
fn usage(ui: &mut Ui, error: &clap::Error) -> Outcome {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    if !error.use_stderr() {
        ui.data(error.render().to_string().as_bytes())?;
        return Ok(Exit::Success);
    }
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) = (error.kind(), error.get(ContextKind::InvalidArg)) {
        ui.say(format!("Error: unknown flag: {flag}"));
    }
    ui.usage(&error.render().to_string());
    Ok(Exit::Failure)
}

/// The command line of helm, as far as it renders.
#[derive(Debug, Parser)]
#[command(name = "hydrate helm", about = "Helm's command line, rendered by hydrate", disable_help_subcommand = true)]
struct HelmArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Render a chart locally: the same bytes as `helm template`
    Template(Box<TemplateArgs>),
}

/// Arguments of `helm template`, under helm's own names.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
struct TemplateArgs {
    /// [NAME] CHART: the release's name and the chart, a directory or a .tgz
    #[arg(value_name = "[NAME] CHART")]
    names: Vec<String>,

    /// Values files, `-` for stdin; several by repeating or with commas
    #[arg(short = 'f', long, value_name = "FILE", value_delimiter = ',')]
    values: Vec<String>,
    /// Set values: a.b=1,c={x,y}
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Set texts
    #[arg(long, value_name = "KEY=VALUE")]
    set_string: Vec<String>,
    /// Set values from JSON
    #[arg(long, value_name = "KEY=JSON")]
    set_json: Vec<String>,
    /// Set texts from files
    #[arg(long, value_name = "KEY=PATH")]
    set_file: Vec<String>,
    /// Set a text as it is
    #[arg(long, value_name = "KEY=VALUE")]
    set_literal: Vec<String>,

    /// Namespace of the release
    #[arg(short, long, env = "HELM_NAMESPACE", default_value = "")]
    namespace: String,
    /// Template for the release's name
    #[arg(long, value_name = "TEMPLATE", default_value = "")]
    name_template: String,
    /// Generate the release's name
    #[arg(short = 'g', long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    generate_name: bool,
    /// Include the CRDs in crds/
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    include_crds: bool,
    /// Accepted for compatibility: `helm template` includes CRDs only with --include-crds
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    skip_crds: bool,
    /// Leave out tests
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    skip_tests: bool,
    /// Leave out hooks
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    no_hooks: bool,
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    is_upgrade: bool,
    /// Kubernetes version for .Capabilities.KubeVersion
    #[arg(long, value_name = "VERSION", default_value = "")]
    kube_version: String,
    /// Further API versions for .Capabilities.APIVersions
    #[arg(short, long, value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Show only manifests of these templates
    #[arg(short, long, value_name = "PATTERN")]
    show_only: Vec<String>,
    /// Write files into this directory instead of stdout
    #[arg(long, value_name = "DIR", default_value = "")]
    output_dir: String,
    /// Use the release's name in the path of --output-dir
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    release_name: bool,
    /// Do not validate values against values.schema.json
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    skip_schema_validation: bool,
    /// Take the dependencies that are vendored in charts/; what is missing is not fetched
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    dependency_update: bool,

    /// Whose output to reproduce: v3 (Helm 3.17) or v4 (Helm 4.3)
    #[arg(long, value_name = "LEVEL", env = "HYDRATE_HELM_COMPAT", default_value = "v4", help_heading = "hydrate")]
    compat: String,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    refused: RefusedArgs,
    #[command(flatten)]
    ignored: IgnoredArgs,
}

/// What needs a cluster, or is not a renderer's job: refused, not ignored.
#[derive(Debug, Args)]
struct RefusedArgs {
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    validate: bool,
    #[arg(long, hide = true, default_value = "")]
    post_renderer: String,
    #[arg(long, hide = true)]
    post_renderer_args: Vec<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "client", default_value = "client")]
    dry_run: String,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    enable_dns: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    verify: bool,
    #[arg(long, hide = true, default_value = "")]
    repo: String,
}

/// What changes nothing of what is rendered from a local chart. These are tables, because the code that a derive makes of so
/// many fields takes longer to load than a small chart takes to render.
#[derive(Debug)]
struct IgnoredArgs;

/// `--name` and `--name=true`.
const SWITCHES: [&str; 18] = [
    "devel",
    "debug",
    "create-namespace",
    "replace",
    "force",
    "force-replace",
    "force-conflicts",
    "server-side",
    "atomic",
    "rollback-on-failure",
    "wait-for-jobs",
    "disable-openapi-validation",
    "render-subchart-notes",
    "hide-notes",
    "take-ownership",
    "insecure-skip-tls-verify",
    "plain-http",
    "pass-credentials",
];

/// `--name value`.
const SETTINGS: [&str; 16] = [
    "description",
    "version",
    "timeout",
    "keyring",
    "username",
    "password",
    "cert-file",
    "key-file",
    "ca-file",
    "kube-context",
    "kubeconfig",
    "registry-config",
    "repository-cache",
    "repository-config",
    "burst-limit",
    "qps",
];

impl Args for IgnoredArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        let hidden = |name: &'static str| Arg::new(name).long(name).hide(true);
        let optional = |name, missing| hidden(name).num_args(0..=1).require_equals(true).default_missing_value(missing);
        command
            .args(SWITCHES.map(|name| optional(name, "true").value_parser(clap::value_parser!(bool))))
            .args(SETTINGS.map(hidden))
            .arg(optional("wait", "watcher"))
            .arg(hidden("labels").short('l').action(ArgAction::Append))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for IgnoredArgs {
    fn from_arg_matches(_: &clap::ArgMatches) -> std::result::Result<Self, clap::Error> {
        Ok(Self)
    }

    fn update_from_arg_matches(&mut self, _: &clap::ArgMatches) -> std::result::Result<(), clap::Error> {
        Ok(())
    }
}

fn template(ui: &mut Ui, args: &TemplateArgs) -> Result<()> {
    let watch = ui.watch(args.world.limits.limits());
    let _task = watch.task(|| "the chart".to_owned());
    let level = Level::parse(&args.compat)
        .ok_or_else(|| Diagnostic::error(format!("there is no compatibility level {:?}", args.compat)).help("known are v3 and v4"))?;
    refuse(&args.refused)?;
    let (release, name) = names(args, &DiskWorld::new())?;
    let path = locate(&name, &DiskWorld::new())?;
    let world = args.world.world(&path, Reach::Inside)?;
    show(ui, args, &world, level, release, &path).map_err(|error| args.world.quoted(&world, Reach::Inside, error))
}

fn show(ui: &mut Ui, args: &TemplateArgs, world: &DiskWorld, level: Level, release: String, path: &Path) -> Result<()> {
    let options = options(args, level, release, world)?;
    let chart = chart::load(path, level, world)?;
    let rendered = helm::render(&chart, &options, world)?;
    ui.report(&rendered.warnings);
    let print = PrintOptions { no_hooks: args.no_hooks, skip_tests: args.skip_tests, show_only: args.show_only.clone() };
    if args.output_dir.is_empty() {
        ui.pieces(output::print(&rendered, &print, level)?.pieces())?;
    } else {
        let release = args.release_name.then_some(options.release.as_str());
        ui.data(&output::write_files(&rendered, &print, Path::new(&args.output_dir), release)?)?;
    }
    // The process ends here and gives all its memory back at once; taking a large chart apart first would take longer.
    std::mem::forget((rendered, chart));
    Ok(())
}

fn refuse(args: &RefusedArgs) -> Result<()> {
    let post_renderer = !args.post_renderer.is_empty() || !args.post_renderer_args.is_empty();
    let refused = [
        (args.validate, "--validate", "it asks a cluster; validate the rendered manifests instead"),
        (
            post_renderer,
            "--post-renderer",
            "it runs a program over the result; pipe the output through it, or use `patches` in component.yaml",
        ),
        (args.dry_run == "server", "--dry-run=server", "it asks a cluster"),
        (args.enable_dns, "--enable-dns", "the result would depend on the network"),
        (args.verify, "--verify", "fetch and verify the chart first: `hydrate fetch`"),
        (!args.repo.is_empty(), "--repo", "fetch the chart first: `hydrate fetch`, or name it in component.yaml"),
    ];
    match refused.iter().find(|(given, _, _)| *given) {
        Some((_, flag, why)) => Err(Diagnostic::error(format!("{flag} is not supported: hydrate renders and nothing else")).help(*why)),
        None => Ok(()),
    }
}

/// The release's name and the chart, as helm reads its positional arguments.
fn names(args: &TemplateArgs, world: &dyn World) -> Result<(String, String)> {
    let (release, chart) = match args.names.as_slice() {
        [] => return Err(Diagnostic::error("\"helm template\" requires at least 1 argument").help("hydrate helm template [NAME] CHART")),
        [name, chart] => {
            let also = |flag: &str| Err(Diagnostic::error(format!("cannot set {flag} and also specify a name")));
            if args.generate_name {
                return also("--generate-name");
            }
            if !args.name_template.is_empty() {
                return also("--name-template");
            }
            (name.clone(), chart)
        }
        [chart] if !args.name_template.is_empty() => (helm::template_name(&args.name_template, world)?, chart),
        // `helm template` has a name for releases without one, so --generate-name never gets its turn.
        [chart] => ("release-name".to_owned(), chart),
        [_, _, rest @ ..] => {
            return Err(Diagnostic::error(format!("expected at most two arguments, unexpected arguments: {}", rest.join(", "))));
        }
    };
    Ok((release, chart.trim().to_owned()))
}

/// The chart on the disk, as an absolute path.
fn locate(name: &str, world: &dyn World) -> Result<PathBuf> {
    let path = Path::new(name);
    if world.kind(path).is_ok() {
        return std::path::absolute(path).map_err(|error| Diagnostic::error(go_io_text(&error)));
    }
    if path.is_absolute() || name.starts_with('.') {
        return Err(Diagnostic::error(format!("path {name:?} not found")));
    }
    let error = match name.split_once('/') {
        Some((repo, _)) if !name.contains("://") => format!("repo {repo} not found"),
        Some(_) => format!("cannot render {name}: it is not on this disk"),
        None => format!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {name}"),
    };
    Err(Diagnostic::error(error)
        .help("name a directory or a .tgz; charts of repositories belong into component.yaml, `hydrate fetch` gets them"))
}

fn options(args: &TemplateArgs, level: Level, release: String, world: &dyn World) -> Result<RenderOptions> {
    let kube_version = (!args.kube_version.is_empty()).then(|| args.kube_version.clone());
    Ok(RenderOptions {
        level,
        release,
        namespace: if args.namespace.is_empty() { "default".to_owned() } else { args.namespace.clone() },
        is_upgrade: args.is_upgrade,
        values: ValueOptions {
            files: args.values.iter().map(|name| values_file(name, world)).collect::<Result<_>>()?,
            json: args.set_json.clone(),
            set: args.set.clone(),
            string: args.set_string.clone(),
            file: args.set_file.clone(),
            literal: args.set_literal.clone(),
            directory: PathBuf::new(),
        },
        kube_version,
        api_versions: args.api_versions.clone(),
        include_crds: args.include_crds,
        skip_schema_validation: args.skip_schema_validation,
    })
}

fn values_file(name: &str, world: &dyn World) -> Result<ValuesFile> {
    let text: Arc<[u8]> = if name.trim() == "-" {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map_err(|error| Diagnostic::error(format!("read /dev/stdin: {}", go_io_text(&error))))?;
        text.into()
    } else {
        world.read_named(Path::new(name)).map_err(|error| Diagnostic::error(format!("open {name}: {}", go_io_text(&error))))?
    };
    Ok(ValuesFile { name: name.to_owned(), text })
}
