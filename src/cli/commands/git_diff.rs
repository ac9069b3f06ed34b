//! `hydrate git-diff`: two versions of a file, as Git hands them to `GIT_EXTERNAL_DIFF` or to a driver of a diff.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::args::GlobalArgs;
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::ui::Ui;
use hydrate_base::{Change, Diagnostic, Result};
use hydrate_review::{FileDiff, Input, Shown, formats, review, unified};

/// Arguments of `hydrate git-diff`: those that Git gives, or two files.
#[derive(Debug, Args)]
pub struct GitDiffArgs {
    /// PATH OLD-FILE OLD-HEX OLD-MODE NEW-FILE NEW-HEX NEW-MODE, as Git gives them; or OLD-FILE NEW-FILE
    #[arg(value_name = "ARGUMENT", num_args = 2..=9, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
    /// The minor release of Kubernetes whose keys of lists hold: 33
    #[arg(long, value_name = "MINOR")]
    pub kubernetes: Option<u32>,
    /// Show what changes with every release of a chart too
    #[arg(long)]
    pub show_noise: bool,
}

/// Prints what differs, object by object; of files that are not made of objects, line by line.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &GitDiffArgs) -> Outcome {
    let (path, old, new) = match args.arguments.as_slice() {
        [old, new] => (new.clone(), old, new),
        [path, old, _, _, new, ..] => (path.clone(), old, new),
        _ => return Err(Diagnostic::error("this takes two files, or what Git gives to GIT_EXTERNAL_DIFF").into()),
    };
    let (before, after) = (content(Path::new(old))?, content(Path::new(new))?);
    if before == after {
        return Ok(Exit::Success);
    }
    let change = match (before.is_empty(), after.is_empty()) {
        (true, _) => Change::Created,
        (_, true) => Change::Deleted,
        _ => Change::Changed,
    };
    let name = PathBuf::from(&path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file = FileDiff { component: String::new(), path: path.clone(), file: name, change, before: before.into(), after: after.into() };
    let input = Input { env: path, minor: args.kubernetes, files: vec![file], ..Input::default() };
    let review = review(&input);
    match global.format {
        Some(crate::cli::args::Format::Json) => {
            let document = formats::json::write(&review);
            ui.data(format!("{}\n", hydrate_base::plain::json(serde_json::to_string_pretty(&document).unwrap_or_default())).as_bytes())?;
        }
        _ if review.others.is_empty() => {
            ui.data(formats::text::write(&review, Shown { noise: args.show_noise, full: false }, ui.colored_data()).as_bytes())?;
        }
        _ => ui.data(unified::write(&input.files, ui.colored_data()).as_bytes())?,
    }
    Ok(Exit::Success)
}

/// What is in a file; nothing where there is none, as Git says it.
fn content(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("/dev/null") {
        return Ok(Vec::new());
    }
    std::fs::read(path).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))
}
