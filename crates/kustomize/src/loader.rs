//! Finding files and directories as a kustomization may: what lies below its root, bases beside it, and remote ones by way of the
//! caller.
//!
//! Follows `api/internal/loader` of kustomize 5.8.1.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::errors::{Fail, KResult, fail};
use super::remote::RemoteResolver;
use hydrate_address::RepoSpec;
use hydrate_base::world::is_missing;
use hydrate_base::{FileKind, SourceFile, World, is_refused};

/// How many kustomizations may lie on the way to one: each takes its part of the stack.
const DEEPEST: usize = 200;

/// What every loader of a build shares.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'w> {
    /// Files.
    pub world: &'w dyn World,
    /// Remote files and repositories.
    pub remote: &'w dyn RemoteResolver,
    /// Whether files have to lie below the root of the kustomization that names them.
    pub restrict: bool,
    /// The directory that relative paths start from, for showing paths to the user.
    pub shown_from: &'w Path,
}

/// Loads what one kustomization names.
#[derive(Clone)]
pub(crate) struct Loader<'w> {
    shared: Shared<'w>,
    root: PathBuf,
    /// The roots of the kustomizations that led here.
    visited: Vec<PathBuf>,
    /// The repository this is in, if it is remote: its specification and where its copy is.
    repository: Option<(RepoSpec, PathBuf)>,
}

impl<'w> Loader<'w> {
    /// A loader for the directory that a build starts in.
    pub(crate) fn new(shared: Shared<'w>, path: &Path) -> KResult<Self> {
        let root = directory(shared.world, path)?;
        Ok(Self { shared, root, visited: Vec::new(), repository: None })
    }

    /// The directory that paths are relative to.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The world that files are in.
    pub(crate) fn world(&self) -> &'w dyn World {
        self.shared.world
    }

    /// A loader for a base or component.
    pub(crate) fn base(&self, path: &str) -> KResult<Self> {
        if path.is_empty() {
            return fail("new root cannot be empty");
        }
        if let Ok(spec) = RepoSpec::parse(path) {
            return self.remote_base(spec);
        }
        if Path::new(path).is_absolute() {
            return fail(format!("new root '{path}' cannot be absolute"));
        }
        let path = clean(&self.root.join(path));
        self.shared.world.admit(&path);
        let root = directory(self.shared.world, &path)?;
        if let Some((_, clone)) = &self.repository
            && !root.starts_with(clone)
        {
            return fail(format!(
                "security; bases in kustomizations found in cloned git repos must be within the repo, but base '{}' is outside '{}'",
                root.display(),
                clone.display()
            ));
        }
        let mut visited = self.visited.clone();
        visited.push(self.root.clone());
        if visited.len() >= DEEPEST {
            return fail(format!("kustomizations nest deeper than {DEEPEST} directories"));
        }
        if let Some(cycle) = visited.iter().rev().find(|visited| visited.starts_with(&root)) {
            return fail(format!("cycle detected: candidate root '{}' contains visited root '{}'", root.display(), cycle.display()));
        }
        Ok(Self { shared: self.shared, root, visited, repository: self.repository.clone() })
    }

    fn remote_base(&self, spec: RepoSpec) -> KResult<Self> {
        if let Some((from, _)) = &self.repository
            && from.raw.starts_with(spec.raw.as_str())
        {
            return fail(format!("cycle detected: URI '{}' referenced by previous URI '{}'", spec.raw, from.raw));
        }
        let clone = self.shared.remote.repository(&spec)?;
        let clone = self.shared.world.canonical(&clone).map_err(|error| io(&clone, &error))?;
        let root = directory(self.shared.world, &clean(&clone.join(&spec.path)))?;
        if !root.starts_with(&clone) {
            return fail(format!("{:?} refers to directory outside of repo {:?}", root.display().to_string(), clone.display().to_string()));
        }
        let shared = Shared { restrict: true, ..self.shared };
        Ok(Self { shared, root, visited: Vec::new(), repository: Some((spec, clone)) })
    }

    /// A file, with its name as the user would write it.
    pub(crate) fn load(&self, path: &str) -> KResult<Arc<SourceFile>> {
        if is_remote_file(path) {
            let text = self.shared.remote.file(path)?;
            return Ok(SourceFile::new(path, text));
        }
        let full = clean(&self.root.join(path));
        let file = if self.shared.restrict { self.below_root(&full)? } else { full };
        let text = self.shared.world.read(&file).map_err(|error| io(&file, &error))?;
        Ok(SourceFile::new(self.shown(&file), text))
    }

    /// Whether a file can be loaded, without reading it.
    pub(crate) fn has(&self, name: &str) -> bool {
        let path = self.root.join(name);
        let kind = self.shared.world.kind(&path);
        // Loading it then says why it is not read.
        if kind.as_ref().is_err_and(is_refused) {
            return true;
        }
        matches!(kind, Ok(FileKind::File)) && (!self.shared.restrict || self.below_root(&path).is_ok())
    }

    fn below_root(&self, path: &Path) -> KResult<PathBuf> {
        let world = self.shared.world;
        let kind = world.kind(path).map_err(|error| unresolved(world, path, &error))?;
        if kind == FileKind::Directory {
            return fail(format!("'{}' must resolve to a file", path.display()));
        }
        let real = world.canonical(path).map_err(|error| io(path, &error))?;
        if !real.parent().is_some_and(|parent| parent.starts_with(&self.root)) {
            return fail(format!("security; file '{}' is not in or below '{}'", path.display(), self.root.display()))
                .map_err(|error: Fail| error.help("`--load-restrictor LoadRestrictionsNone` allows files from elsewhere"));
        }
        Ok(real)
    }

    /// A path as the user would write it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.shared.shown_from).unwrap_or(path).display().to_string()
    }
}

