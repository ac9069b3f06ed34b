//! Paths as configuration files write them: relative to the component, `${env}` filled in, `?` for optional, and
//! never out of the project.

use std::path::{Component as Part, Path, PathBuf};

use hydrate_base::world::is_missing;
use hydrate_base::{Diagnostic, FileKind, Result, World, suggest};

use super::Project;
use super::parse::Spanned;

/// A path that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The path to read.
    pub path: PathBuf,
    /// The path shown to users: relative to the project.
    pub shown: String,
    /// What it is.
    pub kind: FileKind,
}

/// Finds what a configured path means for an environment; `None` for an optional path that does not exist.
/// `what` names the thing in errors: "values file", "chart".
pub fn find(world: &dyn World, project: &Project, dir: &Path, env: &str, text: &Spanned, what: &str) -> Result<Option<Found>> {
    let (optional, path) = match text.text.strip_suffix('?') {
        Some(path) => (true, path),
        None => (false, text.text.as_str()),
    };
    let filled = fill(path, env).map_err(|message| text.error(message, "").help("`${env}` stands for the environment's name"))?;
    if Path::new(&filled).is_absolute() {
        return Err(text
            .error(format!("the {what} `{filled}` is an absolute path"), "")
            .help("write it relative to the component's directory; everything a project renders lies in the project"));
    }
    let path = normal(&dir.join(&filled));
    let outside = |to: String| {
        text.error(format!("the {what} {}/{filled} leads out of the project", project.shown(dir)), to)
            .help("copy it into the project: what is rendered must be what is in Git")
    };
    if !path.starts_with(&project.extent) {
        return Err(outside(String::new()));
    }
    match world.kind(&path) {
        Ok(kind) => Ok(Some(Found { shown: project.shown(&path), path, kind })),
        Err(error) if is_missing(&error) && optional => Ok(None),
        Err(error) if is_missing(&error) => Err(missing(world, project, text, &path, what)),
        Err(error) => Err(text.error(format!("cannot read the {what} {}: {error}", project.shown(&path)), "")),
    }
}

fn missing(world: &dyn World, project: &Project, text: &Spanned, path: &Path, what: &str) -> Box<Diagnostic> {
    let error = text.error(format!("the {what} {} does not exist", project.shown(path)), "");
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let beside = path.parent().and_then(|parent| world.list(parent).ok()).unwrap_or_default();
    let error = match suggest::closest(name, beside.iter().map(String::as_str)) {
        Some(close) => error.help(format!("did you mean `{close}`?")),
        None => error,
    };
    error.help(format!("create it, or mark it optional: \"{}?\"", text.text))
}

/// Fills in `${env}`; anything else in `${…}` is unknown.
fn fill(path: &str, env: &str) -> Result<String, String> {
    let filled = path.replace("${env}", env);
    match filled.split_once("${") {
        None => Ok(filled),
        Some((_, rest)) => Err(format!("unknown variable `${{{}}}` in a path", rest.split('}').next().unwrap_or_default())),
    }
}

/// The path without `.` and `..`, by its text alone.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Part::CurDir => {}
            Part::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}
