//! The `World`: the only way by which the engines see files, the clock, randomness and the environment.
//!
//! The real one reads the disk and can record every question with a digest of the answer: what was rendered stays
//! right for as long as the same questions have the same answers. Tests bring a world in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{File, FileType};
use std::io::{self, IoSliceMut, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem::Finder;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::Limits;
use super::bounds::{self, Bounds};
use super::work_tree::WorkTree;
use crate::decision::{Decision, Decisions, KeptDecision};
use crate::taint::{Disguise, Secrets, Traces};
use crate::witness::Witness;

/// What a path is, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A socket, device or pipe.
    Other,
}

impl FileKind {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::File => b"file",
            Self::Directory => b"directory",
            Self::Other => b"other",
        }
    }
}

/// What the engines may ask of the outside.
pub trait World: Send + Sync {
    /// The whole content of a file, links followed.
    fn read(&self, path: &Path) -> io::Result<Arc<[u8]>>;

    /// What a path is, links followed; `NotFound` when it does not exist.
    fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// The names in a directory, sorted by their bytes.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// The names in a directory, sorted by their bytes, each with what it is, links followed.
    fn entries(&self, path: &Path) -> io::Result<Vec<(String, io::Result<FileKind>)>> {
        entries_one_by_one(self, path)
    }

    /// The path with every link resolved.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;

    /// The whole content of a file that the user has named (on the command line), wherever it lies.
    fn read_named(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        self.read(path)
    }

    /// The whole content of a file of the operating system, which nothing that is rendered has named.
    fn read_system(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        self.read(path)
    }

    /// Takes note that a file names a directory; whether it may then be read is the world's to say.
    fn admit(&self, _directory: &Path) {}

    /// The current time: nanoseconds since 1970 in UTC.
    fn now(&self) -> i128;

    /// Fills `buffer` with random bytes.
    fn random(&self, buffer: &mut [u8]);

    /// Whether chance was asked in a way that this world is to tell of ([`DiskWorld::with_chance`]).
    fn is_caught(&self) -> bool {
        false
    }

    /// Hears that a function is about to let chance decide, from inputs with this digest ([`crate::decision::inputs`]). Gives what it is to give again, a
    /// part for each of its texts, where that is kept; who asks may turn it down.
    fn decide(&self, _function: &'static str, _inputs: String) -> Option<Vec<Option<Vec<u8>>>> {
        None
    }

    /// What the function that asked last is not to give, a text for each part: who renders looks for what depends on it. Nothing where it may give anything.
    fn avoided(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Takes note of what the function gave that asked last.
    fn decided(&self, _answers: &[&[u8]]) {}

    /// What a secret is in this rendering, which takes note of its name. `is_known`: it is the secret itself, not only a reference to it.
    fn secret(&self, _name: &str, value: &str, _is_known: bool) -> String {
        value.to_owned()
    }

    /// The checksum that a template gets of a text: this one, or in another rendering the same as in the first ([`crate::taint`]).
    fn checksum(&self, sum: String) -> String {
        sum
    }

    /// An environment variable, where it is set and valid UTF-8.
    fn variable(&self, name: &str) -> Option<String>;

    /// Whether templates of this world may know whether an environment variable is set at all.
    fn shows_variable(&self, _name: &str) -> bool {
        true
    }

    /// How much what is rendered in this world may take.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Who is to be told how things are rendered, where they are to be explained.
    fn witness(&self) -> Option<&Witness> {
        None
    }
}

/// What [`World::entries`] gives, by a question of its own for each name: for where a world has no quicker way.
pub fn entries_one_by_one<W: World + ?Sized>(world: &W, path: &Path) -> io::Result<Vec<(String, io::Result<FileKind>)>> {
    let names = world.list(path)?.into_iter();
    Ok(names.map(|name| (world.kind(&path.join(&name)), name)).map(|(kind, name)| (name, kind)).collect())
}

/// What one question to the disk was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Asked {
    /// The content of a file.
    Content(PathBuf),
    /// The kind of a path (also: that it does not exist).
    Kind(PathBuf),
    /// The names in a directory.
    Names(PathBuf),
    /// The path with every link resolved.
    Canonical(PathBuf),
    /// An environment variable.
    Variable(String),
    /// The content of a file of the operating system.
    System(PathBuf),
    /// The names in a directory, with what each of them is.
    Entries(PathBuf),
}

