//! What the branch of an environment says of itself, in the files that Argo CD's Source Hydrator writes and gitops-promoter reads.
//!
//! Followed are argo-cd 3.5 (`commitserver/commit/hydratorhelper.go`, `util/hydrator/hydrator.go`, `util/git/client.go`) and the contract that gitops-promoter
//! has for hydrators (`docs/advanced-usage/custom-hydrator.md`).

use serde::{Deserialize, Serialize};

use crate::git::CommitFacts;

/// The file that says what a directory was rendered from, and the name of the notes that say it of a commit.
pub const METADATA: &str = "hydrator.metadata";

/// The file that says how to render a directory again.
pub const README: &str = "README.md";

/// What `.gitattributes` at the top of the branch says: forges fold these files in a review.
pub const ATTRIBUTES: [&str; 2] = ["**/README.md linguist-generated=true", "**/hydrator.metadata linguist-generated=true"];

/// How the trailers begin by which the message of a commit names another one.
const REFERENCE: &str = "Argocd-reference-commit-";

/// `hydrator.metadata`; what is empty is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Where the repository of the commit is.
    #[serde(rename = "repoURL", skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// The commit that was rendered.
    #[serde(rename = "drySha", skip_serializing_if = "String::is_empty")]
    pub dry_sha: String,
    /// What renders it again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// What is known of the commit.
    #[serde(flatten)]
    pub about: About,
    /// Other commits that it came from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
}

/// Who wrote a commit, when, and what it says; what is empty is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Who wrote it: `Name <address>`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// When it was written, as RFC 3339 has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub date: String,
    /// The first line of its message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The rest of its message; of the commit that was rendered without the trailers that became references.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// Another commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reference {
    /// What is said of it.
    pub commit: Referenced,
}

/// What trailers say of another commit; what is empty is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Referenced {
    /// What is known of it; the author as RFC 5322 has it.
    #[serde(flatten)]
    pub about: About,
    /// Its id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sha: String,
    /// Where its repository is.
    #[serde(rename = "repoURL", skip_serializing_if = "String::is_empty")]
    pub repository: String,
}

/// The note on a commit of the branch.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    #[serde(rename = "drySha")]
    dry_sha: String,
}

impl Metadata {
    /// What the top of a branch says: everything that is known of the commit, and where its repository is.
    pub fn of(dry: &CommitFacts, repository: &str) -> Self {
        let (subject, body) = dry.message.split_once("\n\n").unwrap_or((&dry.message, ""));
        let mut ignored = Referenced::default();
        let kept = body.lines().filter(|line| !ignored.take(line)).map(|line| format!("{line}\n"));
        let about = About { author: dry.author.clone(), date: rfc3339(dry.time), subject: subject.to_owned(), body: kept.collect() };
        let mut commit = Referenced::default();
        dry.trailers.lines().for_each(|line| {
            commit.take(line);
        });
        Self {
            repository: repository.to_owned(),
            dry_sha: dry.sha.clone(),
            about,
            references: (commit != Referenced::default()).then_some(Reference { commit }).into_iter().collect(),
            commands: Vec::new(),
        }
    }

