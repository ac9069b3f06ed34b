//! Committing exactly what hydrate owns of one environment.
//!
//! The commit's tree is HEAD's with the files of the environment's tree put in: what the user has staged or edited
//! elsewhere stays out of the commit, and stays staged or edited. In the index only the committed files move. The commit is made by
//! the user's own `git`: with their identity, filters, hooks and keys.
//!
//! What holds at every moment, also when processes are killed:
//! 1. Only whole trees are committed: each file is as `.hydrated` says it was written, and nobody else writes meanwhile.
//! 2. The index is brought up before the branch moves (`index.rs`), so that no later commit of the user's can take back what was
//!    committed. What a killed run has left is cleared up by the next one (`journal.rs`).
//! 3. The branch moves only from the commit that the new one is based on; where somebody else was faster, all is done again.

mod fast_forward;
mod hooks;
mod index;
mod journal;
mod signals;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use sha1::{Digest, Sha1};
use sha2::Sha256;

use hydrate_base::plain::counted;
use hydrate_base::{Change, Diagnostic, Result};

use super::Repository;
use super::command::{run, succeed};
use super::revision::{contents, entries};
use super::sources::Uncommitted;

use hooks::Hooks;
use index::{IndexChange, Move, Outcome};
use journal::Held;

pub use fast_forward::{FastForward, fast_forward, resume};
pub use hooks::{called_for, refuse_from_hook};

/// How often a commit is tried anew because the branch has moved meanwhile.
const TRIES: u32 = 8;

/// What one commit did.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The commit.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// The branch it is on; `None` on a detached HEAD.
    pub branch: Option<String>,
    /// What hooks had to say, line by line.
    pub said: Vec<String>,
}

/// What is to be committed.
pub struct Request<'a> {
    /// The project's root.
    pub root: &'a Path,
    /// The directories that the commit is about.
    pub areas: &'a [Area<'a>],
    /// The name of the files that `Area::owned_before` needs.
    pub index_name: &'a str,
    /// Files that are committed with them as they are on disk: what was rendered from.
    pub sources: &'a [Uncommitted],
    /// The message, given what becomes of each path: the place of its area among `areas`, and the path below that; and of each of the sources.
    pub message: &'a dyn Fn(&Fates, &BTreeMap<String, Change>) -> Result<String>,
}

/// What becomes of each path of each area.
pub type Fates = BTreeMap<(usize, String), Change>;

/// A directory of the project in which files are ours.
pub struct Area<'a> {
    /// Its path in the project: `manifests/k3d`.
    pub dir: &'a str,
    /// The paths below it that are ours and on disk.
    pub on_disk: &'a [String],
    /// Whether a file of ours with this content is as it was written.
    pub is_as_written: &'a dyn Fn(&str, &[u8]) -> bool,
    /// Which paths of a revision were ours, given its files below the directory that are named `index_name`.
    pub owned_before: &'a dyn Fn(&BTreeMap<String, Vec<u8>>) -> Vec<String>,
}

/// Who makes commits in the repository of a project.
#[derive(Debug)]
pub struct Committer {
    repository: Repository,
    hooks: Hooks,
    signs: bool,
    /// Whether the user has filters: then Git says what a file is in a commit, even where it looks the same.
    filters: bool,
}

/// The commit that HEAD is, as it was when it was looked at.
struct Base {
    /// `None` in a repository without commits.
    commit: Option<String>,
    /// The branch's full name; `None` on a detached HEAD.
    branch: Option<String>,
}

/// A file of the commit: its mode and its object; `None` where it goes.
type Wanted = BTreeMap<String, Option<(String, String)>>;

/// What the commit is to hold of ours.
#[derive(Default)]
struct Plan {
    changes: Fates,
    /// What becomes of the sources, by their paths in the repository.
    sources: BTreeMap<String, Change>,
    /// All files of ours by their paths in the repository, also those that stay, and the sources.
    wanted: Wanted,
}

/// Clears up after a commit that was stopped in the repository that a project lies in, where there is something to clear.
pub fn clear_up(root: &Path) -> Result<()> {
    match Repository::discover(root) {
        Ok(Some(repository)) => {
            // Nobody has committed here who is not the owner.
            if repository.check_owner().is_ok() {
                super::checkout::clear_up(&repository);
            }
            journal::clear_up(&repository)
        }
        // Whatever is wrong with a repository concerns those who use it.
        _ => Ok(()),
    }
}

