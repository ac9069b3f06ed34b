//! Credentials outside of Secrets: keys, tokens and passwords that are known by their form.

use std::collections::BTreeSet;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use hydrate_base::Severity;
use hydrate_source::Document;
use hydrate_yaml::node::{Data, Node};
use regex::Regex;

use crate::check::value::{entries, text};

use super::grammar;
use super::reading::key;
use super::rule::{Rule, Sink};
use super::secrets::exception;

/// `credential`
pub(super) const CREDENTIAL: Rule = Rule {
    code: "credential",
    severity: Severity::Error,
    title: "No credentials stand outside of Secrets",
    text: "ConfigMaps, arguments, environment variables and annotations are read by many who may read no Secret, and are kept in Git's history. Looked for is \
           what is certain by its form: private keys in PEM and of age, keys of AWS, Google and Azure, tokens of GitHub and npm (by their checksums), GitLab, \
           Slack, Stripe, SendGrid, PyPI, Docker, DigitalOcean, Vault and Grafana, JWTs, and passwords in addresses (`https://user:password@host`). The \
           finding says what it is and where, never the value.\n\nPassed are variables and placeholders (`$(PASSWORD)`, `${PASSWORD}`, `<password>`, \
           `changeme`, `xxx`), and keys that documentation uses (`…EXAMPLE`). CRDs are not looked at.\n\nWhat is committed already is a warning, as with \
           `plaintext-secret`. Put the value into a Secret and refer to it (`secretKeyRef`, a mounted file), or say why it may stand there, in `exceptions` or with the \
           annotation `checks.hydrate/credential: \"off: REASON\"`.",
};

/// A kind of credentials.
struct Kind {
    /// What it is called, with its article.
    what: &'static str,
    /// What every one of them has in it: they are looked for in all of a document at once.
    marks: &'static [&'static str],
    /// The whole of it; where there is a group, that is the secret.
    pattern: &'static str,
    /// Whether what the pattern finds is one.
    is: fn(&str) -> bool,
}

const KINDS: &[Kind] = &[
    Kind {
        what: "a private key",
        marks: &["PRIVATE KEY"],
        pattern: r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s)*((?:[A-Za-z0-9+/=:, -]|\\n|\s){32,})",
        is: is_varied,
    },
    Kind { what: "a key of age", marks: &["AGE-SECRET-KEY-1"], pattern: r"\bAGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}\b", is: is_varied },
    Kind { what: "an access key of AWS", marks: &["AKIA", "ASIA"], pattern: r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", is: is_varied },
    Kind {
        what: "a secret access key of AWS",
        marks: &["ecret_access_key", "ecretAccessKey", "ECRET_ACCESS_KEY", "ecret-access-key"],
        pattern: r#"(?i)secret[_-]?access[_-]?key["']?\s*[:=]\s*["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        is: is_varied,
    },
    Kind { what: "an API key of Google", marks: &["AIza"], pattern: r"\bAIza[0-9A-Za-z_-]{35}(?:[^0-9A-Za-z_-]|$)", is: is_varied },
    Kind {
        what: "a key of an Azure account",
        marks: &["AccountKey=", "SharedAccessKey="],
        pattern: r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{43,86}={1,2})",
        is: is_varied,
    },
    Kind {
        what: "a token of GitHub",
        marks: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        pattern: r"\bgh[pousr]_([A-Za-z0-9]{36})\b",
        is: has_checksum,
    },
    Kind { what: "a token of GitHub", marks: &["github_pat_"], pattern: r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b", is: is_varied },
    Kind { what: "a token of npm", marks: &["npm_"], pattern: r"\bnpm_([A-Za-z0-9]{36})\b", is: has_checksum },
    Kind {
        what: "a token of GitLab",
        marks: &["glpat-", "glrt-", "gldt-", "glptt-"],
        pattern: r"\bgl(?:pat|rt|dt|ptt)-[0-9A-Za-z_-]{20,}",
        is: is_varied,
    },
    Kind {
        what: "a token of Slack",
        marks: &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-"],
        pattern: r"\b(?:xox[abprs]|xapp)-[0-9A-Za-z]+-[0-9A-Za-z-]{16,}",
        is: is_varied,
    },
    Kind {
        what: "an address of a Slack webhook",
        marks: &["hooks.slack.com/services/"],
        pattern: r"hooks\.slack\.com/services/T[0-9A-Z]{6,}/B[0-9A-Z]{6,}/([0-9A-Za-z]{20,})",
        is: is_varied,
    },
    Kind { what: "a key of Stripe", marks: &["sk_live_", "rk_live_"], pattern: r"\b[sr]k_live_[0-9A-Za-z]{24,}", is: is_varied },
    Kind {
        what: "a key of SendGrid",
        marks: &["SG."],
        pattern: r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}(?:[^0-9A-Za-z_-]|$)",
        is: is_varied,
    },
    Kind { what: "a token of PyPI", marks: &["pypi-AgE"], pattern: r"\bpypi-AgE[0-9A-Za-z_-]{50,}", is: is_varied },
    Kind { what: "a token of Docker", marks: &["dckr_pat_"], pattern: r"\bdckr_pat_[0-9A-Za-z_-]{27}", is: is_varied },
    Kind { what: "a token of DigitalOcean", marks: &["dop_v1_", "doo_v1_"], pattern: r"\bdo[op]_v1_[a-f0-9]{64}\b", is: is_varied },
    Kind { what: "a token of Vault", marks: &["hvs.", "hvb."], pattern: r"\bhv[sb]\.[0-9A-Za-z_-]{24,}", is: is_varied },
    Kind { what: "a token of Grafana", marks: &["glsa_"], pattern: r"\bglsa_[0-9A-Za-z]{32}_[0-9a-f]{8}\b", is: is_varied },
    Kind { what: "a JWT", marks: &["eyJ"], pattern: r"\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{16,}", is: is_jwt },
    Kind {
        what: "a password in an address",
        marks: &["://"],
        pattern: r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@"'<>{}()$|\\]*:([^\s/@"'<>{}()$|\\]+)@[A-Za-z0-9\[]"#,
        is: is_password,
    },
];

