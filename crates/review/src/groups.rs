//! The same change to many objects is told once.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::difference::{FieldChange, lists_digest};
use crate::mask;
use crate::review::ObjectChange;

/// Objects, and what changes in each of them in the same way.
#[derive(Debug, Clone)]
pub struct Group<'r> {
    /// Numbers of the objects.
    pub objects: Vec<usize>,
    /// The changes, as the first of the objects has them.
    pub fields: Vec<&'r FieldChange>,
}

/// So many objects have to change in the same way for that to be told apart from what else changes in them.
const WIDE: usize = 3;

/// The changes of objects that are on both sides, of those that are wanted: what many have in common first, then object by object.
pub fn groups<'r>(objects: &'r [ObjectChange], wanted: impl Fn(usize, &FieldChange) -> bool) -> Vec<Group<'r>> {
    let mut having: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let of_object = |at: usize, object: &'r ObjectChange| -> Vec<(u64, &'r FieldChange)> {
        object.fields.iter().filter(|field| wanted(at, field)).map(|field| (signature(field), field)).collect()
    };
    let all: Vec<Vec<(u64, &FieldChange)>> = objects.iter().enumerate().map(|(at, object)| of_object(at, object)).collect();
    for (at, fields) in all.iter().enumerate() {
        for (signature, _) in fields {
            let numbers = having.entry(*signature).or_default();
            if numbers.last() != Some(&at) {
                numbers.push(at);
            }
        }
    }
    let is_wide = |signature: &u64| having.get(signature).is_some_and(|numbers| numbers.len() >= WIDE);
    // Changes that the same objects have are one group; so are objects that have the same changes left.
    let mut wide: BTreeMap<&[usize], Vec<&FieldChange>> = BTreeMap::new();
    let mut own: BTreeMap<Vec<u64>, Group<'r>> = BTreeMap::new();
    for (at, fields) in all.iter().enumerate() {
        let mut left = Vec::new();
        let mut signatures = Vec::new();
        for (signature, field) in fields {
            match having.get(signature).filter(|_| is_wide(signature)) {
                Some(numbers) if numbers.first() == Some(&at) => wide.entry(numbers.as_slice()).or_default().push(field),
                Some(_) => {}
                None => {
                    left.push(*field);
                    signatures.push(*signature);
                }
            }
        }
        if !left.is_empty() {
            signatures.sort_unstable();
            own.entry(signatures).or_insert_with(|| Group { objects: Vec::new(), fields: left }).objects.push(at);
        }
    }
    let mut groups: Vec<Group<'r>> = wide.into_iter().map(|(numbers, fields)| Group { objects: numbers.to_vec(), fields }).collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.objects.len()), group.objects.first().copied()));
    let mut own: Vec<Group<'r>> = own.into_values().collect();
    own.sort_by_key(|group| group.objects.first().copied());
    groups.append(&mut own);
    groups
}

/// A digest of where and what; of hidden values, only that they are.
fn signature(field: &FieldChange) -> u64 {
    let side = |node: &Option<hydrate_yaml::node::Node>| node.as_ref().map(|node| lists_digest(&mask::shown(node)));
    let mut hasher = DefaultHasher::new();
    (&field.path, field.kind, side(&field.old), side(&field.new)).hash(&mut hasher);
    hasher.finish()
}