/// How one attempt to commit ended.
enum Attempt {
    Committed(Committed),
    NothingToCommit,
    /// Somebody else has moved the branch meanwhile, and nothing was changed.
    BranchMoved,
}

impl Committer {
    /// Looks whether a commit could be made in the repository that a project lies in, before anything is written.
    pub fn new(root: &Path) -> Result<Self> {
        refuse_from_hook(root)?;
        let repository = Repository::of(root)?;
        check_state(&repository)?;
        let settings = Settings::read(&repository)?;
        settings.check_identity()?;
        check_merged(&repository)?;
        let hooks = Hooks::of(&repository, settings.has("core.hookspath"), settings.has("hook."))?;
        Ok(Self { repository, hooks, signs: settings.flag("commit.gpgsign"), filters: settings.has("filter.") })
    }

    /// Whether the user's commits are signed.
    pub fn signs(&self) -> bool {
        self.signs
    }

    /// Commits the files as they are on disk; `None` when the last commit has them already.
    pub fn commit(&self, request: &Request<'_>) -> Result<Option<Committed>> {
        let held = Held::take(&self.repository)?;
        let mut said = Vec::new();
        for _ in 0..TRIES {
            match self.attempt(request, &held, &mut said)? {
                Attempt::Committed(done) => return Ok(Some(Committed { said, ..done })),
                Attempt::NothingToCommit => return Ok(None),
                Attempt::BranchMoved => {}
            }
        }
        Err(Diagnostic::error(format!("the branch has moved {TRIES} times while the commit was made"))
            .note("somebody else commits to it all the time; nothing is lost, and nothing was committed")
            .help("hydrate commit"))
    }

    /// Runs the hook that comes after a commit, when nothing is locked any more: it may call hydrate. Gives what it said.
    pub fn run_post_commit(&self) -> Vec<String> {
        self.hooks.run_after(&self.repository)
    }

