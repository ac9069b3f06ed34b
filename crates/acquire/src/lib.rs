#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod archive;
mod cache;
mod credentials;
mod git;
pub mod http;
mod index;
mod lockfile;
mod mirror;
mod mount;
mod oci;
mod package;
mod proofs;
pub mod provenance;
mod resolve;
mod vendor;

pub use archive::{Entry, Tree};
pub use cache::Cache;
pub use lockfile::{Artifact, ArtifactKind, Lock};
pub use mirror::Mirrors;
pub use mount::{Mounted, is_mounted};
pub use oci::{Pushed, Standing};
pub use package::Package;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use archive::Limits;
use credentials::Credentials;
use http::{Answer, Client, Progress, Request};
use hydrate_address::Url;
use hydrate_base::hash::sha256;
use hydrate_base::{Diagnostic, World};
use oci::{Reference, Registries};
use vendor::VendoredFile;

pub use resolve::{InRange, Newer, Update};

/// The most bytes of one packed chart or remote file.
pub(crate) const MAX_ARCHIVE: u64 = 200 << 20;

/// What a component or a kustomization asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ArtifactRequest {
    /// A chart of a repository, in a version or range (`None`: the newest release).
    Chart {
        /// The repository's address.
        repository: String,
        /// The chart's name in it.
        name: String,
        /// A version or range.
        version: Option<String>,
    },
    /// A chart in a registry: `oci://host/path[:tag][@sha256:…]`, in a version or range.
    Oci {
        /// The reference.
        reference: String,
        /// A version or range.
        version: Option<String>,
    },
    /// A packed chart by its address.
    Archive {
        /// The address.
        url: String,
    },
    /// A Git repository.
    Git(hydrate_address::Repository),
    /// A single file, a remote resource of a kustomization.
    File {
        /// The address.
        url: String,
    },
}

impl ArtifactRequest {
    /// The chart that `chart:`, `repo:` and `version:` of a component, or of a dependency in Chart.yaml, name. Gives
    /// the path inside of a Git repository as well, and `None` for what is local.
    pub fn chart(chart: &str, repository: Option<&str>, version: Option<&str>) -> Option<(Self, String)> {
        let version = version.filter(|version| !version.is_empty()).map(str::to_owned);
        if let Some(rest) = chart.strip_prefix("git+") {
            let spec = hydrate_address::RepoSpec::parse(rest).ok()?;
            return Some((Self::Git(spec.repository), spec.path));
        }
        if chart.starts_with("oci://") {
            return Some((Self::Oci { reference: chart.to_owned(), version }, String::new()));
        }
        if chart.starts_with("https://") || chart.starts_with("http://") {
            return Some((Self::Archive { url: chart.to_owned() }, String::new()));
        }
        let repository = repository?.trim_end_matches('/');
        if repository.starts_with("oci://") {
            return Some((Self::Oci { reference: format!("{repository}/{chart}"), version }, String::new()));
        }
        if let Some(rest) = repository.strip_prefix("git+") {
            let spec = hydrate_address::RepoSpec::parse(rest).ok()?;
            let path = format!("{}/{chart}", spec.path).trim_start_matches('/').to_owned();
            return Some((Self::Git(spec.repository), path));
        }
        let http = repository.starts_with("https://") || repository.starts_with("http://");
        http.then(|| (Self::Chart { repository: repository.to_owned(), name: chart.to_owned(), version }, String::new()))
    }

    /// What is wanted, in the user's words.
    pub fn title(&self) -> String {
        let with = |version: &Option<String>| version.as_ref().map_or(String::new(), |version| format!(" {version}"));
        match self {
            Self::Chart { name, version, .. } => format!("chart {name}{}", with(version)),
            Self::Oci { reference, version } => format!("chart {reference}{}", with(version)),
            Self::Archive { url } => format!("chart {}", Url::shown(url)),
            Self::Git(repository) => format!("Git repository {}", repository.shown()),
            Self::File { url } => format!("file {}", Url::shown(url)),
        }
    }

