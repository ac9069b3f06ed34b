//! Where the chart of a release is from, and the version that helmfile.lock gives it.
//!
//! Follows `pkg/state/util.go`, `GetRepositoryAndNameFromChartName`, `getOCIQualifiedChartName` and
//! `pkg/state/chart_dependency.go` of helmfile 1.7.

use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, FileKind, Result, suggest};
use hydrate_gotmpl::{Map, Value};
use hydrate_sprig::semver::{Constraint, Release, Version};

use crate::load::{Context, State};
use crate::sources::{RemoteChart, is_remote};
use crate::{paths, record, render, yaml};

/// Where a chart is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChartOrigin {
    /// A directory or an archive on this disk.
    Local(PathBuf),
    /// A repository.
    Remote(RemoteChart),
}

/// The chart of a release.
pub(crate) fn of(context: &Context<'_>, state: &State, release: &Map) -> Result<ChartOrigin> {
    let named = match record::some_text(&state.fields, "chart") {
        Some(chart) => chart,
        None => record::text(release, "chart"),
    };
    locate(context, state, release, &named, &record::text(release, "version"))
}

/// A chart by its name in the helmfile: a directory, an archive, `repository/name`, `oci://…`, or an address.
pub(crate) fn locate(context: &Context<'_>, state: &State, release: &Map, named: &str, version: &str) -> Result<ChartOrigin> {
    let path = paths::join(&state.base, named);
    if is_local(named) {
        context.world.admit(&path);
    }
    if !named.contains("://") && context.world.kind(&path).is_ok() {
        return Ok(ChartOrigin::Local(path));
    }
    let defaults = record::map(&state.fields, "helmDefaults");
    let flag = |name: &str| record::optional_flag(release, name).unwrap_or_else(|| record::flag(&defaults, name));
    let (devel, verify) = (flag("devel"), flag("verify"));
    let remote = |repository: String, name: &str, version: &str| {
        Ok(ChartOrigin::Remote(RemoteChart { name: name.to_owned(), repository, version: version.to_owned(), devel, verify }))
    };
    if let Some(address) = named.strip_prefix("oci://") {
        let (address, version) = oci_version(address, version)?;
        let (repository, name) = address.rsplit_once('/').unwrap_or(("", address));
        return remote(format!("oci://{repository}"), name, &version);
    }
    if is_remote(named) {
        return remote(named.to_owned(), "", version);
    }
    let (repository, name) = named.split_once('/').unwrap_or(("", named));
    let repositories = record::maps(&state.fields, "repositories");
    if let Some(found) = repositories.iter().find(|found| record::text(found, "name") == repository && !repository.is_empty()) {
        let url = record::text(found, "url");
        if record::flag(found, "oci") {
            let (path, version) = oci_version(name, version)?;
            let (inside, name) = path.rsplit_once('/').map_or(("", path), |(inside, name)| (inside, name));
            let url = url.trim_start_matches("oci://").trim_end_matches('/');
            return remote(if inside.is_empty() { format!("oci://{url}") } else { format!("oci://{url}/{inside}") }, name, &version);
        }
        return remote(url, name, version);
    }
    let error = Diagnostic::error(format!("the chart {named:?} of release {:?} is not there", record::text(release, "name")));
    if is_local(named) {
        let why = paths::refusal(context.world, &path);
        let why = why.unwrap_or_else(|| format!("{} does not exist", paths::shown(&path, context.root)));
        return Err(error.note(why).help("correct the path of the chart"));
    }
    let names: Vec<String> = repositories.iter().map(|found| record::text(found, "name")).collect();
    let error = error.note(format!("no repository is named {repository:?} in {}", paths::shown(&state.file, context.root)));
    Err(match suggest::closest(repository, names.iter().map(String::as_str)) {
        Some(close) => error.help(format!("did you mean `{close}/{name}`?")),
        None => error.help(format!("add it: `repositories: [{{name: {repository}, url: https://…}}]`")),
    })
}

/// Whether helmfile takes a chart's name for a path.
pub(crate) fn is_local(chart: &str) -> bool {
    if chart.starts_with("./") || chart.starts_with("../") || chart.starts_with('/') {
        return true;
    }
    !chart.contains("://") && !matches!(chart.split('/').count(), 2 | 3)
}

