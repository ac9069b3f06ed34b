//! The remote that a project's branches are pushed to, through the user's own `git`, which knows about credentials.

use std::time::Duration;

use hydrate_base::{Diagnostic, DiskWorld, Result, World};

use super::Repository;
use super::command::{Said, run, succeed};

/// How often somebody else may have been faster before it is given up.
pub const TRIES: u32 = 64;

/// The longest time between two tries.
const LONGEST: Duration = Duration::from_millis(1500);

/// A remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    repository: Repository,
    /// Its name: `origin`.
    pub name: String,
}

/// The branch of a remote that the branch that is checked out is pushed to.
#[derive(Debug)]
pub struct Upstream {
    /// The remote.
    pub remote: Remote,
    /// The name of the branch there.
    pub branch: String,
    /// The name of the branch here.
    pub local: String,
}

impl Upstream {
    /// Of the branch that is checked out in the repository that a project lies in.
    ///
    /// # Errors
    /// A detached HEAD, and a branch that is pushed nowhere.
    pub fn of(root: &std::path::Path) -> Result<Self> {
        let repository = Repository::of(root)?;
        let mut asked = repository.git();
        asked.args(["symbolic-ref", "--quiet", "HEAD"]);
        let reference = run(asked, b"")?.text();
        let Some(local) = reference.strip_prefix("refs/heads/").map(str::to_owned) else {
            return Err(Diagnostic::error("HEAD is detached: there is no branch that could be pushed")
                .note("nothing was written or committed")
                .help("check out the branch first: git switch BRANCH"));
        };
        let mut asked = repository.git();
        asked.args([
            "for-each-ref",
            "--format=%(push:remotename)%00%(push:remoteref)%00%(upstream:remotename)%00%(upstream:remoteref)",
            &reference,
        ]);
        let said = succeed(asked, b"", "say where the branch is pushed to")?;
        let text = said.text();
        let fields: Vec<&str> = text.split('\0').collect();
        let known = fields.chunks(2).find_map(|pair| match pair {
            [remote, branch] if !remote.is_empty() && *remote != "." => Some((*remote, branch.strip_prefix("refs/heads/")?)),
            _ => None,
        });
        let known = known.map(|(remote, branch)| (remote.to_owned(), branch.to_owned()));
        // With these settings Git pushes to the branch of the same name.
        let setting = |arguments: &[&str]| -> Result<String> {
            let mut asked = repository.git();
            asked.arg("config").args(arguments);
            Ok(run(asked, b"")?.text())
        };
        let by_name = || -> Result<Option<(String, String)>> {
            let pushes =
                setting(&["--get", "push.default"])? == "current" || setting(&["--type=bool", "--get", "push.autoSetupRemote"])? == "true";
            Ok(Remote::of(&repository)?.filter(|_| pushes).map(|remote| (remote.name, local.clone())))
        };
        let Some((remote, branch)) = known.map_or_else(by_name, |known| Ok(Some(known)))? else {
            let remote = Remote::of(&repository)?.map_or_else(|| "origin".to_owned(), |remote| remote.name);
            return Err(Diagnostic::error(format!("the branch {local} has no upstream: Git does not know where to push it"))
                .note("nothing was written or committed")
                .help(format!("push it once yourself: git push -u {remote} {local}")));
        };
        Ok(Self { remote: Remote { repository, name: remote }, branch, local })
    }

    /// Fetches it.
    pub fn fetch(&self) -> Result<()> {
        self.remote.fetch(&[&self.branch], None)
    }

    /// The commit that it is at, by what was fetched; `None` where it is not there.
    pub fn tip(&self) -> Result<Option<String>> {
        super::branch::commit_of(&self.remote.repository, &self.remote.tracking(&self.branch))
    }

