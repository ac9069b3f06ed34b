//! The user's hooks, run as `git commit` runs them.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hydrate_base::{self as base, Diagnostic, Result};

use super::super::Repository;
use super::super::command;
use super::journal::{Held, cannot_write};
use super::{Request, Wanted, read_file, written_tree};

/// Tells hydrate, where a hook calls it, for which project a commit is being made.
const CALLER: &str = "HYDRATE_COMMIT";

/// Whether this process was called by a hook of a commit that hydrate makes for the project.
pub fn called_for(root: &Path) -> bool {
    std::env::var_os(CALLER).is_some_and(|project| Path::new(&project) == root)
}

/// Refuses to write or commit where that would wait for the commit that has called it.
pub fn refuse_from_hook(root: &Path) -> Result<()> {
    if !called_for(root) {
        return Ok(());
    }
    Err(Diagnostic::error("hydrate was called by a hook of the commit that it is making")
        .help("leave that to the run that makes the commit; `hydrate check` has nothing to do there"))
}

/// Where hooks are.
#[derive(Debug)]
pub(super) struct Hooks {
    directory: PathBuf,
    /// Newer versions of Git find hooks in the configuration too.
    configured: bool,
}

impl Hooks {
    /// `named` says whether core.hooksPath is set, `configured` whether there are hooks in the configuration.
    pub(super) fn of(repository: &Repository, named: bool, configured: bool) -> Result<Self> {
        if !named {
            return Ok(Self { directory: repository.common_dir().join("hooks"), configured });
        }
        let mut asked = repository.git();
        asked.args(["rev-parse", "--git-path", "hooks"]);
        let said = command::succeed(asked, b"", "find the directory of Git's hooks")?;
        Ok(Self { directory: repository.work_tree().join(said.text()), configured })
    }

    /// The hooks that come before a commit; gives its message as they have left it.
    pub(super) fn run_before(
        &self,
        held: &Held<'_>,
        request: &Request<'_>,
        wanted: &Wanted,
        tree: &str,
        message: String,
        said: &mut Vec<String>,
    ) -> Result<String> {
        let hooks = ["pre-commit", "prepare-commit-msg", "commit-msg"];
        if !hooks.iter().any(|name| self.is_there(name)) {
            return Ok(message);
        }
        let file = held.repository.git_dir().join("COMMIT_EDITMSG");
        fs::write(&file, &message).map_err(|error| cannot_write(&file, &error))?;
        let path = file.as_os_str();
        let before = contents_of(held.repository, wanted);
        for (name, arguments) in
            [("pre-commit", vec![]), ("prepare-commit-msg", vec![path, "message".as_ref()]), ("commit-msg", vec![path])]
        {
            if !self.is_there(name) {
                continue;
            }
            said.extend(self.run(held, request, name, &arguments)?);
            let is_same = written_tree(held)? == tree && contents_of(held.repository, wanted) == before;
            if !is_same {
                return Err(Diagnostic::error(format!("the hook {name} has changed what is to be committed"))
                    .note("nothing was committed: a commit holds what was rendered and nothing else")
                    .note(format!("the hook is {}", self.directory.join(name).display()))
                    .help("leave manifests/ out of the hook, or render what it asks for"));
            }
        }
        let text = fs::read(&file).map_err(|error| cannot_write(&file, &error))?;
        let text = cleaned(&String::from_utf8_lossy(&text));
        if text.is_empty() {
            return Err(Diagnostic::error("the hooks have left no message for the commit").note("nothing was committed"));
        }
        Ok(text)
    }

    /// The hook that comes after a commit; it cannot stop anything any more.
    pub(super) fn run_after(&self, repository: &Repository) -> Vec<String> {
        if !self.is_there("post-commit") {
            return Vec::new();
        }
        let mut command = self.command(repository, "post-commit", &[]);
        command.env("GIT_INDEX_FILE", repository.git_dir().join("index"));
        output(command).map(|(_, lines)| lines).unwrap_or_else(|error| vec![error.message])
    }

    fn is_there(&self, name: &str) -> bool {
        let file = fs::metadata(self.directory.join(name));
        self.configured || file.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    }

    fn run(&self, held: &Held<'_>, request: &Request<'_>, name: &str, arguments: &[&OsStr]) -> Result<Vec<String>> {
        let mut command = self.command(held.repository, name, arguments);
        command.env("GIT_INDEX_FILE", held.file("tree")).env("GIT_EDITOR", ":").env(CALLER, request.root);
        let (succeeded, lines) = output(command)?;
        if succeeded {
            return Ok(lines);
        }
        let error = Diagnostic::error(format!("the hook {name} refuses the commit")).note("nothing was committed");
        let from = lines.len().saturating_sub(20);
        let error = lines.into_iter().skip(from).fold(error, |error, line| error.note(line));
        Err(error.help(format!("the hook is {}", self.directory.join(name).display())))
    }

    /// In the top of the work tree, where Git finds the repository by itself, as for hooks of `git commit`.
    fn command(&self, repository: &Repository, name: &str, arguments: &[&OsStr]) -> Command {
        let mut command = base::git::command();
        if self.configured {
            command.args(["hook", "run", "--ignore-missing", name, "--"]);
        } else {
            let called = Command::new(self.directory.join(name));
            let removed: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
            command = called;
            removed.iter().for_each(|name| {
                command.env_remove(name);
            });
        }
        command.args(arguments).current_dir(repository.work_tree()).env_remove(CALLER);
        command
    }
}

/// Whether a hook succeeded, and what it said. It says it to a file: what it leaves running keeps nobody waiting.
fn output(mut command: Command) -> Result<(bool, Vec<String>)> {
    let program = PathBuf::from(command.get_program());
    let cannot = |error: std::io::Error| {
        Diagnostic::error(format!("cannot run the hook {}: {error}", program.display())).note("nothing was committed")
    };
    let mut file = tempfile::tempfile().map_err(cannot)?;
    let (stdout, stderr) = (file.try_clone().map_err(cannot)?, file.try_clone().map_err(cannot)?);
    let status = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).status().map_err(cannot)?;
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.take(1 << 20).read_to_end(&mut text)).map_err(cannot)?;
    let lines = String::from_utf8_lossy(&text).lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    Ok((status.success(), lines))
}

/// The files as they are on disk; what cannot be read is nothing.
fn contents_of(repository: &Repository, wanted: &Wanted) -> Vec<Option<Vec<u8>>> {
    wanted.keys().map(|path| read_file(&repository.work_tree().join(path)).ok()).collect()
}

/// A message without space at the ends of lines and of itself, as `git commit` leaves it where nobody edits it.
fn cleaned(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    while lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cleaned() {
        for (text, clean) in [("\n\n a  \n\n\n\nb\n\n", " a\n\nb\n"), ("a", "a\n"), ("", ""), (" \n\t\n", "")] {
            assert_eq!(cleaned(text), clean);
        }
    }
}
