//! Where in the API's schema a value is: Kubernetes' own types for the environment's release, or the schema of a CRD. What is asked is how the items of
//! lists are told apart.

use std::collections::BTreeMap;

use hydrate_kubernetes::is_builtin_group;
use hydrate_kubernetes::schemas::{FIRST, LAST, Shape, Type, lifecycle, served};
use hydrate_source::Identity;
use hydrate_yaml::node::Node;

use crate::object::Object;
use crate::value::{at, items, text, texts};

/// How the items of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListKind<'s> {
    /// By these keys; the order says something only where it is known to.
    Keyed(Vec<&'s str>),
    /// Each is itself, in whatever order.
    Set,
    /// By their places, or nothing is known.
    Atomic,
}

/// The schema of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Schema<'s> {
    /// One of Kubernetes' own types, in a release.
    Type(Type, u32),
    /// How a value of Kubernetes' own types is written, in a release.
    Shape(&'static Shape, u32),
    /// The root of a structural schema of a CRD, which has metadata beside what it says.
    Root(&'s Node),
    /// A structural schema of a CRD.
    Structural(&'s Node),
    /// Nothing is known.
    Unknown,
}

impl<'s> Schema<'s> {
    /// The schema of the value at a key.
    pub(crate) fn field(self, key: &str) -> Self {
        match self {
            Self::Type(of, minor) => of.field(minor, key).map_or(Self::Unknown, |field| Self::of(&field.shape, minor)),
            Self::Shape(Shape::Map(value), minor) => Self::of(value, minor),
            Self::Root(_) if key == "metadata" => Type::named("meta.v1.ObjectMeta").map_or(Self::Unknown, |of| Self::Type(of, LAST)),
            Self::Root(schema) | Self::Structural(schema) => {
                let rest = || schema.get("additionalProperties").filter(|rest| rest.entries().is_some());
                at(schema, &["properties", key]).or_else(rest).map_or(Self::Unknown, Self::Structural)
            }
            Self::Shape(..) | Self::Unknown => Self::Unknown,
        }
    }

    fn of(shape: &'static Shape, minor: u32) -> Self {
        match shape {
            Shape::Object(of) | Shape::BoolOr(of) => Self::Type(*of, minor),
            shape => Self::Shape(shape, minor),
        }
    }

    /// How the items of a list are told apart, and their schema.
    pub(crate) fn list(self) -> (ListKind<'s>, Self) {
        match self {
            Self::Shape(Shape::List(item, keys), minor) => {
                let kind = match keys.as_deref() {
                    None => ListKind::Atomic,
                    Some([]) => ListKind::Set,
                    Some(keys) => ListKind::Keyed(keys.to_vec()),
                };
                (kind, Self::of(item, minor))
            }
            Self::Structural(schema) => {
                let kind = match text(schema, "x-kubernetes-list-type") {
                    Some("map") => ListKind::Keyed(texts(schema, "x-kubernetes-list-map-keys").collect()),
                    Some("set") => ListKind::Set,
                    _ => ListKind::Atomic,
                };
                (kind, schema.get("items").map_or(Self::Unknown, Self::Structural))
            }
            _ => (ListKind::Atomic, Self::Unknown),
        }
    }

    /// What stands for a key that an item leaves out.
    pub(crate) fn default(self, key: &str) -> Option<&'s str> {
        match self {
            // The only key of Kubernetes' own lists that is mostly left out.
            Self::Type(..) if key == "protocol" => Some("TCP"),
            Self::Structural(schema) => at(schema, &["properties", key, "default"]).and_then(Node::as_str),
            _ => None,
        }
    }
}

/// The schemas of an environment's kinds.
#[derive(Debug)]
pub(crate) struct Schemas<'s> {
    minor: u32,
    /// Schemas of CRDs by group, kind and version.
    customs: BTreeMap<(&'s str, &'s str, &'s str), &'s Node>,
}

impl<'s> Schemas<'s> {
    /// Those of a release, and of CRDs; the first of a kind counts.
    pub(crate) fn new(minor: u32, crds: impl IntoIterator<Item = &'s Object>) -> Self {
        let mut customs = BTreeMap::new();
        for crd in crds {
            let Some(spec) = crd.root.get("spec") else { continue };
            let (Some(group), Some(kind)) = (text(spec, "group"), spec.get("names").and_then(|names| text(names, "kind"))) else {
                continue;
            };
            for version in items(spec, "versions") {
                if let (Some(name), Some(schema)) = (text(version, "name"), at(version, &["schema", "openAPIV3Schema"])) {
                    customs.entry((group, kind, name)).or_insert(schema);
                }
            }
        }
        Self { minor: minor.clamp(FIRST, LAST), customs }
    }

    /// The schema of an object.
    pub(crate) fn of(&self, identity: &Identity) -> Schema<'s> {
        let (group, version) = identity.api_version.split_once('/').unwrap_or(("", &identity.api_version));
        let kind = identity.kind.as_str();
        if !is_builtin_group(group) {
            return self.customs.get(&(group, kind, version)).copied().map_or(Schema::Unknown, Schema::Root);
        }
        // A version that the release does not have any more has mostly the fields of the one that replaced it.
        let instead = lifecycle(&identity.api_version, kind).and_then(|ends| ends.replacement).map(|(version, _)| version);
        let in_release = |minor: u32| {
            let found = |wanted: &str| served(kind, minor).find(|served| served.api_version == wanted);
            found(&identity.api_version).or_else(|| found(instead?))
        };
        let of_group =
            || served(kind, self.minor).find(|served| served.api_version.split_once('/').map_or("", |(group, _)| group) == group);
        let found = in_release(self.minor).or_else(|| (FIRST..=LAST).rev().find_map(in_release)).or_else(of_group);
        found.map_or(Schema::Unknown, |served| Schema::Type(served.root, self.minor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(api_version: &str, kind: &str) -> Identity {
        Identity { api_version: api_version.to_owned(), kind: kind.to_owned(), namespace: String::new(), name: "a".to_owned() }
    }

    #[test]
    fn lists_of_kubernetes_have_their_keys() {
        let schemas = Schemas::new(33, []);
        let spec = schemas.of(&identity("apps/v1", "Deployment")).field("spec").field("template").field("spec");
        let (kind, container) = spec.field("containers").list();
        assert_eq!(kind, ListKind::Keyed(vec!["name"]));
        let (kind, port) = container.field("ports").list();
        assert_eq!((kind, port.default("protocol")), (ListKind::Keyed(vec!["containerPort", "protocol"]), Some("TCP")));
        assert_eq!(container.field("args").list().0, ListKind::Atomic);
        let metadata = schemas.of(&identity("apps/v1", "Deployment")).field("metadata");
        assert_eq!(metadata.field("finalizers").list().0, ListKind::Set);
    }

    #[test]
    fn versions_that_are_gone_have_the_types_of_those_that_replaced_them() {
        let schemas = Schemas::new(37, []);
        for (version, kind) in [
            ("extensions/v1beta1", "Deployment"),
            ("policy/v1beta1", "PodDisruptionBudget"),
            ("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
        ] {
            assert!(matches!(schemas.of(&identity(version, kind)), Schema::Type(..)), "{version}");
        }
        assert!(matches!(schemas.of(&identity("example.org/v1", "Deployment")), Schema::Unknown));
    }
}
