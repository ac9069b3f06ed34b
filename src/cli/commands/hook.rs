//! `hydrate hook`: a Git hook that checks before every commit.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::{Args, Subcommand};
use tempfile::NamedTempFile;

use crate::cli::args::GlobalArgs;
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::session::open_project;
use crate::cli::ui::Ui;
use crate::git;
use hydrate_base::Diagnostic;

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
            let hook = with_line(&found, &line).ok_or_else(foreign)?;
            if hook == found {
                ui.say(format!("{} is installed already", path.display()));
                return Ok(Exit::Success);
            }
            beside(&path, &hook).and_then(|file| Ok(file.persist(&path).map(drop)?)).map_err(cannot)?;
            ui.say(format!("brought {} up to date", path.display()));
        }
        Ok(_) => return Err(foreign().into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error).into()),
        Err(_) => {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(cannot)?;
            }
            let new = beside(&path, &format!("{HEAD}{line}\n"));
            new.and_then(|file| Ok(file.persist_noclobber(&path).map(drop)?)).map_err(cannot)?;
            ui.say(format!("installed {}", path.display()));
        }
    }
    Ok(Exit::Success)
}

/// What checks one project. Git runs hooks in the top of the work tree.
fn line(project: &Path) -> String {
    let place = project.to_string_lossy();
    let place = if place.is_empty() { String::new() } else { format!("-C '{}' ", place.replace('\'', r"'\''")) };
    format!("hydrate {place}check -q -e all --staged || exit")
}

/// hydrate's own hook with the line in it, which is the same text where it has the line already. `None` where somebody has put something
/// else into the hook: a line behind that might never be reached.
fn with_line(hook: &str, line: &str) -> Option<String> {
    let rest = hook.strip_prefix(HEAD)?;
    let unstaged = |line: &str| line.replace(" --staged", "");
    let is_check = |line: &str| line.starts_with("hydrate ") && unstaged(line).ends_with("check -q -e all || exit");
    // Older versions have checked the work tree.
    let is_older = |other: &str| other == OLDER || (other != line && other == unstaged(line));
    let lines = || rest.lines().filter(|line| !is_older(line));
    if !lines().all(is_check) {
        return None;
    }
    let has_older = rest.lines().any(is_older);
    if !has_older && lines().any(|other| other == line) {
        return Some(hook.to_owned());
    }
    let kept: String = lines().filter(|other| *other != line).map(|line| format!("{line}\n")).collect();
    Some(format!("{HEAD}{kept}{line}\n"))
}

/// The hook in a file beside its place, of a name that nothing has: one that is half written would let everything pass.
fn beside(path: &Path, hook: &str) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(path))?;
    file.write_all(hook.as_bytes())?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o755))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_checks_each_project() {
        assert_eq!(line(Path::new("")), "hydrate check -q -e all --staged || exit");
        let quoted = line(Path::new("it's/x"));
        assert_eq!(quoted, r"hydrate -C 'it'\''s/x' check -q -e all --staged || exit");
        let with = |hook: &str| with_line(&format!("{HEAD}{hook}"), &quoted);
        assert_eq!(with(&format!("{OLDER}\n")), Some(format!("{HEAD}{quoted}\n")));
        assert_eq!(with(&format!("{quoted}\n")), Some(format!("{HEAD}{quoted}\n")));
        assert_eq!(with(&format!("{}\n", quoted.replace(" --staged", ""))), Some(format!("{HEAD}{quoted}\n")));
        let (other, both) = (line(Path::new("x")), format!("{HEAD}{}\n{quoted}\n", line(Path::new("x"))));
        assert_eq!(with(&format!("{other}\n")), Some(both));
        for foreign in ["make lint\n", &format!("{quoted}\nexit 0\n"), &format!("\n{quoted}\n"), &format!("{OLDER}\nx\n")] {
            assert_eq!(with(foreign), None);
        }
        assert_eq!([with_line("", &quoted), with_line("#!/bin/sh\n", &quoted)], [None, None]);
    }

    #[test]
    fn the_hook_takes_no_name_that_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pre-commit");
        std::os::unix::fs::symlink("target", &path).unwrap();
        assert!(beside(&path, "x").unwrap().persist_noclobber(&path).is_err());
        // Also where such a link appears while a hook is brought up to date, nothing is written where it leads.
        beside(&path, "x").unwrap().persist(&path).unwrap();
        assert!(!directory.path().join("target").exists());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
    }
}