    fn attempt(&self, request: &Request<'_>, held: &Held<'_>, said: &mut Vec<String>) -> Result<Attempt> {
        let repository = &self.repository;
        check_state(repository)?;
        let base = Base::read(repository)?;
        let mut plan = self.plan(request, &base)?;
        let changes = index::differences(repository, request, &mut plan)?;
        if plan.changes.is_empty() && plan.sources.is_empty() {
            // An index that was left behind is brought up all the same.
            return Ok(match index::publish(held, &changes, None)? {
                Outcome::Done => Attempt::NothingToCommit,
                Outcome::Moved => Attempt::BranchMoved,
            });
        }
        refuse_ignored(repository, request, &plan)?;
        let tree = write_tree(held, &base, &plan.wanted)?;
        let message = self.hooks.run_before(held, request, &plan.wanted, &tree, (request.message)(&plan.changes, &plan.sources)?, said)?;
        let id = self.write_commit(&tree, base.commit.as_deref(), &message)?;
        let subject = message.lines().next().unwrap_or_default().to_owned();
        let moved = Move { new: &id, old: base.commit.as_deref(), branch: base.branch.as_deref(), subject: &subject };
        if matches!(index::publish(held, &changes, Some(&moved))?, Outcome::Moved) {
            return Ok(Attempt::BranchMoved);
        }
        let branch = base.branch.map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned());
        Ok(Attempt::Committed(Committed { id, subject, branch, said: Vec::new() }))
    }

    /// Reads what is on disk, and compares it with the last commit.
    fn plan(&self, request: &Request<'_>, base: &Base) -> Result<Plan> {
        let prefixes = prefixes(&self.repository, request)?;
        let dirs: Vec<&str> = prefixes.iter().map(String::as_str).collect();
        let before = match &base.commit {
            Some(commit) => entries(&self.repository, commit, &dirs)?,
            None => BTreeMap::new(),
        };
        let mut plan = Plan::default();
        let mut read: Vec<(usize, &String, String, Vec<u8>)> = Vec::new();
        let mut edited = Vec::new();
        for (number, (area, prefix)) in request.areas.iter().zip(&prefixes).enumerate() {
            for path in area.on_disk {
                let whole = format!("{prefix}/{path}");
                let bytes = read_file(&self.repository.work_tree().join(&whole))?;
                if !(area.is_as_written)(path, &bytes) {
                    edited.push(format!("{}/{path}", area.dir));
                }
                read.push((number, path, whole, bytes));
            }
        }
        refuse_edited(&edited)?;
        let is_there =
            |whole: &str, bytes: &[u8]| !self.filters && before.get(whole).is_some_and(|(_, id)| *id == blob_id(bytes, id.len()));
        let (same, other): (Vec<_>, Vec<_>) = read.iter().partition(|(_, _, whole, bytes)| is_there(whole, bytes));
        for (_, _, whole, _) in same {
            plan.wanted.insert(whole.clone(), before.get(whole).cloned());
        }
        let paths: Vec<(&str, &[u8])> = other.iter().map(|(_, _, whole, bytes)| (whole.as_str(), bytes.as_slice())).collect();
        for ((number, path, whole, _), id) in other.iter().zip(self.store(&paths)?) {
            let old = before.get(whole);
            let change = match old {
                None => Some(Change::Created),
                Some((_, old)) if *old != id => Some(Change::Changed),
                Some(_) => None,
            };
            plan.changes.extend(change.map(|change| ((*number, (*path).clone()), change)));
            let mode = old.map(|(mode, _)| mode.as_str()).filter(|mode| *mode == "100755").unwrap_or("100644");
            plan.wanted.insert(whole.clone(), Some((mode.to_owned(), id)));
        }
        for (number, (area, prefix)) in request.areas.iter().zip(&prefixes).enumerate() {
            for path in owned(&self.repository, &before, area, prefix, request.index_name)? {
                let whole = format!("{prefix}/{path}");
                if before.contains_key(&whole) && !plan.wanted.contains_key(&whole) {
                    plan.changes.insert((number, path), Change::Deleted);
                    plan.wanted.insert(whole, None);
                }
            }
        }
        self.plan_sources(request.sources, base, &mut plan)?;
        Ok(plan)
    }

    /// Adds the sources to what is to be committed.
    fn plan_sources(&self, sources: &[Uncommitted], base: &Base, plan: &mut Plan) -> Result<()> {
        let paths: Vec<&str> = sources.iter().map(|source| source.path.as_str()).collect();
        let before = match &base.commit {
            Some(commit) if !paths.is_empty() => entries(&self.repository, commit, &paths)?,
            _ => BTreeMap::new(),
        };
        for source in sources {
            let entry = self.entry_of(source)?;
            let old = before.get(&source.path);
            let change = match (&entry, old) {
                (None, None) => continue,
                (None, Some(_)) => Change::Deleted,
                (Some(_), None) => Change::Created,
                (Some(new), Some(old)) if new == old => continue,
                (Some(_), Some(_)) => Change::Changed,
            };
            plan.sources.insert(source.path.clone(), change);
            plan.wanted.insert(source.path.clone(), entry);
        }
        Ok(())
    }

    /// A source as it is on disk: its mode and its object; `None` where it is gone.
    fn entry_of(&self, source: &Uncommitted) -> Result<Option<(String, String)>> {
        let path = self.repository.work_tree().join(&source.path);
        if source.is_repository {
            return Err(Diagnostic::error(format!("{} is a repository of its own, and has changes that are not committed", source.path))
                .note("nothing was committed")
                .help("commit there, and the submodule here, and run hydrate again"));
        }
        let Some(metadata) = fs::symlink_metadata(&path).ok().filter(|_| !source.is_gone()) else { return Ok(None) };
        if metadata.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))?;
            let mut storing = self.repository.git();
            storing.args(["hash-object", "-w", "--no-filters", "--stdin"]);
            let said = succeed(storing, target.as_os_str().as_encoded_bytes(), "add a link to the Git repository")?;
            return Ok(Some(("120000".to_owned(), said.text())));
        }
        let bytes = read_file(&path)?;
        let id = self.store(&[(&source.path, &bytes)])?.into_iter().next();
        let mode = if metadata.permissions().mode() & 0o100 == 0 { "100644" } else { "100755" };
        Ok(id.map(|id| (mode.to_owned(), id)))
    }

    /// Puts files into the repository, through the filters that the user has configured for them; gives their objects.
    fn store(&self, files: &[(&str, &[u8])]) -> Result<Vec<String>> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        if let Some((path, _)) = files.iter().find(|(path, _)| path.contains('\n') || path.starts_with('"')) {
            return Err(Diagnostic::error(format!("git cannot be given the path {path:?}")).help("rename the directories on the way"));
        }
        let list: String = files.iter().map(|(path, _)| format!("{path}\n")).collect();
        let mut storing = self.repository.git();
        storing.args(["hash-object", "-w", "--stdin-paths"]);
        let said = succeed(storing, list.as_bytes(), "add the files to the Git repository")?;
        let ids: Vec<String> = said.text().lines().map(str::to_owned).collect();
        // Git has read the files itself: what was changed in between would be committed unseen.
        for (path, bytes) in files {
            if read_file(&self.repository.work_tree().join(path))? != *bytes {
                return Err(Diagnostic::error(format!("{path} was changed while it was being committed"))
                    .note("nothing was committed")
                    .help("run hydrate again"));
            }
        }
        if ids.len() == files.len() { Ok(ids) } else { Err(said.error("git has not added all files that it was given")) }
    }

    fn write_commit(&self, tree: &str, parent: Option<&str>, message: &str) -> Result<String> {
        let mut commit = self.repository.git();
        commit.args(["-c", "i18n.commitEncoding=UTF-8", "commit-tree", tree]);
        if self.signs {
            commit.arg("-S");
        }
        if let Some(parent) = parent {
            commit.args(["-p", parent]);
        }
        commit.args(["-F", "-"]);
        let said = run(commit, message.as_bytes())?;
        match (said.status.success(), self.signs) {
            (true, _) => Ok(said.text()),
            (false, true) => Err(said
                .error("git cannot sign the commit")
                .help("commits are signed because commit.gpgsign is set; see that `git commit -S` works")),
            (false, false) => Err(said.error("git cannot make the commit")),
        }
    }
}

