//! The cache: artifacts by the SHA-256 of their bytes, shared between projects and processes of one user.
//!
//! Layout below `$HYDRATE_CACHE_DIR`, or `hydrate/` in the XDG cache directory:
//! `blobs/<2 digits>/<digest>` the artifacts, `locks/` advisory locks, `git/` shallow repositories, `renders/` rendered
//! components (the pipeline's), `tmp/` what is being written, and two markers. A blob appears by a rename when it is whole, and is hashed again at each use: a process that is killed
//! leaves nothing but a file in `tmp/`, and a blob that went bad on the disk is noticed and fetched again.
//!
//! Whoever can write here can make later runs do things (a Git repository has a configuration). So the directory is this user's alone, and
//! so is the way to it. A directory with other things in it is not taken for a cache: hydrate makes one of its own inside, and
//! only what bears a name that it gives, below its marker, is ever removed.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use hydrate_base::hash::{is_sha256, sha256};
use hydrate_base::{Diagnostic, World};
use hydrate_base::{Purpose, atomic_write};

/// The directories in a cache.
const PARTS: [&str; 5] = ["blobs", "git", "locks", "renders", "tmp"];
/// The file that says whose directory this is.
const MARKER: &str = "hydrate-cache";
/// The file by which backup programs know a cache (https://bford.info/cachedir/).
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n# A cache of hydrate's: `hydrate cache clean` empties it.\n";

/// The cache directory; made when something is first written.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// What `hydrate cache info` tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Number of artifacts.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Bytes of everything else: shallow Git repositories, rendered components, unfinished files.
    pub other_bytes: u64,
}

/// Holds an advisory lock until it is dropped; the operating system drops it with the process.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock lasts as long as the open file")] File);

impl Cache {
    /// The cache of this user. An error where there is no place for it, or where somebody else could write to it.
    pub fn of_user(world: &dyn World) -> Result<Self, Box<Diagnostic>> {
        let found = Self::find(world)?;
        found.ok_or_else(|| {
            Diagnostic::error("there is no place for the cache: neither HOME nor XDG_CACHE_HOME is set")
                .help("set HYDRATE_CACHE_DIR to a directory")
        })
    }

    /// The cache of this user, where there is a place for it.
    pub fn find(world: &dyn World) -> Result<Option<Self>, Box<Diagnostic>> {
        let set = |name: &str| world.variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        if let Some(named) = set("HYDRATE_CACHE_DIR") {
            return Self::inside(&named, false).map(Some);
        }
        let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
        base.map(|base| Self::inside(&base.join("hydrate"), true)).transpose()
    }

    /// The cache at a directory, or inside of one that has other things in it or belongs to somebody else. `is_own` says that the
    /// directory has hydrate's name, so that parts of a cache in it are hydrate's even without a marker.
    fn inside(place: &Path, is_own: bool) -> Result<Self, Box<Diagnostic>> {
        let place = std::path::absolute(place).map_err(|error| failed("use", place, &error))?;
        let root = match fs::metadata(&place) {
            Err(error) if is_out_of_reach(&error) => place,
            Err(error) => return Err(failed("use", &place, &error)),
            Ok(metadata) if metadata.uid() != me() => place.join(format!("hydrate-{}", me())),
            Ok(_) if is_cache(&place, is_own)? => place,
            Ok(_) => place.join("hydrate"),
        };
        check_way(&root)?;
        match fs::metadata(&root) {
            Err(error) if is_out_of_reach(&error) => {}
            Err(error) => return Err(failed("use", &root, &error)),
            Ok(metadata) => {
                check_private(&root, &metadata)?;
                if !is_cache(&root, true)? {
                    return Err(Diagnostic::error(format!("{} is not a cache of hydrate's: other things are in it", root.display()))
                        .help("set HYDRATE_CACHE_DIR to another directory, or to one that does not exist yet"));
                }
            }
        }
        Ok(Self { root })
    }

