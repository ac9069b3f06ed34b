//! The hand-over as an environment's file describes it: `handover`, `git`, `flux`, `argocd`.

use crate::gitops::{ArgoCd, Flux, Git, Handover, Oci, Source, Which};
use hydrate_base::Diagnostic;

use super::parse::{Parsed, Spanned};

/// Reads the hand-over of an environment. All blocks are checked, whichever tool is named: one may be switched to the other. `own_branch` is the branch that
/// the environment's tree is applied from, where it is one of its own.
pub(super) fn read(file: &Parsed, env: &str, own_branch: Option<&str>) -> Result<(Handover, Option<Artifacts>), Vec<Box<Diagnostic>>> {
    let mut reader = Reader { file, own_branch, wrong: Vec::new() };
    let tool = file.text(&file.root, "handover");
    let path = reader.path();
    let git = reader.git();
    let oci = reader.oci();
    let flux = reader.flux(env, path.clone());
    let argocd = reader.argocd(env, path);
    let handover = match tool.as_ref().map(|tool| tool.text.as_str()) {
        Some("flux") => reader.for_flux(flux, git, oci.as_ref(), tool.as_ref()),
        Some("argocd") => reader.repository(git, tool.as_ref()).map(|git| Handover::ArgoCd(ArgoCd { git, ..argocd })),
        _ => Some(Handover::None),
    };
    match handover {
        Some(handover) if reader.wrong.is_empty() => Ok((handover, oci)),
        _ => Err(reader.wrong),
    }
}

/// Where artifacts are pushed to, and what they say of where they are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifacts {
    /// The repository in a registry, as clusters read it.
    pub oci: Oci,
    /// The tag that is pushed to.
    pub tag: String,
    /// The address of the repository that they are made from, where it is not that of the remote.
    pub source: Option<String>,
}

/// A repository whose address is still to be looked at.
struct Found {
    url: Option<Spanned>,
    git: Git,
}

struct Reader<'a> {
    file: &'a Parsed,
    own_branch: Option<&'a str>,
    wrong: Vec<Box<Diagnostic>>,
}

