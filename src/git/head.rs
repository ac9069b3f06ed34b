//! The commit that is checked out: who it is, when it was made, on which branch, and where the repository is from.

use std::path::Path;

use hydrate_base::{Diagnostic, Result};

use super::{Repository, command};

/// The commit that is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its id.
    pub id: String,
    /// When it was made, in seconds of Unix.
    pub seconds: i64,
    /// The branch; `None` where the commit itself is checked out.
    pub branch: Option<String>,
}

impl Head {
    /// Reads it.
    ///
    /// # Errors
    /// Where there is no commit yet.
    pub fn of(root: &Path) -> Result<Self> {
        let repository = Repository::of(root)?;
        let mut asked = repository.reading_git();
        asked.args(["rev-list", "--max-count=1", "--timestamp", "--end-of-options", "HEAD"]);
        let said = command::run(asked, b"")?;
        let none = || Diagnostic::error("there is no commit yet").help("commit first: hydrate -e ENV --commit");
        let text = said.text();
        let (seconds, id) = text.split_once(' ').filter(|_| said.status.success()).ok_or_else(none)?;
        let seconds = seconds.parse().map_err(|_| none())?;
        let mut asked = repository.reading_git();
        asked.args(["symbolic-ref", "--quiet", "--short", "HEAD"]);
        let said_of_branch = command::run(asked, b"")?;
        let branch = said_of_branch.status.success().then(|| said_of_branch.text());
        Ok(Self { id: id.to_owned(), seconds, branch })
    }

    /// As Flux writes a revision: `main@sha1:…`.
    pub fn revision(&self, branch: Option<&str>) -> String {
        let algorithm = if self.id.len() == 64 { "sha256" } else { "sha1" };
        match self.branch.as_deref().or(branch) {
            Some(branch) => format!("{branch}@{algorithm}:{}", self.id),
            None => format!("{algorithm}:{}", self.id),
        }
    }
}

/// How a commit lies to the one that is checked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// It is that one, or has led to it.
    Before,
    /// It has come from it.
    After,
    /// Neither has come from the other.
    Beside,
    /// It is not here: the clone is shallow, or another repository's.
    Elsewhere,
}

/// How a commit lies to HEAD.
pub fn lies(root: &Path, id: &str) -> Result<Lies> {
    let repository = Repository::of(root)?;
    let is_ancestor = |first: &str, second: &str| -> Result<Option<bool>> {
        let mut asked = repository.reading_git();
        asked.args(["merge-base", "--is-ancestor", "--end-of-options", first, second]);
        Ok(match command::run(asked, b"")?.status.code() {
            Some(0) => Some(true),
            Some(1) => Some(false),
            _ => None,
        })
    };
    if id.len() < 40 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Lies::Elsewhere);
    }
    Ok(match is_ancestor(id, "HEAD")? {
        Some(true) => Lies::Before,
        None => Lies::Elsewhere,
        Some(false) if is_ancestor("HEAD", id)? == Some(true) => Lies::After,
        Some(false) if is_shallow(&repository) => Lies::Elsewhere,
        Some(false) => Lies::Beside,
    })
}

/// What is not here cannot be followed in a shallow clone.
fn is_shallow(repository: &Repository) -> bool {
    repository.common_dir().join("shallow").exists()
}

/// The address of the repository that the branch is pushed to, else of `origin`, as everybody can write it: without a login, over HTTPS where it is one of
/// SSH. `None` where there is no remote, or it is a directory of this machine.
pub fn remote(root: &Path, branch: Option<&str>) -> Result<Option<String>> {
    let repository = Repository::of(root)?;
    let configured = |key: &str| -> Result<Option<String>> {
        let mut asked = repository.reading_git();
        asked.args(["config", "--get", key]);
        let said = command::run(asked, b"")?;
        Ok(said.status.success().then(|| said.text()).filter(|text| !text.is_empty()))
    };
    let of_branch = branch.map(|branch| configured(&format!("branch.{branch}.remote"))).transpose()?.flatten();
    let name = of_branch.unwrap_or_else(|| "origin".to_owned());
    Ok(configured(&format!("remote.{name}.url"))?.and_then(|url| everybodys(&url)))
}

/// `https://HOST/PATH` of an address.
fn everybodys(url: &str) -> Option<String> {
    let without_user = |authority: &str| authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned();
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (scheme, rest.to_owned()),
        // git@host:path
        None => {
            let (host, path) = url.split_once(':').filter(|(host, _)| host.len() > 1 && !host.contains('/'))?;
            ("ssh", format!("{host}/{}", path.trim_start_matches('/')))
        }
    };
    let (authority, path) = rest.split_once('/')?;
    let host = without_user(authority);
    let (scheme, host) = match scheme {
        "https" | "http" => (scheme, host),
        "ssh" | "git+ssh" | "git" => ("https", host.rsplit_once(':').map_or(host.clone(), |(name, _)| name.to_owned())),
        _ => return None,
    };
    let path = path.trim_end_matches('/').trim_end_matches(".git");
    (!host.is_empty()).then(|| format!("{scheme}://{host}/{path}"))
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
        ];
        for url in same {
            assert_eq!(everybodys(url).as_deref(), Some(same[0]), "{url}");
        }
        assert_eq!(everybodys("http://localhost:3000/a/b").as_deref(), Some("http://localhost:3000/a/b"));
        for url in ["/srv/git/platform.git", "../platform", "file:///srv/git/platform", "C:/git/platform", "C:\\git", ""] {
            assert_eq!(everybodys(url), None, "{url}");
        }
    }

    #[test]
    fn revisions_are_written_as_flux_does() {
        let head = Head { id: "a".repeat(40), seconds: 0, branch: Some("main".to_owned()) };
        assert_eq!(head.revision(Some("other")), format!("main@sha1:{}", "a".repeat(40)));
        let detached = Head { branch: None, ..head };
        assert_eq!(detached.revision(Some("main")), format!("main@sha1:{}", "a".repeat(40)));
        assert_eq!(Head { id: "b".repeat(64), ..detached }.revision(None), format!("sha256:{}", "b".repeat(64)));
    }
}
