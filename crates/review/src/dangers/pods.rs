//! Pods and pod templates, wherever kinds have them.

use hydrate_yaml::node::Node;

use crate::object::Object;
use crate::path::{Path, Step};
use crate::value::{items, text};

/// The spec of a pod that an object makes, and the way there.
pub(super) struct Pod<'o> {
    pub(super) way: &'static [&'static str],
    pub(super) spec: &'o Node,
}

impl<'o> Pod<'o> {
    /// That of an object; `None` where it makes none.
    pub(super) fn of(object: &'o Object) -> Option<Self> {
        let way: &'static [&'static str] = match object.group_kind() {
            ("", "Pod") => &["spec"],
            ("", "PodTemplate") => &["template", "spec"],
            ("" | "apps" | "batch", "ReplicationController" | "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job")
            | ("argoproj.io", "Rollout")
            | ("serving.knative.dev", "Service") => &["spec", "template", "spec"],
            ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template", "spec"],
            _ => return None,
        };
        Some(Self { way, spec: object.at(way)? })
    }

    /// A path to a field of the spec.
    pub(super) fn path(&self, keys: &[&str]) -> Path {
        Path(self.way.iter().chain(keys).map(|key| Step::Key((*key).into())).collect())
    }

    /// Its containers: init containers and ordinary ones.
    pub(super) fn containers(&self) -> impl Iterator<Item = Container<'o>> + use<'o> {
        let (spec, way) = (self.spec, self.way);
        ["initContainers", "containers"].into_iter().flat_map(move |list| {
            items(spec, list).iter().map(move |node| Container { way, list, name: text(node, "name").unwrap_or_default(), node })
        })
    }
}

/// A container.
pub(super) struct Container<'o> {
    way: &'static [&'static str],
    list: &'static str,
    pub(super) name: &'o str,
    pub(super) node: &'o Node,
}

impl Container<'_> {
    /// A path to a field of it.
    pub(super) fn path(&self, keys: &[&str]) -> Path {
        let key = |key: &&str| Step::Key((*key).into());
        let item = Step::Item(vec![("name".into(), self.name.into())]);
        Path(self.way.iter().map(key).chain([Step::Key(self.list.into()), item]).chain(keys.iter().map(key)).collect())
    }
}
