//! Git repositories as sources: fetched shallow through the user's own `git`, read as one tree of files at a commit.
//!
//! The network is left to `git`, so that credentials, SSH agents and proxies work as they do for the user. Objects
//! are read in process. A commit becomes one canonical tar (`Tree::to_tar`), the same bytes on every machine.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::archive::{Entry, Limits, Tree};
use super::cache::Cache;
use super::url::Url;
use crate::base::hash::sha256;
use crate::base::suggest::nearest;
use crate::base::{Diagnostic, World};

/// A Git repository and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// What `git fetch` is given: `https://…`, `ssh://…`, `git@host:path`, `file://…`.
    pub address: String,
    /// Branch, tag or commit; `None` for the default branch.
    pub reference: Option<String>,
    /// Whether submodules belong to it.
    pub submodules: bool,
    /// How long fetching may take, where the address says so.
    pub timeout: Option<Duration>,
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

    /// The address for git's command line; a login in it goes another way.
    fn plain_address(&self) -> String {
        self.shown()
    }

    fn title(&self) -> String {
        match &self.reference {
            Some(reference) => format!("Git repository {} at {reference}", self.shown()),
            None => format!("Git repository {}", self.shown()),
        }
    }
}

/// How long one run of `git` may take: `HYDRATE_GIT_TIMEOUT` in seconds, or five minutes.
pub fn patience(world: &dyn World) -> Duration {
    let seconds = world.variable("HYDRATE_GIT_TIMEOUT").and_then(|text| text.parse::<u32>().ok());
    seconds.map_or(Duration::from_secs(300), |seconds| Duration::from_secs(seconds.max(1).into()))
}

/// Fetches repositories into a cache.
pub struct Git<'a> {
    /// Where shallow repositories are kept.
    pub cache: &'a Cache,
    /// How long one run of `git` may take, where the address does not say.
    pub patience: Duration,
    /// User and password for an address, where hydrate was given them; git's own ways come after.
    pub login: &'a dyn Fn(&Url) -> Option<(String, String)>,
}

impl Git<'_> {
    /// The tree of a repository at `commit`, or where that is `None`, at its reference; and the commit that it was.
    pub fn fetch(&self, repository: &Repository, commit: Option<&str>) -> Result<(Tree, String), Box<Diagnostic>> {
        self.fetch_nested(repository, commit, 0)
    }

    fn fetch_nested(&self, repository: &Repository, commit: Option<&str>, depth: u32) -> Result<(Tree, String), Box<Diagnostic>> {
        refuse_options(repository)?;
        let name = sha256(repository.address.as_bytes());
        let _held = self.cache.lock(&format!("git-{name}"))?;
        let directory = self.cache.git_directory(&name);
        let runner = Runner { git: self, repository, directory: &directory };
        // HEAD is the last thing that `git init` writes; without it, the process before was stopped on the way.
        if !directory.join("HEAD").exists() {
            std::fs::create_dir_all(&directory).map_err(|error| io_failed(&directory, &error))?;
            runner.run(&["init", "--quiet", "--bare"])?;
        }
        runner.clear_locks();
        let local = git2::Repository::open_bare(&directory).map_err(|error| git_failed(repository, &error))?;
        let commit = match commit {
            Some(commit) if local.find_commit_by_prefix(commit).is_ok() => commit.to_owned(),
            Some(commit) => runner.fetch_reference(commit)?,
            None => runner.fetch_reference(repository.reference.as_deref().unwrap_or("HEAD"))?,
        };
        let tree = self.read_tree(&local, repository, &commit, depth)?;
        Ok((tree, commit))
    }
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

/// Runs `git` for one repository.
struct Runner<'a> {
    git: &'a Git<'a>,
    repository: &'a Repository,
    directory: &'a Path,
}

/// What a hook of git's sets for its own repository; it must not reach the ones in the cache.
const FOREIGN: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_QUARANTINE_PATH",
];

