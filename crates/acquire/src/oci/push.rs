//! Pushing to a registry: blobs that are not there, then the manifest, then each tag.
//!
//! Blobs go up in one piece (POST, then PUT to where the registry says). An upload that was cut is begun anew, for what a registry has kept of it is its own
//! affair. A tag changes last and in one step: it names what was there before, or all of the new package.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ACCEPT, Answer, MAX_MANIFEST, Reference, Registries};
use crate::http::{Method, Request};
use crate::package::{MANIFEST, Package, digest};
use hydrate_address::Url;
use hydrate_base::Diagnostic;

/// The most bytes of an answer to an upload.
const MAX_ANSWER: u64 = 1 << 20;

/// What a tag names now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// `sha256:…` of the manifest.
    pub digest: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digests of the blobs that were not there yet.
    pub uploaded: Vec<String>,
    /// The tags that named something else before, or nothing.
    pub moved: Vec<String>,
}

impl Registries<'_> {
    /// Pushes a package and has tags name it.
    pub(crate) fn push(
        &self,
        reference: &Reference,
        tags: &[String],
        package: &Package,
        may_move: &dyn Fn(&str, &Standing) -> Result<(), Box<Diagnostic>>,
    ) -> Result<Pushed, Box<Diagnostic>> {
        let artifact = reference.name();
        let own = package.digest();
        let waiting = || -> Result<Vec<&String>, Box<Diagnostic>> {
            let mut waiting = Vec::new();
            for tag in tags {
                match self.standing(reference, tag, &artifact)? {
                    Some(standing) if standing.digest == own => {}
                    Some(standing) => {
                        may_move(tag, &standing)?;
                        waiting.push(tag);
                    }
                    None => waiting.push(tag),
                }
            }
            Ok(waiting)
        };
        let mut pushed = Pushed { uploaded: Vec::new(), moved: Vec::new() };
        if waiting()?.is_empty() && !tags.is_empty() {
            return Ok(pushed);
        }
        for blob in [&package.layer, &package.config] {
            if self.upload(reference, blob, &artifact)? {
                pushed.uploaded.push(digest(blob));
            }
        }
        self.put_manifest(reference, &own, package, &artifact)?;
        // Somebody else may have been quicker.
        for tag in waiting()? {
            self.put_manifest(reference, tag, package, &artifact)?;
            pushed.moved.push(tag.clone());
        }
        Ok(pushed)
    }

    /// What a tag names; `None` where there is none yet.
    fn standing(&self, reference: &Reference, tag: &str, artifact: &str) -> Result<Option<Standing>, Box<Diagnostic>> {
        #[derive(Deserialize)]
        struct Annotated {
            #[serde(default)]
            annotations: Option<BTreeMap<String, String>>,
        }
        let url = self.address(reference, &format!("manifests/{tag}"))?;
        let request = Request { accept: Some(ACCEPT), doing: "push", ..Request::get(&url, artifact, MAX_MANIFEST) };
        let answer = self.get(reference, &request)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = self.expect(reference, answer, artifact)?;
        let annotated: Option<Annotated> = serde_json::from_slice(&answer.body).ok();
        let annotations = annotated.and_then(|annotated| annotated.annotations).unwrap_or_default();
        Ok(Some(Standing { digest: digest(&answer.body), annotations }))
    }

    /// Whether a blob had to be sent.
    fn upload(&self, reference: &Reference, blob: &[u8], artifact: &str) -> Result<bool, Box<Diagnostic>> {
        let digest = digest(blob);
        let there = self.address(reference, &format!("blobs/{digest}"))?;
        let uploads = self.address(reference, "blobs/uploads/")?;
        self.client.again(artifact, || {
            let lasting = |error| (false, error);
            let asked = Request { method: Method::Head, doing: "push", ..Request::get(&there, artifact, MAX_ANSWER) };
            if self.get(reference, &asked).map_err(lasting)?.status == 200 {
                return Ok(false);
            }
            let begun = Request { method: Method::Post, doing: "push", ..Request::get(&uploads, artifact, MAX_ANSWER) };
            let begun = self.get(reference, &begun).map_err(lasting)?;
            if begun.status != 202 {
                return Err((false, self.refused(reference, &begun, artifact)));
            }
            let place = place(&uploads, &begun, &digest, artifact).map_err(lasting)?;
            let method = Method::Put { kind: "application/octet-stream", body: blob };
            let put = Request { method, once: true, doing: "push", ..Request::get(&place, artifact, MAX_ANSWER) };
            // A place on another host has its own permission in its address.
            let answer = match place.same_origin(&uploads) {
                true => self.get(reference, &put),
                false => self.client.fetch(Request { anonymous: true, ..put }),
            };
            let answer = answer.map_err(|error| (true, error))?;
            match answer.status {
                201 | 202 | 204 => self.check_answered(&answer, &digest, artifact).map(|()| true).map_err(lasting),
                // What has arrived of an upload that was cut may be in the way.
                400 | 404 | 416 => Err((true, self.refused(reference, &answer, artifact))),
                _ => Err((false, self.refused(reference, &answer, artifact))),
            }
        })
    }

    /// Puts the manifest under a tag or its digest.
    fn put_manifest(&self, reference: &Reference, which: &str, package: &Package, artifact: &str) -> Result<(), Box<Diagnostic>> {
        let url = self.address(reference, &format!("manifests/{which}"))?;
        let method = Method::Put { kind: MANIFEST, body: &package.manifest };
        let request = Request { method, doing: "push", ..Request::get(&url, artifact, MAX_ANSWER) };
        let answer = self.get(reference, &request)?;
        let answer = self.expect(reference, answer, artifact)?;
        self.check_answered(&answer, &package.digest(), artifact)
    }

    /// A registry that says what it has stored has to have stored what was sent.
    fn check_answered(&self, answer: &Answer, digest: &str, artifact: &str) -> Result<(), Box<Diagnostic>> {
        match answer.header("docker-content-digest") {
            Some(found) if found != digest => {
                Err(Diagnostic::error(format!("{artifact}: the registry has stored something else than was sent"))
                    .note(format!("sent   {digest}"))
                    .note(format!("stored {found}"))
                    .note(format!("asked: {}", answer.url))
                    .help("ask who runs the registry, or what stands between it and you, before anything is deployed from there"))
            }
            _ => Ok(()),
        }
    }
}

/// Where a registry wants a blob to be put.
fn place(uploads: &Url, begun: &Answer, digest: &str, artifact: &str) -> Result<Url, Box<Diagnostic>> {
    let unusable = |why: &str| {
        Diagnostic::error(format!("cannot push {artifact}: the registry names {why} to upload to")).note(format!("asked: {uploads}"))
    };
    let location = begun.header("location").and_then(|location| uploads.join(location)).ok_or_else(|| unusable("no usable place"))?;
    match (uploads.scheme(), location.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return Err(unusable("a place without TLS")),
        _ => return Err(unusable("no usable place")),
    }
    let separator = if location.as_str().contains('?') { '&' } else { '?' };
    Url::parse(&format!("{location}{separator}digest={digest}")).ok_or_else(|| unusable("no usable place"))
}
