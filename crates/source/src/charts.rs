//! Charts with everything that their Chart.yaml names, from charts/, from beside them and from outside.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use hydrate_acquire::ArtifactRequest;
use hydrate_base::{Diagnostic, Result, World};
use hydrate_chart::{self as chart, Chart, Dependency, Level};
use hydrate_sprig::semver::{Constraint, Release, Version};

use super::outside::{Loaded, RemoteSource};

/// Loads a chart and everything in its Chart.yaml that is not vendored in its charts/.
///
/// Helm refuses such a chart until `helm dependency build` has run; what that would fetch is taken from outside instead,
/// in the versions of Chart.lock where there is one. As there, dependencies are taken as they are: what they miss themselves is left out by Helm
/// without a word, and `lacking` tells it. A chart from outside is unpacked once, and its templates parsed
/// once, however many releases there are of it.
///
/// # Errors
/// What is no chart, and what is missing.
pub fn load_chart(path: &Path, level: Level, world: &dyn World, outside: &dyn RemoteSource) -> Result<Arc<Chart>> {
    if let Some(Loaded { chart, wants }) = outside.recall(path, level) {
        // That it uses them as well is noted where they are given.
        wants.iter().try_for_each(|want| outside.path(want).map(drop))?;
        return Ok(chart);
    }
    let loader = Loader { level, world, outside, wants: Mutex::default() };
    let chart = loader.complete(chart::load(path, level, world)?, path)?;
    let wants = loader.wants.into_inner().unwrap_or_else(PoisonError::into_inner);
    let loaded = Loaded { chart, wants };
    outside.remember(path, level, &loaded);
    Ok(loaded.chart)
}

struct Loader<'a> {
    level: Level,
    world: &'a dyn World,
    outside: &'a dyn RemoteSource,
    wants: Mutex<Vec<ArtifactRequest>>,
}

impl Loader<'_> {
    fn complete(&self, chart: Arc<Chart>, path: &Path) -> Result<Arc<Chart>> {
        let missing = missing(&chart);
        if missing.is_empty() {
            return Ok(chart);
        }
        let locked = locked_versions(path, self.world);
        let wanted =
            |dependency: &Dependency, error: Box<Diagnostic>| error.note(format!("chart {} depends on {}", chart.name(), dependency.name));
        let fetch = |dependency| self.fetch(dependency, &locked, path).map_err(|error| wanted(dependency, error));
        let added = missing.iter().map(fetch).collect::<Result<Vec<_>>>()?;
        // The chart was loaded for this call alone, so that it is taken apart and not copied.
        let mut chart = Arc::try_unwrap(chart).map_err(|chart| Diagnostic::error(format!("chart {} is in use", chart.name())))?;
        chart.dependencies.extend(added);
        Ok(Arc::new(chart))
    }

    fn fetch(&self, dependency: &Dependency, locked: &[(String, String)], path: &Path) -> Result<Arc<Chart>> {
        let target = match dependency.repository.strip_prefix("file://") {
            Some(local) => {
                let chart = chart::load(&path.join(local), self.level, self.world)?;
                check_version(&chart, dependency, wanted_version(dependency, locked)?, self.level)?;
                return Ok(chart);
            }
            None => {
                let version = wanted_version(dependency, locked)?;
                let Some((want, inside)) = ArtifactRequest::chart(&dependency.name, Some(&dependency.repository), Some(version)) else {
                    return Err(unusable(dependency, "it is none of https://, oci://, git+https:// and file://"));
                };
                let root = self.outside.path(&want)?;
                self.wants.lock().unwrap_or_else(PoisonError::into_inner).push(want);
                if inside.is_empty() { root } else { root.join(inside) }
            }
        };
        chart::load(&target, self.level, self.world)
    }
}

/// A warning for each dependency of a dependency that is not in its charts/, and lies in a directory beside it: Helm renders it without.
pub(crate) fn lacking(chart: &Chart) -> Vec<Box<Diagnostic>> {
    fn walk(chart: &Chart, found: &mut Vec<Box<Diagnostic>>) {
        let is_beside = |dependency: &Dependency| dependency.repository.starts_with("file://");
        found.extend(missing(chart).into_iter().filter(is_beside).map(|dependency| {
            Diagnostic::warning(format!("chart {} is rendered without its dependency {}, as helm does", chart.name(), dependency.name))
                .note("only the dependencies of the chart itself are built; those of its dependencies have to be in their charts/")
                .help(format!("run `helm dependency build` where chart {} lies, and commit its charts/", chart.name()))
        }));
        chart.dependencies.iter().for_each(|inner| walk(inner, found));
    }
    let mut found = Vec::new();
    chart.dependencies.iter().for_each(|inner| walk(inner, &mut found));
    found
}

