//! The branch that holds what an environment renders to, and nothing else: it has a history of its own, and is never checked out.
//!
//! A view of it beside its sources is a commit that nobody sees: the tree of the sources, with the environment's tree where a project has it. Whoever renders,
//! checks or compares in such a commit needs to know nothing about branches.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hydrate_base::{Diagnostic, Result};

use super::command::{index_info, run, succeed};
use super::remote::{Remote, everybodys};
use super::revision::{contents, entries};
use super::{Repository, lines_of};

/// What is said where the branch of an environment is in the way of itself.
const NOTHING: &str = "nothing was committed";

/// The branch of an environment.
#[derive(Debug)]
pub struct EnvironmentBranch {
    repository: Repository,
    /// Its name.
    pub name: String,
    /// The directory in it that the tree is in; empty for its top.
    pub path: String,
    /// The branch that it begins at, where it is not there yet.
    pub proposed_for: Option<String>,
    /// The remote that it is pushed to, where there is one.
    pub remote: Option<Remote>,
}

/// The commit that a branch is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// The commit.
    pub commit: String,
    /// Whether the branch is there; else this is where it is to begin.
    pub is_own: bool,
}

/// The files of a revision below a directory: mode and id by their paths there.
pub type Entries = BTreeMap<String, (String, String)>;

/// What is to change in a branch: content by path, `None` where a file goes.
pub type FileChanges = BTreeMap<String, Option<Vec<u8>>>;

impl EnvironmentBranch {
    /// A branch of the repository that a project lies in.
    ///
    /// # Errors
    /// Where there is no repository.
    pub fn new(root: &Path, name: String, path: String, proposed_for: Option<String>) -> Result<Self> {
        let repository = Repository::of(root)?;
        let remote = Remote::of(&repository)?;
        Ok(Self { repository, name, path, proposed_for, remote })
    }

    /// Where the branch is, by what is known here of it and of the remote's.
    ///
    /// # Errors
    /// Where both have commits that the other has not.
    pub fn tip(&self) -> Result<Option<Tip>> {
        if let Some(commit) = self.known(&self.name)? {
            return Ok(Some(Tip { commit, is_own: true }));
        }
        let Some(active) = &self.proposed_for else { return Ok(None) };
        Ok(self.known(active)?.map(|commit| Tip { commit, is_own: false }))
    }

    /// The tip, which has to be there.
    ///
    /// # Errors
    /// Where it is not, with the command that fetches it.
    pub fn known_tip(&self) -> Result<Tip> {
        self.tip()?.filter(|tip| tip.is_own).ok_or_else(|| {
            let error = Diagnostic::error(format!("the branch {} is not in this clone", self.name));
            match &self.remote {
                Some(remote) => error
                    .help(format!("if it is there already: git fetch {0} {1}:refs/remotes/{0}/{1}", remote.name, self.name))
                    .help("else the first commit makes it: hydrate -e ENV --commit"),
                None => error.help("the first commit makes it: hydrate -e ENV --commit"),
            }
        })
    }

    /// What is known of a branch: of the local one and the remote's, the one that has the other in it.
    fn known(&self, name: &str) -> Result<Option<String>> {
        let local = self.commit_of(&format!("refs/heads/{name}"))?;
        let tracking = match &self.remote {
            Some(remote) => self.commit_of(&remote.tracking(name))?,
            None => None,
        };
        match (local, tracking) {
            (Some(local), Some(tracking)) if local != tracking => {
                if self.is_ancestor(&local, &tracking)? {
                    Ok(Some(tracking))
                } else if self.is_ancestor(&tracking, &local)? {
                    Ok(Some(local))
                } else {
                    let remote = self.remote.as_ref().map_or("", |remote| &remote.name);
                    Err(Diagnostic::error(format!("the branch {name} has other commits here than on {remote}"))
                        .note("what is rendered is never merged or rebased; it is rendered again on what is there")
                        .help(format!("take what the remote has: git branch -f {name} {remote}/{name}")))
                }
            }
            (local, tracking) => Ok(local.or(tracking)),
        }
    }

    /// Whether there is a local branch of the name.
    pub fn is_here(&self) -> Result<bool> {
        Ok(self.commit_of(&format!("refs/heads/{}", self.name))?.is_some())
    }

