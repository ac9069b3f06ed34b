//! Committing exactly what hydrate owns of one environment.
//!
//! The commit's tree is HEAD's with the files of the environment's tree put in: what the user has staged or edited
//! elsewhere stays out of the commit, and stays staged or edited. In the index only the committed files move.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, Index, Oid, Repository, RepositoryState, Signature, Tree};

use crate::base::{Diagnostic, Fate, Result};

use super::Repository as Found;

/// What one commit did.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The commit.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// The branch it is on; `None` on a detached HEAD.
    pub branch: Option<String>,
}

/// What is to be committed.
pub struct Request<'a> {
    /// The project's root.
    pub root: &'a Path,
    /// The directories that the commit is about.
    pub areas: &'a [Area<'a>],
    /// The name of the files that `Area::owned_before` needs.
    pub index_name: &'a str,
    /// The message, given what becomes of each path: the place of its area among `areas`, and the path below that.
    pub message: &'a dyn Fn(&Fates) -> String,
}

/// What becomes of each path of each area.
pub type Fates = BTreeMap<(usize, String), Fate>;

/// A directory of the project in which files are ours.
pub struct Area<'a> {
    /// Its path in the project: `manifests/k3d`.
    pub dir: &'a str,
    /// The paths below it that are ours and on disk.
    pub on_disk: &'a [String],
    /// Which paths of a revision were ours, given its files below the directory that are named `index_name`.
    pub owned_before: &'a dyn Fn(&BTreeMap<String, Vec<u8>>) -> Vec<String>,
}

/// Commits the files as they are on disk; `None` when the last commit has them already.
pub fn commit(request: &Request<'_>) -> Result<Option<Committed>> {
    let found = Found::of(request.root)?;
    let repository = open(&found)?;
    check_state(&repository)?;
    let parent = parent(&repository)?;
    let base = parent.as_ref().map(Commit::tree).transpose().map_err(|error| failed("read the last commit", &error))?;
    let mut index = repository.index().map_err(|error| failed("read the Git index", &error))?;
    let mut fates = Fates::new();
    let mut whole = BTreeMap::new();
    for (number, area) in request.areas.iter().enumerate() {
        let prefix = found.prefix(request.root, area.dir)?;
        let before = base.as_ref().map_or_else(|| Ok(BTreeMap::new()), |tree| blobs_below(&repository, tree, &prefix))?;
        let mut found = deletions(&repository, &before, area, request.index_name)?;
        stage(&mut index, &prefix, &before, area.on_disk, &mut found)?;
        whole.extend(found.iter().map(|(path, fate)| (format!("{prefix}/{path}"), *fate)));
        fates.extend(found.into_iter().map(|(path, fate)| ((number, path), fate)));
    }
    if fates.is_empty() {
        return Ok(None);
    }
    let tree = build_tree(&repository, base.as_ref(), &index, &whole)?;
    let message = (request.message)(&fates);
    let id = write_commit(&found, &repository, &tree, parent.as_ref(), &message)?;
    for path in whole.iter().filter(|(_, fate)| **fate == Fate::Deleted).map(|(path, _)| path) {
        // Not being in the index is just what is wanted.
        let _ = index.remove_path(Path::new(path));
    }
    index.write().map_err(|error| failed("write the Git index (the commit was made)", &error))?;
    let branch = repository.head().ok().filter(git2::Reference::is_branch).and_then(|head| head.shorthand().ok().map(str::to_owned));
    Ok(Some(Committed { id: id.to_string(), subject: message.lines().next().unwrap_or_default().to_owned(), branch }))
}

fn open(found: &Found) -> Result<Repository> {
    let flags = git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::NO_DOTGIT;
    let opened = Repository::open_ext(found.git_dir(), flags, [] as [&std::ffi::OsStr; 0]);
    let repository = opened.map_err(|error| failed("open the Git repository", &error))?;
    repository.set_workdir(found.work_tree(), false).map_err(|error| failed("open the Git repository", &error))?;
    Ok(repository)
}