impl Reader<'_> {
    fn text(&self, block: &str, key: &str) -> Option<Spanned> {
        self.file.text(self.file.root.get(block)?, key)
    }

    fn flag(&self, block: &str, key: &str) -> bool {
        self.file.root.get(block).and_then(|block| self.file.flag(block, key)).unwrap_or(true)
    }

    /// A text that has to satisfy `is`; the default where it is left out or wrong.
    fn checked(&mut self, block: &str, key: &str, default: &str, is: impl Fn(&str) -> bool, what: &str, help: &str) -> String {
        match self.text(block, key) {
            Some(text) if !is(&text.text) => {
                self.wrong.push(text.error(format!("`{block}.{key}` must be {what}, not `{}`", text.text), "").help(help));
                default.to_owned()
            }
            Some(text) => text.text,
            None => default.to_owned(),
        }
    }

    fn duration(&mut self, block: &str, key: &str, default: &str) -> String {
        self.checked(block, key, default, is_duration, "a duration", &format!("write it as {default}, 90s or 1h30m"))
    }

    fn name(&mut self, block: &str, key: &str, default: &str) -> String {
        self.checked(block, key, default, is_name, "a name that Kubernetes allows", "lower-case letters, digits, `-` and `.`, at most 63")
    }

    fn path(&mut self) -> String {
        if let (Some(branch), Some(path)) = (self.own_branch, self.text("git", "path")) {
            let error = path.error(format!("`git.path` says nothing about the branch {branch}"), "");
            self.wrong.push(error.help("leave it out; the directory of that branch is `commit: {path: …}` in hydrate.yaml"));
        }
        let inside = |path: &str| path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        let help = "write the directory of hydrate.yaml in the repository: `path: deploy/platform`; leave it out when that is the root";
        self.checked("git", "path", "", inside, "a directory inside the repository", help)
    }

    fn git(&mut self) -> Found {
        let own = self.own_branch.unwrap_or("main").to_owned();
        let branch =
            self.checked("git", "branch", &own, is_branch, "a branch", "its name alone: `branch: main`, without refs/heads/ or a remote");
        if let (Some(own), Some(named)) = (self.own_branch, self.text("git", "branch").filter(|named| named.text != own)) {
            let error =
                named.error(format!("the environment is committed to the branch {own}, and would be applied from {}", named.text), "");
            self.wrong.push(error.help(format!("leave it out, or write `branch: {own}`; hydrate.yaml says so: `commit: {{branch: …}}`")));
        }
        let secret = self.text("git", "secret").is_some().then(|| self.name("git", "secret", ""));
        let interval = self.duration("git", "interval", "1m");
        let url = self.text("git", "url");
        if let Some(url) = url.as_ref().filter(|url| has_password(&url.text)) {
            let help = "put it into a Secret of the cluster, and the Secret's name here: `secret: NAME`";
            self.wrong.push(url.error("`git.url` holds a password", "this would be in Git").help(help));
        }
        let text = url.as_ref().map_or_else(String::new, |url| url.text.clone());
        Found { url, git: Git { url: text, branch, secret, interval } }
    }

    fn oci(&mut self) -> Option<Artifacts> {
        let url = self.text("oci", "url")?;
        if !is_repository(&url.text) {
            let error = url.error(format!("`oci.url` must be a repository in a registry, not `{}`", url.text), "");
            self.wrong.push(error.help("write it as oci://HOST/PATH, without tag and digest"));
        }
        let tag = self.checked("oci", "tag", "latest", is_tag, "a tag", "letters, digits, `.`, `-` and `_`, at most 128");
        let semver = self.text("oci", "semver").map(|range| range.text);
        let digest = self.text("oci", "digest").is_some().then(|| {
            let help = "write it as `hydrate push` prints it: sha256:… with 64 hexadecimal digits";
            self.checked("oci", "digest", "", is_digest, "a digest", help)
        });
        if let (Some(_), Some(digest)) = (&semver, self.text("oci", "digest")) {
            self.wrong.push(digest.error("`oci` says both `semver` and `digest`", "").help("one of them decides what Flux reads"));
        }
        let which = match (digest, semver) {
            (Some(digest), _) => Which::Digest(digest),
            (None, Some(range)) => Which::Range(range),
            (None, None) => Which::Tag(tag.clone()),
        };
        let source = self.text("oci", "source");
        if let Some(source) = source.as_ref().filter(|source| has_password(&source.text)) {
            self.wrong.push(source.error("`oci.source` holds a password", "everybody who can read the artifacts can read this"));
        }
        let oci = Oci {
            url: url.text,
            which,
            secret: self.text("oci", "secret").is_some().then(|| self.name("oci", "secret", "")),
            provider: self.text("oci", "provider").map(|provider| provider.text),
            interval: self.duration("oci", "interval", "1m"),
        };
        Some(Artifacts { oci, tag, source: source.map(|source| source.text) })
    }

    /// What is in the cluster already: a GitRepository by its name, or `KIND/NAME`.
    fn existing(&mut self) -> Option<Source> {
        let said = self.text("flux", "source")?;
        let (kind, name) = match said.text.split_once('/') {
            Some(("GitRepository", name)) => ("GitRepository", name),
            Some(("OCIRepository", name)) => ("OCIRepository", name),
            _ => ("GitRepository", said.text.as_str()),
        };
        if !is_name(name) {
            let error = said.error(format!("`flux.source` must be a name that Kubernetes allows, not `{}`", said.text), "");
            self.wrong.push(
                error.help("the name of a GitRepository, or OCIRepository/NAME: lower-case letters, digits, `-` and `.`, at most 63"),
            );
        }
        Some(Source::Existing { kind, name: name.to_owned() })
    }

    fn flux(&mut self, env: &str, path: String) -> Flux {
        let none = Git { url: String::new(), branch: String::new(), secret: None, interval: String::new() };
        Flux {
            name: self.name("flux", "name", &cluster_name(env)),
            namespace: self.name("flux", "namespace", "flux-system"),
            source: self.existing().unwrap_or(Source::Git(none)),
            path,
            interval: self.duration("flux", "interval", "10m"),
            retry_interval: self.duration("flux", "retryInterval", "1m"),
            timeout: self.duration("flux", "timeout", "5m"),
            prune: self.flag("flux", "prune"),
            wait: self.flag("flux", "wait"),
            decryption: self.text("flux", "decryption").is_some().then(|| self.name("flux", "decryption", "")),
        }
    }

    fn argocd(&mut self, env: &str, path: String) -> ArgoCd {
        let is_cluster = |text: &str| text.strip_prefix("https://").map_or(!text.contains("://"), |host| !host.is_empty()) && is_word(text);
        let here = "https://kubernetes.default.svc";
        ArgoCd {
            name: self.name("argocd", "name", &cluster_name(env)),
            namespace: self.name("argocd", "namespace", "argocd"),
            git: Git { url: String::new(), branch: String::new(), secret: None, interval: String::new() },
            path,
            cluster: self.checked(
                "argocd",
                "cluster",
                here,
                is_cluster,
                "a cluster",
                "its address, https://…, or the name that Argo CD knows it by",
            ),
            automated: self.flag("argocd", "automated"),
            prune: self.flag("argocd", "prune"),
            self_heal: self.flag("argocd", "selfHeal"),
            retry_interval: self.duration("argocd", "retryInterval", "1m"),
        }
    }

    /// With a source that is there already, no address is needed.
    fn for_flux(&mut self, flux: Flux, found: Found, artifacts: Option<&Artifacts>, tool: Option<&Spanned>) -> Option<Handover> {
        if matches!(flux.source, Source::Existing { .. }) {
            return Some(Handover::Flux(flux));
        }
        let url = found.url.clone();
        if let Some(artifacts) = artifacts {
            if let Some(url) = &url {
                let error = url.error("Flux cannot read both `git` and `oci`", "");
                self.wrong.push(
                    error.help("remove the one that it is not to read; the repository that artifacts are made from is `oci: {source: …}`"),
                );
            }
            // An artifact begins where the project does.
            return Some(Handover::Flux(Flux { source: Source::Oci(artifacts.oci.clone()), path: String::new(), ..flux }));
        }
        let git = self.repository(found, tool)?;
        let url = url?;
        if !["https://", "http://", "ssh://"].iter().any(|scheme| url.text.starts_with(scheme)) {
            let error = url.error(format!("Flux cannot read a repository from `{}`", url.text), "");
            self.wrong.push(error.help(match scp_like(&url.text) {
                Some(written) => format!("write it as {written}"),
                None => "it reads https://…, http://… and ssh://…".to_owned(),
            }));
        } else if url.text.starts_with("ssh://") && git.secret.is_none() {
            let error = url.error("Flux needs a key to read a repository over SSH", "");
            self.wrong.push(error.help("name the Secret that holds it (identity, identity.pub, known_hosts): `git: {secret: NAME}`"));
        }
        Some(Handover::Flux(Flux { source: Source::Git(git), ..flux }))
    }

    /// The repository, which a hand-over cannot do without.
    fn repository(&mut self, found: Found, tool: Option<&Spanned>) -> Option<Git> {
        match (&found.url, tool) {
            (Some(url), _) if is_word(&url.text) => Some(found.git),
            (Some(url), _) => {
                self.wrong.push(url.error(format!("`git.url` must be the address of a repository, not `{}`", url.text), ""));
                None
            }
            (None, Some(tool)) => {
                let error = tool.error(format!("`handover: {}` needs the address of this repository", tool.text), "");
                let mut error = error.help("add it: `git: {url: https://…, branch: main}`");
                if tool.text == "flux" {
                    error = error.help("or have it read what `hydrate push` puts into a registry: `oci: {url: oci://…}`");
                    error = error.help("or name a GitRepository that is in the cluster already: `flux: {source: flux-system}`");
                }
                self.wrong.push(error);
                None
            }
            (None, None) => None,
        }
    }
}

