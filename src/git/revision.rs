//! Reading files of a revision: through libgit2, and through `git` where libgit2 does not know the form of the repository.
//! Neither runs a program, fetches anything or writes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use git2::{ErrorCode, ObjectType, RepositoryOpenFlags, Tree, TreeWalkMode, TreeWalkResult};

use hydrate_base::{Diagnostic, Result};

use super::command::{self, succeed};
use super::{Repository, lfs};

/// The files of a revision below a directory, by their paths there.
type Files = BTreeMap<String, Vec<u8>>;

/// Files of a revision below a directory of the project, by their paths below it.
pub fn files_at(root: &Path, revision: &str, dir: &str) -> Result<Files> {
    let repository = Repository::of(root)?;
    let prefix = repository.prefix(root, dir)?;
    let mut files = match in_process(&repository, revision, &prefix)? {
        Some(files) => files,
        None => through_git(&repository, revision, &prefix)?,
    };
    lfs::smudge(&repository, &mut files);
    Ok(files)
}

/// The id of a directory of a revision; `None` where there is no such directory, or it cannot be told without running a program.
pub fn directory_id(root: &Path, revision: &str, dir: &str) -> Option<String> {
    let repository = Repository::of(root).ok()?;
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT | RepositoryOpenFlags::BARE;
    let opened = git2::Repository::open_ext(repository.git_dir(), flags, [] as [&OsStr; 0]).ok()?;
    let tree = opened.revparse_single(revision).and_then(|object| object.peel_to_tree()).ok()?;
    let prefix = repository.prefix(root, dir).ok()?;
    Some(tree.get_path(Path::new(&prefix)).ok()?.id().to_string())
}

/// The commit that HEAD and a revision have come from.
pub fn merge_base(root: &Path, revision: &str) -> Result<String> {
    let repository = Repository::of(root)?;
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT | RepositoryOpenFlags::BARE;
    let found = git2::Repository::open_ext(repository.git_dir(), flags, [] as [&OsStr; 0]).and_then(|opened| {
        let commit = |name: &str| opened.revparse_single(name)?.peel_to_commit().map(|commit| commit.id());
        opened.merge_base(commit("HEAD")?, commit(revision)?)
    });
    if let Ok(id) = found {
        return Ok(id.to_string());
    }
    // What libgit2 does not find, or cannot read, `git` is asked for, which says why.
    let mut asked = repository.reading_git();
    asked.args(["merge-base", "--end-of-options", "HEAD", revision]);
    let said = command::run(asked, b"")?;
    let base = said.text().lines().next().unwrap_or_default().to_owned();
    if said.status.success() && !base.is_empty() {
        return Ok(base);
    }
    if said.stderr.trim().is_empty() {
        let error = Diagnostic::error(format!("HEAD and `{revision}` have no commit in common"));
        return Err(if repository.is_shallow() {
            error.note(SHALLOW).help("fetch what is between: git fetch --unshallow (in GitHub Actions `fetch-depth: 0`); or compare with the revision itself: leave `--merge-base` out")
        } else {
            error.help("compare with the revision itself: leave `--merge-base` out")
        });
    }
    Err(missing(&repository, unknown(&repository, revision, said.stderr.lines().next().unwrap_or_default())))
}

/// Whether the branch that is checked out has a commit.
pub fn has_commits(root: &Path) -> Result<bool> {
    let repository = Repository::of(root)?;
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT | RepositoryOpenFlags::BARE;
    if let Ok(opened) = git2::Repository::open_ext(repository.git_dir(), flags, [] as [&OsStr; 0]) {
        return Ok(!matches!(opened.head(), Err(error) if error.code() == ErrorCode::UnbornBranch));
    }
    let mut asked = repository.reading_git();
    asked.args(["rev-parse", "--verify", "--quiet", "HEAD"]);
    Ok(command::run(asked, b"")?.status.success())
}

/// The error where there is no such revision, with what fetches it where it may be elsewhere.
pub(super) fn unknown(repository: &Repository, revision: &str, why: &str) -> Box<Diagnostic> {
    let error = Diagnostic::error(format!("there is no revision `{revision}`")).note(why);
    match fetching(repository, revision) {
        None => error.help("name a commit, branch or tag"),
        Some(command) if repository.is_shallow() => error.note(SHALLOW).help(format!("fetch it: {command}")),
        Some(command) => error.help(format!("name a commit, branch or tag; or fetch it: {command}")),
    }
}

const SHALLOW: &str = "this is a shallow clone: it holds no commits but the last ones of what was fetched";

/// What fetches a revision that a clone does not have; `None` where nothing shows that it may be elsewhere.
fn fetching(repository: &Repository, revision: &str) -> Option<String> {
    let (name, behind) = revision.find(['^', '~']).map_or((revision, ""), |at| revision.split_at(at));
    if name == "HEAD" {
        let depth = behind.strip_prefix('~').and_then(|depth| depth.parse::<u32>().ok()).unwrap_or(1);
        return repository
            .is_shallow()
            .then(|| format!("git fetch --deepen={depth} (in GitHub Actions `fetch-depth: {}`)", depth.saturating_add(1)));
    }
    if let Some(branch) = name.strip_prefix("origin/") {
        let depth = if behind.is_empty() && repository.is_shallow() { "--depth=1 " } else { "" };
        return Some(format!("git fetch {depth}origin {branch}:refs/remotes/origin/{branch}"));
    }
    let is_id = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (repository.is_shallow(), is_id && behind.is_empty()) {
        (false, _) => None,
        (true, true) => Some(format!("git fetch --depth=1 origin {name}")),
        (true, false) => Some("git fetch --unshallow".to_owned()),
    }
}

