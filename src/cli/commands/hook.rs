//! `hydrate hook`: a Git hook that checks before every commit.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::{Args, Subcommand};

use crate::base::Diagnostic;
use crate::cli::args::GlobalArgs;
use crate::cli::session::open_project;
use crate::cli::{Exit, Outcome, ui::Ui};
use crate::git;

/// Arguments of `hydrate hook`.
#[derive(Debug, Args)]
pub struct HookArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the hook.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Install it as pre-commit
    Install,
}

const HEAD: &str = "#!/bin/sh
# Installed by `hydrate hook install`: refuses a commit when manifests/ is not what would be rendered.
# Skip it once with: git commit --no-verify
";

/// What older versions have written.
const OLDER: &str = "exec hydrate check -q -e all";

/// Installs the hook, in the directory that `core.hooksPath` names where it does; a hook of somebody else is kept. Where a
/// repository holds several projects, the one hook checks each of them.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &HookArgs) -> Outcome {
    let Action::Install = args.action;
    let project = open_project(global)?;
    let path = git::hooks_dir(&project.root)?.join("pre-commit");
    let line = line(&git::place_in_work_tree(&project.root)?);
    let cannot = |error: io::Error| Diagnostic::error(format!("cannot write {}: {error}", path.display()));
    let foreign =
        || Diagnostic::error(format!("{} exists and is not hydrate's", path.display())).help(format!("add this line to it: {line}"));
    match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() => {
            let found = String::from_utf8(fs::read(&path).map_err(cannot)?).map_err(|_| foreign())?;
            let mut lines = lines_of(&found).ok_or_else(foreign)?;
            if lines.contains(&line.as_str()) {
                ui.say(format!("{} is installed already", path.display()));
                return Ok(Exit::Success);
            }
            lines.push(&line);
            write(&path, &lines).map_err(cannot)?;
            ui.say(format!("brought {} up to date", path.display()));
        }
        Ok(_) => return Err(foreign().into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error).into()),
        Err(_) => {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(cannot)?;
            }
            write(&path, &[&line]).map_err(cannot)?;
            ui.say(format!("installed {}", path.display()));
        }
    }
    Ok(Exit::Success)
}

/// What checks one project. Git runs hooks in the top of the work tree.
fn line(project: &Path) -> String {
    let place = project.to_string_lossy();
    let place = if place.is_empty() { String::new() } else { format!("-C '{}' ", place.replace('\'', r"'\''")) };
    format!("hydrate {place}check -q -e all || exit")
}

/// The lines of a hook of ours; `None` where somebody has put something else into it.
fn lines_of(hook: &str) -> Option<Vec<&str>> {
    let rest = hook.strip_prefix(HEAD)?;
    let lines: Vec<&str> = rest.lines().filter(|line| *line != OLDER).collect();
    lines.iter().all(|line| line.starts_with("hydrate ") && line.ends_with("check -q -e all || exit")).then_some(lines)
}

/// Beside it first: a hook that is half written would let everything pass.
fn write(path: &Path, lines: &[&str]) -> io::Result<()> {
    let beside = path.with_extension("hydrate-new");
    fs::write(&beside, format!("{HEAD}{}\n", lines.join("\n")))?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755))?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_checks_each_project() {
        assert_eq!(line(Path::new("")), "hydrate check -q -e all || exit");
        let quoted = line(Path::new("it's/x"));
        assert_eq!(quoted, r"hydrate -C 'it'\''s/x' check -q -e all || exit");
        assert_eq!(lines_of(&format!("{HEAD}{OLDER}\n")), Some(Vec::new()));
        assert_eq!(lines_of(&format!("{HEAD}{quoted}\n")), Some(vec![quoted.as_str()]));
        for other in ["", "#!/bin/sh\n", &format!("{HEAD}make lint\n"), &format!("{HEAD}{quoted}\nexit 0\n")] {
            assert_eq!(lines_of(other), None);
        }
    }
}
