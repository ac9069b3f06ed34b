//! HEAD, or what is staged, as files: for who renders what is committed, or is about to be.

use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, Result};

use super::command::{run, succeed};
use super::{Repository, has_commits, place_in_work_tree};

/// A work tree beside the user's, which goes when this does.
#[derive(Debug)]
pub struct Checkout {
    repository: Repository,
    directory: tempfile::TempDir,
    root: PathBuf,
}

impl Checkout {
    /// HEAD of the repository that a project lies in. No hook of the user's runs for it.
    ///
    /// # Errors
    /// A repository without commits, and what Git says where it cannot be made.
    pub fn of_head(project: &Path) -> Result<Self> {
        let repository = Repository::of(project)?;
        if !has_commits(project)? {
            return Err(Diagnostic::error("there is no commit yet whose sources could be rendered")
                .help("`--commit=with-sources` commits the sources and what is rendered from them together"));
        }
        Self::make(repository, project, &[], "HEAD")
    }

    /// A commit of it.
    ///
    /// # Errors
    /// What Git says where it cannot be made.
    pub fn of_commit(project: &Path, commit: &str) -> Result<Self> {
        Self::make(Repository::of(project)?, project, &[], commit)
    }

    /// What is staged in it: what the next commit has. In a hook that is what `git commit` is about to commit.
    ///
    /// # Errors
    /// What Git says where it cannot be made.
    pub fn of_index(project: &Path) -> Result<Self> {
        let repository = Repository::of(project)?;
        let index = std::env::var_os("GIT_INDEX_FILE").map(|file| repository.work_tree().join(file));
        let index = index.unwrap_or_else(|| repository.git_dir().join("index"));
        let made = if has_commits(project)? {
            Self::make(repository, project, &["--no-checkout"], "HEAD")?
        } else {
            let directory = directory()?;
            let root = top(&directory)?.join(place_in_work_tree(project)?);
            Self { repository, directory, root }
        };
        let top = top(&made.directory)?;
        std::fs::create_dir_all(&top).map_err(|error| cannot_make(&error))?;
        let mut filling = made.repository.git();
        filling.current_dir(&top).env("GIT_WORK_TREE", &top).env("GIT_INDEX_FILE", index);
        filling.args(["checkout-index", "--all", "--quiet", "--force"]);
        succeed(filling, b"", "check out what is staged beside the work tree")?;
        Ok(made)
    }

    fn make(repository: Repository, project: &Path, options: &[&str], commit: &str) -> Result<Self> {
        let directory = directory()?;
        let top = top(&directory)?;
        let mut adding = repository.git();
        adding.env_remove("GIT_WORK_TREE");
        adding.args(["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--force", "--detach"]);
        adding.args(options).arg(&top).arg(commit);
        succeed(adding, b"", "check out a commit beside the work tree")?;
        let root = top.join(place_in_work_tree(project)?);
        Ok(Self { repository, directory, root })
    }

    /// The project in it.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

fn cannot_make(error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot make a directory for files of Git: {error}"))
}

fn directory() -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("hydrate-").tempdir().map_err(|error| cannot_make(&error))
}

fn top(directory: &tempfile::TempDir) -> Result<PathBuf> {
    directory.path().canonicalize().map(|path| path.join("tree")).map_err(|error| cannot_make(&error))
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let mut removing = self.repository.git();
        removing.env_remove("GIT_WORK_TREE").args(["worktree", "remove", "--force"]).arg(self.directory.path().join("tree"));
        // What is left of it is pruned by Git itself, when its directory is gone.
        let _ = run(removing, b"");
    }
}
