//! Reading the files of a chart directory, as Helm walks it: sorted, links followed, `.helmignore` applied.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ignore::Rules;
use super::model::{File, Level};
use hydrate_base::{Diagnostic, FileKind, Result, World, is_refused};

/// A file larger than this is refused by Helm 4.
pub(super) const FILE_LIMIT: usize = 5 * 1024 * 1024;
/// All files of a chart together.
pub(super) const CHART_LIMIT: usize = 100 * 1024 * 1024;
/// A linked directory may lead back to its parent; Helm then fails on the length of the path.
const DEPTH_LIMIT: usize = 100;

/// Linked directories that lead back to their parents multiply; no chart has so many files.
const ENTRY_LIMIT: usize = 200_000;

/// With so many files a second thread is worth its price.
const MANY: usize = 64;

/// The files below `top`, in Helm's order.
pub(super) fn read(top: &Path, level: Level, world: &dyn World) -> Result<Vec<File>> {
    let ignore = top.join(".helmignore");
    let rules = match world.read(&ignore) {
        Ok(text) => Rules::parse(&text).map_err(|error| Diagnostic::error(error).note(format!("in {}", ignore.display())))?,
        Err(error) if is_refused(&error) => return Err(io_error("open", &ignore, &error)),
        Err(_) => Rules::parse(b"").map_err(Diagnostic::error)?,
    };
    let mut walk = Walk { world, rules, found: Vec::new(), seen: 0 };
    // What is wrong with a file that was found before is to be said first.
    let walked = walk.directory(top, "", 0);
    let contents = contents(&walk.found, world);
    let files = check(walk.found, contents, level)?;
    walked.map(|()| files)
}

/// A file that belongs to the chart.
struct Found {
    path: PathBuf,
    relative: String,
}

struct Walk<'a> {
    world: &'a dyn World,
    rules: Rules,
    found: Vec<Found>,
    seen: usize,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, relative: &str, depth: usize) -> Result<()> {
        if depth > DEPTH_LIMIT {
            return Err(Diagnostic::error(format!("open {}: file name too long", path.display()))
                .note("directories are nested too deep")
                .help("look for a symbolic link that leads back to one of its parents"));
        }
        let entries = self.world.entries(path).map_err(|error| io_error("open", path, &error))?;
        self.seen += entries.len();
        if self.seen > ENTRY_LIMIT {
            return Err(Diagnostic::error(format!("the chart has more than {ENTRY_LIMIT} files"))
                .help("look for a symbolic link that leads back to one of its parents"));
        }
        for (name, kind) in entries {
            let inner = if relative.is_empty() { name.clone() } else { format!("{relative}/{name}") };
            self.entry(path.join(name), inner, kind, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, relative: String, kind: io::Result<FileKind>, depth: usize) -> Result<()> {
        if kind.as_ref().is_err_and(is_refused) && self.rules.ignores(&relative, true) {
            return Ok(());
        }
        let kind = kind.map_err(|error| io_error("lstat", &path, &error).note(format!("error evaluating symlink {}", path.display())))?;
        if self.rules.ignores(&relative, kind == FileKind::Directory) {
            return Ok(());
        }
        match kind {
            FileKind::Directory => self.directory(&path, &relative, depth + 1)?,
            FileKind::File => self.found.push(Found { path, relative }),
            FileKind::Other => {
                let text = format!("cannot load irregular file {} as it has file mode type bits set", path.display());
                return Err(Diagnostic::error(text));
            }
        }
        Ok(())
    }
}

/// What is in each file; many files are read by two threads.
fn contents(found: &[Found], world: &dyn World) -> Vec<io::Result<Arc<[u8]>>> {
    // Beyond the limit nothing more is read: the chart will be refused.
    let size = AtomicUsize::new(0);
    let content = |file: &Found| match size.load(Ordering::Relaxed) {
        size if size > CHART_LIMIT => Ok(Arc::default()),
        _ => world.read(&file.path).inspect(|data| {
            size.fetch_add(data.len(), Ordering::Relaxed);
        }),
    };
    if found.len() < MANY {
        return found.iter().map(content).collect();
    }
    // Whoever is free takes the next file: their sizes differ a hundredfold.
    let next = AtomicUsize::new(0);
    let read = || {
        let take = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            Some((at, content(found.get(at)?)))
        };
        std::iter::from_fn(take).collect::<Vec<_>>()
    };
    let mut contents = std::thread::scope(|scope| {
        // Without the second thread there is still this one.
        let second = std::thread::Builder::new().spawn_scoped(scope, read);
        let mut contents = read();
        if let Ok(second) = second {
            contents.extend(second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        contents
    });
    contents.sort_unstable_by_key(|(at, _)| *at);
    contents.into_iter().map(|(_, content)| content).collect()
}

/// Checks sizes in the order of the files, as Helm does while it reads them.
fn check(found: Vec<Found>, contents: Vec<io::Result<Arc<[u8]>>>, level: Level) -> Result<Vec<File>> {
    let mut files = Vec::with_capacity(found.len());
    let mut size = 0;
    for (Found { path, relative }, content) in found.into_iter().zip(contents) {
        let data = content.map_err(|error| {
            let text = io_error("open", &path, &error);
            Diagnostic::error(format!("error reading {relative}: {}", text.message))
        })?;
        if data.len() > FILE_LIMIT && level == Level::V4 {
            let name = relative.rsplit('/').next().unwrap_or(&relative);
            return Err(Diagnostic::error(format!("chart file {name:?} is larger than the maximum file size {FILE_LIMIT}")));
        }
        size += data.len();
        if size > CHART_LIMIT {
            return Err(Diagnostic::error(format!("chart is larger than the maximum size {CHART_LIMIT}"))
                .note("all files of a chart that .helmignore does not leave out count"));
        }
        let data = if data.starts_with(b"\xEF\xBB\xBF") { data[3..].into() } else { data };
        files.push(File { name: relative, data });
    }
    Ok(files)
}

/// An I/O error with Go's text: `open x: no such file or directory`.
pub(super) fn io_error(action: &str, path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("{action} {}: {}", path.display(), hydrate_base::go_io_text(error)))
}
