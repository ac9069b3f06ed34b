//! `hydrate textconv`: manifests in one order, for `git diff` line by line.

use std::path::PathBuf;

use clap::Args;

use crate::cli::outcome::{Exit, Outcome};
use crate::cli::ui::Ui;
use hydrate_base::Diagnostic;
use hydrate_review::canonical;

/// Arguments of `hydrate textconv`.
#[derive(Debug, Args)]
pub struct TextconvArgs {
    /// The file, as Git names it
    pub file: PathBuf,
}

/// Prints a file with its documents by name, keys in order, Secrets hidden, so that Git shows what differs and nothing else. A file that is not made of objects is printed as it is.
pub fn run(ui: &mut Ui, args: &TextconvArgs) -> Outcome {
    let text = std::fs::read(&args.file).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", args.file.display())))?;
    ui.data(canonical(&text).as_bytes())?;
    Ok(Exit::Success)
}
