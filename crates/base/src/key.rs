//! The key of the user: by it hydrate knows again what it has left itself, in a cache or beside a repository.
//!
//! Whoever can write to such a place can write what looks like hydrate's own. What is to be believed later therefore carries a
//! tag that only holders of the key can make. The key is `hydrate/key` in the user's XDG data directory, 32 random bytes
//! that nobody else may read; machines that share a cache are given one in `HYDRATE_CACHE_KEY` or
//! `HYDRATE_CACHE_KEY_FILE`. Where there is no place for a key, it lasts as long as the process: nothing that was left before is
//! believed.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rand_core::RngCore;

use super::{Diagnostic, Result, World};

/// Holds a key given as text, which has at least [`SHORTEST`] characters.
const VARIABLE: &str = "HYDRATE_CACHE_KEY";
/// Names a file with such a text.
const FILE_VARIABLE: &str = "HYDRATE_CACHE_KEY_FILE";
/// Shorter texts can be guessed.
const SHORTEST: usize = 32;
/// Longer files are no keys.
const LONGEST: u64 = 4096;

/// The key of the user; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct UserKey {
    secret: [u8; 32],
    lasting: bool,
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl UserKey {
    /// The key of this user, made where there is none yet. An error where one was named or is there that cannot be trusted:
    /// others may read it, or it belongs to somebody else.
    pub fn of_user(world: &dyn World) -> Result<Self> {
        let set = |name: &str| world.variable(name).filter(|text| !text.is_empty());
        if let Some(text) = set(VARIABLE) {
            return from_text(&text, VARIABLE);
        }
        if let Some(path) = set(FILE_VARIABLE) {
            return from_file(Path::new(&path));
        }
        let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| format!("{home}/.local/share"))).map(PathBuf::from);
        match data.filter(|data| data.is_absolute()) {
            Some(data) => kept_in(&data.join("hydrate")),
            None => Ok(Self::fleeting()),
        }
    }

    /// A key that nobody else has, and that is forgotten with the process.
    pub(crate) fn fleeting() -> Self {
        Self { secret: random(), lasting: false }
    }

    /// Whether the next run has the same key.
    pub fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// The tag of these pieces. `purpose` keeps what is tagged for one use from being taken for another, and so does the division
    /// into pieces.
    pub fn tag(&self, purpose: &str, pieces: &[&[u8]]) -> Tag {
        let own = blake3::Hasher::new_derive_key(purpose).update(&self.secret).finalize();
        let mut hasher = blake3::Hasher::new_keyed(own.as_bytes());
        for piece in pieces {
            hasher.update(&(piece.len() as u64).to_le_bytes()).update(piece);
        }
        Tag(hasher.finalize())
    }
}

/// What only holders of the key can make. Comparing takes the same time whatever differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(blake3::Hash);

impl Tag {
    /// The bytes of a tag.
    pub const LEN: usize = 32;

    /// The tag as bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        self.0.as_bytes()
    }
}

impl From<[u8; Tag::LEN]> for Tag {
    fn from(bytes: [u8; Tag::LEN]) -> Self {
        Self(bytes.into())
    }
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand_core::OsRng.fill_bytes(&mut bytes);
    bytes
}

fn from_text(text: &str, place: &str) -> Result<UserKey> {
    let text = text.trim();
    if text.len() < SHORTEST {
        return Err(Diagnostic::error(format!("the key in {place} is too short: it has {} characters", text.len()))
            .help(format!("give it at least {SHORTEST} random ones: openssl rand -hex 32")));
    }
    Ok(UserKey { secret: blake3::derive_key("hydrate: a key given as text", text.as_bytes()), lasting: true })
}

fn from_file(path: &Path) -> Result<UserKey> {
    let failed = |error: &io::Error| {
        Diagnostic::error(format!("cannot read the key {}", path.display()))
            .note(error.to_string())
            .note(format!("{FILE_VARIABLE} names it"))
    };
    let file = open(path, false).map_err(|error| failed(&error))?;
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    let me = rustix::process::geteuid().as_raw();
    if !metadata.is_file() || metadata.mode() & 0o027 != 0 || ![me, 0].contains(&metadata.uid()) {
        return Err(distrusted(path, &metadata));
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| failed(&error))?;
    from_text(&text, &path.display().to_string())
}

/// The key in a directory of the user's, made where it is missing.
fn kept_in(directory: &Path) -> Result<UserKey> {
    let path = directory.join("key");
    match existing(directory, &path) {
        Ok(found) => return found,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(UserKey::fleeting()),
        Err(error) => return Err(Diagnostic::error(format!("cannot read the key {}", path.display())).note(error.to_string())),
    }
    // What is made in somebody else's directory (a HOME kept through `sudo`) would be in that person's hands. A home that
    // cannot be written is no reason to fail: nothing is believed then.
    if !nearest_is_ours(directory) || make(directory, &path).is_err() {
        return Ok(UserKey::fleeting());
    }
    // The one that has the name now, which another process may have made.
    existing(directory, &path).unwrap_or_else(|_| Ok(UserKey::fleeting()))
}

