//! The transformers, one file each. A transformer is its file and its line in [`TRANSFORMERS`]; a list of fields that `configurations` can
//! add to has a line in [`FIELD_LISTS`].

pub(crate) mod annotations;
pub(crate) mod hash;
pub(crate) mod images;
pub(crate) mod json_patch;
pub(crate) mod labels;
pub(crate) mod merge_patch;
pub(crate) mod namerefs;
pub(crate) mod names;
pub(crate) mod namespace;
pub(crate) mod patches;
pub(crate) mod replacements;
pub(crate) mod replicas;
pub(crate) mod value_add;
pub(crate) mod variables;

use super::config::FieldList;
use super::transformer::Transformer;

/// All transformers, in the order in which the fields of a kustomization are applied.
pub(crate) const TRANSFORMERS: &[Transformer] = &[
    patches::STRATEGIC_MERGE,
    patches::PATCH,
    namespace::TRANSFORMER,
    names::PREFIX,
    names::SUFFIX,
    names::PREFIX_AND_SUFFIX,
    labels::TRANSFORMER,
    annotations::TRANSFORMER,
    patches::JSON6902,
    replicas::TRANSFORMER,
    images::TRANSFORMER,
    replacements::TRANSFORMER,
    hash::TRANSFORMER,
    value_add::TRANSFORMER,
];

/// The lists of fields that transformers change, in the order in which kustomize merges them.
pub(crate) const FIELD_LISTS: &[&FieldList] = &[
    &names::PREFIX_FIELDS,
    &names::SUFFIX_FIELDS,
    &namespace::FIELDS,
    &labels::COMMON_FIELDS,
    &labels::FIELDS,
    &labels::TEMPLATE_FIELDS,
    &annotations::FIELDS,
    &variables::FIELDS,
    &images::FIELDS,
    &replicas::FIELDS,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FIELD_LISTS, TRANSFORMERS};

    #[test]
    fn nothing_is_listed_twice() {
        let kinds: BTreeSet<&str> = TRANSFORMERS.iter().map(|transformer| transformer.kind).collect();
        let keys: BTreeSet<&str> = FIELD_LISTS.iter().map(|list| list.key).collect();
        assert_eq!((kinds.len(), keys.len()), (TRANSFORMERS.len(), FIELD_LISTS.len()));
    }
}