    /// The artifact of a lock that answers this, the highest version where several do.
    pub fn find<'a>(&self, lock: &'a Lock) -> Option<&'a Artifact> {
        resolve::find(self, lock)
    }
}

/// How supply is to behave in this run.
#[derive(Clone)]
pub struct Options {
    /// The project's directory, in which `charts/` may hold vendored archives.
    pub root: PathBuf,
    /// Touch no network.
    pub offline: bool,
    /// Other places to fetch from.
    pub mirrors: Mirrors,
    /// The project's own keyring, for charts that are to be verified.
    pub keyring: Option<PathBuf>,
    /// Who watches the downloads.
    pub progress: Arc<dyn Progress>,
    /// How long a download may take, where the user says.
    pub time_limit: Option<std::time::Duration>,
}

/// Charts and bases for one run; threads share it. Nothing is read or connected before it is needed.
pub struct Supply<'w> {
    world: &'w dyn World,
    options: Options,
    client: OnceLock<Client>,
    cache: OnceLock<Cache>,
    vendored: OnceLock<vendor::Vendored>,
    indexes: index::Copies,
}

impl<'w> Supply<'w> {
    /// A supply that has done nothing yet.
    pub fn new(world: &'w dyn World, options: Options) -> Self {
        Self {
            world,
            options,
            client: OnceLock::new(),
            cache: OnceLock::new(),
            vendored: OnceLock::new(),
            indexes: index::Copies::default(),
        }
    }

    /// The cache of the user.
    pub fn cache(&self) -> Result<&Cache, Box<Diagnostic>> {
        if let Some(cache) = self.cache.get() {
            return Ok(cache);
        }
        let cache = Cache::of_user(self.world)?;
        Ok(self.cache.get_or_init(|| cache))
    }

    /// The bytes of an artifact of the lock: a packed chart, a canonical tar, a file. They have its digest.
    ///
    /// One process at a time fetches an artifact; the others wait and find it in the cache.
    pub fn bytes(&self, artifact: &Artifact) -> Result<Arc<[u8]>, Box<Diagnostic>> {
        if let Some(bytes) = self.vendored().get(artifact, VendoredFile::Archive)? {
            return Ok(bytes);
        }
        let title = artifact.title();
        self.kept(artifact, &title, &artifact.sha256, || self.download(artifact))
    }

    /// The bytes with a digest of the lock: from the cache, or downloaded, checked and kept there.
    fn kept(
        &self,
        artifact: &Artifact,
        title: &str,
        digest: &str,
        download: impl FnOnce() -> Result<(Vec<u8>, String), Box<Diagnostic>>,
    ) -> Result<Arc<[u8]>, Box<Diagnostic>> {
        let cache = self.cache()?;
        if let Some(bytes) = cache.get(digest)? {
            return Ok(bytes.into());
        }
        if self.options.offline {
            return Err(not_at_hand(artifact, title));
        }
        let _held = cache.lock(&format!("blob-{digest}"))?;
        if let Some(bytes) = cache.get(digest)? {
            return Ok(bytes.into());
        }
        let (bytes, from) = download()?;
        let found = sha256(&bytes);
        if found != digest {
            return Err(mismatch(artifact, title, (digest, &found), &from));
        }
        cache.put(&bytes)?;
        Ok(bytes.into())
    }

    /// The files of a Git repository or packed chart of the lock.
    pub fn tree(&self, artifact: &Artifact) -> Result<Tree, Box<Diagnostic>> {
        Self::unpack(artifact, &self.bytes(artifact)?)
    }

    /// The files in the bytes of an artifact.
    pub fn unpack(artifact: &Artifact, bytes: &[u8]) -> Result<Tree, Box<Diagnostic>> {
        let limits = if artifact.kind == ArtifactKind::Git { Limits::REPOSITORY } else { Limits::CHART };
        archive::unpack(bytes, &artifact.title(), limits)
    }

