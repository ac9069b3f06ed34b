//! Servers that fail: nothing corrupt is cached or given, no credential goes where it does not belong, and the error
//! names the artifact.

use std::sync::Arc;
use std::time::Duration;

use hydrate_acquire::{ArtifactRequest, Supply};

use crate::project::*;
use crate::server::{Asked, Fault, Reply, Server};

/// A server of one chart, whose archive is answered by `archive`.
fn serving(archive: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |asked, before| match asked.path.as_str() {
        "/index.yaml" => Reply::ok(index(&[("loki", "1.0.0", "loki-1.0.0.tgz".into(), sha256(&packed("loki", "1.0.0")))]).into_bytes()),
        "/loki-1.0.0.tgz" => archive(asked, before),
        _ => Reply::status(404),
    })
}

/// What resolving that chart gives, the number of blobs that are cached afterwards, and the requests for the archive.
fn outcome(server: &Server, retries: &str) -> (Result<String, String>, u64, usize) {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path()).with_variable("HYDRATE_RETRIES", retries);
    let result = resolve(&Supply::new(&world, options(home.path())), &chart(&server.url(""), "loki", None));
    let result = result.map(|artifact| artifact.sha256).map_err(|error| error.to_string());
    (result, blobs(home.path()), server.count("/loki-1.0.0.tgz"))
}

fn good() -> String {
    sha256(&packed("loki", "1.0.0"))
}

#[test]
fn errors_that_pass_are_sat_out() {
    let server = serving(|_, before| match before {
        0 => Reply::status(503),
        1 => Reply::status(429).with("Retry-After", "0"),
        2 => Reply::default().failing(Fault::Hangup),
        _ => Reply::ok(packed("loki", "1.0.0")),
    });
    assert_eq!(outcome(&server, "5"), (Ok(good()), 1, 4));
}

#[test]
fn errors_that_stay_are_told_and_bounded() {
    let server = serving(|_, _| Reply::status(500));
    let (result, blobs, requests) = outcome(&server, "2");
    let error = result.unwrap_err();
    assert!(error.starts_with("cannot fetch chart loki 1.0.0: the server answered 500"), "{error}");
    assert!(error.contains("tried 3 times"), "{error}");
    assert_eq!((blobs, requests), (0, 3));
}

#[test]
fn a_cut_download_goes_on_where_it_ended() {
    let server = serving(|asked, before| {
        let chart = packed("loki", "1.0.0");
        match (before, asked.header("range")) {
            (0, None) => Reply::ok(chart).with("ETag", "\"one\"").failing(Fault::Cut(1000)),
            (_, Some("bytes=1000-")) if asked.header("if-range") == Some("\"one\"") => {
                let mut rest = Reply::ok(&chart[1000..]);
                rest.status = 206;
                rest
            }
            _ => Reply::status(404),
        }
    });
    assert_eq!(outcome(&server, "3"), (Ok(good()), 1, 2));
}

#[test]
fn a_server_that_cannot_resume_begins_again() {
    let server = serving(|_, before| {
        let reply = Reply::ok(packed("loki", "1.0.0")).with("ETag", "\"one\"");
        if before == 0 { reply.failing(Fault::Cut(1000)) } else { reply }
    });
    assert_eq!(outcome(&server, "3"), (Ok(good()), 1, 2));
}

#[test]
fn always_cut() {
    let server = serving(|_, _| Reply::ok(packed("loki", "1.0.0")).failing(Fault::Cut(1000)));
    let (result, blobs, _) = outcome(&server, "1");
    let error = result.unwrap_err();
    assert!(error.starts_with("the download of chart loki 1.0.0 was cut off"), "{error}");
    assert!(error.contains("1000 of ") && error.contains("tried 2 times"), "{error}");
    assert_eq!(blobs, 0);
}

#[test]
fn a_body_that_stalls() {
    let server = serving(|_, _| Reply::ok(packed("loki", "1.0.0")).failing(Fault::Stall(Duration::from_secs(4))));
    let (result, blobs, _) = outcome(&server, "0");
    let error = result.unwrap_err();
    assert!(error.contains("chart loki 1.0.0"), "{error}");
    assert!(error.contains("in time"), "{error}");
    assert_eq!(blobs, 0);
}

