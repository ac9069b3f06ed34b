//! Git repositories as sources: fetched shallow through the user's own `git`, read as one tree of files at a commit.
//!
//! The network is left to `git`, so that credentials, SSH agents and proxies work as they do for the user. Objects
//! are read in process. A commit becomes one canonical tar (`Tree::to_tar`), the same bytes on every machine.
//!
//! Of a repository only objects are kept in the cache, and they carry their own digests. Each fetch has a Git directory of its
//! own, made for it and removed after it, so that no configuration and no hook of any repository is in force: neither
//! of one in the working directory, nor of one that somebody else has put into a shared cache. What is in force is the
//! configuration of the user and of the machine.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::archive::{Entry, Limits, Tree};
use super::cache::Cache;
use hydrate_address::{Repository, Url};
use hydrate_base::hash::sha256;
use hydrate_base::suggest::nearest;
use hydrate_base::{self as base, Diagnostic, World};

/// How long one run of `git` may take: `HYDRATE_GIT_TIMEOUT` in seconds, or five minutes.
pub(crate) fn timeout(world: &dyn World) -> Duration {
    let seconds = world.variable("HYDRATE_GIT_TIMEOUT").and_then(|text| text.parse::<u32>().ok());
    seconds.map_or(Duration::from_secs(300), |seconds| Duration::from_secs(seconds.max(1).into()))
}

/// Fetches repositories into a cache.
pub(crate) struct Git<'a> {
    /// Where shallow repositories are kept.
    pub cache: &'a Cache,
    /// How long one run of `git` may take, where the address does not say.
    pub timeout: Duration,
    /// User and password for an address, where hydrate was given them; git's own ways come after.
    pub login: &'a dyn Fn(&Url) -> Option<(String, String)>,
}

impl Git<'_> {
    /// The tree of a repository at `commit`, or where that is `None`, at its reference; and the commit that it was.
    pub(crate) fn fetch(&self, repository: &Repository, commit: Option<&str>) -> Result<(Tree, String), Box<Diagnostic>> {
        self.fetch_nested(repository, commit, 0)
    }

    fn fetch_nested(&self, repository: &Repository, commit: Option<&str>, depth: u32) -> Result<(Tree, String), Box<Diagnostic>> {
        refuse_options(repository)?;
        let name = sha256(repository.address.as_bytes());
        let _held = self.cache.lock(&format!("git-{name}"))?;
        let objects = objects(&self.cache.git_directory(&name)?)?;
        let local = opened(&objects).map_err(|error| git_failed(repository, &error))?;
        if let Some(commit) = commit.filter(|commit| local.find_commit_by_prefix(commit).is_ok())
            && let Ok(tree) = self.read_tree(&local, repository, commit, depth)
        {
            return Ok((tree, commit.to_owned()));
        }
        let runner = Runner::new(self, repository, objects)?;
        let commit = runner.fetch_reference(commit.or(repository.reference.as_deref()).unwrap_or("HEAD"))?;
        // What was fetched just now is in packs that the repository opened before does not know.
        let local = opened(&runner.objects).map_err(|error| git_failed(repository, &error))?;
        let tree = self.read_tree(&local, repository, &commit, depth)?;
        Ok((tree, commit))
    }
}

/// The directory of a repository's objects in the cache, made where there is none. What somebody else could change later is
/// not written to.
fn objects(directory: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    let objects = directory.join("objects");
    std::fs::create_dir_all(&objects).map_err(|error| io_failed(&objects, &error))?;
    let own = rustix::process::geteuid().as_raw();
    for path in [directory, &objects] {
        let metadata = std::fs::symlink_metadata(path).map_err(|error| io_failed(path, &error))?;
        if !metadata.is_dir() || ![own, 0].contains(&metadata.uid()) {
            return Err(Diagnostic::error(format!("{} in the cache belongs to somebody else", path.display()))
                .note("whoever owns it decides what is in it")
                .help("name a cache of your own in HYDRATE_CACHE_DIR"));
        }
    }
    Ok(objects)
}

