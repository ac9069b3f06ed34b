//! Rendered components kept in the cache, so that what has not changed is not rendered again.
//!
//! A component's documents follow from the program, the configuration it was planned from, and the answers of the
//! world to what its engines asked: files, directories, variables. The first two make the key of an entry; the
//! questions, each with a digest of its answer, are in the entry, and all are asked again before it is used. So a hit
//! gives what rendering would give, byte for byte. Components whose rendering asked for the time, or for randomness that
//! may be in what they gave, are rendered every time.
//!
//! Layout: `renders/<digest of project, environment and component>/<key>`. First comes the tag of the rest and of its place by the
//! key of the user: what somebody else has put there, or moved there from another place, is no entry. Nothing here can fail a
//! run: without a usable cache or a lasting key everything is rendered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::project::{Component, Environment, Project};
use crate::sandbox::wire::Told;
use hydrate_acquire::Cache;
use hydrate_base::hash::hex;
use hydrate_base::key::Tag;
use hydrate_base::world::{Answer, Asked, Record};
use hydrate_base::{Diagnostic, DiskWorld, UserKey};
use hydrate_base::{Purpose, atomic_write};
use hydrate_source::Document;

use super::encryption::Sealed;
use super::provision::Provision;
use super::scope::Crds;
use super::stability::Certificate;
use super::verbatim::Verbatim;

/// How many entries a component keeps: as many states of it can be gone back to without rendering.
const ENTRIES: usize = 8;

/// What the key of the user is used for here.
const PURPOSE: &str = "hydrate: a rendered component in the cache";

/// Where rendered components are kept.
#[derive(Debug, Clone, Default)]
pub struct Renders {
    place: Option<(Cache, UserKey)>,
    doubt: Option<Box<Diagnostic>>,
}

/// What a rendering depends on, beside configuration.
#[derive(Debug, Clone, Default)]
pub struct RenderedFrom {
    /// What was asked of the world.
    pub asked: Vec<Asked>,
    /// The keys of what was taken from outside.
    pub artifacts: BTreeSet<String>,
}

/// What is kept of a component.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// What it was rendered from; an entry has that beside it.
    #[serde(skip)]
    pub inputs: RenderedFrom,
    /// Its documents.
    pub documents: Vec<Document>,
    /// The CRDs among them.
    pub crds: Crds,
    /// What the tools print for it, where that is kept.
    pub verbatim: Option<Verbatim>,
    /// The text of the file that says what chance has decided, where that is kept.
    pub decided: Option<String>,
    /// What was said about it, which is said again where it is not rendered again.
    pub warnings: Vec<Told>,
    /// The documents that chance or secrets change, by their numbers, as they are with a chance that is always the same and without secrets; only until
    /// it is known what of them is encrypted. `None` where they cannot be rendered so.
    pub references: Option<Vec<(usize, String)>>,
    /// The digests of the files that hold secrets of it, as they lie in the repository.
    pub secret_inputs: Vec<String>,
    /// Why some of them stayed encrypted, a sentence each.
    pub undecrypted: Vec<String>,
    /// Whether it came across secrets.
    pub knows_secrets: bool,
    /// The certificates in it that are kept.
    pub certificates: Vec<Certificate>,
    /// What is encrypted, and what follows from it.
    pub sealed: Vec<Sealed>,
    /// Whether what the tree keeps is where it cannot be read.
    pub is_unsettled: bool,
    /// Whether the documents are without what is encrypted.
    pub is_redacted: bool,
    /// Whether what the tree has of them was decrypted and compared.
    pub is_verified: bool,
    /// What the tree has in the place of what they are without, by their numbers.
    #[serde(skip)]
    pub standing: BTreeMap<usize, String>,
    /// The documents that hold secrets in plain text, by their numbers.
    pub suspects: Vec<usize>,
    /// Whether it may look different when more API versions are known.
    pub may_ask_for_apis: bool,
}

/// An entry as it is written (of a borrowed [`Kept`]) and as it is read.
#[derive(Serialize, Deserialize)]
struct Entry<K> {
    asked: Vec<(Asked, Answer)>,
    outside: Option<RemoteSource>,
    kept: K,
}

/// What a component took from outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RemoteSource {
    /// The digest of the lock it was found in.
    lock: Answer,
    /// The keys of the artifacts.
    artifacts: BTreeSet<String>,
}

impl Renders {
    /// Kept in a cache, for holders of a key; nowhere where the key does not last.
    pub fn of(cache: Cache, key: UserKey) -> Self {
        Self { place: key.is_lasting().then_some((cache, key)), doubt: None }
    }

    /// Kept nowhere, for a reason that the user is to know.
    pub fn without(doubt: Box<Diagnostic>) -> Self {
        Self { place: None, doubt: Some(doubt) }
    }

    /// Why nothing is kept, where that is not as it should be.
    pub fn doubt(&self) -> Option<&Diagnostic> {
        self.doubt.as_deref()
    }

    /// Whether it is certain that nothing is kept, at a glance.
    pub fn is_empty(&self) -> bool {
        self.place.as_ref().is_none_or(|(cache, _)| !cache.renders("").is_dir())
    }

    /// The place for a component in an environment, rendered with these API versions known.
    pub fn slot(&self, project: &Project, environment: &Environment, component: &Component, apis: &[String]) -> Slot {
        let state = state(project, environment, component, apis);
        let Some((cache, user_key)) = &self.place else { return Slot { state, place: None } };
        let mut place = blake3::Hasher::new();
        for part in [project.root.as_os_str().as_encoded_bytes(), environment.name.as_bytes(), component.name.as_bytes()] {
            add(&mut place, part);
        }
        Slot { state, place: Some(Place { cache: cache.clone(), key: user_key.clone(), component: short(&place) }) }
    }
}

