//! Signed charts: what is given, what is not, and what is said. The fixtures are made by tests/supply/provenance/make; the
//! verdicts are those of `helm verify` 4.3 on the same files.

use hydrate_acquire::provenance::{Keyring, Signer, Subject, verify};
use hydrate_acquire::{Artifact, Lock};
use hydrate_acquire::{ArtifactRequest, Options, Supply};

use crate::project::*;
use crate::server::{Asked, Reply, Server};

/// 2026-11-01, in nanoseconds.
const NOW: i128 = 1_793_491_200_000_000_000;
const YEAR: i128 = 365 * 86_400 * 1_000_000_000;

fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supply/provenance").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn keyring(name: &str) -> Keyring {
    Keyring::parse("keyring.gpg".to_owned(), &fixture(name)).unwrap()
}

fn verdict(proof: &[u8], archive: &[u8], ring: &str, now: i128) -> Result<Signer, String> {
    let names = ["app-1.0.0.tgz".to_owned()];
    let subject = Subject { title: "chart app 1.0.0", names: &names, sha256: &sha256(archive) };
    verify(subject, proof, &keyring(ring), now).map_err(|error| error.to_string())
}

fn after_signing() -> i128 {
    // The keys of the fixtures may be newer than NOW where they were made anew.
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(NOW, |now| NOW.max(now.as_nanos() as i128))
}

#[test]
fn good_signatures() {
    for (proof, name) in [
        ("signer", "Signer <signer@example.org>"),
        ("rsa", "RSA <rsa@example.org>"),
        // By a subkey; the key itself may not sign.
        ("owner", "Owner <owner@example.org>"),
    ] {
        let signer = verdict(&fixture(&format!("{proof}.prov")), &fixture("app-1.0.0.tgz"), "keyring.gpg", after_signing());
        assert_eq!(signer.unwrap().name, name);
    }
    let armored = verdict(&fixture("signer.prov"), &fixture("app-1.0.0.tgz"), "signer.asc", after_signing());
    assert_eq!(armored.unwrap().fingerprint.len(), 40);
}

#[test]
fn everything_else_is_refused() {
    let good = fixture("app-1.0.0.tgz");
    let signed = String::from_utf8(fixture("signer.prov")).unwrap();
    let text = |text: String| text.into_bytes();
    for (what, proof, want) in [
        ("stranger", fixture("stranger.prov"), "it is signed by a key that the keyring does not hold\n  note: signed by "),
        ("expired", fixture("expired.prov"), "the key has expired (2024-12-31T00:00:00Z)\n  note: key "),
        ("revoked", fixture("revoked.prov"), "the key was revoked\n  note: key "),
        ("other digest", fixture("other-digest.prov"), "it is not the archive that was signed\n  note: expected sha256:db000ba"),
        ("other name", fixture("other-name.prov"), "what is signed names no file app-1.0.0.tgz\n  note: it names: other-1.0.0.tgz"),
        ("no files", fixture("no-files.prov"), "what is signed cannot be read\n  note: a line `...` has to stand"),
        ("changed", text(signed.replace("version: 1.0.0", "version: 1.0.1")), "the signature of its provenance file is not good\n"),
        ("a digest changed", text(signed.replace("sha256:db", "sha256:bd")), "the signature of its provenance file is not good\n"),
        ("cut", text(signed[..signed.len() / 2].to_owned()), "holds no signed message\n  note: it does not end with"),
        ("no message", b"files: {}\n".to_vec(), "holds no signed message\n  note: it does not begin with"),
        (
            "no signature",
            text(signed.replace("SIGNATURE-----\n\n", "SIGNATURE-----\n\nAAAA")),
            "its provenance file holds no signed message\n",
        ),
        ("binary", vec![0xff; 40], "holds no signed message\n  note: it is not UTF-8"),
    ] {
        let error = verdict(&proof, &good, "keyring.gpg", after_signing()).unwrap_err();
        assert!(error.starts_with("chart app 1.0.0 cannot be verified: ") && error.contains(want), "{what}: {error}");
    }
    let other = verdict(&fixture("signer.prov"), b"another archive", "keyring.gpg", after_signing()).unwrap_err();
    assert!(other.contains("it is not the archive that was signed"), "{other}");
    let early = verdict(&fixture("signer.prov"), &good, "keyring.gpg", NOW - 10 * YEAR).unwrap_err();
    assert!(early.contains("the key was made in the future"), "{early}");
    let then = verdict(&fixture("expired.prov"), &good, "keyring.gpg", NOW - 2 * YEAR - YEAR / 4).unwrap();
    assert_eq!(then.name, "Expired <expired@example.org>");
}