impl Runner<'_> {
    /// A git that was killed leaves its lock on `shallow` behind; whoever holds our own lock is alone here.
    fn clear_locks(&self) {
        for name in ["shallow.lock", "config.lock", "HEAD.lock", "FETCH_HEAD.lock", "packed-refs.lock"] {
            // One that is not there is as good as one that is removed.
            let _ = std::fs::remove_file(self.directory.join(name));
        }
    }

    /// Fetches one commit without history; servers that do not give single commits are asked for all of it.
    fn fetch_reference(&self, reference: &str) -> Result<String, Box<Diagnostic>> {
        let address = self.repository.plain_address();
        let shallow = self.run(&["fetch", "--quiet", "--no-tags", "--depth=1", "--", &address, reference]);
        let Err(refused) = shallow else { return self.head("FETCH_HEAD^{commit}") };
        let full_id = reference.len() >= 7 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !full_id {
            return Err(self.with_references(refused));
        }
        let all = ["fetch", "--quiet", "--no-tags", "--", &address, "+refs/heads/*:refs/remote/heads/*", "+refs/tags/*:refs/remote/tags/*"];
        self.run(&all)?;
        self.head(&format!("{reference}^{{commit}}")).map_err(|_| refused)
    }

    fn head(&self, what: &str) -> Result<String, Box<Diagnostic>> {
        self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", what])
            .map(|text| text.lines().last().unwrap_or_default().trim().to_owned())
    }

    /// Adds the branches and tags nearest to one that does not exist.
    fn with_references(&self, error: Box<Diagnostic>) -> Box<Diagnostic> {
        let Some(wanted) = &self.repository.reference else { return error };
        let Ok(listed) = self.run(&["ls-remote", "--heads", "--tags", "--refs", "--", &self.repository.plain_address()]) else {
            return error;
        };
        let names = listed.lines().filter_map(|line| line.split('\t').nth(1)?.splitn(3, '/').nth(2));
        let near = nearest(wanted, names, 3);
        if near.is_empty() { error } else { error.help(format!("branches and tags with a like name: {}", near.join(", "))) }
    }

    /// What `git` prints. It asks nobody anything, and is stopped when its time is over.
    fn run(&self, args: &[&str]) -> Result<String, Box<Diagnostic>> {
        let (mut out, mut err) = (scratch()?, scratch()?);
        let limit = self.repository.timeout.unwrap_or(self.git.patience);
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(duplicate(&out)?).stderr(duplicate(&err)?);
        let status = command.spawn().and_then(|child| wait(child, limit)).map_err(|error| {
            Diagnostic::error(format!("cannot fetch the {}: `git` cannot be run", self.repository.title()))
                .note(error.to_string())
                .help("install git; hydrate uses it for the network so that your credentials and SSH keys work")
        })?;
        if status.is_some_and(|status| status.success()) {
            return Ok(text(&mut out));
        }
        let mut error = Diagnostic::error(format!("cannot fetch the {}", self.repository.title()));
        if status.is_none() {
            error = error.note(format!("git was stopped after {} s", limit.as_secs()));
        }
        let said = text(&mut err);
        for line in said.lines().filter(|line| !line.trim().is_empty()).take(6) {
            error = error.note(format!("git: {}", self.hidden(line)));
        }
        Err(match status {
            None => error.help("`?timeout=SECONDS` in the address, or HYDRATE_GIT_TIMEOUT, waits longer"),
            Some(_) => error.help(format!("`git ls-remote {}` shows whether the repository can be reached", self.repository.shown())),
        })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(["-c", "protocol.ext.allow=never", "-c", "gc.auto=0", "--git-dir"]).arg(self.directory).args(args);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("LC_ALL", "C");
        let url = Url::parse(&self.repository.address);
        match url.filter(|url| matches!(url.scheme(), "https" | "http")) {
            Some(url) => self.with_login(&mut command, &url),
            None if self.repository.address.starts_with("file://") => {}
            None => without_questions(&mut command),
        }
        command
    }

    /// A login travels as a credential helper for its origin alone, in the environment: not on the command line, which
    /// everybody on the machine can read, and not to where a redirect leads.
    fn with_login(&self, command: &mut Command, url: &Url) {
        let own = Url::login_of(&self.repository.address).or_else(|| (self.git.login)(url));
        let Some((user, password)) = own else { return };
        let key = format!("credential.{}://{}.helper", url.scheme(), url.authority());
        let helper =
            "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \"$HYDRATE_GIT_USER\" \"$HYDRATE_GIT_PASSWORD\"; }; f";
        let before = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        command.env("GIT_CONFIG_COUNT", (before + 2).to_string());
        // An empty helper takes away those configured before: this login is the one that was given for the address.
        for (at, value) in [(before, ""), (before + 1, helper)] {
            command.env(format!("GIT_CONFIG_KEY_{at}"), &key).env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        command.env("HYDRATE_GIT_USER", user).env("HYDRATE_GIT_PASSWORD", password);
    }

    /// A line of git's without what is in the address, or in logins, to be kept to itself.
    fn hidden(&self, line: &str) -> String {
        let line = line.replace(&self.repository.address, &self.repository.shown());
        let url = Url::parse(&self.repository.address);
        let login = Url::login_of(&self.repository.address).or_else(|| url.and_then(|url| (self.git.login)(&url)));
        match login.filter(|(_, password)| !password.is_empty()) {
            Some((_, password)) => line.replace(&password, "[hidden]"),
            None => line,
        }
    }
}

