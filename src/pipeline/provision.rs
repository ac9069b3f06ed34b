//! What components get from outside: from the lock, or where that may change, resolved and added to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hydrate_acquire::provenance::{self, Keyring, Subject};
use hydrate_acquire::{Artifact, ArtifactKind, Lock};
use hydrate_acquire::{ArtifactRequest, Options, Supply};
use hydrate_acquire::{Entry, Tree};
use hydrate_acquire::{Mounted, is_mounted};
use hydrate_base::hash::sha256;
use hydrate_base::limits::paused;
use hydrate_base::world::Answer;
use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_chart::Level;
use hydrate_helmfile::SecretResolver;
use hydrate_source::{Loaded, RemoteSource};

/// The name of the lock in a project.
pub const LOCK: &str = "hydrate.lock";

/// Reads the lock of a project; one that does not exist is empty.
pub fn read_lock(world: &dyn World, root: &Path) -> Result<Lock> {
    match world.read(&root.join(LOCK)) {
        Ok(text) => Lock::parse(&SourceFile::new(LOCK, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Lock::default()),
        Err(error) => Err(Diagnostic::error(format!("cannot read {LOCK}")).note(error.to_string())),
    }
}

/// Everything from outside, for all components of a run; threads share it.
pub struct Provision<'w> {
    supply: Supply<'w>,
    /// Whether what is not locked may be resolved.
    may_change: bool,
    /// Whether repositories on this machine may be taken into the lock.
    takes_local: bool,
    lock: Mutex<Lock>,
    used: Mutex<BTreeMap<String, (Artifact, BTreeSet<String>)>>,
    opened: Opened,
    failures: Mutex<Vec<Box<Diagnostic>>>,
    /// What was resolved in this run, or could not be: nothing is asked twice.
    resolved: Mutex<BTreeMap<ArtifactRequest, Arc<OnceLock<Result<Artifact>>>>>,
}

fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'w> Provision<'w> {
    /// From a lock; with `may_change`, what it does not hold is resolved over the network.
    pub fn new(world: &'w dyn World, options: Options, lock: Lock, may_change: bool) -> Self {
        Self {
            supply: Supply::new(world, options),
            may_change,
            takes_local: false,
            lock: Mutex::new(lock),
            used: Mutex::default(),
            opened: Opened::default(),
            failures: Mutex::default(),
            resolved: Mutex::default(),
        }
    }

    /// The same, for whoever asks for the lock to be written: also repositories on this machine are taken into it.
    #[must_use]
    pub fn taking_local(mut self) -> Self {
        self.takes_local = true;
        self
    }

    /// The supply under it.
    pub fn supply(&self) -> &Supply<'w> {
        &self.supply
    }

    /// The lock as it is now.
    pub fn lock(&self) -> Lock {
        open(&self.lock).clone()
    }

    /// The lock with nothing but what was used, and by whom.
    pub fn used(&self) -> Lock {
        let mut lock = Lock::default();
        for (artifact, users) in open(&self.used).values() {
            lock.add(Artifact { used_by: users.clone(), ..artifact.clone() });
        }
        lock
    }

    /// What went wrong outside, also where the component failed for another reason as well.
    pub fn failures(&self) -> Vec<Box<Diagnostic>> {
        std::mem::take(&mut open(&self.failures))
    }

    /// Resolves many wants at once, so that each index is read one time; failures are told when they are asked for.
    pub fn prepare(&self, wants: &BTreeSet<ArtifactRequest>) {
        let lock = self.lock();
        let missing: Vec<&ArtifactRequest> = wants.iter().filter(|want| want.find(&lock).is_none()).collect();
        if !self.may_change || missing.is_empty() {
            return;
        }
        for (want, result) in self.supply.resolve_each(&missing) {
            // A failure is told to whoever asks for it.
            let _ = self.resolved(want, || result);
        }
    }

    /// The result for a want, which is worked out by whoever asks first; what is found is added to the lock.
    fn resolved(&self, want: &ArtifactRequest, resolve: impl FnOnce() -> Result<Artifact>) -> Result<Artifact> {
        let cell = Arc::clone(open(&self.resolved).entry(want.clone()).or_default());
        cell.get_or_init(|| resolve().inspect(|artifact| open(&self.lock).add(artifact.clone()))).clone()
    }

    /// The digest of the lock as it is now.
    pub fn lock_digest(&self) -> Answer {
        blake3::hash(open(&self.lock).to_text().as_bytes()).into()
    }

    /// Notes that `user` uses these artifacts, by their keys, as it did before; false when the lock lacks one.
    pub fn use_again(&self, keys: &BTreeSet<String>, user: &str) -> bool {
        let lock = self.lock();
        let artifacts: Vec<&Artifact> = lock.artifacts().filter(|artifact| keys.contains(&artifact.key())).collect();
        artifacts.iter().for_each(|artifact| self.note_use(artifact, user, false));
        artifacts.len() == keys.len()
    }

    /// Notes that `user` uses an artifact. The provenance stays in the lock for as long as somebody verifies it.
    pub(crate) fn note_use(&self, artifact: &Artifact, user: &str, verified: bool) {
        let mut used = open(&self.used);
        let unverified = || Artifact { provenance: None, ..artifact.clone() };
        let (known, users) = used.entry(artifact.key()).or_insert_with(|| (unverified(), BTreeSet::new()));
        users.insert(user.to_owned());
        if verified {
            known.provenance.clone_from(&artifact.provenance);
        }
    }

    /// What is opened for one component is at hand for the next.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Notes what went wrong outside.
    pub(super) fn note_failures(&self, failures: impl IntoIterator<Item = Box<Diagnostic>>) {
        open(&self.failures).extend(failures);
    }
}

