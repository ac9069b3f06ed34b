//! Which fields the transformers change: kustomize's own, which stand in the transformers' files, and what `configurations` and `crds` add to
//! them.
//!
//! Follows `api/internal/plugins/builtinconfig` of kustomize 5.8.1.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use ecow::EcoString;

use super::decode::{Conf, Decode, Mode, Record, record};
use super::errors::{Fail, KResult, fail};
use super::filters::{FIELD_LISTS, namerefs};
use super::kustomization::{FieldSpec, GvkFields};
use hydrate_base::SourceFile;

record! {
    /// A kind of object that others refer to by name, and the fields that do.
    pub(crate) NameReference {
        "fieldSpecs" referrers: Vec<FieldSpec>,
        ..gvk: GvkFields, "The kind that is referred to."
    }
}

/// A list of fields that a transformer changes: kustomize's own, to which `configurations` and `crds` can add.
#[derive(Debug)]
pub(crate) struct FieldList {
    /// Its key in a file of `configurations`.
    pub key: &'static str,
    /// What kustomize's messages call it.
    pub title: &'static str,
    /// kustomize's own fields.
    pub builtin: fn() -> Vec<FieldSpec>,
}

/// The fields that transformers change. Lists are shared until they are changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    /// By their keys; what is not here is empty.
    lists: BTreeMap<&'static str, Rc<Vec<FieldSpec>>>,
    /// What names refer to.
    pub name_reference: Rc<Vec<NameReference>>,
}

impl Record for Config {
    const NAME: &'static str = "Config";

    fn set(&mut self, name: &str, value: Conf<'_>) -> KResult<bool> {
        if name.eq_ignore_ascii_case("nameReference") {
            self.name_reference = value.optional()?.map_or_else(|| Rc::clone(&self.name_reference), Rc::new);
            return Ok(true);
        }
        let Some(list) = FIELD_LISTS.iter().find(|list| name.eq_ignore_ascii_case(list.key)) else { return Ok(false) };
        if let Some(specs) = value.optional()? {
            *self.fields_mut(list) = Rc::new(specs);
        }
        Ok(true)
    }
}

impl Decode for Config {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        conf.record()
    }
}

impl Config {
    /// kustomize's own tables.
    pub(crate) fn builtin() -> Self {
        let lists = FIELD_LISTS.iter().map(|list| (list.key, Rc::new((list.builtin)()))).collect();
        let mut config = Self { lists, name_reference: Rc::new(namerefs::builtin()) };
        config.sort();
        config
    }

    /// The fields of a list.
    pub(crate) fn fields(&self, list: &FieldList) -> Rc<Vec<FieldSpec>> {
        self.lists.get(list.key).map(Rc::clone).unwrap_or_default()
    }

    /// The fields of a list, to be changed.
    pub(crate) fn fields_mut(&mut self, list: &FieldList) -> &mut Rc<Vec<FieldSpec>> {
        self.lists.entry(list.key).or_default()
    }

    /// Reads a file of `configurations`.
    pub(crate) fn read(file: &Arc<SourceFile>) -> KResult<Self> {
        let Some(node) = super::anchors::first_document(&file.text)? else { return Ok(Self::default()) };
        let mut config: Self = Conf::new(&node, file, Mode::Strict).value()?;
        config.sort();
        Ok(config)
    }

    fn sort(&mut self) {
        // What is in order already stays shared.
        for list in self.lists.values_mut() {
            if !list.is_sorted_by(|a, b| a.gvk.compare(&b.gvk).is_le()) {
                Rc::make_mut(list).sort_by(|a, b| a.gvk.compare(&b.gvk));
            }
        }
        if !self.name_reference.is_sorted_by(|a, b| a.gvk.compare(&b.gvk).is_le()) {
            Rc::make_mut(&mut self.name_reference).sort_by(|a, b| a.gvk.compare(&b.gvk));
        }
    }

    /// Adds what another configuration has and this one has not.
    pub(crate) fn merge(&mut self, other: Self) -> KResult<()> {
        for list in FIELD_LISTS {
            merge_specs(self.fields_mut(list), &other.fields(list))
                .map_err(|error| error.wrap(format!("failed to merge {} fieldSpec", list.title)))?;
        }
        merge_references(&mut self.name_reference, &other.name_reference)
            .map_err(|error| error.wrap("failed to merge NameReference fieldSpec"))?;
        self.sort();
        Ok(())
    }
}