    /// Commits of the local branch that the remote has not.
    pub fn unpushed(&self) -> Result<usize> {
        let Some(remote) = &self.remote else { return Ok(0) };
        let (local, tracking) = (format!("refs/heads/{}", self.name), remote.tracking(&self.name));
        if self.commit_of(&local)?.is_none() {
            return Ok(0);
        }
        let mut counting = self.repository.reading_git();
        counting.args(["rev-list", "--count", &local]);
        if self.commit_of(&tracking)?.is_some() {
            counting.arg(format!("^{tracking}"));
        }
        Ok(succeed(counting, b"", "count the commits of the branch")?.text().parse().unwrap_or_default())
    }

    /// The commit of a reference.
    fn commit_of(&self, reference: &str) -> Result<Option<String>> {
        commit_of(&self.repository, reference)
    }

    /// Whether a commit is another one, or came before it.
    ///
    /// # Errors
    /// Where one of them is not in this clone.
    pub fn is_ancestor(&self, old: &str, new: &str) -> Result<bool> {
        self.repository.is_ancestor(old, new)?.ok_or_else(|| self.not_here(old))
    }

    /// Whether a commit is in this clone, with its files.
    pub fn has(&self, commit: &str) -> bool {
        commit_of(&self.repository, commit).is_ok_and(|found| found.is_some())
    }

    /// Why a commit that the branch names cannot be looked at.
    pub fn not_here(&self, commit: &str) -> Box<Diagnostic> {
        let error = Diagnostic::error(format!("the commit {commit} is not in this clone"))
            .note(format!("the branch {} was rendered from it", self.name));
        let remote = self.remote.as_ref().map_or("origin", |remote| &remote.name);
        if self.repository.is_shallow() {
            return error.note("the clone is shallow: it has only some commits").help(format!("git fetch --unshallow {remote}"));
        }
        error
            .help(format!("git fetch {remote}"))
            .help("if no branch has it any more, render the environment again: hydrate -e ENV --commit")
    }

    /// The files of a commit of the branch, below its directory.
    pub fn entries(&self, commit: &str) -> Result<Entries> {
        let dirs: Vec<&str> = if self.path.is_empty() { Vec::new() } else { vec![&self.path] };
        let all = entries(&self.repository, commit, &dirs)?;
        let below = |path: String| {
            if self.path.is_empty() { Some(path) } else { path.strip_prefix(&self.path)?.strip_prefix('/').map(str::to_owned) }
        };
        Ok(all.into_iter().filter_map(|(path, entry)| Some((below(path)?, entry))).collect())
    }

    /// Where the repository is to be found, in one spelling: its remote, or itself.
    pub fn address(&self) -> Result<String> {
        let address = match &self.remote {
            Some(remote) => remote.address()?,
            None => self.repository.work_tree().display().to_string(),
        };
        Ok(everybodys(&address).unwrap_or(address))
    }

    /// A directory of a project as a path in the repository.
    pub fn prefix(&self, root: &Path, dir: &str) -> Result<String> {
        self.repository.prefix(root, dir)
    }

    /// The object that Git makes of a file that it takes as it is, where ids are as long as this one.
    pub fn id_of(content: &[u8], like: &str) -> String {
        super::commit::blob_id(content, like.len())
    }

    /// What objects hold.
    pub fn contents(&self, ids: &[&str]) -> Result<Vec<Vec<u8>>> {
        contents(&self.repository, ids)
    }

    /// The content of a file of a commit, from the top of the branch.
    pub fn file(&self, commit: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let found = entries(&self.repository, commit, &[path])?;
        let Some((_, id)) = found.get(path) else { return Ok(None) };
        Ok(contents(&self.repository, &[id])?.into_iter().next())
    }

    /// The commit that nobody sees: the files of `source`, and in `prefixes` (directories of the repository) those that are given for them, whatever `source`
    /// has there.
    pub fn view(&self, source: &str, trees: &BTreeMap<String, Entries>) -> Result<String> {
        let index = TemporaryIndex::new(&self.repository)?;
        index.succeed(&["read-tree", source], b"")?;
        let removing: Vec<&str> = trees.keys().map(String::as_str).collect();
        let standing = entries(&self.repository, source, &removing)?;
        let added = trees.iter().flat_map(|(prefix, files)| files.iter().map(move |(path, entry)| (format!("{prefix}/{path}"), entry)));
        let mut changes: BTreeMap<String, Option<&(String, String)>> = standing.into_keys().map(|path| (path, None)).collect();
        changes.extend(added.map(|(path, entry)| (path, Some(entry))));
        index.change(&changes)?;
        let tree = index.succeed(&["write-tree"], b"")?;
        let mut making = self.repository.git();
        making.args([
            "-c",
            "commit.gpgSign=false",
            "commit-tree",
            &tree,
            "-p",
            source,
            "-m",
            "what an environment renders to, beside its sources",
        ]);
        for role in ["AUTHOR", "COMMITTER"] {
            making
                .env(format!("GIT_{role}_NAME"), "hydrate")
                .env(format!("GIT_{role}_EMAIL"), "hydrate@localhost")
                .env(format!("GIT_{role}_DATE"), "@1 +0000");
        }
        Ok(succeed(making, b"", "lay the branch beside its sources")?.text())
    }

