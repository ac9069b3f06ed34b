//! Paths as Go joins and matches them.

use std::path::{Component, Path, PathBuf};

use hydrate_base::World;
use hydrate_chart::matches_path;

/// `filepath.Join` of a directory and a name: an absolute name stands for itself, and `.` and `..` are resolved in the text.
pub(crate) fn join(base: &Path, name: &str) -> PathBuf {
    clean(&base.join(name))
}

/// `filepath.Join` of two texts.
pub(crate) fn joined(directory: &str, name: &str) -> String {
    clean(&Path::new(directory).join(name)).display().to_string()
}

/// `filepath.Clean`
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// Why something that is there may not be read.
pub(crate) fn refusal(world: &dyn World, path: &Path) -> Option<String> {
    world.kind(path).err().filter(hydrate_base::is_refused).map(|error| error.to_string())
}

/// The paths that match a pattern, sorted, as `filepath.Glob` finds them: only the parts with signs of a pattern are looked for.
pub(crate) fn glob(world: &dyn World, pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let Component::Normal(part) = component else {
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        };
        let part = part.to_string_lossy();
        if !part.contains(['*', '?', '[', '\\']) {
            // What lies above may not be looked at, where the world has bounds.
            found.iter_mut().for_each(|path| path.push(&*part));
            continue;
        }
        matches_path(&part, "").map_err(|_| "syntax error in pattern".to_owned())?;
        let mut matched = Vec::new();
        for directory in &found {
            for name in world.list(directory).unwrap_or_default() {
                if matches_path(&part, &name).unwrap_or(false) {
                    matched.push(directory.join(name));
                }
            }
        }
        found = matched;
    }
    found.retain(|path| world.kind(path).is_ok());
    found.sort();
    Ok(found)
}

/// The path as it is shown: below the directory where that can be.
pub(crate) fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).ok().filter(|short| !short.as_os_str().is_empty()).unwrap_or(path).display().to_string()
}

/// A path as it leads from a directory, by the text alone.
pub(crate) fn relative(from: &Path, to: &Path) -> PathBuf {
    let (mut left, mut right) = (from.components().peekable(), to.components().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek())
        && a == b
    {
        left.next();
        right.next();
    }
    let up = left.map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(right).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}