/// A digest of what the answer was, errors included: the same answer gives the same digest.
pub type Answer = [u8; 32];

/// The digest of an answer. Of an error its kind counts: the text only adds what was asked.
fn digest<T>(answer: &io::Result<T>, bytes: impl Fn(&T) -> &[u8]) -> Answer {
    match answer {
        Ok(answer) => blake3::Hasher::new_derive_key("hydrate: an answer").update(bytes(answer)).finalize().into(),
        Err(error) => blake3::hash(format!("{:?}", error.kind()).as_bytes()).into(),
    }
}

/// Entries of a directory as bytes, different ones as different bytes.
fn in_bytes(entries: &[(String, io::Result<FileKind>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind) in entries {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        match kind {
            Ok(kind) => bytes.extend_from_slice(kind.as_bytes()),
            Err(error) => bytes.extend_from_slice(format!("{:?}", error.kind()).as_bytes()),
        }
        bytes.push(0);
    }
    bytes
}

/// Larger files are not read: no source of manifests is, and a mistake must not take all memory.
const LARGEST_FILE: u64 = 512 << 20;

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "file too large")
}

/// The ways of reading the disk: anywhere, or within bounds.
#[derive(Debug, Clone, Default)]
struct Disk(Option<Arc<Bounds>>);

impl Disk {
    /// The content of a file; without bounds also of a pipe or a device.
    fn read(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        let Some(bounds) = &self.0 else { return read_file(File::open(path)?, |_| Ok(())) };
        // Opening a pipe does not wait for who writes to it, nor does a terminal become this process's.
        let file = bounds.open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        read_file(file.into(), |kind| match kind {
            // A directory is told by the error of reading it.
            FileKind::Other => Err(bounds.no_file(path)),
            _ => Ok(()),
        })
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        let Some(bounds) = &self.0 else { return Ok(std::fs::metadata(path)?.file_type().into()) };
        let found = rustix::fs::fstat(bounds.open(path, OFlags::PATH)?)?;
        Ok(rustix::fs::FileType::from_raw_mode(found.st_mode).into())
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        match &self.0 {
            None => std::fs::canonicalize(path),
            Some(bounds) => bounds.canonical(path),
        }
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        Ok(self.entries_as_found(path)?.into_iter().map(|(name, _)| name).collect())
    }

    /// The directory itself says what its entries are, so only links have to be looked up.
    fn entries(&self, path: &Path) -> io::Result<Vec<(String, io::Result<FileKind>)>> {
        let found = self.entries_as_found(path)?.into_iter();
        let kind = |name: &str, found: Option<FileKind>| found.map_or_else(|| self.kind(&path.join(name)), Ok);
        Ok(found.map(|(name, found)| (kind(&name, found), name)).map(|(kind, name)| (name, kind)).collect())
    }

