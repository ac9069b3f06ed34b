//! What a component has in the tree: its objects, and `.kept`, which says what of them chance has decided.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hydrate_base::decision::Decision;
use hydrate_base::{SourceFile, World};
use hydrate_source::{Document, Identity, Origin, Trust, documents};

use crate::pipeline::encryption::is_encrypted;
use crate::pipeline::fields::{object, shown};
use crate::project::{RandomPolicies, RandomPolicy};
use crate::tree::KUSTOMIZATION;

/// The name of the file.
pub(in crate::pipeline) const KEPT: &str = ".kept";

const HEAD: &str =
    "# What chance has decided and is kept: the digest of what it was made from, the function, its object and field. Do not edit.\n";

/// The words that stand before a time.
const TIME: &str = "time  ";

/// What is said of one text that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) struct Line {
    /// The digest of what the function was given.
    pub(super) inputs: String,
    pub(super) function: String,
    /// Which of the function's texts it is.
    pub(super) part: usize,
    /// The object ([`object`]).
    pub(in crate::pipeline) object: String,
    /// The field, as a JSON pointer.
    pub(in crate::pipeline) path: String,
}

/// What stands in `.kept`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pipeline) struct KeptFile {
    /// The time that it is for templates, in nanoseconds since 1970.
    pub(super) time: Option<i128>,
    pub(in crate::pipeline) lines: Vec<Line>,
}

impl KeptFile {
    /// Reads the file; lines that are not of its form, such as those of a merge, are passed over.
    pub(in crate::pipeline) fn parse(text: &str) -> Self {
        let mut file = Self::default();
        for line in text.lines() {
            if let Some(time) = line.strip_prefix(TIME) {
                file.time = file.time.or(time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_nanosecond));
                continue;
            }
            let parts: Vec<&str> = line.splitn(5, "  ").collect();
            if let [inputs, function, part, object, path] = parts[..]
                && let Ok(part) = part.parse()
            {
                let [inputs, function, object, path] = [inputs, function, object, path].map(str::to_owned);
                file.lines.push(Line { inputs, function, part, object, path });
            }
        }
        file
    }

    /// The places whose values may be others with every run, in words.
    pub(in crate::pipeline) fn may_differ(&self, policies: &RandomPolicies) -> Vec<String> {
        let is_allowed = |line: &&Line| match line.object.splitn(3, '/').collect::<Vec<_>>()[..] {
            [kind, namespace, name] => policies.of(kind, namespace, name) == Some(RandomPolicy::Allow),
            [kind, name] => policies.of(kind, "", name) == Some(RandomPolicy::Allow),
            _ => false,
        };
        let mut places: Vec<String> =
            self.lines.iter().filter(is_allowed).map(|line| format!("{} {}", line.object, shown(&line.path))).collect();
        places.dedup();
        if self.time.is_some() && policies.of_others() == Some(RandomPolicy::Allow) {
            places.push("what is made of the time".to_owned());
        }
        places
    }

    /// The text of the file; none where nothing is kept.
    pub(super) fn text(&self) -> Option<String> {
        if self.time.is_none() && self.lines.is_empty() {
            return None;
        }
        let mut text = HEAD.to_owned();
        if let Some(time) = self.time.and_then(|time| jiff::Timestamp::from_nanosecond(time).ok()) {
            text.push_str(&format!("{TIME}{time}\n"));
        }
        for Line { inputs, function, part, object, path } in &self.lines {
            text.push_str(&format!("{inputs}  {function}  {part}  {object}  {path}\n"));
        }
        Some(text)
    }
}

/// The word for an object ([`object`]) as it is where it has no namespace yet.
fn without_namespace_of(object: &str) -> String {
    match object.splitn(3, '/').collect::<Vec<_>>()[..] {
        [kind, _, name] => format!("{kind}/{name}"),
        _ => object.to_owned(),
    }
}

/// An object as it is named where it has no namespace yet.
fn without_namespace(identity: &Identity) -> Identity {
    Identity { namespace: String::new(), ..identity.clone() }
}

/// What a component has in the tree.
#[derive(Debug, Default)]
pub(super) struct Committed {
    pub(super) kept: KeptFile,
    pub(super) documents: Vec<Document>,
    /// The text of `.kept`.
    pub(super) text: Option<String>,
    /// The objects ([`object`]) that are encrypted, and could not be decrypted.
    pub(super) sealed: BTreeSet<String>,
    /// Whether somebody else has written it, who has not said what was decided: everything there may have been.
    pub(super) is_of_others: bool,
}

