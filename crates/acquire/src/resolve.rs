//! From what is asked for to what is locked: versions chosen, archives fetched, digests taken.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::{self, Limits};
use super::cache::Held;
use super::http::Request;
use super::index::{self, ChartVersion};
use super::oci::{tag_of, version_of};
use super::{ArtifactRequest, Supply, in_parallel};
use crate::lockfile::{Artifact, ArtifactKind, Lock};
use hydrate_address::Url;
use hydrate_base::Diagnostic;
use hydrate_base::hash::{is_sha256, sha256};
use hydrate_base::plain::counted;
use hydrate_base::suggest::nearest;
use hydrate_sprig::semver::{Constraint, Release, Version};

/// Which artifacts of a lock are resolved again although they still answer what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// Those of these names.
    Names(BTreeSet<String>),
}

impl Update {
    fn takes(&self, artifact: &Artifact) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Names(names) => names.contains(&artifact.name),
        }
    }
}

/// A newer version than the locked one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newer {
    /// The chart's name, or the Git address.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// The version (or commit) that is locked.
    pub locked: String,
    /// The newest release (or commit).
    pub newest: String,
    /// What of it the components take, and `hydrate lock --update` moves to.
    pub in_range: InRange,
    /// Which components use it.
    pub used_by: BTreeSet<String>,
}

/// What those who ask for an artifact take of its newer versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InRange {
    /// The highest newer version in their ranges.
    Version(String),
    /// No newer version is in their ranges.
    Nothing,
    /// It is asked for by a chart or a kustomization, whose ranges show only when they are rendered.
    Unknown,
}

/// A version as Masterminds' library of Helm 4.3 reads it.
fn version(text: &str) -> Option<Version> {
    Version::parse(text, Release::V3_5).ok()
}

/// A range, or one exact version.
struct Range<'a> {
    text: &'a str,
    constraint: Result<Constraint, String>,
}

impl<'a> Range<'a> {
    /// `None` stands for the newest release, as for helm without `--version`.
    fn new(text: Option<&'a str>) -> Self {
        let text = text.unwrap_or("*");
        Self { text, constraint: Constraint::parse(text, Release::V3_5) }
    }

    fn takes(&self, candidate: &str) -> bool {
        let parsed = version(candidate);
        self.text == candidate || self.constraint.as_ref().is_ok_and(|range| parsed.is_some_and(|parsed| range.check(&parsed)))
    }

    /// The position of the highest candidate in the range; one whose text is the same wins over all.
    fn best<'c>(&self, candidates: impl Iterator<Item = &'c str> + Clone) -> Option<usize> {
        if let Some(exact) = candidates.clone().position(|candidate| candidate == self.text) {
            return Some(exact);
        }
        let taken = candidates.enumerate().filter(|(_, candidate)| self.takes(candidate));
        let parsed = taken.filter_map(|(at, candidate)| Some((at, version(candidate)?)));
        // `max_by` gives the last of equal ones, the index is in falling order: the first is meant.
        parsed.max_by(|(a, x), (b, y)| x.compare(y).then(b.cmp(a))).map(|(at, _)| at)
    }
}

/// The artifact of a lock that answers a want.
pub(super) fn find<'a>(want: &ArtifactRequest, lock: &'a Lock) -> Option<&'a Artifact> {
    let among: Vec<&Artifact> = lock.artifacts().filter(|artifact| same_source(want, artifact)).collect();
    let range = match want {
        ArtifactRequest::Chart { version, .. } => Range::new(version.as_deref()),
        ArtifactRequest::Oci { reference, version } => {
            let reference = super::Reference::parse(reference)?;
            if let Some(digest) = &reference.digest {
                return among.into_iter().find(|artifact| artifact.manifest.as_ref() == Some(digest));
            }
            if let Some(tag) = reference.tag.as_deref().map(version_of) {
                return among.into_iter().find(|artifact| artifact.version == tag);
            }
            let at = best_locked(&Range::new(version.as_deref()), &among)?;
            return among.get(at).copied();
        }
        ArtifactRequest::Git(repository) => {
            let reference = repository.reference.as_deref().unwrap_or_default();
            return among.into_iter().find(|artifact| artifact.version == reference);
        }
        ArtifactRequest::Archive { .. } | ArtifactRequest::File { .. } => return among.first().copied(),
    };
    among.get(best_locked(&range, &among)?).copied()
}