/// The version of a chart in a registry, which its address may say: `name:1.0@sha256:…`.
fn oci_version<'a>(address: &'a str, version: &str) -> Result<(&'a str, String)> {
    let (address, digest) = match address.split_once('@') {
        Some((address, digest)) => (address, Some(digest)),
        None => (address, None),
    };
    let (field, field_digest) = match version.split_once('@') {
        Some((version, digest)) => (version, Some(digest)),
        None => (version, None),
    };
    if field == "latest" {
        return Err(Diagnostic::error("the version for OCI charts should be semver compliant, the latest tag is not supported"));
    }
    let tag = address.rfind(':').filter(|at| address.get(*at..).is_some_and(|rest| !rest.contains('/')));
    let (address, tag) = match tag {
        Some(at) => (address.get(..at).unwrap_or_default(), address.get(at + 1..).unwrap_or_default()),
        None => (address, ""),
    };
    let version = if field.is_empty() { tag } else { field };
    let digest = digest.or(field_digest).map(|digest| format!("@{digest}")).unwrap_or_default();
    Ok((address, format!("{version}{digest}")))
}

/// The releases with the versions that the lock file beside the helmfile gives.
pub(crate) fn with_locked_versions(context: &Context<'_>, state: &State, releases: Vec<Map>) -> Result<Vec<Map>> {
    let repositories = record::maps(&state.fields, "repositories");
    let repository = |release: &Map| {
        let chart = record::text(release, "chart");
        if is_local(&chart) || chart.contains("://") {
            return None;
        }
        let (repository, name) = chart.split_once('/')?;
        let found = repositories.iter().find(|found| record::text(found, "name") == repository)?;
        Some((record::flag(found, "oci"), name.to_owned()))
    };
    if releases.iter().all(|release| repository(release).is_none()) {
        return Ok(releases);
    }
    let path = lock_path(state);
    if context.world.kind(&path).ok() != Some(FileKind::File) {
        return Ok(releases);
    }
    let file = render::read(context.world, &path, context.root)?;
    let lock = yaml::decode_map(&file.text, context.version()).map_err(|error| yaml::place(&file, &error, "lock file"))?;
    let locked: Vec<(String, String)> =
        record::maps(&lock, "dependencies").iter().map(|entry| (record::text(entry, "name"), text_of(entry, "version"))).collect();
    for release in &releases {
        let Some((is_oci, name)) = repository(release) else { continue };
        let short = name.rsplit('/').next().unwrap_or_default();
        let wanted = record::text(release, "version");
        let found = if is_oci { find(&locked, short, &wanted)?.or(find(&locked, &name, &wanted)?) } else { find(&locked, &name, &wanted)? };
        let Some(version) = found else {
            return Err(Diagnostic::error(format!("no resolved dependency found for \"{name}\" in {}", file.name))
                .help("`helmfile deps` writes it anew; without it the versions in the helmfile count"));
        };
        release.insert("version", Value::str(version));
    }
    Ok(releases)
}

fn text_of(map: &Map, name: &str) -> String {
    map.get(name.as_bytes()).map(|value| hydrate_gotmpl::fmt::to_text(&value)).unwrap_or_default()
}

fn find(locked: &[(String, String)], name: &str, wanted: &str) -> Result<Option<String>> {
    let wanted = if wanted.is_empty() { "*" } else { wanted };
    for (_, version) in locked.iter().filter(|(known, _)| known == name) {
        let failed = |error: String| Diagnostic::error(format!("the version of {name}: {error}"));
        let range = Constraint::parse(wanted, Release::V3_5).map_err(|error| failed(error.to_string()))?;
        if range.check(&Version::parse(version, Release::V3_5).map_err(|error| failed(error.to_string()))?) {
            return Ok(Some(version.clone()));
        }
    }
    Ok(None)
}

fn lock_path(state: &State) -> PathBuf {
    if let Some(path) = record::some_text(&state.fields, "lockFilePath") {
        return paths::join(&state.base, &path);
    }
    let name = state.file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gotmpl").unwrap_or(&name);
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    let name = name.strip_suffix(".yml").unwrap_or(name);
    state.base.join(Path::new(&format!("{name}.lock")))
}
