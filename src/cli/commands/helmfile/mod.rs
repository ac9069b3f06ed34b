//! `hydrate helmfile …`: helmfile's own command line over our engine.

mod flags;
mod programs;
mod secrets;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use crate::cli::drop_in::{Reach, WorldArgs};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::pflag::{self, Parsed};
use crate::cli::session::is_ci;
use crate::cli::ui::Ui;
use crate::pipeline::provision::{self, ForComponent, Provision};
use hydrate_acquire::http::NoProgress;
use hydrate_acquire::{Mirrors, Mounted, Options as SupplyOptions};
use hydrate_base::{Diagnostic, DiskWorld, Result, World};
use hydrate_helm::output;
use hydrate_helmfile::{self as helmfile, Needs, Release, Remotes, Request, TemplateOptions, Version, WriteValuesOptions};
use hydrate_source::{OfHelmfile, RemoteSource};

/// Runs `hydrate helmfile ARGS…`; data goes to stdout as helmfile prints it.
pub fn run(ui: &mut Ui, args: &[OsString]) -> Outcome {
    let line = read(args)?;
    if line.parsed.is_on("help") || line.command.is_empty() {
        ui.data(help(&line.command).as_bytes())?;
        return Ok(Exit::Success);
    }
    execute(ui, &line)?;
    Ok(Exit::Success)
}

struct Line {
    command: String,
    parsed: Parsed,
}

/// Its commands and flags, for completion.
pub(super) fn for_completion() -> clap::Command {
    let command = |(name, _, about): &(&'static str, _, &'static str)| pflag::as_command(name, &flags::of(name)).about(*about);
    clap::Command::new("helmfile").subcommands(flags::COMMANDS.iter().map(command)).disable_help_flag(true).disable_help_subcommand(true)
}

fn read(args: &[OsString]) -> Result<Line> {
    let text = |argument: &OsString| {
        argument.clone().into_string().map_err(|argument| Diagnostic::error(format!("{} is not UTF-8", argument.display())))
    };
    let args: Vec<String> = args.iter().map(text).collect::<Result<_>>()?;
    let failed = |error: String| Diagnostic::error(error).help("see `hydrate helmfile --help`");
    // Flags may stand before the command, so all of them are known until it is found.
    let command = pflag::parse(&flags::all(), args.clone()).map_err(failed)?.arguments.into_iter().next().unwrap_or_default();
    if !command.is_empty() && flags::COMMANDS.iter().all(|(name, _, _)| *name != command) {
        return Err(unknown(&command));
    }
    let known = if command.is_empty() { flags::all() } else { flags::of(&command) };
    Ok(Line { command, parsed: pflag::parse(&known, args).map_err(failed)? })
}

/// What hydrate does in place of a command that it does not have.
fn unknown(command: &str) -> Box<Diagnostic> {
    let why = match command {
        "apply" | "sync" | "destroy" | "delete" | "charts" => {
            "it changes a cluster, and hydrate changes none: it renders, and Flux or Argo CD apply what is in Git (`hydrate -e ENV --commit`)"
        }
        "diff" | "status" | "test" => {
            "it asks a cluster, and hydrate asks none: `hydrate diff -e ENV` shows what a change does to what is in Git"
        }
        "lint" | "unittest" => "hydrate has no such command: `hydrate check -e ENV` checks what is rendered",
        "deps" | "repos" | "fetch" | "pull" | "cache" | "init" => {
            "hydrate fetches by itself what hydrate.lock names: `hydrate lock`, `hydrate fetch`"
        }
        _ => {
            let names = flags::COMMANDS.iter().map(|(name, _, _)| *name);
            let error = Diagnostic::error(format!("unknown command {command:?} for \"helmfile\""));
            return match hydrate_base::suggest::closest(command, names) {
                Some(close) => error.help(format!("did you mean `{close}`?")),
                None => error.help("see `hydrate helmfile --help`"),
            };
        }
    };
    Diagnostic::error(format!("`helmfile {command}` is not supported")).help(why)
}

fn help(command: &str) -> String {
    let mut text = "helmfile's command line, rendered by hydrate: the same bytes as helmfile prints\n\n\
                    Usage: hydrate helmfile COMMAND [flags]\n\nCommands:\n"
        .to_owned();
    for (name, _, what) in flags::COMMANDS {
        text.push_str(&format!("  {name:14} {what}\n"));
    }
    text.push_str("\nFlags:\n");
    for flag in flags::of(command).iter().filter(|flag| !flag.help.is_empty()) {
        let short = flag.short.map_or_else(|| "   ".to_owned(), |letter| format!("-{letter},"));
        text.push_str(&format!("  {short} --{:28} {}\n", flag.name, flag.help));
    }
    text.push_str("\nAll other flags of helmfile are accepted: they change nothing of what is rendered.\n");
    text
}