fn failed(doing: &str, error: &git2::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot {doing}: {}", error.message()))
}

/// The blobs of a tree below a directory, by their paths below it.
fn blobs_below(repository: &Repository, tree: &Tree<'_>, dir: &str) -> Result<BTreeMap<String, git2::Oid>> {
    let mut blobs = BTreeMap::new();
    let Ok(entry) = tree.get_path(Path::new(dir)) else { return Ok(blobs) };
    let Ok(below) = entry.to_object(repository).and_then(|object| object.peel_to_tree()) else { return Ok(blobs) };
    let walked = below.walk(git2::TreeWalkMode::PreOrder, |parent, entry| {
        if let (Some(git2::ObjectType::Blob), Ok(name)) = (entry.kind(), entry.name()) {
            blobs.insert(format!("{parent}{name}"), entry.id());
        }
        git2::TreeWalkResult::Ok
    });
    walked.map_err(|error| failed("read a tree", &error))?;
    Ok(blobs)
}

fn check_state(repository: &Repository) -> Result<()> {
    if repository.path().join("index.lock").exists() {
        return Err(
            Diagnostic::error("another git process is using the index").help("wait for it; if none is running, delete .git/index.lock")
        );
    }
    let state = repository.state();
    if state == RepositoryState::Clean {
        return Ok(());
    }
    Err(Diagnostic::error(format!("a Git operation is in progress ({state:?})"))
        .help("finish or abort it first; hydrate does not commit into the middle of it"))
}

/// The commit that HEAD is; `None` in a repository without commits.
fn parent(repository: &Repository) -> Result<Option<Commit<'_>>> {
    match repository.head() {
        Ok(head) => head.peel_to_commit().map(Some).map_err(|error| failed("read the last commit", &error)),
        Err(error) if error.code() == git2::ErrorCode::UnbornBranch => Ok(None),
        Err(error) => Err(failed("read HEAD", &error)),
    }
}

/// What the last commit has of ours and the disk no longer does.
fn deletions(repository: &Repository, before: &BTreeMap<String, Oid>, area: &Area<'_>, index_name: &str) -> Result<BTreeMap<String, Fate>> {
    let is_index = |path: &str| path.rsplit('/').next() == Some(index_name);
    let mut indexes = BTreeMap::new();
    for (path, id) in before.iter().filter(|(path, _)| is_index(path)) {
        let blob = repository.find_blob(*id).map_err(|error| failed("read the last commit", &error))?;
        indexes.insert(path.clone(), blob.content().to_vec());
    }
    let gone = |path: &String| before.contains_key(path) && !area.on_disk.contains(path);
    Ok((area.owned_before)(&indexes).into_iter().filter(gone).map(|path| (path, Fate::Deleted)).collect())
}

/// Puts the files into the index in memory, with the line endings and filters that Git is configured for, and notes
/// those that differ from the last commit.
fn stage(
    index: &mut Index,
    prefix: &str,
    before: &BTreeMap<String, Oid>,
    on_disk: &[String],
    fates: &mut BTreeMap<String, Fate>,
) -> Result<()> {
    for path in on_disk {
        let whole = format!("{prefix}/{path}");
        index.add_path(Path::new(&whole)).map_err(|error| failed(&format!("add {whole}"), &error))?;
        let id = index.get_path(Path::new(&whole), 0).map(|entry| entry.id);
        match before.get(path) {
            None => fates.insert(path.clone(), Fate::Created),
            Some(old) if Some(*old) != id => fates.insert(path.clone(), Fate::Changed),
            _ => None,
        };
    }
    Ok(())
}