#[test]
fn another_archive_than_the_index_says() {
    let server = serving(|_, _| Reply::ok(packed("loki", "6.6.6")));
    let (result, blobs, _) = outcome(&server, "0");
    let error = result.unwrap_err();
    let expected = format!("note: expected sha256 {}", good());
    let found = format!("note: found    sha256 {}", sha256(&packed("loki", "6.6.6")));
    assert!(error.starts_with("chart loki 1.0.0 is not what the index of its repository says"), "{error}");
    assert!(error.contains(&expected) && error.contains(&found) && error.contains("/loki-1.0.0.tgz"), "{error}");
    assert_eq!(blobs, 0);
}

#[test]
fn another_archive_than_the_lock_says() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let server = serving(|_, before| Reply::ok(if before == 0 { packed("loki", "1.0.0") } else { packed("loki", "1.0.0-evil") }));
    let supply = Supply::new(&world, options(home.path()));
    let artifact = resolve(&supply, &chart(&server.url(""), "loki", None)).unwrap();
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    let error = supply.bytes(&artifact).unwrap_err().to_string();
    assert!(error.starts_with("chart loki 1.0.0 is not what hydrate.lock says\n  note: expected sha256 "), "{error}");
    assert_eq!(blobs(home.path()), 0);
}

#[test]
fn a_corrupted_cache_is_fetched_again() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let server = serving(|_, _| Reply::ok(packed("loki", "1.0.0")));
    let supply = Supply::new(&world, options(home.path()));
    let artifact = resolve(&supply, &chart(&server.url(""), "loki", None)).unwrap();
    let blob = home.path().join("cache/blobs").join(&artifact.sha256[..2]).join(&artifact.sha256);
    std::fs::write(&blob, "bit rot").unwrap();
    assert_eq!(&*supply.bytes(&artifact).unwrap(), packed("loki", "1.0.0"));
    assert_eq!(server.count("/loki-1.0.0.tgz"), 2);
}

#[test]
fn archives_that_are_none() {
    let whole = packed("loki", "1.0.0");
    for (name, bytes, want) in [
        ("truncated", whole[..whole.len() / 2].to_vec(), "the archive of chart loki.tgz is refused"),
        ("a page", b"<html>please log in</html>".to_vec(), "is refused"),
        ("another", packed("tempo", "1.0.0"), ""),
    ] {
        let home = tempfile::tempdir().unwrap();
        let world = world(home.path());
        let body: Arc<[u8]> = bytes.into();
        let server = Server::start(move |_, _| Reply::ok(Arc::clone(&body)));
        let want_archive = ArtifactRequest::Archive { url: server.url("/loki.tgz") };
        let result = resolve(&Supply::new(&world, options(home.path())), &want_archive);
        match result {
            Ok(artifact) => assert_eq!((name, artifact.name.as_str()), ("another", "tempo")),
            Err(error) => {
                let error = error.to_string().replace(&server.url("/"), "");
                assert!(error.contains(want) && !want.is_empty(), "{name}: {error}");
                assert_eq!(blobs(home.path()), 0, "{name}");
            }
        }
    }
}

#[test]
fn credentials_stay_with_their_host() {
    let other = Server::start(|_, _| Reply::ok(packed("loki", "1.0.0")));
    let elsewhere = format!("http://localhost:{}/stolen.tgz", other.port);
    let server = serving(move |_, _| Reply::status(302).with("Location", elsewhere.clone()));
    let home = tempfile::tempdir().unwrap();
    let key = format!("127_0_0_1_{}", server.port);
    let world = world(home.path())
        .with_variable(&format!("HYDRATE_USERNAME_{key}"), "ann")
        .with_variable(&format!("HYDRATE_PASSWORD_{key}"), "secret");
    resolve(&Supply::new(&world, options(home.path())), &chart(&server.url(""), "loki", None)).unwrap();
    assert!(server.asked().iter().all(|asked| asked.header("authorization") == Some("Basic YW5uOnNlY3JldA==")));
    assert_eq!(other.asked().len(), 1);
    assert!(other.asked().iter().all(|asked| asked.header("authorization").is_none()));
}

