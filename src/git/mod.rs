//! The `git` room: reading revisions and committing the tree, through libgit2. What needs credentials, keys or hooks
//! (push, signing) goes through the user's own `git`.

pub mod commit;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use git2::{ErrorCode, ObjectType, Repository, Tree, TreeWalkMode, TreeWalkResult};

use crate::base::{Diagnostic, Result};

/// The repository that a directory lies in.
pub fn open(root: &Path) -> Result<Repository> {
    let repository = Repository::discover(root).map_err(|error| match error.code() {
        ErrorCode::NotFound => Diagnostic::error(format!("{} is not in a Git repository", root.display()))
            .help("run `git init` there first; rendering and `hydrate check` work without Git"),
        ErrorCode::Owner => Diagnostic::error(format!("the Git repository of {} belongs to somebody else", root.display()))
            .note(error.message().to_owned())
            .help(format!("if you trust it: git config --global --add safe.directory {}", root.display())),
        _ => failed("open the Git repository", &error),
    })?;
    if repository.is_bare() {
        return Err(Diagnostic::error(format!("the Git repository of {} is bare: it has no work tree", root.display())));
    }
    Ok(repository)
}

/// Files of a revision below a directory of the project, by their paths below it.
pub fn files_at(root: &Path, revision: &str, dir: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let repository = open(root)?;
    let unknown = |error: git2::Error| {
        Diagnostic::error(format!("there is no revision `{revision}`"))
            .note(error.message().to_owned())
            .help("name a commit, branch or tag")
    };
    let tree = repository.revparse_single(revision).and_then(|object| object.peel_to_tree()).map_err(unknown)?;
    let prefix = prefix(&repository, root, dir)?;
    let mut files = BTreeMap::new();
    for (path, id) in blobs_below(&repository, &tree, &prefix)? {
        let blob = repository.find_blob(id).map_err(|error| failed("read a file of the revision", &error))?;
        files.insert(path, blob.content().to_vec());
    }
    Ok(files)
}

/// Pushes the current branch through the user's `git`, which knows about credentials.
pub fn push(root: &Path) -> Result<()> {
    let output = Command::new("git").arg("-C").arg(root).arg("push").output().map_err(|error| {
        Diagnostic::error(format!("cannot run git: {error}")).help("`--push` uses your own git, so that its credentials work: install it")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut error = Diagnostic::error("`git push` failed; the commit is there, only not pushed");
    error.notes.extend(said.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
    Err(error.help("push it yourself once that is solved: git push"))
}

/// A directory of the project as a path in the repository, which may lie above it.
fn prefix(repository: &Repository, root: &Path, dir: &str) -> Result<String> {
    let workdir = repository.workdir().and_then(|path| path.canonicalize().ok());
    let below = workdir.as_deref().and_then(|workdir| root.strip_prefix(workdir).ok());
    let below = below.ok_or_else(|| Diagnostic::error(format!("{} is not in the work tree of its Git repository", root.display())))?;
    Ok(below.join(dir).to_string_lossy().replace('\\', "/"))
}

/// The blobs of a tree below a directory, by their paths below it.
fn blobs_below(repository: &Repository, tree: &Tree<'_>, dir: &str) -> Result<BTreeMap<String, git2::Oid>> {
    let mut blobs = BTreeMap::new();
    let Ok(entry) = tree.get_path(Path::new(dir)) else { return Ok(blobs) };
    let Ok(below) = entry.to_object(repository).and_then(|object| object.peel_to_tree()) else { return Ok(blobs) };
    let walked = below.walk(TreeWalkMode::PreOrder, |parent, entry| {
        if let (Some(ObjectType::Blob), Ok(name)) = (entry.kind(), entry.name()) {
            blobs.insert(format!("{parent}{name}"), entry.id());
        }
        TreeWalkResult::Ok
    });
    walked.map_err(|error| failed("read a tree", &error))?;
    Ok(blobs)
}

fn failed(doing: &str, error: &git2::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot {doing}: {}", error.message()))
}

/// The directory of the repository's hooks.
pub fn hooks_dir(root: &Path) -> Result<std::path::PathBuf> {
    let repository = open(root)?;
    let configured = repository.config().and_then(|config| config.get_path("core.hooksPath")).ok();
    let workdir = repository.workdir().unwrap_or(root);
    Ok(configured.map_or_else(|| repository.commondir().join("hooks"), |path| workdir.join(path)))
}
