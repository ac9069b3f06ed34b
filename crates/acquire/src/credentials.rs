//! Credentials where users already have them: helm's and docker's files, credential helpers, netrc, variables.
//!
//! Addresses come from files of a repository, so whoever writes those chooses the host. A login is therefore given for one
//! scheme, host and port, named by the user exactly; nothing is given that holds for any host.
//!
//! Nothing here is ever printed: the types that hold secrets say `[hidden]` when they are formatted.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use hydrate_address::Url;
use hydrate_base::World;

/// Credentials for a server.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// User name and password.
    Basic(String, String),
    /// A token, sent as it is.
    Bearer(String),
    /// A registry's long-lived token, to be changed into short-lived ones.
    Identity(String),
}

impl Login {
    /// The value of the `Authorization` header.
    pub fn header(&self) -> String {
        match self {
            Self::Basic(user, password) => format!("Basic {}", BASE64.encode(format!("{user}:{password}"))),
            Self::Bearer(token) | Self::Identity(token) => format!("Bearer {token}"),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// The TLS files of one server; paths, not contents.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsFiles {
    /// A PEM file with certificate authorities to trust besides the system's.
    pub ca: Option<String>,
    /// PEM files with the client's certificate and key.
    pub client: Option<(String, String)>,
    /// Whether the server's certificate is not to be checked, as helm's `insecure_skip_tls_verify` asks.
    pub insecure: bool,
}

/// All credentials of the user, read once.
#[derive(Default)]
pub struct Credentials {
    given: Mutex<BTreeMap<String, Login>>,
    /// Variables that were meant for an origin perhaps, and are not taken for it.
    passed_over: Mutex<BTreeMap<String, String>>,
    repositories: Vec<Repository>,
    registries: Vec<Registries>,
    netrc: Vec<Machine>,
    searched: Vec<String>,
}

/// An entry of helm's repositories.yaml.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Repository {
    url: String,
    username: String,
    password: String,
    #[serde(rename = "certFile")]
    cert_file: String,
    #[serde(rename = "keyFile")]
    key_file: String,
    #[serde(rename = "caFile")]
    ca_file: String,
    insecure_skip_tls_verify: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RepositoriesFile {
    repositories: Vec<Repository>,
}

/// Docker's config.json, which helm's registry file and podman's auth.json share.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Registries {
    auths: BTreeMap<String, Auth>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore")]
    store: String,
    /// The file this is.
    #[serde(skip)]
    place: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

struct Machine {
    name: String,
    login: String,
    password: String,
}

impl Credentials {
    /// Reads what there is; files that do not exist are passed over, files that cannot be read are named in
    /// [`Credentials::searched`].
    pub(crate) fn from_world(world: &dyn World) -> Self {
        let mut all = Self::default();
        let home = world.variable("HOME").map(PathBuf::from).unwrap_or_default();
        let config = world.variable("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
        let helm = world.variable("HELM_CONFIG_HOME").map_or_else(|| config.join("helm"), PathBuf::from);
        let path = |name: &str, default: PathBuf| world.variable(name).filter(|text| !text.is_empty()).map_or(default, PathBuf::from);

        all.searched.push("HYDRATE_USERNAME_… and HYDRATE_PASSWORD_…, HYDRATE_TOKEN_…".to_owned());
        let repositories = path("HELM_REPOSITORY_CONFIG", helm.join("repositories.yaml"));
        if let Some(text) = all.read(world, &repositories) {
            match serde_yaml::from_slice::<RepositoriesFile>(&text) {
                Ok(file) => all.repositories = file.repositories,
                Err(error) => all.spoil(&repositories, &error),
            }
        }
        let docker = path("DOCKER_CONFIG", home.join(".docker")).join("config.json");
        let mut files = vec![path("HELM_REGISTRY_CONFIG", helm.join("registry/config.json")), docker];
        files.extend(world.variable("REGISTRY_AUTH_FILE").map(PathBuf::from));
        for file in files {
            if let Some(text) = all.read(world, &file) {
                match serde_json::from_slice::<Registries>(&text) {
                    Ok(registries) => all.registries.push(Registries { place: file.display().to_string(), ..registries }),
                    Err(error) => all.spoil(&file, &error),
                }
            }
        }
        let netrc = path("NETRC", home.join(".netrc"));
        if let Some(text) = all.read(world, &netrc) {
            all.netrc = parse_netrc(&String::from_utf8_lossy(&text));
        }
        all
    }

    /// Takes the `HYDRATE_…` variables of one host from the world, which is asked by name only.
    pub fn prepare(&self, world: &dyn World, url: &Url) {
        let of = |kind: &str, key: &str| world.variable(&format!("HYDRATE_{kind}_{key}")).filter(|text| !text.is_empty());
        let key = variable_key(url);
        let get = |kind: &str| of(kind, key.as_deref()?);
        if let Some(kind) = ["TOKEN", "USERNAME"].into_iter().find(|kind| get(kind).is_none() && of(kind, &careless_key(url)).is_some()) {
            let note = passed_over(kind, url, key.as_deref());
            self.passed_over.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(origin(url), note);
        }
        let login = match (get("TOKEN"), get("USERNAME"), get("PASSWORD")) {
            (Some(token), _, _) => Login::Bearer(token),
            (None, Some(user), password) => Login::Basic(user, password.unwrap_or_default()),
            (None, None, _) => return,
        };
        self.give(url, login);
    }

    /// Adds a login for one origin, as from the user information of an URL; it takes precedence.
    pub fn give(&self, url: &Url, login: Login) {
        let mut given = self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        given.insert(origin(url), login);
    }

    /// The login of an HTTP server for this address.
    pub fn login(&self, url: &Url) -> Option<Login> {
        if let Some(login) = self.given(url) {
            return Some(login);
        }
        let entry = self.repository(url).filter(|entry| !entry.username.is_empty());
        if let Some(entry) = entry {
            return Some(Login::Basic(entry.username.clone(), entry.password.clone()));
        }
        self.machine(url.host())
    }

    /// The login of an OCI registry.
    pub(crate) fn registry_login(&self, url: &Url) -> Option<Login> {
        let authority = url.authority();
        self.given(url).or_else(|| self.registries.iter().find_map(|file| file.login(authority))).or_else(|| self.machine(url.host()))
    }

    /// The TLS files for this address, from helm's repositories.yaml.
    pub fn tls(&self, url: &Url) -> Option<TlsFiles> {
        let entry = self.repository(url)?;
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let files = TlsFiles {
            ca: some(&entry.ca_file),
            client: some(&entry.cert_file).zip(some(&entry.key_file)),
            insecure: entry.insecure_skip_tls_verify,
        };
        Some(files).filter(|files| *files != TlsFiles::default())
    }

    /// User and password for `git`, where they were given for this address itself; git has ways of its own for others.
    pub(crate) fn given_for_git(&self, url: &Url) -> Option<(String, String)> {
        match self.given(url)? {
            Login::Basic(user, password) => Some((user, password)),
            // Forges take a token as the password of any user.
            Login::Bearer(token) | Login::Identity(token) => Some(("x-access-token".to_owned(), token)),
        }
    }

    /// Where the login for this address comes from, in the order in which they are taken.
    pub(crate) fn origin_of(&self, url: &Url) -> Option<String> {
        if self.given(url).is_some() {
            return Some("a HYDRATE_… variable, or the address itself".to_owned());
        }
        if url.path().starts_with("/v2/") {
            let file = self.registries.iter().find(|file| file.login(url.authority()).is_some());
            if let Some(file) = file {
                return Some(file.place.clone());
            }
        } else if self.repository(url).is_some_and(|entry| !entry.username.is_empty()) {
            return Some("helm's repositories.yaml".to_owned());
        }
        self.machine(url.host()).map(|_| "netrc".to_owned())
    }

    /// A variable that seems to be meant for this address, and why it is not taken for it.
    pub(crate) fn passed_over(&self, url: &Url) -> Option<String> {
        self.passed_over.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&origin(url)).cloned()
    }

    /// Where credentials were looked for, for the user to read after a 401.
    pub(crate) fn searched(&self) -> &[String] {
        &self.searched
    }

    fn given(&self, url: &Url) -> Option<Login> {
        self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&origin(url)).cloned()
    }

    fn repository(&self, url: &Url) -> Option<&Repository> {
        let of = |entry: &&Repository| {
            Url::parse(&entry.url).is_some_and(|own| {
                let rest = url.resolved_path().strip_prefix(own.resolved_path().trim_end_matches('/'));
                own.same_origin(url) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        self.repositories.iter().filter(of).max_by_key(|entry| entry.url.len())
    }

    fn machine(&self, host: &str) -> Option<Login> {
        let machine = self.netrc.iter().find(|machine| machine.name == host)?;
        Some(Login::Basic(machine.login.clone(), machine.password.clone()))
    }

    fn read(&mut self, world: &dyn World, path: &Path) -> Option<std::sync::Arc<[u8]>> {
        match world.read(path) {
            Ok(text) => {
                self.searched.push(path.display().to_string());
                Some(text)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.searched.push(format!("{} (not there)", path.display()));
                None
            }
            Err(error) => {
                self.searched.push(format!("{} ({error})", path.display()));
                None
            }
        }
    }

    fn spoil(&mut self, path: &Path, error: &dyn fmt::Display) {
        self.searched.push(format!("{} (not usable: {error})", path.display()));
    }
}

impl Registries {
    fn login(&self, authority: &str) -> Option<Login> {
        let keys = registry_keys(authority);
        let helper = keys.iter().find_map(|key| self.helpers.get(*key)).or(Some(&self.store).filter(|store| !store.is_empty()));
        let asked = helper.and_then(|helper| keys.iter().find_map(|key| ask_helper(helper, key)));
        asked.or_else(|| keys.iter().find_map(|key| self.auths.get(*key)?.login()))
    }
}

impl Auth {
    fn login(&self) -> Option<Login> {
        if !self.identitytoken.is_empty() {
            return Some(Login::Identity(self.identitytoken.clone()));
        }
        if !self.registrytoken.is_empty() {
            return Some(Login::Bearer(self.registrytoken.clone()));
        }
        if !self.username.is_empty() {
            return Some(Login::Basic(self.username.clone(), self.password.clone()));
        }
        let decoded = BASE64.decode(self.auth.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Login::Basic(user.to_owned(), password.trim_end_matches('\0').to_owned()))
    }
}

/// The keys under which docker keeps a registry; its own hub has an address of old.
fn registry_keys(authority: &str) -> Vec<&str> {
    match authority {
        "docker.io" | "registry-1.docker.io" | "index.docker.io" => {
            vec!["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"]
        }
        _ => vec![authority],
    }
}

/// Asks `docker-credential-HELPER get`, as docker does; `None` when it has nothing or cannot be run.
fn ask_helper(helper: &str, server: &str) -> Option<Login> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "Username", default)]
        user: String,
        #[serde(rename = "Secret", default)]
        secret: String,
    }
    let plain = helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !plain {
        return None;
    }
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(server.as_bytes()).ok()?;
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    let answer: Answer = serde_json::from_slice(&output.stdout).ok()?;
    Some(match answer.user.as_str() {
        "<token>" => Login::Identity(answer.secret),
        _ => Login::Basic(answer.user, answer.secret),
    })
}

