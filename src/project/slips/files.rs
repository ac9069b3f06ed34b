//! Files that are nearly called what is read.

use std::path::Path;

use crate::check::slips::UNREAD_FILE;
use crate::project::component::{SourceKind, Spec};
use crate::project::{Component, valid_name};
use hydrate_base::{Diagnostic, FileKind, suggest};

use super::{Search, Slip, mentions};

/// Names that are not read, and what would be.
const IN_A_COMPONENT: &[(&str, &str)] =
    &[("namespace.yml", "namespace.yaml"), ("kustomization.yml", "kustomization.yaml"), ("Kustomization", "kustomization.yaml")];
const OF_VALUES: &[(&str, &str)] =
    &[("values.yml", "values.yaml"), ("values.yml.j2", "values.yaml.j2"), ("values.yml.gotmpl", "values.yaml.gotmpl")];
const OF_AN_ENVIRONMENT: &[(&str, &str)] = &[
    ("namespace.yml", "namespace.yaml"),
    ("helmfile.yml", "helmfile.yaml"),
    ("helmfile.yml.gotmpl", "helmfile.yaml.gotmpl"),
    ("Helmfile.yaml", "helmfile.yaml"),
];

/// Files of a component that nobody reads.
pub(super) fn of_component(search: &Search<'_>, component: &Component) -> Vec<Slip> {
    let names = search.world.list(&component.dir).unwrap_or_default();
    let mut told = Vec::new();
    if component.file.is_none() {
        told.extend(names.iter().filter_map(|name| nearly_component(search, component, name)));
    }
    let is_conventional = component.sources.is_none();
    let takes_values = takes_conventional_values(search, component);
    let own = if is_conventional { IN_A_COMPONENT } else { &IN_A_COMPONENT[..1] };
    let values = if takes_values { OF_VALUES } else { &[] };
    told.extend(instead(search, component, "", &names, own.iter().chain(values)));
    for env in search.environments.iter().filter(|env| names.contains(env)) {
        let own = if is_conventional { OF_AN_ENVIRONMENT } else { &OF_AN_ENVIRONMENT[..1] };
        let names = search.world.list(&component.dir.join(env)).unwrap_or_default();
        told.extend(instead(search, component, &format!("{env}/"), &names, own.iter().chain(values)));
    }
    if is_conventional && names.iter().any(|name| name == "Chart.yaml") && !mentions::of_file(search.world, &component.dir, "Chart.yaml") {
        let shown = search.project.shown(&component.dir);
        let warning = Diagnostic::warning(format!("the chart in {shown} is not rendered"))
            .note("without `sources` a chart is looked for in chart/")
            .help(format!("move it to {shown}/chart, or name it in component.yaml: `sources: [{{helm: .}}]`"));
        told.push(warning);
    } else {
        told.extend(template_directories(component).iter().flat_map(|dir| plain_templates(search, component, dir)));
    }
    told.into_iter().map(|told| Slip::of(component, &UNREAD_FILE, told)).collect()
}

/// Environments' files whose names are none of environments.
pub(super) fn of_environments(search: &Search<'_>) -> Vec<Slip> {
    let shown = &search.project.settings.environments;
    let dir = search.project.root.join(shown);
    let told = |name: &String| {
        let is_file = search.world.kind(&dir.join(name)).is_ok_and(|kind| kind == FileKind::File);
        let (stem, is_template) = match name.strip_suffix(".yaml") {
            Some(stem) => (stem, false),
            None => (name.strip_suffix(".yaml.j2").or_else(|| name.strip_suffix(".yaml.gotmpl"))?, true),
        };
        if !is_file || stem.starts_with(['.', '_']) || (valid_name(stem) && !is_template) {
            return None;
        }
        let warning = Diagnostic::warning(format!("{shown}/{name} is no environment, and nobody reads it"));
        Some(if is_template {
            warning.note("files of environments are no templates").help(format!("write what it says to {shown}/{stem}.yaml"))
        } else {
            warning.help("names have lower-case letters, digits, `-`, `_` and `.`; rename it")
        })
    };
    let names = search.world.list(&dir).unwrap_or_default();
    names.iter().filter_map(told).map(|told| Slip::of_project(&UNREAD_FILE, told)).collect()
}

