//! `hydrate completions SHELL`.

use clap::{Args, CommandFactory};

use crate::cli::{Exit, Outcome, args::Cli, ui::Ui};

/// Arguments of `hydrate completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell to complete in
    pub shell: clap_complete::Shell,
}

/// Prints the completion script to stdout.
pub fn run(ui: &mut Ui, args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hydrate", &mut script);
    ui.data(&script)?;
    Ok(Exit::Success)
}
