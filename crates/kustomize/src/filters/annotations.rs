//! Annotations, on objects and wherever the field specifications say.

use super::super::config::{FieldList, specs};
use super::super::decode::record;
use super::super::errors::KResult;
use super::super::kustomization::{FieldSpec, Texts};
use super::super::resmap::ResMap;
use super::super::transformer::{Step, Transformer};

record! {
    /// `AnnotationsTransformer`
    Plugin {
        "annotations" annotations: Texts,
        "fieldSpecs" specs: Vec<FieldSpec>,
    }
}

/// `AnnotationsTransformer`, and `commonAnnotations`.
pub(crate) const TRANSFORMER: Transformer = Transformer {
    kind: "AnnotationsTransformer",
    of_file: |file| {
        let plugin: Plugin = file.read()?;
        Ok(Box::new(move |map| apply(map, &plugin.annotations, &plugin.specs)))
    },
    of_fields: Some(|fields| {
        let entries = fields.kustomization.common_annotations.take().unwrap_or_default();
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let specs = fields.config.fields(&FIELDS);
        Ok(vec![Step::new("commonAnnotations", None, move |map| apply(map, &entries, &specs))])
    }),
};

/// Where objects have annotations.
pub(crate) const FIELDS: FieldList =
    FieldList { key: "commonAnnotations", title: "CommonAnnotations", builtin: || specs(&ANNOTATIONS, true) };

const ANNOTATIONS: [(&str, &str); 9] = [
    ("", "metadata/annotations"),
    ("ReplicationController/v1", "spec/template/metadata/annotations"),
    ("Deployment", "spec/template/metadata/annotations"),
    ("ReplicaSet", "spec/template/metadata/annotations"),
    ("DaemonSet", "spec/template/metadata/annotations"),
    ("StatefulSet", "spec/template/metadata/annotations"),
    ("Job.batch", "spec/template/metadata/annotations"),
    ("CronJob.batch", "spec/jobTemplate/metadata/annotations"),
    ("CronJob.batch", "spec/jobTemplate/spec/template/metadata/annotations"),
];

/// Sets annotations in the mappings that the specifications name.
pub(crate) fn apply(map: &mut ResMap, annotations: &Texts, specs: &[FieldSpec]) -> KResult<()> {
    super::labels::set_entries(map, annotations, specs)
}
