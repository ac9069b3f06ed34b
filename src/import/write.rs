//! Writing what an import gives: each file completely or not at all, and none where one of them cannot be written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate_base::{Change, Diagnostic, Purpose, Result, World, atomic_create, atomic_write, kill_point};

use super::Import;

/// A file, and what becomes of it; nothing where it says the same already.
#[derive(Debug)]
pub struct Planned<'i> {
    /// Its path in the project.
    pub path: &'i str,
    /// Its text.
    pub text: &'i Arc<[u8]>,
    /// What becomes of it.
    pub change: Option<Change>,
}

/// Compares with what is there. Files that say something else are replaced with `force` alone.
///
/// # Errors
/// The files that are in the way.
pub fn compare<'i>(world: &dyn World, root: &Path, import: &'i Import, force: bool) -> Result<Vec<Planned<'i>>> {
    let mut planned = Vec::new();
    let mut taken = Vec::new();
    for (path, text) in &import.files {
        refuse_links(root, path)?;
        let change = match world.read(&root.join(path)) {
            Ok(there) if there == *text => None,
            Ok(_) if force => Some(Change::Changed),
            Ok(_) => {
                taken.push(path.as_str());
                None
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Change::Created),
            Err(error) => return Err(Diagnostic::error(format!("cannot read {path}: {error}"))),
        };
        planned.push(Planned { path, text, change });
    }
    if taken.is_empty() {
        return Ok(planned);
    }
    let what = if taken.len() == 1 { "is there already and says" } else { "are there already and say" };
    Err(Diagnostic::error(format!("{} {what} something else", taken.join(", ")))
        .note("nothing is written")
        .help("--dry-run shows what would be written; --force replaces them"))
}

/// A path that leads through a link leads elsewhere.
fn refuse_links(root: &Path, path: &str) -> Result<()> {
    let above = Path::new(path).ancestors().filter(|above| !above.as_os_str().is_empty());
    match above.into_iter().find(|above| fs::symlink_metadata(root.join(above)).is_ok_and(|metadata| metadata.is_symlink())) {
        None => Ok(()),
        Some(link) => Err(Diagnostic::error(format!("{} is a symbolic link", link.display())).help("replace it by what it leads to")),
    }
}

/// Writes the files in their order. What was written is taken back where one of them cannot be.
///
/// # Errors
/// Why a file cannot be written.
pub fn write(root: &Path, planned: &[Planned<'_>]) -> Result<()> {
    let mut done: Vec<Undo> = Vec::new();
    for file in planned {
        let Some(change) = file.change else { continue };
        kill_point();
        match write_one(root, file, change, &mut done) {
            Ok(()) => {}
            Err(error) => {
                let left: Vec<String> = done.iter().rev().filter_map(|undo| undo.run().err()).collect();
                let error = Diagnostic::error(format!("cannot write {}: {error}", file.path));
                return Err(if left.is_empty() {
                    error.note("what was written before it has been taken back")
                } else {
                    error.note(format!("what was written before it could not be taken back: {}", left.join(", ")))
                });
            }
        }
    }
    Ok(())
}

/// How to take a change back.
enum Undo {
    Remove(PathBuf),
    RemoveDirectory(PathBuf),
    Restore(PathBuf, Vec<u8>),
}

impl Undo {
    fn run(&self) -> std::result::Result<(), String> {
        let (path, result) = match self {
            Self::Remove(path) => (path, fs::remove_file(path)),
            Self::RemoveDirectory(path) => (path, fs::remove_dir(path)),
            Self::Restore(path, text) => {
                (path, atomic_write(path, path.parent().unwrap_or(Path::new(".")), &[text.as_slice()], Purpose::Repository))
            }
        };
        result.map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn write_one(root: &Path, file: &Planned<'_>, change: Change, done: &mut Vec<Undo>) -> io::Result<()> {
    let path = root.join(file.path);
    let parent = path.parent().unwrap_or(root);
    let missing: Vec<&Path> = parent.ancestors().take_while(|above| !above.exists()).collect();
    for directory in missing.into_iter().rev() {
        fs::create_dir(directory)?;
        done.push(Undo::RemoveDirectory(directory.to_owned()));
    }
    if change == Change::Created {
        atomic_create(&path, parent, &[file.text])?;
        done.push(Undo::Remove(path));
        return Ok(());
    }
    let before = fs::read(&path)?;
    atomic_write(&path, parent, &[file.text], Purpose::Repository)?;
    done.push(Undo::Restore(path, before));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::DiskWorld;
    use std::collections::BTreeMap;

    fn import(files: &[(&str, &str)]) -> Import {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Arc::from(text.as_bytes()))).collect();
        Import { files, releases: Vec::new(), objects: BTreeMap::new(), warnings: Vec::new() }
    }

    #[test]
    fn what_is_there_is_replaced_by_force_alone() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::write(root.join("a.yaml"), "old").unwrap();
        fs::write(root.join("b.yaml"), "same").unwrap();
        let import = import(&[("a.yaml", "new"), ("b.yaml", "same"), ("c/d.yaml", "d")]);
        let world = DiskWorld::new();
        let error = compare(&world, root, &import, false).unwrap_err();
        assert_eq!(error.message, "a.yaml is there already and says something else");
        let planned = compare(&world, root, &import, true).unwrap();
        assert_eq!(planned.iter().map(|file| file.change).collect::<Vec<_>>(), [Some(Change::Changed), None, Some(Change::Created)]);
        write(root, &planned).unwrap();
        assert_eq!(fs::read_to_string(root.join("a.yaml")).unwrap(), "new");
        assert_eq!(fs::read_to_string(root.join("c/d.yaml")).unwrap(), "d");
    }

    #[test]
    fn a_write_that_fails_is_taken_back() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::write(root.join("a.yaml"), "old").unwrap();
        let import = import(&[("a.yaml", "new"), ("n/b.yaml", "b"), ("n/b.yaml/c.yaml", "c")]);
        let planned: Vec<Planned<'_>> = import
            .files
            .iter()
            .zip([Change::Changed, Change::Created, Change::Created])
            .map(|((path, text), change)| Planned { path, text, change: Some(change) })
            .collect();
        let error = write(root, &planned).unwrap_err();
        assert!(error.to_string().contains("has been taken back"), "{error}");
        assert_eq!(fs::read_to_string(root.join("a.yaml")).unwrap(), "old");
        assert!(!root.join("n").exists());
    }

    #[test]
    fn links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", directory.path().join("c")).unwrap();
        let error = compare(&DiskWorld::new(), directory.path(), &import(&[("c/d.yaml", "d")]), true).unwrap_err();
        assert_eq!(error.message, "c is a symbolic link");
    }
}
