//! An environment: its name, and values in layers.
//!
//! Follows `pkg/environment/environment.go` of helmfile 1.7 and 0.166.

use hydrate_gotmpl::Map;

use crate::Version;
use crate::merge::{Lists, merge_maps, override_values};
use crate::record::deep_map;

/// The name of the environment where none is chosen.
pub(crate) const DEFAULT: &str = "default";

/// An environment.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    pub name: String,
    pub kube_context: String,
    /// What its own values and the files of `--state-values-file` say.
    pub values: Map,
    /// What `values` at the top of helmfiles say.
    pub defaults: Map,
    /// What `--state-values-set` says.
    pub overrides: Map,
}

impl Environment {
    /// An empty one.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// One of its own, all the way down.
    pub(crate) fn deep_copy(&self) -> Self {
        Self {
            name: self.name.clone(),
            kube_context: self.kube_context.clone(),
            values: deep_map(&self.values),
            defaults: deep_map(&self.defaults),
            overrides: deep_map(&self.overrides),
        }
    }

    /// The values as templates see them.
    pub(crate) fn merged_values(&self, version: Version) -> Map {
        match version {
            Version::V0 => override_values(&override_values(&Map::new(), &self.defaults), &self.values),
            Version::V1 => {
                let values = merge_maps(&Map::new(), &self.defaults, Lists::Sparse, version);
                let values = merge_maps(&values, &self.values, Lists::Sparse, version);
                merge_maps(&values, &self.overrides, Lists::ByElement, version)
            }
        }
    }
}

/// The first environment with the second over it, where there are any.
pub(crate) fn merge(first: Option<&Environment>, second: Option<&Environment>, version: Version) -> Option<Environment> {
    match (first, second) {
        (None, None) => None,
        (Some(only), None) | (None, Some(only)) => Some(only.deep_copy()),
        (Some(first), Some(second)) => Some(over(&first.deep_copy(), second, version)),
    }
}

/// An environment with another one over it.
pub(crate) fn over(first: &Environment, second: &Environment, version: Version) -> Environment {
    let text = |first: &str, second: &str| if second.is_empty() { first.to_owned() } else { second.to_owned() };
    let (name, kube_context) = (text(&first.name, &second.name), text(&first.kube_context, &second.kube_context));
    match version {
        Version::V0 => Environment {
            name,
            kube_context,
            values: override_values(&first.values, &second.values),
            defaults: override_values(&first.defaults, &second.defaults),
            overrides: Map::new(),
        },
        Version::V1 => Environment {
            name,
            kube_context,
            values: merge_maps(&first.values, &second.values, Lists::Sparse, version),
            defaults: merge_maps(&first.defaults, &second.defaults, Lists::Sparse, version),
            overrides: merge_maps(&first.overrides, &second.overrides, Lists::ByElement, version),
        },
    }
}
