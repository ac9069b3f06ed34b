//! What of the sources of a rendering is not committed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use hydrate_base::{Diagnostic, Result};

use super::command::succeed;
use super::{Ignored, Repository};

/// What a rendering was made from, as far as it lies on this disk: absolute paths without links.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Files that were read, or looked for.
    pub files: BTreeSet<PathBuf>,
    /// Directories whose names were listed.
    pub directories: BTreeSet<PathBuf>,
    /// Directories everything in which counts: those of components that are gone.
    pub whole: BTreeSet<PathBuf>,
}

impl Sources {
    /// The same with what links on the way lead to.
    fn with_targets(&self) -> Self {
        let mut real: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
        let mut of_directory = |directory: &Path| real.entry(directory.to_owned()).or_insert_with(|| directory.canonicalize().ok()).clone();
        let mut all = self.clone();
        for file in &self.files {
            let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else { continue };
            let there = of_directory(parent).map(|parent| parent.join(name));
            let target =
                std::fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_symlink()).then(|| file.canonicalize().ok()).flatten();
            all.files.extend(there.into_iter().chain(target));
        }
        all.directories.extend(self.directories.iter().filter_map(|directory| of_directory(directory)));
        all
    }

    /// Whether a change of this path may have changed what was rendered.
    fn concern(&self, path: &Path) -> bool {
        self.files.contains(path)
            || path.parent().is_some_and(|parent| self.directories.contains(parent))
            || path.ancestors().any(|above| self.whole.contains(above))
    }

    /// Whether files below this directory were read, which is one entry of Git's: a submodule, or another repository.
    fn are_below(&self, directory: &Path) -> bool {
        self.files.range(directory.to_owned()..).next().is_some_and(|file| file.starts_with(directory))
    }
}

/// What is said of a file that is gone.
const DELETED: &str = "deleted";

/// A source that is not in HEAD as it is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncommitted {
    /// Its path in the repository.
    pub path: String,
    /// What Git says of it: new, changed, deleted.
    pub state: &'static str,
    /// Whether it is a repository of its own, whose files are none of this one's.
    pub is_repository: bool,
}

/// Whether anything is staged.
///
/// # Errors
/// Where Git cannot say.
pub fn are_staged(root: &Path) -> Result<bool> {
    let mut status = Repository::of(root)?.git();
    of_hook(&mut status).args(["status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=dirty"]);
    let said = succeed(status, b"", "say what is staged")?;
    Ok(said.stdout.split(|byte| *byte == 0).any(|entry| entry.first().is_some_and(|state| *state != b' ')))
}

/// Whether anything that a rendering was made from, or that hydrate writes, is on disk as it is staged: else what is staged has to be looked at by itself.
///
/// # Errors
/// Where Git cannot say.
pub fn are_as_staged(root: &Path, sources: &Sources, ours: &[PathBuf]) -> Result<bool> {
    let (repository, sources) = (Repository::of(root)?, sources.with_targets());
    let said = status(&repository)?;
    let differs = |(state, path): (&str, &str)| {
        let absolute = repository.work_tree().join(path.trim_end_matches('/'));
        let concerns =
            || ours.iter().any(|directory| absolute.starts_with(directory)) || sources.concern(&absolute) || sources.are_below(&absolute);
        state.as_bytes().get(1).is_none_or(|state| *state != b' ') && concerns()
    };
    Ok(!entries(&said).any(differs))
}

/// In a hook of `git commit`, the index is the one that is committed. It is only looked at.
fn of_hook(command: &mut Command) -> &mut Command {
    command.env("GIT_OPTIONAL_LOCKS", "0");
    if let Some(index) = std::env::var_os("GIT_INDEX_FILE") {
        command.env("GIT_INDEX_FILE", index);
    }
    command
}

/// What Git says of all files that are not as in HEAD.
fn status(repository: &Repository) -> Result<Vec<u8>> {
    let mut status = repository.git();
    of_hook(&mut status).args(["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none"]);
    Ok(succeed(status, b"", "say what is not committed")?.stdout)
}

/// The entries of such an answer: two letters, and the path.
fn entries(said: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let entry = |entry| std::str::from_utf8(entry).ok().and_then(|entry| entry.split_at_checked(3));
    said.split(|byte| *byte == 0).filter_map(entry)
}

impl Uncommitted {
    /// Whether it is not there any more.
    pub fn is_gone(&self) -> bool {
        self.state == DELETED
    }
}

