//! The `git` room: which repository is the project's, what its revisions hold, and committing the tree.
//!
//! Reading obeys nothing that a repository says about programs, so that `check` and `diff` may be run over anybody's. What a
//! user asks of Git (committing, pushing, installing a hook) is done by their own `git`, with its hooks, filters and keys.

mod branch;
mod checkout;
mod command;
pub mod commit;
mod head;
mod ignored;
mod lfs;
mod lines;
mod remote;
mod repository;
mod revision;
mod snapshot;
pub mod sources;

use std::path::{Path, PathBuf};

use hydrate_base::Result;

pub use branch::{CommitFacts, Entries, EnvironmentBranch, FileChanges, Tip, facts_of, is_pushed};
pub use checkout::Checkout;
pub use head::{Head, Lies, lies};
pub use ignored::Ignored;
pub use lines::LineEndings;
pub use remote::{Pushed, Remote, TRIES, Upstream, pause, remote_address, too_many};
pub use repository::Repository;
pub use revision::{directory_id, files_at, has_commits, merge_base};
pub use snapshot::Snapshot;

/// The commit that is checked out; `None` where there is none yet.
pub fn head(root: &Path) -> Result<Option<String>> {
    branch::commit_of(&Repository::of(root)?, "HEAD")
}

/// The last commit that has changed something in a directory of a project; `None` where there is none.
pub fn last_change(root: &Path, dir: &str) -> Result<Option<String>> {
    let repository = Repository::of(root)?;
    if branch::commit_of(&repository, "HEAD")?.is_none() {
        return Ok(None);
    }
    let mut asked = repository.reading_git();
    asked.args(["log", "-1", "--no-show-signature", "--format=%H", "--"]).arg(repository.prefix(root, dir)?);
    Ok(command::succeed(asked, b"", "find the last commit of the manifests")?.text().lines().next().map(str::to_owned))
}

/// The directory of the repository's hooks.
pub fn hooks_dir(root: &Path) -> Result<PathBuf> {
    let repository = Repository::of(root)?;
    let mut asked = repository.git();
    asked.args(["rev-parse", "--git-path", "hooks"]);
    let said = command::succeed(asked, b"", "find the directory of Git's hooks")?;
    Ok(repository.work_tree().join(said.text()))
}

/// What leads from the top of the repository to a project, with a slash at the end; nothing at the top, and where there is no repository.
pub fn prefix_in_work_tree(root: &Path) -> String {
    let place = place_in_work_tree(root).unwrap_or_default();
    let names: Vec<_> = place.components().map(|name| name.as_os_str().to_string_lossy()).collect();
    if names.is_empty() { String::new() } else { format!("{}/", names.join("/")) }
}

/// The path of a project in the work tree of its repository; empty at the top.
pub fn place_in_work_tree(root: &Path) -> Result<PathBuf> {
    Repository::of(root)?.prefix(root, "").map(PathBuf::from)
}

/// The lines of what was said.
fn lines_of(said: &command::Said) -> Vec<String> {
    said.text().lines().map(str::to_owned).collect()
}
