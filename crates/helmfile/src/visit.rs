//! All helmfiles of a run: the file or directory that is named, and those that they name in turn.
//!
//! Follows `visitStatesWithContext` of `pkg/app/app.go` of helmfile.

use std::path::{Path, PathBuf};

use hydrate_base::{Diagnostic, FileKind, Result};
use hydrate_gotmpl::{List, Map, Value};

use crate::inherits::Inherited;
use crate::load::{Context, LoadOptions, NotLoaded, State};
use crate::selector::Selector;
use crate::sources::is_remote;
use crate::{Version, needs, paths, record, releases};

/// How deep helmfiles may name others.
const DEPTH: usize = 64;

/// A helmfile whose releases are ready, in the order in which helmfile comes to them.
#[derive(Clone)]
pub(crate) struct Ready {
    pub state: State,
    /// The releases with their overrides and labels.
    pub releases: Vec<Map>,
}

/// What visiting all helmfiles gives.
pub(crate) struct Visited {
    pub ready: Vec<Ready>,
    /// Why the first helmfile without the environment is not used.
    pub undefined: Option<Box<Diagnostic>>,
}

/// Visits all helmfiles; `selectors` are those of the command line.
pub(crate) fn visit(context: &Context<'_>, path: Option<&Path>, options: &LoadOptions) -> Result<Visited> {
    let mut visitor = Visitor { context, selectors: &options.selectors, found: Vec::new(), undefined: None };
    visitor.files(path, options, 0)?;
    Ok(Visited { ready: visitor.found, undefined: visitor.undefined })
}

struct Visitor<'a> {
    context: &'a Context<'a>,
    selectors: &'a [String],
    found: Vec<Ready>,
    /// Why the first helmfile without the environment is not used.
    undefined: Option<Box<Diagnostic>>,
}

impl Visitor<'_> {
    fn files(&mut self, path: Option<&Path>, options: &LoadOptions, depth: usize) -> Result<()> {
        if depth > DEPTH {
            return Err(Diagnostic::error(format!("helmfiles name each other more than {DEPTH} deep"))
                .help("one of them may name itself by way of others"));
        }
        find(self.context, path)?.iter().try_for_each(|file| self.file(file, options, depth))
    }

    fn file(&mut self, file: &Path, options: &LoadOptions, depth: usize) -> Result<()> {
        let mut options = options.clone();
        if options.callee.as_os_str().is_empty() {
            options.callee = file.to_owned();
        }
        let state = match self.context.load(file, &options) {
            Ok(state) => state,
            Err(NotLoaded::UndefinedEnvironment(error)) => {
                self.undefined.get_or_insert(error);
                return Ok(());
            }
            Err(NotLoaded::Error(error)) => return Err(error),
        };
        let shown = paths::shown(file, self.context.root);
        for (at, nested) in record::maps(&state.fields, "helmfiles").iter().enumerate() {
            self.nested(&state, nested, &options, depth).map_err(|error| error.note(format!("in helmfiles[{at}] of {shown}")))?;
        }
        let releases = releases::execute_templates(self.context, &state)?;
        let releases = with_overrides(self.context, &state, releases);
        self.found.push(Ready { state, releases });
        Ok(())
    }

    fn nested(&mut self, state: &State, nested: &Map, options: &LoadOptions, depth: usize) -> Result<()> {
        let own = nested.get(b"selectors").map(|_| record::texts(nested, "selectors"));
        let is_inherited = record::flag(nested, "selectorsInherited");
        if self.context.version() == Version::V1 && !is_inherited && self.conflicts(own.as_deref().unwrap_or_default())? {
            return Ok(());
        }
        let explicit = self.context.world.shows_variable("HELMFILE_EXPERIMENTAL")
            && self
                .context
                .world
                .variable("HELMFILE_EXPERIMENTAL")
                .is_some_and(|value| value.contains("true") || value.contains("explicit-selector-inheritance"));
        let selectors = if own.is_none() && !explicit || is_inherited { options.selectors.clone() } else { own.unwrap_or_default() };
        let wanted = record::texts(nested, "inherits");
        let inner = LoadOptions {
            selectors,
            values: record::list(nested, "values"),
            callee: state.file.clone(),
            set: None,
            inherited: Inherited::of(&state.fields, &state.environment, &wanted),
        };
        let path = record::text(nested, "path");
        let path = if is_remote(&path) {
            self.context.remotes.file(&path)?
        } else {
            let path = paths::join(&state.base, &path);
            let is_file = path.extension().is_some_and(|extension| ["yaml", "yml", "gotmpl"].iter().any(|known| extension == *known));
            let directory = if is_file { path.parent().unwrap_or(&path) } else { &path };
            self.context.world.admit(directory);
            path
        };
        self.files(Some(&path), &inner, depth + 1)
    }

    /// Whether no release can match both the selectors of the command line and those of a nested helmfile.
    fn conflicts(&self, own: &[String]) -> Result<bool> {
        if self.selectors.is_empty() || own.is_empty() {
            return Ok(false);
        }
        let parse = |texts: &[String]| texts.iter().map(|text| Selector::parse(text)).collect::<Result<Vec<_>>>();
        let (Ok(outer), Ok(inner)) = (parse(self.selectors), parse(own)) else { return Ok(false) };
        Ok(!outer.iter().any(|outer| inner.iter().any(|inner| outer.fits(inner))))
    }
}

