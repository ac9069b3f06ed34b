//! What arrives from outside, unpacked in memory: nothing in an archive can name a place outside it.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use hydrate_base::Diagnostic;
use hydrate_base::hash::hex;

/// How much an archive may unpack to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Number of files.
    pub files: usize,
}

impl Limits {
    /// For charts: helm's own limits are 100 MiB a chart and 5 MiB a file; the sum is what protects memory.
    pub(crate) const CHART: Self = Self { bytes: 100 << 20, files: 10_000 };
    /// For Git repositories.
    pub(crate) const REPOSITORY: Self = Self { bytes: 1 << 30, files: 200_000 };
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File {
        /// The content.
        bytes: Arc<[u8]>,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link with its target as written; it is resolved, and checked to stay inside, when it is followed.
    Link(String),
}

/// Files by their path: `/` between the parts, none at the ends, no `.` and no `..`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// Adds an entry; refuses paths that are absolute or leave the tree, and entries that stand where a directory is.
    pub fn insert(&mut self, path: &str, entry: Entry) -> Result<(), String> {
        let clean = clean_path(path)?;
        self.entries.insert(clean, entry);
        Ok(())
    }

    /// Paths and entries, sorted by path.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The entry at a path, links not followed.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The number of files and links.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The path with all links followed; `None` where it leaves the tree or goes round in circles. It may name
    /// nothing.
    pub fn resolve(&self, path: &str) -> Option<String> {
        let mut rest: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut done: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    done.pop()?;
                    continue;
                }
                _ => done.push(part),
            }
            if let Some(Entry::Link(target)) = self.entries.get(&done.join("/")) {
                links += 1;
                if links > 40 || target.starts_with('/') {
                    return None;
                }
                done.pop();
                rest.extend(target.split('/').rev().map(str::to_owned));
            }
        }
        Some(done.join("/"))
    }

    /// The content of a file, links followed.
    pub fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        match self.entries.get(&self.resolve(path)?)? {
            Entry::File { bytes, .. } => Some(Arc::clone(bytes)),
            Entry::Link(_) => None,
        }
    }

    /// The names directly below a directory, sorted; `None` where there is no such directory. The root is the empty
    /// path.
    pub fn names(&self, path: &str) -> Option<Vec<String>> {
        let resolved = self.resolve(path)?;
        let prefix = if resolved.is_empty() { String::new() } else { format!("{resolved}/") };
        let mut names: Vec<String> = Vec::new();
        for (path, _) in self.entries.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix)) {
            let name = path[prefix.len()..].split('/').next().unwrap_or_default();
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names.dedup();
        if names.is_empty() && !resolved.is_empty() { None } else { Some(names) }
    }

    /// The SHA-256, in hexadecimal, of what is unpacked: for each entry in the order of its path, the letter `f`, `x`
    /// (executable) or `l` (link), then the length of the path and of the content as 8 bytes, most significant
    /// first, then path and content. It does not depend on how the archive was packed.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (path, entry) in &self.entries {
            let (kind, content): (u8, &[u8]) = match entry {
                Entry::File { bytes, executable: false } => (b'f', bytes),
                Entry::File { bytes, executable: true } => (b'x', bytes),
                Entry::Link(target) => (b'l', target.as_bytes()),
            };
            hasher.update([kind]);
            hasher.update((path.len() as u64).to_be_bytes());
            hasher.update((content.len() as u64).to_be_bytes());
            hasher.update(path);
            hasher.update(content);
        }
        hex(&hasher.finalize())
    }

    /// The one tar archive of this tree: sorted, no times, no owners; the same bytes on every machine.
    pub(crate) fn to_tar(&self) -> std::io::Result<Vec<u8>> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let mut header = tar::Header::new_gnu();
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            match entry {
                Entry::File { bytes, executable } => {
                    header.set_entry_type(tar::EntryType::Regular);
                    header.set_mode(if *executable { 0o755 } else { 0o644 });
                    header.set_size(bytes.len() as u64);
                    builder.append_data(&mut header, path, &bytes[..])?;
                }
                Entry::Link(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_mode(0o777);
                    header.set_size(0);
                    builder.append_link(&mut header, path, target)?;
                }
            }
        }
        builder.into_inner()
    }
}

/// A path of an archive in its one form, or why it is refused.
fn clean_path(path: &str) -> Result<String, String> {
    if path.starts_with('/') || path.contains('\\') || path.contains('\0') || path.get(1..3) == Some(":/") {
        return Err(format!("the path {path:?} is not a relative one"));
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(format!("the path {path:?} leaves the archive")),
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { Err(format!("the path {path:?} names nothing")) } else { Ok(parts.join("/")) }
}

/// Unpacks a tar archive, gzipped or not. `artifact` is the subject of errors.
///
/// Refused are: paths that leave the archive, links out of it, devices, pipes, and more than `limits` allow.
pub(crate) fn unpack(bytes: &[u8], artifact: &str, limits: Limits) -> Result<Tree, Box<Diagnostic>> {
    let refuse = |why: String| {
        let text = format!("the archive of {artifact} is refused");
        Diagnostic::error(text).note(why).help("ask whoever published it for a sound one; nothing of it was used")
    };
    let mut tree = Tree::default();
    let (mut sum, mut count) = (0u64, 0usize);
    let reader: Box<dyn Read + '_> = match bytes {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        _ => Box::new(bytes),
    };
    // The reader is bounded as well as the sum of the sizes, so that headers alone cannot inflate without end.
    let mut archive = tar::Archive::new(reader.take(limits.bytes.saturating_add(limits.files as u64 * 1024)));
    let broken = |error: std::io::Error| refuse(format!("it cannot be read: {error}"));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| refuse("a path in it is not UTF-8".to_owned()))?;
        let kind = entry.header().entry_type();
        count += 1;
        sum = sum.saturating_add(entry.size());
        if sum > limits.bytes || count > limits.files {
            return Err(refuse(format!("it unpacks to more than {} bytes or {} files", limits.bytes, limits.files)));
        }
        let item = match kind {
            tar::EntryType::Directory | tar::EntryType::XGlobalHeader => continue,
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                let mut content = Vec::with_capacity(entry.size().min(1 << 20) as usize);
                entry.read_to_end(&mut content).map_err(broken)?;
                if (content.len() as u64) < entry.size() {
                    return Err(refuse(format!("it ends in the middle of {path}")));
                }
                Entry::File { bytes: content.into(), executable }
            }
            tar::EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                Entry::Link(String::from_utf8(target).map_err(|_| refuse(format!("the target of the link {path} is not UTF-8")))?)
            }
            other => return Err(refuse(format!("{path} is a {}", kind_name(other)))),
        };
        tree.insert(&path, item).map_err(refuse)?;
    }
    Ok(tree)
}

