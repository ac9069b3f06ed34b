//! Debian's docker-registry: charts are pushed by the test and pulled by hydrate.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::project::{packed, sha256};
use crate::scene::{Running, Scene, free_port, serve, tool};
use crate::server::{Asked, Reply, Server};

/// A registry, and how to be let in.
struct Registry {
    port: u16,
    authorization: Box<dyn Fn(&str) -> String>,
    _running: Running,
}

impl Registry {
    /// Starts one with these lines under `auth:`.
    fn start(directory: &Path, port: u16, auth: &str, authorization: impl Fn(&str) -> String + 'static) -> Option<Self> {
        let storage = directory.join("storage");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\nauth:\n{auth}",
            storage.display()
        );
        std::fs::write(directory.join("config.yml"), config).unwrap();
        let running = serve("docker-registry", &["serve", "config.yml"], port, directory)?;
        Some(Self { port, authorization: Box::new(authorization), _running: running })
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = format!("sha256:{}", sha256(bytes));
        let begin = ureq::post(format!("http://{}/v2/{repository}/blobs/uploads/", self.host()));
        let answer = begin.header("Authorization", (self.authorization)(repository)).send_empty().unwrap();
        let location = answer.headers().get("location").unwrap().to_str().unwrap().to_owned();
        let upload = ureq::put(format!("{location}&digest={digest}")).header("Authorization", (self.authorization)(repository));
        let answer = upload.header("Content-Type", "application/octet-stream").send(bytes).unwrap();
        assert_eq!(answer.status(), 201);
        digest
    }

    /// Pushes a chart as helm does and gives the manifest's digest.
    fn push(&self, repository: &str, tag: &str, chart: &[u8], provenance: Option<&[u8]>) -> String {
        let layer = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": self.blob(repository, bytes), "size": bytes.len()});
        let mut layers = vec![layer("application/vnd.cncf.helm.chart.content.v1.tar+gzip", chart)];
        layers.extend(provenance.map(|bytes| layer("application/vnd.cncf.helm.chart.provenance.v1.prov", bytes)));
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let config = layer("application/vnd.cncf.helm.config.v1+json", b"{}");
        self.manifest(repository, tag, kind, &json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}))
    }

    fn manifest(&self, repository: &str, tag: &str, kind: &str, manifest: &Value) -> String {
        let text = manifest.to_string();
        let call = ureq::put(format!("http://{}/v2/{repository}/manifests/{tag}", self.host()));
        let answer =
            call.header("Authorization", (self.authorization)(repository)).header("Content-Type", kind).send(text.as_bytes()).unwrap();
        assert_eq!(answer.status(), 201);
        format!("sha256:{}", sha256(text.as_bytes()))
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A registry with the user ann, whose password is `pass word`.
fn with_passwords(directory: &Path) -> Option<Registry> {
    let hash = bcrypt::hash("pass word", 4).unwrap().replacen("$2b$", "$2y$", 1);
    std::fs::write(directory.join("users"), format!("ann:{hash}\n")).unwrap();
    let auth = format!("  htpasswd: {{realm: charts, path: {}}}\n", directory.join("users").display());
    Registry::start(directory, free_port(), &auth, |_| basic("ann", "pass word"))
}

fn component(chart: &str, more: &str) -> String {
    format!("sources:\n- helm: {{chart: \"{chart}\"{more}}}\n")
}

fn logged_in(scene: Scene, registry: &Registry) -> Scene {
    let login = json!({"auths": {registry.host(): {"auth": STANDARD.encode("ann:pass word")}}});
    std::fs::create_dir_all(scene.home.path().join(".docker")).unwrap();
    std::fs::write(scene.home.path().join(".docker/config.json"), login.to_string()).unwrap();
    scene
}

/// The password comes from a program, as docker keeps it on desktops.
fn with_helper(scene: Scene, registry: &Registry) -> Scene {
    use std::os::unix::fs::PermissionsExt;
    let bin = scene.home.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let helper = bin.join("docker-credential-test");
    let script = format!(
        "#!/bin/sh\ntest \"$1\" = get && test \"$(cat)\" = {} && echo '{{\"Username\":\"ann\",\"Secret\":\"pass word\"}}'\n",
        registry.host()
    );
    std::fs::write(&helper, script).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = json!({"credHelpers": {registry.host(): "test"}});
    std::fs::create_dir_all(scene.home.path().join(".config/helm/registry")).unwrap();
    std::fs::write(scene.home.path().join(".config/helm/registry/config.json"), config.to_string()).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    scene.with("PATH", path)
}

/// The whole way: resolved, rendered, fetched again from the lock, rendered without the network.
fn goes_all_the_way(scene: &Scene, version: &str) {
    scene.runs(&["lock"]);
    let lock = scene.read("hydrate.lock");
    assert!(lock.contains(&format!("version = \"{version}\"")), "{lock}");
    assert!(!lock.contains("pass"), "{lock}");
    scene.runs(&["-e", "dev"]);
    scene.forget_cache();
    assert!(scene.runs(&["fetch"]).contains("1 artifact"));
    assert!(scene.runs(&["check", "-e", "dev", "--offline"]).contains("in sync"));
    assert_eq!(scene.read("hydrate.lock"), lock);
}

#[test]
#[ignore = "needs docker-registry: make e2e-supply"]
fn passwords() {
    let directory = tempfile::tempdir().unwrap();
    let Some(registry) = with_passwords(directory.path()) else { return };
    for version in ["1.0.0", "1.1.0+build.5", "2.0.0-rc.1"] {
        registry.push("charts/loki", &version.replace('+', "_"), &packed("loki", version), None);
    }
    let chart = format!("oci://{}/charts/loki", registry.host());
    let scene = Scene::new();
    scene.write("components/loki/component.yaml", &component(&chart, ", version: ^1.0"));
    let error = scene.fails(&["lock"]);
    assert!(error.contains("does not let us in (401)") && error.contains("no credentials were sent"), "{error}");
    assert!(error.contains(&format!("helm registry login {}", registry.host())), "{error}");

    let asking = with_helper(Scene::new(), &registry);
    asking.write("components/loki/component.yaml", &component(&chart, ", version: ^1.0"));
    goes_all_the_way(&asking, "1.1.0+build.5");

    let scene = logged_in(scene, &registry);
    goes_all_the_way(&scene, "1.1.0+build.5");
    assert!(scene.runs(&["outdated"]).contains("0 of 1 artifact"));
    scene.write("components/loki/component.yaml", &component(&chart, ", version: 1.1.0+build.5"));
    scene.runs(&["check", "-e", "dev", "--locked"]);
    scene.write("components/loki/component.yaml", &component(&chart, ", version: 1.2.0"));
    let error = scene.fails(&["lock"]);
    assert!(error.contains("there is no 1.2.0 in the registry") && error.contains("near to it: "), "{error}");
}

#[test]
#[ignore = "needs docker-registry: make e2e-supply"]
fn digests_tags_and_indexes() {
    let directory = tempfile::tempdir().unwrap();
    let Some(registry) = with_passwords(directory.path()) else { return };
    let digest = registry.push("charts/loki", "1.0.0", &packed("loki", "1.0.0"), None);
    let index_kind = "application/vnd.oci.image.index.v1+json";
    let inner =
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": manifest_size(&registry, &digest)});
    registry.manifest("charts/loki", "3.0.0", index_kind, &json!({"schemaVersion": 2, "mediaType": index_kind, "manifests": [inner]}));
    registry.push("charts/loki", "latest", &packed("loki", "1.0.0"), None);
    for (reference, more, version) in [
        (format!("charts/loki@{digest}"), "", "1.0.0"),
        (format!("charts/loki:1.0.0@{digest}"), "", "1.0.0"),
        ("charts/loki:1.0.0".to_owned(), "", "1.0.0"),
        ("charts/loki:latest".to_owned(), "", "latest"),
        // An index is followed to its chart.
        ("charts/loki".to_owned(), ", version: 3.0.0", "3.0.0"),
    ] {
        let scene = logged_in(Scene::new(), &registry);
        scene.write("components/loki/component.yaml", &component(&format!("oci://{}/{reference}", registry.host()), more));
        goes_all_the_way(&scene, version);
        assert!(scene.read("hydrate.lock").contains(&format!("manifest = \"{digest}\"")), "{reference}");
    }
    let scene = logged_in(Scene::new(), &registry);
    let other = format!("sha256:{}", "0".repeat(64));
    scene.write("components/loki/component.yaml", &component(&format!("oci://{}/charts/loki@{other}", registry.host()), ""));
    assert!(scene.fails(&["lock"]).contains(&format!("there is no {other} in the registry")));
}

fn manifest_size(registry: &Registry, digest: &str) -> usize {
    let call = ureq::get(format!("http://{}/v2/charts/loki/manifests/{digest}", registry.host()));
    let call = call.header("Accept", "application/vnd.oci.image.manifest.v1+json");
    let mut answer = call.header("Authorization", (registry.authorization)("charts/loki")).call().unwrap();
    answer.body_mut().read_to_vec().unwrap().len()
}

#[test]
#[ignore = "needs docker-registry: make e2e-supply"]
fn signed_charts() {
    let directory = tempfile::tempdir().unwrap();
    let Some(registry) = with_passwords(directory.path()) else { return };
    let fixture = |name: &str| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supply/provenance").join(name)).unwrap();
    registry.push("charts/app", "1.0.0", &fixture("app-1.0.0.tgz"), Some(&fixture("signer.prov")));
    registry.push("unsigned/app", "1.0.0", &fixture("app-1.0.0.tgz"), None);
    let scene = logged_in(Scene::new(), &registry);
    scene.write("keys.gpg", "");
    std::fs::write(scene.root().join("keys.gpg"), fixture("keyring.gpg")).unwrap();
    scene.write("hydrate.yaml", "keyring: keys.gpg\n");
    let chart = format!("oci://{}/charts/app", registry.host());
    scene.write("components/app/component.yaml", &component(&chart, ", version: 1.0.0, verify: true"));
    goes_all_the_way(&scene, "1.0.0");
    assert!(scene.read("hydrate.lock").contains(&format!("provenance = \"{}\"", sha256(&fixture("signer.prov")))));
    let chart = format!("oci://{}/unsigned/app", registry.host());
    scene.write("components/app/component.yaml", &component(&chart, ", version: 1.0.0, verify: true"));
    assert!(scene.fails(&["lock"]).contains("it has no provenance file"));
}

/// A token service with the user ann; the registry checks its tokens by a certificate.
fn tokens(directory: &Path, issuer: &'static str) -> Option<Server> {
    let args = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=tokens";
    tool("openssl", &args.split(' ').collect::<Vec<_>>(), directory).then_some(())?;
    let directory = directory.to_owned();
    Some(Server::start(move |asked, _| match asked.header("authorization") {
        Some(value) if value == basic("ann", "pass word") => Reply::ok(token(&directory, issuer, asked).to_string().into_bytes()),
        None => Reply::status(401),
        Some(_) => Reply::status(403),
    }))
}

fn token(directory: &Path, issuer: &str, asked: &Asked) -> Value {
    let scope = asked.path.split("scope=").nth(1).unwrap_or_default().split('&').next().unwrap_or_default();
    let scope = hydrate_address::percent_decoded(scope);
    let parts: Vec<&str> = scope.split(':').collect();
    let access = match parts[..] {
        [kind, name, actions] => json!([{"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}]),
        _ => json!([]),
    };
    let pem = std::fs::read_to_string(directory.join("cert.pem")).unwrap();
    let certificate: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [certificate]});
    let claims = json!({"iss": issuer, "sub": "ann", "aud": "registry", "nbf": now - 60, "iat": now, "exp": now + 300, "jti": "1", "access": access});
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let file = tempfile::NamedTempFile::new_in(directory).unwrap();
    std::fs::write(file.path(), &signed).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-sign", "key.pem"])
        .arg(file.path())
        .current_dir(directory)
        .output();
    json!({"token": format!("{signed}.{}", URL_SAFE_NO_PAD.encode(output.unwrap().stdout))})
}

#[test]
#[ignore = "needs docker-registry and openssl: make e2e-supply"]
fn short_lived_tokens() {
    let directory = tempfile::tempdir().unwrap();
    let Some(service) = tokens(directory.path(), "the issuer") else { return };
    let realm = service.url("/token");
    let bundle = directory.path().join("cert.pem");
    let auth = format!("  token: {{realm: \"{realm}\", service: registry, issuer: the issuer, rootcertbundle: {}}}\n", bundle.display());
    let keys = directory.path().to_owned();
    let pushing = move |repository: &str| {
        let asked = Asked { path: format!("/?scope=repository:{repository}:pull,push"), ..Asked::default() };
        format!("Bearer {}", token(&keys, "the issuer", &asked)["token"].as_str().unwrap())
    };
    let Some(registry) = Registry::start(directory.path(), free_port(), &auth, pushing) else { return };
    registry.push("charts/loki", "1.0.0", &packed("loki", "1.0.0"), None);
    let chart = format!("oci://{}/charts/loki", registry.host());
    let scene = Scene::new();
    scene.write("components/loki/component.yaml", &component(&chart, ", version: ~1"));
    let error = scene.fails(&["lock"]);
    assert!(error.contains("does not let us in (401)"), "{error}");
    let scene = logged_in(scene, &registry);
    goes_all_the_way(&scene, "1.0.0");
    let asked = service.asked();
    assert!(
        asked.iter().any(|one| one.path.contains("service=registry") && one.path.contains("scope=repository:charts/loki:pull")),
        "{asked:?}"
    );
    // The password goes to the service that the registry names, the token to the registry.
    assert!(asked.iter().filter_map(|one| one.header("authorization")).all(|value| value == basic("ann", "pass word")));
}

/// What Flux and Argo CD do: the manifest of a tag, and the one layer that it names.
#[test]
#[ignore = "needs docker-registry: make e2e-supply"]
fn manifests_are_pushed() {
    let directory = tempfile::tempdir().unwrap();
    let Some(registry) = with_passwords(directory.path()) else { return };
    let scene = logged_in(Scene::new(), &registry);
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n";
    scene.write("components/a/raw/a.yaml", object);
    let git = |arguments: &[&str]| tool("git", arguments, &scene.root());
    if !git(&["init", "-q", "-b", "main"]) {
        return;
    }
    git(&["config", "user.name", "U"]);
    git(&["config", "user.email", "u@example.org"]);
    scene.runs(&["-e", "dev", "--commit=with-sources"]);
    let address = format!("oci://{}/platform/dev", registry.host());
    let said = scene.runs(&["push", "-e", "dev", &address, "--tag", "v1"]);
    assert!(said.contains(&format!("pushed; it is {address}:latest, {address}:v1 now")), "{said}");
    assert!(scene.runs(&["push", "-e", "dev", &address]).contains("nothing to push"));

    let get = |path: &str| {
        let call = ureq::get(format!("http://{}/v2/platform/dev/{path}", registry.host()));
        let call =
            call.header("Authorization", (registry.authorization)("")).header("Accept", "application/vnd.oci.image.manifest.v1+json");
        call.call().unwrap().body_mut().read_to_vec().unwrap()
    };
    let manifest: Value = serde_json::from_slice(&get("manifests/v1")).unwrap();
    assert_eq!(get("manifests/latest"), get("manifests/v1"));
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    let layer = get(&format!("blobs/{}", manifest["layers"][0]["digest"].as_str().unwrap()));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(layer.as_slice()));
    let paths: Vec<String> = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    let files = ["manifests/dev/a/configmap-a.yaml", "manifests/dev/a/kustomization.yaml", "manifests/dev/kustomization.yaml"];
    assert_eq!(paths.iter().filter(|path| !path.ends_with('/')).map(String::as_str).collect::<Vec<_>>(), files);

    std::fs::remove_dir_all(scene.home.path().join(".docker")).unwrap();
    let error = scene.fails(&["push", "-e", "dev", &address]);
    assert!(error.contains("cannot push") && error.contains("does not let us in (401)"), "{error}");
}
