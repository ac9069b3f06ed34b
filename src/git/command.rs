//! The user's own `git` for one repository.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::process::{Command, ExitStatus, Stdio};

use hydrate_base::{self as base, Diagnostic, Result};

use super::Repository;

/// What a call of `git` said.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl Said {
    /// The text of stdout without the newline at its end.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// An error with what `git` said about it.
    pub(super) fn error(&self, message: impl Into<String>) -> Box<Diagnostic> {
        let lines = self.stderr.lines().filter(|line| !line.trim().is_empty()).take(12);
        lines.fold(Diagnostic::error(message), |error, line| error.note(format!("git: {line}")))
    }
}

impl Repository {
    /// `git` in the work tree, with all of the user's configuration: for what the user has asked Git for.
    pub(super) fn git(&self) -> Command {
        let mut command = base::git::command();
        command.current_dir(self.work_tree()).env("GIT_DIR", self.git_dir()).env("GIT_WORK_TREE", self.work_tree());
        command.env("LC_ALL", "C").env("GIT_LITERAL_PATHSPECS", "1");
        // hydrate's own index files are written and read by it alone; no monitor has to be asked about them.
        command.args(["-c", "core.fsmonitor=false"]);
        command
    }

    /// `git` that reads objects and does nothing else: it runs no program, speaks no protocol and writes nothing.
    pub(super) fn reading_git(&self) -> Command {
        let mut command = self.git();
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none").env("GIT_OPTIONAL_LOCKS", "0");
        command.args(["--no-pager", "--no-replace-objects", "-c", "core.commitGraph=false"]);
        command
    }
}

/// Runs a command to its end. It reads from a file, not from a pipe: where hydrate is killed meanwhile, what has been started does
/// not take half of its input for the whole.
pub(super) fn run(mut command: Command, input: &[u8]) -> Result<Said> {
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::from(file_of(input).map_err(|error| cannot_run(&error))?) };
    let output = command.stdin(stdin).output().map_err(|error| cannot_run(&error))?;
    Ok(Said { status: output.status, stdout: output.stdout, stderr: String::from_utf8_lossy(&output.stderr).into_owned() })
}

/// The same; a failure is an error that begins with these words.
pub(super) fn succeed(command: Command, input: &[u8], cannot: &str) -> Result<Said> {
    let said = run(command, input)?;
    if said.status.success() { Ok(said) } else { Err(said.error(format!("cannot {cannot}"))) }
}

/// The input of `git update-index -z --index-info`: modes and objects by path, none for what goes, which makes room for what comes.
pub(super) fn index_info<'e>(changes: impl Iterator<Item = (&'e str, Option<&'e (String, String)>)>) -> Vec<u8> {
    let (coming, going): (Vec<_>, Vec<_>) = changes.partition(|(_, entry)| entry.is_some());
    let length = coming.iter().find_map(|(_, entry)| Some(entry.as_ref()?.1.len())).unwrap_or(40);
    let zero = "0".repeat(length);
    let going = going.into_iter().map(|(path, _)| format!("0 {zero} 0\t{path}\0"));
    let coming = coming.into_iter().filter_map(|(path, entry)| entry.map(|(mode, id)| format!("{mode} {id} 0\t{path}\0")));
    going.chain(coming).collect::<String>().into_bytes()
}

fn file_of(bytes: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn cannot_run(error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot run git: {error}"))
        .help("install git: hydrate uses your own, so that its hooks, filters, keys and credentials work")
}
