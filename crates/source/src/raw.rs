//! Raw: plain YAML files, taken as they are.

use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, FileKind, Result, SourceFile, World};

use super::document::{Document, Origin, Trust, documents};

/// How deep directories may nest.
const DEPTH: usize = 32;

/// Linked directories that lead back up multiply; no source has so many files.
const MOST: usize = 100_000;

/// The documents of a file, or of all `.yaml`, `.yml` and `.json` files under a directory in the order of their paths.
/// `shown` is the path as users know it.
pub(crate) fn render(world: &dyn World, path: &Path, shown: &str) -> Result<Vec<Document>> {
    let mut all = Vec::new();
    for (path, shown) in files(world, path, shown, &["yaml", "yml", "json"])? {
        let text = world.read(&path).map_err(|error| Diagnostic::error(format!("cannot read {shown}: {error}")))?;
        let origin = Origin { source: "file".to_owned(), file: Some(shown.clone()), line: 1 };
        all.extend(documents(&SourceFile::new(shown, text), &origin, Trust::Raw)?);
    }
    Ok(all)
}

/// The text of a source that is one file.
pub(crate) fn text(world: &dyn World, path: &Path) -> Option<String> {
    if world.kind(path).ok()? != FileKind::File {
        return None;
    }
    String::from_utf8(world.read(path).ok()?.to_vec()).ok()
}

/// A file as it is, or the files under a directory that end in one of the extensions, sorted, with their shown paths.
/// Hidden files are left out, and so is `kustomization.yaml`, which says what to do with others.
pub(super) fn files(world: &dyn World, path: &Path, shown: &str, extensions: &[&str]) -> Result<Vec<(PathBuf, String)>> {
    let cannot = |error| Diagnostic::error(format!("cannot read {shown}: {error}"));
    if world.kind(path).map_err(cannot)? != FileKind::Directory {
        return Ok(vec![(path.to_owned(), shown.to_owned())]);
    }
    let mut walk = Walk { world, extensions, seen: 0, all: Vec::new() };
    walk.directory(path, shown, DEPTH)?;
    Ok(walk.all)
}

struct Walk<'a> {
    world: &'a dyn World,
    extensions: &'a [&'a str],
    seen: usize,
    all: Vec<(PathBuf, String)>,
}

impl Walk<'_> {
    fn directory(&mut self, dir: &Path, shown: &str, depth: usize) -> Result<()> {
        if depth == 0 {
            return Err(
                Diagnostic::error(format!("{shown}: directories nest deeper than {DEPTH}")).help("look for a link that leads back up")
            );
        }
        let names = self.world.list(dir).map_err(|error| Diagnostic::error(format!("cannot read the directory {shown}: {error}")))?;
        self.seen += names.len();
        if self.seen > MOST {
            return Err(Diagnostic::error(format!("{shown}: more than {MOST} files")).help("look for a link that leads back up"));
        }
        for name in names.iter().filter(|name| !name.starts_with('.')) {
            let (path, shown) = (dir.join(name), format!("{shown}/{name}"));
            match self.world.kind(&path).map_err(|error| Diagnostic::error(format!("cannot read {shown}: {error}")))? {
                FileKind::Directory => self.directory(&path, &shown, depth - 1)?,
                _ if name == "kustomization.yaml" => {}
                _ if path.extension().is_some_and(|found| self.extensions.iter().any(|extension| found == *extension)) => {
                    self.all.push((path, shown))
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: ";

    #[test]
    fn files_in_the_order_of_their_paths() {
        let world = MemoryWorld::new()
            .with_file("/p/raw/b.yaml", format!("{POD}b\n"))
            .with_file("/p/raw/a/x.yml", format!("{POD}x\n---\n{POD}y\n"))
            .with_file("/p/raw/notes.txt", "not YAML")
            .with_file("/p/raw/.hidden.yaml", "{");
        let all = render(&world, Path::new("/p/raw"), "raw").unwrap();
        let names: Vec<&str> = all.iter().map(|document| document.identity.name.as_str()).collect();
        assert_eq!(names, ["x", "y", "b"]);
    }

    #[test]
    fn a_document_that_is_no_object_is_refused() {
        let world = MemoryWorld::new().with_file("/p/a.yaml", "a: 1\n");
        let error = render(&world, Path::new("/p/a.yaml"), "a.yaml").unwrap_err();
        assert_eq!(
            error.to_string(),
            "a.yaml:1:1: a document of a.yaml is not a Kubernetes object: it has no apiVersion, no kind, no metadata.name\n  \
             help: every document needs apiVersion, kind and metadata.name"
        );
    }
}