/// Gives what the lock names: artifacts, and their bytes, which have its digest.
pub trait Stock: Sync {
    /// The artifact of the lock for this; where the lock may change, it is resolved and added.
    fn artifact(&self, want: &ArtifactRequest) -> Result<Artifact>;

    /// The artifact with the digest of its provenance file.
    fn signed(&self, want: &ArtifactRequest) -> Result<Artifact>;

    /// The bytes of an artifact.
    fn bytes(&self, artifact: &Artifact) -> Result<Arc<[u8]>>;

    /// The bytes of its provenance file.
    fn provenance(&self, artifact: &Artifact) -> Result<Arc<[u8]>>;

    /// Who is trusted to sign. A world that records notes what was read for it.
    fn keyring(&self, world: &dyn World) -> Result<Keyring>;
}

impl Stock for Provision<'_> {
    fn artifact(&self, want: &ArtifactRequest) -> Result<Artifact> {
        if let Some(artifact) = want.find(&open(&self.lock)) {
            return Ok(artifact.clone());
        }
        if !self.may_change {
            return Err(Diagnostic::error(format!("{} is not in {LOCK}", want.title()))
                .help("run `hydrate lock` (with the network at hand) and commit the lock with the change that needs it"));
        }
        if let ArtifactRequest::Git(repository) = want
            && self.supply.is_local(repository)
            && !self.takes_local
        {
            return Err(Diagnostic::error(format!("{} is on this machine, and not in {LOCK}", want.title()))
                .note("what lies outside of the project is not read because a file of the project names it")
                .help("if it is to be rendered: `hydrate lock` takes it into the lock"));
        }
        self.resolved(want, || {
            let found = self.supply.resolve_each(&[want]).into_iter().next();
            found.map_or_else(|| Err(Diagnostic::error(format!("cannot resolve {}", want.title()))), |(_, result)| result)
        })
    }

    fn signed(&self, want: &ArtifactRequest) -> Result<Artifact> {
        let artifact = self.artifact(want)?;
        if artifact.provenance.is_some() || !self.may_change {
            return Ok(artifact);
        }
        let signed = self.supply.with_provenance(&artifact)?;
        open(&self.lock).add(signed.clone());
        Ok(signed)
    }

    fn bytes(&self, artifact: &Artifact) -> Result<Arc<[u8]>> {
        self.supply.bytes(artifact)
    }

    fn provenance(&self, artifact: &Artifact) -> Result<Arc<[u8]>> {
        self.supply.provenance(artifact)
    }

    fn keyring(&self, world: &dyn World) -> Result<Keyring> {
        self.supply.keyring(world)
    }
}

