//! The `cli` room: arguments, user interface and exit codes.
//!
//! What was typed becomes [`args::Cli`]; each command is one file under `commands/` and one line in [`args::Command`].

pub mod args;
pub mod commands;
pub mod config;
pub mod downloads;
pub mod drop_in;
pub mod pflag;
pub mod progress;
pub mod report;
pub mod session;
pub mod snippet;
pub mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::pipeline::confined;
use args::{Cli, Command};
use hydrate_base::{Diagnostic, suggest};
use ui::Ui;

/// How a command ended; the exit codes are part of the interface (docs/commands.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or in sync.
    Success,
    /// 1: something failed; what, was reported.
    Failure,
    /// 2: `check` found the tree stale.
    Stale,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Stale => 2,
        })
    }
}

/// Everything that went wrong in a command; never empty.
#[derive(Debug)]
pub struct Failures(pub Vec<Box<Diagnostic>>);

impl From<Box<Diagnostic>> for Failures {
    fn from(one: Box<Diagnostic>) -> Self {
        Self(vec![one])
    }
}

impl From<Vec<Box<Diagnostic>>> for Failures {
    fn from(all: Vec<Box<Diagnostic>>) -> Self {
        Self(all)
    }
}

/// What a command returns: an exit code, or everything that went wrong.
pub type Outcome = Result<Exit, Failures>;

/// Runs the command line `args` (the program's name first) and gives the process's exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|argument| argument == confined::ARGUMENT) {
        return confined::serve();
    }
    let mut ui = Ui::plain();
    let outcome = match drop_in(&args) {
        Some((run, rest)) => run(&mut ui, rest),
        None => match Cli::try_parse_from(&args) {
            Ok(cli) => {
                ui.configure(&cli.global);
                dispatch(&mut ui, cli)
            }
            Err(error) => return usage(&ui, &error),
        },
    };
    let exit = outcome.unwrap_or_else(|failures| {
        ui.report(&failures.0);
        Exit::Failure
    });
    ui.finish(exit).into()
}

type DropIn = fn(&mut Ui, &[OsString]) -> Outcome;

/// `helm` and `kustomize` keep the flags of the tools they replace, so they read their arguments themselves.
fn drop_in(args: &[OsString]) -> Option<(DropIn, &[OsString])> {
    let run: DropIn = match args.get(1)?.to_str()? {
        "helm" => commands::helm::run,
        "kustomize" => commands::kustomize::run,
        _ => return None,
    };
    Some((run, args.get(2..).unwrap_or_default()))
}

/// Help and version go to stdout with exit code 0, misuse to stderr with exit code 1 (2 means stale here).
fn usage(ui: &Ui, error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        ui.usage(&error.render().to_string());
    } else {
        // A closed pipe is no reason to fail, and there is nobody left to tell.
        let _ = error.print();
    }
    ExitCode::from(u8::from(error.use_stderr()))
}

fn dispatch(ui: &mut Ui, cli: Cli) -> Outcome {
    match cli.command {
        None => commands::render::run(ui, &cli.global, &cli.render).map_err(|failures| or_command(failures, &cli.render.components)),
        Some(command) => {
            cli.render.refuse_for(&command)?;
            run(ui, &cli.global, command)
        }
    }
}

/// A bare word that is no component may have been meant as a command.
fn or_command(mut failures: Failures, words: &[String]) -> Failures {
    let commands = Cli::command();
    let names: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
    for error in &mut failures.0 {
        let is_about = |word: &&String| error.message == format!("there is no component `{word}`") || error.message == "which environment?";
        let close = words.iter().find(is_about).and_then(|word| suggest::closest(word, names.iter().copied()));
        error.help.extend(close.map(|command| format!("or the command: `hydrate {command}`")));
    }
    failures
}

/// One line a command.
fn run(ui: &mut Ui, global: &args::GlobalArgs, command: Command) -> Outcome {
    match command {
        Command::Diff(args) => commands::diff::run(ui, global, &args),
        Command::Check(args) => commands::check::run(ui, global, &args),
        Command::Commit(args) => commands::commit::run(ui, global, &args),
        Command::List => commands::list::run(ui, global),
        Command::Values(args) => commands::values::run(ui, global, &args),
        Command::Lock(args) => commands::lock::run(ui, global, &args),
        Command::Fetch => commands::fetch::run(ui, global),
        Command::Vendor => commands::vendor::run(ui, global),
        Command::Outdated => commands::outdated::run(ui, global),
        Command::Cache(args) => commands::cache::run(ui, global, &args),
        Command::Graph => commands::graph::run(ui, global),
        Command::Init(args) => commands::init::run(ui, global, &args),
        Command::Hook(args) => commands::hook::run(ui, global, &args),
        Command::Schema(args) => commands::schema::run(ui, &args),
        Command::Helm(rest) => commands::helm::run(ui, &rest.args),
        Command::Kustomize(rest) => commands::kustomize::run(ui, &rest.args),
        Command::Completions(args) => commands::completions::run(ui, &args),
        Command::Man => commands::man::run(ui),
    }
}
