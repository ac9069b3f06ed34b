//! Replica counts by name.

use std::rc::Rc;

use super::super::config::{FieldList, spec};
use super::super::decode::record;
use super::super::errors::{KResult, fail};
use super::super::fieldspec::{self, Create};
use super::super::kustomization::{FieldSpec, Replica};
use super::super::resmap::ResMap;
use super::super::transformer::{Transform, Transformer};
use super::super::tree;
use hydrate_yaml::node::{Node, Tag};

record! {
    /// `ReplicaCountTransformer`
    Plugin {
        "replica" replica: Replica,
        "fieldSpecs" specs: Vec<FieldSpec>,
    }
}

/// `ReplicaCountTransformer`, and `replicas`.
pub(crate) const TRANSFORMER: Transformer = Transformer {
    kind: "ReplicaCountTransformer",
    of_file: |file| {
        let Plugin { replica, specs } = file.read()?;
        with(replica, Rc::new(specs))
    },
    of_fields: Some(|fields| {
        let (replicas, specs) = (fields.kustomization.replicas.take(), fields.config.fields(&FIELDS));
        fields.each("replicas", replicas, |replica| with(replica, Rc::clone(&specs)))
    }),
};

fn with(replica: Replica, specs: Rc<Vec<FieldSpec>>) -> KResult<Transform> {
    Ok(Box::new(move |map| apply(map, &replica, &specs)))
}

/// Where objects have their count.
pub(crate) const FIELDS: FieldList = FieldList {
    key: "replicas",
    title: "Replicas",
    builtin: || ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"].map(|kind| spec(kind, "spec/replicas", true)).into(),
};

/// Sets the count of the objects of a name; fails if there is none.
pub(crate) fn apply(map: &mut ResMap, replica: &Replica, specs: &[FieldSpec]) -> KResult<()> {
    let count = ecow::eco_format!("{}", replica.count);
    let create = Create::scalar(Tag::Int);
    let mut found = false;
    for spec in specs {
        let gvk = spec.gvk.gvk();
        for at in map.find_any(&replica.name, |id| id.name == replica.name && id.gvk.is_selected(&gvk))? {
            found = true;
            let Some(res) = map.one_mut(at) else { continue };
            let mut set = |node: &mut Node| tree::set_scalar(node, &count, Tag::Int);
            fieldspec::apply(&mut res.node, spec, Some(&create), &mut set)?;
        }
    }
    if found {
        return Ok(());
    }
    let gvks: Vec<_> = specs.iter().map(|spec| spec.gvk.gvk().to_string()).collect();
    fail(format!("resource with name {} does not match a config with the following GVK [{}]", replica.name, gvks.join(" ")))
}
