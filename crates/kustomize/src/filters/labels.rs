//! Labels, on objects and wherever the field specifications say.

use super::super::errors::KResult;
use super::super::fieldspec::{self, Create, Fields};
use super::super::kustomization::{FieldSpec, Texts};
use super::super::parallel;
use super::super::resmap::ResMap;
use super::super::shared::Entry;
use hydrate_yaml::node::Node;

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