/// A repository that is these objects and nothing else: it has no configuration.
fn opened(objects: &Path) -> Result<git2::Repository, git2::Error> {
    let database = git2::Odb::new()?;
    database.add_disk_alternate(&objects.to_string_lossy())?;
    git2::Repository::from_odb(database)
}

/// How an address that `git` is given may begin; it would look for a program of its own for any other.
const SCHEMES: [&str; 5] = ["https://", "http://", "ssh://", "git://", "file://"];

/// Addresses and references come from files of a repository; none of them may be read as an option or a helper.
fn refuse_options(repository: &Repository) -> Result<(), Box<Diagnostic>> {
    let bad = |text: &str| text.is_empty() || text.starts_with('-') || text.bytes().any(|byte| byte < b' ');
    let address = repository.address.as_str();
    if !is_address(address) || bad(address) || repository.reference.as_deref().is_some_and(bad) {
        return Err(Diagnostic::error(format!("{:?} is not an address or reference that is given to git", repository.title()))
            .help("use https://, ssh://, git@host:path or file://, and a branch, tag or commit"));
    }
    Ok(())
}

/// One of the schemes and a host, or `host:path` as scp has it. Neither host nor path may look like an option to ssh.
fn is_address(address: &str) -> bool {
    let scheme = SCHEMES.iter().find(|scheme| address.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
    let (host, path) = match scheme {
        Some(&"file://") => ("local", &address["file://".len()..]),
        Some(scheme) => address[scheme.len()..].split_once('/').unwrap_or((&address[scheme.len()..], "")),
        None => match address.split_once(':') {
            Some((host, path)) if !host.contains('/') && !path.starts_with(':') && !path.starts_with("//") => (host, path),
            _ => return false,
        },
    };
    let bare = host.rsplit('@').next().unwrap_or(host);
    let option = |text: &str| text.starts_with('-');
    !bare.is_empty() && !option(host) && !option(bare) && !option(path)
}

/// Runs `git` for one repository, in a Git directory that is there for this alone.
struct Runner<'a> {
    git: &'a Git<'a>,
    repository: &'a Repository,
    /// Where the objects go that are fetched.
    objects: PathBuf,
    home: tempfile::TempDir,
}

/// What is in force whatever the user's configuration says: no hook and no monitor runs, nothing is cleaned up, nothing is
/// believed that stands beside the objects, and no submodule is looked after. Protocols that are not known to be harmless
/// are not spoken, wherever a redirect or `insteadOf` leads.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.commitGraph=false",
    "fetch.writeCommitGraph=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "protocol.fd.allow=never",
];