    /// Makes sure that all artifacts are at hand; several are fetched at once. Gives the number that had to be
    /// fetched, or every failure.
    pub fn fetch_all(&self, artifacts: &[&Artifact]) -> Result<usize, Vec<Box<Diagnostic>>> {
        let results = in_parallel(artifacts, |artifact| {
            if self.at_hand(artifact) {
                return Ok(false);
            }
            self.bytes(artifact)?;
            if artifact.provenance.is_some() { self.provenance(artifact).map(|_| true) } else { Ok(true) }
        });
        let (mut fetched, mut failures) = (0, Vec::new());
        for result in results {
            match result {
                Ok(missing) => fetched += usize::from(missing),
                Err(error) => failures.push(error),
            }
        }
        if failures.is_empty() { Ok(fetched) } else { Err(failures) }
    }

    /// Whether an artifact can be had without the network, checked by digest.
    fn at_hand(&self, artifact: &Artifact) -> bool {
        let cached = |digest: &str| self.cache().is_ok_and(|cache| cache.get(digest).is_ok_and(|bytes| bytes.is_some()));
        let vendored = |part| self.vendored().get(artifact, part).is_ok_and(|bytes| bytes.is_some());
        let proof = |digest: &String| vendored(VendoredFile::Provenance) || cached(digest);
        (vendored(VendoredFile::Archive) || cached(&artifact.sha256)) && artifact.provenance.as_ref().is_none_or(proof)
    }

    /// Writes the archives of all artifacts to `charts/` in the project, and removes archives there that this function
    /// wrote for artifacts which are no longer locked. Gives the paths written and removed.
    pub fn vendor(&self, lock: &Lock) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Vec<Box<Diagnostic>>> {
        let artifacts: Vec<&Artifact> = lock.artifacts().collect();
        self.fetch_all(&artifacts)?;
        vendor::write(&self.options.root, lock, |artifact, part| match part {
            VendoredFile::Archive => self.bytes(artifact),
            VendoredFile::Provenance => self.provenance(artifact),
        })
        .map_err(|error| vec![error])
    }

