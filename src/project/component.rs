//! `components/<component>/`: component.yaml, or the conventions where it does not say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check::External;
use crate::check::validity::Judgement;
use hydrate_base::{Diagnostic, FileKind, Label, SourceFile, World, is_refused};
use hydrate_source::Data;
use hydrate_source::compose;
use hydrate_yaml::node::{Data as NodeData, Node};

use super::parse::{self, Parsed, Spanned};
use super::select::picks;
use super::sets::{self, Sets};
use super::slips;
use super::{Hooks, Layout, Loaded, Project, RandomPolicies, checks, external, files, read_layout, valid_name};

/// What a helmfile is called that stands in the directory of an environment.
pub const HELMFILES: [&str; 2] = ["helmfile.yaml", "helmfile.yaml.gotmpl"];

/// The directory of namespaces in the tree; no component can have this name.
pub const NAMESPACES: &str = "00-namespaces";
/// The directory of CRDs in the tree of an environment that is handed over; no component can have this name.
pub const CRDS: &str = "00-crds";

/// A component: a directory of things to render.
#[derive(Debug, Clone)]
pub struct Component {
    /// The name of its directory.
    pub name: String,
    /// Its directory.
    pub dir: PathBuf,
    /// Its component.yaml, where there is one.
    pub file: Option<Arc<SourceFile>>,
    /// The namespace its releases are rendered into.
    pub namespace: Option<Spanned>,
    /// Components that must be applied before.
    pub needs: Vec<Spanned>,
    /// Environments it belongs to; `None`: all.
    pub environments: Option<Vec<Spanned>>,
    /// Its layout, where it differs from the project's.
    pub layout: Option<Layout>,
    /// What becomes of Helm hooks, the project's policies included.
    pub hooks: Hooks,
    /// What exists although nothing here renders it.
    pub external: Vec<External>,
    /// How bad it is to break rules of `check`, over what the environment says.
    pub checks: Judgement,
    /// What its charts see of the cluster.
    pub capabilities: Capabilities,
    /// What becomes of what chance decides, where it is not what the environment or the project says.
    pub random: RandomPolicies,
    /// What to render; `None`: found by convention.
    pub sources: Option<Vec<Spec>>,
    /// Kustomize patches over everything, as the text of a kustomization.
    pub patches: Option<Arc<SourceFile>>,
}

/// What charts see of the cluster, where it is not what is said further out: for the component, then the environment.
#[derive(Debug, Clone, Default)]
pub struct Capabilities {
    /// Kubernetes version.
    pub kubernetes: Option<Spanned>,
    /// API versions, added to those said further out.
    pub api_versions: Vec<String>,
    /// Whether the API versions of the environment's CRDs are seen.
    pub apis_from_crds: Option<bool>,
}

impl Capabilities {
    fn read(file: &Parsed, node: &Node) -> Self {
        Self {
            kubernetes: file.text(node, "kubernetes"),
            api_versions: file.texts(node, "apiVersions").unwrap_or_default().into_iter().map(|version| version.text).collect(),
            apis_from_crds: file.flag(node, "apiVersionsFromCRDs"),
        }
    }
}

/// A source as configured: paths are relative to the component and may hold `${env}` and a final `?`.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Where it was written; nowhere when it comes from a convention.
    pub label: Option<Label>,
    /// What it is.
    pub kind: SourceKind,
    /// Environments it is rendered for; `None`: those of the component.
    pub environments: Option<Vec<Spanned>>,
}

impl Spec {
    fn is_for(&self, env: &str) -> bool {
        self.environments.as_ref().is_none_or(|names| picks(names.iter().map(|name| name.text.as_str()), env))
    }
}

/// The kinds of sources.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// A Helm release.
    Helm(Box<HelmSpec>),
    /// A kustomization.
    Kustomize {
        /// Its directory.
        path: Spanned,
        /// Whether it gets the objects of the sources before it.
        over: bool,
    },
    /// MiniJinja templates.
    Jinja {
        /// A directory or one template.
        path: Spanned,
        /// Values files; `None`: by convention.
        values: Option<Vec<Spanned>>,
    },
    /// Plain YAML: a directory or one file.
    Raw(Spanned),
    /// A helmfile.
    Helmfile {
        /// The file, or a directory of them.
        path: Spanned,
        /// Which of its releases are rendered; none: all.
        selectors: Vec<String>,
    },
}

impl SourceKind {
    /// What it is called in component.yaml.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Helm(_) => "helm",
            Self::Kustomize { .. } => "kustomize",
            Self::Jinja { .. } => "jinja",
            Self::Raw(_) => "raw",
            Self::Helmfile { .. } => "helmfile",
        }
    }
}