#[test]
fn keyrings_that_are_none() {
    for (bytes, want) in [
        (&b""[..], "holds no public key"),
        (b"not a keyring", "holds no public key"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n", "holds no public key"),
    ] {
        let error = Keyring::parse("ring".to_owned(), bytes).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

fn repository(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/index.yaml" => Reply::ok(index(&[("app", "1.0.0", "app-1.0.0.tgz".into(), String::new())]).into_bytes()),
        "/app-1.0.0.tgz" => Reply::ok(fixture("app-1.0.0.tgz")),
        "/app-1.0.0.tgz.prov" => Reply::ok(fixture("signer.prov")),
        _ => Reply::status(404),
    }
}

#[test]
fn the_provenance_is_locked_kept_and_vendored() {
    let home = tempfile::tempdir().unwrap();
    let (server, world) = (Server::start(|asked, _| repository(asked)), world(home.path()));
    let supply = Supply::new(&world, options(home.path()));
    let plain = resolve(&supply, &chart(&server.url(""), "app", None)).unwrap();
    assert_eq!(plain.provenance, None);
    let signed = supply.with_provenance(&plain).unwrap();
    assert_eq!(signed.provenance, Some(sha256(&fixture("signer.prov"))));
    assert_eq!(Supply::archive_names(&signed), ["app-1.0.0.tgz"]);

    let mut lock = Lock::default();
    lock.add(signed.clone());
    let read = Lock::parse(&hydrate_base::SourceFile::new("hydrate.lock", lock.to_text().into_bytes())).unwrap();
    assert_eq!(read, lock);
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    assert_eq!(supply.fetch_all(&lock.artifacts().collect::<Vec<_>>()).unwrap(), 1);
    let offline = || Supply::new(&world, Options { offline: true, ..options(home.path()) });
    assert_eq!(&*offline().provenance(&signed).unwrap(), fixture("signer.prov"));

    let (written, _) = supply.vendor(&lock).unwrap();
    assert_eq!(
        written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        ["charts/app-1.0.0.tgz", "charts/app-1.0.0.tgz.prov"]
    );
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    assert_eq!(&*offline().provenance(&signed).unwrap(), fixture("signer.prov"));
    std::fs::write(home.path().join("charts/app-1.0.0.tgz.prov"), "else").unwrap();
    let error = offline().provenance(&signed).unwrap_err().to_string();
    assert!(error.starts_with("charts/app-1.0.0.tgz.prov is not what hydrate.lock says"), "{error}");
    let (_, removed) = supply.vendor(&Lock::default()).unwrap();
    assert_eq!(removed.len(), 2);
}

#[test]
fn another_provenance_than_the_lock_says() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let server = Server::start(|asked, before| match (asked.path.as_str(), before) {
        ("/app-1.0.0.tgz.prov", 1..) => Reply::ok(fixture("rsa.prov")),
        _ => repository(asked),
    });
    let supply = Supply::new(&world, options(home.path()));
    let signed = supply.with_provenance(&resolve(&supply, &chart(&server.url(""), "app", None)).unwrap()).unwrap();
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    let error = supply.provenance(&signed).unwrap_err().to_string();
    assert!(error.starts_with("the provenance of chart app 1.0.0 is not what hydrate.lock says\n  note: expected sha256 "), "{error}");
    assert_eq!(blobs(home.path()), 0);
}

#[test]
fn a_chart_without_one() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let server = Server::start(|asked, _| if asked.path.ends_with(".prov") { Reply::status(404) } else { repository(asked) });
    let supply = Supply::new(&world, options(home.path()));
    let plain = resolve(&supply, &chart(&server.url(""), "app", None)).unwrap();
    let error = supply.with_provenance(&plain).unwrap_err().to_string();
    assert!(error.starts_with("chart app 1.0.0 cannot be verified: it has no provenance file\n  note: http://"), "{error}");
    assert!(error.contains("/app-1.0.0.tgz.prov answered 404"), "{error}");
}

