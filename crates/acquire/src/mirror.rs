//! Mirrors: where to fetch from instead, for closed networks. The lock keeps the original name.

use std::collections::BTreeMap;

/// Prefixes of addresses and what stands in their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors {
    prefixes: BTreeMap<String, String>,
}

impl Mirrors {
    /// The `mirrors:` of hydrate.yaml.
    pub fn new(prefixes: impl IntoIterator<Item = (String, String)>) -> Self {
        let clean = |text: String| text.trim_end_matches('/').to_owned();
        Self { prefixes: prefixes.into_iter().map(|(from, to)| (clean(from), clean(to))).collect() }
    }

    /// The address in the mirror; `None` where no mirror is set for it. The longest prefix wins, and a prefix ends at
    /// the end of a path segment.
    pub fn apply(&self, address: &str) -> Option<String> {
        let rest = |prefix: &str| address.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', ':', '@']));
        let (prefix, target) = self.prefixes.iter().filter(|(prefix, _)| rest(prefix).is_some()).max_by_key(|(prefix, _)| prefix.len())?;
        Some(format!("{target}{}", rest(prefix).unwrap_or_default()))
    }

    /// The original of an address in a mirror, so that the lock is the same with and without; `None` where none leads
    /// there.
    pub fn original(&self, address: &str) -> Option<String> {
        let rest = |target: &str| address.strip_prefix(target).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', ':', '@']));
        let (prefix, target) = self.prefixes.iter().filter(|(_, target)| rest(target).is_some()).max_by_key(|(_, target)| target.len())?;
        Some(format!("{prefix}{}", rest(target).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        let pair = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
        let mirrors = Mirrors::new(
            [
                ("https://charts.example.org/", "oci://registry.internal/charts"),
                ("https://charts.example.org/team", "https://internal/team/"),
                ("oci://ghcr.io", "oci://registry.internal/ghcr"),
            ]
            .map(pair),
        );
        for (address, want) in [
            ("https://charts.example.org", Some("oci://registry.internal/charts")),
            ("https://charts.example.org/team", Some("https://internal/team")),
            ("https://charts.example.org/teams", Some("oci://registry.internal/charts/teams")),
            ("https://charts.example.organic", None),
            ("oci://ghcr.io/a/b:1", Some("oci://registry.internal/ghcr/a/b:1")),
        ] {
            assert_eq!(mirrors.apply(address).as_deref(), want, "{address}");
            if let Some(mirrored) = want {
                assert_eq!(mirrors.apply(&mirrors.original(mirrored).unwrap()).as_deref(), want, "{address}");
            }
        }
        assert_eq!(mirrors.original("https://internal/team/x.tgz").as_deref(), Some("https://charts.example.org/team/x.tgz"));
        assert_eq!(mirrors.original("https://elsewhere/x.tgz"), None);
    }
}
