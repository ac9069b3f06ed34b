//! Reading the files of a chart directory, as Helm walks it: sorted, links followed, `.helmignore` applied.

use std::io;
use std::path::{Path, PathBuf};

use super::ignore::Rules;
use super::model::{File, Level};
use crate::base::{Diagnostic, FileKind, Result, World};

/// A file larger than this is refused by Helm 4.
pub(super) const FILE_LIMIT: usize = 5 * 1024 * 1024;
/// All files of a chart together.
pub(super) const CHART_LIMIT: usize = 100 * 1024 * 1024;
/// A linked directory may lead back to its parent; Helm then fails on the length of the path.
const DEPTH_LIMIT: usize = 100;

/// The files below `top`, in Helm's order.
pub(super) fn read(top: &Path, level: Level, world: &dyn World) -> Result<Vec<File>> {
    let ignore = top.join(".helmignore");
    let rules = match world.read(&ignore) {
        Ok(text) => Rules::parse(&text).map_err(|error| Diagnostic::error(error).note(format!("in {}", ignore.display())))?,
        Err(_) => Rules::parse(b"").map_err(Diagnostic::error)?,
    };
    let mut walk = Walk { world, level, rules, files: Vec::new(), size: 0 };
    walk.directory(top, "", 0)?;
    Ok(walk.files)
}

struct Walk<'a> {
    world: &'a dyn World,
    level: Level,
    rules: Rules,
    files: Vec<File>,
    size: usize,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, relative: &str, depth: usize) -> Result<()> {
        if depth > DEPTH_LIMIT {
            return Err(Diagnostic::error(format!("open {}: file name too long", path.display()))
                .note("directories are nested too deep")
                .help("look for a symbolic link that leads back to one of its parents"));
        }
        let entries = self.world.entries(path).map_err(|error| io_error("open", path, &error))?;
        for (name, kind) in entries {
            let inner = if relative.is_empty() { name.clone() } else { format!("{relative}/{name}") };
            self.entry(path.join(name), inner, kind, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, relative: String, kind: io::Result<FileKind>, depth: usize) -> Result<()> {
        let kind = kind.map_err(|error| io_error("lstat", &path, &error).note(format!("error evaluating symlink {}", path.display())))?;
        if self.rules.ignores(&relative, kind == FileKind::Directory) {
            return Ok(());
        }
        match kind {
            FileKind::Directory => self.directory(&path, &relative, depth + 1),
            FileKind::File => self.file(&path, relative),
            FileKind::Other => {
                Err(Diagnostic::error(format!("cannot load irregular file {} as it has file mode type bits set", path.display())))
            }
        }
    }

    fn file(&mut self, path: &Path, relative: String) -> Result<()> {
        let data = self.world.read(path).map_err(|error| {
            let text = io_error("open", path, &error);
            Diagnostic::error(format!("error reading {relative}: {}", text.message))
        })?;
        if data.len() > FILE_LIMIT && self.level == Level::V4 {
            let name = relative.rsplit('/').next().unwrap_or(&relative);
            return Err(Diagnostic::error(format!("chart file {name:?} is larger than the maximum file size {FILE_LIMIT}")));
        }
        self.size += data.len();
        if self.size > CHART_LIMIT {
            return Err(Diagnostic::error(format!("chart is larger than the maximum size {CHART_LIMIT}"))
                .note("all files of a chart that .helmignore does not leave out count"));
        }
        let data = if data.starts_with(b"\xEF\xBB\xBF") { data[3..].into() } else { data };
        self.files.push(File { name: relative, data });
        Ok(())
    }
}

/// An I/O error with Go's text: `open x: no such file or directory`.
pub(super) fn io_error(action: &str, path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("{action} {}: {}", path.display(), crate::base::go_io_text(error)))
}