/// A Helm release as configured.
#[derive(Debug, Clone)]
pub struct HelmSpec {
    /// Directory or archive of the chart.
    pub chart: Spanned,
    /// Name of the release; the component's where it is left out.
    pub release: Option<Spanned>,
    /// Namespace of the release; the component's where it is left out.
    pub namespace: Option<Spanned>,
    /// Values files; `None`: by convention.
    pub values: Option<Vec<Spanned>>,
    /// What the chart sees of the cluster.
    pub capabilities: Capabilities,
    /// Values over all values files.
    pub set: Sets,
    /// Whether crds/ are rendered.
    pub crds: bool,
    /// What becomes of hooks, the component's policies included.
    pub hooks: Hooks,
    /// Repository of a remote chart.
    pub repo: Option<Spanned>,
    /// Version of a remote chart.
    pub version: Option<Spanned>,
    /// Whether the chart must be signed by a trusted key.
    pub verify: bool,
}

impl Component {
    /// Reads the component of this name.
    pub(super) fn read(world: &dyn World, project: &Project, name: &str) -> Loaded {
        let dir = project.root.join(&project.settings.components).join(name);
        let shown = format!("{}/{name}", project.settings.components);
        if !valid_name(name) || name == NAMESPACES || name == CRDS {
            return Err(vec![
                Diagnostic::error(format!("{shown}: `{name}` cannot be the name of a component"))
                    .help("rename the directory: lower-case letters, digits, `-`, `_` and `.`, at most 63"),
            ]);
        }
        if let Some(error) = slips::misspelt(world, &dir, "component", &format!("{shown}/")) {
            return Err(vec![error]);
        }
        let file = parse::read(world, &dir.join("component.yaml"), &format!("{shown}/component.yaml"), &files::COMPONENT)?;
        match file {
            Some(file) => {
                let wrong = sets::wrong(&file);
                if !wrong.is_empty() {
                    return Err(wrong);
                }
                let mut component = Self::from_file(project, name, dir, &file);
                let home = component.namespace.as_ref().map(|own| own.text.as_str());
                component.random = RandomPolicies::read(&file, &file.root, home)?;
                component.external = external::read(&file, &file.root, home)?;
                component.checks = checks::read(&file, &file.root, home)?;
                Ok(component)
            }
            None => Ok(Self::empty(project, name, dir)),
        }
    }

    fn empty(project: &Project, name: &str, dir: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            dir,
            file: None,
            namespace: None,
            needs: Vec::new(),
            environments: None,
            layout: None,
            hooks: project.settings.hooks.clone(),
            external: Vec::new(),
            checks: Judgement::default(),
            random: RandomPolicies::default(),
            capabilities: Capabilities::default(),
            sources: None,
            patches: None,
        }
    }

    fn from_file(project: &Project, name: &str, dir: PathBuf, file: &Parsed) -> Self {
        let root = &file.root;
        let hooks = project.settings.hooks.merged(&Hooks::read(file, root));
        let sources = root.get("sources").and_then(Node::items);
        Self {
            namespace: file.text(root, "namespace"),
            needs: file.texts(root, "needs").unwrap_or_default(),
            environments: file.texts(root, "environments"),
            layout: read_layout(file, root),
            capabilities: Capabilities::read(file, root),
            sources: sources.map(|items| items.iter().filter_map(|item| read_source(file, item, &hooks)).collect()),
            patches: patches(file),
            file: Some(Arc::clone(&file.file)),
            hooks,
            ..Self::empty(project, name, dir)
        }
    }

    /// What to render for an environment: the configured sources, else those the conventions find, and in both cases
    /// the namespace file.
    pub fn specs(&self, world: &dyn World, env: &str) -> Vec<Spec> {
        let mut specs = self.namespace_file(world, env);
        match &self.sources {
            Some(sources) => specs.extend(sources.iter().filter(|spec| spec.is_for(env)).cloned()),
            None => self.conventions(world, env, &mut specs),
        }
        specs
    }

    /// `<env>/namespace.yaml`, else `namespace.yaml`.
    fn namespace_file(&self, world: &dyn World, env: &str) -> Vec<Spec> {
        let candidates = [format!("{env}/namespace.yaml"), "namespace.yaml".to_owned()];
        let found = candidates.into_iter().find(|path| self.has(world, path, FileKind::File));
        found.map(|path| convention(SourceKind::Raw(Spanned::convention(path)))).into_iter().collect()
    }

    fn conventions(&self, world: &dyn World, env: &str, specs: &mut Vec<Spec>) {
        let is = |path: &str, kind| self.has(world, path, kind);
        for name in HELMFILES {
            let path = format!("{env}/{name}");
            if is(&path, FileKind::File) {
                specs.push(convention(SourceKind::Helmfile { path: Spanned::convention(path), selectors: Vec::new() }));
            }
        }
        if is("chart/Chart.yaml", FileKind::File) {
            let helm = HelmSpec {
                chart: Spanned::convention("chart"),
                release: None,
                namespace: None,
                values: None,
                capabilities: Capabilities::default(),
                set: Sets::default(),
                crds: true,
                hooks: self.hooks.clone(),
                repo: None,
                version: None,
                verify: false,
            };
            specs.push(convention(SourceKind::Helm(Box::new(helm))));
        }
        // An overlay builds on its base by itself, so the base alone is built only where there is no overlay.
        let overlay = format!("{env}/kustomization");
        let kustomization = if is(&overlay, FileKind::Directory) {
            Some(overlay)
        } else {
            is("kustomization.yaml", FileKind::File).then(|| ".".to_owned())
        };
        specs.extend(kustomization.map(|path| convention(SourceKind::Kustomize { path: Spanned::convention(path), over: false })));
        if self.has_templates(world) {
            specs.push(convention(SourceKind::Jinja { path: Spanned::convention("templates"), values: None }));
        }
        if is("raw", FileKind::Directory) {
            specs.push(convention(SourceKind::Raw(Spanned::convention("raw"))));
        }
    }

    /// Whether a path is there. One that may not be read is: whoever reads it says why.
    fn has(&self, world: &dyn World, path: &str, kind: FileKind) -> bool {
        match world.kind(&self.dir.join(path)) {
            Ok(found) => found == kind,
            Err(error) => is_refused(&error),
        }
    }

    fn has_templates(&self, world: &dyn World) -> bool {
        let names = match world.list(&self.dir.join("templates")) {
            Ok(names) => names,
            Err(error) => return is_refused(&error),
        };
        names.iter().any(|name| Path::new(name).extension().is_some_and(|extension| extension == "j2"))
    }
}