    /// The commit that is checked out, which must not have commits that the remote lacks: those are for their author to push.
    ///
    /// # Errors
    /// Such commits, with the command that pushes them.
    pub fn pushed_head(&self) -> Result<String> {
        let repository = &self.remote.repository;
        let Some(head) = super::branch::commit_of(repository, "HEAD")? else {
            return Err(Diagnostic::error("there is no commit yet")
                .help(format!("commit the sources, and push: git push -u {} {}", self.remote.name, self.local)));
        };
        let mut counting = repository.reading_git();
        counting.args(["rev-list", "--count", &head]);
        if let Some(tip) = self.tip()? {
            counting.arg(format!("^{tip}"));
        }
        let count = succeed(counting, b"", "count the commits that are not pushed")?.text();
        if count == "0" {
            return Ok(head);
        }
        let commits = if count == "1" { "a commit".to_owned() } else { format!("{count} commits") };
        Err(Diagnostic::error(format!("{} has {commits} that {}/{} has not", self.local, self.remote.name, self.branch))
            .note("only what this run commits is made again where somebody else pushes at the same time; nothing was written or committed")
            .help(format!("push first: git push {} {}:{}", self.remote.name, self.local, self.branch)))
    }
}

/// What became of a push.
#[derive(Debug)]
pub enum Pushed {
    /// It is there.
    Done,
    /// Somebody else was faster: what was pushed is not made from what is there.
    Behind,
}

impl Remote {
    /// The remote of the branch that is checked out, else `origin`, else the only one.
    pub(super) fn of(repository: &Repository) -> Result<Option<Self>> {
        let mut asked = repository.git();
        asked.arg("remote");
        let said = succeed(asked, b"", "list the remotes")?;
        let known: Vec<String> = said.text().lines().map(str::to_owned).collect();
        let of_branch = || -> Option<String> {
            let mut asked = repository.git();
            asked.args(["symbolic-ref", "--quiet", "--short", "HEAD"]);
            let branch = run(asked, b"").ok()?.text();
            let mut asked = repository.git();
            asked.args(["config", "--get", &format!("branch.{branch}.remote")]);
            Some(run(asked, b"").ok()?.text()).filter(|name| known.contains(name))
        };
        let only = || if let [only] = known.as_slice() { Some(only.clone()) } else { None };
        let name = of_branch().or_else(|| known.iter().find(|name| *name == "origin").cloned()).or_else(only);
        Ok(name.map(|name| Self { repository: repository.clone(), name }))
    }

    /// What is known here of a branch of the remote's.
    pub fn tracking(&self, branch: &str) -> String {
        format!("refs/remotes/{}/{branch}", self.name)
    }

    /// Where it is, as it is configured.
    pub(super) fn address(&self) -> Result<String> {
        let mut asked = self.repository.reading_git();
        asked.args(["config", "--get", &format!("remote.{}.url", self.name)]);
        Ok(run(asked, b"")?.text())
    }

