//! Credentials where users already have them: helm's and docker's files, credential helpers, netrc, variables.
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

use super::url::Url;
use crate::base::World;

/// What a server is told to be let in.
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
    name: Option<String>,
    login: String,
    password: String,
}

impl Credentials {
    /// Reads what there is; files that do not exist are passed over, files that cannot be read are named in
    /// [`Credentials::searched`].
    pub fn from_world(world: &dyn World) -> Self {
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
        let key = variable_key(url.authority());
        let get = |kind: &str| world.variable(&format!("HYDRATE_{kind}_{key}")).filter(|text| !text.is_empty());
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
    pub fn registry_login(&self, url: &Url) -> Option<Login> {
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
    pub fn given_for_git(&self, url: &Url) -> Option<(String, String)> {
        match self.given(url)? {
            Login::Basic(user, password) => Some((user, password)),
            // Forges take a token as the password of any user.
            Login::Bearer(token) | Login::Identity(token) => Some(("x-access-token".to_owned(), token)),
        }
    }

    /// Where the login for this address comes from, in the order in which they are taken.
    pub fn origin_of(&self, url: &Url) -> Option<String> {
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

    /// Where credentials were looked for, for the user to read after a 401.
    pub fn searched(&self) -> &[String] {
        &self.searched
    }

    fn given(&self, url: &Url) -> Option<Login> {
        self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&origin(url)).cloned()
    }

    fn repository(&self, url: &Url) -> Option<&Repository> {
        let of = |entry: &&Repository| {
            Url::parse(&entry.url).is_some_and(|own| {
                let base = own.path().split('?').next().unwrap_or_default().trim_end_matches('/').to_owned();
                let rest = url.path().strip_prefix(base.as_str());
                own.same_origin(url) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            })
        };
        self.repositories.iter().filter(of).max_by_key(|entry| entry.url.len())
    }

    fn machine(&self, host: &str) -> Option<Login> {
        let named = self.netrc.iter().find(|machine| machine.name.as_deref() == Some(host));
        let machine = named.or_else(|| self.netrc.iter().find(|machine| machine.name.is_none()))?;
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
    format!("{}:{}", url.host(), url.port())
}

/// `charts.example.org:8443` as part of a variable's name: `CHARTS_EXAMPLE_ORG_8443`.
fn variable_key(authority: &str) -> String {
    authority.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }).collect()
}

/// netrc as curl reads it: tokens apart by white space, `macdef` blocks and comments passed over.
fn parse_netrc(text: &str) -> Vec<Machine> {
    let mut machines: Vec<Machine> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "machine" => {
                    machines.push(Machine { name: words.next().map(str::to_owned), login: String::new(), password: String::new() })
                }
                "default" => machines.push(Machine { name: None, login: String::new(), password: String::new() }),
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
    use crate::base::MemoryWorld;

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
        assert_eq!(all.login(&url("https://charts.example.org/teammates/x.tgz")), basic("d", "p4"));
        assert_eq!(all.login(&url("http://charts.example.org/team/x.tgz")), basic("d", "p4"));
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
