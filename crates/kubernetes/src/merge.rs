//! Which lists are merged in strategic merge patches, and by which keys: Kubernetes 1.21, as kustomize 5.8 has it.
//!
//! The facts are kept as two small texts (`data/`). `kinds.txt` says which type a kind is. `types.txt` lists, for every type from which a merged list
//! can be reached, the fields that lead there: `field>Type` for an object, `field%Type` for a map of objects, `field*Type` for a list that is
//! replaced and `field*Type!key,key` for one that is merged.

const KINDS: &str = include_str!("data/kinds.txt");
const TYPES: &str = include_str!("data/types.txt");

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// An object.
    #[default]
    Object,
    /// A list.
    List,
    /// Objects by name.
    Map,
}

/// A field that leads to a merged list, or is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'t> {
    /// Its name.
    pub name: &'t str,
    /// What it holds.
    pub shape: Shape,
    /// The type of what it holds; empty where that leads to no merged list.
    pub target: &'t str,
    /// The keys by which the items of a merged list are told apart, none for scalars; `None` for what is replaced.
    pub keys: Option<Vec<&'t str>>,
}

/// All kinds that have a listed type: API version, kind and the type's name.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    KINDS.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?))
    })
}

/// All listed types, by name, with their fields.
pub fn types() -> impl Iterator<Item = (&'static str, impl Iterator<Item = Field<'static>>)> {
    TYPES.lines().map(|line| {
        let (name, fields) = line.split_once(' ').unwrap_or((line, ""));
        (name, fields.split(' ').filter_map(field))
    })
}

/// The name of a type in Kubernetes' schemas, as it is listed: without what most of them begin with.
pub fn short_name(name: &str) -> &str {
    const LONG: [&str; 4] =
        ["io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apiextensions-apiserver.pkg.apis.", "io.k8s.kube-aggregator.pkg.apis."];
    LONG.iter().find_map(|long| name.strip_prefix(long)).unwrap_or(name)
}

fn field(text: &str) -> Option<Field<'_>> {
    let at = text.find(['>', '%', '*'])?;
    let (name, rest) = text.split_at_checked(at)?;
    let (shape, rest) = match rest.split_at_checked(1)? {
        (">", rest) => (Shape::Object, rest),
        ("%", rest) => (Shape::Map, rest),
        (_, rest) => (Shape::List, rest),
    };
    let (target, keys) = match rest.split_once('!') {
        Some((target, keys)) => (target, Some(keys.split(',').filter(|key| !key.is_empty()).collect())),
        None => (rest, None),
    };
    Some(Field { name, shape, target, keys })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_is_read_and_every_name_is_listed() {
        let names: BTreeSet<&str> = types().map(|(name, _)| name).collect();
        assert_eq!((names.len(), types().count(), kinds().count()), (201, 201, 164));
        for (name, fields) in types() {
            let fields: Vec<_> = fields.collect();
            assert!(!fields.is_empty(), "{name}");
            for field in fields {
                assert!(names.contains(field.target) || field.target.is_empty() && field.keys.is_some(), "{name} {}", field.name);
            }
        }
        assert!(kinds().all(|(_, _, name)| names.contains(name)));
    }

    #[test]
    fn lists_have_the_keys_of_the_schemas() {
        let field = |kind: &str, wanted: &str| {
            let mut fields = types().find(|(name, _)| *name == kind).expect("listed").1;
            fields.find(|field| field.name == wanted)
        };
        let ports = field("core.v1.Container", "ports").expect("merged");
        assert_eq!((ports.shape, ports.target, ports.keys), (Shape::List, "", Some(vec!["containerPort", "protocol"])));
        let finalizers = field("meta.v1.ObjectMeta", "finalizers").expect("merged");
        assert_eq!(finalizers.keys, Some(Vec::new()));
        let template = field("apps.v1.DeploymentSpec", "template").expect("leads there");
        assert_eq!((template.shape, template.target, template.keys), (Shape::Object, "core.v1.PodTemplateSpec", None));
        assert_eq!(field("core.v1.Container", "args"), None);
    }
}