    /// Fetches branches and notes of the remote's, those that are there; what is known here of others goes. Notes come to `refs/hydrate/notes/`.
    pub fn fetch(&self, branches: &[&str], notes: Option<&str>) -> Result<()> {
        let mut references: Vec<(String, String)> =
            branches.iter().map(|branch| (format!("refs/heads/{branch}"), self.tracking(branch))).collect();
        references.extend(notes.map(|notes| (format!("refs/notes/{notes}"), self.fetched_notes(notes))));
        let mut listing = self.repository.git();
        listing.args(["ls-remote", &self.name]).args(references.iter().map(|(theirs, _)| theirs));
        let said = self.talk(listing, "cannot see what the remote has")?;
        let text = said.text();
        let there: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('\t')?.1)).collect();
        let (wanted, gone): (Vec<_>, Vec<_>) = references.iter().partition(|(theirs, _)| there.contains(&theirs.as_str()));
        for (_, ours) in gone {
            let mut deleting = self.repository.git();
            deleting.args(["update-ref", "-d", ours]);
            run(deleting, b"")?;
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let mut fetching = self.repository.git();
        fetching.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", &self.name]);
        fetching.args(wanted.iter().map(|(theirs, ours)| format!("+{theirs}:{ours}")));
        self.talk(fetching, "cannot fetch from the remote").map(drop)
    }

    /// Fetches what is configured for the remote: all branches, where nothing else is.
    pub fn fetch_branches(&self) -> Result<()> {
        let mut fetching = self.repository.git();
        fetching.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", &self.name]);
        self.talk(fetching, "cannot fetch from the remote").map(drop)
    }

    fn fetched_notes(&self, notes: &str) -> String {
        format!("refs/hydrate/notes/{}/{notes}", self.name)
    }

    /// Pushes a commit to a branch: only where that has nothing that the commit is not made from.
    pub fn push(&self, commit: &str, branch: &str) -> Result<Pushed> {
        self.push_reference(&format!("{commit}:refs/heads/{branch}"), &format!("cannot push to {branch} of {}", self.name))
    }

    /// Pushes the notes of a name, with those that the remote has.
    ///
    /// # Errors
    /// Where it cannot be reached, refuses them, or others are faster all the time.
    pub fn push_notes(&self, notes: &str) -> Result<()> {
        let own = format!("refs/notes/{notes}");
        for attempt in 0..TRIES {
            self.fetch_notes(notes)?;
            match self.push_reference(&format!("{own}:{own}"), &format!("cannot push the notes to {}", self.name))? {
                Pushed::Done => return Ok(()),
                Pushed::Behind => pause(attempt),
            }
        }
        Err(too_many(&self.name).note("the branch is pushed, only the note on its commit is not").help("run hydrate again"))
    }

    /// Fetches the notes of a name, and merges them into those here, which win.
    pub fn fetch_notes(&self, notes: &str) -> Result<()> {
        self.fetch(&[], Some(notes))?;
        let fetched = self.fetched_notes(notes);
        if super::branch::commit_of(&self.repository, &fetched)?.is_none() {
            return Ok(());
        }
        let mut merging = self.repository.git();
        merging.args(["notes", &format!("--ref={notes}"), "merge", "--quiet", "--strategy=ours", &fetched]);
        succeed(merging, b"", "merge the remote's notes").map(drop)
    }

    fn push_reference(&self, reference: &str, cannot: &str) -> Result<Pushed> {
        let mut pushing = self.repository.git();
        pushing.args(["push", "--porcelain", "--no-follow-tags", &self.name, reference]);
        let said = run(pushing, b"")?;
        if said.status.success() {
            return Ok(Pushed::Done);
        }
        let text = said.text();
        let answer = text.lines().find(|line| line.starts_with('!')).unwrap_or_default();
        if is_behind(answer, &said.stderr) {
            return Ok(Pushed::Behind);
        }
        let error = said.error(cannot.to_owned());
        let error = match answer.rsplit('\t').next().filter(|why| !why.is_empty()) {
            Some(why) => error.note(format!("the remote says: {why}")),
            None => error,
        };
        Err(error.note("nothing here was changed"))
    }

    fn talk(&self, command: std::process::Command, cannot: &str) -> Result<Said> {
        let said = run(command, b"")?;
        if said.status.success() { Ok(said) } else { Err(said.error(format!("{cannot} {}", self.name))) }
    }
}

/// The address of the repository that a project lies in, as everybody can write it. `None` where there is no remote, or it is a directory of this machine.
pub fn remote_address(root: &std::path::Path) -> Result<Option<String>> {
    let remote = Remote::of(&Repository::of(root)?)?;
    Ok(remote.map(|remote| remote.address()).transpose()?.and_then(|address| everybodys(&address)))
}