/// Where nothing but pre-releases is locked, the newest release was not asked for.
fn best_locked(range: &Range<'_>, among: &[&Artifact]) -> Option<usize> {
    range.best(among.iter().map(|artifact| artifact.version.as_str()))
}

fn same_source(want: &ArtifactRequest, artifact: &Artifact) -> bool {
    match (want, artifact.kind) {
        (ArtifactRequest::Chart { repository, name, .. }, ArtifactKind::Chart) => {
            artifact.source == shown_repository(repository) && artifact.name == *name
        }
        (ArtifactRequest::Oci { reference, .. }, ArtifactKind::Oci) => {
            super::Reference::parse(reference).is_some_and(|reference| reference.name() == artifact.source)
        }
        (ArtifactRequest::Archive { url }, ArtifactKind::Archive) | (ArtifactRequest::File { url }, ArtifactKind::File) => {
            artifact.source == Url::shown(url)
        }
        (ArtifactRequest::Git(repository), ArtifactKind::Git) => artifact.source == hydrate_address::to_lock(repository),
        _ => false,
    }
}

/// A repository's address as the lock has it: no password, no slash at its end.
fn shown_repository(text: &str) -> String {
    Url::shown(text).trim_end_matches('/').to_owned()
}

/// Wants that one request answers: all charts of one index, or a single other one.
enum Group<'a> {
    Index(String, Vec<&'a ArtifactRequest>),
    Single(&'a ArtifactRequest),
}

impl Supply<'_> {
    /// The lock for what is wanted, with its users. What `old` holds already is kept unless `update` takes it; the rest
    /// is resolved and fetched, several at once. All failures are given, not the first.
    pub fn resolve(
        &self,
        wants: &BTreeMap<ArtifactRequest, BTreeSet<String>>,
        old: &Lock,
        update: &Update,
    ) -> Result<Lock, Vec<Box<Diagnostic>>> {
        let mut lock = Lock::default();
        let mut open: Vec<&ArtifactRequest> = Vec::new();
        for (want, users) in wants {
            match find(want, old).filter(|artifact| !update.takes(artifact)) {
                Some(artifact) => lock.add(Artifact { used_by: users.clone(), ..artifact.clone() }),
                None => open.push(want),
            }
        }
        let mut failures = Vec::new();
        for (want, result) in self.resolve_each(&open) {
            match result {
                Ok(artifact) => lock.add(Artifact { used_by: wants.get(want).cloned().unwrap_or_default(), ..artifact }),
                Err(error) => failures.push(error),
            }
        }
        if failures.is_empty() { Ok(lock) } else { Err(failures) }
    }

    /// What each want comes to now; what one request answers is asked once, and several are asked at the same time.
    pub fn resolve_each<'a>(&self, wants: &[&'a ArtifactRequest]) -> Vec<(&'a ArtifactRequest, Result<Artifact, Box<Diagnostic>>)> {
        in_parallel(&self.grouped(wants), |group| self.resolve_group(group)).into_iter().flatten().collect()
    }

    fn grouped<'a>(&self, wants: &[&'a ArtifactRequest]) -> Vec<Group<'a>> {
        let mut indexes: BTreeMap<String, Vec<&ArtifactRequest>> = BTreeMap::new();
        let mut groups = Vec::new();
        for want in wants.iter().copied() {
            match want {
                ArtifactRequest::Chart { repository, .. } => indexes.entry(repository.clone()).or_default().push(want),
                _ => groups.push(Group::Single(want)),
            }
        }
        groups.extend(indexes.into_iter().map(|(repository, wants)| Group::Index(repository, wants)));
        groups
    }

    fn resolve_group<'a>(&self, group: &Group<'a>) -> Vec<(&'a ArtifactRequest, Result<Artifact, Box<Diagnostic>>)> {
        match group {
            Group::Single(want) => vec![(*want, self.resolve_single(want))],
            Group::Index(repository, wants) => self.resolve_in_index(repository, wants),
        }
    }

    fn resolve_single(&self, want: &ArtifactRequest) -> Result<Artifact, Box<Diagnostic>> {
        match want {
            ArtifactRequest::Oci { reference, version } => self.resolve_oci(reference, reference, version.as_deref()),
            ArtifactRequest::Archive { url } => {
                let bytes = self.get(&self.address(self.mirrored(url).as_str())?, &want.title())?;
                self.chart_artifact(ArtifactKind::Archive, Url::shown(url), None, &bytes, &want.title())
            }
            ArtifactRequest::File { url } => {
                let bytes = self.get(&self.address(self.mirrored(url).as_str())?, &want.title())?;
                let digest = self.cache()?.put(&bytes)?;
                let name = Url::parse(url).map(|url| url.file_name().to_owned()).filter(|name| !name.is_empty());
                let name = name.unwrap_or_else(|| "resource.yaml".to_owned());
                Ok(Artifact { content: digest.clone(), ..blank(ArtifactKind::File, name, Url::shown(url), digest) })
            }
            ArtifactRequest::Git(repository) => self.resolve_git(repository),
            ArtifactRequest::Chart { repository, .. } => {
                let mut results = self.resolve_in_index(repository, &[want]);
                results.pop().map_or_else(|| Err(Diagnostic::error(format!("cannot resolve {}", want.title()))), |(_, result)| result)
            }
        }
    }

    /// Whether a repository, or what the project names as its mirror, is a directory of this machine.
    pub fn is_local(&self, repository: &hydrate_address::Repository) -> bool {
        let mirror = hydrate_address::Repository { address: self.mirrored(&repository.address), ..repository.clone() };
        repository.is_local() || mirror.is_local()
    }

    fn mirrored(&self, address: &str) -> String {
        self.options.mirrors.apply(address).unwrap_or_else(|| address.to_owned())
    }

    fn resolve_git(&self, repository: &hydrate_address::Repository) -> Result<Artifact, Box<Diagnostic>> {
        let from = hydrate_address::Repository { address: self.mirrored(&repository.address), ..repository.clone() };
        let (tree, commit) = self.fetch_git(&from, None)?;
        let tar = tree.to_tar().map_err(|error| Diagnostic::error("cannot pack a Git repository").note(error.to_string()))?;
        let digest = self.cache()?.put(&tar)?;
        let name = repository.address.trim_end_matches('/').trim_end_matches(".git");
        let name = name.rsplit(['/', ':']).next().unwrap_or(name).to_owned();
        Ok(Artifact {
            version: repository.reference.clone().unwrap_or_default(),
            commit: Some(commit),
            content: tree.digest(),
            ..blank(ArtifactKind::Git, name, hydrate_address::to_lock(repository), digest)
        })
    }

    /// A chart in a registry; `original` is how the component names it, `reference` where it is asked for.
    fn resolve_oci(&self, original: &str, reference: &str, version: Option<&str>) -> Result<Artifact, Box<Diagnostic>> {
        let named = self.reference(original)?;
        let asked = self.reference(&self.mirrored(reference))?;
        let title = format!("chart {}", named.name());
        let which = match (&named.digest, &named.tag, version.and_then(exact)) {
            (Some(digest), ..) => digest.clone(),
            (None, Some(tag), _) => tag.clone(),
            (None, None, Some(version)) => tag_of(version),
            (None, None, None) => tag_of(&self.best_tag(&asked, version, &title)?),
        };
        let Some(manifest) = self.registries().manifest(&asked, &which, &title)? else {
            return Err(self.no_such_tag(&asked, &which, &title));
        };
        let digest = manifest.chart.trim_start_matches("sha256:");
        let _held = self.wait_for(digest)?;
        let bytes = match self.known(digest)? {
            Some(bytes) => bytes,
            None => self.registries().blob(&asked, &manifest.chart, &title)?,
        };
        let artifact = self.chart_artifact(ArtifactKind::Oci, named.name(), None, &bytes, &title)?;
        // The tag is what was chosen by, also where Chart.yaml writes another version (`:latest`, `:v1.0`).
        let version = if which.starts_with("sha256:") { artifact.version.clone() } else { version_of(&which) };
        Ok(Artifact { version, manifest: Some(manifest.digest), ..artifact })
    }

    /// Holds other processes that want bytes of this digest back until they are in the cache; nothing for what is no
    /// digest.
    fn wait_for(&self, digest: &str) -> Result<Option<Held>, Box<Diagnostic>> {
        if !is_sha256(digest) || self.cache()?.has(digest) {
            return Ok(None);
        }
        self.cache()?.lock(&format!("blob-{digest}")).map(Some)
    }

    fn known(&self, digest: &str) -> Result<Option<Vec<u8>>, Box<Diagnostic>> {
        if is_sha256(digest) { self.cache()?.get(digest) } else { Ok(None) }
    }

    fn best_tag(&self, reference: &super::Reference, range: Option<&str>, title: &str) -> Result<String, Box<Diagnostic>> {
        let range = checked_range(range, title)?;
        let tags = self.registries().tags(reference, title)?;
        let versions: Vec<String> = tags.iter().map(|tag| version_of(tag)).filter(|text| version(text).is_some()).collect();
        match range.best(versions.iter().map(String::as_str)).and_then(|at| versions.get(at)) {
            Some(best) => Ok(best.clone()),
            None => Err(no_version(title, &range, versions.iter().map(String::as_str))),
        }
    }

    fn no_such_tag(&self, reference: &super::Reference, which: &str, title: &str) -> Box<Diagnostic> {
        let error = Diagnostic::error(format!("{title}: there is no {which} in the registry"));
        let tags = self.registries().tags(reference, title).unwrap_or_default();
        let versions: Vec<String> = tags.iter().map(|tag| version_of(tag)).collect();
        with_versions(error, which, versions.iter().map(String::as_str))
    }

    fn resolve_in_index<'a>(
        &self,
        repository: &str,
        wants: &[&'a ArtifactRequest],
    ) -> Vec<(&'a ArtifactRequest, Result<Artifact, Box<Diagnostic>>)> {
        let mirrored = self.options.mirrors.apply(repository);
        let source = mirrored.as_deref().unwrap_or(repository);
        if source.starts_with("oci://") {
            return wants.iter().map(|want| (*want, self.resolve_in_mirror_registry(source, want))).collect();
        }
        let found = self.read_index(source, wants.iter().filter_map(|want| chart_name(want)));
        match found {
            Ok((base, found)) => wants.iter().map(|want| (*want, self.pick(&base, mirrored.is_some(), want, &found))).collect(),
            Err(error) => wants.iter().map(|want| (*want, Err(error.clone().note(format!("for {}", want.title()))))).collect(),
        }
    }

    fn resolve_in_mirror_registry(&self, mirror: &str, want: &ArtifactRequest) -> Result<Artifact, Box<Diagnostic>> {
        let ArtifactRequest::Chart { repository, name, version } = want else {
            return self.resolve_single(want);
        };
        let reference = format!("{}/{name}", mirror.trim_end_matches('/'));
        let artifact = self.resolve_oci(&reference, &reference, version.as_deref())?;
        Ok(Artifact { kind: ArtifactKind::Chart, source: shown_repository(repository), manifest: None, ..artifact })
    }

    /// The entries of some charts in a repository's index.
    fn read_index<'n>(&self, repository: &str, names: impl Iterator<Item = &'n str>) -> Result<(Url, index::Found), Box<Diagnostic>> {
        let base = self.address(repository)?;
        let title = format!("the index of {base}");
        let url = base.join_below("index.yaml").ok_or_else(|| Diagnostic::error(format!("{base} is not a usable address")))?;
        let wanted: BTreeSet<String> = names.map(str::to_owned).collect();
        let request = Request { accept: Some("application/yaml, text/yaml, */*"), ..Request::get(&url, &title, index::MAX_INDEX) };
        let found = self.indexes.read(base.as_str(), &wanted, |read| self.client().stream(request, read))?;
        found.map(|found| (base.clone(), found)).map_err(|answer| match answer.status {
            404 | 410 => Diagnostic::error(format!("there is no chart repository at {base}"))
                .note(format!("{} answered {}", answer.url, answer.status))
                .help("`repo` is the address that `helm repo add` takes; a registry is written `chart: oci://HOST/PATH/CHART`"),
            _ => self.refused(&answer, &title),
        })
    }

    fn pick(&self, base: &Url, mirrored: bool, want: &ArtifactRequest, found: &index::Found) -> Result<Artifact, Box<Diagnostic>> {
        let ArtifactRequest::Chart { repository, name, version } = want else {
            return self.resolve_single(want);
        };
        let title = want.title();
        let entries = found.charts.get(name).ok_or_else(|| no_chart(name, base, found))?;
        let range = checked_range(version.as_deref(), &title)?;
        let at = range.best(entries.iter().map(|entry| entry.version.as_str()));
        let Some(entry) = at.and_then(|at| entries.get(at)) else {
            return Err(no_version(&title, &range, entries.iter().map(|entry| entry.version.as_str())));
        };
        let title = format!("chart {name} {}", entry.version);
        let urls = addresses(self, base, entry)?;
        let told = entry.digest.trim_start_matches("sha256:");
        let _held = self.wait_for(told)?;
        let (bytes, from) = match (self.known(told)?, urls.first()) {
            (Some(bytes), Some(url)) => (bytes, url.to_string()),
            _ => self.first_of(&urls, &title)?,
        };
        let digest = sha256(&bytes);
        if !told.is_empty() && !told.eq_ignore_ascii_case(&digest) {
            return Err(Diagnostic::error(format!("{title} is not what the index of its repository says"))
                .note(format!("expected sha256 {told}"))
                .note(format!("found    sha256 {digest}"))
                .note(format!("from {from}"))
                .help("nothing of it was kept; ask whoever runs the repository"));
        }
        let artifact = self.chart_artifact(ArtifactKind::Chart, shown_repository(repository), Some(name), &bytes, &title)?;
        // The index is what versions are chosen by, also where it writes them unlike Chart.yaml (`v1.0` and `1.0`).
        let url = self.options.mirrors.original(&from).or((!mirrored).then_some(from));
        Ok(Artifact { version: entry.version.clone(), url, ..artifact })
    }

    /// The addresses in the index of a chart that is locked, for the seldom case that the lock has none.
    pub(super) fn urls_in_index(&self, base: &Url, artifact: &Artifact) -> Result<Vec<Url>, Box<Diagnostic>> {
        let (base, found) = self.read_index(base.as_str(), std::iter::once(artifact.name.as_str()))?;
        let entries = found.charts.get(&artifact.name).ok_or_else(|| no_chart(&artifact.name, &base, &found))?;
        let entry = entries.iter().find(|entry| entry.version == artifact.version);
        let exact = Range::new(Some(&artifact.version));
        let missing = || no_version(&artifact.title(), &exact, entries.iter().map(|entry| entry.version.as_str()));
        addresses(self, &base, entry.ok_or_else(missing)?)
    }

    /// Keeps a packed chart and describes it; what is not a sound chart of that name is refused.
    fn chart_artifact(
        &self,
        kind: ArtifactKind,
        source: String,
        name: Option<&str>,
        bytes: &[u8],
        title: &str,
    ) -> Result<Artifact, Box<Diagnostic>> {
        let tree = archive::unpack(bytes, title, Limits::CHART)?;
        archive::refuse_links_out(&tree, title)?;
        let (found, version) = identity(&tree, title)?;
        if name.is_some_and(|name| name != found) {
            return Err(Diagnostic::error(format!("{title}: the archive holds another chart, {found}")).note(format!("from {source}")));
        }
        let digest = self.cache()?.put(bytes)?;
        Ok(Artifact { version, content: tree.digest(), ..blank(kind, found, source, digest) })
    }

    /// Newer releases of what is locked, and newer commits of the Git references; pre-releases do not count, unless a range asks for them. `wants` says what
    /// components ask for themselves.
    pub fn outdated(&self, lock: &Lock, wants: &BTreeSet<ArtifactRequest>) -> Result<Vec<Newer>, Vec<Box<Diagnostic>>> {
        let artifacts: Vec<&Artifact> = lock.artifacts().collect();
        let results = in_parallel(&artifacts, |artifact| {
            let askers: Vec<&ArtifactRequest> = wants.iter().filter(|want| find(want, lock) == Some(*artifact)).collect();
            self.newer(artifact, &askers).map(|newest| (*artifact, newest))
        });
        let (mut newer, mut failures) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                Ok((artifact, Some((newest, in_range)))) => newer.push(Newer {
                    name: artifact.name.clone(),
                    source: artifact.source.clone(),
                    locked: artifact.commit.clone().unwrap_or_else(|| artifact.version.clone()),
                    newest,
                    in_range,
                    used_by: artifact.used_by.clone(),
                }),
                Ok(_) => {}
                Err(error) => failures.push(error),
            }
        }
        if failures.is_empty() { Ok(newer) } else { Err(failures) }
    }

    /// The newest version of an artifact and what of it `askers` take, where it is newer.
    fn newer(&self, artifact: &Artifact, askers: &[&ArtifactRequest]) -> Result<Option<(String, InRange)>, Box<Diagnostic>> {
        let source = self.mirrored(&artifact.source);
        let versions: Vec<String> = match artifact.kind {
            ArtifactKind::Chart if !source.starts_with("oci://") => {
                let (_, mut found) = self.read_index(&source, std::iter::once(artifact.name.as_str()))?;
                found.charts.remove(&artifact.name).unwrap_or_default().into_iter().map(|entry| entry.version).collect()
            }
            ArtifactKind::Chart | ArtifactKind::Oci => {
                let text = if artifact.kind == ArtifactKind::Chart {
                    format!("{}/{}", source.trim_end_matches('/'), artifact.name)
                } else {
                    source
                };
                self.registries().tags(&self.reference(&text)?, &artifact.title())?.iter().map(|tag| version_of(tag)).collect()
            }
            ArtifactKind::Git => {
                let (address, submodules) = hydrate_address::of_lock(&source);
                let reference = Some(artifact.version.clone()).filter(|text| !text.is_empty());
                let (_, commit) = self.fetch_git(&hydrate_address::Repository { address, reference, submodules, timeout: None }, None)?;
                // The reference is what is asked for.
                let newer = Some(commit).filter(|commit| artifact.commit.as_ref() != Some(commit));
                return Ok(newer.map(|commit| (commit.clone(), InRange::Version(commit))));
            }
            ArtifactKind::Archive | ArtifactKind::File => return Ok(None),
        };
        let best = |range: Range<'_>| range.best(versions.iter().map(String::as_str)).and_then(|at| versions.get(at));
        let in_range = askers.iter().filter_map(|asker| best(asked_range(asker)?)).filter(|best| is_later(best, &artifact.version));
        let in_range = in_range.reduce(|a, b| if is_later(b, a) { b } else { a });
        let newest = best(Range::new(None)).filter(|newest| is_later(newest, &artifact.version));
        let taken = match in_range {
            Some(taken) => InRange::Version(taken.clone()),
            None if askers.is_empty() => InRange::Unknown,
            None => InRange::Nothing,
        };
        // A pre-release that a range asks for may be later than the newest release.
        let newest = newest.into_iter().chain(in_range).reduce(|a, b| if is_later(b, a) { b } else { a });
        Ok(newest.map(|newest| (newest.clone(), taken)))
    }
}