/// A registry with app 1.0.0, whose manifest names these layers.
fn registry(archive: Vec<u8>, proof: Option<Vec<u8>>) -> Server {
    let mut layers = vec![layer("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &archive)];
    layers.extend(proof.as_ref().map(|proof| layer("application/vnd.cncf.helm.chart.provenance.v1.prov", proof)));
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layer("application/vnd.cncf.helm.config.v1+json", b"{}"),
        "layers": layers,
    })
    .to_string();
    Server::start(move |asked, _| {
        let blob = |bytes: &[u8]| asked.path.ends_with(&format!("/blobs/sha256:{}", sha256(bytes)));
        let by_digest = asked.path.ends_with(&format!("/manifests/sha256:{}", sha256(manifest.as_bytes())));
        if blob(&archive) {
            Reply::ok(archive.clone())
        } else if proof.as_deref().is_some_and(blob) {
            Reply::ok(proof.clone().unwrap())
        } else if by_digest || asked.path.ends_with("/manifests/1.0.0") {
            Reply::ok(manifest.clone().into_bytes()).with("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        } else {
            Reply::status(404)
        }
    })
}

fn layer(kind: &str, bytes: &[u8]) -> serde_json::Value {
    serde_json::json!({"mediaType": kind, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len()})
}

fn in_registry(server: &Server) -> ArtifactRequest {
    ArtifactRequest::Oci { reference: format!("oci://127.0.0.1:{}/charts/app", server.port), version: Some("1.0.0".into()) }
}

#[test]
fn a_registry_holds_it_as_a_layer() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let server = registry(fixture("app-1.0.0.tgz"), Some(fixture("signer.prov")));
    let supply = Supply::new(&world, options(home.path()));
    let signed = supply.with_provenance(&resolve(&supply, &in_registry(&server)).unwrap()).unwrap();
    std::fs::remove_dir_all(home.path().join("cache")).unwrap();
    assert_eq!(&*supply.provenance(&signed).unwrap(), fixture("signer.prov"));
}

#[test]
fn a_registry_that_has_none_or_names_another_archive() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let server = registry(fixture("app-1.0.0.tgz"), None);
    let supply = Supply::new(&world, options(home.path()));
    let plain = resolve(&supply, &in_registry(&server)).unwrap();
    let error = supply.with_provenance(&plain).unwrap_err().to_string();
    assert!(error.contains("it has no provenance file") && error.contains("has no such layer"), "{error}");

    let other = Artifact { sha256: sha256(b"another"), ..plain };
    let error = supply.with_provenance(&other).unwrap_err().to_string();
    assert!(error.contains("the registry names another archive") && error.contains("expected sha256:"), "{error}");
}

#[test]
fn of_git_the_commit_is_what_counts() {
    let home = tempfile::tempdir().unwrap();
    let world = world(home.path());
    let supply = Supply::new(&world, options(home.path()));
    let server = Server::start(|_, _| Reply::ok(&b"kind: x"[..]));
    let file = resolve(&supply, &ArtifactRequest::File { url: server.url("/x.yaml") }).unwrap();
    let error = supply.with_provenance(&file).unwrap_err().to_string();
    assert!(error.contains("only packed charts are signed"), "{error}");
}

/// Whatever a server sends as a provenance file, and whatever lies about as a keyring: an error, and never a panic.
#[test]
fn no_flipped_bit_is_believed() {
    let (archive, signed, ring) = (fixture("app-1.0.0.tgz"), fixture("signer.prov"), fixture("keyring.gpg"));
    let now = after_signing();
    let subject = Subject { title: "chart", names: &["app-1.0.0.tgz".to_owned()], sha256: &sha256(&archive) };
    let good = keyring("keyring.gpg");
    let find = |needle: &str| String::from_utf8_lossy(&signed).find(needle).unwrap();
    let body = find("apiVersion")..find("\n-----BEGIN PGP SIGNATURE");
    for at in (0..signed.len()).step_by(2) {
        let mut changed = signed.clone();
        changed[at] ^= 1 << (at % 7);
        let verdict = verify(subject, &changed, &good, now);
        assert!(!body.contains(&at) || verdict.is_err(), "a change at byte {at} of the signed text is believed");
        let cut = verify(subject, &signed[..at], &good, now);
        assert!(cut.is_err(), "the first {at} bytes are believed");
    }
    for at in (0..ring.len()).step_by(5) {
        let mut changed = ring.clone();
        changed[at] ^= 1 << (at % 8);
        for bytes in [&changed[..], &ring[..at]] {
            if let Ok(keys) = Keyring::parse("ring".to_owned(), bytes) {
                let _ = verify(subject, &signed, &keys, now);
            }
        }
    }
}