/// Refuses a tree that has a link which leaves it or goes round in circles; for charts, where every file counts.
pub(crate) fn refuse_links_out(tree: &Tree, artifact: &str) -> Result<(), Box<Diagnostic>> {
    let out = tree.entries().find(|(path, entry)| matches!(entry, Entry::Link(_)) && tree.resolve(path).is_none());
    match out {
        Some((path, Entry::Link(target))) => Err(Diagnostic::error(format!("the archive of {artifact} is refused"))
            .note(format!("the link {path} points to {target}, out of the archive"))),
        _ => Ok(()),
    }
}

fn kind_name(kind: tar::EntryType) -> &'static str {
    match kind {
        tar::EntryType::Link => "hard link",
        tar::EntryType::Char | tar::EntryType::Block => "device file",
        tar::EntryType::Fifo => "pipe",
        _ => "kind of file that charts do not have",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Entry {
        Entry::File { bytes: text.as_bytes().into(), executable: false }
    }

    fn tree(entries: &[(&str, Entry)]) -> Tree {
        let mut tree = Tree::default();
        for (path, entry) in entries {
            tree.insert(path, entry.clone()).unwrap();
        }
        tree
    }

    fn raw_tar(path: &str, kind: tar::EntryType, link: &str) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o644);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend([0; 1024]);
        bytes
    }

    #[test]
    fn a_tree_comes_back_from_its_tar() {
        let long = format!("{}/values.yaml", "deep".repeat(60));
        let tree = tree(&[("a/Chart.yaml", file("x")), ("a/link", Entry::Link("Chart.yaml".into())), (&long, file("y"))]);
        let tar = tree.to_tar().unwrap();
        let again = unpack(&tar, "a", Limits::CHART).unwrap();
        assert_eq!(again, tree);
        assert_eq!(again.digest(), tree.digest());
        assert_eq!(again.to_tar().unwrap(), tar);
        assert_eq!(tree.file("a/link").as_deref(), Some(&b"x"[..]));
    }

    #[test]
    fn links_stay_inside() {
        let tree = tree(&[
            ("a/b/c", file("x")),
            ("a/up", Entry::Link("../../etc/passwd".into())),
            ("a/root", Entry::Link("/etc/passwd".into())),
            ("a/round", Entry::Link("round".into())),
            ("dir", Entry::Link("a/b".into())),
        ]);
        for path in ["a/up", "a/root", "a/round", "../x"] {
            assert_eq!(tree.resolve(path), None, "{path}");
        }
        assert_eq!(tree.file("dir/c").as_deref(), Some(&b"x"[..]));
        assert_eq!(tree.names("dir").unwrap(), ["c"]);
        assert_eq!(tree.names("").unwrap(), ["a", "dir"]);
        assert_eq!(tree.names("nowhere"), None);
        assert!(refuse_links_out(&tree, "chart a").unwrap_err().to_string().contains("out of the archive"));
    }

    #[test]
    fn hostile_archives_are_refused() {
        for (path, kind, want) in [
            ("../x", tar::EntryType::Regular, "leaves the archive"),
            ("a/../../x", tar::EntryType::Regular, "leaves the archive"),
            ("/etc/x", tar::EntryType::Regular, "not a relative one"),
            ("C:/x", tar::EntryType::Regular, "not a relative one"),
            ("a\\x", tar::EntryType::Regular, "not a relative one"),
            ("a", tar::EntryType::Char, "device file"),
            ("a", tar::EntryType::Block, "device file"),
            ("a", tar::EntryType::Fifo, "pipe"),
            ("a", tar::EntryType::Link, "hard link"),
        ] {
            let error = unpack(&raw_tar(path, kind, "b"), "chart a", Limits::CHART).unwrap_err().to_string();
            assert!(error.contains(want), "{path}: {error}");
        }
    }

    #[test]
    fn an_archive_that_inflates_without_end_is_refused() {
        use std::io::Write;
        let mut header = tar::Header::new_gnu();
        header.set_path("bomb").unwrap();
        header.set_size(1 << 33);
        header.set_cksum();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(header.as_bytes()).unwrap();
        packed.write_all(&vec![0; 4 << 20]).unwrap();
        let error = unpack(&packed.finish().unwrap(), "chart a", Limits::CHART).unwrap_err().to_string();
        assert!(error.contains("more than 104857600 bytes"), "{error}");
    }

    #[test]
    fn a_cut_archive_is_refused() {
        let tar = tree(&[("a/values.yaml", file(&"x".repeat(4000)))]).to_tar().unwrap();
        let error = unpack(&tar[..2000], "chart a", Limits::CHART).unwrap_err().to_string();
        assert!(error.contains("the archive of chart a is refused"), "{error}");
    }
}