/// ssh asks for no passphrase and confirms no unknown host: there may be nobody to answer. A GIT_SSH of the user's is
/// theirs alone.
fn without_questions(command: &mut Command) {
    if std::env::var_os("GIT_SSH").is_some() {
        return;
    }
    let configured = || {
        let output = Command::new("git").args(["config", "--get", "core.sshCommand"]).stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let ssh = std::env::var("GIT_SSH_COMMAND").ok().filter(|text| !text.is_empty()).or_else(configured);
    command.env("GIT_SSH_COMMAND", format!("{} -o BatchMode=yes", ssh.as_deref().unwrap_or("ssh")));
}

/// The status of a child; `None` when it took too long and was stopped.
fn wait(mut child: Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Files and not pipes take what git says: nothing has to be read while it runs, and helpers of its that outlive it keep
/// nobody waiting.
fn scratch() -> Result<File, Box<Diagnostic>> {
    tempfile::tempfile().map_err(|error| Diagnostic::error("cannot make a temporary file").note(error.to_string()))
}

fn duplicate(file: &File) -> Result<Stdio, Box<Diagnostic>> {
    file.try_clone().map(Stdio::from).map_err(|error| Diagnostic::error("cannot use a temporary file").note(error.to_string()))
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    // What cannot be read back is a message less.
    let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(16 << 20).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn io_failed(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot write {}", path.display())).note(error.to_string())
}

fn git_failed(repository: &Repository, error: &git2::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot read the {}", repository.title())).note(error.message().to_owned())
}

impl Git<'_> {
    /// All files at a commit.
    fn read_tree(&self, local: &git2::Repository, of: &Repository, commit: &str, depth: u32) -> Result<Tree, Box<Diagnostic>> {
        let failed = |error: git2::Error| git_failed(of, &error);
        let commit = local.revparse_single(commit).and_then(|object| object.peel_to_commit()).map_err(failed)?;
        let root = commit.tree().map_err(failed)?;
        let mut reading = Reading { local, of, tree: Tree::default(), bytes: 0, submodules: Vec::new() };
        reading.walk(&root, "", 0)?;
        let (mut tree, submodules) = (reading.tree, reading.submodules);
        if of.submodules {
            for (path, id) in submodules {
                self.add_submodule(&mut tree, of, &path, &id, depth)?;
            }
        }
        Ok(tree)
    }

    /// Puts the files of a submodule, at the commit that the outer repository names, below its path.
    fn add_submodule(&self, tree: &mut Tree, of: &Repository, path: &str, id: &str, depth: u32) -> Result<(), Box<Diagnostic>> {
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
        let inner = Repository { address, reference: None, submodules: true, timeout: of.timeout };
        let (below, _) = self.fetch_nested(&inner, Some(id), depth + 1)?;
        for (name, entry) in below.entries() {
            let refused = |why| Diagnostic::error(format!("the {} is refused", of.title())).note(why);
            tree.insert(&format!("{path}/{name}"), entry.clone()).map_err(refused)?;
        }
        Ok(())
    }
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
        Repository { address: format!("file://{}", directory.display()), reference: None, submodules: true, timeout: None }
    }

    fn fetch(cache: &Cache, repository: &Repository, commit: Option<&str>) -> Result<(Tree, String), Box<Diagnostic>> {
        Git { cache, patience: Duration::from_secs(60), login: &|_| None }.fetch(repository, commit)
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
            let one = Repository { address: address.into(), reference: None, submodules: false, timeout: None };
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
    fn a_git_that_hangs_is_stopped() {
        let (origin, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // A server that accepts and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("git://{}/x", silent.local_addr().unwrap());
        let one = Repository { address, timeout: Some(Duration::from_millis(300)), ..repository(origin.path()) };
        let error = fetch(&Cache::at(home.path()), &one, None).unwrap_err().to_string();
        assert!(error.contains("git was stopped after 0 s") && error.contains("HYDRATE_GIT_TIMEOUT"), "{error}");
    }

    #[test]
    fn what_a_killed_git_leaves_is_cleared() {
        let (origin, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (main, cache) = (repository(origin.path()), Cache::at(home.path()));
        fetch(&cache, &main, None).unwrap();
        let directory = cache.git_directory(&sha256(main.address.as_bytes()));
        std::fs::write(directory.join("shallow.lock"), "").unwrap();
        let tagged = Repository { reference: Some("v1".into()), ..main };
        fetch(&cache, &tagged, None).unwrap();
    }

    #[test]
    fn logins_go_to_their_origin_only() {
        let (home, cache) = (Path::new("/nonexistent"), Cache::at("/nonexistent"));
        let login = |url: &Url| (url.host() == "git.example.org").then(|| ("ann".to_owned(), "s3cret".to_owned()));
        let git = Git { cache: &cache, patience: Duration::from_secs(1), login: &login };
        for (address, sent) in [
            ("https://git.example.org/a", Some("s3cret")),
            ("https://bob:pw@other.example.org/a", Some("pw")),
            ("https://other.example.org/a", None),
            ("git@git.example.org:a", None),
        ] {
            let one = Repository { address: address.into(), reference: None, submodules: false, timeout: None };
            let runner = Runner { git: &git, repository: &one, directory: home };
            let command = runner.command(&["fetch", "--", &one.plain_address()]);
            let variable = |name: &str| {
                let value = command.get_envs().find(|(key, _)| *key == name)?.1?;
                Some(value.to_string_lossy().into_owned())
            };
            assert_eq!(variable("HYDRATE_GIT_PASSWORD").as_deref(), sent, "{address}");
            let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
            assert!(!arguments.join(" ").contains("pw"), "{arguments:?}");
            assert_eq!(variable("GIT_TERMINAL_PROMPT").as_deref(), Some("0"));
            assert_eq!(variable("GIT_SSH_COMMAND").is_some_and(|ssh| ssh.ends_with("-o BatchMode=yes")), address.starts_with("git@"));
            if let Some(password) = sent {
                assert!(!runner.hidden(&format!("fatal: {address} with {password}")).contains(password), "{address}");
            }
        }
    }

    #[test]
    fn relative_submodules() {
        assert_eq!(joined("https://h/org/repo.git", "../other.git"), "https://h/org/other.git");
        assert_eq!(joined("git@h:org/repo", "../other"), "git@h:org/other");
        assert_eq!(joined("https://h/org/repo/", "./sub"), "https://h/org/repo/sub");
    }
}