fn is_later(one: &str, other: &str) -> bool {
    version(one).is_some_and(|one| version(other).is_some_and(|other| one.compare(&other).is_gt()))
}

/// The range of a request; `None` where it names one version in its address.
fn asked_range(want: &ArtifactRequest) -> Option<Range<'_>> {
    match want {
        ArtifactRequest::Chart { version, .. } => Some(Range::new(version.as_deref())),
        ArtifactRequest::Oci { reference, version } => {
            let reference = super::Reference::parse(reference)?;
            (reference.digest.is_none() && reference.tag.is_none()).then(|| Range::new(version.as_deref()))
        }
        ArtifactRequest::Archive { .. } | ArtifactRequest::Git(_) | ArtifactRequest::File { .. } => None,
    }
}

fn blank(kind: ArtifactKind, name: String, source: String, sha256: String) -> Artifact {
    Artifact {
        kind,
        name,
        version: String::new(),
        source,
        url: None,
        commit: None,
        manifest: None,
        provenance: None,
        used_by: BTreeSet::new(),
        content: String::new(),
        sha256,
    }
}

fn chart_name<'a>(want: &&'a ArtifactRequest) -> Option<&'a str> {
    match want {
        ArtifactRequest::Chart { name, .. } => Some(name),
        _ => None,
    }
}

