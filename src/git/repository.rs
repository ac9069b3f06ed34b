//! Which repository is the project's: found once, and named in every call of `git` and libgit2.
//!
//! Git itself takes any directory for a repository that holds HEAD, objects/ and refs/, and obeys the `config` in it. Such
//! files can be part of a pull request, so only a `.git` counts here, as with Git's own `safe.bareRepository=explicit`: no
//! revision can hold a path of that name. What a `.git` file points to must not be among the files of a work tree either.
//! GIT_DIR and its like say nothing: each command of a run is about the same repository.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use hydrate_base::work_tree::{GitDirectories, WorkTree};
use hydrate_base::{Diagnostic, Result};

use super::command;

/// A repository with a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    work_tree: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
}

impl Repository {
    /// The repository in whose work tree a directory lies; `None` where there is none.
    pub fn discover(start: &Path) -> Result<Option<Self>> {
        let cannot = |error: io::Error| Diagnostic::error(format!("cannot look for a Git repository at {}: {error}", start.display()));
        let start = start.canonicalize().map_err(cannot)?;
        match WorkTree::around(&start) {
            None => Ok(None),
            Some(WorkTree { top, directories: Some(found) }) => Ok(Some(Self::with(top, found))),
            Some(WorkTree { top, directories: None }) => Self::elsewhere(top, &top.join(".git")).map(Some),
        }
    }

    /// The repository in whose work tree a directory lies; none is an error, and so is one that belongs to somebody else.
    pub fn of(start: &Path) -> Result<Self> {
        let found = Self::discover(start)?.ok_or_else(|| {
            let error = Diagnostic::error(format!("{} is not in a Git repository", start.display()));
            let error = match std::env::var_os("GIT_DIR") {
                Some(_) => error.note("GIT_DIR is set; hydrate goes by the `.git` above the project alone"),
                None => error,
            };
            error.help("run `git init` there first; rendering and `hydrate check` work without Git")
        })?;
        found.check_owner()?;
        Ok(found)
    }

    /// The directory that holds `.git`.
    pub fn work_tree(&self) -> &Path {
        &self.work_tree
    }

    /// Where HEAD and the index are.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Where branches, objects and the configuration are: for linked work trees the directory of the main one.
    pub(super) fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// A directory of the project as a path in the repository, which may lie above it.
    pub(super) fn prefix(&self, root: &Path, dir: &str) -> Result<String> {
        let outside = || Diagnostic::error(format!("{} is not in the work tree of its Git repository", root.display()));
        let root = root.canonicalize().map_err(|_| outside())?;
        let below = root.strip_prefix(&self.work_tree).map_err(|_| outside())?;
        let path = below.join(dir);
        path.to_str().map(str::to_owned).ok_or_else(|| Diagnostic::error(format!("{} is not UTF-8", path.display())))
    }

    /// Whether a commit is another one, or came before it; `None` where one of them is not here.
    pub(super) fn is_ancestor(&self, old: &str, new: &str) -> Result<Option<bool>> {
        let mut asked = self.reading_git();
        asked.args(["merge-base", "--is-ancestor", "--end-of-options", old, new]);
        Ok(match command::run(asked, b"")?.status.code() {
            Some(0) => Some(true),
            Some(1) => Some(false),
            _ => None,
        })
    }

    /// Whether the clone holds only the last commits of what was fetched: what came before them cannot be followed.
    pub(super) fn is_shallow(&self) -> bool {
        self.common_dir().join("shallow").is_file()
    }

    fn with(work_tree: &Path, found: GitDirectories) -> Self {
        Self { work_tree: work_tree.to_owned(), git_dir: found.git, common_dir: found.common }
    }

    /// Where a `.git` file, or a link of that name, leads: a linked work tree, a submodule, a separate Git directory.
    fn elsewhere(work_tree: &Path, dot_git: &Path) -> Result<Self> {
        let broken = |why: &str| {
            Diagnostic::error(format!("{} does not lead to a Git repository: {why}", dot_git.display()))
                .help("see what `git status` says there")
        };
        let target = match fs::read_link(dot_git) {
            Ok(target) => target,
            Err(_) => {
                let text = fs::read(dot_git).map_err(|error| broken(&error.to_string()))?;
                let text = String::from_utf8(text).map_err(|_| broken("it is not UTF-8"))?;
                let path = text.strip_prefix("gitdir: ").ok_or_else(|| broken("it does not begin with `gitdir: `"))?;
                PathBuf::from(path.trim_end_matches(['\n', '\r']))
            }
        };
        let git_dir = work_tree.join(target).canonicalize().map_err(|error| broken(&error.to_string()))?;
        let found = GitDirectories::of(&git_dir).map(|found| Self::with(work_tree, found)).ok_or_else(|| broken("that is none"))?;
        for directory in [&found.git_dir, &found.common_dir] {
            if let Some(outer) = work_tree_around(directory)
                && !is_named_safe(directory)
            {
                return Err(Diagnostic::error(format!(
                    "{} leads to a repository among the files of {}",
                    dot_git.display(),
                    outer.display()
                ))
                .note(format!("{} can be part of a revision, and its configuration names programs to run", directory.display()))
                .help(format!("if you have put it there: git config --global --add safe.directory {}", directory.display())));
            }
        }
        Ok(found)
    }