/// The areas as paths in the repository.
fn prefixes(repository: &Repository, request: &Request<'_>) -> Result<Vec<String>> {
    request.areas.iter().map(|area| repository.prefix(request.root, area.dir)).collect()
}

/// The paths of an area that were ours, by the files named `index_name` of a tree.
fn owned(
    repository: &Repository,
    tree: &BTreeMap<String, (String, String)>,
    area: &Area<'_>,
    prefix: &str,
    index_name: &str,
) -> Result<Vec<String>> {
    let below = |path: &String| path.strip_prefix(prefix)?.strip_prefix('/').map(str::to_owned);
    let indexes: Vec<(String, &str)> = tree
        .iter()
        .filter_map(|(path, (_, id))| Some((below(path)?, id.as_str())))
        .filter(|(path, _)| path.rsplit('/').next() == Some(index_name))
        .collect();
    let ids: Vec<&str> = indexes.iter().map(|(_, id)| *id).collect();
    let texts = contents(repository, &ids)?;
    Ok((area.owned_before)(&indexes.into_iter().map(|(path, _)| path).zip(texts).collect()))
}

impl Base {
    fn read(repository: &Repository) -> Result<Self> {
        let mut asked = repository.git();
        asked.args(["rev-parse", "HEAD^{commit}", "--symbolic-full-name", "HEAD"]);
        let said = run(asked, b"")?;
        if said.status.success()
            && let [commit, branch] = said.text().lines().collect::<Vec<_>>()[..]
        {
            return Ok(Self { commit: Some(commit.to_owned()), branch: Some(branch.to_owned()).filter(|name| name != "HEAD") });
        }
        let mut asked = repository.git();
        asked.args(["symbolic-ref", "-q", "HEAD"]);
        let branch = succeed(asked, b"", "read HEAD")?.text();
        let mut asked = repository.git();
        asked.args(["for-each-ref", "--format=%(objectname)", "--", &branch]);
        if !succeed(asked, b"", "read HEAD")?.stdout.is_empty() {
            return Err(said.error("cannot read the last commit"));
        }
        Ok(Self { commit: None, branch: Some(branch) })
    }
}

/// HEAD's tree with the changed files put in and the deleted ones taken out, by way of an index of its own.
fn write_tree(held: &Held<'_>, base: &Base, wanted: &Wanted) -> Result<String> {
    let index = held.file("tree");
    let git = |arguments: &[&str]| {
        let mut command = held.repository.git();
        command.env("GIT_INDEX_FILE", &index).args(arguments);
        command
    };
    journal::remove(&index)?;
    if let Some(commit) = &base.commit {
        held.succeed(git(&["read-tree", commit]), b"", "read the last commit")?;
    }
    let changes: Vec<IndexChange> =
        wanted.iter().map(|(path, entry)| IndexChange { path: path.clone(), entry: entry.clone(), flag: None }).collect();
    held.succeed(git(&["update-index", "-z", "--index-info"]), &index::lines(&changes), "write the tree of the commit")?;
    written_tree(held)
}