/// A version that names exactly one: three numbers, and no operator.
fn exact(text: &str) -> Option<&str> {
    let plain = text.trim_start_matches('v');
    let release = plain.split(['-', '+']).next().unwrap_or_default();
    (release.split('.').filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())).count() == 3).then_some(text)
}

fn checked_range<'a>(text: Option<&'a str>, title: &str) -> Result<Range<'a>, Box<Diagnostic>> {
    let range = Range::new(text);
    match &range.constraint {
        Err(why) => Err(Diagnostic::error(format!("{title}: {:?} is not a version or range", range.text))
            .note(why.clone())
            .help("write a version (1.2.3) or a range (~1.2, ^1.0.0, >=1.0 <2.0)")),
        Ok(_) => Ok(range),
    }
}

fn addresses(supply: &Supply<'_>, base: &Url, entry: &ChartVersion) -> Result<Vec<Url>, Box<Diagnostic>> {
    let joined = entry.urls.iter().filter_map(|url| {
        let address = base.join_below(url)?;
        Url::login_of(url).is_none().then_some(address)
    });
    // `oci://` among the addresses of an index is helm's way to point to a registry; that is a source of its own here.
    let (http, other): (Vec<Url>, Vec<Url>) = joined.partition(|url| matches!(url.scheme(), "http" | "https"));
    for url in &http {
        supply.address(url.as_str())?;
    }
    match (http.is_empty(), other.first()) {
        (true, Some(url)) => Err(Diagnostic::error(format!("the repository {base} keeps this chart at {url}"))
            .help(format!("name it so in component.yaml: `chart: {url}`, without `repo:`"))),
        _ => Ok(http),
    }
}

