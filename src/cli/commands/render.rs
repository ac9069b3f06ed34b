//! A bare `hydrate`: render, write, say what changed.

use clap::Args;

use crate::base::Diagnostic;
use crate::cli::args::GlobalArgs;
use crate::cli::{Outcome, ui::Ui};

/// Options of a bare run.
#[derive(Debug, Clone, Default, Args)]
pub struct RenderArgs {
    /// Components to render: names, globs, `!name` to leave one out [default: all of the environment]
    #[arg(value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// Write what could be rendered even where components fail
    #[arg(long)]
    pub keep_going: bool,
    /// Commit exactly what was written
    #[arg(long)]
    pub commit: bool,
    /// Push after the commit, through your own git
    #[arg(long, requires = "commit")]
    pub push: bool,
}

impl RenderArgs {
    /// The first option given, as it was typed.
    pub fn first_given(&self) -> Option<String> {
        match self {
            _ if self.keep_going => Some("--keep-going".to_owned()),
            _ if self.commit => Some("--commit".to_owned()),
            _ => self.components.first().cloned(),
        }
    }
}

/// Renders the selected components of the selected environments and writes what changed.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &RenderArgs) -> Outcome {
    let _ = (ui, global, args);
    Err(Diagnostic::error("rendering is not supported yet").into())
}