fn origin(url: &Url) -> String {
    format!("{}://{}:{}", url.scheme(), url.host(), url.port())
}

/// The host and port of an address as part of a variable's name, which no other host and port have: `.` is `_`, `-` is `__`, and `_` with
/// the port follows unless it is 443 over TLS: `charts-eu.example.org:8443` is `CHARTS__EU_EXAMPLE_ORG_8443`.
///
/// `None` of hosts for which that would not be unique: of names that no DNS has (with `_`, with a label that is empty, begins or ends
/// with `-`, or a last one of digits, which would look like a port) and of IPv6 addresses.
fn variable_key(url: &Url) -> Option<String> {
    let host = url.host();
    let is_label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = host.split('.').all(is_label) && !host.rsplit('.').next().is_some_and(is_number);
    if !is_name && host.parse::<std::net::Ipv4Addr>().is_err() {
        return None;
    }
    let port = if url.scheme() == "https" && url.port() == 443 { String::new() } else { format!("_{}", url.port()) };
    Some(format!("{}{port}", host.replace('-', "__").replace('.', "_").to_ascii_uppercase()))
}

/// What one would write without minding that hosts have to be told apart.
fn careless_key(url: &Url) -> String {
    url.authority().chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }).collect()
}

fn passed_over(kind: &str, url: &Url, key: Option<&str>) -> String {
    let set = format!("HYDRATE_{kind}_{} is set, but it is not for {} alone", careless_key(url), url.authority());
    match key {
        Some(key) => format!("{set}: write HYDRATE_{kind}_{key} (`-` is `__`, `.` is `_`, and `_` with the port follows)"),
        None => format!("{set}: no variable can name this host; put its login into netrc"),
    }
}

