//! From rendered files to ordered documents: splitting, hooks, the order of installation (`pkg/release/v1/util`).

use std::ops::Range;
use std::sync::Arc;

use super::document::{Document, DocumentKind, Text};
use super::engine::RenderedFile;
use super::head::{self, Head};
use super::reading::ReadFile;
use hydrate_chart::Level;

/// What makes a document a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// `pre-install`, `test` …
    pub events: Vec<String>,
    /// `helm.sh/hook-weight`
    pub weight: i64,
    /// `helm.sh/hook-delete-policy`
    pub delete_policies: Vec<String>,
}

impl Hook {
    /// Whether it is run by `helm test`.
    pub(crate) fn is_test(&self) -> bool {
        self.events.iter().any(|event| event == "test")
    }
}

/// All documents of a release.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// In the order of installation.
    pub(super) manifests: Vec<Document>,
    /// In the order in which `helm template` prints them.
    pub(super) hooks: Vec<Document>,
}

/// A document that YAML cannot read.
#[derive(Debug)]
pub(super) struct Unparsable {
    /// The template's path.
    pub(super) path: String,
    /// What the template wrote.
    pub(super) file: Arc<RenderedFile>,
    /// The document in it.
    pub(super) range: Range<usize>,
    /// Helm's text, without `YAML parse error on …: `.
    pub(super) error: String,
}

/// Sorts the documents of rendered files, which are sorted by path. Fails where a document is no YAML.
pub(super) fn sort(files: Vec<ReadFile>, level: Level, warnings: &mut Vec<String>) -> Result<Sorted, Unparsable> {
    let mut sorted = Sorted::default();
    for ReadFile { path, file, documents } in files {
        for (range, head) in documents {
            let text = Text::Rendered(Arc::clone(&file), range.clone());
            match head.map_or_else(|| head::decoded(&text, level), Ok) {
                Ok(head) => add(&mut sorted, path.clone(), text, head, warnings),
                Err(error) => return Err(Unparsable { path, file, range, error }),
            }
        }
    }
    let order = |a: &Document, b: &Document| sort_key(&a.head.kind, level).cmp(&sort_key(&b.head.kind, level));
    sorted.manifests.sort_by(order);
    sorted.hooks.sort_by(order);
    Ok(sorted)
}

fn add(sorted: &mut Sorted, path: String, text: Text, head: Head, warnings: &mut Vec<String>) {
    let Some(events) = annotation(&head, "helm.sh/hook") else {
        return sorted.manifests.push(Document { path, text, kind: DocumentKind::Manifest, head });
    };
    match hook(&head, events) {
        Some(hook) => sorted.hooks.push(Document { path, text, kind: DocumentKind::Hook(hook), head }),
        None => warnings.push(format!("skipping unknown hook: {events:?}")),
    }
}

fn annotation<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    head.annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

const EVENTS: [(&str, &str); 10] = [
    ("pre-install", "pre-install"),
    ("post-install", "post-install"),
    ("pre-delete", "pre-delete"),
    ("post-delete", "post-delete"),
    ("pre-upgrade", "pre-upgrade"),
    ("post-upgrade", "post-upgrade"),
    ("pre-rollback", "pre-rollback"),
    ("post-rollback", "post-rollback"),
    ("test", "test"),
    // Helm 2 had two kinds of tests.
    ("test-success", "test"),
];

/// `None` where an event is unknown: Helm then leaves the whole document out.
fn hook(head: &Head, events: &str) -> Option<Hook> {
    let known = |event: &str| {
        let event = event.trim().to_lowercase();
        EVENTS.iter().find(|(name, _)| *name == event).map(|(_, event)| (*event).to_owned())
    };
    let events = events.split(',').map(known).collect::<Option<_>>()?;
    let weight = annotation(head, "helm.sh/hook-weight").and_then(|weight| weight.parse().ok()).unwrap_or(0);
    let policies = annotation(head, "helm.sh/hook-delete-policy").into_iter().flat_map(|policies| policies.split(','));
    let delete_policies = policies.map(|policy| policy.trim().to_lowercase()).collect();
    Some(Hook { events, weight, delete_policies })
}

/// The documents of a rendered file as byte ranges, trimmed as the level trims them.
pub(super) fn split(content: &[u8], level: Level) -> Vec<Range<usize>> {
    match level {
        Level::V3 => split_3(content),
        Level::V4 => split_4(content),
    }
}

/// Go's `strings.TrimSpace`.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let range = trimmed(text, 0..text.len());
    text.get(range).unwrap_or_default()
}

/// The text without white space at its end.
pub(super) fn trim_end(text: &[u8]) -> &[u8] {
    let range = right_trimmed(text, 0..text.len());
    text.get(range).unwrap_or_default()
}

fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    right_trimmed(text, left_trimmed(text, range))
}

fn right_trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let mut end = range.end;
    while end > range.start
        && let Some(width) = space_before(text, range.start, end)
    {
        end -= width;
    }
    range.start..end
}

fn left_trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let mut start = range.start;
    while start < range.end
        && let Some(width) = space_at(text, start)
    {
        start += width;
    }
    start.min(range.end)..range.end
}

/// The white spaces of Unicode beyond ASCII, as `unicode.IsSpace` has them.
const WIDE_SPACES: [&str; 19] = [
    "\u{85}", "\u{a0}", "\u{1680}", "\u{2000}", "\u{2001}", "\u{2002}", "\u{2003}", "\u{2004}", "\u{2005}", "\u{2006}", "\u{2007}",
    "\u{2008}", "\u{2009}", "\u{200a}", "\u{2028}", "\u{2029}", "\u{202f}", "\u{205f}", "\u{3000}",
];