/// What was unpacked and parsed, so that it is so once a run.
#[derive(Default)]
pub struct Opened {
    trees: Mutex<BTreeMap<String, Arc<Tree>>>,
    charts: Mutex<BTreeMap<(PathBuf, Level), Loaded>>,
}

impl Opened {
    fn tree(&self, stock: &dyn Stock, artifact: &Artifact) -> Result<Arc<Tree>> {
        if artifact.kind == ArtifactKind::Git {
            return self.unpacked(stock, artifact);
        }
        // The same bytes may be a chart for one and a file for another, under names of their own.
        self.once(&format!("{} {}", file_name(artifact), artifact.sha256), || {
            let mut tree = Tree::default();
            let file = Entry::File { bytes: stock.bytes(artifact)?, executable: false };
            tree.insert(&file_name(artifact), file).map_err(Diagnostic::error)?;
            Ok(tree)
        })
    }

    /// The files in an archive, or of a repository.
    fn unpacked(&self, stock: &dyn Stock, artifact: &Artifact) -> Result<Arc<Tree>> {
        self.once(&format!("files of {}", artifact.sha256), || Supply::unpack(artifact, &stock.bytes(artifact)?))
    }

    fn once(&self, name: &str, tree: impl FnOnce() -> Result<Tree>) -> Result<Arc<Tree>> {
        if let Some(tree) = open(&self.trees).get(name) {
            return Ok(Arc::clone(tree));
        }
        let tree = Arc::new(tree()?);
        open(&self.trees).insert(name.to_owned(), Arc::clone(&tree));
        Ok(tree)
    }
}

fn mount_name(artifact: &Artifact) -> String {
    let kind = if artifact.kind == ArtifactKind::File { "file-" } else { "" };
    format!("{kind}{}-{}", artifact.name, artifact.sha256.get(..12).unwrap_or_default())
}

/// The one file of what is not a tree.
fn file_name(artifact: &Artifact) -> String {
    let name: String = artifact.name.chars().map(|letter| if letter == '/' || letter == '\\' { '-' } else { letter }).collect();
    match artifact.kind {
        ArtifactKind::File => format!("file-{name}"),
        _ => format!("{name}-{}.tgz", artifact.version.replace('/', "-")),
    }
}

/// What one component gets, shown in its world.
pub struct ForComponent<'a> {
    stock: &'a dyn Stock,
    opened: &'a Opened,
    world: &'a Mounted<'a>,
    taken: Mutex<BTreeMap<String, (Artifact, bool)>>,
    failures: Mutex<Vec<Box<Diagnostic>>>,
    secrets: Option<Arc<dyn SecretResolver>>,
}

/// What a component has got: each artifact, and whether its signature was verified.
pub type Taken = Vec<(Artifact, bool)>;

impl<'a> ForComponent<'a> {
    /// What is in `stock`, opened once, for whoever reads it in `world`.
    pub fn new(stock: &'a dyn Stock, opened: &'a Opened, world: &'a Mounted<'a>) -> Self {
        Self { stock, opened, world, taken: Mutex::default(), failures: Mutex::default(), secrets: None }
    }

    /// The same, with somebody who decrypts and resolves secrets.
    pub fn resolving(self, secrets: Option<Arc<dyn SecretResolver>>) -> Self {
        Self { secrets, ..self }
    }

