//! Provenance files as supply gets them: found beside the archive or in the registry, locked by digest, kept like
//! everything else.

use std::sync::Arc;

use super::http::Request;
use super::oci::tag_of;
use super::provenance::{self, Keyring, MAX_PROVENANCE};
use super::vendor::VendoredFile;
use super::{Supply, unauthorized};
use crate::lockfile::{Artifact, ArtifactKind};
use hydrate_address::Url;
use hydrate_base::{Diagnostic, World};

impl Supply<'_> {
    /// The keyring that charts are verified with. One in the project is read as `project` may be read, the user's own as it is.
    pub fn keyring(&self, project: &dyn World) -> Result<Keyring, Box<Diagnostic>> {
        let path = provenance::keyring_path(self.world, self.options.keyring.as_deref());
        Keyring::read(if path.starts_with(&self.options.root) { project } else { self.world }, &path)
    }

    /// The keyring as it is on the disk, and where; an error where it is none.
    pub fn keyring_file(&self, project: &dyn World) -> Result<(String, Arc<[u8]>), Box<Diagnostic>> {
        let path = provenance::keyring_path(self.world, self.options.keyring.as_deref());
        let world = if path.starts_with(&self.options.root) { project } else { self.world };
        self.keyring(project)?;
        let bytes = world.read(&path).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))?;
        Ok((path.display().to_string(), bytes))
    }

    /// The provenance file of an artifact whose digest the lock has: the vendored one, that of the cache, or fetched.
    pub fn provenance(&self, artifact: &Artifact) -> Result<Arc<[u8]>, Box<Diagnostic>> {
        if let Some(bytes) = self.vendored().get(artifact, VendoredFile::Provenance)? {
            return Ok(bytes);
        }
        let title = title(artifact);
        let Some(digest) = &artifact.provenance else {
            return Err(Diagnostic::error(format!("hydrate.lock does not hold {title}"))
                .help("run `hydrate lock` and commit the lock with the change that needs it"));
        };
        self.kept(artifact, &title, digest, || self.download_provenance(artifact, Some(digest)))
    }

    /// The artifact with the digest of its provenance file, which is fetched for it.
    pub fn with_provenance(&self, artifact: &Artifact) -> Result<Artifact, Box<Diagnostic>> {
        let (bytes, _) = self.download_provenance(artifact, None)?;
        let digest = self.cache()?.put(&bytes)?;
        Ok(Artifact { provenance: Some(digest), ..artifact.clone() })
    }

    /// The names under which an archive may have been signed: that of its address, and the one that helm gives it.
    pub fn archive_names(artifact: &Artifact) -> Vec<String> {
        let address = artifact.url.as_deref().or((artifact.kind == ArtifactKind::Archive).then_some(artifact.source.as_str()));
        let own = address.and_then(Url::parse).map(|url| url.file_name().to_owned()).filter(|name| !name.is_empty());
        let usual = format!("{}-{}.tgz", artifact.name, artifact.version);
        let other = own.filter(|name| *name != usual);
        std::iter::once(usual).chain(other).collect()
    }

    /// Fetches the provenance file, by its digest where a registry is asked and it is known; also says from where.
    fn download_provenance(&self, artifact: &Artifact, digest: Option<&str>) -> Result<(Vec<u8>, String), Box<Diagnostic>> {
        let mirrored = self.options.mirrors.apply(&artifact.source);
        let source = mirrored.as_deref().unwrap_or(&artifact.source);
        match artifact.kind {
            ArtifactKind::Git | ArtifactKind::File => {
                Err(Diagnostic::error(format!("{} cannot be verified: only packed charts are signed", artifact.title()))
                    .note("hydrate.lock pins a Git repository by its commit, and so everything in it")
                    .help("leave `verify: true` out"))
            }
            ArtifactKind::Oci => self.provenance_in_registry(artifact, source, digest),
            ArtifactKind::Chart if source.starts_with("oci://") => {
                self.provenance_in_registry(artifact, &format!("{}/{}", source.trim_end_matches('/'), artifact.name), digest)
            }
            ArtifactKind::Archive => self.provenance_beside(&[self.address(source)?], artifact),
            ArtifactKind::Chart => {
                let base = self.address(source)?;
                let urls = match (&artifact.url, &mirrored) {
                    (Some(url), None) => vec![self.address(&self.options.mirrors.apply(url).unwrap_or_else(|| url.clone()))?],
                    _ => self.urls_in_index(&base, artifact)?,
                };
                self.provenance_beside(&urls, artifact)
            }
        }
    }

    /// `ARCHIVE.prov`, as `helm package --sign` names it.
    fn provenance_beside(&self, archives: &[Url], artifact: &Artifact) -> Result<(Vec<u8>, String), Box<Diagnostic>> {
        let title = title(artifact);
        let mut last = missing(artifact);
        for archive in archives {
            let (path, query) = archive.as_str().split_once('?').map_or((archive.as_str(), None), |(path, query)| (path, Some(query)));
            let beside = query.map_or_else(|| format!("{path}.prov"), |query| format!("{path}.prov?{query}"));
            let Some(url) = Url::parse(&beside) else { continue };
            let answer = self.client().fetch(Request::get(&url, &title, MAX_PROVENANCE));
            last = match answer {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok((answer.body, url.to_string())),
                Ok(answer) if matches!(answer.status, 401 | 403) => {
                    unauthorized(self.client(), "fetch", &title, &answer.url, answer.status)
                }
                Ok(answer) => missing(artifact).note(format!("{url} answered {}", answer.status)),
                Err(error) => error,
            };
        }
        Err(last)
    }

    /// The provenance layer of a chart in a registry; the manifest has to be the locked one and to name this archive.
    fn provenance_in_registry(
        &self,
        artifact: &Artifact,
        source: &str,
        digest: Option<&str>,
    ) -> Result<(Vec<u8>, String), Box<Diagnostic>> {
        let (reference, title) = (self.reference(source)?, title(artifact));
        let layer = match digest {
            Some(digest) => format!("sha256:{digest}"),
            None => self.provenance_layer(artifact, &reference)?,
        };
        let bytes = self.registries().blob(&reference, &layer, &title)?;
        if bytes.len() as u64 > MAX_PROVENANCE {
            return Err(Diagnostic::error(format!("{title} is larger than the {MAX_PROVENANCE} bytes allowed")));
        }
        Ok((bytes, reference.name()))
    }

    fn provenance_layer(&self, artifact: &Artifact, reference: &super::Reference) -> Result<String, Box<Diagnostic>> {
        let title = artifact.title();
        let which = artifact.manifest.clone().unwrap_or_else(|| tag_of(&artifact.version));
        let manifest = self.registries().manifest(reference, &which, &title)?;
        let manifest = manifest.ok_or_else(|| missing(artifact).note(format!("{} has no {which} any more", reference.name())))?;
        let locked = format!("sha256:{}", artifact.sha256);
        if manifest.chart != locked {
            return Err(Diagnostic::error(format!("{title} cannot be verified: the registry names another archive"))
                .note(format!("expected {locked}"))
                .note(format!("found    {}", manifest.chart))
                .note(format!("in the manifest {which} of {}", reference.name())));
        }
        manifest.provenance.ok_or_else(|| missing(artifact).note(format!("the manifest {which} of {} has no such layer", reference.name())))
    }
}

fn title(artifact: &Artifact) -> String {
    format!("the provenance of {}", artifact.title())
}

fn missing(artifact: &Artifact) -> Box<Diagnostic> {
    Diagnostic::error(format!("{} cannot be verified: it has no provenance file", artifact.title()))
        .help("`helm package --sign` makes one; ask whoever publishes the chart, or leave `verify: true` out")
}