/// Go's durations as Flux and Argo CD take them, longer than nothing: `10m`, `1h30m`, `1.5s`.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    let mut any = false;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let after = rest.get(digits..).unwrap_or_default();
        let fraction = after.strip_prefix('.').map(|after| after.bytes().take_while(u8::is_ascii_digit).count());
        let length = digits + fraction.map_or(0, |length| length + 1);
        let (number, unit) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let Some(after) = ["ms", "s", "m", "h"].iter().find_map(|name| unit.strip_prefix(name)) else { return false };
        if digits == 0 || fraction == Some(0) || digits > 9 {
            return false;
        }
        any |= number.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        rest = after;
    }
    any
}

fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(inner)
    };
    text.len() <= 63 && text.split('.').all(is_label)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_branch(text: &str) -> bool {
    is_word(text) && !text.starts_with(['-', '/']) && !text.ends_with(['/', '.']) && !text.starts_with("refs/") && !text.contains("..")
}

/// `oci://host[:port]/path` of lower-case letters and digits, without tag and digest.
fn is_repository(url: &str) -> bool {
    let plain = |part: &str| {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-');
        part.starts_with(|first: char| first.is_ascii_alphanumeric()) && part.bytes().all(is_plain)
    };
    let is_host = |host: &str| {
        let (name, port) = host.split_once(':').unwrap_or((host, "0"));
        plain(&name.to_ascii_lowercase()) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    };
    url.strip_prefix("oci://").and_then(|rest| rest.split_once('/')).is_some_and(|(host, path)| is_host(host) && path.split('/').all(plain))
}

