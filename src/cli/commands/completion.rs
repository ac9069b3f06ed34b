//! `hydrate completion SHELL`.

use clap::Args;
use clap_complete::Shell;

use crate::cli::completion::SCRIPTS;
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::ui::Ui;

/// Arguments of `hydrate completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// The shell to complete in
    pub shell: Shell,
}

/// Prints the completion script of `program` to stdout. Those of bash, zsh and fish ask hydrate for what the project has; those of other shells know commands and
/// options.
pub fn run(ui: &mut Ui, mut program: clap::Command, args: &CompletionArgs) -> Outcome {
    let name = args.shell.to_string();
    match SCRIPTS.iter().find(|(shell, _)| *shell == name) {
        Some((_, script)) => ui.data(script.as_bytes())?,
        None => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut program, "hydrate", &mut script);
            ui.data(&script)?;
        }
    }
    Ok(Exit::Success)
}
