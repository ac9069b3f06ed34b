//! HEAD, or what is staged, as files: for who renders what is committed, or is about to be.
//!
//! Git knows each as a linked work tree, and a run that is killed leaves it behind: perhaps half made, with a HEAD that `git fetch` stumbles over. So each has a
//! file in `.git/hydrate/checkouts/` that its process holds a lock on; where nobody does, the next run removes what it names.

use std::fs::{self, File};
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
    /// What says that it is in use.
    mark: Mark,
}

/// How the directories of checkouts begin, and what Git calls their work trees.
const PREFIX: &str = "hydrate-";

/// The file that says where a checkout is, locked while it is in use.
#[derive(Debug)]
struct Mark {
    path: PathBuf,
    lock: File,
}

impl Mark {
    /// A duplicate that calls of `git` inherit: where this process is killed, the checkout is in use until they have ended.
    fn inherited(&self) -> Result<rustix::fd::OwnedFd> {
        rustix::io::dup(&self.lock).map_err(|error| cannot_make(&error.into()))
    }

    /// Says it before Git learns of the checkout.
    fn of(repository: &Repository, directory: &Path) -> std::io::Result<Self> {
        let home = marks(repository);
        fs::create_dir_all(&home)?;
        let path = home.join(directory.file_name().unwrap_or_default());
        let mut file = tempfile::NamedTempFile::new_in(&home)?;
        file.as_file().lock()?;
        std::io::Write::write_all(&mut file, directory.as_os_str().as_encoded_bytes())?;
        // Whoever finds it by its name finds it locked.
        let lock = file.persist_noclobber(&path).map_err(|error| error.error)?;
        Ok(Self { path, lock })
    }
}

fn marks(repository: &Repository) -> PathBuf {
    repository.common_dir().join("hydrate/checkouts")
}

/// Removes the checkouts of runs that were killed. One that cannot be removed is tried again by the next run.
pub(super) fn clear_up(repository: &Repository) {
    for entry in fs::read_dir(marks(repository)).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        if !name.to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(mark) = File::open(&path) else { continue };
        if mark.try_lock().is_err() {
            continue;
        }
        let directory = fs::read_to_string(&path).map(PathBuf::from).unwrap_or_default();
        // Nothing else is ever taken for one.
        if directory.file_name() == Some(&name) {
            let _ = fs::remove_dir_all(&directory);
            let _ = fs::remove_dir_all(repository.common_dir().join("worktrees").join(&name));
        }
        let _ = fs::remove_file(&path);
    }
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
            let (directory, mark) = directory(&repository)?;
            let root = top(&directory)?.join(place_in_work_tree(project)?);
            Self { repository, directory, root, mark }
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
        let (directory, mark) = directory(&repository)?;
        let top = top(&directory)?;
        let mut adding = repository.git();
        adding.env_remove("GIT_WORK_TREE");
        adding.args(["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--force", "--detach"]);
        adding.args(options).arg(&top).arg(commit);
        let inherited = mark.inherited()?;
        succeed(adding, b"", "check out a commit beside the work tree")?;
        drop(inherited);
        let root = top.join(place_in_work_tree(project)?);
        Ok(Self { repository, directory, root, mark })
    }

    /// The project in it.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

fn cannot_make(error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot make a directory for files of Git: {error}"))
}

fn directory(repository: &Repository) -> Result<(tempfile::TempDir, Mark)> {
    clear_up(repository);
    let made = tempfile::Builder::new().prefix(PREFIX).tempdir().and_then(|directory| {
        let mark = Mark::of(repository, &directory.path().canonicalize()?)?;
        Ok((directory, mark))
    });
    made.map_err(|error| cannot_make(&error))
}

/// The work tree has the name of its directory, by which Git knows it too.
fn top(directory: &tempfile::TempDir) -> Result<PathBuf> {
    let path = directory.path().canonicalize().map_err(|error| cannot_make(&error))?;
    let name = path.file_name().unwrap_or_default().to_owned();
    Ok(path.join(name))
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let mut removing = self.repository.git();
        removing.env_remove("GIT_WORK_TREE").args(["worktree", "remove", "--force"]);
        // What is left of it is pruned by Git itself, when its directory is gone.
        if let Ok(top) = top(&self.directory) {
            removing.arg(top);
            let _ = run(removing, b"");
        }
        let _ = fs::remove_file(&self.mark.path);
    }
}