    /// Sorted by name; `None` for links and where the file system does not say. Within bounds Git's own is left out.
    fn entries_as_found(&self, path: &Path) -> io::Result<Vec<(String, Option<FileKind>)>> {
        let mut entries = Vec::new();
        match &self.0 {
            None => {
                for entry in std::fs::read_dir(path)? {
                    let entry = entry?;
                    let found = entry.file_type().ok().filter(|found| !found.is_symlink());
                    entries.push((utf8_name(entry.file_name())?, found.map(FileKind::from)));
                }
            }
            Some(bounds) => {
                let directory = bounds.open(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
                for entry in rustix::fs::Dir::new(directory)? {
                    let entry = entry?;
                    let name = OsStr::from_bytes(entry.file_name().to_bytes());
                    if name == "." || name == ".." || bounds::is_hidden(name) {
                        continue;
                    }
                    let found = entry.file_type();
                    let told = !matches!(found, rustix::fs::FileType::Symlink | rustix::fs::FileType::Unknown);
                    entries.push((utf8_name(name.to_owned())?, told.then(|| found.into())));
                }
                bounds.check_names(path, entries.iter().map(|(name, _)| name.as_str()))?;
            }
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }
}

/// The content of an opened file. What is too large by its own account is not begun with.
///
/// It is read straight into shared memory: charts carry megabytes of CRDs, and each copy of those costs as much as reading
/// them.
fn read_file(mut file: File, check: impl FnOnce(FileKind) -> io::Result<()>) -> io::Result<Arc<[u8]>> {
    let metadata = file.metadata()?;
    check(metadata.file_type().into())?;
    let size = usize::try_from(metadata.len()).ok().filter(|&size| size as u64 <= LARGEST_FILE).ok_or_else(too_large)?;
    let mut data: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
    let mut beyond = [0; 32];
    let mut read = 0;
    if let Some(buffer) = Arc::get_mut(&mut data) {
        // The few bytes beyond the size show that the file ends there, without asking again.
        read = file.read_vectored(&mut [IoSliceMut::new(buffer), IoSliceMut::new(&mut beyond)])?;
    }
    if read == size && size > 0 {
        return Ok(data);
    }
    // A special file, or one that is being written: read on until it ends.
    let mut whole: Vec<u8> = data.iter().chain(&beyond).take(read).copied().collect();
    file.take((LARGEST_FILE + 1).saturating_sub(whole.len() as u64)).read_to_end(&mut whole)?;
    if whole.len() as u64 > LARGEST_FILE {
        return Err(too_large());
    }
    Ok(whole.into())
}

impl From<FileType> for FileKind {
    fn from(kind: FileType) -> Self {
        match kind {
            _ if kind.is_file() => Self::File,
            _ if kind.is_dir() => Self::Directory,
            _ => Self::Other,
        }
    }
}

impl From<rustix::fs::FileType> for FileKind {
    fn from(kind: rustix::fs::FileType) -> Self {
        match kind {
            rustix::fs::FileType::RegularFile => Self::File,
            rustix::fs::FileType::Directory => Self::Directory,
            _ => Self::Other,
        }
    }
}

fn utf8_name(name: OsString) -> io::Result<String> {
    let broken = |name: OsString| format!("file name is not UTF-8: {}", name.to_string_lossy());
    name.into_string().map_err(|name| io::Error::new(io::ErrorKind::InvalidData, broken(name)))
}

fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(|_| io::ErrorKind::NotFound.into())
}

/// Everything that a world was asked, and what it answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The questions with the digests of their answers.
    pub asked: BTreeMap<Asked, Answer>,
    /// Whether a question had two answers, or the answers cannot be vouched for: asking again may give something else.
    pub is_unrepeatable: bool,
    /// Whether the clock was asked.
    pub has_asked_time: bool,
    /// Whether randomness was asked for.
    pub has_asked_random: bool,
    /// Whether a file that was read contains the text that was watched for ([`DiskWorld::watching_for`]).
    pub was_seen: bool,
}

impl Record {
    fn add(&mut self, asked: Asked, answer: Answer) {
        if *self.asked.entry(asked).or_insert(answer) != answer {
            self.is_unrepeatable = true;
        }
    }
}

/// The real world: disk, clock, the operating system's randomness. One that records remembers what it was asked.
#[derive(Debug, Default)]
pub struct DiskWorld {
    record: Option<Mutex<Record>>,
    watched: Option<Finder<'static>>,
    limits: Limits,
    disk: Disk,
    /// The environment variables that are seen; `None`: all.
    variables: Option<Arc<BTreeSet<String>>>,
    strayed: AtomicBool,
    chance: Option<Chance>,
    decisions: Mutex<Decisions>,
    is_caught: AtomicBool,
    /// The environment variables that hold secrets.
    secret_variables: Arc<BTreeSet<String>>,
    secrets: Mutex<Secrets>,
    witness: Option<Arc<Witness>>,
}

