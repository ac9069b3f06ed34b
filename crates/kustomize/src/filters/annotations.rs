//! Annotations, on objects and wherever the field specifications say.

use super::super::errors::KResult;
use super::super::kustomization::{FieldSpec, Texts};
use super::super::resmap::ResMap;

/// Sets annotations in the mappings that the specifications name.
pub(crate) fn apply(map: &mut ResMap, annotations: &Texts, specs: &[FieldSpec]) -> KResult<()> {
    super::labels::set_entries(map, annotations, specs)
}
