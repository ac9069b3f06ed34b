//! `hydrate schema`: JSON Schemas for editors.

use clap::Args;

use crate::cli::outcome::{Exit, Outcome};
use crate::cli::ui::Ui;
use crate::project::files::schema;
use crate::project::first_files::catalog;
use hydrate_base::Diagnostic;

/// Arguments of `hydrate schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which file: hydrate (hydrate.yaml), environment or component; or catalog, which says what files they are for
    #[arg(value_name = "FILE", value_parser = ["hydrate", "environment", "component", "catalog"], default_value = "component")]
    pub file: String,
}

/// Prints the schema; docs/schema/ keeps the same text.
pub fn run(ui: &mut Ui, args: &SchemaArgs) -> Outcome {
    let printed = if args.file == "catalog" { Some(catalog()) } else { schema(&args.file) };
    let text = printed.ok_or_else(|| Diagnostic::error(format!("there is no schema `{}`", args.file)))?;
    ui.data(text.as_bytes())?;
    Ok(Exit::Success)
}