    /// A cache at a directory, which nobody has looked at.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the directory with its markers where it is missing, and one of its parts; what somebody else could have put there is
    /// refused.
    fn part(&self, part: &str) -> Result<PathBuf, Box<Diagnostic>> {
        let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| failed("make", path, &error));
        if !self.is_marked() {
            self.make_marked();
        }
        if !self.is_marked() {
            make(&self.root)?;
            for (name, text) in [(TAG, TAG_TEXT), (MARKER, b"1\n")] {
                let path = self.root.join(name);
                atomic_write(&path, &self.root, &[text], Purpose::Private).map_err(|error| failed("write", &path, &error))?;
            }
        }
        let path = self.root.join(part);
        make(&path)?;
        let metadata = fs::symlink_metadata(&path).map_err(|error| failed("use", &path, &error))?;
        check_private(&path, &metadata)?;
        Ok(path)
    }

    /// Makes a new directory with its markers at once, so that nobody sees it without. Where that fails it is made in steps.
    fn make_marked(&self) {
        let Some(above) = self.root.parent().filter(|_| fs::symlink_metadata(&self.root).is_err()) else { return };
        if DirBuilder::new().recursive(true).mode(0o700).create(above).is_err() {
            return;
        }
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let Ok(made) = tempfile::Builder::new().prefix(".hydrate-cache-").permissions(private).tempdir_in(above) else { return };
        let marked = [(TAG, TAG_TEXT), (MARKER, b"1\n")].iter().all(|(name, text)| fs::write(made.path().join(name), text).is_ok());
        if marked && fs::rename(made.path(), &self.root).is_ok() {
            // It has another name now: there is nothing to remove.
            let _ = made.keep();
        }
    }

    fn is_marked(&self) -> bool {
        is_marked(&self.root)
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.root.join("blobs").join(digest.get(..2).unwrap_or("__")).join(digest)
    }

    /// The artifact with this digest, checked; one whose bytes have another digest is removed, and is then not there.
    pub fn get(&self, digest: &str) -> Result<Option<Vec<u8>>, Box<Diagnostic>> {
        let path = self.blob(digest);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        if sha256(&bytes) == digest {
            return Ok(Some(bytes));
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove the corrupted", &path, &error)),
            _ => Ok(None),
        }
    }

    /// Whether there is a blob of this digest, unchecked.
    pub fn has(&self, digest: &str) -> bool {
        self.blob(digest).is_file()
    }

    /// Keeps an artifact and gives its digest.
    pub fn put(&self, bytes: &[u8]) -> Result<String, Box<Diagnostic>> {
        let digest = sha256(bytes);
        let path = self.blob(&digest);
        let tmp = self.part("tmp")?;
        self.part(&format!("blobs/{}", digest.get(..2).unwrap_or("__")))?;
        // Written beside, flushed to the disk, renamed: there whole, or not at all.
        atomic_write(&path, &tmp, &[bytes], Purpose::Private).map_err(|error| failed("write", &path, &error))?;
        Ok(digest)
    }

    /// Waits for the lock of this name; one process at a time holds it.
    pub fn lock(&self, name: &str) -> Result<Held, Box<Diagnostic>> {
        let path = self.part("locks")?.join(name);
        let open = || {
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            loop {
                match flock(&file, FlockOperation::LockExclusive) {
                    Err(rustix::io::Errno::INTR) => {}
                    result => return result.map(|()| file).map_err(io::Error::from),
                }
            }
        };
        open().map(Held).map_err(|error| failed("lock", &path, &error))
    }

    /// The directory of the shallow Git repository of this name, which may not be there yet; the one around it is.
    pub(crate) fn git_directory(&self, name: &str) -> Result<PathBuf, Box<Diagnostic>> {
        Ok(self.part("git")?.join(name))
    }

    /// The directory of the rendered states of a component, which may not be there yet.
    pub fn renders(&self, name: &str) -> PathBuf {
        self.root.join("renders").join(name)
    }

    /// Makes the directory of the rendered states of a component.
    pub fn make_renders(&self, name: &str) -> Result<PathBuf, Box<Diagnostic>> {
        self.part(&format!("renders/{name}"))
    }

    /// How much is in it.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for entry in walkdir::WalkDir::new(&self.root).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            if entry.path().starts_with(self.root.join("blobs")) {
                usage.blobs += 1;
                usage.blob_bytes += size;
            } else {
                usage.other_bytes += size;
            }
        }
        usage
    }

    /// Removes what has not been written for `age` (all of it for zero), and unfinished files older than an hour;
    /// gives the number of bytes freed. Only what hydrate has named is touched, in a directory with its marker, and no link is followed.
    pub fn clean(&self, age: Duration) -> Result<u64, Box<Diagnostic>> {
        if !self.root.exists() {
            return Ok(0);
        }
        self.part("tmp")?;
        let mut freed = 0;
        let unfinished = age.min(Duration::from_secs(3600));
        let is_unfinished = |name: &str| name.starts_with(".tmp");
        freed += remove_files(&self.root.join("tmp"), unfinished, is_unfinished)?;
        for directory in directories(&self.root.join("blobs"), |name| name.len() == 2)? {
            freed += remove_files(&directory, age, is_sha256)?;
        }
        for directory in directories(&self.root.join("renders"), is_short_digest)? {
            freed += remove_files(&directory, age, is_short_digest)? + remove_files(&directory, unfinished, is_unfinished)?;
        }
        for directory in directories(&self.root.join("git"), is_sha256)? {
            freed += self.remove_repository(&directory, age)?;
        }
        Ok(freed)
    }

    /// A repository is removed whole or not at all, and not while somebody uses it.
    fn remove_repository(&self, directory: &Path, age: Duration) -> Result<u64, Box<Diagnostic>> {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let _held = self.lock(&format!("git-{name}"))?;
        let files = || walkdir::WalkDir::new(directory).into_iter().flatten().filter_map(|entry| entry.metadata().ok());
        if files().map(|metadata| idle(&metadata)).min().is_none_or(|idle| idle < age) {
            return Ok(0);
        }
        let size = files().filter(Metadata::is_file).map(|metadata| metadata.len()).sum();
        fs::remove_dir_all(directory).map_err(|error| failed("remove", directory, &error))?;
        Ok(size)
    }
}

