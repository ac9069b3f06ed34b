//! Which charts of which versions the components of an environment are rendered from, by what configuration and lock say: nothing is rendered.

use std::collections::BTreeMap;

use crate::project::Project;
use crate::project::component::SourceKind;
use hydrate_acquire::ArtifactKind;
use hydrate_base::World;

use super::provision::read_lock;

/// Versions by the name of the component and that of the chart.
pub type ChartVersions = BTreeMap<(String, String), String>;

/// The charts of an environment: those from outside by the lock, those of the project by their Chart.yaml. What cannot be read has none.
pub fn chart_versions(world: &dyn World, project: &Project, env: &str) -> ChartVersions {
    let mut versions = ChartVersions::new();
    let lock = read_lock(world, &project.root).unwrap_or_default();
    let charts = lock.artifacts().filter(|artifact| matches!(artifact.kind, ArtifactKind::Chart | ArtifactKind::Oci));
    for artifact in charts {
        let here = artifact.used_by.iter().filter_map(|user| user.split_once('@')).filter(|(_, environment)| *environment == env);
        versions.extend(here.map(|(component, _)| ((component.to_owned(), artifact.name.clone()), artifact.version.clone())));
    }
    for (name, loaded) in project.components(world).unwrap_or_default() {
        let Ok(component) = loaded else { continue };
        for spec in component.specs(world, env) {
            let SourceKind::Helm(helm) = &spec.kind else { continue };
            if helm.repo.is_some() || helm.chart.text.contains("://") {
                continue;
            }
            let file = component.dir.join(helm.chart.text.replace("${env}", env)).join("Chart.yaml");
            let text = world.read(&file).ok();
            let root = text.and_then(|text| hydrate_yaml::compose(&text).ok()?.into_iter().find_map(|document| document.root));
            let of = |key: &str| root.as_ref().and_then(|root| Some(root.get(key)?.as_str()?.to_owned()));
            if let (Some(chart), Some(version)) = (of("name"), of("version")) {
                versions.insert((name.clone(), chart), version);
            }
        }
    }
    versions
}