impl Committed {
    /// Reads the directory of a component, with files that were decrypted in the place of those there. What cannot be read is not kept.
    pub(super) fn read(world: &dyn World, directory: &Path, opened: &BTreeMap<String, String>) -> Self {
        let text = |path: &Path| world.read(path).ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        let kept = text(&directory.join(KEPT));
        let mut names = world.list(directory).unwrap_or_default();
        names.retain(|name| name.ends_with(".yaml") && name != KUSTOMIZATION);
        names.sort_unstable();
        let origin = Origin { source: String::new(), file: None, line: 0 };
        let read = |name: &String| {
            let text = text(&directory.join(name))?;
            let file = SourceFile::new(name.as_str(), opened.get(name).cloned().unwrap_or(text).into_bytes());
            documents(&file, &origin, Trust::Parsed).ok()
        };
        let documents: Vec<Document> = names.iter().filter_map(read).flatten().collect();
        let sealed = documents.iter().filter(|document| is_encrypted(&document.text)).map(|document| object(&document.identity)).collect();
        Self {
            is_of_others: kept.is_none() && !documents.is_empty(),
            kept: KeptFile::parse(kept.as_deref().unwrap_or_default()),
            text: kept,
            documents,
            sealed,
        }
    }

    /// Whether something is kept where it cannot be read: in an object that is encrypted, whoever has encrypted it.
    pub(super) fn keeps_sealed(&self) -> bool {
        let is_sealed = |line: &Line| {
            let is_it = |object: &String| *object == line.object || without_namespace_of(object) == line.object;
            self.sealed.iter().any(is_it)
        };
        (self.is_of_others && !self.sealed.is_empty()) || self.kept.lines.iter().any(is_sealed)
    }

    /// The object in the tree that a rendered one stands for, where it can be read. There it has a namespace, which may have been filled in.
    pub(super) fn find(&self, identity: &Identity) -> Option<&Document> {
        let mut readable = self.documents.iter().filter(|document| !self.sealed.contains(&object(&document.identity)));
        readable.find(|document| {
            let other = &document.identity;
            let is_same = other.kind == identity.kind && other.group() == identity.group() && other.name == identity.name;
            is_same && (identity.namespace.is_empty() || other.namespace == identity.namespace)
        })
    }

    /// The names of objects of a kind that the tree has and a function has decided, with the digests that are kept for them.
    pub(super) fn names<'c>(
        &'c self,
        decision: &'c Decision,
        part: usize,
        identity: &'c Identity,
    ) -> impl Iterator<Item = (&'c str, &'c str)> {
        let is_it = move |line: &&Line| {
            line.function == decision.function && line.part == part && line.inputs == decision.inputs && line.path == super::NAME
        };
        self.kept.lines.iter().filter(is_it).filter_map(move |line| {
            let mut documents = self.documents.iter().map(|document| &document.identity);
            let name = &documents.find(|other| object(other) == line.object || object(&without_namespace(other)) == line.object)?;
            (name.kind == identity.kind && name.group() == identity.group()).then_some((line.inputs.as_str(), name.name.as_str()))
        })
    }

    /// The digest that is kept for a text at a place; an empty one for what others have written.
    pub(super) fn inputs(&self, function: &str, part: usize, object: &str, path: &str) -> Option<&str> {
        if self.is_of_others {
            return Some("");
        }
        let is_it = |line: &&Line| line.function == function && line.part == part && line.object == object && line.path == path;
        self.kept.lines.iter().find(is_it).map(|line| line.inputs.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let line = Line {
            inputs: "0f".to_owned(),
            function: "genCA".to_owned(),
            part: 1,
            object: "Secret/a/b".to_owned(),
            path: "/data/x  y".to_owned(),
        };
        let file = KeptFile { time: Some(1_700_000_000_123_456_789), lines: vec![line] };
        let text = file.text().unwrap();
        assert_eq!(KeptFile::parse(&text), file);
        assert_eq!(KeptFile::parse(&format!("<<<<<<< ours\n{text}=======\nnonsense\n>>>>>>> theirs\n")), file);
        assert_eq!(KeptFile::default().text(), None);
    }
}
