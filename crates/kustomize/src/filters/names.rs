//! Prefixes and suffixes of names.

use super::super::errors::KResult;
use super::super::fieldspec::{self, Create};
use super::super::ids::ResId;
use super::super::kustomization::FieldSpec;
use super::super::resmap::ResMap;
use super::super::tree;
use hydrate_yaml::node::{Node, Tag};

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
