//! What changes with every release of a chart and says nothing: marked here, folded by the views.

use std::collections::BTreeSet;

use hydrate_yaml::node::Node;

use crate::difference::{ChangeKind, FieldChange};
use crate::path::{Path, Step};
use crate::value::is_null;

/// Why readers are mostly not interested in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Noise {
    /// A label or annotation with the version of a chart, of an application or of a generator.
    Version,
    /// An annotation with a digest of something that is reviewed where it is.
    Checksum,
    /// The name of a ConfigMap or Secret that follows from its content, where the object has it and where others refer to it.
    HashedName,
    /// The same content, written differently.
    Formatting,
    /// Null where there was nothing, or the other way round: the API server drops it.
    Null,
    /// What SOPS writes of its own.
    Encryption,
}

impl Noise {
    /// A word for machines, and the words for people.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Version => ("version", "labels and annotations with versions"),
            Self::Checksum => ("checksum", "checksums"),
            Self::HashedName => ("hashed-name", "names that follow from content"),
            Self::Formatting => ("formatting", "formatting"),
            Self::Null => ("null", "null in the place of nothing"),
            Self::Encryption => ("encryption", "what SOPS writes of its own"),
        }
    }
}

/// Names that changed because content did: old and new.
pub(crate) type Renames = BTreeSet<(String, String)>;

/// Marks the changes of an object.
pub(crate) fn mark(changes: &mut [FieldChange], renames: &Renames) {
    for change in changes.iter_mut().filter(|change| change.noise.is_none()) {
        change.noise = noise(change, renames);
    }
}

fn noise(change: &FieldChange, renames: &Renames) -> Option<Noise> {
    let text = |node: &Option<Node>| node.as_ref().and_then(Node::as_str).map(str::to_owned);
    if change.path.starts_with(&["sops"]) {
        return Some(Noise::Encryption);
    }
    if let (Some(old), Some(new)) = (text(&change.old), text(&change.new))
        && renames.contains(&(old, new))
    {
        return Some(Noise::HashedName);
    }
    let is_nothing = |node: &Option<Node>| node.as_ref().is_none_or(is_null);
    if change.kind != ChangeKind::Changed && is_nothing(&change.old) && is_nothing(&change.new) {
        return Some(Noise::Null);
    }
    match metadata(&change.path)? {
        ("labels" | "annotations", Some(key)) => of_key(key, change),
        ("labels" | "annotations", None) => {
            // All of them come or go at once: noise if every one of them is.
            let all = change.new.as_ref().or(change.old.as_ref())?.entries()?;
            let kinds: Option<Vec<Noise>> = all.iter().map(|(key, _)| of_key(key.as_str()?, change)).collect();
            kinds?.into_iter().next()
        }
        _ => None,
    }
}

/// Where metadata of an object, or of a pod that is made from it, is changed: `labels` or `annotations`, and the key.
fn metadata(path: &Path) -> Option<(&str, Option<&str>)> {
    const TEMPLATES: &[&[&str]] = &[
        &["metadata"],
        &["spec", "template", "metadata"],
        &["spec", "jobTemplate", "metadata"],
        &["spec", "jobTemplate", "spec", "template", "metadata"],
    ];
    let prefix = TEMPLATES.iter().find(|prefix| path.starts_with(prefix))?;
    let rest: Option<Vec<&str>> =
        path.0.iter().skip(prefix.len()).map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None }).collect();
    match rest?.as_slice() {
        [map] => Some((map, None)),
        [map, key] => Some((map, Some(key))),
        _ => None,
    }
}

/// Labels and annotations that have a version and nothing else.
const VERSIONS: &[&str] = &[
    "helm.sh/chart",
    "app.kubernetes.io/version",
    "controller-gen.kubebuilder.io/version",
    "helm.sh/chart-version",
    "helm.toolkit.fluxcd.io/version",
    "gateway.networking.k8s.io/bundle-version",
    "meta.helm.sh/chart-version",
];

fn of_key(key: &str, change: &FieldChange) -> Option<Noise> {
    let is_chart = || {
        let name_and_version = |node: &Option<Node>| {
            let text = node.as_ref().and_then(Node::as_str).unwrap_or("-0");
            text.rsplit_once('-').is_some_and(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
        };
        key == "chart" && name_and_version(&change.old) && name_and_version(&change.new)
    };
    if VERSIONS.contains(&key) || is_chart() {
        return Some(Noise::Version);
    }
    let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
    let is_checksum = prefix == "checksum"
        || prefix.ends_with(".checksum")
        || prefix.starts_with("checksum.")
        || name == "checksum"
        || name.starts_with("checksum-")
        || name.ends_with("-checksum")
        || name.ends_with("-hash")
        || name.starts_with("checksum.")
        || name.ends_with("sha256");
    is_checksum.then_some(Noise::Checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(keys: &[&str], old: Option<&str>, new: Option<&str>) -> FieldChange {
        let kind = match (old, new) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        };
        let path = Path(keys.iter().map(|key| Step::Key((*key).into())).collect());
        let node = |text: Option<&str>| text.map(Node::string);
        FieldChange { path, kind, old: node(old), new: node(new), old_line: 1, new_line: 1, noise: None, inside: Vec::new() }
    }

    #[test]
    fn what_a_chart_writes_with_every_release_is_noise() {
        let pod = ["spec", "template", "metadata", "annotations", "checksum/config"];
        let noise = |keys: &[&str], old, new| super::noise(&change(keys, old, new), &Renames::new());
        assert_eq!(noise(&["metadata", "labels", "helm.sh/chart"], Some("loki-5"), Some("loki-6")), Some(Noise::Version));
        assert_eq!(noise(&["metadata", "labels", "chart"], Some("loki-5.1.0"), Some("loki-6.0.0")), Some(Noise::Version));
        assert_eq!(noise(&pod, Some("a"), Some("b")), Some(Noise::Checksum));
        assert_eq!(noise(&["metadata", "annotations", "a"], None, Some("b")), None);
        assert_eq!(noise(&["metadata", "labels", "chart"], Some("blue"), Some("green")), None);
        // Selectors and claims cannot be changed, whatever they hold.
        assert_eq!(noise(&["spec", "selector", "matchLabels", "helm.sh/chart"], Some("a-1"), Some("a-2")), None);
    }

    #[test]
    fn names_that_follow_from_content_are_noise_where_they_are_referred_to() {
        let renames = Renames::from([("a-k5g4f8t9tb".to_owned(), "a-d2f7b4t8h6".to_owned())]);
        let reference = change(&["spec", "name"], Some("a-k5g4f8t9tb"), Some("a-d2f7b4t8h6"));
        assert_eq!(super::noise(&reference, &renames), Some(Noise::HashedName));
        assert_eq!(super::noise(&reference, &Renames::new()), None);
    }
}
