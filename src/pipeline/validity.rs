//! Whether the API server would take what was rendered: what the check room needs to know of a project.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::check::Written;
use crate::check::objects::{Object, parse};
use crate::check::validity::{self, Configured, Release, Report};
use crate::project::Project;
use hydrate_base::{Diagnostic, World};
use hydrate_source::Document;

use super::rendering::pool;
use super::{Rendered, place};

/// Checks every object of a rendered environment, or of the components of it that were rendered.
pub fn check(world: &dyn World, project: &Project, rendered: &Rendered) -> Result<Report, Vec<Box<Diagnostic>>> {
    let environment = &rendered.environment;
    let all = project.components(world).map_err(|error| vec![error])?;
    let mut configured = Configured { environment: project.settings.checks.clone(), components: BTreeMap::new() };
    configured.environment.extend(environment.checks.clone());
    let levels = |name: &String| Some((name.clone(), all.get(name)?.as_ref().ok()?.checks.clone()));
    configured.components = rendered.documents.keys().filter_map(levels).collect();
    let written = Written {
        shown: format!("{}/{}", project.settings.manifests, environment.name),
        dirs: &rendered.desired.dirs,
        clusters: place(project, &environment.name).clusters_shown("").trim_end_matches('/').to_owned(),
        handover: rendered.desired.clusters.as_ref(),
    };
    let documents: Vec<(&str, &Document)> =
        rendered.documents.iter().flat_map(|(name, all)| all.iter().map(move |document| (name.as_str(), document))).collect();
    let release = Release::of(environment.kubernetes.as_ref().map(|version| version.text.as_str()));
    pool(None).map_err(|error| vec![error])?.install(|| {
        let objects: Result<Vec<Object<'_>>, _> = documents.par_iter().map(|(name, document)| parse(name, document)).collect();
        Ok(validity::check(&objects.map_err(|error| vec![error])?, release, &configured, &written))
    })
}
