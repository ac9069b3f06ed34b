//! `hydrate man`.

use clap::CommandFactory;

use crate::cli::{Exit, Outcome, args::Cli, ui::Ui};
use hydrate_base::Diagnostic;

/// Prints the manual page, in roff, to stdout.
pub fn run(ui: &mut Ui) -> Outcome {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(|error| Diagnostic::error(format!("cannot write the manual page: {error}")))?;
    ui.data(&page)?;
    Ok(Exit::Success)
}