/// The clock and randomness replaced by what can be repeated: to find out what of a result they decide.
#[derive(Debug, Default)]
pub struct Chance {
    asked: AtomicU64,
    /// The first question that has another answer.
    other_from: u64,
    /// The question that [`World::is_caught`] tells of.
    caught_at: Option<u64>,
    caught: AtomicBool,
    /// Which of the other answers there are.
    variant: u64,
    /// The time that another one has to differ from, in nanoseconds since 1970.
    time: Option<i128>,
}

impl Chance {
    /// Always the same answers up to this question, and always the same other ones from there on.
    pub fn other_from(question: u64) -> Self {
        Self { other_from: question, ..Self::default() }
    }

    /// Always the same answers; the time differs in each of its parts from that one, if it was asked for.
    pub fn other_than(time: Option<i128>) -> Self {
        Self { time, ..Self::default() }
    }

    /// Others of the other answers, for each number.
    #[must_use]
    pub fn variant(mut self, variant: u64) -> Self {
        self.variant = variant;
        self
    }

    /// Tells who asks this question.
    pub fn catching(question: u64) -> Self {
        Self { other_from: u64::MAX, caught_at: Some(question), ..Self::default() }
    }

    /// The number of the question, and whether it has another answer.
    fn ask(&self) -> (u64, bool) {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        if self.caught_at == Some(number) {
            self.caught.store(true, Ordering::Relaxed);
        }
        (number, number >= self.other_from)
    }

    /// Some time, and for another answer one that differs in each of its parts.
    fn now(&self) -> i128 {
        const SOME_DAY: i128 = 1_767_323_045_006_007_008;
        const LATER: i128 = 34_826_461_123_456_789;
        let time = self.time.unwrap_or(SOME_DAY);
        if self.ask().1 { time + LATER * (1 + i128::from(self.variant)) } else { time }
    }

    fn random(&self, buffer: &mut [u8]) {
        let (number, is_other) = self.ask();
        let mut key = blake3::Hasher::new();
        key.update(&number.to_le_bytes()).update(&[u8::from(is_other)]).update(&self.variant.to_le_bytes());
        key.finalize_xof().fill(buffer);
    }
}

impl DiskWorld {
    /// A world that does not record.
    pub fn new() -> Self {
        Self::default()
    }

    /// A world that records.
    pub fn recording() -> Self {
        Self { record: Some(Mutex::default()), ..Self::default() }
    }

    /// The world, noting in its record whether any file that it reads contains `text`.
    #[must_use]
    pub fn watching_for(mut self, text: &'static [u8]) -> Self {
        self.watched = Some(Finder::new(text));
        self
    }

    /// The world with other limits than the usual ones.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The world with nothing in it but what lies within these bounds, and what the user names.
    #[must_use]
    pub fn within(mut self, bounds: Arc<Bounds>) -> Self {
        self.disk = Disk(Some(bounds));
        self
    }

    /// Whether a file that the user named was read that lies elsewhere than its name says, or that is no regular file: then nothing
    /// that was read is to be quoted.
    pub fn has_strayed(&self) -> bool {
        self.strayed.load(Ordering::Relaxed)
    }

    /// The world with no environment variables but these.
    #[must_use]
    pub fn seeing(mut self, variables: Arc<BTreeSet<String>>) -> Self {
        self.variables = Some(variables);
        self
    }

    /// The world with another chance than that of the system.
    #[must_use]
    pub fn with_chance(mut self, chance: Chance) -> Self {
        self.chance = Some(chance);
        self
    }

    /// The world in which these decisions are made as they were, by their numbers, and in which it is this time.
    #[must_use]
    pub fn keeping(mut self, kept: BTreeMap<usize, KeptDecision>, time: Option<i128>) -> Self {
        self.decisions = Mutex::new(Decisions::keeping(kept, time));
        self
    }

