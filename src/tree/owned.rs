//! `.hydrated`: the files of a directory that hydrate owns, with the SHA-256 of each as it was written.
//!
//! One line a file, sorted, as `sha256sum` writes and checks them; lines that begin with `#` are remarks. There is one
//! in every directory, so that branches that change different components merge; where two branches changed the
//! same one, both sides of the conflict are believed.

use std::collections::{BTreeMap, BTreeSet};

use hydrate_base::hash::sha256;

use super::Files;

const HEAD: &str = "# Files written by hydrate, and their SHA-256. Do not edit.\n";

/// The files owned, with the digests they were written with: one, or more after a merge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owned(BTreeMap<String, BTreeSet<String>>);

impl Owned {
    /// The index of files about to be written.
    pub fn of(files: &Files) -> Self {
        Self(files.iter().map(|(name, bytes)| (name.clone(), BTreeSet::from([sha256(bytes)]))).collect())
    }

    /// Reads an index; lines that are not of its form (conflict markers, remarks) are passed over, and so are names
    /// that could lead out of the directory.
    pub fn parse(text: &[u8]) -> Self {
        let mut owned = Self::default();
        for line in String::from_utf8_lossy(text).lines() {
            if let Some((digest, name)) = line.split_once("  ")
                && digest.len() == 64
                && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
                && is_plain(name)
            {
                owned.0.entry(name.to_owned()).or_default().insert(digest.to_owned());
            }
        }
        owned
    }

    /// The text of the index.
    pub fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (name, digests) in &self.0 {
            for digest in digests {
                text.push_str(&format!("{digest}  {name}\n"));
            }
        }
        text
    }

    /// Whether a file is owned.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether an owned file still has the content it was written with.
    pub fn is_as_written(&self, name: &str, bytes: &[u8]) -> bool {
        self.0.get(name).is_some_and(|digests| digests.contains(&sha256(bytes)))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A name of a file in this directory and nowhere else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != ".." && name != super::INDEX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_conflict_count_and_traversal_does_not() {
        let a = sha256(b"a");
        let b = sha256(b"b");
        let text =
            format!("# remark\n<<<<<<< ours\n{a}  x.yaml\n=======\n{b}  x.yaml\n>>>>>>> theirs\n{a}  ../../etc/passwd\n{a}  .hydrated\n");
        let owned = Owned::parse(text.as_bytes());
        assert_eq!(owned.names().collect::<Vec<_>>(), ["x.yaml"]);
        assert!(owned.is_as_written("x.yaml", b"a") && owned.is_as_written("x.yaml", b"b") && !owned.is_as_written("x.yaml", b"c"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let files = Files::from([("a.yaml".to_owned(), b"1".as_slice().into()), ("b.yaml".to_owned(), b"2".as_slice().into())]);
        let owned = Owned::of(&files);
        assert_eq!(Owned::parse(owned.text().as_bytes()), owned);
    }
}