fn merge_references(mine: &mut Rc<Vec<NameReference>>, theirs: &Rc<Vec<NameReference>>) -> KResult<()> {
    if mine.is_empty() {
        mine.clone_from(theirs);
    } else if !Rc::ptr_eq(mine, theirs) {
        let mine = Rc::make_mut(mine);
        for reference in theirs.iter() {
            add_reference(mine, reference)?;
        }
    }
    Ok(())
}

/// Adds a kind that is referred to, or its referrers to those already there.
pub(crate) fn add_reference(list: &mut Vec<NameReference>, new: &NameReference) -> KResult<()> {
    let mut found = false;
    for reference in list.iter_mut().filter(|reference| reference.gvk.gvk() == new.gvk.gvk()) {
        found = true;
        for spec in &new.referrers {
            merge_spec(&mut reference.referrers, spec)?;
        }
    }
    if !found {
        list.push(new.clone());
    }
    Ok(())
}

/// Adds the specifications of a list that another does not have.
pub(crate) fn merge_specs(mine: &mut Rc<Vec<FieldSpec>>, theirs: &Rc<Vec<FieldSpec>>) -> KResult<()> {
    // Merging a list with itself changes nothing; it happens for every base, all of which start from the built-in tables.
    if theirs.is_empty() || Rc::ptr_eq(mine, theirs) {
        return Ok(());
    }
    let was_empty = mine.is_empty();
    let list = Rc::make_mut(mine);
    theirs.iter().try_for_each(|spec| merge_spec(list, spec))?;
    // A list of which nothing was dropped can be shared instead.
    if was_empty && mine.len() == theirs.len() {
        mine.clone_from(theirs);
    }
    Ok(())
}

/// Adds a specification unless one like it is there already; fails if that one differs in `create`.
pub(crate) fn merge_spec(list: &mut Vec<FieldSpec>, new: &FieldSpec) -> KResult<()> {
    let alike = |old: &&FieldSpec| old.path == new.path && selects(&new.gvk, &old.gvk);
    match list.iter().find(alike) {
        Some(old) if old.create != new.create => fail("conflicting fieldspecs"),
        Some(_) => Ok(()),
        None => {
            list.push(new.clone());
            Ok(())
        }
    }
}

fn selects(selector: &GvkFields, gvk: &GvkFields) -> bool {
    let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
    fits(&selector.group, &gvk.group) && fits(&selector.version, &gvk.version) && fits(&selector.kind, &gvk.kind)
}

/// Where the pod specification is in a kind with a template of pods.
pub(crate) const TEMPLATE: &str = "spec/template/spec";

/// Where the pod specification is in a CronJob.
pub(crate) const JOB_TEMPLATE: &str = "spec/jobTemplate/spec/template/spec";

/// Reads `Kind`, `Kind.group`, `Kind.group/version` or `Kind/version`; empty for every kind.
pub(crate) fn gvk(text: &str) -> GvkFields {
    let (rest, version) = text.split_once('/').unwrap_or((text, ""));
    let (kind, group) = rest.split_once('.').unwrap_or((rest, ""));
    GvkFields { group: group.into(), version: version.into(), kind: kind.into() }
}

/// A field of the kinds that [`gvk`] reads.
pub(crate) fn spec(kind: &str, path: impl Into<EcoString>, create: bool) -> FieldSpec {
    FieldSpec { path: path.into(), create, gvk: gvk(kind) }
}

/// Kinds, each with a path.
pub(crate) fn specs(table: &[(&str, &str)], create: bool) -> Vec<FieldSpec> {
    table.iter().map(|(kind, path)| spec(kind, *path, create)).collect()
}

/// Kinds, each with the place of its pods' specification, and paths in that.
pub(crate) fn in_pods(kinds: &[(&str, &str)], paths: &[&str]) -> Vec<FieldSpec> {
    kinds.iter().flat_map(|(kind, pod)| paths.iter().map(move |path| spec(kind, format!("{pod}/{path}"), false))).collect()
}

/// A specification for a kind, without group and version.
pub(crate) fn spec_of_kind(kind: &str, path: String) -> FieldSpec {
    FieldSpec { path: path.into(), create: false, gvk: GvkFields { kind: kind.into(), ..GvkFields::default() } }
}

/// An error of reading configuration, for callers that add the file.
pub(crate) fn in_file(error: Fail, file: &Arc<SourceFile>) -> Fail {
    error.at(file, 0..0)
}