/// The helmfiles at a path, or those that are there where none is named.
fn find(context: &Context<'_>, path: Option<&Path>) -> Result<Vec<PathBuf>> {
    let kind = |path: &Path| context.world.kind(path).ok();
    if let Some(path) = path {
        return match kind(path) {
            Some(FileKind::Directory) => in_directory(context, path),
            Some(_) => Ok(vec![path.to_owned()]),
            None => Err(Diagnostic::error(format!("specified state file {} is not found", paths::shown(path, context.root)))),
        };
    }
    let (plain, template, directory) =
        (context.root.join("helmfile.yaml"), context.root.join("helmfile.yaml.gotmpl"), context.root.join("helmfile.d"));
    let is_file = |path: &Path| kind(path).is_some_and(|kind| kind == FileKind::File);
    if is_file(&plain) && is_file(&template) {
        return Err(Diagnostic::error("both helmfile.yaml and helmfile.yaml.gotmpl exist. Please remove one of them"));
    }
    let file = [plain, template].into_iter().find(|path| is_file(path));
    match (kind(&directory) == Some(FileKind::Directory), file) {
        (true, Some(file)) => Err(Diagnostic::error(format!(
            "configuration conlict error: you can have either {} or helmfile.d, but not both",
            paths::shown(&file, context.root)
        ))),
        (true, None) => in_directory(context, &directory),
        (false, Some(file)) => Ok(vec![file]),
        (false, None) => Err(Diagnostic::error(
            "no state file found. It must be named helmfile.d/*.{yaml,yml,yaml.gotmpl,yml.gotmpl}, helmfile.yaml, or helmfile.yaml.gotmpl, otherwise specified with the --file flag or HELMFILE_FILE_PATH environment variable",
        )),
    }
}

fn in_directory(context: &Context<'_>, directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = paths::glob(context.world, &directory.join("*.y*ml")).map_err(Diagnostic::error)?;
    files.extend(paths::glob(context.world, &directory.join("*.y*ml.gotmpl")).map_err(Diagnostic::error)?);
    files.sort();
    Ok(files)
}

/// The releases with what the helmfile overrides, needs as whole ids, and the labels that selectors may name.
fn with_overrides(context: &Context<'_>, state: &State, releases: Vec<Map>) -> Vec<Map> {
    let with = |release: Map| {
        let release = override_fields(state, &release);
        // 0.166 adds labels only where there are selectors.
        if context.version() == Version::V1 || !state.selectors.is_empty() {
            let labels = labels(context.version(), state, &release);
            release.insert("labels", Value::Map(Map::typed("map[string]string", labels.entries().clone())));
        }
        release
    };
    releases.into_iter().map(with).collect()
}

