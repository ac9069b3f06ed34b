//! Archives kept in the repository, under `charts/`.
//!
//! Names are for people (`loki-6.1.0.tgz`); what counts is the digest. The first line of `charts/.hydrated` and the
//! list below it say which files are hydrate's own; no other file is ever removed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::lockfile::{Artifact, ArtifactKind, Lock};
use hydrate_base::hash::sha256;
use hydrate_base::{Bounds, Diagnostic, DiskWorld, World};
use hydrate_base::{Purpose, atomic_write};

const INDEX: &str = ".hydrated";

/// The archives in `charts/`.
pub(crate) struct Vendored {
    root: PathBuf,
    world: DiskWorld,
    present: bool,
}

/// The disk below a project, and nothing else of it.
fn below(root: &Path) -> DiskWorld {
    let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let bounds = Bounds::below(real.clone(), "the project", "put the archive itself there: `hydrate vendor` does");
    DiskWorld::new().within(Arc::new(bounds.with_name(root.to_owned(), real)))
}

impl Vendored {
    /// Those of a project.
    pub(crate) fn new(root: &Path) -> Self {
        Self { present: root.join("charts").join(INDEX).is_file(), world: below(root), root: root.to_owned() }
    }

    /// The bytes of a part of an artifact that is vendored; `None` when it is not. A file that is not what the lock says
    /// is an error: somebody changed one and not the other.
    pub(crate) fn get(&self, artifact: &Artifact, part: VendoredFile) -> Result<Option<Arc<[u8]>>, Box<Diagnostic>> {
        let (true, Some(digest)) = (self.present, part.digest(artifact)) else { return Ok(None) };
        let (plain, long) = (part.name(plain_name(artifact)), part.name(long_name(artifact)));
        for name in [&plain, &long] {
            let path = super::project_file(&self.root, name);
            let found = match read(&self.world, &path, part.kind(artifact)) {
                Ok(bytes) if sha256(&bytes) == digest => return Ok(Some(bytes.into())),
                Ok(bytes) => sha256(&bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Diagnostic::error(format!("cannot read charts/{name}")).note(error.to_string())),
            };
            // Under the plain name another artifact of the same name may stand, when its own file has the long one.
            if *name == long || !super::project_file(&self.root, &long).exists() {
                return Err(Diagnostic::error(format!("charts/{name} is not what hydrate.lock says"))
                    .note(format!("expected sha256 {digest}"))
                    .note(format!("found    sha256 {found}"))
                    .help("`hydrate vendor` writes it anew from the lock"));
            }
        }
        Ok(None)
    }
}

/// What is kept of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VendoredFile {
    /// The artifact itself.
    Archive,
    /// Its provenance file, with the name that helm looks for.
    Provenance,
}

impl VendoredFile {
    fn digest(self, artifact: &Artifact) -> Option<&str> {
        match self {
            Self::Archive => Some(&artifact.sha256),
            Self::Provenance => artifact.provenance.as_deref(),
        }
    }

    fn name(self, name: String) -> String {
        match self {
            Self::Archive => name,
            Self::Provenance => format!("{name}.prov"),
        }
    }

    fn kind(self, artifact: &Artifact) -> ArtifactKind {
        match self {
            Self::Archive => artifact.kind,
            Self::Provenance => ArtifactKind::File,
        }
    }
}

/// Trees are kept gzipped, and count by what is in them: how well they are packed may differ.
fn read(world: &DiskWorld, path: &Path, kind: ArtifactKind) -> io::Result<Vec<u8>> {
    let bytes = world.read(path)?;
    if kind != ArtifactKind::Git {
        return Ok(bytes.to_vec());
    }
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..]).take(super::Limits::REPOSITORY.bytes * 2).read_to_end(&mut tar)?;
    Ok(tar)
}

fn plain_name(artifact: &Artifact) -> String {
    let (stem, ending) = parts(artifact);
    format!("{stem}{ending}")
}

fn long_name(artifact: &Artifact) -> String {
    let (stem, ending) = parts(artifact);
    format!("{stem}-{}{ending}", artifact.sha256.get(..12).unwrap_or(&artifact.sha256))
}

