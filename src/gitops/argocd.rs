//! Hand-over to Argo CD: an AppProject, an Application for each unit with its sync wave, and one for `clusters/<env>` that applies those in the order of
//! their waves.
//!
//! Every directory of `manifests/<env>/` has a kustomization.yaml, so Argo CD takes it for Kustomize by itself, and a `directory:` block would make that
//! fail. `clusters/<env>/` has none.

use crate::tree::Files;
use hydrate_base::{Diagnostic, Result};
use hydrate_yaml::node::Node;

use super::graph::Unit;
use super::object::{add, flag, list, map, number, text};
use super::{ArgoCd, Site, in_repository, names};

const API: &str = "argoproj.io/v1alpha1";
/// The cluster that Argo CD itself runs in.
const HERE: &str = "https://kubernetes.default.svc";
/// Deleting an Application with this deletes what it has applied.
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

/// The files of `clusters/<env>/`.
pub fn write(argocd: &ArgoCd, site: &Site<'_>, units: &[Unit]) -> Result<Files, Vec<Box<Diagnostic>>> {
    let names = names(units, &format!("{}-", argocd.name), &argocd.name)?;
    let mut files = Files::new();
    let all = |files: &mut Files| {
        add(files, site.file, "AppProject", &argocd.name, &[], &project(argocd))?;
        let remarks = [
            "Applies the other files of this directory in the order of their waves. Argo CD waits for one wave before the next only",
            "where it assesses the health of Applications: resource.customizations.health.argoproj.io_Application in argocd-cm.",
        ];
        add(files, site.file, "Application", &argocd.name, &remarks, &root(argocd, site))?;
        for unit in units {
            let Some(name) = names.get(&unit.name) else { continue };
            add(files, site.file, "Application", name, unit.remarks(), &application(argocd, site, unit, name))?;
        }
        Ok(())
    };
    all(&mut files).map_err(|error| vec![error])?;
    Ok(files)
}

/// An object of Argo CD. `annotations` are pairs of name and value.
fn object(argocd: &ArgoCd, kind: &str, name: &str, annotations: &[(&str, String)], deletes: bool, spec: Node) -> Node {
    let annotations: Vec<(Node, Node)> =
        annotations.iter().map(|(key, value)| (Node::string(*key), Node::string(value.as_str()))).collect();
    let metadata = map([
        ("name", text(name)),
        ("namespace", text(&argocd.namespace)),
        ("annotations", (!annotations.is_empty()).then(|| Node::mapping(annotations))),
        ("finalizers", list(deletes.then(|| Node::string(FINALIZER)))),
    ]);
    map([("apiVersion", text(API)), ("kind", text(kind)), ("metadata", Some(metadata)), ("spec", Some(spec))])
}

/// The address or the name of a cluster.
fn cluster(cluster: &str, namespace: Option<&str>) -> Node {
    let key = if cluster.contains("://") { "server" } else { "name" };
    map([(key, text(cluster)), ("namespace", namespace.and_then(text))])
}

fn project(argocd: &ArgoCd) -> Node {
    let mut destinations = vec![cluster(&argocd.cluster, Some("*"))];
    if argocd.cluster != HERE {
        destinations.push(cluster(HERE, Some(&argocd.namespace)));
    }
    let everything = map([("group", text("*")), ("kind", text("*"))]);
    let spec = map([
        ("description", text(format!("The components of {}", argocd.name))),
        ("sourceRepos", list([Node::string(argocd.git.url.as_str())])),
        ("destinations", list(destinations)),
        ("clusterResourceWhitelist", list([everything])),
    ]);
    // Applications whose project is gone can neither sync nor be deleted.
    let annotations = [("argocd.argoproj.io/sync-wave", "-1".to_owned()), ("argocd.argoproj.io/sync-options", "Prune=false".to_owned())];
    object(argocd, "AppProject", &argocd.name, &annotations, false, spec)
}

/// Its own file is left out of what it applies: it would wait for its own health.
fn root(argocd: &ArgoCd, site: &Site<'_>) -> Node {
    let mut source = source(argocd, site.clusters);
    if let hydrate_yaml::node::Data::Mapping(entries) = &mut source.data {
        let exclude = map([("exclude", text(format!("application-{}.yaml", argocd.name)))]);
        entries.push((Node::string("directory"), exclude));
    }
    let spec = map([
        ("project", text(&argocd.name)),
        ("source", Some(source)),
        ("destination", Some(cluster(HERE, Some(&argocd.namespace)))),
        ("syncPolicy", policy(argocd, argocd.prune, &[])),
    ]);
    object(argocd, "Application", &argocd.name, &[], false, spec)
}

fn source(argocd: &ArgoCd, dir: &str) -> Node {
    map([
        ("repoURL", text(&argocd.git.url)),
        ("targetRevision", text(&argocd.git.branch)),
        ("path", text(in_repository(&argocd.path, dir))),
    ])
}

/// Retried without end: a failed sync is not tried again for the same commit otherwise, and what failed may only have come too early.
fn policy(argocd: &ArgoCd, prune: bool, options: &[&str]) -> Option<Node> {
    let automated = map([("prune", flag(prune)), ("selfHeal", flag(argocd.self_heal))]);
    let backoff = map([("duration", text(&argocd.retry_interval)), ("factor", number(1))]);
    let policy = map([
        ("automated", argocd.automated.then_some(automated)),
        ("syncOptions", list(options.iter().map(|option| Node::string(*option)))),
        ("retry", argocd.automated.then(|| map([("limit", number(-1)), ("backoff", Some(backoff))]))),
    ]);
    policy.entries().is_some_and(|entries| !entries.is_empty()).then_some(policy)
}

fn application(argocd: &ArgoCd, site: &Site<'_>, unit: &Unit, name: &str) -> Node {
    let prune = argocd.prune && !unit.is_foundation();
    let mut options = Vec::new();
    if unit.facts.large || unit.name == crate::tree::CRDS {
        options.push("ServerSideApply=true");
    }
    // Kinds that an operator brings when it runs, perhaps one of this very unit, cannot be tried out before.
    options.push(if unit.is_foundation() { "Prune=false" } else { "SkipDryRunOnMissingResource=true" });
    let spec = map([
        ("project", text(&argocd.name)),
        ("source", Some(source(argocd, &in_repository(site.manifests, &unit.name)))),
        ("destination", Some(cluster(&argocd.cluster, unit.namespace.as_deref()))),
        ("syncPolicy", policy(argocd, prune, &options)),
    ]);
    object(argocd, "Application", name, &[("argocd.argoproj.io/sync-wave", unit.wave.to_string())], prune, spec)
}