    /// Makes a commit on a base, without moving the branch. Paths are those from the top of the branch.
    pub fn make(&self, base: Option<&Tip>, changes: FileChanges, message: &str, signs: bool) -> Result<String> {
        let index = TemporaryIndex::new(&self.repository)?;
        if let Some(base) = base {
            index.succeed(&["read-tree", &base.commit], b"")?;
        }
        let (coming, going): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(_, content)| content.is_some());
        let ids = self.store(coming.iter().filter_map(|(_, content)| content.as_deref()))?;
        let files: Vec<(String, String)> = ids.into_iter().map(|id| ("100644".to_owned(), id)).collect();
        let mut changes: BTreeMap<String, Option<&(String, String)>> = going.into_iter().map(|(path, _)| (path, None)).collect();
        changes.extend(coming.into_iter().zip(&files).map(|((path, _), file)| (path, Some(file))));
        index.change(&changes)?;
        let tree = index.succeed(&["write-tree"], b"")?;
        let mut making = self.repository.git();
        making.args(["-c", "i18n.commitEncoding=UTF-8", "commit-tree", &tree]);
        if signs {
            making.arg("-S");
        }
        if let Some(base) = base {
            making.args(["-p", &base.commit]);
        }
        making.args(["-F", "-"]);
        Ok(succeed(making, message.as_bytes(), "make the commit").map_err(|error| error.note(NOTHING))?.text())
    }

    /// Puts files into the repository as they are; gives their objects.
    fn store<'c>(&self, contents: impl Iterator<Item = &'c [u8]>) -> Result<Vec<String>> {
        let cannot = |error: std::io::Error| Diagnostic::error(format!("cannot write files for Git: {error}")).note(NOTHING);
        let directory = tempfile::Builder::new().prefix("hydrate-").tempdir().map_err(cannot)?;
        let mut list = String::new();
        for (number, content) in contents.enumerate() {
            let path = directory.path().join(number.to_string());
            std::fs::write(&path, content).map_err(cannot)?;
            list.push_str(&format!("{}\n", path.display()));
        }
        if list.is_empty() {
            return Ok(Vec::new());
        }
        let mut storing = self.repository.git();
        storing.args(["hash-object", "-w", "--no-filters", "--stdin-paths"]);
        Ok(lines_of(&succeed(storing, list.as_bytes(), "add the files to the Git repository")?))
    }

    /// Moves the branch here, from where it was looked at; whether it still was there.
    ///
    /// # Errors
    /// Where it is checked out: the files of that work tree would be others than its own branch's.
    pub fn move_to(&self, new: &str, message: &str) -> Result<bool> {
        self.refuse_checked_out()?;
        let reference = format!("refs/heads/{}", self.name);
        let old = self.commit_of(&reference)?;
        if let Some(old) = &old
            && !self.is_ancestor(old, new)?
        {
            return Ok(false);
        }
        let zero = "0".repeat(new.len());
        let reason = format!("hydrate: {}", message.lines().next().unwrap_or_default());
        let mut update = self.repository.git();
        update.args(["update-ref", "--create-reflog", "-m", &reason, &reference, new, old.as_deref().unwrap_or(&zero)]);
        let said = run(update, b"")?;
        if said.status.success() {
            return Ok(true);
        }
        if self.commit_of(&reference)? != old {
            return Ok(false);
        }
        Err(said.error(format!("git cannot move the branch {}", self.name)).note(NOTHING))
    }

    /// Refuses where a work tree has the branch checked out.
    pub fn refuse_checked_out(&self) -> Result<()> {
        let mut listing = self.repository.git();
        listing.args(["worktree", "list", "--porcelain"]);
        let said = succeed(listing, b"", "list the work trees")?;
        let text = said.text();
        let mut place = "";
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("worktree ") {
                place = path;
            }
            if line.strip_prefix("branch refs/heads/") == Some(&self.name) {
                return Err(Diagnostic::error(format!("the branch {} is checked out in {place}", self.name))
                    .note("its files there would not be the branch's any more; nothing was committed")
                    .help("check out another branch there"));
            }
        }
        Ok(())
    }

    /// The text of a note on a commit.
    pub fn note(&self, name: &str, commit: &str) -> Result<Option<Vec<u8>>> {
        let mut showing = self.repository.reading_git();
        showing.args(["notes", &format!("--ref={name}"), "show", commit]);
        let said = run(showing, b"")?;
        // Without a note, git says so and gives 1.
        Ok(said.status.success().then_some(said.stdout))
    }

    /// Puts a note on a commit, in place of the one that is there.
    pub fn annotate(&self, name: &str, commit: &str, text: &str) -> Result<()> {
        if self.note(name, commit)?.is_some_and(|old| old.trim_ascii() == text.as_bytes()) {
            return Ok(());
        }
        let mut adding = self.repository.git();
        adding.args(["notes", &format!("--ref={name}"), "add", "--force", "-m", text, commit]);
        succeed(adding, b"", "put a note on the commit").map(drop)
    }
}

