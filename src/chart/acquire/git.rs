//! Git repositories as sources: fetched shallow through the user's own `git`, read as one tree of files at a commit.
//!
//! The network is left to `git`, so that credentials, SSH agents and proxies work as they do for the user. Objects
//! are read in process. A commit becomes one canonical tar (`Tree::to_tar`), the same bytes on every machine.

use std::path::Path;
use std::process::{Command, Stdio};

use super::archive::{Entry, Limits, Tree, sha256};
use super::cache::Cache;
use super::url::Url;
use crate::base::Diagnostic;

/// A Git repository and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// What `git fetch` is given: `https://…`, `ssh://…`, `git@host:path`, `file://…`.
    pub address: String,
    /// Branch, tag or commit; `None` for the default branch.
    pub reference: Option<String>,
    /// Whether submodules belong to it.
    pub submodules: bool,
}

impl Repository {
    /// The address for messages and the lock, without a password in it.
    pub fn shown(&self) -> String {
        match Url::parse(&self.address) {
            // Of ssh addresses the user name is part of the address and no secret.
            Some(url) if matches!(url.scheme(), "https" | "http") => url.as_str().to_owned(),
            _ => self.address.clone(),
        }
    }

    fn title(&self) -> String {
        match &self.reference {
            Some(reference) => format!("Git repository {} at {reference}", self.shown()),
            None => format!("Git repository {}", self.shown()),
        }
    }
}

/// The tree of a repository at `commit`, or where that is `None`, at its reference; and the commit that it was.
pub fn fetch(cache: &Cache, repository: &Repository, commit: Option<&str>) -> Result<(Tree, String), Box<Diagnostic>> {
    fetch_nested(cache, repository, commit, 0)
}

fn fetch_nested(cache: &Cache, repository: &Repository, commit: Option<&str>, depth: u32) -> Result<(Tree, String), Box<Diagnostic>> {
    refuse_options(repository)?;
    let name = sha256(repository.address.as_bytes());
    let _held = cache.lock(&format!("git-{name}"))?;
    let directory = cache.git_directory(&name);
    if !directory.join("HEAD").exists() {
        std::fs::create_dir_all(&directory).map_err(|error| io_failed(&directory, &error))?;
        run(repository, &directory, &["init", "--quiet", "--bare"])?;
    }
    let local = git2::Repository::open_bare(&directory).map_err(|error| git_failed(repository, &error))?;
    let commit = match commit {
        Some(commit) if local.find_commit_by_prefix(commit).is_ok() => commit.to_owned(),
        Some(commit) => fetch_reference(repository, &directory, commit)?,
        None => fetch_reference(repository, &directory, repository.reference.as_deref().unwrap_or("HEAD"))?,
    };
    let tree = read_tree(&local, repository, &commit, cache, depth)?;
    Ok((tree, commit))
}

/// Addresses and references come from files of a repository; none of them may be read as an option or a helper.
fn refuse_options(repository: &Repository) -> Result<(), Box<Diagnostic>> {
    let bad = |text: &str| text.is_empty() || text.starts_with('-') || text.bytes().any(|byte| byte < b' ');
    let helper = repository.address.contains("::");
    if helper || bad(&repository.address) || repository.reference.as_deref().is_some_and(bad) {
        return Err(Diagnostic::error(format!("{:?} is not an address or reference that is given to git", repository.title()))
            .help("use https://, ssh://, git@host:path or file://, and a branch, tag or commit"));
    }
    Ok(())
}

/// Fetches one commit without history; servers that do not give single commits are asked for all of it.
fn fetch_reference(repository: &Repository, directory: &Path, reference: &str) -> Result<String, Box<Diagnostic>> {
    let address = repository.address.as_str();
    let shallow = run(repository, directory, &["fetch", "--quiet", "--no-tags", "--depth=1", "--", address, reference]);
    let Err(refused) = shallow else { return head(repository, directory, "FETCH_HEAD^{commit}") };
    let full_id = reference.len() >= 7 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !full_id {
        return Err(with_references(refused, repository, directory));
    }
    let all = ["fetch", "--quiet", "--no-tags", "--", address, "+refs/heads/*:refs/remote/heads/*", "+refs/tags/*:refs/remote/tags/*"];
    run(repository, directory, &all)?;
    head(repository, directory, &format!("{reference}^{{commit}}")).map_err(|_| refused)
}

fn head(repository: &Repository, directory: &Path, what: &str) -> Result<String, Box<Diagnostic>> {
    run(repository, directory, &["rev-parse", "--verify", "--quiet", "--end-of-options", what])
        .map(|text| text.lines().last().unwrap_or_default().trim().to_owned())
}