/// Words that stand for a password in examples.
const PLACEHOLDERS: &[&str] = &[
    "admin",
    "changeme",
    "example",
    "pass",
    "passwd",
    "password",
    "pw",
    "pwd",
    "secret",
    "token",
    "user",
    "username",
    "your-password",
    "yourpassword",
];

/// All marks, each with the number of its kind.
static MARKS: LazyLock<Option<(AhoCorasick, Vec<(&str, usize)>)>> = LazyLock::new(|| {
    let of_kind = |(number, kind): (usize, &'static Kind)| kind.marks.iter().map(move |mark| (*mark, number));
    let marks: Vec<(&str, usize)> = KINDS.iter().enumerate().flat_map(of_kind).collect();
    Some((AhoCorasick::new(marks.iter().map(|(mark, _)| mark)).ok()?, marks))
});

/// The patterns that were needed so far: most texts have no mark of most kinds, and each takes some time to be made.
static PATTERNS: [OnceLock<Option<Regex>>; KINDS.len()] = [const { OnceLock::new() }; KINDS.len()];

fn pattern(number: usize) -> Option<&'static Regex> {
    PATTERNS.get(number)?.get_or_init(|| Regex::new(KINDS.get(number)?.pattern).ok()).as_ref()
}

/// Whether a document may hold credentials, at a glance.
pub(super) fn may_be_in(document: &Document) -> bool {
    if document.identity.kind == "CustomResourceDefinition" {
        return false;
    }
    has_mark(&document.text) || (document.identity.kind == "ConfigMap" && document.text.contains("binaryData:"))
}

/// Whether a text has a mark of credentials in it.
fn has_mark(text: &str) -> bool {
    let Some((marks, names)) = &*MARKS else { return true };
    marks.find_iter(text).any(|found| is_mark(text, names[found.pattern()].0, found.end()))
}

/// The kinds, by their numbers, of which a text has a mark.
fn marked(text: &str) -> BTreeSet<usize> {
    let Some((marks, names)) = &*MARKS else { return (0..KINDS.len()).collect() };
    let found = marks.find_overlapping_iter(text).map(|found| (names[found.pattern()], found.end()));
    found.filter(|((mark, _), end)| is_mark(text, mark, *end)).map(|((_, kind), _)| kind).collect()
}

/// Whether what ends here is a mark: an address is one only with a password.
fn is_mark(text: &str, mark: &str, end: usize) -> bool {
    mark != "://" || may_have_password(&text[end..])
}

/// Whether an address goes on with a password.
fn may_have_password(rest: &str) -> bool {
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '@')).unwrap_or(rest.len());
    rest[end..].starts_with('@') && rest[..end].contains(':')
}

/// All texts of an object, but the values of a Secret.
pub(super) fn check(sink: &mut Sink<'_>) {
    let object = sink.object;
    let mut found = Vec::new();
    walk(&object.root, &mut found);
    for (node, what) in found {
        let says = format!("it holds {what}");
        let finding = sink.report(&CREDENTIAL, node, says);
        finding.help.push("put it into a Secret and refer to that (`secretKeyRef`, a mounted file), and make a new one: who may read Git's history knows it".to_owned());
        finding.help.push(exception(&CREDENTIAL, object));
    }
}

fn walk<'a>(node: &'a Node, found: &mut Vec<(&'a Node, &'static str)>) {
    match &node.data {
        Data::Scalar(said) => found.extend(first(said).map(|what| (node, what))),
        Data::Sequence(items) => items.iter().for_each(|item| walk(item, found)),
        Data::Mapping(all) => {
            // What is called like a key in one node has its value in the next one.
            if let (Some(name), Some(value)) = (text(node, "name"), node.get("value"))
                && let Some(what) = value.as_str().and_then(|said| first(&format!("{name}={said}")))
                && first(key(value)).is_none()
            {
                found.push((value, what));
            }
            for (key_node, value) in all {
                if key(key_node) == "binaryData" {
                    binary(value, found);
                    continue;
                }
                walk(value, found);
            }
        }
        Data::Alias(_) => {}
    }
}

