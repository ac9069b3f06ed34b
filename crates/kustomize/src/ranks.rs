//! The order by kind that kustomize uses where nothing else is asked for.

/// Kinds that come first, in this order.
pub(crate) const FIRST: [&str; 22] = [
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
pub(crate) const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The rank of a kind in the built-in order; kinds it does not name are 0.
pub(crate) fn default_rank(kind: &str) -> i64 {
    rank(kind, &FIRST, &LAST)
}

/// The rank of a kind in an order that names those that come first and those that come last.
pub(crate) fn rank<T: AsRef<str>>(kind: &str, first: &[T], last: &[T]) -> i64 {
    // A kind named twice has the rank of its last mention, and `last` wins over `first`.
    let in_last = last.iter().rposition(|name| name.as_ref() == kind).map(|at| 1 + at as i64);
    in_last.or_else(|| first.iter().rposition(|name| name.as_ref() == kind).map(|at| at as i64 - first.len() as i64)).unwrap_or(0)
}