fn space_at(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'\t'..=b'\r' | b' ' => Some(1),
        0x80.. => {
            let rest = text.get(at..)?;
            WIDE_SPACES.iter().find(|space| rest.starts_with(space.as_bytes())).map(|space| space.len())
        }
        _ => None,
    }
}

fn space_before(text: &[u8], start: usize, end: usize) -> Option<usize> {
    match text.get(end.checked_sub(1)?)? {
        b'\t'..=b'\r' | b' ' => Some(1),
        0x80.. => {
            let before = text.get(start..end)?;
            WIDE_SPACES.iter().find(|space| before.ends_with(space.as_bytes())).map(|space| space.len())
        }
        _ => None,
    }
}

/// Separators are `(?m)^---[ \t]*`; documents lose the white space at their front only.
fn split_4(content: &[u8]) -> Vec<Range<usize>> {
    let whole = left_trimmed(content, 0..content.len());
    let mut documents = Vec::new();
    let mut start = whole.start;
    let mut line = whole.start;
    loop {
        if content.get(line..).is_some_and(|rest| rest.starts_with(b"---")) {
            keep(&mut documents, content, start..line);
            start = line + 3;
            while matches!(content.get(start), Some(b' ' | b'\t')) {
                start += 1;
            }
        }
        match memchr::memchr(b'\n', content.get(line..).unwrap_or_default()) {
            Some(at) => line += at + 1,
            None => break,
        }
    }
    keep(&mut documents, content, start..content.len());
    documents
}

fn keep(documents: &mut Vec<Range<usize>>, content: &[u8], range: Range<usize>) {
    let document = left_trimmed(content, range.start.min(range.end)..range.end);
    if !document.is_empty() {
        documents.push(document);
    }
}

/// Separators are `(?:^|\s*\n)---\s*`; documents lose the white space at both ends.
fn split_3(content: &[u8]) -> Vec<Range<usize>> {
    let whole = trimmed(content, 0..content.len());
    let mut documents = Vec::new();
    let mut start = whole.start;
    let mut line = whole.start;
    let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
    while line < whole.end {
        let at_separator = content.get(line..whole.end).is_some_and(|rest| rest.starts_with(b"---"));
        // Only a line break or the very start makes a separator, not the end of the one before.
        if at_separator && (line == whole.start || line > start) {
            let mut end = line;
            while end > start && content.get(end - 1).is_some_and(is_space) {
                end -= 1;
            }
            push_trimmed(&mut documents, content, start..end);
            start = line + 3;
            while start < whole.end && content.get(start).is_some_and(is_space) {
                start += 1;
            }
            line = start;
        }
        match memchr::memchr(b'\n', content.get(line..whole.end).unwrap_or_default()) {
            Some(at) => line += at + 1,
            None => break,
        }
    }
    push_trimmed(&mut documents, content, start..whole.end);
    documents
}

/// An empty piece is dropped before it is trimmed; one of white space alone would be kept, but cannot occur.
fn push_trimmed(documents: &mut Vec<Range<usize>>, content: &[u8], range: Range<usize>) {
    if range.start < range.end {
        documents.push(trimmed(content, range));
    }
}

/// Kinds in the order of installation, the last two in Helm 4 only; what is not in the list comes after it, by name.
const INSTALL_ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

fn sort_key(kind: &str, level: Level) -> (usize, &str) {
    let known = if level == Level::V3 { &INSTALL_ORDER[..36] } else { &INSTALL_ORDER[..] };
    match known.iter().position(|name| *name == kind) {
        Some(place) => (place, ""),
        None => (usize::MAX, kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(content: &str, level: Level) -> Vec<&str> {
        split(content.as_bytes(), level).into_iter().map(|range| &content[range]).collect()
    }

    #[test]
    fn helm_3_trims_both_ends() {
        assert_eq!(documents("\n---\na: 1\n\n---   \n\n  b: 2\n\n", Level::V3), ["a: 1", "b: 2"]);
        assert_eq!(documents("a: 1\n--- # c\nb: 2", Level::V3), ["a: 1", "# c\nb: 2"]);
        // A separator swallows the line break that the next one would need before it.
        assert_eq!(documents("---\n---\n---\na", Level::V3), ["---", "a"]);
        assert_eq!(documents("a: |\n  ---\nb: 1", Level::V3), ["a: |\n  ---\nb: 1"]);
    }

    #[test]
    fn helm_4_trims_the_front_only() {
        assert_eq!(documents("\n---\na: 1\n\n---   \n\n  b: 2\n\n", Level::V4), ["a: 1\n\n", "b: 2\n\n"]);
        assert_eq!(documents("---\n---\n \n", Level::V4), [""; 0]);
        assert_eq!(documents("-----BEGIN\nx", Level::V4), ["--BEGIN\nx"]);
    }

    #[test]
    fn unknown_kinds_come_last_by_name() {
        assert!(sort_key("Zebra", Level::V4) > sort_key("Apple", Level::V4));
        assert!(sort_key("Apple", Level::V4) > sort_key("Service", Level::V4));
        assert!(sort_key("MutatingWebhookConfiguration", Level::V3) > sort_key("Apple", Level::V3));
    }
}