/// The first 16 bytes of a digest, as the pipeline names what it keeps.
fn is_short_digest(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The directories (not links to any) in a directory whose names are of a kind.
fn directories(path: &Path, is_named: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    entries(path, is_named, |metadata| metadata.is_dir()).map(|found| found.into_iter().map(|(path, _)| path).collect())
}

fn entries(
    path: &Path,
    is_named: impl Fn(&str) -> bool,
    is_kind: impl Fn(&Metadata) -> bool,
) -> Result<Vec<(PathBuf, Metadata)>, Box<Diagnostic>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        _ => return Ok(Vec::new()),
    }
    let found = fs::read_dir(path).map_err(|error| failed("read", path, &error))?.flatten();
    let named = found.filter(|entry| entry.file_name().to_str().is_some_and(&is_named));
    // Of an entry that is gone meanwhile there is nothing to do.
    let known = named.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)));
    Ok(known.filter(|(_, metadata)| is_kind(metadata)).collect())
}

fn remove_files(directory: &Path, age: Duration, is_named: impl Fn(&str) -> bool) -> Result<u64, Box<Diagnostic>> {
    let mut freed = 0;
    for (path, metadata) in entries(directory, is_named, Metadata::is_file)? {
        if idle(&metadata) < age {
            continue;
        }
        match fs::remove_file(&path) {
            Ok(()) => freed += metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("remove", &path, &error)),
        }
    }
    Ok(freed)
}

/// For how long nobody has written to a file.
fn idle(metadata: &Metadata) -> Duration {
    metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok()).unwrap_or_default()
}

/// Whether nothing can be in the cache, and whoever wants to write to it will be told why that fails.
fn is_out_of_reach(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied)
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn is_marked(directory: &Path) -> bool {
    fs::symlink_metadata(directory.join(MARKER)).is_ok_and(|metadata| metadata.is_file())
}