fn binary<'a>(node: &'a Node, found: &mut Vec<(&'a Node, &'static str)>) {
    for (_, value) in entries(node, &[]) {
        let decoded = grammar::base64(key(value)).and_then(|bytes| String::from_utf8(bytes).ok());
        found.extend(decoded.and_then(|said| first(&said)).map(|what| (value, what)));
    }
}

/// What the first credential in a text is.
fn first(said: &str) -> Option<&'static str> {
    // The shortest of them has eleven characters: `a://:b@c:d`.
    if said.len() < 10 || !has_mark(said) {
        return None;
    }
    marked(said).into_iter().find_map(|number| {
        let kind = &KINDS[number];
        let is_one = |found: regex::Captures<'_>| found.iter().flatten().last().is_some_and(|secret| (kind.is)(secret.as_str()));
        pattern(number)?.captures_iter(said).any(is_one).then_some(kind.what)
    })
}

/// Whether a text is no example: not the same few characters again and again, and no word for an example in it.
fn is_varied(text: &str) -> bool {
    let mut seen = [false; 256];
    text.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|seen| **seen).count() >= 8 && !text.to_ascii_uppercase().contains("EXAMPLE")
}

/// Whether the last six characters of a token are the checksum of those before, as GitHub and npm have it.
fn has_checksum(token: &str) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((random, checksum)) = token.len().checked_sub(6).and_then(|at| token.split_at_checked(at)) else { return false };
    let mut sum = crc32fast::hash(random.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(sum % 62) as usize];
        sum /= 62;
    }
    digits == *checksum.as_bytes()
}

/// Whether the first two parts of a token are what those of a JWT are.
fn is_jwt(token: &str) -> bool {
    let object = |part: Option<&str>| {
        let bytes = BASE64_URL.decode(part?).ok()?;
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).ok()
    };
    let mut parts = token.split('.');
    object(parts.next()).is_some_and(|head| head.contains_key("alg")) && object(parts.next()).is_some()
}

/// Whether what stands for a password in an address is one.
fn is_password(text: &str) -> bool {
    let plain = text.to_ascii_lowercase();
    let is_hidden =
        plain.bytes().all(|byte| matches!(byte, b'*' | b'x' | b'.' | b'-' | b'_')) || plain.contains("redacted") || plain.contains("xxxx");
    // `%s` and its like are filled in later.
    let is_format = text.starts_with('%') && text.len() <= 3;
    let is_port = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 5;
    !is_hidden && !is_format && !is_port && !PLACEHOLDERS.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token as GitHub makes it, of nothing that is one.
    fn token(prefix: &str, random: &str) -> String {
        let mut sum = crc32fast::hash(random.as_bytes());
        let mut digits = Vec::new();
        for _ in 0..6 {
            digits.insert(0, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(sum % 62) as usize]);
            sum /= 62;
        }
        format!("{prefix}{random}{}", String::from_utf8(digits).unwrap())
    }

    #[test]
    fn all_patterns_can_be_read() {
        assert!(MARKS.is_some() && (0..KINDS.len()).all(|number| pattern(number).is_some()));
    }

    #[test]
    fn tokens_are_known_by_their_checksum() {
        let good = token("ghp_", "Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8Ii9Jj0");
        assert_eq!(first(&format!("url: {good}\n")), Some("a token of GitHub"));
        let mut wrong = good.into_bytes();
        let last = wrong.last_mut().unwrap();
        *last = if *last == b'0' { b'1' } else { b'0' };
        assert_eq!(first(&String::from_utf8(wrong).unwrap()), None);
        assert_eq!(first(&token("npm_", "Zz1Bb2Cc3Dd4Ee5Ff6Gg7Hh8Ii9Jj0")), Some("a token of npm"));
    }

    #[test]
    fn passwords_in_addresses_are_no_placeholders() {
        for text in ["postgres://app:hunter2@db:5432/x", "see https://u:S3cr%40t@example.org.", "redis://:abc123@redis"] {
            assert_eq!(first(text), Some("a password in an address"), "{text}");
        }
        for text in [
            "postgres://app:$(PASSWORD)@db",
            "postgres://app:${PASSWORD}@db",
            "postgres://app:<password>@db",
            "postgres://user:password@db",
            "postgres://app:{{ .Password }}@db",
            "postgres://app:%s@db/x",
            "https://u:****@example.org",
            "https://example.org:8080/@scope/package",
            "https://host:5432@other",
            "mailto:someone@example.org",
            "http://a:b",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    #[test]
    fn tokens_with_parts_are_what_their_parts_say() {
        let part = |text: &str| BASE64_URL.encode(text);
        let jwt = |head: &str| format!("{}.{}.{}", part(head), part("{\"sub\":\"someone\"}"), "s".repeat(20));
        assert_eq!(first(&jwt("{\"alg\":\"HS256\",\"typ\":\"JWT\"}")), Some("a JWT"));
        assert_eq!(first(&jwt("{\"type\":\"something else\"}")), None);
    }
}