fn execute(ui: &mut Ui, line: &Line) -> Result<()> {
    let args = &line.parsed;
    let own = WorldArgs::of(args);
    let watch = ui.watch(own.limits);
    let _task = watch.task(|| "the helmfile".to_owned());
    check(args)?;
    let request = request(args)?;
    let disk = own.world(&request.directory, Reach::Paths)?;
    let user = DiskWorld::new();
    let provision = provision(&user, &disk, &request)?;
    let world = Mounted::new(&disk);
    let outside = ForComponent::new(&provision, provision.opened(), &world);
    work(ui, line, &request, &world, &outside).map_err(|error| own.quoted(&disk, Reach::Paths, error))
}

/// Charts and files from outside: what a hydrate.lock beside names, and where that may change what is found anew. Nothing is written.
fn provision<'w>(user: &'w DiskWorld, disk: &DiskWorld, request: &Request) -> Result<Provision<'w>> {
    let is_offline = std::env::var("HYDRATE_OFFLINE").is_ok_and(|text| pflag::parse_bool(&text) == Some(true));
    let lock = provision::read_lock(disk, &request.directory)?;
    let options = SupplyOptions {
        root: request.directory.clone(),
        offline: is_offline,
        mirrors: Mirrors::default(),
        keyring: None,
        progress: Arc::new(NoProgress),
        time_limit: None,
    };
    Ok(Provision::new(user, options, lock, !is_offline && !is_ci(user)))
}

fn work(ui: &mut Ui, line: &Line, request: &Request, world: &dyn World, outside: &dyn RemoteSource) -> Result<()> {
    let args = &line.parsed;
    let remotes = &OfHelmfile(outside);
    let said = match line.command.as_str() {
        "template" => return template(ui, args, request, world, outside),
        "write-values" => return write_values(ui, args, request, world, remotes),
        "list" => helmfile::list(world, remotes, request, args.text("output") == Some("json")),
        "build" => helmfile::build(world, remotes, request, args.is_on("embed-values")),
        "show-dag" => helmfile::show_dag(world, remotes, request),
        _ => match args.text("output").unwrap_or("yaml") {
            "yaml" | "" => helmfile::print_env(world, remotes, request, false),
            "json" => helmfile::print_env(world, remotes, request, true),
            other => Err(Diagnostic::error(format!("unsupported output format: {other} (supported: yaml, json)"))),
        },
    }?;
    ui.report(&said.warnings);
    ui.data(&said.what)
}

/// What is refused: what needs a cluster or a program.
fn check(args: &Parsed) -> Result<()> {
    let given = |name: &str| args.text(name).is_some_and(|text| !text.is_empty());
    let refused = [
        (args.is_on("validate"), "--validate", "it asks a cluster; validate the rendered manifests instead"),
        (
            given("post-renderer") || given("post-renderer-args"),
            "--post-renderer",
            "it runs a program over the result; pipe the output through it",
        ),
    ];
    match refused.iter().find(|(given, _, _)| *given) {
        Some((_, flag, why)) => Err(Diagnostic::error(format!("{flag} is not supported: hydrate renders and nothing else")).help(*why)),
        None => Ok(()),
    }
}

fn request(args: &Parsed) -> Result<Request> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let or_variable =
        |flag: &str, name: &str| args.text(flag).filter(|text| !text.is_empty()).map(str::to_owned).or_else(|| variable(name));
    let version = match or_variable("compat", "HYDRATE_HELMFILE_COMPAT") {
        None => Version::default(),
        Some(text) => Version::parse(&text)
            .ok_or_else(|| Diagnostic::error(format!("there is no compatibility level {text:?}")).help("known are v0 and v1"))?,
    };
    if let Some(flag) = flags::NEW_IN_V1.iter().find(|flag| version == Version::V0 && args.text(flag).is_some()) {
        return Err(Diagnostic::error(format!("unknown flag: --{flag}")).help("helmfile 0.166 does not have it"));
    }
    let here = std::env::current_dir()
        .and_then(|here| here.canonicalize())
        .map_err(|error| Diagnostic::error(format!("cannot read the current directory: {error}")))?;
    let texts = |name: &str| args.texts(name).to_vec();
    let may_start = allowed(args)?;
    let absolute = |path: &str| {
        let path = here.join(path);
        // Where there is nothing, the error names it.
        path.parent()
            .and_then(|parent| parent.canonicalize().ok())
            .zip(path.file_name())
            .map_or(path.clone(), |(parent, name)| parent.join(name))
    };
    Ok(Request {
        version,
        level: None,
        file: or_variable("file", "HELMFILE_FILE_PATH").map(|path| absolute(&path)),
        directory: here.clone(),
        environment: or_variable("environment", "HELMFILE_ENVIRONMENT").unwrap_or_default(),
        selectors: texts("selector"),
        state_values_files: args.texts("state-values-file").iter().map(|path| here.join(path).display().to_string()).collect(),
        state_values_set: texts("state-values-set"),
        state_values_set_string: texts("state-values-set-string"),
        environment_values: String::new(),
        namespace: match version {
            Version::V0 => args.text("namespace").unwrap_or_default().to_owned(),
            Version::V1 => or_variable("namespace", "HELMFILE_NAMESPACE").unwrap_or_default(),
        },
        chart: args.text("chart").unwrap_or_default().to_owned(),
        kube_context: or_variable("kube-context", "HELMFILE_KUBE_CONTEXT").unwrap_or_default(),
        programs: may_start.then(|| Arc::new(programs::Started) as Arc<dyn helmfile::Programs>),
        secrets: args.is_on("resolve-secrets").then(|| Arc::new(secrets::OfUser::new(may_start)) as Arc<dyn helmfile::SecretResolver>),
        allows_no_match: args.is_on("allow-no-matching-release"),
    })
}