/// Whether a directory is a cache, or can become one because nothing is in it; with `by_parts` also one with nothing but the parts of
/// a cache in it.
fn is_cache(directory: &Path, by_parts: bool) -> Result<bool, Box<Diagnostic>> {
    if is_marked(directory) {
        return Ok(true);
    }
    let mut entries = fs::read_dir(directory).map_err(|error| failed("read", directory, &error))?;
    let is_part = |name: &str| PARTS.contains(&name) || name == TAG || name.starts_with(".tmp");
    Ok(entries.all(|entry| by_parts && entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(is_part))))
}

/// An error where somebody else can write to a directory of the cache, or it is none.
fn check_private(path: &Path, metadata: &Metadata) -> Result<(), Box<Diagnostic>> {
    let shown = path.display();
    if !metadata.is_dir() {
        return Err(Diagnostic::error(format!("{shown} in the cache is no directory"))
            .help("remove it, or set HYDRATE_CACHE_DIR to another directory"));
    }
    if metadata.uid() == me() && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    let error = Diagnostic::error(format!("the cache {shown} is not used: others can write to it")).note(format!(
        "its owner is user {}, its mode {:o}; this is user {}",
        metadata.uid(),
        metadata.mode() & 0o7777,
        me()
    ));
    Err(if metadata.uid() == me() {
        error.help(format!("if you trust what is in it: chmod -R go-w {shown}; else remove it"))
    } else {
        error.help("set HYDRATE_CACHE_DIR to a directory of your own")
    })
}