fn labels(version: Version, state: &State, release: &Map) -> Map {
    let chart = record::text(release, "chart");
    let own = [
        ("name", record::text(release, "name")),
        ("namespace", record::text(release, "namespace")),
        ("chart", chart.rsplit('/').next().unwrap_or_default().to_owned()),
    ];
    let own = Map::from_entries(own.into_iter().map(|(name, text)| (name.into(), Value::str(text))));
    let (common, written) = (record::map(&state.fields, "commonLabels"), record::map(release, "labels"));
    let layers = match version {
        Version::V0 => [written, own, common],
        Version::V1 => [common, written, own],
    };
    let labels = Map::new();
    for layer in layers {
        layer.entries().iter().for_each(|(name, value)| labels.insert(name.clone(), value.clone()));
    }
    labels
}

fn override_fields(state: &State, release: &Map) -> Map {
    let release = record::shallow(release);
    for key in ["kubeContext", "namespace"] {
        if let Some(value) = record::some_text(&state.fields, key) {
            release.insert(key, Value::str(value));
        }
    }
    let needs = record::texts(&release, "needs").into_iter().map(|need| Value::str(whole_id(&release, &need))).collect::<Vec<_>>();
    if !needs.is_empty() {
        release.insert("needs", Value::List(List::new(needs)));
    }
    release
}

/// What a release needs, with the namespace and context of the release where it says none.
fn whole_id(release: &Map, need: &str) -> String {
    let parts: Vec<&str> = need.split('/').collect();
    let (name, before) = parts.split_last().map_or(("", &[] as &[&str]), |(name, before)| (*name, before));
    let (namespace, context) = match before.split_last() {
        None => (record::text(release, "namespace"), record::text(release, "kubeContext")),
        Some((namespace, [])) => ((*namespace).to_owned(), record::text(release, "kubeContext")),
        Some((namespace, context)) => ((*namespace).to_owned(), context.join("/")),
    };
    match (context.is_empty(), namespace.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{namespace}/{name}"),
        (false, _) => format!("{context}/{namespace}/{name}"),
    }
}

impl State {
    /// What the helmfile puts in the place of what releases say.
    pub(crate) fn overrides(&self) -> crate::data::Overrides {
        let text = |name: &str| record::text(&self.fields, name);
        crate::data::Overrides { kube_context: text("kubeContext"), namespace: text("namespace"), chart: text("chart") }
    }
}

/// Which releases of a helmfile are rendered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// `--include-needs`
    pub include: bool,
    /// `--include-transitive-needs`
    pub include_transitive: bool,
    /// `--skip-needs`
    pub skip: bool,
    /// `--enforce-needs-are-installed`
    pub enforce_installed: bool,
}

/// The releases that a command is about, in the order in which they are rendered.
///
/// Follows `withNeeds` of `pkg/app/app.go`.
pub(crate) fn planned(ready: &Ready, needs: Needs) -> Result<Vec<Map>> {
    let chosen = chosen(ready, &ready.releases, false)?;
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = chosen.iter().map(needs::id).collect();
    if let Some(id) = ids.iter().enumerate().find(|(at, id)| ids.iter().take(*at).any(|other| other == *id)).map(|(_, id)| id) {
        return Err(Diagnostic::error(format!("found 2 duplicate releases with ID {id:?}")));
    }
    let all = without_duplicates(&ready.releases, &chosen);
    check_duplicates(&all)?;
    let include = needs.include || needs.include_transitive;
    let options = needs::PlanOptions { include, skip: needs.skip };
    let groups = needs::plan(&all, &ids, options)?;
    let wanted: Vec<Map> = groups.into_iter().flatten().filter(is_installed).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = wanted.iter().map(needs::id).collect();
    let planned: Vec<Map> = needs::plan(&all, &ids, options)?.into_iter().flatten().collect();
    if needs.enforce_installed {
        wanted.iter().try_for_each(|release| check_needs_installed(release, &all, &mut Vec::new()))?;
    }
    Ok(planned.into_iter().filter(is_installed).collect())
}

