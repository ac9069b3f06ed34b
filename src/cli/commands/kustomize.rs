//! `hydrate kustomize …`: kustomize's own command line over our engine.

use std::ffi::OsString;
use std::path::Path;

use crate::cli::drop_in::{self, LEVEL, OWN_FLAGS, Reach, WorldArgs};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::pflag::{self, Flag, FlagKind, Parsed, go_quoted, switch, value};
use crate::cli::ui::Ui;
use hydrate_base::{Diagnostic, DiskWorld, FileKind, Result, World, go_io_text};
use hydrate_kustomize::HelmFlags;
use hydrate_kustomize::{BuildOptions, Built, Document, VERSION, build, print};

/// The flags of `kustomize build`, as kustomize 5.8.1 has them (`kustomize/commands/build`). What is about plugins and functions that are programs
/// is accepted, as a build without any is the same with and without; where a kustomization asks for one, that is refused.
const BUILD: &[Flag] = &[
    value("output", FlagKind::Text, "Write to this file, or one file for each object into this directory").short('o'),
    value("load-restrictor", FlagKind::Text, "Where files may be that a kustomization names [default: LoadRestrictionsRootOnly]"),
    value("reorder", FlagKind::Text, "Order of the objects, where the kustomization does not say [default: legacy]"),
    switch("enable-managedby-label", "Add the label app.kubernetes.io/managed-by to all objects"),
    switch("enable-helm", "Render helmCharts"),
    value("helm-kube-version", FlagKind::Text, "Kubernetes version for charts that name none"),
    value("helm-api-versions", FlagKind::Texts, "API versions for charts that name none"),
    value("helm-command", FlagKind::Text, "Accepted: charts are rendered natively"),
    switch("helm-debug", "Accepted: nothing more is printed"),
    switch("enable-alpha-plugins", "Accepted: what would be a program is refused where it is asked for"),
    switch("enable-exec", "Accepted: what would be a program is refused where it is asked for"),
    switch("network", "Accepted: no function is run"),
    value("network-name", FlagKind::Text, "Accepted: no function is run"),
    value("mount", FlagKind::Texts, "Accepted: no function is run"),
    value("env", FlagKind::Texts, "Accepted: no function is run").short('e'),
    switch("as-current-user", "Accepted: no function is run"),
];

/// The flag of the program.
const OF_ALL: Flag = switch("stack-trace", "Accepted: errors say where they are from");

/// The flags of every command.
const GLOBAL: &[Flag] = &[OF_ALL, switch("help", "").short('h')];

const ROOT_ONLY: &str = "LoadRestrictionsRootOnly";
const UNRESTRICTED: &str = "LoadRestrictionsNone";

/// Its commands and flags, for completion.
pub(super) fn for_completion() -> clap::Command {
    let build = pflag::as_command("build", &[BUILD, GLOBAL, OWN_FLAGS, &[LEVEL]].concat()).about("Build a kustomization");
    clap::Command::new("kustomize").subcommand(build).disable_help_flag(true).disable_help_subcommand(true)
}

/// Runs `hydrate kustomize ARGS…`; data goes to stdout as kustomize prints it.
pub fn run(ui: &mut Ui, args: &[OsString]) -> Outcome {
    let mut args = drop_in::texts(args)?;
    let command = pflag::take_command(&[OF_ALL], &mut args);
    let flags = match command.as_deref() {
        Some("build") => [BUILD, GLOBAL, OWN_FLAGS, &[LEVEL]].concat(),
        Some("version" | "help") | None => GLOBAL.to_vec(),
        Some(other) => {
            return Err(Diagnostic::error(format!("unknown command {} for \"kustomize\"", go_quoted(other)))
                .help("hydrate builds and nothing else: `hydrate kustomize build [DIR]`")
                .into());
        }
    };
    let parsed = read(&flags, &args)?;
    match command.as_deref() {
        Some("build") if !parsed.is_on("help") => run_build(ui, &parsed),
        Some("version") if !parsed.is_on("help") => {
            ui.data(format!("{VERSION}\n").as_bytes())?;
            Ok(Exit::Success)
        }
        _ => {
            ui.data(help().as_bytes())?;
            Ok(Exit::Success)
        }
    }
}

/// Reads the flags; an error is pflag's.
fn read(flags: &[Flag], args: &[String]) -> Result<Parsed> {
    pflag::parse(flags, args.iter().cloned()).map_err(|error| Diagnostic::error(error).help("see `hydrate kustomize build --help`"))
}

