//! Prefixes and suffixes of names.

use std::rc::Rc;

use ecow::EcoString;

use super::super::config::{FieldList, spec};
use super::super::decode::record;
use super::super::errors::{KResult, fail};
use super::super::fieldspec::{self, Create};
use super::super::ids::ResId;
use super::super::kustomization::FieldSpec;
use super::super::resmap::ResMap;
use super::super::transformer::{PluginFile, Step, Transform, Transformer};
use super::super::tree;
use hydrate_yaml::node::{Node, Tag};

record! {
    /// `PrefixTransformer`, `SuffixTransformer`, `PrefixSuffixTransformer`
    Plugin {
        "prefix" prefix: EcoString,
        "suffix" suffix: EcoString,
        "fieldSpecs" specs: Option<Vec<FieldSpec>>,
    }
}

/// `PrefixTransformer`, and `namePrefix`.
pub(crate) const PREFIX: Transformer = Transformer {
    kind: "PrefixTransformer",
    of_file: |file| of_file(file, &[End::Start]),
    of_fields: Some(|fields| {
        let prefix = fields.kustomization.name_prefix.clone();
        Ok(step("namePrefix", prefix, End::Start, fields.config.fields(&PREFIX_FIELDS)))
    }),
};

/// `SuffixTransformer`, and `nameSuffix`.
pub(crate) const SUFFIX: Transformer = Transformer {
    kind: "SuffixTransformer",
    of_file: |file| of_file(file, &[End::Finish]),
    of_fields: Some(|fields| {
        let suffix = fields.kustomization.name_suffix.clone();
        Ok(step("nameSuffix", suffix, End::Finish, fields.config.fields(&SUFFIX_FIELDS)))
    }),
};

/// `PrefixSuffixTransformer`
pub(crate) const PREFIX_AND_SUFFIX: Transformer =
    Transformer { kind: "PrefixSuffixTransformer", of_file: |file| of_file(file, &[End::Start, End::Finish]), of_fields: None };

/// What gets a prefix.
pub(crate) const PREFIX_FIELDS: FieldList = FieldList { key: "namePrefix", title: "NamePrefix", builtin: names };

/// What gets a suffix.
pub(crate) const SUFFIX_FIELDS: FieldList = FieldList { key: "nameSuffix", title: "NameSuffix", builtin: names };

fn names() -> Vec<FieldSpec> {
    vec![spec("", "metadata/name", false)]
}

fn step(field: &'static str, text: EcoString, end: End, specs: Rc<Vec<FieldSpec>>) -> Vec<Step> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![Step::new(field, None, move |map| apply(map, &text, end, &specs))]
}

fn of_file(file: &PluginFile<'_, '_>, ends: &'static [End]) -> KResult<Transform> {
    let Plugin { prefix, suffix, specs } = file.read()?;
    let Some(specs) = specs else { return fail("fieldSpecs is not expected to be nil") };
    let text = move |end| if end == End::Start { prefix.clone() } else { suffix.clone() };
    Ok(Box::new(move |map| ends.iter().try_for_each(|end| apply(map, &text(*end), *end, &specs))))
}

/// Which end of the name is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// A prefix.
    Start,
    /// A suffix.
    Finish,
}

/// Names of these have meanings of their own.
fn is_left_alone(id: &ResId) -> bool {
    let kind = id.gvk.kind.as_str();
    matches!(kind, "CustomResourceDefinition" | "Namespace") || kind == "APIService" && id.gvk.group == "apiregistration.k8s.io"
}

/// Adds a text to the names of all objects and to the other fields that the specifications name.
pub(crate) fn apply(map: &mut ResMap, text: &str, end: End, specs: &[FieldSpec]) -> KResult<()> {
    let schemas = std::sync::Arc::clone(map.schemas());
    let create = Create::scalar(Tag::Str);
    for res in map.list_mut() {
        let id = res.org_id(&schemas)?;
        if is_left_alone(&id) {
            continue;
        }
        for spec in specs.iter().filter(|spec| id.gvk.is_selected(&spec.gvk.gvk())) {
            if spec.path == "metadata/name" {
                match end {
                    End::Start => res.add_prefix(text),
                    End::Finish => res.add_suffix(text),
                }
                if !text.is_empty() {
                    res.store_previous_id(&schemas);
                }
            }
            let mut set = |node: &mut Node| {
                let old = tree::raw_text(node);
                let new = if end == End::Start { format!("{text}{old}") } else { format!("{old}{text}") };
                tree::set_scalar(node, &new, tree::untagged())
            };
            fieldspec::apply(&mut res.node, spec, Some(&create), &mut set)?;
        }
    }
    Ok(())
}
