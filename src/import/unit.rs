//! What an import is about: a component with a helmfile for each environment, or a helmfile that has environments.

use std::collections::BTreeMap;
use std::path::{Component as Part, Path, PathBuf};

use hydrate_base::{Diagnostic, FileKind, Result, World};

use super::text;
use crate::project::component::HELMFILES;
use crate::project::{Project, valid_name};

/// Helmfiles that are imported together.
#[derive(Debug)]
pub(super) struct Unit {
    /// What was named, as it is shown.
    pub shown: String,
    /// The component that the helmfiles are of, where they lie in one.
    pub component: Option<String>,
    /// The helmfiles, or directories of them, by environment.
    pub helmfiles: BTreeMap<String, Vec<PathBuf>>,
    /// What the component renders beside its helmfiles, as entries of `sources`.
    pub others: Vec<String>,
    /// The component that it is rendered as before it is imported: its own, or one of a name that nobody has.
    pub stand_in: String,
}

impl Unit {
    /// The component.yaml that says what it is before it is imported.
    pub(super) fn before(&self, project: &Project, env: &str) -> String {
        let dir = project.root.join(&project.settings.components).join(&self.stand_in);
        let mut text = "sources:\n".to_owned();
        for path in self.helmfiles.get(env).into_iter().flatten() {
            text.push_str(&format!("- helmfile: {}\n", serde_json::Value::from(relative(&dir, path))));
        }
        self.others.iter().for_each(|source| text.push_str(&format!("- {source}\n")));
        text
    }
}

/// Finds what a path stands for; `asked` are the environments named on the command line.
pub(super) fn find(world: &dyn World, project: &Project, path: &Path, asked: &[String]) -> Result<Vec<Unit>> {
    let components = project.root.join(&project.settings.components);
    let shown = project.shown(path);
    let inside: Vec<String> = match path.strip_prefix(&components) {
        Ok(inside) => inside.components().filter_map(name_of).collect(),
        Err(_) => return Ok(vec![helmfile(world, project, path, asked)?]),
    };
    let is_file = world.kind(path).is_ok_and(|kind| kind == FileKind::File);
    let of_component = |name: &str| component(world, project, name).transpose();
    let found = match inside.as_slice() {
        [] => {
            let names = world.list(&components).map_err(|error| Diagnostic::error(format!("cannot read {shown}: {error}")))?;
            let units = names.iter().filter(|name| valid_name(name)).filter_map(|name| of_component(name)).collect::<Result<Vec<_>>>()?;
            if units.is_empty() {
                return Err(Diagnostic::error(format!("no component in {shown} has a helmfile")).help("name a helmfile"));
            }
            units
        }
        [name] if !is_file => of_component(name).transpose()?.into_iter().collect(),
        [name, _] if !is_file => of_component(name).transpose()?.into_iter().collect(),
        [name, _, file] if HELMFILES.contains(&file.as_str()) => of_component(name).transpose()?.into_iter().collect(),
        _ => Vec::new(),
    };
    if found.is_empty() {
        return Ok(vec![helmfile(world, project, path, asked)?]);
    }
    for unit in &found {
        let missing: Vec<&str> = unit.helmfiles.keys().map(String::as_str).filter(|env| !asked.iter().any(|asked| asked == env)).collect();
        if !asked.is_empty() && !missing.is_empty() {
            return Err(Diagnostic::error(format!("{} has a helmfile for {} as well", unit.shown, missing.join(", ")))
                .note("component.yaml speaks for all environments of a component, so they are imported together")
                .help("leave -e out"));
        }
    }
    Ok(found)
}

fn name_of(part: Part<'_>) -> Option<String> {
    if let Part::Normal(name) = part { Some(name.to_string_lossy().into_owned()) } else { None }
}