/// `installed`, which is true where nothing is said.
pub(crate) fn is_installed(release: &Map) -> bool {
    record::optional_flag(release, "installed").unwrap_or(true)
}

fn check_needs_installed(release: &Map, all: &[Map], path: &mut Vec<String>) -> Result<()> {
    let id = needs::id(release);
    if path.contains(&id) {
        return Ok(());
    }
    path.push(id);
    for need in record::texts(release, "needs") {
        let Some(needed) = all.iter().find(|other| needs::id(other) == need) else { continue };
        if !is_installed(needed) {
            return Err(Diagnostic::error(format!(
                "Release {} has a transitive dependency {} marked as installed=false",
                record::text(release, "name"),
                record::text(needed, "name")
            )));
        }
        check_needs_installed(needed, all, path)?;
    }
    Ok(())
}

/// The releases that selectors and conditions leave.
pub(crate) fn chosen(ready: &Ready, releases: &[Map], with_needs: bool) -> Result<Vec<Map>> {
    let selectors = ready.state.selectors.iter().map(|text| Selector::parse(text)).collect::<Result<Vec<_>>>()?;
    let mut is_chosen = Vec::new();
    for release in releases {
        let matches = selectors.is_empty() || selectors.iter().any(|selector| selector.matches(release));
        is_chosen.push(crate::selector::is_enabled(release, &ready.state.values)? && matches);
    }
    if with_needs {
        let mut needed = Vec::new();
        for (release, _) in releases.iter().zip(&is_chosen).filter(|(_, chosen)| **chosen) {
            collect_needs(release, releases, &mut needed);
        }
        for (release, chosen) in releases.iter().zip(&mut is_chosen) {
            *chosen |= needed.contains(&needs::id(release));
        }
    }
    Ok(releases.iter().zip(is_chosen).filter(|(_, chosen)| *chosen).map(|(release, _)| release.clone()).collect())
}

fn collect_needs(release: &Map, all: &[Map], needed: &mut Vec<String>) {
    for need in record::texts(release, "needs") {
        if needed.contains(&need) {
            continue;
        }
        let name = need.rsplit('/').next().unwrap_or_default().to_owned();
        needed.push(need);
        all.iter().filter(|other| record::text(other, "name") == name).for_each(|other| collect_needs(other, all, needed));
    }
}

/// Of several releases with the same id the one that was chosen.
fn without_duplicates(releases: &[Map], chosen: &[Map]) -> Vec<Map> {
    let mut seen: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for release in releases {
        let id = needs::id(release);
        if releases.iter().filter(|other| needs::id(other) == id).count() == 1 {
            kept.push(release.clone());
        } else if !seen.contains(&id)
            && let Some(chosen) = chosen.iter().find(|chosen| needs::id(chosen) == id)
        {
            kept.push(chosen.clone());
            seen.push(id);
        }
    }
    kept
}

/// Two releases of the same name in a namespace are a mistake.
pub(crate) fn check_duplicates(releases: &[Map]) -> Result<()> {
    let key = |release: &Map| ["namespace", "name", "kubeContext"].map(|name| record::text(release, name));
    for (at, release) in releases.iter().enumerate() {
        let own = key(release);
        let count = releases.iter().filter(|other| key(other) == own).count();
        if count > 1 && releases.iter().take(at).all(|other| key(other) != own) {
            let [namespace, name, context] = own;
            let namespace = if namespace.is_empty() { String::new() } else { format!(" in namespace {namespace:?}") };
            let context = if context.is_empty() { String::new() } else { format!(" in kubecontext {context:?}") };
            return Err(Diagnostic::error(format!(
                "duplicate release {name:?} found{namespace}{context}: there were {count} releases named \"{name}\" matching specified selector"
            )));
        }
    }
    Ok(())
}
