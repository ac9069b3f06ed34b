//! Whether a configuration file names a file or a directory: what is named somewhere is no slip.

use std::path::Path;

use hydrate_base::{FileKind, World};

/// Directories in which nobody names files of the project: those of charts.
const CHARTS: [&str; 3] = ["chart", "charts", "templates"];
/// How deep is looked, and into how many files; what is beyond counts as a mention, so that nothing is told that is not certain.
const DEPTH: usize = 5;
const MOST: usize = 4_000;
/// The largest file that is looked into.
const LARGEST: usize = 1 << 20;

/// Whether a path through a directory of this name stands in a file below `dir`, those of the directory itself (`own`) aside.
pub(super) fn of_directory(world: &dyn World, dir: &Path, name: &str, own: &Path) -> bool {
    let is_path = |before: Option<u8>, after: Option<u8>| before == Some(b'/') || after == Some(b'/');
    let mut search = Search { world, name, own, is_one: &is_path, seen: 0 };
    search.is_below(dir, DEPTH)
}

/// Whether the name of a file stands in a file below `dir`.
pub(super) fn of_file(world: &dyn World, dir: &Path, name: &str) -> bool {
    let mut search = Search { world, name, own: &dir.join(name), is_one: &|_, _| true, seen: 0 };
    search.is_below(dir, DEPTH)
}

struct Search<'a> {
    world: &'a dyn World,
    name: &'a str,
    own: &'a Path,
    /// Whether what stands before and after the name makes it one that is meant.
    is_one: &'a dyn Fn(Option<u8>, Option<u8>) -> bool,
    seen: usize,
}

impl Search<'_> {
    fn is_below(&mut self, dir: &Path, depth: usize) -> bool {
        if depth == 0 {
            return false;
        }
        let names = self.world.list(dir).unwrap_or_default();
        self.seen += names.len();
        if self.seen > MOST {
            return true;
        }
        let own = self.own;
        let mut others = names.iter().filter(|name| !name.starts_with('.') && !CHARTS.contains(&name.as_str()));
        others.any(|name| dir.join(name) != own && self.is_at(&dir.join(name), depth))
    }

    fn is_at(&mut self, path: &Path, depth: usize) -> bool {
        match self.world.kind(path) {
            Ok(FileKind::Directory) => self.is_below(path, depth - 1),
            Ok(FileKind::File) => is_configuration(path) && self.is_in(path),
            _ => false,
        }
    }

    fn is_in(&self, path: &Path) -> bool {
        let Ok(text) = self.world.read(path) else { return false };
        let name = self.name.as_bytes();
        let text = &text[..text.len().min(LARGEST)];
        let is_letter = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let is_here = |at: usize| {
            let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
            let after = text.get(at + name.len()).copied();
            !is_letter(before) && !is_letter(after) && (self.is_one)(before, after)
        };
        memchr::memmem::find_iter(text, name).any(is_here)
    }
}

/// YAML, a template of it, or a kustomization by its old name.
fn is_configuration(path: &Path) -> bool {
    let is_kind = |extension: &str| matches!(extension, "yaml" | "yml" | "gotmpl" | "j2");
    path.extension().and_then(|extension| extension.to_str()).is_some_and(is_kind)
        || path.file_name().is_some_and(|name| name == "Kustomization")
}
