//! What users say about the world outside of what is rendered: objects that come from elsewhere, metrics that exist.

use std::collections::BTreeMap;

use hydrate_base::suggest;

use super::metrics::Metrics;

/// Everything declared for an environment.
#[derive(Debug, Default)]
pub struct Declared {
    /// Objects that are not rendered here and exist all the same.
    pub external: Vec<External>,
    /// Metrics.
    pub metrics: Metrics,
    /// The kinds of the environment's CRDs by group and kind, and whether their objects live in namespaces; `None` where nobody knows.
    pub kinds: Option<BTreeMap<(String, String), bool>>,
}

impl Declared {
    /// Whether objects of a kind live in namespaces; `None` for kinds that no CRD here has.
    pub fn is_namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        self.kinds.as_ref()?.get(&(group.to_owned(), kind.to_owned())).copied()
    }

    /// Whether a kind is defined by a CRD of the environment, or by one that comes from elsewhere: `CustomResourceDefinition/things.example.org`.
    pub fn has_kind(&self, group: &str, kind: &str) -> bool {
        let lower = kind.to_ascii_lowercase();
        let stem = lower.strip_suffix('y').unwrap_or(&lower);
        let plurals = [lower.clone(), format!("{lower}s"), format!("{lower}es"), format!("{stem}ies")];
        let is_meant = |external: &External| {
            plurals.iter().any(|plural| external.covers("CustomResourceDefinition", "", &format!("{plural}.{group}")))
        };
        self.is_namespaced(group, kind).is_some() || self.external.iter().any(is_meant)
    }
}

/// An entry of `external:`, an object or several that exist although nothing renders them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    kind: String,
    /// `None`: objects without a namespace.
    namespace: Option<String>,
    name: String,
}

impl External {
    /// Reads `Kind/name` or `Kind/namespace/name`; `*` and `?` stand for any characters and for one. `home` is the
    /// namespace of the component that says so: the short form then means that one too.
    pub fn parse(text: &str, home: Option<&str>) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_kind = |kind: &str| kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.chars().all(|c| c.is_ascii_alphanumeric());
        let (kind, namespace, name) = match parts[..] {
            [kind, name] => (kind, home, name),
            [kind, namespace, name] => (kind, Some(namespace), name),
            _ => return None,
        };
        let whole = is_kind(kind) && !name.is_empty() && namespace.is_none_or(|namespace| !namespace.is_empty());
        whole.then(|| Self { kind: kind.to_owned(), namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }

    /// Whether this object is meant.
    pub fn covers(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let in_namespace = || namespace.is_empty() || self.namespace.as_ref().is_some_and(|own| suggest::matches(own, namespace));
        self.kind == kind && in_namespace() && suggest::matches(&self.name, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_cover_what_they_name() {
        let covers = |entry: &str, home: Option<&str>, object: (&str, &str, &str)| {
            External::parse(entry, home).is_some_and(|entry| entry.covers(object.0, object.1, object.2))
        };
        assert!(covers("Secret/shop/db", None, ("Secret", "shop", "db")));
        assert!(covers("Secret/db", Some("shop"), ("Secret", "shop", "db")));
        assert!(covers("Secret/*/pull-*", None, ("Secret", "x", "pull-1")));
        assert!(covers("ClusterRole/view-all", Some("shop"), ("ClusterRole", "", "view-all")));
        assert!(!covers("Secret/db", None, ("Secret", "shop", "db")));
        assert!(!covers("Secret/shop/db", None, ("ConfigMap", "shop", "db")));
        assert!(!covers("Secret/shop/db", None, ("Secret", "shop", "db2")));
        for bad in ["Secret", "secret/a", "Secret//a", "Secret/a/", "Secret/a/b/c", ""] {
            assert_eq!(External::parse(bad, None), None, "{bad}");
        }
    }
}