/// The tree that is in the index made by [`write_tree`].
fn written_tree(held: &Held<'_>) -> Result<String> {
    let mut command = held.repository.git();
    command.env("GIT_INDEX_FILE", held.file("tree")).arg("write-tree");
    Ok(held.succeed(command, b"", "write the tree of the commit")?.text())
}

/// The content of a regular file, never through a link, be it the file or a directory on the way.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    let directory = path.parent().unwrap_or(path);
    if !directory.canonicalize().is_ok_and(|real| real == directory) {
        return Err(Diagnostic::error(format!("{} is not a directory, or lies behind a link", directory.display()))
            .note("nothing was committed: Git would take a file from somewhere else")
            .help("replace the link by a directory"));
    }
    let mut bytes = Vec::new();
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let opened = fs::File::options().read(true).custom_flags(no_link).open(path);
    opened
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map(|_| bytes)
        .map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())).note("nothing was committed"))
}

/// The object that Git makes of a file that it takes as it is; its length tells which of its two digests is in use.
pub(super) fn blob_id(bytes: &[u8], length: usize) -> String {
    let head = format!("blob {}\0", bytes.len());
    let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
    match length {
        40 => hex(&Sha1::new().chain_update(head).chain_update(bytes).finalize()),
        _ => hex(&Sha256::new().chain_update(head).chain_update(bytes).finalize()),
    }
}

fn refuse_edited(edited: &[String]) -> Result<()> {
    let (Some(first), more) = (edited.first(), edited.len().saturating_sub(1)) else { return Ok(()) };
    let error = match more {
        0 => Diagnostic::error(format!("{first} is not as hydrate wrote it: somebody has edited it")),
        _ => Diagnostic::error(format!("{first} and {more} more are not as hydrate wrote them: somebody has edited them")),
    };
    Err(error
        .note("nothing was committed: a commit holds what was rendered and nothing else")
        .help("put the change into the component and run hydrate; to keep it as it is, commit it yourself with git"))
}

/// New files that Git is told to ignore are not to be in the repository. An index of ours that is ignored for its name alone
/// belongs to the files beside it.
fn refuse_ignored(repository: &Repository, request: &Request<'_>, plan: &Plan) -> Result<()> {
    let prefixes = prefixes(repository, request)?;
    let created = plan.changes.iter().filter(|(_, change)| **change == Change::Created).map(|((area, path), _)| (area, path));
    let created = created.filter(|(_, path)| path.rsplit('/').next() != Some(request.index_name));
    let list: String = created.filter_map(|(area, path)| Some(format!("{}/{path}\0", prefixes.get(*area)?))).collect();
    if list.is_empty() {
        return Ok(());
    }
    let mut asked = repository.git();
    // Of this command the paths are never patterns, and it takes no such word.
    asked.env_remove("GIT_LITERAL_PATHSPECS").args(["check-ignore", "-z", "-v", "--stdin"]);
    let said = run(asked, list.as_bytes())?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let fields: Vec<&str> = text.split_terminator('\0').collect();
    match fields[..] {
        [file, line, pattern, path, ..] => Err(Diagnostic::error(format!("{path} is ignored by Git"))
            .note(format!("{file}:{line}: {pattern}"))
            .note(format!("nothing was committed; ignored in all: {}", counted(fields.len() / 4, "file")))
            .help("take the pattern out, or leave out `--commit`: what is ignored is not meant to be in the repository")),
        _ => Ok(()),
    }
}

