//! `hydrate helm …`: helm's own command line over our engine.

use std::ffi::OsString;

use crate::base::Diagnostic;
use crate::cli::{Outcome, ui::Ui};

/// Runs `hydrate helm ARGS…`; data goes to stdout as helm prints it.
pub fn run(ui: &mut Ui, args: &[OsString]) -> Outcome {
    let _ = (ui, args);
    Err(Diagnostic::error("`hydrate helm` is not supported yet").into())
}
