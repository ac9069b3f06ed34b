//! Chart repositories over HTTP: versions, locks, the cache, mirrors, vendoring.

use hydrate_acquire::Mirrors;
use hydrate_acquire::{Artifact, Lock};
use hydrate_acquire::{ArtifactRequest, Options, Supply, Update};
use std::collections::{BTreeMap, BTreeSet};

use crate::project::*;
use crate::server::{Reply, Server};

/// A repository with loki 1.0.0, 1.1.0 and 2.0.0-rc.1, and tempo 3.0.0.
fn repository() -> Server {
    Server::start(|asked, _| match asked.path.as_str() {
        "/charts/index.yaml" => {
            let entry = |name: &'static str, version: &'static str| {
                (name, version, format!("{name}-{version}.tgz"), sha256(&packed(name, version)))
            };
            Reply::ok(
                index(&[entry("loki", "2.0.0-rc.1"), entry("loki", "1.1.0"), entry("loki", "1.0.0"), entry("tempo", "3.0.0")]).into_bytes(),
            )
        }
        path => match path.strip_prefix("/charts/").and_then(|name| name.strip_suffix(".tgz")?.split_once('-')) {
            Some((name, version)) => Reply::ok(packed(name, version)),
            None => Reply::status(404),
        },
    })
}

#[test]
fn a_range_is_locked_and_then_needs_no_index() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let want = chart(&server.url("/charts/"), "loki", Some("^1.0"));
    let artifact = resolve(&Supply::new(&world, options(home.path())), &want).unwrap();
    assert_eq!((artifact.name.as_str(), artifact.version.as_str()), ("loki", "1.1.0"));
    assert_eq!(artifact.url.as_deref(), Some(server.url("/charts/loki-1.1.0.tgz").as_str()));
    assert_eq!(artifact.source, server.url("/charts"));

    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    let supply = Supply::new(&world, options(home.path()));
    assert_eq!(&*supply.bytes(&artifact).unwrap(), packed("loki", "1.1.0"));
    assert_eq!(server.count("/charts/index.yaml"), 1);
    assert_eq!(server.count("/charts/loki-1.1.0.tgz"), 2);

    let offline = Supply::new(&world, Options { offline: true, ..options(home.path()) });
    assert_eq!(&*offline.bytes(&artifact).unwrap(), packed("loki", "1.1.0"));
    assert_eq!(server.count("/charts/loki-1.1.0.tgz"), 2);
}

#[test]
fn what_is_locked_stays_until_it_is_updated() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let supply = Supply::new(&world, options(home.path()));
    let old = resolve(&supply, &chart(&server.url("/charts"), "loki", Some("1.0.0"))).unwrap();
    let mut lock = Lock::default();
    lock.add(old.clone());

    let want = chart(&server.url("/charts"), "loki", Some("^1.0"));
    let wants = BTreeMap::from([(want.clone(), BTreeSet::from(["app@eks".to_owned()]))]);
    let kept = supply.resolve(&wants, &lock, &Update::Nothing).unwrap();
    assert_eq!(kept.artifacts().next().unwrap().version, "1.0.0");
    assert_eq!(server.count("/charts/index.yaml"), 1);

    let moved = supply.resolve(&wants, &lock, &Update::Names(BTreeSet::from(["loki".to_owned()]))).unwrap();
    assert_eq!(moved.artifacts().next().unwrap().version, "1.1.0");
    let newer = supply.outdated(&lock, &BTreeSet::new()).unwrap();
    assert_eq!((newer[0].locked.as_str(), newer[0].newest.as_str()), ("1.0.0", "1.1.0"));
    assert!(supply.outdated(&moved, &BTreeSet::new()).unwrap().is_empty());
}

#[test]
fn one_pass_over_the_index_serves_all_charts_of_a_repository() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let wants: BTreeMap<ArtifactRequest, BTreeSet<String>> =
        ["loki", "tempo"].map(|name| (chart(&server.url("/charts"), name, None), BTreeSet::new())).into();
    let lock = Supply::new(&world, options(home.path())).resolve(&wants, &Lock::default(), &Update::Nothing).unwrap();
    assert_eq!(lock.artifacts().map(|artifact| artifact.version.as_str()).collect::<Vec<_>>(), ["1.1.0", "3.0.0"]);
    assert_eq!(server.count("/charts/index.yaml"), 1);
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let supply = Supply::new(&world, options(home.path()));
    let fails = |name: &str, version: Option<&str>| {
        let error = resolve(&supply, &chart(&server.url("/charts"), name, version)).unwrap_err();
        error.to_string().replace(&server.port.to_string(), "PORT")
    };
    assert_eq!(
        fails("lokki", None),
        "there is no chart lokki in http://127.0.0.1:PORT/charts\n  note: it has 2 charts\n  help: did you mean loki?"
    );
    assert_eq!(
        fails("loki", Some("1.2.0")),
        "chart loki 1.2.0: no version matches \"1.2.0\"\n  help: near to it: 1.1.0, 1.0.0\n  help: newest: 2.0.0-rc.1, 1.1.0, 1.0.0"
    );
    let error = fails("loki", Some("one"));
    assert!(error.starts_with("chart loki one: \"one\" is not a version or range"), "{error}");
    let error = resolve(&supply, &chart(&server.url("/nowhere"), "loki", None)).unwrap_err().to_string();
    assert!(error.starts_with("there is no chart repository at http://"), "{error}");
}

