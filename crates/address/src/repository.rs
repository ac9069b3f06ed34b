//! A Git repository, and what is wanted of it.

use std::time::Duration;

use crate::Url;

/// A Git repository and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
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
    /// Whether it is a directory of this machine.
    pub fn is_local(&self) -> bool {
        self.address.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("file://"))
    }

    /// The address for messages and the lock, without a password in it.
    pub fn shown(&self) -> String {
        match self.address.split_once("://") {
            Some((scheme, _)) if ["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => Url::shown(&self.address),
            // Of ssh addresses the user name is part of the address and no secret.
            _ => self.address.clone(),
        }
    }

    /// The repository and the reference, for messages.
    pub fn title(&self) -> String {
        match &self.reference {
            Some(reference) => format!("Git repository {} at {reference}", self.shown()),
            None => format!("Git repository {}", self.shown()),
        }
    }
}