    /// Git obeys the configuration of a repository only where its user owns it, or has named it; so it is here.
    pub(super) fn check_owner(&self) -> Result<()> {
        let dot_git = self.work_tree.join(".git");
        let foreign = [&self.work_tree, &dot_git, &self.git_dir].into_iter().find(|path| !is_owned(path));
        match foreign {
            Some(path) if !is_named_safe(&self.work_tree) => {
                Err(Diagnostic::error(format!("the Git repository of {} belongs to somebody else", self.work_tree.display()))
                    .note(format!("{} is not yours, and its configuration names programs to run", path.display()))
                    .help(format!("if you trust it: git config --global --add safe.directory {}", self.work_tree.display())))
            }
            _ => Ok(()),
        }
    }
}

/// The work tree that a directory is part of; `None` where it lies in a directory named `.git`, or in no work tree.
fn work_tree_around(directory: &Path) -> Option<&Path> {
    if directory.components().any(|component| component == Component::Normal(".git".as_ref())) {
        return None;
    }
    WorkTree::around(directory.parent()?).map(|found| found.top)
}

/// Whether a path belongs to the user; of the superuser also what belongs to the one who called sudo.
fn is_owned(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    let own = rustix::process::geteuid().as_raw();
    let called_by = || std::env::var("SUDO_UID").ok().and_then(|text| text.parse::<u32>().ok());
    metadata.uid() == own || (own == 0 && called_by() == Some(metadata.uid()))
}

/// Whether the configuration of the user or the machine, never that of a repository, names a directory in safe.directory.
fn is_named_safe(directory: &Path) -> bool {
    let mut safe = Vec::new();
    for scope in ["--system", "--global"] {
        let mut asked = hydrate_base::git::command();
        asked.current_dir("/").args(["config", scope, "-z", "--type=path", "--get-all", "safe.directory"]);
        // Where there is no such configuration, nothing is named.
        if let Ok(said) = command::run(asked, b"") {
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            for value in text.split_terminator('\0') {
                if value.is_empty() { safe.clear() } else { safe.push(value.to_owned()) }
            }
        }
    }
    let named = |value: &String| match value.strip_suffix("/*") {
        Some(above) => directory.starts_with(above),
        None => value == "*" || Path::new(value) == directory,
    };
    safe.iter().any(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that Git would take for a repository.
    fn bare(directory: &Path) {
        for name in ["objects", "refs"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        fs::write(directory.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(directory.join("config"), "[core]\n\tbare = true\n").unwrap();
    }

    fn home() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().canonicalize().unwrap();
        (home, path)
    }

    #[test]
    fn embedded_bare_repositories_are_passed_by() {
        let (_home, root) = home();
        let deep = root.join("platform/components/x");
        fs::create_dir_all(&deep).unwrap();
        for directory in [&root, &root.join("platform"), &root.join("platform/components"), &deep] {
            bare(directory);
            // Nor is one without anything in it a repository.
            assert_eq!(Repository::discover(&deep).unwrap(), None);
        }
        fs::create_dir(root.join("platform/.git")).unwrap();
        assert_eq!(Repository::discover(&deep).unwrap(), None);
        bare(&root.join(".git"));
        let found = Repository::discover(&deep).unwrap().unwrap();
        assert_eq!((found.work_tree(), found.git_dir(), found.common_dir()), (&*root, &*root.join(".git"), &*root.join(".git")));
        assert_eq!(found.prefix(&deep, "manifests/dev").unwrap(), "platform/components/x/manifests/dev");
        assert_eq!(Repository::of(&deep).unwrap(), found);
    }

    #[test]
    fn a_git_file_leads_out_of_the_files_of_a_revision() {
        let (_home, root) = home();
        let (work, linked) = (root.join("work"), root.join("linked"));
        bare(&work.join(".git"));
        bare(&work.join("evil"));
        bare(&root.join("separate"));
        fs::create_dir_all(work.join("platform")).unwrap();
        fs::create_dir_all(&linked).unwrap();
        let worktree = work.join(".git/worktrees/linked");
        fs::create_dir_all(&worktree).unwrap();
        fs::write(worktree.join("HEAD"), "ref: refs/heads/x\n").unwrap();
        fs::write(worktree.join("commondir"), "../..\n").unwrap();
        let points = |from: &Path, to: &str| fs::write(from.join(".git"), format!("gitdir: {to}\n")).unwrap();
        points(&linked, &worktree.display().to_string());
        let found = Repository::discover(&linked).unwrap().unwrap();
        assert_eq!((found.git_dir(), found.common_dir()), (&*worktree, &*work.join(".git")));
        points(&linked, "../separate");
        assert_eq!(Repository::discover(&linked).unwrap().unwrap().git_dir(), root.join("separate"));
        for (at, to) in [("platform", "../evil"), ("platform", "../../work/evil"), ("platform", "/nowhere")] {
            points(&work.join(at), to);
            let error = Repository::discover(&work.join(at)).unwrap_err().to_string();
            assert!(error.contains("/platform/.git "), "{error}");
        }
        fs::remove_file(work.join("platform/.git")).unwrap();
        std::os::unix::fs::symlink("../evil", work.join("platform/.git")).unwrap();
        assert!(Repository::discover(&work.join("platform")).is_err());
        fs::remove_file(work.join("platform/.git")).unwrap();
        fs::write(work.join("platform/.git"), "evil").unwrap();
        assert!(Repository::discover(&work.join("platform")).is_err());
    }
}