/// `None` where libgit2 cannot read the repository, or not all of it.
fn in_process(repository: &Repository, revision: &str, prefix: &str) -> Result<Option<Files>> {
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT | RepositoryOpenFlags::BARE;
    let Ok(opened) = git2::Repository::open_ext(repository.git_dir(), flags, [] as [&OsStr; 0]) else { return Ok(None) };
    let tree = match opened.revparse_single(revision).and_then(|object| object.peel_to_tree()) {
        Ok(tree) => tree,
        // An object that is not here may be one that this clone has left out.
        Err(error) if error.code() == ErrorCode::NotFound && is_partial(repository) => return Ok(None),
        Err(error) => return Err(unknown(repository, revision, error.message())),
    };
    Ok(read(&opened, &tree, prefix).ok())
}

fn read(opened: &git2::Repository, tree: &Tree<'_>, prefix: &str) -> Result<Files, git2::Error> {
    let below = match tree.get_path(Path::new(prefix)) {
        Ok(entry) if entry.kind() == Some(ObjectType::Tree) => opened.find_tree(entry.id())?,
        Err(error) if error.code() != ErrorCode::NotFound => return Err(error),
        _ => return Ok(Files::new()),
    };
    let mut files = Vec::new();
    below.walk(TreeWalkMode::PreOrder, |parent, entry| {
        if let (Some(ObjectType::Blob), Ok(name)) = (entry.kind(), entry.name()) {
            files.push((format!("{parent}{name}"), entry.id()));
        }
        TreeWalkResult::Ok
    })?;
    files.into_iter().map(|(path, id)| Ok((path, opened.find_blob(id)?.content().to_vec()))).collect()
}

/// Whether objects may have been left out of this clone.
fn is_partial(repository: &Repository) -> bool {
    let packs = std::fs::read_dir(repository.common_dir().join("objects/pack"));
    packs.into_iter().flatten().flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "promisor"))
}

fn through_git(repository: &Repository, revision: &str, prefix: &str) -> Result<Files> {
    let mut asked = repository.reading_git();
    asked.args(["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{tree}}")]);
    let said = command::run(asked, b"")?;
    let tree = said.text().lines().last().unwrap_or_default().to_owned();
    if !said.status.success() {
        return Err(missing(repository, unknown(repository, revision, said.stderr.lines().next().unwrap_or_default())));
    }
    let listed = entries(repository, &tree, &[prefix])?;
    let ids: Vec<&str> = listed.values().map(|(_, id)| id.as_str()).collect();
    let contents = contents(repository, &ids)?;
    let below = |path: &String| path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
    Ok(listed.keys().zip(contents).filter_map(|(path, bytes)| Some((below(path)?, bytes))).collect())
}

/// The files of a tree below directories: mode and id by their paths in the repository.
pub(super) fn entries(repository: &Repository, tree: &str, dirs: &[&str]) -> Result<BTreeMap<String, (String, String)>> {
    let mut listing = repository.reading_git();
    listing.args(["ls-tree", "-r", "-z", "--full-tree", tree, "--"]).args(dirs);
    let said = succeed(listing, b"", "list the files of the revision").map_err(|error| missing(repository, error))?;
    let mut entries = BTreeMap::new();
    for line in said.stdout.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        // What hydrate writes has names in UTF-8; other files are none of its business.
        let Ok(line) = std::str::from_utf8(line) else { continue };
        if let Some((about, path)) = line.split_once('\t')
            && let [mode, "blob", id] = about.split(' ').collect::<Vec<_>>()[..]
        {
            entries.insert(path.to_owned(), (mode.to_owned(), id.to_owned()));
        }
    }
    Ok(entries)
}

/// The contents of blobs, in this order.
pub(super) fn contents(repository: &Repository, ids: &[&str]) -> Result<Vec<Vec<u8>>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut reading = repository.reading_git();
    reading.args(["cat-file", "--batch"]);
    let said = succeed(reading, format!("{}\n", ids.join("\n")).as_bytes(), "read the files of the revision")
        .map_err(|error| missing(repository, error))?;
    let mut rest = said.stdout.as_slice();
    let mut contents = Vec::new();
    for id in ids {
        let absent = || missing(repository, Diagnostic::error(format!("the object {id} is not in the Git repository")));
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(absent)?;
        let (head, after) = rest.split_at(end);
        let length = String::from_utf8_lossy(head).rsplit(' ').next().and_then(|size| size.parse::<usize>().ok()).ok_or_else(absent)?;
        let after = after.get(1..).unwrap_or_default();
        contents.push(after.get(..length).ok_or_else(absent)?.to_vec());
        rest = after.get(length + 1..).unwrap_or_default();
    }
    Ok(contents)
}

/// Objects that a partial clone has left out are not fetched here: nobody has asked for the network.
fn missing(repository: &Repository, error: Box<Diagnostic>) -> Box<Diagnostic> {
    if !is_partial(repository) {
        return error;
    }
    error
        .note("this is a partial clone: Git leaves objects out until they are asked for, and hydrate does not use the network for them")
        .help("fetch them first: git diff --stat REV, or git fetch --refetch --no-filter")
}
