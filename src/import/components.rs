//! The components that releases become, and their component.yaml.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hydrate_base::{Diagnostic, Result, SourceFile, suggest};
use hydrate_helmfile::Directory;
use hydrate_source::{Data, compose};
use hydrate_yaml::node::{Extra, Node, ScalarStyle, Style, Tag};

use super::releases::{Frame, Release, Seen};
use super::unit::Unit;
use super::values::{self, Place, Writer};
use crate::project::component::{CRDS, NAMESPACES};
use crate::project::parse::parse;
use crate::project::valid_name;

/// A component that is written.
#[derive(Debug)]
pub(super) struct Imported {
    pub name: String,
    /// The environments that it renders something for.
    pub environments: BTreeSet<String>,
    /// Its releases, by their places in the list of all.
    pub releases: Vec<usize>,
    /// Entries of `sources` beside its releases.
    pub others: Vec<String>,
}

/// Gives each release the component that it becomes, or becomes part of.
pub(super) fn assign(releases: &mut [Release], unit: &Unit, into: Option<&str>) -> Result<Vec<Imported>> {
    name_all(releases, unit, into)?;
    let mut components: Vec<Imported> = Vec::new();
    for (at, release) in releases.iter().enumerate() {
        let environments = release.seen.iter().map(|seen| seen.env.clone());
        match components.iter_mut().find(|component| component.name == release.component) {
            Some(component) => {
                component.environments.extend(environments);
                component.releases.push(at);
            }
            None => components.push(Imported {
                name: release.component.clone(),
                environments: environments.collect(),
                releases: vec![at],
                others: Vec::new(),
            }),
        }
    }
    // Patches of a component are over all of its releases, and so is its namespace.
    for component in components.iter().filter(|component| component.releases.len() > 1) {
        for at in &component.releases {
            if let Some(release) = releases.get_mut(*at) {
                release.stays.extend(release.is_patched().then(|| "patches, beside other releases of the component".to_owned()));
                release.stays.extend(release.has_manifests().then(|| "manifests, beside other releases of the component".to_owned()));
            }
        }
    }
    for release in releases.iter_mut() {
        let frames: Vec<&Frame> = release.seen.iter().map(|seen| &seen.frame).collect();
        let is_one = release.patches().is_some();
        let is_other = release.has_manifests() && frames.windows(2).any(|pair| pair[0] != pair[1]);
        release.stays.extend((!is_one).then(|| "patches that differ between environments".to_owned()));
        release.stays.extend(is_other.then(|| "manifests that differ between environments".to_owned()));
    }
    if unit.component.is_some()
        && let Some(component) = components.first_mut()
    {
        component.others.clone_from(&unit.others);
        if !unit.others.is_empty() {
            component.environments.extend(unit.helmfiles.keys().cloned());
        }
    }
    Ok(components)
}

