//! OCI registries, as far as pulling charts goes: tags, manifests, blobs, and the ways of being let in.
//!
//! It follows the distribution specification 1.1 and helm's media types (`pkg/registry`, helm 3.17 and 4): a chart's
//! tag is its version with `+` written as `_`.
//!
//! `oci-client` was looked at: it stands on `reqwest` and `tokio`, a second client and a second TLS setup beside `ureq`, whose limits, mirrors,
//! redirects and rules about which host is given which login would not hold for it. What is needed of the specification is the few hundred lines here.

mod push;

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Deserialize;

use super::credentials::Login;
use super::http::{Answer, Client, Request};
use hydrate_address::{Url, percent_encoded};
use hydrate_base::hash::sha256;
use hydrate_base::{Diagnostic, World};

pub use push::{Pushed, Standing};

const INDEX: [&str; 2] = ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: [&str; 2] = ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
const MAX_MANIFEST: u64 = 4 << 20;

/// `oci://registry/repository`, with a tag or a digest where they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// `host[:port]` as written.
    pub registry: String,
    /// The repository in it: `charts/loki`.
    pub repository: String,
    /// After `:`.
    pub tag: Option<String>,
    /// After `@`: `sha256:…`.
    pub digest: Option<String>,
}

impl Reference {
    /// Takes `oci://host/path[:tag][@sha256:…]` apart; `None` where it is not of this form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("oci://")?.trim_end_matches('/');
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(checked_digest(digest)?)),
            None => (rest, None),
        };
        let (registry, path) = rest.split_once('/')?;
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (path, None),
        };
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let sound = repository.split('/').all(|part| plain(part) && part != "." && part != "..");
        let sound = sound && tag.as_deref().is_none_or(plain) && Url::parse(&format!("https://{registry}/")).is_some();
        sound.then(|| Self { registry: registry.to_ascii_lowercase(), repository: repository.to_owned(), tag, digest })
    }

    /// `oci://host/path`, without tag and digest.
    pub(crate) fn name(&self) -> String {
        format!("oci://{}/{}", self.registry, self.repository)
    }

    fn url(&self, plain_http: &[String], rest: &str) -> Option<Url> {
        let host = match self.registry.as_str() {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            host => host,
        };
        let url = Url::parse(&format!("https://{host}/v2/{}/{rest}", self.repository))?;
        if url.is_loopback() || plain_http.iter().any(|name| name == url.authority()) {
            return Url::parse(&format!("http://{host}/v2/{}/{rest}", self.repository));
        }
        Some(url)
    }
}

fn checked_digest(digest: &str) -> Option<String> {
    let hex = digest.strip_prefix("sha256:")?;
    (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| digest.to_ascii_lowercase())
}

/// The tag of a version, and back: registries do not take `+`.
pub(crate) fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

/// The version of a tag.
pub(crate) fn version_of(tag: &str) -> String {
    tag.replace('_', "+")
}

/// What a manifest says of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// `sha256:…` of the manifest itself.
    pub digest: String,
    /// `sha256:…` of the packed chart.
    pub chart: String,
    /// The same of its provenance file, where it has one.
    pub provenance: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestOrIndex {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    artifact_type: String,
    digest: String,
}

/// Pulls from registries; short-lived tokens are kept for the run.
pub(crate) struct Registries<'a> {
    client: &'a Client,
    plain_http: Vec<String>,
    /// Whether something is pushed, for which registries want to be asked.
    pushes: bool,
    tokens: Mutex<BTreeMap<String, String>>,
}

impl<'a> Registries<'a> {
    /// Registries on this machine, and those named in `HYDRATE_PLAIN_HTTP` (comma separated), are asked without TLS.
    pub(crate) fn new(client: &'a Client, world: &dyn World) -> Self {
        let hosts = world.variable("HYDRATE_PLAIN_HTTP").unwrap_or_default();
        let plain_http = hosts.split(',').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect();
        Self { client, plain_http, pushes: false, tokens: Mutex::default() }
    }

    /// The same, allowed to push where the registry allows it.
    pub(crate) fn for_pushing(self) -> Self {
        Self { pushes: true, ..self }
    }