    /// The world, telling who makes the decision of this number ([`World::is_caught`]).
    #[must_use]
    pub fn catching(mut self, number: usize) -> Self {
        let decisions = self.decisions.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.decisions = Mutex::new(decisions.catching(number));
        self
    }

    /// The world in which each of these decisions, by its number, is made otherwise wherever its function could give something else.
    #[must_use]
    pub fn avoiding(mut self, decisions: Vec<Decision>) -> Self {
        let own = self.decisions.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.decisions = Mutex::new(own.avoiding(decisions));
        self
    }

    /// The world in which these environment variables hold secrets.
    #[must_use]
    pub fn keeping_secret(mut self, variables: Arc<BTreeSet<String>>) -> Self {
        self.secret_variables = variables;
        self
    }

    /// The world in which secrets are disguised, and the checksums those of the rendering with these traces.
    #[must_use]
    pub fn disguising(mut self, disguise: Disguise, traces: &Traces) -> Self {
        self.secrets = Mutex::new(Secrets::disguised(disguise, traces));
        self
    }

    /// Whether secrets are decrypted and resolved in this world, where there is somebody who does.
    pub fn resolves_secrets(&self) -> bool {
        !self.secrets.lock().unwrap_or_else(PoisonError::into_inner).disguise.is_unresolved
    }

    /// The world whose engines tell what they do.
    #[must_use]
    pub fn witnessed_by(mut self, witness: Arc<Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// What was noted of secrets.
    pub fn traces(&self) -> Traces {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).traces.clone()
    }

