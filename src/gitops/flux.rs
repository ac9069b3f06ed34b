//! Hand-over to Flux: the GitRepository or OCIRepository, a Kustomization for `clusters/<env>` itself, and one for each unit.
//!
//! Flux applies everything server-side, so objects of any size need nothing more. A Kustomization waits for those that it depends on to be ready *at the
//! same revision*; with `wait` they are ready when everything in them is. An object must be in one Kustomization only, since each
//! prunes what it no longer has: that is why namespaces and CRDs have directories of their own.

use crate::tree::Files;
use hydrate_base::{Diagnostic, Result};
use hydrate_yaml::node::Node;

use super::graph::Unit;
use super::object::{add, flag, list, map, text};
use super::{Flux, Git, Oci, Site, Source, Which, in_repository, names};

/// Without `kustomization.yaml` beside them: where `flux bootstrap` has put its own files into the same directory, Flux has to find those too.
pub fn write(flux: &Flux, site: &Site<'_>, units: &[Unit]) -> Result<Files, Vec<Box<Diagnostic>>> {
    let names = names(units, "", &flux.name)?;
    let mut files = Files::new();
    let all = |files: &mut Files| {
        let from = match &flux.source {
            Source::Git(git) => {
                add(files, site.file, "GitRepository", &flux.name, &[], &repository(flux, git))?;
                Some("Git says")
            }
            Source::Oci(oci) => {
                let remarks = ["What `hydrate push` has put there."];
                add(files, site.file, "OCIRepository", &flux.name, &remarks, &artifacts(flux, oci))?;
                Some("the registry has")
            }
            Source::Existing { .. } => None,
        };
        if let Some(from) = from {
            let remark = format!("Keeps the files of this directory, itself among them, at what {from}.");
            add(files, site.file, "Kustomization", &flux.name, &[&remark], &root(flux, site))?;
        }
        for unit in units {
            let Some(name) = names.get(&unit.name) else { continue };
            let needs = unit.needs.iter().filter_map(|need| names.get(need)).map(String::as_str).collect();
            add(files, site.file, "Kustomization", name, unit.remarks(), &kustomization(flux, site, unit, name, needs))?;
        }
        Ok(())
    };
    all(&mut files).map_err(|error| vec![error])?;
    Ok(files)
}

fn object(flux: &Flux, api: &str, kind: &str, name: &str, spec: Node) -> Node {
    let metadata = map([("name", text(name)), ("namespace", text(&flux.namespace))]);
    map([("apiVersion", text(api)), ("kind", text(kind)), ("metadata", Some(metadata)), ("spec", Some(spec))])
}

fn repository(flux: &Flux, git: &Git) -> Node {
    let spec = map([
        ("interval", text(&git.interval)),
        ("url", text(&git.url)),
        ("ref", Some(map([("branch", text(&git.branch))]))),
        ("secretRef", git.secret.as_ref().map(|secret| map([("name", text(secret))]))),
    ]);
    object(flux, "source.toolkit.fluxcd.io/v1", "GitRepository", &flux.name, spec)
}

fn artifacts(flux: &Flux, oci: &Oci) -> Node {
    let which = match &oci.which {
        Which::Tag(tag) => ("tag", text(tag)),
        Which::Range(range) => ("semver", text(range)),
        Which::Digest(digest) => ("digest", text(digest)),
    };
    let spec = map([
        ("interval", text(&oci.interval)),
        ("url", text(&oci.url)),
        ("ref", Some(map([which]))),
        ("provider", oci.provider.as_ref().and_then(text)),
        ("secretRef", oci.secret.as_ref().map(|secret| map([("name", text(secret))]))),
    ]);
    object(flux, "source.toolkit.fluxcd.io/v1", "OCIRepository", &flux.name, spec)
}

/// Not waiting: it would wait for units that wait for each other, and they tell for themselves.
fn root(flux: &Flux, site: &Site<'_>) -> Node {
    let spec = map([
        ("interval", text(&flux.interval)),
        ("retryInterval", text(&flux.retry_interval)),
        ("timeout", text(&flux.timeout)),
        ("path", text(format!("./{}", in_repository(&flux.path, site.clusters)))),
        ("prune", flag(flux.prune)),
        ("wait", flag(false)),
        ("sourceRef", Some(source(flux))),
    ]);
    object(flux, "kustomize.toolkit.fluxcd.io/v1", "Kustomization", &flux.name, spec)
}

fn source(flux: &Flux) -> Node {
    let name = if let Source::Existing { name, .. } = &flux.source { name } else { &flux.name };
    map([("kind", text(flux.source.kind())), ("name", text(name))])
}

/// How Flux decrypts what SOPS has encrypted: with the keys in a Secret beside it.
fn decryption(secret: &str) -> Node {
    map([("provider", text("sops")), ("secretRef", Some(map([("name", text(secret))])))])
}

fn kustomization(flux: &Flux, site: &Site<'_>, unit: &Unit, name: &str, needs: Vec<&str>) -> Node {
    let directory = in_repository(&in_repository(&flux.path, site.manifests), &unit.name);
    let spec = map([
        ("dependsOn", list(needs.into_iter().map(|need| map([("name", text(need))])))),
        ("decryption", flux.decryption.as_ref().filter(|_| !unit.is_foundation()).map(|secret| decryption(secret))),
        ("interval", text(&flux.interval)),
        ("retryInterval", text(&flux.retry_interval)),
        ("timeout", text(&flux.timeout)),
        ("path", text(format!("./{directory}"))),
        ("prune", flag(flux.prune && !unit.is_foundation())),
        // What comes after namespaces and CRDs fails without them, whatever the environment says about waiting.
        ("wait", flag(flux.wait || unit.is_foundation())),
        ("sourceRef", Some(source(flux))),
    ]);
    object(flux, "kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, spec)
}
