//! How the user's `git` is called, whatever for: nothing in the environment says which repository it is about.

use std::path::PathBuf;
use std::process::Command;

/// The variables by which a hook, or whoever else calls hydrate, names a repository or a part of one, and those that change how a
/// command reads its arguments. Each call of `git` names its repository itself, so that all calls of a run are about the same.
const OF_ANOTHER: [&str; 24] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// A call of the user's `git` that is about no repository yet: `GIT_DIR` or `--git-dir` has to be given to it.
pub fn command() -> Command {
    let mut command = Command::new(program());
    OF_ANOTHER.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// `git`; where there is none, the error of running this one says so.
fn program() -> PathBuf {
    in_path("git").unwrap_or_else(|| PathBuf::from("/usr/bin/git"))
}

/// A program as the absolute directories of PATH have it: a relative one would be looked up in the project.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).filter(|directory| directory.is_absolute()).map(|directory| directory.join(name));
    found.find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_variable_names_a_repository() {
        let command = command();
        assert!(command.get_program().to_string_lossy().starts_with('/'));
        let removed: Vec<_> = command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name.to_string_lossy()).collect();
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"] {
            assert!(removed.iter().any(|removed| removed == name), "{name}");
        }
        // What says who somebody is, and how they reach a server, is theirs.
        assert!(!removed.iter().any(|name| name.starts_with("GIT_AUTHOR") || name.starts_with("GIT_SSH")));
    }
}