    /// All tags of a repository.
    pub(crate) fn tags(&self, reference: &Reference, artifact: &str) -> Result<Vec<String>, Box<Diagnostic>> {
        #[derive(Deserialize)]
        struct Tags {
            tags: Option<Vec<String>>,
        }
        let mut all = Vec::new();
        let mut next = Some(self.address(reference, "tags/list?n=1000")?);
        for _ in 0..1000 {
            let Some(url) = next.take() else { break };
            let answer = self.get(reference, &Request::get(&url, artifact, 32 << 20))?;
            let answer = self.expect(reference, answer, artifact)?;
            let tags: Tags = serde_json::from_slice(&answer.body).map_err(|error| nonsense(artifact, &url, &error))?;
            all.extend(tags.tags.unwrap_or_default());
            next = answer.header("link").and_then(next_link).and_then(|link| url.join(link)).filter(|next| next.same_origin(&url));
        }
        Ok(all)
    }

    /// The manifest of a tag or digest; `None` where there is none. An index is followed to the manifest of the chart.
    pub(crate) fn manifest(&self, reference: &Reference, which: &str, artifact: &str) -> Result<Option<Manifest>, Box<Diagnostic>> {
        let mut which = which.to_owned();
        for _ in 0..3 {
            let url = self.address(reference, &format!("manifests/{which}"))?;
            let request = Request { accept: Some(ACCEPT), ..Request::get(&url, artifact, MAX_MANIFEST) };
            let answer = self.get(reference, &request)?;
            if answer.status == 404 {
                return Ok(None);
            }
            let answer = self.expect(reference, answer, artifact)?;
            let digest = format!("sha256:{}", sha256(&answer.body));
            if which.starts_with("sha256:") && which != digest {
                return Err(mismatch(artifact, "the manifest", &which, &digest, &url));
            }
            let document: ManifestOrIndex = serde_json::from_slice(&answer.body).map_err(|error| nonsense(artifact, &url, &error))?;
            let kind =
                if document.media_type.is_empty() { answer.header("content-type").unwrap_or_default() } else { &document.media_type };
            if INDEX.contains(&kind) || (document.layers.is_empty() && !document.manifests.is_empty()) {
                which = chart_manifest(&document.manifests, artifact, &url)?;
                continue;
            }
            return Manifest::of(&document, digest, artifact, &url).map(Some);
        }
        Err(Diagnostic::error(format!("{artifact}: image indexes nested three deep are not followed")))
    }

    /// The bytes of a blob, checked against its digest.
    pub(crate) fn blob(&self, reference: &Reference, digest: &str, artifact: &str) -> Result<Vec<u8>, Box<Diagnostic>> {
        let url = self.address(reference, &format!("blobs/{digest}"))?;
        let answer = self.get(reference, &Request::get(&url, artifact, super::MAX_ARCHIVE))?;
        let answer = self.expect(reference, answer, artifact)?;
        let found = format!("sha256:{}", sha256(&answer.body));
        if found == digest { Ok(answer.body) } else { Err(mismatch(artifact, "the blob", digest, &found, &url)) }
    }

    fn address(&self, reference: &Reference, rest: &str) -> Result<Url, Box<Diagnostic>> {
        reference.url(&self.plain_http, rest).ok_or_else(|| Diagnostic::error(format!("{} is not a usable address", reference.name())))
    }