fn io(path: &Path, error: &std::io::Error) -> Fail {
    if is_refused(error) {
        return Fail::new(format!("security; {error}"));
    }
    let text = match error.kind() {
        std::io::ErrorKind::NotFound => format!("open {}: no such file or directory", path.display()),
        std::io::ErrorKind::IsADirectory => format!("read {}: is a directory", path.display()),
        std::io::ErrorKind::PermissionDenied => format!("open {}: permission denied", path.display()),
        _ => format!("{}: {error}", path.display()),
    };
    Fail::new(text)
}

/// A directory with links resolved.
fn directory(world: &dyn World, path: &Path) -> KResult<PathBuf> {
    let wrap = |error: Fail| error.wrap("must build at directory");
    let kind = world.kind(path).map_err(|error| wrap(unresolved(world, path, &error).wrap("not a valid directory")))?;
    if kind != FileKind::Directory {
        return Err(wrap(Fail::new(format!("'{}': file is not directory", path.display()))));
    }
    world.canonical(path).map_err(|error| wrap(io(path, &error)))
}

/// A path that cannot be followed to its end; Go names the first part of it that is not there.
fn unresolved(world: &dyn World, path: &Path, error: &std::io::Error) -> Fail {
    if error.kind() != std::io::ErrorKind::NotFound {
        return io(path, error);
    }
    let ancestors: Vec<&Path> = path.ancestors().collect();
    let missing =
        ancestors.iter().rev().find(|ancestor| world.kind(ancestor).is_err_and(|error| is_missing(&error))).copied().unwrap_or(path);
    Fail::new(format!("evalsymlink failure on '{}' : lstat {}: no such file or directory", path.display(), missing.display()))
}

/// A path without `.` and `..`, as far as its text goes.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => drop(clean.pop()),
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => clean.push(".."),
            },
            part => clean.push(part),
        }
    }
    if clean.as_os_str().is_empty() {
        clean.push(".");
    }
    clean
}

/// Whether a path is the address of a file.
pub(crate) fn is_remote_file(path: &str) -> bool {
    let scheme = |scheme: &str| path.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    scheme("http://") || scheme("https://")
}