/// The patches as the text of a kustomization: the file itself with everything else blanked, so that whatever is said about them is said about
/// what the user wrote, at its place; what cannot be cut out that way is written anew.
fn patches(file: &Parsed) -> Option<Arc<SourceFile>> {
    let (at, items) = file.root.entries()?.iter().enumerate().find_map(|(at, (key, value))| {
        let items = value.items().filter(|items| key.as_str() == Some("patches") && !items.is_empty())?;
        Some((at, items))
    })?;
    let line = |at: usize| file.root.entries()?.get(at).map(|(key, _)| (key.line as usize).saturating_sub(1));
    let (from, to) = (line(at)?, line(at + 1).unwrap_or(usize::MAX));
    let mut text = Vec::new();
    for (number, line) in file.file.text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_kept = (from..to).contains(&number);
        text.extend_from_slice(if is_kept {
            line
        } else {
            line.strip_prefix(line.strip_suffix(b"\n").unwrap_or(line)).unwrap_or_default()
        });
    }
    let wanted = Data::List(items.iter().map(Data::from_node).collect());
    let cut = SourceFile::new(file.file.name.clone(), text);
    if parse::parse(&cut)
        .is_ok_and(|root| root.entries().is_some_and(|entries| entries.len() == 1) && file.data(&root, "patches") == wanted)
    {
        return Some(cut);
    }
    let anew = Node::mapping(vec![(Node::string("patches"), wanted.to_node())]);
    let text = compose::emit(&anew).unwrap_or_else(|_| serde_json::json!({"patches": wanted.to_json()}).to_string());
    Some(SourceFile::new(file.file.name.clone(), text.into_bytes()))
}

fn convention(kind: SourceKind) -> Spec {
    Spec { label: None, kind, environments: None }
}

/// The values files of a source that does not name any: those that exist of these, in this order.
pub fn conventional_values() -> Vec<Spanned> {
    let names = ["values.yaml", "values.yaml.j2", "values.yaml.gotmpl"];
    let base = names.iter().map(|name| format!("{name}?"));
    let own = names.iter().map(|name| format!("${{env}}/{name}?"));
    base.chain(own).map(Spanned::convention).collect()
}

/// The one source of a list entry; its shape has been checked.
fn read_source(file: &Parsed, item: &Node, hooks: &Hooks) -> Option<Spec> {
    let (name, value) = item.entries()?.first()?;
    let long = matches!(value.data, NodeData::Mapping(_));
    let path = |key: &str| if long { file.text(value, key) } else { file.spanned(value) };
    let kind = match name.as_str()? {
        "helm" => SourceKind::Helm(Box::new(HelmSpec {
            chart: path("chart")?,
            release: file.text(value, "release"),
            namespace: file.text(value, "namespace"),
            values: file.texts(value, "values"),
            capabilities: Capabilities::read(file, value),
            set: Sets::read(&file.data(value, "set")),
            crds: file.flag(value, "crds").unwrap_or(true),
            hooks: hooks.merged(&Hooks::read(file, value)),
            repo: file.text(value, "repo"),
            version: file.text(value, "version"),
            verify: file.flag(value, "verify").unwrap_or(false),
        })),
        "kustomize" => SourceKind::Kustomize { path: path("path")?, over: file.text(value, "over").is_some() },
        "jinja" => SourceKind::Jinja { path: path("path")?, values: file.texts(value, "values") },
        "raw" => SourceKind::Raw(path("path")?),
        _ => {
            let selectors = file.texts(value, "selectors").unwrap_or_default().into_iter().map(|selector| selector.text).collect();
            SourceKind::Helmfile { path: path("path")?, selectors }
        }
    };
    let environments = if long { file.texts(value, "environments") } else { None };
    Some(Spec { label: Some(file.label(name)), kind, environments })
}
