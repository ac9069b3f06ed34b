//! `hydrate hook`: a Git hook that checks before every commit.

use std::fs;
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

const MARK: &str = "\n# Installed by `hydrate hook install`";

const HOOK: &str = "#!/bin/sh
# Installed by `hydrate hook install`: refuses a commit when manifests/ is not what would be rendered.
# Skip it once with: git commit --no-verify
exec hydrate check -q -e all
";

/// Installs the hook, in the directory that `core.hooksPath` names where it does; a hook of somebody else is kept.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &HookArgs) -> Outcome {
    let Action::Install = args.action;
    let project = open_project(global)?;
    let path = git::hooks_dir(&project.root)?.join("pre-commit");
    let cannot = |error: std::io::Error| Diagnostic::error(format!("cannot write {}: {error}", path.display()));
    match fs::read(&path) {
        Ok(found) if found == HOOK.as_bytes() => ui.say(format!("{} is installed already", path.display())),
        // One that an older hydrate has written is brought up.
        Ok(found) if String::from_utf8_lossy(&found).contains(MARK) && found.len() < HOOK.len() * 2 => {
            write(&path).map_err(cannot)?;
            ui.say(format!("brought {} up to date", path.display()));
        }
        Ok(_) => {
            return Err(Diagnostic::error(format!("{} exists and is not hydrate's", path.display()))
                .help("add this line to it: hydrate check -q -e all")
                .into());
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot(error).into()),
        Err(_) => {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(cannot)?;
            }
            write(&path).map_err(cannot)?;
            ui.say(format!("installed {}", path.display()));
        }
    }
    Ok(Exit::Success)
}

fn write(path: &Path) -> std::io::Result<()> {
    fs::write(path, HOOK)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
