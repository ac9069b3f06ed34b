//! The hand-over as an environment's file describes it: `handover`, `git`, `flux`, `argocd`.

use crate::gitops::{ArgoCd, Flux, Git, Handover};
use hydrate_base::Diagnostic;

use super::parse::{Parsed, Spanned};

/// Reads the hand-over of an environment. All blocks are checked, whichever tool is named: one may be switched to the other.
pub(super) fn read(file: &Parsed, env: &str) -> Result<Handover, Vec<Box<Diagnostic>>> {
    let mut reader = Reader { file, wrong: Vec::new() };
    let tool = file.text(&file.root, "handover");
    let path = reader.path();
    let git = reader.git();
    let flux = reader.flux(env, path.clone());
    let argocd = reader.argocd(env, path);
    let handover = match tool.as_ref().map(|tool| tool.text.as_str()) {
        Some("flux") => reader.for_flux(flux, git, tool.as_ref()),
        Some("argocd") => reader.repository(git, tool.as_ref()).map(|git| Handover::ArgoCd(ArgoCd { git, ..argocd })),
        _ => Some(Handover::None),
    };
    match handover {
        Some(handover) if reader.wrong.is_empty() => Ok(handover),
        _ => Err(reader.wrong),
    }
}

/// A repository whose address is still to be looked at.
struct Found {
    url: Option<Spanned>,
    git: Git,
}

struct Reader<'a> {
    file: &'a Parsed,
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
        let inside = |path: &str| path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        let help = "write the directory of hydrate.yaml in the repository: `path: deploy/platform`; leave it out when that is the root";
        self.checked("git", "path", "", inside, "a directory inside the repository", help)
    }

    fn git(&mut self) -> Found {
        let branch =
            self.checked("git", "branch", "main", is_branch, "a branch", "its name alone: `branch: main`, without refs/heads/ or a remote");
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

    fn flux(&mut self, env: &str, path: String) -> Flux {
        let source = self.text("flux", "source").is_some().then(|| self.name("flux", "source", ""));
        let none = Git { url: String::new(), branch: String::new(), secret: None, interval: String::new() };
        Flux {
            name: self.name("flux", "name", &cluster_name(env)),
            namespace: self.name("flux", "namespace", "flux-system"),
            source: source.map_or(Ok(none), Err),
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

    /// With a GitRepository that is there already, no address is needed.
    fn for_flux(&mut self, flux: Flux, found: Found, tool: Option<&Spanned>) -> Option<Handover> {
        if flux.source.is_err() {
            return Some(Handover::Flux(flux));
        }
        let url = found.url.clone();
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
        Some(Handover::Flux(Flux { source: Ok(git), ..flux }))
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
        assert!(is_branch("release/1.33") && !is_branch("refs/heads/main") && !is_branch("a b") && !is_branch(""));
    }
}