/// A component with `<env>/helmfile.yaml`; `None` where it has none.
fn component(world: &dyn World, project: &Project, name: &str) -> Result<Option<Unit>> {
    let dir = project.root.join(&project.settings.components).join(name);
    let shown = project.shown(&dir);
    let is = |path: &str, kind| world.kind(&dir.join(path)).is_ok_and(|found| found == kind);
    let names = world.list(&dir).map_err(|error| Diagnostic::error(format!("cannot read {shown}: {error}")))?;
    let mut helmfiles = BTreeMap::new();
    for env in names.iter().filter(|env| valid_name(env)) {
        let files = HELMFILES.iter().map(|file| format!("{env}/{file}")).filter(|path| is(path, FileKind::File));
        let files: Vec<PathBuf> = files.map(|path| dir.join(path)).collect();
        if !files.is_empty() {
            helmfiles.insert(env.clone(), files);
        }
    }
    if helmfiles.is_empty() {
        return Ok(None);
    }
    let mut others = Vec::new();
    let overlays: Vec<&String> = helmfiles.keys().filter(|env| is(&format!("{env}/kustomization"), FileKind::Directory)).collect();
    if !overlays.is_empty() {
        others.push("kustomize: \"${env}/kustomization?\"".to_owned());
    }
    if is("kustomization.yaml", FileKind::File) {
        let bare: Vec<&str> = helmfiles.keys().filter(|env| !overlays.contains(env)).map(String::as_str).collect();
        if !bare.is_empty() {
            others.push(format!("kustomize: {{path: ., environments: [{}]}}", bare.join(", ")));
        }
    }
    let has_templates = world.list(&dir.join("templates")).unwrap_or_default().iter().any(|name| name.ends_with(".j2"));
    if has_templates {
        others.push("jinja: templates".to_owned());
    }
    if is("raw", FileKind::Directory) {
        others.push("raw: raw".to_owned());
    }
    Ok(Some(Unit { shown, component: Some(name.to_owned()), helmfiles, others, stand_in: name.to_owned() }))
}

/// A helmfile, or a directory with one or with many.
fn helmfile(world: &dyn World, project: &Project, path: &Path, asked: &[String]) -> Result<Unit> {
    let shown = Some(project.shown(path)).filter(|shown| !shown.is_empty()).unwrap_or_else(|| ".".to_owned());
    let kind = world.kind(path).map_err(|error| Diagnostic::error(format!("cannot read {shown}: {error}")))?;
    let file = if kind == FileKind::File { path.to_owned() } else { in_directory(world, path, &shown)? };
    let known = environments(world, &file);
    let named: Vec<String> = match (asked, known.as_slice()) {
        ([], []) => vec!["default".to_owned()],
        ([], _) => known,
        _ => asked.to_vec(),
    };
    if let Some(wrong) = named.iter().find(|name| !valid_name(name) || *name == "all") {
        return Err(Diagnostic::error(format!("`{wrong}` cannot be the name of an environment"))
            .help("name those that are to be imported: -e dev -e prod"));
    }
    let shown = project.shown(&file);
    let is_free = |name: &String| world.kind(&project.root.join(&project.settings.components).join(name)).is_err();
    let stand_in = (0..).map(|number| format!("import-{number}")).find(is_free).unwrap_or_default();
    let helmfiles = named.into_iter().map(|env| (env, vec![file.clone()])).collect();
    Ok(Unit { shown, component: None, helmfiles, others: Vec::new(), stand_in })
}

/// The helmfile of a directory, or its `helmfile.d`, or itself where it is such a directory.
fn in_directory(world: &dyn World, path: &Path, shown: &str) -> Result<PathBuf> {
    let mut names: Vec<&str> = HELMFILES.to_vec();
    names.push("helmfile.d");
    if let Some(found) = names.iter().map(|name| path.join(name)).find(|path| world.kind(path).is_ok()) {
        return Ok(found);
    }
    let has_some = world.list(path).unwrap_or_default().iter().any(|name| name.contains(".yaml") || name.contains(".yml"));
    if path.file_name().is_some_and(|name| name == "helmfile.d") && has_some {
        return Ok(path.to_owned());
    }
    Err(Diagnostic::error(format!("there is no helmfile in {shown}"))
        .note("looked for helmfile.yaml, helmfile.yaml.gotmpl and helmfile.d")
        .help("name the helmfile: hydrate import FILE"))
}

/// The environments that a helmfile and its bases name.
fn environments(world: &dyn World, path: &Path) -> Vec<String> {
    let read = |path: &Path| world.read(path).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    let files = match world.kind(path) {
        Ok(FileKind::Directory) => world.list(path).unwrap_or_default().iter().map(|name| path.join(name)).collect(),
        _ => vec![path.to_owned()],
    };
    for file in files {
        let text = read(&file);
        let of_bases = text::bases(&text).into_iter().map(|base| read(&file.parent().unwrap_or(Path::new("/")).join(base)));
        let all = of_bases.chain([text.clone()]).flat_map(|text| text::environments(&text));
        all.for_each(|name| {
            if !names.contains(&name) {
                names.push(name);
            }
        });
    }
    names
}

/// A path as it leads from a directory, with slashes.
pub(super) fn relative(from: &Path, to: &Path) -> String {
    let (mut left, mut right) = (from.components().peekable(), to.components().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek())
        && a == b
    {
        left.next();
        right.next();
    }
    let up = left.map(|_| "..".to_owned());
    let parts: Vec<String> = up.chain(right.map(|part| part.as_os_str().to_string_lossy().into_owned())).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
