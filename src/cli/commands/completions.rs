//! `hydrate completions SHELL`.

use clap::Args;

use crate::cli::outcome::{Exit, Outcome};
use crate::cli::ui::Ui;

/// Arguments of `hydrate completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell to complete in
    pub shell: clap_complete::Shell,
}

/// Prints the completion script of `program` to stdout.
pub fn run(ui: &mut Ui, mut program: clap::Command, args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "hydrate", &mut script);
    ui.data(&script)?;
    Ok(Exit::Success)
}