/// Whether templates may start programs. In CI what is rendered may be anybody's.
fn allowed(args: &Parsed) -> Result<bool> {
    let is_set = std::env::var("HYDRATE_ALLOW_EXEC").is_ok_and(|text| pflag::parse_bool(&text) == Some(true));
    let asked = args.is_on("allow-exec") || is_set;
    if asked && is_ci(&DiskWorld::new()) {
        return Err(Diagnostic::error("--allow-exec is refused where CI is set").help("what a pull request brings could start any program"));
    }
    Ok(asked)
}

fn template(ui: &mut Ui, args: &Parsed, request: &Request, world: &dyn World, outside: &dyn RemoteSource) -> Result<()> {
    let texts = |name: &str| args.texts(name).to_vec();
    let includes = args.is_on("include-needs") || args.is_on("include-transitive-needs");
    let options = TemplateOptions {
        cluster: std::sync::Arc::default(),
        include_crds: args.is_on("include-crds"),
        skip_tests: args.is_on("skip-tests"),
        no_hooks: args.is_on("no-hooks"),
        kube_version: args.text("kube-version").filter(|version| !version.is_empty()).map(str::to_owned),
        set: texts("set"),
        values: args.texts("values").iter().map(|path| request.directory.join(path)).collect(),
        show_only: texts("show-only"),
        args: ["args", "template-args"].iter().filter_map(|name| args.text(name).map(str::to_owned)).collect(),
        skip_schema_validation: args.is_on("skip-schema-validation"),
        api_versions: Vec::new(),
        needs: Needs {
            include: args.is_on("include-needs"),
            include_transitive: args.is_on("include-transitive-needs"),
            skip: !includes && args.text("skip-needs").is_none_or(|text| pflag::parse_bool(text).unwrap_or(true)),
            enforce_installed: args.is_on("enforce-needs-are-installed"),
        },
        output_dir: args.text("output-dir").filter(|path| !path.is_empty()).map(str::to_owned),
        output_dir_template: args.text("output-dir-template").unwrap_or_default().to_owned(),
    };
    let said = helmfile::template(world, &OfHelmfile(outside), request, &options)?;
    ui.report(&said.warnings);
    for release in &said.what {
        print(ui, release, world, outside)?;
    }
    Ok(())
}

fn print(ui: &mut Ui, release: &Release, world: &dyn World, outside: &dyn RemoteSource) -> Result<()> {
    let level = release.options.level;
    let rendered = hydrate_source::render_release(world, outside, release)?;
    ui.report(&rendered.warnings);
    match &release.output {
        None => {
            ui.data(&vec![b'\n'; release.blank_lines])?;
            ui.pieces(output::print(&rendered, &release.print, level).map_err(|error| release.placed(error))?.pieces())?;
            ui.data(b"\n")
        }
        Some(directory) => output::write_files(&rendered, &release.print, directory, None).1.map_err(|error| release.placed(error)),
    }
}

fn write_values(ui: &mut Ui, args: &Parsed, request: &Request, world: &dyn World, remotes: &dyn Remotes) -> Result<()> {
    let options = WriteValuesOptions {
        template: args.text("output-file-template").unwrap_or_default().to_owned(),
        values: args.texts("values").iter().map(|path| request.directory.join(path)).collect(),
    };
    let said = helmfile::write_values(world, remotes, request, &options)?;
    ui.report(&said.warnings);
    for (path, text) in &said.what {
        write(path, text)?;
    }
    Ok(())
}

fn write(path: &Path, text: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| Diagnostic::error(format!("cannot write {}: {error}", path.display()));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
