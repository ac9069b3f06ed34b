//! The `git` room: which repository is the project's, what its revisions hold, and committing the tree.
//!
//! Reading obeys nothing that a repository says about programs, so that `check` and `diff` may be run over anybody's. What a
//! user asks of Git (committing, pushing, installing a hook) is done by their own `git`, with its hooks, filters and keys.

mod checkout;
mod command;
pub mod commit;
mod head;
mod ignored;
mod lfs;
mod lines;
mod repository;
mod revision;
mod snapshot;
pub mod sources;

use std::path::{Path, PathBuf};

use hydrate_base::Result;

pub use checkout::Checkout;
pub use head::{Head, Lies, lies, remote};
pub use ignored::Ignored;
pub use lines::LineEndings;
pub use repository::Repository;
pub use revision::{directory_id, files_at, has_commits, merge_base};
pub use snapshot::Snapshot;

/// Pushes the current branch through the user's `git`, which knows about credentials.
pub fn push(root: &Path) -> Result<()> {
    let mut push = Repository::of(root)?.git();
    push.arg("push");
    let said = command::run(push, b"")?;
    if said.status.success() {
        return Ok(());
    }
    let error = said.error("`git push` failed; the commit is there, only not pushed");
    Err(error.help("push it yourself once that is solved: git push"))
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