    fn vendored(&self) -> &vendor::Vendored {
        self.vendored.get_or_init(|| vendor::Vendored::new(&self.options.root))
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let credentials = Arc::new(Credentials::from_world(self.world));
            Client::new(self.world, credentials, self.options.offline, self.options.time_limit, Arc::clone(&self.options.progress))
        })
    }

    fn registries(&self) -> Registries<'_> {
        Registries::new(self.client(), self.world)
    }

    /// An address ready to be asked: taken apart, its login put aside, its host's variables read.
    fn address(&self, text: &str) -> Result<Url, Box<Diagnostic>> {
        let url = Url::parse(text).filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
            Diagnostic::error(format!("{:?} is not an address that can be fetched", Url::shown(text))).help("write it as https://HOST/PATH")
        })?;
        self.client().credentials().prepare(self.world, &url);
        if let Some((user, password)) = Url::login_of(text) {
            self.client().credentials().give(&url, credentials::Login::Basic(user, password));
        }
        Ok(url)
    }

    fn reference(&self, text: &str) -> Result<Reference, Box<Diagnostic>> {
        let reference = Reference::parse(text).ok_or_else(|| {
            Diagnostic::error(format!("{text:?} is not a reference to a chart in a registry"))
                .help("write it as oci://HOST/PATH/CHART, with the version under `version:`")
        })?;
        for url in ["https", "http"].iter().filter_map(|scheme| Url::parse(&format!("{scheme}://{}/", reference.registry))) {
            self.client().credentials().prepare(self.world, &url);
        }
        Ok(reference)
    }

    /// Pushes a package to a repository of a registry and has tags name it. Before a tag is moved, `may_move` is asked about what it names now.
    pub fn push(
        &self,
        repository: &str,
        tags: &[String],
        package: &Package,
        may_move: &dyn Fn(&str, &Standing) -> Result<(), Box<Diagnostic>>,
    ) -> Result<Pushed, Box<Diagnostic>> {
        let reference = self.reference(repository)?;
        self.registries().for_pushing().push(&reference, tags, package, may_move)
    }

    /// Fetches what the lock names; also says from where.
    fn download(&self, artifact: &Artifact) -> Result<(Vec<u8>, String), Box<Diagnostic>> {
        let mirrored = self.options.mirrors.apply(&artifact.source);
        let source = mirrored.as_deref().unwrap_or(&artifact.source);
        match artifact.kind {
            ArtifactKind::Git => self.download_git(artifact, source),
            ArtifactKind::Oci => self.download_blob(artifact, source),
            ArtifactKind::Chart if source.starts_with("oci://") => {
                self.download_blob(artifact, &format!("{}/{}", source.trim_end_matches('/'), artifact.name))
            }
            ArtifactKind::Chart => self.download_chart(artifact, source),
            ArtifactKind::Archive | ArtifactKind::File => {
                let url = self.address(source)?;
                self.get(&url, &artifact.title()).map(|bytes| (bytes, url.to_string()))
            }
        }
    }

    fn download_git(&self, artifact: &Artifact, source: &str) -> Result<(Vec<u8>, String), Box<Diagnostic>> {
        let (address, submodules) = hydrate_address::of_lock(source);
        let reference = Some(artifact.version.clone()).filter(|version| !version.is_empty());
        let repository = hydrate_address::Repository { address, reference, submodules, timeout: None };
        let (tree, _) = self.fetch_git(&repository, artifact.commit.as_deref())?;
        let tar = tree.to_tar().map_err(|error| Diagnostic::error(format!("cannot pack {}", artifact.title())).note(error.to_string()))?;
        Ok((tar, repository.shown()))
    }

    fn fetch_git(&self, repository: &hydrate_address::Repository, commit: Option<&str>) -> Result<(Tree, String), Box<Diagnostic>> {
        if self.options.offline {
            return Err(Diagnostic::error(format!("--offline forbids asking {}", repository.shown())));
        }
        let login = |url: &Url| {
            let credentials = self.client().credentials();
            credentials.prepare(self.world, url);
            credentials.given_for_git(url)
        };
        git::Git { cache: self.cache()?, timeout: git::timeout(self.world), login: &login }.fetch(repository, commit)
    }

    /// The archive of a chart in a registry is the blob with its digest: no manifest has to be read.
    fn download_blob(&self, artifact: &Artifact, source: &str) -> Result<(Vec<u8>, String), Box<Diagnostic>> {
        let reference = self.reference(source)?;
        let digest = format!("sha256:{}", artifact.sha256);
        let bytes = self.registries().blob(&reference, &digest, &artifact.title());
        bytes.map(|bytes| (bytes, reference.name())).map_err(|error| {
            error.help(format!("if {} was pushed again, `hydrate lock --update {}` takes the new one", artifact.title(), artifact.name))
        })
    }

    /// By the address in the lock, where that is one to be asked. A mirror may lay its archives out in its own way, and
    /// archives are moved at times: the index says where they are.
    fn download_chart(&self, artifact: &Artifact, source: &str) -> Result<(Vec<u8>, String), Box<Diagnostic>> {
        let title = artifact.title();
        let mirrored = artifact.url.as_ref().and_then(|url| self.options.mirrors.apply(url));
        let address = mirrored.or_else(|| artifact.url.clone().filter(|_| source == artifact.source));
        let mut gone = None;
        if let Some(address) = address {
            let url = self.address(&address)?;
            let answer = self.client().fetch(Request::get(&url, &title, MAX_ARCHIVE))?;
            match answer.status {
                200..300 => return Ok((answer.body, url.to_string())),
                // It may have been moved since it was locked.
                404 | 410 => gone = Some(self.refused(&answer, &title)),
                _ => return Err(self.refused(&answer, &title)),
            }
        }
        let urls = self.urls_in_index(&self.address(source)?, artifact);
        let found = urls.and_then(|urls| self.first_of(&urls, &title));
        found.map_err(|error| match gone {
            Some(gone) => error.help.iter().fold(gone.note(error.message.clone()), |gone, help| gone.help(help.clone())),
            None => error,
        })
    }

    /// Tries addresses in order, in mirrors where they have one; the last error is the one that is told.
    fn first_of(&self, urls: &[Url], title: &str) -> Result<(Vec<u8>, String), Box<Diagnostic>> {
        let mut last = Diagnostic::error(format!("{title}: the index of the repository gives no address for it"));
        for url in urls {
            let mirrored = self.options.mirrors.apply(url.as_str()).map(|address| self.address(&address)).transpose()?;
            let url = mirrored.as_ref().unwrap_or(url);
            match self.get(url, title) {
                Ok(bytes) => return Ok((bytes, url.to_string())),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn get(&self, url: &Url, title: &str) -> Result<Vec<u8>, Box<Diagnostic>> {
        let answer = self.client().fetch(Request::get(url, title, MAX_ARCHIVE))?;
        if (200..300).contains(&answer.status) { Ok(answer.body) } else { Err(self.refused(&answer, title)) }
    }

    fn refused(&self, answer: &Answer, title: &str) -> Box<Diagnostic> {
        match answer.status {
            401 | 403 => unauthorized(self.client(), "fetch", title, &answer.url, answer.status),
            404 | 410 => Diagnostic::error(format!("cannot fetch {title}: it is not there (any more)"))
                .note(format!("{} answered {}", answer.url, answer.status))
                .help(if title.starts_with("chart ") {
                    "`hydrate outdated` lists what the repository has; `hydrate lock --update NAME` moves to it"
                } else {
                    "check the address"
                }),
            status => {
                Diagnostic::error(format!("cannot fetch {title}: the server answered {status}")).note(format!("asked: {}", answer.url))
            }
        }
    }
}

/// The error for 401 and 403: who refused, and where credentials were looked for.
fn unauthorized(client: &Client, doing: &str, title: &str, url: &Url, status: u16) -> Box<Diagnostic> {
    let text = format!("cannot {doing} {title}: {} does not let us in ({status})", url.authority());
    let sent = match client.credentials().origin_of(url) {
        Some(place) => format!("it refused the credentials from {place}"),
        None => "no credentials were sent, for none are known".to_owned(),
    };
    let mut error = Diagnostic::error(text).note(format!("asked: {url}")).note(sent);
    if let Some(note) = client.credentials().passed_over(url) {
        error = error.note(note);
    }
    error = error.note("credentials were looked for in:");
    for place in client.credentials().searched() {
        error = error.note(format!("  {place}"));
    }
    error
}

fn not_at_hand(artifact: &Artifact, title: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("{title} is neither in charts/ nor in the cache"))
        .note(format!("--offline forbids fetching it from {}", artifact.url.as_deref().unwrap_or(&artifact.source)))
        .help("run `hydrate fetch` with the network at hand, or `hydrate vendor` to keep it in the repository")
}

fn mismatch(artifact: &Artifact, title: &str, (expected, found): (&str, &str), from: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("{title} is not what hydrate.lock says"))
        .note(format!("expected sha256 {expected}"))
        .note(format!("found    sha256 {found}"))
        .note(format!("from {from}"))
        .help("nothing of it was kept or used; find out why it was published again under the same version")
        .help(format!("only when that is understood: `hydrate lock --update {}`", artifact.name))
}
/// Runs `work` for each item on up to eight threads (the work waits for the network, not for the processor) and gives
/// the results in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..items.len().min(8) {
            scope.spawn(|| {
                while let Some((item, place)) = {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    items.get(at).zip(results.get(at))
                } {
                    let result = work(item);
                    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                }
            });
        }
    });
    results.into_iter().filter_map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// The repository and the tag of `oci://host/path[:tag]`; `None` where it is not of this form, or names a digest.
pub fn repository_and_tag(text: &str) -> Option<(String, Option<String>)> {
    let reference = Reference::parse(text).filter(|reference| reference.digest.is_none())?;
    Some((reference.name(), reference.tag))
}

/// A file that a path in the lock's project names.
fn project_file(root: &Path, name: &str) -> PathBuf {
    root.join("charts").join(name)
}
