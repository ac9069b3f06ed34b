//! `hydrate helm …`: helm's own command line over our engine.

mod flags;
mod kubeconfig;

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::drop_in::{self, Reach, WorldArgs};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::pflag::{self, Parsed, go_quoted};
use crate::cli::ui::Ui;
use hydrate_base::{Diagnostic, DiskWorld, Result, World, go_io_text, go_read_text};
use hydrate_chart::{self as chart, Chart, Level};
use hydrate_helm::output::{self, PrintOptions};
use hydrate_helm::{self as helm, RenderOptions, ValueOptions, ValuesFile};

/// Runs `hydrate helm ARGS…`; data goes to stdout as helm prints it.
pub fn run(ui: &mut Ui, args: &[OsString]) -> Outcome {
    match read(args).and_then(|line| execute(ui, line)) {
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

/// A command line with the level that it is for.
struct Line {
    parsed: Parsed,
    level: Level,
}

/// Reads the command line. Which flags there are depends on the level, which is a flag itself: where none gives it, on the environment.
fn read(args: &[OsString]) -> Result<Line> {
    let args = drop_in::texts(args)?;
    let level = level(&args)?;
    let parsed =
        pflag::parse(&flags::all(level), args).map_err(|error| Diagnostic::error(error).help("see `hydrate helm template --help`"))?;
    Ok(Line { parsed, level })
}

fn level(args: &[String]) -> Result<Level> {
    let name = format!("--{}", drop_in::LEVEL.name);
    let mut given = args.iter().enumerate().filter_map(|(at, argument)| {
        let rest = argument.strip_prefix(&name)?;
        if rest.is_empty() { args.get(at + 1).map(String::as_str) } else { rest.strip_prefix('=') }
    });
    drop_in::level(given.next_back())
}

fn execute(ui: &mut Ui, line: Line) -> Result<()> {
    let Line { mut parsed, level } = line;
    if parsed.is_on("help") || parsed.arguments.is_empty() {
        return ui.data(help(level).as_bytes());
    }
    match parsed.arguments.remove(0).as_str() {
        "template" => template(ui, &parsed, level),
        other => Err(Diagnostic::error(format!("unknown command {} for \"helm\"", go_quoted(other)))
            .help("hydrate renders and nothing else: `hydrate helm template [NAME] CHART`")),
    }
}

/// Its commands and flags, for completion.
pub(super) fn for_completion() -> clap::Command {
    let template = pflag::as_command("template", &flags::all(Level::default())).about("Render a chart");
    clap::Command::new("helm").subcommand(template).disable_help_flag(true).disable_help_subcommand(true)
}

fn help(level: Level) -> String {
    let mut text = "Helm's command line, rendered by hydrate: the same bytes as `helm template`\n\n\
                    Usage: hydrate helm template [NAME] CHART [flags]\n\nFlags:\n"
        .to_owned();
    text.push_str(&pflag::usage(&flags::all(level)));
    text.push_str("\nAll other flags of helm are accepted: they change nothing of what is rendered from a chart on this disk.\n");
    text
}

fn template(ui: &mut Ui, args: &Parsed, level: Level) -> Result<()> {
    let own = WorldArgs::of(args);
    let watch = ui.watch(own.limits);
    let _task = watch.task(|| "the chart".to_owned());
    check(args, level)?;
    let (release, name) = names(args, level, &DiskWorld::new())?;
    let path = locate(&name, args, &DiskWorld::new())?;
    let world = own.world(&path, Reach::Inside)?;
    print(ui, args, &world, level, release, &path).map_err(|error| own.quoted(&world, Reach::Inside, error))
}

/// Renders the chart and prints what it gave.
fn print(ui: &mut Ui, args: &Parsed, world: &DiskWorld, level: Level, release: String, path: &Path) -> Result<()> {
    let options = options(args, level, release, world)?;
    // Helm reads the values first, and Helm 3 looks at --dry-run when it has the chart.
    let chart = chart::load(path, level, world).or_else(|error| options.values.merge(level, world).and(Err(error)))?;
    if let (Level::V3, Err(error)) = (level, check_dry_run(args, level)) {
        return helm::check_before(&chart, &options, world).and(Err(error));
    }
    if level == Level::V3 && matches!(args.text("dry-run"), Some("none" | "false")) && says(&chart, b"lookup") {
        let error = Diagnostic::error("--dry-run=none and --dry-run=false are not supported for a chart whose templates say `lookup`");
        return Err(error
            .note("helm asks a cluster there")
            .help("--dry-run=client, or no such flag, gives what helm gives without a cluster"));
    }
    let show = args.is_on("debug") || (args.text("debug").is_none() && is_set("HELM_DEBUG"));
    let rendered = match helm::template_or_show(&chart, &options, world, show) {
        Ok(rendered) => rendered,
        Err(helm::Failed { error, shown }) => {
            ui.data(&shown.filter(|_| args.texts("show-only").is_empty()).unwrap_or_default())?;
            return Err(error);
        }
    };
    ui.report(&rendered.warnings);
    let print = PrintOptions {
        no_hooks: args.is_on("no-hooks"),
        skip_tests: args.is_on("skip-tests"),
        show_only: args.texts("show-only").to_vec(),
    };
    match args.text("output-dir").filter(|directory| !directory.is_empty()) {
        None => ui.pieces(output::print(&rendered, &print, level)?.pieces())?,
        Some(directory) => {
            let release = args.is_on("release-name").then_some(options.release.as_str());
            let (said, outcome) = output::write_files(&rendered, &print, Path::new(directory), release);
            ui.data(&said)?;
            outcome?;
        }
    }
    // The process ends here and gives all its memory back at once; taking a large chart apart first would take longer.
    std::mem::forget((rendered, chart));
    Ok(())
}

/// Whether a word stands in a template of a chart, or of a chart that it depends on.
fn says(chart: &Chart, word: &[u8]) -> bool {
    chart.templates.iter().any(|file| memchr::memmem::find(&file.data, word).is_some())
        || chart.dependencies.iter().any(|inner| says(inner, word))
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|text| pflag::parse_bool(&text) == Some(true))
}

/// What helm refuses, in its words, and what hydrate refuses: what needs a cluster, or is not a renderer's job.
fn check(args: &Parsed, level: Level) -> Result<()> {
    let given = |name: &str| args.text(name).is_some_and(|text| !text.is_empty());
    if let (Level::V4, Some(color)) = (level, args.text("color").or_else(|| args.text("colour")))
        && !matches!(color, "never" | "auto" | "always")
    {
        return Err(Diagnostic::error(format!("invalid color mode {}: must be one of: never, auto, always", go_quoted(color))));
    }
    let both = flags::EXCLUSIVE.iter().find(|group| level == Level::V4 && group.iter().all(|name| args.text(name).is_some()));
    if let Some(group) = both {
        let mut sorted = *group;
        sorted.sort_unstable();
        let (group, set) = (group.join(" "), sorted.join(" "));
        return Err(Diagnostic::error(format!(
            "if any flags in the group [{group}] are set none of the others can be; [{set}] were all set"
        )));
    }
    let post_renderer = given("post-renderer") || !args.texts("post-renderer-args").is_empty();
    let refused = [
        (args.is_on("validate"), "--validate", "it asks a cluster; validate the rendered manifests instead"),
        (
            post_renderer,
            "--post-renderer",
            "it runs a program over the result; pipe the output through it, or use `patches` in component.yaml",
        ),
        (args.text("dry-run") == Some("server"), "--dry-run=server", "it asks a cluster"),
        (args.is_on("enable-dns"), "--enable-dns", "the result would depend on the network"),
        (args.is_on("verify"), "--verify", "fetch and verify the chart first: `hydrate fetch`"),
        (given("repo"), "--repo", "fetch the chart first: `hydrate fetch`, or name it in component.yaml"),
    ];
    match refused.iter().find(|(given, _, _)| *given) {
        Some((_, flag, why)) => Err(Diagnostic::error(format!("{flag} is not supported: hydrate renders and nothing else")).help(*why)),
        None => Ok(()),
    }
}

fn check_dry_run(args: &Parsed, level: Level) -> Result<()> {
    let Some(text) = args.text("dry-run") else { return Ok(()) };
    let quoted = go_quoted(text);
    let error = match (level, text) {
        (Level::V3, "" | "false" | "true" | "none" | "client" | "server") | (Level::V4, "unset" | "client" | "server") => return Ok(()),
        (Level::V3, _) => "Invalid dry-run flag. Flag must one of the following: false, true, none, client, server".to_owned(),
        (Level::V4, "none") => format!("invalid dry-run value ({quoted}). Must be \"server\" or \"client\""),
        (Level::V4, text) => match pflag::parse_bool(text) {
            Some(true) => return Ok(()),
            Some(false) => format!("invalid dry-run value ({quoted}). Must be \"server\" or \"client\""),
            None => format!("invalid dry-run value ({quoted}). Must be \"none\", \"server\", or \"client\""),
        },
    };
    Err(Diagnostic::error(error))
}

/// The release's name and the chart, as helm reads its positional arguments: once it has read `--kube-version`.
fn names(args: &Parsed, level: Level, world: &dyn World) -> Result<(String, String)> {
    if let Some(version) = args.text("kube-version").filter(|version| !version.is_empty() && !args.arguments.is_empty()) {
        helm::check_kube_flag(version, level)?;
    }
    if level == Level::V4 && !args.arguments.is_empty() {
        check_dry_run(args, level)?;
    }
    let name_template = args.text("name-template").unwrap_or_default();
    let (release, chart) = match args.arguments.as_slice() {
        [] => return Err(Diagnostic::error("\"helm template\" requires at least 1 argument").help("hydrate helm template [NAME] CHART")),
        [name, chart] => {
            let also = |flag: &str| Err(Diagnostic::error(format!("cannot set {flag} and also specify a name")));
            if args.is_on("generate-name") {
                return also("--generate-name");
            }
            if !name_template.is_empty() {
                return also("--name-template");
            }
            (name.clone(), chart)
        }
        [chart] if !name_template.is_empty() => (helm::template_name(name_template, world)?, chart),
        // `helm template` has a name for releases without one, so --generate-name never gets its turn.
        [chart] => ("release-name".to_owned(), chart),
        [_, _, rest @ ..] => {
            return Err(Diagnostic::error(format!("expected at most two arguments, unexpected arguments: {}", rest.join(", "))));
        }
    };
    Ok((release, chart.trim().to_owned()))
}

/// The chart on the disk, as an absolute path.
fn locate(name: &str, args: &Parsed, world: &dyn World) -> Result<PathBuf> {
    let path = Path::new(name);
    if world.kind(path).is_ok() {
        return std::path::absolute(path).map_err(|error| Diagnostic::error(go_io_text(&error)));
    }
    if path.is_absolute() || name.starts_with('.') {
        return Err(Diagnostic::error(format!("path {name:?} not found")));
    }
    let error = match name.split_once('/') {
        // What follows would need a place for what it fetches.
        _ if args.text("repository-cache") == Some("") => "mkdir : no such file or directory".to_owned(),
        Some((repo, _)) if !name.contains("://") => format!("repo {repo} not found"),
        Some(_) => format!("cannot render {name}: it is not on this disk"),
        None => format!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {name}"),
    };
    Err(Diagnostic::error(error)
        .help("name a directory or a .tgz; charts of repositories belong into component.yaml, `hydrate fetch` gets them"))
}

fn options(args: &Parsed, level: Level, release: String, world: &DiskWorld) -> Result<RenderOptions> {
    let texts = |name: &str| args.texts(name).to_vec();
    Ok(RenderOptions {
        cluster: std::sync::Arc::default(),
        level,
        release,
        namespace: namespace(args),
        is_upgrade: args.is_on("is-upgrade"),
        values: ValueOptions {
            files: args.texts("values").iter().map(|name| values_file(name, world)).collect::<Result<_>>()?,
            json: texts("set-json"),
            set: texts("set"),
            string: texts("set-string"),
            file: texts("set-file"),
            literal: texts("set-literal"),
            directory: PathBuf::new(),
        },
        kube_version: args.text("kube-version").filter(|version| !version.is_empty()).map(str::to_owned),
        api_versions: texts("api-versions"),
        include_crds: args.is_on("include-crds"),
        skip_schema_validation: args.is_on("skip-schema-validation"),
    })
}

/// The flag, the variable, the context of the kubeconfig, `default`: the first that says something.
fn namespace(args: &Parsed) -> String {
    // What is asked here is of the user, who has set this up, and not of the chart.
    let world = DiskWorld::new();
    let given = match args.text("namespace") {
        Some(namespace) => Some(namespace.to_owned()),
        None => world.variable("HELM_NAMESPACE"),
    };
    given
        .filter(|namespace| !namespace.is_empty())
        .or_else(|| kubeconfig::namespace(&world, args.text("kubeconfig"), args.text("kube-context")))
        .unwrap_or_else(|| "default".to_owned())
}

fn values_file(name: &str, world: &DiskWorld) -> Result<ValuesFile> {
    let text: Arc<[u8]> = if name.trim() == "-" {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map_err(|error| Diagnostic::error(format!("read /dev/stdin: {}", go_io_text(&error))))?;
        text.into()
    } else {
        world.read_named(Path::new(name)).map_err(|error| Diagnostic::error(go_read_text(name, &error)))?
    };
    Ok(ValuesFile { name: name.to_owned(), text })
}
