//! The `gitops` room: the hand-over of an environment to Flux or Argo CD.
//!
//! One graph of units (`graph`) comes from what components need; `flux` writes it as Kustomizations with `dependsOn`, `argocd` as
//! Applications with sync waves. Both only point at directories of `manifests/<env>/`: what is applied is what is in Git.

pub mod argocd;
pub mod flux;
pub mod graph;
pub mod hydrator;
mod object;
pub mod substitute;

use std::collections::BTreeMap;

use crate::tree::Files;
use hydrate_base::{Diagnostic, Result};

use graph::Unit;

/// What applies the manifests, with what it has to be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Handover {
    /// Somebody else's business: nothing is written.
    #[default]
    None,
    /// Flux.
    Flux(Flux),
    /// Argo CD.
    ArgoCd(ArgoCd),
}

impl Handover {
    /// Whether files are written for a tool. CRDs then have a directory of their own, so that they can be applied first.
    pub fn is_some(&self) -> bool {
        *self != Self::None
    }
}

/// Where the cluster reads the repository from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// Its address.
    pub url: String,
    /// The branch.
    pub branch: String,
    /// A Secret with credentials.
    pub secret: Option<String>,
    /// How often Flux looks for new commits; Argo CD has one setting for all repositories.
    pub interval: String,
}

/// Where the cluster reads artifacts from, which `hydrate push` has put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oci {
    /// Its address: `oci://registry/repository`.
    pub url: String,
    /// Which of the artifacts there.
    pub which: Which,
    /// A Secret with credentials.
    pub secret: Option<String>,
    /// Whose registry it is, for credentials that come from there: `aws`, `azure`, `gcp`.
    pub provider: Option<String>,
    /// How often Flux looks for new ones.
    pub interval: String,
}

/// Which artifact of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one that a tag names.
    Tag(String),
    /// The highest version within a range.
    Range(String),
    /// This one: `sha256:…`
    Digest(String),
}

/// What Flux reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A repository.
    Git(Git),
    /// Artifacts in a registry.
    Oci(Oci),
    /// What is there already, with a Kustomization of its own.
    Existing {
        /// GitRepository or OCIRepository.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

impl Source {
    /// The kind of the object that stands for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Git(_) => "GitRepository",
            Self::Oci(_) => "OCIRepository",
            Self::Existing { kind, .. } => kind,
        }
    }
}

/// How Flux is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flux {
    /// The name of what stands for the source, and of the Kustomization of `clusters/<env>`.
    pub name: String,
    /// The namespace of Flux's objects.
    pub namespace: String,
    /// What it reads.
    pub source: Source,
    /// The directory of the project in the source; empty for its root.
    pub path: String,
    /// How often what is in the cluster is compared with what was fetched.
    pub interval: String,
    /// How soon something that failed is tried again.
    pub retry_interval: String,
    /// How long one unit may take.
    pub timeout: String,
    /// Whether objects that are gone from Git go from the cluster.
    pub prune: bool,
    /// Whether a unit is ready only when everything in it is.
    pub wait: bool,
    /// The Secret with the keys that Flux decrypts with.
    pub decryption: Option<String>,
}

/// How Argo CD is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgoCd {
    /// The name of the AppProject and of the Application of `clusters/<env>`; names of Applications begin with it.
    pub name: String,
    /// The namespace of Argo CD's objects.
    pub namespace: String,
    /// The repository; Argo CD keeps credentials in Secrets of its own.
    pub git: Git,
    /// The directory of the project in the repository; empty for its root.
    pub path: String,
    /// The cluster that is deployed to: its address, or the name that Argo CD knows it by.
    pub cluster: String,
    /// Whether Argo CD syncs by itself.
    pub automated: bool,
    /// Whether objects that are gone from Git go from the cluster.
    pub prune: bool,
    /// Whether changes made in the cluster are undone.
    pub self_heal: bool,
    /// How soon a failed sync is tried again.
    pub retry_interval: String,
}

/// The directories of an environment in the project.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The environment's file.
    pub file: &'a str,
    /// `manifests/<env>`, or where the branch of the environment has it; empty for its top.
    pub manifests: &'a str,
    /// `clusters/<env>`
    pub clusters: &'a str,
}

/// The files of `clusters/<env>/`: none where nothing is handed over. Fails where two units would have one name in the cluster.
pub fn write(handover: &Handover, site: &Site<'_>, units: &[Unit]) -> Result<Files, Vec<Box<Diagnostic>>> {
    match handover {
        Handover::None => Ok(Files::new()),
        Handover::Flux(flux) => flux::write(flux, site, units),
        Handover::ArgoCd(argocd) => argocd::write(argocd, site, units),
    }
}

/// A directory as a path in the repository, given the one that it lies in; either may be the top.
pub fn in_repository(path: &str, dir: &str) -> String {
    if path.is_empty() || dir.is_empty() { format!("{path}{dir}") } else { format!("{path}/{dir}") }
}

/// The name in the cluster for each unit, by its directory. `reserved` is the name of the object that stands for all of them.
fn names(units: &[Unit], prefix: &str, reserved: &str) -> Result<BTreeMap<String, String>, Vec<Box<Diagnostic>>> {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mut names = BTreeMap::new();
    let mut wrong = Vec::new();
    for unit in units {
        let name = format!("{prefix}{}", in_cluster(&unit.name));
        if name == reserved {
            wrong.push(
                Diagnostic::error(format!("component `{}` has the name of the object that stands for the whole environment", unit.name))
                    .note(format!("both would be `{name}` in the cluster"))
                    .help("give that object another name in the environment's file: `flux: {name: …}`"),
            );
        } else if name.len() > LONGEST {
            wrong.push(
                Diagnostic::error(format!("`{name}` is longer than the {LONGEST} characters that a name in the cluster may have"))
                    .help(format!("rename the component `{}`, or give the environment a shorter `name` in its `argocd` block", unit.name)),
            );
        } else if let Some(other) = taken.insert(name.clone(), &unit.name) {
            wrong.push(
                Diagnostic::error(format!("components `{other}` and `{}` would both be `{name}` in the cluster", unit.name))
                    .help("rename one of them"),
            );
        }
        names.insert(unit.name.clone(), name);
    }
    if wrong.is_empty() { Ok(names) } else { Err(wrong) }
}

/// Names become the values of labels, which can hold this much.
const LONGEST: usize = 63;

/// A component's name as Kubernetes lets objects be called: directories may have `_`, and may end in `-`.
fn in_cluster(name: &str) -> String {
    let plain = name.replace('_', "-");
    let labels: Vec<&str> = plain.split('.').map(|label| label.trim_matches('-')).filter(|label| !label.is_empty()).collect();
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str) -> Unit {
        Unit { name: name.to_owned(), ..Unit::default() }
    }

    #[test]
    fn names_are_what_kubernetes_allows_and_each_comes_once() {
        let found = names(&[unit("a_b"), unit("c.-d-"), unit("e")], "x-", "x").unwrap();
        assert_eq!(found.into_values().collect::<Vec<_>>(), ["x-a-b", "x-c.d", "x-e"]);
        let long = "x".repeat(60);
        let wrong = names(&[unit("a_b"), unit("a-b"), unit("root"), unit(&long)], "", "root").unwrap_err();
        let said: Vec<&str> = wrong.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "components `a_b` and `a-b` would both be `a-b` in the cluster",
                "component `root` has the name of the object that stands for the whole environment"
            ]
        );
        assert!(names(&[unit(&long)], "prefix-", "root").unwrap_err()[0].message.contains("longer than the 63 characters"));
    }
}