fn parts(artifact: &Artifact) -> (String, &'static str) {
    let safe = |text: &str| -> String {
        text.chars().map(|letter| if letter.is_ascii_alphanumeric() || "._-+".contains(letter) { letter } else { '-' }).collect()
    };
    let name = safe(&artifact.name).trim_start_matches('.').to_owned();
    match artifact.kind {
        ArtifactKind::File => (name, ".file"),
        ArtifactKind::Git => {
            let commit = artifact.commit.as_deref().unwrap_or_default();
            (format!("{name}-{}", safe(commit.get(..12).unwrap_or(commit))), ".tar.gz")
        }
        _ if artifact.version.is_empty() => (name, ".tgz"),
        _ => (format!("{name}-{}", safe(&artifact.version)), ".tgz"),
    }
}

/// Writes all archives of a lock, and removes the ones that are owned and no longer locked.
pub(crate) fn write(
    root: &Path,
    lock: &Lock,
    bytes: impl Fn(&Artifact, VendoredFile) -> Result<Arc<[u8]>, Box<Diagnostic>>,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Box<Diagnostic>> {
    let directory = root.join("charts");
    let failed = |path: &Path, error: &io::Error| Diagnostic::error(format!("cannot write {}", path.display())).note(error.to_string());
    if std::fs::symlink_metadata(&directory).is_ok_and(|found| found.is_symlink()) {
        return Err(Diagnostic::error("charts is a link: what is vendored lies in the project itself").help("put a directory in its place"));
    }
    std::fs::create_dir_all(&directory).map_err(|error| failed(&directory, &error))?;
    let world = below(root);
    let names = names(lock);
    let owned = owned(&world, &directory);
    let mut written = Vec::new();
    for (name, (artifact, part)) in &names {
        let path = directory.join(name);
        let kind = part.kind(artifact);
        if read(&world, &path, kind).is_ok_and(|old| Some(sha256(&old).as_str()) == part.digest(artifact)) {
            continue;
        }
        if path.exists() && !owned.contains(name.as_str()) {
            return Err(Diagnostic::error(format!("charts/{name} is in the way: hydrate did not write it")).help("move it away"));
        }
        write_file(&path, &packed(kind, &bytes(artifact, *part)?)).map_err(|error| failed(&path, &error))?;
        written.push(PathBuf::from("charts").join(name));
    }
    let index = names.keys().fold("# Archives that `hydrate vendor` wrote.\n".to_owned(), |text, name| format!("{text}{name}\n"));
    let path = directory.join(INDEX);
    write_file(&path, index.as_bytes()).map_err(|error| failed(&path, &error))?;
    let mut removed = Vec::new();
    for name in owned.iter().filter(|name| !names.contains_key(name.as_str())) {
        let path = directory.join(name);
        match std::fs::remove_file(&path) {
            Ok(()) => removed.push(PathBuf::from("charts").join(name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, &error)),
        }
    }
    Ok((written, removed))
}

/// The file names: plain, and with the digest for all that would share one.
fn names(lock: &Lock) -> BTreeMap<String, (&Artifact, VendoredFile)> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    lock.artifacts().for_each(|artifact| *count.entry(plain_name(artifact)).or_default() += 1);
    let mut names = BTreeMap::new();
    for artifact in lock.artifacts() {
        let name = if count.get(&plain_name(artifact)) == Some(&1) { plain_name(artifact) } else { long_name(artifact) };
        if artifact.provenance.is_some() {
            names.insert(VendoredFile::Provenance.name(name.clone()), (artifact, VendoredFile::Provenance));
        }
        names.insert(name, (artifact, VendoredFile::Archive));
    }
    names
}

fn owned(world: &DiskWorld, directory: &Path) -> BTreeSet<String> {
    let text = world.read(&directory.join(INDEX)).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let plain = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.contains('/') && *line != "." && *line != "..";
    text.lines().filter(plain).map(str::to_owned).collect()
}

fn packed(kind: ArtifactKind, bytes: &[u8]) -> Vec<u8> {
    if kind != ArtifactKind::Git {
        return bytes.to_vec();
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    atomic_write(path, directory, &[bytes], Purpose::Repository)
}