impl<'a> Runner<'a> {
    fn new(git: &'a Git<'a>, repository: &'a Repository, objects: PathBuf) -> Result<Self, Box<Diagnostic>> {
        let failed = |error: std::io::Error| Diagnostic::error("cannot make a temporary directory").note(error.to_string());
        let home = tempfile::tempdir().map_err(failed)?;
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text);
        std::fs::create_dir(home.path().join("refs"))
            .and_then(|()| write("HEAD", "ref: refs/heads/main\n"))
            .and_then(|()| write("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"))
            .map_err(failed)?;
        Ok(Self { git, repository, objects, home })
    }

    /// Fetches one commit without history; servers that do not give single commits are asked for all of it.
    fn fetch_reference(&self, reference: &str) -> Result<String, Box<Diagnostic>> {
        let address = self.repository.shown();
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
        let Ok(listed) = self.run(&["ls-remote", "--heads", "--tags", "--refs", "--", &self.repository.shown()]) else {
            return error;
        };
        let names = listed.lines().filter_map(|line| line.split('\t').nth(1)?.splitn(3, '/').nth(2));
        let near = nearest(wanted, names, 3);
        if near.is_empty() { error } else { error.help(format!("branches and tags with a like name: {}", near.join(", "))) }
    }

    /// What `git` prints. It asks nobody anything, and is stopped when its time is over.
    fn run(&self, args: &[&str]) -> Result<String, Box<Diagnostic>> {
        let (mut out, mut err) = (scratch()?, scratch()?);
        let limit = self.repository.timeout.unwrap_or(self.git.timeout);
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
        let mut command = self.bare_command();
        SETTINGS.iter().for_each(|setting| {
            command.args(["-c", setting]);
        });
        let local = self.repository.is_local();
        if local {
            // The other side runs on this machine too, and is not to go on to another repository.
            command.env("GIT_ALLOW_PROTOCOL", "file").env("GIT_NO_LAZY_FETCH", "1");
        }
        command.args(args);
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("LC_ALL", "C");
        let url = Url::parse(&self.repository.address);
        match url.filter(|url| matches!(url.scheme(), "https" | "http")) {
            Some(url) => self.with_login(&mut command, &url),
            None if local => {}
            None => self.without_questions(&mut command),
        }
        command
    }

    /// `git` about the directory of this fetch, in that directory.
    fn bare_command(&self) -> Command {
        let mut command = base::git::command();
        command.current_dir(self.home.path()).arg("--git-dir").arg(self.home.path()).env("GIT_OBJECT_DIRECTORY", &self.objects);
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

    /// ssh asks for no passphrase and confirms no unknown host: there may be nobody to answer. A GIT_SSH of the user's is
    /// theirs alone, and so is a core.sshCommand: no repository is asked for it.
    fn without_questions(&self, command: &mut Command) {
        if std::env::var_os("GIT_SSH").is_some() {
            return;
        }
        let configured = || {
            let output = self.bare_command().args(["config", "--get", "core.sshCommand"]).stdin(Stdio::null()).output().ok()?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let ssh = std::env::var("GIT_SSH_COMMAND").ok().filter(|text| !text.is_empty()).or_else(configured);
        command.env("GIT_SSH_COMMAND", format!("{} -o BatchMode=yes", ssh.as_deref().unwrap_or("ssh")));
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
        let mut reading = TreeReader { local, of, tree: Tree::default(), bytes: 0, submodules: Vec::new() };
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
        let is_local = |address: &str| address.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("file://"));
        if is_local(&address) && !is_local(&of.address) {
            return Err(Diagnostic::error(format!("the {} has a submodule at {path} that is on this machine: {address}", of.title()))
                .help("`?submodules=false` leaves submodules out"));
        }
        let inner = Repository { address, reference: None, submodules: true, timeout: of.timeout };
        let (below, _) = self.fetch_nested(&inner, Some(id), depth + 1)?;
        for (name, entry) in below.entries() {
            let refused = |why| Diagnostic::error(format!("the {} is refused", of.title())).note(why);
            tree.insert(&format!("{path}/{name}"), entry.clone()).map_err(refused)?;
        }
        Ok(())
    }
}

struct TreeReader<'a> {
    local: &'a git2::Repository,
    of: &'a Repository,
    tree: Tree,
    bytes: u64,
    submodules: Vec<(String, String)>,
}