    /// One request, with the token at hand; a 401 says how to get another.
    fn get(&self, reference: &Reference, request: &Request<'_>) -> Result<Answer, Box<Diagnostic>> {
        let key = reference.name();
        let token = self.tokens().get(&key).cloned();
        let answer = self.client.fetch(Request { authorization: token.as_deref(), anonymous: token.is_none(), ..*request })?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let challenge = answer.header("www-authenticate").unwrap_or_default().to_owned();
        let login = self.client.credentials().registry_login(request.url);
        let authorization = match Challenge::parse(&challenge) {
            Some(Challenge::Bearer(parameters)) => self.token(&parameters, login.as_ref(), reference, request.artifact)?,
            Some(Challenge::Basic) => login.as_ref().map(Login::header),
            None => None,
        };
        let Some(authorization) = authorization else { return Ok(answer) };
        let again = self.client.fetch(Request { authorization: Some(&authorization), ..*request })?;
        if again.status != 401 {
            self.tokens().insert(key, authorization);
        }
        Ok(again)
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Asks the token service that the registry named; gives the `Authorization` header to use.
    fn token(
        &self,
        parameters: &BTreeMap<String, String>,
        login: Option<&Login>,
        reference: &Reference,
        artifact: &str,
    ) -> Result<Option<String>, Box<Diagnostic>> {
        #[derive(Deserialize)]
        struct Token {
            token: Option<String>,
            access_token: Option<String>,
        }
        if let Some(Login::Bearer(token)) = login {
            return Ok(Some(format!("Bearer {token}")));
        }
        let Some(realm) = parameters.get("realm").and_then(|realm| Url::parse(realm)) else { return Ok(None) };
        if realm.scheme() == "http" && !realm.is_loopback() && !self.plain_http.iter().any(|host| host == realm.authority()) {
            let text = format!("cannot {} {artifact}: the registry asks for credentials to be sent without TLS", self.doing());
            return Err(Diagnostic::error(text).note(format!("to {realm}")));
        }
        let service = parameters.get("service").map_or("", String::as_str);
        let own = format!("repository:{}:{}", reference.repository, if self.pushes { "pull,push" } else { "pull" });
        // Whoever asks for a blob first is told of reading alone.
        let scope = parameters.get("scope").filter(|_| !self.pushes).map_or(own.as_str(), String::as_str);
        let answer = match login {
            Some(Login::Identity(refresh)) => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("service", service),
                    ("scope", scope),
                    ("client_id", "hydrate"),
                    ("refresh_token", refresh.as_str()),
                ];
                self.client.post_form(&realm, artifact, &form)?
            }
            _ => {
                let query = format!("service={}&scope={}", percent_encoded(service), percent_encoded(scope));
                let separator = if realm.as_str().contains('?') { '&' } else { '?' };
                let url = Url::parse(&format!("{realm}{separator}{query}")).unwrap_or(realm);
                let header = login.map(Login::header);
                let request =
                    Request { authorization: header.as_deref(), anonymous: login.is_none(), ..Request::get(&url, artifact, 1 << 20) };
                self.client.fetch(request)?
            }
        };
        if !(200..300).contains(&answer.status) {
            return Ok(None);
        }
        let token: Token = serde_json::from_slice(&answer.body).map_err(|error| nonsense(artifact, &answer.url, &error))?;
        Ok(token.token.or(token.access_token).map(|token| format!("Bearer {token}")))
    }

    fn expect(&self, reference: &Reference, answer: Answer, artifact: &str) -> Result<Answer, Box<Diagnostic>> {
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refused(reference, &answer, artifact)) }
    }

    fn doing(&self) -> &'static str {
        if self.pushes { "push" } else { "fetch" }
    }

    fn refused(&self, reference: &Reference, answer: &Answer, artifact: &str) -> Box<Diagnostic> {
        let error = refused(self.client, self.doing(), reference, answer, artifact);
        match said(answer) {
            Some(said) => error.note(format!("it says: {said}")),
            None => error,
        }
    }
}

fn refused(client: &Client, doing: &str, reference: &Reference, answer: &Answer, artifact: &str) -> Box<Diagnostic> {
    match answer.status {
        401 | 403 => super::unauthorized(client, doing, artifact, &answer.url, answer.status).help(format!(
            "`helm registry login {0}` or `docker login {0}` stores credentials where hydrate finds them",
            reference.registry
        )),
        404 => Diagnostic::error(format!("{artifact}: there is no {}", reference.name())).note(format!("{} answered 404", answer.url)),
        status => {
            Diagnostic::error(format!("cannot {doing} {artifact}: the registry answered {status}")).note(format!("asked: {}", answer.url))
        }
    }
}

/// What a registry says of an error: `DENIED: requested access to the resource is denied`.
fn said(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Told>,
    }
    #[derive(Deserialize)]
    struct Told {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let errors: Errors = serde_json::from_slice(&answer.body).ok()?;
    let told = errors.errors.into_iter().map(|one| format!("{}: {}", one.code, one.message));
    let told = told.take(3).collect::<Vec<_>>().join("; ");
    (!told.is_empty()).then(|| told.chars().take(500).collect())
}

fn chart_manifest(manifests: &[Descriptor], artifact: &str, url: &Url) -> Result<String, Box<Diagnostic>> {
    let helm = manifests.iter().find(|one| one.artifact_type == CONFIG);
    let one = helm.or(if let [only] = manifests { Some(only) } else { manifests.iter().find(|one| !INDEX.contains(&&*one.media_type)) });
    let digest = one.and_then(|one| checked_digest(&one.digest));
    digest.ok_or_else(|| Diagnostic::error(format!("{artifact}: the index in the registry holds no chart")).note(format!("asked: {url}")))
}