/// `localhost` is another name of the machine, so both servers are reached, and only one is the host of the variable.
#[test]
fn a_variable_of_a_host_that_looks_alike_is_not_sent() {
    let server = Server::start(|_, _| Reply::status(401));
    let home = tempfile::tempdir().unwrap();
    let careless = format!("HYDRATE_TOKEN_LOCAL_HOST_{}", server.port);
    let exact = format!("HYDRATE_TOKEN_LOCAL__HOST_{}", server.port);
    let fetch = |name: &str, host: &str| {
        let world = world(home.path())
            .with_variable(name, "t0ken")
            .with_variable("HTTP_PROXY", &server.url(""))
            .with_variable("HYDRATE_RETRIES", "0");
        let url = format!("http://{host}:{}/loki.tgz", server.port);
        let error = resolve(&Supply::new(&world, options(home.path())), &ArtifactRequest::Archive { url }).unwrap_err().to_string();
        (server.asked().pop().and_then(|asked| asked.header("authorization").map(str::to_owned)), error)
    };
    let (sent, error) = fetch(&careless, "local-host");
    assert_eq!(sent, None);
    assert!(error.contains(&format!("{careless} is set")) && error.contains(&exact) && !error.contains("t0ken"), "{error}");
    assert_eq!(fetch(&careless, "local.host").0.as_deref(), Some("Bearer t0ken"));
    assert_eq!(fetch(&exact, "local-host").0.as_deref(), Some("Bearer t0ken"));
    assert_eq!(fetch(&exact, "local.host").0, None);
}

#[test]
fn a_server_that_drips_is_not_waited_for() {
    let server = serving(|_, _| Reply::ok(packed("loki", "1.0.0")).failing(Fault::Drip(Duration::from_millis(50))));
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path()).with_variable("HYDRATE_RETRIES", "5");
    let limited = hydrate_acquire::Options { time_limit: Some(Duration::from_secs(1)), ..options(home.path()) };
    let start = std::time::Instant::now();
    let error = resolve(&Supply::new(&world, limited), &chart(&server.url(""), "loki", None)).unwrap_err().to_string();
    assert!(error.contains("was given up") && error.contains("--download-timeout"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(server.count("/loki-1.0.0.tgz"), 1);
}

#[test]
fn a_login_in_the_address_is_neither_locked_nor_shown() {
    let server = Server::start(|asked, _| match (asked.path.as_str(), asked.header("authorization")) {
        (_, None) => Reply::status(401),
        ("/index.yaml", _) => Reply::ok(index(&[("loki", "1.0.0", "loki-1.0.0.tgz".into(), String::new())]).into_bytes()),
        ("/loki-1.0.0.tgz", _) => Reply::ok(packed("loki", "1.0.0")),
        _ => Reply::status(404),
    });
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let address = |path: &str| format!("http://ann:secret@127.0.0.1:{}{path}", server.port);
    let supply = Supply::new(&world, options(home.path()));
    let artifact = resolve(&supply, &chart(&address(""), "loki", None)).unwrap();
    let shown = format!("{artifact:?}");
    assert!(!shown.contains("secret") && !shown.contains("ann"), "{shown}");
    let error = resolve(&supply, &chart(&address("/no"), "loki", None)).unwrap_err().to_string();
    assert!(!error.contains("secret") && !error.contains("ann:"), "{error}");
}

#[test]
fn a_401_says_where_credentials_were_looked_for() {
    let server = Server::start(|_, _| Reply::status(401));
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path()).with_file("/nonexistent/.netrc", "machine other login x password y\n");
    let error = resolve(&Supply::new(&world, options(home.path())), &chart(&server.url(""), "loki", None)).unwrap_err().to_string();
    for part in ["does not let us in (401)", "HYDRATE_USERNAME_", "/nonexistent/.netrc\n", "repositories.yaml (not there)"] {
        assert!(format!("{error}\n").contains(part), "{part}: {error}");
    }
    assert!(!error.contains("password y"), "{error}");
}

#[test]
fn redirects_without_end_and_out_of_tls() {
    let server = serving(|_, _| Reply::status(302).with("Location", "/loki-1.0.0.tgz"));
    let (result, _, requests) = outcome(&server, "3");
    assert!(result.unwrap_err().contains("more than 10 redirects"));
    assert_eq!(requests, 11);
}

#[test]
fn nobody_listens_and_no_such_host() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path()).with_variable("HYDRATE_RETRIES", "0");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let supply = Supply::new(&world, options(home.path()));
    let error = resolve(&supply, &chart(&format!("http://127.0.0.1:{port}"), "loki", None)).unwrap_err().to_string();
    assert!(error.contains("no connection to 127.0.0.1"), "{error}");
    let error = resolve(&supply, &chart("http://no-such-host.invalid", "loki", None)).unwrap_err().to_string();
    assert!(error.contains("the name no-such-host.invalid cannot be resolved (DNS)"), "{error}");
}