#[test]
fn an_index_is_downloaded_once_a_run() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let supply = Supply::new(&world, options(home.path()));
    let mut lock = Lock::default();
    for (name, version) in [("loki", "1.0.0"), ("tempo", "3.0.0"), ("loki", "1.1.0")] {
        lock.add(resolve(&supply, &chart(&server.url("/charts"), name, Some(version))).unwrap());
    }
    assert_eq!(supply.outdated(&lock, &BTreeSet::new()).unwrap().len(), 1);
    assert_eq!(server.count("/charts/index.yaml"), 1);
    assert!(resolve(&supply, &chart(&server.url("/nowhere"), "loki", None)).is_err());
    assert!(resolve(&supply, &chart(&server.url("/nowhere"), "loki", None)).is_err());
    assert_eq!(server.count("/nowhere/index.yaml"), 2, "what is not there is no copy");
}

#[test]
fn archives_that_have_moved_or_are_gone() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let supply = Supply::new(&world, options(home.path()));
    let artifact = resolve(&supply, &chart(&server.url("/charts"), "loki", Some("1.0.0"))).unwrap();
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    let moved = Artifact { url: Some(server.url("/before/loki-1.0.0.tgz")), ..artifact.clone() };
    assert_eq!(&*supply.bytes(&moved).unwrap(), packed("loki", "1.0.0"));
    let gone = Artifact { version: "1.0.1".to_owned(), sha256: "0".repeat(64), ..moved };
    let error = supply.bytes(&gone).unwrap_err().to_string();
    assert!(error.starts_with("cannot fetch chart loki 1.0.1: it is not there (any more)\n  note: "), "{error}");
    assert!(error.contains("no version matches \"1.0.1\"") && error.contains("near to it: 1.0.0"), "{error}");
}

#[test]
fn mirrors_are_asked_and_originals_are_locked() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let mirrors = Mirrors::new([("https://charts.invalid/team".to_owned(), server.url("/charts"))]);
    let supply = Supply::new(&world, Options { mirrors, ..options(home.path()) });
    let artifact = resolve(&supply, &chart("https://charts.invalid/team", "tempo", None)).unwrap();
    assert_eq!(artifact.source, "https://charts.invalid/team");
    assert_eq!(artifact.url.as_deref(), Some("https://charts.invalid/team/tempo-3.0.0.tgz"), "as it would be without the mirror");
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    assert_eq!(&*supply.bytes(&artifact).unwrap(), packed("tempo", "3.0.0"));
    assert_eq!(server.count("/charts/index.yaml"), 1);

    // A mirror that keeps its archives elsewhere is asked for its index; the original is never asked.
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    let elsewhere = Artifact { url: Some("https://releases.invalid/v3/tempo.tgz".to_owned()), ..artifact };
    assert_eq!(&*supply.bytes(&elsewhere).unwrap(), packed("tempo", "3.0.0"));
    assert!(server.asked().iter().all(|asked| asked.header("host") == Some(&format!("127.0.0.1:{}", server.port))));
}

#[test]
fn vendored_archives_come_first_and_are_checked() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let artifact = resolve(&Supply::new(&world, options(home.path())), &chart(&server.url("/charts"), "loki", None)).unwrap();
    let mut lock = Lock::default();
    lock.add(artifact.clone());
    let (written, removed) = Supply::new(&world, options(home.path())).vendor(&lock).unwrap();
    assert_eq!((written.len(), removed.len()), (1, 0));
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();

    let offline = || Supply::new(&world, Options { offline: true, ..options(home.path()) });
    assert_eq!(&*offline().bytes(&artifact).unwrap(), packed("loki", "1.1.0"));
    std::fs::write(home.path().join("charts/loki-1.1.0.tgz"), "else").unwrap();
    let error = offline().bytes(&artifact).unwrap_err().to_string();
    assert!(error.starts_with("charts/loki-1.1.0.tgz is not what hydrate.lock says\n  note: expected sha256 "), "{error}");

    std::fs::write(home.path().join("charts/mine.tgz"), "mine").unwrap();
    let (_, removed) = Supply::new(&world, options(home.path())).vendor(&Lock::default()).unwrap();
    assert_eq!(removed, [std::path::PathBuf::from("charts/loki-1.1.0.tgz")]);
    assert!(home.path().join("charts/mine.tgz").exists());
}