/// Refuses to commit into the middle of something else.
fn check_state(repository: &Repository) -> Result<()> {
    const STATES: [(&str, &str, &str); 7] = [
        ("rebase-merge", "a rebase", "git rebase --continue, or git rebase --abort"),
        ("rebase-apply", "a rebase or `git am`", "git rebase --continue, or git rebase --abort"),
        ("MERGE_HEAD", "a merge", "git merge --continue, or git merge --abort"),
        ("CHERRY_PICK_HEAD", "a cherry-pick", "git cherry-pick --continue, or git cherry-pick --abort"),
        ("REVERT_HEAD", "a revert", "git revert --continue, or git revert --abort"),
        ("sequencer", "a cherry-pick or revert of several commits", "git cherry-pick --continue, or git cherry-pick --abort"),
        ("BISECT_LOG", "a bisect", "git bisect reset"),
    ];
    match STATES.iter().find(|(name, _, _)| fs::symlink_metadata(repository.git_dir().join(name)).is_ok()) {
        Some((_, what, help)) => Err(Diagnostic::error(format!("{what} is in progress in the Git repository"))
            .note("hydrate does not commit into the middle of it")
            .help(format!("finish it first: {help}"))),
        None => Ok(()),
    }
}

/// Git makes no commit while there are conflicts, wherever they are.
fn check_merged(repository: &Repository) -> Result<()> {
    let mut listing = repository.git();
    listing.args(["ls-files", "-u", "-z"]);
    let said = succeed(listing, b"", "read the Git index")?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let paths: BTreeSet<&str> = text.split_terminator('\0').filter_map(|line| Some(line.split_once('\t')?.1)).collect();
    match paths.first() {
        Some(first) => Err(Diagnostic::error(format!("{first} has a merge conflict in the Git index"))
            .note(format!("files with conflicts: {}; Git makes no commit until they are resolved", paths.len()))
            .help("resolve it, then: git add; files that hydrate has written are resolved by rendering them and adding them")),
        None => Ok(()),
    }
}

/// The part of the configuration that decides here; everything else is between `git` and the user.
struct Settings(Vec<(String, Option<String>)>);

impl Settings {
    fn read(repository: &Repository) -> Result<Self> {
        let mut asked = repository.git();
        asked.args([
            "config",
            "-z",
            "--get-regexp",
            r"^((user|author|committer)\.(name|email)|commit\.gpgsign|core\.hookspath|hook\..*|filter\..*\.(clean|process))$",
        ]);
        let said = run(asked, b"")?;
        // Without any of them, git says nothing and gives 1.
        if !said.status.success() && said.status.code() != Some(1) {
            return Err(said.error("cannot read the Git configuration"));
        }
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let pair = |line: &str| match line.split_once('\n') {
            Some((key, value)) => (key.to_ascii_lowercase(), Some(value.to_owned())),
            None => (line.to_ascii_lowercase(), None),
        };
        Ok(Self(text.split_terminator('\0').map(pair).collect()))
    }

    fn has(&self, prefix: &str) -> bool {
        self.0.iter().any(|(key, _)| key.starts_with(prefix))
    }

    /// The last value of a key counts; a key without a value is true.
    fn flag(&self, key: &str) -> bool {
        let value = self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_deref().unwrap_or("true"));
        value.is_some_and(|value| {
            matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on") || value.parse::<i64>().is_ok_and(|number| number != 0)
        })
    }

    fn check_identity(&self) -> Result<()> {
        let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
        let configured =
            |key: &str| self.0.iter().any(|(name, value)| name == key && value.as_ref().is_some_and(|value| !value.is_empty()));
        let known = |role: &str, what: &str| {
            let variable = format!("GIT_{}_{}", role.to_uppercase(), what.to_uppercase());
            set(&variable)
                || configured(&format!("{role}.{what}"))
                || configured(&format!("user.{what}"))
                || (what == "email" && set("EMAIL"))
        };
        if ["author", "committer"].iter().all(|role| known(role, "name") && known(role, "email")) {
            return Ok(());
        }
        Err(Diagnostic::error("Git does not know who you are: user.name and user.email are not set")
            .help("git config --global user.name \"Your Name\"")
            .help("git config --global user.email you@example.org"))
    }
}

/// How old a file is, in words.
fn shown_age(path: &Path) -> String {
    let age = fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
    age.map_or_else(|| "of unknown age".to_owned(), |age| format!("{} s old", age.as_secs()))
}

/// Waiting for a lock of Git's was in vain.
fn locked(path: &Path, seconds: u64) -> Box<Diagnostic> {
    Diagnostic::error(format!("another git process holds {}", path.display()))
        .note(format!("the file is {}, and hydrate has waited for {seconds} s; nothing was committed", shown_age(path)))
        .help("wait for that process, then: hydrate commit")
        .help(format!("if no git process is running, it was left by one that was killed: rm {}", quoted(path)))
}

/// A path for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
