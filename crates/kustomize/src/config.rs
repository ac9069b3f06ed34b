//! Which fields the transformers change: kustomize's own tables and what `configurations` and `crds` add to them.
//!
//! Follows `api/internal/plugins/builtinconfig` of kustomize 5.8.1.

use std::rc::Rc;
use std::sync::Arc;

use super::config_tables;
use super::decode::{Conf, Mode, record};
use super::errors::{Fail, KResult, fail};
use super::kustomization::{FieldSpec, GvkFields};
use hydrate_base::SourceFile;

record! {
    /// A kind of object that others refer to by name, and the fields that do.
    pub(crate) NameReference {
        "fieldSpecs" referrers: Vec<FieldSpec>,
        ..gvk: GvkFields, "The kind that is referred to."
    }
}

record! {
    /// The fields of every transformer. Lists are shared until they are changed.
    pub(crate) Config {
        "namePrefix" name_prefix: Rc<Vec<FieldSpec>>,
        "nameSuffix" name_suffix: Rc<Vec<FieldSpec>>,
        "namespace" namespace: Rc<Vec<FieldSpec>>,
        "commonLabels" common_labels: Rc<Vec<FieldSpec>>,
        "labels" labels: Rc<Vec<FieldSpec>>,
        "templateLabels" template_labels: Rc<Vec<FieldSpec>>,
        "commonAnnotations" common_annotations: Rc<Vec<FieldSpec>>,
        "nameReference" name_reference: Rc<Vec<NameReference>>,
        "varReference" var_reference: Rc<Vec<FieldSpec>>,
        "images" images: Rc<Vec<FieldSpec>>,
        "replicas" replicas: Rc<Vec<FieldSpec>>,
    }
}

impl<T: super::decode::Decode + Default> super::decode::Decode for Rc<T> {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        conf.value().map(Rc::new)
    }
}

fn lists(config: &mut Config) -> [(&'static str, &mut Rc<Vec<FieldSpec>>); 10] {
    [
        ("NamePrefix", &mut config.name_prefix),
        ("NameSuffix", &mut config.name_suffix),
        ("NameSpace", &mut config.namespace),
        ("CommonLabels", &mut config.common_labels),
        ("Labels", &mut config.labels),
        ("TemplateLabels", &mut config.template_labels),
        ("CommonAnnotations", &mut config.common_annotations),
        ("VarReference", &mut config.var_reference),
        ("Images", &mut config.images),
        ("Replicas", &mut config.replicas),
    ]
}

impl Config {
    /// kustomize's own tables.
    pub(crate) fn builtin() -> Self {
        let mut config = config_tables::builtin();
        config.sort();
        config
    }

    /// Reads a file of `configurations`.
    pub(crate) fn read(file: &Arc<SourceFile>) -> KResult<Self> {
        let Some(node) = super::read::first_document(&file.text)? else { return Ok(Self::default()) };
        let mut config: Self = Conf::new(&node, file, Mode::Strict).value()?;
        config.sort();
        Ok(config)
    }

    fn sort(&mut self) {
        // What is in order already stays shared.
        for (_, list) in lists(self) {
            if !list.is_sorted_by(|a, b| a.gvk.compare(&b.gvk).is_le()) {
                Rc::make_mut(list).sort_by(|a, b| a.gvk.compare(&b.gvk));
            }
        }
        if !self.name_reference.is_sorted_by(|a, b| a.gvk.compare(&b.gvk).is_le()) {
            Rc::make_mut(&mut self.name_reference).sort_by(|a, b| a.gvk.compare(&b.gvk));
        }
    }

    /// Adds what another configuration has and this one has not.
    pub(crate) fn merge(&mut self, mut other: Self) -> KResult<()> {
        for ((name, mine), (_, theirs)) in lists(self).into_iter().zip(lists(&mut other)) {
            merge_specs(mine, theirs).map_err(|error| error.wrap(format!("failed to merge {name} fieldSpec")))?;
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

/// A specification for a kind, without group and version.
pub(crate) fn spec_of_kind(kind: &str, path: String) -> FieldSpec {
    FieldSpec { path: path.into(), create: false, gvk: GvkFields { kind: kind.into(), ..GvkFields::default() } }
}

/// An error of reading configuration, for callers that add the file.
pub(crate) fn in_file(error: Fail, file: &Arc<SourceFile>) -> Fail {
    error.at(file, 0..0)
}
