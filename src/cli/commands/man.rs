//! `hydrate man`.

use crate::cli::outcome::{Exit, Outcome};
use crate::cli::ui::Ui;
use hydrate_base::Diagnostic;

/// Prints the manual page of `program`, in roff, to stdout.
pub fn run(ui: &mut Ui, program: clap::Command) -> Outcome {
    let mut page = Vec::new();
    clap_mangen::Man::new(program)
        .render(&mut page)
        .map_err(|error| Diagnostic::error(format!("cannot write the manual page: {error}")))?;
    ui.data(&page)?;
    Ok(Exit::Success)
}