/// An error where somebody else can put another directory in the place of the cache. The superuser is content with less: in containers
/// the directories around belong to all sorts of users that nobody there is.
fn check_way(root: &Path) -> Result<(), Box<Diagnostic>> {
    let real = root.ancestors().skip(1).find_map(|above| fs::canonicalize(above).ok()).unwrap_or_default();
    for above in real.ancestors() {
        let Ok(metadata) = fs::metadata(above) else { continue };
        let (is_strangers, is_open) = (![0, me()].contains(&metadata.uid()), metadata.mode() & 0o002 != 0);
        let is_sticky = metadata.mode() & 0o1000 != 0;
        if if me() == 0 { is_strangers && is_open } else { is_strangers || (is_open && !is_sticky) } {
            let shown = above.display();
            return Err(Diagnostic::error(format!("the cache {} is not used: others can replace it", root.display()))
                .note(format!(
                    "{shown} above it has the owner {} and the mode {:o}; this is user {}",
                    metadata.uid(),
                    metadata.mode() & 0o7777,
                    me()
                ))
                .help(if metadata.uid() == me() {
                    format!("chmod o-w {shown}")
                } else {
                    "set HYDRATE_CACHE_DIR to a directory of your own".to_owned()
                }));
        }
    }
    Ok(())
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot {what} {} in the cache", path.display()))
        .note(error.to_string())
        .help("check the permissions and the free space of the disk, or set HYDRATE_CACHE_DIR to another directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path());
        let digest = cache.put(b"chart").unwrap();
        assert_eq!(cache.get(&digest).unwrap().as_deref(), Some(&b"chart"[..]));
        let markers = (TAG_TEXT.len() + 2) as u64;
        assert_eq!(cache.usage(), Usage { blobs: 1, blob_bytes: 5, other_bytes: markers });
        assert_eq!(cache.clean(Duration::from_secs(60)).unwrap(), 0);
        assert_eq!(cache.clean(Duration::ZERO).unwrap(), 5);
        assert_eq!(cache.get(&digest).unwrap(), None);
    }

    #[test]
    fn a_corrupted_blob_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path());
        let digest = cache.put(b"chart").unwrap();
        std::fs::write(cache.blob(&digest), b"charT").unwrap();
        assert_eq!(cache.get(&digest).unwrap(), None);
        assert!(!cache.has(&digest));
    }

    #[test]
    fn a_place_is_needed() {
        let error = Cache::of_user(&hydrate_base::MemoryWorld::new()).unwrap_err();
        assert!(error.to_string().contains("HYDRATE_CACHE_DIR"));
    }

    fn at(path: &Path) -> Result<Cache, Box<Diagnostic>> {
        Cache::of_user(&hydrate_base::MemoryWorld::new().with_variable("HYDRATE_CACHE_DIR", &path.display().to_string()))
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_with_other_things_in_it_stays_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let foreign = ["git/0000000000000000000000000000000000000000000000000000000000000000/x", "tmp/.tmpx", "blobs/ab/model", "blobs/x"];
        for file in foreign {
            fs::create_dir_all(home.path().join(file).parent().unwrap()).unwrap();
            fs::write(home.path().join(file), "precious").unwrap();
        }
        let cache = at(home.path()).unwrap();
        assert_eq!(cache.root(), home.path().join("hydrate"));
        cache.put(b"chart").unwrap();
        assert_eq!(at(home.path()).unwrap().root(), cache.root());
        assert_eq!(cache.clean(Duration::ZERO).unwrap(), 5);
        assert!(foreign.iter().all(|file| home.path().join(file).exists()));
        fs::remove_dir_all(home.path().join("hydrate")).unwrap();
        fs::create_dir(home.path().join("hydrate")).unwrap();
        fs::write(home.path().join("hydrate/notes"), "").unwrap();
        assert!(at(home.path()).unwrap_err().to_string().contains("other things are in it"));
    }

    #[test]
    fn cleaning_follows_no_link_and_knows_its_own_by_name() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = home.path().join("elsewhere");
        let cache = Cache::at(home.path().join("cache"));
        let digest = cache.put(b"chart").unwrap();
        let name = "0".repeat(64);
        fs::create_dir_all(elsewhere.join(&name)).unwrap();
        for file in [&name, &digest] {
            fs::write(elsewhere.join(&name).join(file), "keep").unwrap();
        }
        let link = |place: &str| {
            let place = cache.root().join(place);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(&elsewhere, place).unwrap();
        };
        link("git");
        link("renders");
        link(&format!("blobs/{}", if digest.starts_with("00") { "11" } else { "00" }));
        fs::write(cache.blob(&digest).with_file_name("notes"), "keep").unwrap();
        assert_eq!(cache.clean(Duration::ZERO).unwrap(), 5);
        assert_eq!(fs::read_dir(elsewhere.join(&name)).unwrap().count(), 2);
        assert!(cache.blob(&digest).with_file_name("notes").exists());
        assert!(cache.git_directory("x").unwrap_err().to_string().contains("no directory"));
    }

    #[test]
    fn a_repository_is_removed_whole_when_all_of_it_is_old() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("cache"));
        let directory = cache.git_directory(&"a".repeat(64)).unwrap();
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("HEAD"), "ref").unwrap();
        assert_eq!(cache.clean(Duration::from_secs(60)).unwrap(), 0);
        assert_eq!(cache.clean(Duration::ZERO).unwrap(), 3);
        assert!(!directory.exists());
    }

    #[test]
    fn a_cache_that_others_can_write_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("cache");
        at(&place).unwrap().put(b"chart").unwrap();
        assert_eq!(fs::metadata(&place).unwrap().mode() & 0o777, 0o700);
        for (path, mode) in [("", 0o777), ("", 0o720)] {
            chmod(&place.join(path), mode);
            let error = at(&place).unwrap_err().to_string();
            assert!(error.contains(&format!("chmod -R go-w {}", place.display())), "{error}");
        }
        chmod(&place, 0o700);
        for part in ["tmp", "locks"] {
            at(&place).unwrap().lock("x").unwrap();
            chmod(&place.join(part), 0o777);
            let cache = at(&place).unwrap();
            assert!(cache.put(b"another").and_then(|_| cache.lock("x")).is_err(), "{part}");
            chmod(&place.join(part), 0o700);
        }
    }

    #[test]
    fn parts_of_a_cache_without_a_marker_are_one_below_its_own_name_only() {
        let home = tempfile::tempdir().unwrap();
        let world = hydrate_base::MemoryWorld::new().with_variable("XDG_CACHE_HOME", &home.path().display().to_string());
        let own = home.path().join("hydrate");
        fs::create_dir_all(own.join("blobs/ab")).unwrap();
        chmod(&own, 0o755);
        assert_eq!(Cache::of_user(&world).unwrap().root(), own);
        assert_eq!(at(&own).unwrap().root(), own.join("hydrate"));
    }
}