    /// The decisions that were made, in their order.
    pub fn decisions(&self) -> Vec<Decision> {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).made()
    }

    /// The time that it was, or was said to be, where it was asked for.
    pub fn time_asked(&self) -> Option<i128> {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).time_asked()
    }

    /// How often the clock or randomness of [`Self::with_chance`] was asked.
    pub fn chances(&self) -> u64 {
        self.chance.as_ref().map_or(0, |chance| chance.asked.load(Ordering::Relaxed))
    }

    /// What the answer to a question would be now, in this world.
    pub fn answer(&self, asked: &Asked) -> Answer {
        match asked {
            Asked::Content(path) => digest(&self.disk.read(path), |data| data),
            Asked::Kind(path) => digest(&self.disk.kind(path), FileKind::as_bytes),
            Asked::Names(path) => digest(&self.disk.names(path).map(|names| names.join("\0")), String::as_bytes),
            Asked::Canonical(path) => digest(&self.disk.canonical(path), |path| path.as_os_str().as_encoded_bytes()),
            Asked::Variable(name) => digest(&self.look_up(name), String::as_bytes),
            Asked::Entries(path) => digest(&self.disk.entries(path).map(|entries| in_bytes(&entries)), |bytes| bytes),
            Asked::System(path) => digest(&Disk::default().read(path), |data| data),
        }
    }

    fn look_up(&self, name: &str) -> io::Result<String> {
        match &self.variables {
            Some(seen) if !seen.contains(name) => Err(io::ErrorKind::NotFound.into()),
            _ => variable(name),
        }
    }

    /// What was asked so far; `None` of a world that does not record.
    pub fn into_record(self) -> Option<Record> {
        self.record.map(|record| record.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, add: impl FnOnce(&mut Record)) {
        if let Some(record) = &self.record {
            add(&mut record.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn record_names(&self, path: &Path, names: Result<String, &io::Error>) {
        self.record(|record| {
            let names = names.map_err(|error| error.kind().into());
            record.add(Asked::Names(path.to_owned()), digest(&names, String::as_bytes));
        });
    }

    /// Answers, and notes the digest of the answer where that is recorded.
    fn answered<T>(&self, asked: impl FnOnce() -> Asked, answer: io::Result<T>, bytes: impl Fn(&T) -> &[u8]) -> io::Result<T> {
        if self.record.is_some() {
            let digest = digest(&answer, bytes);
            self.record(|record| record.add(asked(), digest));
        }
        answer
    }
}

impl World for DiskWorld {
    fn read(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        let data = self.answered(|| Asked::Content(path.to_owned()), self.disk.read(path), |data| data)?;
        if self.watched.as_ref().is_some_and(|watched| watched.find(&data).is_some()) {
            self.record(|record| record.was_seen = true);
        }
        Ok(data)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.answered(|| Asked::Kind(path.to_owned()), self.disk.kind(path), FileKind::as_bytes)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = self.disk.names(path);
        self.record_names(path, names.as_ref().map(|names| names.join("\0")));
        names
    }

    fn entries(&self, path: &Path) -> io::Result<Vec<(String, io::Result<FileKind>)>> {
        let entries = self.disk.entries(path);
        self.record(|record| {
            let answer = match &entries {
                Ok(entries) => Ok(in_bytes(entries)),
                Err(error) => Err(error.kind().into()),
            };
            record.add(Asked::Entries(path.to_owned()), digest(&answer, |bytes| bytes));
        });
        entries
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.answered(|| Asked::Canonical(path.to_owned()), self.disk.canonical(path), |path| path.as_os_str().as_encoded_bytes())
    }

    fn now(&self) -> i128 {
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        if decisions.is_open() {
            // A certificate that is made anew is valid from now on, whatever time templates are shown.
            self.record(|record| record.has_asked_random = true);
            return self.chance.as_ref().map_or_else(|| jiff::Timestamp::now().as_nanosecond(), Chance::now);
        }
        if let Some(time) = decisions.kept_time() {
            return time;
        }
        self.record(|record| record.has_asked_time = true);
        if let Some(chance) = &self.chance {
            return chance.now();
        }
        decisions.note_time(jiff::Timestamp::now().as_nanosecond())
    }

    fn random(&self, buffer: &mut [u8]) {
        use rand_core::RngCore;
        self.record(|record| record.has_asked_random = true);
        if let Some(chance) = &self.chance {
            return chance.random(buffer);
        }
        rand_core::OsRng.fill_bytes(buffer);
    }

    fn is_caught(&self) -> bool {
        let by_number = self.is_caught.swap(false, Ordering::Relaxed);
        by_number || self.chance.as_ref().is_some_and(|chance| chance.caught.swap(false, Ordering::Relaxed))
    }

    fn decide(&self, function: &'static str, inputs: String) -> Option<Vec<Option<Vec<u8>>>> {
        let (kept, is_caught) = self.decisions.lock().unwrap_or_else(PoisonError::into_inner).begin(function, inputs);
        if is_caught {
            self.is_caught.store(true, Ordering::Relaxed);
        }
        kept
    }

    fn avoided(&self) -> Vec<Vec<u8>> {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).avoided().to_vec()
    }

    fn decided(&self, answers: &[&[u8]]) {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).end(answers);
    }

    fn read_named(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        // A name says where a file is. Where a link there leads further than that directory's Git work tree, what is read was
        // not meant for messages.
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if self.disk.0.is_some()
            && let Ok(real) = std::fs::canonicalize(directory)
            && let Some(name) = path.file_name()
        {
            let root = WorkTree::around(&real).map_or(&*real, |tree| tree.top).to_owned();
            // What the shell passes as `<(…)` is there under no name that could be opened so.
            if let Ok(text) = Disk(Some(Arc::new(Bounds::below(root, "", "")))).read(&real.join(name)) {
                return Ok(text);
            }
        }
        self.strayed.store(true, Ordering::Relaxed);
        Disk::default().read(path)
    }

    fn read_system(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        self.answered(|| Asked::System(path.to_owned()), Disk::default().read(path), |data| data)
    }

    fn admit(&self, directory: &Path) {
        if let Disk(Some(bounds)) = &self.disk {
            bounds.admit(directory);
        }
    }

    fn secret(&self, name: &str, value: &str, is_known: bool) -> String {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).meet(name, value, is_known)
    }

    fn checksum(&self, sum: String) -> String {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).checksum(sum)
    }

    fn variable(&self, name: &str) -> Option<String> {
        if self.secret_variables.contains(name) {
            // Nothing that is made of it may be kept in the cache, and no digest of it.
            self.record(|record| record.is_unrepeatable = true);
            return Some(self.secret(&format!("the environment variable {name}"), &self.look_up(name).ok()?, true));
        }
        self.answered(|| Asked::Variable(name.to_owned()), self.look_up(name), String::as_bytes).ok()
    }

    fn shows_variable(&self, name: &str) -> bool {
        self.variables.as_ref().is_none_or(|seen| seen.contains(name))
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn witness(&self) -> Option<&Witness> {
        self.witness.as_deref()
    }
}