fn help() -> String {
    format!(
        "Kustomize's command line, built by hydrate: the same bytes as kustomize {VERSION}\n\nUsage: hydrate kustomize build [DIR] [flags]\n       \
         hydrate kustomize version\n\nFlags:\n{}{}\nhydrate's own flags:\n{}{}",
        pflag::usage(BUILD),
        pflag::usage(GLOBAL),
        pflag::usage(OWN_FLAGS),
        pflag::usage(&[LEVEL]),
    )
}

fn run_build(ui: &mut Ui, args: &Parsed) -> Outcome {
    let path = match args.arguments.as_slice() {
        [] => Path::new("."),
        [one] => Path::new(one),
        _ => return Err(Diagnostic::error("specify one path to kustomization.yaml").into()),
    };
    check(args)?;
    let level = drop_in::level(args.text("compat"))?;
    let own = WorldArgs::of(args);
    let watch = ui.watch(own.limits);
    let _task = watch.task(|| "the kustomization".to_owned());
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let directory = here.join(path);
    let load_anything = args.text("load-restrictor") == Some(UNRESTRICTED);
    let reach = if load_anything { Reach::Anywhere } else { Reach::Paths };
    let world = own.world(&directory, reach)?;
    let inflator = args.is_on("enable-helm").then(|| hydrate_source::kustomize_helm(&world, level));
    let options = BuildOptions {
        load_anything,
        helm: inflator.as_deref(),
        helm_flags: HelmFlags {
            kube_version: args.text("helm-kube-version").unwrap_or_default().into(),
            api_versions: api_versions(args)?.iter().map(|version| version.as_str().into()).collect(),
            debug: args.is_on("helm-debug"),
        },
        remote: None,
        managed_by: args.is_on("enable-managedby-label") || managed_by_environment(),
        keep_order: args.text("reorder") == Some("none"),
        shown_from: Some(&here),
        tell_unmatched: false,
    };
    // What is wrong with the directory is told with the name that it was given.
    let failed = |mut error: Box<Diagnostic>| {
        error.message =
            error.message.replacen(&format!("failure on '{}'", directory.display()), &format!("failure on '{}'", path.display()), 1);
        own.quoted(&world, reach, error)
    };
    let output = args.text("output").unwrap_or_default();
    if output.is_empty() {
        let printed = print(&world, &directory, &options).map_err(failed)?;
        printed.warnings.iter().for_each(|warning| ui.say(warning));
        ui.pieces(printed.pieces())?;
        // The process ends here and gives all its memory back at once.
        printed.forget();
        return Ok(Exit::Success);
    }
    let built = build(&world, &directory, &options).map_err(failed)?;
    built.warnings.iter().for_each(|warning| ui.say(warning));
    write(Path::new(output), &built)?;
    Ok(Exit::Success)
}

/// Refuses values that kustomize has no meaning for, before anything is read.
fn check(args: &Parsed) -> Result<()> {
    let illegal = |flag: &str, legal: [&str; 2]| {
        let text = args.text(flag).unwrap_or_default();
        Err(Diagnostic::error(format!("illegal flag value --{flag} {text}; legal values: [{}]", legal.join(" "))))
    };
    if !matches!(args.text("load-restrictor"), None | Some("" | ROOT_ONLY | UNRESTRICTED)) {
        return illegal("load-restrictor", [ROOT_ONLY, UNRESTRICTED]);
    }
    if !matches!(args.text("reorder"), None | Some("legacy" | "none")) {
        return illegal("reorder", ["legacy", "none"]);
    }
    Ok(())
}

/// What helm makes of the texts: each is a list of its own.
fn api_versions(args: &Parsed) -> Result<Vec<String>> {
    let texts = args.texts("helm-api-versions").iter().filter(|_| args.is_on("enable-helm"));
    let wrong = |text: &String, why: String| {
        let given = go_quoted(text);
        Diagnostic::error(format!("invalid argument {given} for \"-a, --api-versions\" flag: {why}"))
    };
    texts.map(|text| pflag::record(text).map_err(|why| wrong(text, why))).collect::<Result<Vec<_>>>().map(|lists| lists.concat())
}

/// Whether the environment asks for the label, which it does with this one word.
fn managed_by_environment() -> bool {
    std::env::var_os("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL").is_some_and(|value| value == "on")
}

fn write(path: &Path, built: &Built) -> Result<()> {
    // The path is the user's, wherever it leads.
    if !matches!(DiskWorld::new().kind(path), Ok(FileKind::Directory)) {
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
    std::fs::write(path, text).map_err(|error| Diagnostic::error(format!("open {}: {}", path.display(), go_io_text(&error))))
}
