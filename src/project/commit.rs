//! `commit:` of hydrate.yaml: what a commit holds, and where it goes.

use hydrate_base::{Diagnostic, Result};
use hydrate_yaml::node::Node;

use super::parse::{Parsed, Spanned};

/// What stands for the name of the environment.
const ENV: &str = "${env}";

/// What a commit does about files that are rendered from and not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitSources {
    /// They are committed with what is rendered from them.
    Include,
    /// HEAD is rendered, without them.
    Head,
}

/// What `--commit` does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitSettings {
    /// What it does about sources that are not committed.
    pub sources: Option<CommitSources>,
    /// The branches that hold what is rendered; `None`: it is committed beside the sources.
    pub branch: Option<BranchTemplate>,
    /// The template of messages.
    pub message: Option<Spanned>,
}

/// The names of the branches of environments, and the directory in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchTemplate {
    name: String,
    path: String,
}

impl CommitSettings {
    /// Reads what the project file says.
    ///
    /// # Errors
    /// A branch that cannot be one, and one place for all environments.
    pub(super) fn read(file: &Parsed, root: &Node) -> Result<Self, Vec<Box<Diagnostic>>> {
        let Some(node) = root.get("commit") else { return Ok(Self::default()) };
        let sources = file.text(node, "sources");
        let (branch, path) = (file.text(node, "branch"), file.text(node, "path"));
        let mut wrong = Vec::new();
        if let Some(sources) = sources.as_ref().filter(|sources| branch.is_some() && sources.text == "include") {
            let error = sources.error("`sources: include` and `branch` exclude each other", "");
            wrong.push(
                error
                    .note("the branch of an environment holds what a commit renders to, so its sources are in that commit")
                    .help("write `sources: head`, or nothing"),
            );
        }
        if let (Some(path), None) = (&path, &branch) {
            let error = path.error("`path` is a directory in the branch of an environment", "");
            wrong.push(error.help("name the branch as well: `commit: {branch: \"environments/${env}\"}`"));
        }
        if let Some(path) = path.as_ref().filter(|path| !is_path(&path.text)) {
            let error = path.error("`path` must be a directory in the branch", "leads out of it, or is one of Git's own");
            wrong.push(error.help("write a relative path without `..`; leave it out for the top of the branch"));
        }
        if let Some(branch) = &branch {
            wrong.extend(Self::wrong_branch(branch, path.as_ref()));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let path = path.map(|path| path.text.trim_end_matches('/').to_owned()).unwrap_or_default();
        Ok(Self {
            sources: sources.map(|sources| if sources.text == "head" { CommitSources::Head } else { CommitSources::Include }),
            branch: branch.map(|branch| BranchTemplate { name: branch.text, path }),
            message: file.text(node, "message"),
        })
    }

    fn wrong_branch(branch: &Spanned, path: Option<&Spanned>) -> Option<Box<Diagnostic>> {
        if !is_branch(&branch.text.replace(ENV, "x")) {
            let error = branch.error(format!("`{}` cannot be the name of a branch", branch.text), "");
            return Some(error.help("write its name alone, without refs/heads/ or a remote: `branch: \"environments/${env}\"`"));
        }
        let everywhere = branch.text.clone() + path.map_or("", |path| &path.text);
        if everywhere.contains(ENV) {
            return None;
        }
        let error = branch.error("all environments would be in one place of one branch", "does not say ${env}");
        Some(error.help("`branch: \"environments/${env}\"` gives each its own; `path: \"${env}\"` gives each a directory of one branch"))
    }
}

impl BranchTemplate {
    /// The branch of an environment that is written to.
    pub fn name(&self, env: &str) -> String {
        self.name.replace(ENV, env)
    }

    /// The directory in it that the environment's tree is in; empty for its top.
    pub fn path(&self, env: &str) -> String {
        self.path.replace(ENV, env)
    }

    /// The branch that is applied: the one written to, or the one that it is proposed for, by the names that gitops-promoter has for both:
    /// `X-next` is proposed for `X`, and `X-next/app` too.
    pub fn active(&self, env: &str) -> String {
        let name = self.name(env);
        self.proposed_for(env).unwrap_or(name)
    }

    /// The branch that the one written to is proposed for, where it is one that is only proposed.
    pub fn proposed_for(&self, env: &str) -> Option<String> {
        let name = self.name(env);
        let path = self.path(env);
        let name = name.strip_suffix(&path).and_then(|name| name.strip_suffix('/')).filter(|_| !path.is_empty()).unwrap_or(&name);
        name.strip_suffix("-next").filter(|active| !active.is_empty()).map(str::to_owned)
    }

    /// Whether the branch is one environment's and one directory's, which is proposed apart from others of the same branch.
    pub fn is_of_path(&self, env: &str) -> bool {
        let (name, path) = (self.name(env), self.path(env));
        !path.is_empty() && name.ends_with(&format!("-next/{path}"))
    }
}

/// What `git check-ref-format --branch` takes.
fn is_branch(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock") && !part.ends_with('.');
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    !name.starts_with('-')
        && !name.starts_with("refs/")
        && name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(forbidden)
        && name.split('/').all(is_part)
}

/// A directory of a tree of Git's.
fn is_path(path: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git");
    let plain = |c: char| !c.is_control() && c != '\\' && c != '"';
    path.chars().all(plain) && path.trim_end_matches('/').split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_what_they_are_proposed_for() {
        let of = |name: &str, path: &str| BranchTemplate { name: name.to_owned(), path: path.to_owned() };
        let plain = of("environments/${env}", "");
        assert_eq!(
            (plain.name("dev"), plain.active("dev"), plain.proposed_for("dev")),
            ("environments/dev".into(), "environments/dev".into(), None)
        );
        let next = of("environments/${env}-next", "");
        assert_eq!((next.name("dev"), next.proposed_for("dev")), ("environments/dev-next".into(), Some("environments/dev".into())));
        let shared = of("env/${env}-next/app", "app");
        assert_eq!((shared.proposed_for("dev"), shared.is_of_path("dev")), (Some("env/dev".into()), true));
        let one = of("rendered", "${env}");
        assert_eq!((one.name("dev"), one.path("dev"), one.is_of_path("dev")), ("rendered".into(), "dev".into(), false));
    }

    #[test]
    fn names_of_branches_and_directories() {
        for good in ["environments/x", "x-next/app", "a.b"] {
            assert!(is_branch(good), "{good}");
        }
        for bad in ["", "-x", "refs/heads/x", "a..b", "a b", "a/", "/a", "a//b", ".a", "a.lock", "a@{b", "@", "a~b", "a."] {
            assert!(!is_branch(bad), "{bad}");
        }
        for bad in ["", "/a", "..", "a/../b", ".git", "a/.GIT/b", "a\\b"] {
            assert!(!is_path(bad), "{bad}");
        }
        assert!(is_path("apps/a") && is_path("apps/"));
    }
}
