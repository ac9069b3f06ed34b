//! Manifests packed for a registry: one layer that Flux (`fluxcd/pkg/oci`) and Argo CD (`util/oci`) both unpack.
//!
//! The same files and annotations give the same bytes: paths are sorted, owner, mode and times are fixed, and gzip says neither name nor time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use hydrate_base::hash::sha256;

/// The layer: Argo CD takes no other, but one for charts.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The configuration of an image, which every registry takes.
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The manifest.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The annotation that says when it was made.
const CREATED: &str = "org.opencontainers.image.created";

/// A package, ready to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The layer: a gzipped archive.
    pub layer: Vec<u8>,
    /// The configuration.
    pub config: Vec<u8>,
    /// The manifest, which names both.
    pub manifest: Vec<u8>,
}

impl Package {
    /// Packs files by their paths in it.
    ///
    /// # Errors
    /// Where a path cannot stand in an archive.
    pub fn of(files: &BTreeMap<String, Vec<u8>>, annotations: &BTreeMap<String, String>) -> io::Result<Self> {
        let archive = archive(files)?;
        let mut encoder = flate2::GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(&archive)?;
        let layer = encoder.finish()?;
        let config = Configuration {
            created: annotations.get(CREATED),
            architecture: "",
            os: "",
            config: Empty {},
            rootfs: RootFs { kind: "layers", diff_ids: [digest(&archive)] },
        };
        let config = serde_json::to_vec(&config)?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST,
            config: Descriptor::of(CONFIG, &config),
            layers: [Descriptor::of(LAYER, &layer)],
            annotations,
        };
        let manifest = serde_json::to_vec(&manifest)?;
        Ok(Self { layer, config, manifest })
    }

    /// The digest that clusters know it by: `sha256:…` of the manifest.
    pub fn digest(&self) -> String {
        digest(&self.manifest)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u32,
    media_type: &'a str,
    config: Descriptor<'a>,
    layers: [Descriptor<'a>; 1],
    annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'a str,
    digest: String,
    size: usize,
}

impl<'a> Descriptor<'a> {
    fn of(media_type: &'a str, bytes: &[u8]) -> Self {
        Self { media_type, digest: digest(bytes), size: bytes.len() }
    }
}

#[derive(Serialize)]
struct Configuration<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<&'a String>,
    architecture: &'a str,
    os: &'a str,
    config: Empty,
    rootfs: RootFs<'a>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct RootFs<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    diff_ids: [String; 1],
}

/// `sha256:…`
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

/// Directories before what is in them, as whoever unpacks it one by one wants them.
fn archive(files: &BTreeMap<String, Vec<u8>>) -> io::Result<Vec<u8>> {
    let parents = |path: &String| path.match_indices('/').map(|(at, _)| format!("{}/", &path[..at])).collect::<Vec<_>>();
    let directories: BTreeSet<String> = files.keys().flat_map(parents).collect();
    let none = Vec::new();
    let entries: BTreeMap<&String, (&Vec<u8>, bool)> =
        files.iter().map(|(path, bytes)| (path, (bytes, false))).chain(directories.iter().map(|path| (path, (&none, true)))).collect();
    let mut builder = tar::Builder::new(Vec::new());
    for (path, (bytes, is_directory)) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(if is_directory { tar::EntryType::Directory } else { tar::EntryType::Regular });
        header.set_mode(if is_directory { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, path, bytes.as_slice())?;
    }
    builder.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(all: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        all.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn annotations() -> BTreeMap<String, String> {
        BTreeMap::from([(CREATED.to_owned(), "2026-01-02T03:04:05Z".to_owned())])
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let long = format!("manifests/dev/{}/x.yaml", "long".repeat(40));
        let all = [("manifests/dev/b.yaml", "b"), (long.as_str(), "long"), ("manifests/dev-2/a.yaml", "a"), ("clusters/dev/c.yaml", "")];
        let package = Package::of(&files(&all), &annotations()).unwrap();
        let mut turned = all;
        turned.reverse();
        assert_eq!(Package::of(&files(&turned), &annotations()).unwrap(), package);
        // A change of these bytes is one that every cluster sees: it has to be meant.
        assert_eq!(package.digest(), "sha256:f2b5267f6d67025149253da055706296ba0f71e38abfea1594402c7e068825ab");

        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(package.layer.as_slice()));
        let told = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
            format!("{:o} {}", header.mode().unwrap(), entry.path().unwrap().display())
        });
        let told: Vec<String> = told.collect();
        let deep = format!("755 manifests/dev/{}/", "long".repeat(40));
        let expected = ["755 clusters/", "755 clusters/dev/", "644 clusters/dev/c.yaml", "755 manifests/", "755 manifests/dev-2/"];
        assert_eq!(told[..5], expected);
        assert_eq!(
            told[5..],
            ["644 manifests/dev-2/a.yaml", "755 manifests/dev/", "644 manifests/dev/b.yaml", &deep, &format!("644 {long}")]
        );
        // gzip: no flags, no time, an unknown system.
        assert_eq!((package.layer[3], &package.layer[4..8], package.layer[9]), (0, &[0; 4][..], 255));
    }

    #[test]
    fn another_byte_gives_another_digest() {
        let package = |text, created: &str| {
            let annotations = BTreeMap::from([(CREATED.to_owned(), created.to_owned())]);
            Package::of(&files(&[("a.yaml", text)]), &annotations).unwrap().digest()
        };
        assert_ne!(package("a", "2026-01-02T03:04:05Z"), package("b", "2026-01-02T03:04:05Z"));
        assert_ne!(package("a", "2026-01-02T03:04:05Z"), package("a", "2026-01-02T03:04:06Z"));
        assert!(Package::of(&files(&[("../a.yaml", "")]), &annotations()).is_err());
    }
}
