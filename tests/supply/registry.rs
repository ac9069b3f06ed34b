//! OCI registries: tags, ranges, indexes of manifests, basic and token authorization. The registry is the tests' own;
//! `make conformance` runs the same against docker-registry.

use std::sync::Arc;

use hydrate_acquire::{ArtifactRequest, Options, Supply};

use crate::project::*;
use crate::server::{Asked, Reply, Server};

const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

fn manifest(version: &str) -> String {
    let chart = packed("loki", version);
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:{0}","size":2}},
"layers":[{{"mediaType":"{CHART_LAYER}","digest":"sha256:{1}","size":{2}}}]}}"#,
        sha256(b"{}"),
        sha256(&chart),
        chart.len()
    )
}

/// Answers for `charts/loki` in 1.0.0, 1.1.0+build.5 and 2.0.0-rc.1; 9.9.9 is an index that leads to 1.0.0.
fn registry(asked: &Asked) -> Reply {
    let path = asked.path.strip_prefix("/v2/charts/loki/").unwrap_or_default();
    let typed = |text: String, kind: &str| Reply::ok(text.into_bytes()).with("Content-Type", kind);
    let image = "application/vnd.oci.image.manifest.v1+json";
    if path == "tags/list?n=1000" {
        let next = "</v2/charts/loki/tags/list?n=1000&last=1.0.0>; rel=\"next\"";
        return Reply::ok(&br#"{"name":"charts/loki","tags":["1.0.0"]}"#[..]).with("Link", next);
    }
    if path.starts_with("tags/list?") {
        return Reply::ok(&br#"{"tags":["1.1.0_build.5","2.0.0-rc.1","latest"]}"#[..]);
    }
    for (tag, version) in [("1.0.0", "1.0.0"), ("1.1.0_build.5", "1.1.0+build.5"), ("2.0.0-rc.1", "2.0.0-rc.1")] {
        let text = manifest(version);
        if path == format!("manifests/{tag}") || path == format!("manifests/sha256:{}", sha256(text.as_bytes())) {
            return typed(text, image);
        }
        if path == format!("blobs/sha256:{}", sha256(&packed("loki", version))) {
            return Reply::ok(packed("loki", version));
        }
    }
    if path == "manifests/9.9.9" {
        let inner = sha256(manifest("1.0.0").as_bytes());
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{image}","digest":"sha256:{inner}","size":1}}]}}"#);
        return typed(text, "application/vnd.oci.image.index.v1+json");
    }
    if path == "manifests/0.0.1" {
        let text = r#"{"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"x"},"layers":[]}"#;
        return typed(text.to_owned(), image);
    }
    Reply::status(404)
}

fn loki(server: &Server, version: Option<&str>) -> ArtifactRequest {
    ArtifactRequest::Oci { reference: format!("oci://127.0.0.1:{}/charts/loki", server.port), version: version.map(str::to_owned) }
}

#[test]
fn versions_ranges_and_digests() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (Server::start(|asked, _| registry(asked)), world(home.path()));
    let supply = Supply::new(&world, options(home.path()));
    for (range, version, want) in [
        (Some("1.0.0"), "1.0.0", "1.0.0"),
        (None, "1.1.0+build.5", "1.1.0+build.5"),
        (Some("1.1.0+build.5"), "1.1.0+build.5", "1.1.0+build.5"),
        // The tag is what is locked.
        (Some("9.9.9"), "9.9.9", "1.0.0"),
    ] {
        let artifact = resolve(&supply, &loki(&server, range)).unwrap();
        assert_eq!(artifact.version, version, "{range:?}");
        assert_eq!(artifact.manifest, Some(format!("sha256:{}", sha256(manifest(want).as_bytes()))));
        std::fs::remove_dir_all(home.path().join("cache")).unwrap();
        assert_eq!(&*supply.bytes(&artifact).unwrap(), packed("loki", want));
    }
    let digest = sha256(manifest("2.0.0-rc.1").as_bytes());
    let want = ArtifactRequest::Oci { reference: format!("oci://127.0.0.1:{}/charts/loki@sha256:{digest}", server.port), version: None };
    assert_eq!(resolve(&supply, &want).unwrap().version, "2.0.0-rc.1");
}

#[test]
fn what_is_not_there() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (Server::start(|asked, _| registry(asked)), world(home.path()));
    let supply = Supply::new(&world, options(home.path()));
    for (range, want) in [
        ("1.0.1", "there is no 1.0.1 in the registry\n  help: near to it: 1.0.0"),
        ("^7", "no version matches \"^7\"\n  help: newest: 2.0.0-rc.1, 1.1.0+build.5, 1.0.0"),
        ("0.0.1", "what the registry holds there is not a Helm chart"),
    ] {
        let error = resolve(&supply, &loki(&server, Some(range))).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn a_blob_that_is_another() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let server =
        Server::start(|asked, _| if asked.path.contains("/blobs/") { Reply::ok(packed("evil", "1.0.0")) } else { registry(asked) });
    let error = resolve(&Supply::new(&world, options(home.path())), &loki(&server, Some("1.0.0"))).unwrap_err().to_string();
    assert!(error.contains("the blob does not have the digest that was asked for\n  note: expected sha256:"), "{error}");
    assert_eq!(blobs(home.path()), 0);
}

const DOCKER_CONFIG: &str = "/nonexistent/.docker/config.json";

/// A world in which docker has `ann:secret` for a registry.
fn logged_in(home: &std::path::Path, server: &Server) -> hydrate_base::MemoryWorld {
    let config = format!(r#"{{"auths":{{"127.0.0.1:{}":{{"auth":"YW5uOnNlY3JldA=="}}}}}}"#, server.port);
    world(home).with_file(DOCKER_CONFIG, config)
}

#[test]
fn basic_authorization() {
    let server = Server::start(|asked, _| match asked.header("authorization") {
        Some("Basic YW5uOnNlY3JldA==") => registry(asked),
        _ => Reply::status(401).with("WWW-Authenticate", "Basic realm=\"charts\""),
    });
    let home = tempfile::tempdir().unwrap();
    let world = logged_in(home.path(), &server);
    assert_eq!(resolve(&Supply::new(&world, options(home.path())), &loki(&server, None)).unwrap().version, "1.1.0+build.5");

    let stranger = crate::project::world(home.path());
    let error = resolve(&Supply::new(&stranger, options(home.path())), &loki(&server, None)).unwrap_err().to_string();
    assert!(error.contains("does not let us in (401)") && error.contains(&format!("{DOCKER_CONFIG} (not there)")), "{error}");
    assert!(error.contains("helm registry login 127.0.0.1:"), "{error}");
}

#[test]
fn token_authorization() {
    let service = Arc::new(Server::start(|asked, _| match (asked.path.as_str(), asked.header("authorization")) {
        ("/token?service=the%20registry&scope=repository:charts/loki:pull", Some("Basic YW5uOnNlY3JldA==")) => {
            Reply::ok(&br#"{"token":"short"}"#[..])
        }
        _ => Reply::status(403),
    }));
    let realm = service.url("/token");
    let server = Server::start(move |asked, _| match asked.header("authorization") {
        Some("Bearer short") => registry(asked),
        _ => Reply::status(401)
            .with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"the registry\",scope=\"repository:charts/loki:pull\"")),
    });
    let home = tempfile::tempdir().unwrap();
    let key = format!("HYDRATE_USERNAME_127_0_0_1_{}", server.port);
    let world = world(home.path()).with_variable(&key, "ann").with_variable(&key.replace("USERNAME", "PASSWORD"), "secret");
    assert_eq!(resolve(&Supply::new(&world, options(home.path())), &loki(&server, Some("1.0.0"))).unwrap().version, "1.0.0");
    assert!(!server.asked().iter().any(|asked| asked.header("authorization").is_some_and(|value| value.starts_with("Basic"))));
}

#[test]
fn a_chart_repository_mirrored_into_a_registry() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (Server::start(|asked, _| registry(asked)), world(home.path()));
    let mirror = format!("oci://127.0.0.1:{}/charts", server.port);
    let mirrors = hydrate_acquire::Mirrors::new([("https://charts.invalid".to_owned(), mirror)]);
    let supply = Supply::new(&world, Options { mirrors, ..options(home.path()) });
    let artifact = resolve(&supply, &chart("https://charts.invalid", "loki", Some("~1.0"))).unwrap();
    assert_eq!((artifact.source.as_str(), artifact.version.as_str()), ("https://charts.invalid", "1.0.0"));
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    assert_eq!(&*supply.bytes(&artifact).unwrap(), packed("loki", "1.0.0"));
}

/// As the large registries do it: blobs are elsewhere.
#[test]
fn a_login_does_not_follow_a_blob_to_another_host() {
    let home = tempfile::tempdir().unwrap();
    let storage = Server::start(|asked, _| registry(asked));
    let elsewhere = storage.url("");
    let server = Server::start(move |asked, _| match asked.header("authorization") {
        None => Reply::status(401).with("WWW-Authenticate", "Basic realm=\"charts\""),
        Some(_) if asked.path.contains("/blobs/") => Reply::status(307).with("Location", format!("{elsewhere}{}", asked.path)),
        Some(_) => registry(asked),
    });
    let world = logged_in(home.path(), &server);
    let artifact = resolve(&Supply::new(&world, options(home.path())), &loki(&server, Some("1.0.0"))).unwrap();
    assert_eq!(artifact.version, "1.0.0");
    assert!(server.asked().iter().any(|asked| asked.header("authorization").is_some()));
    let asked = storage.asked();
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.header("authorization").is_none()), "{asked:?}");
}
