//! Addresses of Git repositories with a path inside, as kustomize takes them apart (`api/internal/git/repospec.go`, 5.8.1).

use std::time::Duration;

use crate::Repository;
use crate::url::percent_decoded;

/// A repository and a path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoSpec {
    /// The address as it was written.
    pub raw: String,
    /// What is cloned.
    pub repository: Repository,
    /// The directory inside, `/` between the parts; empty for its root.
    pub path: String,
}

const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", "file://"];

impl RepoSpec {
    /// Takes an address apart; the error is kustomize's text. An error also means: this is a local path.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Err(format!("uri looks like abs path: {text}"));
        }
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (host, rest) = split_host(address)?;
        let (repository, path) = split_path(rest, host.starts_with("file://"))?;
        let repository = Repository { address: format!("{host}{repository}"), ..parse_query(query) };
        Ok(Self { raw: text.to_owned(), repository, path: path.to_owned() })
    }
}

/// The source of a Git artifact in the lock: its address, marked where submodules are left out.
pub fn to_lock(repository: &Repository) -> String {
    let mark = if repository.submodules { "" } else { "?submodules=false" };
    format!("{}{mark}", repository.shown())
}

/// The address of a Git artifact in the lock, and whether submodules belong to it.
pub fn of_lock(source: &str) -> (String, bool) {
    match source.strip_suffix("?submodules=false") {
        Some(address) => (address.to_owned(), false),
        None => (source.to_owned(), true),
    }
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// Scheme, user and host up to and with the separator, and what follows.
fn split_host(text: &str) -> Result<(String, &str), String> {
    let text = strip_ignoring_case(text, "git::").unwrap_or(text);
    let found = SCHEMES.iter().find_map(|scheme| Some((*scheme, strip_ignoring_case(text, scheme)?)));
    let (scheme, rest) = found.unwrap_or(("", text));
    let (user, after) = split_user(rest);
    let github = strip_ignoring_case(after, "github.com/").or_else(|| strip_ignoring_case(after, "github.com:")).is_some();
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return Err("failed to parse scheme".to_owned());
    }
    if scheme == "file://" {
        return Ok((scheme.to_owned(), rest));
    }
    let end = separator(after, scp).map_or(after.len(), |at| at + 1);
    let (host, tail) = after.split_at(end);
    if host.is_empty() {
        return Err("failed to parse host segment".to_owned());
    }
    Ok(match (github, scheme == "ssh://" || !user.is_empty()) {
        (true, true) => (format!("{user}github.com:"), tail),
        (true, false) => ("https://github.com/".to_owned(), tail),
        _ => (format!("{scheme}{user}{host}"), tail),
    })
}

fn split_user(text: &str) -> (&str, &str) {
    let name = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap_or(text.len());
    let sound = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && text.as_bytes().get(name) == Some(&b'@');
    if sound { text.split_at(name + 1) } else { ("", text) }
}

fn separator(text: &str, scp: bool) -> Option<usize> {
    let slash = text.find('/');
    let colon = text.find(':').filter(|_| scp);
    match (slash, colon) {
        (None, colon) => colon,
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (slash, _) => slash,
    }
}

/// Where the repository ends and the path inside begins: `_git/NAME`, `//`, `.git`, or after two segments.
fn split_path(text: &str, whole: bool) -> Result<(&str, &str), String> {
    let (repository, path) = if let Some(at) = text.find("_git/") {
        let start = at + "_git/".len();
        let end = text[start..].find('/').map_or(text.len(), |slash| start + slash);
        (&text[..end], text[end..].trim_start_matches('/'))
    } else if let Some(at) = text.find("//") {
        (&text[..at], &text[at + 2..])
    } else if let Some(at) = text.find(".git") {
        text.split_at(at + ".git".len())
    } else if whole {
        (text, "")
    } else {
        let second = text.match_indices('/').nth(1).map_or(text.len(), |(at, _)| at);
        if !text.contains('/') {
            return Err("failed to parse repo path segment".to_owned());
        }
        (&text[..second], text[second..].trim_start_matches('/'))
    };
    if repository.is_empty() {
        return Err("failed to parse repo path segment".to_owned());
    }
    if clean(path).split('/').next() == Some("..") {
        return Err(format!("url path exits repo: {text}"));
    }
    Ok((repository, path.trim_start_matches('/')))
}