/// HEAD's tree with the changed files put in and the deleted ones taken out.
fn build_tree<'r>(repository: &'r Repository, base: Option<&Tree<'r>>, index: &Index, fates: &BTreeMap<String, Fate>) -> Result<Tree<'r>> {
    let cannot = |error: git2::Error| failed("write the tree of the commit", &error);
    let mut update = TreeUpdateBuilder::new();
    for (path, fate) in fates {
        match (fate, index.get_path(Path::new(path), 0)) {
            (Fate::Deleted, _) => update.remove(path),
            (_, Some(entry)) => update.upsert(path, entry.id, FileMode::Blob),
            (_, None) => &mut update,
        };
    }
    let empty = match base {
        Some(_) => None,
        None => {
            Some(repository.treebuilder(None).and_then(|builder| builder.write()).and_then(|id| repository.find_tree(id)).map_err(cannot)?)
        }
    };
    let base = base.or(empty.as_ref()).expect("there is a base or the empty tree stands in for it");
    let id = update.create_updated(repository, base).map_err(cannot)?;
    repository.find_tree(id).map_err(cannot)
}

fn write_commit(found: &Found, repository: &Repository, tree: &Tree<'_>, parent: Option<&Commit<'_>>, message: &str) -> Result<Oid> {
    let signs = repository.config().and_then(|config| config.get_bool("commit.gpgsign")).unwrap_or(false);
    if signs {
        return write_signed(found, tree, parent, message);
    }
    let author = signature(repository, "AUTHOR")?;
    let committer = signature(repository, "COMMITTER")?;
    let parents: Vec<&Commit<'_>> = parent.into_iter().collect();
    repository.commit(Some("HEAD"), &author, &committer, message, tree, &parents).map_err(|error| failed("make the commit", &error))
}

/// Name and address as Git finds them: the environment variables first, then the configuration.
fn signature(repository: &Repository, role: &str) -> Result<Signature<'static>> {
    let config =
        repository.config().and_then(|mut config| config.snapshot()).map_err(|error| failed("read the Git configuration", &error))?;
    let value = |what: &str| {
        let variable = std::env::var(format!("GIT_{role}_{}", what.to_uppercase())).ok().filter(|value| !value.is_empty());
        variable.or_else(|| config.get_str(&format!("user.{what}")).ok().map(str::to_owned).filter(|value| !value.is_empty()))
    };
    let (Some(name), Some(email)) = (value("name"), value("email")) else {
        return Err(Diagnostic::error("Git does not know who you are: user.name and user.email are not set")
            .note("the tree is written; only the commit is missing")
            .help("git config --global user.name \"Your Name\"")
            .help("git config --global user.email you@example.org"));
    };
    Signature::now(&name, &email).map_err(|error| failed("sign with your name", &error))
}

/// Signed commits are made by the user's `git`, which knows keys and agents.
fn write_signed(repository: &Found, tree: &Tree<'_>, parent: Option<&Commit<'_>>, message: &str) -> Result<Oid> {
    let tree_id = tree.id().to_string();
    let parent_id = parent.map(|parent| parent.id().to_string());
    let mut arguments = vec!["commit-tree", "-S", &tree_id, "-F", "-"];
    if let Some(parent) = &parent_id {
        arguments.extend(["-p", parent]);
    }
    let id = git(repository, &arguments, message)?;
    let zero = "0".repeat(id.len());
    git(repository, &["update-ref", "-m", "commit: hydrate", "HEAD", &id, parent_id.as_deref().unwrap_or(&zero)], "")?;
    Oid::from_str(&id).map_err(|error| failed("read the signed commit", &error))
}

fn git(repository: &Found, arguments: &[&str], input: &str) -> Result<String> {
    let cannot = |error: std::io::Error| Diagnostic::error(format!("cannot run git to sign the commit: {error}"));
    let mut command = repository.git();
    command.args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(cannot)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(cannot)?;
    }
    let output = child.wait_with_output().map_err(cannot)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let mut error = Diagnostic::error(format!("`git {}` failed", arguments.first().copied().unwrap_or_default()));
    error.notes.extend(String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned));
    Err(error.help("commits are signed because commit.gpgsign is set; see that `git commit -S` works"))
}
