//! `image-changed`

use hydrate_yaml::node::Node;

use crate::difference::FieldChange;

use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "image-changed",
    level: Level::Note,
    title: "An image changes",
    text: "Every image that changes, old and new. It is a caution where the major version jumps, where the version goes back, where another repository is taken, where a digest gives way to a tag that \
           can be moved, and where the tag is `latest` or none.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (change, _, after) in scene.pairs() {
        for field in change.fields.iter().filter(|field| field.path.last_key() == Some("image")) {
            let Some((old, new)) = texts(field) else { continue };
            let doubts = doubts(&Image::of(old), &Image::of(new));
            let finding = sink.about(after, "an image changes").values(Some(old.to_owned()), Some(new.to_owned()));
            finding.place.line = if field.line() > 0 { field.line() } else { finding.place.line };
            finding.path = Some(field.path.clone());
            if !doubts.is_empty() {
                finding.level(Level::Caution);
                finding.message = format!("an image changes: {}", doubts.join(", "));
            }
        }
    }
}

fn texts(field: &FieldChange) -> Option<(&str, &str)> {
    Some((field.old.as_ref().and_then(Node::as_str)?, field.new.as_ref().and_then(Node::as_str)?))
}

/// A reference to an image in its parts.
#[derive(Debug, PartialEq, Eq)]
struct Image<'t> {
    repository: &'t str,
    tag: Option<&'t str>,
    digest: Option<&'t str>,
}

impl<'t> Image<'t> {
    fn of(text: &'t str) -> Self {
        let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
        // A colon before the last slash is that of a port.
        let at = rest.rfind(':').filter(|at| !rest.get(*at..).unwrap_or_default().contains('/'));
        let (repository, tag) = at.and_then(|at| rest.split_at_checked(at)).map_or((rest, None), |(name, tag)| (name, tag.get(1..)));
        Self { repository, tag, digest }
    }

    /// The numbers of the version.
    fn version(&self) -> Option<Vec<u64>> {
        let tag = self.tag?.trim_start_matches('v');
        let numbers: Vec<u64> = tag.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
        (!numbers.is_empty() && tag.contains('.')).then_some(numbers)
    }
}

fn doubts(old: &Image<'_>, new: &Image<'_>) -> Vec<String> {
    let mut doubts = Vec::new();
    if old.repository != new.repository {
        doubts.push("another repository".to_owned());
    }
    if let (Some(before), Some(after)) = (old.version(), new.version()) {
        match (before.first(), after.first()) {
            (Some(before), Some(after)) if after > before => doubts.push(format!("major version {before} to {after}")),
            _ if after < before => doubts.push("an older version".to_owned()),
            _ => {}
        }
    }
    if old.digest.is_some() && new.digest.is_none() {
        doubts.push("the digest is gone, and a tag can be moved".to_owned());
    } else if old.digest.is_none() && new.digest.is_some() {
        doubts.push("pinned by digest now".to_owned());
    }
    if new.digest.is_none() && matches!(new.tag, None | Some("latest")) && !matches!(old.tag, None | Some("latest")) {
        doubts.push("no fixed version".to_owned());
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(old: &str, new: &str) -> String {
        doubts(&Image::of(old), &Image::of(new)).join(", ")
    }

    #[test]
    fn jumps_are_told_from_steps() {
        assert_eq!(said("a:1.2.3", "a:1.3.0"), "");
        assert_eq!(said("r:5000/a:v1.2.3", "r:5000/a:v2.0.0"), "major version 1 to 2");
        assert_eq!(said("a:1.10.0", "a:1.9.0"), "an older version");
        assert_eq!(said("a:1.9", "a:1.10"), "");
        assert_eq!(said("a:1.0", "b/a:1.0"), "another repository");
        assert_eq!(said("a:1.0@sha256:00", "a:1.0"), "the digest is gone, and a tag can be moved");
        assert_eq!(said("a:1.0", "a:1.0@sha256:00"), "pinned by digest now");
        assert_eq!(said("a:1.0", "a:latest"), "no fixed version");
        assert_eq!(said("a:1.0", "a"), "no fixed version");
        assert_eq!(said("a:2024", "a:2025"), "");
    }
}
