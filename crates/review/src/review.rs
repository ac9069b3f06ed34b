//! Two states of an environment's files, and what differs between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use hydrate_base::Change;
use hydrate_kubernetes::schemas::LAST;
use hydrate_source::Identity;

use crate::dangers::{self, Finding, Place};
use crate::difference::{self, FieldChange};
use crate::mask::Mask;
use crate::noise::{self, Renames};
use crate::object::{self, Found, INDEX, Object};
use crate::pairing::{self, Kinship, Pairing};
use crate::schema::Schemas;

/// One file that differs.
#[derive(Debug, Clone)]
pub struct FileDiff {
    /// The component it belongs to; the directory, for what belongs to none.
    pub component: String,
    /// Its path in the project.
    pub path: String,
    /// Its name in there.
    pub file: String,
    /// What becomes of it.
    pub change: Change,
    /// Its content before; empty for a new file.
    pub before: Arc<[u8]>,
    /// Its content after; empty for a deleted file.
    pub after: Arc<[u8]>,
}

/// One file that is the same on both sides.
#[derive(Debug, Clone)]
pub struct SameFile {
    /// The component it belongs to.
    pub component: String,
    /// Its path in the project.
    pub path: String,
    /// Its content.
    pub content: Arc<[u8]>,
}

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The environment.
    pub env: String,
    /// The minor release of Kubernetes that it has; `None`: the newest.
    pub minor: Option<u32>,
    /// The files that differ.
    pub files: Vec<FileDiff>,
    /// Those that do not: they are looked at only where something depends on them.
    pub same: Vec<SameFile>,
    /// Whether these are all files of the environment: a run over some components has not all of them.
    pub is_whole: bool,
    /// The minor release of Kubernetes that the environment had, where that is known.
    pub minor_before: Option<u32>,
    /// Whether the two sides are two environments: then nothing happens to either, and nothing is dangerous.
    pub is_comparison: bool,
}

/// An object that differs.
#[derive(Debug)]
pub struct ObjectChange {
    /// As it was; `None` for a new one.
    pub before: Option<Object>,
    /// As it is; `None` for one that is gone.
    pub after: Option<Object>,
    /// How both belong together.
    pub kinship: Kinship,
    /// Everything that differs; nothing where there is but one side, or where it only moved.
    pub fields: Vec<FieldChange>,
}

impl ObjectChange {
    /// The object as it is, else as it was.
    pub fn object(&self) -> Option<&Object> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// What becomes of it.
    pub fn change(&self) -> Change {
        match (&self.before, &self.after) {
            (None, _) => Change::Created,
            (_, None) => Change::Deleted,
            _ => Change::Changed,
        }
    }

    /// Both sides, where there are two.
    pub fn both(&self) -> Option<(&Object, &Object)> {
        self.before.as_ref().zip(self.after.as_ref())
    }

    /// Whether it stands in another component now.
    pub fn is_moved(&self) -> bool {
        self.both().is_some_and(|(before, after)| before.component != after.component)
    }

    /// Whether nothing about it is for readers: everything is noise.
    pub fn is_noise(&self) -> bool {
        !self.is_moved()
            && self.change() == Change::Changed
            && matches!(self.kinship, Kinship::Same | Kinship::Hashed)
            && self.fields.iter().all(|field| field.noise.is_some())
    }
}

/// A file that differs and is not made of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherFile {
    /// The component it belongs to.
    pub component: String,
    /// Its path.
    pub path: String,
    /// What becomes of it.
    pub change: Change,
    /// Whether it only lists the others.
    pub is_index: bool,
}

/// What a change does.
#[derive(Debug)]
pub struct Review {
    /// The environment.
    pub env: String,
    /// The minor release of Kubernetes that its objects were compared by.
    pub minor: u32,
    /// Objects that differ, by component and as they stand in their files.
    pub objects: Vec<ObjectChange>,
    /// Files that are not made of objects.
    pub others: Vec<OtherFile>,
    /// Files with objects in which nothing but comments and the way of writing differs.
    pub rewritten: Vec<String>,
    /// What must not be missed, the worst first.
    pub findings: Vec<Finding>,
}

impl Review {
    /// Has the places of findings begin with this, for readers that stand above the project.
    pub fn place_below(&mut self, prefix: &str) {
        let places = self.findings.iter_mut().flat_map(|finding| std::iter::once(&mut finding.place).chain(&mut finding.source));
        for place in places.filter(|place| !place.file.is_empty()) {
            place.file.insert_str(0, prefix);
        }
    }

    /// Says of each finding where its object is from, as far as that is known.
    pub fn place_sources(&mut self, source: impl Fn(&str, &Identity) -> Option<Place>) {
        let mut known: BTreeMap<(String, String), Place> = BTreeMap::new();
        for object in self.objects.iter().filter_map(|object| object.after.as_ref()) {
            if let Some(place) = source(&object.component, &object.identity) {
                known.insert((object.component.to_string(), object.title()), place);
            }
        }
        for finding in &mut self.findings {
            finding.source = known.get(&(finding.component.clone(), finding.object.clone())).cloned();
        }
    }
}

