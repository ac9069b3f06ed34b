//! `hydrate git-diff`: two versions of a file, as Git hands them to `GIT_EXTERNAL_DIFF` or to a driver of a diff.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::session::format;
use crate::cli::{report, ui::Ui};
use hydrate_base::{Change, Diagnostic, Result};
use hydrate_review::{FileDiff, Input, Shown, formats, review, unified};

/// Arguments of `hydrate git-diff`: those that Git gives, or two files.
#[derive(Debug, Args)]
pub struct GitDiffArgs {
    /// PATH OLD-FILE OLD-HEX OLD-MODE NEW-FILE NEW-HEX NEW-MODE, as Git gives them; or OLD-FILE NEW-FILE. Options come first
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
    let change = match (before.is_empty(), after.is_empty()) {
        (true, _) => Change::Created,
        (_, true) => Change::Deleted,
        _ => Change::Changed,
    };
    let name = PathBuf::from(&path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_same = before == after;
    let file = FileDiff { component: String::new(), path: path.clone(), file: name, change, before: before.into(), after: after.into() };
    let input = Input { env: path, minor: args.kubernetes, files: if is_same { Vec::new() } else { vec![file] }, ..Input::default() };
    let review = review(&input);
    let shown = Shown { noise: args.show_noise, full: false };
    match format(global, "git-diff", &[Format::Text, Format::Json, Format::Markdown, Format::Html])? {
        Format::Json => {
            let document = json!({"environments": [formats::json::write(&review)]});
            ui.data(&report::document_of(formats::json::VERSION, "diff", document, &[]))?;
        }
        Format::Markdown => ui.data(formats::markdown::write(&[review], shown).as_bytes())?,
        Format::Html => ui.data(formats::html::write(&[review], &BTreeMap::new()).as_bytes())?,
        // A file of which nothing is an object is shown as Git shows it.
        _ if review.others.is_empty() || !review.objects.is_empty() => {
            ui.data(formats::text::write(&review, shown, ui.colored_data()).as_bytes())?
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