/// netrc as curl reads it: tokens apart by white space, `macdef` blocks and comments passed over. What it holds for every other host
/// (`default`) is not taken: it would be sent to whatever host a repository names.
fn parse_netrc(text: &str) -> Vec<Machine> {
    let mut machines: Vec<Machine> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                // The login of `default` belongs to a machine that no address can name.
                "machine" | "default" => {
                    let name = if word == "machine" { words.next().unwrap_or_default() } else { "" };
                    machines.push(Machine { name: name.to_owned(), login: String::new(), password: String::new() });
                }
                "login" => set(&mut machines, words.next(), |machine| &mut machine.login),
                "password" => set(&mut machines, words.next(), |machine| &mut machine.password),
                "macdef" => lines.by_ref().take_while(|line| !line.trim().is_empty()).for_each(drop),
                _ if word.starts_with('#') => break,
                _ => {}
            }
        }
    }
    machines
}

fn set(machines: &mut [Machine], word: Option<&str>, field: impl Fn(&mut Machine) -> &mut String) {
    if let (Some(machine), Some(word)) = (machines.last_mut(), word) {
        *field(machine) = word.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn world() -> MemoryWorld {
        MemoryWorld::new()
            .with_variable("HOME", "/home/u")
            .with_file(
                "/home/u/.config/helm/repositories.yaml",
                "repositories:\n- name: a\n  url: https://charts.example.org/team\n  username: ann\n  password: p1\n  caFile: /ca.pem\n",
            )
            .with_file(
                "/home/u/.docker/config.json",
                r#"{"auths": {"registry.example.org:5000": {"auth": "Ym9iOnAy"}, "ghcr.io": {"identitytoken": "long"}}}"#,
            )
            .with_file(
                "/home/u/.netrc",
                "# mine\nmachine git.example.org login cy\n password p3\nmacdef x\nmachine no\n\ndefault login d password p4",
            )
    }

    #[test]
    fn each_source_for_its_host() {
        let all = Credentials::from_world(&world());
        let basic = |user: &str, password: &str| Some(Login::Basic(user.into(), password.into()));
        assert_eq!(all.login(&url("https://charts.example.org/team/x.tgz")), basic("ann", "p1"));
        for other in [
            "https://charts.example.org/teammates/x.tgz",
            "https://charts.example.org/team/../x.tgz",
            "https://charts.example.org/team/%2e%2E/x.tgz",
            "http://charts.example.org/team/x.tgz",
            "https://x.git.example.org/",
        ] {
            assert_eq!(all.login(&url(other)), None, "{other}");
        }
        assert_eq!(all.login(&url("https://git.example.org/x")), basic("cy", "p3"));
        assert_eq!(all.registry_login(&url("https://registry.example.org:5000/v2/")), basic("bob", "p2"));
        assert_eq!(all.registry_login(&url("https://ghcr.io/v2/")), Some(Login::Identity("long".into())));
        assert_eq!(all.tls(&url("https://charts.example.org/team/x")).unwrap().ca.as_deref(), Some("/ca.pem"));
    }

    #[test]
    fn variables_take_precedence() {
        let world = world().with_variable("HYDRATE_TOKEN_CHARTS_EXAMPLE_ORG", "t");
        let all = Credentials::from_world(&world);
        let address = url("https://charts.example.org/team/x.tgz");
        all.prepare(&world, &address);
        assert_eq!(all.login(&address), Some(Login::Bearer("t".into())));
    }

    #[test]
    fn the_name_of_a_variable_is_that_of_one_host() {
        for (address, key) in [
            ("https://charts.example.org/x", Some("CHARTS_EXAMPLE_ORG")),
            ("https://charts.example.org:443/x", Some("CHARTS_EXAMPLE_ORG")),
            ("http://charts.example.org/x", Some("CHARTS_EXAMPLE_ORG_80")),
            ("https://charts-example.org/x", Some("CHARTS__EXAMPLE_ORG")),
            ("https://charts--example.org/x", Some("CHARTS____EXAMPLE_ORG")),
            ("https://charts.example.org:8443/x", Some("CHARTS_EXAMPLE_ORG_8443")),
            ("http://127.0.0.1:80/x", Some("127_0_0_1_80")),
            ("http://localhost:5000/x", Some("LOCALHOST_5000")),
            ("https://charts.example.org.8443/x", None),
            ("https://charts_example.org/x", None),
            ("https://charts.-example.org/x", None),
            ("https://charts-.example.org/x", None),
            ("https://charts..example.org/x", None),
            ("https://charts.example.org./x", None),
            ("https://[::1]:5000/x", None),
        ] {
            assert_eq!(Url::parse(address).and_then(|url| variable_key(&url)).as_deref(), key, "{address}");
        }
    }

    proptest::proptest! {
        /// Whatever two hosts and ports are, they are the same where their variables are.
        #[test]
        fn no_two_hosts_share_a_variable(a in "[ab0.-]{1,5}(:(1|10|443))?", b in "[ab0.-]{1,5}(:(1|10|443))?") {
            let parse = |text: &str| Url::parse(&format!("https://{text}/")).and_then(|url| Some((variable_key(&url)?, origin(&url))));
            if let (Some((a, first)), Some((b, second))) = (parse(&a), parse(&b)) {
                proptest::prop_assert_eq!(a == b, first == second);
            }
        }
    }

    #[test]
    fn a_variable_that_may_mean_another_host_is_passed_over() {
        for (address, advice) in [
            ("http://charts-example.test:8081/x", "write HYDRATE_TOKEN_CHARTS__EXAMPLE_TEST_8081"),
            ("http://charts_example.test:8081/x", "no variable can name this host"),
        ] {
            let world = MemoryWorld::new().with_variable("HYDRATE_TOKEN_CHARTS_EXAMPLE_TEST_8081", "t");
            let all = Credentials::from_world(&world);
            all.prepare(&world, &url(address));
            assert_eq!(all.login(&url(address)), None);
            assert!(all.passed_over(&url(address)).is_some_and(|note| note.contains(advice)), "{address}");
            let meant = url("http://charts.example.test:8081/x");
            all.prepare(&world, &meant);
            assert_eq!(all.login(&meant), Some(Login::Bearer("t".into())));
            assert_eq!(all.passed_over(&meant), None);
        }
    }

    #[test]
    fn nothing_is_shown() {
        assert_eq!(format!("{:?}", Login::Basic("ann".into(), "p1".into())), "[hidden]");
    }

    #[test]
    fn a_broken_file_is_named() {
        let world = MemoryWorld::new().with_variable("HOME", "/h").with_file("/h/.docker/config.json", "{");
        let all = Credentials::from_world(&world);
        assert!(all.searched().iter().any(|line| line.starts_with("/h/.docker/config.json (not usable: ")), "{:?}", all.searched());
    }
}