/// The dependencies that no chart in charts/ has the name of; several versions of one chart are several.
fn missing(chart: &Chart) -> Vec<Dependency> {
    let mut missing: Vec<Dependency> = Vec::new();
    for dependency in chart.metadata.dependencies.iter().flatten() {
        let there = chart.dependencies.iter().any(|present| present.name() == dependency.name);
        let same = |other: &Dependency| other.name == dependency.name && other.version == dependency.version;
        // Without a repository it is meant to lie in charts/: Helm's own error says so.
        if !there && !dependency.repository.is_empty() && !missing.iter().any(same) {
            missing.push(dependency.clone());
        }
    }
    missing
}

/// The version in Chart.lock, which has to be one that Chart.yaml asks for; without an entry there, what Chart.yaml says.
fn wanted_version<'a>(dependency: &'a Dependency, locked: &'a [(String, String)]) -> Result<&'a str> {
    let entries: Vec<&str> = locked.iter().filter(|(name, _)| *name == dependency.name).map(|(_, version)| version.as_str()).collect();
    if let Some(version) = entries.iter().find(|version| satisfies(version, &dependency.version)) {
        return Ok(version);
    }
    match entries.first() {
        None => Ok(&dependency.version),
        Some(version) => Err(Diagnostic::error(format!("Chart.lock is out of sync with Chart.yaml about {}", dependency.name))
            .note(format!("Chart.lock has {version}, Chart.yaml asks for {}", dependency.version))
            .help("`helm dependency update` brings it up to date")),
    }
}

/// A chart beside has the version that Chart.lock has, or one that Chart.yaml asks for: as `helm dependency build` wants it.
///
/// Follows `tarFromLocalDir` of `pkg/downloader/manager.go`, which is the same in both versions of Helm.
fn check_version(chart: &Chart, dependency: &Dependency, wanted: &str, level: Level) -> Result<()> {
    let range = Constraint::parse(wanted, level.semver()).map_err(|error| {
        Diagnostic::error(format!("dependency {} has an invalid version/constraint format: {error}", dependency.name))
            .help("write a version or a range of versions in Chart.yaml, such as `^1.2`, `>=1.2 <2` or `*`")
    })?;
    let version = Version::parse(&chart.metadata.version, level.semver())
        .map_err(|error| Diagnostic::error(format!("the version {:?} of chart {}: {error}", chart.metadata.version, chart.name())))?;
    if range.check(&version) {
        return Ok(());
    }
    Err(Diagnostic::error(format!("can't get a valid version for dependency {}", dependency.name))
        .note(format!("the chart at {} has version {}, not {wanted}", dependency.repository, chart.metadata.version))
        .help("change the range in Chart.yaml (and Chart.lock, by `helm dependency update`), or the version of that chart"))
}

fn satisfies(version: &str, range: &str) -> bool {
    let parsed = Version::parse(version, Release::V3_5).ok().zip(Constraint::parse(range, Release::V3_5).ok());
    version == range || range.is_empty() || parsed.is_some_and(|(version, range)| range.check(&version))
}

fn unusable(dependency: &Dependency, why: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("the repository {:?} of the dependency {} cannot be used", dependency.repository, dependency.name))
        .note(why.to_owned())
        .help("put the chart into charts/ with `helm dependency build`, or name another repository in Chart.yaml")
}

/// Names and versions in Chart.lock, or requirements.lock.
fn locked_versions(path: &Path, world: &dyn World) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(default)]
        dependencies: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        name: String,
        version: String,
    }
    let text = ["Chart.lock", "requirements.lock"].iter().find_map(|name| world.read(&path.join(name)).ok());
    let lock = text.and_then(|text| serde_yaml::from_slice::<Lock>(&text).ok());
    lock.map(|lock| lock.dependencies.into_iter().map(|entry| (entry.name, entry.version)).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(version: &str) -> Dependency {
        Dependency { name: "leaf".into(), version: version.into(), ..Dependency::default() }
    }

    #[test]
    fn versions_of_chart_lock() {
        let locked = [("leaf".to_owned(), "1.1.0".to_owned()), ("leaf".to_owned(), "2.3.0".to_owned())];
        for (range, want) in [("^1.0", "1.1.0"), ("~2.3", "2.3.0"), ("1.1.0", "1.1.0"), ("", "1.1.0")] {
            assert_eq!(wanted_version(&dependency(range), &locked).unwrap(), want, "{range}");
        }
        let error = wanted_version(&dependency("^3"), &locked).unwrap_err().to_string();
        assert!(error.contains("out of sync") && error.contains("Chart.lock has 1.1.0, Chart.yaml asks for ^3"), "{error}");
        assert_eq!(wanted_version(&dependency("^3"), &[]).unwrap(), "^3");
    }
}
