//! The order of the output: `sortOptions`, and the order by kind that kustomize uses without it.
//!
//! Follows `api/internal/builtins/SortOrderTransformer.go` of kustomize 5.8.1.

use std::cmp::Ordering;

use super::errors::{Fail, KResult, fail};
use super::ids::{Gvk, ResId};
use super::kustomization::SortOptions;
use super::resmap::ResMap;

/// Kinds that come first, in this order.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that come last.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The rank of a kind in the built-in order; kinds it does not name are 0.
pub fn default_rank(kind: &str) -> i64 {
    rank(kind, &FIRST, &LAST)
}

fn rank<T: AsRef<str>>(kind: &str, first: &[T], last: &[T]) -> i64 {
    // A kind named twice has the rank of its last mention, and `last` wins over `first`.
    let in_last = last.iter().rposition(|name| name.as_ref() == kind).map(|at| 1 + at as i64);
    in_last.or_else(|| first.iter().rposition(|name| name.as_ref() == kind).map(|at| at as i64 - first.len() as i64)).unwrap_or(0)
}

/// Sorts as the options of the kustomization say; without options, in the built-in order.
pub fn sort(map: &mut ResMap, options: Option<&SortOptions>) -> KResult<()> {
    let Some(options) = options else { return by_kind(map, &FIRST, &LAST) };
    match (options.order.as_str(), &options.legacy) {
        ("fifo", None) => Ok(()),
        ("fifo", Some(_)) => fail("the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"),
        ("legacy", None) => by_kind(map, &FIRST, &LAST),
        ("legacy", Some(legacy)) => by_kind(map, &legacy.order_first, &legacy.order_last),
        _ => Err(Fail::new("the field 'sortOptions.order' must be one of [fifo, legacy]")),
    }
}

fn by_kind<T: AsRef<str>>(map: &mut ResMap, first: &[T], last: &[T]) -> KResult<()> {
    let list = map.take();
    let mut ranked: Vec<_> = list.into_iter().map(|res| (Place::of(&res.cur_id(map.schemas()), first, last), res)).collect();
    ranked.sort_by(|(a, _), (b, _)| a.cmp(b));
    map.append_all(ranked.into_iter().map(|(_, res)| res).collect())
        .map_err(|error| error.wrap("SortOrderTransformer: Failed to append to resources"))
}

/// What an object is sorted by.
struct Place {
    rank: i64,
    namespace: bool,
    core: bool,
    gvk: String,
    id: String,
}

impl Place {
    fn of<T: AsRef<str>>(id: &ResId, first: &[T], last: &[T]) -> Self {
        let Gvk { group, kind, .. } = &id.gvk;
        Self {
            rank: rank(kind, first, last),
            namespace: kind == "Namespace",
            core: group.is_empty(),
            gvk: id.gvk.sort_text(),
            id: id_text(id),
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        // Core namespaces go before those of other groups, against the order of their texts.
        let namespaces = self.namespace && other.namespace && (self.core || other.core);
        let texts = self.gvk.cmp(&other.gvk);
        self.rank.cmp(&other.rank).then(if namespaces { texts.reverse() } else { texts }).then_with(|| self.id.cmp(&other.id))
    }
}

fn id_text(id: &ResId) -> String {
    let or = |text: &str, empty: &'static str| if text.is_empty() { empty.to_owned() } else { text.to_owned() };
    format!("{}|{}|{}", id.gvk, or(&id.namespace, "~X"), or(&id.name, "~N"))
}