/// Adds the branches and tags nearest to one that does not exist.
fn with_references(error: Box<Diagnostic>, repository: &Repository, directory: &Path) -> Box<Diagnostic> {
    let Some(wanted) = &repository.reference else { return error };
    let listed = run(repository, directory, &["ls-remote", "--heads", "--tags", "--refs", "--", &repository.address]);
    let Ok(listed) = listed else { return error };
    let names = listed.lines().filter_map(|line| line.split('\t').nth(1)?.splitn(3, '/').nth(2));
    let near = crate::base::suggest::nearest(wanted, names, 3);
    if near.is_empty() { error } else { error.help(format!("branches and tags with a like name: {}", near.join(", "))) }
}

fn run(repository: &Repository, directory: &Path, args: &[&str]) -> Result<String, Box<Diagnostic>> {
    let output = Command::new("git")
        .arg("-c")
        .arg("protocol.ext.allow=never")
        .arg("--git-dir")
        .arg(directory)
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| {
        Diagnostic::error(format!("cannot fetch the {}: `git` cannot be run", repository.title()))
            .note(error.to_string())
            .help("install git; hydrate uses it for the network so that your credentials and SSH keys work")
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut error = Diagnostic::error(format!("cannot fetch the {}", repository.title()));
    for line in said.lines().filter(|line| !line.trim().is_empty()).take(6) {
        error = error.note(format!("git: {}", line.replace(&repository.address, &repository.shown())));
    }
    Err(error.help(format!("`git ls-remote {}` shows whether the repository can be reached", repository.shown())))
}

fn io_failed(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot write {}", path.display())).note(error.to_string())
}

fn git_failed(repository: &Repository, error: &git2::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot read the {}", repository.title())).note(error.message().to_owned())
}

/// All files at a commit.
fn read_tree(local: &git2::Repository, of: &Repository, commit: &str, cache: &Cache, depth: u32) -> Result<Tree, Box<Diagnostic>> {
    let failed = |error: git2::Error| git_failed(of, &error);
    let commit = local.revparse_single(commit).and_then(|object| object.peel_to_commit()).map_err(failed)?;
    let root = commit.tree().map_err(failed)?;
    let mut reading = Reading { local, of, tree: Tree::default(), bytes: 0, submodules: Vec::new() };
    reading.walk(&root, "", 0)?;
    let (mut tree, submodules) = (reading.tree, reading.submodules);
    if of.submodules {
        for (path, id) in submodules {
            add_submodule(&mut tree, of, &path, &id, cache, depth)?;
        }
    }
    Ok(tree)
}

struct Reading<'a> {
    local: &'a git2::Repository,
    of: &'a Repository,
    tree: Tree,
    bytes: u64,
    submodules: Vec<(String, String)>,
}