impl Renders {
    /// The place for what a check of the objects of an environment gave, by the name of what was checked; `None` where nothing is kept.
    pub fn verdicts(&self, project: &Project, environment: &str, checked: &str) -> Option<Verdicts> {
        let (cache, key) = self.place.clone()?;
        let mut place = blake3::Hasher::new();
        for part in [project.root.as_os_str().as_encoded_bytes(), environment.as_bytes(), b"verdicts on ", checked.as_bytes()] {
            add(&mut place, part);
        }
        let mut state = blake3::Hasher::new();
        add(&mut state, concat!(env!("CARGO_PKG_VERSION"), " ", env!("HYDRATE_SOURCES")).as_bytes());
        Some(Verdicts { place: Place { cache, key, component: short(&place) }, state: short(&state) })
    }
}

/// What checking the objects of an environment gave, in the cache.
#[derive(Debug)]
pub struct Verdicts {
    place: Place,
    state: String,
}

impl Verdicts {
    /// What this program has kept.
    pub fn load(&self) -> Option<Vec<u8>> {
        let mut bytes = fs::read(self.place.cache.renders(&self.place.component).join(&self.state)).ok()?;
        let (tag, rest) = bytes.split_first_chunk::<{ Tag::LEN }>()?;
        if self.place.tag(&self.state, rest) != Tag::from(*tag) {
            return None;
        }
        Some(bytes.split_off(Tag::LEN))
    }

    /// Keeps it. A cache that cannot be written is only slower.
    pub fn keep(&self, bytes: &[u8]) {
        let _ = self.place.write(&self.state, bytes);
    }
}

/// The name of what a component is rendered from, apart from what its engines ask the world for.
pub fn state(project: &Project, environment: &Environment, component: &Component, apis: &[String]) -> String {
    let mut key = blake3::Hasher::new();
    add(&mut key, concat!(env!("CARGO_PKG_VERSION"), " ", env!("HYDRATE_SOURCES")).as_bytes());
    add(&mut key, format!("{:?}", project.settings).as_bytes());
    add(&mut key, &environment.file.text);
    // It may come from another file.
    add(&mut key, environment.kubernetes.as_ref().map_or(&[], |version| version.text.as_bytes()));
    add(&mut key, component.file.as_ref().map_or(&[], |file| &file.text));
    add(&mut key, apis.join("\n").as_bytes());
    short(&key)
}

fn short(hasher: &blake3::Hasher) -> String {
    hex(&hasher.finalize().as_bytes()[..16])
}

/// Adds a part so that no two lists of parts look the same.
fn add(hasher: &mut blake3::Hasher, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
}

/// The place of one rendered component.
#[derive(Debug)]
pub struct Slot {
    /// The name of what the component is rendered from ([`state`]).
    pub state: String,
    place: Option<Place>,
}

#[derive(Debug)]
struct Place {
    cache: Cache,
    key: UserKey,
    component: String,
}

impl Slot {
    /// What is kept here, if rendering would still give it. What it took from outside counts as used by `user`.
    pub fn load(&self, world: &DiskWorld, provision: &Provision<'_>, user: &str) -> Option<Kept> {
        let place = self.place.as_ref()?;
        let bytes = fs::read(place.cache.renders(&place.component).join(&self.state)).ok()?;
        let (tag, rest) = bytes.split_first_chunk::<{ Tag::LEN }>()?;
        if place.tag(&self.state, rest) != Tag::from(*tag) {
            return None;
        }
        let entry: Entry<Kept> = postcard::from_bytes(rest).ok()?;
        if !entry.asked.iter().all(|(asked, answer)| world.answer(asked) == *answer) {
            return None;
        }
        if let Some(outside) = &entry.outside
            && (provision.lock_digest() != outside.lock || !provision.use_again(&outside.artifacts, user))
        {
            return None;
        }
        let asked = entry.asked.into_iter().map(|(asked, _)| asked).collect();
        let artifacts = entry.outside.map(|outside| outside.artifacts).unwrap_or_default();
        Some(Kept { inputs: RenderedFrom { asked, artifacts }, ..entry.kept })
    }

    /// Keeps a component, if it would come out the same again.
    pub fn keep(&self, kept: &Kept, record: Record, taken: BTreeSet<String>, provision: &Provision<'_>) {
        let Some(place) = &self.place else { return };
        if record.is_unrepeatable || record.has_asked_time || record.has_asked_random {
            return;
        }
        let outside = (!taken.is_empty()).then(|| RemoteSource { lock: provision.lock_digest(), artifacts: taken });
        let entry = Entry { asked: record.asked.into_iter().collect(), outside, kept };
        // A cache that cannot be written is only slower.
        let _ = postcard::to_stdvec(&entry).map_err(std::io::Error::other).and_then(|bytes| place.write(&self.state, &bytes));
    }
}

impl Place {
    fn tag(&self, state: &str, entry: &[u8]) -> Tag {
        self.key.tag(PURPOSE, &[self.component.as_bytes(), state.as_bytes(), entry])
    }

    fn write(&self, state: &str, entry: &[u8]) -> std::io::Result<()> {
        let directory = self.cache.make_renders(&self.component).map_err(std::io::Error::other)?;
        atomic_write(&directory.join(state), &directory, &[self.tag(state, entry).as_bytes(), entry], Purpose::Checked)?;
        forget_oldest(&directory)
    }
}

fn forget_oldest(directory: &Path) -> std::io::Result<()> {
    let mut entries: Vec<(SystemTime, PathBuf)> = fs::read_dir(directory)?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().and_then(|metadata| metadata.modified()).ok()?, entry.path())))
        .collect();
    entries.sort();
    let surplus = entries.len().saturating_sub(ENTRIES);
    entries.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
}
