//! What `lookup` finds: `environments/ENV/lookup/*.yaml` stand for objects of the cluster, which is never asked.

use std::sync::Arc;

use crate::project::{Environment, Project};
use hydrate_base::{Diagnostic, SourceFile, World};
use hydrate_source::{ClusterObject, Origin, Trust, documents};

/// The objects of an environment, in the order of the files' names.
///
/// # Errors
/// A file that cannot be read, or that is no YAML with objects.
pub(super) fn objects(
    world: &dyn World,
    project: &Project,
    environment: &Environment,
) -> Result<Arc<[ClusterObject]>, Vec<Box<Diagnostic>>> {
    let shown = format!("{}/{}/lookup", project.settings.environments, environment.name);
    let directory = project.root.join(&shown);
    let Ok(mut names) = world.list(&directory) else { return Ok(Arc::default()) };
    names.retain(|name| name.ends_with(".yaml"));
    names.sort_unstable();
    let mut found = Vec::new();
    for name in names {
        let origin = Origin { source: format!("file {shown}/{name}"), file: None, line: 0 };
        let text =
            world.read(&directory.join(&name)).map_err(|error| vec![Diagnostic::error(format!("cannot read {shown}/{name}: {error}"))])?;
        let file = SourceFile::new(format!("{shown}/{name}"), text);
        found.extend(documents(&file, &origin, Trust::Raw).map_err(|error| vec![error])?);
    }
    let object = |document: hydrate_source::Document| ClusterObject {
        api_version: document.identity.api_version,
        kind: document.identity.kind,
        namespace: document.identity.namespace,
        name: document.identity.name,
        text: document.text,
    };
    Ok(found.into_iter().map(object).collect())
}
