//! The `cli` room: arguments, user interface and exit codes.
//!
//! From top to bottom: this file; `commands/`, which knows every command and runs the one that was typed; what commands share (`session`,
//! `drop_in`, `report`); what is shown and typed (`ui`, `args`, `pflag`). None of them imports one that stands above it.

pub mod annotations;
pub mod args;
pub mod commands;
pub mod completion;
pub mod config;
pub mod deliver;
pub mod downloads;
pub mod drop_in;
pub mod gather;
pub mod guards;
pub mod message;
pub mod on_branch;
pub mod outcome;
pub mod pflag;
pub mod progress;
pub mod report;
pub mod sarif;
pub mod session;
pub mod snippet;
pub mod ui;
pub mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::pipeline::confined;
use commands::Cli;
use outcome::{Exit, Failures};
use ui::Ui;

/// Runs the command line `args` (the program's name first) and gives the process's exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|argument| argument == confined::ARGUMENT) {
        return confined::serve();
    }
    let mut ui = Ui::plain();
    if args.get(1).is_some_and(|argument| argument == completion::ARGUMENT) {
        // A shell that does not listen any more is no reason to fail.
        let _ = ui.data(completion::answer(&commands::for_completion(), args.get(2..).unwrap_or_default()).as_bytes());
        return ExitCode::SUCCESS;
    }
    let outcome = match commands::drop_in(&args) {
        // They say what the tools say.
        Some((run, rest)) => run(&mut ui, rest),
        None => match Cli::try_parse_from(&args) {
            Ok(cli) => {
                ui.configure(&cli.global);
                commands::dispatch(&mut ui, cli).map_err(|failures| Failures(gather::once(&failures.0)))
            }
            Err(error) => return usage(&ui, &error),
        },
    };
    let exit = outcome.unwrap_or_else(|failures| {
        ui.report(&failures.0);
        Exit::Failure
    });
    exit.into()
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