    /// What a directory says: which commit it was rendered from, and by what.
    pub fn of_directory(dry: &CommitFacts, repository: &str, command: String) -> Self {
        Self { repository: repository.to_owned(), dry_sha: dry.sha.clone(), commands: vec![command], ..Self::default() }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// What a file says; `None` for one that is not of this form.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// How to render a directory again, for who comes upon it in the branch.
    pub fn readme(&self) -> String {
        let commands: String = self.commands.iter().map(|command| format!("{command}\n")).collect();
        format!(
            "# Rendered by hydrate\n\nThe files of this directory are generated. Edit what they are rendered from, and render it again:\n\n```shell\ngit clone \
             {}\n# in the clone:\ngit checkout {}\n{commands}```\n",
            self.repository, self.dry_sha
        )
    }
}

/// The text of the note on a commit that was rendered from another one.
pub fn note(dry_sha: &str) -> String {
    serde_json::to_string(&Note { dry_sha: dry_sha.to_owned() }).unwrap_or_default()
}

/// The commit that a note names; `None` for a note of another form.
pub fn noted(text: &[u8]) -> Option<String> {
    serde_json::from_slice::<Note>(text).ok().map(|note| note.dry_sha)
}

impl Referenced {
    /// Takes what a trailer says; whether it is one of these, and well-formed.
    fn take(&mut self, line: &str) -> bool {
        let Some((key, value)) = line.strip_prefix(REFERENCE).and_then(|rest| rest.split_once(": ")) else { return false };
        let taken = match key {
            "repourl" => is_address(value).then(|| value.to_owned()),
            "author" => mailbox(value),
            "date" => is_rfc3339(value).then(|| value.to_owned()),
            "subject" => Some(value.to_owned()),
            "body" => serde_json::from_str::<String>(value).ok(),
            "sha" => is_sha(value).then(|| value.to_owned()),
            _ => None,
        };
        let field = match key {
            "repourl" => &mut self.repository,
            "author" => &mut self.about.author,
            "date" => &mut self.about.date,
            "subject" => &mut self.about.subject,
            "body" => &mut self.about.body,
            _ => &mut self.sha,
        };
        taken.map(|value| *field = value).is_some()
    }
}

/// Lower-case hexadecimal digits, 5 to 40.
fn is_sha(text: &str) -> bool {
    (5..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// What Go's `url.Parse` takes, but for corners that no address of a repository has.
fn is_address(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let before_path = scheme.split('/').next().unwrap_or_default();
    let is_scheme = |text: &str| {
        text.bytes()
            .enumerate()
            .all(|(at, byte)| byte.is_ascii_alphabetic() || (at > 0 && (byte.is_ascii_digit() || b"+-.".contains(&byte))))
    };
    !text.chars().any(|c| c.is_control() || c == ' ') && (before_path != scheme || is_scheme(scheme))
}

/// `2025-06-09T13:50:18-04:00`
fn is_rfc3339(text: &str) -> bool {
    // The library takes more spellings than the standard has.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-+:.TZ".contains(&byte));
    is_plain && text.as_bytes().get(10) == Some(&b'T') && text.len() >= 20 && text.parse::<jiff::Timestamp>().is_ok()
}

/// Seconds since 1970 in this form, in UTC.
fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// `Name <address>` as RFC 5322 writes it, the name in quotes; `None` for what is none.
fn mailbox(text: &str) -> Option<String> {
    let (name, address) = match text.trim().strip_suffix('>') {
        Some(rest) => rest.rsplit_once('<').map(|(name, address)| (name.trim(), address.trim()))?,
        None => ("", text.trim()),
    };
    let (local, domain) = address.rsplit_once('@')?;
    let plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\"\\@".contains(c));
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let is_name = !name.chars().any(|c| c.is_control() || "<>\"\\@,;:()[]".contains(c));
    let written = if name.is_empty() { format!("<{address}>") } else { format!("\"{name}\" <{address}>") };
    (plain(local) && plain(domain) && is_name).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = "https://example.org/team/platform";

    fn dry(message: &str) -> CommitFacts {
        let is_trailer = |line: &&str| line.split_once(": ").is_some_and(|(key, _)| !key.contains(' '));
        CommitFacts {
            sha: "a".repeat(40),
            author: "A <a@example.org>".to_owned(),
            time: 1_749_491_408,
            message: message.to_owned(),
            trailers: message.lines().skip(1).filter(is_trailer).map(|line| format!("{line}\n")).collect(),
        }
    }

    #[test]
    fn the_top_says_everything_of_the_commit() {
        let text = Metadata::of(&dry("Bump <x>\n\nWhy: because\n\nSigned-off-by: A <a@example.org>"), REPOSITORY).text();
        let expected = format!(
            "{{\n  \"repoURL\": \"https://example.org/team/platform\",\n  \"drySha\": \"{}\",\n  \"author\": \"A <a@example.org>\",\n  \"date\": \"2025-06-09T17:50:08Z\",\n  \
             \"subject\": \"Bump <x>\",\n  \"body\": \"Why: because\\n\\nSigned-off-by: A <a@example.org>\\n\"\n}}\n",
            "a".repeat(40)
        );
        assert_eq!(text, expected);
        assert_eq!(Metadata::parse(text.as_bytes()).unwrap().dry_sha, "a".repeat(40));
    }

    #[test]
    fn trailers_become_references_and_leave_the_body() {
        let good = "Argocd-reference-commit-author: Ann Other <ann@example.org>\nArgocd-reference-commit-sha: b82add2\n\
                    Argocd-reference-commit-subject: a change\nArgocd-reference-commit-body: \"one\\n\\ntwo\"\n\
                    Argocd-reference-commit-repourl: https://example.org/code\nArgocd-reference-commit-date: 2025-06-09T13:50:18-04:00";
        let metadata = Metadata::of(&dry(&format!("s\n\nX: y\n{good}")), REPOSITORY);
        assert_eq!(metadata.about.body, "X: y\n");
        let about = About {
            author: "\"Ann Other\" <ann@example.org>".to_owned(),
            date: "2025-06-09T13:50:18-04:00".to_owned(),
            subject: "a change".to_owned(),
            body: "one\n\ntwo".to_owned(),
        };
        let expected = Referenced { about, sha: "b82add2".to_owned(), repository: "https://example.org/code".to_owned() };
        assert_eq!(metadata.references, [Reference { commit: expected }]);
    }

    #[test]
    fn trailers_that_are_not_well_formed_stay_in_the_body() {
        for bad in [
            "author: nobody",
            "author: A <a b@c>",
            "sha: B82ADD2",
            "sha: b82a",
            "body: plain",
            "date: 2025-02-30T00:00:00Z",
            "date: yesterday",
            "repourl: a b",
            "repourl: 1a:x",
            "other: x",
        ] {
            let line = format!("Argocd-reference-commit-{bad}");
            let metadata = Metadata::of(&dry(&format!("s\n\n{line}")), REPOSITORY);
            assert_eq!((metadata.about.body, metadata.references), (format!("{line}\n"), Vec::new()), "{bad}");
        }
    }

    #[test]
    fn a_directory_says_how_to_render_it_again() {
        let metadata = Metadata::of_directory(&dry("s"), REPOSITORY, "hydrate -e dev a".to_owned());
        assert_eq!(
            metadata.text(),
            format!(
                "{{\n  \"repoURL\": \"https://example.org/team/platform\",\n  \"drySha\": \"{}\",\n  \"commands\": [\n    \"hydrate -e dev a\"\n  ]\n}}\n",
                "a".repeat(40)
            )
        );
        assert!(metadata.readme().contains("git checkout aaaa") && metadata.readme().contains("\nhydrate -e dev a\n```\n"));
        assert_eq!(note("abc"), r#"{"drySha":"abc"}"#);
        assert_eq!((noted(br#"{"drySha": "abc"}"#).as_deref(), noted(b"abc")), (Some("abc"), None));
    }
}
