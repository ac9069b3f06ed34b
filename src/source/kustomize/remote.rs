//! Remote files and repositories: how their addresses are read, and who is asked for them.
//!
//! Follows `api/internal/git/repospec.go` of kustomize 5.8.1. Nothing is fetched here: a resolver of the caller's gives what the
//! lock file names.

use std::path::PathBuf;

use ecow::EcoString;

use super::errors::{Fail, KResult, fail};

/// Gives remote files and repositories from where they have been put beforehand.
pub trait RemoteResolver {
    /// The content of the file at an address.
    fn file(&self, url: &str) -> KResult<Vec<u8>>;

    /// The directory with a repository's files.
    fn repository(&self, spec: &RepoSpec) -> KResult<PathBuf>;
}

/// Refuses everything remote, and says which commands help.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRemotes;

impl RemoteResolver for NoRemotes {
    fn file(&self, url: &str) -> KResult<Vec<u8>> {
        Err(refused(format!("remote file '{url}' is not in hydrate.lock")))
    }

    fn repository(&self, spec: &RepoSpec) -> KResult<PathBuf> {
        Err(refused(format!("remote base '{}' is not in hydrate.lock", spec.raw)))
    }
}

fn refused(message: String) -> Fail {
    Fail::new(message).help("run `hydrate lock` to pin it, then `hydrate fetch` to have it here")
}

/// A repository's address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoSpec {
    /// The address as it was written.
    pub raw: EcoString,
    /// What `git clone` takes.
    pub clone: EcoString,
    /// The directory inside.
    pub path: EcoString,
    /// Branch, tag or commit; empty for the default branch.
    pub reference: EcoString,
    /// Whether submodules are wanted.
    pub submodules: bool,
}

const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", "file://"];

impl RepoSpec {
    /// Reads an address; fails for what is none, such as a path.
    pub fn parse(raw: &str) -> KResult<Self> {
        if raw.starts_with('/') {
            return fail(format!("uri looks like abs path: {raw}"));
        }
        let (address, query) = raw.split_once('?').unwrap_or((raw, ""));
        let (host, rest) = split_host(address)?;
        let whole = host == "file://";
        let (repository, path) = split_repository(&rest, whole)?;
        let value =
            |name: &str| query.split('&').filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value);
        let reference = value("ref").filter(|value| !value.is_empty()).or_else(|| value("version")).unwrap_or_default();
        let submodules = !matches!(value("submodules"), Some("false" | "0" | "f" | "F" | "FALSE" | "False"));
        Ok(Self {
            raw: raw.into(),
            clone: ecow::eco_format!("{host}{repository}"),
            path: path.into(),
            reference: reference.into(),
            submodules,
        })
    }
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn split_host(address: &str) -> KResult<(String, String)> {
    let address = strip_scheme(address, "git::").unwrap_or(address);
    let (scheme, rest) = SCHEMES.iter().find_map(|scheme| Some((*scheme, strip_scheme(address, scheme)?))).unwrap_or(("", address));
    let (user, rest) = split_user(rest);
    let lower = rest.to_ascii_lowercase();
    let github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return fail("failed to parse scheme");
    }
    if scheme == "file://" {
        return Ok((scheme.to_owned(), format!("{user}{rest}")));
    }
    let (host, path) = match separator(rest, scp).and_then(|at| rest.split_at_checked(at + 1)) {
        Some((host, path)) => (host, path),
        None => (rest, ""),
    };
    let (scheme, user, host) = match github {
        true if scheme == "ssh://" || !user.is_empty() => ("", user, "github.com:"),
        true => ("https://", "", "github.com/"),
        false => (scheme, user, host),
    };
    if host.is_empty() {
        return fail("failed to parse host segment");
    }
    Ok((format!("{scheme}{user}{host}"), path.to_owned()))
}

/// `user@` at the start: a letter, then letters, digits and dashes.
fn split_user(text: &str) -> (&str, &str) {
    let Some(at) = text.find('@') else { return ("", text) };
    let (user, rest) = text.split_at_checked(at + 1).unwrap_or(("", text));
    let name = user.trim_end_matches('@');
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    if fits { (user, rest) } else { ("", text) }
}

fn separator(text: &str, scp: bool) -> Option<usize> {
    let slash = text.find('/');
    let colon = text.find(':').filter(|_| scp);
    match (slash, colon) {
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (None, colon) => colon,
        (slash, _) => slash,
    }
}

fn split_repository(text: &str, whole: bool) -> KResult<(String, String)> {
    let split = |at: usize| text.split_at_checked(at).map(|(a, b)| (a.to_owned(), b.to_owned()));
    let parts = if let Some(at) = text.find("_git/") {
        let end = at + "_git/".len();
        let rest = text.get(end..).unwrap_or_default();
        let len = rest.find('/').unwrap_or(rest.len());
        split(end + len)
    } else if let Some((repository, path)) = text.split_once("//") {
        Some((repository.to_owned(), path.to_owned()))
    } else if let Some(at) = text.find(".git") {
        split(at + ".git".len())
    } else if whole {
        Some((text.to_owned(), String::new()))
    } else {
        let mut segments = text.splitn(3, '/');
        match (segments.next(), segments.next()) {
            (Some(owner), Some(name)) => Some((format!("{owner}/{name}"), segments.next().unwrap_or_default().to_owned())),
            _ => None,
        }
    };
    let (repository, path) =
        parts.filter(|(repository, _)| !repository.is_empty()).ok_or_else(|| Fail::new("failed to parse repo path segment"))?;
    let path = path.strip_prefix('/').unwrap_or(&path).to_owned();
    if super::loader::clean(std::path::Path::new(&path)).starts_with("..") {
        return fail(format!("url path exits repo: {text}"));
    }
    Ok((repository, path))
}

#[cfg(test)]
mod tests {
    use super::RepoSpec;

    #[test]
    fn addresses() {
        let parts = |raw: &str| {
            let spec = RepoSpec::parse(raw).expect(raw);
            (spec.clone.to_string(), spec.path.to_string(), spec.reference.to_string())
        };
        let owned = |clone: &str, path: &str, reference: &str| (clone.to_owned(), path.to_owned(), reference.to_owned());
        assert_eq!(parts("github.com/org/repo//a/b?ref=v1"), owned("https://github.com/org/repo", "a/b", "v1"));
        assert_eq!(parts("https://github.com/org/repo/a?ref=v1"), owned("https://github.com/org/repo", "a", "v1"));
        assert_eq!(parts("git@github.com:org/repo.git/a"), owned("git@github.com:org/repo.git", "a", ""));
        assert_eq!(parts("https://git.example.com/x/y/z.git//d"), owned("https://git.example.com/x/y/z.git", "d", ""));
        assert_eq!(parts("ssh://git@example.com/a/b"), owned("ssh://git@example.com/a/b", "", ""));
    }

    #[test]
    fn paths_are_no_addresses() {
        for path in ["../base", "base", "/abs", "./a/b/c", "file.yaml", "https://github.com/one"] {
            assert!(RepoSpec::parse(path).is_err(), "{path}");
        }
    }
}