fn name_all(releases: &mut [Release], unit: &Unit, into: Option<&str>) -> Result<()> {
    if let Some(name) = into.or(unit.component.as_deref()) {
        check_name(name)?;
        releases.iter_mut().for_each(|release| name.clone_into(&mut release.component));
        return Ok(());
    }
    let names: Vec<String> = releases.iter().map(|release| release.name.clone()).collect();
    for release in releases.iter_mut() {
        let is_shared = names.iter().filter(|name| **name == release.name).count() > 1;
        let namespace = release.seen.first().map(|seen| seen.namespace.as_str()).unwrap_or_default();
        release.component = if is_shared && !namespace.is_empty() { format!("{namespace}-{}", release.name) } else { release.name.clone() };
        check_name(&release.component)?;
    }
    let mut taken: BTreeMap<&str, &Release> = BTreeMap::new();
    for release in releases.iter() {
        if let Some(first) = taken.insert(&release.component, release) {
            return Err(Diagnostic::error(format!("two releases would become the component `{}`", release.component))
                .note(format!("one of {}, one of {}", first.file, release.file))
                .help("put all releases into one component: --into NAME"));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    if valid_name(name) && name != NAMESPACES && name != CRDS {
        return Ok(());
    }
    Err(Diagnostic::error(format!("`{name}` cannot be the name of a component"))
        .note("names have lower-case letters, digits, `-`, `_` and `.`, at most 63")
        .help("name the component for all releases: --into NAME"))
}

/// What all components of an import share.
pub(super) struct Shared<'a> {
    pub releases: &'a [Release],
    /// All environments of the project, those included that the import adds.
    pub environments: &'a [String],
    /// Whether the helmfile is the same file for all environments.
    pub is_common: bool,
    /// Hooks that are kept in spite of the project's policies.
    pub kept_hooks: &'a BTreeSet<String>,
    /// The directory of components in the project.
    pub directory: &'a str,
    /// Releases that are not rendered, by name and id.
    pub uninstalled: &'a [(String, String)],
}

/// Writes the files of a component. Gives what is to be told about its releases: by their places.
pub(super) fn write(component: &Imported, shared: &Shared<'_>, writer: &mut Writer<'_>) -> Result<Vec<(usize, String)>> {
    let dir = format!("{}/{}", shared.directory, component.name);
    let path = writer.root.join(&dir);
    let mut sources = Vec::new();
    let mut notes = Vec::new();
    for at in &component.releases {
        let Some(release) = shared.releases.get(*at) else { continue };
        let prefix = if component.releases.len() > 1 { format!("{}-", release.name) } else { String::new() };
        let has_one_environment = component.environments.len() == 1;
        let place = Place { dir: &dir, release: &release.name, prefix: &prefix, has_one_environment, is_common: shared.is_common };
        for group in groups(release, &path) {
            sources.push(source(component, release, &group, &path, writer, &place)?);
        }
        notes.extend(std::mem::take(&mut writer.notes).into_iter().map(|note| (*at, note)));
    }
    let mut root = Vec::new();
    let of_component = || component.releases.iter().filter_map(|at| shared.releases.get(*at));
    root.extend(of_component().find_map(namespace).map(|namespace| ("namespace", Node::string(namespace))));
    let (needs, strangers) = needs(component, shared);
    notes.extend(strangers);
    if !needs.is_empty() {
        root.push(("needs", texts(needs)));
    }
    if !shared.environments.iter().all(|env| component.environments.contains(env)) {
        root.push(("environments", texts(component.environments.iter().cloned())));
    }
    if !shared.kept_hooks.is_empty() {
        let keep = |event: &String| (Node::string(event.as_str()), Node::string("keep"));
        root.push(("hooks", Node::mapping(shared.kept_hooks.iter().map(keep).collect())));
    }
    root.push(("sources", Node::sequence(sources)));
    let mut text = compose::emit(&mapping(root))?;
    component.others.iter().for_each(|source| text.push_str(&format!("- {source}\n")));
    let patches: Vec<Node> = of_component().flat_map(patches).collect();
    if !patches.is_empty() {
        text.push_str(&compose::emit(&mapping(vec![("patches", Node::sequence(patches))]))?);
    }
    writer.files.insert(format!("{dir}/component.yaml"), text.into_bytes().into());
    Ok(notes)
}

/// The source for a release in some environments.
fn source(
    component: &Imported,
    release: &Release,
    group: &[&Seen],
    dir: &Path,
    writer: &mut Writer<'_>,
    place: &Place<'_>,
) -> Result<Node> {
    let directory = group.first().and_then(|seen| seen.frame.directory.clone());
    let (kind, mut fields) = match directory {
        _ if !release.stays.is_empty() => ("helmfile", helmfile(release, group, dir)?),
        None => ("helm", helm(component, group, dir, writer, place)?),
        Some(Directory::Kustomization { overlay }) => {
            ("kustomize", vec![("path", Node::string(writer.kustomization(group, &overlay, place)?))])
        }
        // Those are the same in all environments of their component.
        Some(Directory::Manifests { .. }) => {
            let path = values::chart(group, dir).unwrap_or_default();
            return Ok(mapping(vec![("raw", Node::string(path))]));
        }
    };
    let environments: BTreeSet<String> = group.iter().map(|seen| seen.env.clone()).collect();
    if environments != component.environments {
        fields.push(("environments", texts(environments)));
    }
    Ok(mapping(vec![(kind, mapping(fields))]))
}

/// The namespace of the objects in a directory of manifests that do not say theirs.
fn namespace(release: &Release) -> Option<String> {
    let seen = release.seen.first().filter(|_| release.stays.is_empty())?;
    if let Some(Directory::Manifests { namespace }) = &seen.frame.directory { namespace.clone() } else { None }
}

/// The environments of a release in groups, each of which one source says.
fn groups<'r>(release: &'r Release, dir: &Path) -> Vec<Vec<&'r Seen>> {
    let mut groups: Vec<Vec<&Seen>> = Vec::new();
    for seen in &release.seen {
        let fits = |group: &&mut Vec<&Seen>| {
            let mut all = (*group).clone();
            all.push(seen);
            if release.stays.is_empty() {
                let is_like = all.first().is_some_and(|first| first.frame.is_like(&seen.frame));
                let has_chart = seen.frame.local.is_none() || values::chart(&all, dir).is_some();
                is_like && has_chart && values::are_alike(&all, dir)
            } else {
                values::helmfile(&all, dir).is_some()
            }
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(seen),
            None => groups.push(vec![seen]),
        }
    }
    groups
}