impl Manifest {
    fn of(document: &ManifestOrIndex, digest: String, artifact: &str, url: &Url) -> Result<Self, Box<Diagnostic>> {
        let layer = |kinds: &[&str]| {
            let layer = document.layers.iter().find(|layer| kinds.contains(&layer.media_type.as_str()))?;
            checked_digest(&layer.digest)
        };
        let config = document.config.as_ref().map_or("", |config| config.media_type.as_str());
        let chart = layer(&CHART).ok_or_else(|| {
            Diagnostic::error(format!("{artifact}: what the registry holds there is not a Helm chart"))
                .note(format!("its configuration has the media type {config:?}, a chart's has {CONFIG:?}"))
                .note(format!("asked: {url}"))
        })?;
        Ok(Self { digest, chart, provenance: layer(&[PROVENANCE]) })
    }
}

fn mismatch(artifact: &str, what: &str, expected: &str, found: &str, url: &Url) -> Box<Diagnostic> {
    Diagnostic::error(format!("{artifact}: {what} does not have the digest that was asked for"))
        .note(format!("expected {expected}"))
        .note(format!("found    {found}"))
        .note(format!("from {url}"))
        .help("nothing of it was kept; if the registry is trusted, ask who changed it")
}

fn nonsense(artifact: &str, url: &Url, error: &serde_json::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("{artifact}: the answer of the registry cannot be understood")).note(format!("{url}: {error}"))
}

/// The target of `<…>; rel="next"`.
fn next_link(header: &str) -> Option<&str> {
    header.split(',').find(|part| part.contains("rel=\"next\"") || part.contains("rel=next"))?.split_once('<')?.1.split('>').next()
}

/// How a server wants to be authorized.
enum Challenge {
    Basic,
    Bearer(BTreeMap<String, String>),
}

impl Challenge {
    fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        scheme.eq_ignore_ascii_case("bearer").then(|| Self::Bearer(parameters(rest)))
    }
}

/// `a="b, c",d=e`
fn parameters(mut text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    while let Some((name, rest)) = text.split_once('=') {
        let name = name.trim_start_matches([',', ' ']).trim().to_ascii_lowercase();
        let (value, rest) = match rest.strip_prefix('"') {
            Some(rest) => rest.split_once('"').unwrap_or((rest, "")),
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        all.insert(name, value.to_owned());
        text = rest;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let one = Reference::parse(&format!("oci://Ghcr.io:443/org/charts/loki:6.1.0@{digest}")).unwrap();
        assert_eq!((one.registry.as_str(), one.repository.as_str()), ("ghcr.io:443", "org/charts/loki"));
        assert_eq!((one.tag.as_deref(), one.digest.as_deref()), (Some("6.1.0"), Some(digest.as_str())));
        for text in [
            "oci://",
            "oci://host",
            "oci://host/",
            "oci://host/../x",
            "oci://host/a//b",
            "oci://h/a b",
            "https://h/a",
            "oci://h/a@sha256:1",
        ] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }

    #[test]
    fn loopback_is_asked_without_tls() {
        let url = |text: &str| Reference::parse(text).unwrap().url(&["plain.example".into()], "tags/list").unwrap().to_string();
        assert_eq!(url("oci://localhost:5000/a"), "http://localhost:5000/v2/a/tags/list");
        assert_eq!(url("oci://plain.example/a"), "http://plain.example/v2/a/tags/list");
        assert_eq!(url("oci://docker.io/a/b"), "https://registry-1.docker.io/v2/a/b/tags/list");
    }

    #[test]
    fn challenges() {
        let text = r#"Bearer realm="https://auth.example.org/token",service="r, s",scope="repository:a:pull,push""#;
        let Some(Challenge::Bearer(all)) = Challenge::parse(text) else { panic!() };
        assert_eq!(all["realm"], "https://auth.example.org/token");
        assert_eq!(all["service"], "r, s");
        assert_eq!(all["scope"], "repository:a:pull,push");
        assert!(matches!(Challenge::parse("basic realm=x"), Some(Challenge::Basic)));
        assert!(Challenge::parse("Negotiate").is_none());
    }

    #[test]
    fn pages_of_tags() {
        assert_eq!(next_link("</v2/a/tags/list?last=b&n=1>; rel=\"next\""), Some("/v2/a/tags/list?last=b&n=1"));
        assert_eq!(next_link("</x>; rel=\"prev\""), None);
    }
}