/// The path without `.` and inner `..`; one that leaves begins with `..`.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Reference, submodules and timeout (seconds, or a duration of Go's such as `2m30s`); the address is left open.
fn parse_query(query: &str) -> Repository {
    let get = |wanted: &str| {
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| percent_decoded(&value.replace('+', " "))).next()
    };
    let reference = get("ref").filter(|text| !text.is_empty()).or_else(|| get("version")).filter(|text| !text.is_empty());
    let without = get("submodules").is_some_and(|text| matches!(text.as_str(), "0" | "f" | "F" | "false" | "FALSE" | "False"));
    let timeout = get("timeout").and_then(|text| match text.parse::<u32>() {
        Ok(seconds) => Some(Duration::from_secs(seconds.into())),
        Err(_) => duration(&text),
    });
    Repository { address: String::new(), reference, submodules: !without, timeout: timeout.filter(|timeout| !timeout.is_zero()) }
}

/// `1h2m3.5s`, as far as Go's durations of hours, minutes, seconds and milliseconds go.
fn duration(mut text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    while !text.is_empty() {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, rest) = text.split_at_checked(end)?;
        let (unit, rest) = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)]
            .iter()
            .find_map(|(unit, seconds)| Some((*seconds, rest.strip_prefix(unit)?)))?;
        let seconds = number.parse::<f64>().ok()? * unit;
        sum = sum.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        text = rest;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, address, path, reference) in [
            ("https://github.com/org/repo//base/app?ref=v1", "https://github.com/org/repo", "base/app", Some("v1")),
            ("github.com/org/repo/base?ref=main", "https://github.com/org/repo", "base", Some("main")),
            ("github.com/org/repo", "https://github.com/org/repo", "", None),
            ("git@github.com:org/repo.git//x?version=2", "git@github.com:org/repo.git", "x", Some("2")),
            ("ssh://git@github.com/org/repo.git/x", "git@github.com:org/repo.git", "x", None),
            ("git::https://gitlab.example.org/a/b.git//c", "https://gitlab.example.org/a/b.git", "c", None),
            ("https://dev.azure.com/o/p/_git/r/path/to", "https://dev.azure.com/o/p/_git/r", "path/to", None),
            ("file:///srv/repo//base?ref=x%2Fy", "file:///srv/repo", "base", Some("x/y")),
            ("file:///srv/repo", "file:///srv/repo", "", None),
            ("user@host.example:team/repo//x", "user@host.example:team/repo", "x", None),
            ("HTTPS://GitHub.com/org/repo/a/../b", "https://github.com/org/repo", "a/../b", None),
        ] {
            let spec = RepoSpec::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((spec.repository.address.as_str(), spec.path.as_str()), (address, path), "{text}");
            assert_eq!(spec.repository.reference.as_deref(), reference, "{text}");
        }
    }

    #[test]
    fn what_is_no_repository() {
        for (text, want) in [
            ("/abs/path", "uri looks like abs path: /abs/path"),
            ("../base", "failed to parse scheme"),
            ("base/app", "failed to parse scheme"),
            ("base", "failed to parse scheme"),
            ("file.yaml", "failed to parse scheme"),
            ("https://example.org", "failed to parse repo path segment"),
            ("https://github.com/org", "failed to parse repo path segment"),
            ("https://github.com/org/repo//../../x", "url path exits repo: org/repo//../../x"),
        ] {
            assert_eq!(RepoSpec::parse(text), Err(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn timeouts() {
        for (query, want) in
            [("61", Some(61.0)), ("61s", Some(61.0)), ("1m0.5s", Some(60.5)), ("2h", Some(7200.0)), ("0", None), ("x", None)]
        {
            let spec = RepoSpec::parse(&format!("https://github.com/org/repo?timeout={query}&ref=v1")).unwrap();
            assert_eq!(spec.repository.timeout, want.map(Duration::from_secs_f64), "{query}");
        }
    }

    #[test]
    fn submodules_can_be_left_out() {
        let spec = RepoSpec::parse("https://github.com/org/repo?submodules=false&ref=v1").unwrap();
        assert!(!spec.repository.submodules);
        assert_eq!(of_lock(&to_lock(&spec.repository)), ("https://github.com/org/repo".to_owned(), false));
    }
}