/// The sources that are not in HEAD as they are on disk; `ours` are the directories of the project that hydrate writes.
///
/// # Errors
/// Where Git cannot say.
pub fn uncommitted(root: &Path, sources: &Sources, ours: &[PathBuf]) -> Result<Vec<Uncommitted>> {
    let (repository, sources) = (Repository::of(root)?, sources.with_targets());
    let said = status(&repository)?;
    let mut found = Vec::new();
    for (state, path) in entries(&said) {
        let is_directory = path.ends_with('/');
        let absolute = repository.work_tree().join(path.trim_end_matches('/'));
        if ours.iter().any(|directory| absolute.starts_with(directory)) {
            continue;
        }
        // What is read below an entry is read by way of a link, or in a repository of its own.
        if !sources.concern(&absolute) && !sources.are_below(&absolute) {
            continue;
        }
        let metadata = std::fs::symlink_metadata(&absolute);
        let is_repository = is_directory || metadata.as_ref().is_ok_and(std::fs::Metadata::is_dir);
        // What lies behind a link is another file than Git's.
        let is_gone = metadata.is_err() || absolute.parent().is_none_or(|parent| parent.canonicalize().map_or(true, |real| real != parent));
        let state = match state.trim() {
            _ if is_gone => DELETED,
            "??" | "A" | "AM" => "new",
            _ => "changed",
        };
        found.push(Uncommitted { path: path.trim_end_matches('/').to_owned(), state, is_repository });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Puts sources of a work tree over a revision that was checked out elsewhere.
///
/// # Errors
/// Those that the revision has otherwise than HEAD: somebody else has changed them too.
pub fn overlay(root: &Path, sources: &[Uncommitted], onto: &Path, revision: &str) -> Result<()> {
    let (from, to) = (Repository::of(root)?, Repository::of(onto)?);
    let paths: Vec<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let (ours, theirs) = (super::revision::entries(&from, "HEAD", &paths)?, super::revision::entries(&from, revision, &paths)?);
    // What the revision has already is what an earlier run has pushed before it was stopped.
    let is_there = |source: &&Uncommitted| same_as(&from, source, theirs.get(&source.path)).unwrap_or(false);
    let sources: Vec<&Uncommitted> = sources.iter().filter(|source| !is_there(source)).collect();
    if let Some(path) = sources.iter().map(|source| &source.path).find(|path| ours.get(*path) != theirs.get(*path)) {
        return Err(Diagnostic::error(format!("{path} was changed here, and by somebody else who has pushed it"))
            .note("nothing was written, committed or pushed")
            .help("bring the two together first: commit the sources, and git pull"));
    }
    for source in sources {
        let (old, new) = (from.work_tree().join(&source.path), to.work_tree().join(&source.path));
        let cannot = |error: std::io::Error| Diagnostic::error(format!("cannot copy {}: {error}", source.path));
        if source.is_repository {
            return Err(Diagnostic::error(format!("{} is a repository of its own, and has changes that are not committed", source.path))
                .note("nothing was committed")
                .help("commit there, and the submodule here, and run hydrate again"));
        }
        if std::fs::symlink_metadata(&new).is_ok() {
            std::fs::remove_file(&new).map_err(cannot)?;
        }
        if source.is_gone() {
            continue;
        }
        if let Some(parent) = new.parent() {
            std::fs::create_dir_all(parent).map_err(cannot)?;
        }
        if std::fs::symlink_metadata(&old).map_err(cannot)?.is_symlink() {
            std::fs::read_link(&old).and_then(|target| std::os::unix::fs::symlink(target, &new)).map_err(cannot)?;
        } else {
            std::fs::copy(&old, &new).map_err(cannot)?;
        }
    }
    Ok(())
}

/// Whether a source is on disk as an entry of a tree has it.
fn same_as(repository: &Repository, source: &Uncommitted, entry: Option<&(String, String)>) -> Result<bool> {
    let Some((mode, id)) = entry else { return Ok(source.is_gone()) };
    let path = repository.work_tree().join(&source.path);
    let Ok(metadata) = std::fs::symlink_metadata(&path) else { return Ok(false) };
    if metadata.is_symlink() {
        let target = std::fs::read_link(&path).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))?;
        return Ok(mode == "120000" && *id == super::commit::blob_id(target.as_os_str().as_encoded_bytes(), id.len()));
    }
    if source.is_gone() || !metadata.is_file() || mode == "120000" {
        return Ok(false);
    }
    let mut hashing = repository.git();
    hashing.args(["hash-object", "--"]).arg(&source.path);
    Ok(succeed(hashing, b"", "compare a file with the Git repository")?.text() == *id)
}

/// How many paths an error names.
const SHOWN: usize = 12;

/// Why manifests are not committed without these sources, and the ways to go.
/// Where it goes to a branch of its own, they cannot be committed with it.
pub fn refused(uncommitted: &[Uncommitted], env: &str, on_branch: bool) -> Box<Diagnostic> {
    let mut error = Diagnostic::error(format!("environment {env} is rendered from files that are not committed"));
    error.notes.extend(uncommitted.iter().take(SHOWN).map(|one| format!("{}: {}", one.state, one.path)));
    if uncommitted.len() > SHOWN {
        error = error.note(format!("and {} more", uncommitted.len() - SHOWN));
    }
    let head = "`--commit=head` commits what HEAD renders to, and leaves these files out";
    if on_branch {
        return error
            .note("nothing was committed: the branch of the environment holds what a commit renders to")
            .help("commit these files first")
            .help(head);
    }
    error
        .note("nothing was written or committed: a commit with the manifests alone would not pass `hydrate check` in a clone")
        .help("`--commit=with-sources` commits these files and what is rendered from them together")
        .help(head)
        .help("`commit: {sources: include}` (or `head`) in hydrate.yaml makes one of them what `--commit` does; or commit the files yourself first")
}

/// A warning about files that were read and that Git ignores: who clones the repository does not have them.
pub fn unknown_to_clones(root: &Path, sources: &Sources, ours: &[PathBuf]) -> Vec<Box<Diagnostic>> {
    let ignored = Ignored::at(root);
    let is_ours = |file: &&PathBuf| ours.iter().any(|directory| file.starts_with(directory));
    let read = sources.files.iter().filter(|file| file.starts_with(root) && !is_ours(file) && file.is_file());
    let names: Vec<String> = read.filter(|file| ignored.has(file)).map(|file| shown(root, file)).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    let listed = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    vec![
        Diagnostic::warning(format!("it is rendered from what Git ignores: {listed}{more}"))
            .note("a clone does not have it, so `hydrate check` gives another result there"),
    ]
}

fn shown(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).display().to_string()
}
