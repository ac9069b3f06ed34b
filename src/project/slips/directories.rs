//! Directories and files that are made for an environment that there is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::check::slips::STRAY_DIRECTORY;
use crate::project::Component;
use crate::project::component::{HELMFILES, SourceKind, conventional_values};
use hydrate_base::{Diagnostic, FileKind, suggest};

use super::{Search, Slip, mentions, names};

/// What stands for the name of an environment in paths.
const ENV: &str = "${env}";
/// Directories of a component that are no environments, whatever is in them.
const OTHERS: [&str; 4] = ["chart", "charts", "templates", "raw"];
/// How many paths are listed.
const SHOWN: usize = 8;

/// What was found.
pub(super) struct Strays {
    /// One for each name that is no environment's.
    pub slips: Vec<Slip>,
    /// The components in which something of the kind lies.
    pub components: BTreeSet<String>,
}

/// Looks where the sources of components would find something in an environment of another name.
pub(super) fn find(search: &Search<'_>, about: &[&Component]) -> Strays {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut components = BTreeSet::new();
    for component in about {
        for pattern in patterns(component) {
            for (name, path) in matching(search, component, &pattern) {
                components.insert(component.name.clone());
                found.entry(name).or_default().insert(path);
            }
        }
    }
    if search.selection.complete {
        for (name, path) in of_environments(search) {
            found.entry(name).or_default().insert(path);
        }
    }
    let slips = found.iter().map(|(name, paths)| Slip::of_project(&STRAY_DIRECTORY, told(search, name, paths))).collect();
    Strays { slips, components }
}

/// The paths of a component's sources that the name of an environment is part of.
fn patterns(component: &Component) -> BTreeSet<String> {
    let mut paths = vec![format!("{ENV}/namespace.yaml")];
    let conventional = || conventional_values().into_iter().map(|path| path.text);
    match &component.sources {
        None => {
            paths.extend(HELMFILES.map(|name| format!("{ENV}/{name}")));
            paths.push(format!("{ENV}/kustomization"));
            paths.extend(conventional());
        }
        Some(sources) => {
            for source in sources {
                let values = match &source.kind {
                    SourceKind::Helm(helm) => Some(&helm.values),
                    SourceKind::Jinja { values, .. } => Some(values),
                    _ => None,
                };
                paths.push(match &source.kind {
                    SourceKind::Helm(helm) => helm.chart.text.clone(),
                    SourceKind::Kustomize { path, .. }
                    | SourceKind::Jinja { path, .. }
                    | SourceKind::Raw(path)
                    | SourceKind::Helmfile { path, .. } => path.text.clone(),
                });
                match values {
                    Some(Some(values)) => paths.extend(values.iter().map(|path| path.text.clone())),
                    Some(None) => paths.extend(conventional()),
                    None => {}
                }
            }
        }
    }
    let paths = paths.into_iter().filter(|path| path.contains(ENV) && !path.contains("://"));
    paths.map(|path| path.trim_end_matches('?').trim_start_matches("./").to_owned()).collect()
}

/// The names that are no environment's and for which a path is there, each with the path to be shown.
fn matching(search: &Search<'_>, component: &Component, pattern: &str) -> Vec<(String, String)> {
    let segments: Vec<&str> = pattern.split('/').collect();
    let Some(at) = segments.iter().position(|segment| segment.contains(ENV)) else { return Vec::new() };
    let Some((before, after)) = segments[at].split_once(ENV) else { return Vec::new() };
    let dir = component.dir.join(segments[..at].join("/"));
    let rest = segments[at + 1..].join("/");
    let is_there = |path: &Path, name: &str| {
        let path = if rest.is_empty() { path.to_owned() } else { path.join(rest.replace(ENV, name)) };
        let kind = search.world.kind(&path);
        kind.is_ok_and(|kind| !rest.is_empty() || !before.is_empty() || !after.is_empty() || kind == FileKind::Directory)
    };
    let stray = |entry: &String| {
        let name = entry.strip_prefix(before)?.strip_suffix(after)?;
        let is_name = name.starts_with(|first: char| first.is_ascii_alphanumeric()) && !OTHERS.contains(&name);
        let is_known = !is_name || search.environments.iter().any(|known| known == name);
        let path = dir.join(entry);
        if is_known || !is_there(&path, name) || mentions::of_directory(search.world, &components(search), entry, &path) {
            return None;
        }
        // A file is named as it is, not by a path that leads through it.
        let is_named = rest.is_empty() && mentions::of_file(search.world, &component.dir, entry);
        (!is_named).then(|| (name.to_owned(), search.project.shown(&path)))
    };
    search.world.list(&dir).unwrap_or_default().iter().filter_map(stray).collect()
}

fn components(search: &Search<'_>) -> std::path::PathBuf {
    search.project.root.join(&search.project.settings.components)
}

/// Directories beside the files of environments with what charts look up in one.
fn of_environments(search: &Search<'_>) -> Vec<(String, String)> {
    let dir = search.project.root.join(&search.project.settings.environments);
    let names = search.world.list(&dir).unwrap_or_default();
    let is_stray = |name: &&String| {
        let is_known = search.environments.iter().any(|known| known == *name);
        !is_known && search.world.kind(&dir.join(name).join("lookup")).is_ok_and(|kind| kind == FileKind::Directory)
    };
    names.iter().filter(is_stray).map(|name| (name.clone(), search.project.shown(&dir.join(name)))).collect()
}

fn told(search: &Search<'_>, name: &str, paths: &BTreeSet<String>) -> Box<Diagnostic> {
    let message = match paths.first() {
        Some(only) if paths.len() == 1 => format!("{only} belongs to no environment: there is no `{name}`"),
        _ => format!("{} files and directories belong to no environment: there is no `{name}`", paths.len()),
    };
    let mut told = Diagnostic::warning(message);
    if paths.len() > 1 {
        let listed: Vec<&str> = paths.iter().take(SHOWN).map(String::as_str).collect();
        let more = if paths.len() > SHOWN { format!(" and {} more", paths.len() - SHOWN) } else { String::new() };
        told = told.note(format!("{}{more}", listed.join(", ")));
    }
    told = told.note(names::listed("environment", search.environments));
    match suggest::closest(name, search.environments.iter().map(String::as_str)) {
        Some(close) => told.help(format!("did you mean `{close}`?")),
        None => told.help(format!("rename it, remove it, or create {}/{name}.yaml", search.project.settings.environments)),
    }
}