/// A world in memory for tests: files by path, a fixed clock, a repeatable stream of "random" bytes.
#[derive(Debug, Default)]
pub struct MemoryWorld {
    files: BTreeMap<PathBuf, Arc<[u8]>>,
    variables: BTreeMap<String, String>,
    now: i128,
    stream: Mutex<u64>,
    limits: Limits,
}

impl MemoryWorld {
    /// An empty world at 1970-01-01.
    pub fn new() -> Self {
        Self::default()
    }

    /// The world with one more file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, content: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.into(), content.as_ref().into());
        self
    }

    /// The world with an environment variable set.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The world with other limits than the usual ones.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The world at another time: nanoseconds since 1970 in UTC.
    #[must_use]
    pub fn at(mut self, now: i128) -> Self {
        self.now = now;
        self
    }
}

/// The error of a world in which nothing has this path.
pub fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{}: no such file or directory", path.display()))
}

impl World for MemoryWorld {
    fn read(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        self.files.get(path).cloned().ok_or_else(|| not_found(path))
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        if self.files.contains_key(path) {
            return Ok(FileKind::File);
        }
        let inside = self.files.keys().any(|file| file.starts_with(path));
        if inside { Ok(FileKind::Directory) } else { Err(not_found(path)) }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let names: std::collections::BTreeSet<String> = self
            .files
            .keys()
            .filter_map(|file| file.strip_prefix(path).ok()?.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        if names.is_empty() { Err(not_found(path)) } else { Ok(names.into_iter().collect()) }
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.kind(path).map(|_| path.to_owned())
    }

    fn now(&self) -> i128 {
        self.now
    }

    /// SplitMix64 from a fixed start: repeatable, and nothing that may ever be used as a secret.
    fn random(&self, buffer: &mut [u8]) {
        let Ok(mut state) = self.stream.lock() else { return };
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

/// Whether an error says that nothing has a path, also because something on the way to it is no directory.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The text of Go's `os.ReadFile` of a file that cannot be read: a directory can be opened.
pub fn go_read_text(path: &str, error: &std::io::Error) -> String {
    let call = if error.kind() == std::io::ErrorKind::IsADirectory { "read" } else { "open" };
    format!("{call} {path}: {}", go_io_text(error))
}

/// The text of an I/O error as Go's `syscall.Errno` prints it: `no such file or directory`, `is a directory` …
pub fn go_io_text(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return "no such file or directory".to_owned();
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_whether_the_watched_text_was_read() {
        let directory = tempfile::tempdir().unwrap();
        let (with, without) = (directory.path().join("with"), directory.path().join("without"));
        std::fs::write(&with, "one two three").unwrap();
        std::fs::write(&without, "one three").unwrap();
        let seen = |world: DiskWorld, paths: &[&PathBuf]| {
            paths.iter().for_each(|path| drop(world.read(path)));
            let record = world.into_record().unwrap();
            assert_eq!(record.asked.len(), paths.len());
            record.was_seen
        };
        let watching = || DiskWorld::recording().watching_for(b"two");
        assert!(seen(watching(), &[&with, &without]));
        assert!(!seen(watching(), &[&without, &directory.path().join("missing two")]));
        assert!(!seen(DiskWorld::recording(), &[&with]));
    }
}