/// One spelling of an address, without a login, and over HTTPS where it is one of SSH: whoever has cloned a repository by another one writes the same.
/// `None` for what only this machine knows.
pub(super) fn everybodys(address: &str) -> Option<String> {
    let (scheme, rest) = match address.trim().split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest.to_owned()),
        // git@host:path
        None => {
            let (host, path) = address.trim().split_once(':').filter(|(host, _)| host.len() > 1 && !host.contains('/'))?;
            ("ssh".to_owned(), format!("{host}/{}", path.trim_start_matches('/')))
        }
    };
    let (authority, path) = rest.split_once('/')?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
    let without = |port: &str| host.strip_suffix(port).unwrap_or(&host).to_owned();
    let (scheme, host) = match scheme.as_str() {
        "https" => ("https", without(":443")),
        "http" => ("http", without(":80")),
        // The port of SSH says nothing about the one of HTTPS.
        "ssh" | "git+ssh" | "ssh+git" | "git" => ("https", host.split(':').next().unwrap_or(&host).to_owned()),
        _ => return None,
    };
    let path = path.trim_matches('/').trim_end_matches(".git");
    (!host.is_empty()).then(|| format!("{scheme}://{host}/{path}"))
}

/// Whether a push was refused because the branch has moved. A remote says so in other words where it has noticed only while it wrote.
fn is_behind(answer: &str, stderr: &str) -> bool {
    let words = [
        "[rejected] (fetch first)",
        "[rejected] (non-fast-forward)",
        "[rejected] (stale info)",
        "(cannot lock ref",
        "(failed to update ref)",
        "(failed to lock)",
        "(incorrect old value provided)",
        "(reference already exists)",
    ];
    words.iter().any(|word| answer.contains(word)) || (answer.contains("[remote rejected]") && stderr.contains("cannot lock ref"))
}

/// Others were faster too often.
pub fn too_many(remote: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("others have pushed to {remote} {TRIES} times while this was rendered and pushed"))
        .note("nothing is lost; the branch and the files here are as they were")
}

/// Waits before the next try: longer the more there were, and never as long as somebody else who waits.
pub fn pause(attempt: u32) {
    let most = Duration::from_millis(60).saturating_mul(1 << attempt.min(5)).min(LONGEST);
    let mut random = [0; 4];
    DiskWorld::new().random(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    std::thread::sleep(most.mul_f64(share));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_written_in_one_way() {
        let same = [
            "https://git.example.org/team/platform",
            "https://git.example.org/team/platform.git",
            "https://user:token@git.example.org/team/platform.git/",
            "git@git.example.org:team/platform.git",
            "ssh://git@git.example.org:22/team/platform.git",
            "git.example.org:/team/platform",
            "https://Git.example.org:443/team/platform/",
            "https://user:token@Git.example.org/team/platform/",
        ];
        for url in same {
            assert_eq!(everybodys(url).as_deref(), Some(same[0]), "{url}");
        }
        assert_eq!(everybodys("http://localhost:3000/a/b").as_deref(), Some("http://localhost:3000/a/b"));
        assert_eq!(everybodys("http://u@example.org/x.git").as_deref(), Some("http://example.org/x"));
        for url in ["/srv/git/platform.git", "../platform", "file:///srv/git/platform", "C:/git/platform", "C:\\git", ""] {
            assert_eq!(everybodys(url), None, "{url}");
        }
    }

    #[test]
    fn a_race_is_told_from_a_refusal() {
        for race in [
            "!\tabc:refs/heads/x\t[rejected] (fetch first)",
            "!\tabc:refs/heads/x\t[rejected] (non-fast-forward)",
            "!\tabc:refs/heads/x\t[remote rejected] (cannot lock ref 'refs/heads/x': is at a but expected b)",
            "!\tabc:refs/heads/x\t[remote rejected] (failed to update ref)",
        ] {
            assert!(is_behind(race, ""), "{race}");
        }
        for refusal in [
            "",
            "!\tabc:refs/heads/x\t[remote rejected] (pre-receive hook declined)",
            "!\tabc:refs/heads/x\t[remote rejected] (protected branch)",
        ] {
            assert!(!is_behind(refusal, "remote: no"), "{refusal}");
        }
    }
}