/// A file that was probably meant to be component.yaml, where that is not there.
fn nearly_component(search: &Search<'_>, component: &Component, name: &str) -> Option<Box<Diagnostic>> {
    let (stem, extension) = name.split_once('.')?;
    let is_close =
        matches!(extension, "yaml" | "yml" | "json" | "yaml.j2" | "yaml.gotmpl") && suggest::closest(stem, ["component"]).is_some();
    if !is_close || !is_file(search, &component.dir.join(name)) || mentions::of_file(search.world, &component.dir, name) {
        return None;
    }
    let shown = search.project.shown(&component.dir);
    Some(Diagnostic::warning(format!("{shown}/{name} is not read")).help("did you mean `component.yaml`?"))
}

/// Files that are called like one that is read, where that is not there and no other file names them.
fn instead<'a>(
    search: &Search<'_>,
    component: &Component,
    below: &str,
    names: &[String],
    pairs: impl Iterator<Item = &'a (&'a str, &'a str)>,
) -> Vec<Box<Diagnostic>> {
    let has = |name: &str| names.iter().any(|other| other == name);
    let told = |(found, read): &(&str, &str)| {
        let path = component.dir.join(format!("{below}{found}"));
        if !has(found) || has(read) || !is_file(search, &path) || mentions::of_file(search.world, &component.dir, found) {
            return None;
        }
        let shown = search.project.shown(&path);
        Some(Diagnostic::warning(format!("{shown} is not read")).help(format!("rename it to {read}")))
    };
    pairs.filter_map(told).collect()
}

fn is_file(search: &Search<'_>, path: &Path) -> bool {
    search.world.kind(path).is_ok_and(|kind| kind == FileKind::File)
}

/// Whether a source takes the values files that are there without being named.
fn takes_conventional_values(search: &Search<'_>, component: &Component) -> bool {
    let is_without = |spec: &Spec| match &spec.kind {
        SourceKind::Helm(helm) => helm.values.is_none(),
        SourceKind::Jinja { values, .. } => values.is_none(),
        _ => false,
    };
    match &component.sources {
        Some(sources) => sources.iter().any(is_without),
        None => {
            let kind = |path: &str| search.world.kind(&component.dir.join(path));
            kind("chart/Chart.yaml").is_ok() || kind("templates").is_ok_and(|kind| kind == FileKind::Directory)
        }
    }
}

/// The directories that MiniJinja templates are taken from.
fn template_directories(component: &Component) -> Vec<String> {
    match &component.sources {
        None => vec!["templates".to_owned()],
        Some(sources) => {
            let jinja = |spec: &Spec| match &spec.kind {
                SourceKind::Jinja { path, .. } if !path.text.contains("${") => Some(path.text.trim_end_matches('?').to_owned()),
                _ => None,
            };
            sources.iter().filter_map(jinja).collect()
        }
    }
}

/// Manifests among templates that do not end in .j2.
fn plain_templates(search: &Search<'_>, component: &Component, dir: &str) -> Vec<Box<Diagnostic>> {
    let path = component.dir.join(dir);
    // Another source may take what lies there.
    let is_of_another = component.sources.iter().flatten().any(|spec| match &spec.kind {
        SourceKind::Raw(path) | SourceKind::Kustomize { path, .. } => path.text.trim_end_matches('/') == dir.trim_end_matches('/'),
        _ => false,
    });
    let shown = search.project.shown(&path);
    let is_plain = |name: &&String| (name.ends_with(".yaml") || name.ends_with(".yml")) && !name.starts_with(['.', '_']);
    let is_read = |name: &String| {
        let is_there = search.world.kind(&path.join(format!("{name}.j2"))).is_ok();
        is_of_another || is_there || !is_file(search, &path.join(name)) || mentions::of_file(search.world, &component.dir, name)
    };
    let warning = |name: &String| {
        Diagnostic::warning(format!("{shown}/{name} is not rendered: templates end in .j2"))
            .help(format!("rename it to {name}.j2, or move it to raw/, where plain YAML lies"))
    };
    search.world.list(&path).unwrap_or_default().iter().filter(is_plain).filter(|name| !is_read(name)).map(warning).collect()
}