/// Compares two states of an environment.
pub fn review(input: &Input) -> Review {
    let component = |file: &FileDiff| -> Arc<str> { file.component.as_str().into() };
    let components: Vec<Arc<str>> = input.files.iter().map(component).collect();
    let files: Vec<(&Arc<str>, &FileDiff)> = components.iter().zip(&input.files).collect();
    let old = object::read_all(&files, |(component, file)| (component, &file.path, &file.before));
    let new = object::read_all(&files, |(component, file)| (component, &file.path, &file.after));
    let (mut before, mut after, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for ((olds, news), file) in old.iter().zip(&new).zip(&input.files) {
        // What can be read counts, also where the other side cannot.
        before.extend(olds.iter().flatten());
        after.extend(news.iter().flatten());
        if olds.is_none() || news.is_none() {
            others.push(OtherFile {
                component: file.component.clone(),
                path: file.path.clone(),
                change: file.change,
                is_index: file.file == INDEX || file.file.ends_with(&format!("/{INDEX}")),
            });
        }
    }
    let pairings = pairing::pair(&before, &after);
    let minor = input.minor.unwrap_or(LAST);
    let objects = objects(input, minor, &before, &after, pairings);
    let findings = if input.is_comparison { Vec::new() } else { dangers::find(input, &objects, minor) };
    let rewritten = rewritten(input, &objects, &others);
    Review { env: input.env.clone(), minor, objects, others, rewritten, findings }
}

/// Files that differ and of which nothing else is said.
fn rewritten(input: &Input, objects: &[ObjectChange], others: &[OtherFile]) -> Vec<String> {
    let of_objects = objects.iter().flat_map(|object| [&object.before, &object.after]).flatten().map(|object| &*object.path);
    let told: BTreeSet<&str> = of_objects.chain(others.iter().map(|file| file.path.as_str())).collect();
    input.files.iter().map(|file| &file.path).filter(|path| !told.contains(path.as_str())).cloned().collect()
}

/// The pairs that differ, parsed and compared.
fn objects(input: &Input, minor: u32, before: &[&Found], after: &[&Found], pairings: Vec<Pairing>) -> Vec<ObjectChange> {
    let mask = Mask::default();
    let differs = |pairing: &Pairing| match (pairing.before.and_then(|at| before.get(at)), pairing.after.and_then(|at| after.get(at))) {
        (Some(old), Some(new)) => old.component != new.component || old.document.text != new.document.text,
        _ => true,
    };
    let parse = |pairing: &Pairing| {
        let object = |side: &[&Found], at: Option<usize>| at.and_then(|at| side.get(at)).map(|found| Object::new(found, &mask));
        ObjectChange {
            before: object(before, pairing.before),
            after: object(after, pairing.after),
            kinship: pairing.kinship,
            fields: Vec::new(),
        }
    };
    let differing: Vec<Pairing> = pairings.into_iter().filter(differs).collect();
    let mut objects: Vec<ObjectChange> = differing.par_iter().map(parse).collect();
    let crds = crds(input, &objects, &mask);
    let schemas =
        Schemas::new(minor, crds.iter().chain(objects.iter().filter_map(|object| object.after.as_ref()).filter(|object| is_crd(object))));
    let fields: Vec<Vec<FieldChange>> = objects
        .par_iter()
        .map(|object| match object.both() {
            Some((old, new)) => difference::between(schemas.of(&new.identity), old, new),
            None => Vec::new(),
        })
        .collect();
    drop(schemas);
    for (object, fields) in objects.iter_mut().zip(fields) {
        object.fields = fields;
    }
    let renames: Renames = objects.iter().filter(|object| object.kinship == Kinship::Hashed).filter_map(names).collect();
    objects.iter_mut().for_each(|object| noise::mark(&mut object.fields, &renames));
    // Comments and the way of writing are no part of an object.
    objects.retain(|object| object.change() != Change::Changed || !object.fields.is_empty() || object.is_moved());
    let key =
        |object: &ObjectChange| object.object().map(|object| (object.component.clone(), object.path.clone(), object.line, object.title()));
    objects.sort_by_cached_key(key);
    objects
}

fn names(object: &ObjectChange) -> Option<(String, String)> {
    let (old, new) = object.both()?;
    Some((old.identity.name.clone(), new.identity.name.clone()))
}

/// Whether an object is a CRD.
pub(crate) fn is_crd(object: &Object) -> bool {
    object.group_kind() == ("apiextensions.k8s.io", "CustomResourceDefinition")
}

/// The CRDs that stay as they are, where a custom resource has changed whose lists may have keys.
fn crds(input: &Input, objects: &[ObjectChange], mask: &Mask) -> Vec<Object> {
    let changed = objects.iter().filter(|object| object.both().is_some()).filter_map(|object| object.after.as_ref());
    let groups: BTreeSet<&str> =
        changed.map(|object| object.identity.group()).filter(|group| !hydrate_kubernetes::is_builtin_group(group)).collect();
    if groups.is_empty() {
        return Vec::new();
    }
    let may_define = |file: &&SameFile| {
        memchr::memmem::find(&file.content, b"kind: CustomResourceDefinition").is_some()
            && groups.iter().any(|group| memchr::memmem::find(&file.content, group.as_bytes()).is_some())
    };
    let files: Vec<&SameFile> = input.same.par_iter().filter(may_define).collect();
    let read = |file: &&SameFile| {
        let component: Arc<str> = file.component.as_str().into();
        let all = object::read(&component, &file.path, &file.content).unwrap_or_default();
        let crds = all.iter().filter(|found| found.document.identity.kind == "CustomResourceDefinition");
        crds.map(|found| Object::new(found, mask)).collect::<Vec<_>>()
    };
    files.par_iter().flat_map(read).collect()
}
