//! Pushing manifests to a registry: what is sent, what is not sent again, what goes wrong on the way, and what a tag names then. The registry is the
//! tests' own; `make conformance` runs the same against docker-registry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use hydrate_acquire::{Package, Pushed, Standing, Supply};
use hydrate_base::Diagnostic;

use crate::project::*;
use crate::server::{Asked, Fault, Reply, Server};

const CREATED: &str = "org.opencontainers.image.created";

/// A registry as the distribution specification has it, with one repository, which answers in its own way where `fault` says so.
#[derive(Default)]
struct Registry {
    blobs: Mutex<BTreeMap<String, Vec<u8>>>,
    manifests: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Registry {
    fn answer(&self, asked: &Asked) -> Reply {
        let path = asked.path.strip_prefix("/v2/platform/dev/").unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let typed = |bytes: &Vec<u8>| Reply::ok(bytes.clone()).with("Content-Type", "application/vnd.oci.image.manifest.v1+json");
        match (asked.method.as_str(), path.split_once('/').unwrap_or((path, ""))) {
            ("HEAD" | "GET", ("blobs", digest)) => self.blobs.lock().unwrap().get(digest).map_or_else(|| Reply::status(404), typed),
            ("GET", ("manifests", which)) => self.manifests.lock().unwrap().get(which).map_or_else(|| Reply::status(404), typed),
            ("POST", ("blobs", "uploads/")) => Reply::status(202).with("Location", "/v2/platform/dev/blobs/uploads/one?_state=a%3Db"),
            ("PUT", ("blobs", "uploads/one")) => match query.strip_prefix("_state=a%3Db&digest=") {
                Some(digest) if digest == format!("sha256:{}", sha256(&asked.body)) => {
                    self.blobs.lock().unwrap().insert(digest.to_owned(), asked.body.clone());
                    Reply::status(201).with("Docker-Content-Digest", digest)
                }
                _ => Reply { body: br#"{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}"#[..].into(), ..Reply::status(400) },
            },
            ("PUT", ("manifests", which)) => self.take_manifest(which, &asked.body),
            _ => Reply::status(405),
        }
    }

    /// A manifest whose blobs are not there is not taken.
    fn take_manifest(&self, which: &str, body: &[u8]) -> Reply {
        let manifest: serde_json::Value = serde_json::from_slice(body).unwrap();
        let blobs = self.blobs.lock().unwrap();
        let parts = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
        for part in parts {
            let known = blobs.get(part["digest"].as_str().unwrap()).map(Vec::len);
            if known != part["size"].as_u64().map(|size| usize::try_from(size).unwrap()) {
                return Reply { body: br#"{"errors":[{"code":"BLOB_UNKNOWN","message":"x"}]}"#[..].into(), ..Reply::status(404) };
            }
        }
        let digest = format!("sha256:{}", sha256(body));
        let mut manifests = self.manifests.lock().unwrap();
        manifests.insert(which.to_owned(), body.to_vec());
        manifests.insert(digest.clone(), body.to_vec());
        Reply::status(201).with("Docker-Content-Digest", digest)
    }

    fn tag(&self, tag: &str) -> Option<String> {
        self.manifests.lock().unwrap().get(tag).map(|manifest| format!("sha256:{}", sha256(manifest)))
    }
}

fn package(text: &str, created: &str) -> Package {
    let files = BTreeMap::from([("manifests/dev/a.yaml".to_owned(), text.as_bytes().to_vec())]);
    Package::of(&files, &BTreeMap::from([(CREATED.to_owned(), created.to_owned())])).unwrap()
}

/// A registry that answers as `wrong` has it where that says something, and a supply that is patient enough for three tries.
struct Case {
    registry: Arc<Registry>,
    server: Server,
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Case {
    fn new(wrong: impl Fn(&Asked, usize) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let registry = Arc::new(Registry::default());
        let answering = Arc::clone(&registry);
        let server = Server::start(move |asked, before| wrong(asked, before).unwrap_or_else(|| answering.answer(asked)));
        Self { registry, server, home: tempfile::tempdir().unwrap(), variables: vec![("HYDRATE_RETRIES".to_owned(), "2".to_owned())] }
    }

    fn push(&self, package: &Package, tags: &[&str]) -> Result<Pushed, Box<Diagnostic>> {
        self.push_where(package, tags, &|_, _| Ok(()))
    }

    fn push_where(
        &self,
        package: &Package,
        tags: &[&str],
        may_move: &dyn Fn(&str, &Standing) -> Result<(), Box<Diagnostic>>,
    ) -> Result<Pushed, Box<Diagnostic>> {
        let world = self.variables.iter().fold(world(self.home.path()), |world, (name, value)| world.with_variable(name, value));
        let supply = Supply::new(&world, options(self.home.path()));
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        supply.push(&format!("oci://127.0.0.1:{}/platform/dev", self.server.port), &tags, package, may_move)
    }

    fn fails(&self, package: &Package) -> String {
        self.push(package, &["latest"]).unwrap_err().to_string()
    }

    fn sent(&self, method: &str) -> usize {
        self.server.asked().iter().filter(|asked| asked.method == method).count()
    }
}

fn sane(_: &Asked, _: usize) -> Option<Reply> {
    None
}

fn is_upload(asked: &Asked) -> bool {
    asked.method == "PUT" && asked.path.contains("/blobs/uploads/")
}

#[test]
fn blobs_go_up_once_and_tags_last() {
    let case = Case::new(sane);
    let first = package("a", "2026-01-01T00:00:00Z");
    let pushed = case.push(&first, &["latest", "v1"]).unwrap();
    assert_eq!((pushed.uploaded.len(), pushed.moved), (2, vec!["latest".to_owned(), "v1".to_owned()]));
    let puts: Vec<String> = case.server.asked().into_iter().filter(|asked| asked.method == "PUT").map(|asked| asked.path).collect();
    let manifests: Vec<&str> = puts[2..].iter().filter_map(|path| path.rsplit('/').next()).collect();
    assert_eq!(manifests, [&*first.digest(), "latest", "v1"]);

    // The same again: nothing is sent.
    let sent = case.sent("PUT");
    assert_eq!(case.push(&first, &["latest", "v1"]).unwrap(), Pushed { uploaded: vec![], moved: vec![] });
    assert_eq!((case.sent("PUT"), case.sent("POST")), (sent, 2));

    // Another commit with the same files: the layer stays.
    let second = package("a", "2026-01-02T00:00:00Z");
    let pushed = case.push(&second, &["latest"]).unwrap();
    assert_eq!((pushed.uploaded, pushed.moved), (vec![format!("sha256:{}", sha256(&second.config))], vec!["latest".to_owned()]));
    assert_eq!((case.registry.tag("latest"), case.registry.tag("v1")), (Some(second.digest()), Some(first.digest())));
}

#[test]
fn a_tag_that_must_not_move_stays() {
    let case = Case::new(sane);
    let (new, old) = (package("b", "2026-01-02T00:00:00Z"), package("a", "2026-01-01T00:00:00Z"));
    case.push(&new, &["latest"]).unwrap();
    let asked = Mutex::new(BTreeSet::new());
    let newest = |tag: &str, standing: &Standing| {
        asked.lock().unwrap().insert(format!("{tag} {}", standing.annotations[CREATED]));
        Err(Diagnostic::error("older"))
    };
    assert_eq!(case.push_where(&old, &["latest"], &newest).unwrap_err().to_string(), "older");
    assert_eq!(*asked.lock().unwrap(), BTreeSet::from(["latest 2026-01-02T00:00:00Z".to_owned()]));
    // Nothing of it was sent.
    assert_eq!((case.registry.tag("latest"), case.registry.blobs.lock().unwrap().len()), (Some(new.digest()), 2));
}

/// Somebody else pushes something newer while the blobs go up.
#[test]
fn a_tag_is_looked_at_again_before_it_moves() {
    let registry = Arc::new(Registry::default());
    let (mine, theirs) = (package("a", "2026-01-01T00:00:00Z"), package("b", "2026-01-02T00:00:00Z"));
    let (answering, other) = (Arc::clone(&registry), theirs.clone());
    let mut case = Case::new(sane);
    case.server = Server::start(move |asked, _| {
        if is_upload(asked) {
            answering.manifests.lock().unwrap().insert("latest".to_owned(), other.manifest.clone());
        }
        answering.answer(asked)
    });
    let error = case.push_where(&mine, &["latest"], &|_, _| Err(Diagnostic::error("older"))).unwrap_err();
    assert_eq!((error.to_string(), registry.tag("latest")), ("older".to_owned(), Some(theirs.digest())));
}

#[test]
fn an_upload_that_is_cut_is_begun_anew() {
    for fault in [Fault::Hangup, Fault::Cut(3)] {
        let case = Case::new(move |asked, _| {
            static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
            let is_first = is_upload(asked) && SEEN.lock().unwrap().insert(format!("{} {fault:?}", asked.path));
            is_first.then(|| Reply::ok(&b"{\"cut\": true}"[..]).failing(fault))
        });
        let package = package("a", &format!("2026-01-01T00:00:00Z {fault:?}"));
        assert_eq!(case.push(&package, &["latest"]).unwrap().uploaded.len(), 2, "{fault:?}");
        assert_eq!((case.registry.tag("latest"), case.sent("POST")), (Some(package.digest()), 4), "{fault:?}");
    }
}

#[test]
fn what_fails_for_a_while_is_tried_again() {
    let case = Case::new(|asked, before| (asked.method != "GET" && before == 0).then(|| Reply::status(503).with("Retry-After", "0")));
    let package = package("a", "2026-01-01T00:00:00Z");
    case.push(&package, &["latest"]).unwrap();
    assert_eq!(case.registry.tag("latest"), Some(package.digest()));
}

#[test]
fn what_fails_for_good_leaves_the_tag() {
    let newer = package("b", "2026-01-02T00:00:00Z");
    let denied = br#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#;
    let large = br#"{"errors":[{"code":"SIZE_INVALID","message":"too large"}]}"#;
    let said = |status: u16, body: &'static [u8]| Reply { body: body.into(), ..Reply::status(status) };
    let cases: [(&str, Reply, &str); 6] = [
        ("POST", said(403, denied), "does not let us in (403)"),
        ("POST", said(403, denied), "it says: DENIED: requested access to the resource is denied"),
        ("PUT", said(413, large), "cannot push oci://127.0.0.1:[port]/platform/dev: the registry answered 413"),
        ("PUT", Reply::status(500), "the server answered 500"),
        ("PUT", Reply::status(201).with("Docker-Content-Digest", "sha256:0"), "has stored something else than was sent"),
        ("PUT", Reply::default().failing(Fault::Hangup), "tried 3 times"),
    ];
    for (method, reply, expected) in cases {
        let registry = Case::new(sane);
        registry.push(&package("a", "2026-01-01T00:00:00Z"), &["latest"]).unwrap();
        let (standing, before) = (Arc::clone(&registry.registry), registry.registry.tag("latest"));
        let mut case = Case::new(sane);
        case.server = Server::start(move |asked, _| if asked.method == method { reply.clone() } else { standing.answer(asked) });
        let error = case.fails(&newer).replace(&case.server.port.to_string(), "[port]");
        assert!(
            error.contains(expected) && error.starts_with("cannot push oci://127.0.0.1:[port]/platform/dev")
                || method == "PUT" && error.contains(expected),
            "{error}"
        );
        assert_eq!(registry.registry.tag("latest"), before, "{expected}");
    }
}

#[test]
fn places_to_upload_to() {
    for (location, expected) in [
        (None, "the registry names no usable place to upload to"),
        (Some("ftp://127.0.0.1/x"), "the registry names no usable place to upload to"),
    ] {
        let case = Case::new(move |asked, _| {
            let begun = Reply::status(202);
            (asked.method == "POST").then(|| location.map_or_else(|| begun.clone(), |location| begun.clone().with("Location", location)))
        });
        let error = case.fails(&package("a", ""));
        assert!(error.contains(expected), "{error}");
    }
}

/// As registries do it whose blobs are in the storage of a cloud.
#[test]
fn a_login_does_not_follow_an_upload_to_another_host() {
    let registry = Arc::new(Registry::default());
    let storing = Arc::clone(&registry);
    let storage = Server::start(move |asked, _| {
        let digest = asked.path.rsplit("digest=").next().unwrap().to_owned();
        storing.blobs.lock().unwrap().insert(digest, asked.body.clone());
        Reply::status(201)
    });
    let elsewhere = storage.url("/store?signed=yes");
    let answering = Arc::clone(&registry);
    let mut case = Case::new(sane);
    case.server = Server::start(move |asked, _| match asked.header("authorization") {
        None => Reply::status(401).with("WWW-Authenticate", "Basic realm=\"x\""),
        Some(_) if asked.method == "POST" => Reply::status(202).with("Location", elsewhere.clone()),
        Some(_) => answering.answer(asked),
    });
    let key = format!("127_0_0_1_{}", case.server.port);
    case.variables
        .extend([(format!("HYDRATE_USERNAME_{key}"), "ann".to_owned()), (format!("HYDRATE_PASSWORD_{key}"), "secret".to_owned())]);
    let package = package("a", "2026-01-01T00:00:00Z");
    case.push(&package, &["latest"]).unwrap();
    assert_eq!(registry.tag("latest"), Some(package.digest()));
    assert!(
        storage.asked().iter().all(|asked| asked.header("authorization").is_none() && asked.path.starts_with("/store?signed=yes&digest="))
    );
}

/// A registry that lets everybody read asks for a token only when something is written.
#[test]
fn a_token_is_asked_for_that_may_push() {
    let service = Arc::new(Server::start(|asked, _| match (asked.path.as_str(), asked.header("authorization")) {
        ("/token?service=registry&scope=repository:platform/dev:pull%2Cpush", Some("Basic YW5uOnNlY3JldA==")) => {
            Reply::ok(&br#"{"token":"short"}"#[..])
        }
        _ => Reply::status(403),
    }));
    let realm = service.url("/token");
    let registry = Arc::new(Registry::default());
    let answering = Arc::clone(&registry);
    let mut case = Case::new(sane);
    case.server = Server::start(move |asked, _| match asked.header("authorization") {
        Some("Bearer short") => answering.answer(asked),
        None if matches!(asked.method.as_str(), "GET" | "HEAD") => answering.answer(asked),
        _ => {
            let scope = "repository:platform/dev:pull";
            Reply::status(401).with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"registry\",scope=\"{scope}\""))
        }
    });
    let package = package("a", "2026-01-01T00:00:00Z");
    let error = case.fails(&package);
    assert!(error.contains("cannot push") && error.contains("does not let us in (401)") && error.contains("docker login"), "{error}");
    let key = format!("127_0_0_1_{}", case.server.port);
    case.variables
        .extend([(format!("HYDRATE_USERNAME_{key}"), "ann".to_owned()), (format!("HYDRATE_PASSWORD_{key}"), "secret".to_owned())]);
    case.push(&package, &["latest"]).unwrap();
    // Once by the stranger, once with the login.
    let asked = service.count("/token?service=registry&scope=repository:platform/dev:pull%2Cpush");
    assert_eq!((registry.tag("latest"), asked), (Some(package.digest()), 2));
}

#[test]
fn without_a_network_nothing_is_pushed() {
    let case = Case::new(sane);
    let world = world(case.home.path());
    let supply = Supply::new(&world, hydrate_acquire::Options { offline: true, ..options(case.home.path()) });
    let reference = format!("oci://127.0.0.1:{}/platform/dev", case.server.port);
    let error = supply.push(&reference, &["latest".to_owned()], &package("a", ""), &|_, _| Ok(())).unwrap_err().to_string();
    assert!(error.contains("--offline forbids"), "{error}");
    assert!(case.server.asked().is_empty());
}

/// A repository with a project, and the binary in it.
struct Repository {
    home: tempfile::TempDir,
    address: String,
}

impl Repository {
    fn new(server: &Server) -> Self {
        let one = Self { home: tempfile::tempdir().unwrap(), address: format!("oci://127.0.0.1:{}/platform/dev", server.port) };
        std::fs::create_dir_all(one.home.path().join("project/components/a/raw")).unwrap();
        std::fs::create_dir_all(one.home.path().join("project/environments")).unwrap();
        std::fs::write(one.home.path().join("project/environments/dev.yaml"), "{}\n").unwrap();
        one.git(&["init", "-q", "-b", "main"]);
        one
    }

    fn run(&self, program: &str, arguments: &[&str]) -> std::process::Output {
        let mut command = std::process::Command::new(program);
        command.args(arguments).current_dir(self.home.path().join("project")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.home.path()).env("HYDRATE_RETRIES", "0");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "U").env(format!("GIT_{who}_EMAIL"), "u@example.org");
            command.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
        }
        command.output().unwrap()
    }

    fn git(&self, arguments: &[&str]) {
        let output = self.run("git", arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Commits a component that says this, with what is rendered of it.
    fn commit(&self, says: &str) {
        let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: default}}\ndata: {{says: {says}}}\n");
        std::fs::write(self.home.path().join("project/components/a/raw/a.yaml"), object).unwrap();
        self.hydrate(&["--commit=with-sources", "-q"]).unwrap();
    }

    fn hydrate(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.run(env!("CARGO_BIN_EXE_hydrate"), arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn push(&self, more: &[&str]) -> Result<String, String> {
        self.hydrate(&[&["push", self.address.as_str(), "-q"], more].concat())
    }
}

#[test]
fn a_tag_goes_forward_along_the_history() {
    let case = Case::new(sane);
    let repository = Repository::new(&case.server);
    repository.commit("one");
    let one = repository.push(&[]).unwrap();
    let digest = |said: &str| said.trim().rsplit('@').next().map(str::to_owned);
    assert_eq!(digest(&one), case.registry.tag("latest"));
    repository.commit("two");
    let two = repository.push(&["--tag", "v2"]).unwrap();
    assert_eq!((digest(&two), case.registry.tag("v2")), (case.registry.tag("latest"), digest(&two)));
    assert_ne!(one, two);

    // An older pipeline that comes late.
    repository.git(&["checkout", "-q", "-B", "old", "HEAD~"]);
    let error = repository.push(&[]).unwrap_err();
    assert!(error.contains("latest stays: it names main@sha1:") && error.contains("which comes after the commit"), "{error}");
    assert_eq!(case.registry.tag("latest"), digest(&two));
    // A branch of its own.
    repository.commit("three");
    let error = repository.push(&[]).unwrap_err();
    assert!(error.contains("did not lead to the commit that is checked out") && error.contains("--force"), "{error}");
    let three = repository.push(&["--force"]).unwrap();
    assert_eq!(case.registry.tag("latest"), digest(&three));

    // Another clone makes the same bytes of the same commit.
    let clone = Repository { home: tempfile::tempdir().unwrap(), address: repository.address.clone() };
    let from = repository.home.path().join("project").display().to_string();
    let cloned = std::process::Command::new("git").args(["clone", "-q", &from, "project"]).current_dir(clone.home.path()).status().unwrap();
    assert!(cloned.success());
    assert_eq!(clone.push(&["--dry-run"]).unwrap(), three);
    assert_eq!(clone.push(&[]).unwrap(), three);
}

#[test]
fn a_shallow_clone_goes_by_the_time() {
    let case = Case::new(sane);
    let repository = Repository::new(&case.server);
    repository.commit("one");
    let standing = |revision: &str, created: &str| {
        let annotations = [("org.opencontainers.image.revision", revision), (CREATED, created)];
        let annotations =
            annotations.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let package = Package::of(&BTreeMap::from([("a.yaml".to_owned(), Vec::new())]), &annotations.collect()).unwrap();
        case.registry.manifests.lock().unwrap().insert("latest".to_owned(), package.manifest);
    };
    let elsewhere = format!("main@sha1:{}", "a".repeat(40));
    standing(&elsewhere, "2026-01-01T00:00:01Z");
    let error = repository.push(&[]).unwrap_err();
    assert!(error.contains("is not in this clone, and is newer than the commit"), "{error}");
    standing("", "2020-01-01T00:00:00Z");
    let error = repository.push(&[]).unwrap_err();
    assert!(error.contains("it names something that does not say which commit it is from"), "{error}");
    standing(&elsewhere, "2025-12-31T23:59:59Z");
    repository.push(&[]).unwrap();
}