/// Whether a commit is on a branch of a remote, by what is known here.
///
/// # Errors
/// Where there is no such commit.
pub fn is_pushed(root: &Path, commit: &str, remote: &Remote) -> Result<bool> {
    let repository = Repository::of(root)?;
    let mut asked = repository.reading_git();
    asked.args(["rev-list", "--max-count=1", commit, "--not", &format!("--remotes={}", remote.name)]);
    Ok(succeed(asked, b"", "look for the commit on the remote")?.text().is_empty())
}

/// A commit, as the one who looks at its files needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// Its id, in full.
    pub sha: String,
    /// `Name <address>`
    pub author: String,
    /// Seconds since 1970 when it was written.
    pub time: i64,
    /// Its message.
    pub message: String,
    /// Its trailers, a line each.
    pub trailers: String,
}

/// What a commit says of itself.
///
/// # Errors
/// Where there is no such commit.
pub fn facts_of(root: &Path, revision: &str) -> Result<CommitFacts> {
    let repository = Repository::of(root)?;
    let mut asked = repository.reading_git();
    asked.args([
        "log",
        "-1",
        "--no-show-signature",
        "--encoding=UTF-8",
        "--format=%H%x00%an <%ae>%x00%at%x00%B",
        "--end-of-options",
        revision,
        "--",
    ]);
    let said = run(asked, b"")?;
    if !said.status.success() {
        return Err(said
            .error(format!("there is no commit `{revision}`"))
            .help("commit first: the branch of an environment holds what a commit renders to"));
    }
    let text = said.text();
    let mut fields = text.splitn(4, '\0').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    let (sha, author, time, message) = (next(), next(), next(), next());
    let message = message.trim().to_owned();
    let mut parsing = repository.reading_git();
    parsing.args(["interpret-trailers", "--parse"]);
    let trailers =
        if message.is_empty() { String::new() } else { succeed(parsing, message.as_bytes(), "read the trailers of the commit")?.text() };
    Ok(CommitFacts { sha, author, time: time.parse().unwrap_or_default(), message, trailers })
}

/// The commit of a reference or revision; `None` where there is none.
pub(super) fn commit_of(repository: &Repository, reference: &str) -> Result<Option<String>> {
    let mut asked = repository.reading_git();
    asked.args(["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{reference}^{{commit}}")]);
    let said = run(asked, b"")?;
    Ok(said.status.success().then(|| lines_of(&said).into_iter().next_back()).flatten())
}

/// An index that is nobody's, which goes when this does.
struct TemporaryIndex<'a> {
    repository: &'a Repository,
    directory: tempfile::TempDir,
}

impl<'a> TemporaryIndex<'a> {
    fn new(repository: &'a Repository) -> Result<Self> {
        let made = tempfile::Builder::new().prefix("hydrate-").tempdir();
        let directory = made.map_err(|error| Diagnostic::error(format!("cannot make a directory for files of Git: {error}")))?;
        Ok(Self { repository, directory })
    }

    /// Takes files out and in.
    fn change(&self, changes: &BTreeMap<String, Option<&(String, String)>>) -> Result<()> {
        let lines = index_info(changes.iter().map(|(path, entry)| (path.as_str(), *entry)));
        self.succeed(&["update-index", "-z", "--index-info"], &lines).map(drop)
    }

    /// What `git` says that works on this index.
    fn succeed(&self, arguments: &[&str], input: &[u8]) -> Result<String> {
        let mut command: Command = self.repository.git();
        command.env("GIT_INDEX_FILE", self.directory.path().join("index")).args(arguments);
        succeed(command, input, "make the tree of a commit").map(|said| said.text())
    }
}