impl Reading<'_> {
    fn walk(&mut self, tree: &git2::Tree<'_>, prefix: &str, depth: u32) -> Result<(), Box<Diagnostic>> {
        let failed = |error: git2::Error| git_failed(self.of, &error);
        if depth > 200 {
            return Err(Diagnostic::error(format!("the {} has directories more than 200 deep", self.of.title())));
        }
        for entry in tree {
            let name = std::str::from_utf8(entry.name_bytes());
            let name = name.map_err(|_| Diagnostic::error(format!("the {} has a path that is not UTF-8", self.of.title())))?;
            let path = format!("{prefix}{name}");
            match entry.kind() {
                Some(git2::ObjectType::Tree) => {
                    let below = self.local.find_tree(entry.id()).map_err(failed)?;
                    self.walk(&below, &format!("{path}/"), depth + 1)?;
                }
                Some(git2::ObjectType::Blob) => self.add(&path, entry.id(), entry.filemode())?,
                Some(git2::ObjectType::Commit) => self.submodules.push((path, entry.id().to_string())),
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, id: git2::Oid, mode: i32) -> Result<(), Box<Diagnostic>> {
        let blob = self.local.find_blob(id).map_err(|error| git_failed(self.of, &error))?;
        self.bytes += blob.content().len() as u64;
        if self.bytes > Limits::REPOSITORY.bytes || self.tree.len() >= Limits::REPOSITORY.files {
            return Err(Diagnostic::error(format!("the {} is too large", self.of.title())).note(format!(
                "it has more than {} files or {} bytes",
                Limits::REPOSITORY.files,
                Limits::REPOSITORY.bytes
            )));
        }
        let entry = match mode {
            0o120_000 => Entry::Link(String::from_utf8_lossy(blob.content()).into_owned()),
            _ => Entry::File { bytes: blob.content().into(), executable: mode == 0o100_755 },
        };
        self.tree.insert(path, entry).map_err(|why| Diagnostic::error(format!("the {} is refused", self.of.title())).note(why))
    }
}

/// Puts the files of a submodule, at the commit that the outer repository names, below its path.
fn add_submodule(tree: &mut Tree, of: &Repository, path: &str, id: &str, cache: &Cache, depth: u32) -> Result<(), Box<Diagnostic>> {
    if depth > 5 {
        return Err(Diagnostic::error(format!("the {} has submodules nested more than 5 deep", of.title())));
    }
    let missing = || {
        Diagnostic::error(format!("the {} has a submodule at {path} without an address in .gitmodules", of.title()))
            .help("`?submodules=false` leaves submodules out")
    };
    let modules = tree.file(".gitmodules").ok_or_else(missing)?;
    let url = submodule_url(&String::from_utf8_lossy(&modules), path).ok_or_else(missing)?;
    let address = if url.starts_with("./") || url.starts_with("../") { joined(&of.address, &url) } else { url };
    let inner = Repository { address, reference: None, submodules: true };
    let (below, _) = fetch_nested(cache, &inner, Some(id), depth + 1)?;
    for (name, entry) in below.entries() {
        let refused = |why| Diagnostic::error(format!("the {} is refused", of.title())).note(why);
        tree.insert(&format!("{path}/{name}"), entry.clone()).map_err(refused)?;
    }
    Ok(())
}

fn submodule_url(modules: &str, path: &str) -> Option<String> {
    let value = |line: &str, key: &str| Some(line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim().to_owned());
    modules.split('[').find_map(|section| {
        let own = section.lines().any(|line| value(line, "path").as_deref() == Some(path));
        section.lines().find_map(|line| value(line, "url")).filter(|_| own)
    })
}

/// A relative submodule address, as git resolves it against the outer repository's.
fn joined(base: &str, relative: &str) -> String {
    let mut base = base.trim_end_matches('/').to_owned();
    let mut rest = relative;
    loop {
        if let Some(next) = rest.strip_prefix("./") {
            rest = next;
        } else if let Some(next) = rest.strip_prefix("../") {
            let cut = base.rfind(['/', ':']).unwrap_or(0);
            base.truncate(cut);
            rest = next;
        } else {
            return format!("{base}/{rest}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(directory: &Path, args: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"];
        let status = Command::new("git").arg("-C").arg(directory).args(identity).args(args).status().unwrap();
        assert!(status.success(), "{args:?}");
    }

    fn repository(directory: &Path) -> Repository {
        git(directory, &["init", "-q", "-b", "main"]);
        std::fs::create_dir_all(directory.join("base")).unwrap();
        std::fs::write(directory.join("base/a.yaml"), "a: 1\n").unwrap();
        std::os::unix::fs::symlink("a.yaml", directory.join("base/link.yaml")).unwrap();
        git(directory, &["add", "."]);
        git(directory, &["commit", "-qm", "one"]);
        git(directory, &["tag", "v1"]);
        std::fs::write(directory.join("base/a.yaml"), "a: 2\n").unwrap();
        git(directory, &["commit", "-qam", "two"]);
        Repository { address: format!("file://{}", directory.display()), reference: None, submodules: true }
    }

    #[test]
    fn references_become_commits() {
        let (origin, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (main, cache) = (repository(origin.path()), Cache::at(home.path()));
        let (tree, commit) = fetch(&cache, &main, None).unwrap();
        assert_eq!(tree.file("base/link.yaml").as_deref(), Some(&b"a: 2\n"[..]));
        let tagged = Repository { reference: Some("v1".into()), ..main.clone() };
        let (old, first) = fetch(&cache, &tagged, None).unwrap();
        assert_eq!(old.file("base/a.yaml").as_deref(), Some(&b"a: 1\n"[..]));
        assert_ne!(first, commit);
        let (again, _) = fetch(&Cache::at(home.path().join("cold")), &main, Some(&first)).unwrap();
        assert_eq!(again.digest(), old.digest());
    }

    #[test]
    fn a_reference_that_is_not_there() {
        let (origin, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let wrong = Repository { reference: Some("mian".into()), ..repository(origin.path()) };
        let error = fetch(&Cache::at(home.path()), &wrong, None).unwrap_err().to_string();
        assert!(error.contains("at mian") && error.contains("like name: main"), "{error}");
    }

    #[test]
    fn options_and_helpers_are_refused() {
        for address in ["--upload-pack=touch x", "ext::sh -c x", ""] {
            let one = Repository { address: address.into(), reference: None, submodules: false };
            assert!(fetch(&Cache::at("/nonexistent"), &one, None).is_err(), "{address}");
        }
    }

    #[test]
    fn submodules_are_part_of_the_tree() {
        let (inner, outer, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let inner_address = repository(inner.path()).address;
        let outer_repository = repository(outer.path());
        git(outer.path(), &["submodule", "--quiet", "add", &inner_address, "lib"]);
        git(outer.path(), &["commit", "-qm", "sub"]);
        let (tree, _) = fetch(&Cache::at(home.path()), &outer_repository, None).unwrap();
        assert_eq!(tree.file("lib/base/a.yaml").as_deref(), Some(&b"a: 2\n"[..]));
    }

    #[test]
    fn relative_submodules() {
        assert_eq!(joined("https://h/org/repo.git", "../other.git"), "https://h/org/other.git");
        assert_eq!(joined("git@h:org/repo", "../other"), "git@h:org/other");
        assert_eq!(joined("https://h/org/repo/", "./sub"), "https://h/org/repo/sub");
    }
}