    /// What the component has got, and what went wrong outside, also where the component failed for another reason as well.
    pub fn into_taken(self) -> (Taken, Vec<Box<Diagnostic>>) {
        let taken = self.taken.into_inner().unwrap_or_else(PoisonError::into_inner);
        (taken.into_values().collect(), self.failures.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RemoteSource for ForComponent<'_> {
    fn path(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.told(paused(|| self.stock.artifact(want).and_then(|artifact| self.give(&artifact, false))))
    }

    fn verified(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.told(paused(|| {
            let artifact = self.stock.signed(want)?;
            let proof = self.stock.provenance(&artifact)?;
            let names = Supply::archive_names(&artifact);
            self.verify(Subject { title: &artifact.title(), names: &names, sha256: &artifact.sha256 }, &proof)?;
            self.give(&artifact, true)
        }))
    }

    fn attempt(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        paused(|| self.stock.artifact(want).and_then(|artifact| self.give(&artifact, false)))
    }

    fn unpacked(&self, want: &ArtifactRequest) -> Result<PathBuf> {
        self.told(paused(|| {
            let artifact = self.stock.artifact(want)?;
            let tree = self.opened.unpacked(self.stock, &artifact)?;
            let inner = tree.entries().find_map(|(path, _)| path.split_once('/').map(|(first, _)| first.to_owned()));
            let inner = inner.ok_or_else(|| Diagnostic::error(format!("{} holds no directory", artifact.title())))?;
            let root = self.world.mount(&format!("{}-files", mount_name(&artifact)), || tree);
            self.noted(&artifact, false);
            Ok(root.join(inner))
        }))
    }

    fn secrets(&self) -> Option<Arc<dyn SecretResolver>> {
        self.secrets.clone()
    }

    fn recall(&self, path: &Path, level: Level) -> Option<Loaded> {
        open(&self.opened.charts).get(&(path.to_owned(), level)).cloned()
    }

    fn remember(&self, path: &Path, level: Level, loaded: &Loaded) {
        // The names of what is mounted tell digests apart; a chart of the repository may change between two runs.
        if is_mounted(path) {
            open(&self.opened.charts).insert((path.to_owned(), level), loaded.clone());
        }
    }

    fn verify_local(&self, archive: &Path) -> Result<()> {
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failed = |what: &str, error: &std::io::Error| {
            Diagnostic::error(format!("{name} cannot be verified: {what} cannot be read")).note(error.to_string())
        };
        let bytes = self.world.read(archive).map_err(|error| failed("it", &error))?;
        let beside = archive.with_file_name(format!("{name}.prov"));
        let proof = self.world.read(&beside).map_err(|error| {
            failed(&format!("its provenance file {name}.prov"), &error).help("`helm package --sign` writes it beside the archive")
        })?;
        self.verify(Subject { title: &name, names: std::slice::from_ref(&name), sha256: &sha256(&bytes) }, &proof)
    }
}

impl ForComponent<'_> {
    /// Shows an artifact in the component's world and notes that it is used.
    fn give(&self, artifact: &Artifact, verified: bool) -> Result<PathBuf> {
        let tree = self.opened.tree(self.stock, artifact)?;
        let root = self.world.mount(&mount_name(artifact), || tree);
        self.noted(artifact, verified);
        Ok(if artifact.kind == ArtifactKind::Git { root } else { root.join(file_name(artifact)) })
    }

    fn noted(&self, artifact: &Artifact, verified: bool) {
        let mut taken = open(&self.taken);
        let known = taken.entry(artifact.key()).or_insert_with(|| (artifact.clone(), false));
        if verified {
            *known = (artifact.clone(), true);
        }
    }

    /// The component's world is asked for the time, so that a verified component is verified in every run.
    fn verify(&self, subject: Subject<'_>, proof: &[u8]) -> Result<()> {
        let keyring = self.stock.keyring(self.world)?;
        provenance::verify(subject, proof, &keyring, self.world.now()).map(drop)
    }

    fn told<T>(&self, result: Result<T>) -> Result<T> {
        result.inspect_err(|error| open(&self.failures).push(error.clone()))
    }
}
