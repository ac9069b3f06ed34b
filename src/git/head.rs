//! The commit that is checked out: who it is, when it was made, on which branch, and how others lie to it.

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
    if id.len() < 40 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Lies::Elsewhere);
    }
    Ok(match repository.is_ancestor(id, "HEAD")? {
        Some(true) => Lies::Before,
        None => Lies::Elsewhere,
        Some(false) if repository.is_ancestor("HEAD", id)? == Some(true) => Lies::After,
        Some(false) if repository.is_shallow() => Lies::Elsewhere,
        Some(false) => Lies::Beside,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_written_as_flux_does() {
        let head = Head { id: "a".repeat(40), seconds: 0, branch: Some("main".to_owned()) };
        assert_eq!(head.revision(Some("other")), format!("main@sha1:{}", "a".repeat(40)));
        let detached = Head { branch: None, ..head };
        assert_eq!(detached.revision(Some("main")), format!("main@sha1:{}", "a".repeat(40)));
        assert_eq!(Head { id: "b".repeat(64), ..detached }.revision(None), format!("sha256:{}", "b".repeat(64)));
    }
}
