//! Labels, on objects and wherever the field specifications say.

use std::rc::Rc;

use super::super::config::{self, Config, FieldList, TEMPLATE, spec, specs};
use super::super::decode::record;
use super::super::errors::{Fail, KResult};
use super::super::fieldspec::{self, Create, Fields};
use super::super::kustomization::{FieldSpec, GvkFields, Label, Texts};
use super::super::parallel;
use super::super::resmap::ResMap;
use super::super::shared::Entry;
use super::super::transformer::{Step, Transformer};
use hydrate_yaml::node::Node;

record! {
    /// `LabelTransformer`
    Plugin {
        "labels" labels: Texts,
        "fieldSpecs" specs: Vec<FieldSpec>,
    }
}

/// `LabelTransformer`, `labels` and `commonLabels`.
pub(crate) const TRANSFORMER: Transformer = Transformer {
    kind: "LabelTransformer",
    of_file: |file| {
        let plugin: Plugin = file.read()?;
        Ok(Box::new(move |map| apply(map, &plugin.labels, &plugin.specs)))
    },
    of_fields: Some(|fields| {
        let common = fields.kustomization.common_labels.take().unwrap_or_default();
        let own = fields.kustomization.labels.take().unwrap_or_default();
        if common.is_empty() && own.is_empty() {
            return Ok(Vec::new());
        }
        let mut steps = Vec::new();
        for (at, label) in own.into_iter().enumerate() {
            let specs = label_specs(&label, fields.config)?;
            steps.push(Step::new("labels", Some(at), move |map| apply(map, &label.pairs, &specs)));
        }
        let specs = fields.config.fields(&COMMON_FIELDS);
        steps.push(Step::new("commonLabels", None, move |map| apply(map, &common, &specs)));
        Ok(steps)
    }),
};

/// Where `commonLabels` are set, selectors among them.
pub(crate) const COMMON_FIELDS: FieldList = FieldList { key: "commonLabels", title: "CommonLabels", builtin: common_labels };

/// Where all `labels` are set: what `configurations` say, and nothing else.
pub(crate) const FIELDS: FieldList = FieldList { key: "labels", title: "Labels", builtin: Vec::new };

/// Where labels with `includeTemplates` are set.
pub(crate) const TEMPLATE_FIELDS: FieldList =
    FieldList { key: "templateLabels", title: "TemplateLabels", builtin: || specs(&METADATA_LABELS, true) };

/// Kinds, in kustomize's order, whose own labels, pod templates and the like get labels.
const METADATA_LABELS: [(&str, &str); 10] = [
    ("", "metadata/labels"),
    ("ReplicationController/v1", "spec/template/metadata/labels"),
    ("Deployment", "spec/template/metadata/labels"),
    ("ReplicaSet", "spec/template/metadata/labels"),
    ("DaemonSet", "spec/template/metadata/labels"),
    ("StatefulSet.apps", "spec/template/metadata/labels"),
    ("StatefulSet.apps", "spec/volumeClaimTemplates[]/metadata/labels"),
    ("Job.batch", "spec/template/metadata/labels"),
    ("CronJob.batch", "spec/jobTemplate/metadata/labels"),
    ("CronJob.batch", "spec/jobTemplate/spec/template/metadata/labels"),
];

const CREATED_SELECTORS: [(&str, &str); 6] = [
    ("Service/v1", "spec/selector"),
    ("ReplicationController/v1", "spec/selector"),
    ("Deployment", "spec/selector/matchLabels"),
    ("ReplicaSet", "spec/selector/matchLabels"),
    ("DaemonSet", "spec/selector/matchLabels"),
    ("StatefulSet.apps", "spec/selector/matchLabels"),
];

const OTHER_SELECTORS: [(&str, &str); 6] = [
    ("Job.batch", "spec/selector/matchLabels"),
    ("CronJob.batch", "spec/jobTemplate/spec/selector/matchLabels"),
    ("PodDisruptionBudget.policy", "spec/selector/matchLabels"),
    ("NetworkPolicy.networking.k8s.io", "spec/podSelector/matchLabels"),
    ("NetworkPolicy.networking.k8s.io", "spec/ingress/from/podSelector/matchLabels"),
    ("NetworkPolicy.networking.k8s.io", "spec/egress/to/podSelector/matchLabels"),
];

/// Selectors inside the pod templates of Deployments and StatefulSets.
const POD_SELECTORS: [&str; 5] = [
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

fn common_labels() -> Vec<FieldSpec> {
    let mut all = specs(&CREATED_SELECTORS, true);
    for kind in ["Deployment", "StatefulSet"] {
        all.extend(POD_SELECTORS.iter().map(|path| spec(&format!("{kind}.apps"), format!("{TEMPLATE}/{path}"), false)));
    }
    all.extend(specs(&OTHER_SELECTORS, false));
    all.extend(specs(&METADATA_LABELS, true));
    all
}

fn label_specs(label: &Label, config: &Config) -> KResult<Vec<FieldSpec>> {
    let mut specs = Rc::new(label.fields.clone());
    let wrap = |error: Fail| error.wrap("failed to merge labels");
    config::merge_specs(&mut specs, &config.fields(&FIELDS)).map_err(wrap)?;
    if label.include_selectors {
        config::merge_specs(&mut specs, &config.fields(&COMMON_FIELDS)).map_err(wrap)?;
    } else {
        if label.include_templates {
            config::merge_specs(&mut specs, &config.fields(&TEMPLATE_FIELDS))
                .map_err(|error| error.wrap("failed to merge template fieldSpec"))?;
        }
        let own = FieldSpec { path: "metadata/labels".into(), create: true, gvk: GvkFields::default() };
        config::merge_spec(Rc::make_mut(&mut specs), &own).map_err(wrap)?;
    }
    Ok(Rc::unwrap_or_clone(specs))
}

/// Sets labels in the mappings that the specifications name.
pub(crate) fn apply(map: &mut ResMap, labels: &Texts, specs: &[FieldSpec]) -> KResult<()> {
    set_entries(map, labels, specs)
}

/// Sets entries in mappings; annotations are no different from labels.
pub(super) fn set_entries(map: &mut ResMap, entries: &Texts, specs: &[FieldSpec]) -> KResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let create = Create::mapping();
    let fields = Fields::new(specs);
    parallel::change(map.list_mut(), |res| {
        let about = fields.about(&res.node);
        entries.iter().try_for_each(|(key, value)| {
            let mut entry = Entry::new(key, value);
            let mut set = |node: &mut Node| entry.set(node);
            about.iter().try_for_each(|field| fieldspec::apply_field(&mut res.node, field, Some(&create), &mut set))
        })
    })
}
