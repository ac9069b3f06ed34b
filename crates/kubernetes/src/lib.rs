#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

use std::collections::BTreeSet;
use std::sync::LazyLock;

pub mod merge;
pub mod schemas;
mod scopes;

use scopes::Row;

/// The releases of Kubernetes whose kinds are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 1.21, without alpha features: what kustomize 5.8 knows.
    V1_21,
    /// 1.37, with everything.
    V1_37,
}

impl Release {
    fn rows(self) -> &'static [Row] {
        match self {
            Self::V1_21 => &scopes::V1_21,
            Self::V1_37 => &scopes::V1_37,
        }
    }
}

/// Where objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Outside of namespaces.
    Cluster,
    /// In namespaces.
    Namespace,
}

/// The scope of a kind in a version of its group; `None` where the release does not have it.
pub fn scope(release: Release, group: &str, version: &str, kind: &str) -> Option<Scope> {
    let is_it = |known: &&str| split(known) == (group, version);
    rows_of(release, kind).find(|(_, _, versions)| versions.iter().any(is_it)).map(|(_, scope, _)| *scope)
}

/// The scope of a kind in whatever version of its group, the newest release first.
pub fn scope_of_kind(group: &str, kind: &str) -> Option<Scope> {
    let is_in_group = |(_, _, versions): &&Row| versions.iter().any(|known| split(known).0 == group);
    [Release::V1_37, Release::V1_21].into_iter().find_map(|release| rows_of(release, kind).find(is_in_group)).map(|(_, scope, _)| *scope)
}

/// Whether an API group is one of Kubernetes itself, now or once.
pub fn is_builtin_group(group: &str) -> bool {
    static GROUPS: LazyLock<BTreeSet<&str>> =
        LazyLock::new(|| all_rows().flat_map(|(_, _, versions)| versions.iter().map(|known| split(known).0)).collect());
    GROUPS.contains(group)
}

/// Whether an API group of Kubernetes itself has kinds whose objects live in namespaces.
pub fn has_namespaced_kinds(group: &str) -> bool {
    all_rows().any(|(_, scope, versions)| *scope == Scope::Namespace && versions.iter().any(|known| split(known).0 == group))
}

fn all_rows() -> impl Iterator<Item = &'static Row> {
    scopes::V1_37.iter().chain(&scopes::V1_21)
}

/// The rows of a kind: more than one where groups have kinds of the same name.
fn rows_of(release: Release, kind: &str) -> impl Iterator<Item = &'static Row> {
    let rows = release.rows();
    let from = rows.partition_point(|(known, ..)| *known < kind);
    rows.iter().skip(from).take_while(move |(known, ..)| *known == kind)
}

/// Group and version of an API version.
fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_each_kind_of_a_version_has_one_scope() {
        for rows in [&scopes::V1_21[..], &scopes::V1_37[..]] {
            assert!(rows.is_sorted_by(|(a, ..), (b, ..)| a <= b));
            let mut all: Vec<_> = rows.iter().flat_map(|(kind, _, versions)| versions.iter().map(move |version| (kind, version))).collect();
            let listed = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), listed);
        }
    }

    #[test]
    fn the_releases_differ_as_kubernetes_did() {
        assert_eq!(scope(Release::V1_21, "policy", "v1beta1", "PodSecurityPolicy"), Some(Scope::Cluster));
        assert_eq!(scope(Release::V1_37, "policy", "v1beta1", "PodSecurityPolicy"), None);
        assert_eq!(scope(Release::V1_21, "extensions", "v1beta1", "Ingress"), Some(Scope::Namespace));
        assert_eq!(scope(Release::V1_21, "autoscaling", "v2", "HorizontalPodAutoscaler"), None);
        assert_eq!(scope(Release::V1_37, "autoscaling", "v2", "HorizontalPodAutoscaler"), Some(Scope::Namespace));
        assert_eq!(scope(Release::V1_37, "", "v1", "Node"), Some(Scope::Cluster));
        assert_eq!(scope(Release::V1_37, "v1", "", "Node"), None);
    }

    #[test]
    fn kinds_of_one_name_are_told_apart_by_their_groups() {
        assert_eq!(scope(Release::V1_21, "", "v1", "Event"), Some(Scope::Namespace));
        assert_eq!(scope_of_kind("events.k8s.io", "Event"), Some(Scope::Namespace));
        assert_eq!(scope_of_kind("apps", "Event"), None);
        assert_eq!(scope_of_kind("policy", "PodSecurityPolicy"), Some(Scope::Cluster));
    }

    #[test]
    fn groups_are_those_of_both_releases() {
        for group in ["", "apps", "extensions", "internal.apiserver.k8s.io", "storagemigration.k8s.io"] {
            assert!(is_builtin_group(group), "{group}");
        }
        assert!(!is_builtin_group("gateway.networking.k8s.io"));
        assert!(has_namespaced_kinds("extensions") && has_namespaced_kinds("storage.k8s.io"));
        assert!(!has_namespaced_kinds("apiregistration.k8s.io"));
    }
}