#[test]
fn a_plain_archive_by_its_address() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (repository(), world(home.path()));
    let want = ArtifactRequest::Archive { url: server.url("/charts/tempo-3.0.0.tgz") };
    let artifact = resolve(&Supply::new(&world, options(home.path())), &want).unwrap();
    assert_eq!((artifact.name.as_str(), artifact.version.as_str()), ("tempo", "3.0.0"));
}

#[test]
fn a_large_index_is_read_for_one_entry() {
    let home = tempfile::tempdir().unwrap();
    let filler = "    description: something that goes on and on about what this chart installs\n".repeat(6);
    let mut text = String::from("apiVersion: v1\nentries:\n");
    for chart in 0..600 {
        text.push_str(&format!("  aaa-{chart:04}:\n"));
        for version in 0..100 {
            text.push_str(&format!("  - name: aaa-{chart:04}\n    version: 1.{version}.0\n    urls:\n    - x-{version}.tgz\n{filler}"));
        }
    }
    text.push_str("  loki:\n  - version: 1.0.0\n    urls:\n    - loki-1.0.0.tgz\n");
    assert!(text.len() > 30_000_000, "{}", text.len());
    let server = Server::start(move |asked, _| match asked.path.as_str() {
        "/index.yaml" => Reply::ok(text.clone().into_bytes()),
        "/loki-1.0.0.tgz" => Reply::ok(packed("loki", "1.0.0")),
        _ => Reply::status(404),
    });
    let world = world(home.path());
    let artifact = resolve(&Supply::new(&world, options(home.path())), &chart(&server.url(""), "loki", None)).unwrap();
    assert_eq!(artifact.version, "1.0.0");
}

/// A proxy that leads every CONNECT to one port of this machine; what it was asked goes to `heads`.
fn proxy(target: u16, heads: std::sync::Arc<std::sync::Mutex<Vec<String>>>) -> u16 {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move |client: TcpStream, heads: &std::sync::Mutex<Vec<String>>| -> std::io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut head = String::new();
        while reader.read_line(&mut head)? > 2 {}
        heads.lock().unwrap().push(head);
        let upstream = TcpStream::connect(("127.0.0.1", target))?;
        let (mut to_client, mut to_upstream) = (client, upstream.try_clone()?);
        to_client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        std::thread::spawn(move || std::io::copy(&mut reader, &mut to_upstream));
        std::io::copy(&mut &upstream, &mut to_client).map(drop)
    };
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let heads = std::sync::Arc::clone(&heads);
            std::thread::spawn(move || serve(client, &heads));
        }
    });
    port
}

#[test]
fn proxies_with_a_password() {
    let home = tempfile::tempdir().unwrap();
    let (server, heads) = (repository(), std::sync::Arc::default());
    let port = proxy(server.port, std::sync::Arc::clone(&heads));
    let through = world(home.path()).with_variable("HTTP_PROXY", &format!("http://ann:secret@127.0.0.1:{port}"));
    let want = chart("http://charts.invalid/charts", "loki", Some("1.0.0"));
    let artifact = resolve(&Supply::new(&through, options(home.path())), &want).unwrap();
    assert_eq!(artifact.version, "1.0.0");
    let heads = heads.lock().unwrap().clone();
    assert!(heads.iter().all(|head| head.starts_with("CONNECT charts.invalid:80 HTTP/1.1")), "{heads:?}");
    assert!(heads.iter().all(|head| head.to_ascii_lowercase().contains("proxy-authorization: basic yw5uonnly3jlda==")), "{heads:?}");
    assert!(server.asked().iter().all(|asked| asked.header("proxy-authorization").is_none()), "the password stays at the proxy");

    let around = through.with_variable("NO_PROXY", "charts.invalid").with_variable("HYDRATE_RETRIES", "0");
    let error = resolve(&Supply::new(&around, options(home.path())), &want).unwrap_err().to_string();
    assert!(error.contains("the name charts.invalid cannot be resolved (DNS)"), "{error}");
    let broken = world(home.path()).with_variable("HTTP_PROXY", "http://ann:secret@127.0.0.1:1").with_variable("HYDRATE_RETRIES", "0");
    let error = resolve(&Supply::new(&broken, options(home.path())), &want).unwrap_err().to_string();
    assert!(error.contains("cannot fetch the index") && !error.contains("secret"), "{error}");
}
