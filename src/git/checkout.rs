//! HEAD as files, for who renders what is committed.

use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, Result};

use super::command::{run, succeed};
use super::{Repository, has_commits, place_in_work_tree};

/// A work tree of HEAD beside the user's, which goes when this does.
#[derive(Debug)]
pub struct HeadCheckout {
    repository: Repository,
    directory: tempfile::TempDir,
    root: PathBuf,
}

impl HeadCheckout {
    /// HEAD of the repository that a project lies in. No hook of the user's runs for it.
    ///
    /// # Errors
    /// A repository without commits, and what Git says where it cannot be made.
    pub fn of(project: &Path) -> Result<Self> {
        let repository = Repository::of(project)?;
        if !has_commits(project)? {
            return Err(Diagnostic::error("there is no commit yet whose sources could be rendered")
                .help("`--commit=with-sources` commits the sources and what is rendered from them together"));
        }
        let cannot = |error: std::io::Error| Diagnostic::error(format!("cannot make a directory for the files of HEAD: {error}"));
        let directory = tempfile::Builder::new().prefix("hydrate-head-").tempdir().map_err(cannot)?;
        let top = directory.path().canonicalize().map_err(cannot)?.join("tree");
        let mut adding = repository.git();
        adding.env_remove("GIT_WORK_TREE");
        adding.args(["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--force", "--detach"]).arg(&top).arg("HEAD");
        succeed(adding, b"", "check out HEAD beside the work tree")?;
        let root = top.join(place_in_work_tree(project)?);
        Ok(Self { repository, directory, root })
    }

    /// The project in it.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for HeadCheckout {
    fn drop(&mut self) {
        let mut removing = self.repository.git();
        removing.env_remove("GIT_WORK_TREE").args(["worktree", "remove", "--force"]).arg(self.directory.path().join("tree"));
        // What is left of it is pruned by Git itself, when its directory is gone.
        let _ = run(removing, b"");
    }
}