impl TreeReader<'_> {
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
        Git { cache, timeout: Duration::from_secs(60), login: &|_| None }.fetch(repository, commit)
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
        for address in [
            "--upload-pack=touch x",
            "ext::sh -c x",
            "EXT::sh",
            "",
            "ext://x/y",
            "foo://host/x",
            "/srv/repository",
            "./repository",
            "../x:y",
            "-oProxyCommand=x:y",
            "git@-oProxyCommand=x:y",
            "ssh://-oProxyCommand=x/y",
            "ssh://git@-oProxyCommand=x/y",
            "host:-x",
            "host::x",
            "fd::3",
        ] {
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
    fn addresses_that_are_given_to_git() {
        for address in ["https://h/x", "HTTPS://h/x", "ssh://git@h:22/x", "git@h:x", "h:x/y", "git://h/x", "file:///srv/x"] {
            let one = Repository { address: address.into(), reference: None, submodules: false, timeout: None };
            assert!(refuse_options(&one).is_ok(), "{address}");
        }
    }

    #[test]
    fn what_stands_in_the_cache_beside_the_objects_is_not_obeyed() {
        let (origin, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (main, cache) = (repository(origin.path()), Cache::at(home.path()));
        let directory = cache.git_directory(&sha256(main.address.as_bytes())).unwrap();
        std::fs::create_dir_all(&directory).unwrap();
        git(&directory, &["init", "-q", "--bare"]);
        let canary = home.path().join("canary");
        let program = format!("sh -c 'touch {}'", canary.display());
        for (key, value) in [
            ("core.fsmonitor", program.as_str()),
            ("core.sshCommand", &program),
            ("core.hooksPath", "hooks"),
            ("credential.helper", &format!("!{program}")),
            ("uploadpack.packObjectsHook", &program),
            (&format!("url.ext::{}.insteadOf", program.replace(' ', "% ")), "file://"),
            ("url.file:///nowhere/.insteadOf", "file:///"),
            ("protocol.ext.allow", "always"),
        ] {
            git(&directory, &["config", key, value]);
        }
        for hook in ["reference-transaction", "post-checkout", "pre-auto-gc"] {
            let file = directory.join("hooks").join(hook);
            std::fs::write(&file, format!("#!/bin/sh\n{program}\n")).unwrap();
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        std::fs::write(directory.join("shallow.lock"), "").unwrap();
        fetch(&cache, &main, None).unwrap();
        fetch(&cache, &Repository { reference: Some("v1".into()), ..main }, None).unwrap();
        assert!(!canary.exists());
    }

    #[test]
    fn objects_that_are_missing_are_fetched_again() {
        let (origin, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (main, cache) = (repository(origin.path()), Cache::at(home.path()));
        let (tree, commit) = fetch(&cache, &main, None).unwrap();
        let objects = cache.git_directory(&sha256(main.address.as_bytes())).unwrap().join("objects");
        // As a fetch leaves them that was stopped before the tree of its commit came.
        let mut seen = 0;
        for file in walkdir::WalkDir::new(&objects).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
            let name = format!("{}", file.path().strip_prefix(&objects).unwrap().display()).replace('/', "");
            if name != commit {
                std::fs::remove_file(file.path()).unwrap();
                seen += 1;
            }
        }
        assert!(seen > 1);
        let (again, _) = fetch(&cache, &main, Some(&commit)).unwrap();
        assert_eq!(again.digest(), tree.digest());
    }

    #[test]
    fn logins_go_to_their_origin_only() {
        let cache = Cache::at("/nonexistent");
        let login = |url: &Url| (url.host() == "git.example.org").then(|| ("ann".to_owned(), "s3cret".to_owned()));
        let git = Git { cache: &cache, timeout: Duration::from_secs(1), login: &login };
        for (address, sent) in [
            ("https://git.example.org/a", Some("s3cret")),
            ("https://bob:pa55word@other.example.org/a", Some("pa55word")),
            ("https://other.example.org/a", None),
            ("git@git.example.org:a", None),
        ] {
            let one = Repository { address: address.into(), reference: None, submodules: false, timeout: None };
            let runner = Runner::new(&git, &one, PathBuf::from("/nonexistent")).unwrap();
            let command = runner.command(&["fetch", "--", &one.shown()]);
            let variable = |name: &str| {
                let value = command.get_envs().find(|(key, _)| *key == name)?.1?;
                Some(value.to_string_lossy().into_owned())
            };
            assert_eq!(variable("HYDRATE_GIT_PASSWORD").as_deref(), sent, "{address}");
            let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
            assert!(sent.is_none_or(|password| !arguments.join(" ").contains(password)), "{arguments:?}");
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
