//! What rules look at.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use hydrate_base::Change;
use hydrate_source::Identity;

use super::owners::Owners;
use crate::object::{self, Found, Object};
use crate::review::{FileDiff, Input, ObjectChange, SameFile};

/// Everything that differs, and what stays where a rule asks for it.
#[derive(Debug)]
pub(crate) struct Scene<'s> {
    pub(crate) input: &'s Input,
    pub(crate) objects: &'s [ObjectChange],
    /// The release of Kubernetes.
    pub(crate) minor: u32,
    staying: OnceLock<Vec<Found>>,
    differing: OnceLock<Vec<Found>>,
    owners: OnceLock<Owners>,
}

impl<'s> Scene<'s> {
    pub(crate) fn new(input: &'s Input, objects: &'s [ObjectChange], minor: u32) -> Self {
        Self { input, objects, minor, staying: OnceLock::new(), differing: OnceLock::new(), owners: OnceLock::new() }
    }

    /// Objects that leave the cluster: those that are gone, and the old sides of those that have another identity.
    pub(crate) fn leaving(&self) -> impl Iterator<Item = &'s Object> {
        self.objects.iter().filter_map(|object| match (&object.before, &object.after) {
            (Some(before), None) => Some(before),
            (Some(before), Some(_)) if !object.kinship.is_one_object() => Some(before),
            _ => None,
        })
    }

    /// Objects that come into the cluster.
    pub(crate) fn coming(&self) -> impl Iterator<Item = &'s Object> {
        self.objects.iter().filter_map(|object| match (&object.before, &object.after) {
            (None, Some(after)) => Some(after),
            (Some(_), Some(after)) if !object.kinship.is_one_object() => Some(after),
            _ => None,
        })
    }

    /// Both versions of objects that are the same object of the cluster.
    pub(crate) fn updated(&self) -> impl Iterator<Item = (&'s ObjectChange, &'s Object, &'s Object)> {
        self.objects.iter().filter(|object| object.kinship.is_one_object()).filter_map(|object| {
            let (before, after) = object.both()?;
            Some((object, before, after))
        })
    }

    /// Both versions of all objects that have two, those with another name among them.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'s ObjectChange, &'s Object, &'s Object)> {
        self.objects.iter().filter_map(|object| {
            let (before, after) = object.both()?;
            Some((object, before, after))
        })
    }

    /// The documents of files that stay as they are.
    pub(crate) fn staying(&self) -> &[Found] {
        self.staying.get_or_init(|| {
            let read = |file: &SameFile| object::read(&Arc::from(file.component.as_str()), &file.path, &file.content).unwrap_or_default();
            self.input.same.par_iter().flat_map_iter(read).collect()
        })
    }

    /// Identities of all objects as they are: those that stay, and the new sides of those that differ.
    pub(crate) fn present(&self) -> impl Iterator<Item = (&str, &Identity)> {
        let staying = self.staying().iter().map(|found| (&*found.component, &found.document.identity));
        // Documents of files that differ, but that stay as they are themselves, are no changes of objects.
        let differing = self.new_sides().iter().map(|found| (&*found.component, &found.document.identity));
        staying.chain(differing)
    }

    fn new_sides(&self) -> &[Found] {
        self.differing.get_or_init(|| {
            let read = |file: &FileDiff| object::read(&Arc::from(file.component.as_str()), &file.path, &file.after).unwrap_or_default();
            self.input.files.par_iter().filter(|file| file.change != Change::Deleted).flat_map_iter(read).collect()
        })
    }

    /// Who applies which directory.
    pub(super) fn owners(&self) -> &Owners {
        self.owners.get_or_init(|| Owners::of(self))
    }
}