/// What a tag may be, by the distribution specification.
pub fn is_tag(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=128).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with(['.', '-'])
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

/// `https://user:password@host/…`
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// `git@host:path` as an address that Flux takes.
fn scp_like(url: &str) -> Option<String> {
    let (host, path) = url.split_once(':').filter(|(host, path)| host.contains('@') && !host.contains('/') && !path.starts_with("//"))?;
    Some(format!("ssh://{host}/{}", path.trim_start_matches('/')))
}

/// The environment's name as Kubernetes lets objects be called.
fn cluster_name(env: &str) -> String {
    env.replace('_', "-").trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_names_and_addresses() {
        for good in ["10m", "1h30m", "1.5s", "90s", "0h1m", "250ms"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "10", "m", "0s", "1.m", ".5s", "-1m", "1d", "10 m", "10minutes", "1h0", "99999999999h"] {
            assert!(!is_duration(bad), "{bad}");
        }
        assert!(is_name("a-b.c") && !is_name("a_b") && !is_name("a-") && !is_name("") && !is_name(&"x".repeat(64)));
        assert!(has_password("https://u:p@h/x") && !has_password("https://u@h/a:b@c") && !has_password("git@h:x"));
        assert_eq!(scp_like("git@h:team/r.git").as_deref(), Some("ssh://git@h/team/r.git"));
        for good in ["oci://ghcr.io/team/platform", "oci://localhost:5000/a_b/c-d.e", "oci://Registry.Example/x"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in [
            "ghcr.io/a",
            "oci://ghcr.io",
            "oci://ghcr.io/",
            "oci://ghcr.io/A",
            "oci://h/a:1",
            "oci://h/a@sha256:0",
            "oci://h:/a",
            "oci://h//a",
        ] {
            assert!(!is_repository(bad), "{bad}");
        }
        assert!(is_tag("v1.2_3-x") && is_tag("Latest") && !is_tag("") && !is_tag(".a") && !is_tag("a+b") && !is_tag(&"x".repeat(129)));
        assert!(is_digest(&format!("sha256:{}", "a".repeat(64))) && !is_digest("sha256:a") && !is_digest(&"a".repeat(64)));
        assert!(is_branch("release/1.33") && !is_branch("refs/heads/main") && !is_branch("a b") && !is_branch(""));
    }
}