fn no_chart(name: &str, base: &Url, found: &index::Found) -> Box<Diagnostic> {
    let near = nearest(name, found.names.iter().map(String::as_str), 3);
    let error =
        Diagnostic::error(format!("there is no chart {name} in {base}")).note(format!("it has {}", counted(found.names.len(), "chart")));
    if near.is_empty() { error } else { error.help(format!("did you mean {}?", near.join(", "))) }
}

fn no_version<'a>(title: &str, range: &Range<'_>, versions: impl Iterator<Item = &'a str> + Clone) -> Box<Diagnostic> {
    let error = Diagnostic::error(format!("{title}: no version matches {:?}", range.text));
    let pre_only = versions.clone().filter_map(version).next().is_some() && Range::new(None).best(versions.clone()).is_none();
    let error = if pre_only { error.note("there are pre-releases only; `>0.0.0-0` takes them too") } else { error };
    with_versions(error, range.text, versions)
}

/// Adds the versions near to the one that is not there, and the newest.
fn with_versions<'a>(error: Box<Diagnostic>, wanted: &str, versions: impl Iterator<Item = &'a str> + Clone) -> Box<Diagnostic> {
    let mut sorted: Vec<(Version, &str)> = versions.clone().filter_map(|text| Some((version(text)?, text))).collect();
    sorted.sort_by(|(a, _), (b, _)| b.compare(a));
    let newest: Vec<&str> = sorted.iter().map(|(_, text)| *text).take(3).collect();
    if newest.is_empty() {
        return error.note("it has no version at all");
    }
    let near = nearest(wanted, versions, 3);
    let error = if near.is_empty() { error } else { error.help(format!("near to it: {}", near.join(", "))) };
    error.help(format!("newest: {}", newest.join(", ")))
}

