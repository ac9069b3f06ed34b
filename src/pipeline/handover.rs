//! The hand-over of what a run has rendered: the files of `clusters/<env>`, for all components of the environment, also in a run over some of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::gitops::graph::{self, Facts, Unit, UnitInput};
use crate::gitops::{self, Handover, Site, substitute};
use crate::project::select::Selection;
use crate::project::{self, Environment};
use crate::tree::disk::{self, Place, failed};
use crate::tree::{CRDS, Desired, INDEX, NAMESPACES};
use hydrate_base::{Diagnostic, Result};
use hydrate_source::Document;

use super::Rendered;

/// The components of an environment, each after what it needs; `None` where a component's file cannot be read, so that nobody knows what it needs.
pub(super) fn parts(selection: &Selection<'_>) -> Option<Vec<UnitInput>> {
    let part = |name: &String| {
        let component = selection.members.get(name)?;
        let namespace = component.namespace.as_ref().map(|namespace| namespace.text.clone());
        Some(UnitInput { name: name.clone(), needs: component.needs.iter().map(|need| need.text.clone()).collect(), namespace })
    };
    selection.is_whole.then(|| project::graph::order(&selection.members).iter().filter_map(part).collect())
}

/// Keeps Flux from substituting in documents with `${`; what could not be annotated.
pub(super) fn annotate(environment: &Environment, documents: &mut [Document]) -> Vec<Box<Diagnostic>> {
    if !matches!(environment.handover, Handover::Flux(_)) {
        return Vec::new();
    }
    let one = |document: &mut Document| {
        let text = substitute::disabled(&document.text, &document.identity.to_string())?;
        document.text = text.unwrap_or_else(|| std::mem::take(&mut document.text));
        Ok(())
    };
    documents.iter_mut().filter_map(|document| one(document).err()).collect()
}

/// The units of an environment in the order of their application; `None` where a component's file cannot be read.
fn units(place: &Place, rendered: &Rendered) -> Result<Option<Vec<Unit>>> {
    let Some(parts) = &rendered.parts else { return Ok(None) };
    let mut found = BTreeMap::new();
    for name in parts.iter().map(|part| part.name.as_str()).chain([NAMESPACES, CRDS]) {
        if let Some(facts) = facts(place, &rendered.desired, name)? {
            found.insert(name.to_owned(), facts);
        }
    }
    Ok(Some(graph::units(parts, &found)))
}

/// The units of a rendered environment for a drawing: with every component, whether it renders something, or could be rendered, or not. CRDs are
/// drawn apart also where nothing is handed over, and they stand in the directories of their components.
pub fn drawn(rendered: &Rendered) -> Vec<Unit> {
    let parts = rendered.parts.as_deref().unwrap_or_default();
    let mut found: BTreeMap<String, Facts> = parts.iter().map(|part| (part.name.clone(), Facts::default())).collect();
    let mut add = |name: &str, is: fn(&Document) -> bool| {
        if rendered.documents.values().flatten().any(is) {
            found.insert(name.to_owned(), Facts::default());
        }
    };
    add(NAMESPACES, super::is_namespace);
    add(CRDS, super::is_crd);
    graph::units(parts, &found)
}

/// The files of `clusters/<env>`; `None`: they have to stay as they are.
pub(super) fn files(place: &Place, rendered: &Rendered) -> Result<Option<crate::tree::Files>, Vec<Box<Diagnostic>>> {
    let Some(units) = units(place, rendered).map_err(|error| vec![error])? else { return Ok(None) };
    // A branch of its own has the environment's tree at its top, or in a directory.
    let on_branch = rendered.environment.on_branch.as_ref();
    let manifests = on_branch.cloned().unwrap_or_else(|| place.shown(""));
    let clusters = gitops::in_repository(on_branch.map_or("", String::as_str), &place.clusters_shown(""));
    let site = Site { file: &rendered.environment.file.name, manifests: &manifests, clusters: &clusters };
    gitops::write(&rendered.environment.handover, &site, &units).map(Some)
}

/// What a directory holds after the run: what was rendered, or what stands there and stays.
fn facts(place: &Place, desired: &Desired, name: &str) -> Result<Option<Facts>> {
    match desired.dirs.get(name) {
        Some(files) => Ok(graph::facts(files)),
        None if desired.complete && !desired.spared.iter().any(|spared| spared == name) => Ok(None),
        None => standing(&place.dir().join(name)).map_err(|error| failed("read", place.shown(name), &error)),
    }
}

fn standing(dir: &Path) -> std::io::Result<Option<Facts>> {
    if disk::file(&dir.join(INDEX))?.is_none() {
        return Ok(None);
    }
    let mut facts = Facts::default();
    for name in disk::owned(dir)?.names() {
        let path = dir.join(name);
        // Only what is large enough has to be read.
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.len() >= graph::LARGE as u64) {
            facts.large |= disk::file(&path)?.is_some_and(|bytes| graph::is_large(&bytes));
        }
    }
    Ok(Some(facts))
}
