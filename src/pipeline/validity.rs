//! Whether the API server would take what was rendered: what the check room needs to know of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::check::Written;
use crate::check::objects::{Object, parse};
use crate::check::validity::{self, Against, Configured, Customs, Release, Report};
use crate::project::{Project, Spanned};
use crate::tree;
use hydrate_base::{Diagnostic, FileKind, Result, SourceFile, World};
use hydrate_source::{Document, Origin, Trust, documents};

use super::references::declared;
use super::rendering::pool;
use super::{Rendered, place};

/// Checks every object of a rendered environment, or of the components of it that were rendered.
pub fn check(world: &dyn World, project: &Project, rendered: &Rendered) -> Result<Report, Vec<Box<Diagnostic>>> {
    let environment = &rendered.environment;
    let all = project.components(world).map_err(|error| vec![error])?;
    let mut declared = declared(world, project, environment, rendered.documents.keys().filter_map(|name| all.get(name)))?;
    declared.kinds = Some(rendered.crds.kinds().clone());
    let mut configured = Configured { environment: project.settings.checks.clone(), components: BTreeMap::new() };
    configured.environment.extend(environment.checks.clone());
    let levels = |name: &String| Some((name.clone(), all.get(name)?.as_ref().ok()?.checks.clone()));
    configured.components = rendered.documents.keys().filter_map(levels).collect();
    let place = place(project, &environment.name);
    let written = Written {
        shown: format!("{}/{}", project.settings.manifests, environment.name),
        dirs: &rendered.desired.dirs,
        clusters: place.clusters_shown("").trim_end_matches('/').to_owned(),
        handover: rendered.desired.clusters.as_ref(),
    };
    let mut named = named(world, project, environment.schemas.iter().chain(&project.settings.schemas))?;
    if !rendered.desired.complete {
        named.extend(standing(&place, rendered));
    }
    let documents: Vec<(&str, &Document)> =
        rendered.documents.iter().flat_map(|(name, all)| all.iter().map(move |document| (name.as_str(), document))).collect();
    let crds: Vec<(&str, &Document)> =
        named.iter().flat_map(|(name, all)| all.iter().map(move |document| (name.as_str(), document))).collect();
    let release = Release::of(environment.kubernetes.as_ref().map(|version| version.text.as_str()));
    pool(None).map_err(|error| vec![error])?.install(|| {
        let objects = parse_all(&documents)?;
        let crds = parse_all(&crds)?;
        let customs = Customs::of(objects.iter().chain(&crds));
        let against = Against { release, configured: &configured, customs: &customs, declared: &declared };
        Ok(validity::check(&objects, &against, &written))
    })
}

fn parse_all<'a>(all: &[(&'a str, &'a Document)]) -> Result<Vec<Object<'a>>, Vec<Box<Diagnostic>>> {
    let objects: Result<Vec<Object<'a>>> = all.par_iter().map(|(name, document)| parse(name, document)).collect();
    objects.map_err(|error| vec![error])
}

/// The CRDs of the files and directories that `schemas` names, with what they are called.
fn named<'s>(
    world: &dyn World,
    project: &Project,
    schemas: impl Iterator<Item = &'s Spanned>,
) -> Result<Vec<(String, Vec<Document>)>, Vec<Box<Diagnostic>>> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for schema in schemas {
        match of_path(world, project, &project.root.join(&schema.text)) {
            Ok(all) if all.iter().any(|(_, documents)| !documents.is_empty()) => found.extend(all),
            Ok(_) => wrong.push(schema.error(format!("no CRD is in {}", schema.text), "")),
            Err(error) if schema.label.is_some() && error.primary.is_none() => {
                wrong.push(schema.error(error.message.clone(), "").help("paths of `schemas` are those from the project's root"))
            }
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

fn of_path(world: &dyn World, project: &Project, path: &Path) -> Result<Vec<(String, Vec<Document>)>> {
    let failed = |error: std::io::Error| Diagnostic::error(format!("cannot read {}: {error}", project.shown(path)));
    let files: Vec<PathBuf> = match world.kind(path).map_err(failed)? {
        FileKind::Directory => {
            let is_yaml = |name: &&String| [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
            let names = world.list(path).map_err(failed)?;
            names.iter().filter(is_yaml).map(|name| path.join(name)).collect()
        }
        _ => vec![path.to_owned()],
    };
    files.iter().map(|file| Ok((project.shown(file), crds_of(&project.shown(file), world.read(file).map_err(failed)?)?))).collect()
}

/// The CRDs in the tree of components that are not rendered now, so that a partial run knows what a whole one does.
fn standing(place: &tree::disk::Place, rendered: &Rendered) -> Vec<(String, Vec<Document>)> {
    let mut found = Vec::new();
    let dirs = tree::disk::names(&place.dir()).unwrap_or_default();
    for dir in dirs.iter().filter(|name| !rendered.documents.contains_key(*name)) {
        let is_candidate = |file: &&String| file.starts_with("customresourcedefinition-") || *file == "manifest.yaml";
        for file in tree::disk::names(&place.dir().join(dir)).unwrap_or_default().iter().filter(is_candidate) {
            let Ok(Some(text)) = tree::disk::file(&place.dir().join(dir).join(file)) else { continue };
            let shown = place.shown(&format!("{dir}/{file}"));
            // What cannot be read there is told by who writes it anew.
            found.extend(crds_of(&shown, text.into()).ok().map(|crds| (shown, crds)));
        }
    }
    found
}

fn crds_of(shown: &str, text: std::sync::Arc<[u8]>) -> Result<Vec<Document>> {
    let origin = Origin { source: shown.to_owned(), file: None, line: 0 };
    let mut all = documents(&SourceFile::new(shown, text), &origin, Trust::Raw)?;
    all.retain(|document| document.identity.kind == "CustomResourceDefinition");
    Ok(all)
}
