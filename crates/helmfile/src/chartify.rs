//! Charts that helmfile makes of something else: a kustomization, plain manifests, or a chart with patches over what it renders.
//!
//! Follows `PrepareChartify` of `pkg/state/helmx.go` of helmfile, and the library chartify.

use hydrate_base::{Diagnostic, FileKind, Result};
use hydrate_gotmpl::Map;

use crate::load::{Context, State};
use crate::{paths, record};

/// Refuses a release whose chart is made of something else.
pub(crate) fn refuse(context: &Context<'_>, state: &State, release: &Map) -> Result<()> {
    for key in ["jsonPatches", "strategicMergePatches", "transformers", "dependencies"] {
        if !record::list(release, key).is_empty() {
            return Err(refused(&format!("`{key}` of a release")));
        }
    }
    if record::some_text(release, "forceNamespace").is_some() {
        return Err(refused("`forceNamespace` of a release"));
    }
    let path = paths::join(&state.base, &record::text(release, "chart"));
    let is_directory = context.world.kind(&path).ok() == Some(FileKind::Directory);
    if is_directory && context.world.kind(&path.join("Chart.yaml")).is_err() {
        return Err(refused(&format!("the directory {} without a Chart.yaml as a chart", paths::shown(&path, context.root))));
    }
    Ok(())
}

fn refused(what: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("{what} is not supported")).help("`patches` and `kustomize` sources of component.yaml do the same")
}