fn existing(directory: &Path, path: &Path) -> io::Result<Result<UserKey>> {
    let file = open(path, true)?;
    for (path, metadata, forbidden) in [(directory, fs::metadata(directory)?, 0o022), (path, file.metadata()?, 0o077)] {
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Ok(Ok(UserKey::fleeting()));
        }
        if metadata.mode() & forbidden != 0 {
            return Ok(Err(distrusted(path, &metadata)));
        }
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(match <[u8; 32]>::try_from(bytes.as_slice()) {
        Ok(secret) => Ok(UserKey { secret, lasting: true }),
        Err(_) => Err(Diagnostic::error(format!("{} is no key of hydrate's", path.display()))
            .help(format!("remove it, and the next run makes another: rm {}", path.display()))),
    })
}

/// Opens without waiting for a pipe, and where it is asked, without following a link.
fn open(path: &Path, itself: bool) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | if itself { rustix::fs::OFlags::NOFOLLOW } else { rustix::fs::OFlags::empty() };
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Written beside and linked to its name, so that of several processes one makes the key and all read that one.
fn make(directory: &Path, path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&random())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

/// Whether the nearest directory above that exists belongs to this user.
fn nearest_is_ours(path: &Path) -> bool {
    path.ancestors()
        .find_map(|above| fs::metadata(above).ok())
        .is_some_and(|metadata| metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o002 == 0)
}

fn distrusted(path: &Path, metadata: &Metadata) -> Box<Diagnostic> {
    let (shown, me) = (path.display(), rustix::process::geteuid().as_raw());
    let error = Diagnostic::error(format!("{shown} is not kept secret: it is not used as a key")).note(format!(
        "its owner is user {}, its mode {:o}; this is user {me}",
        metadata.uid(),
        metadata.mode() & 0o7777
    ));
    if metadata.uid() == me {
        let mode = if metadata.is_dir() { "700" } else { "600" };
        error.help(format!("if nobody can have read or changed it: chmod {mode} {shown}; else remove it"))
    } else {
        error.help("remove it, or name another file in HYDRATE_CACHE_KEY_FILE")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::MemoryWorld;

    fn home(directory: &Path) -> MemoryWorld {
        MemoryWorld::new().with_variable("HOME", &directory.display().to_string())
    }

    #[test]
    fn a_key_is_made_once_and_is_the_users_alone() {
        let directory = tempfile::tempdir().unwrap();
        let world = home(directory.path());
        let keys: Vec<UserKey> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| UserKey::of_user(&world).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0] && key.is_lasting()));
        let kept = directory.path().join(".local/share/hydrate");
        assert_eq!(fs::metadata(kept.join("key")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 1);
        assert_eq!(format!("{:?}", keys[0]), "[hidden]");
    }

    #[test]
    fn a_key_that_others_may_have_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let world = home(directory.path());
        UserKey::of_user(&world).unwrap();
        let kept = directory.path().join(".local/share/hydrate");
        for (path, mode, good) in [(kept.join("key"), 0o640, 0o600), (kept.join("key"), 0o604, 0o600), (kept.clone(), 0o777, 0o700)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = UserKey::of_user(&world).unwrap_err();
            assert!(error.to_string().contains(&format!("chmod {good:o} {}", path.display())), "{error}");
            fs::set_permissions(&path, fs::Permissions::from_mode(good)).unwrap();
        }
        fs::write(kept.join("key"), "short").unwrap();
        assert!(UserKey::of_user(&world).unwrap_err().to_string().contains("is no key"));
        fs::remove_file(kept.join("key")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", kept.join("key")).unwrap();
        assert!(UserKey::of_user(&world).is_err());
    }

    #[test]
    fn without_a_place_it_lasts_for_the_process() {
        let key = UserKey::of_user(&MemoryWorld::new()).unwrap();
        assert!(!key.is_lasting() && key != UserKey::of_user(&MemoryWorld::new()).unwrap());
        let nowhere = tempfile::tempdir().unwrap();
        fs::write(nowhere.path().join("home"), "").unwrap();
        assert!(!UserKey::of_user(&home(&nowhere.path().join("home"))).unwrap().is_lasting());
    }

    #[test]
    fn keys_are_given_as_texts_and_files() {
        let with = |name: &str, value: &str| UserKey::of_user(&MemoryWorld::new().with_variable(name, value));
        let text = "0123456789abcdef0123456789abcdef";
        let key = with(VARIABLE, text).unwrap();
        assert!(key.is_lasting());
        assert!(with(VARIABLE, "secret").unwrap_err().to_string().contains("too short"));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, format!("{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let named = path.display().to_string();
        assert!(with(FILE_VARIABLE, &named).unwrap() == key);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(with(FILE_VARIABLE, &named).unwrap_err().to_string().contains("not kept secret"));
        let missing = directory.path().join("missing").display().to_string();
        assert!(with(FILE_VARIABLE, &missing).unwrap_err().to_string().contains(FILE_VARIABLE));
    }

    #[test]
    fn tags_tell_keys_purposes_and_pieces_apart() {
        let (key, other) = (UserKey::fleeting(), UserKey::fleeting());
        let tag = key.tag("a", &[b"ab", b"c"]);
        assert_eq!(tag, key.tag("a", &[b"ab", b"c"]));
        assert_eq!(tag, Tag::from(*tag.as_bytes()));
        for different in
            [other.tag("a", &[b"ab", b"c"]), key.tag("b", &[b"ab", b"c"]), key.tag("a", &[b"a", b"bc"]), key.tag("a", &[b"abc"])]
        {
            assert_ne!(tag, different);
        }
    }
}