/// Name and version in the Chart.yaml of a packed chart.
fn identity(tree: &archive::Tree, title: &str) -> Result<(String, String), Box<Diagnostic>> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        name: String,
        #[serde(default)]
        version: serde_yaml::Value,
    }
    let file =
        tree.entries().find(|(path, _)| path.ends_with("/Chart.yaml") && path.matches('/').count() == 1).map(|(path, _)| path.to_owned());
    let text =
        file.and_then(|path| tree.file(&path)).ok_or_else(|| Diagnostic::error(format!("{title}: the archive holds no Chart.yaml")))?;
    let metadata: Metadata = serde_yaml::from_slice(&text)
        .map_err(|error| Diagnostic::error(format!("{title}: its Chart.yaml cannot be read")).note(error.to_string()))?;
    let version = match metadata.version {
        serde_yaml::Value::String(text) => text,
        serde_yaml::Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Ok((metadata.name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'a>(range: Option<&str>, versions: &[&'a str]) -> Option<&'a str> {
        Range::new(range).best(versions.iter().copied()).map(|at| versions[at])
    }

    #[test]
    fn the_highest_release_in_the_range() {
        let versions = ["2.0.0-rc.1", "1.10.0", "1.9.0", "v1.8.0", "0.9.0"];
        for (range, want) in [
            (None, Some("1.10.0")),
            (Some("~1.9"), Some("1.9.0")),
            (Some("<1.10"), Some("1.9.0")),
            (Some(">0.0.0-0"), Some("2.0.0-rc.1")),
            (Some("2.0.0-rc.1"), Some("2.0.0-rc.1")),
            (Some("1.8.0"), Some("v1.8.0")),
            (Some("^3"), None),
        ] {
            assert_eq!(best(range, &versions), want, "{range:?}");
        }
    }

    #[test]
    fn exact_versions_need_no_list_of_tags() {
        for (text, want) in [("1.2.3", true), ("v1.2.3-rc.1+5", true), ("1.2", false), ("^1.2.3", false), ("1.x.3", false), ("*", false)] {
            assert_eq!(exact(text).is_some(), want, "{text}");
        }
    }
}