fn helm(
    component: &Imported,
    group: &[&Seen],
    dir: &Path,
    writer: &mut Writer<'_>,
    place: &Place<'_>,
) -> Result<Vec<(&'static str, Node)>> {
    let Some(Seen { frame, .. }) = group.first() else { return Ok(Vec::new()) };
    let mut fields = Vec::new();
    match &frame.chart {
        Some(remote) => {
            fields.push(("chart", Node::string(remote.chart.as_str())));
            fields.extend(remote.repo.as_ref().map(|repo| ("repo", Node::string(repo.as_str()))));
            fields.extend(remote.version.as_ref().map(|version| ("version", Node::string(version.as_str()))));
            fields.extend(remote.verify.then(|| ("verify", Node::scalar(Tag::Bool, "true"))));
        }
        None => {
            let path = values::chart(group, dir)
                .ok_or_else(|| Diagnostic::error(format!("the path of the chart of {} cannot be written", frame.release)))?;
            fields.push(("chart", Node::string(path)));
        }
    }
    if frame.release != component.name {
        fields.push(("release", Node::string(frame.release.as_str())));
    }
    if frame.namespace != "default" {
        fields.push(("namespace", Node::string(frame.namespace.as_str())));
    }
    fields.extend(of_cluster(frame));
    let list = writer.list(group, place)?;
    // Without a list the convention would look for files.
    fields.push(("values", texts(list)));
    if !frame.set.is_empty() {
        let entry = |(path, value): &(String, Data)| (Node::string(path.as_str()), value.to_node());
        fields.push(("set", Node::mapping(frame.set.iter().map(entry).collect())));
    }
    Ok(fields)
}

fn of_cluster(frame: &Frame) -> Vec<(&'static str, Node)> {
    let mut fields = Vec::new();
    fields.extend(frame.kubernetes.as_ref().map(|version| ("kubernetes", Node::string(version.as_str()))));
    if !frame.api_versions.is_empty() {
        fields.push(("apiVersions", texts(frame.api_versions.iter().cloned())));
    }
    if frame.sees_crds {
        let mut off = Node::scalar(Tag::Bool, "false");
        off.extra = Some(Box::new(Extra {
            line: "# as with helmfile; true shows the chart what CRDs the environment has".into(),
            ..Extra::default()
        }));
        fields.push(("apiVersionsFromCRDs", off));
    }
    fields
}

fn helmfile(release: &Release, group: &[&Seen], dir: &Path) -> Result<Vec<(&'static str, Node)>> {
    let path = values::helmfile(group, dir).ok_or_else(|| Diagnostic::error(format!("the path of {} cannot be written", release.file)))?;
    let mut selector = format!("name={}", release.name);
    if let Some(namespace) = release.namespace.as_ref().filter(|namespace| !namespace.is_empty()) {
        selector.push_str(&format!(",namespace={namespace}"));
    }
    Ok(vec![("path", Node::string(path)), ("selectors", texts([selector]))])
}

/// The patches of a release as entries of `patches`.
fn patches(release: &Release) -> Vec<Node> {
    let Some(found) = release.patches().filter(|_| release.stays.is_empty()) else { return Vec::new() };
    let text = |text: &[u8]| {
        let mut node = Node::string(String::from_utf8_lossy(text).as_ref());
        node.style.scalar = ScalarStyle::Literal;
        node
    };
    let mut all = Vec::new();
    for patch in &found.json {
        let written = SourceFile::new("jsonPatches", patch.as_slice());
        let Ok(root) = parse(&written) else { continue };
        let operations = root.get("patch").and_then(|operations| match operations.as_str() {
            Some(text) => Some(text.to_owned()),
            None => compose::emit(operations).ok(),
        });
        let path = root.get("path").map(|path| ("path", path.clone()));
        let target = root.get("target").map(|target| ("target", target.clone()));
        let operations = operations.map(|operations| ("patch", text(operations.as_bytes())));
        all.push(mapping(target.into_iter().chain(path).chain(operations).collect()));
    }
    all.extend(found.strategic_merge.iter().map(|patch| mapping(vec![("patch", text(patch))])));
    all
}

/// The components that a component needs, and notes about releases that none is of.
fn needs(component: &Imported, shared: &Shared<'_>) -> (Vec<String>, Vec<(usize, String)>) {
    let (mut names, mut notes) = (BTreeSet::new(), Vec::new());
    for at in &component.releases {
        let Some(release) = shared.releases.get(*at) else { continue };
        let ids: BTreeSet<&String> = release.seen.iter().flat_map(|seen| &seen.needs).collect();
        for id in ids {
            match shared.releases.iter().find(|other| other.seen.iter().any(|seen| seen.id == *id)) {
                Some(other) if other.component != component.name => {
                    names.insert(other.component.clone());
                }
                Some(_) => {}
                None if shared.uninstalled.iter().any(|(_, other)| other == id) => {
                    notes.push((*at, format!("it needs {id}, which is not installed in any of these environments")));
                }
                None => {
                    let close = suggest::closest(id, shared.releases.iter().map(|release| release.name.as_str()));
                    let close = close.map(|close| format!("; did you mean {close}?")).unwrap_or_default();
                    notes.push((*at, format!("it needs {id}, which no helmfile here has{close}")));
                }
            }
        }
    }
    (names.into_iter().collect(), notes)
}

fn mapping(fields: Vec<(&'static str, Node)>) -> Node {
    Node::mapping(fields.into_iter().map(|(key, value)| (Node::string(key), value)).collect())
}

/// A list of texts: one line, where that is short.
fn texts(items: impl IntoIterator<Item = String>) -> Node {
    let items: Vec<Node> = items.into_iter().map(Node::string).collect();
    let length: usize = items.iter().filter_map(|item| item.as_str()).map(|text| text.len() + 2).sum();
    let mut list = Node::sequence(items);
    list.style = Style { flow: length < 60, ..Style::default() };
    list
}
